/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioscsi(4), scsibus(4), sd(4) and cd(4) with hosts and units that lie in
 * what they say.  There is no right answer; but nothing crashes, nothing
 * hangs, everything is given back, and what is said of it is not endless.
 */

#include "test.h"

#include "sim/scsinode.h"

#define LINES_MAX	300

static u_int	lie;			/* which one, of those of a test */
static uint8_t	lie_op;			/* the command that it is about */

/* --- something to be lied to --------------------------------------------- */

static void
use(const char *name, int flags)
{
	u_int i;

	node_close(node, nodeflags);
	nodeflags = flags;
	if ((node = node_open(name, flags)) == NULL)
		return;
	for (i = 0; i < 3; i++)
		(void)rd(1000 * i, 8192, NULL);
	if (flags & FWRITE) {
		memset(buf, 0, 8192);
		(void)wr(100, 8192, NULL);
		(void)dev_fsync(node);
		ioarg[0] = 4096;
		ioarg[1] = 8192;
		(void)io(BLKDISCARD, ioarg);
		(void)io(BLKZEROOUT, ioarg);
	} else {
		(void)io(CDROM_DRIVE_STATUS, NULL);
		(void)io(CDROM_LOCKDOOR, NULL);
		(void)io(CDROMEJECT, NULL);
		(void)io(CDROMCLOSETRAY, NULL);
	}
	node_close(node, nodeflags);
	node = NULL;
}

static void
units(void)
{
	make();
	sim_scsi_set(sh, SIM_SCSI_MAX_TARGET, 7);
	lu = disk(0, 0, 4096);
	lu->lu_thin = lu->lu_lbpws = true;
	sim_lu_new(sh, 1, 0, SIM_CDROM, 1000, 2048);
	disk(2, 300, 4096);
}

/* With all that is there, whatever it is by now. */
static void
live(void)
{
	uint64_t start = hosted_now;

	sim_attach();
	hosted_run(100 * SEC);
	assert_true(sim_said("vioscsi0"));
	(void)sysctl_write("hw.vioscsi0.timeout", "2");
	use("sd0", FREAD | FWRITE);
	use("sd1", FREAD | FWRITE);
	use("cd0", FREAD | FNONBLOCK);
	sim_lu_plug(sh, 4, 0, SIM_DISK, 100, 512, true);
	hosted_run(100 * SEC);
	if (sim_lu_find(sh, 4, 0) != NULL)
		sim_lu_unplug(sim_lu_find(sh, 4, 0), true);
	hosted_run(100 * SEC);
	if (lines_with("") > LINES_MAX)
		fail_msg("lie %u: %u lines", lie, lines_with(""));
	if (hosted_now - start > 20000 * SEC)
		fail_msg("lie %u: %llu seconds", lie,
		    (unsigned long long)((hosted_now - start) / SEC));
	clean();
	assert_nothing_left();
}

static void
lies(u_int n, void (*fn)(struct sim_scsi *, struct sim_answer *), bool strict)
{
	for (lie = 0; lie < n; lie++) {
		sim_lenient = !strict;
		units();
		sh->sh_answer = fn;
		/* where the end is is a matter of belief */
		lu->lu_resized = true;
		live();
	}
}

/* So many bytes, whatever the unit has said. */
static void
length(struct sim_answer *sa, uint64_t n)
{
	sa->sa_status = SIM_GOOD;
	sa->sa_nsense = sa->sa_senselen = 0;
	sa->sa_len = MIN(n, sa->sa_room);
	sa->sa_residual = sa->sa_room - sa->sa_len;
}

/* --- the configuration --------------------------------------------------- */

static const u_int fields[] = { SIM_SCSI_NUM_QUEUES, SIM_SCSI_SEG_MAX,
    SIM_SCSI_MAX_SECTORS, SIM_SCSI_CMD_PER_LUN, SIM_SCSI_EVENT_SIZE,
    SIM_SCSI_SENSE_SIZE, SIM_SCSI_CDB_SIZE, SIM_SCSI_MAX_CHANNEL,
    SIM_SCSI_MAX_TARGET, SIM_SCSI_MAX_LUN };
static const uint32_t values[] = { 0, 1, 2, 3, 15, 16, 17, 31, 95, 255, 4096,
    65535, 65536, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };

static void
nonsense_in_each_field(bool stubborn)
{
	u_int i, k;

	for (i = 0; i < nitems(fields); i++) {
		for (k = 0; k < nitems(values); k++) {
			lie = 100 * i + k;
			sim_lenient = true;
			units();
			sim_scsi_set(sh, fields[i], values[k]);
			sh->sh_stubborn = stubborn;
			sim_attach();
			hosted_run(100 * SEC);
			/* it is used, or somebody was told why not */
			assert_true(sim_said("vioscsi0"));
			use("sd0", FREAD | FWRITE);
			assert_true(lines_with("") <= LINES_MAX);
			clean();
			assert_nothing_left();
		}
	}
}

static void
nonsense_in_each_field_of_the_configuration(void **state)
{
	nonsense_in_each_field(false);
}

static void
sizes_that_do_not_change_when_they_are_written(void **state)
{
	nonsense_in_each_field(true);
}

static void
nonsense_in_all_fields(void **state)
{
	u_int i, n;

	for (n = 0; n < 200; n++) {
		lie = n;
		sim_seed(n);
		sim_lenient = true;
		units();
		for (i = 0; i < nitems(fields); i++)
			sim_scsi_set(sh, fields[i],
			    values[sim_random(nitems(values))]);
		sim_attach();
		hosted_run(100 * SEC);
		use("sd0", FREAD | FWRITE);
		clean();
		assert_nothing_left();
	}
}

static void
a_segment_limit_of_0_is_one_or_none(void **state)
{
	ready();
	clean();
	make();
	lu = disk(0, 0, 4096);
	sim_scsi_set(sh, SIM_SCSI_SEG_MAX, 0);
	sim_attach();
	hosted_run(10 * SEC);
	if ((node = node_open("sd0", FREAD)) != NULL) {
		nodeflags = FREAD;
		assert_int_equal(rd(100, 20000, NULL), 0);
		assert_data(100, 20000);
	}
}

static void
a_configuration_that_changes_all_the_time(void **state)
{
	u_int i, k;

	sim_lenient = true;
	units();
	sim_attach();
	hosted_run(100 * SEC);
	for (i = 0; i < 100; i++) {
		for (k = 0; k < SIM_SCSI_CFGSIZE; k++)
			sh->sh_sv->sv_config[k] = sim_random(256);
		sim_virtio_changed(sh->sh_sv);
		hosted_run(1000000);
		use("sd0", FREAD | FWRITE);
	}
	clean();
	assert_nothing_left();
}

/* --- INQUIRY ------------------------------------------------------------- */

static void
lie_inquiry(struct sim_scsi *host, struct sim_answer *sa)
{
	static const uint8_t types[] = { 0x00, 0x05, 0x1f, 0x7f, 0x60, 0xff,
	    0x20, 0x04, 0x07, 0x0e };
	uint64_t i;

	if (sa->sa_cdb[0] != 0x12 || (sa->sa_cdb[1] & 1) || sa->sa_room < 36)
		return;
	switch (lie) {
	case 0:
		length(sa, sa->sa_room);
		memset(sa->sa_data, 0xff, sa->sa_len);
		break;
	case 1:
		length(sa, sa->sa_room);
		memset(sa->sa_data, 0, sa->sa_len);
		break;
	case 2:			/* control characters, and no end */
		for (i = 8; i < 36; i++)
			sa->sa_data[i] = i - 8;
		break;
	case 3:
		sa->sa_data[4] = 0xff;
		break;
	case 4:
		sa->sa_data[4] = 0;
		break;
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
	case 11:
		length(sa, (uint64_t[]){ 0, 1, 4, 5, 8, 35, 36 }[lie - 5]);
		break;
	case 12:		/* another each time */
		sa->sa_data[0] = types[sim_random(nitems(types))];
		for (i = 1; i < 36; i++)
			sa->sa_data[i] = sim_random(256);
		break;
	case 13:		/* and for units that are not there */
		sa->sa_response = SIM_R_OK;
		length(sa, 36);
		memset(sa->sa_data, 'x', 36);
		sa->sa_data[0] = 0;
		sa->sa_data[4] = 31;
		break;
	default:
		sa->sa_data[0] = types[(lie - 14) % nitems(types)];
		break;
	}
}

static void
inquiry_data(void **state)
{
	lies(24, lie_inquiry, true);
}

/* --- REPORT LUNS --------------------------------------------------------- */

static void
lie_luns(struct sim_scsi *host, struct sim_answer *sa)
{
	static const uint32_t said[] = { 0xffffffff, 0xfffffff8, 0xfffffff9,
	    0x80000000, 0x7ffffff8, 7, 0, 1, 9, 800000 };
	uint64_t i;

	if (sa->sa_cdb[0] != 0xa0 || sa->sa_room < 16)
		return;
	if (lie < nitems(said)) {
		sim_put_be(sa->sa_data, 4, said[lie]);
		return;
	}
	switch (lie - nitems(said)) {
	case 0:			/* all of them unit 0 */
		length(sa, sa->sa_room);
		memset(sa->sa_data, 0, sa->sa_len);
		sim_put_be(sa->sa_data, 4, sa->sa_len - 8);
		break;
	case 1:			/* as many as there can be */
		length(sa, sa->sa_room);
		sim_put_be(sa->sa_data, 4, 800000);
		for (i = 8; i + 8 <= sa->sa_len; i += 8)
			sim_scsi_lun(sa->sa_data + i - 2, 0, i / 8 % 16384);
		break;
	case 2:
		length(sa, sa->sa_room);
		memset(sa->sa_data + 4, 0xff, sa->sa_len - 4);
		break;
	case 3:
		length(sa, sa->sa_room);
		for (i = 4; i < sa->sa_len; i++)
			sa->sa_data[i] = sim_random(256);
		break;
	case 4:			/* well-known, extended, and deeper ones */
	case 5:
	case 6:
	case 7:
		length(sa, 24);
		memset(sa->sa_data, 0, 24);
		sa->sa_data[3] = 16;
		sim_put_be(sa->sa_data + 8, 8, (uint64_t[]){
		    0xc101000000000000, 0xd200000000000000,
		    0x8000000100000000, 0x0000000000000100
		    }[lie - nitems(said) - 4]);
		break;
	case 8:
	case 9:
	case 10:
		length(sa, (uint64_t[]){ 0, 3, 8 }[lie - nitems(said) - 8]);
		break;
	default:		/* another list each time */
		length(sa, 8 + 8 * sim_random(3));
		sim_put_be(sa->sa_data, 4, sa->sa_len - 8);
		for (i = 8; i < sa->sa_len; i++)
			sa->sa_data[i] = i % 8 == 1 ? sim_random(4) : 0;
		break;
	}
}

static void
lists_of_units(void **state)
{
	lies(10 + 12, lie_luns, true);
}

/* Each target has all units that it is asked for. */
static void
lie_everything_is_there(struct sim_scsi *host, struct sim_answer *sa)
{
	sa->sa_response = SIM_R_OK;
	if (sa->sa_cdb[0] != 0x12)
		return;
	length(sa, 36);
	memset(sa->sa_data, 0, MIN(sa->sa_room, 36));
	if (sa->sa_room >= 36)
		sa->sa_data[4] = 31;
}

static void
units_wherever_one_looks(void **state)
{
	units();
	sim_scsi_set(sh, SIM_SCSI_MAX_TARGET, 255);
	sim_lenient = true;
	sh->sh_answer = lie_everything_is_there;
	sim_attach();
	hosted_run(1000 * SEC);
	clean();
	assert_nothing_left();
}

/* --- capacity ------------------------------------------------------------ */

static void
lie_capacity(struct sim_scsi *host, struct sim_answer *sa)
{
	static const struct { uint64_t last; uint32_t size; } said[] = {
		{ 0, 0 }, { 4095, 0 }, { 4095, 1 }, { 4095, 3 },
		{ 4095, 0x80000000 }, { 4095, 0xffffffff }, { 4095, 256 },
		{ 4095, 520 }, { 4095, 1 << 20 }, { ~0ULL, 512 },
		{ ~0ULL - 1, 512 }, { ~0ULL, 0xffffffff }, { 1ULL << 63, 512 },
		{ 1ULL << 55, 512 }, { 1ULL << 54, 512 },
		{ (1ULL << 54) - 1, 512 }, { (1ULL << 51) - 1, 4096 },
		{ 0, 512 }, { 0xffffffff, 0x10000 }, { 1ULL << 48, 65536 },
	};
	u_int i = lie % nitems(said);

	if (sa->sa_cdb[0] == 0x25 && sa->sa_room >= 8) {
		length(sa, 8);
		sim_put_be(sa->sa_data, 4, lie < nitems(said) ?
		    MIN(said[i].last, 0xffffffff) : 0xffffffff);
		sim_put_be(sa->sa_data + 4, 4, said[i].size);
	}
	if (sa->sa_cdb[0] == 0x9e && sa->sa_room >= 16) {
		length(sa, 32);
		sim_put_be(sa->sa_data, 8, said[i].last);
		sim_put_be(sa->sa_data + 8, 4, said[i].size);
		if (sa->sa_len >= 32)
			memset(sa->sa_data + 12, lie & 1 ? 0xff : 0, 20);
	}
}

static void
capacities(void **state)
{
	lies(40, lie_capacity, false);
}

static void
lie_short_capacity(struct sim_scsi *host, struct sim_answer *sa)
{
	if (sa->sa_cdb[0] == 0x25 || sa->sa_cdb[0] == 0x9e)
		length(sa, lie);
}

static void
capacities_that_end_early(void **state)
{
	lies(33, lie_short_capacity, false);
}

static void
lie_restless_capacity(struct sim_scsi *host, struct sim_answer *sa)
{
	if (sa->sa_cdb[0] == 0x25 && sa->sa_room >= 8)
		sim_put_be(sa->sa_data, 4, sim_random(5000));
	if (sa->sa_cdb[0] == 0x9e && sa->sa_room >= 32)
		sim_put_be(sa->sa_data, 8, sim_random(5000));
	/* and the unit says so with each command */
	if (sa->sa_lu != NULL && sim_random(3) == 0)
		sim_lu_attention(sa->sa_lu, 0x2a, 0x09);
}

static void
a_capacity_that_changes_all_the_time(void **state)
{
	lies(20, lie_restless_capacity, false);
}

/* --- pages --------------------------------------------------------------- */

static void
lie_vpd(struct sim_scsi *host, struct sim_answer *sa)
{
	static const uint16_t said[] = { 0, 1, 3, 255, 0x3c, 0x7fff, 0xfffc,
	    0xffff };
	uint64_t i;

	if (sa->sa_cdb[0] != 0x12 || !(sa->sa_cdb[1] & 1) || sa->sa_room < 4)
		return;
	if (lie < nitems(said)) {
		sim_put_be(sa->sa_data + 2, 2, said[lie]);
		return;
	}
	switch (lie - nitems(said)) {
	case 0:
		sa->sa_data[1] ^= 0x31;		/* another page */
		break;
	case 1:
		length(sa, sa->sa_room);
		memset(sa->sa_data, 0xff, sa->sa_len);
		break;
	case 2:
		length(sa, sa->sa_room);
		memset(sa->sa_data, 0, sa->sa_len);
		sa->sa_data[1] = sa->sa_cdb[2];
		break;
	case 3:			/* all bytes that follow are 0xff */
		length(sa, sa->sa_room);
		memset(sa->sa_data + 2, 0xff, sa->sa_len - 2);
		break;
	case 4:			/* all that follow are 0 */
		memset(sa->sa_data + 4, 0, sa->sa_room - 4);
		break;
	case 5:
		memset(sa->sa_data + 4, '\n', sa->sa_room - 4);
		break;
	case 6:
		length(sa, sa->sa_room);
		for (i = 2; i < sa->sa_len; i++)
			sa->sa_data[i] = sim_random(256);
		break;
	default:
		length(sa, lie - nitems(said) - 7);
		break;
	}
}

static void
pages_of_product_data(void **state)
{
	lies(8 + 7 + 70, lie_vpd, false);
}

static void
lie_mode(struct sim_scsi *host, struct sim_answer *sa)
{
	uint64_t i;

	if ((sa->sa_cdb[0] != 0x1a && sa->sa_cdb[0] != 0x5a) ||
	    sa->sa_room < 8)
		return;
	switch (lie) {
	case 0:
		length(sa, sa->sa_room);
		memset(sa->sa_data, 0xff, sa->sa_len);
		break;
	case 1:
		length(sa, sa->sa_room);
		memset(sa->sa_data, 0, sa->sa_len);
		break;
	case 2:			/* block descriptors without an end */
		sa->sa_data[3] = 0xff;
		sa->sa_data[6] = sa->sa_data[7] = 0xff;
		break;
	case 3:			/* pages of length 0, many of them */
		length(sa, sa->sa_room);
		memset(sa->sa_data + 4, 0, sa->sa_len - 4);
		sa->sa_data[0] = 0xff;
		break;
	case 4:
		length(sa, sa->sa_room);
		for (i = 0; i < sa->sa_len; i++)
			sa->sa_data[i] = sim_random(256);
		break;
	default:
		length(sa, lie - 5);
		break;
	}
}

static void
pages_of_modes(void **state)
{
	lies(5 + 40, lie_mode, true);
}

/* --- sense data ---------------------------------------------------------- */

static void
lie_sense(struct sim_scsi *host, struct sim_answer *sa)
{
	static const uint32_t said[] = { 0, 1, 2, 7, 8, 12, 13, 17, 18, 95, 96,
	    97, 252, 253, 65535, 0x7fffffff, 0xffffffff };
	static const uint8_t code[] = { 0x00, 0x70, 0x71, 0x72, 0x73, 0x7f,
	    0xf0, 0xf2, 0xff };
	u_int i;

	if (sa->sa_response != SIM_R_OK || sim_random(3) != 0)
		return;
	sa->sa_status = SIM_CHECK;
	sa->sa_len = sa->sa_moved = 0;
	sim_answer_sense(sa, lie & 1, sim_random(16), sim_random(256),
	    sim_random(256), 5);
	if (lie < nitems(said)) {
		sa->sa_senselen = said[lie];
		return;
	}
	if (lie < nitems(said) + 2) {
		/* descriptors whose lengths are not theirs */
		sim_answer_sense(sa, true, 3, 0x11, 0, 5);
		sa->sa_sense[7] = 0xff;
		sa->sa_sense[9] = lie & 1 ? 0 : 0xff;
		sa->sa_nsense = sa->sa_senselen = sizeof(sa->sa_sense);
		return;
	}
	for (i = 0; i < sizeof(sa->sa_sense); i++)
		sa->sa_sense[i] = sim_random(256);
	sa->sa_sense[0] = code[sim_random(nitems(code))];
	sa->sa_nsense = sizeof(sa->sa_sense);
	sa->sa_senselen = sim_random(2) ? 96 : sim_random(300);
}

static void
sense_data(void **state)
{
	lies(17 + 2 + 30, lie_sense, true);
}

/* --- lengths, residuals, responses --------------------------------------- */

static const uint32_t lengths[] = { 0, 1, 11, 12, 13, 107, 108, 109, 511, 512,
    4096, 65535, 0x7fffffff, 0xffffffff };

static void
lie_used(struct sim_scsi *host, struct sim_answer *sa)
{
	sa->sa_used = lengths[lie];
}

static void
lie_residual(struct sim_scsi *host, struct sim_answer *sa)
{
	sa->sa_residual = lengths[lie];
}

static void
used_lengths(void **state)
{
	lies(nitems(lengths), lie_used, false);
}

static void
residuals(void **state)
{
	lies(nitems(lengths), lie_residual, true);
}

static void
lie_response(struct sim_scsi *host, struct sim_answer *sa)
{
	if (sim_random(3) == 0)
		sa->sa_response = lie;
}

static void
lie_status(struct sim_scsi *host, struct sim_answer *sa)
{
	if (sim_random(3) == 0)
		sa->sa_status = lie;
}

static void
responses(void **state)
{
	lies(16, lie_response, true);
	lies(16, lie_status, true);
}

static void
lie_all_response(struct sim_scsi *host, struct sim_answer *sa)
{
	sa->sa_response = lie;
}

static void
lie_all_status(struct sim_scsi *host, struct sim_answer *sa)
{
	sa->sa_status = 2 * lie;
}

static void
always_the_same_response(void **state)
{
	lies(14, lie_all_response, true);
	lies(32, lie_all_status, true);
}

/* Good news, and nothing was written. */
static void
lie_nothing(struct sim_scsi *host, struct sim_answer *sa)
{
	if (lie == 0 || sa->sa_cdb[0] == lie_op) {
		length(sa, 0);
		if (lie & 1)
			sa->sa_residual = 0;
	}
}

static void
answers_without_data(void **state)
{
	static const uint8_t ops[] = { 0x00, 0x12, 0x25, 0x9e, 0x1a, 0x5a,
	    0xa0, 0x28, 0x88, 0x4a, 0x46, 0x43 };
	u_int i;

	for (i = 0; i < nitems(ops); i++) {
		lie_op = ops[i];
		lies(3, lie_nothing, true);
	}
}

/* --- events -------------------------------------------------------------- */

static void
random_event(void)
{
	static const uint32_t kinds[] = { 0, 1, 2, 3, 4, 0x80000000,
	    0x80000001, 0x80000003, 0x40000000, 0xffffffff };
	uint8_t ev[16];
	u_int i;

	for (i = 0; i < sizeof(ev); i++)
		ev[i] = sim_random(256);
	sim_put(ev, 4, kinds[sim_random(nitems(kinds))]);
	if (sim_random(3) != 0)
		sim_scsi_lun(ev + 4, sim_random(3) ? sim_random(4) :
		    sim_random(256), sim_random(3) ? 0 : sim_random(16384));
	if (sim_random(3) != 0)
		sim_put(ev + 12, 4, sim_random(4));
	(void)sim_scsi_event_raw(sh, ev, sizeof(ev), sim_random(4) ? 16 :
	    lengths[sim_random(nitems(lengths))]);
}

static void
events_that_cannot_be(void **state)
{
	u_int i, k;

	for (k = 0; k < 20; k++) {
		lie = k;
		sim_seed(k);
		sim_lenient = true;
		units();
		sim_attach();
		hosted_run(100 * SEC);
		for (i = 0; i < 100; i++) {
			random_event();
			if (sim_random(3) == 0)
				hosted_run(sim_random(1000000));
		}
		hosted_run(100 * SEC);
		/* what is there has stayed, or come back */
		use("sd0", FREAD | FWRITE);
		assert_true(lines_with("") <= LINES_MAX);
		clean();
		assert_nothing_left();
	}
}

/* The units are there all the time, whatever is said of them. */
static void
removal_of_what_is_still_there(void **state)
{
	uint8_t addr[8];

	ready();
	sim_scsi_lun(addr, 0, 0);
	(void)sim_scsi_event(sh, SIM_EV_RESET, addr, SIM_EV_REMOVED);
	hosted_run(10 * SEC);
	(void)sim_scsi_event(sh, SIM_EV_RESET, addr, SIM_EV_RESCAN);
	hosted_run(10 * SEC);
	node_close(node, nodeflags);
	assert_non_null(node = node_open("sd0", nodeflags));
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_flood_of_events(void **state)
{
	static const struct { uint32_t event, reason; } flood[] = {
		{ SIM_EV_RESET, SIM_EV_RESCAN }, { SIM_EV_RESET, SIM_EV_HARD },
		{ SIM_EV_RESET, SIM_EV_REMOVED }, { SIM_EV_PARAM, 0x092a },
		{ SIM_EV_MISSED, 0 }, { SIM_EV_ASYNC, 16 }, { 77, 77 },
	};
	uint8_t addr[8];
	u_int i, k;

	for (k = 0; k < nitems(flood); k++) {
		lie = k;
		units();
		attach();
		sim_scsi_lun(addr, 0, 0);
		for (i = 0; i < 500; i++) {
			(void)sim_scsi_event(sh, flood[k].event, addr,
			    flood[k].reason);
			hosted_run(1000);
		}
		hosted_run(100 * SEC);
		/* one scan of three units is some tens of commands */
		assert_true(sh->sh_ncmds < 60000);
		use("sd1", FREAD | FWRITE);
		assert_true(lines_with("") <= LINES_MAX);
		clean();
		assert_nothing_left();
	}
}

/* --- the control queue --------------------------------------------------- */

static u_int
lie_control(struct sim_scsi *host, u_int type, u_int subtype, u_int response)
{
	switch (sim_random(4)) {
	case 0:
		return (0x100);
	case 1:
		return (sim_random(256));
	case 2:
		return (sim_random(13));
	default:
		return (response);
	}
}

static void
answers_to_functions(void **state)
{
	u_int i, k;

	for (k = 0; k < 30; k++) {
		lie = k;
		sim_seed(k);
		units();
		attach();
		(void)sysctl_write("hw.vioscsi0.timeout", "2");
		sh->sh_control = lie_control;
		for (i = 0; i < 6; i++)
			sim_scsi_inject(sh, &(struct sim_inject){
			    .in_op = SIM_OP_ANY, .in_skip = sim_random(10),
			    .in_what = SIM_STUCK,
			    .in_until = sim_random(4) });
		readers_start(NREADER);
		readers_join();
		hosted_run(100 * SEC);
		use("sd0", FREAD | FWRITE);
		assert_true(lines_with("") <= LINES_MAX);
		clean();
		assert_nothing_left();
	}
}

/* --- anything ------------------------------------------------------------ */

static void
lie_anything(struct sim_scsi *host, struct sim_answer *sa)
{
	u_int i, n = sim_random(lie % 7 + 2);

	if (n != 0)
		return;
	switch (sim_random(9)) {
	case 0:
		sa->sa_response = sim_random(sim_random(2) ? 12 : 256);
		break;
	case 1:
		sa->sa_status = sim_random(sim_random(2) ? 0x30 : 256);
		break;
	case 2:
		sa->sa_residual = lengths[sim_random(nitems(lengths))];
		break;
	case 3:
		sa->sa_used = lengths[sim_random(nitems(lengths))];
		break;
	case 4:
		lie_sense(host, sa);
		break;
	case 5:
		length(sa, sim_random(100));
		break;
	case 6:
		sa->sa_mute = sim_random(4) == 0;
		break;
	case 7:
		if (sa->sa_lu != NULL)
			sim_lu_attention(sa->sa_lu, sim_random(256),
			    sim_random(256));
		break;
	default:
		for (i = 0; i < 8 && sa->sa_len > 0; i++)
			sa->sa_data[sim_random(MIN(sa->sa_len, 256))] =
			    sim_random(256);
		break;
	}
}

static const char *const names[] = { "sd0", "sd1", "cd0", "sd2" };

static void
user(void *arg)
{
	static uint8_t b[8][20000];
	u_int i, me = *(u_int *)arg;
	struct cdev *cd;
	int flags;

	for (i = 0; i < 8; i++) {
		flags = FREAD | FNONBLOCK | (sim_random(2) ? FWRITE : 0);
		cd = node_open(names[sim_random(nitems(names))], flags);
		if (cd == NULL)
			continue;
		(void)node_rdwr(cd, flags & FWRITE && sim_random(2) ?
		    UIO_WRITE : UIO_READ, b[me], 1 + sim_random(sizeof(b[0])),
		    sim_random(1 << 20), FNONBLOCK, NULL);
		if (sim_random(4) == 0)
			(void)dev_fsync(cd);
		if (sim_random(4) == 0)
			(void)dev_ioctl(cd, sim_random(2) ? CDROMEJECT :
			    CDROMCLOSETRAY, NULL, flags);
		node_close(cd, flags);
	}
}

static void
work_on(u_int n)
{
	static u_int number[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct thread *td[8];
	u_int i, target;

	for (i = 0; i < n; i++)
		assert_int_equal(kthread_create(user, &number[i], PRI_KERN,
		    "user", &td[i]), 0);
	for (i = 0; i < 6; i++) {
		hosted_run(sim_random(50) * 1000000);
		target = 4 + sim_random(3);
		if (sim_lu_find(sh, target, 0) != NULL)
			sim_lu_unplug(sim_lu_find(sh, target, 0),
			    sim_random(2));
		else
			sim_lu_plug(sh, target, 0, sim_random(2) ? SIM_DISK :
			    SIM_CDROM, 100, 2048, sim_random(2));
		if (sim_random(2))
			random_event();
	}
	/* sometimes the host goes while they are at it */
	if (sim_random(3) == 0)
		sim_detach();
	for (i = 0; i < n; i++)
		kthread_join(td[i]);
}

static void
anything(void **state)
{
	u_int i;

	for (i = 0; i < 150; i++) {
		lie = i;
		sim_seed(i);
		sim_lenient = true;
		conf.vc_random_order = sim_random(2);
		conf.vc_when = sim_random(2) ? SIM_LATER : SIM_AT_ONCE;
		conf.vc_nvec = sim_random(5);
		conf.vc_nvq = 3 + sim_random(4);
		units();
		sh->sh_answer = sim_random(3) ? NULL : lie_anything;
		sim_attach();
		hosted_run(100 * SEC);
		(void)sysctl_write("hw.vioscsi0.timeout", "2");
		sh->sh_answer = lie_anything;
		sh->sh_control = lie_control;
		work_on(4);
		sh->sh_answer = NULL;
		clean();
		assert_nothing_left();
	}
}

/* --- the rings ----------------------------------------------------------- */

static bool	lying;
static u_int	rarely;
static void	(*next_step)(void);

static void
mischief_step(void)
{
	if (lying && sh != NULL && sim_random(rarely * 64) == 0)
		sim_lie(sh->sh_sv, SIM_LIE_ANY);
	next_step();
}

static int
mischief_idle(void)
{
	if (lying && sh != NULL && sim_random(rarely) == 0)
		sim_lie(sh->sh_sv, SIM_LIE_ANY);
	return (sim_virtio_runall());
}

static void
rings(void **state)
{
	u_int i;

	for (i = 0; i < 150; i++) {
		sim_seed(i);
		sim_lenient = true;
		rarely = 2 + sim_random(20);
		conf.vc_features = sim_random(~0U) | (packed ? F_PACKED : 0);
		conf.vc_nvec = sim_random(5);
		conf.vc_when = sim_random(2) ? SIM_LATER : SIM_AT_ONCE;
		conf.vc_suppress = sim_random(4);
		conf.vc_random_order = sim_random(2);
		units();
		lying = sim_random(4) == 0;
		next_step = hosted_step_fn;
		hosted_step_fn = mischief_step;
		hosted_device = mischief_idle;
		sim_attach();
		hosted_run(SEC);
		assert_true(sim_said("vioscsi0"));
		(void)sysctl_write("hw.vioscsi0.timeout", "2");
		lying = true;
		work_on(4);
		lying = false;
		clean();
		assert_nothing_left();
	}
}

#define TEST(fn)	{ #fn, fn }

static const struct test tests[] = {
	TEST(nonsense_in_each_field_of_the_configuration),
	TEST(sizes_that_do_not_change_when_they_are_written),
	TEST(nonsense_in_all_fields),
	TEST(a_segment_limit_of_0_is_one_or_none),
	TEST(a_configuration_that_changes_all_the_time),
	TEST(inquiry_data),
	TEST(lists_of_units),
	TEST(units_wherever_one_looks),
	TEST(capacities),
	TEST(capacities_that_end_early),
	TEST(a_capacity_that_changes_all_the_time),
	TEST(pages_of_product_data),
	TEST(pages_of_modes),
	TEST(sense_data),
	TEST(used_lengths),
	TEST(residuals),
	TEST(responses),
	TEST(always_the_same_response),
	TEST(answers_without_data),
	TEST(events_that_cannot_be),
	TEST(removal_of_what_is_still_there),
	TEST(a_flood_of_events),
	TEST(answers_to_functions),
	TEST(anything),
	TEST(rings),
};

int
main(int argc, char **argv)
{
	return (run_both(tests, nitems(tests), argc > 1 ? argv[1] : NULL));
}

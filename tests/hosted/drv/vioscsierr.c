/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * sd(4) where a disk or its host has something to object, does not answer, or
 * is taken away.
 */

#include "test.h"

#include "sim/scsinode.h"

/* --- errors -------------------------------------------------------------- */

static const struct {
	u_int	op;
	uint8_t	key, asc, ascq;
	int	error;
} senses[] = {
	{ SIM_OP_READ, 3, 0x11, 0x00, EIO },	/* unrecovered read error */
	{ SIM_OP_READ, 4, 0x44, 0x00, EIO },	/* internal target failure */
	{ SIM_OP_READ, 5, 0x21, 0x00, EIO },	/* address out of range */
	{ SIM_OP_READ, 5, 0x24, 0x00, EIO },
	{ SIM_OP_READ, 5, 0x20, 0x00, EIO },
	{ SIM_OP_READ, 11, 0x47, 0x00, EIO },	/* aborted, each time */
	{ SIM_OP_READ, 2, 0x04, 0x03, EIO },	/* somebody must help */
	{ SIM_OP_READ, 8, 0x00, 0x00, EIO },	/* blank check */
	{ SIM_OP_READ, 14, 0x1d, 0x00, EIO },	/* miscompare */
	{ SIM_OP_READ, 6, 0x3f, 0x01, EIO },	/* attention, each time */
	{ SIM_OP_WRITE, 3, 0x0c, 0x00, EIO },	/* write error */
	{ SIM_OP_WRITE, 7, 0x27, 0x00, EROFS },	/* write protected */
	{ SIM_OP_WRITE, 7, 0x27, 0x07, ENOSPC }, /* no space for it */
};

static void
sense_data_become_errors(bool desc)
{
	uint64_t start;
	u_int i;
	int error;

	for (i = 0; i < nitems(senses); i++) {
		ready();
		lu->lu_descsense = desc;
		inject_sense(senses[i].op, SIM_ALL, senses[i].key,
		    senses[i].asc, senses[i].ascq);
		start = nsecuptime();
		error = senses[i].op == SIM_OP_READ ? rd(65536, 4096, NULL) :
		    wr(65536, 4096, NULL);
		if (error != senses[i].error)
			fail_msg("%x/%02x/%02x: error %d", senses[i].key,
			    senses[i].asc, senses[i].ascq, error);
		assert_true(nsecuptime() - start < 600 * SEC);
		assert_true(sim_scsi_injected(sh) <= 50);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
sense_data_of_fixed_format_become_errors(void **state)
{
	sense_data_become_errors(false);
}

static void
sense_data_in_descriptors_become_errors(void **state)
{
	sense_data_become_errors(true);
}

static void
what_was_recovered_is_no_error(void **state)
{
	/* the device has moved the data, and adds how it did so */
	ready();
	sh->sh_answer = recovered;
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
responses_become_errors(void **state)
{
	static const u_int responses[] = { SIM_R_OVERRUN, SIM_R_ABORTED,
	    SIM_R_RESET, SIM_R_BUSY, SIM_R_TRANSPORT_FAILURE,
	    SIM_R_TARGET_FAILURE, SIM_R_NEXUS_FAILURE, SIM_R_FAILURE, 10, 11,
	    100, 255 };
	u_int i;

	for (i = 0; i < nitems(responses); i++) {
		ready();
		inject(SIM_OP_READ, SIM_ALL, SIM_WITH_RESPONSE, responses[i]);
		assert_int_equal(rd(65536, 4096, NULL), EIO);
		assert_true(sim_scsi_injected(sh) <= 50);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
other_statuses_become_errors(void **state)
{
	static const u_int status[] = { SIM_CONFLICT, 0x04, 0x10, 0x22, 0x30,
	    0x40, 0x01, 0xff };
	u_int i;

	for (i = 0; i < nitems(status); i++) {
		ready();
		inject(SIM_OP_READ, SIM_ALL, SIM_WITH_STATUS, status[i]);
		assert_int_not_equal(rd(65536, 4096, NULL), 0);
		assert_true(sim_scsi_injected(sh) <= 50);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		clean();
	}
}

static void
a_short_read_is_not_taken_for_a_whole_one(void **state)
{
	static const u_int moved[] = { 0, 1, 511, 512, 4095 };
	size_t done;
	u_int i;

	for (i = 0; i < nitems(moved); i++) {
		ready();
		inject(SIM_OP_READ, SIM_ALL, SIM_CUT, moved[i]);
		if (rd(65536, 4096, &done) == 0)
			assert_data(65536, done);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

/* Only the driver's memory can tell, the status is good. */
static void
a_short_read_says_how_much_it_was_or_fails(void **state)
{
	size_t done;

	ready();
	inject(SIM_OP_READ, SIM_ALL, SIM_CUT, 100);
	if (rd(65536, 4096, &done) == 0)
		assert_true(done <= 100);
}

static void
an_error_does_not_reach_the_other_disk(void **state)
{
	make();
	lu = disk(0, 0, 4096);
	(void)disk(1, 0, 4096);
	attach();
	sim_scsi_inject(sh, &(struct sim_inject){ .in_lu = lu,
	    .in_op = SIM_OP_READ, .in_times = SIM_ALL,
	    .in_what = SIM_WITH_SENSE, .in_key = 4, .in_asc = 0x44 });
	assert_int_equal(rd(0, 512, NULL), EIO);
	node_close(node, nodeflags);
	node = node_open("sd1", nodeflags);
	assert_non_null(node);
	lu = sim_lu_find(sh, 1, 0);
	assert_int_equal(rd(65536, 512, NULL), 0);
	assert_data(65536, 512);
}

/* --- what is tried again ------------------------------------------------- */

static void
attention_is_not_seen(void **state)
{
	static const uint8_t asc[][2] = { { 0x29, 0x00 }, { 0x29, 0x03 },
	    { 0x2a, 0x01 }, { 0x3f, 0x0e }, { 0x3f, 0x03 }, { 0x38, 0x07 },
	    { 0x55, 0x00 } };
	u_int i;

	ready();
	for (i = 0; i < nitems(asc); i++) {
		sim_lu_attention(lu, asc[i][0], asc[i][1]);
		assert_int_equal(rd(i * 65536, 4096, NULL), 0);
		assert_data(i * 65536, 4096);
		sim_lu_attention(lu, asc[i][0], asc[i][1]);
		assert_int_equal(wr(0, 512, NULL), 0);
		sim_lu_attention(lu, asc[i][0], asc[i][1]);
		assert_int_equal(dev_fsync(node), 0);
	}
}

static void
several_attentions_are_not_seen(void **state)
{
	ready();
	sim_lu_attention(lu, 0x29, 0x00);
	sim_lu_attention(lu, 0x2a, 0x01);
	sim_lu_attention(lu, 0x3f, 0x0e);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_busy_disk_is_waited_for(void **state)
{
	static const u_int status[] = { SIM_BUSY, SIM_TASK_SET_FULL };
	u_int i;

	for (i = 0; i < nitems(status); i++) {
		ready();
		inject(SIM_OP_READ, 3, SIM_WITH_STATUS, status[i]);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
a_busy_host_is_waited_for(void **state)
{
	ready();
	inject(SIM_OP_READ, 3, SIM_WITH_RESPONSE, SIM_R_BUSY);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_disk_that_is_always_busy_is_given_up(void **state)
{
	static const u_int status[] = { SIM_BUSY, SIM_TASK_SET_FULL };
	uint64_t start;
	u_int i;

	for (i = 0; i < nitems(status); i++) {
		ready();
		inject(SIM_OP_ANY, SIM_ALL, SIM_WITH_STATUS, status[i]);
		start = nsecuptime();
		assert_int_equal(rd(65536, 4096, NULL), EIO);
		assert_true(nsecuptime() - start < 600 * SEC);
		assert_true(sim_scsi_injected(sh) <= 1000);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		clean();
	}
}

static void
busy_is_not_asked_again_at_once(void **state)
{
	uint64_t start;

	ready();
	inject(SIM_OP_READ, 3, SIM_WITH_STATUS, SIM_BUSY);
	start = nsecuptime();
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_true(nsecuptime() - start >= 1000000);
}

static void
a_full_disk_queue_under_load_loses_nothing(void **state)
{
	conf.vc_random_order = true;
	rw_begin();
	attach();
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = SIM_OP_ANY,
	    .in_skip = 20, .in_times = 5, .in_what = SIM_WITH_STATUS,
	    .in_arg = SIM_TASK_SET_FULL });
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = SIM_OP_ANY,
	    .in_skip = 50, .in_times = 5, .in_what = SIM_WITH_STATUS,
	    .in_arg = SIM_BUSY });
	work_together(10);
	assert_int_equal(sim_scsi_injected(sh), 10);
}

static void
a_disk_that_is_not_ready_for_a_while_is_waited_for(void **state)
{
	ready();
	lu->lu_readyat = hosted_now + 3 * SEC;
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_disk_that_never_becomes_ready_is_given_up(void **state)
{
	uint64_t start;

	ready();
	lu->lu_readyat = ~0ULL;
	start = nsecuptime();
	assert_int_equal(rd(65536, 4096, NULL), EIO);
	assert_true(nsecuptime() - start < 600 * SEC);
	lu->lu_readyat = 0;
	assert_int_equal(rd(65536, 4096, NULL), 0);
}

static void
a_command_ended_by_a_reset_is_tried_again(void **state)
{
	ready();
	inject(SIM_OP_READ, 1, SIM_WITH_RESPONSE, SIM_R_RESET);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

/* --- no answer ----------------------------------------------------------- */

static void
stuck(u_int op, enum sim_until until)
{
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = op,
	    .in_what = SIM_STUCK, .in_until = until });
}

/*
 * A read that is not answered: it ends, well or not, within some multiple of
 * the limit, and after some lines; then the disk works.
 */
static void
read_with_limit(u_int seconds)
{
	u_int lines = lines_with("");
	uint64_t start, took;
	int error;

	start = nsecuptime();
	error = rd(65536, 4096, NULL);
	took = nsecuptime() - start;
	assert_true(error == 0 || error == EIO);
	assert_true(took >= seconds * SEC);
	assert_true(took < seconds * 10 * SEC + 120 * SEC);
	hosted_run(5 * SEC);
	assert_true(lines_with("") > lines);
	assert_true(lines_with("") <= lines + 4);
	assert_int_equal(rd(131072, 4096, NULL), 0);
	assert_data(131072, 4096);
	assert_int_equal(wr(131072, 4096, NULL), 0);
	assert_int_equal(sim_scsi_nheld(sh), 0);
}

static void
limit(const char *seconds)
{
	assert_int_equal(sysctl_write("hw.vioscsi0.timeout", seconds), 0);
}

static void
no_answer_in_30_seconds_is_an_abort(void **state)
{
	u_int resets;

	ready();
	resets = sh->sh_sv->sv_nresets;
	assert_string_equal(sysctl_text("hw.vioscsi0.timeout"), "30");
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(30);
	assert_int_equal(sh->sh_tmf[SIM_TMF_ABORT_TASK], 1);
	assert_int_equal(sh->sh_tmf[SIM_TMF_LUN_RESET], 0);
	assert_int_equal(sh->sh_sv->sv_nresets, resets);
}

static void
the_limit_can_be_set(void **state)
{
	ready();
	limit("3");
	assert_string_equal(sysctl_text("hw.vioscsi0.timeout"), "3");
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
	assert_int_not_equal(sysctl_write("hw.vioscsi0.timeout", "x"), 0);
	assert_int_not_equal(sysctl_write("hw.vioscsi0.timeout", "-1"), 0);
	assert_int_not_equal(sysctl_write("hw.vioscsi0.timeout",
	    "99999999999999999999"), 0);
}

static void
an_abort_that_is_refused_leads_to_a_reset_of_the_unit(void **state)
{
	u_int resets;

	ready();
	limit("3");
	resets = sh->sh_sv->sv_nresets;
	stuck(SIM_OP_READ, SIM_UNTIL_LUN_RESET);
	read_with_limit(3);
	assert_int_equal(sh->sh_tmf[SIM_TMF_ABORT_TASK], 1);
	assert_int_equal(sh->sh_tmf[SIM_TMF_LUN_RESET], 1);
	assert_int_equal(sh->sh_sv->sv_nresets, resets);
}

static void
a_reset_of_the_unit_that_is_refused_leads_to_one_of_the_host(void **state)
{
	u_int resets;

	ready();
	limit("3");
	resets = sh->sh_sv->sv_nresets;
	stuck(SIM_OP_READ, SIM_UNTIL_RESET);
	read_with_limit(3);
	assert_int_equal(sh->sh_tmf[SIM_TMF_LUN_RESET], 1);
	assert_true(sh->sh_sv->sv_nresets > resets);
}

static void
functions_that_are_not_answered_do_not_hold_it_up(void **state)
{
	u_int i, resets;

	ready();
	limit("3");
	resets = sh->sh_sv->sv_nresets;
	for (i = 0; i < SIM_NTMF; i++)
		sh->sh_tmfanswer[i] = SIM_TMF_MUTE;
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
	assert_true(sh->sh_sv->sv_nresets > resets);
	for (i = 0; i < SIM_NTMF; i++)
		sh->sh_tmfanswer[i] = 0;
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
}

static void
an_abort_that_is_answered_and_did_nothing_is_not_believed(void **state)
{
	u_int i;

	for (i = 0; i < 2; i++) {
		ready();
		limit("3");
		sh->sh_tmfanswer[SIM_TMF_ABORT_TASK] =
		    SIM_TMF_IDLE(i ? SIM_R_SUCCEEDED : SIM_R_OK);
		stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
		read_with_limit(3);
		clean();
	}
}

static void
each_answer_to_an_abort_leads_to_an_end(void **state)
{
	u_int i;

	for (i = 0; i < 14; i++) {
		ready();
		limit("3");
		sh->sh_tmfanswer[SIM_TMF_ABORT_TASK] =
		    SIM_TMF_IDLE(i == 13 ? 255 : i);
		sh->sh_tmfanswer[SIM_TMF_LUN_RESET] =
		    SIM_TMF_IDLE(i == 13 ? 255 : i);
		stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
		read_with_limit(3);
		clean();
	}
}

static void
abort_that_does_its_work_and_says_nothing(void **state)
{
	ready();
	limit("3");
	sh->sh_tmfanswer[SIM_TMF_ABORT_TASK] = SIM_TMF_LATE;
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
}

static void
an_answer_that_comes_late_is_right(void **state)
{
	ready();
	limit("30");
	stuck(SIM_OP_READ, SIM_UNTIL_RESET);
	readers_start(1);
	hosted_run(20 * SEC);
	assert_int_equal(sim_scsi_nheld(sh), 1);
	sim_scsi_unstick(sh, SIM_R_BUSY);
	readers_join();
	assert_int_equal(rd_error, 0);
	hosted_run(60 * SEC);
	assert_int_equal(sh->sh_ntmf, 0);
}

static void
what_was_sent_besides_is_not_lost_in_a_reset(void **state)
{
	enum sim_until until;

	for (until = SIM_UNTIL_ABORT; until <= SIM_UNTIL_RESET; until++) {
		make();
		lu = disk(0, 0, 4096);
		disk(1, 0, 4096);
		attach();
		limit("3");
		stuck(SIM_OP_READ, until);
		readers_start(NREADER);
		readers_join();
		assert_true(rd_error == 0 || rd_error == EIO);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
a_stuck_write_does_not_change_what_came_later(void **state)
{
	int error;

	ready();
	limit("3");
	stuck(SIM_OP_WRITE, SIM_UNTIL_LUN_RESET);
	fill(4096);
	error = wr(65536, 4096, NULL);
	assert_true(error == 0 || error == EIO);
	if (error == 0)
		assert_data(65536, 4096);
	fill(4096);
	assert_int_equal(wr(65536, 4096, NULL), 0);
	hosted_run(100 * SEC);
	assert_data(65536, 4096);
}

static void
no_answer_at_attach_ends_too(void **state)
{
	static const u_int ops[] = { 0x12, 0xa0, 0x00, 0x25, 0x9e, 0x1a, 0x5a };
	uint64_t start;
	u_int i;

	for (i = 0; i < nitems(ops); i++) {
		make();
		lu = disk(0, 0, 4096);
		disk(1, 0, 77);
		sim_scsi_inject(sh, &(struct sim_inject){ .in_op = ops[i],
		    .in_lu = lu, .in_times = SIM_ALL, .in_what = SIM_STUCK,
		    .in_until = i % 4 });
		start = nsecuptime();
		sim_attach();
		hosted_run(1000 * SEC);
		assert_true(nsecuptime() - start < 3000 * SEC);
		/* the other does not suffer */
		assert_true(node_size("sd0") == 77 * 512 ||
		    node_size("sd1") == 77 * 512);
		clean();
	}
}

/* --- reset and failure of the host --------------------------------------- */

static void
after_a_failure_the_disk_works(void **state)
{
	u_int i;

	ready();
	for (i = 0; i < 3; i++) {
		sim_virtio_needs_reset(sh->sh_sv);
		hosted_run(2 * SEC);
		assert_int_equal(rd(65536 * i, 4096, NULL), 0);
		assert_data(65536 * i, 4096);
	}
}

static void
what_is_on_its_way_when_the_host_fails_ends(void **state)
{
	ready();
	sh->sh_hold = true;
	readers_start(NREADER);
	hosted_run(1000000);
	sim_virtio_needs_reset(sh->sh_sv);
	sh->sh_hold = false;
	readers_join();
	assert_true(rd_error == 0 || rd_error == EIO);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_host_that_is_given_up_fails_at_once(void **state)
{
	uint64_t start;

	ready();
	sh->sh_sv->sv_refuse_ok = true;
	sim_virtio_needs_reset(sh->sh_sv);
	hosted_run(10 * SEC);
	assert_int_not_equal(rd(0, 512, NULL), 0);
	start = nsecuptime();
	assert_int_not_equal(rd(0, 512, NULL), 0);
	assert_true(nsecuptime() - start < 1 * SEC);
}

/* --- detach -------------------------------------------------------------- */

static void
detach_ends_what_is_on_its_way(void **state)
{
	ready();
	sh->sh_hold = true;
	readers_start(NREADER);
	hosted_run(1000000);
	assert_true(sim_scsi_nheld(sh) > 0);
	sim_detach();
	readers_join();
	assert_int_equal(rd_error, ENXIO);
	assert_int_equal(rd(65536, 512, NULL), ENXIO);
}

static void
detach_while_it_recovers(void **state)
{
	u_int i, k;

	for (i = 1; i < 30; i += 2) {
		ready();
		limit("2");
		for (k = 0; k < SIM_NTMF; k++)
			sh->sh_tmfanswer[k] = SIM_TMF_MUTE;
		stuck(SIM_OP_READ, SIM_UNTIL_RESET);
		readers_start(1);
		hosted_run(i * SEC);
		sim_detach();
		readers_join();
		clean();
	}
}

static void
detach_while_it_scans(void **state)
{
	u_int i;

	for (i = 0; i < 20; i++) {
		make();
		lu = disk(0, 0, 4096);
		attach();
		sim_lu_plug(sh, 3, 0, SIM_DISK, 100, 512, true);
		sim_lu_plug(sh, 4, 0, SIM_CDROM, 100, 2048, true);
		sh->sh_hold = i & 1;
		hosted_run(i * i * 1000);
		clean();
	}
}

static void
a_busy_disk_that_is_detached_waits_for_nothing(void **state)
{
	ready();
	inject(SIM_OP_ANY, SIM_ALL, SIM_WITH_STATUS, SIM_BUSY);
	readers_start(1);
	hosted_run(1000000);
	sim_detach();
	readers_join();
	assert_int_not_equal(rd_error, 0);
}

/* --- every failure ------------------------------------------------------- */

static void
every_failure_of_recovery_is_no_more_than_that(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		make();
		lu = disk(0, 0, 4096);
		sim_scsi_set(sh, SIM_SCSI_MAX_TARGET, 3);
		attach();
		limit("2");
		stuck(SIM_OP_READ, SIM_UNTIL_RESET);
		hosted_fail_at = n;
		(void)rd(65536, 4096, NULL);
		hosted_run(100 * SEC);
		if (hosted_fail_at != 0)
			break;
		clean();
		assert_nothing_left();
	}
	assert_true(n < 500);
	hosted_fail_at = 0;
}

#define TEST(fn)	{ #fn, fn }

static const struct test tests[] = {
	TEST(sense_data_of_fixed_format_become_errors),
	TEST(sense_data_in_descriptors_become_errors),
	TEST(what_was_recovered_is_no_error),
	TEST(responses_become_errors),
	TEST(other_statuses_become_errors),
	TEST(a_short_read_is_not_taken_for_a_whole_one),
	TEST(a_short_read_says_how_much_it_was_or_fails),
	TEST(an_error_does_not_reach_the_other_disk),
	TEST(attention_is_not_seen),
	TEST(several_attentions_are_not_seen),
	TEST(a_busy_disk_is_waited_for),
	TEST(a_busy_host_is_waited_for),
	TEST(a_disk_that_is_always_busy_is_given_up),
	TEST(busy_is_not_asked_again_at_once),
	TEST(a_full_disk_queue_under_load_loses_nothing),
	TEST(a_disk_that_is_not_ready_for_a_while_is_waited_for),
	TEST(a_disk_that_never_becomes_ready_is_given_up),
	TEST(a_command_ended_by_a_reset_is_tried_again),
	TEST(no_answer_in_30_seconds_is_an_abort),
	TEST(the_limit_can_be_set),
	TEST(an_abort_that_is_refused_leads_to_a_reset_of_the_unit),
	TEST(a_reset_of_the_unit_that_is_refused_leads_to_one_of_the_host),
	TEST(functions_that_are_not_answered_do_not_hold_it_up),
	TEST(an_abort_that_is_answered_and_did_nothing_is_not_believed),
	TEST(each_answer_to_an_abort_leads_to_an_end),
	TEST(abort_that_does_its_work_and_says_nothing),
	TEST(an_answer_that_comes_late_is_right),
	TEST(what_was_sent_besides_is_not_lost_in_a_reset),
	TEST(a_stuck_write_does_not_change_what_came_later),
	TEST(no_answer_at_attach_ends_too),
	TEST(after_a_failure_the_disk_works),
	TEST(what_is_on_its_way_when_the_host_fails_ends),
	TEST(a_host_that_is_given_up_fails_at_once),
	TEST(detach_ends_what_is_on_its_way),
	TEST(detach_while_it_recovers),
	TEST(detach_while_it_scans),
	TEST(a_busy_disk_that_is_detached_waits_for_nothing),
	TEST(every_failure_of_recovery_is_no_more_than_that),
};

int
main(int argc, char **argv)
{
	return (run_both(tests, nitems(tests), argc > 1 ? argv[1] : NULL));
}

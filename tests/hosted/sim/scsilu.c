/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Logical units: disks with their medium in memory, as far as it was written;
 * CD-ROMs; and what nobody drives.  Commands as SPC-4, SBC-3 and MMC-6 have
 * them.
 */

#include <sys/systm.h>

#include <machine/host.h>
#include "scsi.h"

enum { NO_SENSE = 0, NOT_READY = 2, ILLEGAL = 5, ATTENTION = 6, PROTECT = 7 };

#define PIECE	65536U

struct sim_piece {
	struct sim_piece *pc_next;
	uint64_t	  pc_no;
	uint8_t		  pc_data[PIECE];
};

/* --- the medium ---------------------------------------------------------- */

static uint8_t
pattern(const struct sim_lu *lu, uint64_t i)
{
	return (lu->lu_blank ? 0 : i * 7 + (i >> 9) * 31 + (i >> 17) +
	    lu->lu_salt);
}

static struct sim_piece *
piece(const struct sim_lu *lu, uint64_t no)
{
	struct sim_piece *pc = lu->lu_piece[no % SIM_NPIECES];

	while (pc != NULL && pc->pc_no != no)
		pc = pc->pc_next;
	return (pc);
}

static struct sim_piece *
piece_make(struct sim_lu *lu, uint64_t no)
{
	struct sim_piece *pc = piece(lu, no);
	u_int i;

	if (pc != NULL)
		return (pc);
	if ((pc = host_alloc(sizeof(*pc))) == NULL)
		host_fail("no memory");
	pc->pc_no = no;
	pc->pc_next = lu->lu_piece[no % SIM_NPIECES];
	lu->lu_piece[no % SIM_NPIECES] = pc;
	for (i = 0; i < PIECE && !lu->lu_blank; i++)
		pc->pc_data[i] = pattern(lu, no * PIECE + i);
	return (pc);
}

static void
pieces_free(struct sim_lu *lu)
{
	struct sim_piece *pc;
	u_int i;

	for (i = 0; i < SIM_NPIECES; i++) {
		while ((pc = lu->lu_piece[i]) != NULL) {
			lu->lu_piece[i] = pc->pc_next;
			host_free(pc);
		}
	}
}

void
sim_lu_read(const struct sim_lu *lu, uint64_t off, void *buf, size_t len)
{
	struct sim_piece *pc;
	uint8_t *p = buf;
	size_t n, i;

	for (; len > 0; len -= n, off += n, p += n) {
		n = MIN(len, PIECE - off % PIECE);
		if ((pc = piece(lu, off / PIECE)) != NULL) {
			memcpy(p, pc->pc_data + off % PIECE, n);
			continue;
		}
		for (i = 0; i < n; i++)
			p[i] = pattern(lu, off + i);
	}
}

void
sim_lu_write(struct sim_lu *lu, uint64_t off, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t n;

	for (; len > 0; len -= n, off += n, p += n) {
		n = MIN(len, PIECE - off % PIECE);
		memcpy(piece_make(lu, off / PIECE)->pc_data + off % PIECE, p,
		    n);
	}
}

/* A long run of one byte; where nothing is, zeroes need no memory. */
void
sim_lu_fill(struct sim_lu *lu, uint64_t off, uint64_t len, uint8_t byte)
{
	uint64_t n;

	for (; len > 0; len -= n, off += n) {
		n = MIN(len, PIECE - off % PIECE);
		if (byte == 0 && lu->lu_blank && piece(lu, off / PIECE) == NULL)
			continue;
		memset(piece_make(lu, off / PIECE)->pc_data + off % PIECE,
		    byte, n);
	}
}

/* --- what a command gets ------------------------------------------------- */

static void
check(struct sim_answer *sa, u_int key, u_int asc, u_int ascq)
{
	sa->sa_status = SIM_CHECK;
	sa->sa_len = sa->sa_moved = 0;
	sim_answer_sense(sa, sa->sa_lu != NULL && sa->sa_lu->lu_descsense,
	    key, asc, ascq, 0);
}

static void
bad_opcode(struct sim_answer *sa)
{
	check(sa, ILLEGAL, 0x20, 0x00);
}

static void
bad_cdb(struct sim_answer *sa)
{
	check(sa, ILLEGAL, 0x24, 0x00);
}

static void
bad_parameter(struct sim_answer *sa)
{
	check(sa, ILLEGAL, 0x26, 0x00);
}

/* Data of n bytes, of which the CDB wants so many. */
static void
give(struct sim_answer *sa, const void *data, uint64_t n, uint64_t wanted)
{
	if (wanted > sa->sa_room) {
		sim_fault("scsi: command %#x asks for %llu bytes, with room "
		    "for %llu", sa->sa_cdb[0], (unsigned long long)wanted,
		    (unsigned long long)sa->sa_room);
		sa->sa_response = SIM_R_OVERRUN;
		return;
	}
	if (sa->sa_outlen != 0)
		sim_fault("scsi: command %#x with data to the unit",
		    sa->sa_cdb[0]);
	n = MIN(n, wanted);
	if (n > 0)
		memcpy(sa->sa_data, data, n);
	sa->sa_len = n;
}

/* false: the CDB speaks of more than what was sent */
static bool
takes(struct sim_answer *sa, uint64_t n)
{
	if (n != sa->sa_outlen || sa->sa_room != 0)
		sim_fault("scsi: command %#x of %llu bytes comes with %llu "
		    "and room for %llu", sa->sa_cdb[0], (unsigned long long)n,
		    (unsigned long long)sa->sa_outlen,
		    (unsigned long long)sa->sa_room);
	if (n > sa->sa_outlen) {
		sa->sa_response = SIM_R_OVERRUN;
		return (false);
	}
	sa->sa_moved = n;
	return (true);
}

static void
text(uint8_t *p, const char *s, size_t n)
{
	memset(p, ' ', n);
	memcpy(p, s, MIN(strlen(s), n));
}

/* --- SPC: every unit ----------------------------------------------------- */

static void
inquiry_page(struct sim_lu *lu, struct sim_answer *sa, u_int alloc)
{
	static const uint8_t pages[] = { 0x80, 0x83, 0xb0, 0xb1, 0xb2 };
	uint8_t d[256] = { 0 }, page = sa->sa_cdb[2];
	u_int i, n = 0;

	if (lu->lu_without & SIM_NO_VPD) {
		bad_cdb(sa);
		return;
	}
	for (i = 0; page != 0 && i < nitems(pages); i++) {
		if (page == pages[i] && ((lu->lu_novpd & 1U << i) ||
		    (i >= 2 && lu->lu_type != SIM_DISK)))
			page = 0xff;
	}
	d[0] = lu->lu_type;
	d[1] = page;
	switch (page) {
	case 0x00:
		d[4] = 0x00;
		for (n = 1, i = 0; i < nitems(pages); i++) {
			if (!(lu->lu_novpd & 1U << i) &&
			    (i < 2 || lu->lu_type == SIM_DISK))
				d[4 + n++] = pages[i];
		}
		break;
	case 0x80:
		n = strlen(lu->lu_serial);
		memcpy(d + 4, lu->lu_serial, n);
		break;
	case 0x83:
		d[4] = 0x02;			/* ASCII */
		d[5] = 0x01;			/* T10 vendor identification */
		d[7] = 8 + strlen(lu->lu_serial);
		text(d + 8, lu->lu_vendor, 8);
		memcpy(d + 16, lu->lu_serial, strlen(lu->lu_serial));
		n = 4 + d[7];
		d[4 + n] = 0x01;		/* binary */
		d[5 + n] = 0x03;		/* NAA */
		d[7 + n] = 8;
		sim_put_be(d + 8 + n, 8, 0x3000000000000000ULL |
		    (uint64_t)lu->lu_target << 16 | lu->lu_lun);
		n += 12;
		break;
	case 0xb0:
		n = 0x3c;
		d[4] = lu->lu_maxws != 0;	/* WSNZ */
		sim_put_be(d + 8, 4, lu->lu_maxxfer);
		if (lu->lu_thin) {
			sim_put_be(d + 20, 4, lu->lu_maxunmap);
			sim_put_be(d + 24, 4, lu->lu_maxdesc);
			sim_put_be(d + 28, 4, lu->lu_ungran);
		}
		sim_put_be(d + 36, 8, lu->lu_maxws);
		break;
	case 0xb1:
		n = 0x3c;
		sim_put_be(d + 4, 2, lu->lu_norotate ? 1 : 7200);
		break;
	case 0xb2:
		n = 4;
		d[5] = (lu->lu_thin && !(lu->lu_without & SIM_NO_UNMAP) ?
		    0x80 : 0) | (lu->lu_lbpws ? 0x40 : 0) |
		    (lu->lu_lbpws10 ? 0x20 : 0) | (lu->lu_lbprz ? 0x04 : 0);
		d[6] = lu->lu_thin ? 2 : 0;
		break;
	default:
		bad_cdb(sa);
		return;
	}
	sim_put_be(d + 2, 2, n);
	give(sa, d, 4 + n, alloc);
}

static void
inquiry(struct sim_lu *lu, struct sim_answer *sa)
{
	u_int alloc = sim_get_be(sa->sa_cdb + 3, 2);
	uint8_t d[36] = { 0 };

	if (sa->sa_cdb[1] & 1) {
		inquiry_page(lu, sa, alloc);
		return;
	}
	if (sa->sa_cdb[2] != 0) {
		bad_cdb(sa);
		return;
	}
	d[0] = lu->lu_type | (lu->lu_qualifier ? 0x20 : 0);
	d[1] = lu->lu_removable ? 0x80 : 0;
	d[2] = 0x06;			/* SPC-4 */
	d[3] = 0x12;			/* HISUP, the format of the data */
	d[4] = sizeof(d) - 5;
	d[7] = 0x02;			/* CMDQUE */
	text(d + 8, lu->lu_vendor, 8);
	text(d + 16, lu->lu_product, 16);
	text(d + 32, lu->lu_rev, 4);
	give(sa, d, sizeof(d), alloc);
}

/* SAM: a target answers also for the units that it has not. */
static void
nobody(struct sim_answer *sa)
{
	uint8_t d[36] = { 0x7f, 0, 0x06, 0x12, 31 };

	switch (sa->sa_cdb[0]) {
	case 0x12:
		if (sa->sa_cdb[1] & 1)
			bad_cdb(sa);
		else
			give(sa, d, sizeof(d), sim_get_be(sa->sa_cdb + 3, 2));
		break;
	case 0x03:
		sim_answer_sense(sa, sa->sa_cdb[1] & 1, ILLEGAL, 0x25, 0, 0);
		give(sa, sa->sa_sense, sa->sa_nsense, sa->sa_cdb[4]);
		sa->sa_nsense = sa->sa_senselen = 0;
		break;
	default:
		check(sa, ILLEGAL, 0x25, 0x00);
		break;
	}
}

static void
report_luns(struct sim_scsi *sh, struct sim_answer *sa)
{
	uint64_t n = 0, alloc = sim_get_be(sa->sa_cdb + 6, 4);
	struct sim_lu *lu;
	uint8_t *d, *p;

	if (sa->sa_cdb[2] > 2 || alloc < 16) {
		bad_cdb(sa);
		return;
	}
	for (lu = sh->sh_lus; lu != NULL; lu = lu->lu_next)
		n += lu->lu_target == sa->sa_target;
	if ((d = host_alloc(8 + 8 * n)) == NULL)
		host_fail("no memory");
	if (sa->sa_cdb[2] == 1)
		n = 0;			/* well-known ones only */
	sim_put_be(d, 4, 8 * n);
	p = d + 8;
	for (lu = sh->sh_lus; n > 0 && lu != NULL; lu = lu->lu_next) {
		if (lu->lu_target != sa->sa_target)
			continue;
		/* up to 255 by peripheral device addressing, flat beyond */
		p[0] = lu->lu_lun > 255 ? 0x40 | lu->lu_lun >> 8 : 0;
		p[1] = lu->lu_lun;
		p += 8;
	}
	give(sa, d, 8 + 8 * n, alloc);
	host_free(d);
}

/* --- states -------------------------------------------------------------- */

static bool
becoming_ready(const struct sim_lu *lu)
{
	return (hosted_now < lu->lu_readyat);
}

/* false: what it lacks is in the sense data */
static bool
ready(struct sim_lu *lu, struct sim_answer *sa)
{
	if (becoming_ready(lu))
		check(sa, NOT_READY, 0x04, 0x01);
	else if (lu->lu_notready != 0)
		check(sa, NOT_READY, lu->lu_notready >> 8,
		    lu->lu_notready & 0xff);
	else if (lu->lu_type == SIM_CDROM && (lu->lu_tray || !lu->lu_disc))
		check(sa, NOT_READY, 0x3a, lu->lu_tray ? 0x02 : 0x01);
	else if (lu->lu_stopped)
		check(sa, NOT_READY, 0x04, 0x02);
	else
		return (true);
	return (false);
}

static void
request_sense(struct sim_lu *lu, struct sim_answer *sa)
{
	bool desc = sa->sa_cdb[1] & 1;
	uint8_t d[252];
	uint32_t n;
	uint16_t a;

	if (lu->lu_nattention > 0) {
		a = lu->lu_attention[0];
		memmove(lu->lu_attention, lu->lu_attention + 1,
		    --lu->lu_nattention * sizeof(lu->lu_attention[0]));
		sim_answer_sense(sa, desc, ATTENTION, a >> 8, a & 0xff, 0);
	} else if (ready(lu, sa))
		sim_answer_sense(sa, desc, NO_SENSE, 0, 0, 0);
	else if (desc != ((sa->sa_sense[0] & 0x7f) == 0x72)) {
		bool was = lu->lu_descsense;

		lu->lu_descsense = desc;
		(void)ready(lu, sa);
		lu->lu_descsense = was;
	}
	n = sa->sa_nsense;
	memcpy(d, sa->sa_sense, n);
	sa->sa_status = SIM_GOOD;
	sa->sa_nsense = sa->sa_senselen = 0;
	give(sa, d, n, sa->sa_cdb[4]);
}

static void
test_unit_ready(struct sim_lu *lu, struct sim_answer *sa)
{
	if (ready(lu, sa))
		give(sa, NULL, 0, 0);
}

static void
eject(struct sim_lu *lu, struct sim_answer *sa)
{
	if (lu->lu_locked) {
		check(sa, ILLEGAL, 0x53, 0x02);
		return;
	}
	lu->lu_tray = true;
	lu->lu_mediaevent = 3;		/* removed */
}

static void
start_stop(struct sim_lu *lu, struct sim_answer *sa)
{
	bool start = sa->sa_cdb[4] & 1, load = sa->sa_cdb[4] & 2;

	if ((lu->lu_without & SIM_NO_START) || (load && !lu->lu_removable)) {
		if (lu->lu_without & SIM_NO_START)
			bad_opcode(sa);
		else
			bad_cdb(sa);
		return;
	}
	if (!load)
		lu->lu_stopped = !start;
	else if (!start)
		eject(lu, sa);
	else if (lu->lu_tray) {
		lu->lu_tray = false;
		if (lu->lu_disc) {
			sim_lu_attention(lu, 0x28, 0x00);
			lu->lu_mediaevent = 2;	/* new medium */
		}
	}
}

static void
prevent_allow(struct sim_lu *lu, struct sim_answer *sa)
{
	if ((lu->lu_without & SIM_NO_LOCK) || !lu->lu_removable)
		bad_opcode(sa);
	else
		lu->lu_locked = sa->sa_cdb[4] & 1;
}

/* --- capacity ------------------------------------------------------------ */

static void
read_capacity(struct sim_lu *lu, struct sim_answer *sa)
{
	uint8_t d[8];

	if (sim_get_be(sa->sa_cdb + 2, 4) != 0 && !(sa->sa_cdb[8] & 1)) {
		bad_cdb(sa);
		return;
	}
	sim_put_be(d, 4, MIN(lu->lu_nblocks - 1, 0xffffffffULL));
	sim_put_be(d + 4, 4, lu->lu_blksize);
	/* there is no length in the CDB */
	give(sa, d, sizeof(d), sizeof(d));
}

static void
read_capacity_16(struct sim_lu *lu, struct sim_answer *sa)
{
	uint8_t d[32] = { 0 };

	if ((sa->sa_cdb[1] & 0x1f) != 0x10 || lu->lu_type != SIM_DISK ||
	    (lu->lu_without & SIM_NO_RC16)) {
		if (lu->lu_without & SIM_NO_RC16 || lu->lu_type != SIM_DISK)
			bad_opcode(sa);
		else
			bad_cdb(sa);
		return;
	}
	sim_put_be(d, 8, lu->lu_nblocks - 1);
	sim_put_be(d + 8, 4, lu->lu_blksize);
	d[13] = lu->lu_pbexp;
	sim_put_be(d + 14, 2, (lu->lu_thin ? 0x8000 : 0) |
	    (lu->lu_lbprz ? 0x4000 : 0) | lu->lu_lowest);
	give(sa, d, sizeof(d), sim_get_be(sa->sa_cdb + 10, 4));
}

/* --- modes --------------------------------------------------------------- */

static u_int
mode_page(struct sim_lu *lu, uint8_t page, u_int control, uint8_t *p)
{
	bool changeable = control == 1;

	switch (page << 8 | lu->lu_type) {
	case 0x0800 | SIM_DISK:			/* caching */
		p[0] = 0x08;
		p[1] = 0x12;
		p[2] = changeable || lu->lu_wce ? 0x04 : 0;
		return (20);
	case 0x0a00 | SIM_DISK:			/* control */
	case 0x0a00 | SIM_CDROM:
		p[0] = 0x0a;
		p[1] = 0x0a;
		p[2] = !changeable && lu->lu_descsense ? 0x04 : 0;
		return (12);
	case 0x2a00 | SIM_CDROM:		/* capabilities */
		p[0] = 0x2a;
		p[1] = 0x14;
		if (!changeable) {
			p[2] = 0x3b;
			p[6] = 0x29 | (lu->lu_locked ? 0x02 : 0);
		}
		return (22);
	default:
		return (0);
	}
}

static void
mode_sense(struct sim_lu *lu, struct sim_answer *sa)
{
	static const uint8_t pages[] = { 0x08, 0x0a, 0x2a };
	bool ten = sa->sa_cdb[0] == 0x5a, dbd = sa->sa_cdb[1] & 0x08;
	uint8_t d[256] = { 0 }, page = sa->sa_cdb[2] & 0x3f;
	u_int control = sa->sa_cdb[2] >> 6, head = ten ? 8 : 4, n = head, i;
	u_int at;

	if (lu->lu_without & (SIM_NO_MODE | (ten ? SIM_NO_MODE10 :
	    SIM_NO_MODE6))) {
		bad_opcode(sa);
		return;
	}
	if (control == 3) {
		check(sa, ILLEGAL, 0x39, 0x00);
		return;
	}
	if (lu->lu_type == SIM_DISK && !dbd) {
		sim_put_be(d + n, 4, MIN(lu->lu_nblocks, 0xffffffffULL));
		sim_put_be(d + n + 4, 4, lu->lu_blksize);
		n += 8;
		d[head - 1] = 8;
	}
	at = n;
	if (sa->sa_cdb[3] == 0 || sa->sa_cdb[3] == 0xff) {
		for (i = 0; i < nitems(pages); i++) {
			if (page == pages[i] || page == 0x3f)
				n += mode_page(lu, pages[i], control, d + n);
		}
	}
	if (n == at && page != 0x3f) {
		bad_cdb(sa);
		return;
	}
	d[ten ? 3 : 2] = lu->lu_type != SIM_DISK ? 0 :
	    (lu->lu_wp ? 0x80 : 0) | (lu->lu_dpofua ? 0x10 : 0);
	sim_put_be(d, ten ? 2 : 1, n - (ten ? 2 : 1));
	give(sa, d, n, ten ? sim_get_be(sa->sa_cdb + 7, 2) : sa->sa_cdb[4]);
}

static void
mode_select(struct sim_lu *lu, struct sim_answer *sa)
{
	bool ten = sa->sa_cdb[0] == 0x55;
	u_int n = ten ? sim_get_be(sa->sa_cdb + 7, 2) : sa->sa_cdb[4];
	u_int at = ten ? 8 : 4;
	const uint8_t *p = sa->sa_out;

	if (lu->lu_without & (SIM_NO_MODE | (ten ? SIM_NO_MODE10 :
	    SIM_NO_MODE6))) {
		bad_opcode(sa);
		return;
	}
	if (!takes(sa, n) || n == 0)
		return;
	if (n < at || !(sa->sa_cdb[1] & 0x10)) {
		check(sa, ILLEGAL, 0x1a, 0x00);
		return;
	}
	at += ten ? sim_get_be(p + 6, 2) : p[3];
	while (at + 2 <= n) {
		if (at + 2 + p[at + 1] > n) {
			check(sa, ILLEGAL, 0x1a, 0x00);
			return;
		}
		if (p[at] == 0x08 && lu->lu_type == SIM_DISK &&
		    p[at + 1] == 0x12)
			lu->lu_wce = p[at + 2] & 0x04;
		else {
			bad_parameter(sa);
			return;
		}
		at += 2 + p[at + 1];
	}
}

/* --- SBC: blocks --------------------------------------------------------- */

struct extent {
	uint64_t	 e_lba, e_n;
	uint8_t		 e_flags;
};

static struct extent
extent(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0:
		return ((struct extent){ sim_get_be(cdb + 1, 3) & 0x1fffff,
		    cdb[4] == 0 ? 256 : cdb[4], 0 });
	case 4:
		return ((struct extent){ sim_get_be(cdb + 2, 8),
		    sim_get_be(cdb + 10, 4), cdb[1] });
	case 5:
		return ((struct extent){ sim_get_be(cdb + 2, 4),
		    sim_get_be(cdb + 6, 4), cdb[1] });
	default:
		return ((struct extent){ sim_get_be(cdb + 2, 4),
		    sim_get_be(cdb + 7, 2), cdb[1] });
	}
}

/* A driver has been told where the end is. */
static bool
in_range(struct sim_lu *lu, struct sim_answer *sa, uint64_t lba, uint64_t n)
{
	if (lba <= lu->lu_nblocks && n <= lu->lu_nblocks - lba)
		return (true);
	lu->lu_nrange++;
	if (!lu->lu_resized)
		sim_fault("scsi: command %#x beyond the end: %llu blocks at "
		    "%llu of %llu", sa->sa_cdb[0], (unsigned long long)n,
		    (unsigned long long)lba,
		    (unsigned long long)lu->lu_nblocks);
	check(sa, ILLEGAL, 0x21, 0x00);
	return (false);
}

static bool
flags_known(struct sim_lu *lu, struct sim_answer *sa, uint8_t flags)
{
	if (flags & 0x08)
		lu->lu_nfua++;
	if ((flags & 0xe0) || ((flags & 0x18) && !lu->lu_dpofua)) {
		sim_fault("scsi: command %#x with flags %#x", sa->sa_cdb[0],
		    flags);
		bad_cdb(sa);
		return (false);
	}
	return (true);
}

static bool
too_large(struct sim_lu *lu, struct sim_answer *sa, const struct extent *e)
{
	if (lu->lu_maxxfer == 0 || e->e_n <= lu->lu_maxxfer)
		return (false);
	sim_fault("scsi: command %#x of %llu blocks", sa->sa_cdb[0],
	    (unsigned long long)e->e_n);
	bad_cdb(sa);
	return (true);
}

static bool
may_transfer(struct sim_lu *lu, struct sim_answer *sa,
    const struct extent *e)
{
	u_int group = sa->sa_cdb[0] >> 5;

	if ((group == 4 && (lu->lu_type == SIM_CDROM ||
	    (lu->lu_without & SIM_NO_RW16))) ||
	    (group == 0 && (lu->lu_without & SIM_NO_RW6))) {
		bad_opcode(sa);
		return (false);
	}
	return (ready(lu, sa) && flags_known(lu, sa, e->e_flags) &&
	    !too_large(lu, sa, e) && in_range(lu, sa, e->e_lba, e->e_n));
}

static void
read_blocks(struct sim_lu *lu, struct sim_answer *sa)
{
	struct extent e = extent(sa->sa_cdb);
	uint64_t n = e.e_n * lu->lu_blksize;

	if (!may_transfer(lu, sa, &e))
		return;
	lu->lu_nread++;
	if (n > sa->sa_room || sa->sa_outlen != 0) {
		sim_fault("scsi: a read of %llu bytes, with room for %llu",
		    (unsigned long long)n, (unsigned long long)sa->sa_room);
		sa->sa_response = SIM_R_OVERRUN;
		return;
	}
	sim_lu_read(lu, e.e_lba * lu->lu_blksize, sa->sa_data, n);
	sa->sa_len = n;
}

static void
write_blocks(struct sim_lu *lu, struct sim_answer *sa)
{
	struct extent e = extent(sa->sa_cdb);

	if (lu->lu_type != SIM_DISK) {
		bad_opcode(sa);
		return;
	}
	if (!may_transfer(lu, sa, &e))
		return;
	lu->lu_nwrite++;
	if (lu->lu_wp) {
		check(sa, PROTECT, 0x27, 0x00);
		return;
	}
	if (takes(sa, e.e_n * lu->lu_blksize))
		sim_lu_write(lu, e.e_lba * lu->lu_blksize, sa->sa_out,
		    sa->sa_moved);
}

static void
synchronize(struct sim_lu *lu, struct sim_answer *sa)
{
	struct extent e = extent(sa->sa_cdb);

	if (lu->lu_type != SIM_DISK || (lu->lu_without & SIM_NO_SYNC) ||
	    (sa->sa_cdb[0] == 0x91 && (lu->lu_without & SIM_NO_SYNC16))) {
		bad_opcode(sa);
		return;
	}
	if (!ready(lu, sa) || !in_range(lu, sa, e.e_lba, e.e_n))
		return;
	lu->lu_nsync++;
	(void)takes(sa, 0);
}

/* --- SBC: blocks that are not needed ------------------------------------- */

/* What is read from there later: zeroes if it says so, else anything. */
static void
forget(struct sim_lu *lu, uint64_t lba, uint64_t n)
{
	lu->lu_unmapped += n * lu->lu_blksize;
	sim_lu_fill(lu, lba * lu->lu_blksize, n * lu->lu_blksize,
	    lu->lu_lbprz ? 0 : 0xd5);
}

static bool
unmap_limits(struct sim_lu *lu, struct sim_answer *sa, u_int ndesc,
    uint64_t total)
{
	if (ndesc <= lu->lu_maxdesc && total <= lu->lu_maxunmap)
		return (true);
	sim_fault("scsi: UNMAP of %llu blocks in %u pieces",
	    (unsigned long long)total, ndesc);
	bad_parameter(sa);
	return (false);
}

static void
unmap(struct sim_lu *lu, struct sim_answer *sa)
{
	u_int n = sim_get_be(sa->sa_cdb + 7, 2), i, ndesc;
	const uint8_t *p = sa->sa_out;
	uint64_t total = 0;

	if (lu->lu_type != SIM_DISK || !lu->lu_thin ||
	    (lu->lu_without & SIM_NO_UNMAP)) {
		bad_opcode(sa);
		return;
	}
	if (!ready(lu, sa) || !takes(sa, n) || n == 0)
		return;
	if (n < 8) {
		check(sa, ILLEGAL, 0x1a, 0x00);
		return;
	}
	ndesc = MIN(sim_get_be(p + 2, 2), n - 8) / 16;
	if (sim_get_be(p, 2) != n - 2 || sim_get_be(p + 2, 2) != n - 8)
		sim_fault("scsi: UNMAP of %u bytes says %u and %u", n,
		    (u_int)sim_get_be(p, 2), (u_int)sim_get_be(p + 2, 2));
	for (i = 0; i < ndesc; i++) {
		total += sim_get_be(p + 16 + 16 * i, 4);
		if (!in_range(lu, sa, sim_get_be(p + 8 + 16 * i, 8),
		    sim_get_be(p + 16 + 16 * i, 4)))
			return;
	}
	if (!unmap_limits(lu, sa, ndesc, total))
		return;
	if (lu->lu_wp) {
		check(sa, PROTECT, 0x27, 0x00);
		return;
	}
	lu->lu_nunmap++;
	for (i = 0; i < ndesc; i++)
		forget(lu, sim_get_be(p + 8 + 16 * i, 8),
		    sim_get_be(p + 16 + 16 * i, 4));
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	while (n-- > 0) {
		if (*p++ != 0)
			return (false);
	}
	return (true);
}

static void
write_same(struct sim_lu *lu, struct sim_answer *sa)
{
	struct extent e = extent(sa->sa_cdb);
	bool sixteen = sa->sa_cdb[0] == 0x93, ndob = sixteen &&
	    (e.e_flags & 0x01), un = e.e_flags & 0x08;
	uint64_t i;

	if (lu->lu_type != SIM_DISK || (lu->lu_without &
	    (sixteen ? SIM_NO_WS16 : SIM_NO_WS10))) {
		bad_opcode(sa);
		return;
	}
	if (!ready(lu, sa) || !in_range(lu, sa, e.e_lba, e.e_n))
		return;
	if ((e.e_flags & 0xf6) || (ndob && !lu->lu_ndob) ||
	    (un && !(sixteen ? lu->lu_lbpws : lu->lu_lbpws10)) ||
	    (lu->lu_maxws != 0 && (e.e_n > lu->lu_maxws || e.e_n == 0))) {
		if (lu->lu_maxws != 0 && e.e_n > lu->lu_maxws)
			sim_fault("scsi: WRITE SAME of %llu blocks",
			    (unsigned long long)e.e_n);
		bad_cdb(sa);
		return;
	}
	if (!takes(sa, ndob ? 0 : lu->lu_blksize))
		return;
	if (lu->lu_wp) {
		check(sa, PROTECT, 0x27, 0x00);
		return;
	}
	lu->lu_nws++;
	if (e.e_n == 0)
		e.e_n = lu->lu_nblocks - e.e_lba;
	if (ndob || all_zero(sa->sa_out, lu->lu_blksize)) {
		lu->lu_zeroed += e.e_n * lu->lu_blksize;
		if (un)
			lu->lu_unmapped += e.e_n * lu->lu_blksize;
		sim_lu_fill(lu, e.e_lba * lu->lu_blksize,
		    e.e_n * lu->lu_blksize, 0);
		return;
	}
	for (i = 0; i < e.e_n; i++)
		sim_lu_write(lu, (e.e_lba + i) * lu->lu_blksize, sa->sa_out,
		    lu->lu_blksize);
}

/* --- MMC ----------------------------------------------------------------- */

static void
read_toc(struct sim_lu *lu, struct sim_answer *sa)
{
	uint8_t d[20] = { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14,
	    0xaa, 0 };
	u_int n = sizeof(d);

	if (!ready(lu, sa))
		return;
	if ((sa->sa_cdb[2] & 0x0f) > 1 || (sa->sa_cdb[6] > 1 &&
	    sa->sa_cdb[6] != 0xaa)) {
		bad_cdb(sa);
		return;
	}
	sim_put_be(d + 16, 4, lu->lu_nblocks);
	if ((sa->sa_cdb[2] & 0x0f) == 1) {
		n = 12;			/* the last session */
		d[1] = 10;
	}
	give(sa, d, n, sim_get_be(sa->sa_cdb + 7, 2));
}

static void
get_configuration(struct sim_lu *lu, struct sim_answer *sa)
{
	uint8_t d[32] = { 0, 0, 0, 28,
	    [8] = 0x00, 0x00, 0x03, 4, 0x00, 0x08,	/* profiles: CD-ROM */
	    [16] = 0x00, 0x01, 0x03, 0,			/* core */
	    [20] = 0x00, 0x03, 0x03, 4, 0x29 };		/* removable medium */

	if (lu->lu_disc && !lu->lu_tray)
		d[7] = 0x08;
	give(sa, d, sizeof(d) - 4, sim_get_be(sa->sa_cdb + 7, 2));
}

static void
event_status(struct sim_lu *lu, struct sim_answer *sa)
{
	uint8_t d[8] = { 0, 6, 4, 0x10 };
	u_int n = 8;

	if (lu->lu_without & SIM_NO_EVENTS) {
		bad_opcode(sa);
		return;
	}
	if (!(sa->sa_cdb[1] & 1)) {
		bad_cdb(sa);		/* only what can be polled */
		return;
	}
	if (!(sa->sa_cdb[4] & 0x10)) {
		d[1] = 2;
		d[2] = 0x80;		/* no event of that class */
		n = 4;
	} else {
		d[4] = lu->lu_mediaevent;
		d[5] = (lu->lu_disc && !lu->lu_tray ? 0x02 : 0) |
		    (lu->lu_tray ? 0x01 : 0);
		lu->lu_mediaevent = 0;
	}
	give(sa, d, n, sim_get_be(sa->sa_cdb + 7, 2));
}

/* --- one command --------------------------------------------------------- */

static bool
attention(struct sim_lu *lu, struct sim_answer *sa)
{
	uint16_t a;

	if (lu->lu_nattention == 0)
		return (false);
	a = lu->lu_attention[0];
	memmove(lu->lu_attention, lu->lu_attention + 1,
	    --lu->lu_nattention * sizeof(lu->lu_attention[0]));
	check(sa, ATTENTION, a >> 8, a & 0xff);
	return (true);
}

/* MMC, where a code means something else than in SBC */
static bool
execute_cdrom(struct sim_lu *lu, struct sim_answer *sa)
{
	switch (sa->sa_cdb[0]) {
	case 0x43:
		read_toc(lu, sa);
		break;
	case 0x46:
		get_configuration(lu, sa);
		break;
	case 0x42:
	case 0x93:
		bad_opcode(sa);
		break;
	default:
		return (false);
	}
	return (true);
}

static void
execute_blocks(struct sim_lu *lu, struct sim_answer *sa)
{
	switch (sa->sa_cdb[0]) {
	case 0x08:
	case 0x28:
	case 0xa8:
	case 0x88:
		read_blocks(lu, sa);
		break;
	case 0x0a:
	case 0x2a:
	case 0xaa:
	case 0x8a:
		write_blocks(lu, sa);
		break;
	case 0x15:
	case 0x55:
		mode_select(lu, sa);
		break;
	case 0x1a:
	case 0x5a:
		mode_sense(lu, sa);
		break;
	case 0x1b:
		start_stop(lu, sa);
		break;
	case 0x1e:
		prevent_allow(lu, sa);
		break;
	case 0x25:
		if (ready(lu, sa))
			read_capacity(lu, sa);
		break;
	case 0x9e:
		if (ready(lu, sa))
			read_capacity_16(lu, sa);
		break;
	case 0x35:
	case 0x91:
		synchronize(lu, sa);
		break;
	case 0x42:
		unmap(lu, sa);
		break;
	case 0x41:
	case 0x93:
		write_same(lu, sa);
		break;
	default:
		bad_opcode(sa);
		break;
	}
}

void
sim_lu_execute(struct sim_scsi *sh, struct sim_answer *sa)
{
	struct sim_lu *lu = sa->sa_lu;
	uint8_t op = sa->sa_cdb[0];
	uint8_t control = sa->sa_cdb[op < 0x20 ? 5 : op < 0x60 ? 9 :
	    op < 0xa0 ? 15 : 11];

	if (control != 0)
		sim_fault("scsi: command %#x with control %#x", op, control);
	if (op == 0xa0 && (lu == NULL ||
	    !(lu->lu_without & SIM_NO_REPORT_LUNS))) {
		report_luns(sh, sa);
		if (lu != NULL)
			lu->lu_op[op]++;
		return;
	}
	if (lu == NULL) {
		sh->sh_nstray++;
		nobody(sa);
		return;
	}
	lu->lu_op[op]++;
	if (op == 0x12)
		inquiry(lu, sa);
	else if (op == 0x03)
		request_sense(lu, sa);
	else if (op == 0x4a && lu->lu_type == SIM_CDROM)
		event_status(lu, sa);
	else if (attention(lu, sa))
		;
	else if (op == 0x00)
		test_unit_ready(lu, sa);
	else if (lu->lu_type == SIM_CDROM && execute_cdrom(lu, sa))
		;
	else if (lu->lu_type == SIM_CDROM || lu->lu_type == SIM_DISK)
		execute_blocks(lu, sa);
	else
		bad_opcode(sa);
}

/* --- what happens to a unit ---------------------------------------------- */

void
sim_lu_attention(struct sim_lu *lu, uint8_t asc, uint8_t ascq)
{
	uint16_t a = asc << 8 | ascq;
	u_int i;

	for (i = 0; i < lu->lu_nattention; i++) {
		if (lu->lu_attention[i] == a)
			return;
	}
	if (lu->lu_nattention < SIM_NATTENTION)
		lu->lu_attention[lu->lu_nattention++] = a;
}

/* SAM: the attention of a reset comes before, and instead of, all others. */
void
sim_lu_reset(struct sim_lu *lu, uint8_t asc, uint8_t ascq)
{
	lu->lu_nattention = 0;
	sim_lu_attention(lu, asc, ascq);
	lu->lu_locked = false;
}

void
sim_lu_resize(struct sim_lu *lu, uint64_t nblocks, bool event, bool told)
{
	uint8_t addr[8];

	lu->lu_nblocks = nblocks;
	lu->lu_resized = true;
	if (told)
		sim_lu_attention(lu, 0x2a, 0x09);
	if (event && (lu->lu_sh->sh_sv->sv_features & SIM_SCSI_F_CHANGE)) {
		sim_scsi_lun(addr, lu->lu_target, lu->lu_lun);
		(void)sim_scsi_event(lu->lu_sh, SIM_EV_PARAM, addr, 0x092a);
	}
}

void
sim_lu_insert(struct sim_lu *lu, uint64_t nblocks, uint8_t salt)
{
	pieces_free(lu);
	lu->lu_resized = true;
	lu->lu_nblocks = nblocks;
	lu->lu_salt = salt;
	lu->lu_disc = true;
	lu->lu_tray = false;
	lu->lu_mediaevent = 2;
	sim_lu_attention(lu, 0x28, 0x00);
}

void
sim_lu_takeout(struct sim_lu *lu)
{
	lu->lu_disc = false;
	lu->lu_locked = false;
	lu->lu_resized = true;
	lu->lu_mediaevent = 3;
}

bool
sim_target_there(const struct sim_scsi *sh, u_int target)
{
	const struct sim_lu *lu;

	for (lu = sh->sh_lus; lu != NULL; lu = lu->lu_next) {
		if (lu->lu_target == target)
			return (true);
	}
	return (false);
}

struct sim_lu *
sim_lu_find(const struct sim_scsi *sh, u_int target, u_int lun)
{
	struct sim_lu *lu;

	for (lu = sh->sh_lus; lu != NULL; lu = lu->lu_next) {
		if (lu->lu_target == target && lu->lu_lun == lun)
			return (lu);
	}
	return (NULL);
}

void
sim_lu_name(struct sim_lu *lu, const char *vendor, const char *product,
    const char *rev)
{
	snprintf(lu->lu_vendor, sizeof(lu->lu_vendor), "%s", vendor);
	snprintf(lu->lu_product, sizeof(lu->lu_product), "%s", product);
	snprintf(lu->lu_rev, sizeof(lu->lu_rev), "%s", rev);
}

static bool
before(const struct sim_lu *lu, u_int target, u_int lun)
{
	return (lu->lu_target < target ||
	    (lu->lu_target == target && lu->lu_lun < lun));
}

struct sim_lu *
sim_lu_new(struct sim_scsi *sh, u_int target, u_int lun, u_int type,
    uint64_t nblocks, uint32_t blksize)
{
	struct sim_lu *lu, **at;

	if ((lu = host_alloc(sizeof(*lu))) == NULL)
		host_fail("no memory");
	KASSERT(target < 256 && lun < 16384 &&
	    sim_lu_find(sh, target, lun) == NULL);
	lu->lu_sh = sh;
	lu->lu_target = target;
	lu->lu_lun = lun;
	lu->lu_type = type;
	lu->lu_nblocks = nblocks;
	lu->lu_blksize = blksize;
	lu->lu_salt = target * 13 + lun * 5;
	sim_lu_name(lu, "SIM", type == SIM_CDROM ? "MEMORY CD" :
	    type == SIM_DISK ? "MEMORY DISK" : "SOMETHING", "0001");
	snprintf(lu->lu_serial, sizeof(lu->lu_serial), "SN%u-%u", target,
	    lun);
	lu->lu_wce = type == SIM_DISK;
	lu->lu_removable = lu->lu_disc = type == SIM_CDROM;
	lu->lu_maxunmap = lu->lu_maxdesc = ~0U;		/* any */
	sim_lu_attention(lu, 0x29, 0x00);
	for (at = &sh->sh_lus; *at != NULL && before(*at, target, lun);
	    at = &(*at)->lu_next)
		;
	lu->lu_next = *at;
	*at = lu;
	sh->sh_nlus++;
	return (lu);
}

void
sim_lu_free(struct sim_lu *lu)
{
	pieces_free(lu);
	host_free(lu);
}

/* The other units of the target have something to say, too. */
static void
inventory_changed(struct sim_scsi *sh, u_int target)
{
	struct sim_lu *lu;

	for (lu = sh->sh_lus; lu != NULL; lu = lu->lu_next) {
		if (lu->lu_target == target)
			sim_lu_attention(lu, 0x3f, 0x0e);
	}
}

static void
tell(struct sim_scsi *sh, u_int target, u_int lun, uint32_t reason)
{
	uint8_t addr[8];

	if (!(sh->sh_sv->sv_features & SIM_SCSI_F_HOTPLUG))
		return;
	sim_scsi_lun(addr, target, lun);
	(void)sim_scsi_event(sh, SIM_EV_RESET, addr, reason);
}

struct sim_lu *
sim_lu_plug(struct sim_scsi *sh, u_int target, u_int lun, u_int type,
    uint64_t nblocks, uint32_t blksize, bool told)
{
	struct sim_lu *lu;

	inventory_changed(sh, target);
	lu = sim_lu_new(sh, target, lun, type, nblocks, blksize);
	if (told)
		tell(sh, target, lun, SIM_EV_RESCAN);
	return (lu);
}

void
sim_lu_unplug(struct sim_lu *lu, bool told)
{
	struct sim_scsi *sh = lu->lu_sh;
	u_int target = lu->lu_target, lun = lu->lu_lun, i;
	struct sim_lu **at;

	sim_cmds_end(sh, target, lun, NULL, sh->sh_removed, SIM_UNTIL_RESET);
	for (at = &sh->sh_lus; *at != lu; at = &(*at)->lu_next)
		;
	*at = lu->lu_next;
	sh->sh_nlus--;
	for (i = 0; i < SIM_NINJECT; i++) {
		if (sh->sh_inject[i].in_lu == lu)
			sh->sh_inject[i].in_times = 0;
	}
	sim_lu_free(lu);
	inventory_changed(sh, target);
	if (told)
		tell(sh, target, lun, SIM_EV_REMOVED);
}

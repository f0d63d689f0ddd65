/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A SCSI host: VIRTIO 1.4, 5.6.  Its queues, what it tells a driver of the
 * units behind it, and what it does with commands that have to end early.
 */

#include <sys/systm.h>

#include <machine/host.h>
#include "scsi.h"

#define F_ANY_LAYOUT	(1ULL << 27)
#define F_VERSION_1	(1ULL << 32)

#define HEAD_LEN	19		/* of a command, before the CDB */
#define PI_LEN		8		/* sizes of protection information */
#define ANSWER_LEN	12		/* before the sense data */
#define EVENT_LEN	16
#define ROOM_MAX	(64ULL << 20)	/* more is not served */

enum { Q_CONTROL, Q_EVENT, Q_REQUEST };
enum { T_TMF, T_AN_QUERY, T_AN_SUBSCRIBE };

/* Queue and serial number name a chain, which may have gone in a reset. */
struct sim_cmd {
	TAILQ_ENTRY(sim_cmd)	 cm_link;
	u_int			 cm_queue;
	uint64_t		 cm_serial;
	struct sim_lu		*cm_lu;		/* NULL: there was none */
	uint8_t			 cm_target;
	u_int			 cm_lun;
	bool			 cm_wlun;	/* REPORT LUNS itself */
	bool			 cm_nowhere;	/* not an address at all */
	uint64_t		 cm_id;
	uint8_t			 cm_cdb[32];
	uint32_t		 cm_head;	/* where the data begins */
	uint32_t		 cm_tail;
	uint32_t		 cm_sense;	/* room for it */
	bool			 cm_stuck;
	enum sim_until		 cm_until;
};

static uint32_t
config(const struct sim_scsi *sh, u_int off)
{
	return (sim_get_le(sh->sh_sv->sv_config + off, 4));
}

static bool
has(const struct sim_scsi *sh, uint64_t feature)
{
	return ((sh->sh_sv->sv_features & feature) != 0);
}

/* --- addresses: 5.6.6.1 -------------------------------------------------- */

void
sim_scsi_lun(uint8_t *p, u_int target, u_int lun)
{
	memset(p, 0, 8);
	p[0] = 1;
	p[1] = target;
	p[2] = 0x40 | lun >> 8;
	p[3] = lun;
}

/*
 * "a single level LUN structure": of peripheral device addressing, on bus 0,
 * or of flat space addressing.
 */
static bool
address(const uint8_t *p, uint8_t *target, u_int *lun)
{
	u_int i;

	*target = p[1];
	for (i = 4; i < 8; i++) {
		if (p[i] != 0)
			return (false);
	}
	if (p[0] != 1)
		return (false);
	switch (p[2] >> 6) {
	case 0:
		*lun = p[3];
		return (p[2] == 0);
	case 1:
		*lun = (p[2] & 0x3f) << 8 | p[3];
		return (true);
	default:
		return (false);
	}
}

static bool
is_wlun(const uint8_t *p)
{
	static const uint8_t wlun[8] = { 0xc1, 0x01 };

	return (memcmp(p, wlun, 8) == 0);
}

/* --- the commands there are ---------------------------------------------- */

static struct sim_chain *
chain_of(struct sim_scsi *sh, const struct sim_cmd *cm)
{
	struct sim_chain *ch;

	TAILQ_FOREACH(ch, &sh->sh_sv->sv_vq[cm->cm_queue].sq_held, ch_link) {
		if (ch->ch_serial == cm->cm_serial)
			return (ch);
	}
	return (NULL);
}

static void
cmd_free(struct sim_scsi *sh, struct sim_cmd *cm)
{
	TAILQ_REMOVE(&sh->sh_cmds, cm, cm_link);
	if (cm->cm_lu != NULL)
		cm->cm_lu->lu_now--;
	host_free(cm);
}

/* Those whose queue was reset are forgotten. */
static void
cmds_prune(struct sim_scsi *sh)
{
	struct sim_cmd *cm, *next;

	for (cm = TAILQ_FIRST(&sh->sh_cmds); cm != NULL; cm = next) {
		next = TAILQ_NEXT(cm, cm_link);
		if (chain_of(sh, cm) == NULL)
			cmd_free(sh, cm);
	}
}

u_int
sim_scsi_nheld(const struct sim_scsi *sh)
{
	u_int i, n = 0;

	for (i = Q_REQUEST; i < sh->sh_sv->sv_c.vc_nvq; i++)
		n += sh->sh_sv->sv_vq[i].sq_nheld;
	return (n);
}

/* --- sense data ---------------------------------------------------------- */

/* SPC: fixed (0x70) and descriptor (0x72) format, of the current command. */
void
sim_answer_sense(struct sim_answer *sa, bool desc, u_int key, u_int asc,
    u_int ascq, uint64_t info)
{
	uint8_t *p = sa->sa_sense;

	memset(p, 0, sizeof(sa->sa_sense));
	if (desc) {
		p[0] = 0x72;
		p[1] = key;
		p[2] = asc;
		p[3] = ascq;
		sa->sa_nsense = 8;
		if (info != 0) {
			p[7] = 12;
			p[8] = 0x00;		/* information */
			p[9] = 0x0a;
			p[10] = 0x80;		/* VALID */
			sim_put_be(p + 12, 8, info);
			sa->sa_nsense = 20;
		}
	} else {
		p[0] = 0x70 | (info != 0 ? 0x80 : 0);
		p[2] = key;
		sim_put_be(p + 3, 4, info);
		p[7] = 10;
		p[12] = asc;
		p[13] = ascq;
		sa->sa_nsense = 18;
	}
	sa->sa_senselen = sa->sa_nsense;
}

/* --- answers ------------------------------------------------------------- */

static uint32_t
used_length(struct sim_scsi *sh, const struct sim_chain *ch,
    const struct sim_cmd *cm, const struct sim_answer *sa)
{
	if (sh->sh_fullused)
		return (ch->ch_inlen);
	/* what was not written ends what counts */
	if (sh->sh_shortused && sa->sa_nsense < cm->cm_sense)
		return (ANSWER_LEN + sa->sa_nsense);
	return (cm->cm_tail + sa->sa_len);
}

/* All of it, from the end to the beginning; then it is the driver's. */
static void
answer(struct sim_scsi *sh, struct sim_cmd *cm, struct sim_answer *sa)
{
	struct sim_chain *ch = chain_of(sh, cm);
	uint8_t head[ANSWER_LEN], pad[256];
	uint32_t n;

	if (ch == NULL || sa->sa_mute) {
		if (ch == NULL)
			cmd_free(sh, cm);
		else {
			cm->cm_stuck = true;
			cm->cm_until = SIM_UNTIL_ABORT;
			sh->sh_nstuck++;
		}
		return;
	}
	if (sa->sa_used == ~0U)
		sa->sa_used = used_length(sh, ch, cm, sa);
	if (sa->sa_len > 0)
		(void)sim_chain_write(ch, cm->cm_tail, sa->sa_data,
		    MIN(sa->sa_len, sa->sa_room));
	n = MIN(sa->sa_nsense, cm->cm_sense);
	n = MIN(n, sizeof(sa->sa_sense));
	memset(pad, 0, sizeof(pad));
	memcpy(pad, sa->sa_sense, n);
	if (!sh->sh_shortused)
		n = MIN(cm->cm_sense, sizeof(pad));
	if (n > 0)
		(void)sim_chain_write(ch, ANSWER_LEN, pad, n);
	sim_put(head, 4, sa->sa_senselen);
	sim_put(head + 4, 4, sa->sa_residual);
	sim_put(head + 8, 2, sa->sa_qualifier);
	head[10] = sa->sa_status;
	head[11] = sa->sa_response;
	(void)sim_chain_write(ch, 0, head, MIN(ch->ch_inlen, ANSWER_LEN));
	n = sa->sa_used;
	cmd_free(sh, cm);
	sim_chain_done(ch, n);
}

/* A response, without that anything was done. */
static void
answer_early(struct sim_scsi *sh, struct sim_cmd *cm, u_int response)
{
	struct sim_chain *ch = chain_of(sh, cm);
	struct sim_answer sa = { .sa_response = response, .sa_used = ~0U };

	if (ch != NULL)
		sa.sa_residual = ch->ch_inlen - MIN(ch->ch_inlen,
		    cm->cm_tail) + ch->ch_outlen - MIN(ch->ch_outlen,
		    cm->cm_head);
	answer(sh, cm, &sa);
}

/* --- carrying one out ---------------------------------------------------- */

/* REPORT LUNS, from its well-known unit: all there is, as we address it. */
static void
execute_wlun(struct sim_scsi *sh, struct sim_answer *sa)
{
	uint64_t n = 8, alloc = sim_get_be(sa->sa_cdb + 6, 4);
	struct sim_lu *lu;

	if (!sh->sh_wlun || sa->sa_cdb[0] != 0xa0) {
		sa->sa_response = sh->sh_wlun ? SIM_R_FAILURE :
		    SIM_R_BAD_TARGET;
		return;
	}
	for (lu = sh->sh_lus; lu != NULL; lu = lu->lu_next, n += 8) {
		if (n + 8 <= sa->sa_room)
			sim_scsi_lun(sa->sa_data + n, lu->lu_target,
			    lu->lu_lun);
	}
	if (sa->sa_room >= 4)
		sim_put_be(sa->sa_data, 4, n - 8);
	sa->sa_len = MIN(MIN(n, alloc), sa->sa_room);
}

static bool
op_is(u_int op, uint8_t code)
{
	switch (op) {
	case SIM_OP_ANY:
		return (true);
	case SIM_OP_READ:
		return (code == 0x08 || code == 0x28 || code == 0xa8 ||
		    code == 0x88);
	case SIM_OP_WRITE:
		return (code == 0x0a || code == 0x2a || code == 0xaa ||
		    code == 0x8a);
	case SIM_OP_SYNC:
		return (code == 0x35 || code == 0x91);
	default:
		return (op == code);
	}
}

static struct sim_inject *
injection(struct sim_scsi *sh, const struct sim_cmd *cm)
{
	struct sim_inject *in;

	for (in = sh->sh_inject; in < sh->sh_inject + SIM_NINJECT; in++) {
		if (in->in_times == 0 || cm->cm_lu == NULL ||
		    (in->in_lu != NULL && in->in_lu != cm->cm_lu) ||
		    !op_is(in->in_op, cm->cm_cdb[0]))
			continue;
		if (in->in_skip > 0) {
			in->in_skip--;
			continue;
		}
		if (in->in_times != SIM_ALL)
			in->in_times--;
		in->in_done++;
		return (in);
	}
	return (NULL);
}

/* true: there is nothing else to do. */
static bool
inject(struct sim_scsi *sh, struct sim_cmd *cm, const struct sim_inject *in,
    struct sim_answer *sa)
{
	switch (in->in_what) {
	case SIM_WITH_SENSE:
		sa->sa_status = SIM_CHECK;
		sim_answer_sense(sa, sa->sa_lu->lu_descsense, in->in_key,
		    in->in_asc, in->in_ascq, in->in_info);
		return (true);
	case SIM_WITH_STATUS:
		sa->sa_status = in->in_arg;
		return (true);
	case SIM_WITH_RESPONSE:
		sa->sa_response = in->in_arg;
		return (true);
	case SIM_STUCK:
		cm->cm_stuck = true;
		cm->cm_until = in->in_until;
		sh->sh_nstuck++;
		return (true);
	default:
		return (false);
	}
}

/* The end of a part of the data was not moved. */
static void
cut(struct sim_answer *sa, uint32_t most)
{
	sa->sa_len = MIN(sa->sa_len, most);
	sa->sa_moved = MIN(sa->sa_moved, most);
}

/* SPC: these do not end with a unit attention, so nobody has to wait. */
static bool
attention_first(const struct sim_cmd *cm)
{
	return (cm->cm_lu != NULL && cm->cm_lu->lu_nattention > 0 &&
	    cm->cm_cdb[0] != 0x12 && cm->cm_cdb[0] != 0xa0 &&
	    cm->cm_cdb[0] != 0x03 && cm->cm_cdb[0] != 0x4a);
}

static void
execute(struct sim_scsi *sh, struct sim_cmd *cm)
{
	struct sim_chain *ch = chain_of(sh, cm);
	struct sim_answer sa = { .sa_lu = cm->cm_lu,
	    .sa_target = cm->cm_target, .sa_lun = cm->cm_lun,
	    .sa_used = ~0U };
	struct sim_inject *in = NULL;
	uint8_t *out = NULL;

	if (ch == NULL) {
		cmd_free(sh, cm);
		return;
	}
	memcpy(sa.sa_cdb, cm->cm_cdb, sizeof(sa.sa_cdb));
	sa.sa_room = MIN(ch->ch_inlen - cm->cm_tail, ROOM_MAX);
	sa.sa_outlen = MIN(ch->ch_outlen - cm->cm_head, ROOM_MAX);
	sa.sa_data = host_alloc(MAX(sa.sa_room, 1));
	out = host_alloc(MAX(sa.sa_outlen, 1));
	if (sa.sa_data == NULL || out == NULL)
		host_fail("no memory");
	if (sa.sa_outlen > 0)
		(void)sim_chain_read(ch, cm->cm_head, out, sa.sa_outlen);
	sa.sa_out = out;
	if (!attention_first(cm))
		in = injection(sh, cm);
	if (in != NULL && inject(sh, cm, in, &sa))
		;
	else if (cm->cm_wlun)
		execute_wlun(sh, &sa);
	else if (cm->cm_nowhere || !sim_target_there(sh, cm->cm_target)) {
		sh->sh_nstray++;
		sa.sa_response = SIM_R_BAD_TARGET;
	} else
		sim_lu_execute(sh, &sa);
	if (!cm->cm_stuck) {
		if (in != NULL && in->in_what == SIM_CUT)
			cut(&sa, in->in_arg);
		sa.sa_residual = sa.sa_room + sa.sa_outlen - sa.sa_len -
		    sa.sa_moved;
		if (sh->sh_answer != NULL)
			sh->sh_answer(sh, &sa);
		answer(sh, cm, &sa);
	}
	host_free(sa.sa_data);
	host_free(out);
}

/* --- a command arrives --------------------------------------------------- */

/* Which of the segments are more than the fixed parts? */
static u_int
data_segs(const struct sim_chain *ch, bool in, uint32_t fixed)
{
	u_int i = in ? ch->ch_nout : 0, n = 0;
	u_int end = in ? ch->ch_nout + ch->ch_nin : ch->ch_nout;
	uint64_t at = 0;

	for (; i < end; i++) {
		at += ch->ch_seg[i].ss_len;
		if (at > fixed)
			n++;
	}
	return (n);
}

static u_int
cdb_length(uint8_t op)
{
	static const uint8_t len[8] = { 6, 10, 10, 32, 16, 12, 32, 32 };

	return (len[op >> 5]);
}

static void
check_rules(struct sim_scsi *sh, struct sim_cmd *cm, struct sim_chain *ch,
    const uint8_t *head)
{
	uint64_t out = ch->ch_outlen - cm->cm_head;
	uint64_t in = ch->ch_inlen - cm->cm_tail;
	uint32_t most = config(sh, SIM_SCSI_SEG_MAX);
	u_int nout = data_segs(ch, false, cm->cm_head), i;
	u_int nin = data_segs(ch, true, cm->cm_tail);
	struct sim_cmd *other;

	if (most != 0 && (nout > most || nin > most))
		sim_fault("scsi: %u and %u segments of %u", nout, nin, most);
	sh->sh_mostsegs = MAX(sh->sh_mostsegs, MAX(nout, nin));
	sh->sh_mostdata = MAX(sh->sh_mostdata, out + in);
	if (in != 0 && out != 0 && !has(sh, SIM_SCSI_F_INOUT))
		sim_fault("scsi: data in both directions");
	if (head[16] > 3)
		sim_fault("scsi: task attribute %u", head[16]);
	if (head[16] != 0)
		sh->sh_nattr++;
	if (head[17] != 0 || head[18] != 0)
		sim_fault("scsi: prio %u, crn %u", head[17], head[18]);
	for (i = cdb_length(cm->cm_cdb[0]); i < sizeof(cm->cm_cdb); i++) {
		if (cm->cm_cdb[i] != 0) {
			sim_fault("scsi: command %#x has %#x behind its end",
			    cm->cm_cdb[0], cm->cm_cdb[i]);
			break;
		}
	}
	TAILQ_FOREACH(other, &sh->sh_cmds, cm_link) {
		if (other != cm && other->cm_id == cm->cm_id)
			sim_fault("scsi: two commands with id %#llx",
			    (unsigned long long)cm->cm_id);
	}
	/* 5.6.8.5: without ANY_LAYOUT one descriptor each */
	if (!has(sh, F_ANY_LAYOUT | F_VERSION_1) &&
	    (ch->ch_seg[0].ss_len != cm->cm_head ||
	    ch->ch_seg[ch->ch_nout].ss_len != cm->cm_tail))
		sim_fault("scsi: layout of a legacy request");
}

static void
check_depth(struct sim_scsi *sh, struct sim_lu *lu)
{
	uint32_t most = config(sh, SIM_SCSI_CMD_PER_LUN);

	lu->lu_now++;
	lu->lu_most = MAX(lu->lu_most, lu->lu_now);
	if (most != 0 && lu->lu_now > most)
		sim_fault("scsi: %u commands to a unit, of %u", lu->lu_now,
		    most);
}

/* What cannot be read as a command; whatever fits is answered. */
static void
reject(struct sim_chain *ch)
{
	uint8_t head[ANSWER_LEN] = { [11] = SIM_R_FAILURE };
	uint32_t n = MIN(ch->ch_inlen, sizeof(head));

	sim_fault("not a SCSI request: %llu out, %llu in",
	    (unsigned long long)ch->ch_outlen,
	    (unsigned long long)ch->ch_inlen);
	if (n > 0)
		(void)sim_chain_write(ch, 0, head, n);
	sim_chain_done(ch, n);
}

static struct sim_cmd *
parse(struct sim_scsi *sh, struct sim_chain *ch)
{
	uint32_t ncdb = config(sh, SIM_SCSI_CDB_SIZE);
	uint32_t nsense = config(sh, SIM_SCSI_SENSE_SIZE);
	uint8_t head[HEAD_LEN], pi[PI_LEN];
	struct sim_cmd *cm;
	bool haspi = has(sh, SIM_SCSI_F_T10_PI);
	uint64_t fixed = (uint64_t)HEAD_LEN + ncdb + (haspi ? PI_LEN : 0);

	if (ch->ch_outlen < fixed || ch->ch_inlen < (uint64_t)ANSWER_LEN +
	    nsense || !sim_chain_read(ch, 0, head, HEAD_LEN)) {
		reject(ch);
		return (NULL);
	}
	if ((cm = host_alloc(sizeof(*cm))) == NULL)
		host_fail("no memory");
	cm->cm_queue = ch->ch_vq->sq_index;
	cm->cm_serial = ch->ch_serial;
	cm->cm_id = sim_get(head + 8, 8);
	cm->cm_head = fixed;
	cm->cm_tail = ANSWER_LEN + nsense;
	cm->cm_sense = nsense;
	(void)sim_chain_read(ch, HEAD_LEN, cm->cm_cdb,
	    MIN(ncdb, sizeof(cm->cm_cdb)));
	if (haspi && sim_chain_read(ch, HEAD_LEN + ncdb, pi, PI_LEN) &&
	    (sim_get(pi, 4) != 0 || sim_get(pi + 4, 4) != 0))
		sim_fault("scsi: protection information that nobody wants");
	if (is_wlun(head))
		cm->cm_wlun = true;
	else if (!address(head, &cm->cm_target, &cm->cm_lun)) {
		sim_fault("scsi: address %#llx",
		    (unsigned long long)sim_get_be(head, 8));
		cm->cm_nowhere = true;
	} else
		cm->cm_lu = sim_lu_find(sh, cm->cm_target, cm->cm_lun);
	TAILQ_INSERT_TAIL(&sh->sh_cmds, cm, cm_link);
	sh->sh_ncmds++;
	sh->sh_nqueue[cm->cm_queue]++;
	if (cm->cm_lu != NULL)
		check_depth(sh, cm->cm_lu);
	check_rules(sh, cm, ch, head);
	return (cm);
}

/* One of those of this queue that can be carried out. */
static struct sim_cmd *
pick(struct sim_scsi *sh, u_int queue)
{
	struct sim_cmd *cm;
	u_int n = 0;

	TAILQ_FOREACH(cm, &sh->sh_cmds, cm_link)
		n += cm->cm_queue == queue && !cm->cm_stuck;
	if (n == 0)
		return (NULL);
	n = sh->sh_sv->sv_c.vc_random_order ? sim_random(n) : 0;
	TAILQ_FOREACH(cm, &sh->sh_cmds, cm_link) {
		if (cm->cm_queue == queue && !cm->cm_stuck && n-- == 0)
			break;
	}
	return (cm);
}

static void
command(struct sim_scsi *sh, struct sim_chain *ch)
{
	struct sim_vq *sq = ch->ch_vq;
	struct sim_cmd *cm;

	cmds_prune(sh);
	if ((cm = parse(sh, ch)) == NULL || sh->sh_hold)
		return;
	if (!sh->sh_sv->sv_c.vc_random_order) {
		execute(sh, cm);
		return;
	}
	/* some of those that are there, in any order; never none at the end */
	while ((cm = pick(sh, sq->sq_index)) != NULL &&
	    (sq->sq_nheld > 3 || sim_random(3) != 0 || !sim_vq_more(sq)))
		execute(sh, cm);
}

void
sim_scsi_release(struct sim_scsi *sh)
{
	struct sim_cmd *cm;
	u_int i;

	sh->sh_hold = false;
	cmds_prune(sh);
	for (i = Q_REQUEST; i < sh->sh_sv->sv_c.vc_nvq; i++) {
		while ((cm = pick(sh, i)) != NULL)
			execute(sh, cm);
	}
}

void
sim_scsi_unstick(struct sim_scsi *sh, u_int response)
{
	struct sim_cmd *cm, *next;

	cmds_prune(sh);
	for (cm = TAILQ_FIRST(&sh->sh_cmds); cm != NULL; cm = next) {
		next = TAILQ_NEXT(cm, cm_link);
		if (cm->cm_stuck)
			answer_early(sh, cm, response);
	}
}

/*
 * Commands to a unit, or with lun -1 to a target, end early, unless it takes
 * more than that to end one.  One of them only, where there is an id.
 */
void
sim_cmds_end(struct sim_scsi *sh, u_int target, int lun, const uint64_t *id,
    u_int response, enum sim_until how)
{
	struct sim_cmd *cm, *next;

	cmds_prune(sh);
	for (cm = TAILQ_FIRST(&sh->sh_cmds); cm != NULL; cm = next) {
		next = TAILQ_NEXT(cm, cm_link);
		if (cm->cm_wlun || cm->cm_target != target ||
		    (lun >= 0 && cm->cm_lun != (u_int)lun) ||
		    (id != NULL && cm->cm_id != *id) ||
		    (cm->cm_stuck && cm->cm_until > how))
			continue;
		answer_early(sh, cm, response);
	}
}

/* --- the control queue: 5.6.6.2 ------------------------------------------ */

static bool
cmd_there(struct sim_scsi *sh, u_int target, int lun, const uint64_t *id)
{
	struct sim_cmd *cm;

	TAILQ_FOREACH(cm, &sh->sh_cmds, cm_link) {
		if (!cm->cm_wlun && cm->cm_target == target &&
		    (lun < 0 || cm->cm_lun == (u_int)lun) &&
		    (id == NULL || cm->cm_id == *id))
			return (true);
	}
	return (false);
}

static void
reset_units(struct sim_scsi *sh, u_int target, int lun, u_int ascq)
{
	struct sim_lu *lu;

	for (lu = sh->sh_lus; lu != NULL; lu = lu->lu_next) {
		if (lu->lu_target == target &&
		    (lun < 0 || lu->lu_lun == (u_int)lun))
			sim_lu_reset(lu, 0x29, ascq);
	}
}

/* The response; what it has to do is done. */
static u_int
tmf(struct sim_scsi *sh, u_int subtype, u_int target, u_int lun, uint64_t id)
{
	switch (subtype) {
	case SIM_TMF_ABORT_TASK:
		sim_cmds_end(sh, target, lun, &id, SIM_R_ABORTED,
		    SIM_UNTIL_ABORT);
		/* SAM: complete also if there is no such command */
		return (cmd_there(sh, target, lun, &id) ? SIM_R_REJECTED :
		    SIM_R_OK);
	case SIM_TMF_ABORT_TASK_SET:
	case SIM_TMF_CLEAR_TASK_SET:
		sim_cmds_end(sh, target, lun, NULL, SIM_R_ABORTED,
		    SIM_UNTIL_ABORT);
		return (cmd_there(sh, target, lun, NULL) ? SIM_R_REJECTED :
		    SIM_R_OK);
	case SIM_TMF_LUN_RESET:
		sim_cmds_end(sh, target, lun, NULL, SIM_R_RESET,
		    SIM_UNTIL_LUN_RESET);
		if (cmd_there(sh, target, lun, NULL))
			return (SIM_R_REJECTED);
		reset_units(sh, target, lun, 0x03);
		return (SIM_R_OK);
	case SIM_TMF_NEXUS_RESET:
		sim_cmds_end(sh, target, -1, NULL, SIM_R_RESET,
		    SIM_UNTIL_NEXUS_RESET);
		if (cmd_there(sh, target, -1, NULL))
			return (SIM_R_REJECTED);
		reset_units(sh, target, -1, 0x07);
		return (SIM_R_OK);
	case SIM_TMF_QUERY_TASK:
		return (cmd_there(sh, target, lun, &id) ? SIM_R_SUCCEEDED :
		    SIM_R_OK);
	case SIM_TMF_QUERY_TASK_SET:
		return (cmd_there(sh, target, lun, NULL) ? SIM_R_SUCCEEDED :
		    SIM_R_OK);
	case SIM_TMF_CLEAR_ACA:
		return (SIM_R_OK);
	default:
		sim_fault("scsi: task management function %u", subtype);
		return (SIM_R_REJECTED);
	}
}

static void
control_done(struct sim_scsi *sh, struct sim_chain *ch, u_int type,
    u_int subtype, u_int response, uint32_t off)
{
	uint8_t byte;
	u_int i;

	if (sh->sh_control != NULL)
		response = sh->sh_control(sh, type, subtype, response);
	if (response > 0xff)
		return;
	/* "Such effects MUST take place before": what ended is there */
	for (i = Q_REQUEST; i < sh->sh_sv->sv_c.vc_nvq; i++)
		sim_vq_flush(&sh->sh_sv->sv_vq[i]);
	byte = response;
	if (ch->ch_inlen > off)
		(void)sim_chain_write(ch, off, &byte, 1);
	sim_chain_done(ch, MIN(ch->ch_inlen, off + 1));
}

static void
control_tmf(struct sim_scsi *sh, struct sim_chain *ch)
{
	uint8_t req[24], target;
	u_int subtype, lun, said = 0, response;

	if (ch->ch_outlen != sizeof(req) || ch->ch_inlen != 1 ||
	    !sim_chain_read(ch, 0, req, sizeof(req))) {
		sim_fault("scsi: a TMF of %llu bytes, with room for %llu",
		    (unsigned long long)ch->ch_outlen,
		    (unsigned long long)ch->ch_inlen);
		control_done(sh, ch, T_TMF, ~0U, SIM_R_FAILURE, 0);
		return;
	}
	subtype = sim_get(req + 4, 4);
	sh->sh_ntmf++;
	if (subtype < SIM_NTMF) {
		sh->sh_tmf[subtype]++;
		said = sh->sh_tmfanswer[subtype];
	}
	sh->sh_tmfid = sim_get(req + 16, 8);
	if (said & SIM_TMF_MUTE)
		return;
	if (said & SIM_TMF_IDLE(0)) {
		control_done(sh, ch, T_TMF, subtype, said & 0xff, 0);
		return;
	}
	if (!address(req + 8, &target, &lun)) {
		sim_fault("scsi: a TMF to %#llx",
		    (unsigned long long)sim_get_be(req + 8, 8));
		response = SIM_R_BAD_TARGET;
	} else if (!sim_target_there(sh, target))
		response = SIM_R_BAD_TARGET;
	else if (subtype != SIM_TMF_NEXUS_RESET &&
	    sim_lu_find(sh, target, lun) == NULL)
		response = SIM_R_INCORRECT_LUN;
	else
		response = tmf(sh, subtype, target, lun, sh->sh_tmfid);
	if (said & SIM_TMF_LATE)
		return;
	if (said & SIM_TMF_SAY(0))
		response = said & 0xff;
	control_done(sh, ch, T_TMF, subtype, response, 0);
}

static void
control_an(struct sim_scsi *sh, struct sim_chain *ch, u_int type)
{
	uint8_t req[16], actual[4], target;
	struct sim_lu *lu = NULL;
	uint32_t want;
	u_int lun;

	if (ch->ch_outlen != sizeof(req) || ch->ch_inlen != 5 ||
	    !sim_chain_read(ch, 0, req, sizeof(req))) {
		sim_fault("scsi: a notification request of %llu bytes, with "
		    "room for %llu", (unsigned long long)ch->ch_outlen,
		    (unsigned long long)ch->ch_inlen);
		control_done(sh, ch, type, 0, SIM_R_FAILURE, 0);
		return;
	}
	if (address(req + 4, &target, &lun))
		lu = sim_lu_find(sh, target, lun);
	want = sim_get(req + 12, 4);
	if (want & ~0x7eU)
		sim_fault("scsi: asynchronous events %#x", want);
	/* there are events of a medium, where one can be changed */
	want &= lu != NULL && lu->lu_type == SIM_CDROM ? 0x10 : 0;
	if (type == T_AN_SUBSCRIBE)
		sh->sh_subscribed = want;
	sim_put(actual, 4, want);
	(void)sim_chain_write(ch, 0, actual, 4);
	control_done(sh, ch, type, 0, lu == NULL ? SIM_R_BAD_TARGET :
	    SIM_R_OK, 4);
}

static void
control(struct sim_scsi *sh, struct sim_chain *ch)
{
	uint8_t type[4];

	if (sh->sh_mutecontrol)
		return;
	if (!sim_chain_read(ch, 0, type, 4)) {
		sim_fault("scsi: a control request of %llu bytes",
		    (unsigned long long)ch->ch_outlen);
		control_done(sh, ch, ~0U, 0, SIM_R_FAILURE, 0);
		return;
	}
	switch (sim_get(type, 4)) {
	case T_TMF:
		control_tmf(sh, ch);
		break;
	case T_AN_QUERY:
	case T_AN_SUBSCRIBE:
		control_an(sh, ch, sim_get(type, 4));
		break;
	default:
		sim_fault("scsi: control request %u",
		    (u_int)sim_get(type, 4));
		control_done(sh, ch, ~0U, 0, SIM_R_FAILURE, 0);
		break;
	}
}

/* --- events: 5.6.6.3 ----------------------------------------------------- */

bool
sim_scsi_event_raw(struct sim_scsi *sh, const void *event, size_t len,
    uint32_t used)
{
	struct sim_vq *sq = &sh->sh_sv->sv_vq[Q_EVENT];
	struct sim_chain *ch;

	if ((ch = TAILQ_FIRST(&sq->sq_held)) == NULL &&
	    (!sim_virtio_run(sh->sh_sv) ||
	    (ch = TAILQ_FIRST(&sq->sq_held)) == NULL))
		return (false);
	(void)sim_chain_write(ch, 0, event, MIN(len, ch->ch_inlen));
	sim_chain_done(ch, used);
	return (true);
}

bool
sim_scsi_event(struct sim_scsi *sh, uint32_t event, const uint8_t *lun,
    uint32_t reason)
{
	uint8_t ev[EVENT_LEN] = { 0 };

	if (sh->sh_missed)
		event |= SIM_EV_MISSED;
	sim_put(ev, 4, event);
	if (lun != NULL)
		memcpy(ev + 4, lun, 8);
	sim_put(ev + 12, 4, reason);
	sh->sh_nevents++;
	if (sim_scsi_event_raw(sh, ev, sizeof(ev), sizeof(ev))) {
		sh->sh_missed = false;
		return (true);
	}
	sh->sh_missed = true;
	sh->sh_nlost++;
	return (false);
}

static void
event_buffer(struct sim_scsi *sh, struct sim_chain *ch)
{
	if (ch->ch_nout != 0 || ch->ch_inlen < EVENT_LEN)
		sim_fault("scsi: %llu bytes for an event, and %llu out",
		    (unsigned long long)ch->ch_inlen,
		    (unsigned long long)ch->ch_outlen);
	else if (ch->ch_inlen < config(sh, SIM_SCSI_EVENT_SIZE) &&
	    config(sh, SIM_SCSI_EVENT_SIZE) <= 4096)
		sim_fault("scsi: an event buffer of less than "
		    "event_info_size");
	/* "as soon as the drivers makes a buffer available" */
	if (sh->sh_missed)
		(void)sim_scsi_event(sh, SIM_EV_NONE, NULL, 0);
}

/* --- the device ---------------------------------------------------------- */

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_scsi *sh = sv->sv_priv;

	switch (ch->ch_vq->sq_index) {
	case Q_CONTROL:
		control(sh, ch);
		break;
	case Q_EVENT:
		event_buffer(sh, ch);
		break;
	default:
		command(sh, ch);
		break;
	}
}

static void
config_written(struct sim_virtio *sv, u_int off, u_int width)
{
	struct sim_scsi *sh = sv->sv_priv;

	if ((off != SIM_SCSI_SENSE_SIZE && off != SIM_SCSI_CDB_SIZE) ||
	    width != 4)
		sim_fault("scsi: configuration written at %u", off);
	if (sh->sh_stubborn) {
		sim_config_put(sv, SIM_SCSI_SENSE_SIZE, 4, sh->sh_defsense);
		sim_config_put(sv, SIM_SCSI_CDB_SIZE, 4, sh->sh_defcdb);
	}
}

/* Commands go with their queues. */
static void
reset(struct sim_virtio *sv)
{
	struct sim_scsi *sh = sv->sv_priv;
	struct sim_cmd *cm;
	struct sim_lu *lu;

	while ((cm = TAILQ_FIRST(&sh->sh_cmds)) != NULL)
		cmd_free(sh, cm);
	sh->sh_missed = false;
	sh->sh_subscribed = 0;
	sim_config_put(sv, SIM_SCSI_SENSE_SIZE, 4, sh->sh_defsense);
	sim_config_put(sv, SIM_SCSI_CDB_SIZE, 4, sh->sh_defcdb);
	for (lu = sh->sh_lus; lu != NULL; lu = lu->lu_next) {
		if (!sh->sh_noattention)
			sim_lu_reset(lu, 0x29, 0x00);
	}
}

void
sim_scsi_set(struct sim_scsi *sh, u_int field, uint32_t v)
{
	u_int n = field == SIM_SCSI_MAX_CHANNEL ||
	    field == SIM_SCSI_MAX_TARGET ? 2 : 4;

	sim_config_put(sh->sh_sv, field, n, v);
	if (field == SIM_SCSI_SENSE_SIZE)
		sh->sh_defsense = v;
	if (field == SIM_SCSI_CDB_SIZE)
		sh->sh_defcdb = v;
}

void
sim_scsi_inject(struct sim_scsi *sh, const struct sim_inject *given)
{
	u_int i;

	for (i = 0; i < SIM_NINJECT && sh->sh_inject[i].in_times != 0; i++)
		;
	if (i == SIM_NINJECT)
		host_fail("too many injections");
	sh->sh_inject[i] = *given;
	if (given->in_times == 0)
		sh->sh_inject[i].in_times = 1;
	sh->sh_inject[i].in_done = 0;
}

u_int
sim_scsi_injected(const struct sim_scsi *sh)
{
	u_int i, n = 0;

	for (i = 0; i < SIM_NINJECT; i++)
		n += sh->sh_inject[i].in_done;
	return (n);
}

void
sim_scsi_forget(struct sim_scsi *sh)
{
	memset(sh->sh_inject, 0, sizeof(sh->sh_inject));
}

struct sim_scsi *
sim_scsi_new(const struct sim_virtio_conf *given)
{
	struct sim_virtio_conf vc = *given;
	struct sim_scsi *sh;
	u_int i;

	if ((sh = host_alloc(sizeof(*sh))) == NULL)
		host_fail("no memory");
	TAILQ_INIT(&sh->sh_cmds);
	if (vc.vc_devid == 0)
		vc.vc_devid = 8;
	if (vc.vc_nvq == 0)
		vc.vc_nvq = 3;
	for (i = 0; i < vc.vc_nvq; i++) {
		if (vc.vc_qsize[i] == 0)
			vc.vc_qsize[i] = i < Q_REQUEST ? 16 : 64;
	}
	vc.vc_cfgsize = SIM_SCSI_CFGSIZE;
	vc.vc_request = request;
	vc.vc_config_written = config_written;
	vc.vc_reset = reset;
	sh->sh_removed = SIM_R_FAILURE;
	sh->sh_sv = sim_virtio_new(&vc);
	sh->sh_sv->sv_priv = sh;
	sim_scsi_set(sh, SIM_SCSI_NUM_QUEUES, vc.vc_nvq - Q_REQUEST);
	sim_scsi_set(sh, SIM_SCSI_SEG_MAX, 126);
	sim_scsi_set(sh, SIM_SCSI_MAX_SECTORS, 0xffff);
	sim_scsi_set(sh, SIM_SCSI_CMD_PER_LUN, 128);
	sim_scsi_set(sh, SIM_SCSI_EVENT_SIZE, EVENT_LEN);
	sim_scsi_set(sh, SIM_SCSI_SENSE_SIZE, 96);
	sim_scsi_set(sh, SIM_SCSI_CDB_SIZE, 32);
	sim_scsi_set(sh, SIM_SCSI_MAX_TARGET, 255);
	sim_scsi_set(sh, SIM_SCSI_MAX_LUN, 16383);
	return (sh);
}

void
sim_scsi_free(struct sim_scsi *sh)
{
	struct sim_cmd *cm;
	struct sim_lu *lu;

	while ((cm = TAILQ_FIRST(&sh->sh_cmds)) != NULL)
		cmd_free(sh, cm);
	sim_virtio_free(sh->sh_sv);
	while ((lu = sh->sh_lus) != NULL) {
		sh->sh_lus = lu->lu_next;
		sim_lu_free(lu);
	}
	host_free(sh);
}

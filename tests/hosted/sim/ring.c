/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The device's side of a virtqueue, whatever its format: VIRTIO 1.4, 2.6 to
 * 2.9.  The formats themselves are in ring_split.c and ring_packed.c.
 *
 * A queue works in small steps (take one chain, write a part of a used
 * element, look once more, decide on an interrupt), so that a driver's
 * accesses may come between any two.  All that it keeps is in its struct
 * sim_vq; it reaches memory by sq_mem and chance by sv_random only, so one
 * thread may work on it while the driver is in another.
 */

#include "ring.h"

enum { IDLE, WORK, ARM, ARM2, ARMED };

bool
ring_bad(struct sim_vq *sq, const char *what)
{
	sim_fault("queue %u: %s", sq->sq_index, what);
	sq->sq_broken = true;
	return (false);
}

void
ring_fault(struct sim_vq *sq, const char *what)
{
	sim_fault("queue %u: %s", sq->sq_index, what);
}

static void *
alloc(size_t n)
{
	void *p = host_alloc(MAX(n, 1));

	if (p == NULL)
		host_fail("no memory");
	return (p);
}

static void *
copy_of(const void *p, size_t n)
{
	void *q = alloc(n);

	memcpy(q, p, n);
	return (q);
}

/* Positions of a packed ring, and the wrap counter that changes at its end. */
void
sim_vq_advance(const struct sim_vq *sq, uint16_t *pos, bool *wrap, u_int n)
{
	u_int at = *pos + n;

	for (; at >= sq->sq_size; at -= sq->sq_size)
		*wrap = !*wrap;
	*pos = at;
}

bool
sim_vq_packed(const struct sim_vq *sq)
{
	return (ring_has(sq, F_PACKED));
}

/* May it be looked at now? */
static bool
live(const struct sim_vq *sq)
{
	return (sq->sq_enabled && sq->sq_format != NULL && !sq->sq_broken &&
	    !sq->sq_resetting && !sq->sq_sv->sv_suspended);
}

/* --- life ---------------------------------------------------------------- */

static void
chain_free(struct sim_chain *ch)
{
	host_free(ch->ch_seg);
	host_free(ch->ch_desc);
	host_free(ch);
}

static void
chains_free(struct sim_chains *chs)
{
	struct sim_chain *ch;

	while ((ch = TAILQ_FIRST(chs)) != NULL) {
		TAILQ_REMOVE(chs, ch, ch_link);
		chain_free(ch);
	}
}

/* 2.6.1.1, 2.4: all state is what it was at first. */
void
sim_vq_reset(struct sim_vq *sq)
{
	chains_free(&sq->sq_held);
	chains_free(&sq->sq_done);
	chains_free(&sq->sq_put.pu_chains);
	host_free(sq->sq_lent);
	host_free(sq->sq_copy);
	host_free(sq->sq_wseg);
	host_free(sq->sq_wdesc);
	sq->sq_lent = sq->sq_copy = NULL;
	sq->sq_wseg = NULL;
	sq->sq_wdesc = NULL;
	sq->sq_format = NULL;
	sq->sq_put.pu_step = 0;
	sq->sq_nheld = 0;
	sq->sq_size = sq->sq_max;
	sq->sq_vector = 0xffff;
	sq->sq_enabled = sq->sq_kicked = sq->sq_broken = false;
	sq->sq_resetting = sq->sq_resetunread = sq->sq_wasreset = false;
	sq->sq_desc = sq->sq_driver = sq->sq_device = 0;
	sq->sq_avail = sq->sq_used = sq->sq_told = 0;
	sq->sq_untold = sq->sq_inring = 0;
	sq->sq_inorder = 0;
	sq->sq_nexttold = sq->sq_nextheld = 0;
	sq->sq_quiet = sq->sq_event = false;
	sq->sq_state = IDLE;
}

/* 2.7, 2.8.10.1: each part is mapped, aligned, and for itself. */
static void
check_parts(struct sim_vq *sq)
{
	const uint64_t at[3] = { sq->sq_desc, sq->sq_driver, sq->sq_device };
	uint64_t len[3];
	u_int align[3], i, k;

	sq->sq_format->rf_parts(sq, len, align);
	for (i = 0; i < 3; i++) {
		if (at[i] == 0 || at[i] % align[i] != 0)
			sim_fault("queue %u: part %u is at %#llx",
			    sq->sq_index, i, (unsigned long long)at[i]);
		if (sq->sq_mem->mo_check != NULL)
			(void)sq->sq_mem->mo_check(sq->sq_memarg, at[i],
			    len[i], i == 2);
		for (k = 0; k < i; k++) {
			if (at[i] < at[k] + len[k] && at[k] < at[i] + len[i])
				ring_fault(sq, "parts that overlap");
		}
	}
}

/*
 * DRIVER_OK is set, or the queue was enabled again after its reset: the
 * device may look at it from here on.
 */
void
sim_vq_enabled(struct sim_vq *sq)
{
	if (!sq->sq_enabled || sq->sq_format != NULL)
		return;
	sq->sq_format = sim_vq_packed(sq) ? &ring_packed : &ring_split;
	sq->sq_lent = alloc(sq->sq_format->rf_nids(sq));
	sq->sq_copy = alloc(DESC_LEN * sq->sq_size);
	sq->sq_wseg = alloc(sq->sq_size * sizeof(sq->sq_wseg[0]));
	sq->sq_wdesc = alloc(sq->sq_size * sizeof(sq->sq_wdesc[0]));
	/* 2.8.1: "initialized to 1" */
	sq->sq_availwrap = sq->sq_usedwrap = sq->sq_toldwrap = true;
	sq->sq_wrote = false;
	sq->sq_serial = sq->sq_ntaken;
	check_parts(sq);
	sq->sq_format->rf_start(sq);
	sq->sq_nexttold = sq->sq_avail | (sim_vq_packed(sq) ? 0x8000 : 0);
	if (sq->sq_sv->sv_c.vc_suppress == SIM_POLLS)
		sq->sq_format->rf_quiet(sq);
}

/* 2.6.1.1: until it has read back 0, the driver keeps the memory. */
void
sim_vq_still_there(struct sim_vq *sq)
{
	struct sim_chain *ch;
	u_int i;

	if (sq->sq_format == NULL || sq->sq_mem->mo_check == NULL)
		return;
	check_parts(sq);
	TAILQ_FOREACH(ch, &sq->sq_held, ch_link) {
		for (i = 0; i < ch->ch_nout + ch->ch_nin; i++)
			(void)sq->sq_mem->mo_check(sq->sq_memarg,
			    ch->ch_seg[i].ss_addr, ch->ch_seg[i].ss_len,
			    i >= ch->ch_nout);
	}
}

/* --- notifications that the device wants --------------------------------- */

static void
notify_off(struct sim_vq *sq)
{
	switch (sq->sq_sv->sv_c.vc_suppress) {
	case SIM_ALWAYS:
		return;
	case SIM_BY_CHANCE:
		if (ring_random(sq, 2))
			return;
		break;
	default:
		break;
	}
	sq->sq_format->rf_quiet(sq);
}

/*
 * "The driver can send multiple notifications even without making any more
 * buffers available": nothing but 2.9's value can be wrong with one.
 */
void
sim_vq_notified(struct sim_vq *sq, const uint16_t *said)
{
	uint16_t next;
	bool wanted;

	sq->sq_notified++;
	sq->sq_kicked = true;
	if (!live(sq))
		return;
	next = sq->sq_format->rf_next(sq);
	if (said != NULL && *said != next)
		sim_fault("queue %u: a notification says that %#x is next, "
		    "not %#x", sq->sq_index, *said, next);
	wanted = next != sq->sq_nexttold && !sq->sq_quiet && (!sq->sq_event ||
	    sq->sq_format->rf_passed(sq, sq->sq_eventat, next,
	    sq->sq_nexttold));
	if (!wanted)
		sq->sq_unwanted++;
	sq->sq_nexttold = next;
}

/* 3.4: nothing is made available while the device is suspended. */
void
sim_vq_suspend(struct sim_vq *sq, bool on)
{
	if (!sq->sq_enabled || sq->sq_format == NULL || sq->sq_broken ||
	    sq->sq_resetting)
		return;
	if (on)
		sq->sq_nextheld = sq->sq_format->rf_next(sq);
	else {
		if (sq->sq_format->rf_next(sq) != sq->sq_nextheld)
			ring_fault(sq, "made available while suspended");
		sq->sq_kicked = true;
	}
}

/* --- taking a chain ------------------------------------------------------ */

bool
walk_add(struct sim_vq *sq, struct walk *w, uint64_t addr, uint32_t len,
    bool write)
{
	/* 2.7.5.3.1, 2.8.17: not "longer than the Queue Size" */
	if (w->w_nseg >= sq->sq_size)
		return (ring_bad(sq, "a chain longer than the queue"));
	if (len == 0)
		return (ring_bad(sq, "a buffer of no length"));
	/* 2.7.4.2, 2.8.17 */
	if (!write && w->w_in != 0)
		return (ring_bad(sq, "device-readable after writable"));
	sq->sq_wseg[w->w_nseg++] = (struct sim_seg){ addr, len };
	if (write)
		w->w_in += len;
	else {
		w->w_out += len;
		w->w_nout++;
	}
	/* 2.7.5.2 */
	if (w->w_in + w->w_out > 1ULL << 32)
		return (ring_bad(sq, "a chain of more than 2^32 bytes"));
	return (true);
}

static bool
table_sum(struct sim_vq *sq, uint64_t table, uint32_t len, uint64_t *sum)
{
	uint8_t d[DESC_LEN];
	uint32_t off;
	u_int i;

	*sum = 14695981039346656037ULL;
	for (off = 0; off < len; off += DESC_LEN) {
		if (!ring_read(sq, table + off, d, DESC_LEN))
			return (false);
		for (i = 0; i < DESC_LEN; i++)
			*sum = (*sum ^ d[i]) * 1099511628211ULL;
	}
	return (true);
}

bool
walk_table(struct sim_vq *sq, struct walk *w, uint64_t table, uint32_t len)
{
	/* 2.7.5.3.1, 2.8.19 */
	if (!ring_has(sq, F_INDIRECT))
		return (ring_bad(sq, "indirect, which was not negotiated"));
	if (len == 0 || len % DESC_LEN != 0)
		return (ring_bad(sq, "size of an indirect table"));
	w->w_table = table;
	w->w_tablelen = len;
	if (!table_sum(sq, table, len, &w->w_tablesum))
		return (ring_bad(sq, "indirect table"));
	return (true);
}

static bool
take(struct sim_vq *sq)
{
	struct walk w = { .w_nseg = 0 };
	struct sim_virtio *sv = sq->sq_sv;
	struct sim_chain *ch;
	u_int i;

	if (!sq->sq_format->rf_walk(sq, &w))
		return (false);
	for (i = 0; sq->sq_mem->mo_check != NULL && i < w.w_nseg; i++)
		(void)sq->sq_mem->mo_check(sq->sq_memarg,
		    sq->sq_wseg[i].ss_addr, sq->sq_wseg[i].ss_len,
		    i >= w.w_nout);
	sq->sq_format->rf_taken(sq, &w);
	sq->sq_inring += w.w_ndesc;
	if (sv->sv_c.vc_suppress == SIM_POLLS)
		sq->sq_format->rf_quiet(sq);
	ch = alloc(sizeof(*ch));
	*ch = (struct sim_chain){ .ch_vq = sq, .ch_head = w.w_id,
	    .ch_nout = w.w_nout, .ch_nin = w.w_nseg - w.w_nout,
	    .ch_outlen = w.w_out, .ch_inlen = w.w_in, .ch_ndesc = w.w_ndesc,
	    .ch_serial = sq->sq_ntaken++, .ch_table = w.w_table,
	    .ch_tablelen = w.w_tablelen, .ch_tablesum = w.w_tablesum,
	    .ch_seg = copy_of(sq->sq_wseg, w.w_nseg * sizeof(sq->sq_wseg[0])),
	    .ch_desc = copy_of(sq->sq_wdesc, w.w_ndesc * sizeof(uint16_t)) };
	TAILQ_INSERT_TAIL(&sq->sq_held, ch, ch_link);
	sq->sq_nheld++;
	if (sv->sv_c.vc_request != NULL)
		sv->sv_c.vc_request(sv, ch);
	return (true);
}

/* --- returning one ------------------------------------------------------- */

/* 3.3.1, 2.8.16: what is ours is as it was when we took it. */
void
ring_same(struct sim_vq *sq, u_int i)
{
	uint8_t d[DESC_LEN];

	if (ring_read(sq, sq->sq_desc + DESC_LEN * i, d, DESC_LEN) &&
	    memcmp(d, sq->sq_copy + DESC_LEN * i, DESC_LEN) != 0)
		sim_fault("queue %u: descriptor %u was changed while it was "
		    "the device's", sq->sq_index, i);
}

/* Interrupt for what was used since we decided last?  Nothing comes after. */
static void
decide(struct sim_vq *sq)
{
	bool wanted;

	/* our index or flags are seen before the driver's wish is read */
	ring_barrier(sq, SIM_ORDER_FULL);
	wanted = sq->sq_format->rf_wanted(sq);
	sq->sq_told = sq->sq_used;
	sq->sq_toldwrap = sq->sq_usedwrap;
	sq->sq_untold = 0;
	if (wanted)
		sim_vq_interrupt(sq);
}

static bool
ready(struct sim_vq *sq)
{
	struct sim_chain *ch = TAILQ_FIRST(&sq->sq_done);

	return (ch != NULL && (!ring_has(sq, F_IN_ORDER) ||
	    ch->ch_serial == sq->sq_serial));
}

static void
put_add(struct sim_vq *sq, struct sim_chain *ch)
{
	TAILQ_REMOVE(&sq->sq_done, ch, ch_link);
	TAILQ_INSERT_TAIL(&sq->sq_put.pu_chains, ch, ch_link);
	sq->sq_put.pu_nchains++;
	sq->sq_put.pu_ndesc += ch->ch_ndesc;
}

/*
 * 2.7.9, 2.8.8: one element for the last of a batch.  Of those before it the
 * driver cannot know a length: they "are assumed to have been used (read or
 * written) by the device completely", so they must have been.
 */
static void
put_batch(struct sim_vq *sq)
{
	u_int most = sq->sq_sv->sv_c.vc_batch;
	struct sim_chain *ch;

	most = most > 1 ? 1 + ring_random(sq, most) : 1;
	for (;;) {
		ch = TAILQ_FIRST(&sq->sq_done);
		sq->sq_serial++;
		put_add(sq, ch);
		if (--most == 0 || ch->ch_usedlen != ch->ch_inlen ||
		    !ready(sq))
			break;
	}
}

static void
put_begin(struct sim_vq *sq)
{
	struct sim_chain *ch = TAILQ_FIRST(&sq->sq_done), *next;

	sq->sq_put.pu_nchains = sq->sq_put.pu_ndesc = 0;
	sq->sq_put.pu_step = 1 + 2 * ring_random(sq, 2);
	if (ring_has(sq, F_IN_ORDER)) {
		put_batch(sq);
		return;
	}
	while (sq->sq_sv->sv_c.vc_random_order && ring_random(sq, 2) &&
	    (next = TAILQ_NEXT(ch, ch_link)) != NULL)
		ch = next;
	put_add(sq, ch);
}

/* The driver has them again as soon as it can see the element. */
static void
put_giveback(struct sim_vq *sq)
{
	uint64_t sum, left, n;
	struct sim_chain *ch;
	u_int i;

	sq->sq_format->rf_giveback(sq);
	TAILQ_FOREACH(ch, &sq->sq_put.pu_chains, ch_link) {
		if (ch->ch_tablelen != 0 && table_sum(sq, ch->ch_table,
		    ch->ch_tablelen, &sum) && sum != ch->ch_tablesum)
			ring_fault(sq, "an indirect table was changed while "
			    "it was the device's");
		left = ch->ch_usedlen;
		for (i = 0; sq->sq_mem->mo_returned != NULL &&
		    i < ch->ch_nout + ch->ch_nin; i++) {
			n = ch->ch_seg[i].ss_len;
			if (i >= ch->ch_nout) {
				n = MIN(n, left);
				left -= n;
			}
			sq->sq_mem->mo_returned(sq->sq_memarg,
			    ch->ch_seg[i].ss_addr, n);
		}
	}
}

/* Id and length, in any order, then what makes them be seen. */
static void
put_step(struct sim_vq *sq)
{
	struct sim_put *pu = &sq->sq_put;
	struct sim_chain *last = TAILQ_LAST(&pu->pu_chains, sim_chains);

	switch (pu->pu_step) {
	case 1:
	case 3:
		sq->sq_format->rf_fill(sq, last, pu->pu_step == 3);
		pu->pu_step++;
		break;
	case 2:
	case 4:
		sq->sq_format->rf_fill(sq, last, pu->pu_step == 2);
		pu->pu_step = 5;
		break;
	default:
		put_giveback(sq);
		/* 2.7.8.2: the element is there before it can be seen */
		ring_barrier(sq, SIM_ORDER_WRITE);
		sq->sq_format->rf_show(sq, last);
		sq->sq_format->rf_shown(sq);
		sq->sq_inring -= pu->pu_ndesc;
		sq->sq_untold += pu->pu_ndesc;
		sq->sq_nreturned += pu->pu_nchains;
		sq->sq_nbatched += pu->pu_nchains - 1;
		pu->pu_step = 0;
		chains_free(&pu->pu_chains);
		break;
	}
}

/*
 * So that a round of the ring is not passed between two decisions, after
 * which nobody could say what "passed" means.
 */
static bool
must_decide(struct sim_vq *sq)
{
	return (sq->sq_untold > 0 && sq->sq_untold + sq->sq_inring >
	    sq->sq_size);
}

void
sim_vq_flush(struct sim_vq *sq)
{
	while (live(sq)) {
		if (sq->sq_put.pu_step != 0)
			put_step(sq);
		else if (sq->sq_untold > 0 && (must_decide(sq) || !ready(sq)))
			decide(sq);
		else if (ready(sq))
			put_begin(sq);
		else
			break;
	}
}

void
sim_chain_done(struct sim_chain *ch, uint32_t len)
{
	struct sim_vq *sq = ch->ch_vq;
	struct sim_chain *at;

	ch->ch_usedlen = len;
	TAILQ_REMOVE(&sq->sq_held, ch, ch_link);
	sq->sq_nheld--;
	at = TAILQ_LAST(&sq->sq_done, sim_chains);
	while (ring_has(sq, F_IN_ORDER) && at != NULL &&
	    at->ch_serial > ch->ch_serial)
		at = TAILQ_PREV(at, sim_chains, ch_link);
	if (at == NULL)
		TAILQ_INSERT_HEAD(&sq->sq_done, ch, ch_link);
	else
		TAILQ_INSERT_AFTER(&sq->sq_done, at, ch, ch_link);
	if (!sq->sq_sv->sv_running)
		sim_vq_flush(sq);
}

static bool
chain_access(struct sim_chain *ch, bool in, uint64_t off, uint8_t *p,
    size_t n)
{
	u_int i, end = in ? ch->ch_nout + ch->ch_nin : ch->ch_nout;
	struct sim_vq *sq = ch->ch_vq;
	uint64_t addr;
	size_t m;

	for (i = in ? ch->ch_nout : 0; i < end && n > 0; i++) {
		if (off >= ch->ch_seg[i].ss_len) {
			off -= ch->ch_seg[i].ss_len;
			continue;
		}
		m = MIN(n, ch->ch_seg[i].ss_len - off);
		addr = ch->ch_seg[i].ss_addr + off;
		if (in ? !sq->sq_mem->mo_write(sq->sq_memarg, addr, p, m) :
		    !sq->sq_mem->mo_read(sq->sq_memarg, addr, p, m))
			return (false);
		p += m;
		n -= m;
		off = 0;
	}
	return (n == 0);
}

bool
sim_chain_read(struct sim_chain *ch, uint64_t off, void *buf, size_t n)
{
	return (chain_access(ch, false, off, buf, n));
}

bool
sim_chain_write(struct sim_chain *ch, uint64_t off, const void *buf,
    size_t n)
{
	return (chain_access(ch, true, off, (uint8_t *)(uintptr_t)buf, n));
}

/* --- work ---------------------------------------------------------------- */

bool
sim_vq_more(struct sim_vq *sq)
{
	return (live(sq) && sq->sq_format->rf_more(sq));
}

/* Some wait a little, so that there are batches. */
static bool
return_now(struct sim_vq *sq)
{
	if (!ready(sq))
		return (false);
	if (sq->sq_state == IDLE || sq->sq_sv->sv_suspending)
		return (true);
	return (ring_random(sq, ring_has(sq, F_IN_ORDER) ?
	    1 + sq->sq_sv->sv_c.vc_batch : 2) == 0);
}

/* One step; true: there may be more to do. */
bool
sim_vq_run(struct sim_vq *sq)
{
	bool polls = sq->sq_sv->sv_c.vc_suppress == SIM_POLLS;

	if (!live(sq))
		return (false);
	if (sq->sq_put.pu_step != 0) {
		put_step(sq);
		return (true);
	}
	if (must_decide(sq)) {
		decide(sq);
		return (true);
	}
	if (return_now(sq)) {
		put_begin(sq);
		return (true);
	}
	if (sq->sq_untold > 0 && (sq->sq_state == IDLE ||
	    sq->sq_sv->sv_suspending || ring_random(sq, 4) == 0)) {
		decide(sq);
		return (true);
	}
	/* 3.4.2: "Stop consuming more buffers" */
	if (sq->sq_sv->sv_suspending)
		return (false);
	switch (sq->sq_state) {
	case IDLE:
		if (!sq->sq_kicked && !(polls && sim_vq_more(sq)))
			return (false);
		sq->sq_kicked = false;
		sq->sq_state = WORK;
		notify_off(sq);
		return (true);
	case WORK:
		if (sim_vq_more(sq))
			return (take(sq));
		sq->sq_state = polls ? ARMED : ARM;
		return (live(sq));
	case ARM:
	case ARM2:
		sq->sq_format->rf_arm(sq, sq->sq_state - ARM);
		sq->sq_state++;
		return (true);
	default:
		/* our wish is seen before we look for the last time */
		ring_barrier(sq, SIM_ORDER_FULL);
		sq->sq_state = sim_vq_more(sq) ? WORK : IDLE;
		return (live(sq));
	}
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The device's side of a split virtqueue: VIRTIO 1.4, 2.7.
 *
 * The queue works in small steps (take one chain, look once more, decide on
 * an interrupt), so that a driver's accesses may come between any two.
 */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

#define DESC_NEXT	1
#define DESC_WRITE	2
#define DESC_INDIRECT	4
#define NO_INTERRUPT	1
#define NO_NOTIFY	1
#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)

/* chains as they are taken; the most that one can have */
static struct sim_seg	walk_seg[32768];
static uint16_t		walk_desc[32768];

static bool
has(const struct sim_vq *sq, uint64_t feature)
{
	return ((sq->sq_sv->sv_features & feature) != 0);
}

/* 2.7.7: did the index pass the event since the old one? */
static bool
need_event(uint16_t event, uint16_t new, uint16_t old)
{
	return ((uint16_t)(new - event - 1) < (uint16_t)(new - old));
}

/* --- where things are: 2.7.6, 2.7.8 -------------------------------------- */

static uint16_t
avail_flags(struct sim_vq *sq)
{
	return (sim_dma_get(sq->sq_driver, 2));
}

static uint16_t
avail_idx(struct sim_vq *sq)
{
	return (sim_dma_get(sq->sq_driver + 2, 2));
}

static uint16_t
avail_ring(struct sim_vq *sq, uint16_t i)
{
	return (sim_dma_get(sq->sq_driver + 4 + 2 * (i % sq->sq_size), 2));
}

static uint16_t
used_event(struct sim_vq *sq)
{
	return (sim_dma_get(sq->sq_driver + 4 + 2 * sq->sq_size, 2));
}

static void
put_avail_event(struct sim_vq *sq, uint16_t v)
{
	sim_dma_put(sq->sq_device + 4 + 8 * sq->sq_size, 2, v);
}

/* --- notifications that the device wants: 2.7.10 ------------------------- */

static void
notify_off(struct sim_vq *sq)
{
	switch (sq->sq_sv->sv_c.vc_suppress) {
	case SIM_ALWAYS:
		return;
	case SIM_BY_CHANCE:
		if (sim_random(2))
			return;
		break;
	default:
		break;
	}
	if (!has(sq, F_EVENT_IDX))
		sim_dma_put(sq->sq_device, 2, NO_NOTIFY);
	else
		put_avail_event(sq, sq->sq_avail - 1);
}

static void
notify_on(struct sim_vq *sq)
{
	if (!has(sq, F_EVENT_IDX))
		sim_dma_put(sq->sq_device, 2, 0);
	else
		put_avail_event(sq, sq->sq_avail);
}

/* --- life ---------------------------------------------------------------- */

static void
chain_free(struct sim_chain *ch)
{
	host_free(ch->ch_seg);
	host_free(ch->ch_desc);
	host_free(ch);
}

void
sim_vq_reset(struct sim_vq *sq)
{
	struct sim_chain *ch;

	while ((ch = TAILQ_FIRST(&sq->sq_held)) != NULL) {
		TAILQ_REMOVE(&sq->sq_held, ch, ch_link);
		chain_free(ch);
	}
	host_free(sq->sq_lent);
	sq->sq_lent = NULL;
	sq->sq_nheld = 0;
	sq->sq_size = sq->sq_max;
	sq->sq_vector = 0xffff;
	sq->sq_enabled = sq->sq_kicked = sq->sq_broken = false;
	sq->sq_desc = sq->sq_driver = sq->sq_device = 0;
	sq->sq_avail = sq->sq_used = sq->sq_told = 0;
	sq->sq_state = 0;
}

/* DRIVER_OK is set: the device may look at the queue from here on. */
void
sim_vq_enabled(struct sim_vq *sq)
{
	if (!sq->sq_enabled)
		return;
	if ((sq->sq_lent = host_alloc(sq->sq_size)) == NULL)
		host_fail("no memory");
	if (sim_dma_get(sq->sq_device, 2) != 0)
		sim_fault("flags of the used ring are not 0 at first");
	if (sim_dma_get(sq->sq_device + 2, 2) != 0 ||
	    sq->sq_sv->sv_c.vc_suppress != SIM_POLLS)
		return;
	if (!has(sq, F_EVENT_IDX))
		sim_dma_put(sq->sq_device, 2, NO_NOTIFY);
	else
		put_avail_event(sq, 0xffff);
}

/* --- taking a chain: 2.7.5, 2.7.13 --------------------------------------- */

struct walk {
	struct sim_vq	*w_sq;
	u_int		 w_nseg, w_ndesc, w_nout;
	uint64_t	 w_out, w_in;
};

static bool
bad(struct sim_vq *sq, const char *what)
{
	sim_fault("queue %u: %s", sq->sq_index, what);
	sq->sq_broken = true;
	return (false);
}

static bool
walk_add(struct walk *w, uint64_t addr, uint32_t len, bool write)
{
	if (w->w_nseg >= w->w_sq->sq_size)
		return (bad(w->w_sq, "a chain longer than the queue"));
	if (len == 0)
		return (bad(w->w_sq, "a buffer of no length"));
	if (!write && w->w_in != 0)
		return (bad(w->w_sq, "device-readable after writable"));
	walk_seg[w->w_nseg++] = (struct sim_seg){ addr, len };
	if (write)
		w->w_in += len;
	else {
		w->w_out += len;
		w->w_nout++;
	}
	return (true);
}

static bool
walk_indirect(struct walk *w, uint64_t table, uint32_t size)
{
	struct sim_vq *sq = w->w_sq;
	uint8_t d[16];
	uint16_t flags;
	u_int i, n;

	if (!has(sq, F_INDIRECT))
		return (bad(sq, "indirect, which was not negotiated"));
	if (size == 0 || size % 16 != 0)
		return (bad(sq, "size of an indirect table"));
	for (i = 0, n = 0;; n++) {
		if (i >= size / 16 || n > size / 16)
			return (bad(sq, "next outside of the table"));
		if (!sim_dma_read(table + 16 * i, d, 16))
			return (bad(sq, "indirect table"));
		flags = sim_get(d + 12, 2);
		if (flags & ~(DESC_NEXT | DESC_WRITE))
			return (bad(sq, "flags in an indirect table"));
		if (!walk_add(w, sim_get(d, 8), sim_get(d + 8, 4),
		    flags & DESC_WRITE))
			return (false);
		if (!(flags & DESC_NEXT))
			return (true);
		i = sim_get(d + 14, 2);
	}
}

static bool
walk_chain(struct walk *w, uint16_t head)
{
	struct sim_vq *sq = w->w_sq;
	uint16_t flags, i = head;
	uint8_t d[16];

	for (;;) {
		if (i >= sq->sq_size)
			return (bad(sq, "next outside of the queue"));
		if (w->w_ndesc >= sq->sq_size)
			return (bad(sq, "a chain in a circle"));
		if (sq->sq_lent[i])
			return (bad(sq, "a descriptor that we hold"));
		sq->sq_lent[i] = 1;
		walk_desc[w->w_ndesc++] = i;
		if (!sim_dma_read(sq->sq_desc + 16 * i, d, 16))
			return (bad(sq, "descriptor table"));
		flags = sim_get(d + 12, 2);
		if (flags & ~(DESC_NEXT | DESC_WRITE | DESC_INDIRECT))
			return (bad(sq, "flags that do not exist"));
		if (flags & DESC_INDIRECT) {
			if (flags & DESC_NEXT)
				return (bad(sq, "INDIRECT and NEXT"));
			return (walk_indirect(w, sim_get(d, 8),
			    sim_get(d + 8, 4)));
		}
		if (!walk_add(w, sim_get(d, 8), sim_get(d + 8, 4),
		    flags & DESC_WRITE))
			return (false);
		if (!(flags & DESC_NEXT))
			return (true);
		i = sim_get(d + 14, 2);
	}
}

static void *
copy_of(const void *p, size_t n)
{
	void *q = host_alloc(MAX(n, 1));

	if (q == NULL)
		host_fail("no memory");
	memcpy(q, p, n);
	return (q);
}

static bool
take(struct sim_vq *sq)
{
	struct walk w = { .w_sq = sq };
	struct sim_chain *ch;
	uint16_t head;
	u_int i;

	head = avail_ring(sq, sq->sq_avail);
	if (!walk_chain(&w, head)) {
		for (i = 0; i < w.w_ndesc; i++)
			sq->sq_lent[walk_desc[i]] = 0;
		return (false);
	}
	sq->sq_avail++;
	sq->sq_ntaken++;
	if (sq->sq_sv->sv_c.vc_suppress == SIM_ALWAYS && has(sq, F_EVENT_IDX))
		put_avail_event(sq, sq->sq_avail);
	else if (sq->sq_sv->sv_c.vc_suppress == SIM_POLLS)
		notify_off(sq);
	if ((ch = host_alloc(sizeof(*ch))) == NULL)
		host_fail("no memory");
	*ch = (struct sim_chain){ .ch_vq = sq, .ch_head = head,
	    .ch_nout = w.w_nout, .ch_nin = w.w_nseg - w.w_nout,
	    .ch_outlen = w.w_out, .ch_inlen = w.w_in, .ch_ndesc = w.w_ndesc,
	    .ch_seg = copy_of(walk_seg, w.w_nseg * sizeof(walk_seg[0])),
	    .ch_desc = copy_of(walk_desc, w.w_ndesc * sizeof(uint16_t)) };
	TAILQ_INSERT_TAIL(&sq->sq_held, ch, ch_link);
	sq->sq_nheld++;
	if (sq->sq_sv->sv_c.vc_request != NULL)
		sq->sq_sv->sv_c.vc_request(sq->sq_sv, ch);
	return (true);
}

/* --- returning one: 2.7.8, 2.7.14 ---------------------------------------- */

/* 2.7.7: interrupt for what was used since we decided last? */
static void
decide(struct sim_vq *sq)
{
	uint16_t flags = avail_flags(sq), old = sq->sq_told;

	sq->sq_told = sq->sq_used;
	if (has(sq, F_EVENT_IDX)) {
		if (flags != 0)
			sim_fault("flags %#x of the available ring with "
			    "EVENT_IDX", flags);
		if (need_event(used_event(sq), sq->sq_used, old))
			sim_vq_interrupt(sq);
	} else {
		if (flags > 1)
			sim_fault("flags %#x of the available ring", flags);
		if (!(flags & NO_INTERRUPT))
			sim_vq_interrupt(sq);
	}
}

void
sim_chain_done(struct sim_chain *ch, uint32_t len)
{
	struct sim_vq *sq = ch->ch_vq;
	bus_addr_t elem;
	u_int i;

	elem = sq->sq_device + 4 + 8 * (sq->sq_used % sq->sq_size);
	sim_dma_put(elem, 4, ch->ch_head);
	sim_dma_put(elem + 4, 4, len);
	for (i = 0; i < ch->ch_ndesc; i++)
		sq->sq_lent[ch->ch_desc[i]] = 0;
	TAILQ_REMOVE(&sq->sq_held, ch, ch_link);
	sq->sq_nheld--;
	sq->sq_nreturned++;
	chain_free(ch);
	sq->sq_used++;
	sim_dma_put(sq->sq_device + 2, 2, sq->sq_used);
	if (!sq->sq_sv->sv_running)
		decide(sq);
}

static bool
chain_access(struct sim_chain *ch, bool in, uint64_t off, uint8_t *p,
    size_t n)
{
	u_int i, end = in ? ch->ch_nout + ch->ch_nin : ch->ch_nout;
	size_t m;

	for (i = in ? ch->ch_nout : 0; i < end && n > 0; i++) {
		if (off >= ch->ch_seg[i].ss_len) {
			off -= ch->ch_seg[i].ss_len;
			continue;
		}
		m = MIN(n, ch->ch_seg[i].ss_len - off);
		if (in ? !sim_dma_write(ch->ch_seg[i].ss_addr + off, p, m) :
		    !sim_dma_read(ch->ch_seg[i].ss_addr + off, p, m))
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

enum { IDLE, WORK, ARMED };

static u_int
pending(struct sim_vq *sq)
{
	uint16_t n = avail_idx(sq) - sq->sq_avail;

	if (n > sq->sq_size) {
		(void)bad(sq, "the available index jumps");
		return (0);
	}
	return (n);
}

/* One step; true: there may be more to do. */
bool
sim_vq_run(struct sim_vq *sq)
{
	bool polls = sq->sq_sv->sv_c.vc_suppress == SIM_POLLS;

	if (!sq->sq_enabled || sq->sq_lent == NULL || sq->sq_broken)
		return (false);
	if (sq->sq_used != sq->sq_told && (sq->sq_state == IDLE ||
	    sim_random(4) == 0)) {
		decide(sq);
		return (true);
	}
	switch (sq->sq_state) {
	case IDLE:
		if (!sq->sq_kicked && !(polls && pending(sq) > 0))
			return (false);
		sq->sq_kicked = false;
		sq->sq_state = WORK;
		notify_off(sq);
		return (true);
	case WORK:
		if (pending(sq) > 0)
			return (take(sq));
		if (!polls)
			notify_on(sq);
		sq->sq_state = ARMED;
		return (true);
	default:
		sq->sq_state = pending(sq) > 0 ? WORK : IDLE;
		return (true);
	}
}

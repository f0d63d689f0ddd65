/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The device's side of a split virtqueue: VIRTIO 1.4, 2.7. */

#include "ring.h"

#define NO_INTERRUPT	1
#define NO_NOTIFY	1

/* --- where things are: 2.7.6, 2.7.8 -------------------------------------- */

static uint16_t
avail_idx(struct sim_vq *sq)
{
	return (ring_get(sq, sq->sq_driver + 2, 2));
}

static bus_addr_t
used_elem(struct sim_vq *sq)
{
	return (sq->sq_device + 4 + 8 * (sq->sq_used % sq->sq_size));
}

/* 2.7.7: did the index pass the event since the old one? */
static bool
split_passed(const struct sim_vq *sq, uint16_t event, uint16_t new,
    uint16_t old)
{
	return ((uint16_t)(new - event - 1) < (uint16_t)(new - old));
}

static void
split_parts(const struct sim_vq *sq, uint64_t len[3], u_int align[3])
{
	len[0] = DESC_LEN * sq->sq_size;
	align[0] = 16;
	len[1] = 6 + 2 * sq->sq_size;
	align[1] = 2;
	len[2] = 6 + 8 * sq->sq_size;
	align[2] = 4;
}

static u_int
split_nids(const struct sim_vq *sq)
{
	return (sq->sq_size);
}

static void
split_start(struct sim_vq *sq)
{
	/* 2.7.10.1; idx "starts at 0", but it is the device that writes it */
	if (ring_get(sq, sq->sq_device, 2) != 0)
		ring_fault(sq, "flags of the used ring are not 0 at first");
	if (ring_get(sq, sq->sq_device + 2, 2) != 0)
		ring_fault(sq, "index of the used ring is not 0 at first");
	sq->sq_event = ring_has(sq, F_EVENT_IDX);
	sq->sq_eventat = 0;
}

/* --- notifications that the device wants: 2.7.10 ------------------------- */

static void
put_flags(struct sim_vq *sq, bool quiet)
{
	sq->sq_quiet = quiet;
	ring_put(sq, sq->sq_device, 2, quiet ? NO_NOTIFY : 0);
}

static void
put_avail_event(struct sim_vq *sq, uint16_t v)
{
	sq->sq_eventat = v;
	ring_put(sq, sq->sq_device + 4 + 8 * sq->sq_size, 2, v);
}

static void
split_quiet(struct sim_vq *sq)
{
	if (!ring_has(sq, F_EVENT_IDX))
		put_flags(sq, true);
	else
		put_avail_event(sq, sq->sq_avail - 1);
}

static void
split_arm(struct sim_vq *sq, u_int part)
{
	if (part != 0)
		return;
	if (!ring_has(sq, F_EVENT_IDX))
		put_flags(sq, false);
	else
		put_avail_event(sq, sq->sq_avail);
}

/* 2.9: the available index, all 16 bits of it. */
static uint16_t
split_next(struct sim_vq *sq)
{
	return (avail_idx(sq));
}

/* --- taking a chain: 2.7.5, 2.7.13 --------------------------------------- */

static bool
split_more(struct sim_vq *sq)
{
	uint16_t n = avail_idx(sq) - sq->sq_avail;

	/* also one that goes back: 2.7.6.1 */
	if (n > sq->sq_size)
		return (ring_bad(sq, "the available index jumps"));
	return (n > 0);
}

/*
 * 2.7.5.3: with IN_ORDER next is "1 for the 1st descriptor, 2 for the 2nd
 * one, etc."
 */
static bool
walk_indirect(struct sim_vq *sq, struct walk *w, uint64_t table,
    uint32_t size)
{
	uint8_t d[DESC_LEN];
	uint16_t flags, next;
	u_int i, n;

	if (!walk_table(sq, w, table, size))
		return (false);
	for (i = 0, n = 0;; n++) {
		if (i >= size / DESC_LEN || n > size / DESC_LEN)
			return (ring_bad(sq, "next outside of the table"));
		if (!ring_read(sq, table + DESC_LEN * i, d, DESC_LEN))
			return (ring_bad(sq, "indirect table"));
		flags = sim_get(d + 12, 2);
		if (flags & ~(DESC_NEXT | DESC_WRITE))
			return (ring_bad(sq, "flags in an indirect table"));
		if (!walk_add(sq, w, sim_get(d, 8), sim_get(d + 8, 4),
		    flags & DESC_WRITE))
			return (false);
		if (!(flags & DESC_NEXT))
			return (true);
		next = sim_get(d + 14, 2);
		if (ring_has(sq, F_IN_ORDER) && next != i + 1)
			ring_fault(sq, "IN_ORDER: next in an indirect table");
		i = next;
	}
}

static bool
walk_direct(struct sim_vq *sq, struct walk *w)
{
	uint16_t flags, next, i = w->w_id;
	uint8_t *d;

	for (;;) {
		if (i >= sq->sq_size)
			return (ring_bad(sq, "next outside of the queue"));
		if (w->w_ndesc >= sq->sq_size)
			return (ring_bad(sq, "a chain in a circle"));
		if (sq->sq_lent[i])
			return (ring_bad(sq, "a descriptor that we hold"));
		sq->sq_lent[i] = 1;
		sq->sq_wdesc[w->w_ndesc++] = i;
		d = sq->sq_copy + DESC_LEN * i;
		if (!ring_read(sq, sq->sq_desc + DESC_LEN * i, d, DESC_LEN))
			return (ring_bad(sq, "descriptor table"));
		flags = sim_get(d + 12, 2);
		if (flags & ~(DESC_NEXT | DESC_WRITE | DESC_INDIRECT))
			return (ring_bad(sq, "flags that do not exist"));
		if (flags & DESC_INDIRECT) {
			/* 2.7.5.3.1; "MUST ignore the write-only flag" */
			if (flags & DESC_NEXT)
				return (ring_bad(sq, "INDIRECT and NEXT"));
			return (walk_indirect(sq, w, sim_get(d, 8),
			    sim_get(d + 8, 4)));
		}
		if (!walk_add(sq, w, sim_get(d, 8), sim_get(d + 8, 4),
		    flags & DESC_WRITE))
			return (false);
		if (!(flags & DESC_NEXT))
			return (true);
		next = sim_get(d + 14, 2);
		/* 2.7.5.2: x + 1, or 0 for the last of the table */
		if (ring_has(sq, F_IN_ORDER) &&
		    next != (i + 1U) % sq->sq_size)
			ring_fault(sq, "IN_ORDER: next is not the one after");
		i = next;
	}
}

static bool
split_walk(struct sim_vq *sq, struct walk *w)
{
	u_int i;

	/* the index was read before what it says is there */
	ring_barrier(sq, SIM_ORDER_READ);
	w->w_id = ring_get(sq, sq->sq_driver + 4 + 2 * (sq->sq_avail %
	    sq->sq_size), 2);
	/* 2.7.5: "in ring order: starting from offset 0 in the table" */
	if (ring_has(sq, F_IN_ORDER) && w->w_id != sq->sq_inorder)
		sim_fault("queue %u: IN_ORDER: a chain at %u, not %u",
		    sq->sq_index, w->w_id, sq->sq_inorder);
	if (walk_direct(sq, w))
		return (true);
	for (i = 0; i < w->w_ndesc; i++)
		sq->sq_lent[sq->sq_wdesc[i]] = 0;
	return (false);
}

static void
split_taken(struct sim_vq *sq, const struct walk *w)
{
	sq->sq_avail++;
	sq->sq_inorder = (w->w_id + w->w_ndesc) % sq->sq_size;
	if (sq->sq_sv->sv_c.vc_suppress == SIM_ALWAYS &&
	    ring_has(sq, F_EVENT_IDX))
		put_avail_event(sq, sq->sq_avail);
}

/* --- returning one: 2.7.8, 2.7.14 ---------------------------------------- */

static void
split_giveback(struct sim_vq *sq)
{
	struct sim_chain *ch;
	u_int i;

	TAILQ_FOREACH(ch, &sq->sq_put.pu_chains, ch_link) {
		for (i = 0; i < ch->ch_ndesc; i++) {
			ring_same(sq, ch->ch_desc[i]);
			sq->sq_lent[ch->ch_desc[i]] = 0;
		}
	}
}

static void
split_fill(struct sim_vq *sq, const struct sim_chain *ch, bool length)
{
	if (length)
		ring_put(sq, used_elem(sq) + 4, 4, ch->ch_usedlen);
	else
		ring_put(sq, used_elem(sq), 4, ch->ch_head);
}

/* 2.7.9: "increments the used idx by the size of the batch" */
static void
split_show(struct sim_vq *sq, const struct sim_chain *ch)
{
	ring_put(sq, sq->sq_device + 2, 2,
	    (uint16_t)(sq->sq_used + sq->sq_put.pu_nchains));
}

static void
split_shown(struct sim_vq *sq)
{
	sq->sq_used += sq->sq_put.pu_nchains;
}

/*
 * 6.1: with NOTIFY_ON_EMPTY also "if the device runs out of available
 * descriptors", by which a driver knows that all was used.
 */
static bool
ran_empty(struct sim_vq *sq)
{
	return (sq->sq_sv->sv_uselegacy &&
	    ring_has(sq, F_NOTIFY_ON_EMPTY) && sq->sq_inring == 0 &&
	    avail_idx(sq) == sq->sq_avail);
}

static bool
split_wanted(struct sim_vq *sq)
{
	uint16_t flags = ring_get(sq, sq->sq_driver, 2), event;

	if (!ring_has(sq, F_EVENT_IDX)) {
		if (flags > 1)
			sim_fault("queue %u: flags %#x of the available ring",
			    sq->sq_index, flags);
		return (!(flags & NO_INTERRUPT) || ran_empty(sq));
	}
	if (flags != 0)
		sim_fault("queue %u: flags %#x of the available ring with "
		    "EVENT_IDX", sq->sq_index, flags);
	event = ring_get(sq, sq->sq_driver + 4 + 2 * sq->sq_size, 2);
	return (split_passed(sq, event, sq->sq_used, sq->sq_told) ||
	    ran_empty(sq));
}

const struct ring_format ring_split = {
	.rf_parts = split_parts,
	.rf_nids = split_nids,
	.rf_start = split_start,
	.rf_more = split_more,
	.rf_walk = split_walk,
	.rf_taken = split_taken,
	.rf_giveback = split_giveback,
	.rf_fill = split_fill,
	.rf_show = split_show,
	.rf_shown = split_shown,
	.rf_wanted = split_wanted,
	.rf_quiet = split_quiet,
	.rf_arm = split_arm,
	.rf_next = split_next,
	.rf_passed = split_passed,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The device's side of a packed virtqueue: VIRTIO 1.4, 2.8.
 *
 * From sq_used to sq_avail, around the end, the descriptors are the device's:
 * none of them was overwritten by a used one yet, for these are written in
 * ring order, whatever the order in which chains are done.  sq_copy has what
 * each was when it was taken.
 */

#include "ring.h"

#define DESC_AVAIL	0x0080
#define DESC_USED	0x8000

#define EVENT_ENABLE	0
#define EVENT_DISABLE	1
#define EVENT_DESC	2
#define EVENT_MASK	3
#define WRAP_BIT	0x8000

static uint16_t
get_flags(struct sim_vq *sq, u_int pos)
{
	return (ring_get(sq, sq->sq_desc + DESC_LEN * pos + 14, 2));
}

/* 2.8.1: made available in the round that has this wrap counter? */
static bool
is_avail(uint16_t flags, bool wrap)
{
	return (!!(flags & DESC_AVAIL) == wrap &&
	    !!(flags & DESC_USED) != wrap);
}

/* How far it is from one position to another; a round has each of them once. */
static u_int
distance(const struct sim_vq *sq, uint16_t from, uint16_t to)
{
	u_int size = sq->sq_size, a, b;

	a = (from & ~WRAP_BIT) + (from & WRAP_BIT ? 0 : size);
	b = (to & ~WRAP_BIT) + (to & WRAP_BIT ? 0 : size);
	return ((b + 2 * size - a) % (2 * size));
}

static uint16_t
off_wrap(uint16_t pos, bool wrap)
{
	return (pos | (wrap ? WRAP_BIT : 0));
}

/* 2.8.10: was the descriptor of the event among those from old to new? */
static bool
packed_passed(const struct sim_vq *sq, uint16_t event, uint16_t new,
    uint16_t old)
{
	return (distance(sq, old, event) < distance(sq, old, new));
}

static void
packed_parts(const struct sim_vq *sq, uint64_t len[3], u_int align[3])
{
	len[0] = DESC_LEN * sq->sq_size;
	align[0] = 16;
	len[1] = len[2] = 4;
	align[1] = align[2] = 4;
}

/* An id has 16 bits; nothing says that it is less than the queue's size. */
static u_int
packed_nids(const struct sim_vq *sq)
{
	return (65536);
}

/*
 * 2.8.13: "The descriptor ring is zero-initialized", but for what the driver
 * may have made available already.  Of the event structure of the device
 * nothing is said; but it is the driver that reads it, and the device has not
 * written it yet.
 */
static void
packed_start(struct sim_vq *sq)
{
	uint8_t d[DESC_LEN], sum;
	u_int pos, i;

	for (pos = 0; pos < sq->sq_size &&
	    is_avail(get_flags(sq, pos), true); pos++)
		;
	for (; pos < sq->sq_size; pos++) {
		if (!ring_read(sq, sq->sq_desc + DESC_LEN * pos, d, DESC_LEN))
			return;
		for (i = 0, sum = 0; i < DESC_LEN; i++)
			sum |= d[i];
		if (sum != 0) {
			ring_fault(sq, "a descriptor is not 0 at first");
			break;
		}
	}
	if (ring_get(sq, sq->sq_device, 2) != 0 ||
	    ring_get(sq, sq->sq_device + 2, 2) != 0)
		ring_fault(sq, "the device's event is not 0 at first");
}

/* --- notifications that the device wants: 2.8.10 ------------------------- */

static void
put_event_flags(struct sim_vq *sq, uint16_t flags)
{
	ring_put(sq, sq->sq_device + 2, 2, flags);
	sq->sq_quiet = flags == EVENT_DISABLE;
	sq->sq_event = flags == EVENT_DESC;
}

static void
put_event_desc(struct sim_vq *sq, uint16_t event)
{
	ring_put(sq, sq->sq_device, 2, event);
	sq->sq_eventat = event;
}

/*
 * By DESC none is asked for if it is for the one that was taken last, until
 * the ring has gone around twice, before which we have looked again.
 */
static void
packed_quiet(struct sim_vq *sq)
{
	uint16_t pos = sq->sq_avail;
	bool wrap = sq->sq_availwrap;

	if (!ring_has(sq, F_EVENT_IDX) || ring_random(sq, 2) ||
	    sq->sq_sv->sv_c.vc_suppress == SIM_POLLS) {
		put_event_flags(sq, EVENT_DISABLE);
		return;
	}
	if (pos == 0) {
		pos = sq->sq_size;
		wrap = !wrap;
	}
	put_event_desc(sq, off_wrap(pos - 1, wrap));
	put_event_flags(sq, EVENT_DESC);
}

/*
 * The driver may read one word of before and one of now.  No barrier between
 * the two could prevent that, and none is needed: we look once more after
 * both, behind a full one, and the driver has one between its descriptors and
 * its look at this.  Either it sees both words or we see its descriptors.
 */
static void
packed_arm(struct sim_vq *sq, u_int part)
{
	if (part == 0) {
		if (ring_has(sq, F_EVENT_IDX))
			put_event_desc(sq, off_wrap(sq->sq_avail,
			    sq->sq_availwrap));
		return;
	}
	put_event_flags(sq, ring_has(sq, F_EVENT_IDX) &&
	    sq->sq_sv->sv_c.vc_suppress != SIM_ALWAYS &&
	    ring_random(sq, 4) != 0 ? EVENT_DESC : EVENT_ENABLE);
}

/* 2.9: "where the next available descriptor will be written" */
static uint16_t
packed_next(struct sim_vq *sq)
{
	uint16_t pos = sq->sq_avail;
	bool wrap = sq->sq_availwrap;
	u_int n;

	for (n = sq->sq_inring; n < sq->sq_size &&
	    is_avail(get_flags(sq, pos), wrap); n++)
		sim_vq_advance(sq, &pos, &wrap, 1);
	return (off_wrap(pos, wrap));
}

/* --- taking a chain: 2.8.6, 2.8.7, 2.8.16 -------------------------------- */

/*
 * What may lie at the next position: the last round's, used or never
 * overwritten; or what was made available in this one.
 */
static bool
packed_more(struct sim_vq *sq)
{
	uint16_t flags = get_flags(sq, sq->sq_avail);
	bool wrap = sq->sq_availwrap;

	if (is_avail(flags, wrap))
		return (true);
	if (!!(flags & DESC_AVAIL) == wrap)
		return (ring_bad(sq, "flags of a used descriptor"));
	return (false);
}

/*
 * In a table there is no NEXT: descriptors come immediately one after the
 * other, and WRITE is "the only valid flag".  The device ignores others, so
 * with them the buffer can still be used.
 */
static bool
walk_indirect(struct sim_vq *sq, struct walk *w, uint64_t table,
    uint32_t size)
{
	uint8_t d[DESC_LEN];
	uint16_t flags;
	u_int i;

	if (!walk_table(sq, w, table, size))
		return (false);
	for (i = 0; i < size / DESC_LEN; i++) {
		if (!ring_read(sq, table + DESC_LEN * i, d, DESC_LEN))
			return (ring_bad(sq, "indirect table"));
		flags = sim_get(d + 14, 2);
		/* 2.8.19 */
		if (flags & ~DESC_WRITE)
			ring_fault(sq, "flags in an indirect table");
		if (!walk_add(sq, w, sim_get(d, 8), sim_get(d + 8, 4),
		    flags & DESC_WRITE))
			return (false);
	}
	return (true);
}

static bool
walk_direct(struct sim_vq *sq, struct walk *w)
{
	uint16_t flags, pos = sq->sq_avail;
	bool wrap = sq->sq_availwrap;
	uint8_t *d;

	for (;;) {
		/* 2.8.17: "loops in the descriptor list are forbidden" */
		if (w->w_ndesc >= sq->sq_size)
			return (ring_bad(sq, "a chain longer than the "
			    "queue"));
		if (sq->sq_inring + w->w_ndesc >= sq->sq_size)
			return (ring_bad(sq, "a descriptor that we hold"));
		d = sq->sq_copy + DESC_LEN * pos;
		if (!ring_read(sq, sq->sq_desc + DESC_LEN * pos, d, DESC_LEN))
			return (ring_bad(sq, "descriptor ring"));
		flags = sim_get(d + 14, 2);
		/* the rest of a chain was there before its first */
		if (!is_avail(flags, wrap))
			return (ring_bad(sq, "a chain that is not all "
			    "available"));
		if (flags & ~(DESC_NEXT | DESC_WRITE | DESC_INDIRECT |
		    DESC_AVAIL | DESC_USED))
			return (ring_bad(sq, "flags that do not exist"));
		w->w_ndesc++;
		/* the id is "in the last descriptor in the list" */
		w->w_id = sim_get(d + 12, 2);
		if (flags & DESC_INDIRECT) {
			/* 2.8.19; WRITE "is ignored by the device" */
			if ((flags & DESC_NEXT) || w->w_ndesc > 1)
				return (ring_bad(sq, "INDIRECT and NEXT"));
			return (walk_indirect(sq, w, sim_get(d, 8),
			    sim_get(d + 8, 4)));
		}
		if (!walk_add(sq, w, sim_get(d, 8), sim_get(d + 8, 4),
		    flags & DESC_WRITE))
			return (false);
		if (!(flags & DESC_NEXT))
			return (true);
		sim_vq_advance(sq, &pos, &wrap, 1);
	}
}

static bool
packed_walk(struct sim_vq *sq, struct walk *w)
{
	/* the flags of the first were read before all that they promise */
	ring_barrier(sq, SIM_ORDER_READ);
	if (!walk_direct(sq, w))
		return (false);
	if (sq->sq_lent[w->w_id])
		return (ring_bad(sq, "a buffer id that we hold"));
	return (true);
}

static void
packed_taken(struct sim_vq *sq, const struct walk *w)
{
	sq->sq_lent[w->w_id] = 1;
	sim_vq_advance(sq, &sq->sq_avail, &sq->sq_availwrap, w->w_ndesc);
}

/* --- returning one: 2.8.1, 2.8.2 ----------------------------------------- */

static void
packed_giveback(struct sim_vq *sq)
{
	uint8_t d[DESC_LEN], *copy;
	struct sim_chain *ch;
	uint16_t pos = sq->sq_used;
	bool wrap = sq->sq_usedwrap;
	u_int i;

	/*
	 * Of the first of them id and length are ours already, by the used
	 * descriptor that is about to be seen.
	 */
	copy = sq->sq_copy + DESC_LEN * pos;
	if (ring_read(sq, sq->sq_desc + DESC_LEN * pos, d, DESC_LEN) &&
	    (memcmp(d, copy, 8) != 0 || memcmp(d + 14, copy + 14, 2) != 0))
		sim_fault("queue %u: descriptor %u was changed while it was "
		    "the device's", sq->sq_index, pos);
	for (i = 1; i < sq->sq_put.pu_ndesc; i++) {
		sim_vq_advance(sq, &pos, &wrap, 1);
		ring_same(sq, pos);
	}
	TAILQ_FOREACH(ch, &sq->sq_put.pu_chains, ch_link)
		sq->sq_lent[ch->ch_head] = 0;
}

/*
 * 2.8.4: without WRITE the length is reserved, and "is ignored by drivers";
 * now and then there is something in it.  But QEMU never sets WRITE and means
 * the length, so a driver can ignore it only if it has seen that we set it.
 */
static void
packed_fill(struct sim_vq *sq, const struct sim_chain *ch, bool length)
{
	bus_addr_t d = sq->sq_desc + DESC_LEN * sq->sq_used;
	uint32_t len = ch->ch_usedlen;

	if (!length)
		ring_put(sq, d + 12, 2, ch->ch_head);
	else {
		if (len == 0 && sq->sq_wrote && ring_random(sq, 4) == 0)
			len = ring_random(sq, 0xffffffff);
		ring_put(sq, d + 8, 4, len);
	}
}

/* 2.8.6: NEXT is reserved here, and "should be ignored by drivers". */
static void
packed_show(struct sim_vq *sq, const struct sim_chain *ch)
{
	uint16_t flags = sq->sq_usedwrap ? DESC_AVAIL | DESC_USED : 0;

	if (ch->ch_usedlen > 0) {
		flags |= DESC_WRITE;
		sq->sq_wrote = true;
	}
	if (ring_random(sq, 8) == 0)
		flags |= DESC_NEXT;
	ring_put(sq, sq->sq_desc + DESC_LEN * sq->sq_used + 14, 2, flags);
}

static void
packed_shown(struct sim_vq *sq)
{
	sim_vq_advance(sq, &sq->sq_used, &sq->sq_usedwrap,
	    sq->sq_put.pu_ndesc);
}

/*
 * No barrier between the two words: see packed_arm(), with the sides
 * exchanged.
 */
static bool
packed_wanted(struct sim_vq *sq)
{
	uint16_t flags = ring_get(sq, sq->sq_driver + 2, 2), event;

	if (flags & ~EVENT_MASK)
		sim_fault("queue %u: reserved flags %#x of the driver's event",
		    sq->sq_index, flags);
	switch (flags & EVENT_MASK) {
	case EVENT_ENABLE:
		return (true);
	case EVENT_DISABLE:
		return (false);
	case EVENT_DESC:
		break;
	default:
		ring_fault(sq, "the driver's event has flags 3");
		return (true);
	}
	if (!ring_has(sq, F_EVENT_IDX))
		ring_fault(sq, "an event for a descriptor without EVENT_IDX");
	event = ring_get(sq, sq->sq_driver, 2);
	if ((event & ~WRAP_BIT) >= sq->sq_size) {
		sim_fault("queue %u: the driver's event is at %u",
		    sq->sq_index, event & ~WRAP_BIT);
		return (true);
	}
	return (packed_passed(sq, event, off_wrap(sq->sq_used,
	    sq->sq_usedwrap), off_wrap(sq->sq_told, sq->sq_toldwrap)));
}

const struct ring_format ring_packed = {
	.rf_parts = packed_parts,
	.rf_nids = packed_nids,
	.rf_start = packed_start,
	.rf_more = packed_more,
	.rf_walk = packed_walk,
	.rf_taken = packed_taken,
	.rf_giveback = packed_giveback,
	.rf_fill = packed_fill,
	.rf_show = packed_show,
	.rf_shown = packed_shown,
	.rf_wanted = packed_wanted,
	.rf_quiet = packed_quiet,
	.rf_arm = packed_arm,
	.rf_next = packed_next,
	.rf_passed = packed_passed,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Packed virtqueues: VIRTIO 1.4, 2.8.
 *
 * One ring of descriptors that both sides write.  The driver's part of it is
 * written and never read; of a used descriptor the flags are read first, then
 * id and length, each once.
 *
 * A position is what 2.8.10 uses for events: an offset into the ring, and the
 * wrap counter of that round in bit 15.
 */

#include <sys/systm.h>

#include <dev/pv/vq_format.h>

#define POS_WRAP	0x8000U
#define POS_OFF(pos)	((pos) & 0x7fffU)
#define EVENT_ALIGN	64	/* 4 would do: a cache line for each side */

static struct pvirtq_desc *
packed_desc(const struct virtqueue *vq, uint16_t pos)
{
	return ((struct pvirtq_desc *)vq->vq_ring.dmm_kva + POS_OFF(pos));
}

/* Written here: when the driver wants to be interrupted. */
static struct pvirtq_event_suppress *
packed_driver(const struct virtqueue *vq)
{
	return ((void *)((char *)vq->vq_ring.dmm_kva + vq->vq_driver));
}

/* Written by the device: when it wants to be notified. */
static const struct pvirtq_event_suppress *
packed_device(const struct virtqueue *vq)
{
	return ((const void *)((const char *)vq->vq_ring.dmm_kva +
	    vq->vq_device));
}

/* 2.8.1: the counter changes behind the last descriptor; n <= vq_num. */
static uint16_t
packed_step(const struct virtqueue *vq, uint16_t pos, u_int n)
{
	u_int off = POS_OFF(pos) + n;

	if (off >= vq->vq_num)
		return ((off - vq->vq_num) | ((pos & POS_WRAP) ^ POS_WRAP));
	return (off | (pos & POS_WRAP));
}

/* Descriptors from one position on to another, 0 to two rounds less one. */
static u_int
packed_distance(const struct virtqueue *vq, uint16_t from, uint16_t to)
{
	u_int n = POS_OFF(to) + 2U * vq->vq_num - POS_OFF(from);

	if ((from ^ to) & POS_WRAP)
		n += vq->vq_num;
	return (n % (2U * vq->vq_num));
}

static bus_size_t
packed_layout(struct virtqueue *vq, bool legacy __unused)
{
	vq->vq_driver = roundup2(vq->vq_num * sizeof(struct pvirtq_desc),
	    EVENT_ALIGN);
	vq->vq_device = vq->vq_driver + EVENT_ALIGN;
	return (vq->vq_device + sizeof(struct pvirtq_event_suppress));
}

static void
packed_reset(struct virtqueue *vq)
{
	memset(vq->vq_ring.dmm_kva, 0, vq->vq_ring.dmm_seg.ds_len);
	vq->vq_avail = vq->vq_published = vq->vq_used = POS_WRAP;
	vq->vq_events = PVIRTQ_EVENT_ENABLE;
	vq->vq_sayswrite = false;
}

/* 2.8.7: order is all that links them, and WRITE is the only flag. */
static void
packed_table(void *table, const struct vq_sg *sg)
{
	struct pvirtq_desc *pd = table;
	u_int i, n = sg->sg_nout + sg->sg_nin;

	for (i = 0; i < n; i++, pd++) {
		le64_store(&pd->pd_addr, sg->sg_segs[i].ds_addr);
		le32_store(&pd->pd_len, sg->sg_segs[i].ds_len);
		le16_store(&pd->pd_id, 0);
		le16_store(&pd->pd_flags,
		    i >= sg->sg_nout ? VIRTQ_DESC_F_WRITE : 0);
	}
}

/*
 * A descriptor as available in its round.  The flags of the very first one
 * that is not yet published are kept back: they publish it and all behind it,
 * as the device looks no further than a descriptor that is not available.
 */
static void
packed_desc_store(struct virtqueue *vq, uint16_t pos, uint16_t id,
    const bus_dma_segment_t *ds, uint16_t flags)
{
	struct pvirtq_desc *pd = packed_desc(vq, pos);

	flags |= pos & POS_WRAP ? PVIRTQ_DESC_F_AVAIL : PVIRTQ_DESC_F_USED;
	le64_store(&pd->pd_addr, ds->ds_addr);
	le32_store(&pd->pd_len, ds->ds_len);
	le16_store(&pd->pd_id, id);
	if (pos == vq->vq_published)
		vq->vq_headflags = flags;
	else
		le16_store(&pd->pd_flags, flags);
}

/* 2.8.21.1 Placing Available Buffers Into The Descriptor Ring */
static void
packed_put(struct virtqueue *vq, uint16_t id, const struct vq_sg *sg,
    bus_addr_t table)
{
	u_int i, n = sg->sg_nout + sg->sg_nin;
	uint16_t pos = vq->vq_avail, flags;

	if (table != 0) {
		const bus_dma_segment_t ds = { table,
		    n * sizeof(struct pvirtq_desc) };

		packed_desc_store(vq, pos, id, &ds, VIRTQ_DESC_F_INDIRECT);
		vq->vq_avail = packed_step(vq, pos, 1);
		return;
	}
	for (i = 0; i < n; i++, pos = packed_step(vq, pos, 1)) {
		flags = i >= sg->sg_nout ? VIRTQ_DESC_F_WRITE : 0;
		if (i + 1 < n)
			flags |= VIRTQ_DESC_F_NEXT;
		packed_desc_store(vq, pos, id, &sg->sg_segs[i], flags);
	}
	vq->vq_avail = pos;
}

/*
 * 2.8.10: has the device asked for one of the descriptors from old up to,
 * but not with, new?  An event beyond the ring is no event of an honest
 * device; it is notified, which never harms.
 */
static bool
packed_wants(struct virtqueue *vq, uint16_t old, uint16_t new)
{
	const struct pvirtq_event_suppress *pe = packed_device(vq);
	uint16_t event;

	switch (le16_load(&pe->pe_flags) & PVIRTQ_EVENT_MASK) {
	case PVIRTQ_EVENT_DISABLE:
		return (false);
	case PVIRTQ_EVENT_DESC:
		break;
	default:
		return (true);
	}
	if (!vq->vq_event)
		return (true);
	/*
	 * In any order with the flags: if the device changes them now, it
	 * will see what we have just published (tests/litmus).
	 */
	event = le16_load(&pe->pe_desc);
	return (POS_OFF(event) >= vq->vq_num ||
	    packed_distance(vq, old, event) < packed_distance(vq, old, new));
}

/* 2.8.21.1.1 Updating flags, 2.8.21.2 Sending Available Buffer Notifications */
static bool
packed_publish(struct virtqueue *vq)
{
	uint16_t old = vq->vq_published, new = vq->vq_avail;

	if (old == new)
		return (false);
	/*
	 * All descriptors before the flags of the first.  Partner: the device
	 * loads these before it looks at what they make available.
	 */
	bus_dma_barrier(vq->vq_dmat, BUS_DMA_BARRIER_WRITE);
	le16_store(&packed_desc(vq, old)->pd_flags, vq->vq_headflags);
	vq->vq_published = new;
	/*
	 * Flags before we ask whether the device wants to know.  Partner: it
	 * stores its wish before it looks at the flags a last time.
	 */
	bus_dma_barrier(vq->vq_dmat, BUS_DMA_BARRIER_FULL);
	return (packed_wants(vq, old, new));
}

/* 2.8.1: used in the round that pos is of? */
static bool
packed_is_used(const struct virtqueue *vq, uint16_t pos)
{
	const uint16_t both = PVIRTQ_DESC_F_AVAIL | PVIRTQ_DESC_F_USED;

	return ((le16_load(&packed_desc(vq, pos)->pd_flags) & both) ==
	    (pos & POS_WRAP ? both : 0));
}

static bool
packed_pending(struct virtqueue *vq)
{
	if (!packed_is_used(vq, vq->vq_used))
		return (false);
	if (vq->vq_nlent == vq->vq_nbatch) {
		virtio_fail(vq->vq_vsc, "%s queue: descriptor %u is used, "
		    "nothing is lent", vq->vq_name, POS_OFF(vq->vq_used));
		return (false);
	}
	/*
	 * Flags before id, length and the data.  Partner: the device stores
	 * those before the flags (2.8.22).
	 */
	bus_dma_barrier(vq->vq_dmat, BUS_DMA_BARRIER_READ);
	return (true);
}

static bool
packed_hint(const struct virtqueue *vq)
{
	return (packed_is_used(vq, __atomic_load_n(&vq->vq_used,
	    __ATOMIC_RELAXED)));
}

/*
 * 2.8.4 has the length ignored unless the flags say WRITE, but there are
 * devices that never say so and mean the length, QEMU among them.  So it is
 * ignored from the first WRITE on.
 */
static void
packed_peek(struct virtqueue *vq, uint32_t *id, uint32_t *len)
{
	const struct pvirtq_desc *pd = packed_desc(vq, vq->vq_used);
	bool write = le16_load(&pd->pd_flags) & VIRTQ_DESC_F_WRITE;

	vq->vq_sayswrite |= write;
	*id = le16_load(&pd->pd_id);
	*len = write || !vq->vq_sayswrite ? le32_load(&pd->pd_len) : 0;
}

static bool
packed_advance(struct virtqueue *vq, uint16_t nreq __unused, uint16_t ndesc)
{
	__atomic_store_n(&vq->vq_used, packed_step(vq, vq->vq_used, ndesc),
	    __ATOMIC_RELAXED);
	return (true);
}

/*
 * 2.8.10.  A request takes one descriptor or more, so a position that many
 * descriptors on is reached no later than that many requests on.
 */
static void
packed_intr(struct virtqueue *vq, bool on, u_int after)
{
	struct pvirtq_event_suppress *pe = packed_driver(vq);
	uint16_t flags = !on ? PVIRTQ_EVENT_DISABLE :
	    vq->vq_event ? PVIRTQ_EVENT_DESC : PVIRTQ_EVENT_ENABLE;

	if (flags == PVIRTQ_EVENT_DESC)
		le16_store(&pe->pe_desc, packed_step(vq, vq->vq_used, after));
	if (flags == vq->vq_events)
		return;
	/* in any order, since the caller looks again behind a full barrier */
	le16_store(&pe->pe_flags, flags);
	vq->vq_events = flags;
}

const struct vq_format vq_packed = {
	.vf_name = "packed",
	.vf_layout = packed_layout,
	.vf_reset = packed_reset,
	.vf_table = packed_table,
	.vf_put = packed_put,
	.vf_publish = packed_publish,
	.vf_pending = packed_pending,
	.vf_hint = packed_hint,
	.vf_peek = packed_peek,
	.vf_advance = packed_advance,
	.vf_intr = packed_intr,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Split virtqueues: VIRTIO 1.4, 2.7; also those of the legacy interface,
 * which differ in where the used ring lies.
 *
 * The descriptor table and the available ring are written here and never
 * read; of the used ring idx, flags, avail_event and the elements are read,
 * each once.
 */

#include <sys/systm.h>

#include <dev/pv/vq_format.h>

#define USED_ALIGN	64	/* 4 would do: a cache line of the device's own */

static struct virtq_desc *
split_desc(const struct virtqueue *vq)
{
	return (vq->vq_ring.dmm_kva);
}

static struct virtq_avail *
split_avail(const struct virtqueue *vq)
{
	return ((void *)((char *)vq->vq_ring.dmm_kva + vq->vq_driver));
}

static struct virtq_used *
split_used(const struct virtqueue *vq)
{
	return ((void *)((char *)vq->vq_ring.dmm_kva + vq->vq_device));
}

static le16_w *
split_used_event(const struct virtqueue *vq)
{
	return (&split_avail(vq)->va_ring[vq->vq_num]);
}

static const le16_w *
split_avail_event(const struct virtqueue *vq)
{
	return ((const void *)&split_used(vq)->vu_ring[vq->vq_num]);
}

static bus_size_t
split_layout(struct virtqueue *vq, bool legacy)
{
	bus_size_t avail, used;

	KASSERT(powerof2(vq->vq_num));
	/* both rings end in one le16, for EVENT_IDX */
	avail = sizeof(struct virtq_avail) + (vq->vq_num + 1) * sizeof(le16_w);
	used = sizeof(struct virtq_used) +
	    vq->vq_num * sizeof(struct virtq_used_elem) + sizeof(le16_w);
	vq->vq_driver = vq->vq_num * sizeof(struct virtq_desc);
	vq->vq_device = roundup2(vq->vq_driver + avail,
	    legacy ? VIRTQ_LEGACY_ALIGN : USED_ALIGN);
	return (vq->vq_device + used);
}

static void
split_reset(struct virtqueue *vq)
{
	memset(vq->vq_ring.dmm_kva, 0, vq->vq_ring.dmm_seg.ds_len);
	vq->vq_avail = vq->vq_published = 0;
	vq->vq_used = vq->vq_seen = 0;
}

static void
split_desc_store(struct virtq_desc *vd, const bus_dma_segment_t *ds,
    uint16_t flags, uint16_t next)
{
	le64_store(&vd->vd_addr, ds->ds_addr);
	le32_store(&vd->vd_len, ds->ds_len);
	le16_store(&vd->vd_flags, flags);
	le16_store(&vd->vd_next, next);
}

static uint16_t
split_flags(const struct vq_sg *sg, u_int i)
{
	uint16_t flags = 0;

	if (i >= sg->sg_nout)
		flags |= VIRTQ_DESC_F_WRITE;
	if (i + 1U < sg->sg_nout + sg->sg_nin)
		flags |= VIRTQ_DESC_F_NEXT;
	return (flags);
}

/* 2.7.5.3 Indirect Descriptors */
static void
split_table(void *table, const struct vq_sg *sg)
{
	struct virtq_desc *vd = table;
	u_int i, n = sg->sg_nout + sg->sg_nin;

	for (i = 0; i < n; i++)
		split_desc_store(&vd[i], &sg->sg_segs[i], split_flags(sg, i),
		    i + 1 < n ? i + 1 : 0);
}

/* 2.7.13.1 Placing Buffers Into The Descriptor Table, 2.7.13.2 */
static void
split_put(struct virtqueue *vq, uint16_t id, const struct vq_sg *sg,
    bus_addr_t table)
{
	u_int i, n = sg->sg_nout + sg->sg_nin;
	uint16_t d = id, next;

	if (table != 0) {
		const bus_dma_segment_t ds = { table,
		    n * sizeof(struct virtq_desc) };

		split_desc_store(&split_desc(vq)[id], &ds,
		    VIRTQ_DESC_F_INDIRECT, 0);
	} else {
		for (i = 0; i < n; i++, d = next) {
			next = vq->vq_slot[d].vs_next;
			split_desc_store(&split_desc(vq)[d], &sg->sg_segs[i],
			    split_flags(sg, i), i + 1 < n ? next : 0);
		}
	}
	le16_store(&split_avail(vq)->va_ring[vq->vq_avail &
	    (vq->vq_num - 1)], id);
	vq->vq_avail++;
}

/* 2.7.13.3 Updating idx, 2.7.10 Available Buffer Notification Suppression */
static bool
split_publish(struct virtqueue *vq)
{
	uint16_t old = vq->vq_published, new = vq->vq_avail, event;

	if (old == new)
		return (false);
	/*
	 * Descriptors and ring entries before idx.  Partner: the device
	 * loads idx before the entries and what they lead to.
	 */
	bus_dma_barrier(vq->vq_dmat, BUS_DMA_BARRIER_WRITE);
	le16_store(&split_avail(vq)->va_idx, new);
	vq->vq_published = new;
	/*
	 * idx before we ask whether the device wants to know.  Partner: it
	 * stores avail_event or flags before it looks at idx a last time.
	 */
	bus_dma_barrier(vq->vq_dmat, BUS_DMA_BARRIER_FULL);
	if (vq->vq_event) {
		/* have we stepped over the event, in this batch? */
		event = le16_load(split_avail_event(vq));
		return ((uint16_t)(new - event - 1) < (uint16_t)(new - old));
	}
	return (!(le16_load(&split_used(vq)->vu_flags) &
	    VIRTQ_USED_F_NO_NOTIFY));
}

static bool
split_pending(struct virtqueue *vq)
{
	u_int lent = vq->vq_nlent - vq->vq_nbatch;
	uint16_t idx;

	if (vq->vq_seen != vq->vq_used)
		return (true);
	idx = le16_load(&split_used(vq)->vu_idx);
	if (idx == vq->vq_used)
		return (false);
	if ((uint16_t)(idx - vq->vq_used) > lent) {
		virtio_fail(vq->vq_vsc, "%s queue: used index %u, %u requests "
		    "lent since %u", vq->vq_name, idx, lent, vq->vq_used);
		return (false);
	}
	vq->vq_seen = idx;
	/*
	 * idx before the elements and the data.  Partner: the device stores
	 * those before idx (2.7.8.2).
	 */
	bus_dma_barrier(vq->vq_dmat, BUS_DMA_BARRIER_READ);
	return (true);
}

static bool
split_hint(const struct virtqueue *vq)
{
	return (le16_load(&split_used(vq)->vu_idx) !=
	    __atomic_load_n(&vq->vq_used, __ATOMIC_RELAXED));
}

static void
split_peek(struct virtqueue *vq, uint32_t *id, uint32_t *len)
{
	const struct virtq_used_elem *vue =
	    &split_used(vq)->vu_ring[vq->vq_used & (vq->vq_num - 1)];

	*id = le32_load(&vue->vue_id);
	*len = le32_load(&vue->vue_len);
}

/* 2.7.9: a batch has one element, but counts in idx with all it has. */
static bool
split_advance(struct virtqueue *vq, uint16_t nreq, uint16_t ndesc __unused)
{
	if (nreq > (uint16_t)(vq->vq_seen - vq->vq_used))
		return (false);
	__atomic_store_n(&vq->vq_used, vq->vq_used + nreq, __ATOMIC_RELAXED);
	return (true);
}

/* 2.7.7 Used Buffer Notification Suppression */
static void
split_intr(struct virtqueue *vq, bool on, u_int after)
{
	if (!vq->vq_event)
		le16_store(&split_avail(vq)->va_flags,
		    on ? 0 : VIRTQ_AVAIL_F_NO_INTERRUPT);
	else if (on)
		le16_store(split_used_event(vq), vq->vq_used + after);
	else	/* as far away as can be */
		le16_store(split_used_event(vq), vq->vq_used + 0x8000);
}

const struct vq_format vq_split = {
	.vf_name = "split",
	.vf_chained = true,
	.vf_layout = split_layout,
	.vf_reset = split_reset,
	.vf_table = split_table,
	.vf_put = split_put,
	.vf_publish = split_publish,
	.vf_pending = split_pending,
	.vf_hint = split_hint,
	.vf_peek = split_peek,
	.vf_advance = split_advance,
	.vf_intr = split_intr,
};

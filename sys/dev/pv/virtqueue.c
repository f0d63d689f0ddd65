/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Virtqueues: what all ring formats have in common.  See virtiovar.h for the
 * calls and vq_format.h for the division of labour.
 *
 * A slot stands for an id.  It is free, or the head of a request that is lent
 * to the device and then holds its cookie, or (where descriptors take ids)
 * another link of a request's chain.  The lists that join them are here, in
 * private memory; whatever a device writes into a ring, it can at worst have
 * a request returned that was really lent to it.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <dev/pv/virtio_transport.h>
#include <dev/pv/vq_format.h>

#define TABLE_BYTES	65536	/* memory for indirect tables: at most that, */
#define TABLE_MIN	16	/* but so many in any case */
#define CALL_SLICE	MSEC_TO_NSEC(100)
#define CALL_POLL	MSEC_TO_NSEC(1)

/* Somebody who waits in vq_call(). */
struct vq_waiter {
	uint32_t	vw_len;
	int		vw_error;
	bool		vw_done;
};
static struct vq_waiter	vq_nobody;	/* has stopped waiting */

/* --- scatter/gather lists ----------------------------------------------- */

static int
vq_sg_add(struct vq_sg *sg, bool in, bus_addr_t addr, bus_size_t len)
{
	u_int n = sg->sg_nout + sg->sg_nin;

	if (n >= sg->sg_max)
		return (EFBIG);
	sg->sg_segs[n] = (bus_dma_segment_t){ addr, len };
	if (in)
		sg->sg_nin++;
	else
		sg->sg_nout++;
	return (0);
}

static int
vq_sg_map(struct vq_sg *sg, bool in, bus_dmamap_t map, bus_size_t off,
    bus_size_t len)
{
	uint16_t nout = sg->sg_nout, nin = sg->sg_nin;
	bus_size_t skip = off, left = len, n;
	const bus_dma_segment_t *ds;
	int i;

	if (len == 0 || off > map->dm_mapsize || len > map->dm_mapsize - off ||
	    (!in && nin != 0))
		return (EINVAL);
	for (i = 0; i < map->dm_nsegs && left > 0; i++) {
		ds = &map->dm_segs[i];
		if (skip >= ds->ds_len) {
			skip -= ds->ds_len;
			continue;
		}
		n = MIN(left, ds->ds_len - skip);
		if (vq_sg_add(sg, in, ds->ds_addr + skip, n) != 0) {
			sg->sg_nout = nout;
			sg->sg_nin = nin;
			return (EFBIG);
		}
		skip = 0;
		left -= n;
	}
	KASSERT(left == 0);
	bus_dmamap_sync(sg->sg_dmat, map, off, len,
	    in ? BUS_DMASYNC_PREREAD : BUS_DMASYNC_PREWRITE);
	return (0);
}

static int
vq_sg_mem(struct vq_sg *sg, bool in, const struct dmamem *dmm, bus_size_t off,
    bus_size_t len)
{
	if (dmm->dmm_tag == NULL || len == 0 || off > dmm->dmm_seg.ds_len ||
	    len > dmm->dmm_seg.ds_len - off || (!in && sg->sg_nin != 0))
		return (EINVAL);
	return (vq_sg_add(sg, in, dmm->dmm_seg.ds_addr + off, len));
}

int
vq_sg_out(struct vq_sg *sg, bus_dmamap_t map, bus_size_t off, bus_size_t len)
{
	return (vq_sg_map(sg, false, map, off, len));
}

int
vq_sg_in(struct vq_sg *sg, bus_dmamap_t map, bus_size_t off, bus_size_t len)
{
	return (vq_sg_map(sg, true, map, off, len));
}

int
vq_sg_out_mem(struct vq_sg *sg, const struct dmamem *dmm, bus_size_t off,
    bus_size_t len)
{
	return (vq_sg_mem(sg, false, dmm, off, len));
}

int
vq_sg_in_mem(struct vq_sg *sg, const struct dmamem *dmm, bus_size_t off,
    bus_size_t len)
{
	return (vq_sg_mem(sg, true, dmm, off, len));
}

/* --- memory ------------------------------------------------------------- */

static bus_size_t
vq_table_size(const struct virtqueue *vq)
{
	return (vq->vq_nsegs * sizeof(struct virtq_desc));
}

/*
 * Tables for indirect descriptors.  If there are fewer than requests, or no
 * memory for any, the others take descriptors of the ring.
 */
static void
vq_alloc_tables(struct virtqueue *vq)
{
	bus_size_t size = vq_table_size(vq);
	uint16_t n;

	n = MIN(vq->vq_num, MAX(TABLE_BYTES / size, TABLE_MIN));
	vq->vq_freetable = kmem_alloc(n * sizeof(*vq->vq_freetable),
	    KM_NOSLEEP);
	if (vq->vq_freetable == NULL)
		return;
	if (dmamem_alloc(&vq->vq_table, vq->vq_dmat, n * size,
	    sizeof(struct virtq_desc), BUS_DMA_NOWAIT) != 0) {
		kmem_free(vq->vq_freetable, n * sizeof(*vq->vq_freetable));
		vq->vq_freetable = NULL;
		return;
	}
	vq->vq_ntable = n;
}

int
vq_alloc(struct virtqueue *vq, const struct virtqueue_conf *vqc, uint16_t num,
    bool indirect, bool legacy)
{
	int error;

	KASSERT(num != 0 && vqc->vqc_nsegs != 0 && vqc->vqc_mtx != NULL);
	vq->vq_index = vqc->vqc_index;
	vq->vq_num = num;
	/* 2.7.5.3: no chain is longer than the queue, indirect or not */
	vq->vq_nsegs = MIN(vqc->vqc_nsegs, num);
	vq->vq_mtx = vqc->vqc_mtx;
	vq->vq_fn = vqc->vqc_intr;
	vq->vq_arg = vqc->vqc_arg;
	vq->vq_cpu = vqc->vqc_cpu;
	vq->vq_vec = VQ_NO_VEC;
	vq->vq_stopped = true;

	error = dmamem_alloc(&vq->vq_ring, vq->vq_dmat,
	    vq->vq_fmt->vf_layout(vq, legacy), VIRTQ_LEGACY_ALIGN,
	    BUS_DMA_NOWAIT);
	if (error != 0)
		return (error);
	vq->vq_slot = kmem_zalloc(num * sizeof(*vq->vq_slot), KM_NOSLEEP);
	if (vq->vq_slot == NULL)
		return (ENOMEM);	/* the caller frees the ring */
	if (indirect && vq->vq_nsegs > 1)
		vq_alloc_tables(vq);
	vq_reset(vq);
	return (0);
}

void
vq_free(struct virtqueue *vq)
{
	kmem_free(vq->vq_slot, vq->vq_num * sizeof(*vq->vq_slot));
	vq->vq_slot = NULL;
	kmem_free(vq->vq_freetable, vq->vq_ntable * sizeof(*vq->vq_freetable));
	vq->vq_freetable = NULL;
	vq->vq_ntable = 0;
	dmamem_free(&vq->vq_table);
	dmamem_free(&vq->vq_ring);
}

void
vq_reset(struct virtqueue *vq)
{
	u_int i;

	KASSERT(vq->vq_nlent == 0);
	for (i = 0; i < vq->vq_num; i++) {
		vq->vq_slot[i] = (struct vq_slot){ .vs_table = VQ_NONE,
		    .vs_next = i + 1U < vq->vq_num ? i + 1 : VQ_NONE };
	}
	vq->vq_freeid = 0;
	vq->vq_freetail = vq->vq_num - 1;
	vq->vq_nfree = vq->vq_num;
	for (i = 0; i < vq->vq_ntable; i++)
		vq->vq_freetable[i] = i;
	vq->vq_nfreetable = vq->vq_ntable;
	vq->vq_oldest = vq->vq_newest = VQ_NONE;
	vq->vq_nbatch = 0;
	vq->vq_drained = 0;
	vq->vq_kick = false;
	vq->vq_fmt->vf_reset(vq);
	if (vq->vq_fn == NULL)
		vq->vq_fmt->vf_intr(vq, false, 0);
}

/* --- ids ---------------------------------------------------------------- */

/* Take the first n ids off the free list; they stay linked. */
static uint16_t
vq_take(struct virtqueue *vq, u_int n)
{
	uint16_t first = vq->vq_freeid, last = first;

	while (--n > 0)
		last = vq->vq_slot[last].vs_next;
	vq->vq_freeid = vq->vq_slot[last].vs_next;
	vq->vq_slot[last].vs_next = VQ_NONE;
	if (vq->vq_freeid == VQ_NONE)
		vq->vq_freetail = VQ_NONE;
	return (first);
}

/* Give back a request's ids, descriptors and table. */
static void
vq_give(struct virtqueue *vq, uint16_t id)
{
	struct vq_slot *vs = &vq->vq_slot[id];
	uint16_t last = id;

	vs->vs_cookie = NULL;
	if (vs->vs_table != VQ_NONE)
		vq->vq_freetable[vq->vq_nfreetable++] = vs->vs_table;
	vs->vs_table = VQ_NONE;
	vq->vq_nfree += vs->vs_ndesc;
	vq->vq_nlent--;
	while (vq->vq_slot[last].vs_next != VQ_NONE)
		last = vq->vq_slot[last].vs_next;
	if (vq->vq_freetail == VQ_NONE)
		vq->vq_freeid = id;
	else
		vq->vq_slot[vq->vq_freetail].vs_next = id;
	vq->vq_freetail = last;
}

/* --- 2.7.9, 2.8.8 In-order use of descriptors ---------------------------- */

static void
vq_order_add(struct virtqueue *vq, uint16_t id)
{
	vq->vq_slot[id].vs_after = VQ_NONE;
	if (vq->vq_newest == VQ_NONE)
		vq->vq_oldest = id;
	else
		vq->vq_slot[vq->vq_newest].vs_after = id;
	vq->vq_newest = id;
}

static uint16_t
vq_order_take(struct virtqueue *vq)
{
	uint16_t id = vq->vq_oldest;

	vq->vq_oldest = vq->vq_slot[id].vs_after;
	if (vq->vq_oldest == VQ_NONE)
		vq->vq_newest = VQ_NONE;
	return (id);
}

/*
 * Used up to and with this one, which is lent.  The oldest of them is next,
 * and nothing else is looked at before all have been taken.
 */
static bool
vq_order_batch(struct virtqueue *vq, uint16_t last, uint32_t len)
{
	u_int nreq = 1, ndesc = vq->vq_slot[last].vs_ndesc;
	uint16_t id;

	for (id = vq->vq_oldest; id != last; id = vq->vq_slot[id].vs_after) {
		nreq++;
		ndesc += vq->vq_slot[id].vs_ndesc;
	}
	if (!vq->vq_fmt->vf_advance(vq, nreq, ndesc))
		return (false);
	vq->vq_nbatch = nreq;
	vq->vq_batchlen = len;
	return (true);
}

/* --- requests ----------------------------------------------------------- */

/* Bytes that the device may write; EFBIG: too many for a 32-bit length. */
static int
vq_sg_check(const struct vq_sg *sg, uint32_t *inlen)
{
	uint64_t sum = 0, in = 0;
	u_int i, n = sg->sg_nout + sg->sg_nin;

	for (i = 0; i < n; i++) {
		if (sg->sg_segs[i].ds_len > UINT32_MAX)
			return (EFBIG);
		sum += sg->sg_segs[i].ds_len;
		if (i >= sg->sg_nout)
			in += sg->sg_segs[i].ds_len;
	}
	/* 2.7.5.2: no chain is longer than 2^32 bytes */
	if (sum > UINT32_MAX)
		return (EFBIG);
	*inlen = in;
	return (0);
}

static int
vq_put(struct virtqueue *vq, void *cookie, const struct vq_sg *sg, bool call)
{
	u_int n = sg->sg_nout + sg->sg_nin, ndesc = n;
	uint16_t id, table = VQ_NONE;
	bus_size_t off = 0;
	struct vq_slot *vs;
	uint32_t inlen;
	int error;

	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	KASSERT(cookie != NULL && n != 0);
	if (vq->vq_stopped || (vq->vq_vsc->sc_dev.dv_flags & DVF_GONE))
		return (ENXIO);
	if (n > vq->vq_nsegs)
		return (EFBIG);
	if ((error = vq_sg_check(sg, &inlen)) != 0)
		return (error);
	if (n > 1 && vq->vq_nfreetable > 0)
		ndesc = 1;
	if (vq->vq_nfree < ndesc || vq->vq_paused)
		return (ENOSPC);
	if (ndesc < n) {
		table = vq->vq_freetable[--vq->vq_nfreetable];
		off = table * vq_table_size(vq);
		vq->vq_fmt->vf_table((char *)vq->vq_table.dmm_kva + off, sg);
	}
	id = vq_take(vq, vq->vq_fmt->vf_chained ? ndesc : 1);
	vs = &vq->vq_slot[id];
	vs->vs_cookie = cookie;
	vs->vs_call = call;
	vs->vs_inlen = inlen;
	vs->vs_ndesc = ndesc;
	vs->vs_table = table;
	vq->vq_nfree -= ndesc;
	vq->vq_nlent++;
	vq->vq_nrequest++;
	if (vq->vq_inorder)
		vq_order_add(vq, id);
	vq->vq_fmt->vf_put(vq, id, sg, table == VQ_NONE ? 0 :
	    vq->vq_table.dmm_seg.ds_addr + off);
	return (0);
}

int
vq_enqueue(struct virtqueue *vq, void *cookie, const struct vq_sg *sg)
{
	return (vq_put(vq, cookie, sg, false));
}

void
vq_notify(struct virtqueue *vq)
{
	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	if (vq->vq_paused)
		vq->vq_kick = true;	/* not to be seen by the device yet */
	else if (!vq->vq_stopped && vq->vq_fmt->vf_publish(vq))
		virtio_notify(vq->vq_vsc, vq);
}

/* A call has ended: tell the one who waits, if it still does. */
static void
vq_wake(struct vq_waiter *vw, uint32_t len, int error)
{
	if (vw == &vq_nobody)
		return;
	vw->vw_len = len;
	vw->vw_error = error;
	vw->vw_done = true;
	wakeup(vw);
}

/* What the device says next.  False: nothing, or what cannot be. */
static bool
vq_next(struct virtqueue *vq, uint16_t *idp, uint32_t *lenp)
{
	uint32_t id;

	if (!vq->vq_fmt->vf_pending(vq))
		return (false);
	vq->vq_fmt->vf_peek(vq, &id, lenp);
	if (id >= vq->vq_num || vq->vq_slot[id].vs_cookie == NULL) {
		virtio_fail(vq->vq_vsc, "%s queue: request %u was returned "
		    "but not lent", vq->vq_name, id);
		return (false);
	}
	*idp = id;
	if (!vq->vq_inorder)
		return (vq->vq_fmt->vf_advance(vq, 1,
		    vq->vq_slot[id].vs_ndesc));
	if (vq_order_batch(vq, id, *lenp))
		return (true);
	virtio_fail(vq->vq_vsc, "%s queue: request %u was returned out of "
	    "order", vq->vq_name, id);
	return (false);
}

/* The next request that the device has used. */
static bool
vq_used(struct virtqueue *vq, uint16_t *idp, uint32_t *lenp)
{
	uint32_t inlen;

	if (vq->vq_nbatch == 0 && !vq_next(vq, idp, lenp))
		return (false);
	if (vq->vq_inorder) {
		*idp = vq_order_take(vq);
		/* those before the last one are used completely */
		*lenp = --vq->vq_nbatch == 0 ? vq->vq_batchlen :
		    vq->vq_slot[*idp].vs_inlen;
	}
	inlen = vq->vq_slot[*idp].vs_inlen;
	vq->vq_cut = *lenp > inlen;
	if (vq->vq_cut) {
		/* some honest devices do that too: cut and count */
		*lenp = inlen;
		vq->vq_ncut++;
	}
	return (true);
}

void *
vq_dequeue(struct virtqueue *vq, uint32_t *lenp)
{
	uint16_t id = VQ_NONE;
	uint32_t len;
	void *cookie;
	bool call;

	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	while (!vq->vq_stopped && vq_used(vq, &id, &len)) {
		cookie = vq->vq_slot[id].vs_cookie;
		call = vq->vq_slot[id].vs_call;
		vq_give(vq, id);
		if (!call) {
			*lenp = len;
			return (cookie);
		}
		vq_wake(cookie, len, 0);
	}
	return (NULL);
}

bool
vq_intr_enable(struct virtqueue *vq, u_int n)
{
	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	if (vq->vq_stopped)
		return (false);
	/* what is not lent does not come back */
	n = vq->vq_nlent == 0 ? 0 : MIN(n, vq->vq_nlent - 1U);
	if (vq->vq_nbatch != 0)
		return (true);
	vq->vq_fmt->vf_intr(vq, true, n);
	/*
	 * The second look: our wish is stored before we load what is used.
	 * Partner: the device stores what is used before it loads the wish.
	 */
	bus_dma_barrier(vq->vq_dmat, BUS_DMA_BARRIER_FULL);
	return (vq->vq_fmt->vf_pending(vq));
}

void
vq_intr_disable(struct virtqueue *vq)
{
	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	if (!vq->vq_stopped)
		vq->vq_fmt->vf_intr(vq, false, 0);
}

void *
vq_drain(struct virtqueue *vq)
{
	struct vq_slot *vs;
	void *cookie;
	bool call;

	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	if (!vq->vq_stopped)
		return (NULL);		/* another queue has failed */
	while (vq->vq_drained < vq->vq_num) {
		vs = &vq->vq_slot[vq->vq_drained++];
		if ((cookie = vs->vs_cookie) == NULL)
			continue;
		call = vs->vs_call;
		vq_give(vq, vq->vq_drained - 1);
		if (!call)
			return (cookie);
		vq_wake(cookie, 0, EIO);
	}
	return (NULL);
}

/* --- to wait ------------------------------------------------------------ */

/* The waiter goes; its request stays where it is, with the device. */
static void
vq_abandon(struct virtqueue *vq, struct vq_waiter *vw)
{
	u_int i;

	for (i = 0; i < vq->vq_num; i++) {
		if (vq->vq_slot[i].vs_cookie == vw)
			vq->vq_slot[i].vs_cookie = &vq_nobody;
	}
}

/* A queue without a handler is looked at here; it carries only calls. */
static void
vq_wait(struct virtqueue *vq, struct vq_waiter *vw, uint64_t nsec)
{
	uint32_t len;

	if (vq->vq_fn == NULL) {
		if (vq_dequeue(vq, &len) != NULL)
			panic("vq_call: %s queue is used in two ways",
			    vq->vq_name);
		nsec = MIN(nsec, CALL_POLL);
	}
	if (!vw->vw_done)
		(void)msleep_nsec(vw, vq->vq_mtx, PRI_KERN, "vqcall",
		    MIN(nsec, CALL_SLICE));
}

int
vq_call(struct virtqueue *vq, const struct vq_sg *sg, uint32_t *lenp,
    u_int msec)
{
	struct vq_waiter vw = { .vw_done = false };
	uint64_t limit = nsecuptime() + MSEC_TO_NSEC(msec), now;
	int error;

	if ((error = vq_put(vq, &vw, sg, true)) != 0)
		return (error);
	vq_notify(vq);
	while (!vw.vw_done) {
		if (vq->vq_stopped) {
			vq_abandon(vq, &vw);
			return (EIO);
		}
		if ((now = nsecuptime()) >= limit) {
			virtio_fail(vq->vq_vsc, "%s queue: no answer in %u "
			    "ms", vq->vq_name, msec);
			vq_abandon(vq, &vw);
			return (ETIMEDOUT);
		}
		vq_wait(vq, &vw, limit - now);
	}
	*lenp = vw.vw_len;
	return (vw.vw_error);
}

bool
vq_was_cut(const struct virtqueue *vq)
{
	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	return (vq->vq_cut);
}

bool
vq_ready(const struct virtqueue *vq)
{
	return (!__atomic_load_n(&vq->vq_stopped, __ATOMIC_RELAXED) &&
	    !vq->vq_paused);
}

uint16_t
vq_size(const struct virtqueue *vq)
{
	return (vq->vq_num);
}

uint16_t
vq_maxsegs(const struct virtqueue *vq)
{
	return (vq->vq_nsegs);
}

uint16_t
vq_nfree(const struct virtqueue *vq)
{
	MUTEX_ASSERT_LOCKED(vq->vq_mtx);
	return (vq->vq_nfree);
}

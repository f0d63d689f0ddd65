/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <machine/host.h>
#include "loop.h"

/* --- memory -------------------------------------------------------------- */

struct loop_map {
	struct bus_dmamap	 lm_map;
	bus_dma_segment_t	 lm_seg;
};

void	(*loop_barrier)(int);

static int
loop_map_create(bus_dma_tag_t t, bus_size_t size, int nsegs,
    bus_size_t maxsegsz, bus_size_t boundary, int flags, bus_dmamap_t *mapp)
{
	struct loop_map *lm = host_alloc(sizeof(*lm));

	if (lm == NULL)
		return (ENOMEM);
	lm->lm_map.dm_segs = &lm->lm_seg;
	*mapp = &lm->lm_map;
	return (0);
}

static void
loop_map_destroy(bus_dma_tag_t t, bus_dmamap_t map)
{
	host_free(map);
}

static int
loop_map_load(bus_dma_tag_t t, bus_dmamap_t map, void *buf, bus_size_t len,
    int flags)
{
	map->dm_mapsize = len;
	map->dm_nsegs = 1;
	map->dm_segs[0] = (bus_dma_segment_t){ (uintptr_t)buf, len };
	return (0);
}

static void
loop_map_unload(bus_dma_tag_t t, bus_dmamap_t map)
{
	map->dm_mapsize = 0;
	map->dm_nsegs = 0;
}

static void
loop_map_sync(bus_dma_tag_t t, bus_dmamap_t map, bus_size_t off,
    bus_size_t len, int ops)
{
}

/* The piece begins in front of what is given out, which it is told by. */
static int
loop_mem_alloc(bus_dma_tag_t t, bus_size_t size, bus_size_t align, int flags,
    bus_dma_segment_t *seg, void **kva)
{
	char *base, *p;

	align = MAX(align, 16);
	if (hosted_may_fail() || (base = host_alloc(size + 2 * align)) == NULL)
		return (ENOMEM);
	p = (char *)roundup2((uintptr_t)base + sizeof(void *), align);
	((void **)(void *)p)[-1] = base;
	*kva = p;
	*seg = (bus_dma_segment_t){ (uintptr_t)p, size };
	return (0);
}

static void
loop_mem_free(bus_dma_tag_t t, bus_dma_segment_t *seg, void *kva)
{
	host_free(((void **)kva)[-1]);
}

static void
loop_mem_barrier(bus_dma_tag_t t, int what)
{
	if (loop_barrier != NULL)
		loop_barrier(what);
}

static const struct bus_dma_ops loop_dma_ops = {
	.bdo_map_create = loop_map_create,
	.bdo_map_destroy = loop_map_destroy,
	.bdo_map_load = loop_map_load,
	.bdo_map_unload = loop_map_unload,
	.bdo_map_sync = loop_map_sync,
	.bdo_mem_alloc = loop_mem_alloc,
	.bdo_mem_free = loop_mem_free,
	.bdo_barrier = loop_mem_barrier,
};
const struct bus_dma_tag loop_dma = {
	.bdt_ops = &loop_dma_ops, .bdt_hi = UINT64_MAX,
};

/* --- registers ------------------------------------------------------------ */

static struct loop *
loop_of(struct virtio_softc *vsc)
{
	return ((struct loop *)vsc);
}

static virtio_bits_t
lo_get_features(struct virtio_softc *vsc)
{
	return (loop_of(vsc)->lo_offered);
}

static void
lo_set_features(struct virtio_softc *vsc, virtio_bits_t bits)
{
	loop_of(vsc)->lo_accepted = bits;
}

static uint8_t
lo_get_status(struct virtio_softc *vsc)
{
	return (loop_of(vsc)->lo_status);
}

static void
loop_tell(struct loop *lo)
{
	if (lo->lo_changed != NULL)
		lo->lo_changed(lo);
}

static void
lo_set_status(struct virtio_softc *vsc, uint8_t status)
{
	struct loop *lo = loop_of(vsc);
	u_int i;

	if (status == 0) {
		for (i = 0; i < LOOP_MAXVQ; i++)
			lo->lo_q[i].lq_on = false;
		loop_tell(lo);
	}
	if (lo->lo_refuse)
		status &= ~VIRTIO_STATUS_FEATURES_OK;
	if (status & VIRTIO_STATUS_DRIVER_OK)
		status &= ~VIRTIO_STATUS_SUSPEND;
	lo->lo_status = status;
}

static uint32_t
lo_config_gen(struct virtio_softc *vsc)
{
	return (loop_of(vsc)->lo_gen);
}

static uint32_t
lo_config_read(struct virtio_softc *vsc, bus_size_t off, u_int width)
{
	return (0);
}

static void
lo_config_write(struct virtio_softc *vsc, bus_size_t off, u_int width,
    uint32_t v)
{
}

static int
lo_config_vec(struct virtio_softc *vsc, uint16_t vec)
{
	return (0);
}

static uint16_t
lo_queue_size(struct virtio_softc *vsc, uint16_t index, uint16_t max,
    uint16_t wish)
{
	return (wish);
}

static uint16_t
lo_queue_max(struct virtio_softc *vsc, uint16_t index)
{
	return (index < LOOP_MAXVQ ? loop_of(vsc)->lo_max : 0);
}

static int
lo_queue_on(struct virtio_softc *vsc, struct virtqueue *vq)
{
	struct loop *lo = loop_of(vsc);
	uint64_t ring = vq->vq_ring.dmm_seg.ds_addr;

	vq->vq_nid = vq->vq_index;
	lo->lo_q[vq->vq_index] = (struct loop_queue){ .lq_on = true,
	    .lq_size = vq->vq_num, .lq_vec = vq->vq_vec, .lq_desc = ring,
	    .lq_driver = ring + vq->vq_driver,
	    .lq_device = ring + vq->vq_device };
	loop_tell(lo);
	return (0);
}

static void
lo_queue_off(struct virtio_softc *vsc, struct virtqueue *vq)
{
	loop_of(vsc)->lo_q[vq->vq_index].lq_on = false;
	loop_tell(loop_of(vsc));
}

static bool
lo_queue_is_off(struct virtio_softc *vsc, const struct virtqueue *vq)
{
	return (true);
}

static void
lo_notify(struct virtio_softc *vsc, const struct virtqueue *vq, uint32_t data)
{
	struct loop *lo = loop_of(vsc);

	if (lo->lo_notified != NULL)
		lo->lo_notified(lo, vq->vq_index, data);
}

static u_int
lo_nvec(struct virtio_softc *vsc)
{
	return (nitems(loop_of(vsc)->lo_vec));
}

static int
lo_intr_setup(struct virtio_softc *vsc, enum ipl ipl,
    const struct virtio_vec *vv, u_int n)
{
	memcpy(loop_of(vsc)->lo_vec, vv, n * sizeof(*vv));
	return (0);
}

static void
lo_intr_barrier(struct virtio_softc *vsc)
{
}

static void
lo_intr_free(struct virtio_softc *vsc)
{
	memset(loop_of(vsc)->lo_vec, 0, sizeof(loop_of(vsc)->lo_vec));
}

static const struct virtio_transport loop_ops = {
	.vt_name = "loop",
	.vt_get_features = lo_get_features,
	.vt_set_features = lo_set_features,
	.vt_get_status = lo_get_status,
	.vt_set_status = lo_set_status,
	.vt_config_gen = lo_config_gen,
	.vt_config_read = lo_config_read,
	.vt_config_write = lo_config_write,
	.vt_config_vec = lo_config_vec,
	.vt_queue_max = lo_queue_max,
	.vt_queue_size = lo_queue_size,
	.vt_queue_on = lo_queue_on,
	.vt_queue_off = lo_queue_off,
	.vt_queue_is_off = lo_queue_is_off,
	.vt_notify = lo_notify,
	.vt_nvec = lo_nvec,
	.vt_intr_setup = lo_intr_setup,
	.vt_intr_barrier = lo_intr_barrier,
	.vt_intr_free = lo_intr_free,
};

static void
loop_vec(struct loop *lo, u_int vec)
{
	if (vec < nitems(lo->lo_vec) && lo->lo_vec[vec].vv_fn != NULL)
		(void)lo->lo_vec[vec].vv_fn(lo->lo_vec[vec].vv_arg);
}

void
loop_intr(struct loop *lo, u_int i)
{
	loop_vec(lo, lo->lo_q[i].lq_vec);
}

void
loop_config_intr(struct loop *lo)
{
	loop_vec(lo, lo->lo_vsc.sc_config_vec);
}

/* --- a driver without a class --------------------------------------------- */

void
loop_drain(struct loop *lo)
{
	void *cookie;
	u_int i;

	for (i = 0; i < lo->lo_nvq; i++) {
		mtx_enter(lo->lo_vq[i]->vq_mtx);
		while ((cookie = vq_drain(lo->lo_vq[i])) != NULL)
			lo->lo_back(lo, cookie);
		mtx_leave(lo->lo_vq[i]->vq_mtx);
	}
}

static void
loop_event(void *arg, enum virtio_event ev)
{
	struct loop *lo = arg;

	if (ev != VIRTIO_RESUMED)
		loop_drain(lo);
	if (lo->lo_event != NULL)
		lo->lo_event(lo, ev);
}

int
loop_open(struct loop *lo, const struct virtqueue_conf *vqc, u_int n)
{
	static const struct virtio_feature none[1];
	struct virtio_softc *vsc = &lo->lo_vsc;
	int error;

	strlcpy(vsc->sc_dev.dv_xname, "loop0", sizeof(vsc->sc_dev.dv_xname));
	strlcpy(lo->lo_child.dv_xname, "test0",
	    sizeof(lo->lo_child.dv_xname));
	lo->lo_child.dv_flags = DVF_DESCRIBED;	/* says nothing */
	vsc->sc_vt = &loop_ops;
	vsc->sc_dmat = &loop_dma;
	mtx_init(&vsc->sc_mtx, IPL_HIGH);
	virtio_task_init(vsc);
	vsc->sc_offered = lo->lo_offered;
	if ((error = virtio_negotiate(vsc, &lo->lo_child, none, 0, 0)) == 0 &&
	    (error = virtio_queues(vsc, IPL_NET, vqc, n, lo->lo_vq)) == 0) {
		lo->lo_nvq = n;
		virtio_on_failure(vsc, loop_event, lo);
		error = virtio_start(vsc);
	}
	if (error != 0)
		loop_close(lo);
	else
		virtio_attached(vsc);
	return (error);
}

void
loop_close(struct loop *lo)
{
	virtio_stop(&lo->lo_vsc);
	loop_drain(lo);
	lo->lo_nvq = 0;
	virtio_end(&lo->lo_vsc);
}

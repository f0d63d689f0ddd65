/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Memory that devices read and write: the calls that drivers make, and the
 * operations for a machine whose devices see physical addresses and whose
 * caches they snoop.  See bus_dma.h.
 */

#include <sys/bus_dma.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <machine/atomic.h>

int
bus_dmamap_create(bus_dma_tag_t t, bus_size_t size, int nsegs,
    bus_size_t maxsegsz, bus_size_t boundary, int flags, bus_dmamap_t *mapp)
{
	return (t->bdt_ops->bdo_map_create(t, size, nsegs, maxsegsz, boundary,
	    flags, mapp));
}

void
bus_dmamap_destroy(bus_dma_tag_t t, bus_dmamap_t map)
{
	if (map != NULL)
		t->bdt_ops->bdo_map_destroy(t, map);
}

int
bus_dmamap_load(bus_dma_tag_t t, bus_dmamap_t map, void *buf,
    bus_size_t len, int flags)
{
	return (t->bdt_ops->bdo_map_load(t, map, buf, len, flags));
}

int
bus_dmamap_load_uio(bus_dma_tag_t t, bus_dmamap_t map, struct uio *uio,
    int flags)
{
	return (t->bdt_ops->bdo_map_load_uio(t, map, uio, flags));
}

void
bus_dmamap_unload(bus_dma_tag_t t, bus_dmamap_t map)
{
	t->bdt_ops->bdo_map_unload(t, map);
}

void
bus_dmamap_sync(bus_dma_tag_t t, bus_dmamap_t map, bus_size_t off,
    bus_size_t len, int ops)
{
	KASSERT(off <= map->dm_mapsize && len <= map->dm_mapsize - off);
	t->bdt_ops->bdo_map_sync(t, map, off, len, ops);
}

void
bus_dma_barrier(bus_dma_tag_t t, int ops)
{
	t->bdt_ops->bdo_barrier(t, ops);
}

int
dmamem_alloc(struct dmamem *dmm, bus_dma_tag_t t, bus_size_t size,
    bus_size_t align, int flags)
{
	int error;

	if (size == 0)
		return (EINVAL);
	error = t->bdt_ops->bdo_mem_alloc(t, size, align, flags |
	    BUS_DMA_ZERO, &dmm->dmm_seg, &dmm->dmm_kva);
	if (error == 0)
		dmm->dmm_tag = t;
	return (error);
}

void
dmamem_free(struct dmamem *dmm)
{
	if (dmm->dmm_tag == NULL)
		return;
	dmm->dmm_tag->bdt_ops->bdo_mem_free(dmm->dmm_tag, &dmm->dmm_seg,
	    dmm->dmm_kva);
	dmm->dmm_tag = NULL;
}

/* --- direct: bus addresses are physical ones -------------------------------- */

struct direct_map {
	struct bus_dmamap	dd_map;
	bus_size_t		dd_size;	/* limits, from create */
	bus_size_t		dd_maxsegsz;
	bus_size_t		dd_boundary;
	int			dd_nsegs;
	bus_dma_segment_t	dd_segs[];
};

static size_t
direct_size(int nsegs)
{
	return (sizeof(struct direct_map) +
	    nsegs * sizeof(bus_dma_segment_t));
}

static int
direct_map_create(bus_dma_tag_t t __unused, bus_size_t size, int nsegs,
    bus_size_t maxsegsz, bus_size_t boundary, int flags, bus_dmamap_t *mapp)
{
	struct direct_map *dd;

	if (nsegs <= 0 || size == 0)
		return (EINVAL);
	dd = kmem_zalloc(direct_size(nsegs),
	    flags & BUS_DMA_NOWAIT ? KM_NOSLEEP : KM_SLEEP);
	if (dd == NULL)
		return (ENOMEM);
	dd->dd_size = size;
	dd->dd_maxsegsz = maxsegsz == 0 ? size : maxsegsz;
	dd->dd_boundary = boundary;
	dd->dd_nsegs = nsegs;
	dd->dd_map.dm_segs = dd->dd_segs;
	*mapp = &dd->dd_map;
	return (0);
}

static void
direct_map_destroy(bus_dma_tag_t t __unused, bus_dmamap_t map)
{
	struct direct_map *dd = (struct direct_map *)map;

	KASSERT(map->dm_mapsize == 0);
	kmem_free(dd, direct_size(dd->dd_nsegs));
}

/* Add a piece of kernel memory, page by page, joined where it can be. */
static int
direct_add(struct direct_map *dd, const char *va, bus_size_t len)
{
	struct bus_dmamap *map = &dd->dd_map;
	bus_dma_segment_t *ds;
	bus_size_t n;
	bus_addr_t pa;

	for (; len > 0; len -= n, va += n) {
		pa = md_kvtop(va);
		n = MIN(len, PAGE_SIZE - ((vaddr_t)va & PAGE_MASK));
		n = MIN(n, dd->dd_maxsegsz);
		if (dd->dd_boundary != 0)
			n = MIN(n, dd->dd_boundary -
			    (pa & (dd->dd_boundary - 1)));
		ds = &dd->dd_segs[map->dm_nsegs - 1];
		if (map->dm_nsegs > 0 && ds->ds_addr + ds->ds_len == pa &&
		    ds->ds_len + n <= dd->dd_maxsegsz &&
		    (dd->dd_boundary == 0 ||
		    ((ds->ds_addr ^ (pa + n - 1)) &
		    ~(dd->dd_boundary - 1)) == 0))
			ds->ds_len += n;
		else if (map->dm_nsegs == dd->dd_nsegs)
			return (EFBIG);
		else {
			dd->dd_segs[map->dm_nsegs++] =
			    (bus_dma_segment_t){ pa, n };
		}
		map->dm_mapsize += n;
	}
	return (0);
}

static void
direct_map_unload(bus_dma_tag_t t __unused, bus_dmamap_t map)
{
	map->dm_mapsize = 0;
	map->dm_nsegs = 0;
}

static int
direct_map_load(bus_dma_tag_t t, bus_dmamap_t map, void *buf, bus_size_t len,
    int flags __unused)
{
	struct direct_map *dd = (struct direct_map *)map;
	int error;

	KASSERT(map->dm_mapsize == 0);
	if (len == 0 || len > dd->dd_size)
		return (EINVAL);
	if ((error = direct_add(dd, buf, len)) != 0)
		direct_map_unload(t, map);
	return (error);
}

static int
direct_map_load_uio(bus_dma_tag_t t, bus_dmamap_t map, struct uio *uio,
    int flags __unused)
{
	struct direct_map *dd = (struct direct_map *)map;
	size_t left = uio->uio_resid, n;
	int i, error;

	KASSERT(map->dm_mapsize == 0 && uio->uio_segflg == UIO_SYSSPACE);
	if (left == 0 || left > dd->dd_size)
		return (EINVAL);
	for (i = 0; i < uio->uio_iovcnt && left > 0; i++, left -= n) {
		n = MIN(left, uio->uio_iov[i].iov_len);
		error = direct_add(dd, uio->uio_iov[i].iov_base, n);
		if (error != 0) {
			direct_map_unload(t, map);
			return (error);
		}
	}
	return (0);
}

static void
direct_map_sync(bus_dma_tag_t t __unused, bus_dmamap_t map __unused,
    bus_size_t off __unused, bus_size_t len __unused, int ops __unused)
{
	/* the caches are coherent: the compiler must not move accesses */
	__asm volatile("" ::: "memory");
}

static int
direct_mem_alloc(bus_dma_tag_t t __unused, bus_size_t size, bus_size_t align,
    int flags, bus_dma_segment_t *seg, void **kvap)
{
	void *p;

	/* whole pages, so that a device gets nothing that is not its own */
	size = round_page(size);
	KASSERT(align <= PAGE_SIZE);
	p = kmem_zalloc(size, flags & BUS_DMA_NOWAIT ? KM_NOSLEEP : KM_SLEEP);
	if (p == NULL)
		return (ENOMEM);
	*seg = (bus_dma_segment_t){ md_kvtop(p), size };
	*kvap = p;
	return (0);
}

static void
direct_mem_free(bus_dma_tag_t t __unused, bus_dma_segment_t *seg, void *kva)
{
	kmem_free(kva, seg->ds_len);
}

static void
direct_barrier(bus_dma_tag_t t __unused, int ops)
{
	if (ops & BUS_DMA_BARRIER_FULL)
		membar_sync();
	else if ((ops & BUS_DMA_BARRIER_READ) && (ops & BUS_DMA_BARRIER_WRITE))
		membar_sync();
	else if (ops & BUS_DMA_BARRIER_READ)
		membar_consumer();
	else
		membar_producer();
}

const struct bus_dma_ops bus_dma_direct_ops = {
	.bdo_map_create = direct_map_create,
	.bdo_map_destroy = direct_map_destroy,
	.bdo_map_load = direct_map_load,
	.bdo_map_load_uio = direct_map_load_uio,
	.bdo_map_unload = direct_map_unload,
	.bdo_map_sync = direct_map_sync,
	.bdo_mem_alloc = direct_mem_alloc,
	.bdo_mem_free = direct_mem_free,
	.bdo_barrier = direct_barrier,
};

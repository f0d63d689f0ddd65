/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_BUS_DMA_H_
#define _SYS_BUS_DMA_H_

/* Memory that devices read and write. */

#include <sys/bus.h>

typedef const struct bus_dma_tag	*bus_dma_tag_t;
typedef struct bus_dmamap		*bus_dmamap_t;

typedef struct bus_dma_segment {
	bus_addr_t	ds_addr;		/* as the device sees it */
	bus_size_t	ds_len;
} bus_dma_segment_t;

struct bus_dmamap {
	bus_size_t		 dm_mapsize;	/* 0: nothing loaded */
	int			 dm_nsegs;
	bus_dma_segment_t	*dm_segs;
	void			*_dm_md;	/* bounce pages and the like */
};

struct uio;

struct bus_dma_ops {
	int	(*bdo_map_create)(bus_dma_tag_t, bus_size_t, int, bus_size_t,
		    bus_size_t, int, bus_dmamap_t *);
	void	(*bdo_map_destroy)(bus_dma_tag_t, bus_dmamap_t);
	int	(*bdo_map_load)(bus_dma_tag_t, bus_dmamap_t, void *,
		    bus_size_t, int);
	int	(*bdo_map_load_uio)(bus_dma_tag_t, bus_dmamap_t, struct uio *,
		    int);
	void	(*bdo_map_unload)(bus_dma_tag_t, bus_dmamap_t);
	void	(*bdo_map_sync)(bus_dma_tag_t, bus_dmamap_t, bus_size_t,
		    bus_size_t, int);
	int	(*bdo_mem_alloc)(bus_dma_tag_t, bus_size_t, bus_size_t, int,
		    bus_dma_segment_t *, void **);
	void	(*bdo_mem_free)(bus_dma_tag_t, bus_dma_segment_t *, void *);
	void	(*bdo_barrier)(bus_dma_tag_t, int);
};

struct bus_dma_tag {
	const struct bus_dma_ops	*bdt_ops;
	void				*bdt_cookie;	/* iommu, simulator */
	bus_addr_t			 bdt_lo, bdt_hi;
	int				 bdt_flags;
};
#define BDT_TRANSLATED	0x01	/* bus addresses are not physical addresses */
#define BDT_HARDWARE	0x02	/* real device: barriers must reach the bus */

#define BUS_DMA_NOWAIT	0x01
#define BUS_DMA_ZERO	0x02
#define BUS_DMA_READ	0x04	/* hint: device to memory only */
#define BUS_DMA_WRITE	0x08	/* hint: memory to device only */

#define BUS_DMASYNC_PREREAD	0x01
#define BUS_DMASYNC_POSTREAD	0x02
#define BUS_DMASYNC_PREWRITE	0x04
#define BUS_DMASYNC_POSTWRITE	0x08

/* bus_dma_barrier(): order accesses to coherent memory (dmamem, rings) */
#define BUS_DMA_BARRIER_READ	0x01	/* earlier loads before later loads */
#define BUS_DMA_BARRIER_WRITE	0x02	/* earlier stores before later stores */
#define BUS_DMA_BARRIER_FULL	0x04	/* and stores before loads */

int	bus_dmamap_create(bus_dma_tag_t, bus_size_t, int, bus_size_t,
	    bus_size_t, int, bus_dmamap_t *);
void	bus_dmamap_destroy(bus_dma_tag_t, bus_dmamap_t);
int	bus_dmamap_load(bus_dma_tag_t, bus_dmamap_t, void *, bus_size_t, int);
int	bus_dmamap_load_uio(bus_dma_tag_t, bus_dmamap_t, struct uio *, int);
void	bus_dmamap_unload(bus_dma_tag_t, bus_dmamap_t);
void	bus_dmamap_sync(bus_dma_tag_t, bus_dmamap_t, bus_size_t, bus_size_t,
	    int);
void	bus_dma_barrier(bus_dma_tag_t, int);

/* for a machine whose devices see physical memory and snoop the caches */
extern const struct bus_dma_ops	bus_dma_direct_ops;

/* One contiguous, coherent, zeroed piece: rings, command blocks. */
struct dmamem {
	bus_dma_tag_t		 dmm_tag;	/* NULL: not allocated */
	bus_dma_segment_t	 dmm_seg;
	void			*dmm_kva;
};

int	dmamem_alloc(struct dmamem *, bus_dma_tag_t, bus_size_t, bus_size_t,
	    int);
void	dmamem_free(struct dmamem *);		/* harmless if not allocated */

#endif /* _SYS_BUS_DMA_H_ */

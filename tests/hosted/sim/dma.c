/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Memory as the simulated devices see it.  A bus address is not a pointer: it
 * names a slot, a generation of it, and an offset, so that one that is used
 * after its unload, or beyond its length, is found out.  A load never lends
 * the caller's own memory but a copy, which is filled by sync before a write
 * and emptied by sync after a read; each byte may be accessed only in the
 * direction that sync has opened.  With sim_dma_strict, what a device has
 * returned must be synced after it, before it is unloaded or lent again, even
 * if nobody looks at it.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <machine/host.h>
#include "sim.h"

/* a legacy queue's must fit in 44 bits */
#define SLOT_SHIFT	30		/* bus address: slot, generation, */
#define GEN_SHIFT	23		/* offset */
#define GEN_MASK	0x7fU
#define SEG_MAX		(1U << GEN_SHIFT)
#define NSLOT		16384		/* slot 0 is nobody's */

#define MAY_READ	0x01		/* the device */
#define MAY_WRITE	0x02
#define OWED_READ	0x04		/* a sync after what the device read */
#define OWED_WRITE	0x08		/* ...and wrote */
#define POISON		0xdb

/* of each byte, and there are blocks of megabytes: not to be looked at */
#define FAST	__attribute__((__no_sanitize__("address", "undefined"),	\
		    __optimize__("O3")))

struct slot {
	uint8_t		*s_mem;		/* NULL: free */
	uint8_t		*s_va;		/* whose copy it is */
	uint8_t		*s_perm;	/* a byte each; NULL: coherent */
	uint32_t	 s_off;		/* where it begins, in a page */
	uint32_t	 s_len;
	u_int		 s_gen;
	u_int		 s_owed;	/* when something of it was returned */
	u_int		 s_next;	/* free list */
};

struct sim_map {
	struct bus_dmamap	 sm_map;
	bus_size_t		 sm_size, sm_maxsegsz;
	int			 sm_max;
	uint8_t			**sm_va;	/* of each segment */
	bus_dma_segment_t	 sm_segs[];
};

u_int		sim_nsegs, sim_nmaps;
bool		sim_dma_split, sim_dma_translated, sim_dma_strict;
bus_size_t	sim_dma_segmax;

static struct slot	slots[NSLOT];
static u_int		slot_free, slot_last, slot_top = 1;
static u_int		resets = 1;

static bus_addr_t
slot_get(uint8_t *mem, uint8_t *perm, uint32_t off, uint32_t len)
{
	struct slot *s;
	u_int i;

	if ((i = slot_free) != 0) {
		if ((slot_free = slots[i].s_next) == 0)
			slot_last = 0;
	}
	else if (slot_top < NSLOT)
		i = slot_top++;
	else
		host_fail("out of bus addresses");
	s = &slots[i];
	s->s_mem = mem;
	s->s_va = mem;
	s->s_perm = perm;
	s->s_off = off;
	s->s_len = len;
	s->s_owed = 0;
	s->s_gen = (s->s_gen + 1) & GEN_MASK;
	sim_nsegs++;
	return ((bus_addr_t)i << SLOT_SHIFT |
	    (bus_addr_t)s->s_gen << GEN_SHIFT | off);
}

static void
slot_put(bus_addr_t addr)
{
	u_int i = addr >> SLOT_SHIFT;

	slots[i].s_mem = NULL;
	slots[i].s_gen = (slots[i].s_gen + 1) & GEN_MASK;
	/* at the end, so that an old address stays bad for long */
	slots[i].s_next = 0;
	if (slot_last != 0)
		slots[slot_last].s_next = i;
	else
		slot_free = i;
	slot_last = i;
	sim_nsegs--;
}

static struct slot *
slot_find(bus_addr_t addr, size_t len)
{
	u_int i = addr >> SLOT_SHIFT;
	uint32_t off = addr & (SEG_MAX - 1);
	struct slot *s;

	if (addr >> SLOT_SHIFT >= NSLOT || (s = &slots[i])->s_mem == NULL ||
	    s->s_gen != ((addr >> GEN_SHIFT) & GEN_MASK)) {
		sim_fault("bus address %#llx is not mapped",
		    (unsigned long long)addr);
		return (NULL);
	}
	if (off < s->s_off || off - s->s_off > s->s_len ||
	    len > s->s_len - (off - s->s_off)) {
		sim_fault("bus address %#llx: %zu bytes are not all mapped",
		    (unsigned long long)addr, len);
		return (NULL);
	}
	return (s);
}

/* --- the device's side --------------------------------------------------- */

FAST static bool
dma_mapped(bus_addr_t addr, size_t len, uint8_t perm, uint8_t **p)
{
	struct slot *s;
	size_t off, i;

	if ((s = slot_find(addr, len)) == NULL)
		return (false);
	off = (addr & (SEG_MAX - 1)) - s->s_off;
	for (i = 0; s->s_perm != NULL && i < len; i++) {
		if (!(s->s_perm[off + i] & perm)) {
			sim_fault("bus address %#llx: no sync for device %s",
			    (unsigned long long)(addr + i),
			    perm == MAY_READ ? "reads" : "writes");
			return (false);
		}
	}
	*p = s->s_mem + off;
	return (true);
}

static bool
dma_access(bus_addr_t addr, size_t len, uint8_t perm, uint8_t **p)
{
	if (sim_dma_blocked()) {
		sim_fault("access without bus mastering");
		return (false);
	}
	return (dma_mapped(addr, len, perm, p));
}

/* The device may do it from now on; also if it is not going to. */
bool
sim_dma_check(bus_addr_t addr, uint64_t len, bool write)
{
	uint8_t *p;

	return (dma_mapped(addr, len, write ? MAY_WRITE : MAY_READ, &p));
}

FAST void
sim_dma_returned(bus_addr_t addr, uint64_t len)
{
	uint32_t off, i;
	struct slot *s;

	/* what is wrong with it was seen when it was lent */
	if (addr >> SLOT_SHIFT >= NSLOT)
		return;
	s = &slots[addr >> SLOT_SHIFT];
	off = (addr & (SEG_MAX - 1)) - s->s_off;
	if (s->s_mem == NULL || s->s_perm == NULL || off > s->s_len ||
	    len > s->s_len - off)
		return;
	for (i = off; i < off + len; i++) {
		if (s->s_perm[i] & MAY_READ)
			s->s_perm[i] |= OWED_READ;
		if (s->s_perm[i] & MAY_WRITE)
			s->s_perm[i] |= OWED_WRITE;
	}
	s->s_owed = resets;
}

/* Who resets a device need not look at what it returned before. */
void
sim_dma_forgive(void)
{
	resets++;
}

bool
sim_dma_read(bus_addr_t addr, void *buf, size_t len)
{
	uint8_t *p;

	if (!dma_access(addr, len, MAY_READ, &p)) {
		memset(buf, 0, len);
		return (false);
	}
	memcpy(buf, p, len);
	return (true);
}

bool
sim_dma_write(bus_addr_t addr, const void *buf, size_t len)
{
	uint8_t *p;

	if (!dma_access(addr, len, MAY_WRITE, &p))
		return (false);
	memcpy(p, buf, len);
	return (true);
}

uint64_t
sim_dma_get(bus_addr_t addr, u_int n)
{
	uint8_t b[8];

	(void)sim_dma_read(addr, b, n);
	return (sim_get(b, n));
}

void
sim_dma_put(bus_addr_t addr, u_int n, uint64_t v)
{
	uint8_t b[8];

	sim_put(b, n, v);
	(void)sim_dma_write(addr, b, n);
}

void *
sim_dma_piece(bus_addr_t addr, size_t *lenp)
{
	struct slot *s;

	if (addr >> SLOT_SHIFT >= NSLOT)
		return (NULL);
	s = &slots[addr >> SLOT_SHIFT];
	if (s->s_mem == NULL || s->s_perm != NULL)
		return (NULL);
	*lenp = s->s_len;
	return (s->s_mem);
}

/*
 * The driver's own memory, for devices that change what they were lent
 * whether the driver looks at it or not.
 */
void *
sim_dma_own(bus_addr_t addr, size_t len)
{
	struct slot *s;

	if ((s = slot_find(addr, len)) == NULL)
		return (NULL);
	return (s->s_va + ((addr & (SEG_MAX - 1)) - s->s_off));
}

static bool
mem_read(void *arg, bus_addr_t addr, void *buf, size_t len)
{
	return (sim_dma_read(addr, buf, len));
}

static bool
mem_write(void *arg, bus_addr_t addr, const void *buf, size_t len)
{
	return (sim_dma_write(addr, buf, len));
}

static uint64_t
mem_get(void *arg, bus_addr_t addr, u_int n)
{
	return (sim_dma_get(addr, n));
}

static void
mem_put(void *arg, bus_addr_t addr, u_int n, uint64_t v)
{
	sim_dma_put(addr, n, v);
}

/* Driver and device take turns, so all is in order. */
static void
mem_barrier(void *arg, enum sim_order order)
{
}

static bool
mem_check(void *arg, bus_addr_t addr, uint64_t len, bool write)
{
	return (sim_dma_check(addr, len, write));
}

static void
mem_returned(void *arg, bus_addr_t addr, uint64_t len)
{
	sim_dma_returned(addr, len);
}

const struct sim_mem_ops sim_mem_dma = {
	.mo_read = mem_read,
	.mo_write = mem_write,
	.mo_get = mem_get,
	.mo_put = mem_put,
	.mo_barrier = mem_barrier,
	.mo_check = mem_check,
	.mo_returned = mem_returned,
};

/* --- the driver's side --------------------------------------------------- */

static int
sim_map_create(bus_dma_tag_t t, bus_size_t size, int nsegs,
    bus_size_t maxsegsz, bus_size_t boundary, int flags, bus_dmamap_t *mapp)
{
	struct sim_map *sm;

	if (nsegs <= 0 || size == 0)
		return (EINVAL);
	KASSERT(boundary == 0);
	if ((flags & BUS_DMA_NOWAIT) && hosted_may_fail())
		return (ENOMEM);
	if ((sm = host_alloc(sizeof(*sm) + nsegs * sizeof(sm->sm_segs[0]))) ==
	    NULL || (sm->sm_va = host_alloc(nsegs * sizeof(uint8_t *))) ==
	    NULL)
		host_fail("no memory");
	sm->sm_size = size;
	sm->sm_maxsegsz = MIN(maxsegsz == 0 ? size : maxsegsz,
	    sim_dma_segmax);
	sm->sm_max = nsegs;
	sm->sm_map.dm_segs = sm->sm_segs;
	sim_nmaps++;
	*mapp = &sm->sm_map;
	return (0);
}

static void
sim_map_destroy(bus_dma_tag_t t, bus_dmamap_t map)
{
	struct sim_map *sm = (struct sim_map *)map;

	if (map->dm_mapsize != 0)
		sim_fault("a loaded map is destroyed");
	sim_nmaps--;
	host_free(sm->sm_va);
	host_free(sm);
}

/* Was all that came back synced afterwards? */
FAST static void
settle(struct slot *s, size_t off, size_t len)
{
	size_t i;

	if (!sim_dma_strict || s->s_owed != resets || sim_gone)
		return;
	for (i = off; i < off + len; i++) {
		if (s->s_perm[i] & (OWED_READ | OWED_WRITE)) {
			sim_fault("no sync after the device %s",
			    s->s_perm[i] & OWED_WRITE ? "wrote" : "read");
			return;
		}
	}
}

static void
sim_map_unload(bus_dma_tag_t t, bus_dmamap_t map)
{
	struct slot *s;
	int i;

	if (map->dm_mapsize == 0)
		return;
	for (i = 0; i < map->dm_nsegs; i++) {
		s = &slots[map->dm_segs[i].ds_addr >> SLOT_SHIFT];
		settle(s, 0, s->s_len);
		memset(s->s_mem, POISON, s->s_len);
		host_free(s->s_mem);
		host_free(s->s_perm);
		slot_put(map->dm_segs[i].ds_addr);
		map->dm_segs[i] = (bus_dma_segment_t){ 0xdeadULL << 40, 0 };
	}
	map->dm_mapsize = 0;
	map->dm_nsegs = 0;
}

static int
sim_map_add(struct sim_map *sm, uint8_t *va, bus_size_t len)
{
	struct bus_dmamap *map = &sm->sm_map;
	uint8_t *mem, *perm;
	bus_size_t n;

	for (; len > 0; len -= n, va += n) {
		/* now and then a page for itself, as where they are apart */
		n = MIN(len, sm->sm_maxsegsz);
		if (sim_dma_split && sm->sm_max - map->dm_nsegs >
		    (int)(len / PAGE_SIZE + 2) && sim_random(2) == 0)
			n = MIN(n, PAGE_SIZE - ((vaddr_t)va & PAGE_MASK));
		if (map->dm_nsegs == sm->sm_max)
			return (EFBIG);
		if ((mem = host_alloc(n)) == NULL ||
		    (perm = host_alloc(n)) == NULL)
			host_fail("no memory");
		memset(mem, POISON, n);
		sm->sm_va[map->dm_nsegs] = va;
		map->dm_segs[map->dm_nsegs++] = (bus_dma_segment_t){
		    slot_get(mem, perm, (vaddr_t)va & PAGE_MASK, n), n };
		slots[map->dm_segs[map->dm_nsegs - 1].ds_addr >>
		    SLOT_SHIFT].s_va = va;
		map->dm_mapsize += n;
	}
	return (0);
}

static int
sim_map_load(bus_dma_tag_t t, bus_dmamap_t map, void *buf, bus_size_t len,
    int flags)
{
	struct sim_map *sm = (struct sim_map *)map;
	int error;

	KASSERT(map->dm_mapsize == 0);
	if (len == 0 || len > sm->sm_size)
		return (EINVAL);
	if ((flags & BUS_DMA_NOWAIT) && hosted_may_fail())
		return (ENOMEM);
	if ((error = sim_map_add(sm, buf, len)) != 0)
		sim_map_unload(t, map);
	return (error);
}

static int
sim_map_load_uio(bus_dma_tag_t t, bus_dmamap_t map, struct uio *uio,
    int flags)
{
	struct sim_map *sm = (struct sim_map *)map;
	size_t left = uio->uio_resid, n;
	int i, error;

	KASSERT(map->dm_mapsize == 0 && uio->uio_segflg == UIO_SYSSPACE);
	if (left == 0 || left > sm->sm_size)
		return (EINVAL);
	if ((flags & BUS_DMA_NOWAIT) && hosted_may_fail())
		return (ENOMEM);
	for (i = 0; i < uio->uio_iovcnt && left > 0; i++, left -= n) {
		n = MIN(left, uio->uio_iov[i].iov_len);
		error = sim_map_add(sm, uio->uio_iov[i].iov_base, n);
		if (error != 0) {
			sim_map_unload(t, map);
			return (error);
		}
	}
	return (0);
}

FAST static void
sync_part(struct slot *s, uint8_t *va, size_t off, size_t len, int ops)
{
	size_t i;

	if (ops & (BUS_DMASYNC_PREWRITE | BUS_DMASYNC_PREREAD))
		settle(s, off, len);
	if (ops & BUS_DMASYNC_PREWRITE)
		memcpy(s->s_mem + off, va + off, len);
	if (ops & BUS_DMASYNC_POSTREAD)
		memcpy(va + off, s->s_mem + off, len);
	for (i = off; i < off + len; i++) {
		if (ops & (BUS_DMASYNC_PREWRITE | BUS_DMASYNC_PREREAD))
			s->s_perm[i] &= ~(OWED_READ | OWED_WRITE);
		if (ops & BUS_DMASYNC_PREWRITE)
			s->s_perm[i] |= MAY_READ;
		if (ops & BUS_DMASYNC_PREREAD)
			s->s_perm[i] |= MAY_WRITE;
		if (ops & BUS_DMASYNC_POSTWRITE)
			s->s_perm[i] &= ~(MAY_READ | OWED_READ);
		if (ops & BUS_DMASYNC_POSTREAD) {
			if (!(s->s_perm[i] & MAY_WRITE)) {
				sim_fault("sync after a read that was not "
				    "begun");
				ops = 0;
			}
			s->s_perm[i] &= ~(MAY_WRITE | OWED_WRITE);
		}
	}
}

static void
sim_map_sync(bus_dma_tag_t t, bus_dmamap_t map, bus_size_t off,
    bus_size_t len, int ops)
{
	struct sim_map *sm = (struct sim_map *)map;
	bus_size_t n, seglen;
	int i;

	for (i = 0; i < map->dm_nsegs && len > 0; i++) {
		seglen = map->dm_segs[i].ds_len;
		if (off >= seglen) {
			off -= seglen;
			continue;
		}
		n = MIN(len, seglen - off);
		sync_part(&slots[map->dm_segs[i].ds_addr >> SLOT_SHIFT],
		    sm->sm_va[i], off, n, ops);
		off = 0;
		len -= n;
	}
}

static int
sim_mem_alloc(bus_dma_tag_t t, bus_size_t size, bus_size_t align, int flags,
    bus_dma_segment_t *seg, void **kvap)
{
	void *p;

	KASSERT(align <= PAGE_SIZE && size <= SEG_MAX);
	p = kmem_zalloc(size, flags & BUS_DMA_NOWAIT ? KM_NOSLEEP : KM_SLEEP);
	if (p == NULL)
		return (ENOMEM);
	*seg = (bus_dma_segment_t){ slot_get(p, NULL, 0, size), size };
	*kvap = p;
	return (0);
}

static void
sim_mem_free(bus_dma_tag_t t, bus_dma_segment_t *seg, void *kva)
{
	slot_put(seg->ds_addr);
	kmem_free(kva, seg->ds_len);
}

static void
sim_barrier(bus_dma_tag_t t, int ops)
{
#ifdef WIRE_STEP
	hosted_step();
#endif
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static const struct bus_dma_ops sim_dma_ops = {
	.bdo_map_create = sim_map_create,
	.bdo_map_destroy = sim_map_destroy,
	.bdo_map_load = sim_map_load,
	.bdo_map_load_uio = sim_map_load_uio,
	.bdo_map_unload = sim_map_unload,
	.bdo_map_sync = sim_map_sync,
	.bdo_mem_alloc = sim_mem_alloc,
	.bdo_mem_free = sim_mem_free,
	.bdo_barrier = sim_barrier,
};

/*
 * The kernel's is a constant, and so it sees this one; but a test may change
 * it, before anything attaches.
 */
struct bus_dma_tag sim_dma_tag = {
	.bdt_ops = &sim_dma_ops,
	.bdt_hi = ~0ULL,
};
extern const struct bus_dma_tag md_dma __attribute__((__alias__(
    "sim_dma_tag")));

void
sim_dma_translate(bool on)
{
	sim_dma_translated = on;
	if (on)
		sim_dma_tag.bdt_flags |= BDT_TRANSLATED;
	else
		sim_dma_tag.bdt_flags &= ~BDT_TRANSLATED;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Physical addresses that are not the page allocator's, and what devices see
 * of memory: all of it, at the same addresses.
 */

#include <sys/md.h>
#include <sys/systm.h>

#include <vm/pmap.h>

#define MAP_MAXPA	(1ULL << 48)

void *
md_map(paddr_t pa, size_t size, int flags)
{
	paddr_t start = trunc_page(pa);
	size_t len;
	vaddr_t va;
	int prot;

	if (size == 0 || pa >= MAP_MAXPA || size > MAP_MAXPA - pa)
		return (NULL);
	len = round_page(pa + size) - start;
	if ((va = kva_alloc(len)) == 0)
		return (NULL);
	prot = PROT_READ | (flags & MD_MAP_RDONLY ? 0 : PROT_WRITE) |
	    (flags & MD_MAP_DEVICE ? PMAP_NOCACHE : 0) |
	    (flags & MD_MAP_WC ? PMAP_WC : 0);
	if (pmap_kenter_pages(va, start, len, prot) != 0) {
		pmap_kremove(va, len);
		kva_free(va, len);
		return (NULL);
	}
	return ((void *)(va + (pa & PAGE_MASK)));
}

void
md_unmap(void *p, size_t size)
{
	vaddr_t va = trunc_page((vaddr_t)p);
	size_t len = round_page((vaddr_t)p + size) - va;

	pmap_kremove(va, len);
	kva_free(va, len);
}

const struct bus_dma_tag md_dma = {
	.bdt_ops = &bus_dma_direct_ops,
	.bdt_hi = UINT64_MAX,
};

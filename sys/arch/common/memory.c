/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Memory at boot.
 */

#include <sys/systm.h>

#include <arch/common/common.h>
#include <vm/vm_page.h>

/*
 * Where page tables may come from: the largest piece that is mapped already.
 * 256 GB need a megabyte of it.
 */
static struct memrange
boot_tables(const struct memlist *avail, paddr_t lo, paddr_t hi)
{
	struct memrange best = { 0, 0 }, mr;
	u_int i;

	for (i = 0; i < avail->ml_n; i++) {
		mr = avail->ml_range[i];
		mr.mr_start = round_page(MAX(mr.mr_start, lo));
		mr.mr_end = trunc_page(MIN(mr.mr_end, hi));
		if (mr.mr_end > mr.mr_start && mr.mr_end - mr.mr_start >
		    best.mr_end - best.mr_start)
			best = mr;
	}
	return (best);
}

void
memory_init(const struct memlist *ram, struct memlist *avail, int64_t delta,
    paddr_t lo, paddr_t hi)
{
	struct memrange tables;
	paddr_t used, end;
	u_int i;

	(void)memlist_remove(avail, trunc_page((vaddr_t)__text_start -
	    KERNBASE + delta), round_page((vaddr_t)kernel_end - KERNBASE +
	    delta));
	/* the direct map ends somewhere */
	(void)memlist_remove(avail, VM_DIRECT_SIZE, UINT64_MAX);
	tables = boot_tables(avail, lo, hi);
	pmap_bootstrap(delta, tables.mr_start, tables.mr_end);
	for (i = 0; i < ram->ml_n; i++) {
		end = MIN(ram->ml_range[i].mr_end, VM_DIRECT_SIZE);
		if (ram->ml_range[i].mr_start < end)
			pmap_direct(ram->ml_range[i].mr_start, end);
	}
	used = pmap_switch();
	(void)memlist_remove(avail, tables.mr_start, used);
	for (i = 0; i < avail->ml_n; i++)
		vm_page_range(avail->ml_range[i].mr_start,
		    avail->ml_range[i].mr_end);
}

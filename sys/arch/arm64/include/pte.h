/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_PTE_H_
#define _MACHINE_PTE_H_

/*
 * Entries of page tables: VMSAv8-64, pages of 4 KB, four levels, a root for
 * each half (Arm ARM D8.3).  All address spaces have the same number, and
 * are forgotten when another is activated.
 */

#include <sys/md.h>

#include <machine/cpu.h>
#include <vm/pmap.h>

typedef uint64_t	pt_entry_t;

#define PT_LEVELS	4

#define PTE_V		0x001UL
#define PTE_TABLE	0x002UL		/* at level 0 here: a page */
#define PTE_ATTR(n)	((uint64_t)(n) << 2)	/* MAIR: see locore.S */
#define PTE_USER	(1UL << 6)
#define PTE_RDONLY	(1UL << 7)
#define PTE_SHARED	(3UL << 8)	/* inner shareable */
#define PTE_AF		(1UL << 10)
#define PTE_NG		(1UL << 11)
#define PTE_PXN		(1UL << 53)
#define PTE_UXN		(1UL << 54)
#define PTE_HELD	(1UL << 55)	/* ours: there, but PROT_NONE */
#define PTE_FRAME	0x0000fffffffff000UL

#define ATTR_MEMORY	0
#define ATTR_DEVICE	1
#define ATTR_WC		2

/* the highest level at which an entry may be a page */
static inline int
pt_maxleaf(void)
{
	return (2);
}

static inline bool
pte_valid(pt_entry_t pte)
{
	return ((pte & PTE_V) != 0);
}

static inline bool
pte_held(pt_entry_t pte)
{
	return ((pte & PTE_HELD) != 0);
}

/* a valid entry is a page, not a table */
static inline bool
pte_leaf(pt_entry_t pte, int level)
{
	return (level == 0 || !(pte & PTE_TABLE));
}

static inline paddr_t
pte_pa(pt_entry_t pte)
{
	return (pte & PTE_FRAME);
}

static inline int
pte_prot(pt_entry_t pte)
{
	return (PROT_READ | (pte & PTE_RDONLY ? 0 : PROT_WRITE) |
	    (pte & PTE_UXN ? 0 : PROT_EXEC));
}

static inline pt_entry_t
pte_branch(paddr_t pa, bool user __unused)
{
	return (pa | PTE_V | PTE_TABLE);
}

static inline pt_entry_t
pte_make(paddr_t pa, int level, int prot, bool user)
{
	pt_entry_t pte = pa | PTE_AF | PTE_SHARED |
	    (level == 0 ? PTE_TABLE : 0) |
	    (user ? PTE_USER | PTE_NG | PTE_PXN : PTE_UXN);

	if (prot == PROT_NONE)
		return (pte | PTE_HELD);
	if (!(prot & PROT_WRITE))
		pte |= PTE_RDONLY;
	if (!(prot & PROT_EXEC))
		pte |= PTE_PXN | PTE_UXN;
	pte |= PTE_ATTR(prot & PMAP_NOCACHE ? ATTR_DEVICE :
	    prot & PMAP_WC ? ATTR_WC : ATTR_MEMORY);
	return (pte | PTE_V);
}

/*
 * The entry for va has been written; was: it was valid before.  The walker
 * must see it, and no processor may use what was there (D8.13.1).
 */
static inline void
pte_changed(pt_entry_t now __unused, vaddr_t va, bool was)
{
	__asm volatile("dsb ishst" ::: "memory");
	if (was)
		__asm volatile("tlbi vaae1is, %0\n\tdsb ish" ::
		    "r" (va >> PAGE_SHIFT & 0xfffffffffffUL) : "memory");
	__asm volatile("isb" ::: "memory");
}

/* a page that has been written to will be run: caches of code agree */
static inline void
pt_icache(const void *page)
{
	const char *p = page, *end = p + PAGE_SIZE;
	uint64_t ctr;
	size_t line;

	__asm volatile("mrs %0, ctr_el0" : "=r" (ctr));
	line = 4UL << (ctr >> 16 & 0xf);
	for (; p < end; p += line)
		__asm volatile("dc cvau, %0" :: "r" (p) : "memory");
	__asm volatile("dsb ish\n\tic ialluis\n\tdsb ish\n\tisb" :::
	    "memory");
}

/* the tables of a program, or those of the kernel alone */
static inline void
pt_activate(paddr_t root, bool user)
{
	extern char boot_empty[];
	uint64_t old;

	if (!user)
		root = md_kvtop(boot_empty);
	__asm volatile("mrs %0, ttbr0_el1" : "=r" (old));
	if (old == root)
		return;
	__asm volatile("msr ttbr0_el1, %0\n\tisb\n\tdsb ishst\n\t"
	    "tlbi aside1is, xzr\n\tdsb ish\n\tisb" :: "r" (root) : "memory");
}

/* once, at boot: from the boot tables to the kernel's */
static inline void
pt_kernel(paddr_t root)
{
	extern char boot_empty[];

	__asm volatile("dsb ishst\n\tmsr ttbr1_el1, %0\n\t"
	    "msr ttbr0_el1, %1\n\tisb\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::
	    "r" (root), "r" (md_kvtop(boot_empty)) : "memory");
}

#endif /* _MACHINE_PTE_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_PTE_H_
#define _MACHINE_PTE_H_

/* Entries of page tables: four levels, and one root for both halves. */

#include <machine/cpu.h>
#include <vm/pmap.h>

typedef uint64_t	pt_entry_t;

#define PT_LEVELS	4

#define PTE_P		0x001UL
#define PTE_W		0x002UL
#define PTE_U		0x004UL
#define PTE_PWT		0x008UL		/* PAT: see pt_kernel() */
#define PTE_PCD		0x010UL
#define PTE_PS		0x080UL
#define PTE_G		0x100UL
#define PTE_HELD	0x200UL		/* ours: there, but PROT_NONE */
#define PTE_NX		(1UL << 63)
#define PTE_FRAME	0x000ffffffffff000UL

/* the highest level at which an entry may be a page */
static inline int
pt_maxleaf(void)
{
	return (cpu_has_gbpages ? 2 : 1);
}

static inline bool
pte_valid(pt_entry_t pte)
{
	return ((pte & PTE_P) != 0);
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
	return (level == 0 || (pte & PTE_PS) != 0);
}

static inline paddr_t
pte_pa(pt_entry_t pte)
{
	return (pte & PTE_FRAME);
}

static inline int
pte_prot(pt_entry_t pte)
{
	return (PROT_READ | (pte & PTE_W ? PROT_WRITE : 0) |
	    (pte & PTE_NX ? 0 : PROT_EXEC));
}

static inline pt_entry_t
pte_branch(paddr_t pa, bool user)
{
	return (pa | PTE_P | PTE_W | (user ? PTE_U : 0));
}

static inline pt_entry_t
pte_make(paddr_t pa, int level, int prot, bool user)
{
	pt_entry_t pte = pa | (level > 0 ? PTE_PS : 0) |
	    (user ? PTE_U : PTE_G);

	if (prot == PROT_NONE)
		return (pte | PTE_HELD);
	if (prot & PROT_WRITE)
		pte |= PTE_W;
	if (!(prot & PROT_EXEC))
		pte |= PTE_NX;
	if (prot & PMAP_NOCACHE)
		pte |= PTE_PCD | PTE_PWT;
	if (prot & PMAP_WC)
		pte |= PTE_PWT;
	return (pte | PTE_P);
}

/* the entry for va has been written; was: it was valid before */
static inline void
pte_changed(pt_entry_t now __unused, vaddr_t va, bool was)
{
	if (was)
		__asm volatile("invlpg (%0)" :: "r" (va) : "memory");
}

/* a page that has been written to will be run: caches of code agree */
static inline void
pt_icache(const void *page __unused)
{
}

/* the tables of a program, or those of the kernel alone */
static inline void
pt_activate(paddr_t root, bool user __unused)
{
	paddr_t cr3;

	__asm volatile("movq %%cr3, %0" : "=r" (cr3));
	if ((cr3 & PTE_FRAME) != root)
		__asm volatile("movq %0, %%cr3" :: "r" (root) : "memory");
}

/* once, at boot: from the boot tables to the kernel's */
static inline void
pt_kernel(paddr_t root)
{
	/* PAT entry 1 (PWT): write combining; 3 (PWT, PCD): uncached */
	wrmsr(MSR_PAT, 0x0007040600070106ULL);
	__asm volatile("movq %0, %%cr3" :: "r" (root) : "memory");
}

#endif /* _MACHINE_PTE_H_ */

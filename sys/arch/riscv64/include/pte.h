/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_PTE_H_
#define _MACHINE_PTE_H_

/*
 * Entries of page tables: Sv39, three levels (RISC-V privileged architecture,
 * Sv39).  What is cached follows from the physical address; there is
 * no write combining.  All address spaces have the same number, and are
 * forgotten when another is activated.
 */

#include <sys/md.h>

#include <machine/cpu.h>
#include <vm/pmap.h>

typedef uint64_t	pt_entry_t;

#define PT_LEVELS	3

#define PTE_V		0x001UL
#define PTE_R		0x002UL
#define PTE_W		0x004UL
#define PTE_X		0x008UL
#define PTE_U		0x010UL
#define PTE_G		0x020UL		/* the same for all programs */
#define PTE_A		0x040UL		/* always: some processors only */
#define PTE_D		0x080UL		/* look, and fault */
#define PTE_HELD	0x100UL		/* ours: there, but PROT_NONE */
#define PTE_PPN		0x003ffffffffffc00UL
#define PTE_PPN_SHIFT	(PAGE_SHIFT - 10)

#define SATP_SV39	(8UL << 60)

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
pte_leaf(pt_entry_t pte, int level __unused)
{
	return ((pte & (PTE_R | PTE_W | PTE_X)) != 0);
}

static inline paddr_t
pte_pa(pt_entry_t pte)
{
	return ((pte & PTE_PPN) << PTE_PPN_SHIFT);
}

static inline int
pte_prot(pt_entry_t pte)
{
	return (PROT_READ | (pte & PTE_W ? PROT_WRITE : 0) |
	    (pte & PTE_X ? PROT_EXEC : 0));
}

static inline pt_entry_t
pte_branch(paddr_t pa, bool user __unused)
{
	return (pa >> PTE_PPN_SHIFT | PTE_V);
}

static inline pt_entry_t
pte_make(paddr_t pa, int level __unused, int prot, bool user)
{
	pt_entry_t pte = pa >> PTE_PPN_SHIFT | PTE_A | PTE_D | PTE_R |
	    (user ? PTE_U : PTE_G);

	if (prot == PROT_NONE)
		return (pte | PTE_HELD);
	if (prot & PROT_WRITE)
		pte |= PTE_W;
	if (prot & PROT_EXEC)
		pte |= PTE_X;
	return (pte | PTE_V);
}

/*
 * The entry for va has been written.  The walker must see it, and may hold on
 * even to one that was not valid; what it holds of tables it forgets only when
 * all is to be forgotten (privileged architecture, SFENCE.VMA).
 */
static inline void
pte_changed(pt_entry_t now, vaddr_t va, bool was __unused)
{
	if (pte_valid(now) && !pte_leaf(now, 0))
		__asm volatile("sfence.vma" ::: "memory");
	else
		__asm volatile("sfence.vma %0" :: "r" (va) : "memory");
}

/* a page that has been written to will be run: fetches see the stores */
static inline void
pt_icache(const void *page __unused)
{
	__asm volatile("fence.i" ::: "memory");
}

/* the tables of a program, or those of the kernel alone */
static inline void
pt_activate(paddr_t root, bool user __unused)
{
	uint64_t satp = SATP_SV39 | root >> PAGE_SHIFT;

	if (READ_CSR(satp) == satp)
		return;
	/* number 0 given in a register: not what is the same for all */
	__asm volatile("csrw satp, %0\n\tsfence.vma zero, %1" ::
	    "r" (satp), "r" (0UL) : "memory");
}

/* once, at boot: from the boot tables to the kernel's */
static inline void
pt_kernel(paddr_t root)
{
	__asm volatile("sfence.vma\n\tcsrw satp, %0\n\tsfence.vma" ::
	    "r" (SATP_SV39 | root >> PAGE_SHIFT) : "memory");
}

#endif /* _MACHINE_PTE_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Page tables of amd64: four levels, the upper half shared by all address
 * spaces.  In the kernel, writable is never executable.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <machine/cpu.h>
#include <machine/pmap.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>

#define PTE_P		0x001UL
#define PTE_W		0x002UL
#define PTE_U		0x004UL
#define PTE_PWT		0x008UL		/* PAT: write combining, see pat_init */
#define PTE_PCD		0x010UL
#define PTE_PS		0x080UL
#define PTE_G		0x100UL
#define PTE_HELD	0x200UL		/* ours: there, but PROT_NONE */
#define PTE_THERE	(PTE_P | PTE_HELD)
#define PTE_NX		(1UL << 63)
#define PTE_FRAME	0x000ffffffffff000UL
#define NPTE		512
#define LEVEL_SHIFT(l)	(PAGE_SHIFT + 9 * (l))

struct pmap {
	paddr_t		 pm_pml4;
};

extern char		 __text_start[], __text_end[], __rodata_end[],
			 __data_start[], kernel_end[];

static struct mutex	 kpmap_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static paddr_t		 kpmap_pml4;
static int64_t		 kern_delta;	/* load address less link address */

static inline void
tlb_flush_page(vaddr_t va)
{
	__asm volatile("invlpg (%0)" :: "r" (va) : "memory");
}

static uint64_t
pte_flags(int prot)
{
	uint64_t f = PTE_P;

	if (prot == PROT_NONE)
		return (PTE_HELD);
	if (prot & PROT_WRITE)
		f |= PTE_W;
	if (!(prot & PROT_EXEC))
		f |= PTE_NX;
	if (prot & PMAP_NOCACHE)
		f |= PTE_PCD | PTE_PWT;
	if (prot & PMAP_WC)
		f |= PTE_PWT;
	return (f);
}

/*
 * The entry for va at the given level, where each table on the way is made
 * if alloc says so.  NULL: there is none, or no memory.
 */
static uint64_t *
pte_walk(paddr_t table, vaddr_t va, int level, bool alloc, uint64_t user)
{
	uint64_t *pte;
	paddr_t pa;
	int l;

	for (l = 3;; l--) {
		pte = (uint64_t *)vm_direct(table) +
		    ((va >> LEVEL_SHIFT(l)) & (NPTE - 1));
		if (l == level)
			return (pte);
		if (!(*pte & PTE_P)) {
			if (!alloc ||
			    (pa = vm_page_alloc(0, VM_PAGE_ZERO)) == 0)
				return (NULL);
			*pte = pa | PTE_P | PTE_W | user;
		}
		KASSERT(!(*pte & PTE_PS));
		table = *pte & PTE_FRAME;
	}
}

/* --- address spaces of programs ------------------------------------------ */

struct pmap *
pmap_create(void)
{
	struct pmap *pm;

	if ((pm = kmem_zalloc(sizeof(*pm), KM_NOSLEEP)) == NULL)
		return (NULL);
	if ((pm->pm_pml4 = vm_page_alloc(0, VM_PAGE_ZERO)) == 0) {
		kmem_free(pm, sizeof(*pm));
		return (NULL);
	}
	/* the kernel's half: its tables of level 3 are all there from boot */
	memcpy((uint64_t *)vm_direct(pm->pm_pml4) + NPTE / 2,
	    (uint64_t *)vm_direct(kpmap_pml4) + NPTE / 2,
	    NPTE / 2 * sizeof(uint64_t));
	return (pm);
}

static void
pmap_free_table(paddr_t table, int level)
{
	uint64_t *pte = vm_direct(table);
	u_int i, n = level == 3 ? NPTE / 2 : NPTE;

	for (i = 0; level > 0 && i < n; i++) {
		if (pte[i] & PTE_P)
			pmap_free_table(pte[i] & PTE_FRAME, level - 1);
	}
	vm_page_free(table, 0);
}

void
pmap_destroy(struct pmap *pm)
{
	pmap_free_table(pm->pm_pml4, 3);
	kmem_free(pm, sizeof(*pm));
}

void
pmap_activate(struct pmap *pm)
{
	paddr_t pml4 = pm == NULL ? kpmap_pml4 : pm->pm_pml4, cr3;

	__asm volatile("movq %%cr3, %0" : "=r" (cr3));
	if ((cr3 & PTE_FRAME) != pml4)
		__asm volatile("movq %0, %%cr3" :: "r" (pml4) : "memory");
}

int
pmap_enter(struct pmap *pm, vaddr_t va, paddr_t pa, int prot)
{
	uint64_t *pte, old;

	KASSERT(va < VM_MAX_USER && (va & PAGE_MASK) == 0);
	if ((pte = pte_walk(pm->pm_pml4, va, 0, true, PTE_U)) == NULL)
		return (ENOMEM);
	old = *pte;
	*pte = pa | pte_flags(prot) | PTE_U;
	if (old & PTE_P)
		tlb_flush_page(va);
	return (0);
}

bool
pmap_extract(struct pmap *pm, vaddr_t va, paddr_t *pap, int *protp)
{
	uint64_t *pte;

	if ((pte = pte_walk(pm->pm_pml4, va, 0, false, 0)) == NULL ||
	    !(*pte & PTE_THERE))
		return (false);
	*pap = *pte & PTE_FRAME;
	if (protp != NULL)
		*protp = *pte & PTE_HELD ? PROT_NONE : PROT_READ |
		    (*pte & PTE_W ? PROT_WRITE : 0) |
		    (*pte & PTE_NX ? 0 : PROT_EXEC);
	return (true);
}

bool
pmap_remove(struct pmap *pm, vaddr_t va, paddr_t *pap)
{
	uint64_t *pte;

	if ((pte = pte_walk(pm->pm_pml4, va, 0, false, 0)) == NULL ||
	    !(*pte & PTE_THERE))
		return (false);
	*pap = *pte & PTE_FRAME;
	*pte = 0;
	tlb_flush_page(va);
	return (true);
}

void
pmap_protect(struct pmap *pm, vaddr_t va, int prot)
{
	uint64_t *pte;

	if ((pte = pte_walk(pm->pm_pml4, va, 0, false, 0)) == NULL ||
	    !(*pte & PTE_THERE))
		return;
	*pte = (*pte & PTE_FRAME) | pte_flags(prot) | PTE_U;
	tlb_flush_page(va);
}

vaddr_t
pmap_next(struct pmap *pm, vaddr_t va, vaddr_t end)
{
	uint64_t *pte;
	paddr_t table;
	vaddr_t span;
	int l;

	while (va < end) {
		table = pm->pm_pml4;
		for (l = 3; l >= 0; l--) {
			pte = (uint64_t *)vm_direct(table) +
			    ((va >> LEVEL_SHIFT(l)) & (NPTE - 1));
			if (!(*pte & PTE_THERE))
				break;
			table = *pte & PTE_FRAME;
		}
		if (l < 0)
			return (va);
		span = 1UL << LEVEL_SHIFT(l);
		va = rounddown2(va, span) + span;
	}
	return (end);
}

/* --- the kernel's mappings ------------------------------------------------- */

int
pmap_kenter(vaddr_t va, paddr_t pa, int prot)
{
	uint64_t *pte;
	int error = 0;

	KASSERT((prot & (PROT_WRITE | PROT_EXEC)) !=
	    (PROT_WRITE | PROT_EXEC));
	mtx_enter(&kpmap_mtx);
	if ((pte = pte_walk(kpmap_pml4, va, 0, true, 0)) == NULL)
		error = ENOMEM;
	else {
		KASSERT(!(*pte & PTE_P));
		*pte = pa | pte_flags(prot) | PTE_G;
	}
	mtx_leave(&kpmap_mtx);
	return (error);
}

void
pmap_kremove(vaddr_t va, size_t size)
{
	vaddr_t end = va + size;
	uint64_t *pte;

	mtx_enter(&kpmap_mtx);
	for (; va < end; va += PAGE_SIZE) {
		pte = pte_walk(kpmap_pml4, va, 0, false, 0);
		if (pte != NULL && (*pte & PTE_P)) {
			*pte = 0;
			tlb_flush_page(va);
		}
	}
	mtx_leave(&kpmap_mtx);
}

bool
pmap_kextract(vaddr_t va, paddr_t *pap)
{
	uint64_t *pte;
	paddr_t table = kpmap_pml4;
	vaddr_t mask;
	int l;

	for (l = 3; l >= 0; l--) {
		pte = (uint64_t *)vm_direct(table) +
		    ((va >> LEVEL_SHIFT(l)) & (NPTE - 1));
		if (!(*pte & PTE_P))
			return (false);
		table = *pte & PTE_FRAME;
		if (l == 0 || (*pte & PTE_PS)) {
			mask = (1UL << LEVEL_SHIFT(l)) - 1;
			*pap = (table & ~mask) | (va & mask);
			return (true);
		}
	}
	return (false);
}

/* --- boot -------------------------------------------------------------------- */

static paddr_t	boot_next, boot_end;

/* the boot tables map 4 GB where the direct map will be */
static paddr_t
boot_page_alloc(void)
{
	paddr_t pa = boot_next;

	if (pa == boot_end)
		panic("no memory for page tables");
	boot_next += PAGE_SIZE;
	memset(vm_direct(pa), 0, PAGE_SIZE);
	return (pa);
}

/* The entry for va at a level or, where a larger page has it, above. */
static uint64_t *
boot_pte(vaddr_t va, int level)
{
	uint64_t *pte;
	paddr_t table = kpmap_pml4;
	int l;

	for (l = 3;; l--) {
		pte = (uint64_t *)vm_direct(table) +
		    ((va >> LEVEL_SHIFT(l)) & (NPTE - 1));
		if (l == level || (*pte & PTE_PS))
			return (pte);
		if (!(*pte & PTE_P))
			*pte = boot_page_alloc() | PTE_P | PTE_W;
		table = *pte & PTE_FRAME;
	}
}

static bool
image_overlaps(const char *from, const char *to, paddr_t start, paddr_t end)
{
	return (start < (vaddr_t)to - KERNBASE + kern_delta &&
	    end > (vaddr_t)from - KERNBASE + kern_delta);
}

/*
 * Map physical memory at VM_DIRECT_BASE, in the largest pages that it fills.
 * What cannot be written in the image has no writable twin here: its text is
 * left out and its constants, where files of the root image lie, are
 * read-only.
 */
void
pmap_direct(paddr_t start, paddr_t end)
{
	uint64_t *pte;
	size_t size;
	int level;

	for (start = trunc_page(start), end = round_page(end); start < end;
	    start += size) {
		for (level = cpu_has_gbpages ? 2 : 1; level > 0; level--) {
			size = 1UL << LEVEL_SHIFT(level);
			if ((start & (size - 1)) == 0 && end - start >= size &&
			    !image_overlaps(__text_start, __data_start,
			    start, start + size))
				break;
		}
		size = 1UL << LEVEL_SHIFT(level);
		if (image_overlaps(__text_start, __text_end, start,
		    start + size))
			continue;
		pte = boot_pte((vaddr_t)vm_direct(start), level);
		if (!(*pte & PTE_P))
			*pte = start | PTE_P | PTE_NX | PTE_G |
			    (image_overlaps(__text_end, __rodata_end, start,
			    start + size) ? 0 : PTE_W) |
			    (level > 0 ? PTE_PS : 0);
	}
}
static void
image_map(const char *from, const char *to, int prot)
{
	vaddr_t va;

	for (va = trunc_page((vaddr_t)from); va < (vaddr_t)to;
	    va += PAGE_SIZE)
		*boot_pte(va, 0) = (va - KERNBASE + kern_delta) |
		    pte_flags(prot) | PTE_G;
}

/*
 * Make the kernel's own tables: the image with the rights that its parts
 * need, tables of level 2 for all of the kernel's half, nothing of the lower
 * half.  Pages come from [start, end), which lies below 4 GB.  pmap_direct()
 * adds memory; then pmap_switch() leaves the boot tables, and returns the
 * first page that was not used.
 */
void
pmap_bootstrap(int64_t delta, paddr_t start, paddr_t end)
{
	u_int i;

	kern_delta = delta;
	boot_next = start;
	boot_end = end;
	/* PAT entry 1 (PWT): write combining; 3 (PWT, PCD): uncached */
	wrmsr(MSR_PAT, 0x0007040600070106ULL);

	kpmap_pml4 = boot_page_alloc();
	for (i = 0; i < 2; i++)		/* 1 TB, as vm_page.c */
		(void)boot_pte(VM_DIRECT_BASE + ((uint64_t)i << 39), 2);
	(void)boot_pte(VM_KVA_BASE, 2);

	image_map(__text_start, __text_end, PROT_READ | PROT_EXEC);
	image_map(__text_end, __rodata_end, PROT_READ);
	image_map(__data_start, kernel_end, PROT_READ | PROT_WRITE);
}

paddr_t
pmap_switch(void)
{
	__asm volatile("movq %0, %%cr3" :: "r" (kpmap_pml4) : "memory");
	return (boot_next);
}

paddr_t
md_kvtop(const void *va)
{
	paddr_t pa;

	if ((vaddr_t)va >= KERNBASE)
		return ((vaddr_t)va - KERNBASE + kern_delta);
	if ((vaddr_t)va >= VM_DIRECT_BASE && (vaddr_t)va < VM_KVA_BASE)
		return (vm_direct_pa(va));
	if (!pmap_kextract((vaddr_t)va, &pa))
		panic("md_kvtop: %p is not mapped", va);
	return (pa);
}

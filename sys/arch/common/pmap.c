/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Page tables: a tree of tables of one page each, whose entries <machine/pte.h>
 * knows.  All address spaces share the kernel's half.  In the kernel, writable
 * is never executable.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <machine/pte.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>

#define NPTE		(PAGE_SIZE / sizeof(pt_entry_t))
#define LEVEL_SHIFT(l)	(PAGE_SHIFT + 9 * (l))
#define LEVEL_SIZE(l)	(1UL << LEVEL_SHIFT(l))
#define PT_TOP		(PT_LEVELS - 1)
/* entries of the root table that are a program's */
#define NUSER		(((VM_MAX_USER - 1) >> LEVEL_SHIFT(PT_TOP)) + 1)

struct pmap {
	paddr_t		 pm_root;
};

static struct mutex	 kpmap_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static paddr_t		 kpmap_root;
static int64_t		 kern_delta;	/* load address less link address */

static pt_entry_t *
pte_at(paddr_t table, vaddr_t va, int level)
{
	return ((pt_entry_t *)vm_direct(table) +
	    ((va >> LEVEL_SHIFT(level)) & (NPTE - 1)));
}

static bool
pte_there(pt_entry_t pte)
{
	return (pte_valid(pte) || pte_held(pte));
}

static void
pte_set(pt_entry_t *pte, pt_entry_t v, vaddr_t va)
{
	bool was = pte_valid(*pte);

	*(volatile pt_entry_t *)pte = v;
	pte_changed(v, va, was);
}

/*
 * The entry for the page at va, where each table on the way is made if alloc
 * says so.  NULL: there is none, or no memory.
 */
static pt_entry_t *
pte_walk(paddr_t table, vaddr_t va, bool alloc, bool user)
{
	pt_entry_t *pte;
	paddr_t pa;
	int l;

	for (l = PT_TOP;; l--) {
		pte = pte_at(table, va, l);
		if (l == 0)
			return (pte);
		if (!pte_valid(*pte)) {
			if (!alloc ||
			    (pa = vm_page_alloc(0, VM_PAGE_ZERO)) == 0)
				return (NULL);
			pte_set(pte, pte_branch(pa, user), va);
		}
		KASSERT(!pte_leaf(*pte, l));
		table = pte_pa(*pte);
	}
}

/* --- address spaces of programs ------------------------------------------ */

struct pmap *
pmap_create(void)
{
	struct pmap *pm;

	if ((pm = kmem_zalloc(sizeof(*pm), KM_NOSLEEP)) == NULL)
		return (NULL);
	if ((pm->pm_root = vm_page_alloc(0, VM_PAGE_ZERO)) == 0) {
		kmem_free(pm, sizeof(*pm));
		return (NULL);
	}
	/*
	 * The kernel's half, whose entries are all there from boot; nothing,
	 * where the machine has a root for each half.
	 */
	memcpy((pt_entry_t *)vm_direct(pm->pm_root) + NUSER,
	    (pt_entry_t *)vm_direct(kpmap_root) + NUSER,
	    (NPTE - NUSER) * sizeof(pt_entry_t));
	return (pm);
}

static void
pmap_free_table(paddr_t table, int level)
{
	pt_entry_t *pte = vm_direct(table);
	u_int i, n = level == PT_TOP ? NUSER : NPTE;

	for (i = 0; level > 0 && i < n; i++) {
		if (pte_valid(pte[i]))
			pmap_free_table(pte_pa(pte[i]), level - 1);
	}
	vm_page_free(table, 0);
}

void
pmap_destroy(struct pmap *pm)
{
	pmap_free_table(pm->pm_root, PT_TOP);
	kmem_free(pm, sizeof(*pm));
}

void
pmap_activate(struct pmap *pm)
{
	pt_activate(pm == NULL ? kpmap_root : pm->pm_root, pm != NULL);
}

int
pmap_enter(struct pmap *pm, vaddr_t va, paddr_t pa, int prot)
{
	pt_entry_t *pte;

	KASSERT(va < VM_MAX_USER && (va & PAGE_MASK) == 0);
	if ((pte = pte_walk(pm->pm_root, va, true, true)) == NULL)
		return (ENOMEM);
	if (prot & PROT_EXEC)
		pt_icache(vm_direct(pa));
	/* never from one page to another in one step: see pte_changed() */
	if (pte_valid(*pte) && pte_pa(*pte) != pa)
		pte_set(pte, 0, va);
	pte_set(pte, pte_make(pa, 0, prot, true), va);
	return (0);
}

bool
pmap_extract(struct pmap *pm, vaddr_t va, paddr_t *pap, int *protp)
{
	pt_entry_t *pte;

	if ((pte = pte_walk(pm->pm_root, va, false, false)) == NULL ||
	    !pte_there(*pte))
		return (false);
	*pap = pte_pa(*pte);
	if (protp != NULL)
		*protp = pte_held(*pte) ? PROT_NONE : pte_prot(*pte);
	return (true);
}

bool
pmap_remove(struct pmap *pm, vaddr_t va, paddr_t *pap)
{
	pt_entry_t *pte;

	if ((pte = pte_walk(pm->pm_root, va, false, false)) == NULL ||
	    !pte_there(*pte))
		return (false);
	*pap = pte_pa(*pte);
	pte_set(pte, 0, va);
	return (true);
}

void
pmap_protect(struct pmap *pm, vaddr_t va, int prot)
{
	pt_entry_t *pte;

	if ((pte = pte_walk(pm->pm_root, va, false, false)) == NULL ||
	    !pte_there(*pte))
		return;
	if (prot & PROT_EXEC)
		pt_icache(vm_direct(pte_pa(*pte)));
	pte_set(pte, pte_make(pte_pa(*pte), 0, prot, true), va);
}

vaddr_t
pmap_next(struct pmap *pm, vaddr_t va, vaddr_t end)
{
	pt_entry_t *pte;
	paddr_t table;
	int l;

	while (va < end) {
		table = pm->pm_root;
		for (l = PT_TOP; l >= 0; l--) {
			pte = pte_at(table, va, l);
			if (!pte_there(*pte))
				break;
			table = pte_pa(*pte);
		}
		if (l < 0)
			return (va);
		va = rounddown2(va, LEVEL_SIZE(l)) + LEVEL_SIZE(l);
	}
	return (end);
}

/* --- the kernel's mappings ------------------------------------------------- */

int
pmap_kenter_pages(vaddr_t va, paddr_t pa, size_t size, int prot)
{
	pt_entry_t *pte = NULL;
	vaddr_t end = va + size;
	int error = 0;

	KASSERT((prot & (PROT_WRITE | PROT_EXEC)) !=
	    (PROT_WRITE | PROT_EXEC));
	mtx_enter(&kpmap_mtx);
	for (; va < end; va += PAGE_SIZE, pa += PAGE_SIZE, pte++) {
		/* the next entry is in the same table, or begins another */
		if (pte == NULL || (va & (LEVEL_SIZE(1) - 1)) == 0)
			pte = pte_walk(kpmap_root, va, true, false);
		if (pte == NULL) {
			error = ENOMEM;
			break;
		}
		KASSERT(!pte_valid(*pte));
		pte_set(pte, pte_make(pa, 0, prot, false), va);
	}
	mtx_leave(&kpmap_mtx);
	return (error);
}

int
pmap_kenter(vaddr_t va, paddr_t pa, int prot)
{
	return (pmap_kenter_pages(va, pa, PAGE_SIZE, prot));
}

void
pmap_kremove(vaddr_t va, size_t size)
{
	vaddr_t end = va + size;
	pt_entry_t *pte;

	mtx_enter(&kpmap_mtx);
	for (; va < end; va += PAGE_SIZE) {
		pte = pte_walk(kpmap_root, va, false, false);
		if (pte != NULL && pte_valid(*pte))
			pte_set(pte, 0, va);
	}
	mtx_leave(&kpmap_mtx);
}

bool
pmap_kextract(vaddr_t va, paddr_t *pap)
{
	pt_entry_t *pte;
	paddr_t table = kpmap_root;
	int l;

	for (l = PT_TOP;; l--) {
		pte = pte_at(table, va, l);
		if (!pte_valid(*pte))
			return (false);
		if (pte_leaf(*pte, l)) {
			*pap = pte_pa(*pte) | (va & (LEVEL_SIZE(l) - 1));
			return (true);
		}
		table = pte_pa(*pte);
	}
}

/* --- boot -------------------------------------------------------------------- */

static paddr_t	boot_next, boot_end;

/* the boot tables map the place where the direct map will be */
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
static pt_entry_t *
boot_pte(vaddr_t va, int level)
{
	pt_entry_t *pte;
	paddr_t table = kpmap_root;
	int l;

	for (l = PT_TOP;; l--) {
		pte = pte_at(table, va, l);
		if (l == level || (pte_valid(*pte) && pte_leaf(*pte, l)))
			return (pte);
		if (!pte_valid(*pte))
			*pte = pte_branch(boot_page_alloc(), false);
		table = pte_pa(*pte);
	}
}

/* Tables below the root for all of a part of the kernel's half. */
static void
boot_branches(vaddr_t start, vaddr_t end)
{
	vaddr_t va;

	for (va = start; va >= start && va < end; va += LEVEL_SIZE(PT_TOP))
		(void)boot_pte(va, PT_TOP - 1);
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
	pt_entry_t *pte;
	size_t size;
	int level;

	for (start = trunc_page(start), end = round_page(end); start < end;
	    start += size) {
		for (level = pt_maxleaf(); level > 0; level--) {
			size = LEVEL_SIZE(level);
			if ((start & (size - 1)) == 0 && end - start >= size &&
			    !image_overlaps(__text_start, __data_start,
			    start, start + size))
				break;
		}
		size = LEVEL_SIZE(level);
		if (image_overlaps(__text_start, __text_end, start,
		    start + size))
			continue;
		pte = boot_pte((vaddr_t)vm_direct(start), level);
		if (!pte_valid(*pte))
			*pte = pte_make(start, level,
			    image_overlaps(__text_end, __rodata_end, start,
			    start + size) ? PROT_READ :
			    PROT_READ | PROT_WRITE, false);
	}
}

static void
image_map(const char *from, const char *to, int prot)
{
	vaddr_t va;

	for (va = trunc_page((vaddr_t)from); va < (vaddr_t)to;
	    va += PAGE_SIZE)
		*boot_pte(va, 0) = pte_make(va - KERNBASE + kern_delta, 0,
		    prot, false);
}

/*
 * Make the kernel's own tables: the image with the rights that its parts
 * need, and what hangs at the root for all of the kernel's half, nothing of
 * the other.  Pages come from [start, end), which the boot tables map.
 * pmap_direct() adds memory; then pmap_switch() leaves the boot tables, and
 * returns the first page that was not used.
 */
void
pmap_bootstrap(int64_t delta, paddr_t start, paddr_t end)
{
	kern_delta = delta;
	boot_next = start;
	boot_end = end;
	kpmap_root = boot_page_alloc();
	if (PT_TOP > pt_maxleaf())
		boot_branches(VM_DIRECT_BASE, VM_DIRECT_BASE + VM_DIRECT_SIZE);
	boot_branches(VM_KVA_BASE, VM_KVA_END);

	image_map(__text_start, __text_end, PROT_READ | PROT_EXEC);
	image_map(__text_end, __rodata_end, PROT_READ);
	image_map(__data_start, kernel_end, PROT_READ | PROT_WRITE);
}

paddr_t
pmap_switch(void)
{
	pt_kernel(kpmap_root);
	return (boot_next);
}

paddr_t
md_kvtop(const void *va)
{
	paddr_t pa;

	if ((vaddr_t)va >= KERNBASE)
		return ((vaddr_t)va - KERNBASE + kern_delta);
	if ((vaddr_t)va >= VM_DIRECT_BASE &&
	    (vaddr_t)va < VM_DIRECT_BASE + VM_DIRECT_SIZE)
		return (vm_direct_pa(va));
	if (!pmap_kextract((vaddr_t)va, &pa))
		panic("md_kvtop: %p is not mapped", va);
	return (pa);
}

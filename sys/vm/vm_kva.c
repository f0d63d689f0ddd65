/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Kernel virtual addresses outside of the direct map: thread stacks with a
 * guard page, device registers, pieces that need not be contiguous.
 */

#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/systm.h>

#include <vm/pmap.h>
#include <vm/vm_page.h>

struct kva {
	TAILQ_ENTRY(kva)	kv_link;
	vaddr_t			kv_start;
	vaddr_t			kv_end;		/* with the guard page */
};

/* allocated, by address; the gaps between are free */
static TAILQ_HEAD(, kva) kva_list = TAILQ_HEAD_INITIALIZER(kva_list);
static struct mutex	 kva_mtx = MUTEX_INITIALIZER(IPL_HIGH);

vaddr_t
kva_alloc(size_t size)
{
	struct kva *kv, *p;
	vaddr_t start = VM_KVA_BASE;

	if (size == 0 || size > VM_KVA_END - VM_KVA_BASE - PAGE_SIZE ||
	    (kv = kmem_alloc(sizeof(*kv), KM_NOSLEEP)) == NULL)
		return (0);
	size = round_page(size) + PAGE_SIZE;

	mtx_enter(&kva_mtx);
	TAILQ_FOREACH(p, &kva_list, kv_link) {
		if (p->kv_start - start >= size)
			break;
		start = p->kv_end;
	}
	if (p == NULL && VM_KVA_END - start < size) {
		mtx_leave(&kva_mtx);
		kmem_free(kv, sizeof(*kv));
		return (0);
	}
	kv->kv_start = start;
	kv->kv_end = start + size;
	if (p != NULL)
		TAILQ_INSERT_BEFORE(p, kv, kv_link);
	else
		TAILQ_INSERT_TAIL(&kva_list, kv, kv_link);
	mtx_leave(&kva_mtx);
	return (start);
}

void
kva_free(vaddr_t va, size_t size)
{
	struct kva *kv;

	mtx_enter(&kva_mtx);
	TAILQ_FOREACH(kv, &kva_list, kv_link) {
		if (kv->kv_start == va)
			break;
	}
	KASSERT(kv != NULL &&
	    kv->kv_end - kv->kv_start == round_page(size) + PAGE_SIZE);
	TAILQ_REMOVE(&kva_list, kv, kv_link);
	mtx_leave(&kva_mtx);
	kmem_free(kv, sizeof(*kv));
}

/* Unmap and free what kva_memory() has got so far. */
static void
kva_release(vaddr_t va, size_t mapped, size_t size)
{
	paddr_t pa;
	size_t off;

	for (off = 0; off < mapped; off += PAGE_SIZE) {
		if (!pmap_kextract(va + off, &pa))
			panic("kva_release: %p is not mapped",
			    (void *)(va + off));
		pmap_kremove(va + off, PAGE_SIZE);
		/* a program may have it mapped still */
		vm_page_unref(pa);
	}
	kva_free(va, size);
}

void *
kva_memory(size_t size)
{
	vaddr_t va;
	paddr_t pa;
	size_t off;

	if ((va = kva_alloc(size)) == 0)
		return (NULL);
	for (off = 0; off < size; off += PAGE_SIZE) {
		if ((pa = vm_page_alloc(0, 0)) == 0)
			break;
		if (pmap_kenter(va + off, pa, PROT_READ | PROT_WRITE) != 0) {
			vm_page_free(pa, 0);
			break;
		}
	}
	if (off < size) {
		kva_release(va, off, size);
		return (NULL);
	}
	return ((void *)va);
}

void
kva_memory_free(void *va, size_t size)
{
	kva_release((vaddr_t)va, round_page(size), size);
}

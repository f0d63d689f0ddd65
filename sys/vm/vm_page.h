/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VM_VM_PAGE_H_
#define _VM_VM_PAGE_H_

/*
 * Physical memory, by the page.
 *
 * Memory is mapped at VM_DIRECT_BASE and divided into sections of 128 MB.  A
 * section costs nothing until it is opened: then its first pages get to hold
 * a struct vm_page for each page.  So a machine of hundreds of gigabytes
 * boots as fast as one of 16 MB.
 *
 * Free pages form blocks of 2^order pages (a buddy system).  An allocated
 * block has a reference count in its first page.
 */

#include <sys/param.h>
#include <sys/queue.h>

#define VM_SECTION_SHIFT	27
#define VM_SECTION_SIZE		(1UL << VM_SECTION_SHIFT)
#define VM_ORDER_MAX		10		/* 4 MB */
#define VM_REPORT_ORDER	9		/* 2 MB: worth telling a host of */

#define VM_PAGE_ZERO		0x01	/* flags of vm_page_alloc */
#define VM_PAGE_USER		0x02	/* leaves a reserve to the kernel */

/*
 * vm_page_range: at boot only; this range is free memory.  Ranges may come
 *	in any order and must not overlap.
 * vm_page_alloc: 2^order pages, contiguous and aligned to their size; any
 *	context.  0: there are none.
 * vm_page_wait: thread context; until some memory was freed, a second at
 *	the most.
 * vm_page_ref, vm_page_unref: any context; the pages of order 0 only.  At 0
 *	references a page is free.  For memory that is not the allocator's
 *	(the built-in root image) they do nothing.
 * vm_page_refs: how many; 2 for memory that is not the allocator's, so that
 *	it is never taken for one's own.
 */
void	 vm_page_range(paddr_t, paddr_t);
paddr_t	 vm_page_alloc(u_int, int);
void	 vm_page_free(paddr_t, u_int);
void	 vm_page_wait(void);
void	 vm_page_ref(paddr_t);
void	 vm_page_unref(paddr_t);
u_int	 vm_page_refs(paddr_t);
bool	 vm_page_managed(paddr_t);
uint64_t vm_page_total(void);		/* pages */
uint64_t vm_page_avail(void);
u_int	 vm_page_order(size_t);		/* of a block that holds n bytes */

/*
 * Memory that the host may have meanwhile.
 *
 * vm_page_report: what to call, in any context, when blocks of at least
 *	VM_REPORT_ORDER became free; NULL: nothing.
 * vm_page_unreported: one of them, which is the caller's then; 0: there are
 *	no more.  Any context.
 * vm_page_reported: frees it; it is not given again until it was used.
 *
 * vm_reclaim_add, vm_reclaim_remove: whom to ask when there is no memory left
 *	for a program.  vr_fn: thread context; true: it has freed some.
 * vm_reclaim: asks.
 */
struct vm_reclaim {
	LIST_ENTRY(vm_reclaim)	 vr_link;
	bool			(*vr_fn)(void *);
	void			 *vr_arg;
};
void	 vm_page_report(void (*)(void *), void *);
paddr_t	 vm_page_unreported(u_int *order);
void	 vm_page_reported(paddr_t, u_int);
void	 vm_reclaim_add(struct vm_reclaim *);
void	 vm_reclaim_remove(struct vm_reclaim *);
bool	 vm_reclaim(void);

static inline void *
vm_direct(paddr_t pa)
{
	return ((void *)(VM_DIRECT_BASE + pa));
}

static inline paddr_t
vm_direct_pa(const void *va)
{
	return ((paddr_t)va - VM_DIRECT_BASE);
}

#endif /* _VM_VM_PAGE_H_ */

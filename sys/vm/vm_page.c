/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Physical memory: sections opened on demand, a buddy system in each.
 * See vm_page.h.
 */

#include <sys/errno.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <vm/vm_page.h>

#define VM_NSECTIONS	(1UL << (40 - VM_SECTION_SHIFT))	/* 1 TB */
#define VM_NRANGES	64
#define VM_RESERVE	32		/* pages that programs do not get */
#define SECTION_PAGES	(VM_SECTION_SIZE >> PAGE_SHIFT)

struct vm_page {
	uint32_t	pg_refs;	/* 0: free, or not the first of a block */
	uint8_t		pg_order;
	uint8_t		pg_flags;
	uint16_t	pg_spare;
};
#define PGF_FREE	0x01		/* first page of a free block */
#define PGF_HEAD	0x02		/* first page of an allocated one */
#define PGF_RESERVED	0x04		/* not the allocator's */
#define PGF_REPORTED	0x08		/* free, and the host knows */

/*
 * A free block: its first bytes, reached through the direct map.  Of one that
 * may be reported, what there is of struct vm_page behind its first: a host
 * with large pages would bring back 2 MB for each that is written to.
 */
struct vm_free {
	LIST_ENTRY(vm_free)	 vf_link;
	uint64_t		 vf_magic;
	paddr_t			 vf_pa;
};
#define VF_MAGIC	0x7061726176616e65ULL
#define VF_NPAGES	(sizeof(struct vm_free) / sizeof(struct vm_page))
_Static_assert(sizeof(struct vm_free) % sizeof(struct vm_page) == 0 &&
    VF_NPAGES < 1UL << VM_REPORT_ORDER, "place for a free block");

struct vm_range {
	paddr_t		vr_start;
	paddr_t		vr_end;
};

static struct {
	struct mutex		 mtx;
	/* blocks of which the host knows that they are free, and others */
	LIST_HEAD(vm_freelist, vm_free) free[2][VM_ORDER_MAX + 1];
	struct vm_range		 range[VM_NRANGES];	/* not yet opened */
	u_int			 nranges;
	uint64_t		 total, avail;		/* pages */
	u_int			 waiters;
	bool			 news;		/* a block to be reported */
	void			(*hook)(void *); /* is told of that */
	void			*hookarg;
} vm = { .mtx = MUTEX_INITIALIZER(IPL_HIGH) };

/* the page array of each open section; the last one may be short */
static struct vm_section {
	struct vm_page	*vs_page;
	u_int		 vs_npages;
} vm_section[VM_NSECTIONS];

static struct vm_page *
vm_page_of(paddr_t pa)
{
	struct vm_section *vs;
	u_int n = (pa & (VM_SECTION_SIZE - 1)) >> PAGE_SHIFT;

	if (pa >> VM_SECTION_SHIFT >= VM_NSECTIONS)
		return (NULL);
	vs = &vm_section[pa >> VM_SECTION_SHIFT];
	return (n < vs->vs_npages ? &vs->vs_page[n] : NULL);
}

static struct vm_free *
vm_free_of(paddr_t pa, u_int order)
{
	return (order >= VM_REPORT_ORDER ? (void *)(vm_page_of(pa) + 1) :
	    vm_direct(pa));
}

/* Off its list; true: it was reported. */
static bool
vm_block_take(struct vm_free *vf, u_int order)
{
	struct vm_page *pg;
	bool reported;

	KASSERT(vf->vf_magic == VF_MAGIC);
	pg = vm_page_of(vf->vf_pa);
	reported = (pg->pg_flags & PGF_REPORTED) != 0;
	KASSERT((pg->pg_flags & PGF_FREE) && pg->pg_order == order);
	LIST_REMOVE(vf, vf_link);
	/* flags of pages, perhaps, that are in no list */
	memset(vf, 0, sizeof(*vf));
	pg->pg_flags = 0;
	return (reported);
}

/*
 * Put a block into the free lists, joined with its buddy as often as that is
 * free too.  Buddies lie in one section, as blocks are smaller than that.
 * What is joined of two is reported if both are.
 */
static void
vm_block_free(paddr_t pa, u_int order, bool reported)
{
	struct vm_page *pg, *buddy;
	struct vm_free *vf;
	paddr_t other;

	while (order < VM_ORDER_MAX) {
		other = pa ^ (PAGE_SIZE << order);
		buddy = vm_page_of(other);
		if (!(buddy->pg_flags & PGF_FREE) || buddy->pg_order != order)
			break;
		reported = vm_block_take(vm_free_of(other, order), order) &&
		    reported;
		pa = MIN(pa, other);
		order++;
	}
	pg = vm_page_of(pa);
	KASSERT(pg != NULL);
	pg->pg_flags = PGF_FREE | (reported ? PGF_REPORTED : 0);
	pg->pg_order = order;
	vf = vm_free_of(pa, order);
	vf->vf_magic = VF_MAGIC;
	vf->vf_pa = pa;
	LIST_INSERT_HEAD(&vm.free[reported][order], vf, vf_link);
	if (!reported && order >= VM_REPORT_ORDER)
		vm.news = true;
}

/* Free a range of pages in the largest blocks that its ends allow. */
static void
vm_free_range(paddr_t start, paddr_t end)
{
	u_int order;

	while (start < end) {
		for (order = VM_ORDER_MAX; order > 0; order--) {
			if ((start & ((PAGE_SIZE << order) - 1)) == 0 &&
			    end - start >= PAGE_SIZE << order)
				break;
		}
		vm_block_free(start, order, false);
		start += PAGE_SIZE << order;
	}
}

/*
 * How many pages the array of a section covers, if its first range ends at
 * end: all, if another range has a part of it too.  Else to the end of the
 * largest block there, so that each page in it has its buddy.
 */
static u_int
vm_section_npages(paddr_t end)
{
	paddr_t base = rounddown2(end - 1, VM_SECTION_SIZE);

	if (vm.nranges != 0 && vm.range[0].vr_start < base + VM_SECTION_SIZE)
		return (SECTION_PAGES);
	return (atop(roundup2(end, PAGE_SIZE << VM_ORDER_MAX) - base));
}

/*
 * The pages of a section from one offset or address to another are not ours:
 * firmware's, the kernel's image, or not there.
 */
static void
vm_reserve(struct vm_section *vs, paddr_t from, paddr_t to)
{
	u_int n = (from & (VM_SECTION_SIZE - 1)) >> PAGE_SHIFT;
	u_int end = to == VM_SECTION_SIZE ? vs->vs_npages :
	    (to & (VM_SECTION_SIZE - 1)) >> PAGE_SHIFT;

	/* a range that ends with the section leaves nothing behind it */
	if (to == VM_SECTION_SIZE && n == 0)
		return;
	for (; n < end; n++)
		vs->vs_page[n].pg_flags = PGF_RESERVED;
}

/*
 * Open that part of the first range that lies in one section.  False: there
 * is no memory left that is not open.
 */
static bool
vm_section_open(void)
{
	struct vm_range *vr = &vm.range[0];
	struct vm_section *vs;
	paddr_t start, end, pa;
	size_t size;

	if (vm.nranges == 0)
		return (false);
	start = vr->vr_start;
	end = MIN(vr->vr_end, rounddown2(start, VM_SECTION_SIZE) +
	    VM_SECTION_SIZE);
	if ((vr->vr_start = end) == vr->vr_end)
		memmove(vr, vr + 1, --vm.nranges * sizeof(*vr));

	vs = &vm_section[start >> VM_SECTION_SHIFT];
	size = vs->vs_page != NULL ? 0 :
	    round_page(vm_section_npages(end) * sizeof(struct vm_page));
	if (end - start <= size) {
		vm.avail -= atop(end - start);	/* lost */
		vm.total -= atop(end - start);
		return (vm_section_open());
	}
	if (size != 0) {
		vs->vs_page = vm_direct(start);
		memset(vs->vs_page, 0, size);
		vs->vs_npages = vm_section_npages(end);
		vm_reserve(vs, 0, start);
		vm_reserve(vs, end, VM_SECTION_SIZE);
		start += size;
		vm.avail -= atop(size);
	} else {
		/* another range in a section that is open */
		for (pa = start; pa < end; pa += PAGE_SIZE)
			vm_page_of(pa)->pg_flags = 0;
	}
	vm_free_range(start, end);
	return (true);
}

void
vm_page_range(paddr_t start, paddr_t end)
{
	u_int i;

	start = round_page(start);
	end = trunc_page(end);
	if (end > (paddr_t)VM_NSECTIONS << VM_SECTION_SHIFT) {
		printf("memory: not used above %lu GB\n",
		    VM_NSECTIONS * VM_SECTION_SIZE >> 30);
		end = (paddr_t)VM_NSECTIONS << VM_SECTION_SHIFT;
	}
	if (start >= end)
		return;
	if (vm.nranges == VM_NRANGES) {
		printf("memory: too many ranges, %llu KB lost\n",
		    (unsigned long long)(end - start) >> 10);
		return;
	}
	for (i = vm.nranges; i > 0 && vm.range[i - 1].vr_start > start; i--)
		vm.range[i] = vm.range[i - 1];
	vm.range[i] = (struct vm_range){ start, end };
	vm.nranges++;
	vm.total += atop(end - start);
	vm.avail += atop(end - start);
}

/* The smallest that is large enough; the host gives no memory for its use. */
static struct vm_free *
vm_block_find(u_int order, u_int *found)
{
	u_int o;

	for (o = order; o <= VM_ORDER_MAX; o++) {
		*found = o;
		if (!LIST_EMPTY(&vm.free[false][o]))
			return (LIST_FIRST(&vm.free[false][o]));
		if (!LIST_EMPTY(&vm.free[true][o]))
			return (LIST_FIRST(&vm.free[true][o]));
	}
	return (NULL);
}

paddr_t
vm_page_alloc(u_int order, int flags)
{
	struct vm_page *pg;
	struct vm_free *vf;
	paddr_t pa = 0;
	bool reported;
	u_int o;

	KASSERT(order <= VM_ORDER_MAX);
	mtx_enter(&vm.mtx);
	if ((flags & VM_PAGE_USER) && vm.avail < VM_RESERVE + (1UL << order))
		goto out;
again:
	if ((vf = vm_block_find(order, &o)) == NULL) {
		if (vm_section_open())
			goto again;
		goto out;
	}
	pa = vf->vf_pa;
	reported = vm_block_take(vf, o);
	pg = vm_page_of(pa);
	while (o > order) {
		o--;
		vm_block_free(pa + (PAGE_SIZE << o), o, reported);
	}
	pg->pg_flags = PGF_HEAD;
	pg->pg_order = order;
	pg->pg_refs = 1;
	vm.avail -= 1UL << order;
out:
	mtx_leave(&vm.mtx);
	if (pa != 0 && (flags & VM_PAGE_ZERO))
		memset(vm_direct(pa), 0, PAGE_SIZE << order);
	return (pa);
}

/* The last reference has gone.  vm.mtx is held. */
static void
vm_page_release(paddr_t pa, u_int order, bool reported)
{
	struct vm_page *pg = vm_page_of(pa);

	pg->pg_flags = 0;
	pg->pg_refs = 0;
	vm_block_free(pa, order, reported);
	vm.avail += 1UL << order;
	if (vm.waiters != 0)
		wakeup(&vm.waiters);
}

/* Who reports blocks hears once of each lot of them. */
static void
vm_page_tell(void)
{
	if (__atomic_load_n(&vm.news, __ATOMIC_RELAXED) && vm.hook != NULL) {
		vm.news = false;
		vm.hook(vm.hookarg);
	}
}

static void
page_free(paddr_t pa, u_int order, bool reported)
{
	struct vm_page *pg;

	mtx_enter(&vm.mtx);
	pg = vm_page_of(pa);
	KASSERT(pg != NULL && pg->pg_flags == PGF_HEAD &&
	    pg->pg_order == order && pg->pg_refs == 1);
	vm_page_release(pa, order, reported);
	mtx_leave(&vm.mtx);
	vm_page_tell();
}

void
vm_page_free(paddr_t pa, u_int order)
{
	page_free(pa, order, false);
}

void
vm_page_wait(void)
{
	mtx_enter(&vm.mtx);
	vm.waiters++;
	(void)msleep_nsec(&vm.waiters, &vm.mtx, PRI_KERN, "pages",
	    SEC_TO_NSEC(1));
	vm.waiters--;
	mtx_leave(&vm.mtx);
}

void
vm_page_ref(paddr_t pa)
{
	struct vm_page *pg = vm_page_of(pa);
	uint32_t old;

	if (pg == NULL || (pg->pg_flags & PGF_RESERVED))
		return;
	/* the caller has one: nobody frees it meanwhile */
	old = __atomic_fetch_add(&pg->pg_refs, 1, __ATOMIC_RELAXED);
	KASSERT(pg->pg_flags == PGF_HEAD && pg->pg_order == 0 && old != 0 &&
	    old != UINT32_MAX);
}

void
vm_page_unref(paddr_t pa)
{
	struct vm_page *pg = vm_page_of(pa);
	uint32_t old;

	if (pg == NULL || (pg->pg_flags & PGF_RESERVED))
		return;
	KASSERT(pg->pg_flags == PGF_HEAD && pg->pg_order == 0);
	old = __atomic_fetch_sub(&pg->pg_refs, 1, __ATOMIC_ACQ_REL);
	KASSERT(old != 0);
	if (old != 1)
		return;
	mtx_enter(&vm.mtx);
	vm_page_release(pa, 0, false);
	mtx_leave(&vm.mtx);
	vm_page_tell();
}

u_int
vm_page_refs(paddr_t pa)
{
	struct vm_page *pg = vm_page_of(pa);

	/* a count of one that is ours cannot change behind our back */
	return (pg == NULL || (pg->pg_flags & PGF_RESERVED) ? 2 : __atomic_load_n(&pg->pg_refs,
	    __ATOMIC_ACQUIRE));
}

bool
vm_page_managed(paddr_t pa)
{
	struct vm_page *pg = vm_page_of(pa);

	return (pg != NULL && !(pg->pg_flags & PGF_RESERVED));
}

uint64_t
vm_page_total(void)
{
	return (vm.total);
}

uint64_t
vm_page_avail(void)
{
	return (__atomic_load_n(&vm.avail, __ATOMIC_RELAXED));
}

u_int
vm_page_order(size_t size)
{
	u_int order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return (order);
}

/* --- for those who give memory back to the host ------------------------- */

void
vm_page_report(void (*fn)(void *), void *arg)
{
	mtx_enter(&vm.mtx);
	vm.hook = fn;
	vm.hookarg = arg;
	vm.news = false;
	mtx_leave(&vm.mtx);
}

paddr_t
vm_page_unreported(u_int *order)
{
	struct vm_page *pg;
	struct vm_free *vf;
	paddr_t pa = 0;
	u_int o = VM_ORDER_MAX;

	mtx_enter(&vm.mtx);
	while (o > VM_REPORT_ORDER && LIST_EMPTY(&vm.free[false][o]))
		o--;
	if ((vf = LIST_FIRST(&vm.free[false][o])) != NULL) {
		pa = vf->vf_pa;
		(void)vm_block_take(vf, o);
		pg = vm_page_of(pa);
		pg->pg_flags = PGF_HEAD;
		pg->pg_order = o;
		pg->pg_refs = 1;
		vm.avail -= 1UL << o;
		*order = o;
	}
	mtx_leave(&vm.mtx);
	return (pa);
}

void
vm_page_reported(paddr_t pa, u_int order)
{
	page_free(pa, order, true);
}

static struct rwlock	reclaim_lock = {
	.rw_mtx = MUTEX_INITIALIZER(IPL_SOFT), .rw_name = "reclaim"
};
static LIST_HEAD(, vm_reclaim) reclaimers = LIST_HEAD_INITIALIZER(reclaimers);

void
vm_reclaim_add(struct vm_reclaim *vr)
{
	rw_enter_write(&reclaim_lock);
	LIST_INSERT_HEAD(&reclaimers, vr, vr_link);
	rw_exit(&reclaim_lock);
}

void
vm_reclaim_remove(struct vm_reclaim *vr)
{
	rw_enter_write(&reclaim_lock);
	LIST_REMOVE(vr, vr_link);
	rw_exit(&reclaim_lock);
}

bool
vm_reclaim(void)
{
	struct vm_reclaim *vr;
	bool some = false;

	rw_enter_read(&reclaim_lock);
	LIST_FOREACH(vr, &reclaimers, vr_link) {
		if ((some = vr->vr_fn(vr->vr_arg)))
			break;
	}
	rw_exit(&reclaim_lock);
	return (some);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Address spaces of programs: the list of what is mapped.  See vm_map.h.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

static struct mutex	vmspace_mtx = MUTEX_INITIALIZER(IPL_SOFT);
static TAILQ_HEAD(, vmspace) vmspaces = TAILQ_HEAD_INITIALIZER(vmspaces);

#define MMAP_TOP	(VM_MAX_USER - (1UL << 30))	/* below: the stack */

/* --- entries: the lock is held for writing ------------------------------------- */

static struct vm_entry *
entry_new(const struct vm_entry *like, vaddr_t start, vaddr_t end)
{
	struct vm_entry *ve;

	if ((ve = kmem_alloc(sizeof(*ve), KM_NOSLEEP)) == NULL)
		return (NULL);
	*ve = *like;
	ve->ve_start = start;
	ve->ve_end = end;
	if (ve->ve_object != NULL) {
		ve->ve_offset += start - like->ve_start;
		vm_object_ref(ve->ve_object);
	}
	return (ve);
}

static void
entry_free(struct vm_entry *ve)
{
	vm_object_unref(ve->ve_object);
	kmem_free(ve, sizeof(*ve));
}

/* Give up the pages of a range. */
static void
pages_free(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	paddr_t pa;
	vaddr_t va;

	for (va = start; (va = pmap_next(vm->vm_pmap, va, end)) < end;
	    va += PAGE_SIZE) {
		if (pmap_remove(vm->vm_pmap, va, &pa)) {
			vm_page_unref(pa);
			vm->vm_npages--;
		}
	}
}

/* The first entry that ends above va, or NULL. */
static struct vm_entry *
entry_above(struct vmspace *vm, vaddr_t va)
{
	struct vm_entry *ve;

	TAILQ_FOREACH(ve, &vm->vm_entries, ve_link) {
		if (ve->ve_end > va)
			break;
	}
	return (ve);
}

static void
entry_insert(struct vmspace *vm, struct vm_entry *ve)
{
	struct vm_entry *next = entry_above(vm, ve->ve_start);

	if (next != NULL)
		TAILQ_INSERT_BEFORE(next, ve, ve_link);
	else
		TAILQ_INSERT_TAIL(&vm->vm_entries, ve, ve_link);
}

/* Make va a border between entries. */
static int
entry_split(struct vmspace *vm, vaddr_t va)
{
	struct vm_entry *ve = entry_above(vm, va), *tail;

	if (ve == NULL || ve->ve_start >= va)
		return (0);
	if ((tail = entry_new(ve, va, ve->ve_end)) == NULL)
		return (ENOMEM);
	ve->ve_end = va;
	TAILQ_INSERT_AFTER(&vm->vm_entries, ve, tail, ve_link);
	return (0);
}

static int
range_split(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	int error;

	if ((error = entry_split(vm, start)) != 0)
		return (error);
	return (entry_split(vm, end));
}

static bool
entries_join(struct vm_entry *a, struct vm_entry *b)
{
	return (a->ve_end == b->ve_start && a->ve_prot == b->ve_prot &&
	    a->ve_object == NULL && b->ve_object == NULL &&
	    a->ve_shared == b->ve_shared);
}

/* Anonymous neighbours become one, so that a growing heap stays short. */
static void
entry_merge(struct vmspace *vm, struct vm_entry *ve)
{
	struct vm_entry *next = TAILQ_NEXT(ve, ve_link);
	struct vm_entry *prev = TAILQ_PREV(ve, vm_entry_list, ve_link);

	if (next != NULL && entries_join(ve, next)) {
		ve->ve_end = next->ve_end;
		TAILQ_REMOVE(&vm->vm_entries, next, ve_link);
		entry_free(next);
	}
	if (prev != NULL && entries_join(prev, ve)) {
		prev->ve_end = ve->ve_end;
		TAILQ_REMOVE(&vm->vm_entries, ve, ve_link);
		entry_free(ve);
	}
}

/* The same for all in a range and next to it. */
static void
range_merge(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct vm_entry *ve, *next, *prev;

	for (ve = entry_above(vm, start); ve != NULL && ve->ve_start <= end;
	    ve = next) {
		next = TAILQ_NEXT(ve, ve_link);
		prev = TAILQ_PREV(ve, vm_entry_list, ve_link);
		if (prev == NULL || !entries_join(prev, ve))
			continue;
		prev->ve_end = ve->ve_end;
		TAILQ_REMOVE(&vm->vm_entries, ve, ve_link);
		entry_free(ve);
	}
}

static int
range_remove(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct vm_entry *ve, *next;
	int error;

	if ((error = range_split(vm, start, end)) != 0)
		return (error);
	for (ve = entry_above(vm, start); ve != NULL && ve->ve_start < end;
	    ve = next) {
		next = TAILQ_NEXT(ve, ve_link);
		TAILQ_REMOVE(&vm->vm_entries, ve, ve_link);
		pages_free(vm, ve->ve_start, ve->ve_end);
		entry_free(ve);
	}
	return (0);
}

static bool
range_free(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	struct vm_entry *ve = entry_above(vm, start);

	return (ve == NULL || ve->ve_start >= end);
}

/* The highest gap of that size below vm_mmaptop; 0: none. */
static vaddr_t
range_find(struct vmspace *vm, size_t size)
{
	struct vm_entry *ve;
	vaddr_t end = vm->vm_mmaptop;

	if (size > end - VM_MIN_USER)
		return (0);
	for (ve = TAILQ_LAST(&vm->vm_entries, vm_entry_list); ve != NULL;
	    ve = TAILQ_PREV(ve, vm_entry_list, ve_link)) {
		if (ve->ve_end <= end && end - ve->ve_end >= size)
			return (end - size);
		if (ve->ve_start < end)
			end = ve->ve_start;
		if (end < VM_MIN_USER || end - VM_MIN_USER < size)
			return (0);
	}
	return (end - size);
}

/* --- address spaces ---------------------------------------------------------------- */

struct vmspace *
vmspace_create(void)
{
	struct vmspace *vm;

	if ((vm = kmem_zalloc(sizeof(*vm), KM_NOSLEEP)) == NULL)
		return (NULL);
	if ((vm->vm_pmap = pmap_create()) == NULL) {
		kmem_free(vm, sizeof(*vm));
		return (NULL);
	}
	vm->vm_refs = 1;
	rw_init(&vm->vm_lock, "vmspace");
	TAILQ_INIT(&vm->vm_entries);
	vm->vm_mmaptop = MMAP_TOP;
	mtx_enter(&vmspace_mtx);
	/* behind its parent, for who goes through all of them */
	TAILQ_INSERT_TAIL(&vmspaces, vm, vm_link);
	mtx_leave(&vmspace_mtx);
	return (vm);
}

void
vmspace_ref(struct vmspace *vm)
{
	__atomic_add_fetch(&vm->vm_refs, 1, __ATOMIC_RELAXED);
}

void
vmspace_unref(struct vmspace *vm)
{
	struct vm_entry *ve;

	if (vm == NULL ||
	    __atomic_sub_fetch(&vm->vm_refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	mtx_enter(&vmspace_mtx);
	TAILQ_REMOVE(&vmspaces, vm, vm_link);
	mtx_leave(&vmspace_mtx);
	while ((ve = TAILQ_FIRST(&vm->vm_entries)) != NULL) {
		TAILQ_REMOVE(&vm->vm_entries, ve, ve_link);
		pages_free(vm, ve->ve_start, ve->ve_end);
		entry_free(ve);
	}
	KASSERT(vm->vm_npages == 0);
	pmap_destroy(vm->vm_pmap);
	kmem_free(vm, sizeof(*vm));
}

/*
 * The pages of an entry for a child: the same ones, and where either may
 * write, neither can until it has copied.
 */
static int
pages_fork(struct vmspace *vm, struct vmspace *child,
    const struct vm_entry *ve)
{
	paddr_t pa;
	vaddr_t va;
	int prot, error;

	for (va = ve->ve_start;
	    (va = pmap_next(vm->vm_pmap, va, ve->ve_end)) < ve->ve_end;
	    va += PAGE_SIZE) {
		if (!pmap_extract(vm->vm_pmap, va, &pa, &prot))
			continue;
		if ((prot & PROT_WRITE) && !ve->ve_shared) {
			prot &= ~PROT_WRITE;
			pmap_protect(vm->vm_pmap, va, prot);
		}
		if ((error = pmap_enter(child->vm_pmap, va, pa, prot)) != 0)
			return (error);
		vm_page_ref(pa);
		child->vm_npages++;
	}
	return (0);
}

struct vmspace *
vmspace_fork(struct vmspace *vm)
{
	struct vmspace *child;
	struct vm_entry *ve, *copy;

	if ((child = vmspace_create()) == NULL)
		return (NULL);
	rw_enter_write(&vm->vm_lock);
	rw_enter_write(&child->vm_lock);	/* it can be found already */
	child->vm_brkbase = vm->vm_brkbase;
	child->vm_brk = vm->vm_brk;
	child->vm_sigcode = vm->vm_sigcode;
	child->vm_mmaptop = vm->vm_mmaptop;
	TAILQ_FOREACH(ve, &vm->vm_entries, ve_link) {
		copy = entry_new(ve, ve->ve_start, ve->ve_end);
		if (copy == NULL)
			break;
		TAILQ_INSERT_TAIL(&child->vm_entries, copy, ve_link);
		if (pages_fork(vm, child, ve) != 0)
			break;
	}
	rw_exit(&child->vm_lock);
	rw_exit(&vm->vm_lock);
	if (ve != NULL) {
		vmspace_unref(child);
		return (NULL);
	}
	return (child);
}

/* --- all of them --------------------------------------------------------------------- */

/* The one behind vm, or the first, with a reference; that of vm is given up. */
static struct vmspace *
vmspace_next(struct vmspace *vm)
{
	struct vmspace *next;
	u_int refs;

	mtx_enter(&vmspace_mtx);
	next = vm == NULL ? TAILQ_FIRST(&vmspaces) : TAILQ_NEXT(vm, vm_link);
	for (; next != NULL; next = TAILQ_NEXT(next, vm_link)) {
		/* not one that is on its way out */
		refs = __atomic_load_n(&next->vm_refs, __ATOMIC_RELAXED);
		while (refs != 0 && !__atomic_compare_exchange_n(
		    &next->vm_refs, &refs, refs + 1, false, __ATOMIC_RELAXED,
		    __ATOMIC_RELAXED))
			;
		if (refs != 0)
			break;
	}
	mtx_leave(&vmspace_mtx);
	vmspace_unref(vm);
	return (next);
}

/* The part of it that is pages first to end of the object's. */
static void
entry_clean(struct vmspace *vm, struct vm_entry *ve, uint64_t first,
    uint64_t end, bool drop)
{
	uint64_t base = atop(ve->ve_offset);
	uint64_t n = atop(ve->ve_end - ve->ve_start);
	vaddr_t va, last;

	if (end <= base || first >= base + n)
		return;
	va = ve->ve_start + (first > base ? ptoa(first - base) : 0);
	last = end < base + n ? ve->ve_start + ptoa(end - base) : ve->ve_end;
	if (drop)
		pages_free(vm, va, last);
	else if (ve->ve_prot & PROT_WRITE) {
		for (; (va = pmap_next(vm->vm_pmap, va, last)) < last;
		    va += PAGE_SIZE)
			pmap_protect(vm->vm_pmap, va,
			    ve->ve_prot & ~PROT_WRITE);
	}
}

static void
object_clean(struct vm_object *vo, uint64_t first, uint64_t end, bool drop)
{
	struct vmspace *vm = NULL;
	struct vm_entry *ve;

	while ((vm = vmspace_next(vm)) != NULL) {
		rw_enter_write(&vm->vm_lock);
		TAILQ_FOREACH(ve, &vm->vm_entries, ve_link) {
			if (ve->ve_object == vo && ve->ve_shared)
				entry_clean(vm, ve, first, end, drop);
		}
		rw_exit(&vm->vm_lock);
	}
}

void
vm_object_clean(struct vm_object *vo, uint64_t first, uint64_t n)
{
	object_clean(vo, first, first + n, false);
}

void
vm_object_drop(struct vm_object *vo)
{
	object_clean(vo, 0, UINT64_MAX, true);
}

/* --- what system calls do ------------------------------------------------------------ */

/* EINVAL: not a range of user addresses. */
static int
range_check(vaddr_t start, size_t size)
{
	return ((start & PAGE_MASK) != 0 || size == 0 ||
	    start < VM_MIN_USER || start >= VM_MAX_USER ||
	    size > VM_MAX_USER - start ? EINVAL : 0);
}

int
vm_map(struct vmspace *vm, vaddr_t *addr, size_t size, int prot, bool fixed,
    bool shared, struct vm_object *vo, uint64_t off)
{
	struct vm_entry like = { .ve_prot = prot, .ve_shared = shared,
	    .ve_object = vo, .ve_offset = off }, *ve;
	vaddr_t start = trunc_page(*addr);
	struct vm_object *anon = NULL;
	int error;

	if (size == 0 || size > VM_MAX_USER)
		return (size == 0 ? EINVAL : ENOMEM);
	size = round_page(size);
	if (fixed && (error = range_check(*addr, size)) != 0)
		return (start < VM_MIN_USER ? EPERM : error);
	/* shared memory without a file has an object that fork passes on */
	if (shared && vo == NULL) {
		if ((anon = vm_object_create(size, NULL, 0)) == NULL)
			return (ENOMEM);
		like.ve_object = anon;
	}

	rw_enter_write(&vm->vm_lock);
	error = 0;
	if (fixed)
		error = range_remove(vm, start, start + size);
	else if (range_check(start, size) != 0 ||
	    !range_free(vm, start, start + size))
		start = range_find(vm, size);
	like.ve_start = start;
	if (error == 0 && (start == 0 ||
	    (ve = entry_new(&like, start, start + size)) == NULL))
		error = ENOMEM;
	if (error == 0) {
		entry_insert(vm, ve);
		entry_merge(vm, ve);
		*addr = start;
	}
	rw_exit(&vm->vm_lock);
	vm_object_unref(anon);
	return (error);
}

int
vm_unmap(struct vmspace *vm, vaddr_t start, size_t size)
{
	int error;

	size = round_page(size);
	if ((error = range_check(start, size)) != 0)
		return (error);
	rw_enter_write(&vm->vm_lock);
	error = range_remove(vm, start, start + size);
	rw_exit(&vm->vm_lock);
	return (error);
}

/*
 * A page that is there keeps the right to be written only if it has it: the
 * fault decides again whether it must be copied.
 */
static void
pages_protect(struct vmspace *vm, const struct vm_entry *ve)
{
	paddr_t pa;
	vaddr_t va;
	int prot;

	for (va = ve->ve_start;
	    (va = pmap_next(vm->vm_pmap, va, ve->ve_end)) < ve->ve_end;
	    va += PAGE_SIZE) {
		if (!pmap_extract(vm->vm_pmap, va, &pa, &prot))
			continue;
		prot &= PROT_WRITE;
		pmap_protect(vm->vm_pmap, va,
		    (prot | PROT_READ | PROT_EXEC) & ve->ve_prot);
	}
}

int
vm_protect(struct vmspace *vm, vaddr_t start, size_t size, int prot)
{
	struct vm_entry *ve;
	vaddr_t end, at;
	int error;

	if (size == 0)
		return (0);
	size = round_page(size);
	if ((error = range_check(start, size)) != 0)
		return (start & PAGE_MASK ? EINVAL : ENOMEM);
	end = start + size;
	rw_enter_write(&vm->vm_lock);
	/* all of it must be mapped */
	at = start;
	for (ve = entry_above(vm, start); ve != NULL && ve->ve_start <= at &&
	    at < end; ve = TAILQ_NEXT(ve, ve_link))
		at = ve->ve_end;
	error = at < end ? ENOMEM : range_split(vm, start, end);
	if (error == 0) {
		for (ve = entry_above(vm, start);
		    ve != NULL && ve->ve_start < end;
		    ve = TAILQ_NEXT(ve, ve_link)) {
			ve->ve_prot = prot;
			pages_protect(vm, ve);
		}
	}
	range_merge(vm, start, end);
	rw_exit(&vm->vm_lock);
	return (error);
}

int
vm_brk(struct vmspace *vm, vaddr_t want, vaddr_t *result)
{
	struct vm_entry like = { .ve_prot = PROT_READ | PROT_WRITE }, *ve;
	vaddr_t old, new;

	rw_enter_write(&vm->vm_lock);
	old = round_page(vm->vm_brk);
	new = round_page(want);
	if (want < vm->vm_brkbase || want > vm->vm_mmaptop)
		goto out;
	if (new < old) {
		if (range_remove(vm, new, old) != 0)
			goto out;
	} else if (new > old) {
		like.ve_start = old;
		if (!range_free(vm, old, new) ||
		    (ve = entry_new(&like, old, new)) == NULL)
			goto out;
		entry_insert(vm, ve);
		entry_merge(vm, ve);
	}
	vm->vm_brk = want;
out:
	*result = vm->vm_brk;
	rw_exit(&vm->vm_lock);
	return (0);
}

/* Move the pages of [from, from + size) to another place. */
static int
pages_move(struct vmspace *vm, vaddr_t from, vaddr_t to, size_t size)
{
	vaddr_t va, end = from + size;
	paddr_t pa;
	int prot, error;

	for (va = from; (va = pmap_next(vm->vm_pmap, va, end)) < end;
	    va += PAGE_SIZE) {
		if (!pmap_extract(vm->vm_pmap, va, &pa, &prot))
			continue;
		error = pmap_enter(vm->vm_pmap, to + (va - from), pa, prot);
		if (error != 0)
			return (error);
		(void)pmap_remove(vm->vm_pmap, va, &pa);
	}
	return (0);
}

int
vm_remap(struct vmspace *vm, vaddr_t start, size_t oldsize, size_t newsize,
    bool maymove, vaddr_t *result)
{
	struct vm_entry *ve, *moved;
	vaddr_t end, to;
	int error = 0;

	oldsize = round_page(oldsize);
	newsize = round_page(newsize);
	if (range_check(start, oldsize) != 0 || newsize == 0 ||
	    newsize > VM_MAX_USER)
		return (EINVAL);
	*result = start;
	if (newsize <= oldsize)
		return (newsize == oldsize ? 0 : vm_unmap(vm,
		    start + newsize, oldsize - newsize));
	end = start + oldsize;
	rw_enter_write(&vm->vm_lock);
	if ((error = range_split(vm, start, end)) != 0)
		goto out;
	ve = entry_above(vm, start);
	if (ve == NULL || ve->ve_start != start || ve->ve_end != end) {
		error = EFAULT;
		goto out;
	}
	if (start + newsize < vm->vm_mmaptop &&
	    range_free(vm, end, start + newsize)) {
		ve->ve_end = start + newsize;
		goto out;
	}
	error = ENOMEM;
	if (!maymove || (to = range_find(vm, newsize)) == 0 ||
	    (moved = entry_new(ve, start, end)) == NULL)
		goto out;
	moved->ve_start = to;
	moved->ve_end = to + newsize;
	entry_insert(vm, moved);
	if ((error = pages_move(vm, start, to, oldsize)) == 0)
		error = range_remove(vm, start, end);
	else {
		/* back: the tables are there, and so are the borders */
		(void)pages_move(vm, to, start, oldsize);
		(void)range_remove(vm, to, to + newsize);
	}
	*result = to;
out:
	range_merge(vm, start, end);
	rw_exit(&vm->vm_lock);
	return (error);
}

int
vm_discard(struct vmspace *vm, vaddr_t start, size_t size)
{
	int error;

	size = round_page(size);
	if (size == 0)
		return (0);
	if ((error = range_check(start, size)) != 0)
		return (error);
	rw_enter_write(&vm->vm_lock);
	pages_free(vm, start, start + size);
	rw_exit(&vm->vm_lock);
	return (0);
}

bool
vm_range_free(struct vmspace *vm, vaddr_t start, size_t size)
{
	bool free;

	rw_enter_read(&vm->vm_lock);
	free = range_free(vm, start, start + round_page(size));
	rw_exit(&vm->vm_lock);
	return (free);
}

uint64_t
vm_size(struct vmspace *vm)
{
	struct vm_entry *ve;
	uint64_t size = 0;

	rw_enter_read(&vm->vm_lock);
	TAILQ_FOREACH(ve, &vm->vm_entries, ve_link)
		size += ve->ve_end - ve->ve_start;
	rw_exit(&vm->vm_lock);
	return (size);
}

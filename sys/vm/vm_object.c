/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Contents that can be mapped.  See vm_object.h.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <vm/vm_object.h>
#include <vm/vm_page.h>

#define PAGES_MIN	8

struct vm_object *
vm_object_create(uint64_t size, const void *data, uint64_t datalen)
{
	struct vm_object *vo;

	/* page numbers fit vo_npages */
	if (size > VM_OBJECT_MAX ||
	    (vo = kmem_zalloc(sizeof(*vo), KM_NOSLEEP)) == NULL)
		return (NULL);
	vo->vo_refs = 1;
	rw_init(&vo->vo_lock, "vmobj");
	vo->vo_size = size;
	vo->vo_data = data;
	vo->vo_datalen = MIN(datalen, size);
	return (vo);
}

void
vm_object_ref(struct vm_object *vo)
{
	__atomic_add_fetch(&vo->vo_refs, 1, __ATOMIC_RELAXED);
}

/* Pages from number n on are given up. */
static void
vm_object_truncate(struct vm_object *vo, uint64_t n)
{
	for (; n < vo->vo_npages; n++) {
		if (vo->vo_pages[n] != 0)
			vm_page_unref(vo->vo_pages[n]);
		vo->vo_pages[n] = 0;
	}
}

void
vm_object_unref(struct vm_object *vo)
{
	if (vo == NULL ||
	    __atomic_sub_fetch(&vo->vo_refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	vm_object_truncate(vo, 0);
	kmem_free(vo->vo_pages, vo->vo_npages * sizeof(*vo->vo_pages));
	kmem_free(vo, sizeof(*vo));
}

static int
vm_object_room(struct vm_object *vo, uint64_t n)
{
	paddr_t *pages;
	u_int want;

	if (n < vo->vo_npages)
		return (0);
	want = MAX(PAGES_MIN, n + 1);
	if (want < 2 * vo->vo_npages)
		want = 2 * vo->vo_npages;
	pages = kmem_reallocarray(vo->vo_pages, vo->vo_npages, want,
	    sizeof(*pages), KM_NOSLEEP);
	if (pages == NULL)
		return (ENOMEM);
	memset(pages + vo->vo_npages, 0,
	    (want - vo->vo_npages) * sizeof(*pages));
	vo->vo_pages = pages;
	vo->vo_npages = want;
	return (0);
}

/* Whole page n of the contents in place, if that can be mapped as it is. */
static bool
vm_object_inplace(const struct vm_object *vo, uint64_t n, paddr_t *pap)
{
	uint64_t off = ptoa(n);

	if (off + PAGE_SIZE > vo->vo_datalen ||
	    (((vaddr_t)vo->vo_data + off) & PAGE_MASK) != 0)
		return (false);
	*pap = md_kvtop(vo->vo_data + off);
	return (true);
}

/* A page of our own, filled; the lock is held for writing. */
static int
vm_object_fill(struct vm_object *vo, uint64_t n)
{
	uint64_t off = ptoa(n);
	size_t have;
	paddr_t pa;
	int error;

	if ((error = vm_object_room(vo, n)) != 0)
		return (error);
	if (vo->vo_pages[n] != 0)
		return (0);
	have = off < vo->vo_datalen ? MIN(PAGE_SIZE, vo->vo_datalen - off) :
	    0;
	if ((pa = vm_page_alloc(0, VM_PAGE_USER |
	    (have < PAGE_SIZE ? VM_PAGE_ZERO : 0))) == 0)
		return (ENOMEM);
	if (have > 0)
		memcpy(vm_direct(pa), vo->vo_data + off, have);
	vo->vo_pages[n] = pa;
	return (0);
}

static int
vm_object_page_locked(struct vm_object *vo, uint64_t n, bool write,
    paddr_t *pap)
{
	int error;

	if (ptoa(n) >= vo->vo_size)
		return (EFAULT);
	if ((n >= vo->vo_npages || vo->vo_pages[n] == 0) &&
	    (write || !vm_object_inplace(vo, n, pap))) {
		if ((error = vm_object_fill(vo, n)) != 0)
			return (error);
	}
	if (n < vo->vo_npages && vo->vo_pages[n] != 0)
		*pap = vo->vo_pages[n];
	/* one in place may be the allocator's too, if root= named a disk */
	vm_page_ref(*pap);
	return (0);
}

/* --- pages of a driver ---------------------------------------------------------- */

struct vm_object *
vm_object_device(const struct vm_object_ops *ops, void *arg)
{
	struct vm_object *vo;

	if ((vo = vm_object_create(0, NULL, 0)) != NULL) {
		vo->vo_device = true;
		vo->vo_ops = ops;
		vo->vo_arg = arg;
	}
	return (vo);
}

static int
vm_object_device_page(struct vm_object *vo, uint64_t n, paddr_t *pap)
{
	int error = EFAULT;

	rw_enter_read(&vo->vo_lock);
	if (vo->vo_ops != NULL)
		error = vo->vo_ops->voo_page(vo->vo_arg, n, pap);
	rw_exit(&vo->vo_lock);
	return (error);
}

u_int
vm_object_dirty(struct vm_object *vo, uint64_t n)
{
	u_int more = 0;

	if (!vo->vo_device)
		return (0);
	rw_enter_read(&vo->vo_lock);
	if (vo->vo_ops != NULL)
		more = vo->vo_ops->voo_dirty(vo->vo_arg, n);
	rw_exit(&vo->vo_lock);
	return (more);
}

void
vm_object_revoke(struct vm_object *vo)
{
	rw_enter_write(&vo->vo_lock);
	vo->vo_ops = NULL;
	rw_exit(&vo->vo_lock);
	vm_object_drop(vo);
}

/* --- pages by number ------------------------------------------------------------- */

int
vm_object_page(struct vm_object *vo, uint64_t n, bool write, paddr_t *pap)
{
	int error;

	if (vo->vo_device)
		return (vm_object_device_page(vo, n, pap));
	rw_enter_write(&vo->vo_lock);
	error = vm_object_page_locked(vo, n, write, pap);
	rw_exit(&vo->vo_lock);
	return (error);
}

/* Zero what lies behind a new end, for a later growth to find zeros. */
static int
vm_object_cut(struct vm_object *vo, uint64_t size)
{
	uint64_t n = atop(size);
	size_t keep = size & PAGE_MASK;
	int error;

	if (keep != 0 && size < vo->vo_size) {
		if ((error = vm_object_fill(vo, n)) != 0)
			return (error);
		memset((char *)vm_direct(vo->vo_pages[n]) + keep, 0,
		    PAGE_SIZE - keep);
		n++;
	}
	vm_object_truncate(vo, n);
	vo->vo_datalen = MIN(vo->vo_datalen, size);
	return (0);
}

static int
vm_object_resize_locked(struct vm_object *vo, uint64_t size)
{
	int error = 0;

	if (size > VM_OBJECT_MAX)
		return (EFBIG);
	if (size < vo->vo_size)
		error = vm_object_cut(vo, size);
	if (error == 0)
		vo->vo_size = size;
	return (error);
}

int
vm_object_resize(struct vm_object *vo, uint64_t size)
{
	int error;

	rw_enter_write(&vo->vo_lock);
	error = vm_object_resize_locked(vo, size);
	rw_exit(&vo->vo_lock);
	return (error);
}

/* --- read and write ------------------------------------------------------------- */

static const char zero_page[PAGE_SIZE];

/*
 * The bytes of page n for a reader, without making one: what is not there is
 * in place or zero.  *lenp is shortened to what is contiguous.
 */
static const char *
vm_object_peek(struct vm_object *vo, uint64_t off, size_t *lenp)
{
	uint64_t n = atop(off);
	size_t in = off & PAGE_MASK;

	*lenp = MIN(*lenp, PAGE_SIZE - in);
	if (n < vo->vo_npages && vo->vo_pages[n] != 0)
		return ((char *)vm_direct(vo->vo_pages[n]) + in);
	if (off < vo->vo_datalen) {
		*lenp = MIN(*lenp, vo->vo_datalen - off);
		return (vo->vo_data + off);
	}
	return (zero_page + in);
}

/*
 * The lock is not held while user memory is touched: that may fault, and the
 * fault may want a page of this very object.
 */
static int
vm_object_read(struct vm_object *vo, struct uio *uio)
{
	const char *p;
	paddr_t pa;
	uint64_t off;
	size_t len;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0) {
		rw_enter_read(&vo->vo_lock);
		off = uio->uio_offset;
		if (uio->uio_offset < 0 || off >= vo->vo_size) {
			rw_exit(&vo->vo_lock);
			break;
		}
		len = MIN(uio->uio_resid, vo->vo_size - off);
		p = vm_object_peek(vo, off, &len);
		pa = 0;
		if ((vaddr_t)p >= VM_DIRECT_BASE && (vaddr_t)p < VM_KVA_BASE)
			vm_page_ref(pa = trunc_page(vm_direct_pa(p)));
		rw_exit(&vo->vo_lock);
		error = uiomove((void *)(vaddr_t)p, len, uio);
		if (pa != 0)
			vm_page_unref(pa);
	}
	return (error);
}

static int
vm_object_write(struct vm_object *vo, struct uio *uio)
{
	uint64_t off, end;
	paddr_t pa;
	size_t in, len, before;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0) {
		off = uio->uio_offset;
		in = off & PAGE_MASK;
		len = MIN(uio->uio_resid, PAGE_SIZE - in);
		if (uio->uio_offset < 0 || off >= VM_OBJECT_MAX - len)
			return (EFBIG);
		end = off + len;
		rw_enter_write(&vo->vo_lock);
		if (end > vo->vo_size)
			vo->vo_size = end;
		error = vm_object_page_locked(vo, atop(off), true, &pa);
		rw_exit(&vo->vo_lock);
		if (error != 0)
			break;
		before = uio->uio_resid;
		error = uiomove((char *)vm_direct(pa) + in, len, uio);
		vm_page_unref(pa);
		if (before == uio->uio_resid)
			break;
	}
	return (error);
}

int
vm_object_rdwr(struct vm_object *vo, struct uio *uio)
{
	return (uio->uio_rw == UIO_READ ? vm_object_read(vo, uio) :
	    vm_object_write(vo, uio));
}

uint64_t
vm_object_resident(struct vm_object *vo)
{
	uint64_t pages = 0;
	u_int n;

	rw_enter_read(&vo->vo_lock);
	for (n = 0; n < vo->vo_npages; n++)
		pages += vo->vo_pages[n] != 0;
	rw_exit(&vo->vo_lock);
	return (ptoa(pages));
}

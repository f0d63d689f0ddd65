/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VM_VM_OBJECT_H_
#define _VM_VM_OBJECT_H_

/*
 * Contents that can be mapped: the data of a file of the root file system,
 * or shared memory without a name.
 *
 * A page comes from the allocator when it is first asked for, filled with
 * what the object has in place (vo_data: a file of the root image, used where
 * it lies) and zeros.  A page of vo_data that is whole and aligned is not
 * copied for readers.
 */

#include <sys/param.h>
#include <sys/rwlock.h>

/*
 * Pages that a driver has.  Called in thread context, with the lock for
 * reading and the address space's.
 * page: the one with that number, with a reference.  EFAULT: none is there.
 * dirty: it may be written to from now on, until vm_object_clean(); so may as
 *	many behind it as are returned.
 */
struct vm_object_ops {
	int	(*voo_page)(void *, uint64_t, paddr_t *);
	u_int	(*voo_dirty)(void *, uint64_t);
};

struct vm_object {
	u_int		 vo_refs;
	struct rwlock	 vo_lock;
	uint64_t	 vo_size;		/* bytes */
	const char	*vo_data;		/* read-only contents or NULL */
	uint64_t	 vo_datalen;
	paddr_t		*vo_pages;		/* 0: not there yet */
	u_int		 vo_npages;		/* room in vo_pages */
	bool		 vo_device;		/* a driver's: */
	const struct vm_object_ops *vo_ops;	/* NULL: it has gone */
	void		*vo_arg;
};

/*
 * All thread context.
 * vm_object_create: size bytes, contents as above.  NULL: no memory, or above
 *	VM_OBJECT_MAX.
 * vm_object_page: the page with that number, with a reference for the
 *	caller.  write: one that may be written to and that others see.
 *	ENOMEM; EFAULT: beyond the end.
 * vm_object_device: of a driver, which calls vm_object_revoke() before it
 *	goes, and is not called after that.  NULL: no memory.
 * vm_object_clean: whoever has n pages from first on mapped faults when they
 *	are written to next.
 * vm_object_drop: the same for all, when they are touched.  Hold nothing that
 *	voo_page takes for either.
 * vm_object_dirty: that page is about to be written to; how many behind it
 *	may be, too.
 * vm_object_resize: EFBIG above VM_OBJECT_MAX; ENOMEM.
 * vm_object_rdwr: moves data between the object and a uio at its offset, as
 *	far as the object goes; a write makes it longer.  EFBIG, ENOMEM,
 *	EFAULT.
 */
#define VM_OBJECT_MAX	(1ULL << 34)

struct uio;

struct vm_object *vm_object_create(uint64_t, const void *, uint64_t);
void	 vm_object_ref(struct vm_object *);
void	 vm_object_unref(struct vm_object *);
int	 vm_object_page(struct vm_object *, uint64_t, bool, paddr_t *);
int	 vm_object_resize(struct vm_object *, uint64_t);
int	 vm_object_rdwr(struct vm_object *, struct uio *);
struct vm_object *vm_object_device(const struct vm_object_ops *, void *);
void	 vm_object_revoke(struct vm_object *);
void	 vm_object_clean(struct vm_object *, uint64_t first, uint64_t n);
void	 vm_object_drop(struct vm_object *);
u_int	 vm_object_dirty(struct vm_object *, uint64_t);
uint64_t vm_object_resident(struct vm_object *);	/* bytes allocated */

#endif /* _VM_VM_OBJECT_H_ */

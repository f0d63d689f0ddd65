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

struct vm_object {
	u_int		 vo_refs;
	struct rwlock	 vo_lock;
	uint64_t	 vo_size;		/* bytes */
	const char	*vo_data;		/* read-only contents or NULL */
	uint64_t	 vo_datalen;
	paddr_t		*vo_pages;		/* 0: not there yet */
	u_int		 vo_npages;		/* room in vo_pages */
};

/*
 * All thread context.
 * vm_object_create: size bytes, contents as above.  NULL: no memory, or above
 *	VM_OBJECT_MAX.
 * vm_object_page: the page with that number, with a reference for the
 *	caller.  write: one that may be written to and that others see.
 *	ENOMEM; EFAULT: beyond the end.
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
uint64_t vm_object_resident(struct vm_object *);	/* bytes allocated */

#endif /* _VM_VM_OBJECT_H_ */

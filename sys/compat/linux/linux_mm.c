/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Memory: mmap(2) and its kin.
 */

#include <sys/aio.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#include <compat/linux/linux.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

#define MAP_SHARED	0x01
#define MAP_PRIVATE	0x02
#define MAP_TYPE	0x0f
#define MAP_FIXED	0x10
#define MAP_ANON	0x20
#define MAP_FIXED_NOREPLACE 0x100000
#define PROT_ALL	(PROT_READ | PROT_WRITE | PROT_EXEC)
#define MREMAP_MAYMOVE	1

/* The contents of a file to be mapped, with a reference. */
static int
mmap_object(int fd, bool shared, int prot, struct vm_object **vop)
{
	struct file *fp;
	struct vnode *vp;
	int error, mode;

	if ((error = file_get(fd, &fp)) != 0)
		return (error);
	vp = fp->f_vnode;
	mode = fp->f_flags & O_ACCMODE;
	if (vp == NULL || vp->v_ops->vop_object == NULL)
		error = ENODEV;
	else if (mode == O_WRONLY ||
	    (shared && (prot & PROT_WRITE) && mode != O_RDWR))
		error = EACCES;
	else if ((*vop = vp->v_ops->vop_object(vp)) == NULL)
		error = ENODEV;
	file_unref(fp);
	return (error);
}

int
linux_mmap(const u_long *a, long *rv)
{
	struct vmspace *vm = curproc->p_vm;
	struct vm_object *vo = NULL;
	vaddr_t addr = a[0];
	u_long flags = a[3], type = flags & MAP_TYPE;
	int prot = a[2] & PROT_ALL, error = 0;
	bool shared = type != MAP_PRIVATE;

	if (type == 0 || type > 3 || a[1] == 0 ||
	    (!(flags & MAP_ANON) && (a[5] & PAGE_MASK)))
		return (EINVAL);
	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && (addr & PAGE_MASK))
		return (EINVAL);
	/* reading comes with either of the others on our machines */
	if (prot != PROT_NONE)
		prot |= PROT_READ;
	if ((flags & MAP_FIXED_NOREPLACE) && !vm_range_free(vm, addr, a[1]))
		return (EEXIST);
	if (!(flags & MAP_ANON) &&
	    (error = mmap_object(a[4], shared, prot, &vo)) != 0)
		return (error);
	error = vm_map(vm, &addr, a[1], prot,
	    (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0, shared, vo,
	    vo == NULL ? 0 : a[5]);
	vm_object_unref(vo);
	*rv = addr;
	return (error);
}

int
linux_munmap(const u_long *a, long *rv __unused)
{
	return (vm_unmap(curproc->p_vm, a[0], a[1]));
}

int
linux_mprotect(const u_long *a, long *rv __unused)
{
	int prot = a[2] & PROT_ALL;

	if (prot != PROT_NONE)
		prot |= PROT_READ;
	aio_quiet(curproc);
	return (vm_protect(curproc->p_vm, a[0], a[1], prot));
}

int
linux_brk(const u_long *a, long *rv)
{
	vaddr_t brk;
	int error = vm_brk(curproc->p_vm, a[0], &brk);

	*rv = brk;
	return (error);
}

int
linux_mremap(const u_long *a, long *rv)
{
	vaddr_t addr;
	int error;

	if (a[3] & ~(u_long)MREMAP_MAYMOVE)
		return (EINVAL);
	error = vm_remap(curproc->p_vm, a[0], a[1], a[2],
	    (a[3] & MREMAP_MAYMOVE) != 0, &addr);
	*rv = addr;
	return (error);
}

/* Advice may be taken or left. */
int
linux_madvise(const u_long *a, long *rv __unused)
{
	if (a[0] & PAGE_MASK)
		return (EINVAL);
	return (a[2] == 4 ? vm_discard(curproc->p_vm, a[0], a[1]) : 0);
}

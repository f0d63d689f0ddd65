/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VM_VM_MAP_H_
#define _VM_VM_MAP_H_

/*
 * The address space of a program: a list of ranges by address, each with its
 * rights and where its contents come from.  The page tables hold the pages
 * themselves: a private page belongs to who has it mapped, and is shared
 * read-only after fork until somebody writes.
 */

#include <sys/queue.h>
#include <sys/rwlock.h>

#include <vm/pmap.h>

struct uio;
struct vm_object;

struct vm_entry {
	TAILQ_ENTRY(vm_entry)	 ve_link;
	vaddr_t			 ve_start, ve_end;
	int			 ve_prot;		/* PROT_* */
	bool			 ve_shared;		/* MAP_SHARED */
	struct vm_object	*ve_object;		/* NULL: zeros */
	uint64_t		 ve_offset;		/* of ve_start in it */
};

struct vmspace {
	TAILQ_ENTRY(vmspace)	 vm_link;		/* all of them */
	u_int			 vm_refs;
	struct rwlock		 vm_lock;
	TAILQ_HEAD(vm_entry_list, vm_entry) vm_entries;
	struct pmap		*vm_pmap;
	vaddr_t			 vm_brkbase, vm_brk;
	vaddr_t			 vm_sigcode;		/* see kern_exec.c */
	vaddr_t			 vm_mmaptop;		/* search down from here */
	u_long			 vm_npages;		/* resident, private */
};

/*
 * Thread context all; errno values.
 * vmspace_fork: a copy, private pages to be copied on write.  NULL.
 * vm_map: *addr is a wish, or exact with fixed (what is there is replaced).
 *	ENOMEM.
 * vm_fault: an access that the tables refuse: 0, or the signal it deserves.
 */
struct vmspace *vmspace_create(void);
struct vmspace *vmspace_fork(struct vmspace *);
void	 vmspace_ref(struct vmspace *);
void	 vmspace_unref(struct vmspace *);
int	 vm_map(struct vmspace *, vaddr_t *, size_t, int, bool fixed,
	    bool shared, struct vm_object *, uint64_t);
int	 vm_unmap(struct vmspace *, vaddr_t, size_t);
int	 vm_protect(struct vmspace *, vaddr_t, size_t, int);
int	 vm_brk(struct vmspace *, vaddr_t, vaddr_t *);
int	 vm_remap(struct vmspace *, vaddr_t, size_t, size_t, bool maymove,
	    vaddr_t *);
int	 vm_fault(struct vmspace *, vaddr_t, int);
extern uint64_t vm_nfaults;		/* so many so far */
/* MADV_DONTNEED: private pages are as new */
int	 vm_discard(struct vmspace *, vaddr_t, size_t);
bool	 vm_range_free(struct vmspace *, vaddr_t, size_t);
uint64_t vm_size(struct vmspace *);

/*
 * Hold the pages of user memory for a device: vm_wire makes sure that they
 * are there with the right access, takes a reference on each, and gives the
 * kernel's addresses of their parts as an iovec: at most max pieces, pages
 * that lie behind each other are one of up to most bytes; shorter if it does
 * not fit: *lenp tells.  vm_unwire gives the references back, vm_unwire_end
 * those of the last bytes alone, which it takes off.
 */
struct iovec;
int	 vm_wire(struct vmspace *, vaddr_t, size_t *, int prot,
	    struct iovec *, u_int max, size_t most, u_int *niov);
void	 vm_unwire(struct iovec *, u_int);
void	 vm_unwire_end(struct iovec *, u_int *niov, size_t);

#endif /* _VM_VM_MAP_H_ */

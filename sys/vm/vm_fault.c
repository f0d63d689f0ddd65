/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Page faults of programs, and their memory held for devices.
 */

#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>
#include <vm/vm_stat.h>

uint64_t		vm_nfaults;
static uint64_t	vm_ncopies;

static struct vm_entry *
entry_find(struct vmspace *vm, vaddr_t va)
{
	struct vm_entry *ve;

	TAILQ_FOREACH(ve, &vm->vm_entries, ve_link) {
		if (va < ve->ve_end)
			return (va >= ve->ve_start ? ve : NULL);
	}
	return (NULL);
}

/* A private copy of a page. */
static int
page_copy(paddr_t from, paddr_t *to)
{
	if ((*to = vm_page_alloc(0, VM_PAGE_USER)) == 0)
		return (ENOMEM);
	memcpy(vm_direct(*to), vm_direct(from), PAGE_SIZE);
	vm_ncopies++;
	return (0);
}

/*
 * A page that is shared is about to be written to.  A driver that wants to
 * hear of that may let the pages behind it be written to without a fault.
 */
static void
fault_dirty(struct vmspace *vm, struct vm_entry *ve, vaddr_t va)
{
	u_int more = vm_object_dirty(ve->ve_object,
	    atop(va - ve->ve_start + ve->ve_offset));
	paddr_t pa;
	int cur;

	for (va += PAGE_SIZE; more-- > 0 && va < ve->ve_end; va += PAGE_SIZE) {
		if (pmap_extract(vm->vm_pmap, va, &pa, &cur))
			pmap_protect(vm->vm_pmap, va, ve->ve_prot);
	}
}

/*
 * A page is there, but without the right: it was protected, or it is shared
 * with another address space since fork and now written to.
 */
static int
fault_present(struct vmspace *vm, struct vm_entry *ve, vaddr_t va, paddr_t pa,
    int prot)
{
	paddr_t copy;
	int rights = ve->ve_prot, error;

	if (ve->ve_shared && ve->ve_object != NULL && (prot & PROT_WRITE))
		fault_dirty(vm, ve, va);
	if (!(ve->ve_prot & PROT_WRITE) || ve->ve_shared ||
	    vm_page_refs(pa) == 1) {
		pmap_protect(vm->vm_pmap, va, rights);
		return (0);
	}
	if (!(prot & PROT_WRITE)) {
		pmap_protect(vm->vm_pmap, va, rights & ~PROT_WRITE);
		return (0);
	}
	if ((error = page_copy(pa, &copy)) != 0)
		return (error);
	/* the table is there, so this cannot fail */
	error = pmap_enter(vm->vm_pmap, va, copy, rights);
	KASSERT(error == 0);
	vm_page_unref(pa);
	return (0);
}

static int
fault_enter(struct vmspace *vm, vaddr_t va, paddr_t pa, int prot)
{
	int error;

	if ((error = pmap_enter(vm->vm_pmap, va, pa, prot)) != 0)
		vm_page_unref(pa);
	else
		vm->vm_npages++;
	return (error);
}

static int
fault_object(struct vmspace *vm, struct vm_entry *ve, vaddr_t va, int prot)
{
	uint64_t n = atop(va - ve->ve_start + ve->ve_offset);
	int rights = ve->ve_prot, error;
	paddr_t pa, copy;

	/*
	 * All who share the object must see one page, so not the one in place
	 * that a later write would replace.
	 */
	error = vm_object_page(ve->ve_object, n, ve->ve_shared, &pa);
	if (error != 0)
		return (error);
	if (ve->ve_shared) {
		/* a driver hears of the first write */
		if (ve->ve_object->vo_device && !(prot & PROT_WRITE))
			rights &= ~PROT_WRITE;
		else
			fault_dirty(vm, ve, va);
		return (fault_enter(vm, va, pa, rights));
	}
	if (!(prot & PROT_WRITE))
		return (fault_enter(vm, va, pa, rights & ~PROT_WRITE));
	error = page_copy(pa, &copy);
	vm_page_unref(pa);
	return (error != 0 ? error : fault_enter(vm, va, copy, rights));
}

static int
fault_anon(struct vmspace *vm, struct vm_entry *ve, vaddr_t va)
{
	paddr_t pa;

	if ((pa = vm_page_alloc(0, VM_PAGE_USER | VM_PAGE_ZERO)) == 0)
		return (ENOMEM);
	return (fault_enter(vm, va, pa, ve->ve_prot));
}

/* EACCES: no such right or nothing there.  EFAULT: beyond the file's end. */
static int
fault_locked(struct vmspace *vm, vaddr_t va, int prot)
{
	struct vm_entry *ve;
	paddr_t pa;
	int cur;

	if ((ve = entry_find(vm, va)) == NULL || (prot & ~ve->ve_prot))
		return (EACCES);
	if (pmap_extract(vm->vm_pmap, va, &pa, &cur)) {
		if ((prot & ~cur) == 0)
			return (0);	/* another thread was faster */
		return (fault_present(vm, ve, va, pa, prot));
	}
	if (ve->ve_object != NULL)
		return (fault_object(vm, ve, va, prot));
	return (fault_anon(vm, ve, va));
}

int
vm_fault(struct vmspace *vm, vaddr_t va, int prot)
{
	int error;

	vm_nfaults++;
	rw_enter_write(&vm->vm_lock);
	error = fault_locked(vm, trunc_page(va), prot);
	rw_exit(&vm->vm_lock);
	switch (error) {
	case 0:
		return (0);
	case ENOMEM:
		if (vm_reclaim())
			return (0);	/* it is tried again */
		if (curproc == initproc) {
			/* it outlives those who have the memory */
			vm_page_wait();
			return (0);
		}
		printf("out of memory: %s (pid %d) is killed\n",
		    curproc->p_comm, curproc->p_pid);
		return (SIGKILL);
	case EFAULT:
		return (SIGBUS);
	default:
		return (SIGSEGV);
	}
}

/* --- memory for devices ---------------------------------------------------------- */

#define WIRE_TRIES	4	/* others may take away what we have made */

/*
 * The page of va with a reference; EFAULT, ENOMEM.  The lock is held for
 * reading, and given up where the page must be made.
 */
static int
wire_page(struct vmspace *vm, vaddr_t va, int prot, paddr_t *pap)
{
	int cur, error, tries = 0;

	while (!pmap_extract(vm->vm_pmap, va, pap, &cur) || (prot & ~cur)) {
		if (tries++ == WIRE_TRIES)
			return (EFAULT);
		rw_exit(&vm->vm_lock);
		rw_enter_write(&vm->vm_lock);
		error = fault_locked(vm, va, prot);
		rw_exit(&vm->vm_lock);
		rw_enter_read(&vm->vm_lock);
		if (error != 0)
			return (error == EACCES ? EFAULT : error);
	}
	vm_page_ref(*pap);
	return (0);
}

/* The piece continues the last one, or is one of its own, if there is room. */
static bool
wire_add(struct iovec *iov, u_int max, u_int *niov, size_t most, char *p,
    size_t n)
{
	struct iovec *last = &iov[*niov - 1];

	if (*niov > 0 && (char *)last->iov_base + last->iov_len == p &&
	    n <= most - MIN(last->iov_len, most))
		last->iov_len += n;
	else if (*niov < max)
		iov[(*niov)++] = (struct iovec){ p, n };
	else
		return (false);
	return (true);
}

int
vm_wire(struct vmspace *vm, vaddr_t va, size_t *lenp, int prot,
    struct iovec *iov, u_int max, size_t most, u_int *niov)
{
	size_t done, n;
	paddr_t pa;
	int error = 0;

	*niov = 0;
	if (va >= VM_MAX_USER || *lenp > VM_MAX_USER - va)
		return (EFAULT);
	rw_enter_read(&vm->vm_lock);
	for (done = 0; done < *lenp; done += n) {
		error = wire_page(vm, trunc_page(va + done), prot, &pa);
		if (error != 0)
			break;
		n = MIN(*lenp - done, PAGE_SIZE - ((va + done) & PAGE_MASK));
		if (!wire_add(iov, max, niov, most, (char *)vm_direct(pa) +
		    ((va + done) & PAGE_MASK), n)) {
			vm_page_unref(pa);
			break;
		}
	}
	rw_exit(&vm->vm_lock);
	*lenp = done;
	return (done > 0 ? 0 : error);
}

static void
unwire_piece(vaddr_t va, size_t len)
{
	vaddr_t end = va + len;

	for (va = trunc_page(va); va < end; va += PAGE_SIZE)
		vm_page_unref(vm_direct_pa((void *)va));
}

void
vm_unwire(struct iovec *iov, u_int niov)
{
	u_int i;

	for (i = 0; i < niov; i++)
		unwire_piece((vaddr_t)iov[i].iov_base, iov[i].iov_len);
}

void
vm_unwire_end(struct iovec *iov, u_int *niov, size_t len)
{
	struct iovec *last;
	vaddr_t end;
	size_t n;

	for (; len > 0; len -= n) {
		last = &iov[*niov - 1];
		n = MIN(len, last->iov_len);
		end = (vaddr_t)last->iov_base + last->iov_len;
		last->iov_len -= n;
		/* the page of what is left stays */
		if (last->iov_len != 0)
			unwire_piece(round_page(end - n),
			    end - MIN(end, round_page(end - n)));
		else {
			unwire_piece(end - n, n);
			--*niov;
		}
	}
}

/* --- variables --------------------------------------------------------------------- */

static int
sysctl_bytes(void *arg, char *buf, size_t size)
{
	uint64_t (*pages)(void) = (uint64_t (*)(void))(vaddr_t)arg;

	return (snprintf(buf, size, "%llu",
	    (unsigned long long)ptoa(pages())));
}

static int
sysctl_counter(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%llu",
	    *(unsigned long long *)arg));
}

static struct sysctl_oid vm_oids[] = {
	{ .so_name = "hw.physmem", .so_read = sysctl_bytes,
	    .so_arg = (void *)(vaddr_t)vm_page_total },
	{ .so_name = "vm.free", .so_read = sysctl_bytes,
	    .so_arg = (void *)(vaddr_t)vm_page_avail },
	{ .so_name = "vm.faults", .so_read = sysctl_counter,
	    .so_arg = &vm_nfaults },
	{ .so_name = "vm.copies", .so_read = sysctl_counter,
	    .so_arg = &vm_ncopies },
};

void
vm_sysctl_init(void)
{
	u_int i;

	for (i = 0; i < nitems(vm_oids); i++)
		(void)sysctl_register(&vm_oids[i]);
}

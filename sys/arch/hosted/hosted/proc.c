/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the tested sources ask of processes, where there are none: user memory
 * is the test's own, and signals are only remembered.
 */

#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <machine/host.h>
#include <vm/vm_map.h>

struct mutex	proc_lock = MUTEX_INITIALIZER(IPL_HIGH);
struct proclist	allprocs = LIST_HEAD_INITIALIZER(allprocs);
struct proc	*initproc;
int		hosted_signal;		/* the last one sent */
pid_t		hosted_signal_group;

struct proc *
proc_find(pid_t pid)
{
	struct proc *p;

	LIST_FOREACH(p, &allprocs, p_all) {
		if (p->p_pid == pid)
			break;
	}
	return (p);
}

void
psignal_locked(struct proc *p __unused, int sig,
    const struct ksiginfo *ksi __unused)
{
	hosted_signal = sig;
}

void
psignal(struct proc *p __unused, int sig)
{
	hosted_signal = sig;
}

void
pgsignal(pid_t pgid, int sig)
{
	hosted_signal = sig;
	hosted_signal_group = pgid;
}

bool
sig_ignored(struct proc *p __unused, int sig __unused)
{
	return (false);
}

bool
sig_waiting(void)
{
	return (curthread->td_interrupted);
}

/* The first page is nobody's, as in a program. */
static bool
user_bad(const void *user, size_t n)
{
	return ((uintptr_t)user < VM_MIN_USER ||
	    (uintptr_t)user > VM_MAX_USER - n);
}

int
copyin(const void *user, void *buf, size_t n)
{
	if (user_bad(user, n))
		return (EFAULT);
	memcpy(buf, user, n);
	return (0);
}

int
copyout(const void *buf, void *user, size_t n)
{
	if (user_bad(user, n))
		return (EFAULT);
	memcpy(user, buf, n);
	return (0);
}

/* Each second page continues the one before, so that both cases are seen. */
int
vm_wire(struct vmspace *vm __unused, vaddr_t va, size_t *lenp,
    int prot __unused, struct iovec *iov, u_int max, size_t most, u_int *niov)
{
	size_t done, n;
	bool more;

	if (user_bad((void *)va, *lenp))
		return (EFAULT);
	*niov = 0;
	for (done = 0; done < *lenp; done += n) {
		n = MIN(*lenp - done, PAGE_SIZE - ((va + done) & PAGE_MASK));
		more = *niov > 0 && ((va + done) / PAGE_SIZE) % 2 == 1 &&
		    iov[*niov - 1].iov_len + n <= most;
		if (more)
			iov[*niov - 1].iov_len += n;
		else if (*niov < max)
			iov[(*niov)++] = (struct iovec){ (void *)(va + done),
			    n };
		else
			break;
	}
	*lenp = done;
	return (0);
}

void
vm_unwire(struct iovec *iov __unused, u_int niov __unused)
{
}

void
vm_unwire_end(struct iovec *iov, u_int *niov, size_t len)
{
	size_t n;

	for (; len > 0; len -= n) {
		n = MIN(len, iov[*niov - 1].iov_len);
		iov[*niov - 1].iov_len -= n;
		if (iov[*niov - 1].iov_len == 0)
			--*niov;
	}
}

uint64_t
vm_size(struct vmspace *vm __unused)
{
	return (0);
}

void
vmspace_ref(struct vmspace *vm __unused)
{
}

void
vmspace_unref(struct vmspace *vm __unused)
{
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What an exception means to the kernel, whatever the machine calls it; and
 * the memory of programs, which the kernel reaches by taking the faults.
 */

#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <arch/common/common.h>
#include <machine/cpu.h>
#include <vm/pmap.h>
#include <vm/vm_map.h>

/* the machine's: a fault in it goes on at user_copy_fault, which is EFAULT */
int		user_copy(void *, const void *, size_t);
extern char	user_copy_end[], user_copy_fault[];

static bool
in_user_copy(const struct trapframe *tf)
{
	return (frame_pc(tf) >= (vaddr_t)user_copy &&
	    frame_pc(tf) < (vaddr_t)user_copy_end);
}

bool
trap_user_copy(struct trapframe *tf)
{
	if (!in_user_copy(tf))
		return (false);
	frame_setpc(tf, (vaddr_t)user_copy_fault);
	return (true);
}

bool
trap_fault(struct trapframe *tf, vaddr_t va, int prot)
{
	int sig = SIGSEGV;

	if (!frame_user(tf) && (va >= VM_MAX_USER ||
	    curthread->td_proc == NULL || !in_user_copy(tf)))
		return (false);
	/* it may sleep for memory: nothing is held by user_copy */
	if (va < VM_MAX_USER)
		sig = vm_fault(curthread->td_proc->p_vm, va, prot);
	if (sig == 0)
		return (true);
	if (frame_user(tf))
		proc_trap(tf, sig, va);
	else {
		(void)trap_user_copy(tf);
		if (sig == SIGKILL)
			psignal(curthread->td_proc, sig);
	}
	return (true);
}

void
trap_userret(struct trapframe *tf)
{
	for (;;) {
		intr_off();
		if (!userret_wanted())
			break;
		intr_on();
		userret(tf);
	}
}

/* --- user memory -------------------------------------------------------------------- */

static int
user_move(void *to, const void *from, size_t n, const void *user)
{
	int error;

	if ((vaddr_t)user >= VM_MAX_USER || n > VM_MAX_USER - (vaddr_t)user)
		return (EFAULT);
	user_access_on();
	error = user_copy(to, from, n);
	user_access_off();
	return (error);
}

int
copyin(const void *user, void *kaddr, size_t n)
{
	return (user_move(kaddr, user, n, user));
}

int
copyout(const void *kaddr, void *user, size_t n)
{
	return (user_move(user, kaddr, n, user));
}

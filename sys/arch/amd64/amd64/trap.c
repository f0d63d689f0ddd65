/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Exceptions, interrupts and system calls, as vector.S hands them over.
 */

#include <sys/md.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <arch/common/common.h>
#include <machine/cpu.h>
#include <machine/trap.h>
#include <vm/pmap.h>

extern char	syscall_entry[], msr_read[], msr_write[], msr_fault[];
void		trap(struct trapframe *);
int		syscall_trap(struct trapframe *);

static const char *const trap_name[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound",
	"invalid instruction", "no FPU", "double fault", "", "invalid TSS",
	"segment not present", "stack fault", "general protection",
	"page fault", "", "FPU error", "alignment", "machine check",
	"SIMD error", "virtualization", "control protection"
};

static inline uint64_t
read_cr2(void)
{
	uint64_t v;

	__asm volatile("movq %%cr2, %0" : "=r" (v));
	return (v);
}

static void __noreturn
trap_fatal(struct trapframe *tf, uint64_t cr2)
{
	const char *name = tf->tf_trapno < nitems(trap_name) ?
	    trap_name[tf->tf_trapno] : "trap";

	splraise(IPL_HIGH);
	printf("%s %lu, error %#lx, address %#lx, in %s\n", name,
	    tf->tf_trapno, tf->tf_err, cr2, curthread->td_name);
	printf("rip %016lx rsp %016lx flags %08lx\n"
	    "rax %016lx rbx %016lx rcx %016lx rdx %016lx\n"
	    "rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n"
	    "r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n"
	    "r13 %016lx r14 %016lx r15 %016lx\n", tf->tf_rip, tf->tf_rsp,
	    tf->tf_rflags, tf->tf_rax, tf->tf_rbx, tf->tf_rcx, tf->tf_rdx,
	    tf->tf_rsi, tf->tf_rdi, tf->tf_rbp, tf->tf_r8, tf->tf_r9,
	    tf->tf_r10, tf->tf_r11, tf->tf_r12, tf->tf_r13, tf->tf_r14,
	    tf->tf_r15);
	backtrace(tf->tf_rip, (const vaddr_t *)tf->tf_rbp);
	panic("%s in the kernel", name);
}

/* --- exceptions ------------------------------------------------------------------ */

static int
trap_signal(u_int trapno)
{
	switch (trapno) {
	case T_DIVIDE:
	case T_FPU:
	case T_SIMD:
		return (SIGFPE);
	case T_DEBUG:
	case T_BREAKPOINT:
		return (SIGTRAP);
	case T_INVALIDOP:
		return (SIGILL);
	case T_ALIGNMENT:
		return (SIGBUS);
	default:
		return (SIGSEGV);
	}
}

/*
 * A hypervisor that emulates the kernel may carry out SYSCALL but for the
 * change of privilege: then its entry faults on the first instruction, and
 * that is the system call.  To a program that jumps there it is one too.
 */
static void
trap_syscall(struct trapframe *tf)
{
	tf->tf_rip = tf->tf_rcx;
	tf->tf_rflags = (tf->tf_r11 & PSL_USERMASK) | PSL_USER;
	tf->tf_trapno = tf->tf_rax;
	curthread->td_fullframe = false;
	linux_syscall(tf);
}

/* A register of a hypervisor's that is not there: see msr.S. */
static bool
trap_msr(struct trapframe *tf)
{
	if (tf->tf_trapno != T_PROTECTION ||
	    (tf->tf_rip != (vaddr_t)msr_read &&
	    tf->tf_rip != (vaddr_t)msr_write))
		return (false);
	tf->tf_rip = (vaddr_t)msr_fault;
	return (true);
}

static void
trap_pagefault(struct trapframe *tf, vaddr_t va)
{
	int prot;

	if (frame_user(tf) && cpu_emulated &&
	    va == (vaddr_t)syscall_entry && tf->tf_rip == va &&
	    tf->tf_rcx < VM_MAX_USER) {
		trap_syscall(tf);
		return;
	}
	prot = tf->tf_err & PF_FETCH ? PROT_EXEC :
	    tf->tf_err & PF_WRITE ? PROT_WRITE : PROT_READ;
	if ((tf->tf_err & PF_RESERVED) || !trap_fault(tf, va, prot))
		trap_fatal(tf, va);
}

void
trap(struct trapframe *tf)
{
	bool user = frame_user(tf);
	uint64_t cr2 = 0;

	user_access_off();
	if (tf->tf_trapno >= V_DEVICE) {
		intr_dispatch(tf->tf_trapno);
	} else if (tf->tf_trapno == T_NMI ||
	    tf->tf_trapno == T_DOUBLEFAULT ||
	    tf->tf_trapno == T_MACHINECHECK || tf->tf_trapno >= 32) {
		trap_fatal(tf, read_cr2());
	} else {
		if (tf->tf_trapno == T_PAGEFAULT)
			cr2 = read_cr2();
		if (user) {
			curcpu()->ci_ipl = IPL_NONE;
			intr_on();
		} else if (tf->tf_rflags & PSL_I)
			intr_on();
		if (tf->tf_trapno == T_PAGEFAULT)
			trap_pagefault(tf, cr2);
		else if (user)
			proc_trap(tf, trap_signal(tf->tf_trapno),
			    tf->tf_rip);
		else if (!trap_user_copy(tf) && !trap_msr(tf))
			trap_fatal(tf, cr2);
	}
	if (user)
		trap_userret(tf);
	intr_off();
}

/* Returns whether the frame must be restored whole. */
int
syscall_trap(struct trapframe *tf)
{
	tf->tf_trapno = tf->tf_rax;
	curthread->td_fullframe = false;
	linux_syscall(tf);
	trap_userret(tf);
	return (curthread->td_fullframe);
}

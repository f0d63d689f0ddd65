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
#include <machine/machdep.h>
#include <vm/pmap.h>

/* ESR_EL1: Arm ARM D24.2.40 */
#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define EC_UNKNOWN	0x00
#define EC_FP		0x07		/* SVE, SME too */
#define EC_ILLEGAL	0x0e
#define EC_SVC		0x15
#define EC_MSR		0x18
#define EC_IABORT_USER	0x20
#define EC_IABORT	0x21
#define EC_PC_ALIGN	0x22
#define EC_DABORT_USER	0x24
#define EC_DABORT	0x25
#define EC_SP_ALIGN	0x26
#define EC_FP_EXC	0x2c
#define EC_SERROR	0x2f
#define EC_BREAK_USER	0x30
#define EC_STEP_USER	0x32
#define EC_WATCH_USER	0x34
#define EC_BRK		0x3c
#define ESR_WNR		0x40		/* data abort: a write */
#define ESR_CM		0x100		/* of a cache instruction */
#define ESR_FSC(esr)	((esr) & 0x3f)
#define FSC_ALIGN	0x21
/* address size, translation, access flag, permission: 0x00 to 0x0f */
#define FSC_PAGE	0x10

void	trap_kernel(struct trapframe *);
void	trap_user(struct trapframe *);
void	trap_irq(struct trapframe *);
void	trap_bad(struct trapframe *) __noreturn;

static void __noreturn
trap_fatal(struct trapframe *tf, const char *what)
{
	u_int i;

	splraise(IPL_HIGH);
	printf("%s, esr %#lx, address %#lx, in %s\n", what, tf->tf_esr,
	    tf->tf_far, curthread->td_name);
	printf("pc  %016lx sp  %016lx lr  %016lx spsr %08lx\n", tf->tf_elr,
	    tf->tf_sp, tf->tf_x[30], tf->tf_spsr);
	for (i = 0; i < 30; i++)
		printf("x%-2u %016lx%s", i, tf->tf_x[i],
		    i % 4 == 3 || i == 29 ? "\n" : " ");
	backtrace(tf->tf_elr, (const vaddr_t *)tf->tf_x[29]);
	panic("%s in the kernel", what);
}

void
trap_bad(struct trapframe *tf)
{
	trap_fatal(tf, tf->tf_sp < curcpu()->ci_stacklow + TF_SIZE + 512 &&
	    !frame_user(tf) ? "stack overflow" : "unexpected exception");
}

/* What an abort wanted.  A cache instruction reads, whatever WnR says. */
static int
abort_prot(uint64_t esr)
{
	u_int ec = ESR_EC(esr);

	if (ec == EC_IABORT || ec == EC_IABORT_USER)
		return (PROT_EXEC);
	return ((esr & (ESR_WNR | ESR_CM)) == ESR_WNR ? PROT_WRITE :
	    PROT_READ);
}

void
trap_kernel(struct trapframe *tf)
{
	u_int ec = ESR_EC(tf->tf_esr);

	if (!(tf->tf_spsr & SPSR_I))
		intr_on();
	if (ec == EC_DABORT && ESR_FSC(tf->tf_esr) < FSC_PAGE) {
		if (!trap_fault(tf, tf->tf_far, abort_prot(tf->tf_esr)))
			trap_fatal(tf, "page fault");
	} else if (!trap_user_copy(tf))
		trap_fatal(tf, ec == EC_BRK ? "breakpoint" : "exception");
	intr_off();
}

static int
trap_signal(u_int ec, uint64_t esr)
{
	switch (ec) {
	case EC_UNKNOWN:
	case EC_ILLEGAL:
	case EC_MSR:
	case EC_FP:
		return (SIGILL);
	case EC_BRK:
	case EC_BREAK_USER:
	case EC_STEP_USER:
	case EC_WATCH_USER:
		return (SIGTRAP);
	case EC_FP_EXC:
		return (SIGFPE);
	case EC_PC_ALIGN:
	case EC_SP_ALIGN:
		return (SIGBUS);
	case EC_DABORT_USER:
	case EC_IABORT_USER:
		return (ESR_FSC(esr) == FSC_ALIGN ? SIGBUS : SIGSEGV);
	default:
		return (SIGILL);
	}
}

void
trap_user(struct trapframe *tf)
{
	u_int ec = ESR_EC(tf->tf_esr);
	bool page = (ec == EC_DABORT_USER || ec == EC_IABORT_USER) &&
	    ESR_FSC(tf->tf_esr) < FSC_PAGE;

	curcpu()->ci_ipl = IPL_NONE;
	intr_on();
	if (ec == EC_SVC) {
		curthread->td_fullframe = false;
		linux_syscall(tf);
	} else if (page)
		(void)trap_fault(tf, tf->tf_far, abort_prot(tf->tf_esr));
	else
		proc_trap(tf, trap_signal(ec, tf->tf_esr),
		    ec == EC_DABORT_USER || ec == EC_IABORT_USER ||
		    ec == EC_PC_ALIGN ? tf->tf_far : tf->tf_elr);
	trap_userret(tf);
}

void
trap_irq(struct trapframe *tf)
{
	if (frame_user(tf))
		curcpu()->ci_ipl = IPL_NONE;
	intr_irq();
	if (frame_user(tf))
		trap_userret(tf);
}

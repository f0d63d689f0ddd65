/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Exceptions, interrupts and system calls, as vector.S hands them over.
 */

#include <sys/ksyms.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <arch/common/common.h>
#include <machine/cpu.h>
#include <machine/machdep.h>
#include <vm/pmap.h>

/* scause: RISC-V privileged architecture, Supervisor Cause Register */
#define CAUSE_INTR		(1UL << 63)
#define CAUSE_FETCH_ALIGN	0
#define CAUSE_FETCH		1
#define CAUSE_ILLEGAL		2
#define CAUSE_BREAK		3
#define CAUSE_LOAD_ALIGN	4
#define CAUSE_LOAD		5
#define CAUSE_STORE_ALIGN	6
#define CAUSE_STORE		7
#define CAUSE_ECALL_USER	8
#define CAUSE_FETCH_PAGE	12
#define CAUSE_LOAD_PAGE		13
#define CAUSE_STORE_PAGE	15

void	trap_kernel(struct trapframe *);
void	trap_user(struct trapframe *);
void	trap_irq(struct trapframe *);
void	trap_overflow(struct trapframe *) __noreturn;

static const char *const trap_names[] = {
	[CAUSE_FETCH_ALIGN] = "misaligned jump", [CAUSE_FETCH] = "fetch fault",
	[CAUSE_ILLEGAL] = "illegal instruction", [CAUSE_BREAK] = "breakpoint",
	[CAUSE_LOAD_ALIGN] = "misaligned load", [CAUSE_LOAD] = "load fault",
	[CAUSE_STORE_ALIGN] = "misaligned store",
	[CAUSE_STORE] = "store fault", [CAUSE_FETCH_PAGE] = "page fault",
	[CAUSE_LOAD_PAGE] = "page fault", [CAUSE_STORE_PAGE] = "page fault",
};

static const char *
trap_name(uint64_t cause)
{
	if (cause >= nitems(trap_names) || trap_names[cause] == NULL)
		return ("exception");
	return (trap_names[cause]);
}

static bool
in_text(vaddr_t va)
{
	return (va >= (vaddr_t)__text_start && va < (vaddr_t)__text_end);
}

static bool
same_function(vaddr_t a, vaddr_t b)
{
	const char *name;
	u_long aoff, boff;

	return (ksym_lookup(a, &name, &aoff) &&
	    ksym_lookup(b, &name, &boff) && a - aoff == b - boff);
}

/*
 * A function that calls none, and a jump to nowhere, leave where they return
 * to in ra; the frame is then the caller's, or has but the frame pointer, in
 * the place where others have where they return to.
 */
static void
trap_backtrace(const struct trapframe *tf)
{
	vaddr_t pc = tf->tf_reg[REG_PC], ra = tf->tf_reg[REG_RA];
	vaddr_t s0 = tf->tf_reg[REG_S0];
	const vaddr_t *fp = (const vaddr_t *)s0;
	paddr_t pa;

	if ((s0 & 15) == 0 && s0 > VM_DIRECT_BASE &&
	    pmap_kextract(s0 - 8, &pa) && in_text(ra) &&
	    FRAME_RETURN(fp) != ra && !same_function(pc, ra - 1)) {
		backtrace(pc, NULL);
		pc = ra - 1;
		if (!in_text(FRAME_RETURN(fp)))
			fp = (const vaddr_t *)FRAME_RETURN(fp);
	}
	backtrace(pc, fp);
}

static void __noreturn
trap_fatal(const struct trapframe *tf, const char *what)
{
	static const char *const names[] = {
		"pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1",
		"a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s3",
		"s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
		"t5", "t6",
	};
	u_int i;

	splraise(IPL_HIGH);
	printf("%s, scause %#lx, address %#lx, in %s\n", what, tf->tf_scause,
	    tf->tf_stval, curthread->td_name);
	printf("sstatus %#lx\n", tf->tf_sstatus);
	for (i = 0; i < nitems(names); i++)
		printf("%-3s %016lx%s", names[i], tf->tf_reg[i],
		    i % 4 == 3 ? "\n" : " ");
	trap_backtrace(tf);
	panic("%s in the kernel", what);
}

void
trap_overflow(struct trapframe *tf)
{
	trap_fatal(tf, "stack overflow");
}

static bool
is_page_fault(uint64_t cause)
{
	return (cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE ||
	    cause == CAUSE_STORE_PAGE);
}

static int
page_prot(uint64_t cause)
{
	return (cause == CAUSE_FETCH_PAGE ? PROT_EXEC :
	    cause == CAUSE_STORE_PAGE ? PROT_WRITE : PROT_READ);
}

void
trap_kernel(struct trapframe *tf)
{
	uint64_t cause = tf->tf_scause;

	if (tf->tf_sstatus & SSTATUS_SPIE)
		intr_on();
	if (is_page_fault(cause)) {
		if (!trap_fault(tf, tf->tf_stval, page_prot(cause)))
			trap_fatal(tf, "page fault");
	} else if (!trap_user_copy(tf))
		trap_fatal(tf, trap_name(cause));
	intr_off();
}

static int
trap_signal(uint64_t cause)
{
	switch (cause) {
	case CAUSE_BREAK:
		return (SIGTRAP);
	case CAUSE_FETCH_ALIGN:
	case CAUSE_LOAD_ALIGN:
	case CAUSE_STORE_ALIGN:
		return (SIGBUS);
	case CAUSE_FETCH:
	case CAUSE_LOAD:
	case CAUSE_STORE:
		return (SIGSEGV);
	default:
		return (SIGILL);
	}
}

void
trap_user(struct trapframe *tf)
{
	uint64_t cause = tf->tf_scause;

	curcpu()->ci_ipl = IPL_NONE;
	intr_on();
	if (cause == CAUSE_ECALL_USER) {
		tf->tf_reg[REG_PC] += 4;
		curthread->td_fullframe = false;
		linux_syscall(tf);
	} else if (is_page_fault(cause))
		(void)trap_fault(tf, tf->tf_stval, page_prot(cause));
	else
		proc_trap(tf, trap_signal(cause),
		    cause == CAUSE_ILLEGAL || cause == CAUSE_BREAK ?
		    tf->tf_reg[REG_PC] : tf->tf_stval);
	trap_userret(tf);
}

void
trap_irq(struct trapframe *tf)
{
	if (frame_user(tf))
		curcpu()->ci_ipl = IPL_NONE;
	intr_irq(tf->tf_scause & ~CAUSE_INTR);
	if (frame_user(tf))
		trap_userret(tf);
}

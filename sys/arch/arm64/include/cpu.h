/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_CPU_H_
#define _MACHINE_CPU_H_

#include <sys/types.h>
#include <machine/asm.h>

struct thread;

/* The registers of what was interrupted, as vector.S stores them. */
struct trapframe {
	uint64_t	tf_x[31];
	uint64_t	tf_sp, tf_elr, tf_spsr;
	uint64_t	tf_esr, tf_far;
	uint64_t	tf_x0;		/* a system call's first argument */
	uint64_t	tf_spare;
};

struct cpu_info {
	struct cpu_info	*ci_self;
	struct thread	*ci_curthread;
	uint64_t	 ci_stacklow;	/* of the current thread */
	uint64_t	 ci_sparetop;	/* a stack for when that one is full */
	struct thread	*ci_idle;
	u_int		 ci_ipl;
	u_int		 ci_intrdepth;
	u_int		 ci_softpending;
	bool		 ci_resched;
	u_int		 ci_number;
	uint64_t	 ci_mpidr;	/* affinity fields */
	uint64_t	 ci_timer;	/* what the clock is set to, 0: off */
};

static inline struct cpu_info *
curcpu(void)
{
	struct cpu_info *ci;

	__asm volatile("mrs %0, tpidr_el1" : "=r" (ci));
	return (ci);
}

static inline struct thread *
curthread_get(void)
{
	struct thread *td;

	/* volatile: a thread may have moved to another CPU since */
	__asm volatile("ldr %0, [%1, %2]" : "=r" (td) : "r" (curcpu()),
	    "i" (CI_CURTHREAD));
	return (td);
}
#define curthread	curthread_get()

#define CPU_BUSY_CYCLE()	__asm volatile("yield" ::: "memory")

/* floating point and vector registers of a program */
struct fpu_state {
	uint64_t	fs_v[32][2];
	uint32_t	fs_fpsr, fs_fpcr;
};

/* What the scheduler switches: the stack holds the rest. */
struct md_context {
	uint64_t	 mc_sp;
	uint64_t	 mc_tpidr;	/* the program's thread pointer */
	struct fpu_state *mc_fpu;	/* user threads only */
};

#define READ_SYSREG(name)						\
	({ uint64_t v_; __asm volatile("mrs %0, " #name : "=r" (v_) ::	\
	    "memory"); v_; })
#define WRITE_SYSREG(name, v)						\
	__asm volatile("msr " #name ", %0" :: "r" ((uint64_t)(v)) : "memory")
#define isb()	__asm volatile("isb" ::: "memory")

#define SPSR_EL0	0x00000000UL	/* AArch64, all exceptions taken */
#define SPSR_EL1H	0x00000005UL
#define SPSR_MODE	0x0000001fUL
#define SPSR_I		0x00000080UL
#define SPSR_NZCV	0xf0000000UL

/* IRQ only: nothing here uses FIQ, and an SError is the end */
static inline void
intr_on(void)
{
	__asm volatile("msr daifclr, #2" ::: "memory");
}

static inline void
intr_off(void)
{
	__asm volatile("msr daifset, #2" ::: "memory");
}

static inline bool
intr_enabled(void)
{
	return (!(READ_SYSREG(daif) & SPSR_I));
}

/* --- what sys/arch/common asks ---------------------------------------------- */

static inline vaddr_t
frame_pc(const struct trapframe *tf)
{
	return (tf->tf_elr);
}

static inline void
frame_setpc(struct trapframe *tf, vaddr_t pc)
{
	tf->tf_elr = pc;
}

static inline bool
frame_user(const struct trapframe *tf)
{
	return ((tf->tf_spsr & SPSR_MODE) == SPSR_EL0);
}

/* where a frame pointer leads */
#define FRAME_NEXT(fp)		((fp)[0])
#define FRAME_RETURN(fp)	((fp)[1])

extern bool	cpu_has_pan;

/* S0_0_C4_C0_4 and _C1_4: MSR PAN, which older assemblers do not know */
static inline void
user_access_on(void)
{
	if (cpu_has_pan)
		__asm volatile(".inst 0xd500409f" ::: "memory");
}

static inline void
user_access_off(void)
{
	if (cpu_has_pan)
		__asm volatile(".inst 0xd500419f" ::: "memory");
}

/* cpu.c */
extern struct cpu_info	cpu_boot;
void	cpu_early_init(struct cpu_info *);
void	fpu_save(struct fpu_state *);
void	fpu_restore(const struct fpu_state *);

#endif /* _MACHINE_CPU_H_ */

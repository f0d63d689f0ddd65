/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_CPU_H_
#define _MACHINE_CPU_H_

#include <sys/types.h>
#include <machine/asm.h>

struct thread;

/* by number, but for 0, which always reads as such: there is the pc */
#define REG_PC		0
#define REG_RA		1
#define REG_SP		2
#define REG_TP		4
#define REG_S0		8
#define REG_A0		10
#define REG_A1		11
#define REG_A2		12
#define REG_A7		17

/* The registers of what was interrupted, as vector.S stores them. */
struct trapframe {
	uint64_t	tf_reg[32];
	uint64_t	tf_sstatus, tf_scause, tf_stval;
	uint64_t	tf_a0;		/* a system call's first argument */
};

struct cpu_info {
	struct cpu_info	*ci_self;
	struct thread	*ci_curthread;
	uint64_t	 ci_stacklow;	/* of the current thread */
	uint64_t	 ci_sparetop;	/* a stack for when that one is full */
	uint64_t	 ci_ksp;	/* for who comes from a program */
	uint64_t	 ci_scratch;	/* of vector.S */
	struct thread	*ci_idle;
	u_int		 ci_ipl;
	u_int		 ci_intrdepth;
	u_int		 ci_softpending;
	bool		 ci_resched;
	u_int		 ci_number;
	uint64_t	 ci_hartid;
	uint64_t	 ci_timer;	/* what the clock is set to, 0: off */
};

/* in the kernel tp is this, and a program's is in its frame */
static inline struct cpu_info *
curcpu(void)
{
	struct cpu_info *ci;

	__asm volatile("mv %0, tp" : "=r" (ci));
	return (ci);
}

static inline struct thread *
curthread_get(void)
{
	struct thread *td;

	/* volatile: a thread may have moved to another CPU since */
	__asm volatile("ld %0, %1(tp)" : "=r" (td) : "i" (CI_CURTHREAD));
	return (td);
}
#define curthread	curthread_get()

/* PAUSE, which is a hint and a FENCE of nothing to who does not know it */
#define CPU_BUSY_CYCLE()	__asm volatile(".4byte 0x0100000f" ::: "memory")

/* floating point registers of a program */
struct fpu_state {
	uint64_t	fs_f[32];
	uint32_t	fs_fcsr;
};

/* What the scheduler switches: the stack holds the rest. */
struct md_context {
	uint64_t	 mc_sp;
	struct fpu_state *mc_fpu;	/* user threads only */
};

#define READ_CSR(name)							\
	({ uint64_t v_; __asm volatile("csrr %0, " #name : "=r" (v_) ::	\
	    "memory"); v_; })
#define WRITE_CSR(name, v)						\
	__asm volatile("csrw " #name ", %0" :: "r" ((uint64_t)(v)) : "memory")
#define SET_CSR(name, v)						\
	__asm volatile("csrs " #name ", %0" :: "r" ((uint64_t)(v)) : "memory")
#define CLEAR_CSR(name, v)						\
	__asm volatile("csrc " #name ", %0" :: "r" ((uint64_t)(v)) : "memory")

/* interrupts of the processor: causes, and bits of sie and sip */
#define INTR_SOFT	1
#define INTR_TIMER	5
#define INTR_EXTERNAL	9

static inline void
intr_on(void)
{
	__asm volatile("csrsi sstatus, %0" :: "i" (SSTATUS_SIE) : "memory");
}

static inline void
intr_off(void)
{
	__asm volatile("csrci sstatus, %0" :: "i" (SSTATUS_SIE) : "memory");
}

static inline bool
intr_enabled(void)
{
	return ((READ_CSR(sstatus) & SSTATUS_SIE) != 0);
}

/* --- what sys/arch/common asks ---------------------------------------------- */

static inline vaddr_t
frame_pc(const struct trapframe *tf)
{
	return (tf->tf_reg[REG_PC]);
}

static inline void
frame_setpc(struct trapframe *tf, vaddr_t pc)
{
	tf->tf_reg[REG_PC] = pc;
}

static inline bool
frame_user(const struct trapframe *tf)
{
	return (!(tf->tf_sstatus & SSTATUS_SPP));
}

/* where a frame pointer leads: what was saved lies below it */
#define FRAME_NEXT(fp)		((fp)[-2])
#define FRAME_RETURN(fp)	((fp)[-1])

static inline void
user_access_on(void)
{
	SET_CSR(sstatus, SSTATUS_SUM);
}

static inline void
user_access_off(void)
{
	CLEAR_CSR(sstatus, SSTATUS_SUM);
}

/* cpu.c */
extern struct cpu_info	cpu_boot;
extern bool	cpu_has_fpu;
void	cpu_early_init(struct cpu_info *, uint64_t);
void	cpu_features(void);		/* when the tree can be read */
void	fpu_save(struct fpu_state *);
void	fpu_restore(const struct fpu_state *);

#endif /* _MACHINE_CPU_H_ */

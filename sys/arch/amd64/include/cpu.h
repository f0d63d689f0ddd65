/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_CPU_H_
#define _MACHINE_CPU_H_

#include <sys/types.h>
#include <machine/asm.h>

struct thread;

/* The registers of what was interrupted, as vector.S pushes them. */
struct trapframe {
	uint64_t	tf_rdi, tf_rsi, tf_rdx, tf_rcx, tf_rax;
	uint64_t	tf_r8, tf_r9, tf_r10, tf_r11;
	uint64_t	tf_rbx, tf_rbp, tf_r12, tf_r13, tf_r14, tf_r15;
	uint64_t	tf_trapno;	/* a system call: its number */
	uint64_t	tf_err;
	uint64_t	tf_rip, tf_cs, tf_rflags, tf_rsp, tf_ss;
};

/* 64-bit task state segment: stacks for interrupts. */
struct tss {
	uint32_t	tss_rsvd0;
	uint64_t	tss_rsp[3];
	uint64_t	tss_rsvd1;
	uint64_t	tss_ist[7];
	uint64_t	tss_rsvd2;
	uint16_t	tss_rsvd3;
	uint16_t	tss_iomap;
} __packed;

struct cpu_info {
	struct cpu_info	*ci_self;
	struct thread	*ci_curthread;
	uint64_t	 ci_kstack;	/* top of the current thread's */
	uint64_t	 ci_userrsp;	/* scratch of syscall_entry */
	struct thread	*ci_idle;
	u_int		 ci_ipl;
	u_int		 ci_intrdepth;
	u_int		 ci_softpending;
	bool		 ci_resched;
	u_int		 ci_number;
	uint32_t	 ci_apicid;
	uint64_t	 ci_timer;	/* what the clock is set to, 0: off */
	struct tss	 ci_tss;
	uint64_t	 ci_gdt[7];
};

static inline struct cpu_info *
curcpu(void)
{
	struct cpu_info *ci;

	__asm volatile("movq %%gs:0, %0" : "=r" (ci));
	return (ci);
}

static inline struct thread *
curthread_get(void)
{
	struct thread *td;

	/* volatile: a thread may have moved to another CPU since */
	__asm volatile("movq %%gs:8, %0" : "=r" (td));
	return (td);
}
#define curthread	curthread_get()

#define CPU_BUSY_CYCLE()	__asm volatile("pause" ::: "memory")

/* What the scheduler switches: the stack holds the rest. */
struct md_context {
	uint64_t	mc_rsp;
	uint64_t	mc_fsbase;	/* user's, as set by arch_prctl */
	uint64_t	mc_gsbase;
	void		*mc_fpu;	/* user threads only */
};

/* bits of registers, named as in the Intel manual */
#define CR0_MP		(1UL << 1)
#define CR0_EM		(1UL << 2)
#define CR0_TS		(1UL << 3)
#define CR0_NE		(1UL << 5)
#define CR0_WP		(1UL << 16)
#define CR0_AM		(1UL << 18)
#define CR0_PG		(1UL << 31)
#define CR4_PAE		(1UL << 5)
#define CR4_PGE		(1UL << 7)
#define CR4_OSFXSR	(1UL << 9)
#define CR4_OSXMMEXCPT	(1UL << 10)
#define CR4_UMIP	(1UL << 11)
#define CR4_OSXSAVE	(1UL << 18)
#define CR4_SMEP	(1UL << 20)
#define CR4_SMAP	(1UL << 21)
#define MSR_TSC		0x10
#define MSR_APICBASE	0x1b
#define MSR_PAT		0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_EFER	0xc0000080
#define MSR_STAR	0xc0000081
#define MSR_LSTAR	0xc0000082
#define MSR_SFMASK	0xc0000084
#define MSR_FSBASE	0xc0000100
#define MSR_GSBASE	0xc0000101
#define MSR_KGSBASE	0xc0000102
#define EFER_SCE	0x001
#define EFER_NXE	0x800
#define PSL_C		0x001
#define PSL_T		0x100
#define PSL_I		0x200
#define PSL_D		0x400
#define PSL_IOPL	0x3000
#define PSL_NT		0x4000
#define PSL_AC		0x40000
#define PSL_USER	(PSL_I | 0x2)
/* what a program may change in its flags through a signal frame */
#define PSL_USERMASK	0x240dd5

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return ((uint64_t)hi << 32 | lo);
}

static inline void
wrmsr(uint32_t msr, uint64_t v)
{
	__asm volatile("wrmsr" :: "c" (msr), "a" ((uint32_t)v),
	    "d" ((uint32_t)(v >> 32)) : "memory");
}

/*
 * Of a hypervisor, which may not have what it promises: false if there is no
 * such register.  Any context.
 */
bool	rdmsr_safe(uint32_t, uint64_t *);
bool	wrmsr_safe(uint32_t, uint64_t);

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	/* LFENCE: not before earlier loads, such as that of a clock page */
	__asm volatile("lfence; rdtsc" : "=a" (lo), "=d" (hi) :: "memory");
	return ((uint64_t)hi << 32 | lo);
}

static inline void
cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm volatile("cpuid" : "=a" (r[0]), "=b" (r[1]), "=c" (r[2]),
	    "=d" (r[3]) : "a" (leaf), "c" (sub));
}

static inline uint8_t
inb(uint16_t port)
{
	uint8_t v;

	__asm volatile("inb %w1, %0" : "=a" (v) : "Nd" (port) : "memory");
	return (v);
}

static inline uint16_t
inw(uint16_t port)
{
	uint16_t v;

	__asm volatile("inw %w1, %0" : "=a" (v) : "Nd" (port) : "memory");
	return (v);
}

static inline uint32_t
inl(uint16_t port)
{
	uint32_t v;

	__asm volatile("inl %w1, %0" : "=a" (v) : "Nd" (port) : "memory");
	return (v);
}

static inline void
outb(uint16_t port, uint8_t v)
{
	__asm volatile("outb %0, %w1" :: "a" (v), "Nd" (port) : "memory");
}

static inline void
outw(uint16_t port, uint16_t v)
{
	__asm volatile("outw %0, %w1" :: "a" (v), "Nd" (port) : "memory");
}

static inline void
outl(uint16_t port, uint32_t v)
{
	__asm volatile("outl %0, %w1" :: "a" (v), "Nd" (port) : "memory");
}

static inline void intr_on(void) { __asm volatile("sti" ::: "memory"); }
static inline void intr_off(void) { __asm volatile("cli" ::: "memory"); }

static inline bool
intr_enabled(void)
{
	uint64_t fl;

	__asm volatile("pushfq; popq %0" : "=r" (fl));
	return ((fl & PSL_I) != 0);
}

/* --- what sys/arch/common asks ---------------------------------------------- */

static inline vaddr_t
frame_pc(const struct trapframe *tf)
{
	return (tf->tf_rip);
}

static inline void
frame_setpc(struct trapframe *tf, vaddr_t pc)
{
	tf->tf_rip = pc;
}

static inline bool
frame_user(const struct trapframe *tf)
{
	return ((tf->tf_cs & 3) != 0);
}

/* where a frame pointer leads */
#define FRAME_NEXT(fp)		((fp)[0])
#define FRAME_RETURN(fp)	((fp)[1])

extern bool	cpu_has_smap;

static inline void
user_access_on(void)
{
	if (cpu_has_smap)
		__asm volatile("stac" ::: "memory");
}

static inline void
user_access_off(void)
{
	if (cpu_has_smap)
		__asm volatile("clac" ::: "memory");
}

/* cpu.c */
extern struct cpu_info	cpu_boot;
extern uint32_t		cpu_feature_ecx, cpu_feature_edx;	/* leaf 1 */
extern uint32_t		cpu_feature_7ebx;
extern bool		cpu_has_gbpages;
extern bool		cpu_emulated;	/* by the instruction: see cpu.c */
void	cpu_early_init(struct cpu_info *);
extern size_t		fpu_size;	/* bytes of state, 512 or more */
void	fpu_init_state(void *);
int	md_arch_prctl(u_long, u_long);

#endif /* _MACHINE_CPU_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The processor: descriptor tables, features, floating point state, the
 * switch between threads.
 */

#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <machine/cpu.h>
#include <machine/trap.h>
#include <vm/pmap.h>

_Static_assert(offsetof(struct cpu_info, ci_self) == CI_SELF, "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_curthread) == CI_CURTHREAD,
    "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_kstack) == CI_KSTACK, "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_userrsp) == CI_USERRSP, "asm.h");

struct cpu_info	cpu_boot;
uint32_t	cpu_feature_ecx, cpu_feature_edx, cpu_feature_7ebx;
bool		cpu_has_gbpages, cpu_has_smap;
size_t		fpu_size;
bool		cpu_emulated;
static bool	cpu_has_xsave;
static uint64_t	xcr0;

#define CPUID1_ECX_XSAVE	(1U << 26)
#define CPUID7_EBX_SMEP		(1U << 7)
#define CPUID7_EBX_SMAP		(1U << 20)
#define CPUID7_ECX_UMIP		(1U << 2)
#define CPUID81_EDX_NX		(1U << 20)
#define CPUID81_EDX_1GB		(1U << 26)

extern char	vector_stubs[], syscall_entry[], thread_start[];
extern char	boot_stack_top[];
void		cpu_switch(struct md_context *, struct md_context *);

struct gate {
	uint16_t	g_off0;
	uint16_t	g_sel;
	uint8_t		g_ist;
	uint8_t		g_type;
	uint16_t	g_off1;
	uint32_t	g_off2;
	uint32_t	g_rsvd;
};
static struct gate	idt[256];

struct pseudo_desc {
	uint16_t	pd_limit;
	uint64_t	pd_base;
} __packed;

static char	ist_stack[3][PAGE_SIZE] __aligned(16);

/* --- descriptor tables ------------------------------------------------------- */

static void
gdt_init(struct cpu_info *ci)
{
	struct pseudo_desc pd = { sizeof(ci->ci_gdt) - 1,
	    (vaddr_t)ci->ci_gdt };
	vaddr_t tss = (vaddr_t)&ci->ci_tss;

	ci->ci_gdt[1] = 0x00af9b000000ffffULL;		/* kernel code */
	ci->ci_gdt[2] = 0x00cf93000000ffffULL;		/* kernel data */
	ci->ci_gdt[3] = 0x00cff3000000ffffULL;		/* user data */
	ci->ci_gdt[4] = 0x00affb000000ffffULL;		/* user code */
	ci->ci_gdt[5] = (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 |
	    0x89ULL << 40 | (tss >> 24 & 0xff) << 56;
	ci->ci_gdt[6] = tss >> 32;
	ci->ci_tss.tss_iomap = sizeof(struct tss);
	__asm volatile("lgdt %0" :: "m" (pd));
	__asm volatile("ltr %w0" :: "r" (GSEL_TSS));
}

static void
idt_init(void)
{
	struct pseudo_desc pd = { sizeof(idt) - 1, (vaddr_t)idt };
	vaddr_t stub;
	u_int v;

	for (v = 0; v < 256; v++) {
		stub = (vaddr_t)vector_stubs + v * 16;
		idt[v] = (struct gate){ stub, GSEL_KCODE, 0, 0x8e,
		    stub >> 16, stub >> 32, 0 };
	}
	idt[T_BREAKPOINT].g_type = 0xee;	/* INT3 of a program */
	idt[T_NMI].g_ist = 1;
	idt[T_DOUBLEFAULT].g_ist = 2;
	idt[T_MACHINECHECK].g_ist = 3;
	__asm volatile("lidt %0" :: "m" (pd));
}

/* --- features ------------------------------------------------------------------ */

/*
 * Some hypervisors without hardware support run a kernel by emulating each
 * instruction, and know only the common ones: not those that save the
 * floating point state at once, nor STAC and CLAC.  Nothing tells but the
 * pace: a turn of a loop takes thousands of cycles there.
 */
#define EMULATED_CYCLES	300
#define EMULATED_TURNS	128

static bool
cpu_emulates(void)
{
	uint64_t best = UINT64_MAX, start;
	uint32_t turns;
	u_int i;

	/* the first round may be slow for other reasons */
	for (i = 0; i < 4; i++) {
		start = rdtsc();
		turns = EMULATED_TURNS;
		__asm volatile("1: decl %0; jnz 1b" : "+r" (turns) :: "cc");
		best = MIN(best, rdtsc() - start);
	}
	return (best / EMULATED_TURNS > EMULATED_CYCLES);
}

static void
cpu_features(void)
{
	uint32_t r[4], max;
	uint64_t cr0, cr4;

	cpuid(0, 0, r);
	max = r[0];
	cpuid(1, 0, r);
	cpu_feature_ecx = r[2];
	cpu_feature_edx = r[3];
	cpu_emulated = cpu_emulates();
	__asm volatile("movq %%cr4, %0" : "=r" (cr4));
	cr4 |= CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	if (max >= 7) {
		cpuid(7, 0, r);
		cpu_feature_7ebx = r[1];
		if (r[1] & CPUID7_EBX_SMEP)
			cr4 |= CR4_SMEP;
		if ((r[1] & CPUID7_EBX_SMAP) && !cpu_emulated) {
			cr4 |= CR4_SMAP;
			cpu_has_smap = true;
		}
		if (r[2] & CPUID7_ECX_UMIP)
			cr4 |= CR4_UMIP;
	}
	if ((cpu_feature_ecx & CPUID1_ECX_XSAVE) && !cpu_emulated) {
		cr4 |= CR4_OSXSAVE;
		cpu_has_xsave = true;
	}
	__asm volatile("movq %0, %%cr4" :: "r" (cr4));
	cpuid(0x80000001, 0, r);
	cpu_has_gbpages = (r[3] & CPUID81_EDX_1GB) != 0;
	if (!(r[3] & CPUID81_EDX_NX))
		panic("this processor has no NX");

	__asm volatile("movq %%cr0, %0" : "=r" (cr0));
	cr0 = (cr0 & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE | CR0_WP | CR0_AM;
	__asm volatile("movq %0, %%cr0" :: "r" (cr0));
}

/* --- floating point ---------------------------------------------------------------- */

#define XCR0_WANTED	0xe7UL		/* x87, SSE, AVX, AVX-512 */

static void
fpu_init(void)
{
	uint32_t r[4];

	fpu_size = 512;
	if (!cpu_has_xsave)
		return;
	cpuid(0xd, 0, r);
	xcr0 = (r[0] | (uint64_t)r[3] << 32) & XCR0_WANTED;
	if ((xcr0 & 0xe0) != 0xe0 || !(xcr0 & 0x4))
		xcr0 &= 0x7;		/* AVX-512 comes whole */
	__asm volatile("xsetbv" :: "a" ((uint32_t)xcr0), "d" (0), "c" (0));
	cpuid(0xd, 0, r);
	fpu_size = r[1];
}

/* The state of a new program, as the ABI has it. */
void
fpu_init_state(void *fpu)
{
	memset(fpu, 0, fpu_size);
	*(uint16_t *)fpu = 0x37f;			/* control word */
	*(uint32_t *)((char *)fpu + 24) = 0x1f80;	/* MXCSR */
}

uint64_t
fpu_features(void)
{
	return (xcr0);
}

/*
 * The registers of SSE alone, where FXSAVE has them, by plain moves.  That is
 * all that programs use without AVX, but for the x87.
 */
#define XMM_ALL(op)							\
	op(0, 160) op(1, 176) op(2, 192) op(3, 208)			\
	op(4, 224) op(5, 240) op(6, 256) op(7, 272)			\
	op(8, 288) op(9, 304) op(10, 320) op(11, 336)			\
	op(12, 352) op(13, 368) op(14, 384) op(15, 400)
#define XMM_SAVE(n, off)	"movups %%xmm" #n ", " #off "(%0)\n"
#define XMM_LOAD(n, off)	"movups " #off "(%0), %%xmm" #n "\n"

void
fpu_save(void *fpu)
{
	if (cpu_emulated)
		__asm volatile(XMM_ALL(XMM_SAVE) :: "r" (fpu) : "memory");
	else if (cpu_has_xsave)
		__asm volatile("xsave64 (%0)" :: "r" (fpu),
		    "a" ((uint32_t)xcr0), "d" (0) : "memory");
	else
		__asm volatile("fxsave64 (%0)" :: "r" (fpu) : "memory");
}

void
fpu_restore(const void *fpu)
{
	if (cpu_emulated)
		__asm volatile(XMM_ALL(XMM_LOAD) :: "r" (fpu) : "memory");
	else if (cpu_has_xsave)
		__asm volatile("xrstor64 (%0)" :: "r" (fpu),
		    "a" ((uint32_t)xcr0), "d" (0) : "memory");
	else
		__asm volatile("fxrstor64 (%0)" :: "r" (fpu) : "memory");
}

/* --- threads -------------------------------------------------------------------------- */

void
md_context_init(struct md_context *mc, void *stack, size_t size,
    void (*fn)(void *), void *arg)
{
	uint64_t *sp = (uint64_t *)((char *)stack + size);

	/* as cpu_switch() pops it; thread_start wants fn and arg */
	*--sp = (vaddr_t)thread_start;
	*--sp = 0;			/* %rbp: the end of backtraces */
	*--sp = 0;			/* %rbx */
	*--sp = (vaddr_t)fn;		/* %r12 */
	*--sp = (vaddr_t)arg;		/* %r13 */
	*--sp = 0;			/* %r14 */
	*--sp = 0;			/* %r15 */
	mc->mc_rsp = (vaddr_t)sp;
}

void
md_context_fini(struct md_context *mc __unused)
{
}

void
md_switch(struct thread *old, struct thread *td)
{
	struct cpu_info *ci = curcpu();
	struct md_context *from = &old->td_md, *to = &td->td_md;

	if (from->mc_fpu != NULL)
		fpu_save(from->mc_fpu);
	if (to->mc_fpu != NULL) {
		fpu_restore(to->mc_fpu);
		wrmsr(MSR_FSBASE, to->mc_fsbase);
		wrmsr(MSR_KGSBASE, to->mc_gsbase);
	}
	if (td->td_pmap != NULL)
		pmap_activate(td->td_pmap);
	if (td->td_kstack != NULL) {
		ci->ci_kstack = (vaddr_t)td->td_kstack + KSTACK_SIZE;
		ci->ci_tss.tss_rsp[0] = ci->ci_kstack;
	}
	ci->ci_curthread = td;
	cpu_switch(from, to);
}

/* --- boot ------------------------------------------------------------------------------- */

void
cpu_early_init(struct cpu_info *ci)
{
	u_int i;

	ci->ci_self = ci;
	ci->ci_curthread = &thread0;
	ci->ci_ipl = IPL_HIGH;
	ci->ci_kstack = ci->ci_tss.tss_rsp[0] = (vaddr_t)boot_stack_top;
	for (i = 0; i < nitems(ist_stack); i++)
		ci->ci_tss.tss_ist[i] = (vaddr_t)ist_stack[i] + PAGE_SIZE;
	wrmsr(MSR_GSBASE, (vaddr_t)ci);
	gdt_init(ci);
	idt_init();
	cpu_features();
	fpu_init();

	/* SYSRET: user data and code follow its base, in this order */
	wrmsr(MSR_STAR, (uint64_t)GSEL_KCODE << 32 |
	    (uint64_t)(GSEL_UDATA - 8) << 48);
	wrmsr(MSR_LSTAR, (vaddr_t)syscall_entry);
	wrmsr(MSR_SFMASK, PSL_I | PSL_T | PSL_D | PSL_NT | PSL_AC | PSL_C);
}

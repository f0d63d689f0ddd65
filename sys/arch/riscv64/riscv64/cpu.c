/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The processor: features, the switch between threads.
 */

#include <sys/device.h>
#include <sys/md.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <machine/cpu.h>
#include <machine/machdep.h>
#include <machine/mainbus.h>
#include <vm/pmap.h>

_Static_assert(offsetof(struct cpu_info, ci_curthread) == CI_CURTHREAD,
    "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_stacklow) == CI_STACKLOW,
    "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_sparetop) == CI_SPARETOP,
    "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_ksp) == CI_KSP, "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_scratch) == CI_SCRATCH, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_sstatus) == TF_SSTATUS, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_scause) == TF_SCAUSE, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_stval) == TF_STVAL, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_a0) == TF_A0, "asm.h");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "asm.h");

#define SCOUNTEREN_TM	2	/* programs may read the time */

extern char	boot_stack[], thread_start[];
void		cpu_switch(struct md_context *, struct md_context *);

struct cpu_info	cpu_boot;
bool		cpu_has_fpu;

static char	spare_stack[2 * PAGE_SIZE] __aligned(16);

void
cpu_early_init(struct cpu_info *ci, uint64_t hartid)
{
	ci->ci_self = ci;
	ci->ci_curthread = &thread0;
	ci->ci_ipl = IPL_HIGH;
	ci->ci_stacklow = (vaddr_t)boot_stack;
	ci->ci_sparetop = (vaddr_t)spare_stack + sizeof(spare_stack);
	ci->ci_hartid = hartid;
	__asm volatile("mv tp, %0" :: "r" (ci) : "memory");
	WRITE_CSR(sie, 0);
	WRITE_CSR(scounteren, SCOUNTEREN_TM);
	CLEAR_CSR(sstatus, SSTATUS_SIE | SSTATUS_SUM | SSTATUS_FS);
}

/* The unit is on for good: the kernel does not use it. */
void
cpu_features(void)
{
	isa_init(curcpu()->ci_hartid);
	cpu_has_fpu = (isa_letters() & 1UL << ('d' - 'a')) != 0;
	if (cpu_has_fpu)
		SET_CSR(sstatus, SSTATUS_FS);
}

/* --- threads ---------------------------------------------------------------------------- */

#define SWITCH_REGS	14

/* as cpu_switch() loads it; thread_start wants fn and arg in s1, s2 */
void
md_context_init(struct md_context *mc, void *stack, size_t size,
    void (*fn)(void *), void *arg)
{
	uint64_t *sp = (uint64_t *)((char *)stack + size) - SWITCH_REGS;

	memset(sp, 0, SWITCH_REGS * sizeof(*sp));
	sp[0] = (vaddr_t)thread_start;		/* ra */
	sp[2] = (vaddr_t)fn;
	sp[3] = (vaddr_t)arg;
	mc->mc_sp = (vaddr_t)sp;
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

	if (cpu_has_fpu && from->mc_fpu != NULL)
		fpu_save(from->mc_fpu);
	if (cpu_has_fpu && to->mc_fpu != NULL)
		fpu_restore(to->mc_fpu);
	if (td->td_pmap != NULL)
		pmap_activate(td->td_pmap);
	ci->ci_stacklow = td->td_kstack != NULL ? (vaddr_t)td->td_kstack :
	    (vaddr_t)boot_stack;
	ci->ci_curthread = td;
	cpu_switch(from, to);
}

/* --- cpu0 ------------------------------------------------------------------------------- */

static char	cpu_name[48];

static int
cpu_model(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", cpu_name));
}

static struct sysctl_oid cpu_model_oid = {
	.so_name = "hw.model", .so_read = cpu_model
};

/* The letters in the order that names of instruction sets have them. */
static void
cpu_name_init(void)
{
	static const char order[] = "imafdqcbvh";
	u_long letters = isa_letters();
	char name[sizeof(order)];
	u_int i, n = 0;

	for (i = 0; order[i] != '\0'; i++) {
		if (letters & 1UL << (order[i] - 'a'))
			name[n++] = order[i];
	}
	name[n] = '\0';
	snprintf(cpu_name, sizeof(cpu_name), "rv64%s", name);
}

struct cpu_softc {
	struct device	sc_dev;
};

static int
cpu_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	char firmware[32];

	cpu_name_init();
	sbi_ident(firmware, sizeof(firmware));
	device_describe(self, "%s%s, hart %llu, %s", cpu_name,
	    isa_has("sstc") ? " sstc" : "",
	    (unsigned long long)curcpu()->ci_hartid, firmware);
	return (sysctl_register(&cpu_model_oid));
}

CFDRIVER_DECL(cpu, DV_CPU);
CFATTACH_DECL(cpu, mainbus, cpu_softc, .ca_match = mainbus_child_match,
    .ca_attach = cpu_attach);

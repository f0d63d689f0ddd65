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
#include <machine/mainbus.h>
#include <vm/pmap.h>

_Static_assert(offsetof(struct cpu_info, ci_curthread) == CI_CURTHREAD,
    "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_stacklow) == CI_STACKLOW,
    "asm.h");
_Static_assert(offsetof(struct cpu_info, ci_sparetop) == CI_SPARETOP,
    "asm.h");
_Static_assert(offsetof(struct trapframe, tf_sp) == TF_SP, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_elr) == TF_ELR, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_esr) == TF_ESR, "asm.h");
_Static_assert(offsetof(struct trapframe, tf_x0) == TF_X0, "asm.h");
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "asm.h");

#define CPACR_FPEN	(3UL << 20)	/* floating point is not trapped */
#define MMFR1_PAN	20
#define SCTLR_SPAN	(1UL << 23)
#define MPIDR_AFF	0xff00ffffffUL

extern char	boot_stack[], thread_start[];
void		cpu_switch(struct md_context *, struct md_context *);

struct cpu_info	cpu_boot;
bool		cpu_has_pan;

static char	spare_stack[2 * PAGE_SIZE] __aligned(16);

void
cpu_early_init(struct cpu_info *ci)
{
	ci->ci_self = ci;
	ci->ci_curthread = &thread0;
	ci->ci_ipl = IPL_HIGH;
	ci->ci_stacklow = (vaddr_t)boot_stack;
	ci->ci_sparetop = (vaddr_t)spare_stack + sizeof(spare_stack);
	ci->ci_mpidr = READ_SYSREG(mpidr_el1) & MPIDR_AFF;
	WRITE_SYSREG(tpidr_el1, (vaddr_t)ci);
	WRITE_SYSREG(tpidrro_el0, 0);
	WRITE_SYSREG(cpacr_el1, CPACR_FPEN);
	WRITE_SYSREG(mdscr_el1, 0);
	/* the counter, but no timer, for programs */
	WRITE_SYSREG(cntkctl_el1, 2);
	cpu_has_pan =
	    (READ_SYSREG(id_aa64mmfr1_el1) >> MMFR1_PAN & 0xf) != 0;
	/* with PAN: each exception sets it, its return restores it */
	if (cpu_has_pan)
		WRITE_SYSREG(sctlr_el1, READ_SYSREG(sctlr_el1) & ~SCTLR_SPAN);
	isb();
	user_access_off();
}

/* --- threads ---------------------------------------------------------------------------- */

#define SWITCH_REGS	12

/* as cpu_switch() loads it; thread_start wants fn and arg in x19, x20 */
void
md_context_init(struct md_context *mc, void *stack, size_t size,
    void (*fn)(void *), void *arg)
{
	uint64_t *sp = (uint64_t *)((char *)stack + size) - SWITCH_REGS;

	memset(sp, 0, SWITCH_REGS * sizeof(*sp));
	sp[1] = (vaddr_t)thread_start;		/* x30 */
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

	if (from->mc_fpu != NULL) {
		fpu_save(from->mc_fpu);
		from->mc_tpidr = READ_SYSREG(tpidr_el0);
	}
	if (to->mc_fpu != NULL) {
		fpu_restore(to->mc_fpu);
		WRITE_SYSREG(tpidr_el0, to->mc_tpidr);
	}
	if (td->td_pmap != NULL)
		pmap_activate(td->td_pmap);
	ci->ci_stacklow = td->td_kstack != NULL ? (vaddr_t)td->td_kstack :
	    (vaddr_t)boot_stack;
	ci->ci_curthread = td;
	cpu_switch(from, to);
}

/* --- cpu0 ------------------------------------------------------------------------------- */

/* Arm's own and some others, by MIDR_EL1; a number does for the rest. */
static const struct { uint16_t part; const char *name; } cpu_parts[] = {
	{ 0xd03, "Cortex-A53" }, { 0xd04, "Cortex-A35" },
	{ 0xd05, "Cortex-A55" }, { 0xd07, "Cortex-A57" },
	{ 0xd08, "Cortex-A72" }, { 0xd0b, "Cortex-A76" },
	{ 0xd0c, "Neoverse N1" }, { 0xd40, "Neoverse V1" },
	{ 0xd47, "Cortex-A710" }, { 0xd49, "Neoverse N2" },
	{ 0xd4f, "Neoverse V2" },
};

static char	cpu_name[48];

static int
cpu_model(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", cpu_name));
}

static struct sysctl_oid cpu_model_oid = {
	.so_name = "hw.model", .so_read = cpu_model
};

static void
cpu_name_init(void)
{
	uint64_t midr = READ_SYSREG(midr_el1);
	u_int implementer = midr >> 24 & 0xff, part = midr >> 4 & 0xfff, i;
	u_int variant = midr >> 20 & 0xf, revision = midr & 0xf;

	for (i = 0; i < nitems(cpu_parts); i++) {
		if (implementer == 0x41 && cpu_parts[i].part == part)
			break;
	}
	if (i < nitems(cpu_parts))
		snprintf(cpu_name, sizeof(cpu_name), "Arm %s r%up%u",
		    cpu_parts[i].name, variant, revision);
	else
		snprintf(cpu_name, sizeof(cpu_name),
		    "implementer %#x part %#x r%up%u", implementer, part,
		    variant, revision);
}

struct cpu_softc {
	struct device	sc_dev;
};

static int
cpu_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	cpu_name_init();
	device_describe(self, "%s, mpidr %#llx", cpu_name,
	    (unsigned long long)curcpu()->ci_mpidr);
	return (sysctl_register(&cpu_model_oid));
}

CFDRIVER_DECL(cpu, DV_CPU);
CFATTACH_DECL(cpu, mainbus, cpu_softc, .ca_match = mainbus_child_match,
    .ca_attach = cpu_attach);

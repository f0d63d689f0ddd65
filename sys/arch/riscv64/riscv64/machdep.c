/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * From the loader's hands to main(), and the end of it all.
 */

#include <sys/errno.h>
#include <sys/init.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <arch/common/fdtmach.h>
#include <dev/pv/pvvar.h>
#include <machine/cpu.h>
#include <machine/machdep.h>
#include <vm/vm_page.h>

#define GIGABYTE	(1UL << 30)
#define TREE_MAX	0x200000	/* what a loader may hand over */

void	riscv64_init(uint64_t, paddr_t, int64_t) __noreturn;

static void __noreturn
stop(void)
{
	for (;;)
		__asm volatile("wfi");
}

/* There is no console yet but the firmware's. */
static void __noreturn
no_tree(void)
{
	const char *s;

	for (s = "paravane: no device tree\r\n"; *s != '\0'; s++)
		sbi_putc(*s);
	stop();
}

void
riscv64_init(uint64_t hartid, paddr_t tree, int64_t delta)
{
	paddr_t lo = (paddr_t)delta & ~(GIGABYTE - 1);

	cpu_early_init(&cpu_boot, hartid);
	sbi_init();
	if ((tree & 7) != 0 || fdtmach_init(vm_direct(tree), TREE_MAX) != 0)
		no_tree();
	cpu_features();
	clock_early_init();
	fdtmach_memory(delta, lo, lo + GIGABYTE);
	finisher_init();
	fdtmach_console(sbi_putc);
	main();
}

u_int
md_ncpus(void)
{
	return (1);
}

void
md_halt(int status)
{
	intr_off();
	if (status == MD_HALT)
		stop();
	finisher_exit(status);
	if (status == MD_REBOOT)
		sbi_reset();
	else
		sbi_off();
	stop();
}

/*
 * Hypervisors by their SBI implementation (SBI 2.0, chapter 4).  Firmware does
 * not know whether there is one below it.
 */
int
machine_evidence(u_int n, struct pv_evidence *pe)
{
	static const uint32_t hypervisors[] = {
		2 /* Xvisor */, 3 /* KVM */, 5 /* Diosix */, 7 /* Xen */,
		11 /* bhyve */
	};
	u_int i;

	for (i = 0; i < nitems(hypervisors); i++) {
		if (sbi_implementation() == hypervisors[i])
			break;
	}
	if (n != 0 || i == nitems(hypervisors))
		return (ENOENT);
	memset(pe, 0, sizeof(*pe));
	pe->pe_kind = PVE_SBI;
	pe->pe_base = hypervisors[i];
	return (0);
}

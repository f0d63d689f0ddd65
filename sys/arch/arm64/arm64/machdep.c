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
#define TREE_MAX	0x400000	/* twice what Linux allows: QEMU's are */

void	arm64_init(paddr_t, int64_t) __noreturn;

/* Nobody can be told: there is no console yet. */
static void __noreturn
stop(void)
{
	for (;;)
		__asm volatile("wfi");
}

void
arm64_init(paddr_t tree, int64_t delta)
{
	paddr_t lo = (paddr_t)delta & ~(GIGABYTE - 1);

	cpu_early_init(&cpu_boot);
	clock_early_init();
	if ((tree & 7) != 0 || fdtmach_init(vm_direct(tree), TREE_MAX) != 0)
		stop();
	psci_init();
	fdtmach_memory(delta, lo, lo + GIGABYTE);
	fdtmach_console(NULL);
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
	if (status == MD_REBOOT)
		psci_reset();
	else if (status != MD_HALT)
		psci_off();
	stop();
}

/* Arm DEN 0028: the UUID of who answers to the calls of a hypervisor. */
#define SMCCC_HYP_UID	0x8600ff01

int
machine_evidence(u_int n, struct pv_evidence *pe)
{
	uint64_t r[4];
	u_int i;

	if (n != 0 || !smccc(SMCCC_HYP_UID, 0, 0, r) ||
	    (uint32_t)r[0] == UINT32_MAX)
		return (ENOENT);
	memset(pe, 0, sizeof(*pe));
	pe->pe_kind = PVE_SMCCC;
	for (i = 0; i < 4; i++)
		pe->pe_regs[i] = r[i];
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Calls of the firmware: Power State Coordination Interface (Arm DEN 0022) and
 * whoever else answers by the same convention (DEN 0028).
 */

#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <machine/machdep.h>

#define PSCI_VERSION	0x84000000
#define PSCI_OFF	0x84000008
#define PSCI_RESET	0x84000009
#define PSCI_FEATURES	0x8400000a
#define SMCCC_VERSION	0x80000000

static enum { CONDUIT_NONE, CONDUIT_HVC, CONDUIT_SMC } conduit;
static bool	has_smccc;		/* more than PSCI may be asked */

static void
call(uint32_t fn, uint64_t a, uint64_t b, uint64_t r[4])
{
	register uint64_t x0 __asm("x0") = fn;
	register uint64_t x1 __asm("x1") = a;
	register uint64_t x2 __asm("x2") = b;
	register uint64_t x3 __asm("x3") = 0;

	if (conduit == CONDUIT_HVC)
		__asm volatile("hvc #0" : "+r" (x0), "+r" (x1), "+r" (x2),
		    "+r" (x3) :: "x4", "x5", "x6", "x7", "x8", "x9", "x10",
		    "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	else
		__asm volatile("smc #0" : "+r" (x0), "+r" (x1), "+r" (x2),
		    "+r" (x3) :: "x4", "x5", "x6", "x7", "x8", "x9", "x10",
		    "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	r[0] = x0;
	r[1] = x1;
	r[2] = x2;
	r[3] = x3;
}

/* PSCI 0.1 has numbers of its own, and is not spoken here. */
void
psci_init(void)
{
	static const char *const ident[] = { "arm,psci-1.0", "arm,psci-0.2" };
	fdt_node_t node = FDT_NONE;
	const char *method;
	uint64_t r[4];
	u_int i;

	for (i = 0; i < nitems(ident) && node == FDT_NONE; i++)
		node = fdt_compatible_find(&fdt_machine, FDT_NONE, ident[i]);
	if (node == FDT_NONE ||
	    (method = fdt_string(&fdt_machine, node, "method", 0)) == NULL)
		return;
	conduit = strcmp(method, "hvc") == 0 ? CONDUIT_HVC :
	    strcmp(method, "smc") == 0 ? CONDUIT_SMC : CONDUIT_NONE;
	if (conduit == CONDUIT_NONE)
		return;
	/* DEN 0028 7.2: from PSCI 1.0 on one may ask whether one may ask */
	call(PSCI_VERSION, 0, 0, r);
	if ((int32_t)r[0] < 0x10000)
		return;
	call(PSCI_FEATURES, SMCCC_VERSION, 0, r);
	has_smccc = (int32_t)r[0] >= 0;
}

bool
smccc(uint32_t fn, uint64_t a, uint64_t b, uint64_t r[4])
{
	if (!has_smccc)
		return (false);
	call(fn, a, b, r);
	return (true);
}

static void
psci(uint32_t fn)
{
	uint64_t r[4];

	if (conduit != CONDUIT_NONE)
		call(fn, 0, 0, r);
}

void
psci_off(void)
{
	psci(PSCI_OFF);
}

void
psci_reset(void)
{
	psci(PSCI_RESET);
}

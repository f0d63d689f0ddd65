/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Calls to Xen: by the instruction that this processor has for them.
 */

#include <sys/systm.h>

#include <dev/pv/xenreg.h>
#include <machine/cpu.h>

/* the first letters of AuthenticAMD and HygonGenuine */
#define VENDOR_AMD	0x68747541
#define VENDOR_HYGON	0x6f677948

static bool
is_amd(void)
{
	static uint32_t vendor[4];

	if (vendor[1] == 0)
		cpuid(0, 0, vendor);
	return (vendor[1] == VENDOR_AMD || vendor[1] == VENDOR_HYGON);
}

long
md_xen_hypercall(u_int op, u_long a1, u_long a2)
{
	long r;

	if (is_amd())
		__asm volatile("vmmcall" : "=a" (r), "+D" (a1), "+S" (a2) :
		    "0" ((u_long)op) : "memory");
	else
		__asm volatile("vmcall" : "=a" (r), "+D" (a1), "+S" (a2) :
		    "0" ((u_long)op) : "memory");
	return (r);
}

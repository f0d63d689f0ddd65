/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * System calls that only this machine has.
 */

#include <compat/linux/linux.h>
#include <machine/cpu.h>

int
linux_arch_prctl(const u_long *a, long *rv __unused)
{
	return (md_arch_prctl(a[0], a[1]));
}

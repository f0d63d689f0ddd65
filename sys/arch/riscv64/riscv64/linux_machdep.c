/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * System calls that only this machine has.
 */

#include <sys/errno.h>

#include <machine/linux_machdep.h>

#define SYS_RISCV_FLUSH_ICACHE_LOCAL	1UL

/*
 * Stores to instructions are seen by fetches, of all threads or of the caller,
 * whatever the addresses.
 */
int
linux_riscv_flush_icache(const u_long *a, long *rv __unused)
{
	if (a[2] & ~SYS_RISCV_FLUSH_ICACHE_LOCAL)
		return (EINVAL);
	__asm volatile("fence.i" ::: "memory");
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_LINUX_MACHDEP_H_
#define _MACHINE_LINUX_MACHDEP_H_

#include <compat/linux/linux_generic.h>
#include <machine/cpu.h>

#ifdef __AARCH64EB__
#define LINUX_MACHINE	"aarch64_be"
#else
#define LINUX_MACHINE	"aarch64"
#endif

static inline void
linux_args(const struct trapframe *tf, u_long a[6])
{
	u_int i;

	for (i = 0; i < 6; i++)
		a[i] = tf->tf_x[i];
}

static inline u_long
linux_number(const struct trapframe *tf)
{
	return (tf->tf_x[8]);
}

#define LINUX_SA_RESTORER	1	/* struct sigaction has it */

/*
 * Flags of open(2), to the kernel's and back: O_DIRECTORY and O_NOFOLLOW are
 * where others have O_DIRECT and O_LARGEFILE, and the other way round.
 */
static inline u_int
linux_oflags(u_int flags)
{
	return ((flags & ~0x3c000U) | (flags & 0xc000U) << 2 |
	    (flags & 0x30000U) >> 2);
}

#endif /* _MACHINE_LINUX_MACHDEP_H_ */

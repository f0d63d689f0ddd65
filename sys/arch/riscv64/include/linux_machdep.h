/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_LINUX_MACHDEP_H_
#define _MACHINE_LINUX_MACHDEP_H_

#include <compat/linux/linux_generic.h>
#include <machine/cpu.h>

#define LINUX_MACHINE	"riscv64"

static inline void
linux_args(const struct trapframe *tf, u_long a[6])
{
	u_int i;

	for (i = 0; i < 6; i++)
		a[i] = tf->tf_reg[REG_A0 + i];
}

static inline u_long
linux_number(const struct trapframe *tf)
{
	return (tf->tf_reg[REG_A7]);
}

#define LINUX_SA_RESTORER	0	/* struct sigaction does without */

/* flags of open(2) are the kernel's own */
static inline u_int
linux_oflags(u_int flags)
{
	return (flags);
}

int	linux_riscv_flush_icache(const u_long *, long *);

#endif /* _MACHINE_LINUX_MACHDEP_H_ */

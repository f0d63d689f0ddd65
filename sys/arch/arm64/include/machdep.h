/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_MACHDEP_H_
#define _MACHINE_MACHDEP_H_

#include <sys/types.h>

#include <machine/cpu.h>

struct intr_handle;
struct intrsrc;
struct trapframe;

/* clock.c: the counter is there from the beginning */
void	clock_early_init(void);

/*
 * psci.c: firmware calls (Arm DEN 0022, DEN 0028), by the conduit that the
 * tree names.  smccc: the first four results in r; false: there is no firmware.
 */
void	psci_init(void);
bool	smccc(uint32_t fn, uint64_t a, uint64_t b, uint64_t r[4]);
void	psci_off(void);
void	psci_reset(void);

/* intr.c: the root controller answers to IRQ */
void	intr_root(void (*dispatch)(void *), void *);
void	intr_irq(void);

/* The ISB keeps the counter from being read early. */
static inline uint64_t
md_counter(void)
{
	isb();
	return (READ_SYSREG(cntvct_el0));
}

#endif /* _MACHINE_MACHDEP_H_ */

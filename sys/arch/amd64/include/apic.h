/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_APIC_H_
#define _MACHINE_APIC_H_

#include <sys/intr.h>

#define LAPIC_LVT_TIMER	0x320
#define LAPIC_ICR_TIMER	0x380		/* initial count */
#define LAPIC_CCR_TIMER	0x390		/* current count */
#define LAPIC_DCR_TIMER	0x3e0		/* divisor */

void		lapic_init(void);
uint32_t	lapic_read(u_int);
void		lapic_write(u_int, uint32_t);
void		ioapic_attach(paddr_t, u_int);
/* an interrupt line by its global system interrupt number */
void		intr_gsi_handle(struct intr_handle *, u_int, bool, bool);
/* ISA interrupts as the MADT has them rerouted */
void		intr_isa_handle(struct intr_handle *, u_int);

void		clock_early_init(void);
void		clock_init(void);
uint64_t	clock_tsc_hz(void);
void		clock_alarm(void);		/* the interrupt */

#endif /* _MACHINE_APIC_H_ */

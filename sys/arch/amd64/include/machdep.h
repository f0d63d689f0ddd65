/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_MACHDEP_H_
#define _MACHINE_MACHDEP_H_

struct bootinfo;
const struct bootinfo *machdep_bootinfo(void);
void	madt_init(void);		/* I/O APICs and rerouted interrupts */

#endif /* _MACHINE_MACHDEP_H_ */

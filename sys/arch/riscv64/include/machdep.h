/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_MACHDEP_H_
#define _MACHINE_MACHDEP_H_

#include <dev/fdt/fdt.h>
#include <machine/cpu.h>

struct intr_handle;
struct intrsrc;
struct trapframe;

/*
 * isa.c: what the tree says of the processor that runs this.
 *
 * isa_node: it; FDT_NONE: it is not there.
 * isa_has: has it that extension, "sstc"?
 * isa_letters: those of one letter, a bit each, 'a' being bit 0.
 * isa_context: which of the interrupts of a controller is the processor's input
 *	for devices; ENOENT: none.
 */
void		 isa_init(uint64_t hartid);
fdt_node_t	 isa_node(void);
bool		 isa_has(const char *);
u_long		 isa_letters(void);
int		 isa_context(fdt_node_t controller, u_int *);

/* clock.c: the counter is there when the tree is */
void		 clock_early_init(void);
void		 clock_alarm(void);		/* the timer has interrupted */

/*
 * sbi.c: firmware calls (RISC-V SBI 2.0).  sbi_ident: "OpenSBI 1.5".
 */
#define SBI_NONE	UINT32_MAX
void		 sbi_init(void);
uint32_t	 sbi_implementation(void);	/* SBI_NONE: too old to say */
void		 sbi_ident(char *, size_t);
void		 sbi_timer_set(uint64_t);
void		 sbi_putc(int);
void		 sbi_off(void);
void		 sbi_reset(void);

/* finisher.c: devices that end the machine; it returns if there are none */
void		 finisher_init(void);
void		 finisher_exit(int);

/* intr.c: a controller answers to interrupts of devices; ENOSPC: too many */
int		 intr_root(void (*dispatch)(void *), void *);
void		 intr_irq(uint64_t);

static inline uint64_t
md_counter(void)
{
	return (READ_CSR(time));
}

#endif /* _MACHINE_MACHDEP_H_ */

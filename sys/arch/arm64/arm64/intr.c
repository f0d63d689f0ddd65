/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * From IRQ to the controller that answers to it.
 */

#include <sys/intr.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

static void	(*root_dispatch)(void *);
static void	*root_arg;

void
intr_root(void (*dispatch)(void *), void *arg)
{
	root_arg = arg;
	root_dispatch = dispatch;
}

void
intr_irq(void)
{
	u_int ipl = intr_enter();

	if (root_dispatch == NULL)
		panic("an interrupt, and no controller");
	root_dispatch(root_arg);
	intr_leave(ipl);
}

/* WFI ends also with interrupts masked, so none is slept through. */
void
md_idle(void)
{
	__asm volatile("dsb sy\n\twfi" ::: "memory");
	intr_on();
	isb();
	intr_off();
}

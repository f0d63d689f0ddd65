/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * From an interrupt to who answers to it.
 */

#include <sys/errno.h>
#include <sys/intr.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

/* controllers that share the input for devices */
#define NROOTS		4

static struct {
	void	(*dispatch)(void *);
	void	*arg;
} roots[NROOTS];
static u_int	nroots;

int
intr_root(void (*dispatch)(void *), void *arg)
{
	if (nroots == NROOTS)
		return (ENOSPC);
	roots[nroots].dispatch = dispatch;
	roots[nroots].arg = arg;
	nroots++;
	SET_CSR(sie, 1UL << INTR_EXTERNAL);
	return (0);
}

void
intr_irq(uint64_t cause)
{
	u_int ipl = intr_enter(), i;

	switch (cause) {
	case INTR_TIMER:
		clock_alarm();
		break;
	case INTR_EXTERNAL:
		for (i = 0; i < nroots; i++)
			roots[i].dispatch(roots[i].arg);
		break;
	default:
		/* nobody asked for it */
		CLEAR_CSR(sie, 1UL << (cause & 63));
		break;
	}
	intr_leave(ipl);
}

/*
 * WFI ends also with interrupts off, so none is slept through; one that is
 * pending is taken at the write of sstatus.
 */
void
md_idle(void)
{
	__asm volatile("wfi" ::: "memory");
	intr_on();
	intr_off();
}

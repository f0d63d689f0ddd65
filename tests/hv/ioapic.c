/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The test's port has an interrupt that the guest knows nothing of: it goes
 * as an NMI through the I/O APIC, so it needs no vector, waits for no flag,
 * and wakes an idle guest.  The guest owns the rest of the I/O APIC, and when
 * it sets that up this pin is masked; so it is looked after: see svm.c.
 */

#include "shim.h"

#define IOAPIC		0xfec00000UL
#define IOREGSEL	0x00
#define IOWIN		0x10
#define REDIRECT(pin)	(0x10 + 2 * (pin))
#define DELIVER_NMI	0x00000400	/* edge, not masked, physical, to 0 */
#define STATUS		0x00005000	/* bits that the I/O APIC sets */

static volatile uint32_t *
reg(unsigned int offset)
{
	return ((volatile uint32_t *)(IOAPIC + offset));
}

bool
ioapic_check(void)
{
	uint32_t selected;
	bool right;

	if (!control_there())
		return (true);
	selected = *reg(IOREGSEL);
	*reg(IOREGSEL) = REDIRECT(CONTROL_IRQ);
	right = (*reg(IOWIN) & ~STATUS) == DELIVER_NMI;
	if (!right) {
		*reg(IOREGSEL) = REDIRECT(CONTROL_IRQ) + 1;
		*reg(IOWIN) = 0;
		*reg(IOREGSEL) = REDIRECT(CONTROL_IRQ);
		*reg(IOWIN) = DELIVER_NMI;
	}
	*reg(IOREGSEL) = selected;
	return (right);
}

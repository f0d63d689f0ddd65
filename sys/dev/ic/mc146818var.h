/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_IC_MC146818VAR_H_
#define _DEV_IC_MC146818VAR_H_

/*
 * The clock of a PC, MC146818: one register that selects, one with data.  The
 * attachment maps them, and knows which byte is the century, if any is (0).
 */

#include <sys/bus.h>
#include <sys/device.h>
#include <sys/todr.h>

#define MC146818_NREGS	2

struct mc146818_softc {
	struct device		sc_dev;
	struct bus_region	sc_regs;	/* from the attachment */
	uint8_t			sc_century;	/* from the attachment */
	struct todr		sc_todr;
};

bool	mc146818_probe(const struct bus_region *);
void	mc146818_attach(struct mc146818_softc *);

#endif /* _DEV_IC_MC146818VAR_H_ */

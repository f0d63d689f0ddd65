/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _ARM64_AGINTCVAR_H_
#define _ARM64_AGINTCVAR_H_

/* Between agintc.c and what makes messages of it, agintcmsi.c. */

#include "gicvar.h"

struct agintc_softc {
	struct gic_softc	 sc_gic;	/* first */
	struct bus_region	 sc_region;	/* of redistributors */
	struct bus_region	 sc_redist;	/* our frame in it */
	paddr_t			 sc_redist_pa;	/* of the region */
	bus_size_t		 sc_redist_off;	/* of the frame in it */
	uint64_t		 sc_typer;	/* what it says of itself */
	fdt_node_t		 sc_node;
};

/* the controller was started; a message has come */
void	agintc_lpi_init(struct agintc_softc *);
void	agintc_lpi_run(struct agintc_softc *, u_int);

#endif /* _ARM64_AGINTCVAR_H_ */

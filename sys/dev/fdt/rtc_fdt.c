/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The clock of a PC in a device tree.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <dev/ic/mc146818var.h>

static const char *const rtc_fdt_ident[] = { "motorola,mc146818", NULL };

static int
rtc_fdt_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct mc146818_softc *sc = (struct mc146818_softc *)self;
	int error;

	if ((error = fdt_map(aux, 0, &sc->sc_regs)) != 0)
		return (error);
	if (sc->sc_regs.br_size < MC146818_NREGS ||
	    !mc146818_probe(&sc->sc_regs)) {
		br_unmap(&sc->sc_regs);
		return (ENXIO);
	}
	mc146818_attach(sc);
	return (0);
}

CFATTACH_DECL(rtc, fdt, mc146818_softc, .ca_match = fdt_match,
    .ca_attach = rtc_fdt_attach, .ca_ident = rtc_fdt_ident);

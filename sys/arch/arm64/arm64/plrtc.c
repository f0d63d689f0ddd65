/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * PrimeCell real time clock, PL031: Arm DDI 0224.
 */

#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/todr.h>

#include <dev/fdt/fdtvar.h>

#define RTC_DR		0x00		/* seconds since 1970 */
#define RTC_SIZE	0x04

struct plrtc_softc {
	struct device		sc_dev;
	struct bus_region	sc_regs;
	struct todr		sc_todr;
};

static const char *const plrtc_ident[] = { "arm,pl031", NULL };

static int
plrtc_get(void *arg, uint64_t *ns)
{
	struct plrtc_softc *sc = arg;

	*ns = SEC_TO_NSEC((uint64_t)br_read_4(&sc->sc_regs, RTC_DR));
	return (0);
}

static int
plrtc_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct plrtc_softc *sc = (struct plrtc_softc *)self;
	int error;

	if ((error = fdt_map(aux, 0, &sc->sc_regs)) != 0)
		return (error);
	device_describe(self, "pl031");
	if (sc->sc_regs.br_size < RTC_SIZE) {
		br_unmap(&sc->sc_regs);
		return (ENXIO);
	}
	sc->sc_todr.td_get = plrtc_get;
	sc->sc_todr.td_arg = sc;
	todr_attach(&sc->sc_todr);
	return (0);
}

CFDRIVER_DECL(plrtc, DV_DULL);
CFATTACH_DECL(plrtc, fdt, plrtc_softc, .ca_match = fdt_match,
    .ca_attach = plrtc_attach, .ca_ident = plrtc_ident);

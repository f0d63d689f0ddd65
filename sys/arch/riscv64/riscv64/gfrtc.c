/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Goldfish real time clock, of the Android emulator and QEMU.
 */

#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/todr.h>

#include <dev/fdt/fdtvar.h>

/* nanoseconds since 1970; the read of the lower half holds the upper one */
#define RTC_LOW		0x00
#define RTC_HIGH	0x04
#define RTC_SIZE	0x08

struct gfrtc_softc {
	struct device		sc_dev;
	struct bus_region	sc_regs;
	struct todr		sc_todr;
};

static const char *const gfrtc_ident[] = { "google,goldfish-rtc", NULL };

static int
gfrtc_get(void *arg, uint64_t *ns)
{
	struct gfrtc_softc *sc = arg;

	*ns = br_read_4(&sc->sc_regs, RTC_LOW);
	*ns |= (uint64_t)br_read_4(&sc->sc_regs, RTC_HIGH) << 32;
	return (0);
}

static int
gfrtc_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct gfrtc_softc *sc = (struct gfrtc_softc *)self;
	int error;

	if ((error = fdt_map(aux, 0, &sc->sc_regs)) != 0)
		return (error);
	device_describe(self, "goldfish");
	if (sc->sc_regs.br_size < RTC_SIZE) {
		br_unmap(&sc->sc_regs);
		return (ENXIO);
	}
	sc->sc_todr.td_get = gfrtc_get;
	sc->sc_todr.td_arg = sc;
	todr_attach(&sc->sc_todr);
	return (0);
}

CFDRIVER_DECL(gfrtc, DV_DULL);
CFATTACH_DECL(gfrtc, fdt, gfrtc_softc, .ca_match = fdt_match,
    .ca_attach = gfrtc_attach, .ca_ident = gfrtc_ident);

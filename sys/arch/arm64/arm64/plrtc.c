/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * PrimeCell real time clock, PL031: Arm DDI 0224.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>

#define RTC_DR		0x00		/* seconds since 1970 */

struct plrtc_softc {
	struct device	sc_dev;
};

static const char *const plrtc_ident[] = { "arm,pl031", NULL };

static int
plrtc_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct bus_region br;
	uint32_t now = 0;
	int error;

	if ((error = fdt_map(aux, 0, &br)) != 0)
		return (error);
	if (br.br_size >= RTC_DR + sizeof(now))
		now = br_read_4(&br, RTC_DR);
	br_unmap(&br);
	device_describe(self, "pl031");
	(void)time_set(SEC_TO_NSEC((uint64_t)now));
	return (0);
}

CFDRIVER_DECL(plrtc, DV_DULL);
CFATTACH_DECL(plrtc, fdt, plrtc_softc, .ca_match = fdt_match,
    .ca_attach = plrtc_attach, .ca_ident = plrtc_ident);

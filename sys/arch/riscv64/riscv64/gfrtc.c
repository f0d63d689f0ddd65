/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Goldfish real time clock, of the Android emulator and QEMU.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>

/* nanoseconds since 1970; the read of the lower half holds the upper one */
#define RTC_LOW		0x00
#define RTC_HIGH	0x04
#define RTC_SIZE	0x08

struct gfrtc_softc {
	struct device	sc_dev;
};

static const char *const gfrtc_ident[] = { "google,goldfish-rtc", NULL };

static int
gfrtc_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct bus_region br;
	uint64_t now = 0;
	int error;

	if ((error = fdt_map(aux, 0, &br)) != 0)
		return (error);
	if (br.br_size >= RTC_SIZE) {
		now = br_read_4(&br, RTC_LOW);
		now |= (uint64_t)br_read_4(&br, RTC_HIGH) << 32;
	}
	br_unmap(&br);
	device_describe(self, "goldfish");
	(void)time_set(now);
	return (0);
}

CFDRIVER_DECL(gfrtc, DV_DULL);
CFATTACH_DECL(gfrtc, fdt, gfrtc_softc, .ca_match = fdt_match,
    .ca_attach = gfrtc_attach, .ca_ident = gfrtc_ident);

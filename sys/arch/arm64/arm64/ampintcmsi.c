/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * GICv2m: a frame that makes the interrupt of a line of a write (Arm Server
 * Base System Architecture, appendix E).
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include "gicvar.h"

#define V2M_TYPER	0x008
#define TYPER_BASE(v)	((v) >> 16 & 0x3ff)
#define TYPER_COUNT(v)	((v) & 0x3ff)
#define V2M_SETSPI	0x040
#define V2M_SIZE	0x1000

struct ampintcmsi_softc {
	struct device	 sc_dev;
	paddr_t		 sc_setspi;
	u_int		 sc_base, sc_count;
	struct fdt_msi	 sc_msi;
};

static int
ampintcmsi_alloc(void *arg, uint32_t id __unused, struct cpu_info *ci __unused,
    struct intr_handle *ih, uint64_t *addr, uint32_t *data)
{
	struct ampintcmsi_softc *sc = arg;
	struct intrsrc *src = NULL;
	u_int n;

	for (n = 0; n < sc->sc_count && src == NULL; n++)
		src = gic_spi_take(sc->sc_base + n);
	if (src == NULL)
		return (ENOSPC);
	intrsrc_handle(ih, src, GICF_EDGE);
	*addr = sc->sc_setspi;
	*data = src->is_number;
	return (0);
}

/* The tree may correct what the frame says of itself. */
static int
ampintcmsi_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct ampintcmsi_softc *sc = (struct ampintcmsi_softc *)self;
	const struct fdt_attach_args *fa = aux;
	const struct fdt *f = &fdt_machine;
	struct bus_region br;
	uint32_t typer, v;
	int error;

	if ((error = fdt_map(fa, 0, &br)) != 0)
		return (error);
	typer = br.br_size >= V2M_SIZE ? br_read_4(&br, V2M_TYPER) : 0;
	br_unmap(&br);
	sc->sc_base = TYPER_BASE(typer);
	sc->sc_count = TYPER_COUNT(typer);
	if (fdt_cell(f, fa->fa_node, "arm,msi-base-spi", 0, &v))
		sc->sc_base = v;
	if (fdt_cell(f, fa->fa_node, "arm,msi-num-spis", 0, &v))
		sc->sc_count = v;
	if (sc->sc_base < GIC_SPI || sc->sc_base >= GIC_MAX ||
	    sc->sc_count == 0 || sc->sc_count > GIC_MAX - sc->sc_base) {
		device_describe(self, "no lines that it could use");
		return (ENXIO);
	}
	sc->sc_setspi = fa->fa_addr + V2M_SETSPI;
	device_describe(self, "messages %u to %u", sc->sc_base,
	    sc->sc_base + sc->sc_count - 1);
	sc->sc_msi = (struct fdt_msi){ .fm_node = fa->fa_node,
	    .fm_alloc = ampintcmsi_alloc, .fm_arg = sc };
	fdt_msi_register(&sc->sc_msi);
	return (0);
}

static const char *const ampintcmsi_ident[] = { "arm,gic-v2m-frame", NULL };

CFDRIVER_DECL(ampintcmsi, DV_DULL);
CFATTACH_DECL(ampintcmsi, fdt, ampintcmsi_softc, .ca_match = fdt_match,
    .ca_attach = ampintcmsi_attach, .ca_ident = ampintcmsi_ident);

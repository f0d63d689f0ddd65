/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * PrimeCell GPIO, PL061: Arm DDI 0190.  Of its eight pins those are used that
 * the tree calls a power key (binding of gpio-keys).
 */

#include <sys/errno.h>
#include <sys/pvreq.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>

#define GPIO_DIR	0x400		/* 1: output */
#define GPIO_IS		0x404		/* 1: level, 0: edge */
#define GPIO_IBE	0x408		/* 1: both edges */
#define GPIO_IEV	0x40c		/* 1: rising */
#define GPIO_IE		0x410
#define GPIO_MIS	0x418
#define GPIO_IC		0x41c
#define GPIO_SIZE	0x420
#define GPIO_NPINS	8

#define KEY_POWER	116

struct plgpio_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;
	void			*sc_ih;
};

static int
plgpio_intr(void *arg)
{
	struct plgpio_softc *sc = arg;
	uint32_t mis = br_read_4(&sc->sc_regs, GPIO_MIS);

	if (mis == 0)
		return (0);
	br_write_4(&sc->sc_regs, GPIO_IC, mis);
	host_request(&sc->sc_dev, HOST_POWEROFF);
	return (1);
}

/* The pins that power keys are at, a bit each. */
static uint32_t
plgpio_power_keys(fdt_node_t gpio)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t keys = FDT_NONE, key;
	uint32_t phandle, v, pins = 0;

	if (!fdt_cell(f, gpio, "phandle", 0, &phandle))
		return (0);
	while ((keys = fdt_compatible_find(f, keys, "gpio-keys")) != FDT_NONE) {
		for (key = fdt_child(f, keys); key != FDT_NONE;
		    key = fdt_next(f, key)) {
			if (fdt_cell(f, key, "linux,code", 0, &v) &&
			    v == KEY_POWER &&
			    fdt_cell(f, key, "gpios", 0, &v) && v == phandle &&
			    fdt_cell(f, key, "gpios", 1, &v) && v < GPIO_NPINS)
				pins |= 1U << v;
		}
	}
	return (pins);
}

static void
plgpio_listen(struct plgpio_softc *sc, uint32_t pins)
{
	struct bus_region *br = &sc->sc_regs;

	br_write_4(br, GPIO_DIR, br_read_4(br, GPIO_DIR) & ~pins);
	br_write_4(br, GPIO_IS, 0);
	br_write_4(br, GPIO_IBE, 0);
	br_write_4(br, GPIO_IEV, pins);
	br_write_4(br, GPIO_IC, UINT8_MAX);
	br_write_4(br, GPIO_IE, pins);
}

static int
plgpio_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct plgpio_softc *sc = (struct plgpio_softc *)self;
	const struct fdt_attach_args *fa = aux;
	uint32_t pins = plgpio_power_keys(fa->fa_node);
	struct intr_handle ih;
	int error;

	if ((error = fdt_map(fa, 0, &sc->sc_regs)) != 0)
		return (error);
	error = sc->sc_regs.br_size < GPIO_SIZE ? EINVAL :
	    fdt_intr(fa->fa_node, 0, &ih);
	if (error == 0) {
		br_write_4(&sc->sc_regs, GPIO_IE, 0);
		sc->sc_ih = intr_establish(&ih, IPL_SOFT, NULL, plgpio_intr,
		    sc, self->dv_xname);
		if (sc->sc_ih == NULL)
			error = ENXIO;
	}
	if (error != 0) {
		br_unmap(&sc->sc_regs);
		return (error);
	}
	device_describe(self, "pl061%s", pins != 0 ? ", power key" : "");
	plgpio_listen(sc, pins);
	return (0);
}

static int
plgpio_detach(struct device *self, int flags __unused)
{
	struct plgpio_softc *sc = (struct plgpio_softc *)self;

	br_write_4(&sc->sc_regs, GPIO_IE, 0);
	intr_disestablish(sc->sc_ih);
	br_unmap(&sc->sc_regs);
	return (0);
}

static const char *const plgpio_ident[] = { "arm,pl061", NULL };

CFDRIVER_DECL(plgpio, DV_DULL);
CFATTACH_DECL(plgpio, fdt, plgpio_softc, .ca_match = fdt_match,
    .ca_attach = plgpio_attach, .ca_detach = plgpio_detach,
    .ca_ident = plgpio_ident);

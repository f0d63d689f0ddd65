/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * 16550-compatible serial ports in a device tree.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <dev/ic/comvar.h>

static const char *const com_fdt_ident[] = {
	"ns16550a", "ns16550", "snps,dw-apb-uart", NULL
};

static int
com_fdt_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct com_softc *sc = (struct com_softc *)self;
	const struct fdt_attach_args *fa = aux;
	const struct fdt *f = &fdt_machine;
	struct intr_handle ih;
	uint64_t v;
	bool intr;
	int error;

	if (fdt_number(f, fa->fa_node, "reg-shift", &v) && v <= 4)
		sc->sc_shift = v;
	sc->sc_wide = fdt_number(f, fa->fa_node, "reg-io-width", &v) && v == 4;
	intr = fdt_intr(fa->fa_node, 0, &ih) == 0;
	if ((error = fdt_map(fa, 0, &sc->sc_regs)) != 0)
		return (error);
	if (sc->sc_regs.br_size < (uint64_t)COM_NREGS << sc->sc_shift)
		error = EINVAL;
	if (error == 0)
		error = com_attach(sc, intr ? &ih : NULL);
	if (error != 0)
		br_unmap(&sc->sc_regs);
	return (error);
}

CFATTACH_DECL(com, fdt, com_softc, .ca_match = fdt_match,
    .ca_attach = com_fdt_attach, .ca_detach = com_detach,
    .ca_ident = com_fdt_ident);

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Platform-Level Interrupt Controller: RISC-V PLIC Specification 1.0.0.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <dev/fdt/fdtvar.h>
#include <machine/machdep.h>

#define PLIC_PRIORITY		0x000000	/* 32 bits each */
#define PLIC_ENABLE(c)		(0x002000 + 0x80 * (bus_size_t)(c))
#define PLIC_CONTEXT(c)		(0x200000 + 0x1000 * (bus_size_t)(c))
#define CONTEXT_THRESHOLD	0x00
#define CONTEXT_CLAIM		0x04
#define CONTEXT_SIZE		0x08
#define PLIC_MAX		1024		/* sources; 0 is none */
#define PLIC_NCONTEXT		15872

struct plic_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;	/* up to the bits of our context */
	struct bus_region	 sc_own;	/* of our context */
	u_int			 sc_context;
	u_int			 sc_nsrc;	/* with 0 */
	struct intrsrc		*sc_src;
	struct fdt_intc		 sc_intc;
};

/*
 * A source is turned off by its priority, and stays enabled for us: else it
 * could not be completed if its own handler turned it off (chapter 7).
 */
static int
plic_enable(struct intrsrc *src)
{
	struct plic_softc *sc = src->is_cookie;
	u_int n = src->is_number;
	bus_size_t reg = PLIC_ENABLE(sc->sc_context) + n / 32 * 4;

	br_write_4(&sc->sc_regs, reg,
	    br_read_4(&sc->sc_regs, reg) | 1U << n % 32);
	br_write_4(&sc->sc_regs, PLIC_PRIORITY + n * 4, 1);
	return (0);
}

static void
plic_disable(struct intrsrc *src)
{
	struct plic_softc *sc = src->is_cookie;

	br_write_4(&sc->sc_regs, PLIC_PRIORITY + src->is_number * 4, 0);
}

static const struct intrsrc_ops plic_ops = {
	.iso_enable = plic_enable,
	.iso_disable = plic_disable,
};

static int
plic_handle(void *arg, const uint32_t *cell, u_int ncells,
    struct intr_handle *ih)
{
	struct plic_softc *sc = arg;

	if (ncells == 0 || cell[0] == 0 || cell[0] >= sc->sc_nsrc)
		return (EINVAL);
	intrsrc_handle(ih, &sc->sc_src[cell[0]], 0);
	return (0);
}

static void
plic_dispatch(void *arg)
{
	struct plic_softc *sc = arg;
	uint32_t n;

	while ((n = br_read_4(&sc->sc_own, CONTEXT_CLAIM)) != 0) {
		if (n < sc->sc_nsrc)
			intrsrc_run(&sc->sc_src[n]);
		br_write_4(&sc->sc_own, CONTEXT_CLAIM, n);
	}
}

/* --- attachment ------------------------------------------------------------------------------- */

/* Of what is megabytes, the pages that we need. */
static int
plic_map(struct plic_softc *sc, const struct fdt_attach_args *fa)
{
	bus_size_t own = PLIC_CONTEXT(sc->sc_context);
	int error;

	if (sc->sc_context >= PLIC_NCONTEXT || fa->fa_size < own + CONTEXT_SIZE)
		return (EINVAL);
	error = br_map(&sc->sc_regs, &md_bus_mem, fa->fa_addr,
	    PLIC_ENABLE(sc->sc_context + 1), 0);
	if (error == 0)
		error = br_map(&sc->sc_own, &md_bus_mem, fa->fa_addr + own,
		    CONTEXT_SIZE, 0);
	return (error);
}

static int
plic_sources(struct plic_softc *sc, fdt_node_t node)
{
	uint32_t ndev;
	u_int n;

	if (!fdt_cell(&fdt_machine, node, "riscv,ndev", 0, &ndev) ||
	    ndev == 0 || ndev >= PLIC_MAX)
		return (EINVAL);
	sc->sc_nsrc = ndev + 1;
	sc->sc_src = kmem_zalloc(sc->sc_nsrc * sizeof(*sc->sc_src),
	    KM_NOSLEEP);
	if (sc->sc_src == NULL)
		return (ENOMEM);
	for (n = 0; n < sc->sc_nsrc; n++)
		sc->sc_src[n] = (struct intrsrc){ .is_ops = &plic_ops,
		    .is_cookie = sc, .is_number = n, .is_line = true };
	return (0);
}

/* Nothing is let through until a source is enabled. */
static int
plic_start(struct plic_softc *sc)
{
	u_int n;

	for (n = 1; n < sc->sc_nsrc; n++)
		br_write_4(&sc->sc_regs, PLIC_PRIORITY + n * 4, 0);
	for (n = 0; n < sc->sc_nsrc; n += 32)
		br_write_4(&sc->sc_regs, PLIC_ENABLE(sc->sc_context) + n / 8,
		    0);
	br_write_4(&sc->sc_own, CONTEXT_THRESHOLD, 0);
	return (intr_root(plic_dispatch, sc));
}

static int
plic_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct plic_softc *sc = (struct plic_softc *)self;
	const struct fdt_attach_args *fa = aux;
	int error;

	if (isa_context(fa->fa_node, &sc->sc_context) != 0) {
		device_describe(self, "it does not interrupt this processor");
		return (ENXIO);
	}
	if ((error = plic_map(sc, fa)) != 0 ||
	    (error = plic_sources(sc, fa->fa_node)) != 0 ||
	    (error = plic_start(sc)) != 0) {
		if (sc->sc_src != NULL)
			kmem_free(sc->sc_src,
			    sc->sc_nsrc * sizeof(*sc->sc_src));
		br_unmap(&sc->sc_own);
		br_unmap(&sc->sc_regs);
		return (error);
	}
	device_describe(self, "%u sources, context %u", sc->sc_nsrc - 1,
	    sc->sc_context);
	sc->sc_intc = (struct fdt_intc){ .fc_node = fa->fa_node,
	    .fc_handle = plic_handle, .fc_arg = sc };
	fdt_intc_register(&sc->sc_intc);
	return (0);
}

static const char *const plic_ident[] = {
	"sifive,plic-1.0.0", "riscv,plic0", NULL
};

CFDRIVER_DECL(plic, DV_DULL);
CFATTACH_DECL(plic, fdt, plic_softc, .ca_match = fdt_match,
    .ca_attach = plic_attach, .ca_ident = plic_ident);

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Generic Interrupt Controller: the distributor of all versions, and version 2
 * (Arm IHI 0048).
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <machine/machdep.h>

#include "gicvar.h"

#define GICD_CTLR_ENABLE	0x1

#define GICC_CTLR	0x00
#define GICC_CTLR_ENABLE	0x1
#define GICC_PMR	0x04
#define GICC_BPR	0x08
#define GICC_IAR	0x0c
#define GICC_EOIR	0x10
#define GICC_SIZE	0x1000
#define GICD_SIZE	0x1000

static struct gic_softc	*gic_root;
static struct mutex	gic_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static bool		gic_taken[GIC_MAX];	/* lines that carry messages */

/* --- the distributor -------------------------------------------------------------------- */

static const struct bus_region *
gic_regs(struct gic_softc *sc, u_int n)
{
	return (n < GIC_SPI ? &sc->sc_own : &sc->sc_dist);
}

static int
gic_enable(struct intrsrc *src)
{
	struct gic_softc *sc = src->is_cookie;
	u_int n = src->is_number, shift = n % 16 * 2;
	const struct bus_region *br = gic_regs(sc, n);
	bus_size_t reg = GICD_ICFGR + n / 16 * 4;
	uint32_t cfg = br_read_4(br, reg) & ~(2U << shift);

	if (src->is_flags & GICF_EDGE)
		cfg |= 2U << shift;
	br_write_4(br, reg, cfg);
	if (n >= GIC_SPI)
		sc->sc_target(sc, n);
	br_write_4(br, GICD_ISENABLER + n / 32 * 4, 1U << n % 32);
	return (0);
}

static void
gic_disable(struct intrsrc *src)
{
	u_int n = src->is_number;

	br_write_4(gic_regs(src->is_cookie, n), GICD_ICENABLER + n / 32 * 4,
	    1U << n % 32);
}

static void
gic_free(struct intrsrc *src)
{
	mtx_enter(&gic_mtx);
	gic_taken[src->is_number] = false;
	mtx_leave(&gic_mtx);
}

static const struct intrsrc_ops gic_ops = {
	.iso_enable = gic_enable,
	.iso_disable = gic_disable,
	.iso_free = gic_free,
};

/*
 * Cells: kind, number, trigger, and in version 3 more of no use here (binding
 * of arm,gic).
 */
static int
gic_handle(void *arg, const uint32_t *cell, u_int ncells,
    struct intr_handle *ih)
{
	struct gic_softc *sc = arg;
	u_int n;

	if (ncells < 3 || cell[0] > 1 || cell[1] >= GIC_MAX)
		return (EINVAL);
	n = cell[1] + (cell[0] == 0 ? GIC_SPI : GIC_PPI);
	if (n >= sc->sc_nsrc || (cell[0] == 1 && n >= GIC_SPI))
		return (EINVAL);
	intrsrc_handle(ih, &sc->sc_src[n], cell[2] & 3 ? GICF_EDGE : 0);
	sc->sc_src[n].is_line = !(cell[2] & 3);
	return (0);
}

/* Off, not pending, in the group that is ours, at one priority. */
static void
gic_reset(const struct bus_region *br, u_int first, u_int end, uint32_t group)
{
	u_int n;

	for (n = first; n < end; n += 32) {
		br_write_4(br, GICD_ICENABLER + n / 8, UINT32_MAX);
		br_write_4(br, GICD_ICPENDR + n / 8, UINT32_MAX);
		br_write_4(br, GICD_IGROUPR + n / 8, group);
	}
	for (n = first; n < end; n += 4)
		br_write_4(br, GICD_IPRIORITYR + n, GIC_PRIORITY);
}

int
gic_init(struct gic_softc *sc, void (*target)(struct gic_softc *, u_int))
{
	u_int n;

	if (sc->sc_dist.br_size < GICD_SIZE)
		return (EINVAL);
	n = ((br_read_4(&sc->sc_dist, GICD_TYPER) & 0x1f) + 1) * 32;
	sc->sc_nsrc = MIN(n, GIC_MAX);
	sc->sc_src = kmem_zalloc(sc->sc_nsrc * sizeof(*sc->sc_src),
	    KM_NOSLEEP);
	if (sc->sc_src == NULL)
		return (ENOMEM);
	for (n = 0; n < sc->sc_nsrc; n++)
		sc->sc_src[n] = (struct intrsrc){ .is_ops = &gic_ops,
		    .is_cookie = sc, .is_number = n, .is_line = true };
	sc->sc_target = target;
	return (0);
}

void
gic_lines_init(struct gic_softc *sc, uint32_t group)
{
	gic_reset(&sc->sc_dist, GIC_SPI, rounddown2(sc->sc_nsrc, 32), group);
}

void
gic_ppi_init(struct gic_softc *sc, uint32_t group)
{
	gic_reset(&sc->sc_own, 0, GIC_SPI, group);
}

void
gic_register(struct gic_softc *sc, fdt_node_t node)
{
	sc->sc_intc = (struct fdt_intc){ .fc_node = node,
	    .fc_handle = gic_handle, .fc_arg = sc };
	fdt_intc_register(&sc->sc_intc);
	gic_root = sc;
}

struct intrsrc *
gic_spi_take(u_int n)
{
	struct intrsrc *src = NULL;

	mtx_enter(&gic_mtx);
	if (gic_root != NULL && n >= GIC_SPI && n < gic_root->sc_nsrc &&
	    !gic_taken[n]) {
		gic_taken[n] = true;
		src = &gic_root->sc_src[n];
		src->is_line = false;
	}
	mtx_leave(&gic_mtx);
	return (src);
}

void
gic_run(struct gic_softc *sc, u_int n)
{
	if (n < sc->sc_nsrc)
		intrsrc_run(&sc->sc_src[n]);
}

/* --- version 2 ------------------------------------------------------------------------------ */

struct ampintc_softc {
	struct gic_softc	 sc_gic;	/* first */
	struct bus_region	 sc_cpu;
};

static void
ampintc_dispatch(void *arg)
{
	struct ampintc_softc *sc = arg;
	uint32_t iar;

	while (((iar = br_read_4(&sc->sc_cpu, GICC_IAR)) & 0x3ff) < GIC_MAX) {
		gic_run(&sc->sc_gic, iar & 0x3ff);
		br_write_4(&sc->sc_cpu, GICC_EOIR, iar);
	}
}

/* What reads as our own bit in the banked registers is who we are. */
static void
ampintc_target(struct gic_softc *sc, u_int n)
{
	uint32_t me = br_read_4(&sc->sc_dist, GICD_ITARGETSR) & 0xff;

	if (me != 0)		/* 0: there is but one processor */
		br_write_1(&sc->sc_dist, GICD_ITARGETSR + n, me);
}

static int
ampintc_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct ampintc_softc *sc = (struct ampintc_softc *)self;
	struct gic_softc *gic = &sc->sc_gic;
	const struct fdt_attach_args *fa = aux;
	int error;

	if ((error = fdt_map(fa, 0, &gic->sc_dist)) != 0)
		return (error);
	if ((error = fdt_map(fa, 1, &sc->sc_cpu)) != 0)
		goto fail;
	if (sc->sc_cpu.br_size < GICC_SIZE)
		error = EINVAL;
	else
		error = gic_init(gic, ampintc_target);
	if (error != 0)
		goto fail;
	/* registers of PPIs are the distributor's, banked */
	gic->sc_own = gic->sc_dist;
	br_write_4(&gic->sc_dist, GICD_CTLR, 0);
	gic_lines_init(gic, 0);
	gic_ppi_init(gic, 0);
	br_write_4(&gic->sc_dist, GICD_CTLR, GICD_CTLR_ENABLE);
	br_write_4(&sc->sc_cpu, GICC_PMR, 0xff);
	br_write_4(&sc->sc_cpu, GICC_BPR, 0);
	br_write_4(&sc->sc_cpu, GICC_CTLR, GICC_CTLR_ENABLE);
	device_describe(self, "version 2, %u lines", gic->sc_nsrc - GIC_SPI);
	gic_register(gic, fa->fa_node);
	intr_root(ampintc_dispatch, sc);
	return (0);
fail:
	br_unmap(&sc->sc_cpu);
	br_unmap(&gic->sc_dist);
	return (error);
}

static const char *const ampintc_ident[] = {
	"arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic",
	"arm,cortex-a7-gic", NULL
};

CFDRIVER_DECL(ampintc, DV_DULL);
const struct cfattach ampintc_fdt_ca = {
	.ca_devsize = sizeof(struct ampintc_softc),
	.ca_match = fdt_match, .ca_attach = ampintc_attach,
	.ca_ident = ampintc_ident,
};

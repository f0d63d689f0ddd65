/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Generic Interrupt Controller, version 3 and 4: Arm IHI 0069.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <machine/cpu.h>
#include <machine/machdep.h>

#include "gicvar.h"
#include "agintcvar.h"

#define GICD_CTLR_GROUP1	0x00000003	/* whichever bit it is here */
#define GICD_CTLR_ARE		0x00000010
#define GICD_CTLR_RWP		0x80000000
#define GICD_V3_SIZE		0x10000

#define GICR_FRAME	0x10000		/* two or four to a processor */
#define GICR_CTLR	0x0000
#define GICR_TYPER	0x0008		/* 64 */
#define TYPER_PLPIS	0x01
#define TYPER_VLPIS	0x02
#define TYPER_LAST	0x10
#define GICR_WAKER	0x0014
#define WAKER_SLEEP	0x2
#define WAKER_ASLEEP	0x4

#define WAIT_USEC	100000

/* system registers of the interface, by their encoding */
#define ICC_PMR_EL1	s3_0_c4_c6_0
#define ICC_IAR1_EL1	s3_0_c12_c12_0
#define ICC_EOIR1_EL1	s3_0_c12_c12_1
#define ICC_BPR1_EL1	s3_0_c12_c12_3
#define ICC_CTLR_EL1	s3_0_c12_c12_4
#define ICC_SRE_EL1	s3_0_c12_c12_5
#define ICC_IGRPEN1_EL1	s3_0_c12_c12_7
#define READ_ICC(name)		READ_SYSREG_(name)
#define READ_SYSREG_(name)	READ_SYSREG(name)
#define WRITE_ICC(name, v)	WRITE_SYSREG_(name, v)
#define WRITE_SYSREG_(name, v)	WRITE_SYSREG(name, v)

static uint64_t
br_read_8(const struct bus_region *br, bus_size_t reg)
{
	return (br_read_4(br, reg) | (uint64_t)br_read_4(br, reg + 4) << 32);
}

/* --- distributor and redistributor ---------------------------------------------------- */

static int
agintc_settled(struct gic_softc *sc)
{
	u_int i;

	for (i = 0; i < WAIT_USEC; i++) {
		if (!(br_read_4(&sc->sc_dist, GICD_CTLR) & GICD_CTLR_RWP))
			return (0);
		delay(1);
	}
	return (ETIMEDOUT);
}

/* An SPI goes to the processor with these affinity fields. */
static void
agintc_target(struct gic_softc *sc, u_int n)
{
	uint64_t mpidr = curcpu()->ci_mpidr;

	br_write_4(&sc->sc_dist, GICD_IROUTER + 8 * n, mpidr);
	br_write_4(&sc->sc_dist, GICD_IROUTER + 8 * n + 4, mpidr >> 32);
}

/* The affinity fields in the order of TYPER. */
static uint32_t
affinity(uint64_t mpidr)
{
	return ((mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24);
}

/* Our frames in one region of redistributors; ENOENT. */
static int
gicr_search(struct agintc_softc *sc, const struct bus_region *region)
{
	bus_size_t off, size;
	uint64_t typer;

	for (off = 0; off + 2 * GICR_FRAME <= region->br_size; off += size) {
		typer = br_read_8(region, off + GICR_TYPER);
		size = (typer & TYPER_VLPIS ? 4 : 2) * GICR_FRAME;
		if (typer >> 32 == affinity(curcpu()->ci_mpidr)) {
			sc->sc_typer = typer;
			sc->sc_redist_off = off;
			(void)br_sub(&sc->sc_redist, region, off, GICR_FRAME);
			(void)br_sub(&sc->sc_gic.sc_own, region,
			    off + GICR_FRAME, GICR_FRAME);
			return (0);
		}
		if (typer & TYPER_LAST)
			break;
	}
	return (ENOENT);
}

static int
gicr_find(struct agintc_softc *sc, const struct fdt_attach_args *fa)
{
	uint32_t n = 1, i;
	uint64_t size;
	int error;

	(void)fdt_cell(&fdt_machine, fa->fa_node, "#redistributor-regions", 0,
	    &n);
	for (i = 0; i < n; i++) {
		if ((error = fdt_map(fa, 1 + i, &sc->sc_region)) != 0)
			return (error);
		if (gicr_search(sc, &sc->sc_region) == 0)
			return (fdt_reg(&fdt_machine, fa->fa_node, 1 + i,
			    &sc->sc_redist_pa, &size));
		br_unmap(&sc->sc_region);
	}
	return (ENXIO);
}

static int
gicr_wake(struct agintc_softc *sc)
{
	u_int i;

	br_write_4(&sc->sc_redist, GICR_WAKER,
	    br_read_4(&sc->sc_redist, GICR_WAKER) & ~WAKER_SLEEP);
	for (i = 0; i < WAIT_USEC; i++) {
		if (!(br_read_4(&sc->sc_redist, GICR_WAKER) & WAKER_ASLEEP))
			return (0);
		delay(1);
	}
	return (ETIMEDOUT);
}

/* --- interface ------------------------------------------------------------------------------- */

static void
agintc_dispatch(void *arg)
{
	struct agintc_softc *sc = arg;
	u_int n;

	for (;;) {
		n = READ_ICC(ICC_IAR1_EL1) & 0xffffff;
		/* the number before what its handler reads (IHI 0069 4.1.1) */
		__asm volatile("dsb sy" ::: "memory");
		if (n >= GIC_MAX && n < GIC_LPI)
			return;
		if (n >= GIC_LPI)
			agintc_lpi_run(sc, n);
		else
			gic_run(&sc->sc_gic, n);
		WRITE_ICC(ICC_EOIR1_EL1, n);
		isb();
	}
}

static void
icc_init(void)
{
	WRITE_ICC(ICC_SRE_EL1, READ_ICC(ICC_SRE_EL1) | 1);
	isb();
	WRITE_ICC(ICC_PMR_EL1, 0xff);
	WRITE_ICC(ICC_BPR1_EL1, 0);
	WRITE_ICC(ICC_CTLR_EL1, 0);
	WRITE_ICC(ICC_IGRPEN1_EL1, 1);
	isb();
}

/* --- attachment ------------------------------------------------------------------------------- */

static void
agintc_start(struct gic_softc *gic)
{
	br_write_4(&gic->sc_dist, GICD_CTLR, 0);
	(void)agintc_settled(gic);
	br_write_4(&gic->sc_dist, GICD_CTLR, GICD_CTLR_ARE);
	(void)agintc_settled(gic);
	gic_lines_init(gic, UINT32_MAX);
	gic_ppi_init(gic, UINT32_MAX);
	br_write_4(&gic->sc_dist, GICD_CTLR,
	    GICD_CTLR_ARE | GICD_CTLR_GROUP1);
}

static int
agintc_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct agintc_softc *sc = (struct agintc_softc *)self;
	struct gic_softc *gic = &sc->sc_gic;
	const struct fdt_attach_args *fa = aux;
	int error;

	if ((error = fdt_map(fa, 0, &gic->sc_dist)) != 0)
		return (error);
	if (gic->sc_dist.br_size < GICD_V3_SIZE)
		error = EINVAL;
	else if ((error = gicr_find(sc, fa)) == 0 &&
	    (error = gicr_wake(sc)) == 0)
		error = gic_init(gic, agintc_target);
	if (error != 0) {
		device_describe(self, "no redistributor that answers");
		br_unmap(&sc->sc_region);
		br_unmap(&gic->sc_dist);
		return (error);
	}
	agintc_start(gic);
	icc_init();
	device_describe(self, "version 3, %u lines", gic->sc_nsrc - GIC_SPI);
	gic_register(gic, fa->fa_node);
	sc->sc_node = fa->fa_node;
	agintc_lpi_init(sc);
	intr_root(agintc_dispatch, sc);
	return (0);
}

static const char *const agintc_ident[] = { "arm,gic-v3", NULL };

CFDRIVER_DECL(agintc, DV_DULL);
const struct cfattach agintc_fdt_ca = {
	.ca_devsize = sizeof(struct agintc_softc),
	.ca_match = fdt_match, .ca_attach = agintc_attach,
	.ca_ident = agintc_ident,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Advanced Platform-Level Interrupt Controller: RISC-V Advanced Interrupt
 * Architecture 1.0, chapter 4.  It interrupts a processor itself, or makes
 * messages of lines where the tree names who takes them.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <dev/fdt/fdtvar.h>
#include <machine/machdep.h>

#include "imsicvar.h"

#define APLIC_DOMAINCFG		0x0000
#define DOMAINCFG_DM		0x004		/* messages */
#define DOMAINCFG_IE		0x100
#define APLIC_SOURCECFG(n)	(4 * (n))
#define SOURCECFG_EDGE_UP	4
#define SOURCECFG_EDGE_DOWN	5
#define SOURCECFG_HIGH		6
#define SOURCECFG_LOW		7
#define APLIC_SETIPNUM		0x1cdc
#define APLIC_IN_CLRIP(n)	(0x1d00 + (n) / 32 * 4)	/* read: the lines */
#define APLIC_SETIENUM		0x1edc
#define APLIC_CLRIE(n)		(0x1f00 + (n) / 32 * 4)
#define APLIC_CLRIENUM		0x1fdc
#define APLIC_TARGET(n)		(0x3000 + 4 * (n))
#define TARGET_HART		18		/* shift; below: an identity */
#define TARGET_PRIORITY		1		/* or, without messages, this */
#define APLIC_SIZE		0x4000
#define APLIC_IDC(n)		(0x4000 + 32 * (bus_size_t)(n))
#define IDC_IDELIVERY		0x00
#define IDC_ITHRESHOLD		0x08
#define IDC_CLAIMI		0x1c
#define IDC_SIZE		32

#define APLIC_MAX		1024		/* sources; 0 is none */
#define APLIC_NIDC		16384

struct aplic_softc;
struct aplic_source {
	struct intrsrc		 as_src;
	struct aplic_softc	*as_sc;
	u_int			 as_id;		/* of its message; 0: none */
};

struct aplic_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;
	fdt_node_t		 sc_imsic;	/* FDT_NONE: no messages */
	u_int			 sc_idc;	/* without them: ours */
	u_int			 sc_nsrc;	/* with 0 */
	struct aplic_source	*sc_source;
	struct fdt_intc		 sc_intc;
};

/* --- sources ---------------------------------------------------------------------------------- */

static bool
is_level(const struct intrsrc *src)
{
	return (src->is_flags >= SOURCECFG_HIGH);
}

/*
 * A line's message is sent when it rises, so one that is high still is asked
 * for another (4.9.2).  QEMU before 9.0 would send it for a low one too.
 */
static void
aplic_again(struct aplic_source *as)
{
	const struct bus_region *br = &as->as_sc->sc_regs;
	u_int n = as->as_src.is_number;

	if (is_level(&as->as_src) &&
	    (br_read_4(br, APLIC_IN_CLRIP(n)) >> n % 32 & 1))
		br_write_4(br, APLIC_SETIPNUM, n);
}

static void
aplic_message(void *arg)
{
	struct aplic_source *as = arg;

	intrsrc_run(&as->as_src);
	aplic_again(as);
}

static void
aplic_disable(struct intrsrc *src)
{
	struct aplic_source *as = src->is_cookie;

	br_write_4(&as->as_sc->sc_regs, APLIC_CLRIENUM, src->is_number);
	if (as->as_id != 0)
		imsic_line_free(as->as_id);
	as->as_id = 0;
}

static int
aplic_enable(struct intrsrc *src)
{
	struct aplic_source *as = src->is_cookie;
	struct aplic_softc *sc = as->as_sc;
	u_int n = src->is_number, hart = sc->sc_idc, low = TARGET_PRIORITY;
	int error;

	br_write_4(&sc->sc_regs, APLIC_SOURCECFG(n), src->is_flags);
	/* else it is not there, or was not left to us */
	if (br_read_4(&sc->sc_regs, APLIC_SOURCECFG(n)) != src->is_flags)
		return (ENXIO);
	if (sc->sc_imsic != FDT_NONE) {
		error = imsic_line_take(sc->sc_imsic, aplic_message, as,
		    &as->as_id, &hart);
		if (error != 0)
			return (error);
		low = as->as_id;
	}
	br_write_4(&sc->sc_regs, APLIC_TARGET(n), hart << TARGET_HART | low);
	br_write_4(&sc->sc_regs, APLIC_SETIENUM, n);
	if (sc->sc_imsic != FDT_NONE)
		aplic_again(as);
	return (0);
}

static const struct intrsrc_ops aplic_ops = {
	.iso_enable = aplic_enable,
	.iso_disable = aplic_disable,
};

/* Cells: number, trigger (binding of riscv,aplic). */
static int
aplic_handle(void *arg, const uint32_t *cell, u_int ncells,
    struct intr_handle *ih)
{
	static const uint8_t modes[] = {
		[1] = SOURCECFG_EDGE_UP, [2] = SOURCECFG_EDGE_DOWN,
		[4] = SOURCECFG_HIGH, [8] = SOURCECFG_LOW,
	};
	struct aplic_softc *sc = arg;
	struct intrsrc *src;

	if (ncells < 2 || cell[0] == 0 || cell[0] >= sc->sc_nsrc ||
	    cell[1] >= nitems(modes) || modes[cell[1]] == 0)
		return (EINVAL);
	src = &sc->sc_source[cell[0]].as_src;
	src->is_line = modes[cell[1]] >= SOURCECFG_HIGH;
	intrsrc_handle(ih, src, modes[cell[1]]);
	return (0);
}

static void
aplic_dispatch(void *arg)
{
	struct aplic_softc *sc = arg;
	u_int n;

	while ((n = br_read_4(&sc->sc_regs,
	    APLIC_IDC(sc->sc_idc) + IDC_CLAIMI) >> 16 & 0x3ff) != 0) {
		if (n < sc->sc_nsrc)
			intrsrc_run(&sc->sc_source[n].as_src);
	}
}

/* --- attachment ------------------------------------------------------------------------------- */

/* FDT_NONE: it sends no messages. */
static fdt_node_t
aplic_imsic(fdt_node_t node)
{
	uint32_t phandle;

	return (fdt_cell(&fdt_machine, node, "msi-parent", 0, &phandle) ?
	    fdt_phandle(&fdt_machine, phandle) : FDT_NONE);
}

/* A domain of another mode or processor is none of our business. */
static int
aplic_match(struct device *parent, const struct cfdata *cf, const void *aux)
{
	const struct fdt_attach_args *fa = aux;
	fdt_node_t msi = aplic_imsic(fa->fa_node);
	int pri = fdt_match(parent, cf, aux);
	u_int context;

	if (pri > 0 && (msi != FDT_NONE ? !imsic_is_ours(msi) :
	    isa_context(fa->fa_node, &context) != 0))
		return (CFMATCH_EMPTY);
	return (pri);
}

/* Which of the places that interrupt processors is ours. */
static int
aplic_idc(struct aplic_softc *sc, fdt_node_t node)
{
	uint32_t index;
	u_int context;
	int error;

	if ((error = isa_context(node, &context)) != 0)
		return (error);
	if (!fdt_cell(&fdt_machine, node, "riscv,hart-indexes", context,
	    &index))
		index = context;
	if (index >= APLIC_NIDC ||
	    sc->sc_regs.br_size < APLIC_IDC(index) + IDC_SIZE)
		return (EINVAL);
	sc->sc_idc = index;
	return (0);
}

static int
aplic_sources(struct aplic_softc *sc, fdt_node_t node)
{
	uint32_t nsrc;
	u_int n;

	if (!fdt_cell(&fdt_machine, node, "riscv,num-sources", 0, &nsrc) ||
	    nsrc == 0 || nsrc >= APLIC_MAX || sc->sc_regs.br_size < APLIC_SIZE)
		return (EINVAL);
	sc->sc_nsrc = nsrc + 1;
	sc->sc_source = kmem_zalloc(sc->sc_nsrc * sizeof(*sc->sc_source),
	    KM_NOSLEEP);
	if (sc->sc_source == NULL)
		return (ENOMEM);
	for (n = 0; n < sc->sc_nsrc; n++) {
		sc->sc_source[n].as_sc = sc;
		sc->sc_source[n].as_src = (struct intrsrc){
		    .is_ops = &aplic_ops, .is_cookie = &sc->sc_source[n],
		    .is_number = n, .is_line = true };
	}
	return (0);
}

/* Off, all of it; then on without a source.  ENXIO: it cannot do that. */
static int
aplic_start(struct aplic_softc *sc)
{
	uint32_t cfg = DOMAINCFG_IE |
	    (sc->sc_imsic != FDT_NONE ? DOMAINCFG_DM : 0);
	const uint32_t mask = DOMAINCFG_IE | DOMAINCFG_DM;
	u_int n;

	br_write_4(&sc->sc_regs, APLIC_DOMAINCFG, 0);
	for (n = 0; n < sc->sc_nsrc; n += 32)
		br_write_4(&sc->sc_regs, APLIC_CLRIE(n), UINT32_MAX);
	for (n = 1; n < sc->sc_nsrc; n++)
		br_write_4(&sc->sc_regs, APLIC_SOURCECFG(n), 0);
	br_write_4(&sc->sc_regs, APLIC_DOMAINCFG, cfg);
	if ((br_read_4(&sc->sc_regs, APLIC_DOMAINCFG) & mask) != cfg)
		return (ENXIO);
	if (sc->sc_imsic == FDT_NONE) {
		br_write_4(&sc->sc_regs, APLIC_IDC(sc->sc_idc) +
		    IDC_ITHRESHOLD, 0);
		br_write_4(&sc->sc_regs, APLIC_IDC(sc->sc_idc) +
		    IDC_IDELIVERY, 1);
	}
	return (0);
}

static int
aplic_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct aplic_softc *sc = (struct aplic_softc *)self;
	const struct fdt_attach_args *fa = aux;
	int error;

	if ((error = fdt_map(fa, 0, &sc->sc_regs)) != 0)
		return (error);
	sc->sc_imsic = aplic_imsic(fa->fa_node);
	error = aplic_sources(sc, fa->fa_node);
	if (error == 0 && sc->sc_imsic == FDT_NONE)
		error = aplic_idc(sc, fa->fa_node);
	if (error == 0)
		error = aplic_start(sc);
	if (error == 0 && sc->sc_imsic == FDT_NONE)
		error = intr_root(aplic_dispatch, sc);
	if (error != 0) {
		if (sc->sc_source != NULL)
			kmem_free(sc->sc_source,
			    sc->sc_nsrc * sizeof(*sc->sc_source));
		br_unmap(&sc->sc_regs);
		return (error);
	}
	device_describe(self, "%u sources%s", sc->sc_nsrc - 1,
	    sc->sc_imsic != FDT_NONE ? ", by messages" : "");
	sc->sc_intc = (struct fdt_intc){ .fc_node = fa->fa_node,
	    .fc_handle = aplic_handle, .fc_arg = sc };
	fdt_intc_register(&sc->sc_intc);
	return (0);
}

static const char *const aplic_ident[] = { "riscv,aplic", NULL };

CFDRIVER_DECL(aplic, DV_DULL);
const struct cfattach aplic_fdt_ca = {
	.ca_devsize = sizeof(struct aplic_softc),
	.ca_match = aplic_match, .ca_attach = aplic_attach,
	.ca_ident = aplic_ident,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Incoming MSI Controller: RISC-V Advanced Interrupt Architecture 1.0, chapter
 * 3.  Each processor has its own, a page that devices write a number to, the
 * identity of the interrupt.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <dev/fdt/fdtvar.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

#include "imsicvar.h"

/* CSRs (2.1), and registers behind siselect (3.8) */
#define CSR_SISELECT	0x150
#define CSR_SIREG	0x151
#define CSR_STOPEI	0x15c
#define EIDELIVERY	0x70
#define EITHRESHOLD	0x72
#define EIP(id)		(0x80 + (id) / 64 * 2)
#define EIE(id)		(0xc0 + (id) / 64 * 2)

#define IMSIC_MINIDS	63
#define IMSIC_MAXIDS	2047

struct imsic_id {
	struct intrsrc	 ii_src;
	bool		 ii_taken;
	void		(*ii_fn)(void *);	/* of a line; else NULL */
	void		*ii_arg;
};

struct imsic_softc {
	struct device	 sc_dev;
	fdt_node_t	 sc_node;
	paddr_t		 sc_pa;		/* where messages go */
	u_int		 sc_hart;	/* what an APLIC calls us */
	u_int		 sc_nids;	/* 1 to this */
	struct imsic_id	*sc_id;		/* by number */
	struct fdt_msi	 sc_msi;
};

static struct imsic_softc *imsic;	/* the one there is */
static struct mutex	imsic_mtx = MUTEX_INITIALIZER(IPL_HIGH);

/* --- the file of interrupts: interrupts are off ----------------------------------------- */

static void
imsic_write(u_int reg, uint64_t v)
{
	__asm volatile("csrw %0, %1\n\tcsrw %2, %3" :: "i" (CSR_SISELECT),
	    "r" ((uint64_t)reg), "i" (CSR_SIREG), "r" (v) : "memory");
}

static void
imsic_set(u_int reg, uint64_t bits)
{
	__asm volatile("csrw %0, %1\n\tcsrs %2, %3" :: "i" (CSR_SISELECT),
	    "r" ((uint64_t)reg), "i" (CSR_SIREG), "r" (bits) : "memory");
}

static void
imsic_clear(u_int reg, uint64_t bits)
{
	__asm volatile("csrw %0, %1\n\tcsrc %2, %3" :: "i" (CSR_SISELECT),
	    "r" ((uint64_t)reg), "i" (CSR_SIREG), "r" (bits) : "memory");
}

/* The interrupt that is first, which is claimed with that; 0: none. */
static u_int
imsic_claim(void)
{
	uint64_t v;

	__asm volatile("csrrw %0, %1, zero\n\tfence i, iorw" : "=r" (v) :
	    "i" (CSR_STOPEI) : "memory");
	return (v >> 16 & 0x7ff);
}

static void
imsic_dispatch(void *arg)
{
	struct imsic_softc *sc = arg;
	struct imsic_id *ii;
	u_int n;

	while ((n = imsic_claim()) != 0) {
		if (n > sc->sc_nids || !sc->sc_id[n].ii_taken)
			continue;
		ii = &sc->sc_id[n];
		if (ii->ii_fn != NULL)
			ii->ii_fn(ii->ii_arg);
		else
			intrsrc_run(&ii->ii_src);
	}
}

static void
imsic_init(const struct imsic_softc *sc)
{
	u_int n;

	imsic_write(EIDELIVERY, 0);
	for (n = 0; n <= sc->sc_nids; n += 64) {
		imsic_write(EIE(n), 0);
		imsic_write(EIP(n), 0);
	}
	imsic_write(EITHRESHOLD, 0);
	imsic_write(EIDELIVERY, 1);
}

/* --- identities ------------------------------------------------------------------------------ */

static struct imsic_id *
imsic_take(struct imsic_softc *sc, void (*fn)(void *), void *arg)
{
	struct imsic_id *ii;
	u_int n;

	mtx_enter(&imsic_mtx);
	for (n = 1; n <= sc->sc_nids && sc->sc_id[n].ii_taken; n++)
		;
	ii = n <= sc->sc_nids ? &sc->sc_id[n] : NULL;
	if (ii != NULL) {
		ii->ii_taken = true;
		ii->ii_fn = fn;
		ii->ii_arg = arg;
	}
	mtx_leave(&imsic_mtx);
	return (ii);
}

static void
imsic_off(u_int n)
{
	imsic_clear(EIE(n), 1UL << n % 64);
	imsic_clear(EIP(n), 1UL << n % 64);
}

static void
imsic_free(u_int n)
{
	mtx_enter(&imsic_mtx);
	imsic_off(n);
	imsic->sc_id[n].ii_taken = false;
	mtx_leave(&imsic_mtx);
}

int
imsic_line_take(fdt_node_t node, void (*fn)(void *), void *arg, u_int *id,
    u_int *hart)
{
	struct imsic_softc *sc = imsic;
	struct imsic_id *ii;

	if (sc == NULL || sc->sc_node != node)
		return (ENXIO);
	if ((ii = imsic_take(sc, fn, arg)) == NULL)
		return (ENOSPC);
	*id = ii->ii_src.is_number;
	*hart = sc->sc_hart;
	imsic_set(EIE(*id), 1UL << *id % 64);
	return (0);
}

void
imsic_line_free(u_int id)
{
	imsic_free(id);
}

static int
imsic_enable(struct intrsrc *src)
{
	imsic_set(EIE(src->is_number), 1UL << src->is_number % 64);
	return (0);
}

static void
imsic_disable(struct intrsrc *src)
{
	imsic_off(src->is_number);
}

static void
imsic_src_free(struct intrsrc *src)
{
	imsic_free(src->is_number);
}

static const struct intrsrc_ops imsic_ops = {
	.iso_enable = imsic_enable,
	.iso_disable = imsic_disable,
	.iso_free = imsic_src_free,
};

static int
imsic_alloc(void *arg, uint32_t id __unused, struct cpu_info *ci __unused,
    struct intr_handle *ih, uint64_t *addr, uint32_t *data)
{
	struct imsic_softc *sc = arg;
	struct imsic_id *ii;

	if ((ii = imsic_take(sc, NULL, NULL)) == NULL)
		return (ENOSPC);
	intrsrc_handle(ih, &ii->ii_src, 0);
	*addr = sc->sc_pa;
	*data = ii->ii_src.is_number;
	return (0);
}

/* --- attachment: binding of riscv,imsics ------------------------------------------------------ */

/* A number of bits that the node says, at most 14 in all uses. */
static bool
imsic_bits(fdt_node_t node, const char *name, u_int *bits)
{
	uint32_t v;

	if (fdt_cell(&fdt_machine, node, name, 0, &v))
		*bits = v;
	return (*bits <= 14);
}

/* The smallest number of bits for the processors that are named. */
static u_int
imsic_hart_bits(fdt_node_t node)
{
	struct fdt_interrupt fi;
	u_int n = 0, bits = 0;

	while (fdt_interrupt(&fdt_machine, node, n, &fi) == 0)
		n++;
	while (bits < 14 && 1U << bits < n)
		bits++;
	return (bits);
}

/*
 * The page of the nth processor, each of which has 2^guest of them.  The parts
 * of "reg" follow each other.
 */
static int
imsic_page(fdt_node_t node, u_int n, u_int guest, paddr_t *pap)
{
	uint64_t off = (uint64_t)n << (guest + PAGE_SHIFT), size;
	u_int i;
	int error;

	for (i = 0; (error = fdt_reg(&fdt_machine, node, i, pap,
	    &size)) == 0; i++) {
		if (off < size && size - off >= PAGE_SIZE) {
			*pap += off;
			return ((*pap & PAGE_MASK) != 0 ? EINVAL : 0);
		}
		off -= MIN(off, size);
	}
	return (error);
}

static int
imsic_place(struct imsic_softc *sc, u_int context)
{
	u_int guest = 0, group = 0, hart = imsic_hart_bits(sc->sc_node);
	uint32_t shift = 24;
	int error;

	if (!imsic_bits(sc->sc_node, "riscv,guest-index-bits", &guest) ||
	    !imsic_bits(sc->sc_node, "riscv,hart-index-bits", &hart) ||
	    !imsic_bits(sc->sc_node, "riscv,group-index-bits", &group))
		return (EINVAL);
	(void)fdt_cell(&fdt_machine, sc->sc_node, "riscv,group-index-shift", 0,
	    &shift);
	if (shift > 55 || hart + group > 14)
		return (EINVAL);
	if ((error = imsic_page(sc->sc_node, context, guest, &sc->sc_pa)) != 0)
		return (error);
	sc->sc_hart = (sc->sc_pa >> (PAGE_SHIFT + guest) &
	    ((1UL << hart) - 1)) |
	    (sc->sc_pa >> shift & ((1UL << group) - 1)) << hart;
	return (0);
}

static int
imsic_ids(struct imsic_softc *sc)
{
	uint32_t nids;
	u_int n;

	if (!fdt_cell(&fdt_machine, sc->sc_node, "riscv,num-ids", 0, &nids) ||
	    nids < IMSIC_MINIDS || nids > IMSIC_MAXIDS)
		return (EINVAL);
	sc->sc_nids = nids;
	sc->sc_id = kmem_zalloc((nids + 1) * sizeof(*sc->sc_id), KM_NOSLEEP);
	if (sc->sc_id == NULL)
		return (ENOMEM);
	for (n = 0; n <= nids; n++)
		sc->sc_id[n].ii_src = (struct intrsrc){ .is_ops = &imsic_ops,
		    .is_number = n };
	return (0);
}

bool
imsic_is_ours(fdt_node_t node)
{
	u_int context;

	return (fdt_compatible(&fdt_machine, node, "riscv,imsics") &&
	    isa_context(node, &context) == 0);
}

/* That of another mode or processor is none of our business. */
static int
imsic_match(struct device *parent, const struct cfdata *cf, const void *aux)
{
	const struct fdt_attach_args *fa = aux;
	int pri = fdt_match(parent, cf, aux);

	return (pri > 0 && !imsic_is_ours(fa->fa_node) ? CFMATCH_EMPTY : pri);
}

static int
imsic_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct imsic_softc *sc = (struct imsic_softc *)self;
	const struct fdt_attach_args *fa = aux;
	u_int context;
	int error;

	if (imsic != NULL || !isa_has("ssaia")) {
		device_describe(self, "the processor does not know of it");
		return (ENXIO);
	}
	sc->sc_node = fa->fa_node;
	if ((error = isa_context(sc->sc_node, &context)) != 0 ||
	    (error = imsic_place(sc, context)) != 0 ||
	    (error = imsic_ids(sc)) != 0)
		return (error);
	if ((error = intr_root(imsic_dispatch, sc)) != 0) {
		kmem_free(sc->sc_id, (sc->sc_nids + 1) * sizeof(*sc->sc_id));
		return (error);
	}
	imsic_init(sc);
	device_describe(self, "%u messages at %#llx", sc->sc_nids,
	    (unsigned long long)sc->sc_pa);
	sc->sc_msi = (struct fdt_msi){ .fm_node = sc->sc_node,
	    .fm_alloc = imsic_alloc, .fm_arg = sc };
	fdt_msi_register(&sc->sc_msi);
	imsic = sc;
	return (0);
}

static const char *const imsic_ident[] = { "riscv,imsics", NULL };

CFDRIVER_DECL(imsic, DV_DULL);
const struct cfattach imsic_fdt_ca = {
	.ca_devsize = sizeof(struct imsic_softc),
	.ca_match = imsic_match, .ca_attach = imsic_attach,
	.ca_ident = imsic_ident,
};

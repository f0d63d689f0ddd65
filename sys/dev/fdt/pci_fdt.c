/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Host bridges in a device tree: configuration space as in PCI Express
 * (pci-host-ecam-generic), windows by "ranges", lines by "interrupt-map",
 * messages by "msi-map" (PCI Bus Binding to IEEE 1275, and the kernel
 * documentation of the bindings).
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <dev/pci/pcialloc.h>
#include <dev/pci/pcivar.h>

/* the first cell of an address */
#define HI_SPACE(hi)	((hi) >> 24 & 3)
#define SPACE_IO	1
#define SPACE_MEM32	2
#define SPACE_MEM64	3

#define NWINDOWS	8
#define IO_SIZE		(1UL << 16)

/* Addresses of the bus, and what they are for the processor. */
struct pciwindow {
	uint64_t	pw_bus;
	paddr_t		pw_cpu;
	uint64_t	pw_size;
	bool		pw_io;
};

struct fdtpci_softc {
	struct pci_softc	 sc_pci;		/* first */
	fdt_node_t		 sc_node;
	struct pci_host		 sc_host;
	struct bus_space	 sc_mem, sc_io;
	struct pciwindow	 sc_window[NWINDOWS];
	u_int			 sc_nwindows;
	LIST_ENTRY(fdtpci_softc) sc_link;
};

static LIST_HEAD(, fdtpci_softc) hosts = LIST_HEAD_INITIALIZER(hosts);
static LIST_HEAD(, fdt_msi) msis = LIST_HEAD_INITIALIZER(msis);

/* --- windows ---------------------------------------------------------------------------- */

/* The tags are the memory's, but for the way to an address. */
static int
window_map(bus_space_tag_t t, bus_addr_t addr, bus_size_t size, int flags,
    bus_space_handle_t *h)
{
	struct fdtpci_softc *sc = t->bs_cookie;
	const struct pciwindow *pw;
	u_int i;

	for (i = 0; i < sc->sc_nwindows; i++) {
		pw = &sc->sc_window[i];
		if (pw->pw_io == (t == &sc->sc_io) && addr >= pw->pw_bus &&
		    addr - pw->pw_bus < pw->pw_size &&
		    size <= pw->pw_size - (addr - pw->pw_bus))
			return (md_bus_mem.bs_map(&md_bus_mem,
			    pw->pw_cpu + (addr - pw->pw_bus), size, flags, h));
	}
	return (ENXIO);
}

static void
windows_read(struct fdtpci_softc *sc)
{
	struct fdt_range fr;
	struct pciwindow *pw;
	u_int i, space;
	int error;

	for (i = 0; sc->sc_nwindows < NWINDOWS && (error = fdt_range(
	    &fdt_machine, sc->sc_node, i, &fr)) != ENOENT; i++) {
		space = HI_SPACE(fr.fr_child_hi);
		if (error != 0 || space == 0 || fr.fr_size == 0)
			continue;
		pw = &sc->sc_window[sc->sc_nwindows++];
		*pw = (struct pciwindow){ .pw_bus = fr.fr_child,
		    .pw_cpu = fr.fr_parent, .pw_size = fr.fr_size,
		    .pw_io = space == SPACE_IO };
	}
}

static void
host_space(struct pci_host *ph, struct pci_space *ps)
{
	struct fdtpci_softc *sc = (struct fdtpci_softc *)
	    ((char *)ph - offsetof(struct fdtpci_softc, sc_host));
	const struct pciwindow *pw;
	u_int i;

	for (i = 0; i < sc->sc_nwindows; i++) {
		pw = &sc->sc_window[i];
		(void)memlist_add(pw->pw_io ? &ps->ps_io : &ps->ps_mem,
		    pw->pw_bus, pw->pw_bus + (pw->pw_io ?
		    MIN(pw->pw_size, IO_SIZE) : pw->pw_size));
	}
}

/* --- interrupts --------------------------------------------------------------------------- */

static int
host_intr(struct pci_host *ph, u_int tag, u_int pin, u_int line __unused,
    struct intr_handle *ih)
{
	struct fdtpci_softc *sc = (struct fdtpci_softc *)
	    ((char *)ph - offsetof(struct fdtpci_softc, sc_host));
	struct fdt_interrupt fi;
	uint32_t unit[3], spec;
	int error;

	pci_swizzle(ph, &tag, &pin);
	unit[0] = tag << 8;
	unit[1] = unit[2] = 0;
	spec = pin;
	error = fdt_interrupt_at(&fdt_machine, sc->sc_node, unit, 3, &spec, 1,
	    &fi);
	return (error != 0 ? error : fdt_intr_at(&fi, ih));
}

void
fdt_msi_register(struct fdt_msi *fm)
{
	LIST_INSERT_HEAD(&msis, fm, fm_link);
}

/* The controller of a host bridge, and what it calls the requester. */
static int
msi_find(const struct fdtpci_softc *sc, uint32_t rid, fdt_node_t *node,
    uint32_t *id)
{
	const struct fdt *f = &fdt_machine;
	uint32_t phandle;

	if (fdt_map_id(f, sc->sc_node, "msi-map", rid, node, id) == 0)
		return (0);
	if (!fdt_cell(f, sc->sc_node, "msi-parent", 0, &phandle))
		return (ENXIO);
	*id = rid;
	*node = fdt_phandle(f, phandle);
	return (*node == FDT_NONE ? ENXIO : 0);
}

int
md_msi_alloc(uint32_t requester, struct cpu_info *ci, struct intr_handle *h,
    uint64_t *addr, uint32_t *data)
{
	struct fdtpci_softc *sc;
	struct fdt_msi *fm;
	fdt_node_t node;
	uint32_t id;
	int error;

	LIST_FOREACH(sc, &hosts, sc_link) {
		if (sc->sc_host.ph_segment == requester >> 16)
			break;
	}
	if (sc == NULL)
		return (ENXIO);
	if ((error = msi_find(sc, requester & 0xffff, &node, &id)) != 0)
		return (error);
	LIST_FOREACH(fm, &msis, fm_link) {
		if (fm->fm_node == node)
			return (fm->fm_alloc(fm->fm_arg, id, ci, h, addr,
			    data));
	}
	return (ENXIO);
}

/* --- attachment ------------------------------------------------------------------------------- */

static const char *const pci_fdt_ident[] = { "pci-host-ecam-generic", NULL };

static int
host_init(struct fdtpci_softc *sc, const struct fdt_attach_args *fa)
{
	static u_int segments;
	const struct fdt *f = &fdt_machine;
	struct pci_host *ph = &sc->sc_host;
	uint32_t first = 0, last = 255, segment;

	(void)fdt_cell(f, fa->fa_node, "bus-range", 0, &first);
	(void)fdt_cell(f, fa->fa_node, "bus-range", 1, &last);
	if (first > last || last > 255 || fa->fa_size == 0)
		return (EINVAL);
	/* not more than there is room for */
	last = MIN(last, first + (fa->fa_size >> 20) - 1);
	if (fa->fa_size < 1UL << 20)
		return (EINVAL);
	if (!fdt_cell(f, fa->fa_node, "linux,pci-domain", 0, &segment))
		segment = segments;
	segments = MAX(segments, segment + 1);
	sc->sc_mem = sc->sc_io = md_bus_mem;
	sc->sc_io.bs_name = "io";
	sc->sc_mem.bs_map = sc->sc_io.bs_map = window_map;
	sc->sc_mem.bs_cookie = sc->sc_io.bs_cookie = sc;
	ph->ph_mem = &sc->sc_mem;
	ph->ph_io = &sc->sc_io;
	ph->ph_intr = host_intr;
	ph->ph_space = host_space;
	ph->ph_segment = segment;
	ph->ph_firstbus = ph->ph_maxbus = first;
	ph->ph_lastbus = last;
	/* "reg" begins with the first bus of "bus-range" */
	return (pci_ecam_init(ph, fa->fa_addr - ((bus_addr_t)first << 20)));
}

static void
host_fini(struct fdtpci_softc *sc)
{
	LIST_REMOVE(sc, sc_link);
	pci_ecam_fini(&sc->sc_host);
}

static int
pci_fdt_attach(struct device *parent, struct device *self, void *aux)
{
	struct fdtpci_softc *sc = (struct fdtpci_softc *)self;
	const struct fdt_attach_args *fa = aux;
	struct pcibus_attach_args pba = { .pba_host = &sc->sc_host };
	int error;

	sc->sc_node = fa->fa_node;
	windows_read(sc);
	if ((error = host_init(sc, fa)) != 0)
		return (error);
	LIST_INSERT_HEAD(&hosts, sc, sc_link);
	pba.pba_bus = sc->sc_host.ph_firstbus;
	if ((error = pci_attach(parent, self, &pba)) != 0)
		host_fini(sc);
	return (error);
}

static int
pci_fdt_detach(struct device *self, int flags)
{
	int error = pci_detach(self, flags);

	if (error == 0)
		host_fini((struct fdtpci_softc *)self);
	return (error);
}

const struct cfattach pci_fdt_ca = {
	.ca_devsize = sizeof(struct fdtpci_softc),
	.ca_match = fdt_match, .ca_attach = pci_fdt_attach,
	.ca_detach = pci_fdt_detach, .ca_ident = pci_fdt_ident,
};

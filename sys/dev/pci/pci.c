/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * PCI buses: enumeration, configuration space, capabilities, base address
 * registers.  PCI Local Bus 3.0, PCI Express Base 5.0 chapter 7.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pci/pcireg.h>
#include <dev/pci/pcivar.h>
#include <dev/pv/virtio_type.h>
#include <dev/pv/vmmcireg.h>
#include <dev/pci/pcialloc.h>

/* --- configuration space ------------------------------------------------------ */

uint32_t
pci_conf_read_4(const struct pci_attach_args *pa, u_int reg)
{
	KASSERT((reg & 3) == 0);
	if (reg >= (pa->pa_host->ph_extended ? 4096U : 256U))
		return (UINT32_MAX);
	return (pa->pa_host->ph_read(pa->pa_host, pa->pa_tag, reg));
}

void
pci_conf_write_4(const struct pci_attach_args *pa, u_int reg, uint32_t v)
{
	KASSERT((reg & 3) == 0);
	if (reg < (pa->pa_host->ph_extended ? 4096U : 256U))
		pa->pa_host->ph_write(pa->pa_host, pa->pa_tag, reg, v);
}

uint16_t
pci_conf_read_2(const struct pci_attach_args *pa, u_int reg)
{
	KASSERT((reg & 1) == 0);
	return (pci_conf_read_4(pa, reg & ~3) >> (reg & 2) * 8);
}

uint8_t
pci_conf_read_1(const struct pci_attach_args *pa, u_int reg)
{
	return (pci_conf_read_4(pa, reg & ~3) >> (reg & 3) * 8);
}

/* Replace some bits of a word; the status bits beside it clear on write. */
static void
pci_conf_insert(const struct pci_attach_args *pa, u_int reg, uint32_t mask,
    uint32_t v)
{
	u_int shift = (reg & 3) * 8;
	uint32_t old;

	reg &= ~3;
	old = reg == PCI_COMMAND ? pci_conf_read_4(pa, reg) & 0xffff :
	    pci_conf_read_4(pa, reg);
	pci_conf_write_4(pa, reg, (old & ~(mask << shift)) | v << shift);
}

void
pci_conf_write_2(const struct pci_attach_args *pa, u_int reg, uint16_t v)
{
	KASSERT((reg & 1) == 0);
	pci_conf_insert(pa, reg, 0xffff, v);
}

void
pci_conf_write_1(const struct pci_attach_args *pa, u_int reg, uint8_t v)
{
	pci_conf_insert(pa, reg, 0xff, v);
}

void
pci_enable(const struct pci_attach_args *pa, u_int bits)
{
	uint16_t old = pci_conf_read_2(pa, PCI_COMMAND);

	if ((old & bits) != bits)
		pci_conf_write_2(pa, PCI_COMMAND, old | bits);
}

u_int
pci_capability(const struct pci_attach_args *pa, u_int id, u_int prev)
{
	u_int off, n;

	if (prev != 0)
		off = pci_conf_read_1(pa, prev + 1);
	else if (pci_conf_read_2(pa, PCI_STATUS) & PCI_STATUS_CAPLIST)
		off = pci_conf_read_1(pa, pa->pa_header == PCI_HEADER_CARDBUS ?
		    PCI_CAPPTR_CARDBUS : PCI_CAPPTR);
	else
		return (0);
	/* 48 is all that fit between the header and the end */
	for (n = 0; n < 48; n++) {
		off &= ~3;
		if (off < PCI_CAPLIST_MIN)
			return (0);
		/* "prev" bounds a circle: entries are asked for in order */
		if (pci_conf_read_1(pa, off) == id)
			return (off);
		off = pci_conf_read_1(pa, off + 1);
	}
	return (0);
}

/* --- base address registers ---------------------------------------------------- */

/* The writable bits of a register; decoding is off meanwhile. */
static uint32_t
pci_bar_probe(const struct pci_attach_args *pa, u_int reg)
{
	uint32_t old, bits;

	old = pci_conf_read_4(pa, reg);
	pci_conf_write_4(pa, reg, UINT32_MAX);
	bits = pci_conf_read_4(pa, reg);
	pci_conf_write_4(pa, reg, old);
	return (bits);
}

int
pci_bar_decode(const struct pci_attach_args *pa, u_int reg,
    struct pci_bar *pb)
{
	uint32_t low = pci_conf_read_4(pa, reg);
	uint64_t mask;

	pb->pb_io = (low & PCI_BAR_IO) != 0;
	pb->pb_64 = !pb->pb_io && (low & PCI_BAR_TYPE) == PCI_BAR_64;
	pb->pb_prefetch = !pb->pb_io && (low & PCI_BAR_PREFETCH);
	mask = pci_bar_probe(pa, reg);
	if (pb->pb_io) {
		pb->pb_addr = low & ~3U;
		mask |= ~0xffffULL;	/* upper half may be hard-wired to 0 */
		mask &= ~3ULL;
		pb->pb_size = (-mask) & 0xffff;
		if (mask == ~0xffffULL)
			return (ENOENT);
	} else {
		if (mask == 0 && !pb->pb_64)
			return (ENOENT);
		pb->pb_addr = low & ~15U;
		mask &= ~15ULL;
		if (pb->pb_64) {
			pb->pb_addr |= (uint64_t)pci_conf_read_4(pa,
			    reg + 4) << 32;
			mask |= (uint64_t)pci_bar_probe(pa, reg + 4) << 32;
		} else
			mask |= 0xffffffff00000000ULL;
		if (mask == 0)
			return (ENOENT);
		pb->pb_size = -mask;
	}
	/* the writable bits of an honest register are its highest ones */
	return (pb->pb_size != 0 && powerof2(pb->pb_size) ? 0 : ENOENT);
}

/*
 * All registers of a function at once: turning decoding off and on costs a
 * hypervisor more than the rest, as it lays out its memory anew.  The last
 * function's are kept, for its driver asks for them one after the other.
 */
static struct {
	const struct pci_host	*host;
	u_int			 tag;
	int			 error[PCI_NBARS];
	struct pci_bar		 bar[PCI_NBARS];
} bars;

static void
pci_bars_probe(const struct pci_attach_args *pa)
{
	u_int nbars = pa->pa_header == PCI_HEADER_DEVICE ? PCI_NBARS :
	    pa->pa_header == PCI_HEADER_BRIDGE ? 2 : 0, i;
	uint16_t command = pci_conf_read_2(pa, PCI_COMMAND);
	struct pci_bar *pb;

	bars.host = pa->pa_host;
	bars.tag = pa->pa_tag;
	for (i = 0; i < PCI_NBARS; i++)
		bars.error[i] = ENOENT;
	pci_conf_write_2(pa, PCI_COMMAND, command &
	    ~(PCI_COMMAND_IO | PCI_COMMAND_MEM));
	for (i = 0; i < nbars; i++) {
		pb = &bars.bar[i];
		bars.error[i] = pci_bar_decode(pa, PCI_BAR0 + 4 * i, pb);
		if (bars.error[i] != 0)
			continue;
		if (pb->pb_addr == 0)
			bars.error[i] = ENOSPC;
		if (pb->pb_64 && i + 1 >= nbars)
			bars.error[i] = ENOENT;
		i += pb->pb_64;
	}
	pci_conf_write_2(pa, PCI_COMMAND, command);
}

int
pci_bar_info(const struct pci_attach_args *pa, u_int bar, struct pci_bar *pb)
{
	if (bar >= PCI_NBARS)
		return (ENOENT);
	if (bars.host != pa->pa_host || bars.tag != pa->pa_tag)
		pci_bars_probe(pa);
	*pb = bars.bar[bar];
	return (bars.error[bar]);
}

/* What is known of the last function is no longer true. */
static void
pci_bars_forget(void)
{
	bars.host = NULL;
}

int
pci_bar_map(const struct pci_attach_args *pa, u_int bar, int flags,
    struct bus_region *br)
{
	struct pci_bar pb;
	bus_space_tag_t tag;
	int error;

	if ((error = pci_bar_info(pa, bar, &pb)) != 0)
		return (error);
	tag = pb.pb_io ? pa->pa_host->ph_io : pa->pa_host->ph_mem;
	if (tag == NULL)
		return (EOPNOTSUPP);
	if (!pb.pb_prefetch)
		flags &= ~BUS_SPACE_MAP_PREFETCHABLE;
	error = br_map(br, tag, pb.pb_addr, pb.pb_size, flags);
	if (error == 0)
		pci_enable(pa, pb.pb_io ? PCI_COMMAND_IO : PCI_COMMAND_MEM);
	return (error);
}

/* --- enumeration --------------------------------------------------------------------- */

static const struct { uint32_t class, mask; const char *name; } pci_class[] = {
	{ 0x010000, 0xffff00, "SCSI" },
	{ 0x010600, 0xffff00, "SATA" },
	{ 0x010100, 0xffff00, "IDE" },
	{ 0x010800, 0xffff00, "NVMe" },
	{ 0x010000, 0xff0000, "Storage" },
	{ 0x020000, 0xff0000, "Network" },
	{ 0x030000, 0xff0000, "Display" },
	{ 0x040000, 0xff0000, "Multimedia" },
	{ 0x050000, 0xff0000, "Memory" },
	{ 0x060000, 0xffff00, "Host Bridge" },
	{ 0x060100, 0xffff00, "ISA Bridge" },
	{ 0x060400, 0xffff00, "PCI Bridge" },
	{ 0x060000, 0xff0000, "Bridge" },
	{ 0x070000, 0xff0000, "Communications" },
	{ 0x080000, 0xff0000, "System" },
	{ 0x090000, 0xff0000, "Input" },
	{ 0x0c0300, 0xffff00, "USB" },
	{ 0x0c0500, 0xffff00, "SMBus" },
};

static const char *
pci_describe(const struct pci_attach_args *pa)
{
	const char *name;
	u_int i;

	if (pa->pa_vendor == PCI_VENDOR_QUMRANET && pa->pa_product >= 0x1000 &&
	    pa->pa_product <= 0x107f && (name = virtio_type_name(
	    pa->pa_product >= 0x1040 ? pa->pa_product - 0x1040U :
	    pa->pa_subproduct)) != NULL)
		return (name);
	if (pa->pa_vendor == PCI_VENDOR_OPENBSD &&
	    pa->pa_product == PCI_PRODUCT_VMMCI)
		return ("VMM Control");
	for (i = 0; i < nitems(pci_class); i++) {
		if ((pa->pa_class & pci_class[i].mask) == pci_class[i].class)
			return (pci_class[i].name);
	}
	return ("Unknown");
}

void
pci_print(const void *aux, struct cfident *id)
{
	const struct pci_attach_args *pa = aux;
	const char *name = pci_describe(pa);

	snprintf(id->ci_what, sizeof(id->ci_what), "%04x:%04x %s%s",
	    pa->pa_vendor, pa->pa_product, name,
	    strchr(name, ' ') != NULL ? "" : " Device");
	snprintf(id->ci_loc, sizeof(id->ci_loc), " dev %u function %u",
	    PCI_TAG_DEV(pa->pa_tag), PCI_TAG_FUNC(pa->pa_tag));
}

bool
pci_function_probe(struct pci_host *ph, u_int tag, struct pci_attach_args *pa)
{
	uint32_t v;

	*pa = (struct pci_attach_args){ .pa_host = ph, .pa_tag = tag };
	v = pci_conf_read_4(pa, PCI_ID);
	if ((uint16_t)v == 0xffff || v == 0)
		return (false);
	pa->pa_vendor = v;
	pa->pa_product = v >> 16;
	v = pci_conf_read_4(pa, PCI_CLASS);
	pa->pa_class = v >> 8;
	pa->pa_revision = v;
	pa->pa_header = pci_conf_read_1(pa, PCI_HEADER) & 0x7f;
	if (pa->pa_header == PCI_HEADER_DEVICE) {
		v = pci_conf_read_4(pa, PCI_SUBSYSTEM);
		pa->pa_subvendor = v;
		pa->pa_subproduct = v >> 16;
	}
	return (true);
}

struct pci_space *
pci_bus_space(struct device *self)
{
	struct pci_softc *sc = (struct pci_softc *)self;

	if (sc->sc_space != NULL)
		return (sc->sc_space);
	sc->sc_space = kmem_zalloc(sizeof(*sc->sc_space), KM_SLEEP);
	if (sc->sc_bridge != NULL)
		pci_bridge_space(sc->sc_bridge, sc->sc_space);
	else
		sc->sc_host->ph_space(sc->sc_host, sc->sc_space);
	pci_bus_taken(sc->sc_host, sc->sc_bus, sc->sc_space);
	return (sc->sc_space);
}

int
pci_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct pci_softc *sc = (struct pci_softc *)self;
	struct pcibus_attach_args *pba = aux;
	struct pci_attach_args pa;
	u_int dev, func, nfunc;

	sc->sc_host = pba->pba_host;
	sc->sc_bus = pba->pba_bus;
	sc->sc_bridge = pba->pba_bridge;
	sc->sc_host->ph_maxbus = MAX(sc->sc_host->ph_maxbus, sc->sc_bus);
	device_describe(self, "bus %u", sc->sc_bus);
	if (pci_bus_unassigned(sc->sc_host, sc->sc_bus))
		pci_bus_assign(sc->sc_host, sc->sc_bus, pci_bus_space(self));
	for (dev = 0; dev < 32; dev++) {
		for (func = 0, nfunc = 1; func < nfunc; func++) {
			if (!pci_function_probe(sc->sc_host,
			    PCI_TAG(sc->sc_bus, dev, func), &pa))
				continue;
			if (func == 0 && (pci_conf_read_1(&pa, PCI_HEADER) &
			    PCI_HEADER_MULTI))
				nfunc = 8;
			pci_bars_forget();
			(void)config_found(self, &pa, pci_print);
		}
	}
	kmem_free(sc->sc_space, sizeof(*sc->sc_space));
	sc->sc_space = NULL;
	return (0);
}

int
pci_detach(struct device *self __unused, int flags __unused)
{
	return (0);
}

int
pci_bus_match(struct device *parent __unused,
    const struct cfdata *cf __unused, const void *aux __unused)
{
	return (1);
}

CFDRIVER_DECL(pci, DV_BUS);
CFATTACH_DECL(pci, ppb, pci_softc, .ca_match = pci_bus_match,
    .ca_attach = pci_attach, .ca_detach = pci_detach);

/* A configuration line's "dev N function N" against what was found. */
bool
pci_locators_match(const struct cfdata *cf, const struct pci_attach_args *pa)
{
	long dev = DEVICE_LOCATOR(cf, 0), func = DEVICE_LOCATOR(cf, 1);

	return ((dev == -1 || dev == PCI_TAG_DEV(pa->pa_tag)) &&
	    (func == -1 || func == PCI_TAG_FUNC(pa->pa_tag)));
}

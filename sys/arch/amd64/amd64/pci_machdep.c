/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Host bridges of PCs: configuration space through the memory that the MCFG
 * table names, else through ports 0xcf8 and 0xcfc; interrupt lines.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>
#include <dev/pci/pcialloc.h>
#include <dev/pci/pcivar.h>
#include <machine/apic.h>
#include <machine/cpu.h>
#include <machine/mainbus.h>

#define CONF_ADDRESS	0xcf8
#define CONF_DATA	0xcfc
#define CONF_ENABLE	0x80000000U

#define NHOST		8

static struct pci_host	hosts[NHOST];
static u_int		nhosts;
static struct mutex	conf_mtx = MUTEX_INITIALIZER(IPL_HIGH);

/* --- configuration space -------------------------------------------------------- */

static uint32_t
port_read(struct pci_host *ph __unused, u_int tag, u_int reg)
{
	uint32_t v;

	mtx_enter(&conf_mtx);
	outl(CONF_ADDRESS, CONF_ENABLE | tag << 8 | reg);
	v = inl(CONF_DATA);
	mtx_leave(&conf_mtx);
	return (v);
}

static void
port_write(struct pci_host *ph __unused, u_int tag, u_int reg, uint32_t v)
{
	mtx_enter(&conf_mtx);
	outl(CONF_ADDRESS, CONF_ENABLE | tag << 8 | reg);
	outl(CONF_DATA, v);
	mtx_leave(&conf_mtx);
}

/* --- interrupt lines ------------------------------------------------------------ */

/*
 * A _PRT that is plain data is asked first.  Where it is code, what the
 * firmware wrote into the line register must do: an ISA interrupt, and the
 * I/O APIC has those too.
 */
static int
line_intr(struct pci_host *ph, u_int tag, u_int pin, u_int line,
    struct intr_handle *ih)
{
	struct acpi_gsi ag;

	pci_swizzle(ph, &tag, &pin);
	if (acpi_prt(acpi_sc.sc_dsdt, PCI_TAG_DEV(tag), pin - 1, &ag) == 0) {
		intr_gsi_handle(ih, ag.ag_gsi, ag.ag_level, ag.ag_low);
		return (0);
	}
	if (line == 0 || line > 15)
		return (ENOENT);
	intr_gsi_handle(ih, line, true, false);
	return (0);
}

/* --- windows ---------------------------------------------------------------------- */

/*
 * Address space descriptors of a resource template (ACPI 6.4.3.5): word,
 * double word and quad word, each granularity, minimum, maximum, translation,
 * length after six bytes.
 */
static const u_char *
crs_descriptor(const u_char *p, const u_char *end, struct pci_space *ps)
{
	uint64_t min = 0, max = 0, len = 0;
	size_t width, size;

	if (!(*p & 0x80))			/* a small one: skip */
		return (p + 1 + (*p & 7));
	if (end - p < 3)
		return (NULL);
	size = 3 + (p[1] | p[2] << 8);
	if (size > (size_t)(end - p))
		return (NULL);
	width = *p == 0x87 ? 4 : *p == 0x88 ? 2 : *p == 0x8a ? 8 : 0;
	if (width != 0 && size >= 6 + 5 * width) {
		memcpy(&min, p + 6 + width, width);
		memcpy(&max, p + 6 + 2 * width, width);
		memcpy(&len, p + 6 + 4 * width, width);
		if (len != 0 && max >= min && p[3] == 0)
			(void)memlist_add(&ps->ps_mem, min, max + 1);
		else if (len != 0 && max >= min && p[3] == 1)
			(void)memlist_add(&ps->ps_io, min, max + 1);
	}
	return (p + size);
}

/*
 * The windows of the host bridge are in the _CRS of the device whose _HID is
 * PNP0A03 or PNP0A08.  Where that is a plain buffer, as with every hypervisor
 * known to us, it can be found without running AML: name, BufferOp, package
 * length, size, descriptors up to the end tag.
 */
static void
dsdt_space(struct pci_host *ph __unused, struct pci_space *ps)
{
	static const u_char pnp0a03[] = { 0x41, 0xd0, 0x0a, 0x03 };
	static const u_char pnp0a08[] = { 0x41, 0xd0, 0x0a, 0x08 };
	const struct acpi_header *dsdt = acpi_sc.sc_dsdt;
	const u_char *p, *end;
	bool bridge = false;

	if (dsdt == NULL)
		return;
	p = (const u_char *)(dsdt + 1);
	end = (const u_char *)dsdt + dsdt->ah_length;
	for (; end - p > 16; p++) {
		if (memcmp(p, pnp0a03, 4) == 0 || memcmp(p, pnp0a08, 4) == 0 ||
		    memcmp(p, "PNP0A03", 7) == 0 ||
		    memcmp(p, "PNP0A08", 7) == 0)
			bridge = true;
		if (!bridge || memcmp(p, "_CRS", 4) != 0 || p[4] != 0x11)
			continue;
		p += 5;
		p += (*p >> 6) + 1;
		/* the size: a constant of 1, 2 or 4 bytes */
		p += *p == 0x0a ? 2 : *p == 0x0b ? 3 : 5;
		while (p != NULL && p < end && *p != 0x79)
			p = crs_descriptor(p, end, ps);
		return;
	}
}

/* --- host bridges ------------------------------------------------------------------- */

struct mcfg_entry {
	uint64_t	me_base;
	uint16_t	me_segment;
	uint8_t		me_first, me_last;
	uint32_t	me_rsvd;
} __packed;
#define MCFG_HEADER	44

/* NULL: no room for one more. */
static struct pci_host *
host_add(u_int segment, u_int first, u_int last)
{
	struct pci_host *ph;

	if (nhosts == NHOST)
		return (NULL);
	ph = &hosts[nhosts++];
	ph->ph_mem = &md_bus_mem;
	ph->ph_io = md_bus_io;
	ph->ph_segment = segment;
	ph->ph_firstbus = ph->ph_maxbus = first;
	ph->ph_lastbus = last;
	ph->ph_intr = line_intr;
	ph->ph_space = dsdt_space;
	return (ph);
}

static void
host_ecam(paddr_t base, u_int segment, u_int first, u_int last)
{
	struct pci_host *ph = host_add(segment, first, last);

	if (ph != NULL && pci_ecam_init(ph, base) != 0)
		nhosts--;
}

static void
hosts_find(void)
{
	const struct acpi_header *mcfg = acpi_table("MCFG", 0);
	const struct mcfg_entry *me;
	struct pci_host *ph;
	uint64_t base;
	u_int i, n;

	n = mcfg == NULL || mcfg->ah_length < MCFG_HEADER ? 0 :
	    (mcfg->ah_length - MCFG_HEADER) / sizeof(*me);
	me = (const struct mcfg_entry *)((const char *)mcfg + MCFG_HEADER);
	for (i = 0; i < n; i++, me++) {
		if (me->me_last >= me->me_first && me->me_base != 0)
			host_ecam(me->me_base, me->me_segment, me->me_first,
			    me->me_last);
	}
	/* a host bridge that can come and go has no entry, but a method */
	if (nhosts == 0 && acpi_method_int(acpi_sc.sc_dsdt, "_CBA",
	    &base) == 0 && base != 0)
		host_ecam(base, 0, 0, 255);
	if (nhosts == 0) {
		/* does the address register remember? */
		outl(CONF_ADDRESS, CONF_ENABLE);
		if (inl(CONF_ADDRESS) != CONF_ENABLE)
			return;
		ph = host_add(0, 0, 255);
		ph->ph_read = port_read;
		ph->ph_write = port_write;
	}
}

void
pci_machdep_hosts(struct device *mainbus)
{
	struct pcibus_attach_args pba;
	struct mainbus_attach_args ma = { .ma_name = "pci", .ma_aux = &pba };
	u_int i;

	hosts_find();
	for (i = 0; i < nhosts; i++) {
		pba = (struct pcibus_attach_args){ .pba_host = &hosts[i],
		    .pba_bus = hosts[i].ph_firstbus };
		(void)config_found(mainbus, &ma, NULL);
	}
}

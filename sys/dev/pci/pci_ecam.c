/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Configuration space in memory: PCIe 7.2.2.  A page for each function, a
 * megabyte for each bus.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pci/pcivar.h>

#define ECAM_BUS	(1UL << 20)

struct pci_ecam {
	bus_addr_t		pe_base;	/* of bus 0 */
	struct bus_region	pe_bus[256];
};

/* The registers of a function's bus; NULL: it is not ours. */
static const struct bus_region *
ecam_bus(struct pci_host *ph, u_int tag)
{
	struct pci_ecam *pe = ph->ph_cookie;
	u_int bus = PCI_TAG_BUS(tag);

	if (bus < ph->ph_firstbus || bus > ph->ph_lastbus)
		return (NULL);
	if (pe->pe_bus[bus].br_size == 0 && br_map(&pe->pe_bus[bus],
	    &md_bus_mem, pe->pe_base + bus * ECAM_BUS, ECAM_BUS, 0) != 0)
		return (NULL);
	return (&pe->pe_bus[bus]);
}

static uint32_t
ecam_read(struct pci_host *ph, u_int tag, u_int reg)
{
	const struct bus_region *br = ecam_bus(ph, tag);

	return (br == NULL ? UINT32_MAX :
	    br_read_4(br, ((tag & 0xff) << 12) + reg));
}

static void
ecam_write(struct pci_host *ph, u_int tag, u_int reg, uint32_t v)
{
	const struct bus_region *br = ecam_bus(ph, tag);

	if (br != NULL)
		br_write_4(br, ((tag & 0xff) << 12) + reg, v);
}

int
pci_ecam_init(struct pci_host *ph, bus_addr_t base)
{
	struct pci_ecam *pe;

	if ((pe = kmem_zalloc(sizeof(*pe), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	pe->pe_base = base;
	ph->ph_read = ecam_read;
	ph->ph_write = ecam_write;
	ph->ph_extended = true;
	ph->ph_cookie = pe;
	return (0);
}

void
pci_ecam_fini(struct pci_host *ph)
{
	struct pci_ecam *pe = ph->ph_cookie;
	u_int i;

	for (i = 0; i < nitems(pe->pe_bus); i++)
		br_unmap(&pe->pe_bus[i]);
	kmem_free(pe, sizeof(*pe));
	ph->ph_cookie = NULL;
}

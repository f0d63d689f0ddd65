/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * PCI bridges, and the root ports of PCI Express.
 *
 * A bridge that the firmware has numbered is taken as it is.  Another gets
 * the next bus number, and windows.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/pci/pcialloc.h>
#include <dev/pci/pcireg.h>
#include <dev/pci/pcivar.h>

struct ppb_softc {
	struct device		sc_dev;
	struct pci_attach_args	sc_pa;
};

static int
ppb_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pci_attach_args *pa = aux;

	return (pa->pa_header == PCI_HEADER_BRIDGE &&
	    pa->pa_class >> 8 == 0x0604 && pci_locators_match(cf, pa));
}

/*
 * Give a bridge a bus number.  All above it are behind it until its children
 * have theirs; see the end of ppb_attach().
 */
static bool
ppb_number(struct device *parent, const struct pci_attach_args *pa,
    u_int *secondary)
{
	struct pci_host *ph = pa->pa_host;

	if (ph->ph_maxbus >= ph->ph_lastbus)
		return (false);
	*secondary = ++ph->ph_maxbus;
	pci_conf_write_4(pa, PPB_BUSES, PCI_TAG_BUS(pa->pa_tag) |
	    *secondary << 8 | ph->ph_lastbus << 16);
	pci_bridge_assign(pa, pci_bus_space(parent));
	return (true);
}

static int
ppb_attach(struct device *parent, struct device *self, void *aux)
{
	struct ppb_softc *sc = (struct ppb_softc *)self;
	struct pci_attach_args *pa = aux;
	struct pcibus_attach_args pba = { .pba_host = pa->pa_host };
	uint32_t buses;
	u_int secondary, last;
	bool numbered;

	sc->sc_pa = *pa;
	buses = pci_conf_read_4(pa, PPB_BUSES);
	secondary = buses >> 8 & 0xff;
	last = buses >> 16 & 0xff;
	numbered = secondary > PCI_TAG_BUS(pa->pa_tag) && last >= secondary &&
	    last <= pa->pa_host->ph_lastbus;
	if (!numbered && !ppb_number(parent, pa, &secondary)) {
		device_describe(self, "no bus number left");
		return (ENOSPC);
	}
	device_describe(self, "%04x:%04x PCI Bridge, bus %u", pa->pa_vendor,
	    pa->pa_product, secondary);
	pci_enable(pa, PCI_COMMAND_IO | PCI_COMMAND_MEM | PCI_COMMAND_MASTER);
	pba.pba_bus = secondary;
	pa->pa_host->ph_bridge[secondary & 0xff] = pa->pa_tag;
	pba.pba_bridge = &sc->sc_pa;
	(void)config_found(self, &pba, NULL);
	if (numbered)
		pa->pa_host->ph_maxbus = MAX(pa->pa_host->ph_maxbus, last);
	else
		pci_conf_write_4(pa, PPB_BUSES, PCI_TAG_BUS(pa->pa_tag) |
		    secondary << 8 | pa->pa_host->ph_maxbus << 16);
	return (0);
}

static int
ppb_detach(struct device *self __unused, int flags __unused)
{
	return (0);
}

CFDRIVER_DECL(ppb, DV_BUS);
CFATTACH_DECL(ppb, pci, ppb_softc, .ca_match = ppb_match,
    .ca_attach = ppb_attach, .ca_detach = ppb_detach);

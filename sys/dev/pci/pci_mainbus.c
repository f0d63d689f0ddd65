/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The bus below a host bridge, where the machine itself knows of bridges.
 */

#include <dev/pci/pcivar.h>
#include <machine/mainbus.h>

static int
pci_mainbus_attach(struct device *parent, struct device *self, void *aux)
{
	struct mainbus_attach_args *ma = aux;

	return (pci_attach(parent, self, ma->ma_aux));
}

CFATTACH_DECL(pci, mainbus, pci_softc, .ca_match = mainbus_child_match,
    .ca_attach = pci_mainbus_attach, .ca_detach = pci_detach);

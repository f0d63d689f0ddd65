/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PCI_PCIALLOC_H_
#define _DEV_PCI_PCIALLOC_H_

/*
 * Addresses and bus numbers where the firmware has not given any.
 *
 * A bus is looked at before its children attach.  Only if it has a function
 * that decodes nothing yet is anything read or written; then the free part of
 * the bus's windows is worked out and those functions get their share.
 */

#include <sys/memlist.h>

#include <dev/pci/pcivar.h>

/* what a bus has left, in the addresses that its devices decode */
struct pci_space {
	struct memlist	ps_mem;
	struct memlist	ps_io;
};

/*
 * All thread context, at attach.
 *
 * pci_bus_unassigned: some function on that bus has no addresses.
 * pci_bus_taken: takes out of the space what functions have already.
 * pci_bus_assign: gives to those that have not, from the space.
 * pci_bridge_space: a bridge's windows, as they are set.
 * pci_bridge_assign: sets a bridge's windows, taken from the space of the
 *	bus that it is on.
 * pci_bar_decode: a register as it is, see pci_bar_info(); decoding is off.
 * pci_function_probe: false if there is none.
 */
bool	pci_bus_unassigned(struct pci_host *, u_int);
void	pci_bus_taken(struct pci_host *, u_int, struct pci_space *);
void	pci_bus_assign(struct pci_host *, u_int, struct pci_space *);
void	pci_bridge_space(const struct pci_attach_args *, struct pci_space *);
void	pci_bridge_assign(const struct pci_attach_args *, struct pci_space *);
int	pci_bar_decode(const struct pci_attach_args *, u_int,
	    struct pci_bar *);
bool	pci_function_probe(struct pci_host *, u_int, struct pci_attach_args *);

/* of a pci device: what its bus has left; NULL: no memory */
struct pci_space *pci_bus_space(struct device *);

#endif /* _DEV_PCI_PCIALLOC_H_ */

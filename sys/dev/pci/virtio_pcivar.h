/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PCI_VIRTIO_PCIVAR_H_
#define _DEV_PCI_VIRTIO_PCIVAR_H_

/* Between the two interfaces that a virtio device may have on PCI. */

#include <dev/pci/pcivar.h>
#include <dev/pv/virtio_transport.h>

struct virtio_pci_softc;

/* A BAR seen through configuration space: 4.1.4.10. */
struct virtio_pci_window {
	struct bus_space	 vw_tag;
	struct virtio_pci_softc	*vw_sc;
	u_int			 vw_bar;
};

struct virtio_pci_softc {
	union {
		struct device		 sc_dev;
		struct virtio_softc	 sc_vsc;
	};
	struct pci_attach_args	 sc_pa;
	struct bus_region	 sc_bar[PCI_NBARS];
	struct bus_region	 sc_common;	/* legacy: BAR0 */
	struct bus_region	 sc_isr;
	struct bus_region	 sc_notify;	/* 1.x from here on */
	struct bus_region	 sc_device;
	uint32_t		 sc_notify_mult;
	struct virtio_pci_window *sc_window;	/* PCI_NBARS of them */
	u_int			 sc_window_cap;
	struct pci_bar		 sc_place[PCI_NBARS];	/* pb_size 0: none */
	struct mutex		 sc_window_mtx;

	struct pci_msix		 sc_msix;
	u_int			 sc_nvec;	/* established */
	struct pci_intr		 sc_intr;
};

extern const struct virtio_transport	virtio_pci_ops, virtio_pci_legacy_ops;

int	virtio_pci_legacy_map(struct virtio_pci_softc *);

/* what the two have in common */
u_int	virtio_pci_nvec(struct virtio_softc *);
int	virtio_pci_intr_setup(struct virtio_softc *, enum ipl,
	    const struct virtio_vec *, u_int);
void	virtio_pci_intr_barrier(struct virtio_softc *);
void	virtio_pci_intr_free(struct virtio_softc *);
void	virtio_pci_cutoff(struct virtio_softc *);
uint32_t virtio_pci_read(const struct bus_region *, bus_size_t, u_int);
void	virtio_pci_write(const struct bus_region *, bus_size_t, u_int,
	    uint32_t);
int	virtio_pci_vector(const struct bus_region *, bus_size_t, uint16_t);

#endif /* _DEV_PCI_VIRTIO_PCIVAR_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIRTIO_MMIOVAR_H_
#define _DEV_PV_VIRTIO_MMIOVAR_H_

/*
 * virtio over MMIO, between whoever knows where a device is (a device tree,
 * ACPI, the command line) and virtio_mmio.c.
 */

#include <dev/pv/virtio_transport.h>

#define VIRTIO_MMIO_SIZE	0x200	/* as most hypervisors have it */

struct virtio_mmio_softc {
	union {				/* first */
		struct device	    sc_dev;
		struct virtio_softc sc_vsc;
	};
	struct bus_region	 sc_regs, sc_config;
	struct intr_handle	 sc_ih;
	void			*sc_intr;
};

/*
 * virtio_mmio_probe: is there a device at that place?  No: nothing is printed,
 *	since there may be empty places (4.2.2.2: DeviceID is 0).
 * virtio_mmio_attach: of a softc that autoconf has made.  ENXIO: not usable,
 *	and its line says why.  Others of br_map() and the core.
 * virtio_mmio_detach: undoes it.
 * All in thread context.
 */
bool	virtio_mmio_probe(bus_space_tag_t, bus_addr_t, bus_size_t);
int	virtio_mmio_attach(struct virtio_mmio_softc *, bus_space_tag_t,
	    bus_addr_t, bus_size_t, const struct intr_handle *);
int	virtio_mmio_detach(struct device *, int);

#endif /* _DEV_PV_VIRTIO_MMIOVAR_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_ACPI_VMGENIDVAR_H_
#define _DEV_ACPI_VMGENIDVAR_H_

/* An identifier of 128 bits that changes when a machine is copied. */

#include <sys/device.h>

#define VMGENID_SIZE	16

struct vmgenid_softc {
	struct device		 sc_dev;
	const volatile uint8_t	*sc_guid;	/* the host writes there */
	uint8_t			 sc_seen[VMGENID_SIZE];
};

struct vmgenid_place {
	paddr_t		vp_addr;
	int		vp_gpe;		/* event that tells; -1: none */
};

/*
 * vmgenid_find: at boot; does ACPI tell of one?
 * vmgenid_attach: thread context; describes the device.  ENOMEM.
 * vmgenid_changed: any context up to IPL_SOFT; perhaps it has.
 * acpi_gpe_establish: the machine's; call fn when general purpose event n
 *	occurs, at IPL_SOFT.  ENXIO: there is no such event.
 */
bool	vmgenid_find(struct vmgenid_place *);
int	vmgenid_attach(struct vmgenid_softc *, const struct vmgenid_place *);
void	vmgenid_changed(void *);
int	acpi_gpe_establish(u_int, void (*)(void *), void *);

#endif /* _DEV_ACPI_VMGENIDVAR_H_ */

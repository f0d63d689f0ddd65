/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VMMCIREG_H_
#define _DEV_PV_VMMCIREG_H_

/*
 * OpenBSD's VMM control interface, as its vmd(8) presents it: a device with
 * the 0.9 register layout and no queues.  No specification has it.
 */

#include <sys/types.h>

#define PCI_VENDOR_OPENBSD	0x0b5d
#define PCI_PRODUCT_VMMCI	0x0777

#define VIRTIO_ID_VMMCI		0xffff		/* a private one */

#define VMMCI_F_TIMESYNC	VIRTIO_BIT(0)	/* time of the host's */
#define VMMCI_F_ACK		VIRTIO_BIT(1)	/* commands are acknowledged */
#define VMMCI_F_SYNCRTC		VIRTIO_BIT(2)	/* the third command */

/*
 * The device's configuration; 32-bit accesses.  To read the low half of the
 * seconds holds the other three words.
 */
struct vmmci_config {
	uint32_t	command;		/* RW */
	uint32_t	sec_low;
	uint32_t	sec_high;
	uint32_t	usec_low;
	uint32_t	usec_high;
};

#define VMMCI_NONE		0
#define VMMCI_SHUTDOWN		1
#define VMMCI_REBOOT		2
#define VMMCI_SYNCRTC		3

#endif /* _DEV_PV_VMMCIREG_H_ */

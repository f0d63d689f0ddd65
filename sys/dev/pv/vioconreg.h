/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOCONREG_H_
#define _DEV_PV_VIOCONREG_H_

/* VIRTIO 1.4, 5.3 Console Device */

#include <sys/types.h>
#include <sys/wire.h>

/* 5.3.2 Virtqueues; those of the ports but the first come behind control */
#define VIRTIO_CONSOLE_RECEIVEQ		0
#define VIRTIO_CONSOLE_TRANSMITQ	1
#define VIRTIO_CONSOLE_CTL_RECEIVEQ	2
#define VIRTIO_CONSOLE_CTL_TRANSMITQ	3
#define VIRTIO_CONSOLE_PORT_RECEIVEQ(n)	((n) == 0 ? 0 : 2 * (n) + 2)
#define VIRTIO_CONSOLE_PORT_TRANSMITQ(n) ((n) == 0 ? 1 : 2 * (n) + 3)

/* 5.3.3 Feature bits */
#define VIRTIO_CONSOLE_F_SIZE		(1ULL << 0)
#define VIRTIO_CONSOLE_F_MULTIPORT	(1ULL << 1)
#define VIRTIO_CONSOLE_F_EMERG_WRITE	(1ULL << 2)

/* 5.3.4 Device configuration layout, as an image */
struct virtio_console_config {
	uint16_t	cols;
	uint16_t	rows;
	uint32_t	max_nr_ports;
	uint32_t	emerg_wr;
};
_Static_assert(sizeof(struct virtio_console_config) == 12,
    "virtio_console_config");

/* 5.3.6.2 Multiport Device Operation */
struct virtio_console_control {
	le32_w		id;
	le16_w		event;
	le16_w		value;
};
_Static_assert(sizeof(struct virtio_console_control) == 8,
    "virtio_console_control");

struct virtio_console_resize {		/* behind it */
	le16_w		cols;
	le16_w		rows;
};

#define VIRTIO_CONSOLE_DEVICE_READY	0	/* to the device */
#define VIRTIO_CONSOLE_DEVICE_ADD	1	/* from it */
#define VIRTIO_CONSOLE_DEVICE_REMOVE	2
#define VIRTIO_CONSOLE_PORT_READY	3	/* to it */
#define VIRTIO_CONSOLE_CONSOLE_PORT	4	/* from it */
#define VIRTIO_CONSOLE_RESIZE		5
#define VIRTIO_CONSOLE_PORT_OPEN	6	/* both ways */
#define VIRTIO_CONSOLE_PORT_NAME	7	/* from it; a name is behind */

#endif /* _DEV_PV_VIOCONREG_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOCONREG_H_
#define _DEV_PV_VIOCONREG_H_

/* VIRTIO 1.4, 5.3 Console Device */

#include <sys/types.h>

/* 5.3.2 Virtqueues */
#define VIRTIO_CONSOLE_RECEIVEQ		0
#define VIRTIO_CONSOLE_TRANSMITQ	1

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

#endif /* _DEV_PV_VIOCONREG_H_ */

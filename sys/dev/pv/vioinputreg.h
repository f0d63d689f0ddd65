/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOINPUTREG_H_
#define _DEV_PV_VIOINPUTREG_H_

/* VIRTIO 1.4, 5.8 Input Device */

#include <sys/wire.h>

/* 5.8.2 Virtqueues */
#define VIRTIO_INPUT_EVENTQ	0
#define VIRTIO_INPUT_STATUSQ	1

/* 5.8.4 Device configuration layout, for virtio_config_read() */
struct virtio_input_config {
	uint8_t		select;
	uint8_t		subsel;
	uint8_t		size;
	uint8_t		reserved[5];
	uint8_t		u[128];
};
_Static_assert(sizeof(struct virtio_input_config) == 136,
    "virtio_input_config");
#define VIRTIO_INPUT_CFG_UNSET		0x00
#define VIRTIO_INPUT_CFG_ID_NAME	0x01
#define VIRTIO_INPUT_CFG_EV_BITS	0x11

/* 5.8.6 Device Operation */
struct virtio_input_event {
	le16_w		ie_type;
	le16_w		ie_code;
	le32_w		ie_value;
};
_Static_assert(sizeof(struct virtio_input_event) == 8,
    "virtio_input_event");

/* what the specification leaves to evdev */
#define EV_SYN		0x00
#define EV_KEY		0x01
#define EV_LED		0x11
#define LED_NUML	0
#define LED_CAPSL	1
#define LED_SCROLLL	2
#define KEY_Q		16
#define KEY_P		25

#endif /* _DEV_PV_VIOINPUTREG_H_ */

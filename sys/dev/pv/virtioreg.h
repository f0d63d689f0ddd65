/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIRTIOREG_H_
#define _DEV_PV_VIRTIOREG_H_

/*
 * What all virtio devices have in common, whatever the transport: Virtual
 * I/O Device (VIRTIO) Version 1.4, chapters 2, 5 and 6.
 */

#include <sys/wire.h>

/* 2.1 Device Status Field */
#define VIRTIO_STATUS_ACKNOWLEDGE	0x01
#define VIRTIO_STATUS_DRIVER		0x02
#define VIRTIO_STATUS_DRIVER_OK		0x04
#define VIRTIO_STATUS_FEATURES_OK	0x08
#define VIRTIO_STATUS_SUSPEND		0x10
#define VIRTIO_STATUS_NEEDS_RESET	0x40
#define VIRTIO_STATUS_FAILED		0x80

/* 6 Reserved Feature Bits */
#define VIRTIO_F_NOTIFY_ON_EMPTY	(1ULL << 24)	/* legacy */
#define VIRTIO_F_ANY_LAYOUT		(1ULL << 27)	/* legacy */
#define VIRTIO_F_INDIRECT_DESC		(1ULL << 28)
#define VIRTIO_F_EVENT_IDX		(1ULL << 29)
#define VIRTIO_F_VERSION_1		(1ULL << 32)
#define VIRTIO_F_ACCESS_PLATFORM	(1ULL << 33)
#define VIRTIO_F_RING_PACKED		(1ULL << 34)
#define VIRTIO_F_IN_ORDER		(1ULL << 35)
#define VIRTIO_F_ORDER_PLATFORM		(1ULL << 36)
#define VIRTIO_F_SR_IOV			(1ULL << 37)
#define VIRTIO_F_NOTIFICATION_DATA	(1ULL << 38)
#define VIRTIO_F_NOTIF_CONFIG_DATA	(1ULL << 39)
#define VIRTIO_F_RING_RESET		(1ULL << 40)
#define VIRTIO_F_ADMIN_VQ		(1ULL << 41)
#define VIRTIO_F_SUSPEND		(1ULL << 43)

/* 5 Device Types */
#define VIRTIO_ID_NETWORK		1
#define VIRTIO_ID_BLOCK			2
#define VIRTIO_ID_CONSOLE		3
#define VIRTIO_ID_ENTROPY		4
#define VIRTIO_ID_BALLOON		5
#define VIRTIO_ID_SCSI			8
#define VIRTIO_ID_9P			9
#define VIRTIO_ID_GPU			16
#define VIRTIO_ID_CLOCK			17
#define VIRTIO_ID_INPUT			18
#define VIRTIO_ID_SOCKET		19
#define VIRTIO_ID_CRYPTO		20
#define VIRTIO_ID_IOMMU			23
#define VIRTIO_ID_MEMORY		24
#define VIRTIO_ID_SOUND			25
#define VIRTIO_ID_FS			26
#define VIRTIO_ID_PMEM			27

/* 2.7 Split Virtqueues */
#define VIRTQ_SIZE_MAX			32768

struct virtq_desc {			/* 2.7.5 */
	le64_w		vd_addr;
	le32_w		vd_len;
	le16_w		vd_flags;
	le16_w		vd_next;
};
#define VIRTQ_DESC_F_NEXT		0x0001
#define VIRTQ_DESC_F_WRITE		0x0002	/* the device writes */
#define VIRTQ_DESC_F_INDIRECT		0x0004
_Static_assert(sizeof(struct virtq_desc) == 16, "virtq_desc");

struct virtq_avail {			/* 2.7.6 */
	le16_w		va_flags;
	le16_w		va_idx;
	le16_w		va_ring[];	/* then le16 used_event */
};
#define VIRTQ_AVAIL_F_NO_INTERRUPT	0x0001
_Static_assert(sizeof(struct virtq_avail) == 4, "virtq_avail");

struct virtq_used_elem {		/* 2.7.8 */
	le32_w		vue_id;
	le32_w		vue_len;
};
_Static_assert(sizeof(struct virtq_used_elem) == 8, "virtq_used_elem");

struct virtq_used {
	le16_w		vu_flags;
	le16_w		vu_idx;
	struct virtq_used_elem vu_ring[];	/* then le16 avail_event */
};
#define VIRTQ_USED_F_NO_NOTIFY		0x0001
_Static_assert(sizeof(struct virtq_used) == 4, "virtq_used");

/* 2.8 Packed Virtqueues */
struct pvirtq_desc {			/* 2.8.13 */
	le64_w		pd_addr;
	le32_w		pd_len;
	le16_w		pd_id;
	le16_w		pd_flags;	/* VIRTQ_DESC_F_*, and of the round: */
};
#define PVIRTQ_DESC_F_AVAIL		0x0080
#define PVIRTQ_DESC_F_USED		0x8000
_Static_assert(sizeof(struct pvirtq_desc) == 16, "pvirtq_desc");

struct pvirtq_event_suppress {		/* 2.8.14 */
	le16_w		pe_desc;	/* offset, wrap counter in bit 15 */
	le16_w		pe_flags;
};
#define PVIRTQ_EVENT_ENABLE		0x0000
#define PVIRTQ_EVENT_DISABLE		0x0001
#define PVIRTQ_EVENT_DESC		0x0002	/* with EVENT_IDX only */
#define PVIRTQ_EVENT_MASK		0x0003
_Static_assert(sizeof(struct pvirtq_event_suppress) == 4,
    "pvirtq_event_suppress");

/* 2.7.2 Legacy Interfaces: A Note on Virtqueue Layout */
#define VIRTQ_LEGACY_ALIGN		4096

#endif /* _DEV_PV_VIRTIOREG_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOBLKREG_H_
#define _DEV_PV_VIOBLKREG_H_

/* VIRTIO 1.4, 5.2 Block Device */

#include <sys/wire.h>

/* 5.2.3 Feature bits */
#define VIRTIO_BLK_F_BARRIER		(1ULL << 0)	/* legacy */
#define VIRTIO_BLK_F_SIZE_MAX		(1ULL << 1)
#define VIRTIO_BLK_F_SEG_MAX		(1ULL << 2)
#define VIRTIO_BLK_F_GEOMETRY		(1ULL << 4)
#define VIRTIO_BLK_F_RO			(1ULL << 5)
#define VIRTIO_BLK_F_BLK_SIZE		(1ULL << 6)
#define VIRTIO_BLK_F_SCSI		(1ULL << 7)	/* legacy */
#define VIRTIO_BLK_F_FLUSH		(1ULL << 9)
#define VIRTIO_BLK_F_TOPOLOGY		(1ULL << 10)
#define VIRTIO_BLK_F_CONFIG_WCE		(1ULL << 11)
#define VIRTIO_BLK_F_MQ			(1ULL << 12)
#define VIRTIO_BLK_F_DISCARD		(1ULL << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES	(1ULL << 14)
#define VIRTIO_BLK_F_LIFETIME		(1ULL << 15)
#define VIRTIO_BLK_F_SECURE_ERASE	(1ULL << 16)
#define VIRTIO_BLK_F_ZONED		(1ULL << 17)

/* 5.2.4 Device configuration layout, as an image for virtio_config_read() */
struct virtio_blk_config {
	uint64_t	capacity;		/* in units of 512 bytes */
	uint32_t	size_max;
	uint32_t	seg_max;
	uint16_t	cylinders;
	uint8_t		heads;
	uint8_t		sectors;
	uint32_t	blk_size;
	uint8_t		physical_block_exp;
	uint8_t		alignment_offset;
	uint16_t	min_io_size;
	uint32_t	opt_io_size;
	uint8_t		writeback;
	uint8_t		unused0;
	uint16_t	num_queues;
	uint32_t	max_discard_sectors;
	uint32_t	max_discard_seg;
	uint32_t	discard_sector_alignment;
	uint32_t	max_write_zeroes_sectors;
	uint32_t	max_write_zeroes_seg;
	uint8_t		write_zeroes_may_unmap;
	uint8_t		unused1[3];
	uint32_t	max_secure_erase_sectors;
	uint32_t	max_secure_erase_seg;
	uint32_t	secure_erase_sector_alignment;
	uint32_t	zone_sectors;
	uint32_t	max_open_zones;
	uint32_t	max_active_zones;
	uint32_t	max_append_sectors;
	uint32_t	write_granularity;
	uint8_t		zone_model;
	uint8_t		unused2[3];
};
_Static_assert(offsetof(struct virtio_blk_config, blk_size) == 20 &&
    offsetof(struct virtio_blk_config, writeback) == 32 &&
    offsetof(struct virtio_blk_config, num_queues) == 34 &&
    offsetof(struct virtio_blk_config, max_secure_erase_sectors) == 60 &&
    offsetof(struct virtio_blk_config, zone_model) == 92,
    "virtio_blk_config");

#define VIRTIO_BLK_Z_NONE	0
#define VIRTIO_BLK_Z_HM		1	/* managed by the host */
#define VIRTIO_BLK_Z_HA		2	/* it may be, and need not */

#define VIRTIO_BLK_SECTOR	512	/* the unit of the protocol */

/* 5.2.6 Device Operation: what the device reads before the data */
struct virtio_blk_req {
	le32_w		br_type;
	le32_w		br_reserved;
	le64_w		br_sector;
};
_Static_assert(sizeof(struct virtio_blk_req) == 16, "virtio_blk_req");

#define VIRTIO_BLK_T_IN			0
#define VIRTIO_BLK_T_OUT		1
#define VIRTIO_BLK_T_FLUSH		4
#define VIRTIO_BLK_T_GET_ID		8
#define VIRTIO_BLK_T_GET_LIFETIME	10
#define VIRTIO_BLK_T_DISCARD		11
#define VIRTIO_BLK_T_WRITE_ZEROES	13
#define VIRTIO_BLK_T_SECURE_ERASE	14

/* and one byte that it writes behind them */
#define VIRTIO_BLK_S_OK			0
#define VIRTIO_BLK_S_IOERR		1
#define VIRTIO_BLK_S_UNSUPP		2

#define VIRTIO_BLK_ID_BYTES	20	/* of T_GET_ID, NUL padded */

/* what DISCARD, WRITE_ZEROES and SECURE_ERASE are about */
struct virtio_blk_range {
	le64_w		bl_sector;
	le32_w		bl_sectors;
	le32_w		bl_flags;
};
_Static_assert(sizeof(struct virtio_blk_range) == 16, "virtio_blk_range");

/* the answer to GET_LIFETIME: JESD84-B50, 7.4.41 and the two before it */
struct virtio_blk_lifetime {
	le16_w		bl_eol;		/* of the reserved blocks */
	le16_w		bl_slc;		/* tenths of the life of each kind */
	le16_w		bl_mlc;
};
_Static_assert(sizeof(struct virtio_blk_lifetime) == 6,
    "virtio_blk_lifetime");

#endif /* _DEV_PV_VIOBLKREG_H_ */

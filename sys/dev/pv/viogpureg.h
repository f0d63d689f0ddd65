/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOGPUREG_H_
#define _DEV_PV_VIOGPUREG_H_

/* VIRTIO 1.4, 5.7 GPU Device */

#include <sys/wire.h>

/* 5.7.2 Virtqueues */
#define VIRTIO_GPU_CONTROLQ	0
#define VIRTIO_GPU_CURSORQ	1

/* 5.7.3 Feature bits */
#define VIRTIO_GPU_F_VIRGL		(1ULL << 0)
#define VIRTIO_GPU_F_EDID		(1ULL << 1)
#define VIRTIO_GPU_F_RESOURCE_UUID	(1ULL << 2)
#define VIRTIO_GPU_F_RESOURCE_BLOB	(1ULL << 3)
#define VIRTIO_GPU_F_CONTEXT_INIT	(1ULL << 4)
#define VIRTIO_GPU_F_BLOB_ALIGNMENT	(1ULL << 5)

/* 5.7.4 Device configuration layout, for virtio_config_read() */
struct virtio_gpu_config {
	uint32_t	events_read;
	uint32_t	events_clear;
	uint32_t	num_scanouts;
	uint32_t	num_capsets;
	uint32_t	blob_alignment;
};
#define VIRTIO_GPU_EVENT_DISPLAY	0x01
#define VIRTIO_GPU_MAX_SCANOUTS		16

/* 5.7.6.7 Request header: both ways */
struct virtio_gpu_ctrl_hdr {
	le32_w		gh_type;
	le32_w		gh_flags;
	le64_w		gh_fence_id;
	le32_w		gh_ctx_id;
	uint8_t		gh_ring_idx;
	uint8_t		gh_padding[3];
};
_Static_assert(sizeof(struct virtio_gpu_ctrl_hdr) == 24,
    "virtio_gpu_ctrl_hdr");
#define VIRTIO_GPU_FLAG_FENCE	0x01

#define VIRTIO_GPU_CMD_GET_DISPLAY_INFO		0x0100
#define VIRTIO_GPU_CMD_RESOURCE_CREATE_2D	0x0101
#define VIRTIO_GPU_CMD_RESOURCE_UNREF		0x0102
#define VIRTIO_GPU_CMD_SET_SCANOUT		0x0103
#define VIRTIO_GPU_CMD_RESOURCE_FLUSH		0x0104
#define VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D	0x0105
#define VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING	0x0106
#define VIRTIO_GPU_CMD_GET_EDID			0x010a
#define VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB	0x010c
#define VIRTIO_GPU_CMD_SET_SCANOUT_BLOB		0x010d
#define VIRTIO_GPU_CMD_UPDATE_CURSOR		0x0300
#define VIRTIO_GPU_CMD_MOVE_CURSOR		0x0301

#define VIRTIO_GPU_RESP_OK_NODATA		0x1100
#define VIRTIO_GPU_RESP_OK_DISPLAY_INFO		0x1101
#define VIRTIO_GPU_RESP_OK_EDID			0x1104
#define VIRTIO_GPU_RESP_ERR_UNSPEC		0x1200
#define VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY	0x1201
#define VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID	0x1202
#define VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID	0x1203
#define VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID	0x1204
#define VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER	0x1205

/* 5.7.6.8 Device Operation: controlq */
struct virtio_gpu_rect {
	le32_w		x;
	le32_w		y;
	le32_w		width;
	le32_w		height;
};

struct virtio_gpu_display_one {
	struct virtio_gpu_rect	do_r;
	le32_w			do_enabled;
	le32_w			do_flags;
};
struct virtio_gpu_resp_display_info {
	struct virtio_gpu_ctrl_hdr	di_hdr;
	struct virtio_gpu_display_one	di_pmodes[VIRTIO_GPU_MAX_SCANOUTS];
};
_Static_assert(sizeof(struct virtio_gpu_resp_display_info) == 408,
    "virtio_gpu_resp_display_info");

struct virtio_gpu_get_edid {
	struct virtio_gpu_ctrl_hdr	ge_hdr;
	le32_w				ge_scanout;
	le32_w				ge_padding;
};
#define VIRTIO_GPU_EDID_MAX	1024
struct virtio_gpu_resp_edid {
	struct virtio_gpu_ctrl_hdr	re_hdr;
	le32_w				re_size;
	le32_w				re_padding;
	uint8_t				re_edid[VIRTIO_GPU_EDID_MAX];
};
_Static_assert(sizeof(struct virtio_gpu_resp_edid) == 1056,
    "virtio_gpu_resp_edid");

/* names are those of bytes in memory, the first one first */
#define VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM	1
#define VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM	2

struct virtio_gpu_resource_create_2d {
	struct virtio_gpu_ctrl_hdr	rc_hdr;
	le32_w				rc_resource_id;
	le32_w				rc_format;
	le32_w				rc_width;
	le32_w				rc_height;
};

struct virtio_gpu_resource_unref {
	struct virtio_gpu_ctrl_hdr	ru_hdr;
	le32_w				ru_resource_id;
	le32_w				ru_padding;
};

struct virtio_gpu_set_scanout {
	struct virtio_gpu_ctrl_hdr	ss_hdr;
	struct virtio_gpu_rect		ss_r;
	le32_w				ss_scanout_id;
	le32_w				ss_resource_id;
};

struct virtio_gpu_resource_flush {
	struct virtio_gpu_ctrl_hdr	rf_hdr;
	struct virtio_gpu_rect		rf_r;
	le32_w				rf_resource_id;
	le32_w				rf_padding;
};

struct virtio_gpu_transfer_to_host_2d {
	struct virtio_gpu_ctrl_hdr	tr_hdr;
	struct virtio_gpu_rect		tr_r;
	le64_w				tr_offset;
	le32_w				tr_resource_id;
	le32_w				tr_padding;
};

struct virtio_gpu_resource_attach_backing {
	struct virtio_gpu_ctrl_hdr	ab_hdr;
	le32_w				ab_resource_id;
	le32_w				ab_nr_entries;
};
struct virtio_gpu_mem_entry {
	le64_w				me_addr;
	le32_w				me_length;
	le32_w				me_padding;
};
_Static_assert(sizeof(struct virtio_gpu_mem_entry) == 16,
    "virtio_gpu_mem_entry");

#define VIRTIO_GPU_BLOB_MEM_GUEST	0x0001

struct virtio_gpu_resource_create_blob {
	struct virtio_gpu_ctrl_hdr	cb_hdr;
	le32_w				cb_resource_id;
	le32_w				cb_blob_mem;
	le32_w				cb_blob_flags;
	le32_w				cb_nr_entries;
	le64_w				cb_blob_id;
	le64_w				cb_size;
};
_Static_assert(sizeof(struct virtio_gpu_resource_create_blob) == 56,
    "virtio_gpu_resource_create_blob");

struct virtio_gpu_set_scanout_blob {
	struct virtio_gpu_ctrl_hdr	sb_hdr;
	struct virtio_gpu_rect		sb_r;
	le32_w				sb_scanout_id;
	le32_w				sb_resource_id;
	le32_w				sb_width;
	le32_w				sb_height;
	le32_w				sb_format;
	le32_w				sb_padding;
	le32_w				sb_strides[4];
	le32_w				sb_offsets[4];
};
_Static_assert(sizeof(struct virtio_gpu_set_scanout_blob) == 96,
    "virtio_gpu_set_scanout_blob");

/* 5.7.6.10 Device Operation: cursorq */
struct virtio_gpu_update_cursor {
	struct virtio_gpu_ctrl_hdr	uc_hdr;
	le32_w				uc_scanout_id;
	le32_w				uc_x;
	le32_w				uc_y;
	le32_w				uc_pos_padding;
	le32_w				uc_resource_id;
	le32_w				uc_hot_x;
	le32_w				uc_hot_y;
	le32_w				uc_padding;
};
_Static_assert(sizeof(struct virtio_gpu_update_cursor) == 56,
    "virtio_gpu_update_cursor");
#define VIRTIO_GPU_CURSOR_SIZE	64	/* pixels each way */

#endif /* _DEV_PV_VIOGPUREG_H_ */

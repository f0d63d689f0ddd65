/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOSCSIREG_H_
#define _DEV_PV_VIOSCSIREG_H_

/* VIRTIO 1.4, 5.6 SCSI Host Device */

#include <sys/wire.h>

/* 5.6.2 Virtqueues */
#define VIOSCSI_CONTROLQ	0
#define VIOSCSI_EVENTQ		1
#define VIOSCSI_REQUESTQ	2		/* the first of them */

/* 5.6.3 Feature bits */
#define VIRTIO_SCSI_F_INOUT		(1ULL << 0)
#define VIRTIO_SCSI_F_HOTPLUG		(1ULL << 1)
#define VIRTIO_SCSI_F_CHANGE		(1ULL << 2)
#define VIRTIO_SCSI_F_T10_PI		(1ULL << 3)

/* 5.6.4 Device configuration layout, for virtio_config_read() */
struct virtio_scsi_config {
	uint32_t	num_queues;
	uint32_t	seg_max;
	uint32_t	max_sectors;
	uint32_t	cmd_per_lun;
	uint32_t	event_info_size;
	uint32_t	sense_size;		/* R/W */
	uint32_t	cdb_size;		/* R/W */
	uint16_t	max_channel;
	uint16_t	max_target;
	uint32_t	max_lun;
};
_Static_assert(offsetof(struct virtio_scsi_config, max_lun) == 32,
    "virtio_scsi_config");

#define VIRTIO_SCSI_CDB_SIZE	32		/* after a reset */
#define VIRTIO_SCSI_SENSE_SIZE	96

/* 5.6.6.1 Request queues: what the device reads before the data, */
struct virtio_scsi_req {
	uint8_t		sr_lun[8];
	uint8_t		sr_id[8];		/* le64, not aligned later on */
	uint8_t		sr_attr, sr_prio, sr_crn;
	uint8_t		sr_cdb[VIRTIO_SCSI_CDB_SIZE];
};
_Static_assert(sizeof(struct virtio_scsi_req) == 51, "virtio_scsi_req");

/* and what it writes before the data */
struct virtio_scsi_resp {
	le32_w		sp_senselen;
	le32_w		sp_residual;
	le16_w		sp_qualifier;
	le8_w		sp_status;
	le8_w		sp_response;
	uint8_t		sp_sense[VIRTIO_SCSI_SENSE_SIZE];
};
_Static_assert(sizeof(struct virtio_scsi_resp) == 108, "virtio_scsi_resp");

#define VIRTIO_SCSI_S_OK			0
#define VIRTIO_SCSI_S_OVERRUN			1
#define VIRTIO_SCSI_S_ABORTED			2
#define VIRTIO_SCSI_S_BAD_TARGET		3
#define VIRTIO_SCSI_S_RESET			4
#define VIRTIO_SCSI_S_BUSY			5
#define VIRTIO_SCSI_S_TRANSPORT_FAILURE		6
#define VIRTIO_SCSI_S_TARGET_FAILURE		7
#define VIRTIO_SCSI_S_NEXUS_FAILURE		8
#define VIRTIO_SCSI_S_FAILURE			9
#define VIRTIO_SCSI_S_FUNCTION_SUCCEEDED	10
#define VIRTIO_SCSI_S_FUNCTION_REJECTED		11
#define VIRTIO_SCSI_S_INCORRECT_LUN		12

/* 5.6.6.2 controlq */
struct virtio_scsi_tmf {
	le32_w		st_type;
	le32_w		st_subtype;
	uint8_t		st_lun[8];
	le64_w		st_id;
};
_Static_assert(sizeof(struct virtio_scsi_tmf) == 24, "virtio_scsi_tmf");
#define VIRTIO_SCSI_T_TMF			0
#define VIRTIO_SCSI_T_TMF_ABORT_TASK		0
#define VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET	5

/* 5.6.6.3 eventq */
struct virtio_scsi_event {
	le32_w		se_event;
	uint8_t		se_lun[8];
	le32_w		se_reason;
};
_Static_assert(sizeof(struct virtio_scsi_event) == 16, "virtio_scsi_event");
#define VIRTIO_SCSI_T_EVENTS_MISSED		0x80000000U
#define VIRTIO_SCSI_T_NO_EVENT			0
#define VIRTIO_SCSI_T_TRANSPORT_RESET		1
#define  VIRTIO_SCSI_EVT_RESET_HARD		0
#define  VIRTIO_SCSI_EVT_RESET_RESCAN		1
#define  VIRTIO_SCSI_EVT_RESET_REMOVED		2
#define VIRTIO_SCSI_T_ASYNC_NOTIFY		2
#define VIRTIO_SCSI_T_PARAM_CHANGE		3

#endif /* _DEV_PV_VIOSCSIREG_H_ */

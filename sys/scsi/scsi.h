/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SCSI_SCSI_H_
#define _SCSI_SCSI_H_

/*
 * Commands and data of SCSI, as far as they are used here: SPC-4, SBC-3 and
 * MMC-6.  Everything is a row of bytes, numbers have their high byte first.
 */

#include <sys/types.h>

static inline uint16_t
scsi_get16(const uint8_t *p)
{
	return (p[0] << 8 | p[1]);
}

static inline uint32_t
scsi_get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static inline uint64_t
scsi_get64(const uint8_t *p)
{
	return ((uint64_t)scsi_get32(p) << 32 | scsi_get32(p + 4));
}

static inline void
scsi_put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void
scsi_put32(uint8_t *p, uint32_t v)
{
	scsi_put16(p, v >> 16);
	scsi_put16(p + 2, v);
}

static inline void
scsi_put64(uint8_t *p, uint64_t v)
{
	scsi_put32(p, v >> 32);
	scsi_put32(p + 4, v);
}

/* --- commands ----------------------------------------------------------- */

#define SCSI_TEST_UNIT_READY		0x00
#define SCSI_REQUEST_SENSE		0x03
#define SCSI_INQUIRY			0x12
#define SCSI_MODE_SELECT_6		0x15
#define SCSI_MODE_SENSE_6		0x1a
#define SCSI_START_STOP_UNIT		0x1b
#define SCSI_PREVENT_ALLOW		0x1e
#define SCSI_READ_CAPACITY_10		0x25
#define SCSI_READ_10			0x28
#define SCSI_WRITE_10			0x2a
#define SCSI_SYNCHRONIZE_CACHE_10	0x35
#define SCSI_WRITE_SAME_10		0x41
#define SCSI_UNMAP			0x42
#define SCSI_GET_EVENT_STATUS		0x4a
#define SCSI_MODE_SENSE_10		0x5a
#define SCSI_READ_16			0x88
#define SCSI_WRITE_16			0x8a
#define SCSI_SYNCHRONIZE_CACHE_16	0x91
#define SCSI_WRITE_SAME_16		0x93
#define SCSI_SERVICE_ACTION_IN_16	0x9e	/* with: */
#define  SAI_READ_CAPACITY_16		0x10
#define SCSI_REPORT_LUNS		0xa0

#define SCSI_CDB_MAX		32

/* SAM-5, 5.3.1 Status codes */
#define SCSI_GOOD		0x00
#define SCSI_CHECK_CONDITION	0x02
#define SCSI_CONDITION_MET	0x04
#define SCSI_STATUS_BUSY	0x08
#define SCSI_RESERVED		0x18	/* RESERVATION CONFLICT */
#define SCSI_TASK_SET_FULL	0x28
#define SCSI_ACA_ACTIVE		0x30
#define SCSI_TASK_ABORTED	0x40

/* --- INQUIRY ------------------------------------------------------------ */

#define INQ_QUALIFIER(b)	((b)[0] >> 5)	/* 0: the unit is there */
#define INQ_TYPE(b)		((b)[0] & 0x1f)
#define  TYPE_DISK		0x00
#define  TYPE_CDROM		0x05
#define  TYPE_NONE		0x1f
#define INQ_REMOVABLE(b)	((b)[1] & 0x80)
#define INQ_VERSION(b)		((b)[2])
#define INQ_VENDOR		8		/* 8 bytes */
#define INQ_PRODUCT		16		/* 16 */
#define INQ_REVISION		32		/* 4 */
#define INQ_LEN			36
#define INQ_EVPD		0x01		/* byte 1 of the command */

#define VPD_PAGES		0x00
#define VPD_SERIAL		0x80
#define VPD_LIMITS		0xb0		/* of a disk; from byte: */
#define  LIM_WSNZ		4		/* bit 0 */
#define  LIM_OPT_GRAIN		6		/* 2 bytes, blocks */
#define  LIM_MAX_XFER		8		/* 4 */
#define  LIM_OPT_XFER		12		/* 4 */
#define  LIM_UNMAP_BLOCKS	20		/* 4 */
#define  LIM_UNMAP_RANGES	24		/* 4 */
#define  LIM_UNMAP_GRAIN	28		/* 4 */
#define  LIM_WRITE_SAME		36		/* 8 */
#define VPD_CHARACTER		0xb1
#define  CHR_RATE		4		/* 2 bytes; 1: no rotation */
#define VPD_THIN		0xb2
#define  THIN_FLAGS		5
#define  THIN_LBPU		0x80		/* UNMAP */
#define  THIN_LBPWS		0x40		/* WRITE SAME(16) does it too */

/* --- modes -------------------------------------------------------------- */

#define MODE_CACHING		0x08		/* page */
#define  CACHING_WCE		0x04		/* in its byte 2 */
#define MODE_DPOFUA		0x10		/* device specific: */
#define MODE_WP			0x80

/* --- sense data --------------------------------------------------------- */

#define SCSI_SENSE_MAX		96

#define KEY_NONE		0x0
#define KEY_RECOVERED		0x1
#define KEY_NOT_READY		0x2
#define KEY_MEDIUM		0x3
#define KEY_HARDWARE		0x4
#define KEY_ILLEGAL		0x5
#define KEY_ATTENTION		0x6
#define KEY_PROTECT		0x7
#define KEY_BLANK		0x8
#define KEY_ABORTED		0xb
#define KEY_OVERFLOW		0xd
#define KEY_MISCOMPARE		0xe

/* additional sense code and its qualifier */
#define ASC(c, q)		((c) << 8 | (q))
#define ASC_CODE(a)		((a) >> 8)

/* --- others ------------------------------------------------------------- */

#define START_BIT		0x01		/* START STOP UNIT, byte 4 */
#define START_LOEJ		0x02

#define EVENT_MEDIA		0x10		/* class, GET EVENT STATUS */
#define EVENT_TRAY_OPEN		0x01		/* in byte 5 of the answer */
#define EVENT_PRESENT		0x02

#define SCSI_LUN_MAX		16383
#define SCSI_TARGET_MAX		255

/* An entry of REPORT LUNS is eight bytes: a number, or -1, SAM-5 4.7. */
static inline int
scsi_lun(const uint8_t *p)
{
	if ((p[0] & 0xc0) != 0x00 && (p[0] & 0xc0) != 0x40)
		return (-1);
	if ((p[0] & 0xc0) == 0x00 && p[0] != 0)
		return (-1);		/* behind another bus */
	if ((p[2] | p[3] | p[4] | p[5] | p[6] | p[7]) != 0)
		return (-1);
	return ((p[0] & 0x3f) << 8 | p[1]);
}

#endif /* _SCSI_SCSI_H_ */

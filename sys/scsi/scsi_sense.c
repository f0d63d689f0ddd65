/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * SCSI: sense data, and words for them.
 */

#include <sys/systm.h>

#include <scsi/scsivar.h>

static const char *const key_word[16] = {
	"no sense", "recovered", "not ready", "medium error",
	"hardware error", "illegal request", "unit attention", "data protect",
	"blank check", "vendor's", "copy aborted", "aborted command",
	"reserved", "volume overflow", "miscompare", "completed",
};

/* SPC-4, annex D: those that disks and CDs in virtual machines have. */
static const struct {
	uint16_t	 asc;
	const char	*word;
} asc_word[] = {
	{ ASC(0x00, 0x06), "I/O process terminated" },
	{ ASC(0x03, 0x00), "write fault" },
	{ ASC(0x04, 0x00), "unit not ready" },
	{ ASC(0x04, 0x01), "becoming ready" },
	{ ASC(0x04, 0x02), "must be started" },
	{ ASC(0x04, 0x03), "somebody must see to it" },
	{ ASC(0x04, 0x04), "being formatted" },
	{ ASC(0x04, 0x07), "operation in progress" },
	{ ASC(0x04, 0x0a), "changing its state" },
	{ ASC(0x08, 0x00), "communication failure" },
	{ ASC(0x08, 0x01), "communication timeout" },
	{ ASC(0x0c, 0x00), "write error" },
	{ ASC(0x0c, 0x02), "write error, could not reallocate" },
	{ ASC(0x10, 0x00), "checksum error" },
	{ ASC(0x11, 0x00), "unrecovered read error" },
	{ ASC(0x11, 0x04), "unrecovered read error, not reallocated" },
	{ ASC(0x14, 0x00), "block not found" },
	{ ASC(0x1a, 0x00), "wrong length of parameters" },
	{ ASC(0x1b, 0x00), "data transfer" },
	{ ASC(0x20, 0x00), "unknown command" },
	{ ASC(0x21, 0x00), "block out of range" },
	{ ASC(0x24, 0x00), "wrong field in command" },
	{ ASC(0x25, 0x00), "unit not supported" },
	{ ASC(0x26, 0x00), "wrong field in parameters" },
	{ ASC(0x27, 0x00), "write protected" },
	{ ASC(0x27, 0x01), "write protected by a switch" },
	{ ASC(0x27, 0x07), "no space left" },
	{ ASC(0x28, 0x00), "medium may have changed" },
	{ ASC(0x29, 0x00), "power on or reset" },
	{ ASC(0x29, 0x01), "power on" },
	{ ASC(0x29, 0x02), "bus reset" },
	{ ASC(0x29, 0x03), "unit reset" },
	{ ASC(0x29, 0x04), "internal reset" },
	{ ASC(0x29, 0x07), "connection lost" },
	{ ASC(0x2a, 0x00), "parameters changed" },
	{ ASC(0x2a, 0x01), "mode changed" },
	{ ASC(0x2a, 0x09), "capacity changed" },
	{ ASC(0x2c, 0x00), "wrong order of commands" },
	{ ASC(0x30, 0x00), "unsuitable medium" },
	{ ASC(0x31, 0x00), "medium damaged" },
	{ ASC(0x38, 0x07), "space nearly used up" },
	{ ASC(0x39, 0x00), "saving is not supported" },
	{ ASC(0x3a, 0x00), "no medium" },
	{ ASC(0x3a, 0x01), "no medium, tray closed" },
	{ ASC(0x3a, 0x02), "no medium, tray open" },
	{ ASC(0x3f, 0x00), "target has changed" },
	{ ASC(0x3f, 0x0e), "units have changed" },
	{ ASC(0x44, 0x00), "target failure" },
	{ ASC(0x47, 0x00), "parity error" },
	{ ASC(0x4e, 0x00), "overlapping commands" },
	{ ASC(0x53, 0x00), "load or eject failed" },
	{ ASC(0x53, 0x02), "medium is locked in" },
	{ ASC(0x55, 0x00), "out of resources" },
	{ ASC(0x5a, 0x01), "asked to eject" },
	{ ASC(0x64, 0x00), "wrong mode for this track" },
};

static const struct {
	uint8_t		 op;
	const char	*name;
} opname[] = {
	{ SCSI_TEST_UNIT_READY, "TEST UNIT READY" },
	{ SCSI_INQUIRY, "INQUIRY" },
	{ SCSI_MODE_SELECT_6, "MODE SELECT" },
	{ SCSI_MODE_SENSE_6, "MODE SENSE" },
	{ SCSI_MODE_SENSE_10, "MODE SENSE" },
	{ SCSI_START_STOP_UNIT, "START STOP UNIT" },
	{ SCSI_PREVENT_ALLOW, "PREVENT ALLOW" },
	{ SCSI_READ_CAPACITY_10, "READ CAPACITY" },
	{ SCSI_SERVICE_ACTION_IN_16, "READ CAPACITY" },
	{ SCSI_READ_10, "READ" },
	{ SCSI_READ_16, "READ" },
	{ SCSI_WRITE_10, "WRITE" },
	{ SCSI_WRITE_16, "WRITE" },
	{ SCSI_SYNCHRONIZE_CACHE_10, "SYNCHRONIZE CACHE" },
	{ SCSI_SYNCHRONIZE_CACHE_16, "SYNCHRONIZE CACHE" },
	{ SCSI_WRITE_SAME_10, "WRITE SAME" },
	{ SCSI_WRITE_SAME_16, "WRITE SAME" },
	{ SCSI_UNMAP, "UNMAP" },
	{ SCSI_GET_EVENT_STATUS, "GET EVENT STATUS" },
	{ SCSI_REPORT_LUNS, "REPORT LUNS" },
};

/* SPC-4, 4.5: fixed format 0x70 (0x71 is about an earlier command) */
bool
scsi_sense(const uint8_t *p, size_t len, struct scsi_sense *ss)
{
	if (len < 4)
		return (false);
	switch (p[0] & 0x7f) {
	case 0x70:
	case 0x71:
		ss->ss_key = p[2] & 0x0f;
		ss->ss_asc = len >= 14 ? ASC(p[12], p[13]) : 0;
		return (true);
	case 0x72:
	case 0x73:
		ss->ss_key = p[1] & 0x0f;
		ss->ss_asc = ASC(p[2], p[3]);
		return (true);
	default:
		return (false);
	}
}

void
scsi_sense_text(const struct scsi_sense *ss, char *buf, size_t size)
{
	u_int i;

	for (i = 0; i < nitems(asc_word); i++) {
		if (asc_word[i].asc == ss->ss_asc)
			break;
	}
	if (i < nitems(asc_word))
		snprintf(buf, size, "%s, %s", key_word[ss->ss_key],
		    asc_word[i].word);
	else
		snprintf(buf, size, "%s, asc 0x%02x ascq 0x%02x",
		    key_word[ss->ss_key], ss->ss_asc >> 8, ss->ss_asc & 0xff);
}

const char *
scsi_opname(uint8_t op)
{
	u_int i;

	for (i = 0; i < nitems(opname); i++) {
		if (opname[i].op == op)
			return (opname[i].name);
	}
	return ("command");
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <sys/systm.h>

#include <dev/pv/virtio_type.h>

/* VIRTIO 1.4, chapter 5 */
static const char *const names[] = {
	[1] = "Network", [2] = "Block", [3] = "Console", [4] = "Entropy",
	[5] = "Balloon", [6] = "I/O Memory", [7] = "rpmsg", [8] = "SCSI Host",
	[9] = "9P", [10] = "WLAN", [11] = "rproc", [12] = "CAIF",
	[13] = "Memory Balloon", [16] = "GPU", [17] = "Clock",
	[18] = "Input", [19] = "Socket", [20] = "Crypto", [21] = "Signal",
	[22] = "Pstore", [23] = "IOMMU", [24] = "Memory", [25] = "Sound",
	[26] = "File System", [27] = "PMEM", [28] = "RPMB", [32] = "SCMI",
	[34] = "I2C", [36] = "CAN", [41] = "GPIO",
};

const char *
virtio_type_name(u_int id)
{
	return (id < nitems(names) ? names[id] : NULL);
}

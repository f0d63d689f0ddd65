/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* VMware ESXi, Workstation, Fusion. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

const struct pvbus_hvtype pv_vmware = {
	.ht_name = "VMware",
	.ht_sig = "VMwareVMware",
	.ht_children = { "vmt" },
};

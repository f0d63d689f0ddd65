/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Hypervisors of which only the signature and the name are known here. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

const struct pvbus_hvtype pv_other[] = {
	{ .ht_name = "VirtualBox", .ht_sig = "VBoxVBoxVBox" },
	{ .ht_name = "NVMM", .ht_sig = "___ NVMM ___",
	    .ht_children = { "fwcfg", "smbios" } },
	{ .ht_name = "HAXM", .ht_sig = "HAXMHAXMHAXM",
	    .ht_children = { "fwcfg", "smbios" } },
	{ .ht_name = "ACRN", .ht_sig = "ACRNACRNACRN" },
	{ .ht_name = "KVM Hyper-V", .ht_sig = "Linux KVM Hv" },
	{ .ht_name = "Parallels", .ht_sig = " lrpepyh  vr" },
	{ .ht_name = "Parallels", .ht_sig = " prl hyperv " },
	{ .ht_name = "Jailhouse", .ht_sig = "Jailhouse\0\0\0" },
	{ .ht_name = "QNX", .ht_sig = " QNXQVMBSQG " },
	{ .ht_name = "BHyVE", .ht_sig = "BHyVE BHyVE " },
	{ .ht_name = "s-Par", .ht_sig = "UnisysSpar64" },
	{ .ht_name = "Lockheed Martin LMHS", .ht_sig = "SRESRESRESRE" },
	{ .ht_name = "EVMM", .ht_sig = "EVMMEVMMEVMM" },
	{ .ht_name = "LKVM", .ht_sig = "LKVMLKVMLKVM" },
	{ .ht_name = NULL }
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Hyper-V, and those that look like it.  Hypervisor Top-Level Functional
 * Specification, 2.4 Hypervisor CPUID Leaves.
 */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

static void
pv_hyperv_init(struct pvbus_hv *hv)
{
	uint32_t version = hv->hv_evidence->pe_regs2[1];

	hv->hv_major = version >> 16;
	hv->hv_minor = version;
	hv->hv_features = hv->hv_evidence->pe_regs3[0];
}

static void
pv_hyperv_describe(const struct pvbus_hv *hv, char *buf, size_t size)
{
	if (hv->hv_major != 0)
		snprintf(buf, size, "Hyper-V %u.%u", hv->hv_major,
		    hv->hv_minor);
}

const struct pvbus_hvtype pv_hyperv = {
	.ht_name = "Hyper-V",
	.ht_sig = "Microsoft Hv",
	.ht_init = pv_hyperv_init,
	.ht_describe = pv_hyperv_describe,
};

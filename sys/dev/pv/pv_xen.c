/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Xen. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

static void
pv_xen_init(struct pvbus_hv *hv)
{
	uint32_t version = hv->hv_evidence->pe_regs[0];

	hv->hv_major = version >> 16;
	hv->hv_minor = version;
}

static void
pv_xen_describe(const struct pvbus_hv *hv, char *buf, size_t size)
{
	snprintf(buf, size, "Xen %u.%u", hv->hv_major, hv->hv_minor);
}

const struct pvbus_hvtype pv_xen = {
	.ht_name = "Xen",
	.ht_sig = "XenVMMXenVMM",
	.ht_init = pv_xen_init,
	.ht_describe = pv_xen_describe,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Xen. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

static bool
pv_xen_match(const struct pv_evidence *pe)
{
	return (pe->pe_kind == PVE_CPUID ?
	    memcmp(pe->pe_sig, "XenVMMXenVMM", PVE_SIGLEN) == 0 :
	    pe->pe_kind == PVE_FDT && strncmp(pe->pe_sig, "xen,xen", 7) == 0);
}

/* "xen,xen-4.17" */
static void
pv_xen_version(struct pvbus_hv *hv, const char *s)
{
	uint64_t major, minor;

	if (strncmp(s, "xen,xen-", 8) == 0 &&
	    strtonum64(s + 8, &s, &major) == 0 && *s++ == '.' &&
	    strtonum64(s, &s, &minor) == 0) {
		hv->hv_major = major;
		hv->hv_minor = minor;
	}
}

static void
pv_xen_init(struct pvbus_hv *hv)
{
	uint32_t version = hv->hv_evidence->pe_regs[0];

	if (hv->hv_evidence->pe_kind == PVE_FDT) {
		pv_xen_version(hv, hv->hv_evidence->pe_sig);
		return;
	}

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
	.ht_children = { "xencons" },
	.ht_match = pv_xen_match,
	.ht_init = pv_xen_init,
	.ht_describe = pv_xen_describe,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Hyper-V, and those that look like it.  Hypervisor Top-Level Functional
 * Specification, 2.4 Hypervisor CPUID Leaves.
 */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

/*
 * Partition privileges: EAX of the features leaf, and EDX of it above that.
 */
static const struct pv_word pv_hyperv_words[] = {
	{ 0, "VP_RUNTIME" }, { 1, "TIME_REF_COUNT" }, { 2, "SYNIC" },
	{ 3, "STIMER" }, { 4, "APIC" }, { 5, "HYPERCALL" },
	{ 6, "VP_INDEX" }, { 7, "RESET" }, { 8, "STATS" },
	{ 9, "REFERENCE_TSC" }, { 10, "GUEST_IDLE" },
	{ 11, "FREQUENCIES" }, { 12, "DEBUG" }, { 13, "REENLIGHTENMENT" },
	{ 32 + 3, "CPU_HOTPLUG" }, { 32 + 4, "XMM_INPUT" },
	{ 32 + 5, "IDLE_STATE" }, { 32 + 8, "FREQUENCY_MSRS" },
	{ 32 + 10, "CRASH" }, { 32 + 15, "XMM_OUTPUT" },
	{ 32 + 19, "DIRECT_STIMER" }, { 0, NULL }
};

static void
pv_hyperv_init(struct pvbus_hv *hv)
{
	uint32_t version = hv->hv_evidence->pe_regs2[1];

	hv->hv_major = version >> 16;
	hv->hv_minor = version;
	hv->hv_features = hv->hv_evidence->pe_regs3[0] |
	    (uint64_t)hv->hv_evidence->pe_regs3[3] << 32;
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
	.ht_words = pv_hyperv_words,
	.ht_children = { "hvclock" },
	.ht_init = pv_hyperv_init,
	.ht_describe = pv_hyperv_describe,
};

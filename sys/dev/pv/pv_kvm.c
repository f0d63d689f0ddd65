/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* KVM: the Linux kernel as a hypervisor. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

#define SBI_KVM		3	/* implementation id: SBI 3.0, chapter 4 */

/* the UUID that arm64's vendor call gives, as its four words */
static const uint32_t kvm_uuid[4] = {
	0xb66fb428, 0xe911c52e, 0x564bcaa9, 0x743a004d
};

/* Linux, Documentation/virt/kvm/x86/cpuid.rst */
const struct pv_word pv_kvm_words[] = {
	{ 0, "CLOCKSOURCE" }, { 1, "NOP_IO_DELAY" }, { 2, "MMU_OP" },
	{ 3, "CLOCKSOURCE2" }, { 4, "ASYNC_PF" }, { 5, "STEAL_TIME" },
	{ 6, "PV_EOI" }, { 7, "PV_UNHALT" }, { 9, "PV_TLB_FLUSH" },
	{ 10, "ASYNC_PF_VMEXIT" }, { 11, "PV_SEND_IPI" },
	{ 12, "POLL_CONTROL" }, { 13, "PV_SCHED_YIELD" },
	{ 14, "ASYNC_PF_INT" }, { 15, "MSI_EXT_DEST_ID" },
	{ 16, "HC_MAP_GPA_RANGE" }, { 17, "MIGRATION_CONTROL" },
	{ 24, "CLOCKSOURCE_STABLE" }, { 0, NULL }
};

static bool
pv_kvm_match(const struct pv_evidence *pe)
{
	switch (pe->pe_kind) {
	case PVE_CPUID:
		return (memcmp(pe->pe_sig, "KVMKVMKVM\0\0", PVE_SIGLEN) == 0);
	case PVE_SMCCC:
		return (memcmp(pe->pe_regs, kvm_uuid, sizeof(kvm_uuid)) == 0);
	case PVE_SBI:
		return (pe->pe_base == SBI_KVM);
	case PVE_FDT:
		return (strcmp(pe->pe_sig, "linux,kvm") == 0);
	default:
		return (false);
	}
}

static void
pv_kvm_init(struct pvbus_hv *hv)
{
	/* EAX of the leaf above the signature: what it offers */
	if (hv->hv_evidence->pe_kind == PVE_CPUID)
		hv->hv_features = hv->hv_evidence->pe_regs[0];
}

const struct pvbus_hvtype pv_kvm = {
	.ht_name = "KVM",
	.ht_match = pv_kvm_match,
	.ht_words = pv_kvm_words,
	.ht_children = { "fwcfg", "smbios", "pvclock" },
	.ht_init = pv_kvm_init,
};

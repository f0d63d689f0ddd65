/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* KVM: the Linux kernel as a hypervisor. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

static void
pv_kvm_init(struct pvbus_hv *hv)
{
	/* EAX of the leaf above the signature: what it offers */
	hv->hv_features = hv->hv_evidence->pe_regs[0];
}

const struct pvbus_hvtype pv_kvm = {
	.ht_name = "KVM",
	.ht_sig = "KVMKVMKVM\0\0\0",
	.ht_flags = HTF_FWCFG,
	.ht_init = pv_kvm_init,
};

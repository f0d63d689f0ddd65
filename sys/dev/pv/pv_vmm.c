/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* vmm(4): OpenBSD as a hypervisor. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

static void
pv_vmm_init(struct pvbus_hv *hv)
{
	/* numbered as those of KVM */
	hv->hv_features = hv->hv_evidence->pe_regs[0];
}

const struct pvbus_hvtype pv_vmm = {
	.ht_name = "OpenBSD",
	.ht_sig = "OpenBSDVMM58",
	.ht_children = { "fwcfg", "pvclock" },
	.ht_words = pv_kvm_words,
	.ht_init = pv_vmm_init,
};

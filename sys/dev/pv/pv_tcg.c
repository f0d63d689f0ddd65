/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * QEMU that does without a hypervisor: by CPUID, or by its own devices in a
 * device tree that tells of nobody else.
 */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

static bool
pv_tcg_match(const struct pv_evidence *pe)
{
	static const char sig[PVE_SIGLEN] = "TCGTCGTCGTCG";

	return (pe->pe_kind == PVE_CPUID ?
	    memcmp(pe->pe_sig, sig, sizeof(sig)) == 0 :
	    pe->pe_kind == PVE_FDT && strcmp(pe->pe_sig, "qemu") == 0);
}

const struct pvbus_hvtype pv_tcg = {
	.ht_name = "TCG",
	.ht_children = { "fwcfg", "smbios" },
	.ht_match = pv_tcg_match,
};

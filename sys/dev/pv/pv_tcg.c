/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * QEMU that does without a hypervisor.  Where there is no CPUID the machine
 * gives the same signature for what it sees of QEMU.
 */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

static bool
pv_tcg_match(const struct pv_evidence *pe)
{
	static const char sig[PVE_SIGLEN] = "TCGTCGTCGTCG";

	return (memcmp(pe->pe_sig, sig, sizeof(sig)) == 0);
}

const struct pvbus_hvtype pv_tcg = {
	.ht_name = "TCG",
	.ht_flags = HTF_FWCFG,
	.ht_match = pv_tcg_match,
};

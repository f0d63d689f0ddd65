/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* bhyve: FreeBSD as a hypervisor. */

#include <sys/systm.h>

#include <dev/pv/pvvar.h>

const struct pvbus_hvtype pv_bhyve = {
	.ht_name = "bhyve",
	.ht_sig = "bhyve bhyve ",
	.ht_children = { "fwcfg", "fwctl" },
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* What the simulated machine says of its hypervisor. */

#include <sys/errno.h>
#include <sys/md.h>

#include <dev/pv/pvvar.h>
#include "sim.h"

const struct pv_evidence	*sim_evidence;
u_int				 sim_nevidence;

int
md_pv_evidence(u_int n, struct pv_evidence *pe)
{
	if (n >= sim_nevidence)
		return (ENOENT);
	*pe = sim_evidence[n];
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* What the simulated machine says of its hypervisor. */

#include <sys/errno.h>
#include <sys/md.h>

#include <dev/pv/pvvar.h>
#include <dev/pv/xenreg.h>
#include "sim.h"

const struct pv_evidence	*sim_evidence;
u_int				 sim_nevidence;

long			       (*sim_xen)(u_int, u_long, u_long);

long
md_xen_hypercall(u_int op, u_long a1, u_long a2)
{
	return (sim_xen == NULL ? -38 : sim_xen(op, a1, a2));
}

int
md_pv_evidence(u_int n, struct pv_evidence *pe)
{
	if (n >= sim_nevidence)
		return (ENOENT);
	*pe = sim_evidence[n];
	return (0);
}

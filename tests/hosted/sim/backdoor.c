/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* VMware's backdoor: whatever model the test has put behind it. */

#include <dev/pv/vmtvar.h>
#include "sim.h"

void	(*sim_backdoor)(struct backdoor *, enum backdoor_insn);

void
md_backdoor(struct backdoor *bd, enum backdoor_insn insn)
{
	if (sim_backdoor != NULL)
		sim_backdoor(bd, insn);
	else
		bd->bd_ax = UINT32_MAX;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Names of functions, for backtraces.
 */

#include <sys/ksyms.h>

bool
ksym_lookup(vaddr_t pc, const char **name, u_long *off)
{
	u_int lo = 0, hi = ksym_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ksym_table[mid].ks_addr <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* the last one ends where nothing more is known */
	if (lo == 0 || lo == ksym_count)
		return (false);
	*name = ksym_names + ksym_table[lo - 1].ks_name;
	*off = pc - ksym_table[lo - 1].ks_addr;
	return (true);
}

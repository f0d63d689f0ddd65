/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_KSYMS_H_
#define _SYS_KSYMS_H_

/*
 * Names of functions, for backtraces; the table is made at link time.
 */

#include <sys/types.h>

struct ksym {
	vaddr_t		ks_addr;	/* ascending */
	uint32_t	ks_name;	/* offset in ksym_names */
};
extern const struct ksym	ksym_table[];
extern const unsigned		ksym_count;
extern const char		ksym_names[];

/* the function that pc is in, and how far; any context */
bool	ksym_lookup(vaddr_t, const char **, u_long *);

#endif /* _SYS_KSYMS_H_ */

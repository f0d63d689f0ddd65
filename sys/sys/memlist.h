/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_MEMLIST_H_
#define _SYS_MEMLIST_H_

/*
 * A list of ranges of physical memory, in order and without overlap, as
 * firmware should have told it.
 *
 * memlist_add: joins the range with those it touches; a part that is there
 *	already changes nothing.
 * memlist_remove: takes a range out.
 * Both: false if the list is full and something was left out.
 */

#include <sys/types.h>

#define MEMLIST_MAX	128

struct memrange {
	paddr_t		mr_start;
	paddr_t		mr_end;
};

struct memlist {
	struct memrange	ml_range[MEMLIST_MAX];
	u_int		ml_n;
};

bool	memlist_add(struct memlist *, paddr_t, paddr_t);
bool	memlist_remove(struct memlist *, paddr_t, paddr_t);

#endif /* _SYS_MEMLIST_H_ */

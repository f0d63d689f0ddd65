/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Lists of memory ranges.  See memlist.h.
 */

#include <sys/memlist.h>
#include <sys/systm.h>

bool
memlist_add(struct memlist *ml, paddr_t start, paddr_t end)
{
	struct memrange *mr = ml->ml_range;
	u_int i, j;

	if (start >= end)
		return (true);
	for (i = 0; i < ml->ml_n && mr[i].mr_end < start; i++)
		;
	/* i..j-1 touch the new one and become a part of it */
	for (j = i; j < ml->ml_n && mr[j].mr_start <= end; j++) {
		start = MIN(start, mr[j].mr_start);
		end = MAX(end, mr[j].mr_end);
	}
	if (j == i && ml->ml_n == MEMLIST_MAX)
		return (false);
	memmove(&mr[i + 1], &mr[j], (ml->ml_n - j) * sizeof(*mr));
	mr[i] = (struct memrange){ start, end };
	ml->ml_n += 1 - (j - i);
	return (true);
}

bool
memlist_remove(struct memlist *ml, paddr_t start, paddr_t end)
{
	struct memrange *mr = ml->ml_range, old;
	u_int i = 0;

	while (i < ml->ml_n) {
		old = mr[i];
		if (start >= end || old.mr_end <= start ||
		    old.mr_start >= end) {
			i++;
			continue;
		}
		memmove(&mr[i], &mr[i + 1], (--ml->ml_n - i) * sizeof(*mr));
		if (old.mr_start < start) {
			memlist_add(ml, old.mr_start, start);
			i++;
		}
		if (old.mr_end > end && !memlist_add(ml, end, old.mr_end))
			return (false);
	}
	return (true);
}

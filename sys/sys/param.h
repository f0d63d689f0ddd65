/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_PARAM_H_
#define _SYS_PARAM_H_

#include <sys/types.h>

#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(PAGE_SIZE - 1)

#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))
#define nitems(a)	(sizeof(a) / sizeof((a)[0]))
#define howmany(x, y)	(((x) + ((y) - 1)) / (y))
#define roundup(x, y)	(howmany(x, y) * (y))
/* for powers of two */
#define powerof2(x)	((((x) - 1) & (x)) == 0)
#define rounddown2(x, y) ((x) & ~((__typeof__(x))(y) - 1))
#define roundup2(x, y)	rounddown2((x) + ((y) - 1), y)
#define round_page(x)	roundup2(x, PAGE_SIZE)
#define trunc_page(x)	rounddown2(x, PAGE_SIZE)
#define atop(x)		((x) >> PAGE_SHIFT)
#define ptoa(x)		((uint64_t)(x) << PAGE_SHIFT)

#define container_of(p, s, m)						\
	((s *)((char *)(p) - offsetof(s, m)))

#define NSEC_PER_SEC	1000000000ULL
#define MSEC_TO_NSEC(x)	((uint64_t)(x) * 1000000)
#define SEC_TO_NSEC(x)	((uint64_t)(x) * NSEC_PER_SEC)
#define INFSLP		UINT64_MAX	/* sleep without a limit */

#define MAXPATHLEN	1024
#define NAME_MAX	255

#endif /* _SYS_PARAM_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_TYPES_H_
#define _SYS_TYPES_H_

/*
 * Types that every file of the kernel knows.  The compiler's own
 * freestanding headers give the exact widths.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>

#include <machine/types.h>	/* vaddr_t, paddr_t, PAGE_SHIFT, _BYTE_ORDER */

typedef unsigned char	u_char;
typedef unsigned short	u_short;
typedef unsigned int	u_int;
typedef unsigned long	u_long;
typedef long		ssize_t;
typedef int64_t		off_t;
typedef int32_t		pid_t;
typedef uint32_t	uid_t;
typedef uint32_t	gid_t;
typedef uint32_t	mode_t;
typedef uint32_t	dev_t;
typedef uint64_t	ino_t;

#define __packed		__attribute__((__packed__))
#define __aligned(n)		__attribute__((__aligned__(n)))
#define __unused		__attribute__((__unused__))
#define __used			__attribute__((__used__))
#define __noreturn		__attribute__((__noreturn__))
#define __section(s)		__attribute__((__section__(s)))
#define __must_check		__attribute__((__warn_unused_result__))
#define __printflike(f, a)	__attribute__((__format__(__printf__, f, a)))
#define __predict_true(e)	__builtin_expect(!!(e), 1)
#define __predict_false(e)	__builtin_expect(!!(e), 0)

#endif /* _SYS_TYPES_H_ */

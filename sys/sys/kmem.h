/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_KMEM_H_
#define _SYS_KMEM_H_

/*
 * Kernel memory by the byte.  The size is given again on free and checked,
 * together with a guard behind the end; freed memory is poisoned.
 *
 * kmem_alloc, kmem_zalloc: with KM_SLEEP thread context, waits for memory;
 * with KM_NOSLEEP any context, NULL if there is none.  Aligned to 16 bytes,
 * sizes of a page and more to a page.
 * kmem_free: any context; NULL is allowed.
 */

#include <sys/types.h>

#define KM_SLEEP	0
#define KM_NOSLEEP	1

void	*kmem_alloc(size_t, int);
void	*kmem_zalloc(size_t, int);
void	*kmem_reallocarray(void *, size_t, size_t, size_t, int);
void	 kmem_free(void *, size_t);
char	*kmem_strdup(const char *, int);	/* free with strlen + 1 */

#endif /* _SYS_KMEM_H_ */

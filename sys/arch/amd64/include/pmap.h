/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_PMAP_H_
#define _MACHINE_PMAP_H_

#include <sys/types.h>

/* boot only, see pmap.c */
void	pmap_bootstrap(int64_t, paddr_t, paddr_t);
void	pmap_direct(paddr_t, paddr_t);
paddr_t	pmap_switch(void);

#endif /* _MACHINE_PMAP_H_ */

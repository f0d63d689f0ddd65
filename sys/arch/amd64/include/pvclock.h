/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_PVCLOCK_H_
#define _MACHINE_PVCLOCK_H_

#include <sys/types.h>

extern bool	pvclock_on;
uint64_t	pvclock_init(void);	/* rate of the TSC; 0: not offered */
uint64_t	pvclock_nsec(void);	/* as md_nsec() */

#endif /* _MACHINE_PVCLOCK_H_ */

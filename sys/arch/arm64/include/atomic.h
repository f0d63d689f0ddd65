/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_ATOMIC_H_
#define _MACHINE_ATOMIC_H_

/*
 * Order of memory accesses as seen by other processors and devices: these are
 * in the outer shareable domain (Arm ARM B2.3.12).
 */
#define membar_consumer()	__asm volatile("dmb oshld" ::: "memory")
#define membar_producer()	__asm volatile("dmb oshst" ::: "memory")
#define membar_sync()		__asm volatile("dmb osh" ::: "memory")

#endif /* _MACHINE_ATOMIC_H_ */

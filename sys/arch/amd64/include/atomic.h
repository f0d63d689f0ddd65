/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_ATOMIC_H_
#define _MACHINE_ATOMIC_H_

/*
 * Order of memory accesses as seen by other processors and devices.  Loads
 * are not moved before loads, nor stores before stores, by this processor;
 * only the compiler must be told.
 */
#define membar_consumer()	__asm volatile("" ::: "memory")
#define membar_producer()	__asm volatile("" ::: "memory")
/*
 * Not a locked instruction: an emulator with one processor makes no barrier of
 * that, and its devices run beside it.
 */
#define membar_sync()		__asm volatile("mfence" ::: "memory")

#endif /* _MACHINE_ATOMIC_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_ATOMIC_H_
#define _MACHINE_ATOMIC_H_

/*
 * Order of memory accesses as seen by other processors and devices.  Registers
 * in memory are device input and output, which a fence of memory alone leaves
 * out (RISC-V unprivileged architecture, FENCE): an index that the driver
 * publishes must be there before the device is told, so each kind is ordered
 * together with the same kind of the other.
 */
#define membar_consumer()	__asm volatile("fence ir, ir" ::: "memory")
#define membar_producer()	__asm volatile("fence ow, ow" ::: "memory")
#define membar_sync()		__asm volatile("fence iorw, iorw" ::: "memory")

#endif /* _MACHINE_ATOMIC_H_ */

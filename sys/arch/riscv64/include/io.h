/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_IO_H_
#define _MACHINE_IO_H_

/*
 * Registers in memory.  They are little-endian, as we are.  A write comes after
 * all accesses to memory before it, a read before all that follow it (RISC-V
 * unprivileged architecture, Mappings From Linux Primitives); registers of one
 * device keep their order among themselves (privileged architecture, PMAs).
 */

#include <sys/types.h>

#define MMIO_ACCESS(n, type, load, store)				\
static inline type							\
mmio_read_##n(const volatile void *p)					\
{									\
	type v;								\
									\
	__asm volatile(load " %0, 0(%1)\n\tfence i, iorw" :		\
	    "=r" (v) : "r" (p) : "memory");				\
	return (v);							\
}									\
static inline void							\
mmio_write_##n(volatile void *p, type v)				\
{									\
	__asm volatile("fence iorw, o\n\t" store " %0, 0(%1)" ::	\
	    "r" (v), "r" (p) : "memory");				\
}
MMIO_ACCESS(1, uint8_t, "lbu", "sb")
MMIO_ACCESS(2, uint16_t, "lhu", "sh")
MMIO_ACCESS(4, uint32_t, "lw", "sw")
MMIO_ACCESS(8, uint64_t, "ld", "sd")
#undef MMIO_ACCESS

#endif /* _MACHINE_IO_H_ */

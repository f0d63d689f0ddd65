/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_IO_H_
#define _MACHINE_IO_H_

/*
 * Registers in memory.  They are little-endian.  The instructions have no
 * side effect on the address, since a hypervisor gets no syndrome of those
 * that have (Arm ARM, ESR_ELx.ISV).  A write comes after all accesses to
 * memory before it, a read before all that follow it.
 */

#include <sys/types.h>

#if _BYTE_ORDER == _BIG_ENDIAN
#define MMIO_SWAP(n, v)		MMIO_SWAP##n(v)
#else
#define MMIO_SWAP(n, v)		(v)
#endif
#define MMIO_SWAP1(v)		(v)
#define MMIO_SWAP2(v)		__builtin_bswap16(v)
#define MMIO_SWAP4(v)		__builtin_bswap32(v)
#define MMIO_SWAP8(v)		__builtin_bswap64(v)

#define MMIO_ACCESS(n, type, w, suffix)					\
static inline type							\
mmio_read_##n(const volatile void *p)					\
{									\
	type v;								\
									\
	__asm volatile("ldr" suffix " %" w "0, [%1]\n\tdmb oshld" :	\
	    "=r" (v) : "r" (p) : "memory");				\
	return (MMIO_SWAP(n, v));					\
}									\
static inline void							\
mmio_write_##n(volatile void *p, type v)				\
{									\
	__asm volatile("dmb osh\n\tstr" suffix " %" w "0, [%1]" ::	\
	    "r" (MMIO_SWAP(n, v)), "r" (p) : "memory");			\
}
MMIO_ACCESS(1, uint8_t, "w", "b")
MMIO_ACCESS(2, uint16_t, "w", "h")
MMIO_ACCESS(4, uint32_t, "w", "")
MMIO_ACCESS(8, uint64_t, "x", "")
#undef MMIO_ACCESS

#endif /* _MACHINE_IO_H_ */

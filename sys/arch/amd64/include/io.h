/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_IO_H_
#define _MACHINE_IO_H_

/* Registers in memory, which has the processor's order. */

#include <sys/types.h>

#define MMIO_ACCESS(n, type)						\
static inline type							\
mmio_read_##n(const volatile void *p)					\
{									\
	return (*(const volatile type *)p);				\
}									\
static inline void							\
mmio_write_##n(volatile void *p, type v)				\
{									\
	*(volatile type *)p = v;					\
}
MMIO_ACCESS(1, uint8_t)
MMIO_ACCESS(2, uint16_t)
MMIO_ACCESS(4, uint32_t)
MMIO_ACCESS(8, uint64_t)
#undef MMIO_ACCESS

#endif /* _MACHINE_IO_H_ */

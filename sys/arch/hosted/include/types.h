/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_TYPES_H_
#define _MACHINE_TYPES_H_

#include <stdint.h>

typedef uint64_t	vaddr_t;
typedef uint64_t	paddr_t;
typedef uint64_t	register_t;

#define PAGE_SHIFT		12
#define _LITTLE_ENDIAN		1234
#define _BIG_ENDIAN		4321
#define _BYTE_ORDER		(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? \
				    _LITTLE_ENDIAN : _BIG_ENDIAN)

#define VM_MIN_USER		0x0000000000010000UL
#define VM_MAX_USER		0x00007ffffffff000UL

#ifdef WIRE_STEP
void	hosted_step(void);
#define WIRE_HOOK()		hosted_step()
#endif

/* physical memory is an arena of the host program's */
extern uintptr_t		hosted_memory;
#define VM_DIRECT_BASE		hosted_memory
#define VM_KVA_BASE		(hosted_memory + HOSTED_MEMORY_MAX)
#define HOSTED_MEMORY_MAX	(64UL << 20)

#endif /* _MACHINE_TYPES_H_ */

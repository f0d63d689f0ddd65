/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_TYPES_H_
#define _MACHINE_TYPES_H_

#include <stdint.h>
#include <machine/asm.h>

typedef uint64_t	vaddr_t;
typedef uint64_t	paddr_t;
typedef uint64_t	register_t;

#define PAGE_SHIFT		12
#define _LITTLE_ENDIAN		1234
#define _BIG_ENDIAN		4321
#define _BYTE_ORDER		_LITTLE_ENDIAN

/* Sv39: 256 GB for each half */
#define VM_MIN_USER		0x0000000000010000UL
#define VM_MAX_USER		0x0000003ffffff000UL
/* the kernel's: physical memory, mappings made on demand, the image */
#define VM_DIRECT_BASE		0xffffffc000000000UL
#define VM_DIRECT_SIZE		0x0000003800000000UL
#define VM_KVA_BASE		0xfffffff800000000UL
#define VM_KVA_END		0xfffffffc00000000UL

#endif /* _MACHINE_TYPES_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_ASM_H_
#define _MACHINE_ASM_H_

/* What assembly and C agree on. */

#define KERNBASE		0xffffffff80000000	/* image, link address */

/* offsets in struct cpu_info, checked in cpu.c */
#define CI_CURTHREAD		8
#define CI_STACKLOW		16
#define CI_SPARETOP		24

/* struct trapframe, checked in cpu.c */
#define TF_SP			(31 * 8)
#define TF_ELR			(32 * 8)
#define TF_SPSR			(33 * 8)
#define TF_ESR			(34 * 8)
#define TF_FAR			(35 * 8)
#define TF_X0			(36 * 8)	/* as the system call had it */
#define TF_SIZE			(38 * 8)

#ifdef __AARCH64EB__
#define SCTLR_ENDIAN		0x03000000	/* EE, E0E */
#else
#define SCTLR_ENDIAN		0
#endif

#endif /* _MACHINE_ASM_H_ */

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
#define CI_KSP			32
#define CI_SCRATCH		40

/* struct trapframe, checked in cpu.c: what is not a register */
#define TF_SSTATUS		(32 * 8)
#define TF_SCAUSE		(33 * 8)
#define TF_STVAL		(34 * 8)
#define TF_A0			(35 * 8)	/* as the system call had it */
#define TF_SIZE			(36 * 8)
/* what the kernel may need of its stack to say that it is full */
#define STACK_RESERVE		512

/* sstatus: RISC-V privileged architecture, Supervisor-Level ISA */
#define SSTATUS_SIE		0x00000002
#define SSTATUS_SPIE		0x00000020
#define SSTATUS_SPP		0x00000100	/* it was not a program */
#define SSTATUS_FS		0x00006000	/* floating point: dirty */
#define SSTATUS_SUM		0x00040000	/* memory of programs */

#endif /* _MACHINE_ASM_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_ASM_H_
#define _MACHINE_ASM_H_

/* What assembly and C agree on. */

#define KERNBASE		0xffffffff80000000	/* image, link address */
#define KERN_PA			0x200000		/* image, load address */

#define GSEL_KCODE		0x08
#define GSEL_KDATA		0x10
#define GSEL_UDATA		0x1b	/* the order that SYSRET wants */
#define GSEL_UCODE		0x23
#define GSEL_TSS		0x28

/* offsets in struct cpu_info, checked in cpu.c */
#define CI_SELF			0
#define CI_CURTHREAD		8
#define CI_KSTACK		16
#define CI_USERRSP		24

#define BOOT_PVH		1
#define BOOT_MULTIBOOT2		2

#define MULTIBOOT2_MAGIC	0x36d76289	/* in %eax at entry */

#endif /* _MACHINE_ASM_H_ */

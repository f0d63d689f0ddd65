/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Entry from the loader, as Linux has it for an Image: translation off, x0
 * has the physical address of the device tree, EL1 or EL2.  The image lies at
 * a multiple of 2 MB.
 */

#include <machine/asm.h>

#define SCTLR_RES1	0x30d00800
#define SCTLR_M		0x00000001
#define SCTLR_C		0x00000004
#define SCTLR_SA	0x00000018	/* SP aligned, at EL1 and EL0 */
#define SCTLR_I		0x00001000
#define SCTLR_UCT	0x00008000	/* programs may read CTR_EL0, */
#define SCTLR_UCI	0x04000000	/* keep caches of code in step, */
#define SCTLR_DZE	0x00004000	/* and use DC ZVA */
#define SCTLR_NTW	0x00050000	/* WFI and WFE are not trapped */
#define SCTLR_OFF	(SCTLR_RES1 | SCTLR_ENDIAN)
#define SCTLR_ON	(SCTLR_OFF | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | \
			 SCTLR_UCT | SCTLR_UCI | SCTLR_DZE | SCTLR_NTW)

/* memory, write back; device, nGnRE; memory, not cached: see pte.h */
#define MAIR		0x4404ff
/* 48 bits in each half, 4 KB, tables in inner shareable write-back memory */
#define TCR		(16 | 16 << 16 | 1 << 8 | 1 << 10 | 3 << 12 | \
			 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30)
#define TCR_IPS_SHIFT	32

#define BLOCK		0x701		/* AF, inner shareable, memory */
#define TABLE		0x3

	/*
	 * Translation off, and our order of bytes before anything is read.  The
	 * constant is made of instructions: a literal would be data.
	 */
	.macro	sctlr_off
	mov	w0, #(SCTLR_OFF & 0xffff)
	movk	w0, #(SCTLR_OFF >> 16), lsl #16
	msr	sctlr_el1, x0
	.endm

	.section .boot, "ax"
	.globl	start
start:
	b	entry
	nop
	/* read by the loader, little-endian whatever we are */
	.quad	0			/* from a multiple of 2 MB */
	.quad	image_size_le		/* see kernel.ld */
#ifdef __AARCH64EB__
	.quad	0xb << 56		/* big-endian, 4 KB, anywhere */
#else
	.quad	0xa			/* little-endian, 4 KB, anywhere */
#endif
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

entry:
	msr	daifset, #0xf
	mov	x21, x0			/* the tree */
	adr	x22, start		/* where we are */

	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.ne	at_el1

	/* EL2: let EL1 have all that it could have, and go there */
	mov	x0, #(1 << 31)		/* HCR_EL2.RW */
	msr	hcr_el2, x0
	isb
	mrs	x0, cnthctl_el2
	orr	x0, x0, #3		/* the counter and timer of EL1 */
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0x33ff		/* floating point is not trapped */
	msr	cptr_el2, x0
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	mrs	x0, id_aa64pfr0_el1
	ubfx	x0, x0, #24, #4
	cbz	x0, 1f
	mrs	x0, s3_4_c12_c9_5	/* ICC_SRE_EL2 */
	mov	x1, #9			/* Enable, SRE */
	orr	x0, x0, x1
	msr	s3_4_c12_c9_5, x0
	isb
	msr	s3_4_c12_c11_0, xzr	/* ICH_HCR_EL2 */
1:	sctlr_off
	mov	x0, #0x3c5		/* EL1h, all masked */
	msr	spsr_el2, x0
	adr	x0, at_el1
	msr	elr_el2, x0
	eret

at_el1:
	sctlr_off
	isb

	/* empty tables; nothing of them may linger in a cache */
	adrp	x0, boot_tables
	add	x0, x0, :lo12:boot_tables
	adrp	x1, boot_tables_end
	add	x1, x1, :lo12:boot_tables_end
	mov	x2, x0
2:	stp	xzr, xzr, [x2], #16
	cmp	x2, x1
	b.lo	2b

	/* the gigabytes of the image and of the tree, at 0 and VM_DIRECT_BASE */
	adrp	x3, boot_l1_direct
	mov	x4, x22
	bl	map_gigabyte
	mov	x4, x21
	bl	map_gigabyte
	add	x4, x21, #0x400000	/* the tree's end, at most */
	bl	map_gigabyte
	/* 128 MB from the image on, at KERNBASE */
	adrp	x3, boot_l2_image
	mov	x4, #BLOCK
	orr	x4, x4, x22
	mov	x5, #64
3:	str	x4, [x3], #8
	add	x4, x4, #0x200000
	subs	x5, x5, #1
	b.ne	3b
	adrp	x3, boot_l1_image
	adrp	x4, boot_l2_image
	orr	x4, x4, #TABLE
	str	x4, [x3, #510 * 8]
	adrp	x3, boot_l0_high
	adrp	x4, boot_l1_image
	orr	x4, x4, #TABLE
	str	x4, [x3, #511 * 8]
	adrp	x4, boot_l1_direct
	orr	x4, x4, #TABLE
	str	x4, [x3]
	adrp	x3, boot_l0_low
	str	x4, [x3]

	dsb	sy
4:	dc	ivac, x0
	add	x0, x0, #16
	cmp	x0, x1
	b.lo	4b
	dsb	sy

	ldr	w0, =MAIR
	msr	mair_el1, x0
	ldr	x0, =TCR
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #7		/* PARange; 6 and more: 48 bits do */
	cmp	x1, #5
	b.ls	5f
	mov	x1, #5
5:	orr	x0, x0, x1, lsl #TCR_IPS_SHIFT
	msr	tcr_el1, x0
	adrp	x0, boot_l0_low
	msr	ttbr0_el1, x0
	adrp	x0, boot_l0_high
	msr	ttbr1_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	ic	iallu
	dsb	nsh
	isb
	ldr	w0, =SCTLR_ON
	msr	sctlr_el1, x0
	isb
	ldr	x0, =high
	br	x0

/* x4: an address in it, x3: the table of level 1 */
map_gigabyte:
	ubfx	x5, x4, #30, #9
	lsr	x4, x4, #30
	lsl	x4, x4, #30
	orr	x4, x4, #(BLOCK & 0xf00)
	orr	x4, x4, #(BLOCK & 0xff)
	str	x4, [x3, x5, lsl #3]
	ret
	.ltorg

	.text
high:
	ldr	x0, =boot_stack_top
	mov	sp, x0
	ldr	x0, =vectors
	msr	vbar_el1, x0
	isb
	/* what is not in the file; the tables are in use and stay */
	ldr	x0, =__bss_start
	ldr	x2, =boot_tables
	mov	w1, #0
	sub	x2, x2, x0
	bl	memset
	ldr	x0, =boot_tables_end
	ldr	x2, =kernel_end
	mov	w1, #0
	sub	x2, x2, x0
	bl	memset
	mov	x0, x21
	mov	x1, x22			/* the image was linked for 0 */
	mov	x29, #0
	mov	x30, #0
	b	arm64_init
	.ltorg

	.section .bss.page, "aw", @nobits
	.balign	4096
	.globl	boot_stack, boot_stack_top, boot_empty
boot_tables:
boot_l0_low:	.skip 4096
boot_l0_high:	.skip 4096
boot_l1_direct:	.skip 4096
boot_l1_image:	.skip 4096
boot_l2_image:	.skip 4096
boot_tables_end:
boot_empty:	.skip 4096		/* the low half when it has nobody */
boot_stack:	.skip 4 * 4096
boot_stack_top:

	.section .rodata.root, "a"
	.balign	4096
	.globl	root_image, root_image_end
root_image:
	.incbin	ROOT_IMAGE
root_image_end:

	.section .note.GNU-stack, "", @progbits

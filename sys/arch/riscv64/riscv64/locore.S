/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Entry from the firmware, as Linux has it for an Image: supervisor mode,
 * translation off, a0 has the number of the hart and a1 the physical address
 * of the device tree.  The image lies at a multiple of 2 MB.
 */

#include <machine/asm.h>

#define PTE_V		0x01
#define PTE_MEMORY	0xe7		/* D, A, G, W, R, V */
#define PTE_ALL		0xef		/* and X */
#define SATP_SV39	8
#define TOP_DIRECT	256		/* entries of the root table */
#define TOP_KVA	480
#define TOP_IMAGE	510

	.section .boot, "ax"
	.globl	start
start:
	.option	push
	.option	norvc
	j	entry
	nop
	.option	pop
	/* read by the loader */
	.quad	0x200000		/* from a multiple of 2 MB */
	.quad	image_size		/* see kernel.ld */
	.quad	0			/* little-endian */
	.word	2			/* version of this header: 0.2 */
	.word	0
	.quad	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0

entry:
	csrw	sie, zero
	csrw	sscratch, zero
	mv	s0, a0			/* the hart */
	mv	s1, a1			/* the tree */
	lla	s2, start		/* where we are */

	lla	t0, boot_tables
	lla	t1, boot_tables_end
1:	sd	zero, (t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b

	/* the gigabytes of the image and of the tree, at VM_DIRECT_BASE */
	lla	s3, boot_root
	mv	a0, s2
	jal	map_gigabyte
	mv	a0, s1
	jal	map_gigabyte
	li	a0, 0x200000		/* the tree's end, at most */
	add	a0, a0, s1
	jal	map_gigabyte
	/* 128 MB from the image on, at KERNBASE */
	lla	t0, boot_image
	srli	t1, s2, 2
	ori	t1, t1, PTE_ALL
	li	t2, 64
	li	t3, 0x200000 >> 2
2:	sd	t1, (t0)
	add	t1, t1, t3
	addi	t0, t0, 8
	addi	t2, t2, -1
	bnez	t2, 2b
	lla	t0, boot_image
	srli	t0, t0, 2
	ori	t0, t0, PTE_V
	li	t1, TOP_IMAGE * 8
	add	t1, t1, s3
	sd	t0, (t1)

	/*
	 * Nothing is mapped where we are: the fault after the switch is the
	 * jump.
	 */
	lla	t0, high
	sub	t0, t0, s2
	li	t1, KERNBASE
	add	t0, t0, t1
	csrw	stvec, t0
	srli	t1, s3, 12
	li	t2, SATP_SV39 << 60
	or	t1, t1, t2
	sfence.vma
	csrw	satp, t1
	sfence.vma
	jr	t0

/* a0: an address in it, s3: the root */
map_gigabyte:
	srli	t0, a0, 30
	li	t1, TOP_KVA - TOP_DIRECT
	bgeu	t0, t1, stop
	slli	t1, t0, 28
	ori	t1, t1, PTE_MEMORY
	addi	t0, t0, TOP_DIRECT
	slli	t0, t0, 3
	add	t0, t0, s3
	sd	t1, (t0)
	ret
	/* out of reach: say so by the console of old firmware (SBI, chapter 5) */
stop:
	lla	s0, far
1:	lbu	a0, (s0)
	beqz	a0, 2f
	li	a7, 1
	ecall
	addi	s0, s0, 1
	j	1b
2:	wfi
	j	2b
far:
	.asciz	"paravane: loaded where its tables do not reach\r\n"

	.text
	.balign	4
high:
	lla	t0, vectors
	csrw	stvec, t0
	lla	sp, boot_stack_top
	/* what is not in the file; the tables are in use and stay */
	lla	t0, __bss_start
	lla	t1, kernel_end
	lla	t2, boot_tables
	lla	t3, boot_tables_end
1:	bne	t0, t2, 2f
	mv	t0, t3
2:	sd	zero, (t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b

	mv	a0, s0
	mv	a1, s1
	mv	a2, s2			/* the image was linked for 0 */
	li	s0, 0
	li	ra, 0
	li	gp, 0
	tail	riscv64_init

	.section .bss.page, "aw", @nobits
	.balign	4096
	.globl	boot_stack, boot_stack_top
boot_tables:
boot_root:	.skip 4096
boot_image:	.skip 4096
boot_tables_end:
boot_stack:	.skip 4 * 4096
boot_stack_top:

	.section .rodata.root, "a"
	.balign	4096
	.globl	root_image, root_image_end
root_image:
	.incbin	ROOT_IMAGE
root_image_end:

	.section .note.GNU-stack, "", @progbits

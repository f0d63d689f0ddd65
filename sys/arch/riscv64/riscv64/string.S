/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * void *memcpy(void *to, const void *from, size_t n)
 * void *memmove(void *to, const void *from, size_t n)
 * void *memset(void *p, int c, size_t n)
 * Words where both sides can be aligned; backwards a byte at a time.
 */

	.text
	.globl	memcpy, memmove, memset
memmove:
	sub	t0, a0, a1
	bgeu	t0, a2, memcpy		/* target not in the source */
	add	a1, a1, a2
	add	a3, a0, a2
1:	addi	a1, a1, -1
	addi	a3, a3, -1
	lbu	t1, (a1)
	sb	t1, (a3)
	bne	a3, a0, 1b
	ret

memcpy:
	mv	a6, a0
	add	a3, a1, a2		/* the end */
	li	a4, 32
	li	a5, 8
	xor	t0, a0, a1
	andi	t0, t0, 7
	bnez	t0, 7f			/* never both aligned */
1:	andi	t0, a1, 7
	beqz	t0, 3f
	beq	a1, a3, 8f
	lbu	t1, (a1)
	sb	t1, (a6)
	addi	a1, a1, 1
	addi	a6, a6, 1
	j	1b
2:	ld	t1, 0(a1)
	ld	t2, 8(a1)
	ld	t3, 16(a1)
	ld	t4, 24(a1)
	sd	t1, 0(a6)
	sd	t2, 8(a6)
	sd	t3, 16(a6)
	sd	t4, 24(a6)
	addi	a1, a1, 32
	addi	a6, a6, 32
3:	sub	t0, a3, a1
	bgeu	t0, a4, 2b
	j	5f
4:	ld	t1, (a1)
	sd	t1, (a6)
	addi	a1, a1, 8
	addi	a6, a6, 8
	addi	t0, t0, -8
5:	bgeu	t0, a5, 4b
	j	7f
6:	lbu	t1, (a1)
	sb	t1, (a6)
	addi	a1, a1, 1
	addi	a6, a6, 1
7:	bne	a1, a3, 6b
8:	ret

memset:
	mv	a6, a0
	add	a3, a0, a2		/* the end */
	li	a4, 32
	andi	a1, a1, 0xff
	li	t0, 0x0101010101010101
	mul	a1, a1, t0
1:	andi	t0, a6, 7
	beqz	t0, 3f
	beq	a6, a3, 6f
	sb	a1, (a6)
	addi	a6, a6, 1
	j	1b
2:	sd	a1, 0(a6)
	sd	a1, 8(a6)
	sd	a1, 16(a6)
	sd	a1, 24(a6)
	addi	a6, a6, 32
3:	sub	t0, a3, a6
	bgeu	t0, a4, 2b
	j	5f
4:	sb	a1, (a6)
	addi	a6, a6, 1
5:	bne	a6, a3, 4b
6:	ret

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * void *memcpy(void *to, const void *from, size_t n)
 * void *memmove(void *to, const void *from, size_t n)
 * void *memset(void *p, int c, size_t n)
 * Sixteen bytes at a time, at any alignment; backwards one.
 */

	.text
	.globl	memcpy, memmove
memmove:
	sub	x3, x0, x1
	cmp	x3, x2			/* does the target begin in the source? */
	b.hs	memcpy
	add	x1, x1, x2
	add	x3, x0, x2
	cbz	x2, 2f
1:	ldrb	w4, [x1, #-1]!
	strb	w4, [x3, #-1]!
	subs	x2, x2, #1
	b.ne	1b
2:	ret

memcpy:
	mov	x3, x0
	subs	x2, x2, #16
	b.lo	2f
1:	ldp	x4, x5, [x1], #16
	stp	x4, x5, [x3], #16
	subs	x2, x2, #16
	b.hs	1b
2:	adds	x2, x2, #16
	b.eq	4f
3:	ldrb	w4, [x1], #1
	strb	w4, [x3], #1
	subs	x2, x2, #1
	b.ne	3b
4:	ret

	.globl	memset
memset:
	mov	x3, x0
	ands	x1, x1, #0xff
	b.ne	5f
	/* zeros, of a page at least: by the block, 64 bytes as a rule */
	cmp	x2, #4096
	b.lo	6f
	mrs	x4, dczid_el0
	cmp	x4, #4			/* not prohibited, and that size */
	b.ne	6f
	tst	x0, #63
	b.ne	6f
7:	dc	zva, x3
	add	x3, x3, #64
	sub	x2, x2, #64
	cmp	x2, #64
	b.hs	7b
	b	6f
5:	mov	x4, #0x0101010101010101
	mul	x1, x1, x4
6:	subs	x2, x2, #16
	b.lo	2f
1:	stp	x1, x1, [x3], #16
	subs	x2, x2, #16
	b.hs	1b
2:	adds	x2, x2, #16
	b.eq	4f
3:	strb	w1, [x3], #1
	subs	x2, x2, #1
	b.ne	3b
4:	ret

	.section .note.GNU-stack, "", @progbits

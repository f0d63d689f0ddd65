/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Programs on arm64 without a C library: their beginning, system calls, and
 * jumps from one function into another.
 */

	.text
	.globl	_start
_start:
	mov	x29, #0
	mov	x30, #0
	mov	x0, sp			/* argc, arguments, environment */
	b	nolibc_main

/* long nolibc_syscall(long number, long a0, ... a5) */
	.globl	nolibc_syscall
nolibc_syscall:
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	mov	x5, x6
	svc	#0
	ret

/* the registers that a function keeps; where the mask goes is nolibc.c's */
	.globl	_setjmp, nolibc_setjmp, nolibc_longjmp
_setjmp:
nolibc_setjmp:
	stp	x19, x20, [x0, #0]
	stp	x21, x22, [x0, #16]
	stp	x23, x24, [x0, #32]
	stp	x25, x26, [x0, #48]
	stp	x27, x28, [x0, #64]
	stp	x29, x30, [x0, #80]
	mov	x2, sp
	str	x2, [x0, #96]
	stp	d8, d9, [x0, #104]
	stp	d10, d11, [x0, #120]
	stp	d12, d13, [x0, #136]
	stp	d14, d15, [x0, #152]
	mov	w0, #0
	ret
nolibc_longjmp:
	ldp	x19, x20, [x0, #0]
	ldp	x21, x22, [x0, #16]
	ldp	x23, x24, [x0, #32]
	ldp	x25, x26, [x0, #48]
	ldp	x27, x28, [x0, #64]
	ldp	x29, x30, [x0, #80]
	ldr	x2, [x0, #96]
	mov	sp, x2
	ldp	d8, d9, [x0, #104]
	ldp	d10, d11, [x0, #120]
	ldp	d12, d13, [x0, #136]
	ldp	d14, d15, [x0, #152]
	cmp	w1, #0
	csinc	w0, w1, wzr, ne
	ret

/* int __sigsetjmp(sigjmp_buf env, int savemask) */
	.globl	__sigsetjmp
__sigsetjmp:
	stp	x29, x30, [sp, #-32]!
	str	x0, [sp, #16]
	bl	nolibc_savemask
	ldr	x0, [sp, #16]
	ldp	x29, x30, [sp], #32
	b	nolibc_setjmp

	.section .note.GNU-stack, "", %progbits

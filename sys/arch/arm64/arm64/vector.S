/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Entry from exceptions, interrupts and system calls, and back; the switch
 * between threads.
 */

#include <machine/asm.h>

	.text

	/* one of 16 entries, 128 bytes each: Arm ARM D1.3.1 */
	.macro	vector handler, from_user
	.balign	128
	.if	\from_user
	sub	sp, sp, #TF_SIZE
	stp	x0, x1, [sp]
	.else
	/*
	 * A fault for want of stack must not want more of it.  There is one
	 * register to ask with; programs cannot write it, and see 0.
	 */
	msr	tpidrro_el0, x0
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CI_STACKLOW]
	add	x0, x0, #(TF_SIZE + 512)
	cmp	sp, x0
	mrs	x0, tpidrro_el0
	msr	tpidrro_el0, xzr
	b.lo	stack_overflow
	sub	sp, sp, #TF_SIZE
	stp	x0, x1, [sp]
	add	x0, sp, #TF_SIZE
	str	x0, [sp, #TF_SP]
	.endif
	b	\handler
	.endm

	.balign	2048
	.globl	vectors
vectors:
	/* EL1 with SP_EL0, which is never used */
	vector	el1_bad, 0
	vector	el1_bad, 0
	vector	el1_bad, 0
	vector	el1_bad, 0
	/* EL1: synchronous, IRQ, FIQ, SError */
	vector	el1_sync, 0
	vector	el1_irq, 0
	vector	el1_bad, 0
	vector	el1_bad, 0
	/* EL0, AArch64 */
	vector	el0_sync, 1
	vector	el0_irq, 1
	vector	el0_bad, 1
	vector	el0_bad, 1
	/* EL0, AArch32: there are no such programs */
	vector	el0_bad, 1
	vector	el0_bad, 1
	vector	el0_bad, 1
	vector	el0_bad, 1

	/* the rest of the frame; x0 and x1 are in it */
	.macro	save from_user
	stp	x2, x3, [sp, #(2 * 8)]
	stp	x4, x5, [sp, #(4 * 8)]
	stp	x6, x7, [sp, #(6 * 8)]
	stp	x8, x9, [sp, #(8 * 8)]
	stp	x10, x11, [sp, #(10 * 8)]
	stp	x12, x13, [sp, #(12 * 8)]
	stp	x14, x15, [sp, #(14 * 8)]
	stp	x16, x17, [sp, #(16 * 8)]
	stp	x18, x19, [sp, #(18 * 8)]
	stp	x20, x21, [sp, #(20 * 8)]
	stp	x22, x23, [sp, #(22 * 8)]
	stp	x24, x25, [sp, #(24 * 8)]
	stp	x26, x27, [sp, #(26 * 8)]
	stp	x28, x29, [sp, #(28 * 8)]
	str	x30, [sp, #(30 * 8)]
	.if	\from_user
	mrs	x2, sp_el0
	str	x2, [sp, #TF_SP]
	ldr	x2, [sp]
	str	x2, [sp, #TF_X0]
	mov	x29, #0
	.endif
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x2, x3, [sp, #TF_ELR]
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x2, x3, [sp, #TF_ESR]
	mov	x0, sp
	.endm

	.macro	restore to_user
	ldp	x2, x3, [sp, #TF_ELR]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	.if	\to_user
	ldr	x2, [sp, #TF_SP]
	msr	sp_el0, x2
	.endif
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #(2 * 8)]
	ldp	x4, x5, [sp, #(4 * 8)]
	ldp	x6, x7, [sp, #(6 * 8)]
	ldp	x8, x9, [sp, #(8 * 8)]
	ldp	x10, x11, [sp, #(10 * 8)]
	ldp	x12, x13, [sp, #(12 * 8)]
	ldp	x14, x15, [sp, #(14 * 8)]
	ldp	x16, x17, [sp, #(16 * 8)]
	ldp	x18, x19, [sp, #(18 * 8)]
	ldp	x20, x21, [sp, #(20 * 8)]
	ldp	x22, x23, [sp, #(22 * 8)]
	ldp	x24, x25, [sp, #(24 * 8)]
	ldp	x26, x27, [sp, #(26 * 8)]
	ldp	x28, x29, [sp, #(28 * 8)]
	ldr	x30, [sp, #(30 * 8)]
	add	sp, sp, #TF_SIZE
	eret
	.endm

el1_sync:
	save	0
	bl	trap_kernel
	b	el1_return
el1_irq:
	save	0
	bl	trap_irq
el1_return:
	restore	0
el1_bad:
	save	0
	bl	trap_bad		/* does not return */

stack_overflow:
	/* what the stack was is all that is known of it */
	mrs	x0, tpidr_el1
	mov	x1, sp
	ldr	x0, [x0, #CI_SPARETOP]
	mov	sp, x0
	sub	sp, sp, #TF_SIZE
	str	x1, [sp, #TF_SP]
	save	0
	bl	trap_bad

el0_sync:
	save	1
	bl	trap_user
	b	user_return
el0_irq:
	save	1
	bl	trap_irq
	b	user_return
el0_bad:
	save	1
	bl	trap_bad

/* to a program: the frame is all that counts */
	.globl	md_user_return
md_user_return:
	msr	daifset, #2
	mov	sp, x0
user_return:			/* interrupts are off */
	restore	1

/*
 * void cpu_switch(struct md_context *from, struct md_context *to)
 * Interrupts off.
 */
	.globl	cpu_switch
cpu_switch:
	stp	x29, x30, [sp, #-96]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	mov	x2, sp
	str	x2, [x0]
	ldr	x2, [x1]
	mov	sp, x2
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #96
	ret

/* the first thing a new thread runs: x19(x20), and it does not return */
	.globl	thread_start
thread_start:
	mov	x0, x20
	mov	x30, #0
	blr	x19
	brk	#0

/*
 * int user_copy(void *to, const void *from, size_t n)
 * One side is user memory, checked to be below VM_MAX_USER.  A fault here
 * continues at user_copy_fault: see trap_fault().
 */
	.globl	user_copy, user_copy_end, user_copy_fault
user_copy:
	subs	x2, x2, #16
	b.lo	2f
1:	ldp	x3, x4, [x1], #16
	stp	x3, x4, [x0], #16
	subs	x2, x2, #16
	b.hs	1b
2:	adds	x2, x2, #16
	b.eq	4f
3:	ldrb	w3, [x1], #1
	strb	w3, [x0], #1
	subs	x2, x2, #1
	b.ne	3b
4:
user_copy_end:
	mov	w0, #0
	ret
user_copy_fault:
	mov	w0, #14			/* EFAULT */
	ret

/* floating point: struct fpu_state */
	.arch_extension fp
	.arch_extension simd
	.globl	fpu_save, fpu_restore
	.macro	fpu_all op
	\op	q0, q1, [x0, #0]
	\op	q2, q3, [x0, #32]
	\op	q4, q5, [x0, #64]
	\op	q6, q7, [x0, #96]
	\op	q8, q9, [x0, #128]
	\op	q10, q11, [x0, #160]
	\op	q12, q13, [x0, #192]
	\op	q14, q15, [x0, #224]
	\op	q16, q17, [x0, #256]
	\op	q18, q19, [x0, #288]
	\op	q20, q21, [x0, #320]
	\op	q22, q23, [x0, #352]
	\op	q24, q25, [x0, #384]
	\op	q26, q27, [x0, #416]
	\op	q28, q29, [x0, #448]
	\op	q30, q31, [x0, #480]
	.endm
fpu_save:
	fpu_all	stp
	mrs	x1, fpsr
	str	w1, [x0, #512]
	mrs	x1, fpcr
	str	w1, [x0, #516]
	ret
fpu_restore:
	fpu_all	ldp
	ldr	w1, [x0, #512]
	msr	fpsr, x1
	ldr	w1, [x0, #516]
	msr	fpcr, x1
	ret

/* the way back from a signal's handler: a page that programs can read */
	.section .rodata.sigcode, "a"
	.balign	4096
	.globl	md_sigcode
md_sigcode:
	mov	x8, #139		/* rt_sigreturn */
	svc	#0
	.balign	4096

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Entry from exceptions, interrupts and system calls, and back; the switch
 * between threads.
 */

#include <machine/asm.h>

	.text

	/* all registers but sp and tp, and what the trap was */
	.macro	save
	.irp	n, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, \
	    19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	sd	x\n, (\n * 8)(sp)
	.endr
	csrr	t0, sepc
	csrr	t1, sstatus
	csrr	t2, scause
	csrr	t3, stval
	sd	t0, 0(sp)
	sd	t1, TF_SSTATUS(sp)
	sd	t2, TF_SCAUSE(sp)
	sd	t3, TF_STVAL(sp)
	/* user_copy() may have been interrupted */
	li	t0, SSTATUS_SUM
	csrc	sstatus, t0
	.endm

	/* all but sp and tp */
	.macro	restore
	ld	t0, 0(sp)
	ld	t1, TF_SSTATUS(sp)
	/* what was reserved is not: RISC-V unprivileged architecture, LR/SC */
	sc.d	zero, t0, (sp)
	csrw	sepc, t0
	csrw	sstatus, t1
	.irp	n, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, \
	    19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ld	x\n, (\n * 8)(sp)
	.endr
	.endm

	/*
	 * sscratch is struct cpu_info while a program runs, else 0: then tp
	 * has it.
	 */
	.balign	4
	.globl	vectors
vectors:
	csrrw	tp, sscratch, tp
	bnez	tp, from_user

	csrrw	tp, sscratch, zero
	/* a fault for want of stack must not want more of it */
	sd	t0, CI_SCRATCH(tp)
	ld	t0, CI_STACKLOW(tp)
	addi	t0, t0, TF_SIZE + STACK_RESERVE
	bltu	sp, t0, stack_overflow
	ld	t0, CI_SCRATCH(tp)
	addi	sp, sp, -TF_SIZE
	save
	addi	t0, sp, TF_SIZE
	sd	t0, (2 * 8)(sp)
	sd	tp, (4 * 8)(sp)
	mv	a0, sp
	bltz	t2, 1f
	call	trap_kernel
	j	2f
1:	call	trap_irq
2:	restore
	addi	sp, sp, TF_SIZE
	sret

stack_overflow:
	mv	t0, sp
	ld	sp, CI_SPARETOP(tp)
	addi	sp, sp, -TF_SIZE
	sd	t0, (2 * 8)(sp)
	sd	tp, (4 * 8)(sp)
	ld	t0, CI_SCRATCH(tp)
	save
	mv	a0, sp
	call	trap_overflow		/* does not return */

from_user:
	sd	sp, CI_SCRATCH(tp)
	ld	sp, CI_KSP(tp)
	addi	sp, sp, -TF_SIZE
	save
	ld	t0, CI_SCRATCH(tp)
	csrrw	t1, sscratch, zero
	sd	t0, (2 * 8)(sp)
	sd	t1, (4 * 8)(sp)
	sd	a0, TF_A0(sp)
	mv	a0, sp
	li	s0, 0
	bltz	t2, 3f
	call	trap_user
	j	user_return
3:	call	trap_irq
	j	user_return

/* to a program: the frame is all that counts */
	.globl	md_user_return
md_user_return:
	csrci	sstatus, 2		/* SIE */
	mv	sp, a0
user_return:			/* interrupts are off */
	addi	t0, sp, TF_SIZE
	sd	t0, CI_KSP(tp)
	csrw	sscratch, tp
	restore
	ld	tp, (4 * 8)(sp)
	ld	sp, (2 * 8)(sp)
	sret

/*
 * void cpu_switch(struct md_context *from, struct md_context *to)
 * Interrupts off.
 */
	.macro	switched op
	\op	ra, 0(sp)
	\op	s0, 8(sp)
	\op	s1, 16(sp)
	\op	s2, 24(sp)
	\op	s3, 32(sp)
	\op	s4, 40(sp)
	\op	s5, 48(sp)
	\op	s6, 56(sp)
	\op	s7, 64(sp)
	\op	s8, 72(sp)
	\op	s9, 80(sp)
	\op	s10, 88(sp)
	\op	s11, 96(sp)
	.endm
	.globl	cpu_switch
cpu_switch:
	addi	sp, sp, -112
	switched sd
	sd	sp, (a0)
	ld	sp, (a1)
	switched ld
	addi	sp, sp, 112
	ret

/* the first thing a new thread runs: s1(s2), and it does not return */
	.globl	thread_start
thread_start:
	mv	a0, s2
	jalr	s1
	ebreak

/*
 * int user_copy(void *to, const void *from, size_t n)
 * One side is user memory, checked to be below VM_MAX_USER.  A fault here
 * continues at user_copy_fault: see trap_fault().
 */
	.globl	user_copy, user_copy_end, user_copy_fault
user_copy:
	add	a3, a1, a2		/* the end */
	li	a4, 32
	li	a5, 8
	xor	t0, a0, a1
	andi	t0, t0, 7
	bnez	t0, 7f			/* never both aligned */
1:	andi	t0, a1, 7
	beqz	t0, 3f
	beq	a1, a3, user_copy_end
	lbu	t1, (a1)
	sb	t1, (a0)
	addi	a1, a1, 1
	addi	a0, a0, 1
	j	1b
2:	ld	t1, 0(a1)
	ld	t2, 8(a1)
	ld	t3, 16(a1)
	ld	t4, 24(a1)
	sd	t1, 0(a0)
	sd	t2, 8(a0)
	sd	t3, 16(a0)
	sd	t4, 24(a0)
	addi	a1, a1, 32
	addi	a0, a0, 32
3:	sub	t0, a3, a1
	bgeu	t0, a4, 2b
	j	5f
4:	ld	t1, (a1)
	sd	t1, (a0)
	addi	a1, a1, 8
	addi	a0, a0, 8
	addi	t0, t0, -8
5:	bgeu	t0, a5, 4b
	j	7f
6:	lbu	t1, (a1)
	sb	t1, (a0)
	addi	a1, a1, 1
	addi	a0, a0, 1
7:	bne	a1, a3, 6b
user_copy_end:
	li	a0, 0
	ret
user_copy_fault:
	li	a0, 14			/* EFAULT */
	ret

/* floating point: struct fpu_state */
	.option	push
	.option	arch, +d
	.globl	fpu_save, fpu_restore
	.macro	fpu_all op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, \
	    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	f\n, (\n * 8)(a0)
	.endr
	.endm
fpu_save:
	fpu_all	fsd
	frcsr	t0
	sw	t0, (32 * 8)(a0)
	ret
fpu_restore:
	fpu_all	fld
	lw	t0, (32 * 8)(a0)
	fscsr	t0
	ret
	.option	pop

/* the way back from a signal's handler: a page that programs can read */
	.section .rodata.sigcode, "a"
	.balign	4096
	.globl	md_sigcode
md_sigcode:
	li	a7, 139			/* rt_sigreturn */
	ecall
	.balign	4096

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Entry from interrupts, exceptions and system calls, and back; the switch
 * between threads.
 */

#include <machine/asm.h>

	.text

#define PUSH_REGS							\
	pushq	%r15; pushq %r14; pushq %r13; pushq %r12;		\
	pushq	%rbp; pushq %rbx;					\
	pushq	%r11; pushq %r10; pushq %r9; pushq %r8;			\
	pushq	%rax; pushq %rcx; pushq %rdx; pushq %rsi; pushq %rdi

#define POP_REGS							\
	popq	%rdi; popq %rsi; popq %rdx; popq %rcx; popq %rax;	\
	popq	%r8; popq %r9; popq %r10; popq %r11;			\
	popq	%rbx; popq %rbp;					\
	popq	%r12; popq %r13; popq %r14; popq %r15

/* a program must not find the kernel's registers, nor feed it its own */
#define CLEAR_REGS							\
	xorl	%eax, %eax; xorl %ebx, %ebx; xorl %ecx, %ecx;		\
	xorl	%ebp, %ebp; xorl %r8d, %r8d; xorl %r9d, %r9d;		\
	xorl	%r10d, %r10d; xorl %r11d, %r11d; xorl %r12d, %r12d;	\
	xorl	%r13d, %r13d; xorl %r14d, %r14d; xorl %r15d, %r15d

/* offsets in struct trapframe */
#define TF_TRAPNO	(15 * 8)
#define TF_RIP		(17 * 8)
#define TF_CS		(18 * 8)

	/* 256 stubs of 16 bytes; those with an error code push none */
	.balign 16
	.globl	vector_stubs
vector_stubs:
	.set	v, 0
	.rept	256
	.balign	16
	.if	!(v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30)
	pushq	$0
	.endif
	pushq	$v
	jmp	trap_entry
	.set	v, v + 1
	.endr

trap_entry:
	cld
	PUSH_REGS
	/*
	 * NMI, double fault and machine check have stacks of their own and
	 * may strike between the entry from a program and its SWAPGS, so
	 * they ask the register itself whose GS it is.
	 */
	movq	TF_TRAPNO(%rsp), %rax
	cmpq	$2, %rax
	je	trap_paranoid
	cmpq	$8, %rax
	je	trap_paranoid
	cmpq	$18, %rax
	je	trap_paranoid
	testb	$3, TF_CS(%rsp)
	jz	1f
	swapgs
1:	movq	%rsp, %rdi
	CLEAR_REGS
	call	trap
	.globl	trap_return
trap_return:
	testb	$3, TF_CS(%rsp)
	jz	2f
	cli
	swapgs
2:	POP_REGS
	addq	$16, %rsp
	iretq

trap_paranoid:
	movl	$0xc0000101, %ecx	/* MSR_GSBASE */
	rdmsr
	testl	%edx, %edx
	js	1f
	swapgs
1:	movq	%rsp, %rdi
	CLEAR_REGS
	call	trap			/* does not return from these */
	ud2

/*
 * SYSCALL: %rcx has the program's %rip, %r11 its flags; interrupts are off.
 */
	.balign 16
	.globl	syscall_entry
syscall_entry:
	swapgs
	movq	%rsp, %gs:CI_USERRSP
	movq	%gs:CI_KSTACK, %rsp
	pushq	$GSEL_UDATA
	pushq	%gs:CI_USERRSP
	pushq	%r11
	pushq	$GSEL_UCODE
	pushq	%rcx
	pushq	$0
	pushq	%rax
	PUSH_REGS
	movq	%rsp, %rdi
	CLEAR_REGS
	sti
	call	syscall_trap
	cli
	/*
	 * SYSRET faults in the kernel if %rcx is not canonical; the last
	 * page of user space is never mapped, so only what changed the frame
	 * (a signal, exec) could do that, and it asks for IRET.
	 */
	testl	%eax, %eax
	jnz	trap_return
	POP_REGS
	movq	TF_RIP-TF_TRAPNO(%rsp), %rcx
	movq	TF_RIP-TF_TRAPNO+16(%rsp), %r11
	movq	TF_RIP-TF_TRAPNO+24(%rsp), %rsp
	swapgs
	sysretq

/*
 * void cpu_switch(struct md_context *from, struct md_context *to)
 * Interrupts off.
 */
	.balign 16
	.globl	cpu_switch
cpu_switch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	(%rsi), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

/* the first thing a new thread runs: %r12(%r13), and it does not return */
	.globl	thread_start
thread_start:
	movq	%r13, %rdi
	call	*%r12
	ud2

/* to a program: the frame is all that counts */
	.globl	md_user_return
md_user_return:
	movq	%rdi, %rsp
	jmp	trap_return

/*
 * int user_copy(void *to, const void *from, size_t n)
 * One side is user memory, checked to be below VM_MAX_USER.  A fault here
 * continues at user_copy_fault: see trap().
 */
	.globl	user_copy, user_copy_end, user_copy_fault
	.balign 16
user_copy:
	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep movsq
	movl	%edx, %ecx
	andl	$7, %ecx
	rep movsb
user_copy_end:
	xorl	%eax, %eax
	ret
user_copy_fault:
	movl	$14, %eax		/* EFAULT */
	ret

	.section .note.GNU-stack, "", @progbits

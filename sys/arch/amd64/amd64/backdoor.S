/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * void md_backdoor(struct backdoor *, enum backdoor_insn)
 *
 * All registers go in and come back, the frame pointer too, which no
 * statement in C can promise.
 */

	.text
	.globl	md_backdoor
	.type	md_backdoor, @function
md_backdoor:
	pushq	%rbx
	pushq	%rbp
	pushq	%rdi			/* kept on the stack: 8 bytes */
	movl	%esi, %r11d
	movq	%rdi, %r10
	movq	0(%r10), %rax
	movq	8(%r10), %rbx
	movq	16(%r10), %rcx
	movq	24(%r10), %rdx
	movq	32(%r10), %rsi
	movq	40(%r10), %rdi
	movq	48(%r10), %rbp
	cld
	cmpl	$1, %r11d
	je	1f
	ja	2f
	inl	%dx, %eax
	jmp	3f
1:	rep insb
	jmp	3f
2:	rep outsb
3:	popq	%r10
	movq	%rax, 0(%r10)
	movq	%rbx, 8(%r10)
	movq	%rcx, 16(%r10)
	movq	%rdx, 24(%r10)
	movq	%rsi, 32(%r10)
	movq	%rdi, 40(%r10)
	movq	%rbp, 48(%r10)
	popq	%rbp
	popq	%rbx
	ret
	.size	md_backdoor, . - md_backdoor
	.section .note.GNU-stack, "", @progbits

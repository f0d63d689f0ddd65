/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * memcpy, memmove, memset.  "rep movsq" is what emulators and processors
 * alike do fast; bytes are for the rest.
 */

	.text
	.globl	memcpy, memmove, memset

	.balign 16
memmove:
	movq	%rdi, %rax
	subq	%rsi, %rax
	cmpq	%rdx, %rax		/* does the target begin in the source? */
	jb	1f
memcpy:
	movq	%rdi, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep movsq
	movl	%edx, %ecx
	andl	$7, %ecx
	rep movsb
	ret
1:	movq	%rdi, %rax
	leaq	-1(%rdi, %rdx), %rdi
	leaq	-1(%rsi, %rdx), %rsi
	movq	%rdx, %rcx
	std
	rep movsb
	cld
	ret

	.balign 16
memset:
	movq	%rdi, %r8
	movzbl	%sil, %eax
	movabsq	$0x0101010101010101, %rcx
	imulq	%rcx, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep stosq
	movl	%edx, %ecx
	andl	$7, %ecx
	rep stosb
	movq	%r8, %rax
	ret

	.section .note.GNU-stack, "", @progbits

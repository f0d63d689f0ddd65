/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Registers that a hypervisor may promise and not have:
 *
 *	bool	rdmsr_safe(uint32_t, uint64_t *)
 *	bool	wrmsr_safe(uint32_t, uint64_t)
 *
 * trap() knows the two instructions, and goes on at msr_fault.
 */

	.text
	.globl	rdmsr_safe, wrmsr_safe, msr_read, msr_write, msr_fault
	.type	rdmsr_safe, @function
	.type	wrmsr_safe, @function
rdmsr_safe:
	movl	%edi, %ecx
msr_read:
	rdmsr
	movl	%eax, (%rsi)
	movl	%edx, 4(%rsi)
	movl	$1, %eax
	ret
wrmsr_safe:
	movl	%edi, %ecx
	movl	%esi, %eax
	movq	%rsi, %rdx
	shrq	$32, %rdx
msr_write:
	wrmsr
	movl	$1, %eax
	ret
msr_fault:
	xorl	%eax, %eax
	ret
	.size	rdmsr_safe, wrmsr_safe - rdmsr_safe
	.size	wrmsr_safe, . - wrmsr_safe
	.section .note.GNU-stack, "", @progbits

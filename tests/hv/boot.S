/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The shim's way in, as Multiboot loads it, and what of it is no C: entering
 * the guest, waiting in its stead, exceptions.
 *
 * It is loaded at LOAD, runs at BASE + LOAD, and moves to the end of memory.
 */

#define BASE		0xffffffff80000000
#define PHYS(x)		((x) - BASE)

#define MB_MAGIC	0x1badb002
#define MB_FLAGS	0x00010003	/* page aligned, memory, addresses */

#define MSR_EFER	0xc0000080
#define EFER_LME	0x00000100
#define EFER_NXE	0x00000800
#define EFER_SVME	0x00001000

	.section .boot, "awx"
	.code32
	.align	4
header:
	.long	MB_MAGIC
	.long	MB_FLAGS
	.long	-(MB_MAGIC + MB_FLAGS)
	.long	PHYS(header)
	.long	PHYS(image_start)
	.long	PHYS(image_data_end)
	.long	PHYS(image_end)
	.long	PHYS(start)

	.globl	start
start:
	cli
	cld
	movl	$PHYS(boot_stack_end), %esp
	movl	%ebx, PHYS(multiboot_info)
	movl	%eax, PHYS(multiboot_magic)

	/* is this a processor that can do it? */
	movl	$0x80000001, %eax
	cpuid
	movl	%ecx, PHYS(cpu_features)

	/* the low 4 GB as they are, in pages of 2 MB */
	movl	$PHYS(pdpt_low) + 7, PHYS(boot_pml4)
	movl	$PHYS(pd_low) + 7, %eax
	movl	$PHYS(pdpt_low), %edi
	movl	$4, %ecx
1:	movl	%eax, (%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	decl	%ecx
	jnz	1b
	movl	$0x87, %eax
	movl	$PHYS(pd_low), %edi
	movl	$2048, %ecx
1:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	decl	%ecx
	jnz	1b

	/* the first GB of it once more at BASE */
	movl	$PHYS(pdpt_high) + 7, PHYS(boot_pml4) + 511 * 8
	movl	$PHYS(pd_high) + 7, PHYS(pdpt_high) + 510 * 8
	movl	$0x87, %eax
	movl	$PHYS(pd_high), %edi
	movl	$512, %ecx
1:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	decl	%ecx
	jnz	1b

	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$PHYS(boot_pml4), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME | EFER_NXE, %eax
	testl	$4, PHYS(cpu_features)
	jz	1f
	orl	$EFER_SVME, %eax
1:	wrmsr
	movl	%cr0, %eax
	andl	$0x9fffffff, %eax	/* caches on */
	orl	$0x80000001, %eax	/* PG, PE */
	movl	%eax, %cr0
	lgdt	PHYS(gdt_boot)
	ljmp	$8, $PHYS(long_mode)

	.code64
long_mode:
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	lldt	%ax
	movabsq	$1f, %rax
	jmp	*%rax
1:	lgdt	gdt_high
	movq	$boot_stack_end, %rsp
	call	hv_main
2:	cli
	hlt
	jmp	2b

	.align	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
gdt_end:
	.word	0, 0, 0
gdt_boot:
	.word	gdt_end - gdt - 1
	.quad	PHYS(gdt)
	.word	0, 0, 0
gdt_high:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.globl	multiboot_info, multiboot_magic, cpu_features
multiboot_info:
	.quad	0
multiboot_magic:
	.long	0
cpu_features:
	.long	0

	.text

/*
 * void move_image(to, from, size, cr3)
 *
 * Copies the shim, stack and tables and all, and goes on in the copy, which
 * these tables have at the addresses of the old one.
 */
	.globl	move_image
move_image:
	xchgq	%rdx, %rcx
	rep movsb
	movq	%rdx, %cr3
	ret

/*
 * void enter_guest(vmcb, struct hv_regs *)
 *
 * Runs the guest until it leaves.  Nothing interrupts on the way out.
 */
	.globl	enter_guest
enter_guest:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rsi
	movq	%rdi, %rax
	movq	0(%rsi), %rbx
	movq	8(%rsi), %rcx
	movq	16(%rsi), %rdx
	movq	32(%rsi), %rdi
	movq	40(%rsi), %rbp
	movq	48(%rsi), %r8
	movq	56(%rsi), %r9
	movq	64(%rsi), %r10
	movq	72(%rsi), %r11
	movq	80(%rsi), %r12
	movq	88(%rsi), %r13
	movq	96(%rsi), %r14
	movq	104(%rsi), %r15
	movq	24(%rsi), %rsi
	clgi
	vmrun	%rax
	xchgq	%rsi, (%rsp)
	movq	%rbx, 0(%rsi)
	movq	%rcx, 8(%rsi)
	movq	%rdx, 16(%rsi)
	movq	%rdi, 32(%rsi)
	movq	%rbp, 40(%rsi)
	movq	%r8, 48(%rsi)
	movq	%r9, 56(%rsi)
	movq	%r10, 64(%rsi)
	movq	%r11, 72(%rsi)
	movq	%r12, 80(%rsi)
	movq	%r13, 88(%rsi)
	movq	%r14, 96(%rsi)
	movq	%r15, 104(%rsi)
	popq	%rax
	movq	%rax, 24(%rsi)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	cld
	ret

/*
 * void take_nmi(void): lets a pending NMI come
 */
	.globl	take_nmi
take_nmi:
	stgi
	nop
	clgi
	ret

/*
 * int take_interrupt(void)
 *
 * The vector of the interrupt that is pending, -1 if there is none any more.
 */
	.globl	take_interrupt
take_interrupt:
	pushq	%rbx
	movl	$-1, %ebx
wait_from:
	stgi
	sti
	nop
	nop
	jmp	wait_end

/*
 * int wait_interrupt(int enabled)
 *
 * Waits for an NMI, or if they are enabled for an interrupt.  The vector of
 * what came.  Each handler goes on behind the hlt, also when it came early.
 */
	.globl	wait_interrupt
wait_interrupt:
	pushq	%rbx
	movl	$-1, %ebx
	testl	%edi, %edi
	jz	1f
	stgi
	sti
	hlt
	jmp	wait_end
1:	stgi
	hlt
wait_end:
	cli
	clgi
	movl	%ebx, %eax
	popq	%rbx
	ret

/* What comes between wait_from and wait_end: its vector is on the stack. */
interrupt:
	cmpq	$wait_from, 8(%rsp)
	jb	1f
	cmpq	$wait_end, 8(%rsp)
	jae	1f
	movzbl	(%rsp), %ebx
	movq	$wait_end, 8(%rsp)
	andq	$~0x200, 24(%rsp)	/* not one more */
1:	addq	$8, %rsp
	iretq

/* What should not come: vector, error and so on are on the stack. */
exception:
	movq	%rsp, %rdi
	call	hv_exception
1:	hlt
	jmp	1b

	.macro	vector from, to
	.set	v, \from
	.rept	\to - \from + 1
	.align	16
	.if	v == 2 || v >= 32
	pushq	$v
	jmp	interrupt
	.else
	.if	v != 8 && v != 17 && (v < 10 || v > 14) && v != 21
	pushq	$0
	.endif
	pushq	$v
	jmp	exception
	.endif
	.set	v, v + 1
	.endr
	.endm

	.globl	vectors
	.align	16
vectors:
	vector	0, 255

	.bss
	.align	4096
	.globl	pd_low
boot_pml4: .skip 4096
pdpt_low: .skip	4096
pd_low:	.skip	4 * 4096
pdpt_high: .skip 4096
pd_high: .skip	4096
	.skip	32768
boot_stack_end:

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Entry from the loader: 32-bit protected mode, paging off.
 *
 * PVH: %ebx has the physical address of struct hvm_start_info; the address
 * of pvh_start is in the ELF note below.  Multiboot2: %eax has the magic
 * number, %ebx the address of the boot information; the ELF's entry is
 * multiboot2_start, as GRUB wants it: a link address in a segment.
 *
 * The image may lie at another physical address than it was linked for, as
 * long as the distance is a multiple of 2 MB (GRUB moves it where EFI has
 * left room).  %ebp holds that distance until the jump to KERNBASE.
 */

#include <machine/asm.h>

#define PA(sym)	((sym) - KERNBASE)

	.section .note.Xen, "a", @note
	.balign 4
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	PA(pvh_start)

	.section .boot, "ax"
	.balign 8
multiboot2_header:
	.long	0xe85250d6, 0
	.long	multiboot2_end - multiboot2_header
	.long	-(0xe85250d6 + (multiboot2_end - multiboot2_header))
	.balign 8
	.short	10, 1			/* relocatable; optional */
	.long	24, KERN_PA, 0x7fffffff, 0x200000, 1	/* lowest first */
	.balign 8
	.short	6, 1			/* modules on page boundaries */
	.long	8
	.balign 8
	.short	5, 1			/* a frame buffer; optional */
	.long	20, 1024, 768, 32	/* rather than others */
	.balign 8
	.short	0, 0
	.long	8
multiboot2_end:

	.code32
	.globl	pvh_start, multiboot2_start
multiboot2_start:
	cmpl	$MULTIBOOT2_MAGIC, %eax
	jne	hang
	movl	$BOOT_MULTIBOOT2, %esi
	jmp	1f
pvh_start:
	movl	$BOOT_PVH, %esi
1:	cld
	cli
	/*
	 * Where are we?  There is no stack yet: borrow the second word of
	 * the information, which is there with either protocol.
	 */
	movl	4(%ebx), %edx
	leal	8(%ebx), %esp
	call	2f
2:	popl	%ebp
	movl	%edx, 4(%ebx)
	subl	$PA(2b), %ebp

	leal	PA(boot_stack_top)(%ebp), %esp

	movl	$0x80000000, %eax	/* long mode, else there is no point */
	pushl	%ebx
	cpuid
	cmpl	$0x80000001, %eax
	jb	hang
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	hang
	popl	%ebx

	/* 4 GB of physical memory, at 0 and at VM_DIRECT_BASE */
	leal	PA(boot_pd_lo)(%ebp), %edi
	movl	$0x83, %eax
	xorl	%edx, %edx
	movl	$2048, %ecx
3:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	loop	3b
	/* the image and what follows it, at KERNBASE */
	leal	PA(boot_pd_hi)(%ebp), %edi
	leal	0x83(%ebp), %eax
	movl	$64, %ecx
4:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	loop	4b

	leal	PA(boot_pd_lo)+3(%ebp), %eax
	leal	PA(boot_pdp_lo)(%ebp), %edi
	movl	$4, %ecx
5:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x1000, %eax
	loop	5b
	leal	PA(boot_pd_hi)+3(%ebp), %eax
	movl	%eax, PA(boot_pdp_hi)+510*8(%ebp)
	leal	PA(boot_pdp_lo)+3(%ebp), %eax
	movl	%eax, PA(boot_pml4)(%ebp)
	movl	%eax, PA(boot_pml4)+256*8(%ebp)
	leal	PA(boot_pdp_hi)+3(%ebp), %eax
	movl	%eax, PA(boot_pml4)+511*8(%ebp)

	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	leal	PA(boot_pml4)(%ebp), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER: LME, and NXE, SCE */
	rdmsr
	orl	$0x901, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80010001, %eax	/* PG, WP, PE */
	movl	%eax, %cr0

	leal	PA(boot_gdt)(%ebp), %eax
	movl	%eax, PA(boot_gdtr)+2(%ebp)
	lgdt	PA(boot_gdtr)(%ebp)
	pushl	$GSEL_KCODE
	leal	PA(boot_64)(%ebp), %eax
	pushl	%eax
	lret

hang:	cli
	hlt
	jmp	hang

	.code64
boot_64:
	movl	$GSEL_KDATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movabsq	$boot_high, %rax
	jmp	*%rax

	.text
boot_high:
	movq	$boot_stack_top, %rsp
	movl	%esi, %edi		/* kind of loader */
	movl	%ebx, %esi		/* its information */
	movslq	%ebp, %rdx		/* distance */
	xorl	%ebp, %ebp		/* the end of backtraces */
	pushq	$0
	jmp	amd64_init

	.section .data
	.balign 8
boot_gdt:
	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdtr:
	.short	3 * 8 - 1
	.long	0, 0

	.section .bss.page, "aw", @nobits
	.balign	4096
	.globl	boot_pml4, boot_stack, boot_stack_top
boot_pml4:	.skip 4096
boot_pdp_lo:	.skip 4096
boot_pdp_hi:	.skip 4096
boot_pd_lo:	.skip 4 * 4096
boot_pd_hi:	.skip 4096
boot_stack:	.skip 4 * 4096
boot_stack_top:

	.section .rodata.root, "a"
	.balign	4096
	.globl	root_image, root_image_end
root_image:
	.incbin	ROOT_IMAGE
root_image_end:

	.section .note.GNU-stack, "", @progbits

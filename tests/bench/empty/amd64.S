/*
 * Copyright (c) 2026 The Paravane developers
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

/*
 * A kernel that only powers off: what a boot costs at least.  It starts by
 * the PVH note or by Multiboot2, in both cases in 32-bit mode without
 * paging, and writes no more than one byte to the first serial port.
 */

#define COM0_DATA	0x3f8
#define DEBUG_EXIT	0xf4
#define ACPI_PM1A_CNT	0x604		/* where SeaBIOS and OVMF put it */
#define ACPI_SLP_EN	0x2000		/* with type 0, QEMU's S5 */

#define MB2_MAGIC	0xe85250d6
#define MB2_LENGTH	(mb2_end - mb2)

	.section .multiboot, "a"
	.balign	8
mb2:
	.long	MB2_MAGIC, 0, MB2_LENGTH, -(MB2_MAGIC + 0 + MB2_LENGTH)
	.word	0, 0			/* the end of the tags */
	.long	8
mb2_end:

	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	start

	.text
	.code32
	.globl	start
start:
	movw	$COM0_DATA, %dx
	movb	$'\n', %al
	outb	%al, %dx
	xorl	%eax, %eax
	outl	%eax, $DEBUG_EXIT
	movw	$ACPI_PM1A_CNT, %dx
	movw	$ACPI_SLP_EN, %ax
	outw	%ax, %dx
1:	hlt				/* the power goes off in a while */
	jmp	1b

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The least that can be booted on QEMU's virt: the test finisher. */

	.globl	start
start:
	li	t0, 0x100000
	li	t1, 0x5555
	sw	t1, 0(t0)
1:	wfi
	j	1b

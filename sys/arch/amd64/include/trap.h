/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_TRAP_H_
#define _MACHINE_TRAP_H_

/* Exceptions, by vector. */
#define T_DIVIDE	0
#define T_DEBUG		1
#define T_NMI		2
#define T_BREAKPOINT	3
#define T_OVERFLOW	4
#define T_BOUND		5
#define T_INVALIDOP	6
#define T_NOFPU		7
#define T_DOUBLEFAULT	8
#define T_STACK		12
#define T_PROTECTION	13
#define T_PAGEFAULT	14
#define T_FPU		16
#define T_ALIGNMENT	17
#define T_MACHINECHECK	18
#define T_SIMD		19

#define PF_PRESENT	0x01	/* error code of a page fault */
#define PF_WRITE	0x02
#define PF_USER		0x04
#define PF_RESERVED	0x08
#define PF_FETCH	0x10

#define V_DEVICE	0x30	/* first vector for devices */
#define V_DEVICE_END	0xef
#define V_TIMER		0xf0
#define V_SPURIOUS	0xff

struct trapframe;

void	intr_dispatch(u_int);
uint64_t fpu_features(void);	/* components of the XSAVE area */
void	fpu_save(void *);
void	fpu_restore(const void *);

#endif /* _MACHINE_TRAP_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SVM_H_
#define _SVM_H_

/* AMD64 Architecture Programmer's Manual, volume 2, appendices B and C. */

#include <stddef.h>
#include <stdint.h>

struct segment {
	uint16_t selector, attributes;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint16_t cr_reads, cr_writes;	/* 000 */
	uint16_t dr_reads, dr_writes;
	uint32_t exceptions;		/* 008 */
	uint32_t intercept1;		/* 00c */
	uint32_t intercept2;		/* 010 */
	uint8_t	 reserved1[0x40 - 0x14];
	uint64_t iopm, msrpm;		/* 040 */
	uint64_t tsc_offset;		/* 050 */
	uint32_t asid, tlb_control;	/* 058 */
	uint64_t virtual_intr;		/* 060 */
	uint64_t shadow;		/* 068: of an interrupt */
	uint64_t exit, info1, info2;	/* 070 */
	uint64_t exit_event;		/* 088 */
	uint64_t nested_control;	/* 090 */
	uint8_t	 reserved2[0xa8 - 0x98];
	uint64_t event;			/* 0a8 */
	uint64_t nested_cr3;		/* 0b0 */
	uint8_t	 reserved3[0x400 - 0xb8];
	struct segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t	 reserved4[0x4cb - 0x4a0];
	uint8_t	 cpl;			/* 4cb */
	uint32_t reserved5;
	uint64_t efer;			/* 4d0 */
	uint8_t	 reserved6[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0;		/* 548 */
	uint64_t dr7, dr6;		/* 560 */
	uint64_t rflags, rip;		/* 570 */
	uint8_t	 reserved7[0x5d8 - 0x580];
	uint64_t rsp;			/* 5d8 */
	uint8_t	 reserved8[0x5f8 - 0x5e0];
	uint64_t rax;			/* 5f8 */
	uint8_t	 reserved9[0x640 - 0x600];
	uint64_t cr2;			/* 640 */
	uint8_t	 reserved10[0x668 - 0x648];
	uint64_t pat;			/* 668 */
	uint8_t	 reserved11[0x1000 - 0x670];
};
_Static_assert(offsetof(struct vmcb, exit) == 0x70, "exit");
_Static_assert(offsetof(struct vmcb, event) == 0xa8, "event");
_Static_assert(offsetof(struct vmcb, es) == 0x400, "es");
_Static_assert(offsetof(struct vmcb, tr) == 0x490, "tr");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0, "efer");
_Static_assert(offsetof(struct vmcb, rip) == 0x578, "rip");
_Static_assert(offsetof(struct vmcb, rax) == 0x5f8, "rax");
_Static_assert(offsetof(struct vmcb, pat) == 0x668, "pat");
_Static_assert(sizeof(struct vmcb) == 0x1000, "vmcb");

/* intercept1 */
#define I1_INTR		0x00000001
#define I1_NMI		0x00000002
#define I1_INIT		0x00000008
#define I1_CPUID	0x00040000
#define I1_HLT		0x01000000
#define I1_INVLPGA	0x04000000
#define I1_IOIO		0x08000000
#define I1_MSR		0x10000000
#define I1_SHUTDOWN	0x80000000

/* intercept2: all instructions of SVM */
#define I2_SVM		0x0000007f

#define EXIT_EXCEPTION	0x40		/* to 0x5f */
#define EXIT_INTR	0x60
#define EXIT_NMI	0x61
#define EXIT_INIT	0x63
#define EXIT_CPUID	0x72
#define EXIT_HLT	0x78
#define EXIT_INVLPGA	0x7a
#define EXIT_IOIO	0x7b
#define EXIT_MSR	0x7c
#define EXIT_SHUTDOWN	0x7f
#define EXIT_VMRUN	0x80
#define EXIT_VMMCALL	0x81
#define EXIT_SKINIT	0x86
#define EXIT_NPF	0x400

/* info1 of EXIT_IOIO */
#define IO_IN		0x0001
#define IO_STRING	0x0004
#define IO_REP		0x0008
#define IO_SIZE		4		/* shift; 1, 2 or 4 */
#define IO_ADDRESS	7		/* shift; 1, 2, 4: 16, 32, 64 bits */
#define IO_PORT		16		/* shift */

/* event, exit_event */
#define EVENT_INTERRUPT	0x000
#define EVENT_EXCEPTION	0x300
#define EVENT_TYPE	0x700
#define EVENT_ERROR	0x800		/* has one, in the high half */
#define EVENT_VALID	0x80000000ULL

#define VECTOR_DF	8
#define VECTOR_UD	6
#define VECTOR_GP	13
#define VECTOR_PF	14

/* virtual_intr */
#define V_IRQ		(1ULL << 8)
#define V_PRIORITY	(15ULL << 16)
#define V_IGNORE_TPR	(1ULL << 20)
#define V_VECTOR	32		/* shift */

#define EFER_SCE	0x0001
#define EFER_LME	0x0100
#define EFER_LMA	0x0400
#define EFER_NXE	0x0800
#define EFER_SVME	0x1000
#define EFER_FFXSR	0x4000

#define CR0_PE		0x00000001
#define CR0_ET		0x00000010
#define CR0_PG		0x80000000
#define CR4_OSXSAVE	0x00040000
#define CR4_PKE		0x00400000

#define RFLAGS_IF	0x00000200
#define RFLAGS_DF	0x00000400

#define MSR_APIC_BASE	0x0000001b
#define MSR_KVM_WALL	0x00000011
#define MSR_KVM_SYSTEM	0x00000012
#define MSR_PAT		0x00000277
#define MSR_EFER	0xc0000080
#define MSR_VM_CR	0xc0010114
#define MSR_VM_HSAVE	0xc0010117

#endif /* _SVM_H_ */

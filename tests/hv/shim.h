/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SHIM_H_
#define _SHIM_H_

/* What the shim's own files tell each other. */

#include "hv.h"
#include "lib.h"

#define LARGE_PAGE	0x200000ULL

/* --- the processor ------------------------------------------------------ */

static inline void
outb(uint16_t port, uint8_t value)
{
	__asm volatile("outb %0, %1" : : "a" (value), "Nd" (port));
}

static inline uint8_t
inb(uint16_t port)
{
	uint8_t value;

	__asm volatile("inb %1, %0" : "=a" (value) : "Nd" (port));
	return (value);
}

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm volatile("rdtsc" : "=a" (lo), "=d" (hi));
	return ((uint64_t)hi << 32 | lo);
}

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return ((uint64_t)hi << 32 | lo);
}

static inline void
wrmsr(uint32_t msr, uint64_t value)
{
	__asm volatile("wrmsr" : : "c" (msr), "a" ((uint32_t)value),
	    "d" ((uint32_t)(value >> 32)) : "memory");
}

static inline void
cpuid(uint32_t leaf, uint32_t sub, struct hv_leaf *r)
{
	__asm volatile("cpuid" : "=a" (r->ax), "=b" (r->bx), "=c" (r->cx),
	    "=d" (r->dx) : "0" (leaf), "2" (sub));
}

/* --- boot.S ------------------------------------------------------------- */

extern uint64_t multiboot_info;
extern uint32_t multiboot_magic, cpu_features;
extern char image_start[], image_data_end[], image_end[];
extern uint64_t pd_low[4 * 512];
extern char vectors[];

void	 move_image(uint64_t to, uint64_t from, uint64_t size, uint64_t cr3);
void	 enter_guest(uint64_t vmcb, struct hv_regs *);
void	 take_nmi(void);
int	 take_interrupt(void);
int	 wait_interrupt(int enabled);

/* --- lib.c -------------------------------------------------------------- */

int	 format(char *, size_t, const char *, va_list)
	    __attribute__((format(printf, 3, 0)));

/* --- uart.c: messages, and the test's port ------------------------------ */

void	 uart_init(void);
void	 say(const char *, ...) __attribute__((format(printf, 1, 2)));
/* One for the test alone; a whole line. */
void	 control_say(const char *, size_t);
bool	 control_there(void);
int	 control_getc(void);		/* -1: there is nothing now */
/* Ends the machine: a status that QEMU leaves with, or stands still. */
void	 die(const char *, ...)
	    __attribute__((format(printf, 1, 2), noreturn));

#define CONTROL_PORT	0x2f8
#define CONTROL_IRQ	3

/* --- control.c ---------------------------------------------------------- */

extern bool msr_events;		/* the test wants to know of MSRs */

void	 control_poll(void);
void	 control_wait(void);		/* for the command go */
bool	 control_option(char *word);	/* NAME=VALUE of any model */

/* --- load.c ------------------------------------------------------------- */

#define CMDLINE	4096

struct boot {
	char	 cmdline[CMDLINE];	/* the shim's own words */
	uint32_t entry;			/* the guest's */
	uint32_t start_info;
};
extern struct boot boot;

void	 read_multiboot(void);
void	 relocate(void);
void	 load_guest(void);

/* --- mem.c -------------------------------------------------------------- */

#define RANGES	64

struct range {
	uint64_t base, size;
	uint32_t type;		/* 1: memory */
};

extern struct range ranges[RANGES];
extern unsigned int nranges;
extern uint64_t shim_base, shim_size;	/* where it has moved to */

/* what the shim runs on, once it has moved */
extern uint64_t pml4[512];
uint64_t pa(const void *);	/* of the shim's own data */
void	 mem_init(void);
uint64_t nested_root(void);
bool	 nested_fault(uint64_t gpa);	/* false: nothing of the guest's */

/* --- clocks.c ----------------------------------------------------------- */

void	 clock_init(void);

/* --- svm.c -------------------------------------------------------------- */

void	 svm_init(void);
void	 svm_run(void) __attribute__((noreturn));

/* what mem.c must know to translate the guest's addresses */
struct paging {
	uint64_t cr0, cr3, cr4, efer;
	bool	 user;
};

void	 guest_paging(struct paging *);
void	 guest_page_fault(uint64_t address, uint32_t code);

/* --- ioapic.c ----------------------------------------------------------- */

/* Has the test's port raise an NMI; true: it was so already. */
bool	 ioapic_check(void);

#endif /* _SHIM_H_ */

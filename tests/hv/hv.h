/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _HV_H_
#define _HV_H_

/*
 * What the models of hypervisors share.  A model is a file of portable C: it
 * sees the guest's registers and memory only through this header, so it runs
 * in the shim and, unchanged, in a program of the host.
 *
 * A model has
 *	X_leaf()	a leaf of CPUID, counted from its base
 *	X_msr_read(), X_msr_write()
 *			true: it was mine and is done; false: none of mine
 *	X_option()	an option, before the guest starts or while it runs
 *	X_update()	the clock has changed: tell the guest in its pages
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hv_regs {
	uint64_t bx, cx, dx, si, di, bp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t ax;
};

struct hv_leaf {
	uint32_t ax, bx, cx, dx;
};

enum hv_result {
	HV_DONE,	/* go on behind the instruction */
	HV_FAULT,	/* the guest gets a page fault, then tries again */
	HV_UNDEFINED	/* to the guest, an undefined instruction */
};

/* --- the machine that models run in: the shim, or a test ---------------- */

uint64_t hv_tsc(void);
/* Guest memory by its physical address; NULL: there is none, or not all. */
void	*hv_gpa(uint64_t, size_t);
/* By its virtual address.  False: a page fault is on its way. */
bool	 hv_copyin(void *, uint64_t, size_t);
bool	 hv_copyout(uint64_t, const void *, size_t);
bool	 hv_user(void);			/* the guest runs with CPL 3 */
/* What a string instruction means by an offset, and DF. */
uint64_t hv_linear(uint64_t offset, bool es);
bool	 hv_down(void);
void	 hv_interrupt(unsigned int vector, bool auto_eoi);
uint64_t hv_apic_read(unsigned int reg);	/* offset / 16 */
void	 hv_apic_write(unsigned int reg, uint64_t);
void	 hv_reset(void);
uint32_t hv_memory_mb(void);
/* A line for the test. */
void	 hv_event(const char *, ...) __attribute__((format(printf, 1, 2)));

/* --- lib.c -------------------------------------------------------------- */

/* 0x, decimal, a sign, suffix K, M or G; the rest must be empty */
bool	 hv_number(const char *, uint64_t *);
/* Decodes \n, \t, \\, \xNN in place; the length. */
size_t	 hv_unescape(char *);
/* The reverse; what does not fit the size is left out.  The length. */
size_t	 hv_escape(char *, size_t, const void *, size_t);
bool	 hv_prefix(const char *, const char *prefix);
/* hi:lo / div, which must fit */
uint64_t hv_div128(uint64_t hi, uint64_t lo, uint64_t div);
uint64_t hv_mulhi(uint64_t, uint64_t);

/* An option: what it is called, and where its value goes. */
struct hv_option {
	const char *name;
	uint64_t *value;
};
bool	 hv_options(const struct hv_option *, size_t, const char *name,
	    const char *value);

/* --- clock.c: what the hypervisor says the time is ---------------------- */

#define HV_NSEC	1000000000ULL

extern struct hv_clock {
	uint64_t hz;		/* of the processor's counter */
	uint64_t apic_hz;
	uint64_t told_hz;	/* other numbers for the guest, if not 0 */
	uint64_t told_apic_hz;
	uint64_t base;		/* counter at time 0 */
	int64_t	 jump;		/* nanoseconds on top */
	uint64_t epoch;		/* time 0, nanoseconds since 1970 */
} hv_clock;

uint64_t hv_ns(uint64_t tsc);		/* since time 0 */
uint64_t hv_wall(uint64_t tsc);		/* since 1970 */
uint64_t hv_tsc_hz(void);		/* as the guest is told */
uint64_t hv_apic_hz(void);
bool	 hv_clock_option(const char *, const char *);

/* --- the models --------------------------------------------------------- */

/* cpuid.c: which of them there are, in what order */
#define HV_BASE		0x40000000U
#define HV_STEP		0x100U
#define HV_POSES	8

enum hv_kind {
	HV_NONE, HV_SIGNATURE, HV_KVM, HV_HYPERV, HV_VMWARE, HV_XEN, HV_BHYVE,
	HV_OPENBSD
};

bool	 hv_pose(const char *);		/* what stands behind pose= */
bool	 hv_poses(enum hv_kind);	/* is it one of them? */
bool	 hv_present(void);		/* is there any? */
bool	 hv_cpuid(uint32_t leaf, struct hv_leaf *);

void	 kvm_leaf(unsigned int, struct hv_leaf *, bool openbsd);
bool	 kvm_msr_read(uint32_t, uint64_t *);
bool	 kvm_msr_write(uint32_t, uint64_t);
bool	 kvm_option(const char *, const char *);
void	 kvm_update(void);
void	 kvm_hypercall(struct hv_regs *);

void	 hyperv_leaf(unsigned int, struct hv_leaf *);
bool	 hyperv_msr_read(uint32_t, uint64_t *);
bool	 hyperv_msr_write(uint32_t, uint64_t);
bool	 hyperv_option(const char *, const char *);
void	 hyperv_update(void);
bool	 hyperv_enabled(void);		/* its hypercalls are on */
enum hv_result hyperv_hypercall(struct hv_regs *);
bool	 hyperv_invariant(void);	/* the counter is to be invariant */
/* A message into slot sint; NULL: it went. */
const char *hyperv_message(unsigned int sint, uint32_t type, const void *,
	    size_t);

void	 xen_leaf(unsigned int, struct hv_leaf *);
bool	 xen_msr_write(uint32_t, uint64_t);
bool	 xen_option(const char *, const char *);
void	 xen_hypercall(struct hv_regs *);

/* vmware.c: the backdoor */
#define VMWARE_MAGIC	0x564d5868U
#define VMWARE_PORT	0x5658
#define VMWARE_PORT_HB	0x5659

void	 vmware_leaf(unsigned int, struct hv_leaf *);
bool	 vmware_option(const char *, const char *);
bool	 vmware_hypercalls(bool vmmcall);	/* does it offer this form? */
void	 vmware_call(struct hv_regs *);
enum hv_result vmware_bulk(struct hv_regs *, bool out);
enum hv_result vmware_hypercall(struct hv_regs *);

/* vmware_msg.c: channels */
void	 vmware_message(struct hv_regs *);
enum hv_result vmware_message_bulk(struct hv_regs *, bool out);
bool	 vmware_msg_option(const char *, const char *);
const char *vmware_tclo(const void *, size_t);	/* NULL: it was queued */

/* vmware_rpc.c: the store and the commands */
#define VMWARE_VALUE	(128 * 1024)	/* the longest value */
#define VMWARE_REPLY	(VMWARE_VALUE + 64)

/* The reply to a command; its length. */
size_t	 vmware_rpc(const char *, size_t, char *reply);
const char *vmware_set(const char *key, const void *, size_t);
const void *vmware_get(const char *key, size_t *);
const char *vmware_key(unsigned int);	/* NULL: there are no more */
void	 vmware_log(const char *what, const void *, size_t);
bool	 vmware_rpc_option(const char *, const char *);

#endif /* _HV_H_ */

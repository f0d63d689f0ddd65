/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _ARCH_COMMON_COMMON_H_
#define _ARCH_COMMON_COMMON_H_

/*
 * What the machines share below sys/md.h, and what each owes this code:
 *
 * <machine/cpu.h>	intr_on(), intr_off(), intr_enabled(), user_access_on(),
 *			user_access_off(), frame_pc(), frame_setpc(),
 *			frame_user(), FRAME_NEXT(), FRAME_RETURN(), and in
 *			struct cpu_info ci_ipl, ci_intrdepth, ci_softpending
 * <machine/io.h>	mmio_read_N(), mmio_write_N(): in the order of the bus
 * <machine/pte.h>	entries of page tables
 * <machine/types.h>	also KERNBASE
 */

#include <sys/intr.h>
#include <sys/memlist.h>
#include <sys/queue.h>

struct device;
struct trapframe;

/* kernel.ld */
extern char	__text_start[], __text_end[], __rodata_end[], __data_start[],
		kernel_end[];

/* --- boot: in this order ------------------------------------------------------ */

/*
 * From the boot tables to the kernel's own, and memory to the allocator.
 *
 * ram: all that shall be mapped directly.  avail: what of it is free; the
 *	image is taken out here.  delta: load address less link address of the
 *	image.  lo, hi: what the boot tables map directly; page tables come
 *	from there.
 */
void	memory_init(const struct memlist *ram, struct memlist *avail,
	    int64_t delta, paddr_t lo, paddr_t hi);

/* pmap.c, for memory_init() */
void	pmap_bootstrap(int64_t, paddr_t, paddr_t);
void	pmap_direct(paddr_t, paddr_t);
paddr_t	pmap_switch(void);

/* what booted us, for mainbus0's line: "PVH" */
const char *machdep_loader(void);

/* --- exceptions --------------------------------------------------------------- */

/* the fault of an access, prot, to va: by a program or in user_copy() */
bool	trap_fault(struct trapframe *, vaddr_t va, int prot);
/* an exception that nobody expects in user_copy(): EFAULT; false: elsewhere */
bool	trap_user_copy(struct trapframe *);
/* back to the program, with interrupts off, when nothing is left to do */
void	trap_userret(struct trapframe *);
/* the functions that led to pc, whose frame is fp */
void	backtrace(vaddr_t pc, const vaddr_t *fp);

/* --- interrupts --------------------------------------------------------------- */

/*
 * A source of interrupts, a line or a message, of some controller.  A line may
 * be shared.  The controller's functions are called with interrupts off and a
 * lock held.
 */
struct intrsrc;
struct intrsrc_ops {
	int	(*iso_enable)(struct intrsrc *);	/* for the first handler */
	void	(*iso_disable)(struct intrsrc *);	/* after the last */
	void	(*iso_free)(struct intrsrc *);	/* md_msi_free(): NULL: a line */
};
struct intrsrc {
	LIST_HEAD(, intrhand)	 is_hands;
	const struct intrsrc_ops *is_ops;
	void			*is_cookie;	/* the controller's */
	u_int			 is_number;	/* in its own terms */
	uint32_t		 is_flags;	/* of the handle: trigger */
	bool			 is_line;	/* it stays until it is heard */
	u_int			 is_running;
	u_int			 is_stray;
};

/* a handle for intr_establish(); flags: as the controller likes */
void	intrsrc_handle(struct intr_handle *, struct intrsrc *, uint32_t flags);
struct intrsrc *intrsrc_of(const struct intr_handle *);
bool	intrsrc_idle(const struct intrsrc *);	/* no handler */
/* call the handlers: between intr_enter() and intr_leave() */
void	intrsrc_run(struct intrsrc *);
u_int	intr_enter(void);		/* the level to give back */
void	intr_leave(u_int);

/*
 * counter_start: at boot; the counter's rate, at least 10000.  From then on
 *	there are md_nsec(), nsecuptime() and delay().
 * counter_at: what the counter says at that time, in ns since then, or a tick
 *	later, so that an alarm is not early: by the distance from now, since the
 *	factors are not exact.  Any context.
 */
void	 counter_start(uint64_t);
uint64_t counter_at(uint64_t);

#endif /* _ARCH_COMMON_COMMON_H_ */

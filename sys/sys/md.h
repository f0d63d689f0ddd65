/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_MD_H_
#define _SYS_MD_H_

/*
 * All that an architecture owes the rest of the kernel.
 *
 * <machine/types.h>	vaddr_t, paddr_t, PAGE_SHIFT, byte order, the layout
 *			of virtual memory
 * <machine/cpu.h>	struct cpu_info, curcpu(), curthread, struct
 *			md_context, struct trapframe, CPU_BUSY_CYCLE()
 */

#include <sys/bus.h>
#include <sys/bus_dma.h>
#include <sys/intr.h>

struct cpu_info;
struct device;
struct md_context;
struct pv_evidence;
struct thread;
struct trapframe;

/* --- console and end, before and after anything else works --------------- */

void	 md_cnputc(int);
bool	 md_cnearly(void);		/* md_cnputc() reaches somebody */
/* exit status for the harness; MD_REBOOT, MD_HALT: as they say */
void	 md_halt(int) __noreturn;
#define MD_REBOOT	(-1)
#define MD_HALT		(-2)
void	 md_backtrace(void);

/* --- memory -------------------------------------------------------------- */

/*
 * Map physical addresses that are not memory of the page allocator's, such
 * as registers and firmware tables.  Any alignment.  NULL: no room.
 */
void	*md_map(paddr_t, size_t, int);
#define MD_MAP_DEVICE	0x01		/* uncached; else as memory */
#define MD_MAP_WC	0x02		/* write combining where possible */
#define MD_MAP_RDONLY	0x04
void	 md_unmap(void *, size_t);
paddr_t	 md_kvtop(const void *);	/* of anything the kernel has mapped */

/* --- processors and threads ----------------------------------------------- */

u_int	 md_ncpus(void);
void	 md_idle(void);			/* interrupts are off; wait for one */
/* a new thread: on its stack, fn(arg) will be called and does not return */
void	 md_context_init(struct md_context *, void *, size_t,
	    void (*)(void *), void *);
void	 md_context_fini(struct md_context *);
void	 md_switch(struct thread *, struct thread *);

/* --- programs --------------------------------------------------------------- */

/* state beside the frame, such as floating point: ENOMEM */
int	 md_user_init(struct thread *);			/* of a new program */
int	 md_user_fork(struct thread *, struct thread *, u_long stack,
	    u_long tls, bool settls);			/* from the current */
void	 md_user_free(struct thread *);
void	 md_user_exec(struct trapframe *, u_long entry, u_long sp);
void	 md_user_return(struct trapframe *) __noreturn;
u_long	 md_user_sp(const struct trapframe *);
void	 md_syscall_result(struct trapframe *, long);
void	 md_syscall_restart(struct trapframe *);
u_long	 md_hwcap(u_int);				/* AT_HWCAP, 1: 2 */
extern const char md_platform[];			/* "x86_64" */
extern const uint16_t md_elf_machine;
/* whole pages that call sigreturn; 0: the C library brings its own */
extern const char md_sigcode[];
extern const size_t md_sigcode_size;

struct sigaction;
struct ksiginfo;
/* build a signal's frame on the stack; EFAULT: no room */
int	 md_sendsig(struct trapframe *, int, const struct sigaction *,
	    const struct ksiginfo *, uint64_t mask);
int	 md_sigreturn(struct trapframe *, uint64_t *mask);

/* --- interrupt levels --------------------------------------------------------- */

int	 splraise(enum ipl);
void	 splx(int);
enum ipl splget(void);
bool	 md_interruptible(void);	/* IPL_NONE and not in a handler */

/* --- time ------------------------------------------------------------------ */

uint64_t md_nsec(void);			/* monotonic, 0 at boot */
const char *md_clock_name(void);	/* what that is made of */
const char *md_clock_about(void);	/* a word or two more */
int	 md_clock_wall(void *, uint64_t *); /* see struct todr; ENXIO */
/* one interrupt at this time; 0: none.  Calls clock_intr(). */
void	 md_timer_set(uint64_t);
void	 clock_intr(void);		/* kern_timeout.c */

/* --- interrupts: behind struct intr_ops ------------------------------------ */

/*
 * Address and data that a device must write.  The requester is that of its
 * bus cycles: PCI segment, bus, device, function in 16, 8, 5 and 3 bits.
 * ENOSPC: no vector left; ENXIO: no messages here.
 */
int	 md_msi_alloc(uint32_t requester, struct cpu_info *,
	    struct intr_handle *, uint64_t *, uint32_t *);
void	 md_msi_free(struct intr_handle *);

/* --- buses ------------------------------------------------------------------ */

extern const struct bus_space	 md_bus_mem;
extern const struct bus_space	*const md_bus_io;	/* NULL: no ports */
extern const struct bus_dma_tag	 md_dma;
void	 md_mainbus(struct device *);	/* config_found() what is here */
/* the nth thing that the machine says of its hypervisor; ENOENT: no more */
int	 md_pv_evidence(u_int, struct pv_evidence *);
/* where QEMU's fw_cfg is, as ports or as memory; ENOENT: nowhere */
int	 md_fwcfg(bus_addr_t *, bool *mem);
int	 md_smbios(paddr_t *, size_t *);	/* to be searched; ENXIO */
/* what the processor has to offer to the generator; bytes written */
size_t	 md_entropy(void *, size_t);

#endif /* _SYS_MD_H_ */

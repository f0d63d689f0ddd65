/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VMMCI_MODEL_H_
#define _VMMCI_MODEL_H_

/*
 * The control device of OpenBSD's vmm, and the host behind it: a function of
 * PCI with the registers of virtio 0.9 in an I/O BAR, no queue, a line, and a
 * configuration by which a host tells its guest to shut down, to reboot, or
 * to look at the clock.
 *
 * It knows no machine.  Who has one tells it of accesses, of time that went
 * by and of what the host wants, and hears of the rest by vmmci_ops.
 *
 *	vmmci_init(&vm, &ops, arg);
 *	vmmci_request(&vm, VMMCI_SHUTDOWN);	the host
 *	v = vmmci_read(&vm, 0x14, 4);		the guest
 *	vmmci_tick(&vm);			the host's limits
 *
 * A test may write to what is below "how to misbehave" at any time.
 */

#include <stdbool.h>
#include <stdint.h>

/* --- configuration space ------------------------------------------------- */

#define VMMCI_VENDOR		0x0b5d
#define VMMCI_PRODUCT		0x0777
#define VMMCI_REVISION		0
#define VMMCI_CLASS		0x078000	/* communications, other */
#define VMMCI_SUBVENDOR		0x0b5d
#define VMMCI_SUBSYSTEM		0xffff		/* the id as a virtio device */
#define VMMCI_BAR_SIZE		0x1000
#define VMMCI_REGS		0x28		/* so much of it is used */

/* --- registers ----------------------------------------------------------- */

#define VMMCI_DEVICE_FEATURES	0x00	/* 32 R */
#define VMMCI_GUEST_FEATURES	0x04	/* 32 R/W */
#define VMMCI_QUEUE_PFN		0x08	/* 32 R/W */
#define VMMCI_QUEUE_SIZE	0x0c	/* 16 R, 0 */
#define VMMCI_QUEUE_SELECT	0x0e	/* 16 R/W */
#define VMMCI_QUEUE_NOTIFY	0x10	/* 16 R/W */
#define VMMCI_STATUS		0x12	/* 8 R/W */
#define VMMCI_ISR		0x13	/* 8 R, clears */
#define VMMCI_COMMAND		0x14	/* 32 R/W */
#define VMMCI_TIME_SEC		0x18	/* 32 R, latches all four */
#define VMMCI_TIME_SEC_HIGH	0x1c	/* 32 R, 0 */
#define VMMCI_TIME_USEC		0x20	/* 32 R */
#define VMMCI_TIME_USEC_HIGH	0x24	/* 32 R, 0 */

#define VMMCI_F_TIMESYNC	0x1
#define VMMCI_F_ACK		0x2
#define VMMCI_F_SYNCRTC		0x4
#define VMMCI_F_ALL		0x7

#define VMMCI_ISR_CONFIG	0x2

#define VMMCI_DRIVER_OK		0x4

enum {
	VMMCI_NONE, VMMCI_SHUTDOWN, VMMCI_REBOOT, VMMCI_SYNCRTC
};

/* Milliseconds that a guest has to answer, and from there to its end. */
#define VMMCI_LIMIT_ANSWER	3000
#define VMMCI_LIMIT_END		120000

/* --- what happens -------------------------------------------------------- */

enum vmmci_event {
	VMMCI_EV_STATUS,		/* written: the status */
	VMMCI_EV_FEATURES,		/* written: the bits */
	VMMCI_EV_ACK,			/* of the command that is pending */
	VMMCI_EV_POWEROFF,		/* the guest wants to be switched off */
	VMMCI_EV_WRONG,			/* something else was written there */
	VMMCI_EV_SKIPPED,		/* SYNCRTC was not negotiated */
	VMMCI_EV_KILLED,		/* by the host: enum vmmci_death */
	VMMCI_EV_WIDTH,			/* dropped: width << 16 | offset */
	VMMCI_EV_STRAY			/* no such register, read only; same */
};

enum vmmci_death {
	VMMCI_NO_DRIVER,		/* it has nobody to ask */
	VMMCI_NO_ANSWER,		/* to what it asked, in 3 s */
	VMMCI_NO_END,			/* an answer, and then nothing */
	VMMCI_WISHED			/* by the guest, 3 s ago */
};

struct vmmci_ops {
	void	 (*vo_line)(void *, bool);	/* changes */
	/* of the host: seconds since 1970, microseconds */
	void	 (*vo_time)(void *, uint64_t *, uint64_t *);
	uint64_t (*vo_msec)(void *);		/* only ever goes on */
	void	 (*vo_event)(void *, enum vmmci_event, uint32_t);
};

struct vmmci {
	const struct vmmci_ops	*vm_ops;
	void			*vm_arg;

	/* registers */
	uint32_t		 vm_features;	/* accepted */
	uint32_t		 vm_pfn;
	uint16_t		 vm_select, vm_notify;
	uint8_t			 vm_status, vm_isr;
	bool			 vm_line;
	uint32_t		 vm_command;
	uint64_t		 vm_sec, vm_usec;	/* latched */

	/* the host's patience */
	uint64_t		 vm_until;	/* 0: as long as it takes */
	enum vmmci_death	 vm_why;
	bool			 vm_dead;

	/* what was seen */
	unsigned int		 vm_nisr, vm_ncommand, vm_ntime;
	unsigned int		 vm_nwritten;	/* to the command register */
	unsigned int		 vm_nack, vm_npoweroff;

	/* how to misbehave */
	uint32_t		 vm_offered;
	unsigned int		 vm_storm;	/* so many interrupts more */
	bool			 vm_flips;	/* the command, read by read */
	uint32_t		 vm_flip[2];
	bool			 vm_lies;	/* of the time, in 64 bits */
	uint64_t		 vm_liesec, vm_lieusec;
	bool			 vm_forgets;	/* an answer is not read back */
	uint32_t		 vm_forgotten;	/* but this is */
	bool			 vm_gone;	/* ones, whatever one reads */
};

/* Offers all features and does as it should. */
void	 vmmci_init(struct vmmci *, const struct vmmci_ops *, void *);
/* the machine's reset: as it began, with the same faults */
void	 vmmci_reset(struct vmmci *);

/*
 * An access of the guest to the BAR.  One of a wrong width, of no register or
 * to what is only read is told and dropped; it reads as 0.
 */
uint32_t vmmci_read(struct vmmci *, uint32_t off, unsigned int width);
void	 vmmci_write(struct vmmci *, uint32_t off, unsigned int width,
	    uint32_t);

/*
 * The host: any number of requests, of which one that is pending already is
 * none; SYNCRTC ends with its acknowledgement.
 */
void	 vmmci_request(struct vmmci *, uint32_t);
/* a command as it comes, with no more ado: no limit, not even a known one */
void	 vmmci_force(struct vmmci *, uint32_t);
void	 vmmci_interrupt(struct vmmci *);	/* "something has changed" */
/* time has gone by; how many ms until the next limit, ~0: none */
uint64_t vmmci_tick(struct vmmci *);

#endif /* _VMMCI_MODEL_H_ */

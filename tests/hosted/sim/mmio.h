/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SIM_MMIO_H_
#define _SIM_MMIO_H_

/*
 * Simulated devices whose registers are in memory: VirtIO 1.4, 4.2.  What is
 * behind the registers is a device of sim.h, which a test makes first:
 *
 *	sv = sim_virtio_new(&(struct sim_virtio_conf){ ... });
 *	mm = sim_mmio_new(sv, 2);
 *	sim_mainbus_children = sim_mmio_children;
 *	sim_attach();
 */

#include "sim.h"

#define SIM_MMIO_SIZE	0x200

struct sim_mmio_vq {
	bool		 mq_sized;		/* QueueSize was written */
	u_int		 mq_parts;		/* ...of six addresses */
	bool		 mq_unread;		/* it stops: not read back */
	uint32_t	 mq_align, mq_pfn;	/* legacy */
};

struct sim_mmio {
	LIST_ENTRY(sim_mmio)	 mm_link;
	struct sim_virtio	*mm_sv;
	bool			 mm_legacy;
	uint64_t		 mm_addr;
	u_int			 mm_mapped;
	u_int			 mm_seen;	/* of the first registers */
	bool			 mm_dselset, mm_gselset;
	uint32_t		 mm_dsel, mm_gsel, mm_qsel;
	uint32_t		 mm_pagesize;
	uint32_t		 mm_told;	/* InterruptStatus as read */
	struct sim_mmio_vq	 mm_vq[SIM_MAXVQ];

	/* what it says it is */
	uint32_t		 mm_magic, mm_version, mm_devid;
	uint64_t		 mm_size;	/* as whoever found it says */
	u_int			 mm_irq;
	bool			 mm_noprobe;	/* attach without asking */
	/* widths of the fields, where they begin; NULL: not looked at */
	const uint8_t		*mm_widths;
	u_int			 mm_nwidths;

	/* how to misbehave */
	bool			 mm_inuse;	/* queues are always ready */
	bool			 mm_deaf;	/* or never */
	bool			 mm_keeps;	/* queues keep their size */
	uint32_t		 mm_max;	/* QueueSizeMax; 0: as it is */
	uint32_t		 mm_isr;	/* more bits */
	u_int			 mm_garbage;	/* one read in so many */
	u_int			 mm_more;	/* causes while it is asked */
	u_int			 mm_eager;	/* works while it is asked (1),
						 * is acknowledged (2) */

	/* what was seen */
	u_int			 mm_nisr, mm_nack, mm_nstop;
};

struct sim_mmio *sim_mmio_new(struct sim_virtio *, uint32_t version);
void	 sim_mmio_free(struct sim_mmio *);	/* the device stays */
void	 sim_mmio_children(struct device *);	/* sim_mainbus_children */
extern const struct bus_space sim_mmio_bus;

#endif /* _SIM_MMIO_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _ARM64_GICVAR_H_
#define _ARM64_GICVAR_H_

/*
 * Arm Generic Interrupt Controllers: what versions 2 and 3 share.  Numbers of
 * interrupts: 16 to 31 are the processor's own (PPI), from 32 on they come
 * from devices (SPI).
 */

#include <arch/common/common.h>
#include <dev/fdt/fdtvar.h>

#define GIC_PPI		16
#define GIC_SPI		32
#define GIC_MAX		1020		/* from here on: special numbers */
#define GIC_LPI		8192		/* version 3: messages */

/* distributor; also the part of a redistributor for PPIs */
#define GICD_CTLR	0x0000
#define GICD_TYPER	0x0004
#define GICD_IGROUPR	0x0080		/* a bit each */
#define GICD_ISENABLER	0x0100
#define GICD_ICENABLER	0x0180
#define GICD_ICPENDR	0x0280
#define GICD_IPRIORITYR	0x0400		/* a byte each */
#define GICD_ITARGETSR	0x0800		/* version 2 */
#define GICD_ICFGR	0x0c00		/* two bits each */
#define GICD_IROUTER	0x6000		/* version 3; 64 bits each */

#define GIC_PRIORITY	0xa0a0a0a0	/* all the same */

struct gic_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_dist;
	struct bus_region	 sc_own;	/* registers of PPIs */
	struct intrsrc		*sc_src;	/* by number */
	u_int			 sc_nsrc;
	/* a line from a device goes to the processor that boots */
	void			(*sc_target)(struct gic_softc *, u_int);
	struct fdt_intc		 sc_intc;
};

/*
 * gic_init: sc_dist is mapped; makes the sources.  ENOMEM, EINVAL.
 * gic_lines_init: turns all lines off; group: which is ours, a bit each.
 * gic_ppi_init: the same for the processor's own, when sc_own is mapped.
 * gic_register: interrupts of that node may be established.
 * gic_spi_take: the source of a line of the one controller there is, for who
 *	makes messages of it, until iso_free; NULL: there is none of that
 *	number, or it is taken.
 * gic_run: call the handlers of a number that was acknowledged.
 */
int	 gic_init(struct gic_softc *, void (*)(struct gic_softc *, u_int));
void	 gic_lines_init(struct gic_softc *, uint32_t group);
void	 gic_ppi_init(struct gic_softc *, uint32_t group);
void	 gic_register(struct gic_softc *, fdt_node_t);
struct intrsrc *gic_spi_take(u_int);
void	 gic_run(struct gic_softc *, u_int);

#define GICF_EDGE	0x01		/* is_flags */

#endif /* _ARM64_GICVAR_H_ */

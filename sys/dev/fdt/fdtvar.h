/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_FDT_FDTVAR_H_
#define _DEV_FDT_FDTVAR_H_

/*
 * The machine's device tree as a bus: fdt0 at mainbus0, and each simple-bus in
 * it is a further fdt.  Thread context all, but where it is said.
 */

#include <sys/bus.h>
#include <sys/device.h>
#include <sys/intr.h>
#include <sys/queue.h>

#include <dev/fdt/fdt.h>

extern struct fdt	fdt_machine;	/* set at boot, then never written */

struct fdt_attach_args {
	fdt_node_t	 fa_node;
	paddr_t		 fa_addr;	/* the first of "reg" */
	uint64_t	 fa_size;	/* 0: it has none that we can reach */
};

/*
 * fdt_match: for a ca_match whose ca_ident is a NULL-terminated list of
 *	strings: is the node compatible with one of them?  The earlier in the
 *	list, the better the match.
 * fdt_map: the nth entry of "reg".  Errors of fdt_reg() and br_map().
 */
int	 fdt_match(struct device *, const struct cfdata *, const void *);
int	 fdt_map(const struct fdt_attach_args *, u_int, struct bus_region *);

/*
 * Interrupt controllers, which attach before all else.
 *
 * fdt_intc_register: the node's controller is ready.  fc_handle turns a
 *	specifier of that many cells into a handle; EINVAL.
 * fdt_intr: the nth interrupt of a node.  ENOENT: it has none; ENXIO: nothing
 *	drives its controller; EINVAL.
 * fdt_intr_at: the same for what fdt_interrupt() or fdt_interrupt_at() found.
 */
struct fdt_intc {
	LIST_ENTRY(fdt_intc)	 fc_link;
	fdt_node_t		 fc_node;
	int			(*fc_handle)(void *, const uint32_t *, u_int,
				    struct intr_handle *);
	void			*fc_arg;
};
void	 fdt_intc_register(struct fdt_intc *);
int	 fdt_intr(fdt_node_t, u_int, struct intr_handle *);
int	 fdt_intr_at(const struct fdt_interrupt *, struct intr_handle *);

/*
 * Controllers that take messages.  A host bridge says by its "msi-map" or
 * "msi-parent" which one is its own, and by what number it is known there.
 * fm_alloc: as md_msi_alloc(), with that number.  A handle is given back by
 * iso_free of its source's controller (arch/common/common.h).
 */
struct fdt_msi {
	LIST_ENTRY(fdt_msi)	 fm_link;
	fdt_node_t		 fm_node;
	int			(*fm_alloc)(void *, uint32_t,
				    struct cpu_info *, struct intr_handle *,
				    uint64_t *, uint32_t *);
	void			*fm_arg;
};
void	 fdt_msi_register(struct fdt_msi *);

#endif /* _DEV_FDT_FDTVAR_H_ */

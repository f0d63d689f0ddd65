/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _ARCH_COMMON_FDTMACH_H_
#define _ARCH_COMMON_FDTMACH_H_

/*
 * What machines that are described by a device tree share.  It provides of
 * sys/md.h: md_cnputc(), md_cnearly(), md_mainbus(),
 * md_pv_evidence(), md_entropy(), md_root_image(), md_msi_alloc(), md_bus_io,
 * and machdep_loader(), which is "FDT".
 */

#include <sys/device.h>

struct pv_evidence;

/* of what is at mainbus0 itself; the rest is in the tree */
struct mainbus_attach_args {
	const char	*ma_name;
};
int	mainbus_child_match(struct device *, const struct cfdata *,
	    const void *);

/*
 * Boot, in this order, before main():
 *
 * fdtmach_init: the tree is at blob, in the boot tables' direct map, where at
 *	most max bytes are mapped.  Sets the command line.  EINVAL: it is no
 *	tree; then the machine has nothing to go on.
 * fdtmach_memory: memory_init() with what the tree says.  delta, lo and hi as
 *	there.
 * fdtmach_console: the early console: the serial port of stdout-path, or the
 *	first that is known, or else fallback (NULL: none).
 */
int	fdtmach_init(const void *blob, size_t max);
void	fdtmach_memory(int64_t delta, paddr_t lo, paddr_t hi);
void	fdtmach_console(void (*fallback)(int));

/* the machine's: what firmware says of a hypervisor, as md_pv_evidence() */
int	machine_evidence(u_int, struct pv_evidence *);

#endif /* _ARCH_COMMON_FDTMACH_H_ */

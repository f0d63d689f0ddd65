/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SIM_FDTWALK_H_
#define _SIM_FDTWALK_H_

/* Asks everything that can be asked of a tree, whatever it says. */

#include <dev/fdt/fdt.h>

static inline void
fdtwalk_node(const struct fdt *f, fdt_node_t n)
{
	static const char *const paths[] = {
		"/", "/chosen", "/soc/uart", "serial0:115200", "/memory@0"
	};
	static const uint32_t unit[3] = { 0x800, 0, 0 }, pin = 1;
	struct fdt_interrupt fi;
	struct fdt_range fr;
	fdt_node_t other;
	uint64_t size, v;
	uint32_t c;
	paddr_t pa;
	u_int i;

	(void)fdt_name(f, n)[0];
	(void)fdt_child(f, n);
	(void)fdt_next(f, n);
	(void)fdt_parent(f, n);
	(void)fdt_enabled(f, n);
	(void)fdt_compatible(f, n, "virtio,mmio");
	(void)fdt_number(f, n, "linux,initrd-start", &v);
	(void)fdt_cell(f, n, "reg", 1, &c);
	for (i = 0; i < 20 && fdt_reg(f, n, i, &pa, &size) != ENOENT; i++)
		;
	for (i = 0; i < 20 && fdt_range(f, n, i, &fr) != ENOENT; i++)
		;
	for (i = 0; i < 20 && fdt_interrupt(f, n, i, &fi) != ENOENT; i++)
		;
	(void)fdt_interrupt_at(f, n, unit, 3, &pin, 1, &fi);
	(void)fdt_map_id(f, n, "msi-map", 0x108, &other, &c);
	for (i = 0; i < nitems(paths); i++)
		(void)fdt_find(f, paths[i]);
}

static inline void
fdtwalk(const struct fdt *f)
{
	struct memlist ml = { .ml_n = 0 };
	paddr_t start, end;
	fdt_node_t n;

	for (n = fdt_root(f); n != FDT_NONE; n = fdt_following(f, n))
		fdtwalk_node(f, n);
	(void)fdt_memory(f, &ml);
	(void)fdt_reserved(f, &ml);
	(void)fdt_initrd(f, &start, &end);
	(void)fdt_stdout(f);
	(void)fdt_phandle(f, 1);
	(void)fdt_compatible_find(f, FDT_NONE, "simple-bus");
}

#endif /* _SIM_FDTWALK_H_ */

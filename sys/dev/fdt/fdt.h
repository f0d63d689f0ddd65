/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_FDT_FDT_H_
#define _DEV_FDT_FDT_H_

/*
 * A flattened device tree (Devicetree Specification 0.4, chapters 2 and 5), as
 * a hypervisor or firmware hands it over.
 *
 * fdt_init() checks the structure of the whole tree once; then a node is an
 * offset that is known to be sound, and the other functions need no memory.
 * Thread context, one at a time: what a walk found last is remembered.  What
 * properties say is checked by the function that gives it a meaning.
 */

#include <sys/memlist.h>
#include <sys/types.h>

struct fdt {
	const u_char	*f_blob;
	uint32_t	 f_size;	/* totalsize */
	uint32_t	 f_struct, f_structsize;
	uint32_t	 f_strings, f_stringssize;
	uint32_t	 f_rsvmap;
};

typedef uint32_t fdt_node_t;
#define FDT_NONE	UINT32_MAX

#define FDT_MAXDEPTH	32
#define FDT_MAXCELLS	8	/* of an interrupt specifier or a unit address */

/*
 * fdt_init: at most max bytes can be read at blob.  EINVAL: that is no tree,
 *	or it is torn or of a version that we cannot read.  FDT_NOP is skipped
 *	everywhere.
 */
int		 fdt_init(struct fdt *, const void *blob, size_t max);

/*
 * Around the tree.  FDT_NONE: there is none.
 *
 * fdt_next: the next sibling.  fdt_following: the next node in the order of
 *	the tree, for a walk over all of them.
 * fdt_find: by path, "/soc/uart@0"; a part without its unit address matches
 *	the first such node; a path that does not begin with a slash begins
 *	with a name of /aliases.  What follows a colon is ignored.
 * fdt_phandle: by number.
 * fdt_compatible_find: the first node behind prev (FDT_NONE: from the root)
 *	that is enabled and compatible.
 */
fdt_node_t	 fdt_root(const struct fdt *);
fdt_node_t	 fdt_child(const struct fdt *, fdt_node_t);
fdt_node_t	 fdt_next(const struct fdt *, fdt_node_t);
fdt_node_t	 fdt_following(const struct fdt *, fdt_node_t);
fdt_node_t	 fdt_parent(const struct fdt *, fdt_node_t);
fdt_node_t	 fdt_find(const struct fdt *, const char *);
fdt_node_t	 fdt_phandle(const struct fdt *, uint32_t);
fdt_node_t	 fdt_compatible_find(const struct fdt *, fdt_node_t prev,
		    const char *);

/*
 * What a node says.
 *
 * fdt_name: "uart@0"; "" for the root.
 * fdt_prop: the bytes of a property, not aligned; NULL: there is none.
 * fdt_cell: the nth cell of a property; false: it is not that long.
 * fdt_number: a property of one or two cells, as a number; false: it is not.
 * fdt_string: the nth string of a property; NULL: there is none, or it is not
 *	terminated.
 * fdt_compatible: is that one of its "compatible" strings?
 * fdt_compatible_index: the first of n strings of a list that is one of them;
 *	n: none is.
 * fdt_enabled: "status" of it and all above it is absent, "okay" or "ok".
 */
const char	*fdt_name(const struct fdt *, fdt_node_t);
const u_char	*fdt_prop(const struct fdt *, fdt_node_t, const char *,
		    u_int *len);
bool		 fdt_cell(const struct fdt *, fdt_node_t, const char *, u_int,
		    uint32_t *);
bool		 fdt_number(const struct fdt *, fdt_node_t, const char *,
		    uint64_t *);
const char	*fdt_string(const struct fdt *, fdt_node_t, const char *,
		    u_int);
bool		 fdt_compatible(const struct fdt *, fdt_node_t, const char *);
u_int		 fdt_compatible_index(const struct fdt *, fdt_node_t,
		    const char *const *, u_int n);
bool		 fdt_enabled(const struct fdt *, fdt_node_t);

/*
 * Addresses (2.3.5 to 2.3.8).
 *
 * fdt_address_cells, fdt_size_cells: that count for the children of a node:
 *	2 and 1 where it does not say.
 * fdt_reg: the nth entry of "reg" as an address of the processor's, through
 *	the "ranges" of all above.  ENOENT: there are not as many; EINVAL: more
 *	bits than an address has, an overflow, cells that make no sense; ENXIO:
 *	some bus above has no window there.  On an error nothing is stored.
 *	Behind the last there is only ENOENT, even if the property is broken,
 *	so that one may count up to it; likewise below.
 * fdt_range: the nth entry of the "ranges" of a bus; the parent's address is
 *	translated as that of fdt_reg().  Errors likewise.  With three address
 *	cells (PCI) fr_child_hi is the first of them, else 0.
 */
struct fdt_range {
	uint32_t	fr_child_hi;
	uint64_t	fr_child;
	paddr_t		fr_parent;
	uint64_t	fr_size;
};
u_int		 fdt_address_cells(const struct fdt *, fdt_node_t);
u_int		 fdt_size_cells(const struct fdt *, fdt_node_t);
int		 fdt_reg(const struct fdt *, fdt_node_t, u_int, paddr_t *,
		    uint64_t *);
int		 fdt_range(const struct fdt *, fdt_node_t, u_int,
		    struct fdt_range *);

/*
 * Interrupts (2.4).
 *
 * fdt_interrupt: the nth of a node: "interrupts-extended", else "interrupts"
 *	at its interrupt parent, through the "interrupt-map" of every nexus on
 *	the way, to a node that is an "interrupt-controller".  ENOENT: there are
 *	not as many; ENXIO: the map of a nexus has no entry for it; EINVAL: the
 *	tree makes no sense (cells, a cycle).
 * fdt_interrupt_at: the same for a unit address and specifier of the caller's,
 *	which begin at a nexus: for PCI, whose functions are not in the tree.
 * fdt_map_id: through a property such as "msi-map" and its mask, "msi-map-mask"
 *	(Documentation of pci-msi and pci-iommu bindings): the node and the
 *	number there.  ENOENT: no entry has that id.
 */
struct fdt_interrupt {
	fdt_node_t	fi_controller;
	u_int		fi_ncells;
	uint32_t	fi_cell[FDT_MAXCELLS];
};
int		 fdt_interrupt(const struct fdt *, fdt_node_t, u_int,
		    struct fdt_interrupt *);
int		 fdt_interrupt_at(const struct fdt *, fdt_node_t nexus,
		    const uint32_t *unit, u_int nunit, const uint32_t *spec,
		    u_int nspec, struct fdt_interrupt *);
int		 fdt_map_id(const struct fdt *, fdt_node_t, const char *name,
		    uint32_t id, fdt_node_t *, uint32_t *);

/*
 * What a kernel asks first.
 *
 * fdt_memory: adds the "memory" nodes to a list.
 * fdt_reserved: removes from a list the reservation block and the "reg"s of
 *	/reserved-memory, rounded outwards to pages.
 *	Both: false if the list is full, or an entry could not be read; the
 *	others count.
 * fdt_initrd: of /chosen; ENOENT, or EINVAL if it has no bytes.
 * fdt_stdout: the node of /chosen's stdout-path (or linux,stdout-path);
 *	FDT_NONE.
 */
bool		 fdt_memory(const struct fdt *, struct memlist *);
bool		 fdt_reserved(const struct fdt *, struct memlist *);
int		 fdt_initrd(const struct fdt *, paddr_t *, paddr_t *);
fdt_node_t	 fdt_stdout(const struct fdt *);

#endif /* _DEV_FDT_FDT_H_ */

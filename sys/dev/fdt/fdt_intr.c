/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupts in a device tree: Devicetree Specification 0.4, 2.4.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/fdt/fdt.h>

#define MAXHOPS		16

static uint32_t
be32(const u_char *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static u_int
cells_of(const struct fdt *f, fdt_node_t n, const char *name)
{
	uint32_t v;

	return (fdt_cell(f, n, name, 0, &v) ? v : 0);
}

static bool
is_controller(const struct fdt *f, fdt_node_t n)
{
	return (fdt_prop(f, n, "interrupt-controller", NULL) != NULL);
}

/* 2.4.1: of the node itself, or of whoever is above it. */
static fdt_node_t
intr_parent(const struct fdt *f, fdt_node_t n)
{
	uint32_t phandle;

	for (; n != FDT_NONE; n = fdt_parent(f, n)) {
		if (fdt_cell(f, n, "interrupt-parent", 0, &phandle))
			return (fdt_phandle(f, phandle));
	}
	return (FDT_NONE);
}

/*
 * One entry of "interrupt-map" (2.4.3.1): the child's unit address and
 * specifier, the parent, its unit address and specifier.  An absent
 * #address-cells of an interrupt parent counts as none.
 */
struct mapentry {
	const u_char	*me_child, *me_spec;
	fdt_node_t	 me_parent;
	u_int		 me_nspec;
};

/* Where the entry at p ends, or NULL. */
static const u_char *
map_entry(const struct fdt *f, const u_char *p, const u_char *end,
    u_int nchild, struct mapentry *me)
{
	u_int ac;

	if ((size_t)(end - p) < (nchild + 1) * 4)
		return (NULL);
	me->me_child = p;
	p += nchild * 4;
	me->me_parent = fdt_phandle(f, be32(p));
	p += 4;
	if (me->me_parent == FDT_NONE)
		return (NULL);
	ac = cells_of(f, me->me_parent, "#address-cells");
	me->me_nspec = cells_of(f, me->me_parent, "#interrupt-cells");
	if (ac > FDT_MAXCELLS || me->me_nspec > FDT_MAXCELLS ||
	    (size_t)(end - p) < (ac + me->me_nspec) * 4)
		return (NULL);
	me->me_spec = p + ac * 4;
	return (me->me_spec + me->me_nspec * 4);
}

/* One step through a nexus: *fi as the nexus's parent has it. */
static int
nexus_step(const struct fdt *f, fdt_node_t nexus, const uint32_t *unit,
    u_int nunit, struct fdt_interrupt *fi)
{
	uint32_t key[2 * FDT_MAXCELLS];
	const u_char *map, *mask, *p, *end;
	struct mapentry me;
	u_int n = nunit + fi->fi_ncells, len, masklen, i;

	map = fdt_prop(f, nexus, "interrupt-map", &len);
	mask = fdt_prop(f, nexus, "interrupt-map-mask", &masklen);
	if (map == NULL || n > nitems(key) ||
	    nunit != cells_of(f, nexus, "#address-cells") ||
	    fi->fi_ncells != cells_of(f, nexus, "#interrupt-cells") ||
	    (mask != NULL && masklen < n * 4))
		return (EINVAL);
	for (i = 0; i < n; i++) {
		key[i] = i < nunit ? unit[i] : fi->fi_cell[i - nunit];
		if (mask != NULL)
			key[i] &= be32(mask + 4 * i);
	}
	for (p = map, end = map + len; p < end;) {
		if ((p = map_entry(f, p, end, n, &me)) == NULL)
			return (EINVAL);
		for (i = 0; i < n && be32(me.me_child + 4 * i) == key[i]; i++)
			;
		if (i < n)
			continue;
		fi->fi_controller = me.me_parent;
		fi->fi_ncells = me.me_nspec;
		for (i = 0; i < me.me_nspec; i++)
			fi->fi_cell[i] = be32(me.me_spec + 4 * i);
		return (0);
	}
	return (ENOENT);
}

/* From a specifier at fi_controller to the controller that it reaches. */
static int
resolve(const struct fdt *f, const uint32_t *unit, u_int nunit,
    struct fdt_interrupt *fi)
{
	u_int hops;
	int error;

	for (hops = 0; hops < MAXHOPS; hops++) {
		if (is_controller(f, fi->fi_controller))
			return (0);
		error = nexus_step(f, fi->fi_controller, unit, nunit, fi);
		if (error != 0)
			return (error);
		/* the entry said it; a nexus beyond wants no unit address */
		nunit = 0;
	}
	return (EINVAL);
}

int
fdt_interrupt_at(const struct fdt *f, fdt_node_t nexus, const uint32_t *unit,
    u_int nunit, const uint32_t *spec, u_int nspec, struct fdt_interrupt *fi)
{
	if (nspec > FDT_MAXCELLS || nunit > FDT_MAXCELLS)
		return (EINVAL);
	fi->fi_controller = nexus;
	fi->fi_ncells = nspec;
	memcpy(fi->fi_cell, spec, nspec * sizeof(*spec));
	return (resolve(f, unit, nunit, fi));
}

/* The unit address of a node: the first of "reg", as its bus has it. */
static u_int
unit_address(const struct fdt *f, fdt_node_t n, uint32_t *unit)
{
	fdt_node_t bus = fdt_parent(f, n);
	u_int nunit = bus == FDT_NONE ? 0 : fdt_address_cells(f, bus), i;

	for (i = 0; i < MIN(nunit, FDT_MAXCELLS); i++) {
		if (!fdt_cell(f, n, "reg", i, &unit[i]))
			return (0);
	}
	return (i);
}

static int
spec_copy(const u_char *p, u_int left, u_int cells, struct fdt_interrupt *fi)
{
	u_int i;

	if (cells == 0 || cells > FDT_MAXCELLS || cells * 4 > left)
		return (EINVAL);
	for (i = 0; i < cells; i++)
		fi->fi_cell[i] = be32(p + 4 * i);
	fi->fi_ncells = cells;
	return (0);
}

/* "interrupts-extended": a phandle before each specifier. */
static int
extended(const struct fdt *f, const u_char *p, u_int len, u_int i,
    struct fdt_interrupt *fi)
{
	u_int off = 0, cells;

	for (;; i--) {
		if (len - off < 4)
			return (ENOENT);
		fi->fi_controller = fdt_phandle(f, be32(p + off));
		if (fi->fi_controller == FDT_NONE)
			return (EINVAL);
		cells = cells_of(f, fi->fi_controller, "#interrupt-cells");
		off += 4;
		if (cells > FDT_MAXCELLS || cells * 4 > len - off)
			return (EINVAL);
		if (i == 0)
			return (spec_copy(p + off, len - off, cells, fi));
		off += cells * 4;
	}
}

int
fdt_interrupt(const struct fdt *f, fdt_node_t n, u_int i,
    struct fdt_interrupt *fi)
{
	uint32_t unit[FDT_MAXCELLS];
	const u_char *p;
	u_int len, cells;
	int error;

	if ((p = fdt_prop(f, n, "interrupts-extended", &len)) != NULL)
		error = extended(f, p, len, i, fi);
	else if ((p = fdt_prop(f, n, "interrupts", &len)) != NULL) {
		fi->fi_controller = intr_parent(f, n);
		if (fi->fi_controller == FDT_NONE)
			return (EINVAL);
		cells = cells_of(f, fi->fi_controller, "#interrupt-cells");
		if (cells == 0 || cells > FDT_MAXCELLS)
			return (EINVAL);
		if (i >= len / (4 * cells))
			return (ENOENT);
		error = spec_copy(p + i * 4 * cells, len - i * 4 * cells,
		    cells, fi);
	} else
		return (ENOENT);
	if (error != 0)
		return (error);
	return (resolve(f, unit, unit_address(f, n, unit), fi));
}

int
fdt_map_id(const struct fdt *f, fdt_node_t n, const char *name, uint32_t id,
    fdt_node_t *node, uint32_t *out)
{
	char maskname[32];
	const u_char *p;
	uint32_t mask, first, count;
	u_int len;

	if ((p = fdt_prop(f, n, name, &len)) == NULL)
		return (ENOENT);
	strlcpy(maskname, name, sizeof(maskname));
	strlcat(maskname, "-mask", sizeof(maskname));
	if (fdt_cell(f, n, maskname, 0, &mask))
		id &= mask;
	/* first id, controller, its first id, count */
	for (; len >= 16; len -= 16, p += 16) {
		first = be32(p);
		count = be32(p + 12);
		if (id < first || id - first >= count)
			continue;
		*node = fdt_phandle(f, be32(p + 4));
		*out = be32(p + 8) + (id - first);
		return (*node == FDT_NONE ? EINVAL : 0);
	}
	return (ENOENT);
}

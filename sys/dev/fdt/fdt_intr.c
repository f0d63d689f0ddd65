/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupts in a device tree: Devicetree Specification 0.4, 2.4; numbers in
 * comments are its sections.  And the maps of identifiers that are like them.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/fdt/fdt.h>

/* bounds what goes round in a circle */
#define MAXNEXUS	16
#define MAXPARENTS	(2 * FDT_MAXDEPTH)

static uint32_t
be32(const u_char *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static void
cells_copy(uint32_t *to, const u_char *p, u_int n)
{
	u_int i;

	for (i = 0; i < n; i++)
		to[i] = be32(p + 4 * i);
}

static bool
is_controller(const struct fdt *f, fdt_node_t n)
{
	return (fdt_prop(f, n, "interrupt-controller", NULL) != NULL);
}

/* 2.4.2: false if it has none, or more than we can hold. */
static bool
interrupt_cells(const struct fdt *f, fdt_node_t n, u_int *cells)
{
	uint32_t v;

	if (!fdt_cell(f, n, "#interrupt-cells", 0, &v) || v == 0 ||
	    v > FDT_MAXCELLS)
		return (false);
	*cells = v;
	return (true);
}

/*
 * The cells of a unit address where a node is an interrupt parent.  Here an
 * absent #address-cells is 0, not 2 as for reg (2.3.5): trees in use have
 * nothing in their maps for controllers that do not say.
 */
static bool
unit_cells(const struct fdt *f, fdt_node_t n, u_int *cells)
{
	uint32_t v = 0;

	(void)fdt_cell(f, n, "#address-cells", 0, &v);
	*cells = v;
	return (v <= FDT_MAXCELLS);
}

/*
 * 2.4.1: where "interrupt-parent" points, else the parent in the tree; if
 * that has nothing to do with interrupts, on from there.
 */
static fdt_node_t
intr_parent(const struct fdt *f, fdt_node_t n)
{
	uint32_t phandle;
	u_int i;

	for (i = 0; i < MAXPARENTS; i++) {
		if (fdt_cell(f, n, "interrupt-parent", 0, &phandle))
			n = fdt_phandle(f, phandle);
		else
			n = fdt_parent(f, n);
		if (n == FDT_NONE ||
		    fdt_prop(f, n, "#interrupt-cells", NULL) != NULL)
			return (n);
	}
	return (FDT_NONE);
}

/* --- interrupt-map ----------------------------------------------------- */

/* A unit address and a specifier, as the node has it that they are for. */
struct intr {
	fdt_node_t	in_node;
	uint32_t	in_unit[FDT_MAXCELLS];
	uint32_t	in_spec[FDT_MAXCELLS];
	u_int		in_nunit, in_nspec;
};

/* One entry of a map (2.4.3.1); the parent is kept for the next of them. */
struct mapentry {
	const u_char	*me_child;	/* unit address, specifier */
	const u_char	*me_parent;	/* likewise */
	uint32_t	 me_phandle;
	fdt_node_t	 me_node;
	u_int		 me_nunit, me_nspec;
};

/* Behind the entry at p, or NULL: it is not sound. */
static const u_char *
map_entry(const struct fdt *f, const u_char *p, const u_char *end,
    u_int nchild, struct mapentry *me)
{
	uint32_t phandle;

	if ((size_t)(end - p) < 4 * (nchild + 1))
		return (NULL);
	me->me_child = p;
	p += 4 * nchild;
	phandle = be32(p);
	p += 4;
	if (me->me_node == FDT_NONE || phandle != me->me_phandle) {
		me->me_phandle = phandle;
		me->me_node = fdt_phandle(f, phandle);
		if (me->me_node == FDT_NONE ||
		    !unit_cells(f, me->me_node, &me->me_nunit) ||
		    !interrupt_cells(f, me->me_node, &me->me_nspec))
			return (NULL);
	}
	if ((size_t)(end - p) < 4 * (me->me_nunit + me->me_nspec))
		return (NULL);
	me->me_parent = p;
	return (p + 4 * (me->me_nunit + me->me_nspec));
}

/*
 * The mask is for what we look up; that entries have no other bits either is
 * not always so.
 */
static bool
map_matches(const u_char *entry, const u_char *mask, const uint32_t *key,
    u_int n)
{
	uint32_t bits;
	u_int i;

	for (i = 0; i < n; i++) {
		bits = mask == NULL ? UINT32_MAX : be32(mask + 4 * i);
		if (((be32(entry + 4 * i) ^ key[i]) & bits) != 0)
			return (false);
	}
	return (true);
}

/* Through one nexus (2.4.3): *in as the next node has it. */
static int
nexus_step(const struct fdt *f, struct intr *in)
{
	uint32_t key[2 * FDT_MAXCELLS];
	const u_char *p, *mask, *end;
	struct mapentry me = { .me_node = FDT_NONE };
	u_int n = in->in_nunit + in->in_nspec, len, masklen;

	p = fdt_prop(f, in->in_node, "interrupt-map", &len);
	mask = fdt_prop(f, in->in_node, "interrupt-map-mask", &masklen);
	if (p == NULL || (mask != NULL && masklen < 4 * n))
		return (EINVAL);
	memcpy(key, in->in_unit, 4 * in->in_nunit);
	memcpy(key + in->in_nunit, in->in_spec, 4 * in->in_nspec);
	for (end = p + len; p < end;) {
		if ((p = map_entry(f, p, end, n, &me)) == NULL)
			return (EINVAL);
		if (!map_matches(me.me_child, mask, key, n))
			continue;
		in->in_node = me.me_node;
		in->in_nunit = me.me_nunit;
		in->in_nspec = me.me_nspec;
		cells_copy(in->in_unit, me.me_parent, me.me_nunit);
		cells_copy(in->in_spec, me.me_parent + 4 * me.me_nunit,
		    me.me_nspec);
		return (0);
	}
	return (ENXIO);
}

/* To the controller.  One with a map of its own stays a controller. */
static int
resolve(const struct fdt *f, struct intr *in, struct fdt_interrupt *fi)
{
	u_int i;
	int error;

	for (i = 0; !is_controller(f, in->in_node); i++) {
		if (i == MAXNEXUS)
			return (EINVAL);
		if ((error = nexus_step(f, in)) != 0)
			return (error);
	}
	fi->fi_controller = in->in_node;
	fi->fi_ncells = in->in_nspec;
	memcpy(fi->fi_cell, in->in_spec, 4 * in->in_nspec);
	return (0);
}

int
fdt_interrupt_at(const struct fdt *f, fdt_node_t nexus, const uint32_t *unit,
    u_int nunit, const uint32_t *spec, u_int nspec, struct fdt_interrupt *fi)
{
	struct intr in = { .in_node = nexus };

	if (!unit_cells(f, nexus, &in.in_nunit) ||
	    !interrupt_cells(f, nexus, &in.in_nspec) ||
	    in.in_nspec != nspec ||
	    (in.in_nunit != nunit && !is_controller(f, nexus)))
		return (EINVAL);
	memcpy(in.in_unit, unit, 4 * MIN(nunit, in.in_nunit));
	memcpy(in.in_spec, spec, 4 * nspec);
	return (resolve(f, &in, fi));
}

/* --- interrupts of a node ---------------------------------------------- */

/*
 * An interrupt that makes no sense is the last of its list: EINVAL, and for
 * those behind it ENOENT.
 */

/* "interrupts" (2.4.1.1): specifiers for one parent. */
static int
plain(const struct fdt *f, fdt_node_t n, u_int i, struct intr *in)
{
	const u_char *p;
	u_int len;

	if ((p = fdt_prop(f, n, "interrupts", &len)) == NULL)
		return (ENOENT);
	in->in_node = intr_parent(f, n);
	if (in->in_node == FDT_NONE ||
	    !interrupt_cells(f, in->in_node, &in->in_nspec) ||
	    len % (4 * in->in_nspec) != 0)
		return (i == 0 ? EINVAL : ENOENT);
	if (i >= len / (4 * in->in_nspec))
		return (ENOENT);
	cells_copy(in->in_spec, p + 4 * i * in->in_nspec, in->in_nspec);
	return (0);
}

/* "interrupts-extended" (2.4.1.3): before each specifier its parent. */
static int
extended(const struct fdt *f, const u_char *p, u_int len, u_int i,
    struct intr *in)
{
	uint32_t phandle, last = 0;
	u_int n;

	for (;; i--) {
		if (len == 0)
			return (ENOENT);
		if (len < 4)
			break;
		phandle = be32(p);
		if (phandle != last || last == 0) {
			last = phandle;
			in->in_node = fdt_phandle(f, phandle);
			if (in->in_node == FDT_NONE ||
			    !interrupt_cells(f, in->in_node, &in->in_nspec))
				break;
		}
		n = 4 * (1 + in->in_nspec);
		if (len < n)
			break;
		if (i == 0) {
			cells_copy(in->in_spec, p + 4, in->in_nspec);
			return (0);
		}
		p += n;
		len -= n;
	}
	return (i == 0 ? EINVAL : ENOENT);
}

int
fdt_interrupt(const struct fdt *f, fdt_node_t n, u_int i,
    struct fdt_interrupt *fi)
{
	struct intr in = { .in_node = FDT_NONE };
	const u_char *p;
	u_int len, k;
	int error;

	if ((p = fdt_prop(f, n, "interrupts-extended", &len)) != NULL)
		error = extended(f, p, len, i, &in);
	else
		error = plain(f, n, i, &in);
	if (error != 0)
		return (error);
	if (!unit_cells(f, in.in_node, &in.in_nunit))
		return (EINVAL);
	/*
	 * The unit address begins "reg".  The nexus counts its cells, which
	 * may be of another bus than the node; then the mask takes them out.
	 */
	for (k = 0; k < in.in_nunit; k++)
		(void)fdt_cell(f, n, "reg", k, &in.in_unit[k]);
	return (resolve(f, &in, fi));
}

/* --- maps of identifiers ----------------------------------------------- */

/* Entries of four cells: first id, controller, first id there, how many. */
int
fdt_map_id(const struct fdt *f, fdt_node_t n, const char *name, uint32_t id,
    fdt_node_t *node, uint32_t *out)
{
	char maskname[32];
	const u_char *p;
	uint32_t mask, off;
	u_int len;

	if ((p = fdt_prop(f, n, name, &len)) == NULL)
		return (ENOENT);
	strlcpy(maskname, name, sizeof(maskname));
	if (strlcat(maskname, "-mask", sizeof(maskname)) >= sizeof(maskname) ||
	    len % 16 != 0)
		return (EINVAL);
	if (fdt_cell(f, n, maskname, 0, &mask))
		id &= mask;
	for (; len > 0; len -= 16, p += 16) {
		off = id - be32(p);
		if (id < be32(p) || off >= be32(p + 12))
			continue;
		*node = fdt_phandle(f, be32(p + 4));
		*out = be32(p + 8) + off;
		return (*node == FDT_NONE || *out < off ? EINVAL : 0);
	}
	return (ENOENT);
}

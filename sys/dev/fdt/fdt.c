/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A flattened device tree: its structure, properties and addresses.
 * Devicetree Specification 0.4.
 */

#include <sys/errno.h>
#include <sys/param.h>
#include <sys/systm.h>

#include <dev/fdt/fdt.h>

/* header, 5.2: numbers of 32 bits, big-endian */
#define H_MAGIC		0
#define H_TOTALSIZE	4
#define H_OFF_STRUCT	8
#define H_OFF_STRINGS	12
#define H_OFF_RSVMAP	16
#define H_VERSION	20
#define H_LASTCOMP	24
#define H_SIZE_STRINGS	32
#define H_SIZE_STRUCT	36		/* from version 17 on */
#define H_SIZE		40
#define FDT_MAGIC	0xd00dfeed

/* tokens, 5.4.1 */
#define T_BEGIN		1
#define T_END		2
#define T_PROP		3
#define T_NOP		4
#define T_LAST		9

static uint32_t
be32(const u_char *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static uint32_t
token(const struct fdt *f, uint32_t off)
{
	return (be32(f->f_blob + f->f_struct + off));
}

/* Behind the token at off, which fdt_init() has found sound. */
static uint32_t
skip(const struct fdt *f, uint32_t off)
{
	const char *p = (const char *)f->f_blob + f->f_struct + off + 4;

	switch (token(f, off)) {
	case T_BEGIN:
		return (off + 4 + roundup2(strlen(p) + 1, 4));
	case T_PROP:
		return (off + 12 + roundup2(token(f, off + 4), 4));
	default:
		return (off + 4);
	}
}

/* --- structure --------------------------------------------------------------------------- */

/* The token at off as it is found: behind it, or 0. */
static uint32_t
check_token(const struct fdt *f, uint32_t off)
{
	const char *p = (const char *)f->f_blob + f->f_struct;
	uint32_t left = f->f_structsize - off, len, name;
	const char *nul;

	switch (token(f, off)) {
	case T_BEGIN:
		nul = memchr(p + off + 4, '\0', left - 4);
		return (nul == NULL ? 0 : roundup2(nul + 1 - p, 4));
	case T_PROP:
		if (left < 12)
			return (0);
		len = token(f, off + 4);
		name = token(f, off + 8);
		if (len > left - 12 || name >= f->f_stringssize ||
		    memchr(f->f_blob + f->f_strings + name, '\0',
		    f->f_stringssize - name) == NULL)
			return (0);
		return (off + 12 + roundup2(len, 4));
	case T_END:
	case T_NOP:
	case T_LAST:
		return (off + 4);
	default:
		return (0);
	}
}

static bool
check_structure(const struct fdt *f)
{
	uint32_t off = 0, next;
	u_int depth = 0, roots = 0;

	for (;; off = next) {
		if (f->f_structsize - off < 4 ||
		    (next = check_token(f, off)) == 0 ||
		    next > f->f_structsize)
			return (false);
		switch (token(f, off)) {
		case T_BEGIN:
			if ((depth == 0 && ++roots > 1) ||
			    ++depth > FDT_MAXDEPTH)
				return (false);
			break;
		case T_END:
			if (depth-- == 0)
				return (false);
			break;
		case T_PROP:
			if (depth == 0)
				return (false);
			break;
		case T_LAST:
			return (depth == 0 && roots == 1);
		}
	}
}

static bool
check_rsvmap(const struct fdt *f)
{
	uint32_t off;

	for (off = f->f_rsvmap; off < f->f_size && f->f_size - off >= 16;
	    off += 16) {
		if (be32(f->f_blob + off + 8) == 0 &&
		    be32(f->f_blob + off + 12) == 0)
			return (true);
	}
	return (false);
}

int
fdt_init(struct fdt *f, const void *blob, size_t max)
{
	const u_char *p = blob;
	struct fdt new = { .f_blob = blob };

	memset(f, 0, sizeof(*f));
	if (max < H_SIZE || be32(p + H_MAGIC) != FDT_MAGIC ||
	    be32(p + H_LASTCOMP) > 17 || be32(p + H_VERSION) < 16)
		return (EINVAL);
	new.f_size = be32(p + H_TOTALSIZE);
	new.f_struct = be32(p + H_OFF_STRUCT);
	new.f_strings = be32(p + H_OFF_STRINGS);
	new.f_rsvmap = be32(p + H_OFF_RSVMAP);
	new.f_stringssize = be32(p + H_SIZE_STRINGS);
	if (new.f_size > max || new.f_size < H_SIZE ||
	    new.f_struct > new.f_size || new.f_struct % 4 != 0 ||
	    new.f_strings > new.f_size || new.f_rsvmap % 8 != 0 ||
	    new.f_stringssize > new.f_size - new.f_strings)
		return (EINVAL);
	new.f_structsize = be32(p + H_VERSION) >= 17 ?
	    be32(p + H_SIZE_STRUCT) : new.f_size - new.f_struct;
	if (new.f_structsize > new.f_size - new.f_struct ||
	    !check_rsvmap(&new) || !check_structure(&new))
		return (EINVAL);
	*f = new;
	return (0);
}

/* --- around the tree --------------------------------------------------------------------- */

/* The next beginning or end of a node from off on, or the last token. */
static uint32_t
next_bound(const struct fdt *f, uint32_t off)
{
	uint32_t t;

	for (;; off = skip(f, off)) {
		t = token(f, off);
		if (t == T_BEGIN || t == T_END || t == T_LAST)
			return (off);
	}
}

fdt_node_t
fdt_root(const struct fdt *f)
{
	return (f->f_blob == NULL ? FDT_NONE : next_bound(f, 0));
}

fdt_node_t
fdt_child(const struct fdt *f, fdt_node_t n)
{
	uint32_t off = next_bound(f, skip(f, n));

	return (token(f, off) == T_BEGIN ? off : FDT_NONE);
}

fdt_node_t
fdt_next(const struct fdt *f, fdt_node_t n)
{
	uint32_t off = n;
	u_int depth = 0;

	do {
		depth += token(f, off) == T_BEGIN ? 1 : -1;
		off = next_bound(f, skip(f, off));
	} while (depth > 0);
	return (token(f, off) == T_BEGIN ? off : FDT_NONE);
}

fdt_node_t
fdt_following(const struct fdt *f, fdt_node_t n)
{
	uint32_t off = next_bound(f, skip(f, n));

	while (token(f, off) == T_END)
		off = next_bound(f, skip(f, off));
	return (token(f, off) == T_BEGIN ? off : FDT_NONE);
}

fdt_node_t
fdt_parent(const struct fdt *f, fdt_node_t n)
{
	fdt_node_t path[FDT_MAXDEPTH];
	uint32_t off;
	u_int depth = 0;

	for (off = fdt_root(f); off != n; off = next_bound(f, skip(f, off))) {
		if (token(f, off) == T_BEGIN)
			path[depth++] = off;
		else
			depth--;
	}
	return (depth == 0 ? FDT_NONE : path[depth - 1]);
}

const char *
fdt_name(const struct fdt *f, fdt_node_t n)
{
	return ((const char *)f->f_blob + f->f_struct + n + 4);
}

static fdt_node_t
child_named(const struct fdt *f, fdt_node_t n, const char *name, size_t len)
{
	bool unit = memchr(name, '@', len) != NULL;
	const char *s;
	fdt_node_t c;

	for (c = fdt_child(f, n); c != FDT_NONE; c = fdt_next(f, c)) {
		s = fdt_name(f, c);
		if (strncmp(s, name, len) == 0 &&
		    (s[len] == '\0' || (!unit && s[len] == '@')))
			return (c);
	}
	return (FDT_NONE);
}

static size_t
part_length(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0' && s[n] != '/' && s[n] != ':')
		n++;
	return (n);
}

static const char *
alias(const struct fdt *f, const char *name, size_t len)
{
	fdt_node_t aliases = child_named(f, fdt_root(f), "aliases", 7);
	char buf[32];

	if (aliases == FDT_NONE || len >= sizeof(buf))
		return (NULL);
	memcpy(buf, name, len);
	buf[len] = '\0';
	return (fdt_string(f, aliases, buf, 0));
}

fdt_node_t
fdt_find(const struct fdt *f, const char *path)
{
	fdt_node_t n = fdt_root(f);
	const char *start;
	size_t len;

	if (n != FDT_NONE && *path != '/') {
		len = part_length(path);
		start = alias(f, path, len);
		if (start == NULL || *start != '/')
			return (FDT_NONE);
		n = fdt_find(f, start);
		path += len;
	}
	while (n != FDT_NONE && *path != '\0' && *path != ':') {
		while (*path == '/')
			path++;
		if ((len = part_length(path)) != 0)
			n = child_named(f, n, path, len);
		path += len;
	}
	return (n);
}

fdt_node_t
fdt_phandle(const struct fdt *f, uint32_t phandle)
{
	fdt_node_t n;
	uint32_t v;

	for (n = fdt_root(f); n != FDT_NONE; n = fdt_following(f, n)) {
		if ((fdt_cell(f, n, "phandle", 0, &v) ||
		    fdt_cell(f, n, "linux,phandle", 0, &v)) && v == phandle)
			return (n);
	}
	return (FDT_NONE);
}

fdt_node_t
fdt_compatible_find(const struct fdt *f, fdt_node_t prev, const char *s)
{
	fdt_node_t n = prev == FDT_NONE ? fdt_root(f) : fdt_following(f, prev);

	for (; n != FDT_NONE; n = fdt_following(f, n)) {
		if (fdt_compatible(f, n, s) && fdt_enabled(f, n))
			return (n);
	}
	return (FDT_NONE);
}

/* --- properties ------------------------------------------------------------------------------ */

const u_char *
fdt_prop(const struct fdt *f, fdt_node_t n, const char *name, u_int *len)
{
	const char *strings = (const char *)f->f_blob + f->f_strings;
	uint32_t off, t;

	for (off = skip(f, n);; off = skip(f, off)) {
		t = token(f, off);
		if (t == T_BEGIN || t == T_END || t == T_LAST)
			return (NULL);
		if (t == T_PROP &&
		    strcmp(strings + token(f, off + 8), name) == 0)
			break;
	}
	if (len != NULL)
		*len = token(f, off + 4);
	return (f->f_blob + f->f_struct + off + 12);
}

bool
fdt_cell(const struct fdt *f, fdt_node_t n, const char *name, u_int i,
    uint32_t *v)
{
	const u_char *p;
	u_int len;

	if ((p = fdt_prop(f, n, name, &len)) == NULL || i >= len / 4)
		return (false);
	*v = be32(p + 4 * i);
	return (true);
}

bool
fdt_number(const struct fdt *f, fdt_node_t n, const char *name, uint64_t *v)
{
	const u_char *p;
	u_int len;

	if ((p = fdt_prop(f, n, name, &len)) == NULL ||
	    (len != 4 && len != 8))
		return (false);
	*v = be32(p);
	if (len == 8)
		*v = *v << 32 | be32(p + 4);
	return (true);
}

const char *
fdt_string(const struct fdt *f, fdt_node_t n, const char *name, u_int i)
{
	const char *p, *nul;
	u_int len;

	if ((p = (const char *)fdt_prop(f, n, name, &len)) == NULL)
		return (NULL);
	for (; (nul = memchr(p, '\0', len)) != NULL; p = nul + 1, i--) {
		if (i == 0)
			return (p);
		len -= nul + 1 - p;
	}
	return (NULL);
}

bool
fdt_compatible(const struct fdt *f, fdt_node_t n, const char *want)
{
	const char *s;
	u_int i;

	for (i = 0; (s = fdt_string(f, n, "compatible", i)) != NULL; i++) {
		if (strcmp(s, want) == 0)
			return (true);
	}
	return (false);
}

bool
fdt_enabled(const struct fdt *f, fdt_node_t n)
{
	const char *s;

	for (; n != FDT_NONE; n = fdt_parent(f, n)) {
		if (fdt_prop(f, n, "status", NULL) == NULL)
			continue;
		s = fdt_string(f, n, "status", 0);
		if (s == NULL || (strcmp(s, "okay") != 0 &&
		    strcmp(s, "ok") != 0))
			return (false);
	}
	return (true);
}

/* --- addresses --------------------------------------------------------------------------------- */

static u_int
cells_of(const struct fdt *f, fdt_node_t n, const char *name, u_int absent)
{
	uint32_t v;

	return (n != FDT_NONE && fdt_cell(f, n, name, 0, &v) ? v : absent);
}

u_int
fdt_address_cells(const struct fdt *f, fdt_node_t n)
{
	return (cells_of(f, n, "#address-cells", 2));
}

u_int
fdt_size_cells(const struct fdt *f, fdt_node_t n)
{
	return (cells_of(f, n, "#size-cells", 1));
}

/*
 * A number of some cells; of three the first says what space it is in (PCI),
 * and goes to *hi.  EINVAL: more than there can be.
 */
static int
number(const u_char *p, u_int cells, uint32_t *hi, uint64_t *v)
{
	*hi = 0;
	*v = 0;
	if (cells > 3)
		return (EINVAL);
	if (cells == 3) {
		*hi = be32(p);
		p += 4;
		cells--;
	}
	for (; cells > 0; cells--, p += 4)
		*v = *v << 32 | be32(p);
	return (0);
}

/* Entry i of "ranges": child's address, this bus's address, size. */
static int
range_entry(const struct fdt *f, fdt_node_t bus, u_int i, uint32_t *hi,
    uint64_t *child, uint64_t *parent, uint64_t *size)
{
	u_int ac = fdt_address_cells(f, bus), sc = fdt_size_cells(f, bus);
	u_int pac = fdt_address_cells(f, fdt_parent(f, bus)), len, entry;
	const u_char *p;
	uint32_t none;

	if ((p = fdt_prop(f, bus, "ranges", &len)) == NULL)
		return (ENOENT);
	if (ac == 0 || ac > 3 || pac == 0 || pac > 3 || sc == 0 || sc > 2)
		return (EINVAL);
	entry = (ac + pac + sc) * 4;
	if (i >= len / entry)
		return (ENOENT);
	p += i * entry;
	(void)number(p, ac, hi, child);
	(void)number(p + ac * 4, pac, &none, parent);
	(void)number(p + (ac + pac) * 4, sc, &none, size);
	if (*child + *size < *child || *parent + *size < *parent)
		return (EINVAL);
	return (0);
}

/* An address on a bus as one of the processor's. */
static int
translate(const struct fdt *f, fdt_node_t bus, uint32_t hi, uint64_t *addr,
    uint64_t size)
{
	uint64_t child, parent, span;
	uint32_t rhi;
	u_int i, len;
	int error;

	/* the root's children have the processor's addresses */
	for (; fdt_parent(f, bus) != FDT_NONE; bus = fdt_parent(f, bus)) {
		if (fdt_prop(f, bus, "ranges", &len) == NULL)
			return (ENXIO);
		if (len == 0)
			continue;
		for (i = 0; (error = range_entry(f, bus, i, &rhi, &child,
		    &parent, &span)) != ENOENT; i++) {
			if (error == 0 && (rhi >> 24 & 3) == (hi >> 24 & 3) &&
			    *addr >= child && *addr - child < span &&
			    size <= span - (*addr - child))
				break;
		}
		if (error == ENOENT)
			return (ENXIO);
		*addr = parent + (*addr - child);
		hi = 0;
	}
	return (0);
}

int
fdt_reg(const struct fdt *f, fdt_node_t n, u_int i, paddr_t *addr,
    uint64_t *size)
{
	fdt_node_t bus = fdt_parent(f, n);
	u_int ac = fdt_address_cells(f, bus), sc = fdt_size_cells(f, bus);
	u_int len, entry;
	const u_char *p;
	uint32_t hi, none;

	if (bus == FDT_NONE || (p = fdt_prop(f, n, "reg", &len)) == NULL)
		return (ENOENT);
	if (ac == 0 || ac > 3 || sc > 2)
		return (EINVAL);
	entry = (ac + sc) * 4;
	if (i >= len / entry)
		return (ENOENT);
	p += i * entry;
	(void)number(p, ac, &hi, addr);
	(void)number(p + ac * 4, sc, &none, size);
	if (*addr + *size < *addr)
		return (EINVAL);
	return (translate(f, bus, hi, addr, *size));
}

int
fdt_range(const struct fdt *f, fdt_node_t bus, u_int i, struct fdt_range *fr)
{
	uint64_t parent;
	int error;

	error = range_entry(f, bus, i, &fr->fr_child_hi, &fr->fr_child,
	    &parent, &fr->fr_size);
	if (error == 0)
		error = translate(f, fdt_parent(f, bus), 0, &parent,
		    fr->fr_size);
	fr->fr_parent = parent;
	return (error);
}

/* --- what a kernel asks first -------------------------------------------------------------- */

bool
fdt_memory(const struct fdt *f, struct memlist *ml)
{
	fdt_node_t n;
	uint64_t size;
	paddr_t pa;
	const char *s;
	bool whole = true;
	u_int i;
	int error;

	for (n = fdt_child(f, fdt_root(f)); n != FDT_NONE; n = fdt_next(f, n)) {
		s = fdt_string(f, n, "device_type", 0);
		if (s == NULL || strcmp(s, "memory") != 0 ||
		    !fdt_enabled(f, n))
			continue;
		for (i = 0; (error = fdt_reg(f, n, i, &pa, &size)) !=
		    ENOENT; i++) {
			if (error == 0 && size != 0)
				whole &= memlist_add(ml, pa, pa + size);
			else if (error != 0)
				whole = false;
			if (error == EINVAL && fdt_address_cells(f,
			    fdt_root(f)) > 3)
				break;
		}
	}
	return (whole);
}

static bool
reserve(struct memlist *ml, uint64_t addr, uint64_t size)
{
	if (addr + size < addr)
		return (false);
	return (memlist_remove(ml, trunc_page(addr),
	    round_page(addr + size)));
}

bool
fdt_reserved(const struct fdt *f, struct memlist *ml)
{
	fdt_node_t top = fdt_find(f, "/reserved-memory"), n;
	uint64_t addr, size;
	uint32_t off, none;
	bool whole = true;
	u_int i;
	int error;

	for (off = f->f_rsvmap;; off += 16) {
		(void)number(f->f_blob + off, 2, &none, &addr);
		(void)number(f->f_blob + off + 8, 2, &none, &size);
		if (addr == 0 && size == 0)
			break;
		whole &= reserve(ml, addr, size);
	}
	if (top == FDT_NONE)
		return (whole);
	for (n = fdt_child(f, top); n != FDT_NONE; n = fdt_next(f, n)) {
		for (i = 0; (error = fdt_reg(f, n, i, &addr, &size)) == 0; i++)
			whole &= reserve(ml, addr, size);
		whole &= error == ENOENT;
	}
	return (whole);
}

int
fdt_initrd(const struct fdt *f, paddr_t *start, paddr_t *end)
{
	fdt_node_t n = fdt_find(f, "/chosen");

	if (n == FDT_NONE || !fdt_number(f, n, "linux,initrd-start", start) ||
	    !fdt_number(f, n, "linux,initrd-end", end))
		return (ENOENT);
	return (*end > *start ? 0 : EINVAL);
}

fdt_node_t
fdt_stdout(const struct fdt *f)
{
	fdt_node_t n = fdt_find(f, "/chosen");
	const char *s;

	if (n == FDT_NONE)
		return (FDT_NONE);
	if ((s = fdt_string(f, n, "stdout-path", 0)) == NULL)
		s = fdt_string(f, n, "linux,stdout-path", 0);
	return (s == NULL ? FDT_NONE : fdt_find(f, s));
}

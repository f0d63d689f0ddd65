/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A flattened device tree: its structure, properties and addresses.
 * Devicetree Specification 0.4; numbers in comments are its sections.
 *
 * The blob need not be aligned, and is read byte by byte.  Nothing recurses
 * by what the tree says, and a call costs one walk over the tree or few.
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
#define H_SIZE_16	36
#define H_SIZE		40
#define FDT_MAGIC	0xd00dfeed

/* tokens, 5.4.1 */
#define T_BEGIN		1		/* name */
#define T_END		2
#define T_PROP		3		/* length, offset of the name, value */
#define T_NOP		4
#define T_LAST		9

#define MAXALIAS	31		/* 3.3 */

/* A node and all above it, the root first. */
struct path {
	fdt_node_t	p_node[FDT_MAXDEPTH];
	u_int		p_n;
};

/*
 * Who walks over the tree asks for one node after another, and the way begins
 * where it ended last.
 */
static struct {
	const u_char	*l_blob;
	fdt_node_t	 l_node;
	struct path	 l_path;
} last;

static uint32_t
be32(const u_char *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return (_BYTE_ORDER == _BIG_ENDIAN ? v : __builtin_bswap32(v));
}

static uint64_t
be64(const u_char *p)
{
	return ((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* The number at off of the structure block. */
static uint32_t
token(const struct fdt *f, uint32_t off)
{
	return (be32(f->f_blob + f->f_struct + off));
}

/* Is one of these four bytes zero?  What fills up a name may be anything. */
static bool
has_zero(const u_char *p)
{
	return (p[3] == 0 || p[2] == 0 || p[1] == 0 || p[0] == 0);
}

/* Behind the token at off, which fdt_init() has found sound. */
static uint32_t
skip(const struct fdt *f, uint32_t off)
{
	const u_char *p = f->f_blob + f->f_struct;

	switch (token(f, off)) {
	case T_BEGIN:
		for (off += 4; !has_zero(p + off); off += 4)
			;
		return (off + 4);
	case T_PROP:
		return (off + 12 + roundup2(token(f, off + 4), 4));
	default:
		return (off + 4);
	}
}

/* --- structure ------------------------------------------------------------ */

/* Behind the token at off, where four bytes are; 0: it makes no sense. */
static uint32_t
check_token(const struct fdt *f, uint32_t off)
{
	const char *p = (const char *)f->f_blob + f->f_struct;
	uint32_t left = f->f_structsize - off, len;
	const char *nul;

	switch (token(f, off)) {
	case T_BEGIN:
		nul = memchr(p + off + 4, '\0', left - 4);
		return (nul == NULL ? 0 : roundup2(nul + 1 - p, 4));
	case T_PROP:
		if (left < 12)
			return (0);
		len = token(f, off + 4);
		if (len > left - 12 || token(f, off + 8) >= f->f_stringssize)
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

/* 5.4.2 wants properties before subnodes; one behind is never found. */
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

/* The reservations end with one of address and size 0 (5.3.2). */
static bool
check_rsvmap(const struct fdt *f)
{
	uint32_t off;

	for (off = f->f_rsvmap; off < f->f_size && f->f_size - off >= 16;
	    off += 16) {
		if (be64(f->f_blob + off) == 0 &&
		    be64(f->f_blob + off + 8) == 0)
			return (true);
	}
	return (false);
}

/* What is behind the last NUL is no string: then none is not terminated. */
static void
cut_strings(struct fdt *f)
{
	while (f->f_stringssize > 0 &&
	    f->f_blob[f->f_strings + f->f_stringssize - 1] != '\0')
		f->f_stringssize--;
}

int
fdt_init(struct fdt *f, const void *blob, size_t max)
{
	const u_char *p = blob;
	struct fdt new = { .f_blob = blob };
	uint32_t version;

	last.l_blob = NULL;
	memset(f, 0, sizeof(*f));
	if (max < H_SIZE_16 || be32(p + H_MAGIC) != FDT_MAGIC)
		return (EINVAL);
	version = be32(p + H_VERSION);
	new.f_size = be32(p + H_TOTALSIZE);
	if (version < 16 || be32(p + H_LASTCOMP) > 17 || new.f_size > max ||
	    new.f_size < (version == 16 ? H_SIZE_16 : H_SIZE))
		return (EINVAL);
	new.f_struct = be32(p + H_OFF_STRUCT);
	new.f_strings = be32(p + H_OFF_STRINGS);
	new.f_rsvmap = be32(p + H_OFF_RSVMAP);
	new.f_stringssize = be32(p + H_SIZE_STRINGS);
	/* 5.6 */
	if (new.f_struct > new.f_size || new.f_struct % 4 != 0 ||
	    new.f_strings > new.f_size || new.f_rsvmap % 8 != 0 ||
	    new.f_stringssize > new.f_size - new.f_strings)
		return (EINVAL);
	new.f_structsize = version == 16 ? new.f_size - new.f_struct :
	    be32(p + H_SIZE_STRUCT);
	if (new.f_structsize > new.f_size - new.f_struct)
		return (EINVAL);
	cut_strings(&new);
	if (!check_rsvmap(&new) || !check_structure(&new))
		return (EINVAL);
	*f = new;
	return (0);
}

/* --- around the tree ------------------------------------------------------ */

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

static void
path_of(const struct fdt *f, fdt_node_t n, struct path *p)
{
	fdt_node_t off = fdt_root(f);

	p->p_n = 0;
	if (last.l_blob != NULL && last.l_blob == f->f_blob &&
	    n >= last.l_node) {
		*p = last.l_path;
		off = last.l_node;
		p->p_n--;
	}
	while (off != FDT_NONE && token(f, off) != T_LAST) {
		if (token(f, off) == T_BEGIN) {
			p->p_node[p->p_n++] = off;
			if (off == n) {
				last.l_blob = f->f_blob;
				last.l_node = n;
				last.l_path = *p;
				return;
			}
		} else
			p->p_n--;
		off = next_bound(f, skip(f, off));
	}
}

fdt_node_t
fdt_parent(const struct fdt *f, fdt_node_t n)
{
	struct path p;

	path_of(f, n, &p);
	return (p.p_n < 2 ? FDT_NONE : p.p_node[p.p_n - 2]);
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

/* 3.3: the full path that a name stands for. */
static const char *
alias(const struct fdt *f, const char *name, size_t len)
{
	fdt_node_t aliases = child_named(f, fdt_root(f), "aliases", 7);
	char buf[MAXALIAS + 1];
	const char *s;

	if (aliases == FDT_NONE || len > MAXALIAS)
		return (NULL);
	memcpy(buf, name, len);
	buf[len] = '\0';
	s = fdt_string(f, aliases, buf, 0);
	return (s != NULL && *s == '/' ? s : NULL);
}

/* A path, from n on. */
static fdt_node_t
walk(const struct fdt *f, fdt_node_t n, const char *path)
{
	size_t len;

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
fdt_find(const struct fdt *f, const char *path)
{
	fdt_node_t n = fdt_root(f);
	const char *s;
	size_t len;

	if (n != FDT_NONE && *path != '/') {
		len = part_length(path);
		if ((s = alias(f, path, len)) == NULL)
			return (FDT_NONE);
		n = walk(f, n, s);
		path += len;
	}
	return (walk(f, n, path));
}

/* 0 and all ones are no phandles, and stand for none in lists of them. */
fdt_node_t
fdt_phandle(const struct fdt *f, uint32_t phandle)
{
	fdt_node_t n;
	uint32_t v;

	if (phandle == 0 || phandle == UINT32_MAX)
		return (FDT_NONE);
	for (n = fdt_root(f); n != FDT_NONE; n = fdt_following(f, n)) {
		if ((fdt_cell(f, n, "phandle", 0, &v) ||
		    fdt_cell(f, n, "linux,phandle", 0, &v)) && v == phandle)
			return (n);
	}
	return (FDT_NONE);
}

/* 2.3.4 */
static bool
status_okay(const struct fdt *f, fdt_node_t n)
{
	const char *s;

	if (fdt_prop(f, n, "status", NULL) == NULL)
		return (true);
	s = fdt_string(f, n, "status", 0);
	return (s != NULL && (strcmp(s, "okay") == 0 ||
	    strcmp(s, "ok") == 0));
}

/* One walk, which remembers at what depth a node is off. */
fdt_node_t
fdt_compatible_find(const struct fdt *f, fdt_node_t prev, const char *s)
{
	fdt_node_t n = fdt_root(f);
	u_int depth = 0, disabled = 0;
	bool behind = prev == FDT_NONE;

	for (; n != FDT_NONE && token(f, n) != T_LAST;
	    n = next_bound(f, skip(f, n))) {
		if (token(f, n) == T_END) {
			if (depth-- == disabled)
				disabled = 0;
			continue;
		}
		depth++;
		if (disabled == 0 && !status_okay(f, n))
			disabled = depth;
		if (behind && disabled == 0 && fdt_compatible(f, n, s))
			return (n);
		if (n == prev)
			behind = true;
	}
	return (FDT_NONE);
}

/* --- properties ----------------------------------------------------------- */

const u_char *
fdt_prop(const struct fdt *f, fdt_node_t n, const char *name, u_int *len)
{
	const char *strings = (const char *)f->f_blob + f->f_strings, *s;
	uint32_t off, t;

	for (off = skip(f, n);; off = skip(f, off)) {
		t = token(f, off);
		if (t == T_PROP) {
			s = strings + token(f, off + 8);
			if (*s == *name && strcmp(s, name) == 0)
				break;
		}
		if (t != T_PROP && t != T_NOP)
			return (NULL);
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
	*v = len == 8 ? be64(p) : be32(p);
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

u_int
fdt_compatible_index(const struct fdt *f, fdt_node_t n,
    const char *const *list, u_int count)
{
	const char *p, *nul;
	u_int len, i, best = count;

	if ((p = (const char *)fdt_prop(f, n, "compatible", &len)) == NULL)
		return (count);
	for (; (nul = memchr(p, '\0', len)) != NULL; p = nul + 1) {
		for (i = 0; i < best; i++) {
			if (*p == *list[i] && strcmp(p, list[i]) == 0)
				best = i;
		}
		len -= nul + 1 - p;
	}
	return (best);
}

bool
fdt_compatible(const struct fdt *f, fdt_node_t n, const char *want)
{
	return (fdt_compatible_index(f, n, &want, 1) == 0);
}

bool
fdt_enabled(const struct fdt *f, fdt_node_t n)
{
	struct path p;
	u_int i;

	path_of(f, n, &p);
	for (i = 0; i < p.p_n; i++) {
		if (!status_okay(f, p.p_node[i]))
			return (false);
	}
	return (true);
}

/* --- addresses ------------------------------------------------------------ */

/* 2.3.5: what a node does not say is not inherited. */
u_int
fdt_address_cells(const struct fdt *f, fdt_node_t n)
{
	uint32_t v;

	return (fdt_cell(f, n, "#address-cells", 0, &v) ? v : 2);
}

u_int
fdt_size_cells(const struct fdt *f, fdt_node_t n)
{
	uint32_t v;

	return (fdt_cell(f, n, "#size-cells", 0, &v) ? v : 1);
}

/* On PCI, which has three cells, the first tells what space it is in. */
struct busaddr {
	uint32_t	ba_hi;
	uint64_t	ba_lo;
};
#define SAME_SPACE(a, b)	((((a) ^ (b)) & 3U << 24) == 0)

static uint64_t
number(const u_char *p, u_int cells)
{
	return (cells == 0 ? 0 : cells == 1 ? be32(p) : be64(p));
}

static struct busaddr
busaddr(const u_char *p, u_int cells)
{
	if (cells < 3)
		return ((struct busaddr){ 0, number(p, cells) });
	return ((struct busaddr){ be32(p), be64(p + 4) });
}

/*
 * "reg" or "ranges": entries of an address, perhaps another one, a size.  A
 * table that makes no sense has one entry, which is in error: who counts up
 * until there are no more comes to an end.
 */
struct table {
	const u_char	*t_p;
	u_int		 t_n;			/* entries */
	u_int		 t_ac, t_pac, t_sc;	/* cells of each */
};
#define T_CELLS(t)	((t)->t_ac + (t)->t_pac + (t)->t_sc)

static int
table_open(const struct fdt *f, fdt_node_t n, const char *name,
    struct table *t)
{
	u_int len;

	if ((t->t_p = fdt_prop(f, n, name, &len)) == NULL)
		return (ENOENT);
	t->t_n = 0;
	if (len == 0)
		return (0);
	if (t->t_ac == 0 || t->t_ac > 3 || t->t_pac > 3 || t->t_sc > 2 ||
	    len % (4 * T_CELLS(t)) != 0)
		return (EINVAL);
	t->t_n = len / (4 * T_CELLS(t));
	return (0);
}

static void
table_entry(const struct table *t, u_int i, struct busaddr *addr,
    struct busaddr *parent, uint64_t *size)
{
	const u_char *p = t->t_p + i * 4 * T_CELLS(t);

	*addr = busaddr(p, t->t_ac);
	*parent = busaddr(p + 4 * t->t_ac, t->t_pac);
	*size = number(p + 4 * (t->t_ac + t->t_pac), t->t_sc);
}

/* The "ranges" of the last node of a path, which is not the root. */
static int
ranges_open(const struct fdt *f, const struct path *p, u_int n,
    struct table *t)
{
	fdt_node_t bus = p->p_node[n - 1];
	int error;

	t->t_ac = fdt_address_cells(f, bus);
	t->t_pac = fdt_address_cells(f, p->p_node[n - 2]);
	t->t_sc = fdt_size_cells(f, bus);
	if ((error = table_open(f, bus, "ranges", t)) == 0 && t->t_n > 0 &&
	    (t->t_pac == 0 || t->t_sc == 0))
		return (EINVAL);
	return (error);
}

/* An address on a bus, the nth node of a path, as one on the bus above. */
static int
step_up(const struct fdt *f, const struct path *p, u_int n,
    struct busaddr *ba, uint64_t size)
{
	struct busaddr child, parent;
	struct table t;
	uint64_t span, off;
	u_int i;
	int error;

	/* 2.3.8: none is no way, an empty one changes nothing */
	if ((error = ranges_open(f, p, n, &t)) != 0)
		return (error == ENOENT ? ENXIO : error);
	if (t.t_n == 0)
		return (0);
	for (i = 0; i < t.t_n; i++) {
		table_entry(&t, i, &child, &parent, &span);
		off = ba->ba_lo - child.ba_lo;
		if (!SAME_SPACE(ba->ba_hi, child.ba_hi) ||
		    ba->ba_lo < child.ba_lo || off >= span ||
		    size > span - off)
			continue;
		if (parent.ba_lo > UINT64_MAX - off)
			return (EINVAL);
		parent.ba_lo += off;
		*ba = parent;
		return (0);
	}
	return (ENXIO);
}

/* On the bus that is the nth node of a path: as one of the processor's. */
static int
translate(const struct fdt *f, const struct path *p, u_int n,
    struct busaddr ba, uint64_t size, paddr_t *addr)
{
	int error;

	/* the root's children have the processor's addresses */
	for (; n > 1; n--) {
		if ((error = step_up(f, p, n, &ba, size)) != 0)
			return (error);
	}
	if (ba.ba_hi != 0 || size > UINT64_MAX - ba.ba_lo)
		return (EINVAL);
	*addr = ba.ba_lo;
	return (0);
}

static int
reg_open(const struct fdt *f, const struct path *p, struct table *t)
{
	if (p->p_n < 2)
		return (ENOENT);
	t->t_ac = fdt_address_cells(f, p->p_node[p->p_n - 2]);
	t->t_pac = 0;
	t->t_sc = fdt_size_cells(f, p->p_node[p->p_n - 2]);
	return (table_open(f, p->p_node[p->p_n - 1], "reg", t));
}

static int
reg_entry(const struct fdt *f, const struct path *p, const struct table *t,
    u_int i, paddr_t *addr, uint64_t *size)
{
	struct busaddr ba, none;
	uint64_t n;
	int error;

	table_entry(t, i, &ba, &none, &n);
	if ((error = translate(f, p, p->p_n - 1, ba, n, addr)) == 0)
		*size = n;
	return (error);
}

int
fdt_reg(const struct fdt *f, fdt_node_t n, u_int i, paddr_t *addr,
    uint64_t *size)
{
	struct path p;
	struct table t;
	int error;

	path_of(f, n, &p);
	if ((error = reg_open(f, &p, &t)) != 0)
		return (i == 0 ? error : ENOENT);
	return (i < t.t_n ? reg_entry(f, &p, &t, i, addr, size) : ENOENT);
}

int
fdt_range(const struct fdt *f, fdt_node_t bus, u_int i, struct fdt_range *fr)
{
	struct busaddr child, parent;
	struct path p;
	struct table t;
	uint64_t size;
	paddr_t addr;
	int error;

	path_of(f, bus, &p);
	if (p.p_n < 2)
		return (ENOENT);
	if ((error = ranges_open(f, &p, p.p_n, &t)) != 0)
		return (i == 0 ? error : ENOENT);
	if (i >= t.t_n)
		return (ENOENT);
	table_entry(&t, i, &child, &parent, &size);
	if (size > UINT64_MAX - child.ba_lo)
		return (EINVAL);
	error = translate(f, &p, p.p_n - 1, parent, size, &addr);
	if (error == 0)
		*fr = (struct fdt_range){ child.ba_hi, child.ba_lo, addr,
		    size };
	return (error);
}

/* --- what a kernel asks first ------------------------------------------ */

/* fn with each "reg" of a node; false: not with all of them. */
static bool
reg_each(const struct fdt *f, const struct path *p, struct memlist *ml,
    bool (*fn)(struct memlist *, paddr_t, uint64_t))
{
	struct table t;
	uint64_t size;
	paddr_t addr;
	bool whole = true;
	u_int i;
	int error;

	if ((error = reg_open(f, p, &t)) != 0)
		return (error == ENOENT);
	for (i = 0; i < t.t_n; i++) {
		if (reg_entry(f, p, &t, i, &addr, &size) != 0 ||
		    !fn(ml, addr, size))
			whole = false;
	}
	return (whole);
}

static bool
memory(struct memlist *ml, paddr_t addr, uint64_t size)
{
	return (memlist_add(ml, addr, addr + size));
}

/* 3.4 */
bool
fdt_memory(const struct fdt *f, struct memlist *ml)
{
	struct path p = { .p_node[0] = fdt_root(f), .p_n = 2 };
	const char *s;
	bool whole = true;
	fdt_node_t n;

	if (p.p_node[0] == FDT_NONE)
		return (true);
	for (n = fdt_child(f, p.p_node[0]); n != FDT_NONE;
	    n = fdt_next(f, n)) {
		s = fdt_string(f, n, "device_type", 0);
		if (s == NULL || strcmp(s, "memory") != 0 ||
		    !status_okay(f, n))
			continue;
		p.p_node[1] = n;
		if (!reg_each(f, &p, ml, memory))
			whole = false;
	}
	return (whole);
}

/* Rather too much than too little. */
static bool
reserve(struct memlist *ml, paddr_t addr, uint64_t size)
{
	bool whole = size <= UINT64_MAX - addr;
	paddr_t end = whole ? addr + size : UINT64_MAX;

	if (size == 0)
		return (true);
	end = end > trunc_page(UINT64_MAX) ? UINT64_MAX : round_page(end);
	return (memlist_remove(ml, trunc_page(addr), end) && whole);
}

/* 5.3 and 3.5 */
bool
fdt_reserved(const struct fdt *f, struct memlist *ml)
{
	struct path p;
	const u_char *e;
	bool whole = true;
	fdt_node_t top, n;

	if ((top = fdt_find(f, "/reserved-memory")) != FDT_NONE) {
		path_of(f, top, &p);
		p.p_n++;
		for (n = fdt_child(f, top); n != FDT_NONE;
		    n = fdt_next(f, n)) {
			p.p_node[p.p_n - 1] = n;
			if (!reg_each(f, &p, ml, reserve))
				whole = false;
		}
	}
	if (f->f_blob == NULL)
		return (whole);
	for (e = f->f_blob + f->f_rsvmap; be64(e) != 0 || be64(e + 8) != 0;
	    e += 16) {
		if (!reserve(ml, be64(e), be64(e + 8)))
			whole = false;
	}
	return (whole);
}

/* One or two cells each, whatever the root's #address-cells are. */
int
fdt_initrd(const struct fdt *f, paddr_t *start, paddr_t *end)
{
	fdt_node_t n = fdt_find(f, "/chosen");
	uint64_t from, to;

	if (n == FDT_NONE || !fdt_number(f, n, "linux,initrd-start", &from) ||
	    !fdt_number(f, n, "linux,initrd-end", &to))
		return (ENOENT);
	if (to <= from)
		return (EINVAL);
	*start = from;
	*end = to;
	return (0);
}

/* 3.6; the other name is what it was called before. */
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

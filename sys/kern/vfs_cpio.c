/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The root image: one or more cpio archives of the "newc" form, one behind
 * the other, each padded with zeros as one likes.  Files are not copied: the
 * root file system uses them where they lie.
 *
 * The image comes from outside.  Every length is checked against what is
 * left before it is used; a header that makes no sense ends the work, and a
 * name that does not suit only costs its own entry.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/queue.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define HEADER_SIZE	110
#define TRAILER		"TRAILER!!!"
#define LINK_BUCKETS	64

enum field { C_INO, C_MODE, C_UID, C_GID, C_NLINK, C_MTIME, C_FILESIZE,
    C_DEVMAJOR, C_DEVMINOR, C_RDEVMAJOR, C_RDEVMINOR, C_NAMESIZE, C_CHECK,
    C_NFIELDS };

/* A file with several names: its contents come with the last of them. */
struct cpio_link {
	LIST_ENTRY(cpio_link)	 cl_link;
	uint32_t		 cl_ino, cl_major, cl_minor;
	struct vnode		*cl_vnode;
};

struct cpio {
	const char	*c_image;
	size_t		 c_size;
	size_t		 c_off;			/* of the entry */
	uint32_t	 c_field[C_NFIELDS];
	const char	*c_name;		/* NUL terminated */
	const char	*c_data;
	size_t		 c_next;		/* behind the data */
	u_int		 c_skipped;
	size_t		 c_skipoff;		/* the first that was skipped */
	const char	*c_skipwhy;
	LIST_HEAD(, cpio_link) c_links[LINK_BUCKETS];
};

/* --- format ------------------------------------------------------------- */

static bool
cpio_hex(const char *s, uint32_t *v)
{
	u_int i, d;

	for (*v = 0, i = 0; i < 8; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			d = s[i] - '0';
		else if ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f')
			d = (s[i] | 0x20) - 'a' + 10;
		else
			return (false);
		*v = *v << 4 | d;
	}
	return (true);
}

/* What somebody may have packed the archive with. */
static const char *
cpio_packed(const char *p, size_t n)
{
	static const struct {
		const char	*magic;
		u_int		 len;
		const char	*what;
	} known[] = {
		{ "\x1f\x8b", 2, "compressed with gzip" },
		{ "BZh", 3, "compressed with bzip2" },
		{ "\x5d\0\0", 3, "compressed with lzma" },
		{ "\xfd" "7zXZ", 5, "compressed with xz" },
		{ "\x89LZO", 4, "compressed with lzop" },
		{ "\x02!L\x18", 4, "compressed with lz4" },
		{ "\x04\"M\x18", 4, "compressed with lz4" },
		{ "\x28\xb5\x2f\xfd", 4, "compressed with zstd" },
		{ "070707", 6, "an archive of the old form (odc)" },
		{ "\xc7\x71", 2, "an archive of the old binary form" },
	};
	u_int i;

	for (i = 0; i < nitems(known); i++) {
		if (n >= known[i].len &&
		    memcmp(p, known[i].magic, known[i].len) == 0)
			return (known[i].what);
	}
	return (NULL);
}

/* Read the entry at c_off.  NULL, or what is wrong with it. */
static const char *
cpio_header(struct cpio *c)
{
	const char *p = c->c_image + c->c_off, *what;
	size_t left = c->c_size - c->c_off, name, data;
	u_int i;

	if ((what = cpio_packed(p, left)) != NULL)
		return (what);
	if (left < HEADER_SIZE)
		return ("the header is cut off");
	if (memcmp(p, "070701", 6) != 0 && memcmp(p, "070702", 6) != 0)
		return ("no header of an entry");
	for (i = 0; i < C_NFIELDS; i++) {
		if (!cpio_hex(p + 6 + 8 * i, &c->c_field[i]))
			return ("the header has a malformed number");
	}
	name = c->c_field[C_NAMESIZE];
	if (name == 0 || name > left - HEADER_SIZE)
		return ("the name is cut off");
	c->c_name = p + HEADER_SIZE;
	if (memchr(c->c_name, '\0', name) == NULL)
		return ("the name has no end");
	/* all is aligned to 4 bytes, counted from where the image begins */
	data = roundup2(c->c_off + HEADER_SIZE + name, 4);
	if (c->c_field[C_FILESIZE] == 0)
		c->c_next = MIN(data, c->c_size);
	else if (data > c->c_size ||
	    c->c_field[C_FILESIZE] > c->c_size - data)
		return ("the data is cut off");
	else
		c->c_next = MIN(roundup2(data +
		    (size_t)c->c_field[C_FILESIZE], 4), c->c_size);
	c->c_data = c->c_image + data;
	return (NULL);
}

/* --- links -------------------------------------------------------------- */

static struct cpio_link *
link_find(struct cpio *c)
{
	struct cpio_link *cl;

	LIST_FOREACH(cl, &c->c_links[c->c_field[C_INO] % LINK_BUCKETS],
	    cl_link) {
		if (cl->cl_ino == c->c_field[C_INO] &&
		    cl->cl_major == c->c_field[C_DEVMAJOR] &&
		    cl->cl_minor == c->c_field[C_DEVMINOR])
			return (cl);
	}
	return (NULL);
}

static int
link_add(struct cpio *c, struct vnode *vp)
{
	struct cpio_link *cl;

	if ((cl = kmem_alloc(sizeof(*cl), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	cl->cl_ino = c->c_field[C_INO];
	cl->cl_major = c->c_field[C_DEVMAJOR];
	cl->cl_minor = c->c_field[C_DEVMINOR];
	vnode_ref(vp);
	cl->cl_vnode = vp;
	LIST_INSERT_HEAD(&c->c_links[cl->cl_ino % LINK_BUCKETS], cl, cl_link);
	return (0);
}

/* Numbers of files mean something within one archive only. */
static void
link_forget(struct cpio *c)
{
	struct cpio_link *cl;
	u_int i;

	for (i = 0; i < LINK_BUCKETS; i++) {
		while ((cl = LIST_FIRST(&c->c_links[i])) != NULL) {
			LIST_REMOVE(cl, cl_link);
			vnode_unref(cl->cl_vnode);
			kmem_free(cl, sizeof(*cl));
		}
	}
}

/* --- names -------------------------------------------------------------- */

static int
cpio_skip(struct cpio *c, const char *why)
{
	if (c->c_skipped++ == 0) {
		c->c_skipoff = c->c_off;
		c->c_skipwhy = why;
	}
	return (0);
}

/*
 * The next part of a name, without "." and repeated slashes.  False: it
 * leads up, or is too long.  An empty one is the end.
 */
static bool
name_part(const char **pp, char *part)
{
	const char *p = *pp;
	size_t n;

	for (;;) {
		while (*p == '/')
			p++;
		for (n = 0; p[n] != '/' && p[n] != '\0'; n++)
			;
		if (n != 1 || *p != '.')
			break;
		p++;
	}
	if (n > NAME_MAX || (n == 2 && p[0] == '.' && p[1] == '.'))
		return (false);
	memcpy(part, p, n);
	part[n] = '\0';
	for (p += n; *p == '/' || (p[0] == '.' && (p[1] == '/' ||
	    p[1] == '\0') && p[-1] == '/'); p++)
		;
	*pp = p;
	return (true);
}

/* The directory of that name; it is made if it is missing. */
static int
name_enter(struct vnode **dvpp, const char *part)
{
	struct vnode *dvp = *dvpp, *vp;
	int error;

	if (dvp->v_type != VDIR)
		return (ENOTDIR);
	error = dvp->v_ops->vop_lookup(dvp, part, &vp);
	if (error == ENOENT)
		error = dvp->v_ops->vop_create(dvp, part, S_IFDIR | 0755, 0,
		    &vp);
	if (error != 0)
		return (error);
	vnode_unref(dvp);
	*dvpp = vp;
	return (vp->v_type == VDIR ? 0 : ENOTDIR);
}

/*
 * The directory that the entry belongs in, with a reference, and its name
 * there; "" for the root itself.  EINVAL: not a name for us.
 */
static int
cpio_parent(const char *path, struct vnode **dvpp, char *last)
{
	struct vnode *dvp = rootvnode;
	int error = 0;

	if (strnlen(path, MAXPATHLEN) == MAXPATHLEN || *path == '\0')
		return (EINVAL);
	vnode_ref(dvp);
	for (;;) {
		if (!name_part(&path, last)) {
			error = EINVAL;
			break;
		}
		if (*path == '\0')
			break;
		if ((error = name_enter(&dvp, last)) != 0)
			break;
	}
	if (error == 0 && dvp->v_type != VDIR)
		error = ENOTDIR;
	if (error != 0)
		vnode_unref(dvp);
	else
		*dvpp = dvp;
	return (error);
}

/* --- entries ------------------------------------------------------------ */

static void
cpio_attributes(const struct cpio *c, struct vnode *vp)
{
	struct kstat ks = {
		.ks_mode = c->c_field[C_MODE] & 07777,
		.ks_uid = c->c_field[C_UID],
		.ks_gid = c->c_field[C_GID],
		.ks_atime = SEC_TO_NSEC(c->c_field[C_MTIME]),
		.ks_mtime = SEC_TO_NSEC(c->c_field[C_MTIME]),
	};

	(void)vp->v_ops->vop_setattr(vp, &ks, VA_MODE | VA_OWNER | VA_ATIME |
	    VA_MTIME);
}

static int
entry_symlink(struct cpio *c, struct vnode *dvp, const char *name,
    struct vnode **vpp)
{
	size_t n = c->c_field[C_FILESIZE];
	char *target;
	int error;

	if (n == 0 || n >= MAXPATHLEN || memchr(c->c_data, '\0', n) != NULL)
		return (EINVAL);
	if ((target = kmem_alloc(n + 1, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	memcpy(target, c->c_data, n);
	target[n] = '\0';
	error = dvp->v_ops->vop_symlink(dvp, name, target);
	kmem_free(target, n + 1);
	if (error == 0)
		error = dvp->v_ops->vop_lookup(dvp, name, vpp);
	return (error);
}

static int
entry_file(struct cpio *c, struct vnode *dvp, const char *name,
    struct vnode **vpp)
{
	struct cpio_link *cl;
	size_t n = c->c_field[C_FILESIZE];
	int error;

	if (c->c_field[C_NLINK] > 1 && (cl = link_find(c)) != NULL) {
		error = dvp->v_ops->vop_link(dvp, name, cl->cl_vnode);
		if (error == 0 && n != 0)
			error = ramfs_setdata(cl->cl_vnode, c->c_data, n);
		vnode_ref(cl->cl_vnode);
		*vpp = cl->cl_vnode;
		return (error);
	}
	error = ramfs_file(dvp, name, c->c_field[C_MODE] & 07777,
	    n != 0 ? c->c_data : NULL, n,
	    SEC_TO_NSEC(c->c_field[C_MTIME]), vpp);
	if (error == 0 && c->c_field[C_NLINK] > 1)
		error = link_add(c, *vpp);
	return (error);
}

/* What has the name already gives way, but a directory stays one. */
static int
entry_replace(struct vnode *dvp, const char *name, bool dir,
    struct vnode **vpp)
{
	struct vnode *vp;
	int error;

	*vpp = NULL;
	error = dvp->v_ops->vop_lookup(dvp, name, &vp);
	if (error != 0)
		return (error == ENOENT ? 0 : error);
	if (dir && vp->v_type == VDIR) {
		*vpp = vp;
		return (0);
	}
	error = dvp->v_ops->vop_remove(dvp, name, vp->v_type == VDIR);
	vnode_unref(vp);
	return (error);
}

static int
entry_make(struct cpio *c, struct vnode *dvp, const char *name)
{
	mode_t mode = c->c_field[C_MODE] & (S_IFMT | 07777);
	struct vnode *vp;
	int error;

	error = entry_replace(dvp, name, (mode & S_IFMT) == S_IFDIR, &vp);
	if (error != 0)
		return (error);
	switch (mode & S_IFMT) {
	case S_IFREG:
		error = entry_file(c, dvp, name, &vp);
		break;
	case S_IFLNK:
		error = entry_symlink(c, dvp, name, &vp);
		break;
	case S_IFDIR:
		if (vp != NULL)
			break;
		/* FALLTHROUGH */
	default:
		error = dvp->v_ops->vop_create(dvp, name, mode,
		    makedev(c->c_field[C_RDEVMAJOR], c->c_field[C_RDEVMINOR]),
		    &vp);
	}
	if (error == 0)
		cpio_attributes(c, vp);
	vnode_unref(vp);
	return (error);
}

/* One entry.  Only want of memory stops the others. */
static int
cpio_entry(struct cpio *c)
{
	char last[NAME_MAX + 1];
	struct vnode *dvp;
	int error;

	if ((error = cpio_parent(c->c_name, &dvp, last)) == 0) {
		if (last[0] != '\0')
			error = entry_make(c, dvp, last);
		else if ((c->c_field[C_MODE] & S_IFMT) == S_IFDIR)
			cpio_attributes(c, dvp);
		else
			error = EINVAL;
		vnode_unref(dvp);
	}
	switch (error) {
	case 0:
	case ENOMEM:
	case ENOSPC:
		return (error);
	case ENOTDIR:
		return (cpio_skip(c, "is in what is no directory"));
	case ENOTEMPTY:
	case EBUSY:
		return (cpio_skip(c, "would replace a directory in use"));
	case EOPNOTSUPP:
		return (cpio_skip(c, "is of an unknown type"));
	default:
		return (cpio_skip(c, "has a name or target that cannot be"));
	}
}

/* --- the image ---------------------------------------------------------- */

/* Up to the next archive; false: there is none. */
static bool
cpio_padding(struct cpio *c)
{
	while (c->c_off < c->c_size && c->c_image[c->c_off] == '\0')
		c->c_off++;
	return (c->c_off < c->c_size);
}

/* One archive, up to its trailer.  What is wrong with it to *why. */
static int
cpio_archive(struct cpio *c, const char **why)
{
	int error;

	if ((c->c_off & 3) != 0) {
		*why = cpio_packed(c->c_image + c->c_off,
		    c->c_size - c->c_off);
		if (*why == NULL)
			*why = "an archive at an odd place";
		return (EINVAL);
	}
	for (; c->c_off < c->c_size; c->c_off = c->c_next) {
		if ((*why = cpio_header(c)) != NULL)
			return (EINVAL);
		if (strcmp(c->c_name, TRAILER) == 0) {
			c->c_off = c->c_next;
			return (0);
		}
		if ((error = cpio_entry(c)) != 0) {
			*why = "no memory for the rest";
			return (error);
		}
	}
	*why = "the trailer is missing";
	return (EINVAL);
}

int
cpio_load(const void *image, size_t size)
{
	const char *why = "empty";
	struct cpio *c;
	int error = EINVAL;

	if ((c = kmem_zalloc(sizeof(*c), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	c->c_image = image;
	c->c_size = size;
	while (cpio_padding(c)) {
		error = cpio_archive(c, &why);
		link_forget(c);
		if (error != 0)
			break;
	}
	if (c->c_skipped != 0)
		printf("cpio: offset %zu: %u entries left out: this one %s\n",
		    c->c_skipoff, c->c_skipped, c->c_skipwhy);
	if (error != 0)
		printf("cpio: offset %zu: %s\n", c->c_off, why);
	kmem_free(c, sizeof(*c));
	return (error);
}

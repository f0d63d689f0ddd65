/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The file system in memory.
 *
 * A directory is a table of names; each holds a reference on its node.  So
 * a node lives as long as it has a name or is in use.  ramfs_lock guards the
 * tables, the counts of links and rn_entry, of all instances: a rename sees
 * two directories and everything above them.  The contents have locks of
 * their own.  Order: v_lock of a vnode, ramfs_lock, ramfs_mtx.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#include <vm/vm_object.h>

struct ramfs_node;

struct ramfs_entry {
	LIST_ENTRY(ramfs_entry)	 re_hash;
	TAILQ_ENTRY(ramfs_entry) re_link;	/* by position */
	struct ramfs_node	*re_dir;
	struct ramfs_node	*re_node;	/* a reference */
	off_t			 re_pos;	/* for readdir; never used twice */
	char			 re_name[];
};
LIST_HEAD(ramfs_bucket, ramfs_entry);

struct ramfs_node {
	struct vnode		 rn_vnode;
	const void		*rn_fs;		/* which instance */
	ino_t			 rn_ino;
	dev_t			 rn_rdev;
	u_int			 rn_nlink;
	struct ramfs_entry	*rn_entry;	/* one of its names, or NULL */
	/* ramfs_mtx */
	mode_t			 rn_mode;	/* with the type */
	uid_t			 rn_uid;
	gid_t			 rn_gid;
	uint64_t		 rn_atime, rn_mtime, rn_ctime;
	/* what it is */
	struct vm_object	*rn_object;	/* VREG */
	char			*rn_target;	/* VLNK */
	struct pipe		*rn_fifo;	/* VFIFO; fifo_open() guards it */
	TAILQ_HEAD(, ramfs_entry) rn_entries;	/* VDIR */
	struct ramfs_bucket	*rn_buckets;
	u_int			 rn_nbuckets, rn_nentries;
	off_t			 rn_nextpos;
};

#define RAMFS_NODE(vp)	((struct ramfs_node *)(vp)->v_data)
#define RAMFS_MINHASH	8
#define POS_FIRST	2		/* behind "." and ".." */

static const struct vnodeops ramfs_ops;
static struct rwlock	ramfs_lock = { .rw_mtx = MUTEX_INITIALIZER(IPL_SOFT),
			    .rw_name = "ramfs" };
static struct mutex	ramfs_mtx = MUTEX_INITIALIZER(IPL_SOFT);
static ino_t		ramfs_lastino;		/* atomic */

/* --- nodes -------------------------------------------------------------- */

static enum vtype
ramfs_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return (VREG);
	case S_IFDIR:
		return (VDIR);
	case S_IFLNK:
		return (VLNK);
	case S_IFCHR:
		return (VCHR);
	case S_IFBLK:
		return (VBLK);
	case S_IFIFO:
		return (VFIFO);
	default:
		return (0);
	}
}

/* With one reference and no name. */
static struct ramfs_node *
node_alloc(const void *fs, mode_t mode)
{
	struct ramfs_node *rn;

	if ((rn = kmem_zalloc(sizeof(*rn), KM_NOSLEEP)) == NULL)
		return (NULL);
	vnode_init(&rn->rn_vnode, &ramfs_ops, ramfs_type(mode), rn);
	rn->rn_fs = fs;
	rn->rn_ino = __atomic_add_fetch(&ramfs_lastino, 1, __ATOMIC_RELAXED);
	rn->rn_mode = mode;
	rn->rn_atime = rn->rn_mtime = rn->rn_ctime = nsecwall();
	TAILQ_INIT(&rn->rn_entries);
	rn->rn_nextpos = POS_FIRST;
	return (rn);
}

static void
ramfs_inactive(struct vnode *vp)
{
	struct ramfs_node *rn = RAMFS_NODE(vp);

	KASSERT(rn->rn_entry == NULL && rn->rn_nentries == 0);
	if (rn->rn_object != NULL)
		vm_object_unref(rn->rn_object);
	if (rn->rn_target != NULL)
		kmem_free(rn->rn_target, strlen(rn->rn_target) + 1);
	if (rn->rn_fifo != NULL)
		fifo_free(rn->rn_fifo);
	kmem_free(rn->rn_buckets, rn->rn_nbuckets * sizeof(*rn->rn_buckets));
	kmem_free(rn, sizeof(*rn));
}

static void
node_changed(struct ramfs_node *rn, bool contents)
{
	uint64_t now = nsecwall();

	mtx_enter(&ramfs_mtx);
	rn->rn_ctime = now;
	if (contents)
		rn->rn_mtime = now;
	mtx_leave(&ramfs_mtx);
}

/* --- directories -------------------------------------------------------- */

static u_int
name_hash(const char *name)
{
	uint32_t h = 2166136261U;

	while (*name != '\0')
		h = (h ^ (u_char)*name++) * 16777619;
	return (h);
}

static struct ramfs_entry *
dir_find(const struct ramfs_node *dir, const char *name)
{
	struct ramfs_entry *re;

	if (dir->rn_nbuckets == 0)
		return (NULL);
	LIST_FOREACH(re, &dir->rn_buckets[name_hash(name) &
	    (dir->rn_nbuckets - 1)], re_hash) {
		if (strcmp(re->re_name, name) == 0)
			return (re);
	}
	return (NULL);
}

/* Keep the chains short.  Without memory they grow, but it works. */
static int
dir_rehash(struct ramfs_node *dir)
{
	struct ramfs_bucket *buckets;
	struct ramfs_entry *re;
	u_int n;

	if (dir->rn_nentries < 2 * dir->rn_nbuckets)
		return (0);
	n = MAX(RAMFS_MINHASH, 4 * dir->rn_nbuckets);
	if ((buckets = kmem_zalloc(n * sizeof(*buckets), KM_NOSLEEP)) == NULL)
		return (dir->rn_nbuckets == 0 ? ENOSPC : 0);
	TAILQ_FOREACH(re, &dir->rn_entries, re_link)
		LIST_INSERT_HEAD(&buckets[name_hash(re->re_name) & (n - 1)],
		    re, re_hash);
	kmem_free(dir->rn_buckets, dir->rn_nbuckets * sizeof(*buckets));
	dir->rn_buckets = buckets;
	dir->rn_nbuckets = n;
	return (0);
}

/* The name is new; the node gets a reference more.  ENOENT, ENOSPC. */
static int
dir_enter(struct ramfs_node *dir, const char *name, struct ramfs_node *rn)
{
	struct ramfs_entry *re;
	size_t n = strlen(name) + 1;
	int error;

	KASSERT(rw_write_held(&ramfs_lock));
	if (dir->rn_nlink == 0)
		return (ENOENT);	/* it was removed meanwhile */
	if ((error = dir_rehash(dir)) != 0)
		return (error);
	if ((re = kmem_alloc(sizeof(*re) + n, KM_NOSLEEP)) == NULL)
		return (ENOSPC);
	memcpy(re->re_name, name, n);
	re->re_dir = dir;
	re->re_node = rn;
	re->re_pos = dir->rn_nextpos++;
	TAILQ_INSERT_TAIL(&dir->rn_entries, re, re_link);
	LIST_INSERT_HEAD(&dir->rn_buckets[name_hash(name) &
	    (dir->rn_nbuckets - 1)], re, re_hash);
	dir->rn_nentries++;
	vnode_ref(&rn->rn_vnode);
	rn->rn_entry = re;
	if (rn->rn_vnode.v_type == VDIR) {
		dir->rn_nlink++;
		rn->rn_nlink = MAX(rn->rn_nlink, 2);
	} else
		rn->rn_nlink++;
	node_changed(dir, true);
	node_changed(rn, false);
	return (0);
}

/* The caller gets the reference. */
static struct ramfs_node *
dir_leave(struct ramfs_entry *re)
{
	struct ramfs_node *dir = re->re_dir, *rn = re->re_node;

	KASSERT(rw_write_held(&ramfs_lock));
	TAILQ_REMOVE(&dir->rn_entries, re, re_link);
	LIST_REMOVE(re, re_hash);
	dir->rn_nentries--;
	if (rn->rn_vnode.v_type == VDIR) {
		dir->rn_nlink--;
		if (rn->rn_entry == re)
			rn->rn_nlink = 0;
	} else
		rn->rn_nlink--;
	if (rn->rn_entry == re)
		rn->rn_entry = NULL;
	node_changed(dir, true);
	node_changed(rn, false);
	kmem_free(re, sizeof(*re) + strlen(re->re_name) + 1);
	return (rn);
}

static int
ramfs_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	struct ramfs_entry *re;

	if (dvp->v_type != VDIR)
		return (ENOTDIR);
	rw_enter_read(&ramfs_lock);
	if ((re = dir_find(RAMFS_NODE(dvp), name)) != NULL) {
		*vpp = &re->re_node->rn_vnode;
		vnode_ref(*vpp);
	}
	rw_exit(&ramfs_lock);
	return (re != NULL ? 0 : ENOENT);
}

/* Gives a new node its first name, or the node back to the allocator. */
static int
node_name(struct vnode *dvp, const char *name, struct ramfs_node *rn,
    struct vnode **vpp)
{
	int error;

	rw_enter_write(&ramfs_lock);
	if (dir_find(RAMFS_NODE(dvp), name) != NULL)
		error = EEXIST;
	else
		error = dir_enter(RAMFS_NODE(dvp), name, rn);
	rw_exit(&ramfs_lock);
	if (error == 0 && vpp != NULL)
		*vpp = &rn->rn_vnode;
	else
		vnode_unref(&rn->rn_vnode);
	return (error);
}

static int
file_create(struct vnode *dvp, const char *name, mode_t mode, dev_t rdev,
    const void *data, size_t len, uint64_t mtime, struct vnode **vpp)
{
	struct ramfs_node *rn;

	if (dvp->v_type != VDIR)
		return (ENOTDIR);
	if (ramfs_type(mode) == 0 || ramfs_type(mode) == VLNK)
		return (EOPNOTSUPP);
	if ((rn = node_alloc(RAMFS_NODE(dvp)->rn_fs, mode)) == NULL)
		return (ENOSPC);
	rn->rn_rdev = rdev;
	if (mtime != 0)
		rn->rn_mtime = mtime;
	if (rn->rn_vnode.v_type == VREG &&
	    (rn->rn_object = vm_object_create(len, data, len)) == NULL) {
		vnode_unref(&rn->rn_vnode);
		return (ENOSPC);
	}
	return (node_name(dvp, name, rn, vpp));
}

static int
ramfs_create(struct vnode *dvp, const char *name, mode_t mode, dev_t rdev,
    struct vnode **vpp)
{
	return (file_create(dvp, name, mode, rdev, NULL, 0, 0, vpp));
}

int
ramfs_file(struct vnode *dvp, const char *name, mode_t mode, const void *data,
    size_t len, uint64_t mtime, struct vnode **vpp)
{
	return (file_create(dvp, name, S_IFREG | (mode & 07777), 0, data, len,
	    mtime, vpp));
}

int
ramfs_setdata(struct vnode *vp, const void *data, size_t len)
{
	struct ramfs_node *rn = RAMFS_NODE(vp);
	struct vm_object *obj, *old;

	if (vp->v_type != VREG)
		return (EINVAL);
	if ((obj = vm_object_create(len, data, len)) == NULL)
		return (ENOSPC);
	rw_enter_write(&vp->v_lock);
	old = rn->rn_object;
	rn->rn_object = obj;
	rw_exit(&vp->v_lock);
	vm_object_unref(old);
	return (0);
}

static int
ramfs_symlink(struct vnode *dvp, const char *name, const char *target)
{
	struct ramfs_node *rn;

	if (dvp->v_type != VDIR)
		return (ENOTDIR);
	if ((rn = node_alloc(RAMFS_NODE(dvp)->rn_fs, S_IFLNK | 0777)) == NULL)
		return (ENOSPC);
	if ((rn->rn_target = kmem_strdup(target, KM_NOSLEEP)) == NULL) {
		vnode_unref(&rn->rn_vnode);
		return (ENOSPC);
	}
	return (node_name(dvp, name, rn, NULL));
}

static int
ramfs_link(struct vnode *dvp, const char *name, struct vnode *vp)
{
	struct ramfs_node *dir = RAMFS_NODE(dvp), *rn;
	int error;

	if (vp->v_ops != &ramfs_ops || RAMFS_NODE(vp)->rn_fs != dir->rn_fs)
		return (EXDEV);
	if (vp->v_type == VDIR)
		return (EPERM);
	rn = RAMFS_NODE(vp);
	rw_enter_write(&ramfs_lock);
	if (dir_find(dir, name) != NULL)
		error = EEXIST;
	else if (rn->rn_nlink == 0)
		error = ENOENT;		/* its last name has just gone */
	else
		error = dir_enter(dir, name, rn);
	rw_exit(&ramfs_lock);
	return (error);
}

/* --- remove and rename -------------------------------------------------- */

/* May this name go?  dir: a directory is meant. */
static int
remove_check(const struct ramfs_node *rn, bool dir)
{
	if (dir && rn->rn_vnode.v_type != VDIR)
		return (ENOTDIR);
	if (!dir && rn->rn_vnode.v_type == VDIR)
		return (EISDIR);
	if (rn->rn_vnode.v_mounted != NULL)
		return (EBUSY);
	if (dir && rn->rn_nentries != 0)
		return (ENOTEMPTY);
	return (0);
}

static int
ramfs_remove(struct vnode *dvp, const char *name, bool dir)
{
	struct ramfs_node *rn = NULL;
	struct ramfs_entry *re;
	int error;

	rw_enter_write(&ramfs_lock);
	if ((re = dir_find(RAMFS_NODE(dvp), name)) == NULL)
		error = ENOENT;
	else if ((error = remove_check(re->re_node, dir)) == 0)
		rn = dir_leave(re);
	rw_exit(&ramfs_lock);
	if (rn != NULL)
		vnode_unref(&rn->rn_vnode);
	return (error);
}

/* Is the directory in, or the same as, the one above? */
static bool
dir_below(const struct ramfs_node *dir, const struct ramfs_node *above)
{
	for (;;) {
		if (dir == above)
			return (true);
		if (dir->rn_entry == NULL)
			return (false);
		dir = dir->rn_entry->re_dir;
	}
}

static int
rename_check(const struct ramfs_node *rn, const struct ramfs_node *tdir,
    const struct ramfs_entry *to)
{
	bool isdir = rn->rn_vnode.v_type == VDIR;

	if (rn->rn_vnode.v_mounted != NULL)
		return (EBUSY);
	if (isdir && dir_below(tdir, rn))
		return (EINVAL);
	return (to != NULL ? remove_check(to->re_node, isdir) : 0);
}

/*
 * The new entry is made before anything is taken away, so that nothing is
 * lost when memory is short.  *gone is what lost its name.
 */
static int
rename_locked(struct ramfs_node *fdir, const char *fname,
    struct ramfs_node *tdir, const char *tname, struct ramfs_node **gone)
{
	struct ramfs_entry *from, *to;
	struct ramfs_node *rn;
	int error;

	if ((from = dir_find(fdir, fname)) == NULL)
		return (ENOENT);
	rn = from->re_node;
	to = dir_find(tdir, tname);
	if (to != NULL && to->re_node == rn)
		return (0);		/* two names of one file: both stay */
	if ((error = rename_check(rn, tdir, to)) != 0)
		return (error);
	if ((error = dir_enter(tdir, tname, rn)) != 0)
		return (error);
	if (to != NULL)
		*gone = dir_leave(to);
	vnode_unref(&dir_leave(from)->rn_vnode);	/* not the last */
	return (0);
}

static int
ramfs_rename(struct vnode *fdvp, const char *fname, struct vnode *tdvp,
    const char *tname)
{
	struct ramfs_node *fdir = RAMFS_NODE(fdvp), *tdir, *gone = NULL;
	int error;

	if (tdvp->v_ops != &ramfs_ops)
		return (EXDEV);
	tdir = RAMFS_NODE(tdvp);
	if (fdir->rn_fs != tdir->rn_fs)
		return (EXDEV);
	if (tdvp->v_type != VDIR)
		return (ENOTDIR);
	rw_enter_write(&ramfs_lock);
	error = rename_locked(fdir, fname, tdir, tname, &gone);
	rw_exit(&ramfs_lock);
	if (gone != NULL)
		vnode_unref(&gone->rn_vnode);
	return (error);
}

static int
ramfs_where(struct vnode *vp, struct vnode **dvpp, char *name)
{
	struct ramfs_entry *re;

	rw_enter_read(&ramfs_lock);
	if ((re = RAMFS_NODE(vp)->rn_entry) != NULL) {
		*dvpp = &re->re_dir->rn_vnode;
		vnode_ref(*dvpp);
		if (name != NULL)
			strlcpy(name, re->re_name, NAME_MAX + 1);
	}
	rw_exit(&ramfs_lock);
	return (re != NULL ? 0 : ENOENT);
}

static int
ramfs_readdir(struct vnode *vp, off_t off, dirfill_t fill, void *arg)
{
	struct ramfs_node *dir = RAMFS_NODE(vp), *up;
	struct ramfs_entry *re;
	int full = 0;

	if (vp->v_type != VDIR)
		return (ENOTDIR);
	rw_enter_read(&ramfs_lock);
	up = dir->rn_entry != NULL ? dir->rn_entry->re_dir : dir;
	if (off <= 0)
		full = fill(arg, ".", dir->rn_ino, VDIR, 1);
	if (full == 0 && off <= 1)
		full = fill(arg, "..", up->rn_ino, VDIR, POS_FIRST);
	TAILQ_FOREACH(re, &dir->rn_entries, re_link) {
		if (full != 0)
			break;
		if (re->re_pos >= off)
			full = fill(arg, re->re_name, re->re_node->rn_ino,
			    re->re_node->rn_vnode.v_type, re->re_pos + 1);
	}
	rw_exit(&ramfs_lock);
	return (0);
}

/* --- attributes --------------------------------------------------------- */

static off_t
object_size(struct vm_object *obj, uint64_t *blocks)
{
	uint64_t size, inplace;

	rw_enter_read(&obj->vo_lock);
	size = obj->vo_size;
	inplace = obj->vo_datalen;
	rw_exit(&obj->vo_lock);
	*blocks = howmany(MAX(inplace, vm_object_resident(obj)), 512);
	return (size);
}

static int
ramfs_stat(struct vnode *vp, struct kstat *ks)
{
	struct ramfs_node *rn = RAMFS_NODE(vp);

	*ks = (struct kstat){ .ks_dev = makedev(0, 1), .ks_rdev = rn->rn_rdev,
	    .ks_ino = rn->rn_ino, .ks_blksize = PAGE_SIZE };
	if (rn->rn_object != NULL)
		ks->ks_size = object_size(rn->rn_object, &ks->ks_blocks);
	else if (rn->rn_target != NULL)
		ks->ks_size = strlen(rn->rn_target);
	rw_enter_read(&ramfs_lock);
	ks->ks_nlink = rn->rn_nlink;
	if (vp->v_type == VDIR)
		ks->ks_size = rn->rn_nentries * 32;
	rw_exit(&ramfs_lock);
	mtx_enter(&ramfs_mtx);
	ks->ks_mode = rn->rn_mode;
	ks->ks_uid = rn->rn_uid;
	ks->ks_gid = rn->rn_gid;
	ks->ks_atime = rn->rn_atime;
	ks->ks_mtime = rn->rn_mtime;
	ks->ks_ctime = rn->rn_ctime;
	mtx_leave(&ramfs_mtx);
	return (0);
}

static int
ramfs_setattr(struct vnode *vp, const struct kstat *ks, int which)
{
	struct ramfs_node *rn = RAMFS_NODE(vp);
	uint64_t now = nsecwall();

	mtx_enter(&ramfs_mtx);
	if (which & VA_MODE)
		rn->rn_mode = (rn->rn_mode & S_IFMT) | (ks->ks_mode & 07777);
	if (which & VA_OWNER) {
		rn->rn_uid = ks->ks_uid;
		rn->rn_gid = ks->ks_gid;
	}
	if (which & VA_ATIME)
		rn->rn_atime = ks->ks_atime;
	if (which & VA_MTIME)
		rn->rn_mtime = ks->ks_mtime;
	rn->rn_ctime = now;
	mtx_leave(&ramfs_mtx);
	return (0);
}

/* --- contents ----------------------------------------------------------- */

static int
ramfs_open(struct vnode *vp, int flags, struct file *f)
{
	switch (vp->v_type) {
	case VCHR:
	case VBLK:
		return (ENXIO);		/* devices are below /dev */
	case VFIFO:
		return (fifo_open(&RAMFS_NODE(vp)->rn_fifo, flags, f));
	default:
		return (0);
	}
}

static int
ramfs_read(struct vnode *vp, struct uio *uio)
{
	struct ramfs_node *rn = RAMFS_NODE(vp);
	uint64_t now;
	int error;

	if (rn->rn_object == NULL)
		return (EINVAL);
	error = vm_object_rdwr(rn->rn_object, uio);
	now = nsecwall();
	mtx_enter(&ramfs_mtx);
	rn->rn_atime = now;
	mtx_leave(&ramfs_mtx);
	return (error);
}

static int
ramfs_write(struct vnode *vp, struct uio *uio)
{
	struct ramfs_node *rn = RAMFS_NODE(vp);
	int error;

	if (rn->rn_object == NULL)
		return (EINVAL);
	if (uio->uio_resid == 0)
		return (0);
	error = vm_object_rdwr(rn->rn_object, uio);
	node_changed(rn, true);
	return (error == ENOMEM ? ENOSPC : error);
}

static int
ramfs_truncate(struct vnode *vp, uint64_t size)
{
	struct ramfs_node *rn = RAMFS_NODE(vp);
	int error;

	if (rn->rn_object == NULL)
		return (EINVAL);
	error = vm_object_resize(rn->rn_object, size);
	if (error == 0)
		node_changed(rn, true);
	return (error == ENOMEM ? ENOSPC : error);
}

static int
ramfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *lenp)
{
	const char *target = RAMFS_NODE(vp)->rn_target;

	if (target == NULL)
		return (EINVAL);
	*lenp = MIN(strlen(target), size);
	memcpy(buf, target, *lenp);
	return (0);
}

static struct vm_object *
ramfs_object(struct vnode *vp)
{
	struct vm_object *obj = RAMFS_NODE(vp)->rn_object;

	if (obj != NULL)
		vm_object_ref(obj);
	return (obj);
}

static const struct vnodeops ramfs_ops = {
	.vop_lookup = ramfs_lookup,
	.vop_create = ramfs_create,
	.vop_symlink = ramfs_symlink,
	.vop_link = ramfs_link,
	.vop_remove = ramfs_remove,
	.vop_rename = ramfs_rename,
	.vop_readdir = ramfs_readdir,
	.vop_readlink = ramfs_readlink,
	.vop_stat = ramfs_stat,
	.vop_setattr = ramfs_setattr,
	.vop_open = ramfs_open,
	.vop_read = ramfs_read,
	.vop_write = ramfs_write,
	.vop_truncate = ramfs_truncate,
	.vop_object = ramfs_object,
	.vop_inactive = ramfs_inactive,
	.vop_where = ramfs_where,
};

struct vnode *
ramfs_root(void)
{
	struct ramfs_node *rn;

	if ((rn = node_alloc(NULL, S_IFDIR | 0755)) == NULL)
		return (NULL);
	rn->rn_fs = rn;
	rn->rn_nlink = 2;
	rn->rn_vnode.v_fsname = "ramfs";
	return (&rn->rn_vnode);
}

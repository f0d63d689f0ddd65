/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * /dev: a tree of nodes for the devices there are.  Directories come and go
 * with what is in them.  devfs_lock guards the tree and the attributes; the
 * tree holds a reference on each node.
 */

#include <sys/devvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/selinfo.h>
#include <sys/systm.h>
#include <sys/todr.h>
#include <sys/tty.h>
#include <sys/uio.h>
#include <sys/vnode.h>

struct devnode {
	struct vnode		 dn_vnode;
	TAILQ_ENTRY(devnode)	 dn_link;
	TAILQ_HEAD(, devnode)	 dn_children;
	struct devnode		*dn_parent;	/* NULL: the root, or removed */
	char			*dn_name;
	off_t			 dn_pos;	/* for readdir */
	ino_t			 dn_ino;
	mode_t			 dn_mode;	/* with the type */
	uid_t			 dn_uid;
	gid_t			 dn_gid;
	/* on the clock that began at boot: no other may be known yet */
	uint64_t		 dn_atime, dn_mtime, dn_ctime;
	bool			 dn_keep;	/* stays when it is empty */
	struct cdev		*dn_cdev;	/* a reference */
	const char		*dn_target;	/* VLNK */
};
#define DEVNODE(vp)	((struct devnode *)(vp)->v_data)
#define POS_FIRST	2		/* behind "." and ".." */

static const struct vnodeops devfs_ops;
static struct rwlock	devfs_lock = { .rw_mtx = MUTEX_INITIALIZER(IPL_SOFT),
			    .rw_name = "devfs" };
static struct devnode	*devroot;		/* devfs_lock */
static off_t		 devfs_lastpos = POS_FIRST;

/* --- the tree ----------------------------------------------------------- */

static struct devnode *
devnode_alloc(const char *name, size_t len, mode_t mode)
{
	enum vtype type = S_IFDIR == (mode & S_IFMT) ? VDIR :
	    S_IFLNK == (mode & S_IFMT) ? VLNK :
	    S_IFBLK == (mode & S_IFMT) ? VBLK : VCHR;
	struct devnode *dn;

	if ((dn = kmem_zalloc(sizeof(*dn), KM_NOSLEEP)) == NULL)
		return (NULL);
	if ((dn->dn_name = kmem_zalloc(len + 1, KM_NOSLEEP)) == NULL) {
		kmem_free(dn, sizeof(*dn));
		return (NULL);
	}
	memcpy(dn->dn_name, name, len);
	vnode_init(&dn->dn_vnode, &devfs_ops, type, dn);
	TAILQ_INIT(&dn->dn_children);
	dn->dn_mode = mode;
	dn->dn_atime = dn->dn_mtime = dn->dn_ctime = nsecuptime();
	return (dn);
}

static void
devfs_inactive(struct vnode *vp)
{
	struct devnode *dn = DEVNODE(vp);

	if (dn->dn_cdev != NULL)
		dev_release(dn->dn_cdev);
	kmem_free(dn->dn_name, strlen(dn->dn_name) + 1);
	kmem_free(dn, sizeof(*dn));
}

static struct devnode *
devnode_find(struct devnode *dir, const char *name, size_t len)
{
	struct devnode *dn;

	TAILQ_FOREACH(dn, &dir->dn_children, dn_link) {
		if (strncmp(dn->dn_name, name, len) == 0 &&
		    dn->dn_name[len] == '\0')
			return (dn);
	}
	return (NULL);
}

/* The reference goes to the tree. */
static void
devnode_insert(struct devnode *dir, struct devnode *dn)
{
	KASSERT(rw_write_held(&devfs_lock));
	dn->dn_parent = dir;
	dn->dn_pos = devfs_lastpos++;
	dn->dn_ino = dn->dn_pos;
	dir->dn_mtime = dir->dn_ctime = nsecuptime();
	TAILQ_INSERT_TAIL(&dir->dn_children, dn, dn_link);
}

/* The caller gives the reference back; empty directories go as well. */
static void
devnode_remove(struct devnode *dn)
{
	struct devnode *dir = dn->dn_parent;

	KASSERT(rw_write_held(&devfs_lock));
	TAILQ_REMOVE(&dir->dn_children, dn, dn_link);
	dir->dn_mtime = dir->dn_ctime = nsecuptime();
	dn->dn_parent = NULL;
	if (TAILQ_EMPTY(&dir->dn_children) && dir->dn_parent != NULL &&
	    !dir->dn_keep) {
		devnode_remove(dir);
		vnode_unref(&dir->dn_vnode);
	}
}

/* One part of a name: to the next slash.  0: it cannot be a name. */
static size_t
name_len(const char *p)
{
	size_t n, i;

	for (n = 0; p[n] != '\0' && p[n] != '/'; n++)
		;
	if (n > NAME_MAX || (n == 1 && p[0] == '.') ||
	    (n == 2 && p[0] == '.' && p[1] == '.'))
		return (0);
	/* names may come from the host: nothing that confuses a terminal */
	for (i = 0; i < n; i++) {
		if ((u_char)p[i] <= ' ' || (u_char)p[i] == 0x7f)
			return (0);
	}
	return (n);
}

static bool
name_valid(const char *p)
{
	size_t n;

	for (;; p += n + 1) {
		if ((n = name_len(p)) == 0)
			return (false);
		if (p[n] == '\0')
			return (true);
	}
}

/* The root, made by whoever comes first: drivers or vfs_init(). */
static struct devnode *
devfs_getroot(void)
{
	KASSERT(rw_write_held(&devfs_lock));
	if (devroot == NULL) {
		devroot = devnode_alloc("", 0, S_IFDIR | 0755);
		if (devroot != NULL) {
			devroot->dn_ino = 1;
			devroot->dn_vnode.v_fsname = "devfs";
		}
	}
	return (devroot);
}

/* The directory for a name, made if need be; *pp goes to its last part. */
static int
devfs_parent(const char **pp, struct devnode **dirp)
{
	struct devnode *dir = devfs_getroot(), *dn;
	size_t n;

	if (dir == NULL)
		return (ENOMEM);
	for (; (*pp)[n = name_len(*pp)] == '/'; *pp += n + 1) {
		dn = devnode_find(dir, *pp, n);
		if (dn == NULL) {
			dn = devnode_alloc(*pp, n, S_IFDIR | 0755);
			if (dn == NULL)
				return (ENOMEM);
			devnode_insert(dir, dn);
		}
		if (dn->dn_vnode.v_type != VDIR)
			return (EEXIST);
		dir = dn;
	}
	*dirp = dir;
	return (0);
}

static int
devfs_enter(const char *name, mode_t mode, struct cdev *cd,
    const char *target, bool keep)
{
	struct devnode *dir, *dn;
	int error;

	if (!name_valid(name))
		return (EINVAL);
	rw_enter_write(&devfs_lock);
	if ((error = devfs_parent(&name, &dir)) != 0)
		;
	else if (devnode_find(dir, name, strlen(name)) != NULL)
		error = EEXIST;
	else if ((dn = devnode_alloc(name, strlen(name), mode)) == NULL)
		error = ENOMEM;
	else {
		dn->dn_cdev = cd;
		if (cd != NULL)
			dev_ref(cd);
		dn->dn_target = target;
		dn->dn_keep = keep;
		devnode_insert(dir, dn);
	}
	rw_exit(&devfs_lock);
	return (error);
}

int
devfs_add(struct cdev *cd)
{
	return (devfs_enter(cd->cd_name, cd->cd_mode, cd, NULL, false));
}

static struct devnode *
devfs_find(const char *name)
{
	struct devnode *dn = devroot;
	size_t n;

	while (dn != NULL) {
		n = name_len(name);
		if ((dn = devnode_find(dn, name, n)) == NULL ||
		    name[n] == '\0')
			break;
		name += n + 1;
	}
	return (dn);
}

void
devfs_remove(struct cdev *cd)
{
	struct devnode *dn;

	rw_enter_write(&devfs_lock);
	dn = devfs_find(cd->cd_name);
	KASSERT(dn != NULL && dn->dn_cdev == cd);
	devnode_remove(dn);
	rw_exit(&devfs_lock);
	vnode_unref(&dn->dn_vnode);
}

struct cdev *
dev_lookup(const char *name)
{
	struct cdev *cd = NULL;
	struct devnode *dn;

	if (!name_valid(name))
		return (NULL);
	rw_enter_read(&devfs_lock);
	if ((dn = devfs_find(name)) != NULL && (cd = dn->dn_cdev) != NULL)
		dev_ref(cd);
	rw_exit(&devfs_lock);
	return (cd);
}

/* A new reference on the root. */
struct vnode *
devfs_root(void)
{
	struct devnode *root;

	(void)devfs_enter("fd", S_IFLNK | 0777, NULL, "/proc/self/fd", true);
	(void)devfs_enter("stdin", S_IFLNK | 0777, NULL, "/proc/self/fd/0",
	    true);
	(void)devfs_enter("stdout", S_IFLNK | 0777, NULL, "/proc/self/fd/1",
	    true);
	(void)devfs_enter("stderr", S_IFLNK | 0777, NULL, "/proc/self/fd/2",
	    true);
	rw_enter_write(&devfs_lock);
	if ((root = devfs_getroot()) != NULL)
		vnode_ref(&root->dn_vnode);
	rw_exit(&devfs_lock);
	return (root != NULL ? &root->dn_vnode : NULL);
}

/* --- open devices ------------------------------------------------------- */

static int
dev_flags(const struct file *f)
{
	int flags = f->f_flags, n = 0;

	if ((flags & O_ACCMODE) != O_WRONLY)
		n |= FREAD;
	if ((flags & O_ACCMODE) != O_RDONLY)
		n |= FWRITE;
	if (flags & O_NONBLOCK)
		n |= FNONBLOCK;
	if (flags & O_DIRECT)
		n |= FDIRECT;
	return (n);
}

static int
devf_rdwr(struct file *f, struct uio *uio)
{
	return (dev_rdwr(f->f_data, uio, dev_flags(f)));
}

static int
devf_ioctl(struct file *f, u_long cmd, void *data)
{
	return (dev_userioctl(f->f_data, cmd, data, dev_flags(f)));
}

static int
devf_poll(struct file *f, int events, struct selreq *sr)
{
	return (dev_poll(f->f_data, events, sr));
}

static int
devf_stat(struct file *f, struct kstat *ks)
{
	return (f->f_vnode->v_ops->vop_stat(f->f_vnode, ks));
}

static int
devf_fsync(struct file *f)
{
	return (dev_fsync(f->f_data));
}

static void
devf_aio(struct file *f, struct aiolist *list)
{
	dev_aio(f->f_data, list);
}

static off_t
devf_size(struct file *f)
{
	return (dev_size(f->f_data));
}

static int
devf_close(struct file *f)
{
	int error = dev_close(f->f_data, dev_flags(f));

	dev_release(f->f_data);
	return (error);
}

static const struct fileops dev_fileops = {
	.fo_read = devf_rdwr,
	.fo_write = devf_rdwr,
	.fo_ioctl = devf_ioctl,
	.fo_poll = devf_poll,
	.fo_stat = devf_stat,
	.fo_close = devf_close,
	.fo_fsync = devf_fsync,
	.fo_size = devf_size,
	.fo_aio = devf_aio,
};

static int
devfs_open(struct vnode *vp, int flags, struct file *f)
{
	struct cdev *cd;
	bool terminal;
	int error;

	if (vp->v_type == VDIR)
		return (0);
	if (DEVNODE(vp)->dn_cdev == NULL)
		return (ENXIO);
	/* /dev/tty and /dev/console stand for others */
	if ((error = tty_alias(DEVNODE(vp)->dn_cdev, &cd)) != 0)
		return (error);
	if ((error = dev_open(cd, dev_flags(f))) != 0) {
		dev_release(cd);
		return (error);
	}
	terminal = (cd->cd_sw->d_flags & D_TTY) != 0;
	f->f_data = cd;
	f->f_seekable = !terminal;
	f->f_ops = &dev_fileops;
	if (terminal && cd == DEVNODE(vp)->dn_cdev && !(flags & O_NOCTTY))
		tty_setctty(cd);
	return (0);
}

static struct vm_object *
devfs_object(struct vnode *vp)
{
	struct cdev *cd = DEVNODE(vp)->dn_cdev;

	return (vp->v_type == VDIR || cd == NULL ? NULL : dev_object(cd));
}

/* --- vnodes ------------------------------------------------------------- */

static int
devfs_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	struct devnode *dn;

	if (dvp->v_type != VDIR)
		return (ENOTDIR);
	rw_enter_read(&devfs_lock);
	dn = devnode_find(DEVNODE(dvp), name, strlen(name));
	if (dn != NULL) {
		*vpp = &dn->dn_vnode;
		vnode_ref(*vpp);
	}
	rw_exit(&devfs_lock);
	return (dn != NULL ? 0 : ENOENT);
}

static int
devfs_where(struct vnode *vp, struct vnode **dvpp, char *name)
{
	struct devnode *dir;

	rw_enter_read(&devfs_lock);
	if ((dir = DEVNODE(vp)->dn_parent) != NULL) {
		*dvpp = &dir->dn_vnode;
		vnode_ref(*dvpp);
		if (name != NULL)
			strlcpy(name, DEVNODE(vp)->dn_name, NAME_MAX + 1);
	}
	rw_exit(&devfs_lock);
	return (dir != NULL ? 0 : ENOENT);
}

static int
devfs_readdir(struct vnode *vp, off_t off, dirfill_t fill, void *arg)
{
	struct devnode *dir = DEVNODE(vp), *dn;
	int full = 0;

	if (vp->v_type != VDIR)
		return (ENOTDIR);
	rw_enter_read(&devfs_lock);
	if (off <= 0)
		full = fill(arg, ".", dir->dn_ino, VDIR, 1);
	if (full == 0 && off <= 1)
		full = fill(arg, "..", dir->dn_parent != NULL ?
		    dir->dn_parent->dn_ino : dir->dn_ino, VDIR, POS_FIRST);
	TAILQ_FOREACH(dn, &dir->dn_children, dn_link) {
		if (full != 0)
			break;
		if (dn->dn_pos >= off)
			full = fill(arg, dn->dn_name, dn->dn_ino,
			    dn->dn_vnode.v_type, dn->dn_pos + 1);
	}
	rw_exit(&devfs_lock);
	return (0);
}

static int
devfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *lenp)
{
	const char *target = DEVNODE(vp)->dn_target;

	if (target == NULL)
		return (EINVAL);
	*lenp = MIN(strlen(target), size);
	memcpy(buf, target, *lenp);
	return (0);
}

static int
devfs_stat(struct vnode *vp, struct kstat *ks)
{
	struct devnode *dn = DEVNODE(vp), *child;

	*ks = (struct kstat){ .ks_dev = makedev(0, 5), .ks_nlink = 1,
	    .ks_blksize = PAGE_SIZE };
	rw_enter_read(&devfs_lock);
	ks->ks_ino = dn->dn_ino;
	ks->ks_mode = dn->dn_mode;
	ks->ks_uid = dn->dn_uid;
	ks->ks_gid = dn->dn_gid;
	ks->ks_atime = time_wall(dn->dn_atime);
	ks->ks_mtime = time_wall(dn->dn_mtime);
	ks->ks_ctime = time_wall(dn->dn_ctime);
	if (dn->dn_cdev != NULL)
		ks->ks_rdev = dn->dn_cdev->cd_rdev;
	if (dn->dn_target != NULL)
		ks->ks_size = strlen(dn->dn_target);
	if (vp->v_type == VDIR) {
		ks->ks_nlink = 2;
		TAILQ_FOREACH(child, &dn->dn_children, dn_link)
			ks->ks_nlink += child->dn_vnode.v_type == VDIR;
	}
	rw_exit(&devfs_lock);
	return (0);
}

static int
devfs_setattr(struct vnode *vp, const struct kstat *ks, int which)
{
	struct devnode *dn = DEVNODE(vp);

	rw_enter_write(&devfs_lock);
	if (which & VA_MODE)
		dn->dn_mode = (dn->dn_mode & S_IFMT) | (ks->ks_mode & 07777);
	if (which & VA_OWNER) {
		dn->dn_uid = ks->ks_uid;
		dn->dn_gid = ks->ks_gid;
	}
	if (which & VA_ATIME)
		dn->dn_atime = ks->ks_atime - time_wall(0);
	if (which & VA_MTIME)
		dn->dn_mtime = ks->ks_mtime - time_wall(0);
	dn->dn_ctime = nsecuptime();
	rw_exit(&devfs_lock);
	return (0);
}

/* Only the kernel makes things here, but somewhere to mount on it may need. */
static int
devfs_create(struct vnode *dvp, const char *name, mode_t mode,
    dev_t rdev __unused, struct vnode **vpp)
{
	int error;

	if ((mode & S_IFMT) != S_IFDIR || DEVNODE(dvp) != devroot)
		return (EROFS);
	error = devfs_enter(name, S_IFDIR | (mode & 07777), NULL, NULL, true);
	return (error != 0 ? error : devfs_lookup(dvp, name, vpp));
}

static const struct vnodeops devfs_ops = {
	.vop_lookup = devfs_lookup,
	.vop_create = devfs_create,
	.vop_readdir = devfs_readdir,
	.vop_readlink = devfs_readlink,
	.vop_stat = devfs_stat,
	.vop_setattr = devfs_setattr,
	.vop_open = devfs_open,
	.vop_object = devfs_object,
	.vop_inactive = devfs_inactive,
	.vop_where = devfs_where,
};

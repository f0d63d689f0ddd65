/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The name space: references to vnodes, mounts, and the way from a name to a
 * vnode and back.  See vnode.h.
 */

#include <sys/devvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/vnode.h>

#define MAXLINKS	40		/* symbolic links in one name */
#define MAXMOUNTS	16

struct walk {
	struct vnode	*w_vp;		/* where we are; a reference */
	char		*w_buf;		/* MAXPATHLEN */
	char		*w_path;	/* what is left of it */
	u_int		 w_links;
	bool		 w_slash;	/* one stood before what is left */
};

struct vnode		*rootvnode;
/* mounts are made at boot and stay; an entry is complete before it counts */
static struct vnode	*mounts[MAXMOUNTS];
static u_int		 nmounts;

/* --- vnodes ------------------------------------------------------------- */

void
vnode_init(struct vnode *vp, const struct vnodeops *ops, enum vtype type,
    void *data)
{
	*vp = (struct vnode){ .v_ops = ops, .v_type = type, .v_refs = 1,
	    .v_data = data };
	rw_init(&vp->v_lock, "vnode");
}

void
vnode_ref(struct vnode *vp)
{
	u_int old = __atomic_fetch_add(&vp->v_refs, 1, __ATOMIC_RELAXED);

	KASSERT(old != 0);
}

void
vnode_unref(struct vnode *vp)
{
	u_int old;

	if (vp == NULL)
		return;
	old = __atomic_fetch_sub(&vp->v_refs, 1, __ATOMIC_ACQ_REL);
	KASSERT(old != 0);
	if (old == 1 && vp->v_ops->vop_inactive != NULL)
		vp->v_ops->vop_inactive(vp);
}

/* --- mounts ------------------------------------------------------------- */

int
vfs_mount(struct vnode *root, struct vnode *dir)
{
	if (dir->v_type != VDIR || root->v_type != VDIR)
		return (ENOTDIR);
	if (dir->v_mounted != NULL || root->v_covered != NULL ||
	    nmounts == MAXMOUNTS)
		return (EBUSY);
	vnode_ref(root);
	vnode_ref(dir);
	root->v_covered = dir;
	__atomic_store_n(&dir->v_mounted, root, __ATOMIC_RELEASE);
	mounts[nmounts] = root;
	__atomic_store_n(&nmounts, nmounts + 1, __ATOMIC_RELEASE);
	return (0);
}

struct vnode *
vfs_mounted(u_int n)
{
	if (n == 0)
		return (rootvnode);
	return (n - 1 < __atomic_load_n(&nmounts, __ATOMIC_ACQUIRE) ?
	    mounts[n - 1] : NULL);
}

/* Takes over a reference and gives one. */
struct vnode *
vfs_top(struct vnode *vp)
{
	struct vnode *root;

	while ((root = __atomic_load_n(&vp->v_mounted, __ATOMIC_ACQUIRE)) !=
	    NULL) {
		vnode_ref(root);
		vnode_unref(vp);
		vp = root;
	}
	return (vp);
}

/* The other way: the directory that this root hides, or itself. */
static struct vnode *
vfs_bottom(struct vnode *vp)
{
	struct vnode *dir;

	while (vp != rootvnode && (dir = vp->v_covered) != NULL) {
		vnode_ref(dir);
		vnode_unref(vp);
		vp = dir;
	}
	return (vp);
}

static void
mount_at(struct vnode *root, struct vnode *dvp, const char *name)
{
	struct vnode *vp;

	if (root == NULL)
		panic("vfs_init: no memory");
	if (dvp->v_ops->vop_create(dvp, name, S_IFDIR | 0755, 0, &vp) != 0 ||
	    vfs_mount(root, vp) != 0)
		panic("vfs_init: cannot mount /%s", name);
	vnode_unref(vp);
	vnode_unref(root);		/* the mount has one */
}

void
vfs_init(void)
{
	struct vnode *dev;

	if ((rootvnode = ramfs_root()) == NULL)
		panic("vfs_init: no memory");
	mem_init();
	tty_init();
	dev = devfs_root();
	mount_at(dev, rootvnode, "dev");
	mount_at(procfs_root(), rootvnode, "proc");
	/* programs look for shared memory there */
	mount_at(ramfs_root(), dev, "shm");
}

/* --- from a name to a vnode --------------------------------------------- */

static struct vnode *
current_dir(void)
{
	struct proc *p = curproc;

	/* only the process itself exchanges p_cwd */
	return (p != NULL && p->p_cwd != NULL ? p->p_cwd : rootvnode);
}

static void
walk_to(struct walk *w, struct vnode *vp)
{
	vnode_unref(w->w_vp);
	w->w_vp = vp;
}

static int
walk_begin(struct walk *w, struct vnode *dir, const char *path)
{
	size_t len = strnlen(path, MAXPATHLEN);

	if (len == 0)
		return (ENOENT);
	if (len >= MAXPATHLEN)
		return (ENAMETOOLONG);
	if ((w->w_buf = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	memcpy(w->w_buf, path, len + 1);
	w->w_path = w->w_buf;
	w->w_links = 0;
	if (*path == '/')
		w->w_vp = rootvnode;
	else
		w->w_vp = dir != NULL ? dir : current_dir();
	vnode_ref(w->w_vp);
	return (0);
}

/* The next part of the name; "" at the end. */
static int
walk_name(struct walk *w, char *name)
{
	size_t n;

	w->w_slash = *w->w_path == '/';
	while (*w->w_path == '/')
		w->w_path++;
	for (n = 0; w->w_path[n] != '/' && w->w_path[n] != '\0'; n++)
		;
	if (n > NAME_MAX)
		return (ENAMETOOLONG);
	memcpy(name, w->w_path, n);
	name[n] = '\0';
	w->w_path += n;
	return (0);
}

static bool
walk_last(const struct walk *w)
{
	const char *p = w->w_path;

	while (*p == '/')
		p++;
	return (*p == '\0');
}

static int
walk_up(struct walk *w)
{
	struct vnode *up;
	int error;

	w->w_vp = vfs_bottom(w->w_vp);
	if (w->w_vp == rootvnode)
		return (0);
	if (w->w_vp->v_ops->vop_where == NULL)
		return (EOPNOTSUPP);
	if ((error = w->w_vp->v_ops->vop_where(w->w_vp, &up, NULL)) == 0)
		walk_to(w, up);
	return (error);
}

/* Put the text of a symbolic link before what is left of the name. */
static int
walk_link(struct walk *w, struct vnode *link)
{
	struct vnode *vp;
	char *buf;
	size_t n = 0;
	int error;

	if (++w->w_links > MAXLINKS)
		return (ELOOP);
	if (link->v_ops->vop_follow != NULL &&
	    (error = link->v_ops->vop_follow(link, &vp)) != EOPNOTSUPP) {
		if (error == 0)
			walk_to(w, vp);
		return (error);
	}
	if (link->v_ops->vop_readlink == NULL)
		return (EOPNOTSUPP);
	if ((buf = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = link->v_ops->vop_readlink(link, buf, MAXPATHLEN, &n);
	if (error == 0 && n == 0)
		error = ENOENT;
	if (error == 0 && n + strlen(w->w_path) >= MAXPATHLEN)
		error = ENAMETOOLONG;
	if (error != 0) {
		kmem_free(buf, MAXPATHLEN);
		return (error);
	}
	memcpy(buf + n, w->w_path, strlen(w->w_path) + 1);
	kmem_free(w->w_buf, MAXPATHLEN);
	w->w_buf = w->w_path = buf;
	if (*buf == '/') {
		vnode_ref(rootvnode);
		walk_to(w, rootvnode);
	}
	return (0);
}

static int
walk_step(struct walk *w, const char *name, bool nofollow)
{
	struct vnode *vp;
	int error;

	if (strcmp(name, ".") == 0)
		return (0);
	if (strcmp(name, "..") == 0)
		return (walk_up(w));
	if (w->w_vp->v_ops->vop_lookup == NULL)
		return (ENOENT);
	if ((error = w->w_vp->v_ops->vop_lookup(w->w_vp, name, &vp)) != 0)
		return (error);
	vp = vfs_top(vp);
	/* a slash behind it asks for what the link leads to */
	if (vp->v_type == VLNK && (!nofollow || *w->w_path == '/')) {
		error = walk_link(w, vp);
		vnode_unref(vp);
	} else
		walk_to(w, vp);
	return (error);
}

/* The whole way; with last, up to the last part, which goes there. */
static int
walk(struct vnode *dir, const char *path, bool nofollow, char *last,
    struct vnode **vpp)
{
	char name[NAME_MAX + 1];
	struct walk w;
	int error;

	if ((error = walk_begin(&w, dir, path)) != 0)
		return (error);
	while ((error = walk_name(&w, name)) == 0) {
		if ((w.w_slash || name[0] != '\0') && w.w_vp->v_type != VDIR)
			error = ENOTDIR;
		else if (name[0] == '\0') {
			if (last != NULL)
				strlcpy(last, ".", NAME_MAX + 1);
			break;
		} else if (last != NULL && walk_last(&w)) {
			strlcpy(last, name, NAME_MAX + 1);
			break;
		} else
			error = walk_step(&w, name, nofollow);
		if (error != 0)
			break;
	}
	kmem_free(w.w_buf, MAXPATHLEN);
	if (error != 0)
		vnode_unref(w.w_vp);
	else
		*vpp = w.w_vp;
	return (error);
}

int
namei(struct vnode *dir, const char *path, int flags, struct vnode **vpp)
{
	int error;

	error = walk(dir, path, (flags & NAMEI_NOFOLLOW) != 0, NULL, vpp);
	if (error != 0)
		return (error);
	if ((flags & NAMEI_DIRECTORY) && (*vpp)->v_type != VDIR) {
		vnode_unref(*vpp);
		return (ENOTDIR);
	}
	return (0);
}

int
namei_parent(struct vnode *dir, const char *path, struct vnode **dvpp,
    char *last)
{
	return (walk(dir, path, false, last, dvpp));
}

/* --- and back ----------------------------------------------------------- */

int
vn_path(struct vnode *vp, char *buf, size_t size)
{
	char name[NAME_MAX + 1], *p = buf + size;
	struct vnode *up;
	size_t n;
	int error = 0;

	if (size < 2)
		return (ENAMETOOLONG);
	*--p = '\0';
	vnode_ref(vp);
	while ((vp = vfs_bottom(vp)) != rootvnode) {
		if (vp->v_ops->vop_where == NULL) {
			error = ENOENT;
			break;
		}
		if ((error = vp->v_ops->vop_where(vp, &up, name)) != 0)
			break;
		vnode_unref(vp);
		vp = up;
		n = strlen(name);
		if ((size_t)(p - buf) < n + 1) {
			error = ENAMETOOLONG;
			break;
		}
		p -= n;
		memcpy(p, name, n);
		*--p = '/';
	}
	vnode_unref(vp);
	if (error != 0)
		return (error);
	if (*p == '\0')
		*--p = '/';
	memmove(buf, p, buf + size - p);
	return (0);
}

/* The name of the file system that it is in. */
const char *
vn_fsname(struct vnode *vp)
{
	struct vnode *up;
	const char *name;

	vnode_ref(vp);
	while (vp->v_fsname == NULL) {
		if (vp->v_ops->vop_where == NULL ||
		    vp->v_ops->vop_where(vp, &up, NULL) != 0)
			break;
		vnode_unref(vp);
		vp = up;
	}
	name = vp->v_fsname;
	vnode_unref(vp);
	/* what was removed, or never had a name, is memory all the same */
	return (name != NULL ? name : "ramfs");
}

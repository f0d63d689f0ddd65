/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Open files that are vnodes: open(2), and what a struct file does to one.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#define MAXLINKS	40

static int	vnf_read(struct file *, struct uio *);
static int	vnf_write(struct file *, struct uio *);
static int	vnf_stat(struct file *, struct kstat *);
static int	vnf_fsync(struct file *);

static const struct fileops vnode_fileops = {
	.fo_read = vnf_read,
	.fo_write = vnf_write,
	.fo_stat = vnf_stat,
	.fo_fsync = vnf_fsync,
};

/* --- operations --------------------------------------------------------- */

static int
vnf_read(struct file *f, struct uio *uio)
{
	struct vnode *vp = f->f_vnode;

	if (vp->v_type == VDIR)
		return (EISDIR);
	if (vp->v_ops->vop_read == NULL)
		return (EINVAL);
	return (vp->v_ops->vop_read(vp, uio));
}

/* Writers exclude each other, so that what is appended stays in one piece. */
static int
vnf_write(struct file *f, struct uio *uio)
{
	struct vnode *vp = f->f_vnode;
	struct kstat ks;
	int error = 0;

	if (vp->v_ops->vop_write == NULL)
		return (EINVAL);
	rw_enter_write(&vp->v_lock);
	if ((f->f_flags & O_APPEND) && vp->v_ops->vop_stat != NULL &&
	    (error = vp->v_ops->vop_stat(vp, &ks)) == 0)
		uio->uio_offset = ks.ks_size;
	if (error == 0)
		error = vp->v_ops->vop_write(vp, uio);
	rw_exit(&vp->v_lock);
	return (error);
}

static int
vnf_stat(struct file *f, struct kstat *ks)
{
	if (f->f_vnode->v_ops->vop_stat == NULL)
		return (EOPNOTSUPP);
	return (f->f_vnode->v_ops->vop_stat(f->f_vnode, ks));
}

static int
vnf_fsync(struct file *f __unused)
{
	return (0);			/* memory is all there is */
}

/* --- open --------------------------------------------------------------- */

/*
 * The name is there, or it is a symbolic link: follow it.  A link that leads
 * nowhere yet says where the new file goes: its text to buf, EJUSTLINK.
 */
#define EJUSTLINK	(-10)

static int
open_found(struct vnode *dvp, const char *name, struct vnode *vp, int flags,
    char *buf, struct vnode **vpp)
{
	size_t n;
	int error;

	if (flags & O_EXCL)
		return (EEXIST);
	if (vp->v_type != VLNK || (flags & O_NOFOLLOW)) {
		vnode_ref(vp);
		*vpp = vfs_top(vp);
		return (0);
	}
	if ((error = namei(dvp, name, 0, vpp)) != ENOENT)
		return (error);
	if (vp->v_ops->vop_readlink == NULL)
		return (ENOENT);
	if ((error = vp->v_ops->vop_readlink(vp, buf, MAXPATHLEN, &n)) != 0)
		return (error);
	if (n >= MAXPATHLEN)
		return (ENAMETOOLONG);
	buf[n] = '\0';
	return (EJUSTLINK);
}

/* One try in one directory.  EEXIST without O_EXCL: somebody was faster. */
static int
open_create_at(struct vnode *dvp, const char *name, int flags, mode_t mode,
    bool slash, char *buf, struct vnode **vpp)
{
	struct vnode *vp;
	int error;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return (flags & O_EXCL ? EEXIST : EISDIR);
	if (dvp->v_ops->vop_lookup == NULL)
		return (ENOTDIR);
	error = dvp->v_ops->vop_lookup(dvp, name, &vp);
	if (error == 0) {
		error = open_found(dvp, name, vp, flags, buf, vpp);
		vnode_unref(vp);
		return (error);
	}
	if (error != ENOENT)
		return (error);
	if (slash)
		return (EISDIR);
	if (dvp->v_ops->vop_create == NULL)
		return (EROFS);
	return (dvp->v_ops->vop_create(dvp, name, S_IFREG | (mode & 07777), 0,
	    vpp));
}

static int
open_create(struct vnode *dir, const char *path, int flags, mode_t mode,
    struct vnode **vpp)
{
	char last[NAME_MAX + 1], *buf;
	struct vnode *dvp, *at = NULL;
	bool slash;
	u_int tries;
	int error = ELOOP;

	if ((buf = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	for (tries = 0; tries < MAXLINKS; tries++) {
		error = namei_parent(at != NULL ? at : dir, path, &dvp, last);
		if (error != 0)
			break;
		slash = path[strlen(path) - 1] == '/';
		error = open_create_at(dvp, last, flags, mode, slash, buf,
		    vpp);
		if (error == EJUSTLINK) {
			vnode_unref(at);
			at = dvp;
			path = buf;
			error = ELOOP;
			continue;
		}
		vnode_unref(dvp);
		if (error != EEXIST || (flags & O_EXCL))
			break;
	}
	vnode_unref(at);
	kmem_free(buf, MAXPATHLEN);
	return (error);
}

static int
open_check(const struct vnode *vp, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if ((flags & O_DIRECTORY) && vp->v_type != VDIR)
		return (vp->v_type == VLNK ? ELOOP : ENOTDIR);
	if (flags & O_PATH)
		return (0);
	if (vp->v_type == VLNK)
		return (ELOOP);
	if (vp->v_type == VDIR && (writes || (flags & (O_CREAT | O_TRUNC))))
		return (EISDIR);
	return (0);
}

static int
open_truncate(struct vnode *vp, int flags)
{
	int error;

	if (!(flags & O_TRUNC) || vp->v_type != VREG)
		return (0);
	if (vp->v_ops->vop_truncate == NULL)
		return (0);		/* variables of the kernel have no length */
	rw_enter_write(&vp->v_lock);
	error = vp->v_ops->vop_truncate(vp, 0);
	rw_exit(&vp->v_lock);
	return (error);
}

int
vn_open(struct vnode *dir, const char *path, int flags, mode_t mode,
    struct file **fpp)
{
	struct vnode *vp;
	struct file *f;
	int error;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return (EOPNOTSUPP);
	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if (flags & O_CREAT)
		error = open_create(dir, path, flags, mode, &vp);
	else
		error = namei(dir, path,
		    flags & O_NOFOLLOW ? NAMEI_NOFOLLOW : 0, &vp);
	if (error != 0)
		return (error);
	f = NULL;
	if ((error = open_check(vp, flags)) != 0)
		goto fail;
	f = file_alloc(&vnode_fileops, flags & ~(O_CREAT | O_EXCL | O_NOCTTY |
	    O_TRUNC | O_CLOEXEC), NULL);
	if (f == NULL) {
		error = ENOMEM;
		goto fail;
	}
	f->f_vnode = vp;		/* with our reference */
	f->f_seekable = true;
	if (!(flags & O_PATH)) {
		/* may put other operations in the place of ours */
		if (vp->v_ops->vop_open != NULL)
			error = vp->v_ops->vop_open(vp, flags, f);
		if (error == 0)
			error = open_truncate(vp, flags);
	}
	if (error == 0) {
		*fpp = f;
		return (0);
	}
 fail:
	if (f != NULL)
		file_unref(f);
	else
		vnode_unref(vp);
	return (error);
}

int
vn_read(struct vnode *vp, void *buf, size_t n, off_t off, size_t *donep)
{
	struct iovec iov = { .iov_base = buf, .iov_len = n };
	struct uio uio = { .uio_iov = &iov, .uio_iovcnt = 1,
	    .uio_offset = off, .uio_resid = n, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_READ };
	int error;

	*donep = 0;
	if (vp->v_type == VDIR)
		return (EISDIR);
	if (vp->v_ops->vop_read == NULL)
		return (EINVAL);
	error = vp->v_ops->vop_read(vp, &uio);
	*donep = n - uio.uio_resid;
	return (error);
}

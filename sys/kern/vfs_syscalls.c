/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The operations behind the system calls on files and names.  See
 * syscallsubr.h.
 */

#include <sys/devvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/syscallsubr.h>
#include <sys/systm.h>
#include <sys/ttycom.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#include <vm/vm_page.h>

#define OFF_MAX		INT64_MAX

/* --- where a name begins ------------------------------------------------ */

/* The vnode of a descriptor, with a reference. */
static int
fd_vnode(int fd, struct vnode **vpp)
{
	struct file *f;
	int error;

	if (fd == AT_FDCWD) {
		*vpp = curproc->p_cwd;
		vnode_ref(*vpp);
		return (0);
	}
	if ((error = file_get(fd, &f)) != 0)
		return (error);
	if ((*vpp = f->f_vnode) == NULL)
		error = ENOTDIR;
	else
		vnode_ref(*vpp);
	file_unref(f);
	return (error);
}

/* NULL for an absolute name, which needs no descriptor, good or bad. */
static int
at_dir(int fd, const char *path, struct vnode **dvpp)
{
	*dvpp = NULL;
	return (*path == '/' ? 0 : fd_vnode(fd, dvpp));
}

static int
at_vnode(int fd, const char *path, int flags, struct vnode **vpp)
{
	struct vnode *dvp;
	int error;

	if (path == NULL || (*path == '\0' && (flags & AT_EMPTY_PATH))) {
		/* a descriptor without a vnode is no directory, but bad here */
		error = fd_vnode(fd, vpp);
		return (error == ENOTDIR ? EINVAL : error);
	}
	if ((error = at_dir(fd, path, &dvp)) != 0)
		return (error);
	error = namei(dvp, path,
	    flags & AT_SYMLINK_NOFOLLOW ? NAMEI_NOFOLLOW : 0, vpp);
	vnode_unref(dvp);
	return (error);
}

static bool
ends_in_slash(const char *path)
{
	size_t n = strlen(path);

	return (n > 0 && path[n - 1] == '/');
}

static bool
is_dots(const char *name)
{
	return (strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
}

/* The directory for a new name, or the one to be taken away. */
static int
at_parent(int fd, const char *path, struct vnode **dvpp, char *last)
{
	struct vnode *dvp;
	int error;

	if ((error = at_dir(fd, path, &dvp)) != 0)
		return (error);
	error = namei_parent(dvp, path, dvpp, last);
	vnode_unref(dvp);
	return (error);
}

/*
 * As at_parent(), for something that is about to be made: EEXIST if it is
 * there, before EROFS where nothing can be made.
 */
static int
at_new(int fd, const char *path, bool isdir, struct vnode **dvpp, char *last)
{
	struct vnode *dvp, *vp;
	int error;

	if ((error = at_parent(fd, path, &dvp, last)) != 0)
		return (error);
	if (is_dots(last))
		error = EEXIST;
	else if (dvp->v_ops->vop_lookup != NULL &&
	    dvp->v_ops->vop_lookup(dvp, last, &vp) == 0) {
		vnode_unref(vp);
		error = EEXIST;
	} else if (!isdir && ends_in_slash(path))
		error = ENOENT;
	if (error != 0)
		vnode_unref(dvp);
	else
		*dvpp = dvp;
	return (error);
}

/* --- names -------------------------------------------------------------- */

int
kern_openat(int dirfd, const char *path, int flags, mode_t mode, int *fdp)
{
	struct vnode *dvp;
	struct file *f;
	int error;

	if ((error = at_dir(dirfd, path, &dvp)) != 0)
		return (error);
	error = vn_open(dvp, path, flags, mode & ~curproc->p_umask, &f);
	vnode_unref(dvp);
	if (error != 0)
		return (error);
	error = fd_install(f, 0, (flags & O_CLOEXEC) != 0, fdp);
	if (error != 0)
		file_unref(f);
	return (error);
}

int
kern_fstat(int fd, struct kstat *ks)
{
	struct file *f;
	int error;

	if ((error = file_get(fd, &f)) != 0)
		return (error);
	error = f->f_ops->fo_stat == NULL ? EINVAL :
	    f->f_ops->fo_stat(f, ks);
	file_unref(f);
	return (error);
}

int
kern_fstatat(int dirfd, const char *path, struct kstat *ks, int flags)
{
	struct vnode *vp;
	int error;

	if (dirfd != AT_FDCWD && (path == NULL || (*path == '\0' &&
	    (flags & AT_EMPTY_PATH))))
		return (kern_fstat(dirfd, ks));
	if ((error = at_vnode(dirfd, path, flags, &vp)) != 0)
		return (error);
	error = vp->v_ops->vop_stat == NULL ? EOPNOTSUPP :
	    vp->v_ops->vop_stat(vp, ks);
	vnode_unref(vp);
	return (error);
}

int
kern_statfs(int fd, const char *path, struct kstatfs *kf)
{
	static const struct {
		const char	*name;
		uint64_t	 magic;
	} known[] = {
		{ "ramfs", 0x858458f6 }, { "devfs", 0x1373 },
		{ "proc", 0x9fa0 },
	};
	struct vnode *vp;
	u_int i;
	int error;

	if ((error = at_vnode(fd, path, 0, &vp)) != 0)
		return (error);
	*kf = (struct kstatfs){ .kf_bsize = PAGE_SIZE,
	    .kf_name = vn_fsname(vp) };
	vnode_unref(vp);
	for (i = 0; i < nitems(known); i++) {
		if (strcmp(known[i].name, kf->kf_name) == 0)
			kf->kf_type = known[i].magic;
	}
	if (strcmp(kf->kf_name, "ramfs") == 0) {
		kf->kf_blocks = vm_page_total();
		kf->kf_bfree = vm_page_avail();
	}
	return (0);
}

int
kern_readlinkat(int dirfd, const char *path, char *buf, size_t size,
    size_t *lenp)
{
	struct vnode *vp;
	int error;

	error = at_vnode(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
	    &vp);
	if (error != 0)
		return (error);
	error = vp->v_type != VLNK || vp->v_ops->vop_readlink == NULL ?
	    EINVAL : vp->v_ops->vop_readlink(vp, buf, size, lenp);
	vnode_unref(vp);
	return (error);
}

static int
make_node(int dirfd, const char *path, mode_t mode, dev_t rdev)
{
	char last[NAME_MAX + 1];
	struct vnode *dvp, *vp;
	int error;

	error = at_new(dirfd, path, (mode & S_IFMT) == S_IFDIR, &dvp, last);
	if (error != 0)
		return (error);
	if (dvp->v_ops->vop_create == NULL)
		error = EROFS;
	else
		error = dvp->v_ops->vop_create(dvp, last,
		    mode & ~curproc->p_umask, rdev, &vp);
	vnode_unref(dvp);
	if (error == 0)
		vnode_unref(vp);
	return (error);
}

int
kern_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return (make_node(dirfd, path, S_IFDIR | (mode & 07777), 0));
}

int
kern_mknodat(int dirfd, const char *path, mode_t mode, dev_t rdev)
{
	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		/* FALLTHROUGH */
	case S_IFREG:
	case S_IFIFO:
		rdev = 0;
		/* FALLTHROUGH */
	case S_IFCHR:
	case S_IFBLK:
		return (make_node(dirfd, path, mode & (S_IFMT | 07777),
		    rdev));
	case S_IFDIR:
		return (EPERM);
	case S_IFSOCK:
		return (EOPNOTSUPP);
	default:
		return (EINVAL);
	}
}

static int
unlink_check(struct vnode *dvp, const char *last, const char *path, bool dir)
{
	struct vnode *vp;
	int error;

	if (strcmp(last, ".") == 0)
		return (dir ? EINVAL : EISDIR);
	if (strcmp(last, "..") == 0)
		return (dir ? ENOTEMPTY : EISDIR);
	if (dvp->v_ops->vop_lookup == NULL)
		return (EROFS);
	if ((error = dvp->v_ops->vop_lookup(dvp, last, &vp)) != 0)
		return (error);
	if (!dir && ends_in_slash(path))
		error = vp->v_type == VDIR ? EISDIR : ENOTDIR;
	else if (dvp->v_ops->vop_remove == NULL)
		error = EROFS;
	vnode_unref(vp);
	return (error);
}

int
kern_unlinkat(int dirfd, const char *path, int flags)
{
	char last[NAME_MAX + 1];
	bool dir = (flags & AT_REMOVEDIR) != 0;
	struct vnode *dvp;
	int error;

	if ((error = at_parent(dirfd, path, &dvp, last)) != 0)
		return (error);
	if ((error = unlink_check(dvp, last, path, dir)) == 0)
		error = dvp->v_ops->vop_remove(dvp, last, dir);
	vnode_unref(dvp);
	return (error);
}

int
kern_linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	char last[NAME_MAX + 1];
	struct vnode *vp, *dvp;
	int error;

	error = at_vnode(fromfd, from, flags & AT_SYMLINK_FOLLOW ? 0 :
	    AT_SYMLINK_NOFOLLOW, &vp);
	if (error != 0)
		return (error);
	if ((error = at_new(tofd, to, false, &dvp, last)) == 0) {
		error = dvp->v_ops->vop_link == NULL ? EROFS :
		    dvp->v_ops->vop_link(dvp, last, vp);
		vnode_unref(dvp);
	}
	vnode_unref(vp);
	return (error);
}

int
kern_symlinkat(const char *target, int dirfd, const char *path)
{
	char last[NAME_MAX + 1];
	struct vnode *dvp;
	int error;

	if (*target == '\0')
		return (ENOENT);
	if (strnlen(target, MAXPATHLEN) == MAXPATHLEN)
		return (ENAMETOOLONG);
	if ((error = at_new(dirfd, path, false, &dvp, last)) != 0)
		return (error);
	error = dvp->v_ops->vop_symlink == NULL ? EROFS :
	    dvp->v_ops->vop_symlink(dvp, last, target);
	vnode_unref(dvp);
	return (error);
}

/* A slash behind either name asks for a directory. */
static int
rename_slash(struct vnode *dvp, const char *name)
{
	struct vnode *vp;
	int error;

	if (dvp->v_ops->vop_lookup == NULL)
		return (EROFS);
	if ((error = dvp->v_ops->vop_lookup(dvp, name, &vp)) != 0)
		return (error);
	if (vp->v_type != VDIR)
		error = ENOTDIR;
	vnode_unref(vp);
	return (error);
}

int
kern_renameat(int fromfd, const char *from, int tofd, const char *to)
{
	char fname[NAME_MAX + 1], tname[NAME_MAX + 1];
	struct vnode *fdvp, *tdvp;
	int error;

	if ((error = at_parent(fromfd, from, &fdvp, fname)) != 0)
		return (error);
	if ((error = at_parent(tofd, to, &tdvp, tname)) != 0) {
		vnode_unref(fdvp);
		return (error);
	}
	if (fdvp->v_ops != tdvp->v_ops)
		error = EXDEV;
	else if (is_dots(fname) || is_dots(tname))
		error = EBUSY;
	else if (fdvp->v_ops->vop_rename == NULL)
		error = EROFS;
	else if (ends_in_slash(from) || ends_in_slash(to))
		error = rename_slash(fdvp, fname);
	if (error == 0)
		error = fdvp->v_ops->vop_rename(fdvp, fname, tdvp, tname);
	vnode_unref(tdvp);
	vnode_unref(fdvp);
	return (error);
}

/* All programs are the superuser's: only what nobody may do is refused. */
int
kern_faccessat(int dirfd, const char *path, int mode, int flags)
{
	struct vnode *vp;
	struct kstat ks;
	int error;

	if (mode & ~(R_OK | W_OK | X_OK))
		return (EINVAL);
	if ((error = at_vnode(dirfd, path, flags, &vp)) != 0)
		return (error);
	if ((mode & X_OK) && vp->v_type == VREG &&
	    vp->v_ops->vop_stat != NULL &&
	    (error = vp->v_ops->vop_stat(vp, &ks)) == 0 &&
	    (ks.ks_mode & 0111) == 0)
		error = EACCES;
	vnode_unref(vp);
	return (error);
}

static int
set_attributes(int dirfd, const char *path, const struct kstat *ks, int which,
    int flags)
{
	struct vnode *vp;
	int error;

	if ((error = at_vnode(dirfd, path, flags, &vp)) != 0)
		return (error);
	/* what a symbolic link lets one do does not depend on its mode */
	if (vp->v_type == VLNK && (which & VA_MODE))
		error = EOPNOTSUPP;
	else if (vp->v_ops->vop_setattr == NULL)
		error = EPERM;
	else
		error = vp->v_ops->vop_setattr(vp, ks, which);
	vnode_unref(vp);
	return (error);
}

int
kern_fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	struct kstat ks = { .ks_mode = mode & 07777 };

	return (set_attributes(dirfd, path, &ks, VA_MODE, flags));
}

int
kern_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	struct kstat ks;
	int error;

	if ((error = kern_fstatat(dirfd, path, &ks, flags)) != 0)
		return (error);
	if (uid != (uid_t)-1)
		ks.ks_uid = uid;
	if (gid != (gid_t)-1)
		ks.ks_gid = gid;
	return (set_attributes(dirfd, path, &ks, VA_OWNER, flags));
}

int
kern_utimensat(int dirfd, const char *path, uint64_t atime, uint64_t mtime,
    int which, int flags)
{
	struct kstat ks = { .ks_atime = atime, .ks_mtime = mtime };

	return (set_attributes(dirfd, path, &ks,
	    which & (VA_ATIME | VA_MTIME), flags));
}

static int
truncate_vnode(struct vnode *vp, off_t size)
{
	int error;

	if (size < 0)
		return (EINVAL);
	if (vp->v_type == VDIR)
		return (EISDIR);
	if (vp->v_type != VREG || vp->v_ops->vop_truncate == NULL)
		return (EINVAL);
	rw_enter_write(&vp->v_lock);
	error = vp->v_ops->vop_truncate(vp, size);
	rw_exit(&vp->v_lock);
	return (error);
}

int
kern_truncate(const char *path, off_t size)
{
	struct vnode *vp;
	int error;

	if ((error = at_vnode(AT_FDCWD, path, 0, &vp)) != 0)
		return (error);
	error = truncate_vnode(vp, size);
	vnode_unref(vp);
	return (error);
}

int
kern_ftruncate(int fd, off_t size)
{
	struct file *f;
	int error;

	if ((error = file_get(fd, &f)) != 0)
		return (error);
	if (f->f_vnode == NULL || (f->f_flags & O_ACCMODE) == O_RDONLY)
		error = EINVAL;
	else
		error = truncate_vnode(f->f_vnode, size);
	file_unref(f);
	return (error);
}

/* --- the current directory ---------------------------------------------- */

/* Takes over the reference.  /proc looks at p_cwd under the lock. */
static void
set_cwd(struct vnode *vp)
{
	struct proc *p = curproc;
	struct vnode *old;

	mtx_enter(&proc_lock);
	old = p->p_cwd;
	p->p_cwd = vp;
	mtx_leave(&proc_lock);
	vnode_unref(old);
}

int
kern_chdir(const char *path)
{
	struct vnode *vp;
	int error;

	error = namei(NULL, path, NAMEI_DIRECTORY, &vp);
	if (error == 0)
		set_cwd(vp);
	return (error);
}

int
kern_fchdir(int fd)
{
	struct vnode *vp;
	int error;

	if ((error = fd_vnode(fd, &vp)) != 0)
		return (error);
	if (vp->v_type != VDIR) {
		vnode_unref(vp);
		return (ENOTDIR);
	}
	set_cwd(vp);
	return (0);
}

int
kern_getcwd(char *buf, size_t size)
{
	int error = vn_path(curproc->p_cwd, buf, size);

	return (error == ENAMETOOLONG ? ERANGE : error);
}

/* --- read and write ----------------------------------------------------- */

int
file_get_rw(int fd, enum uio_rw rw, struct file **fp)
{
	int bad = rw == UIO_READ ? O_WRONLY : O_RDONLY, error;

	if ((error = file_get(fd, fp)) != 0)
		return (error);
	if (((*fp)->f_flags & O_PATH) ||
	    ((*fp)->f_flags & O_ACCMODE) == bad) {
		file_unref(*fp);
		*fp = NULL;
		return (EBADF);
	}
	return (0);
}

int
uio_check(const struct uio *uio)
{
	size_t sum = 0;
	int i;

	for (i = 0; i < uio->uio_iovcnt; i++) {
		if (uio->uio_iov[i].iov_len > OFF_MAX - sum)
			return (EINVAL);
		sum += uio->uio_iov[i].iov_len;
	}
	KASSERT(sum == uio->uio_resid);
	/* the last byte must have a position */
	if (uio->uio_offset < 0 ||
	    sum > (uint64_t)(OFF_MAX - uio->uio_offset))
		return (EINVAL);
	return (0);
}

/* Files that have nothing to flush are no error here. */
int
file_sync(struct file *f)
{
	int error = EINVAL;

	if (f->f_ops->fo_fsync != NULL)
		error = f->f_ops->fo_fsync(f);
	return (error == EINVAL ? 0 : error);
}

int
file_rdwr(struct file *f, struct uio *uio, size_t *donep)
{
	size_t want = uio->uio_resid;
	int error, e;

	if ((error = uio_check(uio)) != 0)
		return (error);
	if (uio->uio_rw == UIO_READ)
		error = f->f_ops->fo_read == NULL ? EINVAL :
		    f->f_ops->fo_read(f, uio);
	else
		error = f->f_ops->fo_write == NULL ? EINVAL :
		    f->f_ops->fo_write(f, uio);
	*donep = want - uio->uio_resid;
	if (*donep != 0 && uio->uio_rw == UIO_WRITE &&
	    (f->f_flags & O_DSYNC) && (e = file_sync(f)) != 0) {
		/* what is not where it survives was not written */
		*donep = 0;
		error = e;
	}
	/* whoever writes on without asking dies of it */
	if (error == EPIPE)
		psignal(curproc, SIGPIPE);
	return (*donep != 0 ? 0 : error);
}

static int
rdwr(int fd, struct uio *uio, enum uio_rw rw, size_t *donep)
{
	struct file *f;
	int error;

	*donep = 0;
	uio->uio_rw = rw;
	if ((error = file_get_rw(fd, rw, &f)) != 0)
		return (error);
	if (f->f_seekable) {
		rw_enter_write(&f->f_lock);
		uio->uio_offset = f->f_offset;
		error = file_rdwr(f, uio, donep);
		f->f_offset = uio->uio_offset;
		rw_exit(&f->f_lock);
	} else {
		uio->uio_offset = 0;
		error = file_rdwr(f, uio, donep);
	}
	file_unref(f);
	return (error);
}

int
kern_read(int fd, struct uio *uio, size_t *donep)
{
	return (rdwr(fd, uio, UIO_READ, donep));
}

int
kern_write(int fd, struct uio *uio, size_t *donep)
{
	return (rdwr(fd, uio, UIO_WRITE, donep));
}

static int
rdwr_at(int fd, struct uio *uio, enum uio_rw rw, off_t off, size_t *donep)
{
	struct file *f;
	int error;

	*donep = 0;
	uio->uio_rw = rw;
	uio->uio_offset = off;
	if (off < 0)
		return (EINVAL);
	if ((error = file_get_rw(fd, rw, &f)) != 0)
		return (error);
	error = f->f_seekable ? file_rdwr(f, uio, donep) : ESPIPE;
	file_unref(f);
	return (error);
}

int
kern_pread(int fd, struct uio *uio, off_t off, size_t *donep)
{
	return (rdwr_at(fd, uio, UIO_READ, off, donep));
}

int
kern_pwrite(int fd, struct uio *uio, off_t off, size_t *donep)
{
	return (rdwr_at(fd, uio, UIO_WRITE, off, donep));
}

/* --- position ----------------------------------------------------------- */

static int
file_size(struct file *f, off_t *size)
{
	struct kstat ks;
	int error;

	if (f->f_ops->fo_size != NULL) {
		*size = f->f_ops->fo_size(f);
		return (0);
	}
	if (f->f_ops->fo_stat == NULL)
		return (ESPIPE);
	error = f->f_ops->fo_stat(f, &ks);
	*size = ks.ks_size;
	return (error);
}

/* The new position, with f_lock.  No file has holes that can be seen. */
static int
seek_target(struct file *f, off_t off, int whence, off_t *res)
{
	off_t base = 0, size = 0;
	int error;

	if (whence == SEEK_CUR)
		base = f->f_offset;
	else if (whence != SEEK_SET &&
	    (error = file_size(f, &size)) != 0)
		return (error);
	switch (whence) {
	case SEEK_END:
		base = size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0 || off >= size)
			return (ENXIO);
		if (whence == SEEK_HOLE)
			off = size;
		break;
	case SEEK_SET:
	case SEEK_CUR:
		break;
	default:
		return (EINVAL);
	}
	if (off > 0 && base > OFF_MAX - off)
		return (EOVERFLOW);
	if (base + off < 0)
		return (EINVAL);
	*res = base + off;
	return (0);
}

int
kern_lseek(int fd, off_t off, int whence, off_t *res)
{
	struct file *f;
	int error;

	if ((error = file_get(fd, &f)) != 0)
		return (error);
	if (f->f_flags & O_PATH)
		error = EBADF;
	else if (!f->f_seekable)
		error = ESPIPE;
	else {
		rw_enter_write(&f->f_lock);
		error = seek_target(f, off, whence, res);
		if (error == 0)
			f->f_offset = *res;
		rw_exit(&f->f_lock);
	}
	file_unref(f);
	return (error);
}

struct getdents {
	dirfill_t	 gd_fill;
	void		*gd_arg;
	off_t		 gd_off;	/* behind the last that was taken */
};

static int
getdents_fill(void *arg, const char *name, ino_t ino, enum vtype type,
    off_t next)
{
	struct getdents *gd = arg;
	int full;

	if ((full = gd->gd_fill(gd->gd_arg, name, ino, type, next)) == 0)
		gd->gd_off = next;
	return (full);
}

int
kern_getdents(int fd, dirfill_t fill, void *arg)
{
	struct getdents gd = { .gd_fill = fill, .gd_arg = arg };
	struct vnode *vp;
	struct file *f;
	int error;

	if ((error = file_get_rw(fd, UIO_READ, &f)) != 0)
		return (error);
	vp = f->f_vnode;
	if (vp == NULL || vp->v_type != VDIR ||
	    vp->v_ops->vop_readdir == NULL)
		error = ENOTDIR;
	else {
		rw_enter_write(&f->f_lock);
		gd.gd_off = f->f_offset;
		error = vp->v_ops->vop_readdir(vp, f->f_offset,
		    getdents_fill, &gd);
		f->f_offset = gd.gd_off;
		rw_exit(&f->f_lock);
	}
	file_unref(f);
	return (error);
}

/* --- descriptors -------------------------------------------------------- */

int
kern_fsync(int fd)
{
	struct file *f;
	int error;

	if ((error = file_get(fd, &f)) != 0)
		return (error);
	if (f->f_flags & O_PATH)
		error = EBADF;
	else
		error = f->f_ops->fo_fsync == NULL ? EINVAL :
		    f->f_ops->fo_fsync(f);
	file_unref(f);
	return (error);
}

void
kern_sync(void)
{
	dev_syncall();
}

static void
file_setflags(struct file *f, int mask, int flags)
{
	int old = __atomic_load_n(&f->f_flags, __ATOMIC_RELAXED), new;

	do {
		new = (old & ~mask) | (flags & mask);
	} while (!__atomic_compare_exchange_n(&f->f_flags, &old, new, false,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
}

int
kern_getfl(int fd, int *flags)
{
	struct file *f;
	int error;

	if ((error = file_get(fd, &f)) != 0)
		return (error);
	*flags = __atomic_load_n(&f->f_flags, __ATOMIC_RELAXED);
	file_unref(f);
	return (0);
}

int
kern_setfl(int fd, int flags)
{
	struct file *f;
	int error;

	if ((error = file_get(fd, &f)) != 0)
		return (error);
	if (f->f_flags & O_PATH)
		error = EBADF;
	else
		file_setflags(f, O_APPEND | O_NONBLOCK | O_DIRECT, flags);
	file_unref(f);
	return (error);
}

/* What is the same for all files. */
static int
file_ioctl(int fd, struct file *f, u_long cmd, void *user)
{
	int v, error;

	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		return (fd_cloexec(fd, cmd == FIOCLEX) < 0 ? EBADF : 0);
	case FIONBIO:
		if ((error = copyin(user, &v, sizeof(v))) == 0)
			file_setflags(f, O_NONBLOCK, v != 0 ? O_NONBLOCK : 0);
		return (error);
	}
	if (f->f_ops->fo_ioctl == NULL)
		return (ENOTTY);
	error = f->f_ops->fo_ioctl(f, cmd, user);
	return (error == ENOIOCTL ? ENOTTY : error);
}

int
kern_ioctl(int fd, u_long cmd, void *user)
{
	struct file *f;
	int error;

	if ((error = file_get(fd, &f)) != 0)
		return (error);
	/* the number has 32 bits, whatever the program's library made of it */
	if (f->f_flags & O_PATH)
		error = EBADF;
	else
		error = file_ioctl(fd, f, (uint32_t)cmd, user);
	file_unref(f);
	return (error);
}

int
kern_pipe(int *fds, int flags)
{
	bool cloexec = (flags & O_CLOEXEC) != 0;
	struct file *r, *w;
	int error;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return (EINVAL);
	if ((error = pipe_create(&r, &w)) != 0)
		return (error);
	r->f_flags |= flags & O_NONBLOCK;
	w->f_flags |= flags & O_NONBLOCK;
	if ((error = fd_install(r, 0, cloexec, &fds[0])) != 0) {
		file_unref(r);
		file_unref(w);
		return (error);
	}
	if ((error = fd_install(w, 0, cloexec, &fds[1])) != 0) {
		(void)fd_close(fds[0]);
		file_unref(w);
	}
	return (error);
}

int
kern_dup(int fd, int min, bool cloexec, int *newp)
{
	struct file *f;
	int error;

	if (min < 0 || min >= FD_MAX)
		return (EINVAL);
	if ((error = file_get(fd, &f)) != 0)
		return (error);
	if ((error = fd_install(f, min, cloexec, newp)) != 0)
		file_unref(f);
	return (error);
}

int
kern_dup2(int from, int to, bool cloexec)
{
	return (fd_dup2(from, to, cloexec));
}

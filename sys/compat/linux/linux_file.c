/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Files: the system calls on names and descriptors.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/selinfo.h>
#include <sys/syscallsubr.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <compat/linux/linux.h>
#include <machine/linux_machdep.h>
#include <vm/vm_page.h>

#define FD(v)	((int)(v))

/* --- read and write ----------------------------------------------------------- */

static int
rdwr(int fd, struct iovec *iov, int cnt, enum uio_rw rw, const off_t *off,
    long *rv)
{
	struct uio uio = { .uio_iov = iov, .uio_iovcnt = cnt,
	    .uio_segflg = UIO_USERSPACE, .uio_rw = rw };
	size_t done = 0;
	int i, error;

	for (i = 0; i < cnt; i++) {
		/* the result must fit, and each piece be the program's */
		if (iov[i].iov_len > INT64_MAX ||
		    uio.uio_resid + iov[i].iov_len > INT64_MAX)
			return (EINVAL);
		uio.uio_resid += iov[i].iov_len;
	}
	if (off != NULL)
		error = rw == UIO_READ ? kern_pread(fd, &uio, *off, &done) :
		    kern_pwrite(fd, &uio, *off, &done);
	else
		error = rw == UIO_READ ? kern_read(fd, &uio, &done) :
		    kern_write(fd, &uio, &done);
	*rv = done;
	return (error);
}

static int
rdwr_one(const u_long *a, enum uio_rw rw, const off_t *off, long *rv)
{
	struct iovec iov = { (void *)a[1], MIN(a[2], 0x7ffff000UL) };

	return (rdwr(FD(a[0]), &iov, 1, rw, off, rv));
}

static int
rdwr_vector(const u_long *a, enum uio_rw rw, const off_t *off, long *rv)
{
	struct iovec small[8], *iov = small;
	size_t n = a[2];
	int error;

	if (n > UIO_MAXIOV)
		return (EINVAL);
	if (n > nitems(small) && (iov = kmem_alloc(n * sizeof(*iov),
	    KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = copyin((void *)a[1], iov, n * sizeof(*iov))) == 0)
		error = rdwr(FD(a[0]), iov, n, rw, off, rv);
	if (iov != small)
		kmem_free(iov, n * sizeof(*iov));
	return (error);
}

int
linux_read(const u_long *a, long *rv)
{
	return (rdwr_one(a, UIO_READ, NULL, rv));
}

int
linux_write(const u_long *a, long *rv)
{
	return (rdwr_one(a, UIO_WRITE, NULL, rv));
}

int
linux_pread64(const u_long *a, long *rv)
{
	off_t off = a[3];

	return (rdwr_one(a, UIO_READ, &off, rv));
}

int
linux_pwrite64(const u_long *a, long *rv)
{
	off_t off = a[3];

	return (rdwr_one(a, UIO_WRITE, &off, rv));
}

int
linux_readv(const u_long *a, long *rv)
{
	return (rdwr_vector(a, UIO_READ, NULL, rv));
}

int
linux_writev(const u_long *a, long *rv)
{
	return (rdwr_vector(a, UIO_WRITE, NULL, rv));
}

int
linux_preadv(const u_long *a, long *rv)
{
	off_t off = a[3];

	return (rdwr_vector(a, UIO_READ, &off, rv));
}

int
linux_pwritev(const u_long *a, long *rv)
{
	off_t off = a[3];

	return (rdwr_vector(a, UIO_WRITE, &off, rv));
}

static int
rdwr_flags(const u_long *a, enum uio_rw rw, long *rv)
{
	off_t off = a[3];
	int flags = a[5], error;

	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
		return (EOPNOTSUPP);
	error = rdwr_vector(a, rw, off == -1 ? NULL : &off, rv);
	if (error == 0 && rw == UIO_WRITE && (flags & ~RWF_HIPRI) &&
	    (error = kern_fsync(FD(a[0]))) == EINVAL)
		error = 0;	/* there is nothing to flush in this one */
	return (error);
}

int
linux_preadv2(const u_long *a, long *rv)
{
	return (rdwr_flags(a, UIO_READ, rv));
}

int
linux_pwritev2(const u_long *a, long *rv)
{
	return (rdwr_flags(a, UIO_WRITE, rv));
}

/* Through a page of the kernel's: in fd, out fd, at most n bytes of it. */
static int
sendfile_piece(int out, int in, char *buf, size_t n, const off_t *off,
    size_t *done)
{
	struct iovec iov = { buf, n };
	struct uio uio = { .uio_iov = &iov, .uio_iovcnt = 1, .uio_resid = n,
	    .uio_segflg = UIO_SYSSPACE, .uio_rw = UIO_READ };
	size_t got;
	int error;

	error = off != NULL ? kern_pread(in, &uio, *off, &got) :
	    kern_read(in, &uio, &got);
	*done = 0;
	if (error != 0 || got == 0)
		return (error);
	iov = (struct iovec){ buf, got };
	uio = (struct uio){ .uio_iov = &iov, .uio_iovcnt = 1,
	    .uio_resid = got, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_WRITE };
	return (kern_write(out, &uio, done));
}

int
linux_sendfile(const u_long *a, long *rv)
{
	off_t off = 0, *offp = NULL, *user = (off_t *)a[2];
	size_t left = MIN(a[3], 0x7ffff000UL), done;
	char *buf;
	int error = 0;

	if (user != NULL) {
		if ((error = copyin(user, &off, sizeof(off))) != 0)
			return (error);
		offp = &off;
	}
	if ((buf = kmem_alloc(PAGE_SIZE, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	while (left > 0) {
		error = sendfile_piece(FD(a[0]), FD(a[1]), buf,
		    MIN(left, PAGE_SIZE), offp, &done);
		if (error != 0 || done == 0)
			break;
		*rv += done;
		off += done;
		left -= done;
		/* the kernel is not preempted, and this may be long */
		if (sched_wanted())
			sched_yield();
		if (sig_waiting())
			break;
	}
	kmem_free(buf, PAGE_SIZE);
	if (*rv > 0)
		error = 0;
	if (error == 0 && user != NULL)
		error = copyout(&off, user, sizeof(off));
	return (error);
}

int
linux_lseek(const u_long *a, long *rv)
{
	off_t off;
	int error = kern_lseek(FD(a[0]), a[1], a[2], &off);

	*rv = off;
	return (error);
}

/* --- names ------------------------------------------------------------------------ */

static int
do_open(int dirfd, const void *upath, u_long flags, mode_t mode, long *rv)
{
	char *path;
	int fd, error;

	if ((error = linux_path_in(upath, &path)) != 0)
		return (error);
	error = kern_openat(dirfd, path, linux_oflags(flags), mode, &fd);
	linux_path_free(path);
	*rv = fd;
	return (error);
}

int
linux_openat(const u_long *a, long *rv)
{
	return (do_open(FD(a[0]), (void *)a[1], a[2], a[3], rv));
}

int
linux_open(const u_long *a, long *rv)
{
	return (do_open(AT_FDCWD, (void *)a[0], a[1], a[2], rv));
}

int
linux_creat(const u_long *a, long *rv)
{
	return (do_open(AT_FDCWD, (void *)a[0],
	    linux_oflags(O_CREAT | O_WRONLY | O_TRUNC), a[1], rv));
}

int
linux_close(const u_long *a, long *rv __unused)
{
	return (fd_close(FD(a[0])));
}

int
linux_close_range(const u_long *a, long *rv __unused)
{
	u_int fd, last = MIN((u_int)a[1], FD_MAX - 1);

	if ((u_int)a[0] > (u_int)a[1] || (a[2] & ~4UL))
		return (EINVAL);
	for (fd = a[0]; fd <= last; fd++) {
		if (a[2] & 4)
			(void)fd_cloexec(fd, 1);
		else
			(void)fd_close(fd);
	}
	return (0);
}

/* Run a call on one path of the program's. */
#define WITH_PATH(upath, call) do {					\
	char *path;							\
	int error_;							\
									\
	if ((error_ = linux_path_in((void *)(upath), &path)) != 0)	\
		return (error_);					\
	error_ = (call);						\
	linux_path_free(path);						\
	return (error_);						\
} while (0)

#define WITH_PATHS(upath1, upath2, call) do {				\
	char *path1, *path2;						\
	int error_;							\
									\
	if ((error_ = linux_path_in((void *)(upath1), &path1)) != 0)	\
		return (error_);					\
	if ((error_ = linux_path_in((void *)(upath2), &path2)) == 0) {	\
		error_ = (call);					\
		linux_path_free(path2);					\
	}								\
	linux_path_free(path1);						\
	return (error_);						\
} while (0)

int
linux_mkdir(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_mkdirat(AT_FDCWD, path, a[1]));
}

int
linux_mkdirat(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[1], kern_mkdirat(FD(a[0]), path, a[2]));
}

int
linux_mknod(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_mknodat(AT_FDCWD, path, a[1], a[2]));
}

int
linux_mknodat(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[1], kern_mknodat(FD(a[0]), path, a[2], a[3]));
}

int
linux_rmdir(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_unlinkat(AT_FDCWD, path, AT_REMOVEDIR));
}

int
linux_unlink(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_unlinkat(AT_FDCWD, path, 0));
}

int
linux_unlinkat(const u_long *a, long *rv __unused)
{
	if (a[2] & ~(u_long)AT_REMOVEDIR)
		return (EINVAL);
	WITH_PATH(a[1], kern_unlinkat(FD(a[0]), path, a[2]));
}

int
linux_link(const u_long *a, long *rv __unused)
{
	WITH_PATHS(a[0], a[1], kern_linkat(AT_FDCWD, path1, AT_FDCWD, path2,
	    0));
}

int
linux_linkat(const u_long *a, long *rv __unused)
{
	WITH_PATHS(a[1], a[3], kern_linkat(FD(a[0]), path1, FD(a[2]), path2,
	    a[4]));
}

int
linux_symlink(const u_long *a, long *rv __unused)
{
	WITH_PATHS(a[0], a[1], kern_symlinkat(path1, AT_FDCWD, path2));
}

int
linux_symlinkat(const u_long *a, long *rv __unused)
{
	WITH_PATHS(a[0], a[2], kern_symlinkat(path1, FD(a[1]), path2));
}

int
linux_rename(const u_long *a, long *rv __unused)
{
	WITH_PATHS(a[0], a[1], kern_renameat(AT_FDCWD, path1, AT_FDCWD,
	    path2));
}

int
linux_renameat(const u_long *a, long *rv __unused)
{
	WITH_PATHS(a[1], a[3], kern_renameat(FD(a[0]), path1, FD(a[2]),
	    path2));
}

int
linux_renameat2(const u_long *a, long *rv)
{
	return (a[4] != 0 ? EINVAL : linux_renameat(a, rv));
}

static int
do_readlink(int dirfd, const void *upath, void *buf, size_t size, long *rv)
{
	char *path, *text;
	size_t len;
	int error;

	if (size == 0)
		return (EINVAL);
	size = MIN(size, MAXPATHLEN);
	if ((error = linux_path_in(upath, &path)) != 0)
		return (error);
	if ((text = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		error = ENOMEM;
	else if ((error = kern_readlinkat(dirfd, path, text, size,
	    &len)) == 0) {
		error = copyout(text, buf, len);
		*rv = len;
	}
	kmem_free(text, MAXPATHLEN);
	linux_path_free(path);
	return (error);
}

int
linux_readlink(const u_long *a, long *rv)
{
	return (do_readlink(AT_FDCWD, (void *)a[0], (void *)a[1], a[2], rv));
}

int
linux_readlinkat(const u_long *a, long *rv)
{
	return (do_readlink(FD(a[0]), (void *)a[1], (void *)a[2], a[3], rv));
}

int
linux_access(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_faccessat(AT_FDCWD, path, a[1], 0));
}

int
linux_faccessat(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[1], kern_faccessat(FD(a[0]), path, a[2], 0));
}

int
linux_faccessat2(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[1], kern_faccessat(FD(a[0]), path, a[2], a[3]));
}

int
linux_chmod(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_fchmodat(AT_FDCWD, path, a[1], 0));
}

int
linux_fchmodat(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[1], kern_fchmodat(FD(a[0]), path, a[2], 0));
}

int
linux_fchmod(const u_long *a, long *rv __unused)
{
	return (kern_fchmodat(FD(a[0]), NULL, a[1], 0));
}

int
linux_chown(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_fchownat(AT_FDCWD, path, a[1], a[2], 0));
}

int
linux_lchown(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_fchownat(AT_FDCWD, path, a[1], a[2],
	    AT_SYMLINK_NOFOLLOW));
}

int
linux_fchownat(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[1], kern_fchownat(FD(a[0]), path, a[2], a[3], a[4]));
}

int
linux_fchown(const u_long *a, long *rv __unused)
{
	return (kern_fchownat(FD(a[0]), NULL, a[1], a[2], 0));
}

int
linux_truncate(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_truncate(path, a[1]));
}

int
linux_ftruncate(const u_long *a, long *rv __unused)
{
	return (kern_ftruncate(FD(a[0]), a[1]));
}

int
linux_chdir(const u_long *a, long *rv __unused)
{
	WITH_PATH(a[0], kern_chdir(path));
}

int
linux_fchdir(const u_long *a, long *rv __unused)
{
	return (kern_fchdir(FD(a[0])));
}

int
linux_getcwd(const u_long *a, long *rv)
{
	size_t size = MIN(a[1], MAXPATHLEN);
	char *buf;
	int error;

	if (size == 0)
		return (ERANGE);
	if ((buf = kmem_alloc(MAXPATHLEN, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if ((error = kern_getcwd(buf, size)) == 0) {
		*rv = strlen(buf) + 1;
		error = copyout(buf, (void *)a[0], *rv);
	}
	kmem_free(buf, MAXPATHLEN);
	return (error);
}

/* --- attributes ------------------------------------------------------------------------ */

static int
stat_out(const struct kstat *ks, void *user)
{
	struct linux_stat st;

	memset(&st, 0, sizeof(st));
	st.st_dev = ks->ks_dev;
	st.st_ino = ks->ks_ino;
	st.st_nlink = ks->ks_nlink;
	st.st_mode = ks->ks_mode;
	st.st_uid = ks->ks_uid;
	st.st_gid = ks->ks_gid;
	st.st_rdev = ks->ks_rdev;
	st.st_size = ks->ks_size;
	st.st_blksize = ks->ks_blksize;
	st.st_blocks = ks->ks_blocks;
	st.st_atime_sec = ks->ks_atime / NSEC_PER_SEC;
	st.st_atime_nsec = ks->ks_atime % NSEC_PER_SEC;
	st.st_mtime_sec = ks->ks_mtime / NSEC_PER_SEC;
	st.st_mtime_nsec = ks->ks_mtime % NSEC_PER_SEC;
	st.st_ctime_sec = ks->ks_ctime / NSEC_PER_SEC;
	st.st_ctime_nsec = ks->ks_ctime % NSEC_PER_SEC;
	return (copyout(&st, user, sizeof(st)));
}

/* The path may be empty, and then it is the descriptor. */
static int
stat_at(int dirfd, const void *upath, int flags, struct kstat *ks)
{
	char *path;
	int error;

	if ((error = linux_path_in(upath, &path)) != 0)
		return (error);
	if (path[0] == '\0' && (flags & AT_EMPTY_PATH) && dirfd != AT_FDCWD)
		error = kern_fstat(dirfd, ks);
	else
		error = kern_fstatat(dirfd, path, ks, flags);
	linux_path_free(path);
	return (error);
}

int
linux_fstat(const u_long *a, long *rv __unused)
{
	struct kstat ks;
	int error;

	if ((error = kern_fstat(FD(a[0]), &ks)) != 0)
		return (error);
	return (stat_out(&ks, (void *)a[1]));
}

static int
do_stat(int dirfd, u_long upath, u_long ubuf, int flags)
{
	struct kstat ks;
	int error;

	if ((error = stat_at(dirfd, (void *)upath, flags, &ks)) != 0)
		return (error);
	return (stat_out(&ks, (void *)ubuf));
}

int
linux_stat(const u_long *a, long *rv __unused)
{
	return (do_stat(AT_FDCWD, a[0], a[1], 0));
}

int
linux_lstat(const u_long *a, long *rv __unused)
{
	return (do_stat(AT_FDCWD, a[0], a[1], AT_SYMLINK_NOFOLLOW));
}

int
linux_newfstatat(const u_long *a, long *rv __unused)
{
	return (do_stat(FD(a[0]), a[1], a[2], a[3]));
}

struct linux_statx_time {
	int64_t		sec;
	uint32_t	nsec;
	int32_t		pad;
};

struct linux_statx {
	uint32_t	stx_mask, stx_blksize;
	uint64_t	stx_attributes;
	uint32_t	stx_nlink, stx_uid, stx_gid;
	uint16_t	stx_mode, stx_pad0;
	uint64_t	stx_ino, stx_size, stx_blocks, stx_attrmask;
	struct linux_statx_time stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t	stx_rdev_major, stx_rdev_minor;
	uint32_t	stx_dev_major, stx_dev_minor;
	uint64_t	stx_spare[14];
};
_Static_assert(sizeof(struct linux_statx) == 256, "statx");
#define STATX_BASIC	0x7ff

static struct linux_statx_time
statx_time(uint64_t ns)
{
	return ((struct linux_statx_time){ ns / NSEC_PER_SEC,
	    ns % NSEC_PER_SEC, 0 });
}

int
linux_statx(const u_long *a, long *rv __unused)
{
	struct linux_statx sx;
	struct kstat ks;
	int error;

	if ((error = stat_at(FD(a[0]), (void *)a[1], a[2], &ks)) != 0)
		return (error);
	memset(&sx, 0, sizeof(sx));
	sx.stx_mask = STATX_BASIC;
	sx.stx_blksize = ks.ks_blksize;
	sx.stx_nlink = ks.ks_nlink;
	sx.stx_uid = ks.ks_uid;
	sx.stx_gid = ks.ks_gid;
	sx.stx_mode = ks.ks_mode;
	sx.stx_ino = ks.ks_ino;
	sx.stx_size = ks.ks_size;
	sx.stx_blocks = ks.ks_blocks;
	sx.stx_atime = statx_time(ks.ks_atime);
	sx.stx_mtime = statx_time(ks.ks_mtime);
	sx.stx_ctime = statx_time(ks.ks_ctime);
	sx.stx_rdev_major = major(ks.ks_rdev);
	sx.stx_rdev_minor = minor(ks.ks_rdev);
	sx.stx_dev_major = major(ks.ks_dev);
	sx.stx_dev_minor = minor(ks.ks_dev);
	return (copyout(&sx, (void *)a[4], sizeof(sx)));
}

#define UTIME_NOW	0x3fffffff
#define UTIME_OMIT	0x3ffffffe

static int
utime_in(const struct linux_timespec *ts, uint64_t *ns, int *which, int bit)
{
	if (ts->tv_nsec == UTIME_OMIT)
		*which &= ~bit;
	else if (ts->tv_nsec == UTIME_NOW)
		*ns = nsecwall();
	else if (ts->tv_sec < 0 || ts->tv_nsec < 0 ||
	    ts->tv_nsec >= (int64_t)NSEC_PER_SEC)
		return (EINVAL);
	else
		*ns = SEC_TO_NSEC(ts->tv_sec) + ts->tv_nsec;
	return (0);
}

static int
do_utimens(int dirfd, const void *upath, const struct linux_timespec ts[2],
    int flags)
{
	uint64_t at = nsecwall(), mt = at;
	int which = VA_ATIME | VA_MTIME, error;

	if (ts != NULL &&
	    ((error = utime_in(&ts[0], &at, &which, VA_ATIME)) != 0 ||
	    (error = utime_in(&ts[1], &mt, &which, VA_MTIME)) != 0))
		return (error);
	if (upath == NULL)
		return (kern_utimensat(dirfd, NULL, at, mt, which, flags));
	WITH_PATH((vaddr_t)upath, kern_utimensat(dirfd, path, at, mt, which,
	    flags));
}

int
linux_utimensat(const u_long *a, long *rv __unused)
{
	struct linux_timespec ts[2];
	int error;

	if (a[2] == 0)
		return (do_utimens(FD(a[0]), (void *)a[1], NULL, a[3]));
	if ((error = copyin((void *)a[2], ts, sizeof(ts))) != 0)
		return (error);
	return (do_utimens(FD(a[0]), (void *)a[1], ts, a[3]));
}

int
linux_utimes(const u_long *a, long *rv __unused)
{
	struct linux_timeval tv[2];
	struct linux_timespec ts[2];
	u_int i;
	int error;

	if (a[0] == 0)
		return (EFAULT);
	if (a[1] == 0)
		return (do_utimens(AT_FDCWD, (void *)a[0], NULL, 0));
	if ((error = copyin((void *)a[1], tv, sizeof(tv))) != 0)
		return (error);
	for (i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return (EINVAL);
		ts[i] = (struct linux_timespec){ tv[i].tv_sec,
		    tv[i].tv_usec * 1000 };
	}
	return (do_utimens(AT_FDCWD, (void *)a[0], ts, 0));
}

struct linux_statfs {
	int64_t		f_type, f_bsize;
	uint64_t	f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	int32_t		f_fsid[2];
	int64_t		f_namelen, f_frsize, f_flags, f_spare[4];
};
_Static_assert(sizeof(struct linux_statfs) == 120, "statfs");

static int
statfs_out(const struct kstatfs *kf, void *user)
{
	struct linux_statfs sf;

	memset(&sf, 0, sizeof(sf));
	sf.f_type = kf->kf_type;
	sf.f_bsize = sf.f_frsize = kf->kf_bsize;
	sf.f_blocks = kf->kf_blocks;
	sf.f_bfree = sf.f_bavail = kf->kf_bfree;
	sf.f_namelen = NAME_MAX;
	return (copyout(&sf, user, sizeof(sf)));
}

int
linux_statfs(const u_long *a, long *rv __unused)
{
	struct kstatfs kf;
	char *path;
	int error;

	if ((error = linux_path_in((void *)a[0], &path)) != 0)
		return (error);
	error = kern_statfs(AT_FDCWD, path, &kf);
	linux_path_free(path);
	return (error != 0 ? error : statfs_out(&kf, (void *)a[1]));
}

int
linux_fstatfs(const u_long *a, long *rv __unused)
{
	struct kstatfs kf;
	int error = kern_statfs(FD(a[0]), NULL, &kf);

	return (error != 0 ? error : statfs_out(&kf, (void *)a[1]));
}

/* --- directories --------------------------------------------------------------------------- */

struct linux_dirent64 {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];
};
#define DIRENT_NAME	19		/* without the padding of the struct */

struct dirbuf {
	char	*db_buf;
	size_t	 db_size, db_used;
	bool	 db_full;
};

static int
dirbuf_fill(void *arg, const char *name, ino_t ino, enum vtype type, off_t next)
{
	static const uint8_t dtype[] = {
		[VREG] = 8, [VDIR] = 4, [VLNK] = 10, [VCHR] = 2, [VBLK] = 6,
		[VFIFO] = 1
	};
	struct dirbuf *db = arg;
	size_t len = strlen(name) + 1, rec = roundup2(DIRENT_NAME + len, 8);
	struct linux_dirent64 *de;

	if (rec > db->db_size - db->db_used) {
		db->db_full = true;
		return (1);
	}
	de = (struct linux_dirent64 *)(db->db_buf + db->db_used);
	memset(de, 0, rec);
	de->d_ino = ino;
	de->d_off = next;
	de->d_reclen = rec;
	de->d_type = dtype[type];
	memcpy((char *)de + DIRENT_NAME, name, len);
	db->db_used += rec;
	return (0);
}

int
linux_getdents64(const u_long *a, long *rv)
{
	struct dirbuf db = { .db_size = MIN((u_int)a[2], 4 * PAGE_SIZE) };
	size_t size = db.db_size;
	int error;

	if (size < sizeof(struct linux_dirent64))
		return (EINVAL);
	if ((db.db_buf = kmem_alloc(size, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = kern_getdents(FD(a[0]), dirbuf_fill, &db);
	if (error == 0 && db.db_used == 0 && db.db_full)
		error = EINVAL;
	if (error == 0)
		error = copyout(db.db_buf, (void *)a[1], db.db_used);
	kmem_free(db.db_buf, size);
	*rv = db.db_used;
	return (error);
}

/* --- descriptors ----------------------------------------------------------------------------- */

int
linux_ioctl(const u_long *a, long *rv)
{
	int error = kern_ioctl(FD(a[0]), (uint32_t)a[1], (void *)a[2]);

	if (error > IOCTL_VALUE(0))
		return (error);
	*rv = IOCTL_VALUE(0) - error;
	return (0);
}

static int
do_pipe(void *user, int flags)
{
	int fd[2], error;

	if ((error = kern_pipe(fd, flags)) != 0)
		return (error);
	if ((error = copyout(fd, user, sizeof(fd))) != 0) {
		(void)fd_close(fd[0]);
		(void)fd_close(fd[1]);
	}
	return (error);
}

int
linux_pipe(const u_long *a, long *rv __unused)
{
	return (do_pipe((void *)a[0], 0));
}

int
linux_pipe2(const u_long *a, long *rv __unused)
{
	return (do_pipe((void *)a[0], a[1]));
}

int
linux_dup(const u_long *a, long *rv)
{
	int fd, error = kern_dup(FD(a[0]), 0, false, &fd);

	*rv = fd;
	return (error);
}

int
linux_dup2(const u_long *a, long *rv)
{
	*rv = FD(a[1]);
	return (kern_dup2(FD(a[0]), FD(a[1]), false));
}

int
linux_dup3(const u_long *a, long *rv)
{
	if (a[0] == a[1] || (a[2] & ~(u_long)O_CLOEXEC))
		return (EINVAL);
	*rv = FD(a[1]);
	return (kern_dup2(FD(a[0]), FD(a[1]), (a[2] & O_CLOEXEC) != 0));
}

#define F_DUPFD		0
#define F_GETFD		1
#define F_SETFD		2
#define F_GETFL		3
#define F_SETFL		4
#define F_DUPFD_CLOEXEC	1030

int
linux_fcntl(const u_long *a, long *rv)
{
	int fd = FD(a[0]), v = 0, error;

	switch (a[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		error = kern_dup(fd, FD(a[2]), a[1] == F_DUPFD_CLOEXEC, &v);
		break;
	case F_GETFD:
		v = fd_cloexec(fd, -1);
		return (v < 0 ? EBADF : (*rv = v, 0));
	case F_SETFD:
		return (fd_cloexec(fd, a[2] & 1) < 0 ? EBADF : 0);
	case F_GETFL:
		error = kern_getfl(fd, &v);
		v = linux_oflags(v);
		break;
	case F_SETFL:
		return (kern_setfl(fd, linux_oflags(a[2])));
	default:
		return (EINVAL);
	}
	*rv = v;
	return (error);
}

int
linux_fsync(const u_long *a, long *rv __unused)
{
	return (kern_fsync(FD(a[0])));
}

int
linux_sync(const u_long *a __unused, long *rv __unused)
{
	kern_sync();
	return (0);
}

int
linux_umask(const u_long *a, long *rv)
{
	*rv = curproc->p_umask;
	curproc->p_umask = a[0] & 0777;
	return (0);
}

/* --- poll and select ------------------------------------------------------------------------------ */

static int
do_poll(void *user, u_int n, uint64_t nsec, long *rv)
{
	struct pollfd *fds = NULL;
	size_t size = n * sizeof(*fds);
	int ready = 0, error = 0;

	if (n > FD_MAX)
		return (EINVAL);
	if (n > 0 && (fds = kmem_alloc(size, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if (n > 0)
		error = copyin(user, fds, size);
	if (error == 0)
		error = kern_poll(fds, n, nsec, &ready);
	if (error == 0 && n > 0)
		error = copyout(fds, user, size);
	kmem_free(fds, size);
	*rv = ready;
	return (error);
}

int
linux_poll(const u_long *a, long *rv)
{
	int msec = a[2];

	return (do_poll((void *)a[0], a[1], msec < 0 ? INFSLP :
	    MSEC_TO_NSEC(msec), rv));
}

int
linux_ppoll(const u_long *a, long *rv)
{
	uint64_t nsec = INFSLP;
	int error;

	if (a[2] != 0 && (error = linux_timespec_in((void *)a[2],
	    &nsec)) != 0)
		return (error);
	if ((error = linux_tempmask_in((void *)a[3], a[4])) != 0)
		return (error);
	return (do_poll((void *)a[0], a[1], nsec, rv));
}

#define FDSET_WORDS	(FD_MAX / 64)

struct fdsets {
	uint64_t	fs_in[3][FDSET_WORDS];
	uint64_t	fs_out[3][FDSET_WORDS];
	struct pollfd	fs_poll[FD_MAX];
};
/* which events make a descriptor ready in each set */
static const short fdset_ask[3] = { POLLIN, POLLOUT, POLLPRI };
static const short fdset_is[3] = { POLLIN | POLLHUP | POLLERR,
	POLLOUT | POLLERR, POLLPRI };

static int
do_select(struct fdsets *fs, int n, const u_long *sets, uint64_t nsec,
    long *rv)
{
	size_t bytes = howmany(n, 64) * 8;
	struct pollfd *pfd;
	u_int npoll = 0, s, i;
	int fd, ready, error;

	for (s = 0; s < 3; s++) {
		if (sets[s] != 0 && (error = copyin((void *)sets[s],
		    fs->fs_in[s], bytes)) != 0)
			return (error);
	}
	for (fd = 0; fd < n; fd++) {
		pfd = &fs->fs_poll[npoll];
		*pfd = (struct pollfd){ .fd = fd };
		for (s = 0; s < 3; s++) {
			if (fs->fs_in[s][fd / 64] >> fd % 64 & 1)
				pfd->events |= fdset_ask[s];
		}
		npoll += pfd->events != 0;
	}
	if ((error = kern_poll(fs->fs_poll, npoll, nsec, &ready)) != 0)
		return (error);
	for (i = 0; i < npoll; i++) {
		pfd = &fs->fs_poll[i];
		if (pfd->revents & POLLNVAL)
			return (EBADF);
		for (s = 0; s < 3; s++) {
			if ((pfd->events & fdset_ask[s]) &&
			    (pfd->revents & fdset_is[s])) {
				fs->fs_out[s][pfd->fd / 64] |=
				    1ULL << pfd->fd % 64;
				++*rv;
			}
		}
	}
	for (s = 0; s < 3; s++) {
		if (sets[s] != 0 && (error = copyout(fs->fs_out[s],
		    (void *)sets[s], bytes)) != 0)
			return (error);
	}
	return (0);
}

static int
select_sets(const u_long *a, uint64_t nsec, long *rv)
{
	struct fdsets *fs;
	int n = FD(a[0]), error;

	if (n < 0)
		return (EINVAL);
	if ((fs = kmem_zalloc(sizeof(*fs), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = do_select(fs, MIN(n, FD_MAX), a + 1, nsec, rv);
	kmem_free(fs, sizeof(*fs));
	return (error);
}

int
linux_select(const u_long *a, long *rv)
{
	struct linux_timeval tv;
	uint64_t nsec = INFSLP;
	int error;

	if (a[4] != 0) {
		if ((error = copyin((void *)a[4], &tv, sizeof(tv))) != 0)
			return (error);
		if (tv.tv_sec < 0 || tv.tv_usec < 0)
			return (EINVAL);
		nsec = SEC_TO_NSEC(MIN(tv.tv_sec, 1LL << 32)) +
		    (uint64_t)tv.tv_usec * 1000;
	}
	return (select_sets(a, nsec, rv));
}

int
linux_pselect6(const u_long *a, long *rv)
{
	struct { u_long mask; size_t size; } arg;
	uint64_t nsec = INFSLP;
	int error;

	if (a[4] != 0 && (error = linux_timespec_in((void *)a[4],
	    &nsec)) != 0)
		return (error);
	if (a[5] != 0) {
		if ((error = copyin((void *)a[5], &arg, sizeof(arg))) != 0 ||
		    (error = linux_tempmask_in((void *)arg.mask,
		    arg.size)) != 0)
			return (error);
	}
	return (select_sets(a, nsec, rv));
}

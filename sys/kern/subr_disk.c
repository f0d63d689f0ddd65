/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Disks: bytes for programs where the device has blocks.
 *
 * Whole blocks go straight between the program's pages and the device, in
 * pieces as large as the device takes, several at a time.  What is left at
 * the ends goes through a block of our own; such a write is a read, a change
 * and a write, during which no other write may come between.
 */

#include <sys/conf.h>
#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/rwlock.h>
#include <sys/synch.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <vm/vm_map.h>

#define DISK_INFLIGHT	8		/* bios of one request */
#define DISK_MAXIOV	256
#define BLKSIZE_MAX	65536U

struct disk_priv {
	struct rwlock		 dp_lock;	/* read: whole blocks */
	size_t			 dp_maxbio;	/* bytes in one bio */
	u_int			 dp_maxiov;
	bool			 dp_gone;
	struct mutex		 dp_mtx;	/* bios: done or not */
	struct sysctl_oid	 dp_serial;
	struct sysctl_oid	 dp_size;
};

/* a bio and the pages it holds */
struct diskbio {
	struct bio	 db_bio;
	struct disk	*db_disk;
	bool		 db_done;
	bool		 db_wired;
	u_int		 db_niov;
	struct iovec	*db_iov;	/* dp_maxiov of them */
};

/* --- bios ---------------------------------------------------------------------------- */

void
biodone(struct bio *bio)
{
	bio->bio_done(bio);
}

static void
diskbio_done(struct bio *bio)
{
	struct diskbio *db = bio->bio_arg;
	struct disk_priv *dp = db->db_disk->dk_priv;

	mtx_enter(&dp->dp_mtx);
	db->db_done = true;
	wakeup(db);
	mtx_leave(&dp->dp_mtx);
}

static struct diskbio *
diskbio_alloc(struct disk *dk)
{
	struct diskbio *db;

	db = kmem_zalloc(sizeof(*db), KM_SLEEP);
	db->db_disk = dk;
	db->db_iov = kmem_alloc(dk->dk_priv->dp_maxiov *
	    sizeof(*db->db_iov), KM_SLEEP);
	return (db);
}

static void
diskbio_free(struct diskbio *db)
{
	kmem_free(db->db_iov, db->db_disk->dk_priv->dp_maxiov *
	    sizeof(*db->db_iov));
	kmem_free(db, sizeof(*db));
}

static void
diskbio_start(struct diskbio *db, enum bio_cmd cmd, uint64_t off, size_t len)
{
	struct bio *bio = &db->db_bio;

	db->db_done = false;
	*bio = (struct bio){ .bio_cmd = cmd, .bio_offset = off,
	    .bio_len = len, .bio_done = diskbio_done, .bio_arg = db,
	    .bio_uio = { .uio_iov = db->db_iov, .uio_iovcnt = db->db_niov,
	    .uio_resid = len, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = cmd == BIO_WRITE ? UIO_WRITE : UIO_READ } };
	if (db->db_disk->dk_priv->dp_gone) {
		bio->bio_error = ENXIO;
		db->db_done = true;
	} else
		db->db_disk->dk_strategy(db->db_disk, bio);
}

/* The driver limits how long this can take. */
static int
diskbio_wait(struct diskbio *db)
{
	struct disk_priv *dp = db->db_disk->dk_priv;

	mtx_enter(&dp->dp_mtx);
	while (!db->db_done)
		(void)msleep_nsec(db, &dp->dp_mtx, PRI_KERN, "biowait",
		    INFSLP);
	mtx_leave(&dp->dp_mtx);
	if (db->db_wired)
		vm_unwire(db->db_iov, db->db_niov);
	db->db_wired = false;
	return (db->db_bio.bio_error);
}

/* One request on kernel memory. */
static int
disk_kernel(struct disk *dk, enum bio_cmd cmd, void *buf, size_t len,
    uint64_t off)
{
	struct diskbio *db = diskbio_alloc(dk);
	int error;

	db->db_iov[0] = (struct iovec){ buf, len };
	db->db_niov = buf == NULL ? 0 : 1;
	diskbio_start(db, cmd, off, len);
	error = diskbio_wait(db);
	diskbio_free(db);
	return (error);
}

/* --- parts of blocks ---------------------------------------------------------------------- */

static int
disk_partial(struct disk *dk, struct uio *uio, size_t len)
{
	uint64_t start = rounddown2((uint64_t)uio->uio_offset,
	    dk->dk_blksize);
	size_t in = uio->uio_offset - start;
	char *buf;
	int error;

	if ((buf = kmem_alloc(dk->dk_blksize, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = disk_kernel(dk, BIO_READ, buf, dk->dk_blksize, start);
	if (error == 0)
		error = uiomove(buf + in, MIN(len, dk->dk_blksize - in), uio);
	if (error == 0 && uio->uio_rw == UIO_WRITE)
		error = disk_kernel(dk, BIO_WRITE, buf, dk->dk_blksize,
		    start);
	kmem_free(buf, dk->dk_blksize);
	return (error);
}

/* --- whole blocks ----------------------------------------------------------------------- */

/*
 * Give a bio as much of the uio's first piece as it takes, whole blocks only.
 * *lenp: how much is left of the request, in; what the bio has, out.  That is
 * 0 where a block lies in more pieces than the device takes.
 */
static int
diskbio_fill(struct diskbio *db, const struct uio *uio, size_t skip,
    size_t *lenp)
{
	struct disk *dk = db->db_disk;
	struct disk_priv *dp = dk->dk_priv;
	char *base = (char *)uio->uio_iov->iov_base + skip;
	size_t len = MIN(*lenp, dp->dp_maxbio);
	int error;

	if (uio->uio_segflg == UIO_SYSSPACE) {
		len = MIN(len, dp->dp_maxiov * PAGE_SIZE -
		    ((vaddr_t)base & PAGE_MASK));
		db->db_iov[0] = (struct iovec){ base, len };
		db->db_niov = 1;
	} else {
		/* the device writes what a program reads */
		error = vm_wire(curproc->p_vm, (vaddr_t)base, &len,
		    uio->uio_rw == UIO_READ ? PROT_WRITE : PROT_READ,
		    db->db_iov, dp->dp_maxiov, &db->db_niov);
		if (error != 0)
			return (error);
		db->db_wired = true;
	}
	*lenp = rounddown2(len, dk->dk_blksize);
	if (*lenp == 0 && db->db_wired) {
		vm_unwire(db->db_iov, db->db_niov);
		db->db_wired = false;
	}
	return (0);
}

/*
 * Several bios for one contiguous piece of memory.  What went well before
 * the first error counts.
 */
static int
disk_blocks(struct disk *dk, struct uio *uio, size_t len)
{
	struct diskbio *db[DISK_INFLIGHT];
	size_t size[DISK_INFLIGHT], sent = 0, good = 0;
	u_int n, i;
	int error = 0, e;

	for (n = 0; n < DISK_INFLIGHT && sent < len && error == 0; n++) {
		db[n] = diskbio_alloc(dk);
		size[n] = len - sent;
		error = diskbio_fill(db[n], uio, sent, &size[n]);
		if (error != 0 || size[n] == 0) {
			diskbio_free(db[n]);
			break;
		}
		diskbio_start(db[n], uio->uio_rw == UIO_READ ? BIO_READ :
		    BIO_WRITE, uio->uio_offset + sent, size[n]);
		sent += size[n];
	}
	if (sent > 0)
		error = 0;	/* the rest fails when it is tried again */
	else if (error == 0)
		return (disk_partial(dk, uio, dk->dk_blksize));
	for (i = 0; i < n; i++) {
		e = diskbio_wait(db[i]);
		if (error == 0 && e == 0)
			good += size[i];
		else if (error == 0)
			error = e;
		diskbio_free(db[i]);
	}
	uio->uio_iov->iov_base = (char *)uio->uio_iov->iov_base + good;
	uio->uio_iov->iov_len -= good;
	uio->uio_resid -= good;
	uio->uio_offset += good;
	return (error);
}

static int
disk_uio(struct disk *dk, struct uio *uio)
{
	struct disk_priv *dp = dk->dk_priv;
	size_t len;
	bool whole;
	int error = 0;

	while (uio->uio_resid > 0 && error == 0 &&
	    (uint64_t)uio->uio_offset < dk->dk_size) {
		if ((len = uio->uio_iov->iov_len) == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
			continue;
		}
		len = MIN(len, uio->uio_resid);
		len = MIN(len, dk->dk_size - uio->uio_offset);
		whole = (uio->uio_offset & (dk->dk_blksize - 1)) == 0 &&
		    len >= dk->dk_blksize && dp->dp_maxbio != 0;
		if (whole || uio->uio_rw == UIO_READ)
			rw_enter_read(&dp->dp_lock);
		else
			rw_enter_write(&dp->dp_lock);
		error = whole ?
		    disk_blocks(dk, uio, rounddown2(len, dk->dk_blksize)) :
		    disk_partial(dk, uio, len);
		rw_exit(&dp->dp_lock);
	}
	return (error);
}

int
disk_rdwr(struct disk *dk, enum uio_rw rw, void *buf, size_t len,
    uint64_t off)
{
	struct iovec iov = { buf, len };
	struct uio uio = { .uio_iov = &iov, .uio_iovcnt = 1,
	    .uio_offset = off, .uio_resid = len,
	    .uio_segflg = UIO_SYSSPACE, .uio_rw = rw };

	if (off > dk->dk_size || len > dk->dk_size - off)
		return (EINVAL);
	return (disk_uio(dk, &uio));
}

/* --- device ----------------------------------------------------------------------------------- */

static int
disk_open(struct cdev *cd, int flags)
{
	struct disk *dk = dev_arg(cd);

	return ((flags & FWRITE) && (dk->dk_flags & DKF_RDONLY) ? EROFS : 0);
}

static int
disk_read(struct cdev *cd, struct uio *uio, int flags __unused)
{
	return (uio->uio_offset < 0 ? EINVAL : disk_uio(dev_arg(cd), uio));
}

/* As on Linux: at the end there is no room, before it what fits. */
static int
disk_write(struct cdev *cd, struct uio *uio, int flags __unused)
{
	struct disk *dk = dev_arg(cd);

	if (uio->uio_offset < 0)
		return (EINVAL);
	if (uio->uio_resid > 0 && (uint64_t)uio->uio_offset >= dk->dk_size)
		return (ENOSPC);
	return (disk_uio(dk, uio));
}

static int
disk_flush(struct disk *dk)
{
	if (!(dk->dk_flags & DKF_FLUSH))
		return (0);
	return (disk_kernel(dk, BIO_FLUSH, NULL, 0, 0));
}

static int
disk_fsync(struct cdev *cd)
{
	return (disk_flush(dev_arg(cd)));
}

#define BLKROGET	0x125e
#define BLKGETSIZE	0x1260
#define BLKFLSBUF	0x1261
#define BLKSSZGET	0x1268
#define BLKPBSZGET	0x127b
#define BLKBSZGET	0x80081270
#define BLKGETSIZE64	0x80081272

static int
disk_ioctl(struct cdev *cd, u_long cmd, void *data, int flags __unused)
{
	struct disk *dk = dev_arg(cd);
	uint64_t size = dk->dk_size;
	u_long sectors = size / 512;
	int v;

	switch (cmd) {
	case BLKGETSIZE64:
		return (copyout(&size, data, sizeof(size)));
	case BLKGETSIZE:
		return (copyout(&sectors, data, sizeof(sectors)));
	case BLKFLSBUF:
		return (disk_flush(dk));
	case BLKROGET:
		v = (dk->dk_flags & DKF_RDONLY) != 0;
		break;
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKBSZGET:
		v = dk->dk_blksize;
		break;
	default:
		return (ENOTTY);
	}
	return (copyout(&v, data, sizeof(v)));
}

static off_t
disk_size(struct cdev *cd)
{
	return (((struct disk *)dev_arg(cd))->dk_size);
}

static const struct cdevsw disk_cdevsw = {
	.d_name = "disk",
	.d_open = disk_open,
	.d_read = disk_read,
	.d_write = disk_write,
	.d_ioctl = disk_ioctl,
	.d_fsync = disk_fsync,
	.d_size = disk_size,
	.d_flags = D_DISK | D_RAWIOCTL,
};

/* --- attach -------------------------------------------------------------------------------------- */

static int
disk_sysctl_serial(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", ((struct disk *)arg)->dk_serial));
}

static int
disk_sysctl_size(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%llu",
	    (unsigned long long)((struct disk *)arg)->dk_size));
}

static void
disk_sysctl(struct disk *dk, struct sysctl_oid *so, const char *name,
    int (*read)(void *, char *, size_t))
{
	snprintf(so->so_name, sizeof(so->so_name), "hw.%s.%s",
	    dk->dk_dev->dv_xname, name);
	so->so_read = read;
	so->so_arg = dk;
	(void)sysctl_register(so);
}

/*
 * Each page of a program, or what a request has of it, is a segment, or
 * several where the device limits their length.
 */
static int
disk_limits(struct disk *dk, struct disk_priv *dp)
{
	uint64_t seglen, bytes;
	u_int segs;

	if (dk->dk_blksize < 512 || dk->dk_blksize > BLKSIZE_MAX ||
	    !powerof2(dk->dk_blksize) || dk->dk_maxsegs == 0 ||
	    dk->dk_maxseglen == 0 || dk->dk_size % dk->dk_blksize != 0)
		return (EINVAL);
	seglen = MIN(dk->dk_maxseglen, PAGE_SIZE);
	segs = howmany(PAGE_SIZE, seglen);
	dp->dp_maxiov = MIN(dk->dk_maxsegs / segs, DISK_MAXIOV);
	bytes = dp->dp_maxiov != 0 ? dp->dp_maxiov * PAGE_SIZE :
	    dk->dk_maxsegs * seglen;
	dp->dp_maxiov = MAX(dp->dp_maxiov, 1);
	dp->dp_maxbio = rounddown2(MIN(bytes, dk->dk_maxxfer),
	    (uint64_t)dk->dk_blksize);
	/* a block of our own is contiguous */
	return (dp->dp_maxbio == 0 && (dk->dk_maxxfer < dk->dk_blksize ||
	    (uint64_t)dk->dk_maxsegs * dk->dk_maxseglen < dk->dk_blksize) ?
	    EINVAL : 0);
}

int
disk_attach(struct disk *dk)
{
	struct disk_priv *dp;
	int error;

	if ((dp = kmem_zalloc(sizeof(*dp), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	rw_init(&dp->dp_lock, "disk");
	mtx_init(&dp->dp_mtx, IPL_BIO);
	dk->dk_priv = dp;
	if ((error = disk_limits(dk, dp)) != 0 ||
	    (error = dev_create(&dk->dk_cdev, &disk_cdevsw, dk, 0660, "%s",
	    dk->dk_dev->dv_xname)) != 0) {
		dk->dk_priv = NULL;
		kmem_free(dp, sizeof(*dp));
		return (error);
	}
	disk_sysctl(dk, &dp->dp_serial, "serial", disk_sysctl_serial);
	disk_sysctl(dk, &dp->dp_size, "size", disk_sysctl_size);
	return (0);
}

void
disk_detach(struct disk *dk)
{
	struct disk_priv *dp = dk->dk_priv;

	if (dp == NULL)
		return;
	dp->dp_gone = true;
	sysctl_unregister(&dp->dp_serial);
	sysctl_unregister(&dp->dp_size);
	dev_destroy(dk->dk_cdev);
	dk->dk_cdev = NULL;
	dk->dk_priv = NULL;
	kmem_free(dp, sizeof(*dp));
}

void
disk_resized(struct disk *dk, uint64_t size)
{
	dk->dk_size = rounddown2(size, (uint64_t)dk->dk_blksize);
}

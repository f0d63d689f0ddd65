/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Disks: bytes for programs where the device has blocks.
 *
 * Whole blocks go straight between the program's pages and the device, in
 * pieces as large as the device takes, several at a time.  What is left at
 * the ends goes through a block of our own; such a write is a read, a change
 * and a write, during which no other write may come between.
 *
 * Whole blocks may also be asked for without waiting for them.  The pages are
 * held until the device has done its part, whatever becomes of the program.
 */

#include <sys/aio.h>
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
	struct mutex		 dp_mtx;	/* bios: done or not, and */
	u_int			 dp_naio;	/* requests not waited for */
	struct sysctl_oid	 dp_serial;
	struct sysctl_oid	 dp_size;
};

/* a bio and the pages it holds */
struct diskbio {
	struct bio	 db_bio;
	struct disk	*db_disk;
	struct aioreq	*db_aio;	/* NULL: somebody waits */
	struct diskbio	*db_next;	/* of the same request */
	bool		 db_done;
	bool		 db_wired;
	u_int		 db_niov, db_maxiov;
	struct iovec	 db_iov[];
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
diskbio_alloc(struct disk *dk, u_int maxiov, int flags)
{
	struct diskbio *db;

	db = kmem_zalloc(sizeof(*db) + maxiov * sizeof(db->db_iov[0]), flags);
	if (db != NULL) {
		db->db_disk = dk;
		db->db_maxiov = maxiov;
	}
	return (db);
}

static void
diskbio_unwire(struct diskbio *db)
{
	if (db->db_wired)
		vm_unwire(db->db_iov, db->db_niov);
	db->db_wired = false;
}

static void
diskbio_free(struct diskbio *db)
{
	kmem_free(db, sizeof(*db) + db->db_maxiov * sizeof(db->db_iov[0]));
}

/* What has its memory becomes the last of the list. */
static void
diskbio_add(struct biolist *bios, struct diskbio *db, enum bio_cmd cmd,
    uint64_t off, size_t len, void (*done)(struct bio *))
{
	struct bio *bio = &db->db_bio;

	*bio = (struct bio){ .bio_cmd = cmd, .bio_offset = off,
	    .bio_len = len, .bio_done = done, .bio_arg = db,
	    .bio_uio = { .uio_iov = db->db_iov, .uio_iovcnt = db->db_niov,
	    .uio_resid = len, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = cmd == BIO_WRITE ? UIO_WRITE : UIO_READ } };
	TAILQ_INSERT_TAIL(bios, bio, bio_link);
}

/* All at once, so that the device has to be told only once. */
static void
disk_send(struct disk *dk, struct biolist *bios)
{
	struct bio *bio;

	if (!dk->dk_priv->dp_gone) {
		if (!TAILQ_EMPTY(bios))
			dk->dk_strategy(dk, bios);
		return;
	}
	while ((bio = TAILQ_FIRST(bios)) != NULL) {
		TAILQ_REMOVE(bios, bio, bio_link);
		bio->bio_error = ENXIO;
		biodone(bio);
	}
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
	diskbio_unwire(db);
	return (db->db_bio.bio_error);
}

/* One request on kernel memory. */
static int
disk_kernel(struct disk *dk, enum bio_cmd cmd, void *buf, size_t len,
    uint64_t off)
{
	struct biolist bios = TAILQ_HEAD_INITIALIZER(bios);
	struct diskbio *db = diskbio_alloc(dk, 1, KM_SLEEP);
	int error;

	db->db_iov[0] = (struct iovec){ buf, len };
	db->db_niov = buf == NULL ? 0 : 1;
	diskbio_add(&bios, db, cmd, off, len, diskbio_done);
	disk_send(dk, &bios);
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

static enum bio_cmd
disk_cmd(const struct uio *uio)
{
	return (uio->uio_rw == UIO_READ ? BIO_READ : BIO_WRITE);
}

/* Pages that a bio for this memory can make use of. */
static u_int
disk_maxiov(const struct disk *dk, const char *base, size_t len)
{
	const struct disk_priv *dp = dk->dk_priv;

	return (MIN(dp->dp_maxiov, howmany(((vaddr_t)base & PAGE_MASK) +
	    MIN(len, dp->dp_maxbio), PAGE_SIZE)));
}

/*
 * Give a bio as much of a piece of the uio as it takes, whole blocks only.
 * *lenp: how much is left of the piece, in; what the bio has, out.  That is
 * 0 where a block lies in more pieces than the device takes.
 */
static int
diskbio_fill(struct diskbio *db, const struct uio *uio, char *base,
    size_t *lenp)
{
	struct disk *dk = db->db_disk;
	struct disk_priv *dp = dk->dk_priv;
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
		    db->db_iov, db->db_maxiov, &db->db_niov);
		if (error != 0)
			return (error);
		db->db_wired = true;
	}
	*lenp = rounddown2(len, dk->dk_blksize);
	if (*lenp == 0)
		diskbio_unwire(db);
	return (0);
}

/*
 * Several bios for one contiguous piece of memory.  What went well before
 * the first error counts.
 */
static int
disk_blocks(struct disk *dk, struct uio *uio, size_t len)
{
	struct biolist bios = TAILQ_HEAD_INITIALIZER(bios);
	char *base = uio->uio_iov->iov_base;
	struct diskbio *db[DISK_INFLIGHT];
	size_t size[DISK_INFLIGHT], sent = 0, good = 0;
	u_int n, i;
	int error = 0, e;

	for (n = 0; n < DISK_INFLIGHT && sent < len && error == 0; n++) {
		size[n] = len - sent;
		db[n] = diskbio_alloc(dk, disk_maxiov(dk, base + sent,
		    size[n]), KM_SLEEP);
		error = diskbio_fill(db[n], uio, base + sent, &size[n]);
		if (error != 0 || size[n] == 0) {
			diskbio_free(db[n]);
			break;
		}
		diskbio_add(&bios, db[n], disk_cmd(uio), uio->uio_offset +
		    sent, size[n], diskbio_done);
		sent += size[n];
	}
	disk_send(dk, &bios);
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

/*
 * What nobody waits for comes to its end.  With the lock for writing nothing
 * of that kind begins, and without a caller from outside neither.
 */
static void
disk_quiet(struct disk_priv *dp)
{
	mtx_enter(&dp->dp_mtx);
	while (dp->dp_naio != 0)
		(void)msleep_nsec(&dp->dp_naio, &dp->dp_mtx, PRI_KERN,
		    "bioquiet", INFSLP);
	mtx_leave(&dp->dp_mtx);
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
		else {
			rw_enter_write(&dp->dp_lock);
			disk_quiet(dp);
		}
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

/* --- without waiting ------------------------------------------------------------------------------ */

/* What went well before the first error counts. */
static void
diskaio_end(struct disk *dk, struct aioreq *ar)
{
	struct disk_priv *dp = dk->dk_priv;
	struct diskbio *db, *next;

	ar->ar_count = 0;
	ar->ar_error = 0;
	for (db = ar->ar_priv; db != NULL; db = next) {
		next = db->db_next;
		if (ar->ar_error == 0)
			ar->ar_error = db->db_bio.bio_error;
		if (ar->ar_error == 0)
			ar->ar_count += db->db_bio.bio_len;
		diskbio_free(db);
	}
	ar->ar_done(ar);
	/* the disk may go after this */
	mtx_enter(&dp->dp_mtx);
	if (--dp->dp_naio == 0)
		wakeup(&dp->dp_naio);
	mtx_leave(&dp->dp_mtx);
}

static void
diskaio_done(struct bio *bio)
{
	struct diskbio *db = bio->bio_arg;
	struct disk *dk = db->db_disk;
	struct disk_priv *dp = dk->dk_priv;
	struct aioreq *ar = db->db_aio;
	bool last;

	diskbio_unwire(db);
	mtx_enter(&dp->dp_mtx);
	last = --ar->ar_left == 0;
	mtx_leave(&dp->dp_mtx);
	if (last)
		diskaio_end(dk, ar);
}

/* One bio more for a request; NULL: it cannot be done in this way. */
static struct diskbio *
diskaio_bio(struct disk *dk, struct aioreq *ar, char *base, size_t *lenp)
{
	struct diskbio *db;

	db = diskbio_alloc(dk, disk_maxiov(dk, base, *lenp), KM_NOSLEEP);
	if (db == NULL)
		return (NULL);
	if (diskbio_fill(db, &ar->ar_uio, base, lenp) != 0 || *lenp == 0) {
		diskbio_free(db);
		return (NULL);
	}
	db->db_aio = ar;
	return (db);
}

/* Whole blocks that are there; other things are left to those who wait. */
static bool
diskaio_fits(const struct disk *dk, const struct uio *uio)
{
	uint64_t off = uio->uio_offset;
	int i;

	for (i = 0; i < uio->uio_iovcnt; i++) {
		if ((uio->uio_iov[i].iov_len & (dk->dk_blksize - 1)) != 0)
			return (false);
	}
	return (dk->dk_priv->dp_maxbio != 0 && uio->uio_resid != 0 &&
	    (off & (dk->dk_blksize - 1)) == 0 && off <= dk->dk_size &&
	    uio->uio_resid <= dk->dk_size - off);
}

/* The bios of a request, in its order; false: not in so few. */
static bool
diskaio_split(struct disk *dk, struct aioreq *ar, struct biolist *bios)
{
	const struct uio *uio = &ar->ar_uio;
	struct diskbio *db, **tail = (struct diskbio **)&ar->ar_priv;
	uint64_t off = uio->uio_offset;
	size_t skip, len;
	int i;

	for (i = 0; i < uio->uio_iovcnt; i++) {
		for (skip = 0; skip < uio->uio_iov[i].iov_len; skip += len) {
			len = uio->uio_iov[i].iov_len - skip;
			if (ar->ar_left == DISK_INFLIGHT ||
			    (db = diskaio_bio(dk, ar, (char *)
			    uio->uio_iov[i].iov_base + skip, &len)) == NULL)
				return (false);
			diskbio_add(bios, db, disk_cmd(uio), off, len,
			    diskaio_done);
			ar->ar_left++;
			off += len;
			*tail = db;
			tail = &db->db_next;
		}
	}
	return (true);
}

static bool
diskaio_flush(struct disk *dk, struct aioreq *ar, struct biolist *bios)
{
	struct diskbio *db;

	if (!(dk->dk_flags & DKF_FLUSH) ||
	    (db = diskbio_alloc(dk, 0, KM_NOSLEEP)) == NULL)
		return (false);
	db->db_aio = ar;
	diskbio_add(bios, db, BIO_FLUSH, 0, 0, diskaio_done);
	ar->ar_left = 1;
	ar->ar_priv = db;
	return (true);
}

static bool
diskaio_start(struct disk *dk, struct aioreq *ar, struct biolist *bios)
{
	struct diskbio *db, *next;

	ar->ar_left = 0;
	ar->ar_priv = NULL;
	if (ar->ar_op == AIO_SYNC)
		return (diskaio_flush(dk, ar, bios));
	if (!diskaio_fits(dk, &ar->ar_uio))
		return (false);
	if (diskaio_split(dk, ar, bios))
		return (true);
	for (db = ar->ar_priv; db != NULL; db = next) {
		next = db->db_next;
		TAILQ_REMOVE(bios, &db->db_bio, bio_link);
		diskbio_unwire(db);
		diskbio_free(db);
	}
	return (false);
}

static void
disk_aio(struct cdev *cd, struct aiolist *list)
{
	struct biolist bios = TAILQ_HEAD_INITIALIZER(bios);
	struct disk *dk = dev_arg(cd);
	struct disk_priv *dp = dk->dk_priv;
	struct aioreq *ar, *next;

	rw_enter_read(&dp->dp_lock);
	TAILQ_FOREACH_SAFE(ar, list, ar_link, next) {
		if (!diskaio_start(dk, ar, &bios))
			continue;
		TAILQ_REMOVE(list, ar, ar_link);
		mtx_enter(&dp->dp_mtx);
		dp->dp_naio++;
		mtx_leave(&dp->dp_mtx);
	}
	disk_send(dk, &bios);
	rw_exit(&dp->dp_lock);
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
	.d_aio = disk_aio,
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
	disk_quiet(dp);
	dk->dk_cdev = NULL;
	dk->dk_priv = NULL;
	kmem_free(dp, sizeof(*dp));
}

void
disk_resized(struct disk *dk, uint64_t size)
{
	dk->dk_size = rounddown2(size, (uint64_t)dk->dk_blksize);
}

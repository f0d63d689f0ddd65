/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Disks: their nodes, and what programs may ask of them.  See diskvar.h for
 * the other files.
 */

#include <sys/conf.h>
#include <sys/devvar.h>
#include <sys/diskvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <vm/vm_page.h>

#define DISK_WINDOW	(512 * 1024)	/* most to read ahead for a reader */

static TAILQ_HEAD(, disk_priv) alldisks = TAILQ_HEAD_INITIALIZER(alldisks);
static struct rwlock	disks_lock = {		/* alldisks */
	.rw_mtx = MUTEX_INITIALIZER(IPL_SOFT), .rw_name = "disks"
};

static const struct cdevsw disk_cdevsw;

/* --- nodes -------------------------------------------------------------- */

uint64_t
disk_partsize(const struct diskpart *pt)
{
	uint64_t size = pt->pt_disk->dk_size;

	if (pt->pt_index == 0)
		return (size);
	return (pt->pt_start >= size ? 0 :
	    MIN(pt->pt_size, size - pt->pt_start));
}

static int
disk_mknode(struct disk *dk, struct diskpart *pt)
{
	const char *name = dk->dk_dev->dv_xname;

	pt->pt_disk = dk;
	if (pt->pt_index == 0)
		return (dev_create(&pt->pt_cdev, &disk_cdevsw, pt, 0660, "%s",
		    name));
	return (dev_create(&pt->pt_cdev, &disk_cdevsw, pt, 0660, "%sp%u",
	    name, pt->pt_index));
}

/* --- partitions --------------------------------------------------------- */

static int
part_block(void *arg, uint64_t block, void *buf, u_int n)
{
	struct disk *dk = arg;

	return (disk_rdwr(dk, UIO_READ, buf, (size_t)n * dk->dk_blksize,
	    block * dk->dk_blksize));
}

static void
part_found(void *arg, const struct partent *pe)
{
	struct disk *dk = arg;
	struct diskpart *pt;

	if ((pt = kmem_zalloc(sizeof(*pt), KM_NOSLEEP)) == NULL)
		return;
	pt->pt_index = pe->pe_index;
	pt->pt_start = pe->pe_start * dk->dk_blksize;
	pt->pt_size = pe->pe_size * dk->dk_blksize;
	if (disk_mknode(dk, pt) != 0) {
		kmem_free(pt, sizeof(*pt));
		return;
	}
	TAILQ_INSERT_TAIL(&dk->dk_priv->dp_parts, pt, pt_link);
}

static void
disk_unpart(struct disk_priv *dp)
{
	struct diskpart *pt;

	while ((pt = TAILQ_FIRST(&dp->dp_parts)) != NULL) {
		TAILQ_REMOVE(&dp->dp_parts, pt, pt_link);
		dev_destroy(pt->pt_cdev);
		mtx_enter(&dp->dp_mtx);
		dp->dp_opens -= pt->pt_open;	/* nobody closes it now */
		mtx_leave(&dp->dp_mtx);
		kmem_free(pt, sizeof(*pt));
	}
}

/* With dp_partlock for writing. */
static int
disk_scan(struct disk *dk)
{
	const struct partsrc src = { .ps_read = part_block, .ps_arg = dk,
	    .ps_blksize = dk->dk_blksize,
	    .ps_nblocks = dk->dk_size / dk->dk_blksize };
	char text[80];
	int error;

	disk_unpart(dk->dk_priv);
	if ((dk->dk_flags & (DKF_NOPART | DKF_NOMEDIUM)) ||
	    dk->dk_priv->dp_gone)
		return (0);
	error = part_scan(&src, part_found, dk, text, sizeof(text));
	if (text[0] != '\0')
		device_printf(dk->dk_dev, "%s\n", text);
	if (error != 0)
		device_printf(dk->dk_dev, "cannot read the partitions: "
		    "error %d\n", error);
	return (error);
}

/* A program wants the table to be read anew. */
static int
disk_rescan(struct disk *dk)
{
	struct disk_priv *dp = dk->dk_priv;
	struct diskpart *pt;
	int error = 0;

	diskahead_forgetall(dp);
	rw_enter_write(&dp->dp_partlock);
	TAILQ_FOREACH(pt, &dp->dp_parts, pt_link) {
		if (pt->pt_open)
			error = EBUSY;
	}
	if (error == 0)
		error = disk_scan(dk);
	rw_exit(&dp->dp_partlock);
	return (error);
}

/* --- reads and writes --------------------------------------------------- */

/*
 * A driver that is asked here may find another medium, and take away the
 * nodes of partitions: it must not be one of them that is being opened.
 */
static int
disk_open(struct cdev *cd, int flags)
{
	struct diskpart *pt = dev_arg(cd);
	struct disk *dk = pt->pt_disk;
	struct disk_priv *dp = dk->dk_priv;
	int error = 0;

	if (pt->pt_index == 0 && dk->dk_open != NULL)
		error = dk->dk_open(dk, flags);
	if (error == 0 && (dk->dk_flags & DKF_NOMEDIUM) &&
	    !(flags & FNONBLOCK))
		error = ENOMEDIUM;
	if (error == 0 && (flags & FWRITE) && (dk->dk_flags & DKF_RDONLY))
		error = EROFS;
	if (error != 0)
		return (error);
	mtx_enter(&dp->dp_mtx);
	dp->dp_opens += !pt->pt_open;
	pt->pt_open = true;
	mtx_leave(&dp->dp_mtx);
	return (0);
}

static int
disk_close(struct cdev *cd, int flags __unused)
{
	struct diskpart *pt = dev_arg(cd);
	struct disk *dk = pt->pt_disk;
	struct disk_priv *dp = dk->dk_priv;
	bool last;

	mtx_enter(&dp->dp_mtx);
	dp->dp_opens -= pt->pt_open;
	pt->pt_open = false;
	last = dp->dp_opens == 0;
	mtx_leave(&dp->dp_mtx);
	if (!last)
		return (0);
	diskahead_forgetall(dp);
	if (dk->dk_close != NULL)
		dk->dk_close(dk);
	return (0);
}

static int
disk_read(struct cdev *cd, struct uio *uio, int flags)
{
	const struct diskpart *pt = dev_arg(cd);

	if (uio->uio_offset < 0)
		return (EINVAL);
	if (pt->pt_disk->dk_flags & DKF_NOMEDIUM)
		return (ENOMEDIUM);
	return (diskio_uio(pt, uio, flags & FDIRECT));
}

/* As on Linux: at the end there is no room, before it what fits. */
static int
disk_write(struct cdev *cd, struct uio *uio, int flags)
{
	const struct diskpart *pt = dev_arg(cd);

	if (uio->uio_offset < 0)
		return (EINVAL);
	if (uio->uio_resid > 0 &&
	    (uint64_t)uio->uio_offset >= disk_partsize(pt))
		return (pt->pt_disk->dk_flags & DKF_NOMEDIUM ? ENOMEDIUM :
		    ENOSPC);
	return (diskio_uio(pt, uio, flags & FDIRECT));
}

static int
disk_flush(struct disk *dk)
{
	if (!(dk->dk_flags & DKF_FLUSH) || (dk->dk_flags & DKF_NOMEDIUM))
		return (0);
	return (diskio_kernel(dk, BIO_FLUSH, NULL, 0, 0));
}

static int
disk_fsync(struct cdev *cd)
{
	return (disk_flush(((struct diskpart *)dev_arg(cd))->pt_disk));
}

static off_t
disk_size(struct cdev *cd)
{
	return (disk_partsize(dev_arg(cd)));
}

/* --- ioctl -------------------------------------------------------------- */

/* Numbers and arguments are those of Linux. */
#define HDIO_GETGEO	0x0301
#define BLKROGET	0x125e
#define BLKRRPART	0x125f
#define BLKGETSIZE	0x1260
#define BLKFLSBUF	0x1261
#define BLKRASET	0x1262
#define BLKRAGET	0x1263
#define BLKFRASET	0x1264
#define BLKFRAGET	0x1265
#define BLKSECTGET	0x1267
#define BLKSSZGET	0x1268
#define BLKDISCARD	0x1277
#define BLKIOMIN	0x1278
#define BLKIOOPT	0x1279
#define BLKALIGNOFF	0x127a
#define BLKPBSZGET	0x127b
#define BLKDISCARDZEROES 0x127c
#define BLKSECDISCARD	0x127d
#define BLKROTATIONAL	0x127e
#define BLKZEROOUT	0x127f
#define BLKBSZGET	0x80081270
#define BLKGETSIZE64	0x80081272

struct hd_geometry {
	uint8_t		heads, sectors;
	uint16_t	cylinders;
	u_long		start;		/* in units of 512 bytes */
};

/* What programs expect of a disk that has no such thing. */
static int
disk_getgeo(const struct diskpart *pt, void *user)
{
	const struct disk *dk = pt->pt_disk;
	struct hd_geometry hg = { .heads = dk->dk_heads,
	    .sectors = dk->dk_sectors, .cylinders = dk->dk_cylinders,
	    .start = pt->pt_start / 512 };

	if (hg.heads == 0 || hg.sectors == 0) {
		hg.heads = 255;
		hg.sectors = 63;
		hg.cylinders = MIN(UINT16_MAX, dk->dk_size / 512 / 255 / 63);
	}
	return (copyout(&hg, user, sizeof(hg)));
}

static uint32_t
disk_physsize(const struct disk *dk)
{
	return (MAX(dk->dk_physsize, dk->dk_blksize));
}

/* How far the node's first byte is behind where a physical block begins. */
static int
disk_alignoff(const struct diskpart *pt)
{
	uint32_t phys = disk_physsize(pt->pt_disk);

	return ((pt->pt_disk->dk_alignoff + phys - pt->pt_start % phys) %
	    phys);
}

static int
disk_ioctl_range(const struct diskpart *pt, u_long cmd, const void *user,
    int flags)
{
	struct disk *dk = pt->pt_disk;
	uint64_t r[2], size = disk_partsize(pt), mask = dk->dk_blksize - 1;
	int error;

	if (!(flags & FWRITE))
		return (EBADF);
	if ((error = copyin(user, r, sizeof(r))) != 0)
		return (error);
	if (((r[0] | r[1]) & mask) != 0 || r[0] > size || r[1] > size - r[0])
		return (EINVAL);
	r[0] += pt->pt_start;
	if (cmd == BLKZEROOUT)
		return (diskio_zero(dk, r[0], r[1]));
	if (cmd == BLKDISCARD)
		return (diskio_range(dk, &dk->dk_discard, BIO_DISCARD, r[0],
		    r[1]));
	return (diskio_range(dk, &dk->dk_erase, BIO_ERASE, r[0], r[1]));
}

/* Some of these have four bytes as the answer, some eight, some two. */
static int
disk_ioctl_int(const struct diskpart *pt, u_long cmd, void *user)
{
	const struct disk *dk = pt->pt_disk;
	int v;

	switch (cmd) {
	case BLKROGET:
		v = (dk->dk_flags & DKF_RDONLY) != 0;
		break;
	case BLKSSZGET:
	case BLKBSZGET:
		v = dk->dk_blksize;
		break;
	case BLKPBSZGET:
		v = disk_physsize(dk);
		break;
	case BLKIOMIN:
		v = MAX(dk->dk_minio, disk_physsize(dk));
		break;
	case BLKIOOPT:
		v = dk->dk_optio;
		break;
	case BLKALIGNOFF:
		v = disk_alignoff(pt);
		break;
	case BLKDISCARDZEROES:
		v = 0;		/* nobody promises that */
		break;
	default:
		return (ENOTTY);
	}
	return (copyout(&v, user, sizeof(v)));
}

static int
disk_ioctl_short(const struct disk *dk, u_long cmd, void *user)
{
	uint16_t v;

	if (cmd == BLKROTATIONAL)
		v = (dk->dk_flags & DKF_ROTATES) != 0;
	else
		v = MIN(UINT16_MAX, dk->dk_maxxfer / 512);
	return (copyout(&v, user, sizeof(v)));
}

static int
disk_ioctl_long(struct diskpart *pt, u_long cmd, void *user)
{
	struct disk_priv *dp = pt->pt_disk->dk_priv;
	uint64_t size = disk_partsize(pt);
	u_long v;

	switch (cmd) {
	case BLKGETSIZE64:
		return (copyout(&size, user, sizeof(size)));
	case BLKGETSIZE:
		v = size / 512;
		break;
	default:
		v = dp->dp_window / 512;
		break;
	}
	return (copyout(&v, user, sizeof(v)));
}

static int
disk_ioctl(struct cdev *cd, u_long cmd, void *data, int flags)
{
	struct diskpart *pt = dev_arg(cd);
	struct disk *dk = pt->pt_disk;
	int error;

	if (dk->dk_ioctl != NULL &&
	    (error = dk->dk_ioctl(dk, cmd, data, flags)) != ENOTTY)
		return (error);
	switch (cmd) {
	case HDIO_GETGEO:
		return (disk_getgeo(pt, data));
	case BLKFLSBUF:
		diskahead_forgetall(dk->dk_priv);
		return (disk_flush(dk));
	case BLKRRPART:
		return (pt->pt_index != 0 ? EINVAL : disk_rescan(dk));
	case BLKDISCARD:
	case BLKSECDISCARD:
	case BLKZEROOUT:
		return (disk_ioctl_range(pt, cmd, data, flags));
	case BLKGETSIZE:
	case BLKGETSIZE64:
	case BLKRAGET:
	case BLKFRAGET:
		return (disk_ioctl_long(pt, cmd, data));
	case BLKRASET:
	case BLKFRASET:
		dk->dk_priv->dp_window = MIN((u_long)data, DISK_WINDOW / 512) *
		    512;
		return (0);
	case BLKROTATIONAL:
	case BLKSECTGET:
		return (disk_ioctl_short(dk, cmd, data));
	default:
		return (disk_ioctl_int(pt, cmd, data));
	}
}

static const struct cdevsw disk_cdevsw = {
	.d_name = "disk",
	.d_open = disk_open,
	.d_close = disk_close,
	.d_read = disk_read,
	.d_write = disk_write,
	.d_ioctl = disk_ioctl,
	.d_fsync = disk_fsync,
	.d_size = disk_size,
	.d_aio = diskaio,
	.d_flags = D_DISK | D_RAWIOCTL,
};

/* --- for others --------------------------------------------------------- */

static void
disk_tell(const struct diskpart *pt, void (*fn)(void *,
    const struct disk_node *), void *arg)
{
	struct disk_node dn = { .dn_name = dev_name(pt->pt_cdev),
	    .dn_rdev = pt->pt_cdev->cd_rdev, .dn_index = pt->pt_index,
	    .dn_start = pt->pt_start, .dn_size = disk_partsize(pt) };

	fn(arg, &dn);
}

void
disk_foreach(void (*fn)(void *, const struct disk_node *), void *arg)
{
	struct disk_priv *dp;
	struct diskpart *pt;

	rw_enter_read(&disks_lock);
	TAILQ_FOREACH(dp, &alldisks, dp_link) {
		disk_tell(&dp->dp_whole, fn, arg);
		rw_enter_read(&dp->dp_partlock);
		TAILQ_FOREACH(pt, &dp->dp_parts, pt_link)
			disk_tell(pt, fn, arg);
		rw_exit(&dp->dp_partlock);
	}
	rw_exit(&disks_lock);
}

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

/* --- attachment --------------------------------------------------------- */

/* Segments of a block of our own, whose pages lie behind each other. */
static uint64_t
disk_blksegs(const struct disk *dk)
{
	uint32_t blksize = dk->dk_blksize, seglen = dk->dk_maxseglen;

	if (seglen >= PAGE_SIZE)
		return (howmany(blksize, rounddown2(seglen, PAGE_SIZE)));
	return ((uint64_t)howmany(blksize, PAGE_SIZE) *
	    howmany(MIN(blksize, PAGE_SIZE), seglen));
}

/*
 * Pages of a program that lie behind each other are one segment, where the
 * device takes one as long.  Where it does not even take a page, each page is
 * several, and a piece must not go on in the next one: its end and the other's
 * beginning could be one segment more than a page has.
 */
static int
disk_limits(struct disk *dk)
{
	struct disk_priv *dp = dk->dk_priv;
	uint64_t seglen, bytes;

	if (dk->dk_blksize < 512 || dk->dk_blksize > DISK_BLKMAX ||
	    !powerof2(dk->dk_blksize) || dk->dk_maxsegs == 0 ||
	    dk->dk_maxseglen == 0 || dk->dk_size % dk->dk_blksize != 0)
		return (EINVAL);
	seglen = MIN(dk->dk_maxseglen, PAGE_SIZE);
	dp->dp_maxpiece = rounddown2(dk->dk_maxseglen, PAGE_SIZE);
	dp->dp_maxiov = MIN(dk->dk_maxsegs / howmany(PAGE_SIZE, seglen),
	    DISK_MAXIOV);
	bytes = dp->dp_maxiov != 0 ? (uint64_t)dp->dp_maxiov *
	    MAX(dp->dp_maxpiece, PAGE_SIZE) : dk->dk_maxsegs * seglen;
	dp->dp_maxiov = MAX(dp->dp_maxiov, 1);
	dp->dp_maxbio = rounddown2(MIN(bytes, dk->dk_maxxfer),
	    (uint64_t)dk->dk_blksize);
	return (dk->dk_maxxfer < dk->dk_blksize ||
	    disk_blksegs(dk) > dk->dk_maxsegs ? EINVAL : 0);
}

static struct disk_priv *
disk_alloc(struct disk *dk)
{
	struct disk_priv *dp;
	u_int i;

	if ((dp = kmem_zalloc(sizeof(*dp), KM_NOSLEEP)) == NULL)
		return (NULL);
	dp->dp_disk = dk;
	rw_init(&dp->dp_partlock, "diskpart");
	TAILQ_INIT(&dp->dp_parts);
	mtx_init(&dp->dp_mtx, IPL_BIO);
	LIST_INIT(&dp->dp_writes);
	for (i = 0; i < DISK_STREAMS; i++)
		TAILQ_INIT(&dp->dp_stream[i].ds_bufs);
	/* a small machine has no memory for what may not be wanted */
	dp->dp_window = rounddown2(MIN(DISK_WINDOW, ptoa(vm_page_total()) /
	    256), 65536UL);
	return (dp);
}

int
disk_attach(struct disk *dk)
{
	struct disk_priv *dp;
	int error;

	if ((dk->dk_priv = dp = disk_alloc(dk)) == NULL)
		return (ENOMEM);
	if ((error = disk_limits(dk)) != 0 ||
	    (error = disk_mknode(dk, &dp->dp_whole)) != 0) {
		dk->dk_priv = NULL;
		kmem_free(dp, sizeof(*dp));
		return (error);
	}
	disk_sysctl(dk, &dp->dp_serial, "serial", disk_sysctl_serial);
	disk_sysctl(dk, &dp->dp_size, "size", disk_sysctl_size);
	rw_enter_write(&dp->dp_partlock);
	(void)disk_scan(dk);	/* the disk is of use without */
	rw_exit(&dp->dp_partlock);
	rw_enter_write(&disks_lock);
	TAILQ_INSERT_TAIL(&alldisks, dp, dp_link);
	rw_exit(&disks_lock);
	return (0);
}

void
disk_detach(struct disk *dk)
{
	struct disk_priv *dp = dk->dk_priv;

	if (dp == NULL)
		return;
	rw_enter_write(&disks_lock);
	TAILQ_REMOVE(&alldisks, dp, dp_link);
	rw_exit(&disks_lock);
	dp->dp_gone = true;
	sysctl_unregister(&dp->dp_serial);
	sysctl_unregister(&dp->dp_size);
	rw_enter_write(&dp->dp_partlock);
	disk_unpart(dp);
	rw_exit(&dp->dp_partlock);
	dev_destroy(dp->dp_whole.pt_cdev);
	disk_quiet(dp);
	diskahead_forgetall(dp);
	dk->dk_priv = NULL;
	kmem_free(dp, sizeof(*dp));
}

void
disk_resized(struct disk *dk, uint64_t size)
{
	dk->dk_size = rounddown2(size, (uint64_t)dk->dk_blksize);
	if (dk->dk_priv != NULL)
		diskahead_forgetall(dk->dk_priv);
}

int
disk_medium(struct disk *dk)
{
	struct disk_priv *dp = dk->dk_priv;
	int error = 0;

	rw_enter_write(&dp->dp_partlock);
	if (dk->dk_flags & DKF_NOMEDIUM)
		dk->dk_size = 0;
	else if ((error = disk_limits(dk)) != 0) {
		dk->dk_flags |= DKF_NOMEDIUM;
		dk->dk_size = 0;
	}
	diskahead_forgetall(dp);
	(void)disk_scan(dk);
	rw_exit(&dp->dp_partlock);
	return (error);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Units with blocks: their capacity, and commands made of bios.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <scsi/scsi_disk.h>

#define BLKSIZE_MAX	65536
#define READY_TRIES	3
#define SLOW		4	/* a flush may take so many times as long */

/* --- capacity ----------------------------------------------------------- */

struct capacity {
	uint64_t	c_blocks;
	uint32_t	c_blksize;
	u_int		c_physexp;	/* a physical one is 2^n blocks */
	u_int		c_aligned;	/* the first block of one */
	bool		c_thin;
};

static int
capacity_16(struct scsi_unit *su, struct capacity *c)
{
	uint8_t cdb[16] = { SCSI_SERVICE_ACTION_IN_16, SAI_READ_CAPACITY_16 };
	uint8_t buf[32];
	size_t done;
	int error;

	memset(buf, 0, sizeof(buf));
	scsi_put32(&cdb[10], sizeof(buf));
	if ((error = scsi_command(su, cdb, sizeof(cdb), SCSI_IN, buf,
	    sizeof(buf), XSF_QUIET | XSF_LOOK, &done)) != 0)
		return (error);
	if (done < 12)
		return (EIO);
	c->c_blocks = scsi_get64(buf) + 1;
	c->c_blksize = scsi_get32(&buf[8]);
	c->c_physexp = buf[13] & 0x0f;
	c->c_aligned = scsi_get16(&buf[14]) & 0x3fff;
	c->c_thin = (buf[14] & 0x80) != 0;
	return (0);
}

static int
capacity_10(struct scsi_unit *su, struct capacity *c)
{
	uint8_t cdb[10] = { SCSI_READ_CAPACITY_10 }, buf[8];
	size_t done;
	int error;

	if ((error = scsi_command(su, cdb, sizeof(cdb), SCSI_IN, buf,
	    sizeof(buf), XSF_QUIET | XSF_LOOK, &done)) != 0)
		return (error);
	if (done < sizeof(buf))
		return (EIO);
	c->c_blocks = (uint64_t)scsi_get32(buf) + 1;
	c->c_blksize = scsi_get32(&buf[4]);
	return (0);
}

/* The long form tells more, but older units and CDs do not know it. */
static int
capacity(struct scsi_unit *su, struct capacity *c)
{
	int error = EOPNOTSUPP;

	memset(c, 0, sizeof(*c));
	if (INQ_TYPE(su->su_inquiry) == TYPE_DISK &&
	    INQ_VERSION(su->su_inquiry) >= 5)
		error = capacity_16(su, c);
	if (error == EOPNOTSUPP || error == EINVAL || error == EIO) {
		if ((error = capacity_10(su, c)) == 0 &&
		    c->c_blocks == (uint64_t)UINT32_MAX + 1)
			error = capacity_16(su, c);
	}
	return (error);
}

static int
capacity_use(struct disk *dk, const struct capacity *c, const char **why)
{
	if (c->c_blksize < 512 || c->c_blksize > BLKSIZE_MAX ||
	    !powerof2(c->c_blksize)) {
		*why = "block size";
		return (ENXIO);
	}
	if (c->c_blocks == 0 || c->c_blocks > INT64_MAX / c->c_blksize) {
		*why = "capacity";
		return (ENXIO);
	}
	dk->dk_size = c->c_blocks * c->c_blksize;
	dk->dk_blksize = c->c_blksize;
	dk->dk_physsize = c->c_blksize << c->c_physexp;
	if ((uint64_t)c->c_blksize << c->c_physexp > INT32_MAX)
		dk->dk_physsize = c->c_blksize;
	dk->dk_alignoff = (uint64_t)c->c_aligned * c->c_blksize %
	    dk->dk_physsize;
	return (0);
}

/* It may need to be told that it was looked for before it is ready. */
static int
unit_ready(struct scsi_unit *su)
{
	static const uint8_t cdb[6] = { SCSI_TEST_UNIT_READY };
	u_int i;
	int error = EIO;

	for (i = 0; i < READY_TRIES && error == EIO; i++)
		error = scsi_command(su, cdb, sizeof(cdb), SCSI_NODATA, NULL,
		    0, XSF_QUIET | XSF_LOOK, NULL);
	return (error);
}

int
scsi_disk_medium(struct scsi_disk *sk, const char **why)
{
	struct disk *dk = &sk->sk_disk;
	struct capacity c;
	int error;

	*why = "not ready";
	if ((error = unit_ready(sk->sk_unit)) == 0)
		error = capacity(sk->sk_unit, &c);
	if (error == 0) {
		if ((error = capacity_use(dk, &c, why)) == 0)
			dk->dk_flags &= ~DKF_NOMEDIUM;
		return (error);
	}
	if (error == ENOMEDIUM || sk->sk_removable) {
		dk->dk_flags |= DKF_NOMEDIUM;
		dk->dk_size = 0;
		return (0);
	}
	return (error);
}

const char *
scsi_disk_size(const struct scsi_disk *sk, char *buf, size_t size)
{
	unsigned long long kb = sk->sk_disk.dk_size >> 10;

	if (sk->sk_disk.dk_flags & DKF_NOMEDIUM)
		snprintf(buf, size, "no medium");
	else
		snprintf(buf, size, "%llu %s, %u bytes/sector",
		    kb >= 1024 ? kb >> 10 : kb, kb >= 1024 ? "MB" : "KB",
		    sk->sk_disk.dk_blksize);
	return (buf);
}

static void
look_changed(struct scsi_disk *sk, const struct disk *old, bool other)
{
	struct disk *dk = &sk->sk_disk;
	uint64_t size = dk->dk_size;
	char text[48];

	if ((old->dk_flags & DKF_NOMEDIUM) == (dk->dk_flags & DKF_NOMEDIUM) &&
	    old->dk_blksize == dk->dk_blksize && !sk->sk_removable) {
		if (size == old->dk_size)
			return;
		device_printf(sk->sk_dev, "capacity is now %s\n",
		    scsi_disk_size(sk, text, sizeof(text)));
		disk_resized(dk, size);
		return;
	}
	if (dk->dk_size == old->dk_size &&
	    dk->dk_blksize == old->dk_blksize && (!other || dk->dk_size == 0))
		return;
	/* the unit told limits of these for blocks of another size */
	if (dk->dk_blksize != old->dk_blksize)
		dk->dk_zero.dr_max = dk->dk_discard.dr_max = 0;
	device_printf(sk->sk_dev, "%s\n", scsi_disk_size(sk, text,
	    sizeof(text)));
	if (disk_medium(dk) != 0)
		device_printf(sk->sk_dev, "this medium cannot be used\n");
}

int
scsi_disk_look(struct scsi_disk *sk, bool other)
{
	struct disk *dk = &sk->sk_disk, old;
	const char *why;
	int error;

	rw_enter_write(&sk->sk_lock);
	old = *dk;
	if ((error = scsi_disk_medium(sk, &why)) != 0 && !sk->sk_unusable)
		device_printf(sk->sk_dev, "%s is not usable\n", why);
	sk->sk_unusable = error != 0;
	if (error != 0 && sk->sk_removable) {
		/* it is not the one that was there, whatever it is */
		dk->dk_flags |= DKF_NOMEDIUM;
		dk->dk_size = 0;
	}
	/* what was begun before this was for the other one */
	other |= sk->sk_unit->su_newmedium;
	sk->sk_unit->su_newmedium = false;
	if (error == 0 || sk->sk_removable)
		look_changed(sk, &old, other);
	rw_exit(&sk->sk_lock);
	return (error == ENXIO ? EIO : error);
}

/* --- commands ----------------------------------------------------------- */

static void
io_rdwr(struct scsi_io *io, const struct bio *bio, uint32_t blksize)
{
	struct scsi_xfer *xs = &io->io_xfer;
	uint64_t block = bio->bio_offset / blksize;
	uint32_t n = bio->bio_len / blksize;
	bool read = bio->bio_cmd == BIO_READ;

	if (block + n <= UINT32_MAX && n <= UINT16_MAX) {
		xs->xs_cdb[0] = read ? SCSI_READ_10 : SCSI_WRITE_10;
		scsi_put32(&xs->xs_cdb[2], block);
		scsi_put16(&xs->xs_cdb[7], n);
	} else {
		xs->xs_cdb[0] = read ? SCSI_READ_16 : SCSI_WRITE_16;
		scsi_put64(&xs->xs_cdb[2], block);
		scsi_put32(&xs->xs_cdb[10], n);
	}
	xs->xs_dir = read ? SCSI_IN : SCSI_OUT;
	xs->xs_uio = bio->bio_uio;
	xs->xs_len = bio->bio_len;
}

static void
io_memory(struct scsi_io *io, void *buf, size_t len)
{
	struct scsi_xfer *xs = &io->io_xfer;

	io->io_iov = (struct iovec){ buf, len };
	xs->xs_dir = SCSI_OUT;
	xs->xs_len = len;
	xs->xs_uio = (struct uio){ .uio_iov = &io->io_iov, .uio_iovcnt = 1,
	    .uio_resid = len, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_WRITE };
}

static void
io_unmap(struct scsi_io *io, const struct bio *bio, uint32_t blksize)
{
	uint8_t *p = io->io_param;

	memset(p, 0, UNMAP_LEN);
	scsi_put16(&p[0], UNMAP_LEN - 2);
	scsi_put16(&p[2], UNMAP_LEN - 8);
	scsi_put64(&p[8], bio->bio_offset / blksize);
	scsi_put32(&p[16], bio->bio_len / blksize);
	io->io_xfer.xs_cdb[0] = SCSI_UNMAP;
	scsi_put16(&io->io_xfer.xs_cdb[7], UNMAP_LEN);
	io_memory(io, p, UNMAP_LEN);
}

static void
io_write_same(struct scsi_io *io, const struct bio *bio, uint32_t blksize)
{
	struct scsi_xfer *xs = &io->io_xfer;

	xs->xs_cdb[0] = SCSI_WRITE_SAME_16;
	xs->xs_cdb[1] = bio->bio_cmd == BIO_DISCARD ? 0x08 : 0; /* UNMAP */
	scsi_put64(&xs->xs_cdb[2], bio->bio_offset / blksize);
	scsi_put32(&xs->xs_cdb[10], bio->bio_len / blksize);
	io_memory(io, io->io_disk->sk_zeroes, io->io_disk->sk_zerolen);
}

static void
io_fill(struct scsi_io *io, struct bio *bio)
{
	struct scsi_disk *sk = io->io_disk;
	struct scsi_xfer *xs = &io->io_xfer;
	uint32_t blksize = sk->sk_disk.dk_blksize;

	io->io_bio = bio;
	memset(xs, 0, sizeof(*xs));
	xs->xs_unit = sk->sk_unit;
	xs->xs_arg = io;
	if (bio_hasdata(bio))
		io_rdwr(io, bio, blksize);
	else if (bio->bio_cmd == BIO_FLUSH)
		xs->xs_cdb[0] = SCSI_SYNCHRONIZE_CACHE_10;
	else if (bio->bio_cmd == BIO_DISCARD &&
	    sk->sk_discard == DISCARD_UNMAP)
		io_unmap(io, bio, blksize);
	else
		io_write_same(io, bio, blksize);
	/* another way may be found */
	if (!bio_hasdata(bio)) {
		xs->xs_flags |= XSF_QUIET;
		xs->xs_secs = SLOW * sk->sk_unit->su_adapter->sa_secs;
	}
	if (sk->sk_removable)
		xs->xs_flags |= XSF_MEDIUM;
}

/* --- bios --------------------------------------------------------------- */

static void	io_done(struct scsi_xfer *);

/* With sk_mtx.  NULL: there is no memory now. */
static struct scsi_io *
io_alloc(struct scsi_disk *sk)
{
	struct scsi_io *io = TAILQ_FIRST(&sk->sk_free);

	if (io != NULL)
		TAILQ_REMOVE(&sk->sk_free, io, io_link);
	else if ((io = kmem_alloc(sizeof(*io), KM_NOSLEEP)) != NULL)
		io->io_disk = sk;
	return (io);
}

/* With sk_mtx: commands for the bios that wait. */
static void
disk_run(struct scsi_disk *sk, struct scsi_xferlist *list,
    struct biolist *done)
{
	struct scsi_io *io = NULL;
	struct bio *bio;

	while ((bio = TAILQ_FIRST(&sk->sk_bios)) != NULL) {
		bio->bio_error = disk_checkbio(&sk->sk_disk, bio);
		if (bio->bio_error == 0 && sk->sk_closed)
			bio->bio_error = ENXIO;
		/* until somebody has looked what there is now */
		if (bio->bio_error == 0 && sk->sk_removable &&
		    sk->sk_unit->su_newmedium)
			bio->bio_error = EIO;
		if (bio->bio_error == 0 && (io = io_alloc(sk)) == NULL) {
			if (sk->sk_nbusy > 0)
				return;		/* memory will come back */
			bio->bio_error = ENOMEM;
		}
		TAILQ_REMOVE(&sk->sk_bios, bio, bio_link);
		if (bio->bio_error != 0) {
			TAILQ_INSERT_TAIL(done, bio, bio_link);
			continue;
		}
		io_fill(io, bio);
		io->io_xfer.xs_done = io_done;
		sk->sk_nbusy++;
		TAILQ_INSERT_TAIL(list, &io->io_xfer, xs_link);
	}
}

static void
disk_finish(struct scsi_xferlist *list, struct biolist *done)
{
	struct bio *bio;

	scsi_start(list);
	while ((bio = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, bio, bio_link);
		biodone(bio);
	}
}

/* What the unit does not know is not asked for again. */
static int
io_error(struct scsi_disk *sk, const struct scsi_xfer *xs,
    const struct bio *bio)
{
	struct disk *dk = &sk->sk_disk;
	bool unknown = xs->xs_error == EOPNOTSUPP || xs->xs_error == EINVAL;

	if (sk->sk_closed && xs->xs_error == EIO)
		return (ENXIO);
	if (bio_hasdata(bio))
		return (xs->xs_error == 0 && xs->xs_resid != 0 ? EIO :
		    unknown ? EIO : xs->xs_error);
	if (!unknown)
		return (xs->xs_error);
	if (bio->bio_cmd == BIO_FLUSH) {
		dk->dk_flags &= ~DKF_FLUSH;
		return (0);		/* it has no cache then */
	}
	if (bio->bio_cmd == BIO_ZERO)
		dk->dk_zero.dr_max = 0;
	else if (bio->bio_cmd == BIO_DISCARD)
		dk->dk_discard.dr_max = 0;
	return (EOPNOTSUPP);
}

static void
io_done(struct scsi_xfer *xs)
{
	struct scsi_xferlist list = TAILQ_HEAD_INITIALIZER(list);
	struct biolist done = TAILQ_HEAD_INITIALIZER(done);
	struct scsi_io *io = xs->xs_arg;
	struct scsi_disk *sk = io->io_disk;
	struct bio *bio = io->io_bio;

	bio->bio_error = io_error(sk, xs, bio);
	TAILQ_INSERT_TAIL(&done, bio, bio_link);
	mtx_enter(&sk->sk_mtx);
	TAILQ_INSERT_HEAD(&sk->sk_free, io, io_link);
	sk->sk_nbusy--;
	disk_run(sk, &list, &done);
	if (sk->sk_nbusy == 0 && sk->sk_closed)
		wakeup(&sk->sk_nbusy);
	mtx_leave(&sk->sk_mtx);
	disk_finish(&list, &done);
}

static void
disk_strategy(struct disk *dk, struct biolist *bios)
{
	struct scsi_disk *sk = container_of(dk, struct scsi_disk, sk_disk);
	struct scsi_xferlist list = TAILQ_HEAD_INITIALIZER(list);
	struct biolist done = TAILQ_HEAD_INITIALIZER(done);
	struct bio *bio;

	mtx_enter(&sk->sk_mtx);
	while ((bio = TAILQ_FIRST(bios)) != NULL) {
		TAILQ_REMOVE(bios, bio, bio_link);
		TAILQ_INSERT_TAIL(&sk->sk_bios, bio, bio_link);
	}
	disk_run(sk, &list, &done);
	mtx_leave(&sk->sk_mtx);
	disk_finish(&list, &done);
}

/* --- life --------------------------------------------------------------- */

void
scsi_disk_init(struct scsi_disk *sk, struct device *dev,
    struct scsi_unit *su)
{
	sk->sk_dev = dev;
	sk->sk_unit = su;
	sk->sk_removable = INQ_REMOVABLE(su->su_inquiry) != 0;
	rw_init(&sk->sk_lock, "scsimed");
	mtx_init(&sk->sk_mtx, IPL_BIO);
	TAILQ_INIT(&sk->sk_bios);
	TAILQ_INIT(&sk->sk_free);
	sk->sk_disk.dk_blksize = 512;
}

int
scsi_disk_attach(struct scsi_disk *sk)
{
	const struct scsi_adapter *sa = sk->sk_unit->su_adapter;
	struct disk *dk = &sk->sk_disk;
	int error;

	/* a limit that holds for blocks of any size that a medium may have */
	dk->dk_maxsegs = sa->sa_maxsegs;
	dk->dk_maxseglen = sa->sa_maxseglen;
	dk->dk_maxxfer = sa->sa_maxxfer;
	if (sk->sk_maxblocks != 0)
		dk->dk_maxxfer = MIN(dk->dk_maxxfer,
		    (uint64_t)sk->sk_maxblocks *
		    (sk->sk_removable ? 512 : dk->dk_blksize));
	/* hints may be less, but there is nothing less than a block */
	dk->dk_maxxfer = MAX(dk->dk_maxxfer, dk->dk_blksize);
	dk->dk_dev = sk->sk_dev;
	dk->dk_dmat = sa->sa_dmat;
	dk->dk_strategy = disk_strategy;
	if (dk->dk_zero.dr_max != 0 || dk->dk_discard.dr_max != 0) {
		sk->sk_zerolen = dk->dk_blksize;
		sk->sk_zeroes = kmem_zalloc(sk->sk_zerolen, KM_NOSLEEP);
		if (sk->sk_zeroes == NULL)
			return (ENOMEM);
	}
	sk->sk_unit->su_newmedium = false;	/* it was looked at */
	if ((error = disk_attach(dk)) == 0)
		sk->sk_attached = true;
	return (error);
}

/* The unit answers, or the bus takes back what it does not answer. */
void
scsi_disk_detach(struct scsi_disk *sk)
{
	struct scsi_io *io;

	mtx_enter(&sk->sk_mtx);
	sk->sk_closed = true;
	while (sk->sk_nbusy > 0)
		(void)msleep_nsec(&sk->sk_nbusy, &sk->sk_mtx, PRI_KERN,
		    "scsidet", INFSLP);
	mtx_leave(&sk->sk_mtx);
	if (sk->sk_attached)
		disk_detach(&sk->sk_disk);
	sk->sk_attached = false;
	while ((io = TAILQ_FIRST(&sk->sk_free)) != NULL) {
		TAILQ_REMOVE(&sk->sk_free, io, io_link);
		kmem_free(io, sizeof(*io));
	}
	kmem_free(sk->sk_zeroes, sk->sk_zerolen);
	sk->sk_zeroes = NULL;
}

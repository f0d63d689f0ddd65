/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Disks: requests that somebody waits for.
 *
 * Whole blocks go straight between the program's pages and the device, in
 * pieces as large as the device takes, several at a time.  What is left at
 * the ends goes through a block of our own; such a write is a read, a change
 * and a write.
 */

#include <sys/conf.h>
#include <sys/diskvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <vm/vm_map.h>

#define DISK_SMALL	(128 * 1024)	/* a read below is worth a copy */
#define DISK_ZEROES	65536U

/* --- bios --------------------------------------------------------------- */

void
biodone(struct bio *bio)
{
	bio->bio_done(bio);
}

int
disk_checkbio(const struct disk *dk, const struct bio *bio)
{
	const struct disk_range *dr = NULL;

	if (dk->dk_flags & DKF_NOMEDIUM)
		return (ENOMEDIUM);
	if (bio->bio_cmd == BIO_FLUSH)
		return (0);
	if (bio->bio_cmd != BIO_READ && (dk->dk_flags & DKF_RDONLY))
		return (EROFS);
	if (bio->bio_cmd == BIO_DISCARD)
		dr = &dk->dk_discard;
	else if (bio->bio_cmd == BIO_ZERO)
		dr = &dk->dk_zero;
	else if (bio->bio_cmd == BIO_ERASE)
		dr = &dk->dk_erase;
	if (dr != NULL && dr->dr_max == 0)
		return (EOPNOTSUPP);
	if (bio->bio_len == 0 || ((bio->bio_offset | bio->bio_len) &
	    (dk->dk_blksize - 1)) != 0 || bio->bio_len >
	    (dr != NULL ? dr->dr_max : dk->dk_maxxfer) ||
	    (dr == NULL && bio->bio_len != bio->bio_uio.uio_resid))
		return (EINVAL);
	/* it may have shrunk meanwhile */
	return (bio->bio_offset > dk->dk_size ||
	    bio->bio_len > dk->dk_size - bio->bio_offset ? EIO : 0);
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

struct diskbio *
diskbio_alloc(struct disk *dk, u_int maxiov, int flags)
{
	struct diskbio *db;

	db = kmem_alloc(sizeof(*db) + maxiov * sizeof(db->db_iov[0]), flags);
	if (db != NULL) {
		*db = (struct diskbio){ .db_disk = dk,
		    .db_maxiov = maxiov };
	}
	return (db);
}

void
diskbio_unwire(struct diskbio *db)
{
	if (db->db_wired)
		vm_unwire(db->db_iov, db->db_niov);
	db->db_wired = false;
}

void
diskbio_free(struct diskbio *db)
{
	kmem_free(db, sizeof(*db) + db->db_maxiov * sizeof(db->db_iov[0]));
}

/* What has its memory becomes the last of the list. */
void
diskbio_add(struct biolist *bios, struct diskbio *db, enum bio_cmd cmd,
    uint64_t off, uint64_t len, void (*done)(struct bio *))
{
	struct bio *bio = &db->db_bio;

	*bio = (struct bio){ .bio_cmd = cmd, .bio_offset = off,
	    .bio_len = len, .bio_done = done, .bio_arg = db,
	    .bio_uio = { .uio_iov = db->db_iov, .uio_iovcnt = db->db_niov,
	    .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = cmd == BIO_WRITE ? UIO_WRITE : UIO_READ } };
	if (bio_hasdata(bio))
		bio->bio_uio.uio_resid = len;
	TAILQ_INSERT_TAIL(bios, bio, bio_link);
}

/* All at once, so that the device has to be told only once. */
void
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

int
diskio_kernel(struct disk *dk, enum bio_cmd cmd, void *buf, size_t len,
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

/* --- who writes where --------------------------------------------------- */

static bool
disk_conflict(const struct disk_priv *dp, const struct diskwrite *dw)
{
	const struct diskwrite *other;

	if (dp->dp_nparts == 0 && !dw->dw_part)
		return (false);
	LIST_FOREACH(other, &dp->dp_writes, dw_link) {
		if ((dw->dw_part || other->dw_part) &&
		    dw->dw_start < other->dw_end &&
		    other->dw_start < dw->dw_end)
			return (true);
	}
	return (false);
}

int
disk_write_enter(struct disk *dk, struct diskwrite *dw, uint64_t start,
    uint64_t len, bool part, bool wait)
{
	struct disk_priv *dp = dk->dk_priv;
	int error = 0;

	*dw = (struct diskwrite){ .dw_part = part,
	    .dw_start = rounddown2(start, (uint64_t)dk->dk_blksize),
	    .dw_end = roundup2(start + len, (uint64_t)dk->dk_blksize) };
	mtx_enter(&dp->dp_mtx);
	while (disk_conflict(dp, dw) && error == 0) {
		dp->dp_wanted = true;
		error = !wait ? EAGAIN : msleep_nsec(&dp->dp_writes,
		    &dp->dp_mtx, PRI_KERN, "diskwr", INFSLP);
	}
	if (error == 0) {
		LIST_INSERT_HEAD(&dp->dp_writes, dw, dw_link);
		dp->dp_nparts += part;
		diskahead_forget(dp, dw->dw_start, dw->dw_end);
	}
	mtx_leave(&dp->dp_mtx);
	return (error);
}

void
disk_write_exit(struct disk *dk, struct diskwrite *dw)
{
	struct disk_priv *dp = dk->dk_priv;

	mtx_enter(&dp->dp_mtx);
	LIST_REMOVE(dw, dw_link);
	dp->dp_nparts -= dw->dw_part;
	if (dp->dp_wanted)
		wakeup(&dp->dp_writes);
	dp->dp_wanted = false;
	mtx_leave(&dp->dp_mtx);
}

bool
disk_written(struct disk_priv *dp, uint64_t start, uint64_t len)
{
	const struct diskwrite *dw;

	MUTEX_ASSERT_LOCKED(&dp->dp_mtx);
	LIST_FOREACH(dw, &dp->dp_writes, dw_link) {
		if (start < dw->dw_end && dw->dw_start < start + len)
			return (true);
	}
	return (false);
}

/* --- parts of blocks ---------------------------------------------------- */

/* Or a whole one that is in too many pieces. */
static int
disk_partial(struct disk *dk, struct uio *uio, uint64_t off, size_t len)
{
	uint32_t blksize = dk->dk_blksize;
	uint64_t start = rounddown2(off, (uint64_t)blksize);
	size_t in = off - start, resid = uio->uio_resid;
	char *buf;
	int error = 0;

	len = MIN(len, blksize - in);
	/* zeroes: a device may say that it was read, and write nothing */
	if ((buf = kmem_zalloc(blksize, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if (uio->uio_rw == UIO_READ || len < blksize)
		error = diskio_kernel(dk, BIO_READ, buf, blksize, start);
	if (error == 0)
		error = uiomove(buf + in, len, uio);
	if (error == 0 && uio->uio_rw == UIO_WRITE)
		error = diskio_kernel(dk, BIO_WRITE, buf, blksize, start);
	kmem_free(buf, blksize);
	if (error != 0 && uio->uio_rw == UIO_WRITE) {
		/* what was taken is not there, and must not count */
		uio->uio_offset -= resid - uio->uio_resid;
		uio->uio_resid = resid;
	}
	return (error);
}

/* --- whole blocks ------------------------------------------------------- */

enum bio_cmd
disk_cmd(const struct uio *uio)
{
	return (uio->uio_rw == UIO_READ ? BIO_READ : BIO_WRITE);
}

/* Pieces that so many bytes of an uio are, at the most. */
static u_int
disk_pages(const struct disk_priv *dp, const struct iovec *iov, size_t skip,
    size_t want)
{
	size_t n;
	u_int pages = 0;

	for (; want > 0 && pages < dp->dp_maxiov; iov++, skip = 0, want -= n) {
		n = MIN(iov->iov_len - skip, want);
		if (n > 0)
			pages += howmany((((vaddr_t)iov->iov_base + skip) &
			    PAGE_MASK) + n, PAGE_SIZE);
	}
	return (MIN(pages, dp->dp_maxiov));
}

/* One piece of the program's memory, as far as there is room. */
static int
diskbio_piece(struct diskbio *db, const struct uio *uio, char *base,
    size_t *lenp)
{
	struct iovec *iov = &db->db_iov[db->db_niov];
	u_int max = db->db_maxiov - db->db_niov, n = 0;
	size_t done = 0, step;
	int error = 0;

	if (uio->uio_segflg == UIO_USERSPACE) {
		/* the device writes what a program reads */
		error = vm_wire(curproc->p_vm, (vaddr_t)base, lenp,
		    uio->uio_rw == UIO_READ ? PROT_WRITE : PROT_READ, iov,
		    max, db->db_disk->dk_priv->dp_maxpiece, &n);
		db->db_wired = true;
	} else {
		for (; n < max && done < *lenp; done += step) {
			step = MIN(*lenp - done, PAGE_SIZE -
			    ((vaddr_t)(base + done) & PAGE_MASK));
			iov[n++] = (struct iovec){ base + done, step };
		}
		*lenp = done;
	}
	db->db_niov += n;
	return (error);
}

/* Without its last bytes. */
static void
diskbio_trim(struct diskbio *db, size_t len)
{
	struct iovec *last;
	size_t n;

	if (db->db_wired) {
		vm_unwire_end(db->db_iov, &db->db_niov, len);
		return;
	}
	for (; len > 0; len -= n) {
		last = &db->db_iov[db->db_niov - 1];
		n = MIN(len, last->iov_len);
		last->iov_len -= n;
		if (last->iov_len == 0)
			db->db_niov--;
	}
}

int
diskbio_new(struct disk *dk, const struct uio *uio, size_t skip, int flags,
    struct diskbio **dbp, size_t *lenp)
{
	struct disk_priv *dp = dk->dk_priv;
	size_t want = MIN(*lenp, dp->dp_maxbio), have = 0, n = 0, asked;
	const struct iovec *iov = uio->uio_iov;
	struct diskbio *db;
	int error = 0;

	for (; skip >= iov->iov_len; iov++)
		skip -= iov->iov_len;
	db = diskbio_alloc(dk, disk_pages(dp, iov, skip, want), flags);
	if (db == NULL)
		return (ENOMEM);
	for (; have < want; iov++, skip = 0) {
		if ((asked = n = MIN(iov->iov_len - skip, want - have)) == 0)
			continue;
		error = diskbio_piece(db, uio, (char *)iov->iov_base + skip,
		    &n);
		if (error != 0)
			break;
		have += n;
		if (n < asked)
			break;
	}
	*lenp = rounddown2(have, (size_t)dk->dk_blksize);
	diskbio_trim(db, have - *lenp);
	if (*lenp != 0) {
		*dbp = db;
		return (0);	/* the rest fails when it is tried again */
	}
	diskbio_free(db);
	return (error);
}

static void
uio_advance(struct uio *uio, size_t n)
{
	size_t step;

	uio->uio_resid -= n;
	uio->uio_offset += n;
	for (; n > 0; n -= step) {
		step = MIN(n, uio->uio_iov->iov_len);
		uio->uio_iov->iov_base = (char *)uio->uio_iov->iov_base + step;
		uio->uio_iov->iov_len -= step;
		if (uio->uio_iov->iov_len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
		}
	}
}

/* Several bios.  What went well before the first error counts. */
static int
disk_blocks(struct disk *dk, struct uio *uio, uint64_t off, size_t len)
{
	struct biolist bios = TAILQ_HEAD_INITIALIZER(bios);
	struct diskbio *db[DISK_INFLIGHT];
	size_t size, sent = 0, good = 0;
	u_int n, i;
	int error = 0, e;

	for (n = 0; n < DISK_INFLIGHT && sent < len; n++) {
		size = len - sent;
		error = diskbio_new(dk, uio, sent, KM_SLEEP, &db[n], &size);
		if (error != 0 || size == 0)
			break;
		diskbio_add(&bios, db[n], disk_cmd(uio), off + sent, size,
		    diskbio_done);
		sent += size;
	}
	if (sent == 0)
		return (error != 0 ? error : disk_partial(dk, uio, off,
		    dk->dk_blksize));
	disk_send(dk, &bios);
	error = 0;
	for (i = 0; i < n; i++) {
		e = diskbio_wait(db[i]);
		if (error == 0 && e == 0)
			good += db[i]->db_bio.bio_len;
		else if (error == 0)
			error = e;
		diskbio_free(db[i]);
	}
	uio_advance(uio, good);
	return (error);
}

/* --- any bytes ---------------------------------------------------------- */

/* Some of the bytes at this place of the disk. */
static int
disk_step(struct disk *dk, struct uio *uio, uint64_t off, size_t len,
    bool whole)
{
	struct diskwrite dw;
	int error;

	if (uio->uio_rw == UIO_WRITE &&
	    (error = disk_write_enter(dk, &dw, off, whole ? len :
	    MIN(len, dk->dk_blksize - (off & (dk->dk_blksize - 1))), !whole,
	    true)) != 0)
		return (error);
	error = whole ? disk_blocks(dk, uio, off, len) :
	    disk_partial(dk, uio, off, len);
	if (uio->uio_rw == UIO_WRITE)
		disk_write_exit(dk, &dw);
	return (error);
}

int
diskio_uio(const struct diskpart *pt, struct uio *uio, bool direct)
{
	struct disk *dk = pt->pt_disk;
	uint64_t mask = dk->dk_blksize - 1, size = disk_partsize(pt), off;
	bool ahead = uio->uio_rw == UIO_READ && !direct &&
	    uio->uio_resid < DISK_SMALL, whole;
	size_t len;
	int error = 0;

	if (direct && ((uio->uio_offset | uio->uio_resid) & mask) != 0)
		return (EINVAL);
	if (ahead && (uint64_t)uio->uio_offset < size)
		diskahead_saw(dk, pt->pt_start + uio->uio_offset,
		    uio->uio_resid, pt->pt_start + size);
	while (uio->uio_resid > 0 && error == 0 &&
	    (uint64_t)uio->uio_offset < size) {
		if (dk->dk_flags & DKF_NOMEDIUM)
			return (ENOMEDIUM);
		off = pt->pt_start + uio->uio_offset;
		len = MIN(uio->uio_resid, size - uio->uio_offset);
		if (ahead && (error = diskahead_read(dk, uio, off, len)) !=
		    EAGAIN)
			continue;
		whole = (off & mask) == 0 && len > mask &&
		    dk->dk_priv->dp_maxbio != 0;
		if (whole)
			len &= ~mask;
		error = disk_step(dk, uio, off, len, whole);
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
	return (diskio_uio(&dk->dk_priv->dp_whole, &uio, false));
}

/* --- what has no data --------------------------------------------------- */

/* How much of it the next bio may be about; its end where the disk likes. */
static uint64_t
range_step(const struct disk *dk, const struct disk_range *dr, uint64_t off,
    uint64_t len)
{
	uint64_t n = rounddown2(MIN(len, dr->dr_max),
	    (uint64_t)dk->dk_blksize), over;

	if (n < len && dr->dr_align > dk->dk_blksize) {
		over = (off + n) % dr->dr_align;
		if (over < n && (over & (dk->dk_blksize - 1)) == 0)
			n -= over;
	}
	return (n);
}

static int
range_batch(struct disk *dk, const struct disk_range *dr, enum bio_cmd cmd,
    uint64_t off, uint64_t len, uint64_t *done)
{
	struct biolist bios = TAILQ_HEAD_INITIALIZER(bios);
	struct diskbio *db[DISK_INFLIGHT];
	uint64_t n;
	u_int i, k;
	int error = 0, e;

	*done = 0;
	for (k = 0; k < DISK_INFLIGHT && *done < len; k++, *done += n) {
		if ((n = range_step(dk, dr, off + *done, len - *done)) == 0)
			break;
		db[k] = diskbio_alloc(dk, 0, KM_SLEEP);
		diskbio_add(&bios, db[k], cmd, off + *done, n, diskbio_done);
	}
	if (k == 0)
		return (EOPNOTSUPP);
	disk_send(dk, &bios);
	for (i = 0; i < k; i++) {
		e = diskbio_wait(db[i]);
		error = error != 0 ? error : e;
		diskbio_free(db[i]);
	}
	return (error);
}

/* A disk may be large and slow: a signal ends it between two batches. */
static bool
disk_interrupted(void)
{
	return (curproc != NULL && msleep_nsec(&curproc, NULL,
	    PRI_USER | PCATCH, "diskint", 1) == EINTR);
}

int
diskio_range(struct disk *dk, const struct disk_range *dr, enum bio_cmd cmd,
    uint64_t off, uint64_t len)
{
	struct diskwrite dw;
	uint64_t n;
	int error;

	if (dr->dr_max == 0)
		return (EOPNOTSUPP);
	if ((error = disk_write_enter(dk, &dw, off, len, false, true)) != 0)
		return (error);
	for (; len > 0 && error == 0; off += n, len -= n) {
		error = range_batch(dk, dr, cmd, off, len, &n);
		if (error == 0 && n < len && disk_interrupted())
			error = EINTR;
	}
	disk_write_exit(dk, &dw);
	return (error);
}

/* By writing them, where the disk cannot do better. */
int
diskio_zero(struct disk *dk, uint64_t off, uint64_t len)
{
	size_t size = MAX(DISK_ZEROES, dk->dk_blksize), n;
	char *zeroes;
	int error;

	error = diskio_range(dk, &dk->dk_zero, BIO_ZERO, off, len);
	if (error != EOPNOTSUPP)
		return (error);
	if ((zeroes = kmem_zalloc(size, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = 0;
	for (; len > 0 && error == 0; off += n, len -= n) {
		n = MIN(len, size);
		error = disk_rdwr(dk, UIO_WRITE, zeroes, n, off);
		if (error == 0 && n < len && disk_interrupted())
			error = EINTR;
	}
	kmem_free(zeroes, size);
	return (error);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Disks: requests that nobody waits for.
 *
 * Whole blocks only, and what fits in a few requests of the device; other
 * things are left to those who wait.  The pages are held until the device has
 * done its part, whatever becomes of the program.
 */

#include <sys/conf.h>
#include <sys/diskvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

/* --- the end ------------------------------------------------------------ */

void
disk_alone(struct disk_priv *dp)
{
	mtx_enter(&dp->dp_mtx);
	dp->dp_nalone++;
	mtx_leave(&dp->dp_mtx);
}

/* The disk may go after this. */
void
disk_notalone(struct disk_priv *dp)
{
	mtx_enter(&dp->dp_mtx);
	if (--dp->dp_nalone == 0)
		wakeup(&dp->dp_nalone);
	mtx_leave(&dp->dp_mtx);
}

void
disk_quiet(struct disk_priv *dp)
{
	mtx_enter(&dp->dp_mtx);
	while (dp->dp_nalone != 0)
		(void)msleep_nsec(&dp->dp_nalone, &dp->dp_mtx, PRI_KERN,
		    "bioquiet", INFSLP);
	mtx_leave(&dp->dp_mtx);
}

/* What went well before the first error counts. */
static void
diskaio_end(struct disk *dk, struct aioreq *ar)
{
	struct disk_priv *dp = dk->dk_priv;
	struct diskbio *db = ar->ar_priv, *next;

	if (ar->ar_op == AIO_WRITE)
		disk_write_exit(dk, &db->db_write);
	ar->ar_count = 0;
	ar->ar_error = 0;
	for (; db != NULL; db = next) {
		next = db->db_next;
		if (ar->ar_error == 0)
			ar->ar_error = db->db_bio.bio_error;
		if (ar->ar_error == 0)
			ar->ar_count += db->db_bio.bio_len;
		diskbio_free(db);
	}
	ar->ar_done(ar);
	disk_notalone(dp);
}

static void
diskaio_done(struct bio *bio)
{
	struct diskbio *db = bio->bio_arg;
	struct aioreq *ar = db->db_aio;

	diskbio_unwire(db);
	if (__atomic_sub_fetch(&ar->ar_left, 1, __ATOMIC_ACQ_REL) == 0)
		diskaio_end(db->db_disk, ar);
}

/* --- the beginning ------------------------------------------------------ */

static bool
diskaio_fits(const struct diskpart *pt, const struct uio *uio)
{
	const struct disk *dk = pt->pt_disk;
	uint64_t off = uio->uio_offset, size = disk_partsize(pt);

	return (dk->dk_priv->dp_maxbio != 0 && uio->uio_resid != 0 &&
	    ((off | uio->uio_resid) & (dk->dk_blksize - 1)) == 0 &&
	    off <= size && uio->uio_resid <= size - off);
}

/* The bios of a request, in its order; false: not in so few. */
static bool
diskaio_split(const struct diskpart *pt, struct aioreq *ar,
    struct biolist *bios)
{
	struct diskbio *db, **tail = (struct diskbio **)&ar->ar_priv;
	const struct uio *uio = &ar->ar_uio;
	uint64_t off = pt->pt_start + uio->uio_offset;
	size_t done, len;

	for (done = 0; done < uio->uio_resid; done += len) {
		len = uio->uio_resid - done;
		if (ar->ar_left == DISK_INFLIGHT || diskbio_new(pt->pt_disk,
		    uio, done, KM_NOSLEEP, &db, &len) != 0 || len == 0)
			return (false);
		db->db_aio = ar;
		diskbio_add(bios, db, disk_cmd(uio), off + done, len,
		    diskaio_done);
		ar->ar_left++;
		*tail = db;
		tail = &db->db_next;
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

static void
diskaio_undo(struct aioreq *ar, struct biolist *bios)
{
	struct diskbio *db, *next;

	for (db = ar->ar_priv; db != NULL; db = next) {
		next = db->db_next;
		TAILQ_REMOVE(bios, &db->db_bio, bio_link);
		diskbio_unwire(db);
		diskbio_free(db);
	}
	ar->ar_priv = NULL;
}

static bool
diskaio_start(const struct diskpart *pt, struct aioreq *ar,
    struct biolist *bios)
{
	struct diskbio *db;
	bool ok;

	ar->ar_left = 0;
	ar->ar_priv = NULL;
	if (ar->ar_op == AIO_SYNC)
		return (diskaio_flush(pt->pt_disk, ar, bios));
	if (!diskaio_fits(pt, &ar->ar_uio))
		return (false);
	ok = diskaio_split(pt, ar, bios);
	db = ar->ar_priv;
	if (ok && ar->ar_op == AIO_WRITE)
		ok = disk_write_enter(pt->pt_disk, &db->db_write,
		    db->db_bio.bio_offset, ar->ar_uio.uio_resid, false,
		    false) == 0;
	if (!ok)
		diskaio_undo(ar, bios);
	return (ok);
}

void
diskaio(struct cdev *cd, struct aiolist *list)
{
	struct biolist bios = TAILQ_HEAD_INITIALIZER(bios);
	const struct diskpart *pt = dev_arg(cd);
	struct disk_priv *dp = pt->pt_disk->dk_priv;
	struct aioreq *ar, *next;

	TAILQ_FOREACH_SAFE(ar, list, ar_link, next) {
		if (!diskaio_start(pt, ar, &bios))
			continue;
		TAILQ_REMOVE(list, ar, ar_link);
		disk_alone(dp);
	}
	disk_send(pt->pt_disk, &bios);
}

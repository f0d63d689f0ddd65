/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Disks: reading ahead.
 *
 * Who reads a disk in small steps, one behind the other, gets most of them
 * from memory: a few such readers of each disk are followed, and what they
 * will want is asked for in pieces of a fair size, the more the longer it goes
 * on.  What was read is given once and forgotten.  It is forgotten as well
 * when somebody writes there, when the last one closes the disk, and after a
 * second, since others may write to a disk that is shared.
 */

#include <sys/diskvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <vm/vm_page.h>

#define AHEAD_LEN	(64 * 1024)	/* in one piece */
#define AHEAD_NSEC	SEC_TO_NSEC(1)

/* --- pieces ------------------------------------------------------------- */

static struct aheadbuf *
ahead_alloc(struct disk *dk, uint64_t start, size_t len)
{
	struct aheadbuf *ab;
	void *data;

	/* others need the last memory more */
	if (vm_page_avail() < vm_page_total() / 8 ||
	    (ab = kmem_zalloc(sizeof(*ab), KM_NOSLEEP)) == NULL)
		return (NULL);
	if ((data = kmem_zalloc(len, KM_NOSLEEP)) == NULL) {
		kmem_free(ab, sizeof(*ab));
		return (NULL);
	}
	ab->ab_disk = dk;
	ab->ab_start = start;
	ab->ab_len = len;
	ab->ab_iov = (struct iovec){ data, len };
	return (ab);
}

/* With dp_mtx. */
static void
ahead_unref(struct aheadbuf *ab)
{
	if (--ab->ab_refs > 0)
		return;
	kmem_free(ab->ab_iov.iov_base, ab->ab_len);
	kmem_free(ab, sizeof(*ab));
}

static void
ahead_forget(struct diskstream *ds, struct aheadbuf *ab)
{
	TAILQ_REMOVE(&ds->ds_bufs, ab, ab_link);
	ab->ab_gone = true;
	ahead_unref(ab);
}

void
diskahead_forget(struct disk_priv *dp, uint64_t start, uint64_t end)
{
	struct aheadbuf *ab, *next;
	u_int i;

	MUTEX_ASSERT_LOCKED(&dp->dp_mtx);
	for (i = 0; i < DISK_STREAMS; i++) {
		TAILQ_FOREACH_SAFE(ab, &dp->dp_stream[i].ds_bufs, ab_link,
		    next) {
			if (ab->ab_start < end &&
			    start < ab->ab_start + ab->ab_len)
				ahead_forget(&dp->dp_stream[i], ab);
		}
	}
}

void
diskahead_forgetall(struct disk_priv *dp)
{
	u_int i;

	mtx_enter(&dp->dp_mtx);
	diskahead_forget(dp, 0, UINT64_MAX);
	for (i = 0; i < DISK_STREAMS; i++) {
		dp->dp_stream[i].ds_runs = 0;
		dp->dp_stream[i].ds_next = 0;
	}
	mtx_leave(&dp->dp_mtx);
}

/* --- asking ------------------------------------------------------------- */

static void
ahead_done(struct bio *bio)
{
	struct aheadbuf *ab = bio->bio_arg;
	struct disk_priv *dp = ab->ab_disk->dk_priv;

	mtx_enter(&dp->dp_mtx);
	ab->ab_busy = false;
	ab->ab_time = nsecuptime();
	wakeup(ab);
	ahead_unref(ab);
	mtx_leave(&dp->dp_mtx);
	disk_notalone(dp);
}

/* The next piece for a reader becomes one of the bios. */
static bool
ahead_ask(struct disk *dk, struct diskstream *ds, uint64_t limit,
    struct biolist *bios)
{
	struct disk_priv *dp = dk->dk_priv;
	uint64_t start = ds->ds_ahead;
	struct aheadbuf *ab;
	size_t len;

	len = MIN(AHEAD_LEN, MIN(dp->dp_maxbio, limit - start));
	len = rounddown2(len, (size_t)dk->dk_blksize);
	if (len == 0 || disk_written(dp, start, len) ||
	    (ab = ahead_alloc(dk, start, len)) == NULL)
		return (false);
	ab->ab_refs = 2;	/* the reader's, and the disk's */
	ab->ab_busy = true;
	ab->ab_bio = (struct bio){ .bio_cmd = BIO_READ, .bio_offset = start,
	    .bio_len = len, .bio_done = ahead_done, .bio_arg = ab,
	    .bio_uio = { .uio_iov = &ab->ab_iov, .uio_iovcnt = 1,
	    .uio_resid = len, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_READ } };
	TAILQ_INSERT_TAIL(&ds->ds_bufs, ab, ab_link);
	TAILQ_INSERT_TAIL(bios, &ab->ab_bio, bio_link);
	dp->dp_nalone++;
	ds->ds_ahead = start + len;
	return (true);
}

/* Who goes on here, or the one who was not seen for the longest time. */
static struct diskstream *
ahead_stream(struct disk_priv *dp, uint64_t off)
{
	struct diskstream *ds = &dp->dp_stream[0];
	u_int i;

	for (i = 0; i < DISK_STREAMS; i++) {
		if (dp->dp_stream[i].ds_next == off &&
		    dp->dp_stream[i].ds_runs > 0)
			return (&dp->dp_stream[i]);
		if (dp->dp_stream[i].ds_stamp < ds->ds_stamp)
			ds = &dp->dp_stream[i];
	}
	while (!TAILQ_EMPTY(&ds->ds_bufs))
		ahead_forget(ds, TAILQ_FIRST(&ds->ds_bufs));
	ds->ds_runs = 0;
	ds->ds_window = 0;
	ds->ds_ahead = 0;
	return (ds);
}

void
diskahead_saw(struct disk *dk, uint64_t off, size_t len, uint64_t limit)
{
	struct biolist bios = TAILQ_HEAD_INITIALIZER(bios);
	struct disk_priv *dp = dk->dk_priv;
	struct diskstream *ds;

	if (dp->dp_window == 0 || dp->dp_maxbio == 0)
		return;
	mtx_enter(&dp->dp_mtx);
	ds = ahead_stream(dp, off);
	ds->ds_next = off + len;
	ds->ds_stamp = ++dp->dp_stamp;
	/* in halves, so that a step is not a request */
	if (++ds->ds_runs > 2 && (ds->ds_ahead < ds->ds_next ||
	    ds->ds_ahead - ds->ds_next < ds->ds_window / 2)) {
		ds->ds_window = MIN(dp->dp_window,
		    MAX(2 * ds->ds_window, AHEAD_LEN));
		ds->ds_ahead = MAX(ds->ds_ahead,
		    rounddown2(ds->ds_next, (uint64_t)dk->dk_blksize));
		while (ds->ds_ahead < MIN(limit,
		    ds->ds_next + ds->ds_window) &&
		    ahead_ask(dk, ds, limit, &bios))
			;
	}
	mtx_leave(&dp->dp_mtx);
	disk_send(dk, &bios);
}

/* --- giving ------------------------------------------------------------- */

static struct aheadbuf *
ahead_find(struct disk_priv *dp, uint64_t off, struct diskstream **dsp)
{
	struct aheadbuf *ab;
	u_int i;

	for (i = 0; i < DISK_STREAMS; i++) {
		*dsp = &dp->dp_stream[i];
		TAILQ_FOREACH(ab, &(*dsp)->ds_bufs, ab_link) {
			if (off - ab->ab_start < ab->ab_len)
				return (ab);
		}
	}
	return (NULL);
}

/* It may have gone meanwhile.  An error is for who reads it himself. */
static bool
ahead_wait(struct disk_priv *dp, struct aheadbuf *ab)
{
	while (ab->ab_busy && !ab->ab_gone)
		(void)msleep_nsec(ab, &dp->dp_mtx, PRI_KERN, "ahead", INFSLP);
	return (!ab->ab_gone && ab->ab_bio.bio_error == 0 &&
	    nsecuptime() - ab->ab_time < AHEAD_NSEC);
}

int
diskahead_read(struct disk *dk, struct uio *uio, uint64_t off, size_t len)
{
	struct disk_priv *dp = dk->dk_priv;
	struct diskstream *ds;
	struct aheadbuf *ab;
	uint64_t end;
	int error = EAGAIN;

	mtx_enter(&dp->dp_mtx);
	if ((ab = ahead_find(dp, off, &ds)) == NULL) {
		mtx_leave(&dp->dp_mtx);
		return (EAGAIN);
	}
	ab->ab_refs++;
	end = ab->ab_start + ab->ab_len;
	if (ahead_wait(dp, ab)) {
		mtx_leave(&dp->dp_mtx);
		error = uiomove((char *)ab->ab_iov.iov_base +
		    (off - ab->ab_start), MIN(len, end - off), uio);
		mtx_enter(&dp->dp_mtx);
	} else
		len = end - off;	/* of no use */
	if (!ab->ab_gone && len >= end - off)
		ahead_forget(ds, ab);
	ahead_unref(ab);
	mtx_leave(&dp->dp_mtx);
	return (error);
}

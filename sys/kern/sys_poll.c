/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * poll(2).
 *
 * A poller clears its mark, asks each file, and sleeps unless somebody has
 * set the mark since.  A file that has nothing records the poller (a hit)
 * under the lock of its condition, and sets the mark when the condition
 * changes: so there is no moment in which a change is lost.  sel_mtx guards
 * the hits and marks; it is taken after all locks of drivers.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/selinfo.h>
#include <sys/synch.h>
#include <sys/systm.h>

#define HITS_PER_FILE	2
#define RETRY_NSEC	MSEC_TO_NSEC(10)

struct selhit {
	LIST_ENTRY(selhit)	 sh_link;	/* of the selinfo, if linked */
	struct selreq		*sh_req;
	const void		*sh_owner;
	bool			 sh_linked;
};

struct selreq {
	LIST_ENTRY(selreq)	 sr_link;	/* all that may be waiting */
	struct selhit		*sr_hits;
	u_int			 sr_nhits, sr_maxhits;
	const void		*sr_owner;	/* of what is recorded now */
	struct selchan		*sr_chan;	/* whom to wake */
	bool			 sr_marked;
	bool			 sr_full;	/* more than we had room for */
};

static struct mutex	sel_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static LIST_HEAD(, selreq) selreqs = LIST_HEAD_INITIALIZER(selreqs);

/* --- for drivers -------------------------------------------------------- */

void
selinit(struct selinfo *si)
{
	LIST_INIT(&si->si_hits);
}

void
selrecord(struct selreq *sr, struct selinfo *si)
{
	struct selhit *sh;

	if (sr == NULL)
		return;
	mtx_enter(&sel_mtx);
	if (sr->sr_nhits < sr->sr_maxhits) {
		sh = &sr->sr_hits[sr->sr_nhits++];
		sh->sh_req = sr;
		sh->sh_owner = sr->sr_owner;
		sh->sh_linked = true;
		LIST_INSERT_HEAD(&si->si_hits, sh, sh_link);
	} else
		sr->sr_full = true;
	mtx_leave(&sel_mtx);
}

static void
sel_unlink(struct selhit *sh)
{
	MUTEX_ASSERT_LOCKED(&sel_mtx);
	if (sh->sh_linked) {
		LIST_REMOVE(sh, sh_link);
		sh->sh_linked = false;
	}
}

static void
sel_mark(struct selreq *sr)
{
	MUTEX_ASSERT_LOCKED(&sel_mtx);
	sr->sr_marked = true;
	sr->sr_chan->sc_marks++;
	wakeup(sr->sr_chan);
}

void
selwakeup(struct selinfo *si)
{
	struct selhit *sh;

	mtx_enter(&sel_mtx);
	while ((sh = LIST_FIRST(&si->si_hits)) != NULL) {
		sel_unlink(sh);
		sel_mark(sh->sh_req);
	}
	mtx_leave(&sel_mtx);
}

void
selowner(struct selreq *sr, const void *owner)
{
	/* only the poller's own thread looks at it */
	if (sr != NULL)
		sr->sr_owner = owner;
}

void
selgone(const void *owner)
{
	struct selreq *sr;
	u_int i;

	mtx_enter(&sel_mtx);
	LIST_FOREACH(sr, &selreqs, sr_link) {
		for (i = 0; i < sr->sr_nhits; i++) {
			if (sr->sr_hits[i].sh_owner != owner)
				continue;
			sel_unlink(&sr->sr_hits[i]);
			sel_mark(sr);
		}
	}
	mtx_leave(&sel_mtx);
}

void
selretry(struct selreq *sr)
{
	/* only the poller's own thread looks at it */
	if (sr != NULL)
		sr->sr_full = true;
}

/* --- requests that last --------------------------------------------------- */

struct selreq *
selreq_create(struct selchan *chan)
{
	struct selreq *sr;

	if ((sr = kmem_zalloc(sizeof(*sr), KM_NOSLEEP)) == NULL)
		return (NULL);
	sr->sr_maxhits = HITS_PER_FILE;
	sr->sr_chan = chan;
	sr->sr_hits = kmem_alloc(HITS_PER_FILE * sizeof(*sr->sr_hits),
	    KM_NOSLEEP);
	if (sr->sr_hits == NULL) {
		kmem_free(sr, sizeof(*sr));
		return (NULL);
	}
	mtx_enter(&sel_mtx);
	LIST_INSERT_HEAD(&selreqs, sr, sr_link);
	mtx_leave(&sel_mtx);
	return (sr);
}

void
selreq_destroy(struct selreq *sr)
{
	if (sr == NULL)
		return;
	selreq_reset(sr);
	mtx_enter(&sel_mtx);
	LIST_REMOVE(sr, sr_link);
	mtx_leave(&sel_mtx);
	kmem_free(sr->sr_hits, HITS_PER_FILE * sizeof(*sr->sr_hits));
	kmem_free(sr, sizeof(*sr));
}

bool
selreq_marked(struct selreq *sr)
{
	bool marked;

	mtx_enter(&sel_mtx);
	marked = sr->sr_marked || sr->sr_full;
	mtx_leave(&sel_mtx);
	return (marked);
}

void
selreq_mark(struct selreq *sr)
{
	mtx_enter(&sel_mtx);
	sel_mark(sr);
	mtx_leave(&sel_mtx);
}

u_int
selchan_marks(struct selchan *chan)
{
	u_int marks;

	mtx_enter(&sel_mtx);
	marks = chan->sc_marks;
	mtx_leave(&sel_mtx);
	return (marks);
}

int
selchan_sleep(struct selchan *chan, u_int seen, uint64_t nsec)
{
	int error = 0;

	mtx_enter(&sel_mtx);
	if (chan->sc_marks == seen)
		error = msleep_nsec(chan, &sel_mtx, PRI_USER | PCATCH,
		    "epoll", nsec);
	mtx_leave(&sel_mtx);
	return (error == EWOULDBLOCK ? 0 : error);
}

/* --- the poller --------------------------------------------------------- */

/* Before each round: forget what was recorded. */
void
selreq_reset(struct selreq *sr)
{
	u_int i;

	mtx_enter(&sel_mtx);
	for (i = 0; i < sr->sr_nhits; i++)
		sel_unlink(&sr->sr_hits[i]);
	sr->sr_nhits = 0;
	sr->sr_marked = sr->sr_full = false;
	mtx_leave(&sel_mtx);
}

static int
selreq_wait(struct selreq *sr, uint64_t nsec)
{
	int error = 0;

	mtx_enter(&sel_mtx);
	if (sr->sr_full)
		nsec = MIN(nsec, RETRY_NSEC);
	if (!sr->sr_marked)
		error = msleep_nsec(sr->sr_chan, &sel_mtx, PRI_USER | PCATCH, "poll",
		    nsec);
	mtx_leave(&sel_mtx);
	return (error == EWOULDBLOCK ? 0 : error);
}

int
poll_file(struct file *f, int events, struct selreq *sr)
{
	events |= POLLERR | POLLHUP;
	selowner(sr, NULL);
	if (f->f_flags & O_PATH)
		return (POLLNVAL);
	if (f->f_ops->fo_poll == NULL)
		return (events & (POLLIN | POLLOUT | POLLRDNORM |
		    POLLWRNORM));
	return (f->f_ops->fo_poll(f, events, sr) & events);
}

static int
poll_round(struct pollfd *fds, struct file **files, u_int n,
    struct selreq *sr)
{
	u_int i;
	int found = 0;

	for (i = 0; i < n; i++) {
		if (fds[i].fd < 0)
			fds[i].revents = 0;
		else if (files[i] == NULL)
			fds[i].revents = POLLNVAL;
		else
			fds[i].revents = poll_file(files[i], fds[i].events,
			    found == 0 ? sr : NULL);
		if (fds[i].revents != 0)
			found++;
	}
	return (found);
}

static int
poll_loop(struct pollfd *fds, struct file **files, u_int n,
    struct selreq *sr, uint64_t nsec, int *found)
{
	uint64_t start = nsecuptime(), left = nsec, now;
	int error = 0;

	mtx_enter(&sel_mtx);
	LIST_INSERT_HEAD(&selreqs, sr, sr_link);
	mtx_leave(&sel_mtx);
	for (;;) {
		selreq_reset(sr);
		*found = poll_round(fds, files, n, left != 0 ? sr : NULL);
		if (*found != 0 || error != 0 || left == 0)
			break;
		/* after a signal once more: an event goes before EINTR */
		error = selreq_wait(sr, left);
		now = nsecuptime();
		if (nsec != INFSLP)
			left = now - start < nsec ? nsec - (now - start) : 0;
	}
	selreq_reset(sr);
	mtx_enter(&sel_mtx);
	LIST_REMOVE(sr, sr_link);
	mtx_leave(&sel_mtx);
	return (*found != 0 ? 0 : error);
}

int
kern_poll(struct pollfd *fds, u_int n, uint64_t nsec, int *found)
{
	struct selchan chan = { 0 };
	struct selreq sr = { .sr_maxhits = (n + 1) * HITS_PER_FILE,
	    .sr_chan = &chan };
	struct file **files;
	u_int i;
	int error;

	*found = 0;
	if (n > FD_MAX)
		return (EINVAL);
	files = kmem_zalloc((n + 1) * sizeof(*files), KM_NOSLEEP);
	sr.sr_hits = kmem_alloc(sr.sr_maxhits * sizeof(*sr.sr_hits),
	    KM_NOSLEEP);
	if (files != NULL && sr.sr_hits != NULL) {
		/* held meanwhile: what has recorded us must not go away */
		for (i = 0; i < n; i++) {
			if (fds[i].fd >= 0)
				(void)file_get(fds[i].fd, &files[i]);
		}
		error = poll_loop(fds, files, n, &sr, nsec, found);
		for (i = 0; i < n; i++) {
			if (files[i] != NULL)
				file_unref(files[i]);
		}
	} else
		error = ENOMEM;
	kmem_free(sr.sr_hits, sr.sr_maxhits * sizeof(*sr.sr_hits));
	kmem_free(files, (n + 1) * sizeof(*files));
	return (error);
}

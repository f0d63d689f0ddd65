/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * epoll(7) and eventfd(2).
 *
 * Each entry of a set has a request of poll(2)'s that lasts: an entry that
 * nobody has marked is not looked at, so that a wait costs what is ready, not
 * what is watched.  ep_mtx guards all sets and their entries, and is taken
 * before any lock of a file; it is not held while a file is asked.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/selinfo.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#define EVENTS	(POLLIN | POLLOUT | POLLPRI | POLLERR | POLLHUP |	\
		POLLRDNORM | POLLWRNORM | POLLRDHUP)

struct epoll;

struct epentry {
	TAILQ_ENTRY(epentry)	 ee_entry;	/* of the set */
	LIST_ENTRY(epentry)	 ee_flink;	/* of the file */
	struct epoll		*ee_set;
	struct file		*ee_file;
	int			 ee_fd;
	struct epevent		 ee_event;
	struct selreq		*ee_req;
	bool			 ee_busy;	/* is being asked */
	bool			 ee_gone;	/* out of the lists meanwhile */
	bool			 ee_off;	/* EPOLLONESHOT has fired */
};

struct epoll {
	TAILQ_HEAD(, epentry)	 ep_entries;
	struct selchan		 ep_chan;
	u_int			 ep_refs;	/* the file, and who waits */
	bool			 ep_closed;
};

static struct mutex	ep_mtx = MUTEX_INITIALIZER(IPL_SOFT);

static int	epoll_poll(struct file *, int, struct selreq *);
static int	epoll_stat(struct file *, struct kstat *);
static int	epoll_close(struct file *);

static const struct fileops epoll_fileops = {
	.fo_poll = epoll_poll,
	.fo_stat = epoll_stat,
	.fo_close = epoll_close,
};

/* --- sets ------------------------------------------------------------------------ */

int
epoll_create(struct file **fp)
{
	struct epoll *ep;

	if ((ep = kmem_zalloc(sizeof(*ep), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	TAILQ_INIT(&ep->ep_entries);
	ep->ep_refs = 1;
	if ((*fp = file_alloc(&epoll_fileops, O_RDWR, ep)) == NULL) {
		kmem_free(ep, sizeof(*ep));
		return (ENOMEM);
	}
	return (0);
}

static void
entry_free(struct epentry *ee)
{
	selreq_destroy(ee->ee_req);
	kmem_free(ee, sizeof(*ee));
}

/* Out of both lists; who is asking it frees it then. */
static void
entry_remove(struct epentry *ee)
{
	MUTEX_ASSERT_LOCKED(&ep_mtx);
	TAILQ_REMOVE(&ee->ee_set->ep_entries, ee, ee_entry);
	LIST_REMOVE(ee, ee_flink);
	ee->ee_gone = true;
	/* the file's list of requests must not lead here any more */
	selreq_reset(ee->ee_req);
	if (!ee->ee_busy)
		entry_free(ee);
}

static void
epoll_unref(struct epoll *ep)
{
	MUTEX_ASSERT_LOCKED(&ep_mtx);
	if (--ep->ep_refs == 0)
		kmem_free(ep, sizeof(*ep));
}

static int
epoll_close(struct file *f)
{
	struct epoll *ep = f->f_data;
	struct epentry *ee;

	mtx_enter(&ep_mtx);
	ep->ep_closed = true;
	while ((ee = TAILQ_FIRST(&ep->ep_entries)) != NULL)
		entry_remove(ee);
	wakeup(&ep->ep_chan);
	epoll_unref(ep);
	mtx_leave(&ep_mtx);
	return (0);
}

void
epoll_gone(struct file *f)
{
	struct epentry *ee;

	mtx_enter(&ep_mtx);
	while ((ee = LIST_FIRST(&f->f_epolls)) != NULL)
		entry_remove(ee);
	mtx_leave(&ep_mtx);
}

static int
epoll_stat(struct file *f __unused, struct kstat *ks)
{
	*ks = (struct kstat){ .ks_mode = S_IFREG | 0600, .ks_nlink = 1 };
	return (0);
}

/* --- changing --------------------------------------------------------------------- */

static struct epentry *
entry_find(struct epoll *ep, const struct file *f, int fd)
{
	struct epentry *ee;

	TAILQ_FOREACH(ee, &ep->ep_entries, ee_entry) {
		if (ee->ee_file == f && ee->ee_fd == fd)
			break;
	}
	return (ee);
}

static int
entry_add(struct epoll *ep, struct file *f, int fd,
    const struct epevent *event)
{
	struct epentry *ee;

	if ((ee = kmem_zalloc(sizeof(*ee), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	ee->ee_set = ep;
	ee->ee_file = f;
	ee->ee_fd = fd;
	ee->ee_event = *event;
	if ((ee->ee_req = selreq_create(&ep->ep_chan)) == NULL) {
		kmem_free(ee, sizeof(*ee));
		return (ENOMEM);
	}
	TAILQ_INSERT_TAIL(&ep->ep_entries, ee, ee_entry);
	LIST_INSERT_HEAD(&f->f_epolls, ee, ee_flink);
	selreq_mark(ee->ee_req);
	return (0);
}

static int
epoll_change(struct epoll *ep, int op, struct file *f, int fd,
    const struct epevent *event)
{
	struct epentry *ee;
	int error = 0;

	mtx_enter(&ep_mtx);
	ee = entry_find(ep, f, fd);
	if (op == EPOLL_CTL_ADD)
		error = ee != NULL ? EEXIST : entry_add(ep, f, fd, event);
	else if (ee == NULL)
		error = ENOENT;
	else if (op == EPOLL_CTL_DEL)
		entry_remove(ee);
	else {
		ee->ee_event = *event;
		ee->ee_off = false;
		selreq_mark(ee->ee_req);
	}
	mtx_leave(&ep_mtx);
	return (error);
}

static int
epoll_get(int fd, struct file **fp)
{
	int error;

	if ((error = file_get(fd, fp)) != 0)
		return (error);
	if ((*fp)->f_ops != &epoll_fileops) {
		file_unref(*fp);
		return (EINVAL);
	}
	return (0);
}

int
kern_epoll_ctl(int epfd, int op, int fd, const struct epevent *event)
{
	struct file *epf, *f;
	int error;

	if (op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
		return (EINVAL);
	if ((error = epoll_get(epfd, &epf)) != 0)
		return (error);
	if ((error = file_get(fd, &f)) == 0) {
		if (f == epf)
			error = EINVAL;
		else if (f->f_ops == &epoll_fileops)
			error = ELOOP;	/* sets of sets: not here */
		else if (f->f_ops->fo_poll == NULL)
			error = EPERM;
		else
			error = epoll_change(epf->f_data, op, f, fd, event);
		file_unref(f);
	}
	file_unref(epf);
	return (error);
}

/* --- waiting ---------------------------------------------------------------------- */

/*
 * What is true of the file; it is recorded first, so that a change after that
 * marks the entry again.
 */
static uint32_t
entry_ask(const struct epentry *ee, struct file *f)
{
	(void)f->f_ops->fo_poll(f, 0, ee->ee_req);
	return (poll_file(f, ee->ee_event.events & EVENTS, NULL));
}

/*
 * The next entry that is marked, and what it has to say (0: nothing).  false:
 * none is.  ep_mtx is held, and left meanwhile.
 */
static bool
epoll_next(struct epoll *ep, struct epevent *out)
{
	struct epentry *ee;
	struct file *f;
	uint32_t is;

	TAILQ_FOREACH(ee, &ep->ep_entries, ee_entry) {
		if (!ee->ee_off && !ee->ee_busy && selreq_marked(ee->ee_req))
			break;
	}
	if (ee == NULL)
		return (false);
	f = ee->ee_file;
	out->events = 0;
	selreq_reset(ee->ee_req);
	if (!file_tryref(f))
		return (true);		/* epoll_gone() is on its way */
	ee->ee_busy = true;
	mtx_leave(&ep_mtx);
	is = entry_ask(ee, f);
	mtx_enter(&ep_mtx);
	ee->ee_busy = false;
	if (ee->ee_gone)
		entry_free(ee);
	else if (is != 0) {
		*out = (struct epevent){ is, ee->ee_event.data };
		if (ee->ee_event.events & EPOLLONESHOT)
			ee->ee_off = true;
		/* a level goes on until it is asked and is not there */
		else if (!(ee->ee_event.events & EPOLLET))
			selreq_mark(ee->ee_req);
		/* the others come first next time */
		TAILQ_REMOVE(&ep->ep_entries, ee, ee_entry);
		TAILQ_INSERT_TAIL(&ep->ep_entries, ee, ee_entry);
	}
	mtx_leave(&ep_mtx);
	file_unref(f);
	mtx_enter(&ep_mtx);
	return (true);
}

/* What there is now; each entry once. */
static int
epoll_collect(struct epoll *ep, struct epevent *out, int max)
{
	struct epentry *ee;
	u_int left = 0;
	int n = 0;

	MUTEX_ASSERT_LOCKED(&ep_mtx);
	TAILQ_FOREACH(ee, &ep->ep_entries, ee_entry)
		left++;
	while (n < max && left-- > 0 && epoll_next(ep, &out[n])) {
		if (out[n].events != 0)
			n++;
	}
	return (n);
}

int
kern_epoll_wait(int epfd, struct epevent *out, int max, uint64_t nsec,
    int *np)
{
	uint64_t start = nsecuptime(), gone = 0;
	struct epoll *ep;
	struct file *f;
	u_int seen;
	int error;

	*np = 0;
	if ((error = epoll_get(epfd, &f)) != 0)
		return (error);
	ep = f->f_data;
	mtx_enter(&ep_mtx);
	ep->ep_refs++;
	seen = selchan_marks(&ep->ep_chan);
	while ((*np = epoll_collect(ep, out, max)) == 0 && error == 0 &&
	    gone < nsec && !ep->ep_closed) {
		mtx_leave(&ep_mtx);
		error = selchan_sleep(&ep->ep_chan, seen,
		    nsec == INFSLP ? INFSLP : nsec - gone);
		gone = nsec == INFSLP ? 0 : nsecuptime() - start;
		seen = selchan_marks(&ep->ep_chan);
		mtx_enter(&ep_mtx);
	}
	epoll_unref(ep);
	mtx_leave(&ep_mtx);
	file_unref(f);
	return (*np != 0 ? 0 : error);
}

/* Of the set itself: whether a wait would return at once. */
static int
epoll_poll(struct file *f, int events, struct selreq *sr)
{
	struct epoll *ep = f->f_data;
	struct epentry *ee;
	int revents = 0;

	mtx_enter(&ep_mtx);
	TAILQ_FOREACH(ee, &ep->ep_entries, ee_entry) {
		if (!ee->ee_off && selreq_marked(ee->ee_req))
			revents |= (POLLIN | POLLRDNORM) & events;
	}
	mtx_leave(&ep_mtx);
	if (revents == 0)
		selretry(sr);
	return (revents);
}

/* --- eventfd ---------------------------------------------------------------------- */

struct eventfd {
	struct mutex	 ev_mtx;
	uint64_t	 ev_count;
	bool		 ev_semaphore;
	struct selinfo	 ev_sel;
};
#define EV_MAX		(UINT64_MAX - 1)

static int
eventfd_read(struct file *f, struct uio *uio)
{
	struct eventfd *ev = f->f_data;
	uint64_t v;
	int error = 0;

	if (uio->uio_resid < sizeof(v))
		return (EINVAL);
	mtx_enter(&ev->ev_mtx);
	while (ev->ev_count == 0 && error == 0)
		error = f->f_flags & O_NONBLOCK ? EAGAIN :
		    msleep_nsec(ev, &ev->ev_mtx, PRI_USER | PCATCH,
		    "eventfd", INFSLP);
	v = ev->ev_semaphore ? 1 : ev->ev_count;
	if (error == 0) {
		ev->ev_count -= v;
		wakeup(ev);
		selwakeup(&ev->ev_sel);
	}
	mtx_leave(&ev->ev_mtx);
	return (error != 0 ? error : uiomove(&v, sizeof(v), uio));
}

static int
eventfd_write(struct file *f, struct uio *uio)
{
	struct eventfd *ev = f->f_data;
	uint64_t v;
	int error;

	if (uio->uio_resid < sizeof(v))
		return (EINVAL);
	if ((error = uiomove(&v, sizeof(v), uio)) != 0)
		return (error);
	if (v > EV_MAX)
		error = EINVAL;
	mtx_enter(&ev->ev_mtx);
	while (error == 0 && v > EV_MAX - ev->ev_count)
		error = f->f_flags & O_NONBLOCK ? EAGAIN :
		    msleep_nsec(ev, &ev->ev_mtx, PRI_USER | PCATCH,
		    "eventfd", INFSLP);
	if (error == 0) {
		ev->ev_count += v;
		wakeup(ev);
		selwakeup(&ev->ev_sel);
	}
	mtx_leave(&ev->ev_mtx);
	if (error != 0)
		uio->uio_resid += sizeof(v);	/* nothing was taken */
	return (error);
}

static int
eventfd_poll(struct file *f, int events, struct selreq *sr)
{
	struct eventfd *ev = f->f_data;
	int revents = 0;

	mtx_enter(&ev->ev_mtx);
	if (ev->ev_count != 0)
		revents |= POLLIN | POLLRDNORM;
	if (ev->ev_count < EV_MAX)
		revents |= POLLOUT | POLLWRNORM;
	if ((revents &= events) == 0)
		selrecord(sr, &ev->ev_sel);
	mtx_leave(&ev->ev_mtx);
	return (revents);
}

static int
eventfd_close(struct file *f)
{
	kmem_free(f->f_data, sizeof(struct eventfd));
	return (0);
}

static const struct fileops eventfd_fileops = {
	.fo_read = eventfd_read,
	.fo_write = eventfd_write,
	.fo_poll = eventfd_poll,
	.fo_stat = epoll_stat,
	.fo_close = eventfd_close,
};

int
eventfd_create(u_int count, bool semaphore, int flags, struct file **fp)
{
	struct eventfd *ev;

	if ((ev = kmem_zalloc(sizeof(*ev), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	mtx_init(&ev->ev_mtx, IPL_BIO);
	ev->ev_count = count;
	ev->ev_semaphore = semaphore;
	selinit(&ev->ev_sel);
	if ((*fp = file_alloc(&eventfd_fileops, O_RDWR |
	    (flags & O_NONBLOCK), ev)) == NULL) {
		kmem_free(ev, sizeof(*ev));
		return (ENOMEM);
	}
	return (0);
}

bool
file_is_eventfd(const struct file *f)
{
	return (f->f_ops == &eventfd_fileops);
}

void
eventfd_signal(struct file *f)
{
	struct eventfd *ev = f->f_data;

	mtx_enter(&ev->ev_mtx);
	if (ev->ev_count < EV_MAX)
		ev->ev_count++;
	wakeup(ev);
	selwakeup(&ev->ev_sel);
	mtx_leave(&ev->ev_mtx);
}

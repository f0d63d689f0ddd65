/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Pipes, with and without a name.
 *
 * A ring of bytes.  One reader and one writer at a time move data, without
 * the mutex, for that may sleep: the reader in what is filled, the writer in
 * what is free; each gives way while it waits for the other side.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/selinfo.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/ttycom.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#define PIPE_SIZE	65536
#define PIPE_ATOMIC	4096		/* PIPE_BUF */

struct pipe {
	struct mutex	 p_mtx;			/* all that follows */
	char		*p_buf;			/* NULL: nothing written yet */
	size_t		 p_size;		/* power of two */
	uint64_t	 p_read, p_written;	/* bytes so far */
	bool		 p_reading, p_writing;	/* somebody moves data */
	u_int		 p_readers, p_writers;	/* open files */
	u_int		 p_ropens, p_wopens;	/* ever: for open(2) of a fifo */
	u_int		 p_refs;		/* files, and the name */
	uint64_t	 p_atime, p_mtime;
	ino_t		 p_ino;
	struct selinfo	 p_rsel, p_wsel;
};

static struct mutex	fifo_mtx = MUTEX_INITIALIZER(IPL_SOFT);	/* slots */
static ino_t		pipe_lastino;				/* atomic */

static int	pipe_read(struct file *, struct uio *);
static int	pipe_write(struct file *, struct uio *);
static int	pipe_ioctl(struct file *, u_long, void *);
static int	pipe_poll(struct file *, int, struct selreq *);
static int	pipe_stat(struct file *, struct kstat *);
static int	pipe_close(struct file *);

static const struct fileops pipe_fileops = {
	.fo_read = pipe_read,
	.fo_write = pipe_write,
	.fo_ioctl = pipe_ioctl,
	.fo_poll = pipe_poll,
	.fo_stat = pipe_stat,
	.fo_close = pipe_close,
};

/* --- life --------------------------------------------------------------- */

static struct pipe *
pipe_alloc(void)
{
	struct pipe *p;

	if ((p = kmem_zalloc(sizeof(*p), KM_NOSLEEP)) == NULL)
		return (NULL);
	mtx_init(&p->p_mtx, IPL_SOFT);
	p->p_refs = 1;
	p->p_atime = p->p_mtime = nsecwall();
	p->p_ino = __atomic_add_fetch(&pipe_lastino, 1, __ATOMIC_RELAXED);
	selinit(&p->p_rsel);
	selinit(&p->p_wsel);
	return (p);
}

static void
pipe_unref(struct pipe *p)
{
	u_int left;

	mtx_enter(&p->p_mtx);
	left = --p->p_refs;
	mtx_leave(&p->p_mtx);
	if (left != 0)
		return;
	kmem_free(p->p_buf, p->p_size);
	kmem_free(p, sizeof(*p));
}

void
fifo_free(struct pipe *p)
{
	pipe_unref(p);
}

/* Whoever waits for the other side, and who polls. */
static void
pipe_wake(struct pipe *p)
{
	MUTEX_ASSERT_LOCKED(&p->p_mtx);
	wakeup(p);
	selwakeup(&p->p_rsel);
	selwakeup(&p->p_wsel);
}

static void
pipe_count(struct pipe *p, int flags, int n)
{
	MUTEX_ASSERT_LOCKED(&p->p_mtx);
	p->p_refs += n;
	if ((flags & O_ACCMODE) != O_WRONLY) {
		p->p_readers += n;
		p->p_ropens += n > 0;
	}
	if ((flags & O_ACCMODE) != O_RDONLY) {
		p->p_writers += n;
		p->p_wopens += n > 0;
	}
	pipe_wake(p);
}

static void
pipe_leave(struct pipe *p, int flags)
{
	mtx_enter(&p->p_mtx);
	p->p_refs++;			/* until we have left the mutex */
	pipe_count(p, flags, -1);
	/* a name may remain, but nobody who could read what is left */
	if (p->p_readers == 0 && p->p_writers == 0)
		p->p_read = p->p_written;
	mtx_leave(&p->p_mtx);
	pipe_unref(p);
}

int
pipe_create(struct file **rp, struct file **wp)
{
	struct pipe *p;

	if ((p = pipe_alloc()) == NULL)
		return (ENOMEM);
	*rp = file_alloc(&pipe_fileops, O_RDONLY, p);
	*wp = file_alloc(&pipe_fileops, O_WRONLY, p);
	if (*rp == NULL || *wp == NULL) {
		kmem_free(*rp, sizeof(**rp));
		kmem_free(*wp, sizeof(**wp));
		pipe_unref(p);
		return (ENOMEM);
	}
	mtx_enter(&p->p_mtx);
	pipe_count(p, O_RDONLY, 1);
	pipe_count(p, O_WRONLY, 1);
	p->p_refs--;			/* the files have it now */
	mtx_leave(&p->p_mtx);
	return (0);
}

static int
pipe_close(struct file *f)
{
	pipe_leave(f->f_data, f->f_flags);
	return (0);
}

/* --- by name ------------------------------------------------------------ */

/* Wait for the other side to come, even if it should have left again. */
static int
fifo_wait(struct pipe *p, int flags)
{
	u_int *other, seen;
	int error = 0;

	MUTEX_ASSERT_LOCKED(&p->p_mtx);
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		if (p->p_writers != 0 || (flags & O_NONBLOCK))
			return (0);
		other = &p->p_wopens;
		break;
	case O_WRONLY:
		if (p->p_readers != 0)
			return (0);
		if (flags & O_NONBLOCK)
			return (ENXIO);
		other = &p->p_ropens;
		break;
	default:
		return (0);
	}
	for (seen = *other; error == 0 && *other == seen;)
		error = msleep_nsec(p, &p->p_mtx, PRI_USER | PCATCH,
		    "fifo", INFSLP);
	return (error);
}

static int
pipe_join(struct pipe *p, int flags, struct file *f)
{
	int error;

	mtx_enter(&p->p_mtx);
	pipe_count(p, flags, 1);
	error = fifo_wait(p, flags);
	mtx_leave(&p->p_mtx);
	if (error != 0) {
		pipe_leave(p, flags);
		return (error);
	}
	f->f_ops = &pipe_fileops;
	f->f_data = p;
	f->f_seekable = false;
	return (0);
}

int
fifo_open(struct pipe **slot, int flags, struct file *f)
{
	struct pipe *new;

	/* the slot's vnode is held by the caller, and so is the pipe */
	if ((new = pipe_alloc()) == NULL)
		return (ENOMEM);
	mtx_enter(&fifo_mtx);
	if (*slot == NULL) {
		*slot = new;
		new = NULL;
	}
	mtx_leave(&fifo_mtx);
	if (new != NULL)
		pipe_unref(new);
	return (pipe_join(*slot, flags, f));
}

int
pipe_reopen(struct file *from, int flags, struct file *f)
{
	if (from->f_ops != &pipe_fileops)
		return (ENXIO);
	return (pipe_join(from->f_data, flags, f));
}

/* --- data --------------------------------------------------------------- */

/* Be the one who moves data in this direction. */
static int
pipe_begin(struct pipe *p, bool *busy)
{
	int error;

	MUTEX_ASSERT_LOCKED(&p->p_mtx);
	while (*busy) {
		error = msleep_nsec(busy, &p->p_mtx, PRI_USER | PCATCH,
		    "pipelck", INFSLP);
		if (error != 0)
			return (error);
	}
	*busy = true;
	return (0);
}

static void
pipe_end(struct pipe *p, bool *busy)
{
	MUTEX_ASSERT_LOCKED(&p->p_mtx);
	*busy = false;
	wakeup_one(busy);
}

/* At most n bytes at the position; those that moved to *movedp. */
static int
pipe_move(struct pipe *p, uint64_t pos, size_t n, struct uio *uio,
    size_t *movedp)
{
	size_t at, piece, before = uio->uio_resid;
	int error = 0;

	while (n > 0 && error == 0) {
		at = pos & (p->p_size - 1);
		piece = MIN(n, p->p_size - at);
		error = uiomove(p->p_buf + at, piece, uio);
		pos += piece;
		n -= piece;
	}
	*movedp = before - uio->uio_resid;
	return (error);
}

static int
pipe_read_some(struct pipe *p, struct uio *uio)
{
	size_t n, moved;
	int error;

	if ((error = pipe_begin(p, &p->p_reading)) != 0)
		return (error);
	n = MIN(p->p_written - p->p_read, uio->uio_resid);
	mtx_leave(&p->p_mtx);
	error = n == 0 ? 0 : pipe_move(p, p->p_read, n, uio, &moved);
	mtx_enter(&p->p_mtx);
	if (n != 0) {
		p->p_read += moved;
		p->p_atime = nsecwall();
		wakeup(p);
		selwakeup(&p->p_wsel);
	}
	pipe_end(p, &p->p_reading);
	return (error);
}

static int
pipe_read(struct file *f, struct uio *uio)
{
	struct pipe *p = f->f_data;
	size_t want = uio->uio_resid;
	int error = 0;

	if (want == 0)
		return (0);
	mtx_enter(&p->p_mtx);
	/* another reader may have been faster: then wait again */
	while (error == 0 && uio->uio_resid == want) {
		if (p->p_written != p->p_read)
			error = pipe_read_some(p, uio);
		else if (p->p_writers == 0)
			break;
		else if (f->f_flags & O_NONBLOCK)
			error = EAGAIN;
		else
			error = msleep_nsec(p, &p->p_mtx, PRI_USER | PCATCH,
			    "piperd", INFSLP);
	}
	mtx_leave(&p->p_mtx);
	return (error);
}

/* The buffer comes with the first byte; a small one where memory is scarce. */
static int
pipe_buffer(struct pipe *p)
{
	size_t size;
	char *buf = NULL;

	MUTEX_ASSERT_LOCKED(&p->p_mtx);
	if (p->p_buf != NULL)
		return (0);
	for (size = PIPE_SIZE; size >= PIPE_ATOMIC; size /= 4) {
		if ((buf = kmem_alloc(size, KM_NOSLEEP)) != NULL)
			break;
	}
	if (buf == NULL)
		return (ENOMEM);
	p->p_buf = buf;
	p->p_size = size;
	return (0);
}

/* As much as there is room for; small ones all or nothing. */
static int
pipe_write_some(struct pipe *p, struct uio *uio, bool *full)
{
	size_t room, moved;
	int error;

	*full = false;
	if ((error = pipe_begin(p, &p->p_writing)) != 0)
		return (error);
	if ((error = pipe_buffer(p)) == 0) {
		room = p->p_size - (p->p_written - p->p_read);
		*full = room == 0 || (uio->uio_resid <= PIPE_ATOMIC &&
		    room < uio->uio_resid);
	}
	if (error == 0 && !*full) {
		mtx_leave(&p->p_mtx);
		error = pipe_move(p, p->p_written,
		    MIN(room, uio->uio_resid), uio, &moved);
		mtx_enter(&p->p_mtx);
		p->p_written += moved;
		p->p_mtime = nsecwall();
		wakeup(p);
		selwakeup(&p->p_rsel);
	}
	pipe_end(p, &p->p_writing);
	return (error);
}

static int
pipe_write(struct file *f, struct uio *uio)
{
	struct pipe *p = f->f_data;
	bool full;
	int error = 0;

	mtx_enter(&p->p_mtx);
	while (error == 0 && uio->uio_resid > 0) {
		if (p->p_readers == 0) {
			error = EPIPE;
			break;
		}
		error = pipe_write_some(p, uio, &full);
		if (error != 0 || !full)
			continue;
		if (f->f_flags & O_NONBLOCK)
			error = EAGAIN;
		else
			error = msleep_nsec(p, &p->p_mtx, PRI_USER | PCATCH,
			    "pipewr", INFSLP);
	}
	mtx_leave(&p->p_mtx);
	return (error);
}

/* --- the rest ----------------------------------------------------------- */

static int
pipe_ioctl(struct file *f, u_long cmd, void *data)
{
	struct pipe *p = f->f_data;
	int n;

	if (cmd != FIONREAD)
		return (ENOTTY);
	mtx_enter(&p->p_mtx);
	n = p->p_written - p->p_read;
	mtx_leave(&p->p_mtx);
	return (copyout(&n, data, sizeof(n)));
}

static int
pipe_poll(struct file *f, int events, struct selreq *sr)
{
	struct pipe *p = f->f_data;
	int revents = 0, mode = f->f_flags & O_ACCMODE;

	mtx_enter(&p->p_mtx);
	if (mode != O_WRONLY) {
		if (p->p_written != p->p_read)
			revents |= POLLIN | POLLRDNORM;
		if (p->p_writers == 0)
			revents |= POLLHUP;
	}
	if (mode != O_RDONLY) {
		if (p->p_buf == NULL || p->p_size - (p->p_written -
		    p->p_read) >= PIPE_ATOMIC)
			revents |= POLLOUT | POLLWRNORM;
		if (p->p_readers == 0)
			revents |= POLLERR;
	}
	revents &= events;
	if (revents == 0) {
		if (mode != O_WRONLY)
			selrecord(sr, &p->p_rsel);
		if (mode != O_RDONLY)
			selrecord(sr, &p->p_wsel);
	}
	mtx_leave(&p->p_mtx);
	return (revents);
}

static int
pipe_stat(struct file *f, struct kstat *ks)
{
	struct pipe *p = f->f_data;

	/* one with a name is what the file system says */
	if (f->f_vnode != NULL && f->f_vnode->v_ops->vop_stat != NULL)
		return (f->f_vnode->v_ops->vop_stat(f->f_vnode, ks));
	*ks = (struct kstat){ .ks_dev = makedev(0, 3),
	    .ks_mode = S_IFIFO | 0600, .ks_nlink = 1,
	    .ks_blksize = PIPE_ATOMIC };
	mtx_enter(&p->p_mtx);
	ks->ks_ino = p->p_ino;
	ks->ks_atime = p->p_atime;
	ks->ks_mtime = ks->ks_ctime = p->p_mtime;
	mtx_leave(&p->p_mtx);
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Asynchronous requests of programs: see aio.h.
 *
 * A request is first new, then with the file, then done, and freed when the
 * program has heard of it.  A context belongs to a process, whose only thread
 * does all but the end of a request: that may come in an interrupt, and is
 * what ac_mtx is for.
 */

#include <sys/aio.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/synch.h>
#include <sys/systm.h>

#define AIO_MAXREQ	8192		/* of all processes */
#define AIO_MAXCTX	128		/* of a process */

struct aioctx {
	LIST_ENTRY(aioctx)	 ac_link;
	u_long			 ac_name;
	u_int			 ac_max;
	u_int			 ac_nreq;	/* added, not reaped */
	struct aiolist		 ac_new;	/* added, not submitted */
	struct mutex		 ac_mtx;	/* from here on */
	struct aiolist		 ac_done;
	u_int			 ac_ndone;
	u_int			 ac_wanted;	/* wake up then; 0: nobody */
};

static u_int	aio_nreq;		/* atomic: sum of ac_max */

/* --- requests ----------------------------------------------------------- */

static void
aioreq_free(struct aioreq *ar)
{
	if (ar->ar_iov != &ar->ar_one)
		kmem_free(ar->ar_iov, ar->ar_niov * sizeof(*ar->ar_iov));
	if (ar->ar_file != NULL)
		file_unref(ar->ar_file);
	if (ar->ar_event != NULL)
		file_unref(ar->ar_event);
	kmem_free(ar, sizeof(*ar));
}

/* It has its result. */
static void
aioreq_done(struct aioreq *ar)
{
	struct aioctx *ac = ar->ar_ctx;

	mtx_enter(&ac->ac_mtx);
	TAILQ_INSERT_TAIL(&ac->ac_done, ar, ar_link);
	if (++ac->ac_ndone == ac->ac_wanted)
		wakeup(ac);
	if (ar->ar_event != NULL)
		eventfd_signal(ar->ar_event);
	mtx_leave(&ac->ac_mtx);
}

static struct aioreq *
aioreq_alloc(struct aioctx *ac, const struct aioarg *aa)
{
	struct aioreq *ar;
	u_int i;

	if ((ar = kmem_zalloc(sizeof(*ar), KM_NOSLEEP)) == NULL)
		return (NULL);
	ar->ar_ctx = ac;
	ar->ar_op = aa->aa_op;
	ar->ar_sync = aa->aa_sync;
	ar->ar_done = aioreq_done;
	ar->ar_id[0] = aa->aa_id[0];
	ar->ar_id[1] = aa->aa_id[1];
	ar->ar_iov = &ar->ar_one;
	ar->ar_niov = aa->aa_niov;
	if (aa->aa_niov > 1 && (ar->ar_iov = kmem_alloc(aa->aa_niov *
	    sizeof(*ar->ar_iov), KM_NOSLEEP)) == NULL) {
		kmem_free(ar, sizeof(*ar));
		return (NULL);
	}
	ar->ar_uio = (struct uio){ .uio_iov = ar->ar_iov,
	    .uio_iovcnt = aa->aa_niov, .uio_offset = aa->aa_offset,
	    .uio_segflg = UIO_USERSPACE,
	    .uio_rw = aa->aa_op == AIO_WRITE ? UIO_WRITE : UIO_READ };
	for (i = 0; i < aa->aa_niov; i++) {
		ar->ar_iov[i] = aa->aa_iov[i];
		ar->ar_uio.uio_resid += aa->aa_iov[i].iov_len;
	}
	return (ar);
}

/* The file, if it is open for that. */
static int
aioreq_file(struct aioreq *ar, int fd)
{
	int error;

	if (ar->ar_op != AIO_SYNC) {
		error = file_get_rw(fd, ar->ar_uio.uio_rw, &ar->ar_file);
		return (error != 0 ? error : uio_check(&ar->ar_uio));
	}
	if ((error = file_get(fd, &ar->ar_file)) != 0)
		return (error);
	if (ar->ar_file->f_flags & O_PATH)
		return (EBADF);
	return (ar->ar_file->f_ops->fo_fsync == NULL ? EINVAL : 0);
}

/* Who is told when it has its result. */
static int
aioreq_event(struct aioreq *ar, int fd)
{
	int error;

	if (fd == -1)
		return (0);
	if ((error = file_get(fd, &ar->ar_event)) != 0)
		return (error);
	return (file_is_eventfd(ar->ar_event) ? 0 : EINVAL);
}

int
aio_add(struct aioctx *ac, const struct aioarg *aa)
{
	struct aioreq *ar;
	int error;

	if (ac->ac_nreq == ac->ac_max ||
	    (ar = aioreq_alloc(ac, aa)) == NULL)
		return (EAGAIN);
	if ((error = aioreq_file(ar, aa->aa_fd)) != 0 ||
	    (error = aioreq_event(ar, aa->aa_eventfd)) != 0) {
		aioreq_free(ar);
		return (error);
	}
	ac->ac_nreq++;
	TAILQ_INSERT_TAIL(&ac->ac_new, ar, ar_link);
	return (0);
}

/* What the file does not do by itself. */
static void
aioreq_run(struct aioreq *ar)
{
	struct file *f = ar->ar_file;

	if (ar->ar_op == AIO_SYNC)
		ar->ar_error = f->f_ops->fo_fsync(f);
	else {
		if (!f->f_seekable)
			ar->ar_uio.uio_offset = 0;
		ar->ar_error = file_rdwr(f, &ar->ar_uio, &ar->ar_count);
	}
	if (ar->ar_sync && ar->ar_op == AIO_WRITE && ar->ar_error == 0 &&
	    (ar->ar_error = file_sync(f)) != 0)
		ar->ar_count = 0;
	/* it cannot be begun again */
	if (ar->ar_error == ERESTART)
		ar->ar_error = EINTR;
	aioreq_done(ar);
}

static void
aioreq_run_all(struct aiolist *list)
{
	struct aioreq *ar;

	while ((ar = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, ar, ar_link);
		aioreq_run(ar);
	}
}

/* A write that ends with a flush is done by one who waits in between. */
static bool
aioreq_alone(const struct aioreq *ar)
{
	return (ar->ar_op != AIO_WRITE ||
	    (!ar->ar_sync && !(ar->ar_file->f_flags & O_DSYNC)));
}

void
aio_submit(struct aioctx *ac)
{
	struct aioreq *ar, *next;
	struct aiolist list, wait;
	struct file *f;

	while ((ar = TAILQ_FIRST(&ac->ac_new)) != NULL) {
		f = ar->ar_file;
		TAILQ_INIT(&list);
		TAILQ_INIT(&wait);
		TAILQ_FOREACH_SAFE(ar, &ac->ac_new, ar_link, next) {
			if (ar->ar_file != f)
				continue;
			TAILQ_REMOVE(&ac->ac_new, ar, ar_link);
			TAILQ_INSERT_TAIL(aioreq_alone(ar) ? &list : &wait,
			    ar, ar_link);
		}
		if (f->f_ops->fo_aio != NULL && !TAILQ_EMPTY(&list))
			f->f_ops->fo_aio(f, &list);
		aioreq_run_all(&list);
		aioreq_run_all(&wait);
	}
}

/* --- results ------------------------------------------------------------ */

/* The first n are done, or we need not wait for them any longer. */
static int
aio_wait(struct aioctx *ac, u_int n, uint64_t nsec)
{
	uint64_t start = nsecuptime(), left = nsec, now;
	int error = 0;

	mtx_enter(&ac->ac_mtx);
	while (ac->ac_ndone < n && left != 0 && error == 0) {
		ac->ac_wanted = n;
		error = msleep_nsec(ac, &ac->ac_mtx, PRI_USER | PCATCH, "aio",
		    left);
		ac->ac_wanted = 0;
		now = nsecuptime();
		if (nsec != INFSLP)
			left = now - start < nsec ? nsec - (now - start) : 0;
	}
	mtx_leave(&ac->ac_mtx);
	return (error == EWOULDBLOCK ? 0 : error);
}

static struct aioreq *
aio_first(struct aioctx *ac)
{
	struct aioreq *ar;

	mtx_enter(&ac->ac_mtx);
	ar = TAILQ_FIRST(&ac->ac_done);
	mtx_leave(&ac->ac_mtx);
	return (ar);
}

static void
aio_forget(struct aioctx *ac, struct aioreq *ar)
{
	mtx_enter(&ac->ac_mtx);
	TAILQ_REMOVE(&ac->ac_done, ar, ar_link);
	ac->ac_ndone--;
	mtx_leave(&ac->ac_mtx);
	ac->ac_nreq--;
	aioreq_free(ar);
}

int
aio_reap(struct aioctx *ac, u_int min, u_int max, uint64_t nsec,
    aiofill_t fill, void *arg, u_int *n)
{
	struct aioreq *ar;
	int error, e = 0;

	*n = 0;
	error = aio_wait(ac, min, nsec);
	while (*n < max && (ar = aio_first(ac)) != NULL) {
		e = fill(arg, ar->ar_id, ar->ar_count == 0 &&
		    ar->ar_error != 0 ? -ar->ar_error : (long)ar->ar_count);
		if (e != 0)
			break;
		aio_forget(ac, ar);
		++*n;
	}
	return (*n != 0 ? 0 : e != 0 ? e : error);
}

/* --- contexts ----------------------------------------------------------- */

int
aio_create(u_int max, u_long name)
{
	struct proc *p = curproc;
	struct aioctx *ac;
	u_int n = 0;

	LIST_FOREACH(ac, &p->p_aio, ac_link)
		n++;
	if (n == AIO_MAXCTX || max > AIO_MAXREQ)
		return (EAGAIN);
	if ((ac = kmem_zalloc(sizeof(*ac), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	if (__atomic_add_fetch(&aio_nreq, max, __ATOMIC_RELAXED) >
	    AIO_MAXREQ) {
		__atomic_sub_fetch(&aio_nreq, max, __ATOMIC_RELAXED);
		kmem_free(ac, sizeof(*ac));
		return (EAGAIN);
	}
	ac->ac_name = name;
	ac->ac_max = max;
	TAILQ_INIT(&ac->ac_new);
	TAILQ_INIT(&ac->ac_done);
	mtx_init(&ac->ac_mtx, IPL_BIO);
	LIST_INSERT_HEAD(&p->p_aio, ac, ac_link);
	return (0);
}

struct aioctx *
aio_find(u_long name)
{
	struct aioctx *ac;

	LIST_FOREACH(ac, &curproc->p_aio, ac_link) {
		if (ac->ac_name == name)
			break;
	}
	return (ac);
}

u_int
aio_max(const struct aioctx *ac)
{
	return (ac->ac_max);
}

/* Whoever does a request limits how long that can take. */
static void
aio_await(struct aioctx *ac)
{
	KASSERT(TAILQ_EMPTY(&ac->ac_new));
	mtx_enter(&ac->ac_mtx);
	while (ac->ac_ndone < ac->ac_nreq) {
		ac->ac_wanted = ac->ac_nreq;
		(void)msleep_nsec(ac, &ac->ac_mtx, PRI_KERN, "aioend",
		    INFSLP);
	}
	ac->ac_wanted = 0;
	mtx_leave(&ac->ac_mtx);
}

void
aio_destroy(struct aioctx *ac)
{
	struct aioreq *ar;

	LIST_REMOVE(ac, ac_link);
	aio_await(ac);
	while ((ar = aio_first(ac)) != NULL)
		aio_forget(ac, ar);
	__atomic_sub_fetch(&aio_nreq, ac->ac_max, __ATOMIC_RELAXED);
	kmem_free(ac, sizeof(*ac));
}

void
aio_quiet(struct proc *p)
{
	struct aioctx *ac;

	LIST_FOREACH(ac, &p->p_aio, ac_link)
		aio_await(ac);
}

void
aio_exit(struct proc *p)
{
	struct aioctx *ac;

	while ((ac = LIST_FIRST(&p->p_aio)) != NULL)
		aio_destroy(ac);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Open files and the tables of descriptors.  See file.h.
 *
 * fd_mtx guards a table; a file leaves it before its last reference is given
 * back, for that may sleep.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/vnode.h>

#define FD_MIN		16		/* size of a new table */

/* --- files -------------------------------------------------------------- */

struct file *
file_alloc(const struct fileops *ops, int flags, void *data)
{
	struct file *f;

	if ((f = kmem_zalloc(sizeof(*f), KM_NOSLEEP)) == NULL)
		return (NULL);
	f->f_refs = 1;
	f->f_flags = flags;
	f->f_ops = ops;
	f->f_data = data;
	rw_init(&f->f_lock, "offset");
	return (f);
}

void
file_ref(struct file *f)
{
	u_int old = __atomic_fetch_add(&f->f_refs, 1, __ATOMIC_RELAXED);

	KASSERT(old != 0);
}

bool
file_tryref(struct file *f)
{
	u_int refs = __atomic_load_n(&f->f_refs, __ATOMIC_RELAXED);

	while (refs != 0) {
		if (__atomic_compare_exchange_n(&f->f_refs, &refs, refs + 1,
		    false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return (true);
	}
	return (false);
}

void
file_unref(struct file *f)
{
	u_int old = __atomic_fetch_sub(&f->f_refs, 1, __ATOMIC_ACQ_REL);

	KASSERT(old != 0);
	if (old != 1)
		return;
	if (!LIST_EMPTY(&f->f_epolls))
		epoll_gone(f);
	if (f->f_ops->fo_close != NULL)
		(void)f->f_ops->fo_close(f);
	vnode_unref(f->f_vnode);
	kmem_free(f, sizeof(*f));
}

/* --- tables ------------------------------------------------------------- */

struct filedesc *
filedesc_create(void)
{
	struct filedesc *fd;

	if ((fd = kmem_zalloc(sizeof(*fd), KM_NOSLEEP)) == NULL)
		return (NULL);
	fd->fd_entries = kmem_zalloc(FD_MIN * sizeof(struct fdentry),
	    KM_NOSLEEP);
	if (fd->fd_entries == NULL) {
		kmem_free(fd, sizeof(*fd));
		return (NULL);
	}
	fd->fd_refs = 1;
	fd->fd_size = FD_MIN;
	mtx_init(&fd->fd_mtx, IPL_SOFT);
	return (fd);
}

/* Room for a descriptor.  With the mutex; that of kmem comes after it. */
static int
filedesc_grow(struct filedesc *fd, u_int want)
{
	struct fdentry *entries;
	u_int size = fd->fd_size;

	MUTEX_ASSERT_LOCKED(&fd->fd_mtx);
	if (want < size)
		return (0);
	while (size <= want)
		size *= 2;
	entries = kmem_reallocarray(fd->fd_entries, fd->fd_size, size,
	    sizeof(*entries), KM_NOSLEEP);
	if (entries == NULL)
		return (ENOMEM);
	memset(entries + fd->fd_size, 0,
	    (size - fd->fd_size) * sizeof(*entries));
	fd->fd_entries = entries;
	fd->fd_size = size;
	return (0);
}

struct filedesc *
filedesc_copy(struct filedesc *from)
{
	struct filedesc *fd;
	u_int i;
	int error;

	if ((fd = filedesc_create()) == NULL)
		return (NULL);
	mtx_enter(&from->fd_mtx);
	/* nobody else knows the new one: its mutex is for the assertion */
	mtx_enter(&fd->fd_mtx);
	error = filedesc_grow(fd, from->fd_size - 1);
	for (i = 0; error == 0 && i < from->fd_size; i++) {
		fd->fd_entries[i] = from->fd_entries[i];
		if (fd->fd_entries[i].fe_file != NULL)
			file_ref(fd->fd_entries[i].fe_file);
	}
	mtx_leave(&fd->fd_mtx);
	mtx_leave(&from->fd_mtx);
	if (error != 0) {
		filedesc_unref(fd);
		return (NULL);
	}
	return (fd);
}

void
filedesc_ref(struct filedesc *fd)
{
	u_int old = __atomic_fetch_add(&fd->fd_refs, 1, __ATOMIC_RELAXED);

	KASSERT(old != 0);
}

void
filedesc_unref(struct filedesc *fd)
{
	u_int old, i;

	old = __atomic_fetch_sub(&fd->fd_refs, 1, __ATOMIC_ACQ_REL);
	KASSERT(old != 0);
	if (old != 1)
		return;
	for (i = 0; i < fd->fd_size; i++) {
		if (fd->fd_entries[i].fe_file != NULL)
			file_unref(fd->fd_entries[i].fe_file);
	}
	kmem_free(fd->fd_entries, fd->fd_size * sizeof(struct fdentry));
	kmem_free(fd, sizeof(*fd));
}

/* Take a file out; its reference goes to the caller.  NULL: none there. */
static struct file *
filedesc_take(struct filedesc *fd, u_int n)
{
	struct file *f = NULL;

	MUTEX_ASSERT_LOCKED(&fd->fd_mtx);
	if (n < fd->fd_size) {
		f = fd->fd_entries[n].fe_file;
		fd->fd_entries[n] = (struct fdentry){ .fe_file = NULL };
	}
	return (f);
}

void
filedesc_exec(struct filedesc *fd)
{
	struct file *f;
	u_int i;

	for (i = 0; i < FD_MAX; i++) {
		f = NULL;
		mtx_enter(&fd->fd_mtx);
		if (i < fd->fd_size && fd->fd_entries[i].fe_cloexec)
			f = filedesc_take(fd, i);
		mtx_leave(&fd->fd_mtx);
		if (f != NULL)
			file_unref(f);
		else if (i >= fd->fd_size)
			break;
	}
}

int
filedesc_get(struct filedesc *fd, int n, struct file **fp)
{
	struct file *f = NULL;

	mtx_enter(&fd->fd_mtx);
	if (n >= 0 && (u_int)n < fd->fd_size &&
	    (f = fd->fd_entries[n].fe_file) != NULL)
		file_ref(f);
	mtx_leave(&fd->fd_mtx);
	*fp = f;
	return (f != NULL ? 0 : EBADF);
}

int
filedesc_next(struct filedesc *fd, int n)
{
	n = MAX(n, 0);
	mtx_enter(&fd->fd_mtx);
	while ((u_int)n < fd->fd_size && fd->fd_entries[n].fe_file == NULL)
		n++;
	if ((u_int)n >= fd->fd_size)
		n = -1;
	mtx_leave(&fd->fd_mtx);
	return (n);
}

/* --- of the current process --------------------------------------------- */

int
file_get(int n, struct file **fp)
{
	return (filedesc_get(curproc->p_fd, n, fp));
}

int
fd_install(struct file *f, int min, bool cloexec, int *np)
{
	struct filedesc *fd = curproc->p_fd;
	u_int n;
	int error = 0;

	mtx_enter(&fd->fd_mtx);
	for (n = MAX(min, 0); n < fd->fd_size; n++) {
		if (fd->fd_entries[n].fe_file == NULL)
			break;
	}
	if (n >= FD_MAX)
		error = EMFILE;
	else if ((error = filedesc_grow(fd, n)) == 0)
		fd->fd_entries[n] = (struct fdentry){ .fe_file = f,
		    .fe_cloexec = cloexec };
	mtx_leave(&fd->fd_mtx);
	if (error == 0)
		*np = n;
	return (error);
}

int
fd_dup2(int from, int to, bool cloexec)
{
	struct filedesc *fd = curproc->p_fd;
	struct file *f, *old = NULL;
	int error;

	if (to < 0 || to >= FD_MAX)
		return (EBADF);
	if ((error = file_get(from, &f)) != 0)
		return (error);
	if (from == to) {
		file_unref(f);
		return (0);
	}
	mtx_enter(&fd->fd_mtx);
	if ((error = filedesc_grow(fd, to)) == 0) {
		old = filedesc_take(fd, to);
		fd->fd_entries[to] = (struct fdentry){ .fe_file = f,
		    .fe_cloexec = cloexec };
	}
	mtx_leave(&fd->fd_mtx);
	if (error != 0)
		file_unref(f);
	if (old != NULL)
		file_unref(old);
	return (error);
}

int
fd_close(int n)
{
	struct filedesc *fd = curproc->p_fd;
	struct file *f;

	if (n < 0)
		return (EBADF);
	mtx_enter(&fd->fd_mtx);
	f = filedesc_take(fd, n);
	mtx_leave(&fd->fd_mtx);
	if (f == NULL)
		return (EBADF);
	file_unref(f);
	return (0);
}

/* A negative answer would be an errno value that a caller takes for one. */
int
fd_cloexec(int n, int set)
{
	struct filedesc *fd = curproc->p_fd;
	int was = -1;

	mtx_enter(&fd->fd_mtx);
	if (n >= 0 && (u_int)n < fd->fd_size &&
	    fd->fd_entries[n].fe_file != NULL) {
		was = fd->fd_entries[n].fe_cloexec;
		if (set != -1)
			fd->fd_entries[n].fe_cloexec = set != 0;
	}
	mtx_leave(&fd->fd_mtx);
	return (was);
}

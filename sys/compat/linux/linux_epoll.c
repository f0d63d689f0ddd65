/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * epoll and eventfd: the system calls.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <compat/linux/linux.h>
#include <machine/linux_machdep.h>

#define FD(v)		((int)(v))
#define EVENTS_MAX	1024		/* of one wait */
#define EFD_SEMAPHORE	1

static int
install(struct file *f, bool cloexec, long *rv)
{
	int fd, error;

	if ((error = fd_install(f, 0, cloexec, &fd)) != 0)
		file_unref(f);
	else
		*rv = fd;
	return (error);
}

int
linux_epoll_create1(const u_long *a, long *rv)
{
	struct file *f;
	int error;

	if (a[0] & ~(u_long)O_CLOEXEC)
		return (EINVAL);
	error = epoll_create(&f);
	return (error != 0 ? error : install(f, a[0] != 0, rv));
}

int
linux_epoll_create(const u_long *a, long *rv)
{
	const u_long none[6] = { 0 };

	return ((int)a[0] <= 0 ? EINVAL : linux_epoll_create1(none, rv));
}

int
linux_epoll_ctl(const u_long *a, long *rv __unused)
{
	struct linux_epoll_event le = { .events = 0 };
	struct epevent e;
	int error;

	if ((int)a[1] != EPOLL_CTL_DEL &&
	    (error = copyin((void *)a[3], &le, sizeof(le))) != 0)
		return (error);
	e = (struct epevent){ le.events, le.data };
	return (kern_epoll_ctl(FD(a[0]), a[1], FD(a[2]), &e));
}

static int
do_wait(const u_long *a, uint64_t nsec, long *rv)
{
	int max = a[2], n = 0, i, error;
	struct linux_epoll_event le, *user = (void *)a[1];
	struct epevent *e;

	if (max <= 0)
		return (EINVAL);
	max = MIN(max, EVENTS_MAX);
	if ((e = kmem_alloc(max * sizeof(*e), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = kern_epoll_wait(FD(a[0]), e, max, nsec, &n);
	for (i = 0; i < n && error == 0; i++) {
		le.events = e[i].events;
		le.data = e[i].data;
		error = copyout(&le, &user[i], sizeof(le));
	}
	kmem_free(e, max * sizeof(*e));
	*rv = n;
	return (error);
}

int
linux_epoll_wait(const u_long *a, long *rv)
{
	int msec = a[3];

	return (do_wait(a, msec < 0 ? INFSLP : MSEC_TO_NSEC(msec), rv));
}

int
linux_epoll_pwait(const u_long *a, long *rv)
{
	int error;

	if ((error = linux_tempmask_in((void *)a[4], a[5])) != 0)
		return (error);
	return (linux_epoll_wait(a, rv));
}

int
linux_epoll_pwait2(const u_long *a, long *rv)
{
	uint64_t nsec = INFSLP;
	int error;

	if (a[3] != 0 &&
	    (error = linux_timespec_in((void *)a[3], &nsec)) != 0)
		return (error);
	if ((error = linux_tempmask_in((void *)a[4], a[5])) != 0)
		return (error);
	return (do_wait(a, nsec, rv));
}

int
linux_eventfd2(const u_long *a, long *rv)
{
	u_int flags = linux_oflags(a[1] & ~(u_long)EFD_SEMAPHORE);
	struct file *f;
	int error;

	if (flags & ~(u_int)(O_CLOEXEC | O_NONBLOCK))
		return (EINVAL);
	error = eventfd_create(a[0], (a[1] & EFD_SEMAPHORE) != 0, flags, &f);
	return (error != 0 ? error :
	    install(f, (flags & O_CLOEXEC) != 0, rv));
}

int
linux_eventfd(const u_long *a, long *rv)
{
	const u_long args[6] = { a[0] };

	return (linux_eventfd2(args, rv));
}

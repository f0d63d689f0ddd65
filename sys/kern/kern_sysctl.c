/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Variables of the kernel.  See sysctl.h.
 *
 * Their functions may sleep, so they are called without the mutex; who is in
 * one is noted, and sysctl_unregister() waits for those who are in its own.
 */

#include <sys/errno.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/synch.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/vnode.h>

struct sysctl_user {			/* on the stack of the caller */
	LIST_ENTRY(sysctl_user)	 su_link;
	struct sysctl_oid	*su_oid;
};

static struct mutex	sysctl_mtx = MUTEX_INITIALIZER(IPL_SOFT);
static TAILQ_HEAD(, sysctl_oid) oids = TAILQ_HEAD_INITIALIZER(oids);
static LIST_HEAD(, sysctl_user) users = LIST_HEAD_INITIALIZER(users);

int
sysctl_register(struct sysctl_oid *so)
{
	struct sysctl_oid *next;
	int error = 0, cmp = 1;

	mtx_enter(&sysctl_mtx);
	TAILQ_FOREACH(next, &oids, so_link) {
		if ((cmp = strcmp(next->so_name, so->so_name)) >= 0)
			break;
	}
	if (next != NULL && cmp == 0)
		error = EEXIST;
	else if (next != NULL)
		TAILQ_INSERT_BEFORE(next, so, so_link);
	else
		TAILQ_INSERT_TAIL(&oids, so, so_link);
	mtx_leave(&sysctl_mtx);
	return (error);
}

static bool
sysctl_used(const struct sysctl_oid *so)
{
	struct sysctl_user *su;

	LIST_FOREACH(su, &users, su_link) {
		if (su->su_oid == so)
			return (true);
	}
	return (false);
}

/* One that is not registered, since its name was taken, is left alone. */
void
sysctl_unregister(struct sysctl_oid *so)
{
	struct sysctl_oid *o;

	mtx_enter(&sysctl_mtx);
	TAILQ_FOREACH(o, &oids, so_link) {
		if (o == so) {
			TAILQ_REMOVE(&oids, so, so_link);
			break;
		}
	}
	while (sysctl_used(so))
		(void)msleep_nsec(&users, &sysctl_mtx, PRI_KERN, "sysctl",
		    INFSLP);
	mtx_leave(&sysctl_mtx);
}

static struct sysctl_oid *
sysctl_find(const char *name)
{
	struct sysctl_oid *so;

	MUTEX_ASSERT_LOCKED(&sysctl_mtx);
	TAILQ_FOREACH(so, &oids, so_link) {
		if (strcmp(so->so_name, name) == 0)
			break;
	}
	return (so);
}

/* ENOENT, or it stays until sysctl_leave(). */
static int
sysctl_enter(const char *name, struct sysctl_user *su)
{
	mtx_enter(&sysctl_mtx);
	if ((su->su_oid = sysctl_find(name)) != NULL)
		LIST_INSERT_HEAD(&users, su, su_link);
	mtx_leave(&sysctl_mtx);
	return (su->su_oid != NULL ? 0 : ENOENT);
}

static void
sysctl_leave(struct sysctl_user *su)
{
	mtx_enter(&sysctl_mtx);
	LIST_REMOVE(su, su_link);
	wakeup(&users);
	mtx_leave(&sysctl_mtx);
}

int
sysctl_read(const char *name, char *buf, size_t size, size_t *lenp)
{
	struct sysctl_user su;
	int n, error;

	KASSERT(size != 0);
	buf[0] = '\0';
	if ((error = sysctl_enter(name, &su)) != 0)
		return (error);
	n = su.su_oid->so_read == NULL ? -1 :
	    su.su_oid->so_read(su.su_oid->so_arg, buf, size);
	sysctl_leave(&su);
	buf[size - 1] = '\0';
	*lenp = strlen(buf);
	return (n < 0 ? EIO : 0);
}

int
sysctl_write(const char *name, const char *value)
{
	struct sysctl_user su;
	int error;

	if ((error = sysctl_enter(name, &su)) != 0)
		return (error);
	error = su.su_oid->so_write == NULL ? EPERM :
	    su.su_oid->so_write(su.su_oid->so_arg, value);
	sysctl_leave(&su);
	return (error);
}

int
sysctl_next(const char *name, char *next)
{
	struct sysctl_oid *so;

	mtx_enter(&sysctl_mtx);
	TAILQ_FOREACH(so, &oids, so_link) {
		if (strcmp(so->so_name, name) > 0) {
			strlcpy(next, so->so_name, sizeof(so->so_name));
			break;
		}
	}
	mtx_leave(&sysctl_mtx);
	return (so != NULL ? 0 : ENOENT);
}

mode_t
sysctl_mode(const char *name)
{
	struct sysctl_oid *so;
	size_t n = strlen(name);
	mode_t mode = 0;

	if (n == 0)
		return (S_IFDIR);
	mtx_enter(&sysctl_mtx);
	if ((so = sysctl_find(name)) != NULL)
		mode = so->so_write != NULL ? 0644 : 0444;
	else {
		TAILQ_FOREACH(so, &oids, so_link) {
			if (strncmp(so->so_name, name, n) == 0 &&
			    so->so_name[n] == '.')
				mode = S_IFDIR;
		}
	}
	mtx_leave(&sysctl_mtx);
	return (mode);
}

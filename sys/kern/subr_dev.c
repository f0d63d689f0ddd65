/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The device switch: calls go through here to the drivers, and are counted,
 * so that a device can go away under its users.  See conf.h.
 */

#include <sys/conf.h>
#include <sys/devvar.h>
#include <sys/errno.h>
#include <sys/ioccom.h>
#include <sys/kmem.h>
#include <sys/selinfo.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#define MINOR_MAX	0xfffff
#define PARTS		16		/* minors of a unit that has partitions */

static TAILQ_HEAD(, cdev) alldevs = TAILQ_HEAD_INITIALIZER(alldevs);
static struct mutex	dev_mtx = MUTEX_INITIALIZER(IPL_SOFT);

/* --- numbers ------------------------------------------------------------ */

/* Those that programs know; a driver's are found by the name of its nodes. */
static const struct {
	const char	*name;
	u_int		 major, minor;
} dev_known[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
	{ "console", 5, 1 }, { "hwrng", 10, 183 }, { "com", 4, 64 },
	{ "sd", 8, 0 }, { "cd", 11, 0 }, { "fb", 29, 0 },
	{ "pvbus", 95, 0 }, { "vport", 230, 0 }, { "viocon", 229, 0 },
	{ "vioblk", 252, 0 },
};
#define MAJOR_HASHED	512		/* the others: by their name, from here */
#define MAJOR_NHASHED	3584

static bool
digit(char c)
{
	return (c >= '0' && c <= '9');
}

/* "vioblk1p2": the name of the driver, 1 * PARTS + 2; true: it has a unit. */
static bool
dev_parse(const char *name, size_t *len, u_int *minor)
{
	const char *p = name;
	u_int unit = 0, part = 0;

	while (*p != '\0' && *p != '/' && !digit(*p))
		p++;
	*len = p - name;
	if (!digit(*p))
		return (false);
	for (; digit(*p) && unit <= MINOR_MAX / PARTS; p++)
		unit = unit * 10 + (*p - '0');
	if (*p == 'p' && digit(p[1])) {
		for (p++; digit(*p) && part < PARTS; p++)
			part = part * 10 + (*p - '0');
	}
	*minor = unit * PARTS + part;
	return (*p == '\0' && unit <= MINOR_MAX / PARTS && part < PARTS);
}

static bool
dev_taken(dev_t rdev, mode_t mode)
{
	struct cdev *cd;

	TAILQ_FOREACH(cd, &alldevs, cd_link) {
		if (cd->cd_rdev == rdev &&
		    (cd->cd_mode & S_IFMT) == (mode & S_IFMT))
			return (true);
	}
	return (false);
}

static void
dev_number(struct cdev *cd)
{
	u_int major, minor = 0, base = 0, i;
	size_t len;
	bool unit;

	MUTEX_ASSERT_LOCKED(&dev_mtx);
	unit = dev_parse(cd->cd_name, &len, &minor);
	if (!unit)
		minor = 0;
	else if ((cd->cd_mode & S_IFMT) == S_IFCHR)
		minor /= PARTS;
	major = MAJOR_HASHED + crc32(0, cd->cd_name, len) % MAJOR_NHASHED;
	for (i = 0; i < nitems(dev_known); i++) {
		if (strlen(dev_known[i].name) == len &&
		    strncmp(dev_known[i].name, cd->cd_name, len) == 0) {
			major = dev_known[i].major;
			base = dev_known[i].minor;
		}
	}
	/* what has no unit of its own gets the next that is free */
	for (minor += base; minor < MINOR_MAX &&
	    dev_taken(makedev(major, minor), cd->cd_mode); minor++)
		;
	cd->cd_rdev = makedev(major, minor);
}

/* --- life --------------------------------------------------------------- */

void
dev_ref(struct cdev *cd)
{
	u_int old = __atomic_fetch_add(&cd->cd_refs, 1, __ATOMIC_RELAXED);

	KASSERT(old != 0);
}

void
dev_release(struct cdev *cd)
{
	u_int old = __atomic_fetch_sub(&cd->cd_refs, 1, __ATOMIC_ACQ_REL);

	KASSERT(old != 0);
	if (old != 1)
		return;
	kmem_free(cd->cd_name, strlen(cd->cd_name) + 1);
	kmem_free(cd, sizeof(*cd));
}

static struct cdev *
dev_alloc(const struct cdevsw *sw, void *arg, mode_t mode, const char *name)
{
	struct cdev *cd;

	if ((cd = kmem_zalloc(sizeof(*cd), KM_NOSLEEP)) == NULL)
		return (NULL);
	if ((cd->cd_name = kmem_strdup(name, KM_NOSLEEP)) == NULL) {
		kmem_free(cd, sizeof(*cd));
		return (NULL);
	}
	cd->cd_refs = 1;
	cd->cd_sw = sw;
	cd->cd_arg = arg;
	cd->cd_mode = (mode & 07777) |
	    (sw->d_flags & D_DISK ? S_IFBLK : S_IFCHR);
	rw_init(&cd->cd_openlock, "devopen");
	mtx_init(&cd->cd_mtx, IPL_SOFT);
	return (cd);
}

int
dev_create(struct cdev **cdp, const struct cdevsw *sw, void *arg, mode_t mode,
    const char *fmt, ...)
{
	char name[NAME_MAX + 1];
	struct cdev *cd;
	va_list ap;
	int n, error;

	va_start(ap, fmt);
	n = vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(name))
		return (EINVAL);
	if ((cd = dev_alloc(sw, arg, mode, name)) == NULL)
		return (ENOMEM);
	mtx_enter(&dev_mtx);
	dev_number(cd);
	TAILQ_INSERT_TAIL(&alldevs, cd, cd_link);
	mtx_leave(&dev_mtx);
	/* the name is there with the first call that may come */
	*cdp = cd;
	if ((error = devfs_add(cd)) != 0) {
		*cdp = NULL;
		mtx_enter(&dev_mtx);
		TAILQ_REMOVE(&alldevs, cd, cd_link);
		mtx_leave(&dev_mtx);
		dev_release(cd);
	}
	return (error);
}

void
dev_destroy(struct cdev *cd)
{
	if (cd == NULL)
		return;
	devfs_remove(cd);
	mtx_enter(&dev_mtx);
	TAILQ_REMOVE(&alldevs, cd, cd_link);
	mtx_leave(&dev_mtx);
	mtx_enter(&cd->cd_mtx);
	cd->cd_gone = true;
	while (cd->cd_busy != 0)
		(void)msleep_nsec(&cd->cd_busy, &cd->cd_mtx, PRI_KERN,
		    "devgone", INFSLP);
	mtx_leave(&cd->cd_mtx);
	/* pollers are in no call, but the driver's memory knows them */
	selgone(cd);
	dev_release(cd);
}

void *
dev_arg(const struct cdev *cd)
{
	return (cd->cd_arg);
}

const char *
dev_name(const struct cdev *cd)
{
	return (cd->cd_name);
}

/* --- calls -------------------------------------------------------------- */

static int
dev_enter(struct cdev *cd)
{
	int error = 0;

	mtx_enter(&cd->cd_mtx);
	if (cd->cd_gone)
		error = ENXIO;
	else
		cd->cd_busy++;
	mtx_leave(&cd->cd_mtx);
	return (error);
}

static void
dev_leave(struct cdev *cd)
{
	mtx_enter(&cd->cd_mtx);
	KASSERT(cd->cd_busy != 0);
	if (--cd->cd_busy == 0 && cd->cd_gone)
		wakeup(&cd->cd_busy);
	mtx_leave(&cd->cd_mtx);
}

/* A look only: a call that waited for another one goes no further. */
static bool
dev_gone(struct cdev *cd)
{
	bool gone;

	mtx_enter(&cd->cd_mtx);
	gone = cd->cd_gone;
	mtx_leave(&cd->cd_mtx);
	return (gone);
}

/* Open and last close exclude each other. */
int
dev_open(struct cdev *cd, int flags)
{
	int error;

	if ((error = dev_enter(cd)) != 0)
		return (error);
	rw_enter_write(&cd->cd_openlock);
	if (dev_gone(cd))
		error = ENXIO;
	else if (cd->cd_sw->d_open != NULL)
		error = cd->cd_sw->d_open(cd, flags);
	if (error == 0)
		cd->cd_opens++;
	rw_exit(&cd->cd_openlock);
	dev_leave(cd);
	return (error);
}

int
dev_close(struct cdev *cd, int flags)
{
	bool here = dev_enter(cd) == 0;
	int error = 0;

	rw_enter_write(&cd->cd_openlock);
	KASSERT(cd->cd_opens != 0);
	if (--cd->cd_opens == 0 && here && cd->cd_sw->d_close != NULL)
		error = cd->cd_sw->d_close(cd, flags);
	rw_exit(&cd->cd_openlock);
	if (here)
		dev_leave(cd);
	return (error);
}

int
dev_rdwr(struct cdev *cd, struct uio *uio, int flags)
{
	int (*fn)(struct cdev *, struct uio *, int), error;

	fn = uio->uio_rw == UIO_READ ? cd->cd_sw->d_read : cd->cd_sw->d_write;
	if (fn == NULL)
		return (ENODEV);
	if ((error = dev_enter(cd)) != 0)
		return (error);
	error = fn(cd, uio, flags);
	dev_leave(cd);
	return (error);
}

struct vm_object *
dev_object(struct cdev *cd)
{
	struct vm_object *vo;

	if (cd->cd_sw->d_object == NULL || dev_enter(cd) != 0)
		return (NULL);
	vo = cd->cd_sw->d_object(cd);
	dev_leave(cd);
	return (vo);
}

int
dev_ioctl(struct cdev *cd, u_long cmd, void *data, int flags)
{
	int error;

	/* programs that ask whether it is a terminal want to hear this */
	if (cd->cd_sw->d_ioctl == NULL)
		return (ENOTTY);
	if ((error = dev_enter(cd)) != 0)
		return (error);
	error = cd->cd_sw->d_ioctl(cd, cmd, data, flags);
	dev_leave(cd);
	return (error == ENOIOCTL ? ENOTTY : error);
}

/*
 * A command from a program, whose number may tell the size of its argument.
 * BSD and Linux disagree on which of the two bits means in and which out, so
 * the argument is copied in for either, and out if the driver changed it.
 */
int
dev_userioctl(struct cdev *cd, u_long cmd, void *user, int flags)
{
	size_t len = IOCPARM_LEN(cmd);
	char *data;
	int error;

	if ((cd->cd_sw->d_flags & D_RAWIOCTL) || (cmd & IOC_INOUT) == 0 ||
	    (cmd & IOC_VOID) || len == 0)
		return (dev_ioctl(cd, cmd, user, flags));
	if ((data = kmem_alloc(2 * len, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	error = copyin(user, data, len);
	memcpy(data + len, data, len);
	if (error == 0)
		error = dev_ioctl(cd, cmd, data, flags);
	if (error == 0 && ((cmd & IOC_INOUT) == IOC_INOUT ||
	    memcmp(data, data + len, len) != 0))
		error = copyout(data, user, len);
	kmem_free(data, 2 * len);
	return (error);
}

int
dev_poll(struct cdev *cd, int events, struct selreq *sr)
{
	int revents;

	if (dev_enter(cd) != 0)
		return (POLLERR | POLLHUP);
	selowner(sr, cd);
	if (cd->cd_sw->d_poll != NULL)
		revents = cd->cd_sw->d_poll(cd, events, sr);
	else
		revents = events & (POLLIN | POLLOUT | POLLRDNORM |
		    POLLWRNORM);
	selowner(sr, NULL);
	dev_leave(cd);
	return (revents);
}

int
dev_fsync(struct cdev *cd)
{
	int error;

	if (cd->cd_sw->d_fsync == NULL)
		return (cd->cd_sw->d_flags & D_DISK ? 0 : EINVAL);
	if ((error = dev_enter(cd)) != 0)
		return (error);
	error = cd->cd_sw->d_fsync(cd);
	dev_leave(cd);
	return (error);
}

/* From a device that has gone the list comes back as it was. */
void
dev_aio(struct cdev *cd, struct aiolist *list)
{
	if (cd->cd_sw->d_aio == NULL || dev_enter(cd) != 0)
		return;
	cd->cd_sw->d_aio(cd, list);
	dev_leave(cd);
}

off_t
dev_size(struct cdev *cd)
{
	off_t size;

	if (cd->cd_sw->d_size == NULL || dev_enter(cd) != 0)
		return (0);
	size = cd->cd_sw->d_size(cd);
	dev_leave(cd);
	return (size);
}

/*
 * Every disk once.  One that goes away meanwhile takes the chain with it,
 * then the walk begins anew: flushing twice does no harm.
 */
void
dev_syncall(void)
{
	struct cdev *cd, *next;

	mtx_enter(&dev_mtx);
	for (cd = TAILQ_FIRST(&alldevs); cd != NULL; cd = next) {
		if (!(cd->cd_sw->d_flags & D_DISK)) {
			next = TAILQ_NEXT(cd, cd_link);
			continue;
		}
		dev_ref(cd);
		mtx_leave(&dev_mtx);
		(void)dev_fsync(cd);
		mtx_enter(&dev_mtx);
		next = dev_gone(cd) ? TAILQ_FIRST(&alldevs) :
		    TAILQ_NEXT(cd, cd_link);
		dev_release(cd);
	}
	mtx_leave(&dev_mtx);
}

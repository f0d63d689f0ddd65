/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * /dev/null, zero, full, random, urandom, and hwrng.
 */

#include <sys/devvar.h>
#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/selinfo.h>
#include <sys/rwlock.h>
#include <sys/systm.h>
#include <sys/thread.h>
#include <sys/uio.h>
#include <sys/vnode.h>

#define ZERO_CHUNK	65536
#define RNDGETENTCNT	0x80045200	/* int: bits, as Linux has it */

/* Between pieces of a long transfer: true if a signal ends it. */
static bool
mem_pause(void)
{
	if (curthread->td_interrupted)
		return (true);
	if (sched_wanted())
		sched_yield();
	return (false);
}

/* --- null, zero, full --------------------------------------------------- */

static int
mem_eof(struct cdev *cd __unused, struct uio *uio __unused, int flags __unused)
{
	return (0);
}

static int
mem_swallow(struct cdev *cd __unused, struct uio *uio, int flags __unused)
{
	uio->uio_offset += uio->uio_resid;
	uio->uio_resid = 0;
	return (0);
}

static int
mem_zeros(struct cdev *cd __unused, struct uio *uio, int flags __unused)
{
	int error = 0;

	while (error == 0 && uio->uio_resid > 0) {
		error = uiomove_zero(ZERO_CHUNK, uio);
		if (error == 0 && uio->uio_resid > 0 && mem_pause())
			error = EINTR;
	}
	return (error);
}

static int
mem_full(struct cdev *cd __unused, struct uio *uio, int flags __unused)
{
	return (uio->uio_resid != 0 ? ENOSPC : 0);
}

static const struct cdevsw null_cdevsw = {
	.d_name = "null",
	.d_read = mem_eof,
	.d_write = mem_swallow,
};

static const struct cdevsw zero_cdevsw = {
	.d_name = "zero",
	.d_read = mem_zeros,
	.d_write = mem_swallow,
};

static const struct cdevsw full_cdevsw = {
	.d_name = "full",
	.d_read = mem_zeros,
	.d_write = mem_full,
};

/* --- random ------------------------------------------------------------- */

static int
urandom_read(struct cdev *cd __unused, struct uio *uio, int flags __unused)
{
	char buf[512];
	size_t n;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0) {
		n = MIN(uio->uio_resid, sizeof(buf));
		rnd_bytes(buf, n);
		error = uiomove(buf, n, uio);
		if (error == 0 && uio->uio_resid > 0 && mem_pause())
			error = EINTR;
	}
	memset(buf, 0, sizeof(buf));
	/* keep it from being left out: the bytes may be somebody's key */
	__asm volatile("" :: "r" (buf) : "memory");
	return (error);
}

static int
random_read(struct cdev *cd, struct uio *uio, int flags)
{
	int error;

	if (uio->uio_resid > 0 &&
	    (error = rnd_wait((flags & FNONBLOCK) != 0)) != 0)
		return (error);
	return (urandom_read(cd, uio, flags));
}

static int
random_poll(struct cdev *cd __unused, int events, struct selreq *sr)
{
	int ready = POLLOUT | POLLWRNORM;

	if (rnd_seeded())
		ready |= POLLIN | POLLRDNORM;
	else if (sr != NULL)
		selretry(sr);
	return (events & ready);
}

/* Stirred in, but not trusted to be unknown to anybody. */
static int
random_write(struct cdev *cd __unused, struct uio *uio, int flags __unused)
{
	char buf[256];
	size_t n;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0) {
		n = MIN(uio->uio_resid, sizeof(buf));
		if ((error = uiomove(buf, n, uio)) == 0)
			rnd_feed(buf, n, 0);
		if (error == 0 && uio->uio_resid > 0 && mem_pause())
			error = EINTR;
	}
	return (error);
}

static int
random_ioctl(struct cdev *cd __unused, u_long cmd, void *data,
    int flags __unused)
{
	int bits = rnd_seeded() ? 256 : 0;

	if (cmd != RNDGETENTCNT)
		return (ENOTTY);
	memcpy(data, &bits, sizeof(bits));
	return (0);
}

static const struct cdevsw random_cdevsw = {
	.d_name = "random",
	.d_read = random_read,
	.d_write = random_write,
	.d_ioctl = random_ioctl,
	.d_poll = random_poll,
};

/* does not wait for the seed */
static const struct cdevsw urandom_cdevsw = {
	.d_name = "urandom",
	.d_read = urandom_read,
	.d_write = random_write,
	.d_ioctl = random_ioctl,
};

/* --- hwrng -------------------------------------------------------------- */

/*
 * /dev/hwrng is there while a source is, and stands for the first.  Each
 * source has a place in a list; hr_priv points to the next.
 */
static struct rwlock	hwrng_lock = { .rw_mtx = MUTEX_INITIALIZER(IPL_SOFT),
			    .rw_name = "hwrng" };
static struct hwrng	*hwrng_first;		/* hwrng_lock */
static struct cdev	*hwrng_cdev;		/* hwrng_lock */

static int
hwrng_read(struct cdev *cd, struct uio *uio, int flags)
{
	struct hwrng *hr = dev_arg(cd);
	size_t want = uio->uio_resid;
	int error = 0;

	while (error == 0 && uio->uio_resid > 0) {
		error = hr->hr_read(hr->hr_arg, uio, flags);
		if (error == 0 && uio->uio_resid > 0 && mem_pause())
			error = EINTR;
	}
	/* what was there is better than a reason why there is not more */
	return (uio->uio_resid != want ? 0 : error);
}

static const struct cdevsw hwrng_cdevsw = {
	.d_name = "hwrng",
	.d_read = hwrng_read,
};

int
hwrng_attach(struct hwrng *hr)
{
	struct hwrng *last;
	int error = 0;

	rw_enter_write(&hwrng_lock);
	hr->hr_priv = NULL;
	if (hwrng_first == NULL) {
		error = dev_create(&hwrng_cdev, &hwrng_cdevsw, hr, 0600,
		    "hwrng");
		if (error == 0)
			hwrng_first = hr;
	} else {
		for (last = hwrng_first; last->hr_priv != NULL;
		    last = last->hr_priv)
			;
		last->hr_priv = hr;
	}
	rw_exit(&hwrng_lock);
	return (error);
}

void
hwrng_detach(struct hwrng *hr)
{
	struct hwrng *prev;

	rw_enter_write(&hwrng_lock);
	if (hr == hwrng_first) {
		dev_destroy(hwrng_cdev);	/* no call is left after it */
		hwrng_cdev = NULL;
		hwrng_first = hr->hr_priv;
		if (hwrng_first != NULL &&
		    dev_create(&hwrng_cdev, &hwrng_cdevsw, hwrng_first, 0600,
		    "hwrng") != 0)
			printf("hwrng: no memory for the node of %s\n",
			    hwrng_first->hr_name);
	} else {
		for (prev = hwrng_first; prev != NULL;
		    prev = prev->hr_priv) {
			if (prev->hr_priv == hr) {
				prev->hr_priv = hr->hr_priv;
				break;
			}
		}
	}
	rw_exit(&hwrng_lock);
}

/* --- init --------------------------------------------------------------- */

void
mem_init(void)
{
	static const struct {
		const char		*name;
		const struct cdevsw	*sw;
	} nodes[] = {
		{ "null", &null_cdevsw }, { "zero", &zero_cdevsw },
		{ "full", &full_cdevsw }, { "random", &random_cdevsw },
		{ "urandom", &urandom_cdevsw },
	};
	struct cdev *cd;
	u_int i;

	for (i = 0; i < nitems(nodes); i++) {
		if (dev_create(&cd, nodes[i].sw, NULL, 0666, "%s",
		    nodes[i].name) != 0)
			panic("mem_init: /dev/%s", nodes[i].name);
	}
}

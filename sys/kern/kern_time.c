/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The time of day: that of the machine's clock when it was first asked for,
 * and the monotonic clock since.
 */

#include <sys/errno.h>
#include <sys/init.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

static struct mutex	time_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static uint64_t		time_boot;	/* ns since 1970; 0: not yet known */

/* Reading the clock is slow, and most boots do not need it. */
static uint64_t
boottime(void)
{
	uint64_t now;

	mtx_enter(&time_mtx);
	if (time_boot == 0) {
		now = md_walltime();
		time_boot = MAX(now, nsecuptime() + 1) - nsecuptime();
	}
	mtx_leave(&time_mtx);
	return (time_boot);
}

uint64_t
nsecwall(void)
{
	return (boottime() + nsecuptime());
}

int
time_set(uint64_t wall)
{
	uint64_t up = nsecuptime();

	if (wall <= up)
		return (EINVAL);
	mtx_enter(&time_mtx);
	time_boot = wall - up;
	mtx_leave(&time_mtx);
	return (0);
}

static int
sysctl_boottime(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%llu",
	    (unsigned long long)(boottime() / NSEC_PER_SEC)));
}

static struct sysctl_oid boottime_oid = {
	.so_name = "kern.boottime", .so_read = sysctl_boottime
};

void
time_init(void)
{
	(void)sysctl_register(&boottime_oid);
}

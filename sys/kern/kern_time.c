/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The time of day: what the clocks told when it was first asked for, and the
 * monotonic clock since.  While a machine is stopped that one may stand still
 * and the others go on, so they are looked at again, but only on behalf of
 * somebody who asks.
 */

#include <sys/errno.h>
#include <sys/init.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/todr.h>

#define TIME_CHECK	SEC_TO_NSEC(2)
#define TIME_STEP	SEC_TO_NSEC(2)	/* what a coarse clock can tell */
/* so that thirty years of running do not take it past 63 bits */
#define TIME_MAX	(INT64_MAX - SEC_TO_NSEC(30ULL * 365 * 86400))

static struct mutex	time_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static TAILQ_HEAD(, todr) todrs = TAILQ_HEAD_INITIALIZER(todrs);
static uint64_t		time_boot;	/* ns since 1970; may lie before that */
static bool		time_known;
/* a clock's idea of that, and which one it is; NULL: none */
static uint64_t		time_ref;
static struct todr	*time_todr;
static uint64_t		time_checked;	/* uptime */
static bool		time_doubt;

void
todr_attach(struct todr *td)
{
	mtx_enter(&time_mtx);
	TAILQ_INSERT_TAIL(&todrs, td, td_link);
	mtx_leave(&time_mtx);
}

void
todr_detach(struct todr *td)
{
	mtx_enter(&time_mtx);
	TAILQ_REMOVE(&todrs, td, td_link);
	if (time_todr == td)
		time_todr = NULL;
	mtx_leave(&time_mtx);
}

/* What it says; 0: it does not know. */
static uint64_t
todr_get(struct todr *td)
{
	uint64_t ns;

	MUTEX_ASSERT_LOCKED(&time_mtx);
	return (td->td_get(td->td_arg, &ns) == 0 && ns <= TIME_MAX ? ns : 0);
}

/* The first clock of this kind that knows, to whose time later ones are held. */
static uint64_t
todr_ask(int flags, bool refer)
{
	struct todr *td;
	uint64_t ns;

	TAILQ_FOREACH(td, &todrs, td_link) {
		if ((td->td_flags & TODR_FINE) != flags ||
		    (ns = todr_get(td)) == 0)
			continue;
		if (refer) {
			time_todr = td;
			time_ref = ns - nsecuptime();
		}
		return (ns);
	}
	return (0);
}

/* Set ours by them; false: none of them knows. */
static bool
time_ask(void)
{
	uint64_t coarse = todr_ask(0, true), now = coarse, up;
	uint64_t fine = todr_ask(TODR_FINE, coarse == 0);

	if (fine != 0 && (coarse == 0 ||
	    fine + TIME_STEP - coarse <= 2 * TIME_STEP))
		now = fine;
	time_checked = up = nsecuptime();
	time_doubt = false;
	if (now != 0) {
		time_boot = now - up;
		time_known = true;
	}
	return (now != 0);
}

static uint64_t
boottime(void)
{
	uint64_t boot;

	mtx_enter(&time_mtx);
	if (!time_known)
		(void)time_ask();
	boot = time_boot;		/* there may be clocks later */
	mtx_leave(&time_mtx);
	return (boot);
}

/* How much the clocks went on while ours did not. */
static int64_t
time_check(void)
{
	uint64_t other = 0, up;
	int64_t step;

	mtx_enter(&time_mtx);
	if (time_todr != NULL)
		other = todr_get(time_todr);
	up = nsecuptime();
	step = other == 0 ? 0 : (int64_t)(other - up - time_ref);
	time_checked = up;
	time_doubt = false;
	if (step < (int64_t)TIME_STEP && step > -(int64_t)TIME_STEP)
		step = 0;
	else if (time_boot + step + up - 1 >= TIME_MAX)
		step = 0;
	time_ref += step;
	time_boot += step;
	mtx_leave(&time_mtx);
	return (step);
}

uint64_t
nsecwall(void)
{
	uint64_t boot = boottime();
	int64_t step;

	/* a clock may be slow to read: not for who holds a mutex */
	if ((time_doubt || nsecuptime() - time_checked > TIME_CHECK) &&
	    md_interruptible() && (step = time_check()) != 0) {
		printf("clock: %lld s %s the time of day, set\n",
		    (long long)(step < 0 ? -step : step) /
		    (long long)NSEC_PER_SEC, step < 0 ? "ahead of" : "behind");
		boot = boottime();
	}
	return (boot + nsecuptime());
}

uint64_t
time_wall(uint64_t up)
{
	return (boottime() + up);
}

int
time_set(uint64_t wall)
{
	uint64_t up = nsecuptime();

	if (wall <= up || wall > TIME_MAX)
		return (EINVAL);
	mtx_enter(&time_mtx);
	/* what the clocks did until now is no business of the new time */
	if (todr_ask(0, true) == 0)
		(void)todr_ask(TODR_FINE, true);
	time_checked = up;
	time_doubt = false;
	time_boot = wall - up;
	time_known = true;
	mtx_leave(&time_mtx);
	return (0);
}

int
time_resync(void)
{
	bool known;

	mtx_enter(&time_mtx);
	known = time_ask();
	mtx_leave(&time_mtx);
	return (known ? 0 : ENXIO);
}

void
time_suspect(void)
{
	time_doubt = true;
}

int
time_delta_print(char *buf, size_t size, uint64_t other)
{
	uint64_t delta = nsecwall() - other, us;
	bool behind = (int64_t)delta < 0;

	if (other == UINT64_MAX)
		return (snprintf(buf, size, "unknown"));
	us = (behind ? -delta : delta) / 1000;
	return (snprintf(buf, size, "%s%llu.%06u secs", behind ? "-" : "",
	    (unsigned long long)(us / 1000000), (u_int)(us % 1000000)));
}

static int
time_sensor_read(void *arg, char *buf, size_t size)
{
	struct time_sensor *ts = arg;
	uint64_t ns;

	if (ts->ts_get(ts->ts_arg, &ns) != 0)
		ns = UINT64_MAX;
	return (time_delta_print(buf, size, ns));
}

int
time_sensor_attach(struct time_sensor *ts, const char *device)
{
	(void)snprintf(ts->ts_oid.so_name, sizeof(ts->ts_oid.so_name),
	    "hw.sensors.%s.timedelta0", device);
	ts->ts_oid.so_read = time_sensor_read;
	ts->ts_oid.so_arg = ts;
	return (sysctl_register(&ts->ts_oid));
}

void
time_sensor_detach(struct time_sensor *ts)
{
	sysctl_unregister(&ts->ts_oid);
}

bool
ratelimit(uint64_t *state, u_int burst, u_int persec)
{
	uint64_t now = nsecuptime(), step, at;

	KASSERT(burst != 0 && persec != 0);
	step = NSEC_PER_SEC / persec;
	/* the time at which the bucket will be full again */
	at = __atomic_load_n(state, __ATOMIC_RELAXED);
	if (at < now)
		at = now;
	if (at - now > (uint64_t)(burst - 1) * step)
		return (false);
	__atomic_store_n(state, at + step, __ATOMIC_RELAXED);
	return (true);
}

static int
sysctl_boottime(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%lld",
	    (long long)boottime() / (long long)NSEC_PER_SEC));
}

static int
sysctl_clock(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", md_clock_name()));
}

/* Whatever is written: the clocks are asked anew. */
static int
sysctl_resync(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "0"));
}

static int
sysctl_resync_write(void *arg __unused, const char *text __unused)
{
	return (time_resync());
}

static struct sysctl_oid resync_oid = {
	.so_name = "kern.timecounter.resync", .so_read = sysctl_resync,
	.so_write = sysctl_resync_write
};

static struct sysctl_oid clock_oid = {
	.so_name = "kern.timecounter.hardware", .so_read = sysctl_clock
};

static struct sysctl_oid boottime_oid = {
	.so_name = "kern.boottime", .so_read = sysctl_boottime
};

void
time_init(void)
{
	(void)sysctl_register(&boottime_oid);
	(void)sysctl_register(&clock_oid);
	(void)sysctl_register(&resync_oid);
}

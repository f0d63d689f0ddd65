/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The time of day, by clocks that agree, differ, jump and fail. */

#include "test.h"

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/todr.h>

#include "sim/sim.h"

#define S	1000000000ULL
#define MS	1000000ULL
#define EPOCH	(1800000000ULL * S)
#define YEAR	(365 * 86400ULL * S)

struct clock {
	struct todr	todr;
	int64_t		ahead;		/* of EPOCH and our uptime */
	uint64_t	grain;
	uint64_t	fixed;		/* this instead, if not 0 */
	int		error;
	u_int		nasked;
};

static int
clock_get(void *arg, uint64_t *ns)
{
	struct clock *c = arg;

	c->nasked++;
	if (c->error != 0)
		return (c->error);
	*ns = c->fixed != 0 ? c->fixed :
	    (EPOCH + hosted_now + c->ahead) / c->grain * c->grain;
	return (0);
}

static struct clock coarse, fine, other;

static void
clock_make(struct clock *c, int flags, uint64_t grain)
{
	memset(c, 0, sizeof(*c));
	c->todr.td_flags = flags;
	c->todr.td_get = clock_get;
	c->todr.td_arg = c;
	c->grain = grain;
	todr_attach(&c->todr);
}

static bool has_coarse, has_fine, has_other;

static void
clocks(bool with_coarse, bool with_fine)
{
	if ((has_coarse = with_coarse))
		clock_make(&coarse, 0, S);
	if ((has_fine = with_fine))
		clock_make(&fine, TODR_FINE, 1);
}

static int
setup(void **state)
{
	sim_init();
	/* ours begins between two seconds */
	hosted_now = 100 * S + 300 * MS;
	has_coarse = has_fine = has_other = false;
	return (0);
}

static int
teardown(void **state)
{
	if (has_coarse)
		todr_detach(&coarse.todr);
	if (has_fine)
		todr_detach(&fine.todr);
	if (has_other)
		todr_detach(&other.todr);
	return (sim_fini());
}

/* How far our time is ahead of the epoch and uptime, in ms. */
static int64_t
ahead(void)
{
	return ((int64_t)(nsecwall() - EPOCH - hosted_now) / (int64_t)MS);
}

static u_int
lines(void)
{
	const char *p = hosted_console();
	u_int n = 0;

	for (; *p != '\0'; p++)
		n += *p == '\n';
	return (n);
}

/* --- which of them ---------------------------------------------------- */

static void
without_a_clock_there_is_none_to_ask(void **state)
{
	assert_int_equal(time_resync(), ENXIO);
	(void)nsecwall();
}

static void
a_coarse_clock_will_do(void **state)
{
	clocks(true, false);
	assert_int_equal(time_resync(), 0);
	assert_in_range(ahead() + 1000, 0, 1000);
}

static void
a_fine_clock_alone_will_do(void **state)
{
	clocks(false, true);
	fine.ahead = 5 * S;
	assert_int_equal(time_resync(), 0);
	assert_int_equal(ahead(), 5000);
}

static void
a_fine_clock_is_taken_where_both_agree(void **state)
{
	static const int64_t off[] = { 0, 100, 900, -100, -500, 1500 };
	u_int i;

	clocks(true, true);
	for (i = 0; i < nitems(off); i++) {
		fine.ahead = off[i] * (int64_t)MS;
		assert_int_equal(time_resync(), 0);
		assert_int_equal(ahead(), off[i]);
	}
}

/* The user of the hypervisor has set that on purpose. */
static void
a_coarse_clock_is_believed_where_they_differ(void **state)
{
	static const int64_t off[] = { 3, -4, 7200, -7200, 86400 * 365 };
	u_int i;

	clocks(true, true);
	for (i = 0; i < nitems(off); i++) {
		fine.ahead = off[i] * (int64_t)S;
		assert_int_equal(time_resync(), 0);
		assert_in_range(ahead() + 1000, 0, 1000);
	}
}

static void
a_clock_that_does_not_know_is_passed_by(void **state)
{
	clocks(true, true);
	coarse.error = EIO;
	fine.ahead = 3 * S;
	assert_int_equal(time_resync(), 0);
	assert_int_equal(ahead(), 3000);
	fine.error = ENXIO;
	assert_int_equal(time_resync(), ENXIO);
	assert_int_equal(ahead(), 3000);		/* as it was */
	coarse.error = 0;
	assert_int_equal(time_resync(), 0);
	assert_in_range(ahead() + 1000, 0, 1000);
	/* the next of its kind is asked */
	clock_make(&other, 0, 1);
	has_other = true;
	coarse.error = EIO;
	other.ahead = 9 * S;
	assert_int_equal(time_resync(), 0);
	assert_int_equal(ahead(), 9000);
}

static void
a_time_that_cannot_be_is_passed_by(void **state)
{
	static const uint64_t time[] = { UINT64_MAX, 1ULL << 63, INT64_MAX,
	    INT64_MAX - YEAR };
	u_int i;

	clocks(true, true);
	for (i = 0; i < nitems(time); i++) {
		coarse.fixed = time[i];
		fine.ahead = S;
		assert_int_equal(time_resync(), 0);
		assert_int_equal(ahead(), 1000);
	}
	coarse.fixed = 0;
	for (i = 0; i < nitems(time); i++) {
		fine.fixed = time[i];
		assert_int_equal(time_resync(), 0);
		assert_in_range(ahead() + 1000, 0, 1000);
	}
}

/* A clock that was never set: time goes on from when we were started. */
static void
a_clock_before_our_start_is_no_time_before_it(void **state)
{
	uint64_t t;

	clocks(true, false);
	coarse.fixed = 1 * S;
	assert_int_equal(time_resync(), 0);
	t = nsecwall();
	hosted_now += S;
	assert_true(nsecwall() - t >= S);
	assert_true(t >= 1 * S && t < YEAR);
}

/* --- while it runs ---------------------------------------------------- */

static void
time_goes_by_our_own_clock(void **state)
{
	uint64_t t;
	u_int i;

	clocks(true, true);
	assert_int_equal(time_resync(), 0);
	t = nsecwall();
	for (i = 0; i < 100; i++) {
		hosted_now += 77 * MS;
		assert_int_equal(nsecwall() - t, (i + 1) * 77 * MS);
	}
	assert_int_equal(lines(), 0);
	assert_int_equal(time_wall(hosted_now), nsecwall());
	assert_int_equal(nsecwall() - time_wall(0), hosted_now);
}

static void
clocks_are_asked_every_two_seconds_at_most(void **state)
{
	u_int i;

	clocks(true, false);
	assert_int_equal(time_resync(), 0);
	coarse.nasked = 0;
	for (i = 0; i < 1000; i++) {
		hosted_now += 10 * MS;
		(void)nsecwall();
	}
	assert_in_range(coarse.nasked, 4, 5);
	coarse.nasked = 0;
	hosted_now += 3600 * S;			/* nobody asks */
	assert_int_equal(coarse.nasked, 0);
}

static void
pause_with(bool with_coarse, bool with_fine)
{
	clocks(with_coarse, with_fine);
	assert_int_equal(time_resync(), 0);
	(void)nsecwall();
	coarse.ahead = fine.ahead = 3600 * S;
	hosted_now += S;
	assert_true(ahead() < 1000);		/* they are not asked yet */
	hosted_now += 2 * S;
	assert_in_range(ahead(), 3599000, 3601000);
	assert_true(sim_said("clock: 3600 s behind the time of day, set") ||
	    sim_said("clock: 3599 s behind the time of day, set"));
	hosted_now += 60 * S;
	assert_in_range(ahead(), 3599000, 3601000);
	assert_int_equal(lines(), 1);
	/* and one backwards */
	coarse.ahead = fine.ahead = 0;
	hosted_now += 3 * S;
	assert_in_range(ahead() + 1000, 0, 1000);
	assert_int_equal(lines(), 2);
}

static void
a_pause_is_noticed_by_a_coarse_clock(void **state)
{
	pause_with(true, false);
}

static void
a_pause_is_noticed_by_a_fine_clock(void **state)
{
	pause_with(false, true);
}

static void
a_pause_is_noticed_by_both(void **state)
{
	pause_with(true, true);
}

static void
a_pause_that_is_suspected_is_looked_for_at_once(void **state)
{
	clocks(true, true);
	assert_int_equal(time_resync(), 0);
	(void)nsecwall();
	coarse.ahead = fine.ahead = 10 * S;
	time_suspect();
	assert_in_range(ahead(), 9000, 11000);
}

/* A coarse clock cannot tell, and a fine one may drift. */
static void
less_than_two_seconds_are_no_pause(void **state)
{
	static const int64_t off[] = { 500, -500, 900, -900, 0 };
	u_int i;

	clocks(true, true);
	assert_int_equal(time_resync(), 0);
	assert_int_equal(ahead(), 0);
	for (i = 0; i < nitems(off); i++) {
		coarse.ahead = fine.ahead = off[i] * (int64_t)MS;
		time_suspect();
		assert_int_equal(ahead(), 0);
		hosted_now += 3 * S;
		assert_int_equal(ahead(), 0);
	}
	assert_int_equal(lines(), 0);
	coarse.ahead = 4 * S;
	time_suspect();
	assert_in_range(ahead(), 3000, 5000);
}

/* A clock may be slow to read, and prints need their turn. */
static void
who_holds_a_mutex_gets_the_time_without_a_look(void **state)
{
	int s;

	clocks(true, false);
	assert_int_equal(time_resync(), 0);
	(void)nsecwall();
	coarse.ahead = 100 * S;
	coarse.nasked = 0;
	hosted_now += 10 * S;
	s = splraise(IPL_HIGH);
	assert_true(ahead() < 1000);
	splx(s);
	assert_int_equal(coarse.nasked, 0);
	assert_in_range(ahead(), 99000, 101000);
}

/* A different clock's idea is no pause. */
static void
a_clock_that_fails_for_a_while_changes_nothing(void **state)
{
	clocks(true, true);
	coarse.ahead = 7200 * S;		/* local, as a user set it */
	assert_int_equal(time_resync(), 0);
	assert_in_range(ahead(), 7199000, 7200000);
	coarse.error = EIO;
	hosted_now += 3 * S;
	assert_in_range(ahead(), 7199000, 7200000);
	fine.error = EIO;
	hosted_now += 3 * S;
	assert_in_range(ahead(), 7199000, 7200000);
	coarse.error = fine.error = 0;
	hosted_now += 3 * S;
	assert_in_range(ahead(), 7199000, 7200000);
	assert_int_equal(lines(), 0);
}

static void
a_clock_that_comes_later_changes_nothing(void **state)
{
	clocks(false, true);
	assert_int_equal(time_resync(), 0);
	clock_make(&coarse, 0, S);
	has_coarse = true;
	coarse.ahead = 7200 * S;
	hosted_now += 3 * S;
	assert_int_equal(ahead(), 0);
	assert_int_equal(time_resync(), 0);
	assert_in_range(ahead(), 7199000, 7200000);
}

/* --- set by a user ---------------------------------------------------- */

static void
a_clock_set_by_a_user_is_kept(void **state)
{
	static const int64_t off[] = { 1, -1, 3600, -3600, 86400 * 365 * 20 };
	u_int i, k;

	clocks(true, true);
	for (i = 0; i < nitems(off); i++) {
		assert_int_equal(time_resync(), 0);
		assert_int_equal(time_set(EPOCH + hosted_now +
		    off[i] * (int64_t)S), 0);
		for (k = 0; k < 20; k++) {
			assert_int_equal(ahead(), off[i] * 1000);
			hosted_now += 900 * MS;
		}
		time_suspect();
		assert_int_equal(ahead(), off[i] * 1000);
	}
	assert_int_equal(lines(), 0);
}

static void
a_pause_is_made_up_for_in_a_clock_set_by_a_user(void **state)
{
	clocks(true, true);
	assert_int_equal(time_resync(), 0);
	assert_int_equal(time_set(EPOCH + hosted_now - 5000 * S), 0);
	coarse.ahead = fine.ahead = 600 * S;
	hosted_now += 3 * S;
	assert_in_range(ahead(), -4401000, -4399000);
}

/* Also one right before it: the new time knows of that. */
static void
a_pause_before_the_setting_is_not_added_to_it(void **state)
{
	clocks(true, false);
	assert_int_equal(time_resync(), 0);
	(void)nsecwall();
	coarse.ahead = 600 * S;
	assert_int_equal(time_set(EPOCH + hosted_now + 600 * S), 0);
	hosted_now += 10 * S;
	assert_int_equal(ahead(), 600000);
	assert_int_equal(lines(), 0);
}

static void
a_time_that_cannot_be_is_not_set(void **state)
{
	clocks(true, true);
	assert_int_equal(time_resync(), 0);
	assert_int_equal(time_set(0), EINVAL);
	assert_int_equal(time_set(hosted_now), EINVAL);
	assert_int_equal(time_set(UINT64_MAX), EINVAL);
	assert_int_equal(time_set(1ULL << 63), EINVAL);
	assert_int_equal(time_set(INT64_MAX), EINVAL);
	assert_int_equal(ahead(), 0);
	assert_int_equal(time_set(hosted_now + 1), 0);
	assert_int_equal(nsecwall(), hosted_now + 1);
	/* 2262 less thirty years of running */
	assert_int_equal(time_set(INT64_MAX - 31 * YEAR), 0);
	assert_int_equal(nsecwall(), INT64_MAX - 31 * YEAR);
	hosted_now += 30 * YEAR;
	assert_true((int64_t)time_wall(hosted_now) > 0);
}

static void
without_a_clock_a_user_can_set_it(void **state)
{
	assert_int_equal(time_set(EPOCH + hosted_now + S), 0);
	hosted_now += 100 * S;
	assert_int_equal(ahead(), 1000);
}

/* --- as a sensor ------------------------------------------------------ */

static void
delta(int64_t ns, const char *wanted)
{
	char text[64];
	int n;

	n = time_delta_print(text, sizeof(text), nsecwall() - ns);
	assert_string_equal(text, wanted);
	assert_int_equal(n, strlen(wanted));
}

static void
a_delta_is_printed(void **state)
{
	char text[64];

	clocks(true, true);
	assert_int_equal(time_resync(), 0);
	delta(0, "0.000000 secs");
	delta(1000, "0.000001 secs");
	delta(999, "0.000000 secs");
	delta(-1000, "-0.000001 secs");
	delta(1500 * MS, "1.500000 secs");
	delta(-1500 * (int64_t)MS, "-1.500000 secs");
	delta(123456789123000, "123456.789123 secs");
	delta(-7200 * (int64_t)S, "-7200.000000 secs");
	assert_int_equal(time_delta_print(text, sizeof(text), UINT64_MAX), 7);
	assert_string_equal(text, "unknown");
	/* as snprintf() */
	assert_int_equal(time_delta_print(text, 4, nsecwall()), 13);
	assert_string_equal(text, "0.0");
	memset(text, 'z', sizeof(text));
	assert_int_equal(time_delta_print(text, 0, nsecwall()), 13);
	assert_int_equal(text[0], 'z');
}

static void
a_delta_of_any_size_does_no_harm(void **state)
{
	static const uint64_t other[] = { 0, 1, 1ULL << 62, INT64_MAX,
	    1ULL << 63, UINT64_MAX - 1 };
	char text[64];
	u_int i;

	clocks(true, true);
	assert_int_equal(time_resync(), 0);
	for (i = 0; i < nitems(other); i++) {
		(void)time_delta_print(text, sizeof(text), other[i]);
		(void)time_delta_print(text, sizeof(text), nsecwall() +
		    other[i]);
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_clock_there_is_none_to_ask),
		TEST(a_coarse_clock_will_do),
		TEST(a_fine_clock_alone_will_do),
		TEST(a_fine_clock_is_taken_where_both_agree),
		TEST(a_coarse_clock_is_believed_where_they_differ),
		TEST(a_clock_that_does_not_know_is_passed_by),
		TEST(a_time_that_cannot_be_is_passed_by),
		TEST(a_clock_before_our_start_is_no_time_before_it),
		TEST(time_goes_by_our_own_clock),
		TEST(clocks_are_asked_every_two_seconds_at_most),
		TEST(a_pause_is_noticed_by_a_coarse_clock),
		TEST(a_pause_is_noticed_by_a_fine_clock),
		TEST(a_pause_is_noticed_by_both),
		TEST(a_pause_that_is_suspected_is_looked_for_at_once),
		TEST(less_than_two_seconds_are_no_pause),
		TEST(who_holds_a_mutex_gets_the_time_without_a_look),
		TEST(a_clock_that_fails_for_a_while_changes_nothing),
		TEST(a_clock_that_comes_later_changes_nothing),
		TEST(a_clock_set_by_a_user_is_kept),
		TEST(a_pause_is_made_up_for_in_a_clock_set_by_a_user),
		TEST(a_pause_before_the_setting_is_not_added_to_it),
		TEST(a_time_that_cannot_be_is_not_set),
		TEST(without_a_clock_a_user_can_set_it),
		TEST(a_delta_is_printed),
		TEST(a_delta_of_any_size_does_no_harm),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

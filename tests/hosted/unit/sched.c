/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/mutex.h>
#include <sys/rwlock.h>
#include <sys/synch.h>
#include <sys/task.h>
#include <sys/thread.h>
#include <sys/timeout.h>

static struct mutex	mtx = MUTEX_INITIALIZER(IPL_NONE);
static char		trace[64];
static int		result;

static int
setup(void **state)
{
	hosted_init();
	trace[0] = '\0';
	result = -1;
	return (0);
}

static int
teardown(void **state)
{
	return (hosted_fini());
}

/* --- sleep --------------------------------------------------------------- */

static void
sleep_one_second(void *arg)
{
	result = msleep_nsec(&result, NULL, PRI_KERN, "test",
	    SEC_TO_NSEC(1));
}

static void
a_sleep_ends_when_its_time_is_over(void **state)
{
	struct thread *td;
	uint64_t start = nsecuptime();

	assert_int_equal(kthread_create(sleep_one_second, NULL, PRI_KERN, "t",
	    &td), 0);
	kthread_join(td);
	assert_int_equal(result, EWOULDBLOCK);
	assert_int_equal(nsecuptime() - start, SEC_TO_NSEC(1));
}

static void
a_wakeup_ends_a_sleep_at_once(void **state)
{
	struct thread *td;

	kthread_create(sleep_one_second, NULL, PRI_KERN, "t", &td);
	hosted_run(1000);
	wakeup(&result);
	kthread_join(td);
	assert_int_equal(result, 0);
	assert_true(nsecuptime() < SEC_TO_NSEC(1));
}

static void
sleep_catching(void *arg)
{
	result = msleep_nsec(&result, NULL, PRI_KERN | PCATCH, "test",
	    INFSLP);
}

static void
a_signal_ends_a_sleep_that_lets_it(void **state)
{
	struct thread *td;

	kthread_create(sleep_catching, NULL, PRI_KERN, "t", &td);
	hosted_run(1000);
	thread_interrupt(td);
	kthread_join(td);
	assert_int_equal(result, EINTR);
}

static void
append_name(void *arg)
{
	mtx_enter(&mtx);
	(void)msleep_nsec(trace, &mtx, PRI_KERN, "test", INFSLP);
	strlcat(trace, arg, sizeof(trace));
	mtx_leave(&mtx);
}

static void
wakeup_one_wakes_the_first_only(void **state)
{
	struct thread *a, *b;
	char na[] = "a", nb[] = "b";

	kthread_create(append_name, na, PRI_KERN, na, &a);
	kthread_create(append_name, nb, PRI_KERN, nb, &b);
	hosted_run(1000);
	wakeup_one(trace);
	hosted_run(1000);
	assert_string_equal(trace, "a");
	wakeup_one(trace);
	kthread_join(a);
	kthread_join(b);
	assert_string_equal(trace, "ab");
}

static void
append_now(void *arg)
{
	strlcat(trace, arg, sizeof(trace));
}

static void
the_more_important_thread_runs_first(void **state)
{
	struct thread *a, *b;
	char na[] = "low", nb[] = "high ";

	kthread_create(append_now, na, PRI_USER, na, &a);
	kthread_create(append_now, nb, PRI_INTR, nb, &b);
	kthread_join(a);
	kthread_join(b);
	assert_string_equal(trace, "high low");
}

/* --- timeouts ------------------------------------------------------------ */

static void
timeouts_run_in_the_order_of_their_times(void **state)
{
	struct timeout to[5];
	char name[5][2] = { "d", "a", "e", "c", "b" };
	const u_int msec[5] = { 40, 10, 50, 30, 20 };
	u_int i;

	for (i = 0; i < 5; i++) {
		timeout_set(&to[i], append_now, name[i]);
		assert_true(timeout_add_msec(&to[i], msec[i]));
	}
	hosted_run(SEC_TO_NSEC(1));
	assert_string_equal(trace, "abcde");
}

static void
a_deleted_timeout_does_not_run(void **state)
{
	struct timeout a, b;
	char na[] = "a", nb[] = "b";

	timeout_set(&a, append_now, na);
	timeout_set(&b, append_now, nb);
	timeout_add_msec(&a, 1);
	timeout_add_msec(&b, 2);
	assert_true(timeout_del(&a));
	assert_false(timeout_del(&a));
	hosted_run(SEC_TO_NSEC(1));
	assert_string_equal(trace, "b");
}

static void
adding_a_pending_timeout_moves_it(void **state)
{
	struct timeout a, b;
	char na[] = "a", nb[] = "b";

	timeout_set(&a, append_now, na);
	timeout_set(&b, append_now, nb);
	timeout_add_msec(&a, 1);
	timeout_add_msec(&b, 2);
	assert_false(timeout_add_msec(&a, 3));
	hosted_run(SEC_TO_NSEC(1));
	assert_string_equal(trace, "ba");
}

/* The heap against a plain array, with a generator of our own. */
static uint64_t		last_time;
static u_int		ran;

static void
check_order(void *arg)
{
	struct timeout *to = arg;

	assert_true(to->to_time >= last_time);
	last_time = to->to_time;
	ran++;
}

static void
a_thousand_timeouts_keep_their_order(void **state)
{
	static struct timeout to[1000];
	uint32_t seed = 12345;
	u_int i, n = 1000, deleted = 0;

	last_time = 0;
	ran = 0;
	for (i = 0; i < n; i++) {
		timeout_set(&to[i], check_order, &to[i]);
		seed = seed * 1103515245 + 12345;
		timeout_add_nsec(&to[i], seed >> 8);
	}
	for (i = 0; i < n; i += 3)
		deleted += timeout_del(&to[i]);
	hosted_run(SEC_TO_NSEC(100));
	assert_int_equal(ran, n - deleted);
}

/* --- tasks --------------------------------------------------------------- */

static void
a_task_runs_once_however_often_it_was_added(void **state)
{
	struct task t;
	char name[] = "t";

	task_set(&t, append_now, name);
	assert_true(task_add(systq, &t));
	assert_false(task_add(systq, &t));
	taskq_barrier(systq);
	assert_string_equal(trace, "t");
}

/* --- sleep locks --------------------------------------------------------- */

static struct rwlock	rw;

static void
reader(void *arg)
{
	rw_enter_read(&rw);
	strlcat(trace, arg, sizeof(trace));
	rw_exit(&rw);
}

static void
a_writer_keeps_readers_out(void **state)
{
	struct thread *td;
	char name[] = "r";

	rw_init(&rw, "test");
	rw_enter_write(&rw);
	kthread_create(reader, name, PRI_KERN, name, &td);
	hosted_run(1000);
	assert_string_equal(trace, "");
	rw_exit(&rw);
	kthread_join(td);
	assert_string_equal(trace, "r");
}

static void
readers_share(void **state)
{
	struct thread *td;
	char name[] = "r";

	rw_init(&rw, "test");
	rw_enter_read(&rw);
	kthread_create(reader, name, PRI_KERN, name, &td);
	kthread_join(td);
	assert_string_equal(trace, "r");
	rw_exit(&rw);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sleep_ends_when_its_time_is_over),
		TEST(a_wakeup_ends_a_sleep_at_once),
		TEST(a_signal_ends_a_sleep_that_lets_it),
		TEST(wakeup_one_wakes_the_first_only),
		TEST(the_more_important_thread_runs_first),
		TEST(timeouts_run_in_the_order_of_their_times),
		TEST(a_deleted_timeout_does_not_run),
		TEST(adding_a_pending_timeout_moves_it),
		TEST(a_thousand_timeouts_keep_their_order),
		TEST(a_task_runs_once_however_often_it_was_added),
		TEST(a_writer_keeps_readers_out),
		TEST(readers_share),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

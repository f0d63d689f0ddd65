/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/memlist.h>

static struct memlist	ml;

static int
setup(void **state)
{
	hosted_init();
	ml.ml_n = 0;
	return (0);
}

static void
assert_ranges(u_int n, const uint64_t *want)
{
	u_int i;

	assert_int_equal(ml.ml_n, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(ml.ml_range[i].mr_start, want[2 * i]);
		assert_int_equal(ml.ml_range[i].mr_end, want[2 * i + 1]);
	}
}

static void
ranges_come_out_in_order(void **state)
{
	memlist_add(&ml, 0x5000, 0x6000);
	memlist_add(&ml, 0x1000, 0x2000);
	memlist_add(&ml, 0x3000, 0x4000);
	assert_ranges(3, (uint64_t[]){ 0x1000, 0x2000, 0x3000, 0x4000,
	    0x5000, 0x6000 });
}

static void
ranges_that_touch_become_one(void **state)
{
	memlist_add(&ml, 0x1000, 0x2000);
	memlist_add(&ml, 0x3000, 0x4000);
	memlist_add(&ml, 0x2000, 0x3000);
	assert_ranges(1, (uint64_t[]){ 0x1000, 0x4000 });
}

static void
overlap_counts_once(void **state)
{
	memlist_add(&ml, 0x1000, 0x8000);
	memlist_add(&ml, 0x2000, 0x3000);
	memlist_add(&ml, 0x7000, 0x9000);
	assert_ranges(1, (uint64_t[]){ 0x1000, 0x9000 });
}

static void
an_empty_or_reversed_range_adds_nothing(void **state)
{
	assert_true(memlist_add(&ml, 0x2000, 0x2000));
	assert_true(memlist_add(&ml, 0x2000, 0x1000));
	assert_ranges(0, NULL);
}

static void
removal_leaves_both_ends(void **state)
{
	memlist_add(&ml, 0x1000, 0x8000);
	memlist_remove(&ml, 0x3000, 0x4000);
	assert_ranges(2, (uint64_t[]){ 0x1000, 0x3000, 0x4000, 0x8000 });
}

static void
removal_spans_several_ranges(void **state)
{
	memlist_add(&ml, 0x1000, 0x2000);
	memlist_add(&ml, 0x3000, 0x4000);
	memlist_add(&ml, 0x5000, 0x6000);
	memlist_remove(&ml, 0x1800, 0x5800);
	assert_ranges(2, (uint64_t[]){ 0x1000, 0x1800, 0x5800, 0x6000 });
}

static void
a_full_list_refuses_and_stays_whole(void **state)
{
	u_int i;

	for (i = 0; i < MEMLIST_MAX; i++)
		assert_true(memlist_add(&ml, 0x10000 * i + 0x1000,
		    0x10000 * i + 0x2000));
	assert_false(memlist_add(&ml, 0x10000 * i + 0x1000,
	    0x10000 * i + 0x2000));
	assert_int_equal(ml.ml_n, MEMLIST_MAX);
	/* a part in the middle would need one more */
	assert_false(memlist_remove(&ml, 0x1400, 0x1800));
	assert_int_equal(ml.ml_n, MEMLIST_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ranges_come_out_in_order, setup),
		cmocka_unit_test_setup(ranges_that_touch_become_one, setup),
		cmocka_unit_test_setup(overlap_counts_once, setup),
		cmocka_unit_test_setup(
		    an_empty_or_reversed_range_adds_nothing, setup),
		cmocka_unit_test_setup(removal_leaves_both_ends, setup),
		cmocka_unit_test_setup(removal_spans_several_ranges, setup),
		cmocka_unit_test_setup(a_full_list_refuses_and_stays_whole,
		    setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

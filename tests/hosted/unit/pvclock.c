/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The clock pages of hypervisors against exact arithmetic, honest and not:
 * Linux, Documentation/virt/kvm/x86/msr.rst; Hyper-V TLFS, 12.7.
 */

#include "test.h"

#include <dev/pv/pvclockvar.h>
#include "sim/sim.h"

typedef unsigned __int128 wide;

#define NS	1000000000ULL

static struct pvclock_page	kvm;
static struct pvclock_wall	wall;
static struct hvclock_page	hv;
static uint64_t			counter;
static u_int			nlooks;
static void			(*meanwhile)(u_int);

static uint64_t
look(void)
{
	if (meanwhile != NULL)
		meanwhile(nlooks);
	nlooks++;
	return (counter);
}

static int
setup(void **state)
{
	sim_init();
	/* 2 GHz, set up 1000 ticks ago at 5000 ns */
	kvm = (struct pvclock_page){ .pc_version = 2, .pc_tsc = 1000000,
	    .pc_time = 5000, .pc_mul = 1U << 31, .pc_shift = 0 };
	wall = (struct pvclock_wall){ 2, 1800000000, 500 };
	hv = (struct hvclock_page){ .hc_sequence = 1,
	    .hc_scale = ((wide)10000000 << 64) / 2000000000, .hc_offset = 7 };
	counter = 1001000;
	nlooks = 0;
	meanwhile = NULL;
	return (0);
}

static int
teardown(void **state)
{
	return (sim_fini());
}

static bool
kvm_read(uint64_t *ns)
{
	uint32_t version = ~0U;
	bool known = pvclock_read(&kvm, look, ns, &version);

	if (known)
		assert_int_equal(version, kvm.pc_version);
	return (known);
}

static uint64_t
random64(void)
{
	return ((uint64_t)sim_random(UINT32_MAX) << 32 |
	    sim_random(UINT32_MAX));
}

/* --- KVM -------------------------------------------------------------- */

static void
a_page_is_read(void **state)
{
	uint64_t ns;

	assert_true(kvm_read(&ns));
	assert_int_equal(ns, 5000 + 500);
	assert_int_equal(pvclock_hz(&kvm), 2000000000);
	assert_int_equal(pvclock_wall(&wall), 1800000000 * NS + 500);
	assert_int_equal(nlooks, 1);
}

/* The page that a host makes for such a rate: its mul and its shift. */
static void
make(uint64_t hz)
{
	int shift = 0;
	uint64_t rate = hz;

	while (rate > 2 * NS) {
		rate >>= 1;
		shift--;
	}
	while (rate <= NS) {
		rate <<= 1;
		shift++;
	}
	kvm.pc_shift = shift;
	kvm.pc_mul = ((wide)NS << 32) / rate;
}

static void
any_rate_is_as_exact_as_the_page_is(void **state)
{
	static const uint64_t hz[] = { 1000000, 14318180, 999999999,
	    1000000000, 1000000001, 1999999999, 2000000001, 2893437000ULL,
	    4300000000ULL, 10000000000ULL, 1000000000000ULL };
	uint64_t ns, ticks, rate;
	wide delta;
	u_int i, k;

	for (i = 0; i < nitems(hz); i++) {
		make(hz[i]);
		rate = pvclock_hz(&kvm);
		assert_in_range(rate, hz[i] - hz[i] / 100000000 - 1, hz[i] +
		    hz[i] / 100000000 + 1);
		for (k = 0; k < 40; k++) {
			/* from a tick to a day */
			ticks = 1 + (random64() % (hz[i] * 86400) >>
			    sim_random(40));
			kvm.pc_tsc = (uint64_t)sim_random(UINT32_MAX) << 20;
			counter = kvm.pc_tsc + ticks;
			assert_true(kvm_read(&ns));
			delta = kvm.pc_shift >= 0 ? (wide)ticks <<
			    kvm.pc_shift : ticks >> -kvm.pc_shift;
			assert_int_equal(ns, 5000 + (uint64_t)(delta *
			    kvm.pc_mul >> 32));
		}
	}
}

static void
rates_that_cannot_be_are_none(void **state)
{
	static const struct {
		uint32_t mul;
		int	 shift;
		uint64_t hz;
	} row[] = {
		{ 0, 0, 0 }, { 1, 0, 0 },		/* 2^32 GHz */
		{ 1U << 31, -32, 0 }, { 1U << 31, 32, 0 },
		{ 1U << 31, 127, 0 }, { 1U << 31, -128, 0 },
		{ UINT32_MAX, 31, 0 }, { 1, -31, 0 }, { 1, 31, 2000000000 },
		{ 1U << 31, 10, 1953125 }, { 1U << 31, 11, 0 },
		{ 1U << 31, -8, 512000000000ULL }, { 1U << 31, -9, 0 },
	};
	u_int i;

	for (i = 0; i < nitems(row); i++) {
		kvm.pc_mul = row[i].mul;
		kvm.pc_shift = row[i].shift;
		assert_int_equal(pvclock_hz(&kvm), row[i].hz);
	}
	/* a page that was never written */
	memset(&kvm, 0, sizeof(kvm));
	assert_int_equal(pvclock_hz(&kvm), 0);
}

static void
what_cannot_be_computed_is_unknown(void **state)
{
	static const int shift[] = { 32, -32, 63, 64, 127, -64, -127, -128 };
	uint64_t ns;
	u_int i;

	for (i = 0; i < nitems(shift); i++) {
		kvm.pc_shift = shift[i];
		assert_false(kvm_read(&ns));
	}
	kvm.pc_shift = 0;
	kvm.pc_mul = 0;
	assert_false(kvm_read(&ns));
}

/* As between two processors, or by a reordered read. */
static void
a_counter_a_little_behind_the_page_is_no_leap(void **state)
{
	uint64_t ns;
	u_int behind;

	for (behind = 1; behind < 2000; behind += 111) {
		counter = kvm.pc_tsc - behind;
		if (!kvm_read(&ns))
			continue;
		assert_in_range(ns, 5000 - behind, 5000);
	}
}

static void
be_new(u_int n)
{
	if (n == 0) {
		kvm.pc_version += 2;
		kvm.pc_time = 1000000;
	}
}

static void
a_page_that_changes_is_read_again(void **state)
{
	uint64_t ns;

	meanwhile = be_new;
	assert_true(kvm_read(&ns));
	assert_int_equal(ns, 1000000 + 500);
	assert_int_equal(nlooks, 2);
}

static void
be_done(u_int n)
{
	if (n == 4)
		kvm.pc_version = 4;
}

static void
a_page_that_is_being_changed_is_waited_for(void **state)
{
	uint64_t ns;

	kvm.pc_version = 3;
	meanwhile = be_done;
	assert_true(kvm_read(&ns));
	assert_int_equal(ns, 5500);
}

static void
be_newer(u_int n)
{
	kvm.pc_version += 2;
}

static void
a_page_that_never_stands_still_is_unknown(void **state)
{
	uint64_t ns;

	meanwhile = be_newer;
	assert_false(kvm_read(&ns));
	assert_in_range(nlooks, 10, 100000);
	meanwhile = NULL;
	kvm.pc_version |= 1;
	nlooks = 0;
	assert_false(kvm_read(&ns));
	assert_in_range(nlooks, 10, 100000);
}

static void
a_time_of_day_that_cannot_be_is_unknown(void **state)
{
	wall.pw_sec = 0;
	assert_int_equal(pvclock_wall(&wall), 0);
	wall.pw_sec = 1;
	wall.pw_nsec = NS - 1;
	assert_int_equal(pvclock_wall(&wall), 2 * NS - 1);
	wall.pw_nsec = NS;
	assert_int_equal(pvclock_wall(&wall), 0);
	wall.pw_nsec = UINT32_MAX;
	assert_int_equal(pvclock_wall(&wall), 0);
	wall.pw_nsec = 0;
	wall.pw_sec = UINT32_MAX;
	assert_int_equal(pvclock_wall(&wall), UINT32_MAX * NS);
	wall.pw_version = 1;
	assert_int_equal(pvclock_wall(&wall), 0);
}

/* --- Hyper-V ---------------------------------------------------------- */

static void
a_page_of_hyper_v_is_read(void **state)
{
	uint64_t ns;

	counter = 2000000000ULL * 3;
	assert_true(hvclock_read(&hv, look, &ns));
	/* the scale is rounded down, and so is the product */
	assert_in_range(ns, 3 * NS + 700 - 100, 3 * NS + 700);
	assert_in_range(hvclock_hz(&hv), 1999999990, 2000000010);
	hv.hc_offset = -20000000;		/* two seconds */
	assert_true(hvclock_read(&hv, look, &ns));
	assert_in_range(ns, NS - 100, NS);
}

static void
any_rate_of_hyper_v_is_as_exact_as_the_page_is(void **state)
{
	static const uint64_t hz[] = { 10000001, 19200000, 1000000000,
	    2893437000ULL, 5000000000ULL, 900000000000ULL };
	uint64_t ns, wanted;
	u_int i, k;

	for (i = 0; i < nitems(hz); i++) {
		hv.hc_scale = ((wide)10000000 << 64) / hz[i];
		assert_in_range(hvclock_hz(&hv), hz[i] - hz[i] / 1000000 - 1,
		    hz[i] + hz[i] / 1000000 + 1);
		for (k = 0; k < 40; k++) {
			counter = random64() >> sim_random(60);
			hv.hc_offset = sim_random(UINT32_MAX);
			assert_true(hvclock_read(&hv, look, &ns));
			wanted = (uint64_t)((wide)counter * hv.hc_scale >> 64) +
			    hv.hc_offset;
			assert_int_equal(ns, wanted * 100);
		}
	}
}

static void
a_page_of_hyper_v_that_is_not_valid_is_unknown(void **state)
{
	uint64_t ns;

	hv.hc_sequence = 0;
	assert_false(hvclock_read(&hv, look, &ns));
	assert_int_equal(hvclock_hz(&hv), 0);
	hv.hc_sequence = 1;
	hv.hc_scale = 0;
	assert_false(hvclock_read(&hv, look, &ns));
	assert_int_equal(hvclock_hz(&hv), 0);
}

static void
rates_of_hyper_v_that_cannot_be_are_none(void **state)
{
	static const uint64_t scale[] = { 0, 1, 1U << 23, 1U << 24, 1U << 31 };
	u_int i;

	for (i = 0; i < nitems(scale); i++) {
		hv.hc_scale = scale[i];
		assert_int_equal(hvclock_hz(&hv), 0);
	}
	hv.hc_scale = UINT64_MAX;		/* 10 MHz */
	assert_in_range(hvclock_hz(&hv), 9999990, 10000010);
}

static void
hv_new(u_int n)
{
	if (n == 0) {
		hv.hc_sequence++;
		hv.hc_offset = 70000;
	}
}

static void
hv_newer(u_int n)
{
	hv.hc_sequence++;
}

static void
hv_gone(u_int n)
{
	hv.hc_sequence = 0;
}

static void
a_page_of_hyper_v_that_changes_is_read_again(void **state)
{
	uint64_t ns;

	counter = 0;
	meanwhile = hv_new;
	assert_true(hvclock_read(&hv, look, &ns));
	assert_int_equal(ns, 7000000);
	meanwhile = hv_newer;
	nlooks = 0;
	assert_false(hvclock_read(&hv, look, &ns));
	assert_in_range(nlooks, 10, 100000);
	hv.hc_sequence = 5;
	meanwhile = hv_gone;
	assert_false(hvclock_read(&hv, look, &ns));
}

/* --- either ----------------------------------------------------------- */

/* The sanitizer looks. */
static void
any_values_do_no_harm(void **state)
{
	uint64_t ns;
	uint32_t version;
	uint8_t *p;
	u_int i, k;

	for (i = 0; i < 20000; i++) {
		for (p = (uint8_t *)&kvm, k = 0; k < sizeof(kvm); k++)
			p[k] = sim_random(4) == 0 ? 0xff : sim_random(256);
		for (p = (uint8_t *)&hv, k = 0; k < sizeof(hv); k++)
			p[k] = sim_random(4) == 0 ? 0xff : sim_random(256);
		for (p = (uint8_t *)&wall, k = 0; k < sizeof(wall); k++)
			p[k] = sim_random(256);
		kvm.pc_shift = sim_random(3) == 0 ? kvm.pc_shift :
		    (int)sim_random(80) - 40;
		if (sim_random(20) != 0) {
			kvm.pc_version &= ~1U;
			wall.pw_version &= ~1U;
		}
		counter = (uint64_t)sim_random(UINT32_MAX) << sim_random(33);
		(void)pvclock_read(&kvm, look, &ns, &version);
		(void)hvclock_read(&hv, look, &ns);
		(void)pvclock_hz(&kvm);
		(void)hvclock_hz(&hv);
		(void)pvclock_wall(&wall);
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_is_read),
		TEST(any_rate_is_as_exact_as_the_page_is),
		TEST(rates_that_cannot_be_are_none),
		TEST(what_cannot_be_computed_is_unknown),
		TEST(a_counter_a_little_behind_the_page_is_no_leap),
		TEST(a_page_that_changes_is_read_again),
		TEST(a_page_that_is_being_changed_is_waited_for),
		TEST(a_page_that_never_stands_still_is_unknown),
		TEST(a_time_of_day_that_cannot_be_is_unknown),
		TEST(a_page_of_hyper_v_is_read),
		TEST(any_rate_of_hyper_v_is_as_exact_as_the_page_is),
		TEST(a_page_of_hyper_v_that_is_not_valid_is_unknown),
		TEST(rates_of_hyper_v_that_cannot_be_are_none),
		TEST(a_page_of_hyper_v_that_changes_is_read_again),
		TEST(any_values_do_no_harm),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

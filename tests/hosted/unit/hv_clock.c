/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The clocks of the test hypervisor's models: a guest that computes as the
 * descriptions say gets the time that the hypervisor has.
 */

#include "test.h"

#include "../../hv/text.c"
#include "../../hv/clock.c"
#include "../../hv/kvm.c"

static uint64_t	tsc;
static uint8_t	memory[4096] __attribute__((aligned(4096)));

uint64_t
hv_tsc(void)
{
	return (tsc);
}

void *
hv_gpa(uint64_t gpa, size_t len)
{
	return (gpa + len <= sizeof(memory) ? memory + gpa : NULL);
}

bool
hv_user(void)
{
	return (false);
}

bool
hv_poses(enum hv_kind kind)
{
	return (kind == HV_KVM);
}

void
hv_event(const char *f, ...)
{
}

static const uint64_t speeds[] = { 1000000, 19200000, 999999000, 1000000000,
	1000001000, 2000000000, 2599998000, 5700000000, 15000000000 };

static uint64_t
as_a_guest(const struct system_time *p)
{
	uint64_t t = tsc - p->tsc;

	t = p->shift >= 0 ? t << p->shift : t >> -p->shift;
	return (p->ns + (uint64_t)((unsigned __int128)t * p->mul >> 32));
}

static void
start(uint64_t hz)
{
	memset(memory, 0, sizeof(memory));
	memset(&hv_clock, 0, sizeof(hv_clock));
	hv_clock.hz = hz;
	hv_clock.base = tsc = 12345678901;
	tsc += hz * 3;
}

static void
the_page_has_the_time_at_any_speed(void **state)
{
	struct system_time *p = (struct system_time *)(memory + 64);
	unsigned int i, sec;
	uint64_t is;

	for (i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		start(speeds[i]);
		assert_true(kvm_msr_write(MSR_SYSTEM, 64 | 1));
		assert_int_equal(as_a_guest(p), 3 * HV_NSEC);
		assert_true(p->mul >> 31);
		for (sec = 0; sec < 1000; sec += 100, tsc += 100 * speeds[i]) {
			is = (3 + sec) * HV_NSEC;
			/* 2^-31 of it */
			assert_in_range(as_a_guest(p),
			    is - is / 1000000000 - 2, is + 1);
		}
	}
}

static void
a_change_is_a_new_even_version(void **state)
{
	struct system_time *p = (struct system_time *)memory;
	uint32_t version;

	start(2000000000);
	kvm_msr_write(MSR_SYSTEM, 1);
	version = p->version;
	assert_int_equal(version & 1, 0);
	hv_clock.jump += 5 * HV_NSEC;
	assert_int_equal(as_a_guest(p), 3 * HV_NSEC);
	kvm_update();
	assert_int_equal(p->version, version + 2);
	assert_int_equal(as_a_guest(p), 8 * HV_NSEC);
	assert_true(kvm_option("odd", "1"));
	kvm_update();
	assert_int_equal(p->version & 1, 1);
	assert_true(kvm_option("odd", "0"));
	kvm_update();
	assert_int_equal(p->version & 1, 0);
	/* without its bit it is left alone */
	kvm_msr_write(MSR_SYSTEM, 0);
	version = p->version;
	kvm_update();
	assert_int_equal(p->version, version);
}

static void
wrong_numbers_are_as_ordered(void **state)
{
	struct system_time *p = (struct system_time *)memory;

	start(2000000000);
	kvm_msr_write(MSR_SYSTEM, 1);
	assert_true(kvm_option("mul", "0"));
	assert_true(kvm_option("shift", "-40"));
	kvm_update();
	assert_int_equal(p->mul, 0);
	assert_int_equal(p->shift, -40);
	assert_true(kvm_option("mul", "-1"));
	assert_true(kvm_option("shift", "-1"));
	assert_true(kvm_option("back", "1000"));
	kvm_update();
	assert_int_equal(as_a_guest(p), 3 * HV_NSEC - 1000);
	assert_false(kvm_option("what", "1"));
	assert_false(kvm_option("mul", "x"));
}

static void
the_wall_clock_has_the_time_of_the_start(void **state)
{
	struct wall_clock *p = (struct wall_clock *)(memory + 128);

	start(2000000000);
	hv_clock.epoch = 1700000000 * HV_NSEC + 5;
	assert_true(kvm_msr_write(MSR_WALL, 128));
	assert_int_equal(p->sec, 1700000000);
	assert_int_equal(p->nsec, 5);
	assert_int_equal(p->version & 1, 0);
	assert_true(kvm_msr_write(MSR_WALL, sizeof(memory)));
}

static void
factors_of_hyperv(void **state)
{
	unsigned int i;
	uint64_t scale, n;

	for (i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (speeds[i] <= 10000000)
			continue;
		scale = hv_div128(10000000, 0, speeds[i]);
		n = hv_mulhi(speeds[i] * 100, scale);
		assert_in_range(n, 999999998, 1000000000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_has_the_time_at_any_speed),
		cmocka_unit_test(a_change_is_a_new_even_version),
		cmocka_unit_test(wrong_numbers_are_as_ordered),
		cmocka_unit_test(the_wall_clock_has_the_time_of_the_start),
		cmocka_unit_test(factors_of_hyperv),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

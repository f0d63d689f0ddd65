/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* pckbd(4) against a simulated 8042 and its keyboard. */

#include "test.h"

#include "sim/sim.h"
#include "sim/typed.h"

#define MSEC		1000000ULL

static struct sim_i8042	kc;
static uint8_t		keys[4096];

static int
setup(void **state)
{
	static bool done;

	sim_init();
	if (!done) {
		done = true;
		typed_begin();
		typed_end();
		hosted_nallocs = 0;
	}
	memset(&kc, 0, sizeof(kc));
	typed_begin();
	return (0);
}

static void
run(u_int msec)
{
	hosted_run(msec * MSEC);
}

static void
end(void)
{
	sim_detach();
	if (kc.kc_ports.so_n != 0)
		sim_i8042_free(&kc);
	memset(&kc, 0, sizeof(kc));
}

static void
type(const uint8_t *p, u_int n)
{
	assert_true(sim_i8042_type(&kc, p, n));
	run(10);
}

#define TYPE(...)	type((const uint8_t[]){ __VA_ARGS__ },		\
	sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void
lock(uint8_t code)
{
	typed_locks(true);
	TYPE(code, 0xf0, code);
	typed_locks(false);
}

static int
teardown(void **state)
{
	/* lamps are of all keyboards, and stay */
	if (kc.kc_leds & 1)
		lock(0x7e);
	if (kc.kc_leds & 2)
		lock(0x77);
	if (kc.kc_leds & 4)
		lock(0x58);
	end();
	typed_end();
	return (sim_fini());
}

static void
attach(void)
{
	sim_i8042_new(&kc);
	if (!sim_said("pckbd0 at mainbus0: PS/2 keyboard"))
		fail_msg("%s", hosted_console());
}

static void
assert_key(u_int code)
{
	run(10);
	assert_int_equal(typed_get(keys, sizeof(keys)), 2);
	assert_int_equal(keys[0], code);
	assert_int_equal(keys[1], code | 0x80);
}

static void
each_key_has_its_number(void **state)
{
	/* of the second set; Linux's */
	static const uint8_t key[][2] = {
		{ 0x76, 1 }, { 0x16, 2 }, { 0x45, 11 }, { 0x1c, 30 },
		{ 0x1a, 44 }, { 0x5a, 28 }, { 0x29, 57 }, { 0x66, 14 },
		{ 0x05, 59 }, { 0x83, 65 }, { 0x78, 87 }, { 0x07, 88 },
		{ 0x61, 86 }, { 0x51, 89 }, { 0x6a, 124 }, { 0x13, 93 },
		{ 0x64, 92 }, { 0x67, 94 }, { 0x7c, 55 }, { 0x79, 78 },
		{ 0x70, 82 },
	};
	u_int i;

	attach();
	for (i = 0; i < nitems(key); i++) {
		TYPE(key[i][0], 0xf0, key[i][0]);
		assert_key(key[i][1]);
	}
}

static void
each_key_of_the_second_kind_too(void **state)
{
	static const uint8_t key[][2] = {
		{ 0x14, 97 }, { 0x11, 100 }, { 0x4a, 98 }, { 0x5a, 96 },
		{ 0x70, 110 }, { 0x71, 111 }, { 0x6c, 102 }, { 0x69, 107 },
		{ 0x7d, 104 }, { 0x7a, 109 }, { 0x75, 103 }, { 0x72, 108 },
		{ 0x6b, 105 }, { 0x74, 106 }, { 0x1f, 125 }, { 0x27, 126 },
		{ 0x2f, 127 }, { 0x7c, 99 },
	};
	u_int i;

	attach();
	for (i = 0; i < nitems(key); i++) {
		TYPE(0xe0, key[i][0], 0xe0, 0xf0, key[i][0]);
		assert_key(key[i][1]);
	}
	/* a shift that there is not, around a key of the pad */
	TYPE(0xe0, 0x12, 0xe0, 0x70, 0xe0, 0xf0, 0x70, 0xe0, 0xf0, 0x12);
	assert_key(110);
}

static void
pause_is_pressed_and_released(void **state)
{
	attach();
	TYPE(0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
	assert_key(119);
	TYPE(0x1c, 0xf0, 0x1c);
	assert_key(30);
}

static void
what_is_not_known_is_ignored(void **state)
{
	u_int v;

	attach();
	for (v = 0x84; v < 0xe0; v++) {
		if (v == 0xaa || (v & 0x7f) <= 0x58)
			continue;	/* released, of the first set */
		TYPE(v);
	}
	(void)typed_get(keys, sizeof(keys));
	TYPE(0x1c, 0xf0, 0x1c);
	assert_key(30);
}

static void
what_a_mouse_says_is_ignored(void **state)
{
	attach();
	sim_i8042_mouse(&kc, 0x1e);
	run(10);
	TYPE(0x1c, 0xf0, 0x1c);
	assert_key(30);
}

static void
what_was_typed_before_is_forgotten(void **state)
{
	kc.kc_scanning = true;
	kc.kc_byte = 0x40;
	(void)sim_i8042_type(&kc, (const uint8_t[]){ 0x1c, 0x1c, 0x1c }, 3);
	attach();
	TYPE(0x1c, 0xf0, 0x1c);
	assert_key(30);
}

/* 0x58: caps lock, 0x77: num lock, 0x7e: scroll lock */
static void
lamps_follow_the_locks(void **state)
{
	static const struct { uint8_t key, leds; } step[] = {
		{ 0x58, 4 }, { 0x77, 6 }, { 0x7e, 7 }, { 0x58, 3 },
		{ 0x77, 1 }, { 0x7e, 0 },
	};
	u_int i;

	attach();
	for (i = 0; i < nitems(step); i++) {
		lock(step[i].key);
		run(10);
		assert_int_equal(kc.kc_leds, step[i].leds);
	}
	assert_int_equal(kc.kc_nleds, nitems(step));
	assert_int_equal(kc.kc_nbad, 0);
}

static void
a_byte_that_is_wanted_again_is_sent_again(void **state)
{
	attach();
	kc.kc_resend = 2;
	lock(0x58);
	run(10);
	assert_int_equal(kc.kc_leds, 4);
	kc.kc_resend = 1;
	lock(0x58);
	run(10);
	assert_int_equal(kc.kc_leds, 0);
}

static void
but_not_for_ever(void **state)
{
	attach();
	kc.kc_resend = ~0U;
	lock(0x58);
	run(2000);
	(void)typed_get(keys, sizeof(keys));
	kc.kc_resend = 0;
	TYPE(0x1c, 0xf0, 0x1c);
	assert_key(30);
	lock(0x58);
	run(1000);
	assert_int_equal(kc.kc_leds, 0);
}

static void
a_keyboard_that_does_not_answer_about_lamps_still_types(void **state)
{
	attach();
	kc.kc_mute = true;
	lock(0x58);
	TYPE(0x1c, 0xf0, 0x1c);
	run(2000);
	kc.kc_mute = false;
	lock(0x7e);
	run(100);
	assert_int_equal(kc.kc_leds, 5);
	lock(0x7e);
	lock(0x58);
	run(100);
	assert_int_equal(kc.kc_leds, 0);
}

static void
where_nothing_answers_is_no_keyboard(void **state)
{
	kc.kc_absent = true;
	sim_i8042_new(&kc);
	assert_false(sim_said("pckbd0"));
	end();
	kc.kc_busy = true;
	sim_i8042_new(&kc);
	assert_false(sim_said("PS/2 keyboard"));
	end();
	kc.kc_mute = true;
	sim_i8042_new(&kc);
	assert_false(sim_said("PS/2 keyboard"));
	end();
	kc.kc_endless = true;
	sim_lenient = true;
	sim_i8042_new(&kc);
	end();
	sim_lenient = false;
}

static void
a_controller_that_goes_mad_does_not_stop_the_machine(void **state)
{
	attach();
	kc.kc_endless = true;
	hosted_irq_raise(1);
	run(100);
	kc.kc_endless = false;
	run(100);
	(void)typed_get(keys, sizeof(keys));
	TYPE(0x5a, 0xf0, 0x5a);
	run(10);
	assert_true(typed_get(keys, sizeof(keys)) >= 2);
	kc.kc_busy = true;
	lock(0x58);
	run(1000);
	kc.kc_busy = false;
	lock(0x58);
	run(1000);
	assert_int_equal(kc.kc_leds, 0);
}

static void
it_may_be_detached_while_lamps_are_told(void **state)
{
	attach();
	kc.kc_mute = true;
	lock(0x58);
	end();
	run(2000);
	attach();
	lock(0x58);
	run(100);
	(void)typed_get(keys, sizeof(keys));
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n, before = hosted_nallocs;

	for (n = 1; n < 100; n++) {
		hosted_fail_at = n;
		sim_i8042_new(&kc);
		if (hosted_fail_at != 0)
			break;
		end();
		run(1);
		assert_int_equal(hosted_nallocs, before);
	}
	assert_true(n > 1 && n < 100);
	hosted_fail_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_key_has_its_number),
		TEST(each_key_of_the_second_kind_too),
		TEST(pause_is_pressed_and_released),
		TEST(what_is_not_known_is_ignored),
		TEST(what_a_mouse_says_is_ignored),
		TEST(what_was_typed_before_is_forgotten),
		TEST(lamps_follow_the_locks),
		TEST(a_byte_that_is_wanted_again_is_sent_again),
		TEST(but_not_for_ever),
		TEST(a_keyboard_that_does_not_answer_about_lamps_still_types),
		TEST(where_nothing_answers_is_no_keyboard),
		TEST(a_controller_that_goes_mad_does_not_stop_the_machine),
		TEST(it_may_be_detached_while_lamps_are_told),
		TEST(every_failure_of_attach_leaves_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

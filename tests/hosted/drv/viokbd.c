/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viokbd(4) against a simulated input device. */

#include "test.h"

#include <sys/errno.h>
#include <sys/sysctl.h>

#include "sim/sim.h"
#include "sim/typed.h"

#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)
#define F_PACKED	(1ULL << 34)
#define F_IN_ORDER	(1ULL << 35)
#define F_RING_RESET	(1ULL << 40)

#define MSEC		1000000ULL
#define EV_SYN		0
#define EV_KEY		1
#define EV_REL		2
#define EV_LED		0x11
#define LED_BITS	7		/* of the device */
#define CAPS		58
#define NUM		69
#define SCROLL		70
#define A		30

static struct sim_input	*in;
static uint8_t		 keys[4096];

static const struct sim_virtio_conf plain = {
	.vc_features = F_RING_RESET, .vc_nvec = 3, .vc_when = SIM_LATER,
};

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
	in = NULL;
	typed_begin();
	return (0);
}

static void
end(void)
{
	sim_detach();
	if (in != NULL)
		sim_input_free(in);
	in = NULL;
}

static void
run(u_int msec)
{
	hosted_run(msec * MSEC);
}

static void
make(const struct sim_virtio_conf *vc)
{
	in = sim_input_new(vc, "Keyboard");
	sim_input_bits(in, EV_KEY, 1, 248);
	sim_input_bits(in, EV_LED, 0, 2);
}

static void
attach_to(const struct sim_virtio_conf *vc)
{
	make(vc);
	sim_attach();
	if (!sim_said("viokbd0 at virtio"))
		fail_msg("%s", hosted_console());
	run(1);
}

static void
key(u_int code, u_int value)
{
	assert_true(sim_input_event(in, EV_KEY, code, value));
	(void)sim_input_event(in, EV_SYN, 0, 0);
	run(1);
}

static void
tap(u_int code)
{
	key(code, 1);
	key(code, 0);
}

static void
lock(u_int code)
{
	typed_locks(true);
	tap(code);
	typed_locks(false);
}

/* Locks are of all keyboards, and stay. */
static void
unlock(void)
{
	if (in == NULL)
		return;
	if (in->in_led & 1)
		lock(NUM);
	if (in->in_led & 2)
		lock(CAPS);
	if (in->in_led & 4)
		lock(SCROLL);
	run(10);
}

static int
teardown(void **state)
{
	unlock();
	end();
	typed_end();
	return (sim_fini());
}

static void
assert_typed(const uint8_t *want, size_t n)
{
	run(10);
	assert_int_equal(typed_get(keys, sizeof(keys)), n);
	assert_memory_equal(keys, want, n);
}

/* --- keys ---------------------------------------------------------------- */

static void
each_key_has_its_number(void **state)
{
	u_int code;
	uint8_t want[2];

	attach_to(&plain);
	assert_true(sim_said("Keyboard"));
	for (code = 1; code < 120; code++) {
		if (code == CAPS || code == NUM || code == SCROLL)
			continue;
		tap(code);
		want[0] = code;
		want[1] = code | 0x80;
		assert_typed(want, 2);
	}
}

static void
rings_of_any_kind(void **state)
{
	static const u_int size[] = { 1, 2, 8, 64, 256 };
	static const uint8_t want[] = { A, A | 0x80 };
	struct sim_virtio_conf vc = plain;
	u_int i, k;

	for (i = 0; i < 40; i++) {
		vc.vc_features = (i & 1 ? F_INDIRECT : 0) |
		    (i & 2 ? F_EVENT_IDX : 0) | (i & 4 ? F_PACKED : 0) |
		    (i & 8 ? F_IN_ORDER : 0);
		vc.vc_nvq = 2;
		vc.vc_qsize[0] = size[i % 5];
		vc.vc_qsize[1] = size[(i + 2) % 5];
		vc.vc_suppress = i & 3;
		vc.vc_when = i & 16 ? SIM_AT_ONCE : SIM_LATER;
		vc.vc_nvec = i % 4;
		attach_to(&vc);
		for (k = 0; k < 100; k++) {
			tap(A);
			assert_typed(want, 2);
		}
		lock(CAPS);
		run(10);
		assert_int_equal(in->in_led, 2);
		lock(CAPS);
		run(10);
		assert_int_equal(in->in_led, 0);
		(void)typed_get(keys, sizeof(keys));
		end();
	}
}

static void
what_is_no_key_is_ignored(void **state)
{
	static const uint8_t want[] = { A, A | 0x80 };
	u_int i;

	attach_to(&plain);
	for (i = 0; i < 300; i++) {
		(void)sim_input_event(in, 2 + sim_random(65000),
		    sim_random(65536), sim_random(~0U));
		(void)sim_input_event(in, EV_KEY, 0, 1);
		(void)sim_input_event(in, EV_KEY, 256 + sim_random(60000), 1);
		(void)sim_input_event(in, EV_KEY, A, 3 + sim_random(~0U - 3));
		run(1);
	}
	tap(A);
	assert_typed(want, 2);
}

static void
short_events_are_ignored(void **state)
{
	static const uint8_t want[] = { A, A | 0x80 };
	uint8_t b[8];
	u_int i;

	attach_to(&plain);
	sim_put(b, 2, EV_KEY);
	sim_put(b + 2, 2, A);
	sim_put(b + 4, 4, 1);
	for (i = 0; i < 8; i++) {
		assert_true(sim_input_raw(in, b, 8, i));
		run(1);
	}
	assert_typed(NULL, 0);
	tap(A);
	assert_typed(want, 2);
}

static void
a_burst_of_a_full_queue_is_all_there(void **state)
{
	u_int i;

	attach_to(&plain);
	for (i = 0; i < 64; i++)
		assert_true(sim_input_event(in, EV_KEY, A, i % 2 == 0));
	assert_false(sim_input_event(in, EV_KEY, A, 1));
	run(10);
	assert_int_equal(typed_get(keys, sizeof(keys)), 64);
}

/* As fast as it gets buffers: others have their turn all the same. */
static bool	flooding;
static u_int	nflood;

static void
flood(struct sim_virtio *sv, struct sim_chain *ch)
{
	uint8_t b[8] = { 0 };

	if (ch->ch_vq->sq_index != 0) {
		sim_chain_done(ch, 0);
		return;
	}
	if (!flooding)
		return;
	nflood++;
	sim_put(b, 2, EV_KEY);
	sim_put(b + 2, 2, A);
	sim_put(b + 4, 4, nflood & 1);
	(void)sim_chain_write(ch, 0, b, 8);
	sim_chain_done(ch, 8);
}

static void
a_flood_does_not_stop_the_machine(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_when = SIM_AT_ONCE;
	make(&vc);
	flooding = true;
	nflood = 0;
	in->in_sv->sv_c.vc_request = flood;
	sim_attach();
	run(1000);
	assert_true(nflood > 1000 && nflood < 1000000);
	flooding = false;
}

/* --- lamps --------------------------------------------------------------- */

static void
lamps_follow_the_locks(void **state)
{
	attach_to(&plain);
	lock(CAPS);
	run(10);
	assert_int_equal(in->in_led, 2);
	lock(NUM);
	run(10);
	assert_int_equal(in->in_led, 3);
	lock(SCROLL);
	run(10);
	assert_int_equal(in->in_led, 7);
	lock(CAPS);
	run(10);
	assert_int_equal(in->in_led, 5);
}

static void
lamps_that_it_has_not_are_not_told(void **state)
{
	make(&plain);
	sim_input_bits(in, EV_LED, 1, 1);
	sim_attach();
	run(1);
	lock(CAPS);
	run(10);
	lock(NUM);
	run(10);
	assert_int_equal(in->in_led, 2);
	lock(NUM);
	run(10);
}

static void
the_last_of_many_changes_is_told(void **state)
{
	u_int i;

	attach_to(&plain);
	in->in_hold = true;
	for (i = 0; i < 21; i++)
		lock(CAPS);
	run(100);
	assert_true(in->in_sv->sv_vq[1].sq_nheld <= 2);
	sim_input_release(in);
	run(100);
	assert_int_equal(in->in_led, 2);
	assert_true(in->in_nstatus <= 4);
}

/* --- devices that are not as they should be ------------------------------ */

static void
what_has_no_letters_is_no_keyboard(void **state)
{
	make(&plain);
	sim_input_bits(in, EV_KEY, 17, 25);
	sim_attach();
	run(10);
	assert_true(sim_said("no keyboard"));
	end();
	make(&plain);
	sim_input_set(in, SIM_IN_BITS, EV_KEY, NULL, 0);
	sim_attach();
	assert_true(sim_said("no keyboard"));
}

static void
sizes_that_are_too_large_are_cut(void **state)
{
	static const int lie[] = { 255, 129, 128 };
	u_int i;

	for (i = 0; i < nitems(lie); i++) {
		make(&plain);
		in->in_lie = lie[i];
		sim_attach();
		run(10);
		assert_true(sim_said("viokbd0 at virtio"));
		end();
	}
	make(&plain);
	in->in_lie = 1;
	sim_attach();
	assert_true(sim_said("no keyboard"));
}

static void
names_of_garbage_are_printable(void **state)
{
	uint8_t name[128];
	const char *p;
	u_int i;

	make(&plain);
	for (i = 0; i < sizeof(name); i++)
		name[i] = 128 + i;
	sim_input_set(in, 1, 0, name, sizeof(name));
	sim_attach();
	for (p = hosted_console(); *p != '\0'; p++)
		assert_true(*p == '\n' || (*p >= ' ' && *p <= '~'));
}

static void
lies(enum sim_lie kind, uint64_t features)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	sim_seed(kind + 1 + features);
	vc.vc_features |= features;
	make(&vc);
	sim_lenient = true;
	sim_attach();
	typed_locks(true);
	for (i = 0; i < 40; i++) {
		(void)sim_input_event(in, EV_KEY, CAPS, i & 1);
		hosted_run(sim_random(1000000));
		sim_lie(in->in_sv, kind);
		hosted_run(sim_random(100000000));
		(void)sim_input_event(in, EV_KEY, sim_random(300), i & 1);
	}
	hosted_run(300000 * MSEC);
	end();
	sim_lenient = false;
	sim_nfaults = 0;
	attach_to(&plain);
	run(10);
	unlock();
	end();
	(void)typed_get(keys, sizeof(keys));
}

static void
no_lie_costs_more_than_the_keyboard(void **state)
{
	enum sim_lie kind;

	for (kind = 0; kind <= SIM_LIE_ANY; kind++) {
		lies(kind, 0);
		lies(kind, F_PACKED);
	}
}

/* --- resets, ends -------------------------------------------------------- */

static void
after_a_reset_keys_and_lamps_are_as_before(void **state)
{
	static const char *const what[] = {
		"reset", "reset event", "reset status"
	};
	static const uint8_t want[] = { A, A | 0x80 };
	u_int i;

	attach_to(&plain);
	lock(CAPS);
	run(10);
	for (i = 0; i < 6; i++) {
		in->in_led = i & 1 ? 5 : 0;	/* it has forgotten */
		assert_int_equal(sysctl_write("hw.virtio.0.control",
		    what[i % 3]), 0);
		run(100);
		assert_int_equal(in->in_led, 2);
		(void)typed_get(keys, sizeof(keys));
		tap(A);
		assert_typed(want, 2);
	}
}

static void
a_key_that_is_down_in_a_reset_is_released(void **state)
{
	static const uint8_t want[] = { A, A | 0x80 };

	attach_to(&plain);
	key(A, 1);
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	assert_typed(want, 2);
	run(5000);
	assert_typed(NULL, 0);
}

static void
a_key_that_is_down_stays_so_when_lamps_are_reset(void **state)
{
	static const uint8_t down[] = { A }, up[] = { A | 0x80 };

	attach_to(&plain);
	key(A, 1);
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset status"),
	    0);
	run(1);
	assert_int_equal(typed_get(keys, 1), 1);
	assert_int_equal(keys[0], down[0]);
	(void)typed_get(keys, sizeof(keys));	/* repetitions */
	key(A, 0);
	assert_true(typed_get(keys, sizeof(keys)) >= 1);
	assert_int_equal(keys[0], up[0]);
}

static void
a_keyboard_may_be_pulled_out(void **state)
{
	attach_to(&plain);
	in->in_hold = true;
	lock(CAPS);
	key(A, 1);
	end();
	assert_int_equal(hosted_nallocs != 0, true);	/* the terminal's */
	run(5000);
	(void)typed_get(keys, sizeof(keys));
	run(5000);
	assert_typed(NULL, 0);
	/* caps lock is as it was */
	attach_to(&plain);
	run(10);
	assert_int_equal(in->in_led, 2);
	lock(CAPS);
	run(10);
	assert_int_equal(in->in_led, 0);
	(void)typed_get(keys, sizeof(keys));
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n, before;

	before = hosted_nallocs;
	for (n = 1; n < 500; n++) {
		make(&plain);
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		end();
		hosted_run(1000);
		assert_int_equal(hosted_nallocs, before);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 5 && n < 500);
	hosted_fail_at = 0;
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	u_int n, before;

	before = hosted_nallocs;
	typed_locks(true);
	for (n = 1; n < 3000; n++) {
		sim_gone = false;
		make(&plain);
		sim_gone_at = n;
		sim_attach();
		if (!sim_gone) {
			(void)sim_input_event(in, EV_KEY, A, 1);
			(void)sim_input_event(in, EV_KEY, SCROLL, 1);
			(void)sim_input_event(in, EV_KEY, SCROLL, 0);
		}
		run(10);
		if (!sim_gone) {
			(void)sim_input_event(in, EV_KEY, SCROLL, 1);
			(void)sim_input_event(in, EV_KEY, SCROLL, 0);
		}
		run(10);
		end();
		(void)typed_get(keys, sizeof(keys));
		assert_int_equal(hosted_nallocs, before);
		if (sim_gone_at != 0)
			break;
	}
	assert_true(n > 50 && n < 3000);
	sim_gone = false;
	sim_gone_at = 0;
	unlock();
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_key_has_its_number),
		TEST(rings_of_any_kind),
		TEST(what_is_no_key_is_ignored),
		TEST(short_events_are_ignored),
		TEST(a_burst_of_a_full_queue_is_all_there),
		TEST(a_flood_does_not_stop_the_machine),
		TEST(lamps_follow_the_locks),
		TEST(lamps_that_it_has_not_are_not_told),
		TEST(the_last_of_many_changes_is_told),
		TEST(what_has_no_letters_is_no_keyboard),
		TEST(sizes_that_are_too_large_are_cut),
		TEST(names_of_garbage_are_printable),
		TEST(no_lie_costs_more_than_the_keyboard),
		TEST(after_a_reset_keys_and_lamps_are_as_before),
		TEST(a_key_that_is_down_in_a_reset_is_released),
		TEST(a_key_that_is_down_stays_so_when_lamps_are_reset),
		TEST(a_keyboard_may_be_pulled_out),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

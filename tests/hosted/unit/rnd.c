/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/rnd.h>

/* RFC 8439, 2.3.2: its nonce of 96 bits begins in our count's upper half. */
static void
the_block_function_is_that_of_rfc_8439(void **state)
{
	static const uint32_t want[16] = {
		0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
		0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
		0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
		0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2
	};
	uint32_t key[8], out[16];
	u_int i;

	for (i = 0; i < 8; i++)
		key[i] = (4 * i) | (4 * i + 1) << 8 | (4 * i + 2) << 16 |
		    (4 * i + 3) << 24;
	chacha20_block(key, 1 | 0x09000000ULL << 32, 0x4a000000, out);
	assert_memory_equal(out, want, sizeof(out));
}

/* A.1, vectors 1 and 2: a key of zeros, blocks 0 and 1. */
static void
with_a_key_of_zeros_too(void **state)
{
	uint32_t key[8] = { 0 }, out[16];

	chacha20_block(key, 0, 0, out);
	assert_int_equal(out[0], 0xade0b876);
	assert_int_equal(out[15], 0x8665eeb2);
	chacha20_block(key, 1, 0, out);
	assert_int_equal(out[0], 0xbee7079f);
	assert_int_equal(out[15], 0x6f4d794b);
}

static void
bytes_are_all_different_each_time(void **state)
{
	uint8_t a[257], b[257], zero[257] = { 0 };
	u_int n;

	hosted_init();
	rnd_init();
	for (n = 16; n <= sizeof(a); n++) {
		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		rnd_bytes(a, n);
		rnd_bytes(b, n);
		assert_memory_not_equal(a, b, n);
		assert_memory_equal(a + n, zero, sizeof(a) - n);
		assert_memory_not_equal(a + n - 8, zero, 8);
	}
}

static void
what_is_fed_changes_what_comes(void **state)
{
	uint8_t big[1000];

	hosted_init();
	memset(big, 1, sizeof(big));
	rnd_feed(big, sizeof(big), 256);
	assert_true(rnd_seeded());
	rnd_feed(big, 0, 0);
	rnd_feed(big, 1, 8);
}

/* --- seeds --------------------------------------------------------------- */

#define SECOND	1000000000ULL

static u_int	nwanted;

static void
want(void *arg)
{
	nwanted++;
	if (arg != NULL)
		rnd_feed(arg, 8, 64);
}

static void
use(u_int seconds)
{
	uint8_t b[16];

	for (; seconds > 0; seconds--) {
		hosted_run(SECOND);
		rnd_bytes(b, sizeof(b));
	}
	hosted_run(0);
}

static void
a_source_is_asked_while_numbers_are_used(void **state)
{
	static char seed[8];
	struct rnd_source rs = { .rs_want = want, .rs_arg = seed };
	u_int n;

	hosted_init();
	nwanted = 0;
	rnd_source_add(&rs);
	assert_int_equal(nwanted, 1);
	/* nobody uses any: nobody is asked */
	hosted_run(1000 * SECOND);
	assert_int_equal(nwanted, 1);
	use(15);
	assert_true(nwanted >= 3 && nwanted <= 6);
	use(300);
	n = nwanted;
	/* once a minute at last */
	use(600);
	assert_true(nwanted - n >= 9 && nwanted - n <= 11);
	rnd_source_remove(&rs);
	n = nwanted;
	use(600);
	assert_int_equal(nwanted, n);
	assert_int_equal(hosted_fini(), 0);
}

static void
much_use_asks_sooner(void **state)
{
	static uint8_t big[1 << 16];
	struct rnd_source rs = { .rs_want = want };
	u_int i;

	hosted_init();
	rnd_source_add(&rs);
	nwanted = 0;
	for (i = 0; i < 64; i++) {
		rnd_bytes(big, sizeof(big));
		hosted_run(1000);
	}
	assert_int_equal(nwanted, 4);
	rnd_source_remove(&rs);
	assert_int_equal(hosted_fini(), 0);
}

static void
a_copy_of_a_machine_asks_at_once(void **state)
{
	struct rnd_source rs = { .rs_want = want };

	hosted_init();
	rnd_source_add(&rs);
	use(5);
	nwanted = 0;
	rnd_forked("0123456789abcdef", 16);
	hosted_run(1000);
	assert_int_equal(nwanted, 1);
	rnd_source_remove(&rs);
	assert_int_equal(hosted_fini(), 0);
}

/* Runs first: nothing of the kind is undone. */
static int	waited;

static void
waiter(void *arg)
{
	waited = rnd_wait(false);
}

static void
who_wants_a_seed_waits_for_it(void **state)
{
	struct thread *td;
	uint8_t seed[32] = { 1 };

	hosted_init();
	assert_false(rnd_seeded());
	assert_int_equal(rnd_wait(true), EAGAIN);
	waited = -1;
	assert_int_equal(kthread_create(waiter, NULL, PRI_USER, "w", &td), 0);
	/* the clock of this machine is even: it gives nothing */
	hosted_run(10 * SECOND);
	assert_int_equal(waited, -1);
	rnd_feed(seed, sizeof(seed), 0);
	hosted_run(SECOND);
	assert_int_equal(waited, -1);
	rnd_feed(seed, sizeof(seed), 128);
	hosted_run(SECOND);
	assert_int_equal(waited, -1);
	rnd_feed(seed, sizeof(seed), 128);
	hosted_run(SECOND);
	assert_int_equal(waited, 0);
	kthread_join(td);
	assert_true(rnd_seeded());
	assert_int_equal(rnd_wait(true), 0);
	assert_int_equal(rnd_wait(false), 0);
	assert_int_equal(hosted_fini(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_function_is_that_of_rfc_8439),
		cmocka_unit_test(with_a_key_of_zeros_too),
		cmocka_unit_test(who_wants_a_seed_waits_for_it),
		cmocka_unit_test(bytes_are_all_different_each_time),
		cmocka_unit_test(what_is_fed_changes_what_comes),
		cmocka_unit_test(a_source_is_asked_while_numbers_are_used),
		cmocka_unit_test(much_use_asks_sooner),
		cmocka_unit_test(a_copy_of_a_machine_asks_at_once),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

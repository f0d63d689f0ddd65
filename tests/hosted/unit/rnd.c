/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_function_is_that_of_rfc_8439),
		cmocka_unit_test(with_a_key_of_zeros_too),
		cmocka_unit_test(bytes_are_all_different_each_time),
		cmocka_unit_test(what_is_fed_changes_what_comes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

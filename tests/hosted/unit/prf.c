/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#include "test.h"

static uint32_t	seed;

static uint32_t
any(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return ((seed >> 8) % below);
}

#define SAME(fmt, ...) do {						\
	char a_[600], b_[600];						\
	int m_ = host_snprintf(b_, sizeof(b_), fmt, __VA_ARGS__);	\
	int n_ = snprintf(a_, sizeof(a_), fmt, __VA_ARGS__);		\
									\
	if (n_ != m_ || strcmp(a_, b_) != 0)				\
		fail_msg("\"%s\": \"%s\" (%d), not \"%s\" (%d)", fmt,	\
		    a_, n_, b_, m_);					\
} while (0)

static const unsigned long long values[] = {
	0, 1, 7, 8, 10, 100, 255, 256, 32767, 32768, 65535, 65536,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
	0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff
};

static void
numbers_are_as_the_c_library_prints_them(void **state)
{
	static const char *const size[] = { "", "hh", "h", "l", "ll", "z",
	    "j", "t" };
	static const char conv[] = "diuxXo";
	char fmt[40], flags[8], c;
	u_int i, k, v;

	for (i = 0; i < 20000; i++) {
		flags[0] = '\0';
		for (k = any(4); k > 0; k--) {
			char f[2] = { "-0#+ "[any(5)], '\0' };

			strlcat(flags, f, sizeof(flags));
		}
		/* # is not for octal here */
		c = conv[any(6)];
		if (c == 'o' && strchr(flags, '#') != NULL)
			c = 'x';
		host_snprintf(fmt, sizeof(fmt), "[%%%s", flags);
		if (any(2))
			host_snprintf(fmt + strlen(fmt), 8, "%u", any(30));
		if (any(3) == 0)
			host_snprintf(fmt + strlen(fmt), 8, ".%u",
			    any(25));
		k = any(nitems(size));
		host_snprintf(fmt + strlen(fmt), 12, "%s%c]", size[k], c);
		v = any(nitems(values));
		if (k < 3)
			SAME(fmt, (int)values[v]);
		else
			SAME(fmt, values[v]);
	}
}

static void
strings_and_characters(void **state)
{
	SAME("%s|%10s|%-10s|", "abc", "abc", "abc");
	SAME("%.2s|%.0s|%10.1s|%-8.2s|", "abc", "abc", "abc", "abc");
	SAME("%.3s|", "abcdef");
	SAME("%c%c%5c|%-3c|", 'a', 'b', 'c', 'd');
	SAME("%%%d%%", 5);
	SAME("%*d|%-*d|%.*d|", 8, 1, 8, 2, 5, 3);
	SAME("%.*s|", -1, "abc");
	SAME("%p", (void *)0x1234);
}

static void
a_string_without_an_end_may_have_a_precision(void **state)
{
	char *s = host_alloc(4), out[10];

	memcpy(s, "wxyz", 4);
	assert_int_equal(snprintf(out, sizeof(out), "%.4s", s), 4);
	assert_string_equal(out, "wxyz");
	host_free(s);
}

static void
what_does_not_fit_is_cut_and_counted(void **state)
{
	u_int size;
	char *p;
	int n;

	for (size = 1; size < 20; size++) {
		p = host_alloc(size);
		n = snprintf(p, size, "%s-%d", "hello", 12345);
		assert_int_equal(n, 11);
		assert_int_equal(strlen(p), MIN(size - 1, 11U));
		assert_memory_equal(p, "hello-12345", strlen(p));
		host_free(p);
	}
	assert_int_equal(snprintf(NULL, 0, "%d", 100), 3);
}

static void
a_negative_width_is_to_the_left(void **state)
{
	SAME("[%*d]", -8, 1);
	SAME("[%*d]", 8, 1);
	SAME("[%*s]", -8, "x");
}

#define TEST(fn)	cmocka_unit_test(fn)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_are_as_the_c_library_prints_them),
		TEST(a_negative_width_is_to_the_left),
		TEST(strings_and_characters),
		TEST(a_string_without_an_end_may_have_a_precision),
		TEST(what_does_not_fit_is_cut_and_counted),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

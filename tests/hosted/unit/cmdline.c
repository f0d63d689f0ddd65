/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/cmdline.h>

static void
given(const char *line)
{
	hosted_init();
	cmdline_init(line, strlen(line));
}

static void
words_are_separated_by_blanks(void **state)
{
	given("  a=1\tb=2   c ");
	assert_string_equal(cmdline_get("a", 0), "1");
	assert_string_equal(cmdline_get("b", 0), "2");
	assert_string_equal(cmdline_get("c", 0), "");
	assert_null(cmdline_get("d", 0));
}

static void
a_name_is_not_found_in_a_longer_one(void **state)
{
	given("console2=x conso=y");
	assert_null(cmdline_get("console", 0));
}

static void
repeated_words_come_in_order(void **state)
{
	given("disable=a x disable=b");
	assert_string_equal(cmdline_get("disable", 0), "a");
	assert_string_equal(cmdline_get("disable", 1), "b");
	assert_null(cmdline_get("disable", 2));
	assert_true(cmdline_disabled("b"));
	assert_false(cmdline_disabled("c"));
}

static void
what_follows_two_dashes_is_a_command_as_it_was_written(void **state)
{
	given("a=1 -- echo  'x  y' -- z");
	assert_string_equal(cmdline_command(), "echo  'x  y' -- z");
	assert_string_equal(cmdline_get("a", 0), "1");
}

static void
words_of_the_hypervisor_behind_the_command_are_not_its_own(void **state)
{
	given("a=1 -- echo x  virtio_mmio.device=512@1:5"
	    " virtio_mmio.device=512@2:6 virtio_mmio.device=512@3:7 ");
	assert_string_equal(cmdline_command(), "echo x ");
	assert_string_equal(cmdline_get("virtio_mmio.device", 2), "512@3:7");
	assert_string_equal(cmdline_get("virtio_mmio.device", 0), "512@1:5");
	assert_string_equal(cmdline_get("virtio_mmio.device", 1), "512@2:6");
	given("-- virtio_mmio.device=512@1:5");
	assert_string_equal(cmdline_command(), "");
	assert_string_equal(cmdline_get("virtio_mmio.device", 0), "512@1:5");
	given("-- echo virtio_mmio.device=512@1:5 x");
	assert_string_equal(cmdline_command(),
	    "echo virtio_mmio.device=512@1:5 x");
	assert_null(cmdline_get("virtio_mmio.device", 0));
}

static void
without_dashes_there_is_no_command(void **state)
{
	given("a --b=1 -x");
	assert_null(cmdline_command());
}

static void
each_unknown_word_is_reported_once(void **state)
{
	given("foo=1 foo=1 known=2 bar");
	(void)cmdline_get("known", 0);
	cmdline_report();
	assert_string_equal(hosted_console(),
	    "command line: unknown word: foo=1\n"
	    "command line: unknown word: bar\n");
}

static void
a_malformed_value_is_reported_once_with_its_name(void **state)
{
	const char *v;

	given("virtio.flags=zz");
	v = cmdline_get("virtio.flags", 0);
	cmdline_bad("virtio.flags", v);
	cmdline_bad("virtio.flags", v);
	assert_string_equal(hosted_console(),
	    "command line: malformed value: virtio.flags=zz\n");
}

static void
a_line_that_is_too_long_is_cut_and_says_so(void **state)
{
	static char line[CMDLINE_MAX + 100];

	memset(line, 'x', sizeof(line));
	memcpy(line, "a=1 ", 4);
	hosted_init();
	cmdline_init(line, sizeof(line));
	assert_string_equal(cmdline_get("a", 0), "1");
	cmdline_report();
	assert_non_null(strchr(hosted_console(), '\n'));
	assert_int_equal(memcmp(hosted_console(),
	    "command line: too long", 22), 0);
}

static void
the_end_of_the_buffer_ends_the_line(void **state)
{
	hosted_init();
	cmdline_init("a=12345", 4);
	assert_string_equal(cmdline_get("a", 0), "12");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_separated_by_blanks),
		cmocka_unit_test(a_name_is_not_found_in_a_longer_one),
		cmocka_unit_test(repeated_words_come_in_order),
		cmocka_unit_test(
		    what_follows_two_dashes_is_a_command_as_it_was_written),
		cmocka_unit_test(
		  words_of_the_hypervisor_behind_the_command_are_not_its_own),
		cmocka_unit_test(without_dashes_there_is_no_command),
		cmocka_unit_test(each_unknown_word_is_reported_once),
		cmocka_unit_test(
		    a_malformed_value_is_reported_once_with_its_name),
		cmocka_unit_test(a_line_that_is_too_long_is_cut_and_says_so),
		cmocka_unit_test(the_end_of_the_buffer_ends_the_line),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

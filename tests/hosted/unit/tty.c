/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/signal.h>
#include <sys/tty.h>
#include <sys/ttycom.h>

#include "sim/nodes.h"

static struct tty	tty;
static struct cdev	*node;
static char		 out[4096], in[4096];
static size_t		 nout;

static void
start(struct tty *tp)
{
	nout += tty_output(tp, out + nout, sizeof(out) - 1 - nout);
	out[nout] = '\0';
}

static const struct tty_ops ops = { .to_start = start };

static int
setup(void **state)
{
	static bool done;

	hosted_init();
	nout = 0;
	out[0] = '\0';
	if (!done) {
		/* what is made once is not counted */
		done = true;
		if (tty_attach(&tty, &ops, NULL, "ttyX") == 0)
			tty_detach(&tty);
		hosted_nallocs = 0;
	}
	if (tty_attach(&tty, &ops, NULL, "ttyX") != 0)
		return (1);
	node = node_open("ttyX", FREAD | FWRITE);
	return (node == NULL);
}

static int
teardown(void **state)
{
	node_close(node, FREAD | FWRITE);
	tty_detach(&tty);
	return (hosted_fini());
}

static void
type(const char *s)
{
	assert_int_equal(tty_input(&tty, s, strlen(s)), strlen(s));
	hosted_run(1000000);
}

/* A read that does not wait; "" and EAGAIN: nothing there. */
static int
get(size_t room)
{
	size_t n;
	int error;

	memset(in, 0, sizeof(in));
	error = node_rdwr(node, UIO_READ, in, room, 0, FNONBLOCK, &n);
	in[n] = '\0';
	return (error);
}

static void
assert_line(const char *want)
{
	assert_int_equal(get(1000), 0);
	assert_string_equal(in, want);
}

static void
set(uint32_t off, uint32_t on)
{
	struct termios2 t;

	assert_int_equal(dev_ioctl(node, TCGETS2, &t, FREAD | FWRITE), 0);
	t.c_lflag = (t.c_lflag & ~off) | on;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	assert_int_equal(dev_ioctl(node, TCSETS2, &t, FREAD | FWRITE), 0);
}

static void
a_line_is_read_when_it_is_complete(void **state)
{
	type("abc");
	assert_int_equal(get(100), EAGAIN);
	type("def\r");
	assert_line("abcdef\n");
	assert_int_equal(get(100), EAGAIN);
}

static void
lines_are_read_one_by_one(void **state)
{
	type("one\ntwo\n");
	assert_line("one\n");
	assert_line("two\n");
}

static void
a_short_read_leaves_the_rest_of_the_line(void **state)
{
	type("abcdef\n");
	assert_int_equal(get(4), 0);
	assert_string_equal(in, "abcd");
	assert_line("ef\n");
}

static void
what_is_typed_is_echoed(void **state)
{
	type("ab\n");
	assert_string_equal(out, "ab\r\n");
}

static void
without_echo_only_what_is_asked_for(void **state)
{
	set(ECHO, 0);
	type("secret\n");
	assert_string_equal(out, "");
	assert_line("secret\n");
}

static void
erase_takes_back_a_character(void **state)
{
	type("abx\177c\n");
	assert_line("abc\n");
	assert_string_equal(out, "abx\b \bc\r\n");
}

static void
erase_at_the_beginning_does_nothing(void **state)
{
	type("\177\177a\177\177\177b\n");
	assert_line("b\n");
}

static void
erase_does_not_reach_into_the_line_before(void **state)
{
	type("one\n\177\177\177two\n");
	assert_line("one\n");
	assert_line("two\n");
}

static void
kill_takes_back_the_line(void **state)
{
	type("one\nabc\025def\n");
	assert_line("one\n");
	assert_line("def\n");
}

static void
word_erase_takes_back_a_word(void **state)
{
	type("one two  \027three\n");
	assert_line("one three\n");
}

static void
the_next_character_is_taken_as_it_is(void **state)
{
	type("a\026\003b\n");
	assert_line("a\003b\n");
}

static void
end_of_file_ends_a_read(void **state)
{
	size_t n = 1;

	type("ab\004");
	assert_line("ab");
	type("\004");
	assert_int_equal(node_rdwr(node, UIO_READ, in, 10, 0, FNONBLOCK, &n),
	    0);
	assert_int_equal(n, 0);
	type("c\n");
	assert_line("c\n");
}

static void
interrupt_throws_the_line_away(void **state)
{
	type("abc\003def\n");
	assert_line("def\n");
}

static void
control_characters_are_shown(void **state)
{
	type("\001");
	assert_string_equal(out, "^A");
	type("\177");
	assert_string_equal(out, "^A\b \b\b \b");
}

static void
raw_input_comes_as_it_is(void **state)
{
	set(ICANON | ECHO | ISIG | IEXTEN, 0);
	type("\003\177\025");
	assert_int_equal(get(100), 0);
	assert_string_equal(in, "\003\177\025");
}

static void
a_change_to_raw_gives_what_is_there(void **state)
{
	type("abc");
	assert_int_equal(get(100), EAGAIN);
	set(ICANON, 0);
	assert_line("abc");
}

static void
a_line_that_is_too_long_still_ends(void **state)
{
	u_int i, n;

	for (i = 0; i < 20000; i++)
		(void)tty_input(&tty, "x", 1);
	(void)tty_input(&tty, "\n", 1);
	hosted_run(1000000);
	for (n = 0; get(1000) == 0 && n < 1000; n++) {
		if (strchr(in, '\n') != NULL)
			break;
	}
	assert_non_null(strchr(in, '\n'));
}

static void
new_lines_go_out_with_a_return(void **state)
{
	strlcpy(in, "a\nb\n", sizeof(in));
	assert_int_equal(node_rdwr(node, UIO_WRITE, in, 4, 0, 0, NULL), 0);
	assert_string_equal(out, "a\r\nb\r\n");
}

static void
bytes_at_random_do_no_harm(void **state)
{
	uint32_t seed = 7;
	char b[20];
	u_int i, k, n;

	for (i = 0; i < 20000; i++) {
		n = 1 + (seed >> 8) % sizeof(b);
		for (k = 0; k < n; k++) {
			seed = seed * 1664525 + 1013904223;
			b[k] = seed >> 16;
			if (seed >> 30 == 0)
				b[k] &= 0x1f;
		}
		(void)tty_input(&tty, b, n);
		if (i % 7 == 0)
			(void)get(1 + i % 900);
		if (i % 1000 == 0)
			set(ICANON, i % 2000 ? ICANON : 0);
		nout = 0;
	}
	dev_ioctl(node, TCFLSH, (void *)TCIOFLUSH, FREAD | FWRITE);
}

static void
after_a_hangup_a_read_ends(void **state)
{
	size_t n = 1;

	tty_hangup(&tty);
	(void)node_rdwr(node, UIO_READ, in, 10, 0, FNONBLOCK, &n);
	assert_int_equal(n, 0);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_is_read_when_it_is_complete),
		TEST(lines_are_read_one_by_one),
		TEST(a_short_read_leaves_the_rest_of_the_line),
		TEST(what_is_typed_is_echoed),
		TEST(without_echo_only_what_is_asked_for),
		TEST(erase_takes_back_a_character),
		TEST(erase_at_the_beginning_does_nothing),
		TEST(erase_does_not_reach_into_the_line_before),
		TEST(kill_takes_back_the_line),
		TEST(word_erase_takes_back_a_word),
		TEST(the_next_character_is_taken_as_it_is),
		TEST(end_of_file_ends_a_read),
		TEST(interrupt_throws_the_line_away),
		TEST(control_characters_are_shown),
		TEST(raw_input_comes_as_it_is),
		TEST(a_change_to_raw_gives_what_is_there),
		TEST(a_line_that_is_too_long_still_ends),
		TEST(new_lines_go_out_with_a_return),
		TEST(bytes_at_random_do_no_harm),
		TEST(after_a_hangup_a_read_ends),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

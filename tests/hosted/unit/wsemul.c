/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The terminal of wsdisplay(4): bytes in, cells out. */

#include "test.h"

#include <sys/errno.h>

#include <dev/wscons/wsemul.h>
#include <dev/wscons/wsfont.h>

static struct wsemul	we;
static char		answers[256];

static void
answer(void *arg, const char *s, size_t n)
{
	size_t len = strlen(answers);

	n = MIN(n, sizeof(answers) - 1 - len);
	memcpy(answers + len, s, n);
	answers[len + n] = '\0';
}

static const struct wsemul_ops ops = { .wo_answer = answer };

static int
setup(void **state)
{
	hosted_init();
	answers[0] = '\0';
	return (wsemul_init(&we, 10, 5, &ops, NULL));
}

static int
teardown(void **state)
{
	wsemul_fini(&we);
	return (hosted_fini());
}

static void
feed(const char *s)
{
	wsemul_write(&we, s, strlen(s));
}

/* The lines, without blanks at their ends, with a bar between. */
static const char *
screen(void)
{
	static char buf[4096];
	const struct wsrow *wr;
	size_t n = 0, end;
	u_int x, y;
	uint32_t c;

	for (y = 0; y < we.we_rows; y++) {
		wr = wsemul_line(&we, y);
		end = n;
		for (x = 0; x < wr->wr_cols; x++) {
			if (wr->wr_cell[x].wc_attr & WSA_RIGHT)
				continue;
			c = wr->wr_cell[x].wc_char;
			if (c < 0x80)
				buf[n++] = c;
			else
				n += snprintf(buf + n, 16, "<%x>", c);
			if (c != ' ')
				end = n;
		}
		n = end;
		buf[n++] = '|';
	}
	while (n > 0 && buf[n - 1] == '|')
		n--;
	buf[n] = '\0';
	return (buf);
}

static struct wscell
cell(u_int x, u_int y)
{
	return (wsemul_line(&we, y)->wr_cell[x]);
}

static void
shows(const char *bytes, const char *text)
{
	feed(bytes);
	assert_string_equal(screen(), text);
}

static void
cursor_is(u_int col, u_int line)
{
	u_int x, y;

	assert_true(wsemul_cursor(&we, &x, &y));
	assert_int_equal(x + 1, col);
	assert_int_equal(y + 1, line);
}

#define TEST(name)							\
static void								\
name(void **state)

/* --- characters ---------------------------------------------------------- */

TEST(text_stands_where_it_is_written)
{
	shows("ab\r\ncd", "ab|cd");
	cursor_is(3, 2);
}

TEST(the_last_column_waits_before_it_wraps)
{
	shows("0123456789", "0123456789");
	cursor_is(10, 1);
	shows("\rx", "x123456789");
	shows("\033[10Gyz", "x12345678y|z");
}

TEST(without_autowrap_the_last_column_is_overwritten)
{
	shows("\033[?7l0123456789ab", "012345678b");
}

TEST(the_bottom_line_scrolls)
{
	shows("1\r\n2\r\n3\r\n4\r\n5\r\n6", "2|3|4|5|6");
}

TEST(tabs_stop_at_every_eighth_column_and_where_they_are_set)
{
	shows("\ta\tb", "        ab");
	shows("\033c\033[4G\033H\r\tx\033[3g\r\ty", "   x     y");
	shows("\033c\033[10G\033[Zx\033[2Zy", "y       x");
}

TEST(utf8_is_decoded)
{
	shows("\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e",
	    "<e9><20ac><1d11e>");
}

/* Unicode 3.9, table 3-8 and the like */
TEST(malformed_utf8_becomes_one_replacement_for_each_maximal_part)
{
	shows("\xf1\x80\x80\xe1\x80\xc2" "b", "<fffd><fffd><fffd>b");
	shows("\033c\xc0\xaf\xe0\x80" "z", "<fffd><fffd><fffd><fffd>z");
	shows("\033c\xed\xa0\x80", "<fffd><fffd><fffd>");
	shows("\033c\xf4\x91z", "<fffd><fffd>z");
	shows("\033c\x80\xffz", "<fffd><fffd>z");
}

TEST(an_escape_ends_a_character_that_was_begun)
{
	shows("\xe2\x82\033[5Gx", "<fffd>   x");
}

TEST(wide_characters_take_two_cells)
{
	shows("\xe4\xb8\x80x", "<4e00>x");
	cursor_is(4, 1);
	assert_true(cell(0, 0).wc_attr & WSA_WIDE);
	assert_true(cell(1, 0).wc_attr & WSA_RIGHT);
}

TEST(a_wide_character_that_does_not_fit_begins_the_next_line)
{
	shows("012345678\xe4\xb8\x80", "012345678|<4e00>");
}

TEST(half_a_wide_character_is_a_blank)
{
	shows("\xe4\xb8\x80\rx", "x");
	assert_int_equal(cell(1, 0).wc_attr, 0);
	shows("\033c\xe4\xb8\x80\033[2Gx", " x");
	assert_int_equal(cell(0, 0).wc_attr, 0);
	shows("\033c\xe4\xb8\x80z\033[2G\033[P", " z");
	assert_int_equal(cell(0, 0).wc_attr, 0);
	shows("\033c\033[9G\xe4\xb8\x80\r\033[@", "");
	assert_int_equal(cell(9, 0).wc_attr, 0);
}

TEST(marks_are_composed_or_left_out)
{
	shows("e\xcc\x81x\xcc\x81\xcc\x81z", "<e9>xz");
	shows("\r\xcc\x81", "<e9>xz");
}

TEST(a_mark_goes_with_the_character_in_the_last_column)
{
	shows("012345678e\xcc\x81", "012345678<e9>");
}

TEST(dec_graphics_are_lines)
{
	shows("\033(0lqk\033(Bq", "<250c><2500><2510>q");
	shows("\033c\033)0a\016x\017x", "a<2502>x");
}

TEST(repeat_writes_the_last_character_again)
{
	shows("a\033[3bb", "aaaab");
	shows("\033c\033[5b", "");
}

/* --- the cursor ---------------------------------------------------------- */

TEST(the_cursor_moves_and_stops_at_the_edges)
{
	feed("\033[3;4H");
	cursor_is(4, 3);
	feed("\033[A");
	cursor_is(4, 2);
	feed("\033[99B\033[99C");
	cursor_is(10, 5);
	feed("\033[99D\033[99A");
	cursor_is(1, 1);
	feed("\033[2E");
	cursor_is(1, 3);
	feed("\033[5G\033[F");
	cursor_is(1, 2);
	feed("\033[3d\033[7`");
	cursor_is(7, 3);
	feed("\033[99;99H");
	cursor_is(10, 5);
	feed("\033[0;0H");
	cursor_is(1, 1);
}

TEST(the_cursor_is_saved_with_its_colours)
{
	feed("\033[2;3H\033[31m\0337\033[H\033[m\0338x");
	cursor_is(4, 2);
	assert_int_equal(cell(2, 1).wc_fg, 1);
}

TEST(the_cursor_can_be_hidden)
{
	u_int x, y;

	feed("\033[?25l");
	assert_false(wsemul_cursor(&we, &x, &y));
	feed("\033[?25h");
	assert_true(wsemul_cursor(&we, &x, &y));
}

TEST(backspace_stops_at_the_left)
{
	shows("ab\b\b\b\bc", "cb");
}

/* --- erase, insert, delete ----------------------------------------------- */

#define FULL	"\033[r\033[H11111\r\n22222\r\n33333\r\n44444\r\n55555"

TEST(lines_are_erased_in_part_or_whole)
{
	shows(FULL "\033[2;3H\033[K", "11111|22|33333|44444|55555");
	shows(FULL "\033[2;3H\033[1K", "11111|   22|33333|44444|55555");
	shows(FULL "\033[2;3H\033[2K", "11111||33333|44444|55555");
}

TEST(the_screen_is_erased_in_part_or_whole)
{
	shows(FULL "\033[3;3H\033[J", "11111|22222|33");
	shows(FULL "\033[3;3H\033[1J", "||   33|44444|55555");
	shows(FULL "\033[3;3H\033[2J", "");
	cursor_is(3, 3);
}

TEST(what_is_erased_takes_the_background)
{
	feed("\033[44m\033[2J");
	assert_int_equal(cell(9, 4).wc_bg, 4);
	feed("\033[45m\033[5;1H\n");
	assert_int_equal(cell(0, 4).wc_bg, 5);
}

TEST(characters_are_inserted_deleted_erased)
{
	shows("abcdef\033[3G\033[2@", "ab  cdef");
	shows("\033[2P", "abcdef");
	shows("\033[2X", "ab  ef");
	shows("\033[99@", "ab");
	shows("\033[H\033[99P", "");
}

TEST(insert_mode_moves_what_is_there)
{
	shows("abc\r\033[4hxy\033[4lz", "xyzbc");
}

TEST(lines_are_inserted_and_deleted)
{
	shows(FULL "\033[2;1H\033[L", "11111||22222|33333|44444");
	shows(FULL "\033[2;1H\033[2M", "11111|44444|55555");
	shows(FULL "\033[2;1H\033[99L", "11111");
}

/* --- regions ------------------------------------------------------------- */

TEST(only_the_region_scrolls)
{
	shows(FULL "\033[2;4r\033[4;1H\n", "11111|33333|44444||55555");
	shows(FULL "\033[2;4r\033[2;1H\033M", "11111||22222|33333|55555");
	shows(FULL "\033[2;4r\033[S", "11111|33333|44444||55555");
	shows(FULL "\033[2;4r\033[T", "11111||22222|33333|55555");
	shows(FULL "\033[2;4r\033[3;1H\033[M",
	    "11111|22222|44444||55555");
}

TEST(lines_outside_the_region_are_not_inserted)
{
	shows(FULL "\033[2;4r\033[5;1H\033[L", "11111|22222|33333|44444|55555");
}

TEST(origin_mode_counts_from_the_region)
{
	feed("\033[2;4r\033[?6h");
	cursor_is(1, 2);
	feed("\033[9;2H");
	cursor_is(2, 4);
	feed("\033[6n");
	assert_string_equal(answers, "\033[3;2R");
}

TEST(a_region_that_is_none_is_ignored)
{
	feed("\033[4;2r\033[3;3r");
	assert_int_equal(we.we_top, 0);
	assert_int_equal(we.we_bottom, 5);
}

/* --- colours ------------------------------------------------------------- */

TEST(colours_in_each_of_their_forms)
{
	feed("\033[31;102mx");
	assert_int_equal(cell(0, 0).wc_fg, 1);
	assert_int_equal(cell(0, 0).wc_bg, 10);
	feed("\r\033[38;5;200;48;2;1;2;3;4mx");
	assert_int_equal(cell(0, 0).wc_fg, 200);
	assert_int_equal(cell(0, 0).wc_bg, WSC_RGB | 0x010203);
	assert_int_equal(cell(0, 0).wc_attr, WSA_UNDERLINE);
	feed("\r\033[m\033[38:5:7;48:2::9:8:7mx");
	assert_int_equal(cell(0, 0).wc_fg, 7);
	assert_int_equal(cell(0, 0).wc_bg, WSC_RGB | 0x090807);
	feed("\r\033[38:2:1:2:3;7mx");
	assert_int_equal(cell(0, 0).wc_fg, WSC_RGB | 0x010203);
	assert_int_equal(cell(0, 0).wc_attr, WSA_REVERSE);
	feed("\r\033[39;49;27mx");
	assert_int_equal(cell(0, 0).wc_fg, WSC_DEFAULT);
	assert_int_equal(cell(0, 0).wc_bg, WSC_DEFAULT);
	assert_int_equal(cell(0, 0).wc_attr, 0);
}

TEST(a_colour_that_is_cut_short_changes_nothing)
{
	feed("\033[38;2;1;2mx\033[38;5mx\033[38mx\033[38;5;256mx");
	assert_int_equal(cell(3, 0).wc_fg, WSC_DEFAULT);
}

TEST(attributes_go_on_and_off)
{
	feed("\033[1;2;4;7;8;9mx\033[22;24;27;28;29mx\033[4:3mx\033[4:0mx");
	assert_int_equal(cell(0, 0).wc_attr, WSA_BOLD | WSA_DIM |
	    WSA_UNDERLINE | WSA_REVERSE | WSA_HIDDEN | WSA_STRIKE);
	assert_int_equal(cell(1, 0).wc_attr, 0);
	assert_int_equal(cell(2, 0).wc_attr, WSA_UNDERLINE);
	assert_int_equal(cell(3, 0).wc_attr, 0);
}

/* --- modes, strings, questions ------------------------------------------- */

TEST(the_alternate_screen_leaves_the_text_alone)
{
	feed("text\033[?1049hother\033[H");
	assert_string_equal(screen(), "    other");
	shows("\033[?1049l!", "text!");
	/* and is empty the next time */
	shows("\033[?1049h", "");
}

TEST(modes_of_the_keyboard_are_kept_for_it)
{
	feed("\033[?1h\033=");
	assert_int_equal(we.we_modes & (WSM_APPCURSOR | WSM_APPKEYPAD),
	    WSM_APPCURSOR | WSM_APPKEYPAD);
	feed("\033[?1l\033>");
	assert_int_equal(we.we_modes & (WSM_APPCURSOR | WSM_APPKEYPAD), 0);
}

TEST(unknown_sequences_leave_no_trace)
{
	shows("\033[?2004h\033[?1000;1006h\033[2 q\033[>4;1m\033[?12l"
	    "\033[1$}\033[=5u\033[<u\033%G\033 F\033[?u\033[22;0;0tx", "x");
}

TEST(titles_are_dropped)
{
	shows("\033]0;title\ax", "x");
	shows("\033]2;title\033\\y", "xy");
	shows("\033P1$qm\033\\\033_G\033\\\033^z\033\\z", "xyz");
}

TEST(a_title_without_an_end_ends)
{
	u_int i;

	feed("\033]0;");
	for (i = 0; i < 5000; i++)
		feed("t");
	assert_int_equal(cell(0, 0).wc_char, 't');
}

TEST(colours_of_the_linux_console_have_their_length)
{
	shows("\033]P0ff00ffx\033]Ry", "xy");
}

TEST(questions_are_answered)
{
	feed("\033[c");
	assert_string_equal(answers, "\033[?62;22c");
	answers[0] = '\0';
	feed("\033[>c");
	assert_string_equal(answers, "\033[>1;0;0c");
	answers[0] = '\0';
	feed("\033[5n\033[2;3H\033[6n");
	assert_string_equal(answers, "\033[0n\033[2;3R");
}

TEST(cancel_ends_a_sequence)
{
	shows("\033[12\030x\033[3\032y", "xy");
}

TEST(controls_work_inside_a_sequence)
{
	shows("ab\033[\b2Cx", "ab x");
}

TEST(too_many_parameters_are_harmless)
{
	u_int i;

	feed("\033[");
	for (i = 0; i < 100; i++)
		feed("1;");
	shows("mx\033[99999999999999999999Cy", "x        y");
}

TEST(alignment_fills_the_screen)
{
	feed("\033#8");
	assert_int_equal(cell(9, 4).wc_char, 'E');
	cursor_is(1, 1);
}

TEST(reset_forgets_all)
{
	shows("\033[31mabc\033[2;3r\033[?6h\033[?25l\033c", "");
	cursor_is(1, 1);
	feed("x");
	assert_int_equal(cell(0, 0).wc_fg, WSC_DEFAULT);
}

/* --- messages of the kernel ---------------------------------------------- */

static void
message(const char *s)
{
	wsemul_message(&we, s, strlen(s));
}

TEST(a_message_begins_a_line)
{
	feed("prompt");
	message("hello\n");
	shows("x", "prompt|hello|x");
}

TEST(a_message_in_parts_is_one_line)
{
	message("a");
	message("b\n");
	assert_string_equal(screen(), "ab");
}

TEST(a_message_leaves_a_sequence_and_its_colours_alone)
{
	feed("\033[31m\033[4");
	message("m\n");
	feed("2mx\xc3");
	message("n\n");
	feed("\xa9");
	assert_string_equal(screen(), "m|x|n|<e9>");
	assert_int_equal(cell(0, 0).wc_fg, WSC_DEFAULT);
	assert_int_equal(cell(0, 1).wc_fg, 1);
	assert_int_equal(cell(0, 1).wc_bg, 2);
}

TEST(a_message_has_no_sequences)
{
	message("\033[31mx");
	assert_string_equal(screen(), "[31mx");
}

/* --- sizes and looking back ---------------------------------------------- */

TEST(a_lower_screen_keeps_the_lines_of_the_cursor)
{
	feed("1\r\n2\r\n3\r\n4\r\n5");
	assert_int_equal(wsemul_resize(&we, 10, 3), 0);
	assert_string_equal(screen(), "3|4|5");
	cursor_is(2, 3);
	assert_true(wsemul_look(&we, 99));
	assert_string_equal(screen(), "1|2|3");
}

TEST(a_higher_screen_keeps_the_text)
{
	feed("1\r\n2");
	assert_int_equal(wsemul_resize(&we, 20, 8), 0);
	shows("x", "1|2x");
	cursor_is(3, 2);
}

TEST(a_narrower_screen_cuts_wide_characters_whole)
{
	feed("abc\xe4\xb8\x80");
	assert_int_equal(wsemul_resize(&we, 4, 5), 0);
	assert_string_equal(screen(), "abc");
	assert_int_equal(cell(3, 0).wc_attr, 0);
}

TEST(both_screens_are_resized)
{
	feed("1\r\n2\r\n3\r\n4\r\n5\033[?1049hother");
	assert_int_equal(wsemul_resize(&we, 12, 3), 0);
	shows("\033[?1049l", "3|4|5");
	cursor_is(2, 3);
}

TEST(sizes_have_limits)
{
	assert_int_equal(wsemul_resize(&we, 0, 0), 0);
	shows("abcdefg", "ef|g");
	assert_int_equal(wsemul_resize(&we, UINT32_MAX, UINT32_MAX), 0);
	assert_int_equal(we.we_cols, WSEMUL_MAXCOLS);
	assert_int_equal(we.we_rows, WSEMUL_MAXROWS);
}

TEST(a_size_without_memory_changes_nothing)
{
	u_int i;
	int error;

	feed("text");
	for (i = 1;; i++) {
		hosted_fail_at = i;
		error = wsemul_resize(&we, 12, 7);
		hosted_fail_at = 0;
		if (error == 0)
			break;
		assert_int_equal(error, ENOMEM);
		assert_int_equal(we.we_cols, 10);
		assert_string_equal(screen(), "text");
	}
	assert_int_equal(we.we_cols, 12);
	assert_string_equal(screen(), "text");
}

TEST(lines_that_left_can_be_looked_at)
{
	shows("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7", "3|4|5|6|7");
	assert_true(wsemul_look(&we, 1));
	assert_string_equal(screen(), "2|3|4|5|6");
	assert_true(wsemul_look(&we, 5));
	assert_string_equal(screen(), "1|2|3|4|5");
	assert_false(wsemul_look(&we, 1));
	/* what is written meanwhile does not move it */
	shows("\r\n8", "1|2|3|4|5");
	assert_true(wsemul_look(&we, 0));
	assert_string_equal(screen(), "4|5|6|7|8");
}

TEST(old_lines_are_forgotten_in_the_end)
{
	char buf[16];
	u_int i;

	for (i = 0; i < 1000; i++) {
		snprintf(buf, sizeof(buf), "\r\n%u", i);
		feed(buf);
	}
	assert_true(wsemul_look(&we, 10000));
	assert_int_equal(we.we_back, WSEMUL_SAVED);
	assert_string_equal(screen(), "595|596|597|598|599");
}

TEST(without_memory_old_lines_are_lost_and_nothing_else)
{
	u_int i;

	for (i = 0; i < 30; i++) {
		hosted_fail_at = 1;
		feed("\r\nx");
		hosted_fail_at = 0;
	}
	shows("\r\ny", "x|x|x|x|y");
}

TEST(the_alternate_screen_is_not_looked_back_at)
{
	feed("1\r\n2\r\n3\r\n4\r\n5\r\n6\033[?1049h");
	assert_false(wsemul_look(&we, 1));
}

TEST(any_bytes_are_safe)
{
	static const char some[] = "\033\033\033[[]?;;:0123456789hlmrHJKLMP"
	    "STX@b\n\r\t\b\xe4\xb8\x80\xcc\x81\xff(0#8cdABCDGu78=>\a";
	uint32_t r = 1;
	u_int i;
	char c;

	for (i = 0; i < 100000; i++) {
		r = r * 1664525 + 1013904223;
		c = some[(r >> 16) % (sizeof(some) - 1)];
		wsemul_write(&we, &c, 1);
		answers[0] = '\0';
		if (i % 5000 == 4999)
			assert_int_equal(wsemul_resize(&we, 2 + (r >> 8) % 40,
			    2 + (r >> 20) % 20), 0);
		assert_true(we.we_pen.wp_x < we.we_cols);
		assert_true(we.we_pen.wp_y < we.we_rows);
	}
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(text_stands_where_it_is_written),
		T(the_last_column_waits_before_it_wraps),
		T(without_autowrap_the_last_column_is_overwritten),
		T(the_bottom_line_scrolls),
		T(tabs_stop_at_every_eighth_column_and_where_they_are_set),
		T(utf8_is_decoded),
		T(malformed_utf8_becomes_one_replacement_for_each_maximal_part),
		T(an_escape_ends_a_character_that_was_begun),
		T(wide_characters_take_two_cells),
		T(a_wide_character_that_does_not_fit_begins_the_next_line),
		T(half_a_wide_character_is_a_blank),
		T(marks_are_composed_or_left_out),
		T(a_mark_goes_with_the_character_in_the_last_column),
		T(dec_graphics_are_lines),
		T(repeat_writes_the_last_character_again),
		T(the_cursor_moves_and_stops_at_the_edges),
		T(the_cursor_is_saved_with_its_colours),
		T(the_cursor_can_be_hidden),
		T(backspace_stops_at_the_left),
		T(lines_are_erased_in_part_or_whole),
		T(the_screen_is_erased_in_part_or_whole),
		T(what_is_erased_takes_the_background),
		T(characters_are_inserted_deleted_erased),
		T(insert_mode_moves_what_is_there),
		T(lines_are_inserted_and_deleted),
		T(only_the_region_scrolls),
		T(lines_outside_the_region_are_not_inserted),
		T(origin_mode_counts_from_the_region),
		T(a_region_that_is_none_is_ignored),
		T(colours_in_each_of_their_forms),
		T(a_colour_that_is_cut_short_changes_nothing),
		T(attributes_go_on_and_off),
		T(the_alternate_screen_leaves_the_text_alone),
		T(modes_of_the_keyboard_are_kept_for_it),
		T(unknown_sequences_leave_no_trace),
		T(titles_are_dropped),
		T(a_title_without_an_end_ends),
		T(colours_of_the_linux_console_have_their_length),
		T(questions_are_answered),
		T(cancel_ends_a_sequence),
		T(controls_work_inside_a_sequence),
		T(too_many_parameters_are_harmless),
		T(alignment_fills_the_screen),
		T(reset_forgets_all),
		T(a_message_begins_a_line),
		T(a_message_in_parts_is_one_line),
		T(a_message_leaves_a_sequence_and_its_colours_alone),
		T(a_message_has_no_sequences),
		T(a_lower_screen_keeps_the_lines_of_the_cursor),
		T(a_higher_screen_keeps_the_text),
		T(a_narrower_screen_cuts_wide_characters_whole),
		T(both_screens_are_resized),
		T(sizes_have_limits),
		T(a_size_without_memory_changes_nothing),
		T(lines_that_left_can_be_looked_at),
		T(old_lines_are_forgotten_in_the_end),
		T(without_memory_old_lines_are_lost_and_nothing_else),
		T(the_alternate_screen_is_not_looked_back_at),
		T(any_bytes_are_safe),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

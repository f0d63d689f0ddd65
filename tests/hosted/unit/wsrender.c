/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Cells to pixels, and the font. */

#include "test.h"

#include <sys/errno.h>
#include <sys/kmem.h>

#include <dev/wscons/wsemul.h>
#include <dev/wscons/wsfont.h>
#include <dev/wscons/wsrender.h>

#define GREY	0xc8c8c8	/* the foreground */

static struct wsemul	we;
static struct wsrender	wd;
static struct fb_rect	rects[WSRENDER_RECTS];
static uint8_t		*pixels;
static size_t		 stride, size;

static void
answer(void *arg, const char *s, size_t n)
{
}

static const struct wsemul_ops ops = { .wo_answer = answer };

static void
end(void)
{
	wsemul_fini(&we);
	wsrender_fini(&wd);
	kmem_free(pixels, size);
	pixels = NULL;
}

/* So many pixels, and some bytes behind each line. */
static void
mode(u_int width, u_int height, u_int pad)
{
	end();
	assert_int_equal(wsrender_mode(&wd, width, height), 0);
	assert_int_equal(wsemul_init(&we, wd.wd_cols, wd.wd_rows, &ops, NULL),
	    0);
	stride = width * 4 + pad;
	size = stride * height;
	pixels = kmem_zalloc(size, KM_SLEEP);
}

static int
setup(void **state)
{
	hosted_init();
	mode(320, 160, 0);
	(void)wsrender_draw(&wd, &we, pixels, stride, rects);
	return (0);
}

static int
teardown(void **state)
{
	end();
	return (hosted_fini());
}

static u_int
draw(const char *s)
{
	wsemul_write(&we, s, strlen(s));
	return (wsrender_draw(&wd, &we, pixels, stride, rects));
}

/* 0xrrggbb, from the bytes in their order */
static uint32_t
pixel(u_int x, u_int y)
{
	const uint8_t *p = pixels + y * stride + x * 4;

	return (p[2] << 16 | p[1] << 8 | p[0]);
}

static void
rect_is(u_int i, u_int x, u_int y, u_int w, u_int h)
{
	assert_int_equal(rects[i].fr_x, x);
	assert_int_equal(rects[i].fr_y, y);
	assert_int_equal(rects[i].fr_w, w);
	assert_int_equal(rects[i].fr_h, h);
}

/* A glyph at a place of the screen, scaled. */
static void
glyph_is(uint32_t c, u_int left, u_int top, u_int scale, uint32_t fg,
    uint32_t bg)
{
	const uint8_t *g = wsfont_glyph(c);
	u_int x, y;

	for (y = 0; y < WSFONT_HEIGHT * scale; y++) {
		for (x = 0; x < WSFONT_WIDTH * scale; x++)
			assert_int_equal(pixel(left + x, top + y),
			    g[y / scale] & 0x80 >> x / scale ? fg : bg);
	}
}

#define TEST(name)							\
static void								\
name(void **state)

/* --- damage -------------------------------------------------------------- */

TEST(nothing_is_drawn_where_nothing_has_changed)
{
	assert_int_equal(draw(""), 0);
}

TEST(the_first_drawing_is_all_of_the_screen)
{
	mode(320, 160, 0);
	assert_int_equal(draw(""), 1);
	rect_is(0, 0, 0, 320, 160);
}

/* The cursor goes from the first column to the third. */
TEST(only_the_cells_that_changed_are_damaged)
{
	assert_int_equal(draw("ab"), 1);
	rect_is(0, 0, 0, 24, 16);
}

TEST(what_is_written_again_the_same_is_not_drawn)
{
	(void)draw("ab\033[5;5H");
	assert_int_equal(draw("\033[Hab\033[5;5H"), 0);
}

TEST(cells_between_changes_keep_their_pixels)
{
	(void)draw("\033[?25labcdef");
	memset(pixels, 0x55, size);
	assert_int_equal(draw("\033[Hx\033[6Gy"), 1);
	rect_is(0, 0, 0, 48, 16);
	assert_int_equal(pixel(8, 0), 0x555555);
	glyph_is('x', 0, 0, 1, GREY, 0);
	glyph_is('y', 40, 0, 1, GREY, 0);
}

TEST(lines_far_from_each_other_are_rectangles_of_their_own)
{
	(void)draw("\033[?25l");
	assert_int_equal(draw("\033[2;1Hab\033[8;39Hcd"), 2);
	rect_is(0, 0, 16, 16, 16);
	rect_is(1, 304, 112, 16, 16);
}

TEST(lines_one_below_the_other_are_one_rectangle)
{
	(void)draw("\033[?25l");
	assert_int_equal(draw("\033[2;3Habc\033[3;4Habc"), 1);
	rect_is(0, 16, 16, 32, 32);
}

TEST(lines_are_not_merged_where_that_would_draw_much_in_vain)
{
	(void)draw("\033[?25l");
	assert_int_equal(draw("\033[2;1Ha\033[3;40Hb"), 2);
}

TEST(there_are_never_too_many_rectangles)
{
	mode(320, 640, 0);
	(void)draw("\033[?25l");
	assert_int_equal(draw("\033[1Ha\033[3Ha\033[5Ha\033[7Ha\033[9Ha\033[11H"
	    "a\033[13Ha\033[15Ha\033[17;40Ha\033[40Ha"), WSRENDER_RECTS);
	rect_is(WSRENDER_RECTS - 1, 0, 14 * 16, 320, 26 * 16);
}

/* --- pixels -------------------------------------------------------------- */

TEST(a_glyph_is_drawn_point_by_point)
{
	(void)draw("\033[2;3HA\033[H");
	glyph_is('A', 16, 16, 1, GREY, 0);
}

TEST(a_pixel_is_blue_green_red)
{
	(void)draw("\033[48;2;1;2;3m ");
	assert_int_equal(pixels[0], 3);
	assert_int_equal(pixels[1], 2);
	assert_int_equal(pixels[2], 1);
}

TEST(bytes_behind_a_line_are_not_touched)
{
	mode(320, 160, 20);
	memset(pixels, 0x77, size);
	(void)draw("\033[41m\033[2J");
	assert_int_equal(pixels[320 * 4], 0x77);
	assert_int_equal(pixels[stride - 1], 0x77);
	assert_int_equal(pixels[size - 1], 0x77);
	assert_int_not_equal(pixels[size - 21], 0x77);
}

TEST(a_picture_that_is_no_multiple_of_cells_has_a_margin)
{
	mode(334, 171, 0);
	assert_int_equal(draw("\033[41m\033[2J"), 1);
	rect_is(0, 2, 5, 328, 160);
	assert_int_equal(pixel(1, 80), 0);
	assert_int_not_equal(pixel(2, 80), 0);
	assert_int_equal(pixel(100, 4), 0);
	assert_int_not_equal(pixel(100, 5), 0);
	assert_int_equal(pixel(330, 165), 0);
}

TEST(the_cursor_is_drawn_by_inversion)
{
	(void)draw("A\r");
	glyph_is('A', 0, 0, 1, 0, GREY);
	(void)draw("\033[3G");
	glyph_is('A', 0, 0, 1, GREY, 0);
	glyph_is(' ', 16, 0, 1, 0, GREY);
}

TEST(the_cursor_is_seen_on_what_is_hidden)
{
	(void)draw("\033[8mA\r");
	assert_int_equal(pixel(0, 0), 0xffffff);
}

TEST(attributes_change_the_picture)
{
	(void)draw("\033[1mI\033[0;4mA\033[0;9mA\033[0;7mA\033[0;8mA\033[m");
	/* bold: the stroke at 3, and once more beside it */
	assert_int_equal(pixel(3, 7), 0xffffff);
	assert_int_equal(pixel(4, 7), 0xffffff);
	assert_int_equal(pixel(5, 7), 0);
	assert_int_equal(pixel(8, WSFONT_UNDER), GREY);
	assert_int_equal(pixel(16, WSFONT_STRIKE), GREY);
	glyph_is('A', 24, 0, 1, 0, GREY);
	glyph_is(' ', 32, 0, 1, 0, 0);
}

TEST(the_screen_can_be_reversed)
{
	(void)draw("\033[?25l\033[?5h");
	glyph_is(' ', 80, 80, 1, 0, GREY);
}

TEST(the_256_colours_are_a_cube_and_greys)
{
	(void)draw("\033[?25l\033[48;5;16m \033[48;5;196m \033[48;5;231m "
	    "\033[48;5;232m \033[48;5;255m ");
	assert_int_equal(pixel(0, 0), 0);
	assert_int_equal(pixel(8, 0), 0xff0000);
	assert_int_equal(pixel(16, 0), 0xffffff);
	assert_int_equal(pixel(24, 0), 0x080808);
	assert_int_equal(pixel(32, 0), 0xeeeeee);
}

TEST(a_large_screen_has_a_large_font)
{
	mode(2560, 1440, 0);
	assert_int_equal(wd.wd_scale, 2);
	assert_int_equal(wd.wd_cols, 160);
	assert_int_equal(wd.wd_rows, 45);
	(void)draw("\033[2;3HA\033[H");
	glyph_is('A', 32, 32, 2, GREY, 0);
	assert_int_equal(draw("\033[2;3HB\033[H"), 1);
	rect_is(0, 32, 32, 16, 32);
}

TEST(the_scale_follows_the_mode)
{
	static const struct { u_int w, h, scale; } m[] = {
		{ 640, 480, 1 }, { 1920, 1080, 1 }, { 2559, 1600, 1 },
		{ 2560, 1080, 2 }, { 2560, 700, 1 }, { 3840, 2160, 3 },
		{ 1440, 2560, 1 }, { 16384, 16384, 8 },
	};
	u_int i;

	for (i = 0; i < nitems(m); i++) {
		wsrender_place(&wd, m[i].w, m[i].h);
		assert_int_equal(wd.wd_scale, m[i].scale);
	}
	wd.wd_cols = 40;		/* as setup() had it */
	wd.wd_rows = 10;
}

TEST(a_wide_character_without_a_glyph_is_a_box_over_two_cells)
{
	(void)draw("\033[?25l\xe4\xb8\x80");
	assert_int_equal(pixel(7, 2), GREY);
	assert_int_equal(pixel(8, 2), GREY);
	assert_int_equal(pixel(7, 7), 0);
	assert_int_equal(pixel(1, 7), GREY);
	assert_int_equal(pixel(14, 7), GREY);
}

TEST(a_screen_without_room_is_left_alone)
{
	mode(7, 15, 0);
	assert_int_equal(draw("x"), 0);
}

TEST(without_memory_nothing_is_drawn)
{
	wsrender_fini(&wd);
	hosted_fail_at = 1;
	assert_int_equal(wsrender_mode(&wd, 320, 160), ENOMEM);
	hosted_fail_at = 0;
	assert_int_equal(draw("x"), 0);
}

TEST(a_screen_larger_than_the_terminal_is_blank_there)
{
	assert_int_equal(wsemul_resize(&we, 20, 5), 0);
	(void)draw("\033[41m\033[2J");
	assert_int_not_equal(pixel(159, 79), 0);
	assert_int_equal(pixel(160, 79), 0);
	assert_int_equal(pixel(159, 80), 0);
}

/* --- the font ------------------------------------------------------------ */

static void
has(uint32_t first, uint32_t last)
{
	uint32_t c;

	for (c = first; c <= last; c++) {
		if (wsfont_has(c))
			continue;
		print_message("U+%04x\n", c);
		fail();
	}
}

TEST(the_font_has_what_it_is_said_to_have)
{
	has(0x20, 0x7e);
	has(0xa0, 0x17f);
	has(0x386, 0x386);
	has(0x388, 0x38a);
	has(0x38e, 0x3a1);
	has(0x3a3, 0x3ce);
	has(0x400, 0x45f);
	has(0x490, 0x491);
	has(0x2010, 0x2015);
	has(0x2018, 0x201f);
	has(0x2020, 0x2022);
	has(0x2026, 0x2026);
	has(0x20ac, 0x20ac);
	has(0x2190, 0x2195);
	has(0x2264, 0x2265);
	has(0x2500, 0x259f);
	has(0x2800, 0x28ff);
	has(0xfffd, 0xfffd);
}

TEST(what_the_font_lacks_is_a_box)
{
	const uint8_t *g = wsfont_glyph(0x10ffff);

	assert_false(wsfont_has(0x10ffff));
	assert_ptr_equal(wsfont_glyph(0xe000), g);
	assert_int_equal(g[3], 0x7e);
	assert_int_equal(g[7], 0x42);
}

static bool
in(uint32_t c, uint32_t first, uint32_t last)
{
	return (c >= first && c <= last);
}

TEST(lines_join)
{
	uint32_t c;
	const uint8_t *g;
	bool up, down, left, right;

	/* light and heavy, each with each, by the order of their codes */
	for (c = 0x250c; c <= 0x254b; c++) {
		g = wsfont_glyph(c);
		up = in(c, 0x2514, 0x252b) || c >= 0x2534;
		down = !in(c, 0x2514, 0x251b) && !in(c, 0x2534, 0x253b);
		left = in(c, 0x2510, 0x2513) || in(c, 0x2518, 0x251b) ||
		    c >= 0x2524;
		right = !in(c, 0x2510, 0x2513) && !in(c, 0x2518, 0x251b) &&
		    !in(c, 0x2524, 0x252b);
		assert_int_equal((g[0] & 0x10) != 0, up);
		assert_int_equal((g[15] & 0x10) != 0, down);
		assert_int_equal((g[7] & 0x80) != 0, left);
		assert_int_equal((g[7] & 0x01) != 0, right);
	}
	/* double: two lines where the neighbour has two */
	assert_int_equal(wsfont_glyph(0x2550)[6], 0xff);
	assert_int_equal(wsfont_glyph(0x2550)[8], 0xff);
	assert_int_equal(wsfont_glyph(0x2551)[0], 0x28);
	assert_int_equal(wsfont_glyph(0x2554)[6], 0x3f);
	assert_int_equal(wsfont_glyph(0x2554)[7], 0x20);
	assert_int_equal(wsfont_glyph(0x2554)[8], 0x2f);
	assert_int_equal(wsfont_glyph(0x256c)[7], 0x00);
	assert_int_equal(wsfont_glyph(0x256c)[8], 0xef);
}

TEST(strokes_leave_room_for_bold)
{
	uint32_t c;
	u_int y;

	for (c = 'A'; c <= 'z'; c++) {
		for (y = 0; y < WSFONT_HEIGHT; y++)
			assert_false(c != '_' && (wsfont_glyph(c)[y] & 1));
	}
}

TEST(no_two_letters_or_digits_look_the_same)
{
	static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
	u_int i, j;

	for (i = 0; set[i] != '\0'; i++) {
		for (j = 0; j < i; j++)
			assert_ptr_not_equal(wsfont_glyph((u_char)set[i]),
			    wsfont_glyph((u_char)set[j]));
	}
}

TEST(letters_and_marks_compose)
{
	assert_int_equal(wsfont_compose('e', 0x301), 0xe9);
	assert_int_equal(wsfont_compose('A', 0x30a), 0xc5);
	assert_int_equal(wsfont_compose(0x438, 0x306), 0x439);
	assert_int_equal(wsfont_compose('x', 0x327), 0);
	assert_int_equal(wsfont_compose(' ', 0x301), 0);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_drawn_where_nothing_has_changed),
		T(the_first_drawing_is_all_of_the_screen),
		T(only_the_cells_that_changed_are_damaged),
		T(what_is_written_again_the_same_is_not_drawn),
		T(cells_between_changes_keep_their_pixels),
		T(lines_far_from_each_other_are_rectangles_of_their_own),
		T(lines_one_below_the_other_are_one_rectangle),
		T(lines_are_not_merged_where_that_would_draw_much_in_vain),
		T(there_are_never_too_many_rectangles),
		T(a_glyph_is_drawn_point_by_point),
		T(a_pixel_is_blue_green_red),
		T(bytes_behind_a_line_are_not_touched),
		T(a_picture_that_is_no_multiple_of_cells_has_a_margin),
		T(the_cursor_is_drawn_by_inversion),
		T(the_cursor_is_seen_on_what_is_hidden),
		T(attributes_change_the_picture),
		T(the_screen_can_be_reversed),
		T(the_256_colours_are_a_cube_and_greys),
		T(a_large_screen_has_a_large_font),
		T(the_scale_follows_the_mode),
		T(a_wide_character_without_a_glyph_is_a_box_over_two_cells),
		T(a_screen_without_room_is_left_alone),
		T(without_memory_nothing_is_drawn),
		T(a_screen_larger_than_the_terminal_is_blank_there),
		T(the_font_has_what_it_is_said_to_have),
		T(what_the_font_lacks_is_a_box),
		T(lines_join),
		T(strokes_leave_room_for_bold),
		T(no_two_letters_or_digits_look_the_same),
		T(letters_and_marks_compose),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

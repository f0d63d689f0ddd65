/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* genfb(4) on video memory of several formats. */

#include "test.h"

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/fbio.h>
#include <sys/msgbuf.h>
#include <sys/tty.h>

#include "sim/nodes.h"
#include "sim/sim.h"
#include "sim/video.h"

#define MSEC	1000000ULL

static const struct genfb_conf usual = { .gf_addr = 0xe0000000,
    .gf_pitch = 320 * 4 + 64, .gf_width = 320, .gf_height = 200,
    .gf_bits = 32, .gf_red = { 16, 8 }, .gf_green = { 8, 8 },
    .gf_blue = { 0, 8 } };

/* the same picture, and what it looks like */
static const struct {
	struct genfb_conf	gf;
	uint32_t		white, red, green, blue, grey;	/* 0x808080 */
} formats[] = {
	{ { 1, 321 * 4, 321, 99, 32, { 16, 8 }, { 8, 8 }, { 0, 8 } },
	    0xffffff, 0xff0000, 0xff00, 0xff, 0x808080 },
	{ { 1, 321 * 4 + 12, 321, 99, 32, { 0, 8 }, { 8, 8 }, { 16, 8 } },
	    0xffffff, 0xff, 0xff00, 0xff0000, 0x808080 },
	{ { 1, 321 * 4, 321, 99, 32, { 24, 8 }, { 16, 8 }, { 8, 8 } },
	    0xffffff00, 0xff000000, 0xff0000, 0xff00, 0x80808000 },
	{ { 1, 321 * 4, 321, 99, 32, { 20, 10 }, { 10, 10 }, { 0, 10 } },
	    0x3fffffff, 0x3ff00000, 0xffc00, 0x3ff, 0x20280a02 },
	{ { 1, 321 * 3, 321, 99, 24, { 16, 8 }, { 8, 8 }, { 0, 8 } },
	    0xffffff, 0xff0000, 0xff00, 0xff, 0x808080 },
	{ { 1, 321 * 3 + 1, 321, 99, 24, { 0, 8 }, { 8, 8 }, { 16, 8 } },
	    0xffffff, 0xff, 0xff00, 0xff0000, 0x808080 },
	{ { 1, 321 * 2, 321, 99, 16, { 11, 5 }, { 5, 6 }, { 0, 5 } },
	    0xffff, 0xf800, 0x07e0, 0x001f, 0x8410 },
	{ { 1, 321 * 2 + 2, 321, 99, 15, { 10, 5 }, { 5, 5 }, { 0, 5 } },
	    0x7fff, 0x7c00, 0x03e0, 0x001f, 0x4210 },
	{ { 1, 321 * 2, 321, 99, 16, { 8, 1 }, { 4, 2 }, { 0, 3 } },
	    0x137, 0x100, 0x30, 0x7, 0x124 },
};

static void
run(void)
{
	hosted_run(100 * MSEC);
}

static void
end(void)
{
	if (sim_mainbus != NULL)
		sim_detach();
	if (video != NULL)
		video_free();
	config_deferred();
}

static int
setup(void **state)
{
	static bool done;

	sim_init();
	if (!done) {
		done = true;
		/* what is made once is not counted */
		tty_init();
		video_new(&usual);
		run();
		end();
		hosted_nallocs = 0;
	}
	return (0);
}

static int
teardown(void **state)
{
	end();
	return (sim_fini());
}

/* The console is on it, and has drawn what there is. */
static struct fb *
start(const struct genfb_conf *gf)
{
	video_new(gf);
	assert_non_null(video_genfb);
	config_deferred();
	run();
	return (&video_genfb->sc_fb);
}

static void
put(struct fb *fb, u_int x, u_int y, uint32_t rgb)
{
	uint8_t *p = fb->fb_pixels + (size_t)y * fb->fb_stride + 4 * x;

	p[0] = rgb;
	p[1] = rgb >> 8;
	p[2] = rgb >> 16;
}

static void
damage(struct fb *fb, u_int x, u_int y, u_int w, u_int h)
{
	fb->fb_ops->fo_damage(fb, &(struct fb_rect){ x, y, w, h });
}

#define TEST(name)							\
static void								\
name(void **state)

TEST(it_says_what_it_is_and_has_a_console)
{
	struct fb *fb = start(&usual);

	assert_true(sim_said("genfb0 at mainbus0: 320x200, 32 bits a pixel"));
	assert_true(sim_said("wsdisplay0 at genfb0: console 40x12, font 8x16"));
	assert_int_equal(fb->fb_width, 320);
	assert_int_equal(fb->fb_height, 200);
	assert_int_equal(fb->fb_stride, 320 * 4);
}

TEST(colours_are_those_of_the_format)
{
	const u_int w = 321, h = 99;
	struct fb *fb;
	u_int i;

	for (i = 0; i < nitems(formats); i++) {
		fb = start(&formats[i].gf);
		put(fb, 0, 0, 0xffffff);
		put(fb, w - 1, 0, 0xff0000);
		put(fb, 0, h - 1, 0x00ff00);
		put(fb, w - 1, h - 1, 0x0000ff);
		put(fb, 100, 50, 0x808080);
		put(fb, 101, 50, 0);
		damage(fb, 0, 0, w, h);
		run();
#define AT(x, y)	video_pixel(&formats[i].gf, x, y)
		assert_int_equal(AT(0, 0), formats[i].white);
		assert_int_equal(AT(w - 1, 0), formats[i].red);
		assert_int_equal(AT(0, h - 1), formats[i].green);
		assert_int_equal(AT(w - 1, h - 1), formats[i].blue);
		assert_int_equal(AT(100, 50), formats[i].grey);
		assert_int_equal(AT(101, 50), 0);
		end();
	}
}

TEST(what_is_behind_a_line_is_left_alone)
{
	u_int x, y;

	(void)start(&usual);
	for (y = 0; y < 200; y++) {
		for (x = 320 * 4; x < usual.gf_pitch; x++)
			assert_int_equal(video[y * usual.gf_pitch + x],
			    VIDEO_FILL);
	}
	/* and the rest is not what the loader left */
	assert_int_equal(video_written(&usual), 320 * 4 * 200);
}

TEST(a_screen_may_be_as_narrow_or_as_wide_as_any)
{
	static const struct genfb_conf sizes[] = {
		{ 1, 64 * 2, 64, 64, 16, { 11, 5 }, { 5, 6 }, { 0, 5 } },
		{ 1, GENFB_PITCH_MAX, 64, 64, 24, { 16, 8 }, { 8, 8 },
		    { 0, 8 } },
		{ 1, GENFB_PITCH_MAX, FB_SIDE_MAX, 64, 32, { 0, 8 }, { 8, 8 },
		    { 16, 8 } },
		{ 1, 64 * 4, 64, FB_SIDE_MAX, 32, { 16, 8 }, { 8, 8 },
		    { 0, 8 } },
	};
	const struct genfb_conf *gf;
	struct fb *fb;
	u_int x, y;

	for (gf = sizes; gf < sizes + nitems(sizes); gf++) {
		fb = start(gf);
		assert_int_equal(video_written(gf), (size_t)gf->gf_width *
		    gf->gf_height * GENFB_BYTES(gf));
		x = gf->gf_width - 1;
		y = gf->gf_height - 1;
		put(fb, x, y, 0xffffff);
		damage(fb, x, y, 1, 1);
		run();
		assert_int_equal(video_pixel(gf, x, y),
		    gf->gf_bits == 16 ? 0xffff : 0xffffff);
		assert_int_equal(video_pixel(gf, x - 1, y), 0);
		end();
	}
}

TEST(only_what_was_drawn_is_copied)
{
	struct fb *fb = start(&usual);

	video_fill(&usual);
	damage(fb, 17, 31, 5, 3);
	run();
	assert_int_equal(video_written(&usual), 5 * 3 * 4);
	assert_int_equal(video_pixel(&usual, 17, 31) & 0xff000000, 0);
	assert_true(fb->fb_ops->fo_idle(fb));
	video_fill(&usual);
	run();
	assert_int_equal(video_written(&usual), 0);
}

TEST(a_rectangle_is_cut_to_the_screen)
{
	struct fb *fb = start(&usual);

	video_fill(&usual);
	damage(fb, 320, 0, 1, 1);
	damage(fb, 0, 200, 1, 1);
	damage(fb, 5, 5, 0, 7);
	damage(fb, 5, 5, 7, 0);
	run();
	assert_int_equal(video_written(&usual), 0);
	damage(fb, 319, 199, ~0U, ~0U);
	run();
	assert_int_equal(video_written(&usual), 4);
	damage(fb, 0, 0, 4000, 4000);
	run();
	assert_int_equal(video_written(&usual), 320 * 200 * 4);
}

TEST(copies_are_not_made_too_often)
{
	struct fb *fb = start(&usual);

	video_fill(&usual);
	damage(fb, 0, 0, 1, 1);
	hosted_run(1 * MSEC);
	assert_int_equal(video_written(&usual), 4);
	damage(fb, 0, 1, 2, 1);
	damage(fb, 10, 1, 2, 1);
	hosted_run(5 * MSEC);
	assert_int_equal(video_written(&usual), 4);
	assert_false(fb->fb_ops->fo_idle(fb));
	hosted_run(20 * MSEC);
	/* in one piece of the line, from the first to the last */
	assert_int_equal(video_written(&usual), 4 + 12 * 4);
	assert_true(fb->fb_ops->fo_idle(fb));
}

TEST(a_blank_screen_is_black_until_it_is_shown_again)
{
	struct fb *fb = start(&usual);

	put(fb, 3, 3, 0x123456);
	damage(fb, 3, 3, 1, 1);
	run();
	assert_int_equal(fb->fb_ops->fo_blank(fb, true), 0);
	run();
	assert_int_equal(video_pixel(&usual, 3, 3), 0);
	put(fb, 4, 3, 0x654321);
	damage(fb, 4, 3, 1, 1);
	run();
	assert_int_equal(video_pixel(&usual, 4, 3), 0);
	assert_int_equal(fb->fb_ops->fo_blank(fb, false), 0);
	run();
	assert_int_equal(video_pixel(&usual, 3, 3), 0x123456);
	assert_int_equal(video_pixel(&usual, 4, 3), 0x654321);
}

TEST(the_mode_cannot_be_changed)
{
	struct fb *fb = start(&usual);

	assert_int_equal(fb->fb_ops->fo_mode(fb, 0, 0), 0);
	assert_int_equal(fb->fb_ops->fo_mode(fb, 320, 200), 0);
	assert_int_equal(fb->fb_ops->fo_mode(fb, 640, 480), EINVAL);
	assert_int_equal(fb->fb_ops->fo_cursor(fb, &(struct fb_cursor){
	    .fc_set = FB_CURSOR_SHOW }), EOPNOTSUPP);
}

TEST(after_a_panic_all_is_copied_at_once)
{
	struct fb *fb = start(&usual);

	put(fb, 319, 199, 0xabcdef);
	fb->fb_ops->fo_poll(fb);
	assert_int_equal(video_pixel(&usual, 319, 199), 0xabcdef);
}

TEST(a_driver_of_the_device_takes_the_screen_over)
{
	struct cdev *cd;
	paddr_t addr;

	(void)start(&usual);
	assert_true(fb_boot_addr(&addr));
	assert_int_equal(addr, usual.gf_addr);
	assert_non_null(cd = dev_lookup("fb0"));
	assert_int_equal(dev_open(cd, FREAD | FWRITE), 0);
	printf("before it goes\n");
	fb_boot_take(sim_mainbus);
	run();
	assert_true(sim_said("genfb0: mainbus0 has the screen from now on"));
	assert_null(video_genfb);
	assert_false(fb_boot_addr(&addr));
	assert_null(dev_lookup("fb0"));
	assert_null(dev_lookup("ttyC0"));
	/* who has it open is told so */
	assert_int_equal(dev_ioctl(cd, FBIOBLANK, NULL, FWRITE), ENXIO);
	(void)dev_close(cd, FREAD | FWRITE);
	dev_release(cd);
	video_fill(&usual);
	run();
	assert_int_equal(video_written(&usual), 0);
}

TEST(attach_fails_where_there_is_no_memory)
{
	u_int i, failed = 0, told = 0;

	for (i = 1; i < 60; i++) {
		hosted_init();
		hosted_fail_at = i;
		video_new(&formats[6].gf);
		hosted_fail_at = 0;
		failed += video_genfb == NULL;
		told += sim_said(" at mainbus0: no memory for 321x99 pixels");
		run();
		end();
	}
	/* the others are above it */
	assert_true(failed > told && told >= 4);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(it_says_what_it_is_and_has_a_console),
		T(colours_are_those_of_the_format),
		T(what_is_behind_a_line_is_left_alone),
		T(a_screen_may_be_as_narrow_or_as_wide_as_any),
		T(only_what_was_drawn_is_copied),
		T(a_rectangle_is_cut_to_the_screen),
		T(copies_are_not_made_too_often),
		T(a_blank_screen_is_black_until_it_is_shown_again),
		T(the_mode_cannot_be_changed),
		T(after_a_panic_all_is_copied_at_once),
		T(a_driver_of_the_device_takes_the_screen_over),
		T(attach_fails_where_there_is_no_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* wsdisplay(4) on a frame buffer in memory, with keyboards that type on it. */

#include "test.h"

#include <sys/errno.h>
#include <sys/msgbuf.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/tty.h>
#include <sys/ttycom.h>

#include <dev/wscons/wsdisplayvar.h>
#include <dev/wscons/wsfont.h>

#include "sim/fakefb.h"
#include "sim/nodes.h"
#include "sim/sim.h"

#define MSEC		1000000ULL
#define PLENTY		(100 * MSEC)

static struct cdev	*node;

static const struct fakefb_conf small = { 640, 480, 0 };

static void
run(void)
{
	hosted_run(PLENTY);
}

/* Let the frame buffer show all there is to show. */
static void
settle(void)
{
	u_int i;

	run();
	for (i = 0; i < 20 && !fakefb->ff_idle; i++) {
		fakefb_show(fakefb);
		run();
	}
	assert_true(fakefb->ff_idle);
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
		fakefb_new(&small);
		run();
		sim_detach();
		hosted_nallocs = 0;
	}
	node = NULL;
	return (0);
}

static void
start(const struct fakefb_conf *fc)
{
	fakefb_new(fc);
	node = node_open("ttyC0", FREAD | FWRITE);
	assert_non_null(node);
	settle();
}

static void
end(void)
{
	if (node != NULL)
		node_close(node, FREAD | FWRITE);
	node = NULL;
	if (sim_mainbus != NULL)
		sim_detach();
}

static int
teardown(void **state)
{
	end();
	return (sim_fini());
}

static void
say(const char *s)
{
	static char buf[256];

	strlcpy(buf, s, sizeof(buf));
	assert_int_equal(node_rdwr(node, UIO_WRITE, buf, strlen(buf), 0, 0,
	    NULL), 0);
	settle();
}

/* What is drawn in a cell: the character, if it is this one. */
static bool
shown(u_int col, u_int line, char c)
{
	const uint8_t *g = wsfont_glyph(c);
	u_int x, y;

	for (y = 0; y < WSFONT_HEIGHT; y++) {
		for (x = 0; x < WSFONT_WIDTH; x++) {
			if ((fakefb_pixel(fakefb, col * 8 + x,
			    line * 16 + y) != 0) !=
			    ((g[y] & 0x80 >> x) != 0))
				return (false);
		}
	}
	return (true);
}

static bool
text_at(u_int col, u_int line, const char *s)
{
	for (; *s != '\0'; s++, col++) {
		if (!shown(col, line, *s))
			return (false);
	}
	return (true);
}

/* Is the text at the beginning of some line? */
static bool
text_shown(const char *s)
{
	u_int y;

	for (y = 0; y < fakefb->ff_fb.fb_height / 16; y++) {
		if (text_at(0, y, s))
			return (true);
	}
	return (false);
}

static int
control(u_long cmd, void *arg)
{
	return (dev_ioctl(node, cmd, arg, FREAD | FWRITE));
}

static void
winsize_is(u_int cols, u_int rows)
{
	struct winsize ws;

	assert_int_equal(control(TIOCGWINSZ, &ws), 0);
	assert_int_equal(ws.ws_col, cols);
	assert_int_equal(ws.ws_row, rows);
}

#define TEST(name)							\
static void								\
name(void **state)

/* --- text ---------------------------------------------------------------- */

TEST(the_mode_gives_the_size)
{
	start(&small);
	assert_true(sim_said("wsdisplay0 at fakefb0: console 80x30, "
	    "font 8x16\n"));
	winsize_is(80, 30);
}

TEST(a_large_mode_has_a_large_font)
{
	static const struct fakefb_conf large = { 2560, 1440, 0 };

	start(&large);
	assert_true(sim_said("wsdisplay0 at fakefb0: console 160x45, "
	    "font 16x32\n"));
}

TEST(output_is_drawn)
{
	start(&small);
	say("\033[2J\033[Hhello");
	assert_true(text_at(0, 0, "hello"));
}

TEST(an_idle_screen_costs_nothing)
{
	u_int n;

	start(&small);
	n = fakefb->ff_nrects;
	hosted_run(3600 * 1000 * MSEC);
	assert_int_equal(fakefb->ff_nrects, n);
	/* nothing was waited for: the clock has not stopped on the way */
	fakefb_show(fakefb);
	run();
	assert_int_equal(fakefb->ff_nrects, n);
}

TEST(a_flood_is_drawn_once_for_each_picture_shown)
{
	static char text[4000];
	u_int i, n;

	start(&small);
	memset(text, 'x', sizeof(text));
	n = fakefb->ff_nrects;
	for (i = 0; i < 100; i++) {
		assert_int_equal(node_rdwr(node, UIO_WRITE, text,
		    sizeof(text), 0, 0, NULL), 0);
		run();
	}
	assert_true(fakefb->ff_nrects - n <= WSRENDER_RECTS);
	settle();
	assert_true(text_at(0, 0, "xxxxx"));
}

TEST(answers_come_as_input)
{
	static char in[16];
	struct termios2 t;
	size_t len;

	start(&small);
	assert_int_equal(control(TCGETS2, &t), 0);
	t.c_lflag = 0;
	assert_int_equal(control(TCSETS2, &t), 0);
	say("\033[7;5H\033[6n");
	assert_int_equal(node_rdwr(node, UIO_READ, in, sizeof(in), 0,
	    FNONBLOCK, &len), 0);
	assert_int_equal(len, 6);
	assert_memory_equal(in, "\033[7;5R", 6);
}

/* --- the kernel ---------------------------------------------------------- */

TEST(what_the_kernel_said_before_is_shown)
{
	printf("said before\n");
	start(&small);
	assert_true(text_shown("said before"));
}

TEST(what_the_kernel_says_is_shown)
{
	start(&small);
	printf("said now\n");
	settle();
	assert_true(text_shown("said now"));
}

TEST(messages_come_with_locks_held)
{
	struct mutex mtx;

	start(&small);
	mtx_init(&mtx, IPL_HIGH);
	mtx_enter(&mtx);
	printf("said at the highest level\n");
	mtx_leave(&mtx);
	settle();
	assert_true(text_shown("said at the highest level"));
}

TEST(without_another_console_it_is_the_console)
{
	struct cdev *console, *cd;

	uint32_t dev;

	start(&small);
	assert_int_equal(control(TIOCGDEV, &dev), 0);
	assert_int_equal(dev, node->cd_rdev);
	cn_check();
	console = dev_lookup("console");
	assert_int_equal(tty_alias(console, &cd), 0);
	assert_ptr_equal(cd, node);
	dev_release(cd);
	dev_release(console);
}

/* --- modes --------------------------------------------------------------- */

TEST(a_change_of_mode_changes_the_size)
{
	start(&small);
	say("\033[2J\033[Hhello");
	fakefb_mode(fakefb, 1024, 768);
	settle();
	winsize_is(128, 48);
	assert_true(text_at(0, 0, "hello"));
	fakefb_mode(fakefb, 320, 200);
	settle();
	winsize_is(40, 12);
}

TEST(the_same_mode_again_is_drawn_again)
{
	start(&small);
	say("\033[2J\033[Hhello");
	fakefb_mode(fakefb, 640, 480);
	assert_false(text_at(0, 0, "hello"));
	settle();
	assert_true(text_at(0, 0, "hello"));
}

TEST(the_mode_may_change_while_much_is_written)
{
	static const struct { u_int w, h; } m[] = {
		{ 800, 600 }, { 8, 16 }, { 2560, 1600 }, { 7, 7 },
		{ 1366, 768 }, { 640, 480 },
	};
	static char text[1000];
	u_int i, j;

	start(&small);
	for (i = 0; i < sizeof(text); i++)
		text[i] = i % 50 == 49 ? '\n' : 'a' + i % 26;
	for (i = 0; i < 30; i++) {
		for (j = 0; j < 5; j++)
			assert_int_equal(node_rdwr(node, UIO_WRITE, text,
			    sizeof(text), 0, 0, NULL), 0);
		fakefb_mode(fakefb, m[i % 6].w, m[i % 6].h);
		if (i % 3 == 0)
			run();
		if (i % 2 == 0)
			fakefb_show(fakefb);
	}
	settle();
	winsize_is(80, 30);
}

TEST(a_display_that_is_unplugged_keeps_its_text)
{
	u_int n;

	start(&small);
	say("\033[2J\033[Hone ");
	fakefb_mode(fakefb, 0, 0);
	run();
	n = fakefb->ff_nrects;
	assert_int_equal(node_rdwr(node, UIO_WRITE, (char[]){ 't', 'w', 'o' },
	    3, 0, 0, NULL), 0);
	run();
	assert_int_equal(fakefb->ff_nrects, n);
	winsize_is(80, 30);
	fakefb_mode(fakefb, 640, 480);
	settle();
	assert_true(text_at(0, 0, "one two"));
}

TEST(it_attaches_without_a_display)
{
	static const struct fakefb_conf none = { 0, 0, 0 };

	start(&none);
	winsize_is(80, 25);
	say("hello");
	fakefb_mode(fakefb, 800, 592);
	settle();
	winsize_is(100, 37);
	assert_true(text_shown("hello"));
}

/* --- graphics ------------------------------------------------------------ */

#define KDGKBTYPE	0x4b33
#define KDSETMODE	0x4b3a
#define KDGETMODE	0x4b3b
#define KDGKBMODE	0x4b44
#define KDSKBMODE	0x4b45

static struct proc	program = { .p_pid = 77, .p_started = 5 };

/* As if that process asked for it. */
static void
graphics(void)
{
	struct proc *was = curproc;

	LIST_INSERT_HEAD(&allprocs, &program, p_all);
	curproc = &program;
	assert_int_equal(control(KDSETMODE, (void *)1), 0);
	curproc = was;
}

static void
program_ends(void)
{
	LIST_REMOVE(&program, p_all);
}

TEST(nothing_is_drawn_over_graphics)
{
	u_int n;
	int mode;

	start(&small);
	graphics();
	memset(fakefb->ff_fb.fb_pixels, 0x33, fakefb->ff_size);
	n = fakefb->ff_nrects;
	say("\033[2J\033[Hhello");
	printf("kernel\n");
	settle();
	assert_int_equal(fakefb->ff_nrects, n);
	assert_int_equal(fakefb_pixel(fakefb, 0, 0), 0x333333);
	assert_int_equal(control(KDGETMODE, &mode), 0);
	assert_int_equal(mode, 1);
	assert_int_equal(control(KDSETMODE, (void *)0), 0);
	settle();
	assert_true(text_at(0, 0, "hello"));
	assert_int_equal(fakefb_pixel(fakefb, 639, 0), 0);
	program_ends();
}

TEST(text_returns_with_the_last_close)
{
	start(&small);
	say("\033[2J\033[Hhello");
	graphics();
	memset(fakefb->ff_fb.fb_pixels, 0x33, fakefb->ff_size);
	assert_int_equal(control(KDSKBMODE, (void *)WSKBD_RAW), 0);
	node_close(node, FREAD | FWRITE);
	node = node_open("ttyC0", FREAD | FWRITE);
	settle();
	assert_true(text_at(0, 0, "hello"));
	program_ends();
}

TEST(text_returns_with_output_after_the_program_has_ended)
{
	start(&small);
	graphics();
	memset(fakefb->ff_fb.fb_pixels, 0x33, fakefb->ff_size);
	program_ends();
	say("\033[2J\033[Hprompt");
	assert_true(text_at(0, 0, "prompt"));
}

TEST(controls_of_the_console)
{
	int mode;
	char type = 0;

	start(&small);
	assert_int_equal(control(KDGKBTYPE, &type), 0);
	assert_int_equal(type, 2);
	assert_int_equal(control(KDGKBMODE, &mode), 0);
	assert_int_equal(mode, WSKBD_UNICODE);
	assert_int_equal(control(KDSKBMODE, (void *)WSKBD_MEDIUMRAW), 0);
	assert_int_equal(control(KDGKBMODE, &mode), 0);
	assert_int_equal(mode, WSKBD_MEDIUMRAW);
	assert_int_equal(control(KDSKBMODE, (void *)9), EINVAL);
	assert_int_equal(control(KDSETMODE, (void *)2), EINVAL);
	assert_int_equal(control(0x4bff, NULL), ENOTTY);
}

/* --- keyboards ----------------------------------------------------------- */

static void
type(struct wskbd *kb, u_int key)
{
	wskbd_event(kb, key, 1);
	wskbd_event(kb, key, 0);
}

TEST(what_is_typed_is_echoed_and_read)
{
	static char in[16];
	struct wskbd *kb;
	size_t len;

	start(&small);
	say("\033[2J\033[H");
	assert_int_equal(wskbd_attach(&kb, NULL, NULL, "kbd0"), 0);
	type(kb, 35);
	type(kb, 23);
	type(kb, 28);
	settle();
	assert_true(text_at(0, 0, "hi"));
	assert_int_equal(node_rdwr(node, UIO_READ, in, sizeof(in), 0,
	    FNONBLOCK, &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(in, "hi\n", 3);
	wskbd_detach(kb);
}

TEST(old_lines_are_shown_until_a_key_is_typed)
{
	struct wskbd *kb;
	char buf[32];
	u_int i;

	start(&small);
	say("\033[2J\033[H");
	for (i = 0; i < 100; i++) {
		snprintf(buf, sizeof(buf), "line %02u\n", i);
		say(buf);
	}
	assert_true(text_at(0, 0, "line 71"));
	assert_int_equal(wskbd_attach(&kb, NULL, NULL, "kbd0"), 0);
	wskbd_event(kb, 42, 1);
	type(kb, 104);
	type(kb, 104);
	settle();
	assert_true(text_at(0, 0, "line 41"));
	type(kb, 109);
	settle();
	assert_true(text_at(0, 0, "line 56"));
	wskbd_event(kb, 42, 0);
	type(kb, 30);
	settle();
	assert_true(text_at(0, 0, "line 71"));
	wskbd_detach(kb);
}

/* --- the end ------------------------------------------------------------- */

TEST(it_detaches_while_there_is_output)
{
	static char text[8000];

	start(&small);
	memset(text, 'y', sizeof(text));
	assert_int_equal(node_rdwr(node, UIO_WRITE, text, sizeof(text), 0, 0,
	    NULL), 0);
	printf("a message\n");
	sim_detach();
	assert_int_equal(node_rdwr(node, UIO_WRITE, text, 1, 0, 0, NULL),
	    ENXIO);
}

TEST(attach_fails_where_there_is_no_memory)
{
	u_int i, failed = 0;

	for (i = 1; i < 300; i++) {
		hosted_init();
		hosted_fail_at = i;
		fakefb_new(&small);
		hosted_fail_at = 0;
		run();
		if (fakefb != NULL && fakefb->ff_child == NULL)
			failed++;
		else if (fakefb != NULL)
			settle();
		sim_detach();
	}
	assert_true(failed > 5);
}

/* Nothing else may be said after this. */
TEST(after_a_panic_the_last_messages_are_shown_by_polling)
{
	u_int i;

	start(&small);
	graphics();
	for (i = 0; i < 50; i++)
		printf("line %u\n", i);
	printf("panic: all is lost\n");
	msgbuf_panic();
	msgbuf_panic();
	assert_int_equal(fakefb->ff_npolls, 1);
	assert_true(text_at(0, 29, "panic: all is lost"));
	assert_true(text_at(0, 28, "line 49"));
	assert_true(text_at(0, 0, "line 21"));
	program_ends();
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_mode_gives_the_size),
		T(a_large_mode_has_a_large_font),
		T(output_is_drawn),
		T(an_idle_screen_costs_nothing),
		T(a_flood_is_drawn_once_for_each_picture_shown),
		T(answers_come_as_input),
		T(what_the_kernel_said_before_is_shown),
		T(what_the_kernel_says_is_shown),
		T(messages_come_with_locks_held),
		T(without_another_console_it_is_the_console),
		T(a_change_of_mode_changes_the_size),
		T(the_same_mode_again_is_drawn_again),
		T(the_mode_may_change_while_much_is_written),
		T(a_display_that_is_unplugged_keeps_its_text),
		T(it_attaches_without_a_display),
		T(nothing_is_drawn_over_graphics),
		T(text_returns_with_the_last_close),
		T(text_returns_with_output_after_the_program_has_ended),
		T(controls_of_the_console),
		T(what_is_typed_is_echoed_and_read),
		T(old_lines_are_shown_until_a_key_is_typed),
		T(it_detaches_while_there_is_output),
		T(attach_fails_where_there_is_no_memory),
		T(after_a_panic_the_last_messages_are_shown_by_polling),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

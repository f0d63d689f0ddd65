/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* wskbd(4): keys in, what a terminal sends out. */

#include "test.h"

#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/sysctl.h>
#include <sys/tty.h>
#include <sys/ttycom.h>

#include <dev/wscons/wsemul.h>
#include <dev/wscons/wsfont.h>
#include <dev/wscons/wskbdvar.h>

#include "sim/nodes.h"
#include "sim/sim.h"

enum {
	ESC = 1, K1, K2, K3, K4, K5, K6, K7, K8, K9, K0, MINUS, EQUAL,
	BACKSPACE, TAB, Q, W, E, R, T, Y, U, I, O, P, LBRACE, RBRACE, ENTER,
	CTRL, A, S, D, SHIFT = 42, Z = 44, M = 50, SLASH = 53, RSHIFT = 54,
	ALT = 56, SPACE, CAPS, F1, F2, F5 = 63, F10 = 68, NUM, SCROLL, KP7,
	KPMINUS = 74, KP4, KP5, KP1 = 79, KP0 = 82, KPDOT, K102 = 86, F11, F12,
	KPENTER = 96, RCTRL, KPSLASH, RALT = 100, HOME = 102, UP, PGUP, LEFT,
	RIGHT, END, DOWN, PGDN, INS, DEL
};

#define MSEC	1000000ULL

extern int		 hosted_signal;
static struct tty	 tty[2];
static struct cdev	*node[2];
static struct wskbd_sink sink[2];
static struct wskbd	*kbd, *kbd2;
static u_int		 modes, leds, nleds;
static int		 looked;
static char		 in[256];

static void
start(struct tty *tp)
{
	char c;

	while (tty_output(tp, &c, 1) != 0)
		;
}

static const struct tty_ops ops = { .to_start = start };

static u_int
get_modes(void *arg)
{
	return (modes);
}

static void
look(void *arg, int steps)
{
	looked += steps;
}

static void
show_leds(void *arg, u_int l)
{
	leds = l;
	nleds++;
}

static const struct wskbd_ops kops = { .ko_leds = show_leds };

static void
raw(struct cdev *cd)
{
	struct termios2 t;

	assert_int_equal(dev_ioctl(cd, TCGETS2, &t, FREAD | FWRITE), 0);
	t.c_iflag = 0;
	t.c_lflag = 0;
	assert_int_equal(dev_ioctl(cd, TCSETS2, &t, FREAD | FWRITE), 0);
}

static void
display(u_int n)
{
	static const char *const name[] = { "ttyX", "ttyY" };

	assert_int_equal(tty_attach(&tty[n], &ops, NULL, name[n]), 0);
	node[n] = node_open(name[n], FREAD | FWRITE);
	raw(node[n]);
	sink[n] = (struct wskbd_sink){ .sk_unit = n, .sk_tty = &tty[n],
	    .sk_modes = get_modes, .sk_look = look };
	wskbd_sink_add(&sink[n]);
}

static void
undisplay(u_int n)
{
	if (node[n] == NULL)
		return;
	wskbd_sink_remove(&sink[n]);
	node_close(node[n], FREAD | FWRITE);
	node[n] = NULL;
	tty_detach(&tty[n]);
}

static void
run(void)
{
	hosted_run(MSEC);
}

static int
setup(void **state)
{
	static bool done;

	hosted_init();
	if (!done) {
		done = true;
		/* what is made once is not counted */
		display(0);
		undisplay(0);
		hosted_nallocs = 0;
	}
	modes = 0;
	looked = 0;
	nleds = 0;
	hosted_signal = 0;
	display(0);
	return (wskbd_attach(&kbd, &kops, NULL, "kbd0"));
}

static void
press(u_int key)
{
	wskbd_event(kbd, key, 1);
}

static void
release(u_int key)
{
	wskbd_event(kbd, key, 0);
}

static void
key(u_int k)
{
	press(k);
	release(k);
}

/* With another held. */
static void
with(u_int held, u_int k)
{
	press(held);
	key(k);
	release(held);
}

static int
teardown(void **state)
{
	run();
	if (leds & WSKBD_LED_CAPS)
		key(CAPS);
	if (leds & WSKBD_LED_NUM)
		key(NUM);
	if (leds & WSKBD_LED_SCROLL)
		key(SCROLL);
	run();
	(void)sysctl_write("hw.wskbd.layout", "us");
	wskbd_detach(kbd);
	wskbd_detach(kbd2);
	kbd = kbd2 = NULL;
	undisplay(0);
	undisplay(1);
	initproc = NULL;
	return (hosted_fini());
}

static const char *
typed_on(u_int n)
{
	size_t len = 0;

	run();
	(void)node_rdwr(node[n], UIO_READ, in, sizeof(in) - 1, 0, FNONBLOCK,
	    &len);
	in[len] = '\0';
	return (in);
}

static void
typed(const char *s)
{
	assert_string_equal(typed_on(0), s);
}

static void
layout(const char *name)
{
	assert_int_equal(sysctl_write("hw.wskbd.layout", name), 0);
}

#define TEST(name)							\
static void								\
name(void **state)

/* --- characters ---------------------------------------------------------- */

TEST(keys_type_characters)
{
	key(A);
	key(K1);
	key(SPACE);
	key(SLASH);
	typed("a1 /");
}

TEST(shift_types_the_upper_ones)
{
	with(SHIFT, A);
	with(RSHIFT, K1);
	typed("A!");
}

TEST(caps_lock_is_for_letters)
{
	key(CAPS);
	key(A);
	key(K1);
	with(SHIFT, A);
	typed("A1a");
	assert_int_equal(leds, WSKBD_LED_CAPS);
}

TEST(control_types_controls)
{
	with(CTRL, A);
	with(RCTRL, LBRACE);
	with(CTRL, SLASH);
	with(CTRL, K3);
	typed("\001\033\037\033");
}

TEST(control_and_space_type_a_nul)
{
	size_t len = 0;

	with(CTRL, SPACE);
	run();
	(void)node_rdwr(node[0], UIO_READ, in, sizeof(in), 0, FNONBLOCK, &len);
	assert_int_equal(len, 1);
	assert_int_equal(in[0], 0);
}

TEST(meta_is_an_escape_before)
{
	with(ALT, A);
	with(RALT, A);
	typed("\033a\033a");
}

TEST(editing_keys)
{
	key(ESC);
	key(ENTER);
	key(BACKSPACE);
	with(CTRL, BACKSPACE);
	key(TAB);
	with(SHIFT, TAB);
	typed("\033\r\177\b\t\033[Z");
}

/* --- layouts ------------------------------------------------------------- */

TEST(a_layout_is_chosen_by_name)
{
	char buf[16];
	size_t len;

	layout("de");
	assert_int_equal(sysctl_read("hw.wskbd.layout", buf, sizeof(buf),
	    &len), 0);
	assert_string_equal(buf, "de");
	assert_int_equal(sysctl_write("hw.wskbd.layout", "xx"), EINVAL);
	key(Y);
	key(Z);
	key(LBRACE);
	typed("zy\xc3\xbc");
}

TEST(altgr_types_the_third_ones)
{
	layout("de");
	with(RALT, Q);
	with(RALT, E);
	with(RALT, K7);
	typed("@\xe2\x82\xac{");
}

TEST(caps_lock_knows_other_letters)
{
	layout("se");
	key(CAPS);
	key(LBRACE);
	typed("\xc3\x85");
}

TEST(a_dead_key_waits_for_a_letter)
{
	layout("de");
	key(EQUAL);
	key(E);
	with(SHIFT, EQUAL);
	key(A);
	typed("\xc3\xa9\xc3\xa0");
}

TEST(a_dead_key_alone_and_with_what_it_does_not_fit)
{
	layout("de");
	key(41);
	key(SPACE);
	key(41);
	key(41);
	key(41);
	key(K1);
	typed("^^^1");
}

TEST(each_layout_types_ascii)
{
	static const char *const names[] = { "us", "uk", "de", "fr", "se" };
	const struct wskbd_layout *wl;
	bool found[128];
	uint32_t c, mark;
	u_int i, k, level;

	for (i = 0; i < nitems(names); i++) {
		wl = wskbd_layout_find(names[i]);
		assert_non_null(wl);
		memset(found, 0, sizeof(found));
		for (k = 0; k < 128; k++) {
			for (level = 0; level < 4; level++) {
				c = wskbd_layout_char(wl, k, level);
				mark = c;
				if (c == 0x300)
					c = '`';
				else if (c == 0x302)
					c = '^';
				else if (c == 0x303)
					c = '~';
				if (c < 128)
					found[c] = true;
				else if (mark >= 0x300 && mark < 0x370)
					assert_int_not_equal(wsfont_compose(
					    'e' + (mark == 0x303 ? 'n' - 'e' :
					    0), mark), 0);
			}
		}
		for (c = ' '; c < 127; c++) {
			if (!found[c])
				print_message("%s: no %c\n", names[i], c);
			assert_true(found[c]);
		}
	}
}

TEST(latin1_is_typed_in_translated_mode)
{
	layout("de");
	assert_int_equal(wskbd_sink_setmode(&sink[0], WSKBD_XLATE), 0);
	key(LBRACE);
	with(RALT, E);
	typed("\xfc");
}

/* --- other keys ---------------------------------------------------------- */

TEST(cursor_keys_follow_the_mode)
{
	key(UP);
	key(HOME);
	modes = WSM_APPCURSOR;
	key(DOWN);
	key(END);
	with(CTRL, LEFT);
	typed("\033[A\033[H\033OB\033OF\033[1;5D");
}

TEST(function_keys_are_those_of_xterm)
{
	key(F1);
	key(F5);
	key(F10);
	key(F11);
	with(SHIFT, F2);
	with(CTRL, F12);
	key(INS);
	key(DEL);
	key(PGUP);
	typed("\033OP\033[15~\033[21~\033[23~\033[1;2Q\033[24;5~\033[2~\033[3~"
	    "\033[5~");
}

TEST(the_pad_follows_num_lock)
{
	key(KP7);
	key(KP5);
	key(KPMINUS);
	key(KPENTER);
	key(NUM);
	key(KP7);
	key(KP5);
	key(KPDOT);
	typed("\033[H-\r75.");
}

TEST(the_pad_follows_the_mode_without_num_lock)
{
	modes = WSM_APPKEYPAD;
	key(KP7);
	key(KPENTER);
	key(KPSLASH);
	key(NUM);
	key(KP7);
	typed("\033Ow\033OM\033Oo7");
}

TEST(shift_and_page_keys_look_back)
{
	with(SHIFT, PGUP);
	with(SHIFT, PGUP);
	with(SHIFT, PGDN);
	assert_int_equal(looked, 1);
	typed("");
}

TEST(unknown_keys_are_ignored)
{
	wskbd_event(kbd, 0, 1);
	wskbd_event(kbd, 240, 1);
	wskbd_event(kbd, 256, 1);
	wskbd_event(kbd, UINT32_MAX, 1);
	wskbd_event(kbd, A, 7);
	wskbd_event(kbd, A, -1);
	wskbd_event(kbd, A, 0);
	typed("");
}

/* --- repetition ---------------------------------------------------------- */

TEST(a_key_that_is_held_is_repeated)
{
	press(A);
	hosted_run(390 * MSEC);
	typed("a");
	hosted_run(10 * MSEC);
	typed("a");
	hosted_run(330 * MSEC);
	typed("aaaaaaaaaa");
	release(A);
	hosted_run(1000 * MSEC);
	typed("");
}

TEST(modifiers_are_not_repeated)
{
	press(SHIFT);
	press(CAPS);
	hosted_run(1000 * MSEC);
	release(CAPS);
	release(SHIFT);
	run();
	assert_int_equal(leds, WSKBD_LED_CAPS);
}

TEST(a_keyboard_that_repeats_is_left_to_it)
{
	press(A);
	wskbd_event(kbd, A, 2);
	hosted_run(1000 * MSEC);
	typed("aa");
	release(A);
	press(S);
	hosted_run(1000 * MSEC);
	typed("s");
	press(S);
	typed("s");
}

TEST(a_repetition_of_a_key_that_is_up_is_ignored)
{
	wskbd_event(kbd, A, 2);
	typed("");
}

/* --- several ------------------------------------------------------------- */

TEST(shift_on_one_keyboard_counts_for_another)
{
	assert_int_equal(wskbd_attach(&kbd2, NULL, NULL, "kbd1"), 0);
	wskbd_event(kbd2, SHIFT, 1);
	key(A);
	wskbd_event(kbd2, SHIFT, 0);
	key(A);
	typed("Aa");
}

TEST(a_keyboard_that_goes_releases_its_keys)
{
	assert_int_equal(wskbd_attach(&kbd2, NULL, NULL, "kbd1"), 0);
	wskbd_event(kbd2, SHIFT, 1);
	wskbd_event(kbd2, S, 1);
	wskbd_detach(kbd2);
	kbd2 = NULL;
	hosted_run(1000 * MSEC);
	key(A);
	typed("Sa");
}

TEST(all_keyboards_show_the_locks)
{
	run();
	assert_int_equal(nleds, 1);
	assert_int_equal(leds, 0);
	key(NUM);
	run();
	assert_int_equal(leds, WSKBD_LED_NUM);
	assert_int_equal(wskbd_attach(&kbd2, &kops, NULL, "kbd1"), 0);
	run();
	assert_int_equal(nleds, 3);
}

TEST(control_alt_and_a_function_key_select_a_display)
{
	display(1);
	key(A);
	press(CTRL);
	with(ALT, F2);
	release(CTRL);
	key(S);
	with(ALT, F1);
	key(D);
	assert_string_equal(typed_on(1), "s");
	typed("ad");
}

TEST(a_function_key_with_alt_is_typed_where_there_is_one_display)
{
	with(ALT, F2);
	typed("\033[1;3Q");
}

TEST(the_display_that_goes_is_selected_no_more)
{
	display(1);
	undisplay(0);
	key(A);
	assert_string_equal(typed_on(1), "a");
}

TEST(without_a_display_nothing_is_typed)
{
	undisplay(0);
	key(A);
	press(S);
	hosted_run(1000 * MSEC);
	release(S);
}

TEST(control_alt_delete_reboots_in_order)
{
	static struct proc init;

	initproc = &init;
	press(CTRL);
	press(ALT);
	press(DEL);
	assert_int_equal(hosted_signal, SIGINT);
	release(ALT);
	release(CTRL);
	release(DEL);
	typed("");
	assert_true(sim_said("kbd0: control-alt-delete, reboot\n"));
}

/* --- raw ----------------------------------------------------------------- */

TEST(raw_is_what_the_keyboard_of_a_pc_sends)
{
	assert_int_equal(wskbd_sink_setmode(&sink[0], WSKBD_RAW), 0);
	key(A);
	key(UP);
	typed("\x1e\x9e\xe0\x48\xe0\xc8");
}

TEST(medium_raw_is_the_numbers_of_keys)
{
	assert_int_equal(wskbd_sink_setmode(&sink[0], WSKBD_MEDIUMRAW), 0);
	key(UP);
	typed("\x67\xe7");
	press(200);
	typed("");			/* begins with a 0 */
	assert_memory_equal(in, "\0\x81\xc8", 3);
}

TEST(modes_have_names)
{
	assert_int_equal(wskbd_sink_mode(&sink[0]), WSKBD_UNICODE);
	assert_int_equal(wskbd_sink_setmode(&sink[0], 5), EINVAL);
	assert_int_equal(wskbd_sink_setmode(&sink[0], WSKBD_OFF), 0);
	key(A);
	typed("");
}

#define T_(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T_(keys_type_characters),
		T_(shift_types_the_upper_ones),
		T_(caps_lock_is_for_letters),
		T_(control_types_controls),
		T_(control_and_space_type_a_nul),
		T_(meta_is_an_escape_before),
		T_(editing_keys),
		T_(a_layout_is_chosen_by_name),
		T_(altgr_types_the_third_ones),
		T_(caps_lock_knows_other_letters),
		T_(a_dead_key_waits_for_a_letter),
		T_(a_dead_key_alone_and_with_what_it_does_not_fit),
		T_(each_layout_types_ascii),
		T_(latin1_is_typed_in_translated_mode),
		T_(cursor_keys_follow_the_mode),
		T_(function_keys_are_those_of_xterm),
		T_(the_pad_follows_num_lock),
		T_(the_pad_follows_the_mode_without_num_lock),
		T_(shift_and_page_keys_look_back),
		T_(unknown_keys_are_ignored),
		T_(a_key_that_is_held_is_repeated),
		T_(modifiers_are_not_repeated),
		T_(a_keyboard_that_repeats_is_left_to_it),
		T_(a_repetition_of_a_key_that_is_up_is_ignored),
		T_(shift_on_one_keyboard_counts_for_another),
		T_(a_keyboard_that_goes_releases_its_keys),
		T_(all_keyboards_show_the_locks),
		T_(control_alt_and_a_function_key_select_a_display),
		T_(a_function_key_with_alt_is_typed_where_there_is_one_display),
		T_(the_display_that_goes_is_selected_no_more),
		T_(without_a_display_nothing_is_typed),
		T_(control_alt_delete_reboots_in_order),
		T_(raw_is_what_the_keyboard_of_a_pc_sends),
		T_(medium_raw_is_the_numbers_of_keys),
		T_(modes_have_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

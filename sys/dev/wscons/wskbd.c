/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * wskbd(4): keyboards.  From keys to what a terminal sends.
 *
 * wskbd_mtx guards all of it, and is held while something is typed, so that
 * a display that has been removed is not typed on.  Locks: wskbd_mtx, then
 * the tty's, then the display's.  The functions of drivers are called without
 * it, from a task.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/queue.h>
#include <sys/signal.h>
#include <sys/synch.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/task.h>
#include <sys/timeout.h>
#include <sys/tty.h>

#include <dev/wscons/wsemul.h>
#include <dev/wscons/wsfont.h>
#include <dev/wscons/wskbdvar.h>

#define NKEYS		256
#define REPEAT_FIRST	400		/* ms */
#define REPEAT_NEXT	33
#define TYPE_MAX	16		/* bytes that one key becomes */

/* Keys that mean the same in each layout, by Linux's names. */
enum {
	KEY_ESC = 1, KEY_BACKSPACE = 14, KEY_TAB = 15, KEY_ENTER = 28,
	KEY_LEFTCTRL = 29, KEY_LEFTSHIFT = 42, KEY_RIGHTSHIFT = 54,
	KEY_KPASTERISK = 55, KEY_LEFTALT = 56, KEY_SPACE = 57,
	KEY_CAPSLOCK = 58, KEY_F1 = 59, KEY_F10 = 68, KEY_NUMLOCK = 69,
	KEY_SCROLLLOCK = 70, KEY_KP7 = 71, KEY_KPDOT = 83, KEY_F11 = 87,
	KEY_F12 = 88, KEY_KPENTER = 96, KEY_RIGHTCTRL = 97, KEY_KPSLASH = 98,
	KEY_SYSRQ = 99, KEY_RIGHTALT = 100, KEY_HOME = 102, KEY_UP, KEY_PAGEUP,
	KEY_LEFT, KEY_RIGHT, KEY_END, KEY_DOWN, KEY_PAGEDOWN, KEY_INSERT,
	KEY_DELETE, KEY_KPEQUAL = 117, KEY_PAUSE = 119, KEY_LEFTMETA = 125,
	KEY_RIGHTMETA, KEY_COMPOSE
};

struct wskbd {
	LIST_ENTRY(wskbd)	 kb_link;
	const struct wskbd_ops	*kb_ops;
	void			*kb_arg;
	const char		*kb_name;
	uint8_t			 kb_down[NKEYS / 8];
	bool			 kb_repeats;	/* by itself */
	bool			 kb_busy;	/* in kb_ops */
	u_int			 kb_leds;	/* that it shows */
};

static struct mutex		 wskbd_mtx = MUTEX_INITIALIZER(IPL_TTY);
static LIST_HEAD(, wskbd)	 keyboards = LIST_HEAD_INITIALIZER(keyboards);
static struct wskbd_sink	*sinks;		/* by unit */
static struct wskbd_sink	*selected;
static const struct wskbd_layout *layout;
static u_int			 locks;		/* WSKBD_LED_* */
static uint32_t			 dead;		/* a dead key waits */
static struct wskbd		*repeat_kb;
static u_int			 repeat_key;
static struct timeout		 repeat_timeout;
static struct task		 leds_task;

/* --- which keys are down ------------------------------------------------- */

static bool
is_down(const struct wskbd *kb, u_int key)
{
	return ((kb->kb_down[key / 8] & 1U << key % 8) != 0);
}

/* On any of the keyboards. */
static bool
down(u_int key)
{
	struct wskbd *kb;

	LIST_FOREACH(kb, &keyboards, kb_link) {
		if (is_down(kb, key))
			return (true);
	}
	return (false);
}

#define M_SHIFT		1	/* as xterm counts them */
#define M_ALT		2
#define M_CTRL		4
#define M_ALTGR		8

static u_int
modifiers(void)
{
	u_int m = 0;

	if (down(KEY_LEFTSHIFT) || down(KEY_RIGHTSHIFT))
		m |= M_SHIFT;
	if (down(KEY_LEFTCTRL) || down(KEY_RIGHTCTRL))
		m |= M_CTRL;
	if (down(KEY_LEFTALT))
		m |= M_ALT;
	if (down(KEY_RIGHTALT))
		m |= wskbd_layout_altgr(layout) ? M_ALTGR : M_ALT;
	return (m);
}

static bool
is_modifier(u_int key)
{
	switch (key) {
	case KEY_LEFTCTRL:
	case KEY_RIGHTCTRL:
	case KEY_LEFTSHIFT:
	case KEY_RIGHTSHIFT:
	case KEY_LEFTALT:
	case KEY_RIGHTALT:
	case KEY_CAPSLOCK:
	case KEY_NUMLOCK:
	case KEY_SCROLLLOCK:
	case KEY_LEFTMETA:
	case KEY_RIGHTMETA:
		return (true);
	default:
		return (false);
	}
}

/* --- typing -------------------------------------------------------------- */

static void
type(const void *s, size_t n)
{
	selected->sk_look(selected->sk_arg, 0);
	/* what does not fit is lost, as on any keyboard */
	(void)tty_input(selected->sk_tty, s, n);
}

static size_t
utf8(uint32_t c, char *s)
{
	if (c < 0x80) {
		s[0] = c;
		return (1);
	}
	if (c < 0x800) {
		s[0] = 0xc0 | c >> 6;
		s[1] = 0x80 | (c & 0x3f);
		return (2);
	}
	s[0] = 0xe0 | c >> 12;
	s[1] = 0x80 | (c >> 6 & 0x3f);
	s[2] = 0x80 | (c & 0x3f);
	return (3);
}

/* Meta is an escape before it. */
static void
type_char(uint32_t c, u_int m)
{
	char buf[TYPE_MAX];
	size_t n = 0;

	if (m & M_ALT)
		buf[n++] = '\033';
	if (selected->sk_mode == WSKBD_UNICODE)
		n += utf8(c, buf + n);
	else if (c < 0x100)
		buf[n++] = c;
	else
		return;
	type(buf, n);
}

/* ESC [ 1 ; modifiers FINAL, ESC [ FINAL, or ESC O FINAL. */
static void
type_final(char final, u_int m, bool ss3)
{
	char buf[TYPE_MAX];

	m &= M_SHIFT | M_ALT | M_CTRL;
	if (m != 0)
		snprintf(buf, sizeof(buf), "\033[1;%u%c", m + 1, final);
	else
		snprintf(buf, sizeof(buf), "\033%c%c", ss3 ? 'O' : '[',
		    final);
	type(buf, strlen(buf));
}

/* ESC [ N ~ or ESC [ N ; modifiers ~ */
static void
type_tilde(u_int n, u_int m)
{
	char buf[TYPE_MAX];

	m &= M_SHIFT | M_ALT | M_CTRL;
	if (m != 0)
		snprintf(buf, sizeof(buf), "\033[%u;%u~", n, m + 1);
	else
		snprintf(buf, sizeof(buf), "\033[%u~", n);
	type(buf, strlen(buf));
}

/* --- characters ---------------------------------------------------------- */

static bool
is_lower(uint32_t c)
{
	return ((c >= 'a' && c <= 'z') ||
	    (c >= 0xe0 && c <= 0xfe && c != 0xf7));
}

static uint32_t
symbol(u_int key, u_int m)
{
	u_int level = 0;
	uint32_t c;

	if (m & M_ALTGR)
		level |= WSKBD_ALTGR;
	c = wskbd_layout_char(layout, key, level);
	if (is_lower(c) && (locks & WSKBD_LED_CAPS))
		m ^= M_SHIFT;
	if (m & M_SHIFT)
		c = wskbd_layout_char(layout, key, level | WSKBD_SHIFT);
	return (c);
}

/* What a terminal sends with control; or the character itself. */
static uint32_t
controlled(uint32_t c)
{
	static const char digits[] = { 0, 27, 28, 29, 30, 31, 127 };

	if (c >= '@' && c <= '~')
		return (c & 0x1f);
	if (c == ' ')
		return (0);
	if (c >= '2' && c <= '8')
		return (digits[c - '2']);
	if (c == '/')
		return (0x1f);
	if (c == '?')
		return (0x7f);
	return (c);
}

/* The accent by itself. */
static uint32_t
spacing(uint32_t mark)
{
	switch (mark) {
	case 0x300: return ('`');
	case 0x301: return (0xb4);
	case 0x302: return ('^');
	case 0x303: return ('~');
	case 0x308: return (0xa8);
	default: return (0);
	}
}

static bool
is_mark(uint32_t c)
{
	return (c >= 0x300 && c < 0x370);
}

/* The character after a dead key; both, if they make none. */
static void
type_accented(uint32_t c, u_int m)
{
	uint32_t mark = dead, one;

	dead = 0;
	if (c == ' ' || c == mark) {
		type_char(spacing(mark), m);
		return;
	}
	if ((one = is_mark(c) ? 0 : wsfont_compose(c, mark)) != 0) {
		type_char(one, m);
		return;
	}
	type_char(spacing(mark), 0);
	if (is_mark(c))
		dead = c;
	else
		type_char(c, m);
}

static void
type_symbol(u_int key, u_int m)
{
	uint32_t c;

	if ((c = symbol(key, m)) == 0)
		return;
	if (m & M_CTRL)
		type_char(controlled(is_mark(c) ? spacing(c) : c), m);
	else if (dead != 0)
		type_accented(c, m);
	else if (is_mark(c))
		dead = c;
	else
		type_char(c, m);
}

/* --- other keys ---------------------------------------------------------- */

static bool
function_key(u_int key, u_int m)
{
	static const uint8_t tilde[] = { 15, 17, 18, 19, 20, 21, 23, 24 };
	u_int n;

	if (key >= KEY_F1 && key <= KEY_F10)
		n = key - KEY_F1;
	else if (key == KEY_F11 || key == KEY_F12)
		n = key - KEY_F11 + 10;
	else
		return (false);
	if (n < 4)
		type_final('P' + n, m, true);
	else
		type_tilde(tilde[n - 4], m);
	return (true);
}

static bool
cursor_key(u_int key, u_int m)
{
	bool app = (selected->sk_modes(selected->sk_arg) & WSM_APPCURSOR) != 0;

	switch (key) {
	case KEY_UP: type_final('A', m, app); break;
	case KEY_DOWN: type_final('B', m, app); break;
	case KEY_RIGHT: type_final('C', m, app); break;
	case KEY_LEFT: type_final('D', m, app); break;
	case KEY_HOME: type_final('H', m, app); break;
	case KEY_END: type_final('F', m, app); break;
	case KEY_INSERT: type_tilde(2, m); break;
	case KEY_DELETE: type_tilde(3, m); break;
	case KEY_PAGEUP:
	case KEY_PAGEDOWN:
		if (m & M_SHIFT)
			selected->sk_look(selected->sk_arg,
			    key == KEY_PAGEUP ? 1 : -1);
		else
			type_tilde(key == KEY_PAGEUP ? 5 : 6, m);
		break;
	default:
		return (false);
	}
	return (true);
}

/* The keys of the pad: what it types, and what it is without num lock. */
struct pad_key {
	uint8_t	pk_key, pk_other;
	char	pk_char, pk_app;	/* ESC O pk_app */
};

static const struct pad_key pad_keys[] = {
	{ KEY_KPASTERISK, 0, '*', 'j' },
	{ 71, KEY_HOME, '7', 'w' }, { 72, KEY_UP, '8', 'x' },
	{ 73, KEY_PAGEUP, '9', 'y' }, { 74, 0, '-', 'm' },
	{ 75, KEY_LEFT, '4', 't' }, { 76, 0, '5', 'u' },
	{ 77, KEY_RIGHT, '6', 'v' }, { 78, 0, '+', 'k' },
	{ 79, KEY_END, '1', 'q' }, { 80, KEY_DOWN, '2', 'r' },
	{ 81, KEY_PAGEDOWN, '3', 's' }, { 82, KEY_INSERT, '0', 'p' },
	{ KEY_KPDOT, KEY_DELETE, '.', 'n' }, { KEY_KPENTER, 0, '\r', 'M' },
	{ KEY_KPSLASH, 0, '/', 'o' }, { KEY_KPEQUAL, 0, '=', 'X' },
};

/* With num lock it is for numbers, whatever a program would like. */
static bool
pad_key(u_int key, u_int m)
{
	bool num = (locks & WSKBD_LED_NUM) != 0;
	u_int modes = selected->sk_modes(selected->sk_arg), i;
	const struct pad_key *pk = NULL;

	for (i = 0; i < nitems(pad_keys) && pk == NULL; i++) {
		if (pad_keys[i].pk_key == key)
			pk = &pad_keys[i];
	}
	if (pk == NULL)
		return (false);
	if ((modes & WSM_APPKEYPAD) && !num)
		type_final(pk->pk_app, m, true);
	else if (pk->pk_other != 0 && !num)
		(void)cursor_key(pk->pk_other, m);
	else if (key != 76 || num)
		type_char(pk->pk_char, m);
	return (true);
}

static bool
edit_key(u_int key, u_int m)
{
	switch (key) {
	case KEY_ESC:
		type_char('\033', m);
		break;
	case KEY_ENTER:
		type_char('\r', m);
		break;
	case KEY_BACKSPACE:
		type_char(m & M_CTRL ? '\b' : 0x7f, m);
		break;
	case KEY_TAB:
		if (m & M_SHIFT)
			type_final('Z', 0, false);
		else
			type_char('\t', m);
		break;
	default:
		return (false);
	}
	return (true);
}

static bool
lock_key(u_int key)
{
	u_int led = key == KEY_CAPSLOCK ? WSKBD_LED_CAPS :
	    key == KEY_NUMLOCK ? WSKBD_LED_NUM :
	    key == KEY_SCROLLLOCK ? WSKBD_LED_SCROLL : 0;

	if (led == 0)
		return (false);
	locks ^= led;
	(void)task_add(systq, &leds_task);
	return (true);
}

/* --- keys for the machine ------------------------------------------------ */

/* As the host does it: init stops the programs first. */
static void
reboot(const struct wskbd *kb)
{
	printf("%s: control-alt-delete, reboot\n", kb->kb_name);
	if (initproc != NULL)
		psignal(initproc, SIGINT);
}

static bool
select_display(u_int n)
{
	struct wskbd_sink *sk;

	for (sk = sinks; sk != NULL; sk = sk->sk_next) {
		if (sk->sk_unit == n) {
			selected = sk;
			return (true);
		}
	}
	return (false);
}

/*
 * Alt and a function key selects a display, where there is more than one to
 * select from; with control always.
 */
static bool
machine_key(const struct wskbd *kb, u_int key, u_int m)
{
	bool alt = (m & M_ALT) != 0 || down(KEY_RIGHTALT);

	if (!alt)
		return (false);
	if ((m & M_CTRL) && (key == KEY_DELETE || key == KEY_KPDOT)) {
		reboot(kb);
		return (true);
	}
	if (key >= KEY_F1 && key <= KEY_F10 && ((m & M_CTRL) ||
	    (sinks != NULL && sinks->sk_next != NULL)))
		return (select_display(key - KEY_F1) || (m & M_CTRL));
	return (false);
}

/* --- raw ----------------------------------------------------------------- */

/* Keys whose code of the first set has a prefix: what follows it. */
static u_int
raw_extended(u_int key)
{
	static const uint8_t code[] = {
		[KEY_KPENTER - 96] = 0x1c, [KEY_RIGHTCTRL - 96] = 0x1d,
		[KEY_KPSLASH - 96] = 0x35, [KEY_SYSRQ - 96] = 0x37,
		[KEY_RIGHTALT - 96] = 0x38, [KEY_HOME - 96] = 0x47,
		[KEY_UP - 96] = 0x48, [KEY_PAGEUP - 96] = 0x49,
		[KEY_LEFT - 96] = 0x4b, [KEY_RIGHT - 96] = 0x4d,
		[KEY_END - 96] = 0x4f, [KEY_DOWN - 96] = 0x50,
		[KEY_PAGEDOWN - 96] = 0x51, [KEY_INSERT - 96] = 0x52,
		[KEY_DELETE - 96] = 0x53, [KEY_LEFTMETA - 96] = 0x5b,
		[KEY_RIGHTMETA - 96] = 0x5c, [KEY_COMPOSE - 96] = 0x5d,
	};

	return (key >= 96 && key - 96 < nitems(code) ? code[key - 96] : 0);
}

/*
 * Raw: what an old keyboard of a PC sends, whose codes up to 88 are the
 * numbers of the keys.  Medium raw: those numbers, in a form of Linux, in
 * three bytes from 128 on.
 */
static void
type_raw(u_int key, bool released)
{
	uint8_t buf[3], up = released ? 0x80 : 0;
	size_t n = 0;
	u_int code;

	if (selected->sk_mode == WSKBD_MEDIUMRAW) {
		buf[n++] = up | (key < 128 ? key : 0);
		if (key >= 128) {
			buf[n++] = 0x80 | key >> 7;
			buf[n++] = 0x80 | (key & 0x7f);
		}
	} else if (key <= 88)
		buf[n++] = up | key;
	else if ((code = raw_extended(key)) != 0) {
		buf[n++] = 0xe0;
		buf[n++] = up | code;
	}
	if (n != 0)
		(void)tty_input(selected->sk_tty, buf, n);
}

static bool
is_raw(const struct wskbd_sink *sk)
{
	return (sk->sk_mode == WSKBD_RAW || sk->sk_mode == WSKBD_MEDIUMRAW);
}

/* --- events -------------------------------------------------------------- */

static void
pressed(const struct wskbd *kb, u_int key)
{
	u_int m = modifiers();

	if (machine_key(kb, key, m) || selected == NULL ||
	    selected->sk_mode == WSKBD_OFF)
		return;
	if (function_key(key, m) || cursor_key(key, m) || pad_key(key, m) ||
	    edit_key(key, m)) {
		dead = 0;
		return;
	}
	type_symbol(key, m);
}

static void
repeat_stop(void)
{
	repeat_kb = NULL;
	(void)timeout_del(&repeat_timeout);
}

static void
repeat(void *arg __unused)
{
	mtx_enter(&wskbd_mtx);
	if (repeat_kb != NULL && !timeout_pending(&repeat_timeout)) {
		timeout_add_msec(&repeat_timeout, REPEAT_NEXT);
		pressed(repeat_kb, repeat_key);
	}
	mtx_leave(&wskbd_mtx);
}

static void
set_down(struct wskbd *kb, u_int key, bool on)
{
	if (on)
		kb->kb_down[key / 8] |= 1U << key % 8;
	else
		kb->kb_down[key / 8] &= ~(1U << key % 8);
}

static void
release(struct wskbd *kb, u_int key)
{
	set_down(kb, key, false);
	if (repeat_kb == kb && repeat_key == key)
		repeat_stop();
	if (selected != NULL && is_raw(selected))
		type_raw(key, true);
}

static void
press(struct wskbd *kb, u_int key, bool again)
{
	set_down(kb, key, true);
	if (again)
		kb->kb_repeats = true;
	if (selected != NULL && is_raw(selected)) {
		repeat_stop();
		type_raw(key, false);
		return;
	}
	if (is_modifier(key)) {
		if (!again)
			(void)lock_key(key);
		return;
	}
	repeat_stop();
	if (!kb->kb_repeats) {
		repeat_kb = kb;
		repeat_key = key;
		timeout_add_msec(&repeat_timeout, REPEAT_FIRST);
	}
	pressed(kb, key);
}

static void
release_all(struct wskbd *kb)
{
	u_int key;

	for (key = 0; key < NKEYS; key++) {
		if (is_down(kb, key))
			release(kb, key);
	}
}

void
wskbd_release(struct wskbd *kb)
{
	mtx_enter(&wskbd_mtx);
	release_all(kb);
	mtx_leave(&wskbd_mtx);
}

/* Some keyboards repeat by a press without a release. */
void
wskbd_event(struct wskbd *kb, u_int key, int value)
{
	bool was;

	if (key == 0 || key >= NKEYS || value < 0 || value > 2)
		return;
	mtx_enter(&wskbd_mtx);
	was = is_down(kb, key);
	if (value == 0 && was)
		release(kb, key);
	else if (value == 1 || (value == 2 && was))
		press(kb, key, was);
	mtx_leave(&wskbd_mtx);
}

/* --- lamps --------------------------------------------------------------- */

/* One at a time, with its driver's function called without the mutex. */
static void
leds_run(void *arg __unused)
{
	struct wskbd *kb;
	u_int leds;

	mtx_enter(&wskbd_mtx);
	do {
		leds = locks;
		LIST_FOREACH(kb, &keyboards, kb_link) {
			if (kb->kb_leds != leds)
				break;
		}
		if (kb == NULL)
			break;
		kb->kb_leds = leds;
		if (kb->kb_ops == NULL || kb->kb_ops->ko_leds == NULL)
			continue;
		kb->kb_busy = true;
		mtx_leave(&wskbd_mtx);
		kb->kb_ops->ko_leds(kb->kb_arg, leds);
		mtx_enter(&wskbd_mtx);
		kb->kb_busy = false;
		wakeup(kb);
	} while (1);
	mtx_leave(&wskbd_mtx);
}

/* --- variables ----------------------------------------------------------- */

static int
sysctl_layout_read(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", wskbd_layout_name(layout)));
}

static int
sysctl_layout_write(void *arg __unused, const char *text)
{
	const struct wskbd_layout *wl;

	if ((wl = wskbd_layout_find(text)) == NULL)
		return (EINVAL);
	mtx_enter(&wskbd_mtx);
	layout = wl;
	dead = 0;
	mtx_leave(&wskbd_mtx);
	return (0);
}

static struct sysctl_oid layout_oid = {
	.so_name = "hw.wskbd.layout",
	.so_read = sysctl_layout_read,
	.so_write = sysctl_layout_write,
};

/* Whoever comes first, a keyboard or a display. */
static void
wskbd_init(void)
{
	bool first;

	mtx_enter(&wskbd_mtx);
	if ((first = layout == NULL)) {
		layout = wskbd_layout_us;
		timeout_set(&repeat_timeout, repeat, NULL);
		task_set(&leds_task, leds_run, NULL);
	}
	mtx_leave(&wskbd_mtx);
	if (first)
		(void)sysctl_register(&layout_oid);
}

/* --- keyboards ----------------------------------------------------------- */

int
wskbd_attach(struct wskbd **kbp, const struct wskbd_ops *ops, void *arg,
    const char *name)
{
	struct wskbd *kb;

	wskbd_init();
	if ((kb = kmem_zalloc(sizeof(*kb), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	kb->kb_ops = ops;
	kb->kb_arg = arg;
	kb->kb_name = name;
	kb->kb_leds = UINT32_MAX;	/* what it shows is not known */
	*kbp = kb;
	mtx_enter(&wskbd_mtx);
	LIST_INSERT_HEAD(&keyboards, kb, kb_link);
	(void)task_add(systq, &leds_task);
	mtx_leave(&wskbd_mtx);
	return (0);
}

void
wskbd_detach(struct wskbd *kb)
{
	if (kb == NULL)
		return;
	mtx_enter(&wskbd_mtx);
	release_all(kb);
	LIST_REMOVE(kb, kb_link);
	while (kb->kb_busy)
		(void)msleep_nsec(kb, &wskbd_mtx, PRI_KERN, "wskbd", INFSLP);
	mtx_leave(&wskbd_mtx);
	kmem_free(kb, sizeof(*kb));
}

/* --- displays ------------------------------------------------------------ */

void
wskbd_sink_add(struct wskbd_sink *sk)
{
	struct wskbd_sink **p;

	wskbd_init();
	mtx_enter(&wskbd_mtx);
	sk->sk_mode = WSKBD_UNICODE;
	for (p = &sinks; *p != NULL && (*p)->sk_unit < sk->sk_unit;
	    p = &(*p)->sk_next)
		;
	sk->sk_next = *p;
	*p = sk;
	if (selected == NULL)
		selected = sk;
	mtx_leave(&wskbd_mtx);
}

void
wskbd_sink_remove(struct wskbd_sink *sk)
{
	struct wskbd_sink **p;

	mtx_enter(&wskbd_mtx);
	for (p = &sinks; *p != NULL && *p != sk; p = &(*p)->sk_next)
		;
	if (*p != NULL)
		*p = sk->sk_next;
	if (selected == sk)
		selected = sinks;
	mtx_leave(&wskbd_mtx);
}

int
wskbd_sink_setmode(struct wskbd_sink *sk, u_int mode)
{
	if (mode > WSKBD_OFF)
		return (EINVAL);
	mtx_enter(&wskbd_mtx);
	sk->sk_mode = mode;
	repeat_stop();
	dead = 0;
	mtx_leave(&wskbd_mtx);
	return (0);
}

u_int
wskbd_sink_mode(struct wskbd_sink *sk)
{
	u_int mode;

	mtx_enter(&wskbd_mtx);
	mode = sk->sk_mode;
	mtx_leave(&wskbd_mtx);
	return (mode);
}

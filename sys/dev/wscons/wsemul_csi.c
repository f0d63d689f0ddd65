/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What the control sequences of a terminal do.
 */

#include <sys/systm.h>

#include <dev/wscons/wsemul_priv.h>

/* --- parameters ---------------------------------------------------------- */

/* Where 0 and nothing mean 1. */
static u_int
count(const struct wsemul *we, u_int i)
{
	const struct wsparser *ws = &we->we_parser;

	return (i < ws->ws_nparam && ws->ws_param[i] != 0 ?
	    ws->ws_param[i] : 1);
}

static u_int
param(const struct wsemul *we, u_int i)
{
	const struct wsparser *ws = &we->we_parser;

	return (i < ws->ws_nparam ? ws->ws_param[i] : 0);
}

void
wsemul_answer(struct wsemul *we, const char *s)
{
	we->we_ops->wo_answer(we->we_arg, s, strlen(s));
}

/* --- the cursor ---------------------------------------------------------- */

static void
move_x(struct wsemul *we, u_int x)
{
	we->we_pen.wp_x = MIN(x, we->we_cols - 1);
	we->we_pen.wp_wrap = false;
}

/* To a line of the screen, or of the region in origin mode. */
static void
move_y(struct wsemul *we, u_int y)
{
	struct wspen *wp = &we->we_pen;

	if (wp->wp_origin)
		wp->wp_y = MIN(y + we->we_top, we->we_bottom - 1);
	else
		wp->wp_y = MIN(y, we->we_rows - 1);
	wp->wp_wrap = false;
}

/* Up and down stop at the region's edge, if they begin inside it. */
static void
move_up(struct wsemul *we, u_int n)
{
	struct wspen *wp = &we->we_pen;
	u_int top = wp->wp_y >= we->we_top ? we->we_top : 0;

	wp->wp_y -= MIN(n, wp->wp_y - top);
	wp->wp_wrap = false;
}

static void
move_down(struct wsemul *we, u_int n)
{
	struct wspen *wp = &we->we_pen;
	u_int bottom = wp->wp_y < we->we_bottom ? we->we_bottom :
	    we->we_rows;

	wp->wp_y += MIN(n, bottom - 1 - wp->wp_y);
	wp->wp_wrap = false;
}

static void
move_left(struct wsemul *we, u_int n)
{
	move_x(we, we->we_pen.wp_x - MIN(n, we->we_pen.wp_x));
}

/* --- tabs ---------------------------------------------------------------- */

static bool
tab_at(const struct wsemul *we, u_int x)
{
	return ((we->we_tabs[x / 8] & 1U << x % 8) != 0);
}

void
wsemul_tab(struct wsemul *we, u_int n)
{
	u_int x = we->we_pen.wp_x;

	for (; n > 0 && x < we->we_cols - 1; n--) {
		do {
			x++;
		} while (x < we->we_cols - 1 && !tab_at(we, x));
	}
	move_x(we, x);
}

static void
tab_back(struct wsemul *we, u_int n)
{
	u_int x = we->we_pen.wp_x;

	for (; n > 0 && x > 0; n--) {
		do {
			x--;
		} while (x > 0 && !tab_at(we, x));
	}
	move_x(we, x);
}

static void
tab_clear(struct wsemul *we)
{
	u_int x = we->we_pen.wp_x;

	if (param(we, 0) == 0)
		we->we_tabs[x / 8] &= ~(1U << x % 8);
	else if (param(we, 0) == 3)
		memset(we->we_tabs, 0, sizeof(we->we_tabs));
}

/* --- save, restore, reset ------------------------------------------------ */

static const struct wspen pen_reset = {
	.wp_fg = WSC_DEFAULT, .wp_bg = WSC_DEFAULT,
	.wp_set = { 'B', 'B', 'B', 'B' },
};

void
wsemul_save(struct wsemul *we)
{
	we->we_save[we->we_isalt] = we->we_pen;
}

void
wsemul_restore(struct wsemul *we)
{
	we->we_pen = we->we_save[we->we_isalt];
}

void
wsemul_soft_reset(struct wsemul *we)
{
	struct wspen *wp = &we->we_pen;
	u_int x = wp->wp_x, y = wp->wp_y;

	we->we_modes = WSM_WRAP | WSM_CURSOR;
	we->we_top = 0;
	we->we_bottom = we->we_rows;
	we->we_save[0] = we->we_save[1] = pen_reset;
	*wp = pen_reset;
	wp->wp_x = x;
	wp->wp_y = y;
}

void
wsemul_reset(struct wsemul *we)
{
	wsemul_soft_reset(we);
	we->we_pen = pen_reset;
	we->we_last = 0;
	memset(we->we_tabs, 0x01, sizeof(we->we_tabs));
	wsscreen_use(we, true);
	wsscreen_clear_rows(we, 0, we->we_rows);
	wsscreen_use(we, false);
	wsscreen_clear_rows(we, 0, we->we_rows);
}

/* --- erase --------------------------------------------------------------- */

static void
erase_line(struct wsemul *we)
{
	struct wspen *wp = &we->we_pen;
	u_int how = param(we, 0);

	if (how > 2)
		return;
	wsscreen_clear(we, we->we_row[wp->wp_y], how == 0 ? wp->wp_x : 0,
	    how == 1 ? wp->wp_x + 1 : we->we_cols);
	wp->wp_wrap = false;
}

static void
erase_display(struct wsemul *we)
{
	u_int y = we->we_pen.wp_y;

	switch (param(we, 0)) {
	case 0:
		wsscreen_clear_rows(we, y + 1, we->we_rows);
		erase_line(we);
		break;
	case 1:
		wsscreen_clear_rows(we, 0, y);
		erase_line(we);
		break;
	case 2:
		wsscreen_clear_rows(we, 0, we->we_rows);
		break;
	case 3:
		wsscreen_forget(we);
		break;
	}
}

/* Only inside the region. */
static void
lines(struct wsemul *we, void (*move)(struct wsemul *, u_int, u_int, u_int))
{
	struct wspen *wp = &we->we_pen;
	bool alt = we->we_isalt;

	if (wp->wp_y < we->we_top || wp->wp_y >= we->we_bottom)
		return;
	we->we_isalt = true;		/* what is deleted is not kept */
	move(we, wp->wp_y, we->we_bottom, count(we, 0));
	we->we_isalt = alt;
	move_x(we, 0);
}

/* --- modes --------------------------------------------------------------- */

static void
set_mode(struct wsemul *we, u_int mode, bool on)
{
	if (on)
		we->we_modes |= mode;
	else
		we->we_modes &= ~mode;
}

/*
 * 47 only changes over, 1047 clears the alternate screen when it is left,
 * 1049 when it is entered, and takes care of the cursor.
 */
static void
alternate(struct wsemul *we, u_int mode, bool on)
{
	struct wspen pen;

	if (mode == 1049 && on && !we->we_isalt)
		wsemul_save(we);
	if (mode == 1047 && !on && we->we_isalt)
		wsscreen_clear_rows(we, 0, we->we_rows);
	if (on != we->we_isalt) {
		pen = we->we_pen;
		wsscreen_use(we, on);
		we->we_pen = pen;
		if (mode == 1049 && on)
			wsscreen_clear_rows(we, 0, we->we_rows);
		if (mode == 1049 && !on)
			wsemul_restore(we);
	}
}

static void
private_mode(struct wsemul *we, u_int mode, bool on)
{
	switch (mode) {
	case 1:
		set_mode(we, WSM_APPCURSOR, on);
		break;
	case 5:
		set_mode(we, WSM_REVERSE, on);
		break;
	case 6:
		we->we_pen.wp_origin = on;
		move_y(we, 0);
		move_x(we, 0);
		break;
	case 7:
		set_mode(we, WSM_WRAP, on);
		we->we_pen.wp_wrap = false;
		break;
	case 25:
		set_mode(we, WSM_CURSOR, on);
		break;
	case 47:
	case 1047:
	case 1049:
		alternate(we, mode, on);
		break;
	case 66:
		set_mode(we, WSM_APPKEYPAD, on);
		break;
	case 1048:
		if (on)
			wsemul_save(we);
		else
			wsemul_restore(we);
		break;
	}
}

static void
modes(struct wsemul *we, bool on)
{
	const struct wsparser *ws = &we->we_parser;
	u_int i;

	for (i = 0; i < ws->ws_nparam; i++) {
		if (ws->ws_prefix == '?')
			private_mode(we, ws->ws_param[i], on);
		else if (ws->ws_param[i] == 4)
			set_mode(we, WSM_INSERT, on);
		else if (ws->ws_param[i] == 20)
			set_mode(we, WSM_NEWLINE, on);
	}
}

static void
region(struct wsemul *we)
{
	u_int top = count(we, 0) - 1, bottom = param(we, 1);

	if (bottom == 0 || bottom > we->we_rows)
		bottom = we->we_rows;
	if (top + 1 >= bottom)
		return;
	we->we_top = top;
	we->we_bottom = bottom;
	move_y(we, 0);
	move_x(we, 0);
}

/* --- questions ----------------------------------------------------------- */

static void
status_report(struct wsemul *we)
{
	const struct wspen *wp = &we->we_pen;
	char buf[32];

	if (param(we, 0) == 5 && we->we_parser.ws_prefix == 0)
		wsemul_answer(we, "\033[0n");
	if (param(we, 0) != 6)
		return;
	snprintf(buf, sizeof(buf), "\033[%s%u;%uR",
	    we->we_parser.ws_prefix == '?' ? "?" : "",
	    wp->wp_y + 1 - (wp->wp_origin ? we->we_top : 0), wp->wp_x + 1);
	wsemul_answer(we, buf);
}

/* A VT220 that knows colours. */
static void
attributes_report(struct wsemul *we)
{
	if (param(we, 0) != 0)
		return;
	if (we->we_parser.ws_prefix == 0)
		wsemul_answer(we, "\033[?62;22c");
	else if (we->we_parser.ws_prefix == '>')
		wsemul_answer(we, "\033[>1;0;0c");
}

/* --- colours and attributes ---------------------------------------------- */

static bool
is_colon(const struct wsparser *ws, u_int i)
{
	return (i < ws->ws_nparam && (ws->ws_colon & 1U << i) != 0);
}

/*
 * 38 and 48, in each of the forms that are about: 38;5;N 38:5:N 38;2;R;G;B
 * 38:2:R:G:B 38:2:SPACE:R:G:B.  What follows it is returned.
 */
static u_int
sgr_colour(const struct wsparser *ws, u_int i, uint32_t *colour)
{
	const uint16_t *p = ws->ws_param;
	u_int end, at, how = i + 1 < ws->ws_nparam ? p[i + 1] : 0;
	bool colon = is_colon(ws, i + 1);

	for (end = i + 1; is_colon(ws, end); end++)
		;
	if (!colon)
		end = MIN(i + (how == 2 ? 5 : how == 5 ? 3 : 2),
		    ws->ws_nparam);
	if (how == 5 && i + 2 < end && p[i + 2] < 256)
		*colour = p[i + 2];
	at = colon && end - i >= 6 ? i + 3 : i + 2;
	if (how == 2 && at + 3 <= end)
		*colour = WSC_RGB | (p[at] & 0xff) << 16 |
		    (p[at + 1] & 0xff) << 8 | (p[at + 2] & 0xff);
	return (end);
}

static void
sgr_attribute(struct wspen *wp, u_int n)
{
	static const uint16_t on[10] = {
		[1] = WSA_BOLD, [2] = WSA_DIM, [4] = WSA_UNDERLINE,
		[7] = WSA_REVERSE, [8] = WSA_HIDDEN, [9] = WSA_STRIKE,
	};

	if (n < 10)
		wp->wp_attr |= on[n];
	else if (n == 21)		/* underlined twice */
		wp->wp_attr |= WSA_UNDERLINE;
	else if (n == 22)
		wp->wp_attr &= ~(WSA_BOLD | WSA_DIM);
	else if (n >= 23 && n <= 29)
		wp->wp_attr &= ~on[n - 20];
	else if (n >= 30 && n <= 37)
		wp->wp_fg = n - 30;
	else if (n == 39)
		wp->wp_fg = WSC_DEFAULT;
	else if (n >= 40 && n <= 47)
		wp->wp_bg = n - 40;
	else if (n == 49)
		wp->wp_bg = WSC_DEFAULT;
	else if (n >= 90 && n <= 97)
		wp->wp_fg = n - 90 + 8;
	else if (n >= 100 && n <= 107)
		wp->wp_bg = n - 100 + 8;
}

void
wsemul_sgr(struct wsemul *we)
{
	const struct wsparser *ws = &we->we_parser;
	struct wspen *wp = &we->we_pen;
	uint32_t none;
	u_int i = 0, n;

	do {
		n = param(we, i);
		if (n == 0) {
			wp->wp_attr = 0;
			wp->wp_fg = wp->wp_bg = WSC_DEFAULT;
		} else if (n == 38 || n == 48 || n == 58) {
			i = sgr_colour(ws, i, n == 38 ? &wp->wp_fg :
			    n == 48 ? &wp->wp_bg : &none);
			continue;
		} else if (n == 4 && is_colon(ws, i + 1) &&
		    param(we, i + 1) == 0)
			wp->wp_attr &= ~WSA_UNDERLINE;
		else
			sgr_attribute(wp, n);
		do {
			i++;
		} while (is_colon(ws, i));
	} while (i < ws->ws_nparam);
}

/* --- all of them --------------------------------------------------------- */

static void
repeat(struct wsemul *we, u_int n)
{
	uint32_t c = we->we_last;

	for (n = MIN(n, we->we_cols * we->we_rows); n > 0 && c != 0; n--)
		wsscreen_put(we, c);
}

static void
csi_plain(struct wsemul *we, u_int final)
{
	u_int n = count(we, 0);

	switch (final) {
	case '@': wsscreen_insert(we, n); we->we_pen.wp_wrap = false; break;
	case 'A': move_up(we, n); break;
	case 'B':
	case 'e': move_down(we, n); break;
	case 'C':
	case 'a': move_x(we, we->we_pen.wp_x + n); break;
	case 'D': move_left(we, n); break;
	case 'E': move_down(we, n); move_x(we, 0); break;
	case 'F': move_up(we, n); move_x(we, 0); break;
	case 'G':
	case '`': move_x(we, n - 1); break;
	case 'H':
	case 'f': move_y(we, n - 1); move_x(we, count(we, 1) - 1); break;
	case 'I': wsemul_tab(we, n); break;
	case 'L': lines(we, wsscreen_down); break;
	case 'M': lines(we, wsscreen_up); break;
	case 'P': wsscreen_delete(we, n); we->we_pen.wp_wrap = false; break;
	case 'S': wsscreen_up(we, we->we_top, we->we_bottom, n); break;
	case 'T':
		if (we->we_parser.ws_nparam <= 1)
			wsscreen_down(we, we->we_top, we->we_bottom, n);
		break;
	case 'X': wsscreen_erase(we, n); we->we_pen.wp_wrap = false; break;
	case 'Z': tab_back(we, n); break;
	case 'b': repeat(we, n); break;
	case 'd': move_y(we, n - 1); break;
	case 'g': tab_clear(we); break;
	case 'm': wsemul_sgr(we); break;
	case 'r': region(we); break;
	case 's': wsemul_save(we); break;
	case 'u': wsemul_restore(we); break;
	}
}

void
wsemul_csi(struct wsemul *we, u_int final)
{
	const struct wsparser *ws = &we->we_parser;

	if (ws->ws_inter != 0) {
		if (ws->ws_inter == '!' && final == 'p' && ws->ws_prefix == 0)
			wsemul_soft_reset(we);
		return;
	}
	switch (final) {
	case 'c':
		attributes_report(we);
		return;
	case 'h':
	case 'l':
		if (ws->ws_prefix == 0 || ws->ws_prefix == '?')
			modes(we, final == 'h');
		return;
	case 'n':
		if (ws->ws_prefix == 0 || ws->ws_prefix == '?')
			status_report(we);
		return;
	case 'J':
	case 'K':
		/* nothing is protected, so with '?' it is the same */
		if (ws->ws_prefix != 0 && ws->ws_prefix != '?')
			return;
		if (final == 'J')
			erase_display(we);
		else
			erase_line(we);
		return;
	}
	if (ws->ws_prefix == 0)
		csi_plain(we, final);
}

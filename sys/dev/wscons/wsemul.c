/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * From bytes to characters and sequences.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/wscons/wsemul_priv.h>

#define STRING_MAX	4096	/* a title that does not end is text again */
#define PARAM_MAX	9999
#define REPLACEMENT	0xfffd

#define ESC		0x1b
#define BEL		0x07
#define CAN		0x18
#define SUB		0x1a
#define DEL		0x7f

enum { GROUND, ESCAPE, ESCAPE_INTER, CSI, CSI_BAD, STRING, STRING_ESC };

static void	byte(struct wsemul *, u_int);

/* --- characters ---------------------------------------------------------- */

/* DEC special graphics, from 0x5f on. */
static const uint16_t graphics[] = {
	0x00a0,
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1,
	0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba,
	0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c,
	0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

static void
put(struct wsemul *we, uint32_t c)
{
	struct wspen *wp = &we->we_pen;

	if (c >= 0x80 && c < 0xa0)
		return;		/* controls of eight bits mean nothing here */
	if (wp->wp_set[wp->wp_gl] == '0' && c >= 0x5f && c < DEL)
		c = graphics[c - 0x5f];
	wsscreen_put(we, c);
}

/*
 * UTF-8 as Unicode 3.9, table 3-7, has it.  What is not well-formed becomes
 * one replacement character for each part that could have been the beginning
 * of a character.
 */
static void
utf8_begin(struct wsemul *we, u_int b)
{
	struct wsparser *ws = &we->we_parser;

	ws->ws_low = 0x80;
	ws->ws_high = 0xbf;
	if (b >= 0xc2 && b <= 0xdf) {
		ws->ws_need = 1;
		ws->ws_code = b & 0x1f;
	} else if (b >= 0xe0 && b <= 0xef) {
		ws->ws_need = 2;
		ws->ws_code = b & 0x0f;
		if (b == 0xe0)
			ws->ws_low = 0xa0;
		if (b == 0xed)
			ws->ws_high = 0x9f;
	} else if (b >= 0xf0 && b <= 0xf4) {
		ws->ws_need = 3;
		ws->ws_code = b & 0x07;
		if (b == 0xf0)
			ws->ws_low = 0x90;
		if (b == 0xf4)
			ws->ws_high = 0x8f;
	} else
		put(we, REPLACEMENT);
}

/* False: the byte is not part of the character that was begun. */
static bool
utf8_more(struct wsemul *we, u_int b)
{
	struct wsparser *ws = &we->we_parser;

	if (b < ws->ws_low || b > ws->ws_high) {
		ws->ws_need = 0;
		put(we, REPLACEMENT);
		return (false);
	}
	ws->ws_low = 0x80;
	ws->ws_high = 0xbf;
	ws->ws_code = ws->ws_code << 6 | (b & 0x3f);
	if (--ws->ws_need == 0)
		put(we, ws->ws_code);
	return (true);
}

/* --- single controls ----------------------------------------------------- */

static void
control(struct wsemul *we, u_int b)
{
	struct wspen *wp = &we->we_pen;

	switch (b) {
	case '\b':
		if (wp->wp_x > 0)
			wp->wp_x--;
		wp->wp_wrap = false;
		break;
	case '\t':
		wsemul_tab(we, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		if (we->we_modes & WSM_NEWLINE)
			wp->wp_x = 0;
		wsscreen_linefeed(we);
		break;
	case '\r':
		wp->wp_x = 0;
		wp->wp_wrap = false;
		break;
	case 0x0e:
		wp->wp_gl = 1;
		break;
	case 0x0f:
		wp->wp_gl = 0;
		break;
	}
}

static void
reverse_linefeed(struct wsemul *we)
{
	struct wspen *wp = &we->we_pen;

	wp->wp_wrap = false;
	if (wp->wp_y == we->we_top)
		wsscreen_down(we, we->we_top, we->we_bottom, 1);
	else if (wp->wp_y > 0)
		wp->wp_y--;
}

/* A screen full of E, to adjust the picture by. */
static void
alignment(struct wsemul *we)
{
	struct wspen pen = we->we_pen;
	u_int x, y;

	we->we_pen.wp_attr = 0;
	we->we_pen.wp_bg = WSC_DEFAULT;
	wsscreen_clear_rows(we, 0, we->we_rows);
	for (y = 0; y < we->we_rows; y++)
		for (x = 0; x < we->we_cols; x++)
			we->we_row[y]->wr_cell[x].wc_char = 'E';
	we->we_pen = pen;
	we->we_pen.wp_x = we->we_pen.wp_y = 0;
	we->we_pen.wp_wrap = false;
	we->we_top = 0;
	we->we_bottom = we->we_rows;
}

static void
begin_string(struct wsemul *we, u_int kind)
{
	we->we_parser.ws_state = STRING;
	we->we_parser.ws_prefix = kind;
	we->we_parser.ws_first = 0;
	we->we_parser.ws_len = 0;
}

static void
begin_csi(struct wsemul *we)
{
	struct wsparser *ws = &we->we_parser;

	ws->ws_state = CSI;
	ws->ws_prefix = ws->ws_inter = 0;
	ws->ws_nparam = 0;
	ws->ws_param[0] = 0;
	ws->ws_colon = 0;
}

static void
escape(struct wsemul *we, u_int b)
{
	struct wspen *wp = &we->we_pen;

	we->we_parser.ws_state = GROUND;
	switch (b) {
	case '[': begin_csi(we); break;
	case ']': case 'P': case 'X': case '^': case '_':
		begin_string(we, b);
		break;
	case '7': wsemul_save(we); break;
	case '8': wsemul_restore(we); break;
	case '=': we->we_modes |= WSM_APPKEYPAD; break;
	case '>': we->we_modes &= ~WSM_APPKEYPAD; break;
	case 'D': wsscreen_linefeed(we); break;
	case 'E': wp->wp_x = 0; wsscreen_linefeed(we); break;
	case 'H': we->we_tabs[wp->wp_x / 8] |= 1U << wp->wp_x % 8; break;
	case 'M': reverse_linefeed(we); break;
	case 'Z': wsemul_answer(we, "\033[?62;22c"); break;
	case 'c': wsemul_reset(we); break;
	case 'n': wp->wp_gl = 2; break;
	case 'o': wp->wp_gl = 3; break;
	}
}

/* With a byte between: a character set, or DECALN. */
static void
escape_inter(struct wsemul *we, u_int b)
{
	u_int i = we->we_parser.ws_inter;

	we->we_parser.ws_state = GROUND;
	if (i >= '(' && i <= '+')
		we->we_pen.wp_set[i - '('] = b == '0' ? '0' : 'B';
	else if (i == '#' && b == '8')
		alignment(we);
}

/* --- sequences ----------------------------------------------------------- */

static void
csi_digit(struct wsparser *ws, u_int b)
{
	uint16_t *p;

	if (ws->ws_nparam == 0)
		ws->ws_nparam = 1;
	p = &ws->ws_param[ws->ws_nparam - 1];
	*p = MIN(*p * 10 + b - '0', PARAM_MAX);
}

static void
csi_separator(struct wsparser *ws, u_int b)
{
	if (ws->ws_nparam == 0)
		ws->ws_nparam = 1;
	if (ws->ws_nparam == WSEMUL_NPARAM) {
		ws->ws_state = CSI_BAD;
		return;
	}
	if (b == ':')
		ws->ws_colon |= 1U << ws->ws_nparam;
	ws->ws_param[ws->ws_nparam++] = 0;
}

static void
csi(struct wsemul *we, u_int b)
{
	struct wsparser *ws = &we->we_parser;

	if (b >= 0x40) {
		ws->ws_state = GROUND;
		if (ws->ws_nparam == 0 && b != 'T')
			ws->ws_nparam = 1;
		wsemul_csi(we, b);
	} else if (b < 0x30)
		ws->ws_inter = ws->ws_inter == 0 ? b : 1;
	else if (ws->ws_inter != 0)
		ws->ws_state = CSI_BAD;
	else if (b <= '9')
		csi_digit(ws, b);
	else if (b <= ';')
		csi_separator(ws, b);
	else if (ws->ws_nparam == 0 && ws->ws_prefix == 0)
		ws->ws_prefix = b;
	else
		ws->ws_state = CSI_BAD;
}

/*
 * Titles and the like are dropped.  Two of the Linux console have no end but
 * a length: a colour and the reset of all colours.
 */
static void
string(struct wsemul *we, u_int b)
{
	struct wsparser *ws = &we->we_parser;

	if (b == BEL) {
		ws->ws_state = GROUND;
		return;
	}
	if (ws->ws_len == 0)
		ws->ws_first = b;
	if (++ws->ws_len == STRING_MAX || (ws->ws_prefix == ']' &&
	    ((ws->ws_first == 'R' && ws->ws_len == 1) ||
	    (ws->ws_first == 'P' && ws->ws_len == 8))))
		ws->ws_state = GROUND;
}

static void
byte(struct wsemul *we, u_int b)
{
	struct wsparser *ws = &we->we_parser;

	if (ws->ws_state == GROUND && b >= 0x80) {
		if (ws->ws_need == 0)
			utf8_begin(we, b);
		else if (!utf8_more(we, b))
			byte(we, b);
		return;
	}
	if (ws->ws_need != 0) {
		ws->ws_need = 0;
		put(we, REPLACEMENT);
	}
	if (b == CAN || b == SUB) {
		ws->ws_state = GROUND;
		return;
	}
	if (b == ESC) {
		ws->ws_state = ws->ws_state == STRING ? STRING_ESC : ESCAPE;
		ws->ws_inter = 0;
		return;
	}
	if (ws->ws_state == STRING) {
		string(we, b);
		return;
	}
	if (ws->ws_state == STRING_ESC) {
		/* the end, or another sequence that broke in */
		ws->ws_state = ESCAPE;
		if (b == '\\') {
			ws->ws_state = GROUND;
			return;
		}
	}
	if (b < 0x20) {
		control(we, b);
		return;
	}
	if (b == DEL)
		return;
	if (b >= 0x80) {
		ws->ws_state = GROUND;
		byte(we, b);
		return;
	}
	switch (ws->ws_state) {
	case GROUND:
		put(we, b);
		break;
	case ESCAPE:
		if (b < 0x30) {
			ws->ws_state = ESCAPE_INTER;
			ws->ws_inter = b;
		} else
			escape(we, b);
		break;
	case ESCAPE_INTER:
		if (b < 0x30)
			ws->ws_inter = 1;
		else
			escape_inter(we, b);
		break;
	case CSI:
		csi(we, b);
		break;
	case CSI_BAD:
		if (b >= 0x40)
			ws->ws_state = GROUND;
		break;
	}
}

/* --- outside ------------------------------------------------------------- */

void
wsemul_write(struct wsemul *we, const void *buf, size_t n)
{
	const struct wsparser *ws = &we->we_parser;
	const struct wspen *wp = &we->we_pen;
	const uint8_t *p = buf, *end = p + n;

	if (n != 0)
		we->we_midline = false;
	while (p < end) {
		if (ws->ws_state == GROUND && ws->ws_need == 0 &&
		    wp->wp_set[wp->wp_gl] == 'B')
			p += wsscreen_text(we, p, end - p);
		if (p < end)
			byte(we, *p++);
	}
}

static void
message(struct wsemul *we, const uint8_t *p, size_t n)
{
	for (; n > 0; n--, p++) {
		if (*p == '\n')
			byte(we, '\r');
		if (*p != ESC)
			byte(we, *p);
	}
}

void
wsemul_message(struct wsemul *we, const void *buf, size_t n)
{
	const uint8_t *p = buf;
	struct wsparser parser = we->we_parser;
	struct wspen pen = we->we_pen;
	u_int keep = WSM_INSERT | WSM_NEWLINE | WSM_WRAP;
	u_int modes = we->we_modes & keep;

	if (n == 0)
		return;
	we->we_parser = (struct wsparser){ .ws_state = GROUND };
	we->we_modes = (we->we_modes & ~keep) | WSM_WRAP;
	we->we_pen.wp_attr = 0;
	we->we_pen.wp_fg = we->we_pen.wp_bg = WSC_DEFAULT;
	we->we_pen.wp_set[0] = 'B';
	we->we_pen.wp_gl = 0;
	if (!we->we_midline && we->we_pen.wp_x != 0)
		message(we, (const uint8_t *)"\n", 1);
	message(we, p, n);
	we->we_midline = p[n - 1] != '\n';
	pen.wp_x = we->we_pen.wp_x;
	pen.wp_y = we->we_pen.wp_y;
	pen.wp_wrap = we->we_pen.wp_wrap;
	we->we_pen = pen;
	we->we_modes = (we->we_modes & ~keep) | modes;
	we->we_parser = parser;
}

int
wsemul_init(struct wsemul *we, u_int cols, u_int rows,
    const struct wsemul_ops *ops, void *arg)
{
	int error;

	*we = (struct wsemul){ .we_ops = ops, .we_arg = arg };
	if ((error = wsemul_resize(we, cols, rows)) == 0)
		wsemul_reset(we);
	return (error);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Cells to pixels: see wsrender.h.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/wscons/wsfont.h>
#include <dev/wscons/wsrender.h>

#define SCALE_WIDTH	1280	/* from twice this on the font is doubled */
#define SCALE_HEIGHT	540
#define SCALE_MAX	8
#define MERGE_SLACK	8	/* cells drawn in vain to save a rectangle */

#define WSA_CURSOR	0x100	/* only in what is shown */
#define NOTHING		0x1fffff	/* no character: must be drawn */

#define FOREGROUND	7
#define BACKGROUND	0

/* --- colours ------------------------------------------------------------- */

static const uint32_t palette[16] = {
	0x000000, 0xc03030, 0x20a040, 0xb08020,
	0x3868d0, 0xa848b0, 0x2098a8, 0xc8c8c8,
	0x707070, 0xff6868, 0x58d878, 0xf8d850,
	0x70a0ff, 0xe080f0, 0x50d8e8, 0xffffff,
};

/* Of the 256: sixteen, a cube of six levels, 24 greys. */
static uint32_t
indexed(u_int i)
{
	static const uint8_t level[6] = { 0, 95, 135, 175, 215, 255 };

	if (i < 16)
		return (palette[i]);
	if (i >= 232)
		return ((8 + (i - 232) * 10) * 0x010101);
	i -= 16;
	return (level[i / 36] << 16 | level[i / 6 % 6] << 8 | level[i % 6]);
}

static uint32_t
rgb(uint32_t colour, u_int dflt)
{
	if (colour & WSC_RGB)
		return (colour & 0xffffff);
	return (indexed(colour & WSC_DEFAULT ? dflt : colour & 0xff));
}

/* As it lies in memory: blue, green, red, nothing. */
static uint32_t
pixel(uint32_t c)
{
	uint8_t b[4] = { c, c >> 8, c >> 16, 0 };
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return (v);
}

struct ink {
	uint32_t	i_fg, i_bg;	/* pixels */
};

static struct ink
cell_ink(const struct wscell *c)
{
	uint32_t fgc = c->wc_fg, fg, bg = rgb(c->wc_bg, BACKGROUND), t;
	u_int attr = c->wc_attr;

	if ((attr & WSA_BOLD) && fgc < 8)
		fgc += 8;
	else if ((attr & WSA_BOLD) && fgc == WSC_DEFAULT)
		fgc = FOREGROUND + 8;
	fg = rgb(fgc, FOREGROUND);
	if (attr & WSA_DIM)
		fg = (fg >> 1 & 0x7f7f7f) + (bg >> 1 & 0x7f7f7f);
	if (attr & WSA_REVERSE) {
		t = fg;
		fg = bg;
		bg = t;
	}
	if (attr & WSA_HIDDEN)
		fg = bg;
	if (attr & WSA_CURSOR) {
		t = fg;
		fg = bg;
		bg = t == bg ? ~t & 0xffffff : t;
	}
	return ((struct ink){ pixel(fg), pixel(bg) });
}

/* --- pixels -------------------------------------------------------------- */

/* Four points at a time; the colours are mostly those of the last cell. */
static void
draw_plain(struct wsrender *wd, uint8_t *dst, size_t stride,
    const uint8_t *bits, struct ink ink)
{
	const struct wsquad *t = wd->wd_quad;
	struct wsquad *p;
	u_int i, y;

	if (!wd->wd_inked || wd->wd_fg != ink.i_fg || wd->wd_bg != ink.i_bg) {
		for (i = 0; i < 64; i++)
			wd->wd_quad[i / 4].wq_p[i % 4] = i / 4 & 8 >> i % 4 ?
			    ink.i_fg : ink.i_bg;
		wd->wd_fg = ink.i_fg;
		wd->wd_bg = ink.i_bg;
		wd->wd_inked = true;
	}
	for (y = 0; y < WSFONT_HEIGHT; y++, dst += stride) {
		p = (struct wsquad *)(void *)dst;
		p[0] = t[bits[y] >> 4];
		p[1] = t[bits[y] & 15];
	}
}

static void
draw_scaled(uint8_t *dst, size_t stride, u_int scale, const uint8_t *bits,
    struct ink ink)
{
	uint32_t line[WSFONT_WIDTH * SCALE_MAX], *p, v;
	u_int x, y, i;

	for (y = 0; y < WSFONT_HEIGHT; y++) {
		p = line;
		for (x = 0; x < WSFONT_WIDTH; x++) {
			v = bits[y] & 0x80 >> x ? ink.i_fg : ink.i_bg;
			for (i = 0; i < scale; i++)
				*p++ = v;
		}
		for (i = 0; i < scale; i++, dst += stride)
			memcpy(dst, line, (p - line) * sizeof(*p));
	}
}

/* The second weight is the first, and once more a point to the right. */
static const uint8_t *
cell_bits(const struct wscell *c, uint8_t *buf)
{
	u_int attr = c->wc_attr, y;
	const uint8_t *g;

	if ((attr & (WSA_WIDE | WSA_RIGHT)) && !wsfont_has(c->wc_char))
		g = wsfont_wide[(attr & WSA_RIGHT) != 0];
	else if (attr & WSA_RIGHT)
		g = wsfont_glyph(' ');
	else
		g = wsfont_glyph(c->wc_char);
	if (!(attr & (WSA_BOLD | WSA_UNDERLINE | WSA_STRIKE)))
		return (g);
	for (y = 0; y < WSFONT_HEIGHT; y++)
		buf[y] = attr & WSA_BOLD ? g[y] | g[y] >> 1 : g[y];
	if (attr & WSA_UNDERLINE)
		buf[WSFONT_UNDER] = 0xff;
	if (attr & WSA_STRIKE)
		buf[WSFONT_STRIKE] = 0xff;
	return (buf);
}

static uint8_t *
cell_at(const struct wsrender *wd, uint8_t *pixels, size_t stride, u_int x,
    u_int y)
{
	return (pixels + (wd->wd_y + (size_t)y * WSFONT_HEIGHT *
	    wd->wd_scale) * stride + (wd->wd_x + (size_t)x * WSFONT_WIDTH *
	    wd->wd_scale) * 4);
}

static void
draw_cell(struct wsrender *wd, uint8_t *dst, size_t stride,
    const struct wscell *c)
{
	uint8_t buf[WSFONT_HEIGHT];
	const uint8_t *bits = cell_bits(c, buf);

	if (wd->wd_scale == 1)
		draw_plain(wd, dst, stride, bits, cell_ink(c));
	else
		draw_scaled(dst, stride, wd->wd_scale, bits, cell_ink(c));
}

/* --- damage -------------------------------------------------------------- */

/*
 * Cells that have changed on the next line: one rectangle with those above,
 * if not much else gets into it.
 */
static u_int
damage_add(struct fb_rect *r, u_int n, u_int x, u_int y, u_int w)
{
	struct fb_rect *last = &r[n - 1];
	u_int left, right;

	if (n != 0 && (n == WSRENDER_RECTS || last->fr_y + last->fr_h == y)) {
		left = MIN(last->fr_x, x);
		right = MAX(last->fr_x + last->fr_w, x + w);
		if (n == WSRENDER_RECTS || (right - left) *
		    (last->fr_h + 1) <= last->fr_w * last->fr_h + w +
		    MERGE_SLACK) {
			*last = (struct fb_rect){ left, last->fr_y,
			    right - left, y + 1 - last->fr_y };
			return (n);
		}
	}
	r[n] = (struct fb_rect){ x, y, w, 1 };
	return (n + 1);
}

static void
damage_pixels(const struct wsrender *wd, struct fb_rect *r, u_int n)
{
	u_int w = WSFONT_WIDTH * wd->wd_scale, h = WSFONT_HEIGHT *
	    wd->wd_scale;

	for (; n > 0; n--, r++)
		*r = (struct fb_rect){ wd->wd_x + r->fr_x * w,
		    wd->wd_y + r->fr_y * h, r->fr_w * w, r->fr_h * h };
}

/* --- lines --------------------------------------------------------------- */

static const struct wscell blank = {
	.wc_char = ' ', .wc_fg = WSC_DEFAULT, .wc_bg = WSC_DEFAULT
};

static bool
same(const struct wscell *a, const struct wscell *b)
{
	return (a->wc_char == b->wc_char && a->wc_attr == b->wc_attr &&
	    a->wc_fg == b->wc_fg && a->wc_bg == b->wc_bg);
}

/* What of a line has to be drawn, between *from and *to. */
static bool
draw_line(struct wsrender *wd, const struct wsemul *we, u_int y, u_int cursor,
    uint8_t *dst, size_t stride, u_int *from, u_int *to)
{
	const struct wsrow *wr = y < we->we_rows ? wsemul_line(we, y) : NULL;
	struct wscell *shown = &wd->wd_shown[(size_t)y * wd->wd_cols], c;
	u_int x, n = wr != NULL ? wr->wr_cols : 0;
	u_int flip = we->we_modes & WSM_REVERSE ? WSA_REVERSE : 0;
	size_t step = WSFONT_WIDTH * wd->wd_scale * 4;

	*from = wd->wd_cols;
	*to = 0;
	for (x = 0; x < wd->wd_cols; x++, dst += step) {
		c = x < n ? wr->wr_cell[x] : blank;
		c.wc_attr ^= flip;
		if (x == cursor)
			c.wc_attr |= WSA_CURSOR;
		if (same(&c, &shown[x]))
			continue;
		shown[x] = c;
		draw_cell(wd, dst, stride, &c);
		*from = MIN(*from, x);
		*to = x + 1;
	}
	return (*to != 0);
}

u_int
wsrender_draw(struct wsrender *wd, const struct wsemul *we, uint8_t *pixels,
    size_t stride, struct fb_rect *r)
{
	u_int y, cx, cy, from, to, n = 0;
	bool cursor = wsemul_cursor(we, &cx, &cy);

	for (y = 0; y < wd->wd_rows; y++) {
		if (draw_line(wd, we, y, cursor && y == cy ? cx : UINT32_MAX,
		    cell_at(wd, pixels, stride, 0, y), stride, &from, &to))
			n = damage_add(r, n, from, y, to - from);
	}
	damage_pixels(wd, r, n);
	return (n);
}

void
wsrender_text(struct wsrender *wd, uint8_t *pixels, size_t stride,
    u_int y, const char *s, size_t n)
{
	struct wscell c = blank;
	u_int x;

	for (x = 0; x < wd->wd_cols; x++) {
		c.wc_char = x < n ? (u_char)s[x] : ' ';
		draw_cell(wd, cell_at(wd, pixels, stride, x, y), stride, &c);
	}
}

/* --- modes --------------------------------------------------------------- */

void
wsrender_place(struct wsrender *wd, u_int width, u_int height)
{
	u_int w, h, scale = MIN(width / SCALE_WIDTH, height / SCALE_HEIGHT);

	wd->wd_inked = false;
	wd->wd_scale = MIN(MAX(scale, 1), SCALE_MAX);
	w = WSFONT_WIDTH * wd->wd_scale;
	h = WSFONT_HEIGHT * wd->wd_scale;
	wd->wd_cols = MIN(width / w, WSEMUL_MAXCOLS);
	wd->wd_rows = MIN(height / h, WSEMUL_MAXROWS);
	if (wd->wd_cols == 0 || wd->wd_rows == 0)
		wd->wd_cols = wd->wd_rows = 0;
	/* even, so that two points go into memory at once */
	wd->wd_x = (width - wd->wd_cols * w) / 2 & ~1U;
	wd->wd_y = (height - wd->wd_rows * h) / 2;
}

void
wsrender_forget(struct wsrender *wd)
{
	size_t i, n = (size_t)wd->wd_cols * wd->wd_rows;

	for (i = 0; i < n; i++)
		wd->wd_shown[i].wc_char = NOTHING;
}

void
wsrender_fini(struct wsrender *wd)
{
	if (wd->wd_shown != NULL)
		kmem_free(wd->wd_shown, (size_t)wd->wd_cols * wd->wd_rows *
		    sizeof(*wd->wd_shown));
	*wd = (struct wsrender){ .wd_scale = 1 };
}

int
wsrender_mode(struct wsrender *wd, u_int width, u_int height)
{
	size_t n;

	wsrender_fini(wd);
	wsrender_place(wd, width, height);
	if ((n = (size_t)wd->wd_cols * wd->wd_rows) == 0)
		return (0);
	wd->wd_shown = kmem_zalloc(n * sizeof(*wd->wd_shown), KM_NOSLEEP);
	if (wd->wd_shown == NULL) {
		wd->wd_cols = wd->wd_rows = 0;
		return (ENOMEM);
	}
	wsrender_forget(wd);
	return (0);
}

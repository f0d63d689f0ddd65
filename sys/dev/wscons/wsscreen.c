/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The lines of a terminal: cells, scrolling, sizes.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/wscons/wsemul_priv.h>
#include <dev/wscons/wsfont.h>

static const struct wscell blank = {
	.wc_char = ' ', .wc_fg = WSC_DEFAULT, .wc_bg = WSC_DEFAULT
};

/* --- lines --------------------------------------------------------------- */

static size_t
row_size(u_int cols)
{
	return (sizeof(struct wsrow) + cols * sizeof(struct wscell));
}

static void
row_fill(struct wsrow *wr, u_int from, u_int to, struct wscell c)
{
	u_int x;

	for (x = from; x < to; x++)
		wr->wr_cell[x] = c;
}

struct wsrow *
wsscreen_row(u_int cols)
{
	struct wsrow *wr;

	if ((wr = kmem_alloc(row_size(cols), KM_NOSLEEP)) != NULL) {
		wr->wr_cols = cols;
		row_fill(wr, 0, cols, blank);
	}
	return (wr);
}

static void
row_free(struct wsrow *wr)
{
	if (wr != NULL)
		kmem_free(wr, row_size(wr->wr_cols));
}

/* Half of a wide character is none. */
static void
row_mend(struct wsrow *wr, u_int x)
{
	struct wscell *c = wr->wr_cell;

	if (x >= wr->wr_cols)
		return;
	if ((c[x].wc_attr & WSA_RIGHT) &&
	    (x == 0 || !(c[x - 1].wc_attr & WSA_WIDE))) {
		c[x].wc_char = ' ';
		c[x].wc_attr &= ~WSA_RIGHT;
	}
	if ((c[x].wc_attr & WSA_WIDE) && (x + 1 == wr->wr_cols ||
	    !(c[x + 1].wc_attr & WSA_RIGHT))) {
		c[x].wc_char = ' ';
		c[x].wc_attr &= ~WSA_WIDE;
	}
}

/* On both sides of a place where lines were cut. */
static void
row_mend_cut(struct wsrow *wr, u_int x)
{
	if (x > 0)
		row_mend(wr, x - 1);
	row_mend(wr, x);
}

/* What is erased takes the colour of the background. */
void
wsscreen_clear(struct wsemul *we, struct wsrow *wr, u_int from, u_int to)
{
	struct wscell c = blank;

	c.wc_bg = we->we_pen.wp_bg;
	row_fill(wr, from, to, c);
	row_mend_cut(wr, from);
	row_mend_cut(wr, to);
}

void
wsscreen_clear_rows(struct wsemul *we, u_int from, u_int to)
{
	u_int y;

	for (y = from; y < to; y++)
		wsscreen_clear(we, we->we_row[y], 0, we->we_cols);
}

/* --- lines that left at the top ------------------------------------------ */

static struct wsrow **
saved_slot(struct wsemul *we, u_int i)
{
	return (&we->we_saved[(we->we_savedfirst + i) % WSEMUL_SAVED]);
}

static struct wsrow *
saved_pop(struct wsemul *we)
{
	struct wsrow *wr = *saved_slot(we, 0);

	we->we_savedfirst = (we->we_savedfirst + 1) % WSEMUL_SAVED;
	we->we_nsaved--;
	we->we_back = MIN(we->we_back, we->we_nsaved);
	return (wr);
}

/* Who looks back goes on to see the same. */
static void
saved_push(struct wsemul *we, struct wsrow *wr)
{
	*saved_slot(we, we->we_nsaved++) = wr;
	if (we->we_back != 0)
		we->we_back++;
}

/*
 * Keep this line and give another for it: a new one, or the oldest of those
 * kept.  If there is no memory a line is lost.
 */
static struct wsrow *
saved_exchange(struct wsemul *we, struct wsrow *wr)
{
	struct wsrow *other = NULL, *old;

	if (we->we_nsaved < WSEMUL_SAVED)
		other = wsscreen_row(we->we_cols);
	if (other == NULL && we->we_nsaved != 0) {
		old = saved_pop(we);
		if (old->wr_cols == we->we_cols)
			other = old;
		else {
			row_free(old);
			other = wsscreen_row(we->we_cols);
		}
	}
	if (other == NULL)
		return (wr);
	saved_push(we, wr);
	return (other);
}

void
wsscreen_forget(struct wsemul *we)
{
	while (we->we_nsaved != 0)
		row_free(saved_pop(we));
	we->we_back = 0;
}

/* --- scrolling ----------------------------------------------------------- */

void
wsscreen_up(struct wsemul *we, u_int top, u_int bottom, u_int n)
{
	struct wsrow **row = we->we_row, *wr;

	for (n = MIN(n, bottom - top); n > 0; n--) {
		wr = row[top];
		if (top == 0 && !we->we_isalt)
			wr = saved_exchange(we, wr);
		memmove(&row[top], &row[top + 1],
		    (bottom - top - 1) * sizeof(*row));
		row[bottom - 1] = wr;
		wsscreen_clear(we, wr, 0, we->we_cols);
	}
}

void
wsscreen_down(struct wsemul *we, u_int top, u_int bottom, u_int n)
{
	struct wsrow **row = we->we_row, *wr;

	for (n = MIN(n, bottom - top); n > 0; n--) {
		wr = row[bottom - 1];
		memmove(&row[top + 1], &row[top],
		    (bottom - top - 1) * sizeof(*row));
		row[top] = wr;
		wsscreen_clear(we, wr, 0, we->we_cols);
	}
}

void
wsscreen_linefeed(struct wsemul *we)
{
	struct wspen *wp = &we->we_pen;

	wp->wp_wrap = false;
	if (wp->wp_y == we->we_bottom - 1)
		wsscreen_up(we, we->we_top, we->we_bottom, 1);
	else if (wp->wp_y < we->we_rows - 1)
		wp->wp_y++;
}

/* --- characters ---------------------------------------------------------- */

static struct wsrow *
here(struct wsemul *we)
{
	return (we->we_row[we->we_pen.wp_y]);
}

void
wsscreen_insert(struct wsemul *we, u_int n)
{
	struct wsrow *wr = here(we);
	u_int x = we->we_pen.wp_x;

	n = MIN(n, we->we_cols - x);
	memmove(&wr->wr_cell[x + n], &wr->wr_cell[x],
	    (we->we_cols - x - n) * sizeof(wr->wr_cell[0]));
	wsscreen_clear(we, wr, x, x + n);
	row_mend(wr, we->we_cols - 1);
}

void
wsscreen_delete(struct wsemul *we, u_int n)
{
	struct wsrow *wr = here(we);
	u_int x = we->we_pen.wp_x;

	n = MIN(n, we->we_cols - x);
	memmove(&wr->wr_cell[x], &wr->wr_cell[x + n],
	    (we->we_cols - x - n) * sizeof(wr->wr_cell[0]));
	wsscreen_clear(we, wr, we->we_cols - n, we->we_cols);
	row_mend_cut(wr, x);
}

void
wsscreen_erase(struct wsemul *we, u_int n)
{
	u_int x = we->we_pen.wp_x;

	wsscreen_clear(we, here(we), x, x + MIN(n, we->we_cols - x));
}

/*
 * A mark goes with the character before it, where the font has the two as
 * one, and is left out otherwise.
 */
static void
put_mark(struct wsemul *we, uint32_t mark)
{
	struct wspen *wp = &we->we_pen;
	struct wscell *cell;
	uint32_t c;
	u_int x = wp->wp_x;

	if (!wp->wp_wrap) {
		if (x == 0)
			return;
		x--;
	}
	cell = &here(we)->wr_cell[x];
	if ((c = wsfont_compose(cell->wc_char, mark)) != 0)
		cell->wc_char = c;
}

/* So many cells were written, that one the last. */
static void
put_done(struct wsemul *we, uint32_t c, u_int n)
{
	struct wspen *wp = &we->we_pen;

	wp->wp_x += n;
	if (wp->wp_x == we->we_cols) {
		wp->wp_x--;
		wp->wp_wrap = (we->we_modes & WSM_WRAP) != 0;
	}
	we->we_last = c;
}

void
wsscreen_put(struct wsemul *we, uint32_t c)
{
	struct wspen *wp = &we->we_pen;
	u_int i, width = c < 0x300 ? 1 : wswidth(c);
	struct wscell cell = { .wc_char = c, .wc_attr = wp->wp_attr,
	    .wc_fg = wp->wp_fg, .wc_bg = wp->wp_bg };
	struct wsrow *wr;

	if (width == 0) {
		put_mark(we, c);
		return;
	}
	if (width > we->we_cols)
		return;
	if (wp->wp_wrap || wp->wp_x + width > we->we_cols) {
		if (we->we_modes & WSM_WRAP) {
			wp->wp_x = 0;
			wsscreen_linefeed(we);
		} else
			wp->wp_x = we->we_cols - width;
		wp->wp_wrap = false;
	}
	if (we->we_modes & WSM_INSERT)
		wsscreen_insert(we, width);
	wr = here(we);
	for (i = 0; i < width; i++) {
		if (width == 2)
			cell.wc_attr = wp->wp_attr |
			    (i == 0 ? WSA_WIDE : WSA_RIGHT);
		wr->wr_cell[wp->wp_x + i] = cell;
	}
	row_mend_cut(wr, wp->wp_x);
	row_mend_cut(wr, wp->wp_x + width);
	put_done(we, c, width);
}

size_t
wsscreen_text(struct wsemul *we, const uint8_t *s, size_t n)
{
	struct wspen *wp = &we->we_pen;
	struct wscell c = { .wc_attr = wp->wp_attr, .wc_fg = wp->wp_fg,
	    .wc_bg = wp->wp_bg }, *cell = &here(we)->wr_cell[wp->wp_x];
	size_t i;

	if (wp->wp_wrap || (we->we_modes & WSM_INSERT))
		return (0);
	n = MIN(n, we->we_cols - wp->wp_x);
	for (i = 0; i < n && s[i] >= ' ' && s[i] < 0x7f &&
	    !(cell[i].wc_attr & (WSA_WIDE | WSA_RIGHT)); i++) {
		c.wc_char = s[i];
		cell[i] = c;
	}
	if (i != 0)
		put_done(we, s[i - 1], i);
	return (i);
}

void
wsscreen_use(struct wsemul *we, bool alt)
{
	we->we_isalt = alt;
	we->we_row = we->we_screen[alt];
	we->we_back = 0;
}

/* --- sizes --------------------------------------------------------------- */

static void
screen_free(struct wsrow **row, u_int rows)
{
	u_int y;

	if (row == NULL)
		return;
	for (y = 0; y < rows; y++)
		row_free(row[y]);
	kmem_free(row, rows * sizeof(*row));
}

static struct wsrow **
screen_alloc(u_int cols, u_int rows)
{
	struct wsrow **row;
	u_int y;

	if ((row = kmem_zalloc(rows * sizeof(*row), KM_NOSLEEP)) == NULL)
		return (NULL);
	for (y = 0; y < rows; y++) {
		if ((row[y] = wsscreen_row(cols)) == NULL) {
			screen_free(row, rows);
			return (NULL);
		}
	}
	return (row);
}

/* What of the old screen is left when so many lines went at the top. */
static void
screen_copy(struct wsrow **to, u_int rows, struct wsrow **from, u_int oldrows,
    u_int gone)
{
	u_int y, n;

	for (y = 0; y < rows && y + gone < oldrows; y++) {
		n = MIN(to[y]->wr_cols, from[y + gone]->wr_cols);
		memcpy(to[y]->wr_cell, from[y + gone]->wr_cell,
		    n * sizeof(to[y]->wr_cell[0]));
		row_mend(to[y], n - 1);
	}
}

static void
pen_limit(struct wspen *wp, u_int cols, u_int rows, u_int gone)
{
	wp->wp_y = wp->wp_y > gone ? wp->wp_y - gone : 0;
	wp->wp_y = MIN(wp->wp_y, rows - 1);
	wp->wp_x = MIN(wp->wp_x, cols - 1);
	wp->wp_wrap = false;
}

/* The top of the main screen is kept. */
static void
screen_keep(struct wsemul *we, u_int n)
{
	struct wsrow **row = we->we_screen[0];
	u_int y;

	for (y = 0; y < n; y++) {
		if (we->we_nsaved == WSEMUL_SAVED)
			row_free(saved_pop(we));
		saved_push(we, row[y]);
		row[y] = NULL;
	}
}

int
wsemul_resize(struct wsemul *we, u_int cols, u_int rows)
{
	struct wsrow **row[2];
	u_int i, y, gone[2], oldrows = we->we_rows;

	cols = MAX(MIN(cols, WSEMUL_MAXCOLS), 2);
	rows = MAX(MIN(rows, WSEMUL_MAXROWS), 2);
	if (cols == we->we_cols && rows == we->we_rows)
		return (0);
	row[0] = screen_alloc(cols, rows);
	row[1] = screen_alloc(cols, rows);
	if (row[0] == NULL || row[1] == NULL) {
		screen_free(row[0], rows);
		screen_free(row[1], rows);
		return (ENOMEM);
	}
	for (i = 0; i < 2; i++) {
		y = (bool)i == we->we_isalt ? we->we_pen.wp_y :
		    we->we_save[i].wp_y;
		gone[i] = y >= rows ? y - rows + 1 : 0;
		if (oldrows != 0)
			screen_copy(row[i], rows, we->we_screen[i], oldrows,
			    gone[i]);
	}
	if (oldrows != 0)
		screen_keep(we, gone[0]);
	for (i = 0; i < 2; i++) {
		screen_free(we->we_screen[i], oldrows);
		we->we_screen[i] = row[i];
		pen_limit(&we->we_save[i], cols, rows, gone[i]);
	}
	we->we_row = we->we_screen[we->we_isalt];
	pen_limit(&we->we_pen, cols, rows, gone[we->we_isalt]);
	we->we_cols = cols;
	we->we_rows = rows;
	we->we_top = 0;
	we->we_bottom = rows;
	return (0);
}

void
wsemul_fini(struct wsemul *we)
{
	wsscreen_forget(we);
	screen_free(we->we_screen[0], we->we_rows);
	screen_free(we->we_screen[1], we->we_rows);
	we->we_screen[0] = we->we_screen[1] = we->we_row = NULL;
	we->we_cols = we->we_rows = 0;
}

/* --- what is to be seen -------------------------------------------------- */

bool
wsemul_look(struct wsemul *we, int lines)
{
	int back = lines == 0 ? 0 : (int)we->we_back + lines;

	back = we->we_isalt ? 0 : MAX(MIN(back, (int)we->we_nsaved), 0);
	if ((u_int)back == we->we_back)
		return (false);
	we->we_back = back;
	return (true);
}

const struct wsrow *
wsemul_line(const struct wsemul *we, u_int y)
{
	if (y >= we->we_back)
		return (we->we_row[y - we->we_back]);
	return (we->we_saved[(we->we_savedfirst + we->we_nsaved -
	    we->we_back + y) % WSEMUL_SAVED]);
}

bool
wsemul_cursor(const struct wsemul *we, u_int *x, u_int *y)
{
	*x = we->we_pen.wp_x;
	*y = we->we_pen.wp_y + we->we_back;
	return ((we->we_modes & WSM_CURSOR) && *y < we->we_rows);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What programs and the kernel write on the screen, and its sizes.  The first
 * byte of each piece says what it is: of 4 pieces one is a message, and some
 * change the size.
 */

#include "fuzz.h"

#include <dev/wscons/wsemul.h>
#include <dev/wscons/wsrender.h>

static uint8_t	pixels[160 * 4 * 96];

static void
answer(void *arg __unused, const char *s, size_t n)
{
	fuzz_check(n < 64 && s[0] == '\033', "a strange answer");
}

static const struct wsemul_ops ops = { .wo_answer = answer };

static void
check(const struct wsemul *we)
{
	const struct wspen *wp = &we->we_pen;
	const struct wsrow *wr;
	u_int x, y, attr;

	fuzz_check(wp->wp_x < we->we_cols && wp->wp_y < we->we_rows,
	    "the cursor is outside");
	fuzz_check(we->we_top < we->we_bottom &&
	    we->we_bottom <= we->we_rows, "the region is none");
	for (y = 0; y < we->we_rows; y++) {
		wr = we->we_row[y];
		fuzz_check(wr->wr_cols == we->we_cols, "a line is too short");
		for (x = 0; x < wr->wr_cols; x++) {
			attr = wr->wr_cell[x].wc_attr;
			fuzz_check(!(attr & WSA_WIDE) ||
			    (x + 1 < wr->wr_cols && (wr->wr_cell[x + 1].wc_attr
			    & WSA_RIGHT)), "no right half");
			fuzz_check(!(attr & WSA_RIGHT) || (x > 0 &&
			    (wr->wr_cell[x - 1].wc_attr & WSA_WIDE)),
			    "no left half");
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wsemul we;
	static struct wsrender wd;
	struct fb_rect rects[WSRENDER_RECTS];
	size_t n;
	u_int how;

	(void)fuzz_again();
	if (wsemul_init(&we, 20, 6, &ops, NULL) != 0 ||
	    wsrender_mode(&wd, 160, 96) != 0)
		return (0);
	while (size > 0) {
		how = *data++;
		size--;
		n = MIN(size, how >> 2);
		if ((how & 3) == 0)
			wsemul_message(&we, data, n);
		else if ((how & 3) == 1 && n >= 2)
			(void)wsemul_resize(&we, data[0] % 50, data[1] % 20);
		else
			wsemul_write(&we, data, n);
		(void)wsemul_look(&we, (int)how - 128);
		data += n;
		size -= n;
		check(&we);
	}
	(void)wsrender_draw(&wd, &we, pixels, 160 * 4, rects);
	wsrender_fini(&wd);
	wsemul_fini(&we);
	return (0);
}

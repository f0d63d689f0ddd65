/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The font of the console: see wsfont.h.
 */

#include <sys/systm.h>

#include <dev/wscons/wsfont.h>

/* characters in a row, and where their numbers are in glyph_of[] */
struct range {
	uint32_t	r_first;
	uint16_t	r_n, r_at;
};
struct composition {
	uint16_t	c_base, c_mark, c_char;
};

#include "wsfont_data.h"	/* made when the kernel is */

static const uint8_t *
find(uint32_t c)
{
	u_int low = 0, high = nitems(ranges), mid;

	/* ASCII comes first */
	if (c - ranges[0].r_first < ranges[0].r_n)
		high = 1;
	while (low < high) {
		mid = (low + high) / 2;
		if (c < ranges[mid].r_first)
			high = mid;
		else if (c - ranges[mid].r_first >= ranges[mid].r_n)
			low = mid + 1;
		else
			return (glyphs[glyph_of[ranges[mid].r_at + c -
			    ranges[mid].r_first]]);
	}
	return (NULL);
}

bool
wsfont_has(uint32_t c)
{
	return (find(c) != NULL);
}

const uint8_t *
wsfont_glyph(uint32_t c)
{
	const uint8_t *g = find(c);

	return (g != NULL ? g : missing);
}

uint32_t
wsfont_compose(uint32_t base, uint32_t mark)
{
	u_int low = 0, high = nitems(compositions), mid;
	const struct composition *c;

	while (low < high) {
		mid = (low + high) / 2;
		c = &compositions[mid];
		if (c->c_base == base && c->c_mark == mark)
			return (c->c_char);
		if (base < c->c_base || (base == c->c_base &&
		    mark < c->c_mark))
			high = mid;
		else
			low = mid + 1;
	}
	return (0);
}

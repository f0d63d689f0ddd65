/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_WSCONS_WSFONT_H_
#define _DEV_WSCONS_WSFONT_H_

/*
 * The font of the console, made from font.txt by tools/mkfont.
 *
 * A glyph is WSFONT_HEIGHT bytes, a line each, the leftmost point in the
 * highest bit.
 */

#include <sys/types.h>

#define WSFONT_WIDTH	8
#define WSFONT_HEIGHT	16
#define WSFONT_UNDER	13	/* the line that underlines */
#define WSFONT_STRIKE	8

/* the halves of what stands for a wide character */
extern const uint8_t	wsfont_wide[2][WSFONT_HEIGHT];

/*
 * wsfont_glyph: what to draw for a character, a box if there is nothing.
 * wsfont_has: there is something.
 * wsfont_compose: a character and a mark that combines with it, as one that
 *	the font has; 0: it has none.
 */
const uint8_t	*wsfont_glyph(uint32_t);
bool		 wsfont_has(uint32_t);
uint32_t	 wsfont_compose(uint32_t, uint32_t);

#endif /* _DEV_WSCONS_WSFONT_H_ */

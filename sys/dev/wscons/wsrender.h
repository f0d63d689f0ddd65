/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_WSCONS_WSRENDER_H_
#define _DEV_WSCONS_WSRENDER_H_

/*
 * Cells to pixels.  What was drawn is remembered, and only what differs is
 * drawn again.
 */

#include <sys/fb.h>

#include <dev/wscons/wsemul.h>

#define WSRENDER_RECTS	8

struct wsrender {
	u_int		 wd_cols, wd_rows;	/* 0: nothing can be drawn */
	u_int		 wd_scale;		/* of the font */
	u_int		 wd_x, wd_y;		/* margin, pixels */
	struct wscell	*wd_shown;
	/* the last colours, and four points in each way they can be */
	uint32_t	 wd_fg, wd_bg;		/* pixels */
	bool		 wd_inked;
	struct wsquad {
		uint32_t	wq_p[4];
	}		 wd_quad[16];
};

/*
 * wsrender_mode: for a screen of so many pixels, all of them black.  ENOMEM:
 *	nothing is drawn until the next mode.
 * wsrender_forget: the screen is not as it was drawn.
 * wsrender_draw: into pixels of that many bytes from line to line, and what
 *	was changed into WSRENDER_RECTS rectangles; returns how many.
 * wsrender_text: n characters of ASCII on a line of the screen, the rest of
 *	it blank; uses no memory but the pixels.
 * wsrender_place: only sets the sizes, for wsrender_text.
 */
int	wsrender_mode(struct wsrender *, u_int, u_int);
void	wsrender_fini(struct wsrender *);
void	wsrender_forget(struct wsrender *);
u_int	wsrender_draw(struct wsrender *, const struct wsemul *, uint8_t *,
	    size_t, struct fb_rect *);
void	wsrender_place(struct wsrender *, u_int, u_int);
void	wsrender_text(struct wsrender *, uint8_t *, size_t, u_int,
	    const char *, size_t);

#endif /* _DEV_WSCONS_WSRENDER_H_ */

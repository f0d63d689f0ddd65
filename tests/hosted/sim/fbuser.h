/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _FBUSER_H_
#define _FBUSER_H_

/* Who draws in a frame buffer, as a test says: see sys/fb.h. */

#include <sys/fb.h>

#define FBUSER_MAX	16

struct fbuser {
	struct fb	*fu_fb;			/* NULL: not attached */
	struct fb_client fu_client;
	u_int		 fu_nidle, fu_nmode;
};
extern struct fbuser	fbuser[FBUSER_MAX];	/* by their unit */

/* draw a rectangle in that colour, tell of it */
void	 fbuser_fill(struct fbuser *, u_int x, u_int y, u_int w, u_int h,
	    uint32_t);
uint32_t fbuser_pixel(struct fbuser *, u_int, u_int);

#endif /* _FBUSER_H_ */

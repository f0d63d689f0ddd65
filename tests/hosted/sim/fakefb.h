/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _FAKEFB_H_
#define _FAKEFB_H_

/*
 * A frame buffer in memory, at mainbus, with wsdisplay(4) below it.  It notes
 * what was damaged and is busy until the test lets it show that.
 */

#include <sys/fb.h>

#define FAKEFB_RECTS	16

struct fakefb_conf {
	u_int		fc_width, fc_height;	/* 0: no pixels */
	u_int		fc_pad;			/* bytes behind a line */
};

struct fakefb {
	struct fb	 ff_fb;
	struct device	*ff_child;
	size_t		 ff_size;
	u_int		 ff_pad;
	bool		 ff_idle;
	struct fb_rect	 ff_rect[FAKEFB_RECTS];
	u_int		 ff_nrects;		/* counts on */
	u_int		 ff_nshown, ff_npolls;
};

extern struct fakefb	*fakefb;		/* the one that is attached */

void	 fakefb_new(const struct fakefb_conf *);	/* sim_attach() */
void	 fakefb_show(struct fakefb *);		/* now it is idle */
void	 fakefb_mode(struct fakefb *, u_int, u_int);	/* 0: unplugged */
uint32_t fakefb_pixel(const struct fakefb *, u_int, u_int);	/* 0xrrggbb */

#endif /* _FAKEFB_H_ */

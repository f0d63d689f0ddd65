/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_FB_H_
#define _SYS_FB_H_

/*
 * Frame buffers.  A driver has memory that it can show and fills in a struct
 * fb; what draws in it (wsdisplay(4), /dev/fbN) tells which parts it changed.
 *
 * A pixel is four bytes: blue, green, red, and one that means nothing, in
 * this order on every machine.
 */

#include <sys/rwlock.h>
#include <sys/types.h>

struct cdev;
struct fb;
struct fbdev;

struct fb_rect {
	u_int	fr_x, fr_y, fr_w, fr_h;
};

struct fb_ops {
	/*
	 * That part was drawn: show it.  Any context up to IPL_TTY, does not
	 * sleep.  While the device is busy what comes is gathered.  The
	 * rectangle is cut to the mode.
	 */
	void	(*fo_damage)(struct fb *, const struct fb_rect *);
	/* all that was damaged is shown; if not, fc_idle will be called */
	bool	(*fo_idle)(struct fb *);
	/* after a panic, with interrupts off: show it now, by polling */
	void	(*fo_poll)(struct fb *);
};

/* Who is to be told, besides those that look at the mode. */
struct fb_client {
	/* there is no damage left to show; any context, does not sleep */
	void	(*fc_idle)(void *);
	/* the mode has changed, the pixels are zero; thread, without lock */
	void	(*fc_mode)(void *);
	void	 *fc_arg;
};

/*
 * The mode and the place of the pixels change with fb_lock held for writing,
 * so whoever looks at them or draws holds it for reading, in a thread; after
 * a panic they are used without.  fb_pixels is NULL while nothing can be
 * shown (a display was unplugged); the size is that of the last mode then.
 */
struct fb {
	const struct fb_ops	*fb_ops;
	void			*fb_arg;	/* the driver's */
	char			 fb_name[16];	/* "viogpu0" */
	struct rwlock		 fb_lock;
	uint8_t			*fb_pixels;
	u_int			 fb_width;	/* pixels */
	u_int			 fb_height;
	u_int			 fb_stride;	/* bytes from line to line */
	const struct fb_client	*fb_client;	/* NULL, or set by attach */
};

/* What wsdisplay(4) is found with, below the driver. */
struct fb_attach_args {
	struct fb	*fa_fb;
};

#endif /* _SYS_FB_H_ */

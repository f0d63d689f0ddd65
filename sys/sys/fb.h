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

#include <sys/mutex.h>
#include <sys/rwlock.h>
#include <sys/types.h>

struct device;
struct fb;
struct fbdev;

/* pixels that a mode has each way */
#define FB_SIDE_MIN	64
#define FB_SIDE_MAX	16384

static inline bool
fb_size_ok(u_int w, u_int h)
{
	return (w >= FB_SIDE_MIN && h >= FB_SIDE_MIN && w <= FB_SIDE_MAX &&
	    h <= FB_SIDE_MAX);
}

struct fb_rect {
	u_int	fr_x, fr_y, fr_w, fr_h;
};

/* what to change of the cursor */
struct fb_cursor {
	u_int		 fc_set;		/* FB_CURSOR_* */
	bool		 fc_shown;
	u_int		 fc_x, fc_y;		/* of the hot spot */
	u_int		 fc_hotx, fc_hoty;	/* in the picture */
	const uint8_t	*fc_pixels;	/* B, G, R, alpha */
};
#define FB_CURSOR_SIZE	64		/* pixels each way */
#define FB_CURSOR_BYTES	(FB_CURSOR_SIZE * FB_CURSOR_SIZE * 4)
#define FB_CURSOR_SHOW	0x01		/* fc_shown */
#define FB_CURSOR_MOVE	0x02		/* fc_x, fc_y */
#define FB_CURSOR_SHAPE	0x04		/* fc_hot*, fc_pixels */

struct fb_ops {
	/*
	 * That part was drawn: show it.  Any context up to IPL_TTY, does not
	 * sleep.  While the device is busy what comes is gathered.  The
	 * rectangle is cut to the mode.
	 */
	void	(*fo_damage)(struct fb *, const struct fb_rect *);
	/* all that was damaged is shown; if not, fc_idle will be called */
	bool	(*fo_idle)(struct fb *);
	/*
	 * After a panic, with interrupts off and whatever locks are held: all
	 * of the picture was drawn, show it now, by polling.  Does not wait
	 * for a lock; nothing else is called from then on.
	 */
	void	(*fo_poll)(struct fb *);
	/*
	 * Thread context, without fb_lock.  Another mode: EINVAL, ENOMEM,
	 * EIO.  0 by 0: what the host wants.  Blank, or not.
	 */
	int	(*fo_mode)(struct fb *, u_int, u_int);
	int	(*fo_blank)(struct fb *, bool);
	/* a cursor in front of the picture; EOPNOTSUPP, EINVAL, EIO */
	int	(*fo_cursor)(struct fb *, const struct fb_cursor *);
};

/*
 * Who is to be told, besides those that look at the mode.  Both are called
 * with fb_mtx, do not sleep and call none of fb_ops.
 */
struct fb_client {
	/* there is no damage left to show; any context up to IPL_TTY */
	void	(*fc_idle)(void *);
	/* the mode has changed, the pixels are black; thread */
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
	struct mutex		 fb_mtx;	/* fb_client */
	const struct fb_client	*fb_client;	/* NULL, or set by attach */
};

/*
 * fb_init: what every driver begins with.  The name is copied.
 * fb_setclient: thread context; NULL: none.  When it returns the one before
 *	is not called any more.
 * fb_tell_idle, fb_tell_mode: the driver tells; without locks of its own.
 */
void	fb_init(struct fb *, const struct fb_ops *, void *, const char *);
void	fb_setclient(struct fb *, const struct fb_client *);
void	fb_tell_idle(struct fb *);
void	fb_tell_mode(struct fb *);

/* What wsdisplay(4) is found with, below the driver. */
struct fb_attach_args {
	struct fb	*fa_fb;
};

/*
 * /dev/fbN for a frame buffer, as Linux's.  fbdev_attach: thread context;
 * ENOMEM.  fbdev_detach: the node goes, mappings fault from then on.
 * fbdev_mode: the mode has changed; thread context, without fb_lock.
 * fbdev_idle: to be called when fo_idle has become true; any context.
 */
int	fbdev_attach(struct fbdev **, struct fb *);
void	fbdev_detach(struct fbdev *);
void	fbdev_mode(struct fbdev *);
void	fbdev_idle(struct fbdev *);

/*
 * The frame buffer that the boot loader left is driven before the bus of the
 * device that shows it is looked at.  A driver of that device, which puts
 * an end to it, takes the screen over.  All in thread context, while devices
 * are attached.
 *
 * fb_boot_set: there is one, at that address; taken is called with the device
 *	that takes over.  Device NULL: there is none any more.
 * fb_boot_addr: where it is; false: there is none.
 * fb_boot_take: it belongs to this device from now on.
 */
void	fb_boot_set(struct device *, paddr_t,
	    void (*)(void *, const struct device *), void *);
bool	fb_boot_addr(paddr_t *);
void	fb_boot_take(const struct device *);

#endif /* _SYS_FB_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_IC_GENFBVAR_H_
#define _DEV_IC_GENFBVAR_H_

#include <sys/device.h>
#include <sys/fb.h>
#include <sys/mutex.h>

struct thread;

/* Bits of a pixel, counted from the lowest. */
struct genfb_channel {
	uint8_t		gc_pos;
	uint8_t		gc_size;
};

/* A frame buffer as a boot loader describes it. */
struct genfb_conf {
	paddr_t			gf_addr;
	uint32_t		gf_pitch;	/* bytes from line to line */
	uint32_t		gf_width;	/* pixels */
	uint32_t		gf_height;
	uint8_t			gf_bits;	/* of a pixel; 0: there is none */
	struct genfb_channel	gf_red, gf_green, gf_blue;
};

#define GENFB_PITCH_MAX	(4 * FB_SIDE_MAX)
#define GENFB_SIZE(gf)	((size_t)(gf)->gf_pitch * (gf)->gf_height)
#define GENFB_BYTES(gf)	(((gf)->gf_bits + 7U) / 8)	/* of a pixel */

static inline uint64_t
genfb_mask(const struct genfb_channel *gc)
{
	return (((1ULL << gc->gc_size) - 1) << gc->gc_pos);
}

struct genfb_softc {
	struct device		 sc_dev;
	struct fb		 sc_fb;
	struct fbdev		*sc_fbdev;
	struct genfb_conf	 sc_conf;
	uint8_t			*sc_video;	/* the frame buffer */
	uint8_t			*sc_line;	/* NULL: no need to convert */
	size_t			 sc_size;	/* of sc_fb.fb_pixels */
	struct thread		*sc_thread;

	struct mutex		 sc_mtx;	/* the rest; IPL_TTY */
	struct genfb_span	*sc_span;	/* a line: what was drawn */
	u_int			 sc_top, sc_bottom;	/* lines with such */
	bool			 sc_busy;	/* something is to be copied */
	bool			 sc_blank;
	bool			 sc_ending;
};

/*
 * genfb_attach: thread context; the frame buffer is mapped at that address,
 *	GENFB_SIZE bytes.  What is said of it was checked: a line has its
 *	pixels, a colour 1 to 16 bits of a pixel of 2 to 4 bytes.  Describes
 *	the device.  ENOMEM.
 * genfb_detach: to undo it, with all that is attached to it.
 */
int	genfb_attach(struct genfb_softc *, const struct genfb_conf *, void *);
int	genfb_detach(struct device *, int);

#endif /* _DEV_IC_GENFBVAR_H_ */

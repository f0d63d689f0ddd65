/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VIDEO_H_
#define _VIDEO_H_

/* Video memory as a loader leaves it, at mainbus, with genfb(4) on it. */

#include <dev/ic/genfbvar.h>

#define VIDEO_FILL	0xa5		/* what is there before */

extern uint8_t			*video;		/* ends where its memory does */
extern struct genfb_softc	*video_genfb;	/* NULL: did not attach */

/* sim_attach(): the address does not matter */
void	 video_new(const struct genfb_conf *);
void	 video_free(void);		/* after sim_detach() */
/* the bytes of a pixel as a number */
uint32_t video_pixel(const struct genfb_conf *, u_int, u_int);
void	 video_fill(const struct genfb_conf *);	/* with VIDEO_FILL */
/* bytes that are not VIDEO_FILL */
size_t	 video_written(const struct genfb_conf *);

#endif /* _VIDEO_H_ */

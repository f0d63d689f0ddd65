/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_FBIO_H_
#define _SYS_FBIO_H_

/* The commands of /dev/fbN, with the numbers and structures of Linux. */

#include <sys/types.h>

#define FBIOGET_VSCREENINFO	0x4600
#define FBIOPUT_VSCREENINFO	0x4601
#define FBIOGET_FSCREENINFO	0x4602
#define FBIOPAN_DISPLAY		0x4606
#define FBIO_CURSOR		0xc0684608
#define FBIOBLANK		0x4611
#define FBIO_WAITFORVSYNC	0x40044620

#define FB_TYPE_PACKED_PIXELS	0
#define FB_VISUAL_TRUECOLOR	2
#define FB_ACTIVATE_NOW		0
#define FB_ACTIVATE_MASK	15
#define FB_BLANK_POWERDOWN	4

struct fb_bitfield {
	uint32_t	offset;
	uint32_t	length;
	uint32_t	msb_right;
};

struct fb_var_screeninfo {
	uint32_t	xres, yres;
	uint32_t	xres_virtual, yres_virtual;
	uint32_t	xoffset, yoffset;
	uint32_t	bits_per_pixel;
	uint32_t	grayscale;
	struct fb_bitfield red, green, blue, transp;
	uint32_t	nonstd;
	uint32_t	activate;
	uint32_t	height, width;		/* millimetres */
	uint32_t	accel_flags;
	uint32_t	pixclock;		/* picoseconds */
	uint32_t	left_margin, right_margin;
	uint32_t	upper_margin, lower_margin;
	uint32_t	hsync_len, vsync_len;
	uint32_t	sync;
	uint32_t	vmode;
	uint32_t	rotate;
	uint32_t	colorspace;
	uint32_t	reserved[4];
};
_Static_assert(sizeof(struct fb_var_screeninfo) == 160, "fb_var_screeninfo");

struct fb_fix_screeninfo {
	char		id[16];
	unsigned long	smem_start;
	uint32_t	smem_len;
	uint32_t	type;
	uint32_t	type_aux;
	uint32_t	visual;
	uint16_t	xpanstep, ypanstep, ywrapstep;
	uint32_t	line_length;
	unsigned long	mmio_start;
	uint32_t	mmio_len;
	uint32_t	accel;
	uint16_t	capabilities;
	uint16_t	reserved[2];
};
_Static_assert(sizeof(struct fb_fix_screeninfo) == 80, "fb_fix_screeninfo");

/* struct fb_cursor there */
struct fb_cursor_user {
	uint16_t	set;
	uint16_t	enable;
	uint16_t	rop;
	const char	*mask;
	struct {
		uint16_t x, y;
	}		hot;
	struct {
		uint32_t	dx, dy;
		uint32_t	width, height;
		uint32_t	fg_color, bg_color;
		uint8_t		depth;
		const char	*data;
		struct {
			uint32_t	start, len;
			uint16_t	*red, *green, *blue, *transp;
		} cmap;
	} image;
};
#define FB_CUR_SETIMAGE	0x01
#define FB_CUR_SETPOS	0x02
#define FB_CUR_SETSHAPE	0x10

#endif /* _SYS_FBIO_H_ */

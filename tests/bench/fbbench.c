/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Draws on a frame buffer, and measures it; the same program on Linux.
 *
 *	fbbench info			mode, bytes a line, order of colours
 *	fbbench mode W H		another mode
 *	fbbench rect X Y W H RRGGBB	by the mapping
 *	fbbench write X Y W H RRGGBB	by write(2), a line at a time
 *	fbbench get X Y			the colour there
 *	fbbench frames N PERCENT	so many pictures, each sent, of which
 *					that part of the lines is new
 *	fbbench writes N PERCENT	the same by write(2)
 *	fbbench hold SECONDS		keeps it mapped, and draws in the end
 *	fbbench cursor X Y RRGGBB	a square
 */

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int			fd;
static struct fb_var_screeninfo	var;
static struct fb_fix_screeninfo	fix;
static uint8_t			*map;

static void
look(void)
{
	if (ioctl(fd, FBIOGET_VSCREENINFO, &var) != 0 ||
	    ioctl(fd, FBIOGET_FSCREENINFO, &fix) != 0)
		err(1, "look");
}

static void
map_it(void)
{
	map = mmap(NULL, fix.smem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	    0);
	if (map == MAP_FAILED)
		err(1, "mmap");
}

/* As the number that a program stores, from RRGGBB. */
static uint32_t
colour(const char *s)
{
	unsigned long c = strtoul(s, NULL, 16);

	return ((c >> 16 & 0xff) << var.red.offset |
	    (c >> 8 & 0xff) << var.green.offset |
	    (c & 0xff) << var.blue.offset);
}

static void
fill(uint8_t *line, unsigned x, unsigned w, uint32_t c)
{
	uint32_t *p = (uint32_t *)line + x;

	while (w-- > 0)
		*p++ = c;
}

static void
rect(char **a, int by_write)
{
	unsigned x = atoi(a[0]), y = atoi(a[1]), w = atoi(a[2]), h = atoi(a[3]);
	uint32_t c = colour(a[4]);
	uint8_t *line;

	if (x + w > var.xres || y + h > var.yres)
		errx(1, "outside");
	if (!by_write) {
		map_it();
		for (; h-- > 0; y++)
			fill(map + y * fix.line_length, x, w, c);
		return;
	}
	line = malloc(w * 4);
	fill(line, 0, w, c);
	for (; h-- > 0; y++) {
		if (pwrite(fd, line, w * 4, y * fix.line_length + x * 4) !=
		    (ssize_t)w * 4)
			err(1, "pwrite");
	}
}

/* What was drawn is on its way to the device: all that Linux can be told. */
static void
sent(void)
{
	if (fsync(fd) != 0)
		err(1, "fsync");
}

/* It is on the screen, where that can be waited for. */
static void
shown(void)
{
	uint32_t crtc = 0;

	(void)ioctl(fd, FBIO_WAITFORVSYNC, &crtc);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec + ts.tv_nsec / 1e9);
}

static void
frames(unsigned n, unsigned percent)
{
	unsigned lines = (var.yres * percent + 99) / 100, i, y = 0;
	double start;

	map_it();
	if (lines > var.yres)
		lines = var.yres;
	start = now();
	for (i = 0; i < n; i++) {
		if (y + lines > var.yres)
			y = 0;
		memset(map + y * fix.line_length, i,
		    (size_t)lines * fix.line_length);
		y += lines;
		sent();
	}
	shown();
	printf("frames=%u lines=%u seconds=%.6f\n", n, lines, now() - start);
}

static void
writes(unsigned n, unsigned percent)
{
	unsigned lines = (var.yres * percent + 99) / 100, i, y = 0;
	size_t len = (size_t)lines * fix.line_length;
	uint8_t *buf = malloc(len);
	double start = now();

	if (buf == NULL || lines > var.yres)
		errx(1, "no memory, or too many lines");
	memset(buf, 0x77, len);
	for (i = 0; i < n; i++) {
		if (y + lines > var.yres)
			y = 0;
		if (pwrite(fd, buf, len, y * fix.line_length) != (ssize_t)len)
			err(1, "pwrite");
		y += lines;
		sent();
	}
	shown();
	printf("frames=%u lines=%u seconds=%.6f\n", n, lines, now() - start);
}

static void
cursor(char **a)
{
	static uint32_t pixels[64 * 64];
	struct fb_cursor fc;
	unsigned i;

	memset(&fc, 0, sizeof(fc));
	for (i = 0; i < 64 * 64; i++)
		pixels[i] = colour(a[2]) | 0xffu << (sizeof(int) * 8 - 8 -
		    (var.red.offset == 8 ? 24 : 0));
	fc.set = FB_CUR_SETALL;
	fc.enable = 1;
	fc.image.dx = atoi(a[0]);
	fc.image.dy = atoi(a[1]);
	fc.image.width = fc.image.height = 64;
	fc.image.depth = 32;
	fc.image.data = (char *)pixels;
	if (ioctl(fd, FBIO_CURSOR, &fc) != 0)
		err(1, "FBIO_CURSOR");
}

int
main(int argc, char **argv)
{
	const char *dev = getenv("FB") != NULL ? getenv("FB") : "/dev/fb0";
	uint32_t pixel;

	if (argc < 2)
		errx(2, "no command");
	if ((fd = open(dev, O_RDWR)) == -1)
		err(1, "%s", dev);
	look();
	if (strcmp(argv[1], "info") == 0)
		printf("%ux%u %u bits, %u bytes a line, %u bytes, red %u "
		    "green %u blue %u, %s\n", var.xres, var.yres,
		    var.bits_per_pixel, fix.line_length, fix.smem_len,
		    var.red.offset, var.green.offset, var.blue.offset, fix.id);
	else if (strcmp(argv[1], "mode") == 0 && argc == 4) {
		var.xres = var.xres_virtual = atoi(argv[2]);
		var.yres = var.yres_virtual = atoi(argv[3]);
		if (ioctl(fd, FBIOPUT_VSCREENINFO, &var) != 0)
			err(1, "FBIOPUT_VSCREENINFO");
	} else if (strcmp(argv[1], "rect") == 0 && argc == 7)
		rect(argv + 2, 0);
	else if (strcmp(argv[1], "write") == 0 && argc == 7)
		rect(argv + 2, 1);
	else if (strcmp(argv[1], "get") == 0 && argc == 4) {
		if (pread(fd, &pixel, 4, atoi(argv[3]) * fix.line_length +
		    atoi(argv[2]) * 4) != 4)
			err(1, "pread");
		printf("%02x%02x%02x\n", pixel >> var.red.offset & 0xff,
		    pixel >> var.green.offset & 0xff,
		    pixel >> var.blue.offset & 0xff);
	} else if (strcmp(argv[1], "frames") == 0 && argc == 4)
		frames(atoi(argv[2]), atoi(argv[3]));
	else if (strcmp(argv[1], "writes") == 0 && argc == 4)
		writes(atoi(argv[2]), atoi(argv[3]));
	else if (strcmp(argv[1], "hold") == 0 && argc == 3) {
		map_it();
		memset(map, 0x11, 4096);
		sleep(atoi(argv[2]));
		memset(map, 0x33, 4096);
		printf("held\n");
	} else if (strcmp(argv[1], "cursor") == 0 && argc == 5)
		cursor(argv + 2);
	else
		errx(2, "%s?", argv[1]);
	return (0);
}

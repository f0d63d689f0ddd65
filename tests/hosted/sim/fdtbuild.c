/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Devicetree Specification 0.4, chapter 5.
 */

#include <stdarg.h>

#include <sys/systm.h>

#include "fdtbuild.h"

#define HEADER	40

static void
cell(u_char *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static void
put(struct fdtbuild *fb, const void *p, size_t n)
{
	size_t room = roundup2(n, 4);

	if (room > sizeof(fb->fb_struct) - 64 - fb->fb_nstruct)
		return;
	memset(fb->fb_struct + fb->fb_nstruct, 0, room);
	memcpy(fb->fb_struct + fb->fb_nstruct, p, n);
	fb->fb_nstruct += room;
}

static void
put_cell(struct fdtbuild *fb, uint32_t v)
{
	u_char c[4];

	cell(c, v);
	put(fb, c, 4);
}

static void
token(struct fdtbuild *fb, uint32_t t)
{
	if (fb->fb_nops)
		put_cell(fb, 4);
	put_cell(fb, t);
}

void
fdtbuild_init(struct fdtbuild *fb)
{
	memset(fb, 0, sizeof(*fb));
	fb->fb_version = 17;
}

void
fdtbuild_begin(struct fdtbuild *fb, const char *name)
{
	token(fb, 1);
	put(fb, name, strlen(name) + 1);
}

void
fdtbuild_end(struct fdtbuild *fb)
{
	token(fb, 2);
}

static uint32_t
string_at(struct fdtbuild *fb, const char *s)
{
	size_t n = strlen(s) + 1, at;

	for (at = 0; at < fb->fb_nstrings;
	    at += strlen(fb->fb_strings + at) + 1) {
		if (strcmp(fb->fb_strings + at, s) == 0)
			return (at);
	}
	if (n > sizeof(fb->fb_strings) - fb->fb_nstrings)
		return (0);
	memcpy(fb->fb_strings + fb->fb_nstrings, s, n);
	fb->fb_nstrings += n;
	return (fb->fb_nstrings - n);
}

void
fdtbuild_bytes(struct fdtbuild *fb, const char *name, const void *p, size_t n)
{
	if (roundup2(n, 4) + 16 > sizeof(fb->fb_struct) - 64 - fb->fb_nstruct)
		return;
	token(fb, 3);
	put_cell(fb, n);
	put_cell(fb, string_at(fb, name));
	put(fb, p, n);
}

void
fdtbuild_string(struct fdtbuild *fb, const char *name, const char *s)
{
	fdtbuild_bytes(fb, name, s, strlen(s) + 1);
}

void
fdtbuild_cells(struct fdtbuild *fb, const char *name, u_int n, ...)
{
	u_char c[256];
	va_list ap;
	u_int i;

	va_start(ap, n);
	for (i = 0; i < n && i < sizeof(c) / 4; i++)
		cell(c + 4 * i, va_arg(ap, uint32_t));
	va_end(ap);
	fdtbuild_bytes(fb, name, c, 4 * i);
}

size_t
fdtbuild_finish(struct fdtbuild *fb)
{
	u_char *p = fb->fb_blob;
	size_t rsv = HEADER, st, str, end;
	u_int i;

	token(fb, 9);
	st = rsv + 16 * (fb->fb_nrsv + 1);
	str = st + fb->fb_nstruct;
	end = str + fb->fb_nstrings;
	memset(p, 0, st);
	cell(p, 0xd00dfeed);
	cell(p + 4, end);
	cell(p + 8, st);
	cell(p + 12, str);
	cell(p + 16, rsv);
	cell(p + 20, fb->fb_version);
	cell(p + 24, 16);
	cell(p + 32, fb->fb_nstrings);
	cell(p + 36, fb->fb_version >= 17 ? fb->fb_nstruct : 0);
	for (i = 0; i < fb->fb_nrsv; i++) {
		cell(p + rsv + 16 * i, fb->fb_rsv[i][0] >> 32);
		cell(p + rsv + 16 * i + 4, fb->fb_rsv[i][0]);
		cell(p + rsv + 16 * i + 8, fb->fb_rsv[i][1] >> 32);
		cell(p + rsv + 16 * i + 12, fb->fb_rsv[i][1]);
	}
	memcpy(p + st, fb->fb_struct, fb->fb_nstruct);
	memcpy(p + str, fb->fb_strings, fb->fb_nstrings);
	return (end);
}

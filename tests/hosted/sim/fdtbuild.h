/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SIM_FDTBUILD_H_
#define _SIM_FDTBUILD_H_

/*
 * Makes a flattened device tree, token by token; what has no room is left
 * out.  fdtbuild_finish() gives the blob: header, reservations, structure,
 * strings.
 */

#include <sys/types.h>

struct fdtbuild {
	u_char		fb_struct[16384];
	size_t		fb_nstruct;
	char		fb_strings[4096];
	size_t		fb_nstrings;
	uint64_t	fb_rsv[8][2];
	u_int		fb_nrsv;
	u_int		fb_version;		/* 17 */
	bool		fb_nops;		/* a NOP before each token */
	u_char		fb_blob[24576];
};

void	fdtbuild_init(struct fdtbuild *);
void	fdtbuild_begin(struct fdtbuild *, const char *);
void	fdtbuild_end(struct fdtbuild *);
void	fdtbuild_bytes(struct fdtbuild *, const char *, const void *, size_t);
void	fdtbuild_string(struct fdtbuild *, const char *, const char *);
/* so many cells follow */
void	fdtbuild_cells(struct fdtbuild *, const char *, u_int, ...);
size_t	fdtbuild_finish(struct fdtbuild *);	/* bytes of fb_blob */

#endif /* _SIM_FDTBUILD_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_INIT_H_
#define _SYS_INIT_H_

/* From the machine to the kernel proper, and back for what is in the boot. */

#include <sys/types.h>

void		 main(void) __noreturn;
const void	*md_root_image(size_t *);	/* mapped, read-only */
extern const char version[], ostype[], osrelease[];

#define HOSTNAME_MAX	65		/* with the NUL */
extern char	 hostname[HOSTNAME_MAX];

#endif /* _SYS_INIT_H_ */

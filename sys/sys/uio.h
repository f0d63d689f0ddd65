/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_UIO_H_
#define _SYS_UIO_H_

/*
 * A transfer between a file and memory of a program or of the kernel.
 */

#include <sys/types.h>

struct iovec {
	void	*iov_base;
	size_t	 iov_len;
};

enum uio_rw { UIO_READ, UIO_WRITE };	/* from the program's view */
enum uio_seg { UIO_USERSPACE, UIO_SYSSPACE };

struct uio {
	struct iovec	*uio_iov;	/* consumed as the transfer goes on */
	int		 uio_iovcnt;
	off_t		 uio_offset;
	size_t		 uio_resid;	/* bytes left */
	enum uio_seg	 uio_segflg;
	enum uio_rw	 uio_rw;
};

/*
 * Move up to n bytes between the buffer and the uio, in the direction that
 * uio_rw says, and advance both.  Thread context for user memory.  EFAULT.
 */
int	uiomove(void *, size_t, struct uio *);
/* EINVAL: more than can be, or beyond the last place of a file */
int	uio_check(const struct uio *);
int	uiomove_zero(size_t, struct uio *);	/* read zeros; discard writes */
#define UIO_MAXIOV	1024

#endif /* _SYS_UIO_H_ */

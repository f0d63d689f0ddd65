/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NODES_H_
#define _NODES_H_

/* Devices as programs use them: open, read, write by the name in /dev. */

#include <sys/conf.h>
#include <sys/devvar.h>
#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/uio.h>

/* bytes moved, to *done; errno */
static inline int
node_rdwr(struct cdev *cd, enum uio_rw rw, void *buf, size_t len,
    uint64_t off, int flags, size_t *done)
{
	struct iovec iov = { buf, len };
	struct uio uio = { .uio_iov = &iov, .uio_iovcnt = 1,
	    .uio_offset = off, .uio_resid = len,
	    .uio_segflg = UIO_SYSSPACE, .uio_rw = rw };
	int error;

	error = dev_rdwr(cd, &uio, flags | (rw == UIO_READ ? FREAD : FWRITE));
	if (done != NULL)
		*done = len - uio.uio_resid;
	return (error);
}

static inline struct cdev *
node_open(const char *name, int flags)
{
	struct cdev *cd = dev_lookup(name);

	if (cd != NULL && dev_open(cd, flags) != 0) {
		dev_release(cd);
		cd = NULL;
	}
	return (cd);
}

static inline void
node_close(struct cdev *cd, int flags)
{
	if (cd == NULL)
		return;
	(void)dev_close(cd, flags);
	dev_release(cd);
}

#endif /* _NODES_H_ */

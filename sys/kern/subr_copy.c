/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * User memory, above copyin() and copyout().
 */

#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/uio.h>

int
copyinstr(const void *user, char *buf, size_t size, size_t *lenp)
{
	size_t done, n, i;
	int error;

	/* a piece up to the next page boundary, for the next may not be there */
	for (done = 0; done < size; done += n) {
		n = MIN(size - done, PAGE_SIZE -
		    (((vaddr_t)user + done) & PAGE_MASK));
		n = MIN(n, 64);
		if ((error = copyin((const char *)user + done, buf + done,
		    n)) != 0)
			return (error);
		for (i = done; i < done + n; i++) {
			if (buf[i] == '\0') {
				if (lenp != NULL)
					*lenp = i + 1;
				return (0);
			}
		}
	}
	return (ENAMETOOLONG);
}

static int
uio_piece(void *buf, size_t n, struct uio *uio, void *base)
{
	if (uio->uio_segflg == UIO_SYSSPACE) {
		if (uio->uio_rw == UIO_READ)
			memcpy(base, buf, n);
		else
			memcpy(buf, base, n);
		return (0);
	}
	return (uio->uio_rw == UIO_READ ? copyout(buf, base, n) :
	    copyin(base, buf, n));
}

int
uiomove(void *buf, size_t n, struct uio *uio)
{
	struct iovec *iov;
	size_t cnt;
	int error;

	while (n > 0 && uio->uio_resid > 0) {
		iov = uio->uio_iov;
		KASSERT(uio->uio_iovcnt > 0);
		cnt = MIN(n, iov->iov_len);
		if (cnt > 0) {
			error = uio_piece(buf, cnt, uio, iov->iov_base);
			if (error != 0)
				return (error);
		}
		iov->iov_base = (char *)iov->iov_base + cnt;
		iov->iov_len -= cnt;
		if (iov->iov_len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
		}
		uio->uio_resid -= cnt;
		uio->uio_offset += cnt;
		buf = (char *)buf + cnt;
		n -= cnt;
	}
	return (0);
}

int
uiomove_zero(size_t n, struct uio *uio)
{
	static const char zeros[512];
	char sink[512];
	size_t cnt;
	int error;

	while (n > 0 && uio->uio_resid > 0) {
		cnt = MIN(n, sizeof(zeros));
		error = uiomove(uio->uio_rw == UIO_READ ?
		    (void *)(vaddr_t)zeros : sink, cnt, uio);
		if (error != 0)
			return (error);
		n -= cnt;
	}
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Asynchronous requests: io_setup(2) and its kin.
 */

#include <sys/aio.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <compat/linux/linux.h>
#include <vm/vm_map.h>

#define IOCB_CMD_PREAD		0
#define IOCB_CMD_PWRITE		1
#define IOCB_CMD_FSYNC		2
#define IOCB_CMD_FDSYNC		3
#define IOCB_CMD_PREADV		7
#define IOCB_CMD_PWRITEV	8

#define IOCB_FLAG_RESFD		0x01

#define SETUP_MAX		0x10000000UL
#define RW_MAX			0x7ffff000UL

struct linux_iocb {
	uint64_t	aio_data;
	/* the program's one field of 64 bits, once: the key is its low half */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint32_t	aio_rw_flags, aio_key;
#else
	uint32_t	aio_key, aio_rw_flags;
#endif
	uint16_t	aio_lio_opcode;
	int16_t		aio_reqprio;
	uint32_t	aio_fildes;
	uint64_t	aio_buf, aio_nbytes;
	int64_t		aio_offset;
	uint64_t	aio_reserved2;
	uint32_t	aio_flags, aio_resfd;
};
_Static_assert(sizeof(struct linux_iocb) == 64, "iocb");
#define AIO_KEY		offsetof(struct linux_iocb, aio_key)

struct linux_io_event {
	uint64_t	data, obj;
	int64_t		res, res2;
};
_Static_assert(sizeof(struct linux_io_event) == 32, "io_event");

/* --- contexts ----------------------------------------------------------- */

/*
 * A context's name is the address of a page, which stays empty: the C
 * library's companion looks there for a ring of results that it could read
 * without a system call, and finds none.
 */
int
linux_io_setup(const u_long *a, long *rv __unused)
{
	struct vmspace *vm = curproc->p_vm;
	vaddr_t page = 0;
	u_long name, n = (u_int)a[0];
	int error;

	if ((error = copyin((void *)a[1], &name, sizeof(name))) != 0)
		return (error);
	if (name != 0 || n == 0 || n > SETUP_MAX)
		return (EINVAL);
	if ((error = vm_map(vm, &page, PAGE_SIZE, PROT_READ, false, false,
	    NULL, 0)) != 0)
		return (error);
	name = page;
	if ((error = aio_create(n, name)) == 0 &&
	    (error = copyout(&name, (void *)a[1], sizeof(name))) != 0)
		aio_destroy(aio_find(name));
	if (error != 0)
		(void)vm_unmap(vm, page, PAGE_SIZE);
	return (error);
}

int
linux_io_destroy(const u_long *a, long *rv __unused)
{
	struct aioctx *ac;

	if ((ac = aio_find(a[0])) == NULL)
		return (EINVAL);
	aio_destroy(ac);
	(void)vm_unmap(curproc->p_vm, a[0], PAGE_SIZE);
	return (0);
}

/* --- requests ----------------------------------------------------------- */

static int
submit_vector(struct aioctx *ac, struct aioarg *aa,
    const struct linux_iocb *cb)
{
	size_t n = cb->aio_nbytes;
	struct iovec *iov;
	int error;

	if (n > UIO_MAXIOV)
		return (EINVAL);
	if ((iov = kmem_alloc(MAX(n, 1) * sizeof(*iov), KM_NOSLEEP)) == NULL)
		return (EAGAIN);
	aa->aa_iov = iov;
	aa->aa_niov = n;
	if ((error = copyin((void *)cb->aio_buf, iov, n * sizeof(*iov))) == 0)
		error = aio_add(ac, aa);
	kmem_free(iov, MAX(n, 1) * sizeof(*iov));
	return (error);
}

static int
submit_plain(struct aioctx *ac, struct aioarg *aa,
    const struct linux_iocb *cb)
{
	const struct iovec iov = { (void *)cb->aio_buf,
	    MIN(cb->aio_nbytes, RW_MAX) };

	if (cb->aio_nbytes > INT64_MAX)
		return (EINVAL);
	aa->aa_iov = &iov;
	aa->aa_niov = 1;
	return (aio_add(ac, aa));
}

static int
submit_sync(struct aioctx *ac, struct aioarg *aa, const struct linux_iocb *cb)
{
	if (cb->aio_buf != 0 || cb->aio_nbytes != 0 || cb->aio_offset != 0)
		return (EINVAL);
	aa->aa_op = AIO_SYNC;
	return (aio_add(ac, aa));
}

static int
submit_one(struct aioctx *ac, u_long user)
{
	static const uint32_t key = 0;
	struct linux_iocb cb;
	struct aioarg aa;
	int error;

	if ((error = copyin((void *)user, &cb, sizeof(cb))) != 0)
		return (error);
	if (cb.aio_reserved2 != 0 || (cb.aio_flags & ~IOCB_FLAG_RESFD) != 0)
		return (EINVAL);
	if ((error = copyout(&key, (char *)user + AIO_KEY, sizeof(key))) != 0)
		return (error);
	if ((cb.aio_rw_flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC)) != 0)
		return (EOPNOTSUPP);
	aa = (struct aioarg){ .aa_fd = cb.aio_fildes,
	    .aa_eventfd = cb.aio_flags & IOCB_FLAG_RESFD ?
	    (int)cb.aio_resfd : -1,
	    .aa_sync = (cb.aio_rw_flags & (RWF_DSYNC | RWF_SYNC)) != 0,
	    .aa_offset = cb.aio_offset, .aa_id = { user, cb.aio_data },
	    .aa_op = cb.aio_lio_opcode == IOCB_CMD_PWRITE ||
	    cb.aio_lio_opcode == IOCB_CMD_PWRITEV ? AIO_WRITE : AIO_READ };
	switch (cb.aio_lio_opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PWRITE:
		return (submit_plain(ac, &aa, &cb));
	case IOCB_CMD_PREADV:
	case IOCB_CMD_PWRITEV:
		return (submit_vector(ac, &aa, &cb));
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		return (submit_sync(ac, &aa, &cb));
	default:
		return (EINVAL);
	}
}

/* Those before the first one with an error go. */
int
linux_io_submit(const u_long *a, long *rv)
{
	long i, n = a[1];
	struct aioctx *ac;
	u_long user;
	int error = 0;

	if (n < 0 || (ac = aio_find(a[0])) == NULL)
		return (EINVAL);
	n = MIN(n, (long)aio_max(ac));
	for (i = 0; i < n; i++) {
		if ((error = copyin((u_long *)a[2] + i, &user,
		    sizeof(user))) != 0 ||
		    (error = submit_one(ac, user)) != 0)
			break;
		/* the kernel is not preempted, and this may be long */
		if (sched_wanted())
			sched_yield();
	}
	aio_submit(ac);
	*rv = i;
	return (i > 0 ? 0 : error);
}

/* Whatever it is, nothing that is on its way can be taken back. */
int
linux_io_cancel(const u_long *a, long *rv __unused)
{
	uint32_t key;
	int error;

	if ((error = copyin((char *)a[1] + AIO_KEY, &key, sizeof(key))) != 0)
		return (error);
	return (EINVAL);
}

/* --- results ------------------------------------------------------------ */

static int
event_out(void *arg, const uint64_t *id, long result)
{
	struct linux_io_event ev = { .obj = id[0], .data = id[1],
	    .res = result }, **user = arg;
	int error;

	if ((error = copyout(&ev, *user, sizeof(ev))) == 0)
		++*user;
	return (error);
}

static int
getevents(const u_long *a, uint64_t nsec, long *rv)
{
	struct linux_io_event *user = (void *)a[3];
	long min = a[1], max = a[2];
	struct aioctx *ac;
	u_int n;
	int error;

	if ((ac = aio_find(a[0])) == NULL || min < 0 || min > max)
		return (EINVAL);
	error = aio_reap(ac, MIN(min, UINT32_MAX), MIN(max, UINT32_MAX), nsec,
	    event_out, &user, &n);
	*rv = n;
	return (error);
}

int
linux_io_getevents(const u_long *a, long *rv)
{
	uint64_t nsec = INFSLP;
	int error;

	if (a[4] != 0 && (error = linux_timespec_in((void *)a[4],
	    &nsec)) != 0)
		return (error);
	return (getevents(a, nsec, rv));
}

int
linux_io_pgetevents(const u_long *a, long *rv)
{
	struct { u_long mask; size_t size; } arg;
	uint64_t nsec = INFSLP;
	int error;

	if (a[4] != 0 && (error = linux_timespec_in((void *)a[4],
	    &nsec)) != 0)
		return (error);
	if (a[5] != 0 &&
	    ((error = copyin((void *)a[5], &arg, sizeof(arg))) != 0 ||
	    (error = linux_tempmask_in((void *)arg.mask, arg.size)) != 0))
		return (error);
	return (getevents(a, nsec, rv));
}

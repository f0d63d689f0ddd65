/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_AIO_H_
#define _SYS_AIO_H_

/*
 * Asynchronous requests: a program has many of them on their way and asks
 * now and then what has become of them.
 *
 * Those that are submitted together reach a file together, by its fo_aio (a
 * device's d_aio), as a list.  It takes off the list what it can do while the
 * program goes on, and calls ar_done for each of these at its end.  What it
 * leaves there, and the requests for files without such a function, are done
 * by read, write and fsync before the call returns.
 */

#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

struct aioctx;
struct file;
struct proc;

enum aio_op { AIO_READ, AIO_WRITE, AIO_SYNC };

struct aioreq {
	TAILQ_ENTRY(aioreq)	  ar_link;	/* who has it */
	enum aio_op		  ar_op;
	struct uio		  ar_uio;	/* of the submitting process */
	size_t			  ar_count;	/* bytes; set before ar_done */
	int			  ar_error;	/* if there are none */
	void			(*ar_done)(struct aioreq *); /* any context */

	void			 *ar_priv;	/* of who does it */
	u_int			  ar_left;

	struct aioctx		 *ar_ctx;	/* kern_aio.c's own */
	struct file		 *ar_file;
	struct iovec		 *ar_iov;	/* kmem, or ar_one */
	u_int			  ar_niov;
	struct iovec		  ar_one;
	bool			  ar_sync;
	struct file		 *ar_event;
	uint64_t		  ar_id[2];
};
TAILQ_HEAD(aiolist, aioreq);

/*
 * For system calls, on the current process; an aioctx is known to it alone.
 *
 * aio_create: a place for so many requests, from submission until they were
 *	reaped, by a name that the caller gives it.  EAGAIN: too many in all.
 * aio_find: NULL: no such thing.
 * aio_destroy: waits for what is on its way.
 * aio_add: one more request; the iovec is copied.  EAGAIN: no place for it.
 *	EBADF, EINVAL.
 * aio_submit: off they go.
 * aio_reap: waits until min are done, or the time is over, or for a signal;
 *	the function gets up to max of them, and may refuse.  *n: so many were
 *	taken; if none, the function's error, or EINTR.
 * aio_quiet: waits for what is on its way.  A page that a device writes to
 *	must not be copied meanwhile because it is shared: so this goes before
 *	whatever makes writes to memory fault.
 * aio_exit: the end of the process, or of its program.
 */
struct aioarg {
	enum aio_op		 aa_op;
	int			 aa_fd;
	const struct iovec	*aa_iov;	/* kernel copy of user's */
	u_int			 aa_niov;
	off_t			 aa_offset;
	bool			 aa_sync;	/* flush what was written */
	int			 aa_eventfd;	/* to be told; -1: none */
	uint64_t		 aa_id[2];	/* come back at the end */
};
typedef int (*aiofill_t)(void *, const uint64_t *id, long result);

int	 aio_create(u_int, u_long name);
struct aioctx *aio_find(u_long name);
u_int	 aio_max(const struct aioctx *);
void	 aio_destroy(struct aioctx *);
int	 aio_add(struct aioctx *, const struct aioarg *);
void	 aio_submit(struct aioctx *);
int	 aio_reap(struct aioctx *, u_int min, u_int max, uint64_t nsec,
	    aiofill_t, void *, u_int *n);
void	 aio_quiet(struct proc *);
void	 aio_exit(struct proc *);

#endif /* _SYS_AIO_H_ */

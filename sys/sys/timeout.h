/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_TIMEOUT_H_
#define _SYS_TIMEOUT_H_

/*
 * A function to be called once, later, at IPL_SOFT.  There is no tick: the
 * clock interrupts when the next timeout is due.
 *
 * timeout_add_*: any context; a pending timeout is moved.  true: it was not
 * pending before.
 * timeout_del: any context; true: it was pending and will not run.  The
 * function may be running.
 * timeout_del_barrier: thread context; on return it is neither pending nor
 * running.  Hold no lock that the function takes.
 */

#include <sys/types.h>

struct timeout {
	struct timeout	 *to_child, *to_next, **to_prevp; /* pairing heap */
	uint64_t	  to_time;			/* nsecuptime() */
	void		(*to_fn)(void *);
	void		 *to_arg;
	bool		  to_pending;
};

void	timeout_init(void);		/* at boot */
void	timeout_set(struct timeout *, void (*)(void *), void *);
bool	timeout_add_nsec(struct timeout *, uint64_t);
bool	timeout_add_msec(struct timeout *, u_int);
bool	timeout_add_sec(struct timeout *, u_int);
bool	timeout_del(struct timeout *);
bool	timeout_del_barrier(struct timeout *);
bool	timeout_pending(const struct timeout *);

#endif /* _SYS_TIMEOUT_H_ */

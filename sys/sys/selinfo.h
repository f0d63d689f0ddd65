/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_SELINFO_H_
#define _SYS_SELINFO_H_

/*
 * poll(2).  A driver's d_poll returns the events that are true now; if none
 * is and the request is not NULL it records the request, under the lock that
 * guards the condition, and calls selwakeup() when the condition may have
 * changed.
 */

#include <sys/queue.h>
#include <sys/types.h>

#define POLLIN		0x0001
#define POLLPRI		0x0002
#define POLLOUT		0x0004
#define POLLERR		0x0008
#define POLLHUP		0x0010
#define POLLNVAL	0x0020
#define POLLRDNORM	0x0040
#define POLLWRNORM	0x0100
#define POLLRDHUP	0x2000

struct selhit;
struct selreq;

struct selinfo {
	LIST_HEAD(, selhit)	 si_hits;	/* under the lock of poll */
};

void	selinit(struct selinfo *);
void	selrecord(struct selreq *, struct selinfo *);	/* thread context */
void	selwakeup(struct selinfo *);			/* any context */
/* what is recorded from here on belongs to that owner, who will go away */
void	selowner(struct selreq *, const void *);
/* it has gone: forget what was recorded for it, and wake who waits */
void	selgone(const void *);

/* a driver that cannot tell when it changes: look again soon */
void	selretry(struct selreq *);

/*
 * For epoll: requests that last, of one file each.  When what they recorded
 * changes they are marked, the channel counts it, and who sleeps there wakes.
 * Thread context.
 * selreq_reset: forgets what was recorded, and the mark.
 * selchan_sleep: unless marks came since selchan_marks() gave that count.  0
 *	also when the time is over; EINTR.
 * poll_file: what is true of the file now; records if nothing is.
 */
struct selchan {
	u_int	sc_marks;
};
struct file;
struct selreq *selreq_create(struct selchan *);		/* NULL: no memory */
void	selreq_destroy(struct selreq *);		/* NULL is allowed */
void	selreq_reset(struct selreq *);
bool	selreq_marked(struct selreq *);
void	selreq_mark(struct selreq *);
u_int	selchan_marks(struct selchan *);
int	selchan_sleep(struct selchan *, u_int, uint64_t);
int	poll_file(struct file *, int, struct selreq *);

#endif /* _SYS_SELINFO_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_SYNCH_H_
#define _SYS_SYNCH_H_

/*
 * Sleep and wakeup.
 *
 * msleep_nsec: thread context.  Leaves the mutex (may be NULL), sleeps until
 * somebody calls wakeup() on ident or nsecs have passed (INFSLP: no limit),
 * and enters the mutex again.  0: woken; EWOULDBLOCK: time is over; with
 * PCATCH in pri also EINTR: a signal waits.  A mutex that is held between
 * the test of a condition and the sleep, and by the one who changes the
 * condition, means that no wakeup is lost.
 * wakeup, wakeup_one: any context.
 */

#include <sys/mutex.h>

#define PRI_MAX		31
/* priorities of threads: lower runs first */
#define PRI_INTR	2	/* device threads, deferred work */
#define PRI_KERN	8
#define PRI_USER	20
#define PRI_IDLE	31
#define PCATCH		0x100

int	msleep_nsec(const void *, struct mutex *, int, const char *, uint64_t);
void	wakeup(const void *);
void	wakeup_one(const void *);

#endif /* _SYS_SYNCH_H_ */

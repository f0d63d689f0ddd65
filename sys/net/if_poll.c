/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Receiving without being drowned: see ifnet.h.
 *
 * A queue that has something is emptied in a soft interrupt, up to so many
 * packets.  What is still busy then goes to a thread of the priority of
 * programs, with its interrupt disabled, until it has nothing more.
 */

#include <sys/intr.h>
#include <sys/kthread.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <net/ifnet.h>

#define BUDGET		64		/* packets of one queue at a time */
#define ROUNDS		4		/* times in one soft interrupt */

enum { POLL_IDLE, POLL_SOFT, POLL_THREAD, POLL_RUNNING, POLL_AGAIN };

TAILQ_HEAD(pollq, ifpoll);
static struct mutex	poll_mtx = MUTEX_INITIALIZER(IPL_NET);
static struct pollq	poll_soft = TAILQ_HEAD_INITIALIZER(poll_soft);
static struct pollq	poll_late = TAILQ_HEAD_INITIALIZER(poll_late);
static void		*poll_si;
static struct thread	*poll_thread;

static void	poll_softintr(void *);
static void	poll_main(void *);

void
if_poll_init(struct ifpoll *ip, u_int (*fn)(void *, u_int), void *arg)
{
	*ip = (struct ifpoll){ .ip_fn = fn, .ip_arg = arg };
	if (poll_si == NULL)
		poll_si = softintr_establish(IPL_SOFT, poll_softintr, NULL);
	if (poll_thread == NULL)
		(void)kthread_create(poll_main, NULL, PRI_USER, "netpoll",
		    &poll_thread);
	KASSERT(poll_si != NULL && poll_thread != NULL);
}

static void
poll_enqueue(struct ifpoll *ip, struct pollq *q, u_int state)
{
	MUTEX_ASSERT_LOCKED(&poll_mtx);
	ip->ip_state = state;
	TAILQ_INSERT_TAIL(q, ip, ip_entry);
}

void
if_poll_schedule(struct ifpoll *ip)
{
	mtx_enter(&poll_mtx);
	if (ip->ip_state == POLL_RUNNING)
		ip->ip_state = POLL_AGAIN;
	else if (ip->ip_state == POLL_IDLE && !ip->ip_stopped) {
		poll_enqueue(ip, &poll_soft, POLL_SOFT);
		softintr_schedule(poll_si);
	}
	mtx_leave(&poll_mtx);
}

void
if_poll_stop(struct ifpoll *ip)
{
	if (ip->ip_fn == NULL)
		return;
	mtx_enter(&poll_mtx);
	ip->ip_stopped = true;
	if (ip->ip_state == POLL_SOFT)
		TAILQ_REMOVE(&poll_soft, ip, ip_entry);
	else if (ip->ip_state == POLL_THREAD)
		TAILQ_REMOVE(&poll_late, ip, ip_entry);
	else
		while (ip->ip_state != POLL_IDLE)
			(void)msleep_nsec(ip, &poll_mtx, PRI_KERN, "pollstop",
			    MSEC_TO_NSEC(10));
	ip->ip_state = POLL_IDLE;
	mtx_leave(&poll_mtx);
}

/* One turn of the first in a queue.  false: there was none. */
static bool
poll_one(struct pollq *q, bool late)
{
	struct ifpoll *ip;
	bool more;

	mtx_enter(&poll_mtx);
	if ((ip = TAILQ_FIRST(q)) == NULL) {
		mtx_leave(&poll_mtx);
		return (false);
	}
	TAILQ_REMOVE(q, ip, ip_entry);
	ip->ip_state = POLL_RUNNING;
	mtx_leave(&poll_mtx);

	more = ip->ip_fn(ip->ip_arg, BUDGET) >= BUDGET;

	mtx_enter(&poll_mtx);
	more |= ip->ip_state == POLL_AGAIN;
	if (more && !ip->ip_stopped)
		poll_enqueue(ip, q, late ? POLL_THREAD : POLL_SOFT);
	else {
		ip->ip_state = POLL_IDLE;
		if (ip->ip_stopped)
			wakeup(ip);
	}
	mtx_leave(&poll_mtx);
	return (true);
}

static void
poll_softintr(void *arg __unused)
{
	struct ifpoll *ip;
	u_int i;

	for (i = 0; i < ROUNDS; i++) {
		if (!poll_one(&poll_soft, false))
			return;
	}
	mtx_enter(&poll_mtx);
	while ((ip = TAILQ_FIRST(&poll_soft)) != NULL) {
		TAILQ_REMOVE(&poll_soft, ip, ip_entry);
		poll_enqueue(ip, &poll_late, POLL_THREAD);
	}
	wakeup(&poll_late);
	mtx_leave(&poll_mtx);
}

static void
poll_main(void *arg __unused)
{
	for (;;) {
		mtx_enter(&poll_mtx);
		while (TAILQ_EMPTY(&poll_late))
			(void)msleep_nsec(&poll_late, &poll_mtx, PRI_USER,
			    "netpoll", INFSLP);
		mtx_leave(&poll_mtx);
		/* the protocols expect that nothing of them interrupts them */
		while (poll_one(&poll_late, true))
			sched_yield();
	}
}

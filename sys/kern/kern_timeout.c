/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Timeouts: a pairing heap by time, and a clock that interrupts when the
 * first of them is due.
 */

#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <machine/cpu.h>

static struct mutex	 to_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static struct timeout	*to_heap;		/* the earliest */
static struct timeout	*to_running;
static void		*to_softintr;

static void	timeout_softintr(void *);

void
timeout_init(void)
{
	to_softintr = softintr_establish(IPL_SOFT, timeout_softintr, NULL);
}

/* --- the heap: a tree of lists of children; to_prevp is NULL for a root ---- */

static struct timeout *
heap_meld(struct timeout *a, struct timeout *b)
{
	struct timeout *t;

	if (a == NULL)
		return (b);
	if (b == NULL)
		return (a);
	if (b->to_time < a->to_time) {
		t = a;
		a = b;
		b = t;
	}
	b->to_next = a->to_child;
	if (b->to_next != NULL)
		b->to_next->to_prevp = &b->to_next;
	b->to_prevp = &a->to_child;
	a->to_child = b;
	return (a);
}

/* Make one heap of a list of them: in pairs, then from the last one back. */
static struct timeout *
heap_merge(struct timeout *list)
{
	struct timeout *a, *b, *pairs = NULL, *heap = NULL;

	while ((a = list) != NULL) {
		b = a->to_next;
		list = b != NULL ? b->to_next : NULL;
		a->to_next = NULL;
		if (b != NULL)
			b->to_next = NULL;
		a = heap_meld(a, b);
		a->to_next = pairs;
		pairs = a;
	}
	while ((a = pairs) != NULL) {
		pairs = a->to_next;
		a->to_next = NULL;
		heap = heap_meld(heap, a);
	}
	return (heap);
}

static void
heap_insert(struct timeout *to)
{
	to->to_child = to->to_next = NULL;
	to_heap = heap_meld(to_heap, to);
	to_heap->to_prevp = NULL;
}

static void
heap_remove(struct timeout *to)
{
	struct timeout *rest = heap_merge(to->to_child);

	if (to == to_heap)
		to_heap = rest;
	else {
		*to->to_prevp = to->to_next;
		if (to->to_next != NULL)
			to->to_next->to_prevp = to->to_prevp;
		to_heap = heap_meld(to_heap, rest);
	}
	if (to_heap != NULL)
		to_heap->to_prevp = NULL;
}

/* --- interface -------------------------------------------------------------------- */

void
timeout_set(struct timeout *to, void (*fn)(void *), void *arg)
{
	*to = (struct timeout){ .to_fn = fn, .to_arg = arg };
}

bool
timeout_add_nsec(struct timeout *to, uint64_t nsec)
{
	uint64_t now = md_nsec();
	bool was;

	mtx_enter(&to_mtx);
	if ((was = to->to_pending))
		heap_remove(to);
	to->to_time = nsec > UINT64_MAX - now ? UINT64_MAX : now + nsec;
	to->to_pending = true;
	heap_insert(to);
	if (to_heap == to)
		md_timer_set(to->to_time);
	mtx_leave(&to_mtx);
	return (!was);
}

bool
timeout_add_msec(struct timeout *to, u_int msec)
{
	return (timeout_add_nsec(to, MSEC_TO_NSEC(msec)));
}

bool
timeout_add_sec(struct timeout *to, u_int sec)
{
	return (timeout_add_nsec(to, SEC_TO_NSEC(sec)));
}

bool
timeout_del(struct timeout *to)
{
	bool was;

	mtx_enter(&to_mtx);
	if ((was = to->to_pending)) {
		to->to_pending = false;
		heap_remove(to);
		if (to_heap == NULL)
			md_timer_set(0);
	}
	mtx_leave(&to_mtx);
	return (was);
}

bool
timeout_del_barrier(struct timeout *to)
{
	bool was = timeout_del(to);

	/* it runs on another CPU, at IPL_SOFT, and does not sleep */
	while (__atomic_load_n(&to_running, __ATOMIC_ACQUIRE) == to)
		CPU_BUSY_CYCLE();
	/* it may have armed itself again while it ran */
	return (timeout_del(to) || was);
}

bool
timeout_pending(const struct timeout *to)
{
	return (to->to_pending);
}

void
clock_intr(void)
{
	softintr_schedule(to_softintr);
}

static void
timeout_softintr(void *arg __unused)
{
	struct timeout *to;

	mtx_enter(&to_mtx);
	while ((to = to_heap) != NULL && to->to_time <= md_nsec()) {
		heap_remove(to);
		to->to_pending = false;
		to_running = to;
		mtx_leave(&to_mtx);
		to->to_fn(to->to_arg);
		mtx_enter(&to_mtx);
		__atomic_store_n(&to_running, NULL, __ATOMIC_RELEASE);
	}
	md_timer_set(to_heap == NULL ? 0 : to_heap->to_time);
	mtx_leave(&to_mtx);
}

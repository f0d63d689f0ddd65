/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Mutexes and sleep locks.
 */

#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/rwlock.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <machine/cpu.h>

void
mtx_init(struct mutex *mtx, enum ipl ipl)
{
	*mtx = (struct mutex)MUTEX_INITIALIZER(ipl);
}

void
mtx_enter(struct mutex *mtx)
{
	struct cpu_info *ci;
	void *none;
	int s;

	s = splraise(mtx->mtx_ipl);
	ci = curcpu();
	for (;;) {
		none = NULL;
		if (__atomic_compare_exchange_n(&mtx->mtx_owner, &none,
		    (void *)ci, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			break;
		if (none == ci)
			panic("mtx_enter: %p is held by this CPU", mtx);
		while (__atomic_load_n(&mtx->mtx_owner, __ATOMIC_RELAXED) !=
		    NULL)
			CPU_BUSY_CYCLE();
	}
	mtx->mtx_oldipl = s;
}

bool
mtx_enter_try(struct mutex *mtx)
{
	void *none = NULL;
	int s = splraise(mtx->mtx_ipl);

	if (!__atomic_compare_exchange_n(&mtx->mtx_owner, &none,
	    (void *)curcpu(), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		splx(s);
		return (false);
	}
	mtx->mtx_oldipl = s;
	return (true);
}

void
mtx_leave(struct mutex *mtx)
{
	int s = mtx->mtx_oldipl;

	MUTEX_ASSERT_LOCKED(mtx);
	__atomic_store_n(&mtx->mtx_owner, NULL, __ATOMIC_RELEASE);
	splx(s);
}

bool
mtx_owned(const struct mutex *mtx)
{
	return (__atomic_load_n(&mtx->mtx_owner, __ATOMIC_RELAXED) ==
	    curcpu());
}

void
rw_init(struct rwlock *rw, const char *name)
{
	*rw = (struct rwlock){ .rw_mtx = MUTEX_INITIALIZER(IPL_SOFT),
	    .rw_name = name };
}

void
rw_enter_read(struct rwlock *rw)
{
	mtx_enter(&rw->rw_mtx);
	KASSERT(rw->rw_writer != curthread);
	while (rw->rw_writer != NULL || rw->rw_wantwrite != 0)
		(void)msleep_nsec(rw, &rw->rw_mtx, PRI_KERN, rw->rw_name,
		    INFSLP);
	rw->rw_readers++;
	mtx_leave(&rw->rw_mtx);
}

void
rw_enter_write(struct rwlock *rw)
{
	mtx_enter(&rw->rw_mtx);
	KASSERT(rw->rw_writer != curthread);
	rw->rw_wantwrite++;
	while (rw->rw_writer != NULL || rw->rw_readers != 0)
		(void)msleep_nsec(rw, &rw->rw_mtx, PRI_KERN, rw->rw_name,
		    INFSLP);
	rw->rw_wantwrite--;
	rw->rw_writer = curthread;
	mtx_leave(&rw->rw_mtx);
}

void
rw_exit(struct rwlock *rw)
{
	mtx_enter(&rw->rw_mtx);
	if (rw->rw_writer != NULL) {
		KASSERT(rw->rw_writer == curthread);
		rw->rw_writer = NULL;
	} else {
		KASSERT(rw->rw_readers != 0);
		rw->rw_readers--;
	}
	if (rw->rw_readers == 0)
		wakeup(rw);
	mtx_leave(&rw->rw_mtx);
}

bool
rw_write_held(const struct rwlock *rw)
{
	return (rw->rw_writer == curthread);
}

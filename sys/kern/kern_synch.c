/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Threads: run queues, sleep and wakeup.
 *
 * The kernel is not preempted; a program is, when it returns from an
 * interrupt and somebody more important, or of its own rank for 10 ms, waits.
 * There is no tick: the end of a time slice is a timeout that is set only
 * while somebody waits for it.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <vm/pmap.h>

#define SLICE_NSEC	MSEC_TO_NSEC(10)
#define SLEEPQ_SIZE	64
#define SLEEPQ(ident)	(&sleepq[((vaddr_t)(ident) >> 4) % SLEEPQ_SIZE])

TAILQ_HEAD(threadq, thread);

struct mutex		sched_mtx = MUTEX_INITIALIZER(IPL_HIGH);
struct thread		thread0 = { .td_state = TDS_RUNNING,
			    .td_pri = PRI_KERN, .td_name = "boot" };

static struct threadq	runq[PRI_MAX + 1];
static uint32_t		runq_bits;
static struct threadq	sleepq[SLEEPQ_SIZE];
static struct timeout	slice_to;

static void	slice_end(void *);
static void	msleep_timeout(void *);
static void	sched_idle(void *);
static void	wakeup_locked(const void *, u_int);

void
sched_init(void)
{
	u_int i;

	for (i = 0; i < nitems(runq); i++)
		TAILQ_INIT(&runq[i]);
	for (i = 0; i < nitems(sleepq); i++)
		TAILQ_INIT(&sleepq[i]);
	timeout_set(&slice_to, slice_end, NULL);
	timeout_set(&thread0.td_sleepto, msleep_timeout, &thread0);
	curcpu()->ci_idle = thread_alloc(sched_idle, NULL, PRI_IDLE, "idle0");
	if (curcpu()->ci_idle == NULL)
		panic("sched_init: no memory for the idle thread");
}

static void
slice_end(void *arg __unused)
{
	curcpu()->ci_resched = true;
}

static void
runq_insert(struct thread *td)
{
	struct thread *cur = curthread;

	MUTEX_ASSERT_LOCKED(&sched_mtx);
	td->td_state = TDS_RUNNABLE;
	TAILQ_INSERT_TAIL(&runq[td->td_pri], td, td_queue);
	runq_bits |= 1U << td->td_pri;
	if (td->td_pri < cur->td_pri)
		curcpu()->ci_resched = true;
	else if (td->td_pri == cur->td_pri && !timeout_pending(&slice_to))
		timeout_add_nsec(&slice_to, SLICE_NSEC);
}

static struct thread *
runq_next(void)
{
	struct thread *td;
	u_int pri;

	if (runq_bits == 0)
		return (NULL);
	pri = __builtin_ctz(runq_bits);
	td = TAILQ_FIRST(&runq[pri]);
	TAILQ_REMOVE(&runq[pri], td, td_queue);
	if (TAILQ_EMPTY(&runq[pri]))
		runq_bits &= ~(1U << pri);
	else if (!timeout_pending(&slice_to))
		timeout_add_nsec(&slice_to, SLICE_NSEC);
	return (td);
}

/*
 * Give the CPU to the next thread, or to the idle one.  The caller has said
 * in td_state what is to become of this one.  sched_mtx goes with the CPU
 * from one thread to the other; the level below it is each thread's own.
 */
static void
sched_switch(void)
{
	struct cpu_info *ci = curcpu();
	struct thread *old = curthread, *td;
	int ipl = sched_mtx.mtx_oldipl;
	uint64_t now;

	MUTEX_ASSERT_LOCKED(&sched_mtx);
	ci->ci_resched = false;
	if ((td = runq_next()) == NULL)
		td = ci->ci_idle;
	td->td_state = TDS_RUNNING;
	if (td != old) {
		now = md_nsec();
		old->td_runtime += now - old->td_started;
		td->td_started = now;
		md_switch(old, td);
	}
	sched_mtx.mtx_oldipl = ipl;
}

/* --- threads ----------------------------------------------------------------- */

/* The first thing that a new thread does; it comes from sched_switch(). */
static void
thread_main(void *arg)
{
	struct thread *td = arg;

	sched_mtx.mtx_oldipl = IPL_NONE;
	mtx_leave(&sched_mtx);
	td->td_fn(td->td_arg);
	thread_exit();
}

struct thread *
thread_alloc(void (*fn)(void *), void *arg, int pri, const char *name)
{
	struct thread *td;

	if ((td = kmem_zalloc(sizeof(*td), KM_NOSLEEP)) == NULL)
		return (NULL);
	if ((td->td_kstack = kva_memory(KSTACK_SIZE)) == NULL) {
		kmem_free(td, sizeof(*td));
		return (NULL);
	}
	td->td_state = TDS_NEW;
	td->td_pri = pri;
	td->td_fn = fn;
	td->td_arg = arg;
	strlcpy(td->td_name, name, sizeof(td->td_name));
	timeout_set(&td->td_sleepto, msleep_timeout, td);
	td->td_frame = (struct trapframe *)((char *)td->td_kstack +
	    KSTACK_SIZE) - 1;
	md_context_init(&td->td_md, td->td_kstack, (char *)td->td_frame -
	    (char *)td->td_kstack, thread_main, td);
	return (td);
}

void
thread_free(struct thread *td)
{
	KASSERT(td->td_state == TDS_DEAD || td->td_state == TDS_NEW);
	md_context_fini(&td->td_md);
	kva_memory_free(td->td_kstack, KSTACK_SIZE);
	kmem_free(td, sizeof(*td));
}

void
thread_run(struct thread *td)
{
	mtx_enter(&sched_mtx);
	KASSERT(td->td_state == TDS_NEW);
	runq_insert(td);
	mtx_leave(&sched_mtx);
}

void
thread_exit(void)
{
	mtx_enter(&sched_mtx);
	curthread->td_state = TDS_DEAD;
	/*
	 * Whoever waits frees our stack, but not before we have left it: he
	 * looks at td_state under the lock that we hold until then.
	 */
	wakeup_locked(curthread, UINT32_MAX);
	sched_switch();
	panic("thread_exit: dead thread runs");
}

void
thread_wait(struct thread *td)
{
	mtx_enter(&sched_mtx);
	while (td->td_state != TDS_DEAD)
		(void)msleep_nsec(td, &sched_mtx, PRI_KERN, "join", INFSLP);
	mtx_leave(&sched_mtx);
}

void
thread_setpri(struct thread *td, int pri)
{
	mtx_enter(&sched_mtx);
	KASSERT(td->td_state != TDS_RUNNABLE);
	td->td_pri = pri;
	mtx_leave(&sched_mtx);
}

uint64_t
thread_runtime(const struct thread *td)
{
	uint64_t ns;

	mtx_enter(&sched_mtx);
	ns = td->td_runtime;
	if (td->td_state == TDS_RUNNING)
		ns += md_nsec() - td->td_started;
	mtx_leave(&sched_mtx);
	return (ns);
}

void
sched_yield(void)
{
	mtx_enter(&sched_mtx);
	runq_insert(curthread);
	sched_switch();
	mtx_leave(&sched_mtx);
}

bool
sched_wanted(void)
{
	return (curcpu()->ci_resched);
}

static void
sched_idle(void *arg __unused)
{
	for (;;) {
		mtx_enter(&sched_mtx);
		if (runq_bits != 0)
			sched_switch();
		/*
		 * sched_mtx keeps interrupts off, so that a wakeup between
		 * the test and the wait is not slept through.  Who went to
		 * sleep may have left a soft interrupt to be run.
		 */
		if (runq_bits == 0 && curcpu()->ci_softpending == 0) {
			__atomic_store_n(&sched_mtx.mtx_owner, NULL,
			    __ATOMIC_RELEASE);
			md_idle();
			splx(IPL_NONE);
		} else
			mtx_leave(&sched_mtx);
	}
}

int
kthread_create(void (*fn)(void *), void *arg, int pri, const char *name,
    struct thread **tdp)
{
	struct thread *td;

	if ((td = thread_alloc(fn, arg, pri, name)) == NULL)
		return (ENOMEM);
	if (tdp != NULL)
		*tdp = td;
	thread_run(td);
	return (0);
}

void
kthread_exit(void)
{
	thread_exit();
}

void
kthread_join(struct thread *td)
{
	thread_wait(td);
	thread_free(td);
}

/* --- sleep and wakeup ---------------------------------------------------------- */

static void
sleepq_remove(struct thread *td)
{
	MUTEX_ASSERT_LOCKED(&sched_mtx);
	TAILQ_REMOVE(SLEEPQ(td->td_wchan), td, td_queue);
	td->td_wchan = NULL;
	runq_insert(td);
}

static void
msleep_timeout(void *arg)
{
	struct thread *td = arg;

	mtx_enter(&sched_mtx);
	if (td->td_state == TDS_SLEEPING) {
		td->td_timedout = true;
		sleepq_remove(td);
	}
	mtx_leave(&sched_mtx);
}

int
msleep_nsec(const void *ident, struct mutex *mtx, int pri, const char *wmesg,
    uint64_t nsecs)
{
	struct thread *td = curthread;
	int error = 0;

	KASSERT(ident != NULL && td != curcpu()->ci_idle);
	/* a mutex of a lower level is left with ours held: nothing is lost */
	if (mtx != &sched_mtx)
		mtx_enter(&sched_mtx);
	if ((pri & PCATCH) && td->td_interrupted) {
		if (mtx != &sched_mtx)
			mtx_leave(&sched_mtx);
		return (EINTR);
	}
	td->td_wchan = ident;
	td->td_wmesg = wmesg;
	td->td_catch = (pri & PCATCH) != 0;
	td->td_timedout = false;
	td->td_state = TDS_SLEEPING;
	TAILQ_INSERT_TAIL(SLEEPQ(ident), td, td_queue);
	if (nsecs != INFSLP)
		timeout_add_nsec(&td->td_sleepto, nsecs);
	if (mtx != NULL && mtx != &sched_mtx) {
		/* leave it, but stay at sched_mtx's level */
		int ipl = mtx->mtx_oldipl;

		__atomic_store_n(&mtx->mtx_owner, NULL, __ATOMIC_RELEASE);
		sched_mtx.mtx_oldipl = ipl;
	}
	sched_switch();
	if (td->td_timedout)
		error = EWOULDBLOCK;
	else if (td->td_catch && td->td_interrupted)
		error = EINTR;
	if (mtx != &sched_mtx)
		mtx_leave(&sched_mtx);
	if (nsecs != INFSLP && !td->td_timedout)
		timeout_del_barrier(&td->td_sleepto);
	if (mtx != NULL && mtx != &sched_mtx)
		mtx_enter(mtx);
	return (error);
}

static void
wakeup_locked(const void *ident, u_int n)
{
	struct thread *td, *next;

	TAILQ_FOREACH_SAFE(td, SLEEPQ(ident), td_queue, next) {
		if (td->td_wchan != ident)
			continue;
		sleepq_remove(td);
		if (--n == 0)
			break;
	}
}

void
wakeup(const void *ident)
{
	mtx_enter(&sched_mtx);
	wakeup_locked(ident, UINT32_MAX);
	mtx_leave(&sched_mtx);
}

void
wakeup_one(const void *ident)
{
	mtx_enter(&sched_mtx);
	wakeup_locked(ident, 1);
	mtx_leave(&sched_mtx);
}

void
thread_interrupt(struct thread *td)
{
	mtx_enter(&sched_mtx);
	td->td_interrupted = true;
	if (td->td_state == TDS_SLEEPING && td->td_catch)
		sleepq_remove(td);
	mtx_leave(&sched_mtx);
}

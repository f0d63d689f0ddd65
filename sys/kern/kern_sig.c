/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Signals.
 *
 * A signal is pending (p_sigpend) until its process takes it on the way back
 * to its program.  td_interrupted says that there is something to take: it
 * ends sleeps and holds the return up.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/systm.h>

#define SIG_STOPS	(SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | \
			    SIGBIT(SIGTTOU))
#define ALARM_IGNORED	MSEC_TO_NSEC(10)
#define SIG_DROPS	(SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | \
			    SIGBIT(SIGURG) | SIGBIT(SIGWINCH))

static bool
sig_action_ignores(const struct proc *p, int sig)
{
	u_long h = p->p_sigact[sig - 1].sa_handler;

	if (h == SIG_IGN)
		return (true);
	if (h != SIG_DFL)
		return (false);
	/* init must not end: what it does not want does nothing */
	return ((SIG_DROPS & SIGBIT(sig)) != 0 || p == initproc);
}

/* Does the thread have to look?  proc_lock is held. */
static void
sig_update(struct proc *p)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	if ((p->p_sigpend & ~p->p_sigmask) != 0)
		thread_interrupt(p->p_thread);
	else
		p->p_thread->td_interrupted = false;
}

/* --- send ---------------------------------------------------------------------------- */

/* Tell of a stop or its end. */
static void
sig_tell_parent(struct proc *p, int code, int sig)
{
	struct ksiginfo ksi = { .ksi_code = code, .ksi_pid = p->p_pid,
	    .ksi_value = sig };

	if (!(p->p_parent->p_sigact[SIGCHLD - 1].sa_flags & SA_NOCLDSTOP))
		psignal_locked(p->p_parent, SIGCHLD, &ksi);
	wakeup(p->p_parent);
}

static void
sig_continue(struct proc *p)
{
	if (p->p_state != PS_STOPPED)
		return;
	p->p_state = PS_ALIVE;
	p->p_waitstatus = false;
	wakeup(&p->p_state);
}

void
psignal_locked(struct proc *p, int sig, const struct ksiginfo *ksi)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	if (sig < 1 || sig > NSIG || p->p_state == PS_ZOMBIE || p->p_exiting)
		return;
	if (sig == SIGCONT) {
		p->p_sigpend &= ~SIG_STOPS;
		if (p->p_state == PS_STOPPED) {
			p->p_continued = true;
			sig_tell_parent(p, CLD_CONTINUED, sig);
		}
		sig_continue(p);
	} else if (SIG_STOPS & SIGBIT(sig))
		p->p_sigpend &= ~SIGBIT(SIGCONT);
	else if (sig == SIGKILL)
		sig_continue(p);
	if (sig_action_ignores(p, sig) &&
	    !((p->p_sigmask | p->p_sigwait) & SIGBIT(sig)))
		return;
	if (!(p->p_sigpend & SIGBIT(sig)))
		p->p_siginfo[sig - 1] = *ksi;
	p->p_sigpend |= SIGBIT(sig);
	sig_update(p);
}

void
psignal(struct proc *p, int sig)
{
	struct ksiginfo ksi = { .ksi_code = SI_KERNEL };

	mtx_enter(&proc_lock);
	psignal_locked(p, sig, &ksi);
	mtx_leave(&proc_lock);
}

void
pgsignal(pid_t pgid, int sig)
{
	struct ksiginfo ksi = { .ksi_code = SI_KERNEL };
	struct proc *p;

	mtx_enter(&proc_lock);
	LIST_FOREACH(p, &allprocs, p_all) {
		if (p->p_pgid == pgid)
			psignal_locked(p, sig, &ksi);
	}
	mtx_leave(&proc_lock);
}

int
kern_kill(pid_t pid, int sig)
{
	struct proc *self = curproc, *p;
	struct ksiginfo ksi = { .ksi_code = SI_USER, .ksi_pid = self->p_pid };
	pid_t pgid = pid == 0 ? self->p_pgid : -pid;
	u_int n = 0;

	if (sig < 0 || sig > NSIG)
		return (EINVAL);
	mtx_enter(&proc_lock);
	LIST_FOREACH(p, &allprocs, p_all) {
		if (pid > 0 ? p->p_pid != pid : pid == -1 ?
		    p == initproc || p == self : p->p_pgid != pgid)
			continue;
		n++;
		if (sig != 0)
			psignal_locked(p, sig, &ksi);
	}
	mtx_leave(&proc_lock);
	return (n == 0 ? ESRCH : 0);
}

/* A fault of the program's own: it cannot be put off. */
void
proc_trap(struct trapframe *tf __unused, int sig, vaddr_t addr)
{
	struct proc *p = curproc;
	struct ksiginfo ksi = { .ksi_code = SI_KERNEL, .ksi_value = addr };
	struct sigaction *sa = &p->p_sigact[sig - 1];

	mtx_enter(&proc_lock);
	if ((p->p_sigmask & SIGBIT(sig)) || sa->sa_handler == SIG_IGN) {
		p->p_sigmask &= ~SIGBIT(sig);
		sa->sa_handler = SIG_DFL;
	}
	p->p_siginfo[sig - 1] = ksi;
	p->p_sigpend |= SIGBIT(sig);
	sig_update(p);
	mtx_leave(&proc_lock);
	if (p == initproc && sa->sa_handler == SIG_DFL)
		panic("init: signal %d, address %#llx", sig,
		    (unsigned long long)addr);
}

void
proc_alarm(void *arg)
{
	struct proc *p = arg;

	psignal(p, SIGALRM);
	if (p->p_alarmevery == 0)
		p->p_alarmat = 0;
	else if (!(p->p_sigpend & SIGBIT(SIGALRM)))
		/* it does not care when */
		timeout_add_nsec(&p->p_alarm, MAX(p->p_alarmevery,
		    ALARM_IGNORED));
}

/*
 * The next of a series comes only after the last one was taken, or a short
 * interval would leave no time for anything else.
 */
static void
alarm_taken(struct proc *p)
{
	uint64_t now = nsecuptime(), every = p->p_alarmevery;

	MUTEX_ASSERT_LOCKED(&proc_lock);
	if (every == 0 || timeout_pending(&p->p_alarm))
		return;
	if (now > p->p_alarmat)
		p->p_alarmat += (now - p->p_alarmat) / every * every;
	p->p_alarmat += every;
	timeout_add_nsec(&p->p_alarm, p->p_alarmat - now);
}

int
kern_alarm(uint64_t first, uint64_t every, uint64_t *oldleft,
    uint64_t *oldevery)
{
	struct proc *p = curproc;
	uint64_t now = nsecuptime(), at = p->p_alarmat;

	*oldevery = p->p_alarmevery;
	*oldleft = timeout_del_barrier(&p->p_alarm) && at > now ? at - now :
	    0;
	p->p_alarmevery = every;
	p->p_alarmat = first == 0 ? 0 : now + first;
	if (first != 0)
		timeout_add_nsec(&p->p_alarm, first);
	return (0);
}

/* --- ask ------------------------------------------------------------------------------ */

bool
sig_waiting(void)
{
	return (curthread->td_interrupted);
}

bool
sig_ignored(struct proc *p, int sig)
{
	return (sig_action_ignores(p, sig) ||
	    (p->p_sigmask & SIGBIT(sig)) != 0);
}

void
sig_exec(struct proc *p)
{
	u_int i;

	mtx_enter(&proc_lock);
	for (i = 0; i < NSIG; i++) {
		if (p->p_sigact[i].sa_handler != SIG_IGN)
			memset(&p->p_sigact[i], 0, sizeof(p->p_sigact[i]));
	}
	p->p_altstack = p->p_altsize = 0;
	p->p_altflags = 0;
	mtx_leave(&proc_lock);
}

int
kern_sigaction(int sig, const struct sigaction *new, struct sigaction *old)
{
	struct proc *p = curproc;

	if (sig < 1 || sig > NSIG ||
	    (new != NULL && (SIG_CANTMASK & SIGBIT(sig))))
		return (EINVAL);
	mtx_enter(&proc_lock);
	if (old != NULL)
		*old = p->p_sigact[sig - 1];
	if (new != NULL) {
		p->p_sigact[sig - 1] = *new;
		p->p_sigact[sig - 1].sa_mask &= ~SIG_CANTMASK;
		if (sig_action_ignores(p, sig))
			p->p_sigpend &= ~SIGBIT(sig);
		sig_update(p);
	}
	mtx_leave(&proc_lock);
	return (0);
}

static void
sig_setmask(struct proc *p, sigset_t mask)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	p->p_sigmask = mask & ~SIG_CANTMASK;
	sig_update(p);
}

int
kern_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	struct proc *p = curproc;
	int error = 0;

	mtx_enter(&proc_lock);
	if (old != NULL)
		*old = p->p_sigmask;
	if (set != NULL) {
		switch (how) {
		case 0:
			sig_setmask(p, p->p_sigmask | *set);
			break;
		case 1:
			sig_setmask(p, p->p_sigmask & ~*set);
			break;
		case 2:
			sig_setmask(p, *set);
			break;
		default:
			error = EINVAL;
		}
	}
	mtx_leave(&proc_lock);
	return (error);
}

/*
 * A mask for the time of one system call.  The old one comes back on return
 * to the program, but not before a handler ran with this one.
 */
void
sig_tempmask(sigset_t mask)
{
	struct proc *p = curproc;

	mtx_enter(&proc_lock);
	if (!p->p_restoremask)
		p->p_oldmask = p->p_sigmask;
	p->p_restoremask = true;
	sig_setmask(p, mask);
	mtx_leave(&proc_lock);
}

int
kern_sigsuspend(sigset_t mask)
{
	struct proc *p = curproc;

	sig_tempmask(mask);
	mtx_enter(&proc_lock);
	while (msleep_nsec(&p->p_sigpend, &proc_lock, PRI_USER | PCATCH,
	    "pause", INFSLP) == 0)
		;
	mtx_leave(&proc_lock);
	return (EINTR);
}

static void
sig_dequeue(struct proc *p, int sig, struct ksiginfo *ksi)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	p->p_sigpend &= ~SIGBIT(sig);
	*ksi = p->p_siginfo[sig - 1];
	if (sig == SIGALRM)
		alarm_taken(p);
}

/* EAGAIN: none came in time.  What is waited for is blocked meanwhile. */
int
kern_sigtimedwait(sigset_t set, uint64_t nsec, int *sigp,
    struct ksiginfo *ksi)
{
	struct proc *p = curproc;
	sigset_t have, old;
	int error = 0;

	set &= ~SIG_CANTMASK;
	mtx_enter(&proc_lock);
	old = p->p_sigmask;
	/* let the awaited ones interrupt the sleep, also the ignored */
	p->p_sigwait = set;
	sig_setmask(p, old & ~set);
	while ((have = p->p_sigpend & set) == 0 && error == 0) {
		error = msleep_nsec(&p->p_sigpend, &proc_lock,
		    PRI_USER | PCATCH, "sigwait", nsec);
		if (error == EINTR && (p->p_sigpend & set))
			error = 0;
	}
	if (have != 0) {
		*sigp = __builtin_ctzll(have) + 1;
		sig_dequeue(p, *sigp, ksi);
		error = 0;
	}
	p->p_sigwait = 0;
	sig_setmask(p, old);
	mtx_leave(&proc_lock);
	return (error == EWOULDBLOCK ? EAGAIN : error);
}

/* --- take --------------------------------------------------------------------------------- */

static void
proc_stop(struct proc *p, int sig)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	p->p_state = PS_STOPPED;
	p->p_status = sig;
	p->p_waitstatus = true;
	p->p_continued = false;
	sig_tell_parent(p, CLD_STOPPED, sig);
	while (p->p_state == PS_STOPPED)
		(void)msleep_nsec(&p->p_state, &proc_lock, PRI_USER,
		    "stopped", INFSLP);
}

/*
 * The next signal to act upon, with its action; 0: none.  Those that are
 * ignored or only stop the process are dealt with here.
 */
static int
sig_take(struct proc *p, struct sigaction *sa, struct ksiginfo *ksi)
{
	sigset_t set;
	int sig = 0;

	mtx_enter(&proc_lock);
	while ((set = p->p_sigpend & ~p->p_sigmask) != 0) {
		/* death first; then faults, which come before others' wishes */
		if (set & SIGBIT(SIGKILL))
			sig = SIGKILL;
		else
			sig = __builtin_ctzll(set) + 1;
		sig_dequeue(p, sig, ksi);
		*sa = p->p_sigact[sig - 1];
		if (sa->sa_handler == SIG_DFL && (SIG_STOPS & SIGBIT(sig)) &&
		    p != initproc)
			proc_stop(p, sig);
		else if (!sig_action_ignores(p, sig))
			break;
		sig = 0;
	}
	sig_update(p);
	mtx_leave(&proc_lock);
	return (sig);
}

static void
sig_handle(struct trapframe *tf, int sig, const struct sigaction *sa,
    const struct ksiginfo *ksi)
{
	struct proc *p = curproc;
	sigset_t mask;

	mtx_enter(&proc_lock);
	mask = p->p_restoremask ? p->p_oldmask : p->p_sigmask;
	p->p_restoremask = false;
	sig_setmask(p, p->p_sigmask | sa->sa_mask |
	    (sa->sa_flags & SA_NODEFER ? 0 : SIGBIT(sig)));
	if (sa->sa_flags & SA_RESETHAND)
		p->p_sigact[sig - 1].sa_handler = SIG_DFL;
	mtx_leave(&proc_lock);
	if (md_sendsig(tf, sig, sa, ksi, mask) != 0)
		proc_exit(SIGSEGV);
}

void
userret(struct trapframe *tf)
{
	struct thread *td = curthread;
	struct proc *p = td->td_proc;
	struct sigaction sa;
	struct ksiginfo ksi;
	int sig;

	if (sched_wanted())
		sched_yield();
	if (td->td_interrupted && (sig = sig_take(p, &sa, &ksi)) != 0) {
		if (sa.sa_handler == SIG_DFL)
			proc_exit(sig);		/* killed by it: the low bits */
		if (td->td_restart) {
			if (sa.sa_flags & SA_RESTART)
				md_syscall_restart(tf);
			td->td_restart = false;
		}
		sig_handle(tf, sig, &sa, &ksi);
	} else if (!td->td_interrupted) {
		/* the sleep ended, but nobody wanted to know */
		if (td->td_restart)
			md_syscall_restart(tf);
		td->td_restart = false;
		if (p->p_restoremask) {
			mtx_enter(&proc_lock);
			p->p_restoremask = false;
			sig_setmask(p, p->p_oldmask);
			mtx_leave(&proc_lock);
		}
	}
}

bool
userret_wanted(void)
{
	struct thread *td = curthread;

	return (td->td_interrupted || td->td_restart ||
	    td->td_proc->p_restoremask || sched_wanted());
}

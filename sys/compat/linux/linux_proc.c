/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Processes, signals, time, and the machine.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/halthook.h>
#include <sys/init.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/msgbuf.h>
#include <sys/proc.h>
#include <sys/rnd.h>
#include <sys/selinfo.h>
#include <sys/syscallsubr.h>
#include <sys/systm.h>

#include <compat/linux/linux.h>
#include <machine/linux_machdep.h>
#include <vm/vm_page.h>

/* --- processes -------------------------------------------------------------------- */

#define CLONE_SIGNAL		0x000000ffUL
#define CLONE_VM		0x00000100UL
#define CLONE_FS		0x00000200UL
#define CLONE_FILES		0x00000400UL
#define CLONE_SIGHAND		0x00000800UL
#define CLONE_VFORK		0x00004000UL
#define CLONE_THREAD		0x00010000UL
#define CLONE_SETTLS		0x00080000UL
#define CLONE_PARENT_SETTID	0x00100000UL
#define CLONE_CHILD_CLEARTID	0x00200000UL
#define CLONE_CHILD_SETTID	0x01000000UL
#define CLONE_KNOWN		(CLONE_SIGNAL | CLONE_VM | CLONE_FILES | \
				    CLONE_VFORK | CLONE_SETTLS | \
				    CLONE_PARENT_SETTID | \
				    CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID)

static int
do_fork(const struct fork_args *fa, long *rv)
{
	pid_t pid;
	int error = kern_fork(fa, &pid);

	*rv = pid;
	return (error);
}

int
linux_fork(const u_long *a __unused, long *rv)
{
	struct fork_args fa = { .fa_flags = 0 };

	return (do_fork(&fa, rv));
}

int
linux_vfork(const u_long *a __unused, long *rv)
{
	struct fork_args fa = { .fa_flags = FORK_VM | FORK_VFORK };

	return (do_fork(&fa, rv));
}

/* What makes processes; not what makes threads of one. */
int
linux_clone(const u_long *a, long *rv)
{
	u_long f = a[0];
	struct fork_args fa = { .fa_stack = a[1] };

	if (f & ~CLONE_KNOWN)
		return (EINVAL);
	fa.fa_flags = (f & CLONE_VM ? FORK_VM : 0) |
	    (f & CLONE_VFORK ? FORK_VFORK : 0) |
	    (f & CLONE_FILES ? FORK_FILES : 0) |
	    (f & CLONE_SETTLS ? FORK_SETTLS : 0);
	fa.fa_tls = a[LINUX_CLONE_TLS];
	if (f & CLONE_PARENT_SETTID)
		fa.fa_parenttid = (int *)a[2];
	if (f & CLONE_CHILD_SETTID)
		fa.fa_childtid = (int *)a[LINUX_CLONE_CHILDTID];
	if (f & CLONE_CHILD_CLEARTID)
		fa.fa_cleartid = a[LINUX_CLONE_CHILDTID];
	return (do_fork(&fa, rv));
}

/* A vector of strings: each pointer and string comes in by itself. */
static int
strings_in(const u_long *user, struct execargs *ea, u_int *count)
{
	u_long p;
	size_t len;
	int error;

	for (; user != NULL; user++, ++*count) {
		if ((error = copyin(user, &p, sizeof(p))) != 0)
			return (error);
		if (p == 0)
			break;
		error = copyinstr((void *)p, ea->ea_buf + ea->ea_len,
		    EXEC_ARGS_MAX - ea->ea_len, &len);
		if (error != 0)
			return (error == ENAMETOOLONG ? E2BIG : error);
		ea->ea_len += len;
	}
	return (0);
}

int
linux_execve(const u_long *a, long *rv __unused)
{
	struct execargs ea;
	char *path;
	int error;

	if ((error = linux_path_in((void *)a[0], &path)) != 0)
		return (error);
	if ((error = execargs_init(&ea)) == 0) {
		if ((error = strings_in((u_long *)a[1], &ea,
		    &ea.ea_argc)) == 0 &&
		    (error = strings_in((u_long *)a[2], &ea,
		    &ea.ea_envc)) == 0)
			error = kern_exec(path, &ea, curthread->td_frame);
		execargs_fini(&ea);
	}
	linux_path_free(path);
	return (error);
}

int
linux_exit(const u_long *a, long *rv __unused)
{
	proc_exit((a[0] & 0xff) << 8);
}

int
linux_exit_group(const u_long *a, long *rv __unused)
{
	proc_exit((a[0] & 0xff) << 8);
}

struct linux_rusage {
	struct linux_timeval	ru_utime, ru_stime;
	long			ru_other[14];
};

static int
rusage_out(uint64_t ns, void *user)
{
	struct linux_rusage ru;

	memset(&ru, 0, sizeof(ru));
	ru.ru_utime.tv_sec = ns / NSEC_PER_SEC;
	ru.ru_utime.tv_usec = ns % NSEC_PER_SEC / 1000;
	return (copyout(&ru, user, sizeof(ru)));
}

int
linux_wait4(const u_long *a, long *rv)
{
	uint64_t time;
	pid_t pid;
	int status = 0, error;

	if (a[2] & ~(u_long)(WAIT_NOHANG | WAIT_STOPPED | WAIT_CONTINUED))
		return (EINVAL);
	if ((error = kern_wait(a[0], a[2], &pid, &status, &time)) != 0)
		return (error);
	*rv = pid;
	if (pid != 0 && a[1] != 0)
		error = copyout(&status, (void *)a[1], sizeof(status));
	if (pid != 0 && a[3] != 0 && error == 0)
		error = rusage_out(time, (void *)a[3]);
	return (error);
}

int
linux_getrusage(const u_long *a, long *rv __unused)
{
	switch ((int)a[0]) {
	case 0:
	case 1:
		return (rusage_out(thread_runtime(curthread), (void *)a[1]));
	case -1:
		return (rusage_out(curproc->p_childtime, (void *)a[1]));
	default:
		return (EINVAL);
	}
}

int
linux_times(const u_long *a, long *rv)
{
	const uint64_t tick = NSEC_PER_SEC / 100;
	long t[4] = { thread_runtime(curthread) / tick, 0,
	    curproc->p_childtime / tick, 0 };

	*rv = nsecuptime() / tick;
	return (a[0] == 0 ? 0 : copyout(t, (void *)a[0], sizeof(t)));
}

int
linux_getpid(const u_long *a __unused, long *rv)
{
	*rv = curproc->p_pid;
	return (0);
}

int
linux_gettid(const u_long *a __unused, long *rv)
{
	*rv = curproc->p_pid;
	return (0);
}

int
linux_getppid(const u_long *a __unused, long *rv)
{
	mtx_enter(&proc_lock);
	*rv = curproc->p_parent == NULL ? 0 : curproc->p_parent->p_pid;
	mtx_leave(&proc_lock);
	return (0);
}

static int
proc_id(pid_t pid, bool session, long *rv)
{
	struct proc *p;

	mtx_enter(&proc_lock);
	p = pid == 0 ? curproc : proc_find(pid);
	if (p != NULL)
		*rv = session ? p->p_session->s_sid : p->p_pgid;
	mtx_leave(&proc_lock);
	return (p == NULL ? ESRCH : 0);
}

int
linux_getpgrp(const u_long *a __unused, long *rv)
{
	return (proc_id(0, false, rv));
}

int
linux_getpgid(const u_long *a, long *rv)
{
	return (proc_id(a[0], false, rv));
}

int
linux_getsid(const u_long *a, long *rv)
{
	return (proc_id(a[0], true, rv));
}

int
linux_setpgid(const u_long *a, long *rv __unused)
{
	return (kern_setpgid(a[0], a[1]));
}

int
linux_setsid(const u_long *a __unused, long *rv)
{
	pid_t sid;
	int error = kern_setsid(&sid);

	*rv = sid;
	return (error);
}

/* There is one user, and it may become itself. */
int
linux_getuid(const u_long *a __unused, long *rv __unused)
{
	return (0);
}

int
linux_setuid(const u_long *a, long *rv __unused)
{
	return (a[0] == 0 ? 0 : EPERM);
}

int
linux_getgroups(const u_long *a __unused, long *rv __unused)
{
	return (0);
}

int
linux_set_tid_address(const u_long *a, long *rv)
{
	curproc->p_tidclear = a[0];
	*rv = curproc->p_pid;
	return (0);
}

int
linux_set_robust_list(const u_long *a, long *rv __unused)
{
	/* a process has one thread: nobody could wait for its futexes */
	return (a[1] == 24 ? 0 : EINVAL);
}

/*
 * A process has one thread, so a wait can only be for memory that another
 * process shares, and those are woken by polling the value.
 */
#define FUTEX_WAIT	0
#define FUTEX_WAKE	1
#define FUTEX_CMD(op)	((op) & 0x7f)
#define FUTEX_POLL	MSEC_TO_NSEC(1)

static int
futex_wait(const uint32_t *user, uint32_t expected, uint64_t nsec)
{
	uint64_t end = nsec == INFSLP ? INFSLP : nsecuptime() +
	    MIN(nsec, INFSLP / 2);
	uint32_t v;
	int error;

	if ((error = copyin(user, &v, sizeof(v))) != 0)
		return (error);
	if (v != expected)
		return (EAGAIN);
	while (v == expected) {
		if (nsecuptime() >= end)
			return (ETIMEDOUT);
		error = msleep_nsec(&futex_wait, NULL, PRI_USER | PCATCH,
		    "futex", FUTEX_POLL);
		if (error == EINTR)
			return (EINTR);
		if ((error = copyin(user, &v, sizeof(v))) != 0)
			return (error);
	}
	return (0);
}

int
linux_futex(const u_long *a, long *rv __unused)
{
	uint64_t nsec = INFSLP;
	int error;

	if (a[0] & 3)
		return (EINVAL);
	switch (FUTEX_CMD(a[1])) {
	case FUTEX_WAIT:
		if (a[3] != 0 && (error = linux_timespec_in((void *)a[3],
		    &nsec)) != 0)
			return (error);
		return (futex_wait((uint32_t *)a[0], a[2], nsec));
	case FUTEX_WAKE:
		return (0);
	default:
		return (ENOSYS);
	}
}

int
linux_sched_yield(const u_long *a __unused, long *rv __unused)
{
	sched_yield();
	return (0);
}

int
linux_sched_getaffinity(const u_long *a, long *rv)
{
	uint64_t mask = (1ULL << md_ncpus()) - 1;

	if (a[1] < sizeof(mask))
		return (EINVAL);
	*rv = sizeof(mask);
	return (copyout(&mask, (void *)a[2], sizeof(mask)));
}

#define PR_SET_NAME	15
#define PR_GET_NAME	16

int
linux_prctl(const u_long *a, long *rv __unused)
{
	char name[16];
	int error;

	switch (a[0]) {
	case PR_SET_NAME:
		error = copyinstr((void *)a[1], name, sizeof(name), NULL);
		if (error != 0 && error != ENAMETOOLONG)
			return (error);
		name[sizeof(name) - 1] = '\0';
		strlcpy(curproc->p_comm, name, sizeof(curproc->p_comm));
		return (0);
	case PR_GET_NAME:
		return (copyout(curproc->p_comm, (void *)a[1], 16));
	default:
		return (EINVAL);
	}
}

/* --- limits: fixed ones -------------------------------------------------------------- */

#define RLIMIT_STACK	3
#define RLIMIT_NOFILE	7
#define RLIM_NLIMITS	16
#define RLIM_INFINITY	UINT64_MAX

static int
rlimit_out(u_long which, void *user)
{
	uint64_t lim[2] = { RLIM_INFINITY, RLIM_INFINITY };

	if (which >= RLIM_NLIMITS)
		return (EINVAL);
	if (which == RLIMIT_STACK)
		lim[0] = 8UL << 20;
	else if (which == RLIMIT_NOFILE)
		lim[0] = lim[1] = FD_MAX;
	return (copyout(lim, user, sizeof(lim)));
}

int
linux_getrlimit(const u_long *a, long *rv __unused)
{
	return (rlimit_out(a[0], (void *)a[1]));
}

int
linux_prlimit64(const u_long *a, long *rv __unused)
{
	if (a[0] != 0 && (pid_t)a[0] != curproc->p_pid)
		return (ESRCH);
	if (a[2] != 0)
		return (EPERM);
	return (a[3] == 0 ? 0 : rlimit_out(a[1], (void *)a[3]));
}

/* --- signals ----------------------------------------------------------------------------- */

static int
sigset_in(const void *user, size_t size, sigset_t *set)
{
	return (size != sizeof(*set) ? EINVAL :
	    copyin(user, set, sizeof(*set)));
}

/* struct sigaction as programs have it */
struct linux_sigaction {
	u_long		lsa_handler;
	u_long		lsa_flags;
#if LINUX_SA_RESTORER
	u_long		lsa_restorer;
#endif
	sigset_t	lsa_mask;
};

static void
linux_sigaction_in(const struct linux_sigaction *lsa, struct sigaction *sa)
{
	sa->sa_handler = lsa->lsa_handler;
	sa->sa_flags = lsa->lsa_flags;
	sa->sa_restorer = 0;
#if LINUX_SA_RESTORER
	sa->sa_restorer = lsa->lsa_restorer;
#endif
	sa->sa_mask = lsa->lsa_mask;
}

static void
linux_sigaction_out(const struct sigaction *sa, struct linux_sigaction *lsa)
{
	lsa->lsa_handler = sa->sa_handler;
	lsa->lsa_flags = sa->sa_flags;
#if LINUX_SA_RESTORER
	lsa->lsa_restorer = sa->sa_restorer;
#endif
	lsa->lsa_mask = sa->sa_mask;
}

int
linux_rt_sigaction(const u_long *a, long *rv __unused)
{
	struct linux_sigaction lsa;
	struct sigaction new, old;
	int error;

	if (a[3] != sizeof(sigset_t))
		return (EINVAL);
	if (a[1] != 0) {
		if ((error = copyin((void *)a[1], &lsa, sizeof(lsa))) != 0)
			return (error);
		linux_sigaction_in(&lsa, &new);
	}
	error = kern_sigaction(a[0], a[1] != 0 ? &new : NULL, &old);
	if (error == 0 && a[2] != 0) {
		linux_sigaction_out(&old, &lsa);
		error = copyout(&lsa, (void *)a[2], sizeof(lsa));
	}
	return (error);
}

int
linux_rt_sigprocmask(const u_long *a, long *rv __unused)
{
	sigset_t set, old;
	int error;

	if (a[3] != sizeof(sigset_t))
		return (EINVAL);
	if (a[1] != 0 && (error = copyin((void *)a[1], &set,
	    sizeof(set))) != 0)
		return (error);
	error = kern_sigprocmask(a[0], a[1] != 0 ? &set : NULL, &old);
	if (error == 0 && a[2] != 0)
		error = copyout(&old, (void *)a[2], sizeof(old));
	return (error);
}

int
linux_rt_sigpending(const u_long *a, long *rv __unused)
{
	sigset_t set = curproc->p_sigpend & curproc->p_sigmask;

	return (copyout(&set, (void *)a[0], MIN(a[1], sizeof(set))));
}

int
linux_rt_sigsuspend(const u_long *a, long *rv __unused)
{
	sigset_t set;
	int error = sigset_in((void *)a[0], a[1], &set);

	return (error != 0 ? error : kern_sigsuspend(set));
}

int
linux_pause(const u_long *a __unused, long *rv __unused)
{
	return (kern_sigsuspend(curproc->p_sigmask));
}

int
linux_rt_sigtimedwait(const u_long *a, long *rv)
{
	struct ksiginfo ksi;
	uint64_t nsec = INFSLP;
	uint32_t info[32];
	sigset_t set;
	int sig, error;

	if ((error = sigset_in((void *)a[0], a[3], &set)) != 0 ||
	    (a[2] != 0 && (error = linux_timespec_in((void *)a[2],
	    &nsec)) != 0))
		return (error);
	if ((error = kern_sigtimedwait(set, nsec, &sig, &ksi)) != 0)
		return (error);
	*rv = sig;
	if (a[1] == 0)
		return (0);
	memset(info, 0, sizeof(info));
	info[0] = sig;
	info[2] = ksi.ksi_code;
	info[4] = ksi.ksi_pid;
	info[6] = ksi.ksi_value;
	return (copyout(info, (void *)a[1], sizeof(info)));
}

int
linux_rt_sigreturn(const u_long *a __unused, long *rv __unused)
{
	sigset_t mask;

	if (md_sigreturn(curthread->td_frame, &mask) != 0)
		proc_exit(SIGSEGV);
	return (kern_sigprocmask(2, &mask, NULL));
}

struct linux_stack {
	u_long	ss_sp;
	int	ss_flags;
	u_long	ss_size;
};
#define SS_ONSTACK	1
#define SS_DISABLE	2
#define MINSIGSTKSZ	2048

int
linux_sigaltstack(const u_long *a, long *rv __unused)
{
	struct proc *p = curproc;
	struct linux_stack new, old = { p->p_altstack,
	    p->p_altsize == 0 ? SS_DISABLE : 0, p->p_altsize };
	u_long sp = md_user_sp(curthread->td_frame);
	bool on = p->p_altsize != 0 && sp > p->p_altstack &&
	    sp - p->p_altstack <= p->p_altsize;
	int error;

	if (on)
		old.ss_flags = SS_ONSTACK;
	if (a[0] != 0) {
		if ((error = copyin((void *)a[0], &new, sizeof(new))) != 0)
			return (error);
		if (on)
			return (EPERM);
		if (new.ss_flags & SS_DISABLE)
			p->p_altstack = p->p_altsize = 0;
		else if (new.ss_size < MINSIGSTKSZ)
			return (ENOMEM);
		else {
			p->p_altstack = new.ss_sp;
			p->p_altsize = new.ss_size;
		}
	}
	return (a[1] == 0 ? 0 : copyout(&old, (void *)a[1], sizeof(old)));
}

int
linux_kill(const u_long *a, long *rv __unused)
{
	return (kern_kill(a[0], a[1]));
}

int
linux_tkill(const u_long *a, long *rv __unused)
{
	return ((pid_t)a[0] <= 0 ? EINVAL : kern_kill(a[0], a[1]));
}

int
linux_tgkill(const u_long *a, long *rv __unused)
{
	if ((pid_t)a[0] <= 0 || a[0] != a[1])
		return ((pid_t)a[0] <= 0 ? EINVAL : ESRCH);
	return (kern_kill(a[1], a[2]));
}

/* --- time ----------------------------------------------------------------------------------- */

#define CLOCK_REALTIME		0
#define CLOCK_MONOTONIC		1
#define CLOCK_PROCESS		2
#define CLOCK_THREAD		3
#define CLOCK_MONOTONIC_RAW	4
#define CLOCK_REALTIME_COARSE	5
#define CLOCK_MONOTONIC_COARSE	6
#define CLOCK_BOOTTIME		7
#define TIMER_ABSTIME		1

static int
clock_read(u_long which, uint64_t *ns)
{
	switch (which) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = nsecwall();
		return (0);
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = nsecuptime();
		return (0);
	case CLOCK_PROCESS:
	case CLOCK_THREAD:
		*ns = thread_runtime(curthread);
		return (0);
	default:
		return (EINVAL);
	}
}

int
linux_clock_gettime(const u_long *a, long *rv __unused)
{
	uint64_t ns;
	int error = clock_read(a[0], &ns);

	return (error != 0 ? error : linux_timespec_out(ns, (void *)a[1]));
}

int
linux_clock_getres(const u_long *a, long *rv __unused)
{
	uint64_t ns;
	int error = clock_read(a[0], &ns);

	return (error != 0 || a[1] == 0 ? error :
	    linux_timespec_out(1, (void *)a[1]));
}

int
linux_clock_settime(const u_long *a, long *rv __unused)
{
	uint64_t ns;
	int error;

	if (a[0] != CLOCK_REALTIME)
		return (EINVAL);
	error = linux_timespec_in((void *)a[1], &ns);
	return (error != 0 ? error : time_set(ns));
}

int
linux_gettimeofday(const u_long *a, long *rv __unused)
{
	uint64_t ns = nsecwall();
	struct linux_timeval tv = { ns / NSEC_PER_SEC,
	    ns % NSEC_PER_SEC / 1000 };
	int zone[2] = { 0, 0 }, error = 0;

	if (a[0] != 0)
		error = copyout(&tv, (void *)a[0], sizeof(tv));
	if (error == 0 && a[1] != 0)
		error = copyout(zone, (void *)a[1], sizeof(zone));
	return (error);
}

int
linux_settimeofday(const u_long *a, long *rv __unused)
{
	struct linux_timeval tv;
	int error;

	if (a[0] == 0)
		return (0);
	if ((error = copyin((void *)a[0], &tv, sizeof(tv))) != 0)
		return (error);
	if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return (EINVAL);
	return (time_set(SEC_TO_NSEC(tv.tv_sec) + tv.tv_usec * 1000));
}

int
linux_time(const u_long *a, long *rv)
{
	*rv = nsecwall() / NSEC_PER_SEC;
	return (a[0] == 0 ? 0 : copyout(rv, (void *)a[0], sizeof(*rv)));
}

/* Until a time of the monotonic clock; what was left goes to the program. */
static int
sleep_until(uint64_t end, void *left)
{
	uint64_t now;
	int error = 0;

	while ((now = nsecuptime()) < end && error != EINTR)
		error = msleep_nsec(&sleep_until, NULL, PRI_USER | PCATCH,
		    "nanosleep", end - now);
	if (error != EINTR)
		return (0);
	if (left != NULL)
		(void)linux_timespec_out(end > now ? end - now : 0, left);
	return (EINTR);
}

int
linux_nanosleep(const u_long *a, long *rv __unused)
{
	uint64_t ns;
	int error = linux_timespec_in((void *)a[0], &ns);

	return (error != 0 ? error : sleep_until(nsecuptime() +
	    MIN(ns, INFSLP / 2), (void *)a[1]));
}

int
linux_clock_nanosleep(const u_long *a, long *rv __unused)
{
	uint64_t ns, now, up = nsecuptime();
	int error;

	if ((error = clock_read(a[0], &now)) != 0 ||
	    (error = linux_timespec_in((void *)a[2], &ns)) != 0)
		return (error);
	ns = MIN(ns, INFSLP / 2);
	if (a[1] & TIMER_ABSTIME)
		return (sleep_until(up + (ns > now ? ns - now : 0), NULL));
	return (sleep_until(up + ns, (void *)a[3]));
}

struct linux_itimerval {
	struct linux_timeval	it_interval, it_value;
};

static struct linux_timeval
timeval_of(uint64_t ns)
{
	/* a timer that runs never shows 0 */
	ns = ns == 0 ? 0 : MAX(ns, 1000);
	return ((struct linux_timeval){ ns / NSEC_PER_SEC,
	    ns % NSEC_PER_SEC / 1000 });
}

static uint64_t
timeval_ns(const struct linux_timeval *tv)
{
	return (SEC_TO_NSEC(tv->tv_sec) + tv->tv_usec * 1000);
}

static bool
timeval_good(const struct linux_timeval *tv)
{
	return (tv->tv_sec >= 0 && tv->tv_sec < 1LL << 32 &&
	    tv->tv_usec >= 0 && tv->tv_usec < 1000000);
}

int
linux_setitimer(const u_long *a, long *rv __unused)
{
	struct linux_itimerval it = { { 0, 0 }, { 0, 0 } };
	uint64_t left, every;
	int error;

	if (a[0] != 0)
		return (EINVAL);
	if (a[1] != 0 && (error = copyin((void *)a[1], &it,
	    sizeof(it))) != 0)
		return (error);
	if (!timeval_good(&it.it_value) || !timeval_good(&it.it_interval))
		return (EINVAL);
	error = kern_alarm(timeval_ns(&it.it_value),
	    timeval_ns(&it.it_interval), &left, &every);
	it = (struct linux_itimerval){ timeval_of(every), timeval_of(left) };
	return (error != 0 || a[2] == 0 ? error :
	    copyout(&it, (void *)a[2], sizeof(it)));
}

int
linux_getitimer(const u_long *a, long *rv __unused)
{
	struct proc *p = curproc;
	uint64_t now = nsecuptime();
	struct linux_itimerval it = { timeval_of(p->p_alarmevery),
	    timeval_of(p->p_alarmat > now ? p->p_alarmat - now : 0) };

	return (a[0] != 0 ? EINVAL :
	    copyout(&it, (void *)a[1], sizeof(it)));
}

int
linux_alarm(const u_long *a, long *rv)
{
	uint64_t left, every;
	int error = kern_alarm(SEC_TO_NSEC((u_int)a[0]), 0, &left, &every);

	*rv = howmany(left, NSEC_PER_SEC);
	return (error);
}

/* --- the machine ------------------------------------------------------------------------------- */


int
linux_uname(const u_long *a, long *rv __unused)
{
	char uts[6][HOSTNAME_MAX];

	memset(uts, 0, sizeof(uts));
	strlcpy(uts[0], ostype, HOSTNAME_MAX);
	strlcpy(uts[1], hostname, HOSTNAME_MAX);
	strlcpy(uts[2], osrelease, HOSTNAME_MAX);
	strlcpy(uts[3], version, HOSTNAME_MAX);
	strlcpy(uts[4], LINUX_MACHINE, HOSTNAME_MAX);
	strlcpy(uts[5], "(none)", HOSTNAME_MAX);
	return (copyout(uts, (void *)a[0], sizeof(uts)));
}

int
linux_sethostname(const u_long *a, long *rv __unused)
{
	char name[HOSTNAME_MAX];
	int error;

	if (a[1] >= HOSTNAME_MAX)
		return (EINVAL);
	if ((error = copyin((void *)a[0], name, a[1])) != 0)
		return (error);
	memcpy(hostname, name, a[1]);
	hostname[a[1]] = '\0';
	return (0);
}

struct linux_sysinfo {
	long		si_uptime;
	u_long		si_loads[3];
	u_long		si_totalram, si_freeram, si_sharedram, si_bufferram;
	u_long		si_totalswap, si_freeswap;
	uint16_t	si_procs, si_pad;
	u_long		si_totalhigh, si_freehigh;
	uint32_t	si_unit;
};

int
linux_sysinfo(const u_long *a, long *rv __unused)
{
	struct linux_sysinfo si;
	struct proc *p;

	memset(&si, 0, sizeof(si));
	si.si_uptime = nsecuptime() / NSEC_PER_SEC;
	si.si_totalram = ptoa(vm_page_total());
	si.si_freeram = ptoa(vm_page_avail());
	si.si_unit = 1;
	mtx_enter(&proc_lock);
	LIST_FOREACH(p, &allprocs, p_all)
		si.si_procs++;
	mtx_leave(&proc_lock);
	return (copyout(&si, (void *)a[0], sizeof(si)));
}

/* syslog(2): the message buffer for dmesg(8) */
#define SYSLOG_READ_ALL		3
#define SYSLOG_READ_CLEAR	4
#define SYSLOG_CLEAR		5
#define SYSLOG_SIZE_BUFFER	10

int
linux_syslog(const u_long *a, long *rv)
{
	size_t n = MIN(a[2], MSGBUF_SIZE);
	char *buf;
	int error;

	switch (a[0]) {
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		if (n == 0)
			return (0);
		if ((buf = kmem_alloc(n, KM_NOSLEEP)) == NULL)
			return (ENOMEM);
		*rv = msgbuf_copy(buf, n);
		error = copyout(buf, (void *)a[1], *rv);
		kmem_free(buf, n);
		if (a[0] == SYSLOG_READ_CLEAR && error == 0)
			msgbuf_clear();
		return (error);
	case SYSLOG_CLEAR:
		msgbuf_clear();
		return (0);
	case SYSLOG_SIZE_BUFFER:
		*rv = MSGBUF_SIZE;
		return (0);
	default:
		return (EINVAL);
	}
}

#define REBOOT_MAGIC1		0xfee1deadU
#define REBOOT_RESTART		0x01234567U
#define REBOOT_HALT		0xcdef0123U
#define REBOOT_POWER_OFF	0x4321fedcU
#define REBOOT_CAD_ON		0x89abcdefU
#define REBOOT_CAD_OFF		0U

/* The argument that others ignore is the exit status of the machine. */
int
linux_reboot(const u_long *a, long *rv __unused)
{
	if ((uint32_t)a[0] != REBOOT_MAGIC1)
		return (EINVAL);
	switch ((uint32_t)a[2]) {
	case REBOOT_RESTART:
		kern_sync();
		kern_halt(MD_REBOOT);
	case REBOOT_HALT:
		kern_sync();
		printf("halted\n");
		kern_halt(MD_HALT);
	case REBOOT_POWER_OFF:
		kern_sync();
		kern_halt(a[3] & 0xff);
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return (0);
	default:
		return (EINVAL);
	}
}

#define GRND_NONBLOCK	0x01
#define GRND_RANDOM	0x02
#define GRND_INSECURE	0x04
#define GRND_ALL	(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)

int
linux_getrandom(const u_long *a, long *rv)
{
	char buf[256];
	size_t n;
	int error;

	if ((a[2] & ~(u_long)GRND_ALL) ||
	    (a[2] & (GRND_RANDOM | GRND_INSECURE)) ==
	    (GRND_RANDOM | GRND_INSECURE))
		return (EINVAL);
	if (!(a[2] & GRND_INSECURE) &&
	    (error = rnd_wait((a[2] & GRND_NONBLOCK) != 0)) != 0)
		return (error);
	while ((size_t)*rv < MIN(a[1], 0x7ffff000UL)) {
		n = MIN(a[1] - *rv, sizeof(buf));
		rnd_bytes(buf, n);
		error = copyout(buf, (char *)a[0] + *rv, n);
		if (error != 0)
			return (error);
		*rv += n;
		if (sched_wanted())
			sched_yield();
		if (*rv >= 256 && curthread->td_interrupted)
			break;
	}
	return (0);
}

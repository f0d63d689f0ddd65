/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Processes: made, ended, waited for.
 */

#include <sys/aio.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/proc.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/vnode.h>

#include <vm/pmap.h>
#include <vm/vm_map.h>

#define PID_MAX		32767
#define STOP_STATUS(sig)	((sig) << 8 | 0x7f)
#define CONTINUED_STATUS	0xffff

struct mutex	proc_lock = MUTEX_INITIALIZER(IPL_HIGH);
struct proclist	allprocs = LIST_HEAD_INITIALIZER(allprocs);
struct proc	*initproc;
static pid_t	lastpid;

struct proc *
proc_find(pid_t pid)
{
	struct proc *p;

	MUTEX_ASSERT_LOCKED(&proc_lock);
	LIST_FOREACH(p, &allprocs, p_all) {
		if (p->p_pid == pid)
			break;
	}
	return (p);
}

/* A number that is no process's, group's or session's; proc_lock is held. */
static pid_t
pid_alloc(void)
{
	struct proc *p;

	do {
		lastpid = lastpid == PID_MAX ? 2 : lastpid + 1;
		LIST_FOREACH(p, &allprocs, p_all) {
			if (p->p_pid == lastpid || p->p_pgid == lastpid ||
			    p->p_session->s_sid == lastpid)
				break;
		}
	} while (p != NULL);
	return (lastpid);
}

/* --- make ------------------------------------------------------------------------- */

/* The thread of a new process: its frame is ready. */
static void
proc_start(void *arg)
{
	struct proc *p = arg;

	if (p->p_tidset != NULL)
		(void)copyout(&p->p_pid, p->p_tidset, sizeof(p->p_pid));
	md_user_return(curthread->td_frame);
}

static struct proc *
proc_alloc(void (*fn)(void *), const char *comm)
{
	struct proc *p;

	if ((p = kmem_zalloc(sizeof(*p), KM_NOSLEEP)) == NULL)
		return (NULL);
	strlcpy(p->p_comm, comm, sizeof(p->p_comm));
	p->p_thread = thread_alloc(fn, p, PRI_USER, comm);
	if (p->p_thread == NULL) {
		kmem_free(p, sizeof(*p));
		return (NULL);
	}
	p->p_thread->td_proc = p;
	p->p_started = nsecuptime();
	LIST_INIT(&p->p_children);
	LIST_INIT(&p->p_aio);
	timeout_set(&p->p_alarm, proc_alarm, p);
	return (p);
}

/* All that a process has but its thread; some of it may be missing. */
static void
proc_release(struct proc *p)
{
	struct filedesc *fd = p->p_fd;
	struct vnode *cwd = p->p_cwd, *exe = p->p_exe;
	struct vmspace *vm = p->p_vm;
	char *args = p->p_args;

	/* /proc looks at these, and takes references, under the lock */
	mtx_enter(&proc_lock);
	p->p_fd = NULL;
	p->p_cwd = p->p_exe = NULL;
	p->p_vm = NULL;
	p->p_args = NULL;
	mtx_leave(&proc_lock);
	if (fd != NULL)
		filedesc_unref(fd);
	if (cwd != NULL)
		vnode_unref(cwd);
	if (exe != NULL)
		vnode_unref(exe);
	vmspace_unref(vm);
	kmem_free(args, p->p_argslen);
}

static void
proc_free(struct proc *p)
{
	proc_release(p);
	md_user_free(p->p_thread);
	thread_free(p->p_thread);
	kmem_free(p, sizeof(*p));
}

static void
proc_insert(struct proc *p, struct proc *parent)
{
	mtx_enter(&proc_lock);
	p->p_pid = pid_alloc();
	p->p_parent = parent;
	if (parent != NULL) {
		p->p_pgid = parent->p_pgid;
		p->p_session = parent->p_session;
		LIST_INSERT_HEAD(&parent->p_children, p, p_sibling);
	} else
		p->p_pgid = p->p_session->s_sid = p->p_pid;
	p->p_session->s_refs++;
	LIST_INSERT_HEAD(&allprocs, p, p_all);
	mtx_leave(&proc_lock);
}

/* The first program; what it is called with comes from the command line. */
static void
init_start(void *arg)
{
	struct proc *p = arg;
	int error;

	if ((error = exec_init(curthread->td_frame)) != 0)
		panic("no init, error %d", error);
	p->p_execed = true;
	md_user_return(curthread->td_frame);
}

struct proc *
proc_create_init(void)
{
	struct proc *p;

	if ((p = proc_alloc(init_start, "init")) == NULL)
		return (NULL);
	if (md_user_init(p->p_thread) != 0 ||
	    (p->p_session = kmem_zalloc(sizeof(*p->p_session),
	    KM_NOSLEEP)) == NULL || (p->p_fd = filedesc_create()) == NULL) {
		proc_free(p);
		return (NULL);
	}
	p->p_umask = 022;
	vnode_ref(rootvnode);
	p->p_cwd = rootvnode;
	proc_insert(p, NULL);
	initproc = p;
	thread_run(p->p_thread);
	return (p);
}

static int
fork_copy(struct proc *p, struct proc *parent, const struct fork_args *fa)
{
	if (!(fa->fa_flags & FORK_VM))
		aio_quiet(parent);
	if (fa->fa_flags & FORK_VM)
		vmspace_ref(p->p_vm = parent->p_vm);
	else if ((p->p_vm = vmspace_fork(parent->p_vm)) == NULL)
		return (ENOMEM);
	p->p_thread->td_pmap = p->p_vm->vm_pmap;
	if (fa->fa_flags & FORK_FILES)
		filedesc_ref(p->p_fd = parent->p_fd);
	else if ((p->p_fd = filedesc_copy(parent->p_fd)) == NULL)
		return (ENOMEM);
	if (parent->p_args != NULL) {
		p->p_args = kmem_alloc(parent->p_argslen, KM_NOSLEEP);
		if (p->p_args == NULL)
			return (ENOMEM);
		memcpy(p->p_args, parent->p_args, parent->p_argslen);
		p->p_argslen = parent->p_argslen;
	}
	vnode_ref(p->p_cwd = parent->p_cwd);
	if (parent->p_exe != NULL)
		vnode_ref(p->p_exe = parent->p_exe);
	p->p_umask = parent->p_umask;
	memcpy(p->p_sigact, parent->p_sigact, sizeof(p->p_sigact));
	p->p_sigmask = parent->p_sigmask;
	p->p_altstack = parent->p_altstack;
	p->p_altsize = parent->p_altsize;
	p->p_altflags = parent->p_altflags;
	p->p_tidset = fa->fa_childtid;
	p->p_tidclear = fa->fa_cleartid;
	return (md_user_fork(p->p_thread, curthread, fa->fa_stack,
	    fa->fa_tls, (fa->fa_flags & FORK_SETTLS) != 0));
}

int
kern_fork(const struct fork_args *fa, pid_t *pidp)
{
	struct proc *parent = curproc, *p;
	int error;

	if ((p = proc_alloc(proc_start, parent->p_comm)) == NULL)
		return (EAGAIN);
	if ((error = fork_copy(p, parent, fa)) != 0) {
		proc_free(p);
		return (error);
	}
	p->p_vforked = parent->p_vforking = (fa->fa_flags & FORK_VFORK) != 0;
	proc_insert(p, parent);
	*pidp = p->p_pid;
	if (fa->fa_parenttid != NULL)
		(void)copyout(pidp, fa->fa_parenttid, sizeof(*pidp));
	thread_run(p->p_thread);

	/* the child may be gone when we wake up */
	if (fa->fa_flags & FORK_VFORK) {
		mtx_enter(&proc_lock);
		while (parent->p_vforking)
			(void)msleep_nsec(&parent->p_vforking, &proc_lock,
			    PRI_USER, "vfork", INFSLP);
		mtx_leave(&proc_lock);
	}
	return (0);
}

void
proc_vfork_done(struct proc *p)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	if (!p->p_vforked)
		return;
	p->p_vforked = false;
	p->p_parent->p_vforking = false;
	wakeup(&p->p_parent->p_vforking);
}

/* --- end ------------------------------------------------------------------------------ */

static void
session_unref(struct session *s)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	if (--s->s_refs == 0)
		kmem_free(s, sizeof(*s));
}

static void
proc_give_init(struct proc *p)
{
	MUTEX_ASSERT_LOCKED(&proc_lock);
	LIST_REMOVE(p, p_sibling);
	p->p_parent = initproc;
	LIST_INSERT_HEAD(&initproc->p_children, p, p_sibling);
}

/* Children of the dead are init's; it is told of those who are dead too. */
static void
proc_orphans(struct proc *p)
{
	struct proc *child;

	MUTEX_ASSERT_LOCKED(&proc_lock);
	while ((child = LIST_FIRST(&p->p_children)) != NULL) {
		proc_give_init(child);
		if (child->p_state == PS_ZOMBIE)
			proc_tell_parent(child);
	}
}

void
proc_tell_parent(struct proc *p)
{
	int sig = p->p_status & 0x7f;
	struct ksiginfo ksi = { .ksi_code = sig != 0 ? CLD_KILLED : CLD_EXITED,
	    .ksi_pid = p->p_pid,
	    .ksi_value = sig != 0 ? sig : p->p_status >> 8 };

	MUTEX_ASSERT_LOCKED(&proc_lock);
	psignal_locked(p->p_parent, SIGCHLD, &ksi);
	wakeup(p->p_parent);
}

/* A parent that does not want to know of its children's end. */
static bool
proc_unwanted(const struct proc *p)
{
	const struct sigaction *sa = &p->p_parent->p_sigact[SIGCHLD - 1];

	MUTEX_ASSERT_LOCKED(&proc_lock);
	return (p->p_parent != initproc && (sa->sa_handler == SIG_IGN ||
	    (sa->sa_flags & SA_NOCLDWAIT)));
}

void
proc_exit(int status)
{
	struct proc *p = curproc;
	struct tty *tp = NULL;
	int zero = 0;

	if (p == initproc)
		panic("init died, status %#x", status);
	timeout_del_barrier(&p->p_alarm);
	aio_exit(p);
	if (p->p_tidclear != 0)
		(void)copyout(&zero, (void *)p->p_tidclear, sizeof(zero));

	mtx_enter(&proc_lock);
	p->p_exiting = true;
	if (p->p_session->s_sid == p->p_pid) {
		tp = p->p_session->s_tty;
		p->p_session->s_tty = NULL;
	}
	mtx_leave(&proc_lock);
	if (tp != NULL)
		tty_session_end(tp, p->p_session);

	curthread->td_pmap = NULL;
	pmap_activate(NULL);
	proc_release(p);

	mtx_enter(&proc_lock);
	proc_orphans(p);
	p->p_status = status;
	p->p_state = PS_ZOMBIE;
	proc_vfork_done(p);
	if (proc_unwanted(p)) {
		proc_tell_parent(p);	/* it may wait for the last one */
		proc_give_init(p);
	}
	proc_tell_parent(p);
	mtx_leave(&proc_lock);
	thread_exit();
}

/* --- wait -------------------------------------------------------------------------------- */

static bool
wait_fits(const struct proc *p, pid_t pid)
{
	return (pid == -1 || p->p_pid == pid ||
	    (pid == 0 && p->p_pgid == curproc->p_pgid) ||
	    (pid < -1 && p->p_pgid == -pid));
}

/* True: this child has something to tell. */
static bool
wait_status(struct proc *p, int options, int *status)
{
	if (p->p_state == PS_ZOMBIE) {
		*status = p->p_status;
		return (true);
	}
	if ((options & WAIT_STOPPED) && p->p_state == PS_STOPPED &&
	    p->p_waitstatus) {
		p->p_waitstatus = false;
		*status = STOP_STATUS(p->p_status);
		return (true);
	}
	if ((options & WAIT_CONTINUED) && p->p_continued) {
		p->p_continued = false;
		*status = CONTINUED_STATUS;
		return (true);
	}
	return (false);
}

/* Take a zombie out of the tree; its thread may still be on its way out. */
static void
proc_reap(struct proc *p, uint64_t *time)
{
	struct proc *parent = curproc;

	thread_wait(p->p_thread);
	*time = p->p_thread->td_runtime + p->p_childtime;
	mtx_enter(&proc_lock);
	parent->p_childtime += *time;
	LIST_REMOVE(p, p_all);
	session_unref(p->p_session);
	mtx_leave(&proc_lock);
	proc_free(p);
}

int
kern_wait(pid_t pid, int options, pid_t *pidp, int *status, uint64_t *time)
{
	struct proc *self = curproc, *p;
	bool any;
	int error;

	*time = 0;
	mtx_enter(&proc_lock);
	for (;;) {
		any = false;
		LIST_FOREACH(p, &self->p_children, p_sibling) {
			if (!wait_fits(p, pid))
				continue;
			any = true;
			if (wait_status(p, options, status))
				break;
		}
		if (p != NULL || !any || (options & WAIT_NOHANG))
			break;
		error = msleep_nsec(self, &proc_lock, PRI_USER | PCATCH,
		    "wait", INFSLP);
		if (error != 0) {
			mtx_leave(&proc_lock);
			return (error);
		}
	}
	*pidp = p == NULL ? 0 : p->p_pid;
	if (p != NULL && p->p_state == PS_ZOMBIE) {
		/* nobody else finds it any more */
		LIST_REMOVE(p, p_sibling);
		mtx_leave(&proc_lock);
		proc_reap(p, time);
		return (0);
	}
	mtx_leave(&proc_lock);
	return (any ? 0 : ECHILD);
}

/* --- groups and sessions -------------------------------------------------------------------- */

int
kern_setpgid(pid_t pid, pid_t pgid)
{
	struct proc *self = curproc, *p, *q;
	int error = 0;

	if (pgid < 0)
		return (EINVAL);
	mtx_enter(&proc_lock);
	p = pid == 0 ? self : proc_find(pid);
	if (pgid == 0 && p != NULL)
		pgid = p->p_pid;
	if (p == NULL || (p != self && p->p_parent != self))
		error = ESRCH;
	else if (p != self && p->p_execed)
		error = EACCES;
	else if (p->p_session != self->p_session ||
	    p->p_session->s_sid == p->p_pid)
		error = EPERM;
	else if (pgid != p->p_pid) {
		LIST_FOREACH(q, &allprocs, p_all) {
			if (q->p_pgid == pgid &&
			    q->p_session == self->p_session)
				break;
		}
		if (q == NULL)
			error = EPERM;
	}
	if (error == 0)
		p->p_pgid = pgid;
	mtx_leave(&proc_lock);
	return (error);
}

int
kern_setsid(pid_t *sid)
{
	struct proc *p = curproc, *q;
	struct session *s;

	if ((s = kmem_zalloc(sizeof(*s), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	mtx_enter(&proc_lock);
	LIST_FOREACH(q, &allprocs, p_all) {
		if (q->p_pgid == p->p_pid)
			break;
	}
	if (q != NULL) {
		mtx_leave(&proc_lock);
		kmem_free(s, sizeof(*s));
		return (EPERM);
	}
	session_unref(p->p_session);
	s->s_refs = 1;
	s->s_sid = p->p_pgid = *sid = p->p_pid;
	p->p_session = s;
	mtx_leave(&proc_lock);
	return (0);
}

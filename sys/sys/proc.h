/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_PROC_H_
#define _SYS_PROC_H_

/*
 * Processes.  A process has one thread.
 *
 * proc_lock (a mutex) guards the tree of processes, groups and sessions, and
 * what is marked [p].
 */

#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/signal.h>
#include <sys/thread.h>

struct aioctx;
struct filedesc;
struct tty;
struct trapframe;
struct vmspace;
struct vnode;

typedef uint64_t sigset_t;		/* bit n - 1 for signal n */
#define SIGBIT(n)	(1ULL << ((n) - 1))
#define SIG_CANTMASK	(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))

struct sigaction {
	u_long		sa_handler;
	u_long		sa_flags;
	u_long		sa_restorer;
	sigset_t	sa_mask;
};
#define SIG_DFL		0UL
#define SIG_IGN		1UL
#define CLD_EXITED	1		/* ksi_code of SIGCHLD */
#define CLD_KILLED	2
#define CLD_STOPPED	5
#define CLD_CONTINUED	6
#define SA_NOCLDSTOP	0x00000001UL
#define SA_NOCLDWAIT	0x00000002UL
#define SA_SIGINFO	0x00000004UL
#define SA_RESTORER	0x04000000UL
#define SA_ONSTACK	0x08000000UL
#define SA_RESTART	0x10000000UL
#define SA_NODEFER	0x40000000UL
#define SA_RESETHAND	0x80000000UL

struct session {
	u_int		 s_refs;	/* [p] processes */
	pid_t		 s_sid;
	struct tty	*s_tty;		/* [p] controlling terminal */
	pid_t		 s_fgpgrp;	/* [p] its foreground group */
};

struct ksiginfo {
	int	ksi_code;		/* SI_USER 0, SI_KERNEL 0x80, ... */
	pid_t	ksi_pid;		/* sender, or the child */
	u_long	ksi_value;		/* address of a fault; child's status */
};
#define SI_USER		0
#define SI_KERNEL	0x80

enum proc_state { PS_ALIVE, PS_STOPPED, PS_ZOMBIE };

struct proc {
	LIST_ENTRY(proc)	 p_all;		/* [p] */
	LIST_HEAD(, proc)	 p_children;	/* [p] */
	LIST_ENTRY(proc)	 p_sibling;	/* [p] */
	struct proc		*p_parent;	/* [p] */
	pid_t			 p_pid;
	pid_t			 p_pgid;	/* [p] */
	struct session		*p_session;	/* [p] */
	enum proc_state		 p_state;	/* [p] */
	struct thread		*p_thread;
	struct vmspace		*p_vm;
	struct filedesc		*p_fd;
	LIST_HEAD(, aioctx)	 p_aio;		/* the thread's own */
	struct vnode		*p_cwd;
	struct vnode		*p_exe;
	mode_t			 p_umask;
	struct sigaction	 p_sigact[NSIG];
	sigset_t		 p_sigmask;	/* the thread's own */
	sigset_t		 p_sigwait;	/* [p] awaited by sigtimedwait */
	sigset_t		 p_oldmask;	/* to restore after sigsuspend */
	bool			 p_restoremask;
	sigset_t		 p_sigpend;	/* [p] */
	struct ksiginfo		 p_siginfo[NSIG];	/* [p] */
	u_long			 p_altstack, p_altsize;
	int			 p_altflags;
	int			 p_status;	/* [p] as wait4 gives it */
	bool			 p_waitstatus;	/* [p] a stop is unreported */
	bool			 p_continued;	/* [p] a continue is unreported */
	bool			 p_vforked;	/* [p] parent waits for exec */
	bool			 p_vforking;	/* [p] waits for its child's */
	bool			 p_exiting;
	bool			 p_execed;
	struct timeout		 p_alarm;
	uint64_t		 p_alarmat, p_alarmevery;
	uint64_t		 p_started;	/* nsecuptime() */
	uint64_t		 p_childtime;	/* ns of those waited for */
	u_long			 p_tidclear;	/* set_tid_address */
	int			*p_tidset;	/* CLONE_CHILD_SETTID */
	char			*p_args;	/* argv as for /proc, NULs */
	size_t			 p_argslen;
	char			 p_comm[16];
};

LIST_HEAD(proclist, proc);
extern struct mutex	 proc_lock;
extern struct proclist	 allprocs;	/* [p] newest first */
extern struct proc	*initproc;

#define curproc		(curthread->td_proc)

struct proc *proc_find(pid_t);			/* [p] held; NULL */

/* kern_sig.c: any context */
void	 psignal(struct proc *, int);		/* proc_lock not held */
void	 psignal_locked(struct proc *, int, const struct ksiginfo *);
void	 pgsignal(pid_t, int);			/* a group */
void	 proc_trap(struct trapframe *, int, vaddr_t);	/* own fault */
void	 userret(struct trapframe *);
bool	 userret_wanted(void);			/* interrupts off: call it? */
void	 sig_tempmask(sigset_t);		/* until the return */
bool	 sig_waiting(void);			/* for the current process */
bool	 sig_ignored(struct proc *, int);	/* or blocked: for the tty */
void	 sig_exec(struct proc *);		/* handlers become default */
int	 kern_sigaction(int, const struct sigaction *, struct sigaction *);
int	 kern_sigprocmask(int, const sigset_t *, sigset_t *);
int	 kern_sigsuspend(sigset_t);
int	 kern_sigtimedwait(sigset_t, uint64_t, int *, struct ksiginfo *);
int	 kern_kill(pid_t, int);
void	 proc_alarm(void *);			/* timeout of p_alarm */
int	 kern_alarm(uint64_t, uint64_t, uint64_t *, uint64_t *);

/* kern_fork.c */
#define FORK_VM		0x01		/* share the address space */
#define FORK_VFORK	0x02		/* wait until the child execs or ends */
#define FORK_FILES	0x04		/* share the descriptors */
#define FORK_SETTLS	0x08
struct fork_args {
	int	fa_flags;
	u_long	fa_stack;		/* 0: the same */
	u_long	fa_tls;
	int	*fa_childtid;		/* user's, set in the child; NULL */
	int	*fa_parenttid;		/* user's, set in the parent; NULL */
	u_long	fa_cleartid;
};
#define WAIT_NOHANG	0x01
#define WAIT_STOPPED	0x02
#define WAIT_CONTINUED	0x08
struct proc *proc_create_init(void);
int	 kern_fork(const struct fork_args *, pid_t *);
int	 kern_wait(pid_t, int, pid_t *, int *, uint64_t *);
void	 proc_tell_parent(struct proc *);	/* [p] held */
void	 proc_vfork_done(struct proc *);	/* [p] held; it may run on */
void	 proc_exit(int) __noreturn;		/* status as wait4 gives it */
int	 kern_setpgid(pid_t, pid_t);
int	 kern_setsid(pid_t *);

/*
 * kern_exec.c: the strings of argv, then those of envp, each with its NUL.
 * On success the current thread's frame is that of the new program.
 */
#define EXEC_ARGS_MAX	(128 * 1024)
struct execargs {
	char	*ea_buf;		/* kmem, EXEC_ARGS_MAX */
	size_t	 ea_len;
	u_int	 ea_argc, ea_envc;
};
int	 execargs_init(struct execargs *);
void	 execargs_fini(struct execargs *);
int	 execargs_add(struct execargs *, const char *);	/* E2BIG */
int	 kern_exec(const char *, struct execargs *, struct trapframe *);
int	 exec_init(struct trapframe *);			/* init= and so on */

/* compat/linux */
void	 linux_syscall(struct trapframe *);

#endif /* _SYS_PROC_H_ */

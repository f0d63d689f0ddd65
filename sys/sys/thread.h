/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_THREAD_H_
#define _SYS_THREAD_H_

/*
 * Threads and their scheduling.  sched_mtx guards what is marked [s]; the
 * rest belongs to the thread itself.  sched_mtx is taken after all other
 * mutexes but that of the timeouts.
 */

#include <sys/queue.h>
#include <sys/synch.h>
#include <sys/timeout.h>

#include <machine/cpu.h>

struct pmap;
struct proc;
struct trapframe;

enum thread_state { TDS_NEW, TDS_RUNNABLE, TDS_RUNNING, TDS_SLEEPING, TDS_DEAD };

struct thread {
	struct md_context	 td_md;
	TAILQ_ENTRY(thread)	 td_queue;	/* [s] run or sleep queue */
	enum thread_state	 td_state;	/* [s] */
	int			 td_pri;	/* [s] */
	const void		*td_wchan;	/* [s] what we wait for */
	const char		*td_wmesg;	/* [s] its name for ps(1) */
	bool			 td_catch;	/* [s] a signal ends the sleep */
	bool			 td_interrupted; /* [s] one has come */
	bool			 td_timedout;	/* [s] */
	struct timeout		 td_sleepto;
	void			*td_kstack;
	struct trapframe	*td_frame;	/* at its top: the program's */
	struct proc		*td_proc;	/* NULL: a kernel thread */
	struct pmap		*td_pmap;	/* NULL: any */
	void			(*td_fn)(void *);
	void			*td_arg;
	bool			 td_restart;	/* the system call, see kern_sig */
	bool			 td_fullframe;	/* md: restore all registers */
	uint64_t		 td_started;	/* [s] got the CPU at */
	uint64_t		 td_runtime;	/* [s] ns in all before that */
	char			 td_name[24];
};

#define KSTACK_SIZE	(4 * PAGE_SIZE)

extern struct thread	thread0;	/* what boots */
extern struct mutex	sched_mtx;

void	 sched_init(void);
struct thread *thread_alloc(void (*)(void *), void *, int, const char *);
void	 thread_free(struct thread *);		/* TDS_DEAD or TDS_NEW */
void	 thread_run(struct thread *);		/* TDS_NEW: let it go */
void	 thread_exit(void) __noreturn;		/* wakes thread_wait() */
void	 thread_wait(struct thread *);		/* until TDS_DEAD */
void	 thread_interrupt(struct thread *);	/* any context; a signal */
void	 thread_setpri(struct thread *, int);
uint64_t thread_runtime(const struct thread *);
void	 sched_yield(void);
/* with interrupts off before return to a program */
bool	 sched_wanted(void);

#endif /* _SYS_THREAD_H_ */

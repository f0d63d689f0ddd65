/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_TASK_H_
#define _SYS_TASK_H_

/*
 * Deferred work: a function to be called once, in a thread, where it may
 * sleep.  task_add, task_del: any context; true: it was not / it was
 * queued.  taskq_barrier: thread context; what was queued before has run.
 */

#include <sys/queue.h>
#include <sys/types.h>

struct task {
	TAILQ_ENTRY(task)	  t_entry;
	void			(*t_fn)(void *);
	void			 *t_arg;
	bool			  t_queued;
};

struct taskq;
extern struct taskq	*systq;		/* the kernel's own */

void	 task_set(struct task *, void (*)(void *), void *);
bool	 task_add(struct taskq *, struct task *);
bool	 task_del(struct taskq *, struct task *);
void	 taskq_barrier(struct taskq *);
void	 taskq_run(void *) __noreturn;	/* the thread of a queue */

#endif /* _SYS_TASK_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Deferred work: queues of tasks, each with a thread that runs them in order.
 */

#include <sys/mutex.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/task.h>
#include <sys/thread.h>

struct taskq {
	struct mutex		 tq_mtx;
	TAILQ_HEAD(, task)	 tq_tasks;
	bool			 tq_started;	/* it has its thread */
	const char		*tq_name;
};

static struct taskq systq_store = {
	.tq_mtx = MUTEX_INITIALIZER(IPL_HIGH),
	.tq_tasks = TAILQ_HEAD_INITIALIZER(systq_store.tq_tasks),
	.tq_name = "systq"
};
struct taskq *systq = &systq_store;

void
task_set(struct task *t, void (*fn)(void *), void *arg)
{
	*t = (struct task){ .t_fn = fn, .t_arg = arg };
}

bool
task_add(struct taskq *tq, struct task *t)
{
	bool added;

	mtx_enter(&tq->tq_mtx);
	if ((added = !t->t_queued)) {
		t->t_queued = true;
		TAILQ_INSERT_TAIL(&tq->tq_tasks, t, t_entry);
		wakeup_one(tq);
	}
	mtx_leave(&tq->tq_mtx);
	return (added);
}

bool
task_del(struct taskq *tq, struct task *t)
{
	bool was;

	mtx_enter(&tq->tq_mtx);
	if ((was = t->t_queued)) {
		t->t_queued = false;
		TAILQ_REMOVE(&tq->tq_tasks, t, t_entry);
	}
	mtx_leave(&tq->tq_mtx);
	return (was);
}

/* Tasks run in order, so when one of our own has run the others have too. */
struct taskq_mark {
	struct task	tm_task;
	bool		tm_done;
};

static void
taskq_mark_run(void *arg)
{
	struct taskq_mark *tm = arg;

	mtx_enter(&systq_store.tq_mtx);
	tm->tm_done = true;
	wakeup(tm);
	mtx_leave(&systq_store.tq_mtx);
}

/* With tq_mtx, which is left meanwhile. */
static void
taskq_call(struct taskq *tq, struct task *t)
{
	TAILQ_REMOVE(&tq->tq_tasks, t, t_entry);
	t->t_queued = false;
	mtx_leave(&tq->tq_mtx);
	t->t_fn(t->t_arg);
	mtx_enter(&tq->tq_mtx);
}

/* At boot, when the thread that will run them has other things to do. */
static bool
taskq_early(struct taskq *tq)
{
	struct task *t;
	bool early;

	mtx_enter(&tq->tq_mtx);
	early = !tq->tq_started;
	while (early && (t = TAILQ_FIRST(&tq->tq_tasks)) != NULL)
		taskq_call(tq, t);
	mtx_leave(&tq->tq_mtx);
	return (early);
}

void
taskq_barrier(struct taskq *tq)
{
	struct taskq_mark tm = { .tm_done = false };

	if (taskq_early(tq))
		return;
	task_set(&tm.tm_task, taskq_mark_run, &tm);
	task_add(tq, &tm.tm_task);
	mtx_enter(&systq_store.tq_mtx);
	while (!tm.tm_done)
		(void)msleep_nsec(&tm, &systq_store.tq_mtx, PRI_KERN,
		    "taskbar", INFSLP);
	mtx_leave(&systq_store.tq_mtx);
}

/* The thread of a queue. */
void
taskq_run(void *arg)
{
	struct taskq *tq = arg;
	struct task *t;

	mtx_enter(&tq->tq_mtx);
	tq->tq_started = true;
	for (;;) {
		while ((t = TAILQ_FIRST(&tq->tq_tasks)) == NULL)
			(void)msleep_nsec(tq, &tq->tq_mtx, PRI_INTR,
			    tq->tq_name, INFSLP);
		taskq_call(tq, t);
	}
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "thread.h"

#ifdef __SANITIZE_THREAD__
void	__tsan_acquire(void *);
void	__tsan_release(void *);
#else
#define __tsan_acquire(p)	((void)(p))
#define __tsan_release(p)	((void)(p))
#endif

static pthread_t	thread;
static sem_t		bells[NBELLS];
static char		order[2];

static void *
run(void *fn)
{
	((void (*)(void))fn)();
	return (NULL);
}

void
thread_start(void (*fn)(void))
{
	if (pthread_create(&thread, NULL, run, (void *)fn) != 0)
		abort();
}

void
thread_join(void)
{
	if (pthread_join(thread, NULL) != 0)
		abort();
}

void
thread_say(const char *line)
{
	fputs(line, stdout);
}

void
bell_reset(void)
{
	int i;

	for (i = 0; i < NBELLS; i++)
		sem_init(&bells[i], 0, 0);
}

void
bell_ring(int i)
{
	sem_post(&bells[i]);
}

int
bell_wait(int i, unsigned sec)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += sec;
	return (sem_timedwait(&bells[i], &ts) == 0);
}

/*
 * ThreadSanitizer does not know fences, so it is told what they mean: what
 * one side did before it let go is done when the other takes hold.
 */
void
order_release(int side)
{
	__tsan_release(&order[side]);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void
order_acquire(int side)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__tsan_acquire(&order[side]);
}

void
order_full(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

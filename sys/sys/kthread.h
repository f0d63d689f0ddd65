/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_KTHREAD_H_
#define _SYS_KTHREAD_H_

/*
 * Kernel threads.  kthread_create: thread context; the thread runs fn(arg)
 * and ends with kthread_exit() or by returning.  ENOMEM.
 * kthread_join: waits until the thread has ended and frees it.
 */

#include <sys/synch.h>

struct thread;

int	kthread_create(void (*)(void *), void *, int, const char *,
	    struct thread **);
void	kthread_exit(void) __noreturn;
void	kthread_join(struct thread *);

#endif /* _SYS_KTHREAD_H_ */

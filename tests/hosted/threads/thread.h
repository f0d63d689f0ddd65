/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _THREAD_H_
#define _THREAD_H_

/* A thread of the host, and bells by which two wake each other. */

enum { BELL_DRIVER, BELL_DEVICE, NBELLS };

void	thread_start(void (*)(void));
void	thread_join(void);
void	thread_say(const char *);
void	bell_ring(int);
int	bell_wait(int, unsigned sec);		/* 0: time was over */
void	bell_reset(void);
/* to ThreadSanitizer: what happened before, and after that */
void	order_release(int);
void	order_acquire(int);
void	order_full(void);

#endif /* _THREAD_H_ */

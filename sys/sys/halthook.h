/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_HALTHOOK_H_
#define _SYS_HALTHOOK_H_

#include <sys/queue.h>
#include <sys/types.h>

/*
 * What drivers do last, when everything has been written.  hh_fn: any
 * context, a panic's too, so it may neither lock nor wait; the second
 * argument is that of md_halt().
 */
struct halthook {
	TAILQ_ENTRY(halthook)	  hh_link;
	void			(*hh_fn)(void *, int);
	void			 *hh_arg;
};

/*
 * Thread context, but for kern_halt, which calls the hooks and then
 * md_halt().
 */
void	halthook_add(struct halthook *);
void	halthook_remove(struct halthook *);
void	kern_halt(int) __noreturn;

#endif /* _SYS_HALTHOOK_H_ */

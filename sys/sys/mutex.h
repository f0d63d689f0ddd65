/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_MUTEX_H_
#define _SYS_MUTEX_H_

/*
 * A mutex raises the interrupt level of its CPU to its own while it is
 * held, and spins if another CPU has it.  Any context whose level is not
 * above the mutex's.  Never sleep with one but through msleep().
 */

#include <sys/intr.h>

struct mutex {
	void		*mtx_owner;	/* struct cpu_info */
	enum ipl	 mtx_ipl;
	int		 mtx_oldipl;
};
#define MUTEX_INITIALIZER(ipl)	{ NULL, (ipl), 0 }

void	mtx_init(struct mutex *, enum ipl);
void	mtx_enter(struct mutex *);
void	mtx_leave(struct mutex *);
/* false: it is held, perhaps by this CPU */
bool	mtx_enter_try(struct mutex *);
bool	mtx_owned(const struct mutex *);
#define MUTEX_ASSERT_LOCKED(m)		KASSERT(mtx_owned(m))
#define MUTEX_ASSERT_UNLOCKED(m)	KASSERT(!mtx_owned(m))

#endif /* _SYS_MUTEX_H_ */

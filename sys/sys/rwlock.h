/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_RWLOCK_H_
#define _SYS_RWLOCK_H_

/*
 * A lock that may be held across a sleep: many readers or one writer, who
 * go first where both wait.  Thread context.
 */

#include <sys/mutex.h>

struct thread;

struct rwlock {
	struct mutex	 rw_mtx;
	struct thread	*rw_writer;
	u_int		 rw_readers;
	u_int		 rw_wantwrite;
	const char	*rw_name;
};

void	rw_init(struct rwlock *, const char *);
void	rw_enter_read(struct rwlock *);
void	rw_enter_write(struct rwlock *);
void	rw_exit(struct rwlock *);
bool	rw_write_held(const struct rwlock *);

#endif /* _SYS_RWLOCK_H_ */

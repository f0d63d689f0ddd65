/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _COMPAT_LINUX_LINUX_H_
#define _COMPAT_LINUX_LINUX_H_

/*
 * The system call convention of Linux: a thin front on the kernel's own
 * functions.  Numbers and some layouts differ between machines:
 * <machine/linux_machdep.h> has them.
 */

#include <sys/types.h>

/* a: the arguments; *rv: the result, 0 at first; an errno is returned */
typedef int (*linux_call_t)(const u_long *a, long *rv);

struct linux_sysent {
	linux_call_t	 ls_call;	/* NULL: ENOSYS */
	uint8_t		 ls_restart;	/* EINTR may begin it again */
};

struct linux_timespec {
	int64_t		tv_sec;
	int64_t		tv_nsec;
};

struct linux_timeval {
	int64_t		tv_sec;
	int64_t		tv_usec;
};

/* of preadv2(2) and its kind */
#define RWF_HIPRI	0x01		/* poll for it: a hint */
#define RWF_DSYNC	0x02
#define RWF_SYNC	0x04

/* EINVAL: nanoseconds out of range or negative time */
int	linux_timespec_in(const void *, uint64_t *);
int	linux_timespec_out(uint64_t, void *);
/* the signal mask for the time of the call, where one is given; EINVAL */
int	linux_tempmask_in(const void *, size_t);
/* a path from the program: kmem of MAXPATHLEN; EFAULT, ENAMETOOLONG */
int	linux_path_in(const void *, char **);
void	linux_path_free(char *);

#define LINUX_CALL(name)	int linux_##name(const u_long *, long *)
#include <compat/linux/linux_calls.h>
#undef LINUX_CALL

#endif /* _COMPAT_LINUX_LINUX_H_ */

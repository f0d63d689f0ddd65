/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_LINUX_MACHDEP_H_
#define _MACHINE_LINUX_MACHDEP_H_

#include <machine/cpu.h>

#define LINUX_NSYSCALL	448
#define LINUX_MACHINE	"x86_64"

static inline void
linux_args(const struct trapframe *tf, u_long a[6])
{
	a[0] = tf->tf_rdi;
	a[1] = tf->tf_rsi;
	a[2] = tf->tf_rdx;
	a[3] = tf->tf_r10;
	a[4] = tf->tf_r8;
	a[5] = tf->tf_r9;
}

static inline u_long
linux_number(const struct trapframe *tf)
{
	return (tf->tf_trapno);
}

#define LINUX_SA_RESTORER	1	/* struct sigaction has it */

/* flags of open(2), to the kernel's and back: see sys/file.h */
static inline u_int
linux_oflags(u_int flags)
{
	return (flags);
}

/* clone(2): the order of the last two arguments differs */
#define LINUX_CLONE_CHILDTID	3
#define LINUX_CLONE_TLS		4

/* struct stat as the C library reads it */
struct linux_stat {
	uint64_t	st_dev, st_ino, st_nlink;
	uint32_t	st_mode, st_uid, st_gid, st_pad0;
	uint64_t	st_rdev;
	int64_t		st_size, st_blksize, st_blocks;
	uint64_t	st_atime_sec, st_atime_nsec;
	uint64_t	st_mtime_sec, st_mtime_nsec;
	uint64_t	st_ctime_sec, st_ctime_nsec;
	int64_t		st_pad1[3];
};

/* it has no padding here, as in 32-bit programs */
struct linux_epoll_event {
	uint32_t	events;
	uint64_t	data;
} __packed;

#endif /* _MACHINE_LINUX_MACHDEP_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _COMPAT_LINUX_LINUX_GENERIC_H_
#define _COMPAT_LINUX_LINUX_GENERIC_H_

/*
 * What the younger machines of Linux have in common, for their
 * <machine/linux_machdep.h>; the numbers are in linux_generic_syscalls.h.
 */

#include <sys/types.h>

#define LINUX_NSYSCALL		448

/* clone(2): the order of the last two arguments differs */
#define LINUX_CLONE_TLS		3
#define LINUX_CLONE_CHILDTID	4

/* struct stat as the C library reads it */
struct linux_stat {
	uint64_t	st_dev, st_ino;
	uint32_t	st_mode, st_nlink, st_uid, st_gid;
	uint64_t	st_rdev, st_pad0;
	int64_t		st_size;
	int32_t		st_blksize, st_pad1;
	int64_t		st_blocks;
	uint64_t	st_atime_sec, st_atime_nsec;
	uint64_t	st_mtime_sec, st_mtime_nsec;
	uint64_t	st_ctime_sec, st_ctime_nsec;
	uint32_t	st_pad2[2];
};
_Static_assert(sizeof(struct linux_stat) == 128, "struct stat");

struct linux_epoll_event {
	uint32_t	events;
	uint64_t	data;
};

#endif /* _COMPAT_LINUX_LINUX_GENERIC_H_ */

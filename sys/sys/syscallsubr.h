/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_SYSCALLSUBR_H_
#define _SYS_SYSCALLSUBR_H_

/*
 * What is behind the system calls on files: for the current process, in
 * kernel terms.  Names are kernel strings; memory of the program is reached
 * through a uio only, but for kern_ioctl().  errno values; ERESTART where a
 * signal ended a wait before anything was moved: run the call again, or
 * EINTR if a handler without SA_RESTART is to run.
 *
 * fd and path: a relative path begins at the directory fd, or at the current
 * one with AT_FDCWD.  A NULL path means fd itself.
 */

#include <sys/types.h>
#include <sys/vnode.h>

struct uio;

#define AT_FDCWD		(-100)
/* flags; the values of the Linux convention */
#define AT_SYMLINK_NOFOLLOW	0x100
#define AT_REMOVEDIR		0x200
#define AT_SYMLINK_FOLLOW	0x400		/* linkat */
#define AT_EMPTY_PATH		0x1000

#define SEEK_SET	0
#define SEEK_CUR	1
#define SEEK_END	2
#define SEEK_DATA	3
#define SEEK_HOLE	4

#define X_OK		1
#define W_OK		2
#define R_OK		4

/* --- names -------------------------------------------------------------- */

int	kern_openat(int, const char *, int, mode_t, int *);
int	kern_fstat(int, struct kstat *);
int	kern_fstatat(int, const char *, struct kstat *, int);
int	kern_statfs(int, const char *, struct kstatfs *);
int	kern_readlinkat(int, const char *, char *, size_t, size_t *);
int	kern_mkdirat(int, const char *, mode_t);
int	kern_mknodat(int, const char *, mode_t, dev_t);
int	kern_unlinkat(int, const char *, int);		/* AT_REMOVEDIR */
int	kern_linkat(int, const char *, int, const char *, int);
int	kern_symlinkat(const char *, int, const char *);
int	kern_renameat(int, const char *, int, const char *);
int	kern_faccessat(int, const char *, int, int);	/* R_OK ... */
int	kern_fchmodat(int, const char *, mode_t, int);
/* -1: leave as it is */
int	kern_fchownat(int, const char *, uid_t, gid_t, int);
/* ns since 1970; which: VA_ATIME, VA_MTIME */
int	kern_utimensat(int, const char *, uint64_t, uint64_t, int which, int);
int	kern_truncate(const char *, off_t);
int	kern_ftruncate(int, off_t);

int	kern_chdir(const char *);
int	kern_fchdir(int);
int	kern_getcwd(char *, size_t);			/* ERANGE */

/* --- descriptors -------------------------------------------------------- */

/* *donep: bytes moved.  A partial transfer is no error. */
int	kern_read(int, struct uio *, size_t *donep);
int	kern_write(int, struct uio *, size_t *donep);
int	kern_pread(int, struct uio *, off_t, size_t *donep);
int	kern_pwrite(int, struct uio *, off_t, size_t *donep);
int	kern_lseek(int, off_t, int, off_t *);
/* each entry to the function; what it refuses comes again next time */
int	kern_getdents(int, dirfill_t, void *);
int	kern_fsync(int);
void	kern_sync(void);
int	kern_ioctl(int, u_long, void *);		/* user's pointer */
int	kern_pipe(int *, int);				/* O_CLOEXEC ... */
int	kern_dup(int, int, bool, int *);	/* from a minimum on */
int	kern_dup2(int, int, bool);
int	kern_getfl(int, int *);
int	kern_setfl(int, int);		/* O_APPEND O_NONBLOCK O_DIRECT */

#endif /* _SYS_SYSCALLSUBR_H_ */

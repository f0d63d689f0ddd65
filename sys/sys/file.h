/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_FILE_H_
#define _SYS_FILE_H_

/*
 * Open files and descriptors.
 */

#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/types.h>
#include <sys/uio.h>

struct aiolist;
struct epentry;
struct file;
struct kstat;
struct selreq;
struct vnode;

/*
 * Thread context all.  fo_read and fo_write use uio_offset; the caller has
 * set it from f_offset or from the argument of pread, and keeps f_offset.
 */
struct fileops {
	int	(*fo_read)(struct file *, struct uio *);
	int	(*fo_write)(struct file *, struct uio *);
	int	(*fo_ioctl)(struct file *, u_long, void *);	/* user's arg */
	int	(*fo_poll)(struct file *, int, struct selreq *);
	int	(*fo_stat)(struct file *, struct kstat *);
	int	(*fo_close)(struct file *);
	int	(*fo_fsync)(struct file *);		/* NULL: EINVAL */
	off_t	(*fo_size)(struct file *);		/* NULL: as stat says */
	/* takes from the list what goes on by itself: see aio.h; NULL */
	void	(*fo_aio)(struct file *, struct aiolist *);
};

struct file {
	u_int			 f_refs;	/* atomic */
	int			 f_flags;	/* O_*; atomic: fcntl(2) */
	const struct fileops	*f_ops;
	void			*f_data;	/* pipe end, device */
	struct vnode		*f_vnode;	/* NULL: pipe and the like */
	struct rwlock		 f_lock;	/* f_offset */
	off_t			 f_offset;
	bool			 f_seekable;
	LIST_HEAD(, epentry)	 f_epolls;	/* sets it is in: sys_epoll.c */
};

/*
 * Flags of open(2): the kernel's own values, which are the generic ones of
 * the Linux convention.  The system call translates where a machine differs.
 */
#define O_ACCMODE	00000003
#define O_RDONLY	00000000
#define O_WRONLY	00000001
#define O_RDWR		00000002
#define O_CREAT		00000100
#define O_EXCL		00000200
#define O_NOCTTY	00000400
#define O_TRUNC		00001000
#define O_APPEND	00002000
#define O_NONBLOCK	00004000
#define O_DSYNC		00010000
#define O_CLOEXEC	02000000
#define O_PATH		010000000
/* arm64 has other values for these four */
#define O_DIRECT	00040000
#define O_LARGEFILE	00100000
#define O_DIRECTORY	00200000
#define O_NOFOLLOW	00400000
#define O_TMPFILE	020000000		/* with O_DIRECTORY */

#define FD_MAX		1024

struct fdentry {
	struct file	*fe_file;
	bool		 fe_cloexec;
};

struct filedesc {
	u_int		 fd_refs;
	struct mutex	 fd_mtx;
	struct fdentry	*fd_entries;
	u_int		 fd_size;
};

/*
 * file_alloc: a new one with one reference; NULL: no memory.
 * file_get: of the current process, with a reference; EBADF.
 * file_get_rw: EBADF also if it is not open for that.
 * file_rdwr: at uio_offset; what was moved before an error counts.
 * file_sync: what was written is where it survives.  EIO.
 * file_unref: closes with the last one.
 * fd_install: the lowest free descriptor from min on takes over the caller's
 *	reference; EMFILE, ENOMEM (the reference stays with the caller).
 * fd_dup2: to exactly that descriptor.
 */
struct file *file_alloc(const struct fileops *, int, void *);
int	 file_get(int, struct file **);
int	 file_get_rw(int, enum uio_rw, struct file **);
int	 file_rdwr(struct file *, struct uio *, size_t *donep);
int	 file_sync(struct file *);
void	 file_ref(struct file *);
bool	 file_tryref(struct file *);	/* false: it is being closed */
void	 file_unref(struct file *);
int	 fd_install(struct file *, int, bool, int *);
int	 fd_dup2(int, int, bool);
int	 fd_close(int);
int	 fd_cloexec(int, int);		/* -1: ask; else set; returns 0/1 */
struct filedesc *filedesc_create(void);
struct filedesc *filedesc_copy(struct filedesc *);
void	 filedesc_ref(struct filedesc *);
void	 filedesc_unref(struct filedesc *);	/* closes all with the last */
void	 filedesc_exec(struct filedesc *);	/* close those that want it */
int	 filedesc_get(struct filedesc *, int, struct file **);
int	 filedesc_next(struct filedesc *, int);	/* open from there on; -1 */

/*
 * pipe_create: ENOMEM.
 * fifo_open: makes the file an end of the pipe in *slot, which is made if
 *	it is NULL; waits for the other side as open(2) says.
 * fifo_free: what was in a slot that nobody has open.
 * pipe_reopen: another file for the pipe of the first one; ENXIO: no pipe.
 */
struct pipe;
int	 pipe_create(struct file **, struct file **);
int	 fifo_open(struct pipe **, int, struct file *);
void	 fifo_free(struct pipe *);
int	 pipe_reopen(struct file *, int, struct file *);

/* poll(2): nsec INFSLP: no limit; mask: signals blocked meanwhile or NULL */
struct pollfd {
	int	fd;
	short	events;
	short	revents;
};
int	 kern_poll(struct pollfd *, u_int, uint64_t, int *);

/*
 * epoll(7), with the values of the Linux convention.  kern_epoll_ctl: EEXIST,
 * ENOENT, EPERM (a file that is always ready), EINVAL, ELOOP.
 * epoll_gone: the file is being closed: out of all sets.
 */
struct epevent {
	uint32_t	events;
	uint64_t	data;
};
#define EPOLL_CTL_ADD	1
#define EPOLL_CTL_DEL	2
#define EPOLL_CTL_MOD	3
#define EPOLLWAKEUP	(1U << 29)
#define EPOLLONESHOT	(1U << 30)
#define EPOLLET		(1U << 31)
int	 epoll_create(struct file **);
int	 kern_epoll_ctl(int, int, int, const struct epevent *);
int	 kern_epoll_wait(int, struct epevent *, int, uint64_t, int *);
void	 epoll_gone(struct file *);
int	 eventfd_create(u_int, bool semaphore, int, struct file **);
bool	 file_is_eventfd(const struct file *);
void	 eventfd_signal(struct file *);		/* one more; any context */

#endif /* _SYS_FILE_H_ */

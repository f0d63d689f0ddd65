/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_CONF_H_
#define _SYS_CONF_H_

/*
 * Character devices.  A driver makes a node in /dev for what it found and
 * takes it away when that goes.  The node carries the driver's argument, so
 * there are no numbers to look up and no table of units.
 */

#include <sys/types.h>

struct aiolist;
struct cdev;
struct proc;
struct selreq;
struct vm_object;
struct uio;

/*
 * Thread context all.  NULL: open and close succeed; read and write fail with
 * ENODEV, ioctl with ENOTTY, fsync (but of a disk) with EINVAL; always ready
 * for poll.
 */
struct cdevsw {
	const char	*d_name;
	int		(*d_open)(struct cdev *, int);		/* F* flags */
	int		(*d_close)(struct cdev *, int);		/* last close */
	int		(*d_read)(struct cdev *, struct uio *, int);
	int		(*d_write)(struct cdev *, struct uio *, int);
	/* data: a kernel copy for size-encoded BSD commands, see below */
	int		(*d_ioctl)(struct cdev *, u_long, void *, int);
	int		(*d_poll)(struct cdev *, int, struct selreq *);
	int		(*d_fsync)(struct cdev *);
	off_t		(*d_size)(struct cdev *);	/* for lseek END */
	/* what mmap(2) maps: a reference; NULL: nothing */
	struct vm_object *(*d_object)(struct cdev *);
	/* takes from the list what goes on by itself: see aio.h */
	void		(*d_aio)(struct cdev *, struct aiolist *);
	int		 d_flags;
};
/* what d_ioctl returns if ioctl(2) is to return that number and not 0 */
#define IOCTL_VALUE(v)	(-0x100 - (v))
#define D_TTY		0x01	/* a terminal: may become the controlling one */
#define D_DISK		0x02	/* seekable, of a known size */
#define D_RAWIOCTL	0x04	/* d_ioctl gets the user's pointer itself */

/* flags as they reach a driver */
#define FREAD		0x0001
#define FWRITE		0x0002
#define FNONBLOCK	0x0004
#define FDIRECT		0x0008

/*
 * dev_create: thread context.  mode: permission bits.  The name may have
 * slashes ("vport/org.example").  EEXIST, ENOMEM.
 * dev_destroy: thread context.  The name vanishes, calls in progress are
 * waited for (the driver has woken them), later ones fail with ENXIO; on
 * return the driver is not called again.  NULL is allowed.
 * dev_arg: what dev_create() was given.
 */
int	 dev_create(struct cdev **, const struct cdevsw *, void *, mode_t,
	    const char *, ...) __printflike(5, 6);
void	 dev_destroy(struct cdev *);
void	*dev_arg(const struct cdev *);
const char *dev_name(const struct cdev *);

/*
 * For kernel code and tests: operate on a node by name as a program would,
 * with kernel memory.
 */
struct cdev *dev_lookup(const char *);		/* takes a reference; NULL */
void	 dev_release(struct cdev *);
int	 dev_open(struct cdev *, int);
int	 dev_close(struct cdev *, int);
struct vm_object *dev_object(struct cdev *);	/* a reference; NULL */
int	 dev_rdwr(struct cdev *, struct uio *, int);
int	 dev_ioctl(struct cdev *, u_long, void *, int);
off_t	 dev_size(struct cdev *);	/* bytes; 0: not known */

#endif /* _SYS_CONF_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_DEVVAR_H_
#define _SYS_DEVVAR_H_

/*
 * Between the device switch (subr_dev.c), the file system of devices
 * (vfs_devfs.c) and the terminals.  Drivers see <sys/conf.h> only.
 */

#include <sys/conf.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/rwlock.h>

struct cdev {
	TAILQ_ENTRY(cdev)	 cd_link;	/* dev_mtx, until destroyed */
	u_int			 cd_refs;	/* atomic */
	const struct cdevsw	*cd_sw;
	void			*cd_arg;
	char			*cd_name;
	mode_t			 cd_mode;	/* with the type */
	dev_t			 cd_rdev;
	struct rwlock		 cd_openlock;	/* open against last close */
	u_int			 cd_opens;	/* cd_openlock */
	struct mutex		 cd_mtx;
	u_int			 cd_busy;	/* cd_mtx: calls in progress */
	bool			 cd_gone;	/* cd_mtx */
};

/* subr_dev.c */
void	 dev_ref(struct cdev *);
int	 dev_poll(struct cdev *, int, struct selreq *);
int	 dev_fsync(struct cdev *);
void	 dev_aio(struct cdev *, struct aiolist *);
int	 dev_userioctl(struct cdev *, u_long, void *, int);
void	 dev_syncall(void);		/* all disks */

/* vfs_devfs.c: EEXIST, EINVAL (a name that cannot be), ENOMEM */
int	 devfs_add(struct cdev *);
void	 devfs_remove(struct cdev *);

/* mem.c */
void	 mem_init(void);		/* /dev/null and the like */

#endif /* _SYS_DEVVAR_H_ */

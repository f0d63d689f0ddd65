/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_SYSCTL_H_
#define _SYS_SYSCTL_H_

/*
 * Variables of the kernel by dotted name, as text: hw.ncpu, kern.version.
 * Programs see them below /proc/sys and through sysctl(8).
 *
 * so_read: thread context; prints the value like snprintf() and returns the
 * length it wants; no newline.  so_write: the new text, NUL terminated,
 * without newline; errno.  NULL: cannot be written (EPERM).
 */

#include <sys/queue.h>
#include <sys/types.h>

struct sysctl_oid {
	TAILQ_ENTRY(sysctl_oid)	  so_link;
	char			  so_name[48];
	int			(*so_read)(void *, char *, size_t);
	int			(*so_write)(void *, const char *);
	void			 *so_arg;
};

/* thread context; the list is sorted by name.  EEXIST. */
int	sysctl_register(struct sysctl_oid *);
void	sysctl_unregister(struct sysctl_oid *);	/* waits for users */
#define SYSCTL_VALUE_MAX	4096

/*
 * Thread context.  ENOENT: no such name.
 * sysctl_read: the text with a NUL, cut to the size; its length to *lenp.
 * sysctl_next: the first name behind that one ("": the first of all), into
 *	a buffer of sizeof(so_name).
 * sysctl_mode: 0444 or 0644; S_IFDIR if longer names begin with this one and
 *	a dot ("" is always a directory); 0: neither.
 */
int	sysctl_read(const char *, char *, size_t, size_t *);
int	sysctl_write(const char *, const char *);
int	sysctl_next(const char *, char *);
mode_t	sysctl_mode(const char *);

#endif /* _SYS_SYSCTL_H_ */

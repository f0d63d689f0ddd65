/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_TTY_H_
#define _SYS_TTY_H_

/*
 * Terminals.  A driver fills in t_ops and t_arg, calls tty_attach(), feeds
 * what arrives to tty_input(), and sends what tty_output() gives it.
 */

#include <sys/mutex.h>
#include <sys/selinfo.h>

struct cdev;
struct tty;

struct tty_ops {
	/*
	 * There is output: take it with tty_output() and send it; called
	 * with the tty's mutex held, also when the device had no room before
	 * and the driver calls tty_more() after some was freed.
	 */
	void	(*to_start)(struct tty *);
	/* thread context, without the mutex; NULL: nothing to do */
	void	(*to_open)(struct tty *);	/* at each open */
	void	(*to_close)(struct tty *);	/* at the last close */
	/*
	 * There is room for input again; thread context, without the mutex.
	 * NULL: input is dropped when full.
	 */
	void	(*to_unthrottle)(struct tty *);
	/*
	 * A command that is not the terminal's own, with the address in the
	 * program or the number that it gave; thread context, without the
	 * mutex; ENOTTY: it is not known.  NULL: there are none.
	 */
	int	(*to_ioctl)(struct tty *, u_long, void *);
};

struct tty_priv;

struct tty {
	const struct tty_ops	*t_ops;
	void			*t_arg;		/* the driver's */
	struct mutex		 t_mtx;		/* IPL_TTY */
	struct tty_priv		*t_priv;
};

/*
 * tty_attach: thread context; makes /dev/NAME.  ENOMEM, EEXIST.
 * tty_detach: thread context; hangs up whoever has it open.
 * tty_input: any context, without the mutex; returns how many bytes it took,
 *	fewer than given when the queue is full (see to_unthrottle).
 * tty_output: with the mutex; copies up to n bytes that wait to be sent into
 *	the buffer and returns how many.
 * tty_more: any context, without the mutex: calls to_start if output waits.
 * tty_hangup: the far side has gone; readers see end of file.
 * tty_winsize: the far side told its size; SIGWINCH follows.
 * tty_alias_set: thread context; /dev/DIRNAME is the same terminal from now on,
 *	in place of an earlier such name; NULL: none is.  It goes with the
 *	terminal.  Calls of it and of tty_detach() exclude each other.
 *	ENOMEM, EEXIST.
 */
int	 tty_attach(struct tty *, const struct tty_ops *, void *,
	    const char *);
void	 tty_detach(struct tty *);
size_t	 tty_input(struct tty *, const void *, size_t);
size_t	 tty_output(struct tty *, void *, size_t);
void	 tty_more(struct tty *);
void	 tty_hangup(struct tty *);
void	 tty_winsize(struct tty *, u_int, u_int);	/* columns, rows */
int	 tty_alias_set(struct tty *, const char *dir, const char *name);

/*
 * Job control.
 * tty_session_end: thread context, without proc_lock: the leader of the
 *	session ends; its terminal is given up, who is in the foreground gets
 *	SIGHUP.  The terminal need not be there any more.
 * tty_setctty: the current process opened it: make it the controlling one
 *	if the process leads a session that has none.
 * tty_alias: what opening /dev/tty or /dev/console means; the device itself
 *	for all others.  A reference.  ENXIO: no controlling terminal.
 * tty_session_dev: the device of the session's terminal, 0: it has none.
 */
struct session;
void	 tty_init(void);
void	 tty_session_end(struct tty *, struct session *);
void	 tty_setctty(struct cdev *);
int	 tty_alias(struct cdev *, struct cdev **);
uint32_t tty_session_dev(const struct session *);	/* proc_lock held */

/*
 * The kernel's console.  cn_write is called with interrupts of its CPU off,
 * from any context, also while the driver is in the middle of something and
 * after a panic: it must not sleep and must not take a lock that its caller
 * may hold; what it cannot send within a bounded time it drops.
 */
struct consdev {
	const char	 *cn_name;		/* "com0" */
	void		(*cn_write)(struct consdev *, const char *, size_t);
	struct tty	 *cn_tty;		/* what /dev/console becomes */
	void		 *cn_arg;
	bool		  cn_last;		/* only if there is no other */
};

void	tty_console(struct tty *);	/* what /dev/console is from now on */

/*
 * Thread context; console=NAME or the first that comes is taken.
 * cn_spare_attach: one that can only write, for a panic while there is none.
 */
void	cn_attach(struct consdev *);
void	cn_spare_attach(struct consdev *);
void	cn_detach(struct consdev *);		/* of either kind */
void	cn_check(void);			/* main: after autoconfiguration */

#endif /* _SYS_TTY_H_ */

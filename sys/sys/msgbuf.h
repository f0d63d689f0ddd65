/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_MSGBUF_H_
#define _SYS_MSGBUF_H_

/*
 * The message buffer: what the kernel said since it booted, as dmesg(8)
 * shows, and the way from there to the console.
 *
 * msgbuf_write: any context.
 * msgbuf_copy: thread context; up to n bytes, the newest, oldest first, to
 *	the kernel's buffer; returns how many.
 */

#include <sys/queue.h>
#include <sys/types.h>

#define MSGBUF_SIZE	32768
#define PANIC_STATUS	125	/* exit status of the machine after a panic */

void	msgbuf_write(const char *, size_t);
size_t	msgbuf_copy(char *, size_t);
size_t	msgbuf_len(void);
void	msgbuf_clear(void);

/*
 * Who shows the messages besides the console.
 *
 * msgbuf_listen, msgbuf_unlisten: thread context; all that dmesg(8) would
 *	show is new to it.  After the second nothing is called.
 * msgbuf_read: thread context; what is new, up to n bytes.  What was
 *	overwritten before it was read is lost.
 * msgbuf_panic: tell those that can show it without help.
 */
struct msgbuf_listener {
	LIST_ENTRY(msgbuf_listener) ml_link;
	void	(*ml_new)(void *);	/* there is some; at IPL_SOFT */
	void	(*ml_panic)(void *);	/* all is lost: no locks */
	void	 *ml_arg;
	uint64_t  ml_next;		/* the first byte not read */
};
void	msgbuf_listen(struct msgbuf_listener *);
void	msgbuf_unlisten(struct msgbuf_listener *);
size_t	msgbuf_read(struct msgbuf_listener *, char *, size_t);
void	msgbuf_panic(void);

void	cn_write(const char *, size_t);		/* any context: polled */
void	cn_panic(void);				/* be heard, whatever console= says */
void	panic_action(void);			/* as panic= says */

#endif /* _SYS_MSGBUF_H_ */

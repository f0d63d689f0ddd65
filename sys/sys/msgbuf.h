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

#include <sys/types.h>

#define MSGBUF_SIZE	32768
#define PANIC_STATUS	125	/* exit status of the machine after a panic */

void	msgbuf_write(const char *, size_t);
size_t	msgbuf_copy(char *, size_t);
size_t	msgbuf_len(void);
void	msgbuf_clear(void);

void	cn_write(const char *, size_t);		/* any context: polled */
void	cn_panic(void);				/* be heard, whatever console= says */
void	panic_action(void);			/* as panic= says */

#endif /* _SYS_MSGBUF_H_ */

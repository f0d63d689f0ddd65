/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_CMDLINE_H_
#define _SYS_CMDLINE_H_

/*
 * The kernel's command line: words separated by blanks; "-- " ends them and
 * begins a command for init.
 *
 * cmdline_init: once, early; keeps a copy of at most CMDLINE_MAX bytes.
 * cmdline_get: the value of "name=value", the nth time it occurs (from 0),
 *	or NULL; marks the word as known.  "" for a word without value.
 * cmdline_command: what follows "-- ", or NULL.
 * cmdline_bad: the value of a known word is malformed: says so once.
 * cmdline_report: one line for each word that nobody asked for.
 */

#include <sys/types.h>

#define CMDLINE_MAX	4096

void		 cmdline_init(const char *, size_t);
const char	*cmdline_get(const char *, u_int);
const char	*cmdline_command(void);
int		 cmdline_text(char *, size_t);	/* all, as snprintf() */
bool		 cmdline_disabled(const char *);	/* disable=NAME */
void		 cmdline_bad(const char *, const char *);
void		 cmdline_report(void);

#endif /* _SYS_CMDLINE_H_ */

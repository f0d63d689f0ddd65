/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_PROCFS_H_
#define _SYS_PROCFS_H_

/*
 * Files below /proc whose text others write.  ptext_printf: thread context;
 * the text grows until memory is short, then it is cut there.
 */

#include <sys/types.h>

struct ptext;
void	ptext_printf(struct ptext *, const char *, ...) __printflike(2, 3);

struct proc_netfile {
	const char	*nf_name;
	void		(*nf_text)(struct ptext *);
};
extern const struct proc_netfile proc_netfiles[];	/* net/net_proc.c */
extern const u_int proc_nnetfiles;

#endif /* _SYS_PROCFS_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _COMPAT_LINUX_LINUX_SIGNAL_H_
#define _COMPAT_LINUX_LINUX_SIGNAL_H_

/*
 * What is in the frame of a signal on every machine, for md_sendsig().
 */

#include <sys/proc.h>
#include <sys/systm.h>

struct linux_siginfo {
	int		si_signo, si_errno, si_code, si_pad;
	union {
		struct { int pid; uint32_t uid; int status; } kill;
		uint64_t addr;
		char room[112];
	} si;
};
_Static_assert(sizeof(struct linux_siginfo) == 128, "siginfo");

/* stack_t, as in a ucontext */
struct linux_stack {
	uint64_t	ss_sp;
	int		ss_flags, ss_pad;
	uint64_t	ss_size;
};
#define SS_ONSTACK	1
#define SS_DISABLE	2

static inline bool
linux_on_altstack(const struct proc *p, u_long sp)
{
	return (p->p_altsize != 0 && sp > p->p_altstack &&
	    sp - p->p_altstack <= p->p_altsize);
}

/* where the frame's end may be, given where the stack is */
static inline u_long
linux_signal_stack(const struct proc *p, const struct sigaction *sa,
    u_long sp, u_long redzone)
{
	if ((sa->sa_flags & SA_ONSTACK) && p->p_altsize != 0 &&
	    !linux_on_altstack(p, sp))
		return (p->p_altstack + p->p_altsize);
	return (sp - redzone);
}

static inline void
linux_stack_set(struct linux_stack *ss, const struct proc *p, u_long sp)
{
	ss->ss_sp = p->p_altstack;
	ss->ss_size = p->p_altsize;
	ss->ss_flags = p->p_altsize == 0 ? SS_DISABLE :
	    linux_on_altstack(p, sp) ? SS_ONSTACK : 0;
}

static inline void
linux_siginfo_set(struct linux_siginfo *si, int sig,
    const struct ksiginfo *ksi)
{
	si->si_signo = sig;
	si->si_code = ksi->ksi_code;
	if (ksi->ksi_pid != 0) {
		si->si.kill.pid = ksi->ksi_pid;
		si->si.kill.status = ksi->ksi_value;
	} else
		si->si.addr = ksi->ksi_value;
}

#endif /* _COMPAT_LINUX_LINUX_SIGNAL_H_ */

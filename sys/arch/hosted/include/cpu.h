/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_CPU_H_
#define _MACHINE_CPU_H_

#include <sys/types.h>

struct thread;

struct trapframe {
	uint64_t	tf_sp;
};

struct cpu_info {
	struct thread	*ci_curthread;
	struct thread	*ci_idle;
	u_int		 ci_ipl;
	u_int		 ci_softpending;
	bool		 ci_resched;
	u_int		 ci_number;
};
extern struct cpu_info	hosted_cpu;

static inline struct cpu_info *
curcpu(void)
{
	return (&hosted_cpu);
}
#define curthread	(curcpu()->ci_curthread)

#define CPU_BUSY_CYCLE()	((void)0)

struct md_context {
	void		*mc_host;	/* struct host_context */
};

#endif /* _MACHINE_CPU_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_INTR_H_
#define _SYS_INTR_H_

/* Interrupts.  A bus makes the handle, this uses it. */

#include <sys/types.h>

enum ipl { IPL_NONE, IPL_SOFT, IPL_BIO, IPL_NET, IPL_TTY, IPL_CLOCK, IPL_HIGH };

struct cpu_info;
struct intr_handle;

typedef int	(*intr_fn)(void *);		/* nonzero: it was ours */

/*
 * What a controller does.  io_establish: thread context; NULL if there is no
 * memory or vector; an object that begins with struct intr_established.
 */
struct intr_ops {
	void	*(*io_establish)(const struct intr_handle *, enum ipl,
		    struct cpu_info *, intr_fn, void *, const char *);
	void	 (*io_disestablish)(void *);
	void	 (*io_barrier)(void *);
};

struct intr_established {
	const struct intr_ops	*ie_ops;
};

struct intr_handle {				/* filled in by a bus */
	const struct intr_ops	*ih_ops;	/* PIC, MSI domain, simulator */
	uint64_t		 ih_cookie[2];
};

/*
 * The level is that of the mutexes the handler takes.  Handlers run with
 * interrupts off.  NULL is allowed for the cookie of the others.
 */
void	*intr_establish(const struct intr_handle *, enum ipl,
	    struct cpu_info *, intr_fn, void *, const char *);
void	 intr_disestablish(void *);		/* waits like intr_barrier() */
void	 intr_barrier(void *);			/* no handler runs on return */

void	*softintr_establish(enum ipl, void (*)(void *), void *);
void	 softintr_schedule(void *);
void	 softintr_disestablish(void *);
void	 softintr_run(void);			/* for the machine */

#endif /* _SYS_INTR_H_ */

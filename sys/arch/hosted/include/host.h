/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_HOST_H_
#define _MACHINE_HOST_H_

/*
 * Between the kernel's side, which is compiled with the kernel's headers, and
 * the host's, which is compiled with those of the C library.
 */

#include <stddef.h>
#include <stdint.h>

struct host_context;

/* host.c */
void	*host_alloc(size_t);			/* zeroed; NULL */
void	 host_free(void *);
void	*host_pages(size_t);			/* with a guard page behind */
void	 host_pages_free(void *, size_t);
void	 host_write(const char *, size_t);	/* console */
int	 host_snprintf(char *, size_t, const char *, ...);
void	 host_complain(const char *);
void	 host_fail(const char *) __attribute__((__noreturn__));
void	 host_panic(void) __attribute__((__noreturn__));
struct host_context *host_context_new(void *, size_t, void (*)(void *),
	    void *);
struct host_context *host_context_self(void);
void	 host_context_free(struct host_context *);
void	 host_context_switch(struct host_context *, struct host_context *);

/* md.c: for tests */
extern uint64_t	hosted_now;			/* the clock, ns */
void	 hosted_init(void);			/* once before each test */
int	 hosted_fini(void);			/* what was left behind */
/* run threads and due timeouts until nothing is left, or time is over */
void	 hosted_run(uint64_t);
/* the n-th call from now on that can fail does; 0: none */
extern unsigned hosted_fail_at;
int	 hosted_may_fail(void);			/* 1: this one must fail */
extern unsigned hosted_nallocs;			/* pieces not freed */
/* what md_map() gives out; NULL: the address itself */
/* md_smbios(); NULL: there is nothing to search */
extern int	(*hosted_smbios)(uint64_t *, size_t *);
extern void	*(*hosted_map)(uint64_t, size_t);
extern void	(*hosted_unmap)(void *, size_t);
/* the device acts while nothing can run; true: it did something */
extern int	(*hosted_device)(void);
/* and, in one of the builds, between any two accesses to shared memory */
extern void	(*hosted_step_fn)(void);
/* interrupts: raised by the simulator, delivered when the level allows */
struct hosted_irq;
void	 hosted_irq_raise(unsigned);
void	 hosted_irq_line(unsigned, int);	/* level of a line */
/* what was printed since hosted_init() */
const char *hosted_console(void);

#endif /* _MACHINE_HOST_H_ */

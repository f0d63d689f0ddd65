/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The host's side: memory, contexts, output.
 */

#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "../include/host.h"

#ifdef __has_feature			/* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__	1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define FIBERS	1
#else
#define FIBERS	0
#endif

struct host_context {
	ucontext_t	 hc_uc;
	void		(*hc_fn)(void *);
	void		*hc_arg;
	void		*hc_stack;	/* for the sanitizer */
	size_t		 hc_size;
	void		*hc_fake;
};

static struct host_context *host_from;	/* who switched last */

void *
host_alloc(size_t size)
{
	return (calloc(1, size));
}

void
host_free(void *p)
{
	free(p);
}

void *
host_pages(size_t size)
{
	long page = sysconf(_SC_PAGESIZE);
	char *p;

	p = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return (NULL);
	mprotect(p + size, page, PROT_NONE);
	return (p);
}

void
host_pages_free(void *p, size_t size)
{
	munmap(p, size + sysconf(_SC_PAGESIZE));
}

void
host_write(const char *s, size_t n)
{
	if (getenv("HOSTED_VERBOSE") != NULL)
		fwrite(s, 1, n, stderr);
}

/* The C library's, for comparison. */
int
host_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return (n);
}

void
host_complain(const char *why)
{
	fprintf(stderr, "hosted: %s\n", why);
}

void
host_fail(const char *why)
{
	fprintf(stderr, "hosted: %s\n", why);
	abort();
}

void
host_panic(void)
{
	fprintf(stderr, "%s", hosted_console());
	abort();
}

/* --- contexts ------------------------------------------------------------------ */

static void
context_entered(struct host_context *hc)
{
#if FIBERS
	const void *stack;
	size_t size;

	__sanitizer_finish_switch_fiber(hc->hc_fake, &stack, &size);
	if (host_from->hc_stack == NULL) {
		/* the program's own stack, which we did not make */
		host_from->hc_stack = (void *)(uintptr_t)stack;
		host_from->hc_size = size;
	}
#else
	(void)hc;
#endif
}

static void
context_main(unsigned hi, unsigned lo)
{
	struct host_context *hc =
	    (struct host_context *)((uintptr_t)hi << 32 | lo);

	context_entered(hc);
	hc->hc_fn(hc->hc_arg);
	host_fail("a context returned");
}

struct host_context *
host_context_new(void *stack, size_t size, void (*fn)(void *), void *arg)
{
	struct host_context *hc = calloc(1, sizeof(*hc));
	uintptr_t p = (uintptr_t)hc;

	if (hc == NULL)
		host_fail("no memory");
	getcontext(&hc->hc_uc);
	hc->hc_uc.uc_stack.ss_sp = stack;
	hc->hc_uc.uc_stack.ss_size = size;
	hc->hc_fn = fn;
	hc->hc_arg = arg;
	hc->hc_stack = stack;
	hc->hc_size = size;
	makecontext(&hc->hc_uc, (void (*)(void))context_main, 2,
	    (unsigned)(p >> 32), (unsigned)p);
	return (hc);
}

struct host_context *
host_context_self(void)
{
	struct host_context *hc = calloc(1, sizeof(*hc));

	if (hc == NULL)
		host_fail("no memory");
	return (hc);
}

void
host_context_free(struct host_context *hc)
{
	free(hc);
}

void
host_context_switch(struct host_context *from, struct host_context *to)
{
	host_from = from;
#if FIBERS
	__sanitizer_start_switch_fiber(&from->hc_fake, to->hc_stack,
	    to->hc_size);
#endif
	swapcontext(&from->hc_uc, &to->hc_uc);
	context_entered(from);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _FUZZ_H_
#define _FUZZ_H_

/* What every fuzzed parser includes first. */

#include <sys/systm.h>

#include <machine/host.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A fresh console each time; false at the first. */
static inline bool
fuzz_again(void)
{
	static bool again;
	bool was = again;

	again = true;
	hosted_init();
	return (was);
}

static inline void
fuzz_check(bool ok, const char *what)
{
	if (!ok)
		host_fail(what);
}

#endif /* _FUZZ_H_ */

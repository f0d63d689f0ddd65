/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Time by a counter of a fixed rate, where a machine has one from the start:
 * md_counter() of <machine/machdep.h> reads it.
 */

#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

static uint64_t	base;
static uint64_t	mult;			/* ns = ticks * mult >> 32 */
static uint64_t	per_nsec;		/* ticks = ns * per_nsec >> 32 */

static inline uint64_t
scale(uint64_t v, uint64_t m)
{
	return ((unsigned __int128)v * m >> 32);
}

void
counter_start(uint64_t hz)
{
	mult = (NSEC_PER_SEC << 32) / hz;
	per_nsec = (hz / NSEC_PER_SEC << 32) +
	    (hz % NSEC_PER_SEC << 32) / NSEC_PER_SEC;
	base = md_counter();
}

uint64_t
md_nsec(void)
{
	return (scale(md_counter() - base, mult));
}

uint64_t
nsecuptime(void)
{
	return (md_nsec());
}

void
delay(u_int usec)
{
	uint64_t end = md_nsec() + (uint64_t)usec * 1000;

	while (md_nsec() < end)
		CPU_BUSY_CYCLE();
}

uint64_t
counter_at(uint64_t when)
{
	uint64_t now = md_counter(), ns = scale(now - base, mult);

	return (when > ns ? now + scale(when - ns, per_nsec) + 1 : now);
}

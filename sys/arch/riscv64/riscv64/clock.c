/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Time: the counter that rdtime reads is the clock.  The alarm is stimecmp
 * where the processor has it (Sstc: CSR 0x14d), else the firmware's.
 */

#include <sys/md.h>
#include <sys/systm.h>

#include <dev/fdt/fdt.h>
#include <dev/fdt/fdtvar.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

#define SIE_TIMER	(1UL << INTR_TIMER)
#define HZ_ASSUMED	10000000

static uint64_t	base, hz;
static uint64_t	mult;			/* ns = ticks * mult >> 32 */
static uint64_t	per_nsec;		/* ticks = ns * per_nsec >> 32 */
static bool	has_stimecmp;

static inline uint64_t
scale(uint64_t v, uint64_t m)
{
	return ((unsigned __int128)v * m >> 32);
}

static inline uint64_t
counter(void)
{
	return (READ_CSR(time));
}

/* "timebase-frequency": of all processors, or of ours. */
static uint64_t
timebase(void)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t cpus = fdt_find(f, "/cpus");
	uint64_t v;

	if ((cpus != FDT_NONE &&
	    fdt_number(f, cpus, "timebase-frequency", &v)) ||
	    (isa_node() != FDT_NONE &&
	    fdt_number(f, isa_node(), "timebase-frequency", &v)))
		return (v);
	return (0);
}

void
clock_early_init(void)
{
	hz = timebase();
	if (hz < 10000 || hz > UINT32_MAX)
		hz = HZ_ASSUMED;
	mult = (NSEC_PER_SEC << 32) / hz;
	per_nsec = (hz << 32) / NSEC_PER_SEC;
	has_stimecmp = isa_has("sstc");
	base = counter();
}

uint64_t
md_nsec(void)
{
	return (scale(counter() - base, mult));
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

/*
 * By the distance from now, since the factor is not exact; one tick more than
 * what divides, so as not to be early.
 */
void
md_timer_set(uint64_t when)
{
	uint64_t now = counter(), ns = scale(now - base, mult);

	if (when == 0) {
		CLEAR_CSR(sie, SIE_TIMER);
		return;
	}
	if (when > ns)
		now += scale(when - ns, per_nsec) + 1;
	if (has_stimecmp)
		WRITE_CSR(0x14d, now);
	else
		sbi_timer_set(now);
	SET_CSR(sie, SIE_TIMER);
}

/* It stays pending until it is set anew. */
void
clock_alarm(void)
{
	CLEAR_CSR(sie, SIE_TIMER);
	clock_intr();
}

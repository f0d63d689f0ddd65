/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Time: the counter that rdtime reads is the clock.  The alarm is stimecmp
 * where the processor has it (Sstc: CSR 0x14d), else the firmware's.
 */

#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <dev/fdt/fdt.h>
#include <dev/fdt/fdtvar.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

#define SIE_TIMER	(1UL << INTR_TIMER)
#define HZ_ASSUMED	10000000

static bool	has_stimecmp;

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
	uint64_t hz = timebase();

	if (hz < 10000 || hz > UINT32_MAX)
		hz = HZ_ASSUMED;
	has_stimecmp = isa_has("sstc");
	counter_start(hz);
}

void
md_timer_set(uint64_t when)
{
	if (when == 0) {
		CLEAR_CSR(sie, SIE_TIMER);
		return;
	}
	if (has_stimecmp)
		WRITE_CSR(0x14d, counter_at(when));
	else
		sbi_timer_set(counter_at(when));
	SET_CSR(sie, SIE_TIMER);
}

/* It stays pending until it is set anew. */
void
clock_alarm(void)
{
	CLEAR_CSR(sie, SIE_TIMER);
	clock_intr();
}

const char *
md_clock_name(void)
{
	return ("time");
}

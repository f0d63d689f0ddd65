/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* How fast the processor counts, and what time it is when the shim starts. */

#include "shim.h"

#define PIT_HZ		1193182
#define PIT_CHANNEL2	0x42
#define PIT_CONTROL	0x43
#define PIT_ONESHOT	0xb0		/* channel 2, both bytes, mode 0 */
#define PIT_LATCH	0x80
#define PPI		0x61
#define PPI_GATE	0x01
#define PPI_SPEAKER	0x02

#define CMOS_INDEX	0x70
#define CMOS_DATA	0x71
#define CMOS_UPDATING	0x80		/* register 10 */
#define CMOS_BINARY	0x04		/* register 11 */

#define APIC_HZ		1000000000	/* QEMU's */

struct sample {
	uint64_t tsc;
	uint32_t pit;		/* ticks gone by */
	uint64_t width;		/* how long the look at it took */
};

static void
look(struct sample *s)
{
	uint64_t before, after;
	uint32_t count;

	before = rdtsc();
	outb(PIT_CONTROL, PIT_LATCH);
	after = rdtsc();
	count = inb(PIT_CHANNEL2);
	count |= (uint32_t)inb(PIT_CHANNEL2) << 8;
	s->pit = 0xffff - count;
	s->tsc = before + (after - before) / 2;
	s->width = after - before;
}

/* The quickest of some looks: what came between is not in it. */
static void
look_well(struct sample *best)
{
	struct sample s;
	int i;

	look(best);
	for (i = 0; i < 16; i++) {
		look(&s);
		if (s.width < best->width)
			*best = s;
	}
}

static uint64_t
measure_once(void)
{
	struct sample first, last;
	uint8_t ppi = inb(PPI);
	unsigned int tries = 0;
	uint64_t hz;

	outb(PPI, (ppi & ~PPI_SPEAKER) | PPI_GATE);
	outb(PIT_CONTROL, PIT_ONESHOT);
	outb(PIT_CHANNEL2, 0xff);
	outb(PIT_CHANNEL2, 0xff);
	look_well(&first);
	do {
		look(&last);
		if (++tries == 1000000)
			die("the PIT stands still");
	} while (last.pit < first.pit + PIT_HZ / 40);
	look_well(&last);
	outb(PPI, ppi);
	hz = (last.tsc - first.tsc) * PIT_HZ / (last.pit - first.pit);
	/* as exact as the guest is told it */
	return (hz / 1000 * 1000);
}

/* A host that holds us up for a turn of the counter hardly does so twice. */
static uint64_t
measure(void)
{
	uint64_t hz = measure_once(), last;
	unsigned int tries = 0;

	do {
		last = hz;
		hz = measure_once();
	} while ((hz > last ? hz - last : last - hz) > hz / 256 &&
	    ++tries < 16);
	return (hz);
}

static unsigned int
cmos(unsigned int reg)
{
	outb(CMOS_INDEX, reg);
	return (inb(CMOS_DATA));
}

static unsigned int
cmos_number(unsigned int reg, bool binary)
{
	unsigned int v = cmos(reg);

	return (binary ? v : (v >> 4) * 10 + (v & 15));
}

/* Days since 1970, of a date of the Gregorian calendar. */
static uint64_t
days(unsigned int y, unsigned int m, unsigned int d)
{
	/* a year that begins with March has its leap day last */
	y -= m <= 2;
	m = (m + 9) % 12;
	return (365ULL * y + y / 4 - y / 100 + y / 400 +
	    (153 * m + 2) / 5 + d - 1 - 719468);
}

static uint64_t
cmos_time(void)
{
	unsigned int s, m, h, day, month, year, i;
	bool binary;

	for (i = 0; i < 10000 && (cmos(10) & CMOS_UPDATING); i++)
		;
	binary = cmos(11) & CMOS_BINARY;
	s = cmos_number(0, binary);
	m = cmos_number(2, binary);
	h = cmos_number(4, binary);
	day = cmos_number(7, binary);
	month = cmos_number(8, binary);
	year = 2000 + cmos_number(9, binary);
	return (((days(year, month, day) * 24 + h) * 60 + m) * 60 + s);
}

uint64_t
hv_tsc(void)
{
	return (rdtsc());
}

void
clock_init(void)
{
	hv_clock.hz = measure();
	hv_clock.apic_hz = APIC_HZ;
	hv_clock.base = rdtsc();
	if (hv_clock.epoch == 0)
		hv_clock.epoch = cmos_time() * HV_NSEC;
}

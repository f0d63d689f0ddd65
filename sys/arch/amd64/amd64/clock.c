/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Time: the TSC as the clock, by itself or as a hypervisor explains it; the
 * local APIC's timer as the alarm.
 *
 * The TSC's rate comes from the hypervisor or the processor where one tells,
 * else it is measured against the ACPI timer, or the PIT, for a millisecond at
 * a time, until two measurements agree.
 */

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/todr.h>

#include <dev/acpi/acpivar.h>
#include <dev/pv/pvvar.h>
#include <machine/apic.h>
#include <machine/clocksource.h>
#include <machine/cpu.h>
#include <machine/trap.h>

#define PM_TIMER_HZ	3579545U
#define PIT_HZ		1193182U
#define CPUID1_ECX_DEADLINE (1U << 24)
#define CPUID1_ECX_HYPERVISOR (1U << 31)
#define LVT_DEADLINE	0x40000

static uint64_t	tsc_base;		/* at boot */
static uint64_t	tsc_hz, lapic_hz;
/* ns = ticks * mult >> 32; ticks of the timer = ns * mult >> 32 */
static uint64_t	tsc_mult, lapic_mult;
static bool	tsc_deadline;
static uint64_t	tsc_per_nsec;		/* << 32 */

static inline uint64_t
scale(uint64_t v, uint64_t mult)
{
	return ((unsigned __int128)v * mult >> 32);
}

/* (a << 32) / b, where a fits but not when shifted */
static uint64_t
per_nsec(uint64_t a, uint64_t b)
{
	return ((a / b << 32) + (a % b << 32) / b);
}

/* --- what time it is ---------------------------------------------------------------- */

#define CLOCK_JITTER	MSEC_TO_NSEC(1)
#define CLOCK_STEPS	16		/* backwards, that are put up with */
#define CLOCK_CALM	SEC_TO_NSEC(60)	/* with so long between them, more */
#define CLOCK_STILL	10000		/* readings, that it may stand still */
#define CLOCK_SLOW	3		/* alarms, by which it may lag */

static bool
tsc_read(uint64_t *ns)
{
	*ns = scale(rdtsc() - tsc_base, tsc_mult);
	return (true);
}

static int	tsc_init(uint64_t *);

static const struct clocksource tsc_source = {
	.cs_name = "tsc",
	.cs_init = tsc_init,
	.cs_read = tsc_read,
};

static const struct clocksource *const sources[] = {
	&pvclock_source, &hvclock_source, &tsc_source
};
static const struct clocksource *volatile source = &tsc_source;
static volatile uint64_t clock_offset;	/* from the source's time to ours */
static volatile u_int clock_gen;	/* those two have changed */
static volatile uint64_t clock_last;	/* the latest time given out */
static uint64_t	clock_boot_hz = NSEC_PER_SEC; /* until it is known */
static const char *clock_failed;	/* that it was: to be told */

/*
 * The counter goes on from where the source was last, at the rate that was
 * known at boot.  Interrupts are off.  Who asks for the time may hold any
 * mutex, so nothing is said here.
 */
static void
clock_fail(void)
{
	if (source == &tsc_source)
		return;
	clock_failed = source->cs_name;
	source->cs_stop();
	clock_rate(clock_boot_hz);
	tsc_mult = per_nsec(NSEC_PER_SEC, clock_boot_hz);
	tsc_base = rdtsc();
	source = &tsc_source;
	clock_offset = clock_last;
	clock_gen++;
}

/*
 * A time that is not later than the last one.  By a little it is one that was
 * read on another processor; by more the machine was set back, and time goes
 * on from here.  Interrupts are off.
 */
static void
clock_back(uint64_t ns)
{
	static uint64_t at, stepped;
	static u_int still, steps;

	if (at != clock_last) {
		at = clock_last;
		still = 0;
	}
	if (clock_last - ns > CLOCK_JITTER) {
		steps = clock_last - stepped < CLOCK_CALM ? steps + 1 : 1;
		stepped = clock_last;
		clock_offset += clock_last - ns;
		clock_gen++;
		time_suspect();
	}
	if (++still > CLOCK_STILL || steps > CLOCK_STEPS)
		clock_fail();
}

/* The source has failed, or said no later time than the last one. */
static uint64_t
clock_doubt(bool ok, uint64_t ns, uint64_t last)
{
	const bool on = intr_enabled();

	intr_off();
	/* who was interrupted while reading is late, but the clock is right */
	if (clock_last == last) {
		if (ok)
			clock_back(ns);
		else
			clock_fail();
	}
	last = clock_last;
	if (on)
		intr_on();
	return (last);
}

uint64_t
md_nsec(void)
{
	uint64_t ns, last;
	u_int gen;
	bool ok;

	do {
		gen = clock_gen;
		last = clock_last;
		ok = source->cs_read(&ns);
		ns += clock_offset;
	} while (gen != clock_gen);
	if (!ok || (int64_t)(ns - last) <= 0)
		return (clock_doubt(ok, ns, last));
	/* an interrupt may have come meanwhile, and asked too */
	if ((int64_t)(ns - clock_last) < 0)
		return (clock_last);
	clock_last = ns;
	return (ns);
}

static uint64_t	alarm_set, alarm_len;	/* when, and for how long */

/*
 * The alarm goes by the counter: a clock on which less than half of the time
 * has passed, again and again, stands still.
 */
static void
clock_check(void)
{
	static u_int slow;

	if (alarm_len == 0 || md_nsec() - alarm_set >= alarm_len / 2)
		slow = 0;
	else if (++slow > CLOCK_SLOW)
		clock_fail();
	alarm_len = 0;
}

void
clock_alarm(void)
{
	clock_check();
	if (clock_failed != NULL)
		printf("clock: %s makes no sense, %s is used\n",
		    clock_failed, source->cs_name);
	clock_failed = NULL;
	clock_intr();
}

const char *
md_clock_name(void)
{
	return (source->cs_name);
}

const char *
md_clock_about(void)
{
	const struct clocksource *cs = source;

	return (cs->cs_about != NULL ? cs->cs_about() : cs->cs_name);
}

int
md_clock_wall(void *arg __unused, uint64_t *ns)
{
	const struct clocksource *cs = source;

	return (cs->cs_wall != NULL ? cs->cs_wall(ns) : ENXIO);
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

/* --- rates ------------------------------------------------------------------------ */

/* Xen: the third leaf above its signature, kHz in ECX. */
static uint64_t
tsc_hz_xen(void)
{
	const struct pvbus_hv *hv = pvbus_hv_byname("Xen");

	return (hv == NULL || hv->hv_evidence->pe_kind != PVE_CPUID ? 0 :
	    (uint64_t)hv->hv_evidence->pe_regs3[2] * 1000);
}

static uint64_t
tsc_hz_cpuid(void)
{
	uint32_t r[4], base;
	uint64_t hz;

	if ((hz = tsc_hz_xen()) != 0)
		return (hz);
	if (cpu_feature_ecx & CPUID1_ECX_HYPERVISOR) {
		/* leaf 0x10 above a hypervisor's base: kHz in EAX */
		for (base = 0x40000000; base < 0x40000200; base += 0x100) {
			cpuid(base, 0, r);
			if (r[0] < base + 0x10 || r[0] > base + 0xff)
				continue;
			cpuid(base + 0x10, 0, r);
			if (r[0] != 0)
				return ((uint64_t)r[0] * 1000);
		}
	}
	cpuid(0, 0, r);
	if (r[0] < 0x15)
		return (0);
	cpuid(0x15, 0, r);		/* crystal Hz * EBX / EAX */
	if (r[0] == 0 || r[1] == 0 || r[2] == 0)
		return (0);
	return ((uint64_t)r[2] * r[1] / r[0]);
}

/* A counter that runs at a known rate: its value, and the bits it has. */
static uint32_t
ref_pmtimer(void)
{
	return (inl(acpi_sc.sc_fadt.fa_pm_tmr) & 0xffffff);
}

static uint32_t
ref_pit(void)
{
	uint8_t lo;

	outb(0x43, 0x00);		/* latch counter 0 */
	lo = inb(0x40);
	return (-(lo | (uint32_t)inb(0x40) << 8) & 0xffff);
}

/* The TSC itself, if its rate is known: no machine is too bare for that. */
#define TSC_SHIFT	4

static uint32_t
ref_tsc(void)
{
	return (rdtsc() >> TSC_SHIFT);
}

/*
 * Measure the TSC and the local APIC's timer for about a millisecond of a
 * reference.  false: it stands still.
 */
static bool
measure(uint32_t (*ref)(void), uint32_t hz, uint32_t mask)
{
	uint32_t start, now, last, lapic0, idle = 0;
	uint64_t tsc0, tsc1, ticks = 0;

	lapic_write(LAPIC_DCR_TIMER, 0xb);		/* by 1 */
	lapic_write(LAPIC_LVT_TIMER, 0x10000 | V_TIMER);	/* masked */
	lapic_write(LAPIC_ICR_TIMER, UINT32_MAX);

	/* begin at an edge */
	last = ref();
	while ((start = ref()) == last) {
		if (++idle > 100000)
			return (false);
	}
	lapic0 = lapic_read(LAPIC_CCR_TIMER);
	tsc0 = rdtsc();
	last = start;
	do {
		now = ref();
		ticks += (now - last) & mask;
		last = now;
	} while (ticks < hz / 1000);
	tsc1 = rdtsc();
	lapic_hz = (uint64_t)(lapic0 - lapic_read(LAPIC_CCR_TIMER)) * hz /
	    ticks;
	lapic_write(LAPIC_ICR_TIMER, 0);
	if (tsc_hz == 0)
		tsc_hz = (tsc1 - tsc0) * hz / ticks;
	return (tsc_hz != 0 && lapic_hz != 0);
}

static bool
near(uint64_t a, uint64_t b)
{
	return ((a > b ? a - b : b - a) < a / 256);
}

/*
 * A busy host may hold us up between the two clocks of one measurement, but
 * hardly for the same time in two.
 */
#define MEASURE_TRIES	8

static bool
measure_agreed(uint32_t (*ref)(void), uint32_t hz, uint32_t mask)
{
	uint64_t known = tsc_hz, tsc = 0, lapic = 0;
	u_int i;

	for (i = 0; i < MEASURE_TRIES; i++) {
		tsc_hz = known;
		if (!measure(ref, hz, mask))
			return (false);
		if (i > 0 && near(tsc_hz, tsc) && near(lapic_hz, lapic))
			break;
		tsc = tsc_hz;
		lapic = lapic_hz;
	}
	return (true);
}

static void
measure_rates(void)
{
	if (tsc_hz != 0 && measure_agreed(ref_tsc, tsc_hz >> TSC_SHIFT,
	    UINT32_MAX))
		return;
	if (acpi_sc.sc_hasfadt && acpi_sc.sc_fadt.fa_pm_tmr != 0 &&
	    measure_agreed(ref_pmtimer, PM_TIMER_HZ, 0xffffff))
		return;
	outb(0x43, 0x34);		/* counter 0, rate generator */
	outb(0x40, 0);
	outb(0x40, 0);
	if (measure_agreed(ref_pit, PIT_HZ, 0xffff))
		return;
	printf("clock: nothing to measure by, 1 GHz assumed\n");
	tsc_hz = lapic_hz = 1000000000;
}

/* 0: to be measured */
static int
tsc_init(uint64_t *hz)
{
	*hz = tsc_hz_cpuid();
	return (0);
}

/* The alarm goes by the counter whatever the clock goes by. */
void
clock_rate(uint64_t hz)
{
	tsc_hz = hz;
	tsc_per_nsec = per_nsec(tsc_hz, NSEC_PER_SEC);
}

/* The word of the command line, if it is the name of one; NULL: any. */
static const char *
clock_word(void)
{
	const char *v = cmdline_get("clock", 0);
	u_int i;

	if (v == NULL)
		return (NULL);
	for (i = 0; i < nitems(sources); i++) {
		if (strcmp(v, sources[i]->cs_name) == 0)
			return (v);
	}
	cmdline_bad("clock", v);
	return (NULL);
}

static bool
clock_try(const struct clocksource *cs)
{
	uint64_t ns, now;
	int error;

	if ((error = cs->cs_init(&tsc_hz)) == 0 && cs->cs_read(&ns)) {
		now = md_nsec();
		source = cs;
		clock_offset = cs != &tsc_source ? now - ns : 0;
		return (true);
	}
	if (error != ENXIO) {
		cs->cs_stop();
		clock_failed = cs->cs_name;
	}
	return (false);
}

/* The one that is wanted, if it is there, or the first that is. */
static void
clock_choose(void)
{
	const char *want = clock_word();
	u_int i;

	pvbus_identify();
	for (i = 0; i < nitems(sources); i++) {
		if (want != NULL && strcmp(want, sources[i]->cs_name) == 0 &&
		    clock_try(sources[i]))
			return;
	}
	if (want != NULL)
		printf("clock: there is no %s\n", want);
	for (i = 0; i < nitems(sources) && !clock_try(sources[i]); i++)
		continue;
}

void
clock_init(void)
{
	clock_choose();
	tsc_deadline = (cpu_feature_ecx & CPUID1_ECX_DEADLINE) != 0;
	if (tsc_hz == 0 || !tsc_deadline)
		measure_rates();
	tsc_mult = per_nsec(NSEC_PER_SEC, tsc_hz);
	clock_boot_hz = tsc_hz;
	clock_rate(tsc_hz);
	lapic_mult = per_nsec(lapic_hz, NSEC_PER_SEC);
	lapic_write(LAPIC_LVT_TIMER, V_TIMER |
	    (tsc_deadline ? LVT_DEADLINE : 0));
	/* the mode before the first deadline, as SDM 11.5.4.1 wants it */
	__asm volatile("mfence" ::: "memory");
}

/* Called once, as early as possible: what md_nsec() counts from. */
void
clock_early_init(void)
{
	tsc_base = rdtsc();
	tsc_mult = 1ULL << 32;		/* 1 GHz until we know */
}

uint64_t
clock_tsc_hz(void)
{
	return (tsc_hz);
}

/* --- alarm --------------------------------------------------------------------------- */

void
md_timer_set(uint64_t when)
{
	uint64_t now, ticks;

	if (when == 0) {
		if (tsc_deadline)
			wrmsr(MSR_TSC_DEADLINE, 0);
		else
			lapic_write(LAPIC_ICR_TIMER, 0);
		return;
	}
	/* far away: it interrupts early, finds nothing and is set again */
	alarm_set = now = md_nsec();
	alarm_len = when <= now ? 0 : MIN(when - now, SEC_TO_NSEC(3600));
	if (tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + scale(alarm_len,
		    tsc_per_nsec));
		return;
	}
	ticks = scale(alarm_len, lapic_mult);
	if (ticks > UINT32_MAX)
		alarm_len = 0;
	lapic_write(LAPIC_ICR_TIMER, MIN(MAX(ticks, 1), UINT32_MAX));
}

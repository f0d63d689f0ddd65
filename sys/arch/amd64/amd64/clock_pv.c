/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The clocks of hypervisors, by their registers.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/todr.h>

#include <dev/pv/pvclockvar.h>
#include <dev/pv/pvvar.h>
#include <machine/clocksource.h>
#include <machine/cpu.h>

static uint64_t
ticks(void)
{
	return (rdtsc());
}

/* --- KVM, and vmm(4) --------------------------------------------------------------- */

#define KVM_FEATURE_CLOCK	0x01	/* with the old registers */
#define KVM_FEATURE_CLOCK2	0x08
#define KVM_FEATURE_STABLE	0x1000000 /* the page may say so */
#define MSR_KVM_WALL		0x11
#define MSR_KVM_CLOCK		0x12
#define MSR_KVM_WALL2		0x4b564d00
#define MSR_KVM_CLOCK2		0x4b564d01
#define MSR_KVM_CLOCK_ON	0x01

/* neither crosses a page, as the hypervisor maps them */
static volatile struct pvclock_page pv_page __aligned(64);
static volatile struct pvclock_wall pv_wall __aligned(16);
static uint32_t	pv_version;		/* of the page that was last read */
static uint32_t	pv_msr, pv_wallmsr;
static bool	pv_stable;

static int
pv_init(uint64_t *hz)
{
	const struct pvbus_hv *hv = pvbus_hv_byname("KVM");

	if (hv == NULL)
		hv = pvbus_hv_byname("OpenBSD");
	if (hv == NULL)
		return (ENXIO);
	if (hv->hv_features & KVM_FEATURE_CLOCK2) {
		pv_msr = MSR_KVM_CLOCK2;
		pv_wallmsr = MSR_KVM_WALL2;
	} else if (hv->hv_features & KVM_FEATURE_CLOCK) {
		pv_msr = MSR_KVM_CLOCK;
		pv_wallmsr = MSR_KVM_WALL;
	} else
		return (ENXIO);
	pv_stable = (hv->hv_features & KVM_FEATURE_STABLE) != 0;
	if (!wrmsr_safe(pv_msr, md_kvtop((const void *)(vaddr_t)&pv_page) |
	    MSR_KVM_CLOCK_ON))
		return (EIO);
	pv_version = pv_page.pc_version;
	return ((*hz = pvclock_hz(&pv_page)) != 0 ? 0 : EIO);
}

static void
pv_stop(void)
{
	(void)wrmsr_safe(pv_msr, 0);
}

/* A new version of the page may bring another rate; false: one that cannot be. */
static bool
pv_changed(uint32_t version)
{
	uint64_t hz = pvclock_hz(&pv_page);

	pv_version = version;
	if (hz == 0)
		return (false);
	clock_rate(hz);
	if (pv_page.pc_flags & PVCLOCK_STOPPED) {
		pv_page.pc_flags &= ~PVCLOCK_STOPPED;
		time_suspect();
	}
	return (true);
}

static bool
pv_read(uint64_t *ns)
{
	uint32_t version;

	if (!pvclock_read(&pv_page, ticks, ns, &version))
		return (false);
	return (version == pv_version || pv_changed(version));
}

static const char *
pv_about(void)
{
	return (pv_stable && (pv_page.pc_flags & PVCLOCK_STABLE) ? "stable" :
	    "not stable across processors");
}

/* The hypervisor writes when this clock was 0 on being asked. */
static int
pv_walltime(uint64_t *ns)
{
	uint64_t begin, now;

	if (!wrmsr_safe(pv_wallmsr, md_kvtop((const void *)
	    (vaddr_t)&pv_wall)) || !pv_read(&now) ||
	    (begin = pvclock_wall(&pv_wall)) == 0)
		return (ENXIO);
	*ns = begin + now;
	return (0);
}

const struct clocksource pvclock_source = {
	.cs_name = "pvclock",
	.cs_init = pv_init,
	.cs_stop = pv_stop,
	.cs_read = pv_read,
	.cs_about = pv_about,
	.cs_wall = pv_walltime,
};

/* --- Hyper-V ----------------------------------------------------------------------- */

#define HV_TIME_REF_COUNT	0x002
#define HV_REFERENCE_TSC	0x200
#define HV_FREQUENCIES		(0x800 | 1ULL << (32 + 8))
#define MSR_HV_TIME_REF_COUNT	0x40000020
#define MSR_HV_REFERENCE_TSC	0x40000021
#define MSR_HV_TSC_FREQUENCY	0x40000022
#define MSR_HV_REFERENCE_TSC_ON	0x01

static volatile struct hvclock_page hv_page __aligned(4096);
static bool	hv_counts;		/* there is a register, too */
static uint64_t	hv_scale;		/* of the page that was last read */

static int
hv_init(uint64_t *hz)
{
	const struct pvbus_hv *hv = pvbus_hv_byname("Hyper-V");

	if (hv == NULL || !(hv->hv_features & HV_REFERENCE_TSC))
		return (ENXIO);
	hv_counts = (hv->hv_features & HV_TIME_REF_COUNT) != 0;
	if (!wrmsr_safe(MSR_HV_REFERENCE_TSC, md_kvtop((const void *)
	    (vaddr_t)&hv_page) | MSR_HV_REFERENCE_TSC_ON))
		return (EIO);
	if ((*hz = hvclock_hz(&hv_page)) != 0)
		return (0);
	/* a page that is not valid says: take the register */
	if (!hv_counts)
		return (EIO);
	if ((hv->hv_features & HV_FREQUENCIES) != HV_FREQUENCIES ||
	    !rdmsr_safe(MSR_HV_TSC_FREQUENCY, hz))
		*hz = 0;
	return (0);
}

static void
hv_stop(void)
{
	(void)wrmsr_safe(MSR_HV_REFERENCE_TSC, 0);
}

/* As pv_changed(). */
static bool
hv_changed(void)
{
	uint64_t hz = hvclock_hz(&hv_page);

	if (hz == 0)
		return (false);
	hv_scale = hv_page.hc_scale;
	clock_rate(hz);
	return (true);
}

/* While the page is not valid, as after a move, the register is. */
static bool
hv_read(uint64_t *ns)
{
	if (hvclock_read(&hv_page, ticks, ns) &&
	    (hv_page.hc_scale == hv_scale || hv_changed()))
		return (true);
	if (!hv_counts || !rdmsr_safe(MSR_HV_TIME_REF_COUNT, ns))
		return (false);
	*ns *= HVCLOCK_UNIT;
	return (true);
}

static const char *
hv_about(void)
{
	return (hv_page.hc_sequence != HVCLOCK_INVALID ?
	    "reference TSC page" : "reference counter");
}

const struct clocksource hvclock_source = {
	.cs_name = "hvclock",
	.cs_init = hv_init,
	.cs_stop = hv_stop,
	.cs_read = hv_read,
	.cs_about = hv_about,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * KVM's paravirtual clock: a page in which the hypervisor tells how to make
 * nanoseconds of the TSC, and tells anew when that changes (migration, a
 * pause).  Linux, Documentation/virt/kvm/x86/msr.rst.
 *
 * It is set up with the first clock, before the devices; pvclock0 at pvbus0
 * shows what became of it.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pv/pvvar.h>
#include <machine/apic.h>
#include <machine/cpu.h>
#include <machine/pvclock.h>

#define KVM_FEATURE_CLOCK	0x01	/* with the old register */
#define KVM_FEATURE_CLOCK2	0x08
#define MSR_KVM_CLOCK		0x12
#define MSR_KVM_CLOCK2		0x4b564d01
#define MSR_KVM_CLOCK_ON	0x01
#define CPUID1_ECX_HYPERVISOR	(1U << 31)

struct pvclock_page {
	uint32_t	pc_version;	/* odd: being changed */
	uint32_t	pc_pad0;
	uint64_t	pc_tsc;		/* TSC at pc_time */
	uint64_t	pc_time;	/* ns */
	uint32_t	pc_mul;		/* ns = ticks * mul >> 32 */
	int8_t		pc_shift;	/* of ticks, left, before that */
	uint8_t		pc_flags;
	uint8_t		pc_pad1[2];
};
#define PVCLOCK_STABLE	0x01		/* all processors agree */

/* within one page, as the hypervisor maps it */
static volatile struct pvclock_page page __aligned(64);
bool		pvclock_on;
static uint64_t	pvclock_base;		/* its time when we began */
static uint64_t	pvclock_last;		/* the latest time given out */

static uint64_t
pvclock_read(void)
{
	uint64_t delta, ns;
	uint32_t version;

	do {
		version = page.pc_version & ~1U;
		__asm volatile("" ::: "memory");
		delta = rdtsc() - page.pc_tsc;
		delta = page.pc_shift >= 0 ? delta << page.pc_shift :
		    delta >> -page.pc_shift;
		ns = page.pc_time + ((unsigned __int128)delta * page.pc_mul >>
		    32);
		__asm volatile("" ::: "memory");
	} while (page.pc_version != version);
	return (ns);
}

uint64_t
pvclock_nsec(void)
{
	uint64_t ns = pvclock_read() - pvclock_base, last;

	if (page.pc_flags & PVCLOCK_STABLE)
		return (ns);
	/* processors may disagree by a little: never go back */
	last = __atomic_load_n(&pvclock_last, __ATOMIC_RELAXED);
	do {
		if ((int64_t)(ns - last) <= 0)
			return (last);
	} while (!__atomic_compare_exchange_n(&pvclock_last, &last, ns,
	    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return (ns);
}

/* The register to write the page's address to; 0: not offered. */
static uint32_t
pvclock_msr(void)
{
	uint32_t r[4], base;

	if (!(cpu_feature_ecx & CPUID1_ECX_HYPERVISOR))
		return (0);
	for (base = 0x40000000; base < 0x40001000; base += 0x100) {
		cpuid(base, 0, r);
		if (memcmp(&r[1], "KVMKVMKVM\0\0\0", 12) != 0)
			continue;
		cpuid(base + 1, 0, r);
		return (r[0] & KVM_FEATURE_CLOCK2 ? MSR_KVM_CLOCK2 :
		    r[0] & KVM_FEATURE_CLOCK ? MSR_KVM_CLOCK : 0);
	}
	return (0);
}

/*
 * Begin to use it, if it is there.  Returns the rate of the TSC, or 0.  What
 * the page says is checked: a multiplier that makes no sense is not used.
 */
uint64_t
pvclock_init(void)
{
	uint32_t msr = pvclock_msr();
	uint64_t hz;

	if (msr == 0)
		return (0);
	wrmsr(msr, md_kvtop((const void *)(vaddr_t)&page) | MSR_KVM_CLOCK_ON);
	if (page.pc_version == 0 || page.pc_mul == 0 ||
	    page.pc_shift > 31 || page.pc_shift < -31) {
		wrmsr(msr, 0);
		return (0);
	}
	/* hz << shift * mul >> 32 is a second */
	hz = (NSEC_PER_SEC << 32) / page.pc_mul;
	hz = page.pc_shift >= 0 ? hz >> page.pc_shift : hz << -page.pc_shift;
	if (hz < 1000000)
		return (0);
	pvclock_base = pvclock_read() - md_nsec();
	pvclock_on = true;
	return (hz);
}

/* --- device ------------------------------------------------------------------- */

struct pvclock_softc {
	struct device	sc_dev;
};

static int
pvclock_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pv_attach_args *pva = aux;

	return (pvclock_on &&
	    strcmp(pva->pva_name, cf->cf_driver->cd_name) == 0);
}

static int
pvclock_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	device_describe(self, "%s", page.pc_flags & PVCLOCK_STABLE ?
	    "stable" : "not stable across processors");
	return (0);
}

CFDRIVER_DECL(pvclock, DV_DULL);
CFATTACH_DECL(pvclock, pvbus, pvclock_softc, .ca_match = pvclock_match,
    .ca_attach = pvclock_attach);

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * KVM as a guest sees it: its leaves of CPUID, the clock that both sides
 * compute from the processor's counter, stolen time, some hypercalls.
 * OpenBSD's vmm(4) offers the same clock.
 *
 * Linux, Documentation/virt/kvm/x86/{cpuid,msr,hypercalls}.rst.
 */

#include "hv.h"
#include "lib.h"

/* leaf 1, EAX */
#define FEATURE_CLOCK_OLD	0x00000001
#define FEATURE_NOP_IO_DELAY	0x00000002
#define FEATURE_CLOCK		0x00000008
#define FEATURE_STEAL_TIME	0x00000020
#define FEATURE_STABLE		0x01000000

#define MSR_WALL_OLD		0x00000011
#define MSR_SYSTEM_OLD		0x00000012
#define MSR_WALL		0x4b564d00
#define MSR_SYSTEM		0x4b564d01
#define MSR_STEAL		0x4b564d03

#define PAGE_STABLE		0x01	/* flags: the same on all processors */
#define PAGE_STOPPED		0x02	/* flags: the guest was paused */

#define HC_VAPIC_POLL_IRQ	1
#define HC_KICK_CPU		5
#define HC_CLOCK_PAIRING	9
#define HC_SCHED_YIELD		11

/* what hypercalls return, besides Linux's errno values */
#define KVM_ENOSYS		1000
#define KVM_EFAULT		14
#define KVM_EPERM		1
#define KVM_EOPNOTSUPP		95

struct system_time {
	uint32_t version;
	uint32_t pad0;
	uint64_t tsc;
	uint64_t ns;
	uint32_t mul;
	int8_t	 shift;
	uint8_t	 flags;
	uint8_t	 pad[2];
};
_Static_assert(sizeof(struct system_time) == 32, "system_time");

struct wall_clock {
	uint32_t version;
	uint32_t sec;
	uint32_t nsec;
};

struct steal_time {
	uint64_t steal;
	uint32_t version;
	uint32_t flags;
	uint8_t	 preempted;
	uint8_t	 pad[47];
};
_Static_assert(sizeof(struct steal_time) == 64, "steal_time");

struct clock_pairing {
	int64_t	 sec;
	int64_t	 nsec;
	uint64_t tsc;
	uint32_t flags;
	uint32_t pad[9];
};

static uint64_t kvm_system, kvm_wall, kvm_steal;	/* the MSRs */
static uint32_t kvm_version;
static uint32_t kvm_wall_version;

static uint64_t opt_max = 0x40000001;
static uint64_t opt_features = FEATURE_CLOCK_OLD | FEATURE_NOP_IO_DELAY |
    FEATURE_CLOCK | FEATURE_STEAL_TIME | FEATURE_STABLE;
static uint64_t opt_openbsd_features = FEATURE_CLOCK | FEATURE_STABLE;
static uint64_t opt_hints;
static uint64_t opt_stable = 1;
static uint64_t opt_stopped;
static uint64_t opt_steal;
static uint64_t opt_no_page;	/* takes the MSR and leaves the page alone */
/* what a page that is wrong has; ~0: it is right */
static uint64_t opt_odd;
static uint64_t opt_mul = ~0ULL;
static uint64_t opt_shift = ~0ULL;
static uint64_t opt_back;
static uint64_t opt_ns = ~0ULL;
static uint64_t opt_tsc = ~0ULL;

void
kvm_leaf(unsigned int n, struct hv_leaf *leaf, bool openbsd)
{
	switch (n) {
	case 0:
		leaf->ax = openbsd ? 0x40000001 : opt_max;
		break;
	case 1:
		leaf->ax = openbsd ? opt_openbsd_features : opt_features;
		leaf->dx = openbsd ? 0 : opt_hints;
		break;
	}
}

static bool
has(uint32_t feature)
{
	uint64_t features = 0;

	if (hv_poses(HV_KVM))
		features |= opt_features;
	if (hv_poses(HV_OPENBSD))
		features |= opt_openbsd_features;
	return ((features & feature) != 0);
}

/*
 * The factors for ns = ((ticks << shift) * mul) >> 32, with the highest bit
 * of mul set, which is the most exact.
 */
static void
factors(uint64_t hz, uint32_t *mul, int8_t *shift)
{
	uint64_t q, r;
	int s = 0;

	q = (HV_NSEC << 32) / hz;
	r = (HV_NSEC << 32) % hz;
	for (; q >> 31 == 0; s--) {
		r <<= 1;
		q = q << 1 | (r >= hz);
		if (r >= hz)
			r -= hz;
	}
	for (; q >> 32 != 0; s++)
		q >>= 1;
	*mul = q;
	*shift = s;
}

static void
system_page(void)
{
	struct system_time *page, new = { 0 };
	uint64_t now = hv_tsc();

	if ((kvm_system & 1) == 0 || opt_no_page)
		return;
	page = hv_gpa(kvm_system & ~1ULL, sizeof(*page));
	if (page == NULL) {
		hv_event("kvm: clock page at 0x%llx is no memory",
		    (unsigned long long)(kvm_system & ~1ULL));
		return;
	}
	new.tsc = opt_tsc != ~0ULL ? opt_tsc : now;
	new.ns = opt_ns != ~0ULL ? opt_ns : hv_ns(now) - opt_back;
	factors(hv_tsc_hz(), &new.mul, &new.shift);
	if (opt_mul != ~0ULL)
		new.mul = opt_mul;
	if (opt_shift != ~0ULL)
		new.shift = opt_shift;
	if (opt_stable && has(FEATURE_STABLE))
		new.flags |= PAGE_STABLE;
	if (opt_stopped)
		new.flags |= PAGE_STOPPED;
	kvm_version = (kvm_version | 1) + 1;
	new.version = kvm_version | (opt_odd != 0);
	*page = new;
}

static void
wall_page(void)
{
	struct wall_clock *page = hv_gpa(kvm_wall, sizeof(*page));

	if (page == NULL) {
		hv_event("kvm: wall clock at 0x%llx is no memory",
		    (unsigned long long)kvm_wall);
		return;
	}
	/* the time at boot: the guest adds the system time */
	page->sec = hv_clock.epoch / HV_NSEC;
	page->nsec = hv_clock.epoch % HV_NSEC;
	kvm_wall_version += 2;
	page->version = kvm_wall_version | (opt_odd != 0);
}

static void
steal_page(void)
{
	struct steal_time *page;

	if ((kvm_steal & 1) == 0)
		return;
	page = hv_gpa(kvm_steal & ~63ULL, sizeof(*page));
	if (page == NULL) {
		hv_event("kvm: steal time at 0x%llx is no memory",
		    (unsigned long long)(kvm_steal & ~63ULL));
		return;
	}
	page->steal = opt_steal;
	page->version = ((page->version | 1) + 1) | (opt_odd != 0);
}

void
kvm_update(void)
{
	system_page();
	steal_page();
}

bool
kvm_msr_read(uint32_t msr, uint64_t *value)
{
	if ((msr == MSR_SYSTEM && has(FEATURE_CLOCK)) ||
	    (msr == MSR_SYSTEM_OLD && has(FEATURE_CLOCK_OLD)))
		*value = kvm_system;
	else if ((msr == MSR_WALL && has(FEATURE_CLOCK)) ||
	    (msr == MSR_WALL_OLD && has(FEATURE_CLOCK_OLD)))
		*value = kvm_wall;
	else if (msr == MSR_STEAL && has(FEATURE_STEAL_TIME))
		*value = kvm_steal;
	else
		return (false);
	return (true);
}

bool
kvm_msr_write(uint32_t msr, uint64_t value)
{
	if ((msr == MSR_SYSTEM && has(FEATURE_CLOCK)) ||
	    (msr == MSR_SYSTEM_OLD && has(FEATURE_CLOCK_OLD))) {
		kvm_system = value;
		system_page();
	} else if ((msr == MSR_WALL && has(FEATURE_CLOCK)) ||
	    (msr == MSR_WALL_OLD && has(FEATURE_CLOCK_OLD))) {
		kvm_wall = value;
		wall_page();
	} else if (msr == MSR_STEAL && has(FEATURE_STEAL_TIME)) {
		/* bits 5:1 are reserved */
		if (value & 0x3e)
			return (false);
		kvm_steal = value;
		steal_page();
	} else
		return (false);
	return (true);
}

static int64_t
clock_pairing(uint64_t gpa, uint64_t type)
{
	struct clock_pairing *p;
	uint64_t now, wall;

	if (type != 0)
		return (-KVM_EOPNOTSUPP);
	p = hv_gpa(gpa, sizeof(*p));
	if (p == NULL)
		return (-KVM_EFAULT);
	now = hv_tsc();
	wall = hv_wall(now);
	memset(p, 0, sizeof(*p));
	p->sec = wall / HV_NSEC;
	p->nsec = wall % HV_NSEC;
	p->tsc = now;
	return (0);
}

void
kvm_hypercall(struct hv_regs *r)
{
	int64_t result = -KVM_ENOSYS;

	if (hv_user())
		result = -KVM_EPERM;
	else if (hv_poses(HV_KVM)) {
		switch (r->ax) {
		case HC_VAPIC_POLL_IRQ:
		case HC_KICK_CPU:
		case HC_SCHED_YIELD:
			result = 0;
			break;
		case HC_CLOCK_PAIRING:
			result = clock_pairing(r->bx, r->cx);
			break;
		}
	}
	r->ax = result;
}

bool
kvm_option(const char *name, const char *value)
{
	static const struct hv_option options[] = {
		{ "max",	&opt_max },
		{ "features",	&opt_features },
		{ "openbsd-features", &opt_openbsd_features },
		{ "hints",	&opt_hints },
		{ "stable",	&opt_stable },
		{ "stopped",	&opt_stopped },
		{ "steal",	&opt_steal },
		{ "no-page",	&opt_no_page },
		{ "odd",	&opt_odd },
		{ "mul",	&opt_mul },
		{ "shift",	&opt_shift },
		{ "back",	&opt_back },
		{ "ns",		&opt_ns },
		{ "tsc",	&opt_tsc },
	};

	return (hv_options(options, sizeof(options) / sizeof(options[0]),
	    name, value));
}

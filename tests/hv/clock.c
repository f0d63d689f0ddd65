/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The hypervisor's clock, which all models tell the guest of. */

#include "hv.h"

struct hv_clock hv_clock;

uint64_t
hv_ns(uint64_t tsc)
{
	uint64_t t = tsc - hv_clock.base, hz = hv_clock.hz;

	/* No counter runs at 18 GHz, so the rest times 10^9 fits. */
	return (t / hz * HV_NSEC + t % hz * HV_NSEC / hz + hv_clock.jump);
}

uint64_t
hv_wall(uint64_t tsc)
{
	return (hv_clock.epoch + hv_ns(tsc));
}

uint64_t
hv_tsc_hz(void)
{
	return (hv_clock.told_hz ? hv_clock.told_hz : hv_clock.hz);
}

uint64_t
hv_apic_hz(void)
{
	return (hv_clock.told_apic_hz ? hv_clock.told_apic_hz :
	    hv_clock.apic_hz);
}

bool
hv_clock_option(const char *name, const char *value)
{
	static const struct hv_option options[] = {
		{ "tsc-hz",	&hv_clock.told_hz },
		{ "apic-hz",	&hv_clock.told_apic_hz },
		{ "epoch",	&hv_clock.epoch },
	};

	return (hv_options(options, sizeof(options) / sizeof(options[0]),
	    name, value));
}

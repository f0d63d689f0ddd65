/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Xen as far as it says which one it is: its version and a page of hypercalls
 * that all fail.  Xen's public headers, arch-x86/cpuid.h.
 */

#include "hv.h"
#include "lib.h"

#define MSR_PAGE	0x40000000
#define MSR_PAGE_BOTH	0x40000200	/* where Hyper-V's are there too */
#define CALLS		128
#define CALL_SIZE	32

#define XEN_ENOSYS	38

static uint64_t opt_major = 4;
static uint64_t opt_minor = 17;
static uint64_t opt_khz;		/* 0: the leaf is not there */

static uint32_t
page_msr(void)
{
	return (hv_poses(HV_HYPERV) ? MSR_PAGE_BOTH : MSR_PAGE);
}

void
xen_leaf(unsigned int n, struct hv_leaf *leaf)
{
	switch (n) {
	case 0:
		leaf->ax = opt_khz != 0 ? 0x40000003 : 0x40000002;
		break;
	case 1:
		leaf->ax = (uint32_t)(opt_major << 16 | opt_minor);
		break;
	case 2:
		leaf->ax = 1;
		leaf->bx = page_msr();
		break;
	case 3:
		leaf->cx = (uint32_t)opt_khz;
		break;
	}
}

/* mov $n,%eax; vmmcall; ret */
bool
xen_msr_write(uint32_t msr, uint64_t value)
{
	static const uint8_t code[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xd9,
	    0xc3 };
	uint8_t *page;
	unsigned int i;

	if (msr != page_msr() || (value & 0xfff) != 0)
		return (false);
	page = hv_gpa(value, CALLS * CALL_SIZE);
	if (page == NULL)
		return (false);
	for (i = 0; i < CALLS; i++, page += CALL_SIZE) {
		memset(page, 0xcc, CALL_SIZE);
		memcpy(page, code, sizeof(code));
		page[1] = i;
	}
	hv_event("xen hypercall page 0x%llx", (unsigned long long)value);
	return (true);
}

void
xen_hypercall(struct hv_regs *r)
{
	r->ax = (uint64_t)-XEN_ENOSYS;
}

bool
xen_option(const char *name, const char *value)
{
	static const struct hv_option options[] = {
		{ "major",	&opt_major },
		{ "minor",	&opt_minor },
		{ "khz",	&opt_khz },
	};

	return (hv_options(options, sizeof(options) / sizeof(options[0]),
	    name, value));
}

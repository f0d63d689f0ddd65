/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Hyper-V as a guest sees it: leaves of CPUID, synthetic MSRs, the page of
 * hypercalls, the reference counter and its page, messages of the synthetic
 * interrupt controller.  No VMBus answers.
 *
 * Microsoft, Hypervisor Top-Level Functional Specification.
 */

#include "hv.h"
#include "lib.h"

/* leaf 3, EAX */
#define ACCESS_RUNTIME		0x00000001
#define ACCESS_COUNTER		0x00000002
#define ACCESS_SYNIC		0x00000004
#define ACCESS_APIC		0x00000010
#define ACCESS_HYPERCALL	0x00000020
#define ACCESS_INDEX		0x00000040
#define ACCESS_RESET		0x00000080
#define ACCESS_TSC_PAGE		0x00000200
#define ACCESS_FREQUENCY	0x00000800
#define ACCESS_INVARIANT	0x00008000
/* leaf 3, EBX */
#define PRIV_PARTITION_ID	0x00000002
#define PRIV_POST		0x00000010
#define PRIV_SIGNAL		0x00000020
/* leaf 3, EDX */
#define MISC_FREQUENCY		0x00000100
#define MISC_CRASH		0x00000400
/* leaf 4, EAX */
#define HINT_RELAXED_TIMING	0x00000020

#define MSR_GUEST_OS_ID		0x40000000
#define MSR_HYPERCALL		0x40000001
#define MSR_VP_INDEX		0x40000002
#define MSR_RESET		0x40000003
#define MSR_VP_RUNTIME		0x40000010
#define MSR_TIME_REF_COUNT	0x40000020
#define MSR_REFERENCE_TSC	0x40000021
#define MSR_TSC_FREQUENCY	0x40000022
#define MSR_APIC_FREQUENCY	0x40000023
#define MSR_EOI			0x40000070
#define MSR_ICR			0x40000071
#define MSR_TPR			0x40000072
#define MSR_ASSIST		0x40000073
#define MSR_SCONTROL		0x40000080
#define MSR_SVERSION		0x40000081
#define MSR_SIEFP		0x40000082
#define MSR_SIMP		0x40000083
#define MSR_EOM			0x40000084
#define MSR_SINT0		0x40000090
#define MSR_CRASH_P0		0x40000100
#define MSR_CRASH_P4		0x40000104
#define MSR_CRASH_CTL		0x40000105
#define MSR_INVARIANT		0x40000118

#define APIC_TPR		0x08
#define APIC_EOI		0x0b
#define APIC_ICR		0x30

#define ENABLE			1ULL
#define LOCKED			2ULL		/* MSR_HYPERCALL */
#define FRAME			(~0xfffULL)
#define PAGE			4096

#define SINTS			16
#define SINT_MASKED		0x10000
#define SINT_AUTO_EOI		0x20000

#define CRASH_MESSAGE		(1ULL << 62)
#define CRASH_NOTIFY		(1ULL << 63)

#define CALL_LONG_SPIN		0x0008
#define CALL_PARTITION_ID	0x0046
#define CALL_POST_MESSAGE	0x005c
#define CALL_SIGNAL_EVENT	0x005d
#define CALL_FAST		0x10000
#define CALL_RESERVED		0xf000f000f8000000ULL

#define STATUS_SUCCESS		0
#define STATUS_CODE		2
#define STATUS_INPUT		3
#define STATUS_ALIGNMENT	4
#define STATUS_PARAMETER	5
#define STATUS_DENIED		6
#define STATUS_CONNECTION	18

#define MESSAGE_SIZE		256
#define MESSAGE_DATA		240

struct tsc_page {
	uint32_t sequence, reserved;
	uint64_t scale;
	int64_t	 offset;
};

struct message {
	uint32_t type;
	uint8_t	 size, flags, reserved[2];
	uint64_t origin;
	uint8_t	 data[MESSAGE_DATA];
};
_Static_assert(sizeof(struct message) == MESSAGE_SIZE, "message");

struct post {
	uint32_t connection, reserved, type, size;
	uint8_t	 data[MESSAGE_DATA];
};

/* A page that lies over one of the guest's while it is on. */
struct overlay {
	uint64_t msr;
	uint8_t	 below[PAGE];
};

static uint64_t	os_id, assist, scontrol, siefp, simp, sints[SINTS];
static uint64_t	crash[5], invariant;
static struct overlay hypercall_page, tsc_page;
static uint32_t	sequence;

static uint64_t	opt_max = 0x40000006;
static uint64_t	opt_build = 20348;
static uint64_t	opt_major = 10;
static uint64_t	opt_minor;
static uint64_t	opt_features = ACCESS_RUNTIME | ACCESS_COUNTER | ACCESS_SYNIC |
    ACCESS_APIC | ACCESS_HYPERCALL | ACCESS_INDEX | ACCESS_RESET |
    ACCESS_TSC_PAGE | ACCESS_FREQUENCY;
static uint64_t	opt_privileges = PRIV_POST | PRIV_SIGNAL;
static uint64_t	opt_misc = MISC_FREQUENCY | MISC_CRASH;
static uint64_t	opt_hints = HINT_RELAXED_TIMING;
static uint64_t	opt_connection = 1;	/* the one that takes messages */
static uint64_t	opt_echo;		/* they come back on this SINT */
static uint64_t	opt_no_page;		/* takes the MSR, not the page */
/* what a page that is wrong has; ~0: it is right */
static uint64_t	opt_sequence = ~0ULL;
static uint64_t	opt_scale = ~0ULL;
static uint64_t	opt_back;		/* in 100 ns */
static uint64_t	opt_count = ~0ULL;	/* the counter stands still there */

/* --- time --------------------------------------------------------------- */

/* 100 ns = (counter * scale) >> 64, plus the offset */
static uint64_t
scale(void)
{
	return (hv_div128(HV_NSEC / 100, 0, hv_clock.hz));
}

static int64_t
offset(void)
{
	uint64_t tsc = hv_clock.base;

	return (hv_clock.jump / 100 - (int64_t)hv_mulhi(tsc, scale()));
}

static uint64_t
count(void)
{
	if (opt_count != ~0ULL)
		return (opt_count);
	return (hv_mulhi(hv_tsc(), scale()) + offset() - opt_back);
}

static void
write_tsc_page(void)
{
	struct tsc_page *p;

	if ((tsc_page.msr & ENABLE) == 0 || opt_no_page)
		return;
	p = hv_gpa(tsc_page.msr & FRAME, PAGE);
	if (p == NULL)
		return;
	if (++sequence == 0 || sequence == ~0U)
		sequence = 1;
	p->sequence = opt_sequence != ~0ULL ? opt_sequence : sequence;
	p->scale = opt_scale != ~0ULL ? opt_scale : scale();
	p->offset = offset() - opt_back;
}

void
hyperv_update(void)
{
	write_tsc_page();
}

/* --- pages -------------------------------------------------------------- */

static bool
lay_over(struct overlay *o, uint64_t msr, const void *data, size_t len)
{
	uint8_t *old, *new = NULL;

	if (msr & ENABLE) {
		new = hv_gpa(msr & FRAME, PAGE);
		if (new == NULL)
			return (false);
	}
	if (o->msr & ENABLE) {
		old = hv_gpa(o->msr & FRAME, PAGE);
		memcpy(old, o->below, PAGE);
	}
	o->msr = msr;
	if (new != NULL) {
		memcpy(o->below, new, PAGE);
		memset(new, 0, PAGE);
		memcpy(new, data, len);
	}
	return (true);
}

static bool
set_hypercall(uint64_t value)
{
	/* vmmcall; ret */
	static const uint8_t code[] = { 0x0f, 0x01, 0xd9, 0xc3 };

	if (hypercall_page.msr & LOCKED)
		return (true);
	if (os_id == 0)
		value &= ~ENABLE;
	return (lay_over(&hypercall_page, value, code, sizeof(code)));
}

static bool
set_tsc_page(uint64_t value)
{
	if (!lay_over(&tsc_page, value, "", 0))
		return (false);
	write_tsc_page();
	return (true);
}

/* Zeroes a page of the guest's when it is turned on. */
static bool
set_page(uint64_t *msr, uint64_t value)
{
	void *p;

	if ((value & ENABLE) && !((*msr & ENABLE) &&
	    (*msr & FRAME) == (value & FRAME))) {
		p = hv_gpa(value & FRAME, PAGE);
		if (p == NULL)
			return (false);
		memset(p, 0, PAGE);
	}
	*msr = value;
	return (true);
}

/* --- MSRs --------------------------------------------------------------- */

/* What must be offered in leaf 3 for an MSR to be there. */
static bool
offered(uint32_t msr)
{
	switch (msr) {
	case MSR_GUEST_OS_ID:
	case MSR_HYPERCALL:
		return ((opt_features & ACCESS_HYPERCALL) != 0);
	case MSR_VP_INDEX:
		return ((opt_features & ACCESS_INDEX) != 0);
	case MSR_RESET:
		return ((opt_features & ACCESS_RESET) != 0);
	case MSR_VP_RUNTIME:
		return ((opt_features & ACCESS_RUNTIME) != 0);
	case MSR_TIME_REF_COUNT:
		return ((opt_features & ACCESS_COUNTER) != 0);
	case MSR_REFERENCE_TSC:
		return ((opt_features & ACCESS_TSC_PAGE) != 0);
	case MSR_TSC_FREQUENCY:
	case MSR_APIC_FREQUENCY:
		return ((opt_features & ACCESS_FREQUENCY) != 0 &&
		    (opt_misc & MISC_FREQUENCY) != 0);
	case MSR_EOI ... MSR_ASSIST:
		return ((opt_features & ACCESS_APIC) != 0);
	case MSR_SCONTROL ... MSR_EOM:
	case MSR_SINT0 ... MSR_SINT0 + SINTS - 1:
		return ((opt_features & ACCESS_SYNIC) != 0);
	case MSR_CRASH_P0 ... MSR_CRASH_CTL:
		return ((opt_misc & MISC_CRASH) != 0);
	case MSR_INVARIANT:
		return ((opt_features & ACCESS_INVARIANT) != 0);
	}
	return (false);
}

bool
hyperv_msr_read(uint32_t msr, uint64_t *value)
{
	if (!offered(msr))
		return (false);
	*value = 0;
	switch (msr) {
	case MSR_GUEST_OS_ID:
		*value = os_id;
		break;
	case MSR_HYPERCALL:
		*value = hypercall_page.msr;
		break;
	case MSR_VP_RUNTIME:
	case MSR_TIME_REF_COUNT:
		*value = count();
		break;
	case MSR_REFERENCE_TSC:
		*value = tsc_page.msr;
		break;
	case MSR_TSC_FREQUENCY:
		*value = hv_tsc_hz();
		break;
	case MSR_APIC_FREQUENCY:
		*value = hv_apic_hz();
		break;
	case MSR_EOI:
	case MSR_EOM:
		return (false);
	case MSR_ICR:
		*value = hv_apic_read(APIC_ICR);
		break;
	case MSR_TPR:
		*value = hv_apic_read(APIC_TPR);
		break;
	case MSR_ASSIST:
		*value = assist;
		break;
	case MSR_SCONTROL:
		*value = scontrol;
		break;
	case MSR_SVERSION:
		*value = 1;
		break;
	case MSR_SIEFP:
		*value = siefp;
		break;
	case MSR_SIMP:
		*value = simp;
		break;
	case MSR_SINT0 ... MSR_SINT0 + SINTS - 1:
		*value = sints[msr - MSR_SINT0];
		break;
	case MSR_CRASH_P0 ... MSR_CRASH_P4:
		*value = crash[msr - MSR_CRASH_P0];
		break;
	case MSR_CRASH_CTL:
		*value = CRASH_NOTIFY | CRASH_MESSAGE;
		break;
	case MSR_INVARIANT:
		*value = invariant;
		break;
	}
	return (true);
}

static void
report_crash(uint64_t value)
{
	static char text[4 * PAGE + 1];
	const void *p;
	size_t len = crash[4];

	if ((value & CRASH_NOTIFY) == 0)
		return;
	hv_event("crash 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx",
	    (unsigned long long)crash[0], (unsigned long long)crash[1],
	    (unsigned long long)crash[2], (unsigned long long)crash[3],
	    (unsigned long long)crash[4]);
	if ((value & CRASH_MESSAGE) == 0)
		return;
	p = len <= PAGE ? hv_gpa(crash[3], len) : NULL;
	if (p == NULL) {
		hv_event("crash message is not to be had");
		return;
	}
	hv_escape(text, sizeof(text), p, len < 200 ? len : 200);
	hv_event("crash message \"%s\"", text);
}

bool
hyperv_msr_write(uint32_t msr, uint64_t value)
{
	if (!offered(msr))
		return (false);
	switch (msr) {
	case MSR_GUEST_OS_ID:
		os_id = value;
		hv_event("os-id 0x%llx", (unsigned long long)value);
		/* nobody's hypercalls are off */
		return (value != 0 || set_hypercall(hypercall_page.msr));
	case MSR_HYPERCALL:
		return (set_hypercall(value));
	case MSR_RESET:
		if (value & 1) {
			hv_event("reset");
			hv_reset();
		}
		return (true);
	case MSR_REFERENCE_TSC:
		return (set_tsc_page(value));
	case MSR_EOI:
		hv_apic_write(APIC_EOI, value);
		return (true);
	case MSR_ICR:
		hv_apic_write(APIC_ICR, value);
		return (true);
	case MSR_TPR:
		hv_apic_write(APIC_TPR, value);
		return (true);
	case MSR_ASSIST:
		return (set_page(&assist, value));
	case MSR_SCONTROL:
		scontrol = value;
		return (true);
	case MSR_SIEFP:
		return (set_page(&siefp, value));
	case MSR_SIMP:
		return (set_page(&simp, value));
	case MSR_EOM:
		return (true);
	case MSR_SINT0 ... MSR_SINT0 + SINTS - 1:
		/* no such vector can come */
		if ((value & 0xff) < 16 && (value & SINT_MASKED) == 0)
			return (false);
		sints[msr - MSR_SINT0] = value;
		return (true);
	case MSR_CRASH_P0 ... MSR_CRASH_P4:
		crash[msr - MSR_CRASH_P0] = value;
		return (true);
	case MSR_CRASH_CTL:
		report_crash(value);
		return (true);
	case MSR_INVARIANT:
		invariant = value & 1;
		return (true);
	}
	return (false);		/* the rest is read-only */
}

bool
hyperv_invariant(void)
{
	return (invariant != 0);
}

/* --- messages and hypercalls -------------------------------------------- */

const char *
hyperv_message(unsigned int sint, uint32_t type, const void *data, size_t len)
{
	struct message *m;

	if (sint >= SINTS || len > MESSAGE_DATA)
		return ("no such message can be");
	if ((scontrol & ENABLE) == 0 || (simp & ENABLE) == 0)
		return ("the guest takes no messages");
	m = hv_gpa(simp & FRAME, PAGE);
	if (m == NULL)
		return ("the guest's page is no memory");
	m += sint;
	if (m->type != 0) {
		m->flags = 1;		/* another one waits */
		return ("the slot is taken");
	}
	memset(m, 0, sizeof(*m));
	m->size = len;
	m->origin = opt_connection;
	memcpy(m->data, data, len);
	m->type = type;
	if ((sints[sint] & SINT_MASKED) == 0)
		hv_interrupt(sints[sint] & 0xff,
		    (sints[sint] & SINT_AUTO_EOI) != 0);
	return (NULL);
}

static unsigned int
post_message(uint64_t gpa, bool fast)
{
	static char text[4 * MESSAGE_DATA + 1];
	struct post *p;

	if ((opt_privileges & PRIV_POST) == 0)
		return (STATUS_DENIED);
	if (fast)
		return (STATUS_INPUT);
	if ((gpa & 7) != 0 || (gpa & 0xfff) + sizeof(*p) > PAGE)
		return (STATUS_ALIGNMENT);
	p = hv_gpa(gpa, sizeof(*p));
	if (p == NULL || p->size > MESSAGE_DATA || (p->type >> 31) != 0)
		return (STATUS_PARAMETER);
	if (p->connection != opt_connection)
		return (STATUS_CONNECTION);
	hv_escape(text, sizeof(text), p->data, p->size);
	hv_event("post %u %u \"%s\"", p->connection, p->type, text);
	if (opt_echo)
		hyperv_message(opt_echo, p->type, p->data, p->size);
	return (STATUS_SUCCESS);
}

static unsigned int
signal_event(uint64_t input, bool fast)
{
	uint64_t *p;

	if ((opt_privileges & PRIV_SIGNAL) == 0)
		return (STATUS_DENIED);
	if (!fast) {
		p = (input & 7) == 0 ? hv_gpa(input, 8) : NULL;
		if (p == NULL)
			return (STATUS_ALIGNMENT);
		input = *p;
	}
	hv_event("signal %u %u", (unsigned int)input,
	    (unsigned int)(input >> 32 & 0xffff));
	return (STATUS_SUCCESS);
}

static unsigned int
partition_id(uint64_t gpa)
{
	uint64_t *p = (gpa & 7) == 0 ? hv_gpa(gpa, 8) : NULL;

	if ((opt_privileges & PRIV_PARTITION_ID) == 0)
		return (STATUS_DENIED);
	if (p == NULL)
		return (STATUS_ALIGNMENT);
	*p = 1;
	return (STATUS_SUCCESS);
}

bool
hyperv_enabled(void)
{
	return ((hypercall_page.msr & ENABLE) != 0);
}

enum hv_result
hyperv_hypercall(struct hv_regs *r)
{
	bool fast = (r->cx & CALL_FAST) != 0;
	unsigned int status;

	if (r->cx & CALL_RESERVED)
		status = STATUS_INPUT;
	else {
		switch (r->cx & 0xffff) {
		case CALL_LONG_SPIN:
			status = STATUS_SUCCESS;
			break;
		case CALL_PARTITION_ID:
			status = partition_id(r->r8);
			break;
		case CALL_POST_MESSAGE:
			status = post_message(r->dx, fast);
			break;
		case CALL_SIGNAL_EVENT:
			status = signal_event(r->dx, fast);
			break;
		default:
			status = STATUS_CODE;
		}
	}
	r->ax = status;
	return (HV_DONE);
}

/* --- leaves, options ---------------------------------------------------- */

void
hyperv_leaf(unsigned int n, struct hv_leaf *leaf)
{
	switch (n) {
	case 0:
		leaf->ax = opt_max;
		break;
	case 1:
		leaf->ax = 0x31237648;		/* Hv#1 */
		break;
	case 2:
		leaf->ax = opt_build;
		leaf->bx = opt_major << 16 | (opt_minor & 0xffff);
		break;
	case 3:
		leaf->ax = opt_features;
		leaf->bx = opt_privileges;
		leaf->dx = opt_misc;
		break;
	case 4:
		leaf->ax = opt_hints;
		leaf->bx = 0xffffffff;		/* never say one spins */
		break;
	case 5:
		leaf->ax = 1;
		leaf->bx = 1;
		break;
	}
}

bool
hyperv_option(const char *name, const char *value)
{
	static const struct hv_option options[] = {
		{ "max",	&opt_max },
		{ "build",	&opt_build },
		{ "major",	&opt_major },
		{ "minor",	&opt_minor },
		{ "features",	&opt_features },
		{ "privileges",	&opt_privileges },
		{ "misc",	&opt_misc },
		{ "hints",	&opt_hints },
		{ "connection",	&opt_connection },
		{ "echo",	&opt_echo },
		{ "no-page",	&opt_no_page },
		{ "sequence",	&opt_sequence },
		{ "scale",	&opt_scale },
		{ "back",	&opt_back },
		{ "count",	&opt_count },
	};

	return (hv_options(options, sizeof(options) / sizeof(options[0]),
	    name, value));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The test hypervisor's model of Hyper-V: pages, messages, hypercalls. */

#include "test.h"

#include "../../hv/text.c"
#include "../../hv/clock.c"
#include "../../hv/hyperv.c"

static uint64_t	tsc;
static uint8_t	memory[8 * PAGE] __attribute__((aligned(4096)));
static char	last[512];		/* event */
static unsigned int vector, resets;
static bool	eoi;

uint64_t
hv_tsc(void)
{
	return (tsc);
}

void *
hv_gpa(uint64_t gpa, size_t len)
{
	return (gpa <= sizeof(memory) && len <= sizeof(memory) - gpa ?
	    memory + gpa : NULL);
}

void
hv_interrupt(unsigned int v, bool auto_eoi)
{
	vector = v;
	eoi = auto_eoi;
}

uint64_t
hv_apic_read(unsigned int reg)
{
	return (0);
}

void
hv_apic_write(unsigned int reg, uint64_t value)
{
}

void
hv_reset(void)
{
	resets++;
}

void
hv_event(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	vsnprintf(last, sizeof(last), f, ap);
	va_end(ap);
}

static int
setup(void **state)
{
	unsigned int i;

	for (i = 0; i < sizeof(memory); i++)
		memory[i] = i / PAGE + 1;
	memset(&hypercall_page, 0, sizeof(hypercall_page));
	memset(&tsc_page, 0, sizeof(tsc_page));
	os_id = scontrol = simp = vector = 0;
	opt_echo = opt_back = 0;
	opt_sequence = opt_scale = ~0ULL;
	memset(&hv_clock, 0, sizeof(hv_clock));
	hv_clock.hz = 2000000000;
	hv_clock.base = 5000000000;
	tsc = hv_clock.base + 3 * hv_clock.hz;
	return (0);
}

static uint64_t
get(uint32_t msr)
{
	uint64_t value;

	assert_true(hyperv_msr_read(msr, &value));
	return (value);
}

static void
the_page_of_hypercalls_lies_over_the_guests(void **state)
{
	static const uint8_t code[] = { 0x0f, 0x01, 0xd9, 0xc3 };

	/* only for a guest that has said who it is */
	assert_true(hyperv_msr_write(MSR_HYPERCALL, PAGE | ENABLE));
	assert_false(hyperv_enabled());
	assert_int_equal(get(MSR_HYPERCALL) & ENABLE, 0);
	assert_true(hyperv_msr_write(MSR_GUEST_OS_ID, 1));
	assert_true(hyperv_msr_write(MSR_HYPERCALL, PAGE | ENABLE));
	assert_true(hyperv_enabled());
	assert_memory_equal(memory + PAGE, code, sizeof(code));
	assert_true(hyperv_msr_write(MSR_HYPERCALL, 3 * PAGE | ENABLE));
	assert_int_equal(memory[PAGE], 2);
	assert_memory_equal(memory + 3 * PAGE, code, sizeof(code));
	assert_false(hyperv_msr_write(MSR_HYPERCALL, 1 << 30 | ENABLE));
	assert_true(hyperv_msr_write(MSR_GUEST_OS_ID, 0));
	assert_false(hyperv_enabled());
	assert_int_equal(memory[3 * PAGE], 4);
}

static uint64_t
as_a_guest(const struct tsc_page *p)
{
	return (((unsigned __int128)tsc * p->scale >> 64) + p->offset);
}

static void
page_and_counter_are_the_same_clock(void **state)
{
	struct tsc_page *p = (struct tsc_page *)(memory + 2 * PAGE);
	uint32_t seq;
	int i;

	assert_true(hyperv_msr_write(MSR_REFERENCE_TSC, 2 * PAGE | ENABLE));
	seq = p->sequence;
	assert_int_not_equal(seq, 0);
	assert_in_range(as_a_guest(p), 29999999, 30000001);
	for (i = 0; i < 20; i++, tsc += 987654321987)
		assert_int_equal(as_a_guest(p), get(MSR_TIME_REF_COUNT));
	hv_clock.jump += 7 * HV_NSEC;
	hyperv_update();
	assert_int_equal(p->sequence, seq + 1);
	assert_int_equal(as_a_guest(p), get(MSR_TIME_REF_COUNT));
	assert_true(hyperv_option("sequence", "0"));
	assert_true(hyperv_option("scale", "0"));
	hyperv_update();
	assert_int_equal(p->sequence, 0);
	assert_int_equal(p->scale, 0);
	assert_true(hyperv_msr_write(MSR_REFERENCE_TSC, 0));
	assert_int_equal(memory[2 * PAGE], 3);
}

static void
only_what_is_offered_is_there(void **state)
{
	uint64_t value;

	assert_false(hyperv_msr_write(MSR_TIME_REF_COUNT, 0));
	assert_false(hyperv_msr_write(MSR_VP_INDEX, 0));
	assert_false(hyperv_msr_read(MSR_INVARIANT, &value));
	assert_false(hyperv_msr_read(0x400000b0, &value));
	assert_true(hyperv_option("features", "0x60"));
	assert_false(hyperv_msr_read(MSR_TIME_REF_COUNT, &value));
	assert_false(hyperv_msr_write(MSR_REFERENCE_TSC, PAGE | ENABLE));
	assert_false(hyperv_msr_write(MSR_SCONTROL, 1));
	assert_int_equal(get(MSR_VP_INDEX), 0);
	assert_true(hyperv_option("features", "0x8af7"));
	assert_true(hyperv_msr_write(MSR_INVARIANT, 1));
	assert_true(hyperv_invariant());
	assert_true(hyperv_option("features", "0xaf7"));
}

static void
messages_wait_for_their_slot(void **state)
{
	struct message *m;

	assert_non_null(hyperv_message(2, 1, "abc", 3));
	hyperv_msr_write(MSR_SCONTROL, 1);
	hyperv_msr_write(MSR_SIMP, 4 * PAGE | ENABLE);
	assert_false(hyperv_msr_write(MSR_SINT0 + 2, 3));
	hyperv_msr_write(MSR_SINT0 + 2, 0x51);
	assert_null(hyperv_message(2, 7, "abc", 3));
	assert_int_equal(vector, 0x51);
	assert_false(eoi);
	m = (struct message *)(memory + 4 * PAGE) + 2;
	assert_int_equal(m->type, 7);
	assert_int_equal(m->size, 3);
	assert_memory_equal(m->data, "abc", 3);
	vector = 0;
	assert_non_null(hyperv_message(2, 8, "def", 3));
	assert_int_equal(m->flags & 1, 1);
	assert_int_equal(vector, 0);
	m->type = 0;
	hyperv_msr_write(MSR_SINT0 + 2, 0x52 | SINT_AUTO_EOI);
	assert_null(hyperv_message(2, 8, "def", 3));
	assert_int_equal(vector, 0x52);
	assert_true(eoi);
}

static uint64_t
call(uint64_t control, uint64_t input)
{
	struct hv_regs r = { .cx = control, .dx = input };

	assert_int_equal(hyperv_hypercall(&r), HV_DONE);
	return (r.ax);
}

static void
hypercalls_have_the_right_status(void **state)
{
	struct post *p = (struct post *)(memory + 5 * PAGE);

	memset(p, 0, sizeof(*p));
	p->connection = 1;
	p->type = 1;
	p->size = 4;
	memcpy(p->data, "ping", 4);
	assert_int_equal(call(CALL_POST_MESSAGE, 5 * PAGE), STATUS_SUCCESS);
	assert_string_equal(last, "post 1 1 \"ping\"");
	assert_int_equal(call(CALL_POST_MESSAGE, 5 * PAGE + 4),
	    STATUS_ALIGNMENT);
	assert_int_equal(call(CALL_POST_MESSAGE, 6 * PAGE - 8),
	    STATUS_ALIGNMENT);
	p->connection = 9;
	assert_int_equal(call(CALL_POST_MESSAGE, 5 * PAGE),
	    STATUS_CONNECTION);
	p->size = MESSAGE_DATA + 1;
	assert_int_equal(call(CALL_POST_MESSAGE, 5 * PAGE),
	    STATUS_PARAMETER);
	assert_int_equal(call(CALL_SIGNAL_EVENT | CALL_FAST, 3ULL << 32 | 1),
	    STATUS_SUCCESS);
	assert_string_equal(last, "signal 1 3");
	assert_int_equal(call(0x7fff, 0), STATUS_CODE);
	assert_int_equal(call(1ULL << 63 | CALL_LONG_SPIN, 0), STATUS_INPUT);
	assert_int_equal(call(CALL_PARTITION_ID, 0), STATUS_DENIED);
}

static void
a_crash_is_told(void **state)
{
	memcpy(memory + 6 * PAGE, "panic: why", 10);
	hyperv_msr_write(MSR_CRASH_P0, 1);
	hyperv_msr_write(MSR_CRASH_P0 + 3, 6 * PAGE);
	hyperv_msr_write(MSR_CRASH_P4, 10);
	hyperv_msr_write(MSR_CRASH_CTL, CRASH_NOTIFY);
	assert_string_equal(last, "crash 0x1 0x0 0x0 0x6000 0xa");
	hyperv_msr_write(MSR_CRASH_CTL, CRASH_NOTIFY | CRASH_MESSAGE);
	assert_string_equal(last, "crash message \"panic: why\"");
	hyperv_msr_write(MSR_CRASH_P4, PAGE + 1);
	hyperv_msr_write(MSR_CRASH_CTL, CRASH_NOTIFY | CRASH_MESSAGE);
	assert_string_equal(last, "crash message is not to be had");
	hyperv_msr_write(MSR_RESET, 1);
	assert_int_equal(resets, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    the_page_of_hypercalls_lies_over_the_guests, setup),
		cmocka_unit_test_setup(page_and_counter_are_the_same_clock,
		    setup),
		cmocka_unit_test_setup(only_what_is_offered_is_there, setup),
		cmocka_unit_test_setup(messages_wait_for_their_slot, setup),
		cmocka_unit_test_setup(hypercalls_have_the_right_status,
		    setup),
		cmocka_unit_test_setup(a_crash_is_told, setup),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

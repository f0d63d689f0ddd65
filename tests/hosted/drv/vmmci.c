/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* vmmci(4) against the model of OpenBSD's control device. */

#include "test.h"

#include <sys/errno.h>
#include <sys/halthook.h>
#include <sys/md.h>
#include <sys/sysctl.h>
#include <sys/todr.h>

#include "sim/sim.h"

#define SECOND		1000000000ULL
#define MSEC		1000000ULL
#define SENSOR		"hw.sensors.vmmci0.timedelta0"

static struct sim_vmmci	*vi;
static struct vmmci	*vm;

/* --- the machine --------------------------------------------------------- */

/* Its clock is of whole seconds, as such clocks are. */
static int64_t		rtc_ahead;
static bool		rtc_broken;

static uint64_t
rtc_wall(void)
{
	return (SIM_VMMCI_BOOT + hosted_now + rtc_ahead);
}

static int
rtc_get(void *arg, uint64_t *ns)
{
	*ns = rtc_wall() / SECOND * SECOND;
	return (rtc_broken ? ENXIO : 0);
}

static struct todr rtc = { .td_get = rtc_get };

/* The end of it, of which a process here would not come back. */
static TAILQ_HEAD(, halthook) hooks = TAILQ_HEAD_INITIALIZER(hooks);

void
halthook_add(struct halthook *hh)
{
	TAILQ_INSERT_TAIL(&hooks, hh, hh_link);
}

void
halthook_remove(struct halthook *hh)
{
	TAILQ_REMOVE(&hooks, hh, hh_link);
}

void
kern_halt(int status)
{
	md_halt(status);
}

static void
end_with(int status)
{
	struct halthook *hh;
	int s = splraise(IPL_HIGH);

	TAILQ_FOREACH(hh, &hooks, hh_link)
		hh->hh_fn(hh->hh_arg, status);
	splx(s);
}

static void
power_off(void)
{
	end_with(0);
}

static int
setup(void **state)
{
	sim_init();
	vi = NULL;
	sim_npoweroff = sim_nreboot = 0;
	rtc_ahead = 0;
	rtc_broken = false;
	todr_attach(&rtc);
	return (time_resync());
}

static void
end(void)
{
	sim_detach();
	if (vi != NULL)
		sim_vmmci_free(vi);
	vi = NULL;
	vm = NULL;
}

static int
teardown(void **state)
{
	end();
	todr_detach(&rtc);
	if (!TAILQ_EMPTY(&hooks)) {
		host_complain("a hook is left");
		return (1);
	}
	return (sim_fini());
}

static void
make(uint32_t features)
{
	vi = sim_vmmci_new();
	vm = &vi->vi_model;
	vm->vm_offered = features;
}

/* An order of bytes that is not a PC's has no use for the old registers. */
static void
attach(uint32_t features)
{
	if (WIRE_LE_SWAP)
		skip();
	make(features);
	sim_attach();
	if (!sim_said("vmmci0 at virtio0"))
		fail_msg("%s", hosted_console());
	hosted_run(MSEC);
}

static void
pass(uint64_t nsec)
{
	hosted_run(nsec);
	(void)vmmci_tick(vm);
}

static u_int
lines_with(const char *text)
{
	const char *p = hosted_console();
	size_t n = strlen(text);
	u_int lines = 0;

	for (; *p != '\0'; p++)
		lines += strncmp(p, text, n) == 0;
	return (lines);
}

/* The host asks; well within a second the guest has done what it will do. */
static void
ask(uint32_t command)
{
	vmmci_request(vm, command);
	pass(100 * MSEC);
}

static void
command(uint32_t command)
{
	vmmci_force(vm, command);
	pass(100 * MSEC);
}

static void
assert_near(uint64_t a, uint64_t b, uint64_t by)
{
	assert_in_range(a, b - by, b + by);
}

/* --- attachment ---------------------------------------------------------- */

static void
it_attaches_to_virtio_by_the_old_registers(void **state)
{
	attach(VMMCI_F_ALL);
	assert_true(sim_said("virtio0 at pci0"));
	assert_true(sim_said("VMM Control"));
	assert_true(sim_said(", 0.9"));
	assert_true(vm->vm_status == 0x07);
	assert_int_equal(lines_with("vmmci0"), 1);
}

static void
a_kernel_of_the_other_order_leaves_it_alone(void **state)
{
	if (!WIRE_LE_SWAP)
		skip();
	make(VMMCI_F_ALL);
	sim_attach();
	hosted_run(MSEC);
	assert_true(sim_said("virtio0 at pci0"));
	assert_false(sim_said("vmmci0"));
	assert_int_equal(vm->vm_status & VMMCI_DRIVER_OK, 0);
}

static void
each_set_of_features_is_accepted_as_it_is(void **state)
{
	uint32_t features;

	for (features = 0; features <= VMMCI_F_ALL; features++) {
		attach(features);
		assert_int_equal(vm->vm_features, features);
		assert_int_equal(vm->vm_status, 0x07);
		ask(VMMCI_REBOOT);
		assert_int_equal(sim_nreboot, features + 1);
		end();
	}
}

static void
features_that_nobody_knows_are_not_accepted(void **state)
{
	attach(0xffffffff);
	/* those of rings that have one are no matter here */
	assert_int_equal(vm->vm_features & 0x00ffffff, VMMCI_F_ALL);
}

static void
while_nothing_happens_the_device_is_left_alone(void **state)
{
	u_int n;

	attach(VMMCI_F_ALL);
	n = vi->vi_pci.sp_naccess;
	pass(3600 * SECOND);
	assert_int_equal(vi->vi_pci.sp_naccess, n);
}

/* --- shutdown, reboot ---------------------------------------------------- */

static void
a_shutdown_is_passed_on_once_and_answered(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(sim_nreboot, 0);
	assert_int_equal(vi->vi_nacks, 1);
	assert_int_equal(vi->vi_acked, VMMCI_SHUTDOWN);
	assert_int_equal(lines_with("\nvmmci0: "), 1);
	assert_true(sim_said("vmmci0: the host asks to power off"));
	pass(600 * SECOND);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(vm->vm_nwritten, 1);
}

static void
a_reboot_is_passed_on_once_and_answered(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_REBOOT);
	assert_int_equal(sim_nreboot, 1);
	assert_int_equal(sim_npoweroff, 0);
	assert_int_equal(vi->vi_nacks, 1);
	assert_int_equal(vi->vi_acked, VMMCI_REBOOT);
	assert_int_equal(lines_with("\nvmmci0: "), 1);
}

static void
the_answer_buys_two_minutes(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_SHUTDOWN);
	pass(119 * SECOND);
	assert_int_equal(vi->vi_nkilled, 0);
	pass(2 * SECOND);
	assert_int_equal(vi->vi_death, VMMCI_NO_END);
	end();
	attach(VMMCI_F_ALL & ~VMMCI_F_ACK);
	ask(VMMCI_SHUTDOWN);
	pass(2 * SECOND);
	assert_int_equal(vi->vi_nkilled, 0);
	pass(2 * SECOND);
	assert_int_equal(vi->vi_death, VMMCI_NO_ANSWER);
}

static void
nothing_is_written_unless_answers_were_negotiated(void **state)
{
	attach(VMMCI_F_TIMESYNC | VMMCI_F_SYNCRTC);
	ask(VMMCI_SYNCRTC);
	ask(VMMCI_SHUTDOWN);
	ask(VMMCI_REBOOT);
	command(77);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(sim_nreboot, 1);
	assert_int_equal(vm->vm_nwritten, 0);
}

static void
the_same_command_again_is_none(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_SHUTDOWN);
	command(VMMCI_SHUTDOWN);
	command(VMMCI_SHUTDOWN);
	vmmci_interrupt(vm);
	pass(SECOND);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(lines_with("\nvmmci0: "), 1);
}

static void
another_command_is_heard(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_SHUTDOWN);
	ask(VMMCI_REBOOT);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 2);
	assert_int_equal(sim_nreboot, 1);
	assert_int_equal(vi->vi_nacks, 3);
}

static void
none_does_nothing_and_ends_what_was(void **state)
{
	attach(VMMCI_F_ALL);
	command(VMMCI_NONE);
	assert_int_equal(lines_with("\nvmmci0: "), 0);
	assert_int_equal(vm->vm_nwritten, 0);
	ask(VMMCI_REBOOT);
	command(VMMCI_NONE);
	assert_int_equal(sim_nreboot, 1);
	assert_int_equal(vm->vm_nwritten, 1);
	assert_int_equal(lines_with("\nvmmci0: "), 1);
	command(VMMCI_REBOOT);
	assert_int_equal(sim_nreboot, 2);
}

static void
an_unknown_command_is_told_and_not_answered(void **state)
{
	attach(VMMCI_F_ALL);
	command(4);
	assert_int_equal(lines_with("\nvmmci0: "), 1);
	assert_int_equal(vm->vm_nwritten, 0);
	assert_int_equal(sim_npoweroff + sim_nreboot, 0);
	/* like none: what comes behind it is new */
	ask(VMMCI_SHUTDOWN);
	command(0x80000001);
	command(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 2);
	assert_int_equal(vi->vi_nacks, 2);
}

static void
two_devices_are_each_heard_by_name(void **state)
{
	struct sim_vmmci *first;

	if (WIRE_LE_SWAP)
		skip();
	first = sim_vmmci_new();
	make(VMMCI_F_ALL);
	sim_attach();
	assert_true(sim_said("vmmci1 at virtio1"));
	vmmci_request(&first->vi_model, VMMCI_REBOOT);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(lines_with("\nvmmci0: "), 1);
	assert_int_equal(lines_with("\nvmmci1: "), 1);
	assert_int_equal(first->vi_nacks, 1);
	assert_int_equal(vi->vi_nacks, 1);
	end();
	sim_vmmci_free(first);
}

/* --- the guest's own power-off ------------------------------------------- */

static void
a_guest_that_powers_off_says_so(void **state)
{
	attach(VMMCI_F_ALL);
	power_off();
	assert_int_equal(vi->vi_npoweroff, 1);
	assert_int_equal(vm->vm_nwritten, 1);
	pass(4 * SECOND);
	assert_int_equal(vi->vi_death, VMMCI_WISHED);
}

static void
a_halted_guest_says_so_and_one_that_starts_again_does_not(void **state)
{
	attach(VMMCI_F_ALL);
	end_with(MD_REBOOT);
	assert_int_equal(vi->vi_npoweroff, 0);
	end_with(MD_HALT);
	assert_int_equal(vi->vi_npoweroff, 1);
}

static void
who_was_asked_to_power_off_does_not_ask_for_it(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_SHUTDOWN);
	power_off();
	assert_int_equal(vi->vi_npoweroff, 0);
	assert_int_equal(vm->vm_nwritten, 1);
	end();
	attach(VMMCI_F_ALL);
	ask(VMMCI_REBOOT);
	power_off();
	assert_int_equal(vm->vm_nwritten, 1);
}

static void
a_clock_that_was_set_is_no_reason_not_to_ask(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_SYNCRTC);
	power_off();
	assert_int_equal(vi->vi_npoweroff, 1);
}

static void
nor_is_a_command_that_was_taken_back(void **state)
{
	attach(VMMCI_F_ALL);
	ask(VMMCI_SHUTDOWN);
	command(VMMCI_NONE);
	power_off();
	assert_int_equal(vi->vi_npoweroff, 1);
}

/* --- the clock ----------------------------------------------------------- */

static void
the_clock_is_set_to_that_of_the_host_each_time(void **state)
{
	attach(VMMCI_F_ALL);
	vi->vi_ahead = 1000 * SECOND;
	ask(VMMCI_SYNCRTC);
	assert_near(nsecwall(), sim_vmmci_wall(vi), 5 * MSEC);
	assert_int_equal(vi->vi_nacks, 1);
	assert_int_equal(vm->vm_command, VMMCI_NONE);
	pass(7 * SECOND + 123 * MSEC);
	vi->vi_ahead = -500 * (int64_t)SECOND;
	ask(VMMCI_SYNCRTC);
	assert_near(nsecwall(), sim_vmmci_wall(vi), 5 * MSEC);
	assert_int_equal(vi->vi_nacks, 2);
	assert_int_equal(sim_npoweroff + sim_nreboot, 0);
}

/* Nobody clears the command, so it is the same as the last. */
static void
the_clock_is_set_again_also_without_answers(void **state)
{
	attach(VMMCI_F_TIMESYNC | VMMCI_F_SYNCRTC);
	command(VMMCI_SYNCRTC);
	vi->vi_ahead = 100 * SECOND;
	command(VMMCI_SYNCRTC);
	assert_near(nsecwall(), sim_vmmci_wall(vi), 5 * MSEC);
	assert_int_equal(vm->vm_nwritten, 0);
}

/* vmd asks when its clock has jumped, and so has the machine's. */
static void
a_clock_that_jumped_is_followed_once(void **state)
{
	u_int i;

	attach(VMMCI_F_ALL);
	for (i = 0; i < 3; i++) {
		rtc_ahead += 1000 * SECOND;
		vi->vi_ahead += 1000 * SECOND;
		ask(VMMCI_SYNCRTC);
		assert_near(nsecwall(), sim_vmmci_wall(vi), 5 * MSEC);
		pass(10 * SECOND);
		assert_near(nsecwall(), sim_vmmci_wall(vi), 5 * MSEC);
	}
}

static void
without_any_clock_time_goes_on(void **state)
{
	uint64_t before;

	attach(VMMCI_F_ALL & ~VMMCI_F_TIMESYNC);
	before = nsecwall();
	rtc_broken = true;
	ask(VMMCI_SYNCRTC);
	assert_near(nsecwall(), before + 100 * MSEC, MSEC);
	assert_int_equal(sim_npoweroff + sim_nreboot, 0);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 1);
}

static void
without_the_time_of_the_host_the_machine_tells_it(void **state)
{
	attach(VMMCI_F_ALL & ~VMMCI_F_TIMESYNC);
	rtc_ahead = 5000 * SECOND;
	ask(VMMCI_SYNCRTC);
	assert_near(nsecwall(), rtc_wall(), SECOND);
	assert_int_equal(vi->vi_nacks, 1);
	assert_int_equal(vm->vm_ntime, 0);
}

static void
who_cannot_set_its_clock_is_not_asked_to(void **state)
{
	attach(VMMCI_F_TIMESYNC | VMMCI_F_ACK);
	ask(VMMCI_SYNCRTC);
	assert_int_equal(vi->vi_nskipped, 1);
	assert_int_equal(vm->vm_nwritten, 0);
}

static const struct {
	uint64_t sec, usec;
} nonsense[] = {
	{ 0, 0 }, { 0, 5 }, { 1800000000, 0 }, { 1800000000, 1000000 },
	{ 1800000000, 0xffffffff }, { ~0ULL, 5 }, { 1ULL << 63, 5 },
	{ 1ULL << 62, 999999 }, { 1800000000, 5 + (1ULL << 32) },
	{ ~0ULL, ~0ULL },
};

static void
a_time_that_cannot_be_does_not_reach_the_clock(void **state)
{
	uint64_t before;
	u_int i;

	attach(VMMCI_F_ALL);
	vm->vm_lies = true;
	for (i = 0; i < nitems(nonsense); i++) {
		assert_int_equal(time_resync(), 0);
		before = nsecwall();
		vm->vm_liesec = nonsense[i].sec;
		vm->vm_lieusec = nonsense[i].usec;
		ask(VMMCI_SYNCRTC);
		/* it goes on as it was, or by the machine's */
		if (nsecwall() + SECOND - before > 2 * SECOND)
			fail_msg("%u: %llu.%06llu", i,
			    (unsigned long long)nonsense[i].sec,
			    (unsigned long long)nonsense[i].usec);
	}
	/* and then a sound one */
	vm->vm_lies = false;
	vi->vi_ahead = 333 * SECOND;
	command(VMMCI_NONE);
	ask(VMMCI_SYNCRTC);
	assert_near(nsecwall(), sim_vmmci_wall(vi), 5 * MSEC);
}

/* --- the sensor ---------------------------------------------------------- */

static const char *
sensor(void)
{
	static char text[64];
	size_t len;

	assert_int_equal(sysctl_read(SENSOR, text, sizeof(text), &len), 0);
	assert_int_equal(len, strlen(text));
	return (text);
}

/* "-0.000123 secs": in microseconds */
static int64_t
delta(void)
{
	const char *p = sensor(), *text = p;
	bool minus = *p == '-';
	int64_t v = 0;
	u_int i;

	if (minus)
		p++;
	assert_true(*p >= '0' && *p <= '9');
	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + *p - '0';
	if (*p++ != '.')
		fail_msg("%s", text);
	for (i = 0; i < 6; i++, p++) {
		assert_true(*p >= '0' && *p <= '9');
		v = v * 10 + *p - '0';
	}
	assert_string_equal(p, " secs");
	return (minus ? -v : v);
}

static void
assert_delta(int64_t usec)
{
	int64_t d = delta();

	if (d < usec - 100 || d > usec + 100)
		fail_msg("%lld, not %lld", (long long)d, (long long)usec);
}

static void
the_sensor_is_the_guest_less_the_host(void **state)
{
	static const int64_t ahead[] = {
		0, 5000000, -5000000, 123, -123, 999999, -1000001,
		86400000000, -31536000000000
	};
	u_int i;

	attach(VMMCI_F_ALL);
	for (i = 0; i < nitems(ahead); i++) {
		vi->vi_ahead = ahead[i] * 1000;
		assert_delta(-ahead[i]);
		pass(SECOND + 123456789);
	}
}

/* The microseconds are those of the seconds: in whatever part of one. */
static void
the_sensor_has_both_parts_of_one_moment(void **state)
{
	u_int i;

	attach(VMMCI_F_TIMESYNC);
	vi->vi_ahead = 7 * SECOND;
	for (i = 0; i < 20; i++) {
		pass(SECOND + 70 * MSEC);
		assert_delta(-7000000);
	}
}

static void
the_sensor_is_read_when_it_is_asked_for(void **state)
{
	u_int n;

	attach(VMMCI_F_ALL);
	pass(100 * SECOND);
	n = vm->vm_ntime;
	(void)sensor();
	assert_int_equal(vm->vm_ntime, n + 1);
	pass(100 * SECOND);
	assert_int_equal(vm->vm_ntime, n + 1);
}

static void
a_clock_that_was_set_shows_in_the_sensor(void **state)
{
	attach(VMMCI_F_ALL);
	vi->vi_ahead = 77 * SECOND;
	assert_delta(-77000000);
	ask(VMMCI_SYNCRTC);
	assert_delta(0);
}

static void
the_sensor_is_unknown_while_the_time_cannot_be(void **state)
{
	u_int i;

	attach(VMMCI_F_ALL);
	assert_delta(0);
	vm->vm_lies = true;
	for (i = 0; i < nitems(nonsense); i++) {
		vm->vm_liesec = nonsense[i].sec;
		vm->vm_lieusec = nonsense[i].usec;
		if (strcmp(sensor(), "unknown") != 0)
			fail_msg("%u: %s", i, sensor());
	}
	vm->vm_lies = false;
	assert_delta(0);
}

static void
without_the_time_of_the_host_there_is_no_sensor(void **state)
{
	char text[64];
	size_t len;
	int error;

	attach(VMMCI_F_ACK);
	error = sysctl_read(SENSOR, text, sizeof(text), &len);
	assert_true(error == ENOENT ||
	    (error == 0 && strcmp(text, "unknown") == 0));
	assert_int_equal(vm->vm_ntime, 0);
}

/* --- hostile devices ----------------------------------------------------- */

static void
interrupts_without_a_command_are_nothing(void **state)
{
	u_int i;

	attach(VMMCI_F_ALL);
	for (i = 0; i < 100; i++) {
		vmmci_interrupt(vm);
		if (i % 3 == 0)
			pass(MSEC);
	}
	assert_int_equal(lines_with("\nvmmci0: "), 0);
	assert_int_equal(vm->vm_nwritten, 0);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 1);
}

static void
a_storm_of_interrupts_passes(void **state)
{
	attach(VMMCI_F_ALL);
	vm->vm_storm = 20000;
	vmmci_interrupt(vm);
	pass(10 * SECOND);
	assert_int_equal(vm->vm_storm, 0);
	assert_true(lines_with("vmmci0: ") <= 2);
	assert_int_equal(sim_npoweroff + sim_nreboot, 0);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(vi->vi_nacks, 1);
}

/* Each time that somebody looks there is another one. */
static void
flips(uint32_t a, uint32_t b)
{
	u_int i;

	attach(VMMCI_F_ALL);
	sim_lenient = true;
	vm->vm_flips = true;
	vm->vm_flip[0] = a;
	vm->vm_flip[1] = b;
	for (i = 0; i < 3000; i++) {
		vmmci_interrupt(vm);
		hosted_run(MSEC);
	}
	if (lines_with("\n") > 100)
		fail_msg("%u and %u: %u lines", a, b, lines_with("\n"));
	/* the rest goes on */
	vm->vm_flips = false;
	assert_delta((int64_t)(nsecwall() - sim_vmmci_wall(vi)) / 1000);
	end();
	sim_lenient = false;
}

static void
a_command_that_changes_for_ever_is_told_a_few_times(void **state)
{
	flips(78, 79);
	flips(77, VMMCI_NONE);
	flips(VMMCI_NONE, VMMCI_SYNCRTC);
	flips(VMMCI_SHUTDOWN, VMMCI_REBOOT);
	flips(VMMCI_SHUTDOWN, VMMCI_NONE);
	flips(VMMCI_SYNCRTC, 0xffffffff);
}

static void
unknown_commands_without_end_are_told_a_few_times(void **state)
{
	u_int i;

	attach(VMMCI_F_ALL);
	for (i = 0; i < 3000; i++) {
		vmmci_force(vm, 4 + i);
		hosted_run(MSEC);
	}
	assert_true(lines_with("\n") <= 100);
	assert_int_equal(vm->vm_nwritten, 0);
}

/* What was asked before the flood, and after it, is heard. */
static void
after_a_flood_a_shutdown_is_heard(void **state)
{
	u_int i;

	attach(VMMCI_F_ALL);
	for (i = 0; i < 3000; i++) {
		vmmci_force(vm, 4 + i);
		hosted_run(MSEC);
	}
	pass(3600 * SECOND);
	command(VMMCI_NONE);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(vi->vi_nacks, 1);
}

static void
an_answer_that_is_not_read_back_is_no_matter(void **state)
{
	static const uint32_t back[] = { VMMCI_NONE, VMMCI_REBOOT, 99,
	    0xffffffff };
	u_int i;

	for (i = 0; i < nitems(back); i++) {
		attach(VMMCI_F_ALL);
		vm->vm_forgets = true;
		vm->vm_forgotten = back[i];
		ask(VMMCI_SHUTDOWN);
		pass(10 * SECOND);
		assert_int_equal(sim_npoweroff, i + 1);
		assert_int_equal(vm->vm_nwritten, 1);
		end();
	}
}

/* With its line down, which nobody could lower any more. */
static void
vanish(void)
{
	vm->vm_gone = true;
	sim_pci_setline(&vi->vi_pci, false);
}

static void
ones_wherever_one_reads_are_no_command(void **state)
{
	attach(VMMCI_F_ALL);
	vanish();
	hosted_irq_raise(vi->vi_pci.sp_irq);
	pass(10 * SECOND);
	assert_string_equal(sensor(), "unknown");
	assert_int_equal(sim_npoweroff + sim_nreboot, 0);
	assert_true(lines_with("\n") < 20);
	power_off();
}

static void
ones_from_the_beginning_are_no_device(void **state)
{
	make(VMMCI_F_ALL);
	vm->vm_gone = true;
	sim_attach();
	pass(10 * SECOND);
	assert_true(lines_with("\n") < 20);
}

static void
a_command_before_the_driver_is_ready_does_no_harm(void **state)
{
	if (WIRE_LE_SWAP)
		skip();
	make(VMMCI_F_ALL);
	vmmci_force(vm, VMMCI_REBOOT);
	sim_attach();
	pass(SECOND);
	assert_true(sim_nreboot <= 1);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(vi->vi_acked, VMMCI_SHUTDOWN);
}

static void
after_a_reset_of_the_device_it_is_heard(void **state)
{
	attach(VMMCI_F_ALL);
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	pass(SECOND);
	assert_int_equal(vm->vm_status, 0x07);
	assert_int_equal(vm->vm_features, VMMCI_F_ALL);
	ask(VMMCI_SHUTDOWN);
	assert_int_equal(sim_npoweroff, 1);
	assert_int_equal(vi->vi_nacks, 1);
	vi->vi_ahead = SECOND;
	assert_delta(-1000000);
}

/* Anything at any time: nothing to expect but that it goes on. */
static void
misbehave(void)
{
	switch (sim_random(9)) {
	case 0:
		vmmci_force(vm, sim_random(6));
		break;
	case 1:
		vmmci_force(vm, sim_random(0xffffffff));
		break;
	case 2:
		vmmci_request(vm, sim_random(4));
		break;
	case 3:
		vm->vm_lies = sim_random(2);
		vm->vm_liesec = (uint64_t)sim_random(~0U) << 32 |
		    sim_random(~0U);
		vm->vm_lieusec = sim_random(2000000);
		break;
	case 4:
		vm->vm_flips = sim_random(2);
		vm->vm_flip[0] = sim_random(5);
		vm->vm_flip[1] = sim_random(5);
		break;
	case 5:
		vm->vm_storm = sim_random(50);
		break;
	case 6:
		vm->vm_forgets = sim_random(2);
		vm->vm_forgotten = sim_random(5);
		break;
	case 7:
		(void)sensor();
		break;
	default:
		hosted_run(sim_random(SECOND));
		break;
	}
}

static void
no_misbehaviour_costs_more_than_the_service(void **state)
{
	u_int seed, i;

	for (seed = 1; seed <= 20; seed++) {
		sim_seed(seed);
		attach(VMMCI_F_TIMESYNC | sim_random(8));
		sim_lenient = true;
		for (i = 0; i < 300; i++)
			misbehave();
		if (seed % 4 == 0)
			vanish();
		end();
		sim_lenient = false;
		assert_int_equal(hosted_nallocs, 0);
	}
}

/* --- the end ------------------------------------------------------------- */

static void
detach_leaves_nothing(void **state)
{
	char text[64];
	size_t len;

	attach(VMMCI_F_ALL);
	(void)sensor();
	vmmci_request(vm, VMMCI_SYNCRTC);	/* and is on its way */
	sim_detach();
	assert_int_equal(hosted_nallocs, 0);
	assert_int_equal(vm->vm_status & VMMCI_DRIVER_OK, 0);
	assert_int_equal(sysctl_read(SENSOR, text, sizeof(text), &len),
	    ENOENT);
	vmmci_force(vm, VMMCI_SHUTDOWN);
	pass(SECOND);
	assert_int_equal(sim_npoweroff, 0);
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		make(VMMCI_F_ALL);
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		end();
		hosted_run(1000);
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 5 && n < 500);
	hosted_fail_at = 0;
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	char text[64];
	size_t len;
	u_int n;

	for (n = 1; n < 3000; n++) {
		sim_gone = false;
		make(VMMCI_F_ALL);
		sim_gone_at = n;
		sim_attach();
		hosted_run(MSEC);
		(void)sysctl_read(SENSOR, text, sizeof(text), &len);
		if (!sim_gone)
			vmmci_force(vm, VMMCI_SYNCRTC);
		hosted_run(SECOND);
		if (!sim_gone)
			vmmci_force(vm, VMMCI_SHUTDOWN);
		hosted_run(SECOND);
		power_off();
		end();
		assert_int_equal(hosted_nallocs, 0);
		if (sim_gone_at != 0)
			break;
	}
	assert_true(n > 30 && n < 3000);
	sim_gone = false;
	sim_gone_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_attaches_to_virtio_by_the_old_registers),
		TEST(a_kernel_of_the_other_order_leaves_it_alone),
		TEST(each_set_of_features_is_accepted_as_it_is),
		TEST(features_that_nobody_knows_are_not_accepted),
		TEST(while_nothing_happens_the_device_is_left_alone),
		TEST(a_shutdown_is_passed_on_once_and_answered),
		TEST(a_reboot_is_passed_on_once_and_answered),
		TEST(the_answer_buys_two_minutes),
		TEST(nothing_is_written_unless_answers_were_negotiated),
		TEST(the_same_command_again_is_none),
		TEST(another_command_is_heard),
		TEST(none_does_nothing_and_ends_what_was),
		TEST(an_unknown_command_is_told_and_not_answered),
		TEST(two_devices_are_each_heard_by_name),
		TEST(a_guest_that_powers_off_says_so),
		TEST(a_halted_guest_says_so_and_one_that_starts_again_does_not),
		TEST(who_was_asked_to_power_off_does_not_ask_for_it),
		TEST(a_clock_that_was_set_is_no_reason_not_to_ask),
		TEST(nor_is_a_command_that_was_taken_back),
		TEST(the_clock_is_set_to_that_of_the_host_each_time),
		TEST(the_clock_is_set_again_also_without_answers),
		TEST(a_clock_that_jumped_is_followed_once),
		TEST(without_any_clock_time_goes_on),
		TEST(without_the_time_of_the_host_the_machine_tells_it),
		TEST(who_cannot_set_its_clock_is_not_asked_to),
		TEST(a_time_that_cannot_be_does_not_reach_the_clock),
		TEST(the_sensor_is_the_guest_less_the_host),
		TEST(the_sensor_has_both_parts_of_one_moment),
		TEST(the_sensor_is_read_when_it_is_asked_for),
		TEST(a_clock_that_was_set_shows_in_the_sensor),
		TEST(the_sensor_is_unknown_while_the_time_cannot_be),
		TEST(without_the_time_of_the_host_there_is_no_sensor),
		TEST(interrupts_without_a_command_are_nothing),
		TEST(a_storm_of_interrupts_passes),
		TEST(a_command_that_changes_for_ever_is_told_a_few_times),
		TEST(unknown_commands_without_end_are_told_a_few_times),
		TEST(after_a_flood_a_shutdown_is_heard),
		TEST(an_answer_that_is_not_read_back_is_no_matter),
		TEST(ones_wherever_one_reads_are_no_command),
		TEST(ones_from_the_beginning_are_no_device),
		TEST(a_command_before_the_driver_is_ready_does_no_harm),
		TEST(after_a_reset_of_the_device_it_is_heard),
		TEST(no_misbehaviour_costs_more_than_the_service),
		TEST(detach_leaves_nothing),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

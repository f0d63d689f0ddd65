/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The example driver of virtio(9), the same source, against a simulated
 * entropy device.
 */

#include "test.h"

#include <sys/sysctl.h>
#include <sys/thread.h>

#include "sim/nodes.h"
#include "sim/sim.h"

static struct sim_rnd	*rn;
static struct cdev	*node;
static uint8_t		 buf[600];
static int		 rd_error;
static size_t		 rd_done;

static const struct sim_virtio_conf plain = {
	.vc_nvec = 2, .vc_when = SIM_LATER,
	.vc_features = 1ULL << 29,		/* EVENT_IDX */
};

static int
setup(void **state)
{
	sim_init();
	rn = NULL;
	node = NULL;
	return (0);
}

static int
teardown(void **state)
{
	node_close(node, FREAD);
	sim_detach();
	if (rn != NULL)
		sim_rnd_free(rn);
	return (sim_fini());
}

static void
attach(const struct sim_virtio_conf *vc)
{
	rn = sim_rnd_new(vc);
	sim_attach();
	node = node_open("vioex0", FREAD);
	if (node == NULL)
		fail_msg("%s", hosted_console());
}

static int
read_some(size_t n, int flags)
{
	return (node_rdwr(node, UIO_READ, buf, n, 0, flags, &rd_done));
}

static void
reader(void *arg)
{
	rd_error = read_some(sizeof(buf), 0);
}

static struct thread *
start_reader(void)
{
	struct thread *td;

	rd_error = -1;
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(1000000);
	return (td);
}

static void
assert_read(uint64_t from, size_t n)
{
	size_t i;

	assert_int_equal(rd_done, n);
	for (i = 0; i < n; i++)
		assert_int_equal(buf[i], sim_rnd_byte(from + i));
}

static void
reads_give_what_the_device_gave(void **state)
{
	attach(&plain);
	assert_int_equal(read_some(sizeof(buf), 0), 0);
	assert_read(0, 256);
	/* what nobody reads of a request is gone */
	assert_int_equal(read_some(10, 0), 0);
	assert_read(256, 10);
	rn->rn_most = 3;
	assert_int_equal(read_some(10, 0), 0);
	assert_read(512, 3);
}

static void
who_wants_nothing_does_not_wait(void **state)
{
	attach(&plain);
	rn->rn_hold = true;
	assert_int_equal(read_some(0, 0), 0);
	assert_int_equal(rn->rn_sv->sv_vq[0].sq_nheld, 0);
}

static void
second_reader(void *arg)
{
	static uint8_t b[256];
	size_t i, done;

	*(int *)arg = node_rdwr(node, UIO_READ, b, sizeof(b), 0, 0, &done);
	assert_int_equal(done, sizeof(b));
	for (i = 0; i < done; i++)
		assert_int_equal(b[i], sim_rnd_byte(256 + i));
}

static void
each_of_two_readers_has_bytes_of_its_own(void **state)
{
	struct thread *td, *second;
	int error = -1;

	attach(&plain);
	rn->rn_hold = true;
	td = start_reader();
	assert_int_equal(kthread_create(second_reader, &error, PRI_KERN, "s",
	    &second), 0);
	hosted_run(1000000);
	sim_rnd_release(rn);
	kthread_join(td);
	kthread_join(second);
	assert_int_equal(rd_error, 0);
	assert_read(0, 256);
	assert_int_equal(error, 0);
}

static void
it_drives_a_legacy_device_as_well(void **state)
{
	struct sim_virtio_conf vc = plain;

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_nvec = 0;
	attach(&vc);
	assert_int_equal(read_some(256, 0), 0);
	assert_read(0, 256);
}

static void
without_waiting_the_first_read_only_asks(void **state)
{
	attach(&plain);
	assert_int_equal(read_some(8, FNONBLOCK), EAGAIN);
	assert_int_equal(read_some(8, FNONBLOCK), EAGAIN);
	hosted_run(1000000);
	assert_int_equal(read_some(8, FNONBLOCK), 0);
	assert_read(0, 8);
}

static void
the_wait_has_the_limit_that_was_set(void **state)
{
	char text[16];
	size_t len;
	uint64_t begin;

	attach(&plain);
	rn->rn_hold = true;
	assert_int_equal(sysctl_write("hw.vioex0.timeout", "0"), EINVAL);
	assert_int_equal(sysctl_write("hw.vioex0.timeout", "3601"), EINVAL);
	assert_int_equal(sysctl_write("hw.vioex0.timeout", "3x"), EINVAL);
	assert_int_equal(sysctl_write("hw.vioex0.timeout", "3"), 0);
	assert_int_equal(sysctl_read("hw.vioex0.timeout", text, sizeof(text),
	    &len), 0);
	assert_string_equal(text, "3");
	begin = nsecuptime();
	assert_int_equal(read_some(8, 0), ETIMEDOUT);
	assert_in_range(nsecuptime() - begin, SEC_TO_NSEC(3),
	    SEC_TO_NSEC(4));
	/* the request is still there, and serves the next reader */
	assert_int_equal(rn->rn_sv->sv_vq[0].sq_nheld, 1);
	sim_rnd_release(rn);
	assert_int_equal(read_some(8, 0), 0);
	assert_read(0, 8);
}

static void
a_signal_ends_the_wait(void **state)
{
	struct thread *td;

	attach(&plain);
	rn->rn_hold = true;
	td = start_reader();
	assert_int_equal(rd_error, -1);
	thread_interrupt(td);
	kthread_join(td);
	assert_int_equal(rd_error, EINTR);
}

static void
who_waits_does_not_notice_a_reset(void **state)
{
	struct thread *td;

	attach(&plain);
	rn->rn_hold = true;
	td = start_reader();
	rn->rn_hold = false;
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	kthread_join(td);
	assert_int_equal(rd_error, 0);
	assert_read(0, 256);
}

static void
a_suspended_device_is_asked_when_it_is_back(void **state)
{
	struct sim_virtio_conf vc = plain;
	struct thread *td;

	vc.vc_features |= 1ULL << 43;		/* SUSPEND */
	attach(&vc);
	if (sysctl_write("hw.virtio.0.control", "suspend") == EOPNOTSUPP)
		fail_msg("%s", hosted_console());
	td = start_reader();
	assert_int_equal(rd_error, -1);
	assert_int_equal(sysctl_write("hw.virtio.0.control", "resume"), 0);
	kthread_join(td);
	assert_int_equal(rd_error, 0);
	assert_read(0, 256);
}

/* 5.4.6.2: one byte at least. */
static void
give_nothing(struct sim_virtio *sv, struct sim_chain *ch)
{
	sim_chain_done(ch, 0);
}

static void
a_device_that_gives_nothing_is_given_up(void **state)
{
	u_int n;

	attach(&plain);
	rn->rn_sv->sv_c.vc_request = give_nothing;
	for (n = 0; n < 20 && read_some(8, 0) != ENXIO; n++)
		hosted_run(NSEC_PER_SEC);
	assert_in_range(n, 0, 19);
	assert_true(sim_said("vioex0: no bytes; reset"));
	assert_true(sim_said("vioex0: no bytes; not used any more"));
	assert_int_equal(read_some(8, FNONBLOCK), ENXIO);
}

static void
detach_wakes_who_waits(void **state)
{
	struct thread *td;

	attach(&plain);
	rn->rn_hold = true;
	td = start_reader();
	sim_detach();
	kthread_join(td);
	assert_int_equal(rd_error, ENXIO);
	assert_int_equal(read_some(8, 0), ENXIO);
	assert_int_equal(sysctl_write("hw.vioex0.timeout", "3"), ENOENT);
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		rn = sim_rnd_new(&plain);
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		sim_detach();
		sim_rnd_free(rn);
		rn = NULL;
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 10 && n < 500);
	hosted_fail_at = 0;
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	u_int n;

	for (n = 1; n < 3000; n++) {
		sim_gone = false;
		rn = sim_rnd_new(&plain);
		sim_gone_at = n;
		sim_attach();
		if ((node = node_open("vioex0", FREAD)) != NULL) {
			(void)read_some(8, FNONBLOCK);
			hosted_run(1000000);
			(void)read_some(8, FNONBLOCK);
		}
		node_close(node, FREAD);
		node = NULL;
		sim_detach();
		sim_rnd_free(rn);
		rn = NULL;
		assert_int_equal(hosted_nallocs, 0);
		if (sim_gone_at != 0)
			break;
	}
	assert_true(n > 50 && n < 3000);
	sim_gone = false;
	sim_gone_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_give_what_the_device_gave),
		TEST(who_wants_nothing_does_not_wait),
		TEST(each_of_two_readers_has_bytes_of_its_own),
		TEST(it_drives_a_legacy_device_as_well),
		TEST(without_waiting_the_first_read_only_asks),
		TEST(the_wait_has_the_limit_that_was_set),
		TEST(a_signal_ends_the_wait),
		TEST(who_waits_does_not_notice_a_reset),
		TEST(a_suspended_device_is_asked_when_it_is_back),
		TEST(a_device_that_gives_nothing_is_given_up),
		TEST(detach_wakes_who_waits),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

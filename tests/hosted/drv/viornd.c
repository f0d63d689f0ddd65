/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viornd(4) against a simulated entropy device. */

#include "test.h"

#include <sys/rnd.h>
#include <sys/sysctl.h>

#include "sim/nodes.h"
#include "sim/sim.h"

static struct sim_rnd	*rn;
static struct cdev	*node;
static uint8_t		 buf[20000];

static const struct sim_virtio_conf plain = {
	.vc_nvec = 2, .vc_when = SIM_LATER,
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
	node = node_open("hwrng", FREAD);
	if (node == NULL)
		fail_msg("%s", hosted_console());
	hosted_run(1000000);
}

static void
assert_stream(uint64_t from, const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		assert_int_equal(p[i], sim_rnd_byte(from + i));
}

static void
read_all(void)
{
	uint64_t from = rn->rn_given;
	size_t done;

	assert_true(from > 0);
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 10000, 0, 0, &done),
	    0);
	assert_int_equal(done, 10000);
	assert_stream(from, buf, 10000);
}

static void
what_the_device_gives_is_read_in_order(void **state)
{
	attach(&plain);
	read_all();
}

static void
a_device_that_gives_little_is_asked_again(void **state)
{
	rn = sim_rnd_new(&plain);
	rn->rn_most = 3;
	sim_attach();
	node = node_open("hwrng", FREAD);
	hosted_run(1000000);
	read_all();
}

static void
bytes_go_to_one_reader_only(void **state)
{
	uint64_t from;
	size_t done, i;

	attach(&plain);
	from = rn->rn_given;
	for (i = 0; i < 300; i += 7) {
		assert_int_equal(node_rdwr(node, UIO_READ, buf + i, 7, 0, 0,
		    &done), 0);
		assert_int_equal(done, 7);
	}
	assert_stream(from, buf, 300);
}

static void
without_waiting_there_is_nothing_at_first(void **state)
{
	size_t done;

	attach(&plain);
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 10, 0, FNONBLOCK,
	    &done), EAGAIN);
	hosted_run(1000000);
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 10, 0, FNONBLOCK,
	    &done), 0);
	assert_true(done > 0);
}

static void
on_a_legacy_device_by_the_line(void **state)
{
	struct sim_virtio_conf vc = plain;

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_nvec = 0;
	attach(&vc);
	read_all();
}

static void
a_queue_of_one_is_enough(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvq = 1;
	vc.vc_qsize[0] = 1;
	attach(&vc);
	read_all();
}

static int	rd_error = -1;

static void
reader(void *arg)
{
	static uint8_t b[100];

	rd_error = node_rdwr(node, UIO_READ, b, sizeof(b), 0, 0, NULL);
}

static void
long_reader(void *arg)
{
	rd_error = node_rdwr(node, UIO_READ, buf, sizeof(buf), 0, 0, NULL);
}

/* The seed of the kernel has the only place in the queue. */
static void
who_waits_behind_the_kernel_has_its_turn(void **state)
{
	struct sim_virtio_conf vc = plain;
	struct thread *td;

	vc.vc_nvq = 1;
	vc.vc_qsize[0] = 1;
	rn = sim_rnd_new(&vc);
	rn->rn_hold = true;
	sim_attach();
	node = node_open("hwrng", FREAD);
	rd_error = -1;
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(1000000);
	assert_int_equal(rn->rn_sv->sv_vq[0].sq_nheld, 1);
	assert_int_equal(rd_error, -1);
	rn->rn_hold = false;
	sim_rnd_release(rn);
	hosted_run(1000000);
	assert_int_equal(rd_error, 0);
	kthread_join(td);
}

static void
a_large_read_has_several_requests_at_a_time(void **state)
{
	static const struct sim_virtio_conf vc = { .vc_nvec = 2,
	    .vc_when = SIM_LATER, .vc_nvq = 1, .vc_qsize = { 16 } };
	struct thread *td;

	attach(&vc);
	rn->rn_hold = true;
	rd_error = -1;
	assert_int_equal(kthread_create(long_reader, NULL, PRI_KERN, "r",
	    &td), 0);
	hosted_run(1000000);
	assert_true(rn->rn_sv->sv_vq[0].sq_nheld >= 4);
	rn->rn_hold = false;
	sim_rnd_release(rn);
	hosted_run(1000000);
	assert_int_equal(rd_error, 0);
	kthread_join(td);
}

static void
a_reset_serves_who_waits_and_the_kernel(void **state)
{
	struct thread *td;

	rn = sim_rnd_new(&plain);
	rn->rn_hold = true;
	sim_attach();
	node = node_open("hwrng", FREAD);
	rd_error = -1;
	hosted_run(1000000);
	rn->rn_hold = false;
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	hosted_run(1000000);
	assert_true(rn->rn_given >= 64);
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(1000000);
	assert_int_equal(rd_error, 0);
	kthread_join(td);
}

static void
detach_wakes_a_reader(void **state)
{
	struct thread *td;

	rn = sim_rnd_new(&plain);
	rn->rn_hold = true;
	sim_attach();
	node = node_open("hwrng", FREAD);
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(1000000);
	sim_detach();
	kthread_join(td);
	assert_int_equal(rd_error, ENXIO);
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
		hosted_run(1000);
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 10 && n < 500);
	hosted_fail_at = 0;
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	struct cdev *cd;
	u_int n;

	for (n = 1; n < 3000; n++) {
		sim_gone = false;
		rn = sim_rnd_new(&plain);
		sim_gone_at = n;
		sim_attach();
		if ((cd = node_open("hwrng", FREAD)) != NULL) {
			(void)node_rdwr(cd, UIO_READ, buf, 100, 0, FNONBLOCK,
			    NULL);
			hosted_run(1000000);
			(void)node_rdwr(cd, UIO_READ, buf, 100, 0, FNONBLOCK,
			    NULL);
			node_close(cd, FREAD);
		}
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
		TEST(what_the_device_gives_is_read_in_order),
		TEST(a_device_that_gives_little_is_asked_again),
		TEST(bytes_go_to_one_reader_only),
		TEST(without_waiting_there_is_nothing_at_first),
		TEST(on_a_legacy_device_by_the_line),
		TEST(a_queue_of_one_is_enough),
		TEST(who_waits_behind_the_kernel_has_its_turn),
		TEST(a_large_read_has_several_requests_at_a_time),
		TEST(a_reset_serves_who_waits_and_the_kernel),
		TEST(detach_wakes_a_reader),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

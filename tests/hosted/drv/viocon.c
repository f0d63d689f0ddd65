/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viocon(4) against a simulated console. */

#include "test.h"

#include "sim/nodes.h"
#include "sim/sim.h"

#define F_SIZE		(1ULL << 0)
#define F_EMERG_WRITE	(1ULL << 2)

static struct sim_con	*cn;
static struct cdev	*node;
static char		 buf[70000];
static char		 emergency[1000];
static u_int		 nemergency;

static void
config_written(struct sim_virtio *sv, u_int off, u_int width)
{
	if (off == 8 && width == 4 && nemergency < sizeof(emergency) - 1)
		emergency[nemergency++] = sv->sv_config[8];
}

static const struct sim_virtio_conf plain = {
	.vc_features = F_SIZE | F_EMERG_WRITE, .vc_nvec = 3,
	.vc_when = SIM_LATER, .vc_config_written = config_written,
};

static int
setup(void **state)
{
	sim_init();
	cn = NULL;
	node = NULL;
	nemergency = 0;
	memset(emergency, 0, sizeof(emergency));
	return (0);
}

static int
teardown(void **state)
{
	node_close(node, FREAD | FWRITE);
	sim_detach();
	if (cn != NULL)
		sim_con_free(cn);
	return (sim_fini());
}

static void
attach(const struct sim_virtio_conf *vc)
{
	cn = sim_con_new(vc);
	sim_config_put(cn->cn_sv, 0, 2, 132);
	sim_config_put(cn->cn_sv, 2, 2, 43);
	sim_attach();
	node = node_open("viocon0", FREAD | FWRITE);
	if (node == NULL)
		fail_msg("%s", hosted_console());
	hosted_run(1000000);
	memset(cn->cn_out, 0, sizeof(cn->cn_out));
	cn->cn_nout = 0;
}

static void
put(const char *text)
{
	size_t n = strlen(text), done;

	strlcpy(buf, text, sizeof(buf));
	assert_int_equal(node_rdwr(node, UIO_WRITE, buf, n, 0, 0, &done), 0);
	assert_int_equal(done, n);
	hosted_run(100000000);
}

static void
what_is_written_goes_out(void **state)
{
	attach(&plain);
	put("hello\n");
	assert_string_equal(cn->cn_out, "hello\r\n");
}

static void
much_goes_out_in_order(void **state)
{
	size_t i, done;

	attach(&plain);
	for (i = 0; i < 50000; i++)
		buf[i] = 'a' + i % 23;
	assert_int_equal(node_rdwr(node, UIO_WRITE, buf, 50000, 0, 0, &done),
	    0);
	assert_int_equal(done, 50000);
	hosted_run(1000000000);
	assert_int_equal(cn->cn_nout, 50000);
	assert_memory_equal(cn->cn_out, buf, 50000);
}

static void
a_line_that_is_typed_is_read(void **state)
{
	size_t done;

	attach(&plain);
	assert_int_equal(sim_con_type(cn, "ab\177cd\r", 6), 6);
	hosted_run(1000000);
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 100, 0, FNONBLOCK,
	    &done), 0);
	assert_int_equal(done, 4);
	assert_memory_equal(buf, "acd\n", 4);
}

static void
much_that_is_typed_is_not_lost(void **state)
{
	size_t sent = 0, got = 0, done, i;
	char line[64];
	u_int n = 0;

	attach(&plain);
	while (got < 20000 && n++ < 100000) {
		if (sent < 20000) {
			for (i = 0; i < 50; i++)
				line[i] = 'A' + (sent + i) % 50 % 26;
			line[49] = '\n';
			sent += sim_con_type(cn, line + sent % 50,
			    50 - sent % 50);
		}
		if (sim_random(3) == 0)
			hosted_run(100000);
		if (sim_random(4) == 0 && node_rdwr(node, UIO_READ, buf + got,
		    1000, 0, FNONBLOCK, &done) == 0)
			got += done;
	}
	assert_int_equal(got, 20000);
	for (i = 0; i < 20000; i++)
		assert_int_equal(buf[i], i % 50 == 49 ? '\n' :
		    'A' + (i % 50) % 26);
}

static void
messages_of_the_kernel_go_out_as_lines(void **state)
{
	attach(&plain);
	printf("one\ntwo\n");
	assert_string_equal(cn->cn_out, "one\r\ntwo\r\n");
}

static void
a_console_that_nobody_reads_does_not_stop_the_kernel(void **state)
{
	uint64_t start;
	u_int i;

	attach(&plain);
	cn->cn_hold = true;
	start = nsecuptime();
	for (i = 0; i < 1000; i++)
		printf("a line that nobody reads, number %u\n", i);
	assert_true(nsecuptime() - start < 10ULL * 1000000000);
}

static void
the_size_of_the_window_is_told(void **state)
{
	attach(&plain);
	assert_true(sim_said("132x43"));
}

static void
a_new_size_does_no_harm(void **state)
{
	attach(&plain);
	sim_config_put(cn->cn_sv, 0, 4, 0);
	sim_virtio_changed(cn->cn_sv);
	hosted_run(1000000);
	sim_config_put(cn->cn_sv, 0, 4, 0xffffffff);
	sim_virtio_changed(cn->cn_sv);
	hosted_run(1000000);
	put("x");
	assert_string_equal(cn->cn_out, "x");
}

static void
small_queues_are_enough(void **state)
{
	struct sim_virtio_conf vc = plain;
	size_t done;

	vc.vc_nvq = 2;
	vc.vc_qsize[0] = vc.vc_qsize[1] = 1;
	attach(&vc);
	put("first line\nsecond line\n");
	assert_string_equal(cn->cn_out, "first line\r\nsecond line\r\n");
	assert_int_equal(sim_con_type(cn, "x\r", 2), 2);
	hosted_run(1000000);
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 100, 0, FNONBLOCK,
	    &done), 0);
	assert_int_equal(done, 2);
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
	put("old\n");
	assert_string_equal(cn->cn_out, "old\r\n");
}

static void
after_a_reset_both_directions_work_again(void **state)
{
	char buf[100];
	size_t done;

	attach(&plain);
	sim_virtio_needs_reset(cn->cn_sv);
	hosted_run(1000000);
	cn->cn_nout = 0;
	put("once more\n");
	assert_string_equal(cn->cn_out, "once more\r\n");
	assert_int_equal(sim_con_type(cn, "x\r", 2), 2);
	hosted_run(1000000);
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 100, 0, FNONBLOCK,
	    &done), 0);
	assert_int_equal(done, 2);
}

static void
after_the_last_failure_messages_take_the_emergency_way(void **state)
{
	attach(&plain);
	cn->cn_sv->sv_refuse_ok = true;
	sim_virtio_needs_reset(cn->cn_sv);
	hosted_run(60000000000ULL);
	nemergency = 0;
	printf("help\n");
	emergency[nemergency] = '\0';
	assert_string_equal(emergency, "help\r\n");
}

static int	rd_error;
static size_t	rd_done;

static void
reader(void *arg)
{
	static char b[100];

	rd_error = node_rdwr(node, UIO_READ, b, sizeof(b), 0, 0, &rd_done);
}

static void
detach_wakes_a_reader(void **state)
{
	struct thread *td;

	attach(&plain);
	rd_error = -1;
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(1000000);
	sim_detach();
	kthread_join(td);
	assert_int_not_equal(rd_error, -1);
	assert_int_equal(rd_done, 0);
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		cn = sim_con_new(&plain);
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		sim_detach();
		sim_con_free(cn);
		cn = NULL;
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
	u_int n;

	for (n = 1; n < 3000; n++) {
		sim_gone = false;
		cn = sim_con_new(&plain);
		sim_gone_at = n;
		sim_attach();
		printf("a message\n");
		node = node_open("viocon0", FREAD | FWRITE);
		if (node != NULL) {
			strlcpy(buf, "some output\n", sizeof(buf));
			(void)node_rdwr(node, UIO_WRITE, buf, 12, 0,
			    FNONBLOCK, NULL);
			hosted_run(1000000);
			node_close(node, FREAD | FWRITE);
			node = NULL;
		}
		sim_detach();
		sim_con_free(cn);
		cn = NULL;
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
		TEST(what_is_written_goes_out),
		TEST(much_goes_out_in_order),
		TEST(a_line_that_is_typed_is_read),
		TEST(much_that_is_typed_is_not_lost),
		TEST(messages_of_the_kernel_go_out_as_lines),
		TEST(a_console_that_nobody_reads_does_not_stop_the_kernel),
		TEST(the_size_of_the_window_is_told),
		TEST(a_new_size_does_no_harm),
		TEST(small_queues_are_enough),
		TEST(on_a_legacy_device_by_the_line),
		TEST(after_a_reset_both_directions_work_again),
		TEST(after_the_last_failure_messages_take_the_emergency_way),
		TEST(detach_wakes_a_reader),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

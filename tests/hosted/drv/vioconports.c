/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viocon(4) against a simulated console with several ports. */

#include "test.h"

#include <sys/cmdline.h>
#include <sys/msgbuf.h>
#include <sys/selinfo.h>
#include <sys/tty.h>

char	*strstr(const char *, const char *);

#include "sim/nodes.h"
#include "sim/sim.h"

#define F_RING_RESET	(1ULL << 40)
#define BIG		300000
#define SEC		1000000000ULL

static struct sim_con	*cn;
static struct cdev	*node;
static char		 buf[BIG], buf2[BIG];
static char		 log_text[MSGBUF_SIZE + 1];
static char		 emergency[8000];
static u_int		 nemergency;

static void
config_written(struct sim_virtio *sv, u_int off, u_int width)
{
	if (off == 8 && width == 4 && nemergency < sizeof(emergency) - 1)
		emergency[nemergency++] = sv->sv_config[8];
}

static const struct sim_virtio_conf plain = {
	.vc_features = SIM_CON_F_MULTIPORT | SIM_CON_F_SIZE |
	    SIM_CON_F_EMERG | F_RING_RESET, .vc_nvec = 3,
	.vc_when = SIM_LATER, .vc_config_written = config_written,
};

static int
setup(void **state)
{
	sim_init();
	msgbuf_clear();
	cn = NULL;
	node = NULL;
	nemergency = 0;
	memset(emergency, 0, sizeof(emergency));
	return (0);
}

static void
detach(void)
{
	sim_detach();
	if (cn != NULL)
		sim_con_free(cn);
	cn = NULL;
}

static int
teardown(void **state)
{
	node_close(node, FREAD | FWRITE);
	detach();
	return (sim_fini());
}

/* The device is there, with no port yet; plug some, then attach(). */
static void
create(void)
{
	cn = sim_con_new(&plain);
}

static void
run(void)
{
	hosted_run(100000000);
}

static void
attach(void)
{
	sim_attach();
	run();
	sim_con_settled(cn);
}

/* One port, 1, by the name of "test", connected and open. */
static void
attach_one(void)
{
	create();
	sim_con_plug(cn, 1, false, "test");
	sim_con_open(cn, 1, true);
	attach();
	node = node_open("vport/test", FREAD | FWRITE);
	if (node == NULL)
		fail_msg("no node");
	run();
}

static bool
said(const char *text)
{
	size_t n = msgbuf_copy(log_text, sizeof(log_text) - 1);

	log_text[n] = '\0';
	return (strstr(log_text, text) != NULL);
}

static u_int
count_said(const char *text)
{
	const char *p = log_text;
	u_int n = 0;

	(void)said(text);
	while ((p = strstr(p, text)) != NULL) {
		p++;
		n++;
	}
	return (n);
}

static bool
there(const char *name)
{
	struct cdev *cd = dev_lookup(name);

	if (cd == NULL)
		return (false);
	dev_release(cd);
	return (true);
}

static int
rd(size_t n, int flags, size_t *done)
{
	return (node_rdwr(node, UIO_READ, buf, n, 0, flags, done));
}

static int
wr(size_t n, int flags, size_t *done)
{
	return (node_rdwr(node, UIO_WRITE, buf, n, 0, flags, done));
}

static int
poll_now(void)
{
	return (dev_poll(node, POLLIN | POLLOUT, NULL));
}

static void
pattern(char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = i * 7 + i / 251;
}

/* --- threads that wait --------------------------------------------------- */

static struct {
	struct thread	*td;
	enum uio_rw	 rw;
	char		*buf;
	size_t		 n, done;
	int		 error;
	bool		 over;
} job;

static void
worker(void *arg)
{
	job.error = node_rdwr(node, job.rw, job.buf, job.n, 0, 0, &job.done);
	job.over = true;
}

static void
begin(enum uio_rw rw, char *p, size_t n)
{
	memset(&job, 0, sizeof(job));
	job.rw = rw;
	job.buf = p;
	job.n = n;
	assert_int_equal(kthread_create(worker, NULL, PRI_KERN, "job",
	    &job.td), 0);
	run();
}

static void
end(void)
{
	run();
	assert_true(job.over);
	kthread_join(job.td);
}

/* --- ports and their names ----------------------------------------------- */

static void
ports_are_told_by_name_or_number(void **state)
{
	create();
	sim_con_plug(cn, 1, false, "org.qemu.guest_agent.0");
	sim_con_plug(cn, 2, false, NULL);
	attach();
	assert_true(said("viocon0 at virtio0: 7 ports\n"));
	assert_true(said("viocon0: port 1: org.qemu.guest_agent.0\n"));
	assert_true(said("viocon0: port 2: vport0p2\n"));
	assert_true(there("vport/org.qemu.guest_agent.0"));
	assert_true(there("vport/vport0p2"));
	assert_false(there("viocon0"));
}

static void
names_that_are_none_are_refused(void **state)
{
	static const struct { const char *name; size_t len; const char *why;
	} bad[] = {
		{ "", 0, "empty" }, { "\0", 1, "empty" },
		{ "a/b", 3, "not fit for a file" },
		{ ".", 1, "not fit for a file" },
		{ "..\0", 3, "not fit for a file" },
		{ "a b", 3, "not fit for a file" },
		{ "a\0b", 3, "not fit for a file" },
		{ "a\033[2J", 5, "not fit for a file" },
		{ "a\177", 2, "not fit for a file" },
		{ "\302\205", 2, "not fit for a file" },
		{ "\342\200\256x", 4, "not fit for a file" },
		{ "\377", 1, "not UTF-8" }, { "\300\257", 2, "not UTF-8" },
		{ "\303", 1, "not UTF-8" }, { "\200", 1, "not UTF-8" },
		{ "\364\220\200\200", 4, "not UTF-8" },
		{ "\340\200\200", 3, "not UTF-8" },
		{ "\355\240\200", 3, "not fit for a file" },
		{ "vport0p2", 8, "one of those for ports without" },
		{ buf, 129, "too long" }, { buf, 1000, "too long" },
	};
	char line[100];
	u_int i;

	memset(buf, 'n', sizeof(buf));
	for (i = 0; i < nitems(bad); i++) {
		msgbuf_clear();
		create();
		attach();
		sim_con_plug(cn, 1, false, NULL);
		hosted_run(0);
		sim_con_tell(cn, 1, SIM_CON_NAME, 1, bad[i].name, bad[i].len);
		run();
		snprintf(line, sizeof(line), "viocon0: port 1: vport0p1, "
		    "since its name is %s\n", bad[i].why);
		if (!said(line) || !there("vport/vport0p1"))
			fail_msg("name %u: %s", i, log_text);
		detach();
	}
}

static void
good_names_are_taken(void **state)
{
	static const char *const good[] = { "a", "...", "gr\303\274n",
		"\360\237\230\200", "vport", "vport1", "vport0p", "vport0p1x",
		"vportp1", "-x" };
	char name[200];
	u_int i;

	for (i = 0; i < nitems(good); i++) {
		create();
		sim_con_plug(cn, 1, false, good[i]);
		attach();
		snprintf(name, sizeof(name), "vport/%s", good[i]);
		assert_true(there(name));
		detach();
	}
	create();
	memset(buf, 'n', 128);
	buf[128] = '\0';
	sim_con_plug(cn, 1, false, buf);
	attach();
	snprintf(name, sizeof(name), "vport/%s", buf);
	assert_true(there(name));
}

static void
a_name_is_for_the_first_that_has_it(void **state)
{
	create();
	sim_con_plug(cn, 1, false, "same");
	sim_con_plug(cn, 2, false, "same");
	attach();
	assert_true(there("vport/same"));
	assert_true(there("vport/vport0p2"));
	assert_true(said("port 2: vport0p2, since its name is taken\n"));
}

static void
a_late_name_replaces_a_number(void **state)
{
	create();
	sim_con_plug(cn, 1, false, NULL);
	attach();
	assert_true(there("vport/vport0p1"));
	sim_con_tell(cn, 1, SIM_CON_NAME, 1, "late", 4);
	run();
	assert_true(there("vport/late"));
	assert_false(there("vport/vport0p1"));
	sim_con_tell(cn, 1, SIM_CON_NAME, 1, "later", 5);
	run();
	assert_true(there("vport/later"));
	assert_false(there("vport/late"));
}

static void
a_late_name_does_not_disturb_users(void **state)
{
	struct cdev *other;
	size_t done;

	create();
	sim_con_plug(cn, 1, false, NULL);
	sim_con_open(cn, 1, true);
	attach();
	node = node_open("vport/vport0p1", FREAD | FWRITE);
	run();
	begin(UIO_READ, buf, 10);
	sim_con_tell(cn, 1, SIM_CON_NAME, 1, "late", 4);
	run();
	assert_false(job.over);
	assert_true(there("vport/late"));
	/* by any name it is open but once */
	other = dev_lookup("vport/late");
	assert_int_equal(dev_open(other, FREAD), EBUSY);
	assert_int_equal(sim_con_send(cn, 1, "abc", 3), 3);
	end();
	assert_int_equal(job.done, 3);
	assert_int_equal(wr(3, 0, &done), 0);
	node_close(node, FREAD | FWRITE);
	run();
	assert_false(there("vport/vport0p1"));
	assert_int_equal(dev_open(other, FREAD), 0);
	node = other;
}

/* --- bytes --------------------------------------------------------------- */

static void
what_is_written_arrives(void **state)
{
	size_t done;

	attach_one();
	pattern(buf, BIG);
	assert_int_equal(wr(BIG, 0, &done), 0);
	assert_int_equal(done, BIG);
	run();
	assert_int_equal(cn->cn_port[1].po_nout, BIG);
	assert_memory_equal(cn->cn_port[1].po_out, buf, BIG);
}

static void
what_is_sent_is_read(void **state)
{
	size_t sent = 0, got = 0, done;
	u_int n = 0;

	attach_one();
	pattern(buf2, BIG);
	while (got < BIG && n++ < 100000) {
		sent += sim_con_send(cn, 1, buf2 + sent,
		    MIN(BIG - sent, 1 + sim_random(9000)));
		if (sim_random(2))
			hosted_run(1000);
		if (node_rdwr(node, UIO_READ, buf + got, MIN(BIG - got,
		    1 + sim_random(20000)), 0, FNONBLOCK, &done) == 0)
			got += done;
	}
	assert_int_equal(got, BIG);
	assert_memory_equal(buf, buf2, BIG);
}

static void
a_reader_waits_for_bytes(void **state)
{
	attach_one();
	begin(UIO_READ, buf, 100);
	assert_false(job.over);
	assert_int_equal(sim_con_send(cn, 1, "hello", 5), 5);
	end();
	assert_int_equal(job.error, 0);
	assert_int_equal(job.done, 5);
	assert_memory_equal(buf, "hello", 5);
}

static void
a_writer_waits_for_room_and_loses_nothing(void **state)
{
	attach_one();
	pattern(buf, BIG);
	sim_con_hold(cn, 1, true);
	begin(UIO_WRITE, buf, BIG);
	assert_false(job.over);
	sim_con_hold(cn, 1, false);
	end();
	assert_int_equal(job.done, BIG);
	run();
	assert_int_equal(cn->cn_port[1].po_nout, BIG);
	assert_memory_equal(cn->cn_port[1].po_out, buf, BIG);
}

static void
without_waiting_only_so_much_is_written(void **state)
{
	size_t done, total = 0;

	attach_one();
	pattern(buf, BIG);
	sim_con_hold(cn, 1, true);
	(void)wr(BIG, FNONBLOCK, &total);
	assert_true(total > 0 && total < BIG);
	run();
	assert_int_equal(wr(1, FNONBLOCK, &done), EAGAIN);
	assert_int_equal(done, 0);
	assert_int_equal(poll_now() & POLLOUT, 0);
	sim_con_hold(cn, 1, false);
	run();
	assert_int_equal(poll_now() & POLLOUT, POLLOUT);
	assert_int_equal(cn->cn_port[1].po_nout, total);
	assert_memory_equal(cn->cn_port[1].po_out, buf, total);
}

static void
nobody_is_interrupted_who_does_not_wait(void **state)
{
	struct sim_vq *rx, *tx;
	u_int i, before;
	size_t done;

	attach_one();
	rx = &cn->cn_sv->sv_vq[4];
	tx = &cn->cn_sv->sv_vq[5];
	before = rx->sq_interrupts + tx->sq_interrupts;
	for (i = 0; i < 50; i++) {
		assert_int_equal(wr(100, 0, &done), 0);
		hosted_run(1000000);
		assert_int_equal(sim_con_send(cn, 1, "x", 1), 1);
		hosted_run(1000000);
		assert_int_equal(rd(10, FNONBLOCK, &done), 0);
	}
	assert_int_equal(rx->sq_interrupts + tx->sq_interrupts, before);
}

static void
a_port_that_is_closed_costs_no_buffers(void **state)
{
	u_int before;

	create();
	sim_con_plug(cn, 1, false, "test");
	attach();
	before = sim_nsegs;
	node = node_open("vport/test", FREAD);
	assert_true(sim_nsegs >= before + 2);
	assert_int_equal(sim_con_send(cn, 2, "x", 1), 0);
}

/* --- open and closed ----------------------------------------------------- */

static void
the_host_is_told_of_open_and_close(void **state)
{
	u_int i;

	create();
	sim_con_plug(cn, 1, false, "test");
	attach();
	assert_int_equal(cn->cn_port[1].po_nopens, 0);
	for (i = 1; i < 4; i++) {
		node = node_open("vport/test", FREAD);
		run();
		assert_true(cn->cn_port[1].po_guestopen);
		assert_int_equal(cn->cn_port[1].po_nopens, i);
		node_close(node, FREAD);
		node = NULL;
		run();
		assert_false(cn->cn_port[1].po_guestopen);
		assert_int_equal(cn->cn_port[1].po_ncloses, i);
	}
}

static void
a_port_is_open_once(void **state)
{
	struct cdev *cd;

	attach_one();
	cd = dev_lookup("vport/test");
	assert_int_equal(dev_open(cd, FREAD), EBUSY);
	node_close(node, FREAD | FWRITE);
	node = NULL;
	assert_int_equal(dev_open(cd, FREAD), 0);
	node = cd;
}

static void
what_the_last_user_did_not_read_is_gone(void **state)
{
	size_t done;

	attach_one();
	assert_int_equal(sim_con_send(cn, 1, "old", 3), 3);
	run();
	node_close(node, FREAD | FWRITE);
	run();
	node = node_open("vport/test", FREAD | FWRITE);
	assert_int_equal(rd(10, FNONBLOCK, &done), EAGAIN);
	assert_int_equal(sim_con_send(cn, 1, "new", 3), 3);
	run();
	assert_int_equal(rd(10, FNONBLOCK, &done), 0);
	assert_memory_equal(buf, "new", 3);
}

static void
the_far_end_is_closed(void **state)
{
	size_t done;

	attach_one();
	assert_int_equal(poll_now(), POLLOUT);
	assert_int_equal(rd(10, FNONBLOCK, &done), EAGAIN);
	assert_int_equal(sim_con_send(cn, 1, "last", 4), 4);
	sim_con_open(cn, 1, false);
	run();
	assert_int_equal(poll_now(), POLLIN | POLLHUP);
	assert_int_equal(rd(3, 0, &done), 0);
	assert_int_equal(done, 3);
	assert_int_equal(rd(3, 0, &done), 0);
	assert_int_equal(done, 1);
	assert_int_equal(rd(3, 0, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(wr(1, FNONBLOCK, &done), EAGAIN);
	begin(UIO_WRITE, buf, 5);
	assert_false(job.over);
	sim_con_open(cn, 1, true);
	end();
	assert_int_equal(job.done, 5);
	assert_int_equal(poll_now(), POLLOUT);
}

static void
a_reader_meets_the_end(void **state)
{
	attach_one();
	begin(UIO_READ, buf, 10);
	sim_con_open(cn, 1, false);
	end();
	assert_int_equal(job.error, 0);
	assert_int_equal(job.done, 0);
}

/* --- terminals ----------------------------------------------------------- */

static void
console_ports_are_terminals(void **state)
{
	struct cdev *cd, *tty;
	size_t done;

	create();
	sim_con_plug(cn, 2, true, NULL);
	sim_con_plug(cn, 4, true, "second");
	attach();
	assert_true(cn->cn_port[2].po_guestopen);
	assert_true(cn->cn_port[4].po_guestopen);
	assert_true(said("viocon0: port 2: terminal viocon0\n"));
	assert_true(said("viocon0: port 4: terminal viocon0.4, second\n"));
	/* the name is another one for the terminal */
	assert_non_null(cd = dev_lookup("vport/second"));
	assert_int_equal(tty_alias(cd, &tty), 0);
	assert_string_equal(dev_name(tty), "viocon0.4");
	dev_release(tty);
	dev_release(cd);
	node = node_open("viocon0.4", FREAD | FWRITE);
	strlcpy(buf, "out\n", sizeof(buf));
	assert_int_equal(wr(4, 0, &done), 0);
	run();
	assert_int_equal(cn->cn_port[4].po_nout, 5);
	assert_memory_equal(cn->cn_port[4].po_out, "out\r\n", 5);
	assert_int_equal(sim_con_send(cn, 4, "in\r", 3), 3);
	run();
	assert_int_equal(rd(10, FNONBLOCK, &done), 0);
	assert_int_equal(done, 3);
}

static void
a_console_is_answered_each_time_it_is_said(void **state)
{
	create();
	sim_con_plug(cn, 0, true, NULL);
	attach();
	cn->cn_port[0].po_unanswered = true;
	sim_con_tell(cn, 0, SIM_CON_CONSOLE, 1, NULL, 0);
	run();
	sim_con_settled(cn);
}

static void
a_port_in_use_becomes_a_terminal_when_it_is_closed(void **state)
{
	create();
	sim_con_plug(cn, 1, false, "test");
	sim_con_open(cn, 1, true);
	attach();
	node = node_open("vport/test", FREAD | FWRITE);
	run();
	begin(UIO_READ, buf, 10);
	cn->cn_port[1].po_unanswered = true;
	sim_con_tell(cn, 1, SIM_CON_CONSOLE, 1, NULL, 0);
	run();
	sim_con_settled(cn);
	assert_false(job.over);
	assert_int_equal(sim_con_send(cn, 1, "abc", 3), 3);
	end();
	assert_false(there("viocon0"));
	node_close(node, FREAD | FWRITE);
	node = NULL;
	run();
	assert_true(there("viocon0"));
	assert_true(there("vport/test"));
	assert_true(cn->cn_port[1].po_guestopen);
}

static void
resize(u_int id, u_int cols, u_int rows)
{
	uint8_t size[4];

	sim_put(size, 2, cols);
	sim_put(size + 2, 2, rows);
	sim_con_tell(cn, id, SIM_CON_RESIZE, 0, size, sizeof(size));
	run();
}

static void
window(const char *name, u_int cols, u_int rows)
{
	struct { uint16_t row, col, x, y; } ws;
	struct cdev *cd = node_open(name, FREAD);

	assert_non_null(cd);
	assert_int_equal(dev_ioctl(cd, 0x5413, &ws, FREAD), 0);
	node_close(cd, FREAD);
	if (ws.col != cols || ws.row != rows)
		fail_msg("%s: %ux%u", name, ws.col, ws.row);
}

static void
each_terminal_has_its_size(void **state)
{
	create();
	sim_config_put(cn->cn_sv, 0, 2, 132);
	sim_config_put(cn->cn_sv, 2, 2, 43);
	sim_con_plug(cn, 0, true, NULL);
	sim_con_plug(cn, 1, true, NULL);
	attach();
	/* SIZE is that of port 0 only */
	assert_true(said("port 0: terminal viocon0, 132x43\n"));
	window("viocon0", 132, 43);
	window("viocon0.1", 0, 0);
	resize(1, 100, 30);
	window("viocon0.1", 100, 30);
	sim_config_put(cn->cn_sv, 0, 2, 80);
	sim_virtio_changed(cn->cn_sv);
	run();
	window("viocon0", 80, 43);
	resize(0, 90, 25);
	window("viocon0", 90, 25);
	resize(0, 0, 0);
	window("viocon0", 90, 25);
	resize(0, 65535, 65535);
	window("viocon0", 65535, 65535);
}

static void
a_terminal_keeps_what_is_not_read(void **state)
{
	attach_one();
	node_close(node, FREAD | FWRITE);
	node = NULL;
	sim_con_plug(cn, 3, true, NULL);
	run();
	node = node_open("viocon0", FREAD | FWRITE);
	memset(buf, 'x', BIG);
	sim_con_hold(cn, 3, true);
	begin(UIO_WRITE, buf, BIG);
	assert_false(job.over);
	sim_con_hold(cn, 3, false);
	hosted_run(SEC);
	end();
	assert_int_equal(job.done, BIG);
	assert_int_equal(cn->cn_port[3].po_nout, BIG);
}

/* --- the kernel's console ------------------------------------------------ */

static void
console_is(const char *words, u_int id)
{
	cmdline_init(words, strlen(words));
	create();
	sim_con_plug(cn, 0, true, NULL);
	sim_con_plug(cn, 3, true, NULL);
	attach();
	cn->cn_port[0].po_nout = cn->cn_port[3].po_nout = 0;
	printf("hello\n");
	run();
	assert_int_equal(cn->cn_port[id].po_nout, 7);
	assert_memory_equal(cn->cn_port[id].po_out, "hello\r\n", 7);
	assert_int_equal(cn->cn_port[3 - id].po_nout, 0);
}

static void
the_first_port_is_the_console(void **state)
{
	console_is("console=viocon0", 0);
}

/* As hypervisors ask for it that expect Linux. */
static void
the_first_port_is_the_console_by_linux_s_name(void **state)
{
	console_is("console=hvc0", 0);
	assert_false(sim_said("malformed"));
}

static void
options_of_a_console_are_passed_over(void **state)
{
	console_is("console=hvc0,115200n8", 0);
	assert_false(sim_said("malformed"));
}

static void
another_port_is_the_console(void **state)
{
	console_is("console=viocon0.3", 3);
}

static void
the_first_port_has_a_number_too(void **state)
{
	cmdline_init("console=viocon0.3", 17);
	create();
	sim_con_plug(cn, 3, true, NULL);
	attach();
	cn->cn_port[3].po_nout = 0;
	printf("hello\n");
	assert_int_equal(cn->cn_port[3].po_nout, 7);
}

static void
a_console_that_goes_and_comes_again(void **state)
{
	cmdline_init("console=viocon0", 15);
	create();
	sim_con_plug(cn, 0, true, NULL);
	attach();
	sim_con_unplug(cn, 0);
	run();
	printf("nobody hears this now\n");
	sim_con_plug(cn, 0, true, NULL);
	cn->cn_port[0].po_nout = 0;
	run();
	cn->cn_port[0].po_out[cn->cn_port[0].po_nout] = '\0';
	assert_non_null(strstr(cn->cn_port[0].po_out, "nobody hears this"));
}

static void
a_port_that_nobody_reads_does_not_stop_the_kernel(void **state)
{
	uint64_t start;
	u_int i;

	cmdline_init("console=viocon0", 15);
	create();
	sim_con_plug(cn, 0, true, NULL);
	attach();
	sim_con_hold(cn, 0, true);
	start = nsecuptime();
	for (i = 0; i < 1000; i++)
		printf("a line that nobody reads, number %u\n", i);
	assert_true(nsecuptime() - start < 10 * SEC);
}

static void
an_attach_that_fails_is_told_by_the_register(void **state)
{
	create();
	cn->cn_sv->sv_refuse_ok = true;
	sim_attach();
	assert_string_equal(emergency, "viocon0: cannot attach, error 6\r\n");
}

static void
a_panic_without_a_console_is_told_by_the_register(void **state)
{
	cmdline_init("console=viocon0", 15);
	create();
	attach();
	printf("not heard\n");
	cn_panic();
	printf("heard\n");
	assert_string_equal(emergency, "heard\r\n");
}

static void
without_a_console_port_others_may_be_the_console(void **state)
{
	create();
	sim_con_plug(cn, 1, false, "test");
	attach();
	nemergency = 0;
	printf("for the machine's own console\n");
	assert_int_equal(nemergency, 0);
	assert_true(sim_said("for the machine's own console"));
}

/* --- ports come and go --------------------------------------------------- */

static void
ports_come_and_go(void **state)
{
	u_int i;

	create();
	attach();
	for (i = 0; i < 10; i++) {
		sim_con_plug(cn, 3, i % 2, "hot");
		run();
		sim_con_settled(cn);
		assert_true(there("vport/hot"));
		assert_int_equal(there("viocon0"), i % 2);
		sim_con_unplug(cn, 3);
		run();
		assert_false(there("vport/hot"));
		assert_false(there("viocon0"));
	}
	assert_int_equal(count_said("viocon0: port 3: gone\n"), 10);
}

static void
a_port_that_goes_wakes_its_users(void **state)
{
	size_t done;

	attach_one();
	begin(UIO_READ, buf, 10);
	sim_con_unplug(cn, 1);
	end();
	assert_int_equal(job.error, ENXIO);
	assert_false(there("vport/test"));
	assert_int_equal(rd(1, 0, &done), ENXIO);
	assert_int_equal(wr(1, 0, &done), ENXIO);
	assert_true(poll_now() & POLLHUP);
	/* what was lent for it is there for the next one of that id */
	sim_con_plug(cn, 1, false, "next");
	sim_con_open(cn, 1, true);
	run();
	node_close(node, FREAD | FWRITE);
	node = node_open("vport/next", FREAD | FWRITE);
	assert_int_equal(sim_con_send(cn, 1, "abc", 3), 3);
	run();
	assert_int_equal(rd(10, 0, &done), 0);
	assert_int_equal(done, 3);
}

static void
a_port_that_goes_wakes_a_writer(void **state)
{
	attach_one();
	sim_con_hold(cn, 1, true);
	begin(UIO_WRITE, buf, BIG);
	assert_false(job.over);
	sim_con_unplug(cn, 1);
	end();
	assert_int_equal(job.error, ENXIO);
}

static void
a_port_comes_again_before_the_host_has_read(void **state)
{
	size_t done;

	attach_one();
	sim_con_hold(cn, 1, true);
	assert_int_equal(wr(BIG, FNONBLOCK, &done), EAGAIN);
	sim_con_unplug(cn, 1);
	sim_con_plug(cn, 1, false, "next");
	sim_con_open(cn, 1, true);
	run();
	node_close(node, FREAD | FWRITE);
	node = node_open("vport/next", FREAD | FWRITE);
	run();
	assert_int_equal(wr(1, FNONBLOCK, &done), EAGAIN);
	sim_con_hold(cn, 1, false);
	run();
	assert_int_equal(wr(1, FNONBLOCK, &done), 0);
}

/* --- resets -------------------------------------------------------------- */

static void
ports_stay_open_over_a_reset(void **state)
{
	size_t done;

	attach_one();
	begin(UIO_READ, buf, 10);
	sim_virtio_needs_reset(cn->cn_sv);
	run();
	sim_con_settled(cn);
	assert_int_equal(cn->cn_nready, 2);
	assert_true(cn->cn_port[1].po_guestopen);
	assert_false(job.over);
	assert_int_equal(sim_con_send(cn, 1, "abc", 3), 3);
	end();
	assert_int_equal(job.error, 0);
	assert_int_equal(job.done, 3);
	assert_int_equal(wr(3, 0, &done), 0);
	run();
	assert_int_equal(cn->cn_port[1].po_nout, 3);
	assert_int_equal(count_said("viocon0: port 1: test\n"), 1);
}

static void
a_port_that_a_reset_takes_away(void **state)
{
	attach_one();
	begin(UIO_READ, buf, 10);
	cn->cn_port[1].po_plugged = false;
	sim_virtio_needs_reset(cn->cn_sv);
	end();
	assert_int_equal(job.error, ENXIO);
	assert_false(there("vport/test"));
	assert_true(said("port 1: gone\n"));
}

static void
after_the_last_failure_users_are_told(void **state)
{
	size_t done;

	attach_one();
	begin(UIO_READ, buf, 10);
	cn->cn_sv->sv_refuse_ok = true;
	sim_virtio_needs_reset(cn->cn_sv);
	hosted_run(60 * SEC);
	end();
	assert_int_equal(job.error, EIO);
	assert_int_equal(wr(1, 0, &done), EIO);
	assert_true(poll_now() & POLLERR);
}

/* --- devices that misbehave ---------------------------------------------- */

static void
nonsense_is_said_and_does_no_harm(void **state)
{
	static const struct {
		uint32_t	 id;
		u_int		 event;
		size_t		 len;
		const char	*line;
	} bad[] = {
		{ 7, SIM_CON_ADD, 0, "event 1 for port 7 of 7" },
		{ 0xffffffff, SIM_CON_NAME, 3, "for port 4294967295 of 7" },
		{ 1, SIM_CON_ADD, 0, "port 1 is added twice" },
		{ 2, SIM_CON_REMOVE, 0, "event 2 for port 2, which is not" },
		{ 2, SIM_CON_CONSOLE, 0, "event 4 for port 2, which is not" },
		{ 1, SIM_CON_DEVICE_READY, 0, "unknown event 0 for port 1" },
		{ 1, 0xffff, 100, "unknown event 65535 for port 1" },
		{ 1, SIM_CON_RESIZE, 3, "no size for port 1" },
	};
	size_t done, n;
	u_int i;

	attach_one();
	memset(buf2, 0, 100);
	for (i = 0; i < nitems(bad); i++) {
		sim_con_tell(cn, bad[i].id, bad[i].event, 0, buf2,
		    bad[i].len);
		run();
		if (!said(bad[i].line))
			fail_msg("%s: not said", bad[i].line);
	}
	for (n = 0; n < 8; n++)
		sim_con_raw(cn, buf2, n);
	run();
	assert_true(said("a message of 7 bytes"));
	for (i = 0; i < 100; i++)
		sim_con_tell(cn, 2, SIM_CON_REMOVE, 0, NULL, 0);
	run();
	assert_int_equal(count_said("viocon0: control: "), 16);
	assert_true(said("; no more is said of this\n"));
	assert_int_equal(wr(3, 0, &done), 0);
	run();
	assert_int_equal(cn->cn_port[1].po_nout, 3);
}

static void
a_flood_of_messages_is_paced(void **state)
{
	uint64_t start;
	size_t done;
	u_int i;

	sim_lenient = true;		/* PORT_READY for what has gone */
	attach_one();
	for (i = 0; i < 20000; i++) {
		sim_con_tell(cn, 2, SIM_CON_ADD, 0, NULL, 0);
		sim_con_tell(cn, 2, SIM_CON_REMOVE, 0, NULL, 0);
	}
	start = nsecuptime();
	hosted_run(10 * SEC);
	/* 120 in a row, and a hundred in a second */
	assert_true(cn->cn_nmsgs > 40000 - 1200);
	assert_true(cn->cn_nmsgs < 40000 - 900);
	assert_true(nsecuptime() - start < 11 * SEC);
	assert_true(count_said("\n") < 300);
	assert_int_equal(wr(3, 0, &done), 0);
	hosted_run(SEC / 10);
	assert_int_equal(cn->cn_port[1].po_nout, 3);
	/* and it can be taken away in the middle of it */
}

static void
messages_that_find_no_buffer_are_lost(void **state)
{
	struct sim_virtio_conf vc = plain;
	char name[20];
	u_int i;

	vc.vc_nvq = SIM_MAXVQ;
	for (i = 0; i < SIM_MAXVQ; i++)
		vc.vc_qsize[i] = 8;
	cn = sim_con_new(&vc);
	cn->cn_drops = true;
	for (i = 0; i < SIM_CON_NPORTS; i++) {
		snprintf(buf + i * 20, 20, "port.%u", i);
		sim_con_plug(cn, i, i == 0, buf + i * 20);
		cn->cn_port[i].po_hostopen = true;
	}
	attach();
	for (i = 0; i < SIM_CON_NPORTS; i++) {
		snprintf(name, sizeof(name), "vport/port.%u", i);
		assert_true(there(name));
	}
	assert_true(there("viocon0"));
	/* all but one of them wait for messages when one comes */
	assert_true(cn->cn_sv->sv_vq[2].sq_nheld >= 7);
}

static void
a_device_that_takes_no_messages(void **state)
{
	uint64_t start;

	create();
	cn->cn_mute = true;
	start = nsecuptime();
	sim_attach();
	assert_true(nsecuptime() - start < 5 * SEC);
	assert_true(said("viocon0: control: no answer\n"));
	assert_int_equal(count_said("no answer"), 1);
}

static void
a_device_that_stops_to_take_messages(void **state)
{
	uint64_t start;
	u_int i;

	create();
	sim_con_plug(cn, 1, false, "test");
	attach();
	cn->cn_mute = true;
	start = nsecuptime();
	for (i = 0; i < 100; i++) {
		if ((node = node_open("vport/test", FREAD)) == NULL)
			break;
		node_close(node, FREAD);
		node = NULL;
	}
	assert_true(i > 2 && i < 100);
	assert_true(nsecuptime() - start < 5 * SEC);
	assert_true(said("viocon0: control: no answer\n"));
}

static void
more_ports_are_claimed_than_there_are(void **state)
{
	create();
	sim_config_put(cn->cn_sv, 4, 4, 0xffffffff);
	sim_con_plug(cn, 6, false, "last");
	attach();
	assert_true(said("viocon0 at virtio0: 7 ports of 4294967295\n"));
	assert_true(there("vport/last"));
}

static void
no_ports_at_all_are_one(void **state)
{
	size_t done;

	create();
	sim_config_put(cn->cn_sv, 4, 4, 0);
	sim_attach();
	assert_true(said("viocon0 at virtio0: one port"));
	node = node_open("viocon0", FREAD | FWRITE);
	memset(buf, 'x', 3);
	assert_int_equal(wr(3, 0, &done), 0);
	run();
	assert_int_equal(cn->cn_nout, 3);
}

static void
the_smallest_rings_are_enough(void **state)
{
	struct sim_virtio_conf vc = plain;
	size_t done;
	u_int i;

	vc.vc_nvq = SIM_MAXVQ;
	for (i = 0; i < SIM_MAXVQ; i++)
		vc.vc_qsize[i] = 1;
	cn = sim_con_new(&vc);
	sim_con_plug(cn, 0, true, NULL);
	sim_con_plug(cn, 1, false, "test");
	sim_con_open(cn, 1, true);
	attach();
	node = node_open("vport/test", FREAD | FWRITE);
	pattern(buf, BIG);
	assert_int_equal(wr(BIG, 0, &done), 0);
	run();
	assert_int_equal(cn->cn_port[1].po_nout, BIG);
	assert_memory_equal(cn->cn_port[1].po_out, buf, BIG);
	assert_int_equal(sim_con_send(cn, 1, "abc", 3), 3);
	run();
	assert_int_equal(rd(10, 0, &done), 0);
	assert_int_equal(done, 3);
}

static void
work_each_way(const struct sim_virtio_conf *vc)
{
	size_t done;

	cn = sim_con_new(vc);
	sim_con_plug(cn, 1, false, "test");
	sim_con_open(cn, 1, true);
	attach();
	node = node_open("vport/test", FREAD | FWRITE);
	run();
	pattern(buf, BIG);
	assert_int_equal(wr(BIG, 0, &done), 0);
	run();
	assert_memory_equal(cn->cn_port[1].po_out, buf, BIG);
	begin(UIO_READ, buf2, 5000);
	assert_true(sim_con_send(cn, 1, buf, 5000) > 0);
	end();
	assert_memory_equal(buf2, buf, job.done);
}

static void
in_packed_rings(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features |= 1ULL << 34 | 1ULL << 29;
	work_each_way(&vc);
}

static void
in_order(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features |= 1ULL << 35 | 1ULL << 29;
	vc.vc_batch = 3;
	work_each_way(&vc);
}

static void
on_a_legacy_device_by_the_line(void **state)
{
	struct sim_virtio_conf vc = plain;

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_features &= ~F_RING_RESET;
	vc.vc_nvec = 0;
	work_each_way(&vc);
}

/* --- failures at each place ---------------------------------------------- */

static void
everything(void)
{
	sim_attach();
	printf("a message\n");
	node = node_open("vport/test", FREAD | FWRITE);
	if (node != NULL) {
		(void)wr(1000, FNONBLOCK, NULL);
		(void)sim_con_send(cn, 1, "abc", 3);
		hosted_run(1000000);
		(void)rd(10, FNONBLOCK, NULL);
		node_close(node, FREAD | FWRITE);
		node = NULL;
	}
	sim_con_unplug(cn, 1);
	hosted_run(1000000);
}

static void
populate(void)
{
	create();
	sim_con_plug(cn, 0, true, "console");
	sim_con_plug(cn, 1, false, "test");
	sim_con_open(cn, 1, true);
}

static void
every_failure_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 1000; n++) {
		populate();
		hosted_fail_at = n;
		everything();
		if (hosted_fail_at != 0)
			break;
		detach();
		hosted_run(1000);
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 30 && n < 1000);
	hosted_fail_at = 0;
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	u_int n;

	for (n = 1; n < 10000; n += 1 + n / 100) {
		sim_gone = false;
		populate();
		sim_gone_at = n;
		everything();
		detach();
		assert_int_equal(hosted_nallocs, 0);
		if (sim_gone_at != 0)
			break;
	}
	assert_true(n > 300 && n < 10000);
	sim_gone = false;
	sim_gone_at = 0;
}

/* Messages of chance, while ports are used. */
static void
messages_by_chance(void **state)
{
	uint8_t msg[300];
	u_int i, k, n;

	sim_lenient = true;
	for (i = 0; i < 30; i++) {
		hosted_init();
		sim_seed(i);
		populate();
		sim_attach();
		node = node_open("vport/test", FREAD | FWRITE);
		for (k = 0; k < 60; k++) {
			n = sim_random(8) ? 8 + sim_random(20) :
			    sim_random(sizeof(msg));
			memset(msg, 'a' + sim_random(3), sizeof(msg));
			sim_put(msg, 4, sim_random(10) ? sim_random(5) :
			    sim_random(~0U));
			sim_put(msg + 4, 2, sim_random(10) ? sim_random(9) :
			    sim_random(65536));
			sim_put(msg + 6, 2, sim_random(2));
			sim_con_raw(cn, msg, n);
			if (node != NULL) {
				(void)wr(100, FNONBLOCK, NULL);
				(void)rd(100, FNONBLOCK, NULL);
			}
			if (sim_random(4) == 0)
				hosted_run(sim_random(20000000));
			if (sim_random(20) == 0) {
				node_close(node, FREAD | FWRITE);
				node = node_open("vport/test",
				    FREAD | FWRITE);
			}
			if (sim_random(40) == 0)
				sim_virtio_needs_reset(cn->cn_sv);
		}
		node_close(node, FREAD | FWRITE);
		node = NULL;
		detach();
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ports_are_told_by_name_or_number),
		TEST(names_that_are_none_are_refused),
		TEST(good_names_are_taken),
		TEST(a_name_is_for_the_first_that_has_it),
		TEST(a_late_name_replaces_a_number),
		TEST(a_late_name_does_not_disturb_users),
		TEST(what_is_written_arrives),
		TEST(what_is_sent_is_read),
		TEST(a_reader_waits_for_bytes),
		TEST(a_writer_waits_for_room_and_loses_nothing),
		TEST(without_waiting_only_so_much_is_written),
		TEST(nobody_is_interrupted_who_does_not_wait),
		TEST(a_port_that_is_closed_costs_no_buffers),
		TEST(the_host_is_told_of_open_and_close),
		TEST(a_port_is_open_once),
		TEST(what_the_last_user_did_not_read_is_gone),
		TEST(the_far_end_is_closed),
		TEST(a_reader_meets_the_end),
		TEST(console_ports_are_terminals),
		TEST(a_console_is_answered_each_time_it_is_said),
		TEST(a_port_in_use_becomes_a_terminal_when_it_is_closed),
		TEST(each_terminal_has_its_size),
		TEST(a_terminal_keeps_what_is_not_read),
		TEST(the_first_port_is_the_console),
		TEST(the_first_port_is_the_console_by_linux_s_name),
		TEST(options_of_a_console_are_passed_over),
		TEST(another_port_is_the_console),
		TEST(the_first_port_has_a_number_too),
		TEST(a_console_that_goes_and_comes_again),
		TEST(a_port_that_nobody_reads_does_not_stop_the_kernel),
		TEST(an_attach_that_fails_is_told_by_the_register),
		TEST(without_a_console_port_others_may_be_the_console),
		TEST(ports_come_and_go),
		TEST(a_port_that_goes_wakes_its_users),
		TEST(a_port_that_goes_wakes_a_writer),
		TEST(a_port_comes_again_before_the_host_has_read),
		TEST(ports_stay_open_over_a_reset),
		TEST(a_port_that_a_reset_takes_away),
		TEST(after_the_last_failure_users_are_told),
		TEST(nonsense_is_said_and_does_no_harm),
		TEST(a_flood_of_messages_is_paced),
		TEST(messages_that_find_no_buffer_are_lost),
		TEST(a_device_that_takes_no_messages),
		TEST(a_device_that_stops_to_take_messages),
		TEST(more_ports_are_claimed_than_there_are),
		TEST(no_ports_at_all_are_one),
		TEST(the_smallest_rings_are_enough),
		TEST(in_packed_rings),
		TEST(in_order),
		TEST(on_a_legacy_device_by_the_line),
		TEST(every_failure_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
		TEST(messages_by_chance),
		/* the last, for it goes on */
		TEST(a_panic_without_a_console_is_told_by_the_register),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

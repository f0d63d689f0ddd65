/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include "sim/tcplink.h"

#include <sys/sysctl.h>

static int
setup(void **state)
{
	link_init(1);
	return (0);
}

static int
teardown(void **state)
{
	return (link_fini());
}

static void
a_connection_opens_and_closes(void **state)
{
	struct socket *l = sock_listen(80, 5), *a = sock_new(), *b;
	char buf[100];

	assert_int_equal(sock_connect(a, LINK_B, 80), EINPROGRESS);
	hosted_run(MSEC_TO_NSEC(10));
	assert_true(a->so_state & SS_CONNECTED);
	b = sock_accept(l);
	assert_non_null(b);
	assert_int_equal(sock_write(a, "hello", 5, 0), 5);
	hosted_run(MSEC_TO_NSEC(10));
	assert_int_equal(sock_read(b, buf, sizeof(buf), 0), 5);
	assert_memory_equal(buf, "hello", 5);
	sock_close(a);
	hosted_run(MSEC_TO_NSEC(10));
	assert_int_equal(sock_read(b, buf, sizeof(buf), 0), 0);
	sock_close(b);
	sock_close(l);
}

/* --- transfers ---------------------------------------------------------- */

static bool	alloc_failures;	/* ENOBUFS is no wonder */

struct stream {
	struct socket	*st_from, *st_to;
	uint64_t	 st_sent, st_got, st_size;
	uint64_t	 st_salt;
	bool		 st_shut, st_eof;
};

static uint8_t
stream_byte(const struct stream *st, uint64_t i)
{
	uint64_t x = (i + st->st_salt) * 0x9e3779b97f4a7c15ULL;

	return (x >> 56);
}

static void
stream_write(struct stream *st)
{
	static uint8_t buf[50000];
	uint64_t n, i;
	long done;

	while (st->st_sent < st->st_size) {
		n = 1 + link_random(sizeof(buf));
		n = MIN(n, st->st_size - st->st_sent);
		if (alloc_failures)	/* in one piece, or not at all */
			n = MIN(n, MCL32K);
		for (i = 0; i < n; i++)
			buf[i] = stream_byte(st, st->st_sent + i);
		done = sock_write(st->st_from, buf, n, 0);
		if (done == -EAGAIN || (alloc_failures && done == -ENOBUFS))
			return;
		if (done < 0)
			fail_msg("write: error %ld after %llu", -done,
			    (unsigned long long)st->st_sent);
		st->st_sent += done;
		if ((uint64_t)done < n)
			return;
	}
	if (!st->st_shut) {
		st->st_shut = true;
		assert_int_equal(so_shutdown(st->st_from, SHUT_WR), 0);
	}
}

static void
stream_read(struct stream *st)
{
	static uint8_t buf[70000];
	long n, i;

	while ((n = sock_read(st->st_to, buf, 1 + link_random(sizeof(buf)),
	    0)) > 0) {
		for (i = 0; i < n; i++) {
			if (buf[i] != stream_byte(st, st->st_got + i))
				fail_msg("byte %llu is wrong",
				    (unsigned long long)st->st_got + i);
		}
		st->st_got += n;
	}
	if (n == 0)
		st->st_eof = true;
	else if (n != -EAGAIN)
		fail_msg("read: error %ld after %llu", -n,
		    (unsigned long long)st->st_got);
}

static struct socket *pair_listen, *pair_a, *pair_b;

static void
pair_open(void)
{
	u_int i;

	pair_listen = sock_listen(5001, 5);
	pair_a = sock_new();
	assert_int_equal(sock_connect(pair_a, LINK_B, 5001), EINPROGRESS);
	for (i = 0; i < 600 && (pair_b = sock_accept(pair_listen)) == NULL;
	    i++)
		hosted_run(MSEC_TO_NSEC(100));
	assert_non_null(pair_b);
}

static void
pair_close(void)
{
	sock_close(pair_a);
	sock_close(pair_b);
	sock_close(pair_listen);
	pair_a = pair_b = pair_listen = NULL;
	hosted_run(SEC_TO_NSEC(900));
}

/* So many bytes, which nobody looks at, and no end. */
static void
pair_transfer_some(long n)
{
	static uint8_t buf[10000];
	long done;

	while (n > 0) {
		done = sock_write(pair_a, buf, MIN((long)sizeof(buf), n), 0);
		n -= MAX(done, 0);
		hosted_run(MSEC_TO_NSEC(10));
		while (sock_read(pair_b, buf, sizeof(buf), 0) > 0)
			continue;
	}
}

/* So many bytes each way; the time that it took, ns. */
static uint64_t
pair_transfer(uint64_t there, uint64_t back, uint64_t limit)
{
	struct stream s = { .st_from = pair_a, .st_to = pair_b,
	    .st_size = there, .st_salt = 17 };
	struct stream r = { .st_from = pair_b, .st_to = pair_a,
	    .st_size = back, .st_salt = 1234567 };
	uint64_t start = hosted_now;

	while (!s.st_eof || !r.st_eof) {
		stream_write(&s);
		stream_write(&r);
		hosted_run(MSEC_TO_NSEC(1));
		stream_read(&s);
		stream_read(&r);
		if (hosted_now - start > limit)
			fail_msg("too slow: %llu of %llu, %llu of %llu",
			    (unsigned long long)s.st_got,
			    (unsigned long long)there,
			    (unsigned long long)r.st_got,
			    (unsigned long long)back);
	}
	assert_int_equal(s.st_got, there);
	assert_int_equal(r.st_got, back);
	return (hosted_now - start);
}

static void
transfer(uint64_t there, uint64_t back, uint64_t limit)
{
	pair_open();
	pair_transfer(there, back, limit);
	pair_close();
}

static void
data_arrive_whole_over_a_good_link(void **state)
{
	transfer(3000000, 1000000, SEC_TO_NSEC(10));
	assert_int_equal(tcp_stats.ts_retransmits, 0);
}

static void
data_arrive_whole_with_tso(void **state)
{
	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
	transfer(8000000, 100000, SEC_TO_NSEC(10));
	assert_int_equal(tcp_stats.ts_retransmits, 0);
}

static void
data_arrive_whole_with_tso_and_gro(void **state)
{
	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
	link_conf.lc_gro = true;
	transfer(8000000, 100000, SEC_TO_NSEC(10));
	assert_int_equal(tcp_stats.ts_retransmits, 0);
}

static void
bad_link(u_int loss, u_int dup, u_int corrupt, u_int reorder, u_int seeds)
{
	u_int seed;

	for (seed = 1; seed <= seeds; seed++) {
		link_seed = seed;
		link_conf.lc_loss = loss;
		link_conf.lc_dup = dup;
		link_conf.lc_corrupt = corrupt;
		link_conf.lc_reorder = reorder;
		link_conf.lc_delay = MSEC_TO_NSEC(10);
		link_conf.lc_jitter = MSEC_TO_NSEC(20);
		if (seed % 2 == 0) {
			link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
			link_conf.lc_gro = seed % 4 == 0;
		} else
			link_conf.lc_caps = 0;
		transfer(1000000, 200000, SEC_TO_NSEC(600));
	}
}

static void
data_arrive_whole_with_loss(void **state)
{
	bad_link(50, 0, 0, 0, 8);
}

static void
data_arrive_whole_with_reordering(void **state)
{
	bad_link(0, 0, 0, 300, 8);
}

static void
data_arrive_whole_with_duplication(void **state)
{
	bad_link(0, 300, 0, 0, 8);
}

static void
data_arrive_whole_with_corruption(void **state)
{
	bad_link(0, 0, 50, 0, 8);
}

static void
data_arrive_whole_with_all_of_it(void **state)
{
	bad_link(50, 50, 20, 200, 20);
}

static void
data_arrive_whole_without_sack(void **state)
{
	tcp_tun.tn_sack = 0;
	bad_link(30, 50, 20, 100, 8);
	tcp_tun.tn_sack = 1;
}

static void
data_arrive_whole_without_timestamps(void **state)
{
	tcp_tun.tn_timestamps = 0;
	bad_link(30, 50, 0, 100, 8);
	tcp_tun.tn_timestamps = 1;
}


static void
data_arrive_whole_over_ipv6(void **state)
{
	link_v6 = true;
	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO6;
	link_conf.lc_loss = 20;
	transfer(2000000, 500000, SEC_TO_NSEC(60));
}

static void
data_arrive_whole_with_newreno(void **state)
{
	tcp_cc_default = &tcp_cc_newreno;
	bad_link(20, 10, 0, 50, 4);
	tcp_cc_default = &tcp_cc_cubic;
}

static void
data_arrive_whole_with_ecn(void **state)
{
	tcp_tun.tn_ecn = 1;
	link_conf.lc_ce = 20;
	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4 | IFCAP_TSO_ECN;
	transfer(3000000, 300000, SEC_TO_NSEC(60));
	tcp_tun.tn_ecn = 2;
	assert_int_not_equal(tcp_stats.ts_ecn_marks, 0);
	assert_int_equal(tcp_stats.ts_retransmits, 0);
}

static void
data_arrive_whole_through_a_bottleneck(void **state)
{
	uint64_t t;

	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
	link_conf.lc_rate = 2000000;
	link_conf.lc_queue = 60;
	link_conf.lc_delay = MSEC_TO_NSEC(10);
	pair_open();
	t = pair_transfer(10000000, 0, SEC_TO_NSEC(20));
	pair_close();
	/* 5 seconds at least, for the headers too */
	assert_true(t < SEC_TO_NSEC(7));
}

static void
slow_start_ends_before_a_deep_queue_is_full(void **state)
{
	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
	link_conf.lc_rate = 10000000;
	link_conf.lc_queue = 200;
	link_conf.lc_delay = MSEC_TO_NSEC(10);
	transfer(10000000, 0, SEC_TO_NSEC(20));
	assert_int_equal(tcp_stats.ts_retransmits, 0);
}

static void
loss_is_not_taken_for_reordering(void **state)
{
	link_conf.lc_loss = 50;
	link_conf.lc_delay = MSEC_TO_NSEC(5);
	transfer(2000000, 0, SEC_TO_NSEC(60));
	assert_int_equal(tcp_stats.ts_reordered, 0);
}

static void
a_path_that_became_longer_is_learned(void **state)
{
	pair_open();
	pair_transfer_some(100000);
	link_conf.lc_delay = MSEC_TO_NSEC(400);
	memset(&tcp_stats, 0, sizeof(tcp_stats));
	pair_transfer(200000, 0, SEC_TO_NSEC(60));
	assert_in_range(tcp_stats.ts_timeouts, 0, 4);
	pair_close();
}

static void
five_percent_of_loss_are_no_standstill(void **state)
{
	uint64_t t;

	link_conf.lc_loss = 50;
	link_conf.lc_delay = MSEC_TO_NSEC(5);
	pair_open();
	t = pair_transfer(2000000, 0, SEC_TO_NSEC(60));
	pair_close();
	assert_true(t < SEC_TO_NSEC(8));
}

/* --- memory ------------------------------------------------------------- */

/* The n-th allocation fails, wherever that is: nothing is lost for good. */
static void
no_failed_allocation_stops_a_transfer(void **state)
{
	u_int n;

	for (n = 1; n < 400; n += n < 40 ? 1 : 13) {
		pair_open();
		link_conf.lc_loss = n % 3 == 0 ? 50 : 0;
		link_conf.lc_caps = n % 2 == 0 ? IFCAP_TSO4 : 0;
		hosted_fail_at = n;
		alloc_failures = true;
		pair_transfer(60000, 20000, SEC_TO_NSEC(100));
		alloc_failures = false;
		hosted_fail_at = 0;
		pair_close();
	}
}

static void
no_failed_allocation_stops_an_opening(void **state)
{
	struct socket *l = sock_listen(80, 5), *a, *b;
	u_int n, i;

	for (n = 1; n < 30; n++) {
		a = sock_new();
		hosted_fail_at = n;
		(void)sock_connect(a, LINK_B, 80);
		b = NULL;
		for (i = 0; i < 100 && b == NULL; i++) {
			hosted_run(MSEC_TO_NSEC(100));
			b = sock_accept(l);
		}
		hosted_fail_at = 0;
		assert_non_null(b);
		sock_close(a);
		sock_close(b);
		hosted_run(SEC_TO_NSEC(5));
		tcp_timewait_flush();
	}
	sock_close(l);
}

/* --- the test as a peer ------------------------------------------------- */

#define PORT	80
#define MYPORT	4000
#define F_MASK	(TH_SYN | TH_FIN | TH_RST | TH_ACK)
#define MS	1000000ULL

static struct pseg	out, in;
static uint32_t		p_snd, p_rcv;	/* next of ours; of theirs */
static uint32_t		p_iss, p_irs;
static uint16_t		p_dport;
static bool		p_ts, p_sack;
static int		p_wscale;
static uint16_t		p_mss, p_wnd;
static uint32_t		p_clock, p_echo;
static u_int		p_rtt;		/* ms, of the handshake */
static struct socket	*p_listen, *p_so;

static int
setup_peer(void **state)
{
	link_init(1);
	p_ts = p_sack = false;
	p_wscale = -1;
	p_mss = 1460;
	p_wnd = 65535;
	p_iss = 1000;
	p_clock = 5000;
	p_echo = 0;
	p_dport = PORT;
	p_rtt = 0;
	p_listen = p_so = NULL;
	return (0);
}

static int
teardown_peer(void **state)
{
	struct linger l = { 1, 0 };

	link_error = 0;
	if (p_so != NULL) {
		(void)so_setopt(p_so, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		sock_close(p_so);
	}
	sock_close(p_listen);
	return (link_fini());
}

/* A segment of ours, to be changed before it goes. */
static void
make(u_int flags, uint32_t len)
{
	uint32_t i;

	memset(&out, 0, offsetof(struct pseg, ps_data));
	out.ps_sport = MYPORT;
	out.ps_dport = p_dport;
	out.ps_seq = p_snd;
	out.ps_ack = flags & TH_ACK ? p_rcv : 0;
	out.ps_flags = flags;
	out.ps_wnd = p_wnd;
	out.ps_wscale = -1;
	out.ps_len = len;
	for (i = 0; i < len; i++)
		out.ps_data[i] = (p_snd + i) * 7;
	out.ps_ts = p_ts;
	out.ps_tsval = p_clock;
	out.ps_tsecr = p_echo;
}

static void
say(u_int flags, uint32_t len)
{
	make(flags, len);
	peer_send(&out);
	p_snd += len + ((flags & TH_SYN) != 0) + ((flags & TH_FIN) != 0);
}

static void
say_at(u_int flags, uint32_t seq, uint32_t len)
{
	uint32_t keep = p_snd;

	p_snd = seq;
	say(flags, len);
	p_snd = keep;
}

static void
say_sack(uint32_t left, uint32_t right)
{
	make(TH_ACK, 0);
	out.ps_nsack = 1;
	out.ps_sack[0][0] = left;
	out.ps_sack[0][1] = right;
	peer_send(&out);
}

static void
wait_ms(u_int ms)
{
	hosted_run(ms * MS);
}

/* The next thing that they say, with these flags. */
static void
hear(u_int flags)
{
	if (!peer_recv(&in))
		fail_msg("nothing was sent");
	if ((in.ps_flags & F_MASK) != flags)
		fail_msg("flags are %#x, not %#x", in.ps_flags & F_MASK, flags);
	if (in.ps_ts)
		p_echo = in.ps_tsval;
}

static void
hear_nothing(void)
{
	if (peer_recv(&in))
		fail_msg("sent: flags %#x, seq +%u, length %u", in.ps_flags,
		    in.ps_seq - p_irs, in.ps_len);
}

/* It is the next data, of that length; we take it. */
static void
hear_data(uint32_t len)
{
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
	assert_int_equal(in.ps_len, len);
	p_rcv += len;
}

static void
syn(void)
{
	make(TH_SYN, 0);
	out.ps_seq = p_iss;
	out.ps_mss = p_mss;
	out.ps_wscale = p_wscale;
	out.ps_sackok = p_sack;
	out.ps_tsecr = 0;
	peer_send(&out);
	p_snd = p_iss + 1;
}

static void
listening(void)
{
	p_listen = sock_listen(PORT, 5);
}

/* They listen, we connect; up to their SYN, ACK. */
static void
half_open(void)
{
	listening();
	syn();
	hear(TH_SYN | TH_ACK);
	assert_int_equal(in.ps_ack, p_iss + 1);
	p_irs = in.ps_seq;
	p_rcv = p_irs + 1;
}

static void
opened(void)
{
	half_open();
	wait_ms(p_rtt);
	say(TH_ACK, 0);
	hear_nothing();
	p_so = sock_accept(p_listen);
	assert_non_null(p_so);
}

static void
opened_modern(void)
{
	p_ts = p_sack = true;
	p_wscale = 7;
	opened();
	p_wnd = 2000;
	say(TH_ACK, 0);
}

/* They connect to us; up to their SYN. */
static void
connecting(void)
{
	p_so = sock_new();
	assert_int_equal(sock_connect(p_so, LINK_PEER, MYPORT), EINPROGRESS);
	hear(TH_SYN);
	p_dport = in.ps_dport;
	p_irs = in.ps_seq;
	p_rcv = p_irs + 1;
	p_snd = p_iss;
}

static struct tcpcb *
tcb(void)
{
	return (sototcpcb(p_so));
}

static void
they_write(uint32_t n)
{
	static uint8_t buf[300000];

	assert_true(n <= sizeof(buf));
	assert_int_equal(sock_write(p_so, buf, n, 0), n);
}

static long
they_read(uint32_t n)
{
	static uint8_t buf[300000];

	assert_true(n <= sizeof(buf));
	return (sock_read(p_so, buf, n, 0));
}

/* --- opening ------------------------------------------------------------ */

static void
a_syn_is_answered_with_what_it_offered(void **state)
{
	p_ts = p_sack = true;
	p_wscale = 3;
	half_open();
	assert_int_equal(in.ps_mss, 1460);
	assert_true(in.ps_wscale >= 0);
	assert_true(in.ps_sackok);
	assert_true(in.ps_ts);
	assert_int_equal(in.ps_tsecr, p_clock);
}

static void
a_syn_without_options_gets_only_an_mss(void **state)
{
	half_open();
	assert_int_equal(in.ps_mss, 1460);
	assert_int_equal(in.ps_wscale, -1);
	assert_false(in.ps_sackok);
	assert_false(in.ps_ts);
}

static void
a_syn_ack_is_repeated_with_backoff(void **state)
{
	static const u_int after[] = { 1, 2, 4, 8, 16 };
	u_int i;

	half_open();
	for (i = 0; i < nitems(after); i++) {
		wait_ms(after[i] * 1000 - 1);
		hear_nothing();
		wait_ms(1);
		hear(TH_SYN | TH_ACK);
		assert_int_equal(in.ps_seq, p_irs);
	}
	hosted_run(SEC_TO_NSEC(200));
	hear_nothing();
}

static void
a_handshake_given_up_is_unknown(void **state)
{
	half_open();
	hosted_run(SEC_TO_NSEC(200));
	peer_flush();
	say(TH_ACK, 0);
	hear(TH_RST);
	assert_int_equal(in.ps_seq, p_rcv);
}

static void
a_repeated_syn_gets_the_same_answer(void **state)
{
	half_open();
	syn();
	hear(TH_SYN | TH_ACK);
	assert_int_equal(in.ps_seq, p_irs);
}

static void
an_ack_out_of_nowhere_is_reset(void **state)
{
	listening();
	p_rcv = 77777;
	say(TH_ACK, 0);
	hear(TH_RST);
	assert_int_equal(in.ps_seq, 77777);
}

static void
a_syn_to_a_closed_port_is_reset(void **state)
{
	p_dport = 81;
	syn();
	hear(TH_RST | TH_ACK);
	assert_int_equal(in.ps_seq, 0);
	assert_int_equal(in.ps_ack, p_iss + 1);
}

static void
a_rst_is_never_answered(void **state)
{
	p_dport = 81;
	say(TH_RST, 0);
	say(TH_RST | TH_ACK, 0);
	hear_nothing();
}

static void
a_rst_ends_a_handshake(void **state)
{
	half_open();
	say(TH_RST, 0);
	say(TH_ACK, 0);
	hear(TH_RST);
	assert_null(sock_accept(p_listen));
}

static void
a_wrong_ack_in_a_handshake_is_reset(void **state)
{
	half_open();
	p_rcv += 5;
	say(TH_ACK, 0);
	hear(TH_RST);
	assert_int_equal(in.ps_seq, p_rcv);
	/* and the right one still counts */
	p_rcv -= 5;
	say(TH_ACK, 0);
	hear_nothing();
	p_so = sock_accept(p_listen);
	assert_non_null(p_so);
}

static void
data_may_come_with_the_last_ack(void **state)
{
	half_open();
	say(TH_ACK, 100);
	p_so = sock_accept(p_listen);
	assert_non_null(p_so);
	assert_int_equal(they_read(1000), 100);
}

static void
a_full_backlog_delays_but_does_not_refuse(void **state)
{
	struct socket *one;

	p_listen = sock_listen(PORT, 1);
	syn();
	hear(TH_SYN | TH_ACK);
	p_irs = in.ps_seq;
	p_rcv = p_irs + 1;
	/* somebody else is first */
	one = sock_new();
	(void)sock_connect(one, LINK_A, PORT);
	wait_ms(10);
	say(TH_ACK, 0);
	hear_nothing();
	sock_close(sock_accept(p_listen));
	sock_close(one);
	/* as it is asked again */
	hosted_run(SEC_TO_NSEC(5));
	hear(TH_SYN | TH_ACK);
	peer_flush();
	say(TH_ACK, 0);
	p_so = sock_accept(p_listen);
	assert_non_null(p_so);
}

static void
an_accepted_connection_has_the_listeners_options(void **state)
{
	int v = 0;
	size_t n = sizeof(v);

	listening();
	assert_int_equal(sock_setint(p_listen, IPPROTO_TCP, TCP_NODELAY, 1),
	    0);
	syn();
	hear(TH_SYN | TH_ACK);
	p_rcv = in.ps_seq + 1;
	say(TH_ACK, 0);
	p_so = sock_accept(p_listen);
	assert_int_equal(so_getopt(p_so, IPPROTO_TCP, TCP_NODELAY, &v, &n), 0);
	assert_int_equal(v, 1);
}

static void
deferred_accept_waits_for_data(void **state)
{
	listening();
	assert_int_equal(sock_setint(p_listen, IPPROTO_TCP, TCP_DEFER_ACCEPT,
	    5), 0);
	syn();
	hear(TH_SYN | TH_ACK);
	p_rcv = in.ps_seq + 1;
	say(TH_ACK, 0);
	assert_null(sock_accept(p_listen));
	say(TH_ACK, 10);
	p_so = sock_accept(p_listen);
	assert_non_null(p_so);
}

static void
a_connect_asks_for_all_options(void **state)
{
	connecting();
	assert_int_equal(in.ps_mss, 1460);
	assert_int_equal(in.ps_wscale, 7);
	assert_true(in.ps_sackok);
	assert_true(in.ps_ts);
	assert_int_equal(in.ps_tsecr, 0);
}

static void
synack(void)
{
	make(TH_SYN | TH_ACK, 0);
	out.ps_mss = p_mss;
	out.ps_wscale = p_wscale;
	out.ps_sackok = p_sack;
	peer_send(&out);
	p_snd = p_iss + 1;
}

static void
connected(void)
{
	connecting();
	synack();
	hear(TH_ACK);
	assert_true(p_so->so_state & SS_CONNECTED);
}

static void
a_syn_ack_completes_a_connect(void **state)
{
	connected();
	assert_int_equal(in.ps_seq, p_rcv);
	assert_int_equal(in.ps_ack, p_snd);
	assert_int_equal(in.ps_len, 0);
}

static void
a_refused_connect_says_so(void **state)
{
	connecting();
	say(TH_RST | TH_ACK, 0);
	assert_false(p_so->so_state & (SS_CONNECTING | SS_CONNECTED));
	assert_int_equal(so_takeerror(p_so), ECONNREFUSED);
}

static void
after_a_refusal_one_may_connect_again(void **state)
{
	connecting();
	say(TH_RST | TH_ACK, 0);
	(void)so_takeerror(p_so);
	assert_int_equal(sock_connect(p_so, LINK_PEER, MYPORT), EINPROGRESS);
	hear(TH_SYN);
	p_dport = in.ps_dport;
	p_rcv = in.ps_seq + 1;
	p_snd = p_iss;
	synack();
	hear(TH_ACK);
	assert_true(p_so->so_state & SS_CONNECTED);
}

static void
a_rst_that_acknowledges_nothing_is_no_refusal(void **state)
{
	connecting();
	say(TH_RST, 0);
	p_rcv -= 10;
	say(TH_RST | TH_ACK, 0);
	assert_true(p_so->so_state & SS_CONNECTING);
	hear_nothing();
}

static void
a_syn_ack_of_another_connection_is_reset(void **state)
{
	connecting();
	p_rcv += 1000;
	synack();
	hear(TH_RST);
	assert_int_equal(in.ps_seq, p_rcv);
	assert_true(p_so->so_state & SS_CONNECTING);
}

static void
a_connect_is_repeated_and_given_up(void **state)
{
	static const u_int after[] = { 1, 2, 4, 8, 16, 32 };
	u_int i;

	connecting();
	for (i = 0; i < nitems(after); i++) {
		wait_ms(after[i] * 1000 - 1);
		hear_nothing();
		wait_ms(1);
		hear(TH_SYN);
		assert_int_equal(in.ps_seq, p_irs);
	}
	hosted_run(SEC_TO_NSEC(65));
	hear_nothing();
	assert_int_equal(so_takeerror(p_so), ETIMEDOUT);
}

static void
both_may_open_at_the_same_time(void **state)
{
	connecting();
	make(TH_SYN, 0);
	out.ps_mss = 1460;
	peer_send(&out);
	p_snd = p_iss + 1;
	hear(TH_SYN | TH_ACK);
	assert_int_equal(in.ps_seq, p_irs);
	assert_int_equal(in.ps_ack, p_snd);
	assert_false(p_so->so_state & SS_CONNECTED);
	/* our SYN, ACK has our first number again */
	say_at(TH_SYN | TH_ACK, p_iss, 0);
	assert_true(p_so->so_state & SS_CONNECTED);
}

static void
a_lost_syn_means_a_small_first_window(void **state)
{
	connecting();
	wait_ms(1001);
	hear(TH_SYN);
	synack();
	hear(TH_ACK);
	they_write(20000);
	hear_data(1460);
	hear_nothing();
}

static void
an_error_of_the_network_ends_a_connect(void **state)
{
	struct inaddr src = link_addr(LINK_A), dst = link_addr(LINK_PEER);
	uint8_t hdr[8] = { p_dport >> 8, p_dport, MYPORT >> 8, MYPORT & 255 };

	connecting();
	hdr[0] = p_dport >> 8;
	hdr[1] = p_dport;
	put_be32(hdr + 4, p_irs + 1);
	tcp_error(EHOSTUNREACH, 0, true, &src, &dst, hdr);
	assert_true(p_so->so_state & SS_CONNECTING);	/* not in flight */
	put_be32(hdr + 4, p_irs);
	tcp_error(EHOSTUNREACH, 0, false, &src, &dst, hdr);
	assert_true(p_so->so_state & SS_CONNECTING);	/* not for good */
	tcp_error(EHOSTUNREACH, 0, true, &src, &dst, hdr);
	assert_int_equal(so_takeerror(p_so), EHOSTUNREACH);
}

static void
an_error_of_the_network_does_not_end_a_connection(void **state)
{
	struct inaddr src = link_addr(LINK_A), dst = link_addr(LINK_PEER);
	uint8_t hdr[8] = { PORT >> 8, PORT, MYPORT >> 8, MYPORT & 255 };

	opened();
	they_write(100);
	hear_data(100);
	put_be32(hdr + 4, p_irs + 1);
	tcp_error(ECONNREFUSED, 0, true, &src, &dst, hdr);
	assert_true(p_so->so_state & SS_CONNECTED);
	assert_int_equal(p_so->so_error, 0);
}

static void
a_route_that_is_not_there_is_told(void **state)
{
	p_so = sock_new();
	assert_int_equal(sock_connect(p_so, 200, 1), EHOSTUNREACH);
}

/* --- SYN floods --------------------------------------------------------- */

static void
flood(u_int n)
{
	u_int i;

	for (i = 0; i < n; i++) {
		make(TH_SYN, 0);
		out.ps_sport = 10000 + i;
		peer_send(&out);
	}
	peer_flush();
}

static void
a_syn_flood_takes_little_memory(void **state)
{
	unsigned before;

	listening();
	before = hosted_nallocs;
	flood(20000);
	assert_true(hosted_nallocs - before <= tcp_tun.tn_synqueue);
}

static void
a_client_connects_through_a_flood(void **state)
{
	listening();
	flood(5000);
	p_ts = p_sack = true;
	p_wscale = 5;
	p_mss = 1400;
	syn();
	hear(TH_SYN | TH_ACK);
	assert_true(in.ps_sackok && in.ps_ts && in.ps_wscale >= 0);
	p_rcv = in.ps_seq + 1;
	say(TH_ACK, 50);
	p_so = sock_accept(p_listen);
	assert_non_null(p_so);
	assert_int_equal(they_read(100), 50);
	assert_int_equal(tcb()->snd_scale, 5);
	assert_true(tcb()->t_flags & TF_SACK);
	assert_int_equal(tcb()->t_peermss, 1360);
	assert_int_equal(tcp_stats.ts_cookies_valid, 1);
}

static void
a_cookie_works_without_timestamps(void **state)
{
	listening();
	flood(5000);
	p_sack = true;
	p_wscale = 5;
	syn();
	hear(TH_SYN | TH_ACK);
	assert_false(in.ps_sackok || in.ps_ts || in.ps_wscale >= 0);
	p_rcv = in.ps_seq + 1;
	say(TH_ACK, 0);
	p_so = sock_accept(p_listen);
	assert_non_null(p_so);
	assert_int_equal(tcb()->snd_scale, 0);
	assert_int_equal(tcb()->t_peermss, 1460);
}

static void
a_forged_cookie_is_reset(void **state)
{
	u_int i;

	listening();
	flood(5000);
	for (i = 1; i < 50; i++) {
		p_rcv = i * 0x01234567;
		say(TH_ACK, 0);
		hear(TH_RST);
	}
	assert_null(sock_accept(p_listen));
}

static void
a_cookie_grows_old(void **state)
{
	listening();
	flood(5000);
	syn();
	hear(TH_SYN | TH_ACK);
	p_rcv = in.ps_seq + 1;
	hosted_run(SEC_TO_NSEC(64 * 3));
	peer_flush();
	say(TH_ACK, 0);
	hear(TH_RST);
}

static void
no_cookie_is_taken_in_quiet_times(void **state)
{
	uint32_t ack;

	listening();
	flood(5000);
	syn();
	hear(TH_SYN | TH_ACK);
	ack = in.ps_seq + 1;
	tcp_cookie_init();
	p_rcv = ack;
	say(TH_ACK, 0);
	hear(TH_RST);
}

/* --- closing ------------------------------------------------------------ */

static void
our_close_sends_a_fin_and_waits(void **state)
{
	opened();
	sock_close(p_so);
	p_so = NULL;
	hear(TH_FIN | TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
	p_rcv++;
	say(TH_ACK, 0);
	say(TH_FIN | TH_ACK, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	/* TIME_WAIT: a FIN that comes again is acknowledged again */
	say_at(TH_FIN | TH_ACK, p_snd - 1, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	assert_int_equal(in.ps_seq, p_rcv);
	hosted_run(SEC_TO_NSEC(61));
	say_at(TH_FIN | TH_ACK, p_snd - 1, 0);
	hear(TH_RST);
}

static void
the_peers_close_is_end_of_file(void **state)
{
	opened();
	say(TH_FIN | TH_ACK, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	assert_int_equal(they_read(10), 0);
	they_write(10);
	hear_data(10);
	say(TH_ACK, 0);
	sock_close(p_so);
	p_so = NULL;
	hear(TH_FIN | TH_ACK);
	p_rcv++;
	say(TH_ACK, 0);
	hear_nothing();
	/* LAST_ACK ends at once: there is nobody left */
	say(TH_ACK, 0);
	hear(TH_RST);
}

static void
both_may_close_at_the_same_time(void **state)
{
	opened();
	sock_close(p_so);
	p_so = NULL;
	hear(TH_FIN | TH_ACK);
	say(TH_FIN | TH_ACK, 0);		/* acknowledges no FIN */
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	p_rcv++;
	say(TH_ACK, 0);
	hear_nothing();
	say_at(TH_FIN | TH_ACK, p_snd - 1, 0);	/* TIME_WAIT */
	hear(TH_ACK);
}

static void
a_fin_may_acknowledge_a_fin(void **state)
{
	opened();
	sock_close(p_so);
	p_so = NULL;
	hear(TH_FIN | TH_ACK);
	p_rcv++;
	say(TH_FIN | TH_ACK, 0);
	hear(TH_ACK);
	hear_nothing();
	say_at(TH_FIN | TH_ACK, p_snd - 1, 0);
	hear(TH_ACK);
}

static void
after_half_a_close_data_still_come(void **state)
{
	opened();
	assert_int_equal(so_shutdown(p_so, SHUT_WR), 0);
	hear(TH_FIN | TH_ACK);
	p_rcv++;
	say(TH_ACK, 0);
	say(TH_ACK, 100);
	assert_int_equal(they_read(1000), 100);
	assert_int_equal(sock_write(p_so, "x", 1, 0), -EPIPE);
}

static void
a_fin_waits_for_the_data_before_it(void **state)
{
	opened();
	say_at(TH_FIN | TH_ACK, p_snd + 100, 50);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	assert_int_equal(they_read(1000), -EAGAIN);
	say(TH_ACK, 100);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd + 51);
	assert_int_equal(they_read(1000), 150);
	assert_int_equal(they_read(1000), 0);
}

static void
a_lone_fin_waits_for_the_data_before_it(void **state)
{
	opened();
	say_at(TH_FIN | TH_ACK, p_snd + 100, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_nsack, 0);
	say(TH_ACK, 100);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd + 1);
	assert_int_equal(they_read(1000), 100);
	assert_int_equal(they_read(1000), 0);
}

static void
data_are_sent_before_the_fin(void **state)
{
	opened();
	they_write(20000);
	sock_close(p_so);
	p_so = NULL;
	while (peer_n > 0 || !(in.ps_flags & TH_FIN)) {
		if (peer_n == 0) {
			say(TH_ACK, 0);
			wait_ms(10);
		}
		assert_true(peer_recv(&in));
		assert_int_equal(in.ps_seq, p_rcv);
		p_rcv += in.ps_len;
	}
	assert_int_equal(p_rcv - p_irs - 1, 20000);
}

static void
closing_with_unread_data_resets(void **state)
{
	opened();
	say(TH_ACK, 100);
	peer_flush();
	sock_close(p_so);
	p_so = NULL;
	hear(TH_RST | TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
}

static void
closing_without_lingering_resets(void **state)
{
	struct linger l = { 1, 0 };

	opened();
	assert_int_equal(so_setopt(p_so, SOL_SOCKET, SO_LINGER, &l,
	    sizeof(l)), 0);
	they_write(100);
	hear_data(100);
	sock_close(p_so);
	p_so = NULL;
	hear(TH_RST | TH_ACK);
	say(TH_ACK, 0);
	hear(TH_RST);
}

static void
data_after_a_close_are_reset(void **state)
{
	opened();
	sock_close(p_so);
	p_so = NULL;
	hear(TH_FIN | TH_ACK);
	p_rcv++;
	say(TH_ACK, 10);
	hear(TH_RST | TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
}

static void
a_peer_that_never_closes_is_forgotten(void **state)
{
	opened();
	sock_close(p_so);
	p_so = NULL;
	hear(TH_FIN | TH_ACK);
	p_rcv++;
	say(TH_ACK, 0);
	hosted_run(SEC_TO_NSEC(59));
	hear_nothing();
	hosted_run(SEC_TO_NSEC(2));
	say(TH_FIN | TH_ACK, 0);
	hear(TH_RST);
}

static void
to_timewait(void)
{
	opened_modern();
	sock_close(p_so);
	p_so = NULL;
	hear(TH_FIN | TH_ACK);
	p_rcv++;
	say(TH_FIN | TH_ACK, 0);
	hear(TH_ACK);
}

static void
time_wait_yields_to_a_newer_connection(void **state)
{
	to_timewait();
	p_clock += 10;
	p_iss = 500;			/* lower, but the time is not */
	syn();
	hear(TH_SYN | TH_ACK);
	assert_int_equal(in.ps_ack, p_iss + 1);
}

static void
time_wait_keeps_off_an_old_syn(void **state)
{
	to_timewait();
	p_clock -= 10;
	p_iss = p_snd + 1000;
	syn();
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
}

static void
time_wait_is_not_ended_by_a_rst(void **state)
{
	to_timewait();
	say(TH_RST, 0);
	say_at(TH_FIN | TH_ACK, p_snd - 1, 0);
	hear(TH_ACK);
}

static void
time_wait_is_limited_in_number(void **state)
{
	tcp_tun.tn_timewait = 3;
	unsigned before = 0, i;

	for (i = 0; i < 6; i++) {
		to_timewait();
		sock_close(p_listen);
		p_listen = NULL;
		wait_ms(1);
		p_clock += 10;
		if (i == 3)
			before = hosted_nallocs;
		p_iss += 100000;
	}
	assert_true(hosted_nallocs <= before);
	tcp_tun.tn_timewait = 8192;
}

/* --- RFC 5961 ----------------------------------------------------------- */

static void
the_exact_rst_ends_a_connection(void **state)
{
	opened();
	say(TH_RST, 0);
	assert_int_equal(they_read(1), -ECONNRESET);
	hear_nothing();
}

static void
a_rst_elsewhere_in_the_window_is_challenged(void **state)
{
	opened();
	say_at(TH_RST, p_snd + 100, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
	assert_int_equal(in.ps_ack, p_snd);
	assert_true(p_so->so_state & SS_CONNECTED);
}

static void
a_rst_outside_of_the_window_is_ignored(void **state)
{
	opened();
	say_at(TH_RST, p_snd - 1, 0);
	say_at(TH_RST, p_snd + 10000000, 0);
	hear_nothing();
	assert_true(p_so->so_state & SS_CONNECTED);
}

static void
a_syn_in_a_connection_is_challenged(void **state)
{
	opened();
	say_at(TH_SYN, p_snd, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	say_at(TH_SYN, p_snd + 100000, 0);
	hear(TH_ACK);
	assert_true(p_so->so_state & SS_CONNECTED);
}

static void
an_ack_of_what_was_not_sent_is_challenged(void **state)
{
	opened();
	p_rcv += 100;
	say(TH_ACK, 10);
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv - 100);
	assert_int_equal(they_read(10), -EAGAIN);
}

static void
an_ack_of_long_ago_is_challenged(void **state)
{
	opened();
	p_rcv -= 1000000;
	say(TH_ACK, 10);
	hear(TH_ACK);
	assert_int_equal(they_read(10), -EAGAIN);
}

static void
challenges_are_limited(void **state)
{
	u_int i;

	opened();
	for (i = 0; i < 100; i++)
		say_at(TH_SYN, p_snd, 0);
	for (i = 0; peer_recv(&in); i++)
		continue;
	assert_int_equal(i, 10);
	wait_ms(1000);
	say_at(TH_SYN, p_snd, 0);
	hear(TH_ACK);
}

/* --- timestamps --------------------------------------------------------- */

static void
an_old_timestamp_is_not_believed(void **state)
{
	opened_modern();
	p_clock -= 1;
	say(TH_ACK, 10);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd - 10);
	assert_int_equal(they_read(10), -EAGAIN);
}

static void
a_segment_without_timestamp_is_dropped(void **state)
{
	opened_modern();
	p_ts = false;
	say(TH_ACK, 10);
	hear_nothing();
	assert_int_equal(they_read(10), -EAGAIN);
}

static void
a_timestamp_is_echoed_from_what_is_acknowledged_first(void **state)
{
	opened_modern();
	peer_flush();
	p_clock = 6000;
	say(TH_ACK, 10);
	hear(TH_ACK);
	assert_int_equal(in.ps_tsecr, 6000);
	p_clock = 7000;
	say_at(TH_ACK, p_snd + 10, 10);		/* not next */
	hear(TH_ACK);
	assert_int_equal(in.ps_tsecr, 6000);
}

static void
timestamps_begin_anywhere(void **state)
{
	uint32_t first;

	p_ts = true;
	half_open();
	first = in.ps_tsval;
	sock_close(p_listen);
	p_listen = sock_listen(81, 5);
	p_dport = 81;
	syn();
	hear(TH_SYN | TH_ACK);
	assert_true(in.ps_tsval - first > 1000 &&
	    first - in.ps_tsval > 1000);
}

/* --- receiving ---------------------------------------------------------- */

static void
sack_tells_of_what_came_early(void **state)
{
	opened_modern();
	say_at(TH_ACK, p_snd + 100, 100);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	assert_int_equal(in.ps_nsack, 1);
	assert_int_equal(in.ps_sack[0][0], p_snd + 100);
	assert_int_equal(in.ps_sack[0][1], p_snd + 200);
}

static void
sack_tells_of_the_latest_first(void **state)
{
	u_int i;

	opened_modern();
	for (i = 0; i < 5; i++) {
		say_at(TH_ACK, p_snd + 1000 * (i + 1), 100);
		hear(TH_ACK);
	}
	assert_int_equal(in.ps_nsack, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(in.ps_sack[i][0], p_snd + 1000 * (5 - i));
	say_at(TH_ACK, p_snd + 1100, 50);
	hear(TH_ACK);
	assert_int_equal(in.ps_sack[0][0], p_snd + 1000);
	assert_int_equal(in.ps_sack[0][1], p_snd + 1150);
	assert_int_equal(in.ps_sack[1][0], p_snd + 5000);
}

static void
sack_tells_once_of_what_came_twice(void **state)
{
	opened_modern();
	say(TH_ACK, 100);
	peer_flush();
	say_at(TH_ACK, p_snd - 60, 40);
	hear(TH_ACK);
	assert_int_equal(in.ps_nsack, 1);
	assert_int_equal(in.ps_sack[0][0], p_snd - 60);
	assert_int_equal(in.ps_sack[0][1], p_snd - 20);
	say(TH_ACK, 10);
	hear(TH_ACK);
	assert_int_equal(in.ps_nsack, 0);
}

static void
overlapping_segments_are_trimmed(void **state)
{
	uint8_t buf[1000];
	long i;

	opened();
	say_at(TH_ACK, p_snd + 100, 100);
	say_at(TH_ACK, p_snd + 150, 100);
	say_at(TH_ACK, p_snd + 300, 100);
	say_at(TH_ACK, p_snd + 50, 300);
	say_at(TH_ACK, p_snd, 60);
	assert_int_equal(sock_read(p_so, buf, sizeof(buf), 0), 400);
	for (i = 0; i < 400; i++)
		assert_int_equal(buf[i], (uint8_t)((p_snd + i) * 7));
}

static void
filling_a_gap_is_acknowledged_at_once(void **state)
{
	u_int i;

	opened();
	for (i = 0; i < 20; i++)
		say(TH_ACK, 10);
	say_at(TH_ACK, p_snd + 10, 10);
	peer_flush();
	say(TH_ACK, 10);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd + 10);
}

static void
data_outside_of_the_window_are_not_taken(void **state)
{
	opened();
	say_at(TH_ACK, p_snd + 70000, 10);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	assert_int_equal(tcb()->t_nranges, 0);
}

static void
data_across_the_edge_are_cut(void **state)
{
	opened();
	say_at(TH_ACK, p_snd + 65530, 100);
	hear(TH_ACK);
	assert_int_equal(TAILQ_FIRST(&tcb()->t_rangeq)->tr_end,
	    p_snd + 65535);
}

static void
tiny_segments_out_of_order_take_little_memory(void **state)
{
	unsigned before;
	u_int i;

	opened();
	before = hosted_nallocs;
	for (i = 1; i < 30000; i++)
		say_at(TH_ACK, p_snd + 2 * i, 1);
	peer_flush();
	assert_true(tcb()->t_nranges <= TCP_RANGEMAX);
	assert_true(hosted_nallocs - before < 4 * TCP_RANGEMAX);
}

static void
tiny_segments_take_little_memory(void **state)
{
	u_int i;

	opened();
	for (i = 0; i < 30000; i++)
		say(TH_ACK, 1);
	peer_flush();
	assert_true(p_so->so_rcv.sb_mem < 200000);
}

/* Beyond the first segments, which are acknowledged at once. */
static void
warm(void)
{
	u_int i;

	for (i = 0; i < TCP_QUICKACKS; i++)
		say(TH_ACK, 1000);
	peer_flush();
	(void)they_read(100000);
	peer_flush();
}

static void
the_first_segments_are_acknowledged_at_once(void **state)
{
	opened();
	say(TH_ACK, 10);
	hear(TH_ACK);
	say(TH_ACK, 10);
	hear(TH_ACK);
}

static void
one_segment_is_acknowledged_later(void **state)
{
	opened();
	warm();
	say(TH_ACK, 1000);
	hear_nothing();
	wait_ms(39);
	hear_nothing();
	wait_ms(1);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
}

static void
every_second_segment_is_acknowledged_at_once(void **state)
{
	opened();
	warm();
	say(TH_ACK, 1000);
	hear_nothing();
	say(TH_ACK, 1000);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
	wait_ms(100);
	hear_nothing();
}

static void
an_answer_takes_the_ack_along(void **state)
{
	opened();
	warm();
	say(TH_ACK, 100);
	they_write(50);
	hear_data(50);
	assert_int_equal(in.ps_ack, p_snd);
	wait_ms(100);
	hear_nothing();
}

static void
fill(uint32_t n)
{
	uint32_t k;

	for (; n > 0; n -= k) {
		k = MIN(n, 1000);
		say(TH_ACK, k);
	}
}

static void
a_full_buffer_closes_the_window(void **state)
{
	listening();
	sock_setint(p_listen, SOL_SOCKET, SO_RCVBUF, 8192);
	syn();
	hear(TH_SYN | TH_ACK);
	p_rcv = in.ps_seq + 1;
	say(TH_ACK, 0);
	p_so = sock_accept(p_listen);
	fill(16384);
	wait_ms(50);
	while (peer_recv(&in))
		continue;
	assert_int_equal(in.ps_wnd, 0);
	assert_int_equal(in.ps_ack, p_snd);
	/* a probe is answered, and not taken */
	say_at(TH_ACK, p_snd, 1);
	hear(TH_ACK);
	assert_int_equal(in.ps_ack, p_snd);
}

static void
reading_little_does_not_open_the_window(void **state)
{
	a_full_buffer_closes_the_window(state);
	assert_int_equal(they_read(1000), 1000);
	hear_nothing();
	say_at(TH_ACK, p_snd, 1);
	hear(TH_ACK);
	assert_true(in.ps_wnd == 0 || in.ps_wnd >= 1000);
}

static void
reading_enough_opens_the_window(void **state)
{
	a_full_buffer_closes_the_window(state);
	assert_int_equal(they_read(8000), 8000);
	hear(TH_ACK);
	assert_true(in.ps_wnd >= 4096);
	hear_nothing();
}

/* Of a peer that does not scale the window is a quarter of this buffer. */
static void
reading_opens_a_window_smaller_than_the_buffer(void **state)
{
	listening();
	sock_setint(p_listen, SOL_SOCKET, SO_RCVBUF, 131072);
	syn();
	hear(TH_SYN | TH_ACK);
	p_rcv = in.ps_seq + 1;
	say(TH_ACK, 0);
	p_so = sock_accept(p_listen);
	fill(262144);
	wait_ms(50);
	while (peer_recv(&in))
		continue;
	assert_true(in.ps_wnd < 1000);
	while (they_read(20000) == 20000)
		continue;
	hear(TH_ACK);
	while (peer_recv(&in))
		continue;
	assert_true(in.ps_wnd > 32768);
}

static void
the_window_is_never_taken_back(void **state)
{
	uint32_t edge;

	opened_modern();
	peer_flush();
	say(TH_ACK, 1000);
	hear(TH_ACK);
	edge = in.ps_ack + ((uint32_t)in.ps_wnd << 7);
	sock_setint(p_so, SOL_SOCKET, SO_RCVBUF, 2048);
	say(TH_ACK, 1000);
	hear(TH_ACK);
	assert_true(SEQ_GEQ(in.ps_ack + ((uint32_t)in.ps_wnd << 7), edge));
}

static void
the_receive_buffer_grows_with_use(void **state)
{
	uint32_t before;

	link_conf.lc_delay = MSEC_TO_NSEC(20);
	pair_open();
	before = pair_b->so_rcv.sb_hiwat;
	pair_transfer(5000000, 0, SEC_TO_NSEC(30));
	assert_true(pair_b->so_rcv.sb_hiwat > 4 * before);
	assert_true(pair_b->so_rcv.sb_hiwat <= tcp_tun.tn_rcvbuf_max);
	pair_close();
}

/* --- sending ------------------------------------------------------------ */

static void
the_first_window_is_ten_segments(void **state)
{
	u_int i;

	opened();
	they_write(100000);
	for (i = 0; i < 10; i++)
		hear_data(1460);
	hear_nothing();
}

static void
a_small_segment_waits_for_the_one_before(void **state)
{
	opened();
	they_write(10);
	hear_data(10);
	they_write(10);
	they_write(10);
	hear_nothing();
	say(TH_ACK, 0);
	hear_data(20);
}

static void
a_tail_follows_full_segments_at_once(void **state)
{
	opened();
	they_write(1460 + 10);
	hear_data(1460);
	hear_data(10);
	assert_true(in.ps_flags & TH_PUSH);
}

static void
nodelay_does_not_wait(void **state)
{
	opened();
	sock_setint(p_so, IPPROTO_TCP, TCP_NODELAY, 1);
	they_write(10);
	they_write(10);
	hear_data(10);
	hear_data(10);
}

static void
a_cork_holds_back_what_is_not_full(void **state)
{
	opened();
	sock_setint(p_so, IPPROTO_TCP, TCP_CORK, 1);
	they_write(1000);
	hear_nothing();
	they_write(1000);
	hear_data(1460);
	hear_nothing();
	sock_setint(p_so, IPPROTO_TCP, TCP_CORK, 0);
	hear_data(540);
}

static void
a_cork_holds_for_a_short_time_only(void **state)
{
	opened();
	sock_setint(p_so, IPPROTO_TCP, TCP_CORK, 1);
	they_write(1000);
	wait_ms(199);
	hear_nothing();
	wait_ms(2);
	hear_data(1000);
}

static void
msg_more_holds_back_until_there_is_more(void **state)
{
	static const uint8_t buf[100];

	opened();
	assert_int_equal(sock_write(p_so, buf, 100, MSG_MORE), 100);
	hear_nothing();
	assert_int_equal(sock_write(p_so, buf, 100, 0), 100);
	hear_data(200);
}

static void
a_closed_window_is_probed(void **state)
{
	static const u_int after[] = { 200, 400, 800, 1600, 3200 };
	u_int i;

	p_wnd = 0;
	opened();
	they_write(100);
	hear_nothing();
	for (i = 0; i < nitems(after); i++) {
		wait_ms(after[i] - 1);
		hear_nothing();
		wait_ms(1);
		hear(TH_ACK);
		assert_int_equal(in.ps_seq, p_rcv - 1);
		assert_int_equal(in.ps_len, 0);
		say(TH_ACK, 0);
	}
	p_wnd = 65535;
	say(TH_ACK, 0);
	hear_data(100);
}

static void
a_closed_window_is_probed_for_ever_if_answered(void **state)
{
	u_int i;

	p_wnd = 0;
	opened();
	they_write(100);
	for (i = 0; i < 100; i++) {
		hosted_run(SEC_TO_NSEC(60));
		while (peer_recv(&in))
			say(TH_ACK, 0);
	}
	p_wnd = 100;
	say(TH_ACK, 0);
	hear_data(100);
}

static void
a_small_window_is_not_filled_by_small_segments(void **state)
{
	opened();
	they_write(1460);
	hear_data(1460);
	p_wnd = 100;
	say(TH_ACK, 0);
	they_write(1460);
	hear_nothing();
	/* but not for ever */
	wait_ms(250);
	hear_data(100);
}

static void
half_of_the_largest_window_is_enough(void **state)
{
	p_wnd = 1000;
	opened();
	they_write(5000);
	hear_data(1000);
	p_wnd = 600;
	say(TH_ACK, 0);
	hear_data(600);
}

static void
a_lost_segment_is_repeated_with_backoff(void **state)
{
	static const u_int after[] = { 200, 400, 800, 1600, 3200 };
	u_int i;

	opened();
	they_write(100);
	hear_data(100);
	p_rcv -= 100;
	for (i = 0; i < nitems(after); i++) {
		wait_ms(after[i] - 2);
		hear_nothing();
		wait_ms(3);
		hear(TH_ACK);
		assert_int_equal(in.ps_seq, p_rcv);
		assert_int_equal(in.ps_len, 100);
		hosted_now -= MS;
	}
}

static void
silence_ends_a_connection(void **state)
{
	opened();
	they_write(100);
	hosted_run(SEC_TO_NSEC(400));
	assert_true(p_so->so_state & SS_CONNECTED);
	hosted_run(SEC_TO_NSEC(200));
	assert_int_equal(they_read(1), -ETIMEDOUT);
}

static void
a_user_timeout_ends_a_connection(void **state)
{
	opened();
	sock_setint(p_so, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
	they_write(100);
	wait_ms(4900);
	assert_true(p_so->so_state & SS_CONNECTED);
	wait_ms(200);
	assert_int_equal(they_read(1), -ETIMEDOUT);
}

static void
a_timeout_makes_the_window_one_segment(void **state)
{
	u_int i;

	opened();
	they_write(14600);
	for (i = 0; i < 10; i++)
		hear_data(1460);
	p_rcv = p_irs + 1;
	wait_ms(250);
	hear_data(1460);
	hear_nothing();
	say(TH_ACK, 0);
	hear_data(1460);
	hear_data(1460);
	hear_nothing();
}

static void
sack_repairs_a_hole_without_a_timeout(void **state)
{
	u_int i;

	p_rtt = 20;
	opened_modern();
	they_write(14480);
	for (i = 0; i < 10; i++)
		hear_data(1448);
	p_rcv = p_irs + 1;
	wait_ms(20);
	for (i = 2; i <= 4; i++)
		say_sack(p_rcv + 1448, p_rcv + 1448 * i);
	wait_ms(10);
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
	assert_int_equal(in.ps_len, 1448);
	hear_nothing();
	assert_int_equal(tcp_stats.ts_timeouts, 0);
}

static void
three_duplicates_repair_a_hole_without_sack(void **state)
{
	u_int i;

	opened();
	they_write(14600);
	for (i = 0; i < 10; i++)
		hear_data(1460);
	p_rcv = p_irs + 1;
	say(TH_ACK, 0);
	say(TH_ACK, 0);
	hear_nothing();
	say(TH_ACK, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
	assert_int_equal(in.ps_len, 1460);
	hear_nothing();
}

static void
a_partial_ack_repairs_the_next_hole(void **state)
{
	three_duplicates_repair_a_hole_without_sack(state);
	p_rcv += 1460 * 3;
	say(TH_ACK, 0);
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv);
	assert_int_equal(in.ps_len, 1460);
}

static void
a_lost_tail_is_probed_for(void **state)
{
	p_rtt = 20;
	opened_modern();
	they_write(1448 * 3);
	hear_data(1448);
	hear_data(1448);
	hear_data(1448);
	wait_ms(20);
	p_rcv = p_irs + 1 + 1448;
	say(TH_ACK, 0);				/* a round trip of 20 ms */
	wait_ms(60);
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_irs + 1 + 1448 * 2);
	assert_int_equal(tcp_stats.ts_timeouts, 0);
	assert_int_equal(tcp_stats.ts_probes, 1);
}

static void
a_needless_recovery_is_undone(void **state)
{
	uint32_t cwnd;
	u_int i;

	p_rtt = 20;
	opened_modern();
	they_write(14480);
	for (i = 0; i < 10; i++)
		hear_data(1448);
	cwnd = tcb()->t_cwnd;
	p_rcv = p_irs + 1;
	wait_ms(20);
	say_sack(p_rcv + 1448 * 5, p_rcv + 1448 * 10);
	wait_ms(20);
	assert_true(tcb()->t_cwnd < cwnd);
	/* they all were only late: an old timestamp comes back */
	p_rcv += 14480;
	say(TH_ACK, 0);
	assert_int_equal(tcp_stats.ts_undone, 1);
	assert_true(tcb()->t_cwnd >= cwnd);
}

static void
the_window_is_small_again_after_a_pause(void **state)
{
	u_int i, n;

	opened();
	for (n = 0; n < 3; n++) {
		they_write(200000);
		while (tcb()->snd_nxt != tcb()->snd_data +
		    p_so->so_snd.sb_cc || tcb()->snd_una != tcb()->snd_nxt) {
			while (peer_recv(&in))
				p_rcv = SEQ_MAX(p_rcv, in.ps_seq + in.ps_len);
			say(TH_ACK, 0);
		}
	}
	hosted_run(SEC_TO_NSEC(5));
	peer_flush();
	p_wnd = 65535;
	say(TH_ACK, 0);
	they_write(60000);
	for (i = 0; peer_recv(&in); i++)
		continue;
	assert_int_equal(i, 10);
}

static void
keepalive_asks_and_gives_up(void **state)
{
	u_int i;

	opened();
	sock_setint(p_so, IPPROTO_TCP, TCP_KEEPIDLE, 10);
	sock_setint(p_so, IPPROTO_TCP, TCP_KEEPINTVL, 2);
	sock_setint(p_so, IPPROTO_TCP, TCP_KEEPCNT, 3);
	sock_setint(p_so, SOL_SOCKET, SO_KEEPALIVE, 1);
	wait_ms(9900);
	hear_nothing();
	wait_ms(200);
	hear(TH_ACK);
	assert_int_equal(in.ps_seq, p_rcv - 1);
	say(TH_ACK, 0);			/* alive: again from the start */
	wait_ms(9900);
	hear_nothing();
	wait_ms(200);
	hear(TH_ACK);
	for (i = 0; i < 2; i++) {
		wait_ms(2000);
		hear(TH_ACK);
	}
	wait_ms(2000);
	hear(TH_RST | TH_ACK);
	assert_int_equal(they_read(1), -ETIMEDOUT);
}

static void
an_idle_connection_has_no_timer(void **state)
{
	opened();
	they_write(100);
	hear_data(100);
	say(TH_ACK, 0);
	wait_ms(1000);
	assert_false(timeout_pending(&tcb()->t_timeout));
}

/* --- sizes -------------------------------------------------------------- */

static void
too_big(uint32_t seq, u_int mtu)
{
	struct inaddr src = link_addr(LINK_A), dst = link_addr(LINK_PEER);
	uint8_t hdr[8] = { PORT >> 8, PORT, MYPORT >> 8, MYPORT & 255 };

	put_be32(hdr + 4, seq);
	tcp_error(EMSGSIZE, mtu, false, &src, &dst, hdr);
}

static void
a_smaller_path_makes_smaller_segments(void **state)
{
	opened();
	they_write(1460 * 2);
	hear_data(1460);
	hear_data(1460);
	p_rcv = p_irs + 1;
	too_big(p_irs + 1, 1000);
	hear_data(960);
	say(TH_ACK, 0);
	assert_int_equal(tcb()->t_mss, 960);
}

static void
a_forged_smaller_path_is_not_believed(void **state)
{
	opened();
	they_write(1460);
	hear_data(1460);
	too_big(p_irs + 1 + 5000, 1000);
	too_big(p_irs - 5000, 1000);
	assert_int_equal(tcb()->t_mss, 1460);
}

static void
an_absurdly_small_path_is_not_believed(void **state)
{
	opened();
	they_write(1460);
	hear_data(1460);
	too_big(p_irs + 1, 60);
	assert_int_equal(tcb()->t_mss, 1460);
}

static void
the_peers_mss_is_the_limit(void **state)
{
	p_mss = 700;
	opened();
	they_write(1000);
	hear_data(700);
}

static void
an_absurd_mss_is_not_believed(void **state)
{
	p_mss = 1;
	p_ts = true;
	opened();
	they_write(1000);
	hear_data(88 - 12);
}

static void
no_mss_means_536(void **state)
{
	p_mss = 0;
	opened();
	they_write(1000);
	hear_data(536);
}

static void
tso_gives_large_packets_of_whole_segments(void **state)
{
	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
	opened_modern();
	they_write(14480);
	hear(TH_ACK);
	assert_true(in.ps_gso);
	assert_int_equal(in.ps_len, 14480);
}

static void
tso_counts_the_options(void **state)
{
	link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
	opened_modern();
	say_at(TH_ACK, p_snd + 100, 100);
	hear(TH_ACK);
	say_at(TH_ACK, p_snd + 200, 100);
	/* SACK blocks take room in each: the link checks the sizes */
	they_write(14480);
	hear(TH_ACK);
	hear(TH_ACK);
	assert_true(in.ps_len > 0);
}

static void
a_scale_above_14_is_14(void **state)
{
	p_wscale = 20;
	opened();
	assert_int_equal(tcb()->snd_scale, 14);
}

static void
the_window_of_a_syn_is_not_scaled(void **state)
{
	p_wscale = 14;
	p_wnd = 1000;
	half_open();
	assert_int_equal(in.ps_wnd, 65535);
	say(TH_ACK, 0);
	p_so = sock_accept(p_listen);
	assert_int_equal(tcb()->snd_wnd, 1000U << 14);
}

/* --- urgent data -------------------------------------------------------- */

static void
urgent_data_are_sent_with_a_pointer(void **state)
{
	opened();
	assert_int_equal(sock_write(p_so, "abc", 3, MSG_OOB), 3);
	hear_data(3);
	assert_true(in.ps_flags & TH_URG);
	assert_int_equal(in.ps_urp, 3);
}

static void
say_urgent(uint32_t len, uint16_t urp)
{
	make(TH_ACK | TH_URG, len);
	out.ps_urp = urp;
	peer_send(&out);
	p_snd += len;
}

static int
they_rcvoob(void)
{
	char c;
	long n = sock_read(p_so, &c, 1, MSG_OOB);

	return (n == 1 ? (uint8_t)c : n);
}

static void
an_urgent_byte_is_taken_out_of_line(void **state)
{
	uint8_t want, buf[20];

	opened();
	want = (p_snd + 4) * 7;
	say_urgent(10, 5);
	assert_int_equal(they_rcvoob(), want);
	assert_int_equal(they_read(20), 4);	/* up to the mark */
	assert_int_equal(sock_read(p_so, buf, sizeof(buf), 0), 5);
	assert_int_equal(buf[0], (uint8_t)(want + 7));
	assert_int_equal(they_rcvoob(), -EINVAL);
}

static void
an_urgent_byte_may_stay_in_line(void **state)
{
	opened();
	sock_setint(p_so, SOL_SOCKET, SO_OOBINLINE, 1);
	say_urgent(10, 5);
	assert_int_equal(they_read(20), 4);
	assert_int_equal(they_read(20), 6);
}

static void
an_urgent_byte_may_come_later(void **state)
{
	opened();
	say_urgent(10, 15);
	assert_int_equal(they_rcvoob(), -EAGAIN);
	say(TH_ACK, 10);
	assert_true(they_rcvoob() >= 0);
	assert_int_equal(they_read(100), 14);
	assert_int_equal(they_read(100), 5);
}

static bool
they_are_at_the_mark(void)
{
	int n = -1;

	assert_int_equal(p_so->so_proto->pr_ioctl(p_so, 0x8905, &n), 0);
	return (n != 0);
}

static void
the_mark_is_behind_what_was_sent_before(void **state)
{
	opened();
	say_urgent(10, 5);
	assert_false(they_are_at_the_mark());
	assert_int_equal(they_read(3), 3);
	assert_false(they_are_at_the_mark());
	assert_int_equal(they_read(20), 1);
	assert_true(they_are_at_the_mark());
	assert_int_equal(they_read(1), 1);
	assert_false(they_are_at_the_mark());
}

/* --- ECN ---------------------------------------------------------------- */

static void
opened_ecn(void)
{
	listening();
	p_ts = true;
	make(TH_SYN | TH_ECE | TH_CWR, 0);
	out.ps_seq = p_iss;
	out.ps_mss = 1460;
	peer_send(&out);
	p_snd = p_iss + 1;
	hear(TH_SYN | TH_ACK);
	p_irs = in.ps_seq;
	p_rcv = p_irs + 1;
	assert_int_equal(in.ps_flags & (TH_ECE | TH_CWR), TH_ECE);
	say(TH_ACK, 0);
	p_so = sock_accept(p_listen);
}

static void
ecn_is_agreed_to_and_data_are_marked(void **state)
{
	opened_ecn();
	they_write(100);
	hear_data(100);
	assert_int_equal(in.ps_tos & 3, 2);
	wait_ms(300);
	hear(TH_ACK);				/* what is sent again is not */
	assert_int_equal(in.ps_tos & 3, 0);
}

static void
congestion_is_echoed_until_it_is_heard(void **state)
{
	opened_ecn();
	make(TH_ACK, 10);
	out.ps_tos = 3;
	peer_send(&out);
	p_snd += 10;
	hear(TH_ACK);
	assert_true(in.ps_flags & TH_ECE);
	say(TH_ACK, 10);
	hear(TH_ACK);
	assert_true(in.ps_flags & TH_ECE);
	say(TH_ACK | TH_CWR, 10);
	hear(TH_ACK);
	assert_false(in.ps_flags & TH_ECE);
}

static void
an_echo_of_congestion_halves_the_window_once(void **state)
{
	uint32_t before, after;
	u_int i;

	opened_ecn();
	they_write(14480);
	for (i = 0; i < 10; i++)
		hear_data(1448);
	before = tcb()->t_cwnd;
	p_rcv = p_irs + 1 + 1448;
	say(TH_ACK | TH_ECE, 0);
	after = tcb()->t_cwnd;
	assert_true(after < before);
	p_rcv += 1448;
	say(TH_ACK | TH_ECE, 0);
	assert_true(tcb()->t_cwnd >= after);
	p_rcv += 1448 * 8;
	say(TH_ACK, 0);
	they_write(100);
	hear_data(100);
	assert_true(in.ps_flags & TH_CWR);
}

/* --- options and lists -------------------------------------------------- */

static void
tcp_info_is_cut_to_the_buffer(void **state)
{
	struct tcp_info ti;
	size_t n = 8;

	opened();
	memset(&ti, 0xff, sizeof(ti));
	assert_int_equal(so_getopt(p_so, IPPROTO_TCP, TCP_INFO, &ti, &n), 0);
	assert_int_equal(n, 8);
	assert_int_equal(ti.tcpi_state, TCPL_ESTABLISHED);
	assert_int_equal(ti.tcpi_rto, UINT32_MAX);
	n = 1000;
	assert_int_equal(so_getopt(p_so, IPPROTO_TCP, TCP_INFO, &ti, &n), 0);
	assert_int_equal(n, sizeof(ti));
	assert_int_equal(ti.tcpi_snd_cwnd, 10);
	assert_int_equal(ti.tcpi_pmtu, 1500);
}

static void
congestion_control_is_chosen_by_name(void **state)
{
	char name[16];
	size_t n = sizeof(name);

	opened();
	assert_int_equal(so_setopt(p_so, IPPROTO_TCP, TCP_CONGESTION, "reno",
	    4), 0);
	assert_int_equal(so_getopt(p_so, IPPROTO_TCP, TCP_CONGESTION, name,
	    &n), 0);
	assert_string_equal(name, "reno");
	assert_int_equal(so_setopt(p_so, IPPROTO_TCP, TCP_CONGESTION, "nobody",
	    6), ENOENT);
}

static void
fast_open_is_refused(void **state)
{
	opened();
	assert_int_equal(sock_setint(p_so, IPPROTO_TCP, TCP_FASTOPEN, 1),
	    ENOPROTOOPT);
}

struct seen {
	u_int	se_state[16], se_all;
};

static int
count_entry(void *arg, const struct tcp_entry *te)
{
	struct seen *se = arg;

	se->se_state[te->te_state]++;
	se->se_all++;
	return (0);
}

static void
all_kinds_of_connections_are_listed(void **state)
{
	struct seen se = { .se_all = 0 };

	to_timewait();
	sock_close(p_listen);
	p_clock += 10;
	p_iss += 1000000;
	p_listen = NULL;
	p_ts = p_sack = false;
	p_dport = PORT;
	listening();
	make(TH_SYN, 0);
	out.ps_sport = MYPORT + 1;
	peer_send(&out);
	(void)tcp_foreach(false, count_entry, &se);
	assert_int_equal(se.se_state[TCPL_LISTEN], 1);
	assert_int_equal(se.se_state[TCPL_SYN_RECV], 1);
	assert_int_equal(se.se_state[TCPL_TIME_WAIT], 1);
	assert_int_equal(se.se_all, 3);
	(void)tcp_foreach(true, count_entry, &se);
	assert_int_equal(se.se_all, 3);
}

static void
counters_are_told_as_text(void **state)
{
	char buf[SYSCTL_VALUE_MAX], *p;
	size_t n;

	opened();
	assert_int_equal(sysctl_read("net.inet.tcp.stats", buf, sizeof(buf),
	    &n), 0);
	for (p = buf; p != NULL && strncmp(p, "passive_opens 1\n", 16) != 0;)
		p = (p = strchr(p, '\n')) != NULL ? p + 1 : NULL;
	assert_non_null(p);
	assert_true(n < sizeof(buf) - 1);
	assert_int_equal(sysctl_write("net.inet.tcp.sack", "2"), EINVAL);
}

/* --- the hash ----------------------------------------------------------- */

/* As its authors give it: a key of 0 to 15, data of 0 to 14. */
static void
siphash_is_what_its_authors_say(void **state)
{
	uint64_t key[2] = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };
	uint8_t data[15];
	u_int i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i;
	assert_true(siphash24(key, data, sizeof(data)) ==
	    0xa129ca6149be45e5ULL);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
#define P(f)	cmocka_unit_test_setup_teardown(f, setup_peer, teardown_peer)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_connection_opens_and_closes),
		T(data_arrive_whole_over_a_good_link),
		T(data_arrive_whole_with_tso),
		T(data_arrive_whole_with_tso_and_gro),
		T(data_arrive_whole_with_loss),
		T(data_arrive_whole_with_reordering),
		T(data_arrive_whole_with_duplication),
		T(data_arrive_whole_with_corruption),
		T(data_arrive_whole_with_all_of_it),
		T(data_arrive_whole_without_sack),
		T(data_arrive_whole_without_timestamps),
		T(data_arrive_whole_over_ipv6),
		T(data_arrive_whole_with_newreno),
		T(data_arrive_whole_with_ecn),
		T(data_arrive_whole_through_a_bottleneck),
		T(slow_start_ends_before_a_deep_queue_is_full),
		T(loss_is_not_taken_for_reordering),
		T(a_path_that_became_longer_is_learned),
		T(five_percent_of_loss_are_no_standstill),
		T(no_failed_allocation_stops_a_transfer),
		T(no_failed_allocation_stops_an_opening),
		P(a_syn_is_answered_with_what_it_offered),
		P(a_syn_without_options_gets_only_an_mss),
		P(a_syn_ack_is_repeated_with_backoff),
		P(a_handshake_given_up_is_unknown),
		P(a_repeated_syn_gets_the_same_answer),
		P(an_ack_out_of_nowhere_is_reset),
		P(a_syn_to_a_closed_port_is_reset),
		P(a_rst_is_never_answered),
		P(a_rst_ends_a_handshake),
		P(a_wrong_ack_in_a_handshake_is_reset),
		P(data_may_come_with_the_last_ack),
		P(a_full_backlog_delays_but_does_not_refuse),
		P(an_accepted_connection_has_the_listeners_options),
		P(deferred_accept_waits_for_data),
		P(a_connect_asks_for_all_options),
		P(a_syn_ack_completes_a_connect),
		P(a_refused_connect_says_so),
		P(after_a_refusal_one_may_connect_again),
		P(a_rst_that_acknowledges_nothing_is_no_refusal),
		P(a_syn_ack_of_another_connection_is_reset),
		P(a_connect_is_repeated_and_given_up),
		P(both_may_open_at_the_same_time),
		P(a_lost_syn_means_a_small_first_window),
		P(an_error_of_the_network_ends_a_connect),
		P(an_error_of_the_network_does_not_end_a_connection),
		P(a_route_that_is_not_there_is_told),
		P(a_syn_flood_takes_little_memory),
		P(a_client_connects_through_a_flood),
		P(a_cookie_works_without_timestamps),
		P(a_forged_cookie_is_reset),
		P(a_cookie_grows_old),
		P(no_cookie_is_taken_in_quiet_times),
		P(our_close_sends_a_fin_and_waits),
		P(the_peers_close_is_end_of_file),
		P(both_may_close_at_the_same_time),
		P(a_fin_may_acknowledge_a_fin),
		P(after_half_a_close_data_still_come),
		P(a_fin_waits_for_the_data_before_it),
		P(a_lone_fin_waits_for_the_data_before_it),
		P(data_are_sent_before_the_fin),
		P(closing_with_unread_data_resets),
		P(closing_without_lingering_resets),
		P(data_after_a_close_are_reset),
		P(a_peer_that_never_closes_is_forgotten),
		P(time_wait_yields_to_a_newer_connection),
		P(time_wait_keeps_off_an_old_syn),
		P(time_wait_is_not_ended_by_a_rst),
		P(time_wait_is_limited_in_number),
		P(the_exact_rst_ends_a_connection),
		P(a_rst_elsewhere_in_the_window_is_challenged),
		P(a_rst_outside_of_the_window_is_ignored),
		P(a_syn_in_a_connection_is_challenged),
		P(an_ack_of_what_was_not_sent_is_challenged),
		P(an_ack_of_long_ago_is_challenged),
		P(challenges_are_limited),
		P(an_old_timestamp_is_not_believed),
		P(a_segment_without_timestamp_is_dropped),
		P(a_timestamp_is_echoed_from_what_is_acknowledged_first),
		P(timestamps_begin_anywhere),
		P(sack_tells_of_what_came_early),
		P(sack_tells_of_the_latest_first),
		P(sack_tells_once_of_what_came_twice),
		P(overlapping_segments_are_trimmed),
		P(filling_a_gap_is_acknowledged_at_once),
		P(data_outside_of_the_window_are_not_taken),
		P(data_across_the_edge_are_cut),
		P(tiny_segments_out_of_order_take_little_memory),
		P(tiny_segments_take_little_memory),
		P(the_first_segments_are_acknowledged_at_once),
		P(one_segment_is_acknowledged_later),
		P(every_second_segment_is_acknowledged_at_once),
		P(an_answer_takes_the_ack_along),
		P(a_full_buffer_closes_the_window),
		P(reading_little_does_not_open_the_window),
		P(reading_enough_opens_the_window),
		P(reading_opens_a_window_smaller_than_the_buffer),
		P(the_window_is_never_taken_back),
		T(the_receive_buffer_grows_with_use),
		P(the_first_window_is_ten_segments),
		P(a_small_segment_waits_for_the_one_before),
		P(a_tail_follows_full_segments_at_once),
		P(nodelay_does_not_wait),
		P(a_cork_holds_back_what_is_not_full),
		P(a_cork_holds_for_a_short_time_only),
		P(msg_more_holds_back_until_there_is_more),
		P(a_closed_window_is_probed),
		P(a_closed_window_is_probed_for_ever_if_answered),
		P(a_small_window_is_not_filled_by_small_segments),
		P(half_of_the_largest_window_is_enough),
		P(a_lost_segment_is_repeated_with_backoff),
		P(silence_ends_a_connection),
		P(a_user_timeout_ends_a_connection),
		P(a_timeout_makes_the_window_one_segment),
		P(sack_repairs_a_hole_without_a_timeout),
		P(three_duplicates_repair_a_hole_without_sack),
		P(a_partial_ack_repairs_the_next_hole),
		P(a_lost_tail_is_probed_for),
		P(a_needless_recovery_is_undone),
		P(the_window_is_small_again_after_a_pause),
		P(keepalive_asks_and_gives_up),
		P(an_idle_connection_has_no_timer),
		P(a_smaller_path_makes_smaller_segments),
		P(a_forged_smaller_path_is_not_believed),
		P(an_absurdly_small_path_is_not_believed),
		P(the_peers_mss_is_the_limit),
		P(an_absurd_mss_is_not_believed),
		P(no_mss_means_536),
		P(tso_gives_large_packets_of_whole_segments),
		P(tso_counts_the_options),
		P(a_scale_above_14_is_14),
		P(the_window_of_a_syn_is_not_scaled),
		P(urgent_data_are_sent_with_a_pointer),
		P(an_urgent_byte_is_taken_out_of_line),
		P(an_urgent_byte_may_stay_in_line),
		P(an_urgent_byte_may_come_later),
		P(the_mark_is_behind_what_was_sent_before),
		P(ecn_is_agreed_to_and_data_are_marked),
		P(congestion_is_echoed_until_it_is_heard),
		P(an_echo_of_congestion_halves_the_window_once),
		P(tcp_info_is_cut_to_the_buffer),
		P(congestion_control_is_chosen_by_name),
		P(fast_open_is_refused),
		P(all_kinds_of_connections_are_listed),
		P(counters_are_told_as_text),
		P(siphash_is_what_its_authors_say),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

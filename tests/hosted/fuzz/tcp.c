/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * TCP and a peer that does what the input says: segments whose numbers are near
 * those that would be right, or anywhere, with any flags, options and sizes,
 * in any order with what a program does.  Whatever happens, in the end all
 * memory has been given back.
 */

#include "fuzz.h"

#include "sim/tcplink.h"

struct input {
	const uint8_t	*in_p;
	size_t		 in_left;
};

static struct input	input;
static struct socket	*listener, *conn;
static uint32_t		snd, rcv;	/* next of ours, of theirs */
static uint32_t		echo, now;	/* timestamps */
static uint16_t		port;		/* theirs */
static bool		ts;

static uint32_t
get(u_int n)
{
	uint32_t v = 0;

	while (n-- > 0 && input.in_left > 0) {
		v = v << 8 | *input.in_p++;
		input.in_left--;
	}
	return (v);
}

/* A number near one that means something. */
static uint32_t
near(uint32_t base)
{
	switch (get(1) % 8) {
	case 0:
	case 1:
	case 2:
		return (base);
	case 3:
		return (base + (int8_t)get(1));
	case 4:
		return (base + (int16_t)get(2));
	case 5:
		return (base + 1448 * (int8_t)get(1));
	case 6:
		return (base + get(3));
	default:
		return (get(4));
	}
}

static u_int
options(uint8_t *p, u_int flags)
{
	u_int n = 0, i, k;

	switch (get(1) % 6) {
	case 0:
		break;
	case 1:					/* anything at all */
		n = get(1) % 41 & ~3U;
		for (i = 0; i < n; i++)
			p[i] = get(1);
		break;
	case 2:					/* SACK */
		k = 1 + get(1) % 3;
		p[n++] = TCPOPT_NOP;
		p[n++] = TCPOPT_NOP;
		p[n++] = TCPOPT_SACK;
		p[n++] = 2 + 8 * k;
		for (i = 0; i < 2 * k; i++, n += 4)
			put_be32(p + n, near(rcv));
		if (!ts || n > 28)
			break;
		/* FALLTHROUGH */
	default:
		if (flags & TH_SYN) {
			k = get(1);
			memcpy(p + n, "\2\4\5\264\4\2\1\1\1\3\3", 11);
			p[n + 11] = k % 20;
			n += 12;
			ts = k & 0x80;
		}
		if (ts && n <= 28) {
			put_be32(p + n, TCPOPT_TSWORD);
			put_be32(p + n + 4, now);
			put_be32(p + n + 8, echo);
			n += 12;
		}
	}
	return (n);
}

static void
deliver(const uint8_t *p, uint32_t len, u_int tos, u_int gso)
{
	struct ip_in ii = { .ii_src = link_addr(LINK_PEER),
	    .ii_dst = link_addr(LINK_A), .ii_ifidx = 1,
	    .ii_proto = IPPROTO_TCP, .ii_ttl = 64, .ii_tos = tos,
	    .ii_hdrlen = 20 };
	struct mbuf *m = link_mbuf(p, len);
	int s;

	/* as if another had looked at the sum: that is not what we try */
	m->m_pkthdr.ph_flags |= PH_CSUM_GOOD;
	if (gso != 0) {
		m->m_pkthdr.ph_gso = GSO_TCP4;
		m->m_pkthdr.ph_gso_size = gso;
	}
	s = splraise(IPL_SOFT);
	tcp_input(m, &ii);
	splx(s);
}

static void
segment(void)
{
	static uint8_t buf[40000];
	u_int how = get(1), flags, hdrlen, len, tos, gso = 0;
	uint32_t seq, ack;

	switch (how % 8) {
	case 0:
		flags = TH_SYN;
		break;
	case 1:
		flags = get(1);
		break;
	case 2:
		flags = TH_ACK | TH_FIN;
		break;
	case 3:
		flags = TH_ACK | TH_URG;
		break;
	default:
		flags = TH_ACK;
	}
	seq = near(snd);
	ack = near(rcv);
	len = how & 0x10 ? get(1) : how & 0x20 ? get(2) % 32000 : 0;
	tos = how & 0x40 ? 3 : 0;
	if (how & 0x80)
		gso = get(1) * 8;
	memset(buf, 0, 20);
	hdrlen = 20 + options(buf + 20, flags);
	buf[0] = 4000 >> 8;
	buf[1] = 4000 & 0xff;
	buf[2] = port >> 8;
	buf[3] = port & 0xff;
	put_be32(buf + 4, seq);
	put_be32(buf + 8, ack);
	buf[12] = hdrlen / 4 << 4;
	buf[13] = flags;
	buf[14] = get(1);
	buf[15] = get(1);
	if (flags & TH_URG) {
		buf[18] = get(1) & 3;
		buf[19] = get(1);
	}
	if (get(1) == 0)
		buf[12] = get(1);		/* any length of header */
	memset(buf + hdrlen, seq, len);
	deliver(buf, hdrlen + len, tos, gso);
	if (seq == snd)
		snd += len + ((flags & TH_SYN) != 0) +
		    ((flags & TH_FIN) != 0);
	now += get(1) & 3;
}

/* What they have sent: some of it we take. */
static void
hear(void)
{
	static struct pseg ps;

	while (peer_recv(&ps)) {
		if (ps.ps_ts)
			echo = ps.ps_tsval;
		if ((ps.ps_flags & TH_SYN) || ps.ps_seq == rcv)
			rcv = ps.ps_seq + ps.ps_len +
			    ((ps.ps_flags & TH_SYN) != 0) +
			    ((ps.ps_flags & TH_FIN) != 0);
		if ((ps.ps_flags & TH_SYN) && !(ps.ps_flags & TH_ACK))
			port = ps.ps_dport;
	}
}

static void
program(void)
{
	static uint8_t buf[65536];
	static const uint8_t opts[] = { TCP_NODELAY, TCP_CORK, TCP_QUICKACK,
	    TCP_MAXSEG, TCP_USER_TIMEOUT, TCP_KEEPIDLE, TCP_WINDOW_CLAMP,
	    TCP_DEFER_ACCEPT, TCP_LINGER2, TCP_KEEPCNT };
	struct tcp_info ti;
	size_t n = sizeof(ti);
	u_int op = get(1);

	if (conn == NULL) {
		conn = sock_accept(listener);
		if (conn == NULL && op % 4 == 0) {
			conn = sock_new();
			if (conn != NULL)
				(void)sock_connect(conn, LINK_PEER, 4000);
		}
		return;
	}
	switch (op % 9) {
	case 0:
	case 1:
		(void)sock_write(conn, buf, get(2), op & 0x10 ? MSG_OOB :
		    op & 0x20 ? MSG_MORE : 0);
		break;
	case 2:
	case 3:
		(void)sock_read(conn, buf, get(2), op & 0x10 ? MSG_OOB :
		    op & 0x20 ? MSG_PEEK : 0);
		break;
	case 4:
		(void)so_shutdown(conn, get(1) % 3);
		break;
	case 5:
		sock_close(conn);
		conn = NULL;
		break;
	case 6:
		(void)sock_setint(conn, IPPROTO_TCP,
		    opts[get(1) % sizeof(opts)], (int16_t)get(2));
		break;
	case 7:
		(void)sock_setint(conn, SOL_SOCKET, op & 0x10 ? SO_KEEPALIVE :
		    op & 0x20 ? SO_OOBINLINE : SO_RCVBUF, get(2));
		break;
	default:
		(void)so_getopt(conn, IPPROTO_TCP, TCP_INFO, &ti, &n);
	}
}

static void
network(void)
{
	struct inaddr src = link_addr(LINK_A), dst = link_addr(LINK_PEER);
	uint8_t hdr[8] = { port >> 8, port, 4000 >> 8, 4000 & 0xff };
	static const uint8_t errors[] = { EMSGSIZE, ECONNREFUSED,
	    EHOSTUNREACH };
	u_int op = get(1);

	put_be32(hdr + 4, near(rcv));
	tcp_error(errors[op % 3], get(2), (op & 0x10) != 0, &src, &dst, hdr);
}

static void
say(u_int flags, bool opts)
{
	static struct pseg ps;

	memset(&ps, 0, offsetof(struct pseg, ps_data));
	ps.ps_sport = 4000;
	ps.ps_dport = port;
	ps.ps_seq = snd;
	ps.ps_ack = rcv;
	ps.ps_flags = flags;
	ps.ps_wnd = 65535;
	ps.ps_wscale = opts && (flags & TH_SYN) ? 7 : -1;
	ps.ps_sackok = opts && (flags & TH_SYN);
	ps.ps_mss = flags & TH_SYN ? 1460 : 0;
	ps.ps_ts = ts;
	ps.ps_tsval = now;
	ps.ps_tsecr = echo;
	peer_send(&ps);
	snd += (flags & TH_SYN) != 0;
}

/* Most of it happens in connections. */
static void
begin(u_int how)
{
	ts = (how & 8) != 0;
	if (how & 2) {
		say(TH_SYN, how & 16);
		hear();
		say(TH_ACK, how & 16);
		conn = sock_accept(listener);
	} else if (how & 4) {
		conn = sock_new();
		(void)sock_connect(conn, LINK_PEER, 4000);
		hear();
		if (how & 32)
			say(TH_SYN | TH_ACK, how & 16);
	}
	if (conn != NULL && (how & 64))
		(void)so_setopt(conn, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

/* No number that we keep may contradict another. */
static void
check(void)
{
	struct tcp_sent *p;
	uint32_t pipe = 0, sacked = 0, lost = 0, at;
	struct tcpcb *tp;

	if (conn == NULL || (tp = sototcpcb(conn))->t_state < TCPS_SYN_SENT)
		return;
	fuzz_check(SEQ_LEQ(tp->snd_una, tp->snd_nxt), "snd_una");
	at = tp->snd_una;
	TAILQ_FOREACH(p, &tp->t_sentq, ts_link) {
		fuzz_check(p->ts_seq == at, "a gap in what was sent");
		fuzz_check(SEQ_GT(p->ts_end, p->ts_seq), "an empty piece");
		at = p->ts_end;
		*(p->ts_flags & TSF_SACKED ? &sacked : p->ts_flags &
		    TSF_LOST ? &lost : &pipe) += p->ts_end - p->ts_seq;
	}
	fuzz_check(at == tp->snd_nxt, "snd_nxt");
	fuzz_check(pipe == tp->t_pipe && sacked == tp->t_sacked &&
	    lost == tp->t_lost, "counts");
	fuzz_check(tp->t_state < TCPS_ESTABLISHED || (tp->t_cwnd >= 1 &&
	    tp->t_cwnd <= 2 * TCP_CWNDMAX), "cwnd");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct linger l = { 1, 0 };
	u_int how;

	(void)fuzz_again();
	link_init(1);
	input = (struct input){ data, size };
	snd = 1000;
	rcv = echo = 0;
	now = 100;
	port = 80;
	ts = false;
	how = get(1);
	if (how & 1)
		link_conf.lc_caps = IFCAP_CSUM | IFCAP_TSO4;
	listener = sock_listen(80, 2);
	begin(how);
	while (input.in_left > 0) {
		switch (get(1) % 8) {
		case 0:
		case 1:
		case 2:
			segment();
			break;
		case 3:
			hear();
			break;
		case 4:
		case 5:
			program();
			break;
		case 6:
			hosted_run(MSEC_TO_NSEC(1) << get(1) % 16);
			break;
		default:
			if (input.in_left % 3 == 0)
				hosted_fail_at = get(1) % 32;
			else
				network();
		}
		check();
	}
	hosted_fail_at = 0;
	if (conn != NULL) {
		(void)so_setopt(conn, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		sock_close(conn);
		conn = NULL;
	}
	sock_close(listener);
	fuzz_check(link_fini() == 0, "something was left behind");
	return (0);
}

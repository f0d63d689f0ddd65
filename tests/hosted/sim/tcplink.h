/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SIM_TCPLINK_H_
#define _SIM_TCPLINK_H_

/*
 * A network below TCP, in place of the Internet layer: what is included here
 * defines ip_send(), ip_route_get() and ip_islocal(), so a program includes it
 * once.
 *
 * Two of our own ends, LINK_A and LINK_B, have a link between them that may
 * lose, repeat, delay and damage packets, by chance from a seed.  LINK_PEER is
 * the test: it gets what is sent to it in a queue, and sends what it likes.
 *
 * Each packet of ours is checked: whatever it says of itself must be true.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mbuf.h>
#include <sys/md.h>
#include <sys/socketvar.h>
#include <sys/systm.h>
#include <sys/timeout.h>
#include <sys/uio.h>

#include <machine/host.h>
#include <net/ifnet.h>
#include <netinet/tcp_var.h>

enum link_end { LINK_A = 1, LINK_B = 2, LINK_PEER = 9 };

struct link_conf {
	u_int		 lc_mtu;
	uint32_t	 lc_caps;	/* IFCAP_* */
	u_int		 lc_tsomax;
	bool		 lc_gro;	/* large packets arrive as they are */
	u_int		 lc_loss, lc_dup, lc_corrupt;	/* of 1000 */
	u_int		 lc_reorder;	/* of 1000: come later, by lc_jitter */
	u_int		 lc_ce;		/* of 1000: meet congestion */
	uint64_t	 lc_delay, lc_jitter;
	uint64_t	 lc_rate;	/* bytes a second; 0: no limit */
	u_int		 lc_queue;	/* packets before the bottleneck */
	u_int		 lc_pathmtu;	/* larger ones vanish; 0 */
};

/* A segment as the test sees it. */
struct pseg {
	uint16_t	 ps_sport, ps_dport;	/* ours is dport for us */
	uint32_t	 ps_seq, ps_ack;
	uint16_t	 ps_wnd, ps_urp;
	uint8_t		 ps_flags;
	uint8_t		 ps_tos;
	bool		 ps_gso, ps_ts, ps_sackok;
	uint16_t	 ps_mss;	/* 0: none */
	int		 ps_wscale;	/* -1: none */
	uint32_t	 ps_tsval, ps_tsecr;
	u_int		 ps_nsack;
	uint32_t	 ps_sack[TCP_MAXSACK][2];
	uint32_t	 ps_len;
	uint8_t		 ps_data[65536];
	uint64_t	 ps_time;
};

static struct link_conf	link_conf;
static uint64_t		link_seed;
static u_int		link_sent, link_lost, link_flying;
/* of each direction: when the bottleneck is idle, and the last one arrives */
static uint64_t		link_free[2], link_last[2];
static bool		link_v6;
static int		link_error;	/* ip_send() fails with that */

/* what came for the test, oldest first */
static struct pseg	*peer_q[256];
static u_int		peer_head, peer_n;

static uint32_t
link_random(uint32_t n)
{
	link_seed = link_seed * 6364136223846793005ULL +
	    1442695040888963407ULL;
	return (n == 0 ? 0 : (uint32_t)(link_seed >> 33) % n);
}

static struct inaddr
link_addr(u_int end)
{
	struct inaddr a = { .ia_q = { 0, 0 } };

	if (!link_v6)
		return (in4_make(IN4(10, 0, 0, end)));
	a.ia_b[0] = 0xfd;
	a.ia_b[15] = end;
	return (a);
}

static u_int
link_end(const struct inaddr *a)
{
	return (a->ia_b[15]);
}

static void
link_check(bool ok, const char *what)
{
	if (!ok)
		host_fail(what);
}

/* --- in place of the layer below ---------------------------------------- */

int
ip_route_get(struct ip_route *ir, const struct inaddr *dst,
    const struct inaddr *src, u_int ifidx)
{
	if (dst->ia_b[15] == 200)
		return (EHOSTUNREACH);
	*ir = (struct ip_route){ .ir_gen = 1, .ir_dst = *dst, .ir_hop = *dst,
	    .ir_ifidx = 1, .ir_mtu = link_conf.lc_mtu,
	    .ir_caps = link_conf.lc_caps, .ir_tsomax = link_conf.lc_tsomax };
	ir->ir_src = src != NULL && !in_isany(src) ? *src :
	    link_addr(link_end(dst) == LINK_A ? LINK_B : LINK_A);
	return (0);
}

bool
ip_islocal(const struct inaddr *a, u_int ifidx)
{
	return (link_end(a) == LINK_A || link_end(a) == LINK_B);
}

struct flight {
	struct timeout	 fl_timeout;
	struct mbuf	*fl_m;
	struct ip_in	 fl_in;
};

static void
flight_arrive(void *arg)
{
	struct flight *fl = arg;
	struct mbuf *m = fl->fl_m;
	struct ip_in ii = fl->fl_in;

	link_flying--;
	kmem_free(fl, sizeof(*fl));
	tcp_input(m, &ii);
}

/* The time that it takes on the link; UINT64_MAX: the queue is full. */
static uint64_t
flight_time(u_int dir, uint32_t len)
{
	uint64_t t = link_conf.lc_delay, *free = &link_free[dir];
	uint64_t *last = &link_last[dir];

	if (link_conf.lc_rate != 0) {
		*free = MAX(*free, hosted_now);
		if (link_conf.lc_queue != 0 && *free - hosted_now >
		    link_conf.lc_queue * 1500 * NSEC_PER_SEC /
		    link_conf.lc_rate)
			return (UINT64_MAX);
		*free += len * NSEC_PER_SEC / link_conf.lc_rate;
		t += *free - hosted_now;
	}
	if (link_conf.lc_jitter != 0 &&
	    link_random(1000) < link_conf.lc_reorder)
		return (t + 1 + link_random(link_conf.lc_jitter));
	/* timeouts of the same time have no order */
	*last = MAX(hosted_now + t, *last + 1);
	return (*last - hosted_now);
}

static void
flight_start(struct mbuf *m, const struct ip_in *ii)
{
	uint64_t t = flight_time(link_end(&ii->ii_dst) == LINK_A,
	    m->m_pkthdr.ph_len + 40);
	struct flight *fl;
	unsigned fail = hosted_fail_at;

	if (t == UINT64_MAX) {
		link_lost++;
		m_freem(m);
		return;
	}
	hosted_fail_at = 0;		/* failures are of the kernel's */
	fl = kmem_alloc(sizeof(*fl), KM_SLEEP);
	hosted_fail_at = fail;
	fl->fl_m = m;
	fl->fl_in = *ii;
	timeout_set(&fl->fl_timeout, flight_arrive, fl);
	link_flying++;
	timeout_add_nsec(&fl->fl_timeout, t);
}

/* A packet of those bytes, in pieces of any size. */
static struct mbuf *
link_mbuf(const uint8_t *p, uint32_t len)
{
	unsigned fail = hosted_fail_at;
	struct mbuf *head = NULL, **tail = &head, *m;
	uint32_t done = 0, n;

	hosted_fail_at = 0;
	while (done < len || head == NULL) {
		m = m_getcl(MCLBYTES, head == NULL);
		link_check(m != NULL, "no memory for the link");
		n = head == NULL && link_random(4) != 0 ? 1600 :
		    1 + link_random(head == NULL ? 64 : MCLBYTES);
		n = MIN(n, len - done);
		memcpy(m->m_data, p + done, n);
		m->m_len = n;
		done += n;
		*tail = m;
		tail = &m->m_next;
	}
	head->m_pkthdr.ph_len = len;
	hosted_fail_at = fail;
	return (head);
}

/* One packet of a wire, whose sum is complete. */
static void
link_wire(const uint8_t *p, uint32_t len, const struct ip_in *ii,
    struct pkthdr *gso)
{
	struct ip_in in = *ii;
	struct mbuf *m;
	u_int copies = 1;

	link_sent++;
	if (link_random(1000) < link_conf.lc_loss || (gso == NULL &&
	    link_conf.lc_pathmtu != 0 && len + (link_v6 ? 40 : 20) >
	    link_conf.lc_pathmtu)) {
		link_lost++;
		return;
	}
	if (link_random(1000) < link_conf.lc_dup)
		copies++;
	while (copies-- > 0) {
		m = link_mbuf(p, len);
		if (gso != NULL) {
			m->m_pkthdr.ph_gso = gso->ph_gso;
			m->m_pkthdr.ph_gso_size = gso->ph_gso_size;
			m->m_pkthdr.ph_gso_hdrlen = gso->ph_gso_hdrlen;
			m->m_pkthdr.ph_flags = PH_CSUM_PARTIAL;
			m->m_pkthdr.ph_csum_off = 16;
		} else if (link_random(1000) < link_conf.lc_corrupt)
			m->m_data[link_random(m->m_len)] ^=
			    1 << link_random(8);
		if ((in.ii_tos & 3) != 0 &&
		    link_random(1000) < link_conf.lc_ce)
			in.ii_tos |= 3;
		flight_start(m, &in);
	}
}

static void
put_sum(uint8_t *p, uint32_t len, const struct ip_in *ii)
{
	uint16_t sum = 0;

	memcpy(p + 16, &sum, 2);
	sum = ~cksum_fold(cksum_add(ip_pseudo(&ii->ii_src, &ii->ii_dst,
	    IPPROTO_TCP, len), p, len));
	memcpy(p + 16, &sum, 2);
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

static uint32_t
get_be32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static uint16_t
get_be16(const uint8_t *p)
{
	return (p[0] << 8 | p[1]);
}

/* As a device does it that cuts large packets. */
static void
link_segments(const uint8_t *p, uint32_t len, const struct ip_in *ii,
    const struct pkthdr *ph)
{
	static uint8_t seg[65536];
	u_int hdrlen = ph->ph_gso_hdrlen;
	uint32_t off, n, total = len - hdrlen;

	for (off = 0; off < total; off += n) {
		n = MIN(ph->ph_gso_size, total - off);
		memcpy(seg, p, hdrlen);
		memcpy(seg + hdrlen, p + hdrlen + off, n);
		put_be32(seg + 4, get_be32(p + 4) + off);
		if (off + n < total)
			seg[13] &= ~(TH_FIN | TH_PUSH);
		if (off != 0)
			seg[13] &= ~TH_CWR;
		put_sum(seg, hdrlen + n, ii);
		link_wire(seg, hdrlen + n, ii, NULL);
	}
}

/* What it says of itself is true. */
static void
link_audit(const uint8_t *p, uint32_t len, const struct pkthdr *ph,
    const struct ip_out *io)
{
	u_int hdrlen = (p[12] >> 4) * 4, iphdr = link_v6 ? 40 : 20;
	uint16_t sum;

	link_check(len >= 20 && hdrlen >= 20 && hdrlen <= len, "header");
	link_check(ph->ph_flags & PH_CSUM_PARTIAL, "checksum");
	link_check(ph->ph_csum_start == 0 && ph->ph_csum_off == 16,
	    "checksum's place");
	sum = cksum_fold(ip_pseudo(io->io_src, io->io_dst, IPPROTO_TCP, len));
	link_check(memcmp(&sum, p + 16, 2) == 0 || (sum == 0xffff &&
	    get_be16(p + 16) == 0) || (sum == 0 && get_be16(p + 16) ==
	    0xffff), "pseudo header's sum");
	link_check(io->io_proto == IPPROTO_TCP, "protocol");
	if (ph->ph_gso == GSO_NONE) {
		link_check(len + iphdr <= link_conf.lc_mtu || !io->io_df,
		    "larger than the link takes");
		return;
	}
	link_check(ph->ph_gso == (link_v6 ? GSO_TCP6 : GSO_TCP4),
	    "kind of GSO");
	link_check(link_conf.lc_caps & (link_v6 ? IFCAP_TSO6 : IFCAP_TSO4),
	    "GSO, but the device does not know it");
	link_check(ph->ph_gso_hdrlen == hdrlen, "GSO: header");
	link_check(ph->ph_gso_size > 0 && ph->ph_gso_size + hdrlen + iphdr <=
	    link_conf.lc_mtu, "GSO: size of segments");
	link_check(len - hdrlen > ph->ph_gso_size, "GSO of one segment");
	link_check(len + iphdr <= MIN(link_conf.lc_tsomax, 65535),
	    "GSO: too large");
	link_check(!(p[13] & (TH_SYN | TH_RST | TH_URG)), "GSO: flags");
	link_check(!(p[13] & TH_CWR) || ((ph->ph_flags & PH_GSO_ECN) &&
	    (link_conf.lc_caps & IFCAP_TSO_ECN)), "GSO: CWR");
}

static void	peer_take(const uint8_t *, uint32_t, const struct pkthdr *,
		    uint8_t);

int
ip_send(struct mbuf *m, const struct ip_out *io)
{
	static uint8_t buf[70000];
	struct pkthdr ph = m->m_pkthdr;
	struct ip_in ii = { .ii_src = *io->io_src, .ii_dst = *io->io_dst,
	    .ii_ifidx = 1, .ii_proto = IPPROTO_TCP, .ii_ttl = 64,
	    .ii_tos = io->io_tos, .ii_hdrlen = 20 };
	uint32_t len = m_length(m);

	link_check(len == ph.ph_len && len <= sizeof(buf), "length");
	(void)m_copydata(m, 0, len, buf);
	m_freem(m);
	link_audit(buf, len, &ph, io);
	if (link_error != 0)
		return (link_error);
	if (link_end(io->io_dst) == LINK_PEER) {
		peer_take(buf, len, &ph, io->io_tos);
		return (0);
	}
	if (ph.ph_gso != GSO_NONE && !link_conf.lc_gro)
		link_segments(buf, len, &ii, &ph);
	else if (ph.ph_gso != GSO_NONE)
		link_wire(buf, len, &ii, &ph);
	else {
		put_sum(buf, len, &ii);
		link_wire(buf, len, &ii, NULL);
	}
	return (0);
}

/* --- the test as a peer ------------------------------------------------- */

static void
pseg_option(struct pseg *ps, const uint8_t *p, u_int len)
{
	u_int i;

	switch (p[0]) {
	case TCPOPT_MSS:
		ps->ps_mss = get_be16(p + 2);
		break;
	case TCPOPT_WSCALE:
		ps->ps_wscale = p[2];
		break;
	case TCPOPT_SACKOK:
		ps->ps_sackok = true;
		break;
	case TCPOPT_TS:
		ps->ps_ts = true;
		ps->ps_tsval = get_be32(p + 2);
		ps->ps_tsecr = get_be32(p + 6);
		break;
	case TCPOPT_SACK:
		for (i = 0; i < (len - 2) / 8 && i < TCP_MAXSACK; i++) {
			ps->ps_sack[i][0] = get_be32(p + 2 + 8 * i);
			ps->ps_sack[i][1] = get_be32(p + 6 + 8 * i);
		}
		ps->ps_nsack = i;
		break;
	default:
		link_check(false, "an option that we do not know");
	}
}

static void
pseg_parse(struct pseg *ps, const uint8_t *p, uint32_t len)
{
	u_int hdrlen = (p[12] >> 4) * 4, at, n;

	ps->ps_dport = get_be16(p);		/* to whom one would answer */
	ps->ps_sport = get_be16(p + 2);
	ps->ps_seq = get_be32(p + 4);
	ps->ps_ack = get_be32(p + 8);
	ps->ps_flags = p[13];
	ps->ps_wnd = get_be16(p + 14);
	ps->ps_urp = get_be16(p + 18);
	ps->ps_wscale = -1;
	for (at = 20; at < hdrlen && p[at] != TCPOPT_EOL; at += n) {
		if (p[at] == TCPOPT_NOP) {
			n = 1;
			continue;
		}
		n = p[at + 1];
		link_check(n >= 2 && at + n <= hdrlen, "length of an option");
		pseg_option(ps, p + at, n);
	}
	ps->ps_len = len - hdrlen;
	memcpy(ps->ps_data, p + hdrlen, ps->ps_len);
	ps->ps_time = hosted_now;
}

static void
peer_take(const uint8_t *p, uint32_t len, const struct pkthdr *ph, uint8_t tos)
{
	struct pseg *ps;

	if (peer_n == nitems(peer_q)) {
		link_lost++;
		return;
	}
	ps = host_alloc(sizeof(*ps));
	pseg_parse(ps, p, len);
	ps->ps_gso = ph->ph_gso != GSO_NONE;
	ps->ps_tos = tos;
	peer_q[(peer_head + peer_n++) % nitems(peer_q)] = ps;
}

/* The oldest that has come; false: none. */
static bool
peer_recv(struct pseg *ps)
{
	struct pseg *first;

	if (peer_n == 0)
		return (false);
	first = peer_q[peer_head];
	peer_head = (peer_head + 1) % nitems(peer_q);
	peer_n--;
	memcpy(ps, first, sizeof(*ps));
	host_free(first);
	return (true);
}

static void
peer_flush(void)
{
	while (peer_n > 0) {
		host_free(peer_q[peer_head]);
		peer_head = (peer_head + 1) % nitems(peer_q);
		peer_n--;
	}
}

static u_int
pseg_options(const struct pseg *ps, uint8_t *p)
{
	uint8_t *start = p;
	u_int i;

	if (ps->ps_mss != 0) {
		*p++ = TCPOPT_MSS;
		*p++ = 4;
		*p++ = ps->ps_mss >> 8;
		*p++ = ps->ps_mss;
	}
	if (ps->ps_wscale >= 0) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_WSCALE;
		*p++ = 3;
		*p++ = ps->ps_wscale;
	}
	if (ps->ps_sackok) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_SACKOK;
		*p++ = 2;
	}
	if (ps->ps_ts) {
		put_be32(p, TCPOPT_TSWORD);
		put_be32(p + 4, ps->ps_tsval);
		put_be32(p + 8, ps->ps_tsecr);
		p += 12;
	}
	if (ps->ps_nsack != 0) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_SACK;
		*p++ = 2 + 8 * ps->ps_nsack;
		for (i = 0; i < ps->ps_nsack; i++, p += 8) {
			put_be32(p, ps->ps_sack[i][0]);
			put_be32(p + 4, ps->ps_sack[i][1]);
		}
	}
	return (p - start);
}

/* Arrives at once. */
static void
peer_send(const struct pseg *ps)
{
	static uint8_t buf[66000];
	struct ip_in ii = { .ii_src = link_addr(LINK_PEER),
	    .ii_dst = link_addr(LINK_A), .ii_ifidx = 1,
	    .ii_proto = IPPROTO_TCP, .ii_ttl = 64, .ii_tos = ps->ps_tos,
	    .ii_hdrlen = 20 };
	u_int hdrlen = 20 + pseg_options(ps, buf + 20);
	struct mbuf *m;
	int s;

	link_check(hdrlen <= 60, "too many options in a test");
	buf[0] = ps->ps_sport >> 8;
	buf[1] = ps->ps_sport;
	buf[2] = ps->ps_dport >> 8;
	buf[3] = ps->ps_dport;
	put_be32(buf + 4, ps->ps_seq);
	put_be32(buf + 8, ps->ps_ack);
	buf[12] = hdrlen / 4 << 4;
	buf[13] = ps->ps_flags;
	buf[14] = ps->ps_wnd >> 8;
	buf[15] = ps->ps_wnd;
	buf[18] = ps->ps_urp >> 8;
	buf[19] = ps->ps_urp;
	memcpy(buf + hdrlen, ps->ps_data, ps->ps_len);
	put_sum(buf, hdrlen + ps->ps_len, &ii);
	m = link_mbuf(buf, hdrlen + ps->ps_len);
	s = splraise(IPL_SOFT);
	tcp_input(m, &ii);
	splx(s);
}

/* --- sockets as a program has them -------------------------------------- */

static void
link_sockaddr(struct sockaddr_storage *ss, size_t *len, u_int end,
    uint16_t port)
{
	struct inaddr a = link_addr(end);
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = be16_make(port) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = be16_make(port) };

	memset(ss, 0, sizeof(*ss));
	if (link_v6) {
		if (end != 0)
			memcpy(&sin6.sin6_addr, &a, sizeof(a));
		memcpy(ss, &sin6, *len = sizeof(sin6));
	} else {
		if (end != 0)
			sin.sin_addr.s_addr = a.ia_l[3];
		memcpy(ss, &sin, *len = sizeof(sin));
	}
}

static struct socket *
sock_new(void)
{
	struct socket *so = NULL;

	if (so_create(link_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0, &so) != 0)
		return (NULL);
	return (so);
}

static struct socket *
sock_listen(uint16_t port, int backlog)
{
	struct socket *so = sock_new();
	struct sockaddr_storage ss;
	size_t len;

	link_sockaddr(&ss, &len, 0, port);
	link_check(so_bind(so, (void *)&ss, len) == 0, "bind");
	link_check(so_listen(so, backlog) == 0, "listen");
	return (so);
}

/* EINPROGRESS is what it should be. */
static int
sock_connect(struct socket *so, u_int end, uint16_t port)
{
	struct sockaddr_storage ss;
	size_t len;

	link_sockaddr(&ss, &len, end, port);
	return (so_connect(so, (void *)&ss, len, true));
}

static struct socket *
sock_accept(struct socket *so)
{
	struct socket *new = NULL;

	return (so_accept(so, true, &new) == 0 ? new : NULL);
}

/* Bytes, or an errno as a negative number. */
static long
sock_write(struct socket *so, const void *buf, size_t n, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)buf, n };
	struct uio uio = { &iov, 1, 0, n, UIO_SYSSPACE, UIO_WRITE };
	struct msginfo mi = { .mi_flags = MSG_DONTWAIT | flags };
	int error = so_send(so, &uio, &mi);

	return (uio.uio_resid != n || error == 0 ? (long)(n - uio.uio_resid) :
	    -error);
}

static long
sock_read(struct socket *so, void *buf, size_t n, int flags)
{
	struct iovec iov = { buf, n };
	struct uio uio = { &iov, 1, 0, n, UIO_SYSSPACE, UIO_READ };
	struct msginfo mi = { .mi_flags = MSG_DONTWAIT | flags };
	int error = so_receive(so, &uio, &mi);

	return (uio.uio_resid != n || error == 0 ? (long)(n - uio.uio_resid) :
	    -error);
}

static void
sock_close(struct socket *so)
{
	if (so != NULL)
		so_close(so, true);
}

static int
sock_setint(struct socket *so, int level, int opt, int v)
{
	return (so_setopt(so, level, opt, &v, sizeof(v)));
}

/* --- begin and end ------------------------------------------------------ */

static void
link_init(uint64_t seed)
{
	static bool ready;

	hosted_init();
	if (!ready) {
		ready = true;
		tcp_init();
		hosted_nallocs = 0;
	}
	link_conf = (struct link_conf){ .lc_mtu = 1500,
	    .lc_tsomax = 65535, .lc_delay = MSEC_TO_NSEC(1) };
	link_seed = seed;
	link_sent = link_lost = 0;
	memset(link_free, 0, sizeof(link_free));
	memset(link_last, 0, sizeof(link_last));
	link_v6 = false;
	link_error = 0;
	tcp_cookie_init();
	memset(&tcp_stats, 0, sizeof(tcp_stats));
}

/* What was closed must go, in its time. */
static int
link_fini(void)
{
	hosted_fail_at = 0;
	link_error = 0;
	hosted_run(SEC_TO_NSEC(1200));
	peer_flush();
	tcp_timewait_flush();
	return (hosted_fini());
}

#endif /* _SIM_TCPLINK_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The network, all of it but TCP's inside (fuzz/tcp.c), and a link on which
 * anything may come: frames of any shape, whose headers and sums are often
 * right, in pieces, marked as a device marks them.  What goes out is looked at:
 * its lengths and sums must be right.  In the end, when time has passed, no
 * packet is left.
 */

#include "fuzz.h"

#include <sys/errno.h>
#include <sys/mbuf.h>
#include <sys/socketvar.h>
#include <sys/sysctl.h>
#include <sys/uio.h>

#include <net/if_var.h>
#include <netinet/ip.h>
#include <netinet6/ip6.h>

#define MTU	1500
#define MINUTE	SEC_TO_NSEC(60)

static const uint8_t	*in;
static size_t		left;
static struct ifnet	net_if;
static uint8_t		frame[4096];

static uint32_t
get(u_int n)
{
	uint32_t v = 0;

	while (n-- > 0 && left > 0) {
		v = v << 8 | *in++;
		left--;
	}
	return (v);
}

/* --- the link: what goes out ----------------------------------------------------- */

static void
check_ip(struct mbuf *m)
{
	struct ip ip;
	u_int hlen;

	fuzz_check(m_copydata(m, ETHER_HDR_LEN, sizeof(ip), &ip), "ip");
	hlen = (ip.ip_vhl & 15) * 4;
	fuzz_check(ip.ip_vhl >> 4 == 4 && hlen >= 20 &&
	    be16_get(ip.ip_len) + ETHER_HDR_LEN == m->m_pkthdr.ph_len,
	    "length of IPv4");
	fuzz_check(cksum_fold(m_cksum(m, ETHER_HDR_LEN, hlen, 0)) == 0xffff,
	    "sum of IPv4");
}

static void
check_ip6(struct mbuf *m)
{
	struct ip6 ip6;

	fuzz_check(m_copydata(m, ETHER_HDR_LEN, sizeof(ip6), &ip6) &&
	    be32_get(ip6.ip6_flow) >> 28 == 6 &&
	    be16_get(ip6.ip6_plen) + ETHER_HDR_LEN + sizeof(ip6) ==
	    m->m_pkthdr.ph_len, "length of IPv6");
}

static void
link_transmit(struct ifnet *ifp, struct mbuf *m, bool more __unused)
{
	struct ether_header eh;

	fuzz_check(m_copydata(m, 0, sizeof(eh), &eh) &&
	    m_length(m) == m->m_pkthdr.ph_len &&
	    m->m_pkthdr.ph_len <= ifp->if_mtu + ETHER_HDR_LEN, "frame");
	if (be16_get(eh.ether_type) == ETHERTYPE_IP)
		check_ip(m);
	else if (be16_get(eh.ether_type) == ETHERTYPE_IPV6)
		check_ip6(m);
	m_freem(m);
}

static int
link_up(struct ifnet *ifp __unused)
{
	return (0);
}

static void
link_down(struct ifnet *ifp __unused)
{
}

static const struct ifnet_ops link_ops = {
	.ifo_up = link_up,
	.ifo_down = link_down,
	.ifo_transmit = link_transmit,
};

/* --- sockets that take what comes ---------------------------------------------------- */

static struct socket	*socks[6];

static struct socket *
sock(int family, int type, int protocol, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_port = be16_make(port) };
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = be16_make(port) };
	struct socket *so;

	if (so_create(family, type, protocol, &so) != 0)
		host_fail("socket");
	if (port != 0 && so_bind(so, family == AF_INET ?
	    (struct sockaddr *)&sin : (struct sockaddr *)&sin6,
	    family == AF_INET ? sizeof(sin) : sizeof(sin6)) != 0)
		host_fail("bind");
	return (so);
}

/* All that has come, with its control messages. */
static void
drain(struct socket *so)
{
	static uint8_t buf[65536], control[512];
	struct msginfo mi;
	struct iovec iov;
	struct uio uio;

	for (;;) {
		iov = (struct iovec){ buf, sizeof(buf) };
		uio = (struct uio){ .uio_iov = &iov, .uio_iovcnt = 1,
		    .uio_resid = sizeof(buf), .uio_segflg = UIO_SYSSPACE,
		    .uio_rw = UIO_READ };
		mi = (struct msginfo){ .mi_control = control,
		    .mi_controllen = sizeof(control),
		    .mi_flags = MSG_DONTWAIT };
		if (so_receive(so, &uio, &mi) == EAGAIN)
			return;
	}
}

static void
setup(void)
{
	struct ifaddr ifa = { .ifa_addr = in4_make(IN4(10, 0, 0, 2)),
	    .ifa_bcast = in4_make(IN4(10, 0, 0, 255)), .ifa_plen = 96 + 24,
	    .ifa_preferred = INFSLP, .ifa_valid = INFSLP };
	int on = 1;
	u_int i;

	net_init();
	strlcpy(net_if.if_xname, "fz0", IFNAMSIZ);
	net_if.if_ops = &link_ops;
	memcpy(net_if.if_lladdr, "\2\0\0\0\0\1", ETHER_ADDR_LEN);
	net_if.if_mtu = net_if.if_hardmtu = MTU;
	net_if.if_link = LINK_UP;
	if (ether_ifattach(&net_if) != 0 ||
	    if_setflags(&net_if, IFF_UP) != 0 || ifa_add(&net_if, &ifa) != 0)
		host_fail("attach");
	socks[0] = sock(AF_INET, SOCK_DGRAM, 0, 7);
	socks[1] = sock(AF_INET6, SOCK_DGRAM, 0, 8);
	socks[2] = sock(AF_INET, SOCK_RAW, IPPROTO_ICMP, 0);
	socks[3] = sock(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0);
	socks[4] = sock(AF_PACKET, SOCK_RAW, be16_make(3).w, 0);
	socks[5] = sock(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, 9);
	for (i = 0; i < nitems(socks); i++) {
		(void)so_setopt(socks[i], IPPROTO_IP, IP_PKTINFO, &on, 4);
		(void)so_setopt(socks[i], IPPROTO_IPV6, IPV6_RECVPKTINFO,
		    &on, 4);
		(void)so_setopt(socks[i], SOL_SOCKET, SO_TIMESTAMP, &on, 4);
	}
	hosted_run(10 * SEC_TO_NSEC(1));	/* addresses are proved */
}

/* --- frames that come ------------------------------------------------------------------ */

static void
put16(u_int at, uint16_t v)
{
	frame[at] = v >> 8;
	frame[at + 1] = v;
}

static void
put_sum(u_int at, uint64_t sum)
{
	uint16_t v = ~cksum_fold(sum);

	memcpy(frame + at, &v, 2);
}

/* Addresses that mean something more often than others. */
static void
make_addr4(u_int at, bool ours)
{
	static const uint32_t known[] = { IN4(10, 0, 0, 2), IN4(10, 0, 0, 1),
	    IN4(10, 0, 0, 255), 0xffffffff, IN4(224, 0, 0, 1), 0,
	    IN4(127, 0, 0, 1), IN4(192, 0, 2, 1) };
	be32_w w = be32_make(known[get(1) % nitems(known)]);

	if (ours && get(1) % 4 != 0)
		w = be32_make(known[0]);
	memcpy(frame + at, &w, 4);
}

static void
make_addr6(u_int at, bool ours)
{
	static const uint8_t known[][16] = {
	    { 0xfe, 0x80, [8] = 0, 0, 0, 0xff, 0xfe, 0, 0, 1 },
	    { 0xfe, 0x80, [15] = 9 }, { 0xff, 2, [15] = 1 }, { 0 },
	    { [15] = 1 }, { 0x20, 1, 0xd, 0xb8, [15] = 7 },
	    { 0xff, 2, [11] = 1, 0xff, 0, 0, 1 },
	    { [10] = 0xff, 0xff, 10, 0, 0, 2 } };

	memcpy(frame + at, known[ours && get(1) % 4 != 0 ? 0 :
	    get(1) % nitems(known)], 16);
}

/* What is behind the header of IP, with its sum; the pseudo header's is sum. */
static void
make_sums(uint8_t proto, u_int at, u_int n, uint64_t sum)
{
	u_int field = proto == IPPROTO_UDP ? 6 : proto == IPPROTO_TCP ? 16 : 2;

	if (n < field + 2 || get(1) % 8 == 0)
		return;
	if (proto == IPPROTO_UDP && get(1) % 8 != 0)
		put16(at + 4, n);
	if (proto == IPPROTO_ICMP || proto == IPPROTO_IGMP)
		sum = 0;
	put16(at + field, 0);
	put_sum(at + field, cksum_add(sum, frame + at, n));
}

static uint64_t
pseudo(u_int at, u_int n, uint8_t proto, u_int len)
{
	be32_w end[2] = { be32_make(len), be32_make(proto) };

	return (cksum_add(cksum_add(0, frame + at, n), end, sizeof(end)));
}

static void
make_ip4(u_int n)
{
	static const uint8_t protos[] = { 1, 2, 6, 17, 17, 1, 41, 99 };
	u_int at = ETHER_HDR_LEN, hlen = 20;
	uint8_t proto = protos[get(1) % nitems(protos)];

	if (n < at + hlen)
		return;
	frame[at] = 0x45;
	if (get(1) % 8 == 0) {
		frame[at] = get(1);
		hlen = MIN(MAX((frame[at] & 15) * 4, 20), n - at);
	}
	put16(at + 2, get(1) % 8 == 0 ? get(2) : n - at);
	if (get(1) % 4 != 0)
		put16(at + 6, 0);
	frame[at + 9] = proto;
	make_addr4(at + 12, false);
	make_addr4(at + 16, true);
	if (proto == IPPROTO_UDP && n >= at + hlen + 4)
		put16(at + hlen + 2, get(1) % 2 ? 7 : 8);
	make_sums(proto, at + hlen, n - at - hlen, pseudo(at + 12, 8, proto,
	    n - at - hlen));
	if (get(1) % 16 != 0) {
		put16(at + 10, 0);
		put_sum(at + 10, cksum_add(0, frame + at, hlen));
	}
}

static void
make_ip6(u_int n)
{
	static const uint8_t protos[] = { 58, 58, 58, 17, 6, 44, 0, 60, 43 };
	static const uint8_t types[] = { 128, 129, 130, 133, 134, 135, 136,
	    137, 1, 2, 3, 4 };
	u_int at = ETHER_HDR_LEN, off = at + 40, i;
	uint8_t proto = protos[get(1) % nitems(protos)];

	if (n < off)
		return;
	frame[at] = 0x60;
	put16(at + 4, get(1) % 8 == 0 ? get(2) : n - off);
	frame[at + 6] = proto;
	frame[at + 7] = get(1) % 4 == 0 ? get(1) : 255;
	make_addr6(at + 8, false);
	make_addr6(at + 24, true);
	for (i = 0; i < 3 && (proto == 0 || proto == 60 || proto == 43 ||
	    proto == 44) && off + 16 <= n; i++) {
		frame[off] = proto = protos[get(1) % nitems(protos)];
		if (frame[at + 6] != 44)
			frame[off + 1] = get(1) % 4 == 0 ? get(1) : 0;
		off += 8 + (frame[off + 1] % 2) * 8;
	}
	if (off > n)
		return;
	if (proto == IPPROTO_ICMPV6 && off + 2 <= n) {
		frame[off] = types[get(1) % nitems(types)];
		frame[off + 1] = get(1) % 4 == 0 ? get(1) : 0;
	}
	make_sums(proto, off, n - off, pseudo(at + 8, 32, proto, n - off));
}

static void
make_arp(u_int n)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	if (n < ETHER_HDR_LEN + 28 || get(1) % 8 == 0)
		return;
	memcpy(frame + ETHER_HDR_LEN, head, sizeof(head));
	frame[ETHER_HDR_LEN + 7] = 1 + get(1) % 2;
	make_addr4(ETHER_HDR_LEN + 14, false);
	make_addr4(ETHER_HDR_LEN + 24, true);
}

static u_int
make_frame(void)
{
	static const uint8_t to[][6] = { { 2, 0, 0, 0, 0, 1 },
	    { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, { 0x33, 0x33, 0, 0, 0, 1 },
	    { 1, 0, 0x5e, 0, 0, 1 } };
	u_int n = get(2) % 1600, i, kind = get(1) % 8;

	for (i = 0; i < n; i++)
		frame[i] = left > 0 && i < 400 ? get(1) : i;
	if (n < ETHER_HDR_LEN || kind == 7)
		return (n);
	memcpy(frame, to[get(1) % 8 < 6 ? 0 : get(1) % nitems(to)], 6);
	if (kind < 3) {
		put16(12, ETHERTYPE_IP);
		make_ip4(n);
	} else if (kind < 6) {
		put16(12, ETHERTYPE_IPV6);
		make_ip6(n);
	} else {
		put16(12, ETHERTYPE_ARP);
		make_arp(n);
	}
	return (n);
}

/* In pieces of any size, some of them in storage of others. */
static struct mbuf *
make_mbuf(u_int n)
{
	struct mbuf *head = NULL, **tail = &head, *m;
	u_int at = 0, k;

	do {
		/* now and then empty, while there is something to say so */
		k = left == 0 || get(1) % 4 != 0 ? n : get(1) % 64;
		if ((m = head == NULL ? m_getcl(MCLBYTES, true) :
		    m_getcl(MCLBYTES, false)) == NULL)
			break;
		k = MIN(MIN(k, n - at), MCLBYTES - 8);
		m->m_data += get(1) % 8;
		memcpy(m->m_data, frame + at, k);
		m->m_len = k;
		at += k;
		*tail = m;
		tail = &m->m_next;
	} while (at < n);
	if (head == NULL)
		host_fail("mbuf");
	head->m_pkthdr.ph_len = at;
	return (head);
}

/* As a driver may say, which has checked the offsets. */
static void
make_marks(struct pkthdr *ph)
{
	switch (get(1) % 16) {
	case 0:
		ph->ph_flags |= PH_CSUM_GOOD;
		break;
	case 1:
		if (ph->ph_len < 60)
			break;
		ph->ph_flags |= PH_CSUM_PARTIAL;
		ph->ph_csum_start = 34;
		ph->ph_csum_off = 6;
		break;
	case 2:
		if (ph->ph_len < 100)
			break;
		ph->ph_flags |= PH_CSUM_PARTIAL;
		ph->ph_csum_start = 34;
		ph->ph_csum_off = 6;
		ph->ph_gso = 1 + get(1) % 4;
		ph->ph_gso_size = 1 + get(2) % 2000;
		ph->ph_gso_hdrlen = 42;
		break;
	}
}

static size_t
used(void)
{
	char buf[32];
	const char *end;
	uint64_t v = 0;
	size_t n;

	(void)sysctl_read("net.mbuf.used", buf, sizeof(buf), &n);
	(void)strtonum64(buf, &end, &v);
	return (v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool again;
	static u_int runs;
	struct mbuf *m;
	u_int i, frames;

	if (!again) {
		again = true;
		hosted_init();
		setup();
	}
	in = data;
	left = size;
	for (frames = 0; left > 0 && frames < 64; frames++) {
		m = make_mbuf(make_frame());
		make_marks(&m->m_pkthdr);
		if_input(&net_if, m);
		if (get(1) % 8 == 0)
			hosted_run(MSEC_TO_NSEC(get(2)));
	}
	for (i = 0; i < nitems(socks); i++)
		drain(socks[i]);
	/* what waits for others, or for neighbours, is given up in time */
	if (++runs % 200 != 0)
		return (0);
	hosted_run(2 * MINUTE);
	for (i = 0; i < nitems(socks); i++)
		drain(socks[i]);
	neigh_purge(net_if.if_index);
	fuzz_check(used() == 0, "a packet is left");
	return (0);
}

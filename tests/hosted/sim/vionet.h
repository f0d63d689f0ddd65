/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SIM_VIONET_H_
#define _SIM_VIONET_H_

/*
 * What the tests of vio(4) share: a simulated device, and above the driver a
 * network that is the test.  What drivers call of <net/ifnet.h> is defined
 * here, but for the polling, so a program includes it once.
 */

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/mbuf.h>
#include <sys/md.h>
#include <sys/sysctl.h>
#include <sys/thread.h>
#include <sys/timeout.h>

#include <net/ifnet.h>

#include "sim.h"

#define F_CSUM		(1ULL << 0)
#define F_GUEST_CSUM	(1ULL << 1)
#define F_OFFLOADS	(1ULL << 2)
#define F_MTU		(1ULL << 3)
#define F_MAC		(1ULL << 5)
#define F_GUEST_TSO4	(1ULL << 7)
#define F_GUEST_TSO6	(1ULL << 8)
#define F_GUEST_ECN	(1ULL << 9)
#define F_HOST_TSO4	(1ULL << 11)
#define F_HOST_TSO6	(1ULL << 12)
#define F_HOST_ECN	(1ULL << 13)
#define F_MRG_RXBUF	(1ULL << 15)
#define F_STATUS	(1ULL << 16)
#define F_CTRL_VQ	(1ULL << 17)
#define F_CTRL_RX	(1ULL << 18)
#define F_CTRL_VLAN	(1ULL << 19)
#define F_CTRL_RX_EXTRA	(1ULL << 20)
#define F_ANNOUNCE	(1ULL << 21)
#define F_MQ		(1ULL << 22)
#define F_CTRL_MAC_ADDR	(1ULL << 23)
#define F_ANY_LAYOUT	(1ULL << 27)
#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)
#define F_PACKED	(1ULL << 34)
#define F_IN_ORDER	(1ULL << 35)
#define F_VQ_NOTF_COAL	(1ULL << 52)
#define F_NOTF_COAL	(1ULL << 53)
#define F_GUEST_USO4	(1ULL << 54)
#define F_GUEST_USO6	(1ULL << 55)
#define F_HOST_USO	(1ULL << 56)
#define F_HASH_REPORT	(1ULL << 57)
#define F_GUEST_HDRLEN	(1ULL << 59)
#define F_RSS		(1ULL << 60)
#define F_SPEED_DUPLEX	(1ULL << 63)

#define F_HOST		(F_CSUM | F_HOST_TSO4 | F_HOST_TSO6 | F_HOST_ECN | \
	F_HOST_USO)
#define F_GUEST		(F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6 | \
	F_GUEST_ECN | F_GUEST_USO4 | F_GUEST_USO6)
#define F_CTRL		(F_CTRL_VQ | F_CTRL_RX | F_CTRL_RX_EXTRA | \
	F_CTRL_VLAN | F_CTRL_MAC_ADDR | F_OFFLOADS | F_ANNOUNCE)
#define F_RING		(F_INDIRECT | F_EVENT_IDX)
#define F_PLAIN		(F_MAC | F_STATUS | F_MRG_RXBUF | F_RING)
#define F_ALL		(F_PLAIN | F_HOST | F_GUEST | F_CTRL | F_GUEST_HDRLEN)

enum { CTRL_RX, CTRL_MAC, CTRL_VLAN, CTRL_ANNOUNCE, CTRL_MQ, CTRL_OFFLOADS,
    CTRL_COAL };

#define MAXFRAME	65589

static struct sim_net	*nt;
static uint8_t		 buf[MAXFRAME + 100];
static u_int		 ncpus;

/* --- the network, as the driver sees it ---------------------------------- */

struct got {
	TAILQ_ENTRY(got) g_link;
	struct pkthdr	 g_ph;
	uint8_t		 g_data[];
};
static struct ifnet	*nif;		/* NULL: not attached */
static TAILQ_HEAD(, got) gots;
static u_int		 ngot, nlinkchanges, nannounced;
static const char	*wrong;		/* what the driver gave us */
static bool		 answering;	/* each packet with one */
static uint8_t		 groups[300][6];
static u_int		 ngroups;

u_int
md_ncpus(void)
{
	return (ncpus);
}

int
ether_ifattach(struct ifnet *ifp)
{
	if (hosted_may_fail())
		return (ENOMEM);
	if (nif != NULL)
		wrong = "attached twice";
	nif = ifp;
	if (ifp->if_mtu == 0)
		ifp->if_mtu = ETHERMTU;
	ifp->if_flags = IFF_BROADCAST | IFF_MULTICAST;
	ifp->if_index = 7;
	return (0);
}

void
ether_ifdetach(struct ifnet *ifp)
{
	if (ifp->if_index == 0)
		return;
	if (ifp->if_flags & IFF_UP)
		ifp->if_ops->ifo_down(ifp);
	ifp->if_flags &= ~IFF_UP;
	ifp->if_index = 0;
	nif = NULL;
}

void
if_input(struct ifnet *ifp, struct mbuf *m)
{
	struct got *g;

	if (nif == NULL || ifp != nif)
		wrong = "a packet of an interface that is not attached";
	if (!(m->m_flags & M_PKTHDR) || m->m_nextpkt != NULL ||
	    m->m_pkthdr.ph_len != m_length(m))
		wrong = "a packet that is not one";
	if (m->m_pkthdr.ph_len < ETHER_HDR_LEN)
		wrong = "a packet without a header of Ethernet";
	if ((g = host_alloc(sizeof(*g) + m_length(m))) == NULL)
		host_fail("no memory");
	g->g_ph = m->m_pkthdr;
	(void)m_copydata(m, 0, m_length(m), g->g_data);
	TAILQ_INSERT_TAIL(&gots, g, g_link);
	ngot++;
	if (answering)
		ifp->if_ops->ifo_transmit(ifp, m, false);
	else
		m_freem(m);
}

void
if_link_changed(struct ifnet *ifp)
{
	nlinkchanges++;
}

void
if_announce(struct ifnet *ifp)
{
	nannounced++;
}

u_int
if_mcast_get(struct ifnet *ifp, uint8_t (*addrs)[ETHER_ADDR_LEN], u_int max)
{
	memcpy(addrs, groups, MIN(max, ngroups) * 6);
	return (ngroups);
}

static struct got *
next_got(void)
{
	struct got *g = TAILQ_FIRST(&gots);

	if (g != NULL)
		TAILQ_REMOVE(&gots, g, g_link);
	return (g);
}

static void
forget_gots(void)
{
	struct got *g;

	while ((g = next_got()) != NULL)
		host_free(g);
}

/* --- what all tests need ------------------------------------------------- */

static u_int
poll_nothing(void *arg, u_int budget)
{
	return (0);
}

/* What is made once and kept would look like a leak of the first test. */
static void
warm_up(void)
{
	static struct ifpoll ip;
	static bool done;

	if (done)
		return;
	done = true;
	mbuf_init();
	(void)sysctl_write("net.mbuf.limit", "268435456");
	if_poll_init(&ip, poll_nothing, NULL);
	if_poll_schedule(&ip);
	hosted_run(1000);
	if_poll_stop(&ip);
	hosted_nallocs = 0;
}

static uint64_t
number(const char *p)
{
	uint64_t v = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		v = 10 * v + (*p - '0');
	return (v);
}

static uint64_t
mbufs_used(void)
{
	char text[32];
	size_t len;

	assert_int_equal(sysctl_read("net.mbuf.used", text, sizeof(text),
	    &len), 0);
	return (number(text));
}

/* A counter of hw.vio0.stats. */
static uint64_t
stat(const char *name)
{
	static char text[8192];
	size_t len, n = strlen(name);
	char *p;

	assert_int_equal(sysctl_read("hw.vio0.stats", text, sizeof(text),
	    &len), 0);
	for (p = text; *p != '\0'; p++) {
		if ((p == text || p[-1] == '\n') && strncmp(p, name, n) == 0 &&
		    (p[n] == ' ' || p[n] == ':' || p[n] == '=')) {
			for (p += n; *p == ' ' || *p == ':' || *p == '='; p++)
				;
			return (number(p));
		}
	}
	fail_msg("no counter %s in\n%s", name, text);
	return (0);
}

static int
setup(void **state)
{
	sim_init();
	warm_up();
	sim_dma_strict = true;
	nt = NULL;
	TAILQ_INIT(&gots);
	ngot = nlinkchanges = nannounced = ngroups = 0;
	ncpus = 1;
	answering = false;
	wrong = NULL;
	return (0);
}

static void
unmake(void)
{
	sim_detach();
	hosted_run(1000);
	if (nt != NULL)
		sim_net_free(nt);
	nt = NULL;
	forget_gots();
	ngot = 0;
	sim_gone = false;
	sim_gone_at = 0;
	hosted_fail_at = 0;
}

static int
teardown(void **state)
{
	int bad = 0;

	unmake();
	sim_dma_split = false;
	sim_dma_strict = false;
	if (wrong != NULL) {
		host_complain(wrong);
		bad++;
	}
	if (nif != NULL) {
		host_complain("the interface is still attached");
		bad++;
	}
	nif = NULL;
	if (mbufs_used() != 0) {
		host_complain("mbufs were not freed");
		bad++;
	}
	return (bad + sim_fini());
}

/* All that a test made is gone. */
static void
nothing_left(void)
{
	unmake();
	assert_int_equal(mbufs_used(), 0);
	assert_int_equal(hosted_nallocs, 0);
	assert_int_equal(sim_nsegs, 0);
	assert_int_equal(sim_nmaps, 0);
	if (wrong != NULL)
		fail_msg("%s", wrong);
}

static struct sim_virtio_conf
conf(uint64_t features)
{
	return ((struct sim_virtio_conf){ .vc_features = features,
	    .vc_nvec = 4, .vc_when = SIM_LATER });
}

static void
make(uint64_t features)
{
	struct sim_virtio_conf vc = conf(features);

	nt = sim_net_new(&vc, 1);
}

static void
attach(void)
{
	sim_attach();
	if (nif == NULL)
		fail_msg("not attached: %s", hosted_console());
}

static int
try_up(void)
{
	int error;

	if ((error = nif->if_ops->ifo_up(nif)) != 0)
		return (error);
	nif->if_flags |= IFF_UP | IFF_RUNNING;
	nif->if_ops->ifo_rxfilter(nif);
	hosted_run(1000000);
	return (0);
}

static void
down(void)
{
	nif->if_flags &= ~(IFF_UP | IFF_RUNNING);
	nif->if_ops->ifo_down(nif);
}

static void
start(uint64_t features)
{
	make(features);
	attach();
	assert_int_equal(try_up(), 0);
}

/* The n-th frame of that length, for us. */
static void
frame(uint8_t *p, uint32_t len, uint32_t n)
{
	uint32_t i;

	memcpy(p, nif != NULL ? nif->if_lladdr : nt->nt_mac, 6);
	memcpy(p + 6, "\2\0\0\0\0\1\x88\xb5", 8);
	for (i = 14; i < len; i++)
		p[i] = (n * 37 + i * 11 + (i >> 8)) ^ (n >> 8);
}

static void
assert_frame(const uint8_t *p, uint32_t len, uint32_t n)
{
	static uint8_t want[MAXFRAME];

	frame(want, len, n);
	assert_memory_equal(p, want, len);
}

/* --- packets to be sent -------------------------------------------------- */

enum shape { ONE, HEADROOM, APART, PIECES, SHARED, NSHAPE };

static struct mbuf *
piece(struct mbuf *m, const uint8_t *p, uint32_t n, uint32_t room)
{
	struct mbuf *c = m_getcl(room, m == NULL), *last = m;

	if (c == NULL)
		fail_msg("no memory");
	c->m_len = n;
	memcpy(c->m_data, p, n);
	while (last != NULL && last->m_next != NULL)
		last = last->m_next;
	if (last != NULL)
		last->m_next = c;
	return (m == NULL ? c : m);
}

/* len bytes in mbufs of several shapes. */
static struct mbuf *
packet(const uint8_t *p, uint32_t len, enum shape shape)
{
	struct mbuf *m = NULL, *c;
	uint32_t off = 0, n, most = MCL4K;

	if (shape == HEADROOM || shape == APART) {
		n = shape == APART ? MIN(len, 54U) : MIN(len, 1500U);
		if (shape == APART) {
			if ((m = m_gethdr()) == NULL)
				fail_msg("no memory");
			m->m_data -= n;
		} else {
			m = m_getcl(MCLBYTES, true);
			m->m_data += 64;
		}
		m->m_len = n;
		memcpy(m->m_data, p, n);
		off = n;
	}
	if (shape == PIECES)
		most = MAX(len / 40, 3U);
	for (; off < len; off += n) {
		n = MIN(len - off, most);
		m = piece(m, p + off, n, MAX(n, 100U));
	}
	m->m_pkthdr.ph_len = len;
	if (shape == SHARED) {
		if ((c = m_copym(m, 0, M_COPYALL, true)) == NULL)
			fail_msg("no memory");
		m_freem(m);
		m = c;
	}
	return (m);
}

static void
send_frame(uint32_t len, uint32_t n, enum shape shape, bool more)
{
	frame(buf, len, n);
	nif->if_ops->ifo_transmit(nif, packet(buf, len, shape), more);
}

static void
assert_sent(uint32_t len, uint32_t n)
{
	struct sim_frame *fr = sim_net_sent(nt);

	if (fr == NULL)
		fail_msg("frame %u was not sent", n);
	assert_int_equal(fr->fr_len, len);
	assert_frame(fr->fr_data, len, n);
	host_free(fr);
}

static void
assert_got(uint32_t len, uint32_t n)
{
	struct got *g = next_got();

	if (g == NULL)
		fail_msg("frame %u was not received", n);
	assert_int_equal(g->g_ph.ph_len, len);
	assert_frame(g->g_data, len, n);
	host_free(g);
}

static const struct sim_nethdr plain_header;

static void
receive_frame(uint32_t len, uint32_t n)
{
	frame(buf, len, n);
	if (!sim_net_receive(nt, 0, &plain_header, buf, len))
		fail_msg("no buffer for frame %u of %u bytes", n, len);
}

/* Frames of any length that is allowed, both ways. */
static void
exchange(u_int rounds)
{
	uint32_t len, most = nif->if_mtu + 14;
	u_int i;

	for (i = 0; i < rounds; i++) {
		len = i == 0 ? 14 : i == 1 ? most :
		    14 + sim_random(most - 13);
		send_frame(len, i, i % NSHAPE, sim_random(2));
		send_frame(len, i + 1, sim_random(NSHAPE), false);
		hosted_run(1000000);
		assert_sent(len, i);
		assert_sent(len, i + 1);
		receive_frame(len, i + 2);
		if (sim_random(2))
			hosted_run(1000000);
		receive_frame(14 + sim_random(100), i);
		hosted_run(1000000);
		assert_got(len, i + 2);
		host_free(next_got());
	}
	assert_null(sim_net_sent(nt));
	assert_null(next_got());
}

/* The device is of use: also after what the test did to it. */
static void
assert_works(void)
{
	struct sim_frame *fr;

	hosted_run(100000000);
	forget_gots();
	while ((fr = sim_net_sent(nt)) != NULL)
		host_free(fr);
	exchange(5);
}

/* --- packets of many segments --------------------------------------------- */

struct kind {
	enum gso	gso;
	uint8_t		type, hdrlen, start, off;
};
static const struct kind kinds[] = {
	{ GSO_TCP4, 1, 54, 34, 16 }, { GSO_TCP6, 4, 74, 54, 16 },
	{ GSO_UDP4, 5, 42, 34, 6 }, { GSO_UDP6, 5, 62, 54, 6 },
};

/* Headers of that kind before a payload; the length of all. */
static uint32_t
segments(uint8_t *p, const struct kind *k, uint32_t payload)
{
	bool tcp = k->gso == GSO_TCP4 || k->gso == GSO_TCP6;
	uint32_t len = k->hdrlen + payload, iplen = len - 14;

	frame(p, len, payload);
	memset(p + 14, 0, k->hdrlen - 14);
	if (k->start == 34) {
		p[12] = 0x08;
		p[13] = 0x00;
		p[14] = 0x45;
		p[16] = iplen >> 8;
		p[17] = iplen;
		p[22] = 64;
		p[23] = tcp ? 6 : 17;
	} else {
		p[12] = 0x86;
		p[13] = 0xdd;
		p[14] = 0x60;
		p[18] = (iplen - 40) >> 8;
		p[19] = iplen - 40;
		p[20] = tcp ? 6 : 17;
	}
	p[k->start + 1] = 80;
	p[k->start + 3] = 81;
	if (tcp) {
		p[k->start + 12] = 5 << 4;
		p[k->start + 13] = 0x10;
	} else {
		p[k->start + 4] = (iplen - (k->start - 14)) >> 8;
		p[k->start + 5] = iplen - (k->start - 14);
	}
	return (len);
}

static struct sim_nethdr
segments_header(const struct kind *k)
{
	return ((struct sim_nethdr){ .nh_flags = 1, .nh_gso = k->type,
	    .nh_hdrlen = k->hdrlen, .nh_gsosize = 1400,
	    .nh_start = k->start, .nh_off = k->off });
}

static u_int
flags_received(u_int flags, u_int given)
{
	struct sim_nethdr nh = { .nh_flags = given, .nh_start = 34,
	    .nh_off = 16 };
	struct got *g;
	u_int got;

	frame(buf, 600, 1);
	assert_true(sim_net_receive(nt, 0, &nh, buf, 600));
	hosted_run(1000000);
	assert_non_null(g = next_got());
	assert_frame(g->g_data, 600, 1);
	got = g->g_ph.ph_flags & flags;
	host_free(g);
	return (got);
}

/* A packet whose port, and so its queue, is its own. */
static void
send_of_flow(u_int port, bool more)
{
	struct mbuf *m;

	(void)segments(buf, &kinds[0], 100);
	buf[34] = port >> 8;
	buf[35] = port;
	m = packet(buf, 154, ONE);
	m->m_pkthdr.ph_flags = PH_CSUM_PARTIAL;
	m->m_pkthdr.ph_csum_start = 34;
	m->m_pkthdr.ph_csum_off = 16;
	nif->if_ops->ifo_transmit(nif, m, more);
}

static void
start_pairs(uint64_t features, u_int n)
{
	struct sim_virtio_conf vc = conf(features);

	ncpus = n;
	vc.vc_nvec = 2 * n + 2;
	nt = sim_net_new(&vc, n);
	attach();
	assert_int_equal(try_up(), 0);
}

/* --- traffic at any moment ------------------------------------------------ */

static void	(*next_step)(void);

static void
feed_step(void)
{
	next_step();
	if (nt != NULL && sim_random(40) == 0)
		(void)sim_net_feed(nt);
}

static int
feed_idle(void)
{
	int any = sim_virtio_runall();
	u_int n = sim_random(20);

	while (nt != NULL && n-- > 0 && sim_net_feed(nt))
		any = 1;
	return (any);
}

static void
feeding(void)
{
	next_step = sim_step;
	hosted_step_fn = feed_step;
	hosted_device = feed_idle;
}

/* --- what is let in ------------------------------------------------------- */

static const uint8_t other[6] = { 2, 2, 2, 2, 2, 2 };
static const uint8_t group[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };

static void
rxfilter(u_int flags)
{
	nif->if_flags = (nif->if_flags & ~(IFF_PROMISC | IFF_ALLMULTI)) |
	    flags;
	nif->if_ops->ifo_rxfilter(nif);
	hosted_run(1000000);
}

static void
make_groups(u_int n)
{
	u_int i;

	for (i = 0; i < n; i++) {
		memcpy(groups[i], group, 6);
		groups[i][4] = i >> 8;
		groups[i][5] = i + 1;
	}
	ngroups = n;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif /* _SIM_VIONET_H_ */

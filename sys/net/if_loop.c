/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The loopback interface: what goes out comes in, in a soft interrupt of its
 * own, so that nobody receives with the mutex of the socket that sends.
 */

#include <sys/errno.h>
#include <sys/intr.h>
#include <sys/systm.h>

#include <net/if_var.h>

#define LOOP_MTU	65536
#define LOOP_QUEUE	1024

static struct ifnet	loop_if;
u_int			loop_ifidx;
static struct ifpoll	loop_poll;
static struct mutex	loop_mtx = MUTEX_INITIALIZER(IPL_NET);
static struct mbufq	loop_queue;			/* loop_mtx */

static int
loop_up(struct ifnet *ifp __unused)
{
	return (0);
}

static void
loop_down(struct ifnet *ifp __unused)
{
	struct mbuf *m;

	do {
		mtx_enter(&loop_mtx);
		m = mq_get(&loop_queue);
		mtx_leave(&loop_mtx);
		m_freem(m);
	} while (m != NULL);
}

static void
loop_transmit(struct ifnet *ifp, struct mbuf *m, bool more __unused)
{
	bool full;

	mtx_enter(&loop_mtx);
	if (!(full = loop_queue.mq_len >= LOOP_QUEUE)) {
		mq_put(&loop_queue, m);
		ifp->if_counters.ic_opackets++;
		ifp->if_counters.ic_obytes += m->m_pkthdr.ph_len;
	} else
		ifp->if_counters.ic_odrops++;
	mtx_leave(&loop_mtx);
	if (full)
		m_freem(m);
	else
		if_poll_schedule(&loop_poll);
}

static int
loop_output(struct ifnet *ifp, struct mbuf *m,
    const struct inaddr *hop __unused, bool more)
{
	return (if_transmit(ifp, m, more));
}

static u_int
loop_receive(void *arg, u_int budget)
{
	struct ifnet *ifp = arg;
	struct mbuf *m;
	uint8_t first;
	u_int n;

	for (n = 0; n < budget; n++) {
		mtx_enter(&loop_mtx);
		m = mq_get(&loop_queue);
		mtx_leave(&loop_mtx);
		if (m == NULL)
			break;
		ifp->if_counters.ic_ipackets++;
		ifp->if_counters.ic_ibytes += m->m_pkthdr.ph_len;
		m->m_pkthdr.ph_ifidx = ifp->if_index;
		m->m_pkthdr.ph_flags |= PH_LOOP;
		if (!m_copydata(m, 0, 1, &first))
			m_freem(m);
		else if (first >> 4 == 4)
			ip_input(ifp, m);
		else
			ip6_input(ifp, m);
	}
	return (n);
}

static const struct ifnet_ops loop_ops = {
	.ifo_up = loop_up,
	.ifo_down = loop_down,
	.ifo_transmit = loop_transmit,
};

void
loop_attach(void)
{
	struct ifaddr ifa = { .ifa_addr = in4_make(IN4(127, 0, 0, 1)),
	    .ifa_plen = 96 + 8, .ifa_preferred = INFSLP,
	    .ifa_valid = INFSLP };
	struct ifnet *ifp = &loop_if;

	mq_init(&loop_queue);
	strlcpy(ifp->if_xname, "lo0", sizeof(ifp->if_xname));
	ifp->if_ops = &loop_ops;
	ifp->if_type = ARPHRD_LOOPBACK;
	ifp->if_flags = IFF_LOOPBACK;
	ifp->if_output = loop_output;
	ifp->if_mtu = ifp->if_hardmtu = LOOP_MTU;
	ifp->if_capabilities = ifp->if_capenable = IFCAP_CSUM | IFCAP_RXCSUM |
	    IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_USO | IFCAP_TSO_ECN | IFCAP_LRO;
	ifp->if_tsomax = LOOP_MTU;
	ifp->if_tsosegs = 64;
	ifp->if_link = LINK_UP;
	if_poll_init(&loop_poll, loop_receive, ifp);
	if (if_attach(ifp) != 0)
		return;
	loop_ifidx = ifp->if_index;
	(void)if_setflags(ifp, IFF_UP);
	(void)ifa_add(ifp, &ifa);
	memset(&ifa.ifa_addr, 0, sizeof(ifa.ifa_addr));
	ifa.ifa_addr.ia_b[15] = 1;
	ifa.ifa_plen = 128;
	(void)ifa_add(ifp, &ifa);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Ethernet: frames in, frames out.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <net/if_var.h>

static const uint8_t	ether_broadcast[ETHER_ADDR_LEN] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

int
ether_ifattach(struct ifnet *ifp)
{
	ifp->if_type = ARPHRD_ETHER;
	ifp->if_flags = IFF_BROADCAST | IFF_MULTICAST;
	ifp->if_output = neigh_output;
	if (ifp->if_mtu == 0)
		ifp->if_mtu = ETHERMTU;
	return (if_attach(ifp));
}

void
ether_ifdetach(struct ifnet *ifp)
{
	if_detach(ifp);
}

int
ether_frame(struct ifnet *ifp, struct mbuf *m, const uint8_t *to,
    uint16_t type, bool more)
{
	struct ether_header eh;

	if ((m = m_prepend(m, ETHER_HDR_LEN)) == NULL)
		return (ENOBUFS);
	memcpy(eh.ether_dhost, to, ETHER_ADDR_LEN);
	memcpy(eh.ether_shost, ifp->if_lladdr, ETHER_ADDR_LEN);
	eh.ether_type = be16_make(type);
	memcpy(m->m_data, &eh, sizeof(eh));
	return (if_transmit(ifp, m, more));
}

static void
if_drop(struct ifnet *ifp, struct mbuf *m)
{
	ifp->if_counters.ic_idrops++;
	m_freem(m);
}

void
if_input(struct ifnet *ifp, struct mbuf *m)
{
	struct ether_header eh;
	struct pkthdr *ph;

	m->m_pkthdr.ph_ifidx = ifp->if_index;
	if (!(ifp->if_flags & IFF_UP) || !m_copydata(m, 0, sizeof(eh), &eh)) {
		if_drop(ifp, m);
		return;
	}
	if (__atomic_load_n(&packet_users, __ATOMIC_RELAXED) != 0)
		packet_tap(ifp, m, false);
	ph = &m->m_pkthdr;
	if (ETHER_IS_MULTICAST(eh.ether_dhost)) {
		ph->ph_flags |= memcmp(eh.ether_dhost, ether_broadcast,
		    ETHER_ADDR_LEN) == 0 ? PH_BCAST : PH_MCAST;
		ifp->if_counters.ic_imcasts++;
	} else if (memcmp(eh.ether_dhost, ifp->if_lladdr,
	    ETHER_ADDR_LEN) != 0) {
		if_drop(ifp, m);	/* promiscuous, and not for us */
		return;
	}
	m_adj(m, ETHER_HDR_LEN);
	switch (be16_get(eh.ether_type)) {
	case ETHERTYPE_IP:
		ip_input(ifp, m);
		break;
	case ETHERTYPE_IPV6:
		ip6_input(ifp, m);
		break;
	case ETHERTYPE_ARP:
		arp_input(ifp, m);
		break;
	default:
		if_drop(ifp, m);
	}
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * ARP (RFC 826), with the manners of RFC 5227: announcements, and a line where
 * somebody else has an address of ours.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <net/if_var.h>

struct arphdr {
	be16_w	ar_hrd;			/* 1: Ethernet */
	be16_w	ar_pro;			/* as the frame's type */
	uint8_t	ar_hln, ar_pln;
	be16_w	ar_op;
	uint8_t	ar_sha[ETHER_ADDR_LEN];
	uint8_t	ar_spa[4];
	uint8_t	ar_tha[ETHER_ADDR_LEN];
	uint8_t	ar_tpa[4];
};
_Static_assert(sizeof(struct arphdr) == 28, "on the wire");
#define ARPOP_REQUEST	1
#define ARPOP_REPLY	2

static uint64_t		arp_complained;		/* ratelimit() */

static void
arp_send(struct ifnet *ifp, u_int op, const uint8_t *to, const uint8_t *tha,
    uint32_t tpa, uint32_t spa)
{
	struct arphdr ar = { .ar_hrd = be16_make(1),
	    .ar_pro = be16_make(ETHERTYPE_IP), .ar_hln = ETHER_ADDR_LEN,
	    .ar_pln = 4, .ar_op = be16_make(op) };
	be32_w w;
	struct mbuf *m;

	if ((m = m_gethdr()) == NULL)
		return;
	memcpy(ar.ar_sha, ifp->if_lladdr, ETHER_ADDR_LEN);
	w = be32_make(spa);
	memcpy(ar.ar_spa, &w, 4);
	if (tha != NULL)
		memcpy(ar.ar_tha, tha, ETHER_ADDR_LEN);
	w = be32_make(tpa);
	memcpy(ar.ar_tpa, &w, 4);
	m->m_data -= sizeof(ar);
	m->m_len = m->m_pkthdr.ph_len = sizeof(ar);
	memcpy(m->m_data, &ar, sizeof(ar));
	(void)ether_frame(ifp, m, to, ETHERTYPE_ARP, false);
}

static const uint8_t	all[ETHER_ADDR_LEN] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void
arp_request(struct ifnet *ifp, const struct inaddr *target,
    const uint8_t *lladdr)
{
	struct inaddr src;

	if (ifa_source(ifp, target, &src) != 0)
		src = in4_make(0);
	arp_send(ifp, ARPOP_REQUEST, lladdr != NULL ? lladdr : all, NULL,
	    in4_get(target), in4_get(&src));
}

/* The nth address of IPv4; false: there are not so many. */
static bool
arp_address(struct ifnet *ifp, u_int nth, uint32_t *ap)
{
	struct ifaddr *ifa;
	bool found = false;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
		if (!in_is4(&ifa->ifa_addr) || nth-- != 0)
			continue;
		*ap = in4_get(&ifa->ifa_addr);
		found = true;
		break;
	}
	mtx_leave(&net_mtx);
	return (found);
}

void
arp_announce(struct ifnet *ifp)
{
	uint32_t a;
	u_int i;

	if (ifp->if_type != ARPHRD_ETHER)
		return;
	for (i = 0; arp_address(ifp, i, &a); i++) {
		if (a != 0)
			arp_send(ifp, ARPOP_REQUEST, all, NULL, a, a);
	}
}

static uint32_t
arp_addr(const uint8_t *p)
{
	be32_w w;

	memcpy(&w, p, 4);
	return (be32_get(w));
}

static void
arp_process(struct ifnet *ifp, const struct arphdr *ar)
{
	uint32_t spa = arp_addr(ar->ar_spa), tpa = arp_addr(ar->ar_tpa);
	struct inaddr sender = in4_make(spa), target = in4_make(tpa);
	bool forus = tpa != 0 && ifa_find(&target, ifp->if_index, NULL);
	u_int op = be16_get(ar->ar_op);

	if (ETHER_IS_MULTICAST(ar->ar_sha) || in_ismulticast(&sender) ||
	    spa == INADDR_BROADCAST ||
	    memcmp(ar->ar_sha, ifp->if_lladdr, ETHER_ADDR_LEN) == 0)
		return;
	if (spa != 0 && ifa_find(&sender, ifp->if_index, NULL)) {
		if (ratelimit(&arp_complained, 1, 1))
			printf("%s: %02x:%02x:%02x:%02x:%02x:%02x uses our "
			    "address %u.%u.%u.%u\n", ifp->if_xname,
			    ar->ar_sha[0], ar->ar_sha[1], ar->ar_sha[2],
			    ar->ar_sha[3], ar->ar_sha[4], ar->ar_sha[5],
			    spa >> 24, spa >> 16 & 0xff, spa >> 8 & 0xff,
			    spa & 0xff);
		/* and defend it, for the sake of the others */
		arp_send(ifp, ARPOP_REQUEST, all, NULL, spa, spa);
		return;
	}
	if (spa != 0)
		neigh_learn(ifp, &sender, ar->ar_sha, NL_OVERRIDE |
		    (forus && op == ARPOP_REPLY ? NL_SOLICITED : 0) |
		    (forus && op == ARPOP_REQUEST ? NL_CREATE : 0));
	if (forus && op == ARPOP_REQUEST)
		arp_send(ifp, ARPOP_REPLY, ar->ar_sha, ar->ar_sha, spa, tpa);
}

void
arp_input(struct ifnet *ifp, struct mbuf *m)
{
	struct arphdr ar;

	if (m_copydata(m, 0, sizeof(ar), &ar) && be16_get(ar.ar_hrd) == 1 &&
	    be16_get(ar.ar_pro) == ETHERTYPE_IP &&
	    ar.ar_hln == ETHER_ADDR_LEN && ar.ar_pln == 4)
		arp_process(ifp, &ar);
	else
		ifp->if_counters.ic_ierrors++;
	m_freem(m);
}

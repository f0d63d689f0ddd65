/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Neighbor Discovery (RFC 4861): questions and answers about link-layer
 * addresses.  Routers are in nd6_router.c, our addresses in in6.c.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet6/ip6.h>
#include <netinet6/ip6_var.h>
#include <netinet6/nd6.h>

struct nd_msg {				/* NS and NA */
	struct icmp6	nm_icmp;
	uint8_t		nm_target[16];
	uint8_t		nm_opt[2];	/* type, length in 8 bytes */
	uint8_t		nm_lladdr[ETHER_ADDR_LEN];
} __packed __aligned(2);
_Static_assert(sizeof(struct nd_msg) == 32, "on the wire");
#define ND_BARE		24		/* without the option */
#define NA_ROUTER	0x80000000U
#define NA_SOLICITED	0x40000000U
#define NA_OVERRIDE	0x20000000U

/* --- sending ------------------------------------------------------------------------ */

static void
nd_fill(struct nd_msg *nm, const struct ifnet *ifp, uint8_t type,
    const struct inaddr *target, uint32_t flags)
{
	memset(nm, 0, sizeof(*nm));
	nm->nm_icmp.icmp6_type = type;
	nm->nm_icmp.icmp6_data = be32_make(flags);
	memcpy(nm->nm_target, target, 16);
	nm->nm_opt[0] = type == ND_NEIGHBOR_SOLICIT ? ND_OPT_SOURCE_LLADDR :
	    ND_OPT_TARGET_LLADDR;
	nm->nm_opt[1] = 1;
	memcpy(nm->nm_lladdr, ifp->if_lladdr, ETHER_ADDR_LEN);
}

void
nd6_solicit(struct ifnet *ifp, const struct inaddr *target,
    const uint8_t *lladdr)
{
	struct inaddr group = in6_solicited(target), src;
	struct nd_msg nm;

	/* to an address on the link, from one */
	if (ifa_source(ifp, target, &src) != 0)
		return;
	nd_fill(&nm, ifp, ND_NEIGHBOR_SOLICIT, target, 0);
	/* the neighbour's own entry leads the unicast question there */
	icmp6_send(ifp, &src, lladdr != NULL ? target : &group, &nm,
	    sizeof(nm), 255, false);
}

void
nd6_dad_probe(struct ifnet *ifp, const struct inaddr *target)
{
	struct inaddr group = in6_solicited(target);
	struct nd_msg nm;

	nd_fill(&nm, ifp, ND_NEIGHBOR_SOLICIT, target, 0);
	icmp6_send(ifp, &in6_any, &group, &nm, ND_BARE, 255, false);
}

void
nd6_advertise(struct ifnet *ifp, const struct inaddr *target,
    const struct inaddr *to, bool solicited)
{
	struct nd_msg nm;

	nd_fill(&nm, ifp, ND_NEIGHBOR_ADVERT, target, NA_OVERRIDE |
	    (solicited ? NA_SOLICITED : 0));
	icmp6_send(ifp, target, to, &nm, sizeof(nm), 255, false);
}

/* --- options -------------------------------------------------------------------------- */

/*
 * The next one, from *offp on: where it is, its type and length.  false: no
 * more; *offp is the end of the packet then, or not if they are malformed
 * (4.6: such a packet is dropped).
 */
bool
nd6_option(const struct mbuf *m, uint32_t *offp, uint32_t *atp,
    uint8_t *type, uint32_t *len)
{
	uint8_t h[2];

	if (!m_copydata(m, *offp, 2, h) || h[1] == 0 ||
	    *offp + h[1] * 8U > m->m_pkthdr.ph_len)
		return (false);
	*atp = *offp;
	*type = h[0];
	*len = h[1] * 8U;
	*offp += *len;
	return (true);
}

/* false: malformed.  *found: there is a link-layer address. */
bool
nd6_lladdr(const struct mbuf *m, uint32_t off, uint8_t want, uint8_t *lladdr,
    bool *found)
{
	uint32_t at, len;
	uint8_t type;

	*found = false;
	while (nd6_option(m, &off, &at, &type, &len)) {
		if (type == want && len == 8 && !*found) {
			(void)m_copydata(m, at + 2, ETHER_ADDR_LEN, lladdr);
			*found = true;
		}
	}
	return (off == m->m_pkthdr.ph_len);
}

/* --- receiving -------------------------------------------------------------------------- */

/* 7.1.1 and 7.2.3, and RFC 4862, 5.4.3 */
static void
ns_input(struct ifnet *ifp, const struct mbuf *m, const struct ip_in *ii)
{
	bool dad = in_isany(&ii->ii_src), has;
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct inaddr target, group;
	struct ifaddr ifa;

	if (!m_copydata(m, 8, 16, &target) || in_ismulticast(&target) ||
	    !nd6_lladdr(m, ND_BARE, ND_OPT_SOURCE_LLADDR, lladdr, &has))
		return;
	group = in6_solicited(&target);
	if (dad && (has || !in_equal(&ii->ii_dst, &group)))
		return;
	if (!ifa_find(&target, ifp->if_index, &ifa))
		return;
	if (ifa.ifa_flags & (IFA_TENTATIVE | IFA_DUPLICATED)) {
		if (dad && (ifa.ifa_flags & IFA_TENTATIVE))
			nd6_dad_collided(ifp, &target);
		return;
	}
	if (has && !dad)
		neigh_learn(ifp, &ii->ii_src, lladdr, NL_CREATE |
		    NL_OVERRIDE);
	nd6_advertise(ifp, &target, dad ? &in6_allnodes : &ii->ii_src, !dad);
}

/* 7.1.2 and 7.2.5 */
static void
na_input(struct ifnet *ifp, const struct mbuf *m, const struct ip_in *ii)
{
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct icmp6 ic;
	struct inaddr target;
	struct ifaddr ifa;
	uint32_t flags;
	bool has;

	if (!m_copydata(m, 0, sizeof(ic), &ic) ||
	    !m_copydata(m, 8, 16, &target) || in_ismulticast(&target) ||
	    !nd6_lladdr(m, ND_BARE, ND_OPT_TARGET_LLADDR, lladdr, &has))
		return;
	flags = be32_get(ic.icmp6_data);
	if (ii->ii_mcast && (flags & NA_SOLICITED))
		return;
	if (ifa_find(&target, ifp->if_index, &ifa)) {
		if (ifa.ifa_flags & IFA_TENTATIVE)
			nd6_dad_collided(ifp, &target);
		else
			printf("%s: another machine has our IPv6 address\n",
			    ifp->if_xname);
		return;
	}
	neigh_learn(ifp, &target, has ? lladdr : NULL,
	    (flags & NA_SOLICITED ? NL_SOLICITED : 0) |
	    (flags & NA_OVERRIDE ? NL_OVERRIDE : 0) |
	    (flags & NA_ROUTER ? NL_ROUTER : NL_NOTROUTER));
}

void
nd6_input(struct ifnet *ifp, const struct mbuf *m, const struct ip_in *ii,
    uint8_t type)
{
	if (ifp->if_flags & IFF_LOOPBACK)
		return;
	switch (type) {
	case ND_NEIGHBOR_SOLICIT:
		ns_input(ifp, m, ii);
		break;
	case ND_NEIGHBOR_ADVERT:
		na_input(ifp, m, ii);
		break;
	case ND_ROUTER_ADVERT:
		nd6_ra_input(ifp, m, ii);
		break;
	default:
		break;		/* solicitations are routers'; redirects: no */
	}
}

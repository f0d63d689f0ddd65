/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Routers and what they say (RFC 4861, 6.3; RFC 4862, 5.5; RFC 8106).
 */

#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/systm.h>

#include <netinet6/ip6.h>
#include <netinet6/ip6_var.h>
#include <netinet6/nd6.h>

#define AUTOCONF_MAX	8		/* addresses of an interface */
#define ROUTERS_MAX	8
#define RTR_SOLICITATIONS	3	/* 10 */
#define RTR_DELAY	MSEC_TO_NSEC(100)
#define RTR_INTERVAL	SEC_TO_NSEC(4)
#define TWO_HOURS	SEC_TO_NSEC(7200)

struct nd_ra {				/* 4.2 */
	uint8_t		ra_type, ra_code;
	uint16_t	ra_cksum;
	uint8_t		ra_hlim, ra_flags;
	be16_w		ra_lifetime;
	be32_w		ra_reachable, ra_retrans;
} __packed __aligned(2);
_Static_assert(sizeof(struct nd_ra) == 16, "on the wire");

struct nd_prefix {			/* 4.6.2 */
	uint8_t		np_type, np_len, np_plen, np_flags;
	be32_w		np_valid, np_preferred, np_reserved;
	uint8_t		np_prefix[16];
} __packed __aligned(2);
_Static_assert(sizeof(struct nd_prefix) == 32, "on the wire");
#define NP_ONLINK	0x80
#define NP_AUTO		0x40

static uint64_t
lifetime(uint32_t sec, uint64_t now)
{
	return (sec == UINT32_MAX ? INFSLP : now + SEC_TO_NSEC(sec));
}

/* --- looking for them ------------------------------------------------------------------ */

void
nd6_solicit_routers(struct ifnet *ifp)
{
	uint64_t when;
	uint32_t r;

	/*
	 * Not all machines of a link at once (6.3.7), and not before the
	 * device lets the answer in, which it is told by a task.
	 */
	rnd_bytes(&r, sizeof(r));
	when = nsecuptime() + RTR_DELAY + r % RTR_DELAY;
	mtx_enter(&net_mtx);
	if (ifp->if_in6 != NULL) {
		ifp->if_in6->ii_rs_left = RTR_SOLICITATIONS;
		ifp->if_in6->ii_rs_next = when;
	}
	mtx_leave(&net_mtx);
	nd6_wake(when);
}

/* One that is due; the timer calls until there is none. */
static struct ifnet *
rs_due(uint64_t now, uint64_t *nextp)
{
	struct in6_ifinfo *ii;
	struct ifnet *ifp;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		ii = ifp->if_in6;
		if (ii == NULL || ii->ii_rs_left == 0 || !ii->ii_enabled)
			continue;
		if (ii->ii_rs_next <= now) {
			ii->ii_rs_left--;
			ii->ii_rs_next = now + RTR_INTERVAL;
			return (ifp);
		}
		*nextp = MIN(*nextp, ii->ii_rs_next);
	}
	return (NULL);
}

static void
rs_send(struct ifnet *ifp)
{
	struct {
		struct icmp6	icmp;
		uint8_t		opt[2], lladdr[ETHER_ADDR_LEN];
	} rs = { .icmp.icmp6_type = ND_ROUTER_SOLICIT,
	    .opt = { ND_OPT_SOURCE_LLADDR, 1 } };
	struct inaddr src;
	bool have = ifa_source(ifp, &in6_allrouters, &src) == 0;

	memcpy(rs.lladdr, ifp->if_lladdr, ETHER_ADDR_LEN);
	/* without an address of ours no link-layer address (4.1) */
	icmp6_send(ifp, have ? &src : &in6_any, &in6_allrouters, &rs,
	    have ? sizeof(rs) : sizeof(rs.icmp), 255, false);
}

/* --- what they say ------------------------------------------------------------------- */

static u_int
routers_count(void)
{
	struct route *r;
	u_int n = 0;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(r, &routes, r_entry)
		n += r->r_auto;
	mtx_leave(&net_mtx);
	return (n);
}

/* A route that an advertisement brings, renews, or ends (expire 0). */
static void
ra_route(struct ifnet *ifp, const struct inaddr *dst, u_int plen,
    const struct inaddr *gateway, uint64_t expire)
{
	struct route want = { .r_dst = *dst, .r_plen = plen,
	    .r_ifidx = ifp->if_index, .r_flags = RTF_UP, .r_metric = 1024,
	    .r_expire = expire, .r_auto = true }, *r;
	bool found = false;

	if (gateway != NULL) {
		want.r_gateway = *gateway;
		want.r_flags |= RTF_GATEWAY;
	}
	mtx_enter(&net_mtx);
	TAILQ_FOREACH(r, &routes, r_entry) {
		if (r->r_auto && r->r_plen == plen && r->r_ifidx ==
		    ifp->if_index && in_equal(&r->r_dst, dst) &&
		    in_equal(&r->r_gateway, &want.r_gateway)) {
			r->r_expire = expire;
			found = true;
		}
	}
	mtx_leave(&net_mtx);
	if (!found && expire != 0 && routers_count() < 2 * ROUTERS_MAX)
		(void)route_add(&want);
}

/* The address that we make of a prefix (RFC 4862, 5.5.3). */
static void
ra_address(struct ifnet *ifp, const struct nd_prefix *np, uint64_t now)
{
	uint64_t valid = lifetime(be32_get(np->np_valid), now);
	struct ifaddr ifa = { .ifa_plen = 64, .ifa_flags = IFA_AUTOCONF |
	    IFA_TENTATIVE, .ifa_valid = valid, .ifa_preferred =
	    lifetime(be32_get(np->np_preferred), now) }, *p;
	u_int n = 0;
	bool had = false;

	in6_eui64(ifp, &ifa.ifa_addr);
	memcpy(&ifa.ifa_addr, np->np_prefix, 8);
	mtx_enter(&net_mtx);
	TAILQ_FOREACH(p, &ifp->if_addrs, ifa_entry) {
		n += (p->ifa_flags & IFA_AUTOCONF) != 0;
		if (!in_equal(&p->ifa_addr, &ifa.ifa_addr))
			continue;
		had = true;
		if (!(p->ifa_flags & IFA_AUTOCONF))
			continue;
		p->ifa_preferred = ifa.ifa_preferred;
		/* nobody may take an address away at once (e) */
		if (valid > now + TWO_HOURS || valid >= p->ifa_valid)
			p->ifa_valid = valid;
		else if (p->ifa_valid > now + TWO_HOURS)
			p->ifa_valid = now + TWO_HOURS;
	}
	mtx_leave(&net_mtx);
	if (!had && n < AUTOCONF_MAX && be32_get(np->np_valid) != 0)
		(void)ifa_add(ifp, &ifa);
}

static void
ra_prefix(struct ifnet *ifp, const struct mbuf *m, uint32_t at, uint32_t len,
    uint64_t now)
{
	struct nd_prefix np;
	struct inaddr prefix = { .ia_q = { 0, 0 } };
	uint32_t valid;
	u_int i;

	if (len != sizeof(np) || !m_copydata(m, at, sizeof(np), &np) ||
	    np.np_plen > 128)
		return;
	memcpy(&prefix, np.np_prefix, 16);
	for (i = np.np_plen; i < 128; i++)
		prefix.ia_b[i / 8] &= ~(0x80 >> i % 8);
	valid = be32_get(np.np_valid);
	if (in6_islinklocal(&prefix) || in_ismulticast(&prefix) ||
	    be32_get(np.np_preferred) > valid)
		return;
	if ((np.np_flags & NP_ONLINK) && np.np_plen > 0)
		ra_route(ifp, &prefix, np.np_plen, NULL,
		    valid == 0 ? 0 : lifetime(valid, now));
	if ((np.np_flags & NP_AUTO) && np.np_plen == 64)
		ra_address(ifp, &np, now);
}

static void
ra_mtu(struct ifnet *ifp, const struct mbuf *m, uint32_t at)
{
	be32_w w;

	if (!m_copydata(m, at + 4, sizeof(w), &w) ||
	    be32_get(w) < IP6_MINMTU || be32_get(w) > ifp->if_mtu)
		return;
	mtx_enter(&net_mtx);
	if (ifp->if_in6 != NULL)
		ifp->if_in6->ii_mtu = be32_get(w);
	mtx_leave(&net_mtx);
	route_changed();
}

/* Servers of names, for resolv.conf: see sysctl net.inet6.rdnss. */
static void
ra_rdnss(struct ifnet *ifp, const struct mbuf *m, uint32_t at, uint32_t len,
    uint64_t now)
{
	struct in6_ifinfo *ii;
	struct inaddr a;
	uint32_t i, j;
	be32_w life;

	if (len < 24 || !m_copydata(m, at + 4, sizeof(life), &life))
		return;
	mtx_enter(&net_mtx);
	ii = ifp->if_in6;
	for (i = 8; ii != NULL && i + 16 <= len; i += 16) {
		(void)m_copydata(m, at + i, 16, &a);
		for (j = 0; j < RDNSS_MAX - 1; j++) {
			if (in_equal(&ii->ii_rdnss[j], &a) ||
			    ii->ii_rdnss_expire[j] <= now)
				break;
		}
		ii->ii_rdnss[j] = a;
		ii->ii_rdnss_expire[j] = be32_get(life) == 0 ? 0 :
		    lifetime(be32_get(life), now);
	}
	mtx_leave(&net_mtx);
}

static void
ra_options(struct ifnet *ifp, const struct mbuf *m, uint64_t now)
{
	uint32_t off = sizeof(struct nd_ra), at, len;
	uint8_t type;

	while (nd6_option(m, &off, &at, &type, &len)) {
		switch (type) {
		case ND_OPT_PREFIX:
			ra_prefix(ifp, m, at, len, now);
			break;
		case ND_OPT_MTU:
			if (len == 8)
				ra_mtu(ifp, m, at);
			break;
		case ND_OPT_RDNSS:
			ra_rdnss(ifp, m, at, len, now);
			break;
		}
	}
}

void
nd6_ra_input(struct ifnet *ifp, const struct mbuf *m, const struct ip_in *ii)
{
	uint64_t now = nsecuptime();
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct nd_ra ra;
	u_int life;
	bool has;

	/* 6.1.2 */
	if (!in6_islinklocal(&ii->ii_src) ||
	    !m_copydata(m, 0, sizeof(ra), &ra) ||
	    !nd6_lladdr(m, sizeof(ra), ND_OPT_SOURCE_LLADDR, lladdr, &has))
		return;
	if (has)
		neigh_learn(ifp, &ii->ii_src, lladdr, NL_CREATE |
		    NL_OVERRIDE | NL_ROUTER);
	mtx_enter(&net_mtx);
	if (ifp->if_in6 != NULL) {
		if (ra.ra_hlim != 0)
			ifp->if_in6->ii_hlim = ra.ra_hlim;
		ifp->if_in6->ii_rs_left = 0;
	}
	mtx_leave(&net_mtx);
	life = be16_get(ra.ra_lifetime);
	ra_route(ifp, &in6_any, 0, &ii->ii_src,
	    life == 0 ? 0 : lifetime(life, now));
	ra_options(ifp, m, now);
	nd6_wake(now);
}

/* --- time -------------------------------------------------------------------------------- */

static bool
route_expired(uint64_t now, uint64_t *nextp, struct route *copy)
{
	struct route *r;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(r, &routes, r_entry) {
		if (r->r_expire == INFSLP)
			continue;
		if (r->r_expire <= now)
			break;
		*nextp = MIN(*nextp, r->r_expire);
	}
	if (r != NULL)
		*copy = *r;
	mtx_leave(&net_mtx);
	return (r != NULL);
}

void
nd6_router_expire(uint64_t now, uint64_t *nextp)
{
	struct ifnet *ifp;
	struct route r;
	u_int ifidx;

	for (;;) {
		mtx_enter(&net_mtx);
		ifp = rs_due(now, nextp);
		ifidx = ifp == NULL ? 0 : ifp->if_index;
		mtx_leave(&net_mtx);
		if ((ifp = if_get(ifidx)) == NULL)
			break;
		rs_send(ifp);
		if_put(ifp);
	}
	while (route_expired(now, nextp, &r))
		(void)route_del(&r);
}

void
nd6_router_purge(u_int ifidx)
{
	struct route *r, copy;

	do {
		mtx_enter(&net_mtx);
		TAILQ_FOREACH(r, &routes, r_entry) {
			if (r->r_auto && r->r_ifidx == ifidx)
				break;
		}
		if (r != NULL)
			copy = *r;
		mtx_leave(&net_mtx);
	} while (r != NULL && route_del(&copy) == 0);
}

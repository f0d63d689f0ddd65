/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * ICMPv6 (RFC 4443): echo, and errors both ways.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet/ip.h>
#include <netinet6/ip6.h>
#include <netinet6/ip6_var.h>

static uint64_t	icmp6_errors;		/* ratelimit() (2.4 f) */

/* --- sending ---------------------------------------------------------------------- */

/* Takes the message over. */
static void
icmp6_output(struct ifnet *ifp, const struct inaddr *src,
    const struct inaddr *dst, struct mbuf *m, uint8_t hlim, bool alert)
{
	struct ip_route ir = { .ir_gen = 0 };
	struct ip_out io = { .io_src = src, .io_dst = dst, .io_route = &ir,
	    .io_ifidx = in6_isscoped(dst) ? ifp->if_index : 0,
	    .io_proto = IPPROTO_ICMPV6, .io_ttl = hlim, .io_alert = alert };
	uint32_t len = m->m_pkthdr.ph_len;
	uint16_t sum = 0;

	if (ip_route_get(&ir, dst, src, io.io_ifidx) != 0) {
		m_freem(m);
		return;
	}
	/* DAD asks from nowhere: the route must not choose for it */
	if (src != NULL)
		ir.ir_src = *src;
	(void)m_copyback(m, 2, 2, &sum);
	sum = ~cksum_fold(m_cksum(m, 0, len, ip_pseudo(&ir.ir_src, dst,
	    IPPROTO_ICMPV6, len)));
	(void)m_copyback(m, 2, 2, &sum);
	(void)ip_send_on(m, &io, &ir);
}

void
icmp6_send(struct ifnet *ifp, const struct inaddr *src,
    const struct inaddr *dst, void *data, size_t len, uint8_t hlim,
    bool alert)
{
	struct mbuf *m;

	if ((m = m_getcl(MCLBYTES, true)) == NULL)
		return;
	m->m_data += MAX_HDR;
	KASSERT(len <= MCLBYTES - MAX_HDR);
	memcpy(m->m_data, data, len);
	m->m_len = m->m_pkthdr.ph_len = len;
	icmp6_output(ifp, src, dst, m, hlim, alert);
}

void
icmp6_unreachable(struct mbuf *m, const struct ip_in *ii,
    enum ip_unreach why)
{
	uint8_t buf[IP6_MINMTU - sizeof(struct ip6)];
	struct icmp6 ic = { .icmp6_type = ICMP6_UNREACH,
	    .icmp6_code = ICMP6_UNREACH_PORT };
	uint32_t n = sizeof(buf) - sizeof(ic) - ii->ii_hdrlen;
	struct ifnet *ifp = NULL;

	if (why == UNREACH_PROTO) {
		ic.icmp6_type = ICMP6_PARAMPROB;
		ic.icmp6_code = ICMP6_PARAMPROB_NEXT;
		/* right where no extension is; else only near it */
		ic.icmp6_data = be32_make(offsetof(struct ip6, ip6_nxt));
	}
	/* 2.4 (e) */
	if (!ii->ii_mcast && !in_isany(&ii->ii_src) &&
	    !(m->m_pkthdr.ph_flags & (PH_MCAST | PH_BCAST)) &&
	    ii->ii_hdrlen != 0 && m_before(m) >= ii->ii_hdrlen &&
	    ratelimit(&icmp6_errors, 50, 100) &&
	    (ifp = if_get(ii->ii_ifidx)) != NULL) {
		n = MIN(n, m->m_pkthdr.ph_len);
		memcpy(buf, &ic, sizeof(ic));
		memcpy(buf + sizeof(ic), m->m_data - ii->ii_hdrlen,
		    ii->ii_hdrlen);
		(void)m_copydata(m, 0, n, buf + sizeof(ic) + ii->ii_hdrlen);
		icmp6_send(ifp, &ii->ii_dst, &ii->ii_src, buf, sizeof(ic) +
		    ii->ii_hdrlen + n, 0, false);
	}
	if_put(ifp);
	m_freem(m);
}

/* --- receiving ----------------------------------------------------------------------- */

static void
icmp6_echo(struct mbuf *m, const struct ip_in *ii)
{
	struct ifnet *ifp;

	if (in_isany(&ii->ii_src) ||
	    (m = m_pullup(m, sizeof(struct icmp6), true)) == NULL) {
		m_freem(m);
		return;
	}
	m->m_pkthdr = (struct pkthdr){ .ph_len = m->m_pkthdr.ph_len };
	m->m_data[0] = ICMP6_ECHO_REPLY;
	if ((ifp = if_get(ii->ii_ifidx)) == NULL) {
		m_freem(m);
		return;
	}
	/* to a group too, from an address of ours (4.2) */
	icmp6_output(ifp, ii->ii_mcast ? NULL : &ii->ii_dst, &ii->ii_src, m,
	    0, false);
	if_put(ifp);
}

static bool
icmp6_meaning(const struct icmp6 *ic, int *error, bool *hard)
{
	static const int unreach[] = { ENETUNREACH, EACCES, EHOSTUNREACH,
	    EHOSTUNREACH, ECONNREFUSED, EACCES, EACCES };

	*hard = false;
	switch (ic->icmp6_type) {
	case ICMP6_UNREACH:
		if (ic->icmp6_code >= nitems(unreach))
			return (false);
		*error = unreach[ic->icmp6_code];
		*hard = ic->icmp6_code == ICMP6_UNREACH_PORT;
		return (true);
	case ICMP6_TOO_BIG:
		*error = EMSGSIZE;
		return (true);
	case ICMP6_TIMXCEED:
		*error = EHOSTUNREACH;
		return (ic->icmp6_code == 0);
	case ICMP6_PARAMPROB:
		*error = EPROTO;
		*hard = ic->icmp6_code == ICMP6_PARAMPROB_NEXT;
		return (true);
	default:
		return (false);
	}
}

/* The transport's header in the packet that an error quotes. */
static bool
icmp6_quoted(const struct mbuf *m, struct ip6 *ip6, uint8_t *proto,
    uint8_t *hdr)
{
	uint32_t off = sizeof(struct icmp6) + sizeof(*ip6);
	uint8_t ext[8];
	u_int n;

	if (!m_copydata(m, sizeof(struct icmp6), sizeof(*ip6), ip6) ||
	    be32_get(ip6->ip6_flow) >> 28 != 6)
		return (false);
	*proto = ip6->ip6_nxt;
	for (n = 0; n < 8; n++) {
		if (*proto != IPPROTO_HOPOPTS && *proto != IPPROTO_ROUTING &&
		    *proto != IPPROTO_DSTOPTS && *proto != IPPROTO_FRAGMENT)
			return (m_copydata(m, off, 8, hdr));
		if (!m_copydata(m, off, sizeof(ext), ext) ||
		    (*proto == IPPROTO_FRAGMENT &&
		    (ext[2] != 0 || (ext[3] & ~7) != 0)))
			return (false);
		off += *proto == IPPROTO_FRAGMENT ? 8 : (ext[1] + 1) * 8;
		*proto = ext[0];
	}
	return (false);
}

static void
icmp6_error(const struct mbuf *m, const struct icmp6 *ic)
{
	uint8_t hdr[8], proto;
	struct inaddr src, dst;
	struct ip6 ip6;
	int error;
	bool hard;

	if (!icmp6_meaning(ic, &error, &hard) ||
	    !icmp6_quoted(m, &ip6, &proto, hdr))
		return;
	memcpy(&src, ip6.ip6_src, 16);
	memcpy(&dst, ip6.ip6_dst, 16);
	if (!ip_islocal(&src, 0))
		return;
	/* no link has less than the smallest (RFC 8201, 4) */
	ip_ctlerror(proto, error, MAX(be32_get(ic->icmp6_data), IP6_MINMTU),
	    hard, &src, &dst, hdr);
}

static void
icmp6_dispatch(struct ifnet *ifp, struct mbuf *m, const struct ip_in *ii,
    const struct icmp6 *ic)
{
	if (ic->icmp6_type < 128)
		icmp6_error(m, ic);
	else if (ic->icmp6_type == MLD_QUERY)
		mld_input(m, ii);
	else if (ic->icmp6_type >= ND_ROUTER_SOLICIT &&
	    ic->icmp6_type <= ND_REDIRECT && ii->ii_ttl == 255 &&
	    ic->icmp6_code == 0)
		nd6_input(ifp, m, ii, ic->icmp6_type);
}

void
icmp6_input(struct mbuf *m, const struct ip_in *ii)
{
	uint32_t len = m->m_pkthdr.ph_len;
	struct ifnet *ifp;
	struct icmp6 ic;

	if (!m_copydata(m, 0, sizeof(ic), &ic) ||
	    (!(m->m_pkthdr.ph_flags & PH_LOOP) && cksum_fold(m_cksum(m, 0,
	    len, ip_pseudo(&ii->ii_src, &ii->ii_dst, IPPROTO_ICMPV6,
	    len))) != 0xffff)) {
		m_freem(m);
		return;
	}
	(void)rip_input(m, ii);
	if (ic.icmp6_type == ICMP6_ECHO_REQUEST) {
		icmp6_echo(m, ii);
		return;
	}
	if ((ifp = if_get(ii->ii_ifidx)) != NULL) {
		icmp6_dispatch(ifp, m, ii, &ic);
		if_put(ifp);
	}
	m_freem(m);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * IPv6 (RFC 8200): what comes in.
 */

#include <sys/errno.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <netinet/ip.h>
#include <netinet/ip_frag.h>
#include <netinet6/ip6.h>
#include <netinet6/ip6_var.h>

#define EXTS_MAX	8		/* headers of extensions in a packet */
#define EXT_BYTES_MAX	512		/* of them in all */

static struct {
	uint64_t	total, badhdr, notours, badext, delivered;
} ip6stat;

static int
ip6_stats(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "received %llu, bad header %llu, "
	    "not ours %llu, bad extension %llu, delivered %llu",
	    (unsigned long long)ip6stat.total,
	    (unsigned long long)ip6stat.badhdr,
	    (unsigned long long)ip6stat.notours,
	    (unsigned long long)ip6stat.badext,
	    (unsigned long long)ip6stat.delivered));
}

static struct sysctl_oid ip6_oid = {
	.so_name = "net.inet6.ip6.stats", .so_read = ip6_stats,
};

void
ip6_init(void)
{
	nd6_init();
	mld_init();
	(void)sysctl_register(&ip6_oid);
}

/* Where the packet is, and what it is, as the headers are gone through. */
struct ip6_walk {
	struct mbuf	*w_m;		/* at the fixed header */
	uint32_t	 w_off;		/* of the next header */
	uint32_t	 w_nxtoff;	/* of the field that named it */
	uint8_t		 w_nxt;
	bool		 w_joined;	/* was in fragments */
};

static bool
ip6_forus(struct ifnet *ifp, struct ip_in *ii)
{
	struct ifaddr ifa;

	ii->ii_mcast = in_ismulticast(&ii->ii_dst);
	if (ii->ii_mcast)
		return (in_group_member(ifp, &ii->ii_dst));
	if (in_isloopback(&ii->ii_dst))
		return ((ifp->if_flags & IFF_LOOPBACK) != 0);
	/* a link-local address is that link's; others any interface's */
	if (!ifa_find(&ii->ii_dst, in6_islinklocal(&ii->ii_dst) &&
	    !(ifp->if_flags & IFF_LOOPBACK) ? ifp->if_index : 0, &ifa))
		return (false);
	return (!(ifa.ifa_flags & (IFA_TENTATIVE | IFA_DUPLICATED)));
}

static void
ip6_paramprob(struct ip6_walk *w, const struct ip_in *ii, uint8_t code,
    uint32_t pointer)
{
	uint8_t buf[8 + 576];
	struct icmp6 ic = { .icmp6_type = ICMP6_PARAMPROB,
	    .icmp6_code = code, .icmp6_data = be32_make(pointer) };
	uint32_t n = MIN(w->w_m->m_pkthdr.ph_len, sizeof(buf) - sizeof(ic));
	struct ifnet *ifp;

	if (ii->ii_mcast || in_isany(&ii->ii_src) ||
	    in_ismulticast(&ii->ii_src) || w->w_joined ||
	    (ifp = if_get(ii->ii_ifidx)) == NULL)
		return;
	memcpy(buf, &ic, sizeof(ic));
	(void)m_copydata(w->w_m, 0, n, buf + sizeof(ic));
	icmp6_send(ifp, &ii->ii_dst, &ii->ii_src, buf, sizeof(ic) + n, 0,
	    false);
	if_put(ifp);
}

/* Options that we do not know say themselves what is to be done (4.2). */
static bool
ip6_options(struct ip6_walk *w, const struct ip_in *ii, uint32_t len)
{
	uint32_t off = w->w_off + 2, end = w->w_off + len;
	uint8_t opt[2];

	while (off < end) {
		if (!m_copydata(w->w_m, off, 1, opt))
			return (false);
		if (opt[0] == 0) {		/* Pad1 */
			off++;
			continue;
		}
		if (off + 2 > end || !m_copydata(w->w_m, off, 2, opt) ||
		    off + 2 + opt[1] > end)
			return (false);
		if (opt[0] != 1 && opt[0] != 5 && opt[0] >> 6 != 0) {
			if (opt[0] >> 6 == 2 || opt[0] >> 6 == 3)
				ip6_paramprob(w, ii, 2, off);
			return (false);
		}
		off += 2 + opt[1];
	}
	return (true);
}

/* What remains of the packet goes among its like; NULL: wait for others. */
static bool
ip6_fragment(struct ip6_walk *w, struct ip_in *ii)
{
	uint32_t off = w->w_off;
	struct frag_info info = { .fi_tos = ii->ii_tos };
	struct frag_key key;
	struct ip6_frag fh;
	struct mbuf *m;
	u_int fo;

	if (w->w_joined || w->w_m->m_pkthdr.ph_gso != GSO_NONE ||
	    !m_copydata(w->w_m, off, sizeof(fh), &fh)) {
		m_freem(w->w_m);
		w->w_m = NULL;
		return (false);
	}
	memset(&key, 0, sizeof(key));
	key.fk_src = ii->ii_src;
	key.fk_dst = ii->ii_dst;
	key.fk_id = be32_get(fh.ip6f_id);
	key.fk_ifidx = in6_isscoped(&ii->ii_src) ? ii->ii_ifidx : 0;
	fo = be16_get(fh.ip6f_off);
	info.fi_next = fh.ip6f_nxt;
	m = w->w_m;
	m_adj(m, off + sizeof(fh));
	/* the whole in one: no others may touch it (RFC 6946) */
	if ((fo & ~6U) != 0) {
		m = frag_input(&key, m, fo & ~7U, (fo & IP6F_MORE) != 0,
		    off - sizeof(struct ip6), &info);
	}
	w->w_m = m;
	if (m == NULL)
		return (false);
	w->w_joined = true;
	w->w_nxt = info.fi_next;
	w->w_off = 0;
	ii->ii_tos = info.fi_tos;
	return (true);
}

/* One header of an extension.  false: the packet is done with. */
static bool
ip6_extension(struct ip6_walk *w, struct ip_in *ii)
{
	uint32_t len;
	uint8_t h[4];

	if (w->w_nxt == IPPROTO_FRAGMENT)
		return (ip6_fragment(w, ii));
	if (!m_copydata(w->w_m, w->w_off, sizeof(h), h))
		return (false);
	len = (h[1] + 1) * 8;
	if (len > w->w_m->m_pkthdr.ph_len - w->w_off)
		return (false);
	if (w->w_nxt == IPPROTO_ROUTING) {
		/* we are no router: what is not at its end is not for us */
		if (h[3] != 0) {
			ip6_paramprob(w, ii, 0, w->w_off + 2);
			return (false);
		}
	} else if (!ip6_options(w, ii, len))
		return (false);
	w->w_nxtoff = w->w_off;
	w->w_nxt = h[0];
	w->w_off += len;
	return (true);
}

static bool
ip6_isext(const struct ip6_walk *w)
{
	switch (w->w_nxt) {
	case IPPROTO_HOPOPTS:		/* first, or nowhere (4.1) */
		return (w->w_off == sizeof(struct ip6) && !w->w_joined);
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_DSTOPTS:
		return (true);
	default:
		return (false);
	}
}

/* All headers up to the transport's.  false: dropped. */
static bool
ip6_walk(struct ip6_walk *w, struct ip_in *ii)
{
	u_int n;

	for (n = 0; ip6_isext(w); n++) {
		if (n >= EXTS_MAX || w->w_off > EXT_BYTES_MAX ||
		    !ip6_extension(w, ii)) {
			ip6stat.badext += w->w_m != NULL;
			m_freem(w->w_m);
			return (false);
		}
	}
	return (true);
}

static void
ip6_finish(struct ip6_walk *w, struct ip_in *ii)
{
	struct mbuf *m;

	ii->ii_proto = w->w_nxt;
	ii->ii_hdrlen = w->w_joined || w->w_off > 255 ? 0 : w->w_off;
	/* an error quotes it: all of it in one piece, before the data */
	if ((m = m_pullup(w->w_m, w->w_off, false)) == NULL)
		return;
	m_adj(m, w->w_off);
	ip6stat.delivered++;
	if (ii->ii_proto == IPPROTO_ICMPV6)
		icmp6_input(m, ii);
	else if (ii->ii_proto == IPPROTO_NONE)
		m_freem(m);
	else
		ip_deliver(m, ii);
}

static bool
ip6_check(struct mbuf *m, struct ip6 *ip6)
{
	return (m_copydata(m, 0, sizeof(*ip6), ip6) &&
	    be32_get(ip6->ip6_flow) >> 28 == 6 &&
	    be16_get(ip6->ip6_plen) != 0 && be16_get(ip6->ip6_plen) <=
	    m->m_pkthdr.ph_len - sizeof(*ip6));
}

/* Addresses that cannot be on a wire. */
static bool
ip6_badaddr(const struct ip_in *ii, uint16_t flags)
{
	if (in_ismulticast(&ii->ii_src) || in_isany(&ii->ii_dst) ||
	    in_is4(&ii->ii_src) || in_is4(&ii->ii_dst))
		return (true);
	return (!(flags & PH_LOOP) && (in_isloopback(&ii->ii_src) ||
	    in_isloopback(&ii->ii_dst) || (in_ismulticast(&ii->ii_dst) &&
	    (ii->ii_dst.ia_b[1] & 15) < 2)));
}

void
ip6_input(struct ifnet *ifp, struct mbuf *m)
{
	struct ip_in ii = { .ii_ifidx = ifp->if_index };
	struct ip6_walk w;
	struct ip6 ip6;
	uint32_t len;

	ip6stat.total++;
	if (!ip6_check(m, &ip6)) {
		ip6stat.badhdr++;
		m_freem(m);
		return;
	}
	len = sizeof(ip6) + be16_get(ip6.ip6_plen);
	if (m->m_pkthdr.ph_len > len)
		m_adj(m, -(int)(m->m_pkthdr.ph_len - len));
	memcpy(&ii.ii_src, ip6.ip6_src, 16);
	memcpy(&ii.ii_dst, ip6.ip6_dst, 16);
	ii.ii_ttl = ip6.ip6_hlim;
	ii.ii_tos = be32_get(ip6.ip6_flow) >> 20;
	if (ip6_badaddr(&ii, m->m_pkthdr.ph_flags) || !ip6_forus(ifp, &ii)) {
		ip6stat.notours++;
		m_freem(m);
		return;
	}
	w = (struct ip6_walk){ .w_m = m, .w_off = sizeof(ip6),
	    .w_nxtoff = offsetof(struct ip6, ip6_nxt), .w_nxt = ip6.ip6_nxt };
	if (ip6_walk(&w, &ii))
		ip6_finish(&w, &ii);
}

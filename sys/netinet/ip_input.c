/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * IPv4: what comes in.
 */

#include <sys/errno.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/ip.h>
#include <netinet/ip_frag.h>
#include <netinet/ip_icmp.h>

static struct {
	uint64_t	total, badsum, badhdr, notours, noproto, delivered;
} ipstat;

static int
ip_stats(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "received %llu, bad checksum %llu, "
	    "bad header %llu, not ours %llu, no protocol %llu, "
	    "delivered %llu", (unsigned long long)ipstat.total,
	    (unsigned long long)ipstat.badsum,
	    (unsigned long long)ipstat.badhdr,
	    (unsigned long long)ipstat.notours,
	    (unsigned long long)ipstat.noproto,
	    (unsigned long long)ipstat.delivered));
}

static struct sysctl_oid ip_oid = {
	.so_name = "net.inet.ip.stats", .so_read = ip_stats,
};

void
ip_init(void)
{
	frag_init();
	igmp_init();
	(void)sysctl_register(&ip_oid);
}

/* --- for the transports of both ------------------------------------------------ */

uint64_t
ip_pseudo(const struct inaddr *src, const struct inaddr *dst, uint8_t proto,
    uint32_t len)
{
	struct {
		be32_w	len, proto;
	} end = { be32_make(len), be32_make(proto) };
	uint64_t sum;

	if (in_is4(src) && in_is4(dst)) {
		sum = cksum_add(0, &src->ia_b[12], 4);
		sum = cksum_add(sum, &dst->ia_b[12], 4);
	} else {
		sum = cksum_add(0, src, 16);
		sum = cksum_add(sum, dst, 16);
	}
	return (cksum_add(sum, &end, sizeof(end)));
}

bool
ip_cksum_ok(struct mbuf *m, const struct ip_in *ii)
{
	uint32_t len = m->m_pkthdr.ph_len;

	if (m->m_pkthdr.ph_flags & (PH_CSUM_GOOD | PH_CSUM_PARTIAL))
		return (true);
	return (cksum_fold(m_cksum(m, 0, len, ip_pseudo(&ii->ii_src,
	    &ii->ii_dst, ii->ii_proto, len))) == 0xffff);
}

void
ip_deliver(struct mbuf *m, const struct ip_in *ii)
{
	bool raw = rip_input(m, ii);

	ipstat.delivered++;
	switch (ii->ii_proto) {
	case IPPROTO_TCP:
		tcp_transport.it_input(m, ii);
		break;
	case IPPROTO_UDP:
		udp_transport.it_input(m, ii);
		break;
	case IPPROTO_IGMP:
		igmp_input(m, ii);
		break;
	case IPPROTO_ICMP:
		if (in_is4(&ii->ii_dst)) {
			icmp_input(m, ii);
			break;
		}
		/* FALLTHROUGH */
	default:
		ipstat.noproto++;
		if (raw)
			m_freem(m);
		else
			ip_unreachable(m, ii, UNREACH_PROTO);
	}
}

void
ip_ctlerror(uint8_t proto, int error, u_int mtu, bool hard,
    const struct inaddr *src, const struct inaddr *dst, const uint8_t hdr[8])
{
	if (error == EMSGSIZE)
		pmtu_set(dst, mtu);
	if (proto == IPPROTO_TCP)
		tcp_transport.it_error(error, mtu, hard, src, dst, hdr);
	else if (proto == IPPROTO_UDP)
		udp_transport.it_error(error, mtu, hard, src, dst, hdr);
}

void
ip_unreachable(struct mbuf *m, const struct ip_in *ii, enum ip_unreach why)
{
	if (in_is4(&ii->ii_dst))
		icmp_unreachable(m, ii, why);
	else
		icmp6_unreachable(m, ii, why);
}

/* --- a packet --------------------------------------------------------------------- */

/* Whether the destination means us, on that interface. */
static bool
ip_forus(struct ifnet *ifp, struct ip_in *ii, uint16_t flags)
{
	uint32_t dst = in4_get(&ii->ii_dst);
	struct ifaddr *ifa;
	bool ours = false, any = false;

	ii->ii_mcast = true;
	if (dst == INADDR_BROADCAST)
		return (true);
	if (in_ismulticast(&ii->ii_dst))
		return (in_group_member(ifp, &ii->ii_dst));
	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
		if (!in_is4(&ifa->ifa_addr))
			continue;
		any = true;
		if (in_equal(&ifa->ifa_addr, &ii->ii_dst)) {
			ours = true;
			ii->ii_mcast = false;
		} else if (in_equal(&ifa->ifa_bcast, &ii->ii_dst))
			ours = true;
	}
	mtx_leave(&net_mtx);
	if (ours)
		return (true);
	/* another interface's address (weak host, RFC 1122, 3.3.4.2) */
	ii->ii_mcast = false;
	if (dst >> 24 == 127)
		return ((flags & PH_LOOP) != 0);
	/* an answer of DHCP may come to the address that we shall have */
	return (ip_islocal(&ii->ii_dst, 0) || (!any &&
	    ii->ii_proto == IPPROTO_UDP && !(ifp->if_flags & IFF_LOOPBACK)));
}

/* Sources that nobody can have (RFC 1122, 3.2.1.3). */
static bool
ip_badsrc(const struct inaddr *src, uint16_t flags)
{
	return (in_ismulticast(src) || in4_get(src) == INADDR_BROADCAST ||
	    (in4_get(src) >> 24 == 127 && !(flags & PH_LOOP)));
}

/* The header, checked; its length, or 0. */
static u_int
ip_check(struct mbuf *m, struct ip *ip)
{
	u_int hlen, len;

	if (!m_copydata(m, 0, sizeof(*ip), ip) || ip->ip_vhl >> 4 != 4)
		return (0);
	hlen = (ip->ip_vhl & 15) * 4;
	len = be16_get(ip->ip_len);
	if (hlen < sizeof(*ip) || len < hlen || len > m->m_pkthdr.ph_len)
		return (0);
	return (hlen);
}

static struct mbuf *
ip_reassemble(struct mbuf *m, const struct ip *ip, struct ip_in *ii,
    u_int hlen)
{
	struct frag_key key;
	struct frag_info info = { .fi_tos = ip->ip_tos };
	u_int off = be16_get(ip->ip_off);

	memset(&key, 0, sizeof(key));
	key.fk_src = ii->ii_src;
	key.fk_dst = ii->ii_dst;
	key.fk_id = be16_get(ip->ip_id);
	key.fk_proto = ip->ip_p;
	if (m->m_pkthdr.ph_gso != GSO_NONE) {
		m_freem(m);		/* nobody puts fragments together so */
		return (NULL);
	}
	m = frag_input(&key, m, (off & IP_OFFMASK) * 8, (off & IP_MF) != 0,
	    hlen, &info);
	ii->ii_tos = info.fi_tos;
	ii->ii_hdrlen = 0;		/* there is no such packet */
	return (m);
}

void
ip_input(struct ifnet *ifp, struct mbuf *m)
{
	struct ip_in ii = { .ii_ifidx = ifp->if_index };
	u_int hlen, len;
	struct ip ip;

	ipstat.total++;
	if ((hlen = ip_check(m, &ip)) == 0 ||
	    (m = m_pullup(m, hlen, false)) == NULL) {
		ipstat.badhdr++;
		m_freem(m);
		return;
	}
	/* what never was on a wire need not have a sum */
	if (!(m->m_pkthdr.ph_flags & PH_LOOP) &&
	    cksum_fold(cksum_add(0, m->m_data, hlen)) != 0xffff) {
		ipstat.badsum++;
		m_freem(m);
		return;
	}
	len = be16_get(ip.ip_len);
	if (m->m_pkthdr.ph_len > len)
		m_adj(m, -(int)(m->m_pkthdr.ph_len - len));
	ii.ii_src = in4_make(be32_get(ip.ip_src));
	ii.ii_dst = in4_make(be32_get(ip.ip_dst));
	ii.ii_proto = ip.ip_p;
	ii.ii_ttl = ip.ip_ttl;
	ii.ii_tos = ip.ip_tos;
	ii.ii_hdrlen = hlen;
	if (ip_badsrc(&ii.ii_src, m->m_pkthdr.ph_flags) ||
	    !ip_forus(ifp, &ii, m->m_pkthdr.ph_flags)) {
		ipstat.notours++;
		m_freem(m);
		return;
	}
	m_adj(m, hlen);
	if ((be16_get(ip.ip_off) & (IP_MF | IP_OFFMASK)) != 0 &&
	    (m = ip_reassemble(m, &ip, &ii, hlen)) == NULL)
		return;
	ip_deliver(m, &ii);
}

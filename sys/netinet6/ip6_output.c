/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * IPv6: what goes out.
 */

#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/systm.h>

#include <netinet6/ip6.h>
#include <netinet6/ip6_var.h>

#define DEFHLIM		64

/* For routers too: Hop-by-Hop with Router Alert for MLD (RFC 2711). */
static const uint8_t	alert6[8] = { 0, 0, 5, 2, 0, 0, 1, 0 };

static uint8_t
ip6_hlim(const struct ifnet *ifp, const struct ip_out *io)
{
	uint8_t hlim;

	if (io->io_ttl != 0)
		return (io->io_ttl);
	if (in_ismulticast(io->io_dst))
		return (1);
	hlim = ifp->if_in6 == NULL ? 0 : ifp->if_in6->ii_hlim;
	return (hlim != 0 ? hlim : DEFHLIM);
}

/* With the header before it, to the link; takes the packet over. */
static int
ip6_frame(struct ifnet *ifp, struct mbuf *m, const struct ip_out *io,
    const struct ip_route *ir, uint8_t nxt, bool more)
{
	struct ip6 ip6 = {
	    .ip6_flow = be32_make(6U << 28 | (uint32_t)io->io_tos << 20),
	    .ip6_nxt = nxt, .ip6_hlim = ip6_hlim(ifp, io) };

	/* a GSO packet says nothing here that matters; 0 if too large */
	ip6.ip6_plen = be16_make(m->m_pkthdr.ph_len > 0xffff ? 0 :
	    m->m_pkthdr.ph_len);
	memcpy(ip6.ip6_src, &ir->ir_src, 16);
	memcpy(ip6.ip6_dst, io->io_dst, 16);
	if ((m = m_prepend(m, sizeof(ip6))) == NULL)
		return (ENOBUFS);
	memcpy(m->m_data, &ip6, sizeof(ip6));
	return (ifp->if_output(ifp, m, &ir->ir_hop, more));
}

static int
ip6_fragments(struct ifnet *ifp, struct mbuf *m, const struct ip_out *io,
    const struct ip_route *ir)
{
	uint32_t total = m->m_pkthdr.ph_len, off, n, id;
	uint32_t room = (ir->ir_mtu - sizeof(struct ip6) -
	    sizeof(struct ip6_frag)) & ~7U;
	struct ip6_frag fh = { .ip6f_nxt = io->io_proto };
	struct mbuf *f;
	int error = 0;

	rnd_bytes(&id, sizeof(id));	/* RFC 7739 */
	fh.ip6f_id = be32_make(id);
	for (off = 0; off < total && error == 0; off += n) {
		n = MIN(room, total - off);
		if ((f = m_copym(m, off, n, true)) == NULL ||
		    (f = m_prepend(f, sizeof(fh))) == NULL) {
			error = ENOBUFS;
			break;
		}
		fh.ip6f_off = be16_make(off | (off + n < total ?
		    IP6F_MORE : 0));
		memcpy(f->m_data, &fh, sizeof(fh));
		error = ip6_frame(ifp, f, io, ir, IPPROTO_FRAGMENT,
		    io->io_more || off + n < total);
	}
	m_freem(m);
	return (error);
}

static void
ip6_mloop(struct mbuf *m, const struct ip_out *io, const struct ip_route *ir)
{
	struct ifnet *lo;
	struct mbuf *c;

	if ((lo = if_get(loop_ifidx)) == NULL)
		return;
	if ((c = m_copym(m, 0, M_COPYALL, true)) != NULL)
		(void)ip6_frame(lo, c, io, ir, io->io_proto, false);
	if_put(lo);
}

int
ip6_output(struct ifnet *ifp, struct mbuf *m, const struct ip_out *io,
    const struct ip_route *ir)
{
	struct pkthdr *ph = &m->m_pkthdr;
	bool big = sizeof(struct ip6) + ph->ph_len > ir->ir_mtu &&
	    ph->ph_gso == GSO_NONE;
	uint8_t nxt = io->io_proto;
	uint8_t alert[8];
	int error;

	if (ph->ph_len > 0xffff || (big && io->io_df)) {
		m_freem(m);
		return (EMSGSIZE);
	}
	if ((ph->ph_flags & PH_CSUM_PARTIAL) && ph->ph_gso == GSO_NONE &&
	    (big || !(ifp->if_capenable & IFCAP_CSUM)) &&
	    (error = cksum_partial(&m)) != 0) {
		m_freem(m);
		return (error);
	}
	if (io->io_mcloop && in_ismulticast(io->io_dst) &&
	    in_group_member(ifp, io->io_dst))
		ip6_mloop(m, io, ir);
	if (big)
		return (ip6_fragments(ifp, m, io, ir));
	if (io->io_alert) {
		if ((m = m_prepend(m, sizeof(alert))) == NULL)
			return (ENOBUFS);
		memcpy(alert, alert6, sizeof(alert));
		alert[0] = nxt;
		memcpy(m->m_data, alert, sizeof(alert));
		nxt = IPPROTO_HOPOPTS;
	}
	return (ip6_frame(ifp, m, io, ir, nxt, io->io_more));
}

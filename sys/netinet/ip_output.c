/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * IPv4: what goes out.
 */

#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/ip.h>

#define DEFTTL		64

static uint32_t	ip_ids;			/* atomic */

int
ip_send(struct mbuf *m, const struct ip_out *io)
{
	struct ip_route tmp = { .ir_gen = 0 };
	struct ip_route *ir = io->io_route != NULL ? io->io_route : &tmp;
	int error;

	error = ip_route_get(ir, io->io_dst, io->io_src, io->io_ifidx);
	if (error == 0 && ir->ir_bcast && !io->io_bcast)
		error = EACCES;
	if (error == 0 && io->io_noroute && !ir->ir_local &&
	    !in_equal(&ir->ir_hop, io->io_dst))
		error = ENETUNREACH;
	if (error != 0) {
		m_freem(m);
		return (error);
	}
	return (ip_send_on(m, io, ir));
}

int
ip_send_on(struct mbuf *m, const struct ip_out *io, struct ip_route *ir)
{
	struct ifnet *ifp;
	int error;

	if ((ifp = if_get(ir->ir_ifidx)) == NULL) {
		m_freem(m);
		return (ENETDOWN);
	}
	error = in_is4(io->io_dst) ? ip_output(ifp, m, io, ir) :
	    ip6_output(ifp, m, io, ir);
	if_put(ifp);
	return (error);
}

/* Not the number of packets that we sent to others: hard to foresee. */
static uint16_t
ip_newid(void)
{
	static uint32_t start;
	uint32_t n = __atomic_fetch_add(&ip_ids, 1, __ATOMIC_RELAXED);

	if (n % 4096 == 0)
		rnd_bytes(&start, sizeof(start));
	return (start + n * 0x6b5);	/* odd: all of them, once */
}

/* Routers look at it although it is not for them (RFC 2113, 2.1). */
static const uint8_t	router_alert[4] = { 0x94, 4, 0, 0 };

static u_int
ip_optlen(const struct ip_out *io)
{
	return (io->io_alert ? sizeof(router_alert) : 0);
}

static void
ip_header(struct ip *ip, const struct ip_out *io, const struct ip_route *ir,
    u_int len, u_int id, u_int off)
{
	uint8_t ttl = io->io_ttl != 0 ? io->io_ttl :
	    in_ismulticast(io->io_dst) ? 1 : DEFTTL;

	*ip = (struct ip){ .ip_vhl = 0x45 + ip_optlen(io) / 4, .ip_tos = io->io_tos,
	    .ip_len = be16_make(len), .ip_id = be16_make(id),
	    .ip_off = be16_make(off), .ip_ttl = ttl, .ip_p = io->io_proto,
	    .ip_src = ir->ir_src.ia_l[3], .ip_dst = io->io_dst->ia_l[3] };
	ip->ip_sum = ~cksum_fold(cksum_add(cksum_add(0, ip, sizeof(*ip)),
	    router_alert, ip_optlen(io)));
}

/* With a header before it, to the link; takes the packet over. */
static int
ip_frame(struct ifnet *ifp, struct mbuf *m, const struct ip *ip,
    const struct ip_route *ir, bool more)
{
	u_int optlen = (ip->ip_vhl & 15) * 4 - sizeof(*ip);

	if (optlen != 0) {
		if ((m = m_prepend(m, optlen)) == NULL)
			return (ENOBUFS);
		memcpy(m->m_data, router_alert, optlen);
	}
	if ((m = m_prepend(m, sizeof(*ip))) == NULL)
		return (ENOBUFS);
	memcpy(m->m_data, ip, sizeof(*ip));
	if (ir->ir_bcast)
		m->m_pkthdr.ph_flags |= PH_BCAST;
	return (ifp->if_output(ifp, m, &ir->ir_hop, more));
}

/* Pieces that fit; the sum of the whole is finished. */
static int
ip_fragment(struct ifnet *ifp, struct mbuf *m, const struct ip_out *io,
    const struct ip_route *ir, u_int id)
{
	uint32_t total = m->m_pkthdr.ph_len, off, n;
	uint32_t room = (ir->ir_mtu - sizeof(struct ip)) & ~7U;
	struct mbuf *f;
	struct ip ip;
	int error = 0;

	for (off = 0; off < total && error == 0; off += n) {
		n = MIN(room, total - off);
		if ((f = m_copym(m, off, n, true)) == NULL) {
			error = ENOBUFS;
			break;
		}
		ip_header(&ip, io, ir, sizeof(ip) + n, id, off / 8 |
		    (off + n < total ? IP_MF : 0));
		error = ip_frame(ifp, f, &ip, ir,
		    io->io_more || off + n < total);
	}
	m_freem(m);
	return (error);
}

/* A copy for ourselves of what goes to a group that we listen to. */
static void
ip_mloop(struct mbuf *m, const struct ip_out *io, const struct ip_route *ir,
    u_int id)
{
	struct ifnet *lo;
	struct mbuf *c;
	struct ip ip;

	if ((lo = if_get(loop_ifidx)) == NULL)
		return;
	if ((c = m_copym(m, 0, M_COPYALL, true)) != NULL) {
		ip_header(&ip, io, ir, sizeof(ip) + m->m_pkthdr.ph_len, id, 0);
		(void)ip_frame(lo, c, &ip, ir, false);
	}
	if_put(lo);
}

int
ip_output(struct ifnet *ifp, struct mbuf *m, const struct ip_out *io,
    const struct ip_route *ir)
{
	struct pkthdr *ph = &m->m_pkthdr;
	uint32_t len = sizeof(struct ip) + ip_optlen(io) + ph->ph_len;
	bool big = len > ir->ir_mtu && ph->ph_gso == GSO_NONE;
	u_int id = io->io_df && ph->ph_gso == GSO_NONE ? 0 : ip_newid();
	struct ip ip;
	int error;

	if (len > IP_MAXPACKET || (big && io->io_df)) {
		m_freem(m);
		return (EMSGSIZE);
	}
	if ((ph->ph_flags & PH_CSUM_PARTIAL) && ph->ph_gso == GSO_NONE &&
	    (big || !(ifp->if_capenable & IFCAP_CSUM)) &&
	    (error = cksum_partial(&m)) != 0) {
		m_freem(m);
		return (error);
	}
	if (ir->ir_bcast ? ifp->if_flags & IFF_BROADCAST : io->io_mcloop &&
	    in_ismulticast(io->io_dst) && in_group_member(ifp, io->io_dst))
		ip_mloop(m, io, ir, id);
	if (big)
		return (ip_fragment(ifp, m, io, ir, id));
	ip_header(&ip, io, ir, len, id, io->io_df ? IP_DF : 0);
	return (ip_frame(ifp, m, &ip, ir, io->io_more));
}

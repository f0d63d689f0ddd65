/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_IP_VAR_H_
#define _NETINET_IP_VAR_H_

/*
 * What a transport and the Internet layer have between them, for IPv4 and
 * IPv6 alike.
 */

#include <sys/mbuf.h>

#include <netinet/in.h>

struct ifnet;

/*
 * A packet that has arrived.  m_data is at the transport's header, ph_len is
 * what follows from there; the addresses and lengths are checked, fragments
 * are put together, and the destination is ours.
 */
struct ip_in {
	struct inaddr	 ii_src, ii_dst;
	u_int		 ii_ifidx;	/* interface it came from */
	uint8_t		 ii_proto;
	uint8_t		 ii_ttl;
	uint8_t		 ii_tos;	/* with ECN in the low bits */
	uint8_t		 ii_hdrlen;	/* of what m_adj() took off; it is
					 * still there, before m_data */
	bool		 ii_mcast;	/* ii_dst is a group or broadcast */
};

/* A way to a destination, kept by a socket; all zero at first. */
struct ip_route {
	uint32_t	 ir_gen;	/* 0: none; see route.h */
	struct inaddr	 ir_dst;	/* that it is for */
	struct inaddr	 ir_src;	/* address to send from */
	struct inaddr	 ir_hop;	/* neighbour to send to */
	u_int		 ir_ifidx;
	u_int		 ir_mtu;	/* of the path, as far as known */
	uint32_t	 ir_caps;	/* IFCAP_* of the interface */
	u_int		 ir_tsomax;
	bool		 ir_local;	/* to ourselves */
	bool		 ir_bcast;	/* ir_dst is a broadcast address */
};

/*
 * A packet that is to be sent: the transport's header and data, with a packet
 * header; PH_CSUM_PARTIAL with the offsets from m_data, or a finished sum;
 * GSO_* with ph_gso_hdrlen (the transport's header only, the layers below add
 * theirs).
 */
struct ip_out {
	const struct inaddr *io_src;	/* the route's choice if any */
	const struct inaddr *io_dst;
	struct ip_route	*io_route;	/* kept and used again; may be NULL */
	u_int		 io_ifidx;	/* 0: by the routing table */
	uint8_t		 io_proto;
	uint8_t		 io_ttl;	/* 0: 64, and 1 to a group */
	uint8_t		 io_tos;
	bool		 io_df;		/* IPv4: do not fragment; EMSGSIZE */
	bool		 io_bcast;	/* may go to a broadcast address */
	bool		 io_mcloop;	/* to ourselves too, if we listen */
	bool		 io_more;	/* others follow at once */
	bool		 io_noroute;	/* straight to neighbours only */
	bool		 io_alert;	/* with Router Alert (RFC 2113) */
};

/*
 * ip_route_get: any context up to IPL_SOFT: fills in or refreshes a route for
 *	the destination (scope or bound interface ifidx, or 0).  EHOSTUNREACH,
 *	ENETUNREACH, ENETDOWN.  Cheap if it is still valid.
 * ip_send: the same context: takes the packet over.  errno of the above;
 *	EMSGSIZE; ENOBUFS; EACCES: broadcast without leave.  No mutex of the
 *	network may be held, but a socket's may.
 */
int	 ip_route_get(struct ip_route *, const struct inaddr *dst,
	    const struct inaddr *src, u_int ifidx);
int	 ip_send(struct mbuf *, const struct ip_out *);

/*
 * The sum of the pseudo header, to begin or to put into a field (fold it) for
 * PH_CSUM_PARTIAL; len: of transport's header and data.
 */
uint64_t ip_pseudo(const struct inaddr *, const struct inaddr *, uint8_t,
	    uint32_t);
/* Whether the transport's checksum of a packet that arrived is right. */
bool	 ip_cksum_ok(struct mbuf *, const struct ip_in *);

/*
 * A transport.
 * it_input: softint: takes a packet over.  It may be a GSO packet, or one whose
 *	sum is PH_CSUM_PARTIAL.  The whole need not be in one piece.
 * it_error: softint: an ICMP error about a packet that we sent from src to dst;
 *	hdr: at least the first 8 bytes of the transport's header.  error: an
 *	errno; EMSGSIZE: mtu is what fits.  hard: not just for now.
 */
struct ip_transport {
	uint8_t	  it_proto;
	void	(*it_input)(struct mbuf *, const struct ip_in *);
	void	(*it_error)(int error, u_int mtu, bool hard,
		    const struct inaddr *src, const struct inaddr *dst,
		    const uint8_t hdr[8]);
};
extern const struct ip_transport tcp_transport, udp_transport;

/*
 * Answer a packet that cannot be delivered; takes it over.  Rate limited.
 * m_data is at the transport's header, as it came.
 */
enum ip_unreach { UNREACH_PORT, UNREACH_PROTO };
void	 ip_unreachable(struct mbuf *, const struct ip_in *, enum ip_unreach);

/* An address is one of ours (or, with group, one we listen to). */
bool	 ip_islocal(const struct inaddr *, u_int ifidx);

#endif /* _NETINET_IP_VAR_H_ */

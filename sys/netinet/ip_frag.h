/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_IP_FRAG_H_
#define _NETINET_IP_FRAG_H_

/*
 * Putting fragments together, of IPv4 and IPv6.
 *
 * frag_input: softint: takes over a fragment, at its payload; off and its
 *	length are those of the payload.  Returns the payload of the whole
 *	(with a packet header) when it was the last that was missing; else
 *	NULL.  hdrlen: of what precedes, for the limit of 65535 bytes in all.
 *	Fragments that overlap end the datagram (RFC 5722, 4).  Memory and
 *	time are bounded.
 */

#include <netinet/ip_var.h>

struct frag_key {
	struct inaddr	fk_src, fk_dst;
	uint32_t	fk_id;
	uint32_t	fk_proto;	/* IPv4's; 0 for IPv6 */
	uint32_t	fk_ifidx;
};

/* what was seen of the fragments: ECN (RFC 3168, 5.3), and the first one's */
struct frag_info {
	uint8_t		fi_tos;
	uint8_t		fi_next;	/* protocol of the first fragment */
	uint32_t	fi_max;		/* longest fragment's packet */
};

void	 frag_init(void);
struct mbuf *frag_input(const struct frag_key *, struct mbuf *, uint32_t off,
	    bool more, uint32_t hdrlen, struct frag_info *);

#endif /* _NETINET_IP_FRAG_H_ */

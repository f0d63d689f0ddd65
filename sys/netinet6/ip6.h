/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET6_IP6_H_
#define _NETINET6_IP6_H_

#include <sys/types.h>
#include <sys/wire.h>

/* RFC 8200, 3.  It may lie at any even address. */
struct ip6 {
	be32_w	ip6_flow;		/* version, traffic class, label */
	be16_w	ip6_plen;		/* of what follows */
	uint8_t	ip6_nxt, ip6_hlim;
	uint8_t	ip6_src[16], ip6_dst[16];
} __packed __aligned(2);
_Static_assert(sizeof(struct ip6) == 40, "on the wire");
#define IP6_MINMTU	1280

struct ip6_frag {			/* 4.5 */
	uint8_t	ip6f_nxt, ip6f_reserved;
	be16_w	ip6f_off;		/* in bytes, flags in the low bits */
	be32_w	ip6f_id;
} __packed __aligned(2);
_Static_assert(sizeof(struct ip6_frag) == 8, "on the wire");
#define IP6F_MORE	1

struct icmp6 {				/* RFC 4443, 2.1 */
	uint8_t	icmp6_type, icmp6_code;
	uint16_t icmp6_cksum;
	be32_w	icmp6_data;		/* MTU, pointer, identifier, flags */
} __packed __aligned(2);
_Static_assert(sizeof(struct icmp6) == 8, "on the wire");
#define ICMP6_UNREACH		1
#define ICMP6_TOO_BIG		2
#define ICMP6_TIMXCEED		3
#define ICMP6_PARAMPROB		4
#define ICMP6_ECHO_REQUEST	128
#define ICMP6_ECHO_REPLY	129
#define MLD_QUERY		130
#define ND_ROUTER_SOLICIT	133
#define ND_ROUTER_ADVERT	134
#define ND_NEIGHBOR_SOLICIT	135
#define ND_NEIGHBOR_ADVERT	136
#define ND_REDIRECT		137
#define MLD2_REPORT		143
#define ICMP6_UNREACH_PORT	4
#define ICMP6_PARAMPROB_NEXT	1	/* unknown next header */

/* options of Neighbor Discovery (RFC 4861, 4.6; RFC 8106, 5.1) */
#define ND_OPT_SOURCE_LLADDR	1
#define ND_OPT_TARGET_LLADDR	2
#define ND_OPT_PREFIX		3
#define ND_OPT_MTU		5
#define ND_OPT_RDNSS		25

#endif /* _NETINET6_IP6_H_ */

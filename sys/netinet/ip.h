/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_IP_H_
#define _NETINET_IP_H_

#include <sys/types.h>
#include <sys/wire.h>

/* RFC 791, 3.1.  It may lie at any even address. */
struct ip {
	uint8_t	ip_vhl;			/* version, length in words */
	uint8_t	ip_tos;
	be16_w	ip_len;
	be16_w	ip_id;
	be16_w	ip_off;			/* flags, offset in 8 bytes */
	uint8_t	ip_ttl;
	uint8_t	ip_p;
	uint16_t ip_sum;		/* in the order of memory */
	be32_w	ip_src, ip_dst;
} __packed __aligned(2);
_Static_assert(sizeof(struct ip) == 20, "on the wire");
#define IP_DF		0x4000
#define IP_MF		0x2000
#define IP_OFFMASK	0x1fff
#define IP_MAXPACKET	65535
#define IP_MINMTU	576		/* that everybody takes */

/* RFC 792 */
struct icmp {
	uint8_t	icmp_type, icmp_code;
	uint16_t icmp_cksum;
	be16_w	icmp_id;		/* or nothing */
	be16_w	icmp_seq;		/* or the next hop's MTU */
} __packed __aligned(2);
_Static_assert(sizeof(struct icmp) == 8, "on the wire");
#define ICMP_ECHOREPLY	0
#define ICMP_UNREACH	3
#define ICMP_SOURCEQUENCH 4
#define ICMP_REDIRECT	5
#define ICMP_ECHO	8
#define ICMP_TIMXCEED	11
#define ICMP_PARAMPROB	12
/* codes of ICMP_UNREACH (RFC 1122, 3.2.2.1) */
#define ICMP_UNREACH_NET	0
#define ICMP_UNREACH_HOST	1
#define ICMP_UNREACH_PROTOCOL	2
#define ICMP_UNREACH_PORT	3
#define ICMP_UNREACH_NEEDFRAG	4
#define ICMP_UNREACH_SRCFAIL	5

/* RFC 768 */
struct udphdr {
	be16_w	uh_sport, uh_dport;
	be16_w	uh_ulen;
	uint16_t uh_sum;
} __packed __aligned(2);
_Static_assert(sizeof(struct udphdr) == 8, "on the wire");

#endif /* _NETINET_IP_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_IN_H_
#define _NETINET_IN_H_

/*
 * Addresses of the Internet.
 *
 * Inside the kernel every address is a struct inaddr: one of IPv6, or one of
 * IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).  So transports, sockets and
 * tables are written once.
 */

#include <sys/socket.h>
#include <sys/systm.h>
#include <sys/wire.h>

struct in_addr {
	be32_w		s_addr;
};

struct sockaddr_in {
	uint16_t	sin_family;
	be16_w		sin_port;
	struct in_addr	sin_addr;
	uint8_t		sin_zero[8];
};
_Static_assert(sizeof(struct sockaddr_in) == 16, "as programs know it");

struct in6_addr {
	uint8_t		s6_addr[16];
};

struct sockaddr_in6 {
	uint16_t	sin6_family;
	be16_w		sin6_port;
	be32_w		sin6_flowinfo;
	struct in6_addr	sin6_addr;
	uint32_t	sin6_scope_id;
};
_Static_assert(sizeof(struct sockaddr_in6) == 28, "as programs know it");

struct inaddr {
	union {
		uint8_t		ia_b[16];
		be16_w		ia_w[8];
		be32_w		ia_l[4];
		uint64_t	ia_q[2];	/* to compare only */
	};
};

#define IN4(a, b, c, d)							\
	((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static inline struct inaddr
in4_make(uint32_t v4)				/* host order */
{
	struct inaddr a = { .ia_q = { 0, 0 } };

	a.ia_b[10] = a.ia_b[11] = 0xff;
	a.ia_l[3] = be32_make(v4);
	return (a);
}

static inline bool
in_is4(const struct inaddr *a)
{
	return (a->ia_q[0] == 0 &&
	    be32_get(a->ia_l[2]) == 0x0000ffff);
}

static inline uint32_t
in4_get(const struct inaddr *a)			/* host order */
{
	return (be32_get(a->ia_l[3]));
}

static inline bool
in_equal(const struct inaddr *a, const struct inaddr *b)
{
	return (a->ia_q[0] == b->ia_q[0] && a->ia_q[1] == b->ia_q[1]);
}

/* :: and 0.0.0.0 */
static inline bool
in_isany(const struct inaddr *a)
{
	return (a->ia_q[0] == 0 && (a->ia_q[1] == 0 ||
	    (in_is4(a) && in4_get(a) == 0)));
}

static inline bool
in_ismulticast(const struct inaddr *a)
{
	return (in_is4(a) ? (in4_get(a) >> 28) == 14 : a->ia_b[0] == 0xff);
}

/* fe80::/10 */
static inline bool
in6_islinklocal(const struct inaddr *a)
{
	return (a->ia_b[0] == 0xfe && (a->ia_b[1] & 0xc0) == 0x80);
}

/* an address that means nothing without an interface */
static inline bool
in6_isscoped(const struct inaddr *a)
{
	return (in6_islinklocal(a) || (a->ia_b[0] == 0xff &&
	    ((a->ia_b[1] & 0x0f) == 1 || (a->ia_b[1] & 0x0f) == 2)));
}

/* 127/8 and ::1 */
static inline bool
in_isloopback(const struct inaddr *a)
{
	return (in_is4(a) ? in4_get(a) >> 24 == 127 :
	    a->ia_q[0] == 0 && be32_get(a->ia_l[2]) == 0 &&
	    be32_get(a->ia_l[3]) == 1);
}

#define INADDR_BROADCAST	0xffffffffU
#define INADDR_ALLHOSTS_GROUP	0xe0000001U

#define IPPROTO_IP	0
#define IPPROTO_HOPOPTS	0
#define IPPROTO_ICMP	1
#define IPPROTO_IGMP	2
#define IPPROTO_TCP	6
#define IPPROTO_UDP	17
#define IPPROTO_IPV6	41
#define IPPROTO_ROUTING	43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6	58
#define IPPROTO_NONE	59
#define IPPROTO_DSTOPTS	60
#define IPPROTO_RAW	255

#define IPPORT_RESERVED	1024
#define IPPORT_EPHEMERAL_FIRST	32768
#define IPPORT_EPHEMERAL_LAST	60999

/* options of IPPROTO_IP */
#define IP_TOS		1
#define IP_TTL		2
#define IP_HDRINCL	3
#define IP_OPTIONS	4
#define IP_RECVOPTS	6
#define IP_PKTINFO	8
#define IP_MTU_DISCOVER	10
#define IP_RECVERR	11
#define IP_RECVTTL	12
#define IP_RECVTOS	13
#define IP_MTU		14
#define IP_FREEBIND	15
#define IP_BIND_ADDRESS_NO_PORT	24
#define IP_MULTICAST_IF	32
#define IP_MULTICAST_TTL 33
#define IP_MULTICAST_LOOP 34
#define IP_ADD_MEMBERSHIP 35
#define IP_DROP_MEMBERSHIP 36
#define IP_PMTUDISC_DONT 0
#define IP_PMTUDISC_WANT 1
#define IP_PMTUDISC_DO	2
#define IP_PMTUDISC_PROBE 3

/* options of IPPROTO_IPV6 */
#define IPV6_2292PKTINFO 2	/* of RFC 2292: still in use */
#define IPV6_CHECKSUM	7
#define IPV6_2292HOPLIMIT 8
#define IPV6_UNICAST_HOPS 16
#define IPV6_MULTICAST_IF 17
#define IPV6_MULTICAST_HOPS 18
#define IPV6_MULTICAST_LOOP 19
#define IPV6_JOIN_GROUP	20
#define IPV6_LEAVE_GROUP 21
#define IPV6_MTU_DISCOVER 23
#define IPV6_MTU	24
#define IPV6_RECVERR	25
#define IPV6_V6ONLY	26
#define IPV6_RECVPKTINFO 49
#define IPV6_PKTINFO	50
#define IPV6_RECVHOPLIMIT 51
#define IPV6_HOPLIMIT	52
#define IPV6_RECVTCLASS	66
#define IPV6_TCLASS	67

/* options of IPPROTO_UDP */
#define UDP_CORK	1
#define UDP_SEGMENT	103
#define UDP_GRO		104

#endif /* _NETINET_IN_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET6_IP6_VAR_H_
#define _NETINET6_IP6_VAR_H_

/* IPv6 among its own files. */

#include <net/if_var.h>

#define RDNSS_MAX	4

struct in6_ifinfo {			/* all under net_mtx */
	bool		 ii_enabled;	/* up, with a link-local address */
	u_int		 ii_rs_left;	/* router solicitations to send */
	uint64_t	 ii_rs_next;	/* INFSLP: none */
	uint32_t	 ii_mtu;	/* a router's; 0: none */
	uint8_t		 ii_hlim;	/* a router's; 0: none */
	struct inaddr	 ii_rdnss[RDNSS_MAX];
	uint64_t	 ii_rdnss_expire[RDNSS_MAX];
};

extern const struct inaddr	in6_any, in6_allnodes, in6_allrouters;

/* softint; m_data is at ICMPv6's header, whose sum is right; taken over */
void	 icmp6_input(struct mbuf *, const struct ip_in *);
/*
 * Softint: a message of ICMPv6 from src (NULL: the route's choice) to dst out
 * of an interface.  data: from its type on; the sum is filled in.
 */
void	 icmp6_send(struct ifnet *, const struct inaddr *src,
	    const struct inaddr *dst, void *data, size_t, uint8_t hlim,
	    bool alert);
/* Neighbor Discovery; the packet stays the caller's */
void	 nd6_input(struct ifnet *, const struct mbuf *,
	    const struct ip_in *, uint8_t type);
void	 nd6_init(void);
void	 mld_input(struct mbuf *, const struct ip_in *);
void	 mld_init(void);
/* an address that must be proved unique, or is; starts the proof */
void	 nd6_dad_start(struct ifnet *, const struct inaddr *);
void	 nd6_wake(uint64_t when);
/* begins to look for routers */
void	 nd6_solicit_routers(struct ifnet *);
/* the group that a neighbour's question goes to (RFC 4291, 2.7.1) */
struct inaddr in6_solicited(const struct inaddr *);
int	 in6_print(char *, size_t, const struct inaddr *);	/* snprintf() */
/* fe80:: with what the link's address gives (RFC 2464, 4 and 5) */
void	 in6_eui64(const struct ifnet *, struct inaddr *);

#endif /* _NETINET6_IP6_VAR_H_ */

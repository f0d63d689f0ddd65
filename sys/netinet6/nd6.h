/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET6_ND6_H_
#define _NETINET6_ND6_H_

/* Neighbor Discovery among its own files; softint or thread, no mutex. */

#include <net/if_var.h>

struct mbuf;

/* a question from nowhere: does anybody have it? */
void	nd6_dad_probe(struct ifnet *, const struct inaddr *);
/* somebody has */
void	nd6_dad_collided(struct ifnet *, const struct inaddr *);
void	nd6_advertise(struct ifnet *, const struct inaddr *target,
	    const struct inaddr *to, bool solicited);
void	nd6_ra_input(struct ifnet *, const struct mbuf *,
	    const struct ip_in *);
void	nd6_router_expire(uint64_t now, uint64_t *nextp);
void	nd6_router_purge(u_int ifidx);	/* all that routers said */
bool	nd6_option(const struct mbuf *, uint32_t *, uint32_t *, uint8_t *,
	    uint32_t *);
bool	nd6_lladdr(const struct mbuf *, uint32_t, uint8_t, uint8_t *, bool *);

#endif /* _NETINET6_ND6_H_ */

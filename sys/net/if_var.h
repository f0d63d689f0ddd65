/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NET_IF_VAR_H_
#define _NET_IF_VAR_H_

/*
 * Interfaces, addresses, routes and neighbours, for the network's own code.
 *
 * net_mtx guards the lists of all of them.  It is taken after the mutexes of
 * sockets and of their tables, and before those of drivers; nothing is sent
 * with it held.  What is found under it is copied, or held with a reference
 * (if_get).
 */

#include <net/ifnet.h>
#include <netinet/in.h>
#include <netinet/ip_var.h>

extern struct mutex	net_mtx;
TAILQ_HEAD(ifnet_head, ifnet);
extern struct ifnet_head ifnets;
#define IF_MAX		256		/* numbers that are looked at */

void	 net_init(void);		/* at boot, in thread context */

/* --- interfaces --------------------------------------------------------------- */

/*
 * if_get: any context: by index, with a reference; NULL: it has gone.
 * if_put: drops it; NULL is allowed.
 * if_attach: gives it an index and a name in the list.  The type's own
 *	attach function (ether_ifattach) calls it.
 * if_detach: the reverse; waits for the references.
 * if_setflags: thread context: IFF_CHANGE bits; brings it up or down.
 * if_transmit: hands a whole frame to the driver.  ENETDOWN: it is freed.
 * if_usable: up, and its link not down.
 */
struct ifnet *if_get(u_int);
struct ifnet *if_byname(const char *);		/* the same, by name */
void	 if_put(struct ifnet *);
int	 if_attach(struct ifnet *);
void	 if_detach(struct ifnet *);
int	 if_setflags(struct ifnet *, u_int);
int	 if_transmit(struct ifnet *, struct mbuf *, bool more);
bool	 if_usable(const struct ifnet *);
void	 if_totals(struct ifnet *, struct if_counters *);
void	 loop_attach(void);
extern u_int loop_ifidx;

/*
 * A frame to the link-layer address, or to a neighbour (any context up to
 * IPL_SOFT; takes the packet over).
 */
int	 ether_frame(struct ifnet *, struct mbuf *, const uint8_t *,
	    uint16_t type, bool more);

/* --- packet sockets ------------------------------------------------------------- */

extern u_int	packet_users;		/* atomic: somebody wants copies */
void	 packet_tap(struct ifnet *, struct mbuf *, bool out);
void	 packet_init(void);

/* --- multicast ---------------------------------------------------------------- */

/*
 * Any context up to IPL_SOFT, without net_mtx: one more, one less who listens
 * to a link-layer address.  ENOMEM; ENOENT.
 */
struct if_mcast {
	LIST_ENTRY(if_mcast) im_entry;
	uint8_t		 im_addr[ETHER_ADDR_LEN];
	u_int		 im_refs;
};
int	 if_mcast_add(struct ifnet *, const uint8_t *);
void	 if_mcast_del(struct ifnet *, const uint8_t *);

/*
 * Groups of the Internet that somebody here listens to: their link-layer
 * address is let in, and routers and bridges are told (igmp_change,
 * mld_change).  Any context up to IPL_SOFT, without net_mtx.  ENOMEM; ENOENT.
 * in_group_member: also those that everybody is in.
 * in_group_nth: in turn from 0 on; false: no more of that interface.
 */
int	 in_group_lladdr(const struct inaddr *, uint8_t *);	/* EINVAL */
bool	 in_group_member(struct ifnet *, const struct inaddr *);
int	 in_group_join(struct ifnet *, const struct inaddr *);
int	 in_group_leave(struct ifnet *, const struct inaddr *);
bool	 in_group_nth(struct ifnet *, bool v6, u_int, struct inaddr *);
void	 in_group_purge(u_int ifidx);
/* for each interface on which a router may ask */
void	 in_group_answer(void (*)(struct ifnet *));
void	 igmp_change(struct ifnet *, const struct inaddr *, bool joined);
void	 mld_change(struct ifnet *, const struct inaddr *, bool joined);
void	 igmp_init(void);
void	 igmp_input(struct mbuf *, const struct ip_in *);

/* --- addresses ---------------------------------------------------------------- */

struct ifaddr {
	TAILQ_ENTRY(ifaddr) ifa_entry;
	struct inaddr	 ifa_addr;
	struct inaddr	 ifa_bcast;	/* IPv4; :: if none */
	u_int		 ifa_plen;	/* of 128: 96 more for IPv4 */
	u_int		 ifa_flags;	/* IFA_* */
	uint64_t	 ifa_preferred, ifa_valid; /* nsecuptime(); INFSLP */
	u_int		 ifa_dadcount;	/* IPv6 */
	uint64_t	 ifa_dadnext;
};
#define IFA_TENTATIVE	0x01		/* not known to be unique yet */
#define IFA_DUPLICATED	0x02
#define IFA_AUTOCONF	0x04		/* from a router's advertisement */
#define IFA_DEPRECATED	0x08

/*
 * Thread context or softint, without net_mtx.
 * ifa_add: sets prefix and flags if it is there already; enters the routes of
 *	the address and its prefix.  ENOMEM, EINVAL.
 * ifa_del: ENOENT.
 * ifa_find: an address of that interface (0: of any) into *copy.
 * ifa_source: the best source address for a destination out of an interface
 *	(RFC 6724 for IPv6).  EADDRNOTAVAIL.
 */
int	 ifa_add(struct ifnet *, const struct ifaddr *);
int	 ifa_del(struct ifnet *, const struct inaddr *);
bool	 ifa_find(const struct inaddr *, u_int ifidx, struct ifaddr *);
int	 ifa_source(struct ifnet *, const struct inaddr *dst,
	    struct inaddr *src);
void	 ifa_purge(struct ifnet *, bool v6, u_int flags);

/* --- routes ------------------------------------------------------------------- */

struct route {
	TAILQ_ENTRY(route) r_entry;
	struct inaddr	 r_dst;
	u_int		 r_plen;	/* of 128 */
	struct inaddr	 r_gateway;	/* :: if the link leads there */
	u_int		 r_ifidx;
	u_int		 r_flags;	/* RTF_* */
	u_int		 r_metric;
	uint64_t	 r_expire;	/* nsecuptime(); INFSLP */
	bool		 r_auto;	/* from a router's advertisement */
	bool		 r_addr;	/* belongs to an address of ours */
	u_int		 r_refs;	/* addresses that brought it */
};

/*
 * Sorted by length of prefix, then metric.  rt_gen changes with each change:
 * what was looked up before is looked up again.
 * route_add: EEXIST, ENETUNREACH (no interface leads to the gateway), ENOMEM.
 * route_del: ESRCH.
 * route_lookup: with net_mtx; NULL.
 */
extern uint32_t	rt_gen;			/* atomic; never 0 */
extern TAILQ_HEAD(route_head, route) routes;
int	 route_add(const struct route *);
int	 route_del(const struct route *);
struct route *route_lookup(const struct inaddr *, u_int ifidx);
void	 route_purge(u_int ifidx);
void	 route_changed(void);

/* What is known of paths: the largest packet that goes through. */
void	 pmtu_set(const struct inaddr *, u_int mtu);
u_int	 pmtu_get(const struct inaddr *, u_int mtu);

/* --- neighbours --------------------------------------------------------------- */

/*
 * ARP's and IPv6's: who is at the other end of the link (RFC 4861, 7.3; for
 * IPv4 the same states serve).
 */
enum neigh_state { NEIGH_INCOMPLETE, NEIGH_REACHABLE, NEIGH_STALE,
	NEIGH_DELAY, NEIGH_PROBE, NEIGH_PERMANENT };

struct neigh {
	LIST_ENTRY(neigh) n_entry;
	struct inaddr	 n_addr;
	u_int		 n_ifidx;
	enum neigh_state n_state;
	uint8_t		 n_lladdr[ETHER_ADDR_LEN];
	bool		 n_router;
	u_int		 n_tries;
	uint64_t	 n_used;	/* nsecuptime() */
	uint64_t	 n_next;	/* when the state ends */
	struct mbufq	 n_hold;	/* packets that wait, few */
};

/*
 * Any context up to IPL_SOFT, without net_mtx.
 * neigh_output: a packet (IPv4 or IPv6) to the neighbour; takes it over, may
 *	keep it until the neighbour answers.  EHOSTUNREACH, ENOBUFS.
 * neigh_learn: somebody said where an address is.  solicited: in answer to us;
 *	override: even if we know another; create: also if nobody asked.
 *	lladdr NULL: where we know already.
 * neigh_reachable: a transport hears from the other side of a route.
 */
#define NL_SOLICITED	0x01
#define NL_OVERRIDE	0x02
#define NL_CREATE	0x04
#define NL_ROUTER	0x08		/* it is a router */
#define NL_NOTROUTER	0x10
void	 neigh_init(void);
int	 neigh_output(struct ifnet *, struct mbuf *, const struct inaddr *,
	    bool more);
void	 neigh_learn(struct ifnet *, const struct inaddr *, const uint8_t *,
	    int how);
void	 neigh_purge(u_int ifidx);
int	 neigh_delete(struct ifnet *, const struct inaddr *);
int	 neigh_set(struct ifnet *, const struct inaddr *, const uint8_t *);
/* a copy of each in turn, n from 0 on; false: no more */
bool	 neigh_nth(u_int n, struct neigh *);

/* a question to the link; unicast to lladdr if that is not NULL */
void	 arp_request(struct ifnet *, const struct inaddr *target,
	    const uint8_t *lladdr);
void	 arp_input(struct ifnet *, struct mbuf *);
void	 arp_announce(struct ifnet *);
void	 nd6_solicit(struct ifnet *, const struct inaddr *target,
	    const uint8_t *lladdr);

/* --- the layers above ----------------------------------------------------------- */

void	 ip_input(struct ifnet *, struct mbuf *);
void	 ip_init(void);
/*
 * A packet on a route that was looked up; ip_send() is that and this.  The
 * families' own parts get the interface, too.  All take the packet over.
 */
int	 ip_send_on(struct mbuf *, const struct ip_out *, struct ip_route *);
int	 ip_output(struct ifnet *, struct mbuf *, const struct ip_out *,
	    const struct ip_route *);
/*
 * IPv6's part: input of a packet at its header; its output; what happens to an
 * interface.
 */
void	 ip6_input(struct ifnet *, struct mbuf *);
int	 ip6_output(struct ifnet *, struct mbuf *, const struct ip_out *,
	    const struct ip_route *);
void	 ip6_init(void);
u_int	 in6_mtu(const struct ifnet *);
void	 in6_ifattach(struct ifnet *);		/* thread */
void	 in6_ifdetach(struct ifnet *);		/* thread */
void	 in6_ifchanged(struct ifnet *);		/* thread: up, down, link */
void	 in6_announce(struct ifnet *);		/* softint */
void	 in6_ifa_added(struct ifnet *, const struct inaddr *);
void	 in6_ifa_removed(struct ifnet *, const struct inaddr *);
void	 icmp6_unreachable(struct mbuf *, const struct ip_in *,
	    enum ip_unreach);
/* a packet for us, whose headers of IPv6 are done with, to its transport */
void	 ip_deliver(struct mbuf *, const struct ip_in *);
/* raw sockets; true: somebody got a copy */
bool	 rip_input(struct mbuf *, const struct ip_in *);
/* an error for the transport that sent the packet that it quotes */
void	 ip_ctlerror(uint8_t proto, int error, u_int mtu, bool hard,
	    const struct inaddr *src, const struct inaddr *dst,
	    const uint8_t hdr[8]);
void	 tcp_init(void);
void	 udp_init(void);
void	 rip_init(void);

#endif /* _NET_IF_VAR_H_ */

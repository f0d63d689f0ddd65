/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NET_IFNET_H_
#define _NET_IFNET_H_

/*
 * Network interfaces: what a driver and the network have between them.
 *
 * A driver fills in the upper part of its struct ifnet and calls
 * ether_ifattach(); gives each packet that it received to if_input(); and
 * takes packets in ifo_transmit.  Nothing of it is called after
 * ether_ifdetach() has returned.
 *
 * Received packets are taken from the device in a soft interrupt, some at a
 * time, and in a thread of low priority where there are more than that: so a
 * flood leaves programs their time.  A driver has a struct ifpoll for each of
 * its queues, whose interrupt disables itself and calls if_poll_schedule().
 */

#include <sys/mbuf.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/task.h>

#include <net/ethernet.h>
#include <net/if.h>

struct ifnet;
struct ifaddr;
struct inaddr;

enum link_state { LINK_UNKNOWN, LINK_DOWN, LINK_UP };

/* what a device can do for packets; if_capenable: and is to */
#define IFCAP_CSUM	0x0001		/* PH_CSUM_PARTIAL on the way out */
#define IFCAP_RXCSUM	0x0002		/* tells which sums are good */
#define IFCAP_TSO4	0x0004		/* GSO_TCP4 on the way out */
#define IFCAP_TSO6	0x0008
#define IFCAP_USO	0x0010		/* GSO_UDP4, GSO_UDP6 */
#define IFCAP_TSO_ECN	0x0020		/* PH_GSO_ECN */
#define IFCAP_LRO	0x0040		/* gives packets put together */
#define IFCAP_VLAN_MTU	0x0080

/* Packets and bytes are those of links: with Ethernet's header. */
struct if_counters {
	uint64_t ic_ipackets, ic_ibytes, ic_ierrors, ic_idrops, ic_imcasts;
	uint64_t ic_opackets, ic_obytes, ic_oerrors, ic_odrops;
};

struct ifnet_ops {
	/*
	 * Thread context, one at a time.  up: begin to receive and send;
	 * down: end that, give back what is queued.  errno.
	 */
	int	(*ifo_up)(struct ifnet *);
	void	(*ifo_down)(struct ifnet *);
	/*
	 * Any context up to IPL_SOFT: takes over a whole frame, or drops and
	 * counts it.  more: another follows at once, do not notify yet.
	 */
	void	(*ifo_transmit)(struct ifnet *, struct mbuf *, bool more);
	/*
	 * Thread context, one at a time.  The list of multicast addresses, or
	 * IFF_PROMISC or IFF_ALLMULTI, has changed: see if_mcast_get().
	 */
	void	(*ifo_rxfilter)(struct ifnet *);
	/* thread context; NULL: EOPNOTSUPP */
	int	(*ifo_setlladdr)(struct ifnet *, const uint8_t *);
	int	(*ifo_setmtu)(struct ifnet *, u_int);
	int	(*ifo_setcaps)(struct ifnet *, uint32_t);
	/* any context; adds to what is there */
	void	(*ifo_counters)(struct ifnet *, struct if_counters *);
	/* a line or more of its own for ifconfig(8), like snprintf(); NULL */
	int	(*ifo_describe)(struct ifnet *, char *, size_t);
};

struct ifnet {
	/* the driver's: set before ether_ifattach() */
	char		 if_xname[IFNAMSIZ];
	const struct ifnet_ops *if_ops;
	void		*if_softc;
	uint8_t		 if_lladdr[ETHER_ADDR_LEN];
	u_int		 if_mtu;		/* of what is in a frame */
	u_int		 if_hardmtu;		/* the most that can be */
	uint32_t	 if_capabilities;	/* IFCAP_*: can do */
	uint32_t	 if_capenable;		/* does: set by ifo_setcaps */
	u_int		 if_tsomax;		/* most bytes of a GSO frame */
	u_int		 if_tsosegs;		/* most mbufs, roughly, of one */
	/* a driver may set these later too, with if_link_changed() */
	enum link_state	 if_link;
	uint64_t	 if_baudrate;		/* bits a second; 0: unknown */
	bool		 if_fullduplex;

	/* the network's */
	u_int		 if_index;
	u_int		 if_type;		/* ARPHRD_* */
	u_int		 if_flags;		/* IFF_* */
	u_int		 if_refs;		/* atomic; see if_get() */
	bool		 if_dead;
	/* the link's: a packet to a neighbour; see neigh.h */
	int		(*if_output)(struct ifnet *, struct mbuf *,
			    const struct inaddr *, bool more);
	struct if_counters if_counters;		/* what the stack counts */
	LIST_HEAD(, if_mcast) if_mcasts;	/* net_mtx */
	TAILQ_HEAD(, ifaddr) if_addrs;		/* net_mtx */
	TAILQ_ENTRY(ifnet) if_link_entry;	/* net_mtx */
	struct in6_ifinfo *if_in6;		/* IPv6's own; net_mtx */
	struct task	 if_filtertask;
	struct task	 if_linktask;
	struct rwlock	 if_lock;		/* ifo_up ... one at a time */
};

/*
 * ether_ifattach: thread context.  ENOMEM; EEXIST: there is such a name.
 * ether_ifdetach: thread context: no more calls into the driver; addresses,
 *	routes and neighbours on it go, packets on their way are waited for.
 *	Harmless if not attached.
 * if_input: softint or thread: a received frame, with PH_* and GSO_* set; the
 *	offsets count from the frame's first byte.
 * if_link_changed: any context: if_link or if_baudrate was set.
 * if_announce: any context: tell the neighbours where we are (the host moved
 *	us): gratuitous ARP and unsolicited neighbour advertisements.
 */
int	 ether_ifattach(struct ifnet *);
void	 ether_ifdetach(struct ifnet *);
void	 if_input(struct ifnet *, struct mbuf *);
void	 if_link_changed(struct ifnet *);
void	 if_announce(struct ifnet *);

/*
 * The link-layer multicast addresses, in ifo_rxfilter: up to n of them; the
 * number that there are.
 */
u_int	 if_mcast_get(struct ifnet *, uint8_t (*)[ETHER_ADDR_LEN], u_int);

/* --- polling ---------------------------------------------------------------- */

/*
 * ip_fn: receives up to budget packets; returns the number.  Less than that:
 * there are no more, and its interrupt is enabled again.  Softint or thread,
 * one at a time.
 * if_poll_init, if_poll_stop: thread context; after the latter it does not
 * run and is not scheduled (the interrupt must have been ended before).
 * if_poll_schedule: any context.
 */
struct ifpoll {
	TAILQ_ENTRY(ifpoll) ip_entry;
	u_int		(*ip_fn)(void *, u_int budget);
	void		*ip_arg;
	u_int		 ip_state;
	bool		 ip_stopped;
};
void	 if_poll_init(struct ifpoll *, u_int (*)(void *, u_int), void *);
void	 if_poll_stop(struct ifpoll *);
void	 if_poll_schedule(struct ifpoll *);

#endif /* _NET_IFNET_H_ */

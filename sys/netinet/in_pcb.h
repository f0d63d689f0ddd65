/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_IN_PCB_H_
#define _NETINET_IN_PCB_H_

/*
 * The part of a socket's state that TCP, UDP and raw sockets share: addresses,
 * ports, options, and the tables in which arriving packets find their socket.
 *
 * An inpcb is guarded by its socket's mutex, but for what the table looks at
 * (addresses, ports, links), which is written with both that mutex and the
 * table's, and so may be read with either.
 */

#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/socketvar.h>

#include <netinet/ip_var.h>

#define INPCB_HASH	256

/* a group that a socket listens to */
struct inp_member {
	LIST_ENTRY(inp_member) im_entry;
	struct inaddr	 im_group;
	u_int		 im_ifidx;
};
#define INP_MEMBERS_MAX	20

struct inpcb {
	LIST_ENTRY(inpcb) inp_hash;	/* table: connected, by all four */
	LIST_ENTRY(inpcb) inp_porthash;	/* table: by local port */
	struct inpcbtable *inp_table;	/* NULL: in none */
	struct socket	*inp_socket;
	struct inaddr	 inp_laddr, inp_faddr;
	uint16_t	 inp_lport, inp_fport;	/* host order; 0: none */
	u_int		 inp_ifidx;	/* scope, SO_BINDTODEVICE; 0: any */
	u_int		 inp_flags;	/* INP_* */
	uint8_t		 inp_ttl, inp_tos, inp_mcttl;
	uint8_t		 inp_pmtudisc;
	u_int		 inp_mcifidx;
	struct ip_route	 inp_route;
	LIST_HEAD(, inp_member) inp_members;	/* groups joined */
};
#define INP_V4		0x0001		/* AF_INET */
#define INP_V6ONLY	0x0002
#define INP_CONNECTED	0x0004		/* in the hash of connections */
#define INP_ANYPORT	0x0008		/* the port was our choice */
#define INP_HDRINCL	0x0010
#define INP_NOMCLOOP	0x0020
#define INP_RECVPKTINFO	0x0040
#define INP_RECVTTL	0x0080
#define INP_RECVTOS	0x0100
#define INP_RECVERR	0x0200
#define INP_2292PKTINFO	0x0400
#define INP_2292TTL	0x0800

struct inpcbtable {
	struct mutex	 it_mtx;
	uint64_t	 it_key[2];	/* of the hash, secret */
	LIST_HEAD(inpcbhead, inpcb) it_hash[INPCB_HASH];
	struct inpcbhead it_ports[INPCB_HASH];
	u_int		 it_count;
};

/*
 * in_pcbinit: sets up a fresh inpcb (its memory is the protocol's).
 * in_pcbtable_init: at boot.
 * in_pcbbind: so_mtx held.  NULL address: a free port on any address.  Checks
 *	family, length, that the address is ours, rights and use of the port.
 *	EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL, EADDRINUSE, EACCES.
 * in_pcbconnect: so_mtx held: sets the peer, chooses local address and port
 *	where they are not set, unpredictably, and enters the connection.
 *	EADDRINUSE, EADDRNOTAVAIL, ENETUNREACH...
 * in_pcbdisconnect: so_mtx held: takes the peer off again.
 * in_pcbconnected: so_mtx held: enters a connection whose addresses and ports
 *	the protocol has set itself (accepted by a listening socket).  EADDRINUSE.
 * in_pcbdetach: so_mtx held: out of all tables; groups are left.
 * in_pcblookup: softint, no mutex held: the connection, or else (if wild) the
 *	best of the bound sockets, with a reference to its socket; NULL.  Enter
 *	so_mtx and look again whether inp_table is still set.
 * in_pcbforeach: fn for each (with a reference, without the
 *	table's mutex); thread or softint.
 * in_pcbsetopt, in_pcbgetopt: options of IPPROTO_IP and IPPROTO_IPV6.
 *	ENOPROTOOPT.
 * in_sockaddr: into the form of the socket's family.
 * in_fromsockaddr: from the program's form; the socket's family decides what is
 *	right.  EINVAL, EAFNOSUPPORT.
 * in_pcbout: fills in an ip_out from the socket, its peer and its options.
 */
void	 in_pcbtable_init(struct inpcbtable *);
void	 in_pcbinit(struct inpcb *, struct inpcbtable *, struct socket *);
int	 in_pcbbind(struct inpcb *, struct inpcbtable *,
	    const struct sockaddr *, size_t);
int	 in_pcbconnect(struct inpcb *, struct inpcbtable *,
	    const struct sockaddr *, size_t);
void	 in_pcbdisconnect(struct inpcb *);
int	 in_pcbconnected(struct inpcb *, struct inpcbtable *);
void	 in_pcbdetach(struct inpcb *);
struct inpcb *in_pcblookup(struct inpcbtable *, const struct inaddr *laddr,
	    uint16_t lport, const struct inaddr *faddr, uint16_t fport,
	    u_int ifidx, bool wild);
void	 in_pcbforeach(struct inpcbtable *, void (*)(struct inpcb *, void *),
	    void *);
/* whether the socket would take a datagram for that group, so_mtx held */
bool	 in_pcbmember(const struct inpcb *, const struct inaddr *, u_int ifidx);
int	 in_pcbsetopt(struct inpcb *, int, int, const void *, size_t);
int	 in_pcbgetopt(struct inpcb *, int, int, void *, size_t *);
void	 in_sockaddr(const struct inpcb *, const struct inaddr *, uint16_t,
	    u_int ifidx, struct sockaddr_storage *, size_t *);
int	 in_fromsockaddr(const struct inpcb *, const struct sockaddr *, size_t,
	    struct inaddr *, uint16_t *, u_int *ifidx);
void	 in_pcbout(struct inpcb *, uint8_t proto, struct ip_out *);
/* protosw's pr_control */
bool	 in_pcbcontrol(struct socket *, const struct dgram_info *, uint8_t *,
	    size_t, size_t *);
/*
 * so_mtx held: what control messages of one datagram say, into *io; src is set
 * to :: or what they say, and must last as long as io.  EINVAL,
 * EADDRNOTAVAIL.
 */
int	 in_pcbsendcontrol(const struct sendinfo *, struct ip_out *,
	    struct inaddr *src);
/* protosw functions where so_pcb begins with the inpcb */
int	 in_pcbsockname(struct socket *, struct sockaddr_storage *, size_t *);
int	 in_pcbpeername(struct socket *, struct sockaddr_storage *, size_t *);

#endif /* _NETINET_IN_PCB_H_ */

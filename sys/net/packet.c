/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Packet sockets (AF_PACKET): frames as they come and go, for DHCP clients
 * and for programs that watch the network.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

#include <net/if_var.h>

#define PACKET_HOST		0
#define PACKET_BROADCAST	1
#define PACKET_MULTICAST	2
#define PACKET_OTHERHOST	3
#define PACKET_OUTGOING		4
#define SOL_PACKET		263
#define PACKET_ADD_MEMBERSHIP	1
#define PACKET_DROP_MEMBERSHIP	2
#define PACKET_AUXDATA		8
#define ETH_P_ALL		3

struct sockaddr_ll {
	uint16_t	sll_family;
	be16_w		sll_protocol;
	int		sll_ifindex;
	uint16_t	sll_hatype;
	uint8_t		sll_pkttype;
	uint8_t		sll_halen;
	uint8_t		sll_addr[8];
};
_Static_assert(sizeof(struct sockaddr_ll) == 20, "as programs know it");

struct packetpcb {
	TAILQ_ENTRY(packetpcb)	 p_entry;	/* packet_mtx */
	struct socket		*p_socket;
	uint16_t		 p_proto;	/* ETH_P_ALL, a type; 0: none */
	u_int			 p_ifidx;	/* 0: all */
	bool			 p_listed;
};

static struct mutex	packet_mtx = MUTEX_INITIALIZER(IPL_SOFT);
static TAILQ_HEAD(, packetpcb) packets = TAILQ_HEAD_INITIALIZER(packets);
u_int			packet_users;

/* --- what goes by ------------------------------------------------------------------ */

static uint8_t
packet_type(const struct ifnet *ifp, const struct ether_header *eh, bool out)
{
	if (out)
		return (PACKET_OUTGOING);
	if (ETHER_IS_MULTICAST(eh->ether_dhost))
		return (eh->ether_dhost[0] == 0xff ? PACKET_BROADCAST :
		    PACKET_MULTICAST);
	return (memcmp(eh->ether_dhost, ifp->if_lladdr, ETHER_ADDR_LEN) == 0 ?
	    PACKET_HOST : PACKET_OTHERHOST);
}

/* A finished checksum where the device would have made it. */
static struct mbuf *
packet_copy(struct mbuf *m, bool header)
{
	struct mbuf *c;

	if ((c = m_copym(m, 0, M_COPYALL, true)) == NULL)
		return (NULL);
	if ((c->m_pkthdr.ph_flags & PH_CSUM_PARTIAL) &&
	    c->m_pkthdr.ph_gso == GSO_NONE && cksum_partial(&c) != 0) {
		m_freem(c);
		return (NULL);
	}
	if (!header)
		m_adj(c, ETHER_HDR_LEN);
	return (c);
}

static void
packet_give(struct packetpcb *p, struct ifnet *ifp, struct mbuf *m,
    const struct ether_header *eh, bool out)
{
	struct socket *so = p->p_socket;
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
	    .sll_protocol = eh->ether_type, .sll_ifindex = ifp->if_index,
	    .sll_hatype = ifp->if_type, .sll_halen = ETHER_ADDR_LEN,
	    .sll_pkttype = packet_type(ifp, eh, out) };
	struct dgram_info di;
	struct mbuf *c;

	if ((c = packet_copy(m, so->so_type == SOCK_RAW)) == NULL)
		return;
	memset(&di, 0, sizeof(di));
	memcpy(sll.sll_addr, eh->ether_shost, ETHER_ADDR_LEN);
	memcpy(di.di_from, &sll, sizeof(sll));
	di.di_fromlen = sizeof(sll);
	di.di_ifidx = ifp->if_index;
	mtx_enter(&so->so_mtx);
	if (SO_ISSET(so, SO_TIMESTAMP))
		di.di_time = nsecwall();
	if (sb_appenddgram(&so->so_rcv, &di, c))
		so_wakeup_rcv(so);
	mtx_leave(&so->so_mtx);
}

void
packet_tap(struct ifnet *ifp, struct mbuf *m, bool out)
{
	struct packetpcb *p, *take[8];
	struct ether_header eh;
	u_int n = 0, i;

	if (ifp->if_type != ARPHRD_ETHER ||
	    !m_copydata(m, 0, sizeof(eh), &eh))
		return;
	mtx_enter(&packet_mtx);
	TAILQ_FOREACH(p, &packets, p_entry) {
		if (n == nitems(take))
			break;
		if ((p->p_ifidx != 0 && p->p_ifidx != ifp->if_index) ||
		    (p->p_proto != ETH_P_ALL &&
		    (out || p->p_proto != be16_get(eh.ether_type))))
			continue;
		so_ref(p->p_socket);
		take[n++] = p;
	}
	mtx_leave(&packet_mtx);
	for (i = 0; i < n; i++) {
		packet_give(take[i], ifp, m, &eh, out);
		so_unref(take[i]->p_socket);
	}
}

/* --- sockets ------------------------------------------------------------------------- */

static void
packet_list(struct packetpcb *p, bool on)
{
	mtx_enter(&packet_mtx);
	if (on && !p->p_listed) {
		TAILQ_INSERT_TAIL(&packets, p, p_entry);
		__atomic_fetch_add(&packet_users, 1, __ATOMIC_RELAXED);
	} else if (!on && p->p_listed) {
		TAILQ_REMOVE(&packets, p, p_entry);
		__atomic_fetch_sub(&packet_users, 1, __ATOMIC_RELAXED);
	}
	p->p_listed = on;
	mtx_leave(&packet_mtx);
}

static int
packet_attach(struct socket *so, int protocol)
{
	struct packetpcb *p;

	if ((p = kmem_zalloc(sizeof(*p), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	p->p_socket = so;
	/* as the program has it in network order */
	p->p_proto = be16_get((be16_w){ protocol });
	so->so_pcb = p;
	packet_list(p, p->p_proto != 0);
	return (0);
}

static void
packet_close(struct socket *so)
{
	packet_list(so->so_pcb, false);
}

static void
packet_free(struct socket *so)
{
	kmem_free(so->so_pcb, sizeof(struct packetpcb));
}

static int
packet_bind(struct socket *so, const struct sockaddr *sa, size_t len)
{
	struct packetpcb *p = so->so_pcb;
	struct sockaddr_ll sll;
	struct ifnet *ifp;

	if (len < sizeof(sll))
		return (EINVAL);
	memcpy(&sll, sa, sizeof(sll));
	if (sll.sll_family != AF_PACKET)
		return (EINVAL);
	if (sll.sll_ifindex != 0) {
		if ((ifp = if_get(sll.sll_ifindex)) == NULL)
			return (ENODEV);
		if_put(ifp);
	}
	mtx_enter(&packet_mtx);
	p->p_ifidx = sll.sll_ifindex;
	if (be16_get(sll.sll_protocol) != 0)
		p->p_proto = be16_get(sll.sll_protocol);
	mtx_leave(&packet_mtx);
	packet_list(p, p->p_proto != 0);
	/* send(2) knows where to then */
	if (p->p_ifidx != 0)
		so->so_state |= SS_CONNECTED;
	return (0);
}

static int
packet_send(struct socket *so, struct mbuf *m, const struct sendinfo *si)
{
	struct packetpcb *p = so->so_pcb;
	struct sockaddr_ll sll = { .sll_ifindex = p->p_ifidx,
	    .sll_protocol = be16_make(p->p_proto) };
	struct ifnet *ifp;
	int error;

	if (si->si_to != NULL && si->si_tolen < sizeof(sll))
		error = EINVAL;
	else {
		if (si->si_to != NULL)
			memcpy(&sll, si->si_to, sizeof(sll));
		error = so->so_type == SOCK_DGRAM && (si->si_to == NULL ||
		    sll.sll_halen < ETHER_ADDR_LEN) ? EINVAL : 0;
	}
	if (error != 0 || (ifp = if_get(sll.sll_ifindex)) == NULL) {
		m_freem(m);
		return (error != 0 ? error : ENXIO);
	}
	if (ifp->if_type != ARPHRD_ETHER ||
	    m->m_pkthdr.ph_len > ifp->if_mtu + ETHER_HDR_LEN +
	    ETHER_VLAN_LEN || (so->so_type == SOCK_RAW &&
	    m->m_pkthdr.ph_len < ETHER_HDR_LEN)) {
		m_freem(m);
		error = EMSGSIZE;
	} else if (so->so_type == SOCK_RAW)
		error = if_transmit(ifp, m, false);
	else
		error = ether_frame(ifp, m, sll.sll_addr,
		    be16_get(sll.sll_protocol), false);
	if_put(ifp);
	return (error);
}

static void
packet_rcvd(struct socket *so __unused)
{
}

static int
packet_sockname(struct socket *so, struct sockaddr_storage *ss, size_t *lenp)
{
	struct packetpcb *p = so->so_pcb;
	struct sockaddr_ll sll = { .sll_family = AF_PACKET,
	    .sll_protocol = be16_make(p->p_proto),
	    .sll_ifindex = p->p_ifidx };
	struct ifnet *ifp;

	if ((ifp = if_get(p->p_ifidx)) != NULL) {
		sll.sll_hatype = ifp->if_type;
		sll.sll_halen = ETHER_ADDR_LEN;
		memcpy(sll.sll_addr, ifp->if_lladdr, ETHER_ADDR_LEN);
		if_put(ifp);
	}
	memcpy(ss, &sll, sizeof(sll));
	*lenp = sizeof(sll);
	return (0);
}

static int
packet_setopt(struct socket *so __unused, int level, int opt,
    const void *val __unused, size_t len __unused)
{
	if (level == SOL_SOCKET)
		return (0);
	/* what is done without: the device decides what it lets in */
	if (level == SOL_PACKET && (opt == PACKET_ADD_MEMBERSHIP ||
	    opt == PACKET_DROP_MEMBERSHIP))
		return (0);
	return (ENOPROTOOPT);
}

#define PACKET_PROTOSW(type) {						\
	.pr_domain = AF_PACKET,						\
	.pr_type = (type),						\
	.pr_flags = PR_ATOMIC | PR_ADDR | PR_PRIV,			\
	.pr_attach = packet_attach,					\
	.pr_close = packet_close,					\
	.pr_free = packet_free,						\
	.pr_bind = packet_bind,						\
	.pr_send = packet_send,						\
	.pr_rcvd = packet_rcvd,						\
	.pr_sockname = packet_sockname,					\
	.pr_setopt = packet_setopt,					\
}
static const struct protosw packet_protosw[] = {
	PACKET_PROTOSW(SOCK_RAW),
	PACKET_PROTOSW(SOCK_DGRAM),
};

void
packet_init(void)
{
	protosw_register(&packet_protosw[0]);
	protosw_register(&packet_protosw[1]);
}

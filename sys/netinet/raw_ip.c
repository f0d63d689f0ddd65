/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Raw sockets of IPv4 and IPv6, and sockets that send and receive ICMP's echo
 * and nothing else (SOCK_DGRAM with IPPROTO_ICMP), for ping(8).
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/in_pcb.h>
#include <netinet/ip.h>

#define SOL_RAW		255
#define ICMP_FILTER	1		/* of SOL_RAW: a bit a type */
#define ICMP6_FILTER	1		/* of IPPROTO_ICMPV6 */
#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ECHO_REPLY 129

struct rawpcb {
	struct inpcb	 r_inp;		/* the port is that of an echo's id */
	uint8_t		 r_proto;
	uint32_t	 r_filter[8];	/* types that are not wanted */
	bool		 r_filtered;
};

static struct inpcbtable	rip_table;

static bool
rip_isping(const struct socket *so)
{
	return (so->so_type == SOCK_DGRAM);
}

/* --- receiving ------------------------------------------------------------------- */

struct rip_packet {
	struct mbuf		*rp_m;
	const struct ip_in	*rp_ii;
	uint8_t			 rp_icmp[8];	/* its beginning */
	bool			 rp_given;
};

static bool
rip_filtered(const struct rawpcb *rp, const struct rip_packet *p)
{
	uint8_t type = p->rp_icmp[0];

	return (rp->r_filtered &&
	    (rp->r_filter[type / 32] & 1U << type % 32) != 0);
}

/* Whether an echo's answer is for that one. */
static bool
rip_echo(const struct inpcb *inp, const struct rip_packet *p)
{
	uint16_t id = p->rp_icmp[4] << 8 | p->rp_icmp[5];

	return (p->rp_icmp[0] == (in_is4(&p->rp_ii->ii_dst) ? 0 :
	    ICMP6_ECHO_REPLY) && inp->inp_lport == id);
}

static bool
rip_wants(const struct inpcb *inp, const struct rip_packet *p)
{
	const struct socket *so = inp->inp_socket;
	const struct rawpcb *rp = so->so_pcb;
	const struct ip_in *ii = p->rp_ii;

	if (rp->r_proto != ii->ii_proto ||
	    in_is4(&ii->ii_dst) != ((inp->inp_flags & INP_V4) != 0) ||
	    (!in_isany(&inp->inp_laddr) &&
	    !in_equal(&inp->inp_laddr, &ii->ii_dst)) ||
	    (!in_isany(&inp->inp_faddr) &&
	    !in_equal(&inp->inp_faddr, &ii->ii_src)) ||
	    (so->so_ifidx != 0 && so->so_ifidx != ii->ii_ifidx))
		return (false);
	return (rip_isping(so) ? rip_echo(inp, p) : !rip_filtered(rp, p));
}

/* Raw sockets of IPv4 get the header too. */
static struct mbuf *
rip_header(struct mbuf *m, const struct ip_in *ii)
{
	struct ip ip = { .ip_vhl = 0x45, .ip_tos = ii->ii_tos,
	    .ip_ttl = ii->ii_ttl, .ip_p = ii->ii_proto,
	    .ip_src = ii->ii_src.ia_l[3], .ip_dst = ii->ii_dst.ia_l[3] };

	ip.ip_len = be16_make(sizeof(ip) + m->m_pkthdr.ph_len);
	ip.ip_sum = ~cksum_fold(cksum_add(0, &ip, sizeof(ip)));
	if ((m = m_prepend(m, sizeof(ip))) != NULL)
		memcpy(m->m_data, &ip, sizeof(ip));
	return (m);
}

static void
rip_append(struct inpcb *inp, const struct rip_packet *p)
{
	struct socket *so = inp->inp_socket;
	const struct ip_in *ii = p->rp_ii;
	struct sockaddr_storage ss;
	struct dgram_info di;
	struct mbuf *m;
	size_t len;

	if ((m = m_copym(p->rp_m, 0, M_COPYALL, true)) == NULL)
		return;
	if ((inp->inp_flags & INP_V4) && !rip_isping(so) &&
	    (m = rip_header(m, ii)) == NULL)
		return;
	memset(&di, 0, sizeof(di));
	in_sockaddr(inp, &ii->ii_src, 0, ii->ii_ifidx, &ss, &len);
	memcpy(di.di_from, &ss, len);
	di.di_fromlen = len;
	memcpy(di.di_to, &ii->ii_dst, sizeof(ii->ii_dst));
	di.di_ifidx = ii->ii_ifidx;
	di.di_ttl = ii->ii_ttl;
	di.di_tos = ii->ii_tos;
	if (SO_ISSET(so, SO_TIMESTAMP))
		di.di_time = nsecwall();
	if (sb_appenddgram(&so->so_rcv, &di, m))
		so_wakeup_rcv(so);
}

static void
rip_one(struct inpcb *inp, void *arg)
{
	struct socket *so = inp->inp_socket;
	struct rip_packet *p = arg;

	mtx_enter(&so->so_mtx);
	if (inp->inp_table != NULL && rip_wants(inp, p)) {
		p->rp_given = true;
		rip_append(inp, p);
	}
	mtx_leave(&so->so_mtx);
}

bool
rip_input(struct mbuf *m, const struct ip_in *ii)
{
	struct rip_packet p = { .rp_m = m, .rp_ii = ii };

	/* for each packet: most machines have no such socket */
	if (__atomic_load_n(&rip_table.it_count, __ATOMIC_RELAXED) == 0)
		return (false);
	(void)m_copydata(m, 0, MIN(sizeof(p.rp_icmp), m->m_pkthdr.ph_len),
	    p.rp_icmp);
	in_pcbforeach(&rip_table, rip_one, &p);
	return (p.rp_given);
}

/* --- sending ---------------------------------------------------------------------- */

/* The program made the header (IP_HDRINCL): it becomes what we are told. */
static int
rip_ownheader(struct mbuf **mp, struct ip_out *io, struct inaddr *src,
    struct inaddr *dst)
{
	struct ip ip;

	if (!m_copydata(*mp, 0, sizeof(ip), &ip) || ip.ip_vhl != 0x45)
		return (EINVAL);
	m_adj(*mp, sizeof(ip));
	*src = in4_make(be32_get(ip.ip_src));
	*dst = in4_make(be32_get(ip.ip_dst));
	io->io_src = src;
	io->io_dst = dst;
	io->io_proto = ip.ip_p;
	io->io_ttl = ip.ip_ttl;
	io->io_tos = ip.ip_tos;
	io->io_df = (be16_get(ip.ip_off) & IP_DF) != 0;
	return (0);
}

/* ICMPv6 has a sum over the pseudo header (RFC 4443, 2.3). */
static int
rip_cksum6(struct mbuf *m, struct ip_out *io)
{
	struct ip_route *ir = io->io_route;
	uint32_t len = m->m_pkthdr.ph_len;
	uint16_t sum = 0;
	int error;

	error = ip_route_get(ir, io->io_dst, io->io_src, io->io_ifidx);
	if (error != 0)
		return (error);
	if (len < 4 || !m_copyback(m, 2, 2, &sum))
		return (EINVAL);
	sum = ~cksum_fold(m_cksum(m, 0, len, ip_pseudo(&ir->ir_src,
	    io->io_dst, IPPROTO_ICMPV6, len)));
	(void)m_copyback(m, 2, 2, &sum);
	return (0);
}

/* An echo request of a socket's own id, with the sum. */
static int
rip_ping(struct inpcb *inp, struct mbuf *m)
{
	bool v4 = (inp->inp_flags & INP_V4) != 0;
	be16_w id = be16_make(inp->inp_lport);
	uint16_t sum = 0;

	if (m->m_pkthdr.ph_len < 8 || m->m_len < 8 || m->m_data[1] != 0 ||
	    m->m_data[0] != (v4 ? 8 : ICMP6_ECHO_REQUEST))
		return (EINVAL);
	if (!m_copyback(m, 4, 2, &id) || !m_copyback(m, 2, 2, &sum))
		return (EINVAL);
	if (v4) {
		sum = ~cksum_fold(m_cksum(m, 0, m->m_pkthdr.ph_len, 0));
		(void)m_copyback(m, 2, 2, &sum);
	}
	return (0);
}

static int
rip_prepare(struct socket *so, struct mbuf **mp, const struct sendinfo *si,
    struct ip_out *io, struct inaddr *addrs)
{
	struct rawpcb *rp = so->so_pcb;
	struct inpcb *inp = &rp->r_inp;
	uint16_t port;
	u_int ifidx;
	int error = 0;

	in_pcbout(inp, rp->r_proto, io);
	if (si->si_to != NULL) {
		error = in_fromsockaddr(inp, si->si_to, si->si_tolen,
		    &addrs[0], &port, &ifidx);
		io->io_dst = &addrs[0];
		if (ifidx != 0)
			io->io_ifidx = ifidx;
		if (in_ismulticast(&addrs[0]) && io->io_ifidx == 0)
			io->io_ifidx = inp->inp_mcifidx;
	}
	if (error == 0 && si->si_controllen != 0)
		error = in_pcbsendcontrol(si, io, &addrs[1]);
	if (error == 0 && (inp->inp_flags & INP_HDRINCL))
		error = rip_ownheader(mp, io, &addrs[1], &addrs[0]);
	if (error == 0 && rip_isping(so)) {
		if (inp->inp_lport == 0)
			error = in_pcbbind(inp, &rip_table, NULL, 0);
		if (error == 0)
			error = rip_ping(inp, *mp);
	}
	if (error == 0 && io->io_proto == IPPROTO_ICMPV6)
		error = rip_cksum6(*mp, io);
	return (error);
}

static int
rip_send(struct socket *so, struct mbuf *m, const struct sendinfo *si)
{
	struct inaddr addrs[2] = { 0 };
	struct ip_out io;
	int error;

	if ((error = rip_prepare(so, &m, si, &io, addrs)) != 0) {
		m_freem(m);
		return (error);
	}
	return (ip_send(m, &io));
}

/* --- sockets ------------------------------------------------------------------------- */

static int
rip_attach(struct socket *so, int protocol)
{
	struct rawpcb *rp;
	int error = 0;

	if (protocol < 0 || protocol > 255 ||
	    (protocol == 0 && so->so_type == SOCK_RAW))
		return (EPROTONOSUPPORT);
	if ((rp = kmem_zalloc(sizeof(*rp), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	in_pcbinit(&rp->r_inp, &rip_table, so);
	rp->r_proto = protocol;
	so->so_pcb = rp;
	/* raw sockets hear all from the beginning; their port is nothing */
	if (!rip_isping(so)) {
		if (protocol == IPPROTO_RAW)
			rp->r_inp.inp_flags |= INP_HDRINCL;
		mtx_enter(&so->so_mtx);
		so->so_options |= 1U << SO_REUSEPORT;
		error = in_pcbbind(&rp->r_inp, &rip_table, NULL, 0);
		mtx_leave(&so->so_mtx);
	}
	return (error);
}

static void
rip_close(struct socket *so)
{
	in_pcbdetach(so->so_pcb);
}

static void
rip_free(struct socket *so)
{
	kmem_free(so->so_pcb, sizeof(struct rawpcb));
}

static int
rip_bind(struct socket *so, const struct sockaddr *sa, size_t len)
{
	struct inpcb *inp = so->so_pcb;
	struct inaddr addr;
	uint16_t port;
	u_int ifidx;
	int error;

	if (rip_isping(so))
		return (in_pcbbind(inp, &rip_table, sa, len));
	error = in_fromsockaddr(inp, sa, len, &addr, &port, &ifidx);
	if (error == 0 && !in_isany(&addr) && !ip_islocal(&addr, ifidx))
		error = EADDRNOTAVAIL;
	if (error == 0)
		inp->inp_laddr = addr;
	return (error);
}

static int
rip_connect(struct socket *so, const struct sockaddr *sa, size_t len)
{
	struct inpcb *inp = so->so_pcb;
	struct inaddr addr;
	uint16_t port;
	u_int ifidx;
	int error;

	error = in_fromsockaddr(inp, sa, len, &addr, &port, &ifidx);
	if (error == 0)
		error = ip_route_get(&inp->inp_route, &addr, NULL,
		    ifidx != 0 ? ifidx : so->so_ifidx);
	if (error == 0) {
		inp->inp_faddr = addr;
		so->so_state |= SS_CONNECTED;
	}
	return (error);
}

static void
rip_rcvd(struct socket *so __unused)
{
}

static int
rip_setopt(struct socket *so, int level, int opt, const void *val,
    size_t len)
{
	struct rawpcb *rp = so->so_pcb;

	if (level == SOL_SOCKET)
		return (0);
	if (level == SOL_RAW && opt == ICMP_FILTER &&
	    rp->r_proto == IPPROTO_ICMP) {
		memcpy(rp->r_filter, val, MIN(len, 4));
		rp->r_filtered = true;
		return (0);
	}
	if (level == IPPROTO_ICMPV6 && opt == ICMP6_FILTER &&
	    rp->r_proto == IPPROTO_ICMPV6) {
		memcpy(rp->r_filter, val, MIN(len, sizeof(rp->r_filter)));
		rp->r_filtered = true;
		return (0);
	}
	/* RFC 3542, 3.1: of ICMPv6 the kernel makes the sum anyway */
	if ((level == IPPROTO_IPV6 || level == SOL_RAW) &&
	    opt == IPV6_CHECKSUM && rp->r_proto == IPPROTO_ICMPV6)
		return (0);
	return (in_pcbsetopt(&rp->r_inp, level, opt, val, len));
}

static int
rip_getopt(struct socket *so, int level, int opt, void *val, size_t *lenp)
{
	return (in_pcbgetopt(so->so_pcb, level, opt, val, lenp));
}

#define RIP_PROTOSW(af, type, proto) {					\
	.pr_domain = (af),						\
	.pr_type = (type),						\
	.pr_protocol = (proto),						\
	.pr_flags = PR_ATOMIC | PR_ADDR | PR_PRIV,			\
	.pr_attach = rip_attach,					\
	.pr_close = rip_close,						\
	.pr_free = rip_free,						\
	.pr_bind = rip_bind,						\
	.pr_connect = rip_connect,					\
	.pr_send = rip_send,						\
	.pr_rcvd = rip_rcvd,						\
	.pr_sockname = in_pcbsockname,					\
	.pr_peername = in_pcbpeername,					\
	.pr_setopt = rip_setopt,					\
	.pr_getopt = rip_getopt,					\
	.pr_control = in_pcbcontrol,					\
}
static const struct protosw rip_protosw[] = {
	RIP_PROTOSW(AF_INET, SOCK_RAW, 0),
	RIP_PROTOSW(AF_INET6, SOCK_RAW, 0),
	RIP_PROTOSW(AF_INET, SOCK_DGRAM, IPPROTO_ICMP),
	RIP_PROTOSW(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6),
};

void
rip_init(void)
{
	size_t i;

	in_pcbtable_init(&rip_table);
	for (i = 0; i < nitems(rip_protosw); i++)
		protosw_register(&rip_protosw[i]);
}

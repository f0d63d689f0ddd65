/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * UDP (RFC 768, RFC 1122, 4.1), over IPv4 and IPv6.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/socketvar.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/in_pcb.h>
#include <netinet/ip.h>
#include <netinet/udp_var.h>

struct udpcb {
	struct inpcb	 u_inp;
	u_int		 u_segment;	/* UDP_SEGMENT */
	bool		 u_gro;		/* UDP_GRO */
};

static struct inpcbtable	udp_table;
static struct {
	uint64_t	in, out, badsum, badlen, noport, full;
} udpstat;					/* atomic */
#define COUNT(c)	__atomic_fetch_add(&udpstat.c, 1, __ATOMIC_RELAXED)

static int
udp_stats(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "received %llu, sent %llu, "
	    "bad checksum %llu, bad length %llu, no port %llu, "
	    "buffer full %llu", (unsigned long long)udpstat.in,
	    (unsigned long long)udpstat.out,
	    (unsigned long long)udpstat.badsum,
	    (unsigned long long)udpstat.badlen,
	    (unsigned long long)udpstat.noport,
	    (unsigned long long)udpstat.full));
}

static struct sysctl_oid udp_oid = {
	.so_name = "net.inet.udp.stats", .so_read = udp_stats,
};

/* --- receiving ------------------------------------------------------------------- */

static void
udp_info(const struct inpcb *inp, const struct ip_in *ii, uint16_t sport,
    struct dgram_info *di)
{
	struct sockaddr_storage ss;
	size_t len;

	memset(di, 0, sizeof(*di));
	in_sockaddr(inp, &ii->ii_src, sport, ii->ii_ifidx, &ss, &len);
	memcpy(di->di_from, &ss, len);
	di->di_fromlen = len;
	memcpy(di->di_to, &ii->ii_dst, sizeof(ii->ii_dst));
	di->di_ifidx = ii->ii_ifidx;
	di->di_ttl = ii->ii_ttl;
	di->di_tos = ii->ii_tos;
	if (SO_ISSET(inp->inp_socket, SO_TIMESTAMP))
		di->di_time = nsecwall();
}

/* Segments that the host put together come one by one, unless asked else. */
static void
udp_append(struct socket *so, const struct dgram_info *di, struct mbuf *m,
    u_int segment)
{
	uint32_t total = m->m_pkthdr.ph_len, off, n;
	struct mbuf *s;

	if (segment == 0) {
		if (!sb_appenddgram(&so->so_rcv, di, m))
			COUNT(full);
		return;
	}
	for (off = 0; off < total; off += n) {
		n = MIN(segment, total - off);
		if ((s = m_copym(m, off, n, true)) == NULL ||
		    !sb_appenddgram(&so->so_rcv, di, s))
			COUNT(full);
	}
	m_freem(m);
}

/* m_data is at the payload; takes it over. */
static void
udp_give(struct inpcb *inp, struct mbuf *m, const struct ip_in *ii,
    uint16_t sport)
{
	struct socket *so = inp->inp_socket;
	struct udpcb *up = so->so_pcb;
	struct dgram_info di;
	u_int segment = m->m_pkthdr.ph_gso == GSO_UDP4 ||
	    m->m_pkthdr.ph_gso == GSO_UDP6 ? m->m_pkthdr.ph_gso_size : 0;

	mtx_enter(&so->so_mtx);
	if (inp->inp_table == NULL || (so->so_state & SS_CANTRCV))
		m_freem(m);
	else {
		udp_info(inp, ii, sport, &di);
		if (segment != 0 && up->u_gro) {
			di.di_gso_size = segment;
			segment = 0;
		}
		udp_append(so, &di, m, segment);
		so_wakeup_rcv(so);
	}
	mtx_leave(&so->so_mtx);
}

struct udp_many {
	const struct ip_in	*um_ii;
	struct mbuf		*um_m;
	uint16_t		 um_sport, um_dport;
};

static void
udp_one_of_many(struct inpcb *inp, void *arg)
{
	const struct udp_many *um = arg;
	const struct ip_in *ii = um->um_ii;
	struct socket *so = inp->inp_socket;
	struct mbuf *c;
	bool want;

	mtx_enter(&so->so_mtx);
	want = inp->inp_lport == um->um_dport &&
	    (in_isany(&inp->inp_laddr) ||
	    in_equal(&inp->inp_laddr, &ii->ii_dst)) &&
	    in_is4(&ii->ii_dst) == ((inp->inp_flags & INP_V4) != 0) &&
	    (inp->inp_fport == 0 || (inp->inp_fport == um->um_sport &&
	    in_equal(&inp->inp_faddr, &ii->ii_src))) &&
	    (so->so_ifidx == 0 || so->so_ifidx == ii->ii_ifidx ||
	    (um->um_m->m_pkthdr.ph_flags & PH_LOOP)) &&
	    (!in_ismulticast(&ii->ii_dst) || in_pcbmember(inp, &ii->ii_dst,
	    um->um_m->m_pkthdr.ph_flags & PH_LOOP ? 0 : ii->ii_ifidx));
	mtx_leave(&so->so_mtx);
	if (want && (c = m_copym(um->um_m, 0, M_COPYALL, true)) != NULL)
		udp_give(inp, c, ii, um->um_sport);
}

static void
udp_input(struct mbuf *m, const struct ip_in *ii)
{
	struct udphdr uh;
	struct inpcb *inp;
	u_int len;

	COUNT(in);
	if (!m_copydata(m, 0, sizeof(uh), &uh) ||
	    (len = be16_get(uh.uh_ulen)) < sizeof(uh) ||
	    (len > m->m_pkthdr.ph_len && m->m_pkthdr.ph_gso == GSO_NONE)) {
		COUNT(badlen);
		m_freem(m);
		return;
	}
	if (m->m_pkthdr.ph_gso == GSO_NONE && m->m_pkthdr.ph_len > len)
		m_adj(m, -(int)(m->m_pkthdr.ph_len - len));
	/* IPv6 has no packets without a sum (RFC 8200, 8.1) */
	if (uh.uh_sum == 0 ? !in_is4(&ii->ii_dst) : !ip_cksum_ok(m, ii)) {
		COUNT(badsum);
		m_freem(m);
		return;
	}
	if (ii->ii_mcast) {
		struct udp_many um = { ii, m, be16_get(uh.uh_sport),
		    be16_get(uh.uh_dport) };

		m_adj(m, sizeof(uh));
		in_pcbforeach(&udp_table, udp_one_of_many, &um);
		m_freem(m);
		return;
	}
	inp = in_pcblookup(&udp_table, &ii->ii_dst, be16_get(uh.uh_dport),
	    &ii->ii_src, be16_get(uh.uh_sport), ii->ii_ifidx, true);
	if (inp == NULL) {
		COUNT(noport);
		ip_unreachable(m, ii, UNREACH_PORT);
		return;
	}
	m_adj(m, sizeof(uh));
	udp_give(inp, m, ii, be16_get(uh.uh_sport));
	so_unref(inp->inp_socket);
}

static void
udp_error(int error, u_int mtu __unused, bool hard, const struct inaddr *src,
    const struct inaddr *dst, const uint8_t hdr[8])
{
	struct udphdr uh;
	struct inpcb *inp;
	struct socket *so;

	memcpy(&uh, hdr, sizeof(uh));
	inp = in_pcblookup(&udp_table, src, be16_get(uh.uh_sport), dst,
	    be16_get(uh.uh_dport), 0, false);
	if (inp == NULL)
		return;
	so = inp->inp_socket;
	mtx_enter(&so->so_mtx);
	if (inp->inp_table != NULL && (hard ||
	    (inp->inp_flags & INP_RECVERR)))
		so_seterror(so, error);
	mtx_leave(&so->so_mtx);
	so_unref(so);
}

const struct ip_transport udp_transport = {
	.it_proto = IPPROTO_UDP,
	.it_input = udp_input,
	.it_error = udp_error,
};

/* --- sending ---------------------------------------------------------------------- */

/* Takes the payload over; ports and addresses are in io. */
static int
udp_output(struct mbuf *m, struct ip_out *io, uint16_t sport, uint16_t dport,
    u_int segment)
{
	struct ip_route tmp = { .ir_gen = 0 };
	struct pkthdr *ph;
	struct udphdr uh;
	int error;

	if (m->m_pkthdr.ph_len > IP_MAXPACKET - sizeof(uh) -
	    (in_is4(io->io_dst) ? sizeof(struct ip) : 0)) {
		m_freem(m);
		return (EMSGSIZE);
	}
	if (io->io_route == NULL)
		io->io_route = &tmp;
	error = ip_route_get(io->io_route, io->io_dst, io->io_src,
	    io->io_ifidx);
	if (error != 0) {
		m_freem(m);
		return (error);
	}
	if ((m = m_prepend(m, sizeof(uh))) == NULL)
		return (ENOBUFS);
	ph = &m->m_pkthdr;
	uh.uh_sport = be16_make(sport);
	uh.uh_dport = be16_make(dport);
	uh.uh_ulen = be16_make(ph->ph_len);
	uh.uh_sum = cksum_fold(ip_pseudo(&io->io_route->ir_src, io->io_dst,
	    IPPROTO_UDP, ph->ph_len));
	memcpy(m->m_data, &uh, sizeof(uh));
	ph->ph_flags |= PH_CSUM_PARTIAL;
	ph->ph_csum_start = 0;
	ph->ph_csum_off = offsetof(struct udphdr, uh_sum);
	if (segment != 0) {
		ph->ph_gso = in_is4(io->io_dst) ? GSO_UDP4 : GSO_UDP6;
		ph->ph_gso_size = segment;
		ph->ph_gso_hdrlen = sizeof(uh);
	}
	COUNT(out);
	return (ip_send(m, io));
}

/* One call, many datagrams of the same size (UDP_SEGMENT). */
static int
udp_segments(struct mbuf *m, struct ip_out *io, uint16_t sport,
    uint16_t dport, u_int segment)
{
	uint32_t total = m->m_pkthdr.ph_len, off, n;
	struct ip_route *ir = io->io_route;
	struct mbuf *s;
	int error;

	error = ip_route_get(ir, io->io_dst, io->io_src, io->io_ifidx);
	if (error == 0 && (ir->ir_caps & IFCAP_USO))
		return (udp_output(m, io, sport, dport, segment));
	for (off = 0; off < total && error == 0; off += n) {
		n = MIN(segment, total - off);
		if ((s = m_copym(m, off, n, true)) == NULL) {
			error = ENOBUFS;
			break;
		}
		io->io_more = off + n < total;
		error = udp_output(s, io, sport, dport, 0);
	}
	m_freem(m);
	return (error);
}

/* Where to: the socket's peer, or what came with the call. */
static int
udp_target(struct inpcb *inp, const struct sendinfo *si, struct ip_out *io,
    struct inaddr *dst, uint16_t *dport)
{
	u_int ifidx;
	int error;

	in_pcbout(inp, IPPROTO_UDP, io);
	if (si->si_to == NULL) {
		*dport = inp->inp_fport;
		return (0);
	}
	error = in_fromsockaddr(inp, si->si_to, si->si_tolen, dst, dport,
	    &ifidx);
	if (error != 0)
		return (error);
	if (*dport == 0)
		return (EINVAL);
	if (in_isany(dst))
		*dst = in_is4(dst) ? in4_make(IN4(127, 0, 0, 1)) :
		    (struct inaddr){ .ia_b = { [15] = 1 } };
	io->io_dst = dst;
	if (ifidx != 0)
		io->io_ifidx = ifidx;
	if (in_ismulticast(dst)) {
		io->io_ttl = inp->inp_mcttl;
		if (io->io_ifidx == 0)
			io->io_ifidx = inp->inp_mcifidx;
	}
	/* bound to one family's address, and the other's to be reached */
	if (!in_isany(&inp->inp_laddr) &&
	    in_is4(&inp->inp_laddr) != in_is4(dst))
		return (EAFNOSUPPORT);
	return (0);
}

static u_int
udp_segment_of(const struct udpcb *up, const struct sendinfo *si)
{
	const struct cmsghdr *c;
	uint16_t v = up->u_segment;
	size_t off = 0;

	while ((c = cmsg_next(si->si_control, si->si_controllen, &off)) !=
	    NULL) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type ==
		    UDP_SEGMENT && c->cmsg_len >= sizeof(*c) + sizeof(v))
			memcpy(&v, CMSG_DATA(c), sizeof(v));
	}
	return (v);
}

static int
udp_send(struct socket *so, struct mbuf *m, const struct sendinfo *si)
{
	struct udpcb *up = so->so_pcb;
	struct inpcb *inp = &up->u_inp;
	struct inaddr dst, src = { .ia_q = { 0, 0 } };
	u_int segment = udp_segment_of(up, si);
	struct ip_out io;
	uint16_t dport;
	int error;

	error = udp_target(inp, si, &io, &dst, &dport);
	if (error == 0 && si->si_controllen != 0)
		error = in_pcbsendcontrol(si, &io, &src);
	if (error == 0 && inp->inp_lport == 0)
		error = in_pcbbind(inp, &udp_table, NULL, 0);
	if (error == 0 && segment != 0 &&
	    m->m_pkthdr.ph_len > 128 * segment)
		error = EINVAL;
	if (error != 0) {
		m_freem(m);
		return (error);
	}
	if (segment != 0 && m->m_pkthdr.ph_len > segment)
		return (udp_segments(m, &io, inp->inp_lport, dport, segment));
	return (udp_output(m, &io, inp->inp_lport, dport, 0));
}

/* --- sockets ------------------------------------------------------------------------- */

static int
udp_attach(struct socket *so, int protocol __unused)
{
	struct udpcb *up;

	if ((up = kmem_zalloc(sizeof(*up), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	in_pcbinit(&up->u_inp, &udp_table, so);
	so->so_pcb = up;
	return (0);
}

static void
udp_close(struct socket *so)
{
	in_pcbdetach(so->so_pcb);
}

static void
udp_free(struct socket *so)
{
	kmem_free(so->so_pcb, sizeof(struct udpcb));
}

static int
udp_bind(struct socket *so, const struct sockaddr *sa, size_t len)
{
	return (in_pcbbind(so->so_pcb, &udp_table, sa, len));
}

static int
udp_connect(struct socket *so, const struct sockaddr *sa, size_t len)
{
	struct inpcb *inp = so->so_pcb;
	int error;

	if (len >= sizeof(sa->sa_family) && sa->sa_family == AF_UNSPEC) {
		in_pcbdisconnect(inp);
		so->so_state &= ~SS_CONNECTED;
		return (0);
	}
	if (so->so_state & SS_CONNECTED)
		in_pcbdisconnect(inp);
	if ((error = in_pcbconnect(inp, &udp_table, sa, len)) == 0)
		so->so_state |= SS_CONNECTED;
	return (error);
}

static void
udp_rcvd(struct socket *so __unused)
{
}

static int
udp_setopt(struct socket *so, int level, int opt, const void *val,
    size_t len)
{
	struct udpcb *up = so->so_pcb;
	int v;

	if (level == SOL_SOCKET)
		return (0);
	if (level != IPPROTO_UDP)
		return (in_pcbsetopt(&up->u_inp, level, opt, val, len));
	if (len < sizeof(v))
		return (EINVAL);
	memcpy(&v, val, sizeof(v));
	if (opt == UDP_SEGMENT && v >= 0 && v <= IP_MAXPACKET)
		up->u_segment = v;
	else if (opt == UDP_GRO)
		up->u_gro = v != 0;
	else
		return (ENOPROTOOPT);
	return (0);
}

static int
udp_getopt(struct socket *so, int level, int opt, void *val, size_t *lenp)
{
	struct udpcb *up = so->so_pcb;
	int v;

	if (level != IPPROTO_UDP)
		return (in_pcbgetopt(&up->u_inp, level, opt, val, lenp));
	if (opt == UDP_SEGMENT)
		v = up->u_segment;
	else if (opt == UDP_GRO)
		v = up->u_gro;
	else
		return (ENOPROTOOPT);
	*lenp = MIN(*lenp, sizeof(v));
	memcpy(val, &v, *lenp);
	return (0);
}

static bool
udp_control(struct socket *so, const struct dgram_info *di, uint8_t *buf,
    size_t room, size_t *used)
{
	bool ok = in_pcbcontrol(so, di, buf, room, used);
	int size = di->di_gso_size;

	if (size != 0)
		ok = cmsg_put(buf, room, used, IPPROTO_UDP, UDP_GRO, &size,
		    sizeof(size)) && ok;
	return (ok);
}

#define UDP_PROTOSW(af) {						\
	.pr_domain = (af),						\
	.pr_type = SOCK_DGRAM,						\
	.pr_protocol = IPPROTO_UDP,					\
	.pr_flags = PR_ATOMIC | PR_ADDR,				\
	.pr_attach = udp_attach,					\
	.pr_close = udp_close,						\
	.pr_free = udp_free,						\
	.pr_bind = udp_bind,						\
	.pr_connect = udp_connect,					\
	.pr_send = udp_send,						\
	.pr_rcvd = udp_rcvd,						\
	.pr_sockname = in_pcbsockname,					\
	.pr_peername = in_pcbpeername,					\
	.pr_setopt = udp_setopt,					\
	.pr_getopt = udp_getopt,					\
	.pr_control = udp_control,					\
}
static const struct protosw udp_protosw[] = {
	UDP_PROTOSW(AF_INET),
	UDP_PROTOSW(AF_INET6),
};

void
udp_init(void)
{
	in_pcbtable_init(&udp_table);
	protosw_register(&udp_protosw[0]);
	protosw_register(&udp_protosw[1]);
	(void)sysctl_register(&udp_oid);
}

void
udp_foreach(void (*fn)(struct inpcb *, void *), void *arg)
{
	in_pcbforeach(&udp_table, fn, arg);
}

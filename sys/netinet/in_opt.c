/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Socket options of IPv4 and IPv6, and the groups that a socket is in.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/in_pcb.h>

/* --- groups --------------------------------------------------------------------- */

struct ip_mreqn {
	struct in_addr	imr_multiaddr, imr_address;
	int		imr_ifindex;
};

struct ipv6_mreq {
	struct in6_addr	ipv6mr_multiaddr;
	u_int		ipv6mr_interface;
};

/* The interface that an address is of, or that leads to a group. */
static struct ifnet *
member_if(const struct inaddr *group, const struct inaddr *addr, u_int ifidx)
{
	struct ip_route ir = { .ir_gen = 0 };
	struct ifnet *ifp;
	u_int i;

	if (ifidx != 0)
		return (if_get(ifidx));
	if (addr != NULL && !in_isany(addr)) {
		for (i = 1; i < IF_MAX; i++) {
			if ((ifp = if_get(i)) != NULL &&
			    ifa_find(addr, i, NULL))
				return (ifp);
			if_put(ifp);
		}
		return (NULL);
	}
	return (ip_route_get(&ir, group, NULL, 0) == 0 ?
	    if_get(ir.ir_ifidx) : NULL);
}

static struct inp_member *
member_find(const struct inpcb *inp, const struct inaddr *group, u_int ifidx,
    u_int *np)
{
	struct inp_member *im;
	u_int n = 0;

	LIST_FOREACH(im, &inp->inp_members, im_entry) {
		n++;
		if (in_equal(&im->im_group, group) &&
		    (ifidx == 0 || im->im_ifidx == ifidx))
			return (im);
	}
	if (np != NULL)
		*np = n;
	return (NULL);
}

bool
in_pcbmember(const struct inpcb *inp, const struct inaddr *group,
    u_int ifidx)
{
	return (member_find(inp, group, ifidx, NULL) != NULL);
}

static int
member_join(struct inpcb *inp, struct ifnet *ifp, const struct inaddr *group)
{
	struct inp_member *im;
	u_int n;
	int error;

	if (member_find(inp, group, ifp->if_index, &n) != NULL)
		return (EADDRINUSE);
	if (n >= INP_MEMBERS_MAX ||
	    (im = kmem_zalloc(sizeof(*im), KM_NOSLEEP)) == NULL)
		return (ENOBUFS);
	if ((error = in_group_join(ifp, group)) != 0) {
		kmem_free(im, sizeof(*im));
		return (error);
	}
	im->im_group = *group;
	im->im_ifidx = ifp->if_index;
	LIST_INSERT_HEAD(&inp->inp_members, im, im_entry);
	return (0);
}

static int
member_leave(struct inpcb *inp, struct ifnet *ifp,
    const struct inaddr *group)
{
	struct inp_member *im;

	im = member_find(inp, group, ifp->if_index, NULL);
	if (im == NULL)
		return (EADDRNOTAVAIL);
	LIST_REMOVE(im, im_entry);
	(void)in_group_leave(ifp, group);
	kmem_free(im, sizeof(*im));
	return (0);
}

static int
member_opt(struct inpcb *inp, bool join, const struct inaddr *group,
    const struct inaddr *addr, u_int ifidx)
{
	struct ifnet *ifp;
	int error;

	if (!in_ismulticast(group))
		return (EINVAL);
	if ((ifp = member_if(group, addr, ifidx)) == NULL)
		return (ENODEV);
	error = join ? member_join(inp, ifp, group) :
	    member_leave(inp, ifp, group);
	if_put(ifp);
	return (error);
}

static int
member_opt4(struct inpcb *inp, bool join, const void *val, size_t len)
{
	struct inaddr group, addr;
	struct ip_mreqn mr = { .imr_ifindex = 0 };

	/* the interface's number is a later addition */
	if (len < offsetof(struct ip_mreqn, imr_ifindex))
		return (EINVAL);
	memcpy(&mr, val, MIN(len, sizeof(mr)));
	if (len < sizeof(mr))
		mr.imr_ifindex = 0;
	group = in4_make(be32_get(mr.imr_multiaddr.s_addr));
	addr = in4_make(be32_get(mr.imr_address.s_addr));
	return (member_opt(inp, join, &group, &addr, mr.imr_ifindex));
}

static int
member_opt6(struct inpcb *inp, bool join, const void *val, size_t len)
{
	struct inaddr group;
	struct ipv6_mreq mr;

	if (len < sizeof(mr))
		return (EINVAL);
	memcpy(&mr, val, sizeof(mr));
	memcpy(&group, &mr.ipv6mr_multiaddr, sizeof(group));
	return (member_opt(inp, join, &group, NULL, mr.ipv6mr_interface));
}

static int
mcast_if4(struct inpcb *inp, const void *val, size_t len)
{
	struct inaddr addr;
	struct ip_mreqn mr = { .imr_ifindex = 0 };
	struct ifnet *ifp;

	if (len == sizeof(struct in_addr))
		memcpy(&mr.imr_address, val, len);
	else if (len >= offsetof(struct ip_mreqn, imr_ifindex))
		memcpy(&mr, val, MIN(len, sizeof(mr)));
	else
		return (EINVAL);
	addr = in4_make(be32_get(mr.imr_address.s_addr));
	if (mr.imr_ifindex == 0 && in_isany(&addr)) {
		inp->inp_mcifidx = 0;
		return (0);
	}
	if ((ifp = member_if(&addr, &addr, mr.imr_ifindex)) == NULL)
		return (EADDRNOTAVAIL);
	inp->inp_mcifidx = ifp->if_index;
	if_put(ifp);
	return (0);
}

/* --- options --------------------------------------------------------------------- */

static void
flag_set(struct inpcb *inp, u_int flag, bool on)
{
	if (on)
		inp->inp_flags |= flag;
	else
		inp->inp_flags &= ~flag;
}

/* IPv4's may be one byte long. */
static int
opt_value(const void *val, size_t len, int *vp)
{
	uint8_t byte;

	if (len >= sizeof(*vp))
		memcpy(vp, val, sizeof(*vp));
	else if (len >= 1) {
		memcpy(&byte, val, 1);
		*vp = byte;
	} else
		return (EINVAL);
	return (0);
}

static int
setopt4(struct inpcb *inp, int opt, const void *val, size_t len)
{
	int v, error;

	switch (opt) {
	case IP_ADD_MEMBERSHIP:
	case IP_DROP_MEMBERSHIP:
		return (member_opt4(inp, opt == IP_ADD_MEMBERSHIP, val, len));
	case IP_MULTICAST_IF:
		return (mcast_if4(inp, val, len));
	}
	if ((error = opt_value(val, len, &v)) != 0)
		return (error);
	switch (opt) {
	case IP_TOS:
		inp->inp_tos = v;
		break;
	case IP_TTL:
		if (v != -1 && (v < 1 || v > 255))
			return (EINVAL);
		inp->inp_ttl = v == -1 ? 0 : v;
		break;
	case IP_MULTICAST_TTL:
		if (v < -1 || v > 255)
			return (EINVAL);
		inp->inp_mcttl = v == -1 ? 1 : v;
		break;
	case IP_MULTICAST_LOOP:
		flag_set(inp, INP_NOMCLOOP, v == 0);
		break;
	case IP_HDRINCL:
		if (inp->inp_socket->so_type != SOCK_RAW)
			return (ENOPROTOOPT);
		flag_set(inp, INP_HDRINCL, v != 0);
		break;
	case IP_MTU_DISCOVER:
		if (v < IP_PMTUDISC_DONT || v > IP_PMTUDISC_PROBE)
			return (EINVAL);
		inp->inp_pmtudisc = v;
		break;
	case IP_PKTINFO:
		flag_set(inp, INP_RECVPKTINFO, v != 0);
		break;
	case IP_RECVTTL:
		flag_set(inp, INP_RECVTTL, v != 0);
		break;
	case IP_RECVTOS:
		flag_set(inp, INP_RECVTOS, v != 0);
		break;
	case IP_RECVERR:
		/* errors come with the next call; the queue stays empty */
		flag_set(inp, INP_RECVERR, v != 0);
		break;
	case IP_BIND_ADDRESS_NO_PORT:
		break;
	default:
		return (ENOPROTOOPT);
	}
	return (0);
}

static int
setopt6(struct inpcb *inp, int opt, const void *val, size_t len)
{
	int v;

	if (opt == IPV6_JOIN_GROUP || opt == IPV6_LEAVE_GROUP)
		return (member_opt6(inp, opt == IPV6_JOIN_GROUP, val, len));
	if (len < sizeof(v))
		return (EINVAL);
	memcpy(&v, val, sizeof(v));
	switch (opt) {
	case IPV6_V6ONLY:
		if (inp->inp_lport != 0)
			return (EINVAL);
		flag_set(inp, INP_V6ONLY, v != 0);
		break;
	case IPV6_UNICAST_HOPS:
		if (v < -1 || v > 255)
			return (EINVAL);
		inp->inp_ttl = v == -1 ? 0 : v;
		break;
	case IPV6_MULTICAST_HOPS:
		if (v < -1 || v > 255)
			return (EINVAL);
		inp->inp_mcttl = v == -1 ? 1 : v;
		break;
	case IPV6_MULTICAST_LOOP:
		flag_set(inp, INP_NOMCLOOP, v == 0);
		break;
	case IPV6_MULTICAST_IF:
		inp->inp_mcifidx = v;
		break;
	case IPV6_TCLASS:
		if (v < -1 || v > 255)
			return (EINVAL);
		inp->inp_tos = v == -1 ? 0 : v;
		break;
	case IPV6_MTU_DISCOVER:
		if (v < IP_PMTUDISC_DONT || v > IP_PMTUDISC_PROBE)
			return (EINVAL);
		inp->inp_pmtudisc = v;
		break;
	case IPV6_RECVPKTINFO:
		flag_set(inp, INP_RECVPKTINFO, v != 0);
		break;
	case IPV6_2292PKTINFO:
		flag_set(inp, INP_2292PKTINFO, v != 0);
		break;
	case IPV6_2292HOPLIMIT:
		flag_set(inp, INP_2292TTL, v != 0);
		break;
	case IPV6_RECVHOPLIMIT:
		flag_set(inp, INP_RECVTTL, v != 0);
		break;
	case IPV6_RECVTCLASS:
		flag_set(inp, INP_RECVTOS, v != 0);
		break;
	case IPV6_RECVERR:
		flag_set(inp, INP_RECVERR, v != 0);
		break;
	default:
		return (ENOPROTOOPT);
	}
	return (0);
}

int
in_pcbsetopt(struct inpcb *inp, int level, int opt, const void *val,
    size_t len)
{
	if (level == IPPROTO_IP)
		return (setopt4(inp, opt, val, len));
	if (level == IPPROTO_IPV6 && !(inp->inp_flags & INP_V4))
		return (setopt6(inp, opt, val, len));
	return (ENOPROTOOPT);
}

static int
path_mtu(struct inpcb *inp, int *vp)
{
	if (!(inp->inp_socket->so_state & SS_CONNECTED))
		return (ENOTCONN);
	*vp = inp->inp_route.ir_gen != 0 ? inp->inp_route.ir_mtu : ETHERMTU;
	return (0);
}

static int
getopt4(struct inpcb *inp, int opt, int *vp)
{
	switch (opt) {
	case IP_TOS:
		*vp = inp->inp_tos;
		break;
	case IP_TTL:
		*vp = inp->inp_ttl != 0 ? inp->inp_ttl : 64;
		break;
	case IP_MULTICAST_TTL:
		*vp = inp->inp_mcttl;
		break;
	case IP_MULTICAST_LOOP:
		*vp = !(inp->inp_flags & INP_NOMCLOOP);
		break;
	case IP_HDRINCL:
		*vp = (inp->inp_flags & INP_HDRINCL) != 0;
		break;
	case IP_MTU_DISCOVER:
		*vp = inp->inp_pmtudisc;
		break;
	case IP_PKTINFO:
		*vp = (inp->inp_flags & INP_RECVPKTINFO) != 0;
		break;
	case IP_RECVTTL:
		*vp = (inp->inp_flags & INP_RECVTTL) != 0;
		break;
	case IP_RECVTOS:
		*vp = (inp->inp_flags & INP_RECVTOS) != 0;
		break;
	case IP_RECVERR:
		*vp = (inp->inp_flags & INP_RECVERR) != 0;
		break;
	case IP_MTU:
		return (path_mtu(inp, vp));
	default:
		return (ENOPROTOOPT);
	}
	return (0);
}

static int
getopt6(struct inpcb *inp, int opt, int *vp)
{
	switch (opt) {
	case IPV6_V6ONLY:
		*vp = (inp->inp_flags & INP_V6ONLY) != 0;
		break;
	case IPV6_UNICAST_HOPS:
		*vp = inp->inp_ttl != 0 ? inp->inp_ttl : 64;
		break;
	case IPV6_MULTICAST_HOPS:
		*vp = inp->inp_mcttl;
		break;
	case IPV6_MULTICAST_LOOP:
		*vp = !(inp->inp_flags & INP_NOMCLOOP);
		break;
	case IPV6_MULTICAST_IF:
		*vp = inp->inp_mcifidx;
		break;
	case IPV6_TCLASS:
		*vp = inp->inp_tos;
		break;
	case IPV6_MTU_DISCOVER:
		*vp = inp->inp_pmtudisc;
		break;
	case IPV6_RECVPKTINFO:
		*vp = (inp->inp_flags & INP_RECVPKTINFO) != 0;
		break;
	case IPV6_RECVHOPLIMIT:
		*vp = (inp->inp_flags & INP_RECVTTL) != 0;
		break;
	case IPV6_RECVTCLASS:
		*vp = (inp->inp_flags & INP_RECVTOS) != 0;
		break;
	case IPV6_MTU:
		return (path_mtu(inp, vp));
	default:
		return (ENOPROTOOPT);
	}
	return (0);
}

int
in_pcbgetopt(struct inpcb *inp, int level, int opt, void *val, size_t *lenp)
{
	int v = 0, error = ENOPROTOOPT;

	if (level == IPPROTO_IP)
		error = getopt4(inp, opt, &v);
	else if (level == IPPROTO_IPV6 && !(inp->inp_flags & INP_V4))
		error = getopt6(inp, opt, &v);
	if (error == 0) {
		*lenp = MIN(*lenp, sizeof(v));
		memcpy(val, &v, *lenp);
	}
	return (error);
}

/* --- control messages ----------------------------------------------------------- */

struct in_pktinfo {
	int		ipi_ifindex;
	struct in_addr	ipi_spec_dst, ipi_addr;
};

struct in6_pktinfo {
	struct in6_addr	ipi6_addr;
	u_int		ipi6_ifindex;
};

static bool
control_pktinfo(const struct inpcb *inp, const struct dgram_info *di,
    int type, uint8_t *buf, size_t room, size_t *used)
{
	struct in6_pktinfo p6 = { .ipi6_ifindex = di->di_ifidx };
	struct in_pktinfo p4 = { .ipi_ifindex = di->di_ifidx };
	struct inaddr to;

	memcpy(&to, di->di_to, sizeof(to));
	if (in_is4(&to) && (inp->inp_flags & INP_V4)) {
		p4.ipi_addr.s_addr = p4.ipi_spec_dst.s_addr = to.ia_l[3];
		return (cmsg_put(buf, room, used, IPPROTO_IP, IP_PKTINFO,
		    &p4, sizeof(p4)));
	}
	memcpy(&p6.ipi6_addr, &to, sizeof(to));
	return (cmsg_put(buf, room, used, IPPROTO_IPV6, type, &p6, sizeof(p6)));
}

bool
in_pcbcontrol(struct socket *so, const struct dgram_info *di, uint8_t *buf,
    size_t room, size_t *used)
{
	const struct inpcb *inp = so->so_pcb;
	bool v4 = (inp->inp_flags & INP_V4) != 0, ok = true;
	int ttl = di->di_ttl, tos = di->di_tos;

	if (inp->inp_flags & INP_RECVPKTINFO)
		ok = control_pktinfo(inp, di, IPV6_PKTINFO, buf, room, used);
	if (inp->inp_flags & INP_2292PKTINFO)
		ok = control_pktinfo(inp, di, IPV6_2292PKTINFO, buf, room,
		    used) && ok;
	if (inp->inp_flags & INP_2292TTL)
		ok = cmsg_put(buf, room, used, IPPROTO_IPV6,
		    IPV6_2292HOPLIMIT, &ttl, sizeof(ttl)) && ok;
	if (inp->inp_flags & INP_RECVTTL)
		ok = cmsg_put(buf, room, used, v4 ? IPPROTO_IP :
		    IPPROTO_IPV6, v4 ? IP_TTL : IPV6_HOPLIMIT, &ttl,
		    sizeof(ttl)) && ok;
	if (inp->inp_flags & INP_RECVTOS)
		ok = cmsg_put(buf, room, used, v4 ? IPPROTO_IP :
		    IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &tos,
		    v4 ? 1 : sizeof(tos)) && ok;
	return (ok);
}

/* What a program says of one datagram: where from, how far, how. */
int
in_pcbsendcontrol(const struct sendinfo *si, struct ip_out *io,
    struct inaddr *src)
{
	const struct cmsghdr *c;
	struct in6_pktinfo p6;
	struct in_pktinfo p4;
	size_t off = 0;
	int v;

	while ((c = cmsg_next(si->si_control, si->si_controllen, &off)) !=
	    NULL) {
		size_t n = c->cmsg_len - sizeof(*c);

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type ==
		    IP_PKTINFO && n >= sizeof(p4)) {
			memcpy(&p4, CMSG_DATA(c), sizeof(p4));
			*src = in4_make(be32_get(p4.ipi_spec_dst.s_addr));
			if (p4.ipi_ifindex != 0)
				io->io_ifidx = p4.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type ==
		    IPV6_PKTINFO && n >= sizeof(p6)) {
			memcpy(&p6, CMSG_DATA(c), sizeof(p6));
			memcpy(src, &p6.ipi6_addr, sizeof(*src));
			if (p6.ipi6_ifindex != 0)
				io->io_ifidx = p6.ipi6_ifindex;
		} else if (((c->cmsg_level == IPPROTO_IP &&
		    (c->cmsg_type == IP_TTL || c->cmsg_type == IP_TOS)) ||
		    (c->cmsg_level == IPPROTO_IPV6 &&
		    (c->cmsg_type == IPV6_HOPLIMIT ||
		    c->cmsg_type == IPV6_TCLASS))) && n >= sizeof(v)) {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			if (v < 0 || v > 255)
				return (EINVAL);
			if (c->cmsg_type == IP_TTL ||
			    c->cmsg_type == IPV6_HOPLIMIT)
				io->io_ttl = v;
			else
				io->io_tos = v;
		} else if (c->cmsg_level != SOL_SOCKET &&
		    c->cmsg_level != IPPROTO_UDP)
			return (EINVAL);
	}
	if (!in_isany(src)) {
		if (!ip_islocal(src, io->io_ifidx))
			return (EADDRNOTAVAIL);
		io->io_src = src;
	}
	return (0);
}

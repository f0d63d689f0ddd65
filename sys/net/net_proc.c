/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * /proc/net: interfaces, addresses, routes, neighbours and sockets as text,
 * in the forms that ifconfig(8), route(8), arp(8) and netstat(8) of any
 * origin read.
 */

#include <sys/procfs.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/in_pcb.h>
#include <netinet/tcp_var.h>
#include <netinet/udp_var.h>
#include <netinet6/ip6_var.h>

#define ULL(v)		((unsigned long long)(v))

/* The copy of the nth route; false: there are not so many. */
static bool
route_nth(u_int nth, struct route *copy)
{
	struct route *r;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(r, &routes, r_entry) {
		if (nth-- == 0)
			break;
	}
	if (r != NULL)
		*copy = *r;
	mtx_leave(&net_mtx);
	return (r != NULL);
}

static void
ifname(u_int index, char *name)
{
	struct ifnet *ifp = if_get(index);

	strlcpy(name, ifp == NULL ? "*" : ifp->if_xname, IFNAMSIZ);
	if_put(ifp);
}

/* In the order of the machine, as the forms have it. */
static u_int
raw4(const struct inaddr *a)
{
	return (a->ia_l[3].w);
}

static void
hex6(char *buf, const struct inaddr *a)
{
	u_int i;

	for (i = 0; i < 16; i++)
		(void)snprintf(buf + 2 * i, 3, "%02x", a->ia_b[i]);
}

static void
net_dev(struct ptext *pt)
{
	struct if_counters ic;
	struct ifnet *ifp;
	u_int i;

	ptext_printf(pt, "Inter-|   Receive                            "
	    "                    |  Transmit\n"
	    " face |bytes    packets errs drop fifo frame compressed "
	    "multicast|bytes    packets errs drop fifo colls carrier "
	    "compressed\n");
	for (i = 1; i < IF_MAX; i++) {
		if ((ifp = if_get(i)) == NULL)
			continue;
		if_totals(ifp, &ic);
		ptext_printf(pt, "%6s: %llu %llu %llu %llu 0 0 0 %llu "
		    "%llu %llu %llu %llu 0 0 0 0\n", ifp->if_xname,
		    ULL(ic.ic_ibytes), ULL(ic.ic_ipackets),
		    ULL(ic.ic_ierrors), ULL(ic.ic_idrops),
		    ULL(ic.ic_imcasts), ULL(ic.ic_obytes),
		    ULL(ic.ic_opackets), ULL(ic.ic_oerrors),
		    ULL(ic.ic_odrops));
		if_put(ifp);
	}
}

static void
net_route(struct ptext *pt)
{
	char name[IFNAMSIZ];
	struct inaddr mask;
	struct route r;
	u_int i, plen;

	ptext_printf(pt, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\t"
	    "Metric\tMask\t\tMTU\tWindow\tIRTT\n");
	for (i = 0; route_nth(i, &r); i++) {
		if (!in_is4(&r.r_dst))
			continue;
		plen = r.r_plen - 96;
		mask = in4_make(plen == 0 ? 0 : 0xffffffffU << (32 - plen));
		ifname(r.r_ifidx, name);
		ptext_printf(pt, "%s\t%08X\t%08X\t%04X\t0\t0\t%u\t%08X\t"
		    "0\t0\t0\n", name, raw4(&r.r_dst),
		    r.r_flags & RTF_GATEWAY ? raw4(&r.r_gateway) : 0,
		    r.r_flags, r.r_metric, raw4(&mask));
	}
}

static void
net_route6(struct ptext *pt)
{
	char name[IFNAMSIZ], dst[33], gw[33];
	struct route r;
	u_int i;

	for (i = 0; route_nth(i, &r); i++) {
		if (in_is4(&r.r_dst))
			continue;
		ifname(r.r_ifidx, name);
		hex6(dst, &r.r_dst);
		hex6(gw, &r.r_gateway);
		ptext_printf(pt, "%s %02x %032x 00 %s %08x 00000001 00000000 "
		    "%08x %8s\n", dst, r.r_plen, 0, gw, r.r_metric,
		    r.r_flags, name);
	}
}

/* An address of the nth, counted over all interfaces. */
static bool
addr6_nth(u_int nth, struct ifaddr *copy, char *name, u_int *index)
{
	struct ifaddr *ifa = NULL;
	struct ifnet *ifp;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
			if (!in_is4(&ifa->ifa_addr) && nth-- == 0)
				goto out;
		}
	}
 out:
	if (ifp != NULL) {
		*copy = *ifa;
		strlcpy(name, ifp->if_xname, IFNAMSIZ);
		*index = ifp->if_index;
	}
	mtx_leave(&net_mtx);
	return (ifp != NULL);
}

static void
net_if_inet6(struct ptext *pt)
{
	char name[IFNAMSIZ], addr[33];
	u_int i, index, scope, flags;
	struct ifaddr ifa;

	for (i = 0; addr6_nth(i, &ifa, name, &index); i++) {
		hex6(addr, &ifa.ifa_addr);
		scope = in_isloopback(&ifa.ifa_addr) ? 0x10 :
		    in6_islinklocal(&ifa.ifa_addr) ? 0x20 : 0;
		flags = (ifa.ifa_flags & IFA_TENTATIVE ? 0x40 : 0) |
		    (ifa.ifa_flags & IFA_DUPLICATED ? 0x08 : 0) |
		    (ifa.ifa_flags & IFA_DEPRECATED ? 0x20 : 0) |
		    (ifa.ifa_flags & IFA_AUTOCONF ? 0 : 0x80);
		ptext_printf(pt, "%s %02x %02x %02x %02x %8s\n", addr, index,
		    ifa.ifa_plen, scope, flags, name);
	}
}

static void
net_arp(struct ptext *pt)
{
	char name[IFNAMSIZ], addr[16], ll[18];
	struct neigh n;
	uint32_t a;
	u_int i;

	ptext_printf(pt, "IP address       HW type     Flags       "
	    "HW address            Mask     Device\n");
	for (i = 0; neigh_nth(i, &n); i++) {
		if (!in_is4(&n.n_addr))
			continue;
		a = in4_get(&n.n_addr);
		ifname(n.n_ifidx, name);
		(void)snprintf(addr, sizeof(addr), "%u.%u.%u.%u", a >> 24,
		    a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
		(void)snprintf(ll, sizeof(ll), "%02x:%02x:%02x:%02x:%02x:"
		    "%02x", n.n_lladdr[0], n.n_lladdr[1], n.n_lladdr[2],
		    n.n_lladdr[3], n.n_lladdr[4], n.n_lladdr[5]);
		ptext_printf(pt, "%-16s 0x1         0x%x         %s     "
		    "*        %s\n", addr, n.n_state == NEIGH_INCOMPLETE ? 0 :
		    n.n_state == NEIGH_PERMANENT ? ATF_COM | ATF_PERM :
		    ATF_COM, ll, name);
	}
}

/* --- sockets ---------------------------------------------------------------------- */

struct sockets {
	struct ptext	*s_pt;
	bool		 s_v6;
	u_int		 s_n;
};

static void
sock_addr(char *buf, size_t size, bool v6, const struct inaddr *a,
    uint16_t port)
{
	if (v6)
		(void)snprintf(buf, size, "%08X%08X%08X%08X:%04X",
		    a->ia_l[0].w, a->ia_l[1].w, a->ia_l[2].w, a->ia_l[3].w,
		    port);
	else
		(void)snprintf(buf, size, "%08X:%04X", raw4(a), port);
}

static int
tcp_line(void *arg, const struct tcp_entry *te)
{
	const struct tcp_tuple *t = &te->te_tuple;
	struct sockets *s = arg;
	char local[40], remote[40];

	sock_addr(local, sizeof(local), s->s_v6, &t->tt_laddr, t->tt_lport);
	sock_addr(remote, sizeof(remote), s->s_v6, &t->tt_faddr,
	    t->tt_fport);
	ptext_printf(s->s_pt, "%4u: %s %s %02X %08X:%08X %02X:%08llX %08X "
	    "%5u        0 %llu 1 0 0\n", s->s_n++, local, remote,
	    te->te_state, te->te_sndq, te->te_rcvq, te->te_timer,
	    ULL(te->te_expires / (NSEC_PER_SEC / 100)), te->te_retransmits,
	    te->te_uid, ULL(te->te_ino));
	return (0);
}

static void
sock_head(struct ptext *pt)
{
	ptext_printf(pt, "  sl  local_address rem_address   st "
	    "tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
}

static void
net_tcp(struct ptext *pt)
{
	struct sockets s = { .s_pt = pt };

	sock_head(pt);
	(void)tcp_foreach(false, tcp_line, &s);
}

static void
net_tcp6(struct ptext *pt)
{
	struct sockets s = { .s_pt = pt, .s_v6 = true };

	sock_head(pt);
	(void)tcp_foreach(true, tcp_line, &s);
}

static void
udp_line(struct inpcb *inp, void *arg)
{
	struct sockets *s = arg;
	struct socket *so = inp->inp_socket;
	char local[40], remote[40];

	mtx_enter(&so->so_mtx);
	if (s->s_v6 == ((inp->inp_flags & INP_V4) == 0)) {
		sock_addr(local, sizeof(local), s->s_v6, &inp->inp_laddr,
		    inp->inp_lport);
		sock_addr(remote, sizeof(remote), s->s_v6, &inp->inp_faddr,
		    inp->inp_fport);
		ptext_printf(s->s_pt, "%5u: %s %s %02X %08X:%08X 00:00000000 "
		    "00000000 %5u        0 %llu 2 0 0\n", s->s_n++, local,
		    remote, so->so_state & SS_CONNECTED ? 1 : 7, 0,
		    so->so_rcv.sb_cc, so->so_uid, ULL(so->so_ino));
	}
	mtx_leave(&so->so_mtx);
}

static void
net_udp(struct ptext *pt)
{
	struct sockets s = { .s_pt = pt };

	sock_head(pt);
	udp_foreach(udp_line, &s);
}

static void
net_udp6(struct ptext *pt)
{
	struct sockets s = { .s_pt = pt, .s_v6 = true };

	sock_head(pt);
	udp_foreach(udp_line, &s);
}

const struct proc_netfile proc_netfiles[] = {
	{ "arp", net_arp }, { "dev", net_dev },
	{ "if_inet6", net_if_inet6 }, { "ipv6_route", net_route6 },
	{ "route", net_route }, { "tcp", net_tcp }, { "tcp6", net_tcp6 },
	{ "udp", net_udp }, { "udp6", net_udp6 },
};
const u_int proc_nnetfiles = nitems(proc_netfiles);

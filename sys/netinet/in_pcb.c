/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The tables of sockets of the Internet's protocols: see in_pcb.h.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/rnd.h>
#include <sys/socketvar.h>
#include <sys/systm.h>

#include <net/if_var.h>
#include <netinet/in_pcb.h>

void
in_pcbtable_init(struct inpcbtable *it)
{
	u_int i;

	mtx_init(&it->it_mtx, IPL_SOFT);
	rnd_bytes(it->it_key, sizeof(it->it_key));
	for (i = 0; i < INPCB_HASH; i++) {
		LIST_INIT(&it->it_hash[i]);
		LIST_INIT(&it->it_ports[i]);
	}
}

void
in_pcbinit(struct inpcb *inp, struct inpcbtable *it __unused,
    struct socket *so)
{
	inp->inp_socket = so;
	inp->inp_pmtudisc = IP_PMTUDISC_WANT;
	inp->inp_mcttl = 1;
	if (so->so_domain == AF_INET) {
		inp->inp_flags = INP_V4;
		inp->inp_laddr = inp->inp_faddr = in4_make(0);
	}
	LIST_INIT(&inp->inp_members);
}

/* --- the hashes ------------------------------------------------------------------- */

/* The key is secret: nobody can aim all connections at one list. */
static uint64_t
mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= 0x9e3779b97f4a7c15ULL;
	return (h ^ h >> 29);
}

static uint64_t
conn_hash(const struct inpcbtable *it, const struct inaddr *laddr,
    uint16_t lport, const struct inaddr *faddr, uint16_t fport)
{
	uint64_t h = it->it_key[0];

	h = mix(h, faddr->ia_q[0]);
	h = mix(h, faddr->ia_q[1] ^ it->it_key[1]);
	h = mix(h, laddr->ia_q[0] ^ laddr->ia_q[1]);
	return (mix(h, (uint64_t)lport << 16 | fport));
}

static struct inpcbhead *
port_bucket(struct inpcbtable *it, uint16_t port)
{
	return (&it->it_ports[port % INPCB_HASH]);
}

static void
table_enter(struct inpcb *inp, struct inpcbtable *it)
{
	MUTEX_ASSERT_LOCKED(&it->it_mtx);
	LIST_INSERT_HEAD(port_bucket(it, inp->inp_lport), inp, inp_porthash);
	inp->inp_table = it;
	it->it_count++;
}

static void
conn_enter(struct inpcb *inp, struct inpcbtable *it)
{
	MUTEX_ASSERT_LOCKED(&it->it_mtx);
	LIST_INSERT_HEAD(&it->it_hash[conn_hash(it, &inp->inp_laddr,
	    inp->inp_lport, &inp->inp_faddr, inp->inp_fport) % INPCB_HASH],
	    inp, inp_hash);
	inp->inp_flags |= INP_CONNECTED;
}

static void
conn_leave(struct inpcb *inp)
{
	if (inp->inp_flags & INP_CONNECTED) {
		LIST_REMOVE(inp, inp_hash);
		inp->inp_flags &= ~INP_CONNECTED;
	}
}

static struct inpcb *
conn_find(struct inpcbtable *it, const struct inaddr *laddr, uint16_t lport,
    const struct inaddr *faddr, uint16_t fport, u_int ifidx)
{
	struct inpcb *inp;

	MUTEX_ASSERT_LOCKED(&it->it_mtx);
	LIST_FOREACH(inp, &it->it_hash[conn_hash(it, laddr, lport, faddr,
	    fport) % INPCB_HASH], inp_hash) {
		if (inp->inp_lport == lport && inp->inp_fport == fport &&
		    in_equal(&inp->inp_faddr, faddr) &&
		    in_equal(&inp->inp_laddr, laddr) &&
		    (inp->inp_ifidx == 0 || ifidx == 0 ||
		    inp->inp_ifidx == ifidx))
			return (inp);
	}
	return (NULL);
}

/* --- finding ---------------------------------------------------------------------- */

/* How well a bound socket fits; 0: not at all. */
static u_int
bound_score(const struct inpcb *inp, const struct inaddr *laddr,
    uint16_t lport, u_int ifidx)
{
	u_int score = 1;

	if (inp->inp_lport != lport || (inp->inp_flags & INP_CONNECTED))
		return (0);
	if (inp->inp_socket->so_ifidx != 0 || inp->inp_ifidx != 0) {
		if ((inp->inp_socket->so_ifidx != 0 ?
		    inp->inp_socket->so_ifidx : inp->inp_ifidx) != ifidx)
			return (0);
		score += 4;
	}
	if (!in_isany(&inp->inp_laddr))
		return (in_equal(&inp->inp_laddr, laddr) ? score + 2 : 0);
	if (inp->inp_flags & INP_V4)
		return (in_is4(laddr) ? score + 1 : 0);
	return (in_is4(laddr) && (inp->inp_flags & INP_V6ONLY) ? 0 : score);
}

/* Of several that share a port (SO_REUSEPORT) the flow says which. */
static struct inpcb *
bound_find(struct inpcbtable *it, const struct inaddr *laddr, uint16_t lport,
    const struct inaddr *faddr, uint16_t fport, u_int ifidx)
{
	struct inpcb *inp, *best = NULL;
	u_int score, bestscore = 0, same = 0;
	uint64_t h = 0;

	LIST_FOREACH(inp, port_bucket(it, lport), inp_porthash) {
		score = bound_score(inp, laddr, lport, ifidx);
		if (score == 0 || score < bestscore)
			continue;
		if (score > bestscore) {
			bestscore = score;
			best = inp;
			same = 1;
			continue;
		}
		if (h == 0)
			h = conn_hash(it, laddr, lport, faddr, fport);
		h = mix(h, ++same);
		if (SO_ISSET(inp->inp_socket, SO_REUSEPORT) && h % same == 0)
			best = inp;
	}
	return (best);
}

struct inpcb *
in_pcblookup(struct inpcbtable *it, const struct inaddr *laddr,
    uint16_t lport, const struct inaddr *faddr, uint16_t fport, u_int ifidx,
    bool wild)
{
	struct inpcb *inp;

	mtx_enter(&it->it_mtx);
	inp = conn_find(it, laddr, lport, faddr, fport, ifidx);
	if (inp == NULL && wild)
		inp = bound_find(it, laddr, lport, faddr, fport, ifidx);
	if (inp != NULL)
		so_ref(inp->inp_socket);
	mtx_leave(&it->it_mtx);
	return (inp);
}

void
in_pcbforeach(struct inpcbtable *it, void (*fn)(struct inpcb *, void *),
    void *arg)
{
	struct inpcb *inp, **all;
	u_int i, n = 0, max;

	/* some more than now, for those that come meanwhile */
	max = __atomic_load_n(&it->it_count, __ATOMIC_RELAXED) + 16;
	if ((all = kmem_alloc(max * sizeof(*all), KM_NOSLEEP)) == NULL)
		return;
	mtx_enter(&it->it_mtx);
	for (i = 0; i < INPCB_HASH; i++) {
		LIST_FOREACH(inp, &it->it_ports[i], inp_porthash) {
			if (n == max)
				break;
			so_ref(inp->inp_socket);
			all[n++] = inp;
		}
	}
	mtx_leave(&it->it_mtx);
	for (i = 0; i < n; i++) {
		fn(all[i], arg);
		so_unref(all[i]->inp_socket);
	}
	kmem_free(all, max * sizeof(*all));
}

/* --- ports -------------------------------------------------------------------------- */

/* Whether two sockets would both be meant by some packet. */
static bool
bind_overlap(const struct inpcb *a, const struct inaddr *aaddr,
    const struct inpcb *b)
{
	bool aany = in_isany(aaddr), bany = in_isany(&b->inp_laddr);

	if (a->inp_socket->so_ifidx != 0 && b->inp_socket->so_ifidx != 0 &&
	    a->inp_socket->so_ifidx != b->inp_socket->so_ifidx)
		return (false);
	if (!aany && !bany)
		return (in_equal(aaddr, &b->inp_laddr));
	/* a wildcard is of one family, or of both */
	if (in_is4(aaddr) == in_is4(&b->inp_laddr))
		return (true);
	return (in_is4(aaddr) ? bany && !(b->inp_flags & INP_V6ONLY) :
	    aany && !(a->inp_flags & INP_V6ONLY));
}

static bool
bind_shares(const struct socket *a, const struct socket *b)
{
	if (SO_ISSET(a, SO_REUSEPORT) && SO_ISSET(b, SO_REUSEPORT))
		return (true);
	return (SO_ISSET(a, SO_REUSEADDR) && SO_ISSET(b, SO_REUSEADDR) &&
	    (a->so_type != SOCK_STREAM ||
	    !((a->so_state | b->so_state) & SS_LISTENING)));
}

static bool
port_free(struct inpcbtable *it, const struct inpcb *inp,
    const struct inaddr *laddr, uint16_t port)
{
	struct inpcb *other;

	LIST_FOREACH(other, port_bucket(it, port), inp_porthash) {
		if (other != inp && other->inp_lport == port &&
		    bind_overlap(inp, laddr, other) &&
		    !bind_shares(inp->inp_socket, other->inp_socket))
			return (false);
	}
	return (true);
}

/*
 * A free one, beginning at a random place (RFC 6056, 3.3.1); it need not be
 * free for all if the connection that it is for is new.  0: none.
 */
static uint16_t
port_choose(struct inpcbtable *it, const struct inpcb *inp,
    const struct inaddr *laddr, const struct inaddr *faddr, uint16_t fport)
{
	u_int n = IPPORT_EPHEMERAL_LAST - IPPORT_EPHEMERAL_FIRST + 1, i;
	uint32_t start;
	uint16_t port;

	rnd_bytes(&start, sizeof(start));
	for (i = 0; i < n; i++) {
		port = IPPORT_EPHEMERAL_FIRST + (start + i) % n;
		if (port_free(it, inp, laddr, port))
			return (port);
	}
	for (i = 0; faddr != NULL && i < n; i++) {
		port = IPPORT_EPHEMERAL_FIRST + (start + i) % n;
		if (conn_find(it, laddr, port, faddr, fport, 0) == NULL &&
		    bound_find(it, laddr, port, faddr, fport, 0) == NULL)
			return (port);
	}
	return (0);
}

static int
bind_port(struct inpcb *inp, struct inpcbtable *it,
    const struct inaddr *laddr, uint16_t port)
{
	int error = 0;

	mtx_enter(&it->it_mtx);
	if (port == 0) {
		inp->inp_flags |= INP_ANYPORT;
		port = port_choose(it, inp, laddr, NULL, 0);
		if (port == 0)
			error = EADDRINUSE;
	} else if (!port_free(it, inp, laddr, port))
		error = EADDRINUSE;
	if (error == 0) {
		inp->inp_laddr = *laddr;
		inp->inp_lport = port;
		table_enter(inp, it);
	}
	mtx_leave(&it->it_mtx);
	return (error);
}

int
in_pcbbind(struct inpcb *inp, struct inpcbtable *it,
    const struct sockaddr *sa, size_t len)
{
	struct inaddr laddr = inp->inp_laddr;
	uint16_t port = 0;
	u_int ifidx = 0;
	int error;

	if (inp->inp_lport != 0)
		return (EINVAL);
	if (sa != NULL) {
		error = in_fromsockaddr(inp, sa, len, &laddr, &port, &ifidx);
		if (error != 0)
			return (error);
		if (!in_isany(&laddr) && !in_ismulticast(&laddr) &&
		    !(in_is4(&laddr) && in4_get(&laddr) == INADDR_BROADCAST) &&
		    !ip_islocal(&laddr, ifidx))
			return (EADDRNOTAVAIL);
		if (in_is4(&laddr) == false && in6_isscoped(&laddr)) {
			if (ifidx == 0 && inp->inp_socket->so_ifidx == 0)
				return (EINVAL);
			inp->inp_ifidx = ifidx;
		}
	}
	return (bind_port(inp, it, &laddr, port));
}

/* --- peers ---------------------------------------------------------------------------- */

/* From the address that a packet to the peer would have. */
static int
connect_source(struct inpcb *inp, const struct inaddr *faddr, u_int ifidx,
    struct inaddr *laddr)
{
	int error;

	*laddr = inp->inp_laddr;
	if (!in_isany(laddr))
		return (in_is4(laddr) != in_is4(faddr) ? EAFNOSUPPORT : 0);
	error = ip_route_get(&inp->inp_route, faddr, NULL,
	    ifidx != 0 ? ifidx : inp->inp_socket->so_ifidx);
	if (error == 0 && inp->inp_route.ir_bcast &&
	    !SO_ISSET(inp->inp_socket, SO_BROADCAST))
		error = EACCES;
	*laddr = inp->inp_route.ir_src;
	return (error);
}

int
in_pcbconnect(struct inpcb *inp, struct inpcbtable *it,
    const struct sockaddr *sa, size_t len)
{
	struct inaddr faddr, laddr;
	uint16_t fport, lport;
	u_int ifidx = 0;
	int error;

	error = in_fromsockaddr(inp, sa, len, &faddr, &fport, &ifidx);
	if (error != 0)
		return (error);
	if (fport == 0)
		return (EADDRNOTAVAIL);
	/* to nobody in particular is to oneself (RFC 1122, 4.2.3.10: TCP) */
	if (in_isany(&faddr)) {
		if (in_is4(&faddr) || (inp->inp_flags & INP_V4))
			faddr = in4_make(IN4(127, 0, 0, 1));
		else
			faddr.ia_b[15] = 1;
	}
	if (!in_is4(&faddr) && in6_islinklocal(&faddr) && ifidx == 0 &&
	    inp->inp_ifidx == 0 && inp->inp_socket->so_ifidx == 0)
		return (EINVAL);
	error = connect_source(inp, &faddr, ifidx, &laddr);
	if (error != 0)
		return (error);

	mtx_enter(&it->it_mtx);
	lport = inp->inp_lport;
	if (lport == 0)
		lport = port_choose(it, inp, &laddr, &faddr, fport);
	if (lport == 0)
		error = EADDRNOTAVAIL;
	else if (conn_find(it, &laddr, lport, &faddr, fport, ifidx) != NULL)
		error = inp->inp_lport == 0 ? EADDRNOTAVAIL : EADDRINUSE;
	else {
		conn_leave(inp);
		inp->inp_laddr = laddr;
		inp->inp_faddr = faddr;
		inp->inp_fport = fport;
		if (ifidx != 0)
			inp->inp_ifidx = ifidx;
		if (inp->inp_lport == 0) {
			inp->inp_flags |= INP_ANYPORT;
			inp->inp_lport = lport;
			table_enter(inp, it);
		}
		conn_enter(inp, it);
	}
	mtx_leave(&it->it_mtx);
	return (error);
}

void
in_pcbdisconnect(struct inpcb *inp)
{
	struct inpcbtable *it = inp->inp_table;

	if (it == NULL)
		return;
	mtx_enter(&it->it_mtx);
	conn_leave(inp);
	inp->inp_faddr = inp->inp_flags & INP_V4 ? in4_make(0) :
	    (struct inaddr){ .ia_q = { 0, 0 } };
	inp->inp_fport = 0;
	mtx_leave(&it->it_mtx);
}

int
in_pcbconnected(struct inpcb *inp, struct inpcbtable *it)
{
	int error = 0;

	mtx_enter(&it->it_mtx);
	if (conn_find(it, &inp->inp_laddr, inp->inp_lport, &inp->inp_faddr,
	    inp->inp_fport, inp->inp_ifidx) != NULL)
		error = EADDRINUSE;
	else {
		table_enter(inp, it);
		conn_enter(inp, it);
	}
	mtx_leave(&it->it_mtx);
	return (error);
}

void
in_pcbdetach(struct inpcb *inp)
{
	struct inpcbtable *it = inp->inp_table;
	struct inp_member *im;
	struct ifnet *ifp;

	while ((im = LIST_FIRST(&inp->inp_members)) != NULL) {
		LIST_REMOVE(im, im_entry);
		if ((ifp = if_get(im->im_ifidx)) != NULL)
			(void)in_group_leave(ifp, &im->im_group);
		if_put(ifp);
		kmem_free(im, sizeof(*im));
	}
	if (it == NULL)
		return;
	mtx_enter(&it->it_mtx);
	conn_leave(inp);
	LIST_REMOVE(inp, inp_porthash);
	inp->inp_table = NULL;
	it->it_count--;
	mtx_leave(&it->it_mtx);
}

/* --- addresses, as programs have them ------------------------------------------------- */

int
in_fromsockaddr(const struct inpcb *inp, const struct sockaddr *sa,
    size_t len, struct inaddr *addr, uint16_t *port, u_int *ifidx)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	*ifidx = 0;
	if (len < sizeof(sa->sa_family))
		return (EINVAL);
	if (inp->inp_flags & INP_V4) {
		if (len < sizeof(sin))
			return (EINVAL);
		memcpy(&sin, sa, sizeof(sin));
		if (sin.sin_family != AF_INET && (sin.sin_family !=
		    AF_UNSPEC || be32_get(sin.sin_addr.s_addr) != 0))
			return (EAFNOSUPPORT);
		*addr = in4_make(be32_get(sin.sin_addr.s_addr));
		*port = be16_get(sin.sin_port);
		return (0);
	}
	if (sa->sa_family != AF_INET6)
		return (EAFNOSUPPORT);
	if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
		return (EINVAL);
	memset(&sin6, 0, sizeof(sin6));
	memcpy(&sin6, sa, MIN(len, sizeof(sin6)));
	memcpy(addr, &sin6.sin6_addr, sizeof(*addr));
	*port = be16_get(sin6.sin6_port);
	if (in_is4(addr) && (inp->inp_flags & INP_V6ONLY))
		return (ENETUNREACH);
	if (!in_is4(addr) && in6_isscoped(addr))
		*ifidx = sin6.sin6_scope_id;
	return (0);
}

void
in_sockaddr(const struct inpcb *inp, const struct inaddr *addr,
    uint16_t port, u_int ifidx, struct sockaddr_storage *ss, size_t *lenp)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	if (inp->inp_flags & INP_V4) {
		sin.sin_port = be16_make(port);
		sin.sin_addr.s_addr = addr->ia_l[3];
		*lenp = sizeof(sin);
		memcpy(ss, &sin, sizeof(sin));
		return;
	}
	sin6.sin6_port = be16_make(port);
	memcpy(&sin6.sin6_addr, addr, sizeof(*addr));
	if (!in_is4(addr) && in6_isscoped(addr))
		sin6.sin6_scope_id = ifidx;
	*lenp = sizeof(sin6);
	memcpy(ss, &sin6, sizeof(sin6));
}

int
in_pcbsockname(struct socket *so, struct sockaddr_storage *ss, size_t *lenp)
{
	struct inpcb *inp = so->so_pcb;

	in_sockaddr(inp, &inp->inp_laddr, inp->inp_lport, inp->inp_ifidx, ss,
	    lenp);
	return (0);
}

int
in_pcbpeername(struct socket *so, struct sockaddr_storage *ss, size_t *lenp)
{
	struct inpcb *inp = so->so_pcb;

	if (!(so->so_state & SS_CONNECTED))
		return (ENOTCONN);
	in_sockaddr(inp, &inp->inp_faddr, inp->inp_fport, inp->inp_ifidx, ss,
	    lenp);
	return (0);
}

void
in_pcbout(struct inpcb *inp, uint8_t proto, struct ip_out *io)
{
	const struct socket *so = inp->inp_socket;
	bool mcast = in_ismulticast(&inp->inp_faddr);

	*io = (struct ip_out){
	    .io_src = &inp->inp_laddr,
	    .io_dst = &inp->inp_faddr,
	    .io_route = &inp->inp_route,
	    .io_ifidx = so->so_ifidx != 0 ? so->so_ifidx :
	    mcast && inp->inp_mcifidx != 0 ? inp->inp_mcifidx :
	    inp->inp_ifidx,
	    .io_proto = proto,
	    .io_ttl = mcast ? inp->inp_mcttl : inp->inp_ttl,
	    .io_tos = inp->inp_tos,
	    .io_df = inp->inp_pmtudisc == IP_PMTUDISC_DO ||
	    inp->inp_pmtudisc == IP_PMTUDISC_PROBE,
	    .io_bcast = SO_ISSET(so, SO_BROADCAST),
	    .io_mcloop = !(inp->inp_flags & INP_NOMCLOOP),
	    .io_noroute = SO_ISSET(so, SO_DONTROUTE),
	};
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Routes: see if_var.h.  There are few, so a sorted list it is; sockets keep
 * what they found until rt_gen changes.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <net/if_var.h>

#define ROUTE_MAX	1024
#define PMTU_MAX	256
#define PMTU_LIFE	SEC_TO_NSEC(600)	/* RFC 8201, 4 */

struct pmtu {
	struct inaddr	p_dst;
	u_int		p_mtu;
	uint64_t	p_expire;
};

uint32_t		rt_gen = 1;
struct route_head	routes = TAILQ_HEAD_INITIALIZER(routes);
static u_int		nroutes;			/* net_mtx */
static struct pmtu	pmtus[PMTU_MAX];		/* net_mtx */

void
route_changed(void)
{
	if (__atomic_add_fetch(&rt_gen, 1, __ATOMIC_RELEASE) == 0)
		__atomic_add_fetch(&rt_gen, 1, __ATOMIC_RELEASE);
}

static bool
in_match(const struct inaddr *a, const struct inaddr *prefix, u_int plen)
{
	u_int full = plen / 8, rest = plen % 8;

	return (memcmp(a->ia_b, prefix->ia_b, full) == 0 && (rest == 0 ||
	    ((a->ia_b[full] ^ prefix->ia_b[full]) & (0xff00 >> rest) &
	    0xff) == 0));
}

static bool
route_same(const struct route *a, const struct route *b)
{
	return (a->r_plen == b->r_plen && in_equal(&a->r_dst, &b->r_dst) &&
	    (a->r_ifidx == b->r_ifidx || b->r_ifidx == 0) &&
	    (in_equal(&a->r_gateway, &b->r_gateway) ||
	    (b->r_gateway.ia_q[0] == 0 && b->r_gateway.ia_q[1] == 0 &&
	    !b->r_addr)));
}

struct route *
route_lookup(const struct inaddr *dst, u_int ifidx)
{
	struct route *r;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	TAILQ_FOREACH(r, &routes, r_entry) {
		if ((ifidx == 0 || r->r_ifidx == ifidx) &&
		    in_match(dst, &r->r_dst, r->r_plen))
			return (r);
	}
	return (NULL);
}

/* The interface of a gateway that was given without one. */
static int
route_place(struct route *r)
{
	struct route *via;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	if (r->r_ifidx != 0)
		return (0);
	via = route_lookup(&r->r_gateway, 0);
	if (via == NULL || (via->r_flags & RTF_GATEWAY))
		return (ENETUNREACH);
	r->r_ifidx = via->r_ifidx;
	return (0);
}

static void
route_insert(struct route *new)
{
	struct route *r;

	TAILQ_FOREACH(r, &routes, r_entry) {
		if (r->r_plen < new->r_plen || (r->r_plen == new->r_plen &&
		    r->r_metric > new->r_metric))
			break;
	}
	if (r != NULL)
		TAILQ_INSERT_BEFORE(r, new, r_entry);
	else
		TAILQ_INSERT_TAIL(&routes, new, r_entry);
	nroutes++;
}

int
route_add(const struct route *want)
{
	struct route *r, *new;
	int error;

	if ((new = kmem_alloc(sizeof(*new), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	*new = *want;
	new->r_refs = 1;
	mtx_enter(&net_mtx);
	if ((error = route_place(new)) == 0) {
		TAILQ_FOREACH(r, &routes, r_entry) {
			if (route_same(r, new) && r->r_metric == new->r_metric)
				break;
		}
		if (r != NULL && r->r_addr && new->r_addr)
			r->r_refs++;	/* two addresses, one prefix */
		if (r != NULL)
			error = EEXIST;
		else if (nroutes >= ROUTE_MAX)
			error = ENOMEM;
		else {
			route_insert(new);
			new = NULL;
		}
	}
	mtx_leave(&net_mtx);
	kmem_free(new, sizeof(*new));
	if (error == 0)
		route_changed();
	return (error);
}

static void
route_unlink(struct route *r)
{
	TAILQ_REMOVE(&routes, r, r_entry);
	nroutes--;
	kmem_free(r, sizeof(*r));
}

int
route_del(const struct route *want)
{
	struct route *r;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(r, &routes, r_entry) {
		if (route_same(r, want))
			break;
	}
	if (r != NULL && (!want->r_addr || --r->r_refs == 0))
		route_unlink(r);
	mtx_leave(&net_mtx);
	if (r == NULL)
		return (ESRCH);
	route_changed();
	return (0);
}

void
route_purge(u_int ifidx)
{
	struct route *r, *next;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH_SAFE(r, &routes, r_entry, next) {
		if (r->r_ifidx == ifidx)
			route_unlink(r);
	}
	mtx_leave(&net_mtx);
	route_changed();
}

/* --- what fits through a path --------------------------------------------------- */

static struct pmtu *
pmtu_slot(const struct inaddr *dst)
{
	return (&pmtus[(cksum_fold(cksum_add(0, dst, sizeof(*dst))) * 0x9e37U
	    >> 4) % PMTU_MAX]);
}

void
pmtu_set(const struct inaddr *dst, u_int mtu)
{
	u_int least = in_is4(dst) ? 576 : 1280;
	struct pmtu *p = pmtu_slot(dst);

	mtx_enter(&net_mtx);
	*p = (struct pmtu){ *dst, MAX(mtu, least), nsecuptime() + PMTU_LIFE };
	mtx_leave(&net_mtx);
	route_changed();
}

u_int
pmtu_get(const struct inaddr *dst, u_int mtu)
{
	const struct pmtu *p = pmtu_slot(dst);

	MUTEX_ASSERT_LOCKED(&net_mtx);
	return (p->p_mtu != 0 && in_equal(&p->p_dst, dst) &&
	    p->p_expire > nsecuptime() ? MIN(p->p_mtu, mtu) : mtu);
}

/* --- for a packet ------------------------------------------------------------------ */

static struct ifnet *
ifnet_at(u_int index)
{
	struct ifnet *ifp;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		if (ifp->if_index == index)
			break;
	}
	return (ifp);
}

/* net_mtx is held.  An address of ours, of any interface. */
static bool
in_ours(const struct inaddr *a, u_int ifidx)
{
	struct ifaddr *ifa;
	struct ifnet *ifp;

	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		if (ifidx != 0 && in6_isscoped(a) && ifp->if_index != ifidx)
			continue;
		TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
			if (in_equal(&ifa->ifa_addr, a) && !(ifa->ifa_flags &
			    (IFA_TENTATIVE | IFA_DUPLICATED)))
				return (true);
		}
	}
	return (false);
}

bool
ip_islocal(const struct inaddr *a, u_int ifidx)
{
	bool local;

	if (in_is4(a) && in_isloopback(a))
		return (true);
	mtx_enter(&net_mtx);
	local = in_ours(a, ifidx);
	mtx_leave(&net_mtx);
	return (local);
}

/* Groups and 255.255.255.255 need no route, only an interface. */
static struct ifnet *
mcast_if(const struct inaddr *dst, u_int ifidx)
{
	struct ifnet *ifp;
	struct route *r;

	if (ifidx != 0)
		return (ifnet_at(ifidx));
	if ((r = route_lookup(dst, 0)) != NULL)
		return (ifnet_at(r->r_ifidx));
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		if ((ifp->if_flags & IFF_MULTICAST) && if_usable(ifp))
			break;
	}
	return (ifp);
}

static bool
is_bcast(const struct inaddr *dst, struct ifnet *ifp)
{
	struct ifaddr *ifa;

	if (!in_is4(dst))
		return (false);
	if (in4_get(dst) == INADDR_BROADCAST)
		return (true);
	TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
		if (in_is4(&ifa->ifa_addr) && ifa->ifa_plen < 127 &&
		    in_equal(&ifa->ifa_bcast, dst))
			return (true);
	}
	return (false);
}

/* net_mtx is held: everything but the source. */
static int
route_find(struct ip_route *ir, const struct inaddr *dst, u_int ifidx,
    struct ifnet **ifpp)
{
	struct route *r = NULL;
	struct ifnet *ifp;

	ir->ir_dst = ir->ir_hop = *dst;
	ir->ir_local = in_ours(dst, ifidx) ||
	    (in_is4(dst) && in_isloopback(dst));
	if (ir->ir_local)
		ifp = ifnet_at(loop_ifidx);
	else if (in_ismulticast(dst) || (in_is4(dst) &&
	    in4_get(dst) == INADDR_BROADCAST))
		ifp = mcast_if(dst, ifidx);
	else {
		if ((r = route_lookup(dst, ifidx)) == NULL)
			return (ENETUNREACH);
		if (r->r_flags & RTF_REJECT)
			return (EHOSTUNREACH);
		ifp = ifnet_at(r->r_ifidx);
		if (r->r_flags & RTF_GATEWAY)
			ir->ir_hop = r->r_gateway;
	}
	if (ifp == NULL)
		return (ENETUNREACH);
	if (!(ifp->if_flags & IFF_UP))
		return (ENETDOWN);
	ir->ir_bcast = !ir->ir_local && is_bcast(dst, ifp);
	ir->ir_ifidx = ifp->if_index;
	ir->ir_mtu = pmtu_get(dst, in_is4(dst) ? ifp->if_mtu :
	    in6_mtu(ifp));
	ir->ir_caps = ifp->if_capenable;
	ir->ir_tsomax = ifp->if_tsomax;
	__atomic_fetch_add(&ifp->if_refs, 1, __ATOMIC_RELAXED);
	*ifpp = ifp;
	return (0);
}

int
ip_route_get(struct ip_route *ir, const struct inaddr *dst,
    const struct inaddr *src, u_int ifidx)
{
	uint32_t gen = __atomic_load_n(&rt_gen, __ATOMIC_ACQUIRE);
	bool fixed = src != NULL && !in_isany(src);
	struct ifnet *ifp;
	int error;

	if (ir->ir_gen == gen && in_equal(&ir->ir_dst, dst) &&
	    (!fixed || in_equal(&ir->ir_src, src)))
		return (0);
	ir->ir_gen = 0;
	mtx_enter(&net_mtx);
	error = route_find(ir, dst, ifidx, &ifp);
	mtx_leave(&net_mtx);
	if (error != 0)
		return (error);
	if (fixed)
		ir->ir_src = *src;
	else if (ir->ir_local && !in_ismulticast(dst))
		ir->ir_src = *dst;
	else if ((error = ifa_source(ifp, dst, &ir->ir_src)) != 0 &&
	    (ir->ir_bcast || in_ismulticast(dst))) {
		/* DHCP, and IPv6 before it has an address */
		ir->ir_src = in_is4(dst) ? in4_make(0) :
		    (struct inaddr){ .ia_q = { 0, 0 } };
		error = 0;
	}
	if_put(ifp);
	if (error == 0)
		ir->ir_gen = gen;
	return (error);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Addresses of interfaces: see if_var.h.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <net/if_var.h>

static struct ifaddr *
ifa_at(struct ifnet *ifp, const struct inaddr *addr)
{
	struct ifaddr *ifa;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
		if (in_equal(&ifa->ifa_addr, addr))
			break;
	}
	return (ifa);
}

/* The route to all that the address's prefix holds. */
static void
ifa_route(const struct ifnet *ifp, const struct ifaddr *ifa, struct route *r)
{
	u_int i;

	*r = (struct route){ .r_dst = ifa->ifa_addr, .r_plen = ifa->ifa_plen,
	    .r_ifidx = ifp->if_index, .r_flags = RTF_UP, .r_expire = INFSLP,
	    .r_addr = true };
	for (i = 0; i < 16; i++) {
		if (i * 8 + 8 > r->r_plen)
			r->r_dst.ia_b[i] &= i * 8 >= r->r_plen ? 0 :
			    0xff00 >> (r->r_plen - i * 8);
	}
}

/*
 * Not a host; and an address that was made of a router's prefix says nothing
 * of who is on the link (RFC 5942, 4): the router does.
 */
static bool
ifa_hasroute(const struct ifaddr *ifa)
{
	return (ifa->ifa_plen < 128 && (!(ifa->ifa_flags & IFA_AUTOCONF) ||
	    in6_islinklocal(&ifa->ifa_addr)));
}

int
ifa_add(struct ifnet *ifp, const struct ifaddr *want)
{
	struct ifaddr *ifa, *new;
	struct route r;
	bool had = false, hadroute = false;

	if (want->ifa_plen > 128 ||
	    (in_is4(&want->ifa_addr) && want->ifa_plen < 96))
		return (EINVAL);
	if ((new = kmem_zalloc(sizeof(*new), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	mtx_enter(&net_mtx);
	if ((ifa = ifa_at(ifp, &want->ifa_addr)) != NULL) {
		had = true;
		hadroute = ifa_hasroute(ifa);
		ifa_route(ifp, ifa, &r);
	} else {
		ifa = new;
		new = NULL;
		TAILQ_INSERT_TAIL(&ifp->if_addrs, ifa, ifa_entry);
	}
	ifa->ifa_addr = want->ifa_addr;
	ifa->ifa_bcast = want->ifa_bcast;
	ifa->ifa_plen = want->ifa_plen;
	ifa->ifa_flags = want->ifa_flags;
	ifa->ifa_preferred = want->ifa_preferred;
	ifa->ifa_valid = want->ifa_valid;
	mtx_leave(&net_mtx);
	kmem_free(new, sizeof(*new));
	if (hadroute)
		(void)route_del(&r);
	ifa_route(ifp, want, &r);
	if (ifa_hasroute(want))
		(void)route_add(&r);
	route_changed();
	if (!had && !in_is4(&want->ifa_addr))
		in6_ifa_added(ifp, &want->ifa_addr);
	else if (!had && if_usable(ifp))
		arp_announce(ifp);
	return (0);
}

int
ifa_del(struct ifnet *ifp, const struct inaddr *addr)
{
	struct ifaddr *ifa;
	struct route r;

	mtx_enter(&net_mtx);
	if ((ifa = ifa_at(ifp, addr)) != NULL) {
		ifa_route(ifp, ifa, &r);
		TAILQ_REMOVE(&ifp->if_addrs, ifa, ifa_entry);
	}
	mtx_leave(&net_mtx);
	if (ifa == NULL)
		return (EADDRNOTAVAIL);
	if (ifa_hasroute(ifa))
		(void)route_del(&r);
	route_changed();
	if (!in_is4(&ifa->ifa_addr))
		in6_ifa_removed(ifp, &ifa->ifa_addr);
	kmem_free(ifa, sizeof(*ifa));
	return (0);
}

/* Those of one family that have all the flags. */
void
ifa_purge(struct ifnet *ifp, bool v6, u_int flags)
{
	struct inaddr addr;
	struct ifaddr *ifa;

	do {
		mtx_enter(&net_mtx);
		TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
			if (in_is4(&ifa->ifa_addr) != v6 &&
			    (ifa->ifa_flags & flags) == flags)
				break;
		}
		if (ifa != NULL)
			addr = ifa->ifa_addr;
		mtx_leave(&net_mtx);
	} while (ifa != NULL && ifa_del(ifp, &addr) == 0);
}

bool
ifa_find(const struct inaddr *addr, u_int ifidx, struct ifaddr *copy)
{
	struct ifaddr *ifa = NULL;
	struct ifnet *ifp;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		if (ifidx != 0 && ifp->if_index != ifidx)
			continue;
		if ((ifa = ifa_at(ifp, addr)) != NULL)
			break;
	}
	if (ifa != NULL && copy != NULL)
		*copy = *ifa;
	mtx_leave(&net_mtx);
	return (ifa != NULL);
}

/* --- which address to send from ---------------------------------------------------- */

static u_int
in_common(const struct inaddr *a, const struct inaddr *b)
{
	u_int i;

	for (i = 0; i < 16 && a->ia_b[i] == b->ia_b[i]; i++)
		continue;
	return (i == 16 ? 128 :
	    i * 8 + __builtin_clz(a->ia_b[i] ^ b->ia_b[i]) - 24);
}

/* RFC 4291, 2.7, and RFC 6724, 3.1 and 3.2: larger reaches further. */
static u_int
in_scope(const struct inaddr *a)
{
	if (in_is4(a))
		return (in4_get(a) >> 24 == 127 ||
		    in4_get(a) >> 16 == 0xa9fe ? 2 : 14);
	if (a->ia_b[0] == 0xff)
		return (a->ia_b[1] & 0x0f);
	return (in6_islinklocal(a) || in_isloopback(a) ? 2 :
	    a->ia_b[0] == 0xfe && (a->ia_b[1] & 0xc0) == 0xc0 ? 5 : 14);
}

/* RFC 6724, 5: whether a is a better source than b, which may be NULL. */
static bool
ifa_better(const struct ifaddr *a, bool aout, const struct ifaddr *b,
    bool bout, const struct inaddr *dst)
{
	u_int sa, sb, sd = in_scope(dst);

	if (b == NULL)
		return (true);
	sa = in_scope(&a->ifa_addr);
	sb = in_scope(&b->ifa_addr);
	if (sa != sb)			/* rule 2 */
		return (sa < sb ? sa >= sd : sb < sd);
	if ((a->ifa_flags ^ b->ifa_flags) & IFA_DEPRECATED)	/* 3 */
		return ((b->ifa_flags & IFA_DEPRECATED) != 0);
	if (aout != bout)		/* 5 */
		return (aout);
	return (in_common(&a->ifa_addr, dst) >
	    in_common(&b->ifa_addr, dst));	/* 8 */
}

int
ifa_source(struct ifnet *out, const struct inaddr *dst, struct inaddr *src)
{
	struct ifaddr *ifa, *best = NULL;
	bool v4 = in_is4(dst), bestout = false, isout;
	struct ifnet *ifp;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		isout = ifp == out;
		/* of another interface only what is valid everywhere */
		TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
			if (in_is4(&ifa->ifa_addr) != v4 || (ifa->ifa_flags &
			    (IFA_TENTATIVE | IFA_DUPLICATED)) || (!isout &&
			    in_scope(&ifa->ifa_addr) < 14))
				continue;
			if (ifa_better(ifa, isout, best, bestout, dst)) {
				best = ifa;
				bestout = isout;
			}
		}
	}
	if (best != NULL)
		*src = best->ifa_addr;
	mtx_leave(&net_mtx);
	return (best == NULL ? EADDRNOTAVAIL : 0);
}

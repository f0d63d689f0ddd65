/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * IPv6 on an interface: its addresses, and the proof that they are unique
 * (RFC 4862).
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <netinet6/ip6.h>
#include <netinet6/ip6_var.h>
#include <netinet6/nd6.h>

#define DAD_PROBES	1		/* DupAddrDetectTransmits */
#define DAD_INTERVAL	SEC_TO_NSEC(1)

const struct inaddr	in6_any;
const struct inaddr	in6_allnodes = {
	.ia_b = { 0xff, 2, [15] = 1 } };
const struct inaddr	in6_allrouters = {
	.ia_b = { 0xff, 2, [15] = 2 } };

static struct timeout	nd6_to;

static void	nd6_timer(void *);

struct inaddr
in6_solicited(const struct inaddr *a)
{
	struct inaddr g = { .ia_b = { 0xff, 2, [11] = 1, [12] = 0xff } };

	memcpy(&g.ia_b[13], &a->ia_b[13], 3);
	return (g);
}

void
in6_eui64(const struct ifnet *ifp, struct inaddr *a)
{
	const uint8_t *l = ifp->if_lladdr;

	*a = (struct inaddr){ .ia_b = { 0xfe, 0x80, [8] = l[0] ^ 2, l[1],
	    l[2], 0xff, 0xfe, l[3], l[4], l[5] } };
}

/* --- interfaces -------------------------------------------------------------------------- */

void
in6_ifattach(struct ifnet *ifp)
{
	struct in6_ifinfo *ii;

	if ((ii = kmem_zalloc(sizeof(*ii), KM_NOSLEEP)) == NULL)
		return;
	mtx_enter(&net_mtx);
	ifp->if_in6 = ii;
	mtx_leave(&net_mtx);
}

static void
in6_stop(struct ifnet *ifp)
{
	bool was = false;

	mtx_enter(&net_mtx);
	if (ifp->if_in6 != NULL) {
		was = ifp->if_in6->ii_enabled;
		memset(ifp->if_in6, 0, sizeof(*ifp->if_in6));
	}
	mtx_leave(&net_mtx);
	if (was) {
		(void)in_group_leave(ifp, &in6_allnodes);
		ifa_purge(ifp, true, IFA_AUTOCONF);
		nd6_router_purge(ifp->if_index);
	}
}

void
in6_ifdetach(struct ifnet *ifp)
{
	struct in6_ifinfo *ii;

	in6_stop(ifp);
	mtx_enter(&net_mtx);
	ii = ifp->if_in6;
	ifp->if_in6 = NULL;
	mtx_leave(&net_mtx);
	kmem_free(ii, sizeof(*ii));
}

static void
in6_start(struct ifnet *ifp)
{
	struct ifaddr ifa = { .ifa_plen = 64, .ifa_flags = IFA_TENTATIVE |
	    IFA_AUTOCONF, .ifa_preferred = INFSLP, .ifa_valid = INFSLP };

	mtx_enter(&net_mtx);
	if (ifp->if_in6 == NULL || ifp->if_in6->ii_enabled) {
		mtx_leave(&net_mtx);
		return;
	}
	ifp->if_in6->ii_enabled = true;
	mtx_leave(&net_mtx);
	(void)in_group_join(ifp, &in6_allnodes);
	in6_eui64(ifp, &ifa.ifa_addr);
	(void)ifa_add(ifp, &ifa);
	nd6_solicit_routers(ifp);
}

void
in6_ifchanged(struct ifnet *ifp)
{
	if (ifp->if_type != ARPHRD_ETHER)
		return;
	if (if_usable(ifp)) {
		in6_start(ifp);
		nd6_wake(nsecuptime());		/* what waited for the link */
	} else if (!(ifp->if_flags & IFF_UP))
		in6_stop(ifp);
}

void
in6_announce(struct ifnet *ifp)
{
	struct ifaddr *ifa;
	struct inaddr a;
	u_int nth, i;
	bool ok;

	for (nth = 0;; nth++) {
		i = 0;
		ok = false;
		mtx_enter(&net_mtx);
		TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
			if (in_is4(&ifa->ifa_addr) || i++ != nth)
				continue;
			a = ifa->ifa_addr;
			ok = (ifa->ifa_flags & (IFA_TENTATIVE |
			    IFA_DUPLICATED)) == 0;
			break;
		}
		mtx_leave(&net_mtx);
		if (ifa == NULL)
			return;
		if (ok)
			nd6_advertise(ifp, &a, &in6_allnodes, false);
	}
}

/* --- addresses ---------------------------------------------------------------------------- */

static void
ifa_flags_set(struct ifnet *ifp, const struct inaddr *a, u_int clear,
    u_int set)
{
	struct ifaddr *ifa;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
		if (in_equal(&ifa->ifa_addr, a))
			ifa->ifa_flags = (ifa->ifa_flags & ~clear) | set;
	}
	mtx_leave(&net_mtx);
	route_changed();
}

void
in6_ifa_added(struct ifnet *ifp, const struct inaddr *a)
{
	struct inaddr group = in6_solicited(a);
	struct ifaddr *ifa;

	if (ifp->if_type != ARPHRD_ETHER)
		return;
	(void)in_group_join(ifp, &group);
	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
		if (in_equal(&ifa->ifa_addr, a)) {
			ifa->ifa_dadcount = 0;
			ifa->ifa_dadnext = nsecuptime();
		}
	}
	mtx_leave(&net_mtx);
	nd6_wake(nsecuptime());
}

void
in6_ifa_removed(struct ifnet *ifp, const struct inaddr *a)
{
	struct inaddr group = in6_solicited(a);

	if (ifp->if_type == ARPHRD_ETHER)
		(void)in_group_leave(ifp, &group);
}

void
nd6_dad_collided(struct ifnet *ifp, const struct inaddr *a)
{
	ifa_flags_set(ifp, a, IFA_TENTATIVE, IFA_DUPLICATED);
	printf("%s: IPv6 address ending in %02x%02x:%02x%02x is another "
	    "machine's, not used\n", ifp->if_xname, a->ia_b[12], a->ia_b[13],
	    a->ia_b[14], a->ia_b[15]);
}

/* --- servers of names ------------------------------------------------------------------------ */

/* RFC 5952, but for the shortest form: programs read it. */
int
in6_print(char *buf, size_t size, const struct inaddr *a)
{
	return (snprintf(buf, size, "%x:%x:%x:%x:%x:%x:%x:%x",
	    be16_get(a->ia_w[0]), be16_get(a->ia_w[1]),
	    be16_get(a->ia_w[2]), be16_get(a->ia_w[3]),
	    be16_get(a->ia_w[4]), be16_get(a->ia_w[5]),
	    be16_get(a->ia_w[6]), be16_get(a->ia_w[7])));
}

static int
rdnss_read(void *arg __unused, char *buf, size_t size)
{
	uint64_t now = nsecuptime();
	struct in6_ifinfo *ii;
	struct ifnet *ifp;
	size_t n = 0;
	u_int i;

	buf[0] = '\0';
	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		for (i = 0; (ii = ifp->if_in6) != NULL && i < RDNSS_MAX;
		    i++) {
			if (ii->ii_rdnss_expire[i] <= now || n + 48 > size)
				continue;
			if (n != 0)
				buf[n++] = ' ';
			n += in6_print(buf + n, size - n, &ii->ii_rdnss[i]);
		}
	}
	mtx_leave(&net_mtx);
	return (n);
}

static struct sysctl_oid rdnss_oid = {
	.so_name = "net.inet6.rdnss", .so_read = rdnss_read,
};

/* --- time ---------------------------------------------------------------------------------- */

void
nd6_init(void)
{
	timeout_set(&nd6_to, nd6_timer, NULL);
	(void)sysctl_register(&rdnss_oid);
}

void
nd6_wake(uint64_t when)
{
	uint64_t now = nsecuptime();

	if (!timeout_pending(&nd6_to) || nd6_to.to_time > when)
		timeout_add_nsec(&nd6_to, when > now ? when - now : 0);
}

enum due { DUE_NOTHING, DUE_PROBE, DUE_GONE };

/* What is to be done with one address now, if anything. */
static enum due
ifa_due(struct ifaddr *ifa, const struct ifnet *ifp, uint64_t now,
    uint64_t *nextp)
{
	if (in_is4(&ifa->ifa_addr))
		return (DUE_NOTHING);
	if (ifa->ifa_valid <= now)
		return (DUE_GONE);
	*nextp = MIN(*nextp, ifa->ifa_valid);
	if (ifa->ifa_preferred <= now)
		ifa->ifa_flags |= IFA_DEPRECATED;
	else {
		ifa->ifa_flags &= ~IFA_DEPRECATED;
		*nextp = MIN(*nextp, ifa->ifa_preferred);
	}
	if (!(ifa->ifa_flags & IFA_TENTATIVE) || !if_usable(ifp))
		return (DUE_NOTHING);
	if (ifa->ifa_dadnext > now) {
		*nextp = MIN(*nextp, ifa->ifa_dadnext);
		return (DUE_NOTHING);
	}
	if (ifa->ifa_dadcount == DAD_PROBES) {
		ifa->ifa_flags &= ~IFA_TENTATIVE;
		route_changed();
		return (DUE_NOTHING);
	}
	ifa->ifa_dadcount++;
	ifa->ifa_dadnext = now + DAD_INTERVAL;
	return (DUE_PROBE);
}

static enum due
nd6_due(uint64_t now, uint64_t *nextp, u_int *ifidx, struct inaddr *addr)
{
	enum due due = DUE_NOTHING;
	struct ifaddr *ifa;
	struct ifnet *ifp;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		TAILQ_FOREACH(ifa, &ifp->if_addrs, ifa_entry) {
			due = ifa_due(ifa, ifp, now, nextp);
			if (due == DUE_NOTHING)
				continue;
			*ifidx = ifp->if_index;
			*addr = ifa->ifa_addr;
			goto out;
		}
	}
 out:
	mtx_leave(&net_mtx);
	return (due);
}

static void
nd6_timer(void *arg __unused)
{
	uint64_t now = nsecuptime(), next = INFSLP;
	struct inaddr addr;
	struct ifnet *ifp;
	enum due due;
	u_int ifidx;

	while ((due = nd6_due(now, &next, &ifidx, &addr)) != DUE_NOTHING) {
		if ((ifp = if_get(ifidx)) == NULL)
			continue;
		if (due == DUE_PROBE)
			nd6_dad_probe(ifp, &addr);
		else
			(void)ifa_del(ifp, &addr);
		if_put(ifp);
	}
	nd6_router_expire(now, &next);
	/* probes that were just sent have their time in the list again */
	(void)nd6_due(now, &next, &ifidx, &addr);
	if (next != INFSLP)
		nd6_wake(MAX(next, now + MSEC_TO_NSEC(1)));
}

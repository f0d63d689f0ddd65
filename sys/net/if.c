/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Network interfaces: the list of them, up and down, what they listen to and
 * what they count.  See ifnet.h for drivers, if_var.h for the network.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <net/if_var.h>

struct mutex		net_mtx = MUTEX_INITIALIZER(IPL_SOFT);
struct ifnet_head	ifnets = TAILQ_HEAD_INITIALIZER(ifnets);

static void	if_filter(void *);
static void	if_link(void *);

/* --- life --------------------------------------------------------------------- */

static struct ifnet *
if_find(const char *name)
{
	struct ifnet *ifp;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		if (strcmp(ifp->if_xname, name) == 0)
			return (ifp);
	}
	return (NULL);
}

static struct ifnet *
if_ref(struct ifnet *ifp)
{
	if (ifp != NULL)
		__atomic_fetch_add(&ifp->if_refs, 1, __ATOMIC_RELAXED);
	return (ifp);
}

struct ifnet *
if_get(u_int index)
{
	struct ifnet *ifp;

	mtx_enter(&net_mtx);
	TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
		if (ifp->if_index == index)
			break;
	}
	if_ref(ifp);
	mtx_leave(&net_mtx);
	return (ifp);
}

struct ifnet *
if_byname(const char *name)
{
	struct ifnet *ifp;

	mtx_enter(&net_mtx);
	ifp = if_ref(if_find(name));
	mtx_leave(&net_mtx);
	return (ifp);
}

u_int
if_nametoindex(const char *name)
{
	struct ifnet *ifp;
	u_int index;

	mtx_enter(&net_mtx);
	ifp = if_find(name);
	index = ifp == NULL ? 0 : ifp->if_index;
	mtx_leave(&net_mtx);
	return (index);
}

void
if_put(struct ifnet *ifp)
{
	if (ifp != NULL && __atomic_sub_fetch(&ifp->if_refs, 1,
	    __ATOMIC_ACQ_REL) == 0)
		wakeup(&ifp->if_refs);
}

/* The lowest that is free; 0: none. */
static u_int
if_newindex(void)
{
	struct ifnet *ifp;
	u_int i;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	for (i = 1; i < IF_MAX; i++) {
		TAILQ_FOREACH(ifp, &ifnets, if_link_entry) {
			if (ifp->if_index == i)
				break;
		}
		if (ifp == NULL)
			return (i);
	}
	return (0);
}

int
if_attach(struct ifnet *ifp)
{
	int error = 0;

	LIST_INIT(&ifp->if_mcasts);
	TAILQ_INIT(&ifp->if_addrs);
	rw_init(&ifp->if_lock, "ifnet");
	task_set(&ifp->if_filtertask, if_filter, ifp);
	task_set(&ifp->if_linktask, if_link, ifp);
	ifp->if_refs = 1;
	ifp->if_dead = false;
	mtx_enter(&net_mtx);
	if (if_find(ifp->if_xname) != NULL)
		error = EEXIST;
	else if ((ifp->if_index = if_newindex()) == 0)
		error = ENOMEM;
	else
		TAILQ_INSERT_TAIL(&ifnets, ifp, if_link_entry);
	mtx_leave(&net_mtx);
	if (error == 0)
		in6_ifattach(ifp);
	return (error);
}

static void
if_mcast_purge(struct ifnet *ifp)
{
	struct if_mcast *im;

	for (;;) {
		mtx_enter(&net_mtx);
		if ((im = LIST_FIRST(&ifp->if_mcasts)) != NULL)
			LIST_REMOVE(im, im_entry);
		mtx_leave(&net_mtx);
		if (im == NULL)
			return;
		kmem_free(im, sizeof(*im));
	}
}

void
if_detach(struct ifnet *ifp)
{
	if (ifp->if_index == 0)
		return;
	(void)if_setflags(ifp, 0);
	in6_ifdetach(ifp);
	ifa_purge(ifp, false, 0);
	ifa_purge(ifp, true, 0);
	mtx_enter(&net_mtx);
	ifp->if_dead = true;
	TAILQ_REMOVE(&ifnets, ifp, if_link_entry);
	mtx_leave(&net_mtx);
	route_purge(ifp->if_index);
	neigh_purge(ifp->if_index);
	in_group_purge(ifp->if_index);
	if_put(ifp);
	/* softints and system calls that have found it before */
	while (__atomic_load_n(&ifp->if_refs, __ATOMIC_ACQUIRE) != 0)
		(void)msleep_nsec(&ifp->if_refs, NULL, PRI_KERN, "ifgone",
		    MSEC_TO_NSEC(10));
	task_del(systq, &ifp->if_filtertask);
	task_del(systq, &ifp->if_linktask);
	taskq_barrier(systq);
	if_mcast_purge(ifp);
	ifp->if_index = 0;
}

/* --- up and down ---------------------------------------------------------------- */

bool
if_usable(const struct ifnet *ifp)
{
	return ((ifp->if_flags & IFF_UP) && ifp->if_link != LINK_DOWN);
}

static int
if_up(struct ifnet *ifp)
{
	int error;

	if ((error = ifp->if_ops->ifo_up(ifp)) != 0)
		return (error);
	__atomic_fetch_or(&ifp->if_flags, IFF_UP | IFF_RUNNING,
	    __ATOMIC_RELAXED);
	if (ifp->if_ops->ifo_rxfilter != NULL)
		ifp->if_ops->ifo_rxfilter(ifp);
	return (0);
}

static void
if_down(struct ifnet *ifp)
{
	__atomic_fetch_and(&ifp->if_flags, ~(IFF_UP | IFF_RUNNING),
	    __ATOMIC_RELAXED);
	ifp->if_ops->ifo_down(ifp);
	neigh_purge(ifp->if_index);
}

int
if_setflags(struct ifnet *ifp, u_int flags)
{
	u_int was = ifp->if_flags, diff = (was ^ flags) & IFF_CHANGE;
	int error = 0;

	rw_enter_write(&ifp->if_lock);
	__atomic_store_n(&ifp->if_flags, (was & ~(IFF_CHANGE & ~IFF_UP)) |
	    (flags & IFF_CHANGE & ~IFF_UP), __ATOMIC_RELAXED);
	if ((diff & IFF_UP) && (flags & IFF_UP))
		error = if_up(ifp);
	else if (diff & IFF_UP)
		if_down(ifp);
	else if ((diff & (IFF_PROMISC | IFF_ALLMULTI)) &&
	    (was & IFF_UP) && ifp->if_ops->ifo_rxfilter != NULL)
		ifp->if_ops->ifo_rxfilter(ifp);
	rw_exit(&ifp->if_lock);
	if (diff & IFF_UP) {
		route_changed();
		in6_ifchanged(ifp);
	}
	return (error);
}

static void
if_link(void *arg)
{
	struct ifnet *ifp = arg;

	route_changed();
	if (ifp->if_link == LINK_UP && (ifp->if_flags & IFF_UP))
		arp_announce(ifp);
	in6_ifchanged(ifp);
}

void
if_link_changed(struct ifnet *ifp)
{
	if (ifp->if_index != 0)
		task_add(systq, &ifp->if_linktask);
}

void
if_announce(struct ifnet *ifp)
{
	arp_announce(ifp);
	in6_announce(ifp);
}

/* --- what it listens to ------------------------------------------------------------ */

static void
if_filter(void *arg)
{
	struct ifnet *ifp = arg;

	rw_enter_write(&ifp->if_lock);
	if ((ifp->if_flags & IFF_UP) && ifp->if_ops->ifo_rxfilter != NULL)
		ifp->if_ops->ifo_rxfilter(ifp);
	rw_exit(&ifp->if_lock);
}

static struct if_mcast *
mcast_find(struct ifnet *ifp, const uint8_t *addr)
{
	struct if_mcast *im;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	LIST_FOREACH(im, &ifp->if_mcasts, im_entry) {
		if (memcmp(im->im_addr, addr, ETHER_ADDR_LEN) == 0)
			break;
	}
	return (im);
}

int
if_mcast_add(struct ifnet *ifp, const uint8_t *addr)
{
	struct if_mcast *im, *new;

	if ((new = kmem_zalloc(sizeof(*new), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	mtx_enter(&net_mtx);
	if ((im = mcast_find(ifp, addr)) == NULL) {
		im = new;
		new = NULL;
		memcpy(im->im_addr, addr, ETHER_ADDR_LEN);
		LIST_INSERT_HEAD(&ifp->if_mcasts, im, im_entry);
		task_add(systq, &ifp->if_filtertask);
	}
	im->im_refs++;
	mtx_leave(&net_mtx);
	kmem_free(new, sizeof(*new));
	return (0);
}

void
if_mcast_del(struct ifnet *ifp, const uint8_t *addr)
{
	struct if_mcast *im;

	mtx_enter(&net_mtx);
	if ((im = mcast_find(ifp, addr)) != NULL && --im->im_refs == 0) {
		LIST_REMOVE(im, im_entry);
		task_add(systq, &ifp->if_filtertask);
	} else
		im = NULL;
	mtx_leave(&net_mtx);
	kmem_free(im, sizeof(*im));
}

u_int
if_mcast_get(struct ifnet *ifp, uint8_t (*addrs)[ETHER_ADDR_LEN], u_int max)
{
	struct if_mcast *im;
	u_int n = 0;

	mtx_enter(&net_mtx);
	LIST_FOREACH(im, &ifp->if_mcasts, im_entry) {
		if (n < max)
			memcpy(addrs[n], im->im_addr, ETHER_ADDR_LEN);
		n++;
	}
	mtx_leave(&net_mtx);
	return (n);
}

/* --- out ---------------------------------------------------------------------------- */

int
if_transmit(struct ifnet *ifp, struct mbuf *m, bool more)
{
	if (!(ifp->if_flags & IFF_UP)) {
		m_freem(m);
		return (ENETDOWN);
	}
	if (__atomic_load_n(&packet_users, __ATOMIC_RELAXED) != 0)
		packet_tap(ifp, m, true);
	ifp->if_ops->ifo_transmit(ifp, m, more);
	return (0);
}

void
if_totals(struct ifnet *ifp, struct if_counters *ic)
{
	*ic = ifp->if_counters;
	if (ifp->if_ops->ifo_counters != NULL)
		ifp->if_ops->ifo_counters(ifp, ic);
}

void
net_init(void)
{
	mbuf_init();
	neigh_init();
	ip_init();
	ip6_init();
	udp_init();
	tcp_init();
	rip_init();
	packet_init();
	loop_attach();
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The groups of the Internet that this machine listens to: see if_var.h.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <net/if_var.h>

struct in_group {
	LIST_ENTRY(in_group) g_entry;
	struct inaddr	 g_addr;
	u_int		 g_ifidx;
	u_int		 g_refs;
};

#define GROUPS_MAX	1024

static LIST_HEAD(, in_group) groups = LIST_HEAD_INITIALIZER(groups);
static u_int	ngroups;			/* both net_mtx */

static struct in_group *
group_find(u_int ifidx, const struct inaddr *a)
{
	struct in_group *g;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	LIST_FOREACH(g, &groups, g_entry) {
		if (g->g_ifidx == ifidx && in_equal(&g->g_addr, a))
			break;
	}
	return (g);
}

/* 224.0.0.1 and ff02::1, ff01::1 need no membership. */
static bool
group_all(const struct inaddr *a)
{
	static const uint8_t rest[13];

	if (in_is4(a))
		return (in4_get(a) == INADDR_ALLHOSTS_GROUP);
	return (a->ia_b[0] == 0xff && (a->ia_b[1] == 1 || a->ia_b[1] == 2) &&
	    memcmp(&a->ia_b[2], rest, 13) == 0 && a->ia_b[15] == 1);
}

bool
in_group_member(struct ifnet *ifp, const struct inaddr *a)
{
	struct in_group *g;
	bool found = false;

	if (group_all(a))
		return (true);
	mtx_enter(&net_mtx);
	/* what we send to a group comes back by the loopback interface */
	LIST_FOREACH(g, &groups, g_entry) {
		if (in_equal(&g->g_addr, a) && (g->g_ifidx ==
		    ifp->if_index || (ifp->if_flags & IFF_LOOPBACK)))
			found = true;
	}
	mtx_leave(&net_mtx);
	return (found);
}

static void
group_changed(struct ifnet *ifp, const struct inaddr *a, bool joined)
{
	uint8_t lladdr[ETHER_ADDR_LEN];

	if (in_group_lladdr(a, lladdr) == 0) {
		if (joined)
			(void)if_mcast_add(ifp, lladdr);
		else
			if_mcast_del(ifp, lladdr);
	}
	if (group_all(a) || (ifp->if_flags & IFF_LOOPBACK))
		return;
	if (in_is4(a))
		igmp_change(ifp, a, joined);
	else
		mld_change(ifp, a, joined);
}

int
in_group_join(struct ifnet *ifp, const struct inaddr *a)
{
	struct in_group *g, *new;
	bool full = false;

	if ((new = kmem_zalloc(sizeof(*new), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	new->g_addr = *a;
	new->g_ifidx = ifp->if_index;
	mtx_enter(&net_mtx);
	if ((g = group_find(ifp->if_index, a)) != NULL)
		g->g_refs++;
	else if (!(full = ngroups >= GROUPS_MAX)) {
		new->g_refs = 1;
		LIST_INSERT_HEAD(&groups, new, g_entry);
		ngroups++;
	}
	mtx_leave(&net_mtx);
	if (g == NULL && !full)
		group_changed(ifp, a, true);
	else
		kmem_free(new, sizeof(*new));
	return (full ? ENOMEM : 0);
}

int
in_group_leave(struct ifnet *ifp, const struct inaddr *a)
{
	struct in_group *g;
	bool last = false;

	mtx_enter(&net_mtx);
	if ((g = group_find(ifp->if_index, a)) != NULL &&
	    (last = --g->g_refs == 0)) {
		LIST_REMOVE(g, g_entry);
		ngroups--;
	}
	mtx_leave(&net_mtx);
	if (g == NULL)
		return (ENOENT);
	if (last) {
		kmem_free(g, sizeof(*g));
		group_changed(ifp, a, false);
	}
	return (0);
}

bool
in_group_nth(struct ifnet *ifp, bool v6, u_int nth, struct inaddr *a)
{
	struct in_group *g;

	mtx_enter(&net_mtx);
	LIST_FOREACH(g, &groups, g_entry) {
		if (g->g_ifidx == ifp->if_index && in_is4(&g->g_addr) != v6 &&
		    nth-- == 0)
			break;
	}
	if (g != NULL)
		*a = g->g_addr;
	mtx_leave(&net_mtx);
	return (g != NULL);
}

void
in_group_purge(u_int ifidx)
{
	struct in_group *g, *next;

	mtx_enter(&net_mtx);
	LIST_FOREACH_SAFE(g, &groups, g_entry, next) {
		if (g->g_ifidx != ifidx)
			continue;
		LIST_REMOVE(g, g_entry);
		ngroups--;
		kmem_free(g, sizeof(*g));
	}
	mtx_leave(&net_mtx);
}

void
in_group_answer(void (*report)(struct ifnet *))
{
	struct ifnet *ifp;
	u_int i;

	for (i = 1; i < IF_MAX; i++) {
		if ((ifp = if_get(i)) == NULL)
			continue;
		if (if_usable(ifp) && !(ifp->if_flags & IFF_LOOPBACK))
			report(ifp);
		if_put(ifp);
	}
}

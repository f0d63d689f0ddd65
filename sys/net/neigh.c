/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Neighbours: which link-layer address an address has, as RFC 4861, 7.3, has
 * it; for ARP too.
 *
 * The timer runs only while a question is open.  An entry that has aged asks
 * again when it is next used.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <net/if_var.h>
#include <netinet/ip.h>
#include <netinet6/ip6.h>

#define REACHABLE_TIME	SEC_TO_NSEC(30)
#define DELAY_TIME	SEC_TO_NSEC(5)
#define RETRANS_TIME	SEC_TO_NSEC(1)
#define TRIES		3
#define HOLD_MAX	16		/* packets that wait for one */
#define NEIGH_MAX	512
#define HASH		64

static LIST_HEAD(neigh_head, neigh) neighs[HASH];	/* net_mtx */
static u_int		nneighs;			/* net_mtx */
static struct timeout	neigh_to;

static void	neigh_timer(void *);

void
neigh_init(void)
{
	timeout_set(&neigh_to, neigh_timer, NULL);
}

static struct neigh_head *
neigh_bucket(const struct inaddr *a)
{
	uint32_t h = be32_get(a->ia_l[3]) ^ be32_get(a->ia_l[2]);

	return (&neighs[(h ^ h >> 8) % HASH]);
}

static struct neigh *
neigh_find(u_int ifidx, const struct inaddr *a)
{
	struct neigh *n;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	LIST_FOREACH(n, neigh_bucket(a), n_entry) {
		if (n->n_ifidx == ifidx && in_equal(&n->n_addr, a))
			break;
	}
	return (n);
}

static void
neigh_free(struct neigh *n)
{
	LIST_REMOVE(n, n_entry);
	nneighs--;
	m_freeq(n->n_hold.mq_head);
	kmem_free(n, sizeof(*n));
}

/* Room for one more: that which was not used for longest goes. */
static void
neigh_evict(void)
{
	struct neigh *n, *oldest = NULL;
	u_int i;

	for (i = 0; i < HASH; i++) {
		LIST_FOREACH(n, &neighs[i], n_entry) {
			if (n->n_state != NEIGH_PERMANENT && (oldest == NULL ||
			    n->n_used < oldest->n_used))
				oldest = n;
		}
	}
	if (oldest != NULL)
		neigh_free(oldest);
}

static struct neigh *
neigh_create(u_int ifidx, const struct inaddr *a)
{
	struct neigh *n;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	if (nneighs >= NEIGH_MAX)
		neigh_evict();
	if ((n = kmem_zalloc(sizeof(*n), KM_NOSLEEP)) == NULL)
		return (NULL);
	n->n_addr = *a;
	n->n_ifidx = ifidx;
	n->n_state = NEIGH_INCOMPLETE;
	n->n_used = nsecuptime();
	mq_init(&n->n_hold);
	LIST_INSERT_HEAD(neigh_bucket(a), n, n_entry);
	nneighs++;
	return (n);
}

static void
neigh_ask(struct ifnet *ifp, const struct inaddr *a, const uint8_t *lladdr)
{
	if (in_is4(a))
		arp_request(ifp, a, lladdr);
	else
		nd6_solicit(ifp, a, lladdr);
}

static uint16_t
neigh_type(const struct inaddr *a)
{
	return (in_is4(a) ? ETHERTYPE_IP : ETHERTYPE_IPV6);
}

/* Look at it at that time, or earlier. */
static void
neigh_wake(uint64_t when)
{
	uint64_t now = nsecuptime();

	if (!timeout_pending(&neigh_to) || neigh_to.to_time > when)
		timeout_add_nsec(&neigh_to, when > now ? when - now : 0);
}

static void
neigh_enter(struct neigh *n, enum neigh_state state, uint64_t wait)
{
	MUTEX_ASSERT_LOCKED(&net_mtx);
	n->n_state = state;
	n->n_tries = 0;
	n->n_next = nsecuptime() + wait;
	if (state == NEIGH_INCOMPLETE || state == NEIGH_DELAY ||
	    state == NEIGH_PROBE)
		neigh_wake(n->n_next);
}

/* --- the group addresses of Ethernet (RFC 1112, 6.4; RFC 2464, 7) ------------- */

static bool
neigh_mapped(const struct inaddr *a, uint8_t *lladdr)
{
	if (!in_ismulticast(a))
		return (false);
	if (in_is4(a)) {
		lladdr[0] = 0x01;
		lladdr[1] = 0x00;
		lladdr[2] = 0x5e;
		lladdr[3] = a->ia_b[13] & 0x7f;
		lladdr[4] = a->ia_b[14];
		lladdr[5] = a->ia_b[15];
	} else {
		lladdr[0] = lladdr[1] = 0x33;
		memcpy(lladdr + 2, &a->ia_b[12], 4);
	}
	return (true);
}

int
in_group_lladdr(const struct inaddr *a, uint8_t *lladdr)
{
	return (neigh_mapped(a, lladdr) ? 0 : EINVAL);
}

/* --- sending ------------------------------------------------------------------------ */

/* Keep the packet until there is an answer.  net_mtx is held, and left. */
static int
neigh_hold(struct ifnet *ifp, struct mbuf *m, const struct inaddr *hop)
{
	struct neigh *n;
	bool ask = false;

	MUTEX_ASSERT_LOCKED(&net_mtx);
	if ((n = neigh_find(ifp->if_index, hop)) == NULL) {
		if ((n = neigh_create(ifp->if_index, hop)) == NULL) {
			mtx_leave(&net_mtx);
			m_freem(m);
			return (ENOBUFS);
		}
		neigh_enter(n, NEIGH_INCOMPLETE, RETRANS_TIME);
		n->n_tries = 1;
		ask = true;
	}
	/* the latest are kept (RFC 1122, 2.3.2.2) */
	if (n->n_hold.mq_len >= HOLD_MAX)
		m_freem(mq_get(&n->n_hold));
	mq_put(&n->n_hold, m);
	mtx_leave(&net_mtx);
	if (ask)
		neigh_ask(ifp, hop, NULL);
	return (0);
}

int
neigh_output(struct ifnet *ifp, struct mbuf *m, const struct inaddr *hop,
    bool more)
{
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct neigh *n;
	uint64_t now;

	if (m->m_pkthdr.ph_flags & PH_BCAST) {
		m->m_pkthdr.ph_flags &= ~PH_BCAST;
		memset(lladdr, 0xff, sizeof(lladdr));
	} else if (!neigh_mapped(hop, lladdr)) {
		mtx_enter(&net_mtx);
		n = neigh_find(ifp->if_index, hop);
		if (n == NULL || n->n_state == NEIGH_INCOMPLETE)
			return (neigh_hold(ifp, m, hop));
		now = nsecuptime();
		n->n_used = now;
		if (n->n_state == NEIGH_STALE ||
		    (n->n_state == NEIGH_REACHABLE && now > n->n_next))
			neigh_enter(n, NEIGH_DELAY, DELAY_TIME);
		memcpy(lladdr, n->n_lladdr, sizeof(lladdr));
		mtx_leave(&net_mtx);
	}
	return (ether_frame(ifp, m, lladdr, neigh_type(hop), more));
}

/* --- learning ------------------------------------------------------------------------- */

/* What an answer or a claim does to an entry (RFC 4861, appendix C). */
static void
neigh_update(struct neigh *n, const uint8_t *lladdr, int how)
{
	bool same = lladdr == NULL ||
	    memcmp(n->n_lladdr, lladdr, ETHER_ADDR_LEN) == 0;

	if (how & NL_ROUTER)
		n->n_router = true;
	if (how & NL_NOTROUTER)
		n->n_router = false;
	if (n->n_state == NEIGH_PERMANENT)
		return;
	if (n->n_state != NEIGH_INCOMPLETE && !same &&
	    !(how & NL_OVERRIDE)) {
		if (n->n_state == NEIGH_REACHABLE)
			neigh_enter(n, NEIGH_STALE, 0);
		return;
	}
	if (lladdr != NULL)
		memcpy(n->n_lladdr, lladdr, ETHER_ADDR_LEN);
	else if (n->n_state == NEIGH_INCOMPLETE)
		return;
	if (how & NL_SOLICITED)
		neigh_enter(n, NEIGH_REACHABLE, REACHABLE_TIME);
	else if (!same || n->n_state == NEIGH_INCOMPLETE)
		neigh_enter(n, NEIGH_STALE, 0);
}

void
neigh_learn(struct ifnet *ifp, const struct inaddr *a, const uint8_t *lladdr,
    int how)
{
	struct mbufq held;
	struct neigh *n;
	struct mbuf *m;

	if (lladdr != NULL && ETHER_IS_MULTICAST(lladdr))
		return;
	mq_init(&held);
	mtx_enter(&net_mtx);
	n = neigh_find(ifp->if_index, a);
	if (n == NULL && (how & NL_CREATE))
		n = neigh_create(ifp->if_index, a);
	if (n != NULL) {
		neigh_update(n, lladdr, how);
		while (lladdr != NULL && n->n_state != NEIGH_INCOMPLETE &&
		    (m = mq_get(&n->n_hold)) != NULL)
			mq_put(&held, m);
	}
	mtx_leave(&net_mtx);
	while ((m = mq_get(&held)) != NULL)
		(void)ether_frame(ifp, m, lladdr, neigh_type(a),
		    held.mq_head != NULL);
}

int
neigh_set(struct ifnet *ifp, const struct inaddr *a, const uint8_t *lladdr)
{
	struct neigh *n;

	neigh_learn(ifp, a, lladdr, NL_CREATE | NL_OVERRIDE | NL_SOLICITED);
	mtx_enter(&net_mtx);
	if ((n = neigh_find(ifp->if_index, a)) != NULL)
		n->n_state = NEIGH_PERMANENT;
	mtx_leave(&net_mtx);
	return (n == NULL ? ENOMEM : 0);
}

int
neigh_delete(struct ifnet *ifp, const struct inaddr *a)
{
	struct neigh *n;

	mtx_enter(&net_mtx);
	if ((n = neigh_find(ifp->if_index, a)) != NULL)
		neigh_free(n);
	mtx_leave(&net_mtx);
	return (n == NULL ? ENXIO : 0);
}

void
neigh_purge(u_int ifidx)
{
	struct neigh *n, *next;
	u_int i;

	mtx_enter(&net_mtx);
	for (i = 0; i < HASH; i++) {
		LIST_FOREACH_SAFE(n, &neighs[i], n_entry, next) {
			if (n->n_ifidx == ifidx)
				neigh_free(n);
		}
	}
	mtx_leave(&net_mtx);
}

bool
neigh_nth(u_int nth, struct neigh *copy)
{
	struct neigh *n = NULL;
	u_int i;

	mtx_enter(&net_mtx);
	for (i = 0; i < HASH; i++) {
		LIST_FOREACH(n, &neighs[i], n_entry) {
			if (nth-- == 0)
				goto out;
		}
	}
 out:
	if (n != NULL)
		*copy = *n;
	mtx_leave(&net_mtx);
	return (n != NULL);
}

/* --- time ------------------------------------------------------------------------------- */

/*
 * One entry whose time has come: its next state.  true: ask for it, at its
 * address where there is one.  Else it is gone, and what waited is in *held.
 */
static bool
neigh_expire(struct neigh *n, struct mbufq *held)
{
	struct mbuf *m;
	u_int tries;

	if (n->n_state == NEIGH_DELAY)
		neigh_enter(n, NEIGH_PROBE, 0);
	if (n->n_tries >= TRIES) {
		while ((m = mq_get(&n->n_hold)) != NULL)
			mq_put(held, m);
		neigh_free(n);
		return (false);
	}
	tries = n->n_tries + 1;
	neigh_enter(n, n->n_state, RETRANS_TIME);
	n->n_tries = tries;
	return (true);
}

/*
 * Nobody is there: the socket that sent the packet hears of it (RFC 1122,
 * 2.4: as if a router had said so).
 */
static void
neigh_unreached(const struct mbuf *m)
{
	struct inaddr src, dst;
	uint8_t hdr[8], proto;
	struct ip6 ip6;
	struct ip ip;
	uint32_t off;

	if (!m_copydata(m, 0, sizeof(ip), &ip))
		return;
	if (ip.ip_vhl >> 4 == 4) {
		src = in4_make(be32_get(ip.ip_src));
		dst = in4_make(be32_get(ip.ip_dst));
		proto = ip.ip_p;
		off = (ip.ip_vhl & 15) * 4;
		if ((be16_get(ip.ip_off) & IP_OFFMASK) != 0)
			return;
	} else {
		if (!m_copydata(m, 0, sizeof(ip6), &ip6))
			return;
		memcpy(&src, ip6.ip6_src, 16);
		memcpy(&dst, ip6.ip6_dst, 16);
		proto = ip6.ip6_nxt;
		off = sizeof(ip6);
	}
	if (m_copydata(m, off, sizeof(hdr), hdr))
		ip_ctlerror(proto, EHOSTUNREACH, 0, proto == IPPROTO_TCP,
		    &src, &dst, hdr);
}

static bool
neigh_waits(const struct neigh *n)
{
	return (n->n_state == NEIGH_INCOMPLETE || n->n_state == NEIGH_DELAY ||
	    n->n_state == NEIGH_PROBE);
}

/* The first that is due; else when the next one will be. */
static struct neigh *
neigh_due(uint64_t now, uint64_t *nextp)
{
	struct neigh *n;
	u_int i;

	*nextp = INFSLP;
	for (i = 0; i < HASH; i++) {
		LIST_FOREACH(n, &neighs[i], n_entry) {
			if (!neigh_waits(n))
				continue;
			if (n->n_next <= now)
				return (n);
			*nextp = MIN(*nextp, n->n_next);
		}
	}
	return (NULL);
}

static void
neigh_timer(void *arg __unused)
{
	uint64_t now = nsecuptime(), next;
	uint8_t lladdr[ETHER_ADDR_LEN];
	bool ask, unicast;
	struct inaddr addr;
	struct mbufq held;
	struct ifnet *ifp;
	struct neigh *n;
	struct mbuf *m;
	u_int ifidx;

	mq_init(&held);
	for (;;) {
		mtx_enter(&net_mtx);
		if ((n = neigh_due(now, &next)) == NULL)
			break;
		addr = n->n_addr;
		ifidx = n->n_ifidx;
		memcpy(lladdr, n->n_lladdr, sizeof(lladdr));
		unicast = n->n_state != NEIGH_INCOMPLETE;
		ask = neigh_expire(n, &held);
		mtx_leave(&net_mtx);
		while ((m = mq_get(&held)) != NULL) {
			neigh_unreached(m);
			m_freem(m);
		}
		if (ask && (ifp = if_get(ifidx)) != NULL) {
			neigh_ask(ifp, &addr, unicast ? lladdr : NULL);
			if_put(ifp);
		}
	}
	if (next != INFSLP)
		neigh_wake(next);
	mtx_leave(&net_mtx);
}

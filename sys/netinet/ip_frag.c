/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Fragments: see ip_frag.h.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <netinet/ip.h>
#include <netinet/ip_frag.h>

#define FRAG_LIFE	SEC_TO_NSEC(30)
#define FRAG_QUEUES	64		/* datagrams at a time */
#define FRAG_PIECES	64		/* of one */
#define FRAG_MEM	(1024 * 1024)	/* that all may keep */

struct fragq {
	TAILQ_ENTRY(fragq)	 fq_entry;	/* oldest first */
	struct frag_key		 fq_key;
	struct frag_info	 fq_info;
	struct mbuf		*fq_pieces;	/* by m_nextpkt, in order */
	u_int			 fq_npieces;
	uint32_t		 fq_mem;
	uint32_t		 fq_got;	/* bytes */
	uint32_t		 fq_end;	/* of the whole; 0: unknown */
	uint64_t		 fq_expire;
	bool			 fq_bad;	/* overlaps: drop what comes */
};

/* where a piece begins: kept in its packet header's hash, unused here */
#define PIECE_OFF(m)	((m)->m_pkthdr.ph_hash)
#define PIECE_END(m)	(PIECE_OFF(m) + (m)->m_pkthdr.ph_len)

static struct mutex	frag_mtx = MUTEX_INITIALIZER(IPL_SOFT);
static TAILQ_HEAD(, fragq) fragqs = TAILQ_HEAD_INITIALIZER(fragqs);
static u_int		nfragqs;
static uint32_t		frag_mem;
static uint64_t		frag_timeouts, frag_drops, frag_done;
static struct timeout	frag_to;

static void	frag_timer(void *);

static int
frag_stats(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "reassembled %llu, dropped %llu, "
	    "timed out %llu, waiting %u with %u bytes",
	    (unsigned long long)frag_done, (unsigned long long)frag_drops,
	    (unsigned long long)frag_timeouts, nfragqs, frag_mem));
}

static struct sysctl_oid frag_oid = {
	.so_name = "net.inet.ip.fragments", .so_read = frag_stats,
};

void
frag_init(void)
{
	timeout_set(&frag_to, frag_timer, NULL);
	(void)sysctl_register(&frag_oid);
}

static void
fragq_free(struct fragq *fq)
{
	MUTEX_ASSERT_LOCKED(&frag_mtx);
	TAILQ_REMOVE(&fragqs, fq, fq_entry);
	nfragqs--;
	frag_mem -= fq->fq_mem;
	m_freeq(fq->fq_pieces);
	kmem_free(fq, sizeof(*fq));
}

static void
frag_timer(void *arg __unused)
{
	uint64_t now = nsecuptime();
	struct fragq *fq;

	mtx_enter(&frag_mtx);
	while ((fq = TAILQ_FIRST(&fragqs)) != NULL && fq->fq_expire <= now) {
		frag_timeouts++;
		fragq_free(fq);
	}
	if (fq != NULL)
		timeout_add_nsec(&frag_to, fq->fq_expire - now);
	mtx_leave(&frag_mtx);
}

static struct fragq *
fragq_find(const struct frag_key *key)
{
	struct fragq *fq;

	TAILQ_FOREACH(fq, &fragqs, fq_entry) {
		if (memcmp(&fq->fq_key, key, sizeof(*key)) == 0)
			return (fq);
	}
	if (nfragqs >= FRAG_QUEUES)
		fragq_free(TAILQ_FIRST(&fragqs));
	if ((fq = kmem_zalloc(sizeof(*fq), KM_NOSLEEP)) == NULL)
		return (NULL);
	fq->fq_key = *key;
	fq->fq_expire = nsecuptime() + FRAG_LIFE;
	TAILQ_INSERT_TAIL(&fragqs, fq, fq_entry);
	nfragqs++;
	if (!timeout_pending(&frag_to))
		timeout_add_nsec(&frag_to, FRAG_LIFE);
	return (fq);
}

/* Into its place; false: it overlaps, or goes beyond the end. */
static bool
fragq_insert(struct fragq *fq, struct mbuf *m, uint32_t end, bool more)
{
	struct mbuf **pp, *p;

	if (!more && fq->fq_end == 0)
		fq->fq_end = end;
	else if (!more ? end != fq->fq_end :
	    fq->fq_end != 0 && end > fq->fq_end)
		return (false);
	for (pp = &fq->fq_pieces; (p = *pp) != NULL; pp = &p->m_nextpkt) {
		if (PIECE_OFF(p) >= end)
			break;
		if (PIECE_END(p) > PIECE_OFF(m))
			return (false);
	}
	/* an end that was told late must be behind all there is */
	if (!more && p != NULL)
		return (false);
	m->m_nextpkt = p;
	*pp = m;
	return (true);
}

/* A piece that we have already may come twice: that is no attack. */
static bool
frag_twice(const struct fragq *fq, const struct mbuf *m)
{
	const struct mbuf *p;

	for (p = fq->fq_pieces; p != NULL; p = p->m_nextpkt) {
		if (PIECE_OFF(p) == PIECE_OFF(m) &&
		    p->m_pkthdr.ph_len == m->m_pkthdr.ph_len)
			return (true);
	}
	return (false);
}

static struct mbuf *
fragq_join(struct fragq *fq, struct frag_info *info)
{
	struct mbuf *m = fq->fq_pieces, *p, *next;
	struct pkthdr *ph = &m->m_pkthdr;

	fq->fq_pieces = NULL;
	next = m->m_nextpkt;
	m->m_nextpkt = NULL;
	for (p = next; p != NULL; p = next) {
		next = p->m_nextpkt;
		p->m_nextpkt = NULL;
		m_cat(m, p);
	}
	*ph = (struct pkthdr){ .ph_len = fq->fq_end,
	    .ph_ifidx = ph->ph_ifidx, .ph_flags = ph->ph_flags &
	    (PH_MCAST | PH_BCAST | PH_LOOP) };
	*info = fq->fq_info;
	frag_done++;
	fragq_free(fq);
	return (m);
}

static uint32_t
frag_memof(const struct mbuf *m)
{
	uint32_t n = 0;

	for (; m != NULL; m = m->m_next)
		n += m_truesize(m);
	return (n);
}

struct mbuf *
frag_input(const struct frag_key *key, struct mbuf *m, uint32_t off,
    bool more, uint32_t hdrlen, struct frag_info *info)
{
	uint32_t len = m->m_pkthdr.ph_len, mem = frag_memof(m);
	struct mbuf *whole = NULL;
	struct fragq *fq;

	mtx_enter(&frag_mtx);
	while (frag_mem + mem > FRAG_MEM && !TAILQ_EMPTY(&fragqs))
		fragq_free(TAILQ_FIRST(&fragqs));
	/* all but the last are of whole units, and none is empty */
	if (len == 0 || (more && len % 8 != 0) ||
	    off + len + hdrlen > IP_MAXPACKET ||
	    (fq = fragq_find(key)) == NULL || fq->fq_bad)
		goto drop;
	PIECE_OFF(m) = off;
	if (frag_twice(fq, m))
		goto drop;
	if (fq->fq_npieces >= FRAG_PIECES ||
	    !fragq_insert(fq, m, off + len, more)) {
		fq->fq_bad = true;
		goto drop;
	}
	fq->fq_npieces++;
	fq->fq_mem += mem;
	frag_mem += mem;
	fq->fq_got += len;
	/* congestion that one of them met the whole has met */
	fq->fq_info.fi_tos = off == 0 ? info->fi_tos |
	    ((fq->fq_info.fi_tos & 3) == 3 ? 3 : 0) : fq->fq_info.fi_tos |
	    ((info->fi_tos & 3) == 3 ? 3 : 0);
	if (off == 0)
		fq->fq_info.fi_next = info->fi_next;
	fq->fq_info.fi_max = MAX(fq->fq_info.fi_max, hdrlen + len);
	if (fq->fq_end != 0 && fq->fq_got == fq->fq_end)
		whole = fragq_join(fq, info);
	mtx_leave(&frag_mtx);
	return (whole);
 drop:
	frag_drops++;
	mtx_leave(&frag_mtx);
	m_freem(m);
	return (NULL);
}

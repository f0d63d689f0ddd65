/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vio(4): sending.  VIRTIO 1.4, 5.1.9.2.
 *
 * A packet goes into the ring as it is; the header is put before it in the
 * same memory.  Nobody waits for the end of that: what was sent is freed with
 * the packets that follow, once a quarter of the ring is in use, or by a
 * timeout that is set only while something is on its way.  So interrupts are
 * off but when the ring is full: then packets wait in a queue of ours, and the
 * device interrupts when it has done half of what it has.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <dev/pv/if_viovar.h>

#define TX_WAITING	1024		/* packets that may wait for room */
#define TX_MSEC		10		/* what was sent is freed after that */
#define TX_MAXMSEC	1000		/* or later, if the device is slow */
#define TX_MEMORY	(64 * 1024)	/* of the packets' share, for a slot */
#define TX_MINSLOTS	16

static void	vio_tx_timeout(void *);

/* --- the header ---------------------------------------------------------- */

/* 5.1.9.2: what the packet asks for, if it can be had. */
static enum vio_txstat
vio_tx_gso(const struct vio_softc *sc, const struct pkthdr *ph,
    struct virtio_net_hdr *vnh)
{
	static const struct {
		uint32_t	cap;
		uint8_t		type;
	} kinds[] = {
		[GSO_TCP4] = { IFCAP_TSO4, VIRTIO_NET_HDR_GSO_TCPV4 },
		[GSO_TCP6] = { IFCAP_TSO6, VIRTIO_NET_HDR_GSO_TCPV6 },
		[GSO_UDP4] = { IFCAP_USO, VIRTIO_NET_HDR_GSO_UDP_L4 },
		[GSO_UDP6] = { IFCAP_USO, VIRTIO_NET_HDR_GSO_UDP_L4 },
	};
	uint32_t need;
	uint8_t type;

	if (ph->ph_gso >= nitems(kinds) ||
	    !(ph->ph_flags & PH_CSUM_PARTIAL) || ph->ph_gso_size == 0 ||
	    ph->ph_gso_hdrlen == 0 || ph->ph_gso_hdrlen >= ph->ph_len)
		return (TX_REFUSED);
	need = kinds[ph->ph_gso].cap;
	type = kinds[ph->ph_gso].type;
	if (ph->ph_flags & PH_GSO_ECN) {
		need |= IFCAP_TSO_ECN;
		type |= VIRTIO_NET_HDR_GSO_ECN;
	}
	if ((sc->sc_if.if_capabilities & need) != need)
		return (TX_REFUSED);
	if (ph->ph_len > sc->sc_if.if_tsomax)
		return (TX_TOO_LONG);
	vnh->vnh_gso_type = le8_make(type);
	vnh->vnh_gso_size = le16_make(ph->ph_gso_size);
	vnh->vnh_hdr_len = le16_make(ph->ph_gso_hdrlen);
	return (TX_GOOD);
}

static enum vio_txstat
vio_tx_sum(const struct vio_softc *sc, struct mbuf **mp,
    struct virtio_net_hdr *vnh)
{
	const struct pkthdr *ph = &(*mp)->m_pkthdr;
	int error;

	if (!(sc->sc_if.if_capabilities & IFCAP_CSUM)) {
		if ((error = cksum_partial(mp)) == 0)
			return (TX_GOOD);
		return (error == ENOBUFS ? TX_NOMEM : TX_REFUSED);
	}
	if ((uint32_t)ph->ph_csum_start + ph->ph_csum_off + 2 > ph->ph_len)
		return (TX_REFUSED);
	vnh->vnh_flags = le8_make(VIRTIO_NET_HDR_F_NEEDS_CSUM);
	vnh->vnh_csum_start = le16_make(ph->ph_csum_start);
	vnh->vnh_csum_offset = le16_make(ph->ph_csum_off);
	return (TX_GOOD);
}

/*
 * Put the header before the packet.  It has any alignment; the lengths are
 * constants so that these are a few stores and not a call.
 */
static struct mbuf *
vio_tx_prepend(const struct vio_softc *sc, struct mbuf *m,
    const struct virtio_net_hdr *vnh)
{
	if ((m = m_prepend(m, sc->sc_hdrlen)) == NULL)
		return (NULL);
	switch (sc->sc_hdrlen) {
	case VIRTIO_NET_HDR_SIZE:
		__builtin_memcpy(m->m_data, vnh, VIRTIO_NET_HDR_SIZE);
		break;
	case VIRTIO_NET_HDR_LEGACY:
		__builtin_memcpy(m->m_data, vnh, VIRTIO_NET_HDR_LEGACY);
		break;
	default:
		__builtin_memcpy(m->m_data, vnh, VIRTIO_NET_HDR_HASH);
		break;
	}
	return (m);
}

/* Make a packet ready for the ring.  *mp is NULL if it is lost. */
static enum vio_txstat
vio_tx_prepare(const struct vio_softc *sc, struct mbuf **mp)
{
	const struct pkthdr *ph = &(*mp)->m_pkthdr;
	struct virtio_net_hdr vnh = { .vnh_flags = le8_make(0) };
	enum vio_txstat bad;

	if (ph->ph_gso != GSO_NONE) {
		if ((bad = vio_tx_gso(sc, ph, &vnh)) != TX_GOOD)
			return (bad);
	} else {
		if (ph->ph_len > sc->sc_maxframe)
			return (TX_TOO_LONG);
		if (ph->ph_len < ETHER_HDR_LEN)
			return (TX_REFUSED);
		/* 5.1.9.2.1: not less than all headers, if we knew them */
		vnh.vnh_hdr_len = le16_make(MIN((*mp)->m_len, UINT16_MAX));
	}
	if ((ph->ph_flags & PH_CSUM_PARTIAL) &&
	    (bad = vio_tx_sum(sc, mp, &vnh)) != TX_GOOD)
		return (bad);
	*mp = vio_tx_prepend(sc, *mp, &vnh);
	return (*mp == NULL ? TX_NOMEM : TX_GOOD);
}

/*
 * A queue for the packet: of a flow always the same, and the one that its
 * other direction arrives on where the device uses the hash that it reports.
 */
static struct vio_txq *
vio_tx_pick(const struct vio_softc *sc, const struct mbuf *m)
{
	const struct pkthdr *ph = &m->m_pkthdr;
	u_int n = __atomic_load_n(&sc->sc_nactive, __ATOMIC_RELAXED);
	uint32_t w[3], hash;

	if (n <= 1)
		return (&sc->sc_txq[0]);
	if (ph->ph_flags & PH_HASH)
		return (&sc->sc_txq[ph->ph_hash % VIRTIO_NET_RSS_TABLE % n]);
	if (!(ph->ph_flags & PH_CSUM_PARTIAL) || ph->ph_csum_start < 8 ||
	    ph->ph_csum_start + 4U > m->m_len)
		return (&sc->sc_txq[0]);
	/* the ports, and before them the (end of the) addresses */
	__builtin_memcpy(w, m->m_data + ph->ph_csum_start - 8, sizeof(w));
	hash = (w[0] ^ w[1] ^ w[2]) * 0x9e3779b1;
	return (&sc->sc_txq[(uint64_t)hash * n >> 32]);
}

/* --- the ring ------------------------------------------------------------ */

/* Free what was sent.  False: there was nothing. */
static bool
vio_tx_reap(struct vio_txq *q)
{
	bus_dma_tag_t dmat = virtio_dmat(q->tq_sc->sc_vsc);
	struct vio_txslot *ts;
	bool some = false;
	uint32_t len;

	while ((ts = vq_dequeue(q->tq_vq, &len)) != NULL) {
		bus_dmamap_sync(dmat, ts->ts_map, 0, ts->ts_map->dm_mapsize,
		    BUS_DMASYNC_POSTWRITE);
		bus_dmamap_unload(dmat, ts->ts_map);
		m_freem(ts->ts_m);
		ts->ts_next = q->tq_free;
		q->tq_free = ts;
		q->tq_lent--;
		some = true;
	}
	return (some);
}

static int
vio_tx_load(struct vio_txq *q, struct vio_txslot *ts, const struct mbuf *m)
{
	bus_dma_tag_t dmat = virtio_dmat(q->tq_sc->sc_vsc);
	struct uio uio;
	u_int n = 0;

	if (m->m_next == NULL)
		return (bus_dmamap_load(dmat, ts->ts_map, m->m_data, m->m_len,
		    BUS_DMA_NOWAIT | BUS_DMA_WRITE));
	uio = (struct uio){ .uio_iov = q->tq_iov,
	    .uio_segflg = UIO_SYSSPACE, .uio_rw = UIO_WRITE };
	for (; m != NULL; m = m->m_next) {
		if (m->m_len == 0)
			continue;
		if (n == nitems(q->tq_iov))
			return (EFBIG);
		q->tq_iov[n++] = (struct iovec){ m->m_data, m->m_len };
		uio.uio_resid += m->m_len;
	}
	uio.uio_iovcnt = n;
	return (bus_dmamap_load_uio(dmat, ts->ts_map, &uio,
	    BUS_DMA_NOWAIT | BUS_DMA_WRITE));
}

/* The same packet in few pieces.  ENOBUFS. */
static int
vio_tx_compact(struct mbuf **mp)
{
	struct mbuf *m = *mp, *head = NULL, **tailp = &head, *p;
	uint32_t off, left = m_length(m), n;

	for (off = 0; left > 0; off += n, left -= n) {
		p = m_getcl(MIN(left, MCL16K), head == NULL);
		if (p == NULL) {
			m_freem(head);
			return (ENOBUFS);
		}
		*tailp = p;
		tailp = &p->m_next;
		n = MIN(left, m_trailing(p));
		(void)m_copydata(m, off, n, p->m_data);
		p->m_len = n;
	}
	head->m_pkthdr = m->m_pkthdr;
	m_freem(m);
	*mp = head;
	return (0);
}

/* Lend a loaded packet to the device; not yet seen by it. */
static int
vio_tx_enqueue(struct vio_txq *q, struct vio_txslot *ts)
{
	const struct vio_softc *sc = q->tq_sc;
	u_int head = sc->sc_hdrapart ? sc->sc_hdrlen : 0;
	VQ_SG_DECL(sg, VIO_TXSEGS + 1, virtio_dmat(sc->sc_vsc));
	int error;

	/* 5.1.9.8: without ANY_LAYOUT the header has its own descriptor */
	if (head != 0 && (error = vq_sg_out(&sg, ts->ts_map, 0, head)) != 0)
		return (error);
	if ((error = vq_sg_out(&sg, ts->ts_map, head,
	    ts->ts_map->dm_mapsize - head)) != 0)
		return (error);
	return (vq_enqueue(q->tq_vq, ts, &sg));
}

/*
 * May the device be given packets here?  5.1.6.5.6.1: after a reset in the
 * first queue only, until it is told of the others; and it may refuse them.
 */
static bool
vio_tx_active(const struct vio_txq *q)
{
	const struct vio_softc *sc = q->tq_sc;

	return (q == sc->sc_txq || (u_int)(q - sc->sc_txq) <
	    __atomic_load_n(&sc->sc_nactive, __ATOMIC_RELAXED));
}

/* Put a packet into the ring.  ENOSPC: not now; others: never. */
static int
vio_tx_send(struct vio_txq *q, struct mbuf **mp)
{
	bus_dma_tag_t dmat = virtio_dmat(q->tq_sc->sc_vsc);
	struct vio_txslot *ts;
	struct mbuf *m;
	int error;

	if ((ts = q->tq_free) == NULL || !vio_tx_active(q))
		return (ENOSPC);
	if ((error = vio_tx_load(q, ts, *mp)) == EFBIG) {
		q->tq_stat[TX_COPIED]++;
		if ((error = vio_tx_compact(mp)) == 0)
			error = vio_tx_load(q, ts, *mp);
	}
	if (error != 0)
		return (error == ENOSPC ? EIO : error);
	if ((error = vio_tx_enqueue(q, ts)) != 0) {
		bus_dmamap_unload(dmat, ts->ts_map);
		return (error);
	}
	m = *mp;
	q->tq_free = ts->ts_next;
	ts->ts_m = m;
	q->tq_lent++;
	__atomic_store_n(&q->tq_owed, true, __ATOMIC_RELAXED);
	q->tq_stat[TX_PACKETS]++;
	q->tq_stat[TX_BYTES] += m->m_pkthdr.ph_len - q->tq_sc->sc_hdrlen;
	if (m->m_pkthdr.ph_gso != GSO_NONE)
		q->tq_stat[TX_GSO]++;
	if (m->m_pkthdr.ph_flags & PH_CSUM_PARTIAL)
		q->tq_stat[TX_CSUM]++;
	if (!q->tq_ticking) {
		q->tq_ticking = true;
		q->tq_msec = TX_MSEC;
		timeout_add_msec(&q->tq_timeout, q->tq_msec);
	}
	return (0);
}

static void
vio_tx_notify(struct vio_txq *q)
{
	if (q->tq_owed) {
		__atomic_store_n(&q->tq_owed, false, __ATOMIC_RELAXED);
		q->tq_stat[TX_NOTIFIES]++;
		vq_notify(q->tq_vq);
	}
}

/* It will not be sent. */
static void
vio_tx_drop(struct vio_txq *q, struct mbuf *m, enum vio_txstat why)
{
	q->tq_stat[why]++;
	m_freem(m);
}

static enum vio_txstat
vio_tx_why(int error)
{
	return (error == ENXIO ? TX_LOST : error == ENOMEM ||
	    error == ENOBUFS ? TX_NOMEM : TX_ERROR);
}

/* --- packets that wait --------------------------------------------------- */

static void
vio_tx_unget(struct mbufq *mq, struct mbuf *m)
{
	if ((m->m_nextpkt = mq->mq_head) == NULL)
		mq->mq_tailp = &m->m_nextpkt;
	mq->mq_head = m;
	mq->mq_len++;
}

/* Send what waits as far as there is room; for the rest, wait for room. */
static void
vio_tx_run(struct vio_txq *q)
{
	struct mbuf *m;
	int error;

	while ((m = mq_get(&q->tq_wait)) != NULL) {
		if ((error = vio_tx_send(q, &m)) == 0)
			continue;
		if (error != ENOSPC) {
			vio_tx_drop(q, m, vio_tx_why(error));
			continue;
		}
		vio_tx_unget(&q->tq_wait, m);
		vio_tx_notify(q);
		/* a queue that is stopped or paused is run when it resumes */
		if (!vio_tx_reap(q) &&
		    !vq_intr_enable(q->tq_vq, q->tq_lent / 2))
			return;
	}
	/* this also moves the event of EVENT_IDX, which comes round */
	vq_intr_disable(q->tq_vq);
}

static void
vio_tx_put(struct vio_txq *q, struct mbuf *m)
{
	int error = ENOSPC;

	if (q->tq_lent >= q->tq_reap && vio_tx_reap(q) &&
	    q->tq_wait.mq_len == 0)
		vq_intr_disable(q->tq_vq);
	if (__predict_true(q->tq_wait.mq_len == 0) &&
	    (error = vio_tx_send(q, &m)) == 0)
		return;
	if (error != ENOSPC) {
		vio_tx_drop(q, m, vio_tx_why(error));
		return;
	}
	if (q->tq_wait.mq_len == 0)
		q->tq_stat[TX_RING_FULL]++;
	if (q->tq_wait.mq_len >= TX_WAITING)
		vio_tx_drop(q, m, TX_QUEUE_FULL);
	else {
		mq_put(&q->tq_wait, m);
		q->tq_stat[TX_QUEUED]++;
	}
	vio_tx_run(q);
}

/* Packets in any queue that the device does not know of yet. */
void
vio_tx_flush(struct vio_softc *sc)
{
	struct vio_txq *q;
	u_int i;

	for (i = 0; i < sc->sc_npairs; i++) {
		q = &sc->sc_txq[i];
		if (!__atomic_load_n(&q->tq_owed, __ATOMIC_RELAXED))
			continue;
		mtx_enter(&q->tq_mtx);
		vio_tx_notify(q);
		mtx_leave(&q->tq_mtx);
	}
}

/*
 * While this thread holds them, its packets are not told to the device one by
 * one.  With several receive queues one may take the place of another, which
 * then notifies more often than it must.
 */
void
vio_tx_hold(struct vio_softc *sc, bool on)
{
	__atomic_store_n(&sc->sc_holder, on ? curthread : NULL,
	    __ATOMIC_RELAXED);
	if (!on)
		vio_tx_flush(sc);
}

void
vio_transmit(struct ifnet *ifp, struct mbuf *m, bool more)
{
	struct vio_softc *sc = ifp->if_softc;
	struct vio_txq *q = vio_tx_pick(sc, m);
	enum vio_txstat bad;

	if (__atomic_load_n(&sc->sc_holder, __ATOMIC_RELAXED) == curthread)
		more = true;
	bad = vio_tx_prepare(sc, &m);
	mtx_enter(&q->tq_mtx);
	if (__predict_false(bad != TX_GOOD))
		vio_tx_drop(q, m, bad);
	else if (__predict_false(!q->tq_up))
		vio_tx_drop(q, m, TX_DOWN);
	else
		vio_tx_put(q, m);
	if (!more)
		vio_tx_notify(q);
	mtx_leave(&q->tq_mtx);
	/* packets of before may be in other queues */
	if (!more && sc->sc_npairs > 1)
		vio_tx_flush(sc);
}

/* --- interrupt and timeout ----------------------------------------------- */

void
vio_tx_intr(void *arg)
{
	struct vio_txq *q = arg;

	mtx_enter(&q->tq_mtx);
	q->tq_stat[TX_INTERRUPTS]++;
	(void)vio_tx_reap(q);
	vio_tx_run(q);
	vio_tx_notify(q);
	mtx_leave(&q->tq_mtx);
}

/*
 * What was sent last is freed, and so on while there is anything.  A device
 * may keep packets for long, if nobody takes them from it: that is no failure.
 */
static void
vio_tx_timeout(void *arg)
{
	struct vio_txq *q = arg;

	mtx_enter(&q->tq_mtx);
	q->tq_stat[TX_TIMEOUTS]++;
	if (vio_tx_reap(q))
		q->tq_msec = TX_MSEC;
	else
		q->tq_msec = MIN(q->tq_msec * 2, TX_MAXMSEC);
	vio_tx_run(q);
	vio_tx_notify(q);
	if ((q->tq_ticking = q->tq_lent != 0))
		timeout_add_msec(&q->tq_timeout, q->tq_msec);
	mtx_leave(&q->tq_mtx);
}

/* --- life ---------------------------------------------------------------- */

void
vio_tx_init(struct vio_softc *sc, struct vio_txq *q)
{
	q->tq_sc = sc;
	mtx_init(&q->tq_mtx, IPL_NET);
	mq_init(&q->tq_wait);
	timeout_set(&q->tq_timeout, vio_tx_timeout, q);
}

int
vio_tx_alloc(struct vio_softc *sc, struct vio_txq *q)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	struct vio_txslot *ts;
	u_int i, n, nsegs;
	int error;

	nsegs = vq_maxsegs(q->tq_vq) - (sc->sc_hdrapart ? 1 : 0);
	if (nsegs == 0)
		return (EFBIG);
	n = MIN(vq_size(q->tq_vq), VIO_QSIZE);
	n = MIN(n, MAX(m_limit() / TX_MEMORY, TX_MINSLOTS));
	q->tq_slot = kmem_zalloc(n * sizeof(*q->tq_slot), KM_NOSLEEP);
	if (q->tq_slot == NULL)
		return (ENOMEM);
	q->tq_nslots = n;
	q->tq_reap = MAX(n / 4, 1);
	for (i = n; i-- > 0; ) {
		ts = &q->tq_slot[i];
		if ((error = bus_dmamap_create(dmat, sc->sc_hdrlen +
		    MAX(sc->sc_maxframe, sc->sc_if.if_tsomax), nsegs, 0, 0,
		    BUS_DMA_NOWAIT, &ts->ts_map)) != 0)
			return (error);
		ts->ts_next = q->tq_free;
		q->tq_free = ts;
	}
	return (0);
}

static void
vio_tx_dropall(struct vio_txq *q, enum vio_txstat why)
{
	struct mbuf *m;

	while ((m = mq_get(&q->tq_wait)) != NULL)
		vio_tx_drop(q, m, why);
}

void
vio_tx_resumed(struct vio_txq *q)
{
	mtx_enter(&q->tq_mtx);
	if (!vio_tx_active(q))
		vio_tx_dropall(q, TX_LOST);
	vio_tx_run(q);
	vio_tx_notify(q);
	mtx_leave(&q->tq_mtx);
}

void
vio_tx_up(struct vio_txq *q)
{
	mtx_enter(&q->tq_mtx);
	q->tq_up = true;
	mtx_leave(&q->tq_mtx);
	vio_tx_resumed(q);
}

/* What is in the ring stays there; the timeout frees it. */
void
vio_tx_down(struct vio_txq *q)
{
	mtx_enter(&q->tq_mtx);
	q->tq_up = false;
	vio_tx_dropall(q, TX_DOWN);
	mtx_leave(&q->tq_mtx);
}

void
vio_tx_stopped(struct vio_txq *q)
{
	bus_dma_tag_t dmat = virtio_dmat(q->tq_sc->sc_vsc);
	struct vio_txslot *ts;

	mtx_enter(&q->tq_mtx);
	while (q->tq_vq != NULL && (ts = vq_drain(q->tq_vq)) != NULL) {
		bus_dmamap_sync(dmat, ts->ts_map, 0, ts->ts_map->dm_mapsize,
		    BUS_DMASYNC_POSTWRITE);
		bus_dmamap_unload(dmat, ts->ts_map);
		vio_tx_drop(q, ts->ts_m, TX_LOST);
		ts->ts_next = q->tq_free;
		q->tq_free = ts;
		q->tq_lent--;
	}
	mtx_leave(&q->tq_mtx);
}

void
vio_tx_free(struct vio_txq *q)
{
	u_int i;

	(void)timeout_del_barrier(&q->tq_timeout);
	for (i = 0; i < q->tq_nslots && q->tq_slot != NULL; i++)
		bus_dmamap_destroy(virtio_dmat(q->tq_sc->sc_vsc),
		    q->tq_slot[i].ts_map);
	kmem_free(q->tq_slot, q->tq_nslots * sizeof(*q->tq_slot));
	q->tq_slot = NULL;
	q->tq_free = NULL;
	q->tq_nslots = q->tq_lent = 0;
}

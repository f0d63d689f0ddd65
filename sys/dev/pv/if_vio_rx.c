/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vio(4): receiving.  VIRTIO 1.4, 5.1.9.3 and 5.1.9.4.
 *
 * A slot is a buffer: memory and the map of it, lent to the device nearly all
 * the time.  When a packet comes, its memory goes up with it and the slot gets
 * new memory and goes back to the ring at once; if there is none, the packet
 * is dropped and the slot goes back as it is, so a ring never runs dry.  What
 * fits into an mbuf itself is copied there, which is cheaper than to replace
 * and map 2 KB.
 *
 * With MRG_RXBUF a buffer is one piece of memory, whose size follows what
 * arrives, and a packet is as many buffers as it needs.  Without, a buffer is
 * as many pieces as the longest packet needs, and of those only the ones that
 * were written are replaced.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/pv/if_viovar.h>

#define RX_COPYMAX	(MLEN - RX_COPYOFF)
#define RX_COPYOFF	2		/* so that IP is aligned */
#define RX_BATCH	32		/* the device sees new buffers after */
#define RX_ANSWER	16		/* and what answers them, after */
#define RX_SHARE	8		/* of the memory that packets may take */
#define RX_BIG		8		/* of 64 KB, or not at all */
#define RX_MSEC		100		/* until the next try to lend */

/* above these average lengths: the next size */
#define RX_SMALL	(MCLBYTES - 128)
#define RX_MEDIUM	(2 * MCL4K)
#define RX_AVERAGE	16		/* packets that make the average */

static u_int	vio_rx_poll(void *, u_int);
static void	vio_rx_retry(void *);

/* --- buffers ------------------------------------------------------------- */

/* The longest frame that may come. */
static uint32_t
vio_rx_longest(const struct vio_softc *sc)
{
	return (sc->sc_bigrx ? MAX(VIRTIO_NET_GSO_FRAME + ETHER_VLAN_LEN,
	    sc->sc_maxframe) : sc->sc_maxframe);
}

void
vio_rx_shape(struct vio_softc *sc)
{
	uint32_t need = sc->sc_rxoff + sc->sc_hdrlen + vio_rx_longest(sc);
	uint32_t rest, size;
	u_int i;

	sc->sc_nexts = 1;
	sc->sc_extsize[0] = MCLBYTES;
	if (sc->sc_merge || need <= MCLBYTES)
		return;
	if (need <= MCL4K) {
		sc->sc_extsize[0] = MCL4K;
		return;
	}
	/* most packets are short: they take no more than the first piece */
	rest = need - MCLBYTES;
	size = rest <= 2 * MCL4K ? MCL4K : MCL16K;
	sc->sc_nexts += howmany(rest, size);
	KASSERT(sc->sc_nexts <= VIO_MAXEXTS);
	for (i = 1; i < sc->sc_nexts; i++)
		sc->sc_extsize[i] = size;
}

u_int
vio_rx_nsegs(const struct vio_softc *sc)
{
	return (sc->sc_nexts + (sc->sc_hdrapart ? 1 : 0));
}

/* How large the next piece is to be, the ith of its buffer. */
static uint32_t
vio_rx_size(const struct vio_rxq *q, u_int i)
{
	uint32_t average = q->rq_average / RX_AVERAGE, size;

	if (!q->rq_sc->sc_merge)
		return (q->rq_sc->sc_extsize[i]);
	size = average <= RX_SMALL ? MCLBYTES : average <= RX_MEDIUM ? MCL4K :
	    MCL16K;
	while (size > q->rq_minsize && q->rq_bytes + size > q->rq_maxbytes)
		size = size > MCL4K ? MCL4K : MCLBYTES;
	return (MAX(size, q->rq_minsize));
}

static uint32_t
vio_rx_room(const struct vio_softc *sc, const struct vio_rxslot *rs)
{
	uint32_t room = 0;
	u_int i;

	for (i = 0; i < sc->sc_nexts; i++)
		room += rs->rs_ext[i]->me_size;
	return (room - sc->sc_rxoff);
}

/* All pieces that the slot lacks. */
static bool
vio_rx_furnish(struct vio_rxq *q, struct vio_rxslot *rs)
{
	u_int i;

	for (i = 0; i < q->rq_sc->sc_nexts; i++) {
		if (rs->rs_ext[i] != NULL)
			continue;
		rs->rs_ext[i] = m_extget(vio_rx_size(q, i));
		if (rs->rs_ext[i] == NULL)
			return (false);
		q->rq_bytes += rs->rs_ext[i]->me_size;
	}
	return (true);
}

static int
vio_rx_load(struct vio_rxq *q, struct vio_rxslot *rs)
{
	struct vio_softc *sc = q->rq_sc;
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	struct iovec iov[VIO_MAXEXTS];
	struct uio uio;
	u_int i;

	if (sc->sc_nexts == 1)
		return (bus_dmamap_load(dmat, rs->rs_map,
		    rs->rs_ext[0]->me_buf + sc->sc_rxoff,
		    rs->rs_ext[0]->me_size - sc->sc_rxoff,
		    BUS_DMA_NOWAIT | BUS_DMA_READ));
	for (i = 0; i < sc->sc_nexts; i++)
		iov[i] = (struct iovec){ rs->rs_ext[i]->me_buf,
		    rs->rs_ext[i]->me_size };
	iov[0].iov_base = rs->rs_ext[0]->me_buf + sc->sc_rxoff;
	iov[0].iov_len -= sc->sc_rxoff;
	uio = (struct uio){ .uio_iov = iov, .uio_iovcnt = sc->sc_nexts,
	    .uio_resid = vio_rx_room(sc, rs), .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_READ };
	return (bus_dmamap_load_uio(dmat, rs->rs_map, &uio,
	    BUS_DMA_NOWAIT | BUS_DMA_READ));
}

/* Put a slot into the ring; not yet seen by the device. */
static bool
vio_rx_lend(struct vio_rxq *q, struct vio_rxslot *rs)
{
	struct vio_softc *sc = q->rq_sc;
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	u_int head = sc->sc_hdrapart ? sc->sc_hdrlen : 0;
	VQ_SG_DECL(sg, VIO_MAXEXTS + 1, dmat);
	int error = 0;

	if (rs->rs_map->dm_mapsize == 0)
		error = vio_rx_load(q, rs);
	/* 5.1.9.8: without ANY_LAYOUT the header has its own descriptor */
	if (error == 0 && head != 0)
		error = vq_sg_in(&sg, rs->rs_map, 0, head);
	if (error == 0)
		error = vq_sg_in(&sg, rs->rs_map, head,
		    rs->rs_map->dm_mapsize - head);
	if (error == 0)
		error = vq_enqueue(q->rq_vq, rs, &sg);
	if (error == 0) {
		q->rq_lent++;
		return (true);
	}
	bus_dmamap_unload(dmat, rs->rs_map);
	rs->rs_next = q->rq_free;
	q->rq_free = rs;
	if (error != ENXIO && error != ENOSPC)
		q->rq_stat[RX_LEND_FAILED]++;
	return (false);
}

/* A slot has come back. */
static void
vio_rx_sync(struct vio_rxq *q, struct vio_rxslot *rs)
{
	q->rq_lent--;
	bus_dmamap_sync(virtio_dmat(q->rq_sc->sc_vsc), rs->rs_map, 0,
	    rs->rs_map->dm_mapsize, BUS_DMASYNC_POSTREAD);
}

/* As many buffers as there should be, or try again later if there are few. */
static void
vio_rx_fill(struct vio_rxq *q)
{
	struct vio_rxslot *rs;

	while (q->rq_lent < q->rq_target && (rs = q->rq_free) != NULL) {
		if (!vio_rx_furnish(q, rs)) {
			q->rq_stat[RX_LEND_FAILED]++;
			break;
		}
		q->rq_free = rs->rs_next;
		if (!vio_rx_lend(q, rs))
			break;
	}
	if (q->rq_lent < (q->rq_target + 3) / 4 && vq_ready(q->rq_vq))
		timeout_add_msec(&q->rq_timeout, RX_MSEC);
}

static void
vio_rx_retry(void *arg)
{
	struct vio_rxq *q = arg;

	mtx_enter(&q->rq_mtx);
	if (q->rq_up) {
		vio_rx_fill(q);
		vq_notify(q->rq_vq);
	}
	mtx_leave(&q->rq_mtx);
}

/* --- a packet ------------------------------------------------------------ */

/* Take bytes of a slot for a packet; the slot gets other memory for it. */
static enum vio_rxstat
vio_rx_take(struct vio_rxq *q, struct vio_rxslot *rs, uint32_t skip,
    uint32_t len, struct vio_rxpkt *rp)
{
	struct mext *fresh[VIO_MAXEXTS];
	struct mbuf *m[VIO_MAXEXTS];
	uint32_t k;
	u_int i, n;

	for (n = 0, k = 0; k < skip + len; n++) {
		k += rs->rs_ext[n]->me_size;
		fresh[n] = m_extget(vio_rx_size(q, n));
		m[n] = rp->rp_m == NULL && n == 0 ? m_gethdr() : m_get();
		if (__predict_true(fresh[n] != NULL && m[n] != NULL))
			continue;
		for (i = 0; i <= n; i++) {
			if (fresh[i] != NULL)
				m_extfree(fresh[i]);
			m_freem(m[i]);
		}
		return (RX_NOMEM);
	}
	bus_dmamap_unload(virtio_dmat(q->rq_sc->sc_vsc), rs->rs_map);
	rp->rp_len += len;
	for (i = 0; i < n; i++) {
		m_extadd(m[i], rs->rs_ext[i]);
		k = MIN(m[i]->m_len - skip, len);
		m[i]->m_data += skip;
		m[i]->m_len = k;
		len -= k;
		skip = 0;
		*rp->rp_tailp = m[i];
		rp->rp_tailp = &m[i]->m_next;
		q->rq_bytes -= rs->rs_ext[i]->me_size;
		q->rq_bytes += fresh[i]->me_size;
		rs->rs_ext[i] = fresh[i];
	}
	return (RX_GOOD);
}

/* The same for a short packet, which leaves the slot its memory. */
static enum vio_rxstat
vio_rx_copy(struct vio_rxq *q, const struct vio_rxslot *rs, uint32_t skip,
    uint32_t len, struct vio_rxpkt *rp)
{
	struct mbuf *m;

	if ((m = m_gethdr()) == NULL)
		return (RX_NOMEM);
	m->m_data = m->m_buf + RX_COPYOFF;
	m->m_len = len;
	memcpy(m->m_data, rs->rs_ext[0]->me_buf + skip, len);
	rp->rp_m = m;
	rp->rp_len = len;
	q->rq_stat[RX_COPIED]++;
	return (RX_GOOD);
}

/* One buffer of a packet; the slot goes back to the device. */
static void
vio_rx_piece(struct vio_rxq *q, struct vio_rxslot *rs, uint32_t skip,
    uint32_t len, bool last, struct vio_rxpkt *rp)
{
	const struct vio_softc *sc = q->rq_sc;

	if (rp->rp_bad != RX_GOOD)
		;
	else if (len == 0)
		rp->rp_bad = RX_RUNT;
	else if (!last && skip + len != sc->sc_rxoff + vio_rx_room(sc, rs))
		rp->rp_bad = RX_NOT_FULL;	/* 5.1.9.4.1 */
	else if (rp->rp_len + len > vio_rx_longest(sc))
		rp->rp_bad = RX_GIANT;
	else if (last && rp->rp_m == NULL && len <= RX_COPYMAX)
		rp->rp_bad = vio_rx_copy(q, rs, skip, len, rp);
	else
		rp->rp_bad = vio_rx_take(q, rs, skip, len, rp);
	(void)vio_rx_lend(q, rs);
}

/* The buffers of a packet behind the first. */
static void
vio_rx_rest(struct vio_rxq *q, struct vio_rxpkt *rp)
{
	u_int i, n = rp->rp_hdr.rh_nbufs;
	struct vio_rxslot *rs;
	uint32_t len;

	q->rq_stat[RX_MERGED]++;
	for (i = 1; i < n; i++) {
		if ((rs = vq_dequeue(q->rq_vq, &len)) == NULL) {
			/*
			 * 5.1.9.4.1: all are used together.  Without that
			 * nothing tells where the next packet begins.
			 */
			virtio_fail(q->rq_sc->sc_vsc, "packet of %u buffers, "
			    "%u of them used", n, i);
			rp->rp_bad = RX_MISSING;
			return;
		}
		vio_rx_sync(q, rs);
		if (vq_was_cut(q->rq_vq) && rp->rp_bad == RX_GOOD)
			rp->rp_bad = RX_LONG;
		vio_rx_piece(q, rs, q->rq_sc->sc_rxoff, len, i == n - 1, rp);
	}
}

/* The next packet onto the list, if it is good.  False: there is none. */
static bool
vio_rx_next(struct vio_rxq *q, struct mbufq *done)
{
	const struct vio_softc *sc = q->rq_sc;
	struct vio_rxpkt rp = { .rp_tailp = &rp.rp_m };
	struct vio_rxslot *rs;
	uint32_t len;

	if ((rs = vq_dequeue(q->rq_vq, &len)) == NULL)
		return (false);
	vio_rx_sync(q, rs);
	if ((rp.rp_bad = vio_rx_header(q, rs, len, &rp.rp_hdr)) == RX_GOOD)
		rp.rp_bad = vio_rx_agreed(q, &rp.rp_hdr);
	vio_rx_piece(q, rs, sc->sc_rxoff + sc->sc_hdrlen,
	    len - MIN(len, sc->sc_hdrlen), rp.rp_hdr.rh_nbufs == 1, &rp);
	if (rp.rp_hdr.rh_nbufs > 1)
		vio_rx_rest(q, &rp);
	if (rp.rp_bad == RX_GOOD)
		rp.rp_bad = vio_rx_finish(q, &rp);
	if (__predict_false(rp.rp_bad != RX_GOOD)) {
		q->rq_stat[rp.rp_bad]++;
		m_freem(rp.rp_m);
		return (true);
	}
	q->rq_stat[RX_PACKETS]++;
	q->rq_stat[RX_BYTES] += rp.rp_len;
	q->rq_average += rp.rp_len - q->rq_average / RX_AVERAGE;
	mq_put(done, rp.rp_m);
	return (true);
}

/* --- interrupt and polling ----------------------------------------------- */

void
vio_rx_intr(void *arg)
{
	struct vio_rxq *q = arg;

	mtx_enter(&q->rq_mtx);
	q->rq_stat[RX_INTERRUPTS]++;
	vq_intr_disable(q->rq_vq);
	if (q->rq_up)
		if_poll_schedule(&q->rq_poll);
	mtx_leave(&q->rq_mtx);
}

/* Give packets to the network, without the queue's mutex. */
static void
vio_rx_deliver(struct vio_softc *sc, struct mbufq *mq)
{
	struct mbuf *m;
	u_int n = 0;

	if (mq->mq_len == 0)
		return;
	vio_tx_hold(sc, true);
	while ((m = mq_get(mq)) != NULL) {
		if_input(&sc->sc_if, m);
		if (++n % RX_ANSWER == 0)
			vio_tx_flush(sc);
	}
	vio_tx_hold(sc, false);
}

static u_int
vio_rx_poll(void *arg, u_int budget)
{
	struct vio_rxq *q = arg;
	struct mbufq done;
	u_int n = 0;

	mq_init(&done);
	mtx_enter(&q->rq_mtx);
	q->rq_stat[RX_POLLS]++;
	while (q->rq_up) {
		while (n < budget && vio_rx_next(q, &done)) {
			if (++n % RX_BATCH == 0)
				vq_notify(q->rq_vq);
		}
		if (q->rq_lent < q->rq_target)
			vio_rx_fill(q);
		vq_notify(q->rq_vq);
		if (n >= budget || !vq_intr_enable(q->rq_vq, 0))
			break;
		/* something came meanwhile; the look counts, to end it */
		vq_intr_disable(q->rq_vq);
		n++;
	}
	mtx_leave(&q->rq_mtx);
	vio_rx_deliver(q->rq_sc, &done);
	return (n);
}

/* --- life ---------------------------------------------------------------- */

void
vio_rx_init(struct vio_softc *sc, struct vio_rxq *q)
{
	q->rq_sc = sc;
	mtx_init(&q->rq_mtx, IPL_NET);
	timeout_set(&q->rq_timeout, vio_rx_retry, q);
}

/*
 * How many buffers of what size: all that the ring holds, if that is not more
 * than our share of memory; but in any case enough for one packet, or a
 * device that has such a packet would wait for ever.
 */
static int
vio_rx_plan(struct vio_softc *sc, struct vio_rxq *q)
{
	uint32_t longest = sc->sc_hdrlen + vio_rx_longest(sc), size, least;
	u_int nsegs = vio_rx_nsegs(sc), n = vq_size(q->rq_vq), i;
	size_t share;

	if (vq_maxsegs(q->rq_vq) < nsegs)
		return (EFBIG);
	if (nsegs > 1 && !virtio_has(sc->sc_vsc, VIRTIO_F_INDIRECT_DESC))
		n /= nsegs;
	n = MIN(n, VIO_QSIZE);
	size = MCLBYTES;
	while (sc->sc_merge && (uint64_t)n * (size - sc->sc_rxoff) < longest) {
		if (size == MCL32K)
			return (EFBIG);
		size = size == MCLBYTES ? MCL4K : size == MCL4K ? MCL16K :
		    MCL32K;
	}
	q->rq_minsize = size;
	for (i = 1; i < sc->sc_nexts; i++)
		size += sc->sc_extsize[i];
	if (!sc->sc_merge)
		size += sc->sc_extsize[0] - MCLBYTES;
	least = MIN(n, MAX(howmany(longest, size - sc->sc_rxoff), 2));
	share = m_limit() / RX_SHARE / sc->sc_npairs;
	if (sc->sc_bigrx && !sc->sc_merge && share / size < RX_BIG)
		return (EFBIG);
	q->rq_maxbytes = MAX(share, (size_t)least * size);
	q->rq_nslots = MIN(n, q->rq_maxbytes / size);
	q->rq_target = q->rq_nslots;
	return (0);
}

int
vio_rx_alloc(struct vio_softc *sc, struct vio_rxq *q)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	struct vio_rxslot *rs;
	u_int i;
	int error;

	if ((error = vio_rx_plan(sc, q)) != 0)
		return (error);
	q->rq_slot = kmem_zalloc(q->rq_nslots * sizeof(*q->rq_slot),
	    KM_NOSLEEP);
	if (q->rq_slot == NULL)
		return (ENOMEM);
	for (i = q->rq_nslots; i-- > 0; ) {
		rs = &q->rq_slot[i];
		if ((error = bus_dmamap_create(dmat, sc->sc_nexts * MCL32K,
		    sc->sc_nexts, 0, 0, BUS_DMA_NOWAIT, &rs->rs_map)) != 0)
			return (error);
		rs->rs_next = q->rq_free;
		q->rq_free = rs;
	}
	if_poll_init(&q->rq_poll, vio_rx_poll, q);
	return (0);
}

void
vio_rx_resumed(struct vio_rxq *q)
{
	mtx_enter(&q->rq_mtx);
	if (q->rq_up) {
		vio_rx_fill(q);
		vq_notify(q->rq_vq);
		if (vq_intr_enable(q->rq_vq, 0))
			if_poll_schedule(&q->rq_poll);
	} else
		vq_intr_disable(q->rq_vq);
	mtx_leave(&q->rq_mtx);
}

void
vio_rx_up(struct vio_rxq *q)
{
	struct mbufq stale;

	mq_init(&stale);
	mtx_enter(&q->rq_mtx);
	while (vio_rx_next(q, &stale))
		q->rq_stat[RX_STALE]++;
	q->rq_up = true;
	mtx_leave(&q->rq_mtx);
	m_freeq(stale.mq_head);
	vio_rx_resumed(q);
}

void
vio_rx_down(struct vio_rxq *q)
{
	mtx_enter(&q->rq_mtx);
	q->rq_up = false;
	if (q->rq_vq != NULL)
		vq_intr_disable(q->rq_vq);
	mtx_leave(&q->rq_mtx);
}

void
vio_rx_stopped(struct vio_rxq *q)
{
	struct vio_rxslot *rs;

	mtx_enter(&q->rq_mtx);
	while (q->rq_vq != NULL && (rs = vq_drain(q->rq_vq)) != NULL) {
		vio_rx_sync(q, rs);
		bus_dmamap_unload(virtio_dmat(q->rq_sc->sc_vsc), rs->rs_map);
		rs->rs_next = q->rq_free;
		q->rq_free = rs;
	}
	mtx_leave(&q->rq_mtx);
}

void
vio_rx_free(struct vio_rxq *q)
{
	struct vio_rxslot *rs;
	u_int i, j;

	if_poll_stop(&q->rq_poll);
	(void)timeout_del_barrier(&q->rq_timeout);
	for (i = 0; i < q->rq_nslots && q->rq_slot != NULL; i++) {
		rs = &q->rq_slot[i];
		for (j = 0; j < VIO_MAXEXTS; j++) {
			if (rs->rs_ext[j] != NULL)
				m_extfree(rs->rs_ext[j]);
		}
		bus_dmamap_destroy(virtio_dmat(q->rq_sc->sc_vsc), rs->rs_map);
	}
	kmem_free(q->rq_slot, q->rq_nslots * sizeof(*q->rq_slot));
	q->rq_slot = NULL;
	q->rq_free = NULL;
	q->rq_nslots = q->rq_lent = 0;
	q->rq_bytes = 0;
}

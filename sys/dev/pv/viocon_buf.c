/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* viocon(4): the buffers in the queues of a port. */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/pv/vioconvar.h>

/* --- memory ------------------------------------------------------------- */

static void
bufs_free(struct viocon_bufs *bs)
{
	kmem_free(bs->bs_buf, bs->bs_n * sizeof(*bs->bs_buf));
	dmamem_free(&bs->bs_mem);
	bs->bs_buf = NULL;
	bs->bs_n = 0;
}

static int
bufs_try(struct viocon_bufs *bs, bus_dma_tag_t dmat, u_int n, size_t size)
{
	u_int i;
	int error;

	bs->bs_buf = kmem_zalloc(n * sizeof(*bs->bs_buf), KM_NOSLEEP);
	if (bs->bs_buf == NULL)
		return (ENOMEM);
	bs->bs_n = n;
	bs->bs_size = size;
	if ((error = dmamem_alloc(&bs->bs_mem, dmat, n * size, 0,
	    BUS_DMA_NOWAIT)) != 0) {
		bufs_free(bs);
		return (error);
	}
	for (i = 0; i < n; i++)
		bs->bs_buf[i].cb_off = i * size;
	return (0);
}

/* One piece, so with little memory it becomes fewer. */
static int
bufs_alloc(struct viocon_bufs *bs, const struct virtqueue *vq,
    bus_dma_tag_t dmat, u_int n, size_t size)
{
	int error = 0;

	if (bs->bs_n != 0)
		return (0);
	for (n = MIN(n, vq_size(vq)); n > 0; n /= 2) {
		if ((error = bufs_try(bs, dmat, n, size)) == 0)
			break;
	}
	return (error);
}

int
viocon_buf_alloc(struct viocon_port *p, u_int nrx, size_t rxsize, u_int ntx,
    size_t txsize)
{
	bus_dma_tag_t dmat = virtio_dmat(p->p_sc->sc_vsc);
	struct viocon_bufs rx, tx;
	int error;
	u_int i;

	/* nobody else allocates, but interrupts look at what there is */
	rx = p->p_rx;
	tx = p->p_tx;
	if ((error = bufs_alloc(&rx, p->p_rxq, dmat, nrx, rxsize)) != 0)
		return (error);
	mtx_enter(&p->p_rxmtx);
	p->p_rx = rx;
	mtx_leave(&p->p_rxmtx);
	if (tx.bs_n != 0)
		return (0);
	if ((error = bufs_alloc(&tx, p->p_txq, dmat, ntx, txsize)) != 0)
		return (error);
	mtx_enter(&p->p_txmtx);
	p->p_tx = tx;
	for (i = 0; i < tx.bs_n; i++)
		viocon_tx_free(p, &tx.bs_buf[i]);
	mtx_leave(&p->p_txmtx);
	return (0);
}

/* The device is stopped, and all was drained. */
void
viocon_buf_free(struct viocon_port *p)
{
	bufs_free(&p->p_rx);
	bufs_free(&p->p_tx);
}

/* What was on its way out is lost: nobody knows how far it came. */
void
viocon_buf_drain(struct viocon_port *p)
{
	struct viocon_buf *cb;

	mtx_enter(&p->p_rxmtx);
	while (p->p_rxq != NULL && (cb = vq_drain(p->p_rxq)) != NULL)
		cb->cb_lent = false;
	mtx_leave(&p->p_rxmtx);
	mtx_enter(&p->p_txmtx);
	while (p->p_txq != NULL && (cb = vq_drain(p->p_txq)) != NULL) {
		viocon_tx_free(p, cb);
		p->p_txbusy--;
	}
	mtx_leave(&p->p_txmtx);
}

/* --- input -------------------------------------------------------------- */

char *
viocon_rx_data(const struct viocon_port *p, const struct viocon_buf *cb)
{
	return ((char *)p->p_rx.bs_mem.dmm_kva + cb->cb_off);
}

static int
rx_lend(struct viocon_port *p, struct viocon_buf *cb)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(p->p_sc->sc_vsc));
	int error;

	if ((error = vq_sg_in_mem(&sg, &p->p_rx.bs_mem, cb->cb_off,
	    p->p_rx.bs_size)) == 0 &&
	    (error = vq_enqueue(p->p_rxq, cb, &sg)) == 0)
		cb->cb_lent = true;
	return (error);
}

void
viocon_rx_fill(struct viocon_port *p)
{
	struct viocon_buf *cb;
	u_int i;

	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	for (i = 0; i < p->p_rx.bs_n; i++) {
		cb = &p->p_rx.bs_buf[i];
		if (!cb->cb_lent && cb != p->p_rxheld && rx_lend(p, cb) != 0)
			break;		/* when it works again */
	}
	viocon_rx_tell(p);
}

void
viocon_rx_done(struct viocon_port *p, struct viocon_buf *cb)
{
	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	/* a host that waits for room is told when there is a good deal */
	if (rx_lend(p, cb) == 0 && ++p->p_rxback >= (p->p_rx.bs_n + 1) / 2)
		viocon_rx_tell(p);
}

void
viocon_rx_tell(struct viocon_port *p)
{
	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	p->p_rxback = 0;
	vq_notify(p->p_rxq);
}

struct viocon_buf *
viocon_rx_next(struct viocon_port *p)
{
	struct viocon_buf *cb;
	uint32_t len;

	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	while ((cb = vq_dequeue(p->p_rxq, &len)) != NULL) {
		cb->cb_lent = false;
		cb->cb_len = len;
		cb->cb_pos = 0;
		if (len != 0)
			return (cb);
		viocon_rx_done(p, cb);
	}
	return (NULL);
}

/* --- output ------------------------------------------------------------- */

char *
viocon_tx_data(const struct viocon_port *p, const struct viocon_buf *cb)
{
	return ((char *)p->p_tx.bs_mem.dmm_kva + cb->cb_off);
}

void
viocon_tx_free(struct viocon_port *p, struct viocon_buf *cb)
{
	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	cb->cb_next = p->p_txfree;
	p->p_txfree = cb;
}

void
viocon_tx_reap(struct viocon_port *p)
{
	struct viocon_buf *cb;
	uint32_t len;		/* nothing: it only reads */

	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	while ((cb = vq_dequeue(p->p_txq, &len)) != NULL) {
		viocon_tx_free(p, cb);
		p->p_txbusy--;
		p->p_stalled = false;
	}
}

struct viocon_buf *
viocon_tx_get(struct viocon_port *p)
{
	struct viocon_buf *cb;

	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	if (p->p_txfree == NULL)
		viocon_tx_reap(p);
	if ((cb = p->p_txfree) != NULL) {
		p->p_txfree = cb->cb_next;
		cb->cb_len = 0;
	}
	return (cb);
}

static int
tx_lend(struct viocon_port *p, struct viocon_buf *cb)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(p->p_sc->sc_vsc));
	int error;

	if ((error = vq_sg_out_mem(&sg, &p->p_tx.bs_mem, cb->cb_off,
	    cb->cb_len)) == 0 &&
	    (error = vq_enqueue(p->p_txq, cb, &sg)) == 0)
		p->p_txbusy++;
	return (error);
}

/* In order: behind those that wait until the device works again. */
void
viocon_tx_put(struct viocon_port *p, struct viocon_buf *cb)
{
	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	if (p->p_gone || p->p_down) {
		viocon_tx_free(p, cb);
		return;
	}
	if (p->p_txhead == NULL && tx_lend(p, cb) == 0)
		return;
	cb->cb_next = NULL;
	*p->p_txtail = cb;
	p->p_txtail = &cb->cb_next;
}

void
viocon_tx_flush(struct viocon_port *p)
{
	struct viocon_buf *cb;

	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	while ((cb = p->p_txhead) != NULL && tx_lend(p, cb) == 0)
		p->p_txhead = cb->cb_next;
	if (p->p_txhead == NULL)
		p->p_txtail = &p->p_txhead;
	vq_notify(p->p_txq);
}

/* What was kept will not be sent. */
void
viocon_tx_discard(struct viocon_port *p)
{
	struct viocon_buf *cb;

	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	while ((cb = p->p_txhead) != NULL) {
		p->p_txhead = cb->cb_next;
		viocon_tx_free(p, cb);
	}
	p->p_txtail = &p->p_txhead;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viocon(4): a port as a stream of bytes.
 *
 * All is copied, into and out of buffers that were lent or will be.  What a
 * program writes cannot be lent to the device where it lies: write(2) returns
 * long before the host has read it, and the program may change it then; one
 * that does not block cannot wait for that at all.
 *
 * Interrupts are off while nobody waits.  Who finds nothing turns them on,
 * looks once more, and sleeps; the handler turns them off.  Who polls waits
 * from when nothing is left, which may be a read or a write later.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <dev/pv/vioconvar.h>

#define RX_SIZE		4096
#define TX_SIZE		16384

/* --- interrupts --------------------------------------------------------- */

static void
rx_wake(struct viocon_port *p)
{
	p->p_rxwait = p->p_rxpoll = false;
	vq_intr_disable(p->p_rxq);
	wakeup(&p->p_rxwait);
	selwakeup(&p->p_rsel);
}

static void
tx_wake(struct viocon_port *p)
{
	p->p_txwait = p->p_txpoll = false;
	vq_intr_disable(p->p_txq);
	wakeup(&p->p_txwait);
	selwakeup(&p->p_wsel);
}

/* The interrupt may be that of another queue. */
void
viocon_dev_rxintr(struct viocon_port *p)
{
	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	if (p->p_rxwait && vq_intr_enable(p->p_rxq, 0))
		rx_wake(p);
}

void
viocon_dev_txintr(struct viocon_port *p)
{
	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	if (!p->p_txwait)
		return;
	viocon_tx_reap(p);
	if (p->p_txfree != NULL)
		tx_wake(p);
}

void
viocon_dev_wake(struct viocon_port *p)
{
	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	rx_wake(p);
	tx_wake(p);
}

/* --- read --------------------------------------------------------------- */

/* Has the port gone from under its user? */
static int
dev_check(const struct viocon_port *p)
{
	return (p->p_gone ? ENXIO : p->p_down ? EIO : 0);
}

static bool
rx_there(struct viocon_port *p)
{
	if (p->p_rxheld == NULL && !p->p_rxbusy)
		p->p_rxheld = viocon_rx_next(p);
	return (p->p_rxheld != NULL);
}

/* Nothing has come: true when it is certain that an interrupt will tell. */
static bool
rx_watch(struct viocon_port *p)
{
	p->p_rxwait = true;
	viocon_rx_tell(p);
	if (!vq_intr_enable(p->p_rxq, 0))
		return (true);
	p->p_rxwait = false;
	vq_intr_disable(p->p_rxq);
	return (false);
}

/* Nothing is left to be read. */
static void
rx_empty(struct viocon_port *p)
{
	if (p->p_rxpoll && !rx_watch(p))
		rx_wake(p);
	viocon_rx_tell(p);
}

/*
 * Wait until there is input, and take hold of it.  0 and nothing held: the
 * host has closed its end and all has been read.
 */
static int
rx_wait(struct viocon_port *p, int flags)
{
	int error;

	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	for (error = 0; error == 0;) {
		if ((error = dev_check(p)) != 0)
			break;
		if (p->p_rxbusy) {
			error = msleep_nsec(&p->p_rxbusy, &p->p_rxmtx,
			    PRI_USER | PCATCH, "vportrd", INFSLP);
			continue;
		}
		if (rx_there(p) || !p->p_hostopen)
			break;
		if (flags & FNONBLOCK) {
			rx_empty(p);
			error = EAGAIN;
		} else if (rx_watch(p))
			error = msleep_nsec(&p->p_rxwait, &p->p_rxmtx,
			    PRI_USER | PCATCH, "vportin", INFSLP);
	}
	return (error);
}

static int
vport_read(struct cdev *cd, struct uio *uio, int flags)
{
	struct viocon_port *p = dev_arg(cd);
	struct viocon_buf *cb;
	size_t left;
	int error;

	if (uio->uio_resid == 0)
		return (0);
	mtx_enter(&p->p_rxmtx);
	if ((error = rx_wait(p, flags)) != 0 || p->p_rxheld == NULL)
		goto out;
	p->p_rxbusy = true;
	while (error == 0 && (cb = p->p_rxheld) != NULL &&
	    (left = uio->uio_resid) != 0) {
		mtx_leave(&p->p_rxmtx);
		error = uiomove(viocon_rx_data(p, cb) + cb->cb_pos,
		    MIN(left, cb->cb_len - cb->cb_pos), uio);
		mtx_enter(&p->p_rxmtx);
		cb->cb_pos += left - uio->uio_resid;
		if (cb->cb_pos == cb->cb_len) {
			viocon_rx_done(p, cb);
			p->p_rxheld = viocon_rx_next(p);
		}
	}
	p->p_rxbusy = false;
	wakeup(&p->p_rxbusy);
	if (p->p_rxheld == NULL)
		rx_empty(p);
out:
	mtx_leave(&p->p_rxmtx);
	return (error);
}

/* --- write -------------------------------------------------------------- */

/* No buffer is free: true when it is certain that an interrupt will tell. */
static bool
tx_watch(struct viocon_port *p)
{
	p->p_txwait = true;
	/* when half of them are back: what is left keeps the host busy */
	if (!vq_intr_enable(p->p_txq, p->p_tx.bs_n / 2))
		return (true);
	p->p_txwait = false;
	vq_intr_disable(p->p_txq);
	return (false);
}

/* Nothing more fits. */
static void
tx_full(struct viocon_port *p)
{
	if (p->p_txpoll && !tx_watch(p))
		tx_wake(p);
}

/*
 * A buffer to write to.  While the host's end is closed there is none: what
 * is sent then would be thrown away.
 */
static int
tx_wait(struct viocon_port *p, int flags, struct viocon_buf **cbp)
{
	int error;

	MUTEX_ASSERT_LOCKED(&p->p_txmtx);
	for (error = 0; error == 0;) {
		if ((error = dev_check(p)) != 0)
			break;
		if (p->p_hostopen && (*cbp = viocon_tx_get(p)) != NULL)
			break;
		if (flags & FNONBLOCK) {
			tx_full(p);
			error = EAGAIN;
		} else if (!p->p_hostopen || tx_watch(p)) {
			p->p_txwait = true;
			error = msleep_nsec(&p->p_txwait, &p->p_txmtx,
			    PRI_USER | PCATCH, "vportout", INFSLP);
		}
	}
	return (error);
}

static int
vport_write(struct cdev *cd, struct uio *uio, int flags)
{
	struct viocon_port *p = dev_arg(cd);
	struct viocon_buf *cb;
	size_t left;
	int error = 0;

	while (error == 0 && (left = uio->uio_resid) != 0) {
		mtx_enter(&p->p_txmtx);
		error = tx_wait(p, flags, &cb);
		mtx_leave(&p->p_txmtx);
		if (error != 0)
			break;
		error = uiomove(viocon_tx_data(p, cb),
		    MIN(left, p->p_tx.bs_size), uio);
		cb->cb_len = left - uio->uio_resid;
		mtx_enter(&p->p_txmtx);
		if (cb->cb_len != 0) {
			viocon_tx_put(p, cb);
			vq_notify(p->p_txq);
		} else
			viocon_tx_free(p, cb);
		if (p->p_txfree == NULL)
			tx_full(p);
		mtx_leave(&p->p_txmtx);
	}
	return (error);
}

/* --- poll --------------------------------------------------------------- */

/* Whatever is asked for, all is recorded: some ask without a question. */
static int
vport_poll(struct cdev *cd, int events, struct selreq *sr)
{
	int revents = 0, in = POLLIN | POLLRDNORM, out = POLLOUT | POLLWRNORM;
	struct viocon_port *p = dev_arg(cd);

	mtx_enter(&p->p_rxmtx);
	do {
		if (p->p_rxbusy || rx_there(p) || !p->p_hostopen)
			revents |= in;
	} while (revents == 0 && sr != NULL && !rx_watch(p));
	if (!p->p_hostopen || p->p_gone)
		revents |= POLLHUP;
	if (p->p_down)
		revents |= in | POLLERR | POLLHUP;
	p->p_rxpoll |= sr != NULL;
	selrecord(sr, &p->p_rsel);
	mtx_leave(&p->p_rxmtx);

	mtx_enter(&p->p_txmtx);
	do {
		viocon_tx_reap(p);
		if (p->p_hostopen && p->p_txfree != NULL)
			revents |= out;
	} while (!(revents & out) && sr != NULL && p->p_hostopen &&
	    !tx_watch(p));
	p->p_txpoll |= sr != NULL;
	selrecord(sr, &p->p_wsel);
	mtx_leave(&p->p_txmtx);
	return (revents & (events | POLLHUP | POLLERR));
}

/* --- open, close -------------------------------------------------------- */

/* What came for whoever had it open before is not for us. */
static void
rx_discard(struct viocon_port *p)
{
	struct viocon_buf *cb;

	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	if ((cb = p->p_rxheld) != NULL) {
		p->p_rxheld = NULL;
		viocon_rx_done(p, cb);
	}
	while ((cb = viocon_rx_next(p)) != NULL)
		viocon_rx_done(p, cb);
}

static void
vport_give_back(struct viocon_port *p)
{
	viocon_port_enter(p);
	p->p_user = NULL;
	p->p_rxwait = p->p_rxpoll = p->p_txwait = p->p_txpoll = false;
	viocon_port_leave(p);
	/* a name or a new task that came meanwhile */
	viocon_ctl_wake(p->p_sc, VIOCON_SETTLE);
}

static int
vport_open(struct cdev *cd, int flags __unused)
{
	struct viocon_port *p = dev_arg(cd);
	int error;

	viocon_port_enter(p);
	if (p->p_gone || p->p_closed == cd)
		error = ENXIO;
	else if ((error = dev_check(p)) == 0 && p->p_user != NULL)
		error = EBUSY;
	if (error == 0)
		p->p_user = cd;
	viocon_port_leave(p);
	if (error != 0)
		return (error);
	if ((error = viocon_buf_alloc(p, VIOCON_NRX, RX_SIZE, VIOCON_NTX,
	    TX_SIZE)) == 0) {
		mtx_enter(&p->p_rxmtx);
		rx_discard(p);
		viocon_rx_fill(p);
		vq_intr_disable(p->p_rxq);
		mtx_leave(&p->p_rxmtx);
		mtx_enter(&p->p_txmtx);
		vq_intr_disable(p->p_txq);
		mtx_leave(&p->p_txmtx);
		/* one that is being reset hears of it afterwards */
		if ((error = viocon_port_tell(p)) == ENXIO)
			error = 0;
	}
	if (error != 0)
		vport_give_back(p);
	return (error == ETIMEDOUT ? EIO : error);
}

/* What was written and not read yet stays in the queue for the host. */
static int
vport_close(struct cdev *cd, int flags __unused)
{
	struct viocon_port *p = dev_arg(cd);

	vport_give_back(p);
	(void)viocon_port_tell(p);
	return (0);
}

const struct cdevsw viocon_cdevsw = {
	.d_name = "vport",
	.d_open = vport_open,
	.d_close = vport_close,
	.d_read = vport_read,
	.d_write = vport_write,
	.d_poll = vport_poll,
};

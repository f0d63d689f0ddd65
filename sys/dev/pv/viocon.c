/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viocon(4): virtio console, one port, as a terminal and as the console of
 * the kernel.
 *
 * Locks: sc_rxmtx, then the tty's, then sc_txmtx.  sc_txmtx is the last one,
 * and nothing is printed with it but what virtio_fail() keeps for later, so
 * that the kernel's messages can take it.  If its holder is the very CPU
 * that has something to say, the message takes the way of EMERG_WRITE, a
 * character at a time through a register, or is lost.
 */

#include <sys/errno.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/timeout.h>
#include <sys/tty.h>

#include <dev/pv/vioconreg.h>
#include <dev/pv/virtiovar.h>

#define VIOCON_NRX	16
#define VIOCON_RXSIZE	256
#define VIOCON_NTX	8
#define VIOCON_TXSIZE	4096
#define VIOCON_POLL	5		/* microseconds */
#define VIOCON_PATIENCE	50000		/* in all, before it is stalled */

struct viocon_buf {
	struct viocon_buf	*cb_next;	/* free list */
	bus_size_t		 cb_off;	/* in its dmamem */
	size_t			 cb_len;	/* bytes in it */
	size_t			 cb_pos;	/* of those taken */
	bool			 cb_lent;	/* for input */
};

struct viocon_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct virtqueue	*sc_rxq, *sc_txq;

	struct mutex		 sc_rxmtx;
	struct dmamem		 sc_rxmem;
	struct viocon_buf	 sc_rxbuf[VIOCON_NRX];
	struct viocon_buf	*sc_rxheld;	/* the tty has no room for it */
	struct timeout		 sc_rxmore;

	struct mutex		 sc_txmtx;
	struct dmamem		 sc_txmem;
	struct viocon_buf	 sc_txbuf[VIOCON_NTX];
	struct viocon_buf	*sc_txfree;
	struct viocon_buf	*sc_line;	/* the kernel's, not complete */
	u_int			 sc_txbusy;	/* with the device */
	bool			 sc_stalled;	/* nobody reads at the far end */
	bool			 sc_down;	/* stopped */

	struct tty		 sc_tty;
	bool			 sc_hastty;
	struct consdev		 sc_cons;
	bool			 sc_hascons;
};

int	viocon_attach(struct device *, struct device *, void *);
int	viocon_detach(struct device *, int);

VIRTIO_ATTACH_DECL(viocon, viocon_softc, VIRTIO_ID_CONSOLE, "console");

static void	viocon_rxintr(void *);
static void	viocon_txintr(void *);
static void	viocon_rxmore(void *);
static void	viocon_config(void *);
static void	viocon_event(void *, enum virtio_event);
static void	viocon_start(struct tty *);
static void	viocon_unthrottle(struct tty *);
static void	viocon_cnwrite(struct consdev *, const char *, size_t);
static void	viocon_teardown(struct viocon_softc *);

static const struct virtio_feature viocon_features[] = {
	{ VIRTIO_CONSOLE_F_SIZE, 0, 0, "SIZE" },
	{ VIRTIO_CONSOLE_F_MULTIPORT, 0, VFF_UNUSED, "MULTIPORT" },
	{ VIRTIO_CONSOLE_F_EMERG_WRITE, 0, 0, "EMERG_WRITE" },
};

static const struct virtio_field viocon_size[] = {
	VIRTIO_FIELD(virtio_console_config, cols, VIRTIO_CONSOLE_F_SIZE),
	VIRTIO_FIELD(virtio_console_config, rows, VIRTIO_CONSOLE_F_SIZE),
};
static const struct virtio_field viocon_emerg[] = {
	VIRTIO_FIELD(virtio_console_config, emerg_wr,
	    VIRTIO_CONSOLE_F_EMERG_WRITE),
};

static const struct tty_ops viocon_ttyops = {
	.to_start = viocon_start,
	.to_unthrottle = viocon_unthrottle,
};

/* --- input -------------------------------------------------------------- */

static char *
viocon_rxdata(struct viocon_softc *sc, const struct viocon_buf *cb)
{
	return ((char *)sc->sc_rxmem.dmm_kva + cb->cb_off);
}

/* Lend a buffer; the caller notifies. */
static int
viocon_rxlend(struct viocon_softc *sc, struct viocon_buf *cb)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	if ((error = vq_sg_in_mem(&sg, &sc->sc_rxmem, cb->cb_off,
	    VIOCON_RXSIZE)) == 0 &&
	    (error = vq_enqueue(sc->sc_rxq, cb, &sg)) == 0)
		cb->cb_lent = true;
	return (error);
}

/* All that neither the device nor the tty has; a small queue takes fewer. */
static void
viocon_rxfill(struct viocon_softc *sc)
{
	u_int i;

	MUTEX_ASSERT_LOCKED(&sc->sc_rxmtx);
	for (i = 0; i < VIOCON_NRX; i++) {
		if (!sc->sc_rxbuf[i].cb_lent &&
		    &sc->sc_rxbuf[i] != sc->sc_rxheld &&
		    viocon_rxlend(sc, &sc->sc_rxbuf[i]) != 0)
			break;
	}
	vq_notify(sc->sc_rxq);
}

/* Give the tty what is in a buffer; false: it does not take all of it. */
static bool
viocon_rxgive(struct viocon_softc *sc, struct viocon_buf *cb)
{
	cb->cb_pos += tty_input(&sc->sc_tty, viocon_rxdata(sc, cb) +
	    cb->cb_pos, cb->cb_len - cb->cb_pos);
	return (cb->cb_pos == cb->cb_len);
}

/*
 * Pass on what has come, in order.  If the tty is full the buffer in hand is
 * kept, the others stay in the ring, and the host has to wait.
 */
static void
viocon_rx(struct viocon_softc *sc)
{
	struct viocon_buf *cb;
	uint32_t len;

	MUTEX_ASSERT_LOCKED(&sc->sc_rxmtx);
	if ((cb = sc->sc_rxheld) != NULL) {
		if (!viocon_rxgive(sc, cb))
			return;
		sc->sc_rxheld = NULL;
		(void)viocon_rxlend(sc, cb);
	}
	do {
		while ((cb = vq_dequeue(sc->sc_rxq, &len)) != NULL) {
			cb->cb_lent = false;
			cb->cb_len = len;
			cb->cb_pos = 0;
			if (!viocon_rxgive(sc, cb)) {
				sc->sc_rxheld = cb;
				vq_intr_disable(sc->sc_rxq);
				vq_notify(sc->sc_rxq);
				return;
			}
			/* if not now, then in viocon_resume() */
			(void)viocon_rxlend(sc, cb);
		}
	} while (vq_intr_enable(sc->sc_rxq, 0));
	vq_notify(sc->sc_rxq);
}

static void
viocon_rxintr(void *arg)
{
	struct viocon_softc *sc = arg;

	mtx_enter(&sc->sc_rxmtx);
	if (sc->sc_rxheld == NULL)
		viocon_rx(sc);
	mtx_leave(&sc->sc_rxmtx);
}

/* The tty has room again; it may hold its mutex, so not from here. */
static void
viocon_unthrottle(struct tty *tp)
{
	struct viocon_softc *sc = tp->t_arg;

	timeout_add_nsec(&sc->sc_rxmore, 0);
}

static void
viocon_rxmore(void *arg)
{
	struct viocon_softc *sc = arg;

	mtx_enter(&sc->sc_rxmtx);
	viocon_rx(sc);
	mtx_leave(&sc->sc_rxmtx);
}

/* --- output ------------------------------------------------------------- */

static char *
viocon_txdata(struct viocon_softc *sc, const struct viocon_buf *cb)
{
	return ((char *)sc->sc_txmem.dmm_kva + cb->cb_off);
}

static void
viocon_txfree(struct viocon_softc *sc, struct viocon_buf *cb)
{
	cb->cb_next = sc->sc_txfree;
	sc->sc_txfree = cb;
}

/* Take back what the device is done with. */
static void
viocon_txreap(struct viocon_softc *sc)
{
	struct viocon_buf *cb;
	uint32_t len;		/* nothing: it only reads */

	MUTEX_ASSERT_LOCKED(&sc->sc_txmtx);
	while ((cb = vq_dequeue(sc->sc_txq, &len)) != NULL) {
		viocon_txfree(sc, cb);
		sc->sc_txbusy--;
		sc->sc_stalled = false;
	}
}

static struct viocon_buf *
viocon_txget(struct viocon_softc *sc)
{
	struct viocon_buf *cb;

	if (sc->sc_txfree == NULL)
		viocon_txreap(sc);
	if ((cb = sc->sc_txfree) != NULL) {
		sc->sc_txfree = cb->cb_next;
		cb->cb_len = 0;
	}
	return (cb);
}

/* Lend a buffer to the device; the caller notifies. */
static void
viocon_txsend(struct viocon_softc *sc, struct viocon_buf *cb)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));

	if (vq_sg_out_mem(&sg, &sc->sc_txmem, cb->cb_off, cb->cb_len) == 0 &&
	    vq_enqueue(sc->sc_txq, cb, &sg) == 0)
		sc->sc_txbusy++;
	else
		viocon_txfree(sc, cb);	/* stopped: it is lost */
}

/* The kernel's line goes first, complete or not. */
static void
viocon_txline(struct viocon_softc *sc)
{
	struct viocon_buf *cb = sc->sc_line;

	sc->sc_line = NULL;
	if (cb != NULL)
		viocon_txsend(sc, cb);
}

/* With the tty's mutex. */
static void
viocon_start(struct tty *tp)
{
	struct viocon_softc *sc = tp->t_arg;
	struct viocon_buf *cb;

	mtx_enter(&sc->sc_txmtx);
	if (!vq_ready(sc->sc_txq) && !sc->sc_down) {
		mtx_leave(&sc->sc_txmtx);	/* it waits in the tty */
		return;
	}
	viocon_txline(sc);
	while ((cb = viocon_txget(sc)) != NULL) {
		cb->cb_len = tty_output(tp, viocon_txdata(sc, cb),
		    VIOCON_TXSIZE);
		if (cb->cb_len == 0) {
			viocon_txfree(sc, cb);
			break;
		}
		viocon_txsend(sc, cb);
	}
	vq_notify(sc->sc_txq);
	mtx_leave(&sc->sc_txmtx);
}

static void
viocon_txintr(void *arg)
{
	struct viocon_softc *sc = arg;

	mtx_enter(&sc->sc_txmtx);
	do {
		viocon_txreap(sc);
	} while (vq_intr_enable(sc->sc_txq, 0));
	mtx_leave(&sc->sc_txmtx);
	/* also if cnwrite has reaped before us */
	tty_more(&sc->sc_tty);
}

/* --- the kernel's console ----------------------------------------------- */

/* 5.3.5: works always, if it is offered. */
static void
viocon_emergency(struct viocon_softc *sc, const char *s, size_t n)
{
	struct virtio_console_config conf;

	for (; n > 0; n--, s++) {
		if (*s == '\n') {
			conf.emerg_wr = '\r';
			(void)virtio_config_write(sc->sc_vsc, viocon_emerg, 1,
			    &conf);
		}
		conf.emerg_wr = (u_char)*s;
		(void)virtio_config_write(sc->sc_vsc, viocon_emerg, 1, &conf);
	}
}

/*
 * Wait until no more than so many buffers are with the device.  Once that
 * took too long there is no waiting until it has moved again.
 */
static bool
viocon_cnwait(struct viocon_softc *sc, u_int busy)
{
	u_int usec;

	for (usec = 0;; usec += VIOCON_POLL) {
		viocon_txreap(sc);
		if (sc->sc_txbusy <= busy)
			return (true);
		if (sc->sc_stalled || usec >= VIOCON_PATIENCE)
			break;
		delay(VIOCON_POLL);
	}
	sc->sc_stalled = true;
	return (false);
}

static bool
viocon_cnput(struct viocon_softc *sc, char c)
{
	struct viocon_buf *cb;

	if (sc->sc_line != NULL && sc->sc_line->cb_len == VIOCON_TXSIZE) {
		viocon_txline(sc);
		vq_notify(sc->sc_txq);
	}
	if (sc->sc_line == NULL && (sc->sc_line = viocon_txget(sc)) == NULL) {
		(void)viocon_cnwait(sc, VIOCON_NTX - 1);
		sc->sc_line = viocon_txget(sc);
	}
	if ((cb = sc->sc_line) == NULL)
		return (false);
	viocon_txdata(sc, cb)[cb->cb_len++] = c;
	return (true);
}

/*
 * Lines are sent when they are complete, and waited for, so that they are
 * out when the machine stops next.
 */
static void
viocon_cnwrite(struct consdev *cn, const char *s, size_t n)
{
	struct viocon_softc *sc = cn->cn_arg;
	bool complete;

	if (n == 0)
		return;
	if (!vq_ready(sc->sc_txq) || mtx_owned(&sc->sc_txmtx)) {
		viocon_emergency(sc, s, n);
		return;
	}
	mtx_enter(&sc->sc_txmtx);
	complete = s[n - 1] == '\n';
	for (; n > 0; n--, s++) {
		if ((*s == '\n' && !viocon_cnput(sc, '\r')) ||
		    !viocon_cnput(sc, *s))
			break;		/* nobody reads: the rest is lost */
	}
	if (complete) {
		viocon_txline(sc);
		vq_notify(sc->sc_txq);
		(void)viocon_cnwait(sc, 0);
	}
	mtx_leave(&sc->sc_txmtx);
}

/* --- attachment --------------------------------------------------------- */

/* How large the far end's window is, if it says so. */
static bool
viocon_winsize(struct viocon_softc *sc, struct virtio_console_config *conf)
{
	memset(conf, 0, sizeof(*conf));
	return (virtio_has(sc->sc_vsc, VIRTIO_CONSOLE_F_SIZE) &&
	    virtio_config_read(sc->sc_vsc, viocon_size, nitems(viocon_size),
	    conf) == 0 && conf->cols != 0 && conf->rows != 0);
}

static void
viocon_config(void *arg)
{
	struct viocon_softc *sc = arg;
	struct virtio_console_config conf;

	if (sc->sc_hastty && viocon_winsize(sc, &conf))
		tty_winsize(&sc->sc_tty, conf.cols, conf.rows);
}

static int
viocon_queues(struct viocon_softc *sc)
{
	const struct virtqueue_conf conf[] = {
		{ .vqc_name = "receive", .vqc_index = VIRTIO_CONSOLE_RECEIVEQ,
		    .vqc_size = VIOCON_NRX, .vqc_nsegs = 1,
		    .vqc_mtx = &sc->sc_rxmtx, .vqc_intr = viocon_rxintr,
		    .vqc_arg = sc },
		{ .vqc_name = "transmit",
		    .vqc_index = VIRTIO_CONSOLE_TRANSMITQ,
		    .vqc_size = VIOCON_NTX, .vqc_nsegs = 1,
		    .vqc_mtx = &sc->sc_txmtx, .vqc_intr = viocon_txintr,
		    .vqc_arg = sc },
	};
	struct virtqueue *vq[nitems(conf)];
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	u_int i;
	int error;

	if ((error = dmamem_alloc(&sc->sc_rxmem, dmat,
	    VIOCON_NRX * VIOCON_RXSIZE, 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_txmem, dmat,
	    VIOCON_NTX * VIOCON_TXSIZE, 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = virtio_queues(sc->sc_vsc, IPL_TTY, conf, nitems(conf),
	    vq)) != 0)
		return (error);
	sc->sc_rxq = vq[0];
	sc->sc_txq = vq[1];
	for (i = 0; i < VIOCON_NTX; i++) {
		sc->sc_txbuf[i].cb_off = i * VIOCON_TXSIZE;
		viocon_txfree(sc, &sc->sc_txbuf[i]);
	}
	for (i = 0; i < VIOCON_NRX; i++)
		sc->sc_rxbuf[i].cb_off = i * VIOCON_RXSIZE;
	mtx_enter(&sc->sc_rxmtx);
	viocon_rxfill(sc);
	mtx_leave(&sc->sc_rxmtx);
	return (0);
}

int
viocon_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct viocon_softc *sc = (struct viocon_softc *)self;
	struct virtio_attach_args *va = aux;
	struct virtio_console_config conf;
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_rxmtx, IPL_TTY);
	mtx_init(&sc->sc_txmtx, IPL_TTY);
	timeout_set(&sc->sc_rxmore, viocon_rxmore, sc);
	if ((error = virtio_negotiate(sc->sc_vsc, self, viocon_features,
	    nitems(viocon_features), 0)) != 0 ||
	    (error = viocon_queues(sc)) != 0)
		goto fail;
	/* before there are interrupts, since they call it */
	if ((error = tty_attach(&sc->sc_tty, &viocon_ttyops, sc,
	    self->dv_xname)) != 0)
		goto fail;
	sc->sc_hastty = true;
	virtio_on_config(sc->sc_vsc, viocon_config, sc);
	virtio_on_failure(sc->sc_vsc, viocon_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		goto fail;
	if (viocon_winsize(sc, &conf)) {
		device_describe(self, "one port, %ux%u", conf.cols, conf.rows);
		tty_winsize(&sc->sc_tty, conf.cols, conf.rows);
	} else
		device_describe(self, "one port");

	sc->sc_cons = (struct consdev){ .cn_name = self->dv_xname,
	    .cn_write = viocon_cnwrite, .cn_tty = &sc->sc_tty, .cn_arg = sc };
	sc->sc_hascons = true;
	cn_attach(&sc->sc_cons);
	return (0);
fail:
	viocon_teardown(sc);
	return (error);
}

int
viocon_detach(struct device *self, int flags __unused)
{
	viocon_teardown((struct viocon_softc *)self);
	return (0);
}

/* The device has been stopped: take back what it has; output is lost. */
static void
viocon_drain(struct viocon_softc *sc)
{
	struct viocon_buf *cb;

	mtx_enter(&sc->sc_rxmtx);
	while (sc->sc_rxq != NULL && (cb = vq_drain(sc->sc_rxq)) != NULL)
		cb->cb_lent = false;
	mtx_leave(&sc->sc_rxmtx);
	mtx_enter(&sc->sc_txmtx);
	while (sc->sc_txq != NULL && (cb = vq_drain(sc->sc_txq)) != NULL) {
		viocon_txfree(sc, cb);
		sc->sc_txbusy--;
	}
	mtx_leave(&sc->sc_txmtx);
}

static void
viocon_resume(struct viocon_softc *sc)
{
	mtx_enter(&sc->sc_rxmtx);
	viocon_rxfill(sc);
	mtx_leave(&sc->sc_rxmtx);
	tty_more(&sc->sc_tty);
}

/* It has been stopped for ever. */
static void
viocon_void(struct viocon_softc *sc)
{
	viocon_drain(sc);
	mtx_enter(&sc->sc_rxmtx);
	sc->sc_rxheld = NULL;
	mtx_leave(&sc->sc_rxmtx);
	mtx_enter(&sc->sc_txmtx);
	sc->sc_down = true;
	if (sc->sc_line != NULL)
		viocon_txfree(sc, sc->sc_line);
	sc->sc_line = NULL;
	mtx_leave(&sc->sc_txmtx);
	/* what programs wrote goes nowhere from now on */
	if (sc->sc_hastty) {
		tty_more(&sc->sc_tty);
		tty_hangup(&sc->sc_tty);
	}
}

static void
viocon_event(void *arg, enum virtio_event ev)
{
	switch (ev) {
	case VIRTIO_STOPPED:
		viocon_drain(arg);
		break;
	case VIRTIO_RESUMED:
		viocon_resume(arg);
		break;
	case VIRTIO_DEAD:
		viocon_void(arg);
		break;
	}
}

/* Undo attach, however far it came. */
static void
viocon_teardown(struct viocon_softc *sc)
{
	if (sc->sc_hascons)
		cn_detach(&sc->sc_cons);
	sc->sc_hascons = false;
	virtio_stop(sc->sc_vsc);		/* no interrupt after this */
	viocon_void(sc);
	timeout_del_barrier(&sc->sc_rxmore);
	if (sc->sc_hastty)
		tty_detach(&sc->sc_tty);
	sc->sc_hastty = false;
	timeout_del_barrier(&sc->sc_rxmore);
	virtio_end(sc->sc_vsc);
	dmamem_free(&sc->sc_rxmem);
	dmamem_free(&sc->sc_txmem);
}

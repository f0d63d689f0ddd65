/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viocon(4): virtio console.  VIRTIO 1.4, 5.3.
 *
 * Without MULTIPORT it has one port, a terminal.  With it there may be many,
 * each a terminal or a stream of bytes; see vioconvar.h for what is where.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/pv/vioconvar.h>

#define QUEUE_NAME	16

int	viocon_attach(struct device *, struct device *, void *);
int	viocon_detach(struct device *, int);

VIRTIO_ATTACH_DECL(viocon, viocon_softc, VIRTIO_ID_CONSOLE, "console");

static const struct virtio_feature viocon_features[] = {
	{ VIRTIO_CONSOLE_F_SIZE, 0, 0, "SIZE" },
	{ VIRTIO_CONSOLE_F_MULTIPORT, 0, 0, "MULTIPORT" },
	{ VIRTIO_CONSOLE_F_EMERG_WRITE, 0, 0, "EMERG_WRITE" },
};

static const struct virtio_field viocon_size[] = {
	VIRTIO_FIELD(virtio_console_config, cols, VIRTIO_CONSOLE_F_SIZE),
	VIRTIO_FIELD(virtio_console_config, rows, VIRTIO_CONSOLE_F_SIZE),
};
static const struct virtio_field viocon_nports[] = {
	VIRTIO_FIELD(virtio_console_config, max_nr_ports,
	    VIRTIO_CONSOLE_F_MULTIPORT),
};
static const struct virtio_field viocon_emerg[] = {
	VIRTIO_FIELD(virtio_console_config, emerg_wr,
	    VIRTIO_CONSOLE_F_EMERG_WRITE),
};

/* --- configuration ------------------------------------------------------ */

bool
viocon_winsize(struct viocon_softc *sc, u_int *cols, u_int *rows)
{
	struct virtio_console_config conf;

	memset(&conf, 0, sizeof(conf));
	if (!virtio_has(sc->sc_vsc, VIRTIO_CONSOLE_F_SIZE) ||
	    virtio_config_read(sc->sc_vsc, viocon_size, nitems(viocon_size),
	    &conf) != 0 || conf.cols == 0 || conf.rows == 0)
		return (false);
	*cols = conf.cols;
	*rows = conf.rows;
	return (true);
}

static void
viocon_config(void *arg)
{
	struct viocon_softc *sc = arg;

	if (sc->sc_multi)
		viocon_ctl_wake(sc, VIOCON_SIZE);
	else
		viocon_term_size(&sc->sc_port[0]);
}

/* 5.3.5: works always, if it is offered. */
void
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

/* A user may look here in vain for a console. */
static void
viocon_lament(struct viocon_softc *sc, int error)
{
	char line[64];
	int n;

	n = snprintf(line, sizeof(line), "%s: cannot attach, error %d\n",
	    sc->sc_dev.dv_xname, error);
	viocon_emergency(sc, line, n);
}

/* --- interrupts --------------------------------------------------------- */

static void
viocon_rxintr(void *arg)
{
	struct viocon_port *p = arg;

	mtx_enter(&p->p_rxmtx);
	if (p->p_term != NULL)
		viocon_term_rx(p);
	else if (p->p_user != NULL)
		viocon_dev_rxintr(p);
	else
		vq_intr_disable(p->p_rxq);
	mtx_leave(&p->p_rxmtx);
}

static void
viocon_txintr(void *arg)
{
	struct viocon_port *p = arg;
	bool term;

	mtx_enter(&p->p_txmtx);
	term = p->p_term != NULL;
	if (!term && p->p_user != NULL)
		viocon_dev_txintr(p);
	else if (!term)
		vq_intr_disable(p->p_txq);
	mtx_leave(&p->p_txmtx);
	if (term)
		viocon_term_tx(p);
}

/* --- queues ------------------------------------------------------------- */

static struct virtqueue_conf
viocon_rxconf(struct viocon_port *p)
{
	return ((struct virtqueue_conf){
	    .vqc_index = VIRTIO_CONSOLE_PORT_RECEIVEQ(p->p_id),
	    .vqc_size = VIOCON_NRX, .vqc_nsegs = 1, .vqc_mtx = &p->p_rxmtx,
	    .vqc_intr = viocon_rxintr, .vqc_arg = p });
}

static struct virtqueue_conf
viocon_txconf(struct viocon_port *p)
{
	return ((struct virtqueue_conf){
	    .vqc_index = VIRTIO_CONSOLE_PORT_TRANSMITQ(p->p_id),
	    .vqc_size = VIOCON_NTX, .vqc_nsegs = 1, .vqc_mtx = &p->p_txmtx,
	    .vqc_intr = viocon_txintr, .vqc_arg = p });
}

/* Of the device, in the order of their numbers. */
struct viocon_queues {
	struct virtqueue_conf	*vqs_conf;
	struct virtqueue	**vqs_vq;
	char			(*vqs_name)[QUEUE_NAME];
	u_int			 vqs_n;
};

static void
viocon_queues_describe(struct viocon_softc *sc, struct viocon_queues *vqs)
{
	u_int i, q;

	for (i = 0; i < sc->sc_nports; i++) {
		q = VIRTIO_CONSOLE_PORT_RECEIVEQ(i);
		vqs->vqs_conf[q] = viocon_rxconf(&sc->sc_port[i]);
		vqs->vqs_conf[q + 1] = viocon_txconf(&sc->sc_port[i]);
		snprintf(vqs->vqs_name[q], QUEUE_NAME, sc->sc_multi ?
		    "receive%u" : "receive", i);
		snprintf(vqs->vqs_name[q + 1], QUEUE_NAME, sc->sc_multi ?
		    "transmit%u" : "transmit", i);
	}
	if (sc->sc_multi) {
		vqs->vqs_conf[VIRTIO_CONSOLE_CTL_RECEIVEQ] =
		    (struct virtqueue_conf){
		    .vqc_index = VIRTIO_CONSOLE_CTL_RECEIVEQ, .vqc_size = 64,
		    .vqc_nsegs = 1, .vqc_mtx = &sc->sc_ctrxmtx,
		    .vqc_intr = viocon_ctl_rxintr, .vqc_arg = sc };
		vqs->vqs_conf[VIRTIO_CONSOLE_CTL_TRANSMITQ] =
		    (struct virtqueue_conf){
		    .vqc_index = VIRTIO_CONSOLE_CTL_TRANSMITQ, .vqc_size = 32,
		    .vqc_nsegs = 1, .vqc_mtx = &sc->sc_cttxmtx,
		    .vqc_intr = viocon_ctl_txintr, .vqc_arg = sc };
		strlcpy(vqs->vqs_name[VIRTIO_CONSOLE_CTL_RECEIVEQ],
		    "ctl-receive", QUEUE_NAME);
		strlcpy(vqs->vqs_name[VIRTIO_CONSOLE_CTL_TRANSMITQ],
		    "ctl-transmit", QUEUE_NAME);
	}
	for (i = 0; i < vqs->vqs_n; i++)
		vqs->vqs_conf[i].vqc_name = vqs->vqs_name[i];
}

static void
viocon_queues_keep(struct viocon_softc *sc, const struct viocon_queues *vqs)
{
	u_int i, q;

	for (i = 0; i < sc->sc_nports; i++) {
		q = VIRTIO_CONSOLE_PORT_RECEIVEQ(i);
		sc->sc_port[i].p_rxq = vqs->vqs_vq[q];
		sc->sc_port[i].p_txq = vqs->vqs_vq[q + 1];
	}
	if (sc->sc_multi) {
		sc->sc_ctrxq = vqs->vqs_vq[VIRTIO_CONSOLE_CTL_RECEIVEQ];
		sc->sc_cttxq = vqs->vqs_vq[VIRTIO_CONSOLE_CTL_TRANSMITQ];
	}
}

/* 3.1.1: all of them before DRIVER_OK, whether there is a port or not. */
static int
viocon_queues(struct viocon_softc *sc)
{
	struct viocon_queues vqs = { .vqs_n = 2 * sc->sc_nports +
	    (sc->sc_multi ? 2 : 0) };
	size_t n = vqs.vqs_n;
	int error = ENOMEM;

	vqs.vqs_conf = kmem_zalloc(n * sizeof(*vqs.vqs_conf), KM_NOSLEEP);
	vqs.vqs_vq = kmem_zalloc(n * sizeof(*vqs.vqs_vq), KM_NOSLEEP);
	vqs.vqs_name = kmem_zalloc(n * sizeof(*vqs.vqs_name), KM_NOSLEEP);
	if (vqs.vqs_conf != NULL && vqs.vqs_vq != NULL &&
	    vqs.vqs_name != NULL) {
		viocon_queues_describe(sc, &vqs);
		error = virtio_queues(sc->sc_vsc, IPL_TTY, vqs.vqs_conf, n,
		    vqs.vqs_vq);
	}
	if (error == 0)
		viocon_queues_keep(sc, &vqs);
	kmem_free(vqs.vqs_name, n * sizeof(*vqs.vqs_name));
	kmem_free(vqs.vqs_vq, n * sizeof(*vqs.vqs_vq));
	kmem_free(vqs.vqs_conf, n * sizeof(*vqs.vqs_conf));
	return (error);
}

/* --- failure and recovery ----------------------------------------------- */

/* What the device had; all of it, or only one queue's? */
static void
viocon_stopped(struct viocon_softc *sc)
{
	u_int i;

	sc->sc_reset = sc->sc_multi && !vq_ready(sc->sc_ctrxq) &&
	    !vq_ready(sc->sc_cttxq) && !vq_ready(sc->sc_port[0].p_rxq);
	if (sc->sc_multi)
		viocon_ctl_drain(sc);
	for (i = 0; i < sc->sc_nports; i++)
		viocon_buf_drain(&sc->sc_port[i]);
}

static void
viocon_resumed(struct viocon_softc *sc)
{
	u_int i;

	if (sc->sc_multi)
		viocon_ctl_fill(sc);
	for (i = 0; i < sc->sc_nports; i++)
		viocon_port_resume(&sc->sc_port[i]);
	if (sc->sc_multi)
		viocon_ctl_wake(sc, sc->sc_reset ? VIOCON_BEGIN :
		    VIOCON_SETTLE | VIOCON_MESSAGES);
	sc->sc_reset = false;
}

static void
viocon_dead(struct viocon_softc *sc)
{
	u_int i;

	viocon_stopped(sc);
	for (i = 0; i < sc->sc_nports; i++)
		viocon_port_down(&sc->sc_port[i]);
	/* terminals come and go by the thread alone, while there is one */
	if (sc->sc_thread != NULL)
		viocon_ctl_wake(sc, VIOCON_DOWN);
	else for (i = 0; i < sc->sc_nports; i++)
		viocon_term_down(&sc->sc_port[i]);
}

static void
viocon_event(void *arg, enum virtio_event ev)
{
	switch (ev) {
	case VIRTIO_STOPPED:
		viocon_stopped(arg);
		break;
	case VIRTIO_RESUMED:
		viocon_resumed(arg);
		break;
	case VIRTIO_DEAD:
		viocon_dead(arg);
		break;
	}
}

/* --- attachment --------------------------------------------------------- */

/*
 * How many ports there may be: as many as the device says, within reason,
 * and has queues for.  claimed: what it says.
 */
static u_int
viocon_count(struct viocon_softc *sc, uint32_t *claimed)
{
	struct virtio_console_config conf;
	u_int n, i;

	memset(&conf, 0, sizeof(conf));
	if (virtio_config_read(sc->sc_vsc, viocon_nports,
	    nitems(viocon_nports), &conf) != 0)
		return (0);
	*claimed = conf.max_nr_ports;
	n = MIN(conf.max_nr_ports, VIOCON_MAXPORTS);
	for (i = 1; i < n; i++) {
		if (!virtio_queue_there(sc->sc_vsc,
		    VIRTIO_CONSOLE_PORT_RECEIVEQ(i)) ||
		    !virtio_queue_there(sc->sc_vsc,
		    VIRTIO_CONSOLE_PORT_TRANSMITQ(i)))
			break;
	}
	return (MIN(n, i));
}

static int
viocon_negotiate(struct viocon_softc *sc, uint32_t *claimed)
{
	struct device *self = &sc->sc_dev;
	virtio_bits_t refuse = 0;
	u_int i;
	int error;

	for (;;) {
		if ((error = virtio_negotiate(sc->sc_vsc, self,
		    viocon_features, nitems(viocon_features), refuse)) != 0)
			return (error);
		sc->sc_multi = virtio_has(sc->sc_vsc,
		    VIRTIO_CONSOLE_F_MULTIPORT);
		sc->sc_nports = sc->sc_multi ? viocon_count(sc, claimed) : 1;
		if (sc->sc_nports != 0)
			break;
		refuse = VIRTIO_CONSOLE_F_MULTIPORT;	/* it has none */
	}
	sc->sc_port = kmem_zalloc(sc->sc_nports * sizeof(*sc->sc_port),
	    KM_NOSLEEP);
	if (sc->sc_port == NULL)
		return (ENOMEM);
	for (i = 0; i < sc->sc_nports; i++)
		viocon_port_init(&sc->sc_port[i], sc, i);
	return (0);
}

static void
viocon_describe(struct viocon_softc *sc, uint32_t claimed)
{
	struct viocon_port *p = &sc->sc_port[0];
	const char *s = sc->sc_nports == 1 ? "" : "s";

	if (!sc->sc_multi && p->p_cols != 0)
		device_describe(&sc->sc_dev, "one port, %ux%u", p->p_cols,
		    p->p_rows);
	else if (!sc->sc_multi)
		device_describe(&sc->sc_dev, "one port");
	else if (claimed == sc->sc_nports)
		device_describe(&sc->sc_dev, "%u port%s", sc->sc_nports, s);
	else
		device_describe(&sc->sc_dev, "%u port%s of %u",
		    sc->sc_nports, s, claimed);
}

static void
viocon_teardown(struct viocon_softc *sc)
{
	u_int i;

	viocon_ctl_end(sc);
	viocon_cons_detach(sc);
	virtio_stop(sc->sc_vsc);		/* no interrupt after this */
	if (sc->sc_port != NULL && sc->sc_port[0].p_rxq != NULL)
		viocon_dead(sc);
	for (i = 0; i < sc->sc_nports && sc->sc_port != NULL; i++)
		viocon_port_remove(&sc->sc_port[i]);
	virtio_end(sc->sc_vsc);
	viocon_ctl_free(sc);
	for (i = 0; i < sc->sc_nports && sc->sc_port != NULL; i++)
		viocon_buf_free(&sc->sc_port[i]);
	kmem_free(sc->sc_port, sc->sc_nports * sizeof(*sc->sc_port));
	sc->sc_port = NULL;
}

int
viocon_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct viocon_softc *sc = (struct viocon_softc *)self;
	struct virtio_attach_args *va = aux;
	uint32_t claimed = 0;
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_cttxmtx, IPL_TTY);
	mtx_init(&sc->sc_ctrxmtx, IPL_TTY);
	mtx_init(&sc->sc_mtx, IPL_TTY);
	if (virtio_offered(sc->sc_vsc, VIRTIO_CONSOLE_F_EMERG_WRITE))
		viocon_cons_attach(sc);
	if ((error = viocon_negotiate(sc, &claimed)) != 0 ||
	    (error = viocon_queues(sc)) != 0)
		goto fail;
	/* before there are interrupts, since they call it */
	error = sc->sc_multi ? viocon_ctl_init(sc) :
	    viocon_term_attach(&sc->sc_port[0]);
	if (error != 0)
		goto fail;
	virtio_on_config(sc->sc_vsc, viocon_config, sc);
	virtio_on_failure(sc->sc_vsc, viocon_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		goto fail;
	viocon_describe(sc, claimed);
	if (sc->sc_multi) {
		viocon_ctl_wake(sc, VIOCON_BEGIN);
		viocon_ctl_wait(sc);
	} else
		viocon_term_console(&sc->sc_port[0]);
	return (0);
fail:
	viocon_lament(sc, error);
	viocon_teardown(sc);
	return (error);
}

int
viocon_detach(struct device *self, int flags __unused)
{
	viocon_teardown((struct viocon_softc *)self);
	return (0);
}

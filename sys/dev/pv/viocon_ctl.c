/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viocon(4): control messages.  VIRTIO 1.4, 5.3.6.2.
 *
 * Those of the device are served by a thread.  It takes all there are, and
 * lends each buffer again before it looks at the next, since there are
 * devices that drop what finds no buffer.  For the same reason a port is
 * acknowledged only when there is nothing else to do, and the next one when
 * the device has taken that: it answers with several messages for each.
 *
 * A device may send many in a row, so many that each port can come and be
 * told of; from then on a hundred in a second, however fast it sends them.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/systm.h>

#include <dev/pv/vioconvar.h>

#define MESSAGE_SIZE	256		/* with name or size */
#define MESSAGE_DATA	(MESSAGE_SIZE - sizeof(struct virtio_console_control))
#define NRX		64		/* not more than bits in sc_ctrxlent */
#define NTX		32
#define ANSWER_NSEC	SEC_TO_NSEC(1)
#define FIRST_NSEC	MSEC_TO_NSEC(100)
#define WAIT_NSEC	SEC_TO_NSEC(3)
#define CREDIT_NSEC	MSEC_TO_NSEC(10)
#define CREDIT_BASE	64
#define CREDIT_PORT	8		/* messages */
#define COMPLAINTS_MAX	16

_Static_assert(MESSAGE_DATA > VIOCON_NAMEMAX + 1, "a name fits");

/* --- lines -------------------------------------------------------------- */

static u_int
credit_max(const struct viocon_softc *sc)
{
	return (CREDIT_BASE + CREDIT_PORT * sc->sc_nports);
}

void
viocon_say(struct viocon_softc *sc, const char *fmt, ...)
{
	char line[VIOCON_NAMEMAX + 80];
	va_list ap;

	if (sc->sc_credit < credit_max(sc) / 4) {
		sc->sc_nuntold++;
		return;
	}
	if (sc->sc_nuntold != 0)
		device_printf(&sc->sc_dev, "%u lines about ports left out\n",
		    sc->sc_nuntold);
	sc->sc_nuntold = 0;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	printf("%s: %s\n", sc->sc_dev.dv_xname, line);
}

void
viocon_complain(struct viocon_softc *sc, const char *fmt, ...)
{
	char line[80];
	va_list ap;

	if (sc->sc_ncomplaints >= COMPLAINTS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	device_printf(&sc->sc_dev, "control: %s%s\n", line,
	    ++sc->sc_ncomplaints == COMPLAINTS_MAX ?
	    "; no more is said of this" : "");
}

/* --- what the thread is to do ------------------------------------------- */

void
viocon_ctl_wake(struct viocon_softc *sc, u_int work)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_work |= work;
	wakeup(&sc->sc_work);
	mtx_leave(&sc->sc_mtx);
}

static bool
ctl_exits(struct viocon_softc *sc)
{
	bool exits;

	mtx_enter(&sc->sc_mtx);
	exits = sc->sc_exit;
	mtx_leave(&sc->sc_mtx);
	return (exits);
}

/* --- to the device ------------------------------------------------------ */

static void
tx_reap(struct viocon_softc *sc)
{
	uint64_t *lent;
	uint32_t len;

	MUTEX_ASSERT_LOCKED(&sc->sc_cttxmtx);
	while ((lent = vq_dequeue(sc->sc_cttxq, &len)) != NULL) {
		sc->sc_cttxlent &= ~(1ULL << (lent - (uint64_t *)
		    sc->sc_cttxmem.dmm_kva));
		sc->sc_mute = false;
	}
}

/*
 * Wait until one more message is back, a second at most; after that nobody
 * waits until one is.
 */
static int
tx_wait(struct viocon_softc *sc, uint64_t limit)
{
	uint64_t now = nsecuptime();

	MUTEX_ASSERT_LOCKED(&sc->sc_cttxmtx);
	if (now < limit && !sc->sc_mute && !ctl_exits(sc)) {
		(void)msleep_nsec(&sc->sc_cttxlent, &sc->sc_cttxmtx, PRI_KERN,
		    "vioctl", limit - now);
		return (0);
	}
	sc->sc_mute = true;
	return (ETIMEDOUT);
}

static u_int
tx_slot(const struct viocon_softc *sc)
{
	u_int i;

	for (i = 0; i < sc->sc_ncttx && (sc->sc_cttxlent & 1ULL << i); i++)
		;
	return (i);
}

static int
tx_lend(struct viocon_softc *sc, u_int i)
{
	uint64_t *slot = (uint64_t *)sc->sc_cttxmem.dmm_kva + i;
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	if ((error = vq_sg_out_mem(&sg, &sc->sc_cttxmem, i * sizeof(*slot),
	    sizeof(*slot))) == 0 &&
	    (error = vq_enqueue(sc->sc_cttxq, slot, &sg)) == 0)
		sc->sc_cttxlent |= 1ULL << i;
	vq_notify(sc->sc_cttxq);
	return (error);
}

static void
tx_fill(struct viocon_softc *sc, u_int i, uint32_t id, u_int event,
    u_int value)
{
	struct virtio_console_control *vcc = sc->sc_cttxmem.dmm_kva;

	le32_store(&vcc[i].id, id);
	le16_store(&vcc[i].event, event);
	le16_store(&vcc[i].value, value);
}

int
viocon_ctl_send(struct viocon_softc *sc, uint32_t id, u_int event,
    u_int value)
{
	uint64_t limit = nsecuptime() + ANSWER_NSEC;
	bool mute;
	u_int i;
	int error = 0;

	mtx_enter(&sc->sc_cttxmtx);
	mute = sc->sc_mute;
	for (;;) {
		tx_reap(sc);
		if (!vq_ready(sc->sc_cttxq))
			error = ENXIO;
		else if ((i = tx_slot(sc)) < sc->sc_ncttx) {
			tx_fill(sc, i, id, event, value);
			error = tx_lend(sc, i);
			break;
		} else
			error = tx_wait(sc, limit);
		if (error != 0)
			break;
	}
	mute = sc->sc_mute && !mute;
	mtx_leave(&sc->sc_cttxmtx);
	if (mute && !ctl_exits(sc))
		device_printf(&sc->sc_dev, "control: no answer\n");
	return (error == ENOSPC ? ENXIO : error);
}

/* Until the device has taken all that was sent, for a while. */
static void
tx_idle(struct viocon_softc *sc)
{
	uint64_t limit = nsecuptime() + ANSWER_NSEC;
	bool mute;

	mtx_enter(&sc->sc_cttxmtx);
	mute = sc->sc_mute;
	for (;;) {
		tx_reap(sc);
		if (sc->sc_cttxlent == 0 || !vq_ready(sc->sc_cttxq) ||
		    tx_wait(sc, limit) != 0)
			break;
	}
	mute = sc->sc_mute && !mute;
	mtx_leave(&sc->sc_cttxmtx);
	if (mute && !ctl_exits(sc))
		device_printf(&sc->sc_dev, "control: no answer\n");
}

void
viocon_ctl_txintr(void *arg)
{
	struct viocon_softc *sc = arg;

	mtx_enter(&sc->sc_cttxmtx);
	do {
		tx_reap(sc);
	} while (vq_intr_enable(sc->sc_cttxq, 0));
	wakeup(&sc->sc_cttxlent);
	mtx_leave(&sc->sc_cttxmtx);
}

/* --- from the device ---------------------------------------------------- */

/* A buffer is known by where it is. */
static int
rx_lend(struct viocon_softc *sc, char *buf)
{
	bus_size_t off = buf - (char *)sc->sc_ctrxmem.dmm_kva;
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	if ((error = vq_sg_in_mem(&sg, &sc->sc_ctrxmem, off,
	    MESSAGE_SIZE)) == 0 &&
	    (error = vq_enqueue(sc->sc_ctrxq, buf, &sg)) == 0)
		sc->sc_ctrxlent |= 1ULL << off / MESSAGE_SIZE;
	return (error);
}

static char *
rx_dequeue(struct viocon_softc *sc, uint32_t *len)
{
	char *buf;

	if ((buf = vq_dequeue(sc->sc_ctrxq, len)) != NULL)
		sc->sc_ctrxlent &= ~(1ULL << (buf -
		    (char *)sc->sc_ctrxmem.dmm_kva) / MESSAGE_SIZE);
	return (buf);
}

void
viocon_ctl_fill(struct viocon_softc *sc)
{
	u_int i;

	mtx_enter(&sc->sc_ctrxmtx);
	for (i = 0; i < sc->sc_nctrx; i++) {
		if (!(sc->sc_ctrxlent & 1ULL << i) &&
		    rx_lend(sc, (char *)sc->sc_ctrxmem.dmm_kva +
		    i * MESSAGE_SIZE) != 0)
			break;
	}
	vq_notify(sc->sc_ctrxq);
	mtx_leave(&sc->sc_ctrxmtx);
}

/* All that is lent comes back; what had come is void. */
void
viocon_ctl_drain(struct viocon_softc *sc)
{
	uint64_t *slot;
	char *buf;

	mtx_enter(&sc->sc_ctrxmtx);
	while (sc->sc_ctrxq != NULL && (buf = vq_drain(sc->sc_ctrxq)) != NULL)
		sc->sc_ctrxlent &= ~(1ULL << (buf -
		    (char *)sc->sc_ctrxmem.dmm_kva) / MESSAGE_SIZE);
	mtx_leave(&sc->sc_ctrxmtx);
	mtx_enter(&sc->sc_cttxmtx);
	while (sc->sc_cttxq != NULL && (slot = vq_drain(sc->sc_cttxq)) != NULL)
		sc->sc_cttxlent &= ~(1ULL << (slot -
		    (uint64_t *)sc->sc_cttxmem.dmm_kva));
	sc->sc_mute = false;
	wakeup(&sc->sc_cttxlent);
	mtx_leave(&sc->sc_cttxmtx);
}

void
viocon_ctl_rxintr(void *arg)
{
	struct viocon_softc *sc = arg;
	bool work;

	mtx_enter(&sc->sc_ctrxmtx);
	if ((work = vq_intr_enable(sc->sc_ctrxq, 0)))
		vq_intr_disable(sc->sc_ctrxq);
	mtx_leave(&sc->sc_ctrxmtx);
	if (work)
		viocon_ctl_wake(sc, VIOCON_MESSAGES);
}

/* A message into a buffer of our own; its length, 0: there are no more. */
static size_t
rx_take(struct viocon_softc *sc, char *message, bool *cut)
{
	uint32_t len = 0;
	char *buf;

	mtx_enter(&sc->sc_ctrxmtx);
	do {
		if ((buf = rx_dequeue(sc, &len)) == NULL)
			continue;
		memcpy(message, buf, len);
		*cut = vq_was_cut(sc->sc_ctrxq);
		(void)rx_lend(sc, buf);
		vq_notify(sc->sc_ctrxq);
		mtx_leave(&sc->sc_ctrxmtx);
		/* nothing is a message, too: one that is too short */
		return (MAX(len, 1U));
	} while (vq_intr_enable(sc->sc_ctrxq, 0));
	mtx_leave(&sc->sc_ctrxmtx);
	return (0);
}

static void
rx_resize(struct viocon_softc *sc, struct viocon_port *p, const char *data,
    size_t len)
{
	struct virtio_console_resize vcr;

	if (len < sizeof(vcr)) {
		viocon_complain(sc, "no size for port %u", p->p_id);
		return;
	}
	memcpy(&vcr, data, sizeof(vcr));
	p->p_cols = le16_get(vcr.cols);
	p->p_rows = le16_get(vcr.rows);
	p->p_sized = true;
	viocon_term_size(p);
}

/* About a port that is there. */
static void
rx_about(struct viocon_softc *sc, struct viocon_port *p, u_int event,
    u_int value, const char *data, size_t len, bool cut)
{
	switch (event) {
	case VIRTIO_CONSOLE_DEVICE_REMOVE:
		viocon_port_remove(p);
		viocon_say(sc, "port %u: gone", p->p_id);
		break;
	case VIRTIO_CONSOLE_CONSOLE_PORT:
		p->p_console = p->p_unsettled = true;
		/* which is to be answered each time */
		mtx_enter(&p->p_rxmtx);
		p->p_told = false;
		mtx_leave(&p->p_rxmtx);
		break;
	case VIRTIO_CONSOLE_RESIZE:
		rx_resize(sc, p, data, len);
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		viocon_port_hostopen(p, value != 0);
		break;
	case VIRTIO_CONSOLE_PORT_NAME:
		viocon_port_setname(p, data, len, cut);
		break;
	default:
		viocon_complain(sc, "unknown event %u for port %u", event,
		    p->p_id);
		break;
	}
}

static void
rx_message(struct viocon_softc *sc, const char *message, size_t len, bool cut)
{
	struct virtio_console_control vcc;
	struct viocon_port *p;
	uint32_t id;
	u_int event;

	if (len < sizeof(vcc)) {
		viocon_complain(sc, "a message of %zu bytes", len);
		return;
	}
	memcpy(&vcc, message, sizeof(vcc));
	id = le32_get(vcc.id);
	event = le16_get(vcc.event);
	if (id >= sc->sc_nports) {
		viocon_complain(sc, "event %u for port %u of %u", event, id,
		    sc->sc_nports);
		return;
	}
	p = &sc->sc_port[id];
	if (event == VIRTIO_CONSOLE_DEVICE_ADD && p->p_here) {
		/* of one plugged just now we may hear twice */
		if (!p->p_fresh)
			viocon_complain(sc, "port %u is added twice", id);
	} else if (event == VIRTIO_CONSOLE_DEVICE_ADD)
		viocon_port_add(p);
	else if (p->p_here)
		rx_about(sc, p, event, le16_get(vcc.value),
		    message + sizeof(vcc), len - sizeof(vcc), cut);
	else if (event != VIRTIO_CONSOLE_PORT_OPEN)
		/* which some send also before they add a port */
		viocon_complain(sc, "event %u for port %u, which is not there",
		    event, id);
}

/* --- the thread --------------------------------------------------------- */

/* Before each message. */
static void
ctl_pace(struct viocon_softc *sc)
{
	uint64_t now, n;

	for (;;) {
		now = nsecuptime();
		n = (now - sc->sc_credited) / CREDIT_NSEC;
		sc->sc_credited += n * CREDIT_NSEC;
		sc->sc_credit = MIN(sc->sc_credit + n, credit_max(sc));
		if (sc->sc_credit != 0 || ctl_exits(sc))
			break;
		(void)msleep_nsec(&sc->sc_credit, NULL, PRI_KERN, "viopace",
		    CREDIT_NSEC);
	}
	if (sc->sc_credit != 0)
		sc->sc_credit--;
}

/* Has it been reset, or is there nothing more to do? */
static bool
ctl_interrupted(struct viocon_softc *sc)
{
	bool yes;

	mtx_enter(&sc->sc_mtx);
	yes = sc->sc_exit || (sc->sc_work & VIOCON_BEGIN);
	mtx_leave(&sc->sc_mtx);
	return (yes);
}

static void
ctl_messages(struct viocon_softc *sc)
{
	char message[MESSAGE_SIZE];
	bool cut = false;
	size_t len;

	while (!ctl_interrupted(sc) &&
	    (len = rx_take(sc, message, &cut)) != 0) {
		ctl_pace(sc);
		rx_message(sc, message, len, cut);
	}
}

/* From the beginning; what is open stays so, if its port comes back. */
static void
ctl_begin(struct viocon_softc *sc)
{
	struct viocon_port *p;
	u_int i;

	for (i = 0; i < sc->sc_nports; i++) {
		p = &sc->sc_port[i];
		p->p_here = p->p_fresh = false;
		mtx_enter(&p->p_rxmtx);
		p->p_ready = p->p_told = false;
		mtx_leave(&p->p_rxmtx);
	}
	(void)viocon_ctl_send(sc, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	tx_idle(sc);
}

/* Acknowledge the next port; false: there is none. */
static bool
ctl_acknowledge(struct viocon_softc *sc)
{
	struct viocon_port *p;
	u_int i;

	for (i = 0; i < sc->sc_nports && !sc->sc_port[i].p_fresh; i++)
		;
	if (i == sc->sc_nports)
		return (false);
	p = &sc->sc_port[i];
	p->p_fresh = false;
	if (viocon_ctl_send(sc, i, VIRTIO_CONSOLE_PORT_READY, 1) == 0) {
		mtx_enter(&p->p_rxmtx);
		p->p_ready = true;
		mtx_leave(&p->p_rxmtx);
		tx_idle(sc);
	}
	return (true);
}

/* After a reset: those that have not come back. */
static void
ctl_sweep(struct viocon_softc *sc)
{
	struct viocon_port *p;
	u_int i;

	for (i = 0; i < sc->sc_nports; i++) {
		p = &sc->sc_port[i];
		if (p->p_here || (p->p_node == NULL && p->p_term == NULL))
			continue;
		viocon_port_remove(p);
		viocon_say(sc, "port %u: gone", i);
	}
}

static void
ctl_run(struct viocon_softc *sc, u_int work)
{
	u_int i;

	for (i = 0; i < sc->sc_nports && (work & VIOCON_DOWN); i++)
		viocon_term_down(&sc->sc_port[i]);
	if (work & VIOCON_BEGIN)
		ctl_begin(sc);
	do {
		ctl_messages(sc);
	} while (!ctl_interrupted(sc) && ctl_acknowledge(sc));
	if (ctl_interrupted(sc))
		return;
	if (work & VIOCON_BEGIN)
		ctl_sweep(sc);
	for (i = 0; i < sc->sc_nports && !ctl_interrupted(sc); i++) {
		if ((work & VIOCON_SIZE) && i == 0)
			viocon_term_size(&sc->sc_port[0]);
		viocon_port_settle(&sc->sc_port[i]);
	}
}

static void
ctl_thread(void *arg)
{
	struct viocon_softc *sc = arg;
	u_int work;

	mtx_enter(&sc->sc_mtx);
	while (!sc->sc_exit) {
		if ((work = sc->sc_work) == 0) {
			(void)msleep_nsec(&sc->sc_work, &sc->sc_mtx, PRI_KERN,
			    "viocon", INFSLP);
			continue;
		}
		sc->sc_work = 0;
		mtx_leave(&sc->sc_mtx);
		ctl_run(sc, work);
		mtx_enter(&sc->sc_mtx);
		if ((work & VIOCON_BEGIN) && !sc->sc_settled) {
			sc->sc_settled = true;
			wakeup(&sc->sc_settled);
		}
	}
	mtx_leave(&sc->sc_mtx);
}

static bool
ctl_any(struct viocon_softc *sc)
{
	u_int i;

	for (i = 0; i < sc->sc_nports; i++) {
		if (sc->sc_port[i].p_node != NULL ||
		    sc->sc_port[i].p_term != NULL)
			return (true);
	}
	return (false);
}

/*
 * Most devices have told all by when they have taken what they were asked;
 * one that has not even a port by then may be a little late.
 */
void
viocon_ctl_wait(struct viocon_softc *sc)
{
	uint64_t now = nsecuptime(), limit = now + WAIT_NSEC;
	uint64_t first = now + FIRST_NSEC;

	mtx_enter(&sc->sc_mtx);
	for (; now < limit; now = nsecuptime()) {
		if (sc->sc_settled && (ctl_any(sc) || now >= first))
			break;
		(void)msleep_nsec(&sc->sc_settled, &sc->sc_mtx, PRI_KERN,
		    "vports", sc->sc_settled ? CREDIT_NSEC : limit - now);
	}
	mtx_leave(&sc->sc_mtx);
}

/* --- life --------------------------------------------------------------- */

int
viocon_ctl_init(struct viocon_softc *sc)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	int error;

	sc->sc_nctrx = MIN(vq_size(sc->sc_ctrxq), NRX);
	sc->sc_ncttx = MIN(vq_size(sc->sc_cttxq), NTX);
	sc->sc_credit = credit_max(sc);
	sc->sc_credited = nsecuptime();
	if ((error = dmamem_alloc(&sc->sc_ctrxmem, dmat,
	    sc->sc_nctrx * MESSAGE_SIZE, 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_cttxmem, dmat,
	    sc->sc_ncttx * sizeof(uint64_t), 0, BUS_DMA_NOWAIT)) != 0)
		return (error);
	viocon_ctl_fill(sc);
	return (kthread_create(ctl_thread, sc, PRI_KERN, sc->sc_dev.dv_xname,
	    &sc->sc_thread));
}

void
viocon_ctl_end(struct viocon_softc *sc)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_exit = true;
	wakeup(&sc->sc_work);
	mtx_leave(&sc->sc_mtx);
	wakeup(&sc->sc_credit);
	mtx_enter(&sc->sc_cttxmtx);
	wakeup(&sc->sc_cttxlent);
	mtx_leave(&sc->sc_cttxmtx);
	if (sc->sc_thread != NULL)
		kthread_join(sc->sc_thread);
	sc->sc_thread = NULL;
}

void
viocon_ctl_free(struct viocon_softc *sc)
{
	dmamem_free(&sc->sc_ctrxmem);
	dmamem_free(&sc->sc_cttxmem);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viokbd(4): virtio keyboard.  VIRTIO 1.4, 5.8 Input Device.
 *
 * The device tells which keys it has; one that has letters is a keyboard.
 * Its key codes are those that wskbd(4) wants.  Its lamps are told over the
 * other queue, one change at a time.
 */

#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <dev/pv/vioinputreg.h>
#include <dev/pv/virtiovar.h>
#include <dev/wscons/wskbdvar.h>

#define VIOKBD_NEVENTS	64
#define VIOKBD_EVSIZE	sizeof(struct virtio_input_event)
#define VIOKBD_NLEDS	3
#define VIOKBD_FLOOD	(4 * VIOKBD_NEVENTS)	/* at a time; then rest: */
#define VIOKBD_REST	10		/* ms */

struct viokbd_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct virtqueue	*sc_evq, *sc_stq;
	struct wskbd		*sc_kbd;

	struct mutex		 sc_evmtx;
	struct dmamem		 sc_evmem;
	bool			 sc_lent[VIOKBD_NEVENTS];
	bool			 sc_resting;
	struct timeout		 sc_rest;

	struct mutex		 sc_stmtx;
	struct dmamem		 sc_stmem;	/* an event, and its EV_SYN */
	u_int			 sc_stbusy;	/* of those two */
	u_int			 sc_leds;	/* as they are to be */
	u_int			 sc_shown;	/* as the device knows them */
	u_int			 sc_hasleds;
};

int	viokbd_attach(struct device *, struct device *, void *);
int	viokbd_detach(struct device *, int);

VIRTIO_ATTACH_DECL(viokbd, viokbd_softc, VIRTIO_ID_INPUT, "keyboard");

static void	viokbd_evintr(void *);
static void	viokbd_stintr(void *);
static void	viokbd_event(void *, enum virtio_event);
static void	viokbd_leds(void *, u_int);
static void	viokbd_teardown(struct viokbd_softc *);

static const struct wskbd_ops viokbd_ops = { .ko_leds = viokbd_leds };

/* wskbd's bits, and evdev's numbers */
static const struct { u_int bit; uint16_t code; } viokbd_led[VIOKBD_NLEDS] = {
	{ 1, LED_SCROLLL }, { 2, LED_NUML }, { 4, LED_CAPSL }
};

static const struct virtio_field viokbd_select[] = {
	VIRTIO_FIELD(virtio_input_config, select, 0),
	VIRTIO_FIELD(virtio_input_config, subsel, 0),
};
static const struct virtio_field viokbd_answer[] = {
	VIRTIO_FIELD(virtio_input_config, size, 0),
	VIRTIO_FIELD_ARRAY(virtio_input_config, u, 0),
};

/* --- what it is --------------------------------------------------------- */

/* 5.8.5.1: both are set, then it is seen how much there is. */
static int
viokbd_ask(struct viokbd_softc *sc, uint8_t select, uint8_t subsel,
    struct virtio_input_config *conf)
{
	int error;

	memset(conf, 0, sizeof(*conf));
	conf->select = select;
	conf->subsel = subsel;
	if ((error = virtio_config_write(sc->sc_vsc, viokbd_select,
	    nitems(viokbd_select), conf)) != 0)
		return (error);
	error = virtio_config_read(sc->sc_vsc, viokbd_answer,
	    nitems(viokbd_answer), conf);
	if (error == 0 && conf->size > sizeof(conf->u))
		conf->size = sizeof(conf->u);
	return (error);
}

static bool
viokbd_bit(const struct virtio_input_config *conf, u_int n)
{
	return (n / 8 < conf->size && (conf->u[n / 8] & 1U << n % 8));
}

static void
viokbd_name(struct viokbd_softc *sc, char *name, size_t size)
{
	struct virtio_input_config conf;
	u_int i;

	strlcpy(name, "input device", size);
	if (viokbd_ask(sc, VIRTIO_INPUT_CFG_ID_NAME, 0, &conf) != 0 ||
	    conf.size == 0)
		return;
	for (i = 0; i < conf.size && i < size - 1 && conf.u[i] != 0; i++)
		name[i] = conf.u[i] < ' ' || conf.u[i] > '~' ? '?' :
		    conf.u[i];
	name[i] = '\0';
}

/* Has it the keys from Q to P, and which lamps? */
static int
viokbd_keys(struct viokbd_softc *sc, bool *keyboard)
{
	struct virtio_input_config conf;
	u_int i;
	int error;

	if ((error = viokbd_ask(sc, VIRTIO_INPUT_CFG_EV_BITS, EV_KEY,
	    &conf)) != 0)
		return (error);
	*keyboard = true;
	for (i = KEY_Q; i <= KEY_P; i++)
		*keyboard &= viokbd_bit(&conf, i);
	if ((error = viokbd_ask(sc, VIRTIO_INPUT_CFG_EV_BITS, EV_LED,
	    &conf)) != 0)
		return (error);
	for (i = 0; i < VIOKBD_NLEDS; i++) {
		if (viokbd_bit(&conf, viokbd_led[i].code))
			sc->sc_hasleds |= viokbd_led[i].bit;
	}
	return (viokbd_ask(sc, VIRTIO_INPUT_CFG_UNSET, 0, &conf));
}

/* --- keys --------------------------------------------------------------- */

static struct virtio_input_event *
viokbd_slot(struct viokbd_softc *sc, u_int i)
{
	return ((struct virtio_input_event *)sc->sc_evmem.dmm_kva + i);
}

/* The cookie is the buffer's place in sc_lent. */
static int
viokbd_lend(struct viokbd_softc *sc, u_int i)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	if ((error = vq_sg_in_mem(&sg, &sc->sc_evmem, i * VIOKBD_EVSIZE,
	    VIOKBD_EVSIZE)) == 0 &&
	    (error = vq_enqueue(sc->sc_evq, &sc->sc_lent[i], &sg)) == 0)
		sc->sc_lent[i] = true;
	return (error);
}

/* A small queue takes fewer. */
static void
viokbd_fill(struct viokbd_softc *sc)
{
	u_int i;

	mtx_enter(&sc->sc_evmtx);
	for (i = 0; i < VIOKBD_NEVENTS; i++) {
		if (!sc->sc_lent[i] && viokbd_lend(sc, i) != 0)
			break;
	}
	vq_notify(sc->sc_evq);
	mtx_leave(&sc->sc_evmtx);
}

/* Who has been reset does not tell that keys came up meanwhile. */
static void
viokbd_release(struct viokbd_softc *sc)
{
	bool stopped;

	mtx_enter(&sc->sc_evmtx);
	stopped = !vq_ready(sc->sc_evq);
	mtx_leave(&sc->sc_evmtx);
	if (stopped && sc->sc_kbd != NULL)
		wskbd_release(sc->sc_kbd);
}

/* One key; false: there are no more. */
static bool
viokbd_next(struct viokbd_softc *sc, u_int *code, int *value)
{
	const struct virtio_input_event *ie;
	bool *lent;
	uint32_t len;

	while ((lent = vq_dequeue(sc->sc_evq, &len)) != NULL) {
		ie = viokbd_slot(sc, lent - sc->sc_lent);
		*code = *value = 0;
		if (len == sizeof(*ie) && le16_load(&ie->ie_type) == EV_KEY) {
			*code = le16_load(&ie->ie_code);
			*value = le32_load(&ie->ie_value);
		}
		*lent = false;
		(void)viokbd_lend(sc, lent - sc->sc_lent);
		if (*code != 0 && *value >= 0 && *value <= 2)
			return (true);
	}
	return (false);
}

/*
 * What a key means is found out without the queue's mutex.  A device that has
 * more and more is looked at again after a while.
 */
static void
viokbd_evintr(void *arg)
{
	struct viokbd_softc *sc = arg;
	u_int code, n = 0;
	int value;

	mtx_enter(&sc->sc_evmtx);
	if (sc->sc_resting) {
		mtx_leave(&sc->sc_evmtx);
		return;
	}
	do {
		while (n++ < VIOKBD_FLOOD && viokbd_next(sc, &code, &value)) {
			mtx_leave(&sc->sc_evmtx);
			if (sc->sc_kbd != NULL)
				wskbd_event(sc->sc_kbd, code, value);
			mtx_enter(&sc->sc_evmtx);
		}
		if (n > VIOKBD_FLOOD) {
			vq_intr_disable(sc->sc_evq);
			sc->sc_resting = true;
			timeout_add_msec(&sc->sc_rest, VIOKBD_REST);
		}
		vq_notify(sc->sc_evq);
	} while (!sc->sc_resting && vq_intr_enable(sc->sc_evq, 0));
	mtx_leave(&sc->sc_evmtx);
}

static void
viokbd_rested(void *arg)
{
	struct viokbd_softc *sc = arg;

	mtx_enter(&sc->sc_evmtx);
	sc->sc_resting = false;
	mtx_leave(&sc->sc_evmtx);
	viokbd_evintr(sc);
}

/* --- lamps -------------------------------------------------------------- */

static void
viokbd_tell(struct viokbd_softc *sc, u_int i, uint16_t type, uint16_t code,
    uint32_t value)
{
	struct virtio_input_event *ie = sc->sc_stmem.dmm_kva;
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));

	le16_store(&ie[i].ie_type, type);
	le16_store(&ie[i].ie_code, code);
	le32_store(&ie[i].ie_value, value);
	if (vq_sg_out_mem(&sg, &sc->sc_stmem, i * VIOKBD_EVSIZE,
	    VIOKBD_EVSIZE) == 0 && vq_enqueue(sc->sc_stq, &ie[i], &sg) == 0)
		sc->sc_stbusy++;
}

/* With sc_stmtx: the first lamp that the device has wrong. */
static void
viokbd_update(struct viokbd_softc *sc)
{
	u_int diff = (sc->sc_leds ^ sc->sc_shown) & sc->sc_hasleds, i;

	if (diff == 0 || sc->sc_stbusy != 0)
		return;
	for (i = 0; !(viokbd_led[i].bit & diff); i++)
		;
	viokbd_tell(sc, 0, EV_LED, viokbd_led[i].code,
	    (sc->sc_leds & viokbd_led[i].bit) != 0);
	if (sc->sc_stbusy == 0)
		return;			/* stopped: again when it is back */
	/* a queue of one has no room for the end of it: nobody needs that */
	viokbd_tell(sc, 1, EV_SYN, 0, 0);
	sc->sc_shown ^= viokbd_led[i].bit;
	vq_notify(sc->sc_stq);
}

static void
viokbd_stintr(void *arg)
{
	struct viokbd_softc *sc = arg;
	uint32_t len;

	mtx_enter(&sc->sc_stmtx);
	do {
		while (vq_dequeue(sc->sc_stq, &len) != NULL)
			sc->sc_stbusy--;
	} while (vq_intr_enable(sc->sc_stq, 0));
	viokbd_update(sc);
	mtx_leave(&sc->sc_stmtx);
}

static void
viokbd_leds(void *arg, u_int leds)
{
	struct viokbd_softc *sc = arg;

	mtx_enter(&sc->sc_stmtx);
	sc->sc_leds = leds;
	viokbd_update(sc);
	mtx_leave(&sc->sc_stmtx);
}

/* --- attachment --------------------------------------------------------- */

static int
viokbd_queues(struct viokbd_softc *sc)
{
	const struct virtqueue_conf conf[] = {
		{ .vqc_name = "event", .vqc_index = VIRTIO_INPUT_EVENTQ,
		    .vqc_size = VIOKBD_NEVENTS, .vqc_nsegs = 1,
		    .vqc_mtx = &sc->sc_evmtx, .vqc_intr = viokbd_evintr,
		    .vqc_arg = sc },
		{ .vqc_name = "status", .vqc_index = VIRTIO_INPUT_STATUSQ,
		    .vqc_size = 4, .vqc_nsegs = 1,
		    .vqc_mtx = &sc->sc_stmtx, .vqc_intr = viokbd_stintr,
		    .vqc_arg = sc },
	};
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	struct virtqueue *vq[nitems(conf)];
	int error;

	if ((error = dmamem_alloc(&sc->sc_evmem, dmat,
	    VIOKBD_NEVENTS * VIOKBD_EVSIZE, 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_stmem, dmat, 2 * VIOKBD_EVSIZE, 0,
	    BUS_DMA_NOWAIT)) != 0 ||
	    (error = virtio_queues(sc->sc_vsc, IPL_TTY, conf, nitems(conf),
	    vq)) != 0)
		return (error);
	sc->sc_evq = vq[0];
	sc->sc_stq = vq[1];
	return (0);
}

int
viokbd_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct viokbd_softc *sc = (struct viokbd_softc *)self;
	struct virtio_attach_args *va = aux;
	char name[64];
	bool keyboard;
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_evmtx, IPL_TTY);
	mtx_init(&sc->sc_stmtx, IPL_TTY);
	timeout_set(&sc->sc_rest, viokbd_rested, sc);
	if ((error = virtio_negotiate(sc->sc_vsc, self, NULL, 0, 0)) != 0 ||
	    (error = viokbd_keys(sc, &keyboard)) != 0)
		goto fail;
	viokbd_name(sc, name, sizeof(name));
	if (!keyboard) {
		device_describe(self, "%s: no keyboard", name);
		error = ENXIO;
		goto fail;
	}
	if ((error = viokbd_queues(sc)) != 0)
		goto fail;
	virtio_on_failure(sc->sc_vsc, viokbd_event, sc);
	viokbd_fill(sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		goto fail;
	device_describe(self, "%s", name);
	if ((error = wskbd_attach(&sc->sc_kbd, &viokbd_ops, sc,
	    self->dv_xname)) != 0)
		goto fail;
	return (0);
fail:
	viokbd_teardown(sc);
	return (error);
}

int
viokbd_detach(struct device *self, int flags __unused)
{
	viokbd_teardown((struct viokbd_softc *)self);
	return (0);
}

/* The device has been stopped: take back what it has. */
static void
viokbd_void(struct viokbd_softc *sc)
{
	bool *lent;

	mtx_enter(&sc->sc_evmtx);
	while (sc->sc_evq != NULL && (lent = vq_drain(sc->sc_evq)) != NULL)
		*lent = false;
	mtx_leave(&sc->sc_evmtx);
	mtx_enter(&sc->sc_stmtx);
	while (sc->sc_stq != NULL && vq_drain(sc->sc_stq) != NULL)
		sc->sc_stbusy--;
	mtx_leave(&sc->sc_stmtx);
}

static void
viokbd_event(void *arg, enum virtio_event ev)
{
	struct viokbd_softc *sc = arg;

	viokbd_void(sc);
	if (ev != VIRTIO_RESUMED) {
		viokbd_release(sc);
		return;
	}
	viokbd_fill(sc);
	mtx_enter(&sc->sc_stmtx);
	/* which of them it shows now is not known: all are told */
	sc->sc_shown = ~sc->sc_leds;
	viokbd_update(sc);
	mtx_leave(&sc->sc_stmtx);
}

/* Undo attach, however far it came. */
static void
viokbd_teardown(struct viokbd_softc *sc)
{
	virtio_stop(sc->sc_vsc);		/* no interrupt after this */
	viokbd_void(sc);
	timeout_del_barrier(&sc->sc_rest);
	wskbd_detach(sc->sc_kbd);
	sc->sc_kbd = NULL;
	virtio_end(sc->sc_vsc);
	dmamem_free(&sc->sc_evmem);
	dmamem_free(&sc->sc_stmem);
}

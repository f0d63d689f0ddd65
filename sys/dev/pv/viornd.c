/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viornd(4): entropy from the host.  VIRTIO 1.4, 5.4 Entropy Device.
 *
 * Some buffers, each of which is lent to the device for one request: one for
 * the kernel's generator, which asks when it wants a seed and does not wait
 * for it, the others for those who read /dev/hwrng, as many at a time as they
 * want bytes.  A host may have little to give, late or never; what comes back,
 * any length up to the whole, goes to one of them and is erased.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <dev/pv/virtiovar.h>

#define VIORND_SIZE	4096		/* most of one request */
#define VIORND_SEED	64		/* for the kernel */
#define VIORND_NBUFS	9		/* the first is the kernel's */

struct viornd_buf {
	TAILQ_ENTRY(viornd_buf)	 rb_link;	/* free, or with bytes */
	bus_size_t		 rb_off;	/* in sc_mem */
	uint32_t		 rb_have;	/* bytes for readers, */
	uint32_t		 rb_used;	/* behind these, which are gone */
	bool			 rb_lent;
};
TAILQ_HEAD(viornd_bufs, viornd_buf);

struct viornd_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct virtqueue	*sc_vq;
	struct mutex		 sc_mtx;
	struct dmamem		 sc_mem;
	struct viornd_buf	 sc_buf[VIORND_NBUFS];
	struct viornd_bufs	 sc_free;
	struct viornd_bufs	 sc_full;	/* in the order they came */
	u_int			 sc_nlent;	/* for readers */
	u_int			 sc_readers;
	int			 sc_error;	/* what readers get */
	struct hwrng		 sc_hwrng;
	struct rnd_source	 sc_source;
	bool			 sc_seed;	/* the kernel waits for one */
	bool			 sc_attached;
	bool			 sc_sourced;
};

int	viornd_attach(struct device *, struct device *, void *);
int	viornd_detach(struct device *, int);

VIRTIO_ATTACH_DECL(viornd, viornd_softc, VIRTIO_ID_ENTROPY, "entropy");

static void	viornd_intr(void *);
static void	viornd_event(void *, enum virtio_event);
static void	viornd_teardown(struct viornd_softc *);
static int	viornd_read(void *, struct uio *, int);
static void	viornd_want(void *);

static char *
viornd_data(struct viornd_softc *sc, const struct viornd_buf *rb)
{
	return ((char *)sc->sc_mem.dmm_kva + rb->rb_off);
}

/* The caller notifies. */
static int
viornd_lend(struct viornd_softc *sc, struct viornd_buf *rb, size_t len)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	if ((error = vq_sg_in_mem(&sg, &sc->sc_mem, rb->rb_off, len)) == 0 &&
	    (error = vq_enqueue(sc->sc_vq, rb, &sg)) == 0)
		rb->rb_lent = true;
	return (error);
}

/* --- the kernel's generator --------------------------------------------- */

/* A device that is being reset is asked when it is back. */
static void
viornd_seed(struct viornd_softc *sc)
{
	if (sc->sc_seed && !sc->sc_buf[0].rb_lent && vq_ready(sc->sc_vq) &&
	    viornd_lend(sc, &sc->sc_buf[0], VIORND_SEED) == 0)
		vq_notify(sc->sc_vq);
}

static void
viornd_want(void *arg)
{
	struct viornd_softc *sc = arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_seed = true;
	viornd_seed(sc);
	mtx_leave(&sc->sc_mtx);
}

/* --- what comes back: 5.4.6.1, the device says how much that is ------------ */

static void
viornd_got(struct viornd_softc *sc, struct viornd_buf *rb, uint32_t len)
{
	rb->rb_lent = false;
	if (rb == &sc->sc_buf[0]) {
		rnd_feed(viornd_data(sc, rb), len, len * 8);
		memset(viornd_data(sc, rb), 0, VIORND_SEED);
		sc->sc_seed = false;
		/* there is room for who asks on behalf of a reader */
		wakeup(sc);
		return;
	}
	sc->sc_nlent--;
	rb->rb_have = len;
	rb->rb_used = 0;
	if (len != 0)
		TAILQ_INSERT_TAIL(&sc->sc_full, rb, rb_link);
	else {
		/* 5.4.6.2: one byte at least; else ask no more on its behalf */
		sc->sc_error = EIO;
		TAILQ_INSERT_TAIL(&sc->sc_free, rb, rb_link);
	}
	wakeup(sc);
}

static void
viornd_intr(void *arg)
{
	struct viornd_softc *sc = arg;
	struct viornd_buf *rb;
	uint32_t len;			/* never more than was asked for */

	mtx_enter(&sc->sc_mtx);
	do {
		while ((rb = vq_dequeue(sc->sc_vq, &len)) != NULL)
			viornd_got(sc, rb, len);
	} while (vq_intr_enable(sc->sc_vq, 0));
	viornd_seed(sc);
	mtx_leave(&sc->sc_mtx);
}

/* --- /dev/hwrng --------------------------------------------------------- */

/*
 * See that so many bytes are on their way, as far as there are buffers.  What
 * the device has no room for now is asked for when some of it has come.
 */
static int
viornd_request(struct viornd_softc *sc, size_t len)
{
	struct viornd_buf *rb;
	u_int want = MIN((len + VIORND_SIZE - 1) / VIORND_SIZE,
	    VIORND_NBUFS - 1);
	int error = 0;

	/* a device that is being reset is asked when it is back */
	if (!vq_ready(sc->sc_vq))
		return (0);
	while (sc->sc_nlent < want &&
	    (rb = TAILQ_FIRST(&sc->sc_free)) != NULL) {
		if ((error = viornd_lend(sc, rb, MIN(len, VIORND_SIZE))) != 0)
			break;
		TAILQ_REMOVE(&sc->sc_free, rb, rb_link);
		sc->sc_nlent++;
	}
	vq_notify(sc->sc_vq);
	return (sc->sc_nlent != 0 || sc->sc_buf[0].rb_lent ? 0 : error);
}

/*
 * Bytes of one buffer, which nobody else has meanwhile, go to one reader and
 * nowhere else.  The mutex is left while the program's memory is touched.
 */
static int
viornd_take(struct viornd_softc *sc, struct viornd_buf *rb, struct uio *uio)
{
	size_t n = MIN(rb->rb_have, uio->uio_resid), before = uio->uio_resid;
	char *p = viornd_data(sc, rb) + rb->rb_used;
	int error;

	TAILQ_REMOVE(&sc->sc_full, rb, rb_link);
	mtx_leave(&sc->sc_mtx);
	error = uiomove(p, n, uio);
	n = before - uio->uio_resid;
	memset(p, 0, n);
	mtx_enter(&sc->sc_mtx);
	rb->rb_used += n;
	rb->rb_have -= n;
	/* of a device that was reset meanwhile nothing is kept */
	if (rb->rb_have != 0 && sc->sc_error == 0)
		TAILQ_INSERT_HEAD(&sc->sc_full, rb, rb_link);
	else
		TAILQ_INSERT_TAIL(&sc->sc_free, rb, rb_link);
	return (error);
}

static int
viornd_read(void *arg, struct uio *uio, int flags)
{
	struct viornd_softc *sc = arg;
	struct viornd_buf *rb;
	int error = 0;

	mtx_enter(&sc->sc_mtx);
	sc->sc_readers++;
	while ((rb = TAILQ_FIRST(&sc->sc_full)) == NULL && error == 0) {
		if ((error = sc->sc_error) != 0)
			break;
		if (viornd_request(sc, uio->uio_resid) != 0)
			error = EIO;
		else if (flags & FNONBLOCK)
			error = EAGAIN;
		else
			error = msleep_nsec(sc, &sc->sc_mtx,
			    PRI_KERN | PCATCH, "hwrng", INFSLP);
	}
	if (rb != NULL) {
		/* the device works while the program gets what is there */
		if (uio->uio_resid > rb->rb_have)
			(void)viornd_request(sc, uio->uio_resid -
			    rb->rb_have);
		error = viornd_take(sc, rb, uio);
	}
	/* a device that gave nothing may be asked again by the next one */
	if (sc->sc_error == EIO && sc->sc_attached)
		sc->sc_error = 0;
	if (--sc->sc_readers == 0)
		wakeup(&sc->sc_readers);
	mtx_leave(&sc->sc_mtx);
	return (error);
}

/* --- attachment --------------------------------------------------------- */

static void
viornd_bufs(struct viornd_softc *sc)
{
	u_int i;

	TAILQ_INIT(&sc->sc_free);
	TAILQ_INIT(&sc->sc_full);
	for (i = 0; i < VIORND_NBUFS; i++) {
		sc->sc_buf[i].rb_off = i * VIORND_SIZE;
		if (i != 0)
			TAILQ_INSERT_TAIL(&sc->sc_free, &sc->sc_buf[i],
			    rb_link);
	}
}

int
viornd_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct viornd_softc *sc = (struct viornd_softc *)self;
	struct virtio_attach_args *va = aux;
	struct virtqueue_conf conf = {
		.vqc_name = "request", .vqc_size = 16, .vqc_nsegs = 1,
		.vqc_mtx = &sc->sc_mtx, .vqc_intr = viornd_intr, .vqc_arg = sc
	};
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_mtx, IPL_NET);
	viornd_bufs(sc);
	if ((error = virtio_negotiate(sc->sc_vsc, self, NULL, 0, 0)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_mem, virtio_dmat(sc->sc_vsc),
	    VIORND_NBUFS * VIORND_SIZE, 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = virtio_queues(sc->sc_vsc, IPL_NET, &conf, 1,
	    &sc->sc_vq)) != 0)
		goto fail;
	virtio_on_failure(sc->sc_vsc, viornd_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		goto fail;
	device_describe(self, "entropy");

	sc->sc_source.rs_want = viornd_want;
	sc->sc_source.rs_arg = sc;
	rnd_source_add(&sc->sc_source);
	sc->sc_sourced = true;
	sc->sc_hwrng.hr_name = self->dv_xname;
	sc->sc_hwrng.hr_read = viornd_read;
	sc->sc_hwrng.hr_arg = sc;
	if ((error = hwrng_attach(&sc->sc_hwrng)) != 0)
		goto fail;
	sc->sc_attached = true;
	return (0);
fail:
	viornd_teardown(sc);
	return (error);
}

int
viornd_detach(struct device *self, int flags __unused)
{
	viornd_teardown((struct viornd_softc *)self);
	return (0);
}

/* The device has been stopped: nothing will come back. */
static void
viornd_void(struct viornd_softc *sc, int error)
{
	struct viornd_buf *rb;

	mtx_enter(&sc->sc_mtx);
	while (sc->sc_vq != NULL && (rb = vq_drain(sc->sc_vq)) != NULL) {
		rb->rb_lent = false;
		if (rb != &sc->sc_buf[0]) {
			sc->sc_nlent--;
			TAILQ_INSERT_TAIL(&sc->sc_free, rb, rb_link);
		}
	}
	while ((rb = TAILQ_FIRST(&sc->sc_full)) != NULL) {
		TAILQ_REMOVE(&sc->sc_full, rb, rb_link);
		memset(viornd_data(sc, rb), 0, VIORND_SIZE);
		TAILQ_INSERT_TAIL(&sc->sc_free, rb, rb_link);
	}
	sc->sc_error = error;
	wakeup(sc);
	mtx_leave(&sc->sc_mtx);
}

/* It works again: whoever asks is served, and the kernel has not forgotten. */
static void
viornd_resume(struct viornd_softc *sc)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_error = 0;
	viornd_seed(sc);
	wakeup(sc);
	mtx_leave(&sc->sc_mtx);
}

static void
viornd_event(void *arg, enum virtio_event ev)
{
	switch (ev) {
	case VIRTIO_STOPPED:
		viornd_void(arg, EIO);
		break;
	case VIRTIO_RESUMED:
		viornd_resume(arg);
		break;
	case VIRTIO_DEAD:
		viornd_void(arg, ENXIO);
		break;
	}
}

/* Undo attach, however far it came. */
static void
viornd_teardown(struct viornd_softc *sc)
{
	if (sc->sc_sourced)
		rnd_source_remove(&sc->sc_source);
	sc->sc_sourced = false;
	virtio_stop(sc->sc_vsc);		/* no interrupt after this, */
	viornd_void(sc, ENXIO);			/* and the loan is void */
	if (sc->sc_attached)
		hwrng_detach(&sc->sc_hwrng);
	sc->sc_attached = false;
	mtx_enter(&sc->sc_mtx);
	while (sc->sc_readers != 0)
		(void)msleep_nsec(&sc->sc_readers, &sc->sc_mtx, PRI_KERN,
		    "viornddt", INFSLP);
	mtx_leave(&sc->sc_mtx);
	virtio_end(sc->sc_vsc);
	dmamem_free(&sc->sc_mem);
}

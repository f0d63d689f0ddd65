/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viornd(4): entropy from the host.  VIRTIO 1.4, 5.4 Entropy Device.
 *
 * One buffer, which is lent to the device for one request at a time: at boot
 * to seed the kernel's generator, which does not wait for it, then whenever
 * somebody reads /dev/hwrng.  A host may have little to give, late or never;
 * what comes back, any length up to the whole, is used once and erased.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/rnd.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <dev/pv/virtiovar.h>

#define VIORND_SIZE	4096		/* most of one request */
#define VIORND_SEED	64		/* for the kernel */

/* Whose is the request that is on its way, or the bytes in the buffer? */
enum viornd_for { VIORND_NOBODY, VIORND_KERNEL, VIORND_READER };

struct viornd_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct virtqueue	*sc_vq;
	struct mutex		 sc_mtx;
	struct dmamem		 sc_buf;
	enum viornd_for		 sc_lent;	/* to the device */
	uint32_t		 sc_have;	/* bytes for readers, */
	uint32_t		 sc_used;	/* of which these are gone */
	u_int			 sc_readers;
	int			 sc_error;	/* what readers get */
	struct hwrng		 sc_hwrng;
	bool			 sc_seed;	/* the kernel still waits */
	bool			 sc_attached;
};

int	viornd_attach(struct device *, struct device *, void *);
int	viornd_detach(struct device *, int);

VIRTIO_ATTACH_DECL(viornd, viornd_softc, VIRTIO_ID_ENTROPY, "entropy");

static void	viornd_intr(void *);
static void	viornd_event(void *, enum virtio_event);
static void	viornd_teardown(struct viornd_softc *);
static int	viornd_read(void *, void *, size_t, size_t *, int);

/* Lend the buffer, unless it is lent already. */
static int
viornd_request(struct viornd_softc *sc, enum viornd_for who, size_t len)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	if (who == VIORND_KERNEL)
		sc->sc_seed = true;
	/* a device that is being reset is asked when it is back */
	if (sc->sc_lent != VIORND_NOBODY || !vq_ready(sc->sc_vq))
		return (0);
	if ((error = vq_sg_in_mem(&sg, &sc->sc_buf, 0, len)) != 0 ||
	    (error = vq_enqueue(sc->sc_vq, sc, &sg)) != 0)
		return (error);
	sc->sc_lent = who;
	vq_notify(sc->sc_vq);
	return (0);
}

/* What came back: 5.4.6.1, it says how much that is. */
static void
viornd_got(struct viornd_softc *sc, uint32_t len)
{
	if (sc->sc_lent == VIORND_KERNEL) {
		rnd_feed(sc->sc_buf.dmm_kva, len, len * 8);
		sc->sc_seed = false;
		memset(sc->sc_buf.dmm_kva, 0, VIORND_SIZE);
	} else {
		sc->sc_have = len;
		sc->sc_used = 0;
		/* 5.4.6.2: one byte at least; else ask no more on its behalf */
		if (len == 0)
			sc->sc_error = EIO;
	}
	sc->sc_lent = VIORND_NOBODY;
	wakeup(sc);
}

static void
viornd_intr(void *arg)
{
	struct viornd_softc *sc = arg;
	uint32_t len;			/* never more than was asked for */

	mtx_enter(&sc->sc_mtx);
	do {
		while (vq_dequeue(sc->sc_vq, &len) != NULL)
			viornd_got(sc, len);
	} while (vq_intr_enable(sc->sc_vq, 0));
	mtx_leave(&sc->sc_mtx);
}

/* --- /dev/hwrng --------------------------------------------------------- */

/* Bytes in the buffer go to one reader, and nowhere else. */
static size_t
viornd_take(struct viornd_softc *sc, void *buf, size_t len)
{
	char *from = (char *)sc->sc_buf.dmm_kva + sc->sc_used;

	len = MIN(len, sc->sc_have);
	memcpy(buf, from, len);
	memset(from, 0, len);
	sc->sc_used += len;
	sc->sc_have -= len;
	return (len);
}

static int
viornd_read(void *arg, void *buf, size_t len, size_t *lenp, int flags)
{
	struct viornd_softc *sc = arg;
	int error = 0;

	*lenp = 0;
	if (len == 0)
		return (0);
	mtx_enter(&sc->sc_mtx);
	sc->sc_readers++;
	while (sc->sc_have == 0 && error == 0) {
		if ((error = sc->sc_error) != 0)
			break;
		if ((error = viornd_request(sc, VIORND_READER,
		    MIN(len, VIORND_SIZE))) != 0)
			error = EIO;
		else if (flags & FNONBLOCK)
			error = EAGAIN;
		else
			error = msleep_nsec(sc, &sc->sc_mtx,
			    PRI_KERN | PCATCH, "hwrng", INFSLP);
	}
	if (sc->sc_have != 0) {
		*lenp = viornd_take(sc, buf, len);
		error = 0;
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

int
viornd_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct viornd_softc *sc = (struct viornd_softc *)self;
	struct virtio_attach_args *va = aux;
	struct virtqueue_conf conf = {
		.vqc_name = "request", .vqc_size = 4, .vqc_nsegs = 1,
		.vqc_mtx = &sc->sc_mtx, .vqc_intr = viornd_intr, .vqc_arg = sc
	};
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_mtx, IPL_NET);
	if ((error = virtio_negotiate(sc->sc_vsc, self, NULL, 0, 0)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_buf, virtio_dmat(sc->sc_vsc),
	    VIORND_SIZE, 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = virtio_queues(sc->sc_vsc, IPL_NET, &conf, 1,
	    &sc->sc_vq)) != 0)
		goto fail;
	virtio_on_failure(sc->sc_vsc, viornd_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		goto fail;
	device_describe(self, "entropy");

	mtx_enter(&sc->sc_mtx);
	error = viornd_request(sc, VIORND_KERNEL, VIORND_SEED);
	mtx_leave(&sc->sc_mtx);
	if (error != 0)
		goto fail;
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
	mtx_enter(&sc->sc_mtx);
	while (sc->sc_vq != NULL && vq_drain(sc->sc_vq) != NULL)
		;
	sc->sc_lent = VIORND_NOBODY;
	sc->sc_have = 0;
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
	if (sc->sc_seed)
		(void)viornd_request(sc, VIORND_KERNEL, VIORND_SEED);
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
	dmamem_free(&sc->sc_buf);
}

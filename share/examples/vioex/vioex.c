/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * An example of a driver, which virtio(9) explains piece by piece: the entropy
 * device (VIRTIO 1.4, 5.4) as /dev/vioexN.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/synch.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/uio.h>

#include <dev/pv/virtiovar.h>

#define VIOEX_SIZE	256		/* bytes of one request */

enum vioex_owner { VIOEX_NOBODY, VIOEX_DEVICE, VIOEX_READER };

struct vioex_softc {
	struct device		 sc_dev;	/* must be first */
	struct virtio_softc	*sc_vsc;
	struct cdev		*sc_cdev;
	struct sysctl_oid	 sc_oid;
	u_int			 sc_timeout;	/* of readers, seconds */

	struct mutex		 sc_mtx;	/* for the rest */
	struct virtqueue	*sc_vq;
	struct dmamem		 sc_mem;
	enum vioex_owner	 sc_owner;	/* of sc_mem */
	size_t			 sc_have;	/* bytes to be read */
	bool			 sc_dead;	/* nothing will come */
};

int		vioex_attach(struct device *, struct device *, void *);
int		vioex_detach(struct device *, int);
static void	vioex_teardown(struct vioex_softc *);
static void	vioex_intr(void *);
static void	vioex_event(void *, enum virtio_event);
static int	vioex_read(struct cdev *, struct uio *, int);
static int	vioex_timeout_read(void *, char *, size_t);
static int	vioex_timeout_write(void *, const char *);

VIRTIO_ATTACH_DECL(vioex, vioex_softc, VIRTIO_ID_ENTROPY, "entropy");

static const struct cdevsw vioex_cdevsw = {
	.d_name = "vioex", .d_read = vioex_read
};

int
vioex_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct vioex_softc *sc = (struct vioex_softc *)self;
	struct virtio_attach_args *va = aux;
	const struct virtqueue_conf conf = {
		.vqc_name = "request", .vqc_size = 1, .vqc_nsegs = 1,
		.vqc_mtx = &sc->sc_mtx, .vqc_intr = vioex_intr,
		.vqc_arg = sc
	};
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_mtx, IPL_TTY);
	sc->sc_timeout = 10;
	sc->sc_oid.so_read = vioex_timeout_read;
	sc->sc_oid.so_write = vioex_timeout_write;
	sc->sc_oid.so_arg = sc;
	snprintf(sc->sc_oid.so_name, sizeof(sc->sc_oid.so_name),
	    "hw.%s.timeout", self->dv_xname);
	if ((error = virtio_negotiate(sc->sc_vsc, self, NULL, 0,
	    0)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_mem, virtio_dmat(sc->sc_vsc),
	    VIOEX_SIZE, 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = virtio_queues(sc->sc_vsc, IPL_TTY, &conf, 1,
	    &sc->sc_vq)) != 0)
		goto fail;
	virtio_on_failure(sc->sc_vsc, vioex_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0 ||
	    (error = dev_create(&sc->sc_cdev, &vioex_cdevsw, sc, 0444,
	    "%s", self->dv_xname)) != 0 ||
	    (error = sysctl_register(&sc->sc_oid)) != 0)
		goto fail;
	device_describe(self, "%u bytes at a time", VIOEX_SIZE);
	return (0);
fail:
	vioex_teardown(sc);
	return (error);
}

int
vioex_detach(struct device *self, int flags __unused)
{
	vioex_teardown((struct vioex_softc *)self);
	return (0);
}

static int
vioex_request(struct vioex_softc *sc)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	if ((error = vq_sg_in_mem(&sg, &sc->sc_mem, 0,
	    VIOEX_SIZE)) != 0 ||
	    (error = vq_enqueue(sc->sc_vq, sc, &sg)) != 0)
		return (error);
	sc->sc_owner = VIOEX_DEVICE;
	vq_notify(sc->sc_vq);
	return (0);
}

static void
vioex_intr(void *arg)
{
	struct vioex_softc *sc = arg;
	uint32_t len;			/* VIOEX_SIZE at most */

	mtx_enter(&sc->sc_mtx);
	do {
		while (vq_dequeue(sc->sc_vq, &len) != NULL) {
			sc->sc_owner = VIOEX_NOBODY;
			sc->sc_have = len;
			if (len == 0)	/* 5.4.6.2 */
				virtio_fail(sc->sc_vsc, "no bytes");
			else
				wakeup(sc);
		}
	} while (vq_intr_enable(sc->sc_vq, 0));
	mtx_leave(&sc->sc_mtx);
}

/* See that there are bytes, or that they are on their way (EAGAIN). */
static int
vioex_ready(struct vioex_softc *sc)
{
	int error = 0;

	if (sc->sc_dead)
		return (ENXIO);
	if (sc->sc_owner == VIOEX_NOBODY && sc->sc_have != 0)
		return (0);
	/* a device that is being reset is asked when it is back */
	if (sc->sc_owner == VIOEX_NOBODY && vq_ready(sc->sc_vq))
		error = vioex_request(sc);
	return (error != 0 ? error : EAGAIN);
}

static int
vioex_wait(struct vioex_softc *sc)
{
	uint64_t limit = nsecuptime() + SEC_TO_NSEC(sc->sc_timeout), now;
	int error;

	while ((error = vioex_ready(sc)) == EAGAIN) {
		if ((now = nsecuptime()) >= limit)
			return (ETIMEDOUT);
		error = msleep_nsec(sc, &sc->sc_mtx, PRI_KERN | PCATCH,
		    "vioex", limit - now);
		if (error == EINTR)
			break;
	}
	return (error);
}

static int
vioex_read(struct cdev *cd, struct uio *uio, int flags)
{
	struct vioex_softc *sc = dev_arg(cd);
	int error;

	if (uio->uio_resid == 0)
		return (0);
	mtx_enter(&sc->sc_mtx);
	error = flags & FNONBLOCK ? vioex_ready(sc) : vioex_wait(sc);
	if (error == 0) {
		sc->sc_owner = VIOEX_READER;
		mtx_leave(&sc->sc_mtx);
		error = uiomove(sc->sc_mem.dmm_kva, sc->sc_have, uio);
		memset(sc->sc_mem.dmm_kva, 0, VIOEX_SIZE);
		mtx_enter(&sc->sc_mtx);
		sc->sc_owner = VIOEX_NOBODY;
		sc->sc_have = 0;
		wakeup(sc);
	}
	mtx_leave(&sc->sc_mtx);
	return (error);
}

static int
vioex_timeout_read(void *arg, char *buf, size_t size)
{
	struct vioex_softc *sc = arg;

	return (snprintf(buf, size, "%u", sc->sc_timeout));
}

static int
vioex_timeout_write(void *arg, const char *text)
{
	struct vioex_softc *sc = arg;
	const char *end;
	uint64_t n;

	if (strtonum64(text, &end, &n) != 0 || *end != '\0' || n == 0 ||
	    n > 3600)
		return (EINVAL);
	sc->sc_timeout = n;
	return (0);
}

/*
 * What was lent to a device that has been stopped is ours again, and who
 * waits looks what has become of it.
 */
static void
vioex_takeback(struct vioex_softc *sc, bool dead)
{
	mtx_enter(&sc->sc_mtx);
	while (sc->sc_vq != NULL && vq_drain(sc->sc_vq) != NULL)
		sc->sc_owner = VIOEX_NOBODY;
	sc->sc_dead = dead;
	wakeup(sc);
	mtx_leave(&sc->sc_mtx);
}

/* VIRTIO_STOPPED, and later VIRTIO_RESUMED or VIRTIO_DEAD. */
static void
vioex_event(void *arg, enum virtio_event ev)
{
	vioex_takeback(arg, ev == VIRTIO_DEAD);
}

/* Undo attach, however far it came. */
static void
vioex_teardown(struct vioex_softc *sc)
{
	sysctl_unregister(&sc->sc_oid);
	virtio_stop(sc->sc_vsc);	/* no call from it after this, */
	vioex_takeback(sc, true);	/* readers give up, */
	dev_destroy(sc->sc_cdev);	/* and are waited for */
	virtio_end(sc->sc_vsc);
	dmamem_free(&sc->sc_mem);
}

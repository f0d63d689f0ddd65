/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* A driver that does nothing by itself: a test does the rest. */

#include <sys/systm.h>

#include <dev/pv/virtiovar.h>
#include "sim.h"

struct viotest_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
};

struct virtio_softc	*viotest_vsc;
int	(*viotest_attach_hook)(struct device *, struct virtio_softc *);
void	(*viotest_detach_hook)(struct virtio_softc *);

static int
viotest_attach(struct device *parent, struct device *self, void *aux)
{
	struct viotest_softc *sc = (struct viotest_softc *)self;
	struct virtio_attach_args *va = aux;
	int error = 0;

	sc->sc_vsc = va->va_vsc;
	if (viotest_attach_hook != NULL)
		error = viotest_attach_hook(self, va->va_vsc);
	if (error == 0) {
		device_describe(self, "test");
		viotest_vsc = va->va_vsc;
	}
	return (error);
}

static int
viotest_detach(struct device *self, int flags)
{
	struct viotest_softc *sc = (struct viotest_softc *)self;

	if (viotest_detach_hook != NULL)
		viotest_detach_hook(sc->sc_vsc);
	viotest_vsc = NULL;
	return (0);
}

VIRTIO_ATTACH_DECL(viotest, viotest_softc, SIM_ID_TEST, "Test");

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vmmci(4): what the operator of an OpenBSD host asks of the guest, and the
 * host's time.
 */

#include <sys/errno.h>
#include <sys/halthook.h>
#include <sys/md.h>
#include <sys/pvreq.h>
#include <sys/systm.h>
#include <sys/todr.h>

#include <dev/pv/virtiovar.h>
#include <dev/pv/vmmcireg.h>

/* --- state -------------------------------------------------------------- */

struct vmmci_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct time_sensor	 sc_sensor;
	struct halthook		 sc_hook;
	uint64_t		 sc_lines;	/* ratelimit() */
	struct mutex		 sc_mtx;	/* the clock's registers */
	/* by one thread: the last one seen, and the one that is obeyed */
	uint32_t		 sc_seen, sc_cmd;
	bool			 sc_attached;
};

static const struct virtio_feature vmmci_features[] = {
	{ VMMCI_F_TIMESYNC, 0, 0, "TIMESYNC" },
	{ VMMCI_F_ACK, 0, 0, "ACK" },
	{ VMMCI_F_SYNCRTC, 0, 0, "SYNCRTC" },
};

static const struct virtio_field vmmci_command[] = {
	VIRTIO_FIELD(vmmci_config, command, 0),
};

/* each alone: they cannot be had of one generation, there is none */
static const struct virtio_field vmmci_clock[] = {
	VIRTIO_FIELD(vmmci_config, sec_low, VMMCI_F_TIMESYNC),
	VIRTIO_FIELD(vmmci_config, sec_high, VMMCI_F_TIMESYNC),
	VIRTIO_FIELD(vmmci_config, usec_low, VMMCI_F_TIMESYNC),
	VIRTIO_FIELD(vmmci_config, usec_high, VMMCI_F_TIMESYNC),
};

static int	vmmci_attach(struct device *, struct device *, void *);
static int	vmmci_detach(struct device *, int);

VIRTIO_ATTACH_DECL(vmmci, vmmci_softc, VIRTIO_ID_VMMCI, "VMM Control");

/* --- the host's time ---------------------------------------------------- */

/*
 * ENXIO: it is not told; EINVAL: no time that can be.  A host that does not
 * know says 0 microseconds.
 */
static int
vmmci_time(void *arg, uint64_t *ns)
{
	struct vmmci_softc *sc = arg;
	struct vmmci_config conf = { .command = 0 };
	uint64_t sec, usec;
	int error = 0;
	u_int i;

	if (!virtio_has(sc->sc_vsc, VMMCI_F_TIMESYNC))
		return (ENXIO);
	mtx_enter(&sc->sc_mtx);
	for (i = 0; i < nitems(vmmci_clock) && error == 0; i++)
		error = virtio_config_read(sc->sc_vsc, &vmmci_clock[i], 1,
		    &conf);
	mtx_leave(&sc->sc_mtx);
	if (error != 0)
		return (error);
	sec = (uint64_t)conf.sec_high << 32 | conf.sec_low;
	usec = (uint64_t)conf.usec_high << 32 | conf.usec_low;
	if (sec == 0 || sec >= INT64_MAX / NSEC_PER_SEC || usec == 0 ||
	    usec >= 1000000)
		return (EINVAL);
	*ns = SEC_TO_NSEC(sec) + usec * 1000;
	return (0);
}

static void
vmmci_syncrtc(struct vmmci_softc *sc)
{
	uint64_t ns;
	int error;

	if (vmmci_time(sc, &ns) == 0)
		error = time_set(ns);
	else
		error = time_resync();
	if (!ratelimit(&sc->sc_lines, 5, 1))
		return;
	if (error != 0)
		device_printf(&sc->sc_dev, "the host asks to set the clock, "
		    "but no clock can be read\n");
	else
		device_printf(&sc->sc_dev, "clock set, as the host asks\n");
}

/* --- commands ----------------------------------------------------------- */

/* Tell it that it was heard, or that the guest goes. */
static void
vmmci_answer(struct vmmci_softc *sc, uint32_t cmd)
{
	struct vmmci_config conf = { .command = cmd };

	(void)virtio_config_write(sc->sc_vsc, vmmci_command,
	    nitems(vmmci_command), &conf);
}

static bool
vmmci_obey(struct vmmci_softc *sc, uint32_t cmd)
{
	switch (cmd) {
	case VMMCI_SHUTDOWN:
		host_request(&sc->sc_dev, HOST_POWEROFF);
		return (true);
	case VMMCI_REBOOT:
		host_request(&sc->sc_dev, HOST_REBOOT);
		return (true);
	case VMMCI_SYNCRTC:
		vmmci_syncrtc(sc);
		return (true);
	default:
		if (ratelimit(&sc->sc_lines, 5, 1))
			device_printf(&sc->sc_dev, "unknown command %u\n",
			    cmd);
		return (false);
	}
}

/* One at a time, in a thread. */
static void
vmmci_config(void *arg)
{
	struct vmmci_softc *sc = arg;
	struct vmmci_config conf = { .command = VMMCI_NONE };

	if (virtio_config_read(sc->sc_vsc, vmmci_command,
	    nitems(vmmci_command), &conf) != 0 || conf.command == sc->sc_seen)
		return;
	sc->sc_seen = conf.command;
	sc->sc_cmd = VMMCI_NONE;
	if (conf.command == VMMCI_NONE || !vmmci_obey(sc, conf.command))
		return;
	sc->sc_cmd = conf.command;
	if (virtio_has(sc->sc_vsc, VMMCI_F_ACK))
		vmmci_answer(sc, conf.command);
	/* the host clears this one, without a word, when it was heard */
	if (conf.command == VMMCI_SYNCRTC)
		sc->sc_seen = sc->sc_cmd = VMMCI_NONE;
}

/*
 * The host ends a guest that says so, rather than leave it halted.  One that
 * was told to go waits for nothing else.
 */
static void
vmmci_halt(void *arg, int status)
{
	struct vmmci_softc *sc = arg;

	if (status != MD_REBOOT && sc->sc_cmd == VMMCI_NONE)
		vmmci_answer(sc, VMMCI_SHUTDOWN);
}

/* --- attachment --------------------------------------------------------- */

/* Undo attach, however far it came. */
static void
vmmci_teardown(struct vmmci_softc *sc)
{
	if (sc->sc_attached) {
		halthook_remove(&sc->sc_hook);
		time_sensor_detach(&sc->sc_sensor);
	}
	sc->sc_attached = false;
	virtio_end(sc->sc_vsc);
}

static int
vmmci_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct vmmci_softc *sc = (struct vmmci_softc *)self;
	struct virtio_attach_args *va = aux;
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_mtx, IPL_HIGH);
	if ((error = virtio_negotiate(sc->sc_vsc, self, vmmci_features,
	    nitems(vmmci_features), 0)) != 0 ||
	    (error = virtio_queues(sc->sc_vsc, IPL_NONE, NULL, 0, NULL)) != 0)
		goto fail;
	virtio_on_config(sc->sc_vsc, vmmci_config, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		goto fail;
	sc->sc_sensor.ts_get = vmmci_time;
	sc->sc_sensor.ts_arg = sc;
	if ((error = time_sensor_attach(&sc->sc_sensor,
	    self->dv_xname)) != 0)
		goto fail;
	sc->sc_hook.hh_fn = vmmci_halt;
	sc->sc_hook.hh_arg = sc;
	halthook_add(&sc->sc_hook);
	sc->sc_attached = true;
	device_describe(self, "VMM control%s",
	    virtio_has(sc->sc_vsc, VMMCI_F_TIMESYNC) ? ", time" : "");
	return (0);
fail:
	vmmci_teardown(sc);
	return (error);
}

static int
vmmci_detach(struct device *self, int flags __unused)
{
	vmmci_teardown((struct vmmci_softc *)self);
	return (0);
}

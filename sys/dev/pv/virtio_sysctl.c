/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio(4): what somebody who writes a device wants to see of it, and to try:
 * sysctl hw.virtio.N.
 */

#include <sys/systm.h>

#include <dev/pv/virtio_priv.h>

struct virtio_text {
	char	*vx_buf;
	size_t	 vx_size;
	size_t	 vx_len;			/* wanted so far */
};

/* Another word of a list. */
static void __printflike(2, 3)
virtio_text_add(struct virtio_text *vx, const char *fmt, ...)
{
	char word[48];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(word, sizeof(word), fmt, ap);
	va_end(ap);
	if (vx->vx_len < vx->vx_size)
		snprintf(vx->vx_buf + vx->vx_len, vx->vx_size - vx->vx_len,
		    "%s%s", vx->vx_len != 0 ? "," : "", word);
	vx->vx_len += strlen(word) + (vx->vx_len != 0 ? 1 : 0);
}

static const char *
virtio_feature_name(const struct virtio_feature *vf, size_t n,
    virtio_bits_t bit)
{
	for (; n > 0; n--, vf++) {
		if (vf->vf_bit == bit)
			return (vf->vf_name);
	}
	return (NULL);
}

static int
virtio_print_features(struct virtio_softc *sc, virtio_bits_t bits, char *buf,
    size_t size)
{
	struct virtio_text vx = { buf, size, 0 };
	const char *name;
	u_int i;

	if (size != 0)
		buf[0] = '\0';
	mtx_enter(&sc->sc_mtx);		/* the driver's table may go */
	for (i = 0; i < VIRTIO_NFEATURES; i++) {
		if (!(bits >> i & 1))
			continue;
		if ((name = virtio_feature_name(virtio_ring_features,
		    virtio_nring_features, VIRTIO_BIT(i))) == NULL)
			name = virtio_feature_name(sc->sc_table,
			    sc->sc_ntable, VIRTIO_BIT(i));
		if (name != NULL)
			virtio_text_add(&vx, "%s", name);
		else
			virtio_text_add(&vx, "bit%u", i);
	}
	mtx_leave(&sc->sc_mtx);
	return (vx.vx_len);
}

static int
virtio_sysctl_driver(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;

	return (snprintf(buf, size, "%s", sc->sc_childname[0] != '\0' ?
	    sc->sc_childname : "none"));
}

static int
virtio_sysctl_transport(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;

	return (snprintf(buf, size, "%s", sc->sc_vt->vt_name));
}

static int
virtio_sysctl_status(void *arg, char *buf, size_t size)
{
	static const struct { uint8_t bit; const char *name; } names[] = {
		{ VIRTIO_STATUS_ACKNOWLEDGE, "ACKNOWLEDGE" },
		{ VIRTIO_STATUS_DRIVER, "DRIVER" },
		{ VIRTIO_STATUS_FEATURES_OK, "FEATURES_OK" },
		{ VIRTIO_STATUS_DRIVER_OK, "DRIVER_OK" },
		{ VIRTIO_STATUS_SUSPEND, "SUSPEND" },
		{ VIRTIO_STATUS_NEEDS_RESET, "DEVICE_NEEDS_RESET" },
		{ VIRTIO_STATUS_FAILED, "FAILED" },
	};
	struct virtio_softc *sc = arg;
	struct virtio_text vx = { buf, size, 0 };
	uint8_t status = virtio_get_status(sc);
	u_int i;

	if (status == 0)
		return (snprintf(buf, size, "RESET"));
	for (i = 0; i < nitems(names); i++) {
		if (status & names[i].bit)
			virtio_text_add(&vx, "%s", names[i].name);
	}
	return (vx.vx_len);
}

static int
virtio_sysctl_offered(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;

	return (virtio_print_features(sc, sc->sc_offered, buf, size));
}

static int
virtio_sysctl_features(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;

	return (virtio_print_features(sc, sc->sc_features, buf, size));
}

static int
virtio_sysctl_queues(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;
	struct virtio_text vx = { buf, size, 0 };
	u_int i;

	if (size != 0)
		buf[0] = '\0';
	mtx_enter(&sc->sc_mtx);
	for (i = 0; i < sc->sc_nvq; i++)
		virtio_text_add(&vx, "%s:%u", sc->sc_vq[i].vq_name,
		    sc->sc_vq[i].vq_num);
	mtx_leave(&sc->sc_mtx);
	return (vx.vx_len);
}

static int
virtio_sysctl_interrupts(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;

	return (snprintf(buf, size, "%llu", (unsigned long long)
	    __atomic_load_n(&sc->sc_nintr, __ATOMIC_RELAXED)));
}

/* A counter of all queues together. */
static int
virtio_sysctl_sum(struct virtio_softc *sc, size_t off, char *buf, size_t size)
{
	unsigned long long sum = 0;
	u_int i;

	mtx_enter(&sc->sc_mtx);
	for (i = 0; i < sc->sc_nvq; i++)
		sum += __atomic_load_n((uint64_t *)((char *)&sc->sc_vq[i] +
		    off), __ATOMIC_RELAXED);
	mtx_leave(&sc->sc_mtx);
	return (snprintf(buf, size, "%llu", sum));
}

static int
virtio_sysctl_notifications(void *arg, char *buf, size_t size)
{
	return (virtio_sysctl_sum(arg, offsetof(struct virtqueue, vq_nnotify),
	    buf, size));
}

static int
virtio_sysctl_requests(void *arg, char *buf, size_t size)
{
	return (virtio_sysctl_sum(arg, offsetof(struct virtqueue,
	    vq_nrequest), buf, size));
}

static int
virtio_sysctl_cut(void *arg, char *buf, size_t size)
{
	return (virtio_sysctl_sum(arg, offsetof(struct virtqueue, vq_ncut),
	    buf, size));
}

static int
virtio_sysctl_restarts(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;

	return (snprintf(buf, size, "%u", sc->sc_nrestart));
}

/* "1:0x8000000000+0x4000000": id, address, size */
static int
virtio_sysctl_shm(void *arg, char *buf, size_t size)
{
	struct virtio_text vx = { buf, size, 0 };
	struct virtio_shm vs;
	u_int id;

	if (size != 0)
		buf[0] = '\0';
	for (id = 0; id <= UINT8_MAX; id++) {
		if (virtio_shm(arg, id, &vs) == 0)
			virtio_text_add(&vx, "%u:%#llx+%#llx", id,
			    (unsigned long long)vs.vs_addr,
			    (unsigned long long)vs.vs_size);
	}
	return (vx.vx_len);
}

static int
virtio_sysctl_state(void *arg, char *buf, size_t size)
{
	static const char *const names[] = {
		[VS_RESET] = "reset", [VS_DRIVER] = "negotiating",
		[VS_FEATURES] = "negotiating", [VS_QUEUES] = "starting",
		[VS_RUNNING] = "running", [VS_SUSPENDED] = "suspended",
		[VS_BROKEN] = "broken", [VS_STOPPED] = "stopped",
	};
	struct virtio_softc *sc = arg;

	return (snprintf(buf, size, "%s", names[sc->sc_state]));
}

static int
virtio_sysctl_control(void *arg, const char *s)
{
	return (virtio_control(arg, s));
}

void
virtio_sysctl_attach(struct virtio_softc *sc)
{
	static const struct {
		const char	*name;
		int		(*read)(void *, char *, size_t);
	} oids[VIRTIO_NSYSCTL] = {
		{ "driver", virtio_sysctl_driver },
		{ "transport", virtio_sysctl_transport },
		{ "status", virtio_sysctl_status },
		{ "host_features", virtio_sysctl_offered },
		{ "features", virtio_sysctl_features },
		{ "queues", virtio_sysctl_queues },
		{ "interrupts", virtio_sysctl_interrupts },
		{ "notifications", virtio_sysctl_notifications },
		{ "requests", virtio_sysctl_requests },
		{ "cut", virtio_sysctl_cut },
		{ "restarts", virtio_sysctl_restarts },
		{ "shm", virtio_sysctl_shm },
		{ "control", virtio_sysctl_state },
	};
	struct sysctl_oid *so;

	for (; sc->sc_nsysctl < nitems(oids); sc->sc_nsysctl++) {
		so = &sc->sc_sysctl[sc->sc_nsysctl];
		snprintf(so->so_name, sizeof(so->so_name), "hw.virtio.%d.%s",
		    sc->sc_dev.dv_unit, oids[sc->sc_nsysctl].name);
		so->so_read = oids[sc->sc_nsysctl].read;
		if (so->so_read == virtio_sysctl_state)
			so->so_write = virtio_sysctl_control;
		so->so_arg = sc;
		if (sysctl_register(so) != 0)
			break;
	}
}

void
virtio_sysctl_detach(struct virtio_softc *sc)
{
	while (sc->sc_nsysctl > 0)
		sysctl_unregister(&sc->sc_sysctl[--sc->sc_nsysctl]);
}

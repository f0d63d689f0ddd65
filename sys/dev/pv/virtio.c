/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio(4): what all devices have in common above their transports.  The
 * order of things is that of VIRTIO 1.4, 3.1.1 Device Initialization.
 *
 * Locks: a queue's mutex, then sc_mtx; sc_mtx guards sc_state, the task's
 * members, and the registers that work through a selector.
 */

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <dev/pv/virtio_transport.h>
#include <dev/pv/vq_format.h>

#define RESET_SPIN_USEC		10000	/* poll at first, then sleep */
#define RESET_MSEC		3000	/* in all */
#define CONFIG_TRIES		16
#define QUEUE_SIZE		256	/* where the driver has no wish */

#define TODO_CONFIG		0x01
#define TODO_FAILURE		0x02

/* The argument of a vector's handler. */
struct virtio_vecarg {
	struct virtio_softc	*vva_sc;
	struct virtqueue	*vva_vq;	/* NULL: several, or none */
	uint16_t		 vva_vec;
};

/* Chapter 6; those above bit 23 that a driver has no part in. */
static const struct virtio_feature ring_features[] = {
	{ VIRTIO_F_NOTIFY_ON_EMPTY, 0, VFF_UNUSED, "NOTIFY_ON_EMPTY" },
	{ VIRTIO_F_ANY_LAYOUT, 0, 0, "ANY_LAYOUT" },
	{ VIRTIO_F_INDIRECT_DESC, 0, 0, "INDIRECT_DESC" },
	{ VIRTIO_F_EVENT_IDX, 0, 0, "EVENT_IDX" },
	{ VIRTIO_F_VERSION_1, 0, 0, "VERSION_1" },
	{ VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_VERSION_1, 0, "ACCESS_PLATFORM" },
	{ VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1, VFF_UNUSED,
	    "RING_PACKED" },
	{ VIRTIO_F_IN_ORDER, VIRTIO_F_VERSION_1, VFF_UNUSED, "IN_ORDER" },
	{ VIRTIO_F_ORDER_PLATFORM, VIRTIO_F_VERSION_1, 0, "ORDER_PLATFORM" },
	{ VIRTIO_F_SR_IOV, VIRTIO_F_VERSION_1, VFF_UNUSED, "SR_IOV" },
	{ VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_VERSION_1, 0,
	    "NOTIFICATION_DATA" },
	{ VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_VERSION_1, VFF_UNUSED,
	    "NOTIF_CONFIG_DATA" },
	{ VIRTIO_F_RING_RESET, VIRTIO_F_VERSION_1, VFF_UNUSED, "RING_RESET" },
	{ VIRTIO_F_ADMIN_VQ, VIRTIO_F_VERSION_1, VFF_UNUSED, "ADMIN_VQ" },
	{ VIRTIO_F_SUSPEND, VIRTIO_F_VERSION_1, VFF_UNUSED, "SUSPEND" },
};

CFDRIVER_DECL(virtio, DV_DULL);

static void	virtio_task(void *);
static void	virtio_changed(struct virtio_softc *);
static void	virtio_sysctl_attach(struct virtio_softc *);
static void	virtio_sysctl_detach(struct virtio_softc *);

/* --- registers ---------------------------------------------------------- */

/* A device that has gone is not touched. */
static bool
virtio_gone(const struct virtio_softc *sc)
{
	return ((sc->sc_dev.dv_flags & DVF_GONE) != 0);
}

static uint8_t
virtio_get_status(struct virtio_softc *sc)
{
	uint8_t status = 0;

	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		status = sc->sc_vt->vt_get_status(sc);
	mtx_leave(&sc->sc_mtx);
	return (status);
}

static void
virtio_set_status(struct virtio_softc *sc, uint8_t status)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_status = status;
	if (!virtio_gone(sc))
		sc->sc_vt->vt_set_status(sc, status);
	mtx_leave(&sc->sc_mtx);
}

/*
 * 2.4 Device Reset.  A device that does not answer in time is cut off from
 * memory where the bus can do that, so that the queues can be freed.
 */
static int
virtio_reset(struct virtio_softc *sc)
{
	u_int usec, msec;

	virtio_set_status(sc, 0);
	for (usec = 0; usec < RESET_SPIN_USEC; usec += 10) {
		if (virtio_get_status(sc) == 0)
			return (0);
		delay(10);
	}
	for (msec = 0; msec < RESET_MSEC; msec++) {
		if (virtio_get_status(sc) == 0)
			return (0);
		(void)msleep_nsec(&sc->sc_status, NULL, PRI_KERN, "vreset",
		    MSEC_TO_NSEC(1));
	}
	if (sc->sc_vt->vt_cutoff != NULL && !virtio_gone(sc))
		sc->sc_vt->vt_cutoff(sc);
	return (ETIMEDOUT);
}

/* --- why a device is not used ------------------------------------------- */

/* The driver's line, if it has none yet; the device is told as well. */
static void __printflike(2, 3)
virtio_giveup(struct virtio_softc *sc, const char *fmt, ...)
{
	char why[sizeof(sc->sc_why)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (sc->sc_child != NULL && !(sc->sc_child->dv_flags & DVF_DESCRIBED))
		device_describe(sc->sc_child, "%s", why);
	virtio_set_status(sc, sc->sc_status | VIRTIO_STATUS_FAILED);
}

/* --- features: 2.2, 3.1.1 ----------------------------------------------- */

bool
virtio_offered(const struct virtio_softc *sc, uint64_t bits)
{
	return ((sc->sc_offered & bits) == bits);
}

bool
virtio_has(const struct virtio_softc *sc, uint64_t bits)
{
	return ((sc->sc_features & bits) == bits);
}

static uint64_t
virtio_wanted(const struct virtio_feature *vf, size_t n)
{
	uint64_t bits = 0;

	for (; n > 0; n--, vf++) {
		if (!(vf->vf_flags & VFF_UNUSED))
			bits |= vf->vf_bit;
	}
	return (bits);
}

/* Without those that lack what they need. */
static uint64_t
virtio_supported(const struct virtio_feature *vf, size_t n, uint64_t bits)
{
	for (; n > 0; n--, vf++) {
		if ((bits & vf->vf_bit) && (vf->vf_needs & ~bits))
			bits &= ~vf->vf_bit;
	}
	return (bits);
}

/* What to accept of what is offered. */
static uint64_t
virtio_choose(const struct virtio_softc *sc, uint64_t refuse)
{
	uint64_t bits, before;

	bits = virtio_wanted(ring_features, nitems(ring_features)) |
	    virtio_wanted(sc->sc_table, sc->sc_ntable);
	bits &= sc->sc_offered & ~refuse;
	if (sc->sc_legacy)
		bits &= UINT32_MAX;
	else
		bits &= ~VIRTIO_F_ANY_LAYOUT;
	/* barriers that reach a real bus, or none of this */
	if (!(sc->sc_dmat->bdt_flags & BDT_HARDWARE))
		bits &= ~VIRTIO_F_ORDER_PLATFORM;
	do {
		before = bits;
		bits = virtio_supported(ring_features, nitems(ring_features),
		    bits);
		bits = virtio_supported(sc->sc_table, sc->sc_ntable, bits);
	} while (bits != before);
	return (bits);
}

static int
virtio_check_features(struct virtio_softc *sc)
{
	size_t i;

	if (!sc->sc_legacy && !virtio_has(sc, VIRTIO_F_VERSION_1)) {
		virtio_giveup(sc, "device does not offer VERSION_1");
		return (ENXIO);
	}
	/* chapter 6: without it a device takes physical addresses only */
	if ((sc->sc_dmat->bdt_flags & BDT_TRANSLATED) &&
	    !virtio_has(sc, VIRTIO_F_ACCESS_PLATFORM)) {
		virtio_giveup(sc, "device does not offer ACCESS_PLATFORM");
		return (ENXIO);
	}
	for (i = 0; i < sc->sc_ntable; i++) {
		if ((sc->sc_table[i].vf_flags & VFF_REQUIRED) &&
		    !virtio_has(sc, sc->sc_table[i].vf_bit)) {
			virtio_giveup(sc, "device does not offer %s",
			    sc->sc_table[i].vf_name);
			return (ENXIO);
		}
	}
	return (0);
}

/* Tell the device what was chosen: the steps up to FEATURES_OK. */
static int
virtio_write_features(struct virtio_softc *sc)
{
	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		sc->sc_vt->vt_set_features(sc, sc->sc_features);
	mtx_leave(&sc->sc_mtx);
	if (sc->sc_legacy)
		return (0);
	virtio_set_status(sc, sc->sc_status | VIRTIO_STATUS_FEATURES_OK);
	if (!(virtio_get_status(sc) & VIRTIO_STATUS_FEATURES_OK)) {
		virtio_giveup(sc, "device refuses FEATURES_OK");
		return (ENXIO);
	}
	return (0);
}

/* From any state to one in which features can be written. */
static int
virtio_begin(struct virtio_softc *sc)
{
	int error;

	if (virtio_gone(sc))
		return (ENXIO);
	if (sc->sc_status != 0 && (error = virtio_reset(sc)) != 0) {
		virtio_giveup(sc, "device cannot be reset");
		return (error);
	}
	virtio_set_status(sc, VIRTIO_STATUS_ACKNOWLEDGE);
	virtio_set_status(sc, VIRTIO_STATUS_ACKNOWLEDGE |
	    VIRTIO_STATUS_DRIVER);
	sc->sc_state = VS_DRIVER;
	return (0);
}

int
virtio_negotiate(struct virtio_softc *sc, struct device *child,
    const struct virtio_feature *table, size_t n, uint64_t refuse)
{
	int error;

	KASSERT(sc->sc_state <= VS_FEATURES);
	sc->sc_child = child;
	sc->sc_tried = true;
	strlcpy(sc->sc_childname, child->dv_xname, sizeof(sc->sc_childname));
	mtx_enter(&sc->sc_mtx);
	sc->sc_table = table;
	sc->sc_ntable = n;
	sc->sc_taskoff = false;
	mtx_leave(&sc->sc_mtx);
	if ((error = virtio_begin(sc)) != 0)
		return (error);
	sc->sc_features = virtio_choose(sc, refuse);
	if ((error = virtio_check_features(sc)) != 0 ||
	    (error = virtio_write_features(sc)) != 0)
		return (error);
	sc->sc_state = VS_FEATURES;
	return (0);
}

/* The same once more, after a reset. */
static int
virtio_renegotiate(struct virtio_softc *sc)
{
	uint64_t offered = 0;
	int error;

	if ((error = virtio_begin(sc)) != 0)
		return (error);
	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		offered = sc->sc_vt->vt_get_features(sc);
	mtx_leave(&sc->sc_mtx);
	if ((sc->sc_features & ~offered) != 0) {
		virtio_giveup(sc, "device offers less than before");
		return (ENXIO);
	}
	if ((error = virtio_write_features(sc)) != 0)
		return (error);
	sc->sc_state = VS_FEATURES;
	return (0);
}

/* --- device configuration: 2.5 ------------------------------------------ */

/* One element to or from an image; 64 bits are two times 32, low first. */
static bool
virtio_config_element(struct virtio_softc *sc, bus_size_t off, u_int width,
    void *to, bool there)
{
	union { uint8_t u8; uint16_t u16; uint32_t u32; uint64_t u64; } v;
	bool changed;

	v.u64 = 0;
	if (there) {
		switch (width) {
		case 1:
			v.u8 = sc->sc_vt->vt_config_read(sc, off, 1);
			break;
		case 2:
			v.u16 = sc->sc_vt->vt_config_read(sc, off, 2);
			break;
		case 4:
			v.u32 = sc->sc_vt->vt_config_read(sc, off, 4);
			break;
		default:
			v.u64 = sc->sc_vt->vt_config_read(sc, off, 4);
			v.u64 |= (uint64_t)sc->sc_vt->vt_config_read(sc,
			    off + 4, 4) << 32;
			break;
		}
	}
	changed = memcmp(to, &v, width) != 0;
	memcpy(to, &v, width);
	return (changed);
}

static bool
virtio_field_there(const struct virtio_softc *sc,
    const struct virtio_field *vc, bus_size_t off)
{
	return ((sc->sc_offered & vc->vc_need) == vc->vc_need &&
	    off + vc->vc_width <= sc->sc_cfgsize && !virtio_gone(sc));
}

/* Read all fields once; true: something is not as in the image. */
static bool
virtio_config_pass(struct virtio_softc *sc, const struct virtio_field *vc,
    size_t n, void *image)
{
	bool changed = false;
	bus_size_t off;
	u_int i;

	for (; n > 0; n--, vc++) {
		for (i = 0; i < vc->vc_count; i++) {
			off = vc->vc_off + i * vc->vc_width;
			if (virtio_config_element(sc, off, vc->vc_width,
			    (char *)image + off,
			    virtio_field_there(sc, vc, off)))
				changed = true;
		}
	}
	return (changed);
}

/* 2.5.4: no generation, so read until two in a row are the same. */
static int
virtio_config_twice(struct virtio_softc *sc, const struct virtio_field *vc,
    size_t n, void *image)
{
	u_int i;

	(void)virtio_config_pass(sc, vc, n, image);
	if (n == 1 && vc->vc_count == 1 && vc->vc_width <= 4)
		return (0);
	for (i = 0; i < CONFIG_TRIES; i++) {
		if (!virtio_config_pass(sc, vc, n, image))
			return (0);
	}
	return (EIO);
}

int
virtio_config_read(struct virtio_softc *sc, const struct virtio_field *vc,
    size_t n, void *image)
{
	uint32_t before;
	u_int i;

	if (virtio_gone(sc))
		return (ENXIO);
	if (sc->sc_vt->vt_config_gen == NULL)
		return (virtio_config_twice(sc, vc, n, image));
	for (i = 0; i < CONFIG_TRIES; i++) {
		before = sc->sc_vt->vt_config_gen(sc);
		(void)virtio_config_pass(sc, vc, n, image);
		if (virtio_gone(sc))
			return (ENXIO);
		if (sc->sc_vt->vt_config_gen(sc) == before) {
			sc->sc_gen = before;
			return (0);
		}
	}
	return (EIO);
}

static void
virtio_config_put(struct virtio_softc *sc, bus_size_t off, u_int width,
    const void *from)
{
	union { uint8_t u8; uint16_t u16; uint32_t u32; uint64_t u64; } v;

	memcpy(&v, from, width);
	switch (width) {
	case 1:
		sc->sc_vt->vt_config_write(sc, off, 1, v.u8);
		break;
	case 2:
		sc->sc_vt->vt_config_write(sc, off, 2, v.u16);
		break;
	case 4:
		sc->sc_vt->vt_config_write(sc, off, 4, v.u32);
		break;
	default:
		sc->sc_vt->vt_config_write(sc, off, 4, v.u64);
		sc->sc_vt->vt_config_write(sc, off + 4, 4, v.u64 >> 32);
		break;
	}
}

int
virtio_config_write(struct virtio_softc *sc, const struct virtio_field *vc,
    size_t n, const void *image)
{
	bus_size_t off;
	u_int i;

	for (; n > 0; n--, vc++) {
		for (i = 0; i < vc->vc_count; i++) {
			off = vc->vc_off + i * vc->vc_width;
			if (!virtio_field_there(sc, vc, off))
				return (ENXIO);
			virtio_config_put(sc, off, vc->vc_width,
			    (const char *)image + off);
		}
	}
	return (0);
}

/* --- interrupts --------------------------------------------------------- */

static void
virtio_call_queues(struct virtio_softc *sc, uint16_t vec)
{
	struct virtqueue *vq;
	u_int i;

	for (i = 0; i < sc->sc_nvq; i++) {
		vq = &sc->sc_vq[i];
		if (vq->vq_vec == vec && vq->vq_fn != NULL)
			vq->vq_fn(vq->vq_arg);
	}
}

/*
 * One vector for everything, and with MSI-X there is no ISR status to tell
 * what it was: look at the generation, and also if no queue has anything,
 * since a device that needs a reset does not change its configuration.
 */
static void
virtio_vec_guess(struct virtio_softc *sc, uint16_t vec)
{
	struct virtqueue *vq;
	bool work = false;
	u_int i;

	for (i = 0; i < sc->sc_nvq && !work; i++) {
		vq = &sc->sc_vq[i];
		work = vq->vq_fn != NULL && vq->vq_fmt->vf_hint(vq);
	}
	if (!work || (sc->sc_vt->vt_config_gen != NULL &&
	    sc->sc_vt->vt_config_gen(sc) != sc->sc_gen))
		virtio_changed(sc);
	virtio_call_queues(sc, vec);
}

static int
virtio_vec_intr(void *arg)
{
	struct virtio_vecarg *vva = arg;
	struct virtio_softc *sc = vva->vva_sc;

	__atomic_add_fetch(&sc->sc_nintr, 1, __ATOMIC_RELAXED);
	if (sc->sc_state != VS_RUNNING || virtio_gone(sc))
		return (1);
	if (vva->vva_vq != NULL)
		vva->vva_vq->vq_fn(vva->vva_vq->vq_arg);
	else if (vva->vva_vec != sc->sc_config_vec)
		virtio_call_queues(sc, vva->vva_vec);
	else if (sc->sc_nvecarg == 1)
		virtio_vec_guess(sc, vva->vva_vec);
	else
		virtio_changed(sc);
	return (1);
}

int
virtio_intr(struct virtio_softc *sc, u_int isr)
{
	if (isr == 0)
		return (0);
	__atomic_add_fetch(&sc->sc_nintr, 1, __ATOMIC_RELAXED);
	if (sc->sc_state != VS_RUNNING)
		return (1);
	if (isr & VIRTIO_ISR_CONFIG)
		virtio_changed(sc);
	if (isr & VIRTIO_ISR_QUEUE)
		virtio_call_queues(sc, VQ_NO_VEC);
	return (1);
}

/* Ways to share vectors, best first. */
enum virtio_plan { VP_QUEUE, VP_CPU, VP_TWO, VP_ONE, VP_LINE, VP_NONE };

/*
 * Give each queue a vector; returns how many that makes, 0 if this plan does
 * not apply or needs more than there are.
 */
static u_int
virtio_plan(struct virtio_softc *sc, enum virtio_plan plan, u_int nvec)
{
	u_int i, nq = 0, share, k = 0;

	for (i = 0; i < sc->sc_nvq; i++) {
		if (sc->sc_vq[i].vq_fn != NULL)
			nq++;
	}
	switch (plan) {
	case VP_QUEUE:
		share = nq;
		break;
	case VP_CPU:
		share = md_ncpus();
		if (share >= nq)
			return (0);
		break;
	case VP_TWO:
		share = nq == 0 ? 0 : 1;
		break;
	default:
		share = 0;
		break;
	}
	if (nvec < 1 + share)
		return (0);
	for (i = 0; i < sc->sc_nvq; i++) {
		sc->sc_vq[i].vq_vec = sc->sc_vq[i].vq_fn == NULL ? VQ_NO_VEC :
		    share == 0 ? 0 : 1 + k++ % share;
	}
	sc->sc_config_vec = 0;
	return (1 + share);
}

static void
virtio_plan_line(struct virtio_softc *sc)
{
	u_int i;

	for (i = 0; i < sc->sc_nvq; i++)
		sc->sc_vq[i].vq_vec = VQ_NO_VEC;
	sc->sc_config_vec = VQ_NO_VEC;
}

/* What a vector is for: its name, its CPU, and its queue if it is alone. */
static void
virtio_plan_vec(struct virtio_softc *sc, u_int vec, struct virtio_vec *vv,
    struct virtio_vecarg *vva)
{
	struct virtqueue *vq = NULL;
	u_int i, n = 0;

	for (i = 0; i < sc->sc_nvq; i++) {
		if (sc->sc_vq[i].vq_vec == vec) {
			vq = &sc->sc_vq[i];
			n++;
		}
	}
	*vva = (struct virtio_vecarg){ .vva_sc = sc, .vva_vec = vec,
	    .vva_vq = n == 1 && vec != sc->sc_config_vec ? vq : NULL };
	*vv = (struct virtio_vec){ .vv_fn = virtio_vec_intr, .vv_arg = vva,
	    .vv_cpu = vq == NULL ? NULL : vq->vq_cpu };
	snprintf(vv->vv_name, sizeof(vv->vv_name), "%s %s", sc->sc_childname,
	    vva->vva_vq != NULL ? vq->vq_name :
	    vec != sc->sc_config_vec ? "queues" :
	    n == 0 ? "config" : "all");
}

static void
virtio_intr_free(struct virtio_softc *sc)
{
	sc->sc_vt->vt_intr_free(sc);
	kmem_free(sc->sc_vecarg, sc->sc_nvecarg * sizeof(*sc->sc_vecarg));
	sc->sc_vecarg = NULL;
	sc->sc_nvecarg = 0;
}

static int
virtio_intr_setup(struct virtio_softc *sc, enum ipl ipl, u_int n)
{
	struct virtio_vec *vv;
	u_int i;
	int error;

	if (n == 0)
		return (sc->sc_vt->vt_intr_setup(sc, ipl, NULL, 0));
	vv = kmem_zalloc(n * sizeof(*vv), KM_NOSLEEP);
	sc->sc_vecarg = kmem_zalloc(n * sizeof(*sc->sc_vecarg), KM_NOSLEEP);
	sc->sc_nvecarg = n;
	if (vv == NULL || sc->sc_vecarg == NULL)
		error = ENOMEM;
	else {
		for (i = 0; i < n; i++)
			virtio_plan_vec(sc, i, &vv[i], &sc->sc_vecarg[i]);
		error = sc->sc_vt->vt_intr_setup(sc, ipl, vv, n);
	}
	kmem_free(vv, n * sizeof(*vv));
	if (error != 0)
		virtio_intr_free(sc);
	return (error);
}

/* --- queues ------------------------------------------------------------- */

/* The size: the device's largest, ours, or what the two allow. */
static int
virtio_queue_size(struct virtio_softc *sc, const struct virtqueue_conf *vqc,
    uint16_t *nump)
{
	u_int max = 0, num;

	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		max = sc->sc_vt->vt_queue_max(sc, vqc->vqc_index);
	mtx_leave(&sc->sc_mtx);
	if (max == 0) {
		virtio_giveup(sc, "there is no %s queue", vqc->vqc_name);
		return (ENXIO);
	}
	/* 2.7: a power of two, 32768 at most; legacy sizes are fixed */
	if (max > VIRTQ_SIZE_MAX || (sc->sc_legacy && !powerof2(max))) {
		virtio_giveup(sc, "%s queue of size %u", vqc->vqc_name, max);
		return (ENXIO);
	}
	if (sc->sc_legacy)
		num = max;
	else {
		num = vqc->vqc_size == 0 ? QUEUE_SIZE : vqc->vqc_size;
		num = MIN(num, max);
		while (!powerof2(num))
			num &= num - 1;
	}
	*nump = num;
	return (0);
}

static int
virtio_queue_alloc(struct virtio_softc *sc, struct virtqueue *vq,
    const struct virtqueue_conf *vqc)
{
	uint16_t num;
	int error;

	if ((error = virtio_queue_size(sc, vqc, &num)) != 0)
		return (error);
	vq->vq_fmt = &vq_split;
	vq->vq_vsc = sc;
	vq->vq_dmat = sc->sc_dmat;
	vq->vq_event = virtio_has(sc, VIRTIO_F_EVENT_IDX);
	return (vq_alloc(vq, vqc, num, virtio_has(sc, VIRTIO_F_INDIRECT_DESC),
	    sc->sc_legacy));
}

static void
virtio_queues_free(struct virtio_softc *sc)
{
	struct virtqueue *vq;
	u_int i, n;

	mtx_enter(&sc->sc_mtx);		/* sysctl(8) may be looking at them */
	vq = sc->sc_vq;
	n = sc->sc_nvq;
	sc->sc_vq = NULL;
	sc->sc_nvq = 0;
	mtx_leave(&sc->sc_mtx);
	for (i = 0; i < n; i++)
		vq_free(&vq[i]);
	kmem_free(vq, n * sizeof(*vq));
}

/* Tell the device where its queues are, and which vectors to use. */
static int
virtio_queues_on(struct virtio_softc *sc)
{
	int error = 0;
	u_int i;

	mtx_enter(&sc->sc_mtx);
	if (virtio_gone(sc))
		error = ENXIO;
	else if (sc->sc_config_vec != VQ_NO_VEC)
		error = sc->sc_vt->vt_config_vec(sc, sc->sc_config_vec);
	for (i = 0; i < sc->sc_nvq && error == 0; i++)
		error = sc->sc_vt->vt_queue_on(sc, &sc->sc_vq[i]);
	mtx_leave(&sc->sc_mtx);
	if (error != 0 && error != EBUSY)
		virtio_giveup(sc, "queues cannot be set up, error %d", error);
	return (error);
}

/*
 * Vectors and queues together, since a device may refuse a vector only when
 * it is assigned (4.1.5.1.2.2): then begin again with fewer.
 */
static int
virtio_queues_setup(struct virtio_softc *sc, enum ipl ipl)
{
	enum virtio_plan plan;
	u_int nvec, n;
	int error;

	nvec = sc->sc_vt->vt_nvec(sc);
	for (plan = VP_QUEUE; plan < VP_NONE; plan++) {
		if (plan == VP_LINE) {
			virtio_plan_line(sc);
			n = 0;
		} else if ((n = virtio_plan(sc, plan, nvec)) == 0)
			continue;
		if (virtio_intr_setup(sc, ipl, n) != 0)
			continue;
		if ((error = virtio_queues_on(sc)) != EBUSY)
			return (error);
		virtio_intr_free(sc);
		if ((error = virtio_renegotiate(sc)) != 0)
			return (error);
	}
	virtio_giveup(sc, "no interrupt");
	return (ENXIO);
}

int
virtio_queues(struct virtio_softc *sc, enum ipl ipl,
    const struct virtqueue_conf *vqc, u_int n, struct virtqueue **vqp)
{
	u_int i;
	int error;

	KASSERT(sc->sc_state == VS_FEATURES && sc->sc_nvq == 0);
	if (n != 0) {
		sc->sc_vq = kmem_zalloc(n * sizeof(*sc->sc_vq), KM_NOSLEEP);
		if (sc->sc_vq == NULL)
			return (ENOMEM);
		for (i = 0; i < n; i++)
			strlcpy(sc->sc_vq[i].vq_name, vqc[i].vqc_name,
			    sizeof(sc->sc_vq[i].vq_name));
		sc->sc_nvq = n;
	}
	for (i = 0; i < n; i++) {
		error = virtio_queue_alloc(sc, &sc->sc_vq[i], &vqc[i]);
		if (error != 0)
			return (error);
	}
	if ((error = virtio_queues_setup(sc, ipl)) != 0)
		return (error);
	for (i = 0; i < n; i++) {
		sc->sc_vq[i].vq_stopped = false;
		vqp[i] = &sc->sc_vq[i];
	}
	sc->sc_state = VS_QUEUES;
	return (0);
}

void
virtio_notify(struct virtio_softc *sc, struct virtqueue *vq)
{
	/* 3.1.1: no notification before DRIVER_OK; see virtio_start() */
	if (sc->sc_state < VS_RUNNING)
		vq->vq_kick = true;
	else if (sc->sc_state == VS_RUNNING && !virtio_gone(sc)) {
		vq->vq_kick = false;
		vq->vq_nnotify++;
		sc->sc_vt->vt_notify(sc, vq, vq->vq_fmt->vf_notify_data(vq));
	}
}

/* --- life --------------------------------------------------------------- */

bus_dma_tag_t
virtio_dmat(const struct virtio_softc *sc)
{
	return (sc->sc_dmat);
}

int
virtio_start(struct virtio_softc *sc)
{
	uint8_t status;
	u_int i;

	KASSERT(sc->sc_state == VS_QUEUES);
	mtx_enter(&sc->sc_mtx);
	sc->sc_state = VS_RUNNING;
	mtx_leave(&sc->sc_mtx);
	virtio_set_status(sc, sc->sc_status | VIRTIO_STATUS_DRIVER_OK);
	status = virtio_get_status(sc);
	if (!(status & VIRTIO_STATUS_DRIVER_OK) ||
	    (status & VIRTIO_STATUS_NEEDS_RESET)) {
		virtio_giveup(sc, "device refuses DRIVER_OK");
		return (EIO);
	}
	for (i = 0; i < sc->sc_nvq; i++) {
		struct virtqueue *vq = &sc->sc_vq[i];

		mtx_enter(vq->vq_mtx);
		if (vq->vq_kick)
			virtio_notify(sc, vq);
		mtx_leave(vq->vq_mtx);
	}
	return (0);
}

/* Nothing goes in or out any more, and the device forgets its queues. */
static void
virtio_halt(struct virtio_softc *sc)
{
	u_int i;

	for (i = 0; i < sc->sc_nvq; i++) {
		mtx_enter(sc->sc_vq[i].vq_mtx);
		sc->sc_vq[i].vq_stopped = true;
		mtx_leave(sc->sc_vq[i].vq_mtx);
	}
	mtx_enter(&sc->sc_mtx);
	sc->sc_state = VS_STOPPED;
	mtx_leave(&sc->sc_mtx);
	if (virtio_reset(sc) != 0)
		printf("%s: does not stop, taken off the bus\n",
		    sc->sc_dev.dv_xname);
	sc->sc_vt->vt_intr_barrier(sc);
}

/* The task does not run after this, unless it is the task that asks. */
static void
virtio_task_stop(struct virtio_softc *sc)
{
	(void)task_del(systq, &sc->sc_task);
	mtx_enter(&sc->sc_mtx);
	sc->sc_taskoff = true;
	sc->sc_todo = 0;
	while (sc->sc_taskrun != NULL && sc->sc_taskrun != curthread)
		(void)msleep_nsec(&sc->sc_taskrun, &sc->sc_mtx, PRI_KERN,
		    "vtask", INFSLP);
	mtx_leave(&sc->sc_mtx);
}

void
virtio_stop(struct virtio_softc *sc)
{
	virtio_task_stop(sc);
	/* an attach that comes to nothing because the device failed */
	if (sc->sc_state == VS_BROKEN && sc->sc_child != NULL &&
	    !(sc->sc_child->dv_flags & DVF_DESCRIBED))
		device_describe(sc->sc_child, "%s", sc->sc_why);
	if (sc->sc_state >= VS_QUEUES && sc->sc_state != VS_STOPPED)
		virtio_halt(sc);
}

int
virtio_restart(struct virtio_softc *sc)
{
	uint16_t max;
	u_int i;
	int error;

	if (sc->sc_state != VS_STOPPED)
		return (EINVAL);
	if ((error = virtio_renegotiate(sc)) != 0)
		return (error);
	for (i = 0; i < sc->sc_nvq && error == 0; i++) {
		struct virtqueue *vq = &sc->sc_vq[i];

		mtx_enter(&sc->sc_mtx);
		max = virtio_gone(sc) ? 0 :
		    sc->sc_vt->vt_queue_max(sc, vq->vq_index);
		mtx_leave(&sc->sc_mtx);
		if (sc->sc_legacy ? max != vq->vq_num : max < vq->vq_num)
			error = ENXIO;
		else if (vq->vq_nlent != 0)
			error = EBUSY;
		else
			vq_reset(vq);
	}
	if (error != 0 || (error = virtio_queues_on(sc)) != 0) {
		(void)virtio_reset(sc);
		sc->sc_state = VS_STOPPED;
		return (error);
	}
	for (i = 0; i < sc->sc_nvq; i++)
		sc->sc_vq[i].vq_stopped = false;
	sc->sc_state = VS_QUEUES;
	sc->sc_taskoff = false;
	return (virtio_start(sc));
}

void
virtio_end(struct virtio_softc *sc)
{
	virtio_stop(sc);
	if (sc->sc_status != 0)
		(void)virtio_reset(sc);
	virtio_intr_free(sc);
	virtio_queues_free(sc);
	sc->sc_config_fn = sc->sc_failure_fn = NULL;
	mtx_enter(&sc->sc_mtx);
	sc->sc_table = NULL;
	sc->sc_ntable = 0;
	sc->sc_features = 0;
	sc->sc_child = NULL;
	sc->sc_childname[0] = '\0';
	sc->sc_state = VS_RESET;
	mtx_leave(&sc->sc_mtx);
}

/* --- what happens by itself --------------------------------------------- */

void
virtio_on_config(struct virtio_softc *sc, void (*fn)(void *), void *arg)
{
	sc->sc_config_arg = arg;
	sc->sc_config_fn = fn;
}

void
virtio_on_failure(struct virtio_softc *sc, void (*fn)(void *), void *arg)
{
	sc->sc_failure_arg = arg;
	sc->sc_failure_fn = fn;
}

/* Any context, also with the mutex of a queue. */
static void
virtio_todo(struct virtio_softc *sc, u_int what)
{
	mtx_enter(&sc->sc_mtx);
	if (!sc->sc_taskoff) {
		sc->sc_todo |= what;
		(void)task_add(systq, &sc->sc_task);
	}
	mtx_leave(&sc->sc_mtx);
}

static void
virtio_changed(struct virtio_softc *sc)
{
	virtio_todo(sc, TODO_CONFIG);
}

/*
 * The message waits for the task, since the caller may hold what the console
 * needs.
 */
void
virtio_fail(struct virtio_softc *sc, const char *fmt, ...)
{
	enum virtio_state was;
	char why[sizeof(sc->sc_why)];
	va_list ap;
	u_int i;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	mtx_enter(&sc->sc_mtx);
	was = sc->sc_state;
	if (was == VS_QUEUES || was == VS_RUNNING) {
		strlcpy(sc->sc_why, why, sizeof(sc->sc_why));
		sc->sc_state = VS_BROKEN;
		for (i = 0; i < sc->sc_nvq; i++)
			__atomic_store_n(&sc->sc_vq[i].vq_stopped, true,
			    __ATOMIC_RELAXED);
	}
	mtx_leave(&sc->sc_mtx);
	if (was == VS_QUEUES || was == VS_RUNNING)
		virtio_todo(sc, TODO_FAILURE);
}

static void
virtio_task_config(struct virtio_softc *sc)
{
	if (sc->sc_state != VS_RUNNING)
		return;
	if (!sc->sc_legacy &&
	    (virtio_get_status(sc) & VIRTIO_STATUS_NEEDS_RESET))
		virtio_fail(sc, "device needs a reset");
	else {
		if (sc->sc_vt->vt_config_gen != NULL && !virtio_gone(sc))
			sc->sc_gen = sc->sc_vt->vt_config_gen(sc);
		if (sc->sc_config_fn != NULL)
			sc->sc_config_fn(sc->sc_config_arg);
	}
}

static void
virtio_task_failure(struct virtio_softc *sc)
{
	printf("%s: %s; stopped\n", sc->sc_childname, sc->sc_why);
	virtio_halt(sc);
	if (sc->sc_failure_fn != NULL)
		sc->sc_failure_fn(sc->sc_failure_arg);
}

/* In a thread of systq. */
static void
virtio_task(void *arg)
{
	struct virtio_softc *sc = arg;
	u_int todo;

	mtx_enter(&sc->sc_mtx);
	if (sc->sc_taskoff) {
		mtx_leave(&sc->sc_mtx);
		return;
	}
	todo = sc->sc_todo;
	sc->sc_todo = 0;
	sc->sc_taskrun = curthread;
	mtx_leave(&sc->sc_mtx);
	if (todo & TODO_CONFIG)
		virtio_task_config(sc);
	if (todo & TODO_FAILURE)
		virtio_task_failure(sc);
	mtx_enter(&sc->sc_mtx);
	sc->sc_taskrun = NULL;
	wakeup(&sc->sc_taskrun);
	mtx_leave(&sc->sc_mtx);
}

/* --- attachment --------------------------------------------------------- */

int
virtio_flags(const struct device *dev)
{
	int flags = dev->dv_cfdata->cf_flags;
	const char *v, *end;
	uint64_t n;
	u_int i;

	for (i = 0; (v = cmdline_get("virtio.flags", i)) != NULL; i++) {
		if (strtonum64(v, &end, &n) == 0 && *end == '\0' &&
		    n <= INT32_MAX)
			flags = n;
		else
			cmdline_bad("virtio.flags", v);
	}
	return (flags);
}

int
virtio_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct virtio_ident *vi = cf->cf_attach->ca_ident;
	const struct virtio_attach_args *va = aux;

	return (vi->vi_devid == va->va_devid);
}

/* "Block Device at virtio0 not configured" */
static void
virtio_print(const void *aux, struct cfident *id)
{
	const struct virtio_attach_args *va = aux;
	const char *what = strchr(va->va_vsc->sc_what, ' ');

	if (what != NULL)
		strlcpy(id->ci_what, what + 1, sizeof(id->ci_what));
	else
		snprintf(id->ci_what, sizeof(id->ci_what), "device type %u",
		    va->va_devid);
}

int
virtio_attach_transport(struct virtio_softc *sc)
{
	struct virtio_attach_args va = { .va_vsc = sc,
	    .va_devid = sc->sc_devid };
	int error;

	mtx_init(&sc->sc_mtx, IPL_HIGH);
	task_set(&sc->sc_task, virtio_task, sc);
	sc->sc_state = VS_RESET;
	sc->sc_taskoff = true;
	if ((error = virtio_reset(sc)) != 0) {
		device_describe(&sc->sc_dev, "%s, cannot be reset",
		    sc->sc_what);
		return (error);
	}
	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		sc->sc_offered = sc->sc_vt->vt_get_features(sc);
	mtx_leave(&sc->sc_mtx);
	device_describe(&sc->sc_dev, "%s, %s", sc->sc_what,
	    sc->sc_legacy ? "0.9" : "1.x");
	virtio_sysctl_attach(sc);
	if (config_found(&sc->sc_dev, &va, virtio_print) != NULL)
		sc->sc_child = NULL;	/* only of use while it attaches */
	else if (sc->sc_tried) {
		/* 3.1.1: the driver has given up; nothing is set up */
		virtio_end(sc);
		virtio_set_status(sc, VIRTIO_STATUS_ACKNOWLEDGE |
		    VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FAILED);
	}
	return (0);
}

void
virtio_detach_transport(struct virtio_softc *sc)
{
	virtio_sysctl_detach(sc);
	virtio_end(sc);
}

/* --- sysctl hw.virtio.N ------------------------------------------------- */

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
virtio_feature_name(const struct virtio_feature *vf, size_t n, uint64_t bit)
{
	for (; n > 0; n--, vf++) {
		if (vf->vf_bit == bit)
			return (vf->vf_name);
	}
	return (NULL);
}

static int
virtio_print_features(struct virtio_softc *sc, uint64_t bits, char *buf,
    size_t size)
{
	struct virtio_text vx = { buf, size, 0 };
	const char *name;
	u_int i;

	if (size != 0)
		buf[0] = '\0';
	mtx_enter(&sc->sc_mtx);		/* the driver's table may go */
	for (i = 0; i < 64; i++) {
		if (!(bits >> i & 1))
			continue;
		if ((name = virtio_feature_name(ring_features,
		    nitems(ring_features), 1ULL << i)) == NULL)
			name = virtio_feature_name(sc->sc_table,
			    sc->sc_ntable, 1ULL << i);
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

static int
virtio_sysctl_notifications(void *arg, char *buf, size_t size)
{
	struct virtio_softc *sc = arg;
	unsigned long long sum = 0;
	u_int i;

	mtx_enter(&sc->sc_mtx);
	for (i = 0; i < sc->sc_nvq; i++)
		sum += sc->sc_vq[i].vq_nnotify;
	mtx_leave(&sc->sc_mtx);
	return (snprintf(buf, size, "%llu", sum));
}

static void
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
	};
	struct sysctl_oid *so;

	for (; sc->sc_nsysctl < nitems(oids); sc->sc_nsysctl++) {
		so = &sc->sc_sysctl[sc->sc_nsysctl];
		snprintf(so->so_name, sizeof(so->so_name), "hw.virtio.%d.%s",
		    sc->sc_dev.dv_unit, oids[sc->sc_nsysctl].name);
		so->so_read = oids[sc->sc_nsysctl].read;
		so->so_arg = sc;
		if (sysctl_register(so) != 0)
			break;
	}
}

static void
virtio_sysctl_detach(struct virtio_softc *sc)
{
	while (sc->sc_nsysctl > 0)
		sysctl_unregister(&sc->sc_sysctl[--sc->sc_nsysctl]);
}

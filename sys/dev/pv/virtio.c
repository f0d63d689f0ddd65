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

#include <dev/pv/virtio_priv.h>

#define SPIN_USEC		10000	/* poll at first, then sleep */
#define RESET_MSEC		3000	/* in all */
#define SUSPEND_MSEC		10000
#define IDLE_MSEC		1000
#define CONFIG_TRIES		16
#define QUEUE_SIZE		256	/* where the driver has no wish */

/* The argument of a vector's handler. */
struct virtio_vecarg {
	struct virtio_softc	*vva_sc;
	struct virtqueue	*vva_vq;	/* NULL: several, or none */
	uint16_t		 vva_vec;
};

/* Chapter 6; those above bit 23 that a driver has no part in. */
const struct virtio_feature virtio_ring_features[] = {
	/* an interrupt more for each batch: only for a driver that lists it */
	{ VIRTIO_F_NOTIFY_ON_EMPTY, 0, VFF_UNUSED, "NOTIFY_ON_EMPTY" },
	{ VIRTIO_F_ANY_LAYOUT, 0, 0, "ANY_LAYOUT" },
	{ VIRTIO_F_INDIRECT_DESC, 0, 0, "INDIRECT_DESC" },
	{ VIRTIO_F_EVENT_IDX, 0, 0, "EVENT_IDX" },
	{ VIRTIO_F_VERSION_1, 0, 0, "VERSION_1" },
	{ VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_VERSION_1, 0, "ACCESS_PLATFORM" },
	{ VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1, 0, "RING_PACKED" },
	{ VIRTIO_F_IN_ORDER, VIRTIO_F_VERSION_1, 0, "IN_ORDER" },
	{ VIRTIO_F_ORDER_PLATFORM, VIRTIO_F_VERSION_1, 0, "ORDER_PLATFORM" },
	{ VIRTIO_F_SR_IOV, VIRTIO_F_VERSION_1, VFF_UNUSED, "SR_IOV" },
	{ VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_VERSION_1, 0,
	    "NOTIFICATION_DATA" },
	{ VIRTIO_F_NOTIF_CONFIG_DATA, VIRTIO_F_VERSION_1, 0,
	    "NOTIF_CONFIG_DATA" },
	{ VIRTIO_F_RING_RESET, VIRTIO_F_VERSION_1, 0, "RING_RESET" },
	{ VIRTIO_F_ADMIN_VQ, VIRTIO_F_VERSION_1, VFF_UNUSED, "ADMIN_VQ" },
	{ VIRTIO_F_SUSPEND, VIRTIO_F_VERSION_1, 0, "SUSPEND" },
};
const size_t virtio_nring_features = nitems(virtio_ring_features);

CFDRIVER_DECL(virtio, DV_DULL);

/* --- registers ---------------------------------------------------------- */

/* A device that has gone is not touched. */
bool
virtio_gone(const struct virtio_softc *sc)
{
	return ((sc->sc_dev.dv_flags & DVF_GONE) != 0);
}

uint8_t
virtio_get_status(struct virtio_softc *sc)
{
	uint8_t status = 0;

	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		status = sc->sc_vt->vt_get_status(sc);
	mtx_leave(&sc->sc_mtx);
	return (status);
}

void
virtio_set_status(struct virtio_softc *sc, uint8_t status)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_status = status;
	if (!virtio_gone(sc))
		sc->sc_vt->vt_set_status(sc, status);
	mtx_leave(&sc->sc_mtx);
}

/* Ask until it is so: in a loop at first, then once a millisecond. */
static int
virtio_poll(struct virtio_softc *sc, const struct virtqueue *vq,
    bool (*fn)(struct virtio_softc *, const struct virtqueue *), u_int msec)
{
	u_int n;

	for (n = 0; n < SPIN_USEC; n += 10) {
		if (fn(sc, vq))
			return (0);
		delay(10);
	}
	for (n = 0; n < msec; n++) {
		if (fn(sc, vq))
			return (0);
		(void)msleep_nsec(&sc->sc_status, NULL, PRI_KERN, "vpoll",
		    MSEC_TO_NSEC(1));
	}
	return (ETIMEDOUT);
}

static bool
virtio_is_reset(struct virtio_softc *sc,
    const struct virtqueue *vq __unused)
{
	return (virtio_get_status(sc) == 0);
}

/*
 * 2.4 Device Reset.  A device that does not answer in time is cut off from
 * memory where the bus can do that, so that the queues can be freed.
 */
static int
virtio_reset(struct virtio_softc *sc)
{
	int error;

	virtio_set_status(sc, 0);
	error = virtio_poll(sc, NULL, virtio_is_reset, RESET_MSEC);
	if (error != 0 && sc->sc_vt->vt_cutoff != NULL && !virtio_gone(sc))
		sc->sc_vt->vt_cutoff(sc);
	return (error);
}

/* --- why a device is not used ------------------------------------------- */

/*
 * The driver's line, if it has none yet, or the reason why a restart did not
 * come about.  The device is told as well.
 */
static void __printflike(2, 3)
virtio_giveup(struct virtio_softc *sc, const char *fmt, ...)
{
	char why[sizeof(sc->sc_why)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (sc->sc_child == NULL)
		strlcpy(sc->sc_why, why, sizeof(sc->sc_why));
	else if (!(sc->sc_child->dv_flags & DVF_DESCRIBED))
		device_describe(sc->sc_child, "%s", why);
	virtio_set_status(sc, sc->sc_status | VIRTIO_STATUS_FAILED);
}

/* --- features: 2.2, 3.1.1 ----------------------------------------------- */

/*
 * What the device offers.  There are devices, QEMU's over MMIO among them, in
 * which the words above 63 are others once more: these have only 64.
 */
static virtio_bits_t
virtio_offer(struct virtio_softc *sc)
{
	virtio_bits_t bits = 0;
	uint64_t low, high;

	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		bits = sc->sc_vt->vt_get_features(sc);
	mtx_leave(&sc->sc_mtx);
	low = bits;
	high = bits >> 64;
	if (high == low || high == (low >> 32 | (low >> 32) << 32))
		return (low);
	return (bits);
}

bool
virtio_offered(const struct virtio_softc *sc, virtio_bits_t bits)
{
	return ((sc->sc_offered & bits) == bits);
}

bool
virtio_has(const struct virtio_softc *sc, virtio_bits_t bits)
{
	return ((sc->sc_features & bits) == bits);
}

static virtio_bits_t
virtio_wanted(const struct virtio_feature *vf, size_t n)
{
	virtio_bits_t bits = 0;

	for (; n > 0; n--, vf++) {
		if (!(vf->vf_flags & VFF_UNUSED))
			bits |= vf->vf_bit;
	}
	return (bits);
}

/* Without those that lack what they need. */
static virtio_bits_t
virtio_supported(const struct virtio_feature *vf, size_t n,
    virtio_bits_t bits)
{
	for (; n > 0; n--, vf++) {
		if ((bits & vf->vf_bit) && (vf->vf_needs & ~bits))
			bits &= ~vf->vf_bit;
	}
	return (bits);
}

/* What to accept of what is offered. */
static virtio_bits_t
virtio_choose(const struct virtio_softc *sc, virtio_bits_t refuse)
{
	virtio_bits_t bits, before;

	bits = virtio_wanted(virtio_ring_features, virtio_nring_features) |
	    virtio_wanted(sc->sc_table, sc->sc_ntable);
	bits &= sc->sc_offered & ~refuse & ~sc->sc_cannot;
	if (sc->sc_legacy)
		bits &= UINT32_MAX;
	else
		bits &= ~(virtio_bits_t)(VIRTIO_F_ANY_LAYOUT |
		    VIRTIO_F_NOTIFY_ON_EMPTY);
	/* barriers that reach a real bus, or none of this */
	if (!(sc->sc_dmat->bdt_flags & BDT_HARDWARE))
		bits &= ~(virtio_bits_t)VIRTIO_F_ORDER_PLATFORM;
	do {
		before = bits;
		bits = virtio_supported(virtio_ring_features,
		    virtio_nring_features, bits);
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
virtio_look(struct virtio_softc *sc, struct device *child)
{
	KASSERT(sc->sc_state <= VS_FEATURES);
	sc->sc_child = child;
	sc->sc_tried = true;
	strlcpy(sc->sc_childname, child->dv_xname, sizeof(sc->sc_childname));
	return (virtio_begin(sc));
}

int
virtio_negotiate(struct virtio_softc *sc, struct device *child,
    const struct virtio_feature *table, size_t n, virtio_bits_t refuse)
{
	int error;

	mtx_enter(&sc->sc_mtx);
	sc->sc_table = table;
	sc->sc_ntable = n;
	sc->sc_taskoff = false;
	mtx_leave(&sc->sc_mtx);
	if ((error = virtio_look(sc, child)) != 0)
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
	int error;

	if ((error = virtio_begin(sc)) != 0)
		return (error);
	if ((sc->sc_features & ~virtio_offer(sc)) != 0) {
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
virtio_shm(struct virtio_softc *sc, uint8_t id, struct virtio_shm *vs)
{
	if (virtio_gone(sc) || sc->sc_vt->vt_shm == NULL)
		return (ENOENT);
	return (sc->sc_vt->vt_shm(sc, id, vs));
}

bool
virtio_owns(struct virtio_softc *sc, bus_addr_t addr)
{
	return (sc->sc_vt->vt_owns != NULL && sc->sc_vt->vt_owns(sc, addr));
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

	if (sc->sc_state == VS_SUSPENDED)
		return (EBUSY);		/* 3.4.1: only the status */
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

/* What a device sent before it was suspended may arrive after that. */
static bool
virtio_listens(const struct virtio_softc *sc)
{
	return (sc->sc_state == VS_RUNNING || sc->sc_state == VS_SUSPENDED);
}

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
	if (!virtio_listens(sc) || virtio_gone(sc))
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
	if (!virtio_listens(sc))
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

/* 2.7: a power of two (packed: any), 32768 at most. */
static bool
virtio_size_valid(struct virtio_softc *sc, u_int num)
{
	return (num != 0 && num <= VIRTQ_SIZE_MAX && (powerof2(num) ||
	    virtio_has(sc, VIRTIO_F_RING_PACKED)));
}

/* What was wished for or is right, of a queue that has max at most. */
static u_int
virtio_queue_wish(struct virtio_softc *sc, const struct virtqueue_conf *vqc,
    u_int max)
{
	u_int num = vqc->vqc_size == 0 ? QUEUE_SIZE : vqc->vqc_size;

	num = MIN(num, max);
	while (!virtio_size_valid(sc, num))
		num &= num - 1;
	return (num);
}

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
	num = max;
	/* legacy: fixed */
	if (!sc->sc_legacy && max <= VIRTQ_SIZE_MAX) {
		num = virtio_queue_wish(sc, vqc, max);
		mtx_enter(&sc->sc_mtx);
		if (!virtio_gone(sc))
			num = sc->sc_vt->vt_queue_size(sc, vqc->vqc_index,
			    max, num);
		mtx_leave(&sc->sc_mtx);
	}
	if (num > max || !virtio_size_valid(sc, num)) {
		virtio_giveup(sc, "%s queue of size %u", vqc->vqc_name, num);
		return (ENXIO);
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
	vq->vq_fmt = virtio_has(sc, VIRTIO_F_RING_PACKED) ? &vq_packed :
	    &vq_split;
	vq->vq_vsc = sc;
	vq->vq_dmat = sc->sc_dmat;
	vq->vq_event = virtio_has(sc, VIRTIO_F_EVENT_IDX);
	vq->vq_inorder = virtio_has(sc, VIRTIO_F_IN_ORDER);
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

bool
virtio_queue_there(struct virtio_softc *sc, uint16_t index)
{
	return (!virtio_gone(sc) && sc->sc_vt->vt_queue_max(sc, index) != 0);
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

/* 2.9 Driver Notifications */
void
virtio_notify(struct virtio_softc *sc, struct virtqueue *vq)
{
	/*
	 * 3.1.1: no notification before DRIVER_OK, and 3.4.1 none of a
	 * suspended device; it is owed.
	 */
	if (sc->sc_state < VS_RUNNING || sc->sc_state == VS_SUSPENDED)
		vq->vq_kick = true;
	else if (sc->sc_state == VS_RUNNING && !virtio_gone(sc)) {
		vq->vq_kick = false;
		vq->vq_nnotify++;
		sc->sc_vt->vt_notify(sc, vq,
		    (uint32_t)vq->vq_published << 16 | vq->vq_nid);
	}
}

/* What is owed. */
static void
virtio_notify_all(struct virtio_softc *sc)
{
	struct virtqueue *vq;
	u_int i;

	for (i = 0; i < sc->sc_nvq; i++) {
		vq = &sc->sc_vq[i];
		mtx_enter(vq->vq_mtx);
		if (vq->vq_kick) {
			(void)vq->vq_fmt->vf_publish(vq);
			virtio_notify(sc, vq);
		}
		mtx_leave(vq->vq_mtx);
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
	virtio_notify_all(sc);
	return (0);
}

/* Nothing goes in or out any more, and the device forgets its queues. */
void
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

/* The queues as new, if they still can be what they were. */
static int
virtio_queues_renew(struct virtio_softc *sc)
{
	struct virtqueue *vq;
	uint16_t max;
	u_int i;

	for (i = 0; i < sc->sc_nvq; i++) {
		vq = &sc->sc_vq[i];
		mtx_enter(&sc->sc_mtx);
		max = virtio_gone(sc) ? 0 :
		    sc->sc_vt->vt_queue_max(sc, vq->vq_index);
		mtx_leave(&sc->sc_mtx);
		if (sc->sc_legacy ? max != vq->vq_num : max < vq->vq_num) {
			virtio_giveup(sc, "%s queue of size %u, was %u",
			    vq->vq_name, max, vq->vq_num);
			return (ENXIO);
		}
		if (vq->vq_nlent != 0)
			return (EBUSY);
		vq_reset(vq);
	}
	return (virtio_queues_on(sc));
}

/* From a state where nothing is lent to one in which the device works. */
int
virtio_rerun(struct virtio_softc *sc)
{
	u_int i;
	int error;

	if (sc->sc_state != VS_STOPPED)
		return (EINVAL);
	if ((error = virtio_renegotiate(sc)) == 0 &&
	    (error = virtio_queues_renew(sc)) == 0) {
		for (i = 0; i < sc->sc_nvq; i++)
			sc->sc_vq[i].vq_stopped = sc->sc_vq[i].vq_paused =
			    false;
		sc->sc_state = VS_QUEUES;
		error = virtio_start(sc);
	}
	if (error != 0)
		virtio_halt(sc);
	return (error);
}

int
virtio_restart(struct virtio_softc *sc)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_taskoff = false;
	mtx_leave(&sc->sc_mtx);
	return (virtio_rerun(sc));
}

void
virtio_end(struct virtio_softc *sc)
{
	virtio_stop(sc);
	if (sc->sc_status != 0)
		(void)virtio_reset(sc);
	virtio_intr_free(sc);
	virtio_queues_free(sc);
	sc->sc_config_fn = NULL;
	sc->sc_failure_fn = NULL;
	mtx_enter(&sc->sc_mtx);
	sc->sc_table = NULL;
	sc->sc_ntable = 0;
	sc->sc_features = 0;
	sc->sc_child = NULL;
	sc->sc_childname[0] = '\0';
	sc->sc_state = VS_RESET;
	mtx_leave(&sc->sc_mtx);
}

/* --- one queue, or all, for a while -------------------------------------- */

/* No new requests; those that are lent may still come back. */
static void
virtio_queue_pause(struct virtqueue *vq, bool pause)
{
	mtx_enter(vq->vq_mtx);
	vq->vq_paused = pause;
	mtx_leave(vq->vq_mtx);
}

static bool
virtio_queue_idle(struct virtio_softc *sc, const struct virtqueue *vq)
{
	bool idle;

	mtx_enter(vq->vq_mtx);
	idle = vq->vq_nlent == 0 || vq->vq_stopped;
	mtx_leave(vq->vq_mtx);
	return (idle || virtio_gone(sc));
}

static bool
virtio_queue_is_off(struct virtio_softc *sc, const struct virtqueue *vq)
{
	bool off = true;

	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		off = sc->sc_vt->vt_queue_is_off(sc, vq);
	mtx_leave(&sc->sc_mtx);
	return (off);
}

/*
 * 2.6.1 Virtqueue Reset.  What the device can end by itself may end first:
 * there are devices that go on with it in spite of the reset.
 */
int
virtio_queue_off(struct virtio_softc *sc, struct virtqueue *vq)
{
	int error;

	if (sc->sc_state != VS_RUNNING)
		return (ENXIO);
	if (!virtio_has(sc, VIRTIO_F_RING_RESET))
		return (EOPNOTSUPP);
	virtio_queue_pause(vq, true);
	(void)virtio_poll(sc, vq, virtio_queue_idle, IDLE_MSEC);
	mtx_enter(vq->vq_mtx);
	vq->vq_stopped = true;
	mtx_leave(vq->vq_mtx);
	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc))
		sc->sc_vt->vt_queue_off(sc, vq);
	mtx_leave(&sc->sc_mtx);
	error = virtio_poll(sc, vq, virtio_queue_is_off, RESET_MSEC);
	if (error != 0)
		virtio_fail(sc, "%s queue cannot be reset", vq->vq_name);
	else
		sc->sc_vt->vt_intr_barrier(sc);
	return (error);
}

/* 2.6.1.2 Virtqueue Re-enable; nothing is lent. */
int
virtio_queue_renew(struct virtio_softc *sc, struct virtqueue *vq)
{
	int error = ENXIO;

	if (vq->vq_nlent != 0)
		return (EBUSY);
	vq_reset(vq);
	mtx_enter(&sc->sc_mtx);
	if (!virtio_gone(sc) && sc->sc_state == VS_RUNNING)
		error = sc->sc_vt->vt_queue_on(sc, vq);
	if (error == 0)
		vq->vq_stopped = vq->vq_paused = false;
	mtx_leave(&sc->sc_mtx);
	if (error != 0)
		virtio_fail(sc, "%s queue cannot be set up again, error %d",
		    vq->vq_name, error);
	return (error);
}

static bool
virtio_is_suspended(struct virtio_softc *sc,
    const struct virtqueue *vq __unused)
{
	uint8_t status = virtio_get_status(sc);

	return ((status & VIRTIO_STATUS_NEEDS_RESET) ||
	    ((status & VIRTIO_STATUS_SUSPEND) &&
	    !(status & VIRTIO_STATUS_DRIVER_OK)));
}

static bool
virtio_is_resumed(struct virtio_softc *sc,
    const struct virtqueue *vq __unused)
{
	uint8_t status = virtio_get_status(sc);

	return ((status & VIRTIO_STATUS_NEEDS_RESET) ||
	    (!(status & VIRTIO_STATUS_SUSPEND) &&
	    (status & VIRTIO_STATUS_DRIVER_OK)));
}

static void
virtio_pause(struct virtio_softc *sc, bool pause)
{
	u_int i;

	for (i = 0; i < sc->sc_nvq; i++)
		virtio_queue_pause(&sc->sc_vq[i], pause);
}

/*
 * 3.4 Device Suspend.  Nothing is made available and nobody is notified from
 * before SUSPEND is set until the device has resumed.
 */
int
virtio_suspend(struct virtio_softc *sc)
{
	int error;

	if (!virtio_has(sc, VIRTIO_F_SUSPEND))
		return (EOPNOTSUPP);
	if (sc->sc_state != VS_RUNNING)
		return (EBUSY);
	virtio_pause(sc, true);
	mtx_enter(&sc->sc_mtx);
	if (sc->sc_state == VS_RUNNING)
		sc->sc_state = VS_SUSPENDED;
	mtx_leave(&sc->sc_mtx);
	virtio_set_status(sc, sc->sc_status | VIRTIO_STATUS_SUSPEND);
	error = virtio_poll(sc, NULL, virtio_is_suspended, SUSPEND_MSEC);
	if (error != 0 || (virtio_get_status(sc) & VIRTIO_STATUS_NEEDS_RESET))
		virtio_fail(sc, "device does not suspend");
	else
		sc->sc_status &= ~VIRTIO_STATUS_DRIVER_OK;
	return (sc->sc_state == VS_SUSPENDED ? 0 : EIO);
}

int
virtio_resume(struct virtio_softc *sc)
{
	int error;

	if (sc->sc_state != VS_SUSPENDED)
		return (EBUSY);
	virtio_set_status(sc, sc->sc_status | VIRTIO_STATUS_DRIVER_OK);
	error = virtio_poll(sc, NULL, virtio_is_resumed, SUSPEND_MSEC);
	if (error != 0 || (virtio_get_status(sc) & VIRTIO_STATUS_NEEDS_RESET)) {
		virtio_fail(sc, "device does not resume");
		return (EIO);
	}
	sc->sc_status &= ~VIRTIO_STATUS_SUSPEND;
	virtio_pause(sc, false);
	mtx_enter(&sc->sc_mtx);
	if (sc->sc_state == VS_SUSPENDED)
		sc->sc_state = VS_RUNNING;
	mtx_leave(&sc->sc_mtx);
	virtio_notify_all(sc);
	return (sc->sc_state == VS_RUNNING ? 0 : EIO);
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
	sc->sc_state = VS_RESET;
	virtio_task_init(sc);
	if ((error = virtio_reset(sc)) != 0) {
		device_describe(&sc->sc_dev, "%s, cannot be reset",
		    sc->sc_what);
		return (error);
	}
	sc->sc_offered = virtio_offer(sc);
	device_describe(&sc->sc_dev, "%s, %s", sc->sc_what,
	    sc->sc_legacy ? "0.9" : "1.x");
	virtio_sysctl_attach(sc);
	if (config_found(&sc->sc_dev, &va, virtio_print) != NULL)
		virtio_attached(sc);
	else if (sc->sc_tried) {
		/* 3.1.1: the driver has given up; nothing is set up */
		virtio_end(sc);
		virtio_set_status(sc, VIRTIO_STATUS_ACKNOWLEDGE);
		virtio_set_status(sc, VIRTIO_STATUS_ACKNOWLEDGE |
		    VIRTIO_STATUS_DRIVER);
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

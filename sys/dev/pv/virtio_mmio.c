/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio over MMIO: VIRTIO 1.4, 4.2.  Version 2 of the registers is that of
 * the specification; version 1 is the legacy interface, 4.2.4, which differs
 * in how a queue is described and in its byte order.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pv/virtio_mmiovar.h>
#include <dev/pv/virtio_type.h>
#include <dev/pv/vq_format.h>

/* 4.2.2 MMIO Device Register Layout: offset, access; all of 32 bits */
#define VM_MAGIC_VALUE		0x000	/* R */
#define VM_VERSION		0x004	/* R */
#define VM_DEVICE_ID		0x008	/* R */
#define VM_VENDOR_ID		0x00c	/* R */
#define VM_DEVICE_FEATURES	0x010	/* R */
#define VM_DEVICE_FEATURES_SEL	0x014	/* W */
#define VM_DRIVER_FEATURES	0x020	/* W */
#define VM_DRIVER_FEATURES_SEL	0x024	/* W */
#define VM_GUEST_PAGE_SIZE	0x028	/* W, version 1 */
#define VM_QUEUE_SEL		0x030	/* W */
#define VM_QUEUE_SIZE_MAX	0x034	/* R */
#define VM_QUEUE_SIZE		0x038	/* W */
#define VM_QUEUE_ALIGN		0x03c	/* W, version 1 */
#define VM_QUEUE_PFN		0x040	/* R/W, version 1 */
#define VM_QUEUE_READY		0x044	/* R/W */
#define VM_QUEUE_NOTIFY		0x050	/* W */
#define VM_INTERRUPT_STATUS	0x060	/* R */
#define VM_INTERRUPT_ACK	0x064	/* W */
#define VM_STATUS		0x070	/* R/W */
#define VM_QUEUE_DESC		0x080	/* W, low and high */
#define VM_QUEUE_DRIVER		0x090	/* W, low and high */
#define VM_QUEUE_DEVICE		0x0a0	/* W, low and high */
#define VM_SHM_SEL		0x0ac	/* W */
#define VM_SHM_LEN		0x0b0	/* R, low and high */
#define VM_SHM_BASE		0x0b8	/* R, low and high */
#define VM_QUEUE_RESET		0x0c0	/* R/W, RING_RESET */
#define VM_CONFIG_GENERATION	0x0fc	/* R */
#define VM_CONFIG		0x100

#define VM_MAGIC		0x74726976
#define VIRTIO_TYPE_GPU		16	/* 5 */
#define VIRTIO_TYPE_FS		26
#define VIRTIO_TYPE_PMEM	27
#define VM_LEGACY_PAGE		4096
#define VM_QUEUE_SHORT		256
#define INTR_ROUNDS		16

static struct virtio_mmio_softc *
virtio_mmio(struct virtio_softc *vsc)
{
	return ((struct virtio_mmio_softc *)vsc);
}

static uint32_t
vm_read(struct virtio_softc *vsc, bus_size_t reg)
{
	return (br_read_4(&virtio_mmio(vsc)->sc_regs, reg));
}

static void
vm_write(struct virtio_softc *vsc, bus_size_t reg, uint32_t v)
{
	br_write_4(&virtio_mmio(vsc)->sc_regs, reg, v);
}

/* --- both versions ------------------------------------------------------- */

static virtio_bits_t
vm_get_features(struct virtio_softc *vsc)
{
	virtio_bits_t bits = 0;
	u_int i;

	for (i = 0; i < (vsc->sc_legacy ? 32 : VIRTIO_NFEATURES) / 32; i++) {
		vm_write(vsc, VM_DEVICE_FEATURES_SEL, i);
		bits |= (virtio_bits_t)vm_read(vsc, VM_DEVICE_FEATURES) <<
		    32 * i;
	}
	return (bits);
}

/* The low words last, for a device that does not look at all of the selector. */
static void
vm_set_features(struct virtio_softc *vsc, virtio_bits_t bits)
{
	u_int i;

	for (i = VIRTIO_NFEATURES / 32; i-- > 0;) {
		if (i >= (vsc->sc_legacy ? 1 : 2) &&
		    vsc->sc_offered >> 32 * i == 0)
			continue;
		vm_write(vsc, VM_DRIVER_FEATURES_SEL, i);
		vm_write(vsc, VM_DRIVER_FEATURES, bits >> 32 * i);
	}
}

static uint8_t
vm_get_status(struct virtio_softc *vsc)
{
	return (vm_read(vsc, VM_STATUS));
}

static void
vm_set_status(struct virtio_softc *vsc, uint8_t status)
{
	vm_write(vsc, VM_STATUS, status);
}

static uint32_t
vm_config_read(struct virtio_softc *vsc, bus_size_t off, u_int width)
{
	const struct bus_region *br = &virtio_mmio(vsc)->sc_config;

	return (width == 1 ? br_read_1(br, off) :
	    width == 2 ? br_read_2(br, off) : br_read_4(br, off));
}

static void
vm_config_write(struct virtio_softc *vsc, bus_size_t off, u_int width,
    uint32_t v)
{
	const struct bus_region *br = &virtio_mmio(vsc)->sc_config;

	if (width == 1)
		br_write_1(br, off, v);
	else if (width == 2)
		br_write_2(br, off, v);
	else
		br_write_4(br, off, v);
}

static int
vm_config_vec(struct virtio_softc *vsc __unused, uint16_t vec __unused)
{
	return (EBUSY);			/* there are no vectors */
}

static uint16_t
vm_queue_max(struct virtio_softc *vsc, uint16_t index)
{
	uint32_t max;

	vm_write(vsc, VM_QUEUE_SEL, index);
	max = vm_read(vsc, VM_QUEUE_SIZE_MAX);
	return (MIN(max, UINT16_MAX));		/* the core refuses that */
}

static void
vm_notify(struct virtio_softc *vsc, const struct virtqueue *vq, uint32_t data)
{
	vm_write(vsc, VM_QUEUE_NOTIFY,
	    virtio_has(vsc, VIRTIO_F_NOTIFICATION_DATA) ? data : vq->vq_nid);
}

/* --- version 2 ----------------------------------------------------------- */

static uint32_t
vm_config_gen(struct virtio_softc *vsc)
{
	return (vm_read(vsc, VM_CONFIG_GENERATION));
}

static uint64_t
vm_read_64(struct virtio_softc *vsc, bus_size_t reg)
{
	return (vm_read(vsc, reg) | (uint64_t)vm_read(vsc, reg + 4) << 32);
}

/* The types of device that have regions; the registers are theirs (4.2.2). */
static bool
vm_has_shm(const struct virtio_softc *vsc)
{
	return (vsc->sc_devid == VIRTIO_TYPE_GPU ||
	    vsc->sc_devid == VIRTIO_TYPE_FS ||
	    vsc->sc_devid == VIRTIO_TYPE_PMEM);
}

/* A length of all ones says that there is none. */
static int
vm_shm(struct virtio_softc *vsc, uint8_t id, struct virtio_shm *vs)
{
	if (!vm_has_shm(vsc))
		return (ENOENT);
	vm_write(vsc, VM_SHM_SEL, id);
	vs->vs_size = vm_read_64(vsc, VM_SHM_LEN);
	if (vs->vs_size == UINT64_MAX || vs->vs_size == 0)
		return (ENOENT);
	vs->vs_tag = virtio_mmio(vsc)->sc_regs.br_tag;
	vs->vs_addr = vm_read_64(vsc, VM_SHM_BASE);
	return (vs->vs_addr + vs->vs_size < vs->vs_addr ? ENXIO : 0);
}

static void
vm_address(struct virtio_softc *vsc, bus_size_t reg, bus_addr_t addr)
{
	vm_write(vsc, reg, addr);
	vm_write(vsc, reg + 4, addr >> 32);
}

/*
 * The register cannot be read, so nothing tells of a device that keeps its
 * size.  Those have short queues (kvmtool's: 256 at most), and get that.
 */
static uint16_t
vm_queue_size(struct virtio_softc *vsc __unused, uint16_t index __unused,
    uint16_t max, uint16_t wish)
{
	return (max <= VM_QUEUE_SHORT && powerof2(max) ? max : wish);
}

/* 4.2.3.2 Virtqueue Configuration */
static int
vm_queue_on(struct virtio_softc *vsc, struct virtqueue *vq)
{
	bus_addr_t ring = vq->vq_ring.dmm_seg.ds_addr;

	vm_write(vsc, VM_QUEUE_SEL, vq->vq_index);
	if (vm_read(vsc, VM_QUEUE_READY) != 0)
		return (EIO);
	vm_write(vsc, VM_QUEUE_SIZE, vq->vq_num);
	vm_address(vsc, VM_QUEUE_DESC, ring);
	vm_address(vsc, VM_QUEUE_DRIVER, ring + vq->vq_driver);
	vm_address(vsc, VM_QUEUE_DEVICE, ring + vq->vq_device);
	vm_write(vsc, VM_QUEUE_READY, 1);
	vq->vq_nid = vq->vq_index;
	return (0);
}

static void
vm_queue_off(struct virtio_softc *vsc, struct virtqueue *vq)
{
	vm_write(vsc, VM_QUEUE_SEL, vq->vq_index);
	vm_write(vsc, VM_QUEUE_RESET, 1);
}

static bool
vm_queue_is_off(struct virtio_softc *vsc, const struct virtqueue *vq)
{
	vm_write(vsc, VM_QUEUE_SEL, vq->vq_index);
	return (vm_read(vsc, VM_QUEUE_RESET) == 0 &&
	    vm_read(vsc, VM_QUEUE_READY) == 0);
}

/* --- version 1: 4.2.4 ---------------------------------------------------- */

static int
vm_legacy_queue_on(struct virtio_softc *vsc, struct virtqueue *vq)
{
	bus_addr_t page = vq->vq_ring.dmm_seg.ds_addr / VM_LEGACY_PAGE;

	if (page > UINT32_MAX)
		return (EIO);
	vm_write(vsc, VM_QUEUE_SEL, vq->vq_index);
	if (vm_read(vsc, VM_QUEUE_PFN) != 0)
		return (EIO);
	/* a reset may have forgotten it */
	vm_write(vsc, VM_GUEST_PAGE_SIZE, VM_LEGACY_PAGE);
	vm_write(vsc, VM_QUEUE_SIZE, vq->vq_num);
	vm_write(vsc, VM_QUEUE_ALIGN, VIRTQ_LEGACY_ALIGN);
	vm_write(vsc, VM_QUEUE_PFN, page);
	vq->vq_nid = vq->vq_index;
	return (0);
}

/* --- interrupts ---------------------------------------------------------- */

/*
 * 4.2.3.4 has the acknowledgement last, but what the device does after we
 * have looked at a queue would go with it: so it comes first.  The line may
 * be one that tells only that it rises, so look until it is down.
 */
static int
vm_intr(void *arg)
{
	struct virtio_mmio_softc *sc = arg;
	struct virtio_softc *vsc = &sc->sc_vsc;
	u_int i, cause;
	int ours = 0;

	for (i = 0; i < INTR_ROUNDS; i++) {
		if (vsc->sc_dev.dv_flags & DVF_GONE)
			break;
		cause = vm_read(vsc, VM_INTERRUPT_STATUS) &
		    (VIRTIO_ISR_QUEUE | VIRTIO_ISR_CONFIG);
		if (cause == 0)
			break;
		vm_write(vsc, VM_INTERRUPT_ACK, cause);
		ours |= virtio_intr(vsc, cause);
	}
	return (ours);
}

static u_int
vm_nvec(struct virtio_softc *vsc __unused)
{
	return (0);
}

static int
vm_intr_setup(struct virtio_softc *vsc, enum ipl ipl,
    const struct virtio_vec *vv __unused, u_int n)
{
	struct virtio_mmio_softc *sc = virtio_mmio(vsc);

	if (n != 0)
		return (ENOSPC);
	sc->sc_intr = intr_establish(&sc->sc_ih, ipl, NULL, vm_intr, sc,
	    vsc->sc_dev.dv_xname);
	return (sc->sc_intr == NULL ? ENXIO : 0);
}

static void
vm_intr_barrier(struct virtio_softc *vsc)
{
	intr_barrier(virtio_mmio(vsc)->sc_intr);
}

static void
vm_intr_free(struct virtio_softc *vsc)
{
	struct virtio_mmio_softc *sc = virtio_mmio(vsc);

	intr_disestablish(sc->sc_intr);
	sc->sc_intr = NULL;
}

#define VM_BOTH								\
	.vt_get_features = vm_get_features,				\
	.vt_set_features = vm_set_features,				\
	.vt_get_status = vm_get_status,					\
	.vt_set_status = vm_set_status,					\
	.vt_config_read = vm_config_read,				\
	.vt_config_write = vm_config_write,				\
	.vt_config_vec = vm_config_vec,					\
	.vt_queue_max = vm_queue_max,					\
	.vt_notify = vm_notify,						\
	.vt_nvec = vm_nvec,						\
	.vt_intr_setup = vm_intr_setup,					\
	.vt_intr_barrier = vm_intr_barrier,				\
	.vt_intr_free = vm_intr_free

static const struct virtio_transport virtio_mmio_ops = {
	.vt_name = "mmio-1.x",
	.vt_config_gen = vm_config_gen,
	.vt_shm = vm_shm,
	.vt_queue_size = vm_queue_size,
	.vt_queue_on = vm_queue_on,
	.vt_queue_off = vm_queue_off,
	.vt_queue_is_off = vm_queue_is_off,
	VM_BOTH
};

static const struct virtio_transport virtio_mmio_legacy_ops = {
	.vt_name = "mmio-0.9",
	.vt_queue_on = vm_legacy_queue_on,
	VM_BOTH
};

/* --- attachment ---------------------------------------------------------- */

bool
virtio_mmio_probe(bus_space_tag_t t, bus_addr_t addr, bus_size_t size)
{
	struct bus_region br;
	bool there;

	if (size <= VM_CONFIG || br_map(&br, t, addr, size, 0) != 0)
		return (false);
	there = br_read_4(&br, VM_MAGIC_VALUE) == VM_MAGIC &&
	    br_read_4(&br, VM_VERSION) != 0 &&
	    br_read_4(&br, VM_DEVICE_ID) != 0;
	br_unmap(&br);
	return (there);
}

static const char *
vm_version(struct virtio_softc *vsc)
{
	int flags = virtio_flags(&vsc->sc_dev);

	switch (vm_read(vsc, VM_VERSION)) {
	case 1:
		vsc->sc_legacy = true;
		vsc->sc_vt = &virtio_mmio_legacy_ops;
		return (WIRE_LE_SWAP ? "0.9 only, which a big-endian kernel "
		    "does not drive" : NULL);
	case 2:
		vsc->sc_vt = &virtio_mmio_ops;
		return (flags & VIRTIO_FLAG_NO_1_0 ? "1.x only, which the "
		    "flags forbid" : NULL);
	default:
		return ("unknown version of registers");
	}
}

int
virtio_mmio_attach(struct virtio_mmio_softc *sc, bus_space_tag_t t,
    bus_addr_t addr, bus_size_t size, const struct intr_handle *ih)
{
	struct virtio_softc *vsc = &sc->sc_vsc;
	const char *why, *what;
	int error;

	if ((error = br_map(&sc->sc_regs, t, addr, size, 0)) != 0)
		return (error);
	if ((error = br_sub(&sc->sc_config, &sc->sc_regs, VM_CONFIG,
	    sc->sc_regs.br_size - VM_CONFIG)) != 0)
		goto fail;
	sc->sc_ih = *ih;
	vsc->sc_dmat = &md_dma;
	vsc->sc_cfgsize = sc->sc_config.br_size;
	vsc->sc_cannot = VIRTIO_F_NOTIF_CONFIG_DATA;	/* 4.1 only */
	vsc->sc_devid = vm_read(vsc, VM_DEVICE_ID);
	what = virtio_type_name(vsc->sc_devid);
	snprintf(vsc->sc_what, sizeof(vsc->sc_what), "%08x:%04x %s Device",
	    vm_read(vsc, VM_VENDOR_ID), vsc->sc_devid,
	    what != NULL ? what : "Unknown");
	if ((why = vm_version(vsc)) != NULL) {
		device_describe(&vsc->sc_dev, "%s, %s", vsc->sc_what, why);
		error = ENXIO;
	} else
		error = virtio_attach_transport(vsc);
fail:
	if (error != 0)
		br_unmap(&sc->sc_regs);
	return (error);
}

int
virtio_mmio_detach(struct device *self, int flags __unused)
{
	struct virtio_mmio_softc *sc = (struct virtio_mmio_softc *)self;

	virtio_detach_transport(&sc->sc_vsc);
	br_unmap(&sc->sc_regs);
	return (0);
}

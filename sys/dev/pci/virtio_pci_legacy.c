/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio on PCI: the 0.9 interface, registers at the start of an I/O BAR.
 * VIRTIO 1.4, 4.1.4.11 Legacy Interfaces: A Note on PCI Device Layout.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/pci/virtio_pcivar.h>
#include <dev/pv/vq_format.h>

/* offset, width, access */
#define VPL_DEVICE_FEATURES	0x00	/* 32 R */
#define VPL_DRIVER_FEATURES	0x04	/* 32 R/W */
#define VPL_QUEUE_ADDRESS	0x08	/* 32 R/W, by 4096 */
#define VPL_QUEUE_SIZE		0x0c	/* 16 R */
#define VPL_QUEUE_SELECT	0x0e	/* 16 R/W */
#define VPL_QUEUE_NOTIFY	0x10	/* 16 R/W */
#define VPL_DEVICE_STATUS	0x12	/* 8 R/W */
#define VPL_ISR_STATUS		0x13	/* 8 R, clears */
#define VPL_CONFIG		0x14	/* while MSI-X is off */
#define VPL_CONFIG_MSIX_VECTOR	0x14	/* 16 R/W, while MSI-X is on */
#define VPL_QUEUE_MSIX_VECTOR	0x16	/* 16 R/W */
#define VPL_CONFIG_MSIX		0x18

#define VPL_PAGE_SHIFT		12

static struct virtio_pci_softc *
virtio_pci(struct virtio_softc *vsc)
{
	return ((struct virtio_pci_softc *)vsc);
}

static const struct bus_region *
vpl_regs(struct virtio_softc *vsc)
{
	return (&virtio_pci(vsc)->sc_common);
}

/* The device's configuration moves when MSI-X is switched on or off. */
static bus_size_t
vpl_config(struct virtio_softc *vsc)
{
	return (virtio_pci(vsc)->sc_msix.pm_cap != 0 ? VPL_CONFIG_MSIX :
	    VPL_CONFIG);
}

static void
vpl_moved(struct virtio_softc *vsc)
{
	vsc->sc_cfgsize = vpl_regs(vsc)->br_size - vpl_config(vsc);
}

int
virtio_pci_legacy_map(struct virtio_pci_softc *sc)
{
	int error = 0;

	if (sc->sc_bar[0].br_size == 0)
		error = pci_bar_map(&sc->sc_pa, 0, 0, &sc->sc_bar[0]);
	if (error != 0)
		return (error);
	if (sc->sc_bar[0].br_size < VPL_CONFIG_MSIX)
		return (EINVAL);
	sc->sc_common = sc->sc_bar[0];
	if ((error = br_sub(&sc->sc_isr, &sc->sc_common, VPL_ISR_STATUS,
	    1)) != 0)
		return (error);
	sc->sc_vsc.sc_vt = &virtio_pci_legacy_ops;
	sc->sc_vsc.sc_legacy = true;
	vpl_moved(&sc->sc_vsc);
	return (0);
}

static virtio_bits_t
vpl_get_features(struct virtio_softc *vsc)
{
	return (br_read_4(vpl_regs(vsc), VPL_DEVICE_FEATURES));
}

static void
vpl_set_features(struct virtio_softc *vsc, virtio_bits_t bits)
{
	br_write_4(vpl_regs(vsc), VPL_DRIVER_FEATURES, bits);
}

static uint8_t
vpl_get_status(struct virtio_softc *vsc)
{
	return (br_read_1(vpl_regs(vsc), VPL_DEVICE_STATUS));
}

static void
vpl_set_status(struct virtio_softc *vsc, uint8_t status)
{
	br_write_1(vpl_regs(vsc), VPL_DEVICE_STATUS, status);
}

static uint32_t
vpl_config_read(struct virtio_softc *vsc, bus_size_t off, u_int width)
{
	return (virtio_pci_read(vpl_regs(vsc), vpl_config(vsc) + off, width));
}

static void
vpl_config_write(struct virtio_softc *vsc, bus_size_t off, u_int width,
    uint32_t v)
{
	virtio_pci_write(vpl_regs(vsc), vpl_config(vsc) + off, width, v);
}

static int
vpl_config_vec(struct virtio_softc *vsc, uint16_t vec)
{
	return (virtio_pci_vector(vpl_regs(vsc), VPL_CONFIG_MSIX_VECTOR,
	    vec));
}

static uint16_t
vpl_queue_max(struct virtio_softc *vsc, uint16_t index)
{
	br_write_2(vpl_regs(vsc), VPL_QUEUE_SELECT, index);
	return (br_read_2(vpl_regs(vsc), VPL_QUEUE_SIZE));
}

static int
vpl_queue_on(struct virtio_softc *vsc, struct virtqueue *vq)
{
	const struct bus_region *br = vpl_regs(vsc);
	bus_addr_t page = vq->vq_ring.dmm_seg.ds_addr >> VPL_PAGE_SHIFT;
	int error;

	/* aligned, since the ring was allocated so; but is it low enough? */
	if (page > UINT32_MAX)
		return (EIO);
	br_write_2(br, VPL_QUEUE_SELECT, vq->vq_index);
	if (virtio_pci(vsc)->sc_msix.pm_cap != 0 &&
	    (error = virtio_pci_vector(br, VPL_QUEUE_MSIX_VECTOR,
	    vq->vq_vec)) != 0)
		return (error);
	br_write_4(br, VPL_QUEUE_ADDRESS, page);
	vq->vq_nid = vq->vq_index;
	return (0);
}

static void
vpl_notify(struct virtio_softc *vsc, const struct virtqueue *vq,
    uint32_t data __unused)
{
	br_write_2(vpl_regs(vsc), VPL_QUEUE_NOTIFY, vq->vq_index);
}

static u_int
vpl_nvec(struct virtio_softc *vsc)
{
	u_int n = virtio_pci_nvec(vsc);

	vpl_moved(vsc);
	return (n);
}

static int
vpl_intr_setup(struct virtio_softc *vsc, enum ipl ipl,
    const struct virtio_vec *vv, u_int n)
{
	int error = virtio_pci_intr_setup(vsc, ipl, vv, n);

	vpl_moved(vsc);
	return (error);
}

static void
vpl_intr_free(struct virtio_softc *vsc)
{
	virtio_pci_intr_free(vsc);
	vpl_moved(vsc);
}

const struct virtio_transport virtio_pci_legacy_ops = {
	.vt_name = "pci-0.9",
	.vt_get_features = vpl_get_features,
	.vt_set_features = vpl_set_features,
	.vt_get_status = vpl_get_status,
	.vt_set_status = vpl_set_status,
	.vt_config_read = vpl_config_read,
	.vt_config_write = vpl_config_write,
	.vt_config_vec = vpl_config_vec,
	.vt_queue_max = vpl_queue_max,
	.vt_queue_on = vpl_queue_on,
	.vt_notify = vpl_notify,
	.vt_nvec = vpl_nvec,
	.vt_intr_setup = vpl_intr_setup,
	.vt_intr_barrier = virtio_pci_intr_barrier,
	.vt_intr_free = vpl_intr_free,
	.vt_cutoff = virtio_pci_cutoff,
};

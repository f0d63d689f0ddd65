/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio on PCI: attachment, interrupts, and the 1.x interface.  VIRTIO 1.4,
 * 4.1 Virtio Over PCI Bus.  The legacy one is in virtio_pci_legacy.c.
 *
 * What a capability says of itself is checked here before it is used: the
 * BAR's number, that the structure lies in the BAR, is aligned, and is as
 * long as what will be accessed.  One that is not right is not there.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pci/virtio_pcivar.h>
#include <dev/pv/vmmcireg.h>
#include <dev/pv/vq_format.h>

#define PCI_VENDOR_VIRTIO	0x1af4		/* 4.1.2 */
#define VIRTIO_PRODUCT_FIRST	0x1000
#define VIRTIO_PRODUCT_MODERN	0x1040		/* plus the device type */
#define VIRTIO_PRODUCT_LAST	0x107f

/* 4.1.4 Virtio Structure PCI Capabilities: offset, width, access */
#define VIRTIO_PCI_CAP_LEN		2	/* 8 R */
#define VIRTIO_PCI_CAP_TYPE		3	/* 8 R */
#define VIRTIO_PCI_CAP_BAR		4	/* 8 R, R/W of type 5 */
#define VIRTIO_PCI_CAP_ID		5	/* 8 R, of type 8 */
#define VIRTIO_PCI_CAP_OFFSET		8	/* 32 R, R/W of type 5 */
#define VIRTIO_PCI_CAP_LENGTH		12	/* 32 R, R/W of type 5 */
#define VIRTIO_PCI_CAP_SIZE		16
#define VIRTIO_PCI_CAP_NOTIFY_MULT	16	/* 32 R, of type 2 */
#define VIRTIO_PCI_CAP_WINDOW_DATA	16	/* 32 R/W, of type 5 */
#define VIRTIO_PCI_CAP_SIZE_MORE	20	/* of types 2 and 5 */
#define VIRTIO_PCI_CAP_OFFSET_HIGH	16	/* 32 R, of type 8 */
#define VIRTIO_PCI_CAP_LENGTH_HIGH	20	/* 32 R, of type 8 */
#define VIRTIO_PCI_CAP_SIZE_64		24	/* of type 8 */

#define VIRTIO_PCI_CAP_COMMON_CFG	1
#define VIRTIO_PCI_CAP_NOTIFY_CFG	2
#define VIRTIO_PCI_CAP_ISR_CFG		3
#define VIRTIO_PCI_CAP_DEVICE_CFG	4
#define VIRTIO_PCI_CAP_PCI_CFG		5
#define VIRTIO_PCI_CAP_SHM_CFG		8

#define PCI_CONF_SIZE		256	/* where capabilities lie */
#define CAPS_MAX		48	/* all that fit there */
#define DEVICE_CFG_MAX		4096	/* 4.1.4: more than any has */

/* 4.1.4.3 Common configuration structure layout: offset, width, access */
#define VPC_DEVICE_FEATURE_SELECT	0x00	/* 32 R/W */
#define VPC_DEVICE_FEATURE		0x04	/* 32 R */
#define VPC_DRIVER_FEATURE_SELECT	0x08	/* 32 R/W */
#define VPC_DRIVER_FEATURE		0x0c	/* 32 R/W */
#define VPC_CONFIG_MSIX_VECTOR		0x10	/* 16 R/W */
#define VPC_NUM_QUEUES			0x12	/* 16 R */
#define VPC_DEVICE_STATUS		0x14	/* 8 R/W */
#define VPC_CONFIG_GENERATION		0x15	/* 8 R */
#define VPC_QUEUE_SELECT		0x16	/* 16 R/W */
#define VPC_QUEUE_SIZE			0x18	/* 16 R/W */
#define VPC_QUEUE_MSIX_VECTOR		0x1a	/* 16 R/W */
#define VPC_QUEUE_ENABLE		0x1c	/* 16 R/W */
#define VPC_QUEUE_NOTIFY_OFF		0x1e	/* 16 R */
#define VPC_QUEUE_DESC			0x20	/* 64 R/W */
#define VPC_QUEUE_DRIVER		0x28	/* 64 R/W */
#define VPC_QUEUE_DEVICE		0x30	/* 64 R/W */
#define VPC_QUEUE_NOTIF_CONFIG_DATA	0x38	/* 16 R */
#define VPC_QUEUE_RESET			0x3a	/* 16 R/W */
#define VPC_SIZE_OLD			0x38	/* before 1.2 */
#define VPC_SIZE			0x3c

int	virtio_pci_match(struct device *, const struct cfdata *, const void *);
int	virtio_pci_attach(struct device *, struct device *, void *);
int	virtio_pci_detach(struct device *, int);

CFATTACH_DECL(virtio, pci, virtio_pci_softc, .ca_match = virtio_pci_match,
    .ca_attach = virtio_pci_attach, .ca_detach = virtio_pci_detach);

static struct virtio_pci_softc *
virtio_pci(struct virtio_softc *vsc)
{
	return ((struct virtio_pci_softc *)vsc);
}

/* --- the window: 4.1.4.10 PCI configuration access capability ----------- */

/*
 * A bus whose handles are offsets in a BAR that is reached through three
 * registers in configuration space.  For a BAR that cannot be mapped.
 */
static uint32_t
virtio_pci_window(bus_space_tag_t t, bus_size_t off, u_int width, bool write,
    uint32_t v)
{
	struct virtio_pci_window *vw = t->bs_cookie;
	struct virtio_pci_softc *sc = vw->vw_sc;
	const struct pci_attach_args *pa = &sc->sc_pa;
	u_int cap = sc->sc_window_cap;

	mtx_enter(&sc->sc_window_mtx);
	pci_conf_write_1(pa, cap + VIRTIO_PCI_CAP_BAR, vw->vw_bar);
	pci_conf_write_4(pa, cap + VIRTIO_PCI_CAP_OFFSET, off);
	pci_conf_write_4(pa, cap + VIRTIO_PCI_CAP_LENGTH, width);
	if (write)
		pci_conf_write_4(pa, cap + VIRTIO_PCI_CAP_WINDOW_DATA, v);
	else
		v = pci_conf_read_4(pa, cap + VIRTIO_PCI_CAP_WINDOW_DATA);
	mtx_leave(&sc->sc_window_mtx);
	return (v);
}

static void
window_unmap(bus_space_tag_t t __unused, bus_space_handle_t h __unused,
    bus_size_t size __unused)
{
}

#define WINDOW_ACCESS(n, type)						\
static type								\
window_read_##n(bus_space_tag_t t, bus_space_handle_t h, bus_size_t off)\
{									\
	return (virtio_pci_window(t, h + off, n, false, 0));		\
}									\
static void								\
window_write_##n(bus_space_tag_t t, bus_space_handle_t h, bus_size_t off,\
    type v)								\
{									\
	(void)virtio_pci_window(t, h + off, n, true, v);		\
}
WINDOW_ACCESS(1, uint8_t)
WINDOW_ACCESS(2, uint16_t)
WINDOW_ACCESS(4, uint32_t)

static int
virtio_pci_window_map(struct virtio_pci_softc *sc, u_int bar, uint32_t off,
    uint32_t len, struct bus_region *br)
{
	struct virtio_pci_window *vw;

	if (sc->sc_window_cap == 0 || off + len < off)
		return (ENXIO);
	if (sc->sc_window == NULL && (sc->sc_window = kmem_zalloc(PCI_NBARS *
	    sizeof(*sc->sc_window), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	vw = &sc->sc_window[bar];
	vw->vw_sc = sc;
	vw->vw_bar = bar;
	vw->vw_tag = (struct bus_space){
		.bs_name = "virtio window", .bs_cookie = vw,
		.bs_unmap = window_unmap,
		.bs_read_1 = window_read_1, .bs_write_1 = window_write_1,
		.bs_read_2 = window_read_2, .bs_write_2 = window_write_2,
		.bs_read_4 = window_read_4, .bs_write_4 = window_write_4,
	};
	*br = (struct bus_region){ &vw->vw_tag, off, len };
	return (0);
}

/* --- capabilities: 4.1.4 ------------------------------------------------ */

/* A structure in a BAR, which is mapped when it is first needed. */
static int
virtio_pci_map(struct virtio_pci_softc *sc, u_int bar, uint32_t off,
    uint32_t len, struct bus_region *br)
{
	int error = 0;

	if (sc->sc_bar[bar].br_size == 0)
		error = pci_bar_map(&sc->sc_pa, bar, 0, &sc->sc_bar[bar]);
	if (error == ENOENT)
		return (error);
	if (error != 0)
		return (virtio_pci_window_map(sc, bar, off, len, br));
	return (br_sub(br, &sc->sc_bar[bar], off, len));
}

/*
 * The first structure of that type which is sound and can be reached.  At
 * least min bytes, and no more than max of those it has.
 */
static int
virtio_pci_find(struct virtio_pci_softc *sc, u_int type, uint32_t min,
    uint32_t max, uint32_t align, struct bus_region *br, u_int *capp)
{
	const struct pci_attach_args *pa = &sc->sc_pa;
	u_int cap, n, bar, size;
	uint32_t off, len;

	size = type == VIRTIO_PCI_CAP_NOTIFY_CFG ? VIRTIO_PCI_CAP_SIZE_MORE :
	    VIRTIO_PCI_CAP_SIZE;
	cap = pci_capability(pa, PCI_CAP_VENDOR, 0);
	for (n = 0; cap != 0 && n < CAPS_MAX; n++,
	    cap = pci_capability(pa, PCI_CAP_VENDOR, cap)) {
		if (cap + size > PCI_CONF_SIZE ||
		    pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_TYPE) != type ||
		    pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_LEN) < size)
			continue;
		bar = pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_BAR);
		off = pci_conf_read_4(pa, cap + VIRTIO_PCI_CAP_OFFSET);
		len = pci_conf_read_4(pa, cap + VIRTIO_PCI_CAP_LENGTH);
		if (bar >= PCI_NBARS || off % align != 0 || len < min)
			continue;
		if (virtio_pci_map(sc, bar, off, MIN(len, max), br) == 0) {
			*capp = cap;
			return (0);
		}
	}
	return (ENOENT);
}

/* Its registers are in configuration space itself. */
static void
virtio_pci_find_window(struct virtio_pci_softc *sc)
{
	const struct pci_attach_args *pa = &sc->sc_pa;
	u_int cap, n;

	cap = pci_capability(pa, PCI_CAP_VENDOR, 0);
	for (n = 0; cap != 0 && n < CAPS_MAX; n++,
	    cap = pci_capability(pa, PCI_CAP_VENDOR, cap)) {
		if (cap + VIRTIO_PCI_CAP_SIZE_MORE <= PCI_CONF_SIZE &&
		    pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_TYPE) ==
		    VIRTIO_PCI_CAP_PCI_CFG &&
		    pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_LEN) >=
		    VIRTIO_PCI_CAP_SIZE_MORE) {
			sc->sc_window_cap = cap;
			return;
		}
	}
}

/*
 * Where the BARs are, for shared memory: to ask a function that runs would
 * turn it off for a moment.
 */
static void
virtio_pci_places(struct virtio_pci_softc *sc)
{
	u_int bar;

	for (bar = 0; bar < PCI_NBARS; bar++) {
		if (pci_bar_info(&sc->sc_pa, bar, &sc->sc_place[bar]) != 0)
			sc->sc_place[bar].pb_size = 0;
	}
}

/* The 1.x interface; ENOENT: it is not there, or not all of it. */
static int
virtio_pci_modern_map(struct virtio_pci_softc *sc)
{
	u_int cap;
	int error;

	virtio_pci_find_window(sc);
	if ((error = virtio_pci_find(sc, VIRTIO_PCI_CAP_COMMON_CFG,
	    VPC_SIZE_OLD, VPC_SIZE, 4, &sc->sc_common, &cap)) != 0 ||
	    (error = virtio_pci_find(sc, VIRTIO_PCI_CAP_NOTIFY_CFG, 2,
	    UINT32_MAX, 2, &sc->sc_notify, &cap)) != 0)
		return (error);
	sc->sc_notify_mult = pci_conf_read_4(&sc->sc_pa,
	    cap + VIRTIO_PCI_CAP_NOTIFY_MULT);
	/* without ISR status there is just no interrupt by line */
	if (virtio_pci_find(sc, VIRTIO_PCI_CAP_ISR_CFG, 1, 1, 1, &sc->sc_isr,
	    &cap) != 0)
		sc->sc_isr.br_size = 0;
	/* not every type of device has something of its own */
	if (virtio_pci_find(sc, VIRTIO_PCI_CAP_DEVICE_CFG, 1, DEVICE_CFG_MAX,
	    4, &sc->sc_device, &cap) != 0)
		sc->sc_device.br_size = 0;
	if (sc->sc_common.br_size < VPC_SIZE)
		sc->sc_vsc.sc_cannot = VIRTIO_F_NOTIF_CONFIG_DATA |
		    VIRTIO_F_RING_RESET;
	virtio_pci_places(sc);
	sc->sc_vsc.sc_cfgsize = sc->sc_device.br_size;
	sc->sc_vsc.sc_vt = &virtio_pci_ops;
	sc->sc_vsc.sc_legacy = false;
	return (0);
}

/* --- attachment --------------------------------------------------------- */

/* It has the registers of virtio, 0.9, but none of its product numbers. */
static bool
virtio_pci_vmmci(const struct pci_attach_args *pa)
{
	return (pa->pa_vendor == PCI_VENDOR_OPENBSD &&
	    pa->pa_product == PCI_PRODUCT_VMMCI);
}

int
virtio_pci_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pci_attach_args *pa = aux;

	return (((pa->pa_vendor == PCI_VENDOR_VIRTIO &&
	    pa->pa_product >= VIRTIO_PRODUCT_FIRST &&
	    pa->pa_product <= VIRTIO_PRODUCT_LAST) || virtio_pci_vmmci(pa)) &&
	    pci_locators_match(cf, pa));
}

/* 4.1.2.1: the type is in the product, or in the subsystem if that is old. */
static uint16_t
virtio_pci_type(const struct pci_attach_args *pa)
{
	if (virtio_pci_vmmci(pa))
		return (VIRTIO_ID_VMMCI);
	return (pa->pa_product >= VIRTIO_PRODUCT_MODERN ?
	    pa->pa_product - VIRTIO_PRODUCT_MODERN : pa->pa_subproduct);
}

/*
 * A product number from the new range that has no usable capabilities may
 * still be a device with the old registers; one that has is not looked at for
 * them, since BAR0 may then be anything.
 */
static bool
virtio_pci_has_legacy(const struct virtio_pci_softc *sc, bool modern)
{
	struct pci_bar pb;

	return ((sc->sc_pa.pa_product < VIRTIO_PRODUCT_MODERN || !modern) &&
	    pci_bar_info(&sc->sc_pa, 0, &pb) == 0 && pb.pb_io);
}

/* One of the two interfaces, or the reason why none. */
static const char *
virtio_pci_choose(struct virtio_pci_softc *sc)
{
	int flags = virtio_flags(&sc->sc_dev);
	bool modern, legacy;

	modern = virtio_pci_modern_map(sc) == 0;
	legacy = virtio_pci_has_legacy(sc, modern);
	if (!modern && !legacy)
		return ("no usable interface");
	if (modern && (flags & VIRTIO_FLAG_NO_1_0)) {
		if (!legacy)
			return ("1.x only, which the flags forbid");
		modern = false;
	}
	/* the legacy interface is in our byte order, the rings in the wire's */
	if (WIRE_LE_SWAP && legacy) {
		if (!modern)
			return ("0.9 only, which a big-endian kernel does "
			    "not drive");
		legacy = false;
	}
	if (modern && (!legacy || (flags & VIRTIO_FLAG_PREFER_1_0)))
		return (NULL);
	if (virtio_pci_legacy_map(sc) != 0)
		return ("0.9 registers cannot be mapped");
	return (NULL);
}

/* Undo attach, however far it came. */
static void
virtio_pci_unmap(struct virtio_pci_softc *sc)
{
	u_int i;

	for (i = 0; i < PCI_NBARS; i++)
		br_unmap(&sc->sc_bar[i]);
	kmem_free(sc->sc_window, PCI_NBARS * sizeof(*sc->sc_window));
	sc->sc_window = NULL;
}

/* The firmware may have left it on; then legacy registers are elsewhere. */
static void
virtio_pci_msix_off(const struct pci_attach_args *pa)
{
	u_int cap = pci_capability(pa, PCI_CAP_MSIX, 0);
	uint16_t control;

	if (cap == 0)
		return;
	control = pci_conf_read_2(pa, cap + 2);
	if (control & 0x8000)
		pci_conf_write_2(pa, cap + 2, control & ~0x8000);
}

int
virtio_pci_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct virtio_pci_softc *sc = (struct virtio_pci_softc *)self;
	struct virtio_softc *vsc = &sc->sc_vsc;
	const struct pci_attach_args *pa = aux;
	struct cfident id = { "", "" };
	const char *why;
	int error;

	sc->sc_pa = *pa;
	mtx_init(&sc->sc_window_mtx, IPL_HIGH);
	vsc->sc_dmat = &md_dma;
	vsc->sc_devid = virtio_pci_type(pa);
	pci_print(pa, &id);
	strlcpy(vsc->sc_what, id.ci_what, sizeof(vsc->sc_what));
	virtio_pci_msix_off(pa);
	if ((why = virtio_pci_choose(sc)) != NULL) {
		device_describe(self, "%s, %s", vsc->sc_what, why);
		virtio_pci_unmap(sc);
		return (ENXIO);
	}
	pci_enable(pa, PCI_COMMAND_MASTER);
	if ((error = virtio_attach_transport(vsc)) != 0)
		virtio_pci_unmap(sc);
	return (error);
}

int
virtio_pci_detach(struct device *self, int flags __unused)
{
	struct virtio_pci_softc *sc = (struct virtio_pci_softc *)self;

	virtio_detach_transport(&sc->sc_vsc);
	virtio_pci_unmap(sc);
	return (0);
}

/* --- interrupts: 4.1.5 -------------------------------------------------- */

static int
virtio_pci_line(void *arg)
{
	struct virtio_pci_softc *sc = arg;

	/* 4.1.4.5: reading it clears it, and lets the line go */
	if (sc->sc_dev.dv_flags & DVF_GONE)
		return (0);
	return (virtio_intr(&sc->sc_vsc, br_read_1(&sc->sc_isr, 0)));
}

u_int
virtio_pci_nvec(struct virtio_softc *vsc)
{
	struct virtio_pci_softc *sc = virtio_pci(vsc);

	if (sc->sc_msix.pm_cap == 0 &&
	    pci_msix_init(&sc->sc_pa, &sc->sc_msix) != 0)
		return (0);
	return (sc->sc_msix.pm_count);
}

static void
virtio_pci_vecs_free(struct virtio_pci_softc *sc)
{
	while (sc->sc_nvec > 0)
		pci_msix_disestablish(&sc->sc_msix, --sc->sc_nvec);
}

int
virtio_pci_intr_setup(struct virtio_softc *vsc, enum ipl ipl,
    const struct virtio_vec *vv, u_int n)
{
	struct virtio_pci_softc *sc = virtio_pci(vsc);
	int error = 0;

	if (n == 0) {
		pci_msix_fini(&sc->sc_pa, &sc->sc_msix);
		if (sc->sc_isr.br_size == 0)
			return (ENXIO);
		return (pci_intr_establish(&sc->sc_pa, &sc->sc_intr, ipl,
		    virtio_pci_line, sc, sc->sc_dev.dv_xname));
	}
	if (virtio_pci_nvec(vsc) < n)
		return (ENOSPC);
	for (; sc->sc_nvec < n; sc->sc_nvec++, vv++) {
		error = pci_msix_establish(&sc->sc_msix, sc->sc_nvec, ipl,
		    vv->vv_cpu, vv->vv_fn, vv->vv_arg, vv->vv_name);
		if (error != 0) {
			virtio_pci_vecs_free(sc);
			break;
		}
	}
	return (error);
}

void
virtio_pci_intr_barrier(struct virtio_softc *vsc)
{
	struct virtio_pci_softc *sc = virtio_pci(vsc);
	u_int i;

	for (i = 0; i < sc->sc_nvec; i++)
		pci_msix_barrier(&sc->sc_msix, i);
	intr_barrier(sc->sc_intr.pi_cookie);
}

void
virtio_pci_intr_free(struct virtio_softc *vsc)
{
	struct virtio_pci_softc *sc = virtio_pci(vsc);

	virtio_pci_vecs_free(sc);
	pci_msix_fini(&sc->sc_pa, &sc->sc_msix);
	pci_intr_disestablish(&sc->sc_pa, &sc->sc_intr);
}

void
virtio_pci_cutoff(struct virtio_softc *vsc)
{
	const struct pci_attach_args *pa = &virtio_pci(vsc)->sc_pa;

	pci_conf_write_2(pa, PCI_COMMAND,
	    pci_conf_read_2(pa, PCI_COMMAND) & ~PCI_COMMAND_MASTER);
}

/* --- registers of both interfaces --------------------------------------- */

uint32_t
virtio_pci_read(const struct bus_region *br, bus_size_t off, u_int width)
{
	switch (width) {
	case 1:
		return (br_read_1(br, off));
	case 2:
		return (br_read_2(br, off));
	default:
		return (br_read_4(br, off));
	}
}

void
virtio_pci_write(const struct bus_region *br, bus_size_t off, u_int width,
    uint32_t v)
{
	switch (width) {
	case 1:
		br_write_1(br, off, v);
		break;
	case 2:
		br_write_2(br, off, v);
		break;
	default:
		br_write_4(br, off, v);
		break;
	}
}

/* 4.1.5.1.2.2: what is read back tells whether it was accepted. */
int
virtio_pci_vector(const struct bus_region *br, bus_size_t reg, uint16_t vec)
{
	br_write_2(br, reg, vec);
	return (br_read_2(br, reg) == vec ? 0 : EBUSY);
}

/* --- the 1.x interface -------------------------------------------------- */

static virtio_bits_t
virtio_pci_get_features(struct virtio_softc *vsc)
{
	const struct bus_region *br = &virtio_pci(vsc)->sc_common;
	virtio_bits_t bits = 0;
	u_int i;

	for (i = 0; i < VIRTIO_NFEATURES / 32; i++) {
		br_write_4(br, VPC_DEVICE_FEATURE_SELECT, i);
		bits |= (virtio_bits_t)br_read_4(br, VPC_DEVICE_FEATURE) <<
		    32 * i;
	}
	return (bits);
}

/*
 * The low words last: a device that knows only these, and does not look at
 * all of the selector, ends up with the right ones.
 */
static void
virtio_pci_set_features(struct virtio_softc *vsc, virtio_bits_t bits)
{
	const struct bus_region *br = &virtio_pci(vsc)->sc_common;
	u_int i;

	for (i = VIRTIO_NFEATURES / 32; i-- > 0;) {
		if (i >= 2 && vsc->sc_offered >> 32 * i == 0)
			continue;
		br_write_4(br, VPC_DRIVER_FEATURE_SELECT, i);
		br_write_4(br, VPC_DRIVER_FEATURE, bits >> 32 * i);
	}
}

static uint8_t
virtio_pci_get_status(struct virtio_softc *vsc)
{
	return (br_read_1(&virtio_pci(vsc)->sc_common, VPC_DEVICE_STATUS));
}

static void
virtio_pci_set_status(struct virtio_softc *vsc, uint8_t status)
{
	br_write_1(&virtio_pci(vsc)->sc_common, VPC_DEVICE_STATUS, status);
}

static uint32_t
virtio_pci_config_gen(struct virtio_softc *vsc)
{
	return (br_read_1(&virtio_pci(vsc)->sc_common,
	    VPC_CONFIG_GENERATION));
}

static uint32_t
virtio_pci_config_read(struct virtio_softc *vsc, bus_size_t off, u_int width)
{
	return (virtio_pci_read(&virtio_pci(vsc)->sc_device, off, width));
}

static void
virtio_pci_config_write(struct virtio_softc *vsc, bus_size_t off,
    u_int width, uint32_t v)
{
	virtio_pci_write(&virtio_pci(vsc)->sc_device, off, width, v);
}

static int
virtio_pci_config_vec(struct virtio_softc *vsc, uint16_t vec)
{
	return (virtio_pci_vector(&virtio_pci(vsc)->sc_common,
	    VPC_CONFIG_MSIX_VECTOR, vec));
}

static uint16_t
virtio_pci_queue_max(struct virtio_softc *vsc, uint16_t index)
{
	const struct bus_region *br = &virtio_pci(vsc)->sc_common;

	if (index >= br_read_2(br, VPC_NUM_QUEUES))
		return (0);
	br_write_2(br, VPC_QUEUE_SELECT, index);
	return (br_read_2(br, VPC_QUEUE_SIZE));
}

/* 4.1.4.3: the register tells what became of the wish. */
static uint16_t
virtio_pci_queue_size(struct virtio_softc *vsc, uint16_t index,
    uint16_t max __unused, uint16_t wish)
{
	const struct bus_region *br = &virtio_pci(vsc)->sc_common;

	br_write_2(br, VPC_QUEUE_SELECT, index);
	br_write_2(br, VPC_QUEUE_SIZE, wish);
	return (br_read_2(br, VPC_QUEUE_SIZE));
}

/* 4.1.3: 64 bits are two times 32, low first. */
static void
virtio_pci_address(const struct bus_region *br, bus_size_t reg,
    bus_addr_t addr)
{
	br_write_4(br, reg, addr);
	br_write_4(br, reg + 4, addr >> 32);
}

/* 4.1.4.4: where to write for this queue, if that is where it may be. */
static int
virtio_pci_doorbell(struct virtio_pci_softc *sc, struct virtqueue *vq)
{
	bus_size_t width, off;
	struct bus_region br;

	width = virtio_has(&sc->sc_vsc, VIRTIO_F_NOTIFICATION_DATA) ? 4 : 2;
	off = (bus_size_t)br_read_2(&sc->sc_common, VPC_QUEUE_NOTIFY_OFF) *
	    sc->sc_notify_mult;
	if (off % width != 0 || br_sub(&br, &sc->sc_notify, off, width) != 0)
		return (EIO);
	vq->vq_noff = off;
	vq->vq_nid = virtio_has(&sc->sc_vsc, VIRTIO_F_NOTIF_CONFIG_DATA) ?
	    br_read_2(&sc->sc_common, VPC_QUEUE_NOTIF_CONFIG_DATA) :
	    vq->vq_index;
	return (0);
}

static int
virtio_pci_queue_on(struct virtio_softc *vsc, struct virtqueue *vq)
{
	struct virtio_pci_softc *sc = virtio_pci(vsc);
	const struct bus_region *br = &sc->sc_common;
	bus_addr_t ring = vq->vq_ring.dmm_seg.ds_addr;
	int error;

	br_write_2(br, VPC_QUEUE_SELECT, vq->vq_index);
	br_write_2(br, VPC_QUEUE_SIZE, vq->vq_num);
	if (br_read_2(br, VPC_QUEUE_SIZE) != vq->vq_num ||
	    (error = virtio_pci_doorbell(sc, vq)) != 0)
		return (EIO);
	if (sc->sc_msix.pm_cap != 0 && (error = virtio_pci_vector(br,
	    VPC_QUEUE_MSIX_VECTOR, vq->vq_vec)) != 0)
		return (error);
	virtio_pci_address(br, VPC_QUEUE_DESC, ring);
	virtio_pci_address(br, VPC_QUEUE_DRIVER, ring + vq->vq_driver);
	virtio_pci_address(br, VPC_QUEUE_DEVICE, ring + vq->vq_device);
	br_write_2(br, VPC_QUEUE_ENABLE, 1);
	return (0);
}

static void
virtio_pci_queue_off(struct virtio_softc *vsc, struct virtqueue *vq)
{
	const struct bus_region *br = &virtio_pci(vsc)->sc_common;

	br_write_2(br, VPC_QUEUE_SELECT, vq->vq_index);
	br_write_2(br, VPC_QUEUE_RESET, 1);
}

/* 4.1.4.3.1: both are 0 when it is done. */
static bool
virtio_pci_queue_is_off(struct virtio_softc *vsc, const struct virtqueue *vq)
{
	const struct bus_region *br = &virtio_pci(vsc)->sc_common;

	br_write_2(br, VPC_QUEUE_SELECT, vq->vq_index);
	return (br_read_2(br, VPC_QUEUE_RESET) == 0 &&
	    br_read_2(br, VPC_QUEUE_ENABLE) == 0);
}

static void
virtio_pci_notify(struct virtio_softc *vsc, const struct virtqueue *vq,
    uint32_t data)
{
	const struct bus_region *br = &virtio_pci(vsc)->sc_notify;

	if (virtio_has(vsc, VIRTIO_F_NOTIFICATION_DATA))
		br_write_4(br, vq->vq_noff, data);
	else
		br_write_2(br, vq->vq_noff, data);
}

/* --- shared memory: 4.1.4.7 --------------------------------------------- */

static uint64_t
virtio_pci_cap_64(const struct pci_attach_args *pa, u_int low, u_int high)
{
	return (pci_conf_read_4(pa, low) |
	    (uint64_t)pci_conf_read_4(pa, high) << 32);
}

/* The region that a capability tells of; it must lie in its BAR. */
static int
virtio_pci_shm_at(const struct virtio_pci_softc *sc, u_int cap,
    struct virtio_shm *vs)
{
	const struct pci_attach_args *pa = &sc->sc_pa;
	const struct pci_bar *pb;
	u_int bar = pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_BAR);
	uint64_t off = virtio_pci_cap_64(pa, cap + VIRTIO_PCI_CAP_OFFSET,
	    cap + VIRTIO_PCI_CAP_OFFSET_HIGH);

	vs->vs_size = virtio_pci_cap_64(pa, cap + VIRTIO_PCI_CAP_LENGTH,
	    cap + VIRTIO_PCI_CAP_LENGTH_HIGH);
	if (bar >= PCI_NBARS)
		return (ENXIO);
	pb = &sc->sc_place[bar];
	if (pb->pb_io || off > pb->pb_size || vs->vs_size > pb->pb_size - off)
		return (ENXIO);
	vs->vs_tag = pa->pa_host->ph_mem;
	vs->vs_addr = pb->pb_addr + off;
	return (vs->vs_size == 0 ? ENOENT : 0);
}

static int
virtio_pci_shm(struct virtio_softc *vsc, uint8_t id, struct virtio_shm *vs)
{
	const struct virtio_pci_softc *sc = virtio_pci(vsc);
	const struct pci_attach_args *pa = &sc->sc_pa;
	u_int cap, n;

	cap = pci_capability(pa, PCI_CAP_VENDOR, 0);
	for (n = 0; cap != 0 && n < CAPS_MAX; n++,
	    cap = pci_capability(pa, PCI_CAP_VENDOR, cap)) {
		if (cap + VIRTIO_PCI_CAP_SIZE_64 <= PCI_CONF_SIZE &&
		    pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_TYPE) ==
		    VIRTIO_PCI_CAP_SHM_CFG &&
		    pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_LEN) >=
		    VIRTIO_PCI_CAP_SIZE_64 &&
		    pci_conf_read_1(pa, cap + VIRTIO_PCI_CAP_ID) == id)
			return (virtio_pci_shm_at(sc, cap, vs));
	}
	return (ENOENT);
}

static bool
virtio_pci_owns(struct virtio_softc *vsc, bus_addr_t addr)
{
	const struct pci_bar *pb = virtio_pci(vsc)->sc_place;
	u_int bar;

	for (bar = 0; bar < PCI_NBARS; bar++, pb++) {
		if (!pb->pb_io && addr >= pb->pb_addr &&
		    addr - pb->pb_addr < pb->pb_size)
			return (true);
	}
	return (false);
}

const struct virtio_transport virtio_pci_ops = {
	.vt_name = "pci-1.x",
	.vt_get_features = virtio_pci_get_features,
	.vt_set_features = virtio_pci_set_features,
	.vt_get_status = virtio_pci_get_status,
	.vt_set_status = virtio_pci_set_status,
	.vt_config_gen = virtio_pci_config_gen,
	.vt_config_read = virtio_pci_config_read,
	.vt_config_write = virtio_pci_config_write,
	.vt_config_vec = virtio_pci_config_vec,
	.vt_queue_max = virtio_pci_queue_max,
	.vt_queue_size = virtio_pci_queue_size,
	.vt_queue_on = virtio_pci_queue_on,
	.vt_queue_off = virtio_pci_queue_off,
	.vt_queue_is_off = virtio_pci_queue_is_off,
	.vt_notify = virtio_pci_notify,
	.vt_shm = virtio_pci_shm,
	.vt_owns = virtio_pci_owns,
	.vt_nvec = virtio_pci_nvec,
	.vt_intr_setup = virtio_pci_intr_setup,
	.vt_intr_barrier = virtio_pci_intr_barrier,
	.vt_intr_free = virtio_pci_intr_free,
	.vt_cutoff = virtio_pci_cutoff,
};

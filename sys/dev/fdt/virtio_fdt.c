/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio over MMIO in a device tree: VirtIO 1.4, 4.2.1.
 */

#include <sys/md.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <dev/pv/virtio_mmiovar.h>

static const char *const virtio_fdt_ident[] = { "virtio,mmio", NULL };

/* Hypervisors have more places than devices. */
static int
virtio_fdt_match(struct device *parent, const struct cfdata *cf,
    const void *aux)
{
	const struct fdt_attach_args *fa = aux;
	int pri = fdt_match(parent, cf, aux);

	if (pri > 0 && fa->fa_size != 0 &&
	    !virtio_mmio_probe(&md_bus_mem, fa->fa_addr, fa->fa_size))
		return (CFMATCH_EMPTY);
	return (pri);
}

static int
virtio_fdt_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	const struct fdt_attach_args *fa = aux;
	struct intr_handle ih;
	int error;

	if ((error = fdt_intr(fa->fa_node, 0, &ih)) != 0) {
		device_describe(self, "no interrupt");
		return (error);
	}
	return (virtio_mmio_attach((struct virtio_mmio_softc *)self,
	    &md_bus_mem, fa->fa_addr, fa->fa_size, &ih));
}

CFATTACH_DECL(virtio, fdt, virtio_mmio_softc, .ca_match = virtio_fdt_match,
    .ca_attach = virtio_fdt_attach, .ca_detach = virtio_mmio_detach,
    .ca_ident = virtio_fdt_ident);

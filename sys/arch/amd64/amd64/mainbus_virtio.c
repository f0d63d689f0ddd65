/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio over MMIO on a PC: QEMU's microvm tells of it in the DSDT or, as
 * Firecracker does, on the command line: virtio_mmio.device=SIZE@ADDR:IRQ[:ID].
 */

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>
#include <dev/pv/virtio_mmiovar.h>
#include <machine/apic.h>
#include <machine/mainbus.h>

#define SIZE_MAX_SANE	0x100000

static int
virtio_mainbus_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct mainbus_attach_args *ma = aux;

	return (virtio_mmio_attach((struct virtio_mmio_softc *)self,
	    &md_bus_mem, ma->ma_addr, ma->ma_size, &ma->ma_intr));
}

CFATTACH_DECL(virtio, mainbus, virtio_mmio_softc,
    .ca_match = mainbus_child_match, .ca_attach = virtio_mainbus_attach,
    .ca_detach = virtio_mmio_detach);

static void
mainbus_virtio_found(struct device *self, bus_addr_t addr, bus_size_t size,
    const struct intr_handle *ih, cfprint_t print)
{
	struct mainbus_attach_args ma = { .ma_name = "virtio",
	    .ma_addr = addr, .ma_size = size, .ma_intr = *ih };

	if (virtio_mmio_probe(&md_bus_mem, addr, size))
		(void)config_found(self, &ma, print);
}

/* A number of the command line with a K, M or G behind it, as others have. */
static bool
word_number(const char *s, const char **end, uint64_t *v)
{
	u_int shift;

	if (strtonum64(s, end, v) != 0)
		return (false);
	switch (**end) {
	case 'K':
	case 'k':
		shift = 10;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'G':
	case 'g':
		shift = 30;
		break;
	default:
		return (true);
	}
	++*end;
	if (*v > UINT64_MAX >> shift)
		return (false);
	*v <<= shift;
	return (true);
}

/* SIZE@ADDR:IRQ[:ID]; the id is of no use here. */
static bool
word_parse(const char *s, uint64_t *size, uint64_t *addr, uint64_t *irq)
{
	uint64_t id;

	return (word_number(s, &s, size) && *s++ == '@' &&
	    word_number(s, &s, addr) && *s++ == ':' &&
	    word_number(s, &s, irq) &&
	    (*s == '\0' || (*s++ == ':' && word_number(s, &s, &id) &&
	    *s == '\0')) &&
	    *size > 0 && *size <= SIZE_MAX_SANE && *addr != 0 &&
	    *addr % 4 == 0 && *addr + *size > *addr && *irq <= UINT16_MAX);
}

void
mainbus_virtio(struct device *self, cfprint_t print)
{
	uint64_t size, addr, irq;
	struct intr_handle ih;
	struct acpi_mmio am;
	const char *v;
	u_int i;

	for (i = 0; acpi_virtio_mmio(acpi_sc.sc_dsdt, i, &am) == 0; i++) {
		intr_gsi_handle(&ih, am.am_gsi.ag_gsi, am.am_gsi.ag_level,
		    am.am_gsi.ag_low);
		mainbus_virtio_found(self, am.am_addr, am.am_size, &ih, print);
	}
	for (i = 0; (v = cmdline_get("virtio_mmio.device", i)) != NULL; i++) {
		if (!word_parse(v, &size, &addr, &irq)) {
			cmdline_bad("virtio_mmio.device", v);
			continue;
		}
		intr_gsi_handle(&ih, irq, false, false);
		mainbus_virtio_found(self, addr, size, &ih, print);
	}
}

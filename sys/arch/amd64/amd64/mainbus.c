/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * mainbus0: what every machine of this kind has, or what its tables tell.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>
#include <dev/acpi/vmgenidvar.h>
#include <dev/ic/comvar.h>
#include <dev/ic/pckbdvar.h>
#include <dev/pci/pcivar.h>
#include <machine/apic.h>
#include <machine/bootinfo.h>
#include <machine/cpu.h>
#include <machine/machdep.h>
#include <machine/mainbus.h>

int
mainbus_child_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct mainbus_attach_args *ma = aux;

	return (strcmp(cf->cf_driver->cd_name, ma->ma_name) == 0);
}

static void
mainbus_print(const void *aux, struct cfident *id)
{
	const struct mainbus_attach_args *ma = aux;

	strlcpy(id->ci_what, ma->ma_name, sizeof(id->ci_what));
	if (ma->ma_port != 0)
		snprintf(id->ci_loc, sizeof(id->ci_loc), " port %#x",
		    ma->ma_port);
	else if (ma->ma_addr != 0)
		snprintf(id->ci_loc, sizeof(id->ci_loc), " addr %#llx",
		    (unsigned long long)ma->ma_addr);
}

/* --- the MADT: ACPI 5.2.12 ------------------------------------------------------ */

#define MADT_HEADER	44
#define MADT_IOAPIC	1
#define MADT_OVERRIDE	2

struct madt_ioapic {
	struct acpi_subtable	mi_sub;
	uint8_t			mi_id;
	uint8_t			mi_rsvd;
	uint32_t		mi_addr;
	uint32_t		mi_gsi;
} __packed;

struct madt_override {
	struct acpi_subtable	mo_sub;
	uint8_t			mo_bus;
	uint8_t			mo_irq;
	uint32_t		mo_gsi;
	uint16_t		mo_flags;
} __packed;

static struct { u_int gsi; bool level, low; } isa_irq[16];

void
madt_init(void)
{
	const struct acpi_header *madt = acpi_table("APIC", 0);
	const struct acpi_subtable *as = NULL;
	const struct madt_ioapic *mi;
	const struct madt_override *mo;
	u_int i, n = 0;

	for (i = 0; i < nitems(isa_irq); i++)
		isa_irq[i].gsi = i;
	while (madt != NULL &&
	    (as = acpi_subtable(madt, MADT_HEADER, as)) != NULL) {
		mi = (const struct madt_ioapic *)as;
		mo = (const struct madt_override *)as;
		if (as->as_type == MADT_IOAPIC &&
		    as->as_length >= sizeof(*mi)) {
			ioapic_attach(mi->mi_addr, mi->mi_gsi);
			n++;
		} else if (as->as_type == MADT_OVERRIDE &&
		    as->as_length >= sizeof(*mo) &&
		    mo->mo_irq < nitems(isa_irq)) {
			isa_irq[mo->mo_irq].gsi = mo->mo_gsi;
			isa_irq[mo->mo_irq].low = (mo->mo_flags & 3) == 3;
			isa_irq[mo->mo_irq].level =
			    (mo->mo_flags >> 2 & 3) == 3;
		}
	}
	if (n == 0 && madt == NULL)
		ioapic_attach(0xfec00000, 0);	/* where it always was */
}

void
intr_isa_handle(struct intr_handle *ih, u_int irq)
{
	KASSERT(irq < nitems(isa_irq));
	intr_gsi_handle(ih, isa_irq[irq].gsi, isa_irq[irq].level,
	    isa_irq[irq].low);
}

/* --- what is there ------------------------------------------------------------------ */

static void
mainbus_com(struct device *self)
{
	static const struct { uint16_t port; u_int irq; } place[] = {
		{ 0x3f8, 4 }, { 0x2f8, 3 }
	};
	struct mainbus_attach_args ma = { .ma_name = "com" };
	u_int i;

	for (i = 0; i < nitems(place); i++) {
		if (!com_probe(md_bus_io, place[i].port))
			continue;
		ma.ma_port = place[i].port;
		intr_isa_handle(&ma.ma_intr, place[i].irq);
		(void)config_found(self, &ma, mainbus_print);
	}
}

/* What physical addresses end at. */
static paddr_t
mainbus_maxpa(void)
{
	uint32_t r[4];

	cpuid(0x80000000, 0, r);
	if (r[0] < 0x80000008)
		return (1ULL << 36);
	cpuid(0x80000008, 0, r);
	return (1ULL << MIN(r[0] & 0xff, 52));
}

static void
mainbus_fb(struct device *self)
{
	const struct bootinfo *bi = machdep_bootinfo();
	struct genfb_conf gf = bi->bi_fb;
	struct mainbus_attach_args ma = { .ma_name = "genfb",
	    .ma_addr = gf.gf_addr, .ma_aux = &gf };
	const char *why = bi->bi_fbwhy;

	if (gf.gf_bits != 0 && gf.gf_addr + GENFB_SIZE(&gf) > mainbus_maxpa())
		why = "beyond all addresses";
	if (why != NULL)
		device_printf(self, "the loader's screen is not used: %s\n",
		    why);
	else if (gf.gf_bits != 0)
		(void)config_found(self, &ma, mainbus_print);
}

static void
mainbus_simple(struct device *self, const char *name, uint16_t port)
{
	struct mainbus_attach_args ma = { .ma_name = name, .ma_port = port };

	(void)config_found(self, &ma, mainbus_print);
}

/* ACPI 5.2.9.3: from revision 3 on the table says whether there is an 8042. */
static void
mainbus_kbd(struct device *self)
{
	const struct acpi_fadt *fa = &acpi_sc.sc_fadt;
	struct mainbus_attach_args ma = { .ma_name = "pckbd",
	    .ma_port = 0x60 };

	if ((acpi_sc.sc_hasfadt && fa->fa_header.ah_revision >= 3 &&
	    !(fa->fa_bootarch & FADT_BOOT_8042)) ||
	    !pckbd_probe(md_bus_io, ma.ma_port))
		return;
	intr_isa_handle(&ma.ma_intr, 1);
	(void)config_found(self, &ma, mainbus_print);
}

static void
mainbus_vmgenid(struct device *self)
{
	struct vmgenid_place vp;
	struct mainbus_attach_args ma = { .ma_name = "vmgenid",
	    .ma_aux = &vp };

	if (vmgenid_find(&vp)) {
		ma.ma_addr = vp.vp_addr;
		(void)config_found(self, &ma, mainbus_print);
	}
}

void
md_mainbus(struct device *self)
{
	mainbus_simple(self, "cpu", 0);
	mainbus_com(self);
	mainbus_fb(self);
	if (acpi_sc.sc_hasfadt)
		mainbus_simple(self, "acpi", 0);
	if (!acpi_sc.sc_hasfadt ||
	    !(acpi_sc.sc_fadt.fa_bootarch & FADT_BOOT_NORTC))
		mainbus_simple(self, "rtc", 0x70);
	mainbus_kbd(self);
	mainbus_vmgenid(self);
	mainbus_simple(self, "pvbus", 0);
	mainbus_virtio(self, mainbus_print);
	pci_machdep_hosts(self);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The simple devices of a PC: cpu, acpi, rtc, serial ports, and the rest that
 * is at mainbus.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/pvreq.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>
#include <dev/acpi/vmgenidvar.h>
#include <dev/ic/comvar.h>
#include <dev/ic/genfbvar.h>
#include <dev/ic/mc146818var.h>
#include <dev/ic/pckbdvar.h>
#include <dev/pv/fwcfgreg.h>
#include <dev/pv/pvvar.h>
#include <machine/apic.h>
#include <machine/cpu.h>
#include <machine/mainbus.h>

/* --- cpu ---------------------------------------------------------------------------- */

struct cpu_softc {
	struct device	sc_dev;
};

static char	cpu_brand[49];

static int
cpu_model(void *arg __unused, char *buf, size_t size)
{
	return (snprintf(buf, size, "%s", cpu_brand));
}

static struct sysctl_oid cpu_model_oid = {
	.so_name = "hw.model", .so_read = cpu_model
};

static void
cpu_brand_init(void)
{
	uint32_t r[4], i;
	char *p;

	cpuid(0x80000000, 0, r);
	if (r[0] < 0x80000004) {
		strlcpy(cpu_brand, "unknown", sizeof(cpu_brand));
		return;
	}
	for (i = 0; i < 3; i++) {
		cpuid(0x80000002 + i, 0, r);
		memcpy(cpu_brand + 16 * i, r, 16);
	}
	for (p = cpu_brand + strlen(cpu_brand); p > cpu_brand &&
	    p[-1] == ' '; p--)
		p[-1] = '\0';
	for (p = cpu_brand; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
}

static int
cpu_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	cpu_brand_init();
	device_describe(self, "%s, %llu MHz, apic id %u", cpu_brand,
	    (unsigned long long)(clock_tsc_hz() + 500000) / 1000000,
	    curcpu()->ci_apicid);
	return (sysctl_register(&cpu_model_oid));
}

CFDRIVER_DECL(cpu, DV_CPU);
CFATTACH_DECL(cpu, mainbus, cpu_softc, .ca_match = mainbus_child_match,
    .ca_attach = cpu_attach);

/* --- acpi: the tables, and the power button ---------------------------------------- */

#define PM1_STS_PWRBTN	0x0100
#define PM1_SCI_EN	0x0001

#define NGPE		2		/* events that drivers want */

struct acpidev_softc {
	struct device	 sc_dev;
	void		*sc_ih;
};

static struct acpi_event {
	void		(*ae_fn)(void *);
	void		 *ae_arg;
	uint16_t	  ae_status, ae_enable;	/* ports */
	uint8_t		  ae_bit;
} acpi_events[NGPE];

/* ACPI 4.8.4.1: half of the block is status, half of it enables. */
int
acpi_gpe_establish(u_int n, void (*fn)(void *), void *arg)
{
	const struct acpi_fadt *fa = &acpi_sc.sc_fadt;
	u_int len = fa->fa_gpe0_len / 2, i;

	for (i = 0; i < NGPE && acpi_events[i].ae_fn != NULL; i++)
		;
	if (!acpi_sc.sc_hasfadt || fa->fa_gpe0 == 0 || n / 8 >= len ||
	    fa->fa_gpe0 > 0xffff - 2 * len || i == NGPE)
		return (ENXIO);
	acpi_events[i] = (struct acpi_event){ fn, arg, fa->fa_gpe0 + n / 8,
	    fa->fa_gpe0 + len + n / 8, 1U << n % 8 };
	outb(acpi_events[i].ae_status, acpi_events[i].ae_bit);
	outb(acpi_events[i].ae_enable, inb(acpi_events[i].ae_enable) |
	    acpi_events[i].ae_bit);
	return (0);
}

static int
acpi_intr_gpe(void)
{
	struct acpi_event *ae;
	int handled = 0;

	for (ae = acpi_events; ae < &acpi_events[NGPE]; ae++) {
		if (ae->ae_fn == NULL || !(inb(ae->ae_status) & ae->ae_bit))
			continue;
		outb(ae->ae_status, ae->ae_bit);
		ae->ae_fn(ae->ae_arg);
		handled = 1;
	}
	return (handled);
}

static int
acpi_intr(void *arg)
{
	struct acpidev_softc *sc = arg;
	uint16_t sts = inw(acpi_sc.sc_fadt.fa_pm1a_evt);

	if (!(sts & PM1_STS_PWRBTN))
		return (acpi_intr_gpe());
	outw(acpi_sc.sc_fadt.fa_pm1a_evt, PM1_STS_PWRBTN);
	host_request(&sc->sc_dev, HOST_POWEROFF);
	return (1);
}

/* ACPI 4.8.3.1: the fixed event of the button, by way of the SCI. */
static void
acpi_button(struct acpidev_softc *sc)
{
	const struct acpi_fadt *fa = &acpi_sc.sc_fadt;
	struct intr_handle ih;

	if ((fa->fa_flags & FADT_HW_REDUCED) || fa->fa_pm1a_evt == 0 ||
	    fa->fa_sci_int == 0 || fa->fa_sci_int > 15)
		return;
	if (fa->fa_smi_cmd != 0 && fa->fa_acpi_enable != 0 &&
	    !(inw(fa->fa_pm1a_cnt) & PM1_SCI_EN))
		outb(fa->fa_smi_cmd, fa->fa_acpi_enable);
	intr_isa_handle(&ih, fa->fa_sci_int);
	sc->sc_ih = intr_establish(&ih, IPL_SOFT, NULL, acpi_intr, sc,
	    sc->sc_dev.dv_xname);
	if (sc->sc_ih != NULL) {
		outw(fa->fa_pm1a_evt, PM1_STS_PWRBTN);
		outw(fa->fa_pm1a_evt + fa->fa_pm1_evt_len / 2,
		    PM1_STS_PWRBTN);
	}
}

static int
acpi_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	struct acpidev_softc *sc = (struct acpidev_softc *)self;
	char names[5 * ACPI_MAXTABLES + 1] = "";
	size_t n = 0;
	u_int i;

	for (i = 0; i < acpi_sc.sc_ntables; i++)
		n += snprintf(names + n, sizeof(names) - n, " %.4s",
		    acpi_sc.sc_table[i]->ah_sig);
	device_describe(self, "tables%s", names);
	acpi_button(sc);
	return (0);
}

CFDRIVER_DECL(acpi, DV_DULL);
CFATTACH_DECL(acpi, mainbus, acpidev_softc, .ca_match = mainbus_child_match,
    .ca_attach = acpi_attach);

/* --- rtc ------------------------------------------------------------------------------------ */

#define RTC_PORT	0x70

static int
rtc_match(struct device *parent, const struct cfdata *cf, const void *aux)
{
	struct bus_region br;
	bool there;

	if (!mainbus_child_match(parent, cf, aux) ||
	    br_map(&br, md_bus_io, RTC_PORT, MC146818_NREGS, 0) != 0)
		return (false);
	there = mc146818_probe(&br);
	br_unmap(&br);
	return (there);
}

static int
rtc_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	struct mc146818_softc *sc = (struct mc146818_softc *)self;
	int error;

	if ((error = br_map(&sc->sc_regs, md_bus_io, RTC_PORT, MC146818_NREGS,
	    0)) != 0)
		return (error);
	if (acpi_sc.sc_hasfadt)
		sc->sc_century = acpi_sc.sc_fadt.fa_century;
	mc146818_attach(sc);
	return (0);
}

CFATTACH_DECL(rtc, mainbus, mc146818_softc, .ca_match = rtc_match,
    .ca_attach = rtc_attach);

/* --- serial ports ----------------------------------------------------------------------- */

static int
com_mainbus_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct com_softc *sc = (struct com_softc *)self;
	struct mainbus_attach_args *ma = aux;
	int error;

	sc->sc_divisor = 1;		/* 115200 */
	if ((error = br_map(&sc->sc_regs, md_bus_io, ma->ma_port, COM_NREGS,
	    0)) != 0)
		return (error);
	if ((error = com_attach(sc, &ma->ma_intr)) != 0)
		br_unmap(&sc->sc_regs);
	return (error);
}

CFATTACH_DECL(com, mainbus, com_softc, .ca_match = mainbus_child_match,
    .ca_attach = com_mainbus_attach, .ca_detach = com_detach);

/* --- vmgenid: which copy of a machine this is ------------------------------------------- */

static int
vmgenid_mainbus_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct vmgenid_softc *sc = (struct vmgenid_softc *)self;
	struct mainbus_attach_args *ma = aux;
	const struct vmgenid_place *vp = ma->ma_aux;
	int error;

	if ((error = vmgenid_attach(sc, vp)) == 0 && vp->vp_gpe >= 0 &&
	    acpi_gpe_establish(vp->vp_gpe, vmgenid_changed, sc) != 0)
		device_printf(self, "no event tells of a copy\n");
	return (error);
}

CFDRIVER_DECL(vmgenid, DV_DULL);
CFATTACH_DECL(vmgenid, mainbus, vmgenid_softc,
    .ca_match = mainbus_child_match, .ca_attach = vmgenid_mainbus_attach);

/* --- the boot loader's frame buffer ----------------------------------------------------- */

static int
genfb_mainbus_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct genfb_softc *sc = (struct genfb_softc *)self;
	struct mainbus_attach_args *ma = aux;
	const struct genfb_conf *gf = ma->ma_aux;
	void *video;
	int error;

	if ((video = md_map(gf->gf_addr, GENFB_SIZE(gf), MD_MAP_WC)) == NULL)
		return (ENOMEM);
	if ((error = genfb_attach(sc, gf, video)) != 0)
		md_unmap(video, GENFB_SIZE(gf));
	return (error);
}

static int
genfb_mainbus_detach(struct device *self, int flags)
{
	struct genfb_softc *sc = (struct genfb_softc *)self;
	int error;

	if ((error = genfb_detach(self, flags)) == 0)
		md_unmap(sc->sc_video, GENFB_SIZE(&sc->sc_conf));
	return (error);
}

CFATTACH_DECL(genfb, mainbus, genfb_softc, .ca_match = mainbus_child_match,
    .ca_attach = genfb_mainbus_attach, .ca_detach = genfb_mainbus_detach);

/* --- keyboard --------------------------------------------------------------------------- */

static int
pckbd_mainbus_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct mainbus_attach_args *ma = aux;

	return (pckbd_attach((struct pckbd_softc *)self, md_bus_io,
	    ma->ma_port, &ma->ma_intr));
}

CFDRIVER_DECL(pckbd, DV_DULL);
CFATTACH_DECL(pckbd, mainbus, pckbd_softc, .ca_match = mainbus_child_match,
    .ca_attach = pckbd_mainbus_attach, .ca_detach = pckbd_detach);

/* --- hypervisor: what CPUID says -------------------------------------------------------- */

#define CPUID1_ECX_HYPERVISOR	(1U << 31)

/*
 * Signatures are at 0x40000000 and then every 0x100, for a hypervisor that
 * also speaks another's interface.  The first that is no text ends them.
 */
int
md_pv_evidence(u_int n, struct pv_evidence *ev)
{
	uint32_t r[4], base = 0x40000000 + n * 0x100, last;
	u_int i;

	if (!(cpu_feature_ecx & CPUID1_ECX_HYPERVISOR) || n >= 0x100)
		return (ENOENT);
	cpuid(base, 0, r);
	memset(ev, 0, sizeof(*ev));
	memcpy(ev->pe_sig, &r[1], 12);
	for (i = 0; i < 4; i++) {
		if (ev->pe_sig[i] < ' ' || ev->pe_sig[i] > '~')
			return (ENOENT);
	}
	/* an old KVM says 0, and has one more */
	last = r[0] != 0 ? r[0] : base + 1;
	ev->pe_kind = PVE_CPUID;
	ev->pe_base = base;
	if (last > base)
		cpuid(base + 1, 0, ev->pe_regs);
	if (last > base + 1)
		cpuid(base + 2, 0, ev->pe_regs2);
	if (last > base + 2)
		cpuid(base + 3, 0, ev->pe_regs3);
	return (0);
}

/* DSP0134, 5.2: where a firmware that is no UEFI leaves the entry point */
int
md_smbios(paddr_t *base, size_t *size)
{
	*base = 0xf0000;
	*size = 0x10000;
	return (0);
}

int
md_fwcfg(bus_addr_t *addr, bool *mem)
{
	*addr = FWCFG_PORT;
	*mem = false;
	return (0);
}

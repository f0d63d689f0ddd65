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
#include <sys/todr.h>

#include <dev/acpi/acpivar.h>
#include <dev/acpi/vmgenidvar.h>
#include <dev/ic/comvar.h>
#include <dev/ic/genfbvar.h>
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

/* --- rtc: MC146818 ---------------------------------------------------------------------- */

#define RTC_INDEX	0x70
#define RTC_DATA	0x71
#define RTC_A		0x0a
#define RTC_A_UIP	0x80		/* update in progress */
#define RTC_B		0x0b
#define RTC_B_24	0x02
#define RTC_B_BINARY	0x04

static uint8_t
rtc_read(u_int reg)
{
	outb(RTC_INDEX, reg);
	return (inb(RTC_DATA));
}

static u_int
rtc_value(uint8_t v, uint8_t b)
{
	return (b & RTC_B_BINARY ? v : (v >> 4) * 10 + (v & 0xf));
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t
days_of(int64_t y, u_int m, u_int d)
{
	/* years begin in March, so that the leap day is the last */
	y -= m <= 2;
	m = m > 2 ? m - 3 : m + 9;
	return (365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	    d - 1 - 719468);
}

/* sec, min, hour, day, month, year, century */
static void
rtc_registers(uint8_t r[7])
{
	static const uint8_t reg[6] = { 0, 2, 4, 7, 8, 9 };
	uint8_t century = acpi_sc.sc_hasfadt ? acpi_sc.sc_fadt.fa_century : 0;
	u_int i;

	for (i = 0; i < 1000 && (rtc_read(RTC_A) & RTC_A_UIP); i++)
		delay(10);
	for (i = 0; i < nitems(reg); i++)
		r[i] = rtc_read(reg[i]);
	r[6] = century != 0 && century < 128 ? rtc_read(century) : 0;
}

static int
rtc_get(void *arg __unused, uint64_t *ns)
{
	uint8_t r[7], again[7], b, hour;
	u_int tries = 0, year, month, day, hours;
	int64_t days;

	/* an update may have come between: the same twice is a time */
	rtc_registers(r);
	do {
		memcpy(again, r, sizeof(r));
		rtc_registers(r);
	} while (memcmp(r, again, sizeof(r)) != 0 && ++tries < 10);

	b = rtc_read(RTC_B);
	hour = b & RTC_B_24 ? r[2] : r[2] & 0x7f;
	hours = rtc_value(hour, b);
	if (!(b & RTC_B_24))
		hours = hours % 12 + (r[2] & 0x80 ? 12 : 0);
	day = rtc_value(r[3], b);
	month = rtc_value(r[4], b);
	year = rtc_value(r[5], b);
	year += r[6] != 0 ? rtc_value(r[6], b) * 100 :
	    year < 70 ? 2000 : 1900;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hours > 23 ||
	    year < 1970 || year > 2200)
		return (EINVAL);
	days = days_of(year, month, day);
	*ns = SEC_TO_NSEC(((days * 24 + hours) * 60 + rtc_value(r[1], b)) *
	    60 + rtc_value(r[0], b));
	return (0);
}

struct rtc_softc {
	struct device	sc_dev;
	struct todr	sc_todr;
};

static int
rtc_match(struct device *parent, const struct cfdata *cf, const void *aux)
{
	return (mainbus_child_match(parent, cf, aux) &&
	    rtc_read(RTC_A) != 0xff);
}

static int
rtc_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	struct rtc_softc *sc = (struct rtc_softc *)self;

	device_describe(self, "mc146818");
	sc->sc_todr.td_get = rtc_get;
	todr_attach(&sc->sc_todr);
	return (0);
}

CFDRIVER_DECL(rtc, DV_DULL);
CFATTACH_DECL(rtc, mainbus, rtc_softc, .ca_match = rtc_match,
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

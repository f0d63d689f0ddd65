/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Time: the generic timer (Arm ARM D12).  The virtual counter is the clock and
 * the virtual timer the alarm, as a hypervisor means them for its guests.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <dev/fdt/fdtvar.h>
#include <machine/cpu.h>
#include <machine/machdep.h>

#define TIMER_ENABLE	1UL
#define TIMER_IMASK	2UL

#define INTR_VIRTUAL	2		/* in the node's list */
#define HZ_ASSUMED	62500000

static uint64_t	hz;

void
clock_early_init(void)
{
	hz = READ_SYSREG(cntfrq_el0);
	if (hz < 1000000 || hz > 10000000000UL)
		hz = HZ_ASSUMED;	/* firmware did not set it */
	WRITE_SYSREG(cntv_ctl_el0, 0);
	counter_start(hz);
}

void
md_timer_set(uint64_t when)
{
	if (when == 0) {
		WRITE_SYSREG(cntv_ctl_el0, 0);
		return;
	}
	WRITE_SYSREG(cntv_cval_el0, counter_at(MIN(when,
	    md_nsec() + SEC_TO_NSEC(3600))));
	WRITE_SYSREG(cntv_ctl_el0, TIMER_ENABLE);
	isb();
}

static int
agtimer_intr(void *arg __unused)
{
	/* its line stays high until it is set anew */
	WRITE_SYSREG(cntv_ctl_el0, TIMER_ENABLE | TIMER_IMASK);
	clock_intr();
	return (1);
}

/* --- attachment ----------------------------------------------------------------------------- */

struct agtimer_softc {
	struct device	 sc_dev;
	void		*sc_ih;
};

static const char *const agtimer_ident[] = {
	"arm,armv8-timer", "arm,armv7-timer", NULL
};

static int
agtimer_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct agtimer_softc *sc = (struct agtimer_softc *)self;
	const struct fdt_attach_args *fa = aux;
	struct intr_handle ih;
	int error;

	if ((error = fdt_intr(fa->fa_node, INTR_VIRTUAL, &ih)) != 0) {
		device_describe(self, "no interrupt of the virtual timer");
		return (error);
	}
	sc->sc_ih = intr_establish(&ih, IPL_CLOCK, NULL, agtimer_intr, sc,
	    self->dv_xname);
	if (sc->sc_ih == NULL)
		return (ENXIO);
	device_describe(self, "%llu kHz", (unsigned long long)hz / 1000);
	return (0);
}

CFDRIVER_DECL(agtimer, DV_DULL);
CFATTACH_DECL(agtimer, fdt, agtimer_softc, .ca_match = fdt_match,
    .ca_attach = agtimer_attach, .ca_ident = agtimer_ident);

const char *
md_clock_name(void)
{
	return ("agtimer");
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What hypervisors say of time, where it need not be quick; and pvclock(4)
 * and hvclock(4), the devices that show what became of it.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/todr.h>

#include <dev/pv/pvclockvar.h>
#include <dev/pv/pvvar.h>

#define RATE_MIN	1000000ULL	/* Hz, that can be believed */
#define RATE_MAX	1000000000000ULL

static uint64_t
believable(unsigned __int128 hz)
{
	return (hz >= RATE_MIN && hz <= RATE_MAX ? (uint64_t)hz : 0);
}

/* hz << shift * mul >> 32 is a second */
uint64_t
pvclock_hz(const volatile struct pvclock_page *pc)
{
	int shift = pc->pc_shift;
	uint32_t mul = pc->pc_mul;
	unsigned __int128 hz;

	if (pc->pc_version == 0 || mul == 0 || shift < -31 || shift > 31)
		return (0);
	hz = (NSEC_PER_SEC << 32) / mul;
	return (believable(shift >= 0 ? hz >> shift : hz << -shift));
}

uint64_t
pvclock_wall(const volatile struct pvclock_wall *pw)
{
	uint32_t before, sec, nsec;
	u_int i;

	for (i = 0; i < PVCLOCK_TRIES; i++) {
		before = pw->pw_version;
		__asm volatile("" ::: "memory");
		sec = pw->pw_sec;
		nsec = pw->pw_nsec;
		__asm volatile("" ::: "memory");
		if (!(before & 1) && pw->pw_version == before)
			return (nsec < NSEC_PER_SEC && sec != 0 ?
			    SEC_TO_NSEC((uint64_t)sec) + nsec : 0);
	}
	return (0);
}

/* scale = units of 100 ns in a second, << 64, / hz; in 64 bits */
uint64_t
hvclock_hz(const volatile struct hvclock_page *hc)
{
	uint64_t scale = hc->hc_scale >> 24;

	if (hc->hc_sequence == HVCLOCK_INVALID || scale == 0)
		return (0);
	return (believable((NSEC_PER_SEC / HVCLOCK_UNIT << 40) / scale));
}

/* --- devices ------------------------------------------------------------ */

struct pvclock_softc {
	struct device	sc_dev;
	struct todr	sc_todr;
	bool		sc_attached;
};

/* In use: under the name of the driver. */
static int
pvclock_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pv_attach_args *pva = aux;

	return (strcmp(pva->pva_name, cf->cf_driver->cd_name) == 0 &&
	    strcmp(pva->pva_name, md_clock_name()) == 0);
}

static int
pvclock_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	struct pvclock_softc *sc = (struct pvclock_softc *)self;
	uint64_t ns;

	device_describe(self, "%s", md_clock_about());
	sc->sc_todr.td_flags = TODR_FINE;
	sc->sc_todr.td_get = md_clock_wall;
	if (md_clock_wall(NULL, &ns) != 0)
		return (0);
	todr_attach(&sc->sc_todr);
	sc->sc_attached = true;
	return (0);
}

static int
pvclock_detach(struct device *self, int flags __unused)
{
	struct pvclock_softc *sc = (struct pvclock_softc *)self;

	if (sc->sc_attached)
		todr_detach(&sc->sc_todr);
	sc->sc_attached = false;
	return (0);
}

CFDRIVER_DECL(pvclock, DV_DULL);
CFATTACH_DECL(pvclock, pvbus, pvclock_softc, .ca_match = pvclock_match,
    .ca_attach = pvclock_attach, .ca_detach = pvclock_detach);

CFDRIVER_DECL(hvclock, DV_DULL);
CFATTACH_DECL(hvclock, pvbus, pvclock_softc, .ca_match = pvclock_match,
    .ca_attach = pvclock_attach, .ca_detach = pvclock_detach);

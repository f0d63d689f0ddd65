/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The simulated machine as a whole.
 */

#include <sys/cmdline.h>
#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pci/pcivar.h>
#include <machine/host.h>
#include <machine/mainbus.h>
#include "sim.h"

u_int		sim_nfaults;
bool		sim_lenient;
struct device	*sim_mainbus;
void		(*sim_mainbus_children)(struct device *);

static uint64_t	seed;
static char	first_fault[200];

void
sim_seed(uint64_t s)
{
	seed = s * 2654435761U + 88172645463325252ULL;
}

/* xorshift64* */
uint32_t
sim_random(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return ((uint32_t)(seed * 2685821657736338717ULL >> 32) % below);
}

void
sim_fault(const char *fmt, ...)
{
	va_list ap;

	if (sim_lenient)
		return;
	if (sim_nfaults++ != 0)
		return;
	va_start(ap, fmt);
	vsnprintf(first_fault, sizeof(first_fault), fmt, ap);
	va_end(ap);
}

static bool
is_in(const char *text, const char *p)
{
	size_t n = strlen(text);

	for (; *p != '\0'; p++) {
		if (strncmp(p, text, n) == 0)
			return (true);
	}
	return (false);
}

bool
sim_faulted(const char *text)
{
	bool was = sim_nfaults != 0 && is_in(text, first_fault);

	if (!was && sim_nfaults != 0)
		host_complain(first_fault);
	sim_nfaults = 0;
	return (was);
}

static int
device_acts(void)
{
	return (sim_virtio_runall());
}

/* What is made once and kept would look like a leak of the first test. */
static void
warm_up(void)
{
	static const struct cdevsw none = { .d_name = "none" };
	static bool done;
	struct cdev *cd;

	if (done)
		return;
	done = true;
	if (dev_create(&cd, &none, NULL, 0600, "none") == 0)
		dev_destroy(cd);
	hosted_nallocs = 0;
}

void
sim_init(void)
{
	hosted_init();
	warm_up();
	cmdline_init("", 0);
	config_init();
	sim_seed(1);
	sim_nfaults = 0;
	sim_lenient = false;
	sim_dma_split = false;
	sim_dma_strict = false;
	sim_dma_segmax = (1 << 20) - PAGE_SIZE;
	sim_dma_translate(false);
	sim_gone = false;
	sim_gone_at = 0;
	sim_mainbus_children = NULL;
	hosted_device = device_acts;
	hosted_step_fn = sim_step;
}

int
sim_fini(void)
{
	static char why[300];
	int bad = 0;

	KASSERT(sim_mainbus == NULL);
	hosted_run(0);
	hosted_device = NULL;
	hosted_step_fn = NULL;
	if (sim_nfaults != 0) {
		snprintf(why, sizeof(why), "the driver broke the rules %u "
		    "times, first: %s", sim_nfaults, first_fault);
		host_complain(why);
		bad++;
	}
	if (sim_nsegs != 0 || sim_nmaps != 0) {
		host_complain("memory is still lent to devices");
		bad++;
	}
	sim_nsegs = sim_nmaps = 0;
	bad += hosted_fini();
	if (bad)
		host_complain(hosted_console());
	return (bad);
}

bool
sim_said(const char *text)
{
	return (is_in(text, hosted_console()));
}

/* --- mainbus0 ------------------------------------------------------------ */

struct mainbus_softc {
	struct device	sc_dev;
};

static int
mainbus_match(struct device *parent, const struct cfdata *cf,
    const void *aux)
{
	return (1);
}

void
md_mainbus(struct device *self)
{
	if (sim_mainbus_children != NULL)
		sim_mainbus_children(self);
	else
		pci_machdep_hosts(self);
}

static int
mainbus_attach(struct device *parent, struct device *self, void *aux)
{
	device_describe(self, "simulated");
	sim_mainbus = self;
	md_mainbus(self);
	return (0);
}

static int
mainbus_detach(struct device *self, int flags)
{
	sim_mainbus = NULL;
	return (0);
}

CFDRIVER_DECL(mainbus, DV_DULL);
CFATTACH_DECL(mainbus, root, mainbus_softc, .ca_match = mainbus_match,
    .ca_attach = mainbus_attach, .ca_detach = mainbus_detach);

struct device *
sim_attach(void)
{
	(void)config_rootfound("mainbus", NULL);
	config_deferred();
	return (sim_mainbus);
}

void
sim_detach(void)
{
	if (sim_mainbus != NULL)
		(void)config_detach(sim_mainbus, DETACH_FORCE | DETACH_QUIET);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * mainbus0: the machine.  What is on it is md_mainbus()'s affair.
 */

#include <sys/device.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <vm/vm_page.h>

struct mainbus_softc {
	struct device	sc_dev;
};

static int
mainbus_match(struct device *parent __unused,
    const struct cfdata *cf __unused, const void *aux __unused)
{
	return (1);
}

static int
mainbus_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	device_describe(self, "%llu MB memory, booted by %s",
	    (unsigned long long)(vm_page_total() + 128) >>
	    (20 - PAGE_SHIFT), machdep_loader());
	md_mainbus(self);
	return (0);
}

CFDRIVER_DECL(mainbus, DV_DULL);
CFATTACH_DECL(mainbus, root, mainbus_softc, .ca_match = mainbus_match,
    .ca_attach = mainbus_attach);

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* What the host asked for is counted; there is no init(8) to be told. */

#include <sys/pvreq.h>

#include "sim.h"

u_int	sim_npoweroff, sim_nreboot;

/*
 * Takes the place of that in init_main.c, which has a process to tell it, and
 * prints a few lines only, too.
 */
void
host_request(struct device *dev, enum host_request req)
{
	if (sim_npoweroff + sim_nreboot < 5)
		device_printf(dev, "the host asks to %s\n",
		    req == HOST_POWEROFF ? "power off" : "reboot");
	if (req == HOST_POWEROFF)
		sim_npoweroff++;
	else
		sim_nreboot++;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_IC_PCKBDVAR_H_
#define _DEV_IC_PCKBDVAR_H_

#include <sys/bus.h>
#include <sys/device.h>
#include <sys/intr.h>
#include <sys/mutex.h>
#include <sys/timeout.h>

#include <dev/wscons/wskbdvar.h>

/* The keyboard at an 8042, for whatever bus that is on. */
struct pckbd_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;
	void			*sc_ih;
	struct wskbd		*sc_kbd;
	struct mutex		 sc_mtx;	/* the rest; IPL_TTY */
	uint8_t			 sc_prefix;	/* of a scan code */
	u_int			 sc_skip;	/* bytes that mean nothing */
	u_int			 sc_leds;	/* as they are to be */
	u_int			 sc_ledsent;
	u_int			 sc_ledstate;	/* byte of the command; 0: none */
	u_int			 sc_ledtries;	/* of that byte */
	struct timeout		 sc_ledwait;
};

#define PCKBD_NREGS	5

/*
 * pckbd_probe: thread context; is there a controller?
 * pckbd_attach: the same, at that address; describes the device.  ENXIO: no
 *	keyboard answers.
 */
bool	pckbd_probe(bus_space_tag_t, bus_addr_t);
int	pckbd_attach(struct pckbd_softc *, bus_space_tag_t, bus_addr_t,
	    const struct intr_handle *);
int	pckbd_detach(struct device *, int);

#endif /* _DEV_IC_PCKBDVAR_H_ */

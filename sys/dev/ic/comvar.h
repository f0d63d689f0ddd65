/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_IC_COMVAR_H_
#define _DEV_IC_COMVAR_H_

#include <sys/bus.h>
#include <sys/device.h>
#include <sys/intr.h>
#include <sys/tty.h>

/* 16550-compatible serial ports, for whatever bus they are on. */
struct com_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;
	u_int			 sc_shift;	/* distance of registers */
	bool			 sc_wide;	/* 32 bits each, else 8 */
	u_int			 sc_divisor;	/* 0: as the firmware left it */
	void			*sc_ih;
	struct mutex		 sc_mtx;	/* registers; IPL_TTY */
	u_int			 sc_fifo;	/* bytes the sender takes */
	bool			 sc_open;
	struct tty		 sc_tty;
	struct consdev		 sc_cons;
};

#define COM_NREGS	8

bool	com_probe(bus_space_tag_t, bus_addr_t);
/* sc_regs is mapped, shift, width and divisor are set; NULL: no interrupt; describes the device */
int	com_attach(struct com_softc *, const struct intr_handle *);
int	com_detach(struct device *, int);

#endif /* _DEV_IC_COMVAR_H_ */

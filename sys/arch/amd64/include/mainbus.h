/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_MAINBUS_H_
#define _MACHINE_MAINBUS_H_

#include <sys/bus.h>
#include <sys/device.h>
#include <sys/intr.h>

struct mainbus_attach_args {
	const char		*ma_name;
	uint16_t		 ma_port;	/* 0: none */
	bus_addr_t		 ma_addr;	/* 0: none */
	bus_size_t		 ma_size;
	struct intr_handle	 ma_intr;
	void			*ma_aux;	/* what the child expects */
};

/* mainbus_virtio.c */
void	mainbus_virtio(struct device *, cfprint_t);

int	mainbus_child_match(struct device *, const struct cfdata *,
	    const void *);

#endif /* _MACHINE_MAINBUS_H_ */

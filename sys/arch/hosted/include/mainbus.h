/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_MAINBUS_H_
#define _MACHINE_MAINBUS_H_

#include <sys/device.h>
#include <sys/intr.h>

struct mainbus_attach_args {
	const char		*ma_name;
	uint16_t		 ma_port;
	struct intr_handle	 ma_intr;
	void			*ma_aux;
};

int	mainbus_child_match(struct device *, const struct cfdata *,
	    const void *);

#endif /* _MACHINE_MAINBUS_H_ */

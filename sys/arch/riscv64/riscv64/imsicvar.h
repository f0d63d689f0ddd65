/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _RISCV64_IMSICVAR_H_
#define _RISCV64_IMSICVAR_H_

/* Between the controller of messages and one that makes messages of lines. */

#include <dev/fdt/fdt.h>

/*
 * imsic_is_ours: is the node an IMSIC that interrupts this processor in our
 *	mode?
 * imsic_line_take: an identity whose message means fn(arg), in interrupt
 *	context; hart is the index that an APLIC writes to.  Interrupts are off.
 *	ENXIO: that node is not attached; ENOSPC: there is none left.
 * imsic_line_free: it means nothing from now on.
 */
bool	imsic_is_ours(fdt_node_t);
int	imsic_line_take(fdt_node_t, void (*fn)(void *), void *arg, u_int *id,
	    u_int *hart);
void	imsic_line_free(u_int id);

#endif /* _RISCV64_IMSICVAR_H_ */

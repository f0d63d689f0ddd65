/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _VFU_H_
#define _VFU_H_

/*
 * A server of vfio-user for one PCI function with one I/O BAR and a line:
 * what QEMU's vfio-user-pci is the client of.  docs/interop/vfio-user.rst in
 * QEMU's sources is the protocol, version 0.0; <linux/vfio.h> has the
 * structures that it carries.
 *
 * What the client says is checked before it is used.  A request that is not
 * right is told on standard output, a line that begins with "error", and gets
 * EINVAL; a stream that cannot be followed any more ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfu {
	int		  vf_sock;
	bool		  vf_greeted;
	int		  vf_irq;	/* event, -1: none */
	int		  vf_unmask;	/* event that unmasks, -1: none */
	bool		  vf_masked;
	bool		  vf_line;	/* what the device wants */
	uint8_t		  vf_conf[256];
	uint8_t		  vf_wmask[256];
	uint32_t	  vf_barsize;	/* a power of two */
	uint32_t	(*vf_read)(void *, uint32_t off, unsigned int width);
	void		(*vf_write)(void *, uint32_t off, unsigned int width,
			    uint32_t);
	void		(*vf_reset)(void *);
	void		 *vf_arg;
};

/* after vf_barsize and the callbacks; conf has the ids already */
void	 vfu_init(struct vfu *, int sock);
/* there is something to read; false: it is over */
bool	 vfu_serve(struct vfu *);
void	 vfu_line(struct vfu *, bool);
void	 vfu_unmasked(struct vfu *);		/* vf_unmask can be read */

#endif /* _VFU_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VMTVAR_H_
#define _DEV_PV_VMTVAR_H_

#include <sys/types.h>

#include <dev/pv/vmtreg.h>

/*
 * The registers, and the three instructions, which the machine provides: any
 * context; they stop the processor for as long as the host wants.
 */
struct backdoor {
	uint64_t	bd_ax, bd_bx, bd_cx, bd_dx, bd_si, bd_di, bd_bp;
};
enum backdoor_insn { BACKDOOR_IN, BACKDOOR_INSB, BACKDOOR_OUTSB };

void	md_backdoor(struct backdoor *, enum backdoor_insn);

/* One command, its argument in EBX.  Any context. */
void	backdoor_cmd(struct backdoor *, uint16_t cmd, uint32_t arg);

struct vmt_chan {
	uint32_t	vc_proto;
	uint32_t	vc_cookie[2];
	uint16_t	vc_id;
	bool		vc_open;
};

/*
 * Message channels.  Each is used by one thread at a time.  Thread context.
 *
 * vmt_open: EIO: the host has none left, or will not.
 * vmt_send: a whole message.  EIO: it did not arrive.  ERANGE: the host
 *	would not take one of that length.
 * vmt_receive: with a NUL behind it, hence one byte less than the size; the
 *	length without that to *lenp.  ENOENT: there is none.  ERANGE: it is
 *	longer, and lost; *lenp has its length.  EIO.
 * vmt_rpc: a request and its answer, in a channel of its own.  The answer is
 *	what follows the host's mark for success.  EINVAL: the host refuses;
 *	else the errors of those above.
 */
int	vmt_open(struct vmt_chan *, uint32_t proto);
void	vmt_close(struct vmt_chan *);
int	vmt_send(const struct vmt_chan *, const void *, size_t);
int	vmt_receive(const struct vmt_chan *, char *, size_t, size_t *lenp);
int	vmt_rpc(const void *, size_t, char *, size_t, size_t *lenp);

#endif /* _DEV_PV_VMTVAR_H_ */

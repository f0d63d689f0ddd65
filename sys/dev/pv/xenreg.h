/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_XENREG_H_
#define _DEV_PV_XENREG_H_

/*
 * What a guest of Xen's has without asking, and how to find it: Xen's public
 * headers hvm/params.h, hvm/hvm_op.h, event_channel.h, memory.h, sched.h,
 * io/console.h and xen.h, in their form for 64 bits.
 */

#include <sys/wire.h>

#define XEN_PAGE		4096
#define XEN_DOMID_SELF		0x7ff0

/* hypercalls, and what the first argument then is; all have an address */
#define XEN_MEMORY_OP		12
#define XEN_SCHED_OP		29
#define XEN_EVENT_CHANNEL_OP	32
#define XEN_HVM_OP		34

#define XENMEM_ADD_TO_PHYSMAP	7
#define XENMEM_REMOVE_FROM_PHYSMAP 15
#define XEN_SCHED_YIELD		0		/* no address */
#define XEN_EVTCHN_SEND		4
#define XEN_HVM_SET_PARAM	0
#define XEN_HVM_GET_PARAM	1
#define XEN_HVM_SET_UPCALL_VECTOR 23

struct xen_add_to_physmap {
	uint16_t	domid;
	uint16_t	size;
	uint32_t	space;			/* 0: the shared page */
	uint64_t	idx;
	uint64_t	gpfn;
};

struct xen_remove_from_physmap {
	uint16_t	domid;
	uint64_t	gpfn;
};

struct xen_evtchn_send {
	uint32_t	port;
};

struct xen_hvm_param {
	uint16_t	domid;
	uint32_t	index;
	uint64_t	value;
};
#define XEN_PARAM_CALLBACK_IRQ	0
#define XEN_PARAM_CONSOLE_PFN	17
#define XEN_PARAM_CONSOLE_EVTCHN 18

struct xen_upcall_vector {
	uint32_t	vcpu;
	uint32_t	vector;
};

/* the ring of the console; the indices count bytes, and wrap at 2^32 */
#define XENCONS_IN	1024
#define XENCONS_OUT	2048

struct xencons_page {
	uint8_t		in[XENCONS_IN];		/* to the guest */
	uint8_t		out[XENCONS_OUT];
	le32_w		in_cons, in_prod;
	le32_w		out_cons, out_prod;
};

/* the shared page */
#define XEN_NVCPU	32
#define XEN_NEVTWORD	64

struct xen_vcpu {
	le8_w		upcall_pending;
	uint8_t		upcall_mask;
	uint8_t		pad[6];
	le64_w		pending_sel;		/* words with bits set */
	uint64_t	arch[2];
	uint8_t		time[32];		/* struct pvclock_page */
};

struct xen_shared {
	struct xen_vcpu	vcpu[XEN_NVCPU];
	le64_w		pending[XEN_NEVTWORD];
	le64_w		mask[XEN_NEVTWORD];
	uint8_t		wall[16];		/* struct pvclock_wall */
};

/*
 * Where the shared page is put: no memory nor device is there, since Linux
 * puts it there as well.
 */
#define XEN_SHARED_ADDR	0xfe700000

/* The machine's: any context.  A negative errno of Xen's, or 0 and more. */
long	md_xen_hypercall(unsigned int op, unsigned long a1, unsigned long a2);

#endif /* _DEV_PV_XENREG_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIRTIOVAR_H_
#define _DEV_PV_VIRTIOVAR_H_

/*
 * What a virtio device driver sees, and all it sees.
 *
 * A driver's attach goes through this file from top to bottom:
 *
 *	virtio_negotiate	say who drives the device and what it can do
 *	virtio_config_read	look at the configuration, once
 *	virtio_queues		describe the queues and what they call
 *	virtio_on_config	...what else to call
 *	virtio_on_failure
 *	virtio_start		the device may work from here on
 *
 * each of which returns an errno, and prints the driver's line if the device
 * is at fault.  To undo it, however far it came: virtio_stop, vq_drain until
 * NULL for each queue, virtio_end.
 *
 * A request is a list of memory segments (vq_sg_*), a cookie that comes back
 * with it, vq_enqueue and vq_notify; vq_dequeue returns what is done.  What
 * comes from the device has been checked here: a cookie is one that was lent
 * and not yet returned, a length is not more than the room there was.  If a
 * device does what it must not, virtio_fail() stops it.
 */

#include <sys/bus_dma.h>
#include <sys/device.h>
#include <sys/mutex.h>

#include <dev/pv/virtioreg.h>

struct virtio_softc;				/* opaque to drivers */
struct virtqueue;				/* opaque to drivers */

struct virtio_attach_args {
	struct virtio_softc	*va_vsc;
	uint16_t		 va_devid;
};

/* --- attachment --------------------------------------------------------- */

struct virtio_ident {
	uint16_t	 vi_devid;
	const char	*vi_desc;
};

int	virtio_match(struct device *, const struct cfdata *, const void *);

#define VIRTIO_ATTACH_DECL(name, type, devid, desc)			\
	CFDRIVER_DECL(name, DV_DULL);					\
	CFATTACH_DECL(name, virtio, type,				\
	    .ca_match = virtio_match, .ca_attach = name##_attach,	\
	    .ca_detach = name##_detach,					\
	    .ca_ident = &(const struct virtio_ident){ devid, desc })

/* --- feature negotiation ------------------------------------------------ */

/*
 * A driver's table names all bits that the specification gives its device,
 * so that sysctl(8) shows what was offered; VFF_UNUSED are those that the
 * driver makes no use of and does not accept.
 */
/*
 * A set of features: 2.2 has 128 of them so far.  GCC has integers of this
 * size wherever a pointer has 64 bits.
 */
typedef unsigned __int128	virtio_bits_t;
#define VIRTIO_NFEATURES	128
#define VIRTIO_BIT(n)		((virtio_bits_t)1 << (n))

struct virtio_feature {
	virtio_bits_t	 vf_bit;
	virtio_bits_t	 vf_needs;		/* dropped unless all are had */
	int		 vf_flags;
	const char	*vf_name;		/* "SEG_MAX" */
};
#define VFF_REQUIRED	0x01		/* cannot drive the device without */
#define VFF_UNUSED	0x02		/* has a name, is never accepted */

/*
 * Accept nothing that is not in the table, drop what is in refuse or lacks
 * what it needs, add the ring features, write the rest, check FEATURES_OK.
 * May be called again, to try with less.  Thread context.  ENXIO: the device
 * cannot be driven; its line says why.  ETIMEDOUT: it cannot be reset.
 * The table is kept.
 *
 * virtio_look: before that, for a driver that must see the configuration to
 * know what it can accept (3.1.1, step 4).  The same errors.
 */
int	 virtio_look(struct virtio_softc *, struct device *);
int	 virtio_negotiate(struct virtio_softc *, struct device *,
	    const struct virtio_feature *, size_t, virtio_bits_t refuse);
bool	 virtio_offered(const struct virtio_softc *, virtio_bits_t);
bool	 virtio_has(const struct virtio_softc *, virtio_bits_t);

/* --- device configuration ----------------------------------------------- */

struct virtio_field {
	virtio_bits_t	 vc_need;		/* feature that brings it */
	uint16_t	 vc_off;
	uint8_t		 vc_width;		/* 1, 2, 4 or 8 */
	uint8_t		 vc_count;
};
#define VIRTIO_FIELD(s, m, need)					\
	{ (need), offsetof(struct s, m), sizeof(((struct s *)0)->m), 1 }
#define VIRTIO_FIELD_ARRAY(s, m, need)					\
	{ (need), offsetof(struct s, m), sizeof(((struct s *)0)->m[0]),	\
	  sizeof(((struct s *)0)->m) / sizeof(((struct s *)0)->m[0]) }

/*
 * Shared memory regions (2.10): where the one of that id is, for br_map().
 * Thread context, after attach has begun.  ENOENT: there is none; ENXIO: what
 * the device says of it cannot be.
 */
struct virtio_shm {
	bus_space_tag_t	vs_tag;
	bus_addr_t	vs_addr;
	bus_size_t	vs_size;
};
int	 virtio_shm(struct virtio_softc *, uint8_t id, struct virtio_shm *);

/*
 * Whether what is in memory at that address is a part of the device that it
 * does not tell of in the terms of virtio, such as VGA's.  Thread context.
 */
bool	 virtio_owns(struct virtio_softc *, bus_addr_t);

/*
 * Copy the fields, all of one generation, into an image of the structure,
 * whose members are plain integers: the transport knows the byte order.
 * Fields whose feature was not offered, or that lie beyond the space there
 * is, read as zero.  A driver reads once, checks, keeps what it checked.
 * EIO: the generation will not stand still.  ENXIO: the device is gone.
 *
 * virtio_config_write: any context, also of a device that has failed.  ENXIO:
 * there is no such field; EBUSY: the device is suspended.
 */
int	 virtio_config_read(struct virtio_softc *, const struct virtio_field *,
	    size_t, void *);
int	 virtio_config_write(struct virtio_softc *,
	    const struct virtio_field *, size_t, const void *);

/*
 * What else is to be called, one at a time, in a thread, not after
 * virtio_stop() has returned (unless that was called from within).
 *
 * virtio_on_config: the device's configuration has changed.
 * virtio_on_failure: what to do when it, or one of its queues, has
 *	VIRTIO_STOPPED	because it failed, or because somebody wanted that: take
 *			back all requests with vq_drain() (NULL from a queue
 *			that goes on), and end them with EIO;
 *	VIRTIO_RESUMED	and works again, with the same features and queues:
 *			lend what must be lent, send what waits;
 *	VIRTIO_DEAD	and is given up: nothing will ever be sent again.
 *	Between the first and one of the others vq_enqueue() returns ENXIO or,
 *	while a device is suspended, ENOSPC.
 */
enum virtio_event { VIRTIO_STOPPED, VIRTIO_RESUMED, VIRTIO_DEAD };
void	 virtio_on_config(struct virtio_softc *, void (*)(void *), void *);
void	 virtio_on_failure(struct virtio_softc *,
	    void (*)(void *, enum virtio_event), void *);

/* --- life --------------------------------------------------------------- */

struct virtqueue_conf {
	const char	 *vqc_name;		/* "rx0" */
	uint16_t	  vqc_index;
	uint16_t	  vqc_size;		/* wish; 0: a good default */
	uint16_t	  vqc_nsegs;		/* most segments in one request:
						 * see vq_maxsegs() */
	struct mutex	 *vqc_mtx;		/* held across every vq_ call */
	void		(*vqc_intr)(void *);	/* called without it; NULL:
						 * the queue is polled */
	void		 *vqc_arg;
	struct cpu_info	 *vqc_cpu;		/* NULL: anywhere */
};

/*
 * In this order, the last two or three also to undo half an attach: each
 * is harmless if there is nothing to do.  virtio_stop() waits for handlers,
 * so hold no queue's mutex.  All in thread context but virtio_fail().
 *
 * virtio_queue_there: the device has a queue by that number; after
 *	virtio_negotiate(), for devices that are numbered in several ways.
 * virtio_queues: ENXIO: the device has no such queue, or of a size that
 *	cannot be; its line says so.  ENOMEM.  The level is that of the
 *	queues' mutexes.
 * virtio_restart: after virtio_stop(), when all requests were taken back.
 * virtio_fail: any context, also with a queue's mutex.  The driver is told as
 *	above, the device is reset and, within limits, set up again.
 */
bus_dma_tag_t	 virtio_dmat(const struct virtio_softc *);
bool	 virtio_queue_there(struct virtio_softc *, uint16_t);
int	 virtio_queues(struct virtio_softc *, enum ipl,
	    const struct virtqueue_conf *, u_int, struct virtqueue **);
int	 virtio_start(struct virtio_softc *);	/* DRIVER_OK */
void	 virtio_stop(struct virtio_softc *);	/* reset, no interrupt after */
int	 virtio_restart(struct virtio_softc *);	/* same features, same queues */
void	 virtio_end(struct virtio_softc *);	/* stop and free the queues */
void	 virtio_fail(struct virtio_softc *, const char *, ...)
	    __printflike(2, 3);			/* it lied: stop believing it */

/* --- scatter/gather lists ----------------------------------------------- */

/* Segments the device reads come first, those that it writes after them. */
struct vq_sg {
	bus_dma_tag_t		 sg_dmat;
	bus_dma_segment_t	*sg_segs;
	uint16_t		 sg_max;
	uint16_t		 sg_nout;
	uint16_t		 sg_nin;
};
#define VQ_SG_DECL(name, max, dmat)					\
	bus_dma_segment_t name##_segs[max];				\
	struct vq_sg name = { .sg_dmat = (dmat),			\
	    .sg_segs = name##_segs, .sg_max = (max) }

/*
 * Add part of a loaded map, and sync it for the direction, or part of a
 * dmamem.  EFBIG: no room.  EINVAL: out of range, or out after in.
 */
int	 vq_sg_out(struct vq_sg *, bus_dmamap_t, bus_size_t, bus_size_t);
int	 vq_sg_in(struct vq_sg *, bus_dmamap_t, bus_size_t, bus_size_t);
int	 vq_sg_out_mem(struct vq_sg *, const struct dmamem *, bus_size_t,
	    bus_size_t);
int	 vq_sg_in_mem(struct vq_sg *, const struct dmamem *, bus_size_t,
	    bus_size_t);

/* --- queues ------------------------------------------------------------- */

/*
 * All but vq_size() and vq_maxsegs() with the queue's mutex; none sleeps but
 * vq_call().  They work with interrupts off, so a driver may also poll.
 *
 * enqueue: ENOSPC, try again after a dequeue; EFBIG, never; ENXIO, stopped.
 * notify: tell the device what was enqueued since, if it wants to know.
 *	Before virtio_start() it is told when that is called.
 * dequeue: the cookie of a request that was really enqueued and not yet
 *	returned, and a length no larger than the room it was given.
 * ready: requests are taken; if not, VIRTIO_RESUMED will tell.
 * was_cut: the device said more than that of the one dequeued last.
 * intr_enable: interrupt when n + 1 more are used (a hint); true: do not wait,
 *	there is work now.  Enabled at first.
 * drain: of a queue that was stopped, one request still lent, until NULL.
 * call: enqueue, notify and wait, up to so many ms, while the queue's own
 *	handler, if it has one, goes on; ETIMEDOUT: the device is failed, and
 *	the memory is its own until virtio_stop().  Thread context.
 * maxsegs: vqc_nsegs, or less where the device's queue is smaller.
 */
int	 vq_enqueue(struct virtqueue *, void *, const struct vq_sg *);
void	 vq_notify(struct virtqueue *);
void	*vq_dequeue(struct virtqueue *, uint32_t *);
bool	 vq_intr_enable(struct virtqueue *, u_int n);
void	 vq_intr_disable(struct virtqueue *);
void	*vq_drain(struct virtqueue *);
int	 vq_call(struct virtqueue *, const struct vq_sg *, uint32_t *,
	    u_int msec);
bool	 vq_was_cut(const struct virtqueue *);
bool	 vq_ready(const struct virtqueue *);	/* neither stopped nor paused */
uint16_t vq_size(const struct virtqueue *);
uint16_t vq_maxsegs(const struct virtqueue *);
uint16_t vq_nfree(const struct virtqueue *);	/* descriptors */

#endif /* _DEV_PV_VIRTIOVAR_H_ */

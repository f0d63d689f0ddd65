/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIRTIO_TRANSPORT_H_
#define _DEV_PV_VIRTIO_TRANSPORT_H_

/* Between virtio.c and a transport. */

#include <sys/intr.h>
#include <sys/sysctl.h>
#include <sys/task.h>
#include <sys/timeout.h>

#include <dev/pv/virtiovar.h>

struct virtio_vec {			/* one interrupt vector, planned */
	intr_fn		 vv_fn;
	void		*vv_arg;
	struct cpu_info	*vv_cpu;
	char		 vv_name[32];
};

/*
 * A transport moves bits.  It does not negotiate, allocate a ring, call a
 * driver or print; all of that is done once, in virtio.c, which does not
 * call it for a device that has gone, and holds sc_mtx where selectors are
 * involved (features, status, queues).
 *
 * config_gen: NULL: there is none (legacy).
 * config_read, config_write: one aligned element of 1, 2 or 4 bytes that lies
 *	below sc_cfgsize; any context.
 * config_vec: changes of the configuration interrupt with this vector.
 * queue_max: 0: there is no such queue.
 * queue_size: of queue_max, and the smaller one that is wished: what it will
 *	be, since some devices keep the size that they have.  Not for legacy.
 * queue_on: addresses, size, vq_vec; sets vq_noff, vq_nid.  EBUSY: the device has
 *	no resources for the vector; EIO: it is out of bounds otherwise.
 * queue_off, queue_is_off: 2.6.1: reset one queue; has that ended?  Called
 *	only if RING_RESET was negotiated.
 * notify: 2.9: the low 16 bits are vq_nid, which queue_on has set to the index
 *	or to what the device wants to see instead.
 * shm: where a shared memory region is (2.10).  ENOENT; ENXIO: the device says
 *	what cannot be.  May be NULL.
 * owns: memory or registers at that address are the device's.  May be NULL.
 * nvec: vectors of messages that could be had; 0: there is just a line.
 * intr_setup: so many vectors of messages; 0: the line, which calls
 *	virtio_intr().  Any vectors of before were freed.  ENOSPC and others.
 * intr_barrier: no handler runs on return.
 * intr_free: harmless if not set up.
 * cutoff: the device does not let itself be reset: take the bus away from
 *	it, so that its memory can be freed.  May be NULL.
 */
struct virtio_transport {
	const char	*vt_name;

	virtio_bits_t	(*vt_get_features)(struct virtio_softc *);
	void		(*vt_set_features)(struct virtio_softc *,
			    virtio_bits_t);
	uint8_t		(*vt_get_status)(struct virtio_softc *);
	void		(*vt_set_status)(struct virtio_softc *, uint8_t);

	uint32_t	(*vt_config_gen)(struct virtio_softc *);
	uint32_t	(*vt_config_read)(struct virtio_softc *, bus_size_t,
			    u_int);
	void		(*vt_config_write)(struct virtio_softc *, bus_size_t,
			    u_int, uint32_t);
	int		(*vt_config_vec)(struct virtio_softc *, uint16_t);

	uint16_t	(*vt_queue_max)(struct virtio_softc *, uint16_t);
	uint16_t	(*vt_queue_size)(struct virtio_softc *, uint16_t,
			    uint16_t, uint16_t);
	int		(*vt_queue_on)(struct virtio_softc *,
			    struct virtqueue *);
	void		(*vt_queue_off)(struct virtio_softc *,
			    struct virtqueue *);
	bool		(*vt_queue_is_off)(struct virtio_softc *,
			    const struct virtqueue *);
	void		(*vt_notify)(struct virtio_softc *,
			    const struct virtqueue *, uint32_t);

	int		(*vt_shm)(struct virtio_softc *, uint8_t,
			    struct virtio_shm *);
	bool		(*vt_owns)(struct virtio_softc *, bus_addr_t);

	u_int		(*vt_nvec)(struct virtio_softc *);
	int		(*vt_intr_setup)(struct virtio_softc *, enum ipl,
			    const struct virtio_vec *, u_int);
	void		(*vt_intr_barrier)(struct virtio_softc *);
	void		(*vt_intr_free)(struct virtio_softc *);
	void		(*vt_cutoff)(struct virtio_softc *);
};

enum virtio_state {
	VS_RESET,			/* nothing is set up */
	VS_DRIVER,			/* ACKNOWLEDGE and DRIVER are set */
	VS_FEATURES,			/* negotiated */
	VS_QUEUES,			/* queues are on */
	VS_RUNNING,			/* DRIVER_OK */
	VS_SUSPENDED,			/* or on the way to it */
	VS_BROKEN,			/* virtio_fail() */
	VS_STOPPED			/* reset, the queues are kept */
};

#define VIRTIO_NSYSCTL	13

struct virtio_softc {
	struct device			 sc_dev;
	const struct virtio_transport	*sc_vt;		/* from the transport */
	bus_dma_tag_t			 sc_dmat;	/* from the transport */
	bus_size_t			 sc_cfgsize;	/* from the transport */
	uint16_t			 sc_devid;	/* from the transport */
	bool				 sc_legacy;	/* from the transport */
	char				 sc_what[64];	/* "1af4:1042 Block..." */

	struct mutex			 sc_mtx;	/* selectors, state */
	enum virtio_state		 sc_state;
	uint8_t				 sc_status;	/* as we set it */
	virtio_bits_t			 sc_cannot;	/* by the transport */
	virtio_bits_t			 sc_offered;
	virtio_bits_t			 sc_features;
	const struct virtio_feature	*sc_table;	/* the driver's */
	size_t				 sc_ntable;
	struct device			*sc_child;	/* while it attaches */
	bool				 sc_tried;	/* a driver did */
	char				 sc_childname[16];

	struct virtqueue		*sc_vq;
	u_int				 sc_nvq;
	struct virtio_vecarg		*sc_vecarg;
	u_int				 sc_nvecarg;
	uint16_t			 sc_config_vec;
	uint32_t			 sc_gen;	/* generation last seen */
	uint64_t			 sc_nintr;

	/* what the task has to do, and who to call; see virtio_task() */
	struct task			 sc_task;
	u_int				 sc_work;
	bool				 sc_taskoff;
	struct thread			*sc_taskrun;
	void				(*sc_config_fn)(void *);
	void				*sc_config_arg;
	void				(*sc_failure_fn)(void *,
					    enum virtio_event);
	void				*sc_failure_arg;
	char				 sc_why[96];
	struct timeout			 sc_retry;	/* a restart */
	u_int				 sc_nfail;	/* of late */
	uint64_t			 sc_lastfail;	/* nsecuptime() */
	u_int				 sc_nrestart;
	char				 sc_control[24]; /* asked for */
	int				 sc_control_error;

	struct sysctl_oid		 sc_sysctl[VIRTIO_NSYSCTL];
	u_int				 sc_nsysctl;
};

/*
 * virtio_attach_transport: with the members "from the transport" filled in.
 *	Prints the device's line, and finds the driver; a device that no driver
 *	wants is left reset, which is not an error.
 * virtio_detach_transport: after its child; before the transport unmaps.
 * virtio_intr: from the handler of a line: causes as VIRTIO_ISR_*; 0: was not
 *	ours.
 * virtio_flags: of the configuration line, or of the kernel command line.
 */
int	virtio_attach_transport(struct virtio_softc *);
void	virtio_detach_transport(struct virtio_softc *);
int	virtio_intr(struct virtio_softc *, u_int);
int	virtio_flags(const struct device *);
#define VIRTIO_ISR_QUEUE	0x01
#define VIRTIO_ISR_CONFIG	0x02

/* for virtqueue.c: the device is to look at this queue */
void	virtio_notify(struct virtio_softc *, struct virtqueue *);

#define VIRTIO_FLAG_PREFER_1_0	0x4	/* over 0.9, where there are both */
#define VIRTIO_FLAG_NO_1_0	0x8	/* never 1.0 */

#endif /* _DEV_PV_VIRTIO_TRANSPORT_H_ */

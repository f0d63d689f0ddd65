/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VQ_FORMAT_H_
#define _DEV_PV_VQ_FORMAT_H_

/*
 * Between virtqueue.c, which keeps the books, and the ring formats, which
 * write and read the memory that is shared with the device.
 *
 * The books are private: which requests are lent, their cookies, the room
 * they gave, their order, the free ids.  From shared memory comes only what the device
 * has to say: an index, an id, a length, whether it wants to be notified.
 */

#include <dev/pv/virtiovar.h>

#define VQ_NONE		0xffff

/* What the driver side knows of one request; the device never sees this. */
struct vq_slot {
	void		*vs_cookie;		/* NULL: free, or not a head */
	uint32_t	 vs_inlen;		/* bytes the device may write */
	uint16_t	 vs_ndesc;		/* ring descriptors in use */
	uint16_t	 vs_next;		/* free list, or the chain */
	uint16_t	 vs_table;		/* indirect table, or VQ_NONE */
	uint16_t	 vs_after;		/* IN_ORDER: lent after it */
	bool		 vs_call;		/* the cookie is vq_call()'s */
};

struct virtqueue {
	const struct vq_format	*vq_fmt;
	struct virtio_softc	*vq_vsc;
	bus_dma_tag_t		 vq_dmat;
	struct mutex		*vq_mtx;
	uint16_t		 vq_index;
	uint16_t		 vq_num;
	uint16_t		 vq_nsegs;
	uint16_t		 vq_vec;	/* interrupt vector */
	bus_size_t		 vq_noff;	/* doorbell, for vt_notify, */
	uint16_t		 vq_nid;	/* and what rings it */
	bool			 vq_event;	/* EVENT_IDX */
	bool			 vq_inorder;	/* IN_ORDER */
	bool			 vq_stopped;	/* nothing goes in or out */
	bool			 vq_paused;	/* nothing goes in */
	bool			 vq_kick;	/* owed since before DRIVER_OK */

	/* virtqueue.c: private memory, never read back from the ring */
	struct vq_slot		*vq_slot;
	uint16_t		 vq_freeid, vq_freetail;	/* FIFO */
	uint16_t		 vq_nfree;	/* descriptors */
	uint16_t		 vq_nlent;	/* requests */
	uint16_t		 vq_oldest, vq_newest;	/* IN_ORDER: of these */
	uint16_t		 vq_nbatch;	/* used, and not yet taken; */
	uint32_t		 vq_batchlen;	/* length of the last of them */
	uint16_t		*vq_freetable;	/* stack of indirect tables */
	uint16_t		 vq_ntable;	/* 0: no indirect descriptors */
	uint16_t		 vq_nfreetable;
	uint16_t		 vq_drained;	/* ids below have no cookie */

	/* shared memory */
	struct dmamem		 vq_ring;
	struct dmamem		 vq_table;	/* nsegs descriptors a table */
	bus_size_t		 vq_driver;	/* offsets into vq_ring */
	bus_size_t		 vq_device;

	/* the format's own */
	uint16_t		 vq_avail, vq_published, vq_used;
	uint16_t		 vq_seen;	/* split: the used index, checked */
	uint16_t		 vq_headflags;	/* packed: publish all */
	uint16_t		 vq_events;	/* packed: flags as they are */
	bool			 vq_sayswrite;	/* packed: WRITE was seen */

	void			(*vq_fn)(void *);
	void			*vq_arg;
	struct cpu_info		*vq_cpu;
	char			 vq_name[16];
	uint64_t		 vq_nnotify;
	uint64_t		 vq_nrequest;
	uint64_t		 vq_ncut;	/* lengths cut */
	bool			 vq_cut;	/* the last one was */
};

/*
 * layout: offsets of the parts and size of the whole, for vq_num.
 * reset: the ring as the device must find it, and the format's own state.
 * table: write an indirect table.
 * put: write the descriptors of a request: those of the chain of slots that
 *	begins with this id (if vf_chained), or one for the table at that bus
 *	address; not yet visible to the device.
 * publish: make visible what was put; true: the device wants a notification.
 * pending: is there something used?  Fails the device if it claims what
 *	cannot be.
 * hint: the same without the mutex, so it may be wrong in a moment.
 * peek: the next used element, as the device wrote it.
 * advance: go on behind it; it was so many requests and descriptors.  False:
 *	the device has not used so many.
 * intr: interrupt when after + 1 more are used; or not.
 *
 * vq_published is a number as 2.9 wants it in the upper half of notifications.
 */
struct vq_format {
	const char	*vf_name;
	bool		 vf_chained;		/* descriptors take ids */
	bus_size_t	(*vf_layout)(struct virtqueue *, bool legacy);
	void		(*vf_reset)(struct virtqueue *);
	void		(*vf_table)(void *, const struct vq_sg *);
	void		(*vf_put)(struct virtqueue *, uint16_t,
			    const struct vq_sg *, bus_addr_t table);
	bool		(*vf_publish)(struct virtqueue *);
	bool		(*vf_pending)(struct virtqueue *);
	bool		(*vf_hint)(const struct virtqueue *);
	void		(*vf_peek)(struct virtqueue *, uint32_t *id,
			    uint32_t *len);
	bool		(*vf_advance)(struct virtqueue *, uint16_t nreq,
			    uint16_t ndesc);
	void		(*vf_intr)(struct virtqueue *, bool, u_int after);
};
extern const struct vq_format	vq_split, vq_packed;

/* for virtio.c */
int	 vq_alloc(struct virtqueue *, const struct virtqueue_conf *,
	    uint16_t num, bool indirect, bool legacy);
void	 vq_free(struct virtqueue *);
void	 vq_reset(struct virtqueue *);		/* nothing may be lent */
#define VQ_NO_VEC	0xffff

#endif /* _DEV_PV_VQ_FORMAT_H_ */

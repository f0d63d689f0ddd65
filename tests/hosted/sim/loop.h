/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _LOOP_H_
#define _LOOP_H_

/*
 * A virtio device without a bus and without a tree of devices: registers are
 * variables, bus addresses are pointers.  For tests that need nothing but
 * queues, and those of another thread.
 *
 * loop_open: negotiates, sets up the queues, starts; errno.
 * loop_close: stops, drains with loop_back, frees.
 * loop_intr: what the vector of a queue, or of the configuration, calls.
 */

#include <sys/bus_dma.h>
#include <sys/device.h>

#include <dev/pv/virtio_priv.h>

#define LOOP_MAXVQ	4

struct loop_queue {
	uint16_t	 lq_size;
	uint64_t	 lq_desc, lq_driver, lq_device;
	uint16_t	 lq_vec;
	bool		 lq_on;
	u_int		 lq_resetpolls;		/* left */
};

struct loop {
	struct virtio_softc	 lo_vsc;	/* first */
	struct device		 lo_child;
	virtio_bits_t		 lo_offered, lo_accepted;
	uint8_t			 lo_status;
	uint32_t		 lo_gen;
	uint16_t		 lo_max;	/* queue size */
	bool			 lo_refuse;	/* FEATURES_OK */
	struct loop_queue	 lo_q[LOOP_MAXVQ];
	struct virtqueue	*lo_vq[LOOP_MAXVQ];
	u_int			 lo_nvq;
	struct virtio_vec	 lo_vec[LOOP_MAXVQ + 1];
	/* the device's ears; any may be NULL */
	void			(*lo_notified)(struct loop *, u_int, uint32_t);
	void			(*lo_changed)(struct loop *);	/* queues */
	/* a request that was drained */
	void			(*lo_back)(struct loop *, void *);
	void			(*lo_event)(struct loop *, enum virtio_event);
};

extern const struct bus_dma_tag	loop_dma;
extern void	(*loop_barrier)(int);		/* BUS_DMA_BARRIER_* */

int	loop_open(struct loop *, const struct virtqueue_conf *, u_int);
void	loop_close(struct loop *);
void	loop_drain(struct loop *);
void	loop_intr(struct loop *, u_int);
void	loop_config_intr(struct loop *);

#endif /* _LOOP_H_ */

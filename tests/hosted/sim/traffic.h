/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _TRAFFIC_H_
#define _TRAFFIC_H_

/*
 * Requests through one virtqueue, to a device that returns what it was sent,
 * a little changed, and a check of every byte.
 *
 *	traffic_start(&conf, nsegs, size);	attached and running, or not
 *	traffic_run(n);				n random requests
 *	traffic_end();				all has come back once
 */

#include <sys/mutex.h>

#include <dev/pv/virtiovar.h>
#include "sim.h"

#define TR_MAX		300			/* requests at a time */
#define TR_BUF		600

struct traffic_req {
	bus_dmamap_t	 tq_out, tq_in;
	uint8_t		 tq_outbuf[TR_BUF], tq_inbuf[TR_BUF];
	uint32_t	 tq_outlen, tq_inlen;
	bool		 tq_lent;
};

struct traffic {
	struct sim_virtio	*tr_sv;
	struct virtio_softc	*tr_vsc;
	struct virtqueue	*tr_vq;
	struct mutex		 tr_mtx;
	struct device		*tr_dev;
	struct traffic_req	 tr_req[TR_MAX];
	u_int			 tr_n;		/* of them in use */
	u_int			 tr_lent;
	uint64_t		 tr_back;
	u_int			 tr_woken;	/* interrupts */
	u_int			 tr_lost;	/* wakeups that did not come */
	u_int			 tr_wrong;	/* bytes or lengths */
	u_int			 tr_failed;	/* called when stopped, */
	u_int			 tr_resumed;	/* when it works again, */
	u_int			 tr_gone;	/* when it is given up */
	int			 tr_error;	/* of the attach */
	u_int			 tr_nsegs;
	uint16_t		 tr_size;
	u_int			 tr_patience;	/* ms for a wakeup */
	bool			 tr_nostart;
	bool			 tr_hostile;
	void			(*tr_mischief)(void);
	u_int			 tr_want;	/* requests; 0: TR_MAX */
	bool			 tr_polled;	/* no handler */
	bool			 tr_dequeues;	/* the handler does */
	bool			 tr_dead;	/* ENXIO was seen */
	const struct virtio_feature *tr_table;	/* of the driver */
	size_t			 tr_ntable;
};
extern struct traffic	traffic;

void	 traffic_start(const struct sim_virtio_conf *, u_int, uint16_t);
void	 traffic_run(u_int);
void	 traffic_end(void);
/* pieces, for tests that do it by hand; the queue's mutex is not held */
int	 traffic_send(struct traffic_req *, u_int nout, u_int nin);
struct traffic_req *traffic_idle(void);
bool	 traffic_receive(void);			/* one that came back */
void	 traffic_notify(void);
void	 traffic_return(struct traffic_req *);	/* after a drain */
/* the device: what it answers to a chain */
void	 traffic_answer(struct sim_virtio *, struct sim_chain *);

#endif /* _TRAFFIC_H_ */

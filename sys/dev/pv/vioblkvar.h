/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOBLKVAR_H_
#define _DEV_PV_VIOBLKVAR_H_

/*
 * What the vioblk files share.
 *
 *	vioblk.c	configuration, attachment
 *	vioblk_io.c	requests
 *	vioblk_sysctl.c	variables
 */

#include <sys/disk.h>
#include <sys/rwlock.h>
#include <sys/sysctl.h>
#include <sys/timeout.h>

#include <dev/pv/vioblkreg.h>
#include <dev/pv/virtiovar.h>

#define VIOBLK_NREQ	128		/* requests on their way, per queue */
#define VIOBLK_MAXSEGS	126		/* of data, in one request */
#define VIOBLK_MAXXFER	(1024 * 1024)
#define VIOBLK_OVERHEAD	2		/* header and status */
#define VIOBLK_SECS	60		/* no answer: the device has failed */

struct vioblk_softc;

struct vioblk_req {
	TAILQ_ENTRY(vioblk_req)	 rq_link;
	struct bio		*rq_bio;
	bus_dmamap_t		 rq_map;	/* made when first used */
	bus_size_t		 rq_slot;	/* offset in q_slots */
	uint64_t		 rq_deadline;
};
TAILQ_HEAD(vioblk_reqlist, vioblk_req);

struct vioblk_queue {
	struct vioblk_softc	*q_sc;
	struct virtqueue	*q_vq;
	struct mutex		 q_mtx;		/* all of this */
	struct biolist		 q_bios;	/* not yet sent */
	struct vioblk_reqlist	 q_free;
	struct vioblk_reqlist	 q_busy;	/* in the order of sending */
	struct vioblk_req	*q_req;
	struct dmamem		 q_slots;
	bus_dma_segment_t	*q_segs;	/* of the one being sent */
	struct timeout		 q_timeout;
	int			 q_error;	/* what new bios get */
};

struct vioblk_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct vioblk_queue	*sc_queue;
	u_int			 sc_nqueues;
	u_int			 sc_secs;	/* see VIOBLK_SECS */
	struct disk		 sc_disk;
	bool			 sc_attached;	/* disk_attach() was called */
	uint64_t		 sc_lastline;	/* of a new size */
	int			 sc_writeback;	/* as it was set; -1: it was not */
	struct rwlock		 sc_asklock;	/* vioblk_ask() */
	struct sysctl_oid	 sc_oid[3];
	u_int			 sc_noids;
};

/*
 * vioblk_alloc: the requests of a queue, and what they need; vioblk_free:
 *	undoes that, also half of it.  ENOMEM.
 * vioblk_ask: a question to the device itself, an answer of so many bytes.
 *	Thread context.  EIO, ETIMEDOUT: it does not work; what it answered
 *	is an errno of its own, and the bytes are zero if that is one.
 * vioblk_strategy, vioblk_intr, vioblk_event: as disk.h and virtiovar.h say.
 * vioblk_close: new requests get an error.
 * vioblk_abort: as well as those that were not ended, after virtio_stop().
 * vioblk_wait: what is on its way may end.
 * vioblk_set_timeout: a new limit, for what is on its way too.
 */
int	vioblk_alloc(struct vioblk_softc *, struct vioblk_queue *);
void	vioblk_free(struct vioblk_softc *, struct vioblk_queue *);
int	vioblk_ask(struct vioblk_softc *, uint32_t type, void *, size_t,
	    int *answer);
void	vioblk_strategy(struct disk *, struct biolist *);
void	vioblk_intr(void *);
void	vioblk_event(void *, enum virtio_event);
void	vioblk_close(struct vioblk_softc *, int);
void	vioblk_abort(struct vioblk_softc *, int);
void	vioblk_wait(struct vioblk_softc *);
void	vioblk_set_timeout(struct vioblk_softc *, u_int);

/* vioblk_restore: after a reset the cache may not be as it was set. */
void	vioblk_sysctl_attach(struct vioblk_softc *);
void	vioblk_sysctl_detach(struct vioblk_softc *);
void	vioblk_restore(struct vioblk_softc *);

#endif /* _DEV_PV_VIOBLKVAR_H_ */

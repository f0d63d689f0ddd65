/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioscsi(4): virtio SCSI host
 *
 * A command is what the device reads (the request and data out) and what it
 * writes (the response and data in).  Requests and responses lie in slots of
 * memory that holds nothing else.  Commands for which there is no room wait
 * in a queue of ours.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/rwlock.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <dev/pv/vioscsireg.h>
#include <dev/pv/virtiovar.h>
#include <scsi/scsivar.h>

#define VIOSCSI_NREQ	64		/* on their way, per queue */
#define VIOSCSI_QSIZE	256
#define VIOSCSI_MAXQ	16
#define VIOSCSI_MAXSEGS	126		/* of data */
#define VIOSCSI_MAXXFER	(1024 * 1024)
#define VIOSCSI_OVERHEAD 2		/* request and response */
#define VIOSCSI_PERUNIT	128
#define VIOSCSI_NEVENT	16
#define VIOSCSI_EVENTLEN 256		/* at most, of an event */
#define VIOSCSI_SECS	30
#define VIOSCSI_MAXSECS	3600
#define TMF_MSEC	5000

/* a slot of a command, and the one of a task management function */
#define SLOT_REQ	0
#define SLOT_RESP	64
#define SLOT_SIZE	256
#define TMF_REQ		0
#define TMF_RESP	32
#define TMF_SIZE	64

struct vioscsi_softc;

struct vioscsi_req {
	TAILQ_ENTRY(vioscsi_req) rq_link;	/* free */
	struct scsi_xfer	*rq_xfer;
	bus_dmamap_t		 rq_map;	/* made when first used */
	bus_size_t		 rq_slot;	/* offset in q_slots */
};

struct vioscsi_queue {
	struct vioscsi_softc	*q_sc;
	struct virtqueue	*q_vq;
	struct mutex		 q_mtx;		/* all of this */
	struct scsi_xferlist	 q_xfers;	/* not yet sent */
	TAILQ_HEAD(, vioscsi_req) q_free;
	struct vioscsi_req	*q_req;
	struct dmamem		 q_slots;
	bus_dma_segment_t	*q_segs;	/* of the one being sent */
	uint64_t		 q_tag;
	bool			 q_dead;
};

struct vioscsi_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct scsi_adapter	 sc_adapter;
	struct vioscsi_queue	*sc_queue;
	u_int			 sc_nqueues;

	struct rwlock		 sc_tmflock;	/* one at a time */
	struct mutex		 sc_ctlmtx;
	struct virtqueue	*sc_ctlvq;
	struct dmamem		 sc_tmf;

	struct mutex		 sc_evmtx;
	struct virtqueue	*sc_evvq;
	struct dmamem		 sc_events;
	size_t			 sc_eventlen;

	struct sysctl_oid	 sc_oid;
	bool			 sc_hasoid;
	bool			 sc_attaching;	/* no restart before its end */
};

int	vioscsi_attach(struct device *, struct device *, void *);
int	vioscsi_detach(struct device *, int);

VIRTIO_ATTACH_DECL(vioscsi, vioscsi_softc, VIRTIO_ID_SCSI, "SCSI host");

static void	vioscsi_intr(void *);
static void	vioscsi_teardown(struct vioscsi_softc *);

static const struct virtio_feature vioscsi_features[] = {
	{ VIRTIO_SCSI_F_INOUT, 0, VFF_UNUSED, "INOUT" },
	{ VIRTIO_SCSI_F_HOTPLUG, 0, 0, "HOTPLUG" },
	{ VIRTIO_SCSI_F_CHANGE, 0, 0, "CHANGE" },
	{ VIRTIO_SCSI_F_T10_PI, 0, VFF_UNUSED, "T10_PI" },
};

static const struct virtio_field vioscsi_fields[] = {
	VIRTIO_FIELD(virtio_scsi_config, num_queues, 0),
	VIRTIO_FIELD(virtio_scsi_config, seg_max, 0),
	VIRTIO_FIELD(virtio_scsi_config, max_sectors, 0),
	VIRTIO_FIELD(virtio_scsi_config, cmd_per_lun, 0),
	VIRTIO_FIELD(virtio_scsi_config, event_info_size, 0),
	VIRTIO_FIELD(virtio_scsi_config, sense_size, 0),
	VIRTIO_FIELD(virtio_scsi_config, cdb_size, 0),
	VIRTIO_FIELD(virtio_scsi_config, max_target, 0),
	VIRTIO_FIELD(virtio_scsi_config, max_lun, 0),
};
static const struct virtio_field vioscsi_sizes[] = {
	VIRTIO_FIELD(virtio_scsi_config, sense_size, 0),
	VIRTIO_FIELD(virtio_scsi_config, cdb_size, 0),
};

/* --- sending ------------------------------------------------------------ */

static void *
slot(const struct vioscsi_queue *q, bus_size_t off)
{
	return ((char *)q->q_slots.dmm_kva + off);
}

/* The only form of an address there is: 5.6.6.1. */
static void
put_lun(uint8_t *p, u_int target, u_int lun)
{
	memset(p, 0, 8);
	p[0] = 1;
	p[1] = target;
	p[2] = 0x40 | lun >> 8;
	p[3] = lun;
}

static void
vioscsi_fill(struct vioscsi_queue *q, struct vioscsi_req *rq,
    struct scsi_xfer *xs)
{
	struct virtio_scsi_req *sr = slot(q, rq->rq_slot + SLOT_REQ);
	struct virtio_scsi_resp *sp = slot(q, rq->rq_slot + SLOT_RESP);

	/* a number for each command, and its queue's, are never used twice */
	xs->xs_tag = q->q_tag++ * VIOSCSI_MAXQ + (q - q->q_sc->sc_queue);
	memset(sr, 0, sizeof(*sr));
	put_lun(sr->sr_lun, xs->xs_unit->su_target, xs->xs_unit->su_lun);
	le64_store((le64_w *)(void *)sr->sr_id, xs->xs_tag);
	memcpy(sr->sr_cdb, xs->xs_cdb, sizeof(sr->sr_cdb));
	memset(sp, 0, sizeof(*sp));
	/* what was not answered has failed */
	le8_store(&sp->sp_response, VIRTIO_SCSI_S_FAILURE);
}

static int
vioscsi_load(struct vioscsi_queue *q, struct vioscsi_req *rq,
    struct scsi_xfer *xs)
{
	const struct scsi_adapter *sa = &q->q_sc->sc_adapter;
	int error;

	if (xs->xs_dir == SCSI_NODATA)
		return (0);
	if (rq->rq_map == NULL && (error = bus_dmamap_create(sa->sa_dmat,
	    VIOSCSI_MAXXFER, sa->sa_maxsegs, sa->sa_maxseglen, 0,
	    BUS_DMA_NOWAIT, &rq->rq_map)) != 0)
		return (error);
	return (bus_dmamap_load_uio(sa->sa_dmat, rq->rq_map, &xs->xs_uio,
	    BUS_DMA_NOWAIT | (xs->xs_dir == SCSI_IN ? BUS_DMA_READ :
	    BUS_DMA_WRITE)));
}

static void
vioscsi_unload(struct vioscsi_queue *q, struct vioscsi_req *rq,
    const struct scsi_xfer *xs)
{
	if (xs->xs_dir != SCSI_NODATA)
		bus_dmamap_unload(q->q_sc->sc_adapter.sa_dmat, rq->rq_map);
}

static int
vioscsi_put(struct vioscsi_queue *q, struct vioscsi_req *rq,
    struct scsi_xfer *xs)
{
	struct vq_sg sg = { .sg_dmat = q->q_sc->sc_adapter.sa_dmat,
	    .sg_segs = q->q_segs,
	    .sg_max = VIOSCSI_MAXSEGS + VIOSCSI_OVERHEAD };
	int error;

	error = vq_sg_out_mem(&sg, &q->q_slots, rq->rq_slot + SLOT_REQ,
	    sizeof(struct virtio_scsi_req));
	if (error == 0 && xs->xs_dir == SCSI_OUT)
		error = vq_sg_out(&sg, rq->rq_map, 0, xs->xs_len);
	if (error == 0)
		error = vq_sg_in_mem(&sg, &q->q_slots,
		    rq->rq_slot + SLOT_RESP, sizeof(struct virtio_scsi_resp));
	if (error == 0 && xs->xs_dir == SCSI_IN)
		error = vq_sg_in(&sg, rq->rq_map, 0, xs->xs_len);
	if (error == 0)
		error = vq_enqueue(q->q_vq, rq, &sg);
	return (error);
}

/* Put a command into the ring.  ENOSPC: not now. */
static int
vioscsi_send(struct vioscsi_queue *q, struct vioscsi_req *rq,
    struct scsi_xfer *xs)
{
	bool alone = vq_nfree(q->q_vq) == vq_size(q->q_vq);
	int error;

	/* what is on its way will make room */
	if ((error = vioscsi_load(q, rq, xs)) != 0)
		return (error == ENOMEM && !alone ? ENOSPC : error);
	vioscsi_fill(q, rq, xs);
	if ((error = vioscsi_put(q, rq, xs)) != 0) {
		vioscsi_unload(q, rq, xs);
		return (error);
	}
	rq->rq_xfer = xs;
	TAILQ_REMOVE(&q->q_free, rq, rq_link);
	return (0);
}

/* Send what waits, as far as there is room. */
static void
vioscsi_run(struct vioscsi_queue *q, struct scsi_xferlist *done)
{
	struct vioscsi_req *rq;
	struct scsi_xfer *xs;
	bool sent = false;
	int error;

	MUTEX_ASSERT_LOCKED(&q->q_mtx);
	if (!q->q_dead && !vq_ready(q->q_vq))
		return;			/* vioscsi_resume() will */
	while ((xs = TAILQ_FIRST(&q->q_xfers)) != NULL &&
	    (rq = TAILQ_FIRST(&q->q_free)) != NULL) {
		error = q->q_dead ? ENXIO : vioscsi_send(q, rq, xs);
		if (error == ENOSPC)
			break;
		TAILQ_REMOVE(&q->q_xfers, xs, xs_link);
		if (error != 0) {
			xs->xs_result = SCSI_FAILED;
			TAILQ_INSERT_TAIL(done, xs, xs_link);
		} else
			sent = true;
	}
	if (sent)
		vq_notify(q->q_vq);
}

static void
vioscsi_done(struct scsi_xferlist *done)
{
	struct scsi_xfer *xs;

	while ((xs = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, xs, xs_link);
		scsi_done(xs);
	}
}

static void
vioscsi_submit(struct scsi_adapter *sa, struct scsi_xferlist *list)
{
	struct vioscsi_softc *sc = container_of(sa, struct vioscsi_softc,
	    sc_adapter);
	struct vioscsi_queue *q = &sc->sc_queue[curcpu()->ci_number %
	    sc->sc_nqueues];
	struct scsi_xferlist done = TAILQ_HEAD_INITIALIZER(done);
	struct scsi_xfer *xs;

	mtx_enter(&q->q_mtx);
	while ((xs = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, xs, xs_link);
		TAILQ_INSERT_TAIL(&q->q_xfers, xs, xs_link);
	}
	vioscsi_run(q, &done);
	mtx_leave(&q->q_mtx);
	vioscsi_done(&done);
}

/* --- what comes back ---------------------------------------------------- */

static enum scsi_result
vioscsi_result(uint8_t response)
{
	switch (response) {
	case VIRTIO_SCSI_S_OK:
		return (SCSI_ANSWERED);
	case VIRTIO_SCSI_S_BAD_TARGET:
	case VIRTIO_SCSI_S_INCORRECT_LUN:
		return (SCSI_NOBODY);
	case VIRTIO_SCSI_S_BUSY:
		return (SCSI_BUSY);
	case VIRTIO_SCSI_S_ABORTED:
	case VIRTIO_SCSI_S_RESET:
	case VIRTIO_SCSI_S_TRANSPORT_FAILURE:
		return (SCSI_ABORTED);
	default:
		return (SCSI_FAILED);
	}
}

static void
vioscsi_answer(struct vioscsi_queue *q, struct vioscsi_req *rq)
{
	const struct virtio_scsi_resp *sp = slot(q, rq->rq_slot + SLOT_RESP);
	struct scsi_xfer *xs = rq->rq_xfer;
	uint8_t response = le8_load(&sp->sp_response);

	xs->xs_result = vioscsi_result(response);
	xs->xs_status = le8_load(&sp->sp_status);
	xs->xs_resid = le32_load(&sp->sp_residual);
	/* QEMU 10 takes the length off twice of what it has tried again */
	if (xs->xs_resid > xs->xs_len)
		xs->xs_resid = 0;
	xs->xs_senselen = MIN(le32_load(&sp->sp_senselen),
	    sizeof(xs->xs_sense));
	memcpy(xs->xs_sense, sp->sp_sense, xs->xs_senselen);
}

/* A command has come back, or never will. */
static void
vioscsi_finish(struct vioscsi_queue *q, struct vioscsi_req *rq,
    struct scsi_xferlist *done)
{
	struct scsi_xfer *xs = rq->rq_xfer;

	if (xs->xs_dir != SCSI_NODATA)
		bus_dmamap_sync(q->q_sc->sc_adapter.sa_dmat, rq->rq_map, 0,
		    xs->xs_len, xs->xs_dir == SCSI_IN ? BUS_DMASYNC_POSTREAD :
		    BUS_DMASYNC_POSTWRITE);
	vioscsi_unload(q, rq, xs);
	rq->rq_xfer = NULL;
	TAILQ_INSERT_HEAD(&q->q_free, rq, rq_link);
	TAILQ_INSERT_TAIL(done, xs, xs_link);
}

static void
vioscsi_intr(void *arg)
{
	struct vioscsi_queue *q = arg;
	struct scsi_xferlist done = TAILQ_HEAD_INITIALIZER(done);
	struct vioscsi_req *rq;
	uint32_t len;

	mtx_enter(&q->q_mtx);
	do {
		/* legacy devices may be wrong about len: 5.6.6.1 */
		while ((rq = vq_dequeue(q->q_vq, &len)) != NULL) {
			vioscsi_answer(q, rq);
			vioscsi_finish(q, rq, &done);
		}
	} while (vq_intr_enable(q->q_vq, 0));
	vioscsi_run(q, &done);
	mtx_leave(&q->q_mtx);
	vioscsi_done(&done);
}

/* --- taking back -------------------------------------------------------- */

static int
vioscsi_tmf(struct vioscsi_softc *sc, uint32_t function, u_int target,
    u_int lun, uint64_t tag)
{
	struct virtio_scsi_tmf *st = sc->sc_tmf.dmm_kva;
	le8_w *resp = (le8_w *)((char *)sc->sc_tmf.dmm_kva + TMF_RESP);
	VQ_SG_DECL(sg, 2, sc->sc_adapter.sa_dmat);
	uint32_t len;
	int error;

	rw_enter_write(&sc->sc_tmflock);
	mtx_enter(&sc->sc_ctlmtx);
	le32_store(&st->st_type, VIRTIO_SCSI_T_TMF);
	le32_store(&st->st_subtype, function);
	put_lun(st->st_lun, target, lun);
	le64_store(&st->st_id, tag);
	le8_store(resp, VIRTIO_SCSI_S_FAILURE);
	if ((error = vq_sg_out_mem(&sg, &sc->sc_tmf, TMF_REQ,
	    sizeof(*st))) == 0 &&
	    (error = vq_sg_in_mem(&sg, &sc->sc_tmf, TMF_RESP, 1)) == 0)
		error = vq_call(sc->sc_ctlvq, &sg, &len, TMF_MSEC);
	if (error == 0 && le8_load(resp) != VIRTIO_SCSI_S_OK &&
	    le8_load(resp) != VIRTIO_SCSI_S_FUNCTION_SUCCEEDED)
		error = EIO;
	mtx_leave(&sc->sc_ctlmtx);
	rw_exit(&sc->sc_tmflock);
	return (error);
}

static int
vioscsi_abort_task(struct scsi_adapter *sa, u_int target, u_int lun,
    uint64_t tag)
{
	return (vioscsi_tmf(container_of(sa, struct vioscsi_softc,
	    sc_adapter), VIRTIO_SCSI_T_TMF_ABORT_TASK, target, lun, tag));
}

static int
vioscsi_reset_unit(struct scsi_adapter *sa, u_int target, u_int lun)
{
	return (vioscsi_tmf(container_of(sa, struct vioscsi_softc,
	    sc_adapter), VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, target, lun,
	    0));
}

static void
vioscsi_reset(struct scsi_adapter *sa, const char *why)
{
	virtio_fail(container_of(sa, struct vioscsi_softc,
	    sc_adapter)->sc_vsc, "%s", why);
}

/* --- events ------------------------------------------------------------- */

static void
vioscsi_event(struct vioscsi_softc *sc, const struct virtio_scsi_event *se)
{
	struct scsi_adapter *sa = &sc->sc_adapter;
	uint32_t event = le32_load(&se->se_event);
	uint32_t reason = le32_load(&se->se_reason);
	u_int target = se->se_lun[1];
	u_int lun = (se->se_lun[2] & 0x3f) << 8 | se->se_lun[3];

	if (event & VIRTIO_SCSI_T_EVENTS_MISSED)
		scsibus_event(sa, SCSIBUS_MISSED, 0, 0, 0);
	if (se->se_lun[0] != 1 || target > sa->sa_maxtarget ||
	    lun > sa->sa_maxlun)
		return;
	switch (event & ~VIRTIO_SCSI_T_EVENTS_MISSED) {
	case VIRTIO_SCSI_T_TRANSPORT_RESET:
		if (reason == VIRTIO_SCSI_EVT_RESET_RESCAN)
			scsibus_event(sa, SCSIBUS_RESCAN, target, lun, 0);
		else if (reason == VIRTIO_SCSI_EVT_RESET_REMOVED)
			scsibus_event(sa, SCSIBUS_REMOVED, target, lun, 0);
		break;
	case VIRTIO_SCSI_T_PARAM_CHANGE:
		scsibus_event(sa, SCSIBUS_CHANGED, target, lun,
		    ASC(reason & 0xff, reason >> 8 & 0xff));
		break;
	default:
		break;
	}
}

/* Lend the buffer by that number. */
static void
vioscsi_lend(struct vioscsi_softc *sc, u_int i)
{
	VQ_SG_DECL(sg, 1, sc->sc_adapter.sa_dmat);
	char *buf = (char *)sc->sc_events.dmm_kva + i * VIOSCSI_EVENTLEN;

	/* bytes that the device leaves out are no event */
	memset(buf, 0, sizeof(struct virtio_scsi_event));
	if (vq_sg_in_mem(&sg, &sc->sc_events, i * VIOSCSI_EVENTLEN,
	    sc->sc_eventlen) == 0)
		(void)vq_enqueue(sc->sc_evvq, buf, &sg);
}

static void
vioscsi_event_intr(void *arg)
{
	struct vioscsi_softc *sc = arg;
	struct virtio_scsi_event *se, copy;
	uint32_t len;

	mtx_enter(&sc->sc_evmtx);
	do {
		while ((se = vq_dequeue(sc->sc_evvq, &len)) != NULL) {
			copy = *se;
			vioscsi_lend(sc, ((char *)se -
			    (char *)sc->sc_events.dmm_kva) /
			    VIOSCSI_EVENTLEN);
			mtx_leave(&sc->sc_evmtx);
			vioscsi_event(sc, &copy);
			mtx_enter(&sc->sc_evmtx);
		}
		vq_notify(sc->sc_evvq);
	} while (vq_intr_enable(sc->sc_evvq, 0));
	mtx_leave(&sc->sc_evmtx);
}

static void
vioscsi_lend_all(struct vioscsi_softc *sc)
{
	u_int i;

	mtx_enter(&sc->sc_evmtx);
	for (i = 0; i < VIOSCSI_NEVENT; i++)
		vioscsi_lend(sc, i);
	vq_notify(sc->sc_evvq);
	mtx_leave(&sc->sc_evmtx);
}

/* --- failure ------------------------------------------------------------ */

/* What a stopped device will not bring back. */
static void
vioscsi_drain(struct vioscsi_softc *sc, enum scsi_result result)
{
	struct scsi_xferlist done = TAILQ_HEAD_INITIALIZER(done);
	struct vioscsi_req *rq;
	struct scsi_xfer *xs;
	u_int i;

	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioscsi_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		while (q->q_vq != NULL && (rq = vq_drain(q->q_vq)) != NULL) {
			rq->rq_xfer->xs_result = result;
			vioscsi_finish(q, rq, &done);
		}
		if (result == SCSI_FAILED) {
			q->q_dead = true;
			while ((xs = TAILQ_FIRST(&q->q_xfers)) != NULL) {
				TAILQ_REMOVE(&q->q_xfers, xs, xs_link);
				xs->xs_result = result;
				TAILQ_INSERT_TAIL(&done, xs, xs_link);
			}
		}
		mtx_leave(&q->q_mtx);
	}
	vioscsi_done(&done);
	mtx_enter(&sc->sc_evmtx);
	while (sc->sc_evvq != NULL && vq_drain(sc->sc_evvq) != NULL)
		;
	mtx_leave(&sc->sc_evmtx);
	/* all are of vq_call(), which this wakes */
	mtx_enter(&sc->sc_ctlmtx);
	while (sc->sc_ctlvq != NULL && vq_drain(sc->sc_ctlvq) != NULL)
		;
	mtx_leave(&sc->sc_ctlmtx);
}

/* The sizes that we use, which are the usual ones: 5.6.4. */
static int
vioscsi_set_sizes(struct vioscsi_softc *sc)
{
	struct virtio_scsi_config conf;
	u_int i;
	int error;

	memset(&conf, 0, sizeof(conf));
	for (i = 0; i < 2; i++) {
		if ((error = virtio_config_read(sc->sc_vsc, vioscsi_sizes,
		    nitems(vioscsi_sizes), &conf)) != 0)
			return (error);
		if (conf.sense_size == VIRTIO_SCSI_SENSE_SIZE &&
		    conf.cdb_size == VIRTIO_SCSI_CDB_SIZE)
			return (0);
		conf.sense_size = VIRTIO_SCSI_SENSE_SIZE;
		conf.cdb_size = VIRTIO_SCSI_CDB_SIZE;
		(void)virtio_config_write(sc->sc_vsc, vioscsi_sizes,
		    nitems(vioscsi_sizes), &conf);
	}
	return (ENXIO);
}

static void
vioscsi_resume(struct vioscsi_softc *sc)
{
	struct scsi_xferlist done = TAILQ_HEAD_INITIALIZER(done);
	u_int i;

	if (vioscsi_set_sizes(sc) != 0) {
		virtio_fail(sc->sc_vsc, "sizes are not what they were");
		return;
	}
	vioscsi_lend_all(sc);
	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioscsi_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		q->q_dead = false;
		vioscsi_run(q, &done);
		mtx_leave(&q->q_mtx);
	}
	vioscsi_done(&done);
	/* events meanwhile are lost */
	scsibus_event(&sc->sc_adapter, SCSIBUS_MISSED, 0, 0, 0);
}

static void
vioscsi_failure(void *arg, enum virtio_event ev)
{
	switch (ev) {
	case VIRTIO_STOPPED:
		vioscsi_drain(arg, ((struct vioscsi_softc *)arg)->sc_attaching ?
		    SCSI_FAILED : SCSI_ABORTED);
		break;
	case VIRTIO_RESUMED:
		vioscsi_resume(arg);
		break;
	case VIRTIO_DEAD:
		vioscsi_drain(arg, SCSI_FAILED);
		break;
	}
}

/* --- sysctl ------------------------------------------------------------- */

static int
vioscsi_sysctl(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%u",
	    ((struct vioscsi_softc *)arg)->sc_adapter.sa_secs));
}

static int
vioscsi_sysctl_set(void *arg, const char *s)
{
	struct vioscsi_softc *sc = arg;
	uint64_t n;

	if (strtonum64(s, &s, &n) != 0 || *s != '\0' || n == 0 ||
	    n > VIOSCSI_MAXSECS)
		return (EINVAL);
	scsi_set_timeout(&sc->sc_adapter, n);
	return (0);
}

/* --- attachment --------------------------------------------------------- */

static int
vioscsi_configure(struct vioscsi_softc *sc, u_int *nqueues)
{
	struct scsi_adapter *sa = &sc->sc_adapter;
	struct virtio_scsi_config conf;
	int error;

	memset(&conf, 0, sizeof(conf));
	if ((error = virtio_config_read(sc->sc_vsc, vioscsi_fields,
	    nitems(vioscsi_fields), &conf)) != 0)
		return (error);
	if (conf.num_queues == 0) {
		device_describe(&sc->sc_dev, "no request queue, not used");
		return (ENXIO);
	}
	*nqueues = MIN(MIN(conf.num_queues, md_ncpus()), VIOSCSI_MAXQ);
	sa->sa_maxtarget = MIN(conf.max_target, SCSI_TARGET_MAX);
	sa->sa_maxlun = MIN(conf.max_lun, SCSI_LUN_MAX);
	sa->sa_perunit = MIN(MAX(conf.cmd_per_lun, 1), VIOSCSI_PERUNIT);
	sa->sa_maxsegs = MIN(MAX(conf.seg_max, 1), VIOSCSI_MAXSEGS);
	sa->sa_maxseglen = VIOSCSI_MAXXFER;
	/* a hint: none is meant by nothing */
	sa->sa_maxxfer = conf.max_sectors == 0 ? VIOSCSI_MAXXFER :
	    MIN((uint64_t)conf.max_sectors * 512, VIOSCSI_MAXXFER);
	sc->sc_eventlen = MIN(MAX(conf.event_info_size,
	    sizeof(struct virtio_scsi_event)), VIOSCSI_EVENTLEN);
	return (0);
}

static int
vioscsi_alloc(struct vioscsi_softc *sc, struct vioscsi_queue *q)
{
	u_int i;
	int error;

	if ((error = dmamem_alloc(&q->q_slots, virtio_dmat(sc->sc_vsc),
	    VIOSCSI_NREQ * SLOT_SIZE, SLOT_SIZE, BUS_DMA_NOWAIT)) != 0)
		return (error);
	q->q_req = kmem_zalloc(VIOSCSI_NREQ * sizeof(*q->q_req), KM_NOSLEEP);
	q->q_segs = kmem_alloc((VIOSCSI_MAXSEGS + VIOSCSI_OVERHEAD) *
	    sizeof(*q->q_segs), KM_NOSLEEP);
	if (q->q_req == NULL || q->q_segs == NULL)
		return (ENOMEM);
	for (i = 0; i < VIOSCSI_NREQ; i++) {
		q->q_req[i].rq_slot = i * SLOT_SIZE;
		TAILQ_INSERT_TAIL(&q->q_free, &q->q_req[i], rq_link);
	}
	return (0);
}

static void
vioscsi_free(struct vioscsi_softc *sc, struct vioscsi_queue *q)
{
	u_int i;

	for (i = 0; i < VIOSCSI_NREQ && q->q_req != NULL; i++)
		bus_dmamap_destroy(virtio_dmat(sc->sc_vsc),
		    q->q_req[i].rq_map);
	kmem_free(q->q_req, VIOSCSI_NREQ * sizeof(*q->q_req));
	kmem_free(q->q_segs, (VIOSCSI_MAXSEGS + VIOSCSI_OVERHEAD) *
	    sizeof(*q->q_segs));
	dmamem_free(&q->q_slots);
}

/* Control, events, and n for requests. */
static int
vioscsi_queues(struct vioscsi_softc *sc, u_int n)
{
	struct virtqueue_conf conf[VIOSCSI_REQUESTQ + VIOSCSI_MAXQ] = {
		[VIOSCSI_CONTROLQ] = { .vqc_name = "control",
		    .vqc_index = VIOSCSI_CONTROLQ, .vqc_size = 16,
		    .vqc_nsegs = 2, .vqc_mtx = &sc->sc_ctlmtx },
		[VIOSCSI_EVENTQ] = { .vqc_name = "event",
		    .vqc_index = VIOSCSI_EVENTQ, .vqc_size = VIOSCSI_NEVENT,
		    .vqc_nsegs = 1, .vqc_mtx = &sc->sc_evmtx,
		    .vqc_intr = vioscsi_event_intr, .vqc_arg = sc },
	};
	struct virtqueue *vq[VIOSCSI_REQUESTQ + VIOSCSI_MAXQ];
	char name[VIOSCSI_MAXQ][12];
	struct vioscsi_queue *q;
	u_int i;
	int error;

	if ((sc->sc_queue = kmem_zalloc(n * sizeof(*q), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	sc->sc_nqueues = n;
	for (i = 0; i < n; i++) {
		q = &sc->sc_queue[i];
		q->q_sc = sc;
		mtx_init(&q->q_mtx, IPL_BIO);
		TAILQ_INIT(&q->q_xfers);
		TAILQ_INIT(&q->q_free);
		snprintf(name[i], sizeof(name[i]), "request%u", i);
		conf[VIOSCSI_REQUESTQ + i] = (struct virtqueue_conf){
			.vqc_name = name[i], .vqc_index = VIOSCSI_REQUESTQ + i,
			.vqc_size = VIOSCSI_QSIZE, .vqc_mtx = &q->q_mtx,
			.vqc_nsegs = sc->sc_adapter.sa_maxsegs +
			    VIOSCSI_OVERHEAD,
			.vqc_intr = vioscsi_intr, .vqc_arg = q
		};
	}
	if ((error = virtio_queues(sc->sc_vsc, IPL_BIO, conf,
	    VIOSCSI_REQUESTQ + n, vq)) != 0)
		return (error);
	sc->sc_ctlvq = vq[VIOSCSI_CONTROLQ];
	sc->sc_evvq = vq[VIOSCSI_EVENTQ];
	for (i = 0; i < n; i++)
		sc->sc_queue[i].q_vq = vq[VIOSCSI_REQUESTQ + i];
	return (0);
}

/* What the queues leave of the limits of a command. */
static int
vioscsi_limits(struct vioscsi_softc *sc)
{
	struct scsi_adapter *sa = &sc->sc_adapter;
	u_int i, n;

	for (i = 0; i < sc->sc_nqueues; i++) {
		n = vq_maxsegs(sc->sc_queue[i].q_vq);
		if (n <= VIOSCSI_OVERHEAD || vq_maxsegs(sc->sc_ctlvq) < 2) {
			device_describe(&sc->sc_dev, "queue size is %u, not "
			    "used", MIN(vq_size(sc->sc_queue[i].q_vq),
			    vq_size(sc->sc_ctlvq)));
			return (ENXIO);
		}
		sa->sa_maxsegs = MIN(sa->sa_maxsegs, n - VIOSCSI_OVERHEAD);
		/* 5.6.4.1: nor more than the size of the queue */
		sa->sa_perunit = MIN(sa->sa_perunit,
		    vq_size(sc->sc_queue[i].q_vq));
	}
	return (0);
}

static int
vioscsi_memory(struct vioscsi_softc *sc)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	u_int i;
	int error;

	if ((error = dmamem_alloc(&sc->sc_tmf, dmat, TMF_SIZE, TMF_SIZE,
	    BUS_DMA_NOWAIT)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_events, dmat, VIOSCSI_NEVENT *
	    VIOSCSI_EVENTLEN, VIOSCSI_EVENTLEN, BUS_DMA_NOWAIT)) != 0)
		return (error);
	for (i = 0; i < sc->sc_nqueues && error == 0; i++)
		error = vioscsi_alloc(sc, &sc->sc_queue[i]);
	return (error);
}

static void
vioscsi_bus(struct vioscsi_softc *sc)
{
	struct sysctl_oid *so = &sc->sc_oid;

	snprintf(so->so_name, sizeof(so->so_name), "hw.%s.timeout",
	    sc->sc_dev.dv_xname);
	so->so_read = vioscsi_sysctl;
	so->so_write = vioscsi_sysctl_set;
	so->so_arg = sc;
	sc->sc_hasoid = sysctl_register(so) == 0;
	(void)config_found(&sc->sc_dev, &sc->sc_adapter, NULL);
}

int
vioscsi_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct vioscsi_softc *sc = (struct vioscsi_softc *)self;
	struct virtio_attach_args *va = aux;
	struct scsi_adapter *sa = &sc->sc_adapter;
	u_int nqueues;
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_ctlmtx, IPL_BIO);
	mtx_init(&sc->sc_evmtx, IPL_BIO);
	rw_init(&sc->sc_tmflock, "vioscsi");
	*sa = (struct scsi_adapter){ .sa_dev = self,
	    .sa_submit = vioscsi_submit, .sa_abort = vioscsi_abort_task,
	    .sa_reset_unit = vioscsi_reset_unit, .sa_reset = vioscsi_reset,
	    .sa_dmat = virtio_dmat(sc->sc_vsc), .sa_secs = VIOSCSI_SECS };
	if ((error = virtio_negotiate(sc->sc_vsc, self, vioscsi_features,
	    nitems(vioscsi_features), 0)) != 0 ||
	    (error = vioscsi_configure(sc, &nqueues)) != 0)
		goto fail;
	if ((error = vioscsi_set_sizes(sc)) != 0) {
		device_describe(self, "wants other sizes of commands or "
		    "sense data, not used");
		goto fail;
	}
	if ((error = vioscsi_queues(sc, nqueues)) != 0 ||
	    (error = vioscsi_limits(sc)) != 0 ||
	    (error = vioscsi_memory(sc)) != 0)
		goto fail;
	virtio_on_failure(sc->sc_vsc, vioscsi_failure, sc);
	vioscsi_lend_all(sc);
	sc->sc_attaching = true;
	if ((error = virtio_start(sc->sc_vsc)) != 0)
		goto fail;
	device_describe(self, "%u target%s, %u LUN%s, %u queue%s",
	    sa->sa_maxtarget + 1, sa->sa_maxtarget == 0 ? "" : "s",
	    sa->sa_maxlun + 1, sa->sa_maxlun == 0 ? "" : "s",
	    sc->sc_nqueues, sc->sc_nqueues == 1 ? "" : "s");
	vioscsi_bus(sc);
	sc->sc_attaching = false;
	return (0);
fail:
	vioscsi_teardown(sc);
	return (error);
}

/* The units and their bus have gone before. */
int
vioscsi_detach(struct device *self, int flags __unused)
{
	vioscsi_teardown((struct vioscsi_softc *)self);
	return (0);
}

/* Undo attach, however far it came. */
static void
vioscsi_teardown(struct vioscsi_softc *sc)
{
	u_int i;

	if (sc->sc_hasoid)
		sysctl_unregister(&sc->sc_oid);
	sc->sc_hasoid = false;
	virtio_stop(sc->sc_vsc);
	vioscsi_drain(sc, SCSI_FAILED);
	for (i = 0; i < sc->sc_nqueues; i++)
		vioscsi_free(sc, &sc->sc_queue[i]);
	dmamem_free(&sc->sc_events);
	dmamem_free(&sc->sc_tmf);
	virtio_end(sc->sc_vsc);
	kmem_free(sc->sc_queue, sc->sc_nqueues * sizeof(*sc->sc_queue));
	sc->sc_queue = NULL;
	sc->sc_nqueues = 0;
}

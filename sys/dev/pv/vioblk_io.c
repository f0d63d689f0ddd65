/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioblk(4): requests
 *
 * A request is three things in a row: a header that the device reads, the
 * data, straight from or to the memory of the bio, and a status byte that
 * the device writes.  Header and status lie in slots of memory that holds
 * nothing else.  Bios for which there is no request or no room in the ring
 * wait in a queue of ours.  What comes together is put into the ring together,
 * and the device is told once.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <dev/pv/vioblkvar.h>

/* a slot: the device reads header and range, and writes the others */
#define SLOT_HEADER	0
#define SLOT_STATUS	16
#define SLOT_RANGE	32
#define SLOT_ANSWER	32
#define SLOT_SIZE	64
#define SLOT_ASK	(VIOBLK_NREQ * SLOT_SIZE)	/* of vioblk_ask() */
#define ANSWER_MAX	(SLOT_SIZE - SLOT_ANSWER)
#define STATUS_NONE	0xff		/* the device has not said anything */

#define ASK_MSEC	10000
#define WAIT_SECS	10		/* for what is on its way to end */

/* --- the parts of a request --------------------------------------------- */

static void *
vioblk_slot(const struct vioblk_queue *q, bus_size_t off)
{
	return ((char *)q->q_slots.dmm_kva + off);
}

static uint8_t
vioblk_status(const struct vioblk_queue *q, bus_size_t slot)
{
	return (le8_load((le8_w *)vioblk_slot(q, slot + SLOT_STATUS)));
}

/* What the status byte says; 5.2.6. */
static int
vioblk_errno(uint8_t status)
{
	return (status == VIRTIO_BLK_S_OK ? 0 :
	    status == VIRTIO_BLK_S_UNSUPP ? EOPNOTSUPP : EIO);
}

/* Header and an unset status in their slot, the header on the list. */
static int
vioblk_header(struct vioblk_queue *q, bus_size_t slot, uint32_t type,
    uint64_t sector, struct vq_sg *sg)
{
	struct virtio_blk_req *br = vioblk_slot(q, slot + SLOT_HEADER);

	le32_store(&br->br_type, type);
	le32_store(&br->br_reserved, 0);
	le64_store(&br->br_sector, sector);
	le8_store((le8_w *)vioblk_slot(q, slot + SLOT_STATUS), STATUS_NONE);
	return (vq_sg_out_mem(sg, &q->q_slots, slot + SLOT_HEADER,
	    sizeof(*br)));
}

static int
vioblk_trailer(struct vioblk_queue *q, bus_size_t slot, struct vq_sg *sg)
{
	return (vq_sg_in_mem(sg, &q->q_slots, slot + SLOT_STATUS, 1));
}

static int
vioblk_data(struct vioblk_queue *q, struct vioblk_req *rq,
    const struct bio *bio, struct vq_sg *sg)
{
	struct virtio_blk_range *bl;

	if (bio->bio_cmd == BIO_FLUSH)
		return (0);
	if (bio->bio_cmd == BIO_WRITE)
		return (vq_sg_out(sg, rq->rq_map, 0, bio->bio_len));
	if (bio->bio_cmd == BIO_READ)
		return (vq_sg_in(sg, rq->rq_map, 0, bio->bio_len));
	/* no flag: the zeroes are to have their place on the medium */
	bl = vioblk_slot(q, rq->rq_slot + SLOT_RANGE);
	le64_store(&bl->bl_sector, bio->bio_offset / VIRTIO_BLK_SECTOR);
	le32_store(&bl->bl_sectors, bio->bio_len / VIRTIO_BLK_SECTOR);
	le32_store(&bl->bl_flags, 0);
	return (vq_sg_out_mem(sg, &q->q_slots, rq->rq_slot + SLOT_RANGE,
	    sizeof(*bl)));
}

static uint32_t
vioblk_type(const struct bio *bio)
{
	static const uint8_t type[] = {
		[BIO_READ] = VIRTIO_BLK_T_IN,
		[BIO_WRITE] = VIRTIO_BLK_T_OUT,
		[BIO_FLUSH] = VIRTIO_BLK_T_FLUSH,
		[BIO_DISCARD] = VIRTIO_BLK_T_DISCARD,
		[BIO_ZERO] = VIRTIO_BLK_T_WRITE_ZEROES,
		[BIO_ERASE] = VIRTIO_BLK_T_SECURE_ERASE,
	};

	return (type[bio->bio_cmd]);
}

/* --- sending ------------------------------------------------------------ */

static int
vioblk_load(struct vioblk_queue *q, struct vioblk_req *rq, struct bio *bio)
{
	bus_dma_tag_t dmat = virtio_dmat(q->q_sc->sc_vsc);
	const struct disk *dk = &q->q_sc->sc_disk;
	int error;

	if (!bio_hasdata(bio))
		return (0);
	if (rq->rq_map == NULL && (error = bus_dmamap_create(dmat,
	    VIOBLK_MAXXFER, dk->dk_maxsegs, dk->dk_maxseglen, 0,
	    BUS_DMA_NOWAIT, &rq->rq_map)) != 0)
		return (error);
	error = bus_dmamap_load_uio(dmat, rq->rq_map, &bio->bio_uio,
	    BUS_DMA_NOWAIT | (bio->bio_cmd == BIO_READ ? BUS_DMA_READ :
	    BUS_DMA_WRITE));
	return (error == ENOSPC ? EIO : error);
}

static void
vioblk_unload(struct vioblk_queue *q, struct vioblk_req *rq,
    const struct bio *bio)
{
	if (bio_hasdata(bio))
		bus_dmamap_unload(virtio_dmat(q->q_sc->sc_vsc), rq->rq_map);
}

/* Put a bio into the ring.  ENOSPC: not now. */
static int
vioblk_send(struct vioblk_queue *q, struct vioblk_req *rq, struct bio *bio)
{
	struct vq_sg sg = { .sg_dmat = virtio_dmat(q->q_sc->sc_vsc),
	    .sg_segs = q->q_segs,
	    .sg_max = VIOBLK_MAXSEGS + VIOBLK_OVERHEAD };
	bool sector = bio_hasdata(bio);
	int error;

	if ((error = vioblk_load(q, rq, bio)) != 0) {
		/* what is on its way will make room */
		return (error == ENOMEM && !TAILQ_EMPTY(&q->q_busy) ? ENOSPC :
		    error);
	}
	error = vioblk_header(q, rq->rq_slot, vioblk_type(bio),
	    sector ? bio->bio_offset / VIRTIO_BLK_SECTOR : 0, &sg);
	if (error == 0)
		error = vioblk_data(q, rq, bio, &sg);
	if (error == 0)
		error = vioblk_trailer(q, rq->rq_slot, &sg);
	if (error == 0)
		error = vq_enqueue(q->q_vq, rq, &sg);
	if (error != 0) {
		vioblk_unload(q, rq, bio);
		return (error);
	}
	rq->rq_bio = bio;
	rq->rq_deadline = nsecuptime() + SEC_TO_NSEC(q->q_sc->sc_secs);
	TAILQ_REMOVE(&q->q_free, rq, rq_link);
	TAILQ_INSERT_TAIL(&q->q_busy, rq, rq_link);
	if (!timeout_pending(&q->q_timeout))
		timeout_add_sec(&q->q_timeout, q->q_sc->sc_secs);
	return (0);
}

/* Send what waits, as far as there is room. */
static void
vioblk_run(struct vioblk_queue *q, struct biolist *done)
{
	struct vioblk_req *rq;
	struct bio *bio;
	bool sent = false;
	int error;

	MUTEX_ASSERT_LOCKED(&q->q_mtx);
	if (!vq_ready(q->q_vq) && q->q_error == 0)
		return;			/* vioblk_resume() will */
	while ((bio = TAILQ_FIRST(&q->q_bios)) != NULL &&
	    (rq = TAILQ_FIRST(&q->q_free)) != NULL) {
		if ((error = vioblk_send(q, rq, bio)) == ENOSPC)
			break;
		TAILQ_REMOVE(&q->q_bios, bio, bio_link);
		if (error != 0) {
			/* the ring is stopped: the device has failed */
			bio->bio_error = error == ENXIO ? EIO : error;
			TAILQ_INSERT_TAIL(done, bio, bio_link);
		} else
			sent = true;
	}
	if (sent)
		vq_notify(q->q_vq);
}

static void
vioblk_done(struct biolist *done)
{
	struct bio *bio;

	while ((bio = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, bio, bio_link);
		biodone(bio);
	}
}

void
vioblk_strategy(struct disk *dk, struct biolist *bios)
{
	struct vioblk_softc *sc = container_of(dk, struct vioblk_softc,
	    sc_disk);
	struct vioblk_queue *q = &sc->sc_queue[curcpu()->ci_number %
	    sc->sc_nqueues];
	struct biolist done = TAILQ_HEAD_INITIALIZER(done);
	struct bio *bio;
	bool nothing;

	mtx_enter(&q->q_mtx);
	while ((bio = TAILQ_FIRST(bios)) != NULL) {
		TAILQ_REMOVE(bios, bio, bio_link);
		bio->bio_error = disk_checkbio(dk, bio);
		if (bio->bio_error == 0)
			bio->bio_error = q->q_error;
		/* without a volatile cache there is nothing to flush */
		nothing = bio->bio_cmd == BIO_FLUSH &&
		    !(dk->dk_flags & DKF_FLUSH);
		TAILQ_INSERT_TAIL(bio->bio_error != 0 || nothing ? &done :
		    &q->q_bios, bio, bio_link);
	}
	vioblk_run(q, &done);
	mtx_leave(&q->q_mtx);
	vioblk_done(&done);
}

/* --- the end of requests ------------------------------------------------ */

/* A request has come back, or never will. */
static void
vioblk_finish(struct vioblk_queue *q, struct vioblk_req *rq, int error,
    struct biolist *done)
{
	struct bio *bio = rq->rq_bio;

	if (bio_hasdata(bio))
		bus_dmamap_sync(virtio_dmat(q->q_sc->sc_vsc), rq->rq_map, 0,
		    bio->bio_len, bio->bio_cmd == BIO_READ ?
		    BUS_DMASYNC_POSTREAD : BUS_DMASYNC_POSTWRITE);
	vioblk_unload(q, rq, bio);
	rq->rq_bio = NULL;
	TAILQ_REMOVE(&q->q_busy, rq, rq_link);
	TAILQ_INSERT_HEAD(&q->q_free, rq, rq_link);
	bio->bio_error = error;
	TAILQ_INSERT_TAIL(done, bio, bio_link);
}

void
vioblk_intr(void *arg)
{
	struct vioblk_queue *q = arg;
	struct biolist done = TAILQ_HEAD_INITIALIZER(done);
	struct vioblk_req *rq;
	uint32_t len;

	mtx_enter(&q->q_mtx);
	do {
		/* some devices are wrong about len: the status decides */
		while ((rq = vq_dequeue(q->q_vq, &len)) != NULL)
			vioblk_finish(q, rq, vioblk_errno(vioblk_status(q,
			    rq->rq_slot)), &done);
	} while (vq_intr_enable(q->q_vq, 0));
	vioblk_run(q, &done);
	mtx_leave(&q->q_mtx);
	vioblk_done(&done);
}

/* The oldest request may have waited too long. */
static void
vioblk_overdue(void *arg)
{
	struct vioblk_queue *q = arg;
	struct vioblk_req *rq;
	uint64_t now;

	vioblk_intr(q);			/* or an interrupt was lost */
	mtx_enter(&q->q_mtx);
	now = nsecuptime();
	if ((rq = TAILQ_FIRST(&q->q_busy)) == NULL)
		;
	else if (rq->rq_deadline > now)
		timeout_add_nsec(&q->q_timeout, rq->rq_deadline - now);
	else
		virtio_fail(q->q_sc->sc_vsc, "no answer to a request in %u "
		    "seconds", q->q_sc->sc_secs);
	mtx_leave(&q->q_mtx);
}

void
vioblk_set_timeout(struct vioblk_softc *sc, u_int secs)
{
	uint64_t limit = nsecuptime() + SEC_TO_NSEC(secs);
	struct vioblk_req *rq;
	u_int i;

	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioblk_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		sc->sc_secs = secs;
		TAILQ_FOREACH(rq, &q->q_busy, rq_link)
			rq->rq_deadline = limit;
		/* it may also be set for one that was answered */
		if (!TAILQ_EMPTY(&q->q_busy) || timeout_pending(&q->q_timeout))
			timeout_add_sec(&q->q_timeout, secs);
		mtx_leave(&q->q_mtx);
	}
}

/* --- the end of the device ---------------------------------------------- */

void
vioblk_close(struct vioblk_softc *sc, int error)
{
	u_int i;

	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioblk_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		q->q_error = error;
		mtx_leave(&q->q_mtx);
	}
}

/* What a stopped device will not bring back any more. */
static void
vioblk_drain(struct vioblk_softc *sc, int error)
{
	struct biolist done = TAILQ_HEAD_INITIALIZER(done);
	struct vioblk_req *rq;
	u_int i;

	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioblk_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		while (q->q_vq != NULL && (rq = vq_drain(q->q_vq)) != NULL)
			vioblk_finish(q, rq, error, &done);
		mtx_leave(&q->q_mtx);
	}
	vioblk_done(&done);
}

void
vioblk_abort(struct vioblk_softc *sc, int error)
{
	struct biolist done = TAILQ_HEAD_INITIALIZER(done);
	struct bio *bio;
	u_int i;

	vioblk_close(sc, error);
	vioblk_drain(sc, error);
	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioblk_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		while ((bio = TAILQ_FIRST(&q->q_bios)) != NULL) {
			TAILQ_REMOVE(&q->q_bios, bio, bio_link);
			bio->bio_error = error;
			TAILQ_INSERT_TAIL(&done, bio, bio_link);
		}
		mtx_leave(&q->q_mtx);
	}
	vioblk_done(&done);
}

/* It works again: what has waited meanwhile. */
static void
vioblk_resume(struct vioblk_softc *sc)
{
	struct biolist done = TAILQ_HEAD_INITIALIZER(done);
	u_int i;

	vioblk_restore(sc);
	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioblk_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		vioblk_run(q, &done);
		mtx_leave(&q->q_mtx);
	}
	vioblk_done(&done);
}

void
vioblk_event(void *arg, enum virtio_event ev)
{
	switch (ev) {
	case VIRTIO_STOPPED:
		vioblk_drain(arg, EIO);
		break;
	case VIRTIO_RESUMED:
		vioblk_resume(arg);
		break;
	case VIRTIO_DEAD:
		vioblk_abort(arg, EIO);
		break;
	}
}

/* If the device is still there to do it. */
void
vioblk_wait(struct vioblk_softc *sc)
{
	uint64_t limit = nsecuptime() + SEC_TO_NSEC(WAIT_SECS);
	u_int i;

	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioblk_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		while (!(TAILQ_EMPTY(&q->q_busy) && TAILQ_EMPTY(&q->q_bios)) &&
		    nsecuptime() < limit && !(sc->sc_dev.dv_flags & DVF_GONE))
			(void)msleep_nsec(q, &q->q_mtx, PRI_KERN, "vioblkdt",
			    MSEC_TO_NSEC(10));
		mtx_leave(&q->q_mtx);
	}
}

/* --- questions ---------------------------------------------------------- */

int
vioblk_ask(struct vioblk_softc *sc, uint32_t type, void *buf, size_t size,
    int *answer)
{
	struct vioblk_queue *q = &sc->sc_queue[0];
	VQ_SG_DECL(sg, 3, virtio_dmat(sc->sc_vsc));
	uint32_t len;
	int error;

	KASSERT(size <= ANSWER_MAX);
	memset(buf, 0, size);
	*answer = 0;
	rw_enter_write(&sc->sc_asklock);
	mtx_enter(&q->q_mtx);
	memset(vioblk_slot(q, SLOT_ASK + SLOT_ANSWER), 0, ANSWER_MAX);
	if ((error = q->q_error) == 0 &&
	    (error = vioblk_header(q, SLOT_ASK, type, 0, &sg)) == 0 &&
	    (error = vq_sg_in_mem(&sg, &q->q_slots, SLOT_ASK + SLOT_ANSWER,
	    size)) == 0 &&
	    (error = vioblk_trailer(q, SLOT_ASK, &sg)) == 0)
		error = vq_call(q->q_vq, &sg, &len, ASK_MSEC);
	if (error == 0 &&
	    (*answer = vioblk_errno(vioblk_status(q, SLOT_ASK))) == 0)
		memcpy(buf, vioblk_slot(q, SLOT_ASK + SLOT_ANSWER), size);
	mtx_leave(&q->q_mtx);
	rw_exit(&sc->sc_asklock);
	return (error);
}

/* --- memory ------------------------------------------------------------- */

int
vioblk_alloc(struct vioblk_softc *sc, struct vioblk_queue *q)
{
	u_int i;
	int error;

	timeout_set(&q->q_timeout, vioblk_overdue, q);
	if ((error = dmamem_alloc(&q->q_slots, virtio_dmat(sc->sc_vsc),
	    SLOT_ASK + SLOT_SIZE, SLOT_SIZE, BUS_DMA_NOWAIT)) != 0)
		return (error);
	q->q_req = kmem_zalloc(VIOBLK_NREQ * sizeof(*q->q_req), KM_NOSLEEP);
	q->q_segs = kmem_alloc((VIOBLK_MAXSEGS + VIOBLK_OVERHEAD) *
	    sizeof(*q->q_segs), KM_NOSLEEP);
	if (q->q_req == NULL || q->q_segs == NULL)
		return (ENOMEM);
	for (i = 0; i < VIOBLK_NREQ; i++) {
		q->q_req[i].rq_slot = i * SLOT_SIZE;
		TAILQ_INSERT_TAIL(&q->q_free, &q->q_req[i], rq_link);
	}
	return (0);
}

void
vioblk_free(struct vioblk_softc *sc, struct vioblk_queue *q)
{
	u_int i;

	for (i = 0; i < VIOBLK_NREQ && q->q_req != NULL; i++)
		bus_dmamap_destroy(virtio_dmat(sc->sc_vsc),
		    q->q_req[i].rq_map);
	kmem_free(q->q_req, VIOBLK_NREQ * sizeof(*q->q_req));
	kmem_free(q->q_segs, (VIOBLK_MAXSEGS + VIOBLK_OVERHEAD) *
	    sizeof(*q->q_segs));
	dmamem_free(&q->q_slots);
	q->q_req = NULL;
	q->q_segs = NULL;
}

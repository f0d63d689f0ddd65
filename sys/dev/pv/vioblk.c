/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioblk(4): virtio disks
 *
 * A request is three things in a row: a header that the device reads, the
 * data, straight from or to the memory of the bio, and a status byte that
 * the device writes.  Header and status lie in slots of memory that holds
 * nothing else.  Bios for which there is no request or no room in the ring
 * wait in a queue of ours.  What comes together is put into the ring together,
 * and the device is told once.
 */

#include <sys/disk.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/synch.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/thread.h>
#include <sys/timeout.h>

#include <dev/pv/vioblkreg.h>
#include <dev/pv/virtiovar.h>

#define VIOBLK_NREQ	64		/* requests on their way, per queue */
#define VIOBLK_QSIZE	256
#define VIOBLK_MAXQ	16
#define VIOBLK_MAXXFER	(1024 * 1024)
#define VIOBLK_MAXSEGS	64		/* of data, in one request */
#define VIOBLK_OVERHEAD	2		/* header and status */
#define VIOBLK_MAXBLK	65536
#define VIOBLK_SECS	120		/* no answer: the device has failed */
#define VIOBLK_ID_MSEC	10000
#define VIOBLK_DETACH_SECS 10		/* for what is on its way to end */

/* a slot: the device reads the first part and writes the others */
#define SLOT_HEADER	0
#define SLOT_STATUS	16
#define SLOT_ID		32
#define SLOT_SIZE	64
#define STATUS_NONE	0xff		/* the device has not said anything */

struct vioblk_softc;

struct vioblk_req {
	TAILQ_ENTRY(vioblk_req)	 rq_link;
	struct bio		*rq_bio;
	bus_dmamap_t		 rq_map;
	bus_size_t		 rq_slot;	/* offset in q_slots */
	uint64_t		 rq_deadline;
};
TAILQ_HEAD(reqlist, vioblk_req);

struct vioblk_queue {
	struct vioblk_softc	*q_sc;
	struct virtqueue	*q_vq;
	struct mutex		 q_mtx;		/* all of this */
	struct biolist		 q_bios;	/* not yet sent */
	struct reqlist		 q_free;
	struct reqlist		 q_busy;	/* in the order of sending */
	struct vioblk_req	*q_req;
	struct dmamem		 q_slots;
	struct timeout		 q_timeout;
	int			 q_error;	/* what new bios get */
};

struct vioblk_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct vioblk_queue	*sc_queue;
	u_int			 sc_nqueues;
	struct disk		 sc_disk;
	bool			 sc_attached;	/* disk_attach() was called */
	struct sysctl_oid	 sc_oid_cache;
	bool			 sc_hascache;
};

int	vioblk_attach(struct device *, struct device *, void *);
int	vioblk_detach(struct device *, int);

VIRTIO_ATTACH_DECL(vioblk, vioblk_softc, VIRTIO_ID_BLOCK, "block");

static void	vioblk_intr(void *);
static void	vioblk_overdue(void *);
static void	vioblk_config(void *);
static void	vioblk_event(void *, enum virtio_event);
static void	vioblk_strategy(struct disk *, struct biolist *);
static void	vioblk_teardown(struct vioblk_softc *);

static const struct virtio_feature vioblk_features[] = {
	{ VIRTIO_BLK_F_BARRIER, 0, VFF_UNUSED, "BARRIER" },
	{ VIRTIO_BLK_F_SIZE_MAX, 0, 0, "SIZE_MAX" },
	{ VIRTIO_BLK_F_SEG_MAX, 0, 0, "SEG_MAX" },
	{ VIRTIO_BLK_F_GEOMETRY, 0, VFF_UNUSED, "GEOMETRY" },
	{ VIRTIO_BLK_F_RO, 0, 0, "RO" },
	{ VIRTIO_BLK_F_BLK_SIZE, 0, 0, "BLK_SIZE" },
	{ VIRTIO_BLK_F_SCSI, 0, VFF_UNUSED, "SCSI" },
	{ VIRTIO_BLK_F_FLUSH, 0, 0, "FLUSH" },
	{ VIRTIO_BLK_F_TOPOLOGY, 0, VFF_UNUSED, "TOPOLOGY" },
	{ VIRTIO_BLK_F_CONFIG_WCE, VIRTIO_BLK_F_FLUSH, 0, "CONFIG_WCE" },
	{ VIRTIO_BLK_F_MQ, 0, 0, "MQ" },
	{ VIRTIO_BLK_F_DISCARD, 0, VFF_UNUSED, "DISCARD" },
	{ VIRTIO_BLK_F_WRITE_ZEROES, 0, VFF_UNUSED, "WRITE_ZEROES" },
	{ VIRTIO_BLK_F_LIFETIME, 0, VFF_UNUSED, "LIFETIME" },
	{ VIRTIO_BLK_F_SECURE_ERASE, 0, VFF_UNUSED, "SECURE_ERASE" },
	{ VIRTIO_BLK_F_ZONED, 0, VFF_UNUSED, "ZONED" },
};

static const struct virtio_field vioblk_fields[] = {
	VIRTIO_FIELD(virtio_blk_config, capacity, 0),
	VIRTIO_FIELD(virtio_blk_config, size_max, VIRTIO_BLK_F_SIZE_MAX),
	VIRTIO_FIELD(virtio_blk_config, seg_max, VIRTIO_BLK_F_SEG_MAX),
	VIRTIO_FIELD(virtio_blk_config, blk_size, VIRTIO_BLK_F_BLK_SIZE),
	VIRTIO_FIELD(virtio_blk_config, num_queues, VIRTIO_BLK_F_MQ),
};
static const struct virtio_field vioblk_capacity[] = {
	VIRTIO_FIELD(virtio_blk_config, capacity, 0),
};
static const struct virtio_field vioblk_writeback[] = {
	VIRTIO_FIELD(virtio_blk_config, writeback, VIRTIO_BLK_F_CONFIG_WCE),
};

/* --- a request ---------------------------------------------------------- */

static le8_w *
vioblk_status(struct vioblk_queue *q, bus_size_t slot)
{
	return ((le8_w *)((char *)q->q_slots.dmm_kva + slot + SLOT_STATUS));
}

/* Header and an unset status in their slot, the header on the list. */
static int
vioblk_header(struct vioblk_queue *q, bus_size_t slot, uint32_t type,
    uint64_t sector, struct vq_sg *sg)
{
	struct virtio_blk_req *br = (struct virtio_blk_req *)
	    ((char *)q->q_slots.dmm_kva + slot + SLOT_HEADER);

	le32_store(&br->br_type, type);
	le32_store(&br->br_reserved, 0);
	le64_store(&br->br_sector, sector);
	le8_store(vioblk_status(q, slot), STATUS_NONE);
	return (vq_sg_out_mem(sg, &q->q_slots, slot + SLOT_HEADER,
	    sizeof(*br)));
}

static int
vioblk_trailer(struct vioblk_queue *q, bus_size_t slot, struct vq_sg *sg)
{
	return (vq_sg_in_mem(sg, &q->q_slots, slot + SLOT_STATUS, 1));
}

static uint32_t
vioblk_type(const struct bio *bio)
{
	return (bio->bio_cmd == BIO_READ ? VIRTIO_BLK_T_IN :
	    bio->bio_cmd == BIO_WRITE ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_FLUSH);
}

/* Put a bio into the ring.  ENOSPC: not now. */
static int
vioblk_send(struct vioblk_queue *q, struct vioblk_req *rq, struct bio *bio)
{
	bus_dma_tag_t dmat = virtio_dmat(q->q_sc->sc_vsc);
	VQ_SG_DECL(sg, VIOBLK_MAXSEGS + VIOBLK_OVERHEAD, dmat);
	bool data = bio->bio_cmd != BIO_FLUSH;
	int error;

	if (data && (error = bus_dmamap_load_uio(dmat, rq->rq_map,
	    &bio->bio_uio, BUS_DMA_NOWAIT | (bio->bio_cmd == BIO_READ ?
	    BUS_DMA_READ : BUS_DMA_WRITE))) != 0)
		return (error == ENOSPC ? EIO : error);
	error = vioblk_header(q, rq->rq_slot, vioblk_type(bio),
	    data ? bio->bio_offset / VIRTIO_BLK_SECTOR : 0, &sg);
	if (error == 0 && bio->bio_cmd == BIO_WRITE)
		error = vq_sg_out(&sg, rq->rq_map, 0, bio->bio_len);
	else if (error == 0 && bio->bio_cmd == BIO_READ)
		error = vq_sg_in(&sg, rq->rq_map, 0, bio->bio_len);
	if (error == 0)
		error = vioblk_trailer(q, rq->rq_slot, &sg);
	if (error == 0)
		error = vq_enqueue(q->q_vq, rq, &sg);
	if (error != 0) {
		if (data)
			bus_dmamap_unload(dmat, rq->rq_map);
		return (error);
	}
	rq->rq_bio = bio;
	rq->rq_deadline = nsecuptime() + SEC_TO_NSEC(VIOBLK_SECS);
	TAILQ_REMOVE(&q->q_free, rq, rq_link);
	TAILQ_INSERT_TAIL(&q->q_busy, rq, rq_link);
	if (!timeout_pending(&q->q_timeout))
		timeout_add_sec(&q->q_timeout, VIOBLK_SECS);
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

/* A request has come back, or never will. */
static void
vioblk_finish(struct vioblk_queue *q, struct vioblk_req *rq, int error,
    struct biolist *done)
{
	bus_dma_tag_t dmat = virtio_dmat(q->q_sc->sc_vsc);
	struct bio *bio = rq->rq_bio;

	if (bio->bio_cmd != BIO_FLUSH) {
		bus_dmamap_sync(dmat, rq->rq_map, 0, bio->bio_len,
		    bio->bio_cmd == BIO_READ ? BUS_DMASYNC_POSTREAD :
		    BUS_DMASYNC_POSTWRITE);
		bus_dmamap_unload(dmat, rq->rq_map);
	}
	rq->rq_bio = NULL;
	TAILQ_REMOVE(&q->q_busy, rq, rq_link);
	TAILQ_INSERT_HEAD(&q->q_free, rq, rq_link);
	bio->bio_error = error;
	TAILQ_INSERT_TAIL(done, bio, bio_link);
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

static void
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
			vioblk_finish(q, rq, le8_load(vioblk_status(q,
			    rq->rq_slot)) == VIRTIO_BLK_S_OK ? 0 : EIO, &done);
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
		    "seconds", VIOBLK_SECS);
	mtx_leave(&q->q_mtx);
}

/* --- what the disk asks for --------------------------------------------- */

static int
vioblk_check(const struct disk *dk, const struct bio *bio)
{
	if (bio->bio_cmd == BIO_WRITE && (dk->dk_flags & DKF_RDONLY))
		return (EROFS);
	if (bio->bio_cmd == BIO_FLUSH)
		return (0);
	if (bio->bio_len == 0 || bio->bio_len > dk->dk_maxxfer ||
	    bio->bio_len != bio->bio_uio.uio_resid ||
	    (bio->bio_offset | bio->bio_len) % VIRTIO_BLK_SECTOR != 0)
		return (EINVAL);
	/* it may have shrunk meanwhile */
	if (bio->bio_offset > dk->dk_size ||
	    bio->bio_len > dk->dk_size - bio->bio_offset)
		return (EIO);
	return (0);
}

static void
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
		bio->bio_error = vioblk_check(dk, bio);
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

/* New requests get an error. */
static void
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

/* After virtio_stop(), and what waits as well. */
static void
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

	for (i = 0; i < sc->sc_nqueues; i++) {
		struct vioblk_queue *q = &sc->sc_queue[i];

		mtx_enter(&q->q_mtx);
		vioblk_run(q, &done);
		mtx_leave(&q->q_mtx);
	}
	vioblk_done(&done);
}

static void
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

/* --- configuration ------------------------------------------------------ */

/* Bytes, a multiple of a block; 0: that cannot be. */
static uint64_t
vioblk_bytes(uint64_t capacity, uint32_t blksize)
{
	if (capacity > INT64_MAX / VIRTIO_BLK_SECTOR)
		return (0);
	return (rounddown2(capacity * VIRTIO_BLK_SECTOR, blksize));
}

/* The device says that something is different: only the size can be. */
static void
vioblk_config(void *arg)
{
	struct vioblk_softc *sc = arg;
	struct virtio_blk_config conf;
	uint64_t size;

	memset(&conf, 0, sizeof(conf));
	if (!sc->sc_attached || virtio_config_read(sc->sc_vsc,
	    vioblk_capacity, nitems(vioblk_capacity), &conf) != 0)
		return;
	size = vioblk_bytes(conf.capacity, sc->sc_disk.dk_blksize);
	if (size == sc->sc_disk.dk_size)
		return;
	if (size == 0) {
		device_printf(&sc->sc_dev, "new capacity is %llu, ignored\n",
		    (unsigned long long)conf.capacity);
		return;
	}
	device_printf(&sc->sc_dev, "capacity is now %llu MB\n",
	    (unsigned long long)size >> 20);
	disk_resized(&sc->sc_disk, size);
}

/*
 * Believe what makes sense.  The limits of one request depend on the queue
 * as well: see vioblk_limits().
 */
static int
vioblk_geometry(struct vioblk_softc *sc, const struct virtio_blk_config *conf)
{
	struct disk *dk = &sc->sc_disk;
	const char *why = NULL;
	uint64_t n = 0;

	dk->dk_blksize = virtio_has(sc->sc_vsc, VIRTIO_BLK_F_BLK_SIZE) ?
	    conf->blk_size : VIRTIO_BLK_SECTOR;
	if (dk->dk_blksize < VIRTIO_BLK_SECTOR ||
	    dk->dk_blksize > VIOBLK_MAXBLK || !powerof2(dk->dk_blksize)) {
		why = "block size";
		n = dk->dk_blksize;
	} else if ((dk->dk_size = vioblk_bytes(conf->capacity,
	    dk->dk_blksize)) == 0) {
		why = "capacity";
		n = conf->capacity;
	}
	dk->dk_maxsegs = VIOBLK_MAXSEGS;
	dk->dk_maxseglen = VIOBLK_MAXXFER;
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_SEG_MAX))
		dk->dk_maxsegs = MIN(dk->dk_maxsegs, MAX(conf->seg_max, 1));
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_SIZE_MAX))
		dk->dk_maxseglen = MIN(dk->dk_maxseglen, conf->size_max);
	if (why == NULL && dk->dk_maxseglen < VIRTIO_BLK_SECTOR) {
		why = "segment size";
		n = dk->dk_maxseglen;
	}
	if (why != NULL) {
		device_describe(&sc->sc_dev, "%s is %llu, not used", why,
		    (unsigned long long)n);
		return (ENXIO);
	}
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_RO))
		dk->dk_flags |= DKF_RDONLY;
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_FLUSH))
		dk->dk_flags |= DKF_FLUSH;
	return (0);
}

static int
vioblk_limits(struct vioblk_softc *sc)
{
	struct disk *dk = &sc->sc_disk;
	u_int i, n;

	for (i = 0; i < sc->sc_nqueues; i++) {
		n = vq_maxsegs(sc->sc_queue[i].q_vq);
		if (n <= VIOBLK_OVERHEAD) {
			device_describe(&sc->sc_dev, "queue size is %u, not "
			    "used", vq_size(sc->sc_queue[i].q_vq));
			return (ENXIO);
		}
		dk->dk_maxsegs = MIN(dk->dk_maxsegs, n - VIOBLK_OVERHEAD);
	}
	dk->dk_maxxfer = rounddown2(MIN((uint64_t)VIOBLK_MAXXFER,
	    (uint64_t)dk->dk_maxsegs * dk->dk_maxseglen), dk->dk_blksize);
	if (dk->dk_maxxfer == 0) {
		device_describe(&sc->sc_dev, "a block of %u bytes needs more "
		    "than %u segments, not used", dk->dk_blksize,
		    dk->dk_maxsegs);
		return (ENXIO);
	}
	return (0);
}

/* --- sysctl ------------------------------------------------------------- */

static int
vioblk_sysctl_cache(void *arg, char *buf, size_t size)
{
	struct vioblk_softc *sc = arg;
	struct virtio_blk_config conf = { .writeback = 0 };

	(void)virtio_config_read(sc->sc_vsc, vioblk_writeback, 1, &conf);
	return (snprintf(buf, size, "%u", conf.writeback != 0));
}

static int
vioblk_sysctl_set_cache(void *arg, const char *s)
{
	struct vioblk_softc *sc = arg;
	struct virtio_blk_config conf;

	if (strcmp(s, "0") != 0 && strcmp(s, "1") != 0)
		return (EINVAL);
	conf.writeback = s[0] - '0';
	return (virtio_config_write(sc->sc_vsc, vioblk_writeback, 1, &conf));
}

static void
vioblk_sysctl_attach(struct vioblk_softc *sc)
{
	struct sysctl_oid *so = &sc->sc_oid_cache;

	if (!virtio_has(sc->sc_vsc, VIRTIO_BLK_F_CONFIG_WCE))
		return;
	snprintf(so->so_name, sizeof(so->so_name), "hw.%s.writeback",
	    sc->sc_dev.dv_xname);
	so->so_read = vioblk_sysctl_cache;
	so->so_write = vioblk_sysctl_set_cache;
	so->so_arg = sc;
	sc->sc_hascache = sysctl_register(so) == 0;
}

static void
vioblk_sysctl_detach(struct vioblk_softc *sc)
{
	if (sc->sc_hascache)
		sysctl_unregister(&sc->sc_oid_cache);
	sc->sc_hascache = false;
}

/* --- attachment --------------------------------------------------------- */

/* What the device calls itself; nothing, if it does not know the question. */
static int
vioblk_get_id(struct vioblk_softc *sc)
{
	struct vioblk_queue *q = &sc->sc_queue[0];
	VQ_SG_DECL(sg, 3, virtio_dmat(sc->sc_vsc));
	const le8_w *id = (const le8_w *)((char *)q->q_slots.dmm_kva +
	    SLOT_ID);
	char *serial = sc->sc_disk.dk_serial;
	uint32_t len;
	u_int i;
	int error;

	mtx_enter(&q->q_mtx);
	if ((error = vioblk_header(q, 0, VIRTIO_BLK_T_GET_ID, 0, &sg)) == 0 &&
	    (error = vq_sg_in_mem(&sg, &q->q_slots, SLOT_ID,
	    VIRTIO_BLK_ID_BYTES)) == 0 &&
	    (error = vioblk_trailer(q, 0, &sg)) == 0)
		error = vq_call(q->q_vq, &sg, &len, VIOBLK_ID_MSEC);
	if (error == 0 &&
	    le8_load(vioblk_status(q, 0)) == VIRTIO_BLK_S_OK) {
		for (i = 0; i < VIRTIO_BLK_ID_BYTES; i++) {
			serial[i] = le8_load(&id[i]);
			if (serial[i] == '\0')
				break;
			if (serial[i] < ' ' || serial[i] > '~')
				serial[i] = '?';
		}
		serial[i] = '\0';
	}
	mtx_leave(&q->q_mtx);
	return (error);
}

/* Requests, their slots and their maps. */
static int
vioblk_alloc(struct vioblk_softc *sc, struct vioblk_queue *q)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	struct disk *dk = &sc->sc_disk;
	struct vioblk_req *rq;
	u_int i;
	int error;

	if ((error = dmamem_alloc(&q->q_slots, dmat, VIOBLK_NREQ * SLOT_SIZE,
	    SLOT_SIZE, BUS_DMA_NOWAIT)) != 0)
		return (error);
	q->q_req = kmem_zalloc(VIOBLK_NREQ * sizeof(*q->q_req), KM_NOSLEEP);
	if (q->q_req == NULL)
		return (ENOMEM);
	for (i = 0; i < VIOBLK_NREQ; i++) {
		rq = &q->q_req[i];
		if ((error = bus_dmamap_create(dmat, dk->dk_maxxfer,
		    dk->dk_maxsegs, dk->dk_maxseglen, 0, BUS_DMA_NOWAIT,
		    &rq->rq_map)) != 0)
			return (error);
		rq->rq_slot = i * SLOT_SIZE;
		TAILQ_INSERT_TAIL(&q->q_free, rq, rq_link);
	}
	return (0);
}

static void
vioblk_free(struct vioblk_softc *sc, struct vioblk_queue *q)
{
	u_int i;

	for (i = 0; i < VIOBLK_NREQ && q->q_req != NULL; i++)
		bus_dmamap_destroy(virtio_dmat(sc->sc_vsc),
		    q->q_req[i].rq_map);
	kmem_free(q->q_req, VIOBLK_NREQ * sizeof(*q->q_req));
	dmamem_free(&q->q_slots);
}

static int
vioblk_queues(struct vioblk_softc *sc, u_int n)
{
	struct virtqueue_conf conf[VIOBLK_MAXQ];
	struct virtqueue *vq[VIOBLK_MAXQ];
	struct vioblk_queue *q;
	char name[VIOBLK_MAXQ][12];
	u_int i;
	int error;

	if ((sc->sc_queue = kmem_zalloc(n * sizeof(*q), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	sc->sc_nqueues = n;
	for (i = 0; i < n; i++) {
		q = &sc->sc_queue[i];
		q->q_sc = sc;
		mtx_init(&q->q_mtx, IPL_BIO);
		TAILQ_INIT(&q->q_bios);
		TAILQ_INIT(&q->q_free);
		TAILQ_INIT(&q->q_busy);
		timeout_set(&q->q_timeout, vioblk_overdue, q);
		snprintf(name[i], sizeof(name[i]), "request%u", i);
		conf[i] = (struct virtqueue_conf){
			.vqc_name = name[i], .vqc_index = i,
			.vqc_size = VIOBLK_QSIZE,
			.vqc_nsegs = sc->sc_disk.dk_maxsegs + VIOBLK_OVERHEAD,
			.vqc_mtx = &q->q_mtx,
			.vqc_intr = vioblk_intr, .vqc_arg = q
		};
	}
	if ((error = virtio_queues(sc->sc_vsc, IPL_BIO, conf, n, vq)) != 0)
		return (error);
	for (i = 0; i < n; i++)
		sc->sc_queue[i].q_vq = vq[i];
	if ((error = vioblk_limits(sc)) != 0)
		return (error);
	for (i = 0; i < n && error == 0; i++)
		error = vioblk_alloc(sc, &sc->sc_queue[i]);
	return (error);
}

static void
vioblk_describe(struct vioblk_softc *sc)
{
	const struct disk *dk = &sc->sc_disk;
	unsigned long long kb = dk->dk_size >> 10;

	device_describe(&sc->sc_dev, "%llu %s, %u bytes/sector, %u queue%s%s",
	    kb >= 1024 ? kb >> 10 : kb, kb >= 1024 ? "MB" : "KB",
	    dk->dk_blksize, sc->sc_nqueues, sc->sc_nqueues == 1 ? "" : "s",
	    dk->dk_flags & DKF_RDONLY ? ", read-only" : "");
}

int
vioblk_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct vioblk_softc *sc = (struct vioblk_softc *)self;
	struct virtio_attach_args *va = aux;
	struct virtio_blk_config conf;
	u_int nqueues = 1;
	int error;

	sc->sc_vsc = va->va_vsc;
	memset(&conf, 0, sizeof(conf));
	if ((error = virtio_negotiate(sc->sc_vsc, self, vioblk_features,
	    nitems(vioblk_features), 0)) != 0 ||
	    (error = virtio_config_read(sc->sc_vsc, vioblk_fields,
	    nitems(vioblk_fields), &conf)) != 0 ||
	    (error = vioblk_geometry(sc, &conf)) != 0)
		goto fail;
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_MQ))
		nqueues = MIN(MIN(MAX(conf.num_queues, 1), md_ncpus()),
		    VIOBLK_MAXQ);
	if ((error = vioblk_queues(sc, nqueues)) != 0)
		goto fail;
	virtio_on_config(sc->sc_vsc, vioblk_config, sc);
	virtio_on_failure(sc->sc_vsc, vioblk_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0 ||
	    (error = vioblk_get_id(sc)) != 0)
		goto fail;

	sc->sc_disk.dk_dev = self;
	sc->sc_disk.dk_strategy = vioblk_strategy;
	sc->sc_disk.dk_dmat = virtio_dmat(sc->sc_vsc);
	vioblk_describe(sc);
	if ((error = disk_attach(&sc->sc_disk)) != 0)
		goto fail;
	sc->sc_attached = true;
	vioblk_sysctl_attach(sc);
	return (0);
fail:
	vioblk_teardown(sc);
	return (error);
}

/* What is on its way may end, if the device is still there to do it. */
static void
vioblk_wait(struct vioblk_softc *sc)
{
	uint64_t limit = nsecuptime() + SEC_TO_NSEC(VIOBLK_DETACH_SECS);
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

int
vioblk_detach(struct device *self, int flags)
{
	struct vioblk_softc *sc = (struct vioblk_softc *)self;

	vioblk_close(sc, ENXIO);
	if (!(flags & DETACH_FORCE))
		vioblk_wait(sc);
	vioblk_teardown(sc);
	return (0);
}

/* Undo attach, however far it came. */
static void
vioblk_teardown(struct vioblk_softc *sc)
{
	u_int i;

	vioblk_sysctl_detach(sc);
	virtio_stop(sc->sc_vsc);		/* no interrupt after this, */
	vioblk_abort(sc, ENXIO);		/* and nothing on its way */
	if (sc->sc_attached)
		disk_detach(&sc->sc_disk);
	sc->sc_attached = false;
	for (i = 0; i < sc->sc_nqueues; i++) {
		timeout_del_barrier(&sc->sc_queue[i].q_timeout);
		vioblk_free(sc, &sc->sc_queue[i]);
	}
	virtio_end(sc->sc_vsc);
	kmem_free(sc->sc_queue, sc->sc_nqueues * sizeof(*sc->sc_queue));
	sc->sc_queue = NULL;
	sc->sc_nqueues = 0;
}

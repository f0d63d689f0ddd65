/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioblk(4): virtio disks
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/pv/vioblkvar.h>

#define VIOBLK_QSIZE	256
#define VIOBLK_MAXQ	16
#define VIOBLK_MAXBLK	65536
#define VIOBLK_MAXEXP	16		/* of a physical block, 2^16 others */

int	vioblk_attach(struct device *, struct device *, void *);
int	vioblk_detach(struct device *, int);

VIRTIO_ATTACH_DECL(vioblk, vioblk_softc, VIRTIO_ID_BLOCK, "block");

static void	vioblk_teardown(struct vioblk_softc *);

static const struct virtio_feature vioblk_features[] = {
	{ VIRTIO_BLK_F_BARRIER, 0, VFF_UNUSED, "BARRIER" },
	{ VIRTIO_BLK_F_SIZE_MAX, 0, 0, "SIZE_MAX" },
	{ VIRTIO_BLK_F_SEG_MAX, 0, 0, "SEG_MAX" },
	{ VIRTIO_BLK_F_GEOMETRY, 0, 0, "GEOMETRY" },
	{ VIRTIO_BLK_F_RO, 0, 0, "RO" },
	{ VIRTIO_BLK_F_BLK_SIZE, 0, 0, "BLK_SIZE" },
	{ VIRTIO_BLK_F_SCSI, 0, VFF_UNUSED, "SCSI" },
	{ VIRTIO_BLK_F_FLUSH, 0, 0, "FLUSH" },
	{ VIRTIO_BLK_F_TOPOLOGY, 0, 0, "TOPOLOGY" },
	{ VIRTIO_BLK_F_CONFIG_WCE, VIRTIO_BLK_F_FLUSH, 0, "CONFIG_WCE" },
	{ VIRTIO_BLK_F_MQ, 0, 0, "MQ" },
	{ VIRTIO_BLK_F_DISCARD, 0, 0, "DISCARD" },
	{ VIRTIO_BLK_F_WRITE_ZEROES, 0, 0, "WRITE_ZEROES" },
	{ VIRTIO_BLK_F_LIFETIME, 0, 0, "LIFETIME" },
	{ VIRTIO_BLK_F_SECURE_ERASE, 0, 0, "SECURE_ERASE" },
	{ VIRTIO_BLK_F_ZONED, 0, VFF_UNUSED, "ZONED" },
};

static const struct virtio_field vioblk_fields[] = {
	VIRTIO_FIELD(virtio_blk_config, capacity, 0),
	VIRTIO_FIELD(virtio_blk_config, size_max, VIRTIO_BLK_F_SIZE_MAX),
	VIRTIO_FIELD(virtio_blk_config, seg_max, VIRTIO_BLK_F_SEG_MAX),
	VIRTIO_FIELD(virtio_blk_config, cylinders, VIRTIO_BLK_F_GEOMETRY),
	VIRTIO_FIELD(virtio_blk_config, heads, VIRTIO_BLK_F_GEOMETRY),
	VIRTIO_FIELD(virtio_blk_config, sectors, VIRTIO_BLK_F_GEOMETRY),
	VIRTIO_FIELD(virtio_blk_config, blk_size, VIRTIO_BLK_F_BLK_SIZE),
	VIRTIO_FIELD(virtio_blk_config, physical_block_exp,
	    VIRTIO_BLK_F_TOPOLOGY),
	VIRTIO_FIELD(virtio_blk_config, alignment_offset,
	    VIRTIO_BLK_F_TOPOLOGY),
	VIRTIO_FIELD(virtio_blk_config, min_io_size, VIRTIO_BLK_F_TOPOLOGY),
	VIRTIO_FIELD(virtio_blk_config, opt_io_size, VIRTIO_BLK_F_TOPOLOGY),
	VIRTIO_FIELD(virtio_blk_config, num_queues, VIRTIO_BLK_F_MQ),
	VIRTIO_FIELD(virtio_blk_config, max_discard_sectors,
	    VIRTIO_BLK_F_DISCARD),
	VIRTIO_FIELD(virtio_blk_config, discard_sector_alignment,
	    VIRTIO_BLK_F_DISCARD),
	VIRTIO_FIELD(virtio_blk_config, max_write_zeroes_sectors,
	    VIRTIO_BLK_F_WRITE_ZEROES),
	VIRTIO_FIELD(virtio_blk_config, max_secure_erase_sectors,
	    VIRTIO_BLK_F_SECURE_ERASE),
	VIRTIO_FIELD(virtio_blk_config, secure_erase_sector_alignment,
	    VIRTIO_BLK_F_SECURE_ERASE),
};
static const struct virtio_field vioblk_capacity[] = {
	VIRTIO_FIELD(virtio_blk_config, capacity, 0),
};
static const struct virtio_field vioblk_zones[] = {
	VIRTIO_FIELD(virtio_blk_config, zone_model, VIRTIO_BLK_F_ZONED),
};

/* --- configuration ------------------------------------------------------ */

/* Bytes, a multiple of a block; 0: that cannot be. */
static uint64_t
vioblk_bytes(uint64_t capacity, uint32_t blksize)
{
	if (capacity > INT64_MAX / VIRTIO_BLK_SECTOR)
		return (0);
	return (rounddown2(capacity * VIRTIO_BLK_SECTOR, blksize));
}

/* Not more than a line a second, whatever the device does. */
static bool
vioblk_may_say(struct vioblk_softc *sc)
{
	uint64_t now = nsecuptime();

	if (sc->sc_lastline != 0 && now - sc->sc_lastline < SEC_TO_NSEC(1))
		return (false);
	sc->sc_lastline = now;
	return (true);
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
		if (vioblk_may_say(sc))
			device_printf(&sc->sc_dev, "new capacity is %llu, "
			    "ignored\n", (unsigned long long)conf.capacity);
		return;
	}
	if (vioblk_may_say(sc))
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

/* Hints, all of them: what makes no sense is as if it had not been said. */
static void
vioblk_topology(struct vioblk_softc *sc, const struct virtio_blk_config *conf)
{
	struct disk *dk = &sc->sc_disk;
	uint64_t size = dk->dk_blksize;

	dk->dk_cylinders = conf->cylinders;
	dk->dk_heads = conf->heads;
	dk->dk_sectors = conf->sectors;
	if (!virtio_has(sc->sc_vsc, VIRTIO_BLK_F_TOPOLOGY))
		return;
	if (conf->physical_block_exp <= VIOBLK_MAXEXP &&
	    (size << conf->physical_block_exp) <= INT32_MAX)
		dk->dk_physsize = size << conf->physical_block_exp;
	if (conf->alignment_offset * size < dk->dk_physsize)
		dk->dk_alignoff = conf->alignment_offset * size;
	if (conf->min_io_size * size <= INT32_MAX)
		dk->dk_minio = conf->min_io_size * size;
	if (conf->opt_io_size <= INT32_MAX / size)
		dk->dk_optio = conf->opt_io_size * size;
}

static void
vioblk_range(struct vioblk_softc *sc, virtio_bits_t feature,
    struct disk_range *dr, uint32_t max, uint32_t align)
{
	if (!virtio_has(sc->sc_vsc, feature))
		return;
	dr->dr_max = rounddown2((uint64_t)max * VIRTIO_BLK_SECTOR,
	    (uint64_t)sc->sc_disk.dk_blksize);
	dr->dr_align = (uint64_t)align * VIRTIO_BLK_SECTOR;
}

static void
vioblk_ranges(struct vioblk_softc *sc, const struct virtio_blk_config *conf)
{
	struct disk *dk = &sc->sc_disk;

	vioblk_range(sc, VIRTIO_BLK_F_DISCARD, &dk->dk_discard,
	    conf->max_discard_sectors, conf->discard_sector_alignment);
	vioblk_range(sc, VIRTIO_BLK_F_WRITE_ZEROES, &dk->dk_zero,
	    conf->max_write_zeroes_sectors, 0);
	vioblk_range(sc, VIRTIO_BLK_F_SECURE_ERASE, &dk->dk_erase,
	    conf->max_secure_erase_sectors,
	    conf->secure_erase_sector_alignment);
}

/*
 * Zones that must be written from their beginning are more than we can do,
 * and 5.2.5.1 wants a driver to know that before it says so.
 */
static int
vioblk_zoned(struct vioblk_softc *sc)
{
	struct virtio_blk_config conf = { .zone_model = 0 };
	int error;

	if (!virtio_offered(sc->sc_vsc, VIRTIO_BLK_F_ZONED))
		return (0);
	if ((error = virtio_look(sc->sc_vsc, &sc->sc_dev)) != 0 ||
	    (error = virtio_config_read(sc->sc_vsc, vioblk_zones, nitems(
	    vioblk_zones), &conf)) != 0)
		return (error);
	if (conf.zone_model != VIRTIO_BLK_Z_HM)
		return (0);
	device_describe(&sc->sc_dev, "zones must be managed, not used");
	return (ENXIO);
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

/* --- attachment --------------------------------------------------------- */

/* What the device calls itself; nothing, if it does not know the question. */
static int
vioblk_get_id(struct vioblk_softc *sc)
{
	char *serial = sc->sc_disk.dk_serial;
	u_int i;
	int error, answer;

	error = vioblk_ask(sc, VIRTIO_BLK_T_GET_ID, serial,
	    VIRTIO_BLK_ID_BYTES, &answer);
	for (i = 0; serial[i] != '\0'; i++) {
		if (serial[i] < ' ' || serial[i] > '~')
			serial[i] = '?';
	}
	return (error);
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
	sc->sc_secs = VIOBLK_SECS;
	sc->sc_writeback = -1;
	rw_init(&sc->sc_asklock, "vioblk");
	memset(&conf, 0, sizeof(conf));
	if ((error = vioblk_zoned(sc)) != 0 ||
	    (error = virtio_negotiate(sc->sc_vsc, self, vioblk_features,
	    nitems(vioblk_features), 0)) != 0 ||
	    (error = virtio_config_read(sc->sc_vsc, vioblk_fields,
	    nitems(vioblk_fields), &conf)) != 0 ||
	    (error = vioblk_geometry(sc, &conf)) != 0)
		goto fail;
	if (virtio_has(sc->sc_vsc, VIRTIO_BLK_F_MQ))
		nqueues = MIN(MIN(MAX(conf.num_queues, 1), md_ncpus()),
		    VIOBLK_MAXQ);
	vioblk_topology(sc, &conf);
	vioblk_ranges(sc, &conf);
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

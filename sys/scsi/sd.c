/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * sd(4): SCSI disks
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/sysctl.h>
#include <sys/systm.h>

#include <scsi/scsi_disk.h>

#define VPD_LEN		64
#define MODE_LEN	64
#define WRITE_SAME_BLOCKS 65535		/* where the unit does not say */

struct sd_softc {
	struct device		 sc_dev;
	struct scsi_disk	 sc_sk;
	struct sysctl_oid	 sc_oid;
	bool			 sc_hasoid;
};

int	sd_match(struct device *, const struct cfdata *, const void *);
int	sd_attach(struct device *, struct device *, void *);
int	sd_detach(struct device *, int);

CFDRIVER_DECL(sd, DV_DISK);
CFATTACH_DECL(sd, scsibus, sd_softc, .ca_match = sd_match,
    .ca_attach = sd_attach, .ca_detach = sd_detach);

/* --- what the unit tells of itself -------------------------------------- */

static bool
has_page(const uint8_t *list, size_t len, uint8_t page)
{
	return (len > 4 && memchr(list + 4, page, len - 4) != NULL);
}

static void
sd_serial(struct sd_softc *sc)
{
	struct disk *dk = &sc->sc_sk.sk_disk;
	uint8_t buf[VPD_LEN];
	size_t len, i, n = 0;

	if (scsi_vpd(sc->sc_sk.sk_unit, VPD_SERIAL, buf, sizeof(buf),
	    &len) != 0)
		return;
	for (i = 4; i < len && n < sizeof(dk->dk_serial) - 1; i++) {
		if (buf[i] == ' ' && n == 0)
			continue;
		dk->dk_serial[n++] = buf[i] < ' ' || buf[i] > '~' ? '?' :
		    buf[i];
	}
	while (n > 0 && dk->dk_serial[n - 1] == ' ')
		n--;
	dk->dk_serial[n] = '\0';
}

static void
sd_range(const struct disk *dk, struct disk_range *dr, uint64_t blocks,
    uint32_t grain)
{
	/* the number has 32 bits in the commands */
	dr->dr_max = MIN(blocks, UINT32_MAX) * dk->dk_blksize;
	dr->dr_align = (uint64_t)grain * dk->dk_blksize;
}

/* How it wants to be used, and which blocks it need not keep. */
static void
sd_limits(struct sd_softc *sc, bool limits, bool thin)
{
	struct scsi_disk *sk = &sc->sc_sk;
	struct disk *dk = &sk->sk_disk;
	uint64_t unmap = 0, same = 0;
	uint8_t buf[VPD_LEN];
	uint32_t grain = 0;
	size_t len;

	if (limits && scsi_vpd(sk->sk_unit, VPD_LIMITS, buf, sizeof(buf),
	    &len) == 0 && len >= 16) {
		sk->sk_maxblocks = scsi_get32(&buf[LIM_MAX_XFER]);
		dk->dk_minio = MIN(INT32_MAX, (uint64_t)dk->dk_blksize *
		    scsi_get16(&buf[LIM_OPT_GRAIN]));
		dk->dk_optio = MIN(INT32_MAX, (uint64_t)dk->dk_blksize *
		    scsi_get32(&buf[LIM_OPT_XFER]));
		if (len >= 32 && scsi_get32(&buf[LIM_UNMAP_RANGES]) != 0) {
			unmap = scsi_get32(&buf[LIM_UNMAP_BLOCKS]);
			grain = scsi_get32(&buf[LIM_UNMAP_GRAIN]);
		}
		if (len >= 44)
			same = scsi_get64(&buf[LIM_WRITE_SAME]);
	}
	/* tried once, if it does not say: see io_error() */
	sd_range(dk, &dk->dk_zero, same != 0 ? same : WRITE_SAME_BLOCKS, 0);
	if (!thin || scsi_vpd(sk->sk_unit, VPD_THIN, buf, sizeof(buf),
	    &len) != 0 || len <= THIN_FLAGS)
		return;
	if ((buf[THIN_FLAGS] & THIN_LBPU) && unmap != 0) {
		sk->sk_discard = DISCARD_UNMAP;
		sd_range(dk, &dk->dk_discard, unmap, grain);
	} else if (buf[THIN_FLAGS] & THIN_LBPWS) {
		sk->sk_discard = DISCARD_WRITE_SAME;
		sd_range(dk, &dk->dk_discard, same != 0 ? same :
		    WRITE_SAME_BLOCKS, grain);
	}
}

static void
sd_vpd(struct sd_softc *sc)
{
	struct scsi_unit *su = sc->sc_sk.sk_unit;
	struct disk *dk = &sc->sc_sk.sk_disk;
	uint8_t list[VPD_LEN], buf[VPD_LEN];
	size_t n, len;

	dk->dk_flags |= DKF_ROTATES;
	if (INQ_VERSION(su->su_inquiry) < 3 ||
	    scsi_vpd(su, VPD_PAGES, list, sizeof(list), &n) != 0)
		return;
	if (has_page(list, n, VPD_SERIAL))
		sd_serial(sc);
	sd_limits(sc, has_page(list, n, VPD_LIMITS),
	    has_page(list, n, VPD_THIN));
	if (has_page(list, n, VPD_CHARACTER) && scsi_vpd(su, VPD_CHARACTER,
	    buf, sizeof(buf), &len) == 0 && len >= 6 &&
	    scsi_get16(&buf[CHR_RATE]) == 1)
		dk->dk_flags &= ~DKF_ROTATES;
}

/* --- modes -------------------------------------------------------------- */

/* The caching page; its place in the answer, or 0, which has the header. */
static int
sd_mode(struct sd_softc *sc, uint8_t *buf, size_t *page)
{
	uint8_t cdb[6] = { SCSI_MODE_SENSE_6, 0x08 /* no descriptors */,
	    MODE_CACHING, 0, MODE_LEN };
	size_t done, at;
	int error;

	memset(buf, 0, MODE_LEN);
	*page = 0;
	if ((error = scsi_command(sc->sc_sk.sk_unit, cdb, sizeof(cdb),
	    SCSI_IN, buf, MODE_LEN, XSF_QUIET, &done)) != 0)
		return (error);
	if (done < 4)
		return (EIO);
	at = 4 + (size_t)buf[3];
	if (at + 3 <= MIN(done, (size_t)buf[0] + 1) &&
	    (buf[at] & 0x3f) == MODE_CACHING &&
	    at + 2 + buf[at + 1] <= MODE_LEN)
		*page = at;
	return (0);
}

static int
sd_sysctl_cache(void *arg, char *buf, size_t size)
{
	uint8_t mode[MODE_LEN];
	size_t page;

	if (sd_mode(arg, mode, &page) != 0 || page == 0)
		return (snprintf(buf, size, "unknown"));
	return (snprintf(buf, size, "%u",
	    (mode[page + 2] & CACHING_WCE) != 0));
}

static int
sd_sysctl_set_cache(void *arg, const char *s)
{
	struct sd_softc *sc = arg;
	uint8_t cdb[6] = { SCSI_MODE_SELECT_6, 0x10 /* the standard's */ };
	uint8_t mode[MODE_LEN];
	size_t page, len;
	int error;

	if (strcmp(s, "0") != 0 && strcmp(s, "1") != 0)
		return (EINVAL);
	if ((error = sd_mode(sc, mode, &page)) != 0)
		return (error);
	if (page == 0)
		return (EOPNOTSUPP);
	/* header and page alone; what is reserved here is zero */
	len = 2 + mode[page + 1];
	memmove(&mode[4], &mode[page], len);
	memset(mode, 0, 4);
	mode[4] = MODE_CACHING;
	mode[6] = (mode[6] & ~CACHING_WCE) | (s[0] == '1' ? CACHING_WCE : 0);
	cdb[4] = 4 + len;
	return (scsi_command(sc->sc_sk.sk_unit, cdb, sizeof(cdb), SCSI_OUT,
	    mode, 4 + len, 0, NULL));
}

/* --- attachment --------------------------------------------------------- */

/* Called by the bus: the unit has said that something is different. */
static void
sd_changed(void *arg, int what)
{
	struct sd_softc *sc = arg;

	(void)scsi_disk_look(&sc->sc_sk, (what & SU_MEDIUM) != 0);
}

static int
sd_open(struct disk *dk, int flags __unused)
{
	struct scsi_disk *sk = container_of(dk, struct scsi_disk, sk_disk);

	return (sk->sk_removable ? scsi_disk_look(sk, false) : 0);
}

static void
sd_sysctl(struct sd_softc *sc)
{
	struct sysctl_oid *so = &sc->sc_oid;

	snprintf(so->so_name, sizeof(so->so_name), "hw.%s.writeback",
	    sc->sc_dev.dv_xname);
	so->so_read = sd_sysctl_cache;
	so->so_write = sd_sysctl_set_cache;
	so->so_arg = sc;
	sc->sc_hasoid = sysctl_register(so) == 0;
}

int
sd_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct scsi_attach_args *sa = aux;

	return (INQ_TYPE(sa->sa_unit->su_inquiry) == TYPE_DISK &&
	    scsi_unit_fits(cf, sa->sa_unit));
}

int
sd_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct sd_softc *sc = (struct sd_softc *)self;
	struct scsi_attach_args *sa = aux;
	struct scsi_unit *su = sa->sa_unit;
	struct scsi_disk *sk = &sc->sc_sk;
	uint8_t mode[MODE_LEN];
	const char *why;
	char text[48];
	size_t page;
	int error;

	scsi_disk_init(sk, self, su);
	if ((error = scsi_disk_medium(sk, &why)) != 0) {
		device_describe(self, "<%s, %s, %s>, %s is not usable",
		    su->su_vendor, su->su_product, su->su_revision, why);
		return (error);
	}
	sd_vpd(sc);
	if (sd_mode(sc, mode, &page) == 0 && (mode[2] & MODE_WP))
		sk->sk_disk.dk_flags |= DKF_RDONLY;
	sk->sk_disk.dk_flags |= DKF_FLUSH;
	sk->sk_disk.dk_open = sd_open;
	device_describe(self, "<%s, %s, %s>, %s%s%s", su->su_vendor,
	    su->su_product, su->su_revision, scsi_disk_size(sk, text,
	    sizeof(text)), sk->sk_removable ? ", removable" : "",
	    sk->sk_disk.dk_flags & DKF_RDONLY ? ", read-only" : "");
	if ((error = scsi_disk_attach(sk)) != 0) {
		scsi_disk_detach(sk);
		return (error);
	}
	sd_sysctl(sc);
	su->su_arg = sc;
	su->su_changed = sd_changed;
	return (0);
}

int
sd_detach(struct device *self, int flags __unused)
{
	struct sd_softc *sc = (struct sd_softc *)self;
	struct scsi_unit *su = sc->sc_sk.sk_unit;

	su->su_changed = NULL;
	if (sc->sc_hasoid)
		sysctl_unregister(&sc->sc_oid);
	scsi_disk_detach(&sc->sc_sk);
	su->su_dev = NULL;
	return (0);
}

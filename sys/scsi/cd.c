/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * cd(4): SCSI CD and DVD drives, for reading
 *
 * A medium is looked for when somebody opens the drive and when the drive
 * says that it has another one; there is no polling.
 */

#include <sys/conf.h>
#include <sys/errno.h>
#include <sys/systm.h>

#include <scsi/scsi_disk.h>

struct cd_softc {
	struct device		 sc_dev;
	struct scsi_disk	 sc_sk;
	bool			 sc_locked;
};

int	cd_match(struct device *, const struct cfdata *, const void *);
int	cd_attach(struct device *, struct device *, void *);
int	cd_detach(struct device *, int);

CFDRIVER_DECL(cd, DV_DISK);
CFATTACH_DECL(cd, scsibus, cd_softc, .ca_match = cd_match,
    .ca_attach = cd_attach, .ca_detach = cd_detach);

/* --- the tray ----------------------------------------------------------- */

static int
cd_start(struct cd_softc *sc, uint8_t what)
{
	uint8_t cdb[6] = { SCSI_START_STOP_UNIT, 0, 0, 0, what };

	return (scsi_command(sc->sc_sk.sk_unit, cdb, sizeof(cdb),
	    SCSI_NODATA, NULL, 0, 0, NULL));
}

static int
cd_lock(struct cd_softc *sc, bool on)
{
	uint8_t cdb[6] = { SCSI_PREVENT_ALLOW, 0, 0, 0, on };
	int error;

	error = scsi_command(sc->sc_sk.sk_unit, cdb, sizeof(cdb),
	    SCSI_NODATA, NULL, 0, 0, NULL);
	if (error == 0)
		sc->sc_locked = on;
	return (error);
}

static int
cd_eject(struct cd_softc *sc)
{
	int error = 0;

	if (sc->sc_locked)
		error = cd_lock(sc, false);
	if (error == 0)
		error = cd_start(sc, START_LOEJ);
	(void)scsi_disk_look(&sc->sc_sk, false);
	return (error);
}

static int
cd_load(struct cd_softc *sc)
{
	int error = cd_start(sc, START_LOEJ | START_BIT);

	(void)scsi_disk_look(&sc->sc_sk, false);
	return (error == ENOMEDIUM ? 0 : error);
}

/* MMC-6, 6.6.2: what the drive says of its tray, if it says anything */
static bool
cd_tray_open(struct cd_softc *sc)
{
	uint8_t cdb[10] = { SCSI_GET_EVENT_STATUS, 1 /* do not wait */ };
	uint8_t buf[8];
	size_t done;

	cdb[4] = EVENT_MEDIA;
	scsi_put16(&cdb[7], sizeof(buf));
	memset(buf, 0, sizeof(buf));
	return (scsi_command(sc->sc_sk.sk_unit, cdb, sizeof(cdb), SCSI_IN,
	    buf, sizeof(buf), XSF_QUIET, &done) == 0 && done >= 6 &&
	    (buf[2] & 0x07) == 4 && (buf[5] & EVENT_TRAY_OPEN));
}

/* --- ioctl -------------------------------------------------------------- */

/* Numbers and answers are those of Linux. */
#define CDROMEJECT		0x5309
#define CDROMCLOSETRAY		0x5319
#define CDROM_DRIVE_STATUS	0x5326
#define  CDS_NO_DISC		1
#define  CDS_TRAY_OPEN		2
#define  CDS_NOT_READY		3
#define  CDS_DISC_OK		4
#define CDROM_DISC_STATUS	0x5327
#define  CDS_NO_INFO		0
#define  CDS_DATA_1		101
#define CDROM_LOCKDOOR		0x5329
#define CDROM_GET_CAPABILITY	0x5331
#define  CDC_CLOSE_TRAY		0x1
#define  CDC_OPEN_TRAY		0x2
#define  CDC_LOCK		0x4

static int
cd_status(struct cd_softc *sc)
{
	static const uint8_t cdb[6] = { SCSI_TEST_UNIT_READY };

	(void)scsi_disk_look(&sc->sc_sk, false);
	if (!(sc->sc_sk.sk_disk.dk_flags & DKF_NOMEDIUM))
		return (CDS_DISC_OK);
	if (scsi_command(sc->sc_sk.sk_unit, cdb, sizeof(cdb), SCSI_NODATA,
	    NULL, 0, XSF_QUIET | XSF_ONCE | XSF_LOOK, NULL) != ENOMEDIUM)
		return (CDS_NOT_READY);
	return (cd_tray_open(sc) ? CDS_TRAY_OPEN : CDS_NO_DISC);
}

static int
cd_ioctl(struct disk *dk, u_long cmd, void *data, int flags __unused)
{
	struct cd_softc *sc = container_of(dk, struct cd_softc,
	    sc_sk.sk_disk);

	switch (cmd) {
	case CDROMEJECT:
		return (cd_eject(sc));
	case CDROMCLOSETRAY:
		return (cd_load(sc));
	case CDROM_LOCKDOOR:
		return (cd_lock(sc, data != NULL));
	case CDROM_DRIVE_STATUS:
		return (IOCTL_VALUE(cd_status(sc)));
	case CDROM_DISC_STATUS:
		return (IOCTL_VALUE(cd_status(sc) == CDS_DISC_OK ?
		    CDS_DATA_1 : CDS_NO_INFO));
	case CDROM_GET_CAPABILITY:
		return (IOCTL_VALUE(CDC_CLOSE_TRAY | CDC_OPEN_TRAY |
		    CDC_LOCK));
	default:
		return (ENOTTY);
	}
}

/* --- attachment --------------------------------------------------------- */

static void
cd_changed(void *arg, int what)
{
	struct cd_softc *sc = arg;

	(void)scsi_disk_look(&sc->sc_sk, (what & SU_MEDIUM) != 0);
}

static int
cd_open(struct disk *dk, int flags __unused)
{
	return (scsi_disk_look(container_of(dk, struct scsi_disk, sk_disk),
	    false));
}

/* Nobody is left who could unlock it. */
static void
cd_close(struct disk *dk)
{
	struct cd_softc *sc = container_of(dk, struct cd_softc,
	    sc_sk.sk_disk);

	if (sc->sc_locked)
		(void)cd_lock(sc, false);
}

int
cd_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct scsi_attach_args *sa = aux;

	return (INQ_TYPE(sa->sa_unit->su_inquiry) == TYPE_CDROM &&
	    scsi_unit_fits(cf, sa->sa_unit));
}

int
cd_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct cd_softc *sc = (struct cd_softc *)self;
	struct scsi_attach_args *sa = aux;
	struct scsi_unit *su = sa->sa_unit;
	struct scsi_disk *sk = &sc->sc_sk;
	struct disk *dk = &sk->sk_disk;
	const char *why;
	char text[48];
	int error;

	scsi_disk_init(sk, self, su);
	sk->sk_removable = true;
	dk->dk_blksize = 2048;
	if (scsi_disk_medium(sk, &why) != 0) {
		dk->dk_flags |= DKF_NOMEDIUM;	/* another may be better */
		dk->dk_size = 0;
	}
	dk->dk_flags |= DKF_RDONLY | DKF_NOPART;
	dk->dk_open = cd_open;
	dk->dk_close = cd_close;
	dk->dk_ioctl = cd_ioctl;
	device_describe(self, "<%s, %s, %s>, removable, %s", su->su_vendor,
	    su->su_product, su->su_revision, scsi_disk_size(sk, text,
	    sizeof(text)));
	if ((error = scsi_disk_attach(sk)) != 0) {
		scsi_disk_detach(sk);
		return (error);
	}
	su->su_arg = sc;
	su->su_changed = cd_changed;
	return (0);
}

int
cd_detach(struct device *self, int flags __unused)
{
	struct cd_softc *sc = (struct cd_softc *)self;
	struct scsi_unit *su = sc->sc_sk.sk_unit;

	su->su_changed = NULL;
	scsi_disk_detach(&sc->sc_sk);
	su->su_dev = NULL;
	return (0);
}

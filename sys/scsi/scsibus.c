/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * scsibus(4): the logical units behind an adapter
 *
 * At first, and when the adapter says that something is different, targets
 * are asked which units they have.  To ask many that are not there must cost
 * little: the first questions go together.
 *
 * After attachment a thread of the bus alone finds and removes units.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <scsi/scsivar.h>

#define NTOGETHER	32		/* targets asked at a time */
#define LUNS_LEN	(8 + 8 * 64)	/* of the first question */
#define LUNS_MAX	(8 + 8 * 4096)	/* of the second */
#define OLD_LUNS	8		/* of targets that do not know theirs */
#define SCAN_SECS	10
#define REST_MSEC	100		/* behind a look at everything */

int	scsibus_match(struct device *, const struct cfdata *, const void *);
int	scsibus_attach(struct device *, struct device *, void *);
int	scsibus_detach(struct device *, int);

CFDRIVER_DECL(scsibus, DV_BUS);
CFATTACH_DECL(scsibus, vioscsi, scsibus_softc,
    .ca_match = scsibus_match, .ca_attach = scsibus_attach,
    .ca_detach = scsibus_detach);

/* --- units -------------------------------------------------------------- */

static struct scsi_unit *
unit_find(struct scsibus_softc *sc, u_int target, u_int lun)
{
	struct scsi_unit *su;

	TAILQ_FOREACH(su, &sc->sc_units, su_link) {
		if (su->su_target == target && su->su_lun == lun &&
		    !su->su_probe)
			break;
	}
	return (su);
}

static struct scsi_unit *
unit_alloc(struct scsibus_softc *sc, u_int target, u_int lun, bool probe)
{
	struct scsi_unit *su;

	if ((su = kmem_zalloc(sizeof(*su), KM_NOSLEEP)) == NULL)
		return (NULL);
	su->su_bus = sc;
	su->su_adapter = sc->sc_adapter;
	su->su_target = target;
	su->su_lun = lun;
	su->su_probe = probe;
	TAILQ_INIT(&su->su_busy);
	TAILQ_INIT(&su->su_wait);
	mtx_enter(&sc->sc_mtx);
	TAILQ_INSERT_TAIL(&sc->sc_units, su, su_link);
	mtx_leave(&sc->sc_mtx);
	return (su);
}

static void
unit_free(struct scsi_unit *su)
{
	struct scsibus_softc *sc = su->su_bus;

	KASSERT(TAILQ_EMPTY(&su->su_busy));
	mtx_enter(&sc->sc_mtx);
	TAILQ_REMOVE(&sc->sc_units, su, su_link);
	mtx_leave(&sc->sc_mtx);
	kmem_free(su, sizeof(*su));
}

/* Letters of INQUIRY, without the blanks behind them. */
static void
unit_word(char *to, const uint8_t *from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		to[i] = from[i] < ' ' || from[i] > '~' ? '?' : from[i];
	while (len > 0 && (to[len - 1] == ' ' || from[len - 1] == '\0'))
		len--;
	to[len] = '\0';
}

static const char *
unit_type(const struct scsi_unit *su)
{
	static const char *const name[] = { "disk", "tape", "printer",
	    "processor", "write-once", "CD", "scanner", "optical", "changer",
	    "communications", NULL, NULL, "array", "enclosure" };
	u_int type = INQ_TYPE(su->su_inquiry);

	return (type < nitems(name) && name[type] != NULL ? name[type] :
	    "unit");
}

static void
scsibus_print(const void *aux, struct cfident *id)
{
	const struct scsi_attach_args *sa = aux;
	const struct scsi_unit *su = sa->sa_unit;

	snprintf(id->ci_what, sizeof(id->ci_what), "<%s, %s, %s> %s",
	    su->su_vendor, su->su_product, su->su_revision, unit_type(su));
	snprintf(id->ci_loc, sizeof(id->ci_loc), " targ %u lun %u",
	    su->su_target, su->su_lun);
}

/* ENOENT: there is nothing by that number. */
static int
unit_inquire(struct scsi_unit *su)
{
	uint8_t cdb[6] = { SCSI_INQUIRY, 0, 0, 0, INQ_LEN };
	size_t done;
	int error;

	if ((error = scsi_command(su, cdb, sizeof(cdb), SCSI_IN,
	    su->su_inquiry, INQ_LEN, XSF_QUIET | XSF_LOOK,
	    &done)) != 0)
		return (error);
	if (done < 5 || INQ_QUALIFIER(su->su_inquiry) != 0 ||
	    INQ_TYPE(su->su_inquiry) == TYPE_NONE)
		return (ENOENT);
	memset(su->su_inquiry + done, 0, INQ_LEN - done);
	unit_word(su->su_vendor, su->su_inquiry + INQ_VENDOR, 8);
	unit_word(su->su_product, su->su_inquiry + INQ_PRODUCT, 16);
	unit_word(su->su_revision, su->su_inquiry + INQ_REVISION, 4);
	if (scsi_vpd(su, VPD_SERIAL, su->su_serial, sizeof(su->su_serial),
	    &done) != 0)
		memset(su->su_serial, 0, sizeof(su->su_serial));
	return (0);
}

bool
scsi_unit_fits(const struct cfdata *cf, const struct scsi_unit *su)
{
	long target = DEVICE_LOCATOR(cf, 0), lun = DEVICE_LOCATOR(cf, 1);

	return ((target == -1 || target == (long)su->su_target) &&
	    (lun == -1 || lun == (long)su->su_lun));
}

/* Is it still the one that it was?  Who knows nothing says yes. */
static bool
unit_same(struct scsibus_softc *sc, const struct scsi_unit *old)
{
	struct scsi_unit *su;
	bool same = true;
	int error;

	if ((su = unit_alloc(sc, old->su_target, old->su_lun, true)) == NULL)
		return (true);
	error = unit_inquire(su);
	if (error == 0)
		same = memcmp(su->su_inquiry, old->su_inquiry, INQ_LEN) == 0 &&
		    memcmp(su->su_serial, old->su_serial,
		    sizeof(su->su_serial)) == 0;
	else if (error == ENOENT || error == ENXIO)
		same = false;
	unit_free(su);
	return (same);
}

static void	unit_remove(struct scsi_unit *, bool);

/* It may be one that we know. */
static void
unit_add(struct scsibus_softc *sc, u_int target, u_int lun)
{
	struct scsi_attach_args sa;
	struct scsi_unit *su;

	if ((su = unit_find(sc, target, lun)) != NULL) {
		su->su_found = true;
		if (unit_same(sc, su))
			return;
		unit_remove(su, true);
	}
	if ((su = unit_alloc(sc, target, lun, false)) == NULL)
		return;
	if (unit_inquire(su) != 0) {
		unit_free(su);
		return;
	}
	su->su_found = true;
	sa.sa_unit = su;
	su->su_dev = config_found(&sc->sc_dev, &sa, scsibus_print);
}

/* With force: it is not there any more. */
static void
unit_remove(struct scsi_unit *su, bool force)
{
	if (force) {
		scsi_unit_gone(su);
		if (su->su_dev != NULL)
			config_gone(su->su_dev);
	}
	if (su->su_dev != NULL)
		(void)config_detach(su->su_dev, force ? DETACH_FORCE : 0);
	su->su_dev = NULL;
	unit_free(su);
}

/* --- which units a target has ------------------------------------------- */

struct probe {
	struct scsi_xfer	 p_xfer;
	struct scsi_unit	*p_unit;
	bool			 p_done;
	struct iovec		 p_iov;
	uint8_t			 p_luns[LUNS_LEN];
};

static void
luns_cdb(uint8_t *cdb, size_t len)
{
	memset(cdb, 0, 12);
	cdb[0] = SCSI_REPORT_LUNS;
	scsi_put32(&cdb[6], len);
}

/* It could not be asked: what was there is there. */
static void
target_keep(struct scsibus_softc *sc, u_int target)
{
	struct scsi_unit *su;

	TAILQ_FOREACH(su, &sc->sc_units, su_link) {
		if (su->su_target == target)
			su->su_found = true;
	}
}

static void
target_luns(struct scsibus_softc *sc, u_int target, const uint8_t *p,
    size_t len)
{
	size_t i, n;
	int lun;

	if (len < 8) {
		target_keep(sc, target);
		return;
	}
	n = MIN((size_t)scsi_get32(p), len - 8) / 8;
	for (i = 0; i < n; i++) {
		lun = scsi_lun(p + 8 + 8 * i);
		if (lun >= 0 && (u_int)lun <= sc->sc_adapter->sa_maxlun)
			unit_add(sc, target, lun);
	}
}

/* There are more than we had room for. */
static void
target_many(struct scsibus_softc *sc, struct scsi_unit *su, size_t want)
{
	uint8_t cdb[12], *luns;
	size_t size = MIN(want, LUNS_MAX), done;

	if ((luns = kmem_zalloc(size, KM_NOSLEEP)) == NULL) {
		target_keep(sc, su->su_target);
		return;
	}
	luns_cdb(cdb, size);
	if (scsi_command(su, cdb, sizeof(cdb), SCSI_IN, luns, size, XSF_QUIET |
	    XSF_LOOK, &done) == 0)
		target_luns(sc, su->su_target, luns, done);
	else
		target_keep(sc, su->su_target);
	kmem_free(luns, size);
}

static void
target_result(struct scsibus_softc *sc, struct probe *p)
{
	u_int target = p->p_unit->su_target, i;
	struct scsi_xfer *xs = &p->p_xfer;
	size_t done, want;

	if (xs->xs_error == ENXIO)
		return;
	if (xs->xs_error != 0 && xs->xs_error != EOPNOTSUPP &&
	    xs->xs_error != EINVAL) {
		target_keep(sc, target);
		return;
	}
	if (xs->xs_error != 0) {
		/* it does not know the question */
		for (i = 0; i < OLD_LUNS; i++)
			unit_add(sc, target, i);
		return;
	}
	done = xs->xs_len - xs->xs_resid;
	want = done >= 8 ? (size_t)scsi_get32(p->p_luns) + 8 : 0;
	if (want > LUNS_LEN)
		target_many(sc, p->p_unit, want);
	else
		target_luns(sc, target, p->p_luns, done);
}

static void
probe_done(struct scsi_xfer *xs)
{
	struct probe *p = xs->xs_arg;
	struct scsibus_softc *sc = xs->xs_unit->su_bus;

	mtx_enter(&sc->sc_mtx);
	p->p_done = true;
	wakeup(p);
	mtx_leave(&sc->sc_mtx);
}

static int
probe_init(struct scsibus_softc *sc, struct probe *p, u_int target)
{
	struct scsi_xfer *xs = &p->p_xfer;

	memset(p, 0, sizeof(*p));
	if ((p->p_unit = unit_alloc(sc, target, 0, true)) == NULL)
		return (ENOMEM);
	p->p_iov = (struct iovec){ p->p_luns, sizeof(p->p_luns) };
	luns_cdb(xs->xs_cdb, sizeof(p->p_luns));
	xs->xs_unit = p->p_unit;
	xs->xs_dir = SCSI_IN;
	xs->xs_len = sizeof(p->p_luns);
	xs->xs_uio = (struct uio){ .uio_iov = &p->p_iov, .uio_iovcnt = 1,
	    .uio_resid = xs->xs_len, .uio_segflg = UIO_SYSSPACE };
	xs->xs_secs = SCAN_SECS;
	xs->xs_flags = XSF_QUIET | XSF_LOOK;
	xs->xs_done = probe_done;
	xs->xs_arg = p;
	return (0);
}

static void
probe_wait(struct scsibus_softc *sc, struct probe *p)
{
	mtx_enter(&sc->sc_mtx);
	while (!p->p_done)
		(void)msleep_nsec(p, &sc->sc_mtx, PRI_KERN, "scsiscan",
		    INFSLP);
	mtx_leave(&sc->sc_mtx);
}

/* Some targets are asked together, and what they have is attached. */
static void
scan_targets(struct scsibus_softc *sc, struct probe *p, u_int first, u_int n)
{
	struct scsi_xferlist list = TAILQ_HEAD_INITIALIZER(list);
	u_int i, k;

	for (k = 0; k < n && probe_init(sc, &p[k], first + k) == 0; k++)
		TAILQ_INSERT_TAIL(&list, &p[k].p_xfer, xs_link);
	scsi_start(&list);
	for (i = 0; i < k; i++)
		probe_wait(sc, &p[i]);
	for (i = 0; i < k; i++) {
		target_result(sc, &p[i]);
		unit_free(p[i].p_unit);
	}
	for (; k < n; k++)
		target_keep(sc, first + k);
}

/* What a scan of these targets did not see is not there any more. */
static void
scan_vanished(struct scsibus_softc *sc, u_int first, u_int last)
{
	struct scsi_unit *su, *next;

	TAILQ_FOREACH_SAFE(su, &sc->sc_units, su_link, next) {
		if (su->su_target >= first && su->su_target <= last &&
		    !su->su_found)
			unit_remove(su, true);
	}
}

static void
scan(struct scsibus_softc *sc, u_int first, u_int last)
{
	struct scsi_unit *su;
	struct probe *p;
	u_int i;

	p = kmem_alloc(NTOGETHER * sizeof(*p), KM_NOSLEEP);
	if (p == NULL) {
		device_printf(&sc->sc_dev, "no memory to look for units\n");
		return;
	}
	TAILQ_FOREACH(su, &sc->sc_units, su_link)
		su->su_found = false;
	for (i = first; i <= last && !sc->sc_exit; i += NTOGETHER)
		scan_targets(sc, p, i, MIN(NTOGETHER, last - i + 1));
	kmem_free(p, NTOGETHER * sizeof(*p));
	if (!sc->sc_exit)
		scan_vanished(sc, first, last);
}

/* --- events ------------------------------------------------------------- */

void
scsibus_event(struct scsi_adapter *sa, enum scsibus_event ev, u_int target,
    u_int lun, u_int asc)
{
	struct scsibus_softc *sc = sa->sa_bus;

	if (sc == NULL)
		return;
	mtx_enter(&sc->sc_mtx);
	if (ev == SCSIBUS_MISSED || sc->sc_nwork == SCSIBUS_NWORK)
		sc->sc_scan = true;
	else
		sc->sc_work[sc->sc_nwork++] = (struct scsibus_work){ ev,
		    target, lun, asc };
	wakeup(&sc->sc_nwork);
	mtx_leave(&sc->sc_mtx);
}

static void
unit_changed(struct scsi_unit *su, int what)
{
	if (su->su_changed != NULL)
		su->su_changed(su->su_arg, what);
}

static void
work_event(struct scsibus_softc *sc, const struct scsibus_work *sw)
{
	struct scsi_unit *su = unit_find(sc, sw->sw_target, sw->sw_lun);

	if (sw->sw_target > sc->sc_adapter->sa_maxtarget)
		return;
	switch (sw->sw_event) {
	case SCSIBUS_RESCAN:
		scan(sc, sw->sw_target, sw->sw_target);
		break;
	case SCSIBUS_REMOVED:
		/* of unit 0 it may be about all: VIRTIO 1.4, 5.6.6.3 */
		if (su != NULL && sw->sw_lun != 0)
			unit_remove(su, true);
		else
			scan(sc, sw->sw_target, sw->sw_target);
		break;
	case SCSIBUS_CHANGED:
		if (su != NULL)
			unit_changed(su, ASC_CODE(sw->sw_asc) == 0x2a ?
			    (sw->sw_asc == ASC(0x2a, 0x09) ? SU_CAPACITY :
			    SU_MODE) : SU_MEDIUM);
		break;
	default:
		break;
	}
}

/* Nobody knows what has happened. */
static void
work_all(struct scsibus_softc *sc)
{
	struct scsi_unit *su;

	scan(sc, 0, sc->sc_adapter->sa_maxtarget);
	TAILQ_FOREACH(su, &sc->sc_units, su_link)
		unit_changed(su, SU_CAPACITY | SU_MODE);
	/* a device that always says so is not to have the processor */
	mtx_enter(&sc->sc_mtx);
	(void)msleep_nsec(&sc->sc_exit, &sc->sc_mtx, PRI_KERN, "scsirest",
	    MSEC_TO_NSEC(REST_MSEC));
	mtx_leave(&sc->sc_mtx);
}

/* What is first to be done, off the list.  With sc_mtx. */
static bool
work_next(struct scsibus_softc *sc, struct scsibus_work *sw)
{
	if (sc->sc_nwork > 0) {
		*sw = sc->sc_work[0];
		memmove(&sc->sc_work[0], &sc->sc_work[1],
		    --sc->sc_nwork * sizeof(*sw));
		return (true);
	}
	sw->sw_event = SCSIBUS_MISSED;
	if (!sc->sc_scan)
		return (false);
	sc->sc_scan = false;
	return (true);
}

/* The drivers of units are called here only, and not while they detach. */
static void
scsibus_thread(void *arg)
{
	struct scsibus_softc *sc = arg;
	struct scsibus_work sw;

	mtx_enter(&sc->sc_mtx);
	while (!sc->sc_exit) {
		if (!work_next(sc, &sw)) {
			(void)msleep_nsec(&sc->sc_nwork, &sc->sc_mtx,
			    PRI_KERN, "scsibus", INFSLP);
			continue;
		}
		mtx_leave(&sc->sc_mtx);
		if (config_enter(&sc->sc_exit)) {
			if (sw.sw_event == SCSIBUS_MISSED)
				work_all(sc);
			else
				work_event(sc, &sw);
			config_leave();
		}
		mtx_enter(&sc->sc_mtx);
	}
	mtx_leave(&sc->sc_mtx);
}

/* --- attachment --------------------------------------------------------- */

int
scsibus_match(struct device *parent __unused,
    const struct cfdata *cf __unused, const void *aux __unused)
{
	return (1);
}

static void
scsibus_stop(struct scsibus_softc *sc, struct thread **td, const void *ident)
{
	if (*td == NULL)
		return;
	mtx_enter(&sc->sc_mtx);
	sc->sc_exit = true;
	wakeup(ident);
	mtx_leave(&sc->sc_mtx);
	kthread_join(*td);
	*td = NULL;
}

/* No unit is left, and no command. */
static void
scsibus_teardown(struct scsibus_softc *sc)
{
	struct scsi_unit *su;

	scsibus_stop(sc, &sc->sc_thread, &sc->sc_nwork);
	while ((su = TAILQ_FIRST(&sc->sc_units)) != NULL)
		unit_remove(su, sc->sc_dev.dv_flags & DVF_GONE);
	sc->sc_adapter->sa_bus = NULL;
	scsibus_stop(sc, &sc->sc_rescuer, &sc->sc_recover);
	scsi_base_fini(sc);
}

int
scsibus_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct scsibus_softc *sc = (struct scsibus_softc *)self;
	struct scsi_adapter *sa = aux;
	int error;

	sc->sc_adapter = sa;
	scsi_base_init(sc);
	sa->sa_bus = sc;
	if ((error = kthread_create(scsi_rescue, sc, PRI_KERN, "scsilate",
	    &sc->sc_rescuer)) != 0)
		goto fail;
	device_describe(self, "%u commands a unit", sa->sa_perunit);
	scan(sc, 0, sa->sa_maxtarget);
	if ((error = kthread_create(scsibus_thread, sc, PRI_KERN, "scsibus",
	    &sc->sc_thread)) == 0)
		return (0);
fail:
	scsibus_teardown(sc);
	return (error);
}

/* A unit whose driver will not let go keeps the bus, unless it is forced. */
int
scsibus_detach(struct device *self, int flags __unused)
{
	scsibus_teardown((struct scsibus_softc *)self);
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * SCSI: commands on their way, and what comes back.
 *
 * A unit may say that something else has happened first (UNIT ATTENTION), or
 * that it cannot do it now: then the command goes again, at once or a little
 * later, but not for ever.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <scsi/scsivar.h>

#define MAX_ATTENTION	8
#define MAX_ABORTED	3
#define MAX_BUSY	20
#define BUSY_MSEC	20		/* at first; twice that each time, */
#define BUSY_MSEC_MAX	1000		/* up to this: 16 seconds in all */
#define LINE_NSEC	SEC_TO_NSEC(1)	/* between two lines of a unit */

/* --- what a command's end means ----------------------------------------- */

enum verdict { V_DONE, V_AGAIN, V_LATER };

/* The unit lets us know that it is not what it was. */
static void
attention(struct scsi_xfer *xs, uint16_t asc)
{
	struct scsi_unit *su = xs->xs_unit;
	struct scsi_adapter *sa = su->su_adapter;

	if (asc == ASC(0x28, 0x00))
		su->su_newmedium = true;
	/* who looks will see it, and must not be sent to look again */
	if (xs->xs_flags & XSF_LOOK)
		return;
	switch (asc) {
	case ASC(0x28, 0x00):		/* medium may have changed */
	case ASC(0x3a, 0x00):		/* there is none */
	case ASC(0x3a, 0x01):
	case ASC(0x3a, 0x02):
		scsibus_event(sa, SCSIBUS_CHANGED, su->su_target, su->su_lun,
		    asc);
		break;
	case ASC(0x2a, 0x01):		/* modes */
	case ASC(0x2a, 0x09):		/* capacity */
		scsibus_event(sa, SCSIBUS_CHANGED, su->su_target, su->su_lun,
		    asc);
		break;
	case ASC(0x3f, 0x0e):		/* reported LUNs */
		scsibus_event(sa, SCSIBUS_RESCAN, su->su_target, 0, 0);
		break;
	default:
		break;
	}
}

static int
illegal_errno(uint16_t asc)
{
	switch (ASC_CODE(asc)) {
	case 0x20:		/* command */
		return (EOPNOTSUPP);
	case 0x24:		/* field of it */
	case 0x26:		/* field of its parameters */
	case 0x1a:		/* length of these */
		return (EINVAL);
	case 0x25:		/* no such unit */
		return (ENXIO);
	default:
		return (EIO);
	}
}

static enum verdict
sense_verdict(struct scsi_xfer *xs)
{
	struct scsi_sense ss;

	xs->xs_error = EIO;
	if (!scsi_sense(xs->xs_sense, xs->xs_senselen, &ss))
		return (V_DONE);
	switch (ss.ss_key) {
	case KEY_NONE:
	case KEY_RECOVERED:
		xs->xs_error = 0;
		return (V_DONE);
	case KEY_ATTENTION:
		attention(xs, ss.ss_asc);
		if (ss.ss_asc == ASC(0x28, 0x00) &&
		    (xs->xs_flags & XSF_MEDIUM))
			return (V_DONE);
		return (xs->xs_nattention++ < MAX_ATTENTION ? V_AGAIN :
		    V_DONE);
	case KEY_NOT_READY:
		if (ASC_CODE(ss.ss_asc) == 0x3a) {
			xs->xs_error = ENOMEDIUM;
			attention(xs, ss.ss_asc);
		}
		/* it says that it will be soon */
		return (ss.ss_asc == ASC(0x04, 0x01) ? V_LATER : V_DONE);
	case KEY_ABORTED:
		return (xs->xs_naborted++ < MAX_ABORTED ? V_AGAIN : V_DONE);
	case KEY_ILLEGAL:
		xs->xs_error = illegal_errno(ss.ss_asc);
		return (V_DONE);
	case KEY_PROTECT:
		xs->xs_error = ss.ss_asc == ASC(0x27, 0x07) ? ENOSPC : EROFS;
		return (V_DONE);
	case KEY_OVERFLOW:
		xs->xs_error = ENOSPC;
		return (V_DONE);
	default:
		return (V_DONE);
	}
}

static enum verdict
status_verdict(struct scsi_xfer *xs)
{
	switch (xs->xs_status) {
	case SCSI_GOOD:
	case SCSI_CONDITION_MET:
		xs->xs_error = 0;
		return (V_DONE);
	case SCSI_CHECK_CONDITION:
		return (sense_verdict(xs));
	case SCSI_STATUS_BUSY:
	case SCSI_TASK_SET_FULL:
		xs->xs_error = EIO;
		return (V_LATER);
	case SCSI_TASK_ABORTED:
		xs->xs_error = EIO;
		return (xs->xs_naborted++ < MAX_ABORTED ? V_AGAIN : V_DONE);
	default:
		xs->xs_error = EIO;
		return (V_DONE);
	}
}

static enum verdict
verdict(struct scsi_xfer *xs)
{
	xs->xs_error = EIO;
	switch (xs->xs_result) {
	case SCSI_ANSWERED:
		return (status_verdict(xs));
	case SCSI_NOBODY:
		xs->xs_error = ENXIO;
		return (V_DONE);
	case SCSI_BUSY:
		return (V_LATER);
	case SCSI_ABORTED:
		/* others are not to suffer for the one that was late */
		return (xs->xs_naborted++ < MAX_ABORTED ? V_AGAIN : V_DONE);
	default:
		return (V_DONE);
	}
}

/* --- words -------------------------------------------------------------- */

static void
complain(const struct scsi_xfer *xs)
{
	const struct scsi_unit *su = xs->xs_unit;
	struct scsi_sense ss;
	char text[80];

	if (xs->xs_result == SCSI_ANSWERED &&
	    xs->xs_status == SCSI_CHECK_CONDITION && scsi_sense(xs->xs_sense,
	    xs->xs_senselen, &ss))
		scsi_sense_text(&ss, text, sizeof(text));
	else if (xs->xs_result == SCSI_ANSWERED)
		snprintf(text, sizeof(text), "status 0x%02x", xs->xs_status);
	else if (xs->xs_overdue)
		strlcpy(text, "no answer in time", sizeof(text));
	else
		strlcpy(text, xs->xs_result == SCSI_BUSY ? "busy" :
		    xs->xs_result == SCSI_ABORTED ? "aborted" :
		    "not delivered", sizeof(text));
	device_printf(su->su_dev, "%s: %s\n", scsi_opname(xs->xs_cdb[0]),
	    text);
}

/* Not more than a line a second, and none of what was to be expected. */
static bool
complaint(const struct scsi_xfer *xs)
{
	struct scsi_unit *su = xs->xs_unit;
	uint64_t now;

	if (xs->xs_error == 0 || xs->xs_error == ENXIO ||
	    xs->xs_error == ENOMEDIUM || (xs->xs_flags & XSF_QUIET) ||
	    su->su_dev == NULL)
		return (false);
	now = nsecuptime();
	if (su->su_lastline != 0 && now - su->su_lastline < LINE_NSEC)
		return (false);
	su->su_lastline = now;
	return (true);
}

/* --- sending ------------------------------------------------------------ */

static void
scsi_set_deadline(struct scsibus_softc *sc, struct scsi_xfer *xs)
{
	u_int secs = xs->xs_secs != 0 ? xs->xs_secs : sc->sc_adapter->sa_secs;

	xs->xs_deadline = nsecuptime() + SEC_TO_NSEC(secs);
	if (!timeout_pending(&sc->sc_late) ||
	    sc->sc_late.to_time > xs->xs_deadline)
		timeout_add_sec(&sc->sc_late, secs);
}

/* Ready to be sent, or queued because the unit takes no more now. */
static void
scsi_enqueue(struct scsibus_softc *sc, struct scsi_xfer *xs,
    struct scsi_xferlist *list)
{
	struct scsi_unit *su = xs->xs_unit;

	xs->xs_nattention = xs->xs_nbusy = xs->xs_naborted = 0;
	xs->xs_overdue = false;
	xs->xs_again = 0;
	xs->xs_waits = su->su_nsent >= sc->sc_adapter->sa_perunit;
	TAILQ_INSERT_TAIL(&su->su_busy, xs, xs_busy);
	if (xs->xs_waits) {
		TAILQ_INSERT_TAIL(&su->su_wait, xs, xs_link);
		xs->xs_deadline = UINT64_MAX;
	} else {
		su->su_nsent++;
		TAILQ_INSERT_TAIL(list, xs, xs_link);
		scsi_set_deadline(sc, xs);
	}
}

/* The next may go when one has come to its end. */
static struct scsi_xfer *
scsi_next(struct scsibus_softc *sc, struct scsi_unit *su)
{
	struct scsi_xfer *xs = TAILQ_FIRST(&su->su_wait);

	su->su_nsent--;
	if (xs == NULL)
		return (NULL);
	su->su_nsent++;
	TAILQ_REMOVE(&su->su_wait, xs, xs_link);
	xs->xs_waits = false;
	scsi_set_deadline(sc, xs);
	return (xs);
}

static void
scsi_move(struct scsi_xferlist *to, struct scsi_xferlist *from)
{
	struct scsi_xfer *xs;

	while ((xs = TAILQ_FIRST(from)) != NULL) {
		TAILQ_REMOVE(from, xs, xs_link);
		TAILQ_INSERT_TAIL(to, xs, xs_link);
	}
}

/*
 * An adapter that has failed ends a command at once, and with that lets the
 * next one go, which it ends at once: whoever gives it commands gives it those
 * of others too, so that the stack does not grow with what waits.
 */
static void
scsi_send(struct scsibus_softc *sc, struct scsi_xferlist *list)
{
	struct scsi_xferlist now;

	mtx_enter(&sc->sc_mtx);
	scsi_move(&sc->sc_ready, list);
	if (sc->sc_sending) {
		mtx_leave(&sc->sc_mtx);
		return;
	}
	sc->sc_sending = true;
	while (!TAILQ_EMPTY(&sc->sc_ready)) {
		TAILQ_INIT(&now);
		scsi_move(&now, &sc->sc_ready);
		mtx_leave(&sc->sc_mtx);
		sc->sc_adapter->sa_submit(sc->sc_adapter, &now);
		mtx_enter(&sc->sc_mtx);
	}
	sc->sc_sending = false;
	mtx_leave(&sc->sc_mtx);
}

static void
scsi_refuse(struct scsi_xferlist *list)
{
	struct scsi_xfer *xs;

	while ((xs = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, xs, xs_link);
		xs->xs_result = SCSI_NOBODY;
		scsi_done(xs);
	}
}

void
scsi_start(struct scsi_xferlist *list)
{
	struct scsi_xferlist send = TAILQ_HEAD_INITIALIZER(send);
	struct scsi_xferlist dead = TAILQ_HEAD_INITIALIZER(dead);
	struct scsi_xfer *xs = TAILQ_FIRST(list);
	struct scsibus_softc *sc;

	if (xs == NULL)
		return;
	sc = xs->xs_unit->su_bus;
	mtx_enter(&sc->sc_mtx);
	while ((xs = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, xs, xs_link);
		if (xs->xs_unit->su_gone)
			TAILQ_INSERT_TAIL(&dead, xs, xs_link);
		else
			scsi_enqueue(sc, xs, &send);
	}
	mtx_leave(&sc->sc_mtx);
	scsi_send(sc, &send);
	while ((xs = TAILQ_FIRST(&dead)) != NULL) {
		TAILQ_REMOVE(&dead, xs, xs_link);
		xs->xs_error = ENXIO;
		xs->xs_done(xs);
	}
}

/* The device will not answer those that it has not got. */
void
scsi_unit_gone(struct scsi_unit *su)
{
	struct scsi_xferlist list = TAILQ_HEAD_INITIALIZER(list);
	struct scsibus_softc *sc = su->su_bus;
	struct scsi_xfer *xs;

	mtx_enter(&sc->sc_mtx);
	su->su_gone = true;
	while ((xs = TAILQ_FIRST(&su->su_wait)) != NULL) {
		TAILQ_REMOVE(&su->su_wait, xs, xs_link);
		TAILQ_INSERT_TAIL(&list, xs, xs_link);
		xs->xs_waits = false;
		su->su_nsent++;
	}
	mtx_leave(&sc->sc_mtx);
	scsi_refuse(&list);
}

/* One by itself. */
static void
scsi_again(struct scsi_xfer *xs)
{
	struct scsi_xferlist list = TAILQ_HEAD_INITIALIZER(list);

	TAILQ_INSERT_TAIL(&list, xs, xs_link);
	scsi_send(xs->xs_unit->su_bus, &list);
}

/* With sc_mtx. */
static void
scsi_delay(struct scsibus_softc *sc, struct scsi_xfer *xs)
{
	u_int msec = MIN(BUSY_MSEC << MIN(xs->xs_nbusy, 10), BUSY_MSEC_MAX);

	xs->xs_again = nsecuptime() + MSEC_TO_NSEC(msec);
	TAILQ_INSERT_TAIL(&sc->sc_delayed, xs, xs_link);
	if (!timeout_pending(&sc->sc_again) ||
	    sc->sc_again.to_time > xs->xs_again)
		timeout_add_msec(&sc->sc_again, msec);
}

static void
scsi_retry(void *arg)
{
	struct scsi_xferlist list = TAILQ_HEAD_INITIALIZER(list);
	struct scsibus_softc *sc = arg;
	struct scsi_xfer *xs, *next;
	uint64_t now, first = UINT64_MAX;

	mtx_enter(&sc->sc_mtx);
	now = nsecuptime();
	TAILQ_FOREACH_SAFE(xs, &sc->sc_delayed, xs_link, next) {
		if (xs->xs_again <= now) {
			TAILQ_REMOVE(&sc->sc_delayed, xs, xs_link);
			xs->xs_again = 0;
			TAILQ_INSERT_TAIL(&list, xs, xs_link);
			scsi_set_deadline(sc, xs);
		} else
			first = MIN(first, xs->xs_again);
	}
	if (first != UINT64_MAX)
		timeout_add_nsec(&sc->sc_again, first - now);
	mtx_leave(&sc->sc_mtx);
	scsi_send(sc, &list);
}

/* --- the end ------------------------------------------------------------ */

/* It may go again if its driver allows and nobody has given it up. */
static bool
scsi_may_retry(const struct scsi_xfer *xs)
{
	return (!xs->xs_overdue && !(xs->xs_flags & XSF_ONCE) &&
	    !xs->xs_unit->su_gone);
}

void
scsi_done(struct scsi_xfer *xs)
{
	struct scsibus_softc *sc = xs->xs_unit->su_bus;
	enum verdict v = verdict(xs);
	struct scsi_xfer *next;
	bool say;

	mtx_enter(&sc->sc_mtx);
	if (sc->sc_taken == xs) {
		sc->sc_taken = NULL;
		wakeup(&sc->sc_taken);
	}
	if (v != V_DONE && !scsi_may_retry(xs))
		v = V_DONE;
	if (v == V_LATER && xs->xs_nbusy++ < MAX_BUSY) {
		scsi_delay(sc, xs);
		mtx_leave(&sc->sc_mtx);
		return;
	}
	if (v == V_AGAIN) {
		scsi_set_deadline(sc, xs);
		mtx_leave(&sc->sc_mtx);
		scsi_again(xs);
		return;
	}
	TAILQ_REMOVE(&xs->xs_unit->su_busy, xs, xs_busy);
	next = scsi_next(sc, xs->xs_unit);
	say = complaint(xs);
	mtx_leave(&sc->sc_mtx);
	if (say)
		complain(xs);
	xs->xs_done(xs);
	if (next != NULL)
		scsi_again(next);
}

/* --- waiting ------------------------------------------------------------ */

struct waiter {
	struct mutex	 w_mtx;
	bool		 w_done;
};

static void
scsi_exec_done(struct scsi_xfer *xs)
{
	struct waiter *w = xs->xs_arg;

	mtx_enter(&w->w_mtx);
	w->w_done = true;
	wakeup(w);
	mtx_leave(&w->w_mtx);
}

int
scsi_exec(struct scsi_unit *su, struct scsi_xfer *xs)
{
	struct scsi_xferlist list = TAILQ_HEAD_INITIALIZER(list);
	struct waiter w = { .w_done = false };

	mtx_init(&w.w_mtx, IPL_BIO);
	xs->xs_done = scsi_exec_done;
	xs->xs_arg = &w;
	xs->xs_unit = su;
	TAILQ_INSERT_TAIL(&list, xs, xs_link);
	scsi_start(&list);
	/* scsi_recover.c limits how long this can take */
	mtx_enter(&w.w_mtx);
	while (!w.w_done)
		(void)msleep_nsec(&w, &w.w_mtx, PRI_KERN, "scsi", INFSLP);
	mtx_leave(&w.w_mtx);
	return (xs->xs_error);
}

int
scsi_command(struct scsi_unit *su, const uint8_t *cdb, size_t cdblen,
    enum scsi_dir dir, void *buf, size_t len, int flags, size_t *done)
{
	struct iovec iov = { buf, len };
	struct scsi_xfer *xs;
	int error;

	KASSERT(cdblen <= SCSI_CDB_MAX);
	if ((xs = kmem_zalloc(sizeof(*xs), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	memcpy(xs->xs_cdb, cdb, cdblen);
	xs->xs_dir = dir;
	xs->xs_len = len;
	xs->xs_flags = flags;
	xs->xs_uio = (struct uio){ .uio_iov = &iov, .uio_iovcnt = 1,
	    .uio_resid = len, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = dir == SCSI_IN ? UIO_READ : UIO_WRITE };
	error = scsi_exec(su, xs);
	if (done != NULL)
		*done = error == 0 ? len - xs->xs_resid : 0;
	kmem_free(xs, sizeof(*xs));
	return (error);
}

int
scsi_vpd(struct scsi_unit *su, uint8_t page, uint8_t *buf, size_t size,
    size_t *lenp)
{
	uint8_t cdb[6] = { SCSI_INQUIRY, INQ_EVPD, page };
	size_t done;
	int error;

	KASSERT(size >= 4 && size <= UINT16_MAX);
	scsi_put16(&cdb[3], size);
	memset(buf, 0, size);
	if ((error = scsi_command(su, cdb, sizeof(cdb), SCSI_IN, buf, size,
	    XSF_QUIET | XSF_LOOK, &done)) != 0)
		return (error);
	if (done < 4 || buf[1] != page)
		return (ENOENT);
	*lenp = MIN(done, (size_t)scsi_get16(&buf[2]) + 4);
	return (0);
}

/* --- life --------------------------------------------------------------- */

void
scsi_base_init(struct scsibus_softc *sc)
{
	mtx_init(&sc->sc_mtx, IPL_BIO);
	TAILQ_INIT(&sc->sc_units);
	TAILQ_INIT(&sc->sc_ready);
	TAILQ_INIT(&sc->sc_delayed);
	timeout_set(&sc->sc_again, scsi_retry, sc);
	timeout_set(&sc->sc_late, scsi_late, sc);
}

void
scsi_base_fini(struct scsibus_softc *sc)
{
	timeout_del_barrier(&sc->sc_again);
	timeout_del_barrier(&sc->sc_late);
}

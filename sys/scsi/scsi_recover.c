/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * SCSI: commands that are not answered.
 *
 * A thread takes them back: the command by itself (ABORT TASK), all commands
 * of the unit (LOGICAL UNIT RESET), and if neither helps everything (a reset
 * of the adapter), after which nothing can be left.  Who has waited gets EIO;
 * commands that were lost on the way go again.
 */

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <scsi/scsivar.h>

#define GRACE_MSEC	500		/* for a command to come back */
#define RESET_SECS	30		/* for all of them, after a reset */

/* With sc_mtx: the first that is late; *next: when another will be. */
static struct scsi_xfer *
late_find(struct scsibus_softc *sc, uint64_t *next)
{
	uint64_t now = nsecuptime();
	struct scsi_unit *su;
	struct scsi_xfer *xs;

	*next = UINT64_MAX;
	TAILQ_FOREACH(su, &sc->sc_units, su_link) {
		TAILQ_FOREACH(xs, &su->su_busy, xs_busy) {
			if (xs->xs_deadline <= now)
				return (xs);
			*next = MIN(*next, xs->xs_deadline - now);
		}
	}
	return (NULL);
}

/* Commands that wait for their turn to go again are late too, in the end. */
void
scsi_late(void *arg)
{
	struct scsibus_softc *sc = arg;
	uint64_t next;

	mtx_enter(&sc->sc_mtx);
	if (late_find(sc, &next) != NULL) {
		sc->sc_recover = true;
		wakeup(&sc->sc_recover);
	} else if (next != UINT64_MAX)
		timeout_add_nsec(&sc->sc_late, next);
	mtx_leave(&sc->sc_mtx);
}

void
scsi_set_timeout(struct scsi_adapter *sa, u_int secs)
{
	struct scsibus_softc *sc = sa->sa_bus;
	struct scsi_unit *su;
	struct scsi_xfer *xs;
	uint64_t limit = nsecuptime() + SEC_TO_NSEC(secs);

	sa->sa_secs = secs;
	if (sc == NULL)
		return;
	mtx_enter(&sc->sc_mtx);
	TAILQ_FOREACH(su, &sc->sc_units, su_link) {
		TAILQ_FOREACH(xs, &su->su_busy, xs_busy) {
			if (xs->xs_secs == 0)
				xs->xs_deadline = limit;
		}
	}
	timeout_add_sec(&sc->sc_late, secs);
	mtx_leave(&sc->sc_mtx);
}

/* With sc_mtx; true: it has come back. */
static bool
late_wait(struct scsibus_softc *sc, u_int msec)
{
	uint64_t limit = nsecuptime() + MSEC_TO_NSEC(msec), now;

	while (sc->sc_taken != NULL && (now = nsecuptime()) < limit)
		(void)msleep_nsec(&sc->sc_taken, &sc->sc_mtx, PRI_KERN,
		    "scsilate", limit - now);
	return (sc->sc_taken == NULL);
}

/* With sc_mtx, which it gives up meanwhile. */
static const char *
late_take(struct scsibus_softc *sc, u_int target, u_int lun, uint64_t tag,
    bool abort)
{
	struct scsi_adapter *sa = sc->sc_adapter;

	if (abort) {
		mtx_leave(&sc->sc_mtx);
		(void)sa->sa_abort(sa, target, lun, tag);
		mtx_enter(&sc->sc_mtx);
		if (late_wait(sc, GRACE_MSEC))
			return ("aborted");
	}
	mtx_leave(&sc->sc_mtx);
	(void)sa->sa_reset_unit(sa, target, lun);
	mtx_enter(&sc->sc_mtx);
	if (late_wait(sc, GRACE_MSEC))
		return ("unit reset");
	mtx_leave(&sc->sc_mtx);
	sa->sa_reset(sa, "commands do not come back");
	mtx_enter(&sc->sc_mtx);
	(void)late_wait(sc, RESET_SECS * 1000);
	return ("adapter reset");
}

/* It waits to be sent again, and the device does not know of it. */
static void
late_drop(struct scsibus_softc *sc, struct scsi_xfer *xs)
{
	TAILQ_REMOVE(&sc->sc_delayed, xs, xs_link);
	xs->xs_again = 0;
	mtx_leave(&sc->sc_mtx);
	scsi_done(xs);
	mtx_enter(&sc->sc_mtx);
}

/* With sc_mtx.  Neither the command nor its unit need be there at the end. */
static void
late_rescue(struct scsibus_softc *sc, struct scsi_xfer *xs)
{
	const struct scsi_unit *su = xs->xs_unit;
	uint8_t op = xs->xs_cdb[0];
	const char *how;
	char name[16];
	bool abort;

	xs->xs_overdue = true;
	if (xs->xs_again != 0) {
		late_drop(sc, xs);
		return;
	}
	strlcpy(name, su->su_dev != NULL ? su->su_dev->dv_xname :
	    sc->sc_dev.dv_xname, sizeof(name));
	sc->sc_taken = xs;
	/* QEMU 10.0 stops for ever when it is to abort a command of its disks */
	abort = su->su_vendor[0] != '\0' &&
	    strcmp(su->su_vendor, "QEMU") != 0;
	how = late_take(sc, su->su_target, su->su_lun, xs->xs_tag, abort);
	sc->sc_taken = NULL;
	mtx_leave(&sc->sc_mtx);
	printf("%s: %s: no answer, %s\n", name, scsi_opname(op), how);
	mtx_enter(&sc->sc_mtx);
}

void
scsi_rescue(void *arg)
{
	struct scsibus_softc *sc = arg;
	struct scsi_xfer *xs;
	uint64_t next;

	mtx_enter(&sc->sc_mtx);
	while (!sc->sc_exit || sc->sc_recover) {
		if (!sc->sc_recover) {
			(void)msleep_nsec(&sc->sc_recover, &sc->sc_mtx,
			    PRI_KERN, "scsiidle", INFSLP);
			continue;
		}
		if ((xs = late_find(sc, &next)) != NULL) {
			late_rescue(sc, xs);
			continue;
		}
		sc->sc_recover = false;
		if (next != UINT64_MAX)
			timeout_add_nsec(&sc->sc_late, next);
	}
	mtx_leave(&sc->sc_mtx);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio(4): what happens to a device by itself, or because somebody asked:
 * changes of its configuration, failure and recovery, control.  All of it in
 * one task of systq, so one thing at a time.
 *
 * A device that fails is reset, its requests are taken back, and it is set up
 * again as it was.  The first time that is done at once, then after a while,
 * longer each time; one that fails too often is left alone.
 */

#include <sys/errno.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <dev/pv/virtio_priv.h>

#define WORK_CONFIG		0x01
#define WORK_FAILURE		0x02
#define WORK_RESTART		0x04
#define WORK_CONTROL		0x08

#define RESTART_MAX		5	/* so often, unless there were */
#define RESTART_FORGET_SECS	60	/* so many seconds without */
#define RESTART_MSEC		100	/* delay of the second; doubles */
#define CONTROL_SECS		30

/* --- what is to be done -------------------------------------------------- */

/* Any context, also with the mutex of a queue. */
static void
virtio_work(struct virtio_softc *sc, u_int what)
{
	mtx_enter(&sc->sc_mtx);
	if (!sc->sc_taskoff) {
		sc->sc_work |= what;
		(void)task_add(systq, &sc->sc_task);
	}
	mtx_leave(&sc->sc_mtx);
}

void
virtio_changed(struct virtio_softc *sc)
{
	virtio_work(sc, WORK_CONFIG);
}

void
virtio_on_config(struct virtio_softc *sc, void (*fn)(void *), void *arg)
{
	sc->sc_config_arg = arg;
	sc->sc_config_fn = fn;
}

void
virtio_on_failure(struct virtio_softc *sc,
    void (*fn)(void *, enum virtio_event), void *arg)
{
	sc->sc_failure_arg = arg;
	sc->sc_failure_fn = fn;
}

static void
virtio_tell(struct virtio_softc *sc, enum virtio_event ev)
{
	if (sc->sc_failure_fn != NULL)
		sc->sc_failure_fn(sc->sc_failure_arg, ev);
}

/*
 * The message waits for the task, since the caller may hold what the console
 * needs.
 */
void
virtio_fail(struct virtio_softc *sc, const char *fmt, ...)
{
	char why[sizeof(sc->sc_why)];
	bool first = false;
	va_list ap;
	u_int i;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	mtx_enter(&sc->sc_mtx);
	switch (sc->sc_state) {
	case VS_QUEUES:
	case VS_RUNNING:
	case VS_SUSPENDED:
		first = true;
		strlcpy(sc->sc_why, why, sizeof(sc->sc_why));
		sc->sc_state = VS_BROKEN;
		for (i = 0; i < sc->sc_nvq; i++)
			__atomic_store_n(&sc->sc_vq[i].vq_stopped, true,
			    __ATOMIC_RELAXED);
		break;
	default:
		break;
	}
	mtx_leave(&sc->sc_mtx);
	if (first)
		virtio_work(sc, WORK_FAILURE);
}

/* --- configuration ------------------------------------------------------- */

static void
virtio_task_config(struct virtio_softc *sc)
{
	if (sc->sc_state != VS_RUNNING)
		return;
	if (!sc->sc_legacy &&
	    (virtio_get_status(sc) & VIRTIO_STATUS_NEEDS_RESET)) {
		virtio_fail(sc, "device needs a reset");
		return;
	}
	if (sc->sc_vt->vt_config_gen != NULL && !virtio_gone(sc))
		sc->sc_gen = sc->sc_vt->vt_config_gen(sc);
	if (sc->sc_config_fn != NULL)
		sc->sc_config_fn(sc->sc_config_arg);
}

/* --- failure and recovery ------------------------------------------------ */

/* It stays as it is now, halted; 2.1: the device is told so. */
static void
virtio_abandon(struct virtio_softc *sc)
{
	printf("%s: %s; not used any more\n", sc->sc_childname, sc->sc_why);
	virtio_set_status(sc, VIRTIO_STATUS_FAILED);
	virtio_tell(sc, VIRTIO_DEAD);
}

/* What is long ago does not count. */
static void
virtio_forget(struct virtio_softc *sc)
{
	uint64_t now = nsecuptime();

	if (now - sc->sc_lastfail > SEC_TO_NSEC(RESTART_FORGET_SECS))
		sc->sc_nfail = 0;
	sc->sc_lastfail = now;
}

/*
 * Halted, with all requests taken back: restart it now (true), later, or not
 * at all.  While its driver attaches, that is not over yet.
 */
static bool
virtio_may_restart(struct virtio_softc *sc)
{
	if (sc->sc_child != NULL)
		return (false);
	if (virtio_gone(sc) || sc->sc_nfail++ >= RESTART_MAX) {
		virtio_abandon(sc);
		return (false);
	}
	if (sc->sc_nfail == 1)
		return (true);
	timeout_add_msec(&sc->sc_retry, RESTART_MSEC << (sc->sc_nfail - 2));
	return (false);
}

static void
virtio_retry(void *arg)
{
	virtio_work(arg, WORK_RESTART);
}

/* It works again, and its configuration may be another one. */
static void
virtio_restarted(struct virtio_softc *sc)
{
	sc->sc_nrestart++;
	virtio_tell(sc, VIRTIO_RESUMED);
	if (sc->sc_config_fn != NULL)
		sc->sc_config_fn(sc->sc_config_arg);
}

static void
virtio_task_restart(struct virtio_softc *sc)
{
	while (virtio_rerun(sc) != 0) {
		if (!virtio_may_restart(sc))
			return;
	}
	virtio_restarted(sc);
}

static void
virtio_task_failure(struct virtio_softc *sc)
{
	virtio_halt(sc);
	virtio_tell(sc, VIRTIO_STOPPED);
	virtio_forget(sc);
	if (sc->sc_nfail < RESTART_MAX)
		printf("%s: %s; reset\n", sc->sc_childname, sc->sc_why);
	if (virtio_may_restart(sc))
		virtio_task_restart(sc);
}

void
virtio_attached(struct virtio_softc *sc)
{
	sc->sc_child = NULL;	/* only of use while it attaches */
	if (sc->sc_state == VS_STOPPED)
		virtio_work(sc, WORK_RESTART);
}

/* --- control ------------------------------------------------------------- */

static struct virtqueue *
virtio_queue_named(struct virtio_softc *sc, const char *name)
{
	u_int i;

	for (i = 0; i < sc->sc_nvq; i++) {
		if (strcmp(sc->sc_vq[i].vq_name, name) == 0)
			return (&sc->sc_vq[i]);
	}
	return (NULL);
}

static int
virtio_control_queue(struct virtio_softc *sc, const char *name)
{
	struct virtqueue *vq;
	int error;

	if ((vq = virtio_queue_named(sc, name)) == NULL)
		return (ENOENT);
	if ((error = virtio_queue_off(sc, vq)) != 0)
		return (error);
	virtio_tell(sc, VIRTIO_STOPPED);
	if ((error = virtio_queue_renew(sc, vq)) == 0)
		virtio_tell(sc, VIRTIO_RESUMED);
	return (error);
}

static int
virtio_control_reset(struct virtio_softc *sc)
{
	int error;

	if (sc->sc_state != VS_RUNNING && sc->sc_state != VS_SUSPENDED &&
	    sc->sc_state != VS_STOPPED)
		return (EBUSY);
	virtio_halt(sc);
	virtio_tell(sc, VIRTIO_STOPPED);
	if ((error = virtio_rerun(sc)) == 0)
		virtio_restarted(sc);
	else {
		virtio_forget(sc);
		if (virtio_may_restart(sc))
			virtio_task_restart(sc);
	}
	return (error);
}

static void
virtio_task_control(struct virtio_softc *sc)
{
	const char *what = sc->sc_control;
	int error;

	if (strcmp(what, "reset") == 0)
		error = virtio_control_reset(sc);
	else if (strncmp(what, "reset ", 6) == 0)
		error = virtio_control_queue(sc, what + 6);
	else if (strcmp(what, "suspend") == 0)
		error = virtio_suspend(sc);
	else if (strcmp(what, "resume") == 0) {
		if ((error = virtio_resume(sc)) == 0)
			virtio_tell(sc, VIRTIO_RESUMED);
	} else
		error = EINVAL;
	mtx_enter(&sc->sc_mtx);
	sc->sc_control[0] = '\0';
	sc->sc_control_error = error;
	wakeup(sc->sc_control);
	mtx_leave(&sc->sc_mtx);
}

int
virtio_control(struct virtio_softc *sc, const char *what)
{
	uint64_t limit = nsecuptime() + SEC_TO_NSEC(CONTROL_SECS);
	int error = 0;

	mtx_enter(&sc->sc_mtx);
	if (sc->sc_taskoff || sc->sc_child != NULL)
		error = ENXIO;
	else if (sc->sc_control[0] != '\0')
		error = EBUSY;
	else if (what[0] == '\0' || strlcpy(sc->sc_control, what,
	    sizeof(sc->sc_control)) >= sizeof(sc->sc_control)) {
		sc->sc_control[0] = '\0';
		error = EINVAL;
	}
	mtx_leave(&sc->sc_mtx);
	if (error != 0)
		return (error);
	virtio_work(sc, WORK_CONTROL);
	mtx_enter(&sc->sc_mtx);
	while (sc->sc_control[0] != '\0' && nsecuptime() < limit)
		(void)msleep_nsec(sc->sc_control, &sc->sc_mtx, PRI_KERN,
		    "vctl", SEC_TO_NSEC(1));
	error = sc->sc_control[0] != '\0' ? ETIMEDOUT : sc->sc_control_error;
	mtx_leave(&sc->sc_mtx);
	return (error);
}

/* --- the task ------------------------------------------------------------ */

/* In a thread of systq. */
static void
virtio_task(void *arg)
{
	struct virtio_softc *sc = arg;
	u_int work;

	mtx_enter(&sc->sc_mtx);
	if (sc->sc_taskoff) {
		mtx_leave(&sc->sc_mtx);
		return;
	}
	work = sc->sc_work;
	sc->sc_work = 0;
	sc->sc_taskrun = curthread;
	mtx_leave(&sc->sc_mtx);
	if (work & WORK_CONFIG)
		virtio_task_config(sc);
	if (work & WORK_FAILURE)
		virtio_task_failure(sc);
	else if ((work & WORK_RESTART) && sc->sc_state == VS_STOPPED)
		virtio_task_restart(sc);
	if (work & WORK_CONTROL)
		virtio_task_control(sc);
	mtx_enter(&sc->sc_mtx);
	sc->sc_taskrun = NULL;
	wakeup(&sc->sc_taskrun);
	mtx_leave(&sc->sc_mtx);
}

void
virtio_task_init(struct virtio_softc *sc)
{
	task_set(&sc->sc_task, virtio_task, sc);
	timeout_set(&sc->sc_retry, virtio_retry, sc);
	sc->sc_taskoff = true;
}

/* The task does not run after this, unless it is the task that asks. */
void
virtio_task_stop(struct virtio_softc *sc)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_taskoff = true;
	mtx_leave(&sc->sc_mtx);
	(void)task_del(systq, &sc->sc_task);
	mtx_enter(&sc->sc_mtx);
	sc->sc_work = 0;
	while (sc->sc_taskrun != NULL && sc->sc_taskrun != curthread)
		(void)msleep_nsec(&sc->sc_taskrun, &sc->sc_mtx, PRI_KERN,
		    "vtask", INFSLP);
	if (sc->sc_control[0] != '\0' && sc->sc_taskrun == NULL) {
		sc->sc_control[0] = '\0';
		sc->sc_control_error = ENXIO;
		wakeup(sc->sc_control);
	}
	mtx_leave(&sc->sc_mtx);
	/* what the task did last may have been to wait */
	(void)timeout_del_barrier(&sc->sc_retry);
}

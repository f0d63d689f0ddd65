/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viogpu(4): what was drawn goes to the device.  5.7.6.2: the rectangle is
 * transferred and flushed, by commands that nobody waits for.
 *
 * While commands of a scanout are on their way its damage is gathered, in a
 * few rectangles; when all of them are back it is sent.  So the device sets
 * the pace, there is one interrupt a picture, and nothing at all happens
 * while nothing is drawn.
 */

#include <sys/errno.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <dev/pv/viogpuvar.h>

/* pixels that may be sent in vain to save a pair of commands */
#define CHEAP		4096
#define ROOM		6	/* descriptors: a pair, and one to wait for */
#define POLL_USEC	20
#define POLL_LIMIT	1000000

/* --- rectangles --------------------------------------------------------- */

static struct fb_rect
rect_around(const struct fb_rect *a, const struct fb_rect *b)
{
	struct fb_rect r;

	r.fr_x = MIN(a->fr_x, b->fr_x);
	r.fr_y = MIN(a->fr_y, b->fr_y);
	r.fr_w = MAX(a->fr_x + a->fr_w, b->fr_x + b->fr_w) - r.fr_x;
	r.fr_h = MAX(a->fr_y + a->fr_h, b->fr_y + b->fr_h) - r.fr_y;
	return (r);
}

/* at most 2^28 */
static int
rect_area(const struct fb_rect *r)
{
	return (r->fr_w * r->fr_h);
}

/* How many pixels more one around both has. */
static int
rect_waste(const struct fb_rect *a, const struct fb_rect *b)
{
	struct fb_rect r = rect_around(a, b);

	return (rect_area(&r) - rect_area(a) - rect_area(b));
}

/* The part of it that is on the screen; false: none. */
static bool
rect_cut(struct fb_rect *r, u_int w, u_int h)
{
	if (r->fr_x >= w || r->fr_y >= h || r->fr_w == 0 || r->fr_h == 0)
		return (false);
	r->fr_w = MIN(r->fr_w, w - r->fr_x);
	r->fr_h = MIN(r->fr_h, h - r->fr_y);
	return (true);
}

/* Join it with the one where that costs least, if it is cheap or must be. */
static void
rect_add(struct viogpu_scanout *so, struct fb_rect r)
{
	u_int i, best;
	int waste, least;

	for (;;) {
		for (i = best = 0, least = 0; i < so->so_nrects; i++) {
			waste = rect_waste(&so->so_rect[i], &r);
			if (i == 0 || waste < least) {
				least = waste;
				best = i;
			}
		}
		if (so->so_nrects == 0 ||
		    (least > CHEAP && so->so_nrects < VIOGPU_NRECTS))
			break;
		/* what it has become may join another one */
		r = rect_around(&so->so_rect[best], &r);
		so->so_rect[best] = so->so_rect[--so->so_nrects];
	}
	so->so_rect[so->so_nrects++] = r;
}

/* --- commands ----------------------------------------------------------- */

static void *
viogpu_cmd_get(struct viogpu_softc *sc, struct viogpu_scanout *so,
    uint32_t type, bool fence, struct viogpu_cmd **vcp)
{
	struct viogpu_cmd *vc = sc->sc_free;
	void *req = (char *)sc->sc_cmdmem.dmm_kva + vc->vc_off;

	KASSERT(sc->sc_nfree != 0);
	sc->sc_free = vc->vc_next;
	sc->sc_nfree--;
	vc->vc_so = so;
	vc->vc_type = type;
	memset(req, 0, VIOGPU_CMDSIZE);
	viogpu_header(sc, req, type, fence);
	*vcp = vc;
	return (req);
}

static void
viogpu_cmd_put(struct viogpu_softc *sc, struct viogpu_cmd *vc)
{
	vc->vc_next = sc->sc_free;
	sc->sc_free = vc;
	sc->sc_nfree++;
}

static bool
viogpu_cmd_send(struct viogpu_softc *sc, struct viogpu_cmd *vc, size_t len)
{
	VQ_SG_DECL(sg, 2, virtio_dmat(sc->sc_vsc));

	if (vq_sg_out_mem(&sg, &sc->sc_cmdmem, vc->vc_off, len) != 0 ||
	    vq_sg_in_mem(&sg, &sc->sc_cmdmem, vc->vc_off + VIOGPU_ANSWER,
	    VIOGPU_CMDSIZE - VIOGPU_ANSWER) != 0 ||
	    vq_enqueue(sc->sc_ctlq, vc, &sg) != 0) {
		viogpu_cmd_put(sc, vc);
		return (false);
	}
	if (sc->sc_busy++ == 0) {
		sc->sc_alive = nsecuptime();
		if (!sc->sc_polling && !timeout_pending(&sc->sc_watch))
			timeout_add_msec(&sc->sc_watch, VIOGPU_MSEC);
	}
	vc->vc_so->so_inflight++;
	return (true);
}

static bool
viogpu_transfer(struct viogpu_scanout *so, const struct fb_rect *r)
{
	struct viogpu_softc *sc = so->so_sc;
	const struct viogpu_buf *vb = so->so_buf;
	struct virtio_gpu_transfer_to_host_2d *tr;
	struct viogpu_cmd *vc;

	tr = viogpu_cmd_get(sc, so, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, false,
	    &vc);
	viogpu_setrect(&tr->tr_r, r);
	le64_store(&tr->tr_offset,
	    ((uint64_t)r->fr_y * vb->vb_width + r->fr_x) * 4);
	le32_store(&tr->tr_resource_id, vb->vb_id);
	return (viogpu_cmd_send(sc, vc, sizeof(*tr)));
}

static bool
viogpu_flush(struct viogpu_scanout *so, const struct fb_rect *r, bool fence)
{
	struct viogpu_softc *sc = so->so_sc;
	struct virtio_gpu_resource_flush *rf;
	struct viogpu_cmd *vc;

	rf = viogpu_cmd_get(sc, so, VIRTIO_GPU_CMD_RESOURCE_FLUSH, fence,
	    &vc);
	viogpu_setrect(&rf->rf_r, r);
	le32_store(&rf->rf_resource_id, so->so_buf->vb_id);
	return (viogpu_cmd_send(sc, vc, sizeof(*rf)));
}

static bool
viogpu_room(struct viogpu_softc *sc)
{
	return (sc->sc_nfree >= 2 &&
	    (vq_nfree(sc->sc_ctlq) >= ROOM || sc->sc_busy == 0));
}

/* The last flush is fenced: when it is back the picture is there. */
static bool
viogpu_submit_half(struct viogpu_scanout *so)
{
	if (so->so_half)
		so->so_half = !viogpu_flush(so, &so->so_halfrect,
		    so->so_nrects == 0);
	return (!so->so_half);
}

/*
 * Send what is damaged, as far as there is room: a small queue may have some
 * for the transfer only, and then the flush is sent when that is back.
 */
static void
viogpu_submit(struct viogpu_scanout *so)
{
	struct viogpu_softc *sc = so->so_sc;
	const struct viogpu_buf *vb = so->so_buf;
	struct fb_rect r;

	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	if (sc->sc_nfree == 0 || !viogpu_submit_half(so))
		return;
	while (so->so_nrects > 0 && viogpu_room(sc)) {
		r = so->so_rect[so->so_nrects - 1];
		bus_dmamap_sync(virtio_dmat(sc->sc_vsc), vb->vb_map,
		    (bus_size_t)r.fr_y * vb->vb_width * 4,
		    (bus_size_t)r.fr_h * vb->vb_width * 4,
		    BUS_DMASYNC_PREWRITE);
		if (!vb->vb_blob && !viogpu_transfer(so, &r))
			break;
		so->so_nrects--;
		so->so_half = true;
		so->so_halfrect = r;
		if (!viogpu_submit_half(so))
			break;
	}
}

/* --- and back ----------------------------------------------------------- */

static void
viogpu_reap(struct viogpu_softc *sc)
{
	struct virtio_gpu_ctrl_hdr *gh;
	struct viogpu_cmd *vc;
	const char *text;
	uint32_t len;

	while ((vc = vq_dequeue(sc->sc_ctlq, &len)) != NULL) {
		gh = (void *)((char *)sc->sc_cmdmem.dmm_kva + vc->vc_off +
		    VIOGPU_ANSWER);
		text = "short answer";
		if ((len < sizeof(*gh) ||
		    viogpu_error(le32_load(&gh->gh_type), &text) != 0) &&
		    !vc->vc_so->so_refused) {
			vc->vc_so->so_refused = true;
			device_printf(&sc->sc_dev, "screen %u: %s: %s\n",
			    vc->vc_so->so_id, viogpu_name(vc->vc_type), text);
		}
		vc->vc_so->so_inflight--;
		sc->sc_busy--;
		sc->sc_alive = nsecuptime();
		viogpu_cmd_put(sc, vc);
	}
}

/*
 * Take back what is done and send what waits.  Returns a bit for each scanout
 * that has nothing left to show.  The device is asked to interrupt when the
 * last command of all is done.
 */
static u_int
viogpu_run(struct viogpu_softc *sc)
{
	struct viogpu_scanout *so;
	u_int busy = 0, idle = 0, i;

	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	for (i = 0; i < sc->sc_nso; i++)
		busy |= (sc->sc_so[i].so_inflight != 0) << i;
	do {
		viogpu_reap(sc);
		for (i = 0; i < sc->sc_nso; i++) {
			so = &sc->sc_so[i];
			if (so->so_live && so->so_inflight == 0)
				viogpu_submit(so);
		}
		vq_notify(sc->sc_ctlq);
	} while (vq_intr_enable(sc->sc_ctlq, MAX(sc->sc_busy, 1) - 1));
	for (i = 0; i < sc->sc_nso; i++) {
		if (sc->sc_so[i].so_inflight == 0)
			idle |= 1U << i;
	}
	idle &= busy;
	if (busy != 0)
		wakeup(&sc->sc_busy);
	return (idle);
}

/* Tell who draws, without the mutex. */
static void
viogpu_tell(struct viogpu_softc *sc, u_int idle)
{
	struct viogpu_scanout *so;
	u_int i;

	for (i = 0; idle != 0; i++, idle >>= 1) {
		if (!(idle & 1))
			continue;
		so = &sc->sc_so[i];
		fb_tell_idle(&so->so_fb);
		if (so->so_fbdev != NULL)
			fbdev_idle(so->so_fbdev);
	}
}

void
viogpu_intr(void *arg)
{
	struct viogpu_softc *sc = arg;
	u_int idle;

	mtx_enter(&sc->sc_mtx);
	idle = viogpu_run(sc);
	mtx_leave(&sc->sc_mtx);
	viogpu_tell(sc, idle);
}

/* Nothing has come back for so long, while something was on its way. */
void
viogpu_watch(void *arg)
{
	struct viogpu_softc *sc = arg;
	uint64_t waited;

	mtx_enter(&sc->sc_mtx);
	waited = nsecuptime() - sc->sc_alive;
	if (sc->sc_busy != 0 && waited < MSEC_TO_NSEC(VIOGPU_MSEC))
		timeout_add_nsec(&sc->sc_watch,
		    MSEC_TO_NSEC(VIOGPU_MSEC) - waited);
	else if (sc->sc_busy != 0)
		virtio_fail(sc->sc_vsc, "%u commands without an answer for "
		    "%u ms", sc->sc_busy, VIOGPU_MSEC);
	mtx_leave(&sc->sc_mtx);
}

/* --- who draws ---------------------------------------------------------- */

static struct fb_rect
viogpu_all(const struct viogpu_scanout *so)
{
	return ((struct fb_rect){ 0, 0, so->so_buf->vb_width,
	    so->so_buf->vb_height });
}

void
viogpu_damage(struct fb *fb, const struct fb_rect *rp)
{
	struct viogpu_scanout *so = fb->fb_arg;
	struct viogpu_softc *sc = so->so_sc;
	struct fb_rect r = *rp;

	mtx_enter(&sc->sc_mtx);
	if (so->so_live && rect_cut(&r, so->so_buf->vb_width,
	    so->so_buf->vb_height)) {
		rect_add(so, r);
		if (so->so_inflight == 0) {
			viogpu_submit(so);
			vq_notify(sc->sc_ctlq);
			/* the caller may hold what the client would take */
			if (vq_intr_enable(sc->sc_ctlq,
			    MAX(sc->sc_busy, 1) - 1))
				timeout_add_nsec(&sc->sc_soft, 0);
		}
	}
	mtx_leave(&sc->sc_mtx);
}

static bool
viogpu_isidle(const struct viogpu_scanout *so)
{
	return (so->so_inflight == 0 && so->so_nrects == 0 && !so->so_half);
}

bool
viogpu_idle(struct fb *fb)
{
	struct viogpu_scanout *so = fb->fb_arg;
	struct viogpu_softc *sc = so->so_sc;
	bool idle;

	mtx_enter(&sc->sc_mtx);
	idle = !so->so_live || viogpu_isidle(so);
	mtx_leave(&sc->sc_mtx);
	return (idle);
}

/* If the panic came from within, or another CPU is, the screen stays. */
void
viogpu_poll(struct fb *fb)
{
	struct viogpu_scanout *so = fb->fb_arg;
	struct viogpu_softc *sc = so->so_sc;
	u_int usec;

	if (!mtx_enter_try(&sc->sc_mtx))
		return;
	sc->sc_polling = true;
	if (so->so_live)
		rect_add(so, viogpu_all(so));
	for (usec = 0; usec < POLL_LIMIT && so->so_live &&
	    vq_ready(sc->sc_ctlq) && !viogpu_isidle(so); usec += POLL_USEC) {
		viogpu_reap(sc);
		if (so->so_inflight == 0) {
			viogpu_submit(so);
			vq_notify(sc->sc_ctlq);
		}
		delay(POLL_USEC);
	}
	sc->sc_polling = false;
	mtx_leave(&sc->sc_mtx);
}

/* --- life --------------------------------------------------------------- */

int
viogpu_draw_init(struct viogpu_softc *sc)
{
	u_int i;

	timeout_set(&sc->sc_watch, viogpu_watch, sc);
	timeout_set(&sc->sc_soft, viogpu_intr, sc);
	for (i = 0; i < VIOGPU_NCMDS; i++) {
		sc->sc_cmd[i].vc_off = i * VIOGPU_CMDSIZE;
		viogpu_cmd_put(sc, &sc->sc_cmd[i]);
	}
	return (dmamem_alloc(&sc->sc_cmdmem, virtio_dmat(sc->sc_vsc),
	    VIOGPU_NCMDS * VIOGPU_CMDSIZE, 0, BUS_DMA_NOWAIT));
}

void
viogpu_live(struct viogpu_scanout *so)
{
	struct fb_rect r = viogpu_all(so);

	mtx_enter(&so->so_sc->sc_mtx);
	so->so_live = true;
	so->so_refused = false;
	mtx_leave(&so->so_sc->sc_mtx);
	viogpu_damage(&so->so_fb, &r);
}

static void
viogpu_forget(struct viogpu_scanout *so)
{
	so->so_live = so->so_half = false;
	so->so_nrects = 0;
}

/*
 * Commands come back, or the device fails.  It is not waited for until they
 * are taken back: that is done by the thread that may be here.
 */
void
viogpu_quiet(struct viogpu_scanout *so)
{
	struct viogpu_softc *sc = so->so_sc;

	mtx_enter(&sc->sc_mtx);
	viogpu_forget(so);
	while (so->so_inflight != 0 && vq_ready(sc->sc_ctlq))
		(void)msleep_nsec(&sc->sc_busy, &sc->sc_mtx, PRI_KERN,
		    "gpuquiet", SEC_TO_NSEC(1));
	mtx_leave(&sc->sc_mtx);
}

void
viogpu_draw_void(struct viogpu_softc *sc)
{
	struct viogpu_cmd *vc;
	u_int i, idle = 0;

	mtx_enter(&sc->sc_mtx);
	while (sc->sc_ctlq != NULL && (vc = vq_drain(sc->sc_ctlq)) != NULL) {
		vc->vc_so->so_inflight--;
		sc->sc_busy--;
		viogpu_cmd_put(sc, vc);
	}
	for (i = 0; i < sc->sc_nso; i++) {
		viogpu_forget(&sc->sc_so[i]);
		idle |= 1U << i;
	}
	wakeup(&sc->sc_busy);
	mtx_leave(&sc->sc_mtx);
	viogpu_tell(sc, idle);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viogpu(4): virtio GPU, in two dimensions.  VIRTIO 1.4, 5.7 GPU Device.
 *
 * Each scanout of the device is a frame buffer (fb.h) with a mode: the one
 * that its display wants to have, unless a user chose another.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <dev/pv/viogpuvar.h>

#define FALLBACK_W	1024		/* 5.7.5: if no display is connected */
#define FALLBACK_H	768

int	viogpu_attach(struct device *, struct device *, void *);
int	viogpu_detach(struct device *, int);

VIRTIO_ATTACH_DECL(viogpu, viogpu_softc, VIRTIO_ID_GPU, "GPU");

static void	viogpu_config(void *);
static void	viogpu_event(void *, enum virtio_event);
static void	viogpu_teardown(struct viogpu_softc *);
static int	viogpu_blank(struct fb *, bool);

static const struct virtio_feature viogpu_features[] = {
	{ VIRTIO_GPU_F_VIRGL, 0, VFF_UNUSED, "VIRGL" },
	{ VIRTIO_GPU_F_EDID, 0, 0, "EDID" },
	{ VIRTIO_GPU_F_RESOURCE_UUID, 0, VFF_UNUSED, "RESOURCE_UUID" },
	{ VIRTIO_GPU_F_RESOURCE_BLOB, 0, 0, "RESOURCE_BLOB" },
	{ VIRTIO_GPU_F_CONTEXT_INIT, VIRTIO_GPU_F_VIRGL, VFF_UNUSED,
	    "CONTEXT_INIT" },
	{ VIRTIO_GPU_F_BLOB_ALIGNMENT, VIRTIO_GPU_F_RESOURCE_BLOB, 0,
	    "BLOB_ALIGNMENT" },
};

static const struct virtio_field viogpu_fields[] = {
	VIRTIO_FIELD(virtio_gpu_config, events_read, 0),
	VIRTIO_FIELD(virtio_gpu_config, num_scanouts, 0),
	VIRTIO_FIELD(virtio_gpu_config, blob_alignment,
	    VIRTIO_GPU_F_BLOB_ALIGNMENT),
};
static const struct virtio_field viogpu_clear[] = {
	VIRTIO_FIELD(virtio_gpu_config, events_clear, 0),
};

static const struct fb_ops viogpu_ops = {
	.fo_damage = viogpu_damage,
	.fo_idle = viogpu_idle,
	.fo_poll = viogpu_poll,
	.fo_mode = viogpu_mode,
	.fo_blank = viogpu_blank,
	.fo_cursor = viogpu_cursor,
};

/* --- modes -------------------------------------------------------------- */

/* With sc_lock: a device that cannot show a blob gets a copy instead. */
static int
viogpu_show_buf(struct viogpu_scanout *so, struct viogpu_buf *vb)
{
	struct viogpu_softc *sc = so->so_sc;
	int error;

	error = viogpu_buf_show(sc, so->so_id, vb);
	if (error == 0 || vb == NULL || !vb->vb_blob || sc->sc_lost ||
	    sc->sc_dead)
		return (error);
	if (vb == so->so_buf)
		viogpu_quiet(so);
	sc->sc_blob = false;
	if (!viogpu_buf_gone(sc, vb))
		return (EIO);
	if ((error = viogpu_buf_make(sc, vb)) != 0)
		return (error);
	return (viogpu_buf_show(sc, so->so_id, vb));
}

static bool
viogpu_shown(const struct viogpu_scanout *so)
{
	return (so->so_wantw != 0 && !so->so_blank);
}

/* With sc_lock: show what is there, or nothing. */
static int
viogpu_show(struct viogpu_scanout *so)
{
	bool shown = viogpu_shown(so);
	int error;

	if (!shown)
		viogpu_quiet(so);
	error = viogpu_show_buf(so, shown ? so->so_buf : NULL);
	if (error == 0 && shown)
		viogpu_live(so);
	return (error);
}

/* With sc_lock and fb_lock: from now on it is drawn there. */
static void
viogpu_publish(struct viogpu_scanout *so, struct viogpu_buf *vb)
{
	struct fb *fb = &so->so_fb;

	so->so_buf = vb;
	fb->fb_pixels = vb->vb_pixels;
	fb->fb_width = vb->vb_width;
	fb->fb_height = vb->vb_height;
	fb->fb_stride = vb->vb_width * 4;
}

/*
 * With sc_lock: a buffer of that size in place of the one there is, which
 * stays if the device does not want to show the new one.
 */
static int
viogpu_resize(struct viogpu_scanout *so, u_int w, u_int h)
{
	struct viogpu_softc *sc = so->so_sc;
	struct viogpu_buf *vb, *old = so->so_buf;
	int error;

	if ((error = viogpu_buf_create(sc, w, h,
	    VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, &vb)) != 0)
		return (error);
	error = viogpu_buf_make(sc, vb);
	if (error == 0 && viogpu_shown(so) &&
	    (error = viogpu_show_buf(so, vb)) != 0 && old != NULL)
		(void)viogpu_show(so);
	if (error != 0) {
		viogpu_buf_free(sc, vb);
		return (error);
	}
	rw_enter_write(&so->so_fb.fb_lock);
	viogpu_quiet(so);
	viogpu_publish(so, vb);
	rw_exit(&so->so_fb.fb_lock);
	if (viogpu_shown(so))
		viogpu_live(so);
	viogpu_buf_free(sc, old);
	return (0);
}

/*
 * With sc_lock: what the display wants, or the user.  True: the mode is
 * another one.
 */
static bool
viogpu_apply(struct viogpu_scanout *so, int *errorp)
{
	u_int w = so->so_ownw != 0 ? so->so_ownw : so->so_wantw;
	u_int h = so->so_ownw != 0 ? so->so_ownh : so->so_wanth;
	const struct viogpu_buf *old = so->so_buf;

	*errorp = 0;
	if (so->so_wantw == 0 || (old != NULL && old->vb_width == w &&
	    old->vb_height == h)) {
		/* also if it was: a change that failed may have hidden it */
		if (old != NULL)
			*errorp = viogpu_show(so);
	} else
		*errorp = viogpu_resize(so, w, h);
	if (*errorp == 0)
		so->so_failed = false;
	else if (!so->so_failed && !so->so_sc->sc_lost) {
		so->so_failed = true;
		device_printf(&so->so_sc->sc_dev, "screen %u: cannot show "
		    "%ux%u: error %d\n", so->so_id, w, h, *errorp);
	}
	return (so->so_buf != old);
}

static void
viogpu_tell_mode(struct viogpu_scanout *so)
{
	fb_tell_mode(&so->so_fb);
	if (so->so_fbdev != NULL)
		fbdev_mode(so->so_fbdev);
}

int
viogpu_mode(struct fb *fb, u_int w, u_int h)
{
	struct viogpu_scanout *so = fb->fb_arg;
	struct viogpu_softc *sc = so->so_sc;
	u_int oldw, oldh;
	bool changed;
	int error;

	if ((w != 0 || h != 0) && !fb_size_ok(w, h))
		return (EINVAL);
	rw_enter_write(&sc->sc_lock);
	oldw = so->so_ownw;
	oldh = so->so_ownh;
	so->so_ownw = w;
	so->so_ownh = h;
	so->so_failed = true;		/* the caller hears of it */
	changed = viogpu_apply(so, &error);
	so->so_failed = false;
	if (error != 0) {
		so->so_ownw = oldw;
		so->so_ownh = oldh;
	}
	rw_exit(&sc->sc_lock);
	if (changed)
		viogpu_tell_mode(so);
	return (error);
}

static int
viogpu_blank(struct fb *fb, bool blank)
{
	struct viogpu_scanout *so = fb->fb_arg;
	int error = 0;

	rw_enter_write(&so->so_sc->sc_lock);
	if (so->so_blank != blank) {
		so->so_blank = blank;
		/* if it is refused the screen is as it was */
		if ((error = viogpu_show(so)) != 0) {
			so->so_blank = !blank;
			if (viogpu_shown(so) && !so->so_sc->sc_lost)
				viogpu_live(so);
		}
	}
	rw_exit(&so->so_sc->sc_lock);
	return (error);
}

/* --- displays ----------------------------------------------------------- */

static void
viogpu_get_edid(struct viogpu_scanout *so)
{
	struct viogpu_softc *sc = so->so_sc;
	const struct virtio_gpu_resp_edid *re = viogpu_answer(sc);
	struct virtio_gpu_get_edid *ge;

	memset(&so->so_edid, 0, sizeof(so->so_edid));
	if (!virtio_has(sc->sc_vsc, VIRTIO_GPU_F_EDID))
		return;
	ge = viogpu_request(sc, VIRTIO_GPU_CMD_GET_EDID, sizeof(*ge));
	le32_store(&ge->ge_scanout, so->so_id);
	if (viogpu_call(sc, ge, sizeof(*ge), VIRTIO_GPU_RESP_OK_EDID,
	    sizeof(*re), 0) == 0)
		(void)viogpu_edid(re->re_edid, MIN(le32_load(&re->re_size),
		    VIRTIO_GPU_EDID_MAX), &so->so_edid);
}

/* A size that a display asks for, if it can be; else the monitor's best. */
static void
viogpu_want(struct viogpu_scanout *so, bool enabled, u_int w, u_int h)
{
	so->so_wantw = so->so_wanth = 0;
	if (!enabled)
		return;
	if (!fb_size_ok(w, h)) {
		w = FALLBACK_W;
		h = FALLBACK_H;
		if (so->so_edid.ve_nmodes != 0) {
			w = so->so_edid.ve_mode[0].vm_width;
			h = so->so_edid.ve_mode[0].vm_height;
		}
	}
	so->so_wantw = w;
	so->so_wanth = h;
}

/* With sc_lock: what is connected, and how large it wants to be. */
static int
viogpu_get_displays(struct viogpu_softc *sc)
{
	struct virtio_gpu_resp_display_info di;
	const struct virtio_gpu_display_one *one;
	struct virtio_gpu_ctrl_hdr *gh;
	u_int i, n = 0;
	int error;

	gh = viogpu_request(sc, VIRTIO_GPU_CMD_GET_DISPLAY_INFO, sizeof(*gh));
	if ((error = viogpu_call(sc, gh, sizeof(*gh),
	    VIRTIO_GPU_RESP_OK_DISPLAY_INFO, sizeof(di), 0)) != 0)
		return (error);
	memcpy(&di, viogpu_answer(sc), sizeof(di));
	for (i = 0; i < sc->sc_nso; i++) {
		one = &di.di_pmodes[i];
		viogpu_get_edid(&sc->sc_so[i]);
		viogpu_want(&sc->sc_so[i], le32_get(one->do_enabled) != 0,
		    le32_get(one->do_r.width), le32_get(one->do_r.height));
		n += sc->sc_so[i].so_wantw != 0;
	}
	if (n == 0)
		viogpu_want(&sc->sc_so[0], true, 0, 0);
	return (sc->sc_lost ? EIO : 0);
}

static int
viogpu_refresh(struct viogpu_softc *sc)
{
	u_int i, changed = 0;
	int error, ignored;

	rw_enter_write(&sc->sc_lock);
	if ((error = viogpu_get_displays(sc)) == 0) {
		for (i = 0; i < sc->sc_nso; i++)
			changed |= viogpu_apply(&sc->sc_so[i], &ignored) << i;
	}
	rw_exit(&sc->sc_lock);
	for (i = 0; i < sc->sc_nso; i++) {
		if (changed & (1U << i))
			viogpu_tell_mode(&sc->sc_so[i]);
	}
	return (error);
}

/* Who draws comes with the first mode, and stays. */
static void
viogpu_screens(struct viogpu_softc *sc)
{
	struct fb_attach_args fa;
	struct viogpu_scanout *so;
	u_int i;

	for (i = 0; i < sc->sc_nso; i++) {
		so = &sc->sc_so[i];
		if (so->so_buf == NULL || so->so_fbdev != NULL)
			continue;
		if (fbdev_attach(&so->so_fbdev, &so->so_fb) != 0) {
			device_printf(&sc->sc_dev, "screen %u: no memory\n",
			    i);
			continue;
		}
		viogpu_sysctl_attach(so);
		fa.fa_fb = &so->so_fb;
		(void)config_found(&sc->sc_dev, &fa, NULL);
	}
}

/* 5.7.4.2 */
static void
viogpu_config(void *arg)
{
	struct viogpu_softc *sc = arg;
	struct virtio_gpu_config conf;

	if (virtio_config_read(sc->sc_vsc, viogpu_fields,
	    nitems(viogpu_fields), &conf) != 0 ||
	    !(conf.events_read & VIRTIO_GPU_EVENT_DISPLAY))
		return;
	conf.events_clear = VIRTIO_GPU_EVENT_DISPLAY;
	(void)virtio_config_write(sc->sc_vsc, viogpu_clear,
	    nitems(viogpu_clear), &conf);
	if (viogpu_refresh(sc) == 0 && config_enter(&sc->sc_stop)) {
		viogpu_screens(sc);
		config_leave();
	}
}

/* --- attachment --------------------------------------------------------- */

static int
viogpu_scanouts(struct viogpu_softc *sc)
{
	struct virtio_gpu_config conf;
	struct viogpu_scanout *so;
	int error;
	u_int i;

	if ((error = virtio_config_read(sc->sc_vsc, viogpu_fields,
	    nitems(viogpu_fields), &conf)) != 0)
		return (error);
	if (conf.num_scanouts < 1 ||
	    conf.num_scanouts > VIRTIO_GPU_MAX_SCANOUTS) {
		device_describe(&sc->sc_dev, "%u scanouts: cannot be",
		    conf.num_scanouts);
		return (ENXIO);
	}
	sc->sc_align = conf.blob_alignment;
	sc->sc_blob = virtio_has(sc->sc_vsc, VIRTIO_GPU_F_RESOURCE_BLOB) &&
	    (sc->sc_align & (sc->sc_align - 1)) == 0 &&
	    sc->sc_align <= VIOGPU_MAXALIGN;
	if ((sc->sc_so = kmem_zalloc(conf.num_scanouts * sizeof(*so),
	    KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	sc->sc_nso = conf.num_scanouts;
	for (i = 0; i < sc->sc_nso; i++) {
		so = &sc->sc_so[i];
		so->so_sc = sc;
		so->so_id = i;
		fb_init(&so->so_fb, &viogpu_ops, so, sc->sc_dev.dv_xname);
	}
	return (0);
}

static int
viogpu_queues(struct viogpu_softc *sc)
{
	const struct virtqueue_conf conf[] = {
		{ .vqc_name = "control", .vqc_index = VIRTIO_GPU_CONTROLQ,
		    .vqc_size = VIOGPU_NCMDS, .vqc_nsegs = 2,
		    .vqc_mtx = &sc->sc_mtx, .vqc_intr = viogpu_intr,
		    .vqc_arg = sc },
		{ .vqc_name = "cursor", .vqc_index = VIRTIO_GPU_CURSORQ,
		    .vqc_size = 16, .vqc_nsegs = 2,
		    .vqc_mtx = &sc->sc_curmtx,
		    .vqc_intr = viogpu_cursor_intr, .vqc_arg = sc },
	};
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	struct virtqueue *vq[nitems(conf)];
	int error;

	if ((error = dmamem_alloc(&sc->sc_setup, dmat, VIOGPU_SETUP, 0,
	    BUS_DMA_NOWAIT)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_curmem, dmat,
	    sizeof(struct virtio_gpu_update_cursor) +
	    sizeof(struct virtio_gpu_ctrl_hdr), 0, BUS_DMA_NOWAIT)) != 0 ||
	    (error = viogpu_draw_init(sc)) != 0 ||
	    (error = virtio_queues(sc->sc_vsc, IPL_TTY, conf, nitems(conf),
	    vq)) != 0)
		return (error);
	sc->sc_ctlq = vq[0];
	sc->sc_curq = vq[1];
	return (0);
}

static void
viogpu_describe(struct viogpu_softc *sc)
{
	char modes[200];
	const struct viogpu_scanout *so;
	u_int i, n = 0;

	modes[0] = '\0';
	for (i = 0; i < sc->sc_nso && n < sizeof(modes); i++) {
		so = &sc->sc_so[i];
		if (so->so_buf == NULL)
			continue;
		n += snprintf(modes + n, sizeof(modes) - n, ", %ux%u",
		    so->so_buf->vb_width, so->so_buf->vb_height);
	}
	device_describe(&sc->sc_dev, "%u scanout%s%s", sc->sc_nso,
	    sc->sc_nso == 1 ? "" : "s", modes);
}

/* VGA's frame buffer, if it has one, is not shown any more. */
static void
viogpu_boot_screen(struct viogpu_softc *sc)
{
	paddr_t addr;

	if (fb_boot_addr(&addr) && virtio_owns(sc->sc_vsc, addr))
		fb_boot_take(&sc->sc_dev);
}

int
viogpu_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct viogpu_softc *sc = (struct viogpu_softc *)self;
	struct virtio_attach_args *va = aux;
	int error;

	sc->sc_vsc = va->va_vsc;
	mtx_init(&sc->sc_mtx, IPL_TTY);
	mtx_init(&sc->sc_curmtx, IPL_TTY);
	rw_init(&sc->sc_lock, "viogpu");
	LIST_INIT(&sc->sc_limbo);
	if ((error = virtio_negotiate(sc->sc_vsc, self, viogpu_features,
	    nitems(viogpu_features), 0)) != 0 ||
	    (error = viogpu_scanouts(sc)) != 0 ||
	    (error = viogpu_queues(sc)) != 0)
		goto fail;
	virtio_on_config(sc->sc_vsc, viogpu_config, sc);
	virtio_on_failure(sc->sc_vsc, viogpu_event, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0 ||
	    (error = viogpu_refresh(sc)) != 0)
		goto fail;
	viogpu_describe(sc);
	viogpu_boot_screen(sc);
	viogpu_screens(sc);
	return (0);
fail:
	viogpu_teardown(sc);
	return (error);
}

int
viogpu_detach(struct device *self, int flags)
{
	struct viogpu_softc *sc = (struct viogpu_softc *)self;
	int error;

	__atomic_store_n(&sc->sc_stop, true, __ATOMIC_RELEASE);
	if ((error = config_detach_children(self, flags)) != 0) {
		sc->sc_stop = false;
		return (error);
	}
	viogpu_teardown(sc);
	return (0);
}

/* If but a queue was reset the device has all that it had. */
static void
viogpu_forgot(struct viogpu_softc *sc)
{
	struct viogpu_scanout *so;
	u_int i;

	if (!sc->sc_forgot) {
		viogpu_buf_ask(sc);
		return;
	}
	sc->sc_forgot = false;
	viogpu_buf_reap(sc);
	for (i = 0; i < sc->sc_nso; i++) {
		so = &sc->sc_so[i];
		if (so->so_buf != NULL)
			so->so_buf->vb_id = 0;
		if (so->so_curbuf != NULL)
			so->so_curbuf->vb_id = 0;
	}
}

static int
viogpu_restore(struct viogpu_scanout *so)
{
	struct viogpu_softc *sc = so->so_sc;
	int error;

	viogpu_quiet(so);
	if (!viogpu_buf_gone(sc, so->so_buf))
		return (EIO);
	if ((error = viogpu_buf_make(sc, so->so_buf)) != 0 ||
	    (error = viogpu_show(so)) != 0)
		return (error);
	return (viogpu_cursor_again(so));
}

/* Make anew what it had, and show it. */
static void
viogpu_resume(struct viogpu_softc *sc)
{
	struct viogpu_scanout *so;
	int error;
	u_int i;

	rw_enter_write(&sc->sc_lock);
	sc->sc_lost = false;
	dmamem_free(&sc->sc_table);
	viogpu_forgot(sc);
	for (i = 0; i < sc->sc_nso; i++) {
		so = &sc->sc_so[i];
		if (so->so_buf == NULL)
			continue;
		if ((error = viogpu_restore(so)) != 0)
			device_printf(&sc->sc_dev, "screen %u: not restored: "
			    "error %d\n", i, error);
	}
	rw_exit(&sc->sc_lock);
}

static void
viogpu_event(void *arg, enum virtio_event ev)
{
	struct viogpu_softc *sc = arg;

	switch (ev) {
	case VIRTIO_STOPPED:
		if (!vq_ready(sc->sc_ctlq) && !vq_ready(sc->sc_curq))
			sc->sc_forgot = true;
		viogpu_draw_void(sc);
		viogpu_cursor_void(sc);
		break;
	case VIRTIO_RESUMED:
		viogpu_resume(sc);
		/* it may have been resized meanwhile */
		(void)viogpu_refresh(sc);
		break;
	case VIRTIO_DEAD:
		sc->sc_dead = true;
		viogpu_draw_void(sc);
		viogpu_cursor_void(sc);
		break;
	}
}

/* Undo attach, however far it came. */
static void
viogpu_teardown(struct viogpu_softc *sc)
{
	struct viogpu_scanout *so;
	u_int i;

	sc->sc_stop = true;
	for (i = 0; i < sc->sc_nso; i++)
		viogpu_sysctl_detach(&sc->sc_so[i]);
	virtio_stop(sc->sc_vsc);		/* no interrupt after this */
	viogpu_draw_void(sc);			/* and nobody waits */
	viogpu_cursor_void(sc);
	timeout_del_barrier(&sc->sc_watch);
	timeout_del_barrier(&sc->sc_soft);
	/* who could tell them of something has ended */
	for (i = 0; i < sc->sc_nso; i++) {
		fbdev_detach(sc->sc_so[i].so_fbdev);
		sc->sc_so[i].so_fbdev = NULL;
	}
	rw_enter_write(&sc->sc_lock);
	sc->sc_dead = true;
	for (i = 0; i < sc->sc_nso; i++) {
		so = &sc->sc_so[i];
		viogpu_buf_free(sc, so->so_buf);
		viogpu_buf_free(sc, so->so_curbuf);
	}
	viogpu_buf_reap(sc);
	rw_exit(&sc->sc_lock);
	virtio_end(sc->sc_vsc);
	kmem_free(sc->sc_so, sc->sc_nso * sizeof(*sc->sc_so));
	sc->sc_so = NULL;
	sc->sc_nso = 0;
	dmamem_free(&sc->sc_table);
	dmamem_free(&sc->sc_setup);
	dmamem_free(&sc->sc_cmdmem);
	dmamem_free(&sc->sc_curmem);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viogpu(4): the cursor in front of a picture.  5.7.6.6: its shape is a
 * resource of 64 by 64 pixels; where it is goes over a queue of its own.
 *
 * One command is on its way at a time.  If the cursor moves meanwhile, only
 * the last place is told.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/pv/viogpuvar.h>


_Static_assert(FB_CURSOR_SIZE == VIRTIO_GPU_CURSOR_SIZE, "cursor");

/* With sc_curmtx: send what has not been told of one of them. */
static void
viogpu_cursor_send(struct viogpu_softc *sc)
{
	VQ_SG_DECL(sg, 2, virtio_dmat(sc->sc_vsc));
	struct virtio_gpu_update_cursor *uc = sc->sc_curmem.dmm_kva;
	struct viogpu_scanout *so = NULL;
	u_int i;

	for (i = 0; i < sc->sc_nso && so == NULL; i++) {
		if (sc->sc_so[i].so_curnews != 0)
			so = &sc->sc_so[i];
	}
	if (so == NULL || sc->sc_curbusy)
		return;
	memset(uc, 0, sizeof(*uc));
	viogpu_header(sc, &uc->uc_hdr, so->so_curnews & VIOGPU_CURSOR_UPDATE ?
	    VIRTIO_GPU_CMD_UPDATE_CURSOR : VIRTIO_GPU_CMD_MOVE_CURSOR, false);
	le32_store(&uc->uc_scanout_id, so->so_id);
	le32_store(&uc->uc_x, so->so_curx);
	le32_store(&uc->uc_y, so->so_cury);
	le32_store(&uc->uc_resource_id, so->so_curshown ? so->so_curid : 0);
	le32_store(&uc->uc_hot_x, so->so_hotx);
	le32_store(&uc->uc_hot_y, so->so_hoty);
	if (vq_sg_out_mem(&sg, &sc->sc_curmem, 0, sizeof(*uc)) != 0 ||
	    vq_sg_in_mem(&sg, &sc->sc_curmem, sizeof(*uc),
	    sizeof(struct virtio_gpu_ctrl_hdr)) != 0 ||
	    vq_enqueue(sc->sc_curq, sc, &sg) != 0)
		return;		/* it is told when the device works again */
	so->so_curnews = 0;
	sc->sc_curbusy = true;
	vq_notify(sc->sc_curq);
}

/* There need not be an answer: QEMU gives none. */
void
viogpu_cursor_intr(void *arg)
{
	struct viogpu_softc *sc = arg;
	uint32_t len;

	mtx_enter(&sc->sc_curmtx);
	do {
		while (vq_dequeue(sc->sc_curq, &len) != NULL)
			sc->sc_curbusy = false;
	} while (vq_intr_enable(sc->sc_curq, 0));
	viogpu_cursor_send(sc);
	mtx_leave(&sc->sc_curmtx);
}

/* The device was stopped. */
void
viogpu_cursor_void(struct viogpu_softc *sc)
{
	mtx_enter(&sc->sc_curmtx);
	while (sc->sc_curq != NULL && vq_drain(sc->sc_curq) != NULL)
		sc->sc_curbusy = false;
	mtx_leave(&sc->sc_curmtx);
}

/* With sc_lock.  The shape as it is in so_curbuf goes to the device. */
static int
viogpu_cursor_shape(struct viogpu_scanout *so)
{
	struct viogpu_softc *sc = so->so_sc;
	int error;

	if (so->so_curbuf->vb_id == 0 &&
	    (error = viogpu_buf_make(sc, so->so_curbuf)) != 0)
		return (error);
	if ((error = viogpu_buf_fill(sc, so->so_curbuf)) != 0)
		return (error);
	mtx_enter(&sc->sc_curmtx);
	so->so_curid = so->so_curbuf->vb_id;
	so->so_curnews |= VIOGPU_CURSOR_UPDATE;
	mtx_leave(&sc->sc_curmtx);
	return (0);
}

static int
viogpu_cursor_load(struct viogpu_scanout *so, const struct fb_cursor *fc)
{
	struct viogpu_softc *sc = so->so_sc;
	int error;

	if (fc->fc_hotx >= FB_CURSOR_SIZE || fc->fc_hoty >= FB_CURSOR_SIZE)
		return (EINVAL);
	if (so->so_curbuf == NULL &&
	    (error = viogpu_buf_create(sc, FB_CURSOR_SIZE, FB_CURSOR_SIZE,
	    VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, &so->so_curbuf)) != 0)
		return (error);
	memcpy(so->so_curbuf->vb_pixels, fc->fc_pixels, FB_CURSOR_BYTES);
	mtx_enter(&sc->sc_curmtx);
	so->so_hotx = fc->fc_hotx;
	so->so_hoty = fc->fc_hoty;
	mtx_leave(&sc->sc_curmtx);
	return (viogpu_cursor_shape(so));
}

int
viogpu_cursor(struct fb *fb, const struct fb_cursor *fc)
{
	struct viogpu_scanout *so = fb->fb_arg;
	struct viogpu_softc *sc = so->so_sc;
	int error = 0;

	rw_enter_write(&sc->sc_lock);
	if (sc->sc_dead)
		error = ENXIO;
	else if (fc->fc_set & FB_CURSOR_SHAPE)
		error = viogpu_cursor_load(so, fc);
	if (error == 0) {
		mtx_enter(&sc->sc_curmtx);
		if ((fc->fc_set & FB_CURSOR_SHOW) &&
		    so->so_curshown != fc->fc_shown) {
			so->so_curshown = fc->fc_shown;
			so->so_curnews |= VIOGPU_CURSOR_UPDATE;
		}
		if (fc->fc_set & FB_CURSOR_MOVE) {
			so->so_curx = fc->fc_x;
			so->so_cury = fc->fc_y;
			so->so_curnews |= VIOGPU_CURSOR_MOVE;
		}
		viogpu_cursor_send(sc);
		mtx_leave(&sc->sc_curmtx);
	}
	rw_exit(&sc->sc_lock);
	return (error);
}

int
viogpu_cursor_again(struct viogpu_scanout *so)
{
	struct viogpu_softc *sc = so->so_sc;
	int error;

	if (so->so_curbuf == NULL)
		return (0);
	if (!viogpu_buf_gone(sc, so->so_curbuf))
		return (EIO);
	if ((error = viogpu_cursor_shape(so)) == 0) {
		mtx_enter(&sc->sc_curmtx);
		viogpu_cursor_send(sc);
		mtx_leave(&sc->sc_curmtx);
	}
	return (error);
}

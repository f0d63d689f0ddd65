/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viogpu(4): commands that are waited for, one at a time: modes, resources,
 * monitors.
 */

#include <sys/errno.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <dev/pv/viogpuvar.h>

#define SETUP_SIZE	VIOGPU_SETUP
#define SETUP_ANSWER	(VIOGPU_SETUP / 2)	/* the request is before it */

static const struct viogpu_name {
	uint32_t	 vn_type;
	const char	*vn_name;
} viogpu_names[] = {
	{ VIRTIO_GPU_CMD_GET_DISPLAY_INFO, "GET_DISPLAY_INFO" },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, "RESOURCE_CREATE_2D" },
	{ VIRTIO_GPU_CMD_RESOURCE_UNREF, "RESOURCE_UNREF" },
	{ VIRTIO_GPU_CMD_SET_SCANOUT, "SET_SCANOUT" },
	{ VIRTIO_GPU_CMD_RESOURCE_FLUSH, "RESOURCE_FLUSH" },
	{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, "TRANSFER_TO_HOST_2D" },
	{ VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, "RESOURCE_ATTACH_BACKING" },
	{ VIRTIO_GPU_CMD_GET_EDID, "GET_EDID" },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, "RESOURCE_CREATE_BLOB" },
	{ VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, "SET_SCANOUT_BLOB" },
};

static const struct {
	uint32_t	 ve_type;
	int		 ve_error;
	const char	*ve_text;
} viogpu_errors[] = {
	{ VIRTIO_GPU_RESP_ERR_UNSPEC, EIO, "failed" },
	{ VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY, ENOMEM, "out of memory" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID, EINVAL, "invalid scanout" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID, EINVAL,
	    "invalid resource" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID, EINVAL, "invalid context" },
	{ VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER, EINVAL,
	    "invalid parameter" },
};

int
viogpu_error(uint32_t type, const char **text)
{
	u_int i;

	*text = "unknown answer";
	for (i = 0; i < nitems(viogpu_errors); i++) {
		if (viogpu_errors[i].ve_type == type) {
			*text = viogpu_errors[i].ve_text;
			return (viogpu_errors[i].ve_error);
		}
	}
	return (type == VIRTIO_GPU_RESP_OK_NODATA ? 0 : EIO);
}

const char *
viogpu_name(uint32_t type)
{
	u_int i;

	for (i = 0; i < nitems(viogpu_names); i++) {
		if (viogpu_names[i].vn_type == type)
			return (viogpu_names[i].vn_name);
	}
	return ("command");
}

/*
 * 5.7.6.7.  A command whose end matters asks for a fence; the answers of the
 * others may come before the device is done with them.
 */
void
viogpu_header(struct viogpu_softc *sc, struct virtio_gpu_ctrl_hdr *gh,
    uint32_t type, bool fence)
{
	memset(gh, 0, sizeof(*gh));
	le32_store(&gh->gh_type, type);
	if (fence) {
		le32_store(&gh->gh_flags, VIRTIO_GPU_FLAG_FENCE);
		le64_store(&gh->gh_fence_id, __atomic_add_fetch(&sc->sc_fence,
		    1, __ATOMIC_RELAXED));
	}
}

void
viogpu_setrect(struct virtio_gpu_rect *r, const struct fb_rect *fr)
{
	le32_store(&r->x, fr->fr_x);
	le32_store(&r->y, fr->fr_y);
	le32_store(&r->width, fr->fr_w);
	le32_store(&r->height, fr->fr_h);
}

void *
viogpu_request(struct viogpu_softc *sc, uint32_t type, size_t len)
{
	KASSERT(rw_write_held(&sc->sc_lock) && len <= SETUP_ANSWER);
	memset(sc->sc_setup.dmm_kva, 0, len);
	viogpu_header(sc, sc->sc_setup.dmm_kva, type, true);
	return (sc->sc_setup.dmm_kva);
}

const void *
viogpu_answer(const struct viogpu_softc *sc)
{
	return ((char *)sc->sc_setup.dmm_kva + SETUP_ANSWER);
}

void *
viogpu_table(struct viogpu_softc *sc, uint32_t type, size_t len)
{
	KASSERT(rw_write_held(&sc->sc_lock));
	if (sc->sc_lost || dmamem_alloc(&sc->sc_table,
	    virtio_dmat(sc->sc_vsc), len, 0, BUS_DMA_NOWAIT) != 0)
		return (NULL);
	viogpu_header(sc, sc->sc_table.dmm_kva, type, true);
	return (sc->sc_table.dmm_kva);
}

/* A ring that is full of drawing has room again soon, or is stopped. */
static int
viogpu_send(struct viogpu_softc *sc, const struct vq_sg *sg, uint32_t *used)
{
	int error;

	mtx_enter(&sc->sc_mtx);
	while ((error = vq_call(sc->sc_ctlq, sg, used, VIOGPU_MSEC)) ==
	    ENOSPC && sc->sc_busy != 0)
		(void)msleep_nsec(&sc->sc_busy, &sc->sc_mtx, PRI_KERN,
		    "gpuroom", SEC_TO_NSEC(1));
	mtx_leave(&sc->sc_mtx);
	return (error);
}

static int
viogpu_exchange(struct viogpu_softc *sc, const struct dmamem *mem, size_t len,
    size_t resplen, uint32_t *used)
{
	VQ_SG_DECL(sg, 2, virtio_dmat(sc->sc_vsc));
	int error;

	/* nothing of an older answer is taken for this one's */
	memset((char *)sc->sc_setup.dmm_kva + SETUP_ANSWER, 0, resplen);
	if ((error = vq_sg_out_mem(&sg, mem, 0, len)) == 0 &&
	    (error = vq_sg_in_mem(&sg, &sc->sc_setup, SETUP_ANSWER,
	    resplen)) == 0)
		error = viogpu_send(sc, &sg, used);
	/* the device may have it still, until it has been reset */
	sc->sc_lost = error != 0;
	return (error);
}

int
viogpu_call(struct viogpu_softc *sc, const void *req, size_t len,
    uint32_t want, size_t resplen, int flags)
{
	const struct dmamem *mem = req == sc->sc_setup.dmm_kva ?
	    &sc->sc_setup : &sc->sc_table;
	const struct virtio_gpu_ctrl_hdr *gh = viogpu_answer(sc);
	const char *name = viogpu_name(le32_load(
	    &((const struct virtio_gpu_ctrl_hdr *)req)->gh_type));
	const char *text = "short answer";
	uint32_t type = 0, used;
	int error;

	KASSERT(rw_write_held(&sc->sc_lock) && req == mem->dmm_kva);
	KASSERT(resplen <= SETUP_SIZE - SETUP_ANSWER);
	if (sc->sc_lost || sc->sc_dead)
		error = EIO;
	else if ((error = viogpu_exchange(sc, mem, len, resplen, &used)) == 0) {
		if (used >= sizeof(*gh))
			type = le32_load(&gh->gh_type);
		if (type != want && used >= sizeof(*gh))
			error = viogpu_error(type, &text);
		if (error == 0 && (type != want || used < resplen))
			error = EIO;
		if (error != 0 && !(flags & VIOGPU_QUIET))
			device_printf(&sc->sc_dev, "%s: %s\n", name, text);
	}
	if (!sc->sc_lost)
		dmamem_free(&sc->sc_table);
	return (error);
}

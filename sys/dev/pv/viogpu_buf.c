/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viogpu(4): resources.  5.7.6.1: one is made at the device, and our memory,
 * wherever its pages lie, is attached to it.
 *
 * Where the device has blob resources there is no copy on its side, and no
 * transfer: it reads our memory when it is told to show it.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/param.h>
#include <sys/systm.h>

#include <dev/pv/viogpuvar.h>
#include <vm/pmap.h>

static void
viogpu_buf_destroy(struct viogpu_softc *sc, struct viogpu_buf *vb)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);

	if (vb->vb_map != NULL && vb->vb_map->dm_mapsize != 0) {
		bus_dmamap_sync(dmat, vb->vb_map, 0, vb->vb_size,
		    BUS_DMASYNC_POSTWRITE);
		bus_dmamap_unload(dmat, vb->vb_map);
	}
	bus_dmamap_destroy(dmat, vb->vb_map);
	if (vb->vb_pixels != NULL)
		kva_memory_free(vb->vb_pixels, vb->vb_size);
	kmem_free(vb, sizeof(*vb));
}

static size_t
viogpu_buf_size(const struct viogpu_softc *sc, u_int w, u_int h)
{
	size_t align = PAGE_SIZE;

	/* 5.7.6.8: BLOB_ALIGNMENT is a power of two */
	if (sc->sc_blob && sc->sc_align > align)
		align = sc->sc_align;
	return (((size_t)w * h * 4 + align - 1) & ~(align - 1));
}

int
viogpu_buf_create(struct viogpu_softc *sc, u_int w, u_int h, uint32_t format,
    struct viogpu_buf **vbp)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	struct viogpu_buf *vb;
	int error;

	if ((vb = kmem_zalloc(sizeof(*vb), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	vb->vb_size = viogpu_buf_size(sc, w, h);
	vb->vb_width = w;
	vb->vb_height = h;
	vb->vb_format = format;
	if ((error = bus_dmamap_create(dmat, vb->vb_size, atop(vb->vb_size),
	    0, 0, BUS_DMA_NOWAIT, &vb->vb_map)) != 0) {
		vb->vb_map = NULL;
		goto fail;
	}
	if ((vb->vb_pixels = kva_memory(vb->vb_size)) == NULL) {
		error = ENOMEM;
		goto fail;
	}
	memset(vb->vb_pixels, 0, vb->vb_size);
	if ((error = bus_dmamap_load(dmat, vb->vb_map, vb->vb_pixels,
	    vb->vb_size, BUS_DMA_NOWAIT | BUS_DMA_WRITE)) != 0)
		goto fail;
	bus_dmamap_sync(dmat, vb->vb_map, 0, vb->vb_size,
	    BUS_DMASYNC_PREWRITE);
	*vbp = vb;
	return (0);
fail:
	viogpu_buf_destroy(sc, vb);
	return (error);
}

static size_t
viogpu_entries_len(const struct viogpu_buf *vb)
{
	return (vb->vb_map->dm_nsegs * sizeof(struct virtio_gpu_mem_entry));
}

static void
viogpu_entries(const struct viogpu_buf *vb, struct virtio_gpu_mem_entry *me)
{
	const bus_dma_segment_t *ds = vb->vb_map->dm_segs;
	int i;

	for (i = 0; i < vb->vb_map->dm_nsegs; i++, ds++, me++) {
		le64_store(&me->me_addr, ds->ds_addr);
		le32_store(&me->me_length, ds->ds_len);
		le32_store(&me->me_padding, 0);
	}
}

static int
viogpu_create_2d(struct viogpu_softc *sc, const struct viogpu_buf *vb)
{
	struct virtio_gpu_resource_create_2d *rc;

	rc = viogpu_request(sc, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
	    sizeof(*rc));
	le32_store(&rc->rc_resource_id, vb->vb_id);
	le32_store(&rc->rc_format, vb->vb_format);
	le32_store(&rc->rc_width, vb->vb_width);
	le32_store(&rc->rc_height, vb->vb_height);
	return (viogpu_call(sc, rc, sizeof(*rc), VIRTIO_GPU_RESP_OK_NODATA,
	    sizeof(rc->rc_hdr), 0));
}

static int
viogpu_attach_backing(struct viogpu_softc *sc, const struct viogpu_buf *vb)
{
	struct virtio_gpu_resource_attach_backing *ab;
	size_t len = sizeof(*ab) + viogpu_entries_len(vb);

	if ((ab = viogpu_table(sc, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
	    len)) == NULL)
		return (ENOMEM);
	le32_store(&ab->ab_resource_id, vb->vb_id);
	le32_store(&ab->ab_nr_entries, vb->vb_map->dm_nsegs);
	viogpu_entries(vb, (struct virtio_gpu_mem_entry *)(ab + 1));
	return (viogpu_call(sc, ab, len, VIRTIO_GPU_RESP_OK_NODATA,
	    sizeof(ab->ab_hdr), 0));
}

static int
viogpu_create_blob(struct viogpu_softc *sc, const struct viogpu_buf *vb)
{
	struct virtio_gpu_resource_create_blob *cb;
	size_t len = sizeof(*cb) + viogpu_entries_len(vb);

	if ((cb = viogpu_table(sc, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
	    len)) == NULL)
		return (ENOMEM);
	le32_store(&cb->cb_resource_id, vb->vb_id);
	le32_store(&cb->cb_blob_mem, VIRTIO_GPU_BLOB_MEM_GUEST);
	le32_store(&cb->cb_nr_entries, vb->vb_map->dm_nsegs);
	le64_store(&cb->cb_size, vb->vb_size);
	viogpu_entries(vb, (struct virtio_gpu_mem_entry *)(cb + 1));
	return (viogpu_call(sc, cb, len, VIRTIO_GPU_RESP_OK_NODATA,
	    sizeof(cb->cb_hdr), 0));
}

/* A host that cannot have our memory as a blob after all may copy it. */
static int
viogpu_make(struct viogpu_softc *sc, struct viogpu_buf *vb)
{
	int error;

	/* 5.7.6.6: a cursor's resource is a normal one */
	vb->vb_blob = sc->sc_blob &&
	    vb->vb_format == VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
	if (vb->vb_blob) {
		error = viogpu_create_blob(sc, vb);
		if (error == 0 || sc->sc_lost || sc->sc_dead)
			return (error);
		sc->sc_blob = vb->vb_blob = false;
	}
	if ((error = viogpu_create_2d(sc, vb)) != 0)
		return (error);
	return (viogpu_attach_backing(sc, vb));
}

int
viogpu_buf_make(struct viogpu_softc *sc, struct viogpu_buf *vb)
{
	int error;

	KASSERT(vb->vb_id == 0);
	/* 0 is none, and no other is so old that it is still in use */
	if (++sc->sc_lastid == 0)
		sc->sc_lastid++;
	vb->vb_id = sc->sc_lastid;
	if ((error = viogpu_make(sc, vb)) != 0)
		viogpu_buf_unmake(sc, vb);
	return (error);
}

static int
viogpu_unref(struct viogpu_softc *sc, const struct viogpu_buf *vb, int flags)
{
	struct virtio_gpu_resource_unref *ru;

	ru = viogpu_request(sc, VIRTIO_GPU_CMD_RESOURCE_UNREF, sizeof(*ru));
	le32_store(&ru->ru_resource_id, vb->vb_id);
	return (viogpu_call(sc, ru, sizeof(*ru), VIRTIO_GPU_RESP_OK_NODATA,
	    sizeof(ru->ru_hdr), flags));
}

/*
 * The answer that there is no such resource is as good.  If there is none the
 * id stays, and the memory with it.
 */
void
viogpu_buf_unmake(struct viogpu_softc *sc, struct viogpu_buf *vb)
{
	int error;

	if (vb->vb_id == 0)
		return;
	error = viogpu_unref(sc, vb, VIOGPU_QUIET);
	if (error == 0 || (!sc->sc_lost && error == EINVAL))
		vb->vb_id = 0;
}

bool
viogpu_buf_gone(struct viogpu_softc *sc, struct viogpu_buf *vb)
{
	viogpu_buf_unmake(sc, vb);
	if (vb->vb_id != 0 && !sc->sc_lost && !sc->sc_dead)
		virtio_fail(sc->sc_vsc, "keeps resource %u", vb->vb_id);
	return (vb->vb_id == 0);
}

void
viogpu_buf_free(struct viogpu_softc *sc, struct viogpu_buf *vb)
{
	if (vb == NULL)
		return;
	if (viogpu_buf_gone(sc, vb))
		viogpu_buf_destroy(sc, vb);
	else
		LIST_INSERT_HEAD(&sc->sc_limbo, vb, vb_link);
}

void
viogpu_buf_ask(struct viogpu_softc *sc)
{
	struct viogpu_buf *vb, *next;

	LIST_FOREACH_SAFE(vb, &sc->sc_limbo, vb_link, next) {
		if (viogpu_buf_gone(sc, vb)) {
			LIST_REMOVE(vb, vb_link);
			viogpu_buf_destroy(sc, vb);
		}
	}
}

void
viogpu_buf_reap(struct viogpu_softc *sc)
{
	struct viogpu_buf *vb;

	while ((vb = LIST_FIRST(&sc->sc_limbo)) != NULL) {
		LIST_REMOVE(vb, vb_link);
		viogpu_buf_destroy(sc, vb);
	}
}

static int
viogpu_show_blob(struct viogpu_softc *sc, u_int scanout,
    const struct viogpu_buf *vb, const struct fb_rect *r)
{
	struct virtio_gpu_set_scanout_blob *sb;

	sb = viogpu_request(sc, VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, sizeof(*sb));
	viogpu_setrect(&sb->sb_r, r);
	le32_store(&sb->sb_scanout_id, scanout);
	le32_store(&sb->sb_resource_id, vb->vb_id);
	le32_store(&sb->sb_width, vb->vb_width);
	le32_store(&sb->sb_height, vb->vb_height);
	le32_store(&sb->sb_format, vb->vb_format);
	le32_store(&sb->sb_strides[0], vb->vb_width * 4);
	return (viogpu_call(sc, sb, sizeof(*sb), VIRTIO_GPU_RESP_OK_NODATA,
	    sizeof(sb->sb_hdr), 0));
}

int
viogpu_buf_show(struct viogpu_softc *sc, u_int scanout, struct viogpu_buf *vb)
{
	struct virtio_gpu_set_scanout *ss;
	struct fb_rect r = { 0, 0, 0, 0 };

	if (vb != NULL) {
		r.fr_w = vb->vb_width;
		r.fr_h = vb->vb_height;
		if (vb->vb_blob)
			return (viogpu_show_blob(sc, scanout, vb, &r));
	}
	ss = viogpu_request(sc, VIRTIO_GPU_CMD_SET_SCANOUT, sizeof(*ss));
	viogpu_setrect(&ss->ss_r, &r);
	le32_store(&ss->ss_scanout_id, scanout);
	le32_store(&ss->ss_resource_id, vb == NULL ? 0 : vb->vb_id);
	return (viogpu_call(sc, ss, sizeof(*ss), VIRTIO_GPU_RESP_OK_NODATA,
	    sizeof(ss->ss_hdr), 0));
}

int
viogpu_buf_fill(struct viogpu_softc *sc, struct viogpu_buf *vb)
{
	struct virtio_gpu_transfer_to_host_2d *tr;
	struct fb_rect r = { 0, 0, vb->vb_width, vb->vb_height };

	bus_dmamap_sync(virtio_dmat(sc->sc_vsc), vb->vb_map, 0, vb->vb_size,
	    BUS_DMASYNC_PREWRITE);
	tr = viogpu_request(sc, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
	    sizeof(*tr));
	viogpu_setrect(&tr->tr_r, &r);
	le32_store(&tr->tr_resource_id, vb->vb_id);
	return (viogpu_call(sc, tr, sizeof(*tr), VIRTIO_GPU_RESP_OK_NODATA,
	    sizeof(tr->tr_hdr), 0));
}

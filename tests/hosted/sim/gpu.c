/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A GPU without 3D: VIRTIO 1.4, 5.7.  It reads pictures only from memory that
 * it was given, looks at each moment whether that is still there, and faults
 * a driver whose commands a device could refuse.
 */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

/* configuration: 5.7.4 */
#define C_EVENTS_READ	0
#define C_EVENTS_CLEAR	4
#define C_NUM_SCANOUTS	8
#define C_ALIGNMENT	16
#define C_SIZE		20

#define HDR		24		/* bytes */
#define FLAG_FENCE	1

#define CMD_FIRST	0x0100
#define CMD_CURSOR	0x0300
#define OK_NODATA	0x1100
#define OK_INFO		0x1101
#define OK_EDID		0x1104
#define ERR_UNSPEC	0x1200
#define ERR_MEMORY	0x1201
#define ERR_SCANOUT	0x1202
#define ERR_RESOURCE	0x1203
#define ERR_PARAMETER	0x1205

#define MEM_GUEST	1
#define MAX_REQUEST	(1 << 20)
#define CURSOR_SIZE	64

/* requests: bytes of each, without entries */
static const uint16_t request_len[SIM_GP_NCMD] = {
	[SIM_GP_INFO] = HDR, [SIM_GP_CREATE] = HDR + 16,
	[SIM_GP_UNREF] = HDR + 8, [SIM_GP_SCANOUT] = HDR + 24,
	[SIM_GP_FLUSH] = HDR + 24, [SIM_GP_TRANSFER] = HDR + 32,
	[SIM_GP_ATTACH] = HDR + 8, [SIM_GP_DETACH] = HDR + 8,
	[SIM_GP_EDID] = HDR + 8, [SIM_GP_BLOB] = HDR + 32,
	[SIM_GP_SCANOUTBLOB] = HDR + 72, [SIM_GP_CURSOR] = HDR + 32,
	[SIM_GP_MOVE] = HDR + 32,
};

struct sim_gp_res {
	LIST_ENTRY(sim_gp_res)	 gr_link;
	uint32_t		 gr_id, gr_format, gr_w, gr_h;
	uint8_t			*gr_pixels;	/* NULL: blob */
	uint64_t		 gr_size;	/* of a blob */
	struct entry		*gr_entry;
	u_int			 gr_nentry;
	uint64_t		 gr_backed;	/* bytes */
	bool			 gr_unfenced;	/* the last transfer */
};

struct entry {
	uint64_t		 e_addr;
	uint32_t		 e_len;
};

struct sim_gp_work {
	TAILQ_ENTRY(sim_gp_work) gw_link;
	enum sim_gp_cmd		 gw_cmd;
	uint32_t		 gw_flags;
	uint64_t		 gw_fence;
	uint32_t		 gw_len;
	uint8_t			 gw_buf[];
};

static bool
has(const struct sim_gpu *gp, uint64_t feature)
{
	return ((gp->gp_sv->sv_features & feature) != 0);
}

static uint32_t
field(const struct sim_gp_work *gw, u_int off)
{
	return (sim_get(gw->gw_buf + HDR + off, 4));
}

static struct sim_gp_rect
rect(const struct sim_gp_work *gw, u_int off)
{
	return ((struct sim_gp_rect){ field(gw, off), field(gw, off + 4),
	    field(gw, off + 8), field(gw, off + 12) });
}

static bool
inside(const struct sim_gp_rect *r, uint64_t w, uint64_t h)
{
	return (r->w != 0 && r->h != 0 && (uint64_t)r->x + r->w <= w &&
	    (uint64_t)r->y + r->h <= h);
}

/* Where the colours are in a pixel's four bytes: red, green, blue. */
static const uint8_t *
colours(uint32_t format)
{
	static const uint8_t bgrx[] = { 2, 1, 0 }, xrgb[] = { 1, 2, 3 };
	static const uint8_t rgbx[] = { 0, 1, 2 }, xbgr[] = { 3, 2, 1 };

	switch (format) {
	case 1:
	case 2:
		return (bgrx);
	case 3:
	case 4:
		return (xrgb);
	case 67:
	case 134:
		return (rgbx);
	case 68:
	case 121:
		return (xbgr);
	default:
		return (NULL);
	}
}

/* --- resources ----------------------------------------------------------- */

static struct sim_gp_res *
res_find(struct sim_gpu *gp, uint32_t id)
{
	struct sim_gp_res *gr;

	LIST_FOREACH(gr, &gp->gp_res, gr_link) {
		if (gr->gr_id == id)
			return (gr);
	}
	return (NULL);
}

static struct sim_gp_res *
res_of(struct sim_gpu *gp, uint32_t id)
{
	struct sim_gp_res *gr;

	if ((gr = res_find(gp, id)) == NULL)
		sim_fault("there is no resource %u", id);
	return (gr);
}

static struct sim_gp_res *
res_new(struct sim_gpu *gp, uint32_t id)
{
	struct sim_gp_res *gr;

	if (id == 0 || res_find(gp, id) != NULL) {
		sim_fault("resource %u is created", id);
		return (NULL);
	}
	if ((gr = host_alloc(sizeof(*gr))) == NULL)
		host_fail("no memory");
	gr->gr_id = id;
	LIST_INSERT_HEAD(&gp->gp_res, gr, gr_link);
	gp->gp_nres++;
	return (gr);
}

static void
res_detach(struct sim_gpu *gp, struct sim_gp_res *gr)
{
	if (gr->gr_entry != NULL)
		gp->gp_nbacked--;
	host_free(gr->gr_entry);
	gr->gr_entry = NULL;
	gr->gr_nentry = 0;
	gr->gr_backed = 0;
}

static void
screen_off(struct sim_gp_screen *gs)
{
	host_free(gs->gs_pixels);
	gs->gs_pixels = NULL;
	gs->gs_resource = 0;
}

static void
res_free(struct sim_gpu *gp, struct sim_gp_res *gr)
{
	u_int i;

	for (i = 0; i < SIM_GP_MAX; i++) {
		if (gp->gp_screen[i].gs_resource == gr->gr_id)
			screen_off(&gp->gp_screen[i]);
	}
	res_detach(gp, gr);
	LIST_REMOVE(gr, gr_link);
	gp->gp_nres--;
	host_free(gr->gr_pixels);
	host_free(gr);
}

/* What a device may read at any time: is it there now? */
static void
still_there(struct sim_gpu *gp)
{
	struct sim_gp_res *gr;
	u_int i;

	if (sim_gone)
		return;
	LIST_FOREACH(gr, &gp->gp_res, gr_link) {
		for (i = 0; i < gr->gr_nentry; i++)
			(void)sim_dma_own(gr->gr_entry[i].e_addr,
			    gr->gr_entry[i].e_len);
	}
}

/* Entries of guest memory at the end of a request. */
static uint32_t
res_attach(struct sim_gpu *gp, struct sim_gp_res *gr,
    const struct sim_gp_work *gw, u_int off, uint32_t n)
{
	const uint8_t *p = gw->gw_buf + off;
	struct entry *e;
	u_int i;

	if (gr->gr_entry != NULL) {
		sim_fault("resource %u has memory already", gr->gr_id);
		return (ERR_UNSPEC);
	}
	if (n == 0 || off + (uint64_t)n * 16 != gw->gw_len) {
		sim_fault("%u entries in a request of %u bytes", n,
		    gw->gw_len);
		return (ERR_PARAMETER);
	}
	if ((e = host_alloc(n * sizeof(*e))) == NULL)
		host_fail("no memory");
	for (i = 0; i < n; i++, p += 16) {
		e[i].e_addr = sim_get(p, 8);
		e[i].e_len = sim_get(p + 8, 4);
		if (e[i].e_len == 0 || sim_get(p + 12, 4) != 0)
			sim_fault("an entry of %u bytes", e[i].e_len);
		(void)sim_dma_own(e[i].e_addr, e[i].e_len);
		gr->gr_backed += e[i].e_len;
	}
	gr->gr_entry = e;
	gr->gr_nentry = n;
	gp->gp_nbacked++;
	return (OK_NODATA);
}

static bool
res_read(struct sim_gpu *gp, struct sim_gp_res *gr, uint64_t off,
    uint8_t *buf, uint64_t len)
{
	struct entry *e = gr->gr_entry;
	uint64_t n;

	if (off > gr->gr_backed || len > gr->gr_backed - off) {
		sim_fault("resource %u: %llu bytes at %llu, of %llu",
		    gr->gr_id, (unsigned long long)len,
		    (unsigned long long)off,
		    (unsigned long long)gr->gr_backed);
		return (false);
	}
	gp->gp_bytes += len;
	for (; off >= e->e_len; e++)
		off -= e->e_len;
	for (; len > 0; e++, len -= n, buf += n, off = 0) {
		n = MIN(len, e->e_len - off);
		if (!sim_dma_read(e->e_addr + off, buf, n))
			return (false);
	}
	return (true);
}

static uint32_t
create(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	uint32_t format = field(gw, 4), w = field(gw, 8), h = field(gw, 12);
	struct sim_gp_res *gr;
	uint64_t size = (uint64_t)w * h;

	if (colours(format) == NULL || w == 0 || h == 0) {
		sim_fault("resource of format %u, %ux%u", format, w, h);
		return (ERR_PARAMETER);
	}
	if (size > (gp->gp_maxpixels != 0 ? gp->gp_maxpixels : 64 << 20))
		return (ERR_MEMORY);
	if ((gr = res_new(gp, field(gw, 0))) == NULL)
		return (ERR_RESOURCE);
	gr->gr_format = format;
	gr->gr_w = w;
	gr->gr_h = h;
	if ((gr->gr_pixels = host_alloc(size * 4)) == NULL)
		host_fail("no memory");
	memset(gr->gr_pixels, SIM_GP_JUNK, size * 4);
	return (OK_NODATA);
}

static uint32_t
create_blob(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	uint32_t mem = field(gw, 4), flags = field(gw, 8);
	uint32_t n = field(gw, 12), align, error;
	uint64_t size = sim_get(gw->gw_buf + HDR + 24, 8);
	struct sim_gp_res *gr;

	if (!has(gp, SIM_GP_F_BLOB))
		sim_fault("a blob without RESOURCE_BLOB");
	if (mem != MEM_GUEST || (flags & ~7U) || size == 0) {
		sim_fault("a blob of memory %u, flags %#x, %llu bytes", mem,
		    flags, (unsigned long long)size);
		return (ERR_PARAMETER);
	}
	align = sim_get_le(gp->gp_sv->sv_config + C_ALIGNMENT, 4);
	if (has(gp, SIM_GP_F_ALIGN) && align != 0 && size % align != 0)
		sim_fault("a blob of %llu bytes, alignment %u",
		    (unsigned long long)size, align);
	if ((gr = res_new(gp, field(gw, 0))) == NULL)
		return (ERR_RESOURCE);
	gr->gr_size = size;
	error = n == 0 ? OK_NODATA : res_attach(gp, gr, gw, HDR + 32, n);
	if (error != OK_NODATA)
		res_free(gp, gr);
	else if (n != 0 && gr->gr_backed < size)
		sim_fault("a blob of %llu bytes with %llu of memory",
		    (unsigned long long)size,
		    (unsigned long long)gr->gr_backed);
	return (error);
}

static uint32_t
transfer(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	struct sim_gp_rect r = rect(gw, 0);
	uint64_t off = sim_get(gw->gw_buf + HDR + 16, 8);
	struct sim_gp_res *gr;
	uint32_t y;

	if ((gr = res_of(gp, field(gw, 24))) == NULL)
		return (ERR_RESOURCE);
	if (gr->gr_pixels == NULL || gr->gr_entry == NULL) {
		sim_fault("transfer to resource %u, which has no memory",
		    gr->gr_id);
		return (ERR_UNSPEC);
	}
	if (!inside(&r, gr->gr_w, gr->gr_h)) {
		sim_fault("transfer: %u,%u %ux%u of %ux%u", r.x, r.y, r.w,
		    r.h, gr->gr_w, gr->gr_h);
		return (ERR_PARAMETER);
	}
	for (y = 0; y < r.h; y++) {
		if (!res_read(gp, gr, off + (uint64_t)y * gr->gr_w * 4,
		    gr->gr_pixels + ((uint64_t)(r.y + y) * gr->gr_w + r.x) * 4,
		    r.w * 4ULL))
			return (ERR_UNSPEC);
	}
	gr->gr_unfenced = !(gw->gw_flags & FLAG_FENCE);
	return (OK_NODATA);
}

/* --- screens ------------------------------------------------------------- */

static void
screen_pixels(struct sim_gp_screen *gs)
{
	uint64_t size = (uint64_t)gs->gs_rect.w * gs->gs_rect.h * 4;

	host_free(gs->gs_pixels);
	if ((gs->gs_pixels = host_alloc(size)) == NULL)
		host_fail("no memory");
	memset(gs->gs_pixels, SIM_GP_JUNK, size);
}

static uint32_t
set_scanout(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	struct sim_gp_rect r = rect(gw, 0);
	uint32_t i = field(gw, 16), id = field(gw, 20);
	struct sim_gp_screen *gs;
	struct sim_gp_res *gr;

	if (i >= gp->gp_nscreens) {
		sim_fault("there is no scanout %u", i);
		return (ERR_SCANOUT);
	}
	gs = &gp->gp_screen[i];
	if (id == 0) {
		screen_off(gs);
		return (OK_NODATA);
	}
	if ((gr = res_of(gp, id)) == NULL)
		return (ERR_RESOURCE);
	if (gr->gr_pixels == NULL || !inside(&r, gr->gr_w, gr->gr_h)) {
		sim_fault("scanout: %u,%u %ux%u of %ux%u", r.x, r.y, r.w, r.h,
		    gr->gr_w, gr->gr_h);
		return (ERR_PARAMETER);
	}
	gs->gs_resource = id;
	gs->gs_rect = r;
	gs->gs_format = gr->gr_format;
	screen_pixels(gs);
	return (OK_NODATA);
}

static uint32_t
set_scanout_blob(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	struct sim_gp_rect r = rect(gw, 0);
	uint32_t i = field(gw, 16), id = field(gw, 20), w = field(gw, 24);
	uint32_t h = field(gw, 28), format = field(gw, 32);
	uint32_t stride = field(gw, 40), offset = field(gw, 56);
	struct sim_gp_screen *gs;
	struct sim_gp_res *gr;

	if (!has(gp, SIM_GP_F_BLOB))
		sim_fault("a scanout of a blob without RESOURCE_BLOB");
	if (i >= gp->gp_nscreens) {
		sim_fault("there is no scanout %u", i);
		return (ERR_SCANOUT);
	}
	gs = &gp->gp_screen[i];
	if (id == 0) {
		screen_off(gs);
		return (OK_NODATA);
	}
	if ((gr = res_of(gp, id)) == NULL)
		return (ERR_RESOURCE);
	if (gr->gr_pixels != NULL || colours(format) == NULL ||
	    !inside(&r, w, h) || stride < w * 4ULL ||
	    offset + (h - 1) * (uint64_t)stride + w * 4ULL > gr->gr_size) {
		sim_fault("scanout of a blob: %u,%u %ux%u of %ux%u, "
		    "stride %u", r.x, r.y, r.w, r.h, w, h, stride);
		return (ERR_PARAMETER);
	}
	gs->gs_resource = id;
	gs->gs_rect = r;
	gs->gs_format = format;
	gs->gs_stride = stride;
	gs->gs_offset = offset;
	gr->gr_w = w;
	gr->gr_h = h;
	screen_pixels(gs);
	return (OK_NODATA);
}

/* One line of what a screen shows; x, y of the resource. */
static void
show_line(struct sim_gpu *gp, struct sim_gp_screen *gs,
    struct sim_gp_res *gr, uint32_t x, uint32_t y, uint32_t w)
{
	const uint8_t *c = colours(gs->gs_format), *p;
	uint32_t *to = gs->gs_pixels + (uint64_t)(y - gs->gs_rect.y) *
	    gs->gs_rect.w + (x - gs->gs_rect.x);
	uint8_t *line = NULL;

	if (gr->gr_pixels != NULL)
		p = gr->gr_pixels + ((uint64_t)y * gr->gr_w + x) * 4;
	else {
		if ((p = line = host_alloc(w * 4)) == NULL)
			host_fail("no memory");
		if (!res_read(gp, gr, gs->gs_offset +
		    (uint64_t)y * gs->gs_stride + x * 4ULL, line, w * 4))
			w = 0;
	}
	for (; w > 0; w--, p += 4)
		*to++ = p[c[0]] << 16 | p[c[1]] << 8 | p[c[2]];
	host_free(line);
}

static void
show(struct sim_gpu *gp, struct sim_gp_screen *gs, struct sim_gp_res *gr,
    const struct sim_gp_rect *r)
{
	uint32_t x0 = MAX(r->x, gs->gs_rect.x), y0 = MAX(r->y, gs->gs_rect.y);
	uint32_t x1 = MIN(r->x + r->w, gs->gs_rect.x + gs->gs_rect.w);
	uint32_t y1 = MIN(r->y + r->h, gs->gs_rect.y + gs->gs_rect.h);

	for (; x0 < x1 && y0 < y1; y0++)
		show_line(gp, gs, gr, x0, y0, x1 - x0);
}

static uint32_t
flush(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	struct sim_gp_rect r = rect(gw, 0);
	struct sim_gp_res *gr;
	u_int i;

	if ((gr = res_of(gp, field(gw, 16))) == NULL)
		return (ERR_RESOURCE);
	/* of a blob the size is that of its scanout, if it has one */
	if (!inside(&r, gr->gr_w, gr->gr_h)) {
		sim_fault("flush: %u,%u %ux%u of %ux%u", r.x, r.y, r.w, r.h,
		    gr->gr_w, gr->gr_h);
		return (ERR_PARAMETER);
	}
	for (i = 0; i < gp->gp_nscreens; i++) {
		if (gp->gp_screen[i].gs_resource == gr->gr_id)
			show(gp, &gp->gp_screen[i], gr, &r);
	}
	return (OK_NODATA);
}

/* --- the cursor: 5.7.6.10 ------------------------------------------------ */

static uint32_t
cursor(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	uint32_t i = field(gw, 0), id = field(gw, 16);
	struct sim_gp_screen *gs;
	struct sim_gp_res *gr;

	if (i >= gp->gp_nscreens) {
		sim_fault("a cursor on scanout %u", i);
		return (ERR_SCANOUT);
	}
	gs = &gp->gp_screen[i];
	gs->gs_curx = field(gw, 4);
	gs->gs_cury = field(gw, 8);
	if (gw->gw_cmd == SIM_GP_MOVE)
		return (OK_NODATA);
	gs->gs_cursor = id;
	gs->gs_hotx = field(gw, 20);
	gs->gs_hoty = field(gw, 24);
	if (id == 0)
		return (OK_NODATA);
	if ((gr = res_of(gp, id)) == NULL)
		return (ERR_RESOURCE);
	if (gr->gr_pixels == NULL || gr->gr_w != CURSOR_SIZE ||
	    gr->gr_h != CURSOR_SIZE || gs->gs_hotx >= CURSOR_SIZE ||
	    gs->gs_hoty >= CURSOR_SIZE) {
		sim_fault("a cursor of %ux%u, %u,%u", gr->gr_w, gr->gr_h,
		    gs->gs_hotx, gs->gs_hoty);
		return (ERR_PARAMETER);
	}
	if (gr->gr_unfenced)
		sim_fault("a cursor that may still be transferred");
	memcpy(gs->gs_shape, gr->gr_pixels, sizeof(gs->gs_shape));
	return (OK_NODATA);
}

/* --- what the host wants ------------------------------------------------- */

static void
put32(uint8_t *buf, u_int off, uint32_t v)
{
	sim_put(buf + off, 4, v);
}

static u_int
display_info(struct sim_gpu *gp, uint8_t *resp)
{
	const struct sim_gp_screen *gs;
	uint8_t *p;
	u_int i;

	for (i = 0; i < SIM_GP_MAX; i++) {
		gs = &gp->gp_screen[i];
		p = resp + HDR + 24 * i;
		put32(p, 0, gs->gs_want.x);
		put32(p, 4, gs->gs_want.y);
		put32(p, 8, gs->gs_want.w);
		put32(p, 12, gs->gs_want.h);
		put32(p, 16, gs->gs_enabled);
	}
	return (HDR + 24 * SIM_GP_MAX);
}

static u_int
edid(struct sim_gpu *gp, const struct sim_gp_work *gw, uint8_t *resp,
    uint32_t *type)
{
	uint32_t i = field(gw, 0);

	if (!has(gp, SIM_GP_F_EDID))
		sim_fault("GET_EDID without EDID");
	if (i >= gp->gp_nscreens) {
		sim_fault("EDID of scanout %u", i);
		*type = ERR_SCANOUT;
		return (HDR);
	}
	*type = OK_EDID;
	put32(resp, HDR, gp->gp_screen[i].gs_edidlen);
	memcpy(resp + HDR + 8, gp->gp_screen[i].gs_edid, 1024);
	return (HDR + 8 + 1024);
}

void
sim_gpu_want(struct sim_gpu *gp, u_int screen, uint32_t w, uint32_t h)
{
	struct sim_gp_screen *gs = &gp->gp_screen[screen];

	gs->gs_enabled = w != 0;
	gs->gs_want = (struct sim_gp_rect){ 0, 0, w, h };
}

static void
checksum(uint8_t *block)
{
	uint8_t sum = 0;
	u_int i;

	for (i = 0; i < 127; i++)
		sum += block[i];
	block[127] = 0x100 - sum;
}

/* E-EDID 1.4: a preferred timing in the first descriptor. */
void
sim_gpu_edid(struct sim_gpu *gp, u_int screen, u_int w, u_int h,
    u_int extensions)
{
	static const uint8_t magic[] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	struct sim_gp_screen *gs = &gp->gp_screen[screen];
	uint8_t *e = gs->gs_edid, *d = e + 54;
	u_int i;

	memset(e, 0, sizeof(gs->gs_edid));
	memcpy(e, magic, sizeof(magic));
	e[8] = 0x42, e[9] = 0x21;
	e[16] = 1, e[17] = 30, e[18] = 1, e[19] = 4;
	e[20] = 0xa5, e[21] = 30, e[22] = 20, e[23] = 120, e[24] = 0x06;
	for (i = 38; i < 54; i++)
		e[i] = 1;
	d[0] = 0x10, d[1] = 0x27;
	d[2] = w, d[3] = 32, d[4] = (w >> 8) << 4;
	d[5] = h, d[6] = 16, d[7] = (h >> 8) << 4;
	d[8] = 4, d[9] = 4, d[10] = 0x33, d[17] = 0x1a;
	e[72 + 3] = 0xfc;
	memcpy(e + 72 + 5, "Paravane\n    ", 13);
	e[90 + 3] = e[108 + 3] = 0x10;
	e[126] = extensions;
	checksum(e);
	for (i = 1; i <= extensions && i < 8; i++) {
		e[128 * i] = 0x02, e[128 * i + 1] = 3, e[128 * i + 2] = 4;
		checksum(e + 128 * i);
	}
	gs->gs_edidlen = 128 * MIN(extensions + 1, 8U);
}

/* --- requests ------------------------------------------------------------ */

/* Without a fence it may be too late for an answer. */
static uint32_t
execute(struct sim_gpu *gp, const struct sim_gp_work *gw)
{
	struct sim_gp_log *gl = &gp->gp_log[gp->gp_nlog % SIM_GP_NLOG];
	struct sim_gp_res *gr;

	switch (gw->gw_cmd) {
	case SIM_GP_TRANSFER:
	case SIM_GP_FLUSH:
		gl->gl_cmd = gw->gw_cmd;
		gl->gl_rect = rect(gw, 0);
		gl->gl_resource = field(gw,
		    gw->gw_cmd == SIM_GP_FLUSH ? 16 : 24);
		gp->gp_nlog++;
		return (gw->gw_cmd == SIM_GP_FLUSH ? flush(gp, gw) :
		    transfer(gp, gw));
	case SIM_GP_CREATE:
		return (create(gp, gw));
	case SIM_GP_BLOB:
		return (create_blob(gp, gw));
	case SIM_GP_SCANOUT:
		return (set_scanout(gp, gw));
	case SIM_GP_SCANOUTBLOB:
		return (set_scanout_blob(gp, gw));
	case SIM_GP_CURSOR:
	case SIM_GP_MOVE:
		return (cursor(gp, gw));
	default:
		break;
	}
	/* who does not know whether there is one may try */
	if (gw->gw_cmd == SIM_GP_UNREF) {
		if ((gr = res_find(gp, field(gw, 0))) == NULL)
			return (ERR_RESOURCE);
		res_free(gp, gr);
		return (OK_NODATA);
	}
	if ((gr = res_of(gp, field(gw, 0))) == NULL)
		return (ERR_RESOURCE);
	switch (gw->gw_cmd) {
	case SIM_GP_ATTACH:
		return (res_attach(gp, gr, gw, HDR + 8, field(gw, 4)));
	default:
		if (gr->gr_entry == NULL)
			sim_fault("resource %u has no memory", gr->gr_id);
		res_detach(gp, gr);
		break;
	}
	return (OK_NODATA);
}

static void
work_later(struct sim_gpu *gp)
{
	struct sim_gp_work *gw;

	while ((gw = TAILQ_FIRST(&gp->gp_later)) != NULL) {
		TAILQ_REMOVE(&gp->gp_later, gw, gw_link);
		(void)execute(gp, gw);
		host_free(gw);
	}
}

static struct sim_gp_work *
parse(struct sim_gpu *gp, struct sim_chain *ch)
{
	bool cursorq = ch->ch_vq->sq_index == 1;
	struct sim_gp_work *gw;
	uint32_t type;

	if (ch->ch_outlen < HDR || ch->ch_outlen > MAX_REQUEST) {
		sim_fault("a request of %llu bytes",
		    (unsigned long long)ch->ch_outlen);
		return (NULL);
	}
	if ((gw = host_alloc(sizeof(*gw) + ch->ch_outlen)) == NULL)
		host_fail("no memory");
	gw->gw_len = ch->ch_outlen;
	if (!sim_chain_read(ch, 0, gw->gw_buf, gw->gw_len)) {
		host_free(gw);
		return (NULL);
	}
	type = sim_get(gw->gw_buf, 4);
	gw->gw_flags = sim_get(gw->gw_buf + 4, 4);
	gw->gw_fence = sim_get(gw->gw_buf + 8, 8);
	gw->gw_cmd = cursorq ? type - CMD_CURSOR + SIM_GP_CURSOR :
	    type - CMD_FIRST;
	if (gw->gw_cmd >= SIM_GP_NCMD ||
	    cursorq != (gw->gw_cmd >= SIM_GP_CURSOR) ||
	    request_len[gw->gw_cmd] == 0)
		sim_fault("command %#x in queue %u", type,
		    ch->ch_vq->sq_index);
	else if (gw->gw_cmd == SIM_GP_ATTACH || gw->gw_cmd == SIM_GP_BLOB ?
	    gw->gw_len < request_len[gw->gw_cmd] :
	    gw->gw_len != request_len[gw->gw_cmd])
		sim_fault("command %#x of %u bytes", type, gw->gw_len);
	else {
		if ((gw->gw_flags & ~FLAG_FENCE) != 0 ||
		    sim_get(gw->gw_buf + 16, 4) != 0 ||
		    sim_get(gw->gw_buf + 20, 4) != 0)
			sim_fault("command %#x: flags, context", type);
		return (gw);
	}
	host_free(gw);
	return (NULL);
}

static void
answer(struct sim_gpu *gp, struct sim_chain *ch, enum sim_gp_cmd cmd,
    const struct sim_gp_work *gw, uint8_t *resp, u_int len)
{
	u_int bit = SIM_GP_BIT(cmd);

	if (gp->gp_wrong & bit)
		put32(resp, 0, gp->gp_type);
	if (gw != NULL && (gw->gw_flags & FLAG_FENCE) &&
	    !(gp->gp_nofence & bit)) {
		put32(resp, 4, FLAG_FENCE);
		sim_put(resp + 8, 8, gw->gw_fence);
	}
	if (gp->gp_short & bit)
		len = MIN(len, gp->gp_len);
	gp->gp_inflight--;
	if (len > ch->ch_inlen) {
		if (ch->ch_inlen != 0 || cmd < SIM_GP_CURSOR)
			sim_fault("no room for the answer, %llu of %u bytes",
			    (unsigned long long)ch->ch_inlen, len);
		len = ch->ch_inlen;
	}
	if (cmd >= SIM_GP_CURSOR && gp->gp_mute)
		len = 0;
	if (len != 0)
		(void)sim_chain_write(ch, 0, resp, len);
	sim_chain_done(ch, gp->gp_lie & bit ? gp->gp_used : len);
}

static void
serve(struct sim_gpu *gp, struct sim_chain *ch, struct sim_gp_work *gw)
{
	uint8_t resp[HDR + 8 + 1024];
	enum sim_gp_cmd cmd = gw->gw_cmd;
	uint32_t type = OK_NODATA;
	u_int len = HDR;
	bool fail;

	memset(resp, 0, sizeof(resp));
	fail = (gp->gp_failat != 0 && --gp->gp_failat == 0) ||
	    (gp->gp_fail & SIM_GP_BIT(cmd));
	work_later(gp);
	still_there(gp);
	if (fail)
		type = gp->gp_error != 0 ? gp->gp_error : ERR_MEMORY;
	else if (cmd == SIM_GP_INFO) {
		type = OK_INFO;
		len = display_info(gp, resp);
	} else if (cmd == SIM_GP_EDID)
		len = edid(gp, gw, resp, &type);
	else if (gp->gp_async && !(gw->gw_flags & FLAG_FENCE)) {
		TAILQ_INSERT_TAIL(&gp->gp_later, gw, gw_link);
		put32(resp, 0, type);
		answer(gp, ch, cmd, gw, resp, len);
		return;
	} else
		type = execute(gp, gw);
	put32(resp, 0, type);
	answer(gp, ch, cmd, gw, resp, len);
	host_free(gw);
}

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_gpu *gp = sv->sv_priv;
	struct sim_gp_work *gw;
	enum sim_gp_cmd cmd;

	gp->gp_inflight++;
	gp->gp_most = MAX(gp->gp_most, gp->gp_inflight);
	if ((gw = parse(gp, ch)) == NULL) {
		uint8_t resp[HDR] = { 0 };

		put32(resp, 0, ERR_UNSPEC);
		answer(gp, ch, SIM_GP_UNREF, NULL, resp, HDR);
		return;
	}
	cmd = gw->gw_cmd;
	gp->gp_ncmd[cmd]++;
	if (gp->gp_seen != NULL)
		gp->gp_seen(gp, cmd);
	if (gp->gp_hold & SIM_GP_BIT(cmd)) {
		host_free(gw);
		return;
	}
	serve(gp, ch, gw);
}

void
sim_gpu_release(struct sim_gpu *gp)
{
	struct sim_gp_work *gw;
	struct sim_chain *ch;
	u_int i;

	gp->gp_hold = 0;
	for (i = 0; i < 2; i++) {
		while ((ch = TAILQ_FIRST(&gp->gp_sv->sv_vq[i].sq_held)) !=
		    NULL) {
			if ((gw = parse(gp, ch)) == NULL)
				host_fail("a held request has changed");
			serve(gp, ch, gw);
		}
	}
}

/* --- configuration, reset ------------------------------------------------ */

/* 5.7.4.1: write-to-clear */
static void
config_written(struct sim_virtio *sv, u_int off, u_int width)
{
	uint32_t events;

	if (off != C_EVENTS_CLEAR || width != 4) {
		sim_fault("%u bytes of configuration written at %u", width,
		    off);
		return;
	}
	events = sim_get_le(sv->sv_config + C_EVENTS_READ, 4) &
	    ~sim_get_le(sv->sv_config + C_EVENTS_CLEAR, 4);
	sim_config_put(sv, C_EVENTS_READ, 4, events);
	sim_config_put(sv, C_EVENTS_CLEAR, 4, 0);
}

void
sim_gpu_event(struct sim_gpu *gp, uint32_t events)
{
	sim_config_put(gp->gp_sv, C_EVENTS_READ, 4, events |
	    sim_get_le(gp->gp_sv->sv_config + C_EVENTS_READ, 4));
	sim_virtio_changed(gp->gp_sv);
}

void
sim_gpu_align(struct sim_gpu *gp, uint32_t align)
{
	sim_config_put(gp->gp_sv, C_ALIGNMENT, 4, align);
}

static void
forget(struct sim_gpu *gp)
{
	struct sim_gp_work *gw;
	u_int i;

	while ((gw = TAILQ_FIRST(&gp->gp_later)) != NULL) {
		TAILQ_REMOVE(&gp->gp_later, gw, gw_link);
		host_free(gw);
	}
	while (!LIST_EMPTY(&gp->gp_res))
		res_free(gp, LIST_FIRST(&gp->gp_res));
	for (i = 0; i < SIM_GP_MAX; i++) {
		screen_off(&gp->gp_screen[i]);
		gp->gp_screen[i].gs_cursor = 0;
	}
	gp->gp_inflight = 0;
}

static void
reset(struct sim_virtio *sv)
{
	struct sim_gpu *gp = sv->sv_priv;

	if (gp == NULL)
		return;
	still_there(gp);
	forget(gp);
}

uint32_t
sim_gpu_pixel(struct sim_gpu *gp, u_int screen, u_int x, u_int y)
{
	const struct sim_gp_screen *gs = &gp->gp_screen[screen];

	if (gs->gs_pixels == NULL || x >= gs->gs_rect.w || y >= gs->gs_rect.h)
		return (~0U);
	return (gs->gs_pixels[(uint64_t)y * gs->gs_rect.w + x]);
}

/* Nothing is on its way; each resource has a purpose. */
void
sim_gpu_settled(struct sim_gpu *gp)
{
	struct sim_gp_res *gr;
	u_int i;

	work_later(gp);
	still_there(gp);
	LIST_FOREACH(gr, &gp->gp_res, gr_link) {
		for (i = 0; i < gp->gp_nscreens; i++) {
			if (gp->gp_screen[i].gs_resource == gr->gr_id)
				break;
		}
		if (i == gp->gp_nscreens && (gr->gr_w != CURSOR_SIZE ||
		    gr->gr_h != CURSOR_SIZE))
			sim_fault("resource %u is not shown", gr->gr_id);
	}
	if (gp->gp_inflight != 0)
		sim_fault("%u commands have no answer", gp->gp_inflight);
}

struct sim_gpu *
sim_gpu_new(const struct sim_virtio_conf *given, u_int nscreens,
    u_int width, u_int height)
{
	struct sim_virtio_conf vc = *given;
	struct sim_gpu *gp;
	u_int i;

	if ((gp = host_alloc(sizeof(*gp))) == NULL)
		host_fail("no memory");
	LIST_INIT(&gp->gp_res);
	TAILQ_INIT(&gp->gp_later);
	gp->gp_nscreens = nscreens;
	vc.vc_devid = 16;
	if (vc.vc_nvq == 0) {
		vc.vc_nvq = 2;
		vc.vc_qsize[0] = 64;
		vc.vc_qsize[1] = 16;
	}
	vc.vc_cfgsize = C_SIZE;
	vc.vc_request = request;
	vc.vc_config_written = config_written;
	vc.vc_reset = reset;
	gp->gp_sv = sim_virtio_new(&vc);
	gp->gp_sv->sv_priv = gp;
	sim_config_put(gp->gp_sv, C_NUM_SCANOUTS, 4, nscreens);
	sim_gpu_align(gp, 1);
	for (i = 0; i < nscreens && i < SIM_GP_MAX; i++)
		sim_gpu_edid(gp, i, width, height, 0);
	if (nscreens > 0)
		sim_gpu_want(gp, 0, width, height);
	return (gp);
}

void
sim_gpu_free(struct sim_gpu *gp)
{
	forget(gp);
	sim_virtio_free(gp->gp_sv);
	host_free(gp);
}

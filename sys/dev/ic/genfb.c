/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * genfb(4): a frame buffer that somebody else has set up.
 *
 * It is drawn in ordinary memory, in the one format of fb.h.  What was drawn
 * is copied from there by a thread, each line as far as it was touched, and
 * at most so many times a second.  Video memory may be slow; it is not read.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/systm.h>

#include <dev/ic/genfbvar.h>
#include <vm/pmap.h>
#include <vm/vm_page.h>

#define GENFB_MSEC	16		/* from one copy to the next */

/* pixels of a line that were drawn; none if the end is 0 */
struct genfb_span {
	uint16_t	gs_start;
	uint16_t	gs_end;
};

CFDRIVER_DECL(genfb, DV_DULL);

/* --- formats ------------------------------------------------------------ */

/* Pixels have the format of fb.h already. */
static bool
genfb_same(const struct genfb_conf *gf)
{
	return (gf->gf_bits == 32 && genfb_mask(&gf->gf_red) == 0xff0000 &&
	    genfb_mask(&gf->gf_green) == 0xff00 &&
	    genfb_mask(&gf->gf_blue) == 0xff);
}

/* The highest bits count; more than eight are filled so that white is. */
static uint32_t
genfb_colour(const struct genfb_channel *gc, uint8_t v)
{
	return ((v * 0x101U >> (16 - gc->gc_size)) << gc->gc_pos);
}

static void
genfb_convert(const struct genfb_conf *gf, uint8_t *d, const uint8_t *s,
    u_int n)
{
	u_int bytes = GENFB_BYTES(gf), i;
	uint32_t v;

	for (; n > 0; n--, s += 4) {
		v = genfb_colour(&gf->gf_red, s[2]) |
		    genfb_colour(&gf->gf_green, s[1]) |
		    genfb_colour(&gf->gf_blue, s[0]);
		for (i = 0; i < bytes; i++, v >>= 8)
			*d++ = v;
	}
}

/* --- to the screen ------------------------------------------------------ */

static void
genfb_copy(struct genfb_softc *sc, u_int y, const struct genfb_span *gs,
    bool blank)
{
	const struct genfb_conf *gf = &sc->sc_conf;
	u_int n = gs->gs_end - gs->gs_start;
	size_t bytes = (size_t)n * GENFB_BYTES(gf);
	const uint8_t *s = sc->sc_fb.fb_pixels +
	    (size_t)y * sc->sc_fb.fb_stride + 4 * gs->gs_start;
	uint8_t *d = sc->sc_video + (size_t)y * gf->gf_pitch +
	    (size_t)gs->gs_start * GENFB_BYTES(gf);

	if (blank)
		memset(d, 0, bytes);
	else if (sc->sc_line == NULL)
		memcpy(d, s, bytes);
	else {
		genfb_convert(gf, sc->sc_line, s, n);
		memcpy(d, sc->sc_line, bytes);
	}
}

/* With sc_mtx, which is left meanwhile: all that is damaged by now. */
static void
genfb_lines(struct genfb_softc *sc)
{
	struct genfb_span gs;
	bool blank;
	u_int y = sc->sc_top, end = sc->sc_bottom;

	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	sc->sc_top = sc->sc_bottom = 0;
	for (; y < end; y++) {
		gs = sc->sc_span[y];
		sc->sc_span[y] = (struct genfb_span){ 0, 0 };
		blank = sc->sc_blank;
		mtx_leave(&sc->sc_mtx);
		if (gs.gs_end != 0)
			genfb_copy(sc, y, &gs, blank);
		mtx_enter(&sc->sc_mtx);
	}
}

static void
genfb_thread(void *arg)
{
	struct genfb_softc *sc = arg;
	uint64_t next = 0, now;

	mtx_enter(&sc->sc_mtx);
	while (!sc->sc_ending) {
		now = nsecuptime();
		if (!sc->sc_busy || now < next) {
			(void)msleep_nsec(&sc->sc_busy, &sc->sc_mtx, PRI_KERN,
			    "genfb", sc->sc_busy ? next - now : INFSLP);
			continue;
		}
		genfb_lines(sc);
		next = nsecuptime() + MSEC_TO_NSEC(GENFB_MSEC);
		sc->sc_busy = sc->sc_top < sc->sc_bottom;
		if (sc->sc_busy)
			continue;
		mtx_leave(&sc->sc_mtx);
		fb_tell_idle(&sc->sc_fb);
		fbdev_idle(sc->sc_fbdev);
		mtx_enter(&sc->sc_mtx);
	}
	mtx_leave(&sc->sc_mtx);
}

static void
genfb_damage(struct fb *fb, const struct fb_rect *r)
{
	struct genfb_softc *sc = fb->fb_arg;
	struct genfb_span *gs;
	u_int x2, y2, y;

	if (r->fr_x >= fb->fb_width || r->fr_y >= fb->fb_height ||
	    r->fr_w == 0 || r->fr_h == 0)
		return;
	x2 = r->fr_x + MIN(r->fr_w, fb->fb_width - r->fr_x);
	y2 = r->fr_y + MIN(r->fr_h, fb->fb_height - r->fr_y);
	mtx_enter(&sc->sc_mtx);
	for (y = r->fr_y; y < y2; y++) {
		gs = &sc->sc_span[y];
		gs->gs_start = gs->gs_end == 0 ? r->fr_x :
		    MIN(gs->gs_start, r->fr_x);
		gs->gs_end = MAX(gs->gs_end, x2);
	}
	if (sc->sc_top >= sc->sc_bottom) {
		sc->sc_top = r->fr_y;
		sc->sc_bottom = y2;
	} else {
		sc->sc_top = MIN(sc->sc_top, r->fr_y);
		sc->sc_bottom = MAX(sc->sc_bottom, y2);
	}
	if (!sc->sc_busy) {
		sc->sc_busy = true;
		wakeup(&sc->sc_busy);
	}
	mtx_leave(&sc->sc_mtx);
}

static void
genfb_damage_all(struct genfb_softc *sc)
{
	const struct fb_rect all = { 0, 0, sc->sc_fb.fb_width,
	    sc->sc_fb.fb_height };

	genfb_damage(&sc->sc_fb, &all);
}

static bool
genfb_idle(struct fb *fb)
{
	struct genfb_softc *sc = fb->fb_arg;
	bool idle;

	mtx_enter(&sc->sc_mtx);
	idle = !sc->sc_busy || sc->sc_ending;
	mtx_leave(&sc->sc_mtx);
	return (idle);
}

static void
genfb_poll(struct fb *fb)
{
	struct genfb_softc *sc = fb->fb_arg;
	const struct genfb_span line = { 0, fb->fb_width };
	u_int y;

	for (y = 0; y < fb->fb_height; y++)
		genfb_copy(sc, y, &line, false);
}

/* The mode is the one that there is. */
static int
genfb_mode(struct fb *fb, u_int w, u_int h)
{
	return ((w == 0 && h == 0) || (w == fb->fb_width &&
	    h == fb->fb_height) ? 0 : EINVAL);
}

static int
genfb_blank(struct fb *fb, bool blank)
{
	struct genfb_softc *sc = fb->fb_arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_blank = blank;
	mtx_leave(&sc->sc_mtx);
	genfb_damage_all(sc);
	return (0);
}

static int
genfb_cursor(struct fb *fb __unused, const struct fb_cursor *fc __unused)
{
	return (EOPNOTSUPP);
}

static const struct fb_ops genfb_ops = {
	.fo_damage = genfb_damage,
	.fo_idle = genfb_idle,
	.fo_poll = genfb_poll,
	.fo_mode = genfb_mode,
	.fo_blank = genfb_blank,
	.fo_cursor = genfb_cursor,
};

/* --- attachment --------------------------------------------------------- */

static size_t
genfb_spans(const struct genfb_conf *gf)
{
	return (gf->gf_height * sizeof(struct genfb_span));
}

static size_t
genfb_line(const struct genfb_conf *gf)
{
	return ((size_t)gf->gf_width * GENFB_BYTES(gf));
}

/* Undo attach, however far it came. */
static void
genfb_teardown(struct genfb_softc *sc)
{
	fb_boot_set(NULL, 0, NULL, NULL);
	if (sc->sc_thread != NULL) {
		mtx_enter(&sc->sc_mtx);
		sc->sc_ending = true;
		wakeup(&sc->sc_busy);
		mtx_leave(&sc->sc_mtx);
		kthread_join(sc->sc_thread);
		sc->sc_thread = NULL;
	}
	fbdev_detach(sc->sc_fbdev);
	sc->sc_fbdev = NULL;
	if (sc->sc_fb.fb_pixels != NULL)
		kva_memory_free(sc->sc_fb.fb_pixels, sc->sc_size);
	sc->sc_fb.fb_pixels = NULL;
	kmem_free(sc->sc_span, genfb_spans(&sc->sc_conf));
	sc->sc_span = NULL;
	kmem_free(sc->sc_line, genfb_line(&sc->sc_conf));
	sc->sc_line = NULL;
}

static int
genfb_memory(struct genfb_softc *sc)
{
	const struct genfb_conf *gf = &sc->sc_conf;
	struct fb *fb = &sc->sc_fb;

	sc->sc_size = round_page((size_t)gf->gf_width * gf->gf_height * 4);
	if ((sc->sc_span = kmem_zalloc(genfb_spans(gf), KM_NOSLEEP)) == NULL ||
	    (!genfb_same(gf) && (sc->sc_line = kmem_alloc(genfb_line(gf),
	    KM_NOSLEEP)) == NULL) ||
	    (fb->fb_pixels = kva_memory(sc->sc_size)) == NULL)
		return (ENOMEM);
	memset(fb->fb_pixels, 0, sc->sc_size);
	fb->fb_width = gf->gf_width;
	fb->fb_height = gf->gf_height;
	fb->fb_stride = gf->gf_width * 4;
	return (0);
}

/* A driver of the device that shows it takes the screen over. */
static void
genfb_taken(void *arg, const struct device *by)
{
	struct genfb_softc *sc = arg;

	device_printf(&sc->sc_dev, "%s has the screen from now on\n",
	    by->dv_xname);
	(void)config_detach(&sc->sc_dev, DETACH_FORCE | DETACH_QUIET);
}

/*
 * While devices were looked for, the one that shows it may have been deaf for
 * a moment, as its registers were looked at.
 */
static void
genfb_again(struct device *self)
{
	genfb_damage_all((struct genfb_softc *)self);
}

int
genfb_attach(struct genfb_softc *sc, const struct genfb_conf *gf, void *video)
{
	struct fb_attach_args fa = { .fa_fb = &sc->sc_fb };
	int error;

	sc->sc_conf = *gf;
	sc->sc_video = video;
	mtx_init(&sc->sc_mtx, IPL_TTY);
	fb_init(&sc->sc_fb, &genfb_ops, sc, sc->sc_dev.dv_xname);
	if ((error = genfb_memory(sc)) != 0 ||
	    (error = fbdev_attach(&sc->sc_fbdev, &sc->sc_fb)) != 0 ||
	    (error = kthread_create(genfb_thread, sc, PRI_KERN,
	    sc->sc_dev.dv_xname, &sc->sc_thread)) != 0) {
		device_describe(&sc->sc_dev, "no memory for %ux%u pixels",
		    gf->gf_width, gf->gf_height);
		genfb_teardown(sc);
		return (error);
	}
	device_describe(&sc->sc_dev, "%ux%u, %u bits a pixel", gf->gf_width,
	    gf->gf_height, gf->gf_bits);
	genfb_damage_all(sc);
	(void)config_found(&sc->sc_dev, &fa, NULL);
	fb_boot_set(&sc->sc_dev, gf->gf_addr, genfb_taken, sc);
	config_defer(&sc->sc_dev, genfb_again);
	return (0);
}

int
genfb_detach(struct device *self, int flags)
{
	int error;

	if ((error = config_detach_children(self, flags)) != 0)
		return (error);
	genfb_teardown((struct genfb_softc *)self);
	return (0);
}

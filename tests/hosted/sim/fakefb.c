/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* A frame buffer in memory, for who draws in one. */

#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/wscons/wsdisplayvar.h>
#include <machine/mainbus.h>

#include "fakefb.h"
#include "sim.h"

struct fakefb	*fakefb;

struct fakefb_softc {
	struct device	sc_dev;
	struct fakefb	sc_fake;
};

static void
fakefb_damage(struct fb *fb, const struct fb_rect *r)
{
	struct fakefb *ff = fb->fb_arg;

	KASSERT(r->fr_w != 0 && r->fr_h != 0);
	KASSERT(r->fr_x + r->fr_w <= fb->fb_width);
	KASSERT(r->fr_y + r->fr_h <= fb->fb_height);
	if (ff->ff_nrects < FAKEFB_RECTS)
		ff->ff_rect[ff->ff_nrects] = *r;
	ff->ff_nrects++;
	ff->ff_idle = false;
}

static bool
fakefb_idle(struct fb *fb)
{
	struct fakefb *ff = fb->fb_arg;

	return (ff->ff_idle);
}

static void
fakefb_poll(struct fb *fb)
{
	struct fakefb *ff = fb->fb_arg;

	ff->ff_npolls++;
}

static const struct fb_ops fakefb_ops = {
	.fo_damage = fakefb_damage,
	.fo_idle = fakefb_idle,
	.fo_poll = fakefb_poll,
};

void
fakefb_show(struct fakefb *ff)
{
	ff->ff_nshown++;
	ff->ff_idle = true;
	fb_tell_idle(&ff->ff_fb);
}

void
fakefb_mode(struct fakefb *ff, u_int width, u_int height)
{
	struct fb *fb = &ff->ff_fb;

	rw_enter_write(&fb->fb_lock);
	kmem_free(fb->fb_pixels, ff->ff_size);
	fb->fb_pixels = NULL;
	if (width != 0) {
		fb->fb_width = width;
		fb->fb_height = height;
		fb->fb_stride = width * 4 + ff->ff_pad;
		ff->ff_size = (size_t)fb->fb_stride * height;
		fb->fb_pixels = kmem_zalloc(ff->ff_size, KM_SLEEP);
	}
	ff->ff_idle = true;
	rw_exit(&fb->fb_lock);
	fb_tell_mode(fb);
}

uint32_t
fakefb_pixel(const struct fakefb *ff, u_int x, u_int y)
{
	const uint8_t *p = ff->ff_fb.fb_pixels +
	    (size_t)y * ff->ff_fb.fb_stride + x * 4;

	return (p[2] << 16 | p[1] << 8 | p[0]);
}

static int
fakefb_attach(struct device *parent, struct device *self, void *aux)
{
	struct fakefb_softc *sc = (struct fakefb_softc *)self;
	const struct fakefb_conf *fc =
	    ((struct mainbus_attach_args *)aux)->ma_aux;
	struct fb *fb = &sc->sc_fake.ff_fb;
	struct fb_attach_args fa = { .fa_fb = fb };

	fakefb = &sc->sc_fake;
	fakefb->ff_pad = fc->fc_pad;
	fb_init(fb, &fakefb_ops, fakefb, self->dv_xname);
	fakefb_mode(fakefb, fc->fc_width, fc->fc_height);
	device_describe(self, "%ux%u", fc->fc_width, fc->fc_height);
	fakefb->ff_child = config_found(self, &fa, NULL);
	return (0);
}

static int
fakefb_detach(struct device *self, int flags)
{
	struct fakefb_softc *sc = (struct fakefb_softc *)self;
	int error;

	if ((error = config_detach_children(self, flags)) != 0)
		return (error);
	kmem_free(sc->sc_fake.ff_fb.fb_pixels, sc->sc_fake.ff_size);
	fakefb = NULL;
	return (0);
}

static const struct fakefb_conf *attach_conf;

static void
attach_children(struct device *mainbus)
{
	struct fakefb_conf fc = *attach_conf;
	struct mainbus_attach_args ma = { .ma_name = "fakefb",
	    .ma_aux = &fc };

	(void)config_found(mainbus, &ma, NULL);
}

void
fakefb_new(const struct fakefb_conf *fc)
{
	attach_conf = fc;
	sim_mainbus_children = attach_children;
	(void)sim_attach();
}

CFDRIVER_DECL(fakefb, DV_DULL);
CFATTACH_DECL(fakefb, mainbus, fakefb_softc, .ca_match = mainbus_child_match,
    .ca_attach = fakefb_attach, .ca_detach = fakefb_detach);
WSDISPLAY_ATTACH_DECL(fakefb);

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Below a frame buffer's driver, in place of wsdisplay(4). */

#include <sys/device.h>
#include <sys/systm.h>

#include "fbuser.h"

struct fbuser	fbuser[FBUSER_MAX];

struct fbuser_softc {
	struct device	sc_dev;
};

static void
fbuser_idle(void *arg)
{
	struct fbuser *fu = arg;

	KASSERT(fu->fu_fb != NULL);
	fu->fu_nidle++;
}

static void
fbuser_mode(void *arg)
{
	struct fbuser *fu = arg;

	KASSERT(fu->fu_fb != NULL);
	fu->fu_nmode++;
}

void
fbuser_fill(struct fbuser *fu, u_int x, u_int y, u_int w, u_int h,
    uint32_t colour)
{
	struct fb *fb = fu->fu_fb;
	struct fb_rect r = { x, y, w, h };
	u_int i, k;
	uint8_t *p;

	rw_enter_read(&fb->fb_lock);
	for (k = y; k < y + h && k < fb->fb_height; k++) {
		p = fb->fb_pixels + (size_t)k * fb->fb_stride + x * 4;
		for (i = x; i < x + w && i < fb->fb_width; i++, p += 4) {
			p[0] = colour;
			p[1] = colour >> 8;
			p[2] = colour >> 16;
		}
	}
	fb->fb_ops->fo_damage(fb, &r);
	rw_exit(&fb->fb_lock);
}

uint32_t
fbuser_pixel(struct fbuser *fu, u_int x, u_int y)
{
	const uint8_t *p = fu->fu_fb->fb_pixels +
	    (size_t)y * fu->fu_fb->fb_stride + x * 4;

	return (p[2] << 16 | p[1] << 8 | p[0]);
}

static int
fbuser_match(struct device *parent, const struct cfdata *cf, const void *aux)
{
	return (1);
}

static int
fbuser_attach(struct device *parent, struct device *self, void *aux)
{
	struct fb_attach_args *fa = aux;
	struct fbuser *fu = &fbuser[self->dv_unit];

	*fu = (struct fbuser){ .fu_fb = fa->fa_fb, .fu_client = {
	    .fc_idle = fbuser_idle, .fc_mode = fbuser_mode, .fc_arg = fu } };
	device_describe(self, "draws");
	fb_setclient(fu->fu_fb, &fu->fu_client);
	return (0);
}

static int
fbuser_detach(struct device *self, int flags)
{
	struct fbuser *fu = &fbuser[self->dv_unit];

	fb_setclient(fu->fu_fb, NULL);
	fu->fu_fb = NULL;
	return (0);
}

CFDRIVER_DECL(fbuser, DV_DULL);
CFATTACH_DECL(fbuser, viogpu, fbuser_softc, .ca_match = fbuser_match,
    .ca_attach = fbuser_attach, .ca_detach = fbuser_detach);

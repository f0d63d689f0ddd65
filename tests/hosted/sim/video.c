/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Video memory, for genfb(4). */

#include <sys/systm.h>

#include <machine/host.h>
#include <machine/mainbus.h>

#include "sim.h"
#include "video.h"

uint8_t			*video;
struct genfb_softc	*video_genfb;
static const struct genfb_conf *video_conf;

static int
genfb_mainbus_attach(struct device *parent, struct device *self, void *aux)
{
	const struct mainbus_attach_args *ma = aux;
	int error;

	video_genfb = (struct genfb_softc *)self;
	if ((error = genfb_attach(video_genfb, ma->ma_aux, video)) != 0)
		video_genfb = NULL;
	return (error);
}

static int
genfb_mainbus_detach(struct device *self, int flags)
{
	int error;

	if ((error = genfb_detach(self, flags)) == 0)
		video_genfb = NULL;
	return (error);
}

CFATTACH_DECL(genfb, mainbus, genfb_softc, .ca_match = mainbus_child_match,
    .ca_attach = genfb_mainbus_attach, .ca_detach = genfb_mainbus_detach);

static void
attach_children(struct device *mainbus)
{
	struct genfb_conf gf = *video_conf;
	struct mainbus_attach_args ma = { .ma_name = "genfb",
	    .ma_aux = &gf };

	(void)config_found(mainbus, &ma, NULL);
}

void
video_new(const struct genfb_conf *gf)
{
	video_conf = gf;
	video = host_alloc(GENFB_SIZE(gf));
	video_fill(gf);
	sim_mainbus_children = attach_children;
	(void)sim_attach();
}

void
video_free(void)
{
	host_free(video);
	video = NULL;
}

uint32_t
video_pixel(const struct genfb_conf *gf, u_int x, u_int y)
{
	const uint8_t *p = video + (size_t)y * gf->gf_pitch +
	    x * GENFB_BYTES(gf);
	uint32_t v = 0;
	u_int i;

	for (i = 0; i < GENFB_BYTES(gf); i++)
		v |= (uint32_t)p[i] << 8 * i;
	return (v);
}

void
video_fill(const struct genfb_conf *gf)
{
	memset(video, VIDEO_FILL, GENFB_SIZE(gf));
}

size_t
video_written(const struct genfb_conf *gf)
{
	size_t i, n = 0;

	for (i = 0; i < GENFB_SIZE(gf); i++)
		n += video[i] != VIDEO_FILL;
	return (n);
}

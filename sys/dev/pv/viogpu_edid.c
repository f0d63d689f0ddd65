/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viogpu(4): what a monitor says of itself.  VESA E-EDID release A, revision
 * 2, with the detailed timings of CTA-861 and DisplayID extensions.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/pv/viogpuvar.h>

#define EDID_BLOCK	128
#define EDID_VERSION	18
#define EDID_SIZE_CM	21
#define EDID_ESTABLISHED 35		/* three bytes, a bit a mode */
#define EDID_STANDARD	38		/* eight of two bytes */
#define EDID_DETAILED	54		/* four of them */
#define EDID_EXTENSIONS	126

#define DTD_SIZE	18		/* a detailed timing descriptor */
#define DTD_INTERLACED	0x80		/* of the last byte */
#define DTD_NAME	0xfc		/* display descriptor: product name */

#define CTA_TAG		0x02
#define CTA_DTD		2		/* where the first one is */

#define DISPLAYID_TAG	0x70
#define DISPLAYID_TIMING 0x03		/* data block: type 1 detailed */
#define DISPLAYID_TIMING_SIZE 20
#define DISPLAYID_PREFERRED 0x80

static const uint8_t edid_magic[8] = {
	0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00
};

/* from the highest bit of the first byte on; what is not VESA's is left out */
static const struct viogpu_mode edid_established[24] = {
	{ 720, 400 }, { 720, 400 }, { 640, 480 }, { 640, 480 }, { 640, 480 },
	{ 640, 480 }, { 800, 600 }, { 800, 600 }, { 800, 600 }, { 800, 600 },
	{ 832, 624 }, { 1024, 768 }, { 1024, 768 }, { 1024, 768 },
	{ 1024, 768 }, { 1280, 1024 }, { 1152, 870 },
};

static void
edid_mode(struct viogpu_edid *ve, u_int w, u_int h)
{
	u_int i;

	if (!fb_size_ok(w, h))
		return;
	for (i = 0; i < ve->ve_nmodes; i++) {
		if (ve->ve_mode[i].vm_width == w &&
		    ve->ve_mode[i].vm_height == h)
			return;
	}
	if (i < VIOGPU_NMODES) {
		ve->ve_mode[i] = (struct viogpu_mode){ w, h };
		ve->ve_nmodes++;
	}
}

/* A mode that is liked better than those so far. */
static void
edid_preferred(struct viogpu_edid *ve, u_int w, u_int h)
{
	struct viogpu_edid old = *ve;
	u_int i;

	ve->ve_nmodes = 0;
	edid_mode(ve, w, h);
	for (i = 0; i < old.ve_nmodes; i++)
		edid_mode(ve, old.ve_mode[i].vm_width,
		    old.ve_mode[i].vm_height);
}

/* The name is thirteen bytes, ended by a newline if it is shorter. */
static void
edid_name(struct viogpu_edid *ve, const uint8_t *p)
{
	u_int i;

	for (i = 0; i < sizeof(ve->ve_name) - 1; i++) {
		if (p[i] < ' ' || p[i] > '~')
			break;
		ve->ve_name[i] = p[i];
	}
	while (i > 0 && ve->ve_name[i - 1] == ' ')
		i--;
	ve->ve_name[i] = '\0';
}

static void
edid_detailed(struct viogpu_edid *ve, const uint8_t *p)
{
	/* the lines are those of a field, of which a picture has two */
	u_int fields = (p[17] & DTD_INTERLACED) ? 2 : 1;

	if (p[0] != 0 || p[1] != 0) {	/* has a pixel clock: a timing */
		edid_mode(ve, p[2] | (p[4] & 0xf0) << 4,
		    (p[5] | (p[7] & 0xf0) << 4) * fields);
	} else if (p[3] == DTD_NAME)
		edid_name(ve, p + 5);
}

static void
edid_standard(struct viogpu_edid *ve, const uint8_t *p, bool old)
{
	u_int w = (p[0] + 31) * 8;

	if (p[0] <= 1)			/* 0x01, 0x01: none */
		return;
	switch (p[1] >> 6) {
	case 0:				/* 1:1 before version 1.3 */
		edid_mode(ve, w, old ? w : w * 10 / 16);
		break;
	case 1:
		edid_mode(ve, w, w * 3 / 4);
		break;
	case 2:
		edid_mode(ve, w, w * 4 / 5);
		break;
	default:
		edid_mode(ve, w, w * 9 / 16);
		break;
	}
}

static void
edid_base(struct viogpu_edid *ve, const uint8_t *p)
{
	u_int i;

	ve->ve_mm[0] = p[EDID_SIZE_CM] * 10;
	ve->ve_mm[1] = p[EDID_SIZE_CM + 1] * 10;
	/* the first one is the preferred one */
	for (i = 0; i < 4; i++)
		edid_detailed(ve, p + EDID_DETAILED + i * DTD_SIZE);
	for (i = 0; i < 8; i++)
		edid_standard(ve, p + EDID_STANDARD + 2 * i,
		    p[EDID_VERSION] == 1 && p[EDID_VERSION + 1] < 3);
	for (i = 0; i < nitems(edid_established); i++) {
		if (p[EDID_ESTABLISHED + i / 8] & (0x80 >> i % 8))
			edid_mode(ve, edid_established[i].vm_width,
			    edid_established[i].vm_height);
	}
}

static void
edid_cta(struct viogpu_edid *ve, const uint8_t *p)
{
	u_int off = p[CTA_DTD];

	if (off < 4)			/* it has none */
		return;
	for (; off + DTD_SIZE < EDID_BLOCK; off += DTD_SIZE) {
		if (p[off] == 0 && p[off + 1] == 0)
			break;		/* padding */
		edid_detailed(ve, p + off);
	}
}

static void
edid_displayid_timing(struct viogpu_edid *ve, const uint8_t *p)
{
	u_int w = (p[4] | p[5] << 8) + 1, h = (p[12] | p[13] << 8) + 1;

	if (p[3] & DISPLAYID_PREFERRED)
		edid_preferred(ve, w, h);
	else
		edid_mode(ve, w, h);
}

/* Data blocks of a tag, a revision, a length and as many bytes. */
static void
edid_displayid(struct viogpu_edid *ve, const uint8_t *p)
{
	u_int end, i, len, off = 5;

	/* the section begins behind the tag; its own header is four bytes */
	end = MIN((u_int)p[2] + 5, EDID_BLOCK - 2);
	for (; off + 3 <= end; off += 3 + len) {
		len = p[off + 2];
		if (len > end - off - 3)
			break;
		if (p[off] != DISPLAYID_TIMING)
			continue;
		for (i = 0; i + DISPLAYID_TIMING_SIZE <= len;
		    i += DISPLAYID_TIMING_SIZE)
			edid_displayid_timing(ve, p + off + 3 + i);
	}
}

static bool
edid_sum(const uint8_t *p)
{
	uint8_t sum = 0;
	u_int i;

	for (i = 0; i < EDID_BLOCK; i++)
		sum += p[i];
	return (sum == 0);
}

bool
viogpu_edid(const uint8_t *p, size_t len, struct viogpu_edid *ve)
{
	u_int i, n;

	memset(ve, 0, sizeof(*ve));
	if (len < EDID_BLOCK ||
	    memcmp(p, edid_magic, sizeof(edid_magic)) != 0 ||
	    !edid_sum(p))
		return (false);
	edid_base(ve, p);
	n = MIN(p[EDID_EXTENSIONS], len / EDID_BLOCK - 1);
	for (i = 0; i < n; i++) {
		p += EDID_BLOCK;
		if (!edid_sum(p))
			continue;
		if (p[0] == CTA_TAG)
			edid_cta(ve, p);
		else if (p[0] == DISPLAYID_TAG)
			edid_displayid(ve, p);
	}
	return (true);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* A device that misbehaves in what it can write. */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

static uint32_t
any32(void)
{
	switch (sim_random(4)) {
	case 0:
		return (sim_random(4));
	case 1:
		return (-1 - sim_random(4));
	case 2:
		return (sim_random(70000));
	default:
		return (sim_random(~0U));
	}
}

/* Straight into the memory of the ring, as a device without an IOMMU can. */
static void
scribble(uint64_t addr, u_int n, uint64_t v)
{
	uint8_t *p;
	size_t len;
	uint64_t at;

	if ((p = sim_dma_piece(addr, &len)) == NULL)
		return;
	at = addr & ((1 << 20) - 1);
	if (at + n <= len)
		sim_put(p + at, n, v);
}

static uint32_t
look(uint64_t addr, u_int n)
{
	uint8_t *p;
	size_t len;
	uint64_t at = addr & ((1 << 20) - 1);

	if ((p = sim_dma_piece(addr, &len)) == NULL || at + n > len)
		return (0);
	return (sim_get(p + at, n));
}

/* An id that is lent, or that is not; or any. */
static uint32_t
some_id(struct sim_vq *sq, bool lent)
{
	u_int i, k = sim_random(sq->sq_size);

	for (i = 0; i < sq->sq_size; i++) {
		if (!!sq->sq_lent[(i + k) % sq->sq_size] == lent)
			return ((i + k) % sq->sq_size);
	}
	return (any32());
}

static uint32_t
wrong_id(struct sim_vq *sq)
{
	switch (sim_random(4)) {
	case 0:
		return (some_id(sq, true));
	case 1:
		return (some_id(sq, false));
	case 2:
		return (sq->sq_size + sim_random(3));
	default:
		return (any32());
	}
}

static uint32_t
wrong_length(void)
{
	return (sim_random(2) ? 0xffffffff : any32());
}

/* --- split --------------------------------------------------------------- */

static uint64_t
element(struct sim_vq *sq, u_int i)
{
	return (sq->sq_device + 4 + 8 * ((uint16_t)(sq->sq_used + i) %
	    sq->sq_size));
}

static void
use_split(struct sim_vq *sq, uint32_t id, uint32_t len, u_int n)
{
	scribble(element(sq, 0), 4, id);
	scribble(element(sq, 0) + 4, 4, len);
	sq->sq_used += n;
	scribble(sq->sq_device + 2, 2, sq->sq_used);
}

static void
lie_split(struct sim_vq *sq, enum sim_lie lie)
{
	/* one that the driver will look at soon */
	uint64_t elem = element(sq, sim_random(3) - 1);
	u_int i;

	switch (lie) {
	case SIM_LIE_USED_IDX:
		scribble(sq->sq_device + 2, 2, sim_random(2) ?
		    sq->sq_used + sim_random(5) - 2U : any32());
		break;
	case SIM_LIE_USED_FLAGS:
		scribble(sq->sq_device, 2, any32());
		break;
	case SIM_LIE_ID:
		scribble(elem, 4, wrong_id(sq));
		break;
	case SIM_LIE_LEN:
		scribble(elem + 4, 4, wrong_length());
		break;
	case SIM_LIE_AVAIL_EVENT:
		scribble(sq->sq_device + 4 + 8 * sq->sq_size, 2, any32());
		break;
	case SIM_LIE_TWICE:
		use_split(sq, look(element(sq, -1), 4), 0, 1);
		break;
	case SIM_LIE_SKIP:
		if (sq->sq_nheld > 0 && sim_random(2))
			sq->sq_used++;
		else
			sq->sq_avail++;
		break;
	case SIM_LIE_RING:
		for (i = 0; i < 8; i++)
			scribble(sq->sq_device + sim_random(6 + 8 *
			    sq->sq_size), 1, sim_random(256));
		break;
	case SIM_LIE_DESC:
		for (i = 0; i < 8; i++)
			scribble(sq->sq_desc + sim_random(16 *
			    sq->sq_size), 1, sim_random(256));
		scribble(sq->sq_driver + 2 * sim_random(2 + sq->sq_size),
		    2, any32());
		break;
	case SIM_LIE_WRAP:
		/* the other round of the ring, or of the index */
		scribble(sq->sq_device + 2, 2, sq->sq_used +
		    (sim_random(2) ? sq->sq_size : 0x8000));
		break;
	case SIM_LIE_UNAVAIL:
		use_split(sq, some_id(sq, false), any32(), 1);
		break;
	case SIM_LIE_BATCH:
		use_split(sq, wrong_id(sq), any32(),
		    1 + sim_random(sq->sq_size + 2));
		break;
	default:
		break;
	}
}

/* --- packed -------------------------------------------------------------- */

static uint64_t
descriptor(struct sim_vq *sq, u_int i)
{
	return (sq->sq_desc + 16 * ((sq->sq_used + sq->sq_size + i) %
	    sq->sq_size));
}

static void
use_packed(struct sim_vq *sq, uint16_t id, uint32_t len, u_int n)
{
	uint64_t d = descriptor(sq, 0);

	scribble(d + 8, 4, len);
	scribble(d + 12, 2, id);
	scribble(d + 14, 2, (sq->sq_usedwrap ? 0x8080 : 0) |
	    (len > 0 ? 2 : 0));
	sim_vq_advance(sq, &sq->sq_used, &sq->sq_usedwrap, n);
}

static void
lie_event(struct sim_vq *sq)
{
	scribble(sq->sq_device, 2, sim_random(2) ? any32() :
	    (sq->sq_size + sim_random(4)) | (sim_random(2) ? 0x8000 : 0));
	scribble(sq->sq_device + 2, 2, sim_random(4) ? sim_random(4) :
	    any32());
}

static void
lie_packed(struct sim_vq *sq, enum sim_lie lie)
{
	uint64_t d = descriptor(sq, sim_random(3) - 1), last;
	u_int i;

	last = descriptor(sq, -1);
	switch (lie) {
	case SIM_LIE_USED_IDX:
		d = descriptor(sq, 1 + sim_random(sq->sq_size));
		scribble(d + 14, 2, sim_random(2) ? 0x8082 : 0x0002);
		break;
	case SIM_LIE_USED_FLAGS:
		scribble(d + 14, 2, any32());
		break;
	case SIM_LIE_ID:
		if (sim_random(2))
			scribble(last + 12, 2, wrong_id(sq));
		else
			use_packed(sq, wrong_id(sq), any32(), 1);
		break;
	case SIM_LIE_LEN:
		scribble(last + 8, 4, wrong_length());
		scribble(last + 14, 2, look(last + 14, 2) | 2);
		break;
	case SIM_LIE_AVAIL_EVENT:
		lie_event(sq);
		break;
	case SIM_LIE_TWICE:
		use_packed(sq, look(last + 12, 2), 1, 1);
		break;
	case SIM_LIE_SKIP:
		if (sq->sq_nheld > 0 && sim_random(2))
			sim_vq_advance(sq, &sq->sq_used, &sq->sq_usedwrap, 1);
		else
			sim_vq_advance(sq, &sq->sq_avail, &sq->sq_availwrap,
			    1);
		break;
	case SIM_LIE_RING:
		for (i = 0; i < 8; i++)
			scribble(sq->sq_desc + sim_random(16 * sq->sq_size),
			    1, sim_random(256));
		break;
	case SIM_LIE_DESC:
		d = sq->sq_desc + 16 * sim_random(sq->sq_size);
		for (i = 0; i < 16; i++)
			scribble(d + i, 1, sim_random(256));
		scribble(sq->sq_driver + 2 * sim_random(2), 2, any32());
		break;
	case SIM_LIE_WRAP:
		d = descriptor(sq, 0);
		switch (sim_random(3)) {
		case 0:			/* neither of the two */
			scribble(d + 14, 2, sq->sq_usedwrap ? 0x8002 :
			    0x0082);
			break;
		case 1:			/* of the other round */
			scribble(d + 14, 2, sq->sq_usedwrap ? 0x0002 :
			    0x8082);
			break;
		default:		/* we forget ours */
			sq->sq_usedwrap = !sq->sq_usedwrap;
			break;
		}
		break;
	case SIM_LIE_UNAVAIL:
		d = sq->sq_desc + 16 * sq->sq_avail;
		scribble(d + 12, 2, wrong_id(sq));
		scribble(d + 14, 2, sq->sq_availwrap ? 0x8082 : 0x0002);
		if (sim_random(2))
			use_packed(sq, some_id(sq, false), any32(), 1);
		break;
	case SIM_LIE_BATCH:
		use_packed(sq, wrong_id(sq), any32(),
		    1 + sim_random(sq->sq_size));
		break;
	default:
		break;
	}
}

void
sim_lie(struct sim_virtio *sv, enum sim_lie lie)
{
	struct sim_vq *sq = &sv->sv_vq[sim_random(sv->sv_c.vc_nvq)];
	u_int i;

	if (lie == SIM_LIE_ANY)
		lie = sim_random(SIM_LIE_ANY);
	switch (lie) {
	case SIM_LIE_CONFIG:
		for (i = 0; i < 4 && sv->sv_c.vc_cfgsize > 0; i++)
			sv->sv_config[sim_random(sv->sv_c.vc_cfgsize)] =
			    sim_random(256);
		if (sim_random(2))
			sim_virtio_changed(sv);
		break;
	case SIM_LIE_NEEDS_RESET:
		if (sim_random(8) == 0)
			sim_virtio_needs_reset(sv);
		else if (sim_random(8) == 0)
			sv->sv_status = sim_random(256);
		break;
	case SIM_LIE_ISR:
		sv->sv_isr = sim_random(256);
		sim_pci_setline(&sv->sv_pci, sim_random(2));
		break;
	case SIM_LIE_INTERRUPT:
		sim_pci_message(&sv->sv_pci, sim_random(4));
		break;
	case SIM_LIE_GARBAGE:
		sv->sv_garbage = sim_random(4) ? 0 : 1 + sim_random(30);
		break;
	default:
		if (!sq->sq_enabled || sq->sq_format == NULL)
			break;
		if (sim_vq_packed(sq))
			lie_packed(sq, lie);
		else
			lie_split(sq, lie);
		if (sim_random(2))
			sim_vq_interrupt(sq);
		break;
	}
}

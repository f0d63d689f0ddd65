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
scribble(struct sim_vq *sq, uint64_t off, u_int n, uint64_t v)
{
	uint8_t *p;
	size_t len;
	uint64_t at;

	if ((p = sim_dma_piece(sq->sq_desc, &len)) == NULL)
		return;
	at = (off & ((1 << 20) - 1)) - (sq->sq_desc & ((1 << 20) - 1));
	if (at + n <= len)
		sim_put(p + at, n, v);
}

static uint64_t
element(struct sim_vq *sq)
{
	/* one that the driver will look at soon */
	return (sq->sq_device + 4 + 8 * ((sq->sq_used + sim_random(3) - 1) %
	    sq->sq_size));
}

static void
lie_ring(struct sim_vq *sq, enum sim_lie lie)
{
	struct sim_virtio *sv = sq->sq_sv;
	uint64_t elem = element(sq);
	u_int i;

	switch (lie) {
	case SIM_LIE_USED_IDX:
		scribble(sq, sq->sq_device + 2, 2, sim_random(2) ?
		    sq->sq_used + sim_random(5) - 2U : any32());
		break;
	case SIM_LIE_USED_FLAGS:
		scribble(sq, sq->sq_device, 2, any32());
		break;
	case SIM_LIE_ID:
		scribble(sq, elem, 4, sim_random(2) ?
		    sim_random(sq->sq_size) : any32());
		break;
	case SIM_LIE_LEN:
		scribble(sq, elem + 4, 4, any32());
		break;
	case SIM_LIE_AVAIL_EVENT:
		scribble(sq, sq->sq_device + 4 + 8 * sq->sq_size, 2, any32());
		break;
	case SIM_LIE_TWICE:
		/* the last one again */
		scribble(sq, sq->sq_device + 4 + 8 * (sq->sq_used %
		    sq->sq_size), 4, sim_dma_get(sq->sq_device + 4 + 8 *
		    ((uint16_t)(sq->sq_used - 1) % sq->sq_size), 4));
		sq->sq_used++;
		scribble(sq, sq->sq_device + 2, 2, sq->sq_used);
		break;
	case SIM_LIE_SKIP:
		/* one is never answered */
		if (sq->sq_nheld > 0 && sim_random(2))
			sq->sq_used++;
		else
			sq->sq_avail++;
		break;
	case SIM_LIE_RING:
		for (i = 0; i < 8; i++)
			scribble(sq, sq->sq_device + sim_random(6 + 8 *
			    sq->sq_size), 1, sim_random(256));
		break;
	case SIM_LIE_DESC:
		for (i = 0; i < 8; i++)
			scribble(sq, sq->sq_desc + sim_random(16 *
			    sq->sq_size), 1, sim_random(256));
		scribble(sq, sq->sq_driver + 2 * sim_random(2 + sq->sq_size),
		    2, any32());
		break;
	default:
		break;
	}
	if (sim_random(2))
		sim_vq_interrupt(sq);
	(void)sv;
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
		if (sq->sq_enabled && sq->sq_lent != NULL && sq->sq_size > 0)
			lie_ring(sq, lie);
		break;
	}
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* An entropy device, whose bytes a test can foretell: VIRTIO 1.4, 5.4. */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

uint8_t
sim_rnd_byte(uint64_t n)
{
	return ((n * 2654435761U + 12345) >> 11);
}

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_rnd *rn = sv->sv_priv;
	uint64_t n = ch->ch_inlen, i;
	uint8_t b;

	if (ch->ch_nout != 0)
		sim_fault("an entropy request has something to read");
	if (rn->rn_hold)
		return;
	if (rn->rn_most != 0)
		n = MIN(n, rn->rn_most);
	for (i = 0; i < n; i++) {
		b = sim_rnd_byte(rn->rn_given++);
		if (!sim_chain_write(ch, i, &b, 1))
			break;		/* it was told of 4 GB by a liar */
	}
	sim_chain_done(ch, n);
}

void
sim_rnd_release(struct sim_rnd *rn)
{
	struct sim_chain *ch;

	rn->rn_hold = false;
	while ((ch = TAILQ_FIRST(&rn->rn_sv->sv_vq[0].sq_held)) != NULL)
		request(rn->rn_sv, ch);
}

struct sim_rnd *
sim_rnd_new(const struct sim_virtio_conf *given)
{
	struct sim_virtio_conf vc = *given;
	struct sim_rnd *rn;

	if ((rn = host_alloc(sizeof(*rn))) == NULL)
		host_fail("no memory");
	vc.vc_devid = 4;
	if (vc.vc_nvq == 0) {
		vc.vc_nvq = 1;
		vc.vc_qsize[0] = 8;
	}
	vc.vc_request = request;
	rn->rn_sv = sim_virtio_new(&vc);
	rn->rn_sv->sv_priv = rn;
	return (rn);
}

void
sim_rnd_free(struct sim_rnd *rn)
{
	sim_virtio_free(rn->rn_sv);
	host_free(rn);
}

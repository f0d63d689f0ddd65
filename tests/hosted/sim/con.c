/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* A console of one port: VIRTIO 1.4, 5.3. */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

static void
transmit(struct sim_con *cn, struct sim_chain *ch)
{
	size_t n = MIN(ch->ch_outlen, sizeof(cn->cn_out) - cn->cn_nout);

	if (ch->ch_nin != 0)
		sim_fault("output has something to write");
	if (sim_chain_read(ch, 0, cn->cn_out + cn->cn_nout, n))
		cn->cn_nout += n;
	sim_chain_done(ch, 0);
}

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_con *cn = sv->sv_priv;

	if (ch->ch_vq->sq_index % 2 == 0) {
		if (ch->ch_nout != 0)
			sim_fault("input has something to read");
	} else if (!cn->cn_hold)
		transmit(cn, ch);
}

/* Somebody types; how much the driver had room for. */
size_t
sim_con_type(struct sim_con *cn, const char *text, size_t len)
{
	struct sim_vq *sq = &cn->cn_sv->sv_vq[0];
	struct sim_chain *ch;
	size_t done = 0, n;

	while (done < len) {
		if ((ch = TAILQ_FIRST(&sq->sq_held)) == NULL &&
		    (!sim_virtio_run(cn->cn_sv) ||
		    (ch = TAILQ_FIRST(&sq->sq_held)) == NULL))
			break;
		n = MIN(len - done, ch->ch_inlen);
		(void)sim_chain_write(ch, 0, text + done, n);
		sim_chain_done(ch, n);
		done += n;
	}
	return (done);
}

struct sim_con *
sim_con_new(const struct sim_virtio_conf *given)
{
	struct sim_virtio_conf vc = *given;
	struct sim_con *cn;

	if ((cn = host_alloc(sizeof(*cn))) == NULL)
		host_fail("no memory");
	vc.vc_devid = 3;
	if (vc.vc_nvq == 0) {
		vc.vc_nvq = 2;
		vc.vc_qsize[0] = vc.vc_qsize[1] = 16;
	}
	vc.vc_cfgsize = 12;
	vc.vc_request = request;
	cn->cn_sv = sim_virtio_new(&vc);
	cn->cn_sv->sv_priv = cn;
	return (cn);
}

void
sim_con_free(struct sim_con *cn)
{
	sim_virtio_free(cn->cn_sv);
	host_free(cn);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* See traffic.h. */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/thread.h>

#include <machine/host.h>
#include "traffic.h"

struct traffic	traffic;

#define MAP_SEGS	64

/* --- what the device does ------------------------------------------------ */

static uint8_t
answer_byte(const uint8_t *out, uint32_t outlen, uint32_t i)
{
	return ((outlen == 0 ? 0 : out[i % outlen]) ^ (i * 13 + 7));
}

static uint32_t
answer_len(const uint8_t *out, uint32_t outlen, uint32_t inlen)
{
	return (outlen < 2 ? inlen : (out[0] | out[1] << 8) % (inlen + 1));
}

void
traffic_answer(struct sim_virtio *sv, struct sim_chain *ch)
{
	uint8_t out[TR_BUF], in[TR_BUF];
	uint32_t len, i;

	if (ch->ch_outlen > TR_BUF || ch->ch_inlen > TR_BUF) {
		sim_fault("a request of %llu and %llu bytes",
		    (unsigned long long)ch->ch_outlen,
		    (unsigned long long)ch->ch_inlen);
		sim_chain_done(ch, 0);
		return;
	}
	(void)sim_chain_read(ch, 0, out, ch->ch_outlen);
	len = answer_len(out, ch->ch_outlen, ch->ch_inlen);
	for (i = 0; i < len; i++)
		in[i] = answer_byte(out, ch->ch_outlen, i);
	(void)sim_chain_write(ch, 0, in, len);
	sim_chain_done(ch, len);
}

/* Now or later, in any order; but with the last one no more waits. */
static void
serve(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_vq *sq = ch->ch_vq;
	u_int n;

	if (!sv->sv_c.vc_random_order) {
		traffic_answer(sv, ch);
		return;
	}
	while (sq->sq_nheld > 0 && (sim_random(3) != 0 ||
	    !sim_vq_more(sq))) {
		ch = TAILQ_FIRST(&sq->sq_held);
		for (n = sim_random(sq->sq_nheld); n > 0; n--)
			ch = TAILQ_NEXT(ch, ch_link);
		traffic_answer(sv, ch);
	}
}

/* --- the driver ---------------------------------------------------------- */

static void
interrupted(void *arg)
{
	uint32_t len;

	mtx_enter(&traffic.tr_mtx);
	traffic.tr_woken++;
	if (traffic.tr_dequeues && vq_dequeue(traffic.tr_vq, &len) != NULL)
		host_fail("only calls were expected");
	wakeup(&traffic);
	mtx_leave(&traffic.tr_mtx);
}

static void
take_back(void)
{
	struct traffic_req *tq;

	if (traffic.tr_vq == NULL)
		return;
	mtx_enter(&traffic.tr_mtx);
	while ((tq = vq_drain(traffic.tr_vq)) != NULL)
		traffic_return(tq);
	mtx_leave(&traffic.tr_mtx);
}

static void
event(void *arg, enum virtio_event ev)
{
	switch (ev) {
	case VIRTIO_STOPPED:
		traffic.tr_failed++;
		take_back();
		break;
	case VIRTIO_RESUMED:
		traffic.tr_resumed++;
		break;
	case VIRTIO_DEAD:
		traffic.tr_gone++;
		break;
	}
	mtx_enter(&traffic.tr_mtx);
	traffic.tr_dead = ev != VIRTIO_RESUMED;
	wakeup(&traffic);
	mtx_leave(&traffic.tr_mtx);
}

static void
undo(struct virtio_softc *vsc)
{
	virtio_stop(vsc);
	take_back();
	virtio_end(vsc);
	traffic.tr_vq = NULL;
	traffic.tr_dead = true;
}

static int
attach(struct device *self, struct virtio_softc *vsc)
{
	static const struct virtio_feature none[1];
	struct virtqueue_conf vqc = { .vqc_name = "test",
	    .vqc_size = traffic.tr_size, .vqc_nsegs = traffic.tr_nsegs,
	    .vqc_mtx = &traffic.tr_mtx,
	    .vqc_intr = traffic.tr_polled ? NULL : interrupted };
	int error;

	traffic.tr_dev = self;
	traffic.tr_vsc = vsc;
	if ((error = virtio_negotiate(vsc, self, traffic.tr_table != NULL ?
	    traffic.tr_table : none, traffic.tr_ntable, 0)) != 0 ||
	    (error = virtio_queues(vsc, IPL_TTY, &vqc, 1,
	    &traffic.tr_vq)) != 0) {
		undo(vsc);
		return (traffic.tr_error = error);
	}
	virtio_on_failure(vsc, event, NULL);
	if (!traffic.tr_nostart && (error = virtio_start(vsc)) != 0) {
		undo(vsc);
		return (traffic.tr_error = error);
	}
	traffic.tr_dead = false;
	return (traffic.tr_error = 0);
}

void
traffic_start(const struct sim_virtio_conf *given, u_int nsegs,
    uint16_t size)
{
	struct sim_virtio_conf vc = *given;
	struct traffic_req *tq;
	u_int i;

	mtx_init(&traffic.tr_mtx, IPL_TTY);
	traffic.tr_nsegs = nsegs;
	traffic.tr_size = size;
	traffic.tr_back = traffic.tr_lent = traffic.tr_woken = 0;
	traffic.tr_wrong = traffic.tr_lost = traffic.tr_failed = 0;
	traffic.tr_resumed = traffic.tr_gone = 0;
	traffic.tr_patience = 1000;
	traffic.tr_n = traffic.tr_want == 0 ? TR_MAX : traffic.tr_want;
	traffic.tr_dead = true;
	traffic.tr_vq = NULL;
	vc.vc_devid = SIM_ID_TEST;
	vc.vc_nvq = 1;
	if (vc.vc_request == NULL)
		vc.vc_request = serve;
	for (i = 0; i < traffic.tr_n; i++) {
		tq = &traffic.tr_req[i];
		tq->tq_lent = false;
		if (bus_dmamap_create(&md_dma, TR_BUF, MAP_SEGS, 0, 0, 0,
		    &tq->tq_out) != 0 || bus_dmamap_create(&md_dma,
		    TR_BUF, MAP_SEGS, 0, 0, 0, &tq->tq_in) != 0)
			host_fail("no maps");
	}
	viotest_attach_hook = attach;
	viotest_detach_hook = undo;
	traffic.tr_sv = sim_virtio_new(&vc);
	(void)sim_attach();
}

void
traffic_return(struct traffic_req *tq)
{
	if (tq < traffic.tr_req || tq >= traffic.tr_req + TR_MAX ||
	    !tq->tq_lent)
		host_fail("a request came back that was not lent");
	tq->tq_lent = false;
	traffic.tr_lent--;
	traffic.tr_back++;
	bus_dmamap_unload(&md_dma, tq->tq_out);
	bus_dmamap_unload(&md_dma, tq->tq_in);
}

struct traffic_req *
traffic_idle(void)
{
	u_int i, k = sim_random(traffic.tr_n);

	for (i = 0; i < traffic.tr_n; i++) {
		if (!traffic.tr_req[(i + k) % traffic.tr_n].tq_lent)
			return (&traffic.tr_req[(i + k) % traffic.tr_n]);
	}
	return (NULL);
}

/* Split len bytes of a map into so many parts, each at least a byte. */
static int
add_parts(struct vq_sg *sg, bus_dmamap_t map, uint32_t len, u_int n, bool in)
{
	uint32_t off = 0, part;
	int error;

	for (; n > 0; n--, off += part) {
		part = n == 1 ? len - off : 1 + sim_random(len - off - n + 1);
		error = in ? vq_sg_in(sg, map, off, part) :
		    vq_sg_out(sg, map, off, part);
		if (error != 0)
			return (error);
	}
	return (0);
}

int
traffic_send(struct traffic_req *tq, u_int nout, u_int nin)
{
	VQ_SG_DECL(sg, 128, &md_dma);
	uint32_t i;
	int error = 0;

	tq->tq_outlen = nout == 0 ? 0 : nout + sim_random(sim_random(4) == 0 ?
	    TR_BUF - nout : 40);
	tq->tq_inlen = nin == 0 ? 0 : nin + sim_random(sim_random(4) == 0 ?
	    TR_BUF - nin : 40);
	for (i = 0; i < tq->tq_outlen; i++)
		tq->tq_outbuf[i] = sim_random(256);
	memset(tq->tq_inbuf, 0xee, tq->tq_inlen);
	if (nout > 0 && (error = bus_dmamap_load(&md_dma, tq->tq_out,
	    tq->tq_outbuf, tq->tq_outlen, 0)) != 0)
		return (error);
	if (nin > 0 && (error = bus_dmamap_load(&md_dma, tq->tq_in,
	    tq->tq_inbuf, tq->tq_inlen, 0)) != 0)
		goto fail;
	if (nout > 0)
		error = add_parts(&sg, tq->tq_out, tq->tq_outlen, nout,
		    false);
	if (error == 0 && nin > 0)
		error = add_parts(&sg, tq->tq_in, tq->tq_inlen, nin, true);
	if (error == 0) {
		mtx_enter(&traffic.tr_mtx);
		error = vq_enqueue(traffic.tr_vq, tq, &sg);
		if (error == 0) {
			tq->tq_lent = true;
			traffic.tr_lent++;
		}
		mtx_leave(&traffic.tr_mtx);
	}
fail:
	if (error != 0) {
		bus_dmamap_unload(&md_dma, tq->tq_out);
		bus_dmamap_unload(&md_dma, tq->tq_in);
	}
	return (error);
}

void
traffic_notify(void)
{
	mtx_enter(&traffic.tr_mtx);
	vq_notify(traffic.tr_vq);
	mtx_leave(&traffic.tr_mtx);
}

static void
check(struct traffic_req *tq, uint32_t len)
{
	uint32_t i;

	if (len != answer_len(tq->tq_outbuf, tq->tq_outlen, tq->tq_inlen) ||
	    len > tq->tq_inlen) {
		traffic.tr_wrong++;
		return;
	}
	for (i = 0; i < len; i++) {
		if (tq->tq_inbuf[i] != answer_byte(tq->tq_outbuf,
		    tq->tq_outlen, i)) {
			traffic.tr_wrong++;
			return;
		}
	}
}

bool
traffic_receive(void)
{
	struct traffic_req *tq;
	uint32_t len = 0;

	mtx_enter(&traffic.tr_mtx);
	tq = traffic.tr_vq == NULL ? NULL : vq_dequeue(traffic.tr_vq, &len);
	if (tq != NULL) {
		if (tq->tq_inlen > 0)
			bus_dmamap_sync(&md_dma, tq->tq_in, 0,
			    tq->tq_inlen, BUS_DMASYNC_POSTREAD);
		if (tq->tq_outlen > 0)
			bus_dmamap_sync(&md_dma, tq->tq_out, 0,
			    tq->tq_outlen, BUS_DMASYNC_POSTWRITE);
		if (traffic.tr_hostile) {
			if (len > tq->tq_inlen)
				host_fail("a length beyond the room");
		} else
			check(tq, len);
		traffic_return(tq);
	}
	mtx_leave(&traffic.tr_mtx);
	return (tq != NULL);
}

static u_int
send_some(u_int n)
{
	struct traffic_req *tq;
	u_int i, segs, nout;
	int error;

	for (i = 0; i < n && (tq = traffic_idle()) != NULL; i++) {
		segs = 1 + sim_random(vq_maxsegs(traffic.tr_vq));
		nout = sim_random(segs + 1);
		error = traffic_send(tq, nout, segs - nout);
		if (error == ENXIO)
			traffic.tr_dead = true;
		if (error != 0)
			break;
	}
	return (i);
}

/* Wait as a driver does; false: nobody woke us. */
static bool
wait_some(void)
{
	int error = 0;
	u_int n;

	mtx_enter(&traffic.tr_mtx);
	n = sim_random(2) ? 1 : 1 + sim_random(MAX(traffic.tr_lent, 1));
	if (traffic.tr_lent > 0 && !traffic.tr_dead &&
	    !vq_intr_enable(traffic.tr_vq, n))
		error = msleep_nsec(&traffic, &traffic.tr_mtx, PRI_KERN,
		    "traffic", traffic.tr_patience * 1000000ULL);
	if (traffic.tr_vq != NULL && sim_random(2))
		vq_intr_disable(traffic.tr_vq);
	mtx_leave(&traffic.tr_mtx);
	return (error == 0);
}

void
traffic_run(u_int n)
{
	u_int sent = 0, alone = 0;

	while (!traffic.tr_dead && (sent < n || traffic.tr_lent > 0)) {
		if (sent < n)
			sent += send_some(1 + sim_random(MIN(n - sent, 20)));
		if (traffic.tr_dead || traffic.tr_vq == NULL)
			break;
		traffic_notify();
		if (sim_random(2) && sent < n)
			continue;
		if (traffic.tr_mischief != NULL)
			traffic.tr_mischief();
		if (!traffic_receive() && !wait_some()) {
			traffic.tr_lost++;
			if (!traffic.tr_hostile || ++alone > 20)
				break;
		}
		while (sim_random(8) != 0 && traffic_receive())
			;
	}
}

void
traffic_end(void)
{
	u_int i;

	sim_detach();
	if (traffic.tr_lent != 0)
		host_fail("a request did not come back");
	for (i = 0; i < traffic.tr_n; i++) {
		bus_dmamap_destroy(&md_dma, traffic.tr_req[i].tq_out);
		bus_dmamap_destroy(&md_dma, traffic.tr_req[i].tq_in);
	}
	sim_virtio_free(traffic.tr_sv);
	traffic.tr_sv = NULL;
}

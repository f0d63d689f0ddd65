/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Driver and device at the same time, each in a thread of its own, on every
 * format of rings.  Buffers are plain memory: if their order is not kept by
 * the barriers of the two sides, ThreadSanitizer sees a race, or the bytes
 * are wrong; if a wakeup is lost, somebody waits too long.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <machine/host.h>
#include "sim/loop.h"
#include "threads/thread.h"

#define NREQ		96
#define ROOM		48
#define PATIENCE	20		/* seconds */

struct request {
	uint32_t	 rq_out[4];
	uint32_t	 rq_in[ROOM / 4];
	uint32_t	 rq_inlen;
	bool		 rq_lent;
};

static struct loop	lo;
static struct mutex	mtx;
static struct request	req[NREQ];
static u_int		lent, nback, nwaits;
static uint32_t		serial;
static bool		over;		/* the device may go */
static uint64_t		seeds[2];

static uint32_t
chance(u_int side, uint32_t n)
{
	uint64_t *s = &seeds[side];

	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((uint32_t)(*s >> 33) % n);
}

static void
barrier(u_int side, int what)
{
	if (what & (BUS_DMA_BARRIER_WRITE | BUS_DMA_BARRIER_FULL))
		order_release(side);
	if (what & BUS_DMA_BARRIER_FULL)
		order_full();
	if (what & (BUS_DMA_BARRIER_READ | BUS_DMA_BARRIER_FULL))
		order_acquire(!side);
}

static void
driver_barrier(int what)
{
	barrier(0, what);
}

/* What is answered to a request, word by word. */
static uint32_t
answer(const uint32_t *out, u_int i)
{
	return (out[0] * 31 + out[i % 4] + i);
}

/* --- the device ----------------------------------------------------------- */

#define LOAD(addr, bits)						\
	le##bits##_load((const le##bits##_w *)(uintptr_t)(addr))
#define STORE(addr, bits, v)						\
	le##bits##_store((le##bits##_w *)(uintptr_t)(addr), (v))

struct chain {
	uint32_t	*ch_out, *ch_in;
	uint32_t	 ch_inlen;
	uint16_t	 ch_id, ch_ndesc;
};

static struct chain	held[NREQ];
static u_int		nheld;
static uint16_t		take, put;	/* split: indices; packed: positions */
static bool		takewrap, putwrap;
static struct loop_queue lq;
static bool		is_packed, has_event, has_order;

static void
device_barrier(int what)
{
	barrier(1, what);
}

static void
add_segment(struct chain *ch, uint64_t addr, uint32_t len, bool in)
{
	if (!in && ch->ch_out == NULL)
		ch->ch_out = (uint32_t *)(uintptr_t)addr;
	if (in && ch->ch_in == NULL)
		ch->ch_in = (uint32_t *)(uintptr_t)addr;
	if (in)
		ch->ch_inlen += len;
}

static bool
take_split(struct chain *ch)
{
	uint16_t d, flags;
	uint64_t at;
	u_int i;

	if (LOAD(lq.lq_driver + 2, 16) == take)
		return (false);
	device_barrier(BUS_DMA_BARRIER_READ);
	ch->ch_id = d = LOAD(lq.lq_driver + 4 + 2 * (take % lq.lq_size), 16);
	take++;
	at = lq.lq_desc + 16 * d;
	if (LOAD(at + 12, 16) & VIRTQ_DESC_F_INDIRECT) {
		uint64_t table = LOAD(at, 64);

		for (i = 0; i < LOAD(at + 8, 32) / 16; i++)
			add_segment(ch, LOAD(table + 16 * i, 64),
			    LOAD(table + 16 * i + 8, 32),
			    LOAD(table + 16 * i + 12, 16) & VIRTQ_DESC_F_WRITE);
		return (true);
	}
	do {
		at = lq.lq_desc + 16 * d;
		flags = LOAD(at + 12, 16);
		add_segment(ch, LOAD(at, 64), LOAD(at + 8, 32),
		    flags & VIRTQ_DESC_F_WRITE);
		d = LOAD(at + 14, 16);
	} while (flags & VIRTQ_DESC_F_NEXT);
	return (true);
}

static bool
take_packed(struct chain *ch)
{
	uint64_t at = lq.lq_desc + 16 * take, table;
	uint16_t flags = LOAD(at + 14, 16);
	u_int i;

	if (!!(flags & PVIRTQ_DESC_F_AVAIL) != takewrap ||
	    !!(flags & PVIRTQ_DESC_F_USED) == takewrap)
		return (false);
	device_barrier(BUS_DMA_BARRIER_READ);
	do {
		at = lq.lq_desc + 16 * take;
		flags = LOAD(at + 14, 16);
		ch->ch_id = LOAD(at + 12, 16);
		ch->ch_ndesc++;
		if (++take == lq.lq_size) {
			take = 0;
			takewrap = !takewrap;
		}
		if (!(flags & VIRTQ_DESC_F_INDIRECT)) {
			add_segment(ch, LOAD(at, 64), LOAD(at + 8, 32),
			    flags & VIRTQ_DESC_F_WRITE);
			continue;
		}
		table = LOAD(at, 64);
		for (i = 0; i < LOAD(at + 8, 32) / 16; i++)
			add_segment(ch, LOAD(table + 16 * i, 64),
			    LOAD(table + 16 * i + 8, 32),
			    LOAD(table + 16 * i + 14, 16) & VIRTQ_DESC_F_WRITE);
	} while (flags & VIRTQ_DESC_F_NEXT);
	return (true);
}

static bool
take_one(void)
{
	struct chain *ch = &held[nheld];

	if (nheld == NREQ)
		return (false);
	*ch = (struct chain){ .ch_id = 0 };
	if (!(is_packed ? take_packed(ch) : take_split(ch)))
		return (false);
	nheld++;
	return (true);
}

/* Say that n requests, of so many descriptors, are used up to this one. */
static void
use(const struct chain *ch, u_int n, u_int ndesc)
{
	uint64_t at;

	if (!is_packed) {
		at = lq.lq_device + 4 + 8 * (put % lq.lq_size);
		STORE(at, 32, ch->ch_id);
		STORE(at + 4, 32, ch->ch_inlen);
		device_barrier(BUS_DMA_BARRIER_WRITE);
		put += n;
		STORE(lq.lq_device + 2, 16, put);
		return;
	}
	at = lq.lq_desc + 16 * put;
	STORE(at + 8, 32, ch->ch_inlen);
	STORE(at + 12, 16, ch->ch_id);
	device_barrier(BUS_DMA_BARRIER_WRITE);
	STORE(at + 14, 16, VIRTQ_DESC_F_WRITE | (putwrap ?
	    PVIRTQ_DESC_F_AVAIL | PVIRTQ_DESC_F_USED : 0));
	put += ndesc;
	if (put >= lq.lq_size) {
		put -= lq.lq_size;
		putwrap = !putwrap;
	}
}

/* Does the driver want to know of what was put since old? */
static bool
wanted(uint16_t old, bool oldwrap)
{
	uint16_t event, flags;
	u_int from, to, at;

	device_barrier(BUS_DMA_BARRIER_FULL);
	if (!is_packed && !has_event)
		return (!(LOAD(lq.lq_driver, 16) & VIRTQ_AVAIL_F_NO_INTERRUPT));
	if (!is_packed) {
		event = LOAD(lq.lq_driver + 4 + 2 * lq.lq_size, 16);
		return ((uint16_t)(put - event - 1) < (uint16_t)(put - old));
	}
	flags = LOAD(lq.lq_driver + 2, 16);
	if (flags != PVIRTQ_EVENT_DESC)
		return (flags == PVIRTQ_EVENT_ENABLE);
	event = LOAD(lq.lq_driver, 16);
	from = old;
	to = put + (putwrap != oldwrap ? lq.lq_size : 0);
	at = (event & 0x7fff) + (!!(event & 0x8000) != oldwrap ?
	    lq.lq_size : 0);
	return (at >= from && at < to);
}

static void
answer_one(const struct chain *ch)
{
	u_int i;

	for (i = 0; i < ch->ch_inlen / 4; i++)
		ch->ch_in[i] = answer(ch->ch_out, i);
}

static void
answer_some(u_int n)
{
	uint16_t old = put;
	bool oldwrap = putwrap;
	u_int i, k, ndesc = 0;

	for (i = 0; i < n; i++) {
		k = has_order ? 0 : chance(1, nheld);
		answer_one(&held[k]);
		ndesc += held[k].ch_ndesc;
		/* in order, some are told together */
		if (!has_order)
			use(&held[k], 1, held[k].ch_ndesc);
		else if (i + 1 == n)
			use(&held[k], n, ndesc);
		nheld--;
		memmove(&held[k], &held[k + 1],
		    (nheld - k) * sizeof(held[0]));
	}
	if (n > 0 && wanted(old, oldwrap))
		bell_ring(BELL_DRIVER);
}

static void
want(bool on)
{
	if (!is_packed && !has_event)
		STORE(lq.lq_device, 16, on ? 0 : VIRTQ_USED_F_NO_NOTIFY);
	else if (!is_packed)
		STORE(lq.lq_device + 4 + 8 * lq.lq_size, 16,
		    on ? take : take - 1);
	else if (!on || !has_event)
		STORE(lq.lq_device + 2, 16,
		    on ? PVIRTQ_EVENT_ENABLE : PVIRTQ_EVENT_DISABLE);
	else {
		STORE(lq.lq_device, 16, take | (takewrap ? 0x8000 : 0));
		STORE(lq.lq_device + 2, 16, PVIRTQ_EVENT_DESC);
	}
}

static void
device(void)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		while (take_one() && chance(1, 4) != 0)
			;
		if (nheld > 0) {
			answer_some(1 + chance(1, nheld));
			continue;
		}
		want(true);
		device_barrier(BUS_DMA_BARRIER_FULL);
		if (!take_one() && !bell_wait(BELL_DEVICE, PATIENCE))
			host_fail("nobody tells the device");
		if (chance(1, 2))
			want(false);
	}
}

/* --- the driver ----------------------------------------------------------- */

static void
notified(struct loop *l, u_int i, uint32_t data)
{
	bell_ring(BELL_DEVICE);
}

static void
back(struct loop *l, void *cookie)
{
	host_fail("a request was drained");
}

static bool
send(struct request *rq)
{
	VQ_SG_DECL(sg, 4, &loop_dma);
	u_int i, half;
	int error;

	for (i = 0; i < nitems(rq->rq_out); i++)
		rq->rq_out[i] = serial + chance(0, 100);
	serial++;
	for (i = 0; i < nitems(rq->rq_in); i++)
		rq->rq_in[i] = 0xdeadbeef;
	rq->rq_inlen = 8 * (1 + chance(0, ROOM / 8));
	half = chance(0, 2) ? 0 : rq->rq_inlen / 2;
	i = 0;
	sg.sg_segs[i++] = (bus_dma_segment_t){ (uintptr_t)rq->rq_out, 16 };
	if (half != 0)
		sg.sg_segs[i++] = (bus_dma_segment_t){
		    (uintptr_t)rq->rq_in, half };
	sg.sg_segs[i++] = (bus_dma_segment_t){
	    (uintptr_t)rq->rq_in + half, rq->rq_inlen - half };
	sg.sg_nout = 1;
	sg.sg_nin = i - 1;
	if ((error = vq_enqueue(lo.lo_vq[0], rq, &sg)) == ENOSPC)
		return (false);
	if (error != 0)
		host_fail("a request is refused");
	rq->rq_lent = true;
	lent++;
	return (true);
}

static void
send_some(u_int n)
{
	u_int i, k = chance(0, NREQ);

	for (i = 0; i < NREQ && n > 0; i++) {
		if (req[(i + k) % NREQ].rq_lent)
			continue;
		if (!send(&req[(i + k) % NREQ]))
			break;
		n--;
	}
	vq_notify(lo.lo_vq[0]);
}

static bool
receive(void)
{
	struct request *rq;
	uint32_t len;
	u_int i;

	if ((rq = vq_dequeue(lo.lo_vq[0], &len)) == NULL)
		return (false);
	if (!rq->rq_lent || len != rq->rq_inlen)
		host_fail("not what was lent");
	for (i = 0; i < nitems(rq->rq_in); i++) {
		if (rq->rq_in[i] != (i < len / 4 ? answer(rq->rq_out, i) :
		    0xdeadbeef))
			host_fail("not the answer");
	}
	rq->rq_lent = false;
	lent--;
	nback++;
	return (true);
}

static void
wait(void)
{
	if (vq_intr_enable(lo.lo_vq[0], chance(0, 3) ? 0 : chance(0, lent)))
		return;
	nwaits++;
	if (!bell_wait(BELL_DRIVER, PATIENCE))
		host_fail("nobody tells the driver");
	if (chance(0, 2))
		vq_intr_disable(lo.lo_vq[0]);
}

static void
handler(void *arg)
{
}

static void
run(uint64_t features, uint16_t size, u_int n)
{
	struct virtqueue_conf vqc = { .vqc_name = "q", .vqc_size = size,
	    .vqc_nsegs = 4, .vqc_mtx = &mtx, .vqc_intr = handler };
	u_int sent = 0, k;

	memset(&lo, 0, sizeof(lo));
	lo.lo_offered = VIRTIO_F_VERSION_1 | features;
	lo.lo_max = size;
	lo.lo_notified = notified;
	lo.lo_back = back;
	is_packed = features & VIRTIO_F_RING_PACKED;
	has_event = features & VIRTIO_F_EVENT_IDX;
	has_order = features & VIRTIO_F_IN_ORDER;
	nback = nheld = take = put = 0;
	takewrap = putwrap = true;
	over = false;
	bell_reset();
	if (loop_open(&lo, &vqc, 1) != 0 || lo.lo_accepted != lo.lo_offered)
		host_fail("no queue");
	lq = lo.lo_q[0];
	thread_start(device);
	mtx_enter(&mtx);
	while (nback < n) {
		k = 1 + chance(0, chance(0, 8) ? 8 : NREQ);
		if (n > sent) {
			send_some(MIN(k, n - sent));
			sent = nback + lent;
		}
		for (k = chance(0, 16); k > 0 && receive(); k--)
			;
		if (k > 0 && lent > 0 && chance(0, 2))
			wait();
	}
	mtx_leave(&mtx);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	bell_ring(BELL_DEVICE);
	thread_join();
	loop_close(&lo);
}

int
main(int argc, char **argv)
{
	static const uint16_t sizes[] = { 4, 16, 64, 128 };
	char line[128];
	u_int k, i, n = 50000;
	uint64_t features;

	if (argc > 1) {
		const char *end;
		uint64_t v;

		if (strtonum64(argv[1], &end, &v) != 0 || *end != '\0')
			host_fail("usage: ring [requests]");
		n = v;
	}
	hosted_init();
	loop_barrier = driver_barrier;
	mtx_init(&mtx, IPL_NET);
	for (k = 0; k < 16; k++) {
		features = (k & 1 ? VIRTIO_F_INDIRECT_DESC : 0) |
		    (k & 2 ? VIRTIO_F_EVENT_IDX : 0) |
		    (k & 4 ? VIRTIO_F_IN_ORDER : 0) |
		    (k & 8 ? VIRTIO_F_RING_PACKED : 0);
		nwaits = 0;
		for (i = 0; i < nitems(sizes); i++) {
			seeds[0] = 1000 * k + i;
			seeds[1] = ~seeds[0];
			/* packed rings have any size */
			run(features, sizes[i] + (k & 8 ? i : 0), n);
		}
		host_snprintf(line, sizeof(line), "%s%s%s%s: %u requests, "
		    "%u waits\n", k & 8 ? "packed" : "split",
		    k & 1 ? ", indirect" : "", k & 2 ? ", event index" : "",
		    k & 4 ? ", in order" : "", n * (u_int)nitems(sizes),
		    nwaits);
		thread_say(line);
	}
	if (hosted_fini() != 0)
		host_fail("something was left behind");
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A virtqueue whose device does whatever the input says: it writes anything
 * anywhere in the ring, uses what was lent and what was not, interrupts,
 * fails.  The driver must not fault, must get back each request just once,
 * and never a length beyond the room it gave.
 */

#include "fuzz.h"

#include <sys/errno.h>

#include "sim/loop.h"

#define NREQ	80
#define F_RING	(VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | \
	VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER)

static struct {
	const uint8_t	*data;
	size_t		 left;
} input;

struct request {
	uint8_t		 rq_buf[64];
	uint32_t	 rq_inlen;
	bool		 rq_lent;
};

static struct loop	lo;
static struct mutex	mtx;
static struct request	req[NREQ];
static u_int		lent;
static uint16_t		at_avail, at_used;	/* the device's */
static bool		wrap_avail, wrap_used;

static uint32_t
take(u_int n)
{
	uint32_t v = 0;

	for (; n > 0; n--) {
		v <<= 8;
		if (input.left > 0) {
			v |= *input.data++;
			input.left--;
		}
	}
	return (v);
}

static bool
packed(void)
{
	return ((lo.lo_accepted & VIRTIO_F_RING_PACKED) != 0);
}

/* --- the driver ----------------------------------------------------------- */

static void
back(struct loop *l, void *cookie)
{
	struct request *rq = cookie;

	fuzz_check(rq >= req && rq < req + NREQ && rq->rq_lent,
	    "a request came back that was not lent");
	rq->rq_lent = false;
	lent--;
}

static void
send(u_int n)
{
	VQ_SG_DECL(sg, 8, &loop_dma);
	struct request *rq;
	u_int i, nsegs, nout;

	for (rq = req; n > 0 && rq < req + NREQ; rq++) {
		if (rq->rq_lent)
			continue;
		n--;
		sg.sg_nout = sg.sg_nin = 0;
		nsegs = 1 + take(1) % 8;
		nout = take(1) % (nsegs + 1);
		for (i = 0; i < nsegs; i++)
			sg.sg_segs[i] = (bus_dma_segment_t){
			    (uintptr_t)&rq->rq_buf[8 * i], 1 + i % 8 };
		sg.sg_nout = nout;
		sg.sg_nin = nsegs - nout;
		for (rq->rq_inlen = 0, i = nout; i < nsegs; i++)
			rq->rq_inlen += sg.sg_segs[i].ds_len;
		mtx_enter(&mtx);
		if (vq_enqueue(lo.lo_vq[0], rq, &sg) == 0) {
			rq->rq_lent = true;
			lent++;
		}
		mtx_leave(&mtx);
	}
	mtx_enter(&mtx);
	vq_notify(lo.lo_vq[0]);
	mtx_leave(&mtx);
}

static void
receive(u_int n)
{
	struct request *rq;
	uint32_t len;

	mtx_enter(&mtx);
	while (n-- > 0 && (rq = vq_dequeue(lo.lo_vq[0], &len)) != NULL) {
		back(NULL, rq);
		fuzz_check(len <= rq->rq_inlen, "a length beyond the room");
	}
	mtx_leave(&mtx);
}

static void
handler(void *arg)
{
	receive(NREQ);
}

static void
arm(bool on, u_int n)
{
	mtx_enter(&mtx);
	if (on)
		(void)vq_intr_enable(lo.lo_vq[0], n);
	else
		vq_intr_disable(lo.lo_vq[0]);
	mtx_leave(&mtx);
}

/* --- the device ----------------------------------------------------------- */

static void
changed(struct loop *l)
{
	at_avail = at_used = 0;
	wrap_avail = wrap_used = true;
}

/* Writes of a driver in another byte order are found elsewhere. */
static void
put(uint64_t addr, u_int n, uint32_t v)
{
	memcpy((void *)addr, &v, n);
}

static uint32_t
get(uint64_t addr, u_int n)
{
	uint32_t v = 0;

	memcpy(&v, (const void *)addr, n);
	return (v);
}

static void
scribble(const struct loop_queue *lq, u_int n)
{
	size_t size = lo.lo_vq[0]->vq_ring.dmm_seg.ds_len;
	uint32_t off = take(2) % (size - n + 1);

	put(lq->lq_desc + off, n, take(n));
}

/* Use an id in the proper place, with that length. */
static void
use(const struct loop_queue *lq, uint16_t id, uint32_t len, u_int skip)
{
	uint64_t d;

	if (!packed()) {
		d = lq->lq_device + 4 + 8 * (at_used % lq->lq_size);
		put(d, 4, id);
		put(d + 4, 4, len);
		at_used += 1 + skip;
		put(lq->lq_device + 2, 2, at_used);
		return;
	}
	d = lq->lq_desc + 16 * at_used;
	put(d + 8, 4, len);
	put(d + 12, 2, id);
	put(d + 14, 2, wrap_used ? 0x8080 : 0);
	at_used += 1 + skip;
	if (at_used >= lq->lq_size) {
		at_used %= lq->lq_size;
		wrap_used = !wrap_used;
	}
}

/* Take what is available next, as a device that keeps the rules. */
static void
serve(const struct loop_queue *lq)
{
	uint16_t flags = 0, id = 0;
	uint64_t d;
	u_int n = 0;

	if (!packed()) {
		if (get(lq->lq_driver + 2, 2) == at_avail)
			return;
		id = get(lq->lq_driver + 4 + 2 * (at_avail % lq->lq_size), 2);
		at_avail++;
		use(lq, id, take(1), 0);
		return;
	}
	do {
		d = lq->lq_desc + 16 * at_avail;
		flags = get(d + 14, 2);
		if (n == 0 && ((flags & 0x80) != 0) != wrap_avail)
			return;
		id = get(d + 12, 2);
		if (++at_avail >= lq->lq_size) {
			at_avail = 0;
			wrap_avail = !wrap_avail;
		}
	} while (++n < lq->lq_size && (flags & 1));
	use(lq, id, take(1), n - 1);
}

static void
device(u_int what)
{
	const struct loop_queue *lq = &lo.lo_q[0];

	if (!lq->lq_on)
		return;
	switch (what) {
	case 0:
	case 1:
	case 2:
		serve(lq);
		break;
	case 3:
		use(lq, take(1) % lq->lq_size, take(4), 0);
		break;
	case 4:
		use(lq, take(2), take(1), take(1));
		break;
	case 5:
		scribble(lq, 1U << take(1) % 3);
		break;
	case 6:				/* its wish to be notified */
		put(packed() ? lq->lq_device : lq->lq_device + 4 +
		    8 * lq->lq_size, 2, take(2));
		put(packed() ? lq->lq_device + 2 : lq->lq_device, 2, take(1));
		break;
	default:
		if (packed())
			put(lq->lq_desc + 16 * at_used + 14, 2, take(2));
		else
			put(lq->lq_device + 2, 2, at_used + (int8_t)take(1));
		break;
	}
}

/* --- all of it ------------------------------------------------------------ */

static void
step(uint8_t op)
{
	switch (op & 0x0f) {
	case 0:
	case 1:
		send(1 + (op >> 4));
		break;
	case 2:
		receive(1 + (op >> 4));
		break;
	case 3:
		arm(op & 0x80, op >> 4 & 7);
		break;
	case 4:
		loop_intr(&lo, 0);
		break;
	case 5:
		if (op & 0x80)
			lo.lo_status |= VIRTIO_STATUS_NEEDS_RESET;
		loop_config_intr(&lo);
		break;
	case 6:
		hosted_run(1000ULL << (op >> 4));
		break;
	default:
		device(op & 7);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtqueue_conf vqc = { .vqc_name = "q", .vqc_mtx = &mtx,
	    .vqc_intr = handler };
	uint8_t how;

	(void)fuzz_again();
	input.data = data;
	input.left = size;
	memset(&lo, 0, sizeof(lo));
	mtx_init(&mtx, IPL_NET);
	how = take(1);
	lo.lo_offered = VIRTIO_F_VERSION_1 | ((uint64_t)(how & 3) << 28) |
	    ((uint64_t)(how >> 2 & 3) << 34);
	lo.lo_max = vqc.vqc_size = 1 + take(1) % 64;
	if (!(lo.lo_offered & VIRTIO_F_RING_PACKED)) {
		while (!powerof2(lo.lo_max))
			lo.lo_max &= lo.lo_max - 1;
		vqc.vqc_size = lo.lo_max;
	}
	vqc.vqc_nsegs = 8;
	lo.lo_back = back;
	lo.lo_changed = changed;
	if (loop_open(&lo, &vqc, 1) == 0) {
		while (input.left > 0)
			step(take(1));
		loop_close(&lo);
	}
	fuzz_check(lent == 0, "a request did not come back");
	fuzz_check(hosted_nallocs == 0, "memory was not freed");
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The virtqueue core, one behaviour at a time; matrix.c has all combinations of
 * what a ring can be.
 */

#include "test.h"

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/sysctl.h>

#include "sim/traffic.h"

#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)

static const struct sim_virtio_conf plain = {
	.vc_nvec = 2, .vc_qsize = { 16 }, .vc_when = SIM_LATER,
};
static bool	running;

static int
setup(void **state)
{
	sim_init();
	running = false;
	memset(&traffic, 0, sizeof(traffic));
	return (0);
}

static int
teardown(void **state)
{
	if (running)
		traffic_end();
	return (sim_fini());
}

static void
start(const struct sim_virtio_conf *vc, u_int nsegs)
{
	traffic_start(vc, nsegs, 0);
	running = true;
	if (traffic.tr_error != 0 || traffic.tr_vq == NULL)
		fail_msg("%s", hosted_console());
}

static struct sim_vq *
ring(void)
{
	return (&traffic.tr_sv->sv_vq[0]);
}

static void
run(const struct sim_virtio_conf *vc, u_int nsegs, u_int n)
{
	sim_dma_split = true;
	start(vc, nsegs);
	traffic_run(n);
	sim_dma_split = false;
	assert_int_equal(traffic.tr_lost, 0);
	assert_int_equal(traffic.tr_wrong, 0);
	assert_int_equal(traffic.tr_back, n);
	traffic_end();
	running = false;
}

/* --- random traffic ------------------------------------------------------ */

static const uint16_t sizes[] = { 1, 2, 4, 16, 64, 256 };

static void
all_sizes(uint64_t features, enum sim_when when, enum sim_suppress how,
    bool order)
{
	struct sim_virtio_conf vc = plain;
	u_int i, nsegs;

	vc.vc_features = features;
	vc.vc_when = when;
	vc.vc_suppress = how;
	vc.vc_random_order = order;
	vc.vc_batch = features & VIRTIO_F_IN_ORDER ? 8 : 0;
	for (i = 0; i < nitems(sizes); i++) {
		sim_seed(1 + i);
		vc.vc_qsize[0] = sizes[i];
		if ((features & VIRTIO_F_RING_PACKED) && sizes[i] > 2)
			vc.vc_qsize[0]--;	/* no power of two */
		nsegs = 1U << sim_random(5);
		run(&vc, MIN(vc.vc_qsize[0], nsegs), 1500);
	}
}

#define TRAFFIC(name, features, when, how, order)			\
static void								\
traffic_##name(void **state)						\
{									\
	all_sizes(features, when, how, order);				\
}
TRAFFIC(plain, 0, SIM_LATER, SIM_ALWAYS, false)
TRAFFIC(at_once, 0, SIM_AT_ONCE, SIM_ALWAYS, false)
TRAFFIC(in_any_order, 0, SIM_LATER, SIM_WHEN_IDLE, true)
TRAFFIC(with_suppression, 0, SIM_LATER, SIM_WHEN_IDLE, false)
TRAFFIC(to_a_device_that_polls, 0, SIM_LATER, SIM_POLLS, true)
TRAFFIC(indirect, F_INDIRECT, SIM_LATER, SIM_BY_CHANCE, true)
TRAFFIC(indirect_at_once, F_INDIRECT, SIM_AT_ONCE, SIM_WHEN_IDLE, false)
TRAFFIC(with_event_index, F_EVENT_IDX, SIM_LATER, SIM_ALWAYS, false)
TRAFFIC(with_event_index_when_idle, F_EVENT_IDX, SIM_LATER, SIM_WHEN_IDLE,
    true)
TRAFFIC(with_event_index_at_once, F_EVENT_IDX, SIM_AT_ONCE, SIM_BY_CHANCE,
    true)
TRAFFIC(with_both, F_INDIRECT | F_EVENT_IDX, SIM_LATER, SIM_BY_CHANCE, true)
TRAFFIC(with_both_to_a_device_that_polls, F_INDIRECT | F_EVENT_IDX,
    SIM_LATER, SIM_POLLS, true)

TRAFFIC(packed, VIRTIO_F_RING_PACKED, SIM_LATER, SIM_WHEN_IDLE, true)
TRAFFIC(packed_with_both, VIRTIO_F_RING_PACKED | F_INDIRECT | F_EVENT_IDX,
    SIM_LATER, SIM_BY_CHANCE, true)
TRAFFIC(in_order, VIRTIO_F_IN_ORDER, SIM_LATER, SIM_WHEN_IDLE, false)
TRAFFIC(packed_in_order, VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER |
    F_EVENT_IDX, SIM_LATER, SIM_BY_CHANCE, false)

/* The indices go around more than once. */
static void
indices_wrap_around(uint64_t features, enum sim_suppress how)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features = features;
	vc.vc_qsize[0] = 8;
	vc.vc_random_order = true;
	vc.vc_suppress = how;
	run(&vc, 2, 70000);
}

static void
indices_wrap_around_without_events(void **state)
{
	indices_wrap_around(0, SIM_WHEN_IDLE);
}

static void
indices_wrap_around_with_events(void **state)
{
	indices_wrap_around(F_EVENT_IDX | F_INDIRECT, SIM_WHEN_IDLE);
}

static void
traffic_by_the_line(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvec = 0;
	run(&vc, 4, 2000);
	vc.vc_nvec = 1;
	run(&vc, 4, 2000);
}

static void
traffic_in_an_io_bar_and_by_the_window(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_where = SIM_IO;
	run(&vc, 4, 1000);
	vc.vc_where = SIM_WINDOW;
	run(&vc, 4, 1000);
}

static void
traffic_on_a_legacy_device(void **state)
{
	struct sim_virtio_conf vc = plain;

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_nvec = 0;
	run(&vc, 4, 3000);
	vc.vc_features = F_EVENT_IDX | F_INDIRECT;
	vc.vc_nvec = 2;
	run(&vc, 8, 3000);
}

/* --- notifications ------------------------------------------------------- */

static void
send(u_int n)
{
	while (n-- > 0)
		assert_int_equal(traffic_send(traffic_idle(), 1, 1), 0);
}

static void
by_hand(uint64_t features, enum sim_suppress how)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features = features;
	vc.vc_when = SIM_BY_HAND;
	vc.vc_suppress = how;
	vc.vc_qsize[0] = 32;
	start(&vc, 2);
}

static void
receive_all(u_int n)
{
	while (traffic_receive())
		n--;
	assert_int_equal(n, 0);
	assert_int_equal(traffic.tr_wrong, 0);
}

static void
a_batch_needs_one_notification(void **state)
{
	u_int k;

	for (k = 0; k < 4; k++) {
		by_hand((k & 1 ? F_INDIRECT : 0) | (k & 2 ? F_EVENT_IDX : 0),
		    SIM_ALWAYS);
		send(10);
		assert_int_equal(ring()->sq_notified, 0);
		traffic_notify();
		assert_int_equal(ring()->sq_notified, 1);
		traffic_notify();
		assert_int_equal(ring()->sq_notified, 1);
		(void)sim_virtio_run(traffic.tr_sv);
		receive_all(10);
		traffic_end();
	}
	running = false;
}

static void
a_device_that_polls_is_not_notified(void **state)
{
	u_int k, i;

	for (k = 0; k < 2; k++) {
		by_hand(k ? F_EVENT_IDX : 0, SIM_POLLS);
		for (i = 0; i < 100; i++) {
			send(5);
			traffic_notify();
			(void)sim_virtio_run(traffic.tr_sv);
			receive_all(5);
		}
		assert_int_equal(ring()->sq_notified, 0);
		traffic_end();
	}
	running = false;
}

static void
what_is_enqueued_before_the_start_is_told_then(void **state)
{
	struct sim_virtio_conf vc = plain;

	traffic.tr_nostart = true;
	start(&vc, 2);
	send(3);
	traffic_notify();
	assert_int_equal(ring()->sq_notified, 0);
	assert_int_equal(virtio_start(traffic.tr_vsc), 0);
	assert_int_equal(ring()->sq_notified, 1);
	hosted_run(1000);
	receive_all(3);
}

/* --- interrupts ---------------------------------------------------------- */

static bool
enable(u_int n)
{
	bool work;

	mtx_enter(&traffic.tr_mtx);
	work = vq_intr_enable(traffic.tr_vq, n);
	mtx_leave(&traffic.tr_mtx);
	return (work);
}

static void
disable(void)
{
	mtx_enter(&traffic.tr_mtx);
	vq_intr_disable(traffic.tr_vq);
	mtx_leave(&traffic.tr_mtx);
}

static void
answer(u_int n)
{
	struct sim_chain *ch;

	while (n-- > 0 && (ch = TAILQ_FIRST(&ring()->sq_held)) != NULL)
		traffic_answer(traffic.tr_sv, ch);
	hosted_run(1000);
}

static void
hold(struct sim_virtio *sv, struct sim_chain *ch)
{
}

static void
held(uint64_t features, u_int n)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features = features;
	vc.vc_qsize[0] = 32;
	vc.vc_request = hold;
	start(&vc, 2);
	send(n);
	traffic_notify();
	hosted_run(1000);
	assert_int_equal(ring()->sq_nheld, n);
}

static void
interrupts_are_enabled_at_first(void **state)
{
	held(0, 1);
	answer(1);
	assert_int_equal(traffic.tr_woken, 1);
}

static void
interrupts_are_enabled_at_first_with_events(void **state)
{
	held(F_EVENT_IDX, 1);
	answer(1);
	assert_int_equal(traffic.tr_woken, 1);
}

static void
no_interrupt_while_they_are_disabled(void **state)
{
	u_int k;

	for (k = 0; k < 2; k++) {
		held(k ? F_EVENT_IDX : 0, 9);
		answer(1);
		traffic.tr_woken = 0;
		receive_all(1);
		disable();
		answer(8);
		assert_int_equal(traffic.tr_woken, 0);
		assert_true(enable(1));
		receive_all(8);
		traffic_end();
	}
	running = false;
}

static void
with_events_the_one_after_n_interrupts(void **state)
{
	held(F_EVENT_IDX, 10);
	assert_false(enable(4));
	answer(4);
	assert_int_equal(traffic.tr_woken, 0);
	answer(1);
	assert_int_equal(traffic.tr_woken, 1);
	answer(5);
	assert_int_equal(traffic.tr_woken, 1);
	receive_all(10);
}

static void
enabling_says_if_there_is_work(void **state)
{
	held(0, 2);
	disable();
	assert_false(enable(1));
	disable();
	answer(1);
	assert_true(enable(1));
	receive_all(1);
	assert_false(enable(1));
	answer(1);
	receive_all(1);
}

/* --- limits -------------------------------------------------------------- */

static void
a_full_queue_says_so_and_goes_on(void **state)
{
	u_int k, n, round;

	for (k = 0; k < 2; k++) {
		by_hand(k ? F_INDIRECT : 0, SIM_ALWAYS);
		for (round = 0; round < 3; round++) {
			for (n = 0; traffic_send(traffic_idle(), 1, 1) == 0;
			    n++)
				;
			assert_int_equal(n, k ? 32 : 16);
			assert_int_equal(traffic_send(traffic_idle(), 1, 1),
			    ENOSPC);
			traffic_notify();
			(void)sim_virtio_run(traffic.tr_sv);
			receive_all(n);
		}
		assert_int_equal(traffic_send(traffic_idle(), 1, 1), 0);
		traffic_end();
	}
	running = false;
}

static void
too_many_segments_never_fit(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_qsize[0] = 4;
	start(&vc, 8);
	assert_int_equal(vq_size(traffic.tr_vq), 4);
	assert_int_equal(vq_maxsegs(traffic.tr_vq), 4);
	assert_int_equal(traffic_send(traffic_idle(), 3, 2), EFBIG);
	assert_int_equal(traffic_send(traffic_idle(), 2, 2), 0);
}

static void
a_queue_may_be_made_smaller_than_the_device_offers(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_qsize[0] = 256;
	traffic_start(&vc, 2, 8);
	running = true;
	assert_int_equal(vq_size(traffic.tr_vq), 8);
	assert_int_equal(ring()->sq_size, 8);
	traffic_run(500);
	assert_int_equal(traffic.tr_back, 500);
}

static u_int
nfree(void)
{
	u_int n;

	mtx_enter(&traffic.tr_mtx);
	n = vq_nfree(traffic.tr_vq);
	mtx_leave(&traffic.tr_mtx);
	return (n);
}

static void
the_number_of_free_descriptors_is_told(void **state)
{
	by_hand(0, SIM_ALWAYS);
	assert_int_equal(nfree(), 32);
	send(3);
	assert_int_equal(nfree(), 26);
}

static void
lists_refuse_what_cannot_be(void **state)
{
	struct traffic_req *tq;
	VQ_SG_DECL(sg, 3, &md_dma);

	by_hand(0, SIM_ALWAYS);
	tq = traffic_idle();
	assert_int_equal(bus_dmamap_load(&md_dma, tq->tq_in, tq->tq_inbuf,
	    100, 0), 0);
	assert_int_equal(vq_sg_in(&sg, tq->tq_in, 90, 11), EINVAL);
	assert_int_equal(vq_sg_in(&sg, tq->tq_in, 101, 0), EINVAL);
	assert_int_equal(vq_sg_in(&sg, tq->tq_in, ~0ULL, 2), EINVAL);
	assert_int_equal(vq_sg_in(&sg, tq->tq_in, 10, 20), 0);
	assert_int_equal(vq_sg_out(&sg, tq->tq_in, 0, 10), EINVAL);
	bus_dmamap_unload(&md_dma, tq->tq_in);
}

static void
a_list_that_is_full_says_so(void **state)
{
	struct traffic_req *tq;
	VQ_SG_DECL(sg, 2, &md_dma);

	by_hand(0, SIM_ALWAYS);
	tq = traffic_idle();
	assert_int_equal(bus_dmamap_load(&md_dma, tq->tq_out, tq->tq_outbuf,
	    100, 0), 0);
	(void)vq_sg_out(&sg, tq->tq_out, 0, 1);
	(void)vq_sg_out(&sg, tq->tq_out, 1, 1);
	assert_int_equal(vq_sg_out(&sg, tq->tq_out, 2, 1), EFBIG);
	bus_dmamap_unload(&md_dma, tq->tq_out);
}

/* --- calls --------------------------------------------------------------- */

static void
call(int want, uint32_t wantlen)
{
	struct dmamem dmm = { .dmm_tag = NULL };
	VQ_SG_DECL(sg, 2, &md_dma);
	uint32_t len = 77;
	int error;

	assert_int_equal(dmamem_alloc(&dmm, &md_dma, 64, 8, 0), 0);
	memset(dmm.dmm_kva, 0, 64);
	((uint8_t *)dmm.dmm_kva)[0] = 20;
	assert_int_equal(vq_sg_out_mem(&sg, &dmm, 0, 10), 0);
	assert_int_equal(vq_sg_in_mem(&sg, &dmm, 32, 32), 0);
	mtx_enter(&traffic.tr_mtx);
	error = vq_call(traffic.tr_vq, &sg, &len, 100);
	mtx_leave(&traffic.tr_mtx);
	assert_int_equal(error, want);
	if (error == 0) {
		assert_int_equal(len, wantlen);
		assert_int_equal(((uint8_t *)dmm.dmm_kva)[33], 20);
	} else
		virtio_stop(traffic.tr_vsc);
	dmamem_free(&dmm);
}

static void
a_call_waits_for_its_answer(void **state)
{
	struct sim_virtio_conf vc = plain;

	traffic.tr_polled = true;
	start(&vc, 2);
	call(0, 20);
	call(0, 20);
}

static void
a_call_is_woken_by_the_handler_of_its_queue(void **state)
{
	struct sim_virtio_conf vc = plain;

	traffic.tr_dequeues = true;
	start(&vc, 2);
	call(0, 20);
	assert_int_equal(traffic.tr_woken, 1);
	call(0, 20);
}

static void
a_call_that_is_not_answered_ends(void **state)
{
	struct sim_virtio_conf vc = plain;
	uint64_t before;

	vc.vc_when = SIM_NEVER;
	start(&vc, 2);
	before = nsecuptime();
	call(ETIMEDOUT, 0);
	assert_true(nsecuptime() - before >= 100000000);
	assert_true(nsecuptime() - before < 10000000000);
}

/* --- lies, one by one; more are in hostile.c ----------------------------- */

static uint32_t	lie;

static void
answer_too_long(struct sim_virtio *sv, struct sim_chain *ch)
{
	sim_chain_done(ch, lie);
}

static void
a_used_length_is_cut_to_the_room(void **state)
{
	struct sim_virtio_conf vc = plain;
	struct traffic_req *tq, *back;
	uint32_t len;

	for (lie = 1; lie != 0; lie = lie == 1 ? 1000000 : lie == 1000000 ?
	    0xffffffff : 0) {
		vc.vc_request = answer_too_long;
		start(&vc, 2);
		tq = traffic_idle();
		assert_int_equal(traffic_send(tq, 1, 1), 0);
		traffic_notify();
		hosted_run(1000);
		mtx_enter(&traffic.tr_mtx);
		back = vq_dequeue(traffic.tr_vq, &len);
		mtx_leave(&traffic.tr_mtx);
		assert_ptr_equal(back, tq);
		assert_int_equal(len, MIN(lie, tq->tq_inlen));
		traffic_return(tq);
		traffic_end();
	}
	running = false;
}

static void
what_was_not_answered_is_drained(void **state)
{
	by_hand(F_INDIRECT, SIM_ALWAYS);
	send(20);
	assert_int_equal(traffic.tr_lent, 20);
	traffic_end();
	running = false;
	assert_int_equal(traffic.tr_back, 20);
}

static void
after_a_stop_and_restart_all_goes_on(void **state)
{
	struct traffic_req *tq;
	struct sim_virtio_conf vc = plain;
	u_int i;

	vc.vc_features = F_EVENT_IDX | F_INDIRECT;
	start(&vc, 4);
	for (i = 0; i < 5; i++) {
		traffic_run(300);
		send(4);
		virtio_stop(traffic.tr_vsc);
		mtx_enter(&traffic.tr_mtx);
		assert_null(vq_dequeue(traffic.tr_vq, NULL));
		while ((tq = vq_drain(traffic.tr_vq)) != NULL)
			traffic_return(tq);
		mtx_leave(&traffic.tr_mtx);
		assert_int_equal(traffic_send(traffic_idle(), 1, 1), ENXIO);
		assert_int_equal(traffic.tr_lent, 0);
		assert_int_equal(virtio_restart(traffic.tr_vsc), 0);
	}
	traffic_run(300);
	assert_int_equal(traffic.tr_wrong, 0);
	assert_int_equal(traffic.tr_lost, 0);
}

/* --- recovery ------------------------------------------------------------ */

#define SECONDS(n)	((n) * 1000000000ULL)

static void
a_device_that_needs_a_reset_gets_one(void **state)
{
	held(0, 5);
	sim_virtio_needs_reset(traffic.tr_sv);
	hosted_run(1000000);
	assert_int_equal(traffic.tr_failed, 1);
	assert_int_equal(traffic.tr_lent, 0);
	assert_int_equal(traffic.tr_resumed, 1);
	traffic.tr_sv->sv_c.vc_request = traffic_answer;
	traffic.tr_back = 0;
	traffic_run(300);
	assert_int_equal(traffic.tr_back, 300);
	assert_int_equal(traffic.tr_wrong, 0);
}

static void
a_device_that_does_not_come_back_is_given_up(void **state)
{
	held(0, 5);
	traffic.tr_sv->sv_refuse_ok = true;
	sim_virtio_needs_reset(traffic.tr_sv);
	hosted_run(SECONDS(10));
	assert_int_equal(traffic.tr_failed, 1);
	assert_int_equal(traffic.tr_lent, 0);
	assert_int_equal(traffic.tr_resumed, 0);
	assert_int_equal(traffic.tr_gone, 1);
	assert_true(sim_said("device refuses FEATURES_OK; not used any more"));
	assert_int_equal(traffic_send(traffic_idle(), 1, 1), ENXIO);
	assert_true(traffic.tr_sv->sv_status & 0x80);
}

static void
a_device_that_offers_less_than_before_is_given_up(void **state)
{
	held(F_EVENT_IDX, 0);
	traffic.tr_sv->sv_offered &= ~F_EVENT_IDX;
	sim_virtio_needs_reset(traffic.tr_sv);
	hosted_run(SECONDS(10));
	assert_int_equal(traffic.tr_gone, 1);
	assert_true(sim_said("offers less than before"));
}

static void
fails(u_int n, uint64_t every)
{
	while (n-- > 0) {
		sim_virtio_needs_reset(traffic.tr_sv);
		hosted_run(every);
	}
}

static void
a_device_that_fails_time_and_again_is_given_up(void **state)
{
	held(0, 0);
	fails(10, SECONDS(5));
	assert_int_equal(traffic.tr_resumed, 5);
	assert_int_equal(traffic.tr_gone, 1);
}

static void
a_device_that_seldom_fails_is_not_given_up(void **state)
{
	held(0, 0);
	fails(20, SECONDS(61));
	assert_int_equal(traffic.tr_resumed, 20);
	assert_int_equal(traffic.tr_gone, 0);
}

static void
what_is_long_ago_does_not_count(void **state)
{
	held(0, 0);
	fails(5, SECONDS(5));
	hosted_run(SECONDS(61));
	hosted_init();		/* a new console */
	hosted_now = SECONDS(1000);
	fails(1, SECONDS(5));
	assert_true(sim_said("viotest0: device needs a reset; reset"));
	assert_int_equal(traffic.tr_resumed, 6);
}

static void
a_device_may_vanish_while_its_restart_waits(void **state)
{
	held(0, 0);
	fails(1, 1000000);
	sim_virtio_needs_reset(traffic.tr_sv);
	hosted_run(1000000);
	assert_int_equal(traffic.tr_failed, 2);
	assert_int_equal(traffic.tr_resumed, 1);
	traffic_end();
	running = false;
	hosted_run(SECONDS(10));
}

static void
control(const char *what, int want)
{
	char was[32], is[32];
	size_t n;

	assert_int_equal(sysctl_read("hw.virtio.0.control", was, sizeof(was),
	    &n), 0);
	assert_int_equal(sysctl_write("hw.virtio.0.control", what), want);
	assert_int_equal(sysctl_read("hw.virtio.0.control", is, sizeof(is),
	    &n), 0);
	if (want != 0)
		assert_string_equal(was, is);
}

static void
a_reset_can_be_asked_for(void **state)
{
	u_int i;

	held(F_EVENT_IDX | F_INDIRECT, 5);
	control("reset", 0);
	assert_int_equal(traffic.tr_lent, 0);
	assert_int_equal(traffic.tr_resumed, 1);
	traffic.tr_sv->sv_c.vc_request = traffic_answer;
	for (i = 0; i < 20; i++) {
		traffic_run(100);
		control("reset", 0);
	}
	assert_int_equal(traffic.tr_wrong, 0);
	assert_int_equal(traffic.tr_resumed, 21);
}

static void
control_refuses_what_it_does_not_know(void **state)
{
	held(0, 0);
	control("", EINVAL);
	control("rese", EINVAL);
	control("reset ", ENOENT);
	control("a word that is longer than there is room", EINVAL);
	control("reset nosuch", ENOENT);
	control("reset test", EOPNOTSUPP);
	control("suspend", EOPNOTSUPP);
	control("resume", EBUSY);
}

/* --- one queue, suspension ----------------------------------------------- */

static void
started(uint64_t features)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features = features;
	start(&vc, 4);
}

static void
goes_on(void)
{
	traffic.tr_back = 0;
	traffic_run(200);
	assert_int_equal(traffic.tr_back, 200);
	assert_int_equal(traffic.tr_wrong, 0);
	assert_int_equal(traffic.tr_lost, 0);
}

static void
a_queue_can_be_reset_by_itself(void **state)
{
	u_int k;

	for (k = 0; k < 2; k++) {
		started(VIRTIO_F_RING_RESET |
		    (k ? VIRTIO_F_RING_PACKED : 0));
		traffic.tr_sv->sv_queueresetpolls = 3;
		goes_on();
		control("reset test", 0);
		assert_int_equal(traffic.tr_sv->sv_nqueueresets, 1);
		assert_int_equal(traffic.tr_resumed, 1);
		goes_on();
		assert_int_equal(traffic.tr_sv->sv_nresets, 1);
		traffic_end();
	}
	running = false;
}

static void
what_a_reset_queue_had_is_given_back(void **state)
{
	held(VIRTIO_F_RING_RESET, 6);
	control("reset test", 0);
	assert_int_equal(traffic.tr_lent, 0);
	assert_int_equal(traffic.tr_back, 6);
	traffic.tr_sv->sv_c.vc_request = traffic_answer;
	goes_on();
}

static void
a_queue_whose_reset_does_not_end_has_the_device_reset(void **state)
{
	started(VIRTIO_F_RING_RESET);
	traffic.tr_sv->sv_queueresetpolls = ~0U;
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset test"),
	    ETIMEDOUT);
	hosted_run(SECONDS(1));
	assert_true(sim_said("test queue cannot be reset; reset"));
	assert_int_equal(traffic.tr_resumed, 1);
	goes_on();
}

static void
a_suspended_device_is_left_alone(void **state)
{
	u_int told;

	started(VIRTIO_F_SUSPEND);
	traffic.tr_sv->sv_suspendpolls = traffic.tr_sv->sv_resumepolls = 3;
	goes_on();
	control("suspend", 0);
	assert_int_equal(traffic.tr_sv->sv_nsuspends, 1);
	told = ring()->sq_notified;
	assert_int_equal(traffic_send(traffic_idle(), 1, 1), ENOSPC);
	traffic_notify();
	assert_int_equal(ring()->sq_notified, told);
	control("suspend", EBUSY);
	control("resume", 0);
	assert_int_equal(traffic.tr_sv->sv_nresumes, 1);
	assert_int_equal(traffic.tr_resumed, 1);
	goes_on();
}

static void
a_suspended_device_can_be_reset_and_detached(void **state)
{
	started(VIRTIO_F_SUSPEND);
	control("suspend", 0);
	control("reset", 0);
	goes_on();
	control("suspend", 0);
}

static void
a_device_that_does_not_suspend_is_reset(void **state)
{
	started(VIRTIO_F_SUSPEND);
	traffic.tr_sv->sv_suspendfails = true;
	assert_int_equal(sysctl_write("hw.virtio.0.control", "suspend"), EIO);
	hosted_run(SECONDS(1));
	assert_true(sim_said("device does not suspend; reset"));
	goes_on();
}

static void
a_device_that_does_not_resume_is_reset(void **state)
{
	started(VIRTIO_F_SUSPEND);
	traffic.tr_sv->sv_resumepolls = ~0U;
	control("suspend", 0);
	assert_int_equal(sysctl_write("hw.virtio.0.control", "resume"), EIO);
	hosted_run(SECONDS(1));
	assert_true(sim_said("device does not resume; reset"));
	goes_on();
}

/* --- features ------------------------------------------------------------ */

static void
features_above_63_are_negotiated(void **state)
{
	static const struct virtio_feature table[] = {
		{ VIRTIO_BIT(66), 0, 0, "SIXTY_SIX" },
		{ VIRTIO_BIT(100), VIRTIO_BIT(66), 0, "HUNDRED" },
		{ VIRTIO_BIT(101), VIRTIO_BIT(102), 0, "NEEDY" },
	};
	struct sim_virtio_conf vc = plain;
	char buf[256];
	size_t n;

	traffic.tr_table = table;
	traffic.tr_ntable = nitems(table);
	vc.vc_features_hi = 1ULL << 2 | 1ULL << 36 | 1ULL << 37 | 1ULL << 63;
	start(&vc, 2);
	assert_true(virtio_has(traffic.tr_vsc, VIRTIO_BIT(66) |
	    VIRTIO_BIT(100)));
	assert_false(virtio_has(traffic.tr_vsc, VIRTIO_BIT(101)));
	assert_false(virtio_offered(traffic.tr_vsc, VIRTIO_BIT(102)));
	assert_true(virtio_offered(traffic.tr_vsc, VIRTIO_BIT(127)));
	assert_true(traffic.tr_sv->sv_features_hi ==
	    (1ULL << 2 | 1ULL << 36));
	assert_int_equal(sysctl_read("hw.virtio.0.host_features", buf,
	    sizeof(buf), &n), 0);
	assert_string_equal(buf, "VERSION_1,SIXTY_SIX,HUNDRED,NEEDY,bit127");
}

static void
an_old_common_configuration_has_less_to_offer(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features = VIRTIO_F_RING_RESET | VIRTIO_F_NOTIF_CONFIG_DATA |
	    VIRTIO_F_RING_PACKED;
	vc.vc_common = 0x38;
	start(&vc, 2);
	assert_true(virtio_has(traffic.tr_vsc, VIRTIO_F_RING_PACKED));
	assert_false(virtio_has(traffic.tr_vsc, VIRTIO_F_RING_RESET));
	assert_false(virtio_has(traffic.tr_vsc, VIRTIO_F_NOTIF_CONFIG_DATA));
	goes_on();
}

static void
a_translated_bus_needs_a_device_that_knows(void **state)
{
	struct sim_virtio_conf vc = plain;

	sim_dma_translate(true);
	traffic_start(&vc, 2, 0);
	running = true;
	assert_int_equal(traffic.tr_error, ENXIO);
	assert_true(sim_said("device does not offer ACCESS_PLATFORM"));
	sim_dma_translate(false);
}

/* Legacy: for a driver that has its interrupts off and must not wait. */
static void
a_driver_may_ask_to_be_told_that_a_queue_is_empty(void **state)
{
	static const struct virtio_feature table[] = {
		{ VIRTIO_F_NOTIFY_ON_EMPTY, 0, 0, "NOTIFY_ON_EMPTY" },
	};
	struct sim_virtio_conf vc = plain;
	u_int k;

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_features = VIRTIO_F_NOTIFY_ON_EMPTY;
	vc.vc_request = hold;
	for (k = 0; k < 2; k++) {
		traffic.tr_table = k ? table : NULL;
		traffic.tr_ntable = k;
		start(&vc, 2);
		send(3);
		traffic_notify();
		hosted_run(1000);
		disable();
		traffic.tr_woken = 0;
		answer(2);
		assert_int_equal(traffic.tr_woken, 0);
		answer(1);
		assert_int_equal(traffic.tr_woken, k);
		receive_all(3);
		traffic_end();
	}
	running = false;
}

/* --- more of the lies ---------------------------------------------------- */

static void
a_used_index_beyond_what_is_lent_is_a_lie(void **state)
{
	held(0, 3);
	sim_dma_put(ring()->sq_device + 2, 2, 4);
	assert_false(traffic_receive());
	hosted_run(1000000);
	assert_true(sim_said("used index 4, 3 requests lent since 0; reset"));
	assert_int_equal(traffic.tr_resumed, 1);
}

/* From offset 30 of 32 in the first round on, with an event there and so. */
static u_int
told_at_the_end(uint16_t event, u_int n)
{
	u_int before;

	by_hand(VIRTIO_F_RING_PACKED | F_EVENT_IDX, SIM_ALWAYS);
	send(15);
	traffic_notify();
	(void)sim_virtio_run(traffic.tr_sv);
	receive_all(15);
	sim_dma_put(ring()->sq_device, 2, event);
	sim_dma_put(ring()->sq_device + 2, 2, 2);
	before = ring()->sq_notified;
	send(n);
	traffic_notify();
	n = ring()->sq_notified - before;
	traffic_end();
	running = false;
	return (n);
}

static void
an_event_counts_in_its_round_only(void **state)
{
	assert_int_equal(told_at_the_end(0x8000 | 31, 1), 1);
	assert_int_equal(told_at_the_end(31, 1), 0);
	assert_int_equal(told_at_the_end(1, 1), 0);
	assert_int_equal(told_at_the_end(1, 2), 1);
	assert_int_equal(told_at_the_end(0x8000 | 1, 2), 0);
}

static void
an_event_beyond_the_ring_is_notified(void **state)
{
	by_hand(VIRTIO_F_RING_PACKED | F_EVENT_IDX, SIM_ALWAYS);
	sim_dma_put(ring()->sq_device, 2, 0x7fff);
	sim_dma_put(ring()->sq_device + 2, 2, 2);
	send(1);
	traffic_notify();
	assert_int_equal(ring()->sq_notified, 1);
}

static void
a_used_descriptor_without_a_loan_is_a_lie(void **state)
{
	held(VIRTIO_F_RING_PACKED, 0);
	sim_dma_put(ring()->sq_desc + 14, 2, 0x8080);
	assert_false(traffic_receive());
	hosted_run(1000000);
	assert_true(sim_said("descriptor 0 is used, nothing is lent; reset"));
	assert_int_equal(traffic.tr_resumed, 1);
}

static void
a_length_that_was_cut_can_be_told(void **state)
{
	struct sim_virtio_conf vc = plain;
	struct traffic_req *tq;
	uint32_t len;
	u_int k;

	for (k = 0; k < 2; k++) {
		lie = k ? 1000000 : 1;
		vc.vc_request = answer_too_long;
		start(&vc, 2);
		assert_int_equal(traffic_send(traffic_idle(), 1, 1), 0);
		traffic_notify();
		hosted_run(1000);
		mtx_enter(&traffic.tr_mtx);
		tq = vq_dequeue(traffic.tr_vq, &len);
		assert_true(vq_was_cut(traffic.tr_vq) == (k == 1));
		mtx_leave(&traffic.tr_mtx);
		traffic_return(tq);
		traffic_end();
	}
	running = false;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(traffic_plain),
		TEST(traffic_at_once),
		TEST(traffic_in_any_order),
		TEST(traffic_with_suppression),
		TEST(traffic_to_a_device_that_polls),
		TEST(traffic_indirect),
		TEST(traffic_indirect_at_once),
		TEST(traffic_with_event_index),
		TEST(traffic_with_event_index_when_idle),
		TEST(traffic_with_event_index_at_once),
		TEST(traffic_with_both),
		TEST(traffic_with_both_to_a_device_that_polls),
		TEST(traffic_packed),
		TEST(traffic_packed_with_both),
		TEST(traffic_in_order),
		TEST(traffic_packed_in_order),
		TEST(indices_wrap_around_without_events),
		TEST(indices_wrap_around_with_events),
		TEST(traffic_by_the_line),
		TEST(traffic_in_an_io_bar_and_by_the_window),
		TEST(traffic_on_a_legacy_device),
		TEST(a_batch_needs_one_notification),
		TEST(a_device_that_polls_is_not_notified),
		TEST(what_is_enqueued_before_the_start_is_told_then),
		TEST(interrupts_are_enabled_at_first),
		TEST(interrupts_are_enabled_at_first_with_events),
		TEST(no_interrupt_while_they_are_disabled),
		TEST(with_events_the_one_after_n_interrupts),
		TEST(enabling_says_if_there_is_work),
		TEST(a_full_queue_says_so_and_goes_on),
		TEST(too_many_segments_never_fit),
		TEST(a_queue_may_be_made_smaller_than_the_device_offers),
		TEST(the_number_of_free_descriptors_is_told),
		TEST(lists_refuse_what_cannot_be),
		TEST(a_list_that_is_full_says_so),
		TEST(a_call_waits_for_its_answer),
		TEST(a_call_is_woken_by_the_handler_of_its_queue),
		TEST(a_call_that_is_not_answered_ends),
		TEST(a_used_length_is_cut_to_the_room),
		TEST(what_was_not_answered_is_drained),
		TEST(after_a_stop_and_restart_all_goes_on),
		TEST(a_device_that_needs_a_reset_gets_one),
		TEST(a_device_that_does_not_come_back_is_given_up),
		TEST(a_device_that_offers_less_than_before_is_given_up),
		TEST(a_device_that_fails_time_and_again_is_given_up),
		TEST(a_device_that_seldom_fails_is_not_given_up),
		TEST(what_is_long_ago_does_not_count),
		TEST(a_device_may_vanish_while_its_restart_waits),
		TEST(a_reset_can_be_asked_for),
		TEST(control_refuses_what_it_does_not_know),
		TEST(a_queue_can_be_reset_by_itself),
		TEST(what_a_reset_queue_had_is_given_back),
		TEST(a_queue_whose_reset_does_not_end_has_the_device_reset),
		TEST(a_suspended_device_is_left_alone),
		TEST(a_suspended_device_can_be_reset_and_detached),
		TEST(a_device_that_does_not_suspend_is_reset),
		TEST(a_device_that_does_not_resume_is_reset),
		TEST(features_above_63_are_negotiated),
		TEST(an_old_common_configuration_has_less_to_offer),
		TEST(a_translated_bus_needs_a_device_that_knows),
		TEST(a_driver_may_ask_to_be_told_that_a_queue_is_empty),
		TEST(a_used_index_beyond_what_is_lent_is_a_lie),
		TEST(an_event_counts_in_its_round_only),
		TEST(an_event_beyond_the_ring_is_notified),
		TEST(a_used_descriptor_without_a_loan_is_a_lie),
		TEST(a_length_that_was_cut_can_be_told),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

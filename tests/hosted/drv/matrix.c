/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Every combination of what a ring can be, with devices of different habits,
 * and random traffic through queues of several sizes: each byte and each
 * length is compared with what the device meant to send.
 */

#include "test.h"

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/sysctl.h>

#include "sim/traffic.h"

static const struct {
	uint64_t	 bit;
	const char	*name;
} features[] = {
	{ VIRTIO_F_RING_PACKED, "packed" },
	{ VIRTIO_F_INDIRECT_DESC, "indirect" },
	{ VIRTIO_F_EVENT_IDX, "events" },
	{ VIRTIO_F_IN_ORDER, "in_order" },
	{ VIRTIO_F_NOTIFICATION_DATA, "notification_data" },
	{ VIRTIO_F_NOTIF_CONFIG_DATA, "notif_config_data" },
	{ VIRTIO_F_RING_RESET, "ring_reset" },
	{ VIRTIO_F_ACCESS_PLATFORM, "translated" },
};
#define NCOMBINATION	(1U << nitems(features))

static const struct {
	enum sim_suppress suppress;
	enum sim_when	  when;
	bool		  order;
	const char	 *name;
} habits[] = {
	{ SIM_ALWAYS, SIM_LATER, false, "wants_all" },
	{ SIM_WHEN_IDLE, SIM_LATER, true, "wants_when_idle" },
	{ SIM_POLLS, SIM_LATER, true, "polls" },
	{ SIM_BY_CHANCE, SIM_AT_ONCE, true, "by_chance_at_once" },
};

static const uint16_t split_sizes[] = { 1, 2, 4, 16, 64, 256 };
static const uint16_t packed_sizes[] = { 1, 2, 3, 7, 29, 300 };

#define NREQUEST	250

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
	sim_dma_translate(false);
	sim_dma_split = false;
	return (sim_fini());
}

/* A queue may be reset while the device is still at work. */
static void
reset_the_queue(void)
{
	u_int left = traffic.tr_lent;

	traffic.tr_back -= left;	/* they are counted when sent again */
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset test"), 0);
	traffic.tr_back += left - traffic.tr_lent;
}

static void
run(const struct sim_virtio_conf *vc, u_int nsegs, bool reset)
{
	sim_dma_split = true;
	traffic_start(vc, nsegs, vc->vc_qsize[0]);
	running = true;
	if (traffic.tr_error != 0 || traffic.tr_vq == NULL)
		fail_msg("%s", hosted_console());
	assert_true(virtio_has(traffic.tr_vsc, vc->vc_features));
	assert_int_equal(vq_size(traffic.tr_vq), vc->vc_qsize[0]);
	traffic_run(NREQUEST);
	if (reset) {
		reset_the_queue();
		traffic_run(NREQUEST);
	}
	assert_int_equal(traffic.tr_lost, 0);
	assert_int_equal(traffic.tr_wrong, 0);
	assert_int_equal(traffic.tr_back, reset ? 2 * NREQUEST : NREQUEST);
	traffic_end();
	running = false;
}

static void
combination(void **state)
{
	u_int n = *(u_int *)*state, i, k, nsegs;
	struct sim_virtio_conf vc = { .vc_nvec = 2 };
	bool packed, reset;

	for (i = 0; i < nitems(features); i++) {
		if (n & 1U << i)
			vc.vc_features |= features[i].bit;
	}
	packed = vc.vc_features & VIRTIO_F_RING_PACKED;
	reset = vc.vc_features & VIRTIO_F_RING_RESET;
	sim_dma_translate(vc.vc_features & VIRTIO_F_ACCESS_PLATFORM);
	for (k = 0; k < nitems(habits); k++) {
		vc.vc_suppress = habits[k].suppress;
		vc.vc_when = habits[k].when;
		vc.vc_random_order = habits[k].order;
		vc.vc_batch = vc.vc_features & VIRTIO_F_IN_ORDER ? 1 + 5 * k :
		    0;
		/* each size with each habit, over the combinations */
		for (i = 0; i < nitems(split_sizes); i += 2) {
			sim_seed(1000 * n + 10 * k + i);
			vc.vc_qsize[0] = packed ?
			    packed_sizes[i + (n + k) % 2] :
			    split_sizes[i + (n + k) % 2];
			nsegs = 1U << sim_random(5);
			run(&vc, MIN(vc.vc_qsize[0], nsegs), reset);
		}
	}
}

/* The slow builds share the combinations; any two features meet in both. */
static bool
here(u_int n)
{
#if defined(WIRE_STEP)
	return (__builtin_parity(n) == 0);
#elif WIRE_LE_SWAP
	return (__builtin_parity(n) != 0);
#else
	return (n < NCOMBINATION);
#endif
}

int
main(void)
{
	struct CMUnitTest tests[NCOMBINATION];
	static char names[NCOMBINATION][128];
	static u_int number[NCOMBINATION];
	u_int n, i, ntests = 0;
	size_t len;

	for (n = 0; n < NCOMBINATION; n++) {
		if (!here(n))
			continue;
		len = 0;
		for (i = 0; i < nitems(features); i++) {
			if (n & 1U << i)
				len += snprintf(names[n] + len,
				    sizeof(names[n]) - len, "%s%s",
				    len > 0 ? "_" : "", features[i].name);
		}
		number[n] = n;
		tests[ntests++] = (struct CMUnitTest){
			.name = n == 0 ? "plain" : names[n],
			.test_func = combination, .setup_func = setup,
			.teardown_func = teardown,
			.initial_state = &number[n],
		};
	}
	return (_cmocka_run_group_tests("matrix", tests, ntests, NULL, NULL));
}

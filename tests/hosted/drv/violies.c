/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vio(4) where something goes wrong: devices that fail, that go away, that say
 * what cannot be; and a kernel without memory.
 */

#include "test.h"

#include "sim/vionet.h"

/* --- failure and resumption ---------------------------------------------- */

static void
after_a_reset_all_is_as_before(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 9, 9, 9 };
	uint32_t caps;
	u_int i;

	start(F_ALL);
	make_groups(3);
	rxfilter(IFF_ALLMULTI);
	assert_int_equal(nif->if_ops->ifo_setlladdr(nif, mac), 0);
	memcpy(nif->if_lladdr, mac, 6);
	caps = nif->if_capenable & ~IFCAP_LRO;
	assert_int_equal(nif->if_ops->ifo_setcaps(nif, caps), 0);
	for (i = 0; i < 3; i++) {
		sim_virtio_needs_reset(nt->nt_sv);
		hosted_run(2000000000);
		assert_memory_equal(nt->nt_mac, mac, 6);
		assert_true(nt->nt_mode[1]);
		assert_int_equal(nt->nt_off, F_GUEST & ~F_GUEST_CSUM);
		exchange(4);
	}
}

static void
after_a_reset_the_pairs_are_used_again(void **state)
{
	start_pairs(F_ALL | F_MQ, 2);
	sim_virtio_needs_reset(nt->nt_sv);
	hosted_run(2000000000);
	assert_int_equal(nt->nt_pairs, 2);
	exchange(4);
}

/* What waits for a queue that is not used any more, too: 5.1.6.5.6.1. */
static void
pairs_that_are_gone_after_a_reset_are_not_used(void **state)
{
	u_int i, n = 200, lent;

	start_pairs(F_ALL | F_MQ, 3);
	nt->nt_hold = true;
	for (i = 0; i < n; i++)
		send_of_flow(i, false);
	hosted_run(1000000);
	lent = nt->nt_nsent;
	assert_true(nt->nt_sv->sv_vq[1].sq_nheld > 0);
	assert_true(nt->nt_sv->sv_vq[3].sq_nheld > 0);
	assert_true(nt->nt_sv->sv_vq[5].sq_nheld > 0);
	nt->nt_hold = false;
	nt->nt_refuse = 1 << CTRL_MQ;
	sim_virtio_needs_reset(nt->nt_sv);
	hosted_run(2000000000);
	assert_int_equal(nt->nt_nsent - lent + stat("tx_drop_lost"), n);
	assert_works();
}

static void
answer_now(void *arg)
{
	sim_net_answer(nt);
}

/* The device has been reset, and is only then told of the pairs. */
static void
pairs_are_not_used_before_the_device_knows_of_them(void **state)
{
	struct timeout to;
	u_int i, n = 200, lent;

	start_pairs(F_ALL | F_MQ, 3);
	nt->nt_hold = true;
	for (i = 0; i < n; i++)
		send_of_flow(i, false);
	hosted_run(1000000);
	lent = nt->nt_nsent;
	nt->nt_hold = false;
	nt->nt_ctrlhold = true;
	timeout_set(&to, answer_now, NULL);
	timeout_add_msec(&to, 50);
	sim_virtio_needs_reset(nt->nt_sv);
	hosted_run(2000000000);
	(void)timeout_del_barrier(&to);
	assert_int_equal(stat("tx_drop_lost"), lent);
	assert_int_equal(nt->nt_nsent, n);
	assert_works();
}

static void
after_a_reset_while_it_is_down_it_can_be_used(void **state)
{
	start(F_ALL);
	down();
	sim_virtio_needs_reset(nt->nt_sv);
	hosted_run(2000000000);
	frame(buf, 100, 0);
	(void)sim_net_receive(nt, 0, &plain_header, buf, 100);
	hosted_run(1000000);
	assert_int_equal(ngot, 0);
	assert_int_equal(try_up(), 0);
	exchange(4);
}

static void
what_the_device_had_is_lost_and_what_waited_is_sent(void **state)
{
	u_int i, n = 100, lost;
	struct sim_frame *fr;

	start(F_PLAIN);
	nt->nt_hold = true;
	for (i = 0; i < n; i++)
		send_frame(100, i, ONE, false);
	hosted_run(1000000);
	while ((fr = sim_net_sent(nt)) != NULL)
		host_free(fr);
	lost = nt->nt_nsent;
	nt->nt_hold = false;
	sim_virtio_needs_reset(nt->nt_sv);
	hosted_run(2000000000);
	assert_int_equal(stat("tx_drop_lost"), lost);
	assert_int_equal(nt->nt_nsent, n);
	for (i = lost; i < n; i++)
		assert_sent(100, i);
	assert_works();
}

static void
during_a_reset_it_goes_down_and_up(void **state)
{
	u_int i;

	for (i = 0; i < 8; i++) {
		start(F_ALL);
		nt->nt_sv->sv_resetpolls = 100;
		sim_virtio_needs_reset(nt->nt_sv);
		hosted_run(1000 + 40000 * i);
		send_frame(100, i, ONE, false);
		down();
		hosted_run(1000 * i);
		assert_int_equal(try_up(), 0);
		send_frame(100, i, ONE, false);
		hosted_run(2000000000);
		assert_works();
		nothing_left();
	}
}

static void
a_device_that_is_given_up_drops_what_is_sent(void **state)
{
	u_int i;

	start(F_ALL);
	nt->nt_sv->sv_refuse_ok = true;
	sim_virtio_needs_reset(nt->nt_sv);
	hosted_run(20000000000ULL);
	assert_true(sim_said("not used any more"));
	for (i = 0; i < 50; i++)
		send_frame(100, i, ONE, false);
	hosted_run(1000000000);
	assert_int_equal(nt->nt_nsent, 0);
	nif->if_ops->ifo_rxfilter(nif);
	down();
	(void)try_up();
	nothing_left();
}

static void
a_reset_in_the_middle_of_traffic_loses_no_memory(void **state)
{
	u_int i, k;

	for (k = 0; k < 20; k++) {
		sim_seed(k);
		start(k & 1 ? F_ALL : (F_ALL & ~F_MRG_RXBUF) | F_PACKED);
		feeding();
		for (i = 0; i < 100; i++) {
			frame(buf, 300, i);
			sim_net_queue(nt, 0, &plain_header, buf, 300);
		}
		for (i = 0; i < 60; i++) {
			send_frame(300, i, i % NSHAPE, false);
			if (i == 20 + k)
				sim_virtio_needs_reset(nt->nt_sv);
			if (i % 3 == 0)
				hosted_run(1000);
		}
		hosted_run(2000000000);
		assert_works();
		nothing_left();
		sim_init();
		sim_dma_strict = true;
	}
}

/* --- detaching ----------------------------------------------------------- */

static void
it_can_be_taken_away_at_any_moment(void **state)
{
	u_int i, k;

	for (k = 0; k < 60; k++) {
		sim_seed(k);
		start(k & 1 ? F_ALL : (F_ALL & ~F_MRG_RXBUF) | F_PACKED);
		feeding();
		nt->nt_hold = k & 2;
		for (i = 0; i < 100; i++) {
			frame(buf, 900, i);
			sim_net_queue(nt, 0, &plain_header, buf, 900);
		}
		for (i = 0; i < k; i++) {
			send_frame(300, i, i % NSHAPE, i % 2);
			if (i % 8 == 0)
				hosted_run(100);
			if (i % 16 == 0)
				sim_virtio_changed(nt->nt_sv);
		}
		nothing_left();
		sim_init();
		sim_dma_strict = true;
	}
}

static bool		rx_filtered;

static void
filter_thread(void *arg)
{
	nif->if_ops->ifo_rxfilter(nif);
	rx_filtered = true;
}

static void
a_command_on_its_way_ends_when_the_device_goes(void **state)
{
	struct thread *td;

	start(F_ALL);
	rx_filtered = false;
	nt->nt_ctrlhold = true;
	nif->if_flags |= IFF_PROMISC;
	assert_int_equal(kthread_create(filter_thread, NULL, PRI_KERN, "f",
	    &td), 0);
	hosted_run(1000000);
	assert_false(rx_filtered);
	sim_detach();
	kthread_join(td);
	assert_true(rx_filtered);
	nothing_left();
}

/* --- every failure, every access ----------------------------------------- */

static void
traffic(u_int n)
{
	u_int i;

	for (i = 0; i < n; i++) {
		frame(buf, 100 + 250 * i, i);
		(void)sim_net_receive(nt, 0, &plain_header, buf, 100 +
		    250 * i);
		send_frame(100 + 250 * i, i, i % NSHAPE, false);
		hosted_run(1000000);
	}
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	uint64_t features[] = { F_ALL | F_MQ | F_HASH_REPORT, F_GUEST };
	u_int n, i;

	ncpus = 2;
	for (i = 0; i < nitems(features); i++) {
		for (n = 1; n < 2000; n++) {
			struct sim_virtio_conf vc = conf(features[i]);

			nt = sim_net_new(&vc, i == 0 ? 2 : 1);
			hosted_fail_at = n;
			sim_attach();
			if (nif != NULL)
				(void)try_up();
			if (hosted_fail_at != 0)
				break;
			nothing_left();
			sim_init();
			sim_dma_strict = true;
		}
		assert_true(n > 50 && n < 2000);
		nothing_left();
	}
}

/* What the network takes itself does not fail, only what the driver does. */
static void
failing_traffic(u_int n)
{
	struct mbuf *m[3];
	u_int i;

	for (i = 0; i < nitems(m); i++) {
		frame(buf, 100 + 600 * i, i);
		m[i] = packet(buf, 100 + 600 * i, i == 0 ? PIECES : i == 1 ?
		    SHARED : ONE);
	}
	hosted_fail_at = n;
	for (i = 0; i < nitems(m); i++) {
		nif->if_ops->ifo_transmit(nif, m[i], false);
		hosted_run(1000000);
		frame(buf, 100 + 600 * i, i);
		(void)sim_net_receive(nt, 0, &plain_header, buf,
		    100 + 600 * i);
		hosted_run(1000000);
	}
}

static void
every_failure_of_traffic_loses_a_packet_at_most(void **state)
{
	static const uint64_t sets[] = { F_ALL, F_ALL & ~F_MRG_RXBUF, F_MAC };
	u_int n, k, sent, got;

	for (k = 0; k < nitems(sets); k++) {
		start(sets[k]);
		for (n = 1; n < 400; n++) {
			got = ngot;
			sent = nt->nt_nsent;
			failing_traffic(n);
			if (hosted_fail_at != 0)
				break;
			assert_true(nt->nt_nsent >= sent + 2);
			assert_true(ngot >= got + 2);
			/* what could not be lent is lent later */
			hosted_run(200000000);
		}
		assert_true(n > 3 && n < 400);
		hosted_fail_at = 0;
		assert_works();
		nothing_left();
	}
}

static void
without_memory_packets_are_dropped_and_later_they_are_not(void **state)
{
	u_int i;

	start(F_ALL);
	assert_int_equal(sysctl_write("net.mbuf.limit", "1048576"), 0);
	for (i = 0; i < 100; i++) {
		frame(buf, 1500, i);
		(void)sim_net_receive(nt, 0, &plain_header, buf, 1500);
		hosted_run(10000);
	}
	assert_int_equal(sysctl_write("net.mbuf.limit", "268435456"), 0);
	assert_works();
}

static u_int
buffers_lent_when(u_int fails)
{
	make(F_MAC | F_MRG_RXBUF);
	attach();
	hosted_fail_at = fails;
	assert_int_equal(nif->if_ops->ifo_up(nif), 0);
	hosted_fail_at = 0;
	nif->if_flags |= IFF_UP;
	(void)sim_virtio_run(nt->nt_sv);
	return (nt->nt_sv->sv_vq[0].sq_nheld);
}

static void
buffers_that_could_not_be_lent_are_lent_in_a_while(void **state)
{
	assert_true(buffers_lent_when(5) < 8);
	hosted_run(300000000);
	assert_int_equal(nt->nt_sv->sv_vq[0].sq_nheld, 32);
}

static void
a_few_that_could_not_be_lent_are_lent_with_the_next(void **state)
{
	u_int n = buffers_lent_when(61);

	assert_true(n >= 16 && n < 32);
	receive_frame(100, 1);
	hosted_run(1000000);
	assert_got(100, 1);
	assert_int_equal(nt->nt_sv->sv_vq[0].sq_nheld, 32);
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	u_int n, late = 0;

	for (n = 1; n < 5000; n++) {
		make(F_ALL);
		sim_gone_at = n;
		sim_attach();
		if (nif != NULL) {
			(void)try_up();
			if (nif != NULL)
				traffic(4);
			if (nif != NULL)
				nif->if_ops->ifo_rxfilter(nif);
			if (nif != NULL)
				down();
		}
		late = MAX(late, nt->nt_sv->sv_pci.sp_nlate);
		if (sim_gone_at != 0)
			break;
		nothing_left();
		sim_init();
		sim_dma_strict = true;
	}
	assert_true(n > 80 && n < 5000);
	/* queues that are being set up may be finished */
	if (late > 30)
		fail_msg("%u accesses after it had gone", late);
	nothing_left();
}

/* --- devices that lie about packets -------------------------------------- */

/*
 * One packet as it should be but for what is said; none comes up, it is
 * counted by that name, and the next ones arrive.
 */
static void
bad_packet(const struct sim_nethdr *nh, const void *p, uint32_t len,
    const char *counter)
{
	uint64_t before = stat(counter), used = mbufs_used();
	struct if_counters a = { .ic_ierrors = 0 }, b = a;

	nif->if_ops->ifo_counters(nif, &a);
	if (!sim_net_receive(nt, 0, nh, p, len))
		fail_msg("no buffer");
	hosted_run(1000000);
	assert_null(next_got());
	assert_int_equal(stat(counter), before + 1);
	nif->if_ops->ifo_counters(nif, &b);
	assert_int_equal(b.ic_ierrors, a.ic_ierrors + 1);
	assert_true(mbufs_used() <= used);
}

static void
bad_segments(const struct kind *k, struct sim_nethdr nh, const char *counter)
{
	uint32_t len = segments(buf, k, 3000);

	bad_packet(&nh, buf, len, counter);
}

/* Each shape of buffers has its own way to put a packet together. */
static const uint64_t shapes[] = { F_ALL, F_ALL & ~F_MRG_RXBUF,
    F_ALL | F_PACKED, F_ALL | F_HASH_REPORT };
#define FOR_SHAPES(i)							\
	for ((i) = 0; (i) < nitems(shapes); (i)++, nothing_left())

static void
a_length_less_than_the_header_is_dropped(void **state)
{
	uint8_t zero[32] = { 0 };
	u_int i, len;

	FOR_SHAPES(i) {
		start(shapes[i]);
		zero[10] = zero[11] = 0;
		sim_put(zero + 10, 2, 1);
		for (len = 0; len < sim_net_hdrlen(nt); len++) {
			assert_true(sim_net_raw(nt, 0, zero, 32, len));
			hosted_run(1000000);
		}
		assert_int_equal(ngot, 0);
		assert_int_equal(stat("rx_bad_short"), len);
		assert_works();
	}
}

static void
a_runt_is_dropped(void **state)
{
	u_int i, len;

	FOR_SHAPES(i) {
		start(shapes[i]);
		for (len = 1; len < 14; len++) {
			frame(buf, 14, 0);
			bad_packet(&plain_header, buf, len, "rx_bad_runt");
		}
		assert_works();
	}
}

static void
a_length_beyond_the_buffer_is_dropped(void **state)
{
	static const uint32_t said[] = { 70000, 0x7fffffff, 0x80000000,
	    0xffffffff };
	u_int i, k;

	FOR_SHAPES(i) {
		start(shapes[i]);
		memset(buf, 0, 100);
		sim_put(buf + 10, 2, 1);
		for (k = 0; k < nitems(said); k++) {
			assert_true(sim_net_raw(nt, 0, buf, 100, said[k]));
			hosted_run(1000000);
		}
		assert_int_equal(ngot, 0);
		assert_int_equal(stat("rx_bad_long"), nitems(said));
		assert_works();
	}
}

static void
a_length_beyond_the_second_buffer_is_dropped(void **state)
{
	struct sim_chain *ch;
	u_int hlen, room;

	start(F_ALL);
	hlen = sim_net_hdrlen(nt);
	assert_non_null(ch = TAILQ_FIRST(&nt->nt_sv->sv_vq[0].sq_held));
	room = ch->ch_inlen;
	memset(buf, 0, hlen);
	sim_put(buf + 10, 2, 2);
	frame(buf + hlen, room, 1);
	assert_true(sim_net_raw(nt, 0, buf, room, room));
	assert_true(sim_net_raw(nt, 0, buf, room, 0xffffffff));
	hosted_run(1000000);
	assert_int_equal(ngot, 0);
	assert_int_equal(stat("rx_bad_long"), 1);
	assert_works();
}

static void
a_frame_longer_than_the_mtu_is_dropped(void **state)
{
	static const uint64_t sets[] = { F_ALL, F_PLAIN, F_GUEST | F_MAC,
	    F_ALL | F_HASH_REPORT | F_PACKED };
	u_int i;

	for (i = 0; i < nitems(sets); i++) {
		start(sets[i] | F_MTU);
		frame(buf, 1700, 0);
		bad_packet(&plain_header, buf, 1700, "rx_bad_giant");
		assert_works();
		nothing_left();
	}
}

static void
no_buffers_at_all_is_dropped(void **state)
{
	u_int hlen;

	start(F_ALL);
	hlen = sim_net_hdrlen(nt);
	memset(buf, 0, 12);
	frame(buf + hlen, 100, 1);
	assert_true(sim_net_raw(nt, 0, buf, hlen + 100, hlen + 100));
	hosted_run(1000000);
	assert_int_equal(ngot, 0);
	assert_int_equal(stat("rx_bad_num_buffers"), 1);
	assert_works();
}

/* 5.1.6.3.2: without MRG_RXBUF it is 1; what else it says is no matter. */
static void
without_merged_buffers_their_number_is_no_harm(void **state)
{
	struct sim_nethdr nh = { .nh_nbuf = 9 };

	start(F_ALL & ~F_MRG_RXBUF);
	frame(buf, 100, 1);
	assert_true(sim_net_receive(nt, 0, &nh, buf, 100));
	hosted_run(1000000000);
	forget_gots();
	assert_works();
}

static void
more_buffers_than_were_used_is_a_failure(void **state)
{
	static const uint16_t said[] = { 2, 3, 20, 32 };
	struct sim_nethdr nh = { .nh_nbuf = 0 };
	u_int i;

	for (i = 0; i < nitems(said); i++) {
		start(F_ALL);
		nh.nh_nbuf = said[i];
		frame(buf, 100, 1);
		assert_true(sim_net_receive(nt, 0, &nh, buf, 100));
		hosted_run(2000000000);
		assert_int_equal(ngot, 0);
		assert_int_equal(stat("rx_bad_missing") +
		    stat("rx_bad_num_buffers"), 1);
		assert_works();
		nothing_left();
	}
}

static void
more_buffers_than_the_ring_has_is_dropped(void **state)
{
	static const uint16_t said[] = { 33, 1000, 65535 };
	struct sim_nethdr nh = { .nh_nbuf = 0 };
	u_int i;

	start(F_ALL);
	for (i = 0; i < nitems(said); i++) {
		nh.nh_nbuf = said[i];
		frame(buf, 100, 1);
		assert_true(sim_net_receive(nt, 0, &nh, buf, 100));
		hosted_run(2000000000);
		assert_null(next_got());
		assert_int_equal(stat("rx_bad_num_buffers") +
		    stat("rx_bad_missing"), i + 1);
		assert_works();
	}
}

static void
a_buffer_that_is_not_full_is_dropped_with_its_packet(void **state)
{
	u_int hlen;

	start(F_ALL);
	hlen = sim_net_hdrlen(nt);
	memset(buf, 0, hlen);
	sim_put(buf + 10, 2, 2);
	frame(buf + hlen, 400, 1);
	assert_true(sim_net_raw(nt, 0, buf, hlen + 200, hlen + 200));
	assert_true(sim_net_raw(nt, 0, buf + hlen + 200, 200, 200));
	hosted_run(1000000);
	assert_int_equal(ngot, 0);
	assert_int_equal(stat("rx_bad_not_full"), 1);
	assert_works();
}

static void
empty_buffers_behind_the_first_spoil_the_packet(void **state)
{
	struct sim_chain *ch;
	u_int hlen, room, i;

	start(F_ALL);
	hlen = sim_net_hdrlen(nt);
	assert_non_null(ch = TAILQ_FIRST(&nt->nt_sv->sv_vq[0].sq_held));
	room = ch->ch_inlen;
	memset(buf, 0, sizeof(buf));
	sim_put(buf + 10, 2, 3);
	frame(buf + hlen, room - hlen, 1);
	assert_true(sim_net_raw(nt, 0, buf, room, room));
	for (i = 0; i < 2; i++)
		assert_true(sim_net_raw(nt, 0, buf, 0, 0));
	hosted_run(1000000);
	assert_int_equal(ngot, 0);
	assert_works();
}

static void
segments_of_an_unknown_type_are_dropped(void **state)
{
	static const uint8_t types[] = { 2, 3, 6, 0x20, 0x21, 0x41, 0x61, 0x7f,
	    0x80, 0xff };
	struct sim_nethdr nh = segments_header(&kinds[0]);
	u_int i, k;

	FOR_SHAPES(i) {
		start(shapes[i]);
		for (k = 0; k < nitems(types); k++) {
			nh.nh_gso = types[k];
			bad_segments(&kinds[0], nh, "rx_bad_gso_type");
		}
		assert_works();
	}
}

static void
segments_that_were_not_agreed_on_are_dropped(void **state)
{
	u_int k;

	start(F_PLAIN | F_GUEST_CSUM);
	for (k = 0; k < nitems(kinds); k++)
		bad_segments(&kinds[k], segments_header(&kinds[k]),
		    "rx_bad_gso_type");
	assert_works();
}

static void
segments_of_the_other_protocol_are_dropped(void **state)
{
	struct sim_nethdr nh;
	u_int i, k;

	start(F_ALL);
	for (i = 0; i < nitems(kinds); i++) {
		for (k = 0; k < nitems(kinds); k++) {
			nh = segments_header(&kinds[i]);
			nh.nh_gso = kinds[k].type;
			if (kinds[i].type != kinds[k].type)
				bad_segments(&kinds[i], nh,
				    "rx_bad_gso_header");
		}
	}
	assert_works();
}

static void
segments_without_data_are_dropped(void **state)
{
	struct sim_nethdr nh;
	u_int i, k;

	FOR_SHAPES(i) {
		start(shapes[i]);
		for (k = 0; k < nitems(kinds); k++) {
			nh = segments_header(&kinds[k]);
			nh.nh_gsosize = 0;
			bad_segments(&kinds[k], nh, "rx_bad_gso_size");
		}
		assert_works();
	}
}

static void
segments_with_a_finished_checksum_are_dropped(void **state)
{
	struct sim_nethdr nh = segments_header(&kinds[0]);

	start(F_ALL);
	nh.nh_flags = 0;
	bad_segments(&kinds[0], nh, "rx_bad_gso_csum");
	nh.nh_flags = 2;
	bad_segments(&kinds[0], nh, "rx_bad_gso_csum");
	assert_works();
}

/* No header of theirs may be believed in beyond the packet. */
static void
segments_with_headers_that_are_cut_are_dropped(void **state)
{
	struct sim_nethdr nh;
	uint32_t len;
	u_int k;

	start(F_ALL);
	for (k = 0; k < nitems(kinds); k++) {
		nh = segments_header(&kinds[k]);
		(void)segments(buf, &kinds[k], 3000);
		for (len = 15; len < kinds[k].hdrlen; len++) {
			if (!sim_net_receive(nt, 0, &nh, buf, len))
				fail_msg("no buffer");
			hosted_run(1000000);
			assert_null(next_got());
		}
	}
	assert_works();
}

static void
segments_with_headers_of_no_length_are_dropped(void **state)
{
	struct sim_nethdr nh;
	uint32_t len;
	u_int k, words;

	start(F_ALL);
	for (k = 0; k < 2; k++) {
		nh = segments_header(&kinds[k]);
		for (words = 0; words < 5; words++) {
			len = segments(buf, &kinds[k], 3000);
			buf[kinds[k].start + 12] = words << 4;
			bad_packet(&nh, buf, len, "rx_bad_gso_header");
		}
	}
	assert_works();
}

static void
a_checksum_outside_of_the_packet_is_dropped(void **state)
{
	static const struct { uint16_t start, off; } places[] = {
		{ 34, 65 }, { 99, 0 }, { 100, 0 }, { 65535, 65535 },
		{ 0, 99 }, { 65535, 1 }, { 98, 2 }, { 34, 65535 },
	};
	struct sim_nethdr nh = { .nh_flags = 1 };
	u_int i, k;

	FOR_SHAPES(i) {
		start(shapes[i]);
		for (k = 0; k < nitems(places); k++) {
			nh.nh_start = places[k].start;
			nh.nh_off = places[k].off;
			frame(buf, 100, 1);
			bad_packet(&nh, buf, 100, "rx_bad_csum_offsets");
		}
		assert_works();
	}
}

static void
a_checksum_that_was_not_agreed_on_is_dropped(void **state)
{
	struct sim_nethdr nh = { .nh_flags = 1, .nh_start = 34, .nh_off = 16 };

	start(F_PLAIN);
	frame(buf, 100, 1);
	bad_packet(&nh, buf, 100, "rx_bad_csum_refused");
	assert_works();
}

static void
a_good_checksum_that_was_not_agreed_on_is_not_believed(void **state)
{
	start(F_PLAIN);
	assert_int_equal(flags_received(PH_CSUM_GOOD, 2), 0);
	assert_works();
}

static void
bad_packets_print_nothing(void **state)
{
	struct sim_nethdr nh = segments_header(&kinds[0]);
	size_t before;
	u_int i;

	start(F_ALL);
	before = strlen(hosted_console());
	for (i = 0; i < 100; i++) {
		nh.nh_gso = 2 + i % 2 * 97;
		bad_segments(&kinds[0], nh, "rx_bad_gso_type");
		assert_true(sim_net_raw(nt, 0, buf, 5, 0));
	}
	hosted_run(1000000);
	assert_int_equal(strlen(hosted_console()), before);
}

/* Anything in the header, in any number of buffers, of any length. */
static void
any_header_is_survived(void **state)
{
	uint8_t raw[2048];
	u_int i, k, n;
	size_t len;

	for (k = 0; k < nitems(shapes); k++) {
		start(shapes[k]);
		for (i = 0; i < 1500; i++) {
			sim_seed(10000 * k + i);
			(void)segments(raw + sim_net_hdrlen(nt),
			    &kinds[i % 4], 1500);
			for (n = 0; n < 14; n++) {
				if (sim_random(3) == 0)
					raw[n] = sim_random(2) ?
					    sim_random(256) : sim_random(4);
				else if (n < 12)
					raw[n] = 0;
			}
			/* more than were used is a failure: not for ever */
			sim_put(raw + 10, 2, sim_random(4) ? 1 :
			    sim_random(2) ? 0 : 100 + sim_random(65000));
			for (n = 0; n < 3; n++)
				raw[14 + sim_random(70)] ^= sim_random(256);
			len = sim_random(1600);
			(void)sim_net_raw(nt, 0, raw, len, sim_random(8) ?
			    len : sim_random(70000));
			hosted_run(1000);
			forget_gots();
			if (i % 100 == 99)
				hosted_run(2000000000);
		}
		hosted_run(2000000000);
		assert_works();
		nothing_left();
		sim_init();
		sim_dma_strict = true;
	}
}

/* --- devices that lie about anything ------------------------------------- */

static struct sim_virtio *liar;

static void
mischief(void)
{
	if (liar != NULL && sim_random(12) == 0)
		sim_lie(liar, sim_random(3) ? SIM_LIE_ANY :
		    sim_random(SIM_LIE_ANY));
}

static void
mischief_step(void)
{
	if (liar != NULL && sim_random(500) == 0)
		sim_lie(liar, SIM_LIE_ANY);
	feed_step();
}

static int
mischief_idle(void)
{
	mischief();
	return (feed_idle());
}

static void
lying_traffic(void)
{
	u_int i;

	for (i = 0; i < 30; i++) {
		frame(buf, 60 + 40 * i, i);
		if (nt->nt_link.tqh_first == NULL)
			sim_net_queue(nt, 0, &plain_header, buf, 60 + 40 * i);
		if (nif != NULL)
			send_frame(60 + 40 * i, i, i % NSHAPE, sim_random(2));
		if (sim_random(3) == 0)
			hosted_run(1000000);
		if (nif != NULL && sim_random(10) == 0) {
			make_groups(sim_random(70));
			nif->if_ops->ifo_rxfilter(nif);
		}
		if (nif != NULL && sim_random(12) == 0) {
			down();
			if (try_up() != 0)
				break;
		}
		mischief();
	}
}

static void
a_device_that_lies_about_anything_is_survived(void **state)
{
	struct sim_virtio_conf vc;
	u_int i;

	next_step = sim_step;
	for (i = 0; i < 250; i++) {
		sim_init();
		sim_lenient = true;
		hosted_step_fn = mischief_step;
		hosted_device = mischief_idle;
		sim_seed(i);
		vc = conf(((uint64_t)sim_random(~0U) << 32 | sim_random(~0U)) &
		    (sim_random(2) ? ~0ULL : F_ALL | F_RING | F_PACKED));
		vc.vc_features |= F_CTRL_VQ;
		vc.vc_nvec = sim_random(6);
		vc.vc_suppress = sim_random(4);
		vc.vc_legacy = sim_random(5) == 0;
		vc.vc_nomodern = vc.vc_legacy && sim_random(2);
		ncpus = 1 + sim_random(2);
		nt = sim_net_new(&vc, 2);
		liar = sim_random(4) ? NULL : nt->nt_sv;
		sim_attach();
		liar = nt->nt_sv;
		if (nif != NULL && try_up() == 0)
			lying_traffic();
		if (sim_random(2))
			liar = NULL;
		sim_detach();
		liar = NULL;
		nothing_left();
	}
	sim_lenient = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(after_a_reset_all_is_as_before),
		TEST(after_a_reset_the_pairs_are_used_again),
		TEST(pairs_that_are_gone_after_a_reset_are_not_used),
		TEST(pairs_are_not_used_before_the_device_knows_of_them),
		TEST(after_a_reset_while_it_is_down_it_can_be_used),
		TEST(what_the_device_had_is_lost_and_what_waited_is_sent),
		TEST(during_a_reset_it_goes_down_and_up),
		TEST(a_device_that_is_given_up_drops_what_is_sent),
		TEST(a_reset_in_the_middle_of_traffic_loses_no_memory),
		TEST(it_can_be_taken_away_at_any_moment),
		TEST(a_command_on_its_way_ends_when_the_device_goes),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(every_failure_of_traffic_loses_a_packet_at_most),
		TEST(without_memory_packets_are_dropped_and_later_they_are_not),
		TEST(buffers_that_could_not_be_lent_are_lent_in_a_while),
		TEST(a_few_that_could_not_be_lent_are_lent_with_the_next),
		TEST(the_device_may_vanish_at_any_access),
		TEST(a_length_less_than_the_header_is_dropped),
		TEST(a_runt_is_dropped),
		TEST(a_length_beyond_the_buffer_is_dropped),
		TEST(a_length_beyond_the_second_buffer_is_dropped),
		TEST(a_frame_longer_than_the_mtu_is_dropped),
		TEST(no_buffers_at_all_is_dropped),
		TEST(without_merged_buffers_their_number_is_no_harm),
		TEST(more_buffers_than_were_used_is_a_failure),
		TEST(more_buffers_than_the_ring_has_is_dropped),
		TEST(a_buffer_that_is_not_full_is_dropped_with_its_packet),
		TEST(empty_buffers_behind_the_first_spoil_the_packet),
		TEST(segments_of_an_unknown_type_are_dropped),
		TEST(segments_that_were_not_agreed_on_are_dropped),
		TEST(segments_of_the_other_protocol_are_dropped),
		TEST(segments_without_data_are_dropped),
		TEST(segments_with_a_finished_checksum_are_dropped),
		TEST(segments_with_headers_that_are_cut_are_dropped),
		TEST(segments_with_headers_of_no_length_are_dropped),
		TEST(a_checksum_outside_of_the_packet_is_dropped),
		TEST(a_checksum_that_was_not_agreed_on_is_dropped),
		TEST(a_good_checksum_that_was_not_agreed_on_is_not_believed),
		TEST(bad_packets_print_nothing),
		TEST(any_header_is_survived),
		TEST(a_device_that_lies_about_anything_is_survived),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

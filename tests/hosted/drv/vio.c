/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* vio(4) with devices that do what they should. */

#include "test.h"

#include "sim/vionet.h"

/* --- attaching ----------------------------------------------------------- */

static void
shape_works(const struct sim_virtio_conf *vc)
{
	/* storage of mbufs is contiguous, and a map of several counts on it */
	sim_dma_split = sim_random(2) && ((vc->vc_features & F_MRG_RXBUF) ||
	    !(vc->vc_features & F_GUEST));
	printf("features %#llx, vectors %u\n", (unsigned long long)
	    vc->vc_features, vc->vc_nvec);
	nt = sim_net_new(vc, 1);
	attach();
	assert_int_equal(try_up(), 0);
	exchange(12);
	down();
	nothing_left();
}

static void
frames_go_both_ways_with_each_set_of_features(void **state)
{
	static const uint64_t sets[] = {
		0, F_MAC, F_STATUS, F_MRG_RXBUF, F_MTU | F_MAC, F_CTRL_VQ,
		F_CTRL_VQ | F_CTRL_RX, F_CTRL, F_PLAIN,
		F_PLAIN | F_GUEST, F_GUEST, F_HOST, F_HOST | F_GUEST,
		F_HOST | F_GUEST_HDRLEN, F_ALL, F_ALL | F_MTU,
		F_CTRL_VQ | F_HASH_REPORT, F_ALL | F_HASH_REPORT,
		F_ALL | F_RSS | F_MQ | F_SPEED_DUPLEX,
		F_CTRL_VQ | F_NOTF_COAL | F_VQ_NOTF_COAL,
		F_ALL & ~F_MRG_RXBUF, ~(F_PACKED | F_IN_ORDER) &
		    (F_ALL | F_ANY_LAYOUT),
	};
	static const uint64_t rings[] = { 0, F_INDIRECT, F_EVENT_IDX, F_RING,
	    F_PACKED, F_PACKED | F_RING, F_IN_ORDER, F_PACKED | F_IN_ORDER |
	    F_RING };
	struct sim_virtio_conf vc;
	u_int i, k;

	for (i = 0; i < nitems(sets); i++) {
		for (k = 0; k < nitems(rings); k++) {
			sim_seed(100 * i + k);
			vc = conf((sets[i] & ~F_RING) | rings[k]);
			vc.vc_suppress = (i + k) % 4;
			vc.vc_when = (i + k) % 3 ? SIM_LATER : SIM_AT_ONCE;
			vc.vc_nvec = k % 5;
			shape_works(&vc);
		}
	}
}

static void
the_same_on_a_legacy_device(void **state)
{
	static const uint64_t sets[] = { 0, F_MAC, F_MRG_RXBUF, F_ANY_LAYOUT,
	    F_MRG_RXBUF | F_ANY_LAYOUT, F_CTRL, F_CTRL | F_ANY_LAYOUT,
	    F_HOST | F_GUEST, F_ALL, F_ALL | F_ANY_LAYOUT };
	struct sim_virtio_conf vc;
	u_int i, k;

	if (WIRE_LE_SWAP)
		skip();
	for (i = 0; i < nitems(sets); i++) {
		for (k = 0; k < 4; k++) {
			vc = conf(((sets[i] & ~F_RING) | (k & 1 ? F_INDIRECT :
			    0) | (k & 2 ? F_EVENT_IDX : 0)) & 0xffffffff);
			vc.vc_legacy = vc.vc_nomodern = true;
			vc.vc_nvec = k;
			shape_works(&vc);
		}
	}
}


static void
the_header_has_the_size_of_what_was_agreed(void **state)
{
	static const struct { uint64_t features; u_int len; } sizes[] = {
		{ F_MAC, 12 }, { F_MRG_RXBUF, 12 },
		{ F_CTRL_VQ | F_HASH_REPORT, 20 },
	};
	u_int i;

	for (i = 0; i < nitems(sizes); i++) {
		start(sizes[i].features);
		assert_int_equal(sim_net_hdrlen(nt), sizes[i].len);
		nothing_left();
	}
}

static void
the_address_is_that_of_the_device(void **state)
{
	make(F_MAC);
	attach();
	assert_memory_equal(nif->if_lladdr, nt->nt_mac, 6);
	assert_true(sim_said("52:54:00:12:34:56"));
}

static void
without_an_address_it_is_a_local_one(void **state)
{
	make(0);
	attach();
	assert_int_equal(nif->if_lladdr[0] & 3, 2);
	assert_true(sim_said("(random)"));
}

static void
set_mac(const char *mac)
{
	memcpy(nt->nt_sv->sv_config, mac, 6);
	memcpy(nt->nt_mac, mac, 6);
	memcpy(nt->nt_ownmac, mac, 6);
}

static void
an_address_of_a_group_is_not_used(void **state)
{
	make(F_MAC);
	set_mac("\1\2\3\4\5\6");
	attach();
	assert_int_equal(nif->if_lladdr[0] & 3, 2);
}

static void
an_address_of_zeroes_is_not_used(void **state)
{
	make(F_MAC);
	set_mac("\0\0\0\0\0\0");
	attach();
	assert_int_equal(nif->if_lladdr[0] & 3, 2);
}

static void
the_mtu_is_that_of_the_device(void **state)
{
	static const u_int mtus[] = { 68, 576, 1280, 1500, 1600, 9000, 65535 };
	u_int i;

	for (i = 0; i < nitems(mtus); i++) {
		make(F_PLAIN | F_MTU);
		sim_config_put(nt->nt_sv, 10, 2, mtus[i]);
		attach();
		assert_int_equal(nif->if_mtu, mtus[i]);
		assert_int_equal(nif->if_hardmtu, mtus[i]);
		assert_int_equal(try_up(), 0);
		exchange(6);
		nothing_left();
	}
}

static void
the_same_without_merged_buffers(void **state)
{
	static const u_int mtus[] = { 68, 576, 1280, 1500, 1600, 9000, 65535 };
	u_int i;

	for (i = 0; i < nitems(mtus); i++) {
		make((F_PLAIN & ~F_MRG_RXBUF) | F_MTU);
		sim_config_put(nt->nt_sv, 10, 2, mtus[i]);
		attach();
		assert_int_equal(nif->if_mtu, mtus[i]);
		assert_int_equal(try_up(), 0);
		exchange(6);
		nothing_left();
	}
}

static void
an_mtu_that_cannot_be_is_told_and_not_used(void **state)
{
	static const u_int bad[] = { 0, 5, 67 };
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		make(F_PLAIN | F_MTU);
		sim_config_put(nt->nt_sv, 10, 2, bad[i]);
		sim_attach();
		assert_true(sim_said("not used"));
		assert_null(nif);
		nothing_left();
	}
}

static void
pairs_that_cannot_be_are_told_and_not_used(void **state)
{
	static const u_int bad[] = { 0, 32769, 65535 };
	u_int i;

	ncpus = 4;
	for (i = 0; i < nitems(bad); i++) {
		make(F_PLAIN | F_CTRL | F_MQ);
		sim_config_put(nt->nt_sv, 8, 2, bad[i]);
		sim_attach();
		assert_true(sim_said("not used"));
		assert_null(nif);
		nothing_left();
	}
}

/* There is a line about it, and nothing is left; or it is done without. */
static void
fewer_queues_than_was_said_are_no_harm(void **state)
{
	struct sim_virtio_conf vc;
	u_int n, said;

	ncpus = 4;
	for (n = 1; n <= 5; n++) {
		for (said = 2; said <= 32768; said *= 8) {
			vc = conf(F_PLAIN | F_CTRL | F_MQ);
			vc.vc_nvq = n;
			nt = sim_net_new(&vc, 2);
			sim_config_put(nt->nt_sv, 8, 2, said);
			sim_attach();
			if (n < 5 || said > 2)
				assert_null(nif);
			nothing_left();
		}
	}
}

static void
queues_too_small_for_a_packet_are_told_and_not_used(void **state)
{
	struct sim_virtio_conf vc = conf(F_MAC | F_MTU);

	vc.vc_qsize[0] = vc.vc_qsize[1] = 2;
	nt = sim_net_new(&vc, 1);
	sim_config_put(nt->nt_sv, 10, 2, 9000);
	sim_attach();
	assert_null(nif);
	assert_true(sim_said("queues of size 2 and 2, not used"));
}

static void
queues_of_one_are_enough_for_a_frame(void **state)
{
	struct sim_virtio_conf vc = conf(F_MAC);
	u_int i;

	vc.vc_qsize[0] = vc.vc_qsize[1] = 1;
	nt = sim_net_new(&vc, 1);
	attach();
	assert_int_equal(try_up(), 0);
	for (i = 0; i < 2 * NSHAPE; i++) {
		receive_frame(140 * i + 14, i);
		send_frame(140 * i + 14, i, i % NSHAPE, false);
		hosted_run(100000000);
		assert_got(140 * i + 14, i);
		assert_sent(140 * i + 14, i);
	}
}

static void
small_queues_are_enough_for_frames(void **state)
{
	struct sim_virtio_conf vc;
	u_int i, size;

	for (size = 4; size <= 16; size *= 2) {
		for (i = 0; i < 4; i++) {
			vc = conf((i & 1 ? F_ALL : F_MAC) & (i & 2 ? ~0ULL :
			    ~F_RING));
			vc.vc_qsize[0] = vc.vc_qsize[1] = size;
			nt = sim_net_new(&vc, 1);
			sim_attach();
			if (nif != NULL) {
				assert_int_equal(try_up(), 0);
				exchange(10);
			}
			nothing_left();
		}
	}
}

static void
a_control_queue_of_any_size_does(void **state)
{
	struct sim_virtio_conf vc;
	u_int size;

	for (size = 1; size <= 8; size *= 2) {
		vc = conf(F_ALL & ~F_INDIRECT);
		vc.vc_nvq = 3;
		vc.vc_qsize[2] = size;
		nt = sim_net_new(&vc, 1);
		sim_attach();
		if (nif != NULL) {
			assert_int_equal(try_up(), 0);
			exchange(3);
		}
		nothing_left();
	}
}

static void
the_speed_is_told(void **state)
{
	make(F_PLAIN | F_SPEED_DUPLEX);
	attach();
	assert_int_equal(nif->if_baudrate, 10000000000ULL);
	assert_true(nif->if_fullduplex);
	assert_true(sim_said("10000 Mbit/s"));
}

static void
a_speed_that_is_unknown_is_none(void **state)
{
	static const uint32_t unknown[] = { 0xffffffff, 0x80000000 };
	u_int i;

	for (i = 0; i < nitems(unknown); i++) {
		make(F_PLAIN | F_SPEED_DUPLEX);
		sim_config_put(nt->nt_sv, 12, 4, unknown[i]);
		attach();
		assert_int_equal(nif->if_baudrate, 0);
		nothing_left();
	}
}

static void
a_device_without_offloads_is_given_none(void **state)
{
	make(F_PLAIN);
	attach();
	assert_int_equal(nif->if_capabilities & (IFCAP_CSUM | IFCAP_TSO4 |
	    IFCAP_TSO6 | IFCAP_USO | IFCAP_TSO_ECN | IFCAP_LRO), 0);
}

static void
what_the_device_can_do_is_what_the_network_knows(void **state)
{
	static const uint32_t caps = IFCAP_CSUM | IFCAP_RXCSUM | IFCAP_TSO4 |
	    IFCAP_TSO6 | IFCAP_USO | IFCAP_TSO_ECN | IFCAP_LRO;

	make(F_ALL);
	attach();
	assert_int_equal(nif->if_capabilities & caps, caps);
	assert_int_equal(nif->if_capenable & caps, caps);
}

/* 5.1.3.1: a feature whose requirement is not offered is not accepted. */
static void
features_without_what_they_require_are_not_accepted(void **state)
{
	static const struct { uint64_t offered, not; } lone[] = {
		{ F_GUEST_TSO4 | F_GUEST_TSO6 | F_GUEST_USO4 | F_GUEST_USO6,
		    F_GUEST_TSO4 | F_GUEST_TSO6 | F_GUEST_USO4 |
		    F_GUEST_USO6 },
		{ F_GUEST_CSUM | F_GUEST_ECN, F_GUEST_ECN },
		{ F_HOST_TSO4 | F_HOST_TSO6 | F_HOST_USO, F_HOST_TSO4 |
		    F_HOST_TSO6 | F_HOST_USO },
		{ F_CSUM | F_HOST_ECN, F_HOST_ECN },
		{ F_CTRL_RX | F_CTRL_VLAN | F_ANNOUNCE | F_MQ |
		    F_CTRL_MAC_ADDR | F_NOTF_COAL | F_RSS | F_VQ_NOTF_COAL |
		    F_CTRL_RX_EXTRA | F_HASH_REPORT, F_CTRL_RX | F_CTRL_VLAN |
		    F_ANNOUNCE | F_MQ | F_CTRL_MAC_ADDR | F_NOTF_COAL |
		    F_RSS | F_VQ_NOTF_COAL | F_CTRL_RX_EXTRA |
		    F_HASH_REPORT },
	};
	u_int i;

	ncpus = 2;
	for (i = 0; i < nitems(lone); i++) {
		make(F_MAC | lone[i].offered);
		sim_attach();
		if (nif != NULL)
			assert_int_equal(nt->nt_sv->sv_features & lone[i].not,
			    0);
		nothing_left();
	}
}

/* 5.1.6.5.2.2: none of the class of addresses, not even their setting. */
static void
without_a_filter_no_address_is_commanded(void **state)
{
	start(F_CTRL_VQ | F_CTRL_MAC_ADDR);
	assert_false(sim_net_commanded(nt, CTRL_MAC, 0));
	assert_false(sim_net_commanded(nt, CTRL_MAC, 1));
}

static void
an_address_that_is_not_the_devices_is_told_to_it(void **state)
{
	start(F_ALL & ~F_MAC);
	assert_memory_equal(nt->nt_mac, nif->if_lladdr, 6);
}

/* --- checksums and segments ---------------------------------------------- */

static void
send_segments(const struct kind *k, uint32_t payload, enum shape shape,
    u_int flags)
{
	uint32_t len = segments(buf, k, payload);
	struct mbuf *m = packet(buf, len, shape);

	m->m_pkthdr.ph_flags = PH_CSUM_PARTIAL | flags;
	m->m_pkthdr.ph_csum_start = k->start;
	m->m_pkthdr.ph_csum_off = k->off;
	m->m_pkthdr.ph_gso = k->gso;
	m->m_pkthdr.ph_gso_size = 1400;
	m->m_pkthdr.ph_gso_hdrlen = k->hdrlen;
	nif->if_ops->ifo_transmit(nif, m, false);
	hosted_run(1000000);
}

static void
assert_segments_sent(const struct kind *k, uint32_t payload, u_int type)
{
	struct sim_frame *fr = sim_net_sent(nt);
	uint32_t len = segments(buf, k, payload);

	assert_non_null(fr);
	assert_int_equal(fr->fr_len, len);
	assert_memory_equal(fr->fr_data, buf, len);
	assert_int_equal(fr->fr_hdr.nh_flags, 1);
	assert_int_equal(fr->fr_hdr.nh_start, k->start);
	assert_int_equal(fr->fr_hdr.nh_off, k->off);
	assert_int_equal(fr->fr_hdr.nh_gso, type);
	assert_int_equal(fr->fr_hdr.nh_gsosize, 1400);
	assert_int_equal(fr->fr_hdr.nh_hdrlen, k->hdrlen);
	host_free(fr);
}

static void
a_checksum_is_left_to_the_device(void **state)
{
	struct sim_frame *fr;
	struct mbuf *m;

	start(F_ALL);
	frame(buf, 100, 1);
	m = packet(buf, 100, ONE);
	m->m_pkthdr.ph_flags = PH_CSUM_PARTIAL;
	m->m_pkthdr.ph_csum_start = 34;
	m->m_pkthdr.ph_csum_off = 16;
	nif->if_ops->ifo_transmit(nif, m, false);
	hosted_run(1000000);
	assert_non_null(fr = sim_net_sent(nt));
	assert_int_equal(fr->fr_hdr.nh_flags, 1);
	assert_int_equal(fr->fr_hdr.nh_start, 34);
	assert_int_equal(fr->fr_hdr.nh_off, 16);
	assert_int_equal(fr->fr_hdr.nh_gso, 0);
	assert_frame(fr->fr_data, 100, 1);
	host_free(fr);
}

static void
segments_of_each_kind_are_cut_by_the_device(void **state)
{
	u_int i, shape, payload;

	start(F_ALL);
	for (i = 0; i < nitems(kinds); i++) {
		for (shape = 0; shape < NSHAPE; shape++) {
			for (payload = 1401; payload < 65000;
			    payload = payload * 3 + shape) {
				send_segments(&kinds[i], payload, shape, 0);
				assert_segments_sent(&kinds[i], payload,
				    kinds[i].type);
			}
		}
		send_segments(&kinds[i], 65549 - kinds[i].hdrlen, APART, 0);
		assert_segments_sent(&kinds[i], 65549 - kinds[i].hdrlen,
		    kinds[i].type);
	}
}

static void
the_same_through_a_small_ring(void **state)
{
	struct sim_virtio_conf vc = conf(F_ALL & ~F_INDIRECT);
	u_int i, shape;

	vc.vc_qsize[1] = 32;
	nt = sim_net_new(&vc, 1);
	attach();
	assert_int_equal(try_up(), 0);
	for (i = 0; i < nitems(kinds); i++) {
		for (shape = 0; shape < NSHAPE; shape++) {
			send_segments(&kinds[i], 60000, shape, 0);
			assert_segments_sent(&kinds[i], 60000, kinds[i].type);
		}
	}
}

static void
congestion_is_told_with_the_segments(void **state)
{
	start(F_ALL);
	send_segments(&kinds[0], 5000, ONE, PH_GSO_ECN);
	assert_segments_sent(&kinds[0], 5000, 0x81);
	send_segments(&kinds[1], 5000, ONE, PH_GSO_ECN);
	assert_segments_sent(&kinds[1], 5000, 0x84);
}

static void
segments_that_the_device_cannot_cut_are_dropped(void **state)
{
	u_int i;

	start(F_PLAIN);
	for (i = 0; i < nitems(kinds); i++)
		send_segments(&kinds[i], 5000, ONE, 0);
	assert_int_equal(nt->nt_nsent, 0);
	assert_int_equal(stat("tx_drop_refused"), 4);
	assert_works();
}

static void
a_frame_longer_than_agreed_is_dropped(void **state)
{
	start(F_PLAIN | F_MTU);
	send_frame(1515 + 4, 0, ONE, false);
	send_frame(20000, 0, ONE, false);
	hosted_run(1000000);
	assert_int_equal(nt->nt_nsent, 0);
	assert_int_equal(stat("tx_drop_too_long"), 2);
	assert_works();
}

static struct got *
receive_segments(const struct kind *k, uint32_t payload,
    const struct sim_nethdr *nh)
{
	uint32_t len = segments(buf, k, payload);

	if (!sim_net_receive(nt, 0, nh, buf, len))
		fail_msg("no buffer for %u bytes", len);
	hosted_run(1000000);
	return (next_got());
}

static void
segments_arrive(uint64_t features)
{
	struct sim_nethdr nh;
	struct got *g;
	u_int i, payload;

	start(features);
	for (i = 0; i < nitems(kinds); i++) {
		for (payload = 1401; payload < 70000; payload *= 3) {
			payload = MIN(payload, 65549U - kinds[i].hdrlen);
			nh = segments_header(&kinds[i]);
			nh.nh_hdrlen = sim_random(65536);
			g = receive_segments(&kinds[i], payload, &nh);
			assert_non_null(g);
			assert_int_equal(g->g_ph.ph_len, payload +
			    kinds[i].hdrlen);
			assert_memory_equal(g->g_data, buf, g->g_ph.ph_len);
			assert_int_equal(g->g_ph.ph_gso, kinds[i].gso);
			assert_int_equal(g->g_ph.ph_gso_size, 1400);
			assert_int_equal(g->g_ph.ph_gso_hdrlen,
			    kinds[i].hdrlen);
			assert_true(g->g_ph.ph_flags & PH_CSUM_PARTIAL);
			assert_int_equal(g->g_ph.ph_csum_start,
			    kinds[i].start);
			assert_int_equal(g->g_ph.ph_csum_off, kinds[i].off);
			host_free(g);
		}
	}
}

static void
segments_of_each_kind_arrive_in_merged_buffers(void **state)
{
	segments_arrive(F_ALL);
	assert_true(nt->nt_most > 4);
}

static void
segments_of_each_kind_arrive_in_large_buffers(void **state)
{
	segments_arrive(F_ALL & ~F_MRG_RXBUF);
	assert_int_equal(nt->nt_most, 1);
}

static void
segments_of_each_kind_arrive_with_large_headers(void **state)
{
	segments_arrive(F_ALL | F_HASH_REPORT);
}

static void
segments_of_each_kind_arrive_in_packed_rings(void **state)
{
	segments_arrive(F_ALL | F_PACKED);
}

static void
what_is_known_of_a_checksum_is_passed_on(void **state)
{
	u_int both = PH_CSUM_PARTIAL | PH_CSUM_GOOD;

	start(F_ALL);
	assert_int_equal(flags_received(both, 0), 0);
	assert_int_equal(flags_received(both, 1), PH_CSUM_PARTIAL);
	assert_int_equal(flags_received(both, 2), PH_CSUM_GOOD);
	assert_true(flags_received(PH_CSUM_PARTIAL, 3));
}

/* 5.1.6.4.2: "MUST ignore flag bits that it does not recognize" */
static void
unknown_flags_are_no_fault(void **state)
{
	start(F_ALL);
	assert_int_equal(flags_received(PH_CSUM_PARTIAL | PH_CSUM_GOOD, 0x80),
	    0);
	assert_int_equal(flags_received(PH_CSUM_PARTIAL | PH_CSUM_GOOD, 0x42),
	    PH_CSUM_GOOD);
	assert_int_equal(stat("rx_unknown_flags"), 2);
}

static void
a_hash_is_passed_on(void **state)
{
	struct sim_nethdr nh = { .nh_hash = 0x12345678, .nh_report = 2 };
	struct got *g;

	start(F_ALL | F_HASH_REPORT);
	frame(buf, 600, 1);
	assert_true(sim_net_receive(nt, 0, &nh, buf, 600));
	hosted_run(1000000);
	assert_non_null(g = next_got());
	assert_true(g->g_ph.ph_flags & PH_HASH);
	assert_int_equal(g->g_ph.ph_hash, 0x12345678);
	host_free(g);
	nh.nh_report = 0;
	assert_true(sim_net_receive(nt, 0, &nh, buf, 600));
	hosted_run(1000000);
	assert_non_null(g = next_got());
	assert_false(g->g_ph.ph_flags & PH_HASH);
	host_free(g);
}

/* --- queues -------------------------------------------------------------- */

static void
what_finds_no_room_waits_and_is_sent_in_order(void **state)
{
	u_int i, k, n = 500;

	for (k = 0; k < 3; k++) {
		start(k == 0 ? F_PLAIN : k == 1 ? F_PLAIN & ~F_RING :
		    F_PLAIN | F_PACKED);
		nt->nt_hold = true;
		for (i = 0; i < n; i++) {
			send_frame(60 + i, i, i % NSHAPE, i % 3 != 0);
			if (i % 40 == 0)
				hosted_run(1000000);
		}
		hosted_run(1000000);
		assert_true(nt->nt_nsent > 4 && nt->nt_nsent <= 32);
		assert_true(stat("tx_queued") >= n - 32);
		nt->nt_hold = false;
		sim_net_release(nt, n);
		hosted_run(1000000000);
		for (i = 0; i < n; i++)
			assert_sent(60 + i, i);
		assert_null(sim_net_sent(nt));
		nothing_left();
	}
}

static void
one_freed_place_after_the_other_is_used(void **state)
{
	u_int i, n = 300;

	start(F_PLAIN);
	nt->nt_hold = true;
	for (i = 0; i < n; i++)
		send_frame(60 + i, i, ONE, false);
	for (i = 0; nt->nt_nsent < n && i < 10 * n; i++) {
		hosted_run(1000000);
		sim_net_release(nt, 1);
	}
	hosted_run(100000000);
	for (i = 0; i < n; i++)
		assert_sent(60 + i, i);
	sim_net_release(nt, n);
}

static void
more_than_may_wait_are_dropped_and_counted(void **state)
{
	struct if_counters ic = { .ic_ipackets = 0 };
	u_int i, n = 1500;

	start(F_PLAIN);
	nt->nt_hold = true;
	for (i = 0; i < n; i++)
		send_frame(60, i, ONE, false);
	hosted_run(1000000);
	assert_true(stat("tx_drop_queue_full") > 0);
	nif->if_ops->ifo_counters(nif, &ic);
	assert_int_equal(ic.ic_odrops, stat("tx_drop_queue_full"));
	nt->nt_hold = false;
	sim_net_release(nt, n);
	hosted_run(1000000000);
	assert_int_equal(nt->nt_nsent + ic.ic_odrops, n);
	assert_works();
}

static void
what_was_sent_is_freed_without_an_interrupt(void **state)
{
	uint64_t before;
	u_int i;

	start(F_PLAIN);
	before = mbufs_used();
	for (i = 0; i < 10; i++)
		send_frame(1000, i, HEADROOM, false);
	assert_true(mbufs_used() > before);
	hosted_run(100000000);
	assert_int_equal(mbufs_used(), before);
	assert_int_equal(nt->nt_sv->sv_vq[1].sq_interrupts, 0);
}

static void
a_device_that_keeps_packets_is_not_given_up(void **state)
{
	start(F_PLAIN);
	nt->nt_hold = true;
	send_frame(1000, 1, ONE, false);
	hosted_run(600000000000ULL);
	assert_int_equal(nt->nt_sv->sv_vq[1].sq_nheld, 1);
	sim_net_release(nt, 1);
	nt->nt_hold = false;
	assert_works();
}

static void
what_was_kept_for_long_is_freed_at_last(void **state)
{
	uint64_t before;

	start(F_PLAIN);
	before = mbufs_used();
	nt->nt_hold = true;
	send_frame(1000, 1, ONE, false);
	hosted_run(5000000000ULL);
	assert_true(mbufs_used() > before);
	sim_net_release(nt, 1);
	hosted_run(5000000000ULL);
	assert_int_equal(mbufs_used(), before);
}

static void
packets_that_follow_each_other_are_one_notification(void **state)
{
	struct sim_virtio_conf vc = conf(F_MAC | F_MRG_RXBUF);
	u_int i, before;

	vc.vc_when = SIM_BY_HAND;
	nt = sim_net_new(&vc, 1);
	attach();
	assert_int_equal(try_up(), 0);
	before = nt->nt_sv->sv_vq[1].sq_notified;
	for (i = 0; i < 8; i++)
		send_frame(100, i, ONE, i < 7);
	assert_int_equal(nt->nt_sv->sv_vq[1].sq_notified, before + 1);
	(void)sim_virtio_run(nt->nt_sv);
	for (i = 0; i < 8; i++)
		assert_sent(100, i);
}

/* Somebody said that more follows, and was dropped then. */
static void
a_batch_that_has_no_end_is_sent_all_the_same(void **state)
{
	start(F_PLAIN | F_MTU);
	send_frame(100, 1, ONE, true);
	send_frame(20000, 2, ONE, false);	/* too long */
	hosted_run(1000000000);
	assert_sent(100, 1);
	send_frame(100, 3, ONE, true);
	hosted_run(1000000000);
	assert_sent(100, 3);
}

static void
nothing_is_sent_while_it_is_down(void **state)
{
	make(F_ALL);
	attach();
	send_frame(100, 1, ONE, false);
	hosted_run(1000000);
	assert_int_equal(nt->nt_nsent, 0);
	assert_int_equal(stat("tx_drop_down"), 1);
	assert_int_equal(try_up(), 0);
	exchange(3);
	down();
	send_frame(100, 1, ONE, false);
	hosted_run(1000000);
	assert_int_equal(nt->nt_nsent, 6);
}

static void
what_arrived_while_it_was_down_is_not_delivered(void **state)
{
	u_int i;

	start(F_PLAIN);
	down();
	for (i = 0; i < 5; i++) {
		frame(buf, 500, i);
		(void)sim_net_receive(nt, 0, &plain_header, buf, 500);
	}
	hosted_run(1000000);
	assert_int_equal(ngot, 0);
	assert_int_equal(try_up(), 0);
	assert_int_equal(ngot, 0);
	exchange(3);
}

static void
it_goes_down_and_up_many_times(void **state)
{
	u_int i;

	start(F_ALL);
	for (i = 0; i < 20; i++) {
		exchange(2);
		send_frame(100, i, ONE, false);
		down();
		assert_int_equal(try_up(), 0);
		hosted_run(1000000);
		host_free(sim_net_sent(nt));
	}
}

static void
packets_and_bytes_are_counted(void **state)
{
	struct if_counters ic = { .ic_ipackets = 0 };
	u_int i;

	start(F_PLAIN);
	for (i = 0; i < 5; i++) {
		send_frame(100 + i, i, ONE, false);
		receive_frame(200 + i, i);
	}
	hosted_run(100000000);
	nif->if_ops->ifo_counters(nif, &ic);
	assert_int_equal(ic.ic_opackets, 5);
	assert_int_equal(ic.ic_obytes, 510);
	assert_int_equal(ic.ic_ipackets, 5);
	assert_int_equal(ic.ic_ibytes, 1010);
	assert_int_equal(ic.ic_ierrors + ic.ic_oerrors + ic.ic_odrops, 0);
}

/* --- traffic at any moment ----------------------------------------------- */

static uint32_t
flood_len(u_int i)
{
	return (14 + i * 97 % 1501);
}

/*
 * Frames arrive in the middle of all that the driver does; what is still in
 * the ring at the end was told by no interrupt.
 */
static void
flood(uint64_t features, u_int n)
{
	u_int i, sent = 0;

	start(features);
	feeding();
	for (i = 0; i < n; i++) {
		frame(buf, flood_len(i), i);
		sim_net_queue(nt, 0, &plain_header, buf, flood_len(i));
	}
	for (i = 0; i < n; i++) {
		if (i % 7 == 0)
			send_frame(flood_len(i), sent++, ONE, i % 2);
		if (i % 5 == 0)
			hosted_run(1000);
	}
	hosted_run(50000000);
	assert_true(TAILQ_EMPTY(&nt->nt_link));
	assert_int_equal(ngot, n);
	for (i = 0; i < n; i++)
		assert_got(flood_len(i), i);
	assert_int_equal(nt->nt_nsent, sent);
	hosted_step_fn = sim_step;
	nothing_left();
	sim_init();
	sim_dma_strict = true;
}

static void
no_packet_of_a_flood_is_forgotten(void **state)
{
	static const uint64_t sets[] = { F_PLAIN, F_MAC, F_PLAIN | F_PACKED,
	    F_MAC | F_EVENT_IDX, F_MAC | F_PACKED, F_PLAIN | F_HASH_REPORT |
	    F_CTRL_VQ };
	u_int i;

	for (i = 0; i < 3 * nitems(sets); i++) {
		sim_seed(i);
		flood(sets[i % nitems(sets)], 600);
	}
}

static void
a_flood_interrupts_less_often_than_it_has_packets(void **state)
{
	u_int i;

	start(F_PLAIN);
	feeding();
	for (i = 0; i < 1000; i++) {
		frame(buf, 100, i);
		sim_net_queue(nt, 0, &plain_header, buf, 100);
	}
	hosted_run(50000000);
	assert_int_equal(ngot, 1000);
	assert_true(nt->nt_sv->sv_vq[0].sq_interrupts < 600);
}

static void
a_ring_that_is_full_again_and_again_forgets_nothing(void **state)
{
	struct sim_virtio_conf vc;
	u_int i, k, n = 400;

	for (k = 0; k < 16; k++) {
		sim_seed(k);
		vc = conf(k & 4 ? F_PLAIN : F_PLAIN | F_PACKED);
		if (k & 8)
			vc.vc_features &= ~F_EVENT_IDX;
		/* the smaller, the sooner it is full, and empty */
		vc.vc_qsize[1] = 1 << k % 4;
		vc.vc_suppress = k % 4;
		nt = sim_net_new(&vc, 1);
		attach();
		assert_int_equal(try_up(), 0);
		for (i = 0; i < n; i++) {
			send_frame(60 + i, i, ONE, i < n - 1 && sim_random(2));
			if (sim_random(30) == 0)
				hosted_run(1000);
		}
		hosted_run(5000000);
		for (i = 0; i < n; i++)
			assert_sent(60 + i, i);
		/* by interrupts, and not because it looked */
		assert_int_equal(stat("tx_timeouts"), 0);
		nothing_left();
	}
}

/* From a soft interrupt, and with the very memory that the packet came in. */
static void
each_packet_that_arrives_may_be_answered(void **state)
{
	static const uint64_t sets[] = { F_PLAIN, F_ALL & ~F_MRG_RXBUF,
	    F_PLAIN | F_PACKED, F_CTRL_VQ | F_HASH_REPORT };
	u_int i, k, n = 200;

	for (k = 0; k < nitems(sets); k++) {
		start(sets[k]);
		feeding();
		answering = true;
		for (i = 0; i < n; i++) {
			frame(buf, flood_len(i), i);
			sim_net_queue(nt, 0, &plain_header, buf,
			    flood_len(i));
		}
		hosted_run(5000000);
		assert_int_equal(ngot, n);
		for (i = 0; i < n; i++)
			assert_sent(flood_len(i), i);
		answering = false;
		nothing_left();
		sim_init();
		sim_dma_strict = true;
	}
}

static void
release_step(void)
{
	sim_step();
	if (nt != NULL && !nt->nt_sv->sv_running && sim_random(20) == 0)
		sim_net_release(nt, 1);
}

static int
release_idle(void)
{
	int any = sim_virtio_runall();

	if (nt == NULL || nt->nt_sv->sv_vq[1].sq_nheld == 0)
		return (any);
	sim_net_release(nt, 1);
	return (1);
}

static void
room_that_is_made_at_any_moment_is_used(void **state)
{
	u_int i, k, n = 400;

	for (k = 0; k < 12; k++) {
		struct sim_virtio_conf vc = conf(k & 1 ? F_PLAIN :
		    F_PLAIN | F_PACKED);

		sim_seed(k);
		if (k & 2)
			vc.vc_features &= ~F_EVENT_IDX;
		vc.vc_qsize[1] = 1 << k % 3;
		nt = sim_net_new(&vc, 1);
		attach();
		assert_int_equal(try_up(), 0);
		nt->nt_hold = true;
		hosted_step_fn = release_step;
		hosted_device = release_idle;
		for (i = 0; i < n; i++)
			send_frame(60 + i, i, ONE, false);
		hosted_run(5000000);
		assert_int_equal(stat("tx_timeouts"), 0);
		for (i = 0; i < n; i++)
			assert_sent(60 + i, i);
		nothing_left();
		sim_init();
		sim_dma_strict = true;
	}
}

/* --- commands ------------------------------------------------------------ */

static void
only_what_is_wanted_is_let_in(void **state)
{
	start(F_ALL);
	assert_true(sim_net_wants(nt, nif->if_lladdr));
	assert_true(sim_net_wants(nt, broadcast));
	assert_false(sim_net_wants(nt, other));
	assert_false(sim_net_wants(nt, group));
	make_groups(5);
	rxfilter(0);
	assert_true(sim_net_wants(nt, groups[4]));
	assert_false(sim_net_wants(nt, other));
	rxfilter(IFF_ALLMULTI);
	assert_true(sim_net_wants(nt, (const uint8_t *)"\1\0\0\1\2\3"));
	assert_false(sim_net_wants(nt, other));
	rxfilter(IFF_PROMISC);
	assert_true(sim_net_wants(nt, other));
	make_groups(1);
	rxfilter(0);
	assert_false(sim_net_wants(nt, other));
	assert_false(sim_net_wants(nt, groups[4]));
	assert_true(sim_net_wants(nt, groups[0]));
}

static void
of_many_groups_all_are_let_in(void **state)
{
	u_int n;

	start(F_ALL);
	for (n = 60; n < 300; n += 47) {
		make_groups(n);
		rxfilter(0);
		assert_true(sim_net_wants(nt, groups[n - 1]));
		assert_false(sim_net_wants(nt, other));
	}
	make_groups(64);
	rxfilter(0);
	assert_int_equal(nt->nt_nmulti, 64);
}

static void
nothing_is_let_in_while_it_is_down(void **state)
{
	start(F_ALL);
	down();
	assert_false(sim_net_wants(nt, nif->if_lladdr));
	assert_false(sim_net_wants(nt, broadcast));
	assert_int_equal(try_up(), 0);
	assert_true(sim_net_wants(nt, nif->if_lladdr));
	assert_true(sim_net_wants(nt, broadcast));
}

/* Rather too much than too little. */
static void
a_filter_that_is_refused_lets_all_in(void **state)
{
	start(F_ALL);
	nt->nt_refuse = 1 << CTRL_MAC;
	make_groups(3);
	rxfilter(0);
	assert_true(sim_net_wants(nt, groups[2]));
	assert_works();
}

static void
all_commands_may_be_refused(void **state)
{
	make(F_ALL);
	nt->nt_refuse = ~0U;
	attach();
	assert_int_equal(try_up(), 0);
	rxfilter(IFF_PROMISC);
	assert_true(stat("ctrl_refused") > 0);
	exchange(5);
}

static void
an_answer_that_is_neither_yes_nor_no_is_a_no(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 9, 9, 9 };

	start(F_ALL);
	nt->nt_ack = 0x55;
	assert_int_not_equal(nif->if_ops->ifo_setlladdr(nif, mac), 0);
	assert_memory_equal(nif->if_lladdr, nt->nt_ownmac, 6);
}

/* The byte was never written. */
static void
an_answer_of_no_bytes_is_no_harm(void **state)
{
	start(F_ALL);
	nt->nt_ackless = true;
	rxfilter(IFF_PROMISC);
	nt->nt_ackless = false;
	rxfilter(0);
	assert_works();
}

static void
the_address_can_be_changed(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 9, 9, 9 };

	start(F_ALL);
	assert_int_equal(nif->if_ops->ifo_setlladdr(nif, mac), 0);
	memcpy(nif->if_lladdr, mac, 6);
	assert_memory_equal(nt->nt_mac, mac, 6);
	assert_true(sim_net_wants(nt, mac));
	assert_works();
}

static void
without_the_feature_the_address_cannot_be_changed(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 9, 9, 9 };

	start(F_ALL & ~F_CTRL_MAC_ADDR);
	assert_int_equal(nif->if_ops->ifo_setlladdr(nif, mac), EOPNOTSUPP);
}

static void
on_a_legacy_device_the_address_is_written(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 9, 9, 9 };
	struct sim_virtio_conf vc = conf(F_MAC);

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	nt = sim_net_new(&vc, 1);
	attach();
	assert_int_equal(try_up(), 0);
	assert_int_equal(nif->if_ops->ifo_setlladdr(nif, mac), 0);
	assert_memory_equal(nt->nt_mac, mac, 6);
}

static void
an_address_that_is_refused_stays_what_it_was(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 9, 9, 9 };

	start(F_ALL);
	nt->nt_refuse = 1 << CTRL_MAC;
	assert_int_equal(nif->if_ops->ifo_setlladdr(nif, mac), EOPNOTSUPP);
	assert_memory_equal(nif->if_lladdr, nt->nt_ownmac, 6);
}

static void
offloads_are_switched_off_and_on(void **state)
{
	uint32_t caps;

	start(F_ALL);
	caps = nif->if_capenable;
	assert_int_equal(nif->if_ops->ifo_setcaps(nif, caps & ~IFCAP_LRO), 0);
	assert_true(sim_net_commanded(nt, CTRL_OFFLOADS, 0));
	assert_int_equal(nt->nt_off, F_GUEST & ~F_GUEST_CSUM);
	assert_int_equal(nif->if_capenable, caps & ~IFCAP_LRO);
	assert_int_equal(nif->if_ops->ifo_setcaps(nif, caps), 0);
	assert_int_equal(nt->nt_off, 0);
	exchange(3);
}

static void
offloads_that_are_refused_stay_on(void **state)
{
	uint32_t caps;

	start(F_ALL);
	caps = nif->if_capenable;
	nt->nt_refuse = 1 << CTRL_OFFLOADS;
	assert_int_not_equal(nif->if_ops->ifo_setcaps(nif, caps & ~IFCAP_LRO),
	    0);
	assert_int_equal(nif->if_capenable, caps);
}

static void
the_neighbours_are_told_when_the_device_asks(void **state)
{
	start(F_ALL);
	nt->nt_sv->sv_config[6] |= 2;
	sim_virtio_changed(nt->nt_sv);
	hosted_run(1000000000);
	assert_int_equal(nannounced, 1);
	assert_int_equal(nt->nt_nannounced, 1);
	assert_int_equal(nt->nt_sv->sv_config[6], 1);
	sim_virtio_changed(nt->nt_sv);
	hosted_run(1000000000);
	assert_int_equal(nannounced, 1);
}

/* An endless wish may cost a command each time, but not the kernel. */
static void
a_device_that_asks_for_ever_is_no_harm(void **state)
{
	u_int i;

	start(F_ALL);
	nt->nt_refuse = 1 << CTRL_ANNOUNCE;
	for (i = 0; i < 50; i++) {
		nt->nt_sv->sv_config[6] |= 2;
		sim_virtio_changed(nt->nt_sv);
		hosted_run(1000000);
	}
	assert_true(nannounced <= 50);
	nt->nt_refuse = 0;
	nt->nt_sv->sv_config[6] = 1;
	assert_works();
}

static void
answer_later(void *arg)
{
	sim_net_answer(nt);
}

static void
an_answer_after_nine_seconds_is_in_time(void **state)
{
	struct timeout to;
	u_int resets;

	start(F_ALL);
	resets = nt->nt_sv->sv_nresets;
	timeout_set(&to, answer_later, NULL);
	timeout_add_msec(&to, 9000);
	nt->nt_ctrlhold = true;
	rxfilter(IFF_PROMISC);
	assert_true(sim_net_wants(nt, other));
	assert_int_equal(nt->nt_sv->sv_nresets, resets);
	assert_false(sim_said("no answer"));
	(void)timeout_del_barrier(&to);
	assert_works();
}

static void
a_command_without_an_answer_ends_in_a_reset(void **state)
{
	uint64_t began;

	start(F_ALL);
	began = nsecuptime();
	nt->nt_ctrlhold = true;
	nif->if_flags |= IFF_PROMISC;
	nif->if_ops->ifo_rxfilter(nif);
	assert_true(nsecuptime() - began >= 10ULL * 1000000000);
	assert_true(nsecuptime() - began < 60ULL * 1000000000);
	nt->nt_ctrlhold = false;
	hosted_run(20000000000ULL);
	assert_true(sim_said("no answer in 10000 ms"));
	assert_true(sim_net_wants(nt, other));
	assert_works();
}

/* Each attempt has its time, and then it is the end of them. */
static void
a_device_that_never_answers_does_not_keep_us(void **state)
{
	uint64_t began = nsecuptime();

	make(F_ALL);
	nt->nt_ctrlhold = true;
	sim_attach();
	if (nif != NULL) {
		(void)try_up();
		nif->if_ops->ifo_rxfilter(nif);
	}
	hosted_run(600000000000ULL);
	assert_true(nsecuptime() - began < 3600ULL * 1000000000);
	nothing_left();
}

static void
interrupts_can_be_told_to_wait(void **state)
{
	char text[80];
	size_t len;

	start(F_ALL | F_NOTF_COAL);
	assert_int_equal(sysctl_read("hw.vio0.rx_coalesce", text, sizeof(text),
	    &len), 0);
	assert_string_equal(text, "default");
	assert_int_equal(sysctl_write("hw.vio0.rx_coalesce", "50,10"), 0);
	assert_int_equal(nt->nt_usecs[1], 50);
	assert_int_equal(nt->nt_packets[1], 10);
	assert_int_equal(sysctl_write("hw.vio0.tx_coalesce", "7,3"), 0);
	assert_int_equal(nt->nt_usecs[0], 7);
	assert_int_equal(nt->nt_packets[0], 3);
	assert_int_not_equal(sysctl_write("hw.vio0.rx_coalesce", "x"), 0);
	nt->nt_refuse = 1 << CTRL_COAL;
	assert_int_not_equal(sysctl_write("hw.vio0.rx_coalesce", "1,1"), 0);
	sysctl_read("hw.vio0.rx_coalesce", text, sizeof(text), &len);
	assert_string_equal(text, "50,10");
}

/* --- pairs --------------------------------------------------------------- */

static void
there_is_a_pair_for_each_processor(void **state)
{
	u_int i, k;

	for (k = 0; k < 2; k++) {
		start_pairs(F_ALL | (k ? F_RSS : F_MQ), 3);
		assert_int_equal(nt->nt_pairs, 3);
		assert_true(sim_said("3 queue pairs"));
		for (i = 0; i < 30; i++) {
			frame(buf, 300, i);
			assert_true(sim_net_receive(nt, i % 3, &plain_header,
			    buf, 300));
			hosted_run(1000000);
			assert_got(300, i);
		}
		exchange(4);
		nothing_left();
	}
}

static void
pairs_that_are_refused_are_not_used(void **state)
{
	struct sim_virtio_conf vc = conf(F_ALL | F_MQ);
	u_int i;

	ncpus = 3;
	nt = sim_net_new(&vc, 3);
	nt->nt_refuse = 1 << CTRL_MQ;
	attach();
	assert_int_equal(try_up(), 0);
	for (i = 0; i < 30; i++) {
		send_segments(&kinds[0], 2000 + i, ONE, 0);
		assert_segments_sent(&kinds[0], 2000 + i, 1);
	}
	assert_int_equal(nt->nt_pairs, 1);
	exchange(3);
}

static void
a_flow_stays_on_its_queue(void **state)
{
	struct sim_frame *fr;
	u_int i, first = 0;

	start_pairs(F_ALL | F_MQ, 3);
	for (i = 0; i < 20; i++) {
		send_segments(&kinds[0], 2000 + i, ONE, 0);
		assert_non_null(fr = sim_net_sent(nt));
		if (i == 0)
			first = fr->fr_pair;
		assert_int_equal(fr->fr_pair, first);
		host_free(fr);
	}
}

/* A packet on one queue said that more follows, which came to another. */
static void
a_batch_on_several_queues_is_told_on_each(void **state)
{
	u_int i;

	start_pairs(F_ALL | F_MQ, 3);
	nt->nt_sv->sv_c.vc_when = SIM_NEVER;
	for (i = 0; i < 30; i++)
		send_of_flow(i, i < 29);
	for (i = 1; i < 6; i += 2)
		assert_int_equal(nt->nt_sv->sv_vq[i].sq_notified, 1);
	nt->nt_sv->sv_c.vc_when = SIM_LATER;
	hosted_run(1000000);
	assert_int_equal(nt->nt_nsent, 30);
}

/* What the device says of its hashes makes no sense. */
static void
without_a_usable_hash_there_is_none(void **state)
{
	u_int i;

	for (i = 0; i < 3; i++) {
		struct sim_virtio_conf vc = conf(F_ALL | F_RSS | F_MQ |
		    F_HASH_REPORT);

		ncpus = 2;
		nt = sim_net_new(&vc, 2);
		if (i != 1)
			nt->nt_sv->sv_config[17] = i == 0 ? 20 : 0;
		if (i != 0)
			sim_config_put(nt->nt_sv, 18, 2, 0);
		attach();
		assert_int_equal(try_up(), 0);
		assert_int_equal(nt->nt_sv->sv_features & F_RSS, 0);
		assert_int_equal(nt->nt_pairs, 2);
		exchange(3);
		nothing_left();
	}
}

/* --- the link ------------------------------------------------------------ */

static void
link_state(bool on)
{
	nt->nt_sv->sv_config[6] = on;
	sim_virtio_changed(nt->nt_sv);
	hosted_run(1000000);
}

static void
the_link_goes_down_and_up(void **state)
{
	start(F_ALL);
	assert_int_equal(nif->if_link, LINK_UP);
	nlinkchanges = 0;
	link_state(false);
	assert_int_equal(nif->if_link, LINK_DOWN);
	assert_int_equal(nlinkchanges, 1);
	link_state(true);
	assert_int_equal(nif->if_link, LINK_UP);
	assert_int_equal(nlinkchanges, 2);
	link_state(true);
	assert_int_equal(nlinkchanges, 2);
}

static void
a_link_that_is_down_at_first_is_so(void **state)
{
	make(F_ALL);
	nt->nt_sv->sv_config[6] = 0;
	attach();
	assert_int_equal(nif->if_link, LINK_DOWN);
}

static void
without_the_feature_the_link_is_up(void **state)
{
	make(F_ALL & ~F_STATUS);
	nt->nt_sv->sv_config[6] = 0;
	attach();
	assert_int_not_equal(nif->if_link, LINK_DOWN);
}

static void
a_storm_of_changes_is_no_harm(void **state)
{
	u_int i;

	start(F_ALL | F_SPEED_DUPLEX);
	for (i = 0; i < 500; i++) {
		nt->nt_sv->sv_config[6] = sim_random(256) & ~2;
		sim_config_put(nt->nt_sv, 12, 4, sim_random(~0U));
		sim_virtio_changed(nt->nt_sv);
		if (sim_random(5) == 0)
			hosted_run(1000);
		if (sim_random(5) == 0)
			send_frame(100, i, ONE, false);
	}
	nt->nt_sv->sv_config[6] = 1;
	sim_virtio_changed(nt->nt_sv);
	assert_works();
	assert_int_equal(nif->if_link, LINK_UP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_go_both_ways_with_each_set_of_features),
		TEST(the_same_on_a_legacy_device),
		TEST(the_header_has_the_size_of_what_was_agreed),
		TEST(the_address_is_that_of_the_device),
		TEST(without_an_address_it_is_a_local_one),
		TEST(an_address_of_a_group_is_not_used),
		TEST(an_address_of_zeroes_is_not_used),
		TEST(the_mtu_is_that_of_the_device),
		TEST(the_same_without_merged_buffers),
		TEST(an_mtu_that_cannot_be_is_told_and_not_used),
		TEST(pairs_that_cannot_be_are_told_and_not_used),
		TEST(fewer_queues_than_was_said_are_no_harm),
		TEST(queues_too_small_for_a_packet_are_told_and_not_used),
		TEST(queues_of_one_are_enough_for_a_frame),
		TEST(small_queues_are_enough_for_frames),
		TEST(a_control_queue_of_any_size_does),
		TEST(the_speed_is_told),
		TEST(a_speed_that_is_unknown_is_none),
		TEST(a_device_without_offloads_is_given_none),
		TEST(what_the_device_can_do_is_what_the_network_knows),
		TEST(features_without_what_they_require_are_not_accepted),
		TEST(without_a_filter_no_address_is_commanded),
		TEST(an_address_that_is_not_the_devices_is_told_to_it),
		TEST(a_checksum_is_left_to_the_device),
		TEST(segments_of_each_kind_are_cut_by_the_device),
		TEST(the_same_through_a_small_ring),
		TEST(congestion_is_told_with_the_segments),
		TEST(segments_that_the_device_cannot_cut_are_dropped),
		TEST(a_frame_longer_than_agreed_is_dropped),
		TEST(segments_of_each_kind_arrive_in_merged_buffers),
		TEST(segments_of_each_kind_arrive_in_large_buffers),
		TEST(segments_of_each_kind_arrive_with_large_headers),
		TEST(segments_of_each_kind_arrive_in_packed_rings),
		TEST(what_is_known_of_a_checksum_is_passed_on),
		TEST(unknown_flags_are_no_fault),
		TEST(a_hash_is_passed_on),
		TEST(what_finds_no_room_waits_and_is_sent_in_order),
		TEST(one_freed_place_after_the_other_is_used),
		TEST(more_than_may_wait_are_dropped_and_counted),
		TEST(what_was_sent_is_freed_without_an_interrupt),
		TEST(a_device_that_keeps_packets_is_not_given_up),
		TEST(what_was_kept_for_long_is_freed_at_last),
		TEST(packets_that_follow_each_other_are_one_notification),
		TEST(a_batch_that_has_no_end_is_sent_all_the_same),
		TEST(nothing_is_sent_while_it_is_down),
		TEST(what_arrived_while_it_was_down_is_not_delivered),
		TEST(it_goes_down_and_up_many_times),
		TEST(packets_and_bytes_are_counted),
		TEST(no_packet_of_a_flood_is_forgotten),
		TEST(a_flood_interrupts_less_often_than_it_has_packets),
		TEST(a_ring_that_is_full_again_and_again_forgets_nothing),
		TEST(each_packet_that_arrives_may_be_answered),
		TEST(room_that_is_made_at_any_moment_is_used),
		TEST(only_what_is_wanted_is_let_in),
		TEST(of_many_groups_all_are_let_in),
		TEST(nothing_is_let_in_while_it_is_down),
		TEST(a_filter_that_is_refused_lets_all_in),
		TEST(all_commands_may_be_refused),
		TEST(an_answer_that_is_neither_yes_nor_no_is_a_no),
		TEST(an_answer_of_no_bytes_is_no_harm),
		TEST(the_address_can_be_changed),
		TEST(without_the_feature_the_address_cannot_be_changed),
		TEST(on_a_legacy_device_the_address_is_written),
		TEST(an_address_that_is_refused_stays_what_it_was),
		TEST(offloads_are_switched_off_and_on),
		TEST(offloads_that_are_refused_stay_on),
		TEST(the_neighbours_are_told_when_the_device_asks),
		TEST(a_device_that_asks_for_ever_is_no_harm),
		TEST(an_answer_after_nine_seconds_is_in_time),
		TEST(a_command_without_an_answer_ends_in_a_reset),
		TEST(a_device_that_never_answers_does_not_keep_us),
		TEST(interrupts_can_be_told_to_wait),
		TEST(there_is_a_pair_for_each_processor),
		TEST(pairs_that_are_refused_are_not_used),
		TEST(a_flow_stays_on_its_queue),
		TEST(a_batch_on_several_queues_is_told_on_each),
		TEST(without_a_usable_hash_there_is_none),
		TEST(the_link_goes_down_and_up),
		TEST(a_link_that_is_down_at_first_is_so),
		TEST(without_the_feature_the_link_is_up),
		TEST(a_storm_of_changes_is_no_harm),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* virtio over PCI: what the transport and the core do before any request. */

#include "test.h"

#include <sys/cmdline.h>
#include <sys/errno.h>

#include <dev/pv/virtiovar.h>
#include "sim/sim.h"

static struct sim_virtio	*sv;
static struct mutex		 mtx = MUTEX_INITIALIZER(IPL_TTY);
static struct virtqueue		*vqs[SIM_MAXVQ];
static int			 result;	/* of the attach */
static u_int			 nqueues, nconfig;
static uint8_t			 image[4];

#define F_A	(1ULL << 0)
#define F_B	(1ULL << 1)
#define F_C	(1ULL << 2)
#define F_D	(1ULL << 3)

static const struct virtio_feature table[] = {
	{ F_A, 0, 0, "A" },
	{ F_B, F_A, 0, "B" },
	{ F_C, 0, VFF_UNUSED, "C" },
};

static void
config_changed(void *arg)
{
	nconfig++;
}

static void
interrupted(void *arg)
{
}

static void
undo(struct virtio_softc *vsc)
{
	u_int i;

	virtio_stop(vsc);
	for (i = 0; i < nqueues; i++) {
		if (vqs[i] == NULL)
			continue;
		mtx_enter(&mtx);
		while (vq_drain(vqs[i]) != NULL)
			;
		mtx_leave(&mtx);
	}
	virtio_end(vsc);
	memset(vqs, 0, sizeof(vqs));
}

static int
attach(struct device *self, struct virtio_softc *vsc)
{
	static const struct virtio_field fields[] = { { 0, 0, 1, 4 } };
	struct virtqueue_conf vqc[SIM_MAXVQ];
	u_int i;

	for (i = 0; i < nqueues; i++)
		vqc[i] = (struct virtqueue_conf){ .vqc_name = "q",
		    .vqc_index = i, .vqc_nsegs = 2, .vqc_mtx = &mtx,
		    .vqc_intr = interrupted };
	if ((result = virtio_negotiate(vsc, self, table, nitems(table),
	    0)) != 0 ||
	    (result = virtio_config_read(vsc, fields, 1, image)) != 0 ||
	    (result = virtio_queues(vsc, IPL_TTY, vqc, nqueues, vqs)) != 0)
		goto fail;
	virtio_on_config(vsc, config_changed, NULL);
	if ((result = virtio_start(vsc)) != 0)
		goto fail;
	return (0);
fail:
	undo(vsc);
	return (result);
}

static const struct sim_virtio_conf plain = {
	.vc_devid = SIM_ID_TEST, .vc_features = F_A | F_B | F_C | F_D,
	.vc_nvq = 3, .vc_qsize = { 16, 8, 4 }, .vc_nvec = 4,
	.vc_cfgsize = 16, .vc_when = SIM_LATER,
};

static int
setup(void **state)
{
	sim_init();
	result = -1;
	nqueues = 3;
	nconfig = 0;
	viotest_attach_hook = attach;
	viotest_detach_hook = undo;
	sv = NULL;
	return (0);
}

static int
teardown(void **state)
{
	sim_detach();
	if (sv != NULL)
		sim_virtio_free(sv);
	return (sim_fini());
}

static void
make(const struct sim_virtio_conf *vc)
{
	sv = sim_virtio_new(vc);
	sim_config_put(sv, 0, 4, 0x04030201);
}

static void
assert_attached(void)
{
	if (viotest_vsc == NULL)
		print_message("%s", hosted_console());
	assert_non_null(viotest_vsc);
	assert_int_equal(result, 0);
	assert_memory_equal(image, "\1\2\3\4", 4);
}

static void
assert_refused(int error)
{
	assert_null(viotest_vsc);
	assert_int_equal(result, error);
}

/* --- the handshake: 3.1.1 ------------------------------------------------ */

static void
status_goes_up_step_by_step(void **state)
{
	static const uint8_t want[] = { 0, 1, 3, 11, 15 };
	u_int i, n;

	make(&plain);
	sim_attach();
	assert_attached();
	/* after the last reset */
	for (n = sv->sv_nstatus; n > 0 && sv->sv_statuses[n - 1] != 0; n--)
		;
	assert_int_equal(sv->sv_nstatus - n, nitems(want) - 1);
	for (i = 1; i < nitems(want); i++)
		assert_int_equal(sv->sv_statuses[n + i - 1], want[i]);
}

static void
status_of_a_legacy_device_has_no_features_ok(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_legacy = vc.vc_nomodern = true;
	make(&vc);
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_status, 0x07);
}

static void
features_are_those_both_know_and_that_have_what_they_need(void **state)
{
	make(&plain);
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_features & 0xf, F_A | F_B);
	assert_true(virtio_has(viotest_vsc, F_B));
	assert_false(virtio_has(viotest_vsc, F_C));
	assert_true(virtio_offered(viotest_vsc, F_C));
	assert_true(virtio_offered(viotest_vsc, F_D));
}

static void
a_feature_without_what_it_needs_is_dropped(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features = F_B;
	make(&vc);
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_features & 0xf, 0);
}

static void
every_ring_feature_that_exists_is_offered_and_survives(void **state)
{
	struct sim_virtio_conf vc = plain;

	/* all reserved bits but the packed ring's, which needs the model */
	vc.vc_features = 1ULL << 28 | 1ULL << 29;
	make(&vc);
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_features >> 28 & 3, 3);
}

static void
features_unknown_to_the_core_are_not_accepted(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features = ~0ULL & ~(1ULL << 34);
	make(&vc);
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_features >> 44, 0);
	assert_int_equal(sv->sv_features & 0xffffff, F_A | F_B);
}

static void
a_device_that_refuses_features_ok_is_refused(void **state)
{
	make(&plain);
	sv->sv_refuse_ok = true;
	sim_attach();
	assert_refused(ENXIO);
	assert_true(sim_said("viotest0"));
}

static void
detach_leaves_the_device_reset(void **state)
{
	make(&plain);
	sim_attach();
	assert_attached();
	sim_detach();
	assert_int_equal(sv->sv_status, 0);
}

static void
a_reset_that_takes_its_time_is_waited_for(void **state)
{
	make(&plain);
	sv->sv_resetpolls = 20;
	sim_attach();
	assert_attached();
}

static void
a_reset_that_never_ends_is_given_up(void **state)
{
	uint64_t start = nsecuptime();

	make(&plain);
	sv->sv_resetpolls = ~0U;
	sim_attach();
	assert_null(viotest_vsc);
	assert_true(nsecuptime() - start < 60ULL * 1000000000);
}

static void
a_device_that_cannot_be_reset_at_detach_loses_the_bus(void **state)
{
	make(&plain);
	sim_attach();
	assert_attached();
	sv->sv_noreset = true;
	sv->sv_resetpolls = ~0U;
	sim_detach();
	assert_true(sim_dma_blocked());
}

/* --- configuration ------------------------------------------------------- */

static void
a_generation_that_moves_a_few_times_is_read_again(void **state)
{
	make(&plain);
	sv->sv_genmoves = 5;
	sim_attach();
	assert_attached();
}

static void
a_generation_that_never_stands_still_is_given_up(void **state)
{
	make(&plain);
	sv->sv_restless = true;
	sim_attach();
	assert_refused(EIO);
}

static void
a_change_of_the_configuration_is_reported(void **state)
{
	make(&plain);
	sim_attach();
	assert_attached();
	sim_virtio_changed(sv);
	hosted_run(1000);
	assert_int_equal(nconfig, 1);
	sim_virtio_changed(sv);
	hosted_run(1000);
	assert_int_equal(nconfig, 2);
}

static void
a_change_is_reported_by_the_line_too(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvec = 0;
	make(&vc);
	sim_attach();
	assert_attached();
	sim_virtio_changed(sv);
	hosted_run(1000);
	assert_int_equal(nconfig, 1);
	assert_true(sv->sv_nisr > 0);
}

static void
without_room_for_it_configuration_reads_as_zero(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_cfgsize = 0;
	make(&vc);
	sim_attach();
	assert_int_equal(result, 0);
	assert_memory_equal(image, "\0\0\0\0", 4);
}

/* --- queues -------------------------------------------------------------- */

static void
refused_queue_size(uint16_t size)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_qsize[1] = size;
	make(&vc);
	sim_attach();
	assert_refused(ENXIO);
}

static void
a_queue_of_size_0_is_refused(void **state)
{
	refused_queue_size(0);
}

static void
a_queue_size_that_is_no_power_of_two_is_used_up_to_one(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_qsize[1] = 12;
	make(&vc);
	sim_attach();
	/* 2.7: "Queue Size value is always a power of 2" */
	if (result == 0)
		assert_int_equal(sv->sv_vq[1].sq_size, 8);
	else
		assert_refused(ENXIO);
}

static void
a_legacy_queue_size_that_is_no_power_of_two_is_refused(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_qsize[1] = 12;
	make(&vc);
	sim_attach();
	assert_refused(ENXIO);
}

static void
a_queue_that_is_not_there_is_refused(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvq = 2;
	make(&vc);
	sim_attach();
	assert_refused(ENXIO);
}

static void
a_device_that_keeps_its_size_is_used_with_that(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_qsize[1] = 1024;
	make(&vc);
	sv->sv_badsize = true;
	sim_attach();
	assert_attached();
	assert_int_equal(vq_size(vqs[0]), 16);
	assert_int_equal(vq_size(vqs[1]), 1024);
}

static void
a_device_that_answers_with_a_size_that_cannot_be_is_refused(void **state)
{
	static const uint16_t bad[] = { 3, 24, 2048, 0x8001, 0xffff };
	struct sim_virtio_conf vc = plain;
	u_int i;

	vc.vc_qsize[0] = 1024;
	for (i = 0; i < nitems(bad); i++) {
		make(&vc);
		sv->sv_newsize = bad[i];
		sim_attach();
		assert_refused(ENXIO);
		assert_true(sim_said("viotest0 at virtio0: q queue of size"));
		sim_detach();
		sim_virtio_free(sv);
		sv = NULL;
	}
}

static void
a_queue_of_the_largest_size_works(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_qsize[0] = 32768;
	make(&vc);
	sim_attach();
	assert_attached();
}

static void
a_queue_size_above_the_largest_does_no_harm(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_qsize[0] = 0xffff;
	make(&vc);
	sim_attach();
	assert_true(result == 0 || result == ENXIO);
}

/* --- vectors ------------------------------------------------------------- */

static void
each_queue_has_its_vector_if_there_are_enough(void **state)
{
	make(&plain);
	sim_attach();
	assert_attached();
	assert_true(sim_pci_msix_on(&sv->sv_pci));
	assert_int_not_equal(sv->sv_vq[0].sq_vector, sv->sv_vq[1].sq_vector);
	assert_int_not_equal(sv->sv_vq[1].sq_vector, sv->sv_vq[2].sq_vector);
	assert_int_not_equal(sv->sv_vq[0].sq_vector, sv->sv_cvec);
}

static void
queues_share_when_there_are_fewer_vectors(void **state)
{
	u_int n, i;

	for (n = 1; n < 4; n++) {
		struct sim_virtio_conf vc = plain;

		vc.vc_nvec = n;
		make(&vc);
		sim_attach();
		assert_attached();
		assert_true(sim_pci_msix_on(&sv->sv_pci) || n == 1);
		for (i = 0; i < 3 && sim_pci_msix_on(&sv->sv_pci); i++)
			assert_true(sv->sv_vq[i].sq_vector < n);
		sim_virtio_changed(sv);
		hosted_run(1000);
		assert_int_equal(nconfig, n);
		sim_detach();
		sim_virtio_free(sv);
	}
	sv = NULL;
}

static void
without_vectors_the_line_is_used(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvec = 0;
	make(&vc);
	sim_attach();
	assert_attached();
	assert_false(sim_pci_msix_on(&sv->sv_pci));
}

static void
a_device_that_refuses_vectors_gets_the_line(void **state)
{
	make(&plain);
	sv->sv_novector = true;
	sim_attach();
	assert_attached();
	assert_false(sim_pci_msix_on(&sv->sv_pci));
	sim_virtio_changed(sv);
	hosted_run(1000);
	assert_int_equal(nconfig, 1);
}

static void
without_any_interrupt_the_device_is_refused(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvec = 0;
	vc.vc_noline = true;
	make(&vc);
	sim_attach();
	assert_null(viotest_vsc);
	assert_int_not_equal(result, 0);
}

static void
a_line_that_another_device_raised_is_passed_by(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvec = 0;
	make(&vc);
	sim_attach();
	assert_attached();
	sim_pci_setline(&sv->sv_pci, true);
	hosted_run(1000);
	assert_int_equal(sv->sv_isr, 0);
	assert_int_equal(nconfig, 0);
}

/* --- where the registers are --------------------------------------------- */

static void
registers_in_an_io_bar_work(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_where = SIM_IO;
	make(&vc);
	sim_attach();
	assert_attached();
}

static void
registers_behind_the_window_work(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_where = SIM_WINDOW;
	make(&vc);
	sim_attach();
	assert_attached();
	sim_virtio_changed(sv);
	hosted_run(1000);
	assert_int_equal(nconfig, 1);
}

static void
without_vectors_the_window_reads_the_isr(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_where = SIM_WINDOW;
	vc.vc_nvec = 0;
	make(&vc);
	sim_attach();
	assert_attached();
	sim_virtio_changed(sv);
	hosted_run(1000);
	assert_int_equal(nconfig, 1);
}

static bool
speaks_legacy(const char *words)
{
	struct sim_virtio_conf vc = plain;
	bool legacy;

	cmdline_init(words, strlen(words));
	vc.vc_legacy = true;
	make(&vc);
	sim_attach();
	assert_attached();
	legacy = sv->sv_uselegacy;
	sim_detach();
	sim_virtio_free(sv);
	sv = NULL;
	return (legacy);
}

static void
a_transitional_device_is_driven_as_the_flags_say(void **state)
{
	/* the swapped wire stands for a big-endian kernel */
	assert_int_equal(speaks_legacy(""), !WIRE_LE_SWAP);
	assert_false(speaks_legacy("virtio.flags=0x4"));
	if (!WIRE_LE_SWAP)
		assert_true(speaks_legacy("virtio.flags=0x8"));
}

static void
a_modern_device_is_refused_if_the_flags_forbid_it(void **state)
{
	cmdline_init("virtio.flags=0x8", 16);
	make(&plain);
	sim_attach();
	assert_int_equal(result, -1);
	assert_true(sim_said("1.x only"));
}

static void
a_legacy_device_is_refused_on_the_other_byte_order(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_legacy = vc.vc_nomodern = true;
	make(&vc);
	sim_attach();
	assert_int_equal(result, -1);
	assert_true(sim_said("0.9 only"));
}

/* --- capabilities that lie ----------------------------------------------- */

static uint8_t *
cap(u_int type)
{
	return (sv->sv_pci.sp_conf + sv->sv_cap[type]);
}

static void
assert_no_interface(void)
{
	sim_attach();
	assert_int_equal(result, -1);
	assert_true(sim_said("no usable interface"));
}

static void
a_capability_list_in_a_circle_ends(void **state)
{
	make(&plain);
	cap(3)[1] = sv->sv_cap[1];		/* ISR back to common */
	assert_no_interface();
}

static void
a_circle_behind_what_is_needed_does_no_harm(void **state)
{
	make(&plain);
	cap(5)[1] = sv->sv_cap[1];
	sim_attach();
	assert_attached();
}

static void
a_capability_that_points_at_itself_ends_the_list(void **state)
{
	make(&plain);
	cap(1)[1] = sv->sv_cap[1];
	assert_no_interface();
}

static void
a_capability_outside_of_its_bar_is_not_there(void **state)
{
	static const struct { u_int off; uint32_t v; } lie[] = {
		{ 8, 0x4000 }, { 8, 0x3ff0 }, { 8, 0xffffff00 },
		{ 8, 0xfffffffc }, { 8, 2 }, { 12, 0x10000 },
		{ 12, 0xffffffff }, { 12, 0 }, { 12, 0x37 }, { 4, 6 },
		{ 4, 7 }, { 4, 0xff }, { 4, 3 }
	};
	u_int i;

	for (i = 0; i < nitems(lie); i++) {
		make(&plain);
		if (lie[i].off == 12 && lie[i].v > 0x4000) {
			/* it need not be used to its end */
			sim_put_le(cap(1) + 8, 4, 0x3fd0);
			sim_put_le(cap(1) + 12, 4, lie[i].v);
		} else
			sim_put_le(cap(1) + lie[i].off,
			    lie[i].off == 4 ? 1 : 4, lie[i].v);
		sim_lenient = true;
		sim_attach();
		assert_int_equal(result, -1);
		sim_detach();
		sim_virtio_free(sv);
		sim_lenient = false;
	}
	sv = NULL;
}

static void
a_short_capability_is_not_there(void **state)
{
	make(&plain);
	cap(1)[2] = 8;
	assert_no_interface();
}

static void
the_first_sound_capability_of_a_type_counts(void **state)
{
	uint8_t at;

	make(&plain);
	at = sim_pci_cap(&sv->sv_pci, 0x09, 16);
	memcpy(sv->sv_pci.sp_conf + at + 2, cap(1) + 2, 14);
	cap(1)[4] = 7;
	sim_attach();
	assert_attached();
}

static void
a_notify_offset_outside_is_refused(void **state)
{
	make(&plain);
	sv->sv_vq[1].sq_noff = 0x40;		/* times 4: just behind */
	sim_attach();
	assert_int_not_equal(result, 0);
	assert_null(viotest_vsc);
}

static void
the_last_notify_offset_inside_works(void **state)
{
	make(&plain);
	sv->sv_vq[1].sq_noff = 0x3f;
	sim_attach();
	assert_attached();
}

static void
a_wild_notify_multiplier_is_refused(void **state)
{
	make(&plain);
	sim_put_le(cap(2) + 16, 4, 0xfffffffe);
	sim_attach();
	assert_int_not_equal(result, 0);
	assert_null(viotest_vsc);
}

/* 4.1.4.7 */
static void
a_shared_memory_region_lies_in_its_bar(void **state)
{
	static const struct { uint32_t off, v; u_int width; int error; } lie[] = {
		{ 8, 0x3f00, 4, 0 },		/* the last that fit */
		{ 8, 0x3f01, 4, ENXIO },
		{ 8, 0xffffff00, 4, ENXIO },
		{ 12, 0, 4, ENOENT },
		{ 12, 0x3f01, 4, ENXIO },
		{ 16, 1, 4, ENXIO },
		{ 20, 1, 4, ENXIO },
		{ 4, 6, 1, ENXIO },
		{ 5, 2, 1, ENOENT },		/* another id */
		{ 2, 20, 1, ENOENT },		/* too short for one */
	};
	struct virtio_shm vs;
	uint8_t *p, good[24];
	u_int i;

	make(&plain);
	p = sv->sv_pci.sp_conf + sim_pci_cap(&sv->sv_pci, 0x09, 24);
	p[2] = 24;
	p[3] = 8;
	p[4] = cap(1)[4];
	p[5] = 1;
	sim_put_le(p + 8, 4, 0x100);
	sim_put_le(p + 12, 4, 0x100);
	sim_attach();
	assert_attached();
	memcpy(good, p, sizeof(good));
	assert_int_equal(virtio_shm(viotest_vsc, 1, &vs), 0);
	assert_int_equal(vs.vs_size, 0x100);
	assert_int_equal(vs.vs_addr & 0xfff, 0x100);
	assert_int_equal(virtio_shm(viotest_vsc, 0, &vs), ENOENT);
	for (i = 0; i < nitems(lie); i++) {
		memcpy(p, good, sizeof(good));
		sim_put_le(p + lie[i].off, lie[i].width, lie[i].v);
		assert_int_equal(virtio_shm(viotest_vsc, 1, &vs),
		    lie[i].error);
	}
}

static void
an_msix_table_outside_of_its_bar_is_not_used(void **state)
{
	make(&plain);
	sim_put_le(sv->sv_pci.sp_conf + sv->sv_pci.sp_msix + 4, 4,
	    0xffffff8 | 1);
	sim_attach();
	assert_attached();
	assert_false(sim_pci_msix_on(&sv->sv_pci));
}

static void
capabilities_at_random_do_no_harm(void **state)
{
	u_int i, n, m;

	for (i = 0; i < 400; i++) {
		sim_seed(i + 1);
		make(&plain);
		for (n = 0, m = 1 + sim_random(4); n < m; n++)
			sv->sv_pci.sp_conf[0x34 + sim_random(256 - 0x34)] =
			    sim_random(256);
		sim_lenient = true;
		sim_attach();
		sim_detach();
		sim_virtio_free(sv);
		hosted_init();
		hosted_device = NULL;
	}
	sv = NULL;
}

/* --- failure and removal ------------------------------------------------- */

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		make(&plain);
		result = -1;
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		hosted_fail_at = 0;
		sim_detach();
		sim_virtio_free(sv);
		sv = NULL;
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
	assert_true(n > 5 && n < 500);
	assert_attached();
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	u_int n;

	for (n = 1; n < 5000; n++) {
		make(&plain);
		result = -1;
		sim_gone = false;
		sim_gone_at = n;
		sim_attach();
		if (!sim_gone && viotest_vsc != NULL)
			sim_virtio_changed(sv);
		hosted_run(1000);
		sim_detach();
		sim_virtio_free(sv);
		sv = NULL;
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
		if (sim_gone_at != 0)
			break;
	}
	assert_true(n > 50 && n < 5000);
	sim_gone = false;
	sim_gone_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_goes_up_step_by_step),
#if !WIRE_LE_SWAP
		TEST(status_of_a_legacy_device_has_no_features_ok),
		TEST(a_legacy_queue_size_that_is_no_power_of_two_is_refused),
#else
		TEST(a_legacy_device_is_refused_on_the_other_byte_order),
#endif
		TEST(features_are_those_both_know_and_that_have_what_they_need),
		TEST(a_feature_without_what_it_needs_is_dropped),
		TEST(every_ring_feature_that_exists_is_offered_and_survives),
		TEST(features_unknown_to_the_core_are_not_accepted),
		TEST(a_device_that_refuses_features_ok_is_refused),
		TEST(detach_leaves_the_device_reset),
		TEST(a_reset_that_takes_its_time_is_waited_for),
		TEST(a_reset_that_never_ends_is_given_up),
		TEST(a_device_that_cannot_be_reset_at_detach_loses_the_bus),
		TEST(a_generation_that_moves_a_few_times_is_read_again),
		TEST(a_generation_that_never_stands_still_is_given_up),
		TEST(a_change_of_the_configuration_is_reported),
		TEST(a_change_is_reported_by_the_line_too),
		TEST(without_room_for_it_configuration_reads_as_zero),
		TEST(a_queue_of_size_0_is_refused),
		TEST(a_queue_size_that_is_no_power_of_two_is_used_up_to_one),
		TEST(a_queue_that_is_not_there_is_refused),
		TEST(a_device_that_keeps_its_size_is_used_with_that),
		TEST(a_device_that_answers_with_a_size_that_cannot_be_is_refused),
		TEST(a_queue_of_the_largest_size_works),
		TEST(a_queue_size_above_the_largest_does_no_harm),
		TEST(each_queue_has_its_vector_if_there_are_enough),
		TEST(queues_share_when_there_are_fewer_vectors),
		TEST(without_vectors_the_line_is_used),
		TEST(a_device_that_refuses_vectors_gets_the_line),
		TEST(without_any_interrupt_the_device_is_refused),
		TEST(a_line_that_another_device_raised_is_passed_by),
		TEST(registers_in_an_io_bar_work),
		TEST(registers_behind_the_window_work),
		TEST(without_vectors_the_window_reads_the_isr),
		TEST(a_transitional_device_is_driven_as_the_flags_say),
		TEST(a_modern_device_is_refused_if_the_flags_forbid_it),
		TEST(a_capability_list_in_a_circle_ends),
		TEST(a_circle_behind_what_is_needed_does_no_harm),
		TEST(a_capability_that_points_at_itself_ends_the_list),
		TEST(a_capability_outside_of_its_bar_is_not_there),
		TEST(a_short_capability_is_not_there),
		TEST(the_first_sound_capability_of_a_type_counts),
		TEST(a_shared_memory_region_lies_in_its_bar),
		TEST(a_notify_offset_outside_is_refused),
		TEST(the_last_notify_offset_inside_works),
		TEST(a_wild_notify_multiplier_is_refused),
		TEST(an_msix_table_outside_of_its_bar_is_not_used),
		TEST(capabilities_at_random_do_no_harm),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

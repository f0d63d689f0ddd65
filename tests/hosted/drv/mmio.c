/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio over MMIO: what the transport does with the registers of version 2
 * and of the legacy version 1, and requests through both.
 */

#include "test.h"

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/sysctl.h>

#include <dev/pv/virtio_mmiovar.h>
#include "sim/mmio.h"
#include "sim/nodes.h"
#include "sim/traffic.h"

static struct sim_virtio	*sv;
static struct sim_mmio		*mm;
static struct mutex		 mtx = MUTEX_INITIALIZER(IPL_TTY);
static struct virtqueue		*vqs[SIM_MAXVQ];
static int			 result;	/* of the attach */
static uint16_t			 wish;		/* for the queues' size */
static u_int			 nqueues, nconfig, nused, nback;
static uint8_t			 image[16];
static u_int			 version;	/* of what is tested */
static bool			 running;	/* traffic */
static void			 (*place)(struct device *); /* puts it */

static void	traffic_place(struct device *);

#define F_A	VIRTIO_BIT(0)
#define F_B	VIRTIO_BIT(23)
#define F_C	VIRTIO_BIT(50)
#define F_D	VIRTIO_BIT(63)
#define F_E	VIRTIO_BIT(64)
#define F_F	VIRTIO_BIT(127)
#define F_X	VIRTIO_BIT(100)			/* not in the table */
#define LO(bits)	((uint64_t)(bits))
#define HI(bits)	((uint64_t)((bits) >> 64))

static const struct virtio_feature table[] = {
	{ F_A, 0, 0, "A" }, { F_B, 0, 0, "B" }, { F_C, 0, 0, "C" },
	{ F_D, 0, 0, "D" }, { F_E, 0, 0, "E" }, { F_F, 0, 0, "F" },
};

static void
config_changed(void *arg)
{
	nconfig++;
}

/* A driver that takes what is there, and counts on being told of the rest. */
static void
interrupted(void *arg)
{
	struct virtqueue *vq;
	uint32_t len;
	u_int i;

	nused++;
	for (i = 0; i < nqueues; i++) {
		if ((vq = vqs[i]) == NULL)
			continue;
		mtx_enter(&mtx);
		do {
			while (vq_dequeue(vq, &len) != NULL)
				nback++;
		} while (vq_intr_enable(vq, 0));
		mtx_leave(&mtx);
	}
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
	static const struct virtio_field fields[] = {
		{ 0, 0, 1, 1 }, { 0, 2, 2, 1 }, { 0, 4, 4, 1 },
		{ 0, 8, 8, 1 },
	};
	struct virtqueue_conf vqc[SIM_MAXVQ];
	u_int i;

	for (i = 0; i < nqueues; i++)
		vqc[i] = (struct virtqueue_conf){ .vqc_name = "q",
		    .vqc_index = i, .vqc_size = wish, .vqc_nsegs = 2,
		    .vqc_mtx = &mtx, .vqc_intr = interrupted };
	if ((result = virtio_negotiate(vsc, self, table, nitems(table),
	    0)) != 0 ||
	    (result = virtio_config_read(vsc, fields, nitems(fields),
	    image)) != 0 ||
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

/* Of version 2, or of version 1 with what that can have. */
static struct sim_virtio_conf
plain(void)
{
	struct sim_virtio_conf vc = {
		.vc_devid = SIM_ID_TEST, .vc_nvq = 3,
		.vc_qsize = { 16, 8, 4 }, .vc_cfgsize = 32,
		.vc_features = LO(F_A | F_B),
		.vc_legacy = version == 1, .vc_nomodern = version == 1,
		.vc_when = SIM_LATER,
	};

	return (vc);
}

static int
setup(void **state)
{
	sim_init();
	sim_mainbus_children = sim_mmio_children;
	result = -1;
	version = 2;
	nqueues = 3;
	nconfig = nused = 0;
	wish = 0;
	memset(image, 0, sizeof(image));
	viotest_attach_hook = attach;
	viotest_detach_hook = undo;
	sv = NULL;
	mm = NULL;
	running = false;
	place = traffic_place;
	memset(&traffic, 0, sizeof(traffic));
	return (0);
}

static void
unmake(void)
{
	sim_detach();
	if (mm != NULL)
		sim_mmio_free(mm);
	if (sv != NULL)
		sim_virtio_free(sv);
	sv = NULL;
	mm = NULL;
	result = -1;
	nconfig = nused = 0;
}

static int
teardown(void **state)
{
	if (running)
		traffic_end();
	unmake();
	return (sim_fini());
}

static void
make(const struct sim_virtio_conf *vc)
{
	static const uint8_t widths[32] = {
		[0] = 1, [1] = 1, [2] = 2, [4] = 4, [8] = 4, [12] = 4,
		[18] = 2, [20] = 4, [24] = 4, [28] = 4
	};

	sv = sim_virtio_new(vc);
	mm = sim_mmio_new(sv, version);
	mm->mm_widths = widths;
	mm->mm_nwidths = nitems(widths);
	sim_config_put(sv, 0, 4, 0x04030201);
	sim_config_put(sv, 4, 4, 0x08070605);
	sim_config_put(sv, 8, 8, 0x100f0e0d0c0b0a09);
}

static void
make_plain(void)
{
	struct sim_virtio_conf vc = plain();

	make(&vc);
}

static void
assert_attached(void)
{
	if (viotest_vsc == NULL)
		print_message("%s", hosted_console());
	assert_non_null(viotest_vsc);
	assert_int_equal(result, 0);
}

static void
assert_refused(int error)
{
	assert_null(viotest_vsc);
	assert_int_equal(result, error);
}

/* The versions that this kernel drives, one after the other. */
#define OLDEST		(WIRE_LE_SWAP ? 2U : 1U)
#define EACH_VERSION							\
	for (version = 2; version >= OLDEST; unmake(), version--)

/* --- is there a device?  4.2.3.1.1 ---------------------------------------- */

static bool
probe(void)
{
	return (virtio_mmio_probe(&sim_mmio_bus, mm->mm_addr, mm->mm_size));
}

static void
a_device_is_found(void **state)
{
	make_plain();
	assert_true(probe());
	assert_int_equal(mm->mm_mapped, 0);
	sim_attach();
	assert_attached();
	assert_true(sim_said("virtio0 at mainbus0"));
	assert_int_equal(sv->sv_pci.sp_nlate, 0);
}

static void
another_magic_value_is_no_device(void **state)
{
	static const uint32_t bad[] = { 0, 0x76697274, 0x74726977,
	    UINT32_MAX };
	u_int i;

	make_plain();
	for (i = 0; i < nitems(bad); i++) {
		mm->mm_magic = bad[i];
		assert_false(probe());
	}
	sim_attach();
	assert_int_equal(result, -1);
	assert_false(sim_said("virtio0"));
}

/* "MUST abort initialization and MUST NOT access any other register" */
static void
a_place_without_a_device_is_passed_by_in_silence(void **state)
{
	make_plain();
	mm->mm_devid = 0;
	assert_false(probe());
	sim_attach();
	assert_int_equal(result, -1);
	assert_false(sim_said("virtio0"));
	assert_false(sim_said("mmio"));
}

static void
an_unknown_version_is_not_driven(void **state)
{
	static const uint32_t bad[] = { 3, 4, 0x100, 0x02000000,
	    0x80000000 };
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		make_plain();
		mm->mm_version = bad[i];
		sim_attach();
		assert_int_equal(result, -1);
		assert_true(sim_said("unknown version"));
		/* and not touched */
		assert_int_equal(sv->sv_nstatus, 0);
		assert_int_equal(mm->mm_mapped, 0);
		unmake();
	}
	make_plain();
	mm->mm_version = 0;
	assert_false(probe());
}

static void
a_place_too_small_for_the_registers_is_none(void **state)
{
	static const uint64_t bad[] = { 0, 4, 0xff, 0x100 };
	u_int i;

	make_plain();
	for (i = 0; i < nitems(bad); i++) {
		mm->mm_size = bad[i];
		assert_false(probe());
	}
	assert_int_equal(sv->sv_pci.sp_naccess, 0);
	/* who does not ask is refused */
	mm->mm_noprobe = true;
	for (i = 1; i < nitems(bad); i++) {
		mm->mm_size = bad[i];
		sim_attach();
		assert_int_equal(result, -1);
		assert_int_equal(mm->mm_mapped, 0);
		sim_detach();
	}
	/* a place where nothing is */
	mm->mm_size = 0x10000;
	assert_false(probe());
	sim_attach();
	assert_int_equal(result, -1);
}

static void
flags_forbid_version_2(void **state)
{
	cmdline_init("virtio.flags=0x8", 16);
	make_plain();
	sim_attach();
	assert_int_equal(result, -1);
	assert_true(sim_said("1.x only"));
	assert_int_equal(sv->sv_nstatus, 0);
}

static void
version_1_is_refused_on_the_other_byte_order(void **state)
{
	version = 1;
	make_plain();
	sim_attach();
	assert_int_equal(result, -1);
	assert_true(sim_said("0.9 only"));
	assert_int_equal(sv->sv_nstatus, 0);
}

/* --- the handshake ------------------------------------------------------- */

static void
assert_statuses(u_int want, const uint8_t *v)
{
	u_int i, n;

	/* after the last reset */
	for (n = sv->sv_nstatus; n > 0 && sv->sv_statuses[n - 1] != 0; n--)
		;
	assert_int_equal(sv->sv_nstatus - n, want);
	for (i = 0; i < want; i++)
		assert_int_equal(sv->sv_statuses[n + i], v[i]);
}

static void
status_goes_up_step_by_step(void **state)
{
	make_plain();
	sim_attach();
	assert_attached();
	assert_statuses(4, (const uint8_t []){ 1, 3, 11, 15 });
}

static void
status_of_version_1_has_no_features_ok(void **state)
{
	version = 1;
	make_plain();
	sim_attach();
	assert_attached();
	assert_statuses(3, (const uint8_t []){ 1, 3, 7 });
	assert_true(sv->sv_uselegacy);
	assert_int_equal(sv->sv_features, LO(F_A | F_B));
}

static void
features_of_all_four_words(void **state)
{
	struct sim_virtio_conf vc = plain();

	vc.vc_features = LO(F_A | F_B | F_C | F_D);
	vc.vc_features_hi = HI(F_E | F_F | F_X);
	make(&vc);
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_features & LO(F_A | F_B | F_C | F_D),
	    LO(F_A | F_B | F_C | F_D));
	assert_int_equal(sv->sv_features_hi, HI(F_E | F_F));
	assert_true(virtio_has(viotest_vsc, F_C | F_D | F_E | F_F));
	assert_true(virtio_offered(viotest_vsc, F_X));
	assert_false(virtio_has(viotest_vsc, F_X));
}

static void
features_of_one_word_alone(void **state)
{
	struct sim_virtio_conf vc = plain();
	u_int i;

	for (i = 0; i < nitems(table); i++) {
		vc.vc_features = LO(table[i].vf_bit);
		vc.vc_features_hi = HI(table[i].vf_bit);
		make(&vc);
		sim_attach();
		assert_attached();
		assert_true(virtio_has(viotest_vsc, table[i].vf_bit));
		assert_int_equal(sv->sv_features & LO(F_A | F_B | F_C | F_D),
		    LO(table[i].vf_bit));
		assert_int_equal(sv->sv_features_hi, HI(table[i].vf_bit));
		unmake();
	}
}

/* Those of another transport, and those that nobody knows, are not. */
static void
features_that_mmio_cannot_have_are_not_accepted(void **state)
{
	struct sim_virtio_conf vc = plain();

	vc.vc_features = UINT64_MAX;
	vc.vc_features_hi = UINT64_MAX - 2;
	make(&vc);
	sim_attach();
	assert_attached();
	assert_false(virtio_has(viotest_vsc, VIRTIO_F_NOTIF_CONFIG_DATA));
	assert_int_equal(sv->sv_features >> 41 & 1, 0);
	assert_int_equal(sv->sv_features_hi, HI(F_E | F_F));
}

static void
without_version_1_0_a_device_of_version_2_is_refused(void **state)
{
	make_plain();
	sv->sv_offered &= ~(1ULL << 32);
	sim_attach();
	assert_refused(ENXIO);
}

static void
a_device_that_refuses_features_ok_is_refused(void **state)
{
	make_plain();
	sv->sv_refuse_ok = true;
	sim_attach();
	assert_refused(ENXIO);
	assert_true(sim_said("viotest0"));
}

/* --- reset and detach ---------------------------------------------------- */

static void
detach_leaves_the_device_reset(void **state)
{
	u_int i;

	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		for (i = 0; i < 3; i++)
			assert_true(sv->sv_vq[i].sq_enabled);
		sim_detach();
		assert_int_equal(sv->sv_status, 0);
		for (i = 0; i < 3; i++)
			assert_false(sv->sv_vq[i].sq_enabled);
		assert_int_equal(mm->mm_mapped, 0);
		assert_int_equal(sim_nsegs, 0);
	}
}

static void
a_device_can_be_attached_again(void **state)
{
	u_int i;

	EACH_VERSION {
		make_plain();
		for (i = 0; i < 3; i++) {
			sim_attach();
			assert_attached();
			sim_detach();
		}
	}
}

static void
a_reset_that_takes_its_time_is_waited_for(void **state)
{
	EACH_VERSION {
		make_plain();
		sv->sv_resetpolls = 20;
		sim_attach();
		assert_attached();
	}
}

static void
a_reset_that_never_ends_is_given_up(void **state)
{
	uint64_t start;

	EACH_VERSION {
		start = nsecuptime();
		make_plain();
		sv->sv_resetpolls = ~0U;
		sim_attach();
		assert_null(viotest_vsc);
		assert_int_not_equal(result, 0);
		assert_true(nsecuptime() - start < 60 * NSEC_PER_SEC);
	}
}

static void
a_device_that_cannot_be_reset_at_detach_is_left(void **state)
{
	uint64_t start;

	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		sv->sv_resetpolls = ~0U;
		start = nsecuptime();
		sim_detach();
		assert_true(nsecuptime() - start < 60 * NSEC_PER_SEC);
		assert_int_equal(mm->mm_mapped, 0);
		assert_int_equal(hosted_nallocs, 0);
		sv->sv_resetleft = 0;
	}
}

/* --- configuration ------------------------------------------------------- */

static void
fields_have_their_width_and_order(void **state)
{
	EACH_VERSION {
		memset(image, 0, sizeof(image));
		make_plain();
		sim_attach();
		assert_attached();
		assert_int_equal(image[0], 0x01);
		assert_int_equal(*(uint16_t *)(image + 2), 0x0403);
		assert_int_equal(*(uint32_t *)(image + 4), 0x08070605);
		assert_int_equal(*(uint64_t *)(image + 8),
		    0x100f0e0d0c0b0a09);
	}
}

static void
a_field_is_written_with_its_width(void **state)
{
	static const struct virtio_field fields[] = {
		{ 0, 1, 1, 1 }, { 0, 18, 2, 1 }, { 0, 20, 4, 1 },
		{ 0, 24, 8, 1 },
	};
	uint8_t out[32];

	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		out[1] = 0xa1;
		*(uint16_t *)(out + 18) = 0xb2b1;
		*(uint32_t *)(out + 20) = 0xc4c3c2c1;
		*(uint64_t *)(out + 24) = 0xd8d7d6d5d4d3d2d1;
		assert_int_equal(virtio_config_write(viotest_vsc, fields,
		    nitems(fields), out), 0);
		assert_int_equal(sv->sv_config[0], 0x01);
		assert_int_equal(sv->sv_config[1], 0xa1);
		assert_int_equal(sv->sv_config[2], 0x03);
		assert_memory_equal(sv->sv_config + 18, "\xb1\xb2"
		    "\xc1\xc2\xc3\xc4\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8", 14);
	}
}

static void
a_generation_that_moves_a_few_times_is_read_again(void **state)
{
	make_plain();
	sv->sv_genmoves = 5;
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_genmoves, 0);
}

static void
a_generation_that_never_stands_still_is_given_up(void **state)
{
	make_plain();
	sv->sv_restless = true;
	sim_attach();
	assert_refused(EIO);
}

/* Version 1 has none, and nobody looks for it. */
static void
without_a_generation_the_configuration_is_read_too(void **state)
{
	version = 1;
	make_plain();
	sv->sv_restless = true;
	sim_attach();
	assert_attached();
}

static void
what_is_beyond_the_registers_reads_as_zero(void **state)
{
	EACH_VERSION {
		memset(image, 0xff, sizeof(image));
		make_plain();
		mm->mm_size = 0x104;
		sim_attach();
		assert_attached();
		assert_int_equal(image[0], 0x01);
		assert_int_equal(*(uint32_t *)(image + 4), 0);
		assert_int_equal(*(uint64_t *)(image + 8), 0);
	}
}

/* --- interrupts ---------------------------------------------------------- */

static void
a_change_of_the_configuration_is_told_and_acknowledged(void **state)
{
	u_int i;

	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		for (i = 1; i <= 3; i++) {
			sim_virtio_changed(sv);
			hosted_run(1000);
			assert_int_equal(nconfig, i);
			assert_int_equal(sv->sv_isr, 0);
			assert_int_equal(mm->mm_nack, i);
		}
		assert_int_equal(nused, 0);
	}
}

/* One bit for all of the queues. */
static void
used_buffers_are_told_to_every_queue(void **state)
{
	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		nused = 0;
		sim_vq_interrupt(&sv->sv_vq[1]);
		hosted_run(1000);
		assert_int_equal(nused, 3);
		assert_int_equal(nconfig, 0);
		assert_int_equal(sv->sv_isr, 0);
	}
}

static void
both_causes_at_once_are_both_told(void **state)
{
	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		nused = 0;
		sim_virtio_changed(sv);
		sim_vq_interrupt(&sv->sv_vq[0]);
		hosted_run(1000);
		assert_int_equal(nconfig, 1);
		assert_int_equal(nused, 3);
		assert_int_equal(sv->sv_isr, 0);
	}
}

/* "MUST ignore undefined bits", "MUST NOT set any of the undefined bits" */
static void
bits_that_mean_nothing_are_left_alone(void **state)
{
	EACH_VERSION {
		make_plain();
		mm->mm_isr = 0xfffffffc;
		sim_attach();
		assert_attached();
		sim_virtio_changed(sv);
		hosted_run(1000);
		assert_int_equal(nconfig, 1);
		assert_int_equal(sv->sv_isr, 0);
	}
}

/* A line that somebody else has raised: looked at, nothing acknowledged. */
static void
a_line_that_another_device_raised_is_passed_by(void **state)
{
	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		mm->mm_nisr = mm->mm_nack = 0;
		hosted_irq_raise(mm->mm_irq);
		hosted_run(1000);
		assert_true(mm->mm_nisr > 0);
		assert_int_equal(mm->mm_nack, 0);
		assert_int_equal(nconfig, 0);
	}
}

/* Only what was read is acknowledged; and the line is low at the end. */
static void
what_happens_while_it_is_asked_is_not_lost(void **state)
{
	static const u_int more[] = { 1, 5, 15, 16, 17, 1000 };
	u_int i;

	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		for (i = 0; i < nitems(more); i++) {
			nused = 0;
			mm->mm_more = more[i];
			sim_virtio_changed(sv);
			hosted_run(1000);
			assert_int_equal(mm->mm_more, 0);
			assert_int_equal(sv->sv_isr, 0);
			assert_true(nconfig > i);
			assert_true(nused >= 3);
		}
	}
}

static void
request(struct virtqueue *vq, const struct dmamem *dm)
{
	VQ_SG_DECL(sg, 1, &md_dma);

	assert_int_equal(vq_sg_in_mem(&sg, dm, 0, 8), 0);
	assert_int_equal(vq_enqueue(vq, vq, &sg), 0);
	vq_notify(vq);
}

static void
answer(struct sim_virtio *v, struct sim_chain *ch)
{
	sim_chain_done(ch, 8);
}

/*
 * What the device uses up to the acknowledgement goes with it; so the queues
 * are looked at behind it.
 */
static void
what_is_used_before_the_acknowledgement_is_found(void **state)
{
	struct sim_virtio_conf vc;
	struct dmamem dm;
	u_int i;

	EACH_VERSION {
		assert_int_equal(dmamem_alloc(&dm, &md_dma, 64, 64, 0), 0);
		vc = plain();
		vc.vc_when = SIM_BY_HAND;
		vc.vc_request = answer;
		make(&vc);
		sim_attach();
		assert_attached();
		nback = 0;
		for (i = 1; i < 4; i++) {
			/* the interrupt waits meanwhile */
			mtx_enter(&mtx);
			request(vqs[0], &dm);
			(void)sim_virtio_run(sv);
			request(vqs[0], &dm);
			mm->mm_eager = i;
			mtx_leave(&mtx);
			hosted_run(1000);
			mm->mm_eager = 0;
			assert_int_equal(nback, 2 * i);
			assert_int_equal(sv->sv_isr, 0);
		}
		sim_detach();
		dmamem_free(&dm);
	}
}

static void
what_has_gone_is_not_asked(void **state)
{
	u_int n;

	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		n = sv->sv_pci.sp_naccess;
		config_gone(sim_mainbus);
		sv->sv_isr = 1;
		hosted_irq_raise(mm->mm_irq);
		hosted_run(1000);
		assert_int_equal(sv->sv_pci.sp_naccess, n);
		/* nor afterwards */
		sim_detach();
		assert_int_equal(sv->sv_pci.sp_naccess, n);
	}
}

static void
without_an_interrupt_there_is_no_device(void **state)
{
	u_int n;

	/* the only thing in all of the attach that fails with ENXIO */
	for (n = 1; n < 100; n++) {
		make_plain();
		result = -1;
		hosted_fail_at = n;
		sim_attach();
		hosted_fail_at = 0;
		if (result == ENXIO)
			break;
		unmake();
	}
	assert_int_equal(result, ENXIO);
	assert_true(sim_said("no interrupt"));
}

/* --- queues -------------------------------------------------------------- */

static void
queues_are_where_and_as_large_as_they_are_said_to_be(void **state)
{
	u_int i;

	EACH_VERSION {
		make_plain();
		sim_attach();
		assert_attached();
		for (i = 0; i < 3; i++) {
			assert_true(sv->sv_vq[i].sq_enabled);
			assert_int_equal(sv->sv_vq[i].sq_size, vq_size(vqs[i]));
			assert_int_equal(sv->sv_vq[i].sq_size, 16 >> i);
			/* 64 bits of address */
			assert_true(sv->sv_vq[i].sq_desc > UINT32_MAX ||
			    sim_nsegs < 16);
		}
	}
}

static void
a_queue_of_size_0_is_refused(void **state)
{
	struct sim_virtio_conf vc;

	EACH_VERSION {
		vc = plain();
		vc.vc_qsize[1] = 0;
		make(&vc);
		sim_attach();
		assert_refused(ENXIO);
		assert_true(sim_said("viotest0"));
	}
}

static void
a_queue_that_is_not_there_is_refused(void **state)
{
	struct sim_virtio_conf vc;

	EACH_VERSION {
		vc = plain();
		vc.vc_nvq = 2;
		make(&vc);
		sim_attach();
		assert_refused(ENXIO);
	}
}

static void
queue_sizes_of_more_than_16_bits_are_refused(void **state)
{
	static const uint32_t bad[] = { 0x8001, 0xffff, 0x10000, 0x10008,
	    0x80000000, 0x80000010, UINT32_MAX };
	u_int i;

	EACH_VERSION {
		for (i = 0; i < nitems(bad); i++) {
			make_plain();
			mm->mm_max = bad[i];
			sim_attach();
			assert_refused(ENXIO);
			unmake();
		}
	}
}

static void
a_queue_size_that_is_no_power_of_two_is_used_up_to_one(void **state)
{
	struct sim_virtio_conf vc = plain();

	vc.vc_qsize[1] = 12;
	make(&vc);
	sim_attach();
	assert_attached();
	assert_int_equal(sv->sv_vq[1].sq_size, 8);
}

/* Since it may not be: nothing tells. */
static void
a_short_queue_is_not_made_shorter(void **state)
{
	struct sim_virtio_conf vc = plain();

	wish = 16;
	vc.vc_qsize[0] = 256;
	vc.vc_qsize[1] = 512;
	make(&vc);
	mm->mm_keeps = true;
	vc.vc_nvq = nqueues = 1;
	sim_attach();
	assert_attached();
	assert_int_equal(vq_size(vqs[0]), 256);
}

static void
a_long_queue_is_as_short_as_the_driver_wishes(void **state)
{
	struct sim_virtio_conf vc = plain();

	wish = 16;
	vc.vc_qsize[0] = 512;
	make(&vc);
	sim_attach();
	assert_attached();
	assert_int_equal(vq_size(vqs[0]), 16);
	assert_int_equal(sv->sv_vq[0].sq_size, 16);
}

static void
a_queue_of_the_largest_size_works(void **state)
{
	struct sim_virtio_conf vc = plain();

	vc.vc_qsize[0] = 32768;
	make(&vc);
	sim_attach();
	assert_attached();
}

/* 4.2.3.2: "expect a returned value of zero" */
static void
a_queue_that_is_ready_at_first_is_refused(void **state)
{
	EACH_VERSION {
		make_plain();
		mm->mm_inuse = true;
		sim_attach();
		assert_refused(EIO);
		assert_true(sim_said("viotest0"));
	}
}

/* It is not asked whether it became ready; nothing is answered, that is all. */
static void
a_queue_that_does_not_become_ready_does_no_harm(void **state)
{
	EACH_VERSION {
		make_plain();
		mm->mm_deaf = true;
		sim_lenient = true;	/* it is told of a queue that is off */
		sim_attach();
		sim_detach();
		assert_int_equal(sim_nsegs, 0);
		sim_lenient = false;
	}
}

/* --- requests ------------------------------------------------------------ */

static void
traffic_place(struct device *mainbus)
{
	mm = sim_mmio_new(traffic.tr_sv, version);
	sim_mmio_children(mainbus);
}

static void
traffic_begin(uint64_t features, uint16_t size)
{
	struct sim_virtio_conf vc = plain();

	vc.vc_features = features;
	vc.vc_qsize[0] = size;
	vc.vc_random_order = true;
	sim_mainbus_children = place;
	traffic_start(&vc, MIN(size, 4), 0);
	running = true;
	if (traffic.tr_error != 0 || traffic.tr_vq == NULL)
		fail_msg("%s", hosted_console());
}

static void
traffic_over(void)
{
	traffic_end();
	running = false;
	sim_mmio_free(mm);
	mm = NULL;
}

static void
goes_on(u_int n)
{
	traffic.tr_back = 0;
	traffic_run(n);
	assert_int_equal(traffic.tr_back, n);
	assert_int_equal(traffic.tr_wrong, 0);
	assert_int_equal(traffic.tr_lost, 0);
}

static const uint64_t ring_features[] = {
	VIRTIO_F_RING_PACKED, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX,
	VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA, VIRTIO_F_RING_RESET,
};

static void
requests_with_every_set_of_ring_features(void **state)
{
	uint64_t features;
	u_int i, k;

	for (i = 0; i < 1U << nitems(ring_features); i++) {
		features = 0;
		for (k = 0; k < nitems(ring_features); k++) {
			if (i >> k & 1)
				features |= ring_features[k];
		}
		sim_seed(i + 1);
		traffic_begin(features, 16);
		assert_true(virtio_has(traffic.tr_vsc, features));
		goes_on(100);
		traffic_over();
	}
}

static void
requests_by_version_1(void **state)
{
	static const uint16_t size[] = { 1, 2, 8, 64, 256, 1024 };
	u_int i, k;

	version = 1;
	for (i = 0; i < nitems(size); i++) {
		for (k = 0; k < 4; k++) {
			sim_seed(4 * i + k + 1);
			traffic_begin((k & 1 ? VIRTIO_F_INDIRECT_DESC : 0) |
			    (k & 2 ? VIRTIO_F_EVENT_IDX : 0), size[i]);
			assert_int_equal(vq_size(traffic.tr_vq), size[i]);
			goes_on(200);
			traffic_over();
		}
	}
}

/* What is used between question and acknowledgement is found all the same. */
static void
requests_that_end_while_it_is_asked(void **state)
{
	u_int k;

	EACH_VERSION {
		for (k = 0; k < 12; k++) {
			sim_seed(k + 1);
			traffic_begin((k & 1 ? VIRTIO_F_EVENT_IDX : 0) |
			    (k & 2 && version == 2 ? VIRTIO_F_RING_PACKED :
			    0), 16);
			mm->mm_eager = 1 + k / 4;
			goes_on(300);
			traffic_over();
		}
	}
}

/* A line of which only the rise is told, and causes that overlap. */
static bool	line_high;

static bool
line_look(void)
{
	struct sim_virtio *v = traffic.tr_sv;
	bool high = v != NULL && v->sv_isr != 0, rises = high && !line_high;

	if (rises)
		hosted_irq_raise(mm->mm_irq);
	line_high = high;
	return (rises);
}

static int
line_device(void)
{
	int any;

	(void)line_look();
	any = sim_virtio_runall();
	return (line_look() || any);
}

static void
line_step(void)
{
	(void)line_look();
	sim_step();
	(void)line_look();
}

static void
line_place(struct device *mainbus)
{
	mm = sim_mmio_new(traffic.tr_sv, version);
	mm->mm_irq = 20;		/* not the one that has a level */
	sim_mmio_children(mainbus);
}

static void
requests_by_a_line_that_tells_only_its_rise(void **state)
{
	u_int i;

	EACH_VERSION {
		place = line_place;
		line_high = false;
		hosted_device = line_device;
		hosted_step_fn = line_step;
		traffic_begin(0, 16);
		for (i = 0; i < 30; i++) {
			mm->mm_more = i % 5;
			goes_on(20);
		}
		assert_int_equal(traffic.tr_sv->sv_isr, 0);
		traffic_over();
	}
}

static void
requests_while_the_configuration_changes(void **state)
{
	u_int i;

	EACH_VERSION {
		traffic_begin(0, 16);
		for (i = 0; i < 50; i++) {
			sim_virtio_changed(traffic.tr_sv);
			goes_on(10);
		}
		traffic_over();
	}
}

static void
a_device_that_needs_a_reset_gets_one(void **state)
{
	traffic_begin(0, 16);
	goes_on(50);
	sim_virtio_needs_reset(traffic.tr_sv);
	hosted_run(NSEC_PER_SEC);
	assert_int_equal(traffic.tr_resumed, 1);
	assert_int_equal(traffic.tr_sv->sv_nresets, 2);
	goes_on(50);
}

static void
a_reset_can_be_asked_for(void **state)
{
	u_int i;

	EACH_VERSION {
		traffic_begin(0, 16);
		for (i = 1; i <= 5; i++) {
			goes_on(50);
			assert_int_equal(sysctl_write("hw.virtio.0.control",
			    "reset"), 0);
			assert_int_equal(traffic.tr_resumed, i);
		}
		goes_on(50);
		traffic_over();
	}
}

static void
a_queue_can_be_reset_by_itself(void **state)
{
	u_int k;

	for (k = 0; k < 4; k++) {
		traffic_begin(VIRTIO_F_RING_RESET |
		    (k & 1 ? VIRTIO_F_RING_PACKED : 0), 16);
		traffic.tr_sv->sv_queueresetpolls = k & 2 ? 3 : 0;
		goes_on(50);
		assert_int_equal(sysctl_write("hw.virtio.0.control",
		    "reset test"), 0);
		assert_int_equal(traffic.tr_sv->sv_nqueueresets, 1);
		goes_on(50);
		/* and the device was not */
		assert_int_equal(traffic.tr_sv->sv_nresets, 1);
		traffic_over();
	}
}

static void
a_queue_whose_reset_does_not_end_has_the_device_reset(void **state)
{
	traffic_begin(VIRTIO_F_RING_RESET, 16);
	traffic.tr_sv->sv_queueresetpolls = ~0U;
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset test"),
	    ETIMEDOUT);
	hosted_run(NSEC_PER_SEC);
	assert_int_equal(traffic.tr_resumed, 1);
	goes_on(50);
	traffic_over();
}

/* Reset is over, and yet it is ready: that is not enough. */
static void
a_queue_that_stays_ready_is_given_up(void **state)
{
	traffic_begin(VIRTIO_F_RING_RESET, 16);
	goes_on(50);
	mm->mm_inuse = true;
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset test"),
	    ETIMEDOUT);
	/* nor will it work again */
	hosted_run(100 * NSEC_PER_SEC);
	assert_true(sim_said("cannot be set up"));
	assert_true(traffic.tr_gone > 0);
	traffic_over();
}

static void
disk_io(void)
{
	static uint8_t out[70000], in[70000];
	struct cdev *cd;
	size_t done;
	u_int i;

	if ((cd = node_open("vioblk0", FREAD | FWRITE)) == NULL)
		fail_msg("%s", hosted_console());
	for (i = 0; i < sizeof(out); i++)
		out[i] = i * 13 + (i >> 8) + version;
	assert_int_equal(node_rdwr(cd, UIO_WRITE, out, sizeof(out), 12345, 0,
	    &done), 0);
	assert_int_equal(done, sizeof(out));
	assert_int_equal(node_rdwr(cd, UIO_READ, in, sizeof(in), 12345, 0,
	    &done), 0);
	assert_int_equal(done, sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(dev_fsync(cd), 0);
	node_close(cd, FREAD | FWRITE);
}

static void
a_disk(void **state)
{
	struct sim_virtio_conf vc;
	struct sim_blk *bk;

	EACH_VERSION {
		vc = (struct sim_virtio_conf){ .vc_when = SIM_LATER,
		    .vc_features = 1ULL << 2 | 1ULL << 6 | 1ULL << 9,
		    .vc_legacy = version == 1, .vc_nomodern = version == 1 };
		bk = sim_blk_new(&vc, 1 << 20);
		sim_config_put(bk->bk_sv, 12, 4, 30);
		sim_config_put(bk->bk_sv, 20, 4, 512);
		mm = sim_mmio_new(bk->bk_sv, version);
		sim_attach();
		disk_io();
		assert_true(bk->bk_nread > 0 && bk->bk_nwrite > 0 &&
		    bk->bk_nflush > 0);
		sim_detach();
		sim_mmio_free(mm);
		mm = NULL;
		sim_blk_free(bk);
	}
}

static void
entropy(void **state)
{
	struct sim_virtio_conf vc;
	static uint8_t buf[5000];
	struct sim_rnd *rn;
	struct cdev *cd;
	uint64_t from;
	size_t done, i;

	EACH_VERSION {
		vc = (struct sim_virtio_conf){ .vc_when = SIM_LATER,
		    .vc_legacy = version == 1, .vc_nomodern = version == 1 };
		rn = sim_rnd_new(&vc);
		mm = sim_mmio_new(rn->rn_sv, version);
		sim_attach();
		if ((cd = node_open("hwrng", FREAD)) == NULL)
			fail_msg("%s", hosted_console());
		hosted_run(1000000);
		from = rn->rn_given;
		assert_int_equal(node_rdwr(cd, UIO_READ, buf, sizeof(buf), 0,
		    0, &done), 0);
		assert_int_equal(done, sizeof(buf));
		for (i = 0; i < sizeof(buf); i++)
			assert_int_equal(buf[i], sim_rnd_byte(from + i));
		node_close(cd, FREAD);
		sim_detach();
		sim_mmio_free(mm);
		mm = NULL;
		sim_rnd_free(rn);
	}
}

/* Each has its place and its line. */
static void
several_devices(void **state)
{
	struct sim_virtio_conf vc = { .vc_when = SIM_LATER,
	    .vc_features = 1ULL << 9 };
	struct sim_mmio *place[4];
	struct sim_blk *bk[3];
	u_int i;

	for (i = 0; i < 3; i++) {
		bk[i] = sim_blk_new(&vc, 1 << 20);
		place[i] = sim_mmio_new(bk[i]->bk_sv, 2);
	}
	/* one of the places is empty */
	make_plain();
	mm->mm_devid = 0;
	sim_attach();
	disk_io();
	for (i = 0; i < 3; i++)
		assert_true(place[i]->mm_mapped > 0);
	assert_false(sim_said("virtio3"));
	sim_detach();
	for (i = 0; i < 3; i++) {
		sim_mmio_free(place[i]);
		sim_blk_free(bk[i]);
	}
}

/* --- lies ---------------------------------------------------------------- */

static struct sim_virtio *liar;
static void	(*next_step)(void);

static void
mischief(void)
{
	if (liar != NULL && sim_random(10) == 0)
		sim_lie(liar, SIM_LIE_ANY);
}

static void
mischief_step(void)
{
	if (liar != NULL && sim_random(600) == 0)
		sim_lie(liar, SIM_LIE_ANY);
	next_step();
}

static int
mischief_idle(void)
{
	mischief();
	return (sim_virtio_runall());
}

static void
lying_traffic(uint64_t seed)
{
	struct sim_virtio_conf vc;
	u_int k;

	hosted_init();			/* the console is not endless */
	hosted_step_fn = mischief_step;
	hosted_device = mischief_idle;
	sim_seed(seed);
	version = WIRE_LE_SWAP || sim_random(3) ? 2 : 1;
	vc = plain();
	vc.vc_features = 0;
	for (k = 0; k < nitems(ring_features); k++) {
		if (sim_random(2))
			vc.vc_features |= ring_features[k];
	}
	vc.vc_when = sim_random(2) ? SIM_LATER : SIM_AT_ONCE;
	vc.vc_qsize[0] = 1U << sim_random(7);
	traffic.tr_hostile = true;
	traffic.tr_want = 40;
	traffic.tr_mischief = mischief;
	sim_mainbus_children = traffic_place;
	traffic_start(&vc, 1 + sim_random(MIN(vc.vc_qsize[0], 4)), 0);
	running = true;
	traffic.tr_patience = 1;
	if (traffic.tr_error == 0 && traffic.tr_vq != NULL) {
		liar = traffic.tr_sv;
		mm->mm_garbage = sim_random(3) ? 0 : 1 + sim_random(60);
		mm->mm_isr = sim_random(4) ? 0 : sim_random(~0U);
		traffic_run(100);
	}
	hosted_run(1000000);
	if (sim_random(2))
		liar = NULL;
	traffic_end();
	running = false;
	liar = NULL;
	sim_mmio_free(mm);
	mm = NULL;
	if (hosted_nallocs != 0 || sim_nsegs != 0 || sim_nmaps != 0)
		fail_msg("seed %u: something was left", (u_int)seed);
}

static void
lies_do_no_harm(void **state)
{
	u_int i;

	sim_lenient = true;
	next_step = hosted_step_fn;
	for (i = 0; i < 400; i++)
		lying_traffic(i + 1);
}

static void
registers_of_rubbish_do_no_harm(void **state)
{
	struct sim_virtio_conf vc;
	u_int i;

	sim_lenient = true;
	viotest_attach_hook = NULL;
	viotest_detach_hook = NULL;
	for (i = 0; i < 400; i++) {
		hosted_init();
		hosted_device = mischief_idle;
		sim_seed(i + 1);
		version = 1 + sim_random(2);
		vc = plain();
		vc.vc_devid = 2 + sim_random(3);
		make(&vc);
		mm->mm_noprobe = sim_random(2);
		mm->mm_garbage = 1 + sim_random(60);
		mm->mm_inuse = sim_random(8) == 0;
		mm->mm_deaf = sim_random(8) == 0;
		if (sim_random(4) == 0)
			mm->mm_max = sim_random(~0U);
		sim_attach();
		hosted_run(1000000);
		unmake();
		assert_int_equal(hosted_nallocs, 0);
		assert_int_equal(sim_nsegs, 0);
	}
}

/* --- failure and removal ------------------------------------------------- */

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	EACH_VERSION {
		for (n = 1; n < 500; n++) {
			make_plain();
			result = -1;
			hosted_fail_at = n;
			sim_attach();
			if (hosted_fail_at != 0)
				break;
			unmake();
			assert_int_equal(hosted_nallocs, 0);
			assert_int_equal(sim_nsegs, 0);
		}
		hosted_fail_at = 0;
		assert_true(n > 5 && n < 500);
		assert_attached();
	}
}

static void
the_device_may_vanish_at_any_access(void **state)
{
	u_int n;

	EACH_VERSION {
		for (n = 1; n < 5000; n++) {
			make_plain();
			result = -1;
			sim_gone = false;
			sim_gone_at = n;
			sim_attach();
			if (!sim_gone && viotest_vsc != NULL)
				sim_virtio_changed(sv);
			hosted_run(1000);
			sim_detach();
			unmake();
			assert_int_equal(hosted_nallocs, 0);
			assert_int_equal(sim_nsegs, 0);
			if (sim_gone_at != 0)
				break;
		}
		assert_true(n > 30 && n < 5000);
		sim_gone = false;
		sim_gone_at = 0;
	}
}

static void
the_disk_may_vanish_at_any_access(void **state)
{
	static uint8_t buf[3000];
	struct sim_virtio_conf vc = { .vc_when = SIM_LATER };
	struct sim_blk *bk;
	struct cdev *cd;
	u_int n;

	EACH_VERSION {
		vc.vc_legacy = vc.vc_nomodern = version == 1;
		for (n = 1; n < 3000; n++) {
			sim_gone = false;
			bk = sim_blk_new(&vc, 1 << 20);
			mm = sim_mmio_new(bk->bk_sv, version);
			sim_gone_at = n;
			sim_attach();
			cd = node_open("vioblk0", FREAD | FWRITE);
			if (cd != NULL) {
				(void)node_rdwr(cd, UIO_READ, buf,
				    sizeof(buf), 100, 0, NULL);
				(void)node_rdwr(cd, UIO_WRITE, buf,
				    sizeof(buf), 100, 0, NULL);
				node_close(cd, FREAD | FWRITE);
			}
			sim_detach();
			sim_mmio_free(mm);
			mm = NULL;
			sim_blk_free(bk);
			hosted_run(1000);
			assert_int_equal(hosted_nallocs, 0);
			if (sim_gone_at != 0)
				break;
		}
		assert_true(n > 30 && n < 3000);
		sim_gone = false;
		sim_gone_at = 0;
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_is_found),
		TEST(another_magic_value_is_no_device),
		TEST(a_place_without_a_device_is_passed_by_in_silence),
		TEST(an_unknown_version_is_not_driven),
		TEST(a_place_too_small_for_the_registers_is_none),
		TEST(flags_forbid_version_2),
#if WIRE_LE_SWAP
		TEST(version_1_is_refused_on_the_other_byte_order),
#else
		TEST(status_of_version_1_has_no_features_ok),
		TEST(without_a_generation_the_configuration_is_read_too),
		TEST(requests_by_version_1),
#endif
		TEST(status_goes_up_step_by_step),
		TEST(features_of_all_four_words),
		TEST(features_of_one_word_alone),
		TEST(features_that_mmio_cannot_have_are_not_accepted),
		TEST(without_version_1_0_a_device_of_version_2_is_refused),
		TEST(a_device_that_refuses_features_ok_is_refused),
		TEST(detach_leaves_the_device_reset),
		TEST(a_device_can_be_attached_again),
		TEST(a_reset_that_takes_its_time_is_waited_for),
		TEST(a_reset_that_never_ends_is_given_up),
		TEST(a_device_that_cannot_be_reset_at_detach_is_left),
		TEST(fields_have_their_width_and_order),
		TEST(a_field_is_written_with_its_width),
		TEST(a_generation_that_moves_a_few_times_is_read_again),
		TEST(a_generation_that_never_stands_still_is_given_up),
		TEST(what_is_beyond_the_registers_reads_as_zero),
		TEST(a_change_of_the_configuration_is_told_and_acknowledged),
		TEST(used_buffers_are_told_to_every_queue),
		TEST(both_causes_at_once_are_both_told),
		TEST(bits_that_mean_nothing_are_left_alone),
		TEST(a_line_that_another_device_raised_is_passed_by),
		TEST(what_happens_while_it_is_asked_is_not_lost),
		TEST(what_is_used_before_the_acknowledgement_is_found),
		TEST(what_has_gone_is_not_asked),
		TEST(without_an_interrupt_there_is_no_device),
		TEST(queues_are_where_and_as_large_as_they_are_said_to_be),
		TEST(a_queue_of_size_0_is_refused),
		TEST(a_queue_that_is_not_there_is_refused),
		TEST(queue_sizes_of_more_than_16_bits_are_refused),
		TEST(a_queue_size_that_is_no_power_of_two_is_used_up_to_one),
		TEST(a_short_queue_is_not_made_shorter),
		TEST(a_long_queue_is_as_short_as_the_driver_wishes),
		TEST(a_queue_of_the_largest_size_works),
		TEST(a_queue_that_is_ready_at_first_is_refused),
		TEST(a_queue_that_does_not_become_ready_does_no_harm),
		TEST(requests_with_every_set_of_ring_features),
		TEST(requests_that_end_while_it_is_asked),
		TEST(requests_by_a_line_that_tells_only_its_rise),
		TEST(requests_while_the_configuration_changes),
		TEST(a_device_that_needs_a_reset_gets_one),
		TEST(a_reset_can_be_asked_for),
		TEST(a_queue_can_be_reset_by_itself),
		TEST(a_queue_whose_reset_does_not_end_has_the_device_reset),
		TEST(a_queue_that_stays_ready_is_given_up),
		TEST(a_disk),
		TEST(entropy),
		TEST(several_devices),
		TEST(lies_do_no_harm),
		TEST(registers_of_rubbish_do_no_harm),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(the_device_may_vanish_at_any_access),
		TEST(the_disk_may_vanish_at_any_access),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Units that come and go while they are used, or have another size. */

#include "test.h"

#include <sys/aio.h>
#include <sys/thread.h>

#include "sim/scsinode.h"

/* --- units that come and go ---------------------------------------------- */

static void
a_disk_that_is_plugged_in_appears(void **state)
{
	ready();
	sim_lu_plug(sh, 5, 0, SIM_DISK, 77, 512, true);
	hosted_run(10 * SEC);
	assert_int_equal(size_of(1), 77 * 512);
	assert_true(sim_said("sd1 at scsibus0 targ 5 lun 0:"));
	sim_lu_plug(sh, 5, 300, SIM_DISK, 78, 512, true);
	hosted_run(10 * SEC);
	assert_int_equal(size_of(2), 78 * 512);
	sim_lu_plug(sh, 6, 1, SIM_CDROM, 78, 2048, true);
	hosted_run(10 * SEC);
	assert_true(there("cd0"));
	assert_int_equal(rd(65536, 4096, NULL), 0);
}

static void
a_disk_that_is_pulled_out_vanishes(void **state)
{
	make();
	lu = disk(0, 0, 4096);
	disk(1, 0, 77);
	disk(1, 3, 78);
	attach();
	sim_lu_unplug(sim_lu_find(sh, 1, 3), true);
	hosted_run(10 * SEC);
	assert_true(there("sd1"));
	assert_false(there("sd2"));
	sim_lu_unplug(sim_lu_find(sh, 1, 0), true);
	hosted_run(10 * SEC);
	assert_false(there("sd1"));
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
what_was_pulled_out_can_come_back(void **state)
{
	u_int i;

	make();
	disk(0, 0, 4096);
	attach();
	for (i = 0; i < 5; i++) {
		sim_lu_plug(sh, 5, i, SIM_DISK, 77 + i, 512, true);
		hosted_run(10 * SEC);
		assert_int_equal(size_of(1), (77 + i) * 512);
		sim_lu_unplug(sim_lu_find(sh, 5, i), true);
		hosted_run(10 * SEC);
		assert_false(there("sd1"));
	}
}

static void
an_open_disk_that_has_gone_is_enxio(void **state)
{
	ready();
	sim_lu_unplug(lu, true);
	hosted_run(10 * SEC);
	assert_int_equal(rd(65536, 512, NULL), ENXIO);
	assert_int_equal(wr(65536, 512, NULL), ENXIO);
	assert_false(there("sd0"));
}

static void
a_disk_that_went_without_a_word_is_an_error(void **state)
{
	int error;

	make();
	lu = disk(0, 0, 4096);
	disk(0, 1, 4096);
	attach();
	sim_lu_unplug(lu, false);
	/* 25/00 from a target that is still there */
	error = rd(65536, 512, NULL);
	assert_true(error == ENXIO || error == EIO);
	sim_lu_unplug(sim_lu_find(sh, 0, 1), false);
	/* BAD_TARGET */
	error = rd(65536, 512, NULL);
	assert_true(error == ENXIO || error == EIO);
}

static void
an_event_for_unit_0_is_about_the_whole_target(void **state)
{
	uint8_t addr[8];

	make();
	lu = disk(0, 0, 4096);
	attach();
	sim_scsi_lun(addr, 4, 0);
	sim_lu_plug(sh, 4, 3, SIM_DISK, 77, 512, false);
	sim_lu_plug(sh, 4, 5, SIM_DISK, 78, 512, false);
	(void)sim_scsi_event(sh, SIM_EV_RESET, addr, SIM_EV_RESCAN);
	hosted_run(10 * SEC);
	assert_true(there("sd2"));
	sim_lu_unplug(sim_lu_find(sh, 4, 3), false);
	sim_lu_unplug(sim_lu_find(sh, 4, 5), false);
	(void)sim_scsi_event(sh, SIM_EV_RESET, addr, SIM_EV_REMOVED);
	hosted_run(10 * SEC);
	assert_false(there("sd1"));
	assert_false(there("sd2"));
}

static void
removal_of_unit_0_leaves_the_others(void **state)
{
	make();
	disk(4, 0, 77);
	disk(4, 1, 78);
	sim_attach();
	hosted_run(10 * SEC);
	sim_lu_unplug(sim_lu_find(sh, 4, 0), true);
	hosted_run(10 * SEC);
	assert_false(there("sd0"));
	assert_int_equal(size_of(1), 78 * 512);
}

static void
lost_events_lead_to_a_scan(void **state)
{
	u_int i;

	make();
	lu = disk(0, 0, 4096);
	disk(1, 0, 4096);
	attach();
	sim_lu_unplug(sim_lu_find(sh, 1, 0), true);
	for (i = 0; i < 40; i++)
		sim_lu_plug(sh, 2 + i, i, SIM_DISK, 100, 512, true);
	assert_true(sh->sh_nlost > 0);
	hosted_run(60 * SEC);
	assert_int_equal(count_disks(100), 41);
	assert_int_equal(rd(65536, 4096, NULL), 0);
}

static void
what_an_attention_tells_is_found_out(void **state)
{
	/* 3f/0e, and the event was never sent */
	make();
	lu = disk(0, 0, 4096);
	attach();
	sim_lu_plug(sh, 0, 7, SIM_DISK, 77, 512, false);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	hosted_run(10 * SEC);
	assert_int_equal(size_of(1), 77 * 512);
}

static void
a_hard_reset_changes_nothing(void **state)
{
	uint8_t addr[8];

	ready();
	sim_scsi_lun(addr, 0, 0);
	sim_lu_attention(lu, 0x29, 0x00);
	(void)sim_scsi_event(sh, SIM_EV_RESET, addr, SIM_EV_HARD);
	hosted_run(10 * SEC);
	assert_true(there("sd0"));
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
without_the_features_no_events_are_needed(void **state)
{
	conf.vc_features &= ~(SIM_SCSI_F_HOTPLUG | SIM_SCSI_F_CHANGE);
	rw_begin();
	rw_end(20);
}

static void
pulled_out_while_reads_are_on_their_way(void **state)
{
	static const u_int says[] = { SIM_R_FAILURE, SIM_R_BAD_TARGET,
	    SIM_R_RESET, SIM_R_ABORTED, SIM_R_TRANSPORT_FAILURE };
	u_int k;

	for (k = 0; k < nitems(says); k++) {
		ready();
		sh->sh_removed = says[k];
		sh->sh_hold = true;
		readers_start(NREADER);
		hosted_run(1000000);
		assert_true(sim_scsi_nheld(sh) > 0);
		sh->sh_hold = false;
		sim_lu_unplug(lu, true);
		lu = NULL;
		readers_join();
		assert_true(rd_error == ENXIO || rd_error == EIO);
		hosted_run(10 * SEC);
		assert_false(there("sd0"));
		clean();
	}
}

static void
disks_come_and_go_under_load(void **state)
{
	struct thread *td[NTHREAD];
	u_int i;

	conf.vc_random_order = true;
	rw_begin();
	attach();
	for (i = 0; i < NTHREAD; i++) {
		worker[i] = (struct worker){ .n = i, .rounds = 15,
		    .cd = node };
		assert_int_equal(kthread_create(work, &worker[i], PRI_KERN,
		    "work", &td[i]), 0);
	}
	for (i = 0; i < 10; i++) {
		sim_lu_plug(sh, 3 + i % 2, i, SIM_DISK, 100, 512, true);
		hosted_run(1000000);
		sim_lu_unplug(sim_lu_find(sh, 3 + i % 2, i), i & 1);
		hosted_run(1000000);
	}
	for (i = 0; i < NTHREAD; i++) {
		kthread_join(td[i]);
		assert_int_equal(worker[i].error, 0);
	}
}

/* Of what could not be asked nobody knows that it has gone. */
static void
a_scan_that_fails_removes_nothing(void **state)
{
	static const struct {
		enum sim_what	what;
		uint32_t	arg;
	} how[] = {
		{ SIM_WITH_SENSE, 0 }, { SIM_WITH_STATUS, SIM_BUSY },
		{ SIM_WITH_STATUS, SIM_TASK_SET_FULL },
		{ SIM_WITH_STATUS, SIM_CONFLICT },
		{ SIM_WITH_RESPONSE, SIM_R_FAILURE },
		{ SIM_WITH_RESPONSE, SIM_R_BUSY },
		{ SIM_WITH_RESPONSE, SIM_R_TRANSPORT_FAILURE },
		{ SIM_CUT, 0 }, { SIM_CUT, 7 },
		{ SIM_STUCK, 0 },
	};
	uint8_t addr[8];
	u_int i;

	for (i = 0; i < nitems(how); i++) {
		make();
		lu = disk(3, 0, 4096);
		disk(3, 1, 4096);
		attach();
		sim_scsi_inject(sh, &(struct sim_inject){ .in_op = 0xa0,
		    .in_times = SIM_ALL, .in_what = how[i].what, .in_key = 4,
		    .in_asc = 0x44, .in_arg = how[i].arg });
		sim_scsi_lun(addr, 3, 0);
		(void)sim_scsi_event(sh, SIM_EV_RESET, addr, SIM_EV_RESCAN);
		hosted_run(200 * SEC);
		(void)sim_scsi_event(sh, SIM_EV_MISSED, NULL, 0);
		hosted_run(200 * SEC);
		assert_true(sim_scsi_injected(sh) > 0);
		if (!there("sd0") || !there("sd1"))
			fail_msg("%u: removed", i);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
a_scan_without_memory_removes_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		make();
		lu = disk(3, 0, 4096);
		disk(3, 1, 4096);
		sim_scsi_set(sh, SIM_SCSI_MAX_TARGET, 5);
		attach();
		hosted_fail_at = n;
		(void)sim_scsi_event(sh, SIM_EV_MISSED, NULL, 0);
		hosted_run(60 * SEC);
		if (hosted_fail_at != 0)
			break;
		if (!there("sd0") || !there("sd1"))
			fail_msg("%u: removed", n);
		clean();
	}
	assert_true(n > 1 && n < 500);
	hosted_fail_at = 0;
}

/* What was cached of the old one, its size, its name: nothing is left. */
static void
another_disk_in_its_place_is_seen(void **state)
{
	u_int lun;

	for (lun = 0; lun < 2; lun++) {
		make();
		lu = disk(3, lun, 4096);
		attach();
		assert_int_equal(rd(0, 4096, NULL), 0);
		sim_lu_unplug(lu, true);
		lu = sim_lu_plug(sh, 3, lun, SIM_DISK, 8192, 512, true);
		lu->lu_salt = 77;
		snprintf(lu->lu_serial, sizeof(lu->lu_serial), "the-other");
		hosted_run(60 * SEC);
		node_close(node, nodeflags);
		node = node_open("sd0", nodeflags);
		if (node == NULL)
			node = node_open("sd1", nodeflags);
		assert_non_null(node);
		assert_int_equal(dev_size(node), 8192 * 512);
		assert_int_equal(rd(0, 4096, NULL), 0);
		assert_data(0, 4096);
		clean();
	}
}

/* --- capacity ------------------------------------------------------------ */

static void
an_event_tells_of_a_new_capacity(void **state)
{
	u_int lines;

	ready();
	lines = lines_with("sd0");
	sim_lu_resize(lu, 8192, true, false);
	hosted_run(10 * SEC);
	assert_int_equal(dev_size(node), 8192 * 512);
	assert_true(lines_with("sd0") > lines);
	assert_int_equal(rd(8191 * 512, 512, NULL), 0);
	assert_data(8191 * 512, 512);
	assert_string_equal(sysctl_text("hw.sd0.size"), "4194304");
}

static void
an_attention_tells_of_a_new_capacity(void **state)
{
	ready();
	sim_lu_resize(lu, 8192, false, true);
	assert_int_equal(rd(0, 512, NULL), 0);
	hosted_run(10 * SEC);
	assert_int_equal(dev_size(node), 8192 * 512);
}

static void
event_and_attention_together_are_one_change(void **state)
{
	u_int lines;

	ready();
	lines = lines_with("sd0");
	sim_lu_resize(lu, 8192, true, true);
	hosted_run(10 * SEC);
	assert_int_equal(rd(0, 512, NULL), 0);
	hosted_run(10 * SEC);
	assert_int_equal(dev_size(node), 8192 * 512);
	assert_int_equal(lines_with("sd0"), lines + 1);
}

static void
a_disk_may_become_smaller(void **state)
{
	size_t done;

	ready();
	sim_lu_resize(lu, 1000, true, true);
	hosted_run(10 * SEC);
	assert_int_equal(dev_size(node), 1000 * 512);
	assert_int_equal(rd(1000 * 512, 512, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(rd(999 * 512, 512, &done), 0);
	assert_int_equal(done, 512);
}

/* --- every failure ------------------------------------------------------- */

static void
every_failure_of_hotplug_is_no_more_than_that(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		ready();
		hosted_fail_at = n;
		sim_lu_plug(sh, 3, 0, SIM_DISK, 100, 512, true);
		hosted_run(10 * SEC);
		sim_lu_unplug(sim_lu_find(sh, 3, 0), true);
		hosted_run(10 * SEC);
		if (hosted_fail_at != 0)
			break;
		/* what there was no memory for is found out later */
		(void)sim_scsi_event(sh, SIM_EV_MISSED, NULL, 0);
		hosted_run(10 * SEC);
		assert_false(there("sd1"));
		assert_int_equal(rd(65536, 4096, NULL), 0);
		clean();
		assert_nothing_left();
	}
	assert_true(n > 5 && n < 500);
	hosted_fail_at = 0;
}

/* --- media that come and go ----------------------------------------------- */

static void
removable(void)
{
	make();
	lu = disk(0, 0, 4096);
	lu->lu_removable = true;
	attach();
}

/* Not even if it is as large, and nobody has told of it. */
static void
what_is_for_one_medium_is_not_for_the_next(void **state)
{
	u_int before;

	removable();
	fill(4096);
	assert_int_equal(wr(65536, 4096, NULL), 0);
	before = lu->lu_nwrite;
	sim_lu_insert(lu, 4096, 99);
	assert_int_equal(wr(65536, 4096, NULL), EIO);
	assert_int_equal(lu->lu_nwrite, before);
	/* somebody has looked */
	hosted_run(10 * SEC);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
	assert_int_equal(wr(65536, 4096, NULL), 0);
}

static void
disk_table(uint8_t slot)
{
	static uint8_t block[512];

	memset(block, 0, sizeof(block));
	block[446 + 16 * slot + 4] = 0x83;
	block[446 + 16 * slot + 8] = 10;
	block[446 + 16 * slot + 12] = 100;
	block[510] = 0x55;
	block[511] = 0xaa;
	sim_lu_write(lu, 0, block, sizeof(block));
}

/* The one who opens it hears of the other medium, and nobody else does. */
static void
a_medium_of_the_same_size_has_its_own_partitions(void **state)
{
	removable();
	node_close(node, nodeflags);
	disk_table(0);
	sim_lu_insert(lu, 4096, 99);
	disk_table(1);
	nodeflags = FREAD;
	node = node_open("sd0", nodeflags);
	assert_non_null(node);
	assert_true(there("sd0p2"));
	assert_false(there("sd0p1"));
}

/* Nothing of the one before is taken for it. */
static void
a_medium_that_makes_no_sense_is_none(void **state)
{
	u_int i;

	removable();
	node_close(node, nodeflags);
	node = NULL;
	sim_lu_insert(lu, 1000, 99);
	lu->lu_blksize = 2352;
	for (i = 0; i < 10; i++)
		assert_null(node_open("sd0", FREAD));
	assert_int_equal(size_of(0), 0);
	assert_int_equal(lines_with("block size is not usable"), 1);
	sim_lu_insert(lu, 1000, 77);
	lu->lu_blksize = 512;
	nodeflags = FREAD;
	node = node_open("sd0", nodeflags);
	assert_non_null(node);
	assert_int_equal(size_of(0), 512000);
	assert_int_equal(rd(4096, 4096, NULL), 0);
	assert_data(4096, 4096);
}

/* A block of zeroes is one of the medium that is there now. */
static void
a_medium_with_larger_blocks_is_zeroed(void **state)
{
	u_int i;

	removable();
	node_close(node, nodeflags);
	sim_lu_insert(lu, 1000, 99);
	lu->lu_blksize = 4096;
	node = node_open("sd0", nodeflags);
	assert_non_null(node);
	ioarg[0] = 65536;
	ioarg[1] = 262144;
	assert_int_equal(io(BLKZEROOUT, ioarg), 0);
	assert_int_equal(rd(65536, 262144, NULL), 0);
	for (i = 0; i < 262144; i++)
		assert_int_equal(buf[i], 0);
	assert_data(65536, 262144);
}

/* --- the end of many ------------------------------------------------------ */

#define NAIO	400
static struct {
	struct aioreq	 r;
	struct iovec	 iov;
} aio[NAIO];
static u_int		 aio_nended;
static struct thread	*aio_thread;
static uintptr_t	 aio_first, aio_deep;

static void
aio_ended(struct aioreq *ar)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	aio_nended++;
	if (aio_thread != curthread)
		aio_first = here;
	aio_thread = curthread;
	if (aio_first > here)
		aio_deep = MAX(aio_deep, aio_first - here);
}

/* The adapter has failed: one ends the next one, but not within itself. */
static void
many_that_wait_end_one_behind_the_other(void **state)
{
	struct aiolist list = TAILQ_HEAD_INITIALIZER(list);
	u_int i;

	make();
	lu = disk(0, 0, 4096);
	sim_scsi_set(sh, SIM_SCSI_CMD_PER_LUN, 1);
	attach();
	memset(aio, 0, sizeof(aio));
	aio_nended = 0;
	aio_deep = 0;
	aio_thread = NULL;
	sh->sh_hold = true;
	for (i = 0; i < NAIO; i++) {
		aio[i].iov = (struct iovec){ buf + 512 * i, 512 };
		aio[i].r.ar_op = AIO_READ;
		aio[i].r.ar_uio = (struct uio){ .uio_iov = &aio[i].iov,
		    .uio_iovcnt = 1, .uio_offset = 4096 * i,
		    .uio_resid = 512, .uio_segflg = UIO_SYSSPACE,
		    .uio_rw = UIO_READ };
		aio[i].r.ar_done = aio_ended;
		TAILQ_INSERT_TAIL(&list, &aio[i].r, ar_link);
	}
	dev_aio(node, &list);
	assert_true(TAILQ_EMPTY(&list));
	config_gone(sim_mainbus);
	hosted_run(500 * SEC);
	assert_int_equal(aio_nended, NAIO);
	assert_true(aio_deep < 16384);
	sim_scsi_forget(sh);
	sh->sh_hold = false;
}

#define TEST(fn)	{ #fn, fn }

static const struct test tests[] = {
	TEST(a_disk_that_is_plugged_in_appears),
	TEST(a_disk_that_is_pulled_out_vanishes),
	TEST(what_was_pulled_out_can_come_back),
	TEST(an_open_disk_that_has_gone_is_enxio),
	TEST(a_disk_that_went_without_a_word_is_an_error),
	TEST(an_event_for_unit_0_is_about_the_whole_target),
	TEST(removal_of_unit_0_leaves_the_others),
	TEST(lost_events_lead_to_a_scan),
	TEST(what_an_attention_tells_is_found_out),
	TEST(a_hard_reset_changes_nothing),
	TEST(without_the_features_no_events_are_needed),
	TEST(pulled_out_while_reads_are_on_their_way),
	TEST(disks_come_and_go_under_load),
	TEST(a_scan_that_fails_removes_nothing),
	TEST(a_scan_without_memory_removes_nothing),
	TEST(another_disk_in_its_place_is_seen),
	TEST(an_event_tells_of_a_new_capacity),
	TEST(an_attention_tells_of_a_new_capacity),
	TEST(event_and_attention_together_are_one_change),
	TEST(a_disk_may_become_smaller),
	TEST(every_failure_of_hotplug_is_no_more_than_that),
	TEST(what_is_for_one_medium_is_not_for_the_next),
	TEST(a_medium_of_the_same_size_has_its_own_partitions),
	TEST(a_medium_that_makes_no_sense_is_none),
	TEST(a_medium_with_larger_blocks_is_zeroed),
	TEST(many_that_wait_end_one_behind_the_other),
};

int
main(int argc, char **argv)
{
	return (run_both(tests, nitems(tests), argc > 1 ? argv[1] : NULL));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioscsi(4), scsibus(4) and sd(4) against a simulated host: what is found,
 * and what programs and administrators see of it.
 */

#include "test.h"

#include "sim/scsinode.h"

/* --- what is found ------------------------------------------------------- */

static void
each_device_has_its_line(void **state)
{
	make();
	lu = disk(0, 0, 4096);
	sim_lu_name(lu, "ACME", "Turbo 3000", "2.1b");
	sim_lu_new(sh, 1, 0, SIM_CDROM, 500, 2048);
	sim_attach();
	hosted_run(10 * SEC);
	assert_true(sim_said("vioscsi0 at virtio0: 256 targets, 16384 LUNs, "
	    "1 queue\n"));
	assert_true(sim_said("scsibus0 at vioscsi0: "));
	assert_true(sim_said("sd0 at scsibus0 targ 0 lun 0: <ACME, Turbo 3000"
	    ", 2.1b>, 2 MB, 512 bytes/sector\n"));
	assert_true(sim_said("cd0 at scsibus0 targ 1 lun 0: <SIM, MEMORY CD, "
	    "0001>"));
}

static void
a_host_without_units_is_attached(void **state)
{
	make();
	sim_attach();
	hosted_run(10 * SEC);
	assert_true(sim_said("scsibus0 at vioscsi0"));
	assert_false(sim_said("sd0"));
	assert_false(there("sd0"));
}

static void
what_nothing_drives_is_not_configured(void **state)
{
	static const u_int types[] = { SIM_TAPE, SIM_PROCESSOR, 0x0c, 0x0d };
	u_int i;

	make();
	for (i = 0; i < nitems(types); i++)
		sim_lu_new(sh, 2 + i, 0, types[i], 1, 512);
	disk(9, 0, 100);
	sim_attach();
	hosted_run(10 * SEC);
	assert_int_equal(lines_with("not configured"), nitems(types));
	assert_true(there("sd0"));
	assert_false(there("sd1"));
}

/* Peripheral qualifier 001b: it could be there, and is not. */
static void
a_unit_that_is_not_connected_is_no_disk(void **state)
{
	make();
	disk(1, 0, 100)->lu_qualifier = true;
	sim_attach();
	hosted_run(10 * SEC);
	assert_false(there("sd0"));
}

static void
units_of_all_targets_are_found(void **state)
{
	u_int i;

	make();
	for (i = 0; i < 256; i++)
		disk(i, 0, 64 + i);
	sim_attach();
	hosted_run(60 * SEC);
	for (i = 0; i < 256; i++)
		assert_int_equal(size_of(i), (64 + i) * 512);
}

static void
all_units_of_a_target_are_found(void **state)
{
	u_int i;

	make();
	for (i = 0; i < 150; i++)
		disk(7, i * 3, 64 + i);
	sim_attach();
	hosted_run(60 * SEC);
	for (i = 0; i < 150; i++)
		assert_int_equal(size_of(i), (64 + i) * 512);
}

static void
a_target_may_begin_with_any_unit(void **state)
{
	static const u_int luns[] = { 1, 5, 255, 256, 300, 16383 };
	char text[80];
	u_int i;

	for (i = 0; i < nitems(luns); i++) {
		make();
		lu = disk(3, luns[i], 4096);
		attach();
		snprintf(text, sizeof(text),
		    "sd0 at scsibus0 targ 3 lun %u:", luns[i]);
		assert_true(sim_said(text));
		assert_int_equal(rd(0, 8192, NULL), 0);
		assert_data(0, 8192);
		clean();
	}
}

static void
without_report_luns_there_is_unit_0(void **state)
{
	make();
	disk(3, 0, 4096)->lu_without = SIM_NO_REPORT_LUNS;
	attach();
	assert_int_equal(rd(0, 8192, NULL), 0);
}

static void
targets_beyond_the_last_are_not_asked(void **state)
{
	make();
	sim_scsi_set(sh, SIM_SCSI_MAX_TARGET, 1);
	disk(1, 0, 4096);
	attach();
	assert_true(sim_said("2 targets"));
	assert_true(sh->sh_nstray <= 4);
}

static void
bytes_that_cannot_be_printed_are_not_in_the_line(void **state)
{
	make();
	sim_lu_name(disk(0, 0, 4096), "A\033[2J", "B\n\377\200C", "1\t");
	attach();
	assert_false(sim_said("\033"));
	assert_false(sim_said("\377"));
	assert_false(sim_said("B\n"));
}

static void
a_disk_that_becomes_ready_is_waited_for(void **state)
{
	make();
	disk(0, 0, 4096)->lu_readyat = hosted_now + 5 * SEC;
	attach();
	assert_int_equal(dev_size(node), 4096 * 512);
	assert_int_equal(rd(0, 8192, NULL), 0);
}

static void
a_disk_that_was_stopped_is_started_or_left_alone(void **state)
{
	make();
	disk(0, 0, 4096)->lu_stopped = true;
	sim_attach();
	hosted_run(120 * SEC);
	if ((node = node_open("sd0", FREAD)) != NULL) {
		nodeflags = FREAD;
		(void)rd(0, 512, NULL);
	}
}

/* --- geometry ------------------------------------------------------------ */

static void
geometry(uint32_t blksize, uint64_t nblocks, u_int without)
{
	static uint64_t size;
	static uint32_t v;
	uint64_t end = nblocks * blksize;

	make();
	lu = sim_lu_new(sh, 0, 0, SIM_DISK, nblocks, blksize);
	lu->lu_blank = nblocks > 100000;
	lu->lu_without = without;
	attach();
	assert_int_equal(dev_size(node), end);
	assert_int_equal(io(BLKGETSIZE64, &size), 0);
	assert_int_equal(size, end);
	assert_int_equal(io(BLKSSZGET, &v), 0);
	assert_int_equal(v, blksize);
	fill(3 * blksize);
	assert_int_equal(wr(end - 3 * blksize - 17, 3 * blksize, NULL), 0);
	assert_data(end - 3 * blksize - 17, 3 * blksize);
	assert_int_equal(rd(end - 3 * blksize - 17, 3 * blksize, NULL), 0);
	assert_data(end - 3 * blksize - 17, 3 * blksize);
	assert_int_equal(lu->lu_nrange, 0);
	clean();
}

static void
blocks_of_each_size_are_used(void **state)
{
	uint32_t size;

	for (size = 512; size <= 65536; size *= 2)
		geometry(size, 1000, 0);
}

static void
large_disks_are_used_to_their_end(void **state)
{
	/* what READ (10) and READ CAPACITY (10) can and cannot say */
	geometry(512, 0xffffffffULL, 0);
	geometry(512, 0x100000000ULL, 0);
	geometry(512, 0x100000001ULL, 0);
	geometry(512, 0x100000100ULL, 0);
	geometry(4096, 0x123456789aULL, 0);
}

static void
a_disk_that_knows_only_short_commands_is_used(void **state)
{
	geometry(512, 5000, SIM_NO_RC16 | SIM_NO_RW16 | SIM_NO_SYNC16 |
	    SIM_NO_VPD);
	geometry(512, 0xfffffff0ULL, SIM_NO_RC16 | SIM_NO_RW16);
}

static void
a_disk_without_pages_is_used(void **state)
{
	geometry(512, 5000, SIM_NO_VPD | SIM_NO_MODE);
	geometry(512, 5000, SIM_NO_MODE6);
	geometry(512, 5000, SIM_NO_MODE10);
}

static void
the_physical_block_is_told(void **state)
{
	static uint32_t v;

	make();
	disk(0, 0, 4096)->lu_pbexp = 3;
	attach();
	assert_int_equal(io(BLKPBSZGET, &v), 0);
	assert_int_equal(v, 4096);
}

static void
serial_number_and_size_are_told(void **state)
{
	make();
	lu = disk(0, 0, 4096);
	snprintf(lu->lu_serial, sizeof(lu->lu_serial), "WX-0123456789");
	attach();
	assert_string_equal(sysctl_text("hw.sd0.serial"), "WX-0123456789");
	assert_string_equal(sysctl_text("hw.sd0.size"), "2097152");
}

static void
a_block_size_that_cannot_be_is_no_disk(void **state)
{
	static const uint32_t bad[] = { 0, 1, 3, 256, 513, 520, 0x80000000 };
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		make();
		(void)sim_lu_new(sh, 0, 0, SIM_DISK, 1000, bad[i]);
		disk(1, 0, 77);
		sim_attach();
		hosted_run(60 * SEC);
		if (node_size("sd0") == 77 * 512)
			assert_false(there("sd1"));
		else
			assert_int_equal(size_of(1), 77 * 512);
		clean();
	}
}

/* --- data ---------------------------------------------------------------- */

static void
what_is_written_is_read_back_at_any_offset(void **state)
{
	rw_begin();
	rw_end(150);
}

static void
the_same_with_every_habit_of_the_device(void **state)
{
	u_int i;

	for (i = 0; i < 16; i++) {
		conf.vc_features &= ~(F_INDIRECT | F_EVENT_IDX);
		conf.vc_features |= (i & 1 ? F_INDIRECT : 0) |
		    (i & 2 ? F_EVENT_IDX : 0);
		conf.vc_random_order = i & 4;
		conf.vc_suppress = i & 3;
		conf.vc_when = i & 8 ? SIM_AT_ONCE : SIM_LATER;
		conf.vc_nvec = i % 5;
		rw_begin();
		sh->sh_shortused = i & 1;
		rw_end(25);
	}
}

static void
the_same_with_queues_of_each_size(void **state)
{
	u_int size;

	conf.vc_nvq = 3;
	for (size = 4; size <= 1024; size *= 2) {
		conf.vc_qsize[2] = size;
		conf.vc_qsize[0] = conf.vc_qsize[1] = MIN(size, 64);
		conf.vc_features ^= F_INDIRECT;
		rw_begin();
		rw_end(25);
	}
}

static void
the_same_with_several_queues(void **state)
{
	u_int n;

	for (n = 2; n <= SIM_MAXVQ - 2; n++) {
		conf.vc_nvq = 2 + n;
		rw_begin();
		rw_end(20);
	}
}

static void
queues_that_are_told_of_and_not_there_are_not_used(void **state)
{
	rw_begin();
	sim_scsi_set(sh, SIM_SCSI_NUM_QUEUES, 4);
	sim_attach();
	hosted_run(10 * SEC);
	if ((node = node_open("sd0", FREAD | FWRITE)) != NULL)
		read_and_write(10);
	else
		assert_true(sim_said("vioscsi0"));
}

static void
the_same_on_a_legacy_device(void **state)
{
	if (WIRE_LE_SWAP || packed)
		skip();
	conf.vc_legacy = conf.vc_nomodern = true;
	conf.vc_nvec = 0;
	rw_begin();
	sh->sh_fullused = true;
	rw_end(50);
	conf.vc_nvec = 4;
	conf.vc_features |= 1ULL << 27;		/* ANY_LAYOUT */
	rw_begin();
	rw_end(50);
}

static void
no_more_segments_than_allowed(void **state)
{
	static const u_int most[] = { 1, 2, 3, 7, 126, 1000, ~0U };
	u_int i;

	for (i = 0; i < nitems(most); i++) {
		rw_begin();
		sim_scsi_set(sh, SIM_SCSI_SEG_MAX, most[i]);
		rw_end(20);
	}
}

static void
no_more_sectors_than_wanted(void **state)
{
	static const u_int most[] = { 8, 9, 64, 500, 65535 };
	u_int i;

	for (i = 0; i < nitems(most); i++) {
		rw_begin();
		sim_scsi_set(sh, SIM_SCSI_MAX_SECTORS, most[i]);
		attach();
		read_and_write(20);
		assert_true(sh->sh_mostdata <= 512ULL * most[i]);
		clean();
	}
}

static void
no_more_blocks_than_the_disk_takes(void **state)
{
	static const u_int most[] = { 1, 8, 13, 255, 2048 };
	u_int i;

	for (i = 0; i < nitems(most); i++) {
		rw_begin();
		lu->lu_maxxfer = most[i];
		rw_end(15);
	}
}

static void
threads_do_not_get_in_each_others_way(void **state)
{
	conf.vc_random_order = true;
	rw_begin();
	attach();
	work_together(20);
	assert_true(lu->lu_most > 1);
}

static void
no_more_commands_at_once_than_allowed(void **state)
{
	static const u_int most[] = { 1, 2, 5 };
	u_int i;

	conf.vc_nvq = 5;
	for (i = 0; i < nitems(most); i++) {
		rw_begin();
		sim_scsi_set(sh, SIM_SCSI_CMD_PER_LUN, most[i]);
		attach();
		work_together(6);
		assert_true(lu->lu_most <= most[i]);
		clean();
	}
}

/* --- ends ---------------------------------------------------------------- */

static void
at_the_end_a_read_is_short(void **state)
{
	size_t done;

	make();
	lu = disk(0, 0, 2048);
	attach();
	assert_int_equal(rd((1 << 20) - 100, 1000, &done), 0);
	assert_int_equal(done, 100);
	assert_int_equal(rd(1 << 20, 1000, &done), 0);
	assert_int_equal(done, 0);
}

static void
at_the_end_a_write_finds_no_room(void **state)
{
	size_t done;

	make();
	lu = disk(0, 0, 2048);
	attach();
	assert_int_equal(wr((1 << 20) - 100, 1000, &done), 0);
	assert_int_equal(done, 100);
	assert_int_equal(wr(1 << 20, 1000, &done), ENOSPC);
}

/* --- cache, discard, zeroes ---------------------------------------------- */

static void
fsync_reaches_the_disk(void **state)
{
	ready();
	fill(512);
	assert_int_equal(wr(0, 512, NULL), 0);
	assert_int_equal(dev_fsync(node), 0);
	assert_int_equal(lu->lu_nsync, 1);
	assert_int_equal(io(BLKFLSBUF, NULL), 0);
	assert_int_equal(lu->lu_nsync, 2);
}

static void
an_fsync_that_failed_says_so(void **state)
{
	ready();
	inject_sense(SIM_OP_SYNC, SIM_ALL, 3, 0x0c, 0x00);
	assert_int_equal(dev_fsync(node), EIO);
	sim_scsi_forget(sh);
	assert_int_equal(dev_fsync(node), 0);
}

static void
fsync_of_a_disk_that_does_not_know_it_is_nothing(void **state)
{
	make();
	lu = disk(0, 0, 4096);
	lu->lu_without = SIM_NO_SYNC;
	attach();
	assert_int_equal(dev_fsync(node), 0);
	assert_int_equal(dev_fsync(node), 0);
}

static void
thin_begin(void)
{
	make();
	lu = disk(0, 0, 8192);
	lu->lu_thin = lu->lu_lbprz = true;
}

static void
range(uint64_t start, uint64_t len)
{
	ioarg[0] = start;
	ioarg[1] = len;
}

static void
assert_neighbours(const uint8_t *before, uint64_t off, uint64_t len)
{
	sim_lu_read(lu, 0, buf, 8192 * 512);
	assert_memory_equal(buf, before, off);
	assert_memory_equal(buf + off + len, before + off + len,
	    8192 * 512 - off - len);
}

static void
discard(uint64_t off, uint64_t len)
{
	static uint8_t before[8192 * 512];

	sim_lu_read(lu, 0, before, sizeof(before));
	range(off, len);
	assert_int_equal(io(BLKDISCARD, ioarg), 0);
	assert_int_equal(lu->lu_unmapped, len);
	assert_neighbours(before, off, len);
	lu->lu_unmapped = 0;
}

static void
discard_is_unmap(void **state)
{
	thin_begin();
	attach();
	discard(512 * 100, 512 * 3000);
	discard(0, 512);
	discard(0, 512 * 8192);
	range(0, 0);
	assert_int_equal(io(BLKDISCARD, ioarg), 0);
}

static void
discard_keeps_the_limits_of_the_disk(void **state)
{
	static const u_int most[][2] = { { 1000, 1 }, { 64, 255 }, { ~0U, 1 },
	    { 4097, 2 }, { 1, 1 } };
	u_int i;

	for (i = 0; i < nitems(most); i++) {
		thin_begin();
		lu->lu_maxunmap = most[i][0];
		lu->lu_maxdesc = most[i][1];
		lu->lu_ungran = i;
		attach();
		discard(512 * 7, 512 * 5000);
		clean();
	}
}

static void
discard_without_unmap_is_write_same_or_nothing(void **state)
{
	int error;

	thin_begin();
	lu->lu_without = SIM_NO_UNMAP;
	lu->lu_lbpws = true;
	attach();
	range(512, 5120);
	error = io(BLKDISCARD, ioarg);
	assert_true(error == 0 || error == EOPNOTSUPP);
	assert_int_equal(lu->lu_unmapped, error == 0 ? 5120 : 0);
}

static void
a_disk_that_is_not_thin_has_no_discard(void **state)
{
	make();
	lu = disk(0, 0, 4096);
	attach();
	range(0, 4096);
	assert_int_equal(io(BLKDISCARD, ioarg), EOPNOTSUPP);
	assert_int_equal(rd(0, 8192, NULL), 0);
	assert_data(0, 8192);
}

static void
discard_that_the_disk_does_not_know_after_all(void **state)
{
	thin_begin();
	attach();
	inject_sense(0x42, SIM_ALL, 5, 0x20, 0x00);
	range(0, 4096);
	assert_int_equal(io(BLKDISCARD, ioarg), EOPNOTSUPP);
	assert_int_equal(io(BLKDISCARD, ioarg), EOPNOTSUPP);
	assert_int_equal(rd(0, 8192, NULL), 0);
}

static void
discard_is_of_whole_blocks_within_the_disk(void **state)
{
	thin_begin();
	attach();
	range(100, 512);
	assert_int_equal(io(BLKDISCARD, ioarg), EINVAL);
	range(512, 100);
	assert_int_equal(io(BLKDISCARD, ioarg), EINVAL);
	range(8192 * 512, 512);
	assert_int_equal(io(BLKDISCARD, ioarg), EINVAL);
	range(512, ~511ULL);
	assert_int_equal(io(BLKDISCARD, ioarg), EINVAL);
	assert_int_equal(lu->lu_unmapped, 0);
}

static void
zeroout(uint64_t off, uint64_t len)
{
	static uint8_t before[8192 * 512];
	uint64_t i;

	sim_lu_read(lu, 0, before, sizeof(before));
	range(off, len);
	assert_int_equal(io(BLKZEROOUT, ioarg), 0);
	assert_neighbours(before, off, len);
	for (i = 0; i < len; i++)
		assert_int_equal(buf[off + i], 0);
}

/* Whatever the disk can do. */
static void
zeroout_writes_zeroes(void **state)
{
	u_int i;

	for (i = 0; i < 64; i++) {
		make();
		lu = disk(0, 0, 8192);
		lu->lu_thin = i & 1;
		lu->lu_lbprz = i & 2;
		lu->lu_lbpws = lu->lu_lbpws10 = lu->lu_thin && (i & 4);
		lu->lu_ndob = i & 8;
		lu->lu_without = (i & 16 ? SIM_NO_WS16 : 0) |
		    (i & 32 ? SIM_NO_WS10 : 0);
		lu->lu_maxws = i % 3 * 100;
		attach();
		zeroout(512 * 100, 512 * 250);
		zeroout(512 * 8191, 512);
		assert_int_equal(io(BLKFLSBUF, NULL), 0);
		clean();
	}
}

static void
zeroout_falls_back_when_the_disk_refuses(void **state)
{
	ready();
	inject_sense(0x93, SIM_ALL, 5, 0x20, 0x00);
	inject_sense(0x41, SIM_ALL, 5, 0x24, 0x00);
	range(512, 512 * 300);
	assert_int_equal(io(BLKZEROOUT, ioarg), 0);
	memset(buf, 0, 512 * 300);
	assert_data(512, 512 * 300);
}

/* --- write protection ---------------------------------------------------- */

static void
a_protected_disk_is_not_written_to(void **state)
{
	static uint32_t v;
	struct cdev *cd;

	make();
	lu = disk(0, 0, 4096);
	lu->lu_wp = true;
	sim_attach();
	hosted_run(10 * SEC);
	node = node_open("sd0", nodeflags = FREAD);
	assert_non_null(node);
	assert_int_equal(io(BLKROGET, &v), 0);
	assert_int_equal(v, 1);
	assert_int_equal(rd(0, 512, NULL), 0);
	assert_int_not_equal(wr(0, 512, NULL), 0);
	assert_int_equal(lu->lu_nwrite, 0);
	assert_non_null(cd = dev_lookup("sd0"));
	assert_int_equal(dev_open(cd, FREAD | FWRITE), EROFS);
	dev_release(cd);
}

static void
protection_that_comes_later_is_erofs(void **state)
{
	ready();
	lu->lu_wp = true;
	assert_int_equal(wr(0, 512, NULL), EROFS);
	assert_int_equal(rd(0, 512, NULL), 0);
}

/* --- every failure, every access ----------------------------------------- */

static void
all_kinds(void)
{
	make();
	lu = disk(0, 0, 2048);
	lu->lu_thin = true;
	sim_lu_new(sh, 1, 0, SIM_CDROM, 100, 2048);
	sim_lu_new(sh, 2, 1, SIM_TAPE, 100, 512);
	sim_scsi_set(sh, SIM_SCSI_MAX_TARGET, 3);
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	u_int n;

	for (n = 1; n < 3000; n++) {
		all_kinds();
		hosted_fail_at = n;
		sim_attach();
		hosted_run(10 * SEC);
		if (hosted_fail_at != 0)
			break;
		clean();
		assert_nothing_left();
	}
	assert_true(n > 50 && n < 3000);
	hosted_fail_at = 0;
	clean();
	assert_nothing_left();
}

static void
every_failure_of_a_request_is_an_error_or_goes_on(void **state)
{
	size_t done;
	int error;
	u_int n;

	ready();
	for (n = 1; n < 200; n++) {
		hosted_fail_at = n;
		error = rd(100 + 65536 * (n % 20), 5000, &done);
		if (hosted_fail_at != 0)
			break;
		assert_true(error == 0 || error == ENOMEM || error == EIO);
		if (error == 0)
			assert_data(100 + 65536 * (n % 20), done);
		hosted_fail_at = 0;
		assert_int_equal(rd(100, 5000, &done), 0);
		assert_data(100, 5000);
	}
	assert_true(n > 1 && n < 200);
	hosted_fail_at = 0;
}

static void
the_host_may_vanish_at_any_access(void **state)
{
	u_int n, late = 0;

	for (n = 1; n < 8000; n++) {
		sim_gone = false;
		all_kinds();
		sim_gone_at = n;
		sim_attach();
		if ((node = node_open("sd0", FREAD | FWRITE)) != NULL) {
			nodeflags = FREAD | FWRITE;
			(void)rd(0, 5000, NULL);
			(void)wr(512, 512, NULL);
			(void)dev_fsync(node);
		}
		late = MAX(late, sh->sh_sv->sv_pci.sp_nlate);
		if (sim_gone_at != 0)
			break;
		clean();
		assert_nothing_left();
	}
	assert_true(n > 80 && n < 8000);
	assert_true(late <= 20);
	sim_gone_at = 0;
	clean();
	assert_nothing_left();
}

#define TEST(fn)	{ #fn, fn }

static const struct test tests[] = {
	TEST(each_device_has_its_line),
	TEST(a_host_without_units_is_attached),
	TEST(what_nothing_drives_is_not_configured),
	TEST(a_unit_that_is_not_connected_is_no_disk),
	TEST(units_of_all_targets_are_found),
	TEST(all_units_of_a_target_are_found),
	TEST(a_target_may_begin_with_any_unit),
	TEST(without_report_luns_there_is_unit_0),
	TEST(targets_beyond_the_last_are_not_asked),
	TEST(bytes_that_cannot_be_printed_are_not_in_the_line),
	TEST(a_disk_that_becomes_ready_is_waited_for),
	TEST(a_disk_that_was_stopped_is_started_or_left_alone),
	TEST(blocks_of_each_size_are_used),
	TEST(large_disks_are_used_to_their_end),
	TEST(a_disk_that_knows_only_short_commands_is_used),
	TEST(a_disk_without_pages_is_used),
	TEST(the_physical_block_is_told),
	TEST(serial_number_and_size_are_told),
	TEST(a_block_size_that_cannot_be_is_no_disk),
	TEST(what_is_written_is_read_back_at_any_offset),
	TEST(the_same_with_every_habit_of_the_device),
	TEST(the_same_with_queues_of_each_size),
	TEST(the_same_with_several_queues),
	TEST(queues_that_are_told_of_and_not_there_are_not_used),
	TEST(the_same_on_a_legacy_device),
	TEST(no_more_segments_than_allowed),
	TEST(no_more_sectors_than_wanted),
	TEST(no_more_blocks_than_the_disk_takes),
	TEST(threads_do_not_get_in_each_others_way),
	TEST(no_more_commands_at_once_than_allowed),
	TEST(at_the_end_a_read_is_short),
	TEST(at_the_end_a_write_finds_no_room),
	TEST(fsync_reaches_the_disk),
	TEST(an_fsync_that_failed_says_so),
	TEST(fsync_of_a_disk_that_does_not_know_it_is_nothing),
	TEST(discard_is_unmap),
	TEST(discard_keeps_the_limits_of_the_disk),
	TEST(discard_without_unmap_is_write_same_or_nothing),
	TEST(a_disk_that_is_not_thin_has_no_discard),
	TEST(discard_that_the_disk_does_not_know_after_all),
	TEST(discard_is_of_whole_blocks_within_the_disk),
	TEST(zeroout_writes_zeroes),
	TEST(zeroout_falls_back_when_the_disk_refuses),
	TEST(a_protected_disk_is_not_written_to),
	TEST(protection_that_comes_later_is_erofs),
	TEST(every_failure_of_attach_leaves_nothing),
	TEST(every_failure_of_a_request_is_an_error_or_goes_on),
	TEST(the_host_may_vanish_at_any_access),
};

int
main(int argc, char **argv)
{
	return (run_both(tests, nitems(tests), argc > 1 ? argv[1] : NULL));
}

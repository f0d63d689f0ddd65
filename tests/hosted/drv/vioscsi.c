/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioscsi(4), scsibus(4), sd(4) and cd(4) against a simulated SCSI host: what
 * programs and administrators see of it.  All of it with both kinds of ring.
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

#define DISKSIZE	(4 << 20)

static void
read_and_write(u_int n)
{
	uint8_t *want;
	uint64_t off;
	size_t len, done;

	if ((want = host_alloc(DISKSIZE)) == NULL)
		fail();
	sim_lu_read(lu, 0, want, DISKSIZE);
	while (n-- > 0) {
		off = sim_random(DISKSIZE);
		len = 1 + sim_random(sim_random(10) == 0 ? 1 << 20 :
		    sim_random(3) == 0 ? 20000 : 1500);
		len = MIN(len, DISKSIZE - off);
		if (sim_random(2)) {
			off &= ~511ULL;
			len = MIN(roundup2(len, 512), DISKSIZE - off);
		}
		if (sim_random(2)) {
			fill(MIN(len, 5000));
			memcpy(want + off, buf, len);
			assert_int_equal(wr(off, len, &done), 0);
		} else {
			assert_int_equal(rd(off, len, &done), 0);
			assert_memory_equal(buf, want + off, len);
		}
		assert_int_equal(done, len);
	}
	sim_lu_read(lu, 0, buf, DISKSIZE);
	assert_memory_equal(buf, want, DISKSIZE);
	host_free(want);
}

static void
rw_begin(void)
{
	sim_dma_split = true;
	make();
	lu = disk(0, 0, DISKSIZE / 512);
}

static void
rw_end(u_int n)
{
	attach();
	read_and_write(n);
	clean();
}

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

#define NTHREAD	8
static struct worker {
	u_int		 n, rounds;
	struct cdev	*cd;
	uint8_t		 b[40000];
	int		 error;
} worker[NTHREAD];

static void
work(void *arg)
{
	struct worker *w = arg;
	u_int i, k;
	uint64_t off;
	size_t len, done;

	for (i = 0; i < w->rounds; i++) {
		len = 512 * (1 + sim_random(70));
		off = w->n * (DISKSIZE / NTHREAD) +
		    512 * sim_random((DISKSIZE / NTHREAD - len) / 512);
		for (k = 0; k < len; k++)
			w->b[k] = i + w->n + k;
		if (node_rdwr(w->cd, UIO_WRITE, w->b, len, off, 0, &done) != 0
		    || done != len)
			w->error++;
		memset(w->b, 0, len);
		if (node_rdwr(w->cd, UIO_READ, w->b, len, off, 0, &done) != 0
		    || done != len)
			w->error++;
		for (k = 0; k < len; k++) {
			if (w->b[k] != (uint8_t)(i + w->n + k)) {
				w->error++;
				break;
			}
		}
	}
}

static void
work_together(u_int rounds)
{
	struct thread *td[NTHREAD];
	u_int i;

	for (i = 0; i < NTHREAD; i++) {
		worker[i].n = i;
		worker[i].rounds = rounds;
		worker[i].cd = node;
		worker[i].error = 0;
		assert_int_equal(kthread_create(work, &worker[i], PRI_KERN,
		    "work", &td[i]), 0);
	}
	for (i = 0; i < NTHREAD; i++)
		kthread_join(td[i]);
	for (i = 0; i < NTHREAD; i++)
		assert_int_equal(worker[i].error, 0);
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
	static const u_int most[][2] = { { 1000, 1 }, { 64, 255 }, { 0, 0 },
	    { 0xffffffff, 1 }, { 4097, 2 } };
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
		zeroout(512 * 100, 512 * 1000);
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

/* --- errors -------------------------------------------------------------- */

static const struct {
	u_int	op;
	uint8_t	key, asc, ascq;
	int	error;
} senses[] = {
	{ SIM_OP_READ, 3, 0x11, 0x00, EIO },	/* unrecovered read error */
	{ SIM_OP_READ, 4, 0x44, 0x00, EIO },	/* internal target failure */
	{ SIM_OP_READ, 5, 0x21, 0x00, EIO },	/* address out of range */
	{ SIM_OP_READ, 5, 0x24, 0x00, EIO },
	{ SIM_OP_READ, 5, 0x20, 0x00, EIO },
	{ SIM_OP_READ, 11, 0x47, 0x00, EIO },	/* aborted, each time */
	{ SIM_OP_READ, 2, 0x04, 0x03, EIO },	/* somebody must help */
	{ SIM_OP_READ, 8, 0x00, 0x00, EIO },	/* blank check */
	{ SIM_OP_READ, 14, 0x1d, 0x00, EIO },	/* miscompare */
	{ SIM_OP_READ, 6, 0x3f, 0x01, EIO },	/* attention, each time */
	{ SIM_OP_WRITE, 3, 0x0c, 0x00, EIO },	/* write error */
	{ SIM_OP_WRITE, 7, 0x27, 0x00, EROFS },	/* write protected */
	{ SIM_OP_WRITE, 7, 0x27, 0x07, ENOSPC }, /* no space for it */
};

static void
sense_data_become_errors(bool desc)
{
	uint64_t start;
	u_int i;
	int error;

	for (i = 0; i < nitems(senses); i++) {
		ready();
		lu->lu_descsense = desc;
		inject_sense(senses[i].op, SIM_ALL, senses[i].key,
		    senses[i].asc, senses[i].ascq);
		start = nsecuptime();
		error = senses[i].op == SIM_OP_READ ? rd(65536, 4096, NULL) :
		    wr(65536, 4096, NULL);
		if (error != senses[i].error)
			fail_msg("%x/%02x/%02x: error %d", senses[i].key,
			    senses[i].asc, senses[i].ascq, error);
		assert_true(nsecuptime() - start < 600 * SEC);
		assert_true(sim_scsi_injected(sh) <= 50);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
sense_data_of_fixed_format_become_errors(void **state)
{
	sense_data_become_errors(false);
}

static void
sense_data_in_descriptors_become_errors(void **state)
{
	sense_data_become_errors(true);
}

static void
what_was_recovered_is_no_error(void **state)
{
	/* the device has moved the data, and adds how it did so */
	ready();
	sh->sh_answer = recovered;
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
responses_become_errors(void **state)
{
	static const u_int responses[] = { SIM_R_OVERRUN, SIM_R_ABORTED,
	    SIM_R_RESET, SIM_R_BUSY, SIM_R_TRANSPORT_FAILURE,
	    SIM_R_TARGET_FAILURE, SIM_R_NEXUS_FAILURE, SIM_R_FAILURE, 10, 11,
	    100, 255 };
	u_int i;

	for (i = 0; i < nitems(responses); i++) {
		ready();
		inject(SIM_OP_READ, SIM_ALL, SIM_WITH_RESPONSE, responses[i]);
		assert_int_equal(rd(65536, 4096, NULL), EIO);
		assert_true(sim_scsi_injected(sh) <= 50);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
other_statuses_become_errors(void **state)
{
	static const u_int status[] = { SIM_CONFLICT, 0x04, 0x10, 0x22, 0x30,
	    0x40, 0x01, 0xff };
	u_int i;

	for (i = 0; i < nitems(status); i++) {
		ready();
		inject(SIM_OP_READ, SIM_ALL, SIM_WITH_STATUS, status[i]);
		assert_int_not_equal(rd(65536, 4096, NULL), 0);
		assert_true(sim_scsi_injected(sh) <= 50);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		clean();
	}
}

static void
a_short_read_is_not_taken_for_a_whole_one(void **state)
{
	static const u_int moved[] = { 0, 1, 511, 512, 4095 };
	size_t done;
	u_int i;

	for (i = 0; i < nitems(moved); i++) {
		ready();
		inject(SIM_OP_READ, SIM_ALL, SIM_CUT, moved[i]);
		if (rd(65536, 4096, &done) == 0)
			assert_data(65536, done);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

/* Only the driver's memory can tell, the status is good. */
static void
a_short_read_says_how_much_it_was_or_fails(void **state)
{
	size_t done;

	ready();
	inject(SIM_OP_READ, SIM_ALL, SIM_CUT, 100);
	if (rd(65536, 4096, &done) == 0)
		assert_true(done <= 100);
}

static void
an_error_does_not_reach_the_other_disk(void **state)
{
	make();
	lu = disk(0, 0, 4096);
	(void)disk(1, 0, 4096);
	attach();
	sim_scsi_inject(sh, &(struct sim_inject){ .in_lu = lu,
	    .in_op = SIM_OP_READ, .in_times = SIM_ALL,
	    .in_what = SIM_WITH_SENSE, .in_key = 4, .in_asc = 0x44 });
	assert_int_equal(rd(0, 512, NULL), EIO);
	node_close(node, nodeflags);
	node = node_open("sd1", nodeflags);
	assert_non_null(node);
	lu = sim_lu_find(sh, 1, 0);
	assert_int_equal(rd(65536, 512, NULL), 0);
	assert_data(65536, 512);
}

/* --- what is tried again ------------------------------------------------- */

static void
attention_is_not_seen(void **state)
{
	static const uint8_t asc[][2] = { { 0x29, 0x00 }, { 0x29, 0x03 },
	    { 0x2a, 0x01 }, { 0x3f, 0x0e }, { 0x3f, 0x03 }, { 0x38, 0x07 },
	    { 0x55, 0x00 } };
	u_int i;

	ready();
	for (i = 0; i < nitems(asc); i++) {
		sim_lu_attention(lu, asc[i][0], asc[i][1]);
		assert_int_equal(rd(i * 65536, 4096, NULL), 0);
		assert_data(i * 65536, 4096);
		sim_lu_attention(lu, asc[i][0], asc[i][1]);
		assert_int_equal(wr(0, 512, NULL), 0);
		sim_lu_attention(lu, asc[i][0], asc[i][1]);
		assert_int_equal(dev_fsync(node), 0);
	}
}

static void
several_attentions_are_not_seen(void **state)
{
	ready();
	sim_lu_attention(lu, 0x29, 0x00);
	sim_lu_attention(lu, 0x2a, 0x01);
	sim_lu_attention(lu, 0x3f, 0x0e);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_busy_disk_is_waited_for(void **state)
{
	static const u_int status[] = { SIM_BUSY, SIM_TASK_SET_FULL };
	u_int i;

	for (i = 0; i < nitems(status); i++) {
		ready();
		inject(SIM_OP_READ, 3, SIM_WITH_STATUS, status[i]);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
a_busy_host_is_waited_for(void **state)
{
	ready();
	inject(SIM_OP_READ, 3, SIM_WITH_RESPONSE, SIM_R_BUSY);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_disk_that_is_always_busy_is_given_up(void **state)
{
	static const u_int status[] = { SIM_BUSY, SIM_TASK_SET_FULL };
	uint64_t start;
	u_int i;

	for (i = 0; i < nitems(status); i++) {
		ready();
		inject(SIM_OP_ANY, SIM_ALL, SIM_WITH_STATUS, status[i]);
		start = nsecuptime();
		assert_int_equal(rd(65536, 4096, NULL), EIO);
		assert_true(nsecuptime() - start < 600 * SEC);
		assert_true(sim_scsi_injected(sh) <= 1000);
		sim_scsi_forget(sh);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		clean();
	}
}

static void
busy_is_not_asked_again_at_once(void **state)
{
	uint64_t start;

	ready();
	inject(SIM_OP_READ, 3, SIM_WITH_STATUS, SIM_BUSY);
	start = nsecuptime();
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_true(nsecuptime() - start >= 1000000);
}

static void
a_full_disk_queue_under_load_loses_nothing(void **state)
{
	conf.vc_random_order = true;
	rw_begin();
	attach();
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = SIM_OP_ANY,
	    .in_skip = 20, .in_times = 5, .in_what = SIM_WITH_STATUS,
	    .in_arg = SIM_TASK_SET_FULL });
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = SIM_OP_ANY,
	    .in_skip = 50, .in_times = 5, .in_what = SIM_WITH_STATUS,
	    .in_arg = SIM_BUSY });
	work_together(10);
	assert_int_equal(sim_scsi_injected(sh), 10);
}

static void
a_disk_that_is_not_ready_for_a_while_is_waited_for(void **state)
{
	ready();
	lu->lu_readyat = hosted_now + 3 * SEC;
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_disk_that_never_becomes_ready_is_given_up(void **state)
{
	uint64_t start;

	ready();
	lu->lu_readyat = ~0ULL;
	start = nsecuptime();
	assert_int_equal(rd(65536, 4096, NULL), EIO);
	assert_true(nsecuptime() - start < 600 * SEC);
	lu->lu_readyat = 0;
	assert_int_equal(rd(65536, 4096, NULL), 0);
}

static void
a_command_ended_by_a_reset_is_tried_again(void **state)
{
	ready();
	inject(SIM_OP_READ, 1, SIM_WITH_RESPONSE, SIM_R_RESET);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

/* --- no answer ----------------------------------------------------------- */

static void
stuck(u_int op, enum sim_until until)
{
	sim_scsi_inject(sh, &(struct sim_inject){ .in_op = op,
	    .in_what = SIM_STUCK, .in_until = until });
}

/*
 * A read that is not answered: it ends, well or not, within some multiple of
 * the limit, and after some lines; then the disk works.
 */
static void
read_with_limit(u_int seconds)
{
	u_int lines = lines_with("");
	uint64_t start, took;
	int error;

	start = nsecuptime();
	error = rd(65536, 4096, NULL);
	took = nsecuptime() - start;
	assert_true(error == 0 || error == EIO);
	assert_true(took >= seconds * SEC);
	assert_true(took < seconds * 10 * SEC + 120 * SEC);
	hosted_run(5 * SEC);
	assert_true(lines_with("") > lines);
	assert_true(lines_with("") <= lines + 4);
	assert_int_equal(rd(131072, 4096, NULL), 0);
	assert_data(131072, 4096);
	assert_int_equal(wr(131072, 4096, NULL), 0);
	assert_int_equal(sim_scsi_nheld(sh), 0);
}

static void
limit(const char *seconds)
{
	assert_int_equal(sysctl_write("hw.vioscsi0.timeout", seconds), 0);
}

static void
no_answer_in_30_seconds_is_an_abort(void **state)
{
	u_int resets;

	ready();
	resets = sh->sh_sv->sv_nresets;
	assert_string_equal(sysctl_text("hw.vioscsi0.timeout"), "30");
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(30);
	assert_int_equal(sh->sh_tmf[SIM_TMF_ABORT_TASK], 1);
	assert_int_equal(sh->sh_tmf[SIM_TMF_LUN_RESET], 0);
	assert_int_equal(sh->sh_sv->sv_nresets, resets);
}

static void
the_limit_can_be_set(void **state)
{
	ready();
	limit("3");
	assert_string_equal(sysctl_text("hw.vioscsi0.timeout"), "3");
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
	assert_int_not_equal(sysctl_write("hw.vioscsi0.timeout", "x"), 0);
	assert_int_not_equal(sysctl_write("hw.vioscsi0.timeout", "-1"), 0);
	assert_int_not_equal(sysctl_write("hw.vioscsi0.timeout",
	    "99999999999999999999"), 0);
}

static void
an_abort_that_is_refused_leads_to_a_reset_of_the_unit(void **state)
{
	u_int resets;

	ready();
	limit("3");
	resets = sh->sh_sv->sv_nresets;
	stuck(SIM_OP_READ, SIM_UNTIL_LUN_RESET);
	read_with_limit(3);
	assert_int_equal(sh->sh_tmf[SIM_TMF_ABORT_TASK], 1);
	assert_int_equal(sh->sh_tmf[SIM_TMF_LUN_RESET], 1);
	assert_int_equal(sh->sh_sv->sv_nresets, resets);
}

static void
a_reset_of_the_unit_that_is_refused_leads_to_one_of_the_host(void **state)
{
	u_int resets;

	ready();
	limit("3");
	resets = sh->sh_sv->sv_nresets;
	stuck(SIM_OP_READ, SIM_UNTIL_RESET);
	read_with_limit(3);
	assert_int_equal(sh->sh_tmf[SIM_TMF_LUN_RESET], 1);
	assert_true(sh->sh_sv->sv_nresets > resets);
}

static void
functions_that_are_not_answered_do_not_hold_it_up(void **state)
{
	u_int i, resets;

	ready();
	limit("3");
	resets = sh->sh_sv->sv_nresets;
	for (i = 0; i < SIM_NTMF; i++)
		sh->sh_tmfanswer[i] = SIM_TMF_MUTE;
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
	assert_true(sh->sh_sv->sv_nresets > resets);
	for (i = 0; i < SIM_NTMF; i++)
		sh->sh_tmfanswer[i] = 0;
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
}

static void
an_abort_that_is_answered_and_did_nothing_is_not_believed(void **state)
{
	u_int i;

	for (i = 0; i < 2; i++) {
		ready();
		limit("3");
		sh->sh_tmfanswer[SIM_TMF_ABORT_TASK] =
		    SIM_TMF_IDLE(i ? SIM_R_SUCCEEDED : SIM_R_OK);
		stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
		read_with_limit(3);
		clean();
	}
}

static void
each_answer_to_an_abort_leads_to_an_end(void **state)
{
	u_int i;

	for (i = 0; i < 14; i++) {
		ready();
		limit("3");
		sh->sh_tmfanswer[SIM_TMF_ABORT_TASK] =
		    SIM_TMF_IDLE(i == 13 ? 255 : i);
		sh->sh_tmfanswer[SIM_TMF_LUN_RESET] =
		    SIM_TMF_IDLE(i == 13 ? 255 : i);
		stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
		read_with_limit(3);
		clean();
	}
}

static void
abort_that_does_its_work_and_says_nothing(void **state)
{
	ready();
	limit("3");
	sh->sh_tmfanswer[SIM_TMF_ABORT_TASK] = SIM_TMF_LATE;
	stuck(SIM_OP_READ, SIM_UNTIL_ABORT);
	read_with_limit(3);
}

static void
an_answer_that_comes_late_is_right(void **state)
{
	struct thread *td;

	ready();
	limit("30");
	stuck(SIM_OP_READ, SIM_UNTIL_RESET);
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(20 * SEC);
	assert_int_equal(sim_scsi_nheld(sh), 1);
	sim_scsi_unstick(sh, SIM_R_BUSY);
	kthread_join(td);
	assert_int_equal(rd_error, 0);
	hosted_run(60 * SEC);
	assert_int_equal(sh->sh_ntmf, 0);
}

static void
what_was_sent_besides_is_not_lost_in_a_reset(void **state)
{
	enum sim_until until;
	struct thread *td[6];
	u_int i;

	for (until = SIM_UNTIL_ABORT; until <= SIM_UNTIL_RESET; until++) {
		make();
		lu = disk(0, 0, 4096);
		disk(1, 0, 4096);
		attach();
		limit("3");
		stuck(SIM_OP_READ, until);
		rd_error = 0;
		nreaders = 0;
		for (i = 0; i < nitems(td); i++)
			assert_int_equal(kthread_create(reader, NULL, PRI_KERN,
			    "r", &td[i]), 0);
		for (i = 0; i < nitems(td); i++)
			kthread_join(td[i]);
		assert_true(rd_error == 0 || rd_error == EIO);
		assert_int_equal(rd(65536, 4096, NULL), 0);
		assert_data(65536, 4096);
		clean();
	}
}

static void
a_stuck_write_does_not_change_what_came_later(void **state)
{
	int error;

	ready();
	limit("3");
	stuck(SIM_OP_WRITE, SIM_UNTIL_LUN_RESET);
	fill(4096);
	error = wr(65536, 4096, NULL);
	assert_true(error == 0 || error == EIO);
	if (error == 0)
		assert_data(65536, 4096);
	fill(4096);
	assert_int_equal(wr(65536, 4096, NULL), 0);
	hosted_run(100 * SEC);
	assert_data(65536, 4096);
}

static void
no_answer_at_attach_ends_too(void **state)
{
	static const u_int ops[] = { 0x12, 0xa0, 0x00, 0x25, 0x9e, 0x1a, 0x5a };
	uint64_t start;
	u_int i;

	for (i = 0; i < nitems(ops); i++) {
		make();
		lu = disk(0, 0, 4096);
		disk(1, 0, 77);
		sim_scsi_inject(sh, &(struct sim_inject){ .in_op = ops[i],
		    .in_lu = lu, .in_times = SIM_ALL, .in_what = SIM_STUCK,
		    .in_until = i % 4 });
		start = nsecuptime();
		sim_attach();
		hosted_run(1000 * SEC);
		assert_true(nsecuptime() - start < 3000 * SEC);
		/* the other does not suffer */
		assert_true(node_size("sd0") == 77 * 512 ||
		    node_size("sd1") == 77 * 512);
		clean();
	}
}

/* --- reset and failure of the host --------------------------------------- */

static void
after_a_failure_the_disk_works(void **state)
{
	u_int i;

	ready();
	for (i = 0; i < 3; i++) {
		sim_virtio_needs_reset(sh->sh_sv);
		hosted_run(2 * SEC);
		assert_int_equal(rd(65536 * i, 4096, NULL), 0);
		assert_data(65536 * i, 4096);
	}
}

static void
what_is_on_its_way_when_the_host_fails_ends(void **state)
{
	struct thread *td[6];
	u_int i;

	ready();
	sh->sh_hold = true;
	for (i = 0; i < nitems(td); i++)
		assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r",
		    &td[i]), 0);
	hosted_run(1000000);
	sim_virtio_needs_reset(sh->sh_sv);
	sh->sh_hold = false;
	for (i = 0; i < nitems(td); i++)
		kthread_join(td[i]);
	assert_true(rd_error == 0 || rd_error == EIO);
	assert_int_equal(rd(65536, 4096, NULL), 0);
	assert_data(65536, 4096);
}

static void
a_host_that_is_given_up_fails_at_once(void **state)
{
	uint64_t start;

	ready();
	sh->sh_sv->sv_refuse_ok = true;
	sim_virtio_needs_reset(sh->sh_sv);
	hosted_run(10 * SEC);
	assert_int_not_equal(rd(0, 512, NULL), 0);
	start = nsecuptime();
	assert_int_not_equal(rd(0, 512, NULL), 0);
	assert_true(nsecuptime() - start < 1 * SEC);
}

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
	struct thread *td[6];
	u_int i, k;

	for (k = 0; k < nitems(says); k++) {
		ready();
		sh->sh_removed = says[k];
		sh->sh_hold = true;
		for (i = 0; i < nitems(td); i++)
			assert_int_equal(kthread_create(reader, NULL, PRI_KERN,
			    "r", &td[i]), 0);
		hosted_run(1000000);
		assert_true(sim_scsi_nheld(sh) > 0);
		sh->sh_hold = false;
		sim_lu_unplug(lu, true);
		lu = NULL;
		for (i = 0; i < nitems(td); i++)
			kthread_join(td[i]);
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

/* --- detach -------------------------------------------------------------- */

static void
detach_ends_what_is_on_its_way(void **state)
{
	struct thread *td[5];
	u_int i;

	ready();
	sh->sh_hold = true;
	for (i = 0; i < nitems(td); i++)
		assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r",
		    &td[i]), 0);
	hosted_run(1000000);
	assert_true(sim_scsi_nheld(sh) > 0);
	sim_detach();
	for (i = 0; i < nitems(td); i++)
		kthread_join(td[i]);
	assert_int_equal(rd_error, ENXIO);
	assert_int_equal(rd(65536, 512, NULL), ENXIO);
}

static void
detach_while_it_recovers(void **state)
{
	struct thread *td;
	u_int i, k;

	for (i = 1; i < 30; i += 2) {
		ready();
		limit("2");
		for (k = 0; k < SIM_NTMF; k++)
			sh->sh_tmfanswer[k] = SIM_TMF_MUTE;
		stuck(SIM_OP_READ, SIM_UNTIL_RESET);
		assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r",
		    &td), 0);
		hosted_run(i * SEC);
		sim_detach();
		kthread_join(td);
		clean();
	}
}

static void
detach_while_it_scans(void **state)
{
	u_int i;

	for (i = 0; i < 20; i++) {
		make();
		lu = disk(0, 0, 4096);
		attach();
		sim_lu_plug(sh, 3, 0, SIM_DISK, 100, 512, true);
		sim_lu_plug(sh, 4, 0, SIM_CDROM, 100, 2048, true);
		sh->sh_hold = i & 1;
		hosted_run(i * i * 1000);
		clean();
	}
}

static void
a_busy_disk_that_is_detached_waits_for_nothing(void **state)
{
	struct thread *td;

	ready();
	inject(SIM_OP_ANY, SIM_ALL, SIM_WITH_STATUS, SIM_BUSY);
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(1000000);
	sim_detach();
	kthread_join(td);
	assert_int_not_equal(rd_error, 0);
}

/* --- CD ------------------------------------------------------------------ */

static void
cd_make(void)
{
	make();
	lu = sim_lu_new(sh, 2, 0, SIM_CDROM, 1000, 2048);
}

static int
cd_open(int flags)
{
	struct cdev *cd = dev_lookup("cd0");
	int error;

	assert_non_null(cd);
	if ((error = dev_open(cd, flags)) != 0)
		dev_release(cd);
	else {
		node = cd;
		nodeflags = flags;
	}
	return (error);
}

static void
cd_close(void)
{
	node_close(node, nodeflags);
	node = NULL;
}

static void
cd_attach(void)
{
	cd_make();
	sim_attach();
	hosted_run(10 * SEC);
	assert_int_equal(cd_open(FREAD), 0);
}

/* The status; arguments are values, not addresses. */
static u_int
cd_do(u_long cmd, uintptr_t arg)
{
	return (io(cmd, (void *)arg));
}

/* It returns the status, as the value of the call or through the argument. */
static int
cd_status(void)
{
	int error = io(CDROM_DRIVE_STATUS, (void *)(uintptr_t)0x7fffffff);

	return (error < 0 ? -error : error);
}

static void
a_disc_is_read_at_any_offset(void **state)
{
	static const uint64_t at[][2] = { { 0, 2048 }, { 1, 1 }, { 2047, 2 },
	    { 100000, 50000 }, { 2048000 - 1, 1 }, { 4096, 65536 } };
	u_int i;

	cd_attach();
	assert_int_equal(dev_size(node), 2048000);
	for (i = 0; i < nitems(at); i++) {
		assert_int_equal(rd(at[i][0], at[i][1], NULL), 0);
		assert_data(at[i][0], at[i][1]);
	}
}

static void
a_disc_is_not_written_to(void **state)
{
	static uint32_t v;

	cd_attach();
	assert_int_equal(io(BLKROGET, &v), 0);
	assert_int_equal(v, 1);
	assert_int_not_equal(wr(0, 2048, NULL), 0);
	cd_close();
	assert_int_equal(cd_open(FREAD | FWRITE), EROFS);
	assert_int_equal(lu->lu_op[0x2a] + lu->lu_op[0xaa] + lu->lu_op[0x0a],
	    0);
}

static void
a_drive_without_a_disc_is_there(void **state)
{
	cd_make();
	lu->lu_disc = false;
	sim_attach();
	hosted_run(60 * SEC);
	assert_int_equal(cd_open(FREAD), ENOMEDIUM);
	assert_int_equal(cd_open(FREAD | FNONBLOCK), 0);
	assert_int_equal(cd_status(), 1);
	assert_int_equal(rd(0, 2048, NULL), ENOMEDIUM);
}

static void
a_disc_that_is_put_in_is_found(void **state)
{
	cd_make();
	lu->lu_disc = false;
	sim_attach();
	hosted_run(60 * SEC);
	sim_lu_insert(lu, 777, 99);
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(dev_size(node), 777 * 2048);
	assert_int_equal(rd(5000, 5000, NULL), 0);
	assert_data(5000, 5000);
}

static void
the_drive_tells_its_status(void **state)
{
	cd_attach();
	assert_int_equal(cd_status(), 4);
	cd_close();
	assert_int_equal(cd_open(FREAD | FNONBLOCK), 0);
	assert_int_equal(cd_do(CDROMEJECT, 0), 0);
	assert_int_equal(cd_status(), 2);
	lu->lu_tray = false;
	lu->lu_disc = false;
	assert_int_equal(cd_status(), 1);
	sim_lu_insert(lu, 777, 99);
	lu->lu_readyat = hosted_now + 100 * SEC;
	assert_int_equal(cd_status(), 3);
}

static void
a_disc_can_be_ejected_and_loaded(void **state)
{
	cd_attach();
	cd_close();
	assert_int_equal(cd_open(FREAD | FNONBLOCK), 0);
	assert_int_equal(cd_do(CDROMEJECT, 0), 0);
	assert_true(lu->lu_tray);
	assert_int_equal(rd(0, 2048, NULL), ENOMEDIUM);
	assert_int_equal(cd_do(CDROMCLOSETRAY, 0), 0);
	assert_false(lu->lu_tray);
	cd_close();
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(rd(0, 2048, NULL), 0);
	assert_data(0, 2048);
}

static void
a_locked_door_does_not_open(void **state)
{
	cd_attach();
	assert_int_equal(cd_do(CDROM_LOCKDOOR, 1), 0);
	assert_true(lu->lu_locked);
	assert_int_equal(cd_do(CDROM_LOCKDOOR, 0), 0);
	assert_false(lu->lu_locked);
	assert_int_equal(cd_do(CDROMEJECT, 0), 0);
	assert_true(lu->lu_tray);
}

/* Whoever ends without unlocking it leaves a door that can be opened. */
static void
after_the_last_close_the_door_is_not_locked(void **state)
{
	cd_attach();
	assert_int_equal(cd_do(CDROM_LOCKDOOR, 1), 0);
	cd_close();
	hosted_run(10 * SEC);
	assert_false(lu->lu_locked);
}

static void
a_drive_that_cannot_lock_is_used(void **state)
{
	cd_make();
	lu->lu_without = SIM_NO_LOCK | SIM_NO_EVENTS;
	sim_attach();
	hosted_run(10 * SEC);
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(rd(0, 2048, NULL), 0);
	assert_data(0, 2048);
	assert_int_equal(cd_status(), 4);
}

static void
after_the_disc_was_taken_out_there_is_no_medium(void **state)
{
	cd_attach();
	assert_int_equal(rd(0, 2048, NULL), 0);
	sim_lu_takeout(lu);
	hosted_run(10 * SEC);
	assert_int_equal(rd(204800, 2048, NULL), ENOMEDIUM);
	cd_close();
	assert_int_equal(cd_open(FREAD), ENOMEDIUM);
}

/* Nothing of the old one may be left anywhere. */
static void
another_disc_is_another_disc(void **state)
{
	u_int i;
	int error;

	cd_attach();
	for (i = 0; i < 20; i++)
		assert_int_equal(rd(2048 * i, 2048, NULL), 0);
	sim_lu_insert(lu, 500, 99);
	for (i = 0; i < 20; i++) {
		error = rd(2048 * i, 2048, NULL);
		if (error == 0)
			assert_data(2048 * i, 2048);
		else
			assert_true(error == EIO || error == ENOMEDIUM);
	}
	cd_close();
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(dev_size(node), 500 * 2048);
	assert_int_equal(rd(2048, 8192, NULL), 0);
	assert_data(2048, 8192);
}

static void
a_disc_that_spins_up_is_waited_for(void **state)
{
	cd_make();
	sim_attach();
	hosted_run(10 * SEC);
	sim_lu_insert(lu, 500, 99);
	lu->lu_readyat = hosted_now + 5 * SEC;
	assert_int_equal(cd_open(FREAD), 0);
	assert_int_equal(rd(2048, 8192, NULL), 0);
	assert_data(2048, 8192);
}

static void
discs_of_blocks_of_512_bytes(void **state)
{
	cd_make();
	lu->lu_blksize = 512;
	sim_attach();
	hosted_run(10 * SEC);
	if (cd_open(FREAD) == 0) {
		assert_int_equal(dev_size(node), 512000);
		assert_int_equal(rd(100, 5000, NULL), 0);
		assert_data(100, 5000);
	}
}

static void
errors_of_a_disc_are_passed_on(void **state)
{
	cd_attach();
	inject_sense(SIM_OP_READ, SIM_ALL, 3, 0x11, 0x05);
	assert_int_equal(rd(204800, 2048, NULL), EIO);
	sim_scsi_forget(sh);
	assert_int_equal(rd(204800, 2048, NULL), 0);
	assert_data(204800, 2048);
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
		assert_false(there("sd1"));
		assert_int_equal(rd(65536, 4096, NULL), 0);
		clean();
		assert_nothing_left();
	}
	assert_true(n > 5 && n < 500);
	hosted_fail_at = 0;
}

static void
every_failure_of_recovery_is_no_more_than_that(void **state)
{
	u_int n;

	for (n = 1; n < 500; n++) {
		ready();
		limit("2");
		stuck(SIM_OP_READ, SIM_UNTIL_RESET);
		hosted_fail_at = n;
		(void)rd(65536, 4096, NULL);
		hosted_run(100 * SEC);
		if (hosted_fail_at != 0)
			break;
		clean();
		assert_nothing_left();
	}
	assert_true(n < 500);
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
	TEST(sense_data_of_fixed_format_become_errors),
	TEST(sense_data_in_descriptors_become_errors),
	TEST(what_was_recovered_is_no_error),
	TEST(responses_become_errors),
	TEST(other_statuses_become_errors),
	TEST(a_short_read_is_not_taken_for_a_whole_one),
	TEST(a_short_read_says_how_much_it_was_or_fails),
	TEST(an_error_does_not_reach_the_other_disk),
	TEST(attention_is_not_seen),
	TEST(several_attentions_are_not_seen),
	TEST(a_busy_disk_is_waited_for),
	TEST(a_busy_host_is_waited_for),
	TEST(a_disk_that_is_always_busy_is_given_up),
	TEST(busy_is_not_asked_again_at_once),
	TEST(a_full_disk_queue_under_load_loses_nothing),
	TEST(a_disk_that_is_not_ready_for_a_while_is_waited_for),
	TEST(a_disk_that_never_becomes_ready_is_given_up),
	TEST(a_command_ended_by_a_reset_is_tried_again),
	TEST(no_answer_in_30_seconds_is_an_abort),
	TEST(the_limit_can_be_set),
	TEST(an_abort_that_is_refused_leads_to_a_reset_of_the_unit),
	TEST(a_reset_of_the_unit_that_is_refused_leads_to_one_of_the_host),
	TEST(functions_that_are_not_answered_do_not_hold_it_up),
	TEST(an_abort_that_is_answered_and_did_nothing_is_not_believed),
	TEST(each_answer_to_an_abort_leads_to_an_end),
	TEST(abort_that_does_its_work_and_says_nothing),
	TEST(an_answer_that_comes_late_is_right),
	TEST(what_was_sent_besides_is_not_lost_in_a_reset),
	TEST(a_stuck_write_does_not_change_what_came_later),
	TEST(no_answer_at_attach_ends_too),
	TEST(after_a_failure_the_disk_works),
	TEST(what_is_on_its_way_when_the_host_fails_ends),
	TEST(a_host_that_is_given_up_fails_at_once),
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
	TEST(an_event_tells_of_a_new_capacity),
	TEST(an_attention_tells_of_a_new_capacity),
	TEST(event_and_attention_together_are_one_change),
	TEST(a_disk_may_become_smaller),
	TEST(detach_ends_what_is_on_its_way),
	TEST(detach_while_it_recovers),
	TEST(detach_while_it_scans),
	TEST(a_busy_disk_that_is_detached_waits_for_nothing),
	TEST(a_disc_is_read_at_any_offset),
	TEST(a_disc_is_not_written_to),
	TEST(a_drive_without_a_disc_is_there),
	TEST(a_disc_that_is_put_in_is_found),
	TEST(the_drive_tells_its_status),
	TEST(a_disc_can_be_ejected_and_loaded),
	TEST(a_locked_door_does_not_open),
	TEST(after_the_last_close_the_door_is_not_locked),
	TEST(a_drive_that_cannot_lock_is_used),
	TEST(after_the_disc_was_taken_out_there_is_no_medium),
	TEST(another_disc_is_another_disc),
	TEST(a_disc_that_spins_up_is_waited_for),
	TEST(discs_of_blocks_of_512_bytes),
	TEST(errors_of_a_disc_are_passed_on),
	TEST(every_failure_of_attach_leaves_nothing),
	TEST(every_failure_of_a_request_is_an_error_or_goes_on),
	TEST(every_failure_of_hotplug_is_no_more_than_that),
	TEST(every_failure_of_recovery_is_no_more_than_that),
	TEST(the_host_may_vanish_at_any_access),
};

int
main(int argc, char **argv)
{
	return (run_both(tests, nitems(tests), argc > 1 ? argv[1] : NULL));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * vioblk(4) and the disks above it: what a device may offer besides, reading
 * ahead, partitions.
 */

#include "test.h"

#include <sys/disk.h>
#include <sys/sysctl.h>

#include "sim/nodes.h"
#include "sim/sim.h"

#define F_GEOMETRY	(1ULL << 4)
#define F_RO		(1ULL << 5)
#define F_BLK_SIZE	(1ULL << 6)
#define F_FLUSH		(1ULL << 9)
#define F_TOPOLOGY	(1ULL << 10)
#define F_CONFIG_WCE	(1ULL << 11)
#define F_DISCARD	(1ULL << 13)
#define F_WRITE_ZEROES	(1ULL << 14)
#define F_LIFETIME	(1ULL << 15)
#define F_SECURE_ERASE	(1ULL << 16)
#define F_ZONED		(1ULL << 17)
#define F_INDIRECT	(1ULL << 28)

#define HDIO_GETGEO	0x0301
#define BLKRRPART	0x125f
#define BLKFLSBUF	0x1261
#define BLKRASET	0x1262
#define BLKDISCARD	0x1277
#define BLKIOMIN	0x1278
#define BLKIOOPT	0x1279
#define BLKALIGNOFF	0x127a
#define BLKPBSZGET	0x127b
#define BLKSECDISCARD	0x127d
#define BLKZEROOUT	0x127f
#define BLKGETSIZE64	0x80081272

#define DISKSIZE	(4 << 20)
#define S_UNSUPP	2

static struct sim_blk	*bk;
static struct cdev	*node;
static int		 nodeflags;
static uint8_t		 buf[1 << 20];

static int
setup(void **state)
{
	sim_init();
	bk = NULL;
	node = NULL;
	nodeflags = FREAD | FWRITE;
	return (0);
}

static int
teardown(void **state)
{
	node_close(node, nodeflags);
	sim_detach();
	if (bk != NULL)
		sim_blk_free(bk);
	return (sim_fini());
}

static void
make(uint64_t features)
{
	const struct sim_virtio_conf vc = {
		.vc_features = F_BLK_SIZE | F_FLUSH | F_INDIRECT | features,
		.vc_nvec = 2, .vc_when = SIM_LATER,
	};

	bk = sim_blk_new(&vc, DISKSIZE);
	sim_config_put(bk->bk_sv, 20, 4, 512);		/* blk_size */
}

/* A range's limits: sectors, ranges, alignment. */
static void
limits(u_int at, uint32_t max, uint32_t seg, uint32_t align)
{
	sim_config_put(bk->bk_sv, at, 4, max);
	sim_config_put(bk->bk_sv, at + 4, 4, seg);
	if (at != 48)
		sim_config_put(bk->bk_sv, at + 8, 4, align);
}

static void
attach(void)
{
	sim_attach();
	if ((node = node_open("vioblk0", nodeflags)) == NULL)
		fail_msg("%s", hosted_console());
	/* half a megabyte: the machine has no memory that it would tell of */
	assert_int_equal(dev_ioctl(node, BLKRASET, (void *)1024, FREAD), 0);
}

static int
range(u_long cmd, uint64_t start, uint64_t len)
{
	static uint64_t r[2];

	r[0] = start;
	r[1] = len;
	return (dev_ioctl(node, cmd, r, nodeflags));
}

static int
number(u_long cmd)
{
	static int v;

	v = -1;
	assert_int_equal(dev_ioctl(node, cmd, &v, FREAD), 0);
	return (v);
}

static int
rd(struct cdev *cd, uint64_t off, size_t len, size_t *done)
{
	memset(buf, 0xcc, len);
	return (node_rdwr(cd, UIO_READ, buf, len, off, 0, done));
}

static void
assert_text(const char *name, const char *want)
{
	char text[80];
	size_t len;

	assert_int_equal(sysctl_read(name, text, sizeof(text), &len), 0);
	assert_string_equal(text, want);
}

static void
assert_filled(uint64_t start, uint64_t len, int c)
{
	uint64_t i;

	for (i = start; i < start + len; i++)
		assert_int_equal(bk->bk_disk[i], c);
	assert_int_not_equal(bk->bk_disk[start - 1], c);
	assert_int_not_equal(bk->bk_disk[start + len], c);
}

/* --- parts of blocks ------------------------------------------------------ */

/* What the program hears of them is what the device said. */
static void
part_of_a_block_that_is_not_written_does_not_count(void **state)
{
	size_t done;

	make(0);
	attach();
	/* the read of the block goes well, its write does not */
	bk->bk_error = 1;
	bk->bk_nerror = 1;
	bk->bk_nwell = 1;
	assert_int_equal(node_rdwr(node, UIO_WRITE, buf, 100, 5000, 0, &done),
	    EIO);
	assert_int_equal(done, 0);
	/* and behind a whole one that was written */
	bk->bk_nerror = 1;
	bk->bk_nwell = 2;
	assert_int_equal(node_rdwr(node, UIO_WRITE, buf, 600, 8192, 0, &done),
	    EIO);
	assert_int_equal(done, 512);
}

/* --- ranges --------------------------------------------------------------- */

static void
a_discard_is_told_in_pieces_of_what_the_device_takes(void **state)
{
	make(F_DISCARD);
	limits(36, 100, 1, 8);
	attach();
	assert_int_equal(range(BLKDISCARD, 8 * 512, 1000 * 512), 0);
	assert_filled(8 * 512, 1000 * 512, 0xdd);
	/* each but the last ends where the device likes: 96 and not 100 */
	assert_int_equal(bk->bk_nrange, 11);
}

static void
zeroes_are_made_by_the_device(void **state)
{
	make(F_WRITE_ZEROES);
	limits(48, 1 << 20, 1, 0);
	attach();
	assert_int_equal(range(BLKZEROOUT, 512, 300000 / 512 * 512), 0);
	assert_filled(512, 300000 / 512 * 512, 0);
	assert_int_equal(bk->bk_nrange, 1);
	assert_int_equal(bk->bk_nwrite, 0);
}

static void
zeroes_are_written_if_the_device_cannot(void **state)
{
	make(0);
	attach();
	assert_int_equal(range(BLKZEROOUT, 512, 300032), 0);
	assert_filled(512, 300032, 0);
}

static void
zeroes_are_written_if_the_device_says_that_it_cannot(void **state)
{
	make(F_WRITE_ZEROES);
	limits(48, 64, 1, 0);
	attach();
	bk->bk_error = S_UNSUPP;
	bk->bk_nerror = 8;		/* one batch */
	assert_int_equal(range(BLKZEROOUT, 512, 300032), 0);
	assert_filled(512, 300032, 0);
}

static void
a_secure_erasure_reaches_the_device(void **state)
{
	make(F_SECURE_ERASE);
	limits(60, 1000, 1, 1);
	attach();
	assert_int_equal(range(BLKSECDISCARD, 1024, 2048), 0);
	assert_filled(1024, 2048, 0xee);
}

static void
what_is_not_offered_is_not_supported(void **state)
{
	make(0);
	attach();
	assert_int_equal(range(BLKDISCARD, 0, 512), EOPNOTSUPP);
	assert_int_equal(range(BLKSECDISCARD, 0, 512), EOPNOTSUPP);
}

static void
a_limit_of_nothing_is_not_supported(void **state)
{
	make(F_DISCARD);
	limits(36, 0, 1, 1);
	attach();
	assert_int_equal(range(BLKDISCARD, 0, 512), EOPNOTSUPP);
}

static void
an_error_of_a_discard_is_told(void **state)
{
	make(F_DISCARD);
	limits(36, 64, 1, 0);
	attach();
	bk->bk_error = 1;
	bk->bk_nerror = 1;
	assert_int_equal(range(BLKDISCARD, 0, 1 << 20), EIO);
	bk->bk_error = S_UNSUPP;
	bk->bk_nerror = 1;
	assert_int_equal(range(BLKDISCARD, 0, 512), EOPNOTSUPP);
	assert_int_equal(range(BLKDISCARD, 0, 512), 0);
}

static void
ranges_are_checked(void **state)
{
	static const uint64_t bad[][2] = { { 1, 512 }, { 0, 511 },
	    { DISKSIZE, 512 }, { 0, DISKSIZE + 512 }, { 512, DISKSIZE },
	    { UINT64_MAX - 511, 512 }, { 512, UINT64_MAX - 511 } };
	u_int i;

	make(F_DISCARD | F_WRITE_ZEROES);
	limits(36, UINT32_MAX, UINT32_MAX, UINT32_MAX);
	limits(48, UINT32_MAX, 0, 0);
	attach();
	for (i = 0; i < nitems(bad); i++) {
		assert_int_equal(range(BLKDISCARD, bad[i][0], bad[i][1]),
		    EINVAL);
		assert_int_equal(range(BLKZEROOUT, bad[i][0], bad[i][1]),
		    EINVAL);
	}
	assert_int_equal(bk->bk_nrange, 0);
	assert_int_equal(range(BLKDISCARD, 0, 0), 0);
	assert_int_equal(dev_ioctl(node, BLKDISCARD, NULL, nodeflags),
	    EFAULT);
	nodeflags = FREAD;
	assert_int_equal(range(BLKDISCARD, 0, 512), EBADF);
	nodeflags = FREAD | FWRITE;
}

/* --- what the device tells ------------------------------------------------- */

static void
topology_is_passed_on(void **state)
{
	make(F_TOPOLOGY | F_GEOMETRY);
	sim_config_put(bk->bk_sv, 16, 2, 100);	/* cylinders */
	sim_config_put(bk->bk_sv, 18, 1, 16);
	sim_config_put(bk->bk_sv, 19, 1, 63);
	sim_config_put(bk->bk_sv, 24, 1, 3);	/* 8 blocks are one */
	sim_config_put(bk->bk_sv, 25, 1, 7);
	sim_config_put(bk->bk_sv, 26, 2, 16);
	sim_config_put(bk->bk_sv, 28, 4, 128);
	attach();
	assert_int_equal(number(BLKPBSZGET), 4096);
	assert_int_equal(number(BLKALIGNOFF), 3584);
	assert_int_equal(number(BLKIOMIN), 8192);
	assert_int_equal(number(BLKIOOPT), 65536);
	assert_int_equal(dev_ioctl(node, HDIO_GETGEO, buf, FREAD), 0);
	assert_int_equal(buf[0], 16);
	assert_int_equal(buf[1], 63);
	assert_int_equal(*(uint16_t *)(void *)&buf[2], 100);
}

static void
topology_that_makes_no_sense_is_none(void **state)
{
	make(F_TOPOLOGY);
	sim_config_put(bk->bk_sv, 24, 1, 200);
	sim_config_put(bk->bk_sv, 25, 1, 255);
	sim_config_put(bk->bk_sv, 26, 2, 0xffff);
	sim_config_put(bk->bk_sv, 28, 4, 0xffffffff);
	attach();
	assert_int_equal(number(BLKPBSZGET), 512);
	assert_int_equal(number(BLKALIGNOFF), 0);
	assert_int_equal(number(BLKIOMIN), 0xffff * 512);
	assert_int_equal(number(BLKIOOPT), 0);
}

static void
lifetime_is_told_in_words(void **state)
{
	make(F_LIFETIME);
	attach();
	bk->bk_sv->sv_priv = bk;
	sim_put(&bk->bk_life[0], 2, 2);
	sim_put(&bk->bk_life[2], 2, 3);
	sim_put(&bk->bk_life[4], 2, 11);
	assert_text("hw.vioblk0.lifetime",
	    "reserve=warning,slc=30%,mlc=over");
	memset(bk->bk_life, 0xff, sizeof(bk->bk_life));
	assert_text("hw.vioblk0.lifetime",
	    "reserve=unknown,slc=unknown,mlc=unknown");
	bk->bk_error = 1;
	bk->bk_nerror = 1;
	assert_text("hw.vioblk0.lifetime", "error 5");
}

static void
zones_that_must_be_managed_are_refused(void **state)
{
	make(F_ZONED);
	sim_config_put(bk->bk_sv, 92, 1, 1);
	sim_attach();
	assert_null(dev_lookup("vioblk0"));
	assert_true(sim_said("zones must be managed, not used"));
}

static void
zones_that_may_be_managed_are_not(void **state)
{
	size_t done;

	make(F_ZONED);
	sim_config_put(bk->bk_sv, 92, 1, 2);
	attach();
	assert_false(bk->bk_sv->sv_features & F_ZONED);
	assert_int_equal(rd(node, 0, 512, &done), 0);
}

static void
a_cache_that_was_turned_off_is_so_after_a_reset(void **state)
{
	make(F_CONFIG_WCE);
	sim_config_put(bk->bk_sv, 32, 1, 1);
	attach();
	assert_int_equal(sysctl_write("hw.vioblk0.writeback", "0"), 0);
	sim_config_put(bk->bk_sv, 32, 1, 1);	/* as after a reset */
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	while (bk->bk_sv->sv_config[32] == 1 &&
	    nsecuptime() < 10ULL * 1000000000)
		(void)msleep_nsec(&bk, NULL, PRI_KERN, "test", 1000000);
	assert_text("hw.vioblk0.writeback", "0");
}

/* Nobody tells of what changed while the device was being reset. */
static void
a_capacity_that_changed_across_a_reset_is_noticed(void **state)
{
	make(0);
	attach();
	sim_config_put(bk->bk_sv, 0, 8, 4096);
	assert_int_equal(sysctl_write("hw.virtio.0.control", "reset"), 0);
	assert_text("hw.vioblk0.size", "2097152");
}

static void
the_time_limit_can_be_set(void **state)
{
	uint64_t start;
	size_t done;

	make(0);
	attach();
	assert_int_equal(sysctl_write("hw.vioblk0.timeout", "0"), EINVAL);
	assert_int_equal(sysctl_write("hw.vioblk0.timeout", "1x"), EINVAL);
	assert_int_equal(sysctl_write("hw.vioblk0.timeout", "9999"), EINVAL);
	assert_int_equal(sysctl_write("hw.vioblk0.timeout", "3"), 0);
	bk->bk_hold = true;
	start = nsecuptime();
	assert_int_equal(rd(node, 0, 512, &done), EIO);
	assert_true(nsecuptime() - start < 10ULL * 1000000000);
	bk->bk_hold = false;
	assert_int_equal(rd(node, 0, 512, &done), 0);
}

/* --- reading ahead --------------------------------------------------------- */

static void
small_steps_are_few_requests(void **state)
{
	uint64_t off;
	size_t done;

	make(0);
	attach();
	bk->bk_nread = 0;
	for (off = 0; off < 1 << 20; off += 1000) {
		assert_int_equal(rd(node, off, 1000, &done), 0);
		assert_int_equal(done, 1000);
		assert_memory_equal(buf, bk->bk_disk + off, 1000);
	}
	assert_in_range(bk->bk_nread, 16, 40);
}

static void
steps_here_and_there_are_not_read_ahead(void **state)
{
	size_t done;
	u_int i;

	make(0);
	attach();
	bk->bk_nread = 0;
	for (i = 0; i < 100; i++)
		assert_int_equal(rd(node, i * 7919 % 8000 * 512, 512, &done),
		    0);
	assert_int_equal(bk->bk_nread, 100);
}

static void
what_is_written_is_what_is_read_ahead(void **state)
{
	uint64_t off, at;
	size_t done, len;

	make(0);
	attach();
	for (off = 0; off < 1 << 20; off += 700) {
		assert_int_equal(rd(node, off, 700, &done), 0);
		assert_memory_equal(buf, bk->bk_disk + off, 700);
		at = off + sim_random(100000);
		len = 1 + sim_random(3000);
		memset(buf, sim_random(256), len);
		assert_int_equal(node_rdwr(node, UIO_WRITE, buf, len, at, 0,
		    &done), 0);
	}
}

static void
what_was_read_ahead_is_old_after_a_second(void **state)
{
	size_t done;
	u_int i;

	make(0);
	attach();
	for (i = 0; i < 4; i++)
		assert_int_equal(rd(node, i * 512, 512, &done), 0);
	/* somebody else writes to it */
	memset(bk->bk_disk + 4 * 512, 0x55, 8 * 512);
	(void)msleep_nsec(&bk, NULL, PRI_KERN, "test", 1100000000);
	assert_int_equal(rd(node, 4 * 512, 512, &done), 0);
	assert_int_equal(buf[0], 0x55);
	memset(bk->bk_disk + 5 * 512, 0x66, 8 * 512);
	assert_int_equal(dev_ioctl(node, BLKFLSBUF, NULL, FREAD), 0);
	assert_int_equal(rd(node, 5 * 512, 512, &done), 0);
	assert_int_equal(buf[0], 0x66);
}

static void
an_error_ahead_is_no_error_yet(void **state)
{
	size_t done;
	u_int i;

	make(0);
	attach();
	for (i = 0; i < 2; i++)
		assert_int_equal(rd(node, i * 512, 512, &done), 0);
	/* what is read ahead goes first, and fails; so does nothing else */
	bk->bk_error = 1;
	bk->bk_nerror = 1;
	assert_int_equal(rd(node, 2 * 512, 512, &done), 0);
	for (; i < 300; i++) {
		assert_int_equal(rd(node, i * 512, 512, &done), 0);
		assert_memory_equal(buf, bk->bk_disk + i * 512, 512);
	}
}

static void
nothing_is_read_ahead_if_that_is_turned_off(void **state)
{
	size_t done;
	u_int i;

	make(0);
	attach();
	assert_int_equal(dev_ioctl(node, BLKRASET, NULL, FREAD), 0);
	bk->bk_nread = 0;
	for (i = 0; i < 50; i++)
		assert_int_equal(rd(node, i * 512, 512, &done), 0);
	assert_int_equal(bk->bk_nread, 50);
}

static void
several_pieces_are_one_request(void **state)
{
	struct iovec iov[40];
	struct uio uio = { .uio_iov = iov, .uio_iovcnt = 40,
	    .uio_resid = 40 * 512, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_READ };
	u_int i;

	make(0);
	attach();
	bk->bk_nread = 0;
	for (i = 0; i < 40; i++)
		iov[i] = (struct iovec){ buf + i * 1000 + 1, 512 };
	assert_int_equal(dev_rdwr(node, &uio, FREAD | FDIRECT), 0);
	assert_int_equal(bk->bk_nread, 1);
	for (i = 0; i < 40; i++)
		assert_memory_equal(buf + i * 1000 + 1,
		    bk->bk_disk + i * 512, 512);
}

static void
blocks_may_lie_across_pieces(void **state)
{
	struct iovec iov[30], *v = iov;
	struct uio uio = { .uio_iov = iov, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_WRITE };
	size_t left = 64 * 512, n, at = 0;
	u_int i;

	make(0);
	attach();
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = sim_random(256);
	for (i = 0; i < 30 && left > 0; i++, left -= n, at += n) {
		n = i == 29 ? left : MIN(left, 1 + sim_random(2500));
		*v++ = (struct iovec){ buf + at, n };
	}
	uio.uio_iovcnt = v - iov;
	uio.uio_resid = 64 * 512;
	assert_int_equal(dev_rdwr(node, &uio, FWRITE | FDIRECT), 0);
	assert_int_equal(uio.uio_resid, 0);
	assert_memory_equal(buf, bk->bk_disk, 64 * 512);
}

static void
parts_of_blocks_are_refused_where_the_device_is_wanted(void **state)
{
	size_t done;

	make(0);
	attach();
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 512, 1, FDIRECT,
	    &done), EINVAL);
	assert_int_equal(node_rdwr(node, UIO_READ, buf, 511, 0, FDIRECT,
	    &done), EINVAL);
	assert_int_equal(node_rdwr(node, UIO_READ, buf + 1, 1024, 512,
	    FDIRECT, &done), 0);
}

/* --- partitions ------------------------------------------------------------ */

static void
part(u_int slot, uint32_t start, uint32_t size)
{
	uint8_t *e = bk->bk_disk + 446 + 16 * slot;
	u_int i;

	memset(e, 0, 16);
	e[4] = 0x83;
	for (i = 0; i < 4; i++) {
		e[8 + i] = start >> (8 * i);
		e[12 + i] = size >> (8 * i);
	}
	bk->bk_disk[510] = 0x55;
	bk->bk_disk[511] = 0xaa;
}

static void
table(void)
{
	memset(bk->bk_disk, 0, 512);
	part(0, 10, 100);
	part(2, 200, 50);
}

static void
a_partition_is_its_part_of_the_disk(void **state)
{
	struct cdev *cd;
	uint64_t size;
	size_t done;

	make(0);
	table();
	attach();
	assert_true(sim_said("vioblk0: MBR, 2 partitions"));
	assert_null(dev_lookup("vioblk0p2"));
	cd = node_open("vioblk0p1", FREAD | FWRITE);
	assert_non_null(cd);
	assert_int_equal(dev_ioctl(cd, BLKGETSIZE64, buf, FREAD), 0);
	memcpy(&size, buf, sizeof(size));
	assert_int_equal(size, 100 * 512);
	assert_int_equal(rd(cd, 100, 1000, &done), 0);
	assert_memory_equal(buf, bk->bk_disk + 5120 + 100, 1000);
	node_close(cd, FREAD | FWRITE);
}

static void
nothing_is_written_behind_a_partition(void **state)
{
	struct cdev *cd;
	size_t done;

	make(0);
	table();
	attach();
	cd = node_open("vioblk0p1", FREAD | FWRITE);
	assert_non_null(cd);
	memset(buf, 0x77, 2048);
	assert_int_equal(node_rdwr(cd, UIO_WRITE, buf, 2048, 99 * 512, 0,
	    &done), 0);
	assert_int_equal(done, 512);
	assert_filled(109 * 512, 512, 0x77);
	assert_int_equal(node_rdwr(cd, UIO_WRITE, buf, 1, 100 * 512, 0,
	    &done), ENOSPC);
	assert_int_equal(rd(cd, 100 * 512, 512, &done), 0);
	assert_int_equal(done, 0);
	node_close(cd, FREAD | FWRITE);
}

static void
a_table_is_read_anew_when_asked_for(void **state)
{
	struct cdev *cd;

	make(0);
	table();
	attach();
	cd = node_open("vioblk0p1", FREAD);
	assert_non_null(cd);
	part(3, 300, 10);
	assert_int_equal(dev_ioctl(node, BLKRRPART, NULL, FREAD), EBUSY);
	node_close(cd, FREAD);
	assert_int_equal(dev_ioctl(node, BLKRRPART, NULL, FREAD), 0);
	cd = dev_lookup("vioblk0p4");
	assert_non_null(cd);
	dev_release(cd);
	memset(bk->bk_disk, 0, 512);
	assert_int_equal(dev_ioctl(node, BLKRRPART, NULL, FREAD), 0);
	assert_null(dev_lookup("vioblk0p1"));
	assert_null(dev_lookup("vioblk0p4"));
}

static void
a_partition_goes_with_its_disk(void **state)
{
	struct cdev *cd;
	size_t done;

	make(0);
	table();
	attach();
	cd = node_open("vioblk0p3", FREAD);
	assert_non_null(cd);
	sim_detach();
	assert_int_equal(rd(cd, 0, 512, &done), ENXIO);
	node_close(cd, FREAD);
}

static void
a_table_that_cannot_be_read_leaves_the_disk(void **state)
{
	make(0);
	table();
	bk->bk_error = 1;
	bk->bk_nerror = 2;		/* the serial number, and the table */
	attach();
	assert_true(sim_said("cannot read the partitions: error 5"));
	assert_null(dev_lookup("vioblk0p1"));
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(part_of_a_block_that_is_not_written_does_not_count),
		TEST(a_discard_is_told_in_pieces_of_what_the_device_takes),
		TEST(zeroes_are_made_by_the_device),
		TEST(zeroes_are_written_if_the_device_cannot),
		TEST(zeroes_are_written_if_the_device_says_that_it_cannot),
		TEST(a_secure_erasure_reaches_the_device),
		TEST(what_is_not_offered_is_not_supported),
		TEST(a_limit_of_nothing_is_not_supported),
		TEST(an_error_of_a_discard_is_told),
		TEST(ranges_are_checked),
		TEST(topology_is_passed_on),
		TEST(topology_that_makes_no_sense_is_none),
		TEST(lifetime_is_told_in_words),
		TEST(zones_that_must_be_managed_are_refused),
		TEST(zones_that_may_be_managed_are_not),
		TEST(a_cache_that_was_turned_off_is_so_after_a_reset),
		TEST(a_capacity_that_changed_across_a_reset_is_noticed),
		TEST(the_time_limit_can_be_set),
		TEST(small_steps_are_few_requests),
		TEST(steps_here_and_there_are_not_read_ahead),
		TEST(what_is_written_is_what_is_read_ahead),
		TEST(what_was_read_ahead_is_old_after_a_second),
		TEST(an_error_ahead_is_no_error_yet),
		TEST(nothing_is_read_ahead_if_that_is_turned_off),
		TEST(several_pieces_are_one_request),
		TEST(blocks_may_lie_across_pieces),
		TEST(parts_of_blocks_are_refused_where_the_device_is_wanted),
		TEST(a_partition_is_its_part_of_the_disk),
		TEST(nothing_is_written_behind_a_partition),
		TEST(a_table_is_read_anew_when_asked_for),
		TEST(a_partition_goes_with_its_disk),
		TEST(a_table_that_cannot_be_read_leaves_the_disk),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* vioblk(4) against a simulated disk. */

#include "test.h"

#include <sys/aio.h>
#include <sys/sysctl.h>

#include "sim/nodes.h"
#include "sim/sim.h"

#define F_SIZE_MAX	(1ULL << 1)
#define F_SEG_MAX	(1ULL << 2)
#define F_RO		(1ULL << 5)
#define F_BLK_SIZE	(1ULL << 6)
#define F_FLUSH		(1ULL << 9)
#define F_CONFIG_WCE	(1ULL << 11)
#define F_INDIRECT	(1ULL << 28)
#define F_EVENT_IDX	(1ULL << 29)

#define DISKSIZE	(4 << 20)

static struct sim_blk	*bk;
static struct cdev	*node;
static int		 nodeflags;
static uint8_t		 buf[1 << 21];

static const struct sim_virtio_conf plain = {
	.vc_features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_INDIRECT,
	.vc_nvec = 2, .vc_when = SIM_LATER,
};

static int
setup(void **state)
{
	sim_init();
	bk = NULL;
	node = NULL;
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
make(const struct sim_virtio_conf *vc, uint64_t size)
{
	bk = sim_blk_new(vc, size);
	sim_config_put(bk->bk_sv, 12, 4, 30);		/* seg_max */
	sim_config_put(bk->bk_sv, 20, 4, 512);		/* blk_size */
}

static void
attach(void)
{
	sim_attach();
	nodeflags = bk->bk_sv->sv_offered & F_RO ? FREAD : FREAD | FWRITE;
	node = node_open("vioblk0", nodeflags);
	if (node == NULL)
		fail_msg("%s", hosted_console());
}

static void
assert_refused(const char *why)
{
	sim_attach();
	assert_null(dev_lookup("vioblk0"));
	assert_true(sim_said(why));
}

static int
rd(uint64_t off, size_t len, size_t *done)
{
	memset(buf, 0xcc, len);
	return (node_rdwr(node, UIO_READ, buf, len, off, 0, done));
}

static int
wr(uint64_t off, size_t len, size_t *done)
{
	return (node_rdwr(node, UIO_WRITE, buf, len, off, 0, done));
}

static void
fill(size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = sim_random(256);
}

/* --- data ---------------------------------------------------------------- */

static void
read_and_write(u_int n)
{
	uint8_t *mirror = bk->bk_disk, *want;
	uint64_t off;
	size_t len, done;

	if ((want = host_alloc(DISKSIZE)) == NULL)
		fail();
	memcpy(want, mirror, DISKSIZE);
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
	assert_memory_equal(bk->bk_disk, want, DISKSIZE);
	host_free(want);
}

static void
rw_with(const struct sim_virtio_conf *vc)
{
	sim_dma_split = true;
	make(vc, DISKSIZE);
	attach();
	read_and_write(150);
	node_close(node, nodeflags);
	node = NULL;
	sim_detach();
	sim_blk_free(bk);
	bk = NULL;
}

static void
what_is_written_is_read_back_at_any_offset(void **state)
{
	rw_with(&plain);
}

static void
the_same_with_every_set_of_ring_features(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	for (i = 0; i < 8; i++) {
		vc.vc_features = F_FLUSH | (i & 1 ? F_INDIRECT : 0) |
		    (i & 2 ? F_EVENT_IDX : 0) | (i & 4 ? F_SEG_MAX : 0);
		vc.vc_random_order = i & 1;
		vc.vc_suppress = i & 3;
		vc.vc_when = i & 2 ? SIM_AT_ONCE : SIM_LATER;
		rw_with(&vc);
	}
}

static void
the_same_with_small_queues(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int size;

	vc.vc_nvq = 1;
	for (size = 4; size <= 1024; size *= 4) {
		vc.vc_qsize[0] = size;
		rw_with(&vc);
	}
}

static void
the_same_on_a_legacy_device(void **state)
{
	struct sim_virtio_conf vc = plain;

	if (WIRE_LE_SWAP)
		skip();
	vc.vc_legacy = vc.vc_nomodern = true;
	vc.vc_nvec = 0;
	rw_with(&vc);
	vc.vc_nvec = 2;
	rw_with(&vc);
}

static void
the_same_within_narrow_limits(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	vc.vc_features |= F_SIZE_MAX;
	for (i = 0; i < 4; i++) {
		make(&vc, DISKSIZE);
		sim_config_put(bk->bk_sv, 12, 4, 1 + i * 2);
		sim_config_put(bk->bk_sv, 8, 4, i == 3 ? 70000 : 512 << i);
		attach();
		read_and_write(30);
		node_close(node, nodeflags);
		node = NULL;
		sim_detach();
		sim_blk_free(bk);
	}
	bk = NULL;
}

static void
the_same_with_large_blocks(void **state)
{
	u_int size;

	for (size = 1024; size <= 65536; size *= 8) {
		make(&plain, DISKSIZE);
		sim_config_put(bk->bk_sv, 20, 4, size);
		attach();
		read_and_write(50);
		node_close(node, nodeflags);
		node = NULL;
		sim_detach();
		sim_blk_free(bk);
	}
	bk = NULL;
}

#define NTHREAD	8
static struct { u_int n; uint8_t b[40000]; int error; } worker[NTHREAD];

static void
work(void *arg)
{
	u_int i, k, n = *(u_int *)arg;
	uint64_t off;
	size_t len, done;

	for (i = 0; i < 30; i++) {
		len = 512 * (1 + sim_random(70));
		off = n * (DISKSIZE / NTHREAD) +
		    512 * sim_random((DISKSIZE / NTHREAD - len) / 512);
		for (k = 0; k < len; k++)
			worker[n].b[k] = i + n + k;
		if (node_rdwr(node, UIO_WRITE, worker[n].b, len, off, 0,
		    &done) != 0 || done != len)
			worker[n].error++;
		memset(worker[n].b, 0, len);
		if (node_rdwr(node, UIO_READ, worker[n].b, len, off, 0,
		    &done) != 0 || done != len)
			worker[n].error++;
		for (k = 0; k < len; k++) {
			if (worker[n].b[k] != (uint8_t)(i + n + k)) {
				worker[n].error++;
				break;
			}
		}
	}
}

static void
threads_do_not_get_in_each_others_way(void **state)
{
	struct sim_virtio_conf vc = plain;
	struct thread *td[NTHREAD];
	u_int i;

	vc.vc_random_order = true;
	make(&vc, DISKSIZE);
	attach();
	bk->bk_hold = false;
	for (i = 0; i < NTHREAD; i++) {
		worker[i].n = i;
		worker[i].error = 0;
		assert_int_equal(kthread_create(work, &worker[i].n, PRI_KERN,
		    "work", &td[i]), 0);
	}
	for (i = 0; i < NTHREAD; i++) {
		kthread_join(td[i]);
		assert_int_equal(worker[i].error, 0);
	}
}

/* --- ends and errors ----------------------------------------------------- */

static void
at_the_end_a_read_is_short(void **state)
{
	size_t done;

	make(&plain, 1 << 20);
	attach();
	assert_int_equal(rd((1 << 20) - 100, 1000, &done), 0);
	assert_int_equal(done, 100);
	assert_int_equal(rd(1 << 20, 1000, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(rd(1ULL << 62, 1000, &done), 0);
	assert_int_equal(done, 0);
}

static void
at_the_end_a_write_finds_no_room(void **state)
{
	size_t done;

	make(&plain, 1 << 20);
	attach();
	assert_int_equal(wr((1 << 20) - 100, 1000, &done), 0);
	assert_int_equal(done, 100);
	assert_int_equal(wr(1 << 20, 1000, &done), ENOSPC);
}

static void
an_error_of_the_device_is_passed_on_and_the_next_works(void **state)
{
	u_int status;
	size_t done;

	make(&plain, 1 << 20);
	attach();
	for (status = 1; status < 256; status += 50) {
		bk->bk_error = status;
		bk->bk_nerror = 1;
		assert_int_equal(rd(0, 4096, &done), EIO);
		assert_int_equal(rd(0, 4096, &done), 0);
		bk->bk_nerror = 1;
		assert_int_equal(wr(0, 4096, &done), EIO);
		assert_int_equal(wr(0, 4096, &done), 0);
	}
}

static void
a_status_that_was_not_written_is_an_error(void **state)
{
	size_t done;

	make(&plain, 1 << 20);
	attach();
	bk->bk_error = 0xff;
	bk->bk_nerror = 1;
	assert_int_equal(rd(0, 4096, &done), EIO);
}

static void
flush_reaches_the_device(void **state)
{
	make(&plain, 1 << 20);
	attach();
	assert_int_equal(dev_fsync(node), 0);
	assert_int_equal(bk->bk_nflush, 1);
	bk->bk_error = 1;
	bk->bk_nerror = 1;
	assert_int_equal(dev_fsync(node), EIO);
	assert_int_equal(dev_fsync(node), 0);
}

static void
without_the_feature_flush_is_nothing(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features &= ~F_FLUSH;
	make(&vc, 1 << 20);
	attach();
	assert_int_equal(dev_fsync(node), 0);
	assert_int_equal(bk->bk_nflush, 0);
}

static void
the_serial_number_is_told(void **state)
{
	char text[64];
	size_t len;

	make(&plain, 1 << 20);
	memcpy(bk->bk_id, "12345678901234567890", 20);
	attach();
	assert_int_equal(bk->bk_nid, 1);
	assert_int_equal(sysctl_read("hw.vioblk0.serial", text, sizeof(text),
	    &len), 0);
	assert_string_equal(text, "12345678901234567890");
}

static void
bytes_that_cannot_be_printed_are_not_in_the_serial_number(void **state)
{
	char text[64];
	size_t len;

	make(&plain, 1 << 20);
	memcpy(bk->bk_id, "a\033[2Jb\200\377\n\0x", 12);
	attach();
	assert_int_equal(sysctl_read("hw.vioblk0.serial", text, sizeof(text),
	    &len), 0);
	assert_string_equal(text, "a?[2Jb???");
}

static void
a_device_without_an_id_is_used(void **state)
{
	size_t done;

	make(&plain, 1 << 20);
	bk->bk_error = 2;
	bk->bk_nerror = 1;
	attach();
	assert_int_equal(rd(0, 512, &done), 0);
}

static void
a_read_only_disk_is_not_written_to(void **state)
{
	struct sim_virtio_conf vc = plain;
	struct cdev *cd;
	size_t done;

	vc.vc_features |= F_RO;
	make(&vc, 1 << 20);
	attach();
	assert_true(sim_said("read-only"));
	assert_int_equal(rd(0, 512, &done), 0);
	assert_int_not_equal(wr(0, 512, &done), 0);
	assert_int_equal(bk->bk_nwrite, 0);
	assert_non_null(cd = dev_lookup("vioblk0"));
	assert_int_equal(dev_open(cd, FREAD | FWRITE), EROFS);
	dev_release(cd);
}

/* --- geometry ------------------------------------------------------------ */

static void
a_capacity_of_0_is_refused(void **state)
{
	make(&plain, 0);
	assert_refused("capacity is 0");
}

static void
a_capacity_that_cannot_be_is_refused(void **state)
{
	make(&plain, 1 << 20);
	sim_config_put(bk->bk_sv, 0, 8, ~0ULL);
	assert_refused("capacity");
}

static void
a_block_size_that_cannot_be_is_refused(void **state)
{
	static const uint32_t bad[] = { 0, 1, 256, 511, 513, 768, 131072,
	    0x80000000, 0xffffffff };
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		make(&plain, 1 << 20);
		sim_config_put(bk->bk_sv, 20, 4, bad[i]);
		assert_refused("block size");
		sim_detach();
		sim_blk_free(bk);
	}
	bk = NULL;
}

static void
limits_that_leave_nothing_are_refused(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_features |= F_SIZE_MAX;
	make(&vc, 1 << 20);
	sim_config_put(bk->bk_sv, 8, 4, 100);
	assert_refused("segment size");
}

static void
a_segment_limit_of_0_counts_as_1(void **state)
{
	size_t done;

	make(&plain, 1 << 20);
	sim_config_put(bk->bk_sv, 12, 4, 0);
	attach();
	assert_int_equal(rd(0, 8192, &done), 0);
}

static void
a_queue_too_small_for_a_request_is_refused(void **state)
{
	struct sim_virtio_conf vc = plain;

	vc.vc_nvq = 1;
	vc.vc_qsize[0] = 2;
	vc.vc_features &= ~F_INDIRECT;
	make(&vc, 1 << 20);
	assert_refused("queue size is 2");
}

static void
a_new_capacity_is_noticed(void **state)
{
	size_t done;

	make(&plain, DISKSIZE);
	sim_config_put(bk->bk_sv, 0, 8, 2048);
	attach();
	assert_int_equal(dev_size(node), 1 << 20);
	sim_config_put(bk->bk_sv, 0, 8, DISKSIZE / 512);
	sim_virtio_changed(bk->bk_sv);
	hosted_run(1000);
	assert_int_equal(dev_size(node), DISKSIZE);
	assert_int_equal(rd(DISKSIZE - 512, 512, &done), 0);
	assert_int_equal(done, 512);
	sim_config_put(bk->bk_sv, 0, 8, 0);
	sim_virtio_changed(bk->bk_sv);
	hosted_run(1000);
	assert_int_equal(dev_size(node), DISKSIZE);
}

/* --- a device that does not answer, or goes ------------------------------ */

static void
no_answer_ends_in_an_error(void **state)
{
	uint64_t start;
	size_t done;

	make(&plain, 1 << 20);
	attach();
	bk->bk_hold = true;
	start = nsecuptime();
	assert_int_equal(rd(0, 512, &done), EIO);
	assert_true(nsecuptime() - start >= 60ULL * 1000000000);
	assert_true(nsecuptime() - start < 600ULL * 1000000000);
	assert_true(sim_said("no answer"));
	/* and after the reset it answers */
	bk->bk_hold = false;
	assert_int_equal(rd(0, 512, &done), 0);
	assert_int_equal(done, 512);
}

static void
a_disk_that_is_given_up_fails_at_once(void **state)
{
	uint64_t start;
	size_t done;

	make(&plain, 1 << 20);
	attach();
	bk->bk_sv->sv_refuse_ok = true;
	sim_virtio_needs_reset(bk->bk_sv);
	hosted_run(1000000);
	/* a request that comes now waits for the end of the story */
	assert_int_equal(rd(0, 512, &done), EIO);
	assert_true(sim_said("not used any more"));
	start = nsecuptime();
	assert_int_equal(rd(0, 512, &done), EIO);
	assert_int_equal(nsecuptime(), start);
}

static void
a_request_during_a_reset_waits_for_its_end(void **state)
{
	size_t done;

	make(&plain, 1 << 20);
	attach();
	bk->bk_sv->sv_resetpolls = 100;
	sim_virtio_needs_reset(bk->bk_sv);
	hosted_run(1000);
	assert_int_equal(rd(0, 512, &done), 0);
	assert_int_equal(done, 512);
}

static void
no_answer_at_attach_ends_too(void **state)
{
	make(&plain, 1 << 20);
	bk->bk_hold = true;
	sim_attach();
	assert_null(dev_lookup("vioblk0"));
}

static int	rd_error;
static size_t	rd_done;

static void
reader(void *arg)
{
	static uint8_t b[8192];

	rd_error = node_rdwr(node, UIO_READ, b, sizeof(b), 0, 0, &rd_done);
}

static void
detach_ends_what_is_on_its_way(void **state)
{
	struct thread *td[5];
	u_int i;

	make(&plain, 1 << 20);
	attach();
	bk->bk_hold = true;
	rd_error = 0;
	for (i = 0; i < nitems(td); i++)
		assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r",
		    &td[i]), 0);
	hosted_run(1000000);
	assert_int_equal(bk->bk_sv->sv_vq[0].sq_nheld, nitems(td));
	sim_detach();
	for (i = 0; i < nitems(td); i++)
		kthread_join(td[i]);
	assert_int_equal(rd_error, ENXIO);
	assert_int_equal(rd(0, 512, NULL), ENXIO);
}

static void
a_device_in_need_of_a_reset_fails_its_requests(void **state)
{
	struct thread *td;

	make(&plain, 1 << 20);
	attach();
	bk->bk_hold = true;
	assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r", &td), 0);
	hosted_run(1000000);
	sim_virtio_needs_reset(bk->bk_sv);
	kthread_join(td);
	assert_int_equal(rd_error, EIO);
}

static void
the_ring_is_used_to_its_depth(void **state)
{
	struct thread *td[20];
	u_int i;

	make(&plain, 1 << 20);
	attach();
	bk->bk_hold = true;
	for (i = 0; i < nitems(td); i++)
		assert_int_equal(kthread_create(reader, NULL, PRI_KERN, "r",
		    &td[i]), 0);
	hosted_run(1000000);
	assert_int_equal(bk->bk_sv->sv_vq[0].sq_nheld, nitems(td));
	sim_blk_release(bk);
	for (i = 0; i < nitems(td); i++)
		kthread_join(td[i]);
	assert_int_equal(rd_error, 0);
}

/* --- many at once -------------------------------------------------------- */

#define NAIO	200
static struct aio {
	struct aioreq	r;
	struct iovec	iov[4];
	u_int		ended;
} aio[NAIO];
static struct aiolist	aios;
static u_int		aio_nended;

static void
aio_ended(struct aioreq *ar)
{
	container_of(ar, struct aio, r)->ended++;
	aio_nended++;
}

static void
aio_begin(void)
{
	memset(aio, 0, sizeof(aio));
	memset(buf, 0xcc, sizeof(buf));
	TAILQ_INIT(&aios);
	aio_nended = 0;
}

/* The i-th one: niov pieces of so many bytes, from and to their own place. */
static void
aio_put(u_int i, enum aio_op op, uint64_t off, u_int niov, size_t len)
{
	struct aio *a = &aio[i];
	u_int k;

	for (k = 0; k < niov; k++)
		a->iov[k] = (struct iovec){ buf + off + k * len, len };
	a->r.ar_op = op;
	a->r.ar_uio = (struct uio){ .uio_iov = a->iov, .uio_iovcnt = niov,
	    .uio_offset = off, .uio_resid = niov * len,
	    .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = op == AIO_WRITE ? UIO_WRITE : UIO_READ };
	a->r.ar_done = aio_ended;
	TAILQ_INSERT_TAIL(&aios, &a->r, ar_link);
}

/* n reads of a block each, in places that are 4 KB apart. */
static void
aio_reads(u_int n)
{
	u_int i;

	aio_begin();
	for (i = 0; i < n; i++)
		aio_put(i, AIO_READ, 4096ULL * i, 1, 512);
}

static u_int
aio_left(void)
{
	struct aioreq *ar;
	u_int n = 0;

	TAILQ_FOREACH(ar, &aios, ar_link)
		n++;
	return (n);
}

static void
aio_check(u_int from, u_int to, int error)
{
	u_int i;

	for (i = from; i < to; i++) {
		assert_int_equal(aio[i].ended, 1);
		assert_int_equal(aio[i].r.ar_error, error);
		assert_int_equal(aio[i].r.ar_count, error != 0 ? 0 : 512);
		if (error == 0)
			assert_memory_equal(buf + 4096 * i,
			    bk->bk_disk + 4096 * i, 512);
	}
}

static void
a_batch_is_one_notification(void **state)
{
	struct sim_vq *sq;
	u_int n, i;

	for (i = 0; i < 2; i++) {
		make(&(struct sim_virtio_conf){ .vc_features = F_SEG_MAX |
		    F_INDIRECT | (i ? F_EVENT_IDX : 0), .vc_nvec = 2,
		    .vc_when = SIM_LATER }, DISKSIZE);
		sq = &bk->bk_sv->sv_vq[0];
		attach();
		for (n = 1; n <= 32; n *= 2) {
			u_int before = sq->sq_notified;

			aio_reads(n);
			dev_aio(node, &aios);
			assert_int_equal(aio_left(), 0);
			hosted_run(1000000);
			aio_check(0, n, 0);
			assert_int_equal(sq->sq_notified, before + 1);
		}
		node_close(node, nodeflags);
		node = NULL;
		sim_detach();
		sim_blk_free(bk);
		bk = NULL;
	}
}

static void
a_large_read_is_one_notification_too(void **state)
{
	struct sim_vq *sq;
	u_int before;
	size_t done;

	make(&plain, DISKSIZE);
	sq = &bk->bk_sv->sv_vq[0];
	attach();
	before = sq->sq_notified;
	/* 30 pages, in part or whole, are a request; 8 of these go together */
	assert_int_equal(rd(0, 8 * 29 * PAGE_SIZE, &done), 0);
	assert_int_equal(done, 8 * 29 * PAGE_SIZE);
	assert_int_equal(sq->sq_notified, before + 1);
}

static void
a_batch_larger_than_the_queue_goes_in_pieces(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int size, i;

	vc.vc_nvq = 1;
	for (size = 4; size <= 256; size *= 4) {
		for (i = 0; i < 2; i++) {
			vc.vc_qsize[0] = size;
			vc.vc_features = F_SEG_MAX | (i ? F_INDIRECT : 0);
			make(&vc, DISKSIZE);
			attach();
			aio_reads(NAIO);
			dev_aio(node, &aios);
			assert_int_equal(aio_left(), 0);
			hosted_run(1000000);
			aio_check(0, NAIO, 0);
			assert_true(bk->bk_most <= size);
			assert_true(bk->bk_sv->sv_vq[0].sq_notified <=
			    NAIO + 2);
			node_close(node, nodeflags);
			node = NULL;
			sim_detach();
			sim_blk_free(bk);
			bk = NULL;
		}
	}
}

static void
an_error_is_that_of_one_request(void **state)
{
	make(&plain, DISKSIZE);
	attach();
	bk->bk_hold = true;
	aio_reads(20);
	dev_aio(node, &aios);
	hosted_run(1000000);
	assert_int_equal(aio_nended, 0);
	bk->bk_error = 1;
	bk->bk_nerror = 3;
	sim_blk_release(bk);
	hosted_run(1000000);
	aio_check(0, 3, EIO);
	aio_check(3, 20, 0);
}

/* The driver refuses one, and sends what is before and behind it. */
static void
an_error_in_the_middle_of_a_batch(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int before;

	vc.vc_features |= F_RO;
	make(&vc, DISKSIZE);
	attach();
	before = bk->bk_sv->sv_vq[0].sq_notified;
	aio_begin();
	aio_put(0, AIO_READ, 0, 1, 512);
	aio_put(1, AIO_WRITE, 4096, 1, 512);
	aio_put(2, AIO_READ, 8192, 1, 512);
	dev_aio(node, &aios);
	assert_int_equal(aio_left(), 0);
	hosted_run(1000000);
	aio_check(0, 1, 0);
	aio_check(1, 2, EROFS);
	aio_check(2, 3, 0);
	assert_int_equal(bk->bk_sv->sv_vq[0].sq_notified, before + 1);
	assert_int_equal(bk->bk_nwrite, 0);
}

static void
pieces_of_a_request_end_together(void **state)
{
	struct sim_virtio_conf vc = plain;
	u_int i;

	vc.vc_random_order = true;
	make(&vc, DISKSIZE);
	attach();
	aio_begin();
	for (i = 0; i < 20; i++)
		aio_put(i, AIO_READ, i * 65536ULL, 4, 512 * (1 + i));
	/* three requests of the device's size, and one that is not full */
	aio_put(20, AIO_READ, 1 << 20, 1, 100 * PAGE_SIZE);
	aio_put(21, AIO_SYNC, 0, 0, 0);
	dev_aio(node, &aios);
	assert_int_equal(aio_left(), 0);
	hosted_run(1000000);
	assert_int_equal(aio_nended, 22);
	assert_int_equal(bk->bk_nflush, 1);
	for (i = 0; i < 21; i++) {
		assert_int_equal(aio[i].ended, 1);
		assert_int_equal(aio[i].r.ar_error, 0);
		assert_int_equal(aio[i].r.ar_count,
		    aio[i].r.ar_uio.uio_resid);
		assert_memory_equal(buf + aio[i].r.ar_uio.uio_offset,
		    bk->bk_disk + aio[i].r.ar_uio.uio_offset,
		    aio[i].r.ar_count);
	}
}

static void
what_needs_somebody_to_wait_is_left(void **state)
{
	struct sim_virtio_conf vc = plain;
	size_t done;

	vc.vc_features &= ~F_FLUSH;
	make(&vc, 1 << 20);
	attach();
	aio_begin();
	aio_put(0, AIO_READ, 100, 1, 512);
	aio_put(1, AIO_READ, 512, 2, 100);
	aio_put(2, AIO_READ, 0, 1, 0);
	aio_put(3, AIO_READ, (1 << 20) - 512, 1, 1024);
	aio_put(4, AIO_READ, 1 << 20, 1, 512);
	aio_put(5, AIO_WRITE, 0, 1, 1 << 20);
	aio_put(6, AIO_SYNC, 0, 0, 0);
	aio_put(7, AIO_READ, 512, 1, 512);
	dev_aio(node, &aios);
	assert_int_equal(aio_left(), 7);
	hosted_run(1000000);
	assert_int_equal(aio_nended, 1);
	assert_int_equal(aio[7].r.ar_count, 512);
	assert_int_equal(rd(0, 512, &done), 0);
}

static int	wr_error;

static void
partial_writer(void *arg)
{
	static uint8_t b[100];

	wr_error = node_rdwr(node, UIO_WRITE, b, sizeof(b), 100, 0, NULL);
}

/* It reads a block and writes it again; meanwhile nothing may change it. */
static void
a_write_of_part_of_a_block_waits_for_the_others(void **state)
{
	struct thread *td;
	u_int i;

	make(&plain, 1 << 20);
	attach();
	bk->bk_hold = true;
	aio_begin();
	aio_put(0, AIO_WRITE, 0, 1, 512);
	dev_aio(node, &aios);
	wr_error = -1;
	assert_int_equal(kthread_create(partial_writer, NULL, PRI_KERN, "w",
	    &td), 0);
	hosted_run(1000000);
	assert_int_equal(bk->bk_sv->sv_vq[0].sq_nheld, 1);
	assert_int_equal(wr_error, -1);
	sim_blk_release(bk);
	kthread_join(td);
	assert_int_equal(wr_error, 0);
	assert_int_equal(aio[0].r.ar_count, 512);
	for (i = 0; i < 512; i++)
		assert_int_equal(bk->bk_disk[i],
		    i >= 100 && i < 200 ? 0 : 0xcc);
}

static void
detach_ends_a_batch(void **state)
{
	u_int n;

	/* all of it in the ring, and some of it not yet */
	for (n = 10; n <= NAIO; n += NAIO - 10) {
		make(&plain, DISKSIZE);
		attach();
		bk->bk_hold = true;
		aio_reads(n);
		dev_aio(node, &aios);
		assert_int_equal(aio_left(), 0);
		hosted_run(1000000);
		assert_int_equal(aio_nended, 0);
		sim_detach();
		aio_check(0, n, ENXIO);
		/* a device that has gone takes nothing more */
		aio_reads(n);
		dev_aio(node, &aios);
		assert_int_equal(aio_left(), n);
		node_close(node, nodeflags);
		node = NULL;
		sim_blk_free(bk);
		bk = NULL;
	}
}

static void
a_reset_in_a_batch_loses_nothing(void **state)
{
	u_int i, failed = 0;

	make(&plain, DISKSIZE);
	attach();
	bk->bk_hold = true;
	aio_reads(NAIO);
	dev_aio(node, &aios);
	hosted_run(1000000);
	sim_virtio_needs_reset(bk->bk_sv);
	bk->bk_hold = false;
	hosted_run(1000000000);
	assert_int_equal(aio_nended, NAIO);
	/* what the device had is lost to it; what waited is sent then */
	for (i = 0; i < NAIO; i++)
		failed += aio[i].r.ar_error != 0;
	assert_true(failed > 0 && failed < NAIO);
	aio_check(0, failed, EIO);
	aio_check(failed, NAIO, 0);
}

/* --- every failure, every access ----------------------------------------- */

static void
clean(void)
{
	sim_detach();
	sim_blk_free(bk);
	bk = NULL;
	hosted_run(1000);
	assert_int_equal(hosted_nallocs, 0);
	assert_int_equal(sim_nsegs, 0);
	assert_int_equal(sim_nmaps, 0);
}

static void
every_failure_of_attach_leaves_nothing(void **state)
{
	struct cdev *cd;
	u_int n;

	for (n = 1; n < 2000; n++) {
		make(&plain, 1 << 20);
		hosted_fail_at = n;
		sim_attach();
		if (hosted_fail_at != 0)
			break;
		if ((cd = dev_lookup("vioblk0")) != NULL)
			dev_release(cd);
		clean();
	}
	assert_true(n > 20 && n < 2000);
	hosted_fail_at = 0;
	clean();
}

static void
every_failure_of_a_request_is_an_error_or_goes_on(void **state)
{
	size_t done;
	int error;
	u_int n;

	make(&plain, 1 << 20);
	attach();
	for (n = 1; n < 100; n++) {
		hosted_fail_at = n;
		error = rd(100, 5000, &done);
		if (hosted_fail_at != 0)
			break;
		assert_true(error == 0 || error == ENOMEM || error == EIO);
		if (error == 0)
			assert_memory_equal(buf, bk->bk_disk + 100, done);
		hosted_fail_at = 0;
		assert_int_equal(rd(100, 5000, &done), 0);
		assert_memory_equal(buf, bk->bk_disk + 100, 5000);
	}
	assert_true(n > 1 && n < 100);
	hosted_fail_at = 0;
}

static void
the_disk_may_vanish_at_any_access(void **state)
{
	u_int n, late = 0;

	for (n = 1; n < 5000; n++) {
		sim_gone = false;
		make(&plain, 1 << 20);
		sim_gone_at = n;
		sim_attach();
		node = node_open("vioblk0", FREAD);
		if (node != NULL) {
			(void)rd(0, 5000, NULL);
			(void)dev_fsync(node);
			node_close(node, FREAD);
			node = NULL;
		}
		late = MAX(late, bk->bk_sv->sv_pci.sp_nlate);
		if (sim_gone_at != 0)
			break;
		clean();
	}
	assert_true(n > 80 && n < 5000);
	/* what was in the middle of it may end; then nobody touches it */
	assert_true(late <= 20);
	sim_gone_at = 0;
	clean();
}

static void
every_failure_in_a_batch_is_an_error_or_goes_on(void **state)
{
	u_int n, i, left;

	make(&plain, DISKSIZE);
	attach();
	for (n = 1; n < 200; n++) {
		aio_reads(6);
		aio_put(6, AIO_READ, 1 << 20, 3, 4096);
		aio_put(7, AIO_SYNC, 0, 0, 0);
		hosted_fail_at = n;
		dev_aio(node, &aios);
		hosted_run(1000000);
		left = aio_left();
		assert_int_equal(aio_nended, 8 - left);
		for (i = 0; i < 6; i++) {
			assert_true(aio[i].ended <= 1);
			if (aio[i].ended == 1 && aio[i].r.ar_error == 0)
				aio_check(i, i + 1, 0);
		}
		if (hosted_fail_at != 0)
			break;
	}
	assert_true(n > 8 && n < 200);
	hosted_fail_at = 0;
}

static void
the_disk_may_vanish_in_a_batch(void **state)
{
	u_int n, i;

	for (n = 1; n < 200; n++) {
		sim_gone = false;
		make(&plain, DISKSIZE);
		attach();
		sim_gone_at = n;
		aio_reads(80);
		dev_aio(node, &aios);
		hosted_run(1000000);
		if (sim_gone_at != 0)
			break;
		sim_detach();
		assert_int_equal(aio_nended + aio_left(), 80);
		for (i = 0; i < 80; i++)
			assert_true(aio[i].ended <= 1);
		node_close(node, nodeflags);
		node = NULL;
		sim_blk_free(bk);
		bk = NULL;
	}
	assert_true(n > 1 && n < 200);
	sim_gone_at = 0;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read_back_at_any_offset),
		TEST(the_same_with_every_set_of_ring_features),
		TEST(the_same_with_small_queues),
		TEST(the_same_on_a_legacy_device),
		TEST(the_same_within_narrow_limits),
		TEST(the_same_with_large_blocks),
		TEST(threads_do_not_get_in_each_others_way),
		TEST(at_the_end_a_read_is_short),
		TEST(at_the_end_a_write_finds_no_room),
		TEST(an_error_of_the_device_is_passed_on_and_the_next_works),
		TEST(a_status_that_was_not_written_is_an_error),
		TEST(flush_reaches_the_device),
		TEST(without_the_feature_flush_is_nothing),
		TEST(the_serial_number_is_told),
		TEST(bytes_that_cannot_be_printed_are_not_in_the_serial_number),
		TEST(a_device_without_an_id_is_used),
		TEST(a_read_only_disk_is_not_written_to),
		TEST(a_capacity_of_0_is_refused),
		TEST(a_capacity_that_cannot_be_is_refused),
		TEST(a_block_size_that_cannot_be_is_refused),
		TEST(limits_that_leave_nothing_are_refused),
		TEST(a_segment_limit_of_0_counts_as_1),
		TEST(a_queue_too_small_for_a_request_is_refused),
		TEST(a_new_capacity_is_noticed),
		TEST(no_answer_ends_in_an_error),
		TEST(a_disk_that_is_given_up_fails_at_once),
		TEST(a_request_during_a_reset_waits_for_its_end),
		TEST(no_answer_at_attach_ends_too),
		TEST(detach_ends_what_is_on_its_way),
		TEST(a_device_in_need_of_a_reset_fails_its_requests),
		TEST(the_ring_is_used_to_its_depth),
		TEST(a_batch_is_one_notification),
		TEST(a_large_read_is_one_notification_too),
		TEST(a_batch_larger_than_the_queue_goes_in_pieces),
		TEST(an_error_is_that_of_one_request),
		TEST(an_error_in_the_middle_of_a_batch),
		TEST(pieces_of_a_request_end_together),
		TEST(what_needs_somebody_to_wait_is_left),
		TEST(a_write_of_part_of_a_block_waits_for_the_others),
		TEST(detach_ends_a_batch),
		TEST(a_reset_in_a_batch_loses_nothing),
		TEST(every_failure_of_attach_leaves_nothing),
		TEST(every_failure_of_a_request_is_an_error_or_goes_on),
		TEST(the_disk_may_vanish_at_any_access),
		TEST(every_failure_in_a_batch_is_an_error_or_goes_on),
		TEST(the_disk_may_vanish_in_a_batch),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

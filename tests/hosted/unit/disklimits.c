/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What subr_disk makes of the limits of a device: no bio may have more
 * segments, wherever in a page the program's memory begins.
 */

#include "test.h"

#include <sys/disk.h>
#include <sys/proc.h>
#include <sys/thread.h>

#include "sim/nodes.h"

#define DISKSIZE	(1 << 20)

static const struct bus_dma_tag direct = { .bdt_ops = &bus_dma_direct_ops };
static struct device	dev = { .dv_xname = "disk0" };
static struct proc	proc;
static struct disk	dk;
static u_int		nbios;
static uint8_t		memory[64 * PAGE_SIZE] __aligned(2 * PAGE_SIZE);

/* The disk's own memory begins a page where it has more than one. */
static void
own_memory(struct bio *bio)
{
	struct iovec *iov = bio->bio_uio.uio_iov;

	if ((uint8_t *)iov->iov_base < memory ||
	    (uint8_t *)iov->iov_base >= memory + sizeof(memory))
		iov->iov_base = memory;
}

static void
strategy(struct disk *d, struct biolist *bios)
{
	bus_dmamap_t map;
	struct bio *bio;

	while ((bio = TAILQ_FIRST(bios)) != NULL) {
		TAILQ_REMOVE(bios, bio, bio_link);
		nbios++;
		bio->bio_error = disk_checkbio(d, bio);
		if (bio->bio_error == 0) {
			assert_int_equal(bus_dmamap_create(&direct,
			    d->dk_maxxfer, d->dk_maxsegs, d->dk_maxseglen, 0,
			    BUS_DMA_NOWAIT, &map), 0);
			own_memory(bio);
			bio->bio_error = bus_dmamap_load_uio(&direct, map,
			    &bio->bio_uio, BUS_DMA_NOWAIT);
			bus_dmamap_unload(&direct, map);
			bus_dmamap_destroy(&direct, map);
		}
		biodone(bio);
	}
}

static int
setup(void **state)
{
	hosted_init();
	curthread->td_proc = &proc;
	return (0);
}

static int
teardown(void **state)
{
	curthread->td_proc = NULL;
	return (0);
}

/* A program reads the same as the kernel, at any place within two pages. */
static void
reads(size_t len)
{
	struct cdev *node = node_open("disk0", FREAD);
	struct iovec iov;
	struct uio uio;
	u_int at, i;
	int error;

	assert_non_null(node);
	for (at = 0; at < 2 * PAGE_SIZE; at += 236) {
		for (i = 0; i < 2; i++) {
			iov = (struct iovec){ memory + at, len };
			uio = (struct uio){ .uio_iov = &iov, .uio_iovcnt = 1,
			    .uio_resid = len, .uio_rw = UIO_READ,
			    .uio_segflg = i ? UIO_USERSPACE : UIO_SYSSPACE };
			error = dev_rdwr(node, &uio, FREAD | FDIRECT);
			if (error != 0)
				fail_msg("%u segments of %u, block %u, at "
				    "%u: error %d", dk.dk_maxsegs,
				    dk.dk_maxseglen, dk.dk_blksize, at, error);
			assert_int_equal(uio.uio_resid, 0);
		}
	}
	node_close(node, FREAD);
}

static void
no_bio_has_too_many_segments(void **state)
{
	static const uint32_t seglen[] = { 512, 1000, 1024, 2048, 3000, 4096,
	    6000, 8192, 65536 };
	static const uint32_t blksize[] = { 512, 4096, 65536 };
	static const uint32_t segs[] = { 1, 4, 5, 8, 9, 17, 66, 80, 126 };
	u_int i, k, b, n = 0;

	for (i = 0; i < nitems(seglen); i++) {
		for (k = 0; k < nitems(segs); k++) {
			for (b = 0; b < nitems(blksize); b++) {
				dk = (struct disk){ .dk_dev = &dev,
				    .dk_strategy = strategy,
				    .dk_dmat = &direct,
				    .dk_size = DISKSIZE,
				    .dk_blksize = blksize[b],
				    .dk_maxxfer = 1 << 20,
				    .dk_maxsegs = segs[k],
				    .dk_maxseglen = seglen[i],
				    .dk_flags = DKF_NOPART };
				if (disk_attach(&dk) != 0)
					continue;
				n++;
				reads(2 * 65536);
				disk_detach(&dk);
			}
		}
	}
	assert_true(n > 100);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_bio_has_too_many_segments),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

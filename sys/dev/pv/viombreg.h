/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOMBREG_H_
#define _DEV_PV_VIOMBREG_H_

/* VIRTIO 1.4, 5.5 Traditional Memory Balloon Device */

#include <sys/wire.h>

/* 5.5.2 Virtqueues: the first two are always there */
#define VIOMB_INFLATEQ	0
#define VIOMB_DEFLATEQ	1
#define VIOMB_STATSQ	2
#define VIOMB_HINTQ	3
#define VIOMB_REPORTQ	4
#define VIOMB_NQUEUES	5

/* 5.5.3 Feature bits */
#define VIRTIO_BALLOON_F_MUST_TELL_HOST		(1ULL << 0)
#define VIRTIO_BALLOON_F_STATS_VQ		(1ULL << 1)
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM		(1ULL << 2)
#define VIRTIO_BALLOON_F_FREE_PAGE_HINT		(1ULL << 3)
#define VIRTIO_BALLOON_F_PAGE_POISON		(1ULL << 4)
#define VIRTIO_BALLOON_F_PAGE_REPORTING		(1ULL << 5)

/* 5.5.4 Device configuration layout, for virtio_config_read() */
struct virtio_balloon_config {
	uint32_t	num_pages;		/* of 4096 bytes, wanted */
	uint32_t	actual;			/* R/W */
	uint32_t	free_page_hint_cmd_id;
	uint32_t	poison_val;		/* R/W */
};

/* 5.5.6.4 Free Page Hinting */
#define VIRTIO_BALLOON_CMD_ID_STOP	0
#define VIRTIO_BALLOON_CMD_ID_DONE	1

/* 5.5.6.3 Memory Statistics: ten bytes each, not aligned */
#define BALLOON_STAT_LEN		10
#define VIRTIO_BALLOON_S_MAJFLT		2
#define VIRTIO_BALLOON_S_MINFLT		3
#define VIRTIO_BALLOON_S_MEMFREE	4
#define VIRTIO_BALLOON_S_MEMTOT		5
#define VIRTIO_BALLOON_S_AVAIL		6
#define VIRTIO_BALLOON_S_CACHES		7

#define BALLOON_PAGE_SHIFT	12	/* whatever a page of ours is */

#endif /* _DEV_PV_VIOMBREG_H_ */

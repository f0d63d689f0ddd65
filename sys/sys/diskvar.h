/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_DISKVAR_H_
#define _SYS_DISKVAR_H_

/*
 * What the subr_disk files share: drivers want disk.h.
 *
 *	subr_disk.c	nodes, ioctls, sysctls, attachment
 *	subr_diskio.c	requests that somebody waits for
 *	subr_diskaio.c	requests that nobody waits for
 *	subr_diskahead.c reading ahead
 *	subr_diskpart.c	tables of partitions
 */

#include <sys/aio.h>
#include <sys/disk.h>
#include <sys/queue.h>
#include <sys/rwlock.h>
#include <sys/sysctl.h>

#define DISK_INFLIGHT	8	/* bios of one request */
#define DISK_MAXIOV	256
#define DISK_BLKMAX	65536U
#define DISK_STREAMS	4	/* readers that are followed at a time */

/* a node: the whole disk, or a part of it */
struct diskpart {
	TAILQ_ENTRY(diskpart)	 pt_link;
	struct disk		*pt_disk;
	struct cdev		*pt_cdev;
	u_int			 pt_index;	/* 0: the whole */
	uint64_t		 pt_start, pt_size; /* bytes; see disk_partsize */
	bool			 pt_open;
};
TAILQ_HEAD(partlist, diskpart);

/*
 * Blocks that are being written.  A change of part of a block is a read and
 * a write, between which nobody else may write there.
 */
struct diskwrite {
	LIST_ENTRY(diskwrite)	 dw_link;
	uint64_t		 dw_start, dw_end;
	bool			 dw_part;
};

/* a piece of the disk that was read before somebody asked for it */
struct aheadbuf {
	TAILQ_ENTRY(aheadbuf)	 ab_link;
	struct bio		 ab_bio;
	struct iovec		 ab_iov;
	struct disk		*ab_disk;
	uint64_t		 ab_start;
	size_t			 ab_len;
	uint64_t		 ab_time;	/* when it came */
	u_int			 ab_refs;
	bool			 ab_busy;	/* not yet there */
	bool			 ab_gone;	/* forgotten */
};
TAILQ_HEAD(aheadlist, aheadbuf);

/* a reader who goes through the disk in small steps */
struct diskstream {
	uint64_t		 ds_next;	/* what it will want, */
	uint64_t		 ds_ahead;	/* and what was asked for */
	size_t			 ds_window;
	u_int			 ds_runs;	/* steps so far */
	uint64_t		 ds_stamp;	/* when it was last seen */
	struct aheadlist	 ds_bufs;	/* in their order */
};

struct disk_priv {
	TAILQ_ENTRY(disk_priv)	 dp_link;	/* of all disks */
	struct disk		*dp_disk;
	size_t			 dp_maxbio;	/* bytes in one bio */
	u_int			 dp_maxiov;	/* pieces, */
	size_t			 dp_maxpiece;	/* each of so many at most,
						   0: of one page */
	bool			 dp_gone;
	struct diskpart		 dp_whole;
	struct rwlock		 dp_partlock;	/* dp_parts */
	struct partlist		 dp_parts;

	struct mutex		 dp_mtx;	/* from here on */
	u_int			 dp_opens;	/* nodes that are open */
	u_int			 dp_nalone;	/* nobody waits for these */
	LIST_HEAD(, diskwrite)	 dp_writes;
	u_int			 dp_nparts;	/* of these, parts of blocks */
	bool			 dp_wanted;
	struct diskstream	 dp_stream[DISK_STREAMS];
	uint64_t		 dp_stamp;
	size_t			 dp_window;	/* most to read ahead */

	struct sysctl_oid	 dp_serial, dp_size;
};

/* a bio and the pages it holds */
struct diskbio {
	struct bio	 db_bio;
	struct disk	*db_disk;
	struct aioreq	*db_aio;	/* NULL: somebody waits */
	struct diskbio	*db_next;	/* of the same request */
	struct diskwrite db_write;	/* the first of a request */
	bool		 db_done;
	bool		 db_wired;
	u_int		 db_niov, db_maxiov;
	struct iovec	 db_iov[];
};

/* Bytes of the node, 0 if the disk has shrunk so much. */
uint64_t disk_partsize(const struct diskpart *);

/*
 * diskio_uio: offsets are those of the node; with direct, parts of blocks
 * are refused (EINVAL) and nothing is read ahead.
 * diskio_kernel: one bio, waits.
 * diskio_range: DISCARD, ZERO, ERASE, in as many bios as it takes.  EINTR.
 */
int	diskio_uio(const struct diskpart *, struct uio *, bool direct);
int	diskio_kernel(struct disk *, enum bio_cmd, void *, size_t, uint64_t);
int	diskio_range(struct disk *, const struct disk_range *, enum bio_cmd,
	    uint64_t, uint64_t);
int	diskio_zero(struct disk *, uint64_t, uint64_t);

/* --- between diskio and diskaio */

/*
 * diskbio_new: a bio for as much as it can hold of an uio whose first skip
 * bytes others have; *lenp: bytes it has got, 0 where a block lies in more
 * pieces than the device takes.  Errors of vm_wire, ENOMEM with KM_NOSLEEP.
 */
int	diskbio_new(struct disk *, const struct uio *, size_t skip, int flags,
	    struct diskbio **, size_t *lenp);
struct diskbio *diskbio_alloc(struct disk *, u_int, int);
void	diskbio_add(struct biolist *, struct diskbio *, enum bio_cmd, uint64_t,
	    uint64_t, void (*)(struct bio *));
void	diskbio_unwire(struct diskbio *);
void	diskbio_free(struct diskbio *);
void	disk_send(struct disk *, struct biolist *);
enum bio_cmd disk_cmd(const struct uio *);

/*
 * disk_write_enter: before something is written; with wait false, EAGAIN in
 * its stead.  What was read ahead of it is forgotten.  disk_write_exit: any
 * context.
 */
int	disk_write_enter(struct disk *, struct diskwrite *, uint64_t start,
	    uint64_t len, bool part, bool wait);
void	disk_write_exit(struct disk *, struct diskwrite *);
bool	disk_written(struct disk_priv *, uint64_t start, uint64_t len);

/* Bios without a waiter: they are counted, and disk_quiet() waits for all. */
void	disk_alone(struct disk_priv *);
void	disk_notalone(struct disk_priv *);
void	disk_quiet(struct disk_priv *);

void	diskaio(struct cdev *, struct aiolist *);

/*
 * diskahead_read: some bytes from what was read ahead, at least one, or
 * EAGAIN: nothing is there.  The place is one of the disk.
 * diskahead_saw: somebody has read this; perhaps more will be wanted.
 * diskahead_forget: with dp_mtx.  What lies there is or becomes different.
 */
int	diskahead_read(struct disk *, struct uio *, uint64_t, size_t len);
void	diskahead_saw(struct disk *, uint64_t, size_t, uint64_t limit);
void	diskahead_forget(struct disk_priv *, uint64_t start, uint64_t end);
void	diskahead_forgetall(struct disk_priv *);

/*
 * The table of partitions.  part_scan: calls found() for each, in its order;
 * a line of text says what was found out, or is empty.  Errors are those of
 * reading.  It knows nothing but the function that reads blocks.
 */
struct partsrc {
	int		(*ps_read)(void *, uint64_t block, void *, u_int n);
	void		 *ps_arg;
	uint64_t	  ps_nblocks;
	uint32_t	  ps_blksize;
};
struct partent {
	u_int		  pe_index;	/* from 1 */
	uint64_t	  pe_start, pe_size;	/* blocks, within the disk */
};
#define PART_MAX	128
int	part_scan(const struct partsrc *, void (*)(void *,
	    const struct partent *), void *, char *, size_t);

#endif /* _SYS_DISKVAR_H_ */

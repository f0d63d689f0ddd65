/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_DISK_H_
#define _SYS_DISK_H_

/*
 * Disks.  A driver fills in a struct disk, calls disk_attach(), and serves
 * dk_strategy.  subr_disk.c makes the node in /dev, splits what is larger
 * than the limits, gives programs bytes where the disk has blocks, and lets
 * them have many requests on their way.
 */

#include <sys/bus_dma.h>
#include <sys/device.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/uio.h>

struct cdev;
struct disk;

enum bio_cmd { BIO_READ, BIO_WRITE, BIO_FLUSH };

struct bio {
	TAILQ_ENTRY(bio)	  bio_link;	/* the driver's, until done */
	enum bio_cmd		  bio_cmd;
	uint64_t		  bio_offset;	/* bytes, multiple of a block */
	struct uio		  bio_uio;	/* kernel memory; not consumed */
	size_t			  bio_len;	/* bytes, multiple of a block */
	int			  bio_error;	/* set before biodone() */
	void			(*bio_done)(struct bio *);
	void			 *bio_arg;
	void			 *bio_driver;	/* the driver's own */
};
TAILQ_HEAD(biolist, bio);

struct disk {
	struct device	 *dk_dev;
	void		(*dk_strategy)(struct disk *, struct biolist *);
	bus_dma_tag_t	  dk_dmat;
	uint64_t	  dk_size;		/* bytes */
	uint32_t	  dk_blksize;		/* bytes, a power of two >= 512 */
	uint32_t	  dk_maxxfer;		/* bytes in one bio */
	uint32_t	  dk_maxsegs;		/* segments in one bio */
	uint32_t	  dk_maxseglen;		/* bytes in one segment */
	int		  dk_flags;
	char		  dk_serial[21];	/* printable, or "" */

	struct cdev	 *dk_cdev;		/* subr_disk.c's own from here */
	struct disk_priv *dk_priv;
};
#define DKF_RDONLY	0x01
#define DKF_FLUSH	0x02		/* BIO_FLUSH does something */

/*
 * disk_attach: thread context, at the end of a driver's attach.  EINVAL: the
 * geometry makes no sense.  ENOMEM.
 * disk_detach: thread context.  No new requests after it; those on their way
 * must have been completed by the driver, before or meanwhile.
 * disk_resized: thread context; dk_size has changed.
 * biodone: any context; bio_error says how it went.
 * dk_strategy is called in thread context without locks, with bios that are
 * to be sent together.  It takes all of them, and each must lead to one
 * biodone(), even if the device has gone.
 */
int	disk_attach(struct disk *);
void	disk_detach(struct disk *);
void	disk_resized(struct disk *, uint64_t);
void	biodone(struct bio *);

/* Read or write kernel memory, any offset and length; waits.  EIO, EINVAL. */
int	disk_rdwr(struct disk *, enum uio_rw, void *, size_t, uint64_t);

#endif /* _SYS_DISK_H_ */

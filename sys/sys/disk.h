/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_DISK_H_
#define _SYS_DISK_H_

/*
 * Disks.  A driver fills in a struct disk, calls disk_attach(), and serves
 * dk_strategy.  The subr_disk files make the nodes in /dev, find partitions,
 * split what is larger than the limits, give programs bytes where the disk
 * has blocks, read ahead, and let programs have many requests on their way.
 */

#include <sys/bus_dma.h>
#include <sys/device.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/uio.h>

struct disk;
struct disk_priv;

/*
 * ERASE: nobody can read it any more, wherever it is; ZERO: it reads as
 * zeroes; DISCARD: its content is of no use, and may read as anything.
 * These three and FLUSH have no data.
 */
enum bio_cmd {
	BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD, BIO_ZERO, BIO_ERASE
};

struct bio {
	TAILQ_ENTRY(bio)	  bio_link;	/* the driver's, until done */
	enum bio_cmd		  bio_cmd;
	uint64_t		  bio_offset;	/* bytes, multiple of a block */
	struct uio		  bio_uio;	/* kernel memory; not consumed */
	uint64_t		  bio_len;	/* bytes, multiple of a block */
	int			  bio_error;	/* set before biodone() */
	void			(*bio_done)(struct bio *);
	void			 *bio_arg;
	void			 *bio_driver;	/* the driver's own */
};
TAILQ_HEAD(biolist, bio);

static inline bool
bio_hasdata(const struct bio *bio)
{
	return (bio->bio_cmd == BIO_READ || bio->bio_cmd == BIO_WRITE);
}

/* of one DISCARD, ZERO or ERASE */
struct disk_range {
	uint64_t	dr_max;		/* bytes; 0: the disk does not do it */
	uint64_t	dr_align;	/* better if it begins there; 0: none */
};

struct disk {
	struct device	 *dk_dev;
	void		(*dk_strategy)(struct disk *, struct biolist *);
	/* these may be NULL; see below */
	int		(*dk_open)(struct disk *, int flags);
	void		(*dk_close)(struct disk *);
	int		(*dk_ioctl)(struct disk *, u_long, void *, int flags);
	bus_dma_tag_t	  dk_dmat;
	uint64_t	  dk_size;		/* bytes */
	uint32_t	  dk_blksize;		/* bytes, a power of two >= 512 */
	uint32_t	  dk_maxxfer;		/* bytes in one bio */
	uint32_t	  dk_maxsegs;		/* segments in one bio */
	uint32_t	  dk_maxseglen;		/* bytes in one segment */
	int		  dk_flags;
	char		  dk_serial[64];	/* printable, or "" */

	/* what a driver may know besides; 0 where it does not */
	uint32_t	  dk_physsize;		/* bytes of a physical block */
	uint32_t	  dk_alignoff;		/* of its first one */
	uint32_t	  dk_minio, dk_optio;	/* bytes that are done well */
	uint16_t	  dk_cylinders;
	uint8_t		  dk_heads, dk_sectors;
	struct disk_range dk_discard, dk_zero, dk_erase;

	struct disk_priv *dk_priv;		/* not the driver's */
};
#define DKF_RDONLY	0x01
#define DKF_FLUSH	0x02		/* BIO_FLUSH does something */
#define DKF_NOMEDIUM	0x04		/* there is none in it now */
#define DKF_NOPART	0x08		/* do not look for partitions */
#define DKF_ROTATES	0x10		/* near blocks are reached sooner */

/*
 * disk_attach: thread context, at the end of a driver's attach; reads the
 * table of partitions.  EINVAL: the geometry makes no sense.  ENOMEM.
 * disk_detach: thread context.  No new requests after it; those on their way
 * must have been completed by the driver, before or meanwhile.
 * disk_resized: thread context; the disk has so many bytes now.
 * disk_medium: thread context.  Another medium is there, or none: size,
 * blocks, limits and DKF_RDONLY or DKF_NOMEDIUM are as the driver has set
 * them.  What was known of the old one is forgotten.  EINVAL: it cannot be
 * used, and counts as none.
 * biodone: any context; bio_error says how it went.
 *
 * dk_strategy is called in thread context without locks, with bios that are
 * to be sent together.  It takes all of them, and each must lead to one
 * biodone(), even if the device has gone.  disk_checkbio is for its beginning:
 * an errno for a bio that the disk as it is now cannot do.
 * dk_open: of the whole disk; an errno refuses.  dk_close: nobody has it open any more, nor one
 * of its partitions.  dk_ioctl: ENOTTY where it is not the driver's.
 */
int	disk_attach(struct disk *);
void	disk_detach(struct disk *);
void	disk_resized(struct disk *, uint64_t);
int	disk_medium(struct disk *);
void	biodone(struct bio *);
int	disk_checkbio(const struct disk *, const struct bio *);

/* Read or write kernel memory, any offset and length; waits.  EIO, EINVAL. */
int	disk_rdwr(struct disk *, enum uio_rw, void *, size_t, uint64_t);

/*
 * Each node of a disk, in the order of their names; thread context.  Sizes
 * are in bytes, the start is on the disk.
 */
struct disk_node {
	const char	*dn_name;
	dev_t		 dn_rdev;
	u_int		 dn_index;	/* 0: the whole disk */
	uint64_t	 dn_start, dn_size;
};
void	disk_foreach(void (*)(void *, const struct disk_node *), void *);

#endif /* _SYS_DISK_H_ */

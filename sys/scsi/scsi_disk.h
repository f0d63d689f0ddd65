/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SCSI_SCSI_DISK_H_
#define _SCSI_SCSI_DISK_H_

/*
 * What sd(4) and cd(4) have in common: a unit with blocks, whose medium may
 * go and come.
 */

#include <sys/disk.h>
#include <sys/rwlock.h>

#include <scsi/scsivar.h>

#define UNMAP_LEN	24		/* parameters of one range */

/* a bio on its way */
struct scsi_io {
	TAILQ_ENTRY(scsi_io)	 io_link;	/* free */
	struct scsi_xfer	 io_xfer;
	struct scsi_disk	*io_disk;
	struct bio		*io_bio;
	struct iovec		 io_iov;
	uint8_t			 io_param[UNMAP_LEN];
};

enum scsi_discard { DISCARD_UNMAP, DISCARD_WRITE_SAME };

struct scsi_disk {
	struct scsi_unit	*sk_unit;
	struct device		*sk_dev;
	struct disk		 sk_disk;
	bool			 sk_attached;	/* disk_attach() was called */
	bool			 sk_removable;
	bool			 sk_unusable;	/* and that was said */
	enum scsi_discard	 sk_discard;
	uint32_t		 sk_maxblocks;	/* of one command; 0: any */
	struct rwlock		 sk_lock;	/* looking at the medium */

	struct mutex		 sk_mtx;
	struct biolist		 sk_bios;	/* no memory for these yet */
	TAILQ_HEAD(, scsi_io)	 sk_free;
	u_int			 sk_nbusy;
	bool			 sk_closed;	/* no new ones */
	uint8_t			*sk_zeroes;	/* a block of them */
	size_t			 sk_zerolen;
};

/*
 * scsi_disk_init: before the others; no errors.
 * scsi_disk_medium: thread context; reads the capacity anew.  0 also where
 *	there is no medium, which DKF_NOMEDIUM tells; ENXIO: what it says
 *	cannot be; *why gets a text for that.
 * scsi_disk_look: the same for a disk that is attached, and tells disk.h if
 *	anything is different, or the medium is known to be another one.  An
 *	errno of disk_open().
 * scsi_disk_attach: the limits are those of the adapter, the rest of sk_disk
 *	is the caller's.
 * scsi_disk_detach: waits for what is on its way; harmless if not attached.
 * scsi_disk_size: "2048 MB" in buf.
 */
void	scsi_disk_init(struct scsi_disk *, struct device *,
	    struct scsi_unit *);
int	scsi_disk_medium(struct scsi_disk *, const char **why);
int	scsi_disk_look(struct scsi_disk *, bool other);
int	scsi_disk_attach(struct scsi_disk *);
void	scsi_disk_detach(struct scsi_disk *);
const char *scsi_disk_size(const struct scsi_disk *, char *, size_t);

#endif /* _SCSI_SCSI_DISK_H_ */

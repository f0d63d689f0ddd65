/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SCSI_SCSIVAR_H_
#define _SCSI_SCSIVAR_H_

/*
 * SCSI.  Three parties:
 *
 *	an adapter (vioscsi) carries commands to logical units.  It fills in a
 *	struct scsi_adapter and attaches scsibus with it;
 *
 *	the bus finds the units, sends what their drivers want sent, tries
 *	again what may be tried again, takes back what is not answered in time,
 *	and makes an errno of what the unit says (scsibus.c, scsi_base.c,
 *	scsi_recover.c, scsi_sense.c);
 *
 *	the driver of a unit (sd, cd) knows its commands.
 *
 * Locks: the bus has one, sc_mtx, for the lists of commands.  The adapter is
 * called without it, and calls scsi_done() without its own.
 */

#include <sys/bus_dma.h>
#include <sys/device.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/timeout.h>
#include <sys/uio.h>

#include <scsi/scsi.h>

struct scsi_adapter;
struct scsi_unit;
struct scsibus_softc;

/* --- a command ---------------------------------------------------------- */

enum scsi_dir { SCSI_NODATA, SCSI_IN, SCSI_OUT };

/* what the adapter knows of how it went */
enum scsi_result {
	SCSI_ANSWERED,		/* xs_status says how */
	SCSI_NOBODY,		/* there is no such unit */
	SCSI_BUSY,		/* not now */
	SCSI_ABORTED,		/* taken back, or lost in a reset */
	SCSI_FAILED,		/* and would again */
};

struct scsi_xfer {
	TAILQ_ENTRY(scsi_xfer)	 xs_link;	/* who has it */
	TAILQ_ENTRY(scsi_xfer)	 xs_busy;	/* sc_mtx: of the unit */
	struct scsi_unit	*xs_unit;
	uint8_t			 xs_cdb[SCSI_CDB_MAX];
	enum scsi_dir		 xs_dir;
	struct uio		 xs_uio;	/* kernel memory; not consumed */
	size_t			 xs_len;	/* bytes of data */
	u_int			 xs_secs;	/* limit; 0: as usual */
	int			 xs_flags;
	void			(*xs_done)(struct scsi_xfer *);	/* any context */
	void			*xs_arg;

	/* the adapter's, before scsi_done() */
	enum scsi_result	 xs_result;
	uint8_t			 xs_status;
	uint8_t			 xs_senselen;
	uint8_t			 xs_sense[SCSI_SENSE_MAX];
	size_t			 xs_resid;	/* bytes that were not moved */
	uint64_t		 xs_tag;	/* its name for the device */

	/* set before xs_done() */
	int			 xs_error;

	/* scsi_base.c's own */
	uint64_t		 xs_deadline;
	uint64_t		 xs_again;	/* to be sent again then; 0: no */
	u_int			 xs_nattention, xs_nbusy, xs_naborted;
	bool			 xs_waits;	/* is in su_wait */
	bool			 xs_overdue;
};
TAILQ_HEAD(scsi_xferlist, scsi_xfer);

#define XSF_QUIET	0x01		/* say nothing if it fails */
#define XSF_ONCE	0x02		/* do not try again */
#define XSF_LOOK	0x04		/* part of finding out what is new */
#define XSF_MEDIUM	0x08		/* not for any other medium */

/* --- an adapter --------------------------------------------------------- */

/*
 * sa_submit: thread or interrupt context; takes all commands of the list, to
 *	be sent together.  Each leads to one scsi_done().
 * sa_abort, sa_reset_unit: thread context; ask the device to take back one
 *	command, or all of a unit.  0: it has said so, and those commands have
 *	led to scsi_done(); EIO: it did not.
 * sa_reset: any context; resets all.  Every command leads to scsi_done().
 */
struct scsi_adapter {
	struct device	 *sa_dev;
	void		(*sa_submit)(struct scsi_adapter *,
			    struct scsi_xferlist *);
	int		(*sa_abort)(struct scsi_adapter *, u_int target,
			    u_int lun, uint64_t tag);
	int		(*sa_reset_unit)(struct scsi_adapter *, u_int target,
			    u_int lun);
	void		(*sa_reset)(struct scsi_adapter *, const char *why);
	bus_dma_tag_t	  sa_dmat;
	u_int		  sa_maxtarget, sa_maxlun;	/* the last ones */
	u_int		  sa_perunit;	/* commands on their way to a unit */
	uint32_t	  sa_maxxfer;	/* bytes of one command */
	uint32_t	  sa_maxsegs;
	uint32_t	  sa_maxseglen;
	u_int		  sa_secs;	/* the usual limit of a command */

	struct scsibus_softc *sa_bus;	/* scsibus's; NULL: not attached */
};

/*
 * What an adapter calls.  scsi_done, scsibus_event: any context, without the
 * adapter's locks.
 */
enum scsibus_event {
	SCSIBUS_RESCAN,		/* this target may have changed */
	SCSIBUS_REMOVED,	/* the unit, or if it is 0 the target, is gone */
	SCSIBUS_CHANGED,	/* the unit: see its sense code */
	SCSIBUS_MISSED		/* nobody knows what */
};
void	scsi_done(struct scsi_xfer *);
void	scsibus_event(struct scsi_adapter *, enum scsibus_event, u_int target,
	    u_int lun, u_int asc);
void	scsi_set_timeout(struct scsi_adapter *, u_int secs);

/* --- a unit ------------------------------------------------------------- */

#define SU_CAPACITY	0x01		/* what may be different */
#define SU_MEDIUM	0x02
#define SU_MODE		0x04

struct scsi_unit {
	TAILQ_ENTRY(scsi_unit)	 su_link;
	struct scsibus_softc	*su_bus;
	struct scsi_adapter	*su_adapter;
	struct device		*su_dev;	/* its driver's, or NULL */
	u_int			 su_target, su_lun;
	uint8_t			 su_inquiry[INQ_LEN];
	uint8_t			 su_serial[64];	/* the page, or zeroes */
	char			 su_vendor[9], su_product[17], su_revision[5];

	/* its driver's: called in a thread, one at a time, see SU_* */
	void			(*su_changed)(void *, int what);
	void			*su_arg;

	/* sc_mtx from here */
	struct scsi_xferlist	 su_busy;	/* all that are not ended */
	struct scsi_xferlist	 su_wait;	/* of these, not yet sent */
	u_int			 su_nsent;
	bool			 su_gone;
	int			 su_events;	/* for su_changed */
	bool			 su_newmedium;	/* it said so: its driver's */
	uint64_t		 su_lastline;	/* when something was said */
	bool			 su_found;	/* in a scan */
	bool			 su_probe;	/* made to ask its target */
};

struct scsi_attach_args {
	struct scsi_unit	*sa_unit;
};

/*
 * scsi_start: any context.  Several commands for units of one bus, which
 *	they name.
 * scsi_exec: thread context; waits.  An errno:
 *	EIO, and for what the unit refuses EOPNOTSUPP (it does not know the
 *	command), EINVAL (nor its fields), ENOMEDIUM, EROFS, ENOSPC; ENXIO: it
 *	has gone.  Sense data stay in the xfer.
 * scsi_command: the same for a cdb and a piece of memory; *done, if it is
 *	not NULL, are the bytes that were moved.
 * scsi_unit_fits: for a match: the configuration's line is about this one.
 * scsi_vpd: a page of INQUIRY; bytes it has, checked, in *len.  ENOENT.
 */
void	scsi_start(struct scsi_xferlist *);
int	scsi_exec(struct scsi_unit *, struct scsi_xfer *);
int	scsi_command(struct scsi_unit *, const uint8_t *cdb, size_t,
	    enum scsi_dir, void *, size_t, int flags, size_t *done);
bool	scsi_unit_fits(const struct cfdata *, const struct scsi_unit *);
int	scsi_vpd(struct scsi_unit *, uint8_t page, uint8_t *, size_t,
	    size_t *len);

/*
 * Sense data in two forms; false: that is none.  scsi_sense_text: in words.
 */
struct scsi_sense {
	uint8_t		ss_key;
	uint16_t	ss_asc;		/* see ASC() */
};
bool	scsi_sense(const uint8_t *, size_t, struct scsi_sense *);
void	scsi_sense_text(const struct scsi_sense *, char *, size_t);
const char *scsi_opname(uint8_t);

/* --- between scsibus.c, scsi_base.c and scsi_recover.c ------------------- */

struct scsibus_work {
	enum scsibus_event	 sw_event;
	u_int			 sw_target, sw_lun, sw_asc;
};
#define SCSIBUS_NWORK	32

struct scsibus_softc {
	struct device		 sc_dev;
	struct scsi_adapter	*sc_adapter;
	TAILQ_HEAD(, scsi_unit)	 sc_units;	/* the bus's thread, sc_mtx */

	struct mutex		 sc_mtx;
	struct scsi_xferlist	 sc_ready;	/* for the adapter */
	bool			 sc_sending;	/* somebody gives it these */
	struct scsi_xferlist	 sc_delayed;	/* to be sent again */
	struct timeout		 sc_again;
	struct timeout		 sc_late;
	struct scsi_xfer	*sc_taken;	/* being taken back */
	bool			 sc_recover;	/* somebody is late */
	struct scsibus_work	 sc_work[SCSIBUS_NWORK];
	u_int			 sc_nwork;
	bool			 sc_scan, sc_changed, sc_exit;
	struct thread		*sc_thread;	/* events */
	struct thread		*sc_rescuer;	/* scsi_recover.c */
};

void	scsi_unit_gone(struct scsi_unit *);
void	scsi_base_init(struct scsibus_softc *);
void	scsi_base_fini(struct scsibus_softc *);
void	scsi_late(void *);
void	scsi_rescue(void *);		/* the thread */

#endif /* _SCSI_SCSIVAR_H_ */

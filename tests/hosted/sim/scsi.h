/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SIM_SCSI_H_
#define _SIM_SCSI_H_

/*
 * A SCSI host (VIRTIO 1.4, 5.6) and what is attached to it.  scsi.c has the
 * queues, scsilu.c the logical units.
 *
 *	sh = sim_scsi_new(&conf);
 *	lu = sim_lu_new(sh, target, lun, SIM_DISK, blocks, 512);
 *	lu->lu_wp = true; ...
 *	sim_attach();
 *
 * Commands are carried out when they are completed, in the order in which
 * they came, or in any with vc_random_order.  What a driver must not do is a
 * sim_fault().
 */

#include "sim.h"

/* types of peripheral devices */
#define SIM_DISK	0x00
#define SIM_TAPE	0x01
#define SIM_PROCESSOR	0x03
#define SIM_CDROM	0x05
#define SIM_NOTYPE	0x1f

/* where a field of the configuration is */
#define SIM_SCSI_NUM_QUEUES	0
#define SIM_SCSI_SEG_MAX	4
#define SIM_SCSI_MAX_SECTORS	8
#define SIM_SCSI_CMD_PER_LUN	12
#define SIM_SCSI_EVENT_SIZE	16
#define SIM_SCSI_SENSE_SIZE	20
#define SIM_SCSI_CDB_SIZE	24
#define SIM_SCSI_MAX_CHANNEL	28
#define SIM_SCSI_MAX_TARGET	30
#define SIM_SCSI_MAX_LUN	32
#define SIM_SCSI_CFGSIZE	36

#define SIM_SCSI_F_INOUT	(1ULL << 0)
#define SIM_SCSI_F_HOTPLUG	(1ULL << 1)
#define SIM_SCSI_F_CHANGE	(1ULL << 2)
#define SIM_SCSI_F_T10_PI	(1ULL << 3)

/* response */
enum {
	SIM_R_OK, SIM_R_OVERRUN, SIM_R_ABORTED, SIM_R_BAD_TARGET, SIM_R_RESET,
	SIM_R_BUSY, SIM_R_TRANSPORT_FAILURE, SIM_R_TARGET_FAILURE,
	SIM_R_NEXUS_FAILURE, SIM_R_FAILURE,
	SIM_R_SUCCEEDED, SIM_R_REJECTED, SIM_R_INCORRECT_LUN	/* of TMFs */
};

/* status */
#define SIM_GOOD		0x00
#define SIM_CHECK		0x02
#define SIM_BUSY		0x08
#define SIM_CONFLICT		0x18
#define SIM_TASK_SET_FULL	0x28

/* task management functions, and how they are answered: sh_tmfanswer */
enum {
	SIM_TMF_ABORT_TASK, SIM_TMF_ABORT_TASK_SET, SIM_TMF_CLEAR_ACA,
	SIM_TMF_CLEAR_TASK_SET, SIM_TMF_NEXUS_RESET, SIM_TMF_LUN_RESET,
	SIM_TMF_QUERY_TASK, SIM_TMF_QUERY_TASK_SET, SIM_NTMF
};
#define SIM_TMF_MUTE		0x100	/* not at all; nothing is done */
#define SIM_TMF_IDLE(r)		(0x200 | (r))	/* so; nothing is done */
#define SIM_TMF_SAY(r)		(0x400 | (r))	/* so, but it is done */
#define SIM_TMF_LATE		0x800	/* it is done, and not answered */

/* events */
#define SIM_EV_NONE		0
#define SIM_EV_RESET		1
#define SIM_EV_ASYNC		2
#define SIM_EV_PARAM		3
#define SIM_EV_MISSED		0x80000000
#define SIM_EV_HARD		0	/* reasons of RESET */
#define SIM_EV_RESCAN		1
#define SIM_EV_REMOVED		2

/* what a logical unit does not know: lu_without */
#define SIM_NO_RC16		0x0001
#define SIM_NO_UNMAP		0x0002
#define SIM_NO_WS16		0x0004
#define SIM_NO_WS10		0x0008
#define SIM_NO_SYNC		0x0010	/* 10 and 16 */
#define SIM_NO_SYNC16		0x0020
#define SIM_NO_VPD		0x0040
#define SIM_NO_MODE		0x0080	/* sense and select */
#define SIM_NO_MODE6		0x0100
#define SIM_NO_MODE10		0x0200
#define SIM_NO_RW16		0x0400
#define SIM_NO_REPORT_LUNS	0x0800
#define SIM_NO_EVENTS		0x1000	/* GET EVENT STATUS NOTIFICATION */
#define SIM_NO_LOCK		0x2000	/* PREVENT ALLOW MEDIUM REMOVAL */
#define SIM_NO_START		0x4000	/* START STOP UNIT */
#define SIM_NO_RW6		0x8000

/* pages of vital product data: lu_novpd */
#define SIM_VPD_80		0x01
#define SIM_VPD_83		0x02
#define SIM_VPD_B0		0x04
#define SIM_VPD_B1		0x08
#define SIM_VPD_B2		0x10

struct sim_scsi;
struct sim_piece;

#define SIM_NATTENTION	8
#define SIM_NPIECES	256

struct sim_lu {
	struct sim_lu	*lu_next;		/* all of them, in order */
	struct sim_scsi	*lu_sh;
	uint8_t		 lu_target;
	uint16_t	 lu_lun;
	uint8_t		 lu_type;
	char		 lu_vendor[9], lu_product[17], lu_rev[5];
	char		 lu_serial[64];

	/* the medium */
	uint32_t	 lu_blksize;
	uint64_t	 lu_nblocks;
	struct sim_piece *lu_piece[SIM_NPIECES];	/* what was written */
	bool		 lu_blank;		/* zeroes, not a pattern */
	uint8_t		 lu_salt;		/* of the pattern */
	bool		 lu_resized;		/* beyond the end is forgiven */

	/* how it is */
	u_int		 lu_without;		/* SIM_NO_* */
	u_int		 lu_novpd;		/* SIM_VPD_* */
	bool		 lu_wp;			/* write protected */
	bool		 lu_wce, lu_dpofua;
	bool		 lu_descsense;		/* format of sense data */
	bool		 lu_thin, lu_lbprz;	/* UNMAP does something */
	bool		 lu_lbpws, lu_lbpws10;	/* so does WRITE SAME */
	bool		 lu_ndob;
	bool		 lu_norotate;
	uint8_t		 lu_pbexp;		/* physical block: 2^n */
	uint16_t	 lu_lowest;		/* aligned LBA */
	uint32_t	 lu_maxxfer;		/* blocks; 0: no limit */
	/* of UNMAP; 0: it is not known, ~0U: no limit */
	uint32_t	 lu_maxunmap, lu_maxdesc, lu_ungran;
	uint64_t	 lu_maxws;
	bool		 lu_removable;
	bool		 lu_disc;		/* CD: there is one */
	bool		 lu_tray;		/* is open */
	bool		 lu_locked;
	bool		 lu_stopped;
	bool		 lu_qualifier;		/* 001b: not connected */
	uint8_t		 lu_mediaevent;
	uint64_t	 lu_readyat;		/* until then 04/01 */
	uint16_t	 lu_notready;		/* for ever: asc, ascq */

	/* unit attentions: asc, ascq */
	uint16_t	 lu_attention[SIM_NATTENTION];
	u_int		 lu_nattention;

	/* what was seen */
	u_int		 lu_op[256];
	u_int		 lu_now, lu_most;	/* commands at once */
	u_int		 lu_nread, lu_nwrite, lu_nsync, lu_nfua;
	u_int		 lu_nunmap, lu_nws;
	uint64_t	 lu_unmapped, lu_zeroed;	/* bytes */
	u_int		 lu_nrange;		/* beyond the end */
};

/* What a command gets; sh_answer may change all of it. */
struct sim_answer {
	struct sim_lu	*sa_lu;			/* NULL: there is none */
	uint8_t		 sa_target;
	u_int		 sa_lun;
	uint8_t		 sa_cdb[32];
	const uint8_t	*sa_out;		/* what the driver sent */
	uint64_t	 sa_outlen;
	uint64_t	 sa_room;		/* for data */
	uint8_t		*sa_data;		/* as much */
	uint64_t	 sa_len;		/* there is of it */
	uint64_t	 sa_moved;		/* of what was sent */
	uint8_t		 sa_response, sa_status;
	uint16_t	 sa_qualifier;
	uint32_t	 sa_residual;
	uint8_t		 sa_sense[252];
	uint32_t	 sa_nsense;		/* are there */
	uint32_t	 sa_senselen;		/* it says */
	uint32_t	 sa_used;		/* it says */
	bool		 sa_mute;		/* there is no answer */
};

/* Something happens to a command that would be carried out. */
enum sim_what {
	SIM_WITH_SENSE,				/* in_key, in_asc, in_ascq */
	SIM_WITH_STATUS,			/* in_arg */
	SIM_WITH_RESPONSE,			/* in_arg */
	SIM_CUT,				/* in_arg bytes are moved */
	SIM_STUCK				/* no answer; see in_until */
};
enum sim_until {				/* each also by what follows */
	SIM_UNTIL_ABORT, SIM_UNTIL_LUN_RESET, SIM_UNTIL_NEXUS_RESET,
	SIM_UNTIL_RESET
};
#define SIM_OP_ANY	0x100
#define SIM_OP_READ	0x101			/* of data, in any length */
#define SIM_OP_WRITE	0x102
#define SIM_OP_SYNC	0x103
#define SIM_ALL		(~0U)
struct sim_inject {
	struct sim_lu	*in_lu;			/* NULL: any */
	u_int		 in_op;
	u_int		 in_skip;		/* so many pass */
	u_int		 in_times;		/* so many do not; 0: 1 */
	enum sim_what	 in_what;
	uint8_t		 in_key, in_asc, in_ascq;
	uint64_t	 in_info;		/* of the sense data; 0: none */
	uint32_t	 in_arg;
	enum sim_until	 in_until;
	u_int		 in_done;		/* it happened so often */
};
#define SIM_NINJECT	8

struct sim_cmd;
struct sim_scsi {
	struct sim_virtio *sh_sv;
	struct sim_lu	*sh_lus;
	u_int		 sh_nlus;
	TAILQ_HEAD(, sim_cmd) sh_cmds;		/* not yet answered */

	/* how it behaves */
	bool		 sh_hold;		/* keep commands */
	uint32_t	 sh_defsense, sh_defcdb;	/* after a reset */
	bool		 sh_stubborn;		/* they stay what they are */
	bool		 sh_noattention;	/* none after a reset */
	bool		 sh_wlun;		/* knows that of REPORT LUNS */
	bool		 sh_fullused;		/* lengths like old devices' */
	bool		 sh_shortused;		/* the sense is not filled up */
	u_int		 sh_tmfanswer[SIM_NTMF];
	uint8_t		 sh_removed;		/* response to what was there */
	bool		 sh_mutecontrol;	/* the control queue is dead */
	struct sim_inject sh_inject[SIM_NINJECT];
	/* the last word; and what is told instead of a unit that is not */
	void		(*sh_answer)(struct sim_scsi *, struct sim_answer *);
	/* of the control queue: what would be said, or more than 0xff: mute */
	u_int		(*sh_control)(struct sim_scsi *, u_int type,
			    u_int subtype, u_int response);
	void		*sh_arg;

	/* what was seen */
	u_int		 sh_ncmds;
	u_int		 sh_tmf[SIM_NTMF];
	u_int		 sh_ntmf;
	uint64_t	 sh_tmfid;		/* of the last */
	uint32_t	 sh_subscribed;
	u_int		 sh_nattr;		/* not SIMPLE */
	u_int		 sh_nstray;		/* to what is not there */
	uint64_t	 sh_mostdata;		/* of one command */
	u_int		 sh_mostsegs;
	u_int		 sh_nevents, sh_nlost;
	bool		 sh_missed;		/* to be told */
	u_int		 sh_nstuck;
	u_int		 sh_nqueue[SIM_MAXVQ];	/* commands by queue */
};

struct sim_scsi *sim_scsi_new(const struct sim_virtio_conf *);
void	 sim_scsi_free(struct sim_scsi *);
void	 sim_scsi_set(struct sim_scsi *, u_int field, uint32_t);
void	 sim_scsi_inject(struct sim_scsi *, const struct sim_inject *);
u_int	 sim_scsi_injected(const struct sim_scsi *);	/* of all */
void	 sim_scsi_forget(struct sim_scsi *);		/* injections */
void	 sim_scsi_release(struct sim_scsi *);		/* what was held */
u_int	 sim_scsi_nheld(const struct sim_scsi *);
/* commands that are stuck get an answer now, whatever it is they wait for */
void	 sim_scsi_unstick(struct sim_scsi *, u_int response);
/* false: it was lost, there was no buffer */
bool	 sim_scsi_event(struct sim_scsi *, uint32_t event, const uint8_t *lun,
	    uint32_t reason);
bool	 sim_scsi_event_raw(struct sim_scsi *, const void *, size_t,
	    uint32_t used);
void	 sim_scsi_lun(uint8_t *, u_int target, u_int lun);

struct sim_lu *sim_lu_new(struct sim_scsi *, u_int target, u_int lun,
	    u_int type, uint64_t nblocks, uint32_t blksize);
struct sim_lu *sim_lu_find(const struct sim_scsi *, u_int target, u_int lun);
void	 sim_lu_name(struct sim_lu *, const char *, const char *,
	    const char *);
bool	 sim_target_there(const struct sim_scsi *, u_int target);
/* while it runs: with the event that belongs to it, if told is set */
struct sim_lu *sim_lu_plug(struct sim_scsi *, u_int target, u_int lun,
	    u_int type, uint64_t nblocks, uint32_t blksize, bool told);
void	 sim_lu_unplug(struct sim_lu *, bool told);
void	 sim_lu_attention(struct sim_lu *, uint8_t asc, uint8_t ascq);
void	 sim_lu_resize(struct sim_lu *, uint64_t nblocks, bool event,
	    bool attention);
/* CD: somebody puts another disc in; takes it out by force */
void	 sim_lu_insert(struct sim_lu *, uint64_t nblocks, uint8_t salt);
void	 sim_lu_takeout(struct sim_lu *);
/* the medium, as it is */
void	 sim_lu_read(const struct sim_lu *, uint64_t off, void *, size_t);
void	 sim_lu_write(struct sim_lu *, uint64_t off, const void *, size_t);
void	 sim_lu_fill(struct sim_lu *, uint64_t off, uint64_t len, uint8_t);

/* what only the two files call */
void	 sim_lu_execute(struct sim_scsi *, struct sim_answer *);
void	 sim_lu_reset(struct sim_lu *, uint8_t asc, uint8_t ascq);
void	 sim_lu_free(struct sim_lu *);
void	 sim_cmds_end(struct sim_scsi *, u_int target, int lun,
	    const uint64_t *id, u_int response, enum sim_until);
void	 sim_answer_sense(struct sim_answer *, bool desc, u_int key,
	    u_int asc, u_int ascq, uint64_t info);

static inline uint64_t
sim_get_be(const uint8_t *p, u_int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return (v);
}

static inline void
sim_put_be(uint8_t *p, u_int n, uint64_t v)
{
	for (; n > 0; v >>= 8)
		p[--n] = v;
}

#endif /* _SIM_SCSI_H_ */

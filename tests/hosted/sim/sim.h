/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SIM_H_
#define _SIM_H_

/*
 * A simulated machine for the hosted tests: PCI functions with virtio devices
 * behind them, memory that they reach by bus addresses only, ports.
 *
 * The devices are written from the specification (VIRTIO 1.4) and check what
 * a driver does against it: each breach is a fault, which sim_fini() does not
 * forgive.  Everything is deterministic; what is left to chance comes from
 * sim_random().
 *
 *	sim_init();
 *	sv = sim_virtio_new(&(struct sim_virtio_conf){ ... });
 *	sim_attach();			mainbus, pci, virtio, driver
 *	...
 *	sim_detach();
 *	sim_fini();			nothing is left behind
 */

#include <sys/bus.h>
#include <sys/bus_dma.h>
#include <sys/device.h>
#include <sys/wire.h>		/* WIRE_LE_SWAP: nothing else */

#include "../../hv/vmmci_model.h"

/* --- the whole ----------------------------------------------------------- */

void	 sim_init(void);
int	 sim_fini(void);			/* complaints */
void	 sim_seed(uint64_t);
uint32_t sim_random(uint32_t);			/* below this */
/* the driver did what it must not; counted, the first is shown */
void	 sim_fault(const char *, ...) __printflike(1, 2);
extern u_int sim_nfaults;
/* was the first fault this one?  All faults are forgotten. */
bool	 sim_faulted(const char *);
extern bool  sim_lenient;			/* do not count faults */

struct device *sim_attach(void);		/* mainbus0 */
void	 sim_detach(void);			/* by force */
extern struct device *sim_mainbus;
extern void (*sim_mainbus_children)(struct device *);	/* NULL: PCI */
bool	 sim_said(const char *);		/* is on the console */

/* --- bytes on the wire: independent of <sys/wire.h> ---------------------- */

#if defined(WIRE_LE_SWAP) && WIRE_LE_SWAP
#define SIM_BYTE(i, n)	((n) - 1 - (i))
#else
#define SIM_BYTE(i, n)	(i)
#endif

static inline uint64_t
sim_get(const void *p, u_int n)
{
	const uint8_t *b = p;
	uint64_t v = 0;
	u_int i;

	for (i = 0; i < n; i++)
		v |= (uint64_t)b[SIM_BYTE(i, n)] << 8 * i;
	return (v);
}

static inline void
sim_put(void *p, u_int n, uint64_t v)
{
	uint8_t *b = p;
	u_int i;

	for (i = 0; i < n; i++)
		b[SIM_BYTE(i, n)] = v >> 8 * i;
}

/* --- memory as devices see it -------------------------------------------- */

/* false: a fault, nothing was done (a read gives zeroes) */
bool	 sim_dma_read(bus_addr_t, void *, size_t);
bool	 sim_dma_write(bus_addr_t, const void *, size_t);
uint64_t sim_dma_get(bus_addr_t, u_int);	/* a wire integer */
void	 sim_dma_put(bus_addr_t, u_int, uint64_t);
/* the coherent piece that this lies in, for those who scribble */
void	*sim_dma_piece(bus_addr_t, size_t *);
/* what the driver mapped there, not the copy of it; NULL and a fault */
void	*sim_dma_own(bus_addr_t, size_t);
/* is it all mapped, and open in that direction?  A fault if not. */
bool	 sim_dma_check(bus_addr_t, uint64_t, bool write);
/* what a device is done with: the driver owes a sync before the unload */
void	 sim_dma_returned(bus_addr_t, uint64_t);
void	 sim_dma_forgive(void);			/* a reset: nothing is owed */
extern u_int sim_nsegs;				/* mapped now */
extern u_int sim_nmaps;				/* made and not destroyed */
extern bool  sim_dma_split;		/* by chance, a segment for each page */
extern bool  sim_dma_strict;	/* a sync is owed for what was returned */
extern bus_size_t sim_dma_segmax;	/* most of a segment: 7 MB; is 1 MB */
bool	 sim_dma_blocked(void);
/* bus addresses need a translation, and drivers know: BDT_TRANSLATED */
void	 sim_dma_translate(bool);
extern bool  sim_dma_translated;

/* --- PCI ----------------------------------------------------------------- */

struct sim_bar {
	bool		 sb_io;
	bool		 sb_64;
	bool		 sb_nomap;		/* the machine cannot map it */
	uint32_t	 sb_size;		/* 0: not there */
	u_int		 sb_mapped;
};

struct sim_pci {
	LIST_ENTRY(sim_pci)	 sp_link;
	u_int			 sp_dev;
	uint8_t			 sp_conf[256];
	uint8_t			 sp_wmask[256];	/* what can be written */
	struct sim_bar		 sp_bar[6];
	/* of a BAR: offset, width, value */
	uint32_t		(*sp_read)(struct sim_pci *, u_int, uint32_t,
				    u_int);
	void			(*sp_write)(struct sim_pci *, u_int,
				    uint32_t, u_int, uint32_t);
	/* of configuration space, before it is done; may be NULL */
	void			(*sp_confread)(struct sim_pci *, u_int);
	void			(*sp_confwrite)(struct sim_pci *, u_int,
				    uint32_t);
	u_int			 sp_msix;	/* capability, 0: none */
	u_int			 sp_nvec;
	u_int			 sp_msixbar;
	uint8_t			*sp_table;
	uint64_t		 sp_pba[32];
	bool			 sp_line;	/* wants the line high */
	u_int			 sp_irq;
	bool			 sp_gone;
	u_int			 sp_naccess;	/* of registers */
	u_int			 sp_nlate;	/* after it had gone */
};

void	 sim_pci_add(struct sim_pci *);
void	 sim_pci_free(struct sim_pci *);	/* takes it out */
void	 sim_pci_msix(struct sim_pci *, u_int bar, u_int off, u_int n);
uint8_t	 sim_pci_cap(struct sim_pci *, u_int id, u_int len);
void	 sim_pci_setline(struct sim_pci *, bool);
void	 sim_pci_message(struct sim_pci *, u_int);
bool	 sim_pci_msix_on(const struct sim_pci *);
uint32_t sim_pci_regread(struct sim_pci *, u_int, uint32_t, u_int);
void	 sim_pci_regwrite(struct sim_pci *, u_int, uint32_t, u_int, uint32_t);
void	 sim_put_le(uint8_t *, u_int, uint32_t);
uint32_t sim_get_le(const uint8_t *, u_int);
/* at the n-th access to a register from now all hardware goes; 0: never */
extern u_int sim_gone_at;
extern bool  sim_gone;
void	 sim_access(struct sim_pci *);

/* --- ports --------------------------------------------------------------- */

struct sim_ports {
	LIST_ENTRY(sim_ports)	 so_link;
	uint16_t		 so_port, so_n;
	uint32_t		(*so_read)(struct sim_ports *, u_int, u_int);
	void			(*so_write)(struct sim_ports *, u_int, u_int,
				    uint32_t);
};
void	 sim_ports_add(struct sim_ports *);
void	 sim_ports_remove(struct sim_ports *);

/* --- the hypervisor ------------------------------------------------------ */

/* Xen's answer to a hypercall; NULL: there is no Xen */
extern long (*sim_xen)(u_int op, u_long a1, u_long a2);

struct pv_evidence;
#include <dev/pv/vmtvar.h>

extern void	(*sim_backdoor)(struct backdoor *, enum backdoor_insn);

/* host_request(): zero them */
extern u_int	sim_npoweroff, sim_nreboot;

extern const struct pv_evidence	*sim_evidence;
extern u_int			 sim_nevidence;

/* --- virtio -------------------------------------------------------------- */

struct sim_virtio;
struct sim_vq;
struct sim_chain;

#define SIM_MAXVQ	16

/*
 * Memory as the engine of the rings sees it, so that it can also run in a
 * thread of its own, on plain memory.  The barriers are those of the device:
 * READ	 after an index or flags that say that more is there, before it,
 * WRITE before an index or flags that say so,
 * FULL	 between what was made visible and the other's wish to be told.
 */
enum sim_order { SIM_ORDER_READ, SIM_ORDER_WRITE, SIM_ORDER_FULL };
struct sim_mem_ops {
	bool	 (*mo_read)(void *, bus_addr_t, void *, size_t);
	bool	 (*mo_write)(void *, bus_addr_t, const void *, size_t);
	/* an integer in the order of the wire, in one access */
	uint64_t (*mo_get)(void *, bus_addr_t, u_int);
	void	 (*mo_put)(void *, bus_addr_t, u_int, uint64_t);
	void	 (*mo_barrier)(void *, enum sim_order);
	/* of buffers; either may be NULL */
	bool	 (*mo_check)(void *, bus_addr_t, uint64_t, bool write);
	void	 (*mo_returned)(void *, bus_addr_t, uint64_t);
};
extern const struct sim_mem_ops	sim_mem_dma;	/* sim_dma_*() */

enum sim_where {			/* where the 1.x registers are */
	SIM_MEM, SIM_IO, SIM_WINDOW
};
enum sim_when {				/* when does the device do its work? */
	SIM_AT_ONCE,			/* when notified */
	SIM_LATER,			/* while nothing else runs */
	SIM_BY_HAND,			/* sim_virtio_run() */
	SIM_NEVER
};
enum sim_suppress {			/* notifications it asks for */
	SIM_ALWAYS,			/* each */
	SIM_WHEN_IDLE,			/* none while there is work */
	SIM_POLLS,			/* none, it looks by itself */
	SIM_BY_CHANCE
};

struct sim_virtio_conf {
	uint16_t	 vc_devid;
	uint64_t	 vc_features;	/* without VERSION_1 */
	uint64_t	 vc_features_hi;	/* bits 64 to 127 */
	bool		 vc_legacy;	/* has the old registers */
	bool		 vc_nomodern;	/* has only these */
	enum sim_where	 vc_where;
	enum sim_when	 vc_when;
	enum sim_suppress vc_suppress;
	u_int		 vc_nvec;	/* of MSI-X; 0: none */
	u_int		 vc_nvq;
	uint16_t	 vc_qsize[SIM_MAXVQ];
	u_int		 vc_cfgsize;
	bool		 vc_noline;
	bool		 vc_random_order;	/* but for IN_ORDER */
	u_int		 vc_batch;	/* IN_ORDER: most told at once */
	/* length of the common configuration; 0: all there is, 0x38: old */
	u_int		 vc_common;
	const struct sim_mem_ops *vc_mem;	/* NULL: sim_mem_dma */
	void		*vc_memarg;
	/* a chain to be served; completes it now or later */
	void		(*vc_request)(struct sim_virtio *, struct sim_chain *);
	void		(*vc_config_written)(struct sim_virtio *, u_int,
			    u_int);
	void		(*vc_reset)(struct sim_virtio *);
	void		*vc_arg;
};

struct sim_seg {
	bus_addr_t	 ss_addr;
	uint32_t	 ss_len;
};
struct sim_chain {
	TAILQ_ENTRY(sim_chain)	 ch_link;
	struct sim_vq		*ch_vq;
	uint16_t		 ch_head;	/* split; packed: buffer id */
	u_int			 ch_nout, ch_nin;
	uint64_t		 ch_outlen, ch_inlen;
	struct sim_seg		*ch_seg;	/* out, then in */
	uint16_t		*ch_desc;	/* split: those it holds */
	u_int			 ch_ndesc;	/* of the ring */
	uint64_t		 ch_serial;	/* of those taken */
	uint32_t		 ch_usedlen;
	uint64_t		 ch_table;	/* indirect */
	uint32_t		 ch_tablelen;	/* 0: not indirect */
	uint64_t		 ch_tablesum;
};
TAILQ_HEAD(sim_chains, sim_chain);

struct sim_put {			/* a used element on its way */
	u_int			 pu_step;	/* 0: none */
	u_int			 pu_nchains, pu_ndesc;
	struct sim_chains	 pu_chains;	/* the last is named */
};

struct ring_format;
struct sim_vq {
	struct sim_virtio	*sq_sv;
	const struct ring_format *sq_format;	/* NULL: not started */
	const struct sim_mem_ops *sq_mem;
	void			*sq_memarg;
	u_int			 sq_index;
	uint16_t		 sq_max, sq_size;
	uint16_t		 sq_vector;
	uint16_t		 sq_noff;
	uint16_t		 sq_notifdata;	/* NOTIF_CONFIG_DATA */
	bool			 sq_wrote;	/* packed: WRITE was shown */
	bool			 sq_enabled;
	bool			 sq_kicked;
	bool			 sq_broken;	/* the driver broke it */
	bool			 sq_resetting;	/* queue_reset is 1 */
	bool			 sq_resetunread; /* 0 was not read back */
	bool			 sq_wasreset;	/* this queue alone, and read */
	u_int			 sq_resetleft;
	uint64_t		 sq_desc, sq_driver, sq_device;

	/* indices of split rings, positions in packed ones */
	uint16_t		 sq_avail;	/* next to take */
	uint16_t		 sq_used;	/* next to put */
	uint16_t		 sq_told;	/* used when it last looked */
	bool			 sq_availwrap, sq_usedwrap, sq_toldwrap;
	u_int			 sq_untold;	/* put since; descriptors */
	u_int			 sq_inring;	/* descriptors that we hold */
	uint16_t		 sq_inorder;	/* descriptor that is next */
	u_int			 sq_state;
	uint8_t			*sq_lent;	/* descriptors, ids: held */
	uint8_t			*sq_copy;	/* of the descriptors taken */
	struct sim_seg		*sq_wseg;	/* while a chain is taken */
	uint16_t		*sq_wdesc;
	struct sim_chains	 sq_held;	/* taken and not done */
	u_int			 sq_nheld;
	struct sim_chains	 sq_done;	/* and not returned yet */
	struct sim_put		 sq_put;
	uint64_t		 sq_serial;	/* IN_ORDER: next to put */

	/* what we asked for; what is told is weighed by it */
	bool			 sq_quiet;
	bool			 sq_event;	/* only for this one: */
	uint16_t		 sq_eventat;	/* index; offset and wrap */
	uint16_t		 sq_nexttold;	/* at the last notification */
	uint16_t		 sq_nextheld;	/* when it was suspended */

	u_int			 sq_notified, sq_unwanted, sq_interrupts;
	uint64_t		 sq_ntaken, sq_nreturned;
	uint64_t		 sq_nbatched;	/* without an element */
};

struct sim_virtio {
	struct sim_pci		 sv_pci;	/* first */
	struct sim_virtio_conf	 sv_c;
	struct sim_vq		 sv_vq[SIM_MAXVQ];
	uint64_t		 sv_offered, sv_features;
	uint64_t		 sv_offered_hi, sv_features_hi;
	uint32_t		 sv_dsel, sv_gsel;
	uint16_t		 sv_qsel, sv_cvec;
	uint8_t			 sv_status, sv_gen, sv_isr;
	bool			 sv_uselegacy;	/* spoken to by these */
	bool			 sv_reread;	/* status since FEATURES_OK */
	bool			 sv_wasreset;	/* 0 has been read back */
	u_int			 sv_cap[6];	/* by type; config offset */
	uint8_t			 sv_config[256];	/* le */
	u_int			 sv_running;
	uint32_t		(*sv_random)(struct sim_virtio *, uint32_t);
	void			*sv_randomarg;
	bool			 sv_suspending, sv_suspended, sv_resuming;
	bool			 sv_suspendread;	/* the driver saw it */
	bool			 sv_cfgpending;	/* to tell when resumed */
	u_int			 sv_suspendleft;

	/* how to misbehave */
	uint64_t		 sv_refuse;	/* if one is accepted */
	bool			 sv_refuse_ok;	/* FEATURES_OK, always */
	bool			 sv_noreset;	/* reset never ends */
	u_int			 sv_resetpolls;	/* it takes so many reads */
	u_int			 sv_resetleft;
	u_int			 sv_queueresetpolls;	/* ~0U: for ever */
	u_int			 sv_suspendpolls, sv_resumepolls;
	bool			 sv_suspendfails, sv_resumefails;
	bool			 sv_restless;	/* generation moves on */
	u_int			 sv_genmoves;	/* so often */
	bool			 sv_novector;	/* refuses vectors */
	bool			 sv_badsize;	/* queue size is not accepted */
	uint16_t		 sv_newsize;	/* it becomes this, if not 0 */
	u_int			 sv_garbage;	/* one read in so many */

	/* what was seen */
	u_int			 sv_nresets, sv_nstatus;
	uint8_t			 sv_statuses[16];
	u_int			 sv_nisr;
	u_int			 sv_nqueueresets;
	u_int			 sv_nsuspends, sv_nresumes;
	void			*sv_priv;
};

struct sim_virtio *sim_virtio_new(const struct sim_virtio_conf *);
void	 sim_virtio_free(struct sim_virtio *);
bool	 sim_virtio_run(struct sim_virtio *);	/* true: did something */
bool	 sim_virtio_runall(void);
void	 sim_step(void);			/* hosted_step_fn */
void	 sim_virtio_changed(struct sim_virtio *);	/* configuration */
void	 sim_virtio_needs_reset(struct sim_virtio *);
void	 sim_chain_done(struct sim_chain *, uint32_t);
/* bytes of the part that the device reads, or writes, at an offset */
bool	 sim_chain_read(struct sim_chain *, uint64_t, void *, size_t);
bool	 sim_chain_write(struct sim_chain *, uint64_t, const void *, size_t);
void	 sim_vq_interrupt(struct sim_vq *);
void	 sim_vq_reset(struct sim_vq *);
void	 sim_vq_enabled(struct sim_vq *);	/* it may be looked at */
bool	 sim_vq_run(struct sim_vq *);		/* one small step */
bool	 sim_vq_more(struct sim_vq *);	/* available and not yet taken? */
/* the driver notifies; with NOTIFICATION_DATA the upper half of what it says */
void	 sim_vq_notified(struct sim_vq *, const uint16_t *next);
bool	 sim_vq_packed(const struct sim_vq *);
/* what only virtio.c and lies.c call */
void	 sim_vq_flush(struct sim_vq *);	/* return all that is done */
void	 sim_vq_suspend(struct sim_vq *, bool);
void	 sim_vq_still_there(struct sim_vq *);
void	 sim_vq_advance(const struct sim_vq *, uint16_t *, bool *, u_int);
void	 sim_config_put(struct sim_virtio *, u_int, u_int, uint64_t);

/*
 * One lie of that kind, in the format that was negotiated; SIM_LIE_ANY: of
 * any.
 *
 *	USED_IDX	split: the used index; packed: a descriptor further on
 *	USED_FLAGS	NO_NOTIFY and more; packed: flags of a descriptor
 *	ID		of another, of none that is lent, out of range
 *	LEN		also 0xffffffff
 *	AVAIL_EVENT	avail_event; packed: the device's event structure
 *	TWICE		what was used last is used again, in the right place
 *	RING		bytes of the used ring; packed: of the descriptors
 *	DESC		bytes of what the driver alone writes
 *	SKIP		something is never answered
 *	WRAP		packed: available and used bits that do not match, or
 *			of the other round; split: the index of another round
 *	UNAVAIL		something used that was not made available
 *	BATCH		a batch up to an id ahead of all that is lent, or back
 */
enum sim_lie {
	SIM_LIE_USED_IDX, SIM_LIE_USED_FLAGS, SIM_LIE_ID, SIM_LIE_LEN,
	SIM_LIE_AVAIL_EVENT, SIM_LIE_TWICE, SIM_LIE_RING, SIM_LIE_DESC,
	SIM_LIE_CONFIG, SIM_LIE_NEEDS_RESET, SIM_LIE_ISR, SIM_LIE_INTERRUPT,
	SIM_LIE_GARBAGE, SIM_LIE_SKIP, SIM_LIE_WRAP, SIM_LIE_UNAVAIL,
	SIM_LIE_BATCH, SIM_LIE_ANY
};
void	 sim_lie(struct sim_virtio *, enum sim_lie);

/* --- types of devices ---------------------------------------------------- */

struct sim_blk {
	struct sim_virtio	*bk_sv;
	uint8_t			*bk_disk;
	uint64_t		 bk_size;
	bool			 bk_hold;	/* keep requests */
	u_int			 bk_error;	/* status of the next ones */
	u_int			 bk_nerror;	/* so many */
	u_int			 bk_nwell;	/* after so many others */
	u_int			 bk_nread, bk_nwrite, bk_nflush, bk_nid;
	u_int			 bk_most;	/* held at once */
	u_int			 bk_nrange;	/* discarded and the like */
	char			 bk_id[20];
	uint8_t			 bk_life[6];
};
struct sim_blk *sim_blk_new(const struct sim_virtio_conf *, uint64_t size);
void	 sim_blk_free(struct sim_blk *);
void	 sim_blk_release(struct sim_blk *);	/* what was held */

struct sim_rnd {
	struct sim_virtio	*rn_sv;
	uint64_t		 rn_given;
	uint32_t		 rn_most;	/* bytes a request; 0: all */
	bool			 rn_hold;
};
struct sim_rnd *sim_rnd_new(const struct sim_virtio_conf *);
void	 sim_rnd_free(struct sim_rnd *);
void	 sim_rnd_release(struct sim_rnd *);	/* what was held */
uint8_t	 sim_rnd_byte(uint64_t);		/* the n-th it gives */

/*
 * A console; with MULTIPORT of up to SIM_CON_NPORTS ports, which are told of
 * when the driver is ready.  Messages wait until there is a buffer, or with
 * cn_drops are lost.
 */
#define SIM_CON_F_SIZE		(1ULL << 0)
#define SIM_CON_F_MULTIPORT	(1ULL << 1)
#define SIM_CON_F_EMERG		(1ULL << 2)
#define SIM_CON_NPORTS		((SIM_MAXVQ - 2) / 2)
enum sim_con_event {
	SIM_CON_DEVICE_READY, SIM_CON_ADD, SIM_CON_REMOVE, SIM_CON_PORT_READY,
	SIM_CON_CONSOLE, SIM_CON_RESIZE, SIM_CON_OPEN, SIM_CON_NAME
};
struct sim_con_port {
	bool			 po_plugged;
	bool			 po_added;	/* the driver was told */
	bool			 po_ready;	/* and has said so */
	bool			 po_console;
	bool			 po_unanswered;	/* no PORT_OPEN for that */
	bool			 po_hostopen, po_guestopen;
	const char		*po_name;	/* NULL: none */
	bool			 po_hold;	/* do not take output */
	char			*po_out;	/* what the driver sent */
	size_t			 po_nout;
	u_int			 po_nopens, po_ncloses;	/* PORT_OPEN said so */
};
struct sim_con_msg;
struct sim_con {
	struct sim_virtio	*cn_sv;
	char			 cn_out[65536];	/* of port 0 without ports */
	size_t			 cn_nout;
	bool			 cn_hold;	/* do not take output */
	struct sim_con_port	 cn_port[SIM_CON_NPORTS];
	TAILQ_HEAD(, sim_con_msg) cn_msgs;	/* that wait */
	u_int			 cn_nmsgs;
	bool			 cn_drops;
	bool			 cn_looking;	/* for a buffer */
	bool			 cn_mute;	/* takes no messages */
	bool			 cn_silent;	/* says nothing by itself */
	bool			 cn_ready;	/* DEVICE_READY has come */
	u_int			 cn_nready;
	u_int			 cn_nfailed;	/* PORT_READY with 0 */
};
struct sim_con *sim_con_new(const struct sim_virtio_conf *);
void	 sim_con_free(struct sim_con *);
size_t	 sim_con_type(struct sim_con *, const char *, size_t);
size_t	 sim_con_send(struct sim_con *, u_int, const void *, size_t);
void	 sim_con_plug(struct sim_con *, u_int, bool console, const char *);
void	 sim_con_unplug(struct sim_con *, u_int);
void	 sim_con_open(struct sim_con *, u_int, bool);
void	 sim_con_hold(struct sim_con *, u_int, bool);
void	 sim_con_tell(struct sim_con *, uint32_t, u_int, u_int, const void *,
	    size_t);
void	 sim_con_raw(struct sim_con *, const void *, size_t);
void	 sim_con_settled(struct sim_con *);	/* faults: what is owed */

struct sim_nethdr {			/* before each packet */
	uint8_t			 nh_flags, nh_gso;
	uint16_t		 nh_hdrlen, nh_gsosize, nh_start, nh_off;
	uint16_t		 nh_nbuf;
	uint32_t		 nh_hash;
	uint16_t		 nh_report, nh_pad;
};
struct sim_frame {
	TAILQ_ENTRY(sim_frame)	 fr_link;
	u_int			 fr_pair;
	struct sim_nethdr	 fr_hdr;
	uint32_t		 fr_len;
	uint8_t			 fr_data[];
};
struct sim_net {
	struct sim_virtio	*nt_sv;
	u_int			 nt_maxpairs;
	TAILQ_HEAD(, sim_frame)	 nt_sent;	/* by the driver */
	TAILQ_HEAD(, sim_frame)	 nt_link;	/* that will come */
	u_int			 nt_nsent, nt_nreceived;
	u_int			 nt_most;	/* buffers of one packet */
	bool			 nt_hold;	/* keep what is sent */
	/* what commands have set */
	uint8_t			 nt_mode[6];	/* PROMISC ... NOBCAST */
	uint8_t			 nt_mac[6];
	uint8_t			 nt_ownmac[6];	/* that of a reset */
	uint8_t			 nt_table[256][6];
	u_int			 nt_nuni, nt_nmulti;
	u_int			 nt_pairs;
	uint64_t		 nt_off;	/* offloads not wanted */
	uint32_t		 nt_hashtypes;
	uint32_t		 nt_packets[2], nt_usecs[2];	/* tx, rx */
	/* commands: seen, and how they are answered */
	uint16_t		 nt_log[256];	/* class << 8 | command */
	u_int			 nt_ncommands, nt_nannounced;
	u_int			 nt_refuse;	/* 1 << class */
	uint8_t			 nt_ack;	/* in place of OK and ERR */
	bool			 nt_ackless;	/* used length is 0 */
	bool			 nt_ctrlhold;
};
struct sim_net *sim_net_new(const struct sim_virtio_conf *, u_int pairs);
void	 sim_net_free(struct sim_net *);
u_int	 sim_net_hdrlen(const struct sim_net *);
void	 sim_net_header(const struct sim_net *, const struct sim_nethdr *,
	    uint8_t *);
struct sim_frame *sim_net_sent(struct sim_net *);	/* NULL: no more */
void	 sim_net_release(struct sim_net *, u_int);	/* what was held */
bool	 sim_net_receive(struct sim_net *, u_int pair,
	    const struct sim_nethdr *, const void *, uint32_t);
void	 sim_net_queue(struct sim_net *, u_int pair,
	    const struct sim_nethdr *, const void *, uint32_t);
bool	 sim_net_feed(struct sim_net *);
bool	 sim_net_raw(struct sim_net *, u_int pair, const void *, size_t,
	    uint32_t said);
bool	 sim_net_wants(const struct sim_net *, const uint8_t *);
void	 sim_net_answer(struct sim_net *);
bool	 sim_net_commanded(const struct sim_net *, u_int class, u_int cmd);

/*
 * A balloon.  It knows the page frames from bn_lo to bn_hi only, fills what it
 * is given and looks whether somebody wrote to it meanwhile.
 */
enum sim_bn_queue {
	SIM_BN_INFLATE, SIM_BN_DEFLATE, SIM_BN_STATS, SIM_BN_HINT,
	SIM_BN_REPORT, SIM_BN_NQUEUE
};
#define SIM_BN_F_TELL		(1ULL << 0)
#define SIM_BN_F_STATS		(1ULL << 1)
#define SIM_BN_F_OOM		(1ULL << 2)
#define SIM_BN_F_HINT		(1ULL << 3)
#define SIM_BN_F_POISON		(1ULL << 4)
#define SIM_BN_F_REPORT		(1ULL << 5)
#define SIM_BN_FILL		0xb5	/* bytes of pages that it has */
#define SIM_BN_DEFLATED		0xb6
#define SIM_BN_REPORTED		0xb7
#define SIM_BN_HINTED		0xb8
struct sim_balloon {
	struct sim_virtio	*bn_sv;
	enum sim_bn_queue	 bn_kind[SIM_MAXVQ];
	uint64_t		 bn_lo, bn_hi;
	uint8_t			*bn_page;	/* what each is */
	uint32_t		 bn_npages;	/* in the balloon */
	uint32_t		 bn_want, bn_low;
	uint32_t		 bn_actual;	/* as the driver says */
	u_int			 bn_nactual;
	bool			 bn_leaving;	/* less than we want is right */
	u_int			 bn_hold;	/* 1 << queue */
	u_int			 bn_ninflate, bn_ndeflate;
	u_int			 bn_most;	/* pages of one request */
	/* statistics: as of the last buffer */
	u_int			 bn_nstats;
	uint32_t		 bn_tags;
	uint64_t		 bn_stat[32];
	/* hints */
	uint32_t		 bn_cmd;	/* in the configuration */
	uint32_t		 bn_said;	/* by the driver */
	u_int			 bn_nstarts, bn_nstops;
	uint64_t		 bn_hinted;	/* bytes, in this round */
	/* reports */
	u_int			 bn_nreports;
	uint64_t		 bn_reported;	/* bytes */
	uint32_t		 bn_poison;
	u_int			 bn_npoison;
};
/* dense: the queues that are offered follow each other */
struct sim_balloon *sim_balloon_new(const struct sim_virtio_conf *,
	    uint64_t lo, uint64_t hi, bool dense);
void	 sim_balloon_free(struct sim_balloon *);
void	 sim_balloon_want(struct sim_balloon *, uint32_t);
void	 sim_balloon_command(struct sim_balloon *, uint32_t);
bool	 sim_balloon_ask(struct sim_balloon *);		/* for statistics */
void	 sim_balloon_release(struct sim_balloon *);	/* what was held */
void	 sim_balloon_settled(struct sim_balloon *);	/* faults */
struct sim_vq *sim_balloon_vq(struct sim_balloon *, enum sim_bn_queue);

/*
 * A GPU without 3D.  Whatever a resource or a screen was not given is
 * SIM_GP_JUNK; what the device may read at any time has to be there at any
 * time.  Commands without a fence are answered before they are done if
 * gp_async.
 */
#define SIM_GP_F_VIRGL		(1ULL << 0)
#define SIM_GP_F_EDID		(1ULL << 1)
#define SIM_GP_F_BLOB		(1ULL << 3)
#define SIM_GP_F_ALIGN		(1ULL << 5)
#define SIM_GP_MAX		16
#define SIM_GP_JUNK		0xe7
#define SIM_GP_NLOG		64
enum sim_gp_cmd {			/* in the order of their numbers */
	SIM_GP_INFO, SIM_GP_CREATE, SIM_GP_UNREF, SIM_GP_SCANOUT,
	SIM_GP_FLUSH, SIM_GP_TRANSFER, SIM_GP_ATTACH, SIM_GP_DETACH,
	SIM_GP_CAPSETINFO, SIM_GP_CAPSET, SIM_GP_EDID, SIM_GP_UUID,
	SIM_GP_BLOB, SIM_GP_SCANOUTBLOB, SIM_GP_CURSOR, SIM_GP_MOVE,
	SIM_GP_NCMD
};
#define SIM_GP_BIT(cmd)		(1U << (cmd))
struct sim_gp_rect {
	uint32_t		 x, y, w, h;
};
struct sim_gp_res;
struct sim_gp_work;
struct sim_gp_screen {
	/* what the host wants */
	bool			 gs_enabled;
	struct sim_gp_rect	 gs_want;
	uint8_t			 gs_edid[1024];
	uint32_t		 gs_edidlen;
	/* what it shows */
	uint32_t		 gs_resource;	/* 0: nothing */
	struct sim_gp_rect	 gs_rect;	/* of the resource */
	uint32_t		 gs_format, gs_stride, gs_offset; /* of a blob */
	uint32_t		*gs_pixels;	/* 0xrrggbb */
	/* in front of it */
	uint32_t		 gs_cursor;	/* resource; 0: hidden */
	uint32_t		 gs_curx, gs_cury, gs_hotx, gs_hoty;
	uint8_t			 gs_shape[64 * 64 * 4];
};
struct sim_gp_log {			/* transfers and flushes */
	enum sim_gp_cmd		 gl_cmd;
	uint32_t		 gl_resource;
	struct sim_gp_rect	 gl_rect;
};
struct sim_gpu {
	struct sim_virtio	*gp_sv;
	u_int			 gp_nscreens;
	struct sim_gp_screen	 gp_screen[SIM_GP_MAX];
	LIST_HEAD(, sim_gp_res)	 gp_res;
	TAILQ_HEAD(, sim_gp_work) gp_later;
	u_int			 gp_nres, gp_nbacked;
	uint64_t		 gp_bytes;	/* of pictures, read */
	u_int			 gp_ncmd[SIM_GP_NCMD];
	struct sim_gp_log	 gp_log[SIM_GP_NLOG];
	u_int			 gp_nlog;	/* counts on */
	u_int			 gp_inflight, gp_most;
	uint64_t		 gp_maxpixels;	/* of a resource; 0: any */
	bool			 gp_async;
	bool			 gp_mute;	/* cursor: used without answer */
	/* how to misbehave: sets of commands */
	u_int			 gp_hold;
	u_int			 gp_fail;	/* with gp_error, nothing done */
	uint32_t		 gp_error;	/* 0: OUT_OF_MEMORY */
	u_int			 gp_failat;	/* the n-th command; 0: none */
	u_int			 gp_wrong;	/* are answered with gp_type */
	uint32_t		 gp_type;
	u_int			 gp_short;	/* answered with gp_len bytes */
	uint32_t		 gp_len;
	u_int			 gp_lie;	/* used length is gp_used */
	uint32_t		 gp_used;
	u_int			 gp_nofence;	/* fences are not answered */
	void			(*gp_seen)(struct sim_gpu *, enum sim_gp_cmd);
};
struct sim_gpu *sim_gpu_new(const struct sim_virtio_conf *, u_int nscreens,
	    u_int width, u_int height);
void	 sim_gpu_free(struct sim_gpu *);
/* no event */
void	 sim_gpu_want(struct sim_gpu *, u_int screen, uint32_t w, uint32_t h);
void	 sim_gpu_edid(struct sim_gpu *, u_int screen, u_int w, u_int h,
	    u_int extensions);
void	 sim_gpu_event(struct sim_gpu *, uint32_t);
void	 sim_gpu_align(struct sim_gpu *, uint32_t);
void	 sim_gpu_release(struct sim_gpu *);	/* what was held */
/* 0xrrggbb; ~0: there is none */
uint32_t sim_gpu_pixel(struct sim_gpu *, u_int screen, u_int x, u_int y);
void	 sim_gpu_settled(struct sim_gpu *);	/* faults */

/* An input device: 5.8.  A byte of configuration for each query. */
#define SIM_IN_BITS	0x11
struct sim_input_cfg {
	uint8_t			 ic_select, ic_subsel, ic_size;
	uint8_t			 ic_data[128];
};
struct sim_input {
	struct sim_virtio	*in_sv;
	struct sim_input_cfg	 in_cfg[16];
	u_int			 in_ncfg;
	int			 in_lie;	/* size for all; 0: the truth */
	uint8_t			 in_written;	/* select, subsel */
	u_int			 in_ndropped, in_nstatus;
	uint32_t		 in_led;	/* bits that are on */
	bool			 in_hold;	/* the status queue */
	uint32_t		 in_used;	/* used length; 0: the truth */
};
struct sim_input *sim_input_new(const struct sim_virtio_conf *,
	    const char *name);
void	 sim_input_free(struct sim_input *);
/* data of a query, in place of that there was; NULL: none any more */
void	 sim_input_set(struct sim_input *, u_int select, u_int subsel,
	    const void *, u_int);
/* bits of an event type */
void	 sim_input_bits(struct sim_input *, u_int type, u_int from, u_int to);
bool	 sim_input_event(struct sim_input *, u_int type, u_int code,
	    uint32_t value);			/* false: dropped */
bool	 sim_input_raw(struct sim_input *, const void *, size_t, uint32_t used);
void	 sim_input_release(struct sim_input *);

/*
 * An 8042 with a keyboard of the second set behind it, as PCs have it; pckbd
 * is found there after sim_i8042_new(), with interrupt 1.
 */
#define SIM_KC_FIFO	16
struct sim_i8042 {
	struct sim_ports	 kc_ports;
	uint8_t			 kc_byte;	/* the command byte */
	uint8_t			 kc_command;	/* waits for its data; 0 */
	uint8_t			 kc_expect;	/* so does the keyboard */
	uint8_t			 kc_out[SIM_KC_FIFO];	/* of the keyboard */
	u_int			 kc_nout;
	uint8_t			 kc_reply;	/* of the controller */
	bool			 kc_replied;
	bool			 kc_aux;	/* the first is the mouse's */
	bool			 kc_scanning;
	bool			 kc_break;	/* 0xf0 was sent */
	uint8_t			 kc_leds;
	u_int			 kc_nleds, kc_nbad;	/* commands */
	/* how to misbehave */
	bool			 kc_absent;	/* ones wherever one reads */
	bool			 kc_busy;	/* never takes anything */
	bool			 kc_mute;	/* the keyboard */
	u_int			 kc_resend;	/* so many times; ~0: always */
	bool			 kc_endless;	/* always something to read */
};
void	 sim_i8042_new(struct sim_i8042 *);	/* sim_attach() */
void	 sim_i8042_free(struct sim_i8042 *);
/* codes of the second set; false: no room, or it may not */
bool	 sim_i8042_type(struct sim_i8042 *, const uint8_t *, u_int);
void	 sim_i8042_mouse(struct sim_i8042 *, uint8_t);

/*
 * The control device of OpenBSD's vmm, and the host behind it: the model of
 * tests/hv on this PCI bus.  An access that the model drops is a fault, and
 * so is an answer to what was not asked.
 */
#define SIM_VMMCI_BOOT	1800000000000000000ULL	/* ns since 1970 */
struct sim_vmmci {
	struct sim_pci		 vi_pci;	/* first */
	struct vmmci		 vi_model;
	uint64_t		 vi_base;	/* its clock when ours was 0 */
	int64_t			 vi_ahead;	/* of ours from there, ns */
	u_int			 vi_nacks, vi_npoweroff, vi_nskipped;
	uint32_t		 vi_acked;	/* the last */
	u_int			 vi_nkilled;
	enum vmmci_death	 vi_death;
};
struct sim_vmmci *sim_vmmci_new(void);
void	 sim_vmmci_free(struct sim_vmmci *);
uint64_t sim_vmmci_wall(const struct sim_vmmci *);	/* its clock, ns */

/* --- a driver that does what a test says --------------------------------- */

#define SIM_ID_TEST	42
struct virtio_softc;
struct virtqueue;
extern struct virtio_softc *viotest_vsc;	/* NULL: not attached */
extern int (*viotest_attach_hook)(struct device *, struct virtio_softc *);
extern void (*viotest_detach_hook)(struct virtio_softc *);

#endif /* _SIM_H_ */

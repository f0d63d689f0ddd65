/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_IF_VIOVAR_H_
#define _DEV_PV_IF_VIOVAR_H_

/*
 * Between the files of vio(4): if_vio.c has attachment and configuration,
 * if_vio_rx.c and if_vio_tx.c a queue of each kind, if_vio_check.c the headers
 * of what arrives, if_vio_ctrl.c the commands, if_vio_stat.c what sysctl(8)
 * and ifconfig(8) show.
 *
 * Locks: sc_ctrl, which is held across commands, then a queue's mutex.  A
 * receive queue's is not held while a packet is given to the network.
 */

#include <sys/mbuf.h>
#include <sys/rwlock.h>
#include <sys/sysctl.h>
#include <sys/timeout.h>
#include <sys/uio.h>

#include <dev/pv/if_vioreg.h>
#include <dev/pv/virtiovar.h>

#include <net/ifnet.h>

#define VIO_MAXPAIRS	16
#define VIO_QSIZE	256		/* descriptors, where we may choose */
#define VIO_MAXEXTS	5		/* pieces of one receive buffer */
#define VIO_TXSEGS	32		/* pieces of one packet on its way out */
#define VIO_MAXMCAST	64		/* more: all of them */

struct vio_softc;

/* --- counters: names are in if_vio_stat.c -------------------------------- */

enum vio_rxstat {
	RX_PACKETS, RX_BYTES, RX_INTERRUPTS, RX_POLLS, RX_COPIED, RX_MERGED,
	RX_GSO, RX_PARTIAL_CSUM, RX_GOOD_CSUM, RX_FLAGS, RX_STALE,
	RX_NOMEM, RX_LEND_FAILED,
	/* packets that cannot be, from here to the end */
	RX_SHORT, RX_LONG, RX_NUM_BUFFERS, RX_MISSING, RX_NOT_FULL, RX_RUNT,
	RX_GIANT, RX_CSUM_REFUSED, RX_CSUM_OFFSETS, RX_GSO_TYPE, RX_GSO_SIZE,
	RX_GSO_CSUM, RX_GSO_HEADER,
	RX_NSTATS
};
#define RX_FIRST_BAD	RX_SHORT
#define RX_GOOD		RX_NSTATS		/* not a counter: no complaint */

enum vio_txstat {
	TX_PACKETS, TX_BYTES, TX_INTERRUPTS, TX_NOTIFIES, TX_TIMEOUTS, TX_GSO,
	TX_CSUM, TX_QUEUED, TX_RING_FULL, TX_COPIED,
	/* packets that were dropped, from here to the end */
	TX_QUEUE_FULL, TX_DOWN, TX_NOMEM, TX_TOO_LONG, TX_REFUSED, TX_ERROR,
	TX_LOST,
	TX_NSTATS
};
#define TX_FIRST_BAD	TX_QUEUE_FULL
#define TX_GOOD		TX_NSTATS

enum vio_ctlstat { CTL_COMMANDS, CTL_REFUSED, CTL_FAILED, CTL_ANNOUNCES,
	CTL_CHANGES, CTL_NSTATS };

/* --- queues -------------------------------------------------------------- */

/* A receive buffer: one piece of memory, or a few that make a whole packet. */
struct vio_rxslot {
	struct vio_rxslot	*rs_next;	/* not lent */
	bus_dmamap_t		 rs_map;
	struct mext		*rs_ext[VIO_MAXEXTS];
};

/* The header of a packet, fetched once. */
struct vio_rxhdr {
	uint8_t		rh_flags;
	uint8_t		rh_gso;
	uint16_t	rh_gso_size;
	uint16_t	rh_csum_start;
	uint16_t	rh_csum_offset;
	uint16_t	rh_nbufs;
	uint32_t	rh_hash;
	bool		rh_hashed;
};

/* A packet that is put together of buffers. */
struct vio_rxpkt {
	struct vio_rxhdr  rp_hdr;
	struct mbuf	 *rp_m;
	struct mbuf	**rp_tailp;
	uint32_t	  rp_len;
	enum vio_rxstat	  rp_bad;	/* why it is dropped */
};

struct vio_rxq {
	struct vio_softc	*rq_sc;
	struct virtqueue	*rq_vq;
	struct mutex		 rq_mtx;	/* all of this */
	struct ifpoll		 rq_poll;
	bool			 rq_up;
	struct vio_rxslot	*rq_slot;
	u_int			 rq_nslots;
	struct vio_rxslot	*rq_free;	/* not lent */
	u_int			 rq_lent;
	u_int			 rq_target;	/* of those, when up */
	size_t			 rq_bytes;	/* that all slots hold */
	size_t			 rq_maxbytes;	/* our share of memory */
	uint32_t		 rq_minsize;	/* of a piece */
	uint32_t		 rq_average;	/* length of packets, times 16 */
	struct timeout		 rq_timeout;	/* to try to lend again */
	uint64_t		 rq_stat[RX_NSTATS];
};

struct vio_txslot {
	struct vio_txslot	*ts_next;	/* not lent */
	bus_dmamap_t		 ts_map;
	struct mbuf		*ts_m;
};

struct vio_txq {
	struct vio_softc	*tq_sc;
	struct virtqueue	*tq_vq;
	struct mutex		 tq_mtx;	/* all of this */
	bool			 tq_up;
	bool			 tq_owed;	/* not notified yet; also read
						 * without the mutex */
	bool			 tq_ticking;	/* tq_timeout is set */
	struct vio_txslot	*tq_slot;
	u_int			 tq_nslots;
	struct vio_txslot	*tq_free;
	u_int			 tq_lent;
	u_int			 tq_reap;	/* look for used ones from
						 * that many lent on */
	u_int			 tq_msec;	/* until tq_timeout */
	struct mbufq		 tq_wait;	/* for room in the ring */
	struct timeout		 tq_timeout;	/* to free what was sent */
	struct iovec		 tq_iov[VIO_TXSEGS];
	uint64_t		 tq_stat[TX_NSTATS];
};

/* --- the device ---------------------------------------------------------- */

struct vio_coal {
	uint32_t	vc_usecs, vc_packets;
	bool		vc_set;			/* else: the device's own */
};

struct vio_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct ifnet		 sc_if;
	bool			 sc_attached;	/* the network knows us */
	bool			 sc_dead;
	int			 sc_flags;	/* VIO_FLAG_* */

	/* facts, after attach */
	u_int			 sc_hdrlen;
	u_int			 sc_rxoff;	/* of the header in a buffer */
	bool			 sc_hdrapart;	/* in a descriptor of its own */
	bool			 sc_merge;	/* MRG_RXBUF */
	bool			 sc_bigrx;	/* may receive GSO packets */
	uint64_t		 sc_guest;	/* GUEST_* that were agreed on */
	u_int			 sc_maxframe;	/* without GSO */
	u_int			 sc_nexts;	/* pieces of a receive buffer */
	uint32_t		 sc_extsize[VIO_MAXEXTS];
	uint16_t		 sc_maxpairs;	/* the device's */
	u_int			 sc_npairs;	/* queues that there are */
	u_int			 sc_nactive;	/* and that are used */
	uint32_t		 sc_hashtypes;
	uint8_t			 sc_hwaddr[ETHER_ADDR_LEN]; /* device's own */
	bool			 sc_hwaddrok;

	struct vio_rxq		*sc_rxq;
	struct vio_txq		*sc_txq;
	struct thread		*sc_holder;	/* see vio_tx_hold() */

	/* commands: sc_ctrl, and sc_cmtx for the queue */
	struct rwlock		 sc_ctrl;
	struct virtqueue	*sc_cvq;
	struct mutex		 sc_cmtx;
	struct dmamem		 sc_cmem;
	uint64_t		 sc_offloads;	/* GUEST_* that are on */
	bool			 sc_quiet;	/* told to receive nothing */
	struct vio_coal		 sc_rxcoal, sc_txcoal;
	uint8_t			 sc_key[VIRTIO_NET_RSS_KEY];
	uint64_t		 sc_stat[CTL_NSTATS];

	struct sysctl_oid	 sc_oid[3];
	u_int			 sc_noids;
};
/* of the configuration */
#define VIO_FLAG_NO_OFFLOAD	0x0001
#define VIO_FLAG_NO_EVENT_IDX	0x0002
#define VIO_FLAG_ONE_PAIR	0x0004
#define VIO_FLAG_RSS		0x0008
#define VIO_FLAG_PROMISC	0x0100

#define VIO_GUEST_TSO	(VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)
#define VIO_GUEST_USO	(VIRTIO_NET_F_GUEST_USO4 | VIRTIO_NET_F_GUEST_USO6)
#define VIO_GUEST_GSO	(VIO_GUEST_TSO | VIO_GUEST_USO |		\
			 VIRTIO_NET_F_GUEST_ECN)
#define VIO_GUEST_ALL	(VIO_GUEST_GSO | VIRTIO_NET_F_GUEST_CSUM)

/* One of these bits is had. */
static inline bool
vio_has_any(const struct vio_softc *sc, uint64_t bits)
{
	for (; bits != 0; bits &= bits - 1) {
		if (virtio_has(sc->sc_vsc, bits & -bits))
			return (true);
	}
	return (false);
}

/*
 * if_vio_rx.c
 * shape: what a receive buffer looks like; before the queues are made.
 * alloc: slots and maps.  EFBIG: a queue is too small, or memory too little,
 *	for packets that were put together.
 * up: forget what came before, lend buffers, receive.  down: the reverse, but
 *	buffers stay lent.
 * stopped: after VIRTIO_STOPPED or virtio_stop(): take back what was lent.
 * resumed: the device works again, or for the first time.
 * free: memory, when nothing is lent.
 */
void	 vio_rx_shape(struct vio_softc *);
u_int	 vio_rx_nsegs(const struct vio_softc *);
void	 vio_rx_init(struct vio_softc *, struct vio_rxq *);
int	 vio_rx_alloc(struct vio_softc *, struct vio_rxq *);
void	 vio_rx_up(struct vio_rxq *);
void	 vio_rx_down(struct vio_rxq *);
void	 vio_rx_stopped(struct vio_rxq *);
void	 vio_rx_resumed(struct vio_rxq *);
void	 vio_rx_free(struct vio_rxq *);
void	 vio_rx_intr(void *);

/*
 * if_vio_check.c: RX_GOOD, or what is wrong.
 * header: of the packet of that length that begins in this slot.
 * agreed: does it say only what was agreed on?
 * finish: the whole of it, in memory of ours; sets its packet header.
 */
enum vio_rxstat vio_rx_header(struct vio_rxq *, const struct vio_rxslot *,
	    uint32_t, struct vio_rxhdr *);
enum vio_rxstat vio_rx_agreed(struct vio_rxq *, const struct vio_rxhdr *);
enum vio_rxstat vio_rx_finish(struct vio_rxq *, struct vio_rxpkt *);

/*
 * if_vio_tx.c: the same; down drops what waits.
 * hold, flush: what the network sends in answer to packets that it is given is
 *	told to the device after a few of them.
 */
void	 vio_tx_init(struct vio_softc *, struct vio_txq *);
int	 vio_tx_alloc(struct vio_softc *, struct vio_txq *);
void	 vio_tx_up(struct vio_txq *);
void	 vio_tx_down(struct vio_txq *);
void	 vio_tx_stopped(struct vio_txq *);
void	 vio_tx_resumed(struct vio_txq *);
void	 vio_tx_free(struct vio_txq *);
void	 vio_tx_intr(void *);
void	 vio_tx_hold(struct vio_softc *, bool);
void	 vio_tx_flush(struct vio_softc *);
void	 vio_transmit(struct ifnet *, struct mbuf *, bool);

/*
 * if_vio_ctrl.c: thread context.
 * attach: memory.
 * setup: all that a device forgets with a reset, but what follows.
 * filter: what is received.  quiet: nothing at all, if that can be had.
 * The others: EOPNOTSUPP: the device has no such command, or refuses it; EIO:
 *	it did not answer.
 */
int	 vio_ctrl_attach(struct vio_softc *);
void	 vio_ctrl_detach(struct vio_softc *);
void	 vio_ctrl_intr(void *);
void	 vio_ctrl_stopped(struct vio_softc *);
void	 vio_ctrl_setup(struct vio_softc *);
void	 vio_ctrl_filter(struct vio_softc *);
void	 vio_ctrl_quiet(struct vio_softc *, bool);
int	 vio_ctrl_lladdr(struct vio_softc *, const uint8_t *);
int	 vio_ctrl_offloads(struct vio_softc *, uint64_t);
int	 vio_ctrl_coalesce(struct vio_softc *, bool tx,
	    const struct vio_coal *);
void	 vio_ctrl_announced(struct vio_softc *);

/* if_vio_stat.c */
void	 vio_stat_attach(struct vio_softc *);
void	 vio_stat_detach(struct vio_softc *);
void	 vio_counters(struct ifnet *, struct if_counters *);
int	 vio_describe(struct ifnet *, char *, size_t);

#endif /* _DEV_PV_IF_VIOVAR_H_ */

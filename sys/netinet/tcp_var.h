/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _NETINET_TCP_VAR_H_
#define _NETINET_TCP_VAR_H_

/*
 * TCP (RFC 9293) inside: a connection, and what the files of it have between
 * them.
 *
 *	tcp_hash.c	secrets
 *	tcp_subr.c	life of a connection, errors, sizes of segments
 *	tcp_usrreq.c	what sockets ask
 *	tcp_ctl.c	options of sockets, TCP_INFO
 *	tcp_input.c	an arriving segment, up to where its state decides
 *	tcp_segment.c	the states (RFC 9293, 3.10.7)
 *	tcp_ack.c	what an acknowledgement says
 *	tcp_sent.c	what is in flight
 *	tcp_recover.c	what of it is lost, and the window then
 *	tcp_reass.c	data that came before their turn; SACK blocks
 *	tcp_output.c	what may be sent now
 *	tcp_packet.c	a segment as a packet
 *	tcp_timer.c	what happens when nothing happens
 *	tcp_cc*.c	congestion control
 *	tcp_syncache.c	connections that are not yet, tcp_cookie.c those that
 *			only the peer remembers, tcp_timewait.c those that were
 *	tcp_sysctl.c	variables and counters
 *
 * All of a connection is guarded by its socket's mutex.  Whoever has entered
 * it looks at t_state: a connection that ended while one waited is CLOSED,
 * and is left alone.
 */

#include <sys/mbuf.h>
#include <sys/queue.h>
#include <sys/socketvar.h>
#include <sys/timeout.h>

#include <netinet/in_pcb.h>
#include <netinet/tcp.h>

/* Sequence numbers are compared within half of their space. */
#define SEQ_LT(a, b)	((int32_t)((uint32_t)(a) - (uint32_t)(b)) < 0)
#define SEQ_LEQ(a, b)	((int32_t)((uint32_t)(a) - (uint32_t)(b)) <= 0)
#define SEQ_GT(a, b)	((int32_t)((uint32_t)(a) - (uint32_t)(b)) > 0)
#define SEQ_GEQ(a, b)	((int32_t)((uint32_t)(a) - (uint32_t)(b)) >= 0)
#define SEQ_MAX(a, b)	(SEQ_GT(a, b) ? (a) : (b))
#define SEQ_MIN(a, b)	(SEQ_LT(a, b) ? (a) : (b))

/* in this order: those up to CLOSE_WAIT may still send new data */
enum tcp_state {
	TCPS_CLOSED, TCPS_LISTEN, TCPS_SYN_SENT, TCPS_SYN_RCVD,
	TCPS_ESTABLISHED, TCPS_CLOSE_WAIT, TCPS_FIN_WAIT_1, TCPS_CLOSING,
	TCPS_LAST_ACK, TCPS_FIN_WAIT_2
};

/* What may be due; t_due[] has the time of each. */
enum tcp_timer {
	TT_REXMT,			/* retransmission (RFC 6298) */
	TT_PROBE,			/* loss at the end (RFC 8985, 7) */
	TT_REORDER,			/* the same, 6.2: it is late */
	TT_PERSIST,			/* the peer's window is closed */
	TT_DELACK,
	TT_RETRY,			/* no memory, or corked for long */
	TT_KEEP,
	TT_FINWAIT2,			/* the peer does not close */
	TT_COUNT
};
#define TT_NEVER	UINT64_MAX

/*
 * Some bytes that were sent together.  Each is in flight, or known to have
 * arrived (TSF_SACKED), or thought to be lost (TSF_LOST).
 */
struct tcp_sent {
	TAILQ_ENTRY(tcp_sent) ts_link;	/* all, by ts_seq */
	TAILQ_ENTRY(tcp_sent) ts_flight; /* in flight, by ts_time */
	uint64_t	 ts_time;	/* when it was sent, the last time */
	uint32_t	 ts_seq, ts_end;
	uint8_t		 ts_flags;
};
#define TSF_SACKED	0x01
#define TSF_LOST	0x02
#define TSF_REXMT	0x04		/* was sent more than once */
#define TSF_SYN		0x08
#define TSF_FIN		0x10		/* its last number */
#define TSF_OWN		0x20		/* is in t_sentown[] */
#define TCP_SENTOWN	6
#define TCP_SENTMAX	8192		/* of them in a connection */
TAILQ_HEAD(tcp_sentq, tcp_sent);

/* Data that came before their turn: no two ranges touch. */
struct tcp_range {
	TAILQ_ENTRY(tcp_range) tr_link;	/* by tr_seq */
	TAILQ_ENTRY(tcp_range) tr_recent; /* what grew last is first */
	uint32_t	 tr_seq, tr_end;
	uint32_t	 tr_mem;
	bool		 tr_fin;	/* the stream ends with it */
	struct mbuf	*tr_head, *tr_last;
};
TAILQ_HEAD(tcp_rangeq, tcp_range);
#define TCP_RANGEMAX	1024

#define TCP_MAXSACK	4

/* An arriving segment, as it was checked. */
struct tcp_seg {
	uint32_t	 sg_seq, sg_ack;
	uint32_t	 sg_wnd;	/* not scaled */
	uint32_t	 sg_len;	/* of the data */
	uint32_t	 sg_segs;	/* packets that it was on the wire */
	uint16_t	 sg_urp;
	uint8_t		 sg_flags;	/* TH_* */
	bool		 sg_ce;		/* congestion was met (RFC 3168) */
	/* options */
	bool		 sg_ts, sg_sackok;
	uint8_t		 sg_wscale;	/* TCPWS_NONE: not there */
	uint8_t		 sg_nsack;
	uint16_t	 sg_mss;	/* 0: not there */
	uint32_t	 sg_tsval, sg_tsecr;
	struct { uint32_t left, right; } sg_sack[TCP_MAXSACK];
	const struct ip_in *sg_in;
};
#define TCPWS_NONE	0xff

struct tcp_cc;

struct cubic {
	uint64_t	 cu_epoch;	/* when growth began; 0: not yet */
	uint32_t	 cu_wmax;	/* bytes */
	uint32_t	 cu_start;	/* window at the epoch */
	uint32_t	 cu_west;	/* what Reno would have */
	uint32_t	 cu_frac;	/* bytes acked towards its next byte */
	uint32_t	 cu_k;		/* ms */
	uint32_t	 cu_oldwmax;	/* for undo */
};

struct hystart {			/* RFC 9406 */
	uint64_t	 hs_last, hs_cur, hs_base;	/* least, of a round */
	uint32_t	 hs_end;	/* of the round */
	u_int		 hs_samples;
	u_int		 hs_css;	/* rounds of slower growth; 0: none */
};

struct tcpcb {
	struct inpcb	 t_inp;		/* first */
	enum tcp_state	 t_state;
	u_int		 t_flags;	/* TF_* */

	/* RFC 9293, 3.3.1; snd_nxt never goes back */
	uint32_t	 snd_una, snd_nxt, snd_wnd;
	uint32_t	 snd_wl1, snd_wl2;
	uint32_t	 iss;
	uint32_t	 snd_data;	/* number of so_snd's first byte */
	uint32_t	 snd_up;	/* behind the urgent byte */
	uint32_t	 snd_sml;	/* end of the last small segment */
	uint32_t	 snd_maxwnd;	/* largest that was offered */
	uint32_t	 rcv_nxt, rcv_adv; /* right edge that was offered */
	uint32_t	 rcv_acked;	/* last that was sent */
	uint32_t	 irs;
	uint32_t	 rcv_up;	/* number of the urgent byte */
	uint8_t		 snd_scale, rcv_scale;

	/* RFC 7323 */
	uint32_t	 t_tsoff;	/* added to our clock */
	uint32_t	 t_tsrecent;
	uint64_t	 t_tsage;	/* when that came */

	/* sizes */
	uint32_t	 t_maxseg;	/* options and data of a segment */
	uint32_t	 t_mss;		/* data, with the usual options */
	uint32_t	 t_peermss;	/* as the peer said */
	uint32_t	 t_usermss;	/* TCP_MAXSEG; 0: not set */
	uint32_t	 t_pmtu;	/* of the path, as far as we know, */
	uint32_t	 t_routemtu;	/* and as the route had it last */
	uint32_t	 t_rcvmss;	/* what the peer sends */
	uint32_t	 t_clamp;	/* TCP_WINDOW_CLAMP; 0: not set */
	uint64_t	 t_pseudo;	/* sum of the addresses and protocol */

	/* what was sent and not acknowledged, in bytes */
	struct tcp_sentq t_sentq;
	struct tcp_sentq t_flightq;
	uint32_t	 t_pipe;	/* in flight */
	uint32_t	 t_sacked, t_lost;
	u_int		 t_nsent;
	struct tcp_sentq t_sentfree;	/* by ts_link; few */
	u_int		 t_nsentfree;
	struct tcp_sent	*t_sackhint;	/* where the last block was found */
	struct tcp_sent	*t_losthint;	/* nothing before it is lost */
	struct mbuf	*t_sndhint;	/* mbuf of so_snd sent from last */
	uint32_t	 t_sndhintseq;	/* number of its first byte */

	/* round trip, ns (RFC 6298); srtt 0: not known */
	uint64_t	 t_srtt, t_rttvar, t_rto;
	uint64_t	 t_minrtt, t_minrttage;
	uint32_t	 t_rttseq;	/* the next sample is behind this */

	/* recovery */
	uint32_t	 t_recover;	/* it ends with this acknowledged */
	uint32_t	 t_dupacks;
	u_int		 t_rexmits;	/* timeouts in a row */
	uint32_t	 t_prrout, t_prrdelivered, t_prrflight;
	uint64_t	 t_racktime, t_rackrtt;
	uint32_t	 t_rackend;
	uint32_t	 t_fack;	/* highest that arrived */
	u_int		 t_reomult, t_reopersist;
	uint32_t	 t_reoround;	/* one DSACK counts until this */
	uint32_t	 t_probeend;	/* TF_PROBING: of the probe */
	uint32_t	 t_undotime;	/* our clock at the retransmission */
	uint32_t	 t_undocwnd, t_undossthresh;

	/* congestion */
	const struct tcp_cc *t_cc;
	uint32_t	 t_cwnd, t_ssthresh, t_ccfrac;
	uint32_t	 t_ecnrecover;	/* RFC 3168: once a window */
	struct hystart	 t_hystart;
	struct cubic	 t_cubic;

	/* received out of order */
	struct tcp_rangeq t_rangeq, t_recentq;
	u_int		 t_nranges;
	uint32_t	 t_rangemem;
	uint32_t	 t_dsackleft, t_dsackright; /* equal: none to report */

	/* timers */
	struct timeout	 t_timeout;
	uint64_t	 t_armed;	/* when it will run; TT_NEVER */
	uint64_t	 t_due[TT_COUNT];
	uint64_t	 t_now;		/* of what is going on */
	uint64_t	 t_lastsent, t_lastrcvd, t_lastack;
	uint64_t	 t_stalled;	/* since when nothing is acknowledged */
	uint64_t	 t_challenge;	/* second of the last challenge ACKs */
	u_int		 t_nchallenge;	/* so many in it */
	u_int		 t_persists, t_keepprobes;
	u_int		 t_quickacks;	/* so many segments more at once */

	/* options of the socket; times in ms */
	u_int		 t_keepidle, t_keepintvl, t_keepcnt;
	u_int		 t_syncnt, t_linger2, t_usertimeout, t_deferaccept;
	uint32_t	 t_notsent;

	/* growth of the receive buffer */
	uint32_t	 t_spaceseq;	/* the program had read up to here */
	uint64_t	 t_spacetime;

	u_int		 t_nsyn;	/* LISTEN: in the SYN cache */
	int		 t_softerror;
	uint8_t		 t_oobbyte;
	uint64_t	 t_totalrexmt;	/* segments */
	struct tcp_sent	 t_sentown[TCP_SENTOWN];
};

#define TF_ACKNOW	0x00000001	/* an ACK is owed at once */
#define TF_DELACK	0x00000002	/* with the next segment, or soon */
#define TF_NODELAY	0x00000004
#define TF_CORK		0x00000008
#define TF_MORE		0x00000010	/* MSG_MORE was said */
#define TF_TS		0x00000020	/* both send timestamps */
#define TF_SACK		0x00000040	/* the peer takes SACK, and so do we */
#define TF_WSCALE	0x00000080
#define TF_ECN		0x00000100
#define TF_ECE		0x00000200	/* congestion was met: say so */
#define TF_CWR		0x00000400	/* the window was reduced: say so */
#define TF_WANTFIN	0x00000800	/* the program has sent all */
#define TF_SENTFIN	0x00001000
#define TF_RECOVERY	0x00002000	/* fast recovery (RFC 6675) */
#define TF_LOSS		0x00004000	/* after a timeout */
#define TF_UNDO		0x00008000	/* it may have been for nothing */
#define TF_REORDER	0x00010000	/* the path does that */
#define TF_PROBING	0x00020000	/* a probe is out, */
#define TF_PROBEREXMT	0x00040000	/* of what had been sent */
#define TF_FORCE	0x00080000	/* send one, whatever the window says */
#define TF_PUSHNOW	0x00100000	/* corked for long enough */
#define TF_REF		0x00200000	/* the connection has a reference */
#define TF_OOB		0x00400000	/* t_oobbyte is there to be read */
#define TF_OOBREAD	0x00800000	/* it was */
#define TF_URGENT	0x01000000	/* rcv_up is to come, or unread */
#define TF_CWNDFULL	0x02000000	/* the window held something back */
#define TF_RTTSYN	0x08000000	/* the SYN had to be repeated */
#define TF_TRYECN	0x10000000	/* our SYN asks for it */
#define TF_USER		(TF_NODELAY | TF_CORK)	/* the program's */

#define intotcpcb(i)	container_of(i, struct tcpcb, t_inp)
#define sototcpcb(so)	((struct tcpcb *)(so)->so_pcb)
#define tptoso(tp)	((tp)->t_inp.inp_socket)

/* We have had the peer's FIN. */
static inline bool
tcp_rcvdfin(const struct tcpcb *tp)
{
	return (tp->t_state == TCPS_CLOSE_WAIT || tp->t_state ==
	    TCPS_CLOSING || tp->t_state == TCPS_LAST_ACK);
}

static inline bool
tcp_is4(const struct tcpcb *tp)
{
	return (in_is4(&tp->t_inp.inp_faddr));
}

/* our clock for timestamps: ms */
static inline uint32_t
tcp_clock(uint64_t now)
{
	return (now / 1000000);
}

extern struct inpcbtable tcp_table;

/* --- variables and counters --------------------------------------------- */

struct tcp_tunables {
	u_int	 tn_sack, tn_timestamps, tn_wscale;
	u_int	 tn_ecn;		/* 0, 1: ask, 2: only if asked */
	u_int	 tn_sndbuf, tn_rcvbuf, tn_sndbuf_max, tn_rcvbuf_max;
	u_int	 tn_keepidle, tn_keepintvl, tn_keepcnt;	/* s, s, times */
	u_int	 tn_syn_retries, tn_synack_retries, tn_retries;
	u_int	 tn_delack;		/* ms */
	u_int	 tn_finwait2;		/* s */
	u_int	 tn_initcwnd;		/* segments */
	u_int	 tn_idlerestart;	/* RFC 5681, 4.1 */
	u_int	 tn_syncache, tn_synqueue; /* entries: all, of a listener */
	u_int	 tn_cookies;		/* 0, 1: if full, 2: always */
	u_int	 tn_timewait;		/* entries */
};
extern struct tcp_tunables tcp_tun;

#define TCP_STATS(X)							\
	X(segs_in) X(segs_out) X(packets_in) X(packets_out)		\
	X(retransmits) X(fast_recoveries) X(timeouts) X(probes)		\
	X(undone) X(reordered) X(dsacks_in) X(dsacks_out) X(ecn_marks)	\
	X(predicted_acks) X(predicted_data) X(out_of_order)		\
	X(duplicates) X(delayed_acks) X(persist_probes)			\
	X(keepalive_probes) X(challenge_acks)				\
	X(active_opens) X(passive_opens) X(resets_in) X(resets_out)	\
	X(drop_short) X(drop_header) X(drop_checksum) X(drop_paws)	\
	X(drop_window) X(drop_ack) X(drop_memory) X(drop_closed)	\
	X(drop_nosocket) X(drop_multicast) X(drop_ranges)		\
	X(listen_overflow) X(syncache_added) X(syncache_dropped)	\
	X(syncache_timeouts) X(syncache_completed)			\
	X(cookies_sent) X(cookies_valid) X(cookies_invalid)		\
	X(timewait_entered) X(timewait_reused) X(timewait_overflow)	\
	X(keepalive_drops) X(retransmit_drops) X(pmtu_decreases)

struct tcp_stats {
#define X(name)	uint64_t ts_##name;
	TCP_STATS(X)
#undef X
};
extern struct tcp_stats tcp_stats;

/* two CPUs may lose a count; that is cheaper than never losing one */
#define TCPSTAT_ADD(name, n)						\
	__atomic_store_n(&tcp_stats.ts_##name, __atomic_load_n(		\
	    &tcp_stats.ts_##name, __ATOMIC_RELAXED) + (n), __ATOMIC_RELAXED)
#define TCPSTAT(name)	TCPSTAT_ADD(name, 1)

void	 tcp_sysctl_init(void);

/* --- tcp_subr.c --------------------------------------------------------- */

/*
 * tcp_init: at boot, thread context, after the sysctl and timeout are there.
 * tcp_attach: pr_attach.
 * tcp_start: a connection begins: addresses are set; takes the reference of
 *	the connection if it has none, first sequence number and timestamp
 *	offset.
 * tcp_unconnect: it was none after all: the peer is taken off.
 * tcp_drop: the connection fails with an error, without a word to the peer.
 * tcp_abort: the same, and tells it by RST.
 * tcp_done: the connection is over: CLOSED, out of the table, without timers.
 *	The caller has a reference of its own.
 * tcp_setmss: segments' sizes from the route, the peer and the program.
 * tcp_mssfor: what we tell in our SYN, by the path's MTU.
 * tcp_error: it_error.
 * tcp_hash4: SipHash of a connection's addresses and ports with more words,
 *	by the secret of that purpose.
 */
enum tcp_secret { TCP_KEY_ISN, TCP_KEY_TS, TCP_KEY_COOKIE, TCP_KEY_TABLE,
	TCP_KEYS };
void	 tcp_init(void);
void	 tcp_hash_init(void);
int	 tcp_attach(struct socket *, int);
void	 tcp_free(struct socket *);
void	 tcp_start(struct tcpcb *, uint32_t iss);
void	 tcp_unconnect(struct tcpcb *);
u_int	 tcp_ifidx(const struct tcpcb *);
void	 tcp_drop(struct tcpcb *, int error);
void	 tcp_abort(struct tcpcb *, int error);
void	 tcp_done(struct tcpcb *);
void	 tcp_setmss(struct tcpcb *);
uint32_t tcp_mssfor(bool v4, u_int mtu);
void	 tcp_error(int, u_int, bool, const struct inaddr *,
	    const struct inaddr *, const uint8_t *);
struct tcp_tuple {			/* host order; local, foreign */
	struct inaddr	 tt_laddr, tt_faddr;
	uint16_t	 tt_lport, tt_fport;
};
uint64_t tcp_hash4(enum tcp_secret, const struct tcp_tuple *, uint32_t,
	    uint32_t);
uint32_t tcp_newiss(const struct tcp_tuple *, uint64_t now);
uint32_t tcp_newtsoff(const struct tcp_tuple *);
void	 tcp_tuple(const struct tcpcb *, struct tcp_tuple *);
int	 tcp_linux_state(const struct tcpcb *);
uint64_t siphash24(const uint64_t key[2], const void *, size_t);

/*
 * The connections and the like, for /proc/net/tcp: fn for each of that family.
 * Thread context.  EINTR of fn ends it; its value is returned.
 */
struct tcp_entry {
	struct tcp_tuple te_tuple;
	enum tcp_linux_state te_state;
	uint32_t	 te_sndq, te_rcvq;	/* LISTEN: limit, length */
	u_int		 te_timer;	/* 0; 1: retransmission, 2: keepalive,
					 * 3: TIME_WAIT, 4: zero window */
	uint64_t	 te_expires;	/* ns from now */
	u_int		 te_retransmits;
	uid_t		 te_uid;
	ino_t		 te_ino;
};
int	 tcp_foreach(bool v6, int (*)(void *, const struct tcp_entry *),
	    void *);

/* --- tcp_usrreq.c, tcp_ctl.c -------------------------------------------- */

extern const struct protosw tcp_protosw[2];	/* AF_INET, AF_INET6 */
void	 tcp_connected(struct tcpcb *);
int	 tcp_setopt(struct socket *, int, int, const void *, size_t);
int	 tcp_getopt(struct socket *, int, int, void *, size_t *);
int	 tcp_ioctl(struct socket *, u_long, void *);

/* --- input -------------------------------------------------------------- */

void	 tcp_input(struct mbuf *, const struct ip_in *);
/*
 * tcp_segment: so_mtx held; takes over the data (m_data is at the first byte,
 *	or NULL if there are none).
 * tcp_unacceptable: a segment of no connection is answered by RST, if it is
 *	not one.
 * tcp_challenge: RFC 5961: an ACK, but not too many.
 * tcp_deliver: data that are next: to the program.  fin: and the end.
 * tcp_ack: what it acknowledges; false: the connection is over or the segment
 *	is to be dropped.
 * tcp_window: its window.
 */
void	 tcp_segment(struct tcpcb *, struct tcp_seg *, struct mbuf *);
void	 tcp_unacceptable(const struct tcp_tuple *, const struct tcp_seg *,
	    u_int ifidx);
void	 tcp_challenge(struct tcpcb *);
void	 tcp_deliver(struct tcpcb *, struct mbuf *, uint32_t len);
void	 tcp_established(struct tcpcb *);
bool	 tcp_ack(struct tcpcb *, const struct tcp_seg *);
void	 tcp_segment_text(struct tcpcb *, struct tcp_seg *, struct mbuf *);
struct tcp_delivery;
void	 tcp_ack_advance(struct tcpcb *, const struct tcp_seg *,
	    struct tcp_delivery *);
void	 tcp_window(struct tcpcb *, const struct tcp_seg *);
void	 tcp_ackpolicy(struct tcpcb *, const struct tcp_seg *);
void	 tcp_options_syn(struct tcpcb *, const struct tcp_seg *);

/*
 * tcp_reass: data that are not next are kept, and those that they made next
 *	are delivered.  They are in the window and not before rcv_nxt; m may be
 *	NULL if only the FIN is there.  Whether the end of the stream was
 *	reached.
 * tcp_reass_dsack: these bytes came twice.
 * tcp_reass_sack: SACK blocks, at most so many; the number.
 */
void	 tcp_reass_init(struct tcpcb *);
bool	 tcp_reass(struct tcpcb *, uint32_t, struct mbuf *, uint32_t, bool);
void	 tcp_reass_flush(struct tcpcb *);
void	 tcp_reass_dsack(struct tcpcb *, uint32_t, uint32_t);
u_int	 tcp_reass_nsack(const struct tcpcb *);
u_int	 tcp_reass_sack(struct tcpcb *, uint32_t (*)[2], u_int);

/* --- tcp_sent.c, tcp_recover.c ------------------------------------------ */

struct tcp_delivery {			/* what one ACK tells */
	uint32_t	 td_acked;	/* bytes: cumulatively */
	uint32_t	 td_sacked;	/* newly */
	uint32_t	 td_delivered;	/* either, the first time */
	uint32_t	 td_pipe;	/* before it, */
	uint32_t	 td_fack;	/* and t_fack */
	uint64_t	 td_rtt;	/* 0: no sample */
	bool		 td_dsack;	/* something came twice */
	bool		 td_dup;	/* a duplicate (RFC 5681, 2) */
};

/*
 * tcp_sent_add: bytes that are sent the first time; false: no memory.
 * tcp_sent_split: cut a piece in two; the second; NULL: no memory.
 * tcp_sent_again: a lost piece is sent again.
 * tcp_sent_lost: it is thought to be lost.
 * tcp_sent_unlose: none is.
 * tcp_sent_acked, tcp_sent_sacked: what arrived.
 * tcp_sent_flush: forget all.
 * tcp_lost_first: the first piece to be sent again; NULL.
 * tcp_pipe: bytes in flight (RFC 6675, 4).
 */
void	 tcp_sent_init(struct tcpcb *);
void	 tcp_sent_flush(struct tcpcb *);
bool	 tcp_sent_add(struct tcpcb *, uint32_t, uint32_t, u_int);
struct tcp_sent *tcp_sent_split(struct tcpcb *, struct tcp_sent *, uint32_t);
void	 tcp_sent_again(struct tcpcb *, struct tcp_sent *);
void	 tcp_sent_lost(struct tcpcb *, struct tcp_sent *);
void	 tcp_sent_unlose(struct tcpcb *);
void	 tcp_sent_acked(struct tcpcb *, const struct tcp_seg *,
	    struct tcp_delivery *);
void	 tcp_sent_sacked(struct tcpcb *, const struct tcp_seg *,
	    struct tcp_delivery *);
struct tcp_sent *tcp_lost_first(struct tcpcb *);
uint32_t tcp_pipe(const struct tcpcb *);

/*
 * tcp_recover: after an ACK: what is lost, and the window.
 * tcp_grow: the window, where nothing is lost.
 * tcp_recover_late, tcp_recover_probe, tcp_recover_timeout: TT_REORDER,
 *	TT_PROBE, TT_REXMT.  The last sends nothing itself.
 * tcp_rtt: a round trip was measured; tcp_rto: the timeout from that.
 */
void	 tcp_recover(struct tcpcb *, const struct tcp_seg *,
	    struct tcp_delivery *);
void	 tcp_grow(struct tcpcb *, const struct tcp_delivery *);
void	 tcp_recover_late(struct tcpcb *);
void	 tcp_recover_timeout(struct tcpcb *);
void	 tcp_recover_probe(struct tcpcb *);
void	 tcp_rtt(struct tcpcb *, uint64_t);
void	 tcp_rto(struct tcpcb *);
#define TCP_MINRTT_AGE	SEC_TO_NSEC(300)

/* --- output ------------------------------------------------------------- */

/*
 * tcp_output: sends what may and must be sent, and arms the timers for it.
 * tcp_packet: one segment (or several, as GSO) of a connection; the flags say
 *	SYN and FIN, and TH_AGAIN that it was sent before.  errno of
 *	ip_send(), ENOBUFS.
 * tcp_respond: a segment without data of no connection.
 * tcp_rcvwindow: what may be told: the right edge is not moved back.
 * tcp_probe: one byte outside of the window, or none: something to answer.
 * tcp_put_opts: options of a segment of no connection; the length.
 * tcp_optlen: of a segment with data, at most.
 * tcp_sendspan: so much of these bytes as lies in few mbufs, or one segment.
 * tcp_reset: RST to the peer.
 */
#define TH_AGAIN	0x100
void	 tcp_output(struct tcpcb *);
int	 tcp_packet(struct tcpcb *, uint32_t seq, uint32_t len, u_int flags,
	    bool more);
int	 tcp_respond(const struct tcp_tuple *, u_int ifidx, uint32_t seq,
	    uint32_t ack, u_int flags, uint32_t wnd, const void *opt,
	    u_int optlen, uint8_t tos);
uint32_t tcp_rcvwindow(struct tcpcb *);
void	 tcp_probe(struct tcpcb *);
void	 tcp_reset(struct tcpcb *);
u_int	 tcp_optlen(const struct tcpcb *);
uint32_t tcp_sendspan(struct tcpcb *, uint32_t, uint32_t, uint32_t);
struct tcp_opts {
	bool		 to_syn;	/* MSS, and if asked the next two: */
	bool		 to_sack;
	uint8_t		 to_wscale;	/* TCPWS_NONE */
	uint16_t	 to_mss;
	bool		 to_ts;
	uint32_t	 to_tsval, to_tsecr;
};
u_int	 tcp_put_opts(uint8_t *, const struct tcp_opts *);
uint8_t	 tcp_wscale(void);		/* that we ask for */

/* --- timers ------------------------------------------------------------- */

void	 tcp_timer(void *);
void	 tcp_timer_run(struct tcpcb *);
void	 tcp_timer_rearm(struct tcpcb *, uint64_t);
void	 tcp_timer_rexmt(struct tcpcb *);	/* (re)starts REXMT or PROBE */
void	 tcp_timer_persist(struct tcpcb *);
void	 tcp_timer_keep(struct tcpcb *);
void	 tcp_timer_stop(struct tcpcb *);	/* all */

/* The timeout is moved only to the front: a late timer finds out itself. */
static inline void
tcp_timer_set(struct tcpcb *tp, enum tcp_timer which, uint64_t nsec)
{
	uint64_t due = tp->t_now + nsec;

	tp->t_due[which] = due;
	if (due < tp->t_armed)
		tcp_timer_rearm(tp, due);
}

static inline void
tcp_timer_clear(struct tcpcb *tp, enum tcp_timer which)
{
	tp->t_due[which] = TT_NEVER;
}

static inline bool
tcp_timer_isset(const struct tcpcb *tp, enum tcp_timer which)
{
	return (tp->t_due[which] != TT_NEVER);
}

#define TCP_QUICKACKS	8		/* segments at the start */
#define TCP_CWNDMAX	(1U << 28)
#define TCP_RTO_MIN	MSEC_TO_NSEC(200)
#define TCP_RTO_MAX	SEC_TO_NSEC(60)
#define TCP_RTO_INIT	SEC_TO_NSEC(1)
#define TCP_RTT_MAX	300000U		/* ms; what is above is none */
#define TCP_MSL2	SEC_TO_NSEC(60)		/* TIME_WAIT */

/* --- congestion control ------------------------------------------------- */

/*
 * cc_acked: the window was used, and so many bytes have arrived, not in
 *	recovery.
 * cc_loss: returns the new ssthresh, after a loss or a mark.
 * cc_timeout: the window falls to one segment.
 * cc_undo: that was for nothing; the window is restored already.
 * cc_idle: nothing was sent for a while.
 */
struct tcp_cc {
	const char	*cc_name;
	void		(*cc_init)(struct tcpcb *);
	void		(*cc_acked)(struct tcpcb *, uint32_t);
	uint32_t	(*cc_loss)(struct tcpcb *);
	void		(*cc_timeout)(struct tcpcb *);
	void		(*cc_undo)(struct tcpcb *);
	void		(*cc_idle)(struct tcpcb *);
};
extern const struct tcp_cc tcp_cc_newreno, tcp_cc_cubic;
extern const struct tcp_cc *tcp_cc_default;
const struct tcp_cc *tcp_cc_find(const char *);
const struct tcp_cc *tcp_cc_get(u_int);		/* NULL behind the last */
uint32_t tcp_initcwnd(const struct tcpcb *);
bool	 tcp_slowstart(struct tcpcb *, uint32_t *);
uint32_t tcp_flight(const struct tcpcb *);
void	 tcp_hystart_init(struct tcpcb *);
void	 tcp_hystart(struct tcpcb *, uint64_t rtt);

/* --- connections that are not, or no longer ----------------------------- */

/*
 * tcp_syncache_syn: a SYN to a listening socket, whose mutex is held.
 * tcp_syncache_ack: an ACK to it: the new connection, with its mutex entered
 *	and a reference for the caller, or NULL: *reset says whether the
 *	segment deserves a RST.
 * tcp_syncache_rst: a RST.
 * tcp_syncache_error: ICMP says that a peer cannot be reached.
 * tcp_syncache_flush: the socket listens no more.
 */
void	 tcp_syncache_init(void);
void	 tcp_syncache_syn(struct socket *, const struct tcp_tuple *,
	    const struct tcp_seg *);
struct socket *tcp_syncache_ack(struct socket *, const struct tcp_tuple *,
	    const struct tcp_seg *, bool *reset);
void	 tcp_syncache_rst(const struct tcp_tuple *, const struct tcp_seg *);
void	 tcp_syncache_error(const struct tcp_tuple *, uint32_t seq, int, bool);
void	 tcp_syncache_flush(struct socket *);
int	 tcp_syncache_foreach(bool v6, int (*)(void *,
	    const struct tcp_entry *), void *);

/* What is known when the handshake is over. */
struct tcp_syninfo {
	struct tcp_tuple si_tuple;
	uint32_t	 si_iss, si_irs;
	uint32_t	 si_tsoff, si_tsrecent;
	uint16_t	 si_mss;	/* the peer's */
	uint16_t	 si_ourmss, si_rcvwnd; /* that our SYN told */
	uint8_t		 si_tos;
	uint8_t		 si_wscale;	/* the peer's; TCPWS_NONE */
	uint8_t		 si_rcvscale;
	bool		 si_ts, si_sack, si_ecn;
	bool		 si_rexmt;	/* our SYN was repeated */
	u_int		 si_ifidx;
	uint64_t	 si_time;	/* when it was sent; 0: not known */
};

/*
 * tcp_cookie_make: the number of our SYN, and its timestamp; what cannot be
 *	kept in them is taken out of the information.
 * tcp_cookie_recent: some were made not long ago.
 * tcp_cookie_check: an ACK is of such: the information is filled in.
 */
uint32_t tcp_cookie_make(struct tcp_syninfo *, uint32_t *tsval, uint64_t now);
bool	 tcp_cookie_recent(uint64_t now);
bool	 tcp_cookie_check(struct tcp_syninfo *, const struct tcp_seg *,
	    uint64_t now);
void	 tcp_cookie_init(void);

/*
 * tcp_timewait_enter: the connection is over, but may have to repeat its last
 *	ACK; the caller ends it with tcp_done().
 * tcp_timewait_input: a segment may be for one of them: true: it was, and has
 *	been dealt with.  It may begin a new connection: false.
 * tcp_timewait_reuse: we open such a connection again: EADDRNOTAVAIL, or 0
 *	and *iss is beyond what the old one has sent.
 */
void	 tcp_timewait_init(void);
void	 tcp_timewait_enter(struct tcpcb *);
bool	 tcp_timewait_input(const struct tcp_tuple *, const struct tcp_seg *);
int	 tcp_timewait_reuse(const struct tcp_tuple *, uint32_t *iss);
int	 tcp_timewait_foreach(bool v6, int (*)(void *,
	    const struct tcp_entry *), void *);
void	 tcp_timewait_flush(void);		/* for tests */

#endif /* _NETINET_TCP_VAR_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The life of a connection, errors that the network reports about it, and
 * the sizes of its segments.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

/* the smallest that we believe: some data must fit beside all options */
#define TCP_MINMSS	88

struct inpcbtable	tcp_table;

const struct ip_transport tcp_transport = {
	.it_proto = IPPROTO_TCP,
	.it_input = tcp_input,
	.it_error = tcp_error,
};

void
tcp_init(void)
{
	u_int i;

	tcp_hash_init();
	in_pcbtable_init(&tcp_table);
	tcp_syncache_init();
	tcp_cookie_init();
	tcp_timewait_init();
	tcp_sysctl_init();
	for (i = 0; i < nitems(tcp_protosw); i++)
		protosw_register(&tcp_protosw[i]);
}

/* --- life --------------------------------------------------------------- */

int
tcp_attach(struct socket *so, int protocol)
{
	struct tcpcb *tp;
	u_int i;

	if (protocol != 0 && protocol != IPPROTO_TCP)
		return (EPROTONOSUPPORT);
	if ((tp = kmem_zalloc(sizeof(*tp), KM_NOSLEEP)) == NULL)
		return (ENOBUFS);
	in_pcbinit(&tp->t_inp, &tcp_table, so);
	tp->t_state = TCPS_CLOSED;
	tcp_sent_init(tp);
	tcp_reass_init(tp);
	timeout_set(&tp->t_timeout, tcp_timer, tp);
	tp->t_armed = TT_NEVER;
	for (i = 0; i < TT_COUNT; i++)
		tp->t_due[i] = TT_NEVER;
	tp->t_rto = TCP_RTO_INIT;
	tp->t_reomult = 1;
	tp->t_cc = tcp_cc_default;
	tp->t_keepidle = tcp_tun.tn_keepidle * 1000;
	tp->t_keepintvl = tcp_tun.tn_keepintvl * 1000;
	tp->t_keepcnt = tcp_tun.tn_keepcnt;
	tp->t_linger2 = tcp_tun.tn_finwait2 * 1000;
	so->so_pcb = tp;
	sb_reserve(&so->so_snd, tcp_tun.tn_sndbuf);
	sb_reserve(&so->so_rcv, tcp_tun.tn_rcvbuf);
	return (0);
}

void
tcp_free(struct socket *so)
{
	struct tcpcb *tp = sototcpcb(so);

	(void)timeout_del_barrier(&tp->t_timeout);
	mtx_enter(&so->so_mtx);
	/* one that never was a connection may have a port */
	in_pcbdetach(&tp->t_inp);
	tcp_sent_flush(tp);
	tcp_reass_flush(tp);
	mtx_leave(&so->so_mtx);
	so->so_pcb = NULL;
	kmem_free(tp, sizeof(*tp));
}

void
tcp_tuple(const struct tcpcb *tp, struct tcp_tuple *tt)
{
	*tt = (struct tcp_tuple){ tp->t_inp.inp_laddr, tp->t_inp.inp_faddr,
	    tp->t_inp.inp_lport, tp->t_inp.inp_fport };
}

/* The interface that a program or the address insists on; 0. */
u_int
tcp_ifidx(const struct tcpcb *tp)
{
	u_int idx = tptoso(tp)->so_ifidx;

	return (idx != 0 ? idx : tp->t_inp.inp_ifidx);
}

/* The socket may have been one before, that failed. */
void
tcp_start(struct tcpcb *tp, uint32_t iss)
{
	struct tcp_tuple tt;

	tcp_tuple(tp, &tt);
	tp->t_now = nsecuptime();
	tp->iss = tp->snd_una = tp->snd_nxt = iss;
	tp->snd_data = iss + 1;
	tp->snd_up = tp->snd_sml = tp->t_recover = tp->t_rttseq = iss;
	tp->t_fack = tp->t_ecnrecover = tp->t_reoround = iss;
	tp->t_tsoff = tcp_newtsoff(&tt);
	tp->t_pseudo = ip_pseudo(&tt.tt_laddr, &tt.tt_faddr, IPPROTO_TCP, 0);
	tp->t_quickacks = TCP_QUICKACKS;
	tp->t_rto = TCP_RTO_INIT;
	tp->t_srtt = tp->t_minrtt = 0;
	tp->t_cwnd = TCP_MSS4;
	tp->t_ssthresh = TCP_CWNDMAX;
	tp->t_rexmits = 0;
	tp->t_stalled = tp->t_lastrcvd = tp->t_lastack = tp->t_now;
	if (!(tp->t_flags & TF_REF)) {
		tp->t_flags |= TF_REF;
		so_ref(tptoso(tp));
	}
}

/* A port that we chose is chosen again the next time. */
void
tcp_unconnect(struct tcpcb *tp)
{
	struct inpcb *inp = &tp->t_inp;

	in_pcbdisconnect(inp);
	if (!(inp->inp_flags & INP_ANYPORT))
		return;
	in_pcbdetach(inp);
	inp->inp_flags &= ~INP_ANYPORT;
	inp->inp_lport = 0;
	inp->inp_laddr = inp->inp_faddr;	/* none */
}

void
tcp_done(struct tcpcb *tp)
{
	struct socket *so = tptoso(tp);
	bool again = tp->t_state == TCPS_SYN_SENT &&
	    !(so->so_state & SS_CLOSED);

	MUTEX_ASSERT_LOCKED(&so->so_mtx);
	if (tp->t_state == TCPS_CLOSED)
		return;
	tp->t_state = TCPS_CLOSED;
	tcp_timer_stop(tp);
	tcp_sent_flush(tp);
	tcp_reass_flush(tp);
	sb_flush(&so->so_snd);
	if (again) {
		/* it was none yet: the program may try again */
		tcp_unconnect(tp);
		so->so_state &= ~SS_CONNECTING;
		so_wakeup_rcv(so);
		so_wakeup_snd(so);
	} else {
		in_pcbdetach(&tp->t_inp);
		so_isdisconnected(so);
	}
	if (tp->t_flags & TF_REF) {
		tp->t_flags &= TF_USER | TF_OOB | TF_OOBREAD;
		so_unref(so);
	}
}

void
tcp_drop(struct tcpcb *tp, int error)
{
	if (tp->t_state == TCPS_CLOSED)
		return;
	if (error == ETIMEDOUT && tp->t_softerror != 0)
		error = tp->t_softerror;
	/* the one who polls is woken when it is over */
	tptoso(tp)->so_error = error;
	tcp_done(tp);
}

void
tcp_abort(struct tcpcb *tp, int error)
{
	if (tp->t_state >= TCPS_SYN_RCVD)
		tcp_reset(tp);
	tcp_drop(tp, error);
}

/* --- sizes -------------------------------------------------------------- */

uint32_t
tcp_mssfor(bool v4, u_int mtu)
{
	u_int hdr = sizeof(struct tcphdr) + (v4 ? 20 : 40);

	if (mtu < hdr + TCP_MINMSS)
		return (v4 ? TCP_MSS4 : TCP_MSS6);
	return (MIN(mtu, 65535) - hdr);
}

void
tcp_setmss(struct tcpcb *tp)
{
	struct inpcb *inp = &tp->t_inp;
	uint32_t seg;

	if (ip_route_get(&inp->inp_route, &inp->inp_faddr, &inp->inp_laddr,
	    tcp_ifidx(tp)) == 0)
		tp->t_pmtu = tp->t_routemtu = inp->inp_route.ir_mtu;
	seg = tcp_mssfor(tcp_is4(tp), tp->t_pmtu);
	if (tp->t_peermss != 0)
		seg = MIN(seg, tp->t_peermss);
	if (tp->t_usermss != 0)
		seg = MIN(seg, tp->t_usermss);
	tp->t_maxseg = MAX(seg, TCP_MINMSS);
	tp->t_mss = tp->t_maxseg - (tp->t_flags & TF_TS ? TCPOLEN_TSALL : 0);
	tp->t_cwnd = MAX(tp->t_cwnd, tp->t_mss);
}

/* --- errors ------------------------------------------------------------- */

/* What the path carries has become less (RFC 1191, RFC 8201). */
static void
tcp_smaller(struct tcpcb *tp, u_int mtu)
{
	struct tcp_sent *ts;
	u_int hdr = tcp_is4(tp) ? 20 : 40;

	/* the route knows better by now; without it we take the word for it */
	if (mtu >= tp->t_pmtu || mtu < hdr + sizeof(struct tcphdr) +
	    TCP_MINMSS)
		return;
	TCPSTAT(pmtu_decreases);
	tcp_setmss(tp);
	if (tp->t_pmtu > mtu) {
		tp->t_pmtu = mtu;
		tp->t_maxseg = MIN(tp->t_maxseg,
		    tcp_mssfor(tcp_is4(tp), mtu));
		tp->t_mss = tp->t_maxseg -
		    (tp->t_flags & TF_TS ? TCPOLEN_TSALL : 0);
	}
	/* it did not arrive, but nothing was congested */
	if ((ts = TAILQ_FIRST(&tp->t_sentq)) != NULL &&
	    !(ts->ts_flags & (TSF_SACKED | TSF_LOST)))
		tcp_sent_lost(tp, ts);
	tp->t_flags |= TF_FORCE;
	tcp_output(tp);
}

/*
 * ICMP is taken for a hint only, unless there is no connection yet (RFC 5927,
 * RFC 9293, 3.9.2.2), and only if it quotes what is on its way.
 */
static void
tcp_error_conn(struct tcpcb *tp, int error, u_int mtu, bool hard,
    uint32_t seq)
{
	struct socket *so = tptoso(tp);

	if (tp->t_state < TCPS_SYN_SENT ||
	    SEQ_LT(seq, tp->snd_una) || SEQ_GEQ(seq, tp->snd_nxt))
		return;
	tp->t_now = nsecuptime();
	if (error == EMSGSIZE)
		tcp_smaller(tp, mtu);
	else if (hard && tp->t_state <= TCPS_SYN_RCVD)
		tcp_drop(tp, error);
	else {
		tp->t_softerror = error;
		if (tp->t_inp.inp_flags & INP_RECVERR)
			so_seterror(so, error);
	}
}

void
tcp_error(int error, u_int mtu, bool hard, const struct inaddr *src,
    const struct inaddr *dst, const uint8_t *hdr)
{
	struct tcp_tuple tt = { *src, *dst, 0, 0 };
	struct inpcb *inp;
	struct socket *so;
	struct tcphdr th;
	uint32_t seq;

	memcpy(&th, hdr, 8);		/* there may be no more */
	tt.tt_lport = be16_get(th.th_sport);
	tt.tt_fport = be16_get(th.th_dport);
	seq = be32_get(th.th_seq);
	inp = in_pcblookup(&tcp_table, src, tt.tt_lport, dst, tt.tt_fport, 0,
	    false);
	if (inp == NULL) {
		tcp_syncache_error(&tt, seq, error, hard);
		return;
	}
	so = inp->inp_socket;
	mtx_enter(&so->so_mtx);
	if (inp->inp_table != NULL)
		tcp_error_conn(intotcpcb(inp), error, mtu, hard, seq);
	mtx_leave(&so->so_mtx);
	so_unref(so);
}

/* --- lists -------------------------------------------------------------- */

int
tcp_linux_state(const struct tcpcb *tp)
{
	static const uint8_t states[] = {
		[TCPS_CLOSED] = TCPL_CLOSE,
		[TCPS_LISTEN] = TCPL_LISTEN,
		[TCPS_SYN_SENT] = TCPL_SYN_SENT,
		[TCPS_SYN_RCVD] = TCPL_SYN_RECV,
		[TCPS_ESTABLISHED] = TCPL_ESTABLISHED,
		[TCPS_CLOSE_WAIT] = TCPL_CLOSE_WAIT,
		[TCPS_FIN_WAIT_1] = TCPL_FIN_WAIT1,
		[TCPS_CLOSING] = TCPL_CLOSING,
		[TCPS_LAST_ACK] = TCPL_LAST_ACK,
		[TCPS_FIN_WAIT_2] = TCPL_FIN_WAIT2,
	};

	return (states[tp->t_state]);
}

struct tcp_walk {
	bool	  tw_v6;
	int	(*tw_fn)(void *, const struct tcp_entry *);
	void	 *tw_arg;
	int	  tw_error;
};

static void
tcp_entry_timer(const struct tcpcb *tp, struct tcp_entry *te)
{
	static const struct { uint8_t which, code; } codes[] = {
		{ TT_REXMT, 1 }, { TT_PROBE, 1 }, { TT_REORDER, 1 },
		{ TT_PERSIST, 4 }, { TT_KEEP, 2 }, { TT_FINWAIT2, 2 }
	};
	uint64_t now = nsecuptime(), due;
	u_int i;

	for (i = 0; i < nitems(codes); i++) {
		if ((due = tp->t_due[codes[i].which]) == TT_NEVER)
			continue;
		te->te_timer = codes[i].code;
		te->te_expires = due > now ? due - now : 0;
		return;
	}
}

static void
tcp_entry_fill(const struct tcpcb *tp, struct tcp_entry *te)
{
	const struct socket *so = tptoso(tp);

	*te = (struct tcp_entry){ .te_state = tcp_linux_state(tp),
	    .te_uid = so->so_uid, .te_ino = so->so_ino,
	    .te_retransmits = tp->t_rexmits };
	tcp_tuple(tp, &te->te_tuple);
	if (tp->t_state == TCPS_LISTEN) {
		te->te_sndq = so->so_qlimit;
		te->te_rcvq = so->so_qlen;
		return;
	}
	te->te_sndq = so->so_snd.sb_cc;
	te->te_rcvq = so->so_rcv.sb_cc;
	tcp_entry_timer(tp, te);
}

static void
tcp_walk_one(struct inpcb *inp, void *arg)
{
	struct tcp_walk *tw = arg;
	struct socket *so = inp->inp_socket;
	struct tcpcb *tp = intotcpcb(inp);
	struct tcp_entry te;
	bool show;

	if (tw->tw_error != 0)
		return;
	mtx_enter(&so->so_mtx);
	if ((show = tp->t_state != TCPS_CLOSED &&
	    tw->tw_v6 == (so->so_domain == AF_INET6)))
		tcp_entry_fill(tp, &te);
	mtx_leave(&so->so_mtx);
	if (show)
		tw->tw_error = tw->tw_fn(tw->tw_arg, &te);
}

int
tcp_foreach(bool v6, int (*fn)(void *, const struct tcp_entry *), void *arg)
{
	struct tcp_walk tw = { v6, fn, arg, 0 };

	in_pcbforeach(&tcp_table, tcp_walk_one, &tw);
	if (tw.tw_error == 0)
		tw.tw_error = tcp_syncache_foreach(v6, fn, arg);
	if (tw.tw_error == 0)
		tw.tw_error = tcp_timewait_foreach(v6, fn, arg);
	return (tw.tw_error);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A segment that has arrived for a connection: RFC 9293, 3.10.7.3 and
 * 3.10.7.4, in the order in which they have it.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define PAWS_IDLE	SEC_TO_NSEC(24 * 86400ULL)	/* RFC 7323, 5.5 */
#define CHALLENGES	10		/* a second, of a connection */

/* A limit for each connection, not for all: that would tell others' secrets. */
void
tcp_challenge(struct tcpcb *tp)
{
	uint64_t second = tp->t_now / NSEC_PER_SEC;

	if (second != tp->t_challenge) {
		tp->t_challenge = second;
		tp->t_nchallenge = 0;
	}
	if (tp->t_nchallenge++ < CHALLENGES) {
		TCPSTAT(challenge_acks);
		tp->t_flags |= TF_ACKNOW;
	}
}

/* --- the first segments ------------------------------------------------- */

/* What both have asked for holds. */
void
tcp_options_syn(struct tcpcb *tp, const struct tcp_seg *sg)
{
	if (!sg->sg_ts)
		tp->t_flags &= ~TF_TS;
	else {
		tp->t_tsrecent = sg->sg_tsval;
		tp->t_tsage = tp->t_now;
	}
	if (!sg->sg_sackok)
		tp->t_flags &= ~TF_SACK;
	if (sg->sg_wscale != TCPWS_NONE && (tp->t_flags & TF_WSCALE))
		tp->snd_scale = sg->sg_wscale;
	else {
		tp->t_flags &= ~TF_WSCALE;
		tp->snd_scale = tp->rcv_scale = 0;
	}
	tp->t_peermss = sg->sg_mss != 0 ? sg->sg_mss :
	    tcp_is4(tp) ? TCP_MSS4 : TCP_MSS6;
	tcp_setmss(tp);
}

/* Both ends know that there is a connection. */
void
tcp_established(struct tcpcb *tp)
{
	struct socket *so = tptoso(tp);

	tp->t_state = TCPS_ESTABLISHED;
	tp->t_stalled = tp->t_now;
	/* RFC 6298, 5.7: without a measurement be careful */
	if ((tp->t_flags & TF_RTTSYN) && tp->t_srtt == 0)
		tp->t_rto = SEC_TO_NSEC(3);
	tp->t_cwnd = tcp_initcwnd(tp);
	tp->t_ssthresh = TCP_CWNDMAX;
	tcp_hystart_init(tp);
	tp->t_cc->cc_init(tp);
	tp->t_rcvmss = MIN(tp->t_mss, TCP_MSS4);
	tp->t_spaceseq = tp->rcv_nxt;
	tp->t_spacetime = tp->t_now;
	tcp_timer_clear(tp, TT_KEEP);
	tcp_timer_keep(tp);
	so_isconnected(so);
	if (tp->t_flags & TF_WANTFIN)
		tp->t_state = TCPS_FIN_WAIT_1;
}

/* RFC 3168, 6.1.1 */
static void
synsent_ecn(struct tcpcb *tp, const struct tcp_seg *sg)
{
	bool synack = (sg->sg_flags & TH_ACK) != 0;

	if ((tp->t_flags & TF_TRYECN) &&
	    (sg->sg_flags & (TH_ECE | TH_CWR)) ==
	    (synack ? TH_ECE : TH_ECE | TH_CWR))
		tp->t_flags |= TF_ECN;
}

static void
synsent_refused(struct tcpcb *tp, const struct tcp_seg *sg)
{
	struct tcp_tuple tt;

	tcp_tuple(tp, &tt);
	tcp_unacceptable(&tt, sg, tp->t_inp.inp_ifidx);
}

/* The peer's SYN; data that came with it are left to the general part. */
static void
synsent_syn(struct tcpcb *tp, struct tcp_seg *sg)
{
	struct tcp_delivery td = { .td_fack = tp->t_fack };

	tp->irs = sg->sg_seq;
	tp->rcv_nxt = tp->rcv_acked = sg->sg_seq + 1;
	tp->rcv_adv = tp->rcv_nxt + MIN(sb_space(&tptoso(tp)->so_rcv),
	    TCP_MAXWIN);
	synsent_ecn(tp, sg);
	tcp_options_syn(tp, sg);
	tp->snd_wnd = tp->snd_maxwnd = sg->sg_wnd;	/* never scaled */
	tp->snd_wl1 = sg->sg_seq;
	tp->snd_wl2 = sg->sg_ack;
	if (sg->sg_flags & TH_ACK) {
		tcp_ack_advance(tp, sg, &td);
		tcp_established(tp);
		tp->t_flags |= TF_ACKNOW;
	} else {
		/* 3.5: both at the same time */
		tp->t_state = TCPS_SYN_RCVD;
		(void)tcp_packet(tp, tp->iss, 0, TH_SYN, false);
	}
}

static void
segment_synsent(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	bool ack = (sg->sg_flags & TH_ACK) != 0;

	if (ack && (SEQ_LEQ(sg->sg_ack, tp->iss) ||
	    SEQ_GT(sg->sg_ack, tp->snd_nxt))) {
		TCPSTAT(drop_ack);
		synsent_refused(tp, sg);
	} else if (sg->sg_flags & TH_RST) {
		TCPSTAT(resets_in);
		if (ack)
			tcp_drop(tp, ECONNREFUSED);
	} else if (sg->sg_flags & TH_SYN) {
		synsent_syn(tp, sg);
		if (tp->t_state >= TCPS_ESTABLISHED) {
			sg->sg_seq++;
			sg->sg_flags &= ~TH_SYN;
			tcp_segment_text(tp, sg, m);
			return;
		}
	}
	m_freem(m);
}

/* --- is it acceptable? -------------------------------------------------- */

static uint32_t
segment_window(const struct tcpcb *tp)
{
	return (SEQ_GT(tp->rcv_adv, tp->rcv_nxt) ?
	    tp->rcv_adv - tp->rcv_nxt : 0);
}

/* RFC 7323, 5: one of an earlier round of sequence numbers, or without proof */
static bool
segment_paws(struct tcpcb *tp, const struct tcp_seg *sg)
{
	if (!(tp->t_flags & TF_TS) || (sg->sg_flags & (TH_RST | TH_SYN)))
		return (true);
	if (!sg->sg_ts) {
		TCPSTAT(drop_paws);
		return (false);
	}
	if (SEQ_GEQ(sg->sg_tsval, tp->t_tsrecent) ||
	    tp->t_now - tp->t_tsage > PAWS_IDLE)
		return (true);
	TCPSTAT(drop_paws);
	if (sg->sg_len != 0 || (sg->sg_flags & TH_FIN))
		tp->t_flags |= TF_ACKNOW;
	else
		tcp_challenge(tp);
	return (false);
}

/* RFC 5961, 3.2: only one who knows the exact number ends the connection. */
static void
segment_rst(struct tcpcb *tp, const struct tcp_seg *sg)
{
	int error = ECONNRESET;

	if (sg->sg_seq != tp->rcv_nxt) {
		if (SEQ_GT(sg->sg_seq, tp->rcv_nxt) && sg->sg_seq -
		    tp->rcv_nxt < MAX(segment_window(tp), 1))
			tcp_challenge(tp);
		else
			TCPSTAT(drop_window);
		return;
	}
	TCPSTAT(resets_in);
	if (tp->t_state == TCPS_SYN_RCVD)
		error = ECONNREFUSED;
	else if (tp->t_state == TCPS_CLOSE_WAIT)
		error = EPIPE;
	else if (tp->t_state == TCPS_CLOSING || tp->t_state == TCPS_LAST_ACK)
		error = 0;		/* all was said */
	tcp_drop(tp, error);
}

/* What we have already is cut off at the front. */
static void
trim_front(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	uint32_t dup = tp->rcv_nxt - sg->sg_seq;

	tp->t_flags |= TF_ACKNOW;
	if (dup >= sg->sg_len) {
		/* all of it; its FIN too, unless that is what comes next */
		if (dup > sg->sg_len)
			sg->sg_flags &= ~TH_FIN;
		dup = sg->sg_len;
	}
	if (dup != 0) {
		tcp_reass_dsack(tp, sg->sg_seq, sg->sg_seq + dup);
		m_adj(m, dup);
	}
	if (sg->sg_flags & TH_URG) {
		if (sg->sg_urp > tp->rcv_nxt - sg->sg_seq)
			sg->sg_urp -= tp->rcv_nxt - sg->sg_seq;
		else
			sg->sg_flags &= ~TH_URG;
	}
	sg->sg_len -= dup;
	sg->sg_seq = tp->rcv_nxt;
}

/*
 * What does not fit is cut off at the end; a FIN needs no room of a program's.
 * false: it is elsewhere.
 */
static bool
trim_end(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	uint32_t wnd = segment_window(tp), off = sg->sg_seq - tp->rcv_nxt;

	if (off > wnd)
		return (false);
	wnd -= off;
	if (sg->sg_len <= wnd)
		return (true);
	/* a probe of a closed window: what it acknowledges is good */
	if (wnd == 0 && off != 0)
		return (false);
	tp->t_flags |= TF_ACKNOW;
	m_adj(m, -(int)(sg->sg_len - wnd));
	sg->sg_len = wnd;
	sg->sg_flags &= ~(TH_FIN | TH_PUSH);
	return (true);
}

/* RFC 9293, 3.10.7.4, first */
static bool
segment_trim(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	uint32_t len = sg->sg_len + ((sg->sg_flags & TH_FIN) != 0);

	if (SEQ_LT(sg->sg_seq, tp->rcv_nxt)) {
		if (len == 0) {
			/* a keepalive, or very late */
			tcp_challenge(tp);
			return (false);
		}
		trim_front(tp, sg, m);
	}
	if (trim_end(tp, sg, m))
		return (true);
	TCPSTAT(drop_window);
	if (len != 0)
		tp->t_flags |= TF_ACKNOW;
	else
		tcp_challenge(tp);
	return (false);
}

/* Before anything else is believed. */
static bool
segment_acceptable(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	if (!segment_paws(tp, sg))
		return (false);
	if (sg->sg_flags & TH_RST) {
		segment_rst(tp, sg);
		return (false);
	}
	if (sg->sg_flags & TH_SYN) {
		/* the answer to ours, where both opened at the same time */
		if (tp->t_state != TCPS_SYN_RCVD || sg->sg_seq != tp->irs) {
			tcp_challenge(tp);	/* RFC 5961, 4.2 */
			return (false);
		}
		sg->sg_seq++;
		sg->sg_flags &= ~TH_SYN;
	}
	return (segment_trim(tp, sg, m) && (sg->sg_flags & TH_ACK));
}

/* RFC 7323, 4.3 */
static void
segment_timestamp(struct tcpcb *tp, const struct tcp_seg *sg)
{
	if ((tp->t_flags & TF_TS) && sg->sg_ts &&
	    SEQ_LEQ(sg->sg_seq, tp->rcv_acked) &&
	    (SEQ_GEQ(sg->sg_tsval, tp->t_tsrecent) ||
	    tp->t_now - tp->t_tsage > PAWS_IDLE)) {
		tp->t_tsrecent = sg->sg_tsval;
		tp->t_tsage = tp->t_now;
	}
}

/* --- the acknowledgement, by state -------------------------------------- */

/* Our side of it is over: the program may have gone, the peer may be slow. */
static void
segment_finwait2(struct tcpcb *tp)
{
	struct socket *so = tptoso(tp);

	tp->t_state = TCPS_FIN_WAIT_2;
	if (so->so_state & SS_CLOSED)
		tcp_timer_set(tp, TT_FINWAIT2, MSEC_TO_NSEC(tp->t_linger2));
}

/* The connection is over, but the peer may not know it. */
static void
segment_timewait(struct tcpcb *tp)
{
	tcp_output(tp);			/* the last ACK, if one is due */
	tcp_timewait_enter(tp);
	tcp_done(tp);
}

/* false: the connection is over, or the segment is done with. */
static bool
segment_ack(struct tcpcb *tp, struct tcp_seg *sg)
{
	struct tcp_tuple tt;

	if (tp->t_state == TCPS_SYN_RCVD) {
		if (SEQ_LEQ(sg->sg_ack, tp->snd_una) ||
		    SEQ_GT(sg->sg_ack, tp->snd_nxt)) {
			tcp_tuple(tp, &tt);
			tcp_unacceptable(&tt, sg, tp->t_inp.inp_ifidx);
			return (false);
		}
		tp->snd_wl1 = sg->sg_seq - 1;	/* take its window */
		tcp_established(tp);
	}
	if (!tcp_ack(tp, sg))
		return (false);
	if (!(tp->t_flags & TF_SENTFIN) || tp->snd_una != tp->snd_nxt)
		return (true);
	switch (tp->t_state) {
	case TCPS_FIN_WAIT_1:
		segment_finwait2(tp);
		break;
	case TCPS_CLOSING:
		segment_timewait(tp);
		return (false);
	case TCPS_LAST_ACK:
		tcp_done(tp);
		return (false);
	default:
		break;
	}
	return (true);
}

/* --- what it carries ---------------------------------------------------- */

/*
 * RFC 9293, 3.8.5, and RFC 6093: the pointer is taken as everybody means it, to
 * the byte behind the urgent one.
 */
static void
segment_urgent(struct tcpcb *tp, const struct tcp_seg *sg)
{
	uint32_t up = sg->sg_seq + sg->sg_urp - 1;

	if (sg->sg_urp == 0 || SEQ_LT(up, tp->rcv_nxt) ||
	    up - tp->rcv_nxt > TCP_MAXWIN ||
	    ((tp->t_flags & TF_URGENT) && SEQ_LEQ(up, tp->rcv_up)))
		return;
	tp->rcv_up = up;
	tp->t_flags |= TF_URGENT;
	tp->t_flags &= ~(TF_OOB | TF_OOBREAD);
	so_wakeup_rcv(tptoso(tp));
}

/* The urgent byte is among these; it is taken out of line. */
static struct mbuf *
deliver_urgent(struct tcpcb *tp, struct mbuf *m, uint32_t len)
{
	uint32_t off = tp->rcv_up - tp->rcv_nxt;
	struct socket *so = tptoso(tp);
	struct mbuf *rest;

	tp->t_flags &= ~TF_URGENT;
	if (!m_copydata(m, off, 1, &tp->t_oobbyte))
		return (m);
	tp->t_flags |= TF_OOB;
	/* who reads on stops here once */
	so->so_oobmark = so->so_rcv.sb_cc + off;
	if (SO_ISSET(so, SO_OOBINLINE))
		return (m);
	if (off == 0)
		m_adj(m, 1);
	else if (off == len - 1)
		m_adj(m, -1);
	else if ((rest = m_split(m, off)) != NULL) {
		m_adj(rest, 1);
		m_cat(m, rest);
	}
	return (m);
}

void
tcp_deliver(struct tcpcb *tp, struct mbuf *m, uint32_t len)
{
	struct socket *so = tptoso(tp);

	if ((tp->t_flags & TF_URGENT) && tp->rcv_up - tp->rcv_nxt < len)
		m = deliver_urgent(tp, m, len);
	tp->rcv_nxt += len;
	/* nobody will read it, but it has arrived */
	if (so->so_state & SS_CANTRCV)
		m_freem(m);
	else {
		sb_append(&so->so_rcv, m);
		so_wakeup_rcv(so);
	}
}

/*
 * RFC 5681, 4.2: more than a full segment at once, less soon, so that an answer
 * may take the ACK along.
 */
void
tcp_ackpolicy(struct tcpcb *tp, const struct tcp_seg *sg)
{
	if (sg->sg_segs > 1 || tp->t_quickacks != 0 ||
	    tp->rcv_nxt - tp->rcv_acked > tp->t_rcvmss ||
	    tcp_tun.tn_delack == 0) {
		tp->t_flags |= TF_ACKNOW;
		if (tp->t_quickacks != 0)
			tp->t_quickacks--;
	} else if (!(tp->t_flags & TF_DELACK)) {
		tp->t_flags |= TF_DELACK;
		tcp_timer_set(tp, TT_DELACK, MSEC_TO_NSEC(tcp_tun.tn_delack));
	}
}

/* The size of what the peer sends, and when. */
static void
segment_data_seen(struct tcpcb *tp, const struct tcp_seg *sg)
{
	uint32_t size = sg->sg_segs > 1 ?
	    howmany(sg->sg_len, sg->sg_segs) : sg->sg_len;

	if (size > tp->t_rcvmss)
		tp->t_rcvmss = size;
	tp->t_lastrcvd = tp->t_now;
}

/* RFC 3168, 6.1.3: until the peer has reduced its window */
static void
segment_ecn(struct tcpcb *tp, const struct tcp_seg *sg)
{
	if (sg->sg_flags & TH_CWR)
		tp->t_flags &= ~TF_ECE;
	if (sg->sg_ce) {
		tp->t_flags |= TF_ECE | TF_ACKNOW;
		TCPSTAT(ecn_marks);
	}
}

/* Whether the end of the stream has come. */
static bool
segment_data(struct tcpcb *tp, const struct tcp_seg *sg, struct mbuf *m)
{
	bool fin = (sg->sg_flags & TH_FIN) != 0;

	segment_data_seen(tp, sg);
	if (sg->sg_seq == tp->rcv_nxt && tp->t_nranges == 0) {
		if (sg->sg_len != 0) {
			tcp_deliver(tp, m, sg->sg_len);
			tcp_ackpolicy(tp, sg);
		} else
			m_freem(m);
		return (fin);
	}
	tp->t_flags |= TF_ACKNOW;		/* RFC 5681, 4.2 */
	return (tcp_reass(tp, sg->sg_seq, m, sg->sg_len, fin));
}

/* RFC 9293, 3.10.7.4, eighth */
static void
segment_fin(struct tcpcb *tp)
{
	tp->rcv_nxt++;
	tp->t_flags |= TF_ACKNOW;
	tcp_reass_flush(tp);
	so_cantrcv(tptoso(tp));
	switch (tp->t_state) {
	case TCPS_ESTABLISHED:
		tp->t_state = TCPS_CLOSE_WAIT;
		break;
	case TCPS_FIN_WAIT_1:
		tp->t_state = TCPS_CLOSING;
		break;
	case TCPS_FIN_WAIT_2:
		segment_timewait(tp);
		break;
	default:
		break;
	}
}

/* Sixth to eighth: urgent pointer, data, FIN; and what is to be said to it. */
void
tcp_segment_text(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	bool fin = (sg->sg_flags & TH_FIN) != 0;

	if (tcp_rcvdfin(tp)) {
		m_freem(m);
		tcp_output(tp);
		return;
	}
	/* nobody is there to read it (RFC 9293, 3.10.4) */
	if (sg->sg_len != 0 && (tptoso(tp)->so_state & SS_CLOSED)) {
		m_freem(m);
		TCPSTAT(drop_closed);
		tcp_abort(tp, ECONNRESET);
		return;
	}
	if (sg->sg_flags & TH_URG)
		segment_urgent(tp, sg);
	if (tp->t_flags & TF_ECN)
		segment_ecn(tp, sg);
	if (sg->sg_len != 0 || fin) {
		if (segment_data(tp, sg, m))
			segment_fin(tp);
	} else
		m_freem(m);
	tcp_output(tp);
}

void
tcp_segment(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	if (tp->t_state == TCPS_SYN_SENT) {
		segment_synsent(tp, sg, m);
		if (tp->t_state == TCPS_SYN_RCVD)
			tcp_output(tp);
		return;
	}
	if (!segment_acceptable(tp, sg, m)) {
		m_freem(m);
		tcp_output(tp);
		return;
	}
	segment_timestamp(tp, sg);
	if (!segment_ack(tp, sg)) {
		m_freem(m);
		tcp_output(tp);
		return;
	}
	tcp_segment_text(tp, sg, m);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What is lost, and how much may be sent until that is repaired.
 *
 * With SACK losses are found by time (RACK-TLP, RFC 8985), without it by
 * duplicate acknowledgements (RFC 6582).  In recovery the window is that of
 * Proportional Rate Reduction (RFC 6937).  A recovery that turns out to have
 * been for nothing, by timestamps (RFC 3522), is undone (RFC 4015).
 */

#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define DUPTHRESH	3
#define REO_MULT_MAX	16
#define REO_PERSIST	16		/* recoveries */

/* Without SACK each duplicate says that a segment has left the network. */
uint32_t
tcp_pipe(const struct tcpcb *tp)
{
	uint32_t gone;

	if ((tp->t_flags & TF_SACK) || tp->t_dupacks == 0)
		return (tp->t_pipe);
	gone = MIN(tp->t_dupacks, UINT32_MAX / 65536) * tp->t_mss;
	return (gone < tp->t_pipe ? tp->t_pipe - gone : 0);
}

/* --- round trips (RFC 6298) --------------------------------------------- */

void
tcp_rtt(struct tcpcb *tp, uint64_t rtt)
{
	uint64_t d;

	if (tp->t_srtt == 0) {
		tp->t_srtt = rtt;
		tp->t_rttvar = rtt / 2;
	} else {
		d = rtt > tp->t_srtt ? rtt - tp->t_srtt : tp->t_srtt - rtt;
		tp->t_rttvar = tp->t_rttvar - tp->t_rttvar / 4 + d / 4;
		tp->t_srtt = tp->t_srtt - tp->t_srtt / 8 + rtt / 8;
	}
	tcp_rto(tp);
}

void
tcp_rto(struct tcpcb *tp)
{
	uint64_t rto;

	if (tp->t_srtt == 0)
		return;
	rto = tp->t_srtt + MAX(4 * tp->t_rttvar, MSEC_TO_NSEC(1));
	tp->t_rto = MIN(MAX(rto, TCP_RTO_MIN), TCP_RTO_MAX);
}

/* --- detection ---------------------------------------------------------- */

/* RFC 8985, 6.2 step 4: how much later than others one may come */
static uint64_t
rack_window(const struct tcpcb *tp)
{
	if (!(tp->t_flags & TF_REORDER) &&
	    ((tp->t_flags & (TF_RECOVERY | TF_LOSS)) ||
	    tp->t_sacked >= DUPTHRESH * tp->t_mss))
		return (0);
	return (MIN(tp->t_reomult * tp->t_minrtt / 4, tp->t_srtt));
}

/* Step 5: sent before one that has arrived, and long enough ago. */
static void
rack_detect(struct tcpcb *tp)
{
	struct tcp_sent *ts, *next;
	uint64_t due, late = 0, window = rack_window(tp);

	tcp_timer_clear(tp, TT_REORDER);
	TAILQ_FOREACH_SAFE(ts, &tp->t_flightq, ts_flight, next) {
		if (ts->ts_time > tp->t_racktime ||
		    (ts->ts_time == tp->t_racktime &&
		    SEQ_GEQ(ts->ts_end, tp->t_rackend)))
			break;
		due = ts->ts_time + tp->t_rackrtt + window;
		if (due <= tp->t_now)
			tcp_sent_lost(tp, ts);
		else
			late = MAX(late, due - tp->t_now);
	}
	if (late != 0)
		tcp_timer_set(tp, TT_REORDER, late);
}

/* RFC 8985, 6.2.1: what came twice was repeated too early. */
static void
rack_dsack(struct tcpcb *tp)
{
	if (SEQ_LT(tp->snd_una, tp->t_reoround))
		return;
	tp->t_reoround = tp->snd_nxt;
	tp->t_reopersist = REO_PERSIST;
	tp->t_reomult = MIN(tp->t_reomult + 1, REO_MULT_MAX);
}

/* The first segment that is not acknowledged. */
static void
lose_first(struct tcpcb *tp)
{
	struct tcp_sent *ts = TAILQ_FIRST(&tp->t_sentq);

	if (ts == NULL || (ts->ts_flags & TSF_LOST))
		return;
	if (ts->ts_end - ts->ts_seq > tp->t_mss)
		(void)tcp_sent_split(tp, ts, ts->ts_seq + tp->t_mss);
	tcp_sent_lost(tp, ts);
}

/* RFC 6582, 3.2 */
static void
reno_detect(struct tcpcb *tp, struct tcp_delivery *td)
{
	u_int segs;

	if (td->td_acked != 0) {
		segs = howmany(td->td_acked, tp->t_mss);
		tp->t_dupacks -= MIN(tp->t_dupacks, segs);
		if ((tp->t_flags & TF_RECOVERY) &&
		    SEQ_LT(tp->snd_una, tp->t_recover))
			lose_first(tp);
		else if (!(tp->t_flags & TF_RECOVERY))
			tp->t_dupacks = 0;
	} else if (td->td_dup) {
		td->td_delivered += tp->t_mss;
		if (++tp->t_dupacks >= DUPTHRESH &&
		    !(tp->t_flags & (TF_RECOVERY | TF_LOSS)) &&
		    SEQ_GEQ(tp->snd_una, tp->t_recover))
			lose_first(tp);
	}
}

/* --- the window --------------------------------------------------------- */

static void
recover_undoable(struct tcpcb *tp)
{
	tp->t_flags |= TF_UNDO;
	tp->t_undotime = 0;
	tp->t_undocwnd = tp->t_cwnd;
	tp->t_undossthresh = tp->t_ssthresh;
}

static void
recover_enter(struct tcpcb *tp)
{
	recover_undoable(tp);
	TCPSTAT(fast_recoveries);
	tp->t_flags |= TF_RECOVERY;
	tp->t_flags &= ~TF_PROBING;
	if (tp->t_flags & TF_ECN)
		tp->t_flags |= TF_CWR;
	tp->t_prrflight = MAX(tp->snd_nxt - tp->snd_una, 1);
	tp->t_prrdelivered = tp->t_prrout = 0;
	tp->t_ssthresh = tp->t_cc->cc_loss(tp);
	tp->t_recover = tp->t_ecnrecover = tp->snd_nxt;
}

static void
recover_leave(struct tcpcb *tp)
{
	if (tp->t_flags & TF_RECOVERY)
		tp->t_cwnd = MAX(tp->t_ssthresh, tp->t_mss);
	tp->t_flags &= ~(TF_RECOVERY | TF_LOSS | TF_UNDO);
	tp->t_dupacks = 0;
	if (tp->t_reopersist != 0 && --tp->t_reopersist == 0)
		tp->t_reomult = 1;
}

/* RFC 6937, 3.1 */
static void
recover_prr(struct tcpcb *tp, const struct tcp_delivery *td, uint32_t lost)
{
	uint32_t pipe = tcp_pipe(tp), limit;
	int64_t n;

	tp->t_prrdelivered += td->td_delivered;
	if (pipe > tp->t_ssthresh)
		n = (int64_t)(((uint64_t)tp->t_prrdelivered *
		    tp->t_ssthresh + tp->t_prrflight - 1) / tp->t_prrflight) -
		    tp->t_prrout;
	else {
		limit = tp->t_prrdelivered > tp->t_prrout ?
		    MAX(tp->t_prrdelivered - tp->t_prrout,
		    td->td_delivered) : td->td_delivered;
		/* as in slow start only while it gets better */
		if (td->td_acked != 0 && tp->t_lost <= lost)
			limit += tp->t_mss;
		n = MIN(tp->t_ssthresh - pipe, limit);
	}
	if (n < tp->t_mss && tp->t_prrout == 0)
		n = tp->t_mss;
	tp->t_cwnd = pipe + MAX(n, 0);
	tp->t_cwnd = MAX(tp->t_cwnd, tp->t_mss);
}

static void
recover_undo(struct tcpcb *tp)
{
	TCPSTAT(undone);
	tp->t_cwnd = MAX(tp->t_cwnd, tp->t_undocwnd);
	tp->t_ssthresh = tp->t_undossthresh;
	tp->t_flags &= ~(TF_RECOVERY | TF_LOSS | TF_UNDO | TF_CWR);
	tp->t_dupacks = 0;
	tcp_sent_unlose(tp);
	tp->t_cc->cc_undo(tp);
}

/* What was acknowledged is older than our repetition of it. */
static bool
recover_spurious(const struct tcpcb *tp, const struct tcp_seg *sg,
    const struct tcp_delivery *td)
{
	return ((tp->t_flags & TF_UNDO) && td->td_acked != 0 &&
	    tp->t_undotime != 0 && (tp->t_flags & TF_TS) && sg->sg_ts &&
	    SEQ_LT(sg->sg_tsecr + 1, tp->t_undotime + tp->t_tsoff));
}

/* A probe repaired a loss, which nothing else told of. */
static void
probe_reduce(struct tcpcb *tp)
{
	tp->t_ssthresh = tp->t_cc->cc_loss(tp);
	tp->t_cwnd = MAX(MIN(tp->t_cwnd, tp->t_ssthresh), tp->t_mss);
	tp->t_ecnrecover = tp->snd_nxt;
	if (tp->t_flags & TF_ECN)
		tp->t_flags |= TF_CWR;
}

/* RFC 8985, 7.4.2: what came of a probe, as soon as that is certain */
static void
recover_probed(struct tcpcb *tp, const struct tcp_seg *sg,
    const struct tcp_delivery *td)
{
	if (SEQ_LT(sg->sg_ack, tp->t_probeend))
		return;
	if (!(tp->t_flags & TF_PROBEREXMT) || td->td_dsack ||
	    (td->td_dup && sg->sg_nsack == 0))
		tp->t_flags &= ~TF_PROBING;
	else if (SEQ_GT(sg->sg_ack, tp->t_probeend)) {
		tp->t_flags &= ~TF_PROBING;
		probe_reduce(tp);
	}
}

void
tcp_recover(struct tcpcb *tp, const struct tcp_seg *sg,
    struct tcp_delivery *td)
{
	uint32_t lost = tp->t_lost;

	if (td->td_dsack)
		rack_dsack(tp);
	if (tp->t_flags & TF_PROBING)
		recover_probed(tp, sg, td);
	if (tp->t_flags & TF_SACK) {
		if (td->td_delivered != 0)
			rack_detect(tp);
	} else
		reno_detect(tp, td);
	if (recover_spurious(tp, sg, td))
		recover_undo(tp);
	if ((tp->t_flags & (TF_RECOVERY | TF_LOSS)) &&
	    SEQ_GEQ(tp->snd_una, tp->t_recover))
		recover_leave(tp);
	if (tp->t_lost != 0 && !(tp->t_flags & (TF_RECOVERY | TF_LOSS)))
		recover_enter(tp);
	if (tp->t_flags & TF_RECOVERY)
		recover_prr(tp, td, lost);
	else
		tcp_grow(tp, td);
}

/*
 * The window grows if it was what held us back (RFC 7661), by what has
 * arrived.
 */
void
tcp_grow(struct tcpcb *tp, const struct tcp_delivery *td)
{
	if (td->td_acked == 0)
		return;
	if (td->td_rtt != 0 && tp->t_cwnd < tp->t_ssthresh)
		tcp_hystart(tp, td->td_rtt);
	if ((tp->t_flags & TF_CWNDFULL) ||
	    (tp->t_cwnd < tp->t_ssthresh && td->td_pipe >= tp->t_cwnd / 2))
		tp->t_cc->cc_acked(tp, td->td_acked);
}

/* --- by time ------------------------------------------------------------ */

void
tcp_recover_late(struct tcpcb *tp)
{
	struct tcp_delivery td = { .td_pipe = tp->t_pipe,
	    .td_fack = tp->t_fack };

	rack_detect(tp);
	if (tp->t_lost == 0)
		return;
	if (!(tp->t_flags & (TF_RECOVERY | TF_LOSS)))
		recover_enter(tp);
	if (tp->t_flags & TF_RECOVERY)
		recover_prr(tp, &td, 0);
	tcp_output(tp);
}

/*
 * RFC 8985, 6.3; without SACK all of it, for nobody knows better.  A peer that
 * has dropped what it had told of (RFC 2018, 8) is known by the first.
 */
static void
timeout_lose(struct tcpcb *tp)
{
	struct tcp_sent *ts, *next, *first = TAILQ_FIRST(&tp->t_sentq);
	bool reneged = first != NULL && (first->ts_flags & TSF_SACKED);

	TAILQ_FOREACH_SAFE(ts, &tp->t_sentq, ts_link, next) {
		if (ts->ts_flags & TSF_LOST)
			continue;
		if (ts->ts_flags & TSF_SACKED) {
			if (reneged)
				tcp_sent_lost(tp, ts);
		} else if (ts == first || !(tp->t_flags & TF_SACK) ||
		    ts->ts_time + tp->t_rackrtt + rack_window(tp) <=
		    tp->t_now)
			tcp_sent_lost(tp, ts);
	}
}

void
tcp_recover_timeout(struct tcpcb *tp)
{
	/* ssthresh once for what is lost together (RFC 5681, 3.1) */
	if (!(tp->t_flags & TF_LOSS) || SEQ_GEQ(tp->snd_una, tp->t_recover)) {
		if (!(tp->t_flags & TF_RECOVERY)) {
			recover_undoable(tp);
			tp->t_ssthresh = tp->t_cc->cc_loss(tp);
		}
		tp->t_cc->cc_timeout(tp);
	}
	tp->t_flags &= ~(TF_RECOVERY | TF_PROBING | TF_CWNDFULL);
	tp->t_flags |= TF_LOSS | TF_FORCE;
	if (tp->t_flags & TF_ECN)
		tp->t_flags |= TF_CWR;
	tp->t_recover = tp->t_ecnrecover = tp->snd_nxt;
	tp->t_dupacks = 0;
	tp->t_cwnd = tp->t_mss;
	tcp_timer_clear(tp, TT_REORDER);
	tcp_timer_clear(tp, TT_PROBE);
	timeout_lose(tp);
}

/* RFC 8985, 7.3: new data if there are any, else the last segment again. */
void
tcp_recover_probe(struct tcpcb *tp)
{
	struct tcp_sent *ts = TAILQ_LAST(&tp->t_sentq, tcp_sentq), *part;
	uint32_t before = tp->snd_nxt;

	if (ts == NULL || (tp->t_flags & (TF_RECOVERY | TF_LOSS | TF_PROBING)))
		return;
	TCPSTAT(probes);
	tp->t_flags |= TF_FORCE;
	tcp_output(tp);
	tp->t_flags &= ~(TF_FORCE | TF_PROBEREXMT);
	if (tp->snd_nxt == before && !(ts->ts_flags & TSF_SACKED)) {
		if (ts->ts_end - ts->ts_seq > tp->t_mss && (part =
		    tcp_sent_split(tp, ts, ts->ts_end - tp->t_mss)) != NULL)
			ts = part;
		tcp_sent_lost(tp, ts);
		tp->t_flags |= TF_FORCE | TF_PROBEREXMT;
		tcp_output(tp);
	}
	tp->t_flags |= TF_PROBING;
	tp->t_probeend = tp->snd_nxt;
	tcp_timer_clear(tp, TT_PROBE);
	tcp_timer_set(tp, TT_REXMT, tp->t_rto);
}

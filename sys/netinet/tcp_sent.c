/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What was sent and not acknowledged.
 *
 * A piece is what went out together; it is cut where an acknowledgement, or
 * a retransmission, knows better.  Those in flight are in a second list, by
 * the time they were sent: so time-based loss detection (RFC 8985) looks at
 * nothing but candidates.
 */

#include <sys/kmem.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define SENT_KEEP	32		/* free ones, for the next */

static uint32_t
sent_len(const struct tcp_sent *ts)
{
	return (ts->ts_end - ts->ts_seq);
}

/* --- memory ------------------------------------------------------------- */

void
tcp_sent_init(struct tcpcb *tp)
{
	u_int i;

	TAILQ_INIT(&tp->t_sentq);
	TAILQ_INIT(&tp->t_flightq);
	TAILQ_INIT(&tp->t_sentfree);
	for (i = 0; i < TCP_SENTOWN; i++) {
		tp->t_sentown[i].ts_flags = TSF_OWN;
		TAILQ_INSERT_TAIL(&tp->t_sentfree, &tp->t_sentown[i], ts_link);
	}
	tp->t_nsentfree = TCP_SENTOWN;
}

static struct tcp_sent *
sent_get(struct tcpcb *tp)
{
	struct tcp_sent *ts;

	if (tp->t_nsent >= TCP_SENTMAX)
		return (NULL);
	if ((ts = TAILQ_FIRST(&tp->t_sentfree)) != NULL) {
		TAILQ_REMOVE(&tp->t_sentfree, ts, ts_link);
		tp->t_nsentfree--;
		ts->ts_flags &= TSF_OWN;
	} else {
		if ((ts = kmem_alloc(sizeof(*ts), KM_NOSLEEP)) == NULL)
			return (NULL);
		ts->ts_flags = 0;
	}
	tp->t_nsent++;
	return (ts);
}

static void
sent_put(struct tcpcb *tp, struct tcp_sent *ts)
{
	if (tp->t_sackhint == ts)
		tp->t_sackhint = NULL;
	if (tp->t_losthint == ts)
		tp->t_losthint = NULL;
	tp->t_nsent--;
	if ((ts->ts_flags & TSF_OWN) || tp->t_nsentfree < SENT_KEEP) {
		TAILQ_INSERT_HEAD(&tp->t_sentfree, ts, ts_link);
		tp->t_nsentfree++;
	} else
		kmem_free(ts, sizeof(*ts));
}

void
tcp_sent_flush(struct tcpcb *tp)
{
	struct tcp_sent *ts, *next;

	TAILQ_FOREACH_SAFE(ts, &tp->t_sentq, ts_link, next) {
		if (!(ts->ts_flags & TSF_OWN))
			kmem_free(ts, sizeof(*ts));
	}
	TAILQ_FOREACH_SAFE(ts, &tp->t_sentfree, ts_link, next) {
		if (!(ts->ts_flags & TSF_OWN))
			kmem_free(ts, sizeof(*ts));
	}
	tp->t_sackhint = tp->t_losthint = NULL;
	tp->t_sndhint = NULL;
	tp->t_nsent = 0;
	tp->t_pipe = tp->t_sacked = tp->t_lost = 0;
	tcp_sent_init(tp);
}

/* --- what becomes of a piece -------------------------------------------- */

static bool
sent_inflight(const struct tcp_sent *ts)
{
	return ((ts->ts_flags & (TSF_SACKED | TSF_LOST)) == 0);
}

/* So many bytes of it are no longer what they were. */
static void
sent_count(struct tcpcb *tp, const struct tcp_sent *ts, uint32_t n)
{
	if (ts->ts_flags & TSF_SACKED)
		tp->t_sacked -= n;
	else if (ts->ts_flags & TSF_LOST)
		tp->t_lost -= n;
	else
		tp->t_pipe -= n;
}

static void
sent_leave(struct tcpcb *tp, struct tcp_sent *ts)
{
	sent_count(tp, ts, sent_len(ts));
	if (sent_inflight(ts))
		TAILQ_REMOVE(&tp->t_flightq, ts, ts_flight);
}

static void
sent_fly(struct tcpcb *tp, struct tcp_sent *ts)
{
	ts->ts_time = tp->t_now;
	ts->ts_flags &= ~(TSF_SACKED | TSF_LOST);
	tp->t_pipe += sent_len(ts);
	TAILQ_INSERT_TAIL(&tp->t_flightq, ts, ts_flight);
}

bool
tcp_sent_add(struct tcpcb *tp, uint32_t seq, uint32_t end, u_int flags)
{
	struct tcp_sent *ts = TAILQ_LAST(&tp->t_sentq, tcp_sentq);

	/* at the same time as the one before: it is one piece */
	if (ts != NULL && ts->ts_time == tp->t_now && ts->ts_end == seq &&
	    (ts->ts_flags & ~TSF_OWN) == 0) {
		ts->ts_end = end;
		ts->ts_flags |= flags;
		tp->t_pipe += end - seq;
		return (true);
	}
	if ((ts = sent_get(tp)) == NULL)
		return (false);
	ts->ts_seq = seq;
	ts->ts_end = end;
	ts->ts_flags |= flags;
	TAILQ_INSERT_TAIL(&tp->t_sentq, ts, ts_link);
	sent_fly(tp, ts);
	return (true);
}

/* The second part is a piece of its own then. */
struct tcp_sent *
tcp_sent_split(struct tcpcb *tp, struct tcp_sent *ts, uint32_t at)
{
	struct tcp_sent *new;

	KASSERT(SEQ_GT(at, ts->ts_seq) && SEQ_LT(at, ts->ts_end));
	if ((new = sent_get(tp)) == NULL)
		return (NULL);
	new->ts_time = ts->ts_time;
	new->ts_seq = at;
	new->ts_end = ts->ts_end;
	new->ts_flags |= ts->ts_flags & ~TSF_OWN;
	ts->ts_end = at;
	ts->ts_flags &= ~TSF_FIN;
	TAILQ_INSERT_AFTER(&tp->t_sentq, ts, new, ts_link);
	if (sent_inflight(ts))
		TAILQ_INSERT_AFTER(&tp->t_flightq, ts, new, ts_flight);
	return (new);
}

void
tcp_sent_lost(struct tcpcb *tp, struct tcp_sent *ts)
{
	if (ts->ts_flags & TSF_LOST)
		return;
	sent_leave(tp, ts);
	ts->ts_flags &= ~TSF_SACKED;
	ts->ts_flags |= TSF_LOST;
	tp->t_lost += sent_len(ts);
	if (tp->t_losthint != NULL &&
	    SEQ_LT(ts->ts_seq, tp->t_losthint->ts_seq))
		tp->t_losthint = ts;
}

struct tcp_sent *
tcp_lost_first(struct tcpcb *tp)
{
	struct tcp_sent *ts;

	if (tp->t_lost == 0)
		return (NULL);
	ts = tp->t_losthint != NULL ? tp->t_losthint :
	    TAILQ_FIRST(&tp->t_sentq);
	while (ts != NULL && !(ts->ts_flags & TSF_LOST))
		ts = TAILQ_NEXT(ts, ts_link);
	KASSERT(ts != NULL);
	tp->t_losthint = ts;
	return (ts);
}

void
tcp_sent_again(struct tcpcb *tp, struct tcp_sent *ts)
{
	sent_leave(tp, ts);
	ts->ts_flags |= TSF_REXMT;
	sent_fly(tp, ts);
	if (tp->t_undotime == 0)
		tp->t_undotime = tcp_clock(tp->t_now) | 1U;
}

/*
 * They were not lost after all: those that were not sent again are on their
 * way.  What that took cannot be told from when they are in the list.
 */
void
tcp_sent_unlose(struct tcpcb *tp)
{
	struct tcp_sent *ts;

	TAILQ_FOREACH(ts, &tp->t_sentq, ts_link) {
		if (!(ts->ts_flags & TSF_LOST))
			continue;
		sent_leave(tp, ts);
		ts->ts_flags |= TSF_REXMT;
		sent_fly(tp, ts);
	}
}

/* --- what arrived ------------------------------------------------------- */

/*
 * The peer has the piece up to end.  One that was sent twice tells a time only
 * if we know which of the two it was (RFC 8985, 6.2 step 2).
 */
static void
sent_arrived(struct tcpcb *tp, const struct tcp_sent *ts, uint32_t end,
    const struct tcp_seg *sg, struct tcp_delivery *td)
{
	uint64_t rtt = MAX(tp->t_now - ts->ts_time, 1);

	if (ts->ts_flags & TSF_REXMT) {
		if ((tp->t_flags & TF_TS) && sg->sg_ts) {
			if (SEQ_LT(sg->sg_tsecr, tcp_clock(ts->ts_time) +
			    tp->t_tsoff))
				return;
		} else if (rtt < tp->t_minrtt)
			return;
	} else {
		if (td->td_rtt == 0)
			td->td_rtt = rtt;
		if (rtt <= tp->t_minrtt || tp->t_minrtt == 0 ||
		    tp->t_now - tp->t_minrttage > TCP_MINRTT_AGE) {
			tp->t_minrtt = rtt;
			tp->t_minrttage = tp->t_now;
		}
		if (SEQ_LT(end, td->td_fack) &&
		    !(tp->t_flags & TF_REORDER)) {
			tp->t_flags |= TF_REORDER;
			TCPSTAT(reordered);
		}
	}
	tp->t_fack = SEQ_MAX(tp->t_fack, end);
	if (ts->ts_time > tp->t_racktime || (ts->ts_time == tp->t_racktime &&
	    SEQ_GT(end, tp->t_rackend))) {
		tp->t_racktime = ts->ts_time;
		tp->t_rackend = end;
		tp->t_rackrtt = rtt;
	}
}

void
tcp_sent_acked(struct tcpcb *tp, const struct tcp_seg *sg,
    struct tcp_delivery *td)
{
	struct tcp_sent *ts;
	uint32_t ack = sg->sg_ack, end, n;

	while ((ts = TAILQ_FIRST(&tp->t_sentq)) != NULL &&
	    SEQ_LT(ts->ts_seq, ack)) {
		end = SEQ_MIN(ts->ts_end, ack);
		n = end - ts->ts_seq;
		if (!(ts->ts_flags & TSF_SACKED)) {
			td->td_delivered += n;
			sent_arrived(tp, ts, end, sg, td);
		}
		if (end != ts->ts_end) {
			sent_count(tp, ts, n);
			ts->ts_seq = end;
			break;
		}
		sent_leave(tp, ts);
		TAILQ_REMOVE(&tp->t_sentq, ts, ts_link);
		sent_put(tp, ts);
	}
}

/* The first piece that reaches behind a number; most often near the last. */
static struct tcp_sent *
sent_find(struct tcpcb *tp, uint32_t seq)
{
	struct tcp_sent *ts, *prev;

	if ((ts = tp->t_sackhint) == NULL)
		ts = TAILQ_FIRST(&tp->t_sentq);
	while (ts != NULL && SEQ_LEQ(ts->ts_end, seq))
		ts = TAILQ_NEXT(ts, ts_link);
	if (ts == NULL)
		return (NULL);
	while (SEQ_GT(ts->ts_seq, seq) && (prev = TAILQ_PREV(ts, tcp_sentq,
	    ts_link)) != NULL && SEQ_GT(prev->ts_end, seq))
		ts = prev;
	return (ts);
}

/* One block.  Where there is no memory it is as if it had not been told. */
static void
sent_sack_block(struct tcpcb *tp, uint32_t left, uint32_t right,
    const struct tcp_seg *sg, struct tcp_delivery *td)
{
	struct tcp_sent *ts;

	ts = sent_find(tp, left);
	for (; ts != NULL && SEQ_LT(ts->ts_seq, right);
	    ts = TAILQ_NEXT(ts, ts_link)) {
		tp->t_sackhint = ts;
		if (ts->ts_flags & TSF_SACKED)
			continue;
		if (SEQ_LT(ts->ts_seq, left) &&
		    (ts = tcp_sent_split(tp, ts, left)) == NULL)
			return;
		if (SEQ_GT(ts->ts_end, right) &&
		    tcp_sent_split(tp, ts, right) == NULL)
			return;
		td->td_delivered += sent_len(ts);
		td->td_sacked += sent_len(ts);
		sent_arrived(tp, ts, ts->ts_end, sg, td);
		sent_leave(tp, ts);
		ts->ts_flags &= ~TSF_LOST;
		ts->ts_flags |= TSF_SACKED;
		tp->t_sacked += sent_len(ts);
	}
}

/* RFC 2883, 4: the first block may tell what came twice. */
static bool
sack_isdup(const struct tcp_seg *sg)
{
	uint32_t left = sg->sg_sack[0].left, right = sg->sg_sack[0].right;

	return (SEQ_LEQ(right, sg->sg_ack) || (sg->sg_nsack > 1 &&
	    SEQ_GEQ(left, sg->sg_sack[1].left) &&
	    SEQ_LEQ(right, sg->sg_sack[1].right)));
}

void
tcp_sent_sacked(struct tcpcb *tp, const struct tcp_seg *sg,
    struct tcp_delivery *td)
{
	uint32_t left, right;
	u_int i = 0;

	if (sg->sg_nsack > 0 && sack_isdup(sg)) {
		TCPSTAT(dsacks_in);
		td->td_dsack = true;
		i = 1;
	}
	for (; i < sg->sg_nsack; i++) {
		left = SEQ_MAX(sg->sg_sack[i].left, sg->sg_ack);
		right = sg->sg_sack[i].right;
		if (SEQ_LT(left, right) && SEQ_GEQ(left, tp->snd_una) &&
		    SEQ_LEQ(right, tp->snd_nxt))
			sent_sack_block(tp, left, right, sg, td);
	}
}

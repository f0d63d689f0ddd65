/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What happens when nothing happens.
 *
 * A connection has one timeout, for the earliest of what may be due.  It is
 * not moved back when that is put off, as it is with each acknowledgement: it
 * comes too early, now and then, and finds that out.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define PROBE_MIN	MSEC_TO_NSEC(10)
#define PROBE_DELACK	MSEC_TO_NSEC(200)	/* RFC 8985, 7.2 */
#define ORPHAN_RETRIES	8		/* when no program waits for it */
#define SILENCE_MAX	SEC_TO_NSEC(924)	/* about 15 retransmissions */

void
tcp_timer_rearm(struct tcpcb *tp, uint64_t due)
{
	tp->t_armed = due;
	(void)timeout_add_nsec(&tp->t_timeout,
	    due > tp->t_now ? due - tp->t_now : 0);
}

void
tcp_timer_stop(struct tcpcb *tp)
{
	u_int i;

	for (i = 0; i < TT_COUNT; i++)
		tp->t_due[i] = TT_NEVER;
	tp->t_armed = TT_NEVER;
	(void)timeout_del(&tp->t_timeout);
}

/* Whether one has been without any answer for too long. */
static bool
timer_giveup(const struct tcpcb *tp, u_int tries, uint64_t since)
{
	if (tp->t_usertimeout != 0)
		return (tp->t_now - since >=
		    MSEC_TO_NSEC(tp->t_usertimeout));
	if (tptoso(tp)->so_state & SS_CLOSED)
		return (tries > ORPHAN_RETRIES);
	return (tries > tcp_tun.tn_retries ||
	    (tries > ORPHAN_RETRIES && tp->t_now - since > SILENCE_MAX));
}

/* --- retransmission ----------------------------------------------------- */

/* RFC 8985, 7.2: some time before the retransmission would be due */
static uint64_t
timer_probe(const struct tcpcb *tp)
{
	uint64_t pto;

	if (!(tp->t_flags & TF_SACK) || tp->t_srtt == 0 ||
	    tp->t_state < TCPS_ESTABLISHED ||
	    (tp->t_flags & (TF_RECOVERY | TF_LOSS | TF_PROBING)))
		return (TT_NEVER);
	pto = MAX(2 * tp->t_srtt, PROBE_MIN);
	if (tp->t_pipe <= tp->t_mss)
		pto += PROBE_DELACK;
	return (pto < tp->t_rto ? pto : TT_NEVER);
}

void
tcp_timer_rexmt(struct tcpcb *tp)
{
	uint64_t pto = timer_probe(tp), rto = tp->t_rto, end;

	/* RFC 5482 is to be in time */
	if (tp->t_usertimeout != 0) {
		end = tp->t_stalled + MSEC_TO_NSEC(tp->t_usertimeout);
		rto = MIN(rto, end > tp->t_now ? end - tp->t_now : 0);
	}
	tcp_timer_set(tp, TT_REXMT, rto);
	if (pto != TT_NEVER)
		tcp_timer_set(tp, TT_PROBE, pto);
	else
		tcp_timer_clear(tp, TT_PROBE);
}

static void
timer_syn(struct tcpcb *tp)
{
	u_int max = tp->t_syncnt != 0 ? tp->t_syncnt : tcp_tun.tn_syn_retries;

	if (++tp->t_rexmits > max || (tp->t_usertimeout != 0 &&
	    timer_giveup(tp, 0, tp->t_stalled))) {
		TCPSTAT(retransmit_drops);
		tcp_drop(tp, ETIMEDOUT);
		return;
	}
	TCPSTAT(timeouts);
	tp->t_flags |= TF_RTTSYN;
	/* some drop what they do not understand (RFC 3168, 6.1.1.1) */
	if (tp->t_rexmits > 1)
		tp->t_flags &= ~TF_TRYECN;
	tcp_sent_lost(tp, TAILQ_FIRST(&tp->t_sentq));
	tp->t_rto = MIN(tp->t_rto * 2, TCP_RTO_MAX);
	tcp_output(tp);
}

/* RFC 6298, 5.4 to 5.6 */
static void
timer_rexmt(struct tcpcb *tp)
{
	if (tp->snd_una == tp->snd_nxt)
		return;
	if (tp->t_state <= TCPS_SYN_RCVD) {
		timer_syn(tp);
		return;
	}
	/* a peer that closed its window is there, as long as it answers */
	if (tp->snd_wnd != 0 || tp->t_now - tp->t_lastack > 2 * TCP_RTO_MAX)
		tp->t_rexmits++;
	if (timer_giveup(tp, tp->t_rexmits, tp->t_stalled)) {
		TCPSTAT(retransmit_drops);
		tcp_abort(tp, ETIMEDOUT);
		return;
	}
	TCPSTAT(timeouts);
	tcp_recover_timeout(tp);
	tp->t_rto = MIN(tp->t_rto * 2, TCP_RTO_MAX);
	tcp_timer_rexmt(tp);
	tcp_output(tp);
}

/* --- a closed window (RFC 9293, 3.8.6.1) -------------------------------- */

void
tcp_timer_persist(struct tcpcb *tp)
{
	uint64_t wait = tp->t_rto;
	u_int i;

	for (i = 0; i < tp->t_persists && wait < TCP_RTO_MAX; i++)
		wait *= 2;
	tcp_timer_set(tp, TT_PERSIST, MIN(wait, TCP_RTO_MAX));
}

static void
timer_persist(struct tcpcb *tp)
{
	if (tp->snd_una != tp->snd_nxt) {
		tcp_output(tp);
		return;
	}
	/* for ever if it answers, and a program waits */
	if (tp->t_now - tp->t_lastack > SILENCE_MAX ||
	    (tp->t_usertimeout != 0 && timer_giveup(tp, 0, tp->t_lastack)) ||
	    ((tptoso(tp)->so_state & SS_CLOSED) &&
	    tp->t_persists > ORPHAN_RETRIES)) {
		TCPSTAT(retransmit_drops);
		tcp_abort(tp, ETIMEDOUT);
		return;
	}
	tp->t_persists++;
	if (tp->snd_wnd != 0) {
		/* it is open, but for less than one would like to send */
		tp->t_flags |= TF_FORCE;
		tcp_output(tp);
	} else {
		TCPSTAT(persist_probes);
		tcp_probe(tp);
	}
	if (tp->snd_una == tp->snd_nxt)
		tcp_timer_persist(tp);
}

/* --- keepalive (RFC 9293, 3.8.4) ---------------------------------------- */

void
tcp_timer_keep(struct tcpcb *tp)
{
	if (tp->t_state < TCPS_ESTABLISHED ||
	    !SO_ISSET(tptoso(tp), SO_KEEPALIVE))
		tcp_timer_clear(tp, TT_KEEP);
	else
		tcp_timer_set(tp, TT_KEEP, MSEC_TO_NSEC(tp->t_keepidle));
}

static bool
keep_giveup(const struct tcpcb *tp, uint64_t idle)
{
	if (tp->t_usertimeout != 0)
		return (tp->t_keepprobes != 0 &&
		    idle >= MSEC_TO_NSEC(tp->t_usertimeout));
	return (tp->t_keepprobes >= tp->t_keepcnt);
}

static void
timer_keep(struct tcpcb *tp)
{
	uint64_t idle = tp->t_now - MAX(tp->t_lastrcvd, tp->t_lastack);
	uint64_t want = MSEC_TO_NSEC(tp->t_keepidle);

	if (!SO_ISSET(tptoso(tp), SO_KEEPALIVE))
		return;
	if (idle < want) {
		tp->t_keepprobes = 0;
		tcp_timer_set(tp, TT_KEEP, want - idle);
	} else if (tp->snd_una != tp->snd_nxt ||
	    tcp_timer_isset(tp, TT_PERSIST))
		tcp_timer_set(tp, TT_KEEP, want);	/* others look */
	else if (keep_giveup(tp, idle)) {
		TCPSTAT(keepalive_drops);
		tcp_abort(tp, ETIMEDOUT);
	} else {
		TCPSTAT(keepalive_probes);
		tp->t_keepprobes++;
		tcp_probe(tp);
		tcp_timer_set(tp, TT_KEEP, MSEC_TO_NSEC(tp->t_keepintvl));
	}
}

/* --- the rest ----------------------------------------------------------- */

static void
timer_delack(struct tcpcb *tp)
{
	if (!(tp->t_flags & TF_DELACK))
		return;
	TCPSTAT(delayed_acks);
	tp->t_flags |= TF_ACKNOW;
	tcp_output(tp);
}

static void
timer_retry(struct tcpcb *tp)
{
	tp->t_flags |= TF_PUSHNOW;
	tcp_output(tp);
	tp->t_flags &= ~TF_PUSHNOW;
}

static void (*const timer_fn[TT_COUNT])(struct tcpcb *) = {
	[TT_REXMT] = timer_rexmt,
	[TT_PROBE] = tcp_recover_probe,
	[TT_REORDER] = tcp_recover_late,
	[TT_PERSIST] = timer_persist,
	[TT_DELACK] = timer_delack,
	[TT_RETRY] = timer_retry,
	[TT_KEEP] = timer_keep,
	[TT_FINWAIT2] = tcp_done,
};

static void
timer_rearm(struct tcpcb *tp)
{
	uint64_t due = TT_NEVER;
	u_int i;

	for (i = 0; i < TT_COUNT; i++)
		due = MIN(due, tp->t_due[i]);
	if (due < tp->t_armed)
		tcp_timer_rearm(tp, due);
}

void
tcp_timer(void *arg)
{
	struct tcpcb *tp = arg;
	struct socket *so = tptoso(tp);
	u_int i;

	mtx_enter(&so->so_mtx);
	tp->t_now = nsecuptime();
	tp->t_armed = TT_NEVER;
	for (i = 0; i < TT_COUNT && tp->t_state != TCPS_CLOSED; i++) {
		if (tp->t_due[i] > tp->t_now)
			continue;
		tp->t_due[i] = TT_NEVER;
		timer_fn[i](tp);
	}
	if (tp->t_state != TCPS_CLOSED)
		timer_rearm(tp);
	mtx_leave(&so->so_mtx);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What an acknowledgement says (RFC 9293, 3.10.7.4, fifth).
 */

#include <sys/systm.h>

#include <netinet/tcp_var.h>

/*
 * Numbers that are compared with those of now, but are rarely set: half of the
 * space later they would seem to be ahead.
 */
static void
ack_refresh(struct tcpcb *tp)
{
	uint32_t una = tp->snd_una;

	tp->snd_up = SEQ_MAX(tp->snd_up, una);
	tp->snd_sml = SEQ_MAX(tp->snd_sml, una);
	tp->t_recover = SEQ_MAX(tp->t_recover, una);
	tp->t_ecnrecover = SEQ_MAX(tp->t_ecnrecover, una);
	tp->t_fack = SEQ_MAX(tp->t_fack, una);
	tp->t_reoround = SEQ_MAX(tp->t_reoround, una);
}

/* So much that twice the window fits, if programs write faster than we send. */
static void
ack_sndbuf(struct tcpcb *tp)
{
	struct sockbuf *sb = &tptoso(tp)->so_snd;
	uint32_t want;

	if (sb->sb_userset || sb->sb_hiwat >= tcp_tun.tn_sndbuf_max)
		return;
	want = MIN(tp->t_cwnd, TCP_CWNDMAX / 4) * 2 + 64 * 1024;
	if (want > sb->sb_hiwat)
		sb_reserve(sb, MIN(want, tcp_tun.tn_sndbuf_max));
}

/* A round trip has passed. */
static void
ack_round(struct tcpcb *tp, uint64_t rtt)
{
	tcp_rtt(tp, rtt);
	tp->t_rttseq = tp->snd_nxt;
	ack_refresh(tp);
	ack_sndbuf(tp);
}

/* What the peer has is no longer ours to keep. */
static void
ack_drop(struct tcpcb *tp, uint32_t ack)
{
	struct socket *so = tptoso(tp);
	uint32_t n;

	if (SEQ_LEQ(ack, tp->snd_data))
		return;			/* SYN alone */
	n = MIN(ack - tp->snd_data, so->so_snd.sb_cc);	/* FIN is none */
	if (n == 0)
		return;
	sb_drop(&so->so_snd, n);
	tp->snd_data += n;
	if (SEQ_LT(tp->t_sndhintseq, tp->snd_data))
		tp->t_sndhint = NULL;
	so_wakeup_snd(so);
}

/*
 * Of what was sent twice only a timestamp tells how long it took; else the
 * timeout stays as long as it has become (RFC 6298, 5.7; RFC 7323, 4).
 */
static uint64_t
ack_stamp(const struct tcpcb *tp, const struct tcp_seg *sg)
{
	uint32_t ms;

	if (!(tp->t_flags & TF_TS) || !sg->sg_ts)
		return (0);
	ms = tcp_clock(tp->t_now) + tp->t_tsoff - sg->sg_tsecr;
	return (ms > TCP_RTT_MAX ? 0 : MSEC_TO_NSEC(MAX(ms, 1)));
}

void
tcp_ack_advance(struct tcpcb *tp, const struct tcp_seg *sg,
    struct tcp_delivery *td)
{
	uint32_t ack = sg->sg_ack;

	td->td_acked = ack - tp->snd_una;
	tcp_sent_acked(tp, sg, td);
	if (td->td_rtt == 0)
		td->td_rtt = ack_stamp(tp, sg);
	tp->snd_una = ack;
	ack_drop(tp, ack);
	tp->t_rexmits = 0;
	tp->t_softerror = 0;
	tp->t_stalled = tp->t_now;
	if (td->td_rtt != 0) {
		if (SEQ_GT(ack, tp->t_rttseq))
			ack_round(tp, td->td_rtt);
		tcp_rto(tp);		/* without backoff */
	}
	if (tp->snd_una == tp->snd_nxt) {
		tcp_timer_clear(tp, TT_REXMT);
		tcp_timer_clear(tp, TT_PROBE);
		tcp_timer_clear(tp, TT_REORDER);
	} else
		tcp_timer_rexmt(tp);
}

/* RFC 9293, 3.10.7.4: only what is newer than what we know */
void
tcp_window(struct tcpcb *tp, const struct tcp_seg *sg)
{
	uint32_t wnd = sg->sg_wnd << tp->snd_scale;

	if (SEQ_LT(sg->sg_seq, tp->snd_wl1) || (tp->snd_wl1 == sg->sg_seq &&
	    (SEQ_LT(sg->sg_ack, tp->snd_wl2) ||
	    (tp->snd_wl2 == sg->sg_ack && wnd < tp->snd_wnd))))
		return;
	tp->snd_wl1 = sg->sg_seq;
	tp->snd_wl2 = sg->sg_ack;
	tp->snd_wnd = wnd;
	if (wnd > tp->snd_maxwnd)
		tp->snd_maxwnd = wnd;
	if (wnd != 0 && tcp_timer_isset(tp, TT_PERSIST)) {
		tcp_timer_clear(tp, TT_PERSIST);
		tp->t_persists = 0;
	}
}

/* RFC 3168, 6.1.2: as if a segment was lost, once in a window */
static void
ack_ecn(struct tcpcb *tp)
{
	if (SEQ_LT(tp->snd_una, tp->t_ecnrecover) ||
	    (tp->t_flags & (TF_RECOVERY | TF_LOSS)))
		return;
	TCPSTAT(ecn_marks);
	tp->t_ssthresh = tp->t_cc->cc_loss(tp);
	tp->t_cwnd = MAX(MIN(tp->t_cwnd, tp->t_ssthresh), tp->t_mss);
	tp->t_ecnrecover = tp->snd_nxt;
	tp->t_flags |= TF_CWR;
}

/* Neither of what is to come nor of long ago (RFC 5961, 5.2). */
static bool
ack_acceptable(struct tcpcb *tp, const struct tcp_seg *sg)
{
	if (SEQ_GT(sg->sg_ack, tp->snd_nxt) || SEQ_LT(sg->sg_ack,
	    tp->snd_una - MAX(tp->snd_maxwnd, 65535))) {
		TCPSTAT(drop_ack);
		tcp_challenge(tp);
		return (false);
	}
	return (true);
}

bool
tcp_ack(struct tcpcb *tp, const struct tcp_seg *sg)
{
	struct tcp_delivery td = { .td_pipe = tp->t_pipe,
	    .td_fack = tp->t_fack };
	uint32_t wnd = tp->snd_wnd;

	if (!ack_acceptable(tp, sg))
		return (false);
	tp->t_lastack = tp->t_now;
	tp->t_keepprobes = 0;
	if (SEQ_LT(sg->sg_ack, tp->snd_una))
		return (true);		/* old: it says nothing new */
	if ((tp->t_flags & TF_SACK) && sg->sg_nsack != 0)
		tcp_sent_sacked(tp, sg, &td);
	tcp_window(tp, sg);
	if (sg->sg_ack != tp->snd_una)
		tcp_ack_advance(tp, sg, &td);
	else
		td.td_dup = sg->sg_len == 0 && tp->snd_una != tp->snd_nxt &&
		    tp->snd_wnd == wnd && !(sg->sg_flags & (TH_SYN | TH_FIN));
	tcp_recover(tp, sg, &td);
	if ((tp->t_flags & TF_ECN) && (sg->sg_flags & TH_ECE))
		ack_ecn(tp);
	return (true);
}

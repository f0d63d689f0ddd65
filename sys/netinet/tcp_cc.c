/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Congestion control: the table, what all of them share (RFC 5681), and
 * NewReno.
 */

#include <sys/systm.h>

#include <netinet/tcp_var.h>

/* RFC 9406, 4.3 */
#define HS_RTT_MIN	MSEC_TO_NSEC(4)
#define HS_RTT_MAX	MSEC_TO_NSEC(16)
#define HS_SAMPLES	8
#define HS_CSS_GROWTH	4
#define HS_CSS_ROUNDS	5
#define HS_NONE		UINT64_MAX

static const struct tcp_cc *const tcp_ccs[] = {
	&tcp_cc_cubic, &tcp_cc_newreno
};
const struct tcp_cc *tcp_cc_default = &tcp_cc_cubic;

const struct tcp_cc *
tcp_cc_get(u_int n)
{
	return (n < nitems(tcp_ccs) ? tcp_ccs[n] : NULL);
}

/* "reno" is what programs call it. */
const struct tcp_cc *
tcp_cc_find(const char *name)
{
	u_int i;

	if (strcmp(name, "newreno") == 0)
		name = tcp_cc_newreno.cc_name;
	for (i = 0; i < nitems(tcp_ccs); i++) {
		if (strcmp(tcp_ccs[i]->cc_name, name) == 0)
			return (tcp_ccs[i]);
	}
	return (NULL);
}

/* RFC 6928; one segment after a SYN that was lost (RFC 5681, 3.1). */
uint32_t
tcp_initcwnd(const struct tcpcb *tp)
{
	u_int n = MAX(tcp_tun.tn_initcwnd, 1);

	if (tp->t_flags & TF_RTTSYN)
		return (tp->t_mss);
	return (MIN(n * tp->t_mss, MAX(2 * tp->t_mss, 1460 * n)));
}

/* --- slow start --------------------------------------------------------- */

/*
 * Up to ssthresh by what has arrived; the rest is left in *acked.  true: there
 * is none.
 */
bool
tcp_slowstart(struct tcpcb *tp, uint32_t *acked)
{
	uint32_t n;

	if (tp->t_cwnd >= tp->t_ssthresh)
		return (false);
	n = MIN(*acked, tp->t_ssthresh - tp->t_cwnd);
	*acked -= n;
	if (tp->t_hystart.hs_css != 0)
		n /= HS_CSS_GROWTH;
	tp->t_cwnd = MIN(tp->t_cwnd + n, TCP_CWNDMAX);
	return (*acked == 0);
}

void
tcp_hystart_init(struct tcpcb *tp)
{
	tp->t_hystart = (struct hystart){ .hs_end = tp->snd_nxt,
	    .hs_last = HS_NONE, .hs_cur = HS_NONE };
}

/* A round trip is over. */
static void
hystart_round(struct tcpcb *tp, struct hystart *hs)
{
	hs->hs_end = tp->snd_nxt;
	hs->hs_last = hs->hs_cur;
	hs->hs_cur = HS_NONE;
	hs->hs_samples = 0;
	if (hs->hs_css != 0 && ++hs->hs_css > HS_CSS_ROUNDS)
		tp->t_ssthresh = tp->t_cwnd;
}

/*
 * HyStart++ (RFC 9406, 4.2): if round trips become longer a queue grows, and
 * the first slow start goes on slowly, for some rounds, and ends before the
 * queue is full; unless they become shorter again.
 */
void
tcp_hystart(struct tcpcb *tp, uint64_t rtt)
{
	struct hystart *hs = &tp->t_hystart;
	uint64_t thresh;

	if (tp->t_ssthresh != TCP_CWNDMAX)
		return;
	if (SEQ_GT(tp->snd_una, hs->hs_end))
		hystart_round(tp, hs);
	hs->hs_cur = MIN(hs->hs_cur, rtt);
	if (++hs->hs_samples < HS_SAMPLES || hs->hs_last == HS_NONE)
		return;
	if (hs->hs_css != 0) {
		if (hs->hs_cur < hs->hs_base)
			hs->hs_css = 0;
		return;
	}
	thresh = MIN(MAX(hs->hs_last / 8, HS_RTT_MIN), HS_RTT_MAX);
	if (hs->hs_cur >= hs->hs_last + thresh) {
		hs->hs_base = hs->hs_cur;
		hs->hs_css = 1;
	}
}

/*
 * What was in use when something was lost (RFC 5681, 3.1: FlightSize): all of
 * the window, if that is what held us back.
 */
uint32_t
tcp_flight(const struct tcpcb *tp)
{
	if (tp->t_flags & TF_CWNDFULL)
		return (tp->t_cwnd);
	return (MIN(tp->t_cwnd, MAX(tp->snd_nxt - tp->snd_una, tp->t_mss)));
}

/* --- NewReno (RFC 5681, RFC 6582) --------------------------------------- */

static void
reno_init(struct tcpcb *tp)
{
	tp->t_ccfrac = 0;
}

/* A segment for each window that has arrived. */
static void
reno_acked(struct tcpcb *tp, uint32_t acked)
{
	if (tcp_slowstart(tp, &acked))
		return;
	tp->t_ccfrac += acked;
	if (tp->t_ccfrac >= tp->t_cwnd) {
		tp->t_ccfrac = 0;
		tp->t_cwnd = MIN(tp->t_cwnd + tp->t_mss, TCP_CWNDMAX);
	}
}

static uint32_t
reno_loss(struct tcpcb *tp)
{
	tp->t_ccfrac = 0;
	return (MAX(tcp_flight(tp) / 2, 2 * tp->t_mss));
}

const struct tcp_cc tcp_cc_newreno = {
	.cc_name = "reno",
	.cc_init = reno_init,
	.cc_acked = reno_acked,
	.cc_loss = reno_loss,
	.cc_timeout = reno_init,
	.cc_undo = reno_init,
	.cc_idle = reno_init,
};

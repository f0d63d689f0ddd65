/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Congestion control: the table, what all of them share (RFC 5681), and
 * NewReno.
 */

#include <sys/systm.h>

#include <netinet/tcp_var.h>

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
	tp->t_cwnd = MIN(tp->t_cwnd + n, TCP_CWNDMAX);
	*acked -= n;
	return (*acked == 0);
}

/* --- NewReno (RFC 5681, RFC 6582) ------------------------------------------- */

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
	return (MAX((tp->snd_nxt - tp->snd_una) / 2, 2 * tp->t_mss));
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

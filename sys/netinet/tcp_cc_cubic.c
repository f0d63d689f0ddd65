/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * CUBIC (RFC 9438) in integers: windows in bytes, times in milliseconds.
 */

#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define BETA_NUM	7		/* 4.6: 0.7 */
#define BETA_DEN	10
#define MS_MAX		1000000U	/* its cube fits */

/* Digit by digit, from the highest. */
static uint32_t
cubic_root(uint64_t x)
{
	uint64_t r = 0, t;
	int bit;

	for (bit = 20; bit >= 0; bit--) {
		t = r | 1ULL << bit;
		if (t * t * t <= x)
			r = t;
	}
	return (r);
}

static uint32_t
cubic_now(const struct tcpcb *tp)
{
	return (tp->t_now / 1000000);
}

static void
cubic_init(struct tcpcb *tp)
{
	tp->t_cubic = (struct cubic){ .cu_epoch = 0 };
}

/* A stage of congestion avoidance begins (4.2). */
static void
cubic_begin(struct tcpcb *tp)
{
	struct cubic *cu = &tp->t_cubic;

	cu->cu_epoch = tp->t_now;
	cu->cu_frac = 0;
	cu->cu_start = cu->cu_west = tp->t_cwnd;
	if (tp->t_cwnd < cu->cu_wmax)
		/* K = cbrt((W_max - cwnd_epoch) / C), C = 0.4 */
		cu->cu_k = cubic_root((uint64_t)(cu->cu_wmax - tp->t_cwnd) *
		    2500000000ULL / tp->t_mss);
	else {
		cu->cu_k = 0;
		cu->cu_wmax = tp->t_cwnd;
	}
}

/* W_cubic(t) = C * (t - K)^3 + W_max */
static uint32_t
cubic_window(const struct tcpcb *tp, uint32_t t)
{
	const struct cubic *cu = &tp->t_cubic;
	uint64_t d = t > cu->cu_k ? t - cu->cu_k : cu->cu_k - t;

	d = MIN(d, MS_MAX);
	d = d * d * d / 1000000 * 4 * tp->t_mss / 10000;
	if (t > cu->cu_k)
		return (MIN(cu->cu_wmax + d, TCP_CWNDMAX));
	return (d < cu->cu_wmax ? cu->cu_wmax - d : 0);
}

/*
 * What Reno would have (4.3): alpha = 3 * (1 - beta) / (1 + beta) = 9/17 of a
 * segment for each window, a whole one from where the last loss was.
 */
static void
cubic_reno(struct tcpcb *tp, uint32_t acked)
{
	struct cubic *cu = &tp->t_cubic;
	uint64_t n = (uint64_t)acked * tp->t_mss;

	if (cu->cu_west < cu->cu_wmax)
		n = n * 9 / 17;
	cu->cu_west = MIN(cu->cu_west + n / tp->t_cwnd, TCP_CWNDMAX);
}

static void
cubic_acked(struct tcpcb *tp, uint32_t acked)
{
	struct cubic *cu = &tp->t_cubic;
	uint32_t t, target;
	uint64_t n;

	if (tcp_slowstart(tp, &acked))
		return;
	if (cu->cu_epoch == 0)
		cubic_begin(tp);
	t = cubic_now(tp) - (uint32_t)(cu->cu_epoch / 1000000);
	cubic_reno(tp, acked);
	if (cubic_window(tp, t) < cu->cu_west) {
		tp->t_cwnd = MAX(tp->t_cwnd, cu->cu_west);
		return;
	}
	/* 4.4: to where it shall be in a round trip, within that time */
	target = cubic_window(tp, t + (uint32_t)(tp->t_srtt / 1000000));
	target = MIN(target, tp->t_cwnd + tp->t_cwnd / 2);
	if (target <= tp->t_cwnd)
		return;
	n = (uint64_t)(target - tp->t_cwnd) * acked + cu->cu_frac;
	cu->cu_frac = n % tp->t_cwnd;
	tp->t_cwnd = MIN(tp->t_cwnd + n / tp->t_cwnd, TCP_CWNDMAX);
}

static uint32_t
cubic_loss(struct tcpcb *tp)
{
	struct cubic *cu = &tp->t_cubic;
	uint32_t w = tcp_flight(tp);

	cu->cu_epoch = 0;
	cu->cu_oldwmax = cu->cu_wmax;
	/* 4.7: it has become less: leave some to others */
	cu->cu_wmax = w < cu->cu_wmax ?
	    (uint64_t)w * (BETA_DEN + BETA_NUM) / (2 * BETA_DEN) : w;
	return (MAX((uint64_t)w * BETA_NUM / BETA_DEN, 2 * tp->t_mss));
}

static void
cubic_restart(struct tcpcb *tp)
{
	tp->t_cubic.cu_epoch = 0;
}

static void
cubic_undo(struct tcpcb *tp)
{
	tp->t_cubic.cu_epoch = 0;
	tp->t_cubic.cu_wmax = MAX(tp->t_cubic.cu_wmax, tp->t_cubic.cu_oldwmax);
}

const struct tcp_cc tcp_cc_cubic = {
	.cc_name = "cubic",
	.cc_init = cubic_init,
	.cc_acked = cubic_acked,
	.cc_loss = cubic_loss,
	.cc_timeout = cubic_restart,
	.cc_undo = cubic_undo,
	.cc_idle = cubic_restart,
};

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What may be sent now, and what must be.
 *
 * The next packet is planned, and counted as sent, before the one before it
 * goes: so that a device hears with each but the last that more will follow.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <net/ifnet.h>
#include <netinet/tcp_var.h>

#define CORK_MAX	MSEC_TO_NSEC(200)
#define RETRY_AFTER	MSEC_TO_NSEC(20)
#define BURST_TIME	MSEC_TO_NSEC(1)

struct plan {
	uint32_t	 pl_seq, pl_len;
	u_int		 pl_flags;
};

/* What holds for all packets of a call. */
struct limits {
	uint32_t	 li_seg;	/* data of a segment */
	uint32_t	 li_max;	/* of a packet */
};

/* --- limits ------------------------------------------------------------- */

/*
 * On a long path no more at once than goes in a millisecond: the queues on its
 * way may be short.
 */
static uint32_t
output_burst(const struct tcpcb *tp, uint32_t seg)
{
	uint64_t n;

	if (tp->t_srtt <= BURST_TIME)
		return (UINT32_MAX);
	n = tp->t_cwnd * BURST_TIME / tp->t_srtt;
	return (MIN(MAX(n, 2 * seg), UINT32_MAX));
}

/* The route may have changed, and with it the size of packets. */
static void
output_limits(struct tcpcb *tp, struct limits *li)
{
	struct inpcb *inp = &tp->t_inp;
	struct ip_route *ir = &inp->inp_route;
	uint32_t max;

	if (ip_route_get(ir, &inp->inp_faddr, &inp->inp_laddr,
	    tcp_ifidx(tp)) == 0 && ir->ir_mtu != tp->t_routemtu)
		tcp_setmss(tp);
	li->li_seg = tp->t_maxseg - tcp_optlen(tp);
	li->li_max = li->li_seg;
	if (!(ir->ir_caps & (tcp_is4(tp) ? IFCAP_TSO4 : IFCAP_TSO6)) ||
	    SEQ_GT(tp->snd_up, tp->snd_una) ||
	    ((tp->t_flags & TF_CWR) && !(ir->ir_caps & IFCAP_TSO_ECN)))
		return;
	/* headers of all layers may be counted */
	max = MIN(ir->ir_tsomax, 65535);
	if (max < MAX_HDR + 2 * li->li_seg)
		return;
	max = MIN(max - MAX_HDR, output_burst(tp, li->li_seg));
	li->li_max = max - max % li->li_seg;
}

static uint32_t
output_room(const struct tcpcb *tp)
{
	uint32_t pipe = tcp_pipe(tp);

	return (tp->t_cwnd > pipe ? tp->t_cwnd - pipe : 0);
}

/* Data that never were sent. */
static uint32_t
output_unsent(struct tcpcb *tp)
{
	if (tp->t_flags & TF_SENTFIN)
		return (0);
	return (tp->snd_data + tptoso(tp)->so_snd.sb_cc - tp->snd_nxt);
}

/* RFC 5681, 4.1: after a pause the window says nothing about the path. */
static void
output_idle(struct tcpcb *tp)
{
	if (!tcp_tun.tn_idlerestart || tp->snd_una != tp->snd_nxt ||
	    tp->t_lastsent == 0 || tp->t_now - tp->t_lastsent <= tp->t_rto)
		return;
	tp->t_cwnd = MIN(tp->t_cwnd, MAX(tcp_initcwnd(tp), tp->t_mss));
	tp->t_cc->cc_idle(tp);
	tp->t_lastsent = tp->t_now;
}

/* --- again -------------------------------------------------------------- */

static bool
plan_lost(struct tcpcb *tp, const struct limits *li, struct plan *pl)
{
	struct tcp_sent *ts = tcp_lost_first(tp);
	uint32_t room = output_room(tp), len, n;

	if (ts == NULL)
		return (false);
	if (tp->t_flags & TF_FORCE)
		room = MAX(room, li->li_seg);
	len = ts->ts_end - ts->ts_seq;
	if (room < MIN(len, li->li_seg))
		return (false);
	n = MIN(MIN(len, room), li->li_max);
	/* a window that was taken back: only the first of it, as a probe */
	if (SEQ_GT(ts->ts_seq + n, tp->snd_una + tp->snd_wnd)) {
		if (ts->ts_seq != tp->snd_una)
			return (false);
		n = MIN(len, li->li_seg);
	}
	if (n < len && n > li->li_seg)
		n -= n % li->li_seg;
	if (n < len && tcp_sent_split(tp, ts, ts->ts_seq + n) == NULL)
		return (false);
	tcp_sent_again(tp, ts);
	tp->t_totalrexmt += howmany(n, li->li_seg);
	TCPSTAT_ADD(retransmits, howmany(n, li->li_seg));
	pl->pl_seq = ts->ts_seq;
	pl->pl_len = n;
	pl->pl_flags = TH_AGAIN;
	if (ts->ts_flags & TSF_FIN) {
		pl->pl_len--;
		pl->pl_flags |= TH_FIN;
	}
	return (true);
}

/* --- new ---------------------------------------------------------------- */

/*
 * Nagle's algorithm (RFC 9293, 3.7.4) in the way of Minshall: one small segment
 * at a time, but behind full ones at once.
 */
static bool
small_ok(struct tcpcb *tp)
{
	u_int flags = tp->t_flags;

	if (flags & (TF_WANTFIN | TF_PUSHNOW | TF_FORCE))
		return (true);
	if (SEQ_GT(tp->snd_up, tp->snd_nxt))
		return (true);
	if (flags & (TF_CORK | TF_MORE)) {
		if (!tcp_timer_isset(tp, TT_RETRY))
			tcp_timer_set(tp, TT_RETRY, CORK_MAX);
		return (false);
	}
	return ((flags & TF_NODELAY) || SEQ_LEQ(tp->snd_sml, tp->snd_una));
}

/*
 * Less than what could be sent soon, while acknowledgements will come: wait for
 * a larger packet, which costs no more than a small one.
 */
static bool
worth_waiting(const struct tcpcb *tp, const struct limits *li, uint32_t room)
{
	uint32_t enough = MIN(MIN(tp->t_cwnd, tp->snd_wnd) / 3, li->li_max);

	return (room < enough && li->li_max > li->li_seg &&
	    tp->t_pipe != 0 && !(tp->t_flags & (TF_RECOVERY | TF_LOSS |
	    TF_FORCE)));
}

/* So many of those bytes now, which are not all; 0: none. */
static uint32_t
new_part(struct tcpcb *tp, const struct limits *li, uint32_t wnd,
    uint32_t room)
{
	uint32_t len = MIN(MIN(wnd, room), li->li_max);

	if (len >= li->li_seg) {
		if (worth_waiting(tp, li, MIN(wnd, room))) {
			if (room <= wnd)
				tp->t_flags |= TF_CWNDFULL;
			return (0);
		}
		return (len - len % li->li_seg);
	}
	if (room < wnd) {
		tp->t_flags |= TF_CWNDFULL;
		return (0);
	}
	/* RFC 9293, 3.8.6.2.1: the peer's window is small */
	if (len != 0 && ((tp->t_flags & TF_FORCE) ||
	    len >= tp->snd_maxwnd / 2))
		return (len);
	return (0);
}

static uint32_t
new_all(struct tcpcb *tp, const struct limits *li, uint32_t len)
{
	uint32_t tail = len % li->li_seg;

	tp->t_flags &= ~TF_CWNDFULL;
	return (tail == 0 || small_ok(tp) ? len : len - tail);
}

static bool
plan_new(struct tcpcb *tp, const struct limits *li, struct plan *pl)
{
	uint32_t unsent = output_unsent(tp), wnd, room, len;
	uint32_t edge = tp->snd_una + tp->snd_wnd;
	bool fin = (tp->t_flags & (TF_WANTFIN | TF_SENTFIN)) == TF_WANTFIN;

	if (unsent == 0 && !fin) {
		tp->t_flags &= ~TF_CWNDFULL;
		return (false);
	}
	wnd = SEQ_GT(edge, tp->snd_nxt) ? edge - tp->snd_nxt : 0;
	room = output_room(tp);
	if (tp->t_flags & TF_FORCE)
		room = MAX(room, li->li_seg);
	len = unsent <= MIN(MIN(wnd, room), li->li_max) ?
	    new_all(tp, li, unsent) : new_part(tp, li, wnd, room);
	if (len > li->li_seg)
		len = tcp_sendspan(tp, tp->snd_nxt, len, li->li_seg);
	fin = fin && len == unsent;
	if (len == 0 && !fin)
		return (false);
	if (!tcp_sent_add(tp, tp->snd_nxt, tp->snd_nxt + len + fin,
	    fin ? TSF_FIN : 0)) {
		tcp_timer_set(tp, TT_RETRY, RETRY_AFTER);
		return (false);
	}
	if (tp->snd_una == tp->snd_nxt)
		tp->t_stalled = tp->t_now;
	pl->pl_seq = tp->snd_nxt;
	pl->pl_len = len;
	pl->pl_flags = fin ? TH_FIN : 0;
	if (len == unsent && len != 0 && !(tp->t_flags & TF_MORE))
		pl->pl_flags |= TH_PUSH;
	tp->snd_nxt += len + fin;
	if (len % li->li_seg != 0)
		tp->snd_sml = tp->snd_nxt;
	if (fin)
		tp->t_flags |= TF_SENTFIN;
	return (true);
}

static bool
plan(struct tcpcb *tp, struct limits *li, struct plan *pl)
{
	bool ok = false;

	if (tp->t_lost != 0)
		ok = plan_lost(tp, li, pl);
	else
		ok = plan_new(tp, li, pl);
	if (!ok)
		return (false);
	tp->t_flags &= ~TF_FORCE;
	if (tp->t_flags & TF_RECOVERY)
		tp->t_prrout += pl->pl_len;
	return (true);
}

/* --- now ---------------------------------------------------------------- */

static void
output_timers(struct tcpcb *tp)
{
	if (tp->snd_una != tp->snd_nxt) {
		if (!tcp_timer_isset(tp, TT_REXMT))
			tcp_timer_rexmt(tp);
	} else if (output_unsent(tp) != 0 && !tcp_timer_isset(tp, TT_PERSIST) &&
	    !tcp_timer_isset(tp, TT_RETRY)) {
		tp->t_persists = 0;
		tcp_timer_persist(tp);
	}
}

/* true: a packet was sent. */
static bool
output_data(struct tcpcb *tp)
{
	struct limits li;
	struct plan pl, next;
	bool more;
	int error;

	if (tp->t_lost == 0 && output_unsent(tp) == 0 &&
	    (tp->t_flags & (TF_WANTFIN | TF_SENTFIN)) != TF_WANTFIN) {
		tp->t_flags &= ~TF_CWNDFULL;
		return (false);
	}
	output_idle(tp);
	output_limits(tp, &li);
	if (!(more = plan(tp, &li, &pl)))
		return (false);
	while (more) {
		more = plan(tp, &li, &next);
		error = tcp_packet(tp, pl.pl_seq, pl.pl_len, pl.pl_flags,
		    more);
		/* it will be found lost; until then do not ask for more */
		if (error == ENOBUFS && !more)
			tcp_timer_set(tp, TT_RETRY, RETRY_AFTER);
		pl = next;
	}
	tp->t_flags &= ~(TF_FORCE | TF_PUSHNOW);
	return (true);
}

/* The handshake is not over: our SYN, or what answers the peer's. */
static void
output_syn(struct tcpcb *tp)
{
	struct tcp_sent *ts;
	bool again = false;

	if (tp->snd_nxt == tp->iss) {
		if (!tcp_sent_add(tp, tp->iss, tp->iss + 1, TSF_SYN)) {
			tcp_timer_set(tp, TT_RETRY, RETRY_AFTER);
			return;
		}
		tp->snd_nxt = tp->iss + 1;
		again = true;
	} else if ((ts = tcp_lost_first(tp)) != NULL) {
		tcp_sent_again(tp, ts);
		tp->t_totalrexmt++;
		TCPSTAT(retransmits);
		again = true;
	}
	if (again)
		(void)tcp_packet(tp, tp->iss, 0, TH_SYN, false);
	else if (tp->t_flags & TF_ACKNOW)
		(void)tcp_packet(tp, tp->snd_nxt, 0, 0, false);
	if (!tcp_timer_isset(tp, TT_REXMT))
		tcp_timer_rexmt(tp);
}

void
tcp_output(struct tcpcb *tp)
{
	if (tp->t_state < TCPS_SYN_SENT)
		return;
	if (tp->t_state <= TCPS_SYN_RCVD) {
		output_syn(tp);
		return;
	}
	(void)output_data(tp);
	if ((tp->t_flags & TF_ACKNOW) &&
	    tcp_packet(tp, tp->snd_nxt, 0, 0, false) == ENOBUFS)
		tcp_timer_set(tp, TT_RETRY, RETRY_AFTER);
	output_timers(tp);
}

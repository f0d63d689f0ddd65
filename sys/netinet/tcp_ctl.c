/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Options of TCP sockets, and what TCP_INFO tells.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <net/if.h>
#include <netinet/tcp_var.h>

#define SIOCATMARK	0x8905
#define SIOCOUTQNSD	0x894b

#define KEEP_MAX	32767		/* s; of times too */

/* --- setting ------------------------------------------------------------ */

static int
set_flag(struct tcpcb *tp, u_int flag, int v)
{
	if (v != 0)
		tp->t_flags |= flag;
	else
		tp->t_flags &= ~flag;
	/* what was held back may be sent now */
	if (tp->t_state >= TCPS_ESTABLISHED)
		tcp_output(tp);
	return (0);
}

static int
set_seconds(struct tcpcb *tp, u_int *ms, int v)
{
	if (v < 1 || v > KEEP_MAX)
		return (EINVAL);
	*ms = v * 1000;
	tcp_timer_keep(tp);
	return (0);
}

static int
set_count(u_int *n, int v, int max)
{
	if (v < 1 || v > max)
		return (EINVAL);
	*n = v;
	return (0);
}

static int
set_maxseg(struct tcpcb *tp, int v)
{
	if (v != 0 && (v < 88 || v > 32767))
		return (EINVAL);
	tp->t_usermss = v;
	if (tp->t_state >= TCPS_ESTABLISHED)
		tcp_setmss(tp);
	return (0);
}

static int
set_linger2(struct tcpcb *tp, int v)
{
	/* negative: not at all */
	tp->t_linger2 = v < 0 ? 0 : v == 0 || (u_int)v > tcp_tun.tn_finwait2 ?
	    tcp_tun.tn_finwait2 * 1000 : (u_int)v * 1000;
	return (0);
}

static int
set_quickack(struct tcpcb *tp, int v)
{
	if (v == 0) {
		tp->t_quickacks = 0;
		return (0);
	}
	tp->t_quickacks = TCP_QUICKACKS;
	if (tp->t_flags & TF_DELACK) {
		tp->t_flags |= TF_ACKNOW;
		tcp_output(tp);
	}
	return (0);
}

static int
set_congestion(struct tcpcb *tp, const void *val, size_t len)
{
	char name[TCP_CA_NAME_MAX];
	const struct tcp_cc *cc;

	if (len < 1)
		return (EINVAL);
	len = MIN(len, sizeof(name) - 1);
	memcpy(name, val, len);
	name[len] = '\0';
	if ((cc = tcp_cc_find(name)) == NULL)
		return (ENOENT);
	if (cc != tp->t_cc) {
		tp->t_cc = cc;
		cc->cc_init(tp);
	}
	return (0);
}

static int
tcp_setint(struct tcpcb *tp, int opt, int v)
{
	switch (opt) {
	case TCP_NODELAY:
		return (set_flag(tp, TF_NODELAY, v));
	case TCP_CORK:
		return (set_flag(tp, TF_CORK, v));
	case TCP_MAXSEG:
		return (set_maxseg(tp, v));
	case TCP_KEEPIDLE:
		return (set_seconds(tp, &tp->t_keepidle, v));
	case TCP_KEEPINTVL:
		return (set_seconds(tp, &tp->t_keepintvl, v));
	case TCP_KEEPCNT:
		return (set_count(&tp->t_keepcnt, v, 127));
	case TCP_SYNCNT:
		return (set_count(&tp->t_syncnt, v, 127));
	case TCP_LINGER2:
		return (set_linger2(tp, v));
	case TCP_DEFER_ACCEPT:
		tp->t_deferaccept = v <= 0 ? 0 : MIN(v, KEEP_MAX) * 1000;
		return (0);
	case TCP_WINDOW_CLAMP:
		if (v < 0)
			return (EINVAL);
		tp->t_clamp = v == 0 ? 0 : MAX(v, 1024);
		return (0);
	case TCP_QUICKACK:
		return (set_quickack(tp, v));
	case TCP_USER_TIMEOUT:
		if (v < 0)
			return (EINVAL);
		tp->t_usertimeout = v;
		return (0);
	case TCP_NOTSENT_LOWAT:
		tp->t_notsent = v;
		return (0);
	default:
		return (ENOPROTOOPT);
	}
}

int
tcp_setopt(struct socket *so, int level, int opt, const void *val, size_t len)
{
	struct tcpcb *tp = sototcpcb(so);
	int v;

	tp->t_now = nsecuptime();
	if (level == SOL_SOCKET) {
		if (opt == SO_KEEPALIVE)
			tcp_timer_keep(tp);
		return (0);
	}
	if (level != IPPROTO_TCP)
		return (in_pcbsetopt(&tp->t_inp, level, opt, val, len));
	if (opt == TCP_CONGESTION)
		return (set_congestion(tp, val, len));
	if (len < sizeof(v))
		return (EINVAL);
	memcpy(&v, val, sizeof(v));
	return (tcp_setint(tp, opt, v));
}

/* --- telling ------------------------------------------------------------ */

static uint32_t
usec(uint64_t ns)
{
	return (MIN(ns / 1000, UINT32_MAX));
}

static uint32_t
ago(const struct tcpcb *tp, uint64_t then)
{
	return (then == 0 ? 0 : MIN((tp->t_now - then) / 1000000, UINT32_MAX));
}

static u_int
info_ca(const struct tcpcb *tp)
{
	if (tp->t_flags & TF_LOSS)
		return (TCPI_CA_LOSS);
	if (tp->t_flags & TF_RECOVERY)
		return (TCPI_CA_RECOVERY);
	if (tp->t_sacked != 0 || tp->t_dupacks != 0)
		return (TCPI_CA_DISORDER);
	return (TCPI_CA_OPEN);
}

static void
info_path(const struct tcpcb *tp, struct tcp_info *ti)
{
	ti->tcpi_pmtu = tp->t_pmtu;
	ti->tcpi_rtt = usec(tp->t_srtt);
	ti->tcpi_rttvar = usec(tp->t_rttvar);
	ti->tcpi_rto = usec(tp->t_rto);
	ti->tcpi_ato = tcp_tun.tn_delack * 1000;
	ti->tcpi_snd_mss = tp->t_mss;
	ti->tcpi_rcv_mss = tp->t_rcvmss;
	ti->tcpi_advmss = tcp_mssfor(tcp_is4(tp), tp->t_pmtu);
	ti->tcpi_reordering = tp->t_flags & TF_REORDER ? 4 : 3;
	ti->tcpi_rcv_rtt = usec(tp->t_srtt);
}

static void
info_window(const struct tcpcb *tp, struct tcp_info *ti)
{
	uint32_t mss = MAX(tp->t_mss, 1);

	ti->tcpi_snd_cwnd = tp->t_cwnd / mss;
	ti->tcpi_snd_ssthresh = tp->t_ssthresh >= TCP_CWNDMAX ? INT32_MAX :
	    tp->t_ssthresh / mss;
	ti->tcpi_rcv_ssthresh = ti->tcpi_rcv_space =
	    tptoso(tp)->so_rcv.sb_hiwat;
	ti->tcpi_unacked = howmany(tp->snd_nxt - tp->snd_una, mss);
	ti->tcpi_sacked = howmany(tp->t_sacked, mss);
	ti->tcpi_lost = howmany(tp->t_lost, mss);
}

static void
tcp_fillinfo(struct tcpcb *tp, struct tcp_info *ti)
{
	u_int f = tp->t_flags;

	tp->t_now = nsecuptime();
	*ti = (struct tcp_info){ .tcpi_state = tcp_linux_state(tp),
	    .tcpi_retransmits = MIN(tp->t_rexmits, 255),
	    .tcpi_backoff = MIN(tp->t_rexmits, 255),
	    .tcpi_probes = MIN(MAX(tp->t_persists, tp->t_keepprobes), 255),
	    .tcpi_snd_wscale = tp->snd_scale,
	    .tcpi_rcv_wscale = tp->rcv_scale,
	    .tcpi_total_retrans = MIN(tp->t_totalrexmt, UINT32_MAX) };
	if (tp->t_state < TCPS_SYN_SENT) {
		/* what a listener has waiting, and can have */
		ti->tcpi_unacked = tptoso(tp)->so_qlen;
		ti->tcpi_sacked = tptoso(tp)->so_qlimit;
		return;
	}
	ti->tcpi_options = (f & TF_TS ? TCPI_OPT_TIMESTAMPS : 0) |
	    (f & TF_SACK ? TCPI_OPT_SACK : 0) |
	    (f & TF_WSCALE ? TCPI_OPT_WSCALE : 0) |
	    (f & TF_ECN ? TCPI_OPT_ECN : 0);
	ti->tcpi_ca_state = info_ca(tp);
	ti->tcpi_last_data_sent = ago(tp, tp->t_lastsent);
	ti->tcpi_last_data_recv = ago(tp, tp->t_lastrcvd);
	ti->tcpi_last_ack_recv = ago(tp, tp->t_lastack);
	info_path(tp, ti);
	info_window(tp, ti);
}

static int
tcp_getint(struct tcpcb *tp, int opt, int *vp)
{
	switch (opt) {
	case TCP_NODELAY:
		*vp = (tp->t_flags & TF_NODELAY) != 0;
		break;
	case TCP_CORK:
		*vp = (tp->t_flags & TF_CORK) != 0;
		break;
	case TCP_MAXSEG:
		*vp = tp->t_mss != 0 ? tp->t_mss : tp->t_usermss != 0 ?
		    tp->t_usermss : TCP_MSS4;
		break;
	case TCP_KEEPIDLE:
		*vp = tp->t_keepidle / 1000;
		break;
	case TCP_KEEPINTVL:
		*vp = tp->t_keepintvl / 1000;
		break;
	case TCP_KEEPCNT:
		*vp = tp->t_keepcnt;
		break;
	case TCP_SYNCNT:
		*vp = tp->t_syncnt != 0 ? tp->t_syncnt :
		    tcp_tun.tn_syn_retries;
		break;
	case TCP_LINGER2:
		*vp = tp->t_linger2 / 1000;
		break;
	case TCP_DEFER_ACCEPT:
		*vp = tp->t_deferaccept / 1000;
		break;
	case TCP_WINDOW_CLAMP:
		*vp = tp->t_clamp;
		break;
	case TCP_QUICKACK:
		*vp = tp->t_quickacks != 0;
		break;
	case TCP_USER_TIMEOUT:
		*vp = tp->t_usertimeout;
		break;
	case TCP_NOTSENT_LOWAT:
		*vp = tp->t_notsent;
		break;
	default:
		return (ENOPROTOOPT);
	}
	return (0);
}

int
tcp_getopt(struct socket *so, int level, int opt, void *val, size_t *lenp)
{
	struct tcpcb *tp = sototcpcb(so);
	char name[TCP_CA_NAME_MAX] = "";
	struct tcp_info ti;
	const void *from;
	size_t n;
	int v, error;

	if (level != IPPROTO_TCP)
		return (in_pcbgetopt(&tp->t_inp, level, opt, val, lenp));
	if (opt == TCP_INFO) {
		tcp_fillinfo(tp, &ti);
		from = &ti;
		n = sizeof(ti);
	} else if (opt == TCP_CONGESTION) {
		strlcpy(name, tp->t_cc->cc_name, sizeof(name));
		from = name;
		n = sizeof(name);
	} else {
		if ((error = tcp_getint(tp, opt, &v)) != 0)
			return (error);
		from = &v;
		n = sizeof(v);
	}
	*lenp = MIN(*lenp, n);
	memcpy(val, from, *lenp);
	return (0);
}

/* --- ioctl -------------------------------------------------------------- */

/*
 * What is next to be read is the urgent byte, or what is behind it if that was
 * taken out: then there is one less in the buffer than there are numbers.
 */
static bool
tcp_atmark(const struct tcpcb *tp)
{
	const struct socket *so = tptoso(tp);
	uint32_t at = tp->rcv_nxt - so->so_rcv.sb_cc;

	return ((tp->t_flags & (TF_OOB | TF_OOBREAD)) &&
	    at == tp->rcv_up + !SO_ISSET(so, SO_OOBINLINE));
}

int
tcp_ioctl(struct socket *so, u_long cmd, void *data)
{
	struct tcpcb *tp = sototcpcb(so);
	int n;

	switch (cmd) {
	case SIOCATMARK:
		mtx_enter(&so->so_mtx);
		n = tcp_atmark(tp);
		mtx_leave(&so->so_mtx);
		break;
	case SIOCOUTQNSD:
		mtx_enter(&so->so_mtx);
		n = tp->snd_data + so->so_snd.sb_cc -
		    SEQ_MAX(tp->snd_nxt, tp->snd_data);
		n = MAX(n, 0);
		mtx_leave(&so->so_mtx);
		break;
	default:
		return (so->so_domain == AF_INET6 ? in6_ioctl(cmd, data) :
		    ENOIOCTL);
	}
	return (copyout(&n, data, sizeof(n)));
}

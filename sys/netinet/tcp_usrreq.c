/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What sockets ask of TCP (RFC 9293, 3.9.1).
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define CONNECT_TRIES	8	/* ports, if a connection has just used one */

/* --- opening ------------------------------------------------------------ */

static int
tcp_bind(struct socket *so, const struct sockaddr *sa, size_t len)
{
	struct tcpcb *tp = sototcpcb(so);

	if (tp->t_state != TCPS_CLOSED)
		return (EINVAL);
	return (in_pcbbind(&tp->t_inp, &tcp_table, sa, len));
}

static int
tcp_listen(struct socket *so)
{
	struct tcpcb *tp = sototcpcb(so);
	int error;

	if (tp->t_state == TCPS_LISTEN)
		return (0);
	if (tp->t_state != TCPS_CLOSED)
		return (EINVAL);
	if (tp->t_inp.inp_table == NULL) {
		tp->t_inp.inp_lport = 0;
		error = in_pcbbind(&tp->t_inp, &tcp_table, NULL, 0);
		if (error != 0)
			return (error);
	}
	tp->t_state = TCPS_LISTEN;
	return (0);
}

/* Peer and a port of ours that no connection has just used with it. */
static int
connect_ports(struct tcpcb *tp, const struct sockaddr *sa, size_t len,
    uint32_t *iss)
{
	struct inpcb *inp = &tp->t_inp;
	struct tcp_tuple tt;
	bool any = inp->inp_lport == 0;
	int error, tries;

	for (tries = 0; tries < CONNECT_TRIES; tries++) {
		error = in_pcbconnect(inp, &tcp_table, sa, len);
		if (error != 0)
			return (error);
		if (in_ismulticast(&inp->inp_faddr)) {
			tcp_unconnect(tp);
			return (ENETUNREACH);
		}
		tcp_tuple(tp, &tt);
		*iss = tcp_newiss(&tt, nsecuptime());
		if ((error = tcp_timewait_reuse(&tt, iss)) == 0)
			return (0);
		tcp_unconnect(tp);
		if (!any)
			break;
	}
	return (error);
}

static int
tcp_connect(struct socket *so, const struct sockaddr *sa, size_t len)
{
	struct tcpcb *tp = sototcpcb(so);
	uint32_t iss;
	int error;

	if (tp->t_state != TCPS_CLOSED)
		return (EISCONN);
	if (so->so_state & (SS_CANTSEND | SS_CANTRCV))
		return (EINVAL);	/* it was one, and has ended */
	if ((error = connect_ports(tp, sa, len, &iss)) != 0)
		return (error);
	TCPSTAT(active_opens);
	tp->t_flags |= (tcp_tun.tn_timestamps ? TF_TS : 0) |
	    (tcp_tun.tn_sack ? TF_SACK : 0) |
	    (tcp_tun.tn_ecn == 1 ? TF_TRYECN : 0);
	if (tcp_tun.tn_wscale) {
		tp->t_flags |= TF_WSCALE;
		tp->rcv_scale = tcp_wscale();
	}
	tcp_start(tp, iss);
	tcp_setmss(tp);
	tp->t_state = TCPS_SYN_SENT;
	so->so_state |= SS_CONNECTING;
	tcp_output(tp);
	return (0);
}

/* --- closing ------------------------------------------------------------ */

/* There is nothing more to be sent than what is in the buffer. */
static void
tcp_sentall(struct tcpcb *tp)
{
	tp->t_now = nsecuptime();
	tp->t_flags |= TF_WANTFIN;
	if (tp->t_state == TCPS_ESTABLISHED)
		tp->t_state = TCPS_FIN_WAIT_1;
	else if (tp->t_state == TCPS_CLOSE_WAIT)
		tp->t_state = TCPS_LAST_ACK;
	tcp_output(tp);
}

static int
tcp_shutdown(struct socket *so)
{
	struct tcpcb *tp = sototcpcb(so);

	if (tp->t_state < TCPS_SYN_SENT)
		return (ENOTCONN);
	tcp_sentall(tp);
	return (0);
}

static void
tcp_unlisten(struct tcpcb *tp)
{
	tcp_syncache_flush(tptoso(tp));
	in_pcbdetach(&tp->t_inp);
	tp->t_state = TCPS_CLOSED;
}

/*
 * Data that nobody will read are lost, and the peer is told that
 * (RFC 2525, 2.17).
 */
static void
tcp_close(struct socket *so)
{
	struct tcpcb *tp = sototcpcb(so);

	tp->t_now = nsecuptime();
	switch (tp->t_state) {
	case TCPS_CLOSED:
		in_pcbdetach(&tp->t_inp);
		return;
	case TCPS_LISTEN:
		tcp_unlisten(tp);
		return;
	case TCPS_SYN_SENT:
		tcp_done(tp);
		in_pcbdetach(&tp->t_inp);
		return;
	default:
		break;
	}
	if ((SO_ISSET(so, SO_LINGER) && so->so_linger == 0) ||
	    so->so_rcv.sb_cc != 0) {
		tcp_abort(tp, 0);
		return;
	}
	if (tp->t_state == TCPS_FIN_WAIT_2)
		tcp_timer_set(tp, TT_FINWAIT2, MSEC_TO_NSEC(tp->t_linger2));
	tcp_sentall(tp);
}

/* --- data --------------------------------------------------------------- */

static int
tcp_send(struct socket *so, struct mbuf *m, const struct sendinfo *si)
{
	struct tcpcb *tp = sototcpcb(so);

	if (tp->t_state < TCPS_ESTABLISHED || (tp->t_flags & TF_WANTFIN)) {
		m_freem(m);
		return (m == NULL ? 0 : tp->t_state < TCPS_ESTABLISHED ?
		    ENOTCONN : EPIPE);
	}
	tp->t_now = nsecuptime();
	if (m != NULL && (si->si_flags & MSG_MORE))
		tp->t_flags |= TF_MORE;
	else
		tp->t_flags &= ~TF_MORE;
	if (m != NULL) {
		sb_append(&so->so_snd, m);
		if (si->si_flags & MSG_OOB)
			tp->snd_up = tp->snd_data + so->so_snd.sb_cc;
	}
	tcp_output(tp);
	return (0);
}

/*
 * As much as a program has read within a round trip, twice, is what a peer
 * could send in one if we let it.
 */
static void
rcvd_grow(struct tcpcb *tp)
{
	struct sockbuf *sb = &tptoso(tp)->so_rcv;
	uint32_t at = tp->rcv_nxt - sb->sb_cc, n;
	uint64_t now = nsecuptime();

	if (now - tp->t_spacetime < MAX(tp->t_srtt, MSEC_TO_NSEC(1)))
		return;
	n = at - tp->t_spaceseq;
	tp->t_spaceseq = at;
	tp->t_spacetime = now;
	if (n > sb->sb_hiwat / 2)
		sb_reserve(sb, MIN(MIN(n, SB_MAX) * 2,
		    tcp_tun.tn_rcvbuf_max));
}

/* A window that has grown by little is told with the next ACK. */
static void
tcp_rcvd(struct socket *so)
{
	struct tcpcb *tp = sototcpcb(so);
	struct sockbuf *sb = &so->so_rcv;
	uint32_t wnd, cur, most = TCP_MAXWIN << tp->rcv_scale;

	if (tp->t_state < TCPS_ESTABLISHED || tcp_rcvdfin(tp))
		return;
	/* a peer that does not scale has no use for a larger buffer */
	if (!sb->sb_userset && sb->sb_hiwat < MIN(most,
	    tcp_tun.tn_rcvbuf_max))
		rcvd_grow(tp);
	wnd = tcp_rcvwindow(tp);
	cur = SEQ_GT(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;
	most = MIN(most, sb->sb_hiwat);
	if (wnd <= cur ||
	    wnd - cur < MAX(most / 4, MIN(most / 2, tp->t_rcvmss)))
		return;
	tp->t_now = nsecuptime();
	tp->t_flags |= TF_ACKNOW;
	tcp_output(tp);
}

static int
tcp_rcvoob(struct socket *so, uint8_t *byte, int flags)
{
	struct tcpcb *tp = sototcpcb(so);

	if (SO_ISSET(so, SO_OOBINLINE) || tp->t_state == TCPS_LISTEN)
		return (EINVAL);
	if (!(tp->t_flags & TF_OOB))
		return (tp->t_flags & TF_URGENT ? EWOULDBLOCK : EINVAL);
	*byte = tp->t_oobbyte;
	if (!(flags & MSG_PEEK)) {
		tp->t_flags &= ~TF_OOB;
		tp->t_flags |= TF_OOBREAD;
	}
	return (0);
}

#define TCP_PROTOSW(domain)						\
	{								\
		.pr_domain = (domain),					\
		.pr_type = SOCK_STREAM,					\
		.pr_protocol = IPPROTO_TCP,				\
		.pr_flags = PR_STREAM,					\
		.pr_attach = tcp_attach,				\
		.pr_close = tcp_close,					\
		.pr_free = tcp_free,					\
		.pr_bind = tcp_bind,					\
		.pr_connect = tcp_connect,				\
		.pr_listen = tcp_listen,				\
		.pr_send = tcp_send,					\
		.pr_rcvd = tcp_rcvd,					\
		.pr_shutdown = tcp_shutdown,				\
		.pr_rcvoob = tcp_rcvoob,				\
		.pr_sockname = in_pcbsockname,				\
		.pr_peername = in_pcbpeername,				\
		.pr_setopt = tcp_setopt,				\
		.pr_getopt = tcp_getopt,				\
		.pr_ioctl = tcp_ioctl,					\
	}

const struct protosw tcp_protosw[2] = {
	TCP_PROTOSW(AF_INET), TCP_PROTOSW(AF_INET6)
};

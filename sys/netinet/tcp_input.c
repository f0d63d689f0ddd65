/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A segment that has arrived: is it one, whose is it, and is it what one
 * expects?
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

/* --- parts of it -------------------------------------------------------- */

static uint16_t
get16(const uint8_t *p)
{
	return (p[0] << 8 | p[1]);
}

static uint32_t
get32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static void
option_sack(struct tcp_seg *sg, const uint8_t *p, u_int len)
{
	u_int i;

	if (len % 8 != 0)
		return;
	for (i = 0; i < len / 8 && sg->sg_nsack < TCP_MAXSACK; i++, p += 8) {
		sg->sg_sack[sg->sg_nsack].left = get32(p);
		sg->sg_sack[sg->sg_nsack++].right = get32(p + 4);
	}
}

/* Of one, the data of the option; those of a wrong length are not there. */
static void
option_one(struct tcp_seg *sg, u_int kind, const uint8_t *p, u_int len)
{
	bool syn = (sg->sg_flags & TH_SYN) != 0;

	switch (kind) {
	case TCPOPT_MSS:
		if (syn && len == TCPOLEN_MSS - 2)
			sg->sg_mss = get16(p);
		break;
	case TCPOPT_WSCALE:
		if (syn && len == TCPOLEN_WSCALE - 2)
			sg->sg_wscale = MIN(p[0], TCP_MAXWSCALE);
		break;
	case TCPOPT_SACKOK:
		if (syn && len == 0)
			sg->sg_sackok = true;
		break;
	case TCPOPT_SACK:
		if (!syn)
			option_sack(sg, p, len);
		break;
	case TCPOPT_TS:
		if (len != TCPOLEN_TS - 2)
			break;
		sg->sg_ts = true;
		sg->sg_tsval = get32(p);
		sg->sg_tsecr = get32(p + 4);
		break;
	default:
		break;
	}
}

static void
input_options(struct tcp_seg *sg, const uint8_t *p, u_int len)
{
	u_int n;

	/* as everybody sends it */
	if (len == TCPOLEN_TSALL && get32(p) == TCPOPT_TSWORD) {
		sg->sg_ts = true;
		sg->sg_tsval = get32(p + 4);
		sg->sg_tsecr = get32(p + 8);
		return;
	}
	while (len > 0 && p[0] != TCPOPT_EOL) {
		if (p[0] == TCPOPT_NOP) {
			p++;
			len--;
			continue;
		}
		if (len < 2 || (n = p[1]) < 2 || n > len)
			return;
		option_one(sg, p[0], p + 2, n - 2);
		p += n;
		len -= n;
	}
}

/* The header in one piece, and checked; NULL: it was not one, and is freed. */
static struct mbuf *
input_check(struct mbuf *m, const struct ip_in *ii)
{
	uint32_t total = m->m_pkthdr.ph_len;
	u_int off;

	if (total < sizeof(struct tcphdr)) {
		TCPSTAT(drop_short);
		m_freem(m);
		return (NULL);
	}
	if ((m = m_pullup(m, sizeof(struct tcphdr), false)) == NULL) {
		TCPSTAT(drop_memory);
		return (NULL);
	}
	off = (mtod(m, const struct tcphdr *)->th_offx2 >> 4) * 4;
	if (off < sizeof(struct tcphdr) || off > total) {
		TCPSTAT(drop_header);
		m_freem(m);
		return (NULL);
	}
	if ((m = m_pullup(m, off, false)) == NULL) {
		TCPSTAT(drop_memory);
		return (NULL);
	}
	if (!ip_cksum_ok(m, ii)) {
		TCPSTAT(drop_checksum);
		m_freem(m);
		return (NULL);
	}
	return (m);
}

/* What it says; the header is taken off. */
static void
input_header(struct mbuf *m, const struct ip_in *ii, struct tcp_seg *sg,
    struct tcp_tuple *tt)
{
	const struct tcphdr *th = mtod(m, const struct tcphdr *);
	const struct pkthdr *ph = &m->m_pkthdr;
	u_int off = (th->th_offx2 >> 4) * 4;

	sg->sg_seq = be32_get(th->th_seq);
	sg->sg_ack = be32_get(th->th_ack);
	sg->sg_wnd = be16_get(th->th_win);
	sg->sg_urp = be16_get(th->th_urp);
	sg->sg_flags = th->th_flags;
	sg->sg_len = ph->ph_len - off;
	sg->sg_ce = (ii->ii_tos & 3) == 3;
	sg->sg_ts = sg->sg_sackok = false;
	sg->sg_wscale = TCPWS_NONE;
	sg->sg_nsack = 0;
	sg->sg_mss = 0;
	sg->sg_tsval = sg->sg_tsecr = 0;
	sg->sg_in = ii;
	sg->sg_segs = 1;
	if (ph->ph_gso != GSO_NONE && ph->ph_gso_size != 0 &&
	    sg->sg_len > ph->ph_gso_size)
		sg->sg_segs = howmany(sg->sg_len, ph->ph_gso_size);
	if (off > sizeof(*th))
		input_options(sg, (const uint8_t *)(th + 1),
		    off - sizeof(*th));
	*tt = (struct tcp_tuple){ ii->ii_dst, ii->ii_src,
	    be16_get(th->th_dport), be16_get(th->th_sport) };
	m_adj(m, off);
}

/* --- of nobody's -------------------------------------------------------- */

/* RFC 9293, 3.10.7.1 */
void
tcp_unacceptable(const struct tcp_tuple *tt, const struct tcp_seg *sg,
    u_int ifidx)
{
	uint32_t end = sg->sg_seq + sg->sg_len +
	    ((sg->sg_flags & TH_SYN) != 0) + ((sg->sg_flags & TH_FIN) != 0);

	if (sg->sg_flags & TH_RST)
		return;
	TCPSTAT(resets_out);
	if (sg->sg_flags & TH_ACK)
		(void)tcp_respond(tt, ifidx, sg->sg_ack, 0, TH_RST, 0, NULL,
		    0, 0);
	else
		(void)tcp_respond(tt, ifidx, 0, end, TH_RST | TH_ACK, 0, NULL,
		    0, 0);
}

/* --- what one expects --------------------------------------------------- */

/*
 * The next data, or an acknowledgement of what was sent last, with nothing out
 * of the ordinary: almost all of a transfer.  false: the general way.
 */
static bool
predict_ok(const struct tcpcb *tp, const struct tcp_seg *sg)
{
	return (tp->t_state == TCPS_ESTABLISHED &&
	    (sg->sg_flags & ~TH_PUSH) == TH_ACK &&
	    sg->sg_seq == tp->rcv_nxt && sg->sg_nsack == 0 &&
	    (tp->t_flags & (TF_RECOVERY | TF_LOSS | TF_PROBING | TF_URGENT |
	    TF_ECE)) == 0 &&
	    sg->sg_ts == ((tp->t_flags & TF_TS) != 0) && !sg->sg_ce &&
	    (!sg->sg_ts || SEQ_GEQ(sg->sg_tsval, tp->t_tsrecent)) &&
	    tp->t_lost == 0 && tp->t_sacked == 0 && tp->t_dupacks == 0 &&
	    tp->t_nranges == 0);
}

static void
predict_common(struct tcpcb *tp, const struct tcp_seg *sg)
{
	if (sg->sg_ts && SEQ_LEQ(sg->sg_seq, tp->rcv_acked)) {
		tp->t_tsrecent = sg->sg_tsval;
		tp->t_tsage = tp->t_now;
	}
	tp->t_lastack = tp->t_now;
	tp->t_keepprobes = 0;
	tp->snd_wl1 = sg->sg_seq;
	tp->snd_wl2 = sg->sg_ack;
}

static bool
predict_ack(struct tcpcb *tp, const struct tcp_seg *sg)
{
	struct tcp_delivery td = { .td_pipe = tp->t_pipe,
	    .td_fack = tp->t_fack };

	if (SEQ_LEQ(sg->sg_ack, tp->snd_una) ||
	    SEQ_GT(sg->sg_ack, tp->snd_nxt))
		return (false);
	TCPSTAT(predicted_acks);
	predict_common(tp, sg);
	tp->snd_wnd = sg->sg_wnd << tp->snd_scale;
	if (tp->snd_wnd > tp->snd_maxwnd)
		tp->snd_maxwnd = tp->snd_wnd;
	tcp_ack_advance(tp, sg, &td);
	tcp_grow(tp, &td);
	tcp_output(tp);
	return (true);
}

static bool
predict_data(struct tcpcb *tp, const struct tcp_seg *sg, struct mbuf *m)
{
	uint32_t size;

	if (sg->sg_ack != tp->snd_una ||
	    sg->sg_wnd << tp->snd_scale != tp->snd_wnd ||
	    SEQ_GT(sg->sg_seq + sg->sg_len, tp->rcv_adv))
		return (false);
	TCPSTAT(predicted_data);
	predict_common(tp, sg);
	size = sg->sg_segs == 1 ? sg->sg_len : m->m_pkthdr.ph_gso_size;
	if (size > tp->t_rcvmss)
		tp->t_rcvmss = size;
	tp->t_lastrcvd = tp->t_now;
	tcp_deliver(tp, m, sg->sg_len);
	tcp_ackpolicy(tp, sg);
	if (tp->t_flags & TF_ACKNOW)
		tcp_output(tp);
	return (true);
}

/* --- whose -------------------------------------------------------------- */

static void
input_conn(struct tcpcb *tp, struct tcp_seg *sg, struct mbuf *m)
{
	tp->t_now = nsecuptime();
	if (predict_ok(tp, sg)) {
		if (sg->sg_len == 0) {
			if (predict_ack(tp, sg)) {
				m_freem(m);
				return;
			}
		} else if (predict_data(tp, sg, m))
			return;
	}
	if (sg->sg_len == 0) {
		m_freem(m);
		m = NULL;
	}
	tcp_segment(tp, sg, m);
}

/*
 * RFC 9293, 3.10.7.2.  The last ACK of a handshake makes a connection, and may
 * bring data.  Its mutex is left before that of the listening socket, which
 * holds the interrupt level.
 */
static void
input_listen(struct socket *so, const struct tcp_tuple *tt,
    struct tcp_seg *sg, struct mbuf *m)
{
	struct socket *new = NULL;
	bool reset = false;

	if (sg->sg_flags & TH_RST)
		tcp_syncache_rst(tt, sg);
	else if ((sg->sg_flags & (TH_SYN | TH_ACK)) == TH_SYN)
		tcp_syncache_syn(so, tt, sg);
	else if (sg->sg_flags & TH_ACK)
		new = tcp_syncache_ack(so, tt, sg, &reset);
	if (reset)
		tcp_unacceptable(tt, sg, sg->sg_in->ii_ifidx);
	if (new == NULL) {
		m_freem(m);
		return;
	}
	input_conn(sototcpcb(new), sg, m);
	mtx_leave(&new->so_mtx);
	so_unref(new);
}

static void
input_nobody(const struct tcp_tuple *tt, struct tcp_seg *sg, struct mbuf *m)
{
	TCPSTAT(drop_nosocket);
	tcp_unacceptable(tt, sg, sg->sg_in->ii_ifidx);
	m_freem(m);
}

/* false: it has ended while we waited for it. */
static bool
input_socket(struct inpcb *inp, const struct tcp_tuple *tt,
    struct tcp_seg *sg, struct mbuf *m)
{
	struct socket *so = inp->inp_socket;
	struct tcpcb *tp = intotcpcb(inp);

	mtx_enter(&so->so_mtx);
	if (tp->t_state == TCPS_CLOSED) {
		mtx_leave(&so->so_mtx);
		return (false);
	}
	if (tp->t_state == TCPS_LISTEN)
		input_listen(so, tt, sg, m);
	else
		input_conn(tp, sg, m);
	mtx_leave(&so->so_mtx);
	return (true);
}

static void
input_find(const struct tcp_tuple *tt, struct tcp_seg *sg, struct mbuf *m)
{
	struct inpcb *inp;
	struct socket *so;
	bool done;

	inp = in_pcblookup(&tcp_table, &tt->tt_laddr, tt->tt_lport,
	    &tt->tt_faddr, tt->tt_fport, sg->sg_in->ii_ifidx, true);
	/* none but a bound one: perhaps there was one not long ago */
	if ((inp == NULL || !(inp->inp_flags & INP_CONNECTED)) &&
	    tcp_timewait_input(tt, sg)) {
		if (inp != NULL)
			so_unref(inp->inp_socket);
		m_freem(m);
		return;
	}
	if (inp == NULL) {
		input_nobody(tt, sg, m);
		return;
	}
	so = inp->inp_socket;
	done = input_socket(inp, tt, sg, m);
	so_unref(so);
	if (!done)
		input_nobody(tt, sg, m);
}

void
tcp_input(struct mbuf *m, const struct ip_in *ii)
{
	struct tcp_tuple tt;
	struct tcp_seg sg;

	TCPSTAT(packets_in);
	if (ii->ii_mcast || (m->m_pkthdr.ph_flags & (PH_MCAST | PH_BCAST))) {
		TCPSTAT(drop_multicast);
		m_freem(m);
		return;
	}
	if ((m = input_check(m, ii)) == NULL)
		return;
	input_header(m, ii, &sg, &tt);
	TCPSTAT_ADD(segs_in, sg.sg_segs);
	if (tt.tt_lport == 0 || tt.tt_fport == 0 ||
	    in_ismulticast(&tt.tt_faddr) || in_isany(&tt.tt_faddr)) {
		TCPSTAT(drop_header);
		m_freem(m);
		return;
	}
	input_find(&tt, &sg, m);
}

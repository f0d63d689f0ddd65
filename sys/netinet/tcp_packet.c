/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A segment as a packet.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

/* mbufs of a packet; devices know descriptors, not how we came by the data */
#define PACKET_MBUFS	32
#define IPTOS_ECT0	2

/* --- options ------------------------------------------------------------ */

static uint8_t *
put16(uint8_t *p, uint32_t v)
{
	*p++ = v >> 8;
	*p++ = v;
	return (p);
}

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	return (put16(put16(p, v >> 16), v));
}

static uint8_t *
put_ts(uint8_t *p, uint32_t val, uint32_t ecr)
{
	return (put32(put32(put32(p, TCPOPT_TSWORD), val), ecr));
}

static uint8_t *
put_syn(uint8_t *p, const struct tcp_opts *o)
{
	*p++ = TCPOPT_MSS;
	*p++ = TCPOLEN_MSS;
	p = put16(p, o->to_mss);
	if (o->to_wscale != TCPWS_NONE) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_WSCALE;
		*p++ = TCPOLEN_WSCALE;
		*p++ = o->to_wscale;
	}
	if (o->to_sack) {
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_NOP;
		*p++ = TCPOPT_SACKOK;
		*p++ = TCPOLEN_SACKOK;
	}
	return (p);
}

u_int
tcp_put_opts(uint8_t *buf, const struct tcp_opts *o)
{
	uint8_t *p = buf;

	if (o->to_syn)
		p = put_syn(p, o);
	if (o->to_ts)
		p = put_ts(p, o->to_tsval, o->to_tsecr);
	return (p - buf);
}

/* The least that all of the largest receive buffer can be told with. */
uint8_t
tcp_wscale(void)
{
	u_int n = 0, max = tcp_tun.tn_rcvbuf_max;

	while (n < TCP_MAXWSCALE && max >> n > TCP_MAXWIN)
		n++;
	return (n);
}

static u_int
packet_synopt(struct tcpcb *tp, uint8_t *opt)
{
	uint32_t mss = tcp_mssfor(tcp_is4(tp), tp->t_pmtu);
	struct tcp_opts o = { .to_syn = true,
	    .to_mss = tp->t_usermss != 0 ? MIN(tp->t_usermss, mss) : mss,
	    .to_wscale = tp->t_flags & TF_WSCALE ? tp->rcv_scale : TCPWS_NONE,
	    .to_sack = (tp->t_flags & TF_SACK) != 0,
	    .to_ts = (tp->t_flags & TF_TS) != 0,
	    .to_tsval = tcp_clock(tp->t_now) + tp->t_tsoff,
	    .to_tsecr = tp->t_state == TCPS_SYN_SENT ? 0 : tp->t_tsrecent };

	return (tcp_put_opts(opt, &o));
}

static u_int
packet_sack(struct tcpcb *tp, uint8_t *p, u_int room)
{
	uint32_t block[TCP_MAXSACK][2];
	u_int i, n;

	n = tcp_reass_sack(tp, block, MIN((room - 4) / 8, TCP_MAXSACK));
	if (n == 0)
		return (0);
	*p++ = TCPOPT_NOP;
	*p++ = TCPOPT_NOP;
	*p++ = TCPOPT_SACK;
	*p++ = 2 + 8 * n;
	for (i = 0; i < n; i++)
		p = put32(put32(p, block[i][0]), block[i][1]);
	return (4 + 8 * n);
}

/* At most; what tells of blocks is left out when there are none. */
u_int
tcp_optlen(const struct tcpcb *tp)
{
	u_int n = tp->t_flags & TF_TS ? TCPOLEN_TSALL : 0, blocks;

	if ((tp->t_flags & TF_SACK) && (blocks = tcp_reass_nsack(tp)) != 0)
		n += 4 + 8 * MIN(blocks, (TCP_OPTMAX - 4 - n) / 8);
	return (n);
}

static u_int
packet_options(struct tcpcb *tp, uint8_t *opt, u_int flags)
{
	u_int n = 0;

	if (flags & TH_SYN)
		return (packet_synopt(tp, opt));
	if (tp->t_flags & TF_TS) {
		(void)put_ts(opt, tcp_clock(tp->t_now) + tp->t_tsoff,
		    tp->t_tsrecent);
		n = TCPOLEN_TSALL;
	}
	if ((tp->t_flags & TF_SACK) && tcp_reass_nsack(tp) != 0 &&
	    !(flags & TH_RST))
		n += packet_sack(tp, opt + n, TCP_OPTMAX - n);
	return (n);
}

/* --- data --------------------------------------------------------------- */

/* The mbuf of the send buffer that has this number, and where in it. */
static struct mbuf *
snd_seek(struct tcpcb *tp, uint32_t seq, uint32_t *offp)
{
	struct mbuf *m = tp->t_sndhint;
	uint32_t at = tp->t_sndhintseq;

	if (m == NULL || SEQ_LT(seq, at)) {
		m = tptoso(tp)->so_snd.sb_head;
		at = tp->snd_data;
	}
	while (m != NULL && seq - at >= m->m_len) {
		at += m->m_len;
		m = m->m_next;
	}
	tp->t_sndhint = m;
	tp->t_sndhintseq = at;
	*offp = seq - at;
	return (m);
}

/* So much of these bytes as lies in few mbufs, but a segment at least. */
uint32_t
tcp_sendspan(struct tcpcb *tp, uint32_t seq, uint32_t len, uint32_t seg)
{
	uint32_t off, n = 0;
	struct mbuf *m;
	u_int i;

	m = snd_seek(tp, seq, &off);
	for (i = 0; m != NULL && i < PACKET_MBUFS && n < len; i++) {
		n += m->m_len - off;
		off = 0;
		m = m->m_next;
	}
	if (n >= len)
		return (len);
	return (MIN(len, n < seg ? seg : n - n % seg));
}

static struct mbuf *
snd_gather(const struct mbuf *from, uint32_t off, uint32_t len)
{
	struct mbuf *m;

	if ((m = m_getcl(len, false)) == NULL)
		return (NULL);
	if (m_trailing(m) < len || !m_copydata(from, off, len, m->m_data)) {
		m_freem(m);
		return (NULL);
	}
	m->m_len = len;
	return (m);
}

static struct mbuf *
snd_copy(struct tcpcb *tp, uint32_t seq, uint32_t len)
{
	uint32_t off, n;
	struct mbuf *m, *p;
	u_int i = 0;

	if ((m = snd_seek(tp, seq, &off)) == NULL)
		return (NULL);
	for (p = m, n = p->m_len - off; n < len && p->m_next != NULL; i++) {
		p = p->m_next;
		n += p->m_len;
	}
	if (i >= PACKET_MBUFS && len <= MCL32K)
		return (snd_gather(m, off, len));
	return (m_copym(m, off, len, false));
}

/* --- the window that we tell -------------------------------------------- */

/*
 * Its right edge never moves back, and forward only by what is worth it
 * (RFC 9293, 3.8.6.2.2).
 */
uint32_t
tcp_rcvwindow(struct tcpcb *tp)
{
	const struct sockbuf *sb = &tptoso(tp)->so_rcv;
	uint32_t wnd = sb_space(sb), cur, unit = 1U << tp->rcv_scale;

	if (tp->t_clamp != 0)
		wnd = MIN(wnd, tp->t_clamp);
	wnd = rounddown2(MIN(wnd, TCP_MAXWIN << tp->rcv_scale), unit);
	cur = SEQ_GT(tp->rcv_adv, tp->rcv_nxt) ? tp->rcv_adv - tp->rcv_nxt : 0;
	if (wnd < cur || wnd - cur < MIN(tp->t_rcvmss, sb->sb_hiwat / 2))
		wnd = MIN(roundup2(cur, unit), TCP_MAXWIN << tp->rcv_scale);
	return (wnd);
}

static uint32_t
packet_window(struct tcpcb *tp, u_int flags)
{
	uint32_t wnd;

	if (tp->t_state == TCPS_SYN_SENT)
		return (MIN(sb_space(&tptoso(tp)->so_rcv), TCP_MAXWIN));
	if (flags & TH_SYN)
		return (MIN(tp->rcv_adv - tp->rcv_nxt, TCP_MAXWIN));
	if (flags & TH_RST)
		return (0);
	wnd = tcp_rcvwindow(tp);
	if (SEQ_GT(tp->rcv_nxt + wnd, tp->rcv_adv))
		tp->rcv_adv = tp->rcv_nxt + wnd;
	return (wnd >> tp->rcv_scale);
}

/* --- all of it ---------------------------------------------------------- */

/* RFC 3168, 6.1: not of what is sent again, nor of what is no data */
static void
packet_ecn(struct tcpcb *tp, struct ip_out *io, uint32_t len, u_int *flags)
{
	if (*flags & TH_SYN) {
		if (tp->t_state != TCPS_SYN_SENT)
			*flags |= tp->t_flags & TF_ECN ? TH_ECE : 0;
		else if (tp->t_flags & TF_TRYECN)
			*flags |= TH_ECE | TH_CWR;
		return;
	}
	if (!(tp->t_flags & TF_ECN))
		return;
	if (tp->t_flags & TF_ECE)
		*flags |= TH_ECE;
	if (len != 0 && !(*flags & TH_AGAIN)) {
		io->io_tos = (io->io_tos & ~3) | IPTOS_ECT0;
		if (tp->t_flags & TF_CWR) {
			*flags |= TH_CWR;
			tp->t_flags &= ~TF_CWR;
		}
	}
}

static void
packet_gso(struct tcpcb *tp, struct mbuf *m, uint32_t len, u_int hdrlen,
    u_int flags)
{
	struct pkthdr *ph = &m->m_pkthdr;
	uint32_t seg = tp->t_maxseg - (hdrlen - sizeof(struct tcphdr));

	ph->ph_len = hdrlen + len;
	ph->ph_flags = PH_CSUM_PARTIAL;
	ph->ph_csum_start = 0;
	ph->ph_csum_off = offsetof(struct tcphdr, th_sum);
	if (len <= seg) {
		TCPSTAT(segs_out);
		return;
	}
	TCPSTAT_ADD(segs_out, howmany(len, seg));
	ph->ph_gso = tcp_is4(tp) ? GSO_TCP4 : GSO_TCP6;
	ph->ph_gso_size = seg;
	ph->ph_gso_hdrlen = hdrlen;
	if (flags & TH_CWR)
		ph->ph_flags |= PH_GSO_ECN;
}

static void
packet_header(struct tcpcb *tp, struct tcphdr *th, u_int hdrlen, uint32_t seq,
    uint32_t len, u_int flags)
{
	uint32_t up = 0;

	if (tp->t_state != TCPS_SYN_SENT)
		flags |= TH_ACK;
	if (SEQ_GT(tp->snd_up, seq) && !(flags & (TH_SYN | TH_RST))) {
		up = MIN(tp->snd_up - seq, 65535);
		flags |= TH_URG;
	}
	th->th_sport = be16_make(tp->t_inp.inp_lport);
	th->th_dport = be16_make(tp->t_inp.inp_fport);
	th->th_seq = be32_make(seq);
	th->th_ack = be32_make(flags & TH_ACK ? tp->rcv_nxt : 0);
	th->th_offx2 = hdrlen / 4 << 4;
	th->th_flags = flags;
	th->th_win = be16_make(packet_window(tp, flags));
	th->th_urp = be16_make(up);
	th->th_sum = cksum_fold(tp->t_pseudo + be16_make(hdrlen + len).w);
}

/* It acknowledges all that has come. */
static void
packet_sent(struct tcpcb *tp, uint32_t len, u_int flags)
{
	TCPSTAT(packets_out);
	if (tp->t_state == TCPS_SYN_SENT || (flags & TH_RST))
		return;
	tp->rcv_acked = tp->rcv_nxt;
	tp->t_flags &= ~(TF_ACKNOW | TF_DELACK);
	tcp_timer_clear(tp, TT_DELACK);
	if (len != 0) {
		tp->t_lastsent = tp->t_now;
		/* the program answers: its answers may take ACKs along */
		tp->t_quickacks = 0;
	}
}

int
tcp_packet(struct tcpcb *tp, uint32_t seq, uint32_t len, u_int flags,
    bool more)
{
	uint8_t opt[TCP_OPTMAX];
	struct ip_out io;
	struct mbuf *m;
	u_int hdrlen;

	if ((m = m_gethdr()) == NULL)
		return (ENOBUFS);
	if (len != 0 && (m->m_next = snd_copy(tp, seq, len)) == NULL) {
		m_freem(m);
		return (ENOBUFS);
	}
	in_pcbout(&tp->t_inp, IPPROTO_TCP, &io);
	io.io_df = tp->t_inp.inp_pmtudisc != IP_PMTUDISC_DONT;
	io.io_more = more;
	packet_ecn(tp, &io, len, &flags);
	hdrlen = sizeof(struct tcphdr) + packet_options(tp, opt, flags);
	m->m_data -= hdrlen;
	m->m_len = hdrlen;
	packet_header(tp, mtod(m, struct tcphdr *), hdrlen, seq, len, flags);
	memcpy(m->m_data + sizeof(struct tcphdr), opt,
	    hdrlen - sizeof(struct tcphdr));
	packet_gso(tp, m, len, hdrlen, flags);
	packet_sent(tp, len, flags);
	return (ip_send(m, &io));
}

int
tcp_respond(const struct tcp_tuple *tt, u_int ifidx, uint32_t seq,
    uint32_t ack, u_int flags, uint32_t wnd, const void *opt, u_int optlen,
    uint8_t tos)
{
	u_int hdrlen = sizeof(struct tcphdr) + optlen;
	struct ip_out io = { .io_src = &tt->tt_laddr,
	    .io_dst = &tt->tt_faddr, .io_ifidx = in6_isscoped(&tt->tt_faddr) ?
	    ifidx : 0, .io_proto = IPPROTO_TCP, .io_tos = tos,
	    .io_df = true };
	struct tcphdr *th;
	struct mbuf *m;

	if ((m = m_gethdr()) == NULL)
		return (ENOBUFS);
	m->m_data -= hdrlen;
	m->m_len = m->m_pkthdr.ph_len = hdrlen;
	th = mtod(m, struct tcphdr *);
	*th = (struct tcphdr){ be16_make(tt->tt_lport),
	    be16_make(tt->tt_fport), be32_make(seq), be32_make(ack),
	    hdrlen / 4 << 4, flags, be16_make(wnd),
	    cksum_fold(ip_pseudo(&tt->tt_laddr, &tt->tt_faddr, IPPROTO_TCP,
	    hdrlen)), be16_make(0) };
	if (optlen != 0)
		memcpy(th + 1, opt, optlen);
	m->m_pkthdr.ph_flags = PH_CSUM_PARTIAL;
	m->m_pkthdr.ph_csum_start = 0;
	m->m_pkthdr.ph_csum_off = offsetof(struct tcphdr, th_sum);
	TCPSTAT(packets_out);
	TCPSTAT(segs_out);
	return (ip_send(m, &io));
}

void
tcp_reset(struct tcpcb *tp)
{
	TCPSTAT(resets_out);
	(void)tcp_packet(tp, tp->snd_nxt, 0, TH_RST, false);
}

/*
 * Something that is not acceptable, and so is answered by an ACK: for
 * keepalive (RFC 9293, 3.8.4), and to ask for a window.
 */
void
tcp_probe(struct tcpcb *tp)
{
	(void)tcp_packet(tp, tp->snd_una - 1, 0, 0, false);
}

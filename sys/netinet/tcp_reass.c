/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Data that came before their turn (RFC 9293, 3.10.7.4), and the SACK blocks
 * that tell of them (RFC 2018, RFC 2883).
 *
 * Ranges do not touch each other, so each is a block.  Memory is limited by
 * that of the receive buffer, for small segments in large storage may take
 * far more than their bytes; beyond that they are dropped, as is allowed
 * before they are acknowledged.
 */

#include <sys/kmem.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define REASS_OVERHEAD	4	/* memory for each byte of the buffer */
#define REASS_SMALL	512	/* copied into what is left of the last one */

void
tcp_reass_init(struct tcpcb *tp)
{
	TAILQ_INIT(&tp->t_rangeq);
	TAILQ_INIT(&tp->t_recentq);
	tp->t_nranges = 0;
	tp->t_rangemem = 0;
	tp->t_dsackleft = tp->t_dsackright = 0;
}

static void
range_remove(struct tcpcb *tp, struct tcp_range *tr)
{
	TAILQ_REMOVE(&tp->t_rangeq, tr, tr_link);
	TAILQ_REMOVE(&tp->t_recentq, tr, tr_recent);
	tp->t_nranges--;
	tp->t_rangemem -= tr->tr_mem;
	kmem_free(tr, sizeof(*tr));
}

void
tcp_reass_flush(struct tcpcb *tp)
{
	struct tcp_range *tr;

	while ((tr = TAILQ_FIRST(&tp->t_rangeq)) != NULL) {
		m_freem(tr->tr_head);
		range_remove(tp, tr);
	}
}

/* --- what a range is made of -------------------------------------------- */

/* Data behind those that it has; the chain is taken over. */
static void
range_append(struct tcpcb *tp, struct tcp_range *tr, struct mbuf *m)
{
	struct mbuf *last = tr->tr_last;

	while (m != NULL) {
		m->m_flags &= ~M_PKTHDR;
		if (m->m_len == 0) {
			m = m_free(m);
			continue;
		}
		if (last != NULL && m->m_len <= REASS_SMALL &&
		    m_trailing(last) >= m->m_len) {
			memcpy(last->m_data + last->m_len, m->m_data,
			    m->m_len);
			last->m_len += m->m_len;
			m = m_free(m);
			continue;
		}
		tr->tr_mem += m_truesize(m);
		tp->t_rangemem += m_truesize(m);
		if (last == NULL)
			tr->tr_head = m;
		else
			last->m_next = m;
		last = m;
		m = m->m_next;
		last->m_next = NULL;
	}
	tr->tr_last = last;
}

/* Those that follow and are touched now become part of it. */
static void
range_join(struct tcpcb *tp, struct tcp_range *tr)
{
	struct tcp_range *next;
	struct mbuf *m;

	while ((next = TAILQ_NEXT(tr, tr_link)) != NULL &&
	    SEQ_LEQ(next->tr_seq, tr->tr_end)) {
		m = next->tr_head;
		if (SEQ_GT(next->tr_end, tr->tr_end)) {
			if (tr->tr_end != next->tr_seq)
				m_adj(m, tr->tr_end - next->tr_seq);
			tr->tr_end = next->tr_end;
			range_append(tp, tr, m);
		} else
			m_freem(m);
		tr->tr_fin |= next->tr_fin;
		range_remove(tp, next);
	}
}

static struct tcp_range *
range_new(struct tcpcb *tp, struct tcp_range *prev, uint32_t seq)
{
	struct tcp_range *tr;

	if (tp->t_nranges >= TCP_RANGEMAX ||
	    (tr = kmem_zalloc(sizeof(*tr), KM_NOSLEEP)) == NULL)
		return (NULL);
	tr->tr_seq = tr->tr_end = seq;
	if (prev == NULL)
		TAILQ_INSERT_HEAD(&tp->t_rangeq, tr, tr_link);
	else
		TAILQ_INSERT_AFTER(&tp->t_rangeq, prev, tr, tr_link);
	TAILQ_INSERT_HEAD(&tp->t_recentq, tr, tr_recent);
	tp->t_nranges++;
	return (tr);
}

/* --- arrival ------------------------------------------------------------ */

static bool
reass_room(const struct tcpcb *tp, uint32_t seq, const struct mbuf *m)
{
	const struct sockbuf *sb = &tptoso(tp)->so_rcv;
	uint64_t mem = (uint64_t)sb->sb_mem + tp->t_rangemem;

	for (; m != NULL; m = m->m_next)
		mem += m_truesize(m);
	/* what fills the gap is taken, or it might never be filled */
	return (seq == tp->rcv_nxt ||
	    mem <= (uint64_t)sb->sb_hiwat * REASS_OVERHEAD);
}

/* The range that these data are in now; NULL: they were dropped. */
static struct tcp_range *
reass_insert(struct tcpcb *tp, uint32_t seq, struct mbuf *m, uint32_t len)
{
	struct tcp_range *tr;
	uint32_t end = seq + len, dup;

	tr = TAILQ_LAST(&tp->t_rangeq, tcp_rangeq);
	while (tr != NULL && SEQ_GT(tr->tr_seq, seq))
		tr = TAILQ_PREV(tr, tcp_rangeq, tr_link);
	if (tr != NULL && SEQ_GEQ(tr->tr_end, end)) {
		if (len != 0)
			tcp_reass_dsack(tp, seq, end);
		m_freem(m);
		return (tr);
	}
	if (tr != NULL && SEQ_GEQ(tr->tr_end, seq)) {
		if ((dup = tr->tr_end - seq) != 0) {
			tcp_reass_dsack(tp, seq, tr->tr_end);
			m_adj(m, dup);
		}
	} else if ((tr = range_new(tp, tr, seq)) == NULL) {
		TCPSTAT(drop_ranges);
		m_freem(m);
		return (NULL);
	}
	if (m != NULL)
		range_append(tp, tr, m);
	tr->tr_end = end;
	range_join(tp, tr);
	return (tr);
}

bool
tcp_reass(struct tcpcb *tp, uint32_t seq, struct mbuf *m, uint32_t len,
    bool fin)
{
	struct tcp_range *tr;

	if (seq != tp->rcv_nxt)
		TCPSTAT(out_of_order);
	if (!reass_room(tp, seq, m)) {
		TCPSTAT(drop_memory);
		m_freem(m);
		return (false);
	}
	if ((tr = reass_insert(tp, seq, m, len)) == NULL)
		return (false);
	if (fin && tr->tr_end == seq + len)
		tr->tr_fin = true;
	TAILQ_REMOVE(&tp->t_recentq, tr, tr_recent);
	TAILQ_INSERT_HEAD(&tp->t_recentq, tr, tr_recent);
	if (tr->tr_seq != tp->rcv_nxt)
		return (false);
	fin = tr->tr_fin;
	m = tr->tr_head;
	len = tr->tr_end - tr->tr_seq;
	range_remove(tp, tr);
	if (len != 0)
		tcp_deliver(tp, m, len);
	return (fin);
}

/* --- SACK --------------------------------------------------------------- */

void
tcp_reass_dsack(struct tcpcb *tp, uint32_t left, uint32_t right)
{
	TCPSTAT(duplicates);
	if (tp->t_flags & TF_SACK) {
		tp->t_dsackleft = left;
		tp->t_dsackright = right;
	}
}

u_int
tcp_reass_nsack(const struct tcpcb *tp)
{
	return (tp->t_nranges + (tp->t_dsackleft != tp->t_dsackright));
}

/* What came twice is told once. */
u_int
tcp_reass_sack(struct tcpcb *tp, uint32_t (*block)[2], u_int max)
{
	struct tcp_range *tr;
	u_int n = 0;

	if (tp->t_dsackleft != tp->t_dsackright && max > 0) {
		TCPSTAT(dsacks_out);
		block[n][0] = tp->t_dsackleft;
		block[n++][1] = tp->t_dsackright;
		tp->t_dsackleft = tp->t_dsackright = 0;
	}
	TAILQ_FOREACH(tr, &tp->t_recentq, tr_recent) {
		if (n == max)
			break;
		/* a lone FIN is none that a peer could understand */
		if (tr->tr_seq == tr->tr_end)
			continue;
		block[n][0] = tr->tr_seq;
		block[n++][1] = tr->tr_end;
	}
	return (n);
}

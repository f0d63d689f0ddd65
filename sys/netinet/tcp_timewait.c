/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Connections that are over (RFC 9293, 3.6.1): of each enough is kept to repeat
 * the last ACK, and to know an old segment from one of a new connection.  All
 * wait equally long, so they are in a queue; there is a limit to it.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define TW_HASH		256
#define TW_REUSE_AFTER	SEC_TO_NSEC(1)	/* the timestamp has moved on */
#define TW_ACKS		4		/* a second, of each */

struct tcp_tw {
	LIST_ENTRY(tcp_tw)  tw_hash;
	TAILQ_ENTRY(tcp_tw) tw_queue;
	struct tcp_tuple tw_tuple;
	uint64_t	 tw_end;
	uint64_t	 tw_tsage;
	uint32_t	 tw_sndnxt, tw_rcvnxt;
	uint32_t	 tw_tsoff, tw_tsrecent;
	uint32_t	 tw_second, tw_nacks;
	uint16_t	 tw_wnd;
	bool		 tw_ts, tw_v6;
	uid_t		 tw_uid;
};

static struct mutex	tw_mtx;		/* all of this */
static LIST_HEAD(, tcp_tw) tw_hash[TW_HASH];
static TAILQ_HEAD(, tcp_tw) tw_queue;
static u_int		tw_count;
static struct timeout	tw_timeout;

static void	tw_timer(void *);

void
tcp_timewait_init(void)
{
	u_int i;

	mtx_init(&tw_mtx, IPL_SOFT);
	TAILQ_INIT(&tw_queue);
	for (i = 0; i < TW_HASH; i++)
		LIST_INIT(&tw_hash[i]);
	timeout_set(&tw_timeout, tw_timer, NULL);
}

static u_int
tw_bucket(const struct tcp_tuple *tt)
{
	return (tcp_hash4(TCP_KEY_TABLE, tt, 0, 0) % TW_HASH);
}

static struct tcp_tw *
tw_find(const struct tcp_tuple *tt)
{
	struct tcp_tw *tw;

	MUTEX_ASSERT_LOCKED(&tw_mtx);
	if (tw_count == 0)
		return (NULL);
	LIST_FOREACH(tw, &tw_hash[tw_bucket(tt)], tw_hash) {
		if (tw->tw_tuple.tt_fport == tt->tt_fport &&
		    tw->tw_tuple.tt_lport == tt->tt_lport &&
		    in_equal(&tw->tw_tuple.tt_faddr, &tt->tt_faddr) &&
		    in_equal(&tw->tw_tuple.tt_laddr, &tt->tt_laddr))
			break;
	}
	return (tw);
}

static void
tw_remove(struct tcp_tw *tw)
{
	MUTEX_ASSERT_LOCKED(&tw_mtx);
	LIST_REMOVE(tw, tw_hash);
	TAILQ_REMOVE(&tw_queue, tw, tw_queue);
	tw_count--;
	kmem_free(tw, sizeof(*tw));
}

static void
tw_timer(void *arg __unused)
{
	uint64_t now = nsecuptime();
	struct tcp_tw *tw;

	mtx_enter(&tw_mtx);
	while ((tw = TAILQ_FIRST(&tw_queue)) != NULL && tw->tw_end <= now)
		tw_remove(tw);
	if (tw != NULL)
		(void)timeout_add_nsec(&tw_timeout, tw->tw_end - now);
	mtx_leave(&tw_mtx);
}

/* It waits from now on. */
static void
tw_append(struct tcp_tw *tw, uint64_t now)
{
	MUTEX_ASSERT_LOCKED(&tw_mtx);
	tw->tw_end = now + TCP_MSL2;
	TAILQ_INSERT_TAIL(&tw_queue, tw, tw_queue);
	if (!timeout_pending(&tw_timeout))
		(void)timeout_add_nsec(&tw_timeout, TCP_MSL2);
}

void
tcp_timewait_enter(struct tcpcb *tp)
{
	struct tcp_tw *tw, *old;

	if (tcp_tun.tn_timewait == 0 ||
	    (tw = kmem_zalloc(sizeof(*tw), KM_NOSLEEP)) == NULL) {
		TCPSTAT(timewait_overflow);
		return;
	}
	tcp_tuple(tp, &tw->tw_tuple);
	tw->tw_sndnxt = tp->snd_nxt;
	tw->tw_rcvnxt = tp->rcv_nxt;
	tw->tw_wnd = tcp_rcvwindow(tp) >> tp->rcv_scale;
	tw->tw_ts = (tp->t_flags & TF_TS) != 0;
	tw->tw_tsoff = tp->t_tsoff;
	tw->tw_tsrecent = tp->t_tsrecent;
	tw->tw_tsage = tp->t_tsage;
	tw->tw_v6 = tptoso(tp)->so_domain == AF_INET6;
	tw->tw_uid = tptoso(tp)->so_uid;
	TCPSTAT(timewait_entered);

	mtx_enter(&tw_mtx);
	if ((old = tw_find(&tw->tw_tuple)) != NULL)
		tw_remove(old);
	while (tw_count >= tcp_tun.tn_timewait) {
		TCPSTAT(timewait_overflow);
		tw_remove(TAILQ_FIRST(&tw_queue));
	}
	LIST_INSERT_HEAD(&tw_hash[tw_bucket(&tw->tw_tuple)], tw, tw_hash);
	tw_count++;
	tw_append(tw, tp->t_now);
	mtx_leave(&tw_mtx);
}

/* --- arrival ------------------------------------------------------------ */

/* A SYN that is newer than all of the old connection (RFC 6191, 2). */
static bool
tw_newsyn(const struct tcp_tw *tw, const struct tcp_seg *sg)
{
	if ((sg->sg_flags & (TH_SYN | TH_ACK)) != TH_SYN)
		return (false);
	if (tw->tw_ts && sg->sg_ts && sg->sg_tsval != tw->tw_tsrecent)
		return (SEQ_GT(sg->sg_tsval, tw->tw_tsrecent));
	return (SEQ_GT(sg->sg_seq, tw->tw_rcvnxt));
}

/* Whether it is answered: two that wait must not answer each other for ever. */
static bool
tw_answers(struct tcp_tw *tw, const struct tcp_seg *sg, uint64_t now)
{
	uint32_t second = now / NSEC_PER_SEC;

	if (sg->sg_len == 0 && !(sg->sg_flags & (TH_SYN | TH_FIN)) &&
	    sg->sg_seq == tw->tw_rcvnxt)
		return (false);
	if (tw->tw_second != second) {
		tw->tw_second = second;
		tw->tw_nacks = 0;
	}
	return (tw->tw_nacks++ < TW_ACKS);
}

static void
tw_answer(const struct tcp_tw *tw, const struct tcp_seg *sg, uint64_t now)
{
	struct tcp_opts o = { .to_ts = tw->tw_ts,
	    .to_tsval = tcp_clock(now) + tw->tw_tsoff,
	    .to_tsecr = tw->tw_tsrecent };
	uint8_t opt[TCP_OPTMAX];

	(void)tcp_respond(&tw->tw_tuple, sg->sg_in->ii_ifidx, tw->tw_sndnxt,
	    tw->tw_rcvnxt, TH_ACK, tw->tw_wnd, opt, tcp_put_opts(opt, &o), 0);
}

bool
tcp_timewait_input(const struct tcp_tuple *tt, const struct tcp_seg *sg)
{
	uint64_t now;
	struct tcp_tw *tw, copy;
	bool answer = false;

	if (__atomic_load_n(&tw_count, __ATOMIC_RELAXED) == 0)
		return (false);
	now = nsecuptime();
	mtx_enter(&tw_mtx);
	if ((tw = tw_find(tt)) == NULL) {
		mtx_leave(&tw_mtx);
		return (false);
	}
	if (tw_newsyn(tw, sg)) {
		TCPSTAT(timewait_reused);
		tw_remove(tw);
		mtx_leave(&tw_mtx);
		return (false);
	}
	/* a RST does not end the wait (RFC 1337) */
	if (!(sg->sg_flags & TH_RST) && (answer = tw_answers(tw, sg, now))) {
		copy = *tw;
		if ((sg->sg_flags & TH_FIN) && sg->sg_seq + sg->sg_len + 1 ==
		    tw->tw_rcvnxt) {
			TAILQ_REMOVE(&tw_queue, tw, tw_queue);
			tw_append(tw, now);
		}
	}
	mtx_leave(&tw_mtx);
	if (answer)
		tw_answer(&copy, sg, now);
	return (true);
}

int
tcp_timewait_reuse(const struct tcp_tuple *tt, uint32_t *iss)
{
	uint64_t now = nsecuptime();
	struct tcp_tw *tw;
	int error = 0;

	mtx_enter(&tw_mtx);
	if ((tw = tw_find(tt)) != NULL) {
		if (!tw->tw_ts || now - tw->tw_tsage < TW_REUSE_AFTER)
			error = EADDRNOTAVAIL;
		else {
			/* beyond what the old one can have sent */
			if (SEQ_LEQ(*iss, tw->tw_sndnxt + TCP_MAXWIN))
				*iss = tw->tw_sndnxt + TCP_MAXWIN + 2;
			TCPSTAT(timewait_reused);
			tw_remove(tw);
		}
	}
	mtx_leave(&tw_mtx);
	return (error);
}

void
tcp_timewait_flush(void)
{
	struct tcp_tw *tw;

	mtx_enter(&tw_mtx);
	while ((tw = TAILQ_FIRST(&tw_queue)) != NULL)
		tw_remove(tw);
	(void)timeout_del(&tw_timeout);
	mtx_leave(&tw_mtx);
}

/* --- lists -------------------------------------------------------------- */

/*
 * The function may sleep, and the queue may move on: a part of it at a time is
 * copied.
 */
int
tcp_timewait_foreach(bool v6, int (*fn)(void *, const struct tcp_entry *),
    void *arg)
{
	u_int max, n = 0, i;
	struct tcp_entry *te;
	struct tcp_tw *tw;
	uint64_t now = nsecuptime();
	int error = 0;

	max = __atomic_load_n(&tw_count, __ATOMIC_RELAXED);
	if (max == 0)
		return (0);
	if ((te = kmem_alloc(max * sizeof(*te), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	mtx_enter(&tw_mtx);
	TAILQ_FOREACH(tw, &tw_queue, tw_queue) {
		if (n == max)
			break;
		if (tw->tw_v6 == v6)
			te[n++] = (struct tcp_entry){
			    .te_tuple = tw->tw_tuple,
			    .te_state = TCPL_TIME_WAIT, .te_timer = 3,
			    .te_expires = tw->tw_end > now ?
			    tw->tw_end - now : 0, .te_uid = tw->tw_uid };
	}
	mtx_leave(&tw_mtx);
	for (i = 0; i < n && error == 0; i++)
		error = fn(arg, &te[i]);
	kmem_free(te, max * sizeof(*te));
	return (error);
}

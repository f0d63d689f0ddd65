/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Connections that a peer has asked for, and that we have agreed to, but that
 * it has not acknowledged (RFC 4987).  Of each little is kept, and of a limited
 * number; beyond that the peer remembers it for us: see tcp_cookie.c.
 *
 * Entries wait in a queue for each number of repetitions, in the order of
 * their time, so one timeout is enough.
 *
 * Order of mutexes: the listening socket's, ours.  A new connection's is not
 * entered with ours held.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <netinet/tcp_var.h>

#define SYN_HASH	512
#define SYN_LEVELS	8		/* repetitions, at most */

struct synent {
	LIST_ENTRY(synent) se_hash;
	TAILQ_ENTRY(synent) se_queue;
	struct tcp_syninfo se_info;
	struct socket	*se_so;		/* with a reference */
	uint64_t	 se_due;
	u_int		 se_level;
};
TAILQ_HEAD(synentq, synent);

static struct mutex	syn_mtx;	/* all of this */
static LIST_HEAD(, synent) syn_hash[SYN_HASH];
static struct synentq	syn_queue[SYN_LEVELS];
static u_int		syn_count;
static struct timeout	syn_timeout;
static uint64_t		syn_armed;	/* when it will run */

static void	syn_timer(void *);

void
tcp_syncache_init(void)
{
	u_int i;

	mtx_init(&syn_mtx, IPL_SOFT);
	for (i = 0; i < SYN_LEVELS; i++)
		TAILQ_INIT(&syn_queue[i]);
	for (i = 0; i < SYN_HASH; i++)
		LIST_INIT(&syn_hash[i]);
	timeout_set(&syn_timeout, syn_timer, NULL);
}

/* --- entries ------------------------------------------------------------ */

static u_int
syn_bucket(const struct tcp_tuple *tt)
{
	return (tcp_hash4(TCP_KEY_TABLE, tt, 1, 0) % SYN_HASH);
}

static struct synent *
syn_find(const struct tcp_tuple *tt)
{
	const struct tcp_tuple *t;
	struct synent *se;

	MUTEX_ASSERT_LOCKED(&syn_mtx);
	if (syn_count == 0)
		return (NULL);
	LIST_FOREACH(se, &syn_hash[syn_bucket(tt)], se_hash) {
		t = &se->se_info.si_tuple;
		if (t->tt_fport == tt->tt_fport &&
		    t->tt_lport == tt->tt_lport &&
		    in_equal(&t->tt_faddr, &tt->tt_faddr) &&
		    in_equal(&t->tt_laddr, &tt->tt_laddr))
			break;
	}
	return (se);
}

/* The timeout is for the earliest of the queues' heads. */
static void
syn_rearm(uint64_t now)
{
	uint64_t due = TT_NEVER;
	struct synent *se;
	u_int i;

	MUTEX_ASSERT_LOCKED(&syn_mtx);
	for (i = 0; i < SYN_LEVELS; i++) {
		if ((se = TAILQ_FIRST(&syn_queue[i])) != NULL)
			due = MIN(due, se->se_due);
	}
	syn_armed = due;
	if (due != TT_NEVER)
		(void)timeout_add_nsec(&syn_timeout,
		    due > now ? due - now : 0);
}

static void
syn_wait(struct synent *se, u_int level, uint64_t now)
{
	se->se_level = level;
	se->se_due = now + (TCP_RTO_INIT << level);
	TAILQ_INSERT_TAIL(&syn_queue[level], se, se_queue);
	if (!timeout_pending(&syn_timeout) || se->se_due < syn_armed)
		syn_rearm(now);
}

static void
syn_insert(struct synent *se, struct socket *so, uint64_t now)
{
	MUTEX_ASSERT_LOCKED(&syn_mtx);
	se->se_so = so;
	so_ref(so);
	sototcpcb(so)->t_nsyn++;
	syn_count++;
	LIST_INSERT_HEAD(&syn_hash[syn_bucket(&se->se_info.si_tuple)], se,
	    se_hash);
	syn_wait(se, 0, now);
}

/* Out of the tables; the memory is the caller's. */
static void
syn_take(struct synent *se)
{
	MUTEX_ASSERT_LOCKED(&syn_mtx);
	LIST_REMOVE(se, se_hash);
	TAILQ_REMOVE(&syn_queue[se->se_level], se, se_queue);
	sototcpcb(se->se_so)->t_nsyn--;
	syn_count--;
	so_unref(se->se_so);
	se->se_so = NULL;
}

static void
syn_free(struct synent *se)
{
	syn_take(se);
	kmem_free(se, sizeof(*se));
}

/* --- SYN, ACK ----------------------------------------------------------- */

static void
syn_answer(const struct tcp_syninfo *si, uint32_t tsval, u_int mss,
    bool wscale)
{
	struct tcp_opts o = { .to_syn = true, .to_mss = mss,
	    .to_sack = si->si_sack,
	    .to_wscale = wscale ? si->si_rcvscale : TCPWS_NONE,
	    .to_ts = si->si_ts, .to_tsval = tsval,
	    .to_tsecr = si->si_tsrecent };
	uint8_t opt[TCP_OPTMAX];

	(void)tcp_respond(&si->si_tuple, si->si_ifidx, si->si_iss,
	    si->si_irs + 1, TH_SYN | TH_ACK | (si->si_ecn ? TH_ECE : 0),
	    si->si_rcvwnd, opt, tcp_put_opts(opt, &o), si->si_tos);
}

static void
syn_send(const struct tcp_syninfo *si, uint64_t now)
{
	syn_answer(si, tcp_clock(now) + si->si_tsoff, si->si_ourmss,
	    si->si_wscale != TCPWS_NONE);
}

static void
syn_timer(void *arg __unused)
{
	struct tcp_syninfo si;
	struct synent *se;
	uint64_t now = nsecuptime();
	u_int i;

	mtx_enter(&syn_mtx);
	for (i = SYN_LEVELS; i-- > 0;) {
		while ((se = TAILQ_FIRST(&syn_queue[i])) != NULL &&
		    se->se_due <= now) {
			if (i + 1 >= SYN_LEVELS ||
			    i >= tcp_tun.tn_synack_retries) {
				TCPSTAT(syncache_timeouts);
				syn_free(se);
				continue;
			}
			TAILQ_REMOVE(&syn_queue[i], se, se_queue);
			syn_wait(se, i + 1, now);
			se->se_info.si_rexmt = true;
			si = se->se_info;
			mtx_leave(&syn_mtx);
			TCPSTAT(retransmits);
			syn_send(&si, now);
			mtx_enter(&syn_mtx);
		}
	}
	syn_rearm(now);
	mtx_leave(&syn_mtx);
}

/* --- a SYN -------------------------------------------------------------- */

/* What our SYN will say: of the route, the socket, and what it asks for. */
static void
syn_info(struct socket *so, const struct tcp_tuple *tt,
    const struct tcp_seg *sg, struct tcp_syninfo *si)
{
	const struct tcpcb *tp = sototcpcb(so);
	bool v4 = in_is4(&tt->tt_faddr);
	struct ip_route ir = { .ir_gen = 0 };
	u_int mtu = v4 ? 576 : 1280;

	if (ip_route_get(&ir, &tt->tt_faddr, &tt->tt_laddr,
	    in6_isscoped(&tt->tt_faddr) ? sg->sg_in->ii_ifidx : 0) == 0)
		mtu = ir.ir_mtu;
	*si = (struct tcp_syninfo){ .si_tuple = *tt,
	    .si_irs = sg->sg_seq, .si_tsrecent = sg->sg_tsval,
	    .si_tsoff = tcp_newtsoff(tt), .si_ifidx = sg->sg_in->ii_ifidx,
	    .si_ts = sg->sg_ts && tcp_tun.tn_timestamps,
	    .si_sack = sg->sg_sackok && tcp_tun.tn_sack,
	    .si_wscale = tcp_tun.tn_wscale ? sg->sg_wscale : TCPWS_NONE,
	    .si_rcvscale = tcp_wscale(),
	    .si_ecn = (sg->sg_flags & (TH_ECE | TH_CWR)) ==
	    (TH_ECE | TH_CWR) && tcp_tun.tn_ecn != 0,
	    .si_mss = sg->sg_mss != 0 ? sg->sg_mss : v4 ? TCP_MSS4 : TCP_MSS6,
	    .si_ourmss = tcp_mssfor(v4, mtu), .si_tos = tp->t_inp.inp_tos,
	    .si_rcvwnd = MIN(sb_space(&so->so_rcv), TCP_MAXWIN) };
	if (tp->t_usermss != 0)
		si->si_ourmss = MIN(si->si_ourmss, tp->t_usermss);
}

static void
syn_cookie(struct tcp_syninfo *si, uint64_t now)
{
	uint32_t tsval = 0;

	if (!tcp_tun.tn_cookies) {
		TCPSTAT(syncache_dropped);
		return;
	}
	TCPSTAT(cookies_sent);
	si->si_iss = tcp_cookie_make(si, &tsval, now);
	syn_answer(si, tsval, si->si_ourmss, si->si_wscale != TCPWS_NONE);
}

/* One that is there already.  true: it is dealt with. */
static bool
syn_known(const struct tcp_tuple *tt, const struct tcp_seg *sg, uint64_t now)
{
	struct tcp_syninfo si;
	struct synent *se;

	mtx_enter(&syn_mtx);
	if ((se = syn_find(tt)) == NULL) {
		mtx_leave(&syn_mtx);
		return (false);
	}
	if (se->se_info.si_irs == sg->sg_seq) {
		se->se_info.si_rexmt = true;
		if (sg->sg_ts)
			se->se_info.si_tsrecent = sg->sg_tsval;
	}
	si = se->se_info;
	mtx_leave(&syn_mtx);
	if (si.si_irs == sg->sg_seq)
		syn_send(&si, now);
	else {
		/* another: if it is true the answer ends the old one */
		TCPSTAT(challenge_acks);
		(void)tcp_respond(tt, si.si_ifidx, si.si_iss + 1,
		    si.si_irs + 1, TH_ACK, si.si_rcvwnd, NULL, 0, 0);
	}
	return (true);
}

static bool
syn_full(const struct tcpcb *tp)
{
	return (tcp_tun.tn_cookies == 2 || __atomic_load_n(&syn_count,
	    __ATOMIC_RELAXED) >= tcp_tun.tn_syncache ||
	    tp->t_nsyn >= tcp_tun.tn_synqueue);
}

void
tcp_syncache_syn(struct socket *so, const struct tcp_tuple *tt,
    const struct tcp_seg *sg)
{
	uint64_t now = nsecuptime();
	struct tcp_syninfo si;
	struct synent *se;

	if (syn_known(tt, sg, now))
		return;
	/* what is complete could not be taken either */
	if (so->so_qlen >= so->so_qlimit) {
		TCPSTAT(listen_overflow);
		return;
	}
	syn_info(so, tt, sg, &si);
	if (syn_full(sototcpcb(so)) ||
	    (se = kmem_zalloc(sizeof(*se), KM_NOSLEEP)) == NULL) {
		syn_cookie(&si, now);
		return;
	}
	TCPSTAT(syncache_added);
	si.si_iss = tcp_newiss(tt, now);
	si.si_time = now;
	se->se_info = si;
	mtx_enter(&syn_mtx);
	syn_insert(se, so, now);
	mtx_leave(&syn_mtx);
	syn_send(&si, now);
}

/* --- the connection ----------------------------------------------------- */

/* What a program has set before it listened. */
static void
conn_inherit(struct tcpcb *tp, const struct tcpcb *head)
{
	struct inpcb *inp = &tp->t_inp;

	inp->inp_flags |= head->t_inp.inp_flags & (INP_V6ONLY |
	    INP_RECVERR);
	inp->inp_ttl = head->t_inp.inp_ttl;
	inp->inp_tos = head->t_inp.inp_tos;
	inp->inp_pmtudisc = head->t_inp.inp_pmtudisc;
	tp->t_flags |= head->t_flags & TF_USER;
	tp->t_cc = head->t_cc;
	tp->t_usermss = head->t_usermss;
	tp->t_clamp = head->t_clamp;
	tp->t_keepidle = head->t_keepidle;
	tp->t_keepintvl = head->t_keepintvl;
	tp->t_keepcnt = head->t_keepcnt;
	tp->t_linger2 = head->t_linger2;
	tp->t_usertimeout = head->t_usertimeout;
}

/* As it is after the SYNs. */
static void
conn_fill(struct tcpcb *tp, const struct tcp_syninfo *si,
    const struct tcp_seg *sg)
{
	tcp_start(tp, si->si_iss);
	tp->snd_una = tp->snd_nxt = si->si_iss + 1;
	tp->irs = si->si_irs;
	tp->rcv_nxt = tp->rcv_acked = si->si_irs + 1;
	tp->rcv_adv = tp->rcv_nxt + si->si_rcvwnd;
	tp->t_tsrecent = si->si_tsrecent;
	tp->t_tsage = tp->t_now;
	tp->t_peermss = si->si_mss;
	tp->t_flags |= (si->si_ts ? TF_TS : 0) | (si->si_sack ? TF_SACK : 0) |
	    (si->si_ecn ? TF_ECN : 0) | (si->si_rexmt ? TF_RTTSYN : 0);
	if (si->si_wscale != TCPWS_NONE) {
		tp->t_flags |= TF_WSCALE;
		tp->snd_scale = si->si_wscale;
		tp->rcv_scale = si->si_rcvscale;
	}
	tp->snd_wnd = tp->snd_maxwnd = sg->sg_wnd << tp->snd_scale;
	tp->snd_wl1 = sg->sg_seq;
	tp->snd_wl2 = sg->sg_ack;
	tcp_setmss(tp);
	if (si->si_time != 0 && !si->si_rexmt)
		tcp_rtt(tp, MAX(tp->t_now - si->si_time, 1));
	tcp_established(tp);
}

/* With its mutex entered, and a reference for the caller; NULL: no room. */
static struct socket *
conn_new(struct socket *head, const struct tcp_syninfo *si,
    const struct tcp_seg *sg)
{
	struct socket *so;
	struct tcpcb *tp;
	struct inpcb *inp;

	if ((so = so_newconn(head)) == NULL) {
		TCPSTAT(listen_overflow);
		return (NULL);
	}
	tp = sototcpcb(so);
	inp = &tp->t_inp;
	inp->inp_laddr = si->si_tuple.tt_laddr;
	inp->inp_faddr = si->si_tuple.tt_faddr;
	inp->inp_lport = si->si_tuple.tt_lport;
	inp->inp_fport = si->si_tuple.tt_fport;
	if (in6_isscoped(&inp->inp_faddr) || in6_isscoped(&inp->inp_laddr))
		inp->inp_ifidx = si->si_ifidx;
	if (in_pcbconnected(inp, &tcp_table) != 0) {
		mtx_leave(&so->so_mtx);
		so_unref(so);
		return (NULL);
	}
	tp->t_flags |= TF_REF;		/* so_newconn() has taken it */
	conn_inherit(tp, sototcpcb(head));
	conn_fill(tp, si, sg);
	TCPSTAT(passive_opens);
	so_connqueue(head, so);
	so_ref(so);
	return (so);
}

/* --- an ACK ------------------------------------------------------------- */

enum verdict { ACK_GOOD, ACK_WAIT, ACK_REPEAT, ACK_RESET };

static enum verdict
ack_judge(const struct synent *se, const struct tcpcb *head,
    const struct tcp_seg *sg)
{
	const struct tcp_syninfo *si = &se->se_info;

	if (sg->sg_ack != si->si_iss + 1)
		return (ACK_RESET);
	if (si->si_ts && sg->sg_ts &&
	    SEQ_LT(sg->sg_tsval, si->si_tsrecent))
		return (ACK_REPEAT);
	/* its data are looked at by the connection; it must begin near */
	if (sg->sg_seq - (si->si_irs + 1) > si->si_rcvwnd)
		return (ACK_REPEAT);
	if (head->t_deferaccept != 0 && sg->sg_len == 0 &&
	    !(sg->sg_flags & TH_FIN) && nsecuptime() - si->si_time <
	    MSEC_TO_NSEC(head->t_deferaccept))
		return (ACK_WAIT);
	return (ACK_GOOD);
}

static struct socket *
ack_cookie(struct socket *so, const struct tcp_tuple *tt,
    const struct tcp_seg *sg, bool *reset)
{
	uint64_t now = nsecuptime();
	struct tcp_syninfo si;

	*reset = true;
	if (!tcp_cookie_recent(now))
		return (NULL);
	syn_info(so, tt, sg, &si);
	if (!tcp_cookie_check(&si, sg, now))
		return (NULL);
	*reset = false;
	TCPSTAT(cookies_valid);
	return (conn_new(so, &si, sg));
}

/* The entry goes back if there is no room: the peer will say it again. */
static struct socket *
ack_complete(struct socket *so, struct synent *se, const struct tcp_seg *sg)
{
	uint64_t now = nsecuptime();
	struct socket *new;
	u_int level = se->se_level;

	syn_take(se);
	mtx_leave(&syn_mtx);
	if ((new = conn_new(so, &se->se_info, sg)) != NULL) {
		TCPSTAT(syncache_completed);
		kmem_free(se, sizeof(*se));
		return (new);
	}
	mtx_enter(&syn_mtx);
	if (syn_find(&se->se_info.si_tuple) != NULL) {
		mtx_leave(&syn_mtx);
		kmem_free(se, sizeof(*se));
		return (NULL);
	}
	syn_insert(se, so, now);
	TAILQ_REMOVE(&syn_queue[0], se, se_queue);
	syn_wait(se, level, now);
	mtx_leave(&syn_mtx);
	return (NULL);
}

struct socket *
tcp_syncache_ack(struct socket *so, const struct tcp_tuple *tt,
    const struct tcp_seg *sg, bool *reset)
{
	struct tcp_syninfo si;
	enum verdict verdict;
	struct synent *se;

	if (sg->sg_flags & TH_SYN) {
		*reset = true;
		return (NULL);
	}
	mtx_enter(&syn_mtx);
	if ((se = syn_find(tt)) == NULL) {
		mtx_leave(&syn_mtx);
		return (ack_cookie(so, tt, sg, reset));
	}
	verdict = ack_judge(se, sototcpcb(so), sg);
	if (verdict == ACK_GOOD)
		return (ack_complete(so, se, sg));	/* leaves the mutex */
	si = se->se_info;
	mtx_leave(&syn_mtx);
	if (verdict == ACK_RESET)
		*reset = true;
	else if (verdict == ACK_REPEAT)
		(void)tcp_respond(tt, si.si_ifidx, si.si_iss + 1,
		    si.si_irs + 1, TH_ACK, si.si_rcvwnd, NULL, 0, 0);
	return (NULL);
}

/* --- the end of one ----------------------------------------------------- */

void
tcp_syncache_rst(const struct tcp_tuple *tt, const struct tcp_seg *sg)
{
	struct synent *se;

	mtx_enter(&syn_mtx);
	se = syn_find(tt);
	if (se != NULL && sg->sg_seq == se->se_info.si_irs + 1) {
		TCPSTAT(resets_in);
		syn_free(se);
	}
	mtx_leave(&syn_mtx);
}

void
tcp_syncache_error(const struct tcp_tuple *tt, uint32_t seq, int error,
    bool hard)
{
	struct synent *se;

	if (error == EMSGSIZE || !hard)
		return;
	mtx_enter(&syn_mtx);
	se = syn_find(tt);
	if (se != NULL && seq == se->se_info.si_iss)
		syn_free(se);
	mtx_leave(&syn_mtx);
}

void
tcp_syncache_flush(struct socket *so)
{
	struct synent *se, *next;
	u_int i;

	mtx_enter(&syn_mtx);
	for (i = 0; i < SYN_LEVELS && sototcpcb(so)->t_nsyn != 0; i++) {
		TAILQ_FOREACH_SAFE(se, &syn_queue[i], se_queue, next) {
			if (se->se_so == so)
				syn_free(se);
		}
	}
	mtx_leave(&syn_mtx);
}

int
tcp_syncache_foreach(bool v6, int (*fn)(void *, const struct tcp_entry *),
    void *arg)
{
	u_int max, n = 0, i;
	uint64_t now = nsecuptime();
	struct tcp_entry *te;
	struct synent *se;
	int error = 0;

	max = __atomic_load_n(&syn_count, __ATOMIC_RELAXED);
	if (max == 0)
		return (0);
	if ((te = kmem_alloc(max * sizeof(*te), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	mtx_enter(&syn_mtx);
	for (i = 0; i < SYN_LEVELS; i++) {
		TAILQ_FOREACH(se, &syn_queue[i], se_queue) {
			if (n == max)
				break;
			if ((se->se_so->so_domain == AF_INET6) != v6)
				continue;
			te[n++] = (struct tcp_entry){
			    .te_tuple = se->se_info.si_tuple,
			    .te_state = TCPL_SYN_RECV, .te_timer = 1,
			    .te_expires = se->se_due > now ?
			    se->se_due - now : 0, .te_retransmits = i,
			    .te_uid = se->se_so->so_uid };
		}
	}
	mtx_leave(&syn_mtx);
	for (i = 0; i < n && error == 0; i++)
		error = fn(arg, &te[i]);
	kmem_free(te, max * sizeof(*te));
	return (error);
}

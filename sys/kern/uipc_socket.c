/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Sockets, above the protocols: see socketvar.h.
 */

#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/queue.h>
#include <sys/socketvar.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/uio.h>

/* at once from a program into the send buffer */
#define CHUNK		(256 * 1024)
/* and out of the receive buffer: the peer hears of the room soon */
#define MOVE		(128 * 1024)
#define MBUF_WAIT	MSEC_TO_NSEC(10)
#define NPROTO		16

static const struct protosw *protos[NPROTO];
static ino_t		so_lastino;		/* atomic */

/* --- life ------------------------------------------------------------------- */

void
protosw_register(const struct protosw *pr)
{
	u_int i;

	for (i = 0; i < NPROTO && protos[i] != NULL; i++)
		continue;
	KASSERT(i < NPROTO);
	protos[i] = pr;
}

/* An exact one goes before one that takes any protocol. */
static int
proto_find(int domain, int type, int protocol, const struct protosw **prp)
{
	bool domain_known = false, type_known = false;
	u_int i;

	*prp = NULL;
	for (i = 0; i < NPROTO && protos[i] != NULL; i++) {
		if (protos[i]->pr_domain != domain)
			continue;
		domain_known = true;
		if (protos[i]->pr_type != type)
			continue;
		type_known = true;
		if (protos[i]->pr_protocol == protocol) {
			*prp = protos[i];
			return (0);
		}
		if ((protocol == 0 || protos[i]->pr_protocol == 0) &&
		    *prp == NULL)
			*prp = protos[i];
	}
	return (*prp != NULL ? 0 : !domain_known ? EAFNOSUPPORT :
	    !type_known ? ESOCKTNOSUPPORT : EPROTONOSUPPORT);
}

static void
sb_init(struct sockbuf *sb, uint32_t hiwat)
{
	sb->sb_timeo = INFSLP;
	sb->sb_lowat = 1;
	sb_reserve(sb, hiwat);
	selinit(&sb->sb_sel);
}

static void
so_free(void *arg)
{
	struct socket *so = arg;

	if (so->so_pcb != NULL)
		so->so_proto->pr_free(so);
	sb_flush(&so->so_snd);
	sb_flush(&so->so_rcv);
	kmem_free(so, sizeof(*so));
}

static struct socket *
so_alloc(const struct protosw *pr)
{
	struct socket *so;

	if ((so = kmem_zalloc(sizeof(*so), KM_NOSLEEP)) == NULL)
		return (NULL);
	mtx_init(&so->so_mtx, IPL_SOFT);
	so->so_refs = 1;
	so->so_proto = pr;
	so->so_domain = pr->pr_domain;
	so->so_type = pr->pr_type;
	so->so_ino = __atomic_add_fetch(&so_lastino, 1, __ATOMIC_RELAXED);
	TAILQ_INIT(&so->so_queue);
	task_set(&so->so_freetask, so_free, so);
	sb_init(&so->so_snd, 208 * 1024);
	sb_init(&so->so_rcv, 208 * 1024);
	return (so);
}

int
so_create(int domain, int type, int protocol, struct socket **sop)
{
	const struct protosw *pr;
	struct socket *so;
	int error;

	if ((error = proto_find(domain, type, protocol, &pr)) != 0)
		return (error);
	if ((so = so_alloc(pr)) == NULL)
		return (ENOMEM);
	so->so_protocol = protocol != 0 ? protocol : pr->pr_protocol;
	if ((error = pr->pr_attach(so, protocol)) != 0) {
		so_unref(so);
		return (error);
	}
	*sop = so;
	return (0);
}

void
so_ref(struct socket *so)
{
	__atomic_fetch_add(&so->so_refs, 1, __ATOMIC_RELAXED);
}

void
so_unref(struct socket *so)
{
	/* a protocol may wait for its timers: not where we may be called */
	if (__atomic_sub_fetch(&so->so_refs, 1, __ATOMIC_ACQ_REL) == 0)
		task_add(systq, &so->so_freetask);
}

/* What nobody has accepted ends with the socket that listened. */
static void
so_abandon(struct socket *so)
{
	struct socket *c;

	for (;;) {
		mtx_enter(&so->so_mtx);
		if ((c = TAILQ_FIRST(&so->so_queue)) != NULL) {
			TAILQ_REMOVE(&so->so_queue, c, so_qlink);
			so->so_qlen--;
		}
		mtx_leave(&so->so_mtx);
		if (c == NULL)
			return;
		mtx_enter(&c->so_mtx);
		c->so_state |= SS_CLOSED;
		/* there is nobody to whom its data would matter */
		c->so_options |= 1U << SO_LINGER;
		c->so_linger = 0;
		c->so_proto->pr_close(c);
		mtx_leave(&c->so_mtx);
		so_unref(c);
	}
}

static bool
so_lingers(const struct socket *so)
{
	return (SO_ISSET(so, SO_LINGER) && so->so_linger != 0 &&
	    (so->so_state & SS_CONNECTED) && so->so_snd.sb_cc != 0);
}

void
so_close(struct socket *so, bool nonblock)
{
	uint64_t end;

	mtx_enter(&so->so_mtx);
	so->so_state |= SS_CLOSED;
	so->so_state &= ~SS_LISTENING;
	so->so_proto->pr_close(so);
	end = nsecuptime() + so->so_linger;
	while (!nonblock && so_lingers(so) && nsecuptime() < end) {
		if (msleep_nsec(&so->so_snd, &so->so_mtx, PRI_USER | PCATCH,
		    "linger", end - nsecuptime()) != 0)
			break;
	}
	mtx_leave(&so->so_mtx);
	so_abandon(so);
	so_unref(so);
}

/* --- for protocols ------------------------------------------------------------ */

void
so_wakeup_rcv(struct socket *so)
{
	MUTEX_ASSERT_LOCKED(&so->so_mtx);
	wakeup(&so->so_rcv);
	selwakeup(&so->so_rcv.sb_sel);
}

/* So much room that it is worth a writer's while. */
static uint32_t
snd_worth(const struct socket *so)
{
	return (so->so_proto->pr_flags & PR_STREAM ?
	    so->so_snd.sb_hiwat / 3 : 1);
}

bool
so_writable(const struct socket *so)
{
	if (so->so_error != 0 || (so->so_state & SS_CANTSEND))
		return (true);
	if (so->so_state & (SS_CONNECTING | SS_LISTENING))
		return (false);
	return (!(so->so_proto->pr_flags & PR_STREAM) ||
	    !(so->so_state & SS_CONNECTED) ||
	    sb_space(&so->so_snd) >= snd_worth(so));
}

void
so_wakeup_snd(struct socket *so)
{
	MUTEX_ASSERT_LOCKED(&so->so_mtx);
	if (!so_writable(so) && !(so->so_state & SS_CLOSED))
		return;
	wakeup(&so->so_snd);
	selwakeup(&so->so_snd.sb_sel);
}

void
so_isconnected(struct socket *so)
{
	so->so_state &= ~SS_CONNECTING;
	so->so_state |= SS_CONNECTED;
	so_wakeup_rcv(so);
	so_wakeup_snd(so);
}

void
so_isdisconnected(struct socket *so)
{
	so->so_state &= ~(SS_CONNECTING | SS_CONNECTED);
	so->so_state |= SS_CANTSEND | SS_CANTRCV;
	so_wakeup_rcv(so);
	so_wakeup_snd(so);
}

void
so_cantrcv(struct socket *so)
{
	so->so_state |= SS_CANTRCV;
	so_wakeup_rcv(so);
}

void
so_cantsend(struct socket *so)
{
	so->so_state |= SS_CANTSEND;
	so_wakeup_snd(so);
}

void
so_seterror(struct socket *so, int error)
{
	so->so_error = error;
	so_wakeup_rcv(so);
	so_wakeup_snd(so);
}

struct socket *
so_newconn(struct socket *head)
{
	struct socket *so;

	MUTEX_ASSERT_LOCKED(&head->so_mtx);
	if (!(head->so_state & SS_LISTENING) ||
	    head->so_qlen >= head->so_qlimit ||
	    (so = so_alloc(head->so_proto)) == NULL)
		return (NULL);
	so->so_domain = head->so_domain;
	so->so_protocol = head->so_protocol;
	so->so_options = head->so_options;
	so->so_linger = head->so_linger;
	so->so_ifidx = head->so_ifidx;
	so->so_mark = head->so_mark;
	so->so_uid = head->so_uid;
	if (so->so_proto->pr_attach(so, so->so_protocol) != 0) {
		so_unref(so);
		return (NULL);
	}
	so->so_rcv.sb_userset = head->so_rcv.sb_userset;
	so->so_snd.sb_userset = head->so_snd.sb_userset;
	if (head->so_rcv.sb_userset)
		sb_reserve(&so->so_rcv, head->so_rcv.sb_hiwat);
	if (head->so_snd.sb_userset)
		sb_reserve(&so->so_snd, head->so_snd.sb_hiwat);
	so->so_rcv.sb_timeo = head->so_rcv.sb_timeo;
	so->so_snd.sb_timeo = head->so_snd.sb_timeo;
	so->so_rcv.sb_lowat = head->so_rcv.sb_lowat;
	mtx_enter(&so->so_mtx);
	return (so);
}

void
so_connqueue(struct socket *head, struct socket *so)
{
	MUTEX_ASSERT_LOCKED(&head->so_mtx);
	so_ref(so);
	TAILQ_INSERT_TAIL(&head->so_queue, so, so_qlink);
	head->so_qlen++;
	so_wakeup_rcv(head);
}

/* --- waiting -------------------------------------------------------------------- */

/*
 * Sleep until the buffer's wakeup.  EAGAIN: the time is over, or there is
 * none; EINTR.
 */
static int
sb_wait(struct socket *so, struct sockbuf *sb, bool nonblock, const char *why)
{
	MUTEX_ASSERT_LOCKED(&so->so_mtx);
	if (nonblock)
		return (EAGAIN);
	return (msleep_nsec(sb, &so->so_mtx, PRI_USER | PCATCH, why,
	    sb->sb_timeo));
}

static int
sb_begin(struct socket *so, struct sockbuf *sb, bool nonblock)
{
	int error;

	while (sb->sb_busy) {
		if (nonblock)
			return (EAGAIN);
		error = msleep_nsec(&sb->sb_busy, &so->so_mtx,
		    PRI_USER | PCATCH, "sockbuf", INFSLP);
		if (error != 0)
			return (error);
	}
	sb->sb_busy = true;
	return (0);
}

static void
sb_end(struct sockbuf *sb)
{
	sb->sb_busy = false;
	wakeup_one(&sb->sb_busy);
}

int
so_takeerror(struct socket *so)
{
	int error = so->so_error;

	so->so_error = 0;
	return (error);
}

/* --- connections -------------------------------------------------------------- */

int
so_bind(struct socket *so, const struct sockaddr *sa, size_t len)
{
	int error = EOPNOTSUPP;

	mtx_enter(&so->so_mtx);
	if (so->so_proto->pr_bind != NULL)
		error = so->so_proto->pr_bind(so, sa, len);
	mtx_leave(&so->so_mtx);
	return (error);
}

int
so_listen(struct socket *so, int backlog)
{
	int error = 0;

	mtx_enter(&so->so_mtx);
	if (so->so_proto->pr_listen == NULL)
		error = EOPNOTSUPP;
	else if (so->so_state & (SS_CONNECTED | SS_CONNECTING))
		error = EINVAL;
	else if (!(so->so_state & SS_LISTENING))
		error = so->so_proto->pr_listen(so);
	if (error == 0) {
		so->so_state |= SS_LISTENING;
		/* a program that says 0 means one */
		so->so_qlimit = backlog < 0 || backlog > SOMAXCONN ?
		    SOMAXCONN : MAX(backlog, 1);
	}
	mtx_leave(&so->so_mtx);
	return (error);
}

int
so_accept(struct socket *so, bool nonblock, struct socket **newp)
{
	struct socket *c;
	int error = 0;

	mtx_enter(&so->so_mtx);
	for (;;) {
		if (!(so->so_state & SS_LISTENING)) {
			error = so->so_proto->pr_listen == NULL ?
			    EOPNOTSUPP : EINVAL;
			break;
		}
		if ((c = TAILQ_FIRST(&so->so_queue)) != NULL) {
			TAILQ_REMOVE(&so->so_queue, c, so_qlink);
			so->so_qlen--;
			*newp = c;
			break;
		}
		if ((error = so_takeerror(so)) != 0 ||
		    (error = sb_wait(so, &so->so_rcv, nonblock,
		    "accept")) != 0)
			break;
	}
	mtx_leave(&so->so_mtx);
	return (error);
}

int
so_connect(struct socket *so, const struct sockaddr *sa, size_t len,
    bool nonblock)
{
	int error = 0;

	mtx_enter(&so->so_mtx);
	if (so->so_proto->pr_connect == NULL)
		error = EOPNOTSUPP;
	else if (so->so_state & SS_LISTENING)
		error = so->so_proto->pr_flags & PR_STREAM ? EISCONN : EINVAL;
	else if (so->so_state & SS_CONNECTING)
		error = nonblock ? EALREADY : 0;
	else if ((so->so_state & SS_CONNECTED) &&
	    (so->so_proto->pr_flags & PR_STREAM))
		error = EISCONN;
	else if ((error = so_takeerror(so)) == 0)
		error = so->so_proto->pr_connect(so, sa, len);
	while (error == 0 && (so->so_state & SS_CONNECTING)) {
		if (nonblock)
			error = EINPROGRESS;
		else if ((error = msleep_nsec(&so->so_snd, &so->so_mtx,
		    PRI_USER | PCATCH, "connect", so->so_snd.sb_timeo)) ==
		    EWOULDBLOCK)
			error = EINPROGRESS;
	}
	if (error == 0)
		error = so_takeerror(so);
	if (error == 0 && (so->so_proto->pr_flags & PR_STREAM) &&
	    !(so->so_state & SS_CONNECTED))
		error = ECONNABORTED;
	mtx_leave(&so->so_mtx);
	return (error);
}

int
so_shutdown(struct socket *so, int how)
{
	int error = 0;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return (EINVAL);
	mtx_enter(&so->so_mtx);
	if (so->so_state & SS_LISTENING) {
		/* wakes who accepts, for good */
		so->so_state &= ~SS_LISTENING;
		so->so_state |= SS_CANTRCV;
		so_wakeup_rcv(so);
		so->so_proto->pr_close(so);
	} else if (!(so->so_state & SS_CONNECTED))
		error = ENOTCONN;
	else {
		if (how != SHUT_WR)
			so_cantrcv(so);
		if (how != SHUT_RD && !(so->so_state & SS_CANTSEND)) {
			so_cantsend(so);
			if (so->so_proto->pr_shutdown != NULL)
				error = so->so_proto->pr_shutdown(so);
		}
	}
	mtx_leave(&so->so_mtx);
	return (error);
}

/* --- sending ------------------------------------------------------------------- */

static int
send_check(struct socket *so, const struct msginfo *mi)
{
	int error;

	if ((error = so_takeerror(so)) != 0)
		return (error);
	if (so->so_state & SS_CANTSEND)
		return (EPIPE);
	if ((so->so_proto->pr_flags & PR_STREAM) &&
	    !(so->so_state & SS_CONNECTED))
		return (so->so_state & SS_CONNECTING ? EAGAIN : EPIPE);
	if (!(so->so_proto->pr_flags & PR_STREAM) && mi->mi_addrlen == 0 &&
	    !(so->so_state & SS_CONNECTED))
		return (EDESTADDRREQ);
	return (0);
}

static void
sendinfo_make(struct sendinfo *si, const struct msginfo *mi)
{
	*si = (struct sendinfo){
	    .si_to = mi->mi_addrlen == 0 ? NULL :
	    (const struct sockaddr *)&mi->mi_addr,
	    .si_tolen = mi->mi_addrlen, .si_flags = mi->mi_flags,
	    .si_control = mi->mi_control,
	    .si_controllen = mi->mi_controllen };
}

static int
send_dgram(struct socket *so, struct uio *uio, struct msginfo *mi)
{
	size_t before = uio->uio_resid;
	struct sendinfo si;
	struct mbuf *m;
	int error;

	if (uio->uio_resid > so->so_snd.sb_hiwat || uio->uio_resid > 0x10000)
		return (EMSGSIZE);
	if ((error = m_fromuio(uio, uio->uio_resid, true, &m)) != 0)
		return (error);
	sendinfo_make(&si, mi);
	mtx_enter(&so->so_mtx);
	if ((error = send_check(so, mi)) == 0)
		error = so->so_proto->pr_send(so, m, &si);
	else
		m_freem(m);
	mtx_leave(&so->so_mtx);
	if (error != 0)
		uio->uio_resid = before;	/* nothing was sent */
	return (error);
}

/* Room for something, under so_mtx. */
static int
send_wait(struct socket *so, struct msginfo *mi, bool nonblock, size_t want,
    uint32_t *roomp)
{
	int error;

	for (;;) {
		error = send_check(so, mi);
		*roomp = error == 0 ? sb_space(&so->so_snd) : 0;
		if (*roomp != 0 &&
		    *roomp >= MIN(want, snd_worth(so)))
			return (0);
		if (error != 0 && error != EAGAIN)
			return (error);
		/* what fits, if nobody is to wait */
		if (nonblock && *roomp != 0)
			return (0);
		error = sb_wait(so, &so->so_snd, nonblock, "netwr");
		if (error != 0)
			return (error);
	}
}

static int
send_stream(struct socket *so, struct uio *uio, struct msginfo *mi)
{
	bool nonblock = (mi->mi_flags & MSG_DONTWAIT) != 0;
	size_t before;
	struct sendinfo si;
	struct mbuf *m;
	uint32_t room;
	bool more = false;
	int error;

	sendinfo_make(&si, mi);
	si.si_to = NULL;	/* a stream knows its peer */
	si.si_tolen = 0;
	mtx_enter(&so->so_mtx);
	if ((error = sb_begin(so, &so->so_snd, nonblock)) != 0) {
		mtx_leave(&so->so_mtx);
		return (error);
	}
	while (error == 0 && uio->uio_resid > 0) {
		error = send_wait(so, mi, nonblock, uio->uio_resid, &room);
		if (error != 0)
			break;
		mtx_leave(&so->so_mtx);
		before = uio->uio_resid;
		error = m_fromuio(uio, MIN(room, CHUNK), false, &m);
		mtx_enter(&so->so_mtx);
		if (error == ENOBUFS && !nonblock) {
			/* what is on its way, all of it, gives some back */
			si.si_flags = mi->mi_flags;
			(void)so->so_proto->pr_send(so, NULL, &si);
			more = false;
			error = msleep_nsec(&so->so_snd, &so->so_mtx,
			    PRI_USER | PCATCH, "mbuf", MBUF_WAIT);
			if (error == EWOULDBLOCK)
				error = 0;
			continue;
		}
		if (error != 0)
			continue;
		if ((error = send_check(so, mi)) != 0) {
			m_freem(m);
			uio->uio_resid = before;
			break;
		}
		si.si_flags = mi->mi_flags;
		if ((more = uio->uio_resid > 0))
			si.si_flags |= MSG_MORE;
		error = so->so_proto->pr_send(so, m, &si);
	}
	/* the rest that was promised does not come */
	if (more && error != 0 && !(so->so_state & SS_CANTSEND)) {
		si.si_flags = mi->mi_flags;
		(void)so->so_proto->pr_send(so, NULL, &si);
	}
	sb_end(&so->so_snd);
	mtx_leave(&so->so_mtx);
	return (error);
}

int
so_send(struct socket *so, struct uio *uio, struct msginfo *mi)
{
	if ((mi->mi_flags & MSG_OOB) && !(so->so_proto->pr_flags & PR_STREAM))
		return (EOPNOTSUPP);
	return (so->so_proto->pr_flags & PR_STREAM ?
	    send_stream(so, uio, mi) : send_dgram(so, uio, mi));
}

/* --- receiving ------------------------------------------------------------------ */

/* Until there is something: 0 with *eof, or data. */
static int
receive_wait(struct socket *so, bool nonblock, size_t want, bool *eof)
{
	struct sockbuf *sb = &so->so_rcv;
	int error;

	*eof = false;
	while (sb->sb_head == NULL || (want != 0 && sb->sb_cc < want &&
	    sb->sb_cc < sb->sb_hiwat && !(so->so_state & SS_CANTRCV))) {
		if (sb->sb_head == NULL || want == 0) {
			if ((error = so_takeerror(so)) != 0)
				return (error);
			if (so->so_state & SS_CANTRCV) {
				*eof = true;
				return (0);
			}
			if ((so->so_proto->pr_flags & PR_STREAM) &&
			    !(so->so_state & (SS_CONNECTED | SS_CONNECTING)))
				return (ENOTCONN);
		} else if (so->so_error != 0)
			return (0);
		if ((error = sb_wait(so, sb, nonblock, "netrd")) != 0)
			return (error == EAGAIN && sb->sb_head != NULL ? 0 :
			    error);
	}
	return (0);
}

/*
 * What is at the front, without the mutex: only we take it away.
 */
static int
receive_move(struct socket *so, struct uio *uio, uint32_t n, int flags)
{
	size_t before = uio->uio_resid;
	int error;

	MUTEX_ASSERT_LOCKED(&so->so_mtx);
	mtx_leave(&so->so_mtx);
	if (flags & MSG_TRUNC) {
		uio->uio_resid -= n;	/* only counted */
		error = 0;
	} else
		error = m_uiomove(so->so_rcv.sb_head, 0, n, uio);
	mtx_enter(&so->so_mtx);
	if (!(flags & MSG_PEEK)) {
		n = before - uio->uio_resid;
		sb_drop(&so->so_rcv, n);
		so->so_oobmark -= MIN(n, so->so_oobmark);
		so->so_proto->pr_rcvd(so);
	}
	return (error);
}

static int
receive_stream(struct socket *so, struct uio *uio, struct msginfo *mi)
{
	bool nonblock = (mi->mi_flags & MSG_DONTWAIT) != 0, eof;
	bool all = (mi->mi_flags & MSG_WAITALL) != 0;
	struct sockbuf *sb = &so->so_rcv;
	size_t got = 0, before, n;
	bool marked;
	int error;

	if ((error = sb_begin(so, sb, nonblock)) != 0)
		return (error);
	do {
		error = receive_wait(so, nonblock || (got != 0 && !all),
		    sb->sb_lowat <= 1 ? 0 : MIN(sb->sb_lowat,
		    uio->uio_resid), &eof);
		if (error != 0 || eof)
			break;
		before = uio->uio_resid;
		n = MIN(MIN(sb->sb_cc, before), MOVE);
		/* urgent data begin a call of their own */
		if ((marked = so->so_oobmark != 0))
			n = MIN(n, so->so_oobmark);
		error = receive_move(so, uio, n, mi->mi_flags);
		got += before - uio->uio_resid;
		if ((mi->mi_flags & MSG_PEEK) ||
		    (marked && so->so_oobmark == 0))
			break;
	} while (error == 0 && uio->uio_resid > 0 &&
	    (all || sb->sb_cc != 0));
	if (got != 0)
		error = 0;
	sb_end(sb);
	return (error);
}

static void
dgram_control(struct socket *so, const struct dgram_info *di,
    struct msginfo *mi)
{
	size_t used = 0;
	int64_t tv[2];
	bool ok = true;

	if (SO_ISSET(so, SO_TIMESTAMP)) {
		tv[0] = di->di_time / NSEC_PER_SEC;
		tv[1] = di->di_time % NSEC_PER_SEC / 1000;
		ok = cmsg_put(mi->mi_control, mi->mi_controllen, &used,
		    SOL_SOCKET, SO_TIMESTAMP, tv, sizeof(tv));
	}
	if (so->so_proto->pr_control != NULL)
		ok = so->so_proto->pr_control(so, di, mi->mi_control,
		    mi->mi_controllen, &used) && ok;
	if (!ok)
		mi->mi_flags |= MSG_CTRUNC;
	mi->mi_controllen = used;
}

/* The first datagram, off the buffer unless one only looks. */
static struct mbuf *
dgram_take(struct socket *so, bool peek)
{
	struct sockbuf *sb = &so->so_rcv;
	struct mbuf *info = sb->sb_head, *m;

	if (peek)
		return (info);
	if ((sb->sb_head = info->m_nextpkt) == NULL)
		sb->sb_last = NULL;
	info->m_nextpkt = NULL;
	sb->sb_mem -= m_truesize(info);
	for (m = info->m_next; m != NULL; m = m->m_next) {
		sb->sb_mem -= m_truesize(m);
		sb->sb_cc -= m->m_len;
	}
	return (info);
}

static int
receive_dgram(struct socket *so, struct uio *uio, struct msginfo *mi)
{
	bool peek = (mi->mi_flags & MSG_PEEK) != 0, eof;
	struct dgram_info di;
	struct mbuf *info;
	uint32_t len, n;
	int error, flags = mi->mi_flags;

	if ((error = sb_begin(so, &so->so_rcv, flags & MSG_DONTWAIT)) != 0)
		return (error);
	error = receive_wait(so, flags & MSG_DONTWAIT, 0, &eof);
	if (error != 0 || eof) {
		sb_end(&so->so_rcv);
		return (error);
	}
	info = dgram_take(so, peek);
	memcpy(&di, info->m_data, sizeof(di));
	mi->mi_flags = 0;
	dgram_control(so, &di, mi);
	mtx_leave(&so->so_mtx);

	memcpy(&mi->mi_addr, di.di_from, di.di_fromlen);
	mi->mi_addrlen = di.di_fromlen;
	len = m_length(info->m_next);
	if (len > uio->uio_resid)
		mi->mi_flags |= MSG_TRUNC;
	n = MIN(len, uio->uio_resid);
	error = m_uiomove(info->m_next, 0, n, uio);
	/* asked for the real length: what is left is less than nothing then */
	if (error == 0 && (flags & MSG_TRUNC))
		uio->uio_resid -= len - n;
	if (!peek)
		m_freem(info);

	mtx_enter(&so->so_mtx);
	sb_end(&so->so_rcv);
	return (error);
}

int
so_receive(struct socket *so, struct uio *uio, struct msginfo *mi)
{
	bool stream = (so->so_proto->pr_flags & PR_STREAM) != 0;
	uint8_t byte;
	int error;

	mtx_enter(&so->so_mtx);
	if (mi->mi_flags & MSG_OOB) {
		error = so->so_proto->pr_rcvoob == NULL ? EOPNOTSUPP :
		    so->so_proto->pr_rcvoob(so, &byte,
		    mi->mi_flags & MSG_PEEK);
		mtx_leave(&so->so_mtx);
		if (error != 0 || uio->uio_resid == 0)
			return (error);
		mi->mi_flags = MSG_OOB;
		mi->mi_addrlen = mi->mi_controllen = 0;
		return (uiomove(&byte, 1, uio));
	}
	if (stream) {
		error = uio->uio_resid == 0 ? 0 :
		    receive_stream(so, uio, mi);
		mi->mi_flags = 0;
		mi->mi_addrlen = mi->mi_controllen = 0;
	} else
		error = receive_dgram(so, uio, mi);
	mtx_leave(&so->so_mtx);
	return (error);
}

/* --- control messages ----------------------------------------------------------- */

#define CMSG_ALIGN(n)	roundup2(n, sizeof(size_t))

bool
cmsg_put(uint8_t *buf, size_t room, size_t *used, int level, int type,
    const void *data, size_t len)
{
	struct cmsghdr c = { sizeof(c) + len, level, type };

	if (buf == NULL || room < *used || room - *used < c.cmsg_len)
		return (false);
	memcpy(buf + *used, &c, sizeof(c));
	memcpy(buf + *used + sizeof(c), data, len);
	*used = MIN(*used + CMSG_ALIGN(c.cmsg_len), room);
	return (true);
}

const struct cmsghdr *
cmsg_next(const void *buf, size_t len, size_t *off)
{
	const struct cmsghdr *c;

	if (buf == NULL || *off > len || len - *off < sizeof(*c))
		return (NULL);
	c = (const void *)((const uint8_t *)buf + *off);
	if (c->cmsg_len < sizeof(*c) || c->cmsg_len > len - *off)
		return (NULL);
	*off += CMSG_ALIGN(c->cmsg_len);
	return (c);
}

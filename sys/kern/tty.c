/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Terminals.  See tty.h.
 *
 * t_mtx guards the queues and settings.  Which session a terminal belongs to
 * and the list of all terminals are under proc_lock; the two are never held
 * together.  Signals are sent when t_mtx has been left.
 *
 * Input: a ring of characters with marks.  What lies before in_canon are
 * whole lines, behind it is the line being edited.  Output: a ring of bytes
 * as they go to the device.  A writer reserves the room for the longest form
 * of what it is about to fetch from the program, so that what was fetched
 * can always be queued; echo has some room that writers leave.
 */

#include <sys/devvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/selinfo.h>
#include <sys/synch.h>
#include <sys/systm.h>
#include <sys/tty.h>
#include <sys/ttycom.h>
#include <sys/uio.h>

#define IN_SIZE		4096		/* powers of two */
#define OUT_SIZE	8192
#define OUT_LOW		(OUT_SIZE / 2)	/* writers go on */
#define OUT_ECHO	1024		/* room that writers leave to echo */
#define OUT_MAX		8		/* bytes that one character becomes */
#define WRITE_CHUNK	256
#define KILL_MAX	256		/* columns that are wiped, not skipped */
#define CLOSE_NSEC	SEC_TO_NSEC(3)	/* for output at the last close */

/* marks in the input queue */
#define IN_DELIM	0x100		/* ends a line */
#define IN_EOF		0x200		/* ... and is not part of it */

struct tty_priv {
	TAILQ_ENTRY(tty_priv) link;	/* proc_lock */
	struct session	*session;	/* proc_lock: its controlling terminal */
	struct tty	*tty;
	struct cdev	*cdev;
	struct cdev	*alias;		/* the driver's: see tty_alias_set() */
	struct termios2	 tio;
	struct winsize	 ws;
	bool		 open;
	bool		 hungup;	/* since the last open */
	bool		 gone;		/* is being detached */
	bool		 stopped;	/* ^S */
	bool		 lnext;		/* the next character is literal */
	bool		 throttled;	/* the driver was refused some input */
	bool		 outwait, drainwait;
	u_int		 col, canoncol;	/* of the cursor; where the line began */
	uint32_t	 in_read, in_canon, in_write;	/* counted, not wrapped */
	uint32_t	 out_read, out_write;
	u_int		 out_reserved;
	struct selinfo	 rsel, wsel;
	uint16_t	 in[IN_SIZE];
	u_char		 out[OUT_SIZE];
};

static TAILQ_HEAD(, tty_priv) alltys = TAILQ_HEAD_INITIALIZER(alltys);
static struct tty	*console;	/* proc_lock, as the list */

static const struct cdevsw tty_cdevsw, ctty_cdevsw, console_cdevsw;
static const struct cdevsw alias_cdevsw;

#define FLAG(t, which, bit)	(((t)->tio.c_##which & (bit)) != 0)

static bool
is_cc(const struct tty_priv *t, u_int which, u_int c)
{
	return (c != 0 && t->tio.c_cc[which] == c);
}

/* --- signals and sessions ----------------------------------------------- */

/* Is the terminal still there?  Its memory is the driver's. */
static struct tty_priv *
tty_find(const struct tty *tp)
{
	struct tty_priv *t;

	MUTEX_ASSERT_LOCKED(&proc_lock);
	TAILQ_FOREACH(t, &alltys, link) {
		if (t->tty == tp)
			break;
	}
	return (t);
}

/* To the foreground; any context. */
static void
tty_signal(struct tty *tp, int sig)
{
	struct tty_priv *t;
	pid_t pgid = 0;

	mtx_enter(&proc_lock);
	if ((t = tty_find(tp)) != NULL && t->session != NULL)
		pgid = t->session->s_fgpgrp;
	mtx_leave(&proc_lock);
	if (pgid != 0)
		pgsignal(pgid, sig);
}

static void
tty_signals(struct tty *tp, sigset_t sigs)
{
	int sig;

	for (; sigs != 0; sigs &= ~SIGBIT(sig)) {
		sig = __builtin_ctzll(sigs) + 1;
		tty_signal(tp, sig);
	}
}

/*
 * The session loses its terminal, and who is in the foreground hears of it;
 * the leader too if it was the terminal that went away.
 */
static void
tty_disown(struct tty *tp, struct session *only)
{
	struct ksiginfo ksi = { .ksi_code = SI_KERNEL };
	struct tty_priv *t;
	struct session *s;
	struct proc *p;
	pid_t pgid = 0;

	mtx_enter(&proc_lock);
	if ((t = tty_find(tp)) != NULL && (s = t->session) != NULL &&
	    (only == NULL || s == only)) {
		pgid = s->s_fgpgrp;
		t->session = NULL;
		s->s_tty = NULL;
		s->s_fgpgrp = 0;
		if (only == NULL && s->s_sid != pgid &&
		    (p = proc_find(s->s_sid)) != NULL) {
			psignal_locked(p, SIGHUP, &ksi);
			psignal_locked(p, SIGCONT, &ksi);
		}
	}
	mtx_leave(&proc_lock);
	if (pgid != 0) {
		pgsignal(pgid, SIGHUP);
		pgsignal(pgid, SIGCONT);
	}
}

void
tty_session_end(struct tty *tp, struct session *s)
{
	tty_disown(tp, s);
}

static int
tty_claim(struct tty_priv *t)
{
	struct proc *p = curproc;
	struct session *s = p->p_session;

	MUTEX_ASSERT_LOCKED(&proc_lock);
	if (s->s_sid == p->p_pid && s->s_tty == t->tty)
		return (0);
	if (s->s_sid != p->p_pid || s->s_tty != NULL || t->session != NULL)
		return (EPERM);
	s->s_tty = t->tty;
	s->s_fgpgrp = p->p_pgid;
	t->session = s;
	return (0);
}

void
tty_setctty(struct cdev *cd)
{
	struct tty_priv *t;

	if (curproc == NULL)
		return;
	mtx_enter(&proc_lock);
	TAILQ_FOREACH(t, &alltys, link) {
		if (t->cdev == cd)
			(void)tty_claim(t);
	}
	mtx_leave(&proc_lock);
}

uint32_t
tty_session_dev(const struct session *s)
{
	struct tty_priv *t;

	MUTEX_ASSERT_LOCKED(&proc_lock);
	if (s->s_tty == NULL || (t = tty_find(s->s_tty)) == NULL)
		return (0);
	return (t->cdev->cd_rdev);
}

/* A group that nobody of its session would continue must not be stopped. */
static bool
pgrp_orphaned(pid_t pgid)
{
	struct proc *p;

	MUTEX_ASSERT_LOCKED(&proc_lock);
	LIST_FOREACH(p, &allprocs, p_all) {
		if (p->p_pgid == pgid && p->p_state != PS_ZOMBIE &&
		    p->p_parent != NULL && p->p_parent->p_pgid != pgid &&
		    p->p_parent->p_session == p->p_session)
			return (false);
	}
	return (true);
}

/*
 * May the current process do this, or is it in the background?  ERESTART: it
 * has been sent the signal and asks again afterwards.
 */
static int
tty_background(struct tty *tp, int sig)
{
	struct proc *p = curproc;
	struct session *s;
	bool back, orphan = false, ignored;
	pid_t pgid;

	if (p == NULL)
		return (0);
	mtx_enter(&proc_lock);
	s = p->p_session;
	pgid = p->p_pgid;
	back = s->s_tty == tp && s->s_fgpgrp != pgid;
	if (back)
		orphan = pgrp_orphaned(pgid);
	ignored = sig_ignored(p, sig);
	mtx_leave(&proc_lock);
	if (!back)
		return (0);
	if (ignored)
		return (sig == SIGTTIN ? EIO : 0);
	if (orphan)
		return (EIO);
	pgsignal(pgid, sig);
	return (ERESTART);
}

/* --- output ------------------------------------------------------------- */

static u_int
out_used(const struct tty_priv *t)
{
	return (t->out_write - t->out_read);
}

static u_int
out_room(const struct tty_priv *t, u_int leave)
{
	u_int taken = out_used(t) + t->out_reserved + leave;

	return (taken < OUT_SIZE ? OUT_SIZE - taken : 0);
}

static void
out_put(struct tty_priv *t, u_int c)
{
	KASSERT(out_used(t) < OUT_SIZE);
	t->out[t->out_write++ % OUT_SIZE] = c;
}

static void
out_tab(struct tty_priv *t)
{
	u_int n = 8 - (t->col & 7);

	t->col += n;
	if ((t->tio.c_oflag & TABDLY) != TAB3)
		out_put(t, '\t');
	else
		while (n-- > 0)
			out_put(t, ' ');
}

/* One character as the settings will have it: at most OUT_MAX bytes. */
static void
out_char(struct tty_priv *t, u_int c)
{
	if (!FLAG(t, oflag, OPOST)) {
		out_put(t, c);
		return;
	}
	if (c == '\r' && FLAG(t, oflag, ONOCR) && t->col == 0)
		return;
	if (c == '\r' && FLAG(t, oflag, OCRNL)) {
		if (FLAG(t, oflag, ONLRET))
			t->col = 0;
		out_put(t, '\n');
		return;
	}
	switch (c) {
	case '\n':
		if (FLAG(t, oflag, ONLCR))
			out_put(t, '\r');
		if (FLAG(t, oflag, ONLCR) || FLAG(t, oflag, ONLRET))
			t->col = 0;
		break;
	case '\r':
		t->col = 0;
		break;
	case '\b':
		if (t->col > 0)
			t->col--;
		break;
	case '\t':
		out_tab(t);
		return;
	default:
		if (c >= ' ' && c != 0x7f &&
		    !(FLAG(t, iflag, IUTF8) && (c & 0xc0) == 0x80))
			t->col++;
	}
	out_put(t, c);
}

static void
out_start(struct tty_priv *t)
{
	MUTEX_ASSERT_LOCKED(&t->tty->t_mtx);
	if (out_used(t) != 0 && !t->stopped && !t->gone)
		t->tty->t_ops->to_start(t->tty);
}

/* There is room again: for writers below the mark, for who drains at 0. */
static void
out_wake(struct tty_priv *t)
{
	MUTEX_ASSERT_LOCKED(&t->tty->t_mtx);
	if (t->outwait && (out_used(t) <= OUT_LOW || t->hungup)) {
		t->outwait = false;
		wakeup(&t->out);
		selwakeup(&t->wsel);
	}
	if (t->drainwait && (out_used(t) == 0 || t->hungup)) {
		t->drainwait = false;
		wakeup(&t->out_read);
	}
}

static void
out_flush(struct tty_priv *t)
{
	t->out_read = t->out_write;
	out_wake(t);
}

static void
out_go(struct tty_priv *t, bool go)
{
	t->stopped = !go;
	if (go)
		out_start(t);
}

size_t
tty_output(struct tty *tp, void *buf, size_t n)
{
	struct tty_priv *t = tp->t_priv;
	u_char *p = buf;
	size_t i;

	MUTEX_ASSERT_LOCKED(&tp->t_mtx);
	if (t == NULL || t->stopped)
		return (0);
	n = MIN(n, out_used(t));
	for (i = 0; i < n; i++)
		p[i] = t->out[t->out_read++ % OUT_SIZE];
	if (n != 0)
		out_wake(t);
	return (n);
}

void
tty_more(struct tty *tp)
{
	mtx_enter(&tp->t_mtx);
	if (tp->t_priv != NULL)
		out_start(tp->t_priv);
	mtx_leave(&tp->t_mtx);
}

/* Until all is with the device.  EINTR; EWOULDBLOCK: no end in that time. */
static int
out_drain(struct tty_priv *t, int pri, uint64_t nsec)
{
	int error = 0;

	MUTEX_ASSERT_LOCKED(&t->tty->t_mtx);
	while (error == 0 && out_used(t) != 0 && !t->hungup) {
		t->drainwait = true;
		error = msleep_nsec(&t->out_read, &t->tty->t_mtx, pri,
		    "ttydrain", nsec);
	}
	return (error);
}

/* --- echo --------------------------------------------------------------- */

/* What does not fit is not shown: the program that reads is not concerned. */
static void
echo_raw(struct tty_priv *t, u_int c)
{
	if (out_room(t, 0) >= OUT_MAX)
		out_char(t, c);
}

static bool
is_control(u_int c)
{
	return (c < ' ' || c == 0x7f);
}

static void
echo_char(struct tty_priv *t, u_int c)
{
	if (!FLAG(t, lflag, ECHO))
		return;
	if (is_control(c) && c != '\t' && FLAG(t, lflag, ECHOCTL)) {
		echo_raw(t, '^');
		echo_raw(t, c ^ 0x40);
	} else
		echo_raw(t, c);
}

static void
echo_newline(struct tty_priv *t)
{
	if (FLAG(t, lflag, ECHO) ||
	    (FLAG(t, lflag, ECHONL) && FLAG(t, lflag, ICANON)))
		echo_raw(t, '\n');
}

/* The column behind the line being edited. */
static u_int
line_end(const struct tty_priv *t)
{
	u_int col = t->canoncol, c;
	uint32_t i;

	for (i = t->in_canon; i != t->in_write; i++) {
		c = t->in[i % IN_SIZE] & 0xff;
		if (c == '\t')
			col = (col | 7) + 1;
		else if (is_control(c))
			col += FLAG(t, lflag, ECHOCTL) ? 2 : 0;
		else if (!(FLAG(t, iflag, IUTF8) && (c & 0xc0) == 0x80))
			col++;
	}
	return (col);
}

static void
echo_wipe(struct tty_priv *t, u_int n)
{
	while (n-- > 0) {
		echo_raw(t, '\b');
		echo_raw(t, ' ');
		echo_raw(t, '\b');
	}
}

/* --- the line being edited ---------------------------------------------- */

/* What the character before the cursor is; -1: the line is empty. */
static int
line_last(const struct tty_priv *t)
{
	if (t->in_write == t->in_canon)
		return (-1);
	return (t->in[(t->in_write - 1) % IN_SIZE] & 0xff);
}

static void
line_drop(struct tty_priv *t)
{
	int c;

	do {
		c = line_last(t);
		t->in_write--;
	} while (FLAG(t, iflag, IUTF8) && (c & 0xc0) == 0x80 &&
	    line_last(t) != -1);
}

static void
line_erase(struct tty_priv *t, u_int c)
{
	u_int end = line_end(t);

	if (line_last(t) == -1)
		return;
	line_drop(t);
	if (FLAG(t, lflag, ECHO) && FLAG(t, lflag, ECHOE))
		echo_wipe(t, end - line_end(t));
	else
		echo_char(t, c);
}

static bool
is_blank(int c)
{
	return (c == ' ' || c == '\t');
}

static void
line_erase_word(struct tty_priv *t, u_int c)
{
	u_int end = line_end(t);

	if (line_last(t) == -1)
		return;
	while (is_blank(line_last(t)))
		line_drop(t);
	while (line_last(t) != -1 && !is_blank(line_last(t)))
		line_drop(t);
	if (FLAG(t, lflag, ECHO) && FLAG(t, lflag, ECHOE))
		echo_wipe(t, end - line_end(t));
	else
		echo_char(t, c);
}

static void
line_kill(struct tty_priv *t, u_int c)
{
	u_int width = line_end(t) - t->canoncol;

	t->in_write = t->in_canon;
	if (!FLAG(t, lflag, ECHO))
		return;
	if (FLAG(t, lflag, ECHOKE) && FLAG(t, lflag, ECHOE) &&
	    width <= KILL_MAX) {
		echo_wipe(t, width);
		return;
	}
	echo_char(t, c);
	if (FLAG(t, lflag, ECHOK))
		echo_raw(t, '\n');
}

static void
line_reprint(struct tty_priv *t, u_int c)
{
	uint32_t i;

	if (!FLAG(t, lflag, ECHO))
		return;
	echo_char(t, c);
	echo_raw(t, '\n');
	t->canoncol = t->col;
	for (i = t->in_canon; i != t->in_write; i++)
		echo_char(t, t->in[i % IN_SIZE] & 0xff);
}

/* --- input -------------------------------------------------------------- */

static u_int
in_used(const struct tty_priv *t)
{
	return (t->in_write - t->in_read);
}

static void
in_wake(struct tty_priv *t)
{
	wakeup(&t->in);
	selwakeup(&t->rsel);
}

static void
in_flush(struct tty_priv *t)
{
	t->in_read = t->in_canon = t->in_write;
	t->lnext = false;
}

static void
in_bell(struct tty_priv *t)
{
	if (FLAG(t, iflag, IMAXBEL) && out_room(t, 0) > 0)
		out_put(t, '\a');
}

/*
 * There is no room.  A line that is too long can only lose; else a driver
 * that can wait keeps the rest, and one that cannot must drop it.
 */
static bool
in_full(struct tty_priv *t)
{
	if (t->tty->t_ops->to_unthrottle != NULL &&
	    !(FLAG(t, lflag, ICANON) && t->in_canon == t->in_read)) {
		t->throttled = true;
		return (false);
	}
	in_bell(t);
	return (true);
}

/* A character of a line; one place is left for what ends it. */
static bool
in_text(struct tty_priv *t, u_int c)
{
	if (in_used(t) >= IN_SIZE - 1)
		return (in_full(t));
	if (t->in_write == t->in_canon)
		t->canoncol = t->col;
	t->in[t->in_write++ % IN_SIZE] = c;
	echo_char(t, c);
	return (true);
}

static bool
in_line(struct tty_priv *t, u_int c)
{
	if (in_used(t) >= IN_SIZE)
		return (in_full(t));
	t->in[t->in_write++ % IN_SIZE] = c | IN_DELIM;
	t->in_canon = t->in_write;
	if (c == '\n')
		echo_newline(t);
	else if (!(c & IN_EOF))
		echo_char(t, c);
	in_wake(t);
	return (true);
}

static bool
in_raw(struct tty_priv *t, u_int c)
{
	if (in_used(t) >= IN_SIZE)
		return (in_full(t));
	t->in[t->in_write++ % IN_SIZE] = c;
	if (c == '\n')
		echo_newline(t);
	else
		echo_char(t, c);
	in_wake(t);
	return (true);
}

static bool
is_erase(const struct tty_priv *t, u_int c)
{
	u_int cc = t->tio.c_cc[VERASE];

	/* keyboards do not agree which of the two they have */
	if ((c == '\b' || c == 0x7f) && (cc == '\b' || cc == 0x7f))
		return (true);
	return (is_cc(t, VERASE, c));
}

static bool
in_canonical(struct tty_priv *t, u_int c)
{
	bool ext = FLAG(t, lflag, IEXTEN);

	if (is_erase(t, c))
		line_erase(t, c);
	else if (is_cc(t, VKILL, c))
		line_kill(t, c);
	else if (ext && is_cc(t, VWERASE, c))
		line_erase_word(t, c);
	else if (ext && is_cc(t, VREPRINT, c))
		line_reprint(t, c);
	else if (ext && is_cc(t, VLNEXT, c)) {
		t->lnext = true;
		if (FLAG(t, lflag, ECHO) && FLAG(t, lflag, ECHOCTL)) {
			echo_raw(t, '^');
			echo_raw(t, '\b');
		}
	} else if (is_cc(t, VEOF, c))
		return (in_line(t, IN_EOF));
	else if (c == '\n' || is_cc(t, VEOL, c) ||
	    (ext && is_cc(t, VEOL2, c)))
		return (in_line(t, c));
	else
		return (in_text(t, c));
	return (true);
}

/* ^C and the like; 0: it is none. */
static int
in_signal(struct tty_priv *t, u_int c)
{
	int sig;

	if (is_cc(t, VINTR, c))
		sig = SIGINT;
	else if (is_cc(t, VQUIT, c))
		sig = SIGQUIT;
	else if (is_cc(t, VSUSP, c))
		sig = SIGTSTP;
	else
		return (0);
	if (!FLAG(t, lflag, NOFLSH)) {
		in_flush(t);
		out_flush(t);
	}
	t->stopped = false;
	echo_char(t, c);
	return (sig);
}

/* False: there was no room, the driver keeps it. */
static bool
in_char(struct tty_priv *t, u_int c, sigset_t *sigs)
{
	int sig;

	if (FLAG(t, iflag, ISTRIP))
		c &= 0x7f;
	if (t->lnext) {
		if (!in_text(t, c))
			return (false);
		t->lnext = false;
		return (true);
	}
	if (FLAG(t, iflag, IXON)) {
		if (is_cc(t, VSTOP, c) || is_cc(t, VSTART, c)) {
			t->stopped = is_cc(t, VSTOP, c) &&
			    !(is_cc(t, VSTART, c) && t->stopped);
			return (true);
		}
		if (FLAG(t, iflag, IXANY))
			t->stopped = false;
	}
	if (FLAG(t, lflag, ISIG) && (sig = in_signal(t, c)) != 0) {
		*sigs |= SIGBIT(sig);
		return (true);
	}
	if (c == '\r') {
		if (FLAG(t, iflag, IGNCR))
			return (true);
		if (FLAG(t, iflag, ICRNL))
			c = '\n';
	} else if (c == '\n' && FLAG(t, iflag, INLCR))
		c = '\r';
	return (FLAG(t, lflag, ICANON) ? in_canonical(t, c) : in_raw(t, c));
}

size_t
tty_input(struct tty *tp, const void *buf, size_t n)
{
	const u_char *p = buf;
	struct tty_priv *t;
	sigset_t sigs = 0;
	size_t i = n;

	mtx_enter(&tp->t_mtx);
	if ((t = tp->t_priv) != NULL && !t->open && !t->gone &&
	    tp->t_ops->to_unthrottle != NULL) {
		/* it waits in the device until somebody opens the terminal */
		t->throttled = true;
		i = 0;
	} else if (t != NULL && t->open && !t->gone) {
		for (i = 0; i < n; i++) {
			if (!in_char(t, p[i], &sigs))
				break;
		}
		out_start(t);
	}
	mtx_leave(&tp->t_mtx);
	tty_signals(tp, sigs);
	return (i);
}

/* --- read --------------------------------------------------------------- */

/* How VMIN and VTIME count for one read(2). */
struct read_wait {
	uint64_t	rw_since;	/* the start, or the last byte */
	u_int		rw_seen;	/* bytes that were there then */
};

/*
 * Is there something to return?  Else how long to wait for it: *nsec, where
 * 0 means that the time is over.
 */
static bool
read_ready(struct tty_priv *t, size_t size, struct read_wait *rw,
    uint64_t *nsec)
{
	u_int min = t->tio.c_cc[VMIN], have = in_used(t);
	uint64_t time = t->tio.c_cc[VTIME] * MSEC_TO_NSEC(100), now;

	*nsec = INFSLP;
	if (FLAG(t, lflag, ICANON))
		return (t->in_canon != t->in_read);
	if (have >= MIN(MAX(min, 1), size) || (min == 0 && time == 0))
		return (true);
	if (time == 0 || (min != 0 && have == 0))
		return (false);
	now = nsecuptime();
	/* with VMIN the time is that between two bytes */
	if (rw->rw_since == 0 || (min != 0 && have != rw->rw_seen))
		rw->rw_since = now;
	rw->rw_seen = have;
	*nsec = now - rw->rw_since < time ? time - (now - rw->rw_since) : 0;
	return (*nsec == 0);
}

static size_t
take_line(struct tty_priv *t, u_char *buf, size_t size)
{
	size_t n = 0;
	u_int c;

	while (t->in_read != t->in_canon) {
		c = t->in[t->in_read % IN_SIZE];
		/* a full buffer: an end of file right behind goes with it */
		if (n == size && !(c & IN_EOF))
			break;
		t->in_read++;
		if (!(c & IN_EOF))
			buf[n++] = c;
		if (c & IN_DELIM)
			break;
	}
	return (n);
}

static size_t
take_raw(struct tty_priv *t, u_char *buf, size_t size)
{
	size_t n = 0;
	u_int c;

	while (n < size && t->in_read != t->in_write) {
		c = t->in[t->in_read++ % IN_SIZE];
		if (!(c & IN_EOF))
			buf[n++] = c;
	}
	t->in_canon = t->in_read;
	return (n);
}

/* Room for input again?  Tells whether the driver has to hear of it. */
static bool
in_unthrottle(struct tty_priv *t)
{
	if (!t->throttled || (in_used(t) > IN_SIZE / 2 &&
	    !(FLAG(t, lflag, ICANON) && t->in_canon == t->in_read)))
		return (false);
	t->throttled = false;
	return (true);
}

#define READ_AGAIN	(-20)		/* no errno: something has happened */

/* With the mutex: take what there is, or wait once. */
static int
read_once(struct tty_priv *t, u_char *buf, size_t size, int flags,
    struct read_wait *rw, size_t *np)
{
	uint64_t nsec;
	int error;

	if (read_ready(t, size, rw, &nsec) || (in_used(t) != 0 &&
	    (flags & FNONBLOCK) && !FLAG(t, lflag, ICANON))) {
		*np = FLAG(t, lflag, ICANON) ? take_line(t, buf, size) :
		    take_raw(t, buf, size);
		return (0);
	}
	*np = 0;
	if (t->hungup)
		return (0);		/* the end of the file */
	if (flags & FNONBLOCK)
		return (EAGAIN);
	error = msleep_nsec(&t->in, &t->tty->t_mtx, PRI_USER | PCATCH,
	    "ttyin", nsec);
	return (error == 0 || error == EWOULDBLOCK ? READ_AGAIN :
	    error);
}

static int
tty_read(struct cdev *cd, struct uio *uio, int flags)
{
	struct tty *tp = dev_arg(cd);
	struct tty_priv *t = tp->t_priv;
	struct read_wait rw = { .rw_since = 0 };
	size_t size = MIN(uio->uio_resid, IN_SIZE), n = 0;
	bool more;
	u_char *buf;
	int error;

	if (size == 0)
		return (0);
	if ((buf = kmem_alloc(size, KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	do {
		/* each time: it may have gone to the background meanwhile */
		if ((error = tty_background(tp, SIGTTIN)) != 0)
			break;
		mtx_enter(&tp->t_mtx);
		error = read_once(t, buf, size, flags, &rw, &n);
		more = in_unthrottle(t);
		mtx_leave(&tp->t_mtx);
		if (more)
			tp->t_ops->to_unthrottle(tp);
	} while (error == READ_AGAIN);
	if (error == 0)
		error = uiomove(buf, n, uio);
	kmem_free(buf, size);
	return (error);
}

/* --- write -------------------------------------------------------------- */

/* Reserve room for up to n characters; how many to *np. */
static int
write_reserve(struct tty_priv *t, size_t n, int flags, size_t *np)
{
	u_int room;
	int error = 0;

	MUTEX_ASSERT_LOCKED(&t->tty->t_mtx);
	while (error == 0) {
		if (t->hungup)
			return (EIO);
		if ((room = out_room(t, OUT_ECHO) / OUT_MAX) != 0) {
			*np = MIN(n, room);
			t->out_reserved += *np * OUT_MAX;
			return (0);
		}
		if (flags & FNONBLOCK)
			return (EAGAIN);
		out_start(t);
		if (out_room(t, OUT_ECHO) >= OUT_MAX)
			continue;
		t->outwait = true;
		error = msleep_nsec(&t->out, &t->tty->t_mtx,
		    PRI_USER | PCATCH, "ttyout", INFSLP);
	}
	return (error);
}

static int
write_chunk(struct tty *tp, struct uio *uio, int flags)
{
	struct tty_priv *t = tp->t_priv;
	u_char buf[WRITE_CHUNK];
	size_t n, i, moved;
	int error;

	mtx_enter(&tp->t_mtx);
	error = write_reserve(t, MIN(uio->uio_resid, sizeof(buf)), flags, &n);
	mtx_leave(&tp->t_mtx);
	if (error != 0)
		return (error);
	moved = uio->uio_resid;
	error = uiomove(buf, n, uio);
	moved -= uio->uio_resid;
	mtx_enter(&tp->t_mtx);
	t->out_reserved -= n * OUT_MAX;
	if (t->hungup && error == 0)
		error = EIO;
	for (i = 0; i < moved && !t->hungup; i++)
		out_char(t, buf[i]);
	out_start(t);
	mtx_leave(&tp->t_mtx);
	return (error);
}

static int
tty_write(struct cdev *cd, struct uio *uio, int flags)
{
	struct tty *tp = dev_arg(cd);
	struct tty_priv *t = tp->t_priv;
	bool stop;
	int error = 0;

	mtx_enter(&tp->t_mtx);
	stop = FLAG(t, lflag, TOSTOP);
	mtx_leave(&tp->t_mtx);
	if (stop && (error = tty_background(tp, SIGTTOU)) != 0)
		return (error);
	while (error == 0 && uio->uio_resid > 0)
		error = write_chunk(tp, uio, flags);
	return (error);
}

/* --- poll, open, close -------------------------------------------------- */

static int
tty_poll(struct cdev *cd, int events, struct selreq *sr)
{
	struct tty *tp = dev_arg(cd);
	struct tty_priv *t = tp->t_priv;
	u_int min;
	int revents = 0;

	mtx_enter(&tp->t_mtx);
	min = t->tio.c_cc[VMIN];
	if (FLAG(t, lflag, ICANON) ? t->in_canon != t->in_read :
	    in_used(t) >= (t->tio.c_cc[VTIME] == 0 && min != 0 ? min : 1))
		revents |= POLLIN | POLLRDNORM;
	if (t->hungup)
		revents |= POLLIN | POLLRDNORM | POLLHUP;
	else if (out_room(t, OUT_ECHO) >= OUT_MAX)
		revents |= POLLOUT | POLLWRNORM;
	revents &= events;
	if (revents == 0) {
		if (events & (POLLOUT | POLLWRNORM))
			t->outwait = true;
		selrecord(sr, &t->rsel);
		selrecord(sr, &t->wsel);
	}
	mtx_leave(&tp->t_mtx);
	return (revents);
}

static int
tty_open(struct cdev *cd, int flags __unused)
{
	struct tty *tp = dev_arg(cd);
	struct tty_priv *t = tp->t_priv;
	bool more;

	mtx_enter(&tp->t_mtx);
	t->open = true;
	t->hungup = t->gone;
	more = in_unthrottle(t);
	mtx_leave(&tp->t_mtx);
	if (tp->t_ops->to_open != NULL)
		tp->t_ops->to_open(tp);
	if (more)
		tp->t_ops->to_unthrottle(tp);
	return (0);
}

static int
tty_close(struct cdev *cd, int flags __unused)
{
	struct tty *tp = dev_arg(cd);
	struct tty_priv *t = tp->t_priv;

	mtx_enter(&tp->t_mtx);
	/* nobody is left to type ^Q */
	out_go(t, true);
	(void)out_drain(t, PRI_USER, CLOSE_NSEC);
	out_flush(t);
	in_flush(t);
	t->throttled = false;
	t->open = false;
	mtx_leave(&tp->t_mtx);
	if (tp->t_ops->to_close != NULL)
		tp->t_ops->to_close(tp);
	return (0);
}

/* --- settings ----------------------------------------------------------- */

static const struct termios2 tty_defaults = {
	.c_iflag = BRKINT | ICRNL | IXON | IMAXBEL | IUTF8,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B115200 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL |
	    ECHOKE,
	.c_cc = {
		[VINTR] = 'C' & 037, [VQUIT] = '\\' & 037, [VERASE] = 0x7f,
		[VKILL] = 'U' & 037, [VEOF] = 'D' & 037, [VMIN] = 1,
		[VSTART] = 'Q' & 037, [VSTOP] = 'S' & 037,
		[VSUSP] = 'Z' & 037, [VREPRINT] = 'R' & 037,
		[VDISCARD] = 'O' & 037, [VWERASE] = 'W' & 037,
		[VLNEXT] = 'V' & 037,
	},
	.c_ispeed = 115200,
	.c_ospeed = 115200,
};

/* What was typed before a change of mode is read in the new one. */
static void
tty_newmode(struct tty_priv *t, bool wascanon)
{
	bool canon = FLAG(t, lflag, ICANON);

	if (canon && !wascanon && t->in_read != t->in_write) {
		t->in[(t->in_write - 1) % IN_SIZE] |= IN_DELIM;
		t->in_canon = t->in_write;
	} else if (canon && !wascanon)
		t->in_canon = t->in_write;
	if (!FLAG(t, iflag, IXON) && t->stopped)
		out_go(t, true);
	t->lnext = false;
	in_wake(t);
}

static int
tty_set(struct tty *tp, const void *user, size_t size, bool drain, bool flush)
{
	struct tty_priv *t = tp->t_priv;
	struct termios2 tio;
	bool canon, more;
	int error;

	mtx_enter(&tp->t_mtx);
	tio = t->tio;
	mtx_leave(&tp->t_mtx);
	if ((error = copyin(user, &tio, size)) != 0)
		return (error);
	mtx_enter(&tp->t_mtx);
	if (drain)
		error = out_drain(t, PRI_USER | PCATCH, INFSLP);
	if (error == 0) {
		if (flush)
			in_flush(t);
		canon = FLAG(t, lflag, ICANON);
		t->tio = tio;
		tty_newmode(t, canon);
	}
	more = in_unthrottle(t);
	mtx_leave(&tp->t_mtx);
	if (more)
		tp->t_ops->to_unthrottle(tp);
	return (error);
}

static int
tty_get(struct tty *tp, void *user, size_t size)
{
	struct termios2 tio;

	mtx_enter(&tp->t_mtx);
	tio = tp->t_priv->tio;
	mtx_leave(&tp->t_mtx);
	return (copyout(&tio, user, size));
}

static void
tty_setsize(struct tty *tp, const struct winsize *ws)
{
	struct tty_priv *t;
	bool changed = false;

	mtx_enter(&tp->t_mtx);
	if ((t = tp->t_priv) != NULL) {
		changed = memcmp(&t->ws, ws, sizeof(*ws)) != 0;
		t->ws = *ws;
	}
	mtx_leave(&tp->t_mtx);
	if (changed)
		tty_signal(tp, SIGWINCH);
}

void
tty_winsize(struct tty *tp, u_int cols, u_int rows)
{
	struct winsize ws = { .ws_row = MIN(rows, UINT16_MAX),
	    .ws_col = MIN(cols, UINT16_MAX) };

	tty_setsize(tp, &ws);
}

static int
tty_flow(struct tty *tp, int how)
{
	struct tty_priv *t = tp->t_priv;
	int error = 0;

	mtx_enter(&tp->t_mtx);
	switch (how) {
	case TCOOFF:
	case TCOON:
		out_go(t, how == TCOON);
		break;
	case TCIOFF:
	case TCION:
		if (out_room(t, 0) > 0)
			out_put(t, t->tio.c_cc[how == TCION ? VSTART :
			    VSTOP]);
		out_start(t);
		break;
	default:
		error = EINVAL;
	}
	mtx_leave(&tp->t_mtx);
	return (error);
}

static int
tty_flush(struct tty *tp, int what)
{
	struct tty_priv *t = tp->t_priv;
	bool more;

	if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
		return (EINVAL);
	mtx_enter(&tp->t_mtx);
	if (what != TCOFLUSH)
		in_flush(t);
	if (what != TCIFLUSH)
		out_flush(t);
	more = in_unthrottle(t);
	mtx_leave(&tp->t_mtx);
	if (more)
		tp->t_ops->to_unthrottle(tp);
	return (0);
}

/* --- ioctl -------------------------------------------------------------- */

/* Commands about sessions and groups; only on one's own terminal. */
static int
tty_getpgrp(struct tty *tp, u_long cmd, void *user)
{
	struct session *s;
	int v = 0, error = 0;

	mtx_enter(&proc_lock);
	s = curproc->p_session;
	if (s->s_tty != tp)
		error = ENOTTY;
	else
		v = cmd == TIOCGSID ? s->s_sid : s->s_fgpgrp;
	mtx_leave(&proc_lock);
	return (error != 0 ? error : copyout(&v, user, sizeof(v)));
}

static int
tty_setpgrp(struct tty *tp, const void *user)
{
	struct session *s;
	struct proc *p;
	int pgid, error;

	if ((error = copyin(user, &pgid, sizeof(pgid))) != 0)
		return (error);
	if (pgid < 0)
		return (EINVAL);
	mtx_enter(&proc_lock);
	s = curproc->p_session;
	LIST_FOREACH(p, &allprocs, p_all) {
		if (p->p_pgid == pgid)
			break;
	}
	if (s->s_tty != tp)
		error = ENOTTY;
	else if (p == NULL)
		error = ESRCH;
	else if (p->p_session != s)
		error = EPERM;
	else
		s->s_fgpgrp = pgid;
	mtx_leave(&proc_lock);
	return (error);
}

/* Others of the session cannot give it up for themselves alone. */
static int
tty_notty(struct tty *tp)
{
	struct session *s;
	bool leader;
	int error;

	mtx_enter(&proc_lock);
	s = curproc->p_session;
	leader = s->s_sid == curproc->p_pid;
	error = s->s_tty != tp ? ENOTTY : leader ? 0 : EPERM;
	mtx_leave(&proc_lock);
	if (error == 0)
		tty_disown(tp, s);
	return (error);
}

static int
tty_sctty(struct tty *tp)
{
	struct tty_priv *t;
	int error = EIO;

	mtx_enter(&proc_lock);
	if ((t = tty_find(tp)) != NULL)
		error = tty_claim(t);
	mtx_leave(&proc_lock);
	return (error);
}

static int
tty_count(struct tty *tp, u_long cmd, void *user)
{
	struct tty_priv *t = tp->t_priv;
	int n;

	mtx_enter(&tp->t_mtx);
	if (cmd == TIOCOUTQ)
		n = out_used(t);
	else if (FLAG(t, lflag, ICANON))
		n = t->in_canon - t->in_read;
	else
		n = in_used(t);
	mtx_leave(&tp->t_mtx);
	return (copyout(&n, user, sizeof(n)));
}

static int
tty_size_ioctl(struct tty *tp, u_long cmd, void *user)
{
	struct winsize ws;
	int error;

	if (cmd == TIOCGWINSZ) {
		mtx_enter(&tp->t_mtx);
		ws = tp->t_priv->ws;
		mtx_leave(&tp->t_mtx);
		return (copyout(&ws, user, sizeof(ws)));
	}
	if ((error = copyin(user, &ws, sizeof(ws))) == 0)
		tty_setsize(tp, &ws);
	return (error);
}

/* Those that a process in the background must not do. */
static bool
tty_changes(u_long cmd)
{
	switch (cmd) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
	case TIOCSPGRP:
		return (true);
	default:
		return (false);
	}
}

static int
tty_drain(struct tty *tp)
{
	int error;

	mtx_enter(&tp->t_mtx);
	error = out_drain(tp->t_priv, PRI_USER | PCATCH, INFSLP);
	mtx_leave(&tp->t_mtx);
	return (error);
}

static int
tty_termios_ioctl(struct tty *tp, u_long cmd, void *user)
{
	switch (cmd) {
	case TCGETS:
		return (tty_get(tp, user, TERMIOS_SIZE));
	case TCGETS2:
		return (tty_get(tp, user, sizeof(struct termios2)));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return (tty_set(tp, user, TERMIOS_SIZE, cmd != TCSETS,
		    cmd == TCSETSF));
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return (tty_set(tp, user, sizeof(struct termios2),
		    cmd != TCSETS2, cmd == TCSETSF2));
	case TCSBRK:			/* there is no break to send */
	case TCSBRKP:
		return (tty_drain(tp));
	case TCXONC:
		return (tty_flow(tp, (int)(vaddr_t)user));
	case TCFLSH:
		return (tty_flush(tp, (int)(vaddr_t)user));
	default:
		if (tp->t_ops->to_ioctl != NULL)
			return (tp->t_ops->to_ioctl(tp, cmd, user));
		return (ENOTTY);
	}
}

static int
tty_ioctl(struct cdev *cd, u_long cmd, void *user, int flags __unused)
{
	static const int ldisc;
	struct tty *tp = dev_arg(cd);
	int error;

	cmd = (uint32_t)cmd;
	if (tty_changes(cmd) && (error = tty_background(tp, SIGTTOU)) != 0)
		return (error);
	switch (cmd) {
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return (tty_size_ioctl(tp, cmd, user));
	case TIOCGPGRP:
	case TIOCGSID:
		return (tty_getpgrp(tp, cmd, user));
	case TIOCSPGRP:
		return (tty_setpgrp(tp, user));
	case TIOCSCTTY:
		return (tty_sctty(tp));
	case TIOCNOTTY:
		return (tty_notty(tp));
	case FIONREAD:
	case TIOCOUTQ:
		return (tty_count(tp, cmd, user));
	case TIOCGDEV:			/* which one is the console? */
		return (copyout(&tp->t_priv->cdev->cd_rdev, user,
		    sizeof(uint32_t)));
	case TIOCGETD:
		return (copyout(&ldisc, user, sizeof(ldisc)));
	case TIOCSTI:
		return (EIO);		/* typing for others is not on offer */
	default:
		return (tty_termios_ioctl(tp, cmd, user));
	}
}

static const struct cdevsw tty_cdevsw = {
	.d_name = "tty",
	.d_open = tty_open,
	.d_close = tty_close,
	.d_read = tty_read,
	.d_write = tty_write,
	.d_ioctl = tty_ioctl,
	.d_poll = tty_poll,
	.d_flags = D_TTY | D_RAWIOCTL,
};

/* --- hangup, attach ----------------------------------------------------- */

static void
tty_cut(struct tty_priv *t, bool gone)
{
	MUTEX_ASSERT_LOCKED(&t->tty->t_mtx);
	t->hungup = true;
	t->gone = gone;
	t->outwait = t->drainwait = true;
	t->stopped = false;
	out_flush(t);
	in_wake(t);
}

void
tty_hangup(struct tty *tp)
{
	struct tty_priv *t;
	bool hangup = false;

	mtx_enter(&tp->t_mtx);
	if ((t = tp->t_priv) != NULL && t->open && !FLAG(t, cflag, CLOCAL)) {
		hangup = true;
		tty_cut(t, false);
	}
	mtx_leave(&tp->t_mtx);
	if (hangup)
		tty_disown(tp, NULL);
}

int
tty_attach(struct tty *tp, const struct tty_ops *ops, void *arg,
    const char *name)
{
	struct tty_priv *t;
	int error;

	if ((t = kmem_zalloc(sizeof(*t), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	mtx_init(&tp->t_mtx, IPL_TTY);
	tp->t_ops = ops;
	tp->t_arg = arg;
	tp->t_priv = t;
	t->tty = tp;
	t->tio = tty_defaults;
	selinit(&t->rsel);
	selinit(&t->wsel);
	error = dev_create(&t->cdev, &tty_cdevsw, tp, 0620, "%s", name);
	if (error != 0) {
		tp->t_priv = NULL;
		kmem_free(t, sizeof(*t));
		return (error);
	}
	mtx_enter(&proc_lock);
	TAILQ_INSERT_TAIL(&alltys, t, link);
	mtx_leave(&proc_lock);
	return (0);
}

void
tty_detach(struct tty *tp)
{
	struct tty_priv *t = tp->t_priv;

	if (t == NULL)
		return;
	mtx_enter(&tp->t_mtx);
	tty_cut(t, true);
	mtx_leave(&tp->t_mtx);
	tty_disown(tp, NULL);
	mtx_enter(&proc_lock);
	TAILQ_REMOVE(&alltys, t, link);
	if (t->session != NULL)
		t->session->s_tty = NULL;	/* claimed at the last moment */
	if (console == tp)
		console = NULL;
	mtx_leave(&proc_lock);
	dev_destroy(t->alias);
	dev_destroy(t->cdev);
	/* the driver's interrupt may still come */
	mtx_enter(&tp->t_mtx);
	tp->t_priv = NULL;
	mtx_leave(&tp->t_mtx);
	kmem_free(t, sizeof(*t));
}

/* --- /dev/tty, /dev/console and other names ----------------------------- */

int
tty_alias_set(struct tty *tp, const char *dir, const char *name)
{
	struct tty_priv *t = tp->t_priv;
	size_t n = strlen(dir);

	if (t->alias != NULL && name != NULL &&
	    strncmp(dev_name(t->alias), dir, n) == 0 &&
	    strcmp(dev_name(t->alias) + n, name) == 0)
		return (0);
	dev_destroy(t->alias);
	t->alias = NULL;
	return (name == NULL ? 0 : dev_create(&t->alias, &alias_cdevsw, tp,
	    0620, "%s%s", dir, name));
}

void
tty_console(struct tty *tp)
{
	mtx_enter(&proc_lock);
	console = tp;
	mtx_leave(&proc_lock);
}

int
tty_alias(struct cdev *cd, struct cdev **cdp)
{
	struct tty_priv *t = NULL;
	struct tty *tp = NULL;
	int error = 0;

	mtx_enter(&proc_lock);
	if (cd->cd_sw == &ctty_cdevsw && curproc != NULL)
		tp = curproc->p_session->s_tty;
	else if (cd->cd_sw == &console_cdevsw)
		tp = console;
	else if (cd->cd_sw == &alias_cdevsw)
		tp = dev_arg(cd);
	if (tp != NULL && (t = tty_find(tp)) != NULL)
		cd = t->cdev;
	else if (cd->cd_sw == &ctty_cdevsw || cd->cd_sw == &alias_cdevsw)
		error = ENXIO;
	if (error == 0)
		dev_ref(cd);
	mtx_leave(&proc_lock);
	*cdp = cd;
	return (error);
}

static int
console_read(struct cdev *cd __unused, struct uio *uio __unused,
    int flags __unused)
{
	return (0);
}

static int
console_write(struct cdev *cd __unused, struct uio *uio, int flags __unused)
{
	uio->uio_resid = 0;
	return (0);
}

static const struct cdevsw ctty_cdevsw = {
	.d_name = "ctty",
};

/* Of which only the name is used. */
static const struct cdevsw alias_cdevsw = {
	.d_name = "ttyalias",
};

/* While there is no console: nothing to read, and what is said is lost. */
static const struct cdevsw console_cdevsw = {
	.d_name = "console",
	.d_read = console_read,
	.d_write = console_write,
};

void
tty_init(void)
{
	struct cdev *cd;

	if (dev_create(&cd, &ctty_cdevsw, NULL, 0666, "tty") != 0 ||
	    dev_create(&cd, &console_cdevsw, NULL, 0600, "console") != 0)
		panic("tty_init: no memory");
}

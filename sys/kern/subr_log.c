/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The message buffer and the kernel's console.
 */

#include <sys/cmdline.h>
#include <sys/md.h>
#include <sys/msgbuf.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/tty.h>

static struct {
	struct mutex	mtx;
	char		buf[MSGBUF_SIZE];
	uint64_t	next;		/* bytes written so far */
	uint64_t	first;		/* of those that are shown */
} msgbuf = { .mtx = MUTEX_INITIALIZER(IPL_HIGH) };

static struct consdev	*cn_current, *cn_first, *cn_lastresort, *cn_spare;
static bool		cn_checked;
static bool		panicking;

static LIST_HEAD(, msgbuf_listener) listeners =
    LIST_HEAD_INITIALIZER(listeners);
static struct mutex	listen_mtx = MUTEX_INITIALIZER(IPL_SOFT);
static void		*listen_soft;	/* once there was a listener */

void
msgbuf_write(const char *s, size_t n)
{
	size_t i;
	bool locked;

	/* a panic while we held it must still be heard */
	if ((locked = !mtx_owned(&msgbuf.mtx)))
		mtx_enter(&msgbuf.mtx);
	for (i = 0; i < n; i++)
		msgbuf.buf[msgbuf.next++ % MSGBUF_SIZE] = s[i];
	if (msgbuf.next - msgbuf.first > MSGBUF_SIZE)
		msgbuf.first = msgbuf.next - MSGBUF_SIZE;
	cn_write(s, n);
	if (locked)
		mtx_leave(&msgbuf.mtx);
	/* whatever the caller holds, they are told when it is left */
	if (listen_soft != NULL && !panicking)
		softintr_schedule(listen_soft);
}

size_t
msgbuf_copy(char *buf, size_t n)
{
	uint64_t from;
	size_t i;

	if (!panicking)
		mtx_enter(&msgbuf.mtx);
	n = MIN(n, msgbuf.next - msgbuf.first);
	from = msgbuf.next - n;
	for (i = 0; i < n; i++)
		buf[i] = msgbuf.buf[(from + i) % MSGBUF_SIZE];
	if (!panicking)
		mtx_leave(&msgbuf.mtx);
	return (n);
}

size_t
msgbuf_len(void)
{
	return (msgbuf.next - msgbuf.first);
}

void
msgbuf_clear(void)
{
	mtx_enter(&msgbuf.mtx);
	msgbuf.first = msgbuf.next;
	mtx_leave(&msgbuf.mtx);
}

/* --- listeners ---------------------------------------------------------- */

static void
listen_tell(void *arg __unused)
{
	struct msgbuf_listener *ml;

	mtx_enter(&listen_mtx);
	LIST_FOREACH(ml, &listeners, ml_link)
		ml->ml_new(ml->ml_arg);
	mtx_leave(&listen_mtx);
}

void
msgbuf_listen(struct msgbuf_listener *ml)
{
	void *soft = NULL;

	if (listen_soft == NULL)
		soft = softintr_establish(IPL_SOFT, listen_tell, NULL);
	mtx_enter(&msgbuf.mtx);
	ml->ml_next = msgbuf.first;
	mtx_leave(&msgbuf.mtx);
	mtx_enter(&listen_mtx);
	if (soft != NULL)
		listen_soft = soft;
	LIST_INSERT_HEAD(&listeners, ml, ml_link);
	ml->ml_new(ml->ml_arg);
	mtx_leave(&listen_mtx);
}

void
msgbuf_unlisten(struct msgbuf_listener *ml)
{
	mtx_enter(&listen_mtx);
	LIST_REMOVE(ml, ml_link);
	mtx_leave(&listen_mtx);
}

size_t
msgbuf_read(struct msgbuf_listener *ml, char *buf, size_t n)
{
	size_t i;

	mtx_enter(&msgbuf.mtx);
	if (msgbuf.next - ml->ml_next > MSGBUF_SIZE)
		ml->ml_next = msgbuf.next - MSGBUF_SIZE;
	n = MIN(n, msgbuf.next - ml->ml_next);
	for (i = 0; i < n; i++)
		buf[i] = msgbuf.buf[ml->ml_next++ % MSGBUF_SIZE];
	mtx_leave(&msgbuf.mtx);
	return (n);
}

/* Once: what they do may be what went wrong. */
void
msgbuf_panic(void)
{
	static bool told;
	struct msgbuf_listener *ml;

	if (told)
		return;
	told = true;
	LIST_FOREACH(ml, &listeners, ml_link)
		ml->ml_panic(ml->ml_arg);
}

/* --- the console -------------------------------------------------------- */

/*
 * Until a console has attached, the machine's own early output serves; a
 * console for the last resort does not take its place.
 */
void
cn_write(const char *s, size_t n)
{
	int ipl = splraise(IPL_HIGH);

	if (cn_current != NULL)
		cn_current->cn_write(cn_current, s, n);
	if ((cn_current == NULL || cn_current->cn_last) &&
	    (cmdline_get("console", 0) == NULL || panicking)) {
		if (panicking && cn_current == NULL && cn_spare != NULL)
			cn_spare->cn_write(cn_spare, s, n);
		while (n-- > 0)
			md_cnputc(*s++);
	}
	splx(ipl);
}

/* Before a panic is told: somebody must hear it. */
void
cn_panic(void)
{
	panicking = true;
}

/* Make it the console; it is told what was said before and not heard. */
static void
cn_take(struct consdev *cn, bool replay)
{
	uint64_t i;

	mtx_enter(&msgbuf.mtx);
	if (replay) {
		for (i = msgbuf.next - MIN(msgbuf.next, MSGBUF_SIZE);
		    i < msgbuf.next; i++)
			cn->cn_write(cn, &msgbuf.buf[i % MSGBUF_SIZE], 1);
	}
	cn_current = cn;
	mtx_leave(&msgbuf.mtx);
	tty_console(cn->cn_tty);
}

/*
 * Hypervisors ask, unasked, for the console that Linux would have, by its
 * name there, with options behind a comma.
 */
static bool
cn_asked(const char *name, const char *wanted)
{
	static const struct {
		const char *theirs, *ours;
	} alias[] = {
		{ "ttyS", "com" }, { "ttyAMA", "pluart" }, { "hvc", "viocon" },
		{ "hvc", "xencons" }, { "tty", "wsdisplay" },
	};
	size_t n = 0, theirs, ours;
	u_int i;

	while (wanted[n] != '\0' && wanted[n] != ',')
		n++;
	if (strncmp(name, wanted, n) == 0 && name[n] == '\0')
		return (true);
	for (i = 0; i < nitems(alias); i++) {
		theirs = strlen(alias[i].theirs);
		ours = strlen(alias[i].ours);
		if (n > theirs &&
		    strncmp(wanted, alias[i].theirs, theirs) == 0 &&
		    strncmp(name, alias[i].ours, ours) == 0 &&
		    strncmp(name + ours, wanted + theirs, n - theirs) == 0 &&
		    name[ours + n - theirs] == '\0')
			return (true);
	}
	return (false);
}

/*
 * A console has come.  The one that was asked for by name is taken, or the
 * first of all; one for the last resort, when all have come.
 */
void
cn_attach(struct consdev *cn)
{
	const char *wanted = cmdline_get("console", 0);

	if (cn->cn_last && cn_lastresort == NULL)
		cn_lastresort = cn;
	else if (!cn->cn_last && cn_first == NULL)
		cn_first = cn;
	if (wanted != NULL ? cn_asked(cn->cn_name, wanted) :
	    cn_current == NULL && (!cn->cn_last || cn_checked))
		cn_take(cn, wanted != NULL || !md_cnearly());
}

/* All devices have attached: is the console that was asked for among them? */
void
cn_check(void)
{
	const char *wanted = cmdline_get("console", 0);
	struct consdev *cn = cn_first != NULL ? cn_first : cn_lastresort;

	cn_checked = true;
	if (cn_current != NULL)
		return;
	if (wanted != NULL)
		cmdline_bad("console", wanted);
	if (cn != NULL)
		cn_take(cn, wanted != NULL || !md_cnearly());
}

void
cn_spare_attach(struct consdev *cn)
{
	if (cn_spare == NULL)
		cn_spare = cn;
}

void
cn_detach(struct consdev *cn)
{
	if (cn_spare == cn)
		cn_spare = NULL;
	if (cn_first == cn)
		cn_first = NULL;
	if (cn_lastresort == cn)
		cn_lastresort = NULL;
	if (cn_current != cn)
		return;
	/* nobody is in cn_write() after this */
	mtx_enter(&msgbuf.mtx);
	cn_current = NULL;
	mtx_leave(&msgbuf.mtx);
	tty_console(NULL);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * qemu-ga(8): the main loop, and how requests are found in the stream.
 *
 * The port is watched for edges.  While the host has closed its end poll(2)
 * says so all the time, but it is no news, and so the wait is a sleep.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "qga.h"

#define USAGE	"[-c file] [-p port]"
#define PORT	"/dev/vport/org.qemu.guest_agent.0"
#define CONFIG	"/etc/qemu-ga.conf"
#define CHUNK	16384
#define NEVENTS	8

/* what is watched; numbers above are those of children */
enum { W_PORT, W_CHILD, W_EXEC };

static int		epfd, port, child_pipe[2];
static struct jwriter	out;
static size_t		out_pos;

/* --- requests in the stream ---------------------------------------------- */

/*
 * A request ends where its braces are even.  0xff, which is not in any, ends
 * what came before it without a word.
 */
static struct {
	enum { IDLE, VALUE, SKIP_WORD, SKIP_LINE } state;
	char	*buf;
	size_t	 len, size, depth;
	bool	 quoted, escaped, lost;
} in;

static void
in_reset(void)
{
	in.state = IDLE;
	in.len = in.depth = 0;
	in.quoted = in.escaped = in.lost = false;
	if (in.size > QGA_SMALL) {
		free(in.buf);
		in.buf = NULL;
		in.size = 0;
	}
}

static void
in_bad(const char *what, int state)
{
	in_reset();
	in.state = state;
	qga_bad(&out, what);
}

/* What is too long goes on being read, to find its end. */
static void
in_put(int c)
{
	size_t size;
	char *p;

	if (in.lost)
		return;
	if (in.len == in.size) {
		size = in.size == 0 ? 4096 : in.size * 2;
		if (size > QGA_LARGE || (p = realloc(in.buf, size)) == NULL) {
			in.lost = true;
			return;
		}
		in.buf = p;
		in.size = size;
	}
	in.buf[in.len++] = c;
}

static void
in_done(void)
{
	if (in.lost)
		qga_bad(&out, "it is too long");
	else
		qga_request(in.buf, in.len, &out);
	in_reset();
}

/* Within a request. */
static void
in_value(int c)
{
	in_put(c);
	if (in.escaped)
		in.escaped = false;
	else if (in.quoted) {
		if (c == '\n')		/* the rest of it was lost */
			in_bad("a string does not end", IDLE);
		else if (c == '\\')
			in.escaped = true;
		else
			in.quoted = c != '"';
	} else if (c == '"')
		in.quoted = true;
	else if (c == '{' || c == '[')
		in.depth++;
	else if ((c == '}' || c == ']') && --in.depth == 0)
		in_done();
}

static void
in_byte(int c)
{
	if (c == 0xff) {
		in_reset();
		return;
	}
	switch (in.state) {
	case IDLE:
	case SKIP_WORD:
		if (c == '{' || c == '[') {
			in.state = VALUE;
			in_value(c);
		} else if (c == '\n')
			in.state = IDLE;
		else if (c == '"' || c == '\\')
			in_bad("not an object", SKIP_LINE);
		else if (in.state == IDLE && c != ' ' && c != '\t' &&
		    c != '\r')
			in_bad("not an object", SKIP_WORD);
		break;
	case VALUE:
		in_value(c);
		break;
	case SKIP_LINE:
		if (c == '\n')
			in.state = IDLE;
		break;
	}
}

/* --- the port ------------------------------------------------------------ */

static void
port_failed(const char *what)
{
	if (errno == ENXIO)
		die(0);			/* the host took it away */
	err(1, "%s", what);
}

static void
out_drop(void)
{
	out_pos = out.w_len = 0;
	out.w_comma = out.w_failed = false;
	if (out.w_size > QGA_SMALL) {
		free(out.w_buf);
		out.w_buf = NULL;
		out.w_size = 0;
	}
}

/* false: the host has not taken it all. */
static bool
out_send(void)
{
	struct pollfd pfd = { .fd = port, .events = POLLOUT };
	ssize_t n;

	while (out_pos < out.w_len) {
		n = write(port, out.w_buf + out_pos, out.w_len - out_pos);
		if (n > 0)
			out_pos += n;
		else if (n == -1 && errno == EPIPE)
			break;
		else if (n == 0 || errno == EAGAIN) {
			/* who asked has gone, nobody else wants to know */
			if (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLHUP)
				break;
			return (false);
		} else if (errno != EINTR)
			port_failed("write");
	}
	out_drop();
	return (true);
}

/* false: there is nothing to read. */
static bool
port_read(void)
{
	static char buf[CHUNK];
	static ssize_t n, at;

	if (at == n) {
		at = 0;
		if ((n = read(port, buf, sizeof(buf))) == -1) {
			n = 0;
			if (errno == EINTR)
				return (true);
			if (errno != EAGAIN)
				port_failed("read");
			return (false);
		}
		if (n == 0) {		/* the host has closed its end */
			in_reset();
			return (false);
		}
	}
	/* the next request waits until this one has been answered */
	while (at < n && out.w_len == 0)
		in_byte((unsigned char)buf[at++]);
	return (true);
}

static void
port_open(const char *path)
{
	port = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (port == -1)
		err(1, "%s", path);
	qga_watch(port, EPOLLIN | EPOLLOUT | EPOLLET, W_PORT);
}

/* --- waiting ------------------------------------------------------------- */

void
qga_watch(int fd, unsigned int events, unsigned int number)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = events & EPOLLET ? number : number + W_EXEC;
	if (syscall(SYS_epoll_ctl, (long)epfd, (long)EPOLL_CTL_ADD, (long)fd,
	    &ev) == -1)
		err(1, "epoll_ctl");
}

void
qga_unwatch(int fd)
{
	struct epoll_event ev = { .events = 0 };

	syscall(SYS_epoll_ctl, (long)epfd, (long)EPOLL_CTL_DEL, (long)fd,
	    &ev);
}

static void
on_child(int sig)
{
	int error = errno;
	char c = sig;

	/* if it is full somebody is to look anyway */
	(void)!write(child_pipe[1], &c, 1);
	errno = error;
}

static void
children(void)
{
	char buf[64];

	while (read(child_pipe[0], buf, sizeof(buf)) > 0)
		continue;
	qga_exec_reap();
}

static void
wait_events(bool block)
{
	struct epoll_event ev[NEVENTS];
	long i, n;

	n = syscall(SYS_epoll_pwait, (long)epfd, ev, (long)NEVENTS,
	    block ? -1L : 0L, NULL, 8L);
	if (n == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (i = 0; i < n; i++) {
		if (ev[i].data.u64 == W_CHILD)
			children();
		else if (ev[i].data.u64 >= W_EXEC)
			qga_exec_ready(ev[i].data.u64 - W_EXEC);
	}
}

static void
prepare(void)
{
	struct sigaction sa;
	int fd;

	/* so that what is opened later is none of the standard three */
	do {
		if ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
			err(1, "/dev/null");
	} while (fd <= STDERR_FILENO);
	close(fd);
	epfd = syscall(SYS_epoll_create1, (long)EPOLL_CLOEXEC);
	if (epfd == -1)
		err(1, "epoll_create");
	if (pipe2(child_pipe, O_CLOEXEC | O_NONBLOCK) == -1)
		err(1, "pipe");
	qga_watch(child_pipe[0], EPOLLIN | EPOLLET, W_CHILD);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_child;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGCHLD, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	qga_exec_init();
}

int
qemu_ga_main(int argc, char **argv)
{
	const char *path = PORT, *config = CONFIG;
	bool more;
	int ch;

	while ((ch = opt_get(argc, argv, "c:p:")) != -1)
		switch (ch) {
		case 'c':
			config = opt_arg;
			break;
		case 'p':
			path = opt_arg;
			break;
		default:
			usage(USAGE);
		}
	if (opt_ind != argc)
		usage(USAGE);
	qga_config(config);
	prepare();
	port_open(path);
	for (;;) {
		more = out_send() && port_read();
		wait_events(!more);
	}
}

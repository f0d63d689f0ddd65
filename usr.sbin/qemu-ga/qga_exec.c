/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * qemu-ga(8): programs that the host has run.
 *
 * Each has an entry until the host has heard how it ended.  One that nobody
 * asks about keeps its entry until that is needed for another.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qga.h"

#define NPROCS		16
#define OUT_MAX		(1024 * 1024)	/* kept of each stream */

extern char	**environ;

/* Standard input, output or errors of a program. */
struct stream {
	int	s_fd;			/* our end, or -1 */
	char	*s_buf;
	size_t	 s_len, s_size;		/* input: written, and there is */
	bool	 s_truncated;
};

static struct proc {
	pid_t		p_pid;		/* 0: free */
	bool		p_ended;
	int		p_status;
	uint64_t	p_when;		/* how many were begun before */
	struct stream	p_std[3];
} procs[NPROCS];

void
qga_exec_init(void)
{
	size_t i, n;

	for (i = 0; i < NPROCS; i++) {
		for (n = 0; n < 3; n++)
			procs[i].p_std[n].s_fd = -1;
	}
}

/* --- streams ------------------------------------------------------------- */

static void
stream_close(struct stream *s)
{
	if (s->s_fd != -1) {
		qga_unwatch(s->s_fd);
		close(s->s_fd);
		s->s_fd = -1;
	}
}

static void
stream_free(struct stream *s)
{
	stream_close(s);
	free(s->s_buf);
	memset(s, 0, sizeof(*s));
	s->s_fd = -1;
}

/* What does not fit is read all the same, so that the program goes on. */
static void
stream_keep(struct stream *s, const char *data, size_t n)
{
	size_t size = s->s_size;
	char *p;

	if (n > OUT_MAX - s->s_len) {
		n = OUT_MAX - s->s_len;
		s->s_truncated = true;
	}
	while (size - s->s_len < n)
		size = size == 0 ? 4096 : size * 2;
	if (size != s->s_size) {
		if ((p = realloc(s->s_buf, size)) == NULL) {
			s->s_truncated = true;
			return;
		}
		s->s_buf = p;
		s->s_size = size;
	}
	memcpy(s->s_buf + s->s_len, data, n);
	s->s_len += n;
}

static void
stream_read(struct stream *s)
{
	ssize_t n = read(s->s_fd, iobuf, IOBUFSZ);

	if (n > 0)
		stream_keep(s, iobuf, n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		stream_close(s);
}

static void
stream_write(struct stream *s)
{
	ssize_t n = write(s->s_fd, s->s_buf + s->s_len, s->s_size - s->s_len);

	if (n > 0)
		s->s_len += n;
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		s->s_len = s->s_size;	/* nobody wants to read it */
	if (s->s_len == s->s_size)
		stream_free(s);
}

void
qga_exec_ready(unsigned int number)
{
	struct stream *s = &procs[number / 3].p_std[number % 3];

	/* it may have been closed since it was said to be ready */
	if (s->s_fd == -1)
		return;
	if (number % 3 == 0)
		stream_write(s);
	else
		stream_read(s);
}

/* --- entries ------------------------------------------------------------- */

static void
proc_free(struct proc *p)
{
	size_t i;

	for (i = 0; i < 3; i++)
		stream_free(&p->p_std[i]);
	p->p_pid = 0;
}

/* It has ended, and so has what it wrote. */
static bool
proc_done(const struct proc *p)
{
	return (p->p_ended && p->p_std[1].s_fd == -1 &&
	    p->p_std[2].s_fd == -1);
}

void
qga_exec_reap(void)
{
	struct proc *p;

	for (p = procs; p < procs + NPROCS; p++) {
		if (p->p_pid != 0 && !p->p_ended &&
		    waitpid(p->p_pid, &p->p_status, WNOHANG) == p->p_pid) {
			p->p_ended = true;
			stream_free(&p->p_std[0]);
		}
	}
}

static struct proc *
proc_find(int64_t pid)
{
	struct proc *p;

	for (p = procs; p < procs + NPROCS; p++) {
		if (p->p_pid != 0 && p->p_pid == pid)
			return (p);
	}
	return (NULL);
}

/* One that is free, or the oldest of those that have ended. */
static struct proc *
proc_alloc(void)
{
	struct proc *p, *best = NULL;

	qga_exec_reap();
	for (p = procs; p < procs + NPROCS; p++) {
		if (p->p_pid == 0)
			return (p);
		if (p->p_ended && (best == NULL || p->p_when < best->p_when))
			best = p;
	}
	if (best != NULL)
		proc_free(best);
	return (best);
}

/* --- the child ----------------------------------------------------------- */

struct plan {
	char	**a_argv, **a_env;
	int	  a_fds[3];		/* what it gets */
	int	  a_error;		/* where it says why it could not */
};

/* By PATH, if it has no slash. */
static void
plan_exec(const struct plan *a)
{
	const char *name = a->a_argv[0], *path = getenv("PATH"), *end;
	char full[4096];
	int error = ENOENT;

	if (strchr(name, '/') != NULL || *name == '\0') {
		execve(name, a->a_argv, a->a_env);
		return;
	}
	if (path == NULL)
		path = "/bin:/sbin:/usr/bin:/usr/sbin";
	for (;; path = end + 1) {
		end = path + strcspn(path, ":");
		if (snfmt(full, sizeof(full), "%.*s/%s", end == path ? 1 :
		    (int)(end - path), end == path ? "." : path, name) <
		    sizeof(full)) {
			execve(full, a->a_argv, a->a_env);
			if (errno != ENOENT && errno != ENOTDIR)
				error = errno;
		}
		if (*end == '\0')
			break;
	}
	errno = error;
}

static void
child(const struct plan *a)
{
	int i, error;

	setsid();
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	/* ours are all above these, see prepare() in qga.c */
	for (i = 0; i < 3; i++)
		dup2(a->a_fds[i], i);
	plan_exec(a);
	error = errno;
	(void)!write(a->a_error, &error, sizeof(error));
	_exit(127);
}

/* 0, or why the program does not run. */
static int
launch(struct plan *a, pid_t *pidp)
{
	int error = 0, fds[2], status;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return (errno);
	a->a_error = fds[1];
	if ((*pidp = fork_plain()) == 0)
		child(a);
	if (*pidp == -1)
		error = errno;
	close(fds[1]);
	/* it is closed when the program runs */
	if (*pidp != -1 && read(fds[0], &error, sizeof(error)) > 0)
		while (waitpid(*pidp, &status, 0) == -1 && errno == EINTR)
			continue;
	close(fds[0]);
	return (error);
}

/* --- guest-exec ---------------------------------------------------------- */

enum { CAPTURE_OUT = 1, CAPTURE_ERR = 2, CAPTURE_MERGED = 4 };

/* -1, and an error: there is no such mode. */
static int
get_capture(struct request *r)
{
	static const struct {
		const char	*name;
		int		 capture;
	} modes[] = {
		{ "none", 0 }, { "stdout", CAPTURE_OUT },
		{ "stderr", CAPTURE_ERR },
		{ "separated", CAPTURE_OUT | CAPTURE_ERR },
		{ "merged", CAPTURE_OUT | CAPTURE_MERGED },
	};
	const struct json *j = req_arg(r, "capture-output");
	size_t i;

	if (j == NULL)
		return (0);
	if (j->j_type == J_BOOL)
		return (j->j_int ? CAPTURE_OUT | CAPTURE_ERR : 0);
	if (j->j_type != J_STRING) {
		req_error(r, "Invalid parameter type for 'capture-output', "
		    "expected: GuestExecCaptureOutput");
		return (-1);
	}
	for (i = 0; i < nitems(modes); i++) {
		if (strcmp(j->j_str, modes[i].name) == 0)
			return (modes[i].capture);
	}
	req_error(r, "Parameter 'capture-output' does not accept value "
	    "'%.64s'", j->j_str);
	return (-1);
}

/* The strings of an argument behind one, with NULL at the end. */
static char **
strings(const struct json *list, char *first)
{
	const struct json *j;
	size_t n = 2;
	char **v, **p;

	for (j = list != NULL ? list->j_child : NULL; j != NULL;
	    j = j->j_next)
		n++;
	if ((v = p = malloc(n * sizeof(*v))) == NULL)
		return (NULL);
	if (first != NULL)
		*p++ = first;
	for (j = list != NULL ? list->j_child : NULL; j != NULL;
	    j = j->j_next)
		*p++ = j->j_str;
	*p = NULL;
	return (v);
}

/* One of the three: a pipe whose other end is ours, or nothing. */
static int
fd_open(struct stream *s, int number, bool want)
{
	int fds[2];

	if (!want)
		return (open("/dev/null", O_RDWR | O_CLOEXEC));
	if (pipe2(fds, O_CLOEXEC) == -1)
		return (-1);
	s->s_fd = fds[number == 0];
	fcntl(s->s_fd, F_SETFL, (long)O_NONBLOCK);
	return (fds[number != 0]);
}

/* 0 or an errno; what was opened stays, for who tidies up. */
static int
fds_open(struct proc *p, struct plan *a, int capture)
{
	const bool want[3] = { p->p_std[0].s_size != 0,
	    capture & CAPTURE_OUT, capture & CAPTURE_ERR };
	int i, fd;

	for (i = 0; i < 3; i++) {
		if (i == 2 && capture & CAPTURE_MERGED)
			fd = fcntl(a->a_fds[1], F_DUPFD_CLOEXEC, 3L);
		else
			fd = fd_open(&p->p_std[i], i, want[i]);
		if (fd == -1)
			return (errno);
		a->a_fds[i] = fd;
	}
	return (0);
}

static void
fds_watch(struct proc *p)
{
	unsigned int i, number = (p - procs) * 3;

	for (i = 0; i < 3; i++) {
		if (p->p_std[i].s_fd != -1)
			qga_watch(p->p_std[i].s_fd, i == 0 ? EPOLLOUT :
			    EPOLLIN, number + i);
	}
}

/* 0 or an errno. */
static int
begin(struct request *r, struct proc *p, int capture)
{
	struct plan a = { .a_fds = { -1, -1, -1 } };
	const struct json *path = req_arg(r, "path"), *env = req_arg(r, "env");
	pid_t pid = -1;
	int error, i;

	a.a_argv = strings(req_arg(r, "arg"), path->j_str);
	a.a_env = env != NULL ? strings(env, NULL) : environ;
	if (a.a_argv == NULL || a.a_env == NULL)
		error = ENOMEM;
	else if ((error = fds_open(p, &a, capture)) == 0)
		error = launch(&a, &pid);
	for (i = 0; i < 3; i++) {
		if (a.a_fds[i] != -1)
			close(a.a_fds[i]);
	}
	free(a.a_argv);
	if (env != NULL)
		free(a.a_env);
	p->p_pid = error == 0 ? pid : 0;
	return (error);
}

void
qga_exec(struct request *r)
{
	static uint64_t begun;
	int capture = get_capture(r), error;
	struct proc *p, *old;
	char *data;
	long n;

	if (capture == -1 || (n = req_base64(r, "input-data", &data)) == -1)
		return;
	if ((p = proc_alloc()) == NULL) {
		req_error(r, "too many processes run already");
		return;
	}
	if (n > 0) {
		if ((p->p_std[0].s_buf = malloc(n)) == NULL) {
			req_error(r, "out of memory");
			return;
		}
		memcpy(p->p_std[0].s_buf, data, n);
		p->p_std[0].s_size = n;
	}
	if ((error = begin(r, p, capture)) != 0) {
		proc_free(p);
		req_error(r, "Failed to execute child process '%.128s': %s",
		    req_str(r, "path", ""), errstr(error));
		return;
	}
	/* another of that number has ended long ago */
	for (old = procs; old < procs + NPROCS; old++) {
		if (old != p && old->p_pid == p->p_pid)
			proc_free(old);
	}
	p->p_ended = false;
	p->p_when = begun++;
	fds_watch(p);
	jw_open(r->r_out, '{');
	jw_kint(r->r_out, "pid", p->p_pid);
	jw_close(r->r_out, '}');
}

/* --- guest-exec-status --------------------------------------------------- */

static void
put_stream(struct jwriter *w, const struct stream *s, const char *data,
    const char *truncated)
{
	if (s->s_len == 0)
		return;
	jw_key(w, data);
	jw_base64(w, s->s_buf, s->s_len);
	if (s->s_truncated)
		jw_kbool(w, truncated, true);
}

void
qga_exec_status(struct request *r)
{
	int64_t pid = req_int(r, "pid", 0);
	struct proc *p = proc_find(pid);
	struct jwriter *w = r->r_out;

	if (p == NULL) {
		req_error(r, "PID %lld does not exist", (long long)pid);
		return;
	}
	qga_exec_reap();
	jw_open(w, '{');
	jw_kbool(w, "exited", proc_done(p));
	if (proc_done(p)) {
		if (WIFSIGNALED(p->p_status))
			jw_kint(w, "signal", WTERMSIG(p->p_status));
		else
			jw_kint(w, "exitcode", WEXITSTATUS(p->p_status));
		put_stream(w, &p->p_std[1], "out-data", "out-truncated");
		put_stream(w, &p->p_std[2], "err-data", "err-truncated");
		proc_free(p);
	}
	jw_close(w, '}');
}

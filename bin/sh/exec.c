/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Runs trees: processes, redirections and control flow.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../crunch/util.h"
#include "sh.h"

#define HIGHFD	10	/* the shell's own descriptors are from here */

struct function {
	struct function	*f_next;
	struct node	*f_body;
	char		 f_name[];
};

/* A descriptor that a redirection took the place of. */
struct savedfd {
	struct savedfd	*s_next;
	int		 s_fd;
	int		 s_copy;	/* -1: it was closed */
};

/* A process in the background, until somebody has asked for its status. */
struct process {
	struct process	*p_next;
	pid_t		 p_pid;
	int		 p_status;
	int		 p_done;
};

int	sk_what, sk_count;
int	fn_depth, loop_depth;

static struct function	*functions;
static struct process	*background;
static struct savedfd	*savedfds;
static int		 tty = -1;	/* the terminal, if jobs are kept */
static pid_t		 shell_pgrp;

/* Jobs. */

static void
on_interrupt(int sig)
{
	sh_interrupted = sig;
	if (sh_reading) {
		sh_reading = 0;
		siglongjmp(sh_readjmp, 1);
	}
}

static const int job_signals[] = {
	SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU
};

/*
 * An interactive shell is a process group of its own, ignores what would
 * end or stop it, and only notes an interrupt.  No SA_RESTART: a read of
 * the next line is to be given up.  SIGTSTP stays ignored in jobs, as
 * nothing could continue them.
 */
void
jobs_init(void)
{
	struct sigaction sa;
	size_t i;

	for (i = 0; i < nitems(job_signals); i++)
		signal(job_signals[i], SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_interrupt;
	sigaction(SIGINT, &sa, NULL);
	if ((tty = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, HIGHFD)) == -1)
		return;
	if (tcgetpgrp(tty) == -1) {
		/* A terminal that controls nothing, or another session. */
		close(tty);
		tty = -1;
		return;
	}
	shell_pgrp = getpid();
	if (getpgrp() != shell_pgrp)
		(void)setpgid(0, shell_pgrp);
	(void)tcsetpgrp(tty, shell_pgrp);
}

pid_t
sh_fork(void)
{
	size_t i;
	pid_t pid;

	if (out_flush() == -1)
		warn("write");
	src_sync();
	(void)sh_pid();		/* while it still is this one */
	if ((pid = fork_plain()) != 0)
		return (pid);
	if (sh_interactive)
		for (i = 0; i < nitems(job_signals); i++)
			signal(job_signals[i], SIG_DFL);
	sh_interactive = 0;
	sh_child = 1;
	background = NULL;
	return (0);
}

static void
block_interrupt(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(how, &set, NULL);
}

/* pgrp 0 begins a new job; without job control all stay in one group. */
static pid_t
fork_job(pid_t pgrp, int foreground)
{
	int jobs = sh_interactive && tty != -1, fd;
	pid_t pid;

	/*
	 * An interrupt typed meanwhile stays pending until the job is whole
	 * and in the foreground: see wait_job().
	 */
	if (jobs)
		block_interrupt(SIG_BLOCK);
	if ((pid = sh_fork()) == -1) {
		warn("fork");
		if (jobs)
			block_interrupt(SIG_UNBLOCK);
		return (-1);
	}
	if (jobs) {
		/* Both do it, as either may be the first to need it. */
		(void)setpgid(pid, pid != 0 && pgrp == 0 ? pid : pgrp);
		if (pid == 0 || !foreground)
			block_interrupt(SIG_UNBLOCK);
	} else if (pid == 0 && !foreground) {
		signal(SIGINT, SIG_IGN);
		signal(SIGQUIT, SIG_IGN);
		if (pgrp == 0 && (fd = open("/dev/null", O_RDONLY)) > 0) {
			dup2(fd, STDIN_FILENO);
			close(fd);
		}
	}
	return (pid);
}

static int
status_of(int st)
{
	return (WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st));
}

int
wait_pid(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) == -1)
		if (errno != EINTR)
			return (127);
	return (status_of(st));
}

/*
 * Give the terminal to a job, all of whose processes have been made.  One
 * that read from it too early was stopped and goes on.  From here on an
 * interrupt goes to the job; one that came before is passed on.
 */
static void
job_foreground(pid_t pid)
{
	pid_t pgrp = getpgid(pid);

	(void)tcsetpgrp(tty, pgrp);
	(void)kill(-pgrp, SIGCONT);
	block_interrupt(SIG_UNBLOCK);
	if (sh_interrupted) {
		sh_interrupted = 0;
		(void)kill(-pgrp, SIGINT);
	}
}

/* The last process of a job in the foreground tells its status. */
static int
wait_job(pid_t pid)
{
	int status, sig;
	const char *name;

	if (sh_interactive && tty != -1)
		job_foreground(pid);
	status = wait_pid(pid);
	sig = status - 128;
	if (sh_interactive && tty != -1)
		(void)tcsetpgrp(tty, shell_pgrp);
	if (sig <= 0 || sig == SIGPIPE || (name = sig_name(sig)) == NULL)
		return (status);
	if (sig != SIGINT)
		errf("%s: process %d: killed by SIG%s\n", progname, pid,
		    name);
	else if (sh_interactive)
		sh_interrupted = SIGINT;	/* also ends a loop around it */
	return (status);
}

static void
background_add(pid_t pid)
{
	struct process *p = xmalloc(sizeof(*p));

	p->p_pid = sh_lastbg = pid;
	p->p_done = 0;
	p->p_next = background;
	background = p;
	if (sh_interactive)
		errf("[%d]\n", pid);
}

/* Without waiting; statuses are kept for "wait". */
void
reap_background(void)
{
	struct process *p;
	int st;

	for (p = background; p != NULL; p = p->p_next)
		if (!p->p_done && waitpid(p->p_pid, &st, WNOHANG) > 0) {
			p->p_done = 1;
			p->p_status = status_of(st);
		}
}

/* Waiting is what an interrupt is to end, so no wait_pid() here. */
static int
background_wait(struct process *p)
{
	int st;

	while (!p->p_done) {
		if (waitpid(p->p_pid, &st, 0) != -1) {
			p->p_done = 1;
			p->p_status = status_of(st);
		} else if (sh_interrupted)
			sh_interrupt();
		else if (errno != EINTR)
			return (127);
	}
	return (p->p_status);
}

int
wait_all(void)
{
	struct process *p;

	while ((p = background) != NULL) {
		background_wait(p);
		background = p->p_next;
		free(p);
	}
	return (0);
}

int
wait_background(pid_t pid)
{
	struct process *p, **pp;
	int status;

	for (pp = &background; (p = *pp) != NULL; pp = &p->p_next)
		if (p->p_pid == pid) {
			status = background_wait(p);
			*pp = p->p_next;
			free(p);
			return (status);
		}
	return (127);
}

/* Redirections. */

static void
restore_to(struct savedfd *mark)
{
	struct savedfd *s;

	while ((s = savedfds) != mark) {
		if (s->s_copy == -1)
			close(s->s_fd);
		else {
			dup2(s->s_copy, s->s_fd);
			close(s->s_copy);
		}
		savedfds = s->s_next;
		free(s);
	}
}

static void
save_fd(int fd)
{
	struct savedfd *s = xmalloc(sizeof(*s));

	s->s_fd = fd;
	s->s_copy = fcntl(fd, F_DUPFD_CLOEXEC, HIGHFD);
	s->s_next = savedfds;
	savedfds = s;
}

/*
 * The text of a document comes out of a pipe.  A process writes it, as it
 * may be more than the pipe holds.
 */
static int
open_document(const struct redir *r)
{
	const char *text;
	int fds[2];
	pid_t pid;

	text = r->r_literal ? r->r_word : expand_document(r->r_word);
	if (pipe2(fds, O_CLOEXEC) == -1)
		return (-1);
	if ((pid = sh_fork()) == 0) {
		close(fds[0]);
		signal(SIGPIPE, SIG_DFL);
		_exit(full_write(fds[1], text, strlen(text)) == -1);
	}
	close(fds[1]);
	if (pid == -1) {
		close(fds[0]);
		return (-1);
	}
	return (fds[0]);
}

static int
open_redir(const struct redir *r, const char *name)
{
	static const int flags[] = {
		[R_IN] = O_RDONLY,
		[R_OUT] = O_WRONLY | O_CREAT | O_TRUNC,
		[R_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
		[R_RDWR] = O_RDWR | O_CREAT
	};

	if (r->r_type == R_HERE)
		return (open_document(r));
	return (open(name, flags[r->r_type], 0666));
}

static int
redirect_dup(const struct redir *r, const char *name)
{
	unsigned long long n;

	if (strcmp(name, "-") == 0) {
		close(r->r_fd);
		return (0);
	}
	if (num_parse(name, 10, 255, &n) == -1) {
		warnx("%s: bad file descriptor", name);
		return (-1);
	}
	if ((int)n != r->r_fd && dup2(n, r->r_fd) == -1) {
		warn("%s", name);
		return (-1);
	}
	return (0);
}

static int
redirect(const struct redir *r, int save)
{
	const char *name = "document";
	int fd;

	for (; r != NULL; r = r->r_next) {
		if (r->r_type != R_HERE)
			name = expand_one(r->r_word);
		if (r->r_type == R_DUP) {
			if (save)
				save_fd(r->r_fd);
			if (redirect_dup(r, name) == -1)
				return (-1);
			continue;
		}
		if ((fd = open_redir(r, name)) == -1) {
			warn("%s", name);
			return (-1);
		}
		if (fd == r->r_fd) {
			/* It was closed, and is to be so again. */
			if (save) {
				save_fd(fd);
				close(savedfds->s_copy);
				savedfds->s_copy = -1;
			}
			fcntl(fd, F_SETFD, 0);
			continue;
		}
		if (save)
			save_fd(r->r_fd);
		dup2(fd, r->r_fd);
		close(fd);
	}
	return (0);
}

/* After an error that left everything, back to the top. */
void
redirections_undo(void)
{
	restore_to(NULL);
	fn_depth = loop_depth = 0;
	sk_what = 0;
}

/* Programs. */

static int
is_text(const char *path)
{
	char buf[64];
	ssize_t n;

	n = file_read(path, buf, sizeof(buf));
	return (n > 0 && strlen(buf) == (size_t)n);
}

/* Returns only if it failed, with errno. */
static void
try(const char *path, char **argv, char **env)
{
	char **v;
	size_t n;

	execve(path, argv, env);
	if (errno != ENOEXEC || !is_text(path)) {
		return;
	}
	/* A file of commands that does not say whose. */
	for (n = 0; argv[n] != NULL; n++)
		continue;
	v = arena_alloc((n + 2) * sizeof(*v));
	v[0] = "sh";
	v[1] = (char *)path;
	memcpy(v + 2, argv + 1, n * sizeof(*v));
	execve("/bin/sh", v, env);
	errno = ENOEXEC;
}

static int
search(char **argv, char **env)
{
	const char *path, *end;
	size_t len, n = strlen(argv[0]);
	int error = ENOENT;
	char *full;

	if ((path = var_get("PATH")) == NULL)
		path = "/bin:/sbin:/usr/bin:/usr/sbin";
	for (;; path = end + 1) {
		end = path + strcspn(path, ":");
		len = end - path;
		full = arena_alloc(len + n + 2);
		memcpy(full, path, len);
		if (len != 0)
			full[len++] = '/';
		memcpy(full + len, argv[0], n + 1);
		try(full, argv, env);
		if (errno != ENOENT && errno != ENOTDIR)
			error = errno;
		if (*end == '\0')
			return (error);
	}
}

int
exec_try(char **argv)
{
	char **env = var_environ();
	int error;

	if (out_flush() == -1)
		warn("write");
	src_sync();
	if (strchr(argv[0], '/') != NULL) {
		try(argv[0], argv, env);
		error = errno;
	} else
		error = search(argv, env);
	if (error == ENOENT && strchr(argv[0], '/') == NULL)
		warnx("%s: not found", argv[0]);
	else
		warnx("%s: %s", argv[0], errstr(error));
	return (error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/* Functions. */

static struct function *
function_find(const char *name)
{
	struct function *f;

	for (f = functions; f != NULL; f = f->f_next)
		if (strcmp(f->f_name, name) == 0)
			return (f);
	return (NULL);
}

void
function_unset(const char *name)
{
	struct function *f, **fp;

	for (fp = &functions; (f = *fp) != NULL; fp = &f->f_next)
		if (strcmp(f->f_name, name) == 0) {
			*fp = f->f_next;
			free(f);
			return;
		}
}

/* Its tree is used from now on, so the arena must not be reused. */
static int
function_define(struct node *n)
{
	struct function *f;
	size_t len = strlen(n->n_name) + 1;

	function_unset(n->n_name);
	f = xmalloc(sizeof(*f) + len);
	memcpy(f->f_name, n->n_name, len);
	f->f_body = n->n_a;
	f->f_next = functions;
	functions = f;
	arena_keep();
	return (0);
}

struct saved	*fn_locals;

static int
function_call(struct function *f, int argc, char **argv)
{
	struct saved *locals = fn_locals;
	char **args = sh_args;
	int nargs = sh_nargs, loops = loop_depth, status;

	if (fn_depth >= 500)
		sh_fail(2, "%s: functions are nested too deep", f->f_name);
	fn_depth++;
	loop_depth = 0;
	fn_locals = NULL;
	sh_args = argv + 1;
	sh_nargs = argc - 1;
	status = run(f->f_body, 0);
	if (sk_what == SK_RETURN) {
		sk_what = 0;
		status = sh_status;
	}
	var_restore(fn_locals);
	fn_locals = locals;
	sh_args = args;
	sh_nargs = nargs;
	loop_depth = loops;
	fn_depth--;
	return (status);
}

/* Simple commands. */

static struct saved *
assign(char **assigns, int export, int save)
{
	struct saved *s = NULL;
	const char *eq, *v;
	char *text;
	size_t n;

	for (; assigns != NULL && *assigns != NULL; assigns++) {
		eq = name_end(*assigns) + 1;
		v = expand_one(eq);
		n = strlen(v) + 1;
		text = arena_alloc(eq - *assigns + n);
		memcpy(text, *assigns, eq - *assigns);
		memcpy(text + (eq - *assigns), v, n);
		if (save)
			s = var_save(text, s);
		if (sh_trace)
			errf("+ %s\n", text);
		var_assign(text, export);
	}
	return (s);
}

static void
trace(char **argv)
{
	/* In one piece, for others write there as well. */
	char *buf, *p;
	size_t n = 3;
	char **v;

	for (v = argv; *v != NULL; v++)
		n += strlen(*v) + 1;
	p = buf = arena_alloc(n);
	*p++ = '+';
	for (v = argv; *v != NULL; v++) {
		*p++ = ' ';
		n = strlen(*v);
		memcpy(p, *v, n);
		p += n;
	}
	*p = '\0';
	errf("%s\n", buf);
}

/* A builtin or a function, in this process. */
static int
run_inside(struct node *n, int argc, char **argv, const struct builtin *b,
    struct function *f)
{
	struct savedfd *mark = savedfds;
	struct saved *vars = NULL;
	int keep, status;

	/* "exec" without a command is there for its redirections. */
	keep = b != NULL && strcmp(b->b_name, "exec") == 0;
	if (redirect(n->n_redir, !keep) == -1)
		status = 1;
	else {
		vars = assign(n->n_assign, 0, b == NULL || !b->b_special);
		if (b != NULL) {
			progname = b->b_name;
			opt_reset();
			status = b->b_main(argc, argv);
			progname = "sh";
		} else
			status = function_call(f, argc, argv);
		var_restore(vars);
	}
	if (out_flush() == -1) {
		warn("%s: write", argv[0]);
		status = 1;
	}
	restore_to(mark);
	return (status);
}

static int
run_program(struct node *n, char **argv, int flags)
{
	pid_t pid = 0;

	if (!(flags & EX_TAIL) && (pid = fork_job(0, 1)) == -1)
		return (126);
	if (pid != 0)
		return (wait_job(pid));
	if (redirect(n->n_redir, 0) == -1)
		die(1);
	assign(n->n_assign, 1, 0);
	die(exec_try(argv));
}

static int
run_assignments(struct node *n)
{
	struct savedfd *mark = savedfds;
	int status;

	sh_status = 0;		/* or that of the last $() in the values */
	assign(n->n_assign, 0, 0);
	status = redirect(n->n_redir, 1) == -1 ? 1 : sh_status;
	restore_to(mark);
	return (status);
}

static int
run_simple(struct node *n, int flags)
{
	const struct builtin *b;
	struct function *f = NULL;
	struct mark mark;
	int argc, status;
	char **argv;

	arena_mark(&mark);
	argv = expand_words(n->n_words);
	for (argc = 0; argv[argc] != NULL; argc++)
		continue;
	if (sh_trace && argc != 0)
		trace(argv);
	if (argc == 0)
		status = run_assignments(n);
	else if ((f = functions == NULL ? NULL :
	    function_find(argv[0])) != NULL ||
	    (b = builtin_find(argv[0])) != NULL)
		status = run_inside(n, argc, argv, f != NULL ? NULL : b, f);
	else
		status = run_program(n, argv, flags);
	arena_release(&mark);
	return (status);
}

/* Compound commands. */

/* In a process of its own, which this is not yet. */
static int
run_forked(struct node *n, int foreground)
{
	pid_t pid;

	if ((pid = fork_job(0, foreground)) == -1)
		return (126);
	if (pid == 0) {
		loop_depth = 0;
		die(run(n, EX_TAIL));
	}
	if (foreground)
		return (wait_job(pid));
	background_add(pid);
	return (0);
}

void
substitution(struct node *n, int fd)
{
	if (fd != STDOUT_FILENO) {
		dup2(fd, STDOUT_FILENO);
		close(fd);
	}
	loop_depth = 0;
	die(run(n, EX_TAIL));
}

static void
pipe_child(struct node *n, int in, int fds[2])
{
	if (in != -1) {
		dup2(in, STDIN_FILENO);
		close(in);
	}
	if (fds[1] != -1) {
		close(fds[0]);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[1]);
	}
	loop_depth = 0;
	die(run(n, EX_TAIL));
}

static int
run_pipe(struct node *n)
{
	pid_t pids[64], pgrp = 0;
	int fds[2], i, in = -1, count = 0, status = 0;

	for (n = n->n_a; n != NULL && count < (int)nitems(pids);
	    n = n->n_next) {
		fds[0] = fds[1] = -1;
		if (n->n_next != NULL && pipe2(fds, O_CLOEXEC) == -1) {
			warn("pipe");
			break;
		}
		if ((pids[count] = fork_job(pgrp, 1)) == 0)
			pipe_child(n, in, fds);
		if (in != -1)
			close(in);
		if (fds[1] != -1)
			close(fds[1]);
		in = fds[0];
		if (pids[count] == -1)
			break;
		if (pgrp == 0)
			pgrp = pids[count];
		count++;
	}
	if (in != -1)
		close(in);
	/* The last one first: its death is what is reported. */
	if (count != 0)
		status = wait_job(pids[count - 1]);
	for (i = 0; i < count - 1; i++)
		wait_pid(pids[i]);
	return (n != NULL ? 126 : status);
}

/* Is the loop to be left, for one reason or another? */
static int
leave_loop(void)
{
	if (sk_what == 0)
		return (0);
	if (sk_what == SK_RETURN || --sk_count > 0)
		return (1);
	if (sk_what == SK_BREAK) {
		sk_what = 0;
		return (1);
	}
	sk_what = 0;
	return (0);
}

static int
run_while(struct node *n, int flags)
{
	int status = 0, cond;

	loop_depth++;
	for (;;) {
		cond = run(n->n_a, EX_TEST);
		if (sk_what != 0) {
			if (leave_loop())
				break;
			continue;
		}
		if ((cond == 0) != (n->n_type == N_WHILE))
			break;
		status = run(n->n_b, flags);
		if (leave_loop())
			break;
	}
	loop_depth--;
	return (sk_what == SK_RETURN ? sh_status : status);
}

static int
run_for(struct node *n, int flags)
{
	struct mark mark;
	char **v;
	int status = 0;
	int i, count = sh_nargs;

	arena_mark(&mark);
	v = sh_args;
	if (n->n_words != NULL) {
		v = expand_words(n->n_words);
		for (count = 0; v[count] != NULL; count++)
			continue;
	}
	loop_depth++;
	for (i = 0; i < count; i++) {
		var_set(n->n_name, v[i]);
		status = run(n->n_b, flags);
		if (leave_loop())
			break;
	}
	loop_depth--;
	arena_release(&mark);
	return (sk_what == SK_RETURN ? sh_status : status);
}

static int
run_case(struct node *n, int flags)
{
	struct mark mark;
	struct node *item, *found = NULL;
	char *word, **p;

	arena_mark(&mark);
	word = expand_one(n->n_name);
	for (item = n->n_next; item != NULL && found == NULL;
	    item = item->n_next)
		for (p = item->n_words; *p != NULL && found == NULL; p++)
			if (match(expand_pattern(*p), word))
				found = item;
	arena_release(&mark);
	return (found == NULL || found->n_a == NULL ? 0 :
	    run(found->n_a, flags));
}

static int
run_if(struct node *n, int flags)
{
	int cond = run(n->n_a, EX_TEST);

	if (sk_what != 0)
		return (cond);
	if (cond == 0)
		return (run(n->n_b, flags));
	return (n->n_c == NULL ? 0 : run(n->n_c, flags));
}

static int
run_compound(struct node *n, int flags)
{
	switch (n->n_type) {
	case N_GROUP:
		return (run(n->n_a, flags));
	case N_IF:
		return (run_if(n, flags));
	case N_WHILE:
	case N_UNTIL:
		return (run_while(n, flags & EX_TEST));
	case N_FOR:
		return (run_for(n, flags & EX_TEST));
	case N_CASE:
		return (run_case(n, flags));
	default:
		return (function_define(n));
	}
}

static int
run_redirected(struct node *n, int flags)
{
	struct savedfd *mark = savedfds;
	struct mark arena;
	int status;

	if (n->n_redir == NULL)
		return (run_compound(n, flags));
	arena_mark(&arena);
	if (redirect(n->n_redir, 1) == -1)
		status = 1;
	else
		/* Something follows after all: to restore them. */
		status = run_compound(n, flags & ~EX_TAIL);
	restore_to(mark);
	arena_release(&arena);
	return (status);
}

static int
run_subshell(struct node *n, int flags)
{
	pid_t pid = 0;

	if (!(flags & EX_TAIL) && (pid = fork_job(0, 1)) == -1)
		return (126);
	if (pid != 0)
		return (wait_job(pid));
	loop_depth = 0;
	if (redirect(n->n_redir, 0) == -1)
		die(1);
	die(run(n->n_a, EX_TAIL));
}

int
run(struct node *n, int flags)
{
	int status, check = 0;

	for (;;) {
		if (sh_interrupted)
			sh_interrupt();
		switch (n->n_type) {
		case N_SEQ:
			status = run(n->n_a, flags & ~EX_TAIL);
			if (sk_what != 0)
				return (status);
			n = n->n_b;
			continue;
		case N_AND:
		case N_OR:
			status = run(n->n_a, EX_TEST);
			if (sk_what != 0 ||
			    (status == 0) != (n->n_type == N_AND))
				return (sh_status = status);
			n = n->n_b;
			continue;
		case N_NOT:
			status = !run(n->n_a, EX_TEST);
			break;
		case N_BG:
			status = run_forked(n->n_a, 0);
			break;
		case N_PIPE:
			status = run_pipe(n);
			check = 1;
			break;
		case N_SUBSHELL:
			status = run_subshell(n, flags);
			check = 1;
			break;
		case N_CMD:
			status = run_simple(n, flags);
			check = 1;
			break;
		default:
			status = run_redirected(n, flags);
			break;
		}
		break;
	}
	sh_status = status;
	if (check && status != 0 && sh_errexit && !(flags & EX_TEST))
		die(status);
	return (status);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"
#include "sh.h"

#define USAGE								\
	"usage: sh [-eiux] [-c command [name [argument ...]]]\n"	\
	"       sh [-eiux] [file [argument ...]]\n"

#define CHUNK	4000		/* with its header, one of malloc's sizes */

struct chunk {
	struct chunk	*c_prev;
	size_t		 c_size;
	unsigned int	 c_serial;
	_Alignas(16) char c_data[];
};

int		 sh_status;
int		 sh_interactive, sh_child;
int		 sh_errexit, sh_trace, sh_nounset;
pid_t		 sh_lastbg;
char		*sh_arg0;
char		**sh_args;
int		 sh_nargs;
volatile int	 sh_interrupted;

static pid_t	 shell_pid;
static jmp_buf	 top;		/* of an interactive shell */
static int	 have_top;

static struct chunk	*chunk;
static size_t		 chunk_pos;
static struct mark	 kept;	/* nothing below is released */

extern char	**environ;

pid_t
sh_pid(void)
{
	if (shell_pid == 0)
		shell_pid = getpid();
	return (shell_pid);
}

/* The arena. */

void *
arena_alloc(size_t n)
{
	struct chunk *c;
	size_t size;

	n = (n + 15) & ~(size_t)15;
	if (chunk == NULL || chunk->c_size - chunk_pos < n) {
		size = n > CHUNK ? n : CHUNK;
		c = xmalloc(sizeof(*c) + size);
		c->c_size = size;
		c->c_prev = chunk;
		c->c_serial = chunk == NULL ? 1 : chunk->c_serial + 1;
		chunk = c;
		chunk_pos = 0;
	}
	chunk_pos += n;
	return (chunk->c_data + chunk_pos - n);
}

char *
arena_strn(const char *s, size_t n)
{
	char *p = arena_alloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return (p);
}

void
arena_mark(struct mark *m)
{
	m->m_chunk = chunk;
	m->m_pos = chunk_pos;
}

void
arena_keep(void)
{
	arena_mark(&kept);
}

static int
older(const struct mark *a, const struct mark *b)
{
	unsigned int m = a->m_chunk == NULL ? 0 : a->m_chunk->c_serial;
	unsigned int n = b->m_chunk == NULL ? 0 : b->m_chunk->c_serial;

	return (m != n ? m < n : a->m_pos < b->m_pos);
}

void
arena_release(const struct mark *m)
{
	struct chunk *c;

	if (older(m, &kept))
		m = &kept;
	while (chunk != m->m_chunk) {
		c = chunk;
		chunk = c->c_prev;
		free(c);
	}
	chunk_pos = m->m_pos;
}

/* Errors. */

static void DEAD
to_top(int status)
{
	out_flush();
	if (!have_top || sh_child)
		die(status);
	sh_status = status;
	longjmp(top, 1);
}

/* The command at hand cannot go on; only a person's shell does. */
void
sh_fail(int status, const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vsnfmt(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	warnx("%s", buf);
	to_top(status);
}

void
syntax(const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vsnfmt(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	progname = "sh";
	if (have_top && !sh_child)
		warnx("syntax error: %s", buf);
	else
		warnx("line %d: syntax error: %s", src->s_line, buf);
	to_top(2);
}

void
sh_interrupt(void)
{
	sh_interrupted = 0;
	full_write(STDERR_FILENO, "\n", 1);
	to_top(130);
}

/* Commands. */

/*
 * All commands of the current source.  With tail, nothing follows after
 * it, so its last command may take the place of the shell.
 */
int
sh_loop(int tail)
{
	struct mark mark;
	struct node *n;
	int eof = 0, status = 0;

	for (;;) {
		arena_mark(&mark);
		if (sh_interactive && src->s_prev == NULL) {
			reap_background();
			src_prompt(1);
		}
		n = parse_command(&eof);
		if (eof)
			break;
		if (n != NULL)
			status = run(n, tail && src_rest_blank() ? EX_TAIL :
			    0);
		if (sh_interrupted)
			sh_interrupt();
		arena_release(&mark);
		if (sk_what != 0)
			break;
	}
	arena_release(&mark);
	return (status);
}

int
sh_string(const char *s, int tail)
{
	struct source in;
	int status;

	src_string(&in, s, strlen(s));
	status = sh_loop(tail);
	src_pop();
	return (status);
}

/* Descriptors that commands use are below 10. */
static int
open_script(const char *path)
{
	int fd, high;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (-1);
	if ((high = fcntl(fd, F_DUPFD_CLOEXEC, 10)) == -1)
		return (fd);
	close(fd);
	return (high);
}

/* The "." command. */
int
sh_file(const char *path)
{
	struct source in;
	int fd, status;

	if ((fd = open_script(path)) == -1) {
		warn("%s", path);
		return (1);
	}
	src_fd(&in, fd);
	status = sh_loop(0);
	src_pop();
	close(fd);
	if (sk_what == SK_RETURN) {
		sk_what = 0;
		status = sh_status;
	}
	return (status);
}

static int
interactive(void)
{
	struct source in;
	struct mark mark;
	char **args = sh_args;
	int nargs = sh_nargs;

	sh_interactive = 1;
	jobs_init();
	arena_mark(&mark);
	if (setjmp(top) != 0) {
		redirections_undo();
		sh_args = args;
		sh_nargs = nargs;
		arena_release(&mark);
		while (src != NULL)
			src_pop();
	}
	have_top = 1;
	progname = "sh";
	src_fd(&in, STDIN_FILENO);
	sh_loop(0);
	full_write(STDERR_FILENO, "\n", 1);
	return (sh_status);
}

static int
script(int fd)
{
	struct source in;

	src_fd(&in, fd);
	sh_loop(0);
	return (sh_status);
}

static void DEAD
sh_usage(void)
{
	errf(USAGE);
	die(2);
}

/* Returns the index of the first argument that is no option. */
static int
options(int argc, char **argv, int *cflag, int *iflag, int *sflag)
{
	const char *p;
	int i;

	for (i = 1; i < argc && (argv[i][0] == '-' || argv[i][0] == '+') &&
	    argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return (i + 1);
		for (p = argv[i] + 1; *p != '\0'; p++)
			switch (*p) {
			case 'c':
				*cflag = 1;
				break;
			case 'i':
				*iflag = 1;
				break;
			case 's':
				*sflag = 1;
				break;
			case 'l':
				break;
			default:
				if (set_flag(*p, argv[i][0] == '-') == 0)
					break;
				warnx("unknown option -- %c", *p);
				sh_usage();
			}
	}
	return (i);
}

int
sh_main(int argc, char **argv)
{
	int cflag = 0, iflag = 0, sflag = 0, fd, i;
	const char *text = NULL;

	var_init(environ);
	sh_arg0 = argv[0];
	i = options(argc, argv, &cflag, &iflag, &sflag);
	if (cflag) {
		if (i == argc)
			sh_usage();
		text = argv[i++];
	}
	if (i < argc && !sflag)
		sh_arg0 = argv[i++];
	sh_args = argv + i;
	sh_nargs = argc - i;
	if (cflag)
		return (sh_string(text, 1));
	if (sh_arg0 != argv[0]) {
		if ((fd = open_script(sh_arg0)) == -1) {
			warn("%s", sh_arg0);
			return (errno == ENOENT ? 127 : 126);
		}
		return (script(fd));
	}
	if (iflag || (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)))
		return (interactive());
	return (script(STDIN_FILENO));
}

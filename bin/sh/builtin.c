/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"
#include "sh.h"

static int
number(const char *s, int max)
{
	unsigned long long n;

	if (num_parse(s, 10, max, &n) == -1) {
		warnx("%s: bad number", s);
		return (-1);
	}
	return (n);
}

static int
break_builtin(int argc, char **argv)
{
	int n = 1;

	if (argc > 1 && (n = number(argv[1], INT_MAX)) <= 0)
		return (2);
	if (loop_depth == 0)
		return (0);
	sk_what = argv[0][0] == 'b' ? SK_BREAK : SK_CONTINUE;
	sk_count = n > loop_depth ? loop_depth : n;
	return (0);
}

static int
return_builtin(int argc, char **argv)
{
	int status = sh_status;

	if (argc > 1 && (status = number(argv[1], INT_MAX)) == -1)
		status = 2;
	sk_what = SK_RETURN;
	return (sh_status = status & 0xff);
}

static int
exit_builtin(int argc, char **argv)
{
	int status = sh_status;

	if (argc > 1 && (status = number(argv[1], INT_MAX)) == -1)
		status = 2;
	die(status & 0xff);
}

static int
exec_builtin(int argc, char **argv)
{
	int status;

	if (argc < 2)
		return (0);
	progname = "sh";
	/* What an interactive shell ignores, others are not to inherit. */
	if (sh_interactive) {
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGTSTP, SIG_DFL);
		signal(SIGTTIN, SIG_DFL);
		signal(SIGTTOU, SIG_DFL);
	}
	status = exec_try(argv + 1);
	if (!sh_interactive)
		die(status);
	jobs_init();
	return (status);
}

/* The names of export and local: 0 if it is a name or an assignment. */
static int
check_name(const char *s, int assignment)
{
	const char *end = name_end(s);

	if (end != s && (*end == '\0' || (assignment && *end == '=')))
		return (0);
	warnx("%s: bad name", s);
	return (-1);
}

static int
export_builtin(int argc, char **argv)
{
	int i, status = 0;

	if (argc == 1 || (argc == 2 && strcmp(argv[1], "-p") == 0))
		var_print_exports();
	else
		for (i = 1; i < argc; i++)
			if (check_name(argv[i], 1) == -1)
				status = 1;
			else if (strchr(argv[i], '=') != NULL)
				var_assign(argv[i], 1);
			else
				var_export(argv[i]);
	return (status);
}

static int
local_builtin(int argc, char **argv)
{
	int i;

	if (fn_depth == 0) {
		warnx("not in a function");
		return (1);
	}
	for (i = 1; i < argc; i++) {
		if (check_name(argv[i], 1) == -1)
			return (1);
		fn_locals = var_save(argv[i], fn_locals);
		if (strchr(argv[i], '=') != NULL)
			var_assign(argv[i], 0);
	}
	return (0);
}

static int
unset_builtin(int argc, char **argv)
{
	int i = 1, status = 0;

	if (argc > 1 && strcmp(argv[1], "-f") == 0) {
		for (i = 2; i < argc; i++)
			function_unset(argv[i]);
		return (0);
	}
	if (argc > 1 && strcmp(argv[1], "-v") == 0)
		i++;
	for (; i < argc; i++)
		if (check_name(argv[i], 0) == -1)
			status = 1;
		else
			var_unset(argv[i]);
	return (status);
}

static char **
copy_args(char **argv, int n)
{
	char **v = xmalloc((n + 1) * sizeof(*v));
	int i;

	for (i = 0; i < n; i++)
		v[i] = xstrdup(argv[i]);
	v[n] = NULL;
	return (v);
}

int
set_flag(int c, int on)
{
	switch (c) {
	case 'e':
		sh_errexit = on;
		return (0);
	case 'u':
		sh_nounset = on;
		return (0);
	case 'x':
		sh_trace = on;
		return (0);
	default:
		return (-1);
	}
}

static int
set_builtin(int argc, char **argv)
{
	const char *p;
	int i;

	if (argc == 1)
		var_print_all();
	for (i = 1; i < argc; i++) {
		if ((argv[i][0] != '-' && argv[i][0] != '+') ||
		    argv[i][1] == '\0')
			break;
		if (strcmp(argv[i], "--") == 0) {
			i++;
			goto args;
		}
		for (p = argv[i] + 1; *p != '\0'; p++)
			if (set_flag(*p, argv[i][0] == '-') == -1) {
				warnx("unknown option -- %c", *p);
				return (2);
			}
	}
	if (i == argc)
		return (0);
args:
	/* Those before may be in use by whoever called; they stay. */
	sh_args = copy_args(argv + i, argc - i);
	sh_nargs = argc - i;
	return (0);
}

static int
shift_builtin(int argc, char **argv)
{
	int n = 1;

	if (argc > 1 && (n = number(argv[1], INT_MAX)) == -1)
		return (2);
	if (n > sh_nargs) {
		warnx("cannot shift that many");
		return (1);
	}
	sh_args += n;
	sh_nargs -= n;
	return (0);
}

static int
cd_builtin(int argc, char **argv)
{
	static char cwd[PATH_MAX];
	const char *dir = argc > 1 ? argv[1] : var_get("HOME");
	int back = dir != NULL && strcmp(dir, "-") == 0;

	if (back)
		dir = var_get("OLDPWD");
	if (argc > 2 || dir == NULL) {
		warnx(argc > 2 ? "too many arguments" :
		    back ? "OLDPWD is not set" : "HOME is not set");
		return (1);
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		cwd[0] = '\0';
	dir = arena_strn(dir, strlen(dir));
	if (chdir(dir) == -1) {
		warn("%s", dir);
		return (1);
	}
	var_set("OLDPWD", cwd);
	if (getcwd(cwd, sizeof(cwd)) != NULL) {
		var_set("PWD", cwd);
		if (back)
			outf("%s\n", cwd);
	}
	return (0);
}

static int
pwd_builtin(int argc, char **argv)
{
	char cwd[PATH_MAX];

	(void)argc;
	(void)argv;
	if (getcwd(cwd, sizeof(cwd)) == NULL) {
		warn("getcwd");
		return (1);
	}
	outf("%s\n", cwd);
	return (0);
}

/*
 * One line, a character at a time: what follows belongs to whoever reads
 * next.  Returns 1 at the end of the file.  Characters that a backslash
 * made ordinary are told from others by a 1 in lit.
 */
static int
read_line(int rflag, char **linep, char **litp)
{
	size_t n = 0, max = 128;
	char *line = arena_alloc(max), *lit = arena_alloc(max), *p, c;
	ssize_t r;
	int escape = 0, eof = 0;

	src_sync();
	for (;;) {
		if ((r = read(STDIN_FILENO, &c, 1)) == -1 && errno == EINTR) {
			if (sh_interrupted)
				sh_interrupt();
			continue;
		}
		if (r <= 0) {
			eof = 1;
			break;
		}
		if (!escape && c == '\n')
			break;
		if (!escape && c == '\\' && !rflag) {
			escape = 1;
			continue;
		}
		if (escape && c == '\n') {
			escape = 0;
			continue;
		}
		if (n + 1 == max) {
			p = memcpy(arena_alloc(2 * max), line, n);
			line = p;
			p = memcpy(arena_alloc(2 * max), lit, n);
			lit = p;
			max *= 2;
		}
		line[n] = c;
		lit[n++] = escape;
		escape = 0;
	}
	line[n] = '\0';
	lit[n] = 0;
	*linep = line;
	*litp = lit;
	return (eof);
}

static int
is_sep(const char *ifs, int c, int lit, int blank)
{
	int b = c == ' ' || c == '\t' || c == '\n';

	return (c != '\0' && !lit && strchr(ifs, c) != NULL && b == blank);
}

/* Each name gets a field of the line, the last one the rest. */
static int
read_builtin(int argc, char **argv)
{
	const char *ifs = var_get("IFS");
	char *line, *lit, *end;
	size_t i = 0, from;
	int arg = 1, rflag = 0, eof;

	if (argc > 1 && strcmp(argv[1], "-r") == 0) {
		rflag = 1;
		arg++;
	}
	if (arg == argc || argv[arg][0] == '-') {
		errf("usage: read [-r] name ...\n");
		return (2);
	}
	if (ifs == NULL)
		ifs = " \t\n";
	eof = read_line(rflag, &line, &lit);
	for (; arg < argc; arg++) {
		if (check_name(argv[arg], 0) == -1)
			return (1);
		while (is_sep(ifs, line[i], lit[i], 1))
			i++;
		from = i;
		if (arg + 1 == argc) {
			end = line + strlen(line);
			while (end > line + from &&
			    is_sep(ifs, end[-1], lit[end - line - 1], 1))
				end--;
			*end = '\0';
			var_set(argv[arg], line + from);
			break;
		}
		while (line[i] != '\0' && !is_sep(ifs, line[i], lit[i], 1) &&
		    !is_sep(ifs, line[i], lit[i], 0))
			i++;
		var_set(argv[arg], arena_strn(line + from, i - from));
		while (is_sep(ifs, line[i], lit[i], 1))
			i++;
		if (is_sep(ifs, line[i], lit[i], 0))
			i++;
	}
	return (eof);
}

static int
wait_builtin(int argc, char **argv)
{
	int i, pid, status = 0;

	if (argc == 1)
		return (wait_all());
	for (i = 1; i < argc; i++) {
		if ((pid = number(argv[i], INT_MAX)) == -1)
			return (2);
		status = wait_background(pid);
	}
	return (status);
}

static int
umask_builtin(int argc, char **argv)
{
	unsigned long long n;
	mode_t old;

	if (argc == 1) {
		old = umask(0);
		umask(old);
		outf("%04o\n", old);
		return (0);
	}
	if (num_parse(argv[1], 8, 0777, &n) == -1) {
		warnx("%s: bad mask", argv[1]);
		return (1);
	}
	umask(n);
	return (0);
}

static int
eval_builtin(int argc, char **argv)
{
	size_t n = 1, len;
	char *text, *p;
	int i;

	for (i = 1; i < argc; i++)
		n += strlen(argv[i]) + 1;
	p = text = arena_alloc(n);
	for (i = 1; i < argc; i++) {
		len = strlen(argv[i]);
		memcpy(p, argv[i], len);
		p += len;
		*p++ = ' ';
	}
	*p = '\0';
	progname = "sh";
	return (sh_string(text, 0));
}

static int
dot_builtin(int argc, char **argv)
{
	if (argc != 2) {
		errf("usage: . file\n");
		return (2);
	}
	progname = "sh";
	return (sh_file(argv[1]));
}

/*
 * In the order of how often they are looked for: "[" and "echo" are met in
 * nearly every script.
 */
static const struct builtin builtins[] = {
	{ "echo", echo_main, 0 },	{ "[", test_main, 0 },
	{ "test", test_main, 0 },	{ ":", true_main, 1 },
	{ "true", true_main, 0 },	{ "false", false_main, 0 },
	{ ".", dot_builtin, 1 },	{ "break", break_builtin, 1 },
	{ "cd", cd_builtin, 0 },	{ "continue", break_builtin, 1 },
	{ "eval", eval_builtin, 1 },	{ "exec", exec_builtin, 1 },
	{ "exit", exit_builtin, 1 },	{ "export", export_builtin, 1 },
	{ "kill", kill_main, 0 },	{ "local", local_builtin, 1 },
	{ "pwd", pwd_builtin, 0 },	{ "read", read_builtin, 0 },
	{ "return", return_builtin, 1 }, { "set", set_builtin, 1 },
	{ "shift", shift_builtin, 1 },	{ "umask", umask_builtin, 0 },
	{ "unset", unset_builtin, 1 },	{ "wait", wait_builtin, 0 }
};

const struct builtin *
builtin_find(const char *name)
{
	size_t i;

	for (i = 0; i < nitems(builtins); i++)
		if (strcmp(name, builtins[i].b_name) == 0)
			return (&builtins[i]);
	return (NULL);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * test and [.  Status 0 is true, 1 false, 2 an error.
 */

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../crunch/util.h"
#include "sh.h"

static char	**arg;		/* those not looked at yet */
static int	  left;
static int	  error;

static int	expr_or(void);

static int
bad(const char *what, const char *text)
{
	if (!error)
		warnx("%s: %s", text, what);
	error = 1;
	return (0);
}

static long long
integer(const char *s)
{
	unsigned long long n;
	int neg = *s == '-';

	if (num_parse(s + (neg || *s == '+'), 10, LLONG_MAX, &n) == -1)
		return (bad("not a number", s));
	return (neg ? -(long long)n : (long long)n);
}

static int
newer(const char *a, const char *b)
{
	struct stat s, t;

	if (stat(a, &s) == -1)
		return (0);
	if (stat(b, &t) == -1)
		return (1);
	return (s.st_mtim.tv_sec > t.st_mtim.tv_sec ||
	    (s.st_mtim.tv_sec == t.st_mtim.tv_sec &&
	    s.st_mtim.tv_nsec > t.st_mtim.tv_nsec));
}

static int
same(const char *a, const char *b)
{
	struct stat s, t;

	return (stat(a, &s) == 0 && stat(b, &t) == 0 &&
	    s.st_dev == t.st_dev && s.st_ino == t.st_ino);
}

static const char *const binaries[] = {
	"=", "!=", "==", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge",
	"-nt", "-ot", "-ef"
};

static int
binary_index(const char *s)
{
	size_t i;

	for (i = 0; i < nitems(binaries); i++)
		if (strcmp(s, binaries[i]) == 0)
			return (i);
	return (-1);
}

static int
binary(const char *a, int op, const char *b)
{
	long long m = 0, n = 0;

	if (op >= 5 && op <= 10) {
		m = integer(a);
		n = integer(b);
	}
	switch (op) {
	case 0:
	case 2:
		return (strcmp(a, b) == 0);
	case 1:
		return (strcmp(a, b) != 0);
	case 3:
		return (strcmp(a, b) < 0);
	case 4:
		return (strcmp(a, b) > 0);
	case 5:
		return (m == n);
	case 6:
		return (m != n);
	case 7:
		return (m < n);
	case 8:
		return (m <= n);
	case 9:
		return (m > n);
	case 10:
		return (m >= n);
	case 11:
		return (newer(a, b));
	case 12:
		return (newer(b, a));
	default:
		return (same(a, b));
	}
}

static int
mode(const char *path, mode_t type)
{
	struct stat st;

	return (stat(path, &st) == 0 && (st.st_mode & S_IFMT) == type);
}

static int
unary(int op, const char *s)
{
	struct stat st;

	switch (op) {
	case 'n':
		return (*s != '\0');
	case 'z':
		return (*s == '\0');
	case 't':
		return (isatty(integer(s)));
	case 'r':
		return (access(s, R_OK) == 0);
	case 'w':
		return (access(s, W_OK) == 0);
	case 'x':
		return (access(s, X_OK) == 0);
	case 'h':
	case 'L':
		return (lstat(s, &st) == 0 && S_ISLNK(st.st_mode));
	case 'b':
		return (mode(s, S_IFBLK));
	case 'c':
		return (mode(s, S_IFCHR));
	case 'd':
		return (mode(s, S_IFDIR));
	case 'f':
		return (mode(s, S_IFREG));
	case 'p':
		return (mode(s, S_IFIFO));
	case 'S':
		return (mode(s, S_IFSOCK));
	}
	if (stat(s, &st) == -1)
		return (0);
	switch (op) {
	case 'e':
		return (1);
	case 's':
		return (st.st_size > 0);
	case 'u':
		return ((st.st_mode & S_ISUID) != 0);
	default:
		return ((st.st_mode & S_ISGID) != 0);
	}
}

static char *
next(void)
{
	left--;
	return (*arg++);
}

/* What looks like an operator is one only if there are words for it. */
static int
primary(void)
{
	char *a, *b;
	int op, r;

	if (left == 0)
		return (bad("argument expected", "expression"));
	a = arg[0];
	if (left >= 3 && (op = binary_index(arg[1])) != -1) {
		b = arg[2];
		arg += 3;
		left -= 3;
		return (binary(a, op, b));
	}
	next();
	if (left >= 1 && strcmp(a, "!") == 0)
		return (!primary());
	if (left >= 2 && strcmp(a, "(") == 0) {
		r = expr_or();
		if (left == 0 || strcmp(next(), ")") != 0)
			return (bad("expected", ")"));
		return (r);
	}
	if (left >= 1 && a[0] == '-' && a[1] != '\0' && a[2] == '\0' &&
	    strchr("nztrwxhLbcdfpSesug", a[1]) != NULL)
		return (unary(a[1], next()));
	return (*a != '\0');
}

static int
expr_and(void)
{
	int r = primary();

	while (left > 0 && strcmp(arg[0], "-a") == 0) {
		next();
		r &= primary();
	}
	return (r);
}

static int
expr_or(void)
{
	int r = expr_and();

	while (left > 0 && strcmp(arg[0], "-o") == 0) {
		next();
		r |= expr_and();
	}
	return (r);
}

int
test_main(int argc, char **argv)
{
	int r;

	error = 0;
	arg = argv + 1;
	left = argc - 1;
	if (argv[0][0] == '[') {
		if (left == 0 || strcmp(argv[argc - 1], "]") != 0) {
			warnx("missing ]");
			return (2);
		}
		left--;
	}
	if (left == 0)
		return (1);
	r = expr_or();
	if (!error && left != 0)
		bad("unexpected", arg[0]);
	return (error ? 2 : !r);
}

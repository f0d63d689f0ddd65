/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

/* Also a builtin of sh: nothing in here may exit. */

static int
kill_usage(void)
{
	errf("usage: kill [-signal | -s signal] pid ...\n"
	    "       kill -l [status]\n");
	return (1);
}

static int
list(const char *arg)
{
	const char *name, *sep = "";
	unsigned long long n;
	int sig;

	if (arg != NULL) {
		/* A number, or the status of what a signal killed. */
		if (num_parse(arg, 10, 255, &n) == -1)
			return (kill_usage());
		if ((name = sig_name(n & 0x7f)) == NULL) {
			warnx("%s: unknown signal", arg);
			return (1);
		}
		outf("%s\n", name);
		return (0);
	}
	for (sig = 1; sig < 32; sig++)
		if ((name = sig_name(sig)) != NULL) {
			outf("%s%s", sep, name);
			sep = " ";
		}
	out_ch('\n');
	return (0);
}

static int
kill_one(const char *arg, int sig)
{
	unsigned long long n;
	int neg = *arg == '-';

	if (num_parse(arg + neg, 10, INT_MAX, &n) == -1) {
		warnx("%s: not a process id", arg);
		return (1);
	}
	if (kill(neg ? -(pid_t)n : (pid_t)n, sig) == -1) {
		warn("%s", arg);
		return (1);
	}
	return (0);
}

int
kill_main(int argc, char **argv)
{
	const char *name = NULL;
	int i = 1, sig = SIGTERM, status = 0;

	if (argc > 1 && strcmp(argv[1], "-l") == 0)
		return (argc > 3 ? kill_usage() : list(argv[2]));
	if (argc > 1 && strcmp(argv[1], "-s") == 0) {
		if (argc == 2)
			return (kill_usage());
		name = argv[2];
		i = 3;
	} else if (argc > 1 && argv[1][0] == '-' &&
	    strcmp(argv[1], "--") != 0) {
		name = argv[1] + 1;
		i = 2;
	}
	if (name != NULL && (sig = sig_num(name)) == -1) {
		warnx("%s: unknown signal", name);
		return (kill_usage());
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	if (i == argc)
		return (kill_usage());
	for (; i < argc; i++)
		status |= kill_one(argv[i], sig);
	return (status);
}

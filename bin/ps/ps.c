/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <limits.h>
#include <string.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

#define USAGE	"[-AaeuwxX] [-p pid]"
#define HZ	100		/* the unit of times in /proc, by its ABI */

/* The fields of /proc/PID/stat behind the name, the state being the first. */
enum {
	F_STATE, F_PPID, F_PGRP, F_SESSION, F_TTY, F_TPGID,
	F_UTIME = 11, F_STIME = 12, F_NICE = 16, F_COUNT = 17
};

static int
by_number(const char *a, const char *b)
{
	size_t m = strlen(a), n = strlen(b);

	return (m != n ? (m > n ? 1 : -1) : strcmp(a, b));
}

/* Splits behind the last parenthesis: a name may contain anything. */
static int
split(char *stat, char **name, char *f[F_COUNT])
{
	char *p;
	int i;

	if ((*name = strchr(stat, '(')) == NULL ||
	    (p = strrchr(stat, ')')) == NULL)
		return (-1);
	++*name;
	*p++ = '\0';
	for (i = 0; i < F_COUNT; i++) {
		while (*p == ' ')
			*p++ = '\0';
		if (*p == '\0')
			return (-1);
		f[i] = p;
		p += strcspn(p, " \n");
	}
	*p = '\0';
	return (0);
}

static unsigned long long
value(const char *s)
{
	unsigned long long n;

	return (num_parse(s, 10, ULLONG_MAX, &n) == 0 ? n : 0);
}

static void
print_command(const char *pid, const char *name)
{
	char path[64];
	ssize_t i, n;

	snfmt(path, sizeof(path), "/proc/%s/cmdline", pid);
	if ((n = file_read(path, iobuf, IOBUFSZ)) <= 0) {
		outf("[%s]\n", name);	/* the kernel's own, or a zombie */
		return;
	}
	while (n > 1 && iobuf[n - 1] == '\0')
		n--;
	for (i = 0; i < n; i++)
		out_ch(iobuf[i] == '\0' ? ' ' :
		    (unsigned char)iobuf[i] < ' ' ? '?' : iobuf[i]);
	out_ch('\n');
}

/* A process may end while the others are listed; then it is left out. */
static int
print(const char *pid)
{
	char path[64], stat[1024], flags[5], *f[F_COUNT], *name, *p = flags;
	unsigned long long t;

	snfmt(path, sizeof(path), "/proc/%s/stat", pid);
	if (file_read(path, stat, sizeof(stat)) <= 0 ||
	    split(stat, &name, f) == -1)
		return (-1);
	*p++ = f[F_STATE][0];
	if (f[F_NICE][0] == '-')
		*p++ = '<';
	else if (f[F_NICE][0] != '0')
		*p++ = 'N';
	if (strcmp(f[F_SESSION], pid) == 0)
		*p++ = 's';
	if (strcmp(f[F_PGRP], f[F_TPGID]) == 0)
		*p++ = '+';
	*p = '\0';
	t = value(f[F_UTIME]) + value(f[F_STIME]);
	outf("%5s %5s %-4s %3llu:%02llu.%02llu ", pid, f[F_PPID], flags,
	    t / HZ / 60, t / HZ % 60, t % HZ * 100 / HZ);
	print_command(pid, name);
	return (0);
}

int
ps_main(int argc, char **argv)
{
	unsigned long long n;
	const char *pid = NULL, *p;
	char **names;
	size_t i, count;
	int ch;

	/* All processes are always shown, whoever asks in whatever dialect. */
	while ((ch = opt_get(argc, argv, "Aaep:uwxX")) != -1) {
		if (ch == '?')
			usage(USAGE);
		if (ch == 'p')
			pid = opt_arg;
	}
	if (opt_ind < argc) {
		for (p = argv[opt_ind]; *p != '\0'; p++)
			if (strchr("aeuwx", *p) == NULL)
				usage(USAGE);
		if (opt_ind + 1 != argc)
			usage(USAGE);
	}
	if (pid != NULL && num_parse(pid, 10, INT_MAX, &n) == -1)
		errx(1, "%s: not a process id", pid);
	outf("%5s %5s %-4s %9s %s\n", "PID", "PPID", "STAT", "TIME",
	    "COMMAND");
	if (pid != NULL)
		return (print(pid) == -1);
	if ((names = dir_names("/proc", &count)) == NULL)
		err(1, "/proc");
	sort_strs(names, count, by_number);
	for (i = 0; i < count; i++)
		if (names[i][0] >= '0' && names[i][0] <= '9')
			(void)print(names[i]);
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

#define USAGE	"[-1adlR] [file ...]"

static int	aflag, dflag, lflag, Rflag;
static int	status;
static struct timespec now;

static char *
join(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *s = xmalloc(n);

	snfmt(s, n, "%s%s%s", dir,
	    dir[0] != '\0' && dir[strlen(dir) - 1] == '/' ? "" : "/", name);
	return (s);
}

static void
mode_string(mode_t m, char *s)
{
	static const char rwx[] = "rwxrwxrwx";
	int i;

	s[0] = S_ISDIR(m) ? 'd' : S_ISLNK(m) ? 'l' : S_ISCHR(m) ? 'c' :
	    S_ISBLK(m) ? 'b' : S_ISFIFO(m) ? 'p' : S_ISSOCK(m) ? 's' : '-';
	for (i = 0; i < 9; i++)
		s[i + 1] = m & (0400 >> i) ? rwx[i] : '-';
	if (m & S_ISUID)
		s[3] = m & S_IXUSR ? 's' : 'S';
	if (m & S_ISGID)
		s[6] = m & S_IXGRP ? 's' : 'S';
	if (m & S_ISVTX)
		s[9] = m & S_IXOTH ? 't' : 'T';
	s[10] = '\0';
}

/* The time of day for the last half year, the year for what is older. */
static void
print_time(time_t t)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c;

	if (now.tv_sec == 0)
		clock_gettime(CLOCK_REALTIME, &now);
	civil_time(t, &c);
	outf("%.3s %2d ", months + 3 * (c.c_mon - 1), c.c_day);
	if (t > now.tv_sec || now.tv_sec - t > 182 * 86400L)
		outf("%5ld ", c.c_year);
	else
		outf("%02d:%02d ", c.c_hour, c.c_min);
}

static void
print_link(const char *path)
{
	char target[4096];
	ssize_t n;

	if ((n = readlink(path, target, sizeof(target))) == -1)
		warn("%s", path);
	else {
		out_str(" -> ");
		out_mem(target, n);
	}
}

static void
print(const char *path, const char *name, const struct stat *st)
{
	char mode[11], size[32];

	if (lflag) {
		mode_string(st->st_mode, mode);
		if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
			snfmt(size, sizeof(size), "%u, %3u",
			    major(st->st_rdev), minor(st->st_rdev));
		else
			snfmt(size, sizeof(size), "%lld",
			    (long long)st->st_size);
		outf("%s %2lu %-4u %-4u %10s ", mode,
		    (unsigned long)st->st_nlink, st->st_uid, st->st_gid, size);
		print_time(st->st_mtime);
	}
	out_str(name);
	if (lflag && S_ISLNK(st->st_mode))
		print_link(path);
	out_ch('\n');
}

static void
print_total(char **names, size_t n, const struct stat *sts)
{
	long long blocks = 0;
	size_t i;

	for (i = 0; i < n; i++)
		if (names[i] != NULL)
			blocks += sts[i].st_blocks;
	outf("total %lld\n", blocks);
}

/* The names of a directory that are shown, . and .. first. */
static char **
shown(const char *dir, size_t *np)
{
	char **all, **v;
	size_t i, n, m = 0;

	if ((all = dir_names(dir, &n)) == NULL)
		return (NULL);
	v = xmalloc((n + 3) * sizeof(*v));
	if (aflag) {
		v[m++] = xstrdup(".");
		v[m++] = xstrdup("..");
	}
	for (i = 0; i < n; i++)
		if (all[i][0] != '.' || aflag)
			v[m++] = all[i];
		else
			free(all[i]);
	v[m] = NULL;
	free(all);
	*np = m;
	return (v);
}

static void	list_dir(const char *, int);

static void
descend(const char *dir, char **names, const struct stat *sts, size_t n)
{
	char *path;
	size_t i;

	for (i = 0; i < n; i++) {
		if (names[i] == NULL || !S_ISDIR(sts[i].st_mode) ||
		    strcmp(names[i], ".") == 0 || strcmp(names[i], "..") == 0)
			continue;
		path = join(dir, names[i]);
		out_ch('\n');
		list_dir(path, 1);
		free(path);
	}
}

static void
list_dir(const char *dir, int header)
{
	struct stat *sts = NULL;
	char **names, *path;
	size_t i, n;

	if ((names = shown(dir, &n)) == NULL) {
		warn("%s", dir);
		status = 1;
		return;
	}
	if (header)
		outf("%s:\n", dir);
	if (lflag || Rflag) {
		sts = xmalloc((n + 1) * sizeof(*sts));
		for (i = 0; i < n; i++) {
			path = join(dir, names[i]);
			if (lstat(path, &sts[i]) == -1) {
				warn("%s", path);
				status = 1;
				free(names[i]);
				names[i] = NULL;
			}
			free(path);
		}
	}
	if (lflag)
		print_total(names, n, sts);
	for (i = 0; i < n; i++) {
		if (names[i] == NULL)
			continue;
		path = lflag ? join(dir, names[i]) : NULL;
		print(path, names[i], lflag ? &sts[i] : NULL);
		free(path);
	}
	if (Rflag)
		descend(dir, names, sts, n);
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	free(sts);
}

/*
 * Files come before directories.  A link to a directory on the command
 * line is followed, unless -l or -d asks about the link itself.
 */
static void
list_args(char **args, size_t n)
{
	struct stat *sts;
	size_t i, dirs = 0, files = 0;

	sts = xmalloc((n + 1) * sizeof(*sts));
	for (i = 0; i < n; i++) {
		if ((lflag || dflag || stat(args[i], &sts[i]) == -1) &&
		    lstat(args[i], &sts[i]) == -1) {
			warn("%s", args[i]);
			status = 1;
			args[i] = NULL;
			continue;
		}
		if (S_ISDIR(sts[i].st_mode) && !dflag) {
			dirs++;
			continue;
		}
		files++;
		print(args[i], args[i], &sts[i]);
		args[i] = NULL;
	}
	for (i = 0; i < n; i++) {
		if (args[i] == NULL)
			continue;
		if (files != 0)
			out_ch('\n');
		list_dir(args[i], n > 1 || Rflag);
		files = 1;
	}
	free(sts);
}

int
ls_main(int argc, char **argv)
{
	static char *dot[] = { ".", NULL };
	int ch;

	while ((ch = opt_get(argc, argv, "1adlR")) != -1)
		switch (ch) {
		case '1':	/* there are no columns */
			break;
		case 'a':
			aflag = 1;
			break;
		case 'd':
			dflag = 1;
			break;
		case 'l':
			lflag = 1;
			break;
		case 'R':
			Rflag = 1;
			break;
		default:
			usage(USAGE);
		}
	if (opt_ind == argc)
		list_args(dot, 1);
	else {
		sort_strs(argv + opt_ind, argc - opt_ind, strcmp);
		list_args(argv + opt_ind, argc - opt_ind);
	}
	return (status);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/util.h"

#define ROOT	"/proc/sys/"
#define USAGE	"[-n] [-a | name[=value] ...]"

static int	nflag;

/* dst may be src. */
static void
translate(char *dst, const char *src, int from, int to)
{
	for (; *src != '\0'; src++)
		*dst++ = *src == from ? to : *src;
	*dst = '\0';
}

static char *
join(const char *a, const char *sep, const char *b)
{
	size_t n = strlen(a) + strlen(sep) + strlen(b) + 1;
	char *s = xmalloc(n);

	snfmt(s, n, "%s%s%s", a, sep, b);
	return (s);
}

/* Into iobuf, without the newline at the end. */
static int
value(const char *path)
{
	ssize_t n;

	if ((n = file_read(path, iobuf, IOBUFSZ)) == -1)
		return (-1);
	if (n > 0 && iobuf[n - 1] == '\n')
		iobuf[n - 1] = '\0';
	return (0);
}

/* The variable of a file: the caller frees it. */
static char *
variable(const char *path)
{
	char *name = xstrdup(path + strlen(ROOT));

	translate(name, name, '/', '.');
	return (name);
}

static void
print_name(const char *path)
{
	char *name;

	if (nflag)
		return;
	name = variable(path);
	outf("%s=", name);
	free(name);
}

static void
warn_name(const char *path)
{
	int saved = errno;
	char *name = variable(path);

	errno = saved;
	warn("%s", name);
	free(name);
}

/*
 * One value, or all that are below a directory.  In a walk, what may only
 * be written is passed over.
 */
static int
show(const char *path, int walking)
{
	struct stat st;
	char **names, *sub;
	size_t i, n;
	int status = 0;

	if (stat(path, &st) == -1)
		goto fail;
	if (S_ISDIR(st.st_mode)) {
		if ((names = dir_names(path, &n)) == NULL)
			goto fail;
		for (i = 0; i < n; i++) {
			sub = join(path, "/", names[i]);
			status |= show(sub, 1);
			free(sub);
		}
		dir_free(names);
		return (status);
	}
	if (walking && (st.st_mode & 0444) == 0)
		return (0);
	if (value(path) == -1)
		goto fail;
	print_name(path);
	outf("%s\n", iobuf);
	return (0);
fail:
	/* A device may leave while its values are listed. */
	if (walking && errno == ENOENT)
		return (0);
	warn_name(path);
	return (1);
}

static int
set(const char *path, const char *val)
{
	char *old, *name;
	int fd;

	old = value(path) == 0 ? xstrdup(iobuf) : NULL;
	if ((fd = open(path, O_WRONLY)) == -1 ||
	    full_write(fd, val, strlen(val)) == -1) {
		warn_name(path);
		if (fd != -1)
			close(fd);
		return (1);
	}
	close(fd);
	if (old == NULL || value(path) == -1)
		return (0);
	if (!nflag) {
		translate(old, old, '\n', ' ');
		name = variable(path);
		outf("%s: %s -> ", name, old);
		free(name);
	}
	outf("%s\n", iobuf);
	free(old);
	return (0);
}

static int
one(char *arg)
{
	char *eq, *path;
	size_t n;
	int status;

	if ((eq = strchr(arg, '=')) != NULL)
		*eq++ = '\0';
	path = join(ROOT, "", arg);
	translate(path + strlen(ROOT), path + strlen(ROOT), '.', '/');
	for (n = strlen(path); n > strlen(ROOT) && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	if (eq != NULL)
		status = set(path, eq);
	else
		status = show(path, 0);
	free(path);
	return (status);
}

int
sysctl_main(int argc, char **argv)
{
	int ch, aflag = 0, status = 0;

	while ((ch = opt_get(argc, argv, "an")) != -1)
		switch (ch) {
		case 'a':
			aflag = 1;
			break;
		case 'n':
			nflag = 1;
			break;
		default:
			usage(USAGE);
		}
	if (aflag && opt_ind != argc)
		usage(USAGE);
	if (opt_ind == argc)
		return (show("/proc/sys", 0));
	for (; opt_ind < argc; opt_ind++)
		status |= one(argv[opt_ind]);
	return (status);
}

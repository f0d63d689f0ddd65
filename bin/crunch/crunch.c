/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The small programs of the root image are one binary: they share their
 * code and its pages.  The name it is called by chooses the program.
 */

#include <string.h>

#include "crunch.h"
#include "util.h"

static const struct program {
	const char	*p_name;
	int		(*p_main)(int, char **);
} programs[] = {
#define CRUNCH_ENTRY(name, fn)	{ name, fn },
	CRUNCH_PROGRAMS(CRUNCH_ENTRY)
#undef CRUNCH_ENTRY
};

static const char *
base(const char *path)
{
	const char *p;

	/* A login shell is called with a dash before its name. */
	if (*path == '-')
		path++;
	return ((p = strrchr(path, '/')) != NULL ? p + 1 : path);
}

int
main(int argc, char **argv)
{
	const struct program *p;
	const char *name;

	if (argc < 1)
		return (1);
	name = base(argv[0]);
	if (strcmp(name, "crunch") == 0 && argc > 1) {
		argc--;
		name = base(*++argv);
	}
	for (p = programs; p < programs + nitems(programs); p++)
		if (strcmp(name, p->p_name) == 0) {
			progname = p->p_name;
			die(p->p_main(argc, argv));
		}
	if (strcmp(name, "crunch") != 0)
		warnx("%s: no such program", name);
	errf("usage: crunch program [argument ...]\nprograms:");
	for (p = programs; p < programs + nitems(programs); p++)
		errf(" %s", p->p_name);
	errf("\n");
	die(1);
}

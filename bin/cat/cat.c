/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

static int
cat_file(const char *name)
{
	int fd, status;

	if (strcmp(name, "-") == 0)
		return (copy_out(STDIN_FILENO, "stdin", STDOUT_FILENO));
	if ((fd = open(name, O_RDONLY)) == -1) {
		warn("%s", name);
		return (1);
	}
	status = copy_out(fd, name, STDOUT_FILENO);
	close(fd);
	return (status);
}

int
cat_main(int argc, char **argv)
{
	int ch, status = 0;

	while ((ch = opt_get(argc, argv, "u")) != -1)
		if (ch != 'u')		/* nothing is held back anyway */
			usage("[-u] [file ...]");
	if (opt_ind == argc)
		return (cat_file("-"));
	for (; opt_ind < argc; opt_ind++)
		status |= cat_file(argv[opt_ind]);
	return (status);
}

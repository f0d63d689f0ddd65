/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/util.h"

#define USAGE	"[-n lines | -c bytes] [file ...]"

/*
 * The first count lines or bytes.  What is read beyond the last line is
 * given back if the file can seek, so that a following program finds it.
 */
static int
head(int fd, const char *name, unsigned long long count, int bytes)
{
	ssize_t i, n;

	while (count != 0) {
		n = IOBUFSZ;
		if (bytes && count < IOBUFSZ)
			n = count;
		if ((n = read(fd, iobuf, n)) == 0)
			break;
		if (n == -1) {
			if (errno == EINTR)
				continue;
			warn("%s", name);
			return (1);
		}
		if (bytes) {
			count -= n;
			i = n;
		} else
			for (i = 0; i < n && count != 0; i++)
				if (iobuf[i] == '\n')
					count--;
		if (i < n)
			(void)lseek(fd, i - n, SEEK_CUR);
		if (full_write(STDOUT_FILENO, iobuf, i) == -1)
			err(1, "write");
	}
	return (0);
}

int
head_main(int argc, char **argv)
{
	unsigned long long count = 10;
	const char *name;
	int ch, fd, i, bytes = 0, status = 0;

	/* The old form -20. */
	if (argc > 1 && argv[1][0] == '-' &&
	    num_parse(argv[1] + 1, 10, 1ULL << 62, &count) == 0)
		opt_ind = 2;
	while ((ch = opt_get(argc, argv, "c:n:")) != -1) {
		if (ch == '?')
			usage(USAGE);
		bytes = ch == 'c';
		if (num_size(opt_arg, &count) == -1)
			errx(1, "bad count: %s", opt_arg);
	}
	if (opt_ind == argc)
		return (head(STDIN_FILENO, "stdin", count, bytes));
	for (i = opt_ind; i < argc; i++) {
		name = argv[i];
		fd = STDIN_FILENO;
		if (strcmp(name, "-") != 0 &&
		    (fd = open(name, O_RDONLY)) == -1) {
			warn("%s", name);
			status = 1;
			continue;
		}
		if (argc - opt_ind > 1) {
			outf("%s==> %s <==\n", i == opt_ind ? "" : "\n",
			    name);
			if (out_flush() == -1)
				err(1, "write");
		}
		status |= head(fd, name, count, bytes);
		if (fd != STDIN_FILENO)
			close(fd);
	}
	return (status);
}

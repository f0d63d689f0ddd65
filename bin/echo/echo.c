/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <string.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

/* Also a builtin of sh, so it must not exit. */
int
echo_main(int argc, char **argv)
{
	int i = 1, nflag = 0;

	if (argc > 1 && strcmp(argv[1], "-n") == 0) {
		nflag = 1;
		i++;
	}
	for (; i < argc; i++) {
		out_str(argv[i]);
		if (i + 1 < argc)
			out_ch(' ');
	}
	if (!nflag)
		out_ch('\n');
	return (0);
}

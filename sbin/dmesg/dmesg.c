/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <stdlib.h>
#include <sys/klog.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/util.h"

/* Actions of syslog(2). */
#define ACTION_READ_ALL		3
#define ACTION_SIZE_BUFFER	10

int
dmesg_main(int argc, char **argv)
{
	char *buf;
	int n, size;

	if (opt_get(argc, argv, "") != -1 || opt_ind != argc)
		usage("");
	if ((size = klogctl(ACTION_SIZE_BUFFER, NULL, 0)) <= 0)
		size = 65536;
	buf = xmalloc(size);
	if ((n = klogctl(ACTION_READ_ALL, buf, size)) == -1)
		err(1, "syslog");
	out_mem(buf, n);
	if (n != 0 && buf[n - 1] != '\n')
		out_ch('\n');
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <time.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

/* Seconds with a fraction, without the floating point library. */
static int
parse(const char *s, struct timespec *ts)
{
	long scale = 100000000;
	int digits = 0;

	ts->tv_sec = ts->tv_nsec = 0;
	for (; *s >= '0' && *s <= '9'; s++, digits++) {
		if (ts->tv_sec > 1000000000L)
			return (-1);
		ts->tv_sec = ts->tv_sec * 10 + (*s - '0');
	}
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, digits++) {
			ts->tv_nsec += (*s - '0') * scale;
			scale /= 10;
		}
	return (*s != '\0' || digits == 0 ? -1 : 0);
}

int
sleep_main(int argc, char **argv)
{
	struct timespec ts;

	if (opt_get(argc, argv, "") != -1 || argc - opt_ind != 1)
		usage("seconds");
	if (parse(argv[opt_ind], &ts) == -1)
		errx(1, "seconds is not a number: %s", argv[opt_ind]);
	if ((ts.tv_sec != 0 || ts.tv_nsec != 0) &&
	    nanosleep(&ts, NULL) == -1)
		err(1, "nanosleep");
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <time.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

static const char days[] = "ThuFriSatSunMonTueWed";	/* from 1970 on */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void	format(const char *, const struct timespec *);

static void
conversion(char c, const struct timespec *ts, const struct civil *cv)
{
	switch (c) {
	case 'Y': outf("%04ld", cv->c_year); break;
	case 'm': outf("%02d", cv->c_mon); break;
	case 'd': outf("%02d", cv->c_day); break;
	case 'e': outf("%2d", cv->c_day); break;
	case 'H': outf("%02d", cv->c_hour); break;
	case 'M': outf("%02d", cv->c_min); break;
	case 'S': outf("%02d", (int)(ts->tv_sec % 60)); break;
	case 'N': outf("%09ld", (long)ts->tv_nsec); break;
	case 's': outf("%lld", (long long)ts->tv_sec); break;
	case 'a': outf("%.3s", days + ts->tv_sec / 86400 % 7 * 3); break;
	case 'b': outf("%.3s", months + 3 * (cv->c_mon - 1)); break;
	case 'Z': out_str("UTC"); break;
	case 'z': out_str("+0000"); break;
	case 'F': format("%Y-%m-%d", ts); break;
	case 'T': format("%H:%M:%S", ts); break;
	case 'n': out_ch('\n'); break;
	case 't': out_ch('\t'); break;
	case '%': out_ch('%'); break;
	default: errx(1, "unknown conversion: %%%c", c);
	}
}

static void
format(const char *s, const struct timespec *ts)
{
	struct civil cv;

	civil_time(ts->tv_sec, &cv);
	for (; *s != '\0'; s++) {
		if (*s != '%')
			out_ch(*s);
		else if (*++s != '\0')
			conversion(*s, ts, &cv);
		else
			errx(1, "%% at the end");
	}
}

static void
set(const char *text)
{
	struct timespec ts = { 0, 0 };
	unsigned long long sec;

	if (text[0] != '@' || num_parse(text + 1, 10, 1ULL << 40, &sec) == -1)
		errx(1, "@ and the seconds since 1970 are wanted: %s", text);
	ts.tv_sec = sec;
	if (clock_settime(CLOCK_REALTIME, &ts) == -1)
		err(1, "%s", text);
}

int
date_main(int argc, char **argv)
{
	const char *fmt = "%a %b %e %H:%M:%S %Z %Y", *new = NULL;
	struct timespec ts;
	int ch;

	while ((ch = opt_get(argc, argv, "s:u")) != -1) {
		if (ch == 's')
			new = opt_arg;
		else if (ch != 'u')
			usage("[-u] [-s @seconds] [+format]");
	}
	if (argc - opt_ind > 1 ||
	    (argc > opt_ind && argv[opt_ind][0] != '+'))
		usage("[-u] [-s @seconds] [+format]");
	if (new != NULL)
		set(new);
	if (argc > opt_ind)
		fmt = argv[opt_ind] + 1;
	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		err(1, "clock");
	format(fmt, &ts);
	out_ch('\n');
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bin/crunch/crunch.h"
#include "../../bin/crunch/util.h"

#define USAGE	"[-Cv] [-n length] [-s skip] [file ...]"
#define LINE	16

/* The files given are one long input. */
static char	**files;
static int	  fd = -1;
static int	  status;

static const char *
input_name(void)
{
	return (fd == STDIN_FILENO ? "stdin" : files[-1]);
}

static void
input_close(void)
{
	if (fd != STDIN_FILENO)
		close(fd);
	fd = -1;
}

static int
input_open(void)
{
	while (fd == -1) {
		if (*files == NULL)
			return (-1);
		if ((fd = open(*files++, O_RDONLY)) == -1) {
			warn("%s", files[-1]);
			status = 1;
		}
	}
	return (0);
}

/* Fills buf as far as there is input; short only at the end of all. */
static size_t
input(void *buf, size_t want)
{
	size_t n = 0;
	ssize_t r;

	while (n < want && input_open() == 0) {
		r = read(fd, (char *)buf + n, want - n);
		if (r > 0) {
			n += r;
			continue;
		}
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1) {
			warn("%s", input_name());
			status = 1;
		}
		input_close();
	}
	return (n);
}

/*
 * Seeks where that is sure to mean the same as reading: in a regular file
 * within its size, and on a block device.
 */
static void
skip(unsigned long long n)
{
	struct stat st;
	size_t chunk;

	while (n != 0 && input_open() == 0) {
		if (fstat(fd, &st) == 0 && ((S_ISREG(st.st_mode) &&
		    st.st_size != 0 && lseek(fd, 0, SEEK_CUR) == 0) ||
		    S_ISBLK(st.st_mode))) {
			if (S_ISREG(st.st_mode) &&
			    n >= (unsigned long long)st.st_size) {
				n -= st.st_size;
				input_close();
				continue;
			}
			if (lseek(fd, n, SEEK_CUR) != -1)
				return;
		}
		chunk = n < IOBUFSZ ? n : IOBUFSZ;
		if ((chunk = input(iobuf, chunk)) == 0)
			return;
		n -= chunk;
	}
}

static void
line_canonical(unsigned long long addr, const unsigned char *p, size_t n)
{
	size_t i;

	outf("%08llx  ", addr);
	for (i = 0; i < LINE; i++) {
		if (i < n)
			outf("%02x ", p[i]);
		else
			out_str("   ");
		if (i == 7)
			out_ch(' ');
	}
	out_str(" |");
	for (i = 0; i < n; i++)
		out_ch(p[i] >= ' ' && p[i] < 0x7f ? p[i] : '.');
	out_str("|\n");
}

/* Two bytes at a time, in the order of the machine. */
static void
line_words(unsigned long long addr, const unsigned char *p, size_t n)
{
	uint16_t w;
	size_t i;

	outf("%07llx", addr);
	for (i = 0; i < LINE; i += 2) {
		if (i >= n) {
			out_str("     ");
			continue;
		}
		w = 0;
		memcpy(&w, p + i, n - i < 2 ? n - i : 2);
		outf(" %04x", w);
	}
	out_ch('\n');
}

static void
dump(unsigned long long addr, unsigned long long limit, int canonical,
    int all)
{
	unsigned char buf[LINE], last[LINE];
	int have = 0, star = 0;
	size_t n, want;

	for (;;) {
		want = limit < LINE ? limit : LINE;
		if (want == 0 || (n = input(buf, want)) == 0)
			break;
		limit -= n;
		if (!all && have && n == LINE && memcmp(buf, last, n) == 0) {
			if (!star)
				out_str("*\n");
			star = 1;
		} else {
			(canonical ? line_canonical : line_words)(addr, buf,
			    n);
			memcpy(last, buf, n);
			have = n == LINE;
			star = 0;
		}
		addr += n;
		if (n < want)
			break;
	}
	if (have || star || addr != 0)
		outf(canonical ? "%08llx\n" : "%07llx\n", addr);
}

int
hexdump_main(int argc, char **argv)
{
	unsigned long long limit = ~0ULL, off = 0;
	int ch, all = 0, canonical = 0;

	while ((ch = opt_get(argc, argv, "Cn:s:v")) != -1)
		switch (ch) {
		case 'C':
			canonical = 1;
			break;
		case 'n':
			if (num_size(opt_arg, &limit) == -1)
				errx(1, "bad length: %s", opt_arg);
			break;
		case 's':
			if (num_size(opt_arg, &off) == -1)
				errx(1, "bad skip: %s", opt_arg);
			break;
		case 'v':
			all = 1;
			break;
		default:
			usage(USAGE);
		}
	files = argv + opt_ind;
	if (*files == NULL)
		fd = STDIN_FILENO;
	skip(off);
	dump(off, limit, canonical, all);
	return (status);
}

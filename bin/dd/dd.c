/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../crunch/crunch.h"
#include "../crunch/util.h"

#define USAGE	"[operand=value ...]"

typedef unsigned long long u64;

/* conv, iflag, oflag and status; one set of bits for all of them. */
#define C_NOTRUNC	0x0001
#define C_SYNC		0x0002
#define C_NOERROR	0x0004
#define C_FSYNC		0x0008
#define F_DIRECT	0x0010
#define F_FULLBLOCK	0x0020
#define F_APPEND	0x0040
#define S_NONE		0x0080
#define S_NOXFER	0x0100

struct word {
	const char	*w_name;
	int		 w_bit;
};

static const struct word	conv_words[] = {
	{ "notrunc", C_NOTRUNC }, { "sync", C_SYNC },
	{ "noerror", C_NOERROR }, { "fsync", C_FSYNC }, { NULL, 0 }
};
static const struct word	iflag_words[] = {
	{ "direct", F_DIRECT }, { "fullblock", F_FULLBLOCK }, { NULL, 0 }
};
static const struct word	oflag_words[] = {
	{ "direct", F_DIRECT }, { "append", F_APPEND }, { NULL, 0 }
};
static const struct word	status_words[] = {
	{ "none", S_NONE }, { "noxfer", S_NOXFER }, { NULL, 0 }
};

static const char	*inname = "stdin", *outname = "stdout";
static int		 infd = STDIN_FILENO, outfd = STDOUT_FILENO;
static u64		 ibs = 512, obs = 512, bs;
static u64		 count = ~0ULL, skip, seek;
static int		 conv, iflag, oflag, status;

/* What was moved; the summary may be wanted by the signal handler. */
static u64		 in_full, in_part, out_full, out_part, bytes;
static struct timespec	 start;

static void
summary(void)
{
	struct timespec now;
	u64 ms;

	if (status & S_NONE)
		return;
	errf("%llu+%llu records in\n%llu+%llu records out\n",
	    in_full, in_part, out_full, out_part);
	if (status & S_NOXFER)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - start.tv_sec) * 1000LL +
	    (now.tv_nsec - start.tv_nsec) / 1000000;
	errf("%llu bytes transferred in %llu.%03llu secs (%llu bytes/sec)\n",
	    bytes, ms / 1000, ms % 1000,
	    ms == 0 ? bytes * 1000 : bytes / ms * 1000 + bytes % ms * 1000 /
	    ms);
}

static void
interrupted(int sig)
{
	summary();
	_exit(128 + sig);
}

static void
fail(const char *what)
{
	warn("%s", what);
	summary();
	die(1);
}

static int
words(const char *operand, const char *list, const struct word *tab)
{
	const struct word *w;
	size_t n;
	int bits = 0;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		for (w = tab; w->w_name != NULL; w++)
			if (strlen(w->w_name) == n &&
			    strncmp(w->w_name, list, n) == 0)
				break;
		if (w->w_name == NULL)
			errx(1, "unknown %s: %s", operand, list);
		bits |= w->w_bit;
		if (list[n] == '\0')
			return (bits);
	}
}

static void
number(const char *operand, const char *s, u64 *np, int size)
{
	if (num_size(s, np) == -1 || (size && *np == 0) ||
	    (size && *np > (1ULL << 40)))
		errx(1, "%s: illegal value: %s", operand, s);
}

static void
operand(char *arg)
{
	static const struct {
		const char	*name;
		u64		*val;
		int		 size;
	} nums[] = {
		{ "bs", &bs, 1 }, { "ibs", &ibs, 1 }, { "obs", &obs, 1 },
		{ "count", &count, 0 }, { "skip", &skip, 0 },
		{ "seek", &seek, 0 }, { "iseek", &skip, 0 },
		{ "oseek", &seek, 0 }
	};
	static const struct {
		const char		*name;
		const struct word	*tab;
		int			*val;
	} lists[] = {
		{ "conv", conv_words, &conv }, { "iflag", iflag_words, &iflag },
		{ "oflag", oflag_words, &oflag },
		{ "status", status_words, &status }
	};
	char *val;
	size_t i;

	if ((val = strchr(arg, '=')) == NULL) {
		warnx("unknown operand %s", arg);
		usage(USAGE);
	}
	*val++ = '\0';
	if (strcmp(arg, "if") == 0) {
		inname = val;
		return;
	}
	if (strcmp(arg, "of") == 0) {
		outname = val;
		return;
	}
	for (i = 0; i < nitems(nums); i++)
		if (strcmp(arg, nums[i].name) == 0) {
			number(arg, val, nums[i].val, nums[i].size);
			return;
		}
	for (i = 0; i < nitems(lists); i++)
		if (strcmp(arg, lists[i].name) == 0) {
			*lists[i].val |= words(arg, val, lists[i].tab);
			return;
		}
	warnx("unknown operand %s", arg);
	usage(USAGE);
}

/* Blocks times size, which the operands can make too large for an offset. */
static off_t
offset(const char *what, u64 blocks, u64 size)
{
	if (blocks > 0x7fffffffffffffffULL / size)
		errx(1, "%s is too large", what);
	return (blocks * size);
}

/* Page-aligned, as direct access may require. */
static char *
buffer(size_t n)
{
	void *p;

	p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		err(1, "buffer of %zu bytes", n);
	return (p);
}

static void
setup_in(char *buf)
{
	off_t left;
	ssize_t n;

	if (strcmp(inname, "stdin") != 0 && (infd = open(inname,
	    O_RDONLY | (iflag & F_DIRECT ? O_DIRECT : 0))) == -1)
		err(1, "%s", inname);
	if (skip == 0)
		return;
	left = offset("skip", skip, ibs);
	if (lseek(infd, left, SEEK_CUR) != -1)
		return;
	if (errno != ESPIPE)
		err(1, "%s: skip", inname);
	while (left > 0) {
		n = read(infd, buf, (u64)left < ibs ? (u64)left : ibs);
		if (n == -1)
			err(1, "%s", inname);
		if (n == 0)
			break;
		left -= n;
	}
}

static void
setup_out(void)
{
	struct stat st;
	off_t off = offset("seek", seek, obs);
	int flags = O_CREAT;

	if (oflag & F_DIRECT)
		flags |= O_DIRECT;
	if (oflag & F_APPEND)
		flags |= O_APPEND;
	else if (!(conv & C_NOTRUNC) && off == 0)
		flags |= O_TRUNC;
	if (strcmp(outname, "stdout") != 0 &&
	    (outfd = open(outname, O_WRONLY | flags, 0666)) == -1)
		err(1, "%s", outname);
	if (off == 0)
		return;
	/* What lies before the place to write is kept, what follows is not. */
	if (!(conv & C_NOTRUNC) && !(oflag & F_APPEND) &&
	    fstat(outfd, &st) == 0 && S_ISREG(st.st_mode) &&
	    ftruncate(outfd, off) == -1)
		err(1, "%s: truncate", outname);
	if (lseek(outfd, off, SEEK_CUR) == -1)
		err(1, "%s: seek", outname);
}

/* One output record. */
static void
put(const char *buf, size_t n)
{
	size_t done = 0;
	ssize_t w;

	while (done < n) {
		w = write(outfd, buf + done, n - done);
		if (w == -1 && errno == EINTR)
			continue;
		if (w <= 0) {
			if (w == 0)
				errno = ENOSPC;
			if (done != 0)
				out_part++;
			fail(outname);
		}
		done += w;
		bytes += w;
	}
	if (n == obs)
		out_full++;
	else
		out_part++;
}

/*
 * One input record; 0 at the end.  After an error that is to be passed
 * over, the bad block counts as one that was read short, and the place in
 * the file is moved behind it.
 */
static size_t
get(char *buf)
{
	size_t n = 0;
	ssize_t r;

	for (;;) {
		r = read(infd, buf + n, ibs - n);
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1) {
			if (!(conv & C_NOERROR))
				fail(inname);
			warn("%s", inname);
			summary();
			if (lseek(infd, ibs - n, SEEK_CUR) == -1)
				die(1);
			memset(buf + n, 0, ibs - n);
			in_part++;
			return (conv & C_SYNC ? ibs : n);
		}
		n += r;
		if (r == 0 || n == ibs || !(iflag & F_FULLBLOCK))
			break;
	}
	if (n == 0)
		return (0);
	if (n == ibs)
		in_full++;
	else {
		in_part++;
		if (conv & C_SYNC) {
			memset(buf + n, 0, ibs - n);
			n = ibs;
		}
	}
	return (n);
}

/*
 * With bs= each block is written as it was read.  Otherwise the input is
 * gathered to blocks of obs bytes behind one another in obuf.
 */
static void
copy(char *ibuf, char *obuf)
{
	size_t fill = 0, n, off, take;
	u64 before;

	while (in_full + in_part < count) {
		before = in_part;
		if ((n = get(ibuf)) == 0) {
			if (in_part == before)
				break;
			continue;
		}
		if (obuf == NULL) {
			put(ibuf, n);
			continue;
		}
		for (off = 0; off < n; off += take) {
			take = n - off < obs - fill ? n - off : obs - fill;
			memcpy(obuf + fill, ibuf + off, take);
			if ((fill += take) == obs) {
				put(obuf, obs);
				fill = 0;
			}
		}
	}
	if (fill != 0)
		put(obuf, fill);
}

int
dd_main(int argc, char **argv)
{
	char *ibuf, *obuf = NULL;
	int i;

	if (opt_get(argc, argv, "") != -1)
		usage(USAGE);
	for (i = opt_ind; i < argc; i++)
		operand(argv[i]);
	if (bs != 0)
		ibs = obs = bs;
	clock_gettime(CLOCK_MONOTONIC, &start);
	signal(SIGINT, interrupted);
	ibuf = buffer(ibs);
	if (ibs != obs)
		obuf = buffer(obs);
	setup_in(ibuf);
	setup_out();
	copy(ibuf, obuf);
	if ((conv & C_FSYNC) && fsync(outfd) == -1)
		fail(outname);
	if (outfd != STDOUT_FILENO && close(outfd) == -1)
		fail(outname);
	summary();
	return (0);
}

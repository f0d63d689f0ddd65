/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What a disk's node does beside reading and writing:
 *
 *	diskctl info DISK			what the ioctls tell
 *	diskctl discard|secdiscard|zeroout DISK START LENGTH
 *	diskctl rrpart|flsbuf|fsync|open DISK
 *	diskctl eject|close|tray CD
 *	diskctl lock CD			locked until a line comes
 *	diskctl read|dread DISK START LENGTH	d: with O_DIRECT
 *	diskctl write|dwrite DISK START LENGTH BYTE
 *	diskctl hold DISK			open until a line comes
 *	diskctl NAME DISK			a check; prints "ok"
 *
 * Each prints a line, the result or "errno N", and ends with 0 if it could
 * ask at all.
 */

#define _GNU_SOURCE
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _BLKROGET	0x125e
#define _BLKRRPART	0x125f
#define _BLKGETSIZE	0x1260
#define _BLKFLSBUF	0x1261
#define _BLKSECTGET	0x1267
#define _BLKSSZGET	0x1268
#define _BLKBSZGET	0x80081270
#define _BLKGETSIZE64	0x80081272
#define _BLKDISCARD	0x1277
#define _BLKIOMIN	0x1278
#define _BLKIOOPT	0x1279
#define _BLKALIGNOFF	0x127a
#define _BLKPBSZGET	0x127b
#define _BLKDISCARDZEROES 0x127c
#define _BLKSECDISCARD	0x127d
#define _BLKROTATIONAL	0x127e
#define _BLKZEROOUT	0x127f
#define _HDIO_GETGEO	0x0301
#define _CDROMEJECT	0x5309
#define _CDROMCLOSETRAY	0x5319
#define _CDROM_DRIVE_STATUS 0x5326
#define _CDROM_LOCKDOOR	0x5329

#define MAXBUF	(8UL << 20)
#define CHECK(x)	do {						\
	if (!(x))							\
		err(1, "line %d: %s", __LINE__, #x);			\
} while (0)
#define FAILS(x, e)	do {						\
	long r_ = (x);							\
									\
	if (r_ != -1 || errno != (e))					\
		err(1, "line %d: %s: %ld", __LINE__, #x, r_);		\
} while (0)

struct geometry {
	unsigned char	heads, sectors;
	unsigned short	cylinders;
	unsigned long	start;
};

static const char	*disk;
static unsigned char	*buf;

static int
disk_open(int flags)
{
	int fd = open(disk, flags);

	if (fd == -1)
		err(1, "%s", disk);
	return (fd);
}

static long
xread(int fd, void *p, size_t n, long off)
{
	return (syscall(SYS_pread64, (long)fd, p, n, off));
}

static long
xwrite(int fd, const void *p, size_t n, long off)
{
	return (syscall(SYS_pwrite64, (long)fd, p, n, off));
}

static void
result(const char *what, long long v)
{
	if (v == -1)
		printf("%s=errno %d\n", what, errno);
	else
		printf("%s=%lld\n", what, v);
}

/* --- what it tells -------------------------------------------------------------- */

static void
info_int(const char *name, int fd, unsigned long cmd)
{
	int v = -2;

	result(name, ioctl(fd, cmd, &v) == -1 ? -1 : (long long)v);
}

static void
info_short(const char *name, int fd, unsigned long cmd)
{
	unsigned short v = 0xeeee;

	result(name, ioctl(fd, cmd, &v) == -1 ? -1 : (long long)v);
}

static void
info_long(const char *name, int fd, unsigned long cmd)
{
	unsigned long v = 0;

	result(name, ioctl(fd, cmd, &v) == -1 ? -1 : (long long)v);
}

static void
info(void)
{
	struct geometry geo = { 0, 0, 0, 0 };
	int fd = disk_open(O_RDONLY);
	unsigned v = 0xffffffff;
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	printf("block=%d\n", S_ISBLK(st.st_mode) != 0);
	result("end", lseek(fd, 0, SEEK_END));
	info_long("size", fd, _BLKGETSIZE64);
	info_long("sectors", fd, _BLKGETSIZE);
	info_int("logical", fd, _BLKSSZGET);
	info_int("physical", fd, _BLKPBSZGET);
	info_int("block_size", fd, _BLKBSZGET);
	info_int("io_min", fd, _BLKIOMIN);
	info_int("io_opt", fd, _BLKIOOPT);
	info_int("align_offset", fd, _BLKALIGNOFF);
	result("discard_zeroes", ioctl(fd, _BLKDISCARDZEROES, &v) == -1 ? -1 :
	    (long long)v);
	info_short("rotational", fd, _BLKROTATIONAL);
	info_short("max_sectors", fd, _BLKSECTGET);
	info_int("read_only", fd, _BLKROGET);
	if (ioctl(fd, _HDIO_GETGEO, &geo) == -1)
		result("geometry", -1);
	else
		printf("geometry=%u/%u/%u\nstart=%lu\n", geo.cylinders,
		    geo.heads, geo.sectors, geo.start);
}

/* --- checks --------------------------------------------------------------------- */

static int
fill(size_t n, int c)
{
	memset(buf, c, n);
	return (1);
}

static int
is_all(size_t n, int c)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (buf[i] != c)
			return (0);
	}
	return (1);
}

/* Linux refuses memory that is not aligned; who can use it need not. */
static int
done_or_refused(long res, long good)
{
	return (res == good || (res == -1 && errno == EINVAL));
}

/* Offset and length are multiples of a logical block. */
static void
direct(void)
{
	int fd = disk_open(O_RDWR | O_DIRECT), block = 0, plain;
	struct iovec iov[3];

	CHECK(ioctl(fd, _BLKSSZGET, &block) == 0);
	CHECK(fill(4 * block, 7) && xwrite(fd, buf, 4 * block, block) ==
	    4 * block);
	CHECK(fill(4 * block, 1) && xread(fd, buf, 4 * block, block) ==
	    4 * block && is_all(4 * block, 7));
	FAILS(xread(fd, buf, block, 1), EINVAL);
	FAILS(xread(fd, buf, block, block / 2), EINVAL);
	FAILS(xread(fd, buf, block - 1, 0), EINVAL);
	FAILS(xread(fd, buf, block + 1, 0), EINVAL);
	FAILS(xwrite(fd, buf, block, 1), EINVAL);
	FAILS(xwrite(fd, buf, block / 2, 0), EINVAL);
	CHECK(done_or_refused(xread(fd, buf + 1, block, 0), block));
	CHECK(done_or_refused(xwrite(fd, buf + 1, block, 0), block));
	CHECK(xread(fd, buf, 0, 0) == 0);
	CHECK(xread(fd, buf + 512, block, 0) == block);
	iov[0] = (struct iovec){ buf, block / 2 };
	iov[1] = (struct iovec){ buf + 4096, block - block / 2 - 1 };
	iov[2] = (struct iovec){ buf + 8192, 1 };
	CHECK(done_or_refused(syscall(SYS_preadv, (long)fd, iov, 3L, 0L, 0L),
	    block));
	CHECK(done_or_refused(syscall(SYS_pwritev, (long)fd, iov, 3L, 0L, 0L),
	    block));
	iov[2].iov_len = 2;
	FAILS(syscall(SYS_preadv, (long)fd, iov, 3L, 0L, 0L), EINVAL);
	iov[0].iov_len = iov[1].iov_len = iov[2].iov_len = block;
	CHECK(syscall(SYS_preadv, (long)fd, iov, 3L, 0L, 0L) == 3 * block);
	/* at the end there is nothing */
	CHECK(xread(fd, buf, block, lseek(fd, 0, SEEK_END)) == 0);
	/* and what it wrote others see */
	plain = disk_open(O_RDWR);
	CHECK(xread(plain, buf, 4 * block, block) == 4 * block &&
	    is_all(4 * block, 7));
	CHECK(fill(10, 9) && xwrite(plain, buf, 10, block + 3) == 10);
	CHECK(xread(fd, buf, block, block) == block && buf[2] == 7 &&
	    buf[3] == 9 && buf[12] == 9 && buf[13] == 7);
	/* it can be set and cleared */
	CHECK(fcntl(plain, F_SETFL, O_DIRECT) == 0);
	FAILS(xread(plain, buf, 10, 3), EINVAL);
	CHECK(fcntl(plain, F_SETFL, 0) == 0);
	CHECK(xread(plain, buf, 10, 3) == 10);
}

static void
vectors(void)
{
	int fd = disk_open(O_RDWR);
	struct iovec iov[64];
	size_t total = 0;
	unsigned i;

	for (i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ buf + i * 5000, i * 61 % 4097 };
		memset(iov[i].iov_base, i, iov[i].iov_len);
		total += iov[i].iov_len;
	}
	CHECK(syscall(SYS_pwritev, (long)fd, iov, 64L, 777L, 0L) ==
	    (long)total);
	memset(buf, 0xff, 64 * 5000);
	CHECK(syscall(SYS_preadv, (long)fd, iov, 64L, 777L, 0L) ==
	    (long)total);
	for (i = 0; i < 64; i++) {
		unsigned char *p = iov[i].iov_base;
		size_t k;

		for (k = 0; k < 5000; k++)
			CHECK(p[k] == (k < iov[i].iov_len ? i : 0xff));
	}
	CHECK(syscall(SYS_preadv, (long)fd, iov, 0L, 0L, 0L) == 0);
	FAILS(syscall(SYS_preadv, (long)fd, iov, 64L, -1L, 0L), EINVAL);
	FAILS(syscall(SYS_preadv, (long)fd, iov, 1025L, 0L, 0L), EINVAL);
}

static void
ends(void)
{
	int fd = disk_open(O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);

	CHECK(size > 8192);
	CHECK(lseek(fd, -100, SEEK_END) == size - 100);
	CHECK(read(fd, buf, 1000) == 100 && read(fd, buf, 1000) == 0);
	CHECK(xread(fd, buf, 1000, size + 4096) == 0);
	CHECK(xwrite(fd, buf, 1000, size - 100) == 100);
	FAILS(xwrite(fd, buf, 1000, size), ENOSPC);
	FAILS(xwrite(fd, buf, 1, size + (1 << 20)), ENOSPC);
	CHECK(xwrite(fd, buf, 0, size) == 0);
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(ftruncate(fd, size / 2), EINVAL);
	CHECK(lseek(fd, 0, SEEK_END) == size);
	CHECK(ioctl(fd, 0x12fe, buf) == -1 && (errno == ENOTTY ||
	    errno == EINVAL));
	CHECK(fsync(fd) == 0 && syscall(SYS_fdatasync, (long)fd) == 0);
	CHECK(ioctl(fd, _BLKFLSBUF, 0L) == 0);
}

/* Ranges that no disk does, and a descriptor that may not. */
static void
ranges(void)
{
	static const unsigned long cmds[] = { _BLKDISCARD, _BLKZEROOUT };
	int fd = disk_open(O_RDWR), ro = disk_open(O_RDONLY);
	uint64_t size = lseek(fd, 0, SEEK_END);
	unsigned i;

	for (i = 0; i < 2; i++) {
		uint64_t r[2] = { 0, 4096 };

		FAILS(ioctl(ro, cmds[i], r), EBADF);
		FAILS(ioctl(fd, cmds[i], (void *)8), EFAULT);
		r[0] = 1;
		FAILS(ioctl(fd, cmds[i], r), EINVAL);
		r[0] = 0;
		r[1] = 4097;
		FAILS(ioctl(fd, cmds[i], r), EINVAL);
		r[0] = size;
		r[1] = 4096;
		FAILS(ioctl(fd, cmds[i], r), EINVAL);
		r[0] = size - 4096;
		r[1] = 8192;
		FAILS(ioctl(fd, cmds[i], r), EINVAL);
		r[0] = 4096;
		r[1] = ~(uint64_t)4095;
		FAILS(ioctl(fd, cmds[i], r), EINVAL);
	}
}

static void
wait_line(void)
{
	char c;

	while (read(0, &c, 1) == 1 && c != '\n')
		continue;
}

static void
hold(void)
{
	(void)disk_open(O_RDWR);
	printf("held\n");
	wait_line();
}

/* --- requests ------------------------------------------------------------------- */

static void
range(unsigned long cmd, char **arg)
{
	uint64_t r[2] = { strtoul(arg[0], NULL, 10),
	    strtoul(arg[1], NULL, 10) };

	result("result", ioctl(disk_open(O_RDWR), cmd, r));
}

static void
transfer(int writes, int flags, char **arg)
{
	int fd = disk_open(flags | (writes ? O_RDWR : O_RDONLY));
	unsigned long off = strtoul(arg[0], NULL, 10);
	unsigned long n = strtoul(arg[1], NULL, 10);
	long got;

	if (n > MAXBUF)
		errx(2, "%lu bytes is too much", n);
	if (writes) {
		memset(buf, atoi(arg[2]), n);
		result("result", xwrite(fd, buf, n, off));
		return;
	}
	memset(buf, 0xee, n);
	got = xread(fd, buf, n, off);
	result("result", got);
	if (got > 0)
		printf(is_all(got, buf[0]) ? "all=%u\n" : "mixed=%u\n",
		    buf[0]);
}

/* A drive without a medium can be opened only so. */
static int
cd(unsigned long cmd, long arg)
{
	return (ioctl(disk_open(O_RDONLY | O_NONBLOCK), cmd, arg));
}

static const struct {
	const char	*name;
	void		(*fn)(void);
} checks[] = {
	{ "direct", direct },
	{ "vectors", vectors },
	{ "ends", ends },
	{ "ranges", ranges },
};

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned i;

	if (argc < 3)
		errx(2, "usage: see the source");
	disk = argv[2];
	buf = mmap(NULL, MAXBUF, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	CHECK(buf != MAP_FAILED);
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (strcmp(what, checks[i].name) == 0) {
			checks[i].fn();
			printf("ok\n");
			return (0);
		}
	}
	if (strcmp(what, "info") == 0)
		info();
	else if (strcmp(what, "hold") == 0)
		hold();
	else if (strcmp(what, "open") == 0)
		result("result", open(disk, O_RDWR) == -1 ? -1 : 0);
	else if (strcmp(what, "rrpart") == 0)
		result("result", ioctl(disk_open(O_RDONLY), _BLKRRPART, 0L));
	else if (strcmp(what, "flsbuf") == 0)
		result("result", ioctl(disk_open(O_RDONLY), _BLKFLSBUF, 0L));
	else if (strcmp(what, "fsync") == 0)
		result("result", fsync(disk_open(O_RDWR)));
	else if (strcmp(what, "eject") == 0)
		result("result", cd(_CDROMEJECT, 0));
	else if (strcmp(what, "close") == 0)
		result("result", cd(_CDROMCLOSETRAY, 0));
	else if (strcmp(what, "tray") == 0)
		result("result", cd(_CDROM_DRIVE_STATUS, 0x7fffffff));
	else if (strcmp(what, "lock") == 0) {
		result("result", cd(_CDROM_LOCKDOOR, 1));
		wait_line();
	} else if (argc == 5 && strcmp(what, "discard") == 0)
		range(_BLKDISCARD, argv + 3);
	else if (argc == 5 && strcmp(what, "secdiscard") == 0)
		range(_BLKSECDISCARD, argv + 3);
	else if (argc == 5 && strcmp(what, "zeroout") == 0)
		range(_BLKZEROOUT, argv + 3);
	else if (argc == 5 && strcmp(what, "read") == 0)
		transfer(0, 0, argv + 3);
	else if (argc == 5 && strcmp(what, "dread") == 0)
		transfer(0, O_DIRECT, argv + 3);
	else if (argc == 6 && strcmp(what, "write") == 0)
		transfer(1, 0, argv + 3);
	else if (argc == 6 && strcmp(what, "dwrite") == 0)
		transfer(1, O_DIRECT, argv + 3);
	else
		errx(2, "%s: unknown", what);
	return (0);
}

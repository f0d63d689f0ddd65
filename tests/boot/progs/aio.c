/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Many requests on their way:
 *
 *	aio batch|row|steady|write DISK DEPTH COUNT [SEED]
 *	aio NAME [DISK]
 *
 * batch: DEPTH reads of 4 KB at random places are submitted together and
 * waited for together, and again, COUNT in all.  row: as batch, but the blocks
 * of a batch lie one behind the other.  steady: each one that is done is
 * replaced by another.  write: COUNT blocks, all over the disk, are written,
 * and read back with the next batch.  What is read is compared with what
 * tests/boot/guest.py has put there, or with zeros if the seed is 0.
 *
 * NAME: a check of the system calls themselves; prints "ok".
 */

#define _GNU_SOURCE
#include <endian.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef RWF_DSYNC
#define RWF_DSYNC 2
#endif
#define BLOCK	4096
#define MAXDEPTH 1024
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

static aio_context_t	ctx;
static struct iocb	cbs[MAXDEPTH], *cbp[MAXDEPTH];
static struct io_event	events[MAXDEPTH];
static char		*bufs;
static uint64_t		seed, rnd = 88172645463325252ULL, nblocks;

static long
setup(unsigned n, aio_context_t *c)
{
	return (syscall(SYS_io_setup, n, c));
}

static long
destroy(aio_context_t c)
{
	return (syscall(SYS_io_destroy, c));
}

static long
submit(aio_context_t c, long n, struct iocb **p)
{
	return (syscall(SYS_io_submit, c, n, p));
}

static long
getevents(aio_context_t c, long min, long max, struct io_event *ev,
    struct timespec *ts)
{
	return (syscall(SYS_io_getevents, c, min, max, ev, ts));
}

static uint64_t
random64(void)
{
	rnd ^= rnd << 13;
	rnd ^= rnd >> 7;
	rnd ^= rnd << 17;
	return (rnd);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec + ts.tv_nsec / 1e9);
}

/* --- traffic ------------------------------------------------------------ */

/*
 * Word i of block n: what the test puts on the disk.  A write adds 1 to the
 * seed.
 */
static uint64_t
word(uint64_t s, uint64_t n, unsigned i)
{
	return (s == 0 ? 0 : htole64((s << 48) + (n << 16) + i));
}

static void
block_fill(uint64_t *p, uint64_t s, uint64_t n)
{
	unsigned i;

	for (i = 0; i < BLOCK / 8; i++)
		p[i] = word(s, n, i);
}

static void
block_check(const uint64_t *p, uint64_t s, uint64_t n)
{
	unsigned i;

	for (i = 0; i < BLOCK / 8; i++) {
		if (p[i] != word(s, n, i))
			errx(1, "block %llu, word %u is %llx",
			    (unsigned long long)n, i, (unsigned long long)p[i]);
	}
}

static void
prepare(unsigned i, int fd, int op, uint64_t block)
{
	cbs[i] = (struct iocb){ .aio_data = i, .aio_lio_opcode = op,
	    .aio_fildes = fd, .aio_buf = (uintptr_t)bufs + i * BLOCK,
	    .aio_nbytes = BLOCK, .aio_offset = block * BLOCK };
	cbp[i] = &cbs[i];
}

/* Which one it was; it must have gone well. */
static unsigned
finished(const struct io_event *ev)
{
	unsigned i = ev->data;

	if (ev->res != BLOCK || ev->res2 != 0)
		errx(1, "request %u: %lld", i, (long long)ev->res);
	if (i >= MAXDEPTH || ev->obj != (uintptr_t)&cbs[i])
		errx(1, "request %u is none", i);
	return (i);
}

static void
read_done(const struct io_event *ev)
{
	unsigned i = finished(ev);

	block_check((uint64_t *)(bufs + i * BLOCK), seed,
	    cbs[i].aio_offset / BLOCK);
}

static void
together(unsigned n)
{
	CHECK(submit(ctx, n, cbp) == n);
	CHECK(getevents(ctx, n, n, events, NULL) == n);
}

static void
batch(int fd, unsigned depth, unsigned long count, int row)
{
	unsigned long done;
	uint64_t n = 0;
	unsigned i;

	for (done = 0; done < count; done += depth) {
		for (i = 0; i < depth; i++) {
			n = row && i > 0 ? n + 1 :
			    random64() % (nblocks - (row ? depth - 1 : 0));
			prepare(i, fd, IOCB_CMD_PREAD, n);
			memset(bufs + i * BLOCK, 0xa5, BLOCK);
		}
		together(depth);
		for (i = 0; i < depth; i++)
			read_done(&events[i]);
	}
}

static void
steady(int fd, unsigned depth, unsigned long count)
{
	unsigned long done, sent;
	unsigned i;

	for (i = 0; i < depth; i++)
		prepare(i, fd, IOCB_CMD_PREAD, random64() % nblocks);
	CHECK(submit(ctx, depth, cbp) == depth);
	for (done = 0, sent = depth; done < count; done++) {
		CHECK(getevents(ctx, 1, 1, events, NULL) == 1);
		read_done(&events[0]);
		if (sent == count)
			continue;
		i = events[0].data;
		prepare(i, fd, IOCB_CMD_PREAD, random64() % nblocks);
		CHECK(submit(ctx, 1, &cbp[i]) == 1);
		sent++;
	}
}

/* Places that differ, all over the disk: every stride-th block. */
static void
write_and_read(int fd, unsigned depth, unsigned long count)
{
	uint64_t stride = nblocks / count, n = 0;
	unsigned long done;
	unsigned i;

	for (done = 0; done < count; done += depth) {
		for (i = 0; i < depth; i++, n += stride) {
			prepare(i, fd, IOCB_CMD_PWRITE, n);
			block_fill((uint64_t *)(bufs + i * BLOCK), seed + 1,
			    n);
		}
		together(depth);
		for (i = 0; i < depth; i++)
			(void)finished(&events[i]);
		memset(bufs, 0xa5, depth * BLOCK);
		for (i = 0; i < depth; i++)
			cbs[i].aio_lio_opcode = IOCB_CMD_PREAD;
		together(depth);
		for (i = 0; i < depth; i++)
			block_check((uint64_t *)(bufs + i * BLOCK), seed + 1,
			    cbs[i].aio_offset / BLOCK);
	}
	CHECK(fsync(fd) == 0);
}

static int
traffic(int argc, char *argv[])
{
	unsigned depth = atoi(argv[3]);
	unsigned long count = strtoul(argv[4], NULL, 0);
	double start;
	off_t size;
	int fd;

	if (depth == 0 || depth > MAXDEPTH || count < depth)
		errx(2, "depth");
	seed = argc > 5 ? strtoul(argv[5], NULL, 0) : 0;
	if ((fd = open(argv[2], argv[1][0] == 'w' ? O_RDWR : O_RDONLY)) < 0)
		err(1, "%s", argv[2]);
	CHECK((size = lseek(fd, 0, SEEK_END)) > 0);
	if ((nblocks = size / BLOCK) < count && argv[1][0] == 'w')
		errx(2, "count");
	if (nblocks < depth)
		errx(2, "disk");
	CHECK(setup(depth, &ctx) == 0);
	memset(bufs, 1, (size_t)depth * BLOCK);
	start = now();
	if (argv[1][0] == 'b' || argv[1][0] == 'r')
		batch(fd, depth, count, argv[1][0] == 'r');
	else if (argv[1][0] == 's')
		steady(fd, depth, count);
	else
		write_and_read(fd, depth, count);
	printf("%lu requests, %lu per second\n", count,
	    (unsigned long)(count / (now() - start)));
	CHECK(destroy(ctx) == 0);
	return (0);
}

/* --- the calls themselves ----------------------------------------------- */

static const char	*disk;

static int
disk_open(int flags)
{
	int fd = open(disk, flags);

	if (fd < 0)
		err(1, "%s", disk);
	return (fd);
}

static void
request(unsigned i, int op, int fd, void *buf, size_t len, off_t off)
{
	cbs[i] = (struct iocb){ .aio_data = i, .aio_lio_opcode = op,
	    .aio_fildes = fd, .aio_buf = (uintptr_t)buf, .aio_nbytes = len,
	    .aio_offset = off };
	cbp[i] = &cbs[i];
}

/* One request; its result. */
static long
result(int op, int fd, void *buf, size_t len, off_t off)
{
	request(0, op, fd, buf, len, off);
	CHECK(submit(ctx, 1, cbp) == 1);
	CHECK(getevents(ctx, 1, 1, events, NULL) == 1);
	return (events[0].res);
}

static long
refused(int op, int fd, void *buf, size_t len, off_t off)
{
	request(0, op, fd, buf, len, off);
	return (submit(ctx, 1, cbp));
}

static void
contexts(void)
{
	static aio_context_t many[1000];
	aio_context_t c = 0;
	unsigned n, i;

	FAILS(setup(0, &c), EINVAL);
	FAILS(setup(1, NULL), EFAULT);
	FAILS(setup(1000000, &c), EAGAIN);
	FAILS(setup(0x20000000, &c), EINVAL);
	FAILS(destroy(0), EINVAL);
	CHECK(setup(10, &c) == 0 && c != 0);
	FAILS(setup(10, &c), EINVAL);
	/* libraries look for a ring of results there */
	CHECK(*(volatile unsigned *)c == 0);
	CHECK(destroy(c) == 0);
	FAILS(destroy(c), EINVAL);
	FAILS(getevents(c, 0, 1, events, NULL), EINVAL);
	FAILS(submit(c, 0, cbp), EINVAL);
	for (n = 0; n < 1000 && setup(100, &many[n]) == 0; n++)
		;
	CHECK(n > 10 && n < 1000 && errno == EAGAIN);
	for (i = 0; i < n; i++)
		CHECK(destroy(many[i]) == 0);
	c = 0;
	CHECK(setup(1000, &c) == 0 && destroy(c) == 0);
}

static void
what_is_refused(void)
{
	int fd = disk_open(O_RDONLY), path = open(disk, O_PATH);
	struct iocb *bad[3] = { &cbs[0], NULL, &cbs[1] };
	struct iovec iov = { bufs, BLOCK };
	unsigned i;

	CHECK(setup(4, &ctx) == 0);
	FAILS(submit(ctx, -1, cbp), EINVAL);
	CHECK(submit(ctx, 0, NULL) == 0);
	FAILS(submit(ctx, 1, NULL), EFAULT);
	FAILS(submit(ctx, 1, &bad[1]), EFAULT);
	FAILS(refused(IOCB_CMD_PREAD, 99, bufs, BLOCK, 0), EBADF);
	FAILS(refused(IOCB_CMD_PWRITE, fd, bufs, BLOCK, 0), EBADF);
	FAILS(refused(IOCB_CMD_PREAD, path, bufs, BLOCK, 0), EBADF);
	FAILS(refused(99, fd, bufs, BLOCK, 0), EINVAL);
	FAILS(refused(IOCB_CMD_PREAD, fd, bufs, -1, 0), EINVAL);
	FAILS(refused(IOCB_CMD_PREAD, fd, bufs, BLOCK, -BLOCK), EINVAL);
	FAILS(refused(IOCB_CMD_PREADV, fd, &iov, 1025, 0), EINVAL);
	FAILS(refused(IOCB_CMD_PREADV, fd, NULL, 1, 0), EFAULT);
	FAILS(refused(IOCB_CMD_FSYNC, fd, bufs, 0, 0), EINVAL);
	request(0, IOCB_CMD_PREAD, fd, bufs, BLOCK, 0);
	cbs[0].aio_flags = IOCB_FLAG_RESFD;
	FAILS(submit(ctx, 1, cbp), EINVAL);
	cbs[0].aio_flags = 0;
	cbs[0].aio_reserved2 = 1;
	FAILS(submit(ctx, 1, cbp), EINVAL);
	/* the first error ends it, and what was before it goes */
	request(0, IOCB_CMD_PREAD, fd, bufs, BLOCK, 0);
	CHECK(submit(ctx, 3, bad) == 1);
	FAILS(syscall(SYS_io_cancel, ctx, &cbs[0], events), EINVAL);
	CHECK(getevents(ctx, 1, 4, events, NULL) == 1);
	/* no more than there is place for */
	for (i = 0; i < 6; i++)
		request(i, IOCB_CMD_PREAD, fd, bufs, BLOCK, 0);
	CHECK(submit(ctx, 3, cbp) == 3);
	CHECK(submit(ctx, 6, cbp) == 1);
	FAILS(submit(ctx, 1, cbp), EAGAIN);
	CHECK(getevents(ctx, 2, 2, events, NULL) == 2);
	CHECK(submit(ctx, 3, cbp) == 2);
	CHECK(getevents(ctx, 4, 6, events, NULL) == 4);
	CHECK(destroy(ctx) == 0);
}

static void
results(void)
{
	int fd = disk_open(O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	char *hole = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(munmap(hole + BLOCK, BLOCK) == 0);
	CHECK(setup(8, &ctx) == 0);
	CHECK(result(IOCB_CMD_PREAD, fd, bufs, 0, 0) == 0);
	CHECK(result(IOCB_CMD_PREAD, fd, bufs, BLOCK, size) == 0);
	CHECK(result(IOCB_CMD_PREAD, fd, bufs, BLOCK, size + BLOCK) == 0);
	CHECK(result(IOCB_CMD_PREAD, fd, bufs, BLOCK, size - 512) == 512);
	CHECK(result(IOCB_CMD_PREAD, fd, bufs, 100, size - 600) == 100);
	CHECK(result(IOCB_CMD_PWRITE, fd, bufs, BLOCK, size) == -ENOSPC);
	CHECK(result(IOCB_CMD_PREAD, fd, (void *)8, BLOCK, 0) == -EFAULT);
	CHECK(result(IOCB_CMD_PREAD, fd, hole + BLOCK, BLOCK, 0) == -EFAULT);
	CHECK(result(IOCB_CMD_PREAD, fd, hole, 2 * BLOCK, 0) == BLOCK);
	CHECK(result(IOCB_CMD_PREAD, fd, (void *)~4095UL, BLOCK, 0) ==
	    -EFAULT);
	/* memory that nothing may be written to, but read from */
	CHECK(mprotect(hole, BLOCK, PROT_READ) == 0);
	CHECK(result(IOCB_CMD_PREAD, fd, hole, BLOCK, 0) == -EFAULT);
	CHECK(result(IOCB_CMD_PWRITE, fd, hole, BLOCK, 0) == BLOCK);
	CHECK(result(IOCB_CMD_FSYNC, fd, NULL, 0, 0) == 0);
	CHECK(result(IOCB_CMD_FDSYNC, fd, NULL, 0, 0) == 0);
	/* results that do not fit stay */
	request(0, IOCB_CMD_PREAD, fd, bufs, BLOCK, 0);
	CHECK(submit(ctx, 1, cbp) == 1);
	FAILS(getevents(ctx, 1, 1, (void *)8, NULL), EFAULT);
	CHECK(getevents(ctx, 1, 1, events, NULL) == 1);
	CHECK(events[0].res == BLOCK && events[0].obj == (uintptr_t)&cbs[0]);
	CHECK(destroy(ctx) == 0);
}

/* All at any place with any length, and the same by pread(2). */
static void
any_length(void)
{
	static char want[3 << 20], got[3 << 20];
	int fd = disk_open(O_RDWR);
	struct iovec iov[5];
	size_t len, n;
	unsigned i, k;
	off_t off;

	CHECK(setup(8, &ctx) == 0);
	for (i = 0; i < 60; i++) {
		len = 1 + random64() % (i % 10 == 0 ? sizeof(got) : 20000);
		off = random64() % (1 << 20);
		if (i % 2 == 0) {
			len = (len + 511) & ~511UL;
			off &= ~511UL;
		}
		len = len < sizeof(got) ? len : sizeof(got);
		for (n = 0; n < len; n++)
			want[n] = random64();
		CHECK(result(IOCB_CMD_PWRITE, fd, want, len, off) ==
		    (long)len);
		memset(got, 0, len);
		CHECK(pread(fd, got, len, off) == (long)len);
		CHECK(memcmp(got, want, len) == 0);
		memset(got, 0, len);
		for (n = k = 0; k < 5; n += iov[k++].iov_len)
			iov[k] = (struct iovec){ got + n, k == 4 ? len - n :
			    (len / 5) & (i % 2 == 0 ? ~511UL : ~0UL) };
		CHECK(result(IOCB_CMD_PREADV, fd, iov, 5, off) == (long)len);
		CHECK(memcmp(got, want, len) == 0);
	}
	CHECK(destroy(ctx) == 0);
}

static void
other_files(void)
{
	int fd = open("/tmp/aio.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int p[2];

	CHECK(fd >= 0 && pipe(p) == 0);
	CHECK(setup(8, &ctx) == 0);
	memcpy(bufs, "something", 9);
	CHECK(result(IOCB_CMD_PWRITE, fd, bufs, 9, 5) == 9);
	CHECK(result(IOCB_CMD_PREAD, fd, bufs + 100, 100, 0) == 14);
	CHECK(memcmp(bufs + 100, "\0\0\0\0\0something", 14) == 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	CHECK(result(IOCB_CMD_PWRITE, p[1], bufs, 9, 0) == 9);
	CHECK(result(IOCB_CMD_PREAD, p[0], bufs + 200, 100, 0) == 9);
	CHECK(memcmp(bufs + 200, "something", 9) == 0);
	/* a file may be closed while a request is on its way */
	request(0, IOCB_CMD_PREAD, fd, bufs, 9, 5);
	CHECK(submit(ctx, 1, cbp) == 1 && close(fd) == 0);
	CHECK(getevents(ctx, 1, 1, events, NULL) == 1 && events[0].res == 9);
	CHECK(destroy(ctx) == 0);
}

static volatile int	alarms;

static void
on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/* A program that waits for other things too. */
static void
an_eventfd_is_told(void)
{
	static uint64_t bufs[2][BLOCK / 8] __attribute__((aligned(BLOCK)));
	struct pollfd pfd = { .events = POLLIN };
	int fd = disk_open(O_RDWR), i;
	uint64_t n = 0;

	CHECK((pfd.fd = syscall(SYS_eventfd2, 0, 0)) >= 0);
	CHECK(setup(4, &ctx) == 0);
	CHECK(poll(&pfd, 1, 0) == 0);
	for (i = 0; i < 2; i++) {
		request(i, i == 0 ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE, fd,
		    bufs[i], BLOCK, i * BLOCK);
		cbs[i].aio_flags = IOCB_FLAG_RESFD;
		cbs[i].aio_resfd = pfd.fd;
	}
	/* the second waits for its flush */
	cbs[1].aio_rw_flags = RWF_DSYNC;
	CHECK(submit(ctx, 2, cbp) == 2);
	while (n < 2) {
		uint64_t v;

		CHECK(poll(&pfd, 1, 5000) == 1 && pfd.revents == POLLIN);
		CHECK(read(pfd.fd, &v, sizeof(v)) == sizeof(v) && v > 0);
		n += v;
	}
	CHECK(n == 2 && getevents(ctx, 2, 4, events, NULL) == 2);
	CHECK(events[0].res == BLOCK && events[1].res == BLOCK);
	cbs[0].aio_resfd = 99;
	FAILS(submit(ctx, 1, cbp), EBADF);
	cbs[0].aio_rw_flags = 0x40000000;
	cbs[0].aio_flags = 0;
	FAILS(submit(ctx, 1, cbp), EOPNOTSUPP);
	CHECK(destroy(ctx) == 0 && close(pfd.fd) == 0 && close(fd) == 0);
}

static void
waits(void)
{
	struct sigaction sa = { .sa_handler = on_alarm,
	    .sa_flags = SA_RESTART };
	struct itimerval it = { .it_value.tv_usec = 20000 };
	struct timespec none = { 0, 0 }, some = { 0, 30000000 };
	struct timespec wrong = { 0, 1000000000 };
	struct { const sigset_t *set; size_t size; } mask;
	sigset_t alrm, empty;
	double start;

	CHECK(setup(8, &ctx) == 0);
	CHECK(getevents(ctx, 0, 0, events, NULL) == 0);
	CHECK(getevents(ctx, 0, 8, events, NULL) == 0);
	CHECK(getevents(ctx, 1, 8, events, &none) == 0);
	start = now();
	CHECK(getevents(ctx, 1, 8, events, &some) == 0);
	CHECK(now() - start > 0.025 && now() - start < 5);
	FAILS(getevents(ctx, 2, 1, events, NULL), EINVAL);
	FAILS(getevents(ctx, -1, 1, events, NULL), EINVAL);
	FAILS(getevents(ctx, 1, 1, events, (void *)8), EFAULT);
	FAILS(getevents(ctx, 1, 1, events, &wrong), EINVAL);
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	FAILS(getevents(ctx, 1, 1, events, NULL), EINTR);
	CHECK(alarms == 1);
	/* blocked, but not for the time of the wait */
	sigemptyset(&empty);
	sigemptyset(&alrm);
	sigaddset(&alrm, SIGALRM);
	CHECK(sigprocmask(SIG_BLOCK, &alrm, NULL) == 0);
	mask.set = &empty;
	mask.size = 8;
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	FAILS(syscall(SYS_io_pgetevents, ctx, 1, 1, events, NULL, &mask),
	    EINTR);
	CHECK(alarms == 2);
	CHECK(destroy(ctx) == 0);
}

/* On a slow disk: what is done before a signal comes is not lost. */
static void
a_signal_in_the_middle(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval it = { .it_value.tv_usec = 300000 };
	int fd = disk_open(O_RDONLY);
	unsigned i;
	long n;

	CHECK(setup(40, &ctx) == 0);
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	for (i = 0; i < 40; i++)
		prepare(i, fd, IOCB_CMD_PREAD, 3 * i);
	CHECK(submit(ctx, 40, cbp) == 40);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	n = getevents(ctx, 40, 40, events, NULL);
	CHECK(n > 0 && n < 40 && alarms == 1);
	CHECK(getevents(ctx, 40 - n, 40, events, NULL) == 40 - n);
	CHECK(destroy(ctx) == 0);
}

/* Not next to each other, or the device makes one request of them. */
static void
submit_some(int fd)
{
	unsigned i;

	CHECK(setup(16, &ctx) == 0);
	for (i = 0; i < 16; i++)
		prepare(i, fd, IOCB_CMD_PREAD, 3 * i);
	CHECK(submit(ctx, 16, cbp) == 16);
}

/* On a slow disk: the process, or its memory, goes before the data come. */
static void
an_early_end(void)
{
	static char *const again[] = { "aio", "nothing", NULL };
	int fd = disk_open(O_RDONLY), status;
	unsigned i;
	pid_t pid;

	for (i = 0; i < 4; i++) {
		CHECK((pid = fork()) >= 0);
		if (pid == 0) {
			submit_some(fd);
			if (i == 0)
				_exit(0);
			if (i == 1)
				execv("/bin/aio", again);
			if (i == 2)
				kill(getpid(), SIGKILL);
			if (munmap(bufs, MAXDEPTH * BLOCK) != 0 ||
			    destroy(ctx) != 0)
				_exit(1);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == (i == 2 ? SIGKILL : 0));
	}
}

/* On a slow disk: a child has its own memory and no requests. */
static void
a_fork_in_between(void)
{
	int fd = disk_open(O_RDONLY), status;
	unsigned i;
	pid_t pid;

	memset(bufs, 0xa5, 16 * BLOCK);
	submit_some(fd);
	CHECK((pid = fork()) >= 0);
	if (pid == 0)
		_exit(getevents(ctx, 1, 1, events, NULL) == -1 &&
		    errno == EINVAL ? 0 : 1);
	/* a page that is shared is copied now */
	for (i = 0; i < 16; i++)
		bufs[i * BLOCK + 100] = 0;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(getevents(ctx, 16, 16, events, NULL) == 16);
	for (i = 0; i < 16 * BLOCK; i++)
		CHECK(bufs[i] == 0);
	memset(bufs, 0xa5, 16 * BLOCK);
	CHECK(submit(ctx, 16, cbp) == 16);
	CHECK(mprotect(bufs, 16 * BLOCK, PROT_READ) == 0);
	CHECK(mprotect(bufs, 16 * BLOCK, PROT_READ | PROT_WRITE) == 0);
	for (i = 0; i < 16; i++)
		bufs[i * BLOCK + 100] = 0;
	CHECK(getevents(ctx, 16, 16, events, NULL) == 16);
	for (i = 0; i < 16 * BLOCK; i++)
		CHECK(bufs[i] == 0);
	CHECK(destroy(ctx) == 0);
}

static void
nothing(void)
{
}

static const struct {
	const char	*name;
	void		(*fn)(void);
} checks[] = {
	{ "contexts", contexts },
	{ "what_is_refused", what_is_refused },
	{ "results", results },
	{ "any_length", any_length },
	{ "other_files", other_files },
	{ "an_eventfd_is_told", an_eventfd_is_told },
	{ "waits", waits },
	{ "a_signal_in_the_middle", a_signal_in_the_middle },
	{ "an_early_end", an_early_end },
	{ "a_fork_in_between", a_fork_in_between },
	{ "nothing", nothing },
};

int
main(int argc, char *argv[])
{
	unsigned i;

	/* a line at a time: others write to the console too */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	bufs = mmap(NULL, MAXDEPTH * BLOCK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bufs == MAP_FAILED)
		err(1, "mmap");
	if (argc > 4)
		return (traffic(argc, argv));
	disk = argc > 2 ? argv[2] : "/dev/vioblk0";
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (argc > 1 && strcmp(checks[i].name, argv[1]) == 0) {
			checks[i].fn();
			printf("ok\n");
			return (0);
		}
	}
	errx(2, "usage: see the source");
}

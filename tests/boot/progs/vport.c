/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Ports of virtio consoles as programs use them: "vport COMMAND PATH ...".
 *
 *	send N		that many bytes; prints their SHA-256
 *	recv N [MS]	reads that many, with a rest after each read; the same
 *	pour N, drain N	without looking at the bytes
 *	fill		writes without blocking until nothing fits; prints how
 *			much did, and what poll(2) says then
 *	echo		sends back what comes, to the end
 *	poll EVENTS MS	what poll(2) says, as a number
 *	read, write	one call; prints its result or errno
 *	interrupted	a signal ends a read and a write that wait
 *	twice		opened twice at a time
 *	gone		opened while the port is taken away
 *	watch		epoll tells when something comes
 */

#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/wait.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char	buf[1 << 16];

/* --- SHA-256: FIPS 180-4 ------------------------------------------------- */

struct sha {
	uint32_t	h[8];
	uint8_t		block[64];
	uint64_t	n;
};

static const uint32_t	sha_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define ROR(x, n)	((x) >> (n) | (x) << (32 - (n)))

static void
sha_block(struct sha *s)
{
	uint32_t w[64], v[8], t1, t2;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)s->block[4 * i] << 24 |
		    s->block[4 * i + 1] << 16 | s->block[4 * i + 2] << 8 |
		    s->block[4 * i + 3];
	for (; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		    (ROR(w[i - 15], 7) ^ ROR(w[i - 15], 18) ^ w[i - 15] >> 3) +
		    (ROR(w[i - 2], 17) ^ ROR(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (i = 0; i < 8; i++)
		v[i] = s->h[i];
	for (i = 0; i < 64; i++) {
		t1 = v[7] + (ROR(v[4], 6) ^ ROR(v[4], 11) ^ ROR(v[4], 25)) +
		    ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
		t2 = (ROR(v[0], 2) ^ ROR(v[0], 13) ^ ROR(v[0], 22)) +
		    ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + t1;
		v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		s->h[i] += v[i];
}

static void
sha_init(struct sha *s)
{
	static const uint32_t h[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
		0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(s->h, h, sizeof(h));
	s->n = 0;
}

static void
sha_add(struct sha *s, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n > 0; n--) {
		s->block[s->n++ % 64] = *p++;
		if (s->n % 64 == 0)
			sha_block(s);
	}
}

static void
sha_print(struct sha *s)
{
	uint64_t bits = s->n * 8;
	uint8_t byte = 0x80, len[8];
	int i;

	sha_add(s, &byte, 1);
	for (byte = 0; s->n % 64 != 56;)
		sha_add(s, &byte, 1);
	for (i = 0; i < 8; i++)
		len[i] = bits >> (56 - 8 * i);
	sha_add(s, len, 8);
	for (i = 0; i < 8; i++)
		printf("%08x", s->h[i]);
	printf("\n");
}

/* --- streams -------------------------------------------------------------- */

static void
rest(unsigned long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	if (ms != 0)
		nanosleep(&ts, NULL);
}

static int
open_port(const char *path, int flags)
{
	int fd = open(path, O_RDWR | flags);

	if (fd == -1)
		err(1, "%s", path);
	return (fd);
}

static void
recv_all(int fd, unsigned long n, unsigned long ms, int look)
{
	struct sha s;
	ssize_t got;

	sha_init(&s);
	while (n > 0) {
		got = read(fd, buf, n < sizeof(buf) ? n : sizeof(buf));
		if (got <= 0)
			err(1, "read: %zd, %lu to come", got, n);
		if (look)
			sha_add(&s, buf, got);
		n -= got;
		rest(ms);
	}
	if (look)
		sha_print(&s);
}

static void
send_all(int fd, unsigned long n, int look)
{
	uint32_t x = 1;
	struct sha s;
	ssize_t done;
	size_t i, len;

	sha_init(&s);
	while (n > 0) {
		/* of an odd size, so that it lies differently each time */
		len = n < sizeof(buf) - 5 ? n : sizeof(buf) - 5;
		for (i = 0; i < len && look; i++) {
			x ^= x << 13, x ^= x >> 17, x ^= x << 5;
			buf[i] = x;
		}
		if (look)
			sha_add(&s, buf, len);
		for (i = 0; i < len; i += done) {
			if ((done = write(fd, buf + i, len - i)) <= 0)
				err(1, "write: %zd", done);
		}
		n -= len;
	}
	if (look)
		sha_print(&s);
}

static void
echo(int fd)
{
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (write(fd, buf, n) != n)
			err(1, "write");
	}
	printf("end %d\n", n == 0 ? 0 : errno);
}

/* --- what calls return --------------------------------------------------- */

static void
tell(const char *what, long n)
{
	if (n >= 0)
		printf("%s %ld\n", what, n);
	else
		printf("%s errno %d\n", what, errno);
}

static int
events(int fd, int which, int ms)
{
	struct pollfd pf = { .fd = fd, .events = which };

	if (poll(&pf, 1, ms) == -1)
		err(1, "poll");
	return (pf.revents);
}

static void
fill(int fd)
{
	unsigned long total = 0;
	ssize_t n;

	memset(buf, 'x', sizeof(buf));
	do {
		while ((n = write(fd, buf, sizeof(buf))) > 0)
			total += n;
		/* the host may not be done yet with what it can keep */
	} while (errno == EAGAIN && (events(fd, POLLOUT, 300) & POLLOUT));
	n = write(fd, buf, sizeof(buf));
	tell("write", n);
	printf("total %lu\n", total);
	printf("poll %d\n", events(fd, POLLIN | POLLOUT, 0));
}

static void
handler(int sig)
{
	(void)sig;
}

/* A child sends signals until it is told to stop. */
static void
interrupted(int fd)
{
	struct sigaction sa;
	pid_t child, parent = getpid();
	ssize_t n;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sigaction(SIGUSR1, &sa, NULL);
	if ((child = fork()) == 0) {
		for (;;) {
			rest(100);
			kill(parent, SIGUSR1);
		}
	}
	tell("read", read(fd, buf, sizeof(buf)));
	do {
		n = write(fd, buf, sizeof(buf));
	} while (n > 0);
	tell("write", n);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void
twice(const char *path)
{
	int fd = open_port(path, 0);

	tell("second", open(path, O_RDWR));
	close(fd);
	fd = open(path, O_RDWR);
	printf("after %s\n", fd >= 0 ? "ok" : "failed");
}

/* One reads, the other polls; the far end is connected. */
static void
gone(const char *path)
{
	int fd = open_port(path, 0);
	pid_t child;
	ssize_t n;

	if ((child = fork()) == 0) {
		rest(50);
		printf("ready\n");
		n = events(fd, POLLIN, 30000);
		printf("poll %d\n", (int)n & (POLLHUP | POLLIN));
		_exit(0);
	}
	n = read(fd, buf, sizeof(buf));
	tell("read", n);
	waitpid(child, NULL, 0);
	tell("write", write(fd, buf, 1));
	tell("close", close(fd));
	tell("open", open(path, O_RDWR));
}

#ifdef SYS_epoll_create1
struct kevent {
	uint32_t	events;
	uint64_t	data;
}
#ifdef __x86_64__
__attribute__((__packed__))
#endif
;

static void
watch(int fd)
{
	struct kevent ev = { 0x80000001, 7 };	/* EPOLLIN, edges */
	int ep = syscall(SYS_epoll_create1, 0), n;

	if (syscall(SYS_epoll_ctl, ep, 1, fd, &ev) == -1)
		err(1, "epoll_ctl");
	for (n = 0; n < 3; n++) {
		printf("waiting\n");
		if (syscall(SYS_epoll_pwait, ep, &ev, 1, 20000, NULL, 8) != 1)
			errx(1, "epoll_wait: nothing came");
		tell("read", read(fd, buf, sizeof(buf)));
	}
}
#endif

int
main(int argc, char *argv[])
{
	const char *cmd, *path;
	unsigned long n = 0, ms = 0;

	if (argc < 3)
		errx(1, "usage: vport command path ...");
	cmd = argv[1];
	path = argv[2];
	setvbuf(stdout, NULL, _IONBF, 0);
	if (argc > 3)
		n = strtoul(argv[3], NULL, 0);
	if (argc > 4)
		ms = strtoul(argv[4], NULL, 0);
	if (strcmp(cmd, "send") == 0 || strcmp(cmd, "pour") == 0)
		send_all(open_port(path, 0), n, cmd[0] == 's');
	else if (strcmp(cmd, "recv") == 0 || strcmp(cmd, "drain") == 0)
		recv_all(open_port(path, 0), n, ms, cmd[0] == 'r');
	else if (strcmp(cmd, "echo") == 0)
		echo(open_port(path, 0));
	else if (strcmp(cmd, "fill") == 0)
		fill(open_port(path, O_NONBLOCK));
	else if (strcmp(cmd, "poll") == 0)
		printf("poll %d\n", events(open_port(path, 0), n, ms));
	else if (strcmp(cmd, "read") == 0)
		tell("read", read(open_port(path, n), buf, sizeof(buf)));
	else if (strcmp(cmd, "write") == 0)
		tell("write", write(open_port(path, n), "hello\n", 6));
	else if (strcmp(cmd, "interrupted") == 0)
		interrupted(open_port(path, 0));
	else if (strcmp(cmd, "twice") == 0)
		twice(path);
	else if (strcmp(cmd, "gone") == 0)
		gone(path);
#ifdef SYS_epoll_create1
	else if (strcmp(cmd, "watch") == 0)
		watch(open_port(path, O_NONBLOCK));
#endif
	else
		errx(1, "%s: unknown", cmd);
	return (0);
}

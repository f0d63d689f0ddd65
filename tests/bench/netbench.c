/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What a network can do: the same program is the guest's side, on whatever
 * kernel, and the peer's.
 *
 *	netbench serve			the peer
 *	netbench tx|rx HOST SECONDS	one connection: Mbit/s
 *	netbench rr HOST COUNT		64 bytes there and back: us
 *	netbench pps HOST COUNT		64 bytes, one way: packets a second
 */

#include <sys/socket.h>
#include <sys/time.h>
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PORT	5001
#define BLOCK	131072

static char	block[BLOCK];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec + ts.tv_nsec / 1e9);
}

/* --- the peer ---------------------------------------------------------------------- */

static void
serve_one(int fd)
{
	struct timeval tv = { 10, 0 };
	char what;

	if (read(fd, &what, 1) != 1)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (what == 'T')
		while (read(fd, block, BLOCK) > 0)
			continue;
	else
		while (write(fd, block, BLOCK) > 0)
			continue;
}

static void
serve_udp(int fd)
{
	struct sockaddr_in from;
	socklen_t len;
	ssize_t n;

	for (;;) {
		len = sizeof(from);
		n = recvfrom(fd, block, BLOCK, 0, (struct sockaddr *)&from,
		    &len);
		if (n > 0 && block[0] == 'R')
			sendto(fd, block, n, 0, (struct sockaddr *)&from, len);
	}
}

static void
serve(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(PORT) };
	int u = socket(AF_INET, SOCK_DGRAM, 0);
	int l = socket(AF_INET, SOCK_STREAM, 0), fd, on = 1;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(u, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    bind(l, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(l, 5) == -1)
		err(1, "bind");
	if (fork() == 0)
		serve_udp(u);
	puts("ready");
	fflush(stdout);
	while ((fd = accept(l, NULL, NULL)) != -1) {
		if (fork() == 0) {
			serve_one(fd);
			_exit(0);
		}
		close(fd);
	}
}

/* --- the guest ---------------------------------------------------------------------- */

static int
open_to(const char *host, int type)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(PORT) };
	int fd = socket(AF_INET, type, 0);

	inet_aton(host, &sin.sin_addr);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sin,
	    sizeof(sin)) == -1)
		err(1, "%s", host);
	return (fd);
}

static void
stream(const char *host, double seconds, int send)
{
	int fd = open_to(host, SOCK_STREAM);
	double began, end;
	uint64_t total = 0;
	ssize_t n;

	if (write(fd, send ? "T" : "R", 1) != 1)
		err(1, "write");
	began = now();
	do {
		n = send ? write(fd, block, BLOCK) : read(fd, block, BLOCK);
		if (n <= 0)
			err(1, "stream");
		total += n;
		end = now();
	} while (end - began < seconds);
	printf("%s %.0f\n", send ? "tx" : "rx",
	    total * 8 / (end - began) / 1e6);
}

static int
before(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y ? -1 : x > y);
}

static void
round_trips(const char *host, int count)
{
	int fd = open_to(host, SOCK_DGRAM), i;
	double *times = calloc(count, sizeof(*times)), began;
	struct timeval tv = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	block[0] = 'R';
	for (i = 0; i < count; i++) {
		began = now();
		if (send(fd, block, 64, 0) != 64 ||
		    recv(fd, block, BLOCK, 0) != 64)
			err(1, "round trip %d", i);
		times[i] = (now() - began) * 1e6;
	}
	qsort(times, count, sizeof(*times), before);
	printf("rr %.1f\n", times[count / 2]);
}

static void
one_way(const char *host, int count)
{
	int fd = open_to(host, SOCK_DGRAM), i;
	double began;

	block[0] = 'P';
	began = now();
	for (i = 0; i < count; i++)
		(void)!send(fd, block, 64, 0);
	printf("pps %.0f\n", count / (now() - began));
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "serve") == 0)
		serve();
	else if (argc != 4)
		errx(1, "usage: netbench serve | tx|rx|rr|pps host number");
	else if (strcmp(what, "rr") == 0)
		round_trips(argv[2], atoi(argv[3]));
	else if (strcmp(what, "pps") == 0)
		one_way(argv[2], atoi(argv[3]));
	else
		stream(argv[2], atof(argv[3]), what[0] == 't');
	return (0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * What getrandom(2) says with each of the flags given, one after the other:
 * "n" GRND_NONBLOCK, "i" GRND_INSECURE, "w" none of them (it may wait), "x"
 * two that exclude each other, "p" what poll(2) says of /dev/random.
 */

#include <sys/random.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef GRND_INSECURE
#define GRND_INSECURE	4
#endif

static void
ask(unsigned flags)
{
	unsigned char buf[32] = { 0 };
	ssize_t n = getrandom(buf, sizeof(buf), flags);

	if (n == -1)
		printf("%s\n", errno == EAGAIN ? "EAGAIN" :
		    errno == EINVAL ? "EINVAL" : strerror(errno));
	else
		printf("%zd bytes\n", n);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct pollfd pfd = { .events = POLLIN };
	const char *p;

	for (p = argc > 1 ? argv[1] : ""; *p != '\0'; p++) {
		switch (*p) {
		case 'n':
			ask(GRND_NONBLOCK);
			break;
		case 'i':
			ask(GRND_INSECURE);
			break;
		case 'w':
			ask(0);
			break;
		case 'x':
			ask(GRND_RANDOM | GRND_INSECURE);
			break;
		case 'p':
			pfd.fd = open("/dev/random", O_RDONLY);
			printf("poll %d\n", poll(&pfd, 1, 0));
			close(pfd.fd);
			break;
		}
	}
	return (0);
}

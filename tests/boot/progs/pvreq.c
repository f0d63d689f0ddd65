/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The hypervisor's store by its ioctls, as a program does that knows the
 * numbers alone:
 *
 *	pvreq errors DEV KEY	each error, a line each: what was done, and
 *				the error's name or "ok"
 *	pvreq get DEV KEY	read as hostctl on OpenBSD does: buffers of
 *				4096 bytes, and twice as many after ERANGE;
 *				prints what was needed, and the sum of bytes
 *	pvreq put DEV KEY VALUE	written so; prints what came back
 *	pvreq type DEV		its name
 *	pvreq list DEV PREFIX ROOM	with so much room
 *	pvreq time		monotonic time and time of day, in ns
 *	pvreq watch MSEC	time by both, all the while; "back" if it went
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KVREAD		0xc0205601UL
#define KVWRITE		0xc0205602UL
#define KVTYPE		0xc0205603UL
#define KVLIST		0xc0205604UL
#define MOST		65536UL
#define FIRST		4096UL
#define KERNEL		((char *)0xffff800000000000UL)

struct request {
	unsigned long	keylen;
	char		*key;
	unsigned long	valuelen;
	char		*value;
};

static const struct {
	int		 error;
	const char	*name;
} names[] = {
	{ 0, "ok" }, { EPERM, "EPERM" }, { ENXIO, "ENXIO" },
	{ EINVAL, "EINVAL" }, { ENAMETOOLONG, "ENAMETOOLONG" },
	{ EFAULT, "EFAULT" }, { ENOENT, "ENOENT" }, { ERANGE, "ERANGE" },
	{ ENOMEM, "ENOMEM" }, { EOPNOTSUPP, "EOPNOTSUPP" },
	{ EROFS, "EROFS" }, { EIO, "EIO" }, { ENOTTY, "ENOTTY" },
	{ ENODEV, "ENODEV" }, { EBADF, "EBADF" }, { EACCES, "EACCES" },
};

static char	key[MOST + 1], value[MOST + 1];

static const char *
name_of(int error)
{
	static char number[24];
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].error == error)
			return (names[i].name);
	}
	snprintf(number, sizeof(number), "errno %d", error);
	return (number);
}

static int
ask(int fd, unsigned long cmd, void *arg)
{
	return (ioctl(fd, cmd, arg) == -1 ? errno : 0);
}

/* One request, and whether a failure left the structure alone. */
static int
try(int fd, unsigned long cmd, char *k, unsigned long keylen, char *v,
    unsigned long valuelen)
{
	struct request r = { keylen, k, valuelen, v };
	int error = ask(fd, cmd, &r);

	if (error != 0 && (r.keylen != keylen || r.key != k ||
	    r.valuelen != valuelen || r.value != v))
		printf("the structure was changed: ");
	return (error);
}

static void
say(const char *what, int error)
{
	printf("%s: %s\n", what, name_of(error));
}

/* A page that ends where nothing is; so many bytes before that. */
static char *
edge(size_t before, int prot)
{
	char *p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 'x', 4096);
	if (prot != (PROT_READ | PROT_WRITE)) {
		p = mmap(p, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS |
		    MAP_FIXED, -1, 0);
	}
	munmap(p + 4096, 4096);
	return (p + 4096 - before);
}

static void
structures(int ro, int rw)
{
	struct request *r;

	say("write, read-only, no structure", ask(ro, KVWRITE, NULL));
	say("write, no structure", ask(rw, KVWRITE, NULL));
	say("read, no structure", ask(ro, KVREAD, NULL));
	say("read, structure of the kernel", ask(ro, KVREAD, KERNEL));
	say("read, half a structure", ask(ro, KVREAD,
	    edge(16, PROT_READ | PROT_WRITE)));
	say("list, no structure", ask(ro, KVLIST, NULL));
	say("type, no structure", ask(ro, KVTYPE, NULL));
	r = (struct request *)edge(4096, PROT_READ);
	say("type, structure of zeros", ask(ro, KVTYPE, r));
	say("read, structure of zeros", ask(ro, KVREAD, r));
	say("unknown 0", ask(rw, 0xc0205600UL, NULL));
	say("unknown 5", ask(rw, 0xc0205605UL, NULL));
	say("unknown size", ask(rw, 0xc0105601UL, NULL));
	say("unknown direction", ask(rw, 0x80205602UL, NULL));
	say("unknown group", ask(rw, 0xc0205501UL, NULL));
	say("unknown at all", ask(rw, 0, NULL));
}

static void
types(int ro)
{
	unsigned long n;

	memset(key, 'x', 64);
	for (n = 0; n < 64 && try(ro, KVTYPE, key, n, NULL, 0) == ENOMEM; n++)
		;
	printf("type: %s, with room for %lu\n", key, n);
	printf("type: is %s\n", key[n] == 'x' ? "whole" : "too long");
	say("type, no room", try(ro, KVTYPE, key, 0, NULL, 0));
	say("type, a byte less", try(ro, KVTYPE, key, n - 1, NULL, 0));
	say("type, any room", try(ro, KVTYPE, key, ~0UL, NULL, ~0UL));
	say("type, no memory", try(ro, KVTYPE, NULL, 64, NULL, 0));
	say("type, kernel's memory", try(ro, KVTYPE, KERNEL, 64, NULL, 0));
	say("type, memory to read", try(ro, KVTYPE, edge(4096, PROT_READ), 64,
	    NULL, 0));
}

static void
lengths(int ro, unsigned long cmd, const char *what)
{
	static const unsigned long wrong[] = { 0, MOST + 1, 1UL << 32, ~0UL };
	char line[80];
	unsigned i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "%s, key of %s%lx", what,
		    wrong[i] != 0 ? "0x" : "", wrong[i]);
		say(line, try(ro, cmd, NULL, wrong[i], NULL, 16));
		snprintf(line, sizeof(line), "%s, value of %s%lx", what,
		    wrong[i] != 0 ? "0x" : "", wrong[i]);
		say(line, try(ro, cmd, NULL, 16, NULL, wrong[i]));
	}
}

static void
pointers(int ro, int rw, const char *k)
{
	size_t n = strlen(k) + 1;
	char *p;

	say("read, no key", try(ro, KVREAD, NULL, n, value, MOST));
	say("read, kernel's key", try(ro, KVREAD, KERNEL, n, value, MOST));
	memcpy(key, k, n);
	say("read, key without end", try(ro, KVREAD, key, n - 1, value, MOST));
	say("read, key ends early", try(ro, KVREAD, key, MOST, value, MOST));
	p = edge(n, PROT_READ | PROT_WRITE);
	memcpy(p, k, n);
	say("read, key ends at the edge", try(ro, KVREAD, p, MOST, value,
	    MOST));
	memset(p, 'x', n);
	say("read, key over the edge", try(ro, KVREAD, p, MOST, value, MOST));
	say("read, no value", try(ro, KVREAD, key, n, NULL, MOST));
	say("read, kernel's value", try(ro, KVREAD, key, n, KERNEL, MOST));
	say("read, value to read", try(ro, KVREAD, key, n,
	    edge(4096, PROT_READ), MOST));
	say("write, no value", try(rw, KVWRITE, key, n, NULL, MOST));
	memset(value, 'x', MOST);
	say("write, value without end", try(rw, KVWRITE, key, n, value, MOST));
	say("write, read-only, bad lengths", try(ro, KVWRITE, NULL, 0, NULL,
	    0));
}

static void
values(int ro, int rw, const char *k)
{
	struct request r = { MOST, key, MOST, value };
	unsigned long n;
	int error;

	memset(key, 0, sizeof(key));
	strcpy(key, "no such key");
	say("read, unknown key", try(ro, KVREAD, key, MOST, value, MOST));
	strcpy(key, "");
	say("read, empty key", try(ro, KVREAD, key, 1, value, MOST));
	memset(key, 'k', MOST - 1);
	say("read, longest key", try(ro, KVREAD, key, MOST, value, MOST));
	strcpy(key, k);
	error = ask(ro, KVREAD, &r);
	say("read", error);
	if (error == 0) {
		n = r.valuelen;
		printf("read: length %s\n", n == strlen(value) ? "told" :
		    "wrong");
		memset(value, 'x', MOST);
		say("read, exact room", try(ro, KVREAD, key, MOST, value,
		    n + 1));
		printf("read: %s\n", value[n] == '\0' && value[n + 1] == 'x' ?
		    "within its room" : "not within its room");
		memset(value, 'x', MOST);
		say("read, a byte less", try(ro, KVREAD, key, MOST, value, n));
		say("read, one byte", try(ro, KVREAD, key, MOST, value, 1));
		printf("read: %s\n", value[0] == 'x' ? "nothing cut off" :
		    "cut off");
	}
	strcpy(key, "no such prefix");
	say("list, unknown prefix", try(ro, KVLIST, key, MOST, value, MOST));
	strcpy(key, "");
	say("list", try(ro, KVLIST, key, 1, value, MOST));
	say("list, one byte", try(ro, KVLIST, key, 1, value, 1));
	strcpy(key, k);
	strcpy(value, "w");
	say("write", try(rw, KVWRITE, key, MOST, value, 2));
	strcpy(key, "no such key");
	strcpy(value, "w");
	say("write, unknown key", try(rw, KVWRITE, key, MOST, value, 2));
}

static int
errors(const char *dev, const char *k)
{
	int ro = open(dev, O_RDONLY), rw = open(dev, O_RDWR);

	if (ro == -1 || rw == -1)
		return (1);
	structures(ro, rw);
	types(ro);
	lengths(ro, KVREAD, "read");
	lengths(ro, KVLIST, "list");
	lengths(rw, KVWRITE, "write");
	pointers(ro, rw, k);
	values(ro, rw, k);
	return (0);
}

static int
get(const char *dev, const char *k)
{
	struct request r = { FIRST, key, FIRST, value };
	unsigned long sum = 0, i;
	int fd = open(dev, O_RDONLY), error;

	strcpy(key, k);
	while ((error = ask(fd, KVREAD, &r)) == ERANGE && r.valuelen < MOST)
		r.valuelen *= 2;
	if (error != 0) {
		printf("%s with %lu\n", name_of(error), r.valuelen);
		return (1);
	}
	for (i = 0; i < r.valuelen; i++)
		sum += (unsigned char)value[i];
	printf("%lu bytes, sum %lu\n", r.valuelen, sum);
	return (0);
}

static int
put(const char *dev, const char *k, const char *v)
{
	struct request r = { FIRST, key, FIRST, value };
	int fd = open(dev, O_RDWR), error;

	strcpy(key, k);
	strcpy(value, v);
	if ((error = ask(fd, KVWRITE, &r)) != 0)
		printf("%s\n", name_of(error));
	else
		printf("ok \"%s\"\n", value);
	return (error != 0);
}

static int
list(const char *dev, const char *prefix, unsigned long room)
{
	struct request r = { FIRST, key, room, value };
	int fd = open(dev, O_RDONLY), error;

	strcpy(key, prefix);
	if ((error = ask(fd, KVLIST, &r)) != 0)
		printf("%s\n", name_of(error));
	else
		printf("%lu: %s\n", r.valuelen, value);
	return (error != 0);
}

static unsigned long
now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (ts.tv_sec * 1000000000UL + ts.tv_nsec);
}

static int
watch(unsigned long msec)
{
	unsigned long begin = now(CLOCK_MONOTONIC), last = begin, t, wall,
	    n = 0, most = 0;

	wall = now(CLOCK_REALTIME);
	do {
		t = now(CLOCK_MONOTONIC);
		if (t < last) {
			printf("back by %lu\n", last - t);
			return (1);
		}
		most = t - last > most ? t - last : most;
		last = t;
		n++;
	} while (t - begin < msec * 1000000);
	printf("%lu looks, %lu %lu %lu\n", n, last - begin,
	    now(CLOCK_REALTIME) - wall, most);
	return (0);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 4 && strcmp(what, "errors") == 0)
		return (errors(argv[2], argv[3]));
	if (argc == 4 && strcmp(what, "get") == 0)
		return (get(argv[2], argv[3]));
	if (argc == 5 && strcmp(what, "put") == 0)
		return (put(argv[2], argv[3], argv[4]));
	if (argc == 5 && strcmp(what, "list") == 0)
		return (list(argv[2], argv[3], strtoul(argv[4], NULL, 10)));
	if (argc == 3 && strcmp(what, "type") == 0) {
		types(open(argv[2], O_RDONLY));
		return (0);
	}
	if (argc == 2 && strcmp(what, "time") == 0) {
		printf("%lu %lu\n", now(CLOCK_MONOTONIC), now(CLOCK_REALTIME));
		return (0);
	}
	if (argc == 3 && strcmp(what, "watch") == 0)
		return (watch(strtoul(argv[2], NULL, 10)));
	return (2);
}

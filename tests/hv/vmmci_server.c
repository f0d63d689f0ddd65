/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The control device of OpenBSD's vmm for QEMU's vfio-user-pci, and the host
 * behind it: see README.vmmci for what it reads and prints.
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vfu.h"
#include "vmmci_model.h"

static struct vmmci	vmmci;
static struct vfu	vfu;
static int64_t		ahead;		/* of this machine's clock, seconds */

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

/* --- the machine of the model -------------------------------------------- */

static void
model_line(void *arg, bool level)
{
	(void)arg;
	vfu_line(&vfu, level);
}

static void
model_time(void *arg, uint64_t *sec, uint64_t *usec)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &ts);
	*sec = ts.tv_sec + ahead;
	*usec = ts.tv_nsec / 1000;
}

static uint64_t
model_msec(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000);
}

static void
model_event(void *arg, enum vmmci_event ev, uint32_t v)
{
	static const char *const deaths[] = {
		[VMMCI_NO_DRIVER] = "no driver",
		[VMMCI_NO_ANSWER] = "no answer",
		[VMMCI_NO_END] = "it did not end",
		[VMMCI_WISHED] = "as it wished",
	};

	(void)arg;
	switch (ev) {
	case VMMCI_EV_STATUS:
		printf("status 0x%x\n", v);
		break;
	case VMMCI_EV_FEATURES:
		printf("features 0x%x\n", v);
		break;
	case VMMCI_EV_ACK:
		printf("ack %u\n", v);
		break;
	case VMMCI_EV_POWEROFF:
		printf("poweroff\n");
		break;
	case VMMCI_EV_WRONG:
		printf("wrong %u\n", v);
		break;
	case VMMCI_EV_SKIPPED:
		printf("skipped %u\n", v);
		break;
	case VMMCI_EV_KILLED:
		printf("killed: %s\n", deaths[v]);
		break;
	case VMMCI_EV_WIDTH:
		printf("error: %u bytes at %#x\n", v >> 16, v & 0xffff);
		break;
	case VMMCI_EV_STRAY:
		printf("error: nothing for %u bytes at %#x\n", v >> 16,
		    v & 0xffff);
		break;
	}
}

static const struct vmmci_ops ops = {
	model_line, model_time, model_msec, model_event
};

/* --- the function -------------------------------------------------------- */

static uint32_t
bar_read(void *arg, uint32_t off, unsigned int width)
{
	return (vmmci_read(arg, off, width));
}

static void
bar_write(void *arg, uint32_t off, unsigned int width, uint32_t v)
{
	vmmci_write(arg, off, width, v);
}

static void
machine_reset(void *arg)
{
	printf("reset\n");
	vmmci_reset(arg);
}

static void
put(unsigned int off, unsigned int n, uint32_t v)
{
	for (; n > 0; n--, v >>= 8)
		vfu.vf_conf[off++] = v;
}

static void
identify(void)
{
	put(0x00, 2, VMMCI_VENDOR);
	put(0x02, 2, VMMCI_PRODUCT);
	put(0x08, 1, VMMCI_REVISION);
	put(0x09, 3, VMMCI_CLASS);
	put(0x2c, 2, VMMCI_SUBVENDOR);
	put(0x2e, 2, VMMCI_SUBSYSTEM);
	vfu.vf_barsize = VMMCI_BAR_SIZE;
	vfu.vf_read = bar_read;
	vfu.vf_write = bar_write;
	vfu.vf_reset = machine_reset;
	vfu.vf_arg = &vmmci;
}

/* --- the host's words ---------------------------------------------------- */

static bool
misbehave(const char *word, unsigned int n, uint64_t a, uint64_t b)
{
	if (strcmp(word, "features") == 0 && n == 1)
		vmmci.vm_offered = a;
	else if (strcmp(word, "interrupt") == 0 && n == 0)
		vmmci_interrupt(&vmmci);
	else if (strcmp(word, "storm") == 0 && n == 1) {
		vmmci.vm_storm = a;
		vmmci_interrupt(&vmmci);
	} else if (strcmp(word, "flip") == 0 && (n == 0 || n == 2)) {
		vmmci.vm_flips = n == 2;
		vmmci.vm_flip[0] = a;
		vmmci.vm_flip[1] = b;
	} else if (strcmp(word, "lie") == 0 && (n == 0 || n == 2)) {
		vmmci.vm_lies = n == 2;
		vmmci.vm_liesec = a;
		vmmci.vm_lieusec = b;
	} else if (strcmp(word, "forget") == 0 && n <= 1) {
		vmmci.vm_forgets = n == 1;
		vmmci.vm_forgotten = a;
	} else if (strcmp(word, "gone") == 0 && n == 0)
		vmmci.vm_gone = true;
	else
		return (false);
	return (true);
}

static bool
obey(const char *word, unsigned int n, uint64_t a, uint64_t b)
{
	if (strcmp(word, "shutdown") == 0 && n == 0)
		vmmci_request(&vmmci, VMMCI_SHUTDOWN);
	else if (strcmp(word, "reboot") == 0 && n == 0)
		vmmci_request(&vmmci, VMMCI_REBOOT);
	else if (strcmp(word, "syncrtc") == 0 && n == 0)
		vmmci_request(&vmmci, VMMCI_SYNCRTC);
	else if (strcmp(word, "command") == 0 && n == 1)
		vmmci_force(&vmmci, a);
	else if (strcmp(word, "time") == 0 && n == 1)
		ahead = a;
	else
		return (misbehave(word, n, a, b));
	return (true);
}

/* A word and up to two numbers, which may have a sign. */
static void
hear(const char *line)
{
	char word[32], rest;
	long long a = 0, b = 0;
	int n;

	n = sscanf(line, "%31s %lli %lli %c", word, &a, &b, &rest);
	if (n < 1 || n > 3 || !obey(word, n - 1, a, b))
		printf("unknown: %s\n", line);
	else
		printf("done: %s\n", line);
}

/* false: there will be no more */
static bool
hear_all(void)
{
	static char buf[4096];
	static size_t len;
	char *end;
	ssize_t n;

	n = read(STDIN_FILENO, buf + len, sizeof(buf) - 1 - len);
	if (n <= 0)
		return (false);
	len += n;
	buf[len] = '\0';
	while ((end = strchr(buf, '\n')) != NULL) {
		*end = '\0';
		hear(buf);
		len -= end + 1 - buf;
		memmove(buf, end + 1, len + 1);
	}
	return (len < sizeof(buf) - 1);
}

/* --- the loop ------------------------------------------------------------ */

enum { WORDS, MESSAGES, UNMASK, NPOLL };

/* The client's place is the listener until there is one. */
static bool
turn(struct pollfd *pf, int listener)
{
	uint64_t left = vmmci_tick(&vmmci);
	int fd;

	pf[MESSAGES].fd = vfu.vf_sock >= 0 ? vfu.vf_sock : listener;
	pf[UNMASK].fd = vfu.vf_unmask;
	if (poll(pf, NPOLL, left > 60000 ? 60000 : (int)left + 1) < 0)
		fail("poll");
	if (pf[WORDS].revents != 0 && !hear_all())
		return (false);
	if (pf[UNMASK].revents != 0)
		vfu_unmasked(&vfu);
	if (pf[MESSAGES].revents == 0)
		return (true);
	if (vfu.vf_sock >= 0)
		return (vfu_serve(&vfu));
	if ((fd = accept(listener, NULL, NULL)) < 0)
		fail("accept");
	vfu_init(&vfu, fd);
	return (true);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct pollfd pf[NPOLL] = {
		[WORDS] = { .fd = STDIN_FILENO, .events = POLLIN },
		[MESSAGES] = { .events = POLLIN },
		[UNMASK] = { .events = POLLIN },
	};
	int s;

	if (argc != 2 || strlen(argv[1]) >= sizeof(sun.sun_path)) {
		fprintf(stderr, "usage: vmmci_server socket\n");
		return (1);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	strcpy(sun.sun_path, argv[1]);
	if ((s = socket(AF_UNIX, SOCK_STREAM, 0)) < 0 ||
	    bind(s, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(s, 1) != 0)
		fail(argv[1]);
	vmmci_init(&vmmci, &ops, NULL);
	identify();
	vfu.vf_sock = vfu.vf_unmask = -1;
	printf("listening\n");
	while (turn(pf, s))
		;
	printf("over\n");
	unlink(argv[1]);
	return (0);
}

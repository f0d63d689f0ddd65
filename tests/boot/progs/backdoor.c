/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * VMware's backdoor from a program, to test the test hypervisor:
 *
 *	backdoor version
 *	backdoor [-b] [-k] rpc COMMAND		-b: all at once; -k: no cookie
 *	backdoor [-b] tclo REPLY [REPLY...]	prints what it gets
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC	0x564d5868u
#define SUCCESS	1
#define DORECV	2
#define HB	0x80

struct regs {
	unsigned long ax, bx, cx, dx, si, di, bp;
};

static unsigned long cookie_hi, cookie_lo, channel;
static int bulk;
static char buffer[1024 * 1024];

static void
call(struct regs *r)
{
	r->ax = MAGIC;
	r->dx = (r->dx & 0xffff0000) | 0x5658;
	__asm__ volatile("inl %%dx, %%eax" : "+a" (r->ax), "+b" (r->bx),
	    "+c" (r->cx), "+d" (r->dx), "+S" (r->si), "+D" (r->di) : :
	    "memory");
}

/* Six registers and the frame pointer. */
static void
string(struct regs *r, int out)
{
	unsigned long bp = r->bp;

	r->ax = MAGIC;
	r->dx = (r->dx & 0xffff0000) | 0x5659;
	if (out)
		__asm__ volatile("xchgq %%rbp, %6; cld; rep outsb;"
		    "xchgq %%rbp, %6" : "+a" (r->ax), "+b" (r->bx),
		    "+c" (r->cx), "+d" (r->dx), "+S" (r->si), "+D" (r->di),
		    "+r" (bp) : : "memory");
	else
		__asm__ volatile("xchgq %%rbp, %6; cld; rep insb;"
		    "xchgq %%rbp, %6" : "+a" (r->ax), "+b" (r->bx),
		    "+c" (r->cx), "+d" (r->dx), "+S" (r->si), "+D" (r->di),
		    "+r" (bp) : : "memory");
}

static unsigned int
message(struct regs *r, unsigned int type)
{
	r->cx = type << 16 | 30;
	r->dx = channel << 16;
	r->si = cookie_hi;
	r->di = cookie_lo;
	call(r);
	return (r->cx >> 16);
}

static void
fail(const char *what, unsigned int status)
{
	printf("%s: status 0x%x\n", what, status);
	exit(1);
}

static void
open_channel(unsigned int protocol)
{
	struct regs r = { .bx = protocol };
	unsigned int status = message(&r, 0);

	if ((status & SUCCESS) == 0)
		fail("open", status);
	channel = r.dx >> 16;
	if (protocol >> 31) {
		cookie_hi = r.si;
		cookie_lo = r.di;
	}
}

static void
send(const char *data, size_t len)
{
	struct regs r = { .bx = len };
	unsigned int status = message(&r, 1);
	uint32_t word;
	size_t i;

	if ((status & SUCCESS) == 0)
		fail("send size", status);
	if (bulk && len > 0) {
		if ((status & HB) == 0)
			fail("no high bandwidth", status);
		r = (struct regs){ .bx = SUCCESS << 16, .cx = len,
		    .dx = channel << 16, .si = (unsigned long)data,
		    .di = cookie_lo, .bp = cookie_hi };
		string(&r, 1);
		if ((r.bx >> 16 & SUCCESS) == 0)
			fail("send", r.bx >> 16);
		return;
	}
	for (i = 0; i < len; i += 4) {
		word = 0;
		memcpy(&word, data + i, len - i < 4 ? len - i : 4);
		r.bx = word;
		status = message(&r, 2);
		if ((status & SUCCESS) == 0)
			fail("send data", status);
	}
}

/* The length; -1: there is nothing. */
static long
receive(void)
{
	struct regs r = { 0 };
	unsigned int status = message(&r, 3);
	uint32_t word;
	size_t len, i;

	if ((status & SUCCESS) == 0)
		fail("receive size", status);
	if ((status & DORECV) == 0)
		return (-1);
	len = r.bx;
	if (len > sizeof(buffer))
		fail("too long", status);
	if (bulk && len > 0) {
		r = (struct regs){ .bx = SUCCESS << 16, .cx = len,
		    .dx = channel << 16, .di = (unsigned long)buffer,
		    .si = cookie_hi, .bp = cookie_lo };
		string(&r, 0);
		if ((r.bx >> 16 & SUCCESS) == 0)
			fail("receive", r.bx >> 16);
	} else {
		for (i = 0; i < len; i += 4) {
			r.bx = SUCCESS;
			status = message(&r, 4);
			if ((status & SUCCESS) == 0)
				fail("receive data", status);
			word = r.bx;
			memcpy(buffer + i, &word, len - i < 4 ? len - i : 4);
		}
	}
	r.bx = SUCCESS;
	status = message(&r, 5);
	if ((status & SUCCESS) == 0)
		fail("receive status", status);
	return (len);
}

static void
show(long len)
{
	fwrite(buffer, 1, len, stdout);
	putchar('\n');
	fflush(stdout);
}

static int
rpc(const char *text, unsigned int cookie)
{
	struct regs r = { 0 };
	long len;
	int i;

	open_channel(0x49435052 | cookie);
	send(text, strlen(text));
	for (i = 1; (len = receive()) < 0 && i < 100; i++)
		;
	if (len < 0)
		fail("no reply", 0);
	if (i > 1)
		printf("after %d looks: ", i);
	show(len);
	if ((message(&r, 6) & SUCCESS) == 0)
		fail("close", r.cx >> 16);
	return (0);
}

/* Empty messages until there is something; then the next reply. */
static int
tclo(char **replies, int n)
{
	const char *reply = "";
	long len;

	open_channel(0x4f4c4354 | 0x80000000);
	for (;;) {
		send(reply, strlen(reply));
		if (*reply != '\0' && n == 0)
			return (0);
		reply = "";
		len = receive();
		if (len < 0) {
			usleep(1000);
			continue;
		}
		show(len);
		reply = *replies++;
		n--;
	}
}

int
main(int argc, char **argv)
{
	unsigned int cookie = 0x80000000;
	struct regs r = { .cx = 10 };

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		if (argv[1][1] == 'b')
			bulk = 1;
		else
			cookie = 0;
	}
	if (argc == 2 && strcmp(argv[1], "version") == 0) {
		call(&r);
		printf("version %d magic %x type %d\n", (int)r.ax,
		    (unsigned int)r.bx, (int)r.cx);
		return (0);
	}
	if (argc == 3 && strcmp(argv[1], "rpc") == 0)
		return (rpc(argv[2], cookie));
	if (argc >= 3 && strcmp(argv[1], "tclo") == 0)
		return (tclo(argv + 2, argc - 2));
	return (2);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Two serial ports: the first is the guest's, for what a user must see before
 * there is a guest or when there is none any more; the second is the test's.
 */

#include "shim.h"

#define CONSOLE_PORT	0x3f8

#define UART_DATA	0
#define UART_IER	1
#define UART_FCR	2
#define UART_LCR	3
#define UART_MCR	4
#define UART_LSR	5
#define UART_SCRATCH	7

#define IER_RECEIVE	0x01
#define FCR_ENABLE	0x07		/* and empty both */
#define LCR_8N1		0x03
#define LCR_DIVISOR	0x80
#define MCR_ON		0x0b		/* DTR, RTS, OUT2 */
#define LSR_READY	0x01
#define LSR_EMPTY	0x20

#define EVENT		(4 * 65536 + 256)	/* a message with all escaped */

#define EXIT_PORT	0xf4		/* QEMU's isa-debug-exit */
#define EXIT_STATUS	99

static bool there;			/* the second port is */

static void
setup(uint16_t port)
{
	outb(port + UART_IER, 0);
	outb(port + UART_LCR, LCR_DIVISOR | LCR_8N1);
	outb(port + UART_DATA, 1);
	outb(port + UART_IER, 0);
	outb(port + UART_LCR, LCR_8N1);
	outb(port + UART_FCR, FCR_ENABLE);
	outb(port + UART_MCR, MCR_ON);
}

static bool
uart_there(uint16_t port)
{
	outb(port + UART_SCRATCH, 0x5a);
	return (inb(port + UART_SCRATCH) == 0x5a);
}

/* Whoever reads this may have gone away: do not wait for ever. */
static void
uart_put(uint16_t port, char c)
{
	unsigned int i;

	for (i = 0; i < 1000000; i++)
		if (inb(port + UART_LSR) & LSR_EMPTY)
			break;
	outb(port + UART_DATA, c);
}

void
uart_init(void)
{
	there = uart_there(CONTROL_PORT);
	if (there) {
		setup(CONTROL_PORT);
		outb(CONTROL_PORT + UART_IER, IER_RECEIVE);
	}
}

bool
control_there(void)
{
	return (there);
}

int
control_getc(void)
{
	if (!there || (inb(CONTROL_PORT + UART_LSR) & LSR_READY) == 0)
		return (-1);
	return (inb(CONTROL_PORT + UART_DATA));
}

void
control_say(const char *s, size_t len)
{
	if (!there)
		return;
	for (; len > 0; s++, len--)
		uart_put(CONTROL_PORT, *s);
	uart_put(CONTROL_PORT, '\n');
}

void
hv_event(const char *f, ...)
{
	static char line[EVENT];
	va_list ap;

	va_start(ap, f);
	format(line, sizeof(line), f, ap);
	va_end(ap);
	control_say(line, strlen(line));
}

static void
say_both(const char *f, va_list ap)
{
	char line[1024];
	const char *p;

	format(line, sizeof(line), f, ap);
	if (uart_there(CONSOLE_PORT)) {
		for (p = "hv: "; *p != '\0'; p++)
			uart_put(CONSOLE_PORT, *p);
		for (p = line; *p != '\0'; p++)
			uart_put(CONSOLE_PORT, *p);
		uart_put(CONSOLE_PORT, '\r');
		uart_put(CONSOLE_PORT, '\n');
	}
	control_say(line, strlen(line));
}

void
say(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	say_both(f, ap);
	va_end(ap);
}

void
die(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	say_both(f, ap);
	va_end(ap);
	outb(EXIT_PORT, EXIT_STATUS);
	for (;;)
		__asm volatile("cli; hlt");
}

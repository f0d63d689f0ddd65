/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _TYPED_H_
#define _TYPED_H_

/* A display without a screen, for what keyboards type: a byte for each key. */

#include <sys/tty.h>
#include <sys/ttycom.h>

#include <dev/wscons/wskbdvar.h>

#include "nodes.h"

static struct tty	 typed_tty;
static struct wskbd_sink typed_sink;
static struct cdev	*typed_node;

static void
typed_start(struct tty *tp)
{
	char c;

	while (tty_output(tp, &c, 1) != 0)
		;
}

static u_int
typed_modes(void *arg)
{
	return (0);
}

static void
typed_look(void *arg, int steps)
{
}

static inline void
typed_begin(void)
{
	static const struct tty_ops ops = { .to_start = typed_start };
	struct termios2 t;

	if (tty_attach(&typed_tty, &ops, NULL, "ttyX") != 0 ||
	    (typed_node = node_open("ttyX", FREAD | FWRITE)) == NULL)
		panic("ttyX");
	(void)dev_ioctl(typed_node, TCGETS2, &t, FREAD | FWRITE);
	t.c_iflag = t.c_lflag = 0;
	(void)dev_ioctl(typed_node, TCSETS2, &t, FREAD | FWRITE);
	typed_sink = (struct wskbd_sink){ .sk_tty = &typed_tty,
	    .sk_modes = typed_modes, .sk_look = typed_look };
	wskbd_sink_add(&typed_sink);
	(void)wskbd_sink_setmode(&typed_sink, WSKBD_MEDIUMRAW);
}

/* Locks and their lamps are only minded where characters are typed. */
static inline void
typed_locks(bool on)
{
	(void)wskbd_sink_setmode(&typed_sink, on ? WSKBD_UNICODE :
	    WSKBD_MEDIUMRAW);
}

static inline void
typed_end(void)
{
	wskbd_sink_remove(&typed_sink);
	node_close(typed_node, FREAD | FWRITE);
	tty_detach(&typed_tty);
}

/* Codes of keys, with 0x80 if they are released; how many. */
static inline size_t
typed_get(uint8_t *buf, size_t size)
{
	size_t len = 0;

	(void)node_rdwr(typed_node, UIO_READ, buf, size, 0, FNONBLOCK, &len);
	return (len);
}

#endif /* _TYPED_H_ */

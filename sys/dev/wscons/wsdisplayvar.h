/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_WSCONS_WSDISPLAYVAR_H_
#define _DEV_WSCONS_WSDISPLAYVAR_H_

/*
 * A text console on a frame buffer: what the autoconfiguration needs, for
 * each driver of frame buffers a declaration.
 */

#include <sys/device.h>
#include <sys/fb.h>
#include <sys/msgbuf.h>
#include <sys/mutex.h>
#include <sys/tty.h>

#include <dev/wscons/wsemul.h>
#include <dev/wscons/wskbdvar.h>
#include <dev/wscons/wsrender.h>

struct proc;
struct thread;

struct wsdisplay_softc {
	struct device		 sc_dev;
	struct fb		*sc_fb;
	struct fb_client	 sc_client;
	struct tty		 sc_tty;
	struct consdev		 sc_cons;
	struct msgbuf_listener	 sc_messages;
	struct wskbd_sink	 sc_sink;
	u_int			 sc_steps;	/* of attach that are done */

	/* the thread's own */
	struct thread		*sc_thread;
	struct wsemul		 sc_emul;
	struct wsrender		 sc_render;
	u_int			 sc_width, sc_height;	/* of the mode */

	struct mutex		 sc_mtx;	/* IPL_TTY, after the tty's */
	u_int			 sc_work;	/* for the thread */
	int			 sc_look;	/* half screens to look back */
	bool			 sc_back;	/* what is shown is old */
	u_int			 sc_modes;	/* WSM_*, for the keyboards */
	bool			 sc_graphics;	/* a program draws */
	bool			 sc_drawing;	/* we do */
	pid_t			 sc_owner;	/* who asked for graphics */
	uint64_t		 sc_ownersince;
};

int	wsdisplay_match(struct device *, const struct cfdata *, const void *);
int	wsdisplay_attach(struct device *, struct device *, void *);
int	wsdisplay_detach(struct device *, int);

#define WSDISPLAY_ATTACH_DECL(parent)					\
	CFATTACH_DECL(wsdisplay, parent, wsdisplay_softc,		\
	    .ca_match = wsdisplay_match,				\
	    .ca_attach = wsdisplay_attach, .ca_detach = wsdisplay_detach)

#endif /* _DEV_WSCONS_WSDISPLAYVAR_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_WSCONS_WSKBDVAR_H_
#define _DEV_WSCONS_WSKBDVAR_H_

/*
 * Keyboards, as their drivers see them.  All keyboards together type on the
 * display that is selected.
 */

#include <sys/types.h>

struct wskbd;

struct wskbd_ops {
	/*
	 * Show these: bits 1 scroll lock, 2 num lock, 4 caps lock.  Called
	 * in a thread without locks, never after wskbd_detach().  NULL: it
	 * has no lamps.
	 */
	void	(*ko_leds)(void *, u_int);
};
#define WSKBD_LED_SCROLL	1
#define WSKBD_LED_NUM		2
#define WSKBD_LED_CAPS		4

/*
 * wskbd_attach: thread context; the name stays the caller's.  ENOMEM.
 * wskbd_detach: thread context, without locks; NULL is allowed.  Keys that
 *	are down are released.
 * wskbd_release: any context up to IPL_TTY; all its keys are up, whether it
 *	says so or not.
 * wskbd_event: any context up to IPL_TTY.  The key is named as in Linux's
 *	input-event-codes (KEY_A is 30), other codes are ignored; the value
 *	is 1 when it is pressed, 0 when it is released, 2 for a repetition by
 *	the keyboard.  The kernel repeats the keys of a keyboard that has
 *	never sent a repetition.
 */
int	wskbd_attach(struct wskbd **, const struct wskbd_ops *, void *,
	    const char *);
void	wskbd_detach(struct wskbd *);
void	wskbd_release(struct wskbd *);
void	wskbd_event(struct wskbd *, u_int, int);

/*
 * A display, as the keyboards see it.  Functions are called with a mutex
 * held and do not sleep.
 *
 * wskbd_sink_add: thread context; the first becomes the selected one.
 * wskbd_sink_remove: when it returns, nothing more is typed there.
 * wskbd_sink_mode, wskbd_sink_setmode: thread context; EINVAL.
 */
#define WSKBD_RAW		0	/* numbers as in Linux's kd.h */
#define WSKBD_XLATE		1
#define WSKBD_MEDIUMRAW		2
#define WSKBD_UNICODE		3
#define WSKBD_OFF		4

struct tty;
struct wskbd_sink {
	struct wskbd_sink	*sk_next;
	u_int			 sk_unit;
	struct tty		*sk_tty;
	u_int			 sk_mode;	/* WSKBD_* */
	u_int			(*sk_modes)(void *);	/* WSM_* */
	/* look back by so many half screens; 0: to the end again */
	void			(*sk_look)(void *, int);
	void			*sk_arg;
};
void	wskbd_sink_add(struct wskbd_sink *);
void	wskbd_sink_remove(struct wskbd_sink *);
int	wskbd_sink_setmode(struct wskbd_sink *, u_int);
u_int	wskbd_sink_mode(struct wskbd_sink *);

/*
 * wskbd_layout.c: what a key means with shift (1) and AltGr (2): a character,
 * a combining one for a dead key, 0 for nothing.
 */
#define WSKBD_SHIFT		1
#define WSKBD_ALTGR		2
struct wskbd_layout;
extern const struct wskbd_layout *const wskbd_layout_us;
const struct wskbd_layout *wskbd_layout_find(const char *);	/* NULL */
const char *wskbd_layout_name(const struct wskbd_layout *);
bool	wskbd_layout_altgr(const struct wskbd_layout *);	/* has some */
uint32_t wskbd_layout_char(const struct wskbd_layout *, u_int, u_int);

#endif /* _DEV_WSCONS_WSKBDVAR_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * wsdisplay(4): a text console on a frame buffer.
 *
 * One thread has the terminal and the picture for itself.  It takes what
 * programs wrote from the tty and what the kernel said from the message
 * buffer whenever there is some, but draws only when the frame buffer has
 * shown all that was drawn before.  So a flood of output costs one drawing
 * for each picture that is shown, and nothing runs while nothing changes.
 */

#include <sys/errno.h>
#include <sys/kthread.h>
#include <sys/proc.h>
#include <sys/systm.h>

#include <dev/wscons/wsdisplayvar.h>
#include <dev/wscons/wsfont.h>

#define CHUNK		4096		/* bytes until it looks at the rest */
#define NOMODE_COLS	80		/* before there was a mode */
#define NOMODE_ROWS	25

#define WORK_OUTPUT	0x01		/* something was written */
#define WORK_MODE	0x02		/* the mode has changed */
#define WORK_DRAW	0x04		/* it can, or has to be drawn */
#define WORK_FORGET	0x08		/* somebody else has drawn */
#define WORK_LOOKEND	0x10		/* look at the end again */
#define WORK_STOP	0x20

/* ioctls of Linux's kd.h */
#define KDGKBTYPE	0x4b33
#define KDSETMODE	0x4b3a
#define KDGETMODE	0x4b3b
#define KDGKBMODE	0x4b44
#define KDSKBMODE	0x4b45
#define KB_101		2
#define KD_TEXT		0
#define KD_GRAPHICS	1

CFDRIVER_DECL(wsdisplay, DV_TTY);
WSDISPLAY_ATTACH_DECL(genfb);
WSDISPLAY_ATTACH_DECL(viogpu);

static void
wsdisplay_work(struct wsdisplay_softc *sc, u_int work)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_work |= work;
	wakeup(&sc->sc_work);
	mtx_leave(&sc->sc_mtx);
}

/* --- graphics ------------------------------------------------------------ */

static void
wsdisplay_text(struct wsdisplay_softc *sc)
{
	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	if (sc->sc_graphics)
		sc->sc_work |= WORK_FORGET;
	sc->sc_graphics = false;
	wakeup(&sc->sc_work);
}

/* When this returns nothing of ours is drawn any more. */
static void
wsdisplay_graphics(struct wsdisplay_softc *sc)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_graphics = true;
	sc->sc_owner = curproc != NULL ? curproc->p_pid : 0;
	sc->sc_ownersince = curproc != NULL ? curproc->p_started : 0;
	while (sc->sc_drawing)
		(void)msleep_nsec(&sc->sc_drawing, &sc->sc_mtx, PRI_KERN,
		    "wsdraw", INFSLP);
	mtx_leave(&sc->sc_mtx);
}

/*
 * A program that ended without a word has left its picture behind; who
 * writes next wants to be seen.
 */
static void
wsdisplay_orphan(struct wsdisplay_softc *sc)
{
	struct proc *p;
	bool gone;

	if (!sc->sc_graphics)
		return;
	mtx_enter(&proc_lock);
	p = proc_find(sc->sc_owner);
	gone = p == NULL || p->p_started != sc->sc_ownersince ||
	    p->p_state == PS_ZOMBIE;
	mtx_leave(&proc_lock);
	mtx_enter(&sc->sc_mtx);
	if (gone)
		wsdisplay_text(sc);
	mtx_leave(&sc->sc_mtx);
}

/* --- the thread ---------------------------------------------------------- */

static void
wsdisplay_answer(void *arg, const char *s, size_t n)
{
	struct wsdisplay_softc *sc = arg;

	(void)tty_input(&sc->sc_tty, s, n);
}

static const struct wsemul_ops wsdisplay_emulops = {
	.wo_answer = wsdisplay_answer,
};

static void
wsdisplay_size(const struct wsdisplay_softc *sc, u_int *cols, u_int *rows)
{
	*cols = sc->sc_render.wd_cols;
	*rows = sc->sc_render.wd_rows;
	if (*cols == 0) {
		*cols = NOMODE_COLS;
		*rows = NOMODE_ROWS;
	}
}

/* With the frame buffer's lock. */
static void
wsdisplay_newmode(struct wsdisplay_softc *sc)
{
	struct fb *fb = sc->sc_fb;
	u_int cols, rows;

	sc->sc_width = fb->fb_width;
	sc->sc_height = fb->fb_height;
	if (wsrender_mode(&sc->sc_render, sc->sc_width,
	    sc->sc_height) != 0) {
		device_printf(&sc->sc_dev, "no memory for %ux%u pixels\n",
		    sc->sc_width, sc->sc_height);
		return;
	}
	wsdisplay_size(sc, &cols, &rows);
	if (wsemul_resize(&sc->sc_emul, cols, rows) != 0)
		device_printf(&sc->sc_dev, "no memory for %ux%u characters\n",
		    cols, rows);
}

/* The pixels are black; the size may be the one that it was. */
static void
wsdisplay_mode(struct wsdisplay_softc *sc)
{
	struct fb *fb = sc->sc_fb;

	rw_enter_read(&fb->fb_lock);
	if (fb->fb_width != sc->sc_width || fb->fb_height != sc->sc_height)
		wsdisplay_newmode(sc);
	else
		wsrender_forget(&sc->sc_render);
	rw_exit(&fb->fb_lock);
	tty_winsize(&sc->sc_tty, sc->sc_emul.we_cols, sc->sc_emul.we_rows);
}

static void
wsdisplay_messages(struct wsdisplay_softc *sc)
{
	char buf[256];
	size_t n;

	while ((n = msgbuf_read(&sc->sc_messages, buf, sizeof(buf))) != 0)
		wsemul_message(&sc->sc_emul, buf, n);
}

/* No more than a chunk, so that others have their turn. */
static void
wsdisplay_output(struct wsdisplay_softc *sc)
{
	char buf[256];
	size_t n, total;

	for (total = 0; total < CHUNK; total += n) {
		mtx_enter(&sc->sc_tty.t_mtx);
		n = tty_output(&sc->sc_tty, buf, sizeof(buf));
		mtx_leave(&sc->sc_tty.t_mtx);
		if (n == 0)
			break;
		wsemul_write(&sc->sc_emul, buf, n);
	}
	if (n != 0)
		wsdisplay_work(sc, WORK_OUTPUT);
	if (total != 0)
		wsdisplay_orphan(sc);
}

/* Also what is not ours, as another has drawn there. */
static void
wsdisplay_black(struct wsdisplay_softc *sc)
{
	struct fb *fb = sc->sc_fb;
	struct fb_rect all = { 0, 0, fb->fb_width, fb->fb_height };

	if (fb->fb_pixels == NULL)
		return;
	memset(fb->fb_pixels, 0, (size_t)fb->fb_stride * fb->fb_height);
	fb->fb_ops->fo_damage(fb, &all);
}

static void
wsdisplay_draw(struct wsdisplay_softc *sc, bool forget)
{
	struct fb_rect rects[WSRENDER_RECTS];
	struct fb *fb = sc->sc_fb;
	u_int i, n;

	rw_enter_read(&fb->fb_lock);
	if (forget) {
		wsrender_forget(&sc->sc_render);
		wsdisplay_black(sc);
	}
	/* if not now, then with fc_idle or fc_mode */
	if (fb->fb_pixels != NULL && fb->fb_width == sc->sc_width &&
	    fb->fb_height == sc->sc_height &&
	    (forget || fb->fb_ops->fo_idle(fb))) {
		n = wsrender_draw(&sc->sc_render, &sc->sc_emul,
		    fb->fb_pixels, fb->fb_stride, rects);
		for (i = 0; i < n; i++)
			fb->fb_ops->fo_damage(fb, &rects[i]);
	}
	rw_exit(&fb->fb_lock);
}

static void
wsdisplay_look(struct wsdisplay_softc *sc, u_int work, int steps)
{
	if (work & WORK_LOOKEND)
		(void)wsemul_look(&sc->sc_emul, 0);
	if (steps != 0)
		(void)wsemul_look(&sc->sc_emul,
		    steps * MAX((int)sc->sc_emul.we_rows / 2, 1));
}

/* What is to be done, and whether to draw. */
static u_int
wsdisplay_wait(struct wsdisplay_softc *sc, int *look)
{
	u_int work;

	MUTEX_ASSERT_LOCKED(&sc->sc_mtx);
	while (sc->sc_work == 0)
		(void)msleep_nsec(&sc->sc_work, &sc->sc_mtx, PRI_USER,
		    "wsidle", INFSLP);
	work = sc->sc_work;
	*look = sc->sc_look;
	sc->sc_work = 0;
	sc->sc_look = 0;
	return (work);
}

static void
wsdisplay_thread(void *arg)
{
	struct wsdisplay_softc *sc = arg;
	u_int work, forget = 0;
	int look;

	mtx_enter(&sc->sc_mtx);
	while (!((work = wsdisplay_wait(sc, &look)) & WORK_STOP)) {
		mtx_leave(&sc->sc_mtx);
		if (work & WORK_MODE)
			wsdisplay_mode(sc);
		wsdisplay_messages(sc);
		wsdisplay_output(sc);
		wsdisplay_look(sc, work, look);
		mtx_enter(&sc->sc_mtx);
		sc->sc_modes = sc->sc_emul.we_modes;
		sc->sc_back = sc->sc_emul.we_back != 0;
		forget |= work & WORK_FORGET;
		sc->sc_drawing = !sc->sc_graphics;
		if (!sc->sc_drawing)
			continue;
		mtx_leave(&sc->sc_mtx);
		wsdisplay_draw(sc, forget != 0);
		forget = 0;
		mtx_enter(&sc->sc_mtx);
		sc->sc_drawing = false;
		wakeup(&sc->sc_drawing);
	}
	mtx_leave(&sc->sc_mtx);
}

/* --- who gives it work --------------------------------------------------- */

static void
wsdisplay_start(struct tty *tp)
{
	wsdisplay_work(tp->t_arg, WORK_OUTPUT);
}

static void
wsdisplay_newmessage(void *arg)
{
	wsdisplay_work(arg, WORK_OUTPUT);
}

static void
wsdisplay_fbidle(void *arg)
{
	wsdisplay_work(arg, WORK_DRAW);
}

static void
wsdisplay_fbmode(void *arg)
{
	wsdisplay_work(arg, WORK_MODE);
}

static u_int
wsdisplay_kbdmodes(void *arg)
{
	struct wsdisplay_softc *sc = arg;
	u_int modes;

	mtx_enter(&sc->sc_mtx);
	modes = sc->sc_modes;
	mtx_leave(&sc->sc_mtx);
	return (modes);
}

/* 0 comes with each key. */
static void
wsdisplay_kbdlook(void *arg, int steps)
{
	struct wsdisplay_softc *sc = arg;

	mtx_enter(&sc->sc_mtx);
	if (steps != 0 || sc->sc_back || sc->sc_look != 0) {
		sc->sc_look = steps == 0 ? 0 : sc->sc_look + steps;
		sc->sc_work |= steps == 0 ? WORK_LOOKEND : WORK_DRAW;
		wakeup(&sc->sc_work);
	}
	mtx_leave(&sc->sc_mtx);
}

/* --- the terminal -------------------------------------------------------- */

static void
wsdisplay_close(struct tty *tp)
{
	struct wsdisplay_softc *sc = tp->t_arg;

	mtx_enter(&sc->sc_mtx);
	wsdisplay_text(sc);
	mtx_leave(&sc->sc_mtx);
	(void)wskbd_sink_setmode(&sc->sc_sink, WSKBD_UNICODE);
}

static int
wsdisplay_setmode(struct wsdisplay_softc *sc, u_long mode)
{
	if (mode == KD_GRAPHICS)
		wsdisplay_graphics(sc);
	else if (mode == KD_TEXT) {
		mtx_enter(&sc->sc_mtx);
		wsdisplay_text(sc);
		mtx_leave(&sc->sc_mtx);
	} else
		return (EINVAL);
	return (0);
}

static int
wsdisplay_ioctl(struct tty *tp, u_long cmd, void *user)
{
	static const char type = KB_101;
	struct wsdisplay_softc *sc = tp->t_arg;
	int v;

	switch (cmd) {
	case KDGKBTYPE:
		return (copyout(&type, user, sizeof(type)));
	case KDSETMODE:
		return (wsdisplay_setmode(sc, (vaddr_t)user));
	case KDGETMODE:
		mtx_enter(&sc->sc_mtx);
		v = sc->sc_graphics ? KD_GRAPHICS : KD_TEXT;
		mtx_leave(&sc->sc_mtx);
		return (copyout(&v, user, sizeof(v)));
	case KDGKBMODE:
		v = wskbd_sink_mode(&sc->sc_sink);
		return (copyout(&v, user, sizeof(v)));
	case KDSKBMODE:
		if ((vaddr_t)user > WSKBD_OFF)
			return (EINVAL);
		return (wskbd_sink_setmode(&sc->sc_sink, (vaddr_t)user));
	default:
		return (ENOTTY);
	}
}

static const struct tty_ops wsdisplay_ttyops = {
	.to_start = wsdisplay_start,
	.to_close = wsdisplay_close,
	.to_ioctl = wsdisplay_ioctl,
};

/* --- the kernel ---------------------------------------------------------- */

/* It shows all messages anyway, as a listener. */
static void
wsdisplay_cnwrite(struct consdev *cn __unused, const char *s __unused,
    size_t n __unused)
{
}

/* Where the nth line from the end begins, as they are broken at the edge. */
static const char *
wsdisplay_tail(const char *s, const char *end, u_int cols, u_int lines)
{
	static const char *starts[WSEMUL_MAXROWS];
	u_int n = 0, x = 0;

	for (starts[n++] = s; s < end; s++) {
		if (*s == '\n' && s + 1 < end) {
			starts[n++ % WSEMUL_MAXROWS] = s + 1;
			x = 0;
		} else if (*s != '\n' && x++ == cols) {
			starts[n++ % WSEMUL_MAXROWS] = s;
			x = 1;
		}
	}
	lines = MIN(MIN(n, lines), WSEMUL_MAXROWS);
	return (starts[(n - lines) % WSEMUL_MAXROWS]);
}

/*
 * After a panic: the last messages, from the buffer straight to the pixels.
 * Nothing is trusted but the frame buffer.
 */
static void
wsdisplay_panic(void *arg)
{
	static char text[8192];
	struct wsdisplay_softc *sc = arg;
	struct fb *fb = sc->sc_fb;
	struct wsrender wd;
	const char *s, *end;
	u_int y, n;

	wsrender_place(&wd, fb->fb_width, fb->fb_height);
	if (fb->fb_pixels == NULL || wd.wd_cols == 0)
		return;
	end = text + msgbuf_copy(text, sizeof(text));
	s = wsdisplay_tail(text, end, wd.wd_cols, wd.wd_rows);
	for (y = 0; y < wd.wd_rows; y++) {
		for (n = 0; s + n < end && s[n] != '\n' && n < wd.wd_cols; n++)
			;
		wsrender_text(&wd, fb->fb_pixels, fb->fb_stride, y, s, n);
		s += n;
		if (s < end && *s == '\n')
			s++;
	}
	fb->fb_ops->fo_poll(fb);
}

/* --- attachment ---------------------------------------------------------- */

enum { STEP_TERMINAL = 1, STEP_THREAD, STEP_TTY, STEP_ALL };

int
wsdisplay_match(struct device *parent __unused,
    const struct cfdata *cf __unused, const void *aux __unused)
{
	return (1);
}

static int
wsdisplay_parts(struct wsdisplay_softc *sc)
{
	char name[16];
	u_int cols, rows;
	int error;

	rw_enter_read(&sc->sc_fb->fb_lock);
	sc->sc_width = sc->sc_fb->fb_width;
	sc->sc_height = sc->sc_fb->fb_height;
	rw_exit(&sc->sc_fb->fb_lock);
	if ((error = wsrender_mode(&sc->sc_render, sc->sc_width,
	    sc->sc_height)) != 0)
		return (error);
	wsdisplay_size(sc, &cols, &rows);
	if ((error = wsemul_init(&sc->sc_emul, cols, rows,
	    &wsdisplay_emulops, sc)) != 0)
		return (error);
	sc->sc_modes = sc->sc_emul.we_modes;
	sc->sc_steps = STEP_TERMINAL;
	snprintf(name, sizeof(name), "ttyC%d", sc->sc_dev.dv_unit);
	if ((error = tty_attach(&sc->sc_tty, &wsdisplay_ttyops, sc,
	    name)) != 0)
		return (error);
	sc->sc_steps = STEP_TTY;
	tty_winsize(&sc->sc_tty, cols, rows);
	return (kthread_create(wsdisplay_thread, sc, PRI_USER,
	    sc->sc_dev.dv_xname, &sc->sc_thread));
}

/* Undo attach, however far it came. */
static void
wsdisplay_teardown(struct wsdisplay_softc *sc)
{
	if (sc->sc_steps == STEP_ALL) {
		cn_detach(&sc->sc_cons);
		msgbuf_unlisten(&sc->sc_messages);
		wskbd_sink_remove(&sc->sc_sink);
		fb_setclient(sc->sc_fb, NULL);
	}
	if (sc->sc_steps >= STEP_TTY)
		tty_detach(&sc->sc_tty);
	if (sc->sc_thread != NULL) {
		wsdisplay_work(sc, WORK_STOP);
		kthread_join(sc->sc_thread);
		sc->sc_thread = NULL;
	}
	wsemul_fini(&sc->sc_emul);
	wsrender_fini(&sc->sc_render);
	sc->sc_steps = 0;
}

int
wsdisplay_attach(struct device *parent __unused, struct device *self,
    void *aux)
{
	struct wsdisplay_softc *sc = (struct wsdisplay_softc *)self;
	struct fb_attach_args *fa = aux;
	int error;

	sc->sc_fb = fa->fa_fb;
	mtx_init(&sc->sc_mtx, IPL_TTY);
	if ((error = wsdisplay_parts(sc)) != 0) {
		wsdisplay_teardown(sc);
		return (error);
	}
	sc->sc_steps = STEP_ALL;
	device_describe(self, "console %ux%u, font %ux%u",
	    sc->sc_emul.we_cols, sc->sc_emul.we_rows,
	    WSFONT_WIDTH * sc->sc_render.wd_scale,
	    WSFONT_HEIGHT * sc->sc_render.wd_scale);

	sc->sc_client = (struct fb_client){ .fc_idle = wsdisplay_fbidle,
	    .fc_mode = wsdisplay_fbmode, .fc_arg = sc };
	fb_setclient(sc->sc_fb, &sc->sc_client);
	sc->sc_sink = (struct wskbd_sink){ .sk_unit = self->dv_unit,
	    .sk_tty = &sc->sc_tty, .sk_modes = wsdisplay_kbdmodes,
	    .sk_look = wsdisplay_kbdlook, .sk_arg = sc };
	wskbd_sink_add(&sc->sc_sink);
	sc->sc_messages = (struct msgbuf_listener){
	    .ml_new = wsdisplay_newmessage, .ml_panic = wsdisplay_panic,
	    .ml_arg = sc };
	msgbuf_listen(&sc->sc_messages);
	/* the mode may have changed since it was looked at */
	wsdisplay_work(sc, WORK_MODE);
	sc->sc_cons = (struct consdev){ .cn_name = self->dv_xname,
	    .cn_write = wsdisplay_cnwrite, .cn_tty = &sc->sc_tty,
	    .cn_arg = sc, .cn_last = true };
	cn_attach(&sc->sc_cons);
	return (0);
}

int
wsdisplay_detach(struct device *self, int flags __unused)
{
	wsdisplay_teardown((struct wsdisplay_softc *)self);
	return (0);
}

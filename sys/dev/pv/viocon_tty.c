/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viocon(4): a port as a terminal, and as the console of the kernel.
 *
 * The kernel's messages take p_txmtx, whatever else their CPU holds.  If it
 * holds that one, the message takes the way of EMERG_WRITE, a character at a
 * time through a register, or is lost.
 */

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/systm.h>

#include <dev/pv/vioconvar.h>

#define NRX		8
#define RX_SIZE		512
#define NTX		4
#define TX_SIZE		4096
#define POLL_USEC	5
#define PATIENCE_USEC	50000		/* in all, before it is stalled */

struct viocon_term {
	struct viocon_port	*t_port;
	struct tty		 t_tty;
	char			 t_name[20];	/* "viocon0.511" */
	struct timeout		 t_rxmore;
	struct viocon_buf	*t_line;	/* the kernel's, not complete */
	struct consdev		 t_cons;
	bool			 t_hascons;
};

/* --- input -------------------------------------------------------------- */

/* Give the tty what is in a buffer; false: it does not take all of it. */
static bool
term_give(struct viocon_port *p, struct viocon_buf *cb)
{
	cb->cb_pos += tty_input(&p->p_term->t_tty, viocon_rx_data(p, cb) +
	    cb->cb_pos, cb->cb_len - cb->cb_pos);
	return (cb->cb_pos == cb->cb_len);
}

/*
 * Pass on what has come, in order.  If the tty is full the buffer in hand is
 * kept, the others stay in the ring, and the host has to wait.
 */
static void
term_pass(struct viocon_port *p)
{
	struct viocon_buf *cb;

	MUTEX_ASSERT_LOCKED(&p->p_rxmtx);
	do {
		while ((cb = p->p_rxheld) != NULL ||
		    (cb = viocon_rx_next(p)) != NULL) {
			p->p_rxheld = cb;
			if (!term_give(p, cb)) {
				vq_intr_disable(p->p_rxq);
				viocon_rx_tell(p);
				return;
			}
			p->p_rxheld = NULL;
			viocon_rx_done(p, cb);
		}
	} while (vq_intr_enable(p->p_rxq, 0));
	viocon_rx_tell(p);
}

void
viocon_term_rx(struct viocon_port *p)
{
	if (p->p_rxheld == NULL)
		term_pass(p);
}

/* The tty has room again; it may hold its mutex, so not from here. */
static void
term_unthrottle(struct tty *tp)
{
	struct viocon_term *t = tp->t_arg;

	timeout_add_nsec(&t->t_rxmore, 0);
}

static void
term_rxmore(void *arg)
{
	struct viocon_term *t = arg;
	struct viocon_port *p = t->t_port;

	mtx_enter(&p->p_rxmtx);
	if (p->p_term == t)
		term_pass(p);
	mtx_leave(&p->p_rxmtx);
}

/* --- output ------------------------------------------------------------- */

/* The kernel's line goes first, complete or not. */
static void
term_line(struct viocon_term *t)
{
	struct viocon_buf *cb = t->t_line;

	t->t_line = NULL;
	if (cb != NULL)
		viocon_tx_put(t->t_port, cb);
}

/* With the tty's mutex. */
static void
term_start(struct tty *tp)
{
	struct viocon_term *t = tp->t_arg;
	struct viocon_port *p = t->t_port;
	struct viocon_buf *cb;

	mtx_enter(&p->p_txmtx);
	if (!vq_ready(p->p_txq) && !p->p_down) {
		mtx_leave(&p->p_txmtx);	/* it waits in the tty */
		return;
	}
	term_line(t);
	while ((cb = viocon_tx_get(p)) != NULL) {
		cb->cb_len = tty_output(tp, viocon_tx_data(p, cb),
		    p->p_tx.bs_size);
		if (cb->cb_len == 0) {
			viocon_tx_free(p, cb);
			break;
		}
		viocon_tx_put(p, cb);
	}
	vq_notify(p->p_txq);
	mtx_leave(&p->p_txmtx);
}

/* The device has taken something; also if the kernel has seen it first. */
void
viocon_term_tx(struct viocon_port *p)
{
	mtx_enter(&p->p_txmtx);
	do {
		viocon_tx_reap(p);
	} while (vq_intr_enable(p->p_txq, 0));
	mtx_leave(&p->p_txmtx);
	mtx_enter(&p->p_rxmtx);
	if (p->p_term != NULL)
		tty_more(&p->p_term->t_tty);
	mtx_leave(&p->p_rxmtx);
}

/* --- the kernel's console ----------------------------------------------- */

/*
 * Wait until no more than so many buffers are with the device.  Once that
 * took too long there is no waiting until it has moved again.
 */
static bool
cons_wait(struct viocon_port *p, u_int busy)
{
	u_int usec;

	for (usec = 0;; usec += POLL_USEC) {
		viocon_tx_reap(p);
		if (p->p_txbusy <= busy)
			return (true);
		if (p->p_stalled || usec >= PATIENCE_USEC)
			break;
		delay(POLL_USEC);
	}
	p->p_stalled = true;
	return (false);
}

static bool
cons_put(struct viocon_port *p, char c)
{
	struct viocon_term *t = p->p_term;
	struct viocon_buf *cb;

	if (t->t_line != NULL && t->t_line->cb_len == p->p_tx.bs_size) {
		term_line(t);
		vq_notify(p->p_txq);
	}
	if (t->t_line == NULL && (t->t_line = viocon_tx_get(p)) == NULL) {
		(void)cons_wait(p, p->p_tx.bs_n - 1);
		t->t_line = viocon_tx_get(p);
	}
	if ((cb = t->t_line) == NULL)
		return (false);
	viocon_tx_data(p, cb)[cb->cb_len++] = c;
	return (true);
}

/*
 * Lines are sent when they are complete, and waited for, so that they are
 * out when the machine stops next.
 */
static void
cons_port_write(struct viocon_port *p, const char *s, size_t n)
{
	bool complete = s[n - 1] == '\n';

	mtx_enter(&p->p_txmtx);
	for (; n > 0; n--, s++) {
		if ((*s == '\n' && !cons_put(p, '\r')) || !cons_put(p, *s))
			break;		/* nobody reads: the rest is lost */
	}
	if (complete) {
		term_line(p->p_term);
		vq_notify(p->p_txq);
		(void)cons_wait(p, 0);
	}
	mtx_leave(&p->p_txmtx);
}

static void
cons_write(struct viocon_softc *sc, struct viocon_port *p, const char *s,
    size_t n)
{
	if (n == 0)
		return;
	if (!vq_ready(p->p_txq) || mtx_owned(&p->p_txmtx))
		viocon_emergency(sc, s, n);
	else
		cons_port_write(p, s, n);
}

static void
cons_term(struct consdev *cn, const char *s, size_t n)
{
	struct viocon_term *t = cn->cn_arg;

	cons_write(t->t_port->p_sc, t->t_port, s, n);
}

static void
cons_spare(struct consdev *cn, const char *s, size_t n)
{
	viocon_emergency(cn->cn_arg, s, n);
}

void
viocon_cons_attach(struct viocon_softc *sc)
{
	sc->sc_spare = (struct consdev){ .cn_name = sc->sc_dev.dv_xname,
	    .cn_write = cons_spare, .cn_arg = sc };
	cn_spare_attach(&sc->sc_spare);
}

void
viocon_cons_detach(struct viocon_softc *sc)
{
	cn_detach(&sc->sc_spare);
}

/* Any port may be asked for by its number, the first also by the device. */
void
viocon_term_console(struct viocon_port *p)
{
	struct viocon_softc *sc = p->p_sc;
	struct viocon_term *t = p->p_term;
	const char *wanted = cmdline_get("console", 0);
	char number[sizeof(t->t_name)];

	snprintf(number, sizeof(number), "%s.%u", sc->sc_dev.dv_xname,
	    p->p_id);
	t->t_cons = (struct consdev){ .cn_name = t->t_name,
	    .cn_write = cons_term, .cn_tty = &t->t_tty, .cn_arg = t };
	if (sc->sc_multi && wanted != NULL && strcmp(wanted, number) == 0)
		t->t_cons.cn_name = wanted;
	t->t_hascons = true;
	cn_attach(&t->t_cons);
}

/* --- life --------------------------------------------------------------- */

static const struct tty_ops term_ops = {
	.to_start = term_start,
	.to_unthrottle = term_unthrottle,
};

const char *
viocon_term_name(const struct viocon_port *p)
{
	return (p->p_term->t_name);
}

/* RESIZE is for each port; SIZE for the first, 5.3.6. */
void
viocon_term_size(struct viocon_port *p)
{
	if (!p->p_sized && (p->p_id != 0 ||
	    !viocon_winsize(p->p_sc, &p->p_cols, &p->p_rows)))
		p->p_cols = p->p_rows = 0;
	if (p->p_term != NULL && p->p_cols != 0 && p->p_rows != 0)
		tty_winsize(&p->p_term->t_tty, p->p_cols, p->p_rows);
}

void
viocon_term_alias(struct viocon_port *p)
{
	struct viocon_softc *sc = p->p_sc;
	int error;

	error = tty_alias_set(&p->p_term->t_tty, "vport/", p->p_name);
	if (error == EEXIST)
		p->p_nameless = "taken";
	else if (error != 0)
		viocon_say(sc, "port %u: no second name, error %d", p->p_id,
		    error);
}

/* "viocon0" is the first of the device, "viocon0.3" another. */
static int
term_make(struct viocon_term *t)
{
	struct viocon_port *p = t->t_port;
	struct viocon_softc *sc = p->p_sc;
	int error;

	timeout_set(&t->t_rxmore, term_rxmore, t);
	if ((error = viocon_buf_alloc(p, NRX, RX_SIZE, NTX, TX_SIZE)) != 0)
		return (error);
	if (sc->sc_first == NULL) {
		strlcpy(t->t_name, sc->sc_dev.dv_xname, sizeof(t->t_name));
		error = tty_attach(&t->t_tty, &term_ops, t, t->t_name);
		if (error == 0)
			sc->sc_first = p;
		return (error);
	}
	snprintf(t->t_name, sizeof(t->t_name), "%s.%u", sc->sc_dev.dv_xname,
	    p->p_id);
	return (tty_attach(&t->t_tty, &term_ops, t, t->t_name));
}

int
viocon_term_attach(struct viocon_port *p)
{
	struct viocon_term *t;
	int error;

	if ((t = kmem_zalloc(sizeof(*t), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	t->t_port = p;
	if ((error = term_make(t)) != 0) {
		kmem_free(t, sizeof(*t));
		return (error);
	}
	viocon_port_enter(p);
	p->p_term = t;
	p->p_gone = false;
	viocon_port_leave(p);
	viocon_term_size(p);
	viocon_term_resume(p);
	return (0);
}

/* The device works (again). */
void
viocon_term_resume(struct viocon_port *p)
{
	bool term;

	mtx_enter(&p->p_rxmtx);
	if ((term = p->p_term != NULL)) {
		viocon_rx_fill(p);
		viocon_term_rx(p);
	}
	mtx_leave(&p->p_rxmtx);
	if (term)
		viocon_term_tx(p);
}

/* What programs write goes nowhere from now on. */
void
viocon_term_down(struct viocon_port *p)
{
	struct viocon_term *t = p->p_term;

	if (t == NULL)
		return;
	mtx_enter(&p->p_txmtx);
	if (t->t_line != NULL)
		viocon_tx_free(p, t->t_line);
	t->t_line = NULL;
	mtx_leave(&p->p_txmtx);
	tty_more(&t->t_tty);
	tty_hangup(&t->t_tty);
}

void
viocon_term_detach(struct viocon_port *p)
{
	struct viocon_term *t = p->p_term;

	if (t->t_hascons)
		cn_detach(&t->t_cons);
	viocon_port_enter(p);
	p->p_term = NULL;
	if (t->t_line != NULL)
		viocon_tx_free(p, t->t_line);
	t->t_line = NULL;
	viocon_port_leave(p);
	timeout_del_barrier(&t->t_rxmore);
	tty_detach(&t->t_tty);
	timeout_del_barrier(&t->t_rxmore);
	if (p->p_sc->sc_first == p)
		p->p_sc->sc_first = NULL;
	kmem_free(t, sizeof(*t));
}

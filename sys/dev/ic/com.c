/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * 16550-compatible serial ports: terminal and console.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/ic/comvar.h>

#define COM_DATA	0		/* R receive, W send */
#define COM_IER		1
#define IER_RX		0x01
#define IER_TX		0x02
#define COM_IIR		2		/* R */
#define IIR_NONE	0x01
#define IIR_FIFO	0xc0
#define COM_FCR		2		/* W */
#define FCR_ENABLE	0x01
#define FCR_RESET	0x06
#define COM_LCR		3
#define LCR_8N1		0x03
#define LCR_DLAB	0x80
#define COM_MCR		4
#define MCR_DTR_RTS	0x03
#define MCR_OUT2	0x08		/* lets interrupts out */
#define COM_LSR		5
#define LSR_RX		0x01
#define LSR_THRE	0x20
#define COM_SCRATCH	7
#define FIFO_SIZE	16
#define SEND_TRIES	100000		/* about 0.1 s */

bool
com_probe(bus_space_tag_t t, bus_addr_t addr)
{
	struct bus_region br;
	bool found;

	if (br_map(&br, t, addr, COM_NREGS, 0) != 0)
		return (false);
	br_write_1(&br, COM_SCRATCH, 0x5a);
	found = br_read_1(&br, COM_SCRATCH) == 0x5a;
	br_write_1(&br, COM_SCRATCH, 0xa5);
	found = found && br_read_1(&br, COM_SCRATCH) == 0xa5;
	br_unmap(&br);
	return (found);
}

static uint8_t
com_read(struct com_softc *sc, u_int reg)
{
	return (sc->sc_wide ? br_read_4(&sc->sc_regs, reg << sc->sc_shift) :
	    br_read_1(&sc->sc_regs, reg << sc->sc_shift));
}

static void
com_write(struct com_softc *sc, u_int reg, uint8_t v)
{
	if (sc->sc_wide)
		br_write_4(&sc->sc_regs, reg << sc->sc_shift, v);
	else
		br_write_1(&sc->sc_regs, reg << sc->sc_shift, v);
}

/* --- data ------------------------------------------------------------------------- */

/* Room for how many bytes?  With the mutex. */
static u_int
com_room(struct com_softc *sc)
{
	return (com_read(sc, COM_LSR) & LSR_THRE ? sc->sc_fifo : 0);
}

static void
com_ier(struct com_softc *sc, bool tx)
{
	com_write(sc, COM_IER, (sc->sc_open ? IER_RX : 0) |
	    (tx ? IER_TX : 0));
}

static void
com_putn(struct com_softc *sc, const void *p, u_int n)
{
	const u_char *s = p;
	u_int i;

	for (i = 0; i < SEND_TRIES && com_room(sc) == 0; i++)
		;
	while (n-- > 0)
		com_write(sc, COM_DATA, *s++);
}

/*
 * Fill the FIFO; its interrupt is wanted only while more waits.  A port without
 * an interrupt is waited for.
 */
static void
com_start(struct tty *tp)
{
	struct com_softc *sc = tp->t_arg;
	u_char buf[FIFO_SIZE];
	size_t n = 0, i;
	u_int room;

	mtx_enter(&sc->sc_mtx);
	while (sc->sc_ih == NULL && (n = tty_output(tp, buf, sc->sc_fifo)) != 0)
		com_putn(sc, buf, n);
	while ((room = com_room(sc)) != 0) {
		if ((n = tty_output(tp, buf, room)) == 0)
			break;
		for (i = 0; i < n; i++)
			com_write(sc, COM_DATA, buf[i]);
	}
	com_ier(sc, room == 0);
	mtx_leave(&sc->sc_mtx);
}

static void
com_open(struct tty *tp)
{
	struct com_softc *sc = tp->t_arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_open = true;
	com_ier(sc, false);
	mtx_leave(&sc->sc_mtx);
}

static void
com_close(struct tty *tp)
{
	struct com_softc *sc = tp->t_arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_open = false;
	com_ier(sc, false);
	mtx_leave(&sc->sc_mtx);
}

static const struct tty_ops com_ttyops = {
	.to_start = com_start,
	.to_open = com_open,
	.to_close = com_close,
};

static int
com_intr(void *arg)
{
	struct com_softc *sc = arg;
	u_char buf[64];
	size_t n = 0;
	uint8_t lsr;
	bool tx;

	if (com_read(sc, COM_IIR) & IIR_NONE)
		return (0);
	mtx_enter(&sc->sc_mtx);
	while (n < sizeof(buf) &&
	    ((lsr = com_read(sc, COM_LSR)) & LSR_RX))
		buf[n++] = com_read(sc, COM_DATA);
	tx = (lsr & LSR_THRE) != 0;
	if (tx)
		com_ier(sc, false);	/* until there is more to send */
	mtx_leave(&sc->sc_mtx);
	if (n > 0)
		(void)tty_input(&sc->sc_tty, buf, n);
	if (tx)
		tty_more(&sc->sc_tty);
	return (1);
}

/* --- console ------------------------------------------------------------------------ */

/* The other holder of sc_mtx may be the code that we interrupted: no lock. */
static void
com_cnwrite(struct consdev *cn, const char *s, size_t n)
{
	struct com_softc *sc = cn->cn_arg;
	char buf[FIFO_SIZE];
	u_int fill = 0;

	for (; n > 0; n--, s++) {
		if (fill + 2 > sc->sc_fifo) {
			com_putn(sc, buf, fill);
			fill = 0;
		}
		if (*s == '\n' && sc->sc_fifo == 1)
			com_putn(sc, "\r", 1);
		else if (*s == '\n')
			buf[fill++] = '\r';
		buf[fill++] = *s;
		if (sc->sc_fifo == 1) {
			com_putn(sc, buf, fill);
			fill = 0;
		}
	}
	if (fill > 0)
		com_putn(sc, buf, fill);
}

/* --- attach --------------------------------------------------------------------------- */

int
com_attach(struct com_softc *sc, const struct intr_handle *ih)
{
	int error;

	mtx_init(&sc->sc_mtx, IPL_TTY);
	com_write(sc, COM_IER, 0);
	if (sc->sc_divisor != 0) {
		com_write(sc, COM_LCR, LCR_DLAB);
		com_write(sc, COM_DATA, sc->sc_divisor);
		com_write(sc, COM_IER, sc->sc_divisor >> 8);
	}
	com_write(sc, COM_LCR, LCR_8N1);
	com_write(sc, COM_FCR, FCR_ENABLE | FCR_RESET);
	sc->sc_fifo = (com_read(sc, COM_IIR) & IIR_FIFO) == IIR_FIFO ?
	    FIFO_SIZE : 1;
	com_write(sc, COM_MCR, MCR_DTR_RTS | MCR_OUT2);

	if (ih != NULL)
		sc->sc_ih = intr_establish(ih, IPL_TTY, NULL, com_intr, sc,
		    sc->sc_dev.dv_xname);
	if ((error = tty_attach(&sc->sc_tty, &com_ttyops, sc,
	    sc->sc_dev.dv_xname)) != 0) {
		intr_disestablish(sc->sc_ih);
		return (error);
	}
	device_describe(&sc->sc_dev, "ns16550%s, %u byte fifo%s",
	    sc->sc_fifo > 1 ? "a" : "", sc->sc_fifo,
	    sc->sc_ih == NULL ? ", no interrupt, output only" : "");
	sc->sc_cons = (struct consdev){ .cn_name = sc->sc_dev.dv_xname,
	    .cn_write = com_cnwrite, .cn_tty = &sc->sc_tty, .cn_arg = sc };
	cn_attach(&sc->sc_cons);
	return (0);
}

int
com_detach(struct device *self, int flags __unused)
{
	struct com_softc *sc = (struct com_softc *)self;

	cn_detach(&sc->sc_cons);
	tty_detach(&sc->sc_tty);
	com_write(sc, COM_IER, 0);
	intr_disestablish(sc->sc_ih);
	br_unmap(&sc->sc_regs);
	return (0);
}

CFDRIVER_DECL(com, DV_TTY);

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * PrimeCell UART, PL011: terminal and console.  Arm DDI 0183, chapter 3.  And
 * what Arm's SBSA leaves of it, its generic UART (DEN0029, appendix B), which
 * hypervisors present: there are no registers that set it up.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/tty.h>

#include <dev/fdt/fdtvar.h>

#define UART_DR		0x000		/* R receive, W send */
#define UART_FR		0x018
#define FR_RXFE		0x010		/* nothing received */
#define FR_TXFF		0x020		/* no room to send */
#define UART_LCRH	0x02c
#define LCRH_8N1_FIFO	0x070
#define UART_CR		0x030
#define CR_ENABLE	0x301		/* UART, transmit, receive */
#define UART_IFLS	0x034
#define IFLS_RX18_TX18	0x000		/* at an eighth of the FIFO */
#define UART_IMSC	0x038
#define UART_MIS	0x040
#define UART_ICR	0x044
#define INT_RX		0x010
#define INT_TX		0x020
#define INT_RT		0x040		/* some received, and then silence */
#define UART_SIZE	0x048
#define SEND_TRIES	100000
#define RECEIVE_TURNS	1000

struct pluart_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;
	void			*sc_ih;
	struct mutex		 sc_mtx;	/* registers; IPL_TTY */
	bool			 sc_open;
	struct tty		 sc_tty;
	struct consdev		 sc_cons;
};

/* --- data -------------------------------------------------------------------------------- */

static bool
pluart_room(struct pluart_softc *sc)
{
	return (!(br_read_4(&sc->sc_regs, UART_FR) & FR_TXFF));
}

static void
pluart_mask(struct pluart_softc *sc, bool tx)
{
	br_write_4(&sc->sc_regs, UART_IMSC,
	    (sc->sc_open ? INT_RX | INT_RT : 0) | (tx ? INT_TX : 0));
}

static void
pluart_putc(struct pluart_softc *sc, u_char c)
{
	u_int i;

	for (i = 0; i < SEND_TRIES && !pluart_room(sc); i++)
		;
	br_write_4(&sc->sc_regs, UART_DR, c);
}

/*
 * Fill the FIFO; its interrupt is wanted only while more waits.  That comes
 * when the FIFO runs low, not when it is so: it was full when it was asked for.
 * A port without an interrupt is waited for.
 */
static void
pluart_start(struct tty *tp)
{
	struct pluart_softc *sc = tp->t_arg;
	u_char c;
	bool room;

	mtx_enter(&sc->sc_mtx);
	while (sc->sc_ih == NULL && tty_output(tp, &c, 1) != 0)
		pluart_putc(sc, c);
	while ((room = pluart_room(sc)) && tty_output(tp, &c, 1) != 0)
		br_write_4(&sc->sc_regs, UART_DR, c);
	pluart_mask(sc, !room);
	mtx_leave(&sc->sc_mtx);
}

static void
pluart_set_open(struct pluart_softc *sc, bool open)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_open = open;
	pluart_mask(sc, false);
	mtx_leave(&sc->sc_mtx);
}

static void
pluart_open(struct tty *tp)
{
	pluart_set_open(tp->t_arg, true);
}

static void
pluart_close(struct tty *tp)
{
	pluart_set_open(tp->t_arg, false);
}

static const struct tty_ops pluart_ttyops = {
	.to_start = pluart_start,
	.to_open = pluart_open,
	.to_close = pluart_close,
};

static size_t
pluart_receive(struct pluart_softc *sc, u_char *buf, size_t size)
{
	size_t n = 0;

	mtx_enter(&sc->sc_mtx);
	while (n < size && !(br_read_4(&sc->sc_regs, UART_FR) & FR_RXFE))
		buf[n++] = br_read_4(&sc->sc_regs, UART_DR);
	mtx_leave(&sc->sc_mtx);
	return (n);
}

/*
 * The interrupt comes when the FIFO fills, not as long as something is in it,
 * so it must be emptied; a port that never is empty gets no more than its turn.
 */
static int
pluart_intr(void *arg)
{
	struct pluart_softc *sc = arg;
	u_char buf[64];
	size_t n;
	uint32_t mis;
	u_int turns;

	if ((mis = br_read_4(&sc->sc_regs, UART_MIS)) == 0)
		return (0);
	br_write_4(&sc->sc_regs, UART_ICR, mis);
	for (turns = 0; turns < RECEIVE_TURNS; turns++) {
		if ((n = pluart_receive(sc, buf, sizeof(buf))) == 0)
			break;
		(void)tty_input(&sc->sc_tty, buf, n);
	}
	if (mis & INT_TX) {
		mtx_enter(&sc->sc_mtx);
		pluart_mask(sc, false);	/* until there is more to send */
		mtx_leave(&sc->sc_mtx);
		tty_more(&sc->sc_tty);
	}
	return (1);
}

/* --- console ------------------------------------------------------------------------------- */

/* The other holder of sc_mtx may be the code that we interrupted: no lock. */
static void
pluart_cnwrite(struct consdev *cn, const char *s, size_t n)
{
	struct pluart_softc *sc = cn->cn_arg;

	for (; n > 0; n--, s++) {
		if (*s == '\n')
			pluart_putc(sc, '\r');
		pluart_putc(sc, *s);
	}
}

/* --- attachment ------------------------------------------------------------------------------ */

static const char *const pluart_ident[] = {
	"arm,pl011", "arm,sbsa-uart", NULL
};

static void
pluart_teardown(struct pluart_softc *sc)
{
	if (sc->sc_regs.br_size >= UART_SIZE)
		br_write_4(&sc->sc_regs, UART_IMSC, 0);
	intr_disestablish(sc->sc_ih);
	br_unmap(&sc->sc_regs);
}

static int
pluart_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct pluart_softc *sc = (struct pluart_softc *)self;
	struct bus_region *br = &sc->sc_regs;
	const struct fdt_attach_args *fa = aux;
	bool full = fdt_compatible(&fdt_machine, fa->fa_node, "arm,pl011");
	struct intr_handle ih;
	int error;

	mtx_init(&sc->sc_mtx, IPL_TTY);
	if ((error = fdt_map(fa, 0, br)) != 0)
		return (error);
	if (br->br_size < UART_SIZE) {
		br_unmap(br);
		return (EINVAL);
	}
	/* the rate stays as the firmware left it */
	br_write_4(br, UART_IMSC, 0);
	if (full) {
		br_write_4(br, UART_LCRH, LCRH_8N1_FIFO);
		br_write_4(br, UART_IFLS, IFLS_RX18_TX18);
		br_write_4(br, UART_CR, CR_ENABLE);
	}
	if (fdt_intr(fa->fa_node, 0, &ih) == 0)
		sc->sc_ih = intr_establish(&ih, IPL_TTY, NULL, pluart_intr,
		    sc, self->dv_xname);
	error = tty_attach(&sc->sc_tty, &pluart_ttyops, sc, self->dv_xname);
	if (error != 0) {
		pluart_teardown(sc);
		return (error);
	}
	device_describe(self, "%s%s", full ? "pl011" : "sbsa", sc->sc_ih == NULL ?
	    ", no interrupt, output only" : "");
	sc->sc_cons = (struct consdev){ .cn_name = self->dv_xname,
	    .cn_write = pluart_cnwrite, .cn_tty = &sc->sc_tty, .cn_arg = sc };
	cn_attach(&sc->sc_cons);
	return (0);
}

static int
pluart_detach(struct device *self, int flags __unused)
{
	struct pluart_softc *sc = (struct pluart_softc *)self;

	cn_detach(&sc->sc_cons);
	tty_detach(&sc->sc_tty);
	pluart_teardown(sc);
	return (0);
}

CFDRIVER_DECL(pluart, DV_TTY);
CFATTACH_DECL(pluart, fdt, pluart_softc, .ca_match = fdt_match,
    .ca_attach = pluart_attach, .ca_detach = pluart_detach,
    .ca_ident = pluart_ident);

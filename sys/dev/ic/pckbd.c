/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * pckbd(4): the keyboard of a PC, at an 8042 or what behaves like one, which
 * translates to the scan codes of the first set.
 */

#include <sys/errno.h>
#include <sys/systm.h>
#include <sys/timeout.h>

#include <dev/ic/pckbdvar.h>

#define KBD_DATA	0
#define KBD_STATUS	4		/* R */
#define KBD_COMMAND	4		/* W */
#define STATUS_OUT	0x01		/* there is a byte for us */
#define STATUS_IN	0x02		/* it has not taken ours yet */
#define STATUS_AUX	0x20		/* the byte is the mouse's */

#define CMD_READ	0x20		/* the command byte */
#define CMD_WRITE	0x60
#define CMD_AUX_OFF	0xa7
#define CMD_KBD_OFF	0xad
#define CMD_KBD_ON	0xae
#define BYTE_INTR	0x01
#define BYTE_AUX_INTR	0x02
#define BYTE_KBD_OFF	0x10
#define BYTE_TRANSLATE	0x40

#define KBD_LEDS	0xed		/* to the keyboard */
#define KBD_ENABLE	0xf4
#define KBD_ACK		0xfa		/* from it */
#define KBD_RESEND	0xfe

#define WAIT_USEC	20000
#define FLUSH		64		/* bytes that may lie there */
#define LED_MSEC	500
#define LED_TRIES	3		/* of a byte that it wants again */

/* what comes behind 0xe0, as wskbd(4) numbers it; all others are not known */
static const struct { uint8_t scan, code; } pckbd_extended[] = {
	{ 0x1c, 96 }, { 0x1d, 97 }, { 0x35, 98 }, { 0x37, 99 }, { 0x38, 100 },
	{ 0x47, 102 }, { 0x48, 103 }, { 0x49, 104 }, { 0x4b, 105 },
	{ 0x4d, 106 }, { 0x4f, 107 }, { 0x50, 108 }, { 0x51, 109 },
	{ 0x52, 110 }, { 0x53, 111 }, { 0x5b, 125 }, { 0x5c, 126 },
	{ 0x5d, 127 },
};
/* and what is not the same in both without it */
static const struct { uint8_t scan, code; } pckbd_plain[] = {
	{ 0x70, 93 }, { 0x73, 89 }, { 0x79, 92 }, { 0x7b, 94 }, { 0x7d, 124 },
};
#define SCAN_SAME	0x58		/* up to here they are */
#define KEY_PAUSE	119

/* --- controller --------------------------------------------------------- */

static bool
pckbd_wait(struct pckbd_softc *sc, uint8_t mask, uint8_t value)
{
	u_int usec;

	for (usec = 0; usec < WAIT_USEC; usec += 10) {
		if ((br_read_1(&sc->sc_regs, KBD_STATUS) & mask) == value)
			return (true);
		delay(10);
	}
	return (false);
}

static bool
pckbd_put(struct pckbd_softc *sc, bus_size_t reg, uint8_t v)
{
	if (!pckbd_wait(sc, STATUS_IN, 0))
		return (false);
	br_write_1(&sc->sc_regs, reg, v);
	return (true);
}

static bool
pckbd_get(struct pckbd_softc *sc, uint8_t *v)
{
	if (!pckbd_wait(sc, STATUS_OUT, STATUS_OUT))
		return (false);
	*v = br_read_1(&sc->sc_regs, KBD_DATA);
	return (true);
}

static void
pckbd_flush(struct pckbd_softc *sc)
{
	u_int i;

	for (i = 0; i < FLUSH && (br_read_1(&sc->sc_regs, KBD_STATUS) &
	    STATUS_OUT); i++)
		(void)br_read_1(&sc->sc_regs, KBD_DATA);
}

/* The keyboard must answer; what was typed before is forgotten. */
static bool
pckbd_enable(struct pckbd_softc *sc)
{
	uint8_t v;
	u_int i;

	if (!pckbd_put(sc, KBD_DATA, KBD_ENABLE))
		return (false);
	for (i = 0; i < FLUSH && pckbd_get(sc, &v); i++) {
		if (v == KBD_ACK)
			return (true);
	}
	return (false);
}

static int
pckbd_init(struct pckbd_softc *sc)
{
	uint8_t byte;

	if (!pckbd_put(sc, KBD_COMMAND, CMD_KBD_OFF) ||
	    !pckbd_put(sc, KBD_COMMAND, CMD_AUX_OFF))
		return (ENXIO);
	pckbd_flush(sc);
	if (!pckbd_put(sc, KBD_COMMAND, CMD_READ) || !pckbd_get(sc, &byte))
		return (ENXIO);
	/* quiet, until the keyboard has been asked */
	byte = (byte & ~(BYTE_INTR | BYTE_AUX_INTR | BYTE_KBD_OFF)) |
	    BYTE_TRANSLATE;
	if (!pckbd_put(sc, KBD_COMMAND, CMD_WRITE) ||
	    !pckbd_put(sc, KBD_DATA, byte) ||
	    !pckbd_put(sc, KBD_COMMAND, CMD_KBD_ON) || !pckbd_enable(sc) ||
	    !pckbd_put(sc, KBD_COMMAND, CMD_WRITE) ||
	    !pckbd_put(sc, KBD_DATA, byte | BYTE_INTR))
		return (ENXIO);
	return (0);
}

/* --- lamps -------------------------------------------------------------- */

/* A command of two bytes, each of which the keyboard acknowledges. */
static void
pckbd_led_next(struct pckbd_softc *sc)
{
	uint8_t v = KBD_LEDS;

	if (sc->sc_ledstate == 2)
		v = sc->sc_ledsent = sc->sc_leds;
	if (sc->sc_ledtries++ < LED_TRIES && pckbd_put(sc, KBD_DATA, v))
		timeout_add_msec(&sc->sc_ledwait, LED_MSEC);
	else
		sc->sc_ledstate = 0;
}

static void
pckbd_led_ack(struct pckbd_softc *sc)
{
	sc->sc_ledtries = 0;
	if (++sc->sc_ledstate <= 2) {
		pckbd_led_next(sc);
		return;
	}
	timeout_del(&sc->sc_ledwait);
	sc->sc_ledstate = 0;
	if (sc->sc_ledsent != sc->sc_leds) {
		sc->sc_ledstate = 1;
		pckbd_led_next(sc);
	}
}

/* It has not answered: the lamps stay as they are. */
static void
pckbd_led_late(void *arg)
{
	struct pckbd_softc *sc = arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_ledstate = 0;
	mtx_leave(&sc->sc_mtx);
}

static void
pckbd_leds(void *arg, u_int leds)
{
	struct pckbd_softc *sc = arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_leds = leds;
	if (sc->sc_ledstate == 0 && sc->sc_ledsent != leds) {
		sc->sc_ledstate = 1;
		sc->sc_ledtries = 0;
		pckbd_led_next(sc);
	}
	mtx_leave(&sc->sc_mtx);
}

static const struct wskbd_ops pckbd_ops = { .ko_leds = pckbd_leds };

/* --- keys --------------------------------------------------------------- */

static u_int
pckbd_code(uint8_t scan, bool extended)
{
	u_int i;

	if (extended) {
		for (i = 0; i < nitems(pckbd_extended); i++) {
			if (pckbd_extended[i].scan == scan)
				return (pckbd_extended[i].code);
		}
		return (0);
	}
	if (scan <= SCAN_SAME)
		return (scan);
	for (i = 0; i < nitems(pckbd_plain); i++) {
		if (pckbd_plain[i].scan == scan)
			return (pckbd_plain[i].code);
	}
	return (0);
}

/* A byte from the keyboard; false: it is no key, or not yet. */
static bool
pckbd_decode(struct pckbd_softc *sc, uint8_t v, u_int *code, int *value)
{
	bool extended = sc->sc_prefix == 0xe0;

	if (sc->sc_skip > 0) {		/* the rest of Pause */
		sc->sc_skip--;
		return (false);
	}
	if (v == 0xe0) {
		sc->sc_prefix = v;
		return (false);
	}
	sc->sc_prefix = 0;
	if (v == 0xe1) {		/* Pause: six bytes, never released */
		sc->sc_skip = 5;
		*code = KEY_PAUSE;
		*value = 1;
		return (true);
	}
	*code = pckbd_code(v & 0x7f, extended);
	*value = (v & 0x80) == 0;
	return (*code != 0);
}

static bool
pckbd_next(struct pckbd_softc *sc, u_int *code, int *value)
{
	uint8_t status, v;
	u_int i;

	for (i = 0; i < FLUSH; i++) {
		status = br_read_1(&sc->sc_regs, KBD_STATUS);
		if (!(status & STATUS_OUT))
			return (false);
		v = br_read_1(&sc->sc_regs, KBD_DATA);
		if (status & STATUS_AUX)
			continue;
		if (sc->sc_ledstate != 0 && (v == KBD_ACK || v == KBD_RESEND)) {
			if (v == KBD_ACK)
				pckbd_led_ack(sc);
			else
				pckbd_led_next(sc);
			continue;
		}
		if (pckbd_decode(sc, v, code, value))
			return (true);
	}
	return (false);
}

/* Without the mutex.  Pause is never released by itself. */
static void
pckbd_tell(struct pckbd_softc *sc, u_int code, int value)
{
	if (sc->sc_kbd == NULL)
		return;
	wskbd_event(sc->sc_kbd, code, value);
	if (code == KEY_PAUSE && value == 1)
		wskbd_event(sc->sc_kbd, code, 0);
}

static int
pckbd_intr(void *arg)
{
	struct pckbd_softc *sc = arg;
	int value, n = 0;
	u_int code;

	mtx_enter(&sc->sc_mtx);
	while (n++ < FLUSH && pckbd_next(sc, &code, &value)) {
		mtx_leave(&sc->sc_mtx);
		pckbd_tell(sc, code, value);
		mtx_enter(&sc->sc_mtx);
	}
	mtx_leave(&sc->sc_mtx);
	return (1);
}

/* --- attachment --------------------------------------------------------- */

/* There is something: a bus without it reads as ones. */
bool
pckbd_probe(bus_space_tag_t t, bus_addr_t addr)
{
	struct bus_region br;
	bool found;

	if (br_map(&br, t, addr, PCKBD_NREGS, 0) != 0)
		return (false);
	found = br_read_1(&br, KBD_STATUS) != 0xff;
	br_unmap(&br);
	return (found);
}

static int
pckbd_start(struct pckbd_softc *sc, const struct intr_handle *ih)
{
	int error;

	if ((error = pckbd_init(sc)) != 0) {
		device_describe(&sc->sc_dev, "no keyboard");
		return (error);
	}
	if ((sc->sc_ih = intr_establish(ih, IPL_TTY, NULL, pckbd_intr, sc,
	    sc->sc_dev.dv_xname)) == NULL)
		return (ENXIO);
	device_describe(&sc->sc_dev, "PS/2 keyboard");
	if ((error = wskbd_attach(&sc->sc_kbd, &pckbd_ops, sc,
	    sc->sc_dev.dv_xname)) != 0)
		intr_disestablish(sc->sc_ih);
	return (error);
}

int
pckbd_attach(struct pckbd_softc *sc, bus_space_tag_t t, bus_addr_t addr,
    const struct intr_handle *ih)
{
	int error;

	mtx_init(&sc->sc_mtx, IPL_TTY);
	timeout_set(&sc->sc_ledwait, pckbd_led_late, sc);
	if ((error = br_map(&sc->sc_regs, t, addr, PCKBD_NREGS, 0)) != 0)
		return (error);
	if ((error = pckbd_start(sc, ih)) != 0) {
		br_unmap(&sc->sc_regs);
		return (error);
	}
	/* a key that came before is not to block those that follow */
	(void)pckbd_intr(sc);
	return (0);
}

int
pckbd_detach(struct device *self, int flags __unused)
{
	struct pckbd_softc *sc = (struct pckbd_softc *)self;

	(void)pckbd_put(sc, KBD_COMMAND, CMD_KBD_OFF);
	intr_disestablish(sc->sc_ih);
	wskbd_detach(sc->sc_kbd);
	timeout_del_barrier(&sc->sc_ledwait);
	br_unmap(&sc->sc_regs);
	return (0);
}

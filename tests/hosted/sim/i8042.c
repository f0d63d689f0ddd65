/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A keyboard controller and its keyboard, as the manuals of the PC AT and its
 * successors have them: ports 0x60 and 0x64.
 */

#include <sys/md.h>
#include <sys/systm.h>

#include <dev/ic/pckbdvar.h>
#include <machine/host.h>
#include <machine/mainbus.h>
#include "sim.h"

#define DATA		0
#define CONTROL		4

#define ST_OUT		0x01
#define ST_IN		0x02
#define ST_SYSTEM	0x04
#define ST_UNLOCKED	0x10
#define ST_AUX		0x20

#define B_INTR		0x01
#define B_SYSTEM	0x04
#define B_OFF		0x10
#define B_AUX_OFF	0x20
#define B_TRANSLATE	0x40

#define ACK		0xfa
#define RESEND		0xfe
#define IRQ		1

extern const struct intr_ops hosted_intr_ops;

/* Second set to first: the keys from 0x00 on that there are. */
static const uint8_t set1[0x84] = {
	[0x01] = 0x43, [0x03] = 0x3f, [0x04] = 0x3d, [0x05] = 0x3b,
	[0x06] = 0x3c, [0x07] = 0x58, [0x09] = 0x44, [0x0a] = 0x42,
	[0x0b] = 0x40, [0x0c] = 0x3e, [0x0d] = 0x0f, [0x0e] = 0x29,
	[0x11] = 0x38, [0x12] = 0x2a, [0x13] = 0x70, [0x14] = 0x1d,
	[0x15] = 0x10, [0x16] = 0x02, [0x1a] = 0x2c, [0x1b] = 0x1f,
	[0x1c] = 0x1e, [0x1d] = 0x11, [0x1e] = 0x03, [0x1f] = 0x5b,
	[0x21] = 0x2e, [0x22] = 0x2d, [0x23] = 0x20, [0x24] = 0x12,
	[0x25] = 0x05, [0x26] = 0x04, [0x27] = 0x5c, [0x29] = 0x39,
	[0x2a] = 0x2f, [0x2b] = 0x21, [0x2c] = 0x14, [0x2d] = 0x13,
	[0x2e] = 0x06, [0x2f] = 0x5d, [0x31] = 0x31, [0x32] = 0x30,
	[0x33] = 0x23, [0x34] = 0x22, [0x35] = 0x15, [0x36] = 0x07,
	[0x3a] = 0x32, [0x3b] = 0x24, [0x3c] = 0x16, [0x3d] = 0x08,
	[0x3e] = 0x09, [0x41] = 0x33, [0x42] = 0x25, [0x43] = 0x17,
	[0x44] = 0x18, [0x45] = 0x0b, [0x46] = 0x0a, [0x49] = 0x34,
	[0x4a] = 0x35, [0x4b] = 0x26, [0x4c] = 0x27, [0x4d] = 0x19,
	[0x4e] = 0x0c, [0x51] = 0x73, [0x52] = 0x28, [0x54] = 0x1a,
	[0x55] = 0x0d, [0x58] = 0x3a, [0x59] = 0x36, [0x5a] = 0x1c,
	[0x5b] = 0x1b, [0x5d] = 0x2b, [0x61] = 0x56, [0x64] = 0x79,
	[0x66] = 0x0e, [0x67] = 0x7b, [0x69] = 0x4f, [0x6a] = 0x7d,
	[0x6b] = 0x4b, [0x6c] = 0x47, [0x70] = 0x52, [0x71] = 0x53,
	[0x72] = 0x50, [0x73] = 0x4c, [0x74] = 0x4d, [0x75] = 0x48,
	[0x76] = 0x01, [0x77] = 0x45, [0x78] = 0x57, [0x79] = 0x4e,
	[0x7a] = 0x51, [0x7b] = 0x4a, [0x7c] = 0x37, [0x7d] = 0x49,
	[0x7e] = 0x46, [0x83] = 0x41,
};

static bool
full(const struct sim_i8042 *kc)
{
	return (kc->kc_replied || kc->kc_endless || (kc->kc_nout != 0 &&
	    (!(kc->kc_byte & B_OFF) || kc->kc_aux)));
}

static void
interrupt(struct sim_i8042 *kc)
{
	if (full(kc) && !kc->kc_replied && (kc->kc_byte & B_INTR))
		hosted_irq_raise(IRQ);
}

static void
queue(struct sim_i8042 *kc, uint8_t v)
{
	if (kc->kc_nout < SIM_KC_FIFO)
		kc->kc_out[kc->kc_nout++] = v;
	interrupt(kc);
}

/* --- the keyboard -------------------------------------------------------- */

static void
keyboard(struct sim_i8042 *kc, uint8_t v)
{
	uint8_t expect = kc->kc_expect;

	if (kc->kc_mute)
		return;
	if (kc->kc_resend != 0) {
		if (kc->kc_resend != ~0U)
			kc->kc_resend--;
		queue(kc, RESEND);
		return;
	}
	kc->kc_expect = 0;
	if (expect == 0xed) {
		if (v > 7)
			sim_fault("lamps %#x", v);
		kc->kc_leds = v;
		kc->kc_nleds++;
	} else if (v == 0xed)
		kc->kc_expect = v;
	else if (v == 0xf4 || v == 0xf5)
		kc->kc_scanning = v == 0xf4;
	else {
		sim_fault("the keyboard is sent %#x", v);
		kc->kc_nbad++;
		queue(kc, RESEND);
		return;
	}
	queue(kc, ACK);
}

bool
sim_i8042_type(struct sim_i8042 *kc, const uint8_t *p, u_int n)
{
	uint8_t v;

	if (!kc->kc_scanning)
		return (false);
	for (; n > 0; n--) {
		v = *p++;
		if (!(kc->kc_byte & B_TRANSLATE))
			queue(kc, v);
		else if (v == 0xf0)
			kc->kc_break = true;
		else {
			if (v < sizeof(set1) && set1[v] != 0)
				v = set1[v];
			queue(kc, v | (kc->kc_break ? 0x80 : 0));
			kc->kc_break = false;
		}
	}
	return (kc->kc_nout < SIM_KC_FIFO);
}

void
sim_i8042_mouse(struct sim_i8042 *kc, uint8_t v)
{
	kc->kc_aux = true;
	queue(kc, v);
}

/* --- the controller ------------------------------------------------------ */

static uint32_t
port_read(struct sim_ports *so, u_int off, u_int width)
{
	struct sim_i8042 *kc = (struct sim_i8042 *)so;
	uint8_t v;

	if (kc->kc_absent)
		return (0xff);
	if (width != 1 || (off != DATA && off != CONTROL)) {
		sim_fault("8042: %u bytes read at %u", width, off);
		return (0);
	}
	if (off == CONTROL)
		return ((full(kc) ? ST_OUT : 0) | (kc->kc_busy ? ST_IN : 0) |
		    ST_SYSTEM | ST_UNLOCKED |
		    (kc->kc_aux && !kc->kc_replied ? ST_AUX : 0));
	if (kc->kc_replied) {
		kc->kc_replied = false;
		interrupt(kc);
		return (kc->kc_reply);
	}
	if (!full(kc)) {
		sim_fault("8042: a read of nothing");
		return (0);
	}
	if (kc->kc_endless)
		return (0x1e);
	v = kc->kc_out[0];
	memmove(kc->kc_out, kc->kc_out + 1, --kc->kc_nout);
	kc->kc_aux = false;
	interrupt(kc);
	return (v);
}

static void
command(struct sim_i8042 *kc, uint8_t v)
{
	kc->kc_command = 0;
	switch (v) {
	case 0x20:
		if (full(kc))
			sim_fault("8042: asked while something lies there");
		kc->kc_reply = kc->kc_byte;
		kc->kc_replied = true;
		break;
	case 0x60:
		kc->kc_command = v;
		break;
	case 0xa7:
		kc->kc_byte |= B_AUX_OFF;
		break;
	case 0xa8:
		kc->kc_byte &= ~B_AUX_OFF;
		break;
	case 0xad:
		kc->kc_byte |= B_OFF;
		break;
	case 0xae:
		kc->kc_byte &= ~B_OFF;
		interrupt(kc);
		break;
	default:
		sim_fault("8042: command %#x", v);
		break;
	}
}

static void
port_write(struct sim_ports *so, u_int off, u_int width, uint32_t v)
{
	struct sim_i8042 *kc = (struct sim_i8042 *)so;

	if (kc->kc_absent)
		return;
	if (width != 1 || (off != DATA && off != CONTROL) || kc->kc_busy) {
		sim_fault("8042: %u bytes written at %u", width, off);
		return;
	}
	if (off == CONTROL)
		command(kc, v);
	else if (kc->kc_command == 0x60) {
		kc->kc_command = 0;
		kc->kc_byte = v;
		interrupt(kc);
	} else {
		/* 8042: what is sent to it turns it on */
		kc->kc_byte &= ~B_OFF;
		keyboard(kc, v);
	}
}

/* --- attachment ---------------------------------------------------------- */

static void
children(struct device *mainbus)
{
	struct mainbus_attach_args ma = { .ma_name = "pckbd",
	    .ma_port = 0x60, .ma_intr = { .ih_ops = &hosted_intr_ops } };

	ma.ma_intr.ih_cookie[0] = IRQ;
	if (pckbd_probe(md_bus_io, ma.ma_port))
		(void)config_found(mainbus, &ma, NULL);
}

void
sim_i8042_new(struct sim_i8042 *kc)
{
	kc->kc_ports = (struct sim_ports){ .so_port = 0x60, .so_n = 5,
	    .so_read = port_read, .so_write = port_write };
	kc->kc_byte |= B_SYSTEM | B_TRANSLATE;
	sim_ports_add(&kc->kc_ports);
	sim_mainbus_children = children;
	(void)sim_attach();
}

void
sim_i8042_free(struct sim_i8042 *kc)
{
	sim_ports_remove(&kc->kc_ports);
}

static int
pckbd_mainbus_attach(struct device *parent, struct device *self, void *aux)
{
	struct mainbus_attach_args *ma = aux;

	return (pckbd_attach((struct pckbd_softc *)self, md_bus_io,
	    ma->ma_port, &ma->ma_intr));
}

CFDRIVER_DECL(pckbd, DV_DULL);
CFATTACH_DECL(pckbd, mainbus, pckbd_softc, .ca_match = mainbus_child_match,
    .ca_attach = pckbd_mainbus_attach, .ca_detach = pckbd_detach);

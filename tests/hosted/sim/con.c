/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A console: VIRTIO 1.4, 5.3.  Of one port, or with MULTIPORT of several,
 * whose driver is looked at:
 *
 *	DEVICE_READY is the first message, and there is one (5.3.6.2);
 *	PORT_READY answers DEVICE_ADD, once, and PORT_OPEN is for ready ports;
 *	CONSOLE_PORT is answered by PORT_OPEN with 1;
 *	nothing to read in a receiveq, nothing to write in a transmitq (5.3.6).
 */

#include <sys/queue.h>
#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

#define CTL_RX		2
#define CTL_TX		3
#define OUT_MAX		(1 << 21)	/* of a port */
#define MAX_NR_PORTS	4		/* offset in the configuration */

struct sim_con_msg {
	TAILQ_ENTRY(sim_con_msg) cm_link;
	size_t			 cm_len;
	uint8_t			 cm_data[];
};

static bool
multiport(const struct sim_con *cn)
{
	return ((cn->cn_sv->sv_features & SIM_CON_F_MULTIPORT) != 0);
}

/* 5.3.2 */
static u_int
receiveq(u_int id)
{
	return (id == 0 ? 0 : 2 * id + 2);
}

static u_int
port_of(u_int queue)
{
	return (queue < 2 ? 0 : (queue - 2) / 2);
}

static u_int
nports(const struct sim_con *cn)
{
	return (MIN(SIM_CON_NPORTS,
	    sim_get_le(cn->cn_sv->sv_config + MAX_NR_PORTS, 4)));
}

/* --- messages to the driver ---------------------------------------------- */

static bool
deliver(struct sim_con *cn, const void *data, size_t len)
{
	struct sim_vq *sq = &cn->cn_sv->sv_vq[CTL_RX];
	struct sim_chain *ch;
	size_t n;

	/* the driver may have made one available just now */
	cn->cn_looking = true;
	while (TAILQ_EMPTY(&sq->sq_held) && sq->sq_enabled &&
	    sim_vq_more(sq) && sim_vq_run(sq))
		;
	cn->cn_looking = false;
	if ((ch = TAILQ_FIRST(&sq->sq_held)) == NULL)
		return (false);
	n = MIN(len, ch->ch_inlen);
	(void)sim_chain_write(ch, 0, data, n);
	sim_chain_done(ch, len);	/* as long as it is, see QEMU's */
	return (true);
}

static void
pump(struct sim_con *cn)
{
	struct sim_con_msg *cm;

	while ((cm = TAILQ_FIRST(&cn->cn_msgs)) != NULL &&
	    deliver(cn, cm->cm_data, cm->cm_len)) {
		TAILQ_REMOVE(&cn->cn_msgs, cm, cm_link);
		cn->cn_nmsgs--;
		host_free(cm);
	}
}

static void
forget(struct sim_con *cn)
{
	struct sim_con_msg *cm;

	while ((cm = TAILQ_FIRST(&cn->cn_msgs)) != NULL) {
		TAILQ_REMOVE(&cn->cn_msgs, cm, cm_link);
		host_free(cm);
	}
	cn->cn_nmsgs = 0;
}

void
sim_con_raw(struct sim_con *cn, const void *data, size_t len)
{
	struct sim_con_msg *cm;

	pump(cn);
	if (cn->cn_nmsgs == 0 && deliver(cn, data, len))
		return;
	if (cn->cn_drops)
		return;
	if ((cm = host_alloc(sizeof(*cm) + len)) == NULL)
		host_fail("no memory");
	cm->cm_len = len;
	memcpy(cm->cm_data, data, len);
	TAILQ_INSERT_TAIL(&cn->cn_msgs, cm, cm_link);
	cn->cn_nmsgs++;
}

void
sim_con_tell(struct sim_con *cn, uint32_t id, u_int event, u_int value,
    const void *data, size_t len)
{
	uint8_t msg[4096];

	if (len > sizeof(msg) - 8)
		host_fail("message too long");
	sim_put(msg, 4, id);
	sim_put(msg + 4, 2, event);
	sim_put(msg + 6, 2, value);
	memcpy(msg + 8, data, len);
	sim_con_raw(cn, msg, 8 + len);
}

static void
add(struct sim_con *cn, u_int id)
{
	cn->cn_port[id].po_added = true;
	cn->cn_port[id].po_ready = cn->cn_port[id].po_guestopen = false;
	sim_con_tell(cn, id, SIM_CON_ADD, 0, NULL, 0);
}

static void
console(struct sim_con *cn, u_int id)
{
	cn->cn_port[id].po_unanswered = true;
	sim_con_tell(cn, id, SIM_CON_CONSOLE, 1, NULL, 0);
}

void
sim_con_plug(struct sim_con *cn, u_int id, bool iscon, const char *name)
{
	struct sim_con_port *po = &cn->cn_port[id];

	po->po_plugged = true;
	po->po_console = iscon;
	po->po_name = name;
	if (cn->cn_ready)
		add(cn, id);
}

void
sim_con_unplug(struct sim_con *cn, u_int id)
{
	struct sim_con_port *po = &cn->cn_port[id];

	if (po->po_added)
		sim_con_tell(cn, id, SIM_CON_REMOVE, 1, NULL, 0);
	po->po_plugged = po->po_added = po->po_hostopen = false;
	po->po_unanswered = po->po_ready = po->po_guestopen = false;
}

void
sim_con_open(struct sim_con *cn, u_int id, bool open)
{
	cn->cn_port[id].po_hostopen = open;
	if (cn->cn_port[id].po_ready)
		sim_con_tell(cn, id, SIM_CON_OPEN, open, NULL, 0);
}

/* --- messages from the driver -------------------------------------------- */

static void
port_ready(struct sim_con *cn, u_int id, u_int value)
{
	struct sim_con_port *po = &cn->cn_port[id];

	if (!po->po_added || (po->po_ready && value == 1)) {
		sim_fault("PORT_READY %u for port %u", value, id);
		return;
	}
	if (value == 0) {
		cn->cn_nfailed++;
		po->po_unanswered = false;
		return;
	}
	po->po_ready = true;
	if (cn->cn_silent)
		return;
	if (po->po_console)
		console(cn, id);
	if (po->po_name != NULL)
		sim_con_tell(cn, id, SIM_CON_NAME, 1, po->po_name,
		    strlen(po->po_name));
	if (po->po_hostopen)
		sim_con_tell(cn, id, SIM_CON_OPEN, 1, NULL, 0);
}

static void
port_open(struct sim_con *cn, u_int id, u_int value)
{
	struct sim_con_port *po = &cn->cn_port[id];

	/* one that goes away may still be on the driver's mind */
	if (!po->po_ready && po->po_plugged)
		sim_fault("PORT_OPEN for port %u, which is not ready", id);
	po->po_guestopen = value == 1;
	if (value == 1) {
		po->po_unanswered = false;
		po->po_nopens++;
	} else
		po->po_ncloses++;
}

static void
device_ready(struct sim_con *cn, u_int value)
{
	u_int id;

	if (cn->cn_ready)
		sim_fault("DEVICE_READY twice");
	cn->cn_ready = value == 1;
	cn->cn_nready++;
	for (id = 0; id < nports(cn) && !cn->cn_silent; id++) {
		if (cn->cn_port[id].po_plugged)
			add(cn, id);
	}
}

static void
control(struct sim_con *cn, struct sim_chain *ch)
{
	uint8_t msg[8];
	uint32_t id;
	u_int event, value;

	if (ch->ch_nin != 0 || ch->ch_outlen != sizeof(msg))
		sim_fault("a message of %llu bytes",
		    (unsigned long long)ch->ch_outlen);
	if (!sim_chain_read(ch, 0, msg, sizeof(msg))) {
		sim_chain_done(ch, 0);
		return;
	}
	id = sim_get(msg, 4);
	event = sim_get(msg + 4, 2);
	value = sim_get(msg + 6, 2);
	if (value > 1)
		sim_fault("event %u with value %u", event, value);
	if (event != SIM_CON_DEVICE_READY && !cn->cn_ready)
		sim_fault("event %u before DEVICE_READY", event);
	if (event == SIM_CON_DEVICE_READY)
		device_ready(cn, value);
	else if (id >= nports(cn))
		sim_fault("event %u for port %u", event, id);
	else if (event == SIM_CON_PORT_READY)
		port_ready(cn, id, value);
	else if (event == SIM_CON_OPEN)
		port_open(cn, id, value);
	else
		sim_fault("event %u from the driver", event);
	sim_chain_done(ch, 0);
}

/* What must have been said by now. */
void
sim_con_settled(struct sim_con *cn)
{
	u_int id;

	if (!multiport(cn))
		return;
	if (!cn->cn_ready)
		sim_fault("no DEVICE_READY");
	for (id = 0; id < nports(cn); id++) {
		if (cn->cn_port[id].po_added && !cn->cn_port[id].po_ready)
			sim_fault("port %u is not ready", id);
		if (cn->cn_port[id].po_unanswered)
			sim_fault("port %u: CONSOLE_PORT was not answered",
			    id);
	}
}

/* --- bytes --------------------------------------------------------------- */

static void
port_output(struct sim_con *cn, u_int id, struct sim_chain *ch)
{
	struct sim_con_port *po = &cn->cn_port[id];
	size_t n = MIN(ch->ch_outlen, OUT_MAX - po->po_nout);

	if (po->po_out == NULL &&
	    (po->po_out = host_alloc(OUT_MAX)) == NULL)
		host_fail("no memory");
	if (sim_chain_read(ch, 0, po->po_out + po->po_nout, n))
		po->po_nout += n;
}

static void
transmit(struct sim_con *cn, struct sim_chain *ch)
{
	u_int id = port_of(ch->ch_vq->sq_index);
	size_t n = MIN(ch->ch_outlen, sizeof(cn->cn_out) - cn->cn_nout);

	if (ch->ch_nin != 0)
		sim_fault("output has something to write");
	if (multiport(cn))
		port_output(cn, id, ch);
	else if (sim_chain_read(ch, 0, cn->cn_out + cn->cn_nout, n))
		cn->cn_nout += n;
	sim_chain_done(ch, 0);
}

static bool
holds(const struct sim_con *cn, u_int queue)
{
	return (multiport(cn) ? cn->cn_port[port_of(queue)].po_hold :
	    cn->cn_hold);
}

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_con *cn = sv->sv_priv;
	u_int queue = ch->ch_vq->sq_index;

	if (queue % 2 == 0) {
		if (ch->ch_nout != 0)
			sim_fault("input has something to read");
		if (queue == CTL_RX && !cn->cn_looking)
			pump(cn);
	} else if (queue == CTL_TX && multiport(cn)) {
		if (!cn->cn_mute)
			control(cn, ch);
	} else if (!holds(cn, queue))
		transmit(cn, ch);
}

void
sim_con_hold(struct sim_con *cn, u_int id, bool hold)
{
	struct sim_vq *sq = &cn->cn_sv->sv_vq[receiveq(id) + 1];
	struct sim_chain *ch;

	cn->cn_port[id].po_hold = hold;
	while (!hold && (ch = TAILQ_FIRST(&sq->sq_held)) != NULL)
		transmit(cn, ch);
}

/* How much the driver had room for. */
size_t
sim_con_send(struct sim_con *cn, u_int id, const void *data, size_t len)
{
	struct sim_vq *sq = &cn->cn_sv->sv_vq[receiveq(id)];
	struct sim_chain *ch;
	size_t done = 0, n;

	while (done < len) {
		if ((ch = TAILQ_FIRST(&sq->sq_held)) == NULL &&
		    (!sim_virtio_run(cn->cn_sv) ||
		    (ch = TAILQ_FIRST(&sq->sq_held)) == NULL))
			break;
		n = MIN(len - done, ch->ch_inlen);
		(void)sim_chain_write(ch, 0, (const char *)data + done, n);
		sim_chain_done(ch, n);
		done += n;
	}
	return (done);
}

/* Somebody types. */
size_t
sim_con_type(struct sim_con *cn, const char *text, size_t len)
{
	return (sim_con_send(cn, 0, text, len));
}

/* --- life ---------------------------------------------------------------- */

static void
reset(struct sim_virtio *sv)
{
	struct sim_con *cn = sv->sv_priv;
	struct sim_con_port *po;
	u_int id;

	if (cn == NULL)
		return;
	forget(cn);
	cn->cn_ready = false;
	for (id = 0; id < SIM_CON_NPORTS; id++) {
		po = &cn->cn_port[id];
		po->po_added = po->po_ready = po->po_guestopen = false;
		po->po_unanswered = false;
	}
}

struct sim_con *
sim_con_new(const struct sim_virtio_conf *given)
{
	struct sim_virtio_conf vc = *given;
	struct sim_con *cn;
	u_int i;

	if ((cn = host_alloc(sizeof(*cn))) == NULL)
		host_fail("no memory");
	TAILQ_INIT(&cn->cn_msgs);
	vc.vc_devid = 3;
	if (vc.vc_nvq == 0) {
		vc.vc_nvq = vc.vc_features & SIM_CON_F_MULTIPORT ? SIM_MAXVQ :
		    2;
		for (i = 0; i < vc.vc_nvq; i++)
			vc.vc_qsize[i] = 16;
	}
	vc.vc_cfgsize = 12;
	vc.vc_request = request;
	vc.vc_reset = reset;
	cn->cn_sv = sim_virtio_new(&vc);
	cn->cn_sv->sv_priv = cn;
	sim_config_put(cn->cn_sv, MAX_NR_PORTS, 4, (vc.vc_nvq - 2) / 2);
	return (cn);
}

void
sim_con_free(struct sim_con *cn)
{
	u_int i;

	forget(cn);
	for (i = 0; i < SIM_CON_NPORTS; i++)
		host_free(cn->cn_port[i].po_out);
	sim_virtio_free(cn->cn_sv);
	host_free(cn);
}

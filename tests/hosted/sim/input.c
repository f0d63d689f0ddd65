/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* An input device: VIRTIO 1.4, 5.8. */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

/* configuration: 5.8.4 */
#define C_SELECT	0
#define C_SUBSEL	1
#define C_SIZE		2
#define C_UNION		8
#define C_LEN		136

#define CFG_NAME	0x01

#define EVENTQ		0
#define STATUSQ		1
#define EV_LED		0x11
#define EVENT_LEN	8

static struct sim_input_cfg *
cfg_find(struct sim_input *in, u_int select, u_int subsel)
{
	u_int i;

	for (i = 0; i < in->in_ncfg; i++) {
		if (in->in_cfg[i].ic_select == select &&
		    in->in_cfg[i].ic_subsel == subsel)
			return (&in->in_cfg[i]);
	}
	return (NULL);
}

/* What is asked for is there at once. */
static void
present(struct sim_input *in)
{
	uint8_t *c = in->in_sv->sv_config;
	const struct sim_input_cfg *ic;

	ic = cfg_find(in, c[C_SELECT], c[C_SUBSEL]);
	memset(c + C_SIZE, 0, C_LEN - C_SIZE);
	if (ic != NULL) {
		c[C_SIZE] = ic->ic_size;
		memcpy(c + C_UNION, ic->ic_data, sizeof(ic->ic_data));
	}
	if (in->in_lie != 0)
		c[C_SIZE] = in->in_lie;
}

static void
config_written(struct sim_virtio *sv, u_int off, u_int width)
{
	struct sim_input *in = sv->sv_priv;
	uint8_t bit = 1 << off;

	if (off > C_SUBSEL || width != 1) {
		sim_fault("%u bytes of configuration written at %u", width,
		    off);
		return;
	}
	/* 5.8.5.1: both, in any order */
	if (in->in_written & bit)
		sim_fault("select and subsel are not both written");
	in->in_written |= bit;
	if (in->in_written == 3)
		in->in_written = 0;
	present(in);
}

static void
status(struct sim_input *in, struct sim_chain *ch)
{
	uint8_t b[EVENT_LEN];
	uint32_t code;

	if (ch->ch_nin != 0 || ch->ch_outlen < EVENT_LEN)
		sim_fault("a status of %llu bytes, %u to write",
		    (unsigned long long)ch->ch_outlen, ch->ch_nin);
	in->in_nstatus++;
	if (sim_chain_read(ch, 0, b, sizeof(b)) && sim_get(b, 2) == EV_LED) {
		if ((code = sim_get(b + 2, 2)) >= 32 ||
		    sim_get(b + 4, 4) > 1)
			sim_fault("lamp %u", code);
		else if (sim_get(b + 4, 4) != 0)
			in->in_led |= 1U << code;
		else
			in->in_led &= ~(1U << code);
	}
	sim_chain_done(ch, in->in_used);
}

static void
request(struct sim_virtio *sv, struct sim_chain *ch)
{
	struct sim_input *in = sv->sv_priv;

	if (ch->ch_vq->sq_index == EVENTQ) {
		if (ch->ch_nout != 0 || ch->ch_inlen < EVENT_LEN)
			sim_fault("room for an event of %llu bytes, %u to "
			    "read", (unsigned long long)ch->ch_inlen,
			    ch->ch_nout);
	} else if (!in->in_hold)
		status(in, ch);
}

void
sim_input_release(struct sim_input *in)
{
	struct sim_chain *ch;

	in->in_hold = false;
	while ((ch = TAILQ_FIRST(&in->in_sv->sv_vq[STATUSQ].sq_held)) != NULL)
		status(in, ch);
}

bool
sim_input_raw(struct sim_input *in, const void *buf, size_t len,
    uint32_t used)
{
	struct sim_vq *sq = &in->in_sv->sv_vq[EVENTQ];
	struct sim_chain *ch;

	if ((ch = TAILQ_FIRST(&sq->sq_held)) == NULL) {
		(void)sim_virtio_run(in->in_sv);
		if ((ch = TAILQ_FIRST(&sq->sq_held)) == NULL) {
			in->in_ndropped++;
			return (false);
		}
	}
	if (len != 0)
		(void)sim_chain_write(ch, 0, buf, len);
	sim_chain_done(ch, used);
	return (true);
}

bool
sim_input_event(struct sim_input *in, u_int type, u_int code, uint32_t value)
{
	uint8_t b[EVENT_LEN];

	sim_put(b, 2, type);
	sim_put(b + 2, 2, code);
	sim_put(b + 4, 4, value);
	return (sim_input_raw(in, b, sizeof(b), in->in_used != 0 ?
	    in->in_used : sizeof(b)));
}

void
sim_input_set(struct sim_input *in, u_int select, u_int subsel,
    const void *data, u_int len)
{
	struct sim_input_cfg *ic;

	if ((ic = cfg_find(in, select, subsel)) == NULL) {
		KASSERT(in->in_ncfg < nitems(in->in_cfg));
		ic = &in->in_cfg[in->in_ncfg++];
	}
	memset(ic, 0, sizeof(*ic));
	ic->ic_select = select;
	ic->ic_subsel = subsel;
	if (data != NULL) {
		ic->ic_size = len;
		memcpy(ic->ic_data, data, MIN(len, sizeof(ic->ic_data)));
	}
}

void
sim_input_bits(struct sim_input *in, u_int type, u_int from, u_int to)
{
	uint8_t map[128] = { 0 };
	u_int i;

	for (i = from; i <= to; i++)
		map[i / 8] |= 1 << i % 8;
	sim_input_set(in, SIM_IN_BITS, type, map, to / 8 + 1);
}

struct sim_input *
sim_input_new(const struct sim_virtio_conf *given, const char *name)
{
	struct sim_virtio_conf vc = *given;
	struct sim_input *in;

	if ((in = host_alloc(sizeof(*in))) == NULL)
		host_fail("no memory");
	vc.vc_devid = 18;
	if (vc.vc_nvq == 0) {
		vc.vc_nvq = 2;
		vc.vc_qsize[0] = vc.vc_qsize[1] = 64;
	}
	vc.vc_cfgsize = C_LEN;
	vc.vc_request = request;
	vc.vc_config_written = config_written;
	in->in_sv = sim_virtio_new(&vc);
	in->in_sv->sv_priv = in;
	sim_input_set(in, CFG_NAME, 0, name, strlen(name));
	return (in);
}

void
sim_input_free(struct sim_input *in)
{
	sim_virtio_free(in->in_sv);
	host_free(in);
}

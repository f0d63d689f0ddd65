/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * VMware's channels: the command MESSAGE of the backdoor carries messages
 * over them, four bytes at a time or as a whole.  Over RPCI the guest asks
 * and the host replies.  Over TCLO the host asks: the guest sends nothing, or
 * its reply to what it got, and looks whether there is more.
 *
 * open-vm-tools, lib/include/guest_msg_def.h and lib/message/message.c.
 */

#include "hv.h"
#include "lib.h"

#define PROTOCOL_RPCI	0x49435052
#define PROTOCOL_TCLO	0x4f4c4354
#define FLAG_COOKIE	0x80000000

/* requests, and in replies what the host has for the guest */
#define OPEN		0
#define SENDSIZE	1
#define SENDPAYLOAD	2
#define RECVSIZE	3
#define RECVPAYLOAD	4
#define RECVSTATUS	5
#define CLOSE		6

#define SUCCESS		0x0001
#define DORECV		0x0002
#define CLOSED		0x0004
#define UNSENT		0x0008
#define CPT		0x0010
#define HB		0x0080

#define CHANNELS	8
#define MAX_IN		(64 * 1024)
#define TCLO_QUEUE	16
#define TCLO_SIZE	1024

struct channel {
	uint32_t protocol;		/* 0: not open */
	uint32_t cookie_hi, cookie_lo;
	uint32_t want, got;		/* of what the guest sends */
	uint32_t size, sent;		/* of what it gets */
	bool	 waiting;		/* there is something for it */
	bool	 asked;			/* its next message is a reply */
	char	 in[MAX_IN + 4];
	char	 out[VMWARE_REPLY];
};

static struct channel channels[CHANNELS];
static uint32_t	next_cookie = 0x2a5c0de1;

static struct {
	char	 text[TCLO_SIZE];
	size_t	 len;
} queue[TCLO_QUEUE];
static unsigned int queue_first, queued;

static uint64_t	opt_hb = 1;
static uint64_t	opt_greet = 1;		/* a new TCLO channel gets "reset" */
static uint64_t	opt_cookies = 1;
/* misbehaviour, most of it so many times */
static uint64_t	opt_refuse;		/* no channel is opened */
static uint64_t	opt_late;		/* looks before a reply is there */
static uint64_t	opt_never;		/* no reply ever is */
static uint64_t	opt_toolong;		/* this much longer than it is */
static uint64_t	opt_toolong_times;
static uint64_t	opt_status = ~0ULL;	/* a status instead of the right one */
static uint64_t	opt_status_after;	/* so many right ones first */
static uint64_t	opt_status_times = 1;
static uint64_t	opt_reply_type = ~0ULL;	/* a type of request in replies */
static uint64_t	opt_drop;		/* closes it with the nth data */
static uint64_t	opt_checkpoint;		/* one with the nth data */
static uint64_t	opt_checkpoint_close;	/* which closes all channels */
static uint64_t	late_left;

static void
set_status(struct hv_regs *r, uint32_t status)
{
	if (opt_status != ~0ULL && opt_status_times > 0) {
		if (opt_status_after > 0)
			opt_status_after--;
		else {
			opt_status_times--;
			status = opt_status;
		}
	}
	r->cx = (r->cx & 0xffff) | (uint64_t)(status & 0xffff) << 16;
}

static void
set_type(struct hv_regs *r, uint32_t type)
{
	if (opt_reply_type != ~0ULL)
		type = opt_reply_type;
	r->dx = (r->dx & 0xffff) | (uint64_t)(type & 0xffff) << 16;
}

static void
close_channel(struct channel *c)
{
	c->protocol = 0;
	c->want = c->got = c->size = c->sent = 0;
	c->waiting = c->asked = false;
}

/* Something for the guest. */
static void
offer(struct channel *c, size_t size)
{
	c->size = size;
	c->sent = 0;
	c->waiting = true;
	late_left = opt_late;
}

static void
open_channel(struct hv_regs *r)
{
	uint32_t protocol = (uint32_t)r->bx & ~FLAG_COOKIE;
	bool cookie = (r->bx & FLAG_COOKIE) != 0;
	struct channel *c;
	unsigned int i;

	for (i = 0; i < CHANNELS && channels[i].protocol != 0; i++)
		;
	if (opt_refuse > 0 || i == CHANNELS || (cookie && !opt_cookies) ||
	    (protocol != PROTOCOL_RPCI && protocol != PROTOCOL_TCLO)) {
		if (opt_refuse > 0)
			opt_refuse--;
		set_status(r, 0);
		return;
	}
	c = &channels[i];
	close_channel(c);
	c->protocol = protocol;
	if (cookie) {
		c->cookie_hi = next_cookie = next_cookie * 69069 + 1;
		c->cookie_lo = next_cookie = next_cookie * 69069 + 1;
		r->si = c->cookie_hi;
		r->di = c->cookie_lo;
	} else
		c->cookie_hi = c->cookie_lo = 0;
	r->dx = (r->dx & 0xffff) | (uint64_t)i << 16;
	set_status(r, SUCCESS);
	hv_event("open %u %s", i, protocol == PROTOCOL_RPCI ? "rpci" : "tclo");
	if (protocol == PROTOCOL_TCLO && opt_greet)
		vmware_tclo("reset", 5);
}

/* A message of the guest's is whole. */
static void
dispatch(struct channel *c)
{
	if (c->protocol == PROTOCOL_RPCI) {
		vmware_log("rpc", c->in, c->got);
		c->in[c->got] = '\0';
		offer(c, vmware_rpc(c->in, c->got, c->out));
	} else if (c->got > 0 || c->asked) {
		if (c->asked)
			vmware_log("tclo-reply", c->in, c->got);
		else
			vmware_log("tclo-unasked", c->in, c->got);
		c->asked = false;
	}
	c->want = c->got = 0;
}

/* What happens to a channel amid its data; true: it did. */
static bool
mishap(struct channel *c, uint32_t *status)
{
	unsigned int i;

	if (opt_drop > 0 && --opt_drop == 0) {
		close_channel(c);
		*status = CLOSED;
		return (true);
	}
	if (opt_checkpoint > 0 && --opt_checkpoint == 0) {
		c->want = c->got = c->sent = 0;
		if (opt_checkpoint_close)
			for (i = 0; i < CHANNELS; i++)
				close_channel(&channels[i]);
		*status = CPT;
		return (true);
	}
	return (false);
}

static void
send_size(struct channel *c, struct hv_regs *r)
{
	if (r->bx > MAX_IN) {
		set_status(r, 0);
		return;
	}
	c->want = r->bx;
	c->got = 0;
	if (c->protocol == PROTOCOL_RPCI)
		c->waiting = false;
	set_status(r, SUCCESS | (opt_hb ? HB : 0));
	if (c->want == 0)
		dispatch(c);
}

static void
send_payload(struct channel *c, struct hv_regs *r)
{
	uint32_t data = r->bx, n = c->want - c->got, status;

	if (n == 0) {
		set_status(r, 0);
		return;
	}
	if (mishap(c, &status)) {
		set_status(r, status);
		return;
	}
	memcpy(c->in + c->got, &data, 4);
	c->got += n < 4 ? n : 4;
	set_status(r, SUCCESS);
	if (c->got == c->want)
		dispatch(c);
}

/* What waits for the tools goes out when they look. */
static void
next_tclo(struct channel *c)
{
	if (queued == 0)
		return;
	memcpy(c->out, queue[queue_first].text, queue[queue_first].len);
	offer(c, queue[queue_first].len);
	queue_first = (queue_first + 1) % TCLO_QUEUE;
	queued--;
}

static void
recv_size(struct channel *c, struct hv_regs *r)
{
	uint32_t size;

	if (c->protocol == PROTOCOL_TCLO && !c->waiting && !c->asked)
		next_tclo(c);
	if (!c->waiting || opt_never) {
		set_status(r, SUCCESS);
		return;
	}
	if (late_left > 0) {
		late_left--;
		set_status(r, SUCCESS);
		return;
	}
	size = c->size;
	if (opt_toolong_times > 0) {
		opt_toolong_times--;
		size += opt_toolong;
	}
	c->sent = 0;
	r->bx = size;
	set_type(r, SENDSIZE);
	set_status(r, SUCCESS | DORECV | (opt_hb ? HB : 0));
}

static void
recv_payload(struct channel *c, struct hv_regs *r)
{
	uint32_t data = 0, n = c->size - c->sent, status;

	if (!c->waiting || (r->bx & SUCCESS) == 0) {
		/* it takes what there is not, or it gives up */
		set_status(r, c->waiting ? SUCCESS : 0);
		c->waiting = false;
		return;
	}
	if (mishap(c, &status)) {
		set_status(r, status);
		return;
	}
	n = n < 4 ? n : 4;
	memcpy(&data, c->out + c->sent, n);
	c->sent += n;
	r->bx = data;
	set_type(r, SENDPAYLOAD);
	set_status(r, SUCCESS);
}

static void
recv_status(struct channel *c, struct hv_regs *r)
{
	uint32_t status;

	if (mishap(c, &status)) {
		set_status(r, status);
		return;
	}
	c->waiting = false;
	if (c->protocol == PROTOCOL_TCLO)
		c->asked = true;
	set_status(r, SUCCESS);
}

static struct channel *
find(uint64_t dx, uint64_t hi, uint64_t lo)
{
	unsigned int id = dx >> 16 & 0xffff;
	struct channel *c;

	if (id >= CHANNELS)
		return (NULL);
	c = &channels[id];
	if (c->protocol == 0)
		return (NULL);
	if (c->cookie_hi != (uint32_t)hi || c->cookie_lo != (uint32_t)lo) {
		if (c->cookie_hi != 0 || c->cookie_lo != 0) {
			hv_event("bad-cookie %u", id);
			return (NULL);
		}
	}
	return (c);
}

void
vmware_message(struct hv_regs *r)
{
	unsigned int request = r->cx >> 16 & 0xffff;
	struct channel *c;

	r->bx = (uint32_t)r->bx;
	r->cx = (uint32_t)r->cx;
	r->dx = (uint32_t)r->dx;
	if (request == OPEN) {
		open_channel(r);
		return;
	}
	c = find(r->dx, r->si, r->di);
	if (c == NULL) {
		hv_event("no-channel %u request %u",
		    (unsigned int)(r->dx >> 16), request);
		set_status(r, CLOSED);
		return;
	}
	switch (request) {
	case SENDSIZE:
		send_size(c, r);
		break;
	case SENDPAYLOAD:
		send_payload(c, r);
		break;
	case RECVSIZE:
		recv_size(c, r);
		break;
	case RECVPAYLOAD:
		recv_payload(c, r);
		break;
	case RECVSTATUS:
		recv_status(c, r);
		break;
	case CLOSE:
		hv_event("close %u", (unsigned int)(c - channels));
		close_channel(c);
		set_status(r, SUCCESS);
		break;
	default:
		set_status(r, 0);
	}
}

/* --- all at once -------------------------------------------------------- */

static void
reverse(char *p, size_t n)
{
	char *q = p + n, t;

	while (n > 1 && p < --q) {
		t = *p;
		*p++ = *q;
		*q = t;
	}
}

/* The lowest address of a string; DF has it end where it would begin. */
static uint64_t
lowest(uint64_t offset, size_t n, bool out)
{
	return (hv_linear(hv_down() ? offset - (n - 1) : offset, !out));
}

static enum hv_result
bulk_out(struct channel *c, struct hv_regs *r, uint32_t *status)
{
	size_t n = (uint32_t)r->cx;

	if (n == 0 || n != c->want || c->got != 0)
		return (HV_DONE);
	if (!hv_copyin(c->in, lowest(r->si, n, true), n))
		return (HV_FAULT);
	if (mishap(c, status))
		return (HV_DONE);
	if (hv_down())
		reverse(c->in, n);
	c->got = n;
	r->si += hv_down() ? -n : n;
	*status = SUCCESS;
	dispatch(c);
	return (HV_DONE);
}

static enum hv_result
bulk_in(struct channel *c, struct hv_regs *r, uint32_t *status)
{
	size_t n = (uint32_t)r->cx;
	bool copied;

	if (!c->waiting || n == 0)
		return (HV_DONE);
	if (n > sizeof(c->out))
		n = sizeof(c->out);
	if (n > c->size)
		memset(c->out + c->size, 0, n - c->size);
	if (hv_down())
		reverse(c->out, n);
	copied = hv_copyout(lowest(r->di, n, false), c->out, n);
	if (hv_down())
		reverse(c->out, n);	/* as it was, for another try */
	if (!copied)
		return (HV_FAULT);
	if (mishap(c, status))
		return (HV_DONE);
	c->sent = c->size;
	r->di += hv_down() ? -n : n;
	*status = SUCCESS;
	return (HV_DONE);
}

enum hv_result
vmware_message_bulk(struct hv_regs *r, bool out)
{
	enum hv_result result = HV_DONE;
	uint32_t status = 0;
	struct channel *c;

	c = out ? find(r->dx, r->bp, r->di) : find(r->dx, r->si, r->bp);
	if (c == NULL)
		status = CLOSED;
	else if ((r->bx >> 16 & SUCCESS) == 0)
		c->waiting = false;
	else if (opt_hb)
		result = out ? bulk_out(c, r, &status) :
		    bulk_in(c, r, &status);
	if (result == HV_DONE) {
		r->bx = (r->bx & 0xffff) | (uint64_t)status << 16;
		r->cx = 0;
	}
	return (result);
}

const char *
vmware_tclo(const void *text, size_t len)
{
	unsigned int i = (queue_first + queued) % TCLO_QUEUE;

	if (len > TCLO_SIZE)
		return ("too long");
	if (queued == TCLO_QUEUE)
		return ("too many");
	memcpy(queue[i].text, text, len);
	queue[i].len = len;
	queued++;
	return (NULL);
}

bool
vmware_msg_option(const char *name, const char *value)
{
	static const struct hv_option options[] = {
		{ "hb",		&opt_hb },
		{ "greet",	&opt_greet },
		{ "cookies",	&opt_cookies },
		{ "refuse",	&opt_refuse },
		{ "late",	&opt_late },
		{ "never",	&opt_never },
		{ "toolong",	&opt_toolong },
		{ "toolong-times", &opt_toolong_times },
		{ "status",	&opt_status },
		{ "status-after", &opt_status_after },
		{ "status-times", &opt_status_times },
		{ "reply-type",	&opt_reply_type },
		{ "drop",	&opt_drop },
		{ "checkpoint",	&opt_checkpoint },
		{ "checkpoint-close", &opt_checkpoint_close },
	};

	return (hv_options(options, sizeof(options) / sizeof(options[0]),
	    name, value));
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Messages to and from VMware, by the registers of one instruction or, where
 * the host offers it, through a second port that takes all of one at once.
 *
 * A host that was saved and restored in the middle of a message says so, and
 * the message begins again.
 */

#include <sys/errno.h>
#include <sys/mutex.h>
#include <sys/synch.h>
#include <sys/systm.h>

#include <dev/pv/vmtvar.h>

#define VMT_TRIES	8		/* of a message that is interrupted */
#define VMT_RPC_WAIT	MSEC_TO_NSEC(10)
#define VMT_RPC_WAITS	200
#define VMT_NRPC	4		/* a host has eight channels */

static struct mutex	rpc_mtx = MUTEX_INITIALIZER(IPL_NONE);
static u_int		rpc_busy;

void
backdoor_cmd(struct backdoor *bd, uint16_t cmd, uint32_t arg)
{
	bd->bd_ax = BDOOR_MAGIC;
	bd->bd_bx = arg;
	bd->bd_cx = (bd->bd_cx & 0xffff0000) | cmd;
	bd->bd_dx = (bd->bd_dx & 0xffff0000) | BDOOR_PORT;
	md_backdoor(bd, BACKDOOR_IN);
}

/* One step of a message: the status that came back. */
static uint32_t
vmt_step(const struct vmt_chan *vc, struct backdoor *bd, uint32_t type,
    uint32_t arg)
{
	memset(bd, 0, sizeof(*bd));
	bd->bd_cx = type << 16;
	bd->bd_dx = (uint32_t)vc->vc_id << 16;
	bd->bd_si = vc->vc_cookie[0];
	bd->bd_di = vc->vc_cookie[1];
	backdoor_cmd(bd, BDOOR_CMD_MESSAGE, arg);
	return ((uint32_t)bd->bd_cx >> 16);
}

/* --- channels ----------------------------------------------------------- */

int
vmt_open(struct vmt_chan *vc, uint32_t proto)
{
	struct backdoor bd;

	memset(vc, 0, sizeof(*vc));
	if (!(vmt_step(vc, &bd, MESSAGE_TYPE_OPEN,
	    proto | GUESTMSG_FLAG_COOKIE) & MESSAGE_STATUS_SUCCESS) &&
	    !(vmt_step(vc, &bd, MESSAGE_TYPE_OPEN, proto) &
	    MESSAGE_STATUS_SUCCESS))
		return (EIO);
	vc->vc_proto = proto;
	vc->vc_id = (uint32_t)bd.bd_dx >> 16;
	vc->vc_cookie[0] = bd.bd_si;
	vc->vc_cookie[1] = bd.bd_di;
	vc->vc_open = true;
	return (0);
}

void
vmt_close(struct vmt_chan *vc)
{
	struct backdoor bd;

	if (vc->vc_open)
		(void)vmt_step(vc, &bd, MESSAGE_TYPE_CLOSE, 0);
	vc->vc_open = false;
}

/* --- to the host -------------------------------------------------------- */

static uint32_t
vmt_out_fast(const struct vmt_chan *vc, const void *buf, size_t len)
{
	struct backdoor bd = {
		.bd_ax = BDOOR_MAGIC,
		.bd_bx = MESSAGE_STATUS_SUCCESS << 16 | BDOORHB_CMD_MESSAGE,
		.bd_cx = len,
		.bd_dx = (uint32_t)vc->vc_id << 16 | BDOORHB_PORT,
		.bd_si = (uintptr_t)buf,
		.bd_di = vc->vc_cookie[1],
		.bd_bp = vc->vc_cookie[0],
	};

	md_backdoor(&bd, BACKDOOR_OUTSB);
	return ((uint32_t)bd.bd_bx >> 16);
}

static uint32_t
vmt_out(const struct vmt_chan *vc, const uint8_t *p, size_t len)
{
	uint32_t status = MESSAGE_STATUS_SUCCESS, piece;
	struct backdoor bd;
	size_t n, i;

	for (; len > 0 && (status & MESSAGE_STATUS_SUCCESS); p += n,
	    len -= n) {
		n = MIN(len, sizeof(piece));
		for (piece = 0, i = 0; i < n; i++)
			piece |= (uint32_t)p[i] << 8 * i;
		status = vmt_step(vc, &bd, MESSAGE_TYPE_SENDPAYLOAD, piece);
	}
	return (status);
}

int
vmt_send(const struct vmt_chan *vc, const void *buf, size_t len)
{
	struct backdoor bd;
	uint32_t status;
	u_int i;

	if (len > GUESTMSG_MAX_IN_SIZE)
		return (ERANGE);
	for (i = 0; i < VMT_TRIES; i++) {
		status = vmt_step(vc, &bd, MESSAGE_TYPE_SENDSIZE, len);
		if (!(status & MESSAGE_STATUS_SUCCESS))
			return (EIO);
		if (len != 0)
			status = status & MESSAGE_STATUS_HB ?
			    vmt_out_fast(vc, buf, len) : vmt_out(vc, buf, len);
		if (status & MESSAGE_STATUS_SUCCESS)
			return (0);
		if (!(status & MESSAGE_STATUS_CPT))
			return (EIO);
	}
	return (EIO);
}

/* --- from the host ------------------------------------------------------ */

static uint32_t
vmt_in_fast(const struct vmt_chan *vc, void *buf, size_t len)
{
	struct backdoor bd = {
		.bd_ax = BDOOR_MAGIC,
		.bd_bx = MESSAGE_STATUS_SUCCESS << 16 | BDOORHB_CMD_MESSAGE,
		.bd_cx = len,
		.bd_dx = (uint32_t)vc->vc_id << 16 | BDOORHB_PORT,
		.bd_si = vc->vc_cookie[0],
		.bd_di = (uintptr_t)buf,
		.bd_bp = vc->vc_cookie[1],
	};

	md_backdoor(&bd, BACKDOOR_INSB);
	return ((uint32_t)bd.bd_bx >> 16);
}

static uint32_t
vmt_in(const struct vmt_chan *vc, uint8_t *p, size_t len)
{
	uint32_t status = MESSAGE_STATUS_SUCCESS;
	struct backdoor bd;
	size_t n, i;

	for (; len > 0; p += n, len -= n) {
		status = vmt_step(vc, &bd, MESSAGE_TYPE_RECVPAYLOAD,
		    MESSAGE_STATUS_SUCCESS);
		if (!(status & MESSAGE_STATUS_SUCCESS))
			break;
		if ((uint32_t)bd.bd_dx >> 16 != MESSAGE_TYPE_SENDPAYLOAD)
			return (0);
		n = MIN(len, sizeof(uint32_t));
		for (i = 0; i < n; i++)
			p[i] = (uint32_t)bd.bd_bx >> 8 * i;
	}
	return (status);
}

/* Once; EAGAIN: again. */
static int
vmt_receive_once(const struct vmt_chan *vc, char *buf, size_t size,
    size_t *lenp)
{
	struct backdoor bd;
	uint32_t status, len;

	status = vmt_step(vc, &bd, MESSAGE_TYPE_RECVSIZE, 0);
	if (!(status & MESSAGE_STATUS_SUCCESS))
		return (EIO);
	if (!(status & MESSAGE_STATUS_DORECV))
		return (ENOENT);
	if ((uint32_t)bd.bd_dx >> 16 != MESSAGE_TYPE_SENDSIZE)
		return (EIO);
	*lenp = len = bd.bd_bx;
	if (len >= size) {
		(void)vmt_step(vc, &bd, MESSAGE_TYPE_RECVSTATUS, 0);
		return (ERANGE);
	}
	if (len != 0)
		status = status & MESSAGE_STATUS_HB ?
		    vmt_in_fast(vc, buf, len) : vmt_in(vc, (uint8_t *)buf, len);
	if (status & MESSAGE_STATUS_SUCCESS)
		status = vmt_step(vc, &bd, MESSAGE_TYPE_RECVSTATUS,
		    MESSAGE_STATUS_SUCCESS);
	buf[len] = '\0';
	return (status & MESSAGE_STATUS_SUCCESS ? 0 :
	    status & MESSAGE_STATUS_CPT ? EAGAIN : EIO);
}

int
vmt_receive(const struct vmt_chan *vc, char *buf, size_t size, size_t *lenp)
{
	u_int i;
	int error;

	for (i = 0; i < VMT_TRIES; i++) {
		if ((error = vmt_receive_once(vc, buf, size, lenp)) != EAGAIN)
			return (error);
	}
	return (EIO);
}

/* --- requests ----------------------------------------------------------- */

static void
vmt_rpc_enter(void)
{
	mtx_enter(&rpc_mtx);
	while (rpc_busy == VMT_NRPC)
		(void)msleep_nsec(&rpc_busy, &rpc_mtx, PRI_KERN, "vmtrpc",
		    INFSLP);
	rpc_busy++;
	mtx_leave(&rpc_mtx);
}

static void
vmt_rpc_exit(void)
{
	mtx_enter(&rpc_mtx);
	rpc_busy--;
	wakeup_one(&rpc_busy);
	mtx_leave(&rpc_mtx);
}

/* The answer is there at once, but for a host that is late. */
static int
vmt_rpc_answer(const struct vmt_chan *vc, char *buf, size_t size,
    size_t *lenp)
{
	u_int i;
	int error;

	for (i = 0; (error = vmt_receive(vc, buf, size, lenp)) == ENOENT &&
	    i < VMT_RPC_WAITS; i++) {
		mtx_enter(&rpc_mtx);
		(void)msleep_nsec(vc, &rpc_mtx, PRI_KERN, "vmtwait",
		    VMT_RPC_WAIT);
		mtx_leave(&rpc_mtx);
	}
	return (error == ENOENT ? EIO : error);
}

int
vmt_rpc(const void *req, size_t reqlen, char *buf, size_t size, size_t *lenp)
{
	struct vmt_chan vc;
	int error;

	vmt_rpc_enter();
	if ((error = vmt_open(&vc, VMT_PROTO_RPCI)) == 0) {
		if ((error = vmt_send(&vc, req, reqlen)) == 0)
			error = vmt_rpc_answer(&vc, buf, size, lenp);
		vmt_close(&vc);
	}
	vmt_rpc_exit();
	if (error != 0)
		return (error);
	/* "1 " and what was asked for, or "0 " and why not */
	if (*lenp < 1 || (buf[0] != '0' && buf[0] != '1') ||
	    (*lenp > 1 && buf[1] != ' '))
		return (EIO);
	if (buf[0] == '0')
		return (EINVAL);
	*lenp -= MIN(*lenp, 2);
	memmove(buf, buf + 2, *lenp);
	buf[*lenp] = '\0';
	return (0);
}

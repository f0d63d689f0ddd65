/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOCONVAR_H_
#define _DEV_PV_VIOCONVAR_H_

/*
 * viocon(4): what its files share.
 *
 *	viocon.c	attachment, queues, failure and recovery
 *	viocon_ctl.c	the control queues, and the thread that serves them
 *	viocon_port.c	ports that come and go, their names
 *	viocon_buf.c	buffers in the queues of a port
 *	viocon_dev.c	a port as a stream of bytes: /dev/vport
 *	viocon_tty.c	a port as a terminal, and as the kernel's console
 *
 * A port's queues and their buffers are there for each id that the device
 * may use, the buffers from the first use on: what is lent to a device can
 * only be had back by a reset, so they outlive the port.
 *
 * Locks of a port: p_rxmtx, then the tty's, then p_txmtx; of a device: the
 * mutexes of the control queues, then sc_mtx.  p_txmtx is the last of all,
 * and nothing is printed with it, so that the kernel's messages can take it.
 */

#include <sys/mutex.h>
#include <sys/selinfo.h>
#include <sys/timeout.h>
#include <sys/tty.h>

#include <dev/pv/vioconreg.h>
#include <dev/pv/virtiovar.h>

#define VIOCON_MAXPORTS	512	/* of those that a device claims to have */
#define VIOCON_NAMEMAX	128	/* bytes of a name */
#define VIOCON_NRX	32	/* sizes of a port's rings */
#define VIOCON_NTX	8

struct viocon_softc;
struct viocon_term;

struct viocon_buf {
	struct viocon_buf	*cb_next;	/* free, or to be sent */
	bus_size_t		 cb_off;	/* in its dmamem */
	size_t			 cb_len;	/* bytes in it */
	size_t			 cb_pos;	/* of those taken */
	bool			 cb_lent;
};

struct viocon_bufs {				/* of one queue */
	struct dmamem		 bs_mem;
	struct viocon_buf	*bs_buf;
	u_int			 bs_n;		/* 0: none yet */
	size_t			 bs_size;	/* of each */
};

struct viocon_port {
	struct viocon_softc	*p_sc;
	uint32_t		 p_id;

	struct mutex		 p_rxmtx;
	struct virtqueue	*p_rxq;
	struct viocon_bufs	 p_rx;
	struct viocon_buf	*p_rxheld;	/* not read to its end */
	u_int			 p_rxback;	/* lent, the device not told */
	bool			 p_rxbusy;	/* somebody copies from it */
	bool			 p_rxwait;	/* somebody waits for input */
	bool			 p_rxpoll;	/* or has polled for it */
	struct selinfo		 p_rsel;

	struct mutex		 p_txmtx;
	struct virtqueue	*p_txq;
	struct viocon_bufs	 p_tx;
	struct viocon_buf	*p_txfree;
	struct viocon_buf	*p_txhead, **p_txtail;	/* to be sent */
	u_int			 p_txbusy;	/* with the device */
	bool			 p_txwait;	/* somebody waits for room */
	bool			 p_txpoll;
	bool			 p_stalled;	/* the host does not read */
	struct selinfo		 p_wsel;

	/* written with both mutexes, read with either */
	struct cdev		*p_user;	/* by which it is open */
	struct cdev		*p_closed;	/* not to be opened any more */
	struct viocon_term	*p_term;
	bool			 p_hostopen;
	bool			 p_gone;	/* there is no such port */
	bool			 p_down;	/* nor will the device work */

	/* the control thread's, and attach's before there is one */
	bool			 p_here;	/* was added */
	bool			 p_fresh;	/* and not acknowledged */
	bool			 p_unsettled;	/* see viocon_port_settle() */
	bool			 p_again;	/* when it has been closed */
	bool			 p_console;	/* so the device says */
	bool			 p_hostnew;	/* p_hostopen when settled */
	bool			 p_sized;	/* RESIZE has come */
	u_int			 p_cols, p_rows;
	char			*p_name;	/* of the host; NULL: none */
	const char		*p_nameless;	/* why it was refused */
	struct cdev		*p_node, *p_oldnode;

	/* PORT_OPEN: p_rxmtx */
	bool			 p_ready;	/* the device may be told */
	bool			 p_telling;	/* somebody does */
	bool			 p_told;	/* that it is open */
};

struct viocon_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	bool			 sc_multi;
	bool			 sc_reset;	/* all of it, not one queue */
	u_int			 sc_nports;
	struct viocon_port	*sc_port;
	struct viocon_port	*sc_first;	/* the first console port */

	struct consdev		 sc_spare;	/* by the register alone */

	/* control, to the device */
	struct mutex		 sc_cttxmtx;
	struct virtqueue	*sc_cttxq;
	struct dmamem		 sc_cttxmem;
	uint64_t		 sc_cttxlent;	/* which messages; a bit each */
	u_int			 sc_ncttx;
	bool			 sc_mute;	/* it does not answer */

	/* and from it */
	struct mutex		 sc_ctrxmtx;
	struct virtqueue	*sc_ctrxq;
	struct dmamem		 sc_ctrxmem;
	uint64_t		 sc_ctrxlent;
	u_int			 sc_nctrx;

	struct mutex		 sc_mtx;	/* what the thread is to do */
	u_int			 sc_work;
	bool			 sc_exit;
	bool			 sc_settled;	/* for the first time */
	struct thread		*sc_thread;

	/* the thread's */
	u_int			 sc_credit;	/* messages in a row */
	uint64_t		 sc_credited;	/* when it got the last */
	u_int			 sc_ncomplaints;
	u_int			 sc_nuntold;	/* lines left out */
};

/* for sc_work */
#define VIOCON_MESSAGES	0x01		/* have come */
#define VIOCON_BEGIN	0x02		/* DEVICE_READY and all that follows */
#define VIOCON_SETTLE	0x04		/* look at the ports */
#define VIOCON_SIZE	0x08		/* and at the size of the first */
#define VIOCON_DOWN	0x10		/* the device is given up */

/* --- viocon.c ----------------------------------------------------------- */

/* The size of the far end's window, if the device says it. */
bool	 viocon_winsize(struct viocon_softc *, u_int *, u_int *);
/* Characters through the register; any context. */
void	 viocon_emergency(struct viocon_softc *, const char *, size_t);

/* --- viocon_ctl.c ------------------------------------------------------- */

/*
 * viocon_ctl_init: memory for messages, and the thread; ENOMEM.
 * viocon_ctl_end: the thread has ended when this returns.
 * viocon_ctl_free: the memory, when the device is stopped.
 * viocon_ctl_send: thread context; waits a second at most for room.
 *	ETIMEDOUT: the device does not take it.  ENXIO: not now.
 * viocon_ctl_wake: any context.
 * viocon_ctl_wait: until the ports that the device has now are known, for
 *	some seconds at most.
 */
int	 viocon_ctl_init(struct viocon_softc *);
void	 viocon_ctl_end(struct viocon_softc *);
void	 viocon_ctl_free(struct viocon_softc *);
int	 viocon_ctl_send(struct viocon_softc *, uint32_t, u_int, u_int);
void	 viocon_ctl_wake(struct viocon_softc *, u_int);
void	 viocon_ctl_wait(struct viocon_softc *);
void	 viocon_ctl_fill(struct viocon_softc *);
void	 viocon_ctl_drain(struct viocon_softc *);
void	 viocon_ctl_rxintr(void *);
void	 viocon_ctl_txintr(void *);
/* A line about a port, or about nonsense, unless there were too many. */
void	 viocon_say(struct viocon_softc *, const char *, ...)
	    __printflike(2, 3);
void	 viocon_complain(struct viocon_softc *, const char *, ...)
	    __printflike(2, 3);

/* --- viocon_port.c ------------------------------------------------------ */

/* All in the control thread but init. */
void	 viocon_port_init(struct viocon_port *, struct viocon_softc *,
	    uint32_t);
void	 viocon_port_add(struct viocon_port *);
void	 viocon_port_remove(struct viocon_port *);
void	 viocon_port_setname(struct viocon_port *, const char *, size_t,
	    bool cut);
void	 viocon_port_hostopen(struct viocon_port *, bool);
/* Make nodes and terminals as the device's messages ask for it. */
void	 viocon_port_settle(struct viocon_port *);
/* After a reset; in any thread. */
void	 viocon_port_resume(struct viocon_port *);
/* Nothing will ever work again; in any thread. */
void	 viocon_port_down(struct viocon_port *);
/* Tell the host whether it is open, if it does not know; thread context. */
int	 viocon_port_tell(struct viocon_port *);
/* Both mutexes. */
void	 viocon_port_enter(struct viocon_port *);
void	 viocon_port_leave(struct viocon_port *);

/* --- viocon_buf.c ------------------------------------------------------- */

/*
 * viocon_buf_alloc: thread context; if there are none yet.  ENOMEM.
 *
 * With p_rxmtx:
 * viocon_rx_fill: lend all that is not in use; tells the device.
 * viocon_rx_next: the next that has something in it, or NULL.
 * viocon_rx_done: lend one again; the device is told by and by.
 * viocon_rx_tell: tell it now.
 *
 * With p_txmtx:
 * viocon_tx_get: an empty one, or NULL.
 * viocon_tx_put: send it, or keep it until that can be done.
 * viocon_tx_free: it is not sent.
 * viocon_tx_flush: send what was kept; tells the device.
 * viocon_tx_reap: take back what the device is done with.
 */
int	 viocon_buf_alloc(struct viocon_port *, u_int, size_t, u_int, size_t);
void	 viocon_buf_free(struct viocon_port *);
void	 viocon_buf_drain(struct viocon_port *);
char	*viocon_rx_data(const struct viocon_port *, const struct viocon_buf *);
void	 viocon_rx_fill(struct viocon_port *);
struct viocon_buf *viocon_rx_next(struct viocon_port *);
void	 viocon_rx_done(struct viocon_port *, struct viocon_buf *);
void	 viocon_rx_tell(struct viocon_port *);
char	*viocon_tx_data(const struct viocon_port *, const struct viocon_buf *);
struct viocon_buf *viocon_tx_get(struct viocon_port *);
void	 viocon_tx_put(struct viocon_port *, struct viocon_buf *);
void	 viocon_tx_free(struct viocon_port *, struct viocon_buf *);
void	 viocon_tx_flush(struct viocon_port *);
void	 viocon_tx_reap(struct viocon_port *);
void	 viocon_tx_discard(struct viocon_port *);

/* --- viocon_dev.c ------------------------------------------------------- */

extern const struct cdevsw viocon_cdevsw;
/* Whoever waits looks again; both mutexes. */
void	 viocon_dev_wake(struct viocon_port *);
void	 viocon_dev_rxintr(struct viocon_port *);	/* p_rxmtx */
void	 viocon_dev_txintr(struct viocon_port *);	/* p_txmtx */

/* --- viocon_tty.c ------------------------------------------------------- */

/*
 * Thread context; ENOMEM, EEXIST.  After detach the terminal's users have
 * been hung up and the kernel talks elsewhere.
 */
int	 viocon_term_attach(struct viocon_port *);
void	 viocon_term_detach(struct viocon_port *);
void	 viocon_term_console(struct viocon_port *);	/* for the kernel */
void	 viocon_term_resume(struct viocon_port *);	/* if it is one */
void	 viocon_term_down(struct viocon_port *);	/* for ever */
void	 viocon_term_size(struct viocon_port *);
void	 viocon_term_alias(struct viocon_port *);	/* by p_name */
void	 viocon_term_rx(struct viocon_port *);		/* p_rxmtx */
void	 viocon_term_tx(struct viocon_port *);		/* no mutex */
const char *viocon_term_name(const struct viocon_port *);
/* What can be heard without a port: a panic, while there is no console. */
void	 viocon_cons_attach(struct viocon_softc *);
void	 viocon_cons_detach(struct viocon_softc *);

#endif /* _DEV_PV_VIOCONVAR_H_ */

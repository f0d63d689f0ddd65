/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_VIOGPUVAR_H_
#define _DEV_PV_VIOGPUVAR_H_

/*
 * What the parts of viogpu(4) have in common.
 *
 * Locks: sc_lock (modes, and commands that are waited for), then a frame
 * buffer's fb_lock, then sc_mtx (the control queue and what is drawn), which
 * is the last one, as sc_curmtx of the cursor queue is.
 */

#include <sys/fb.h>
#include <sys/queue.h>
#include <sys/sysctl.h>
#include <sys/timeout.h>

#include <dev/pv/viogpureg.h>
#include <dev/pv/virtiovar.h>

#define VIOGPU_NCMDS	64		/* that nobody waits for */
#define VIOGPU_NRECTS	8		/* damage of a screen, before merging */
#define VIOGPU_MSEC	5000		/* a command may take that long */
#define VIOGPU_MAXALIGN	(16U << 20)	/* bytes, of blobs */
#define VIOGPU_SETUP	4096		/* bytes of sc_setup */

/* A command that nobody waits for, and its answer, in sc_cmdmem. */
struct viogpu_cmd {
	struct viogpu_cmd	*vc_next;	/* free list */
	struct viogpu_scanout	*vc_so;		/* whose */
	bus_size_t		 vc_off;
	uint32_t		 vc_type;
};
#define VIOGPU_CMDSIZE	128		/* command, then the answer */
#define VIOGPU_ANSWER	(VIOGPU_CMDSIZE - sizeof(struct virtio_gpu_ctrl_hdr))

/* A resource of the device, and the memory that it is filled from. */
struct viogpu_buf {
	LIST_ENTRY(viogpu_buf) vb_link;		/* sc_limbo */
	uint32_t	 vb_id;			/* 0: the device has none */
	uint8_t		*vb_pixels;
	size_t		 vb_size;
	bus_dmamap_t	 vb_map;
	u_int		 vb_width, vb_height;
	uint32_t	 vb_format;
	bool		 vb_blob;
};

struct viogpu_mode {
	uint16_t	vm_width, vm_height;
};
#define VIOGPU_NMODES	24

/* What a monitor says of itself. */
struct viogpu_edid {
	char			ve_name[14];	/* "" */
	u_int			ve_mm[2];	/* size, 0: does not say */
	struct viogpu_mode	ve_mode[VIOGPU_NMODES]; /* the best one first */
	u_int			ve_nmodes;
};

struct viogpu_scanout {
	struct viogpu_softc	*so_sc;
	u_int			 so_id;
	struct fb		 so_fb;
	struct fbdev		*so_fbdev;
	struct viogpu_buf	*so_buf;	/* NULL: never had a mode */
	struct viogpu_edid	 so_edid;

	/* sc_lock */
	u_int			 so_wantw, so_wanth;	/* 0: not connected */
	u_int			 so_ownw, so_ownh;	/* chosen by a user */
	bool			 so_blank;
	bool			 so_failed;	/* was said */
	struct sysctl_oid	 so_oid[3];
	u_int			 so_noids;

	/* sc_mtx */
	bool			 so_live;	/* shown: damage is sent */
	u_int			 so_inflight;	/* commands */
	struct fb_rect		 so_rect[VIOGPU_NRECTS];
	u_int			 so_nrects;
	bool			 so_half;	/* transferred, not flushed: */
	struct fb_rect		 so_halfrect;
	bool			 so_refused;	/* was said */

	/* sc_lock */
	struct viogpu_buf	*so_curbuf;

	/* sc_curmtx */
	uint32_t		 so_curid;
	u_int			 so_curx, so_cury, so_hotx, so_hoty;
	u_int			 so_curnews;	/* VIOGPU_CURSOR_* to be told */
	bool			 so_curshown;
};

#define VIOGPU_CURSOR_MOVE	0x01
#define VIOGPU_CURSOR_UPDATE	0x02

struct viogpu_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct virtqueue	*sc_ctlq, *sc_curq;
	bool			 sc_blob;	/* no copies at the host's */
	uint32_t		 sc_align;	/* of their size */

	struct rwlock		 sc_lock;
	struct dmamem		 sc_setup;	/* a command waited for */
	struct dmamem		 sc_table;	/* one with a table of pages */
	uint32_t		 sc_lastid;	/* of a resource */
	uint64_t		 sc_fence;
	bool			 sc_lost;	/* they are, until a reset */
	LIST_HEAD(, viogpu_buf)	 sc_limbo;	/* as these are */
	bool			 sc_forgot;	/* the device, all it had */
	bool			 sc_dead;
	bool			 sc_stop;	/* is being detached */
	struct viogpu_scanout	*sc_so;
	u_int			 sc_nso;

	struct mutex		 sc_mtx;
	struct dmamem		 sc_cmdmem;
	struct viogpu_cmd	 sc_cmd[VIOGPU_NCMDS];
	struct viogpu_cmd	*sc_free;
	u_int			 sc_nfree;
	u_int			 sc_busy;	/* commands in flight, in all */
	bool			 sc_polling;	/* after a panic */
	uint64_t		 sc_alive;	/* one came back, or went */
	struct timeout		 sc_watch;
	struct timeout		 sc_soft;	/* look at the queue */

	struct mutex		 sc_curmtx;
	struct dmamem		 sc_curmem;
	bool			 sc_curbusy;
};

/*
 * viogpu_cmd.c: commands.  With sc_lock for writing.
 *
 * viogpu_request: where a command of that type and length is to be written;
 *	the header is there, the rest is zero.
 * viogpu_table: the same with memory of its own, for what is longer.  NULL.
 * viogpu_call: sends the one or the other, that long, and waits.  The answer
 *	must be of type want and at least resplen long: viogpu_answer().  EIO,
 *	ENOMEM or EINVAL: the device says so, and one line tells, unless it is
 *	quiet.  Others: it is being reset.
 * viogpu_error: what an answer says; 0: that it was done.
 */
void	*viogpu_request(struct viogpu_softc *, uint32_t, size_t);
void	 viogpu_header(struct viogpu_softc *, struct virtio_gpu_ctrl_hdr *,
	    uint32_t, bool fence);
void	*viogpu_table(struct viogpu_softc *, uint32_t, size_t);
int	 viogpu_call(struct viogpu_softc *, const void *, size_t,
	    uint32_t want, size_t resplen, int);
#define VIOGPU_QUIET	0x01
const char *viogpu_name(uint32_t);
const void *viogpu_answer(const struct viogpu_softc *);
int	 viogpu_error(uint32_t type, const char **);
void	 viogpu_setrect(struct virtio_gpu_rect *, const struct fb_rect *);

/*
 * viogpu_buf.c: resources.  With sc_lock for writing.
 *
 * viogpu_buf_create: memory for so many pixels, black.  ENOMEM.
 * viogpu_buf_make: the resource at the device, backed by it.
 * viogpu_buf_unmake: the device has it no more, whether it knew it or not.
 * viogpu_buf_gone: the same; if it does not give it back it is reset.
 * viogpu_buf_free: both go; NULL is allowed.  What the device does not give
 *	back stays ours until it has been reset.
 * viogpu_buf_reap: it has been, or has been stopped for ever.
 * viogpu_buf_ask: it has not, but answers again.
 * viogpu_buf_show: a scanout shows it; NULL: nothing.
 * viogpu_buf_fill: all of it to the device, and wait.
 */
int	viogpu_buf_create(struct viogpu_softc *, u_int, u_int, uint32_t,
	    struct viogpu_buf **);
int	viogpu_buf_make(struct viogpu_softc *, struct viogpu_buf *);
void	viogpu_buf_unmake(struct viogpu_softc *, struct viogpu_buf *);
bool	viogpu_buf_gone(struct viogpu_softc *, struct viogpu_buf *);
void	viogpu_buf_free(struct viogpu_softc *, struct viogpu_buf *);
void	viogpu_buf_reap(struct viogpu_softc *);
void	viogpu_buf_ask(struct viogpu_softc *);
int	viogpu_buf_show(struct viogpu_softc *, u_int, struct viogpu_buf *);
int	viogpu_buf_fill(struct viogpu_softc *, struct viogpu_buf *);

/*
 * viogpu_draw.c: what was drawn goes to the device.
 *
 * viogpu_draw_init: the places for commands.  ENOMEM.
 * viogpu_live: with sc_lock; a scanout's buffer is shown, all of it is damage.
 * viogpu_quiet: with sc_lock; it is not any more, and nothing is on its way,
 *	unless the device has failed: then all of that waits for its reset.
 * viogpu_draw_void: the device was stopped: what it had is taken back.
 */
int	viogpu_draw_init(struct viogpu_softc *);
void	viogpu_live(struct viogpu_scanout *);
void	viogpu_quiet(struct viogpu_scanout *);
void	viogpu_draw_void(struct viogpu_softc *);
void	viogpu_intr(void *);
void	viogpu_watch(void *);
void	viogpu_damage(struct fb *, const struct fb_rect *);
bool	viogpu_idle(struct fb *);
void	viogpu_poll(struct fb *);

/* viogpu_cursor.c; with sc_lock but for the interrupt */
int	viogpu_cursor(struct fb *, const struct fb_cursor *);
int	viogpu_cursor_again(struct viogpu_scanout *);
void	viogpu_cursor_intr(void *);
void	viogpu_cursor_void(struct viogpu_softc *);

/* viogpu_edid.c: false: it is not an EDID */
bool	viogpu_edid(const uint8_t *, size_t, struct viogpu_edid *);

/* viogpu_sysctl.c: hw.viogpuN.M.*; failure leaves them out */
void	viogpu_sysctl_attach(struct viogpu_scanout *);
void	viogpu_sysctl_detach(struct viogpu_scanout *);

/* viogpu.c: 0 by 0: the host's choice */
int	viogpu_mode(struct fb *, u_int, u_int);

#endif /* _DEV_PV_VIOGPUVAR_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * viomb(4): virtio memory balloon
 *
 * The host says how many pages it wants to have back; a thread takes them
 * from the page allocator, a few megabytes at a time, and tells the host
 * which they are.  When it wants fewer, or when a program would die of want
 * and the host allows it, they come back.
 *
 * Besides, the host is told of free memory that stays ours: at its request
 * (hints, for a migration), or by and by (reports).
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/rwlock.h>
#include <sys/synch.h>
#include <sys/sysctl.h>
#include <sys/systm.h>
#include <sys/timeout.h>
#include <sys/uio.h>

#include <dev/pv/viombreg.h>
#include <dev/pv/virtiovar.h>
#include <vm/vm_map.h>
#include <vm/vm_page.h>

#define VIOMB_STEP	1024		/* pages told of at a time */
#define VIOMB_OOM	256		/* taken back when there is want */
#define VIOMB_NREPORT	32		/* blocks in one report */
#define VIOMB_CALL_MSEC	60000
#define VIOMB_RETRY	5		/* seconds, if there was not enough */
#define VIOMB_QUIET	2		/* seconds before a report */
#define VIOMB_NSTATS	6
#define CHUNK_NPAGES	1000

_Static_assert(PAGE_SHIFT == BALLOON_PAGE_SHIFT, "pages of the balloon");

/* pages that the host has */
struct viomb_chunk {
	LIST_ENTRY(viomb_chunk)	 vc_link;
	u_int			 vc_n;
	uint32_t		 vc_page[CHUNK_NPAGES];
};

/* a free block that the host was told of, and that nobody may use yet */
struct viomb_hint {
	LIST_ENTRY(viomb_hint)	 vh_link;
	paddr_t			 vh_pa;
	u_int			 vh_order;
};

struct viomb_softc {
	struct device		 sc_dev;
	struct virtio_softc	*sc_vsc;
	struct virtqueue	*sc_vq[VIOMB_NQUEUES];	/* NULL: has none */
	struct mutex		 sc_vqmtx[VIOMB_NQUEUES];
	struct dmamem		 sc_array;	/* page numbers, */
	struct dmamem		 sc_stats;	/* and what else is sent */
	struct dmamem		 sc_cmd;
	bus_dmamap_t		 sc_map;	/* of blocks */

	struct rwlock		 sc_lock;	/* the balloon; calls */
	LIST_HEAD(, viomb_chunk) sc_chunks;
	LIST_HEAD(, viomb_hint)	 sc_hints;
	uint32_t		 sc_actual;	/* pages in it */
	uint32_t		 sc_hintid;	/* the round that was done */
	bool			 sc_said;	/* that there is not enough */
	/* a call ran out of time: until the reset the device may write */
	bool			 sc_lost;
	struct iovec		 sc_block[VIOMB_NREPORT];	/* reported */
	u_int			 sc_order[VIOMB_NREPORT], sc_nblocks;

	struct mutex		 sc_mtx;	/* what the thread is to do */
	uint32_t		 sc_target;	/* pages */
	uint32_t		 sc_wanthint;
	bool			 sc_work, sc_report, sc_stop, sc_exit;
	struct thread		*sc_thread;
	struct timeout		 sc_retry, sc_quiet;

	struct vm_reclaim	 sc_reclaim;
	bool			 sc_reclaims;
	struct sysctl_oid	 sc_oid[2];
	u_int			 sc_noids;
};

int	viomb_attach(struct device *, struct device *, void *);
int	viomb_detach(struct device *, int);

VIRTIO_ATTACH_DECL(viomb, viomb_softc, VIRTIO_ID_BALLOON, "memory balloon");

static void	viomb_teardown(struct viomb_softc *);

static const struct virtio_feature viomb_features[] = {
	{ VIRTIO_BALLOON_F_MUST_TELL_HOST, 0, 0, "MUST_TELL_HOST" },
	{ VIRTIO_BALLOON_F_STATS_VQ, 0, 0, "STATS_VQ" },
	{ VIRTIO_BALLOON_F_DEFLATE_ON_OOM, 0, 0, "DEFLATE_ON_OOM" },
	{ VIRTIO_BALLOON_F_FREE_PAGE_HINT, 0, 0, "FREE_PAGE_HINT" },
	{ VIRTIO_BALLOON_F_PAGE_POISON, 0, 0, "PAGE_POISON" },
	{ VIRTIO_BALLOON_F_PAGE_REPORTING, 0, 0, "PAGE_REPORTING" },
};

static const struct virtio_field viomb_wanted[] = {
	VIRTIO_FIELD(virtio_balloon_config, num_pages, 0),
	VIRTIO_FIELD(virtio_balloon_config, free_page_hint_cmd_id,
	    VIRTIO_BALLOON_F_FREE_PAGE_HINT),
};
static const struct virtio_field viomb_actual[] = {
	VIRTIO_FIELD(virtio_balloon_config, actual, 0),
};
static const struct virtio_field viomb_poison[] = {
	VIRTIO_FIELD(virtio_balloon_config, poison_val,
	    VIRTIO_BALLOON_F_PAGE_POISON),
};

/* --- asking the host ---------------------------------------------------- */

static void
viomb_wake(struct viomb_softc *sc, bool *what)
{
	mtx_enter(&sc->sc_mtx);
	*what = true;
	wakeup(&sc->sc_work);
	mtx_leave(&sc->sc_mtx);
}

/* Some call has been answered; vq_dequeue() wakes who waits for it. */
static void
viomb_called(struct viomb_softc *sc, u_int q)
{
	uint32_t len;

	mtx_enter(&sc->sc_vqmtx[q]);
	do {
		while (vq_dequeue(sc->sc_vq[q], &len) != NULL)
			;
	} while (vq_intr_enable(sc->sc_vq[q], 0));
	mtx_leave(&sc->sc_vqmtx[q]);
}

static void
viomb_inflate_intr(void *arg)
{
	viomb_called(arg, VIOMB_INFLATEQ);
}

static void
viomb_deflate_intr(void *arg)
{
	viomb_called(arg, VIOMB_DEFLATEQ);
}

static void
viomb_hint_intr(void *arg)
{
	viomb_called(arg, VIOMB_HINTQ);
}

static void
viomb_report_intr(void *arg)
{
	viomb_called(arg, VIOMB_REPORTQ);
}

/*
 * With sc_lock and the queue's mutex.  ETIMEDOUT: the device has it, until it
 * is reset; other errors: it has not, or not any more.
 */
static int
viomb_ask(struct viomb_softc *sc, u_int q, const struct vq_sg *sg)
{
	uint32_t used;
	int error;

	if (sc->sc_lost)
		return (EIO);
	error = vq_call(sc->sc_vq[q], sg, &used, VIOMB_CALL_MSEC);
	sc->sc_lost = error == ETIMEDOUT;
	return (error);
}

/* With sc_lock.  What is in the memory goes to the host, and comes back. */
static int
viomb_call(struct viomb_softc *sc, u_int q, const struct dmamem *mem,
    size_t len)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	int error;

	mtx_enter(&sc->sc_vqmtx[q]);
	if ((error = vq_sg_out_mem(&sg, mem, 0, len)) == 0)
		error = viomb_ask(sc, q, &sg);
	mtx_leave(&sc->sc_vqmtx[q]);
	return (error);
}

static void
viomb_tell_actual(struct viomb_softc *sc)
{
	struct virtio_balloon_config conf = { .actual = sc->sc_actual };

	(void)virtio_config_write(sc->sc_vsc, viomb_actual,
	    nitems(viomb_actual), &conf);
}

/* --- the balloon -------------------------------------------------------- */

/* The guest keeps a sixteenth of its memory, and four megabytes at least. */
static uint64_t
viomb_floor(void)
{
	return (MAX(vm_page_total() / 16, atop(4 << 20)));
}

static bool
chunk_put(struct viomb_softc *sc, uint32_t page)
{
	struct viomb_chunk *vc = LIST_FIRST(&sc->sc_chunks);

	if (vc == NULL || vc->vc_n == CHUNK_NPAGES) {
		if ((vc = kmem_alloc(sizeof(*vc), KM_NOSLEEP)) == NULL)
			return (false);
		vc->vc_n = 0;
		LIST_INSERT_HEAD(&sc->sc_chunks, vc, vc_link);
	}
	vc->vc_page[vc->vc_n++] = page;
	return (true);
}

static bool
chunk_get(struct viomb_softc *sc, uint32_t *page)
{
	struct viomb_chunk *vc = LIST_FIRST(&sc->sc_chunks);

	if (vc == NULL)
		return (false);
	*page = vc->vc_page[--vc->vc_n];
	if (vc->vc_n == 0) {
		LIST_REMOVE(vc, vc_link);
		kmem_free(vc, sizeof(*vc));
	}
	return (true);
}

static void
viomb_free_page(struct viomb_softc *sc, uint32_t page)
{
	paddr_t pa = (paddr_t)page << BALLOON_PAGE_SHIFT;

	/* 5.5.6.5: what we have promised is there */
	if (virtio_has(sc->sc_vsc, VIRTIO_BALLOON_F_PAGE_POISON))
		memset(vm_direct(pa), 0, PAGE_SIZE);
	vm_page_free(pa, 0);
}

static le32_w *
viomb_array(struct viomb_softc *sc)
{
	return (sc->sc_array.dmm_kva);
}

/* Up to n pages that the guest can do without; how many there are. */
static u_int
viomb_take(struct viomb_softc *sc, u_int n)
{
	le32_w *array = viomb_array(sc);
	paddr_t pa;
	u_int i;

	for (i = 0; i < n && vm_page_avail() > viomb_floor(); i++) {
		if ((pa = vm_page_alloc(0, VM_PAGE_USER)) == 0)
			break;
		if (pa >> BALLOON_PAGE_SHIFT > UINT32_MAX) {
			vm_page_free(pa, 0);	/* has no number: 16 TB */
			break;
		}
		le32_store(&array[i], pa >> BALLOON_PAGE_SHIFT);
	}
	return (i);
}

/* With sc_lock.  ENOMEM: there are none to be had. */
static int
viomb_inflate(struct viomb_softc *sc, u_int n)
{
	le32_w *array = viomb_array(sc);
	u_int i, got = viomb_take(sc, MIN(n, VIOMB_STEP)), kept = 0;
	uint32_t page;
	int error;

	/* a place for each, before they are the host's */
	while (kept < got && chunk_put(sc, le32_load(&array[kept])))
		kept++;
	for (i = kept; i < got; i++)
		vm_page_free((paddr_t)le32_load(&array[i]) <<
		    BALLOON_PAGE_SHIFT, 0);
	if (kept == 0)
		return (ENOMEM);
	error = viomb_call(sc, VIOMB_INFLATEQ, &sc->sc_array,
	    kept * sizeof(*array));
	if (error == 0) {
		sc->sc_actual += kept;
		viomb_tell_actual(sc);
	} else if (!sc->sc_lost) {
		while (kept-- > 0 && chunk_get(sc, &page))
			vm_page_free((paddr_t)page << BALLOON_PAGE_SHIFT, 0);
	}
	return (error);
}

/* With sc_lock.  The host is told before they are used: MUST_TELL_HOST. */
static int
viomb_deflate(struct viomb_softc *sc, u_int n)
{
	struct viomb_chunk *vc = LIST_FIRST(&sc->sc_chunks);
	le32_w *array = viomb_array(sc);
	uint32_t page;
	int error;
	u_int i;

	if (vc == NULL)
		return (ENOENT);
	n = MIN(MIN(n, VIOMB_STEP), vc->vc_n);
	for (i = 0; i < n; i++)
		le32_store(&array[i], vc->vc_page[vc->vc_n - 1 - i]);
	/* what it does not hear of stays its own */
	if ((error = viomb_call(sc, VIOMB_DEFLATEQ, &sc->sc_array,
	    n * sizeof(*array))) != 0)
		return (error);
	for (i = 0; i < n && chunk_get(sc, &page); i++)
		viomb_free_page(sc, page);
	sc->sc_actual -= n;
	viomb_tell_actual(sc);
	return (0);
}

/* --- hints: 5.5.6.4 ----------------------------------------------------- */

static void
hints_release(struct viomb_softc *sc)
{
	struct viomb_hint *vh;

	while ((vh = LIST_FIRST(&sc->sc_hints)) != NULL) {
		LIST_REMOVE(vh, vh_link);
		vm_page_free(vh->vh_pa, vh->vh_order);
		kmem_free(vh, sizeof(*vh));
	}
}

/* Blocks for the device to write to, as one request. */
static int
viomb_blocks(struct viomb_softc *sc, u_int q, struct iovec *iov, u_int n,
    size_t len)
{
	VQ_SG_DECL(sg, VIOMB_NREPORT, virtio_dmat(sc->sc_vsc));
	struct uio uio = { .uio_iov = iov, .uio_iovcnt = n,
	    .uio_resid = len, .uio_segflg = UIO_SYSSPACE,
	    .uio_rw = UIO_READ };
	int error;

	if (sc->sc_lost)
		return (EIO);
	if ((error = bus_dmamap_load_uio(virtio_dmat(sc->sc_vsc), sc->sc_map,
	    &uio, BUS_DMA_NOWAIT | BUS_DMA_READ)) != 0)
		return (error);
	mtx_enter(&sc->sc_vqmtx[q]);
	if ((error = vq_sg_in(&sg, sc->sc_map, 0, len)) == 0)
		error = viomb_ask(sc, q, &sg);
	mtx_leave(&sc->sc_vqmtx[q]);
	if (!sc->sc_lost)
		bus_dmamap_unload(virtio_dmat(sc->sc_vsc), sc->sc_map);
	return (error);
}

static int
viomb_hint_block(struct viomb_softc *sc)
{
	struct viomb_hint *vh;
	struct iovec iov;
	int error;

	if (vm_page_avail() < viomb_floor() + (1UL << VM_ORDER_MAX) ||
	    (vh = kmem_alloc(sizeof(*vh), KM_NOSLEEP)) == NULL)
		return (ENOMEM);
	vh->vh_order = VM_ORDER_MAX;
	if ((vh->vh_pa = vm_page_alloc(VM_ORDER_MAX, VM_PAGE_USER)) == 0) {
		kmem_free(vh, sizeof(*vh));
		return (ENOMEM);
	}
	LIST_INSERT_HEAD(&sc->sc_hints, vh, vh_link);
	iov = (struct iovec){ vm_direct(vh->vh_pa),
	    PAGE_SIZE << VM_ORDER_MAX };
	error = viomb_blocks(sc, VIOMB_HINTQ, &iov, 1, iov.iov_len);
	return (error);
}

static bool
viomb_hint_goes_on(struct viomb_softc *sc, uint32_t id)
{
	bool on;

	mtx_enter(&sc->sc_mtx);
	on = sc->sc_wanthint == id && !sc->sc_exit;
	mtx_leave(&sc->sc_mtx);
	return (on);
}

static int
viomb_hint_cmd(struct viomb_softc *sc, uint32_t id)
{
	le32_store((le32_w *)sc->sc_cmd.dmm_kva, id);
	return (viomb_call(sc, VIOMB_HINTQ, &sc->sc_cmd, sizeof(le32_w)));
}

/* With sc_lock. */
static void
viomb_hint(struct viomb_softc *sc, uint32_t id)
{
	int error;

	if (id == sc->sc_hintid)
		return;
	sc->sc_hintid = id;
	if (id == VIRTIO_BALLOON_CMD_ID_DONE)
		hints_release(sc);
	if (id <= VIRTIO_BALLOON_CMD_ID_DONE)
		return;
	error = viomb_hint_cmd(sc, id);
	while (error == 0 && viomb_hint_goes_on(sc, id))
		error = viomb_hint_block(sc);
	if (error == 0 || error == ENOMEM)
		(void)viomb_hint_cmd(sc, VIRTIO_BALLOON_CMD_ID_STOP);
	else if (!sc->sc_lost)
		hints_release(sc);
}

/* --- want --------------------------------------------------------------- */

/* Somebody would die of it.  Hints are ours; the balloon is, if we may. */
static bool
viomb_reclaim(void *arg)
{
	struct viomb_softc *sc = arg;
	bool some;

	rw_enter_write(&sc->sc_lock);
	some = !LIST_EMPTY(&sc->sc_hints) && !sc->sc_lost;
	if (some)
		hints_release(sc);
	if (!some &&
	    virtio_has(sc->sc_vsc, VIRTIO_BALLOON_F_DEFLATE_ON_OOM))
		some = viomb_deflate(sc, VIOMB_OOM) != ENOENT;
	rw_exit(&sc->sc_lock);
	return (some);
}

/* --- reports: 5.5.6.6 --------------------------------------------------- */

/* Memory has become free: in a while, if it still is. */
static void
viomb_news(void *arg)
{
	struct viomb_softc *sc = arg;

	if (!timeout_pending(&sc->sc_quiet))
		timeout_add_sec(&sc->sc_quiet, VIOMB_QUIET);
}

static void
viomb_quiet(void *arg)
{
	struct viomb_softc *sc = arg;

	viomb_wake(sc, &sc->sc_report);
}

static void
blocks_release(struct viomb_softc *sc, bool reported)
{
	paddr_t pa;

	while (sc->sc_nblocks > 0) {
		sc->sc_nblocks--;
		pa = vm_direct_pa(sc->sc_block[sc->sc_nblocks].iov_base);
		if (reported)
			vm_page_reported(pa, sc->sc_order[sc->sc_nblocks]);
		else
			vm_page_free(pa, sc->sc_order[sc->sc_nblocks]);
	}
}

/* With sc_lock.  ENOENT: that was all. */
static int
viomb_report(struct viomb_softc *sc)
{
	u_int n, max = vq_maxsegs(sc->sc_vq[VIOMB_REPORTQ]);
	size_t len = 0;
	paddr_t pa;
	int error;

	if (sc->sc_lost)
		return (EIO);
	for (n = 0; n < MIN(max, VIOMB_NREPORT); n++) {
		if ((pa = vm_page_unreported(&sc->sc_order[n])) == 0)
			break;
		sc->sc_block[n] = (struct iovec){ vm_direct(pa),
		    PAGE_SIZE << sc->sc_order[n] };
		len += sc->sc_block[n].iov_len;
	}
	if (n == 0)
		return (ENOENT);
	sc->sc_nblocks = n;
	error = viomb_blocks(sc, VIOMB_REPORTQ, sc->sc_block, n, len);
	if (!sc->sc_lost)
		blocks_release(sc, error == 0);
	return (error);
}

/* --- statistics: 5.5.6.3 ------------------------------------------------ */

static void
viomb_stat(struct viomb_softc *sc, u_int i, uint16_t tag, uint64_t v)
{
	uint8_t *p = (uint8_t *)sc->sc_stats.dmm_kva + i * BALLOON_STAT_LEN;
	le16_w wtag;
	le64_w wv;

	le16_store(&wtag, tag);
	le64_store(&wv, v);
	memcpy(p, &wtag, sizeof(wtag));
	memcpy(p + sizeof(wtag), &wv, sizeof(wv));
}

/* With the queue's mutex.  One buffer, which the host gives back to ask. */
static void
viomb_lend_stats(struct viomb_softc *sc)
{
	VQ_SG_DECL(sg, 1, virtio_dmat(sc->sc_vsc));
	uint64_t avail = ptoa(vm_page_avail());

	viomb_stat(sc, 0, VIRTIO_BALLOON_S_MEMTOT, ptoa(vm_page_total()));
	viomb_stat(sc, 1, VIRTIO_BALLOON_S_MEMFREE, avail);
	viomb_stat(sc, 2, VIRTIO_BALLOON_S_AVAIL, avail);
	viomb_stat(sc, 3, VIRTIO_BALLOON_S_CACHES, 0);
	viomb_stat(sc, 4, VIRTIO_BALLOON_S_MINFLT, vm_nfaults);
	viomb_stat(sc, 5, VIRTIO_BALLOON_S_MAJFLT, 0);
	if (vq_sg_out_mem(&sg, &sc->sc_stats, 0, VIOMB_NSTATS *
	    BALLOON_STAT_LEN) == 0 &&
	    vq_enqueue(sc->sc_vq[VIOMB_STATSQ], sc, &sg) == 0)
		vq_notify(sc->sc_vq[VIOMB_STATSQ]);
}

static void
viomb_stats_intr(void *arg)
{
	struct viomb_softc *sc = arg;
	uint32_t len;

	mtx_enter(&sc->sc_vqmtx[VIOMB_STATSQ]);
	do {
		while (vq_dequeue(sc->sc_vq[VIOMB_STATSQ], &len) != NULL)
			viomb_lend_stats(sc);
	} while (vq_intr_enable(sc->sc_vq[VIOMB_STATSQ], 0));
	mtx_leave(&sc->sc_vqmtx[VIOMB_STATSQ]);
}

static void
viomb_stats_start(struct viomb_softc *sc)
{
	if (sc->sc_vq[VIOMB_STATSQ] == NULL)
		return;
	mtx_enter(&sc->sc_vqmtx[VIOMB_STATSQ]);
	viomb_lend_stats(sc);
	mtx_leave(&sc->sc_vqmtx[VIOMB_STATSQ]);
}

/* --- the thread --------------------------------------------------------- */

/* With sc_lock.  One step; true: there is more to be done. */
static bool
viomb_step(struct viomb_softc *sc, uint32_t target)
{
	int error;

	if (target < sc->sc_actual)
		return (viomb_deflate(sc, sc->sc_actual - target) == 0);
	if (target == sc->sc_actual) {
		sc->sc_said = false;
		return (false);
	}
	if ((error = viomb_inflate(sc, target - sc->sc_actual)) == ENOMEM) {
		if (!sc->sc_said)
			device_printf(&sc->sc_dev, "asked for %u MB, %u MB "
			    "can be spared\n", target >> 8,
			    sc->sc_actual >> 8);
		sc->sc_said = true;
		timeout_add_sec(&sc->sc_retry, VIOMB_RETRY);
	}
	return (error == 0);
}

static void
viomb_balance(struct viomb_softc *sc)
{
	uint32_t target;
	bool more = true;

	while (more) {
		/* others may run, and take, between two steps */
		rw_enter_write(&sc->sc_lock);
		mtx_enter(&sc->sc_mtx);
		target = sc->sc_target;
		more = !sc->sc_stop && !sc->sc_exit;
		mtx_leave(&sc->sc_mtx);
		if (more)
			more = viomb_step(sc, target);
		rw_exit(&sc->sc_lock);
	}
}

static void
viomb_work(struct viomb_softc *sc)
{
	uint32_t hint;

	viomb_balance(sc);
	mtx_enter(&sc->sc_mtx);
	hint = sc->sc_wanthint;
	mtx_leave(&sc->sc_mtx);
	rw_enter_write(&sc->sc_lock);
	if (sc->sc_vq[VIOMB_HINTQ] != NULL)
		viomb_hint(sc, hint);
	rw_exit(&sc->sc_lock);
}

static void
viomb_reports(struct viomb_softc *sc)
{
	int error;

	do {
		rw_enter_write(&sc->sc_lock);
		error = viomb_report(sc);
		rw_exit(&sc->sc_lock);
	} while (error == 0);
}

static void
viomb_thread(void *arg)
{
	struct viomb_softc *sc = arg;
	bool work, report;

	mtx_enter(&sc->sc_mtx);
	while (!sc->sc_exit) {
		if (sc->sc_stop || (!sc->sc_work && !sc->sc_report)) {
			(void)msleep_nsec(&sc->sc_work, &sc->sc_mtx, PRI_KERN,
			    "viomb", INFSLP);
			continue;
		}
		work = sc->sc_work;
		report = sc->sc_report;
		sc->sc_work = sc->sc_report = false;
		mtx_leave(&sc->sc_mtx);
		if (work)
			viomb_work(sc);
		if (report)
			viomb_reports(sc);
		mtx_enter(&sc->sc_mtx);
	}
	mtx_leave(&sc->sc_mtx);
}

static void
viomb_again(void *arg)
{
	struct viomb_softc *sc = arg;

	viomb_wake(sc, &sc->sc_work);
}

static void
viomb_config(void *arg)
{
	struct viomb_softc *sc = arg;
	struct virtio_balloon_config conf;

	memset(&conf, 0, sizeof(conf));
	if (virtio_config_read(sc->sc_vsc, viomb_wanted, nitems(viomb_wanted),
	    &conf) != 0)
		return;
	mtx_enter(&sc->sc_mtx);
	sc->sc_target = conf.num_pages;
	sc->sc_wanthint = conf.free_page_hint_cmd_id;
	sc->sc_work = true;
	wakeup(&sc->sc_work);
	mtx_leave(&sc->sc_mtx);
}

/* --- failure ------------------------------------------------------------ */

static void
viomb_drain(struct viomb_softc *sc)
{
	u_int i;

	for (i = 0; i < VIOMB_NQUEUES; i++) {
		if (sc->sc_vq[i] == NULL)
			continue;
		mtx_enter(&sc->sc_vqmtx[i]);
		while (vq_drain(sc->sc_vq[i]) != NULL)
			;
		mtx_leave(&sc->sc_vqmtx[i]);
	}
}

/* A device that was reset has no balloon, and nothing else of ours. */
static void
viomb_burst(struct viomb_softc *sc)
{
	uint32_t page;

	rw_enter_write(&sc->sc_lock);
	if (sc->sc_lost)
		bus_dmamap_unload(virtio_dmat(sc->sc_vsc), sc->sc_map);
	sc->sc_lost = false;
	while (chunk_get(sc, &page))
		viomb_free_page(sc, page);
	sc->sc_actual = 0;
	hints_release(sc);
	blocks_release(sc, false);
	sc->sc_hintid = VIRTIO_BALLOON_CMD_ID_DONE;
	rw_exit(&sc->sc_lock);
}

static void
viomb_pause(struct viomb_softc *sc, bool stop)
{
	mtx_enter(&sc->sc_mtx);
	sc->sc_stop = stop;
	wakeup(&sc->sc_work);
	mtx_leave(&sc->sc_mtx);
}

static void
viomb_failure(void *arg, enum virtio_event ev)
{
	struct viomb_softc *sc = arg;

	switch (ev) {
	case VIRTIO_STOPPED:
		viomb_pause(sc, true);
		viomb_drain(sc);	/* who has called, hears of it */
		viomb_burst(sc);
		break;
	case VIRTIO_RESUMED:
		/* it has no pages, and need not have forgotten a number */
		viomb_tell_actual(sc);
		viomb_stats_start(sc);
		viomb_pause(sc, false);
		viomb_config(sc);
		break;
	case VIRTIO_DEAD:
		break;
	}
}

/* --- sysctl ------------------------------------------------------------- */

static int
viomb_sysctl_target(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%u",
	    ((struct viomb_softc *)arg)->sc_target));
}

static int
viomb_sysctl_actual(void *arg, char *buf, size_t size)
{
	return (snprintf(buf, size, "%u",
	    ((struct viomb_softc *)arg)->sc_actual));
}

static void
viomb_sysctl(struct viomb_softc *sc, const char *name,
    int (*read)(void *, char *, size_t))
{
	struct sysctl_oid *so = &sc->sc_oid[sc->sc_noids];

	snprintf(so->so_name, sizeof(so->so_name), "hw.%s.%s",
	    sc->sc_dev.dv_xname, name);
	so->so_read = read;
	so->so_arg = sc;
	if (sysctl_register(so) == 0)
		sc->sc_noids++;
}

/* --- attachment --------------------------------------------------------- */

/*
 * Free pages are not initialised here, and to do that before each report
 * would touch what the host is to have: 5.5.3 wants the bit cleared then.
 */
static virtio_bits_t
viomb_refuse(struct viomb_softc *sc)
{
	return (virtio_offered(sc->sc_vsc, VIRTIO_BALLOON_F_PAGE_REPORTING) ||
	    virtio_offered(sc->sc_vsc, VIRTIO_BALLOON_F_FREE_PAGE_HINT) ?
	    VIRTIO_BALLOON_F_PAGE_POISON : 0);
}

/*
 * The standard gives each queue its number.  Hosts there are leave no gaps
 * for what they do not offer: then there is a queue by each number up to how
 * many are offered.
 */
static uint16_t
viomb_index(struct viomb_softc *sc, u_int q)
{
	static const virtio_bits_t bit[VIOMB_NQUEUES] = {
		[VIOMB_STATSQ] = VIRTIO_BALLOON_F_STATS_VQ,
		[VIOMB_HINTQ] = VIRTIO_BALLOON_F_FREE_PAGE_HINT,
		[VIOMB_REPORTQ] = VIRTIO_BALLOON_F_PAGE_REPORTING,
	};
	uint16_t index = VIOMB_STATSQ, n = VIOMB_STATSQ;
	u_int i;

	for (i = VIOMB_STATSQ; i < VIOMB_NQUEUES; i++) {
		if (!virtio_offered(sc->sc_vsc, bit[i]))
			continue;
		if (!virtio_queue_there(sc->sc_vsc, n++))
			return (q);
		index += i < q;
	}
	return (index);
}

static int
viomb_queues(struct viomb_softc *sc)
{
	static const struct {
		const char	*name;
		virtio_bits_t	 bit;
		uint16_t	 size, nsegs;
		void		(*intr)(void *);
	} queue[VIOMB_NQUEUES] = {
		{ "inflate", 0, 4, 1, viomb_inflate_intr },
		{ "deflate", 0, 4, 1, viomb_deflate_intr },
		{ "stats", VIRTIO_BALLOON_F_STATS_VQ, 2, 1,
		    viomb_stats_intr },
		{ "hint", VIRTIO_BALLOON_F_FREE_PAGE_HINT, 4, 1,
		    viomb_hint_intr },
		{ "report", VIRTIO_BALLOON_F_PAGE_REPORTING, VIOMB_NREPORT,
		    VIOMB_NREPORT, viomb_report_intr },
	};
	struct virtqueue_conf conf[VIOMB_NQUEUES];
	struct virtqueue *vq[VIOMB_NQUEUES];
	u_int map[VIOMB_NQUEUES], i, n = 0;
	int error;

	for (i = 0; i < VIOMB_NQUEUES; i++) {
		mtx_init(&sc->sc_vqmtx[i], IPL_BIO);
		if (!virtio_has(sc->sc_vsc, queue[i].bit))
			continue;
		conf[n] = (struct virtqueue_conf){
			.vqc_name = queue[i].name,
			.vqc_index = i < VIOMB_STATSQ ? i : viomb_index(sc, i),
			.vqc_size = queue[i].size,
			.vqc_nsegs = queue[i].nsegs,
			.vqc_mtx = &sc->sc_vqmtx[i],
			.vqc_intr = queue[i].intr, .vqc_arg = sc
		};
		map[n++] = i;
	}
	if ((error = virtio_queues(sc->sc_vsc, IPL_BIO, conf, n, vq)) != 0)
		return (error);
	for (i = 0; i < n; i++)
		sc->sc_vq[map[i]] = vq[i];
	return (0);
}

static int
viomb_memory(struct viomb_softc *sc)
{
	bus_dma_tag_t dmat = virtio_dmat(sc->sc_vsc);
	int error;

	if ((error = dmamem_alloc(&sc->sc_array, dmat, VIOMB_STEP *
	    sizeof(le32_w), sizeof(le32_w), BUS_DMA_NOWAIT)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_stats, dmat, VIOMB_NSTATS *
	    BALLOON_STAT_LEN, 16, BUS_DMA_NOWAIT)) != 0 ||
	    (error = dmamem_alloc(&sc->sc_cmd, dmat, sizeof(le32_w),
	    sizeof(le32_w), BUS_DMA_NOWAIT)) != 0)
		return (error);
	return (bus_dmamap_create(dmat, (PAGE_SIZE << VM_ORDER_MAX) *
	    VIOMB_NREPORT, VIOMB_NREPORT, 0, 0, BUS_DMA_NOWAIT,
	    &sc->sc_map));
}

static void
viomb_start(struct viomb_softc *sc)
{
	viomb_sysctl(sc, "target", viomb_sysctl_target);
	viomb_sysctl(sc, "actual", viomb_sysctl_actual);
	viomb_stats_start(sc);
	sc->sc_reclaim.vr_fn = viomb_reclaim;
	sc->sc_reclaim.vr_arg = sc;
	vm_reclaim_add(&sc->sc_reclaim);
	sc->sc_reclaims = true;
	if (sc->sc_vq[VIOMB_REPORTQ] != NULL) {
		vm_page_report(viomb_news, sc);
		viomb_news(sc);
	}
	viomb_config(sc);
}

static void
viomb_describe(struct viomb_softc *sc)
{
	device_describe(&sc->sc_dev, "%llu MB can be spared%s%s",
	    (unsigned long long)(vm_page_avail() - MIN(vm_page_avail(),
	    viomb_floor())) >> 8,
	    sc->sc_vq[VIOMB_STATSQ] != NULL ? ", statistics" : "",
	    sc->sc_vq[VIOMB_REPORTQ] != NULL ? ", free memory reported" : "");
}

int
viomb_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct viomb_softc *sc = (struct viomb_softc *)self;
	struct virtio_attach_args *va = aux;
	struct virtio_balloon_config conf = { .poison_val = 0 };
	int error;

	sc->sc_vsc = va->va_vsc;
	sc->sc_hintid = VIRTIO_BALLOON_CMD_ID_DONE;
	LIST_INIT(&sc->sc_chunks);
	LIST_INIT(&sc->sc_hints);
	rw_init(&sc->sc_lock, "viomb");
	mtx_init(&sc->sc_mtx, IPL_BIO);
	timeout_set(&sc->sc_retry, viomb_again, sc);
	timeout_set(&sc->sc_quiet, viomb_quiet, sc);
	if ((error = virtio_negotiate(sc->sc_vsc, self, viomb_features,
	    nitems(viomb_features), viomb_refuse(sc))) != 0 ||
	    (error = viomb_queues(sc)) != 0 ||
	    (error = viomb_memory(sc)) != 0)
		goto fail;
	if (virtio_has(sc->sc_vsc, VIRTIO_BALLOON_F_PAGE_POISON))
		(void)virtio_config_write(sc->sc_vsc, viomb_poison,
		    nitems(viomb_poison), &conf);
	virtio_on_config(sc->sc_vsc, viomb_config, sc);
	virtio_on_failure(sc->sc_vsc, viomb_failure, sc);
	if ((error = virtio_start(sc->sc_vsc)) != 0 ||
	    (error = kthread_create(viomb_thread, sc, PRI_KERN, "viomb",
	    &sc->sc_thread)) != 0)
		goto fail;
	viomb_describe(sc);
	viomb_start(sc);
	return (0);
fail:
	viomb_teardown(sc);
	return (error);
}

int
viomb_detach(struct device *self, int flags __unused)
{
	viomb_teardown((struct viomb_softc *)self);
	return (0);
}

/* Undo attach, however far it came. */
static void
viomb_teardown(struct viomb_softc *sc)
{
	while (sc->sc_noids > 0)
		sysctl_unregister(&sc->sc_oid[--sc->sc_noids]);
	if (sc->sc_reclaims)
		vm_reclaim_remove(&sc->sc_reclaim);
	if (sc->sc_vq[VIOMB_REPORTQ] != NULL)
		vm_page_report(NULL, NULL);
	mtx_enter(&sc->sc_mtx);
	sc->sc_exit = true;
	wakeup(&sc->sc_work);
	mtx_leave(&sc->sc_mtx);
	virtio_stop(sc->sc_vsc);
	viomb_drain(sc);
	if (sc->sc_thread != NULL)
		kthread_join(sc->sc_thread);
	sc->sc_thread = NULL;
	timeout_del_barrier(&sc->sc_retry);
	timeout_del_barrier(&sc->sc_quiet);
	viomb_burst(sc);
	if (sc->sc_map != NULL)
		bus_dmamap_destroy(virtio_dmat(sc->sc_vsc), sc->sc_map);
	dmamem_free(&sc->sc_array);
	dmamem_free(&sc->sc_stats);
	dmamem_free(&sc->sc_cmd);
	virtio_end(sc->sc_vsc);
}

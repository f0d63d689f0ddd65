/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * xencons(4): the console that each guest of Xen's has: a page with a ring of
 * bytes for each direction, and an event that tells of progress.  With the
 * page that events need comes the host's time.
 */

#include <sys/device.h>
#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>
#include <sys/todr.h>
#include <sys/tty.h>

#include <dev/pv/pvclockvar.h>
#include <dev/pv/pvvar.h>
#include <dev/pv/xenreg.h>
#include <machine/atomic.h>

#define YIELDS		20000		/* for the host to make room */

struct xencons_softc {
	struct device		 sc_dev;
	struct tty		 sc_tty;
	struct consdev		 sc_cons;
	struct todr		 sc_todr;
	struct xencons_page	*sc_page;
	struct xen_shared	*sc_shared;
	uint32_t		 sc_port;	/* of the event */
	struct intr_handle	 sc_intr;
	void			*sc_ih;
	uint32_t		 sc_out;	/* our indices */
	bool			 sc_stuck;	/* nobody takes output */
	struct mutex		 sc_mtx;	/* the rest: input */
	uint32_t		 sc_in;
	bool			 sc_open;
};

static int
xen_hvm_param(uint32_t index, uint64_t *value)
{
	struct xen_hvm_param xp = { .domid = XEN_DOMID_SELF, .index = index };

	if (md_xen_hypercall(XEN_HVM_OP, XEN_HVM_GET_PARAM,
	    (u_long)&xp) != 0 || xp.value == 0)
		return (ENXIO);
	*value = xp.value;
	return (0);
}

/* --- output ------------------------------------------------------------- */

static void
xencons_tell(struct xencons_softc *sc)
{
	struct xen_evtchn_send xs = { .port = sc->sc_port };

	(void)md_xen_hypercall(XEN_EVENT_CHANNEL_OP, XEN_EVTCHN_SEND,
	    (u_long)&xs);
}

/* Indices that make no sense are those of a full ring. */
static uint32_t
xencons_room(struct xencons_softc *sc)
{
	uint32_t used = sc->sc_out - le32_load(&sc->sc_page->out_cons);

	/* the host has read what stood there */
	membar_sync();
	return (used > XENCONS_OUT ? 0 : XENCONS_OUT - used);
}

static void
xencons_put(struct xencons_softc *sc, const char *s, size_t n)
{
	while (n-- > 0)
		sc->sc_page->out[sc->sc_out++ % XENCONS_OUT] = *s++;
	membar_producer();
	le32_store(&sc->sc_page->out_prod, sc->sc_out);
}

/*
 * The kernel's messages may come at any time and take no lock, so they must
 * not find the ring half written.
 */
static void
xencons_start(struct tty *tp)
{
	struct xencons_softc *sc = tp->t_arg;
	char buf[64];
	uint32_t room;
	size_t n;
	bool any = false;
	int ipl;

	ipl = splraise(IPL_HIGH);
	while ((room = xencons_room(sc)) != 0 &&
	    (n = tty_output(tp, buf, MIN(room, sizeof(buf)))) != 0) {
		xencons_put(sc, buf, n);
		any = true;
	}
	splx(ipl);
	if (any)
		xencons_tell(sc);
}

/* Wait for room, but not again and again for a host that does not look. */
static bool
xencons_wait(struct xencons_softc *sc, uint32_t n)
{
	u_int i;

	if (xencons_room(sc) < n && !sc->sc_stuck) {
		xencons_tell(sc);
		for (i = 0; i < YIELDS && xencons_room(sc) < n; i++)
			(void)md_xen_hypercall(XEN_SCHED_OP, XEN_SCHED_YIELD,
			    0);
	}
	sc->sc_stuck = xencons_room(sc) < n;
	return (!sc->sc_stuck);
}

static void
xencons_cnwrite(struct consdev *cn, const char *s, size_t n)
{
	struct xencons_softc *sc = cn->cn_arg;

	for (; n > 0 && xencons_wait(sc, 2); n--, s++) {
		if (*s == '\n')
			xencons_put(sc, "\r", 1);
		xencons_put(sc, s, 1);
	}
	xencons_tell(sc);
}

/* --- input -------------------------------------------------------------- */

static void
xencons_input(struct xencons_softc *sc)
{
	struct xencons_page *xp = sc->sc_page;
	char buf[64];
	uint32_t n, i, taken;
	bool any = false;

	mtx_enter(&sc->sc_mtx);
	while (sc->sc_open) {
		n = le32_load(&xp->in_prod) - sc->sc_in;
		membar_consumer();
		if (n > XENCONS_IN) {		/* makes no sense: begin anew */
			sc->sc_in += n;
			n = 0;
			any = true;
		}
		n = MIN(n, sizeof(buf));
		for (i = 0; i < n; i++)
			buf[i] = xp->in[(sc->sc_in + i) % XENCONS_IN];
		taken = n == 0 ? 0 : tty_input(&sc->sc_tty, buf, n);
		sc->sc_in += taken;
		any = any || taken != 0;
		if (taken == 0 || taken < n)
			break;
	}
	if (any) {
		membar_sync();
		le32_store(&xp->in_cons, sc->sc_in);
	}
	mtx_leave(&sc->sc_mtx);
	if (any)
		xencons_tell(sc);	/* there is room again */
}

static void
xencons_open(struct tty *tp)
{
	struct xencons_softc *sc = tp->t_arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_open = true;
	mtx_leave(&sc->sc_mtx);
	xencons_input(sc);
}

static void
xencons_close(struct tty *tp)
{
	struct xencons_softc *sc = tp->t_arg;

	mtx_enter(&sc->sc_mtx);
	sc->sc_open = false;
	mtx_leave(&sc->sc_mtx);
}

static void
xencons_unthrottle(struct tty *tp)
{
	xencons_input(tp->t_arg);
}

static const struct tty_ops xencons_ttyops = {
	.to_start = xencons_start,
	.to_open = xencons_open,
	.to_close = xencons_close,
	.to_unthrottle = xencons_unthrottle,
};

/*
 * An event: a bit for the processor, one for each word of events, and those;
 * all are taken back, from the first on, or there would be no other.  There
 * is one event that anybody waits for.
 */
static int
xencons_intr(void *arg)
{
	struct xencons_softc *sc = arg;
	struct xen_vcpu *xv = &sc->sc_shared->vcpu[0];
	u_int i;

	(void)__atomic_exchange_n(&xv->upcall_pending.w, 0, __ATOMIC_SEQ_CST);
	(void)__atomic_exchange_n(&xv->pending_sel.w, 0, __ATOMIC_SEQ_CST);
	for (i = 0; i < XEN_NEVTWORD; i++) {
		if (le64_load(&sc->sc_shared->pending[i]) != 0)
			(void)__atomic_exchange_n(
			    &sc->sc_shared->pending[i].w, 0,
			    __ATOMIC_SEQ_CST);
	}
	xencons_input(sc);
	tty_more(&sc->sc_tty);
	return (1);
}

/* --- time --------------------------------------------------------------- */

/* As exact as a clock of seconds: Xen renews what it tells once in a second. */
static int
xencons_wall(void *arg, uint64_t *ns)
{
	const struct xencons_softc *sc = arg;
	const volatile struct pvclock_page *pc =
	    (const void *)sc->sc_shared->vcpu[0].time;
	uint64_t begin, now;
	uint32_t before;
	u_int i = 0;

	do {
		before = pc->pc_version;
		membar_consumer();
		now = pc->pc_time;
		membar_consumer();
	} while (((before & 1) || pc->pc_version != before) &&
	    ++i < PVCLOCK_TRIES);
	begin = pvclock_wall((const void *)sc->sc_shared->wall);
	if (begin == 0 || i == PVCLOCK_TRIES)
		return (ENXIO);
	*ns = begin + now;
	return (0);
}

/* --- attach ------------------------------------------------------------- */

/*
 * The shared page, which is nowhere until somebody wants it.  Its form, for 32
 * or 64 bits, is that of who says how events are to come; that they come by a
 * vector overrides the line that is said here.
 */
static int
xencons_share(struct xencons_softc *sc)
{
	struct xen_hvm_param xp = { .domid = XEN_DOMID_SELF,
	    .index = XEN_PARAM_CALLBACK_IRQ, .value = 1 };
	struct xen_add_to_physmap xa = { .domid = XEN_DOMID_SELF,
	    .gpfn = XEN_SHARED_ADDR / XEN_PAGE };

	if (md_xen_hypercall(XEN_HVM_OP, XEN_HVM_SET_PARAM,
	    (u_long)&xp) != 0 ||
	    md_xen_hypercall(XEN_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP,
	    (u_long)&xa) != 0)
		return (ENXIO);
	sc->sc_shared = md_map(XEN_SHARED_ADDR, XEN_PAGE, 0);
	return (sc->sc_shared == NULL ? ENOMEM : 0);
}

static void
xencons_unshare(struct xencons_softc *sc)
{
	struct xen_remove_from_physmap xr = { .domid = XEN_DOMID_SELF,
	    .gpfn = XEN_SHARED_ADDR / XEN_PAGE };

	if (sc->sc_shared != NULL)
		md_unmap(sc->sc_shared, XEN_PAGE);
	(void)md_xen_hypercall(XEN_MEMORY_OP, XENMEM_REMOVE_FROM_PHYSMAP,
	    (u_long)&xr);
}

/*
 * Events are those of the first processor, as a message to it would be: of
 * that this is the vector, in the low byte.
 */
static int
xencons_event(struct xencons_softc *sc)
{
	struct xen_upcall_vector xu = { .vcpu = 0 };
	uint64_t addr;
	uint32_t data;
	int error;

	if ((error = md_msi_alloc(0, NULL, &sc->sc_intr, &addr, &data)) != 0)
		return (error);
	sc->sc_ih = intr_establish(&sc->sc_intr, IPL_TTY, NULL, xencons_intr,
	    sc, sc->sc_dev.dv_xname);
	xu.vector = data & 0xff;
	if (sc->sc_ih != NULL && md_xen_hypercall(XEN_HVM_OP,
	    XEN_HVM_SET_UPCALL_VECTOR, (u_long)&xu) == 0)
		return (0);
	intr_disestablish(sc->sc_ih);
	md_msi_free(&sc->sc_intr);
	return (ENXIO);
}

static int
xencons_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct pv_attach_args *pva = aux;
	uint64_t v;

	return (strcmp(pva->pva_name, cf->cf_driver->cd_name) == 0 &&
	    pva->pva_hv->hv_evidence->pe_kind == PVE_CPUID &&
	    xen_hvm_param(XEN_PARAM_CONSOLE_PFN, &v) == 0 &&
	    xen_hvm_param(XEN_PARAM_CONSOLE_EVTCHN, &v) == 0);
}

static int
xencons_attach(struct device *parent __unused, struct device *self,
    void *aux __unused)
{
	struct xencons_softc *sc = (struct xencons_softc *)self;
	uint64_t pfn, port, ns;
	int error;

	mtx_init(&sc->sc_mtx, IPL_TTY);
	if ((error = xen_hvm_param(XEN_PARAM_CONSOLE_PFN, &pfn)) != 0 ||
	    (error = xen_hvm_param(XEN_PARAM_CONSOLE_EVTCHN, &port)) != 0)
		return (error);
	sc->sc_port = port;
	if ((sc->sc_page = md_map(pfn * XEN_PAGE, XEN_PAGE, 0)) == NULL)
		return (ENOMEM);
	sc->sc_out = le32_load(&sc->sc_page->out_prod);
	sc->sc_in = le32_load(&sc->sc_page->in_cons);
	if ((error = xencons_share(sc)) != 0)
		goto unmap;
	if ((error = tty_attach(&sc->sc_tty, &xencons_ttyops, sc,
	    self->dv_xname)) != 0)
		goto unshare;
	if ((error = xencons_event(sc)) != 0)
		goto untty;
	device_describe(self, "console, event %u", sc->sc_port);
	sc->sc_cons = (struct consdev){ .cn_name = self->dv_xname,
	    .cn_write = xencons_cnwrite, .cn_tty = &sc->sc_tty,
	    .cn_arg = sc };
	cn_attach(&sc->sc_cons);
	sc->sc_todr.td_get = xencons_wall;
	sc->sc_todr.td_arg = sc;
	if (xencons_wall(sc, &ns) == 0)
		todr_attach(&sc->sc_todr);
	else
		sc->sc_todr.td_get = NULL;
	return (0);
untty:
	tty_detach(&sc->sc_tty);
unshare:
	xencons_unshare(sc);
	sc->sc_shared = NULL;
unmap:
	md_unmap(sc->sc_page, XEN_PAGE);
	return (error);
}

static int
xencons_detach(struct device *self, int flags __unused)
{
	struct xencons_softc *sc = (struct xencons_softc *)self;
	struct xen_upcall_vector xu = { .vcpu = 0 };

	if (sc->sc_todr.td_get != NULL)
		todr_detach(&sc->sc_todr);
	cn_detach(&sc->sc_cons);
	(void)md_xen_hypercall(XEN_HVM_OP, XEN_HVM_SET_UPCALL_VECTOR,
	    (u_long)&xu);
	intr_disestablish(sc->sc_ih);
	md_msi_free(&sc->sc_intr);
	tty_detach(&sc->sc_tty);
	xencons_unshare(sc);
	md_unmap(sc->sc_page, XEN_PAGE);
	return (0);
}

CFDRIVER_DECL(xencons, DV_TTY);
CFATTACH_DECL(xencons, pvbus, xencons_softc, .ca_match = xencons_match,
    .ca_attach = xencons_attach, .ca_detach = xencons_detach);

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupt Translation Service of GICv3: a device's message becomes an LPI
 * (Arm IHI 0069, chapters 5 and 6).  It works from tables in our memory and is
 * told of changes by commands.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>
#include <sys/wire.h>

#include <machine/atomic.h>
#include <machine/cpu.h>
#include <machine/machdep.h>
#include <vm/vm_page.h>

#include "agintcvar.h"

/* redistributor */
#define GICR_CTLR	0x0000
#define GICR_CTLR_LPIS	0x1
#define GICR_PROPBASER	0x0070		/* 64 */
#define GICR_PENDBASER	0x0078		/* 64 */
#define PENDBASER_ZERO	(1UL << 62)	/* the table is */
#define TYPER_PLPIS	0x1
#define TYPER_NUMBER(t)	((t) >> 8 & 0xffff)

#define GITS_CTLR	0x0000
#define GITS_CTLR_ON	0x1
#define GITS_CTLR_QUIET	0x80000000
#define GITS_TYPER	0x0008		/* 64 */
#define TYPER_ITTSIZE(t) (((t) >> 4 & 0xf) + 1)		/* bytes an event */
#define TYPER_DEVBITS(t) (((t) >> 13 & 0x1f) + 1)
#define TYPER_PTA(t)	((t) >> 19 & 1)
#define GITS_CBASER	0x0080		/* 64 */
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define CREADR_STALLED	0x1
#define GITS_BASER(n)	(0x0100 + 8 * (n))	/* 64 */
#define BASER_VALID	(1UL << 63)
#define BASER_INDIRECT	(1UL << 62)
#define BASER_TYPE(b)	((b) >> 56 & 7)
#define TYPE_DEVICES	1
#define TYPE_COLLECTIONS 4
#define BASER_ENTSIZE(b) (((b) >> 48 & 0x1f) + 1)
#define BASER_64K	(2UL << 8)
#define BASER_PAGESIZE(b) ((b) >> 8 & 3)
#define GITS_SIZE	0x10000
#define GITS_TRANSLATER	0x10040

/* of all of these: inner shareable, write-back memory */
#define CACHED		(7UL << 7 | 1UL << 10)
#define CACHED_BASER	(7UL << 59 | 1UL << 10)
#define SHARE_MASK	(3UL << 10)

#define LPI_BITS	14		/* of a number; half of them are LPIs */
#define NLPI		1024		/* that we use */
#define LPI_PROP	0xa0		/* priority */
#define LPI_PROP_ON	0x01

#define BLOCK_64K	4		/* order */
#define NEVENT		64		/* a device's messages */
#define NDEVICE		128
#define CMD_SIZE	32
#define CMD_QUEUE	PAGE_SIZE
#define WAIT_USEC	100000

#define CMD_MAPD	0x08
#define CMD_MAPC	0x09
#define CMD_MAPTI	0x0a
#define CMD_INV		0x0c
#define CMD_DISCARD	0x0f
#define CMD_SYNC	0x05

/* A device that has messages. */
struct its_device {
	uint32_t	id_id;
	bool		id_used;
	uint64_t	id_events;		/* those taken, a bit each */
};

struct agintcmsi_softc {
	struct device		 sc_dev;
	struct bus_region	 sc_regs;
	paddr_t			 sc_pa;
	uint64_t		 sc_typer;
	uint64_t		 sc_rdbase;	/* our redistributor, as named here */
	struct mutex		 sc_mtx;	/* all that follows */
	le64_w			*sc_cmd;
	u_int			 sc_cmdoff;
	bool			 sc_dead;
	u_int			 sc_devices;	/* BASER of the device table */
	le64_w			*sc_l1;		/* indirect: its first level */
	u_int			 sc_l2count;	/* devices to a second */
	struct its_device	 sc_device[NDEVICE];
	struct fdt_msi		 sc_msi;
};

/* What an LPI belongs to. */
struct lpi {
	struct intrsrc		 l_src;
	struct agintcmsi_softc	*l_its;		/* NULL: free */
	struct its_device	*l_device;
	u_int			 l_event;
};

static struct agintc_softc *gic;
static volatile u_char	*lpi_prop;	/* by number less GIC_LPI */
static struct lpi	*lpis;

static void
br_write_8(const struct bus_region *br, bus_size_t reg, uint64_t v)
{
	br_write_4(br, reg, v);
	br_write_4(br, reg + 4, v >> 32);
}

static uint64_t
br_read_8(const struct bus_region *br, bus_size_t reg)
{
	return (br_read_4(br, reg) | (uint64_t)br_read_4(br, reg + 4) << 32);
}

/* --- LPIs ---------------------------------------------------------------------------------- */

/* Tables and all that may fail; without them there are no LPIs. */
void
agintc_lpi_init(struct agintc_softc *sc)
{
	const size_t size = 1UL << LPI_BITS;
	paddr_t prop, pend;
	void *v;

	if (!(sc->sc_typer & TYPER_PLPIS))
		return;
	prop = vm_page_alloc(2, VM_PAGE_ZERO);
	pend = vm_page_alloc(BLOCK_64K, VM_PAGE_ZERO);
	v = kmem_zalloc(NLPI * sizeof(*lpis), KM_NOSLEEP);
	if (prop == 0 || pend == 0 || v == NULL) {
		printf("%s: no memory for messages\n",
		    sc->sc_gic.sc_dev.dv_xname);
		return;
	}
	memset(vm_direct(prop), LPI_PROP, size - GIC_LPI);
	membar_sync();
	br_write_8(&sc->sc_redist, GICR_PROPBASER,
	    prop | CACHED | (LPI_BITS - 1));
	br_write_8(&sc->sc_redist, GICR_PENDBASER,
	    pend | CACHED | PENDBASER_ZERO);
	br_write_4(&sc->sc_redist, GICR_CTLR,
	    br_read_4(&sc->sc_redist, GICR_CTLR) | GICR_CTLR_LPIS);
	lpi_prop = vm_direct(prop);
	lpis = v;
	gic = sc;
}

void
agintc_lpi_run(struct agintc_softc *sc __unused, u_int n)
{
	if (lpis != NULL && n - GIC_LPI < NLPI &&
	    lpis[n - GIC_LPI].l_its != NULL)
		intrsrc_run(&lpis[n - GIC_LPI].l_src);
}

/* --- commands ------------------------------------------------------------------------------- */

/* With the mutex.  The queue is never full: each command is waited for. */
static int
its_command(struct agintcmsi_softc *sc, uint64_t w0, uint64_t w1, uint64_t w2)
{
	le64_w *cmd = sc->sc_cmd + sc->sc_cmdoff / sizeof(*cmd);
	u_int i, creadr;

	if (sc->sc_dead)
		return (EIO);
	le64_store(&cmd[0], w0);
	le64_store(&cmd[1], w1);
	le64_store(&cmd[2], w2);
	le64_store(&cmd[3], 0);
	sc->sc_cmdoff = (sc->sc_cmdoff + CMD_SIZE) % CMD_QUEUE;
	membar_sync();
	br_write_8(&sc->sc_regs, GITS_CWRITER, sc->sc_cmdoff);
	for (i = 0; i < WAIT_USEC; i++) {
		creadr = br_read_4(&sc->sc_regs, GITS_CREADR);
		if ((creadr & ~CREADR_STALLED) == sc->sc_cmdoff)
			return (0);
		if (creadr & CREADR_STALLED)
			break;
		delay(1);
	}
	sc->sc_dead = true;
	device_printf(&sc->sc_dev, "command %#llx is not carried out\n",
	    (unsigned long long)w0 & 0xff);
	return (EIO);
}

static int
its_sync(struct agintcmsi_softc *sc)
{
	return (its_command(sc, CMD_SYNC, 0, sc->sc_rdbase));
}

/* On or off, which the redistributor may have in a cache. */
static int
lpi_set(struct intrsrc *src, bool on)
{
	struct lpi *l = src->is_cookie;
	struct agintcmsi_softc *sc = l->l_its;
	int error;

	lpi_prop[src->is_number - GIC_LPI] = LPI_PROP | (on ? LPI_PROP_ON : 0);
	membar_sync();
	mtx_enter(&sc->sc_mtx);
	error = its_command(sc, CMD_INV | (uint64_t)l->l_device->id_id << 32,
	    l->l_event, 0);
	if (error == 0)
		error = its_sync(sc);
	mtx_leave(&sc->sc_mtx);
	return (error);
}

static int
lpi_enable(struct intrsrc *src)
{
	return (lpi_set(src, true));
}

static void
lpi_disable(struct intrsrc *src)
{
	(void)lpi_set(src, false);
}

static void
lpi_free(struct intrsrc *src)
{
	struct lpi *l = src->is_cookie;
	struct agintcmsi_softc *sc = l->l_its;

	mtx_enter(&sc->sc_mtx);
	if (its_command(sc, CMD_DISCARD | (uint64_t)l->l_device->id_id << 32,
	    l->l_event, 0) == 0)
		(void)its_sync(sc);
	l->l_device->id_events &= ~(1ULL << l->l_event);
	l->l_its = NULL;
	mtx_leave(&sc->sc_mtx);
}

static const struct intrsrc_ops lpi_ops = {
	.iso_enable = lpi_enable,
	.iso_disable = lpi_disable,
	.iso_free = lpi_free,
};

/* --- devices ----------------------------------------------------------------------------------- */

/* A second level of the table, where the device has none yet. */
static int
its_l2(struct agintcmsi_softc *sc, uint32_t id)
{
	u_int i = id / sc->sc_l2count;
	paddr_t pa;

	if (sc->sc_l1 == NULL || le64_load(&sc->sc_l1[i]) != 0)
		return (0);
	if ((pa = vm_page_alloc(BLOCK_64K, VM_PAGE_ZERO)) == 0)
		return (ENOMEM);
	le64_store(&sc->sc_l1[i], pa | BASER_VALID);
	membar_sync();
	return (0);
}

/* With the mutex: the device, made known where it is not. */
static int
its_device(struct agintcmsi_softc *sc, uint32_t id, struct its_device **dp)
{
	struct its_device *d, *unused = NULL;
	paddr_t itt;
	size_t size = NEVENT * TYPER_ITTSIZE(sc->sc_typer);
	int error;

	for (d = sc->sc_device; d < sc->sc_device + NDEVICE; d++) {
		*dp = d;
		if (d->id_used && d->id_id == id)
			return (0);
		if (!d->id_used && unused == NULL)
			unused = d;
	}
	if (unused == NULL || id >> TYPER_DEVBITS(sc->sc_typer) != 0 ||
	    (sc->sc_l1 == NULL && id >= sc->sc_l2count))
		return (ENOSPC);
	if ((error = its_l2(sc, id)) != 0)
		return (error);
	_Static_assert(NEVENT * 16 <= PAGE_SIZE, "a table in a page");
	KASSERT(size <= PAGE_SIZE);
	if ((itt = vm_page_alloc(0, VM_PAGE_ZERO)) == 0)
		return (ENOMEM);
	membar_sync();
	error = its_command(sc, CMD_MAPD | (uint64_t)id << 32,
	    __builtin_ctz(NEVENT) - 1, itt | BASER_VALID);
	if (error != 0)
		return (error);		/* the page is the device's for ever */
	unused->id_used = true;
	unused->id_id = id;
	*dp = unused;
	return (0);
}

static struct lpi *
lpi_take(void)
{
	u_int n;

	for (n = 0; n < NLPI; n++) {
		if (lpis[n].l_its == NULL)
			return (&lpis[n]);
	}
	return (NULL);
}

static int
its_map(struct agintcmsi_softc *sc, uint32_t id, struct lpi **lp)
{
	struct its_device *d;
	struct lpi *l;
	u_int event;
	int error;

	if ((error = its_device(sc, id, &d)) != 0)
		return (error);
	if (d->id_events == UINT64_MAX || (l = lpi_take()) == NULL)
		return (ENOSPC);
	event = __builtin_ctzll(~d->id_events);
	*l = (struct lpi){ .l_device = d, .l_event = event, .l_src = {
	    .is_ops = &lpi_ops, .is_cookie = l,
	    .is_number = GIC_LPI + (l - lpis) } };
	error = its_command(sc, CMD_MAPTI | (uint64_t)id << 32,
	    event | (uint64_t)l->l_src.is_number << 32, 0);
	if (error != 0 || (error = its_sync(sc)) != 0)
		return (error);
	d->id_events |= 1ULL << event;
	l->l_its = sc;
	*lp = l;
	return (0);
}

static int
agintcmsi_alloc(void *arg, uint32_t id, struct cpu_info *ci __unused,
    struct intr_handle *ih, uint64_t *addr, uint32_t *data)
{
	struct agintcmsi_softc *sc = arg;
	struct lpi *l;
	int error;

	mtx_enter(&sc->sc_mtx);
	error = its_map(sc, id, &l);
	mtx_leave(&sc->sc_mtx);
	if (error != 0)
		return (error);
	intrsrc_handle(ih, &l->l_src, 0);
	*addr = sc->sc_pa + GITS_TRANSLATER;
	*data = l->l_event;
	return (0);
}

/* --- attachment ---------------------------------------------------------------------------------- */

/*
 * The table of devices has two levels where that is offered: the first is one
 * block, a second comes when a device in it does.  Else it is one block, which
 * leaves high numbers out.
 */
static int
its_device_table(struct agintcmsi_softc *sc, u_int n)
{
	bus_size_t reg = GITS_BASER(n);
	uint64_t want, entsize = BASER_ENTSIZE(br_read_8(&sc->sc_regs, reg));
	paddr_t pa;

	if ((pa = vm_page_alloc(BLOCK_64K, VM_PAGE_ZERO)) == 0)
		return (ENOMEM);
	want = pa | BASER_VALID | BASER_64K | CACHED_BASER;
	br_write_8(&sc->sc_regs, reg, want | BASER_INDIRECT);
	sc->sc_l2count = 0x10000 / entsize;
	if (br_read_8(&sc->sc_regs, reg) & BASER_INDIRECT)
		sc->sc_l1 = vm_direct(pa);
	else
		br_write_8(&sc->sc_regs, reg, want);
	return (BASER_PAGESIZE(br_read_8(&sc->sc_regs, reg)) == 2 ? 0 : ENXIO);
}

static int
its_other_table(struct agintcmsi_softc *sc, u_int n)
{
	paddr_t pa;

	if ((pa = vm_page_alloc(BLOCK_64K, VM_PAGE_ZERO)) == 0)
		return (ENOMEM);
	br_write_8(&sc->sc_regs, GITS_BASER(n),
	    pa | BASER_VALID | BASER_64K | CACHED_BASER);
	return (0);
}

static int
its_tables(struct agintcmsi_softc *sc)
{
	uint64_t baser;
	u_int n;
	int error = 0;

	for (n = 0; n < 8 && error == 0; n++) {
		baser = br_read_8(&sc->sc_regs, GITS_BASER(n));
		if (BASER_TYPE(baser) == TYPE_DEVICES)
			error = its_device_table(sc, n);
		else if (BASER_TYPE(baser) == TYPE_COLLECTIONS)
			error = its_other_table(sc, n);
		if (error == 0 && BASER_TYPE(baser) != 0 &&
		    (br_read_8(&sc->sc_regs, GITS_BASER(n)) & BASER_VALID) &&
		    !(br_read_8(&sc->sc_regs, GITS_BASER(n)) & SHARE_MASK))
			error = ENXIO;		/* it would not see our caches */
	}
	return (error != 0 ? error : sc->sc_l2count == 0 ? ENXIO : 0);
}

static int
its_start(struct agintcmsi_softc *sc)
{
	paddr_t queue;
	u_int i;
	int error;

	br_write_4(&sc->sc_regs, GITS_CTLR,
	    br_read_4(&sc->sc_regs, GITS_CTLR) & ~GITS_CTLR_ON);
	for (i = 0; !(br_read_4(&sc->sc_regs, GITS_CTLR) &
	    GITS_CTLR_QUIET); i++) {
		if (i == WAIT_USEC)
			return (ETIMEDOUT);
		delay(1);
	}
	if ((error = its_tables(sc)) != 0)
		return (error);
	/* a queue is aligned to 64 KB, whatever its size (12.19.1) */
	if ((queue = vm_page_alloc(BLOCK_64K, VM_PAGE_ZERO)) == 0)
		return (ENOMEM);
	sc->sc_cmd = vm_direct(queue);
	br_write_8(&sc->sc_regs, GITS_CBASER,
	    queue | BASER_VALID | CACHED_BASER | (CMD_QUEUE / PAGE_SIZE - 1));
	br_write_8(&sc->sc_regs, GITS_CWRITER, 0);
	br_write_4(&sc->sc_regs, GITS_CTLR, GITS_CTLR_ON);
	/* all goes to collection 0, which is this processor's */
	mtx_enter(&sc->sc_mtx);
	error = its_command(sc, CMD_MAPC, 0, sc->sc_rdbase | BASER_VALID);
	if (error == 0)
		error = its_sync(sc);
	mtx_leave(&sc->sc_mtx);
	return (error);
}

static int
agintcmsi_attach(struct device *parent __unused, struct device *self, void *aux)
{
	struct agintcmsi_softc *sc = (struct agintcmsi_softc *)self;
	const struct fdt_attach_args *fa = aux;
	int error;

	if (lpis == NULL) {
		device_describe(self, "no redistributor takes messages");
		return (ENXIO);
	}
	if ((error = fdt_map(fa, 0, &sc->sc_regs)) != 0)
		return (error);
	mtx_init(&sc->sc_mtx, IPL_HIGH);
	sc->sc_pa = fa->fa_addr;
	error = EINVAL;
	if (sc->sc_regs.br_size >= GITS_SIZE) {
		sc->sc_typer = br_read_8(&sc->sc_regs, GITS_TYPER);
		sc->sc_rdbase = TYPER_PTA(sc->sc_typer) ?
		    gic->sc_redist_pa + gic->sc_redist_off :
		    TYPER_NUMBER(gic->sc_typer) << 16;
		error = its_start(sc);
	}
	if (error != 0) {
		/* its memory stays: it may have been told of it */
		device_describe(self, "cannot be started, error %d", error);
		br_unmap(&sc->sc_regs);
		return (error);
	}
	device_describe(self, "%u bits of device, %s table",
	    (u_int)TYPER_DEVBITS(sc->sc_typer),
	    sc->sc_l1 != NULL ? "two-level" : "flat");
	sc->sc_msi = (struct fdt_msi){ .fm_node = fa->fa_node,
	    .fm_alloc = agintcmsi_alloc, .fm_arg = sc };
	fdt_msi_register(&sc->sc_msi);
	return (0);
}

static const char *const agintcmsi_ident[] = { "arm,gic-v3-its", NULL };

CFDRIVER_DECL(agintcmsi, DV_DULL);
CFATTACH_DECL(agintcmsi, fdt, agintcmsi_softc, .ca_match = fdt_match,
    .ca_attach = agintcmsi_attach, .ca_ident = agintcmsi_ident);

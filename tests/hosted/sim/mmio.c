/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * virtio over MMIO: the registers of version 2 and of the legacy version 1,
 * and what the specification asks of a driver that uses them.  VirtIO 1.4,
 * 4.2.  Status, features, configuration and rings are those of the device
 * behind it, which is reached by the registers that it has on PCI.
 */

#include <sys/errno.h>
#include <sys/queue.h>
#include <sys/systm.h>

#include <dev/pv/virtio_mmiovar.h>
#include <machine/host.h>
#include <machine/mainbus.h>
#include "mmio.h"

extern const struct intr_ops hosted_intr_ops;
extern struct cfdriver virtio_cd;

#define MAGIC			0x74726976
#define DRIVER			0x02
#define DRIVER_OK		0x04
#define FEATURES_OK		0x08
#define F_NOTIFICATION_DATA	(1ULL << 38)
#define F_NOTIF_CONFIG_DATA	(1ULL << 39)
#define F_ADMIN_VQ		(1ULL << 41)
#define CONFIG			0x100

/* the device's own registers: those of 1.x, the legacy ones */
#define CORE_BAR	4
#define CORE_CONFIG	0x2000
#define CORE_NOTIFY	0x3000
#define LEGACY_BAR	0
#define LEGACY_CONFIG	20

enum dir { RD = 1, WR = 2, RW = 3 };

static const struct reg {
	uint16_t	 r_off;
	enum dir	 r_modern, r_legacy;	/* 0: there is none */
} regs[] = {
	{ 0x000, RD, RD },	/* MagicValue */
	{ 0x004, RD, RD },	/* Version */
	{ 0x008, RD, RD },	/* DeviceID */
	{ 0x00c, RD, RD },	/* VendorID */
	{ 0x010, RD, RD },	/* DeviceFeatures */
	{ 0x014, WR, WR },	/* DeviceFeaturesSel */
	{ 0x020, WR, WR },	/* DriverFeatures */
	{ 0x024, WR, WR },	/* DriverFeaturesSel */
	{ 0x028, 0, WR },	/* GuestPageSize */
	{ 0x030, WR, WR },	/* QueueSel */
	{ 0x034, RD, RD },	/* QueueSizeMax */
	{ 0x038, WR, WR },	/* QueueSize */
	{ 0x03c, 0, WR },	/* QueueAlign */
	{ 0x040, 0, RW },	/* QueuePFN */
	{ 0x044, RW, 0 },	/* QueueReady */
	{ 0x050, WR, WR },	/* QueueNotify */
	{ 0x060, RD, RD },	/* InterruptStatus */
	{ 0x064, WR, WR },	/* InterruptACK */
	{ 0x070, RW, RW },	/* Status */
	{ 0x080, WR, 0 }, { 0x084, WR, 0 },	/* QueueDesc */
	{ 0x090, WR, 0 }, { 0x094, WR, 0 },	/* QueueDriver */
	{ 0x0a0, WR, 0 }, { 0x0a4, WR, 0 },	/* QueueDevice */
	{ 0x0c0, RW, 0 },	/* QueueReset */
	{ 0x0fc, RD, 0 },	/* ConfigGeneration */
};

static LIST_HEAD(, sim_mmio) places = LIST_HEAD_INITIALIZER(places);

/* --- the device behind it ------------------------------------------------ */

static u_int
bar(const struct sim_mmio *mm)
{
	return (mm->mm_legacy ? LEGACY_BAR : CORE_BAR);
}

static uint32_t
core_read(struct sim_mmio *mm, uint32_t off, u_int width)
{
	struct sim_pci *sp = &mm->mm_sv->sv_pci;

	return (sp->sp_read(sp, bar(mm), off, width));
}

static void
core_write(struct sim_mmio *mm, uint32_t off, u_int width, uint32_t v)
{
	struct sim_pci *sp = &mm->mm_sv->sv_pci;

	sp->sp_write(sp, bar(mm), off, width, v);
}

/* NULL: QueueSel names none. */
static struct sim_vq *
selected(struct sim_mmio *mm, struct sim_mmio_vq **mq)
{
	if (mm->mm_qsel >= mm->mm_sv->sv_c.vc_nvq)
		return (NULL);
	*mq = &mm->mm_vq[mm->mm_qsel];
	return (&mm->mm_sv->sv_vq[mm->mm_qsel]);
}

static void
queue_forget(struct sim_mmio_vq *mq)
{
	*mq = (struct sim_mmio_vq){ .mq_parts = 0 };
}

/* --- status, features, interrupts ---------------------------------------- */

static void
status_write(struct sim_mmio *mm, uint32_t v)
{
	struct sim_virtio *sv = mm->mm_sv;
	u_int i;

	if (v > 0xff)
		sim_fault("Status: %#x", v);
	core_write(mm, mm->mm_legacy ? 0x12 : 0x14, 1, v & 0xff);
	if (v == 0 && !sv->sv_noreset) {
		for (i = 0; i < SIM_MAXVQ; i++)
			queue_forget(&mm->mm_vq[i]);
		mm->mm_told = 0;
		mm->mm_pagesize = 0;
		mm->mm_dselset = mm->mm_gselset = false;
	}
	/* 4.2.5; and what has a meaning on PCI alone */
	if ((v & FEATURES_OK) && (sv->sv_features & (F_ADMIN_VQ |
	    F_NOTIF_CONFIG_DATA)))
		sim_fault("features %#llx are not for MMIO",
		    (unsigned long long)sv->sv_features);
}

static uint32_t
features_read(struct sim_mmio *mm)
{
	if (!mm->mm_dselset)
		sim_fault("DeviceFeatures without DeviceFeaturesSel");
	if (mm->mm_legacy)
		return (mm->mm_dsel == 0 ? core_read(mm, 0x00, 4) : 0);
	core_write(mm, 0x00, 4, mm->mm_dsel);
	return (core_read(mm, 0x04, 4));
}

static void
features_write(struct sim_mmio *mm, uint32_t v)
{
	if (!mm->mm_gselset)
		sim_fault("DriverFeatures without DriverFeaturesSel");
	if (mm->mm_legacy && mm->mm_gsel != 0) {
		if (v != 0)
			sim_fault("features above 31 of a legacy device");
		return;
	}
	if (!mm->mm_legacy)
		core_write(mm, 0x08, 4, mm->mm_gsel);
	core_write(mm, mm->mm_legacy ? 0x04 : 0x0c, 4, v);
}

static uint32_t
isr_read(struct sim_mmio *mm)
{
	struct sim_virtio *sv = mm->mm_sv;
	uint32_t v;

	/* a liar's line without a cause falls, or it would never end */
	v = sv->sv_isr &= 3;
	sim_pci_setline(&sv->sv_pci, v != 0);
	mm->mm_nisr++;
	mm->mm_told |= v;
	/* all of this is after it was read, and before it is acknowledged */
	if (v != 0 && mm->mm_more > 0) {
		mm->mm_more--;
		if (v & 1)
			sim_virtio_changed(sv);
		else
			sim_vq_interrupt(&sv->sv_vq[0]);
	}
	if (mm->mm_eager & 1)
		(void)sim_virtio_run(sv);
	return (v | mm->mm_isr);
}

/* Only of what it was told, or an event would be lost. */
static void
isr_ack(struct sim_mmio *mm, uint32_t v)
{
	struct sim_virtio *sv = mm->mm_sv;

	mm->mm_nack++;
	if (mm->mm_eager & 2)
		(void)sim_virtio_run(sv);
	if (v & ~3U)
		sim_fault("InterruptACK: %#x has bits that mean nothing", v);
	if (v & 3 & ~mm->mm_told)
		sim_fault("InterruptACK: %#x, but it read %#x", v,
		    mm->mm_told);
	mm->mm_told &= ~v;
	sv->sv_isr &= ~v;
	sim_pci_setline(&sv->sv_pci, sv->sv_isr != 0);
}

/* --- queues -------------------------------------------------------------- */

static uint32_t
queue_max(struct sim_mmio *mm)
{
	struct sim_mmio_vq *mq;
	struct sim_vq *sq = selected(mm, &mq);

	if (sq == NULL)
		return (0);
	if (mm->mm_legacy && mq->mq_pfn != 0)
		sim_fault("QueueSizeMax of queue %u, which is in use",
		    mm->mm_qsel);
	return (mm->mm_max != 0 ? mm->mm_max : sq->sq_max);
}

/* A register of the selected queue, which must not be on. */
static bool
queue_time(struct sim_mmio *mm, struct sim_mmio_vq **mq, struct sim_vq **sq)
{
	uint8_t status = mm->mm_sv->sv_status;

	if ((*sq = selected(mm, mq)) == NULL) {
		sim_fault("queue %u is not there", mm->mm_qsel);
		return (false);
	}
	if ((*mq)->mq_unread)
		sim_fault("queue %u: that it stopped was not read back",
		    mm->mm_qsel);
	if (!mm->mm_legacy)
		return (true);		/* the device checks it */
	if (!(status & DRIVER) || (status & DRIVER_OK))
		sim_fault("queue set up with status %#x", status);
	if ((*sq)->sq_enabled)
		sim_fault("queue %u is changed while it is on", mm->mm_qsel);
	return (true);
}

static void
queue_size(struct sim_mmio *mm, uint32_t v)
{
	struct sim_mmio_vq *mq;
	struct sim_vq *sq;

	if (!queue_time(mm, &mq, &sq))
		return;
	if (v > 0xffff || v > sq->sq_max || v == 0 ||
	    (mm->mm_legacy && (v & (v - 1)) != 0))
		sim_fault("QueueSize %u of %u", v, sq->sq_max);
	mq->mq_sized = true;
	if (mm->mm_keeps)
		return;
	if (mm->mm_legacy)
		sq->sq_size = v;
	else
		core_write(mm, 0x18, 2, v & 0xffff);
}

static void
queue_part(struct sim_mmio *mm, uint32_t off, uint32_t v)
{
	static const uint8_t to[] = { 0x20, 0x28, 0x30 };
	u_int part = (off - 0x080) >> 4, high = off >> 2 & 1;
	struct sim_mmio_vq *mq;
	struct sim_vq *sq;

	if (!queue_time(mm, &mq, &sq))
		return;
	mq->mq_parts |= 1 << (2 * part + high);
	core_write(mm, to[part] + 4 * high, 4, v);
}

/* "MUST write zero (0x0) [...] and MUST read the value back" */
static void
queue_stop(struct sim_mmio *mm, struct sim_mmio_vq *mq, struct sim_vq *sq)
{
	mm->mm_nstop++;
	if (!sq->sq_enabled)
		return;
	sim_vq_still_there(sq);
	sim_vq_reset(sq);
	sim_dma_forgive();
	queue_forget(mq);
	mq->mq_unread = !mm->mm_legacy;
}

static void
ready_write(struct sim_mmio *mm, uint32_t v)
{
	struct sim_mmio_vq *mq;
	struct sim_vq *sq;

	if (v == 0 && (sq = selected(mm, &mq)) != NULL) {
		queue_stop(mm, mq, sq);
		return;
	}
	if (!queue_time(mm, &mq, &sq))
		return;
	if (v != 1)
		sim_fault("QueueReady: %u", v);
	if (!mq->mq_sized)
		sim_fault("queue %u is ready without a size", mm->mm_qsel);
	if (mq->mq_parts != 0x3f)
		sim_fault("queue %u is ready without all of its addresses",
		    mm->mm_qsel);
	if (!mm->mm_deaf)
		core_write(mm, 0x1c, 2, 1);
}

static uint32_t
ready_read(struct sim_mmio *mm)
{
	struct sim_mmio_vq *mq;
	struct sim_vq *sq;

	if ((sq = selected(mm, &mq)) == NULL)
		return (0);
	mq->mq_unread = false;
	return (sq->sq_enabled || mm->mm_inuse);
}

/* While it goes on both are 1, behind it 0: the device keeps the count. */
static void
reset_write(struct sim_mmio *mm, uint32_t v)
{
	struct sim_mmio_vq *mq;

	core_write(mm, 0x3a, 2, v);
	if (selected(mm, &mq) != NULL)
		queue_forget(mq);
}

static void
queue_notify(struct sim_mmio *mm, uint32_t v)
{
	struct sim_virtio *sv = mm->mm_sv;
	bool data = (sv->sv_features & F_NOTIFICATION_DATA) &&
	    (sv->sv_status & FEATURES_OK);
	u_int i = v & 0xffff;

	if (i >= sv->sv_c.vc_nvq || (!data && v > 0xffff))
		sim_fault("QueueNotify: %#x", v);
	else if (mm->mm_legacy)
		core_write(mm, 0x10, 2, v);
	else
		core_write(mm, CORE_NOTIFY + 4 * sv->sv_vq[i].sq_noff,
		    data ? 4 : 2, v);
}

/* --- queues of the legacy interface: 4.2.4 ------------------------------- */

/* Once is enough; what is there may be said again, but nothing else. */
static void
pagesize_write(struct sim_mmio *mm, uint32_t v)
{
	u_int i;

	if (v == 0 || (v & (v - 1)) != 0)
		sim_fault("GuestPageSize %u", v);
	for (i = 0; i < SIM_MAXVQ; i++) {
		if (mm->mm_vq[i].mq_pfn != 0 && v != mm->mm_pagesize)
			sim_fault("GuestPageSize: queue %u is in use", i);
	}
	mm->mm_pagesize = v;
}

static void
align_write(struct sim_mmio *mm, uint32_t v)
{
	struct sim_mmio_vq *mq;
	struct sim_vq *sq;

	if (!queue_time(mm, &mq, &sq))
		return;
	if (v < 4 || (v & (v - 1)) != 0)
		sim_fault("QueueAlign %u", v);
	else
		mq->mq_align = v;
}

static void
pfn_write(struct sim_mmio *mm, uint32_t v)
{
	struct sim_mmio_vq *mq;
	struct sim_vq *sq;

	if (v == 0 && (sq = selected(mm, &mq)) != NULL) {
		queue_stop(mm, mq, sq);
		return;
	}
	if (!queue_time(mm, &mq, &sq))
		return;
	if (mm->mm_pagesize == 0 || !mq->mq_sized || mq->mq_align == 0) {
		sim_fault("QueuePFN: page size %u, size %s, align %u",
		    mm->mm_pagesize, mq->mq_sized ? "said" : "not said",
		    mq->mq_align);
		return;
	}
	if (mm->mm_deaf)
		return;
	mq->mq_pfn = v;
	sq->sq_desc = (uint64_t)v * mm->mm_pagesize;
	sq->sq_driver = sq->sq_desc + 16 * sq->sq_size;
	sq->sq_device = roundup2(sq->sq_driver + 2 * (3 + sq->sq_size),
	    (uint64_t)mq->mq_align);
	sq->sq_enabled = true;
}

static uint32_t
pfn_read(struct sim_mmio *mm)
{
	struct sim_mmio_vq *mq;

	if (selected(mm, &mq) == NULL)
		return (0);
	return (mm->mm_inuse ? 1 : mq->mq_pfn);
}

/* --- registers ----------------------------------------------------------- */

/*
 * 4.2.2.2, 4.2.3.1.1: aligned words, and first magic value, version and
 * device ID; of a place without a device nothing more.
 */
static bool
reg_check(struct sim_mmio *mm, uint32_t off, u_int width, enum dir dir)
{
	enum dir has = 0;
	u_int i;

	for (i = 0; i < nitems(regs); i++) {
		if (regs[i].r_off == off)
			has = mm->mm_legacy ? regs[i].r_legacy :
			    regs[i].r_modern;
	}
	if (width != 4 || !(has & dir)) {
		sim_fault("%s of %u bytes at %#x", dir == RD ? "read" :
		    "write", width, off);
		return (false);
	}
	if (off == 8 ? (mm->mm_seen & 3) != 3 : off > 8 &&
	    mm->mm_seen != 7)
		sim_fault("%#x before MagicValue, Version and DeviceID", off);
	if (off > 8 && mm->mm_devid == 0)
		sim_fault("%#x of a place without a device", off);
	if (off <= 8)
		mm->mm_seen |= 1 << off / 4;
	return (true);
}

static uint32_t
reg_read(struct sim_mmio *mm, uint32_t off)
{
	struct sim_mmio_vq *mq;

	switch (off) {
	case 0x000:
		return (mm->mm_magic);
	case 0x004:
		return (mm->mm_version);
	case 0x008:
		return (mm->mm_devid);
	case 0x010:
		return (features_read(mm));
	case 0x034:
		return (queue_max(mm));
	case 0x040:
		return (pfn_read(mm));
	case 0x044:
		return (ready_read(mm));
	case 0x060:
		return (isr_read(mm));
	case 0x070:
		return (core_read(mm, mm->mm_legacy ? 0x12 : 0x14, 1));
	case 0x0c0:
		return (selected(mm, &mq) == NULL ? 0 :
		    core_read(mm, 0x3a, 2));
	case 0x0fc:
		return (core_read(mm, 0x15, 1));
	default:
		return (0x554d4551);	/* VendorID */
	}
}

static void
reg_write(struct sim_mmio *mm, uint32_t off, uint32_t v)
{
	switch (off) {
	case 0x014:
		mm->mm_dselset = true;
		mm->mm_dsel = v;
		break;
	case 0x020:
		features_write(mm, v);
		break;
	case 0x024:
		mm->mm_gselset = true;
		mm->mm_gsel = v;
		break;
	case 0x028:
		pagesize_write(mm, v);
		break;
	case 0x030:
		if (v > 0xffff)
			sim_fault("QueueSel %#x", v);
		mm->mm_qsel = v;
		core_write(mm, mm->mm_legacy ? 0x0e : 0x16, 2, v & 0xffff);
		break;
	case 0x038:
		queue_size(mm, v);
		break;
	case 0x03c:
		align_write(mm, v);
		break;
	case 0x040:
		pfn_write(mm, v);
		break;
	case 0x044:
		ready_write(mm, v);
		break;
	case 0x050:
		queue_notify(mm, v);
		break;
	case 0x064:
		isr_ack(mm, v);
		break;
	case 0x070:
		status_write(mm, v);
		break;
	case 0x0c0:
		reset_write(mm, v);
		break;
	default:
		queue_part(mm, off, v);
		break;
	}
}

/* --- the bus ------------------------------------------------------------- */

static struct sim_mmio *
decode(uint64_t addr, uint64_t size, uint32_t *off)
{
	struct sim_mmio *mm;

	LIST_FOREACH(mm, &places, mm_link) {
		if (addr >= mm->mm_addr && addr - mm->mm_addr + size <=
		    SIM_MMIO_SIZE) {
			*off = addr - mm->mm_addr;
			return (mm);
		}
	}
	return (NULL);
}

static int
mmio_map(bus_space_tag_t t, bus_addr_t addr, bus_size_t size, int flags,
    bus_space_handle_t *h)
{
	struct sim_mmio *mm;
	uint32_t off;

	if (hosted_may_fail())
		return (ENOMEM);
	if ((mm = decode(addr, size, &off)) == NULL)
		return (ENXIO);
	mm->mm_mapped++;
	*h = addr;
	return (0);
}

static void
mmio_unmap(bus_space_tag_t t, bus_space_handle_t h, bus_size_t size)
{
	struct sim_mmio *mm;
	uint32_t off;

	if ((mm = decode(h, size, &off)) == NULL || mm->mm_mapped == 0)
		sim_fault("unmapped, but not mapped");
	else
		mm->mm_mapped--;
}

static struct sim_mmio *
target(uint64_t addr, u_int width, uint32_t *off)
{
	struct sim_mmio *mm = decode(addr, width, off);

	if (mm == NULL) {
		sim_fault("access of nothing at %#llx",
		    (unsigned long long)addr);
		return (NULL);
	}
	sim_access(&mm->mm_sv->sv_pci);
	if (mm->mm_mapped == 0)
		sim_fault("accessed, but not mapped");
	if (*off % width != 0)
		sim_fault("%#x is not aligned for %u", *off, width);
	return (sim_gone ? NULL : mm);
}

/*
 * 4.2.2.2: a field is accessed with its width; one of 64 bits is two of 32.
 */
static uint32_t
config_at(const struct sim_mmio *mm, uint32_t off, u_int width)
{
	uint32_t at = off - CONFIG;

	if (at < mm->mm_nwidths && mm->mm_widths[at] != width)
		sim_fault("configuration: %u bytes at %u", width, at);
	return (at + (mm->mm_legacy ? LEGACY_CONFIG : CORE_CONFIG));
}

static uint32_t
bus_read(uint64_t addr, u_int width)
{
	struct sim_mmio *mm;
	uint32_t off, v;

	if ((mm = target(addr, width, &off)) == NULL)
		return (UINT32_MAX);
	if (off >= CONFIG)
		v = core_read(mm, config_at(mm, off, width), width);
	else
		v = reg_check(mm, off, width, RD) ? reg_read(mm, off) : 0;
	if (mm->mm_garbage != 0 && sim_random(mm->mm_garbage) == 0)
		v = sim_random(2) ? ~0U : sim_random(~0U);
	return (v);
}

static void
bus_write(uint64_t addr, u_int width, uint32_t v)
{
	struct sim_mmio *mm;
	uint32_t off;

	if ((mm = target(addr, width, &off)) == NULL)
		return;
	if (off >= CONFIG)
		core_write(mm, config_at(mm, off, width), width, v);
	else if (reg_check(mm, off, width, WR))
		reg_write(mm, off, v);
}

#define BUS_ACCESS(n, type)						\
static type								\
mmio_read_##n(bus_space_tag_t t, bus_space_handle_t h, bus_size_t off)	\
{									\
	return (bus_read(h + off, n));					\
}									\
static void								\
mmio_write_##n(bus_space_tag_t t, bus_space_handle_t h, bus_size_t off,	\
    type v)								\
{									\
	bus_write(h + off, n, v);					\
}
BUS_ACCESS(1, uint8_t)
BUS_ACCESS(2, uint16_t)
BUS_ACCESS(4, uint32_t)

const struct bus_space sim_mmio_bus = {
	.bs_name = "sim mmio", .bs_map = mmio_map, .bs_unmap = mmio_unmap,
	.bs_read_1 = mmio_read_1, .bs_write_1 = mmio_write_1,
	.bs_read_2 = mmio_read_2, .bs_write_2 = mmio_write_2,
	.bs_read_4 = mmio_read_4, .bs_write_4 = mmio_write_4,
};

struct sim_mmio *
sim_mmio_new(struct sim_virtio *sv, uint32_t version)
{
	struct sim_mmio *mm;

	/* the device has what it needs, and no vectors */
	KASSERT(sv->sv_c.vc_nvec == 0 && sv->sv_c.vc_where == SIM_MEM &&
	    sv->sv_c.vc_legacy == (version == 1));
	if ((mm = host_alloc(sizeof(*mm))) == NULL)
		host_fail("no memory");
	mm->mm_sv = sv;
	mm->mm_legacy = version == 1;
	mm->mm_addr = 0xa000000 + 0x1000 * sv->sv_pci.sp_dev;
	mm->mm_magic = MAGIC;
	mm->mm_version = version;
	mm->mm_devid = sv->sv_c.vc_devid;
	mm->mm_size = SIM_MMIO_SIZE;
	mm->mm_irq = sv->sv_pci.sp_irq;
	/* here nobody has to allow it */
	sv->sv_pci.sp_conf[4] |= 4;
	LIST_INSERT_HEAD(&places, mm, mm_link);
	return (mm);
}

void
sim_mmio_free(struct sim_mmio *mm)
{
	if (mm->mm_mapped != 0)
		sim_fault("registers are still mapped");
	LIST_REMOVE(mm, mm_link);
	host_free(mm);
}

/* --- attachment ---------------------------------------------------------- */

static int
place_attach(struct device *parent, struct device *self, void *aux)
{
	struct sim_mmio *mm = aux;
	struct intr_handle ih = { &hosted_intr_ops, { mm->mm_irq } };

	return (virtio_mmio_attach((struct virtio_mmio_softc *)self,
	    &sim_mmio_bus, mm->mm_addr, mm->mm_size, &ih));
}

CFATTACH_DECL(virtio, sim, virtio_mmio_softc, .ca_attach = place_attach,
    .ca_detach = virtio_mmio_detach);

void
sim_mmio_children(struct device *mainbus)
{
	static const short parents[] = { 0, -1 };
	static const struct cfdata cf = { .cf_attach = &virtio_sim_ca,
	    .cf_driver = &virtio_cd, .cf_parents = parents, .cf_star = true };
	struct sim_mmio *mm;
	struct device *dev;

	LIST_FOREACH(mm, &places, mm_link) {
		if (mm->mm_noprobe || virtio_mmio_probe(&sim_mmio_bus,
		    mm->mm_addr, mm->mm_size))
			(void)config_attach(mainbus, &cf, mm, NULL, &dev);
	}
}

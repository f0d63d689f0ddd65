/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A virtio device on PCI: its registers, by 1.x and by the legacy interface,
 * and what the specification asks of a driver that writes to them.  VIRTIO
 * 1.4: 2.1, 2.2, 2.6.1, 2.9, 3.1, 3.4, 4.1.
 */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

#define ACKNOWLEDGE	0x01
#define DRIVER		0x02
#define DRIVER_OK	0x04
#define FEATURES_OK	0x08
#define SUSPEND		0x10
#define NEEDS_RESET	0x40
#define FAILED		0x80

#define F_NOTIFY_ON_EMPTY	(1ULL << 24)
#define F_VERSION_1		(1ULL << 32)
#define F_ACCESS_PLATFORM	(1ULL << 33)
#define F_PACKED		(1ULL << 34)
#define F_SR_IOV		(1ULL << 37)
#define F_NOTIFICATION_DATA	(1ULL << 38)
#define F_NOTIF_CONFIG_DATA	(1ULL << 39)
#define F_RING_RESET		(1ULL << 40)
#define F_ADMIN_VQ		(1ULL << 41)
#define F_SUSPEND		(1ULL << 43)
/* 2.2, 6: bits that mean nothing, here or at all */
#define F_NOTHING	(1ULL << 25 | 1ULL << 26 | 1ULL << 30 | 1ULL << 31 | \
	0x3fULL << 44)
#define NO_VECTOR	0xffff
#define LEGACY_ALIGN	4096

/* types of structures: 4.1.4 */
enum { COMMON = 1, NOTIFY, ISR, DEVICE, PCI_CFG };

struct layout {
	u_int	bar;
	u_int	off[5], len[5];		/* by type */
	u_int	mult;
};
static const struct layout layout_mem = {
	4, { 0, 0, 0x3000, 0x1000, 0x2000 }, { 0, 0x40, 0x100, 1, 0x100 }, 4
};
static const struct layout layout_io = {
	2, { 0, 0, 0x40, 0xe0, 0x60 }, { 0, 0x40, 0x20, 1, 0x80 }, 2
};

static struct sim_virtio *all[8];

static const struct layout *
layout(const struct sim_virtio *sv)
{
	return (sv->sv_c.vc_where == SIM_IO ? &layout_io : &layout_mem);
}

static u_int
layout_len(const struct sim_virtio *sv, u_int type)
{
	if (type == COMMON && sv->sv_c.vc_common != 0)
		return (sv->sv_c.vc_common);
	return (layout(sv)->len[type]);
}

/* 4.1.4.4.1: of 4 bytes, if notifications may be */
static u_int
layout_mult(const struct sim_virtio *sv)
{
	return ((sv->sv_offered & F_NOTIFICATION_DATA) ? 4 :
	    layout(sv)->mult);
}

static bool
negotiated(const struct sim_virtio *sv, uint64_t feature)
{
	return ((sv->sv_features & feature) != 0 &&
	    (sv->sv_status & FEATURES_OK));
}

static void	config_interrupt(struct sim_virtio *);

/* --- status -------------------------------------------------------------- */

static void
virtio_reset(struct sim_virtio *sv)
{
	u_int i;

	for (i = 0; i < sv->sv_c.vc_nvq; i++)
		sim_vq_reset(&sv->sv_vq[i]);
	sim_dma_forgive();
	sv->sv_features = sv->sv_features_hi = 0;
	sv->sv_status = sv->sv_isr = 0;
	sv->sv_suspending = sv->sv_suspended = sv->sv_resuming = false;
	sv->sv_cfgpending = false;
	sv->sv_cvec = NO_VECTOR;
	sv->sv_qsel = 0;
	sv->sv_dsel = sv->sv_gsel = 0;
	sim_pci_setline(&sv->sv_pci, false);
	if (sv->sv_c.vc_reset != NULL)
		sv->sv_c.vc_reset(sv);
}

/*
 * 4.1.4.3.1: without RING_PACKED "either a value of 0 or a power of 2".  A
 * device that never heard of packed rings may still have it wrong.
 */
static void
size_present(struct sim_vq *sq)
{
	struct sim_virtio *sv = sq->sq_sv;

	while ((sv->sv_offered & ~sv->sv_features & F_PACKED) &&
	    (sq->sq_size & (sq->sq_size - 1)))
		sq->sq_size &= sq->sq_size - 1;
}

/* 2.2.1: what was not offered, and what nobody can know how to handle. */
static bool
features_known(struct sim_virtio *sv)
{
	uint64_t more = sv->sv_features & ~sv->sv_offered;
	uint64_t more_hi = sv->sv_features_hi & ~sv->sv_offered_hi;
	uint64_t not = F_NOTHING | F_SR_IOV;

	if (more != 0 || more_hi != 0)
		sim_fault("features %#llx, %#llx were not offered",
		    (unsigned long long)more_hi, (unsigned long long)more);
	if (!sv->sv_uselegacy)
		not |= F_NOTIFY_ON_EMPTY;
	if (sv->sv_features & not)
		sim_fault("features %#llx cannot be accepted",
		    (unsigned long long)(sv->sv_features & not));
	return (more == 0 && more_hi == 0);
}

static bool
features_ok(struct sim_virtio *sv)
{
	bool known = features_known(sv);
	u_int i;

	if (!(sv->sv_features & F_VERSION_1))
		sim_fault("VERSION_1 was not accepted");
	for (i = 0; i < sv->sv_c.vc_nvq; i++)
		size_present(&sv->sv_vq[i]);
	return (!sv->sv_refuse_ok && !(sv->sv_features & sv->sv_refuse) &&
	    known);
}

/* What is only known now, when the device goes to work. */
static void
start_check(struct sim_virtio *sv)
{
	if (sv->sv_uselegacy)
		(void)features_known(sv);
	/* 6: without it addresses are physical, whatever the platform says */
	if (sim_dma_translated && !(sv->sv_features & F_ACCESS_PLATFORM))
		sim_fault("bus addresses without ACCESS_PLATFORM");
}

/* --- suspension: 3.4 ----------------------------------------------------- */

static void
queues_suspend(struct sim_virtio *sv, bool on)
{
	u_int i;

	for (i = 0; i < sv->sv_c.vc_nvq; i++)
		sim_vq_suspend(&sv->sv_vq[i], on);
}

/* What is done is told first; what waits for something else stays. */
static void
suspend_end(struct sim_virtio *sv)
{
	u_int i;

	for (i = 0; i < sv->sv_c.vc_nvq; i++)
		sim_vq_flush(&sv->sv_vq[i]);
	if (!sv->sv_suspending)
		return;			/* the driver reset it meanwhile */
	sv->sv_suspending = false;
	sv->sv_suspended = true;
	sv->sv_nsuspends++;
	sv->sv_status = (sv->sv_status & ~DRIVER_OK) | SUSPEND;
}

static void
suspend_begin(struct sim_virtio *sv)
{
	if (sv->sv_suspending)
		return;
	if (!(sv->sv_status & DRIVER_OK) || !negotiated(sv, F_SUSPEND)) {
		sim_fault("SUSPEND with status %#x", sv->sv_status);
		return;
	}
	if (sv->sv_suspendfails) {
		sim_virtio_needs_reset(sv);
		return;
	}
	sv->sv_suspendread = false;
	sv->sv_suspending = true;
	sv->sv_suspendleft = sv->sv_suspendpolls;
	queues_suspend(sv, true);
	if (sv->sv_suspendleft == 0)
		suspend_end(sv);
}

static void
resume_end(struct sim_virtio *sv)
{
	queues_suspend(sv, false);
	sv->sv_suspended = sv->sv_resuming = false;
	sv->sv_nresumes++;
	sv->sv_status = (sv->sv_status & ~SUSPEND) | DRIVER_OK;
	if (sv->sv_cfgpending) {
		sv->sv_cfgpending = false;
		config_interrupt(sv);
	}
	if (sv->sv_c.vc_when == SIM_AT_ONCE)
		(void)sim_virtio_run(sv);
}

static void
resume_begin(struct sim_virtio *sv)
{
	if (!sv->sv_suspendread)
		sim_fault("resumed, but never seen suspended");
	if (sv->sv_resumefails) {
		sim_virtio_needs_reset(sv);
		return;
	}
	sv->sv_resuming = true;
	sv->sv_suspendleft = sv->sv_resumepolls;
	if (sv->sv_suspendleft == 0)
		resume_end(sv);
}

/* The status is polled. */
static void
suspend_poll(struct sim_virtio *sv)
{
	if (!sv->sv_suspending && !sv->sv_resuming) {
		if (sv->sv_suspended)
			sv->sv_suspendread = true;
		return;
	}
	if (sv->sv_suspendleft > 0) {
		if (sv->sv_suspendleft != ~0U)
			sv->sv_suspendleft--;
		return;
	}
	if (sv->sv_suspending)
		suspend_end(sv);
	else
		resume_end(sv);
}

/* --- status, again ------------------------------------------------------- */

/* 3.1.1: one step after the other. */
static void
status_order(struct sim_virtio *sv, uint8_t old, uint8_t v, uint8_t new)
{
	bool modern = !sv->sv_uselegacy;

	if (new & (new - 1))
		sim_fault("status %#x to %#x: more than one step", old, v);
	if (new & ~(ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | SUSPEND))
		sim_fault("status %#x has bits that are not the driver's", v);
	if ((new & DRIVER) && !(old & ACKNOWLEDGE))
		sim_fault("DRIVER before ACKNOWLEDGE");
	if ((new & FEATURES_OK) && !(old & DRIVER))
		sim_fault("FEATURES_OK before DRIVER");
	if ((new & FEATURES_OK) && !modern)
		sim_fault("FEATURES_OK by the legacy interface");
	if ((new & DRIVER_OK) && !(old & DRIVER))
		sim_fault("DRIVER_OK before DRIVER");
	if (modern && (new & DRIVER_OK) &&
	    (!(old & FEATURES_OK) || !sv->sv_reread))
		sim_fault("DRIVER_OK without FEATURES_OK read back");
}

static void
status_write(struct sim_virtio *sv, uint8_t v)
{
	uint8_t old = sv->sv_status, new = v & ~old & ~FAILED;
	bool modern = !sv->sv_uselegacy;
	u_int i;

	if (sv->sv_nstatus < nitems(sv->sv_statuses))
		sv->sv_statuses[sv->sv_nstatus] = v;
	sv->sv_nstatus++;
	if (v == 0) {
		sv->sv_nresets++;
		sv->sv_wasreset = false;
		sv->sv_resetleft = sv->sv_resetpolls;
		if (!sv->sv_noreset)
			virtio_reset(sv);
		return;
	}
	if (modern && !sv->sv_wasreset)
		sim_fault("status %#x: the reset was not waited for", v);
	if (old & ~v & ~NEEDS_RESET)
		sim_fault("status %#x to %#x clears bits", old, v);
	if (!(v & FAILED))
		status_order(sv, old, v, new);
	if (sv->sv_suspended || (v & SUSPEND)) {
		/* these two are the device's to set and to clear */
		sv->sv_status = (v & ~(SUSPEND | DRIVER_OK)) |
		    (old & (SUSPEND | DRIVER_OK | NEEDS_RESET));
		if (v & FAILED)
			return;
		if (new & SUSPEND)
			suspend_begin(sv);
		else if (sv->sv_suspended && (new & DRIVER_OK) &&
		    !sv->sv_resuming)
			resume_begin(sv);
		return;
	}
	if (new & FEATURES_OK) {
		sv->sv_reread = false;
		if (!features_ok(sv))
			v &= ~FEATURES_OK;
	}
	sv->sv_status = v | (old & NEEDS_RESET);
	if (new & DRIVER_OK) {
		start_check(sv);
		for (i = 0; i < sv->sv_c.vc_nvq; i++)
			sim_vq_enabled(&sv->sv_vq[i]);
	}
}

static uint8_t
status_read(struct sim_virtio *sv)
{
	if (sv->sv_resetleft > 0) {
		sv->sv_resetleft--;
		return (0x0f);
	}
	suspend_poll(sv);
	if (sv->sv_status == 0)
		sv->sv_wasreset = true;
	sv->sv_reread = true;
	return (sv->sv_status);
}

/* --- features ------------------------------------------------------------ */

static void
features_write(struct sim_virtio *sv, u_int sel, uint32_t v)
{
	if (!(sv->sv_status & DRIVER) ||
	    (sv->sv_status & (FEATURES_OK | DRIVER_OK)))
		sim_fault("features written with status %#x", sv->sv_status);
	if (sel == 0)
		sv->sv_features = (sv->sv_features & ~0xffffffffULL) | v;
	else if (sel == 1)
		sv->sv_features = (sv->sv_features & 0xffffffff) |
		    (uint64_t)v << 32;
	else if (sel == 2)
		sv->sv_features_hi = (sv->sv_features_hi & ~0xffffffffULL) | v;
	else if (sel == 3)
		sv->sv_features_hi = (sv->sv_features_hi & 0xffffffff) |
		    (uint64_t)v << 32;
	else if (v != 0)
		sim_fault("feature bits above 127 accepted");
}

static uint32_t
features_part(uint64_t lo, uint64_t hi, uint32_t sel)
{
	return (sel > 3 ? 0 : (sel < 2 ? lo : hi) >> 32 * (sel & 1));
}

/* --- interrupts ---------------------------------------------------------- */

void
sim_vq_interrupt(struct sim_vq *sq)
{
	struct sim_virtio *sv = sq->sq_sv;

	sq->sq_interrupts++;
	if (sim_pci_msix_on(&sv->sv_pci)) {
		if (sq->sq_vector != NO_VECTOR)
			sim_pci_message(&sv->sv_pci, sq->sq_vector);
		return;
	}
	sv->sv_isr |= 1;
	sim_pci_setline(&sv->sv_pci, true);
}

static void
config_interrupt(struct sim_virtio *sv)
{
	if (sv->sv_suspended)
		sv->sv_cfgpending = true;
	if (!(sv->sv_status & DRIVER_OK))
		return;
	if (sim_pci_msix_on(&sv->sv_pci)) {
		if (sv->sv_cvec != NO_VECTOR)
			sim_pci_message(&sv->sv_pci, sv->sv_cvec);
		return;
	}
	sv->sv_isr |= 2;
	sim_pci_setline(&sv->sv_pci, true);
}

void
sim_virtio_changed(struct sim_virtio *sv)
{
	sv->sv_gen++;
	config_interrupt(sv);
}

void
sim_virtio_needs_reset(struct sim_virtio *sv)
{
	sv->sv_status |= NEEDS_RESET;
	config_interrupt(sv);
}

static uint16_t
vector_write(struct sim_virtio *sv, uint16_t v)
{
	return (v < sv->sv_pci.sp_nvec && !sv->sv_novector ? v : NO_VECTOR);
}

static uint8_t
isr_read(struct sim_virtio *sv)
{
	uint8_t v = sv->sv_isr;

	sv->sv_nisr++;
	sv->sv_isr = 0;
	sim_pci_setline(&sv->sv_pci, false);
	return (v);
}

/* --- queues -------------------------------------------------------------- */

static struct sim_vq *
selected(struct sim_virtio *sv)
{
	return (sv->sv_qsel < sv->sv_c.vc_nvq ? &sv->sv_vq[sv->sv_qsel] :
	    NULL);
}

static void
notify(struct sim_virtio *sv, u_int index, const uint16_t *next)
{
	struct sim_vq *sq;

	if (index >= sv->sv_c.vc_nvq || !sv->sv_vq[index].sq_enabled) {
		sim_fault("notification of queue %u, which is not on", index);
		return;
	}
	if (!(sv->sv_status & DRIVER_OK) && !sv->sv_suspended) {
		sim_fault("notification before DRIVER_OK");
		return;
	}
	sq = &sv->sv_vq[index];
	if (sq->sq_resetting || sq->sq_resetunread) {
		sim_fault("notification of queue %u, which is reset", index);
		return;
	}
	/* 3.4.1 */
	if (sv->sv_suspending || sv->sv_suspended)
		sim_fault("notification of a suspended device");
	sim_vq_notified(sq, next);
	if (sv->sv_c.vc_when == SIM_AT_ONCE)
		(void)sim_virtio_run(sv);
}

/* 2.7, 2.8.10.1: up to 32768, without RING_PACKED a power of two. */
static bool
size_ok(const struct sim_virtio *sv, uint32_t size)
{
	return (size != 0 && size <= 32768 && ((sv->sv_features & F_PACKED) ||
	    (size & (size - 1)) == 0));
}

static void
queue_enable(struct sim_virtio *sv, struct sim_vq *sq)
{
	if (sq->sq_enabled)
		sim_fault("queue %u is enabled twice", sq->sq_index);
	if (!size_ok(sv, sq->sq_size))
		sim_fault("queue %u has size %u", sq->sq_index, sq->sq_size);
	if (sq->sq_desc == 0 || sq->sq_desc % 16 != 0 ||
	    sq->sq_driver % 2 != 0 || sq->sq_device % 4 != 0)
		sim_fault("queue %u is at %#llx %#llx %#llx", sq->sq_index,
		    (unsigned long long)sq->sq_desc,
		    (unsigned long long)sq->sq_driver,
		    (unsigned long long)sq->sq_device);
	sq->sq_enabled = true;
	sq->sq_wasreset = false;
	/* again, after its reset */
	if (sv->sv_status & DRIVER_OK)
		sim_vq_enabled(sq);
}

/* --- reset of one queue: 2.6.1, 4.1.4.3 ---------------------------------- */

/* The driver has all of its memory until it has read back 0. */
static void
queue_reset_end(struct sim_virtio *sv, struct sim_vq *sq)
{
	sim_vq_still_there(sq);
	sim_vq_reset(sq);
	size_present(sq);
	sim_dma_forgive();
	sq->sq_resetunread = true;
	sv->sv_nqueueresets++;
}

static void
queue_reset_write(struct sim_virtio *sv, struct sim_vq *sq, uint32_t v)
{
	if (v != 1) {
		sim_fault("queue_reset: %u", v);
		return;
	}
	if (sq->sq_resetting || sq->sq_resetunread) {
		sim_fault("queue %u is reset twice", sq->sq_index);
		return;
	}
	if (sv->sv_suspending || sv->sv_suspended)
		sim_fault("queue %u is reset while suspended", sq->sq_index);
	sq->sq_resetting = true;
	sq->sq_resetleft = sv->sv_queueresetpolls;
	if (sq->sq_resetleft == 0)
		queue_reset_end(sv, sq);
}

static uint32_t
queue_reset_read(struct sim_virtio *sv, struct sim_vq *sq)
{
	if (sq->sq_resetting) {
		sim_vq_still_there(sq);
		if (sq->sq_resetleft == ~0U || sq->sq_resetleft-- > 0)
			return (1);
		queue_reset_end(sv, sq);
	}
	if (sq->sq_resetunread) {
		sq->sq_resetunread = false;
		sq->sq_wasreset = true;
	}
	return (0);
}

/* May a queue be set up now? */
static void
queue_time(struct sim_virtio *sv, struct sim_vq *sq)
{
	uint8_t need = sv->sv_uselegacy ? DRIVER : FEATURES_OK;

	if (sq->sq_resetting || sq->sq_resetunread)
		sim_fault("queue %u: its reset was not waited for",
		    sq->sq_index);
	if (!(sv->sv_status & need) || ((sv->sv_status & DRIVER_OK) &&
	    !sq->sq_wasreset))
		sim_fault("queue set up with status %#x", sv->sv_status);
	if (sq->sq_enabled)
		sim_fault("queue %u is changed while it is on",
		    sq->sq_index);
}

static void
put64(uint64_t *p, bool high, uint32_t v)
{
	*p = high ? (*p & 0xffffffff) | (uint64_t)v << 32 :
	    (*p & ~0xffffffffULL) | v;
}

/* --- the 1.x interface: 4.1.4.3 ------------------------------------------ */

struct reg {
	uint8_t	 off, width;
	bool	 written;
	uint64_t need;			/* exists only with this feature */
};
static const struct reg regs[] = {
	{ 0x00, 4, true, 0 }, { 0x04, 4, false, 0 }, { 0x08, 4, true, 0 },
	{ 0x0c, 4, true, 0 }, { 0x10, 2, true, 0 }, { 0x12, 2, false, 0 },
	{ 0x14, 1, true, 0 }, { 0x15, 1, false, 0 }, { 0x16, 2, true, 0 },
	{ 0x18, 2, true, 0 }, { 0x1a, 2, true, 0 }, { 0x1c, 2, true, 0 },
	{ 0x1e, 2, false, 0 }, { 0x20, 4, true, 0 }, { 0x24, 4, true, 0 },
	{ 0x28, 4, true, 0 }, { 0x2c, 4, true, 0 }, { 0x30, 4, true, 0 },
	{ 0x34, 4, true, 0 }, { 0x38, 2, false, F_NOTIF_CONFIG_DATA },
	{ 0x3a, 2, true, F_RING_RESET }, { 0x3c, 2, false, F_ADMIN_VQ },
	{ 0x3e, 2, false, F_ADMIN_VQ },
};

static bool
reg_check(struct sim_virtio *sv, u_int off, u_int width, bool write)
{
	const struct reg *r;

	for (r = regs; r < regs + nitems(regs); r++) {
		if (r->off != off || r->width != width ||
		    (write && !r->written))
			continue;
		if (r->need == 0 || negotiated(sv, r->need))
			return (true);
		sim_fault("common configuration: %#x without its feature",
		    off);
		return (false);
	}
	sim_fault("common configuration: %s of %u bytes at %#x",
	    write ? "write" : "read", width, off);
	return (false);
}

static uint32_t
common_read(struct sim_virtio *sv, u_int off, u_int width)
{
	struct sim_vq *sq = selected(sv);

	if (!reg_check(sv, off, width, false))
		return (0);
	switch (off) {
	case 0x00:
		return (sv->sv_dsel);
	case 0x04:
		return (features_part(sv->sv_offered, sv->sv_offered_hi,
		    sv->sv_dsel));
	case 0x08:
		return (sv->sv_gsel);
	case 0x0c:
		return (features_part(sv->sv_features, sv->sv_features_hi,
		    sv->sv_gsel));
	case 0x10:
		return (sv->sv_cvec);
	case 0x12:
		return (sv->sv_c.vc_nvq);
	case 0x14:
		return (status_read(sv));
	case 0x15:
		if (sv->sv_restless)
			sv->sv_gen++;
		return (sv->sv_gen);
	case 0x16:
		return (sv->sv_qsel);
	case 0x3c:
		/* there are none; but they would come after the others */
		return (sv->sv_c.vc_nvq);
	case 0x3e:
		return (0);
	}
	if (sq == NULL)
		return (0);
	switch (off) {
	case 0x18:
		return (sq->sq_size);
	case 0x1a:
		return (sq->sq_vector);
	case 0x1c:
		return (sq->sq_enabled);
	case 0x1e:
		return (sq->sq_noff);
	case 0x20:
	case 0x24:
		return (sq->sq_desc >> (off & 4) * 8);
	case 0x28:
	case 0x2c:
		return (sq->sq_driver >> (off & 4) * 8);
	case 0x38:
		return (sq->sq_notifdata);
	case 0x3a:
		return (queue_reset_read(sv, sq));
	default:
		return (sq->sq_device >> (off & 4) * 8);
	}
}

static void
common_write_queue(struct sim_virtio *sv, u_int off, uint32_t v)
{
	struct sim_vq *sq = selected(sv);

	if (sq == NULL) {
		sim_fault("queue %u is not there", sv->sv_qsel);
		return;
	}
	if (off == 0x3a) {
		queue_reset_write(sv, sq, v);
		return;
	}
	queue_time(sv, sq);
	switch (off) {
	case 0x18:
		if (v > sq->sq_max || !size_ok(sv, v))
			sim_fault("queue size %u of %u", v, sq->sq_max);
		if (!sv->sv_badsize)
			sq->sq_size = sv->sv_newsize != 0 ? sv->sv_newsize : v;
		break;
	case 0x1a:
		sq->sq_vector = vector_write(sv, v);
		break;
	case 0x1c:
		if (v != 1)
			sim_fault("queue_enable: %u", v);
		else
			queue_enable(sv, sq);
		break;
	case 0x20:
	case 0x24:
		put64(&sq->sq_desc, off & 4, v);
		break;
	case 0x28:
	case 0x2c:
		put64(&sq->sq_driver, off & 4, v);
		break;
	default:
		put64(&sq->sq_device, off & 4, v);
		break;
	}
}

static void
common_write(struct sim_virtio *sv, u_int off, u_int width, uint32_t v)
{
	if (!reg_check(sv, off, width, true))
		return;
	switch (off) {
	case 0x00:
		sv->sv_dsel = v;
		break;
	case 0x08:
		sv->sv_gsel = v;
		break;
	case 0x0c:
		features_write(sv, sv->sv_gsel, v);
		break;
	case 0x10:
		sv->sv_cvec = vector_write(sv, v);
		break;
	case 0x14:
		sv->sv_uselegacy = false;
		status_write(sv, v);
		break;
	case 0x16:
		sv->sv_qsel = v;
		break;
	default:
		common_write_queue(sv, off, v);
		break;
	}
}

static uint32_t
config_read(struct sim_virtio *sv, u_int off, u_int width)
{
	if (off + width > sv->sv_c.vc_cfgsize)
		return (0);
	if (sv->sv_genmoves > 0) {
		sv->sv_genmoves--;
		sv->sv_gen++;
	}
	return (sim_get_le(sv->sv_config + off, width));
}

static void
config_write(struct sim_virtio *sv, u_int off, u_int width, uint32_t v)
{
	if (off + width > sv->sv_c.vc_cfgsize) {
		sim_fault("configuration written at %u", off);
		return;
	}
	if (sv->sv_suspending || sv->sv_suspended) {
		sim_fault("configuration written at %u while suspended", off);
		return;
	}
	sim_put_le(sv->sv_config + off, width, v);
	if (sv->sv_c.vc_config_written != NULL)
		sv->sv_c.vc_config_written(sv, off, width);
}

void
sim_config_put(struct sim_virtio *sv, u_int off, u_int n, uint64_t v)
{
	for (; n > 0; n--, v >>= 8)
		sv->sv_config[off++] = v;
}

static u_int
modern_part(struct sim_virtio *sv, uint32_t *off, u_int width)
{
	const struct layout *l = layout(sv);
	u_int type;

	for (type = COMMON; type <= DEVICE; type++) {
		if (*off >= l->off[type] &&
		    *off + width <= l->off[type] + layout_len(sv, type)) {
			*off -= l->off[type];
			return (type);
		}
	}
	return (0);
}

static uint32_t
modern_read(struct sim_virtio *sv, uint32_t off, u_int width)
{
	switch (modern_part(sv, &off, width)) {
	case COMMON:
		return (common_read(sv, off, width));
	case ISR:
		return (isr_read(sv));
	case DEVICE:
		return (config_read(sv, off, width));
	default:
		sim_fault("read of nothing at %#x", off);
		return (0);
	}
}

/*
 * 4.1.5.2: of 16 bits, or with NOTIFICATION_DATA of 32; it names the queue by
 * its index, or with NOTIF_CONFIG_DATA by what the device calls it.
 */
static void
modern_notify(struct sim_virtio *sv, uint32_t off, u_int width, uint32_t v)
{
	bool data = negotiated(sv, F_NOTIFICATION_DATA);
	bool named = negotiated(sv, F_NOTIF_CONFIG_DATA);
	uint16_t next = v >> 16;
	u_int i;

	if (width != (data ? 4 : 2) || off % layout_mult(sv) != 0) {
		sim_fault("notification: %u bytes at %#x", width, off);
		return;
	}
	for (i = 0; i < sv->sv_c.vc_nvq; i++) {
		if ((v & 0xffff) == (named ? sv->sv_vq[i].sq_notifdata : i))
			break;
	}
	if (i == sv->sv_c.vc_nvq ||
	    sv->sv_vq[i].sq_noff * layout_mult(sv) != off)
		sim_fault("notification of queue %#x at %#x", v & 0xffff,
		    off);
	else
		notify(sv, i, data ? &next : NULL);
}

static void
modern_write(struct sim_virtio *sv, uint32_t off, u_int width, uint32_t v)
{
	switch (modern_part(sv, &off, width)) {
	case COMMON:
		common_write(sv, off, width, v);
		break;
	case NOTIFY:
		modern_notify(sv, off, width, v);
		break;
	case DEVICE:
		config_write(sv, off, width, v);
		break;
	default:
		sim_fault("write to nothing at %#x", off);
		break;
	}
}

/* --- the legacy interface: 4.1.4.11 -------------------------------------- */

static uint32_t
legacy_read(struct sim_virtio *sv, uint32_t off, u_int width)
{
	bool msix = sim_pci_msix_on(&sv->sv_pci);
	struct sim_vq *sq = selected(sv);

	if (off >= (msix ? 24 : 20))
		return (config_read(sv, off - (msix ? 24 : 20), width));
	switch (off << 4 | width) {
	case 0x004:
		return (sv->sv_offered);
	case 0x044:
		return (sv->sv_features);
	case 0x084:
		return (sq == NULL ? 0 : sq->sq_desc >> 12);
	case 0x0c2:
		return (sq == NULL ? 0 : sq->sq_max);
	case 0x0e2:
		return (sv->sv_qsel);
	case 0x121:
		return (status_read(sv));
	case 0x131:
		return (isr_read(sv));
	case 0x142:
		return (sv->sv_cvec);
	case 0x162:
		return (sq == NULL ? NO_VECTOR : sq->sq_vector);
	}
	sim_fault("legacy: read of %u bytes at %#x", width, off);
	return (0);
}

static void
legacy_queue(struct sim_virtio *sv, uint32_t page)
{
	struct sim_vq *sq = selected(sv);

	if (sq == NULL) {
		sim_fault("queue %u is not there", sv->sv_qsel);
		return;
	}
	if (page == 0) {
		sim_vq_reset(sq);
		return;
	}
	queue_time(sv, sq);
	sq->sq_size = sq->sq_max;
	sq->sq_desc = (uint64_t)page << 12;
	sq->sq_driver = sq->sq_desc + 16 * sq->sq_size;
	sq->sq_device = roundup2(sq->sq_driver + 2 * (3 + sq->sq_size),
	    (uint64_t)LEGACY_ALIGN);
	queue_enable(sv, sq);
}

static void
legacy_write(struct sim_virtio *sv, uint32_t off, u_int width, uint32_t v)
{
	bool msix = sim_pci_msix_on(&sv->sv_pci);

	if (off >= (msix ? 24 : 20)) {
		config_write(sv, off - (msix ? 24 : 20), width, v);
		return;
	}
	switch (off << 4 | width) {
	case 0x044:
		features_write(sv, 0, v);
		break;
	case 0x084:
		legacy_queue(sv, v);
		break;
	case 0x0e2:
		sv->sv_qsel = v;
		break;
	case 0x102:
		notify(sv, v, NULL);
		break;
	case 0x121:
		sv->sv_uselegacy = true;
		status_write(sv, v);
		break;
	case 0x142:
		sv->sv_cvec = vector_write(sv, v);
		break;
	case 0x162:
		if (selected(sv) != NULL)
			selected(sv)->sq_vector = vector_write(sv, v);
		break;
	default:
		sim_fault("legacy: write of %u bytes at %#x", width, off);
		break;
	}
}

/* --- PCI ----------------------------------------------------------------- */

static uint32_t
bar_read(struct sim_pci *sp, u_int bar, uint32_t off, u_int width)
{
	struct sim_virtio *sv = (struct sim_virtio *)sp;
	uint32_t v;

	if (bar == 0 && sv->sv_c.vc_legacy)
		v = legacy_read(sv, off, width);
	else
		v = modern_read(sv, off, width);
	if (sv->sv_garbage != 0 && sim_random(sv->sv_garbage) == 0)
		v = sim_random(2) ? ~0U : sim_random(~0U);
	return (v);
}

static void
bar_write(struct sim_pci *sp, u_int bar, uint32_t off, u_int width,
    uint32_t v)
{
	struct sim_virtio *sv = (struct sim_virtio *)sp;

	if (bar == 0 && sv->sv_c.vc_legacy)
		legacy_write(sv, off, width, v);
	else
		modern_write(sv, off, width, v);
}

/* 4.1.4.10: the data register of the window does the access. */
static bool
window(struct sim_virtio *sv, u_int reg, u_int *bar, uint32_t *off,
    u_int *len)
{
	u_int cap = sv->sv_cap[PCI_CFG];

	if (cap == 0 || reg != cap + 16)
		return (false);
	*bar = sv->sv_pci.sp_conf[cap + 4];
	*off = sim_get_le(sv->sv_pci.sp_conf + cap + 8, 4);
	*len = sim_get_le(sv->sv_pci.sp_conf + cap + 12, 4);
	if (*bar > 5 || (*len != 1 && *len != 2 && *len != 4) ||
	    *off % *len != 0 || *off + *len > sv->sv_pci.sp_bar[*bar].sb_size) {
		sim_fault("window: BAR %u, %u bytes at %#x", *bar, *len,
		    *off);
		return (false);
	}
	return (true);
}

static void
conf_read(struct sim_pci *sp, u_int reg)
{
	struct sim_virtio *sv = (struct sim_virtio *)sp;
	u_int bar, len;
	uint32_t off;

	if (window(sv, reg, &bar, &off, &len))
		sim_put_le(sp->sp_conf + reg, 4,
		    sim_pci_regread(sp, bar, off, len));
}

static void
conf_write(struct sim_pci *sp, u_int reg, uint32_t v)
{
	struct sim_virtio *sv = (struct sim_virtio *)sp;
	u_int bar, len;
	uint32_t off;

	if (window(sv, reg, &bar, &off, &len))
		sim_pci_regwrite(sp, bar, off, len,
		    len == 4 ? v : v & ((1U << 8 * len) - 1));
}

static void
add_cap(struct sim_virtio *sv, u_int type, u_int size)
{
	const struct layout *l = layout(sv);
	uint8_t *p;

	sv->sv_cap[type] = sim_pci_cap(&sv->sv_pci, 0x09, size);
	p = sv->sv_pci.sp_conf + sv->sv_cap[type];
	p[2] = size;
	p[3] = type;
	if (type == PCI_CFG) {
		memset(sv->sv_pci.sp_wmask + sv->sv_cap[type] + 4, 0xff, 1);
		memset(sv->sv_pci.sp_wmask + sv->sv_cap[type] + 8, 0xff, 12);
		return;
	}
	p[4] = l->bar;
	sim_put_le(p + 8, 4, l->off[type]);
	sim_put_le(p + 12, 4, layout_len(sv, type));
	if (type == NOTIFY)
		sim_put_le(p + 16, 4, layout_mult(sv));
}

static void
identify(struct sim_virtio *sv)
{
	static const uint16_t old[] = {
		[1] = 0x1000, [2] = 0x1001, [5] = 0x1002, [3] = 0x1003,
		[8] = 0x1004, [4] = 0x1005
	};
	static const uint32_t class[] = {
		[1] = 0x020000, [2] = 0x010000, [3] = 0x078000, [4] = 0x00ff00
	};
	uint16_t id = sv->sv_c.vc_devid;
	uint8_t *conf = sv->sv_pci.sp_conf;

	sim_put_le(conf, 2, 0x1af4);
	if (sv->sv_c.vc_legacy)
		sim_put_le(conf + 2, 2, id < nitems(old) && old[id] != 0 ?
		    old[id] : 0x103f);
	else {
		sim_put_le(conf + 2, 2, 0x1040 + id);
		conf[8] = 1;
	}
	sim_put_le(conf + 9, 3, id < nitems(class) ? class[id] : 0xff0000);
	sim_put_le(conf + 0x2c, 2, 0x1af4);
	sim_put_le(conf + 0x2e, 2, id);
	if (!sv->sv_c.vc_noline) {
		conf[0x3d] = 1;
		conf[0x3c] = sv->sv_pci.sp_irq;
	}
}

static void
make_bars(struct sim_virtio *sv)
{
	struct sim_pci *sp = &sv->sv_pci;

	if (sv->sv_c.vc_legacy)
		sp->sp_bar[0] = (struct sim_bar){ .sb_io = true,
		    .sb_size = 0x80 };
	if (sv->sv_c.vc_nvec > 0) {
		sp->sp_bar[1] = (struct sim_bar){ .sb_size = 0x1000 };
		sim_pci_msix(sp, 1, 0, sv->sv_c.vc_nvec);
	}
	if (sv->sv_c.vc_nomodern)
		return;
	if (sv->sv_c.vc_where == SIM_IO)
		sp->sp_bar[2] = (struct sim_bar){ .sb_io = true,
		    .sb_size = 0x100 };
	else
		sp->sp_bar[4] = (struct sim_bar){ .sb_64 = true,
		    .sb_nomap = sv->sv_c.vc_where == SIM_WINDOW,
		    .sb_size = 0x4000 };
	add_cap(sv, COMMON, 16);
	add_cap(sv, ISR, 16);
	if (sv->sv_c.vc_cfgsize > 0)
		add_cap(sv, DEVICE, 16);
	add_cap(sv, NOTIFY, 20);
	add_cap(sv, PCI_CFG, 20);
}

static uint32_t
random_below(struct sim_virtio *sv, uint32_t below)
{
	return (sim_random(below));
}

struct sim_virtio *
sim_virtio_new(const struct sim_virtio_conf *vc)
{
	struct sim_virtio *sv;
	struct sim_vq *sq;
	u_int i, n;

	if ((sv = host_alloc(sizeof(*sv))) == NULL)
		host_fail("no memory");
	for (n = 0; n < nitems(all) && all[n] != NULL; n++)
		;
	KASSERT(n < nitems(all) && vc->vc_nvq <= SIM_MAXVQ);
	all[n] = sv;
	sv->sv_c = *vc;
	sv->sv_offered = vc->vc_features | (vc->vc_nomodern ? 0 :
	    F_VERSION_1);
	sv->sv_offered_hi = vc->vc_features_hi;
	sv->sv_random = random_below;
	sv->sv_cvec = NO_VECTOR;
	sv->sv_pci.sp_dev = n + 1;
	sv->sv_pci.sp_irq = 10 + n % 4;
	sv->sv_pci.sp_read = bar_read;
	sv->sv_pci.sp_write = bar_write;
	sv->sv_pci.sp_confread = conf_read;
	sv->sv_pci.sp_confwrite = conf_write;
	identify(sv);
	make_bars(sv);
	for (i = 0; i < vc->vc_nvq; i++) {
		sq = &sv->sv_vq[i];
		sq->sq_sv = sv;
		sq->sq_index = sq->sq_noff = i;
		sq->sq_max = sq->sq_size = vc->vc_qsize[i];
		sq->sq_vector = NO_VECTOR;
		/* not at all like its index */
		sq->sq_notifdata = 0xa5c0 - 3 * i;
		sq->sq_mem = vc->vc_mem != NULL ? vc->vc_mem : &sim_mem_dma;
		sq->sq_memarg = vc->vc_memarg;
		TAILQ_INIT(&sq->sq_held);
		TAILQ_INIT(&sq->sq_done);
		TAILQ_INIT(&sq->sq_put.pu_chains);
	}
	sim_pci_add(&sv->sv_pci);
	return (sv);
}

void
sim_virtio_free(struct sim_virtio *sv)
{
	u_int i;

	sim_pci_free(&sv->sv_pci);
	for (i = 0; i < sv->sv_c.vc_nvq; i++)
		sim_vq_reset(&sv->sv_vq[i]);
	for (i = 0; i < nitems(all); i++) {
		if (all[i] == sv)
			all[i] = NULL;
	}
	host_free(sv);
}

/* --- work ---------------------------------------------------------------- */

bool
sim_virtio_run(struct sim_virtio *sv)
{
	bool any = false, more = true;
	u_int i;

	if (sv->sv_running || !(sv->sv_status & DRIVER_OK) ||
	    (sv->sv_status & NEEDS_RESET) || sim_gone)
		return (false);
	sv->sv_running++;
	while (more) {
		more = false;
		for (i = 0; i < sv->sv_c.vc_nvq; i++)
			more |= sim_vq_run(&sv->sv_vq[i]);
		any |= more;
	}
	sv->sv_running--;
	return (any);
}

bool
sim_virtio_runall(void)
{
	bool any = false;
	u_int i;

	for (i = 0; i < nitems(all); i++) {
		if (all[i] != NULL && all[i]->sv_c.vc_when != SIM_BY_HAND &&
		    all[i]->sv_c.vc_when != SIM_NEVER)
			any |= sim_virtio_run(all[i]);
	}
	return (any);
}

/* One small step of some queue, in the middle of what the driver does. */
void
sim_step(void)
{
	struct sim_virtio *sv = all[sim_random(nitems(all))];

	if (sv == NULL || sv->sv_c.vc_when == SIM_BY_HAND ||
	    sv->sv_c.vc_when == SIM_NEVER || sv->sv_running ||
	    !(sv->sv_status & DRIVER_OK) ||
	    (sv->sv_status & NEEDS_RESET) || sim_gone)
		return;
	sv->sv_running++;
	(void)sim_vq_run(&sv->sv_vq[sim_random(sv->sv_c.vc_nvq)]);
	sv->sv_running--;
}

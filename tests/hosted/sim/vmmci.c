/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* The control device of OpenBSD's vmm: the model of tests/hv as a function. */

#include <sys/pvreq.h>
#include <sys/systm.h>

#include <dev/pci/pcireg.h>
#include <machine/host.h>
#include "sim.h"

/* behind those that are virtio.c's */
#define FIRST_DEV	12
#define NDEV		2
#define BAR_SIZE	0x100		/* less, to find a place for it */

static const u_int	lines[NDEV] = { 9, 14 };
static bool		used[NDEV];

/* --- the machine of the model -------------------------------------------- */

static void
model_line(void *arg, bool level)
{
	struct sim_vmmci *vi = arg;

	sim_pci_setline(&vi->vi_pci, level);
}

uint64_t
sim_vmmci_wall(const struct sim_vmmci *vi)
{
	return (vi->vi_base + hosted_now + vi->vi_ahead);
}

/* It never stands still: no two readings are the same. */
static void
model_time(void *arg, uint64_t *sec, uint64_t *usec)
{
	struct sim_vmmci *vi = arg;
	uint64_t ns = sim_vmmci_wall(vi) +
	    vi->vi_model.vm_ntime % 16 * 1000;

	*sec = ns / 1000000000;
	*usec = ns / 1000 % 1000000;
}

static uint64_t
model_msec(void *arg)
{
	return (hosted_now / 1000000);
}

static void
feature_check(struct sim_vmmci *vi, uint32_t v)
{
	if (v & ~vi->vi_model.vm_offered)
		sim_fault("features %#x were not offered",
		    v & ~vi->vi_model.vm_offered);
	if ((vi->vi_model.vm_status & 0x07) != 0x03)
		sim_fault("features written with status %#x",
		    vi->vi_model.vm_status);
}

static void
model_event(void *arg, enum vmmci_event ev, uint32_t v)
{
	struct sim_vmmci *vi = arg;

	switch (ev) {
	case VMMCI_EV_STATUS:
		break;
	case VMMCI_EV_FEATURES:
		feature_check(vi, v);
		break;
	case VMMCI_EV_ACK:
		vi->vi_nacks++;
		vi->vi_acked = v;
		break;
	case VMMCI_EV_POWEROFF:
		vi->vi_npoweroff++;
		break;
	case VMMCI_EV_SKIPPED:
		vi->vi_nskipped++;
		break;
	case VMMCI_EV_KILLED:
		vi->vi_nkilled++;
		vi->vi_death = v;
		break;
	case VMMCI_EV_WRONG:
		sim_fault("%#x as a command", v);
		break;
	case VMMCI_EV_WIDTH:
	case VMMCI_EV_STRAY:
		sim_fault("legacy: %u bytes at %#x", v >> 16, v & 0xffff);
		break;
	}
}

static const struct vmmci_ops ops = {
	model_line, model_time, model_msec, model_event
};

/* --- PCI ----------------------------------------------------------------- */

static uint32_t
bar_read(struct sim_pci *sp, u_int bar, uint32_t off, u_int width)
{
	return (vmmci_read(&((struct sim_vmmci *)sp)->vi_model, off, width));
}

static void
bar_write(struct sim_pci *sp, u_int bar, uint32_t off, u_int width,
    uint32_t v)
{
	vmmci_write(&((struct sim_vmmci *)sp)->vi_model, off, width, v);
}

static void
identify(struct sim_pci *sp)
{
	uint8_t *conf = sp->sp_conf;

	sim_put_le(conf, 2, VMMCI_VENDOR);
	sim_put_le(conf + 0x02, 2, VMMCI_PRODUCT);
	sim_put_le(conf + 0x08, 1, VMMCI_REVISION);
	sim_put_le(conf + 0x09, 3, VMMCI_CLASS);
	sim_put_le(conf + 0x2c, 2, VMMCI_SUBVENDOR);
	sim_put_le(conf + 0x2e, 2, VMMCI_SUBSYSTEM);
	conf[PCI_INTERRUPT_LINE] = sp->sp_irq;
	conf[0x3d] = 1;
}

struct sim_vmmci *
sim_vmmci_new(void)
{
	struct sim_vmmci *vi;
	u_int n;

	for (n = 0; n < NDEV && used[n]; n++)
		;
	KASSERT(n < NDEV);
	if ((vi = host_alloc(sizeof(*vi))) == NULL)
		host_fail("no memory");
	used[n] = true;
	vmmci_init(&vi->vi_model, &ops, vi);
	vi->vi_base = SIM_VMMCI_BOOT;
	vi->vi_pci.sp_dev = FIRST_DEV + n;
	vi->vi_pci.sp_irq = lines[n];
	vi->vi_pci.sp_bar[0] = (struct sim_bar){ .sb_io = true,
	    .sb_size = BAR_SIZE };
	vi->vi_pci.sp_read = bar_read;
	vi->vi_pci.sp_write = bar_write;
	identify(&vi->vi_pci);
	sim_pci_add(&vi->vi_pci);
	return (vi);
}

void
sim_vmmci_free(struct sim_vmmci *vi)
{
	used[vi->vi_pci.sp_dev - FIRST_DEV] = false;
	sim_pci_free(&vi->vi_pci);
	host_free(vi);
}

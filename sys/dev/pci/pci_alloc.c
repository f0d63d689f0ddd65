/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Addresses where the firmware has not given any.  See pcialloc.h.
 */

#include <sys/errno.h>
#include <sys/memlist.h>
#include <sys/systm.h>

#include <dev/pci/pcialloc.h>
#include <dev/pci/pcireg.h>

/* Call fn for each function of a bus. */
static void
pci_bus_foreach(struct pci_host *ph, u_int bus,
    void (*fn)(const struct pci_attach_args *, void *), void *arg)
{
	struct pci_attach_args pa;
	u_int dev, func;

	for (dev = 0; dev < 32; dev++) {
		for (func = 0; func < 8; func++) {
			if (!pci_function_probe(ph, PCI_TAG(bus, dev, func),
			    &pa)) {
				if (func == 0)
					break;
				continue;
			}
			fn(&pa, arg);
			if (func == 0 && !(pci_conf_read_1(&pa, PCI_HEADER) &
			    PCI_HEADER_MULTI))
				break;
		}
	}
}

static bool
pci_decodes(const struct pci_attach_args *pa)
{
	return ((pci_conf_read_2(pa, PCI_COMMAND) &
	    (PCI_COMMAND_IO | PCI_COMMAND_MEM)) != 0);
}

static void
pci_unassigned_function(const struct pci_attach_args *pa, void *arg)
{
	bool *found = arg;
	u_int i;

	/* a register that is there and 0: the probe says that it is there */
	if (pa->pa_header != PCI_HEADER_DEVICE || pci_decodes(pa))
		return;
	for (i = 0; i < PCI_NBARS && !*found; i++) {
		struct pci_bar pb;

		if (pci_bar_decode(pa, PCI_BAR0 + 4 * i, &pb) == 0)
			*found = pb.pb_addr == 0;
	}
}

bool
pci_bus_unassigned(struct pci_host *ph, u_int bus)
{
	bool found = false;

	pci_bus_foreach(ph, bus, pci_unassigned_function, &found);
	return (found);
}

/* --- what is taken ------------------------------------------------------------------ */

void
pci_bridge_space(const struct pci_attach_args *pa, struct pci_space *ps)
{
	uint32_t mem = pci_conf_read_4(pa, PPB_MEM);
	uint32_t pre = pci_conf_read_4(pa, PPB_PREFETCH);
	uint16_t io = pci_conf_read_2(pa, PPB_IO);
	uint64_t base, limit;

	base = (mem & 0xfff0ULL) << 16;
	limit = (mem & 0xfff00000ULL) | 0xfffff;
	(void)memlist_add(&ps->ps_mem, base, limit + 1);
	base = (pre & 0xfff0ULL) << 16;
	limit = (pre & 0xfff00000ULL) | 0xfffff;
	if ((pre & 0xf) == 1) {
		base |= (uint64_t)pci_conf_read_4(pa,
		    PPB_PREFETCH_BASE_HIGH) << 32;
		limit |= (uint64_t)pci_conf_read_4(pa,
		    PPB_PREFETCH_LIMIT_HIGH) << 32;
	}
	(void)memlist_add(&ps->ps_mem, base, limit + 1);
	base = (io & 0xf0ULL) << 8;
	limit = (io & 0xf000ULL) | 0xfff;
	(void)memlist_add(&ps->ps_io, base, limit + 1);
}

static void
pci_taken_bridge(const struct pci_attach_args *pa, struct pci_space *win)
{
	struct pci_space ps = { { .ml_n = 0 }, { .ml_n = 0 } };
	u_int i;

	pci_bridge_space(pa, &ps);
	for (i = 0; i < ps.ps_mem.ml_n; i++)
		(void)memlist_remove(&win->ps_mem,
		    ps.ps_mem.ml_range[i].mr_start,
		    ps.ps_mem.ml_range[i].mr_end);
	for (i = 0; i < ps.ps_io.ml_n; i++)
		(void)memlist_remove(&win->ps_io,
		    ps.ps_io.ml_range[i].mr_start,
		    ps.ps_io.ml_range[i].mr_end);
}

static void
pci_taken_function(const struct pci_attach_args *pa, void *arg)
{
	struct pci_space *win = arg;
	struct pci_bar pb;
	u_int i, n;

	n = pa->pa_header == PCI_HEADER_BRIDGE ? 2 : PCI_NBARS;
	for (i = 0; i < n; i += pb.pb_64 ? 2 : 1) {
		pb.pb_64 = false;
		if (pci_bar_decode(pa, PCI_BAR0 + 4 * i, &pb) == 0 &&
		    pb.pb_addr != 0)
			(void)memlist_remove(pb.pb_io ? &win->ps_io :
			    &win->ps_mem, pb.pb_addr,
			    pb.pb_addr + pb.pb_size);
	}
	if (pa->pa_header == PCI_HEADER_BRIDGE && pci_decodes(pa))
		pci_taken_bridge(pa, win);
}

/* --- what is given -------------------------------------------------------------------- */

/* The lowest place for size bytes, aligned to that; 0: there is none. */
static bus_addr_t
pci_space_take(struct memlist *ml, bus_size_t size, bus_addr_t max)
{
	bus_addr_t start, end;
	u_int i;

	for (i = 0; i < ml->ml_n; i++) {
		start = roundup2(MAX(ml->ml_range[i].mr_start, 1), size);
		end = MIN(ml->ml_range[i].mr_end, max);
		if (start < end && end - start >= size) {
			(void)memlist_remove(ml, start, start + size);
			return (start);
		}
	}
	return (0);
}

static void
pci_assign_function(const struct pci_attach_args *pa, void *arg)
{
	struct pci_space *win = arg;
	struct pci_bar pb;
	u_int i, reg, n;

	if (pci_decodes(pa))
		return;
	n = pa->pa_header == PCI_HEADER_BRIDGE ? 2 : PCI_NBARS;
	for (i = 0; i < n; i += pb.pb_64 ? 2 : 1) {
		reg = PCI_BAR0 + 4 * i;
		pb.pb_64 = false;
		if (pci_bar_decode(pa, reg, &pb) != 0 || pb.pb_addr != 0)
			continue;
		pb.pb_addr = pb.pb_io ?
		    pci_space_take(&win->ps_io, pb.pb_size, 1UL << 16) :
		    pci_space_take(&win->ps_mem, MAX(pb.pb_size, PAGE_SIZE),
		    pb.pb_64 ? UINT64_MAX : 1ULL << 32);
		if (pb.pb_addr == 0) {
			/* many hosts have no ports, and few devices miss them */
			if (pb.pb_io && win->ps_io.ml_n == 0)
				continue;
			printf("pci: %02x:%02x.%x: no room for BAR %u of "
			    "%#llx bytes\n", PCI_TAG_BUS(pa->pa_tag),
			    PCI_TAG_DEV(pa->pa_tag), PCI_TAG_FUNC(pa->pa_tag),
			    i, (unsigned long long)pb.pb_size);
			continue;
		}
		pci_conf_write_4(pa, reg, pb.pb_addr);
		if (pb.pb_64)
			pci_conf_write_4(pa, reg + 4, pb.pb_addr >> 32);
	}
}

void
pci_bus_assign(struct pci_host *ph, u_int bus, struct pci_space *win)
{
	pci_bus_foreach(ph, bus, pci_assign_function, win);
}

void
pci_bus_taken(struct pci_host *ph, u_int bus, struct pci_space *win)
{
	pci_bus_foreach(ph, bus, pci_taken_function, win);
}

/*
 * How much the children of a bridge need is not known before they are
 * numbered.  A sixteenth of what is left, between 1 and 64 MB, is enough for
 * what a guest has.
 */
#define BRIDGE_MEM_MAX	(64UL << 20)
#define BRIDGE_ALIGN	(1UL << 20)
#define BRIDGE_IO	4096

void
pci_bridge_assign(const struct pci_attach_args *pa, struct pci_space *win)
{
	bus_size_t total = 0, size;
	bus_addr_t mem, io;
	u_int i;

	for (i = 0; i < win->ps_mem.ml_n; i++) {
		if (win->ps_mem.ml_range[i].mr_start < 1ULL << 32)
			total += win->ps_mem.ml_range[i].mr_end -
			    win->ps_mem.ml_range[i].mr_start;
	}
	size = BRIDGE_ALIGN;
	while (size * 2 <= MIN(total / 16, BRIDGE_MEM_MAX))
		size *= 2;
	if ((mem = pci_space_take(&win->ps_mem, size, 1ULL << 32)) != 0)
		pci_conf_write_4(pa, PPB_MEM, (mem >> 16 & 0xfff0) |
		    ((mem + size - 1) & 0xfff00000));
	else
		pci_conf_write_4(pa, PPB_MEM, 0x0000fff0);	/* closed */
	pci_conf_write_4(pa, PPB_PREFETCH, 0x0000fff0);
	if ((io = pci_space_take(&win->ps_io, BRIDGE_IO, 1UL << 16)) != 0)
		pci_conf_write_2(pa, PPB_IO, (io >> 8 & 0xf0) |
		    ((io + BRIDGE_IO - 1) & 0xf000));
	else
		pci_conf_write_2(pa, PPB_IO, 0x00f0);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * A PCI bus: configuration space, base address registers, MSI-X, lines; and
 * the ports.  PCI Local Bus 3.0, chapter 6.
 */

#include <sys/errno.h>
#include <sys/intr.h>
#include <sys/md.h>
#include <sys/memlist.h>
#include <sys/queue.h>
#include <sys/systm.h>

#include <dev/pci/pcialloc.h>
#include <dev/pci/pcireg.h>
#include <dev/pci/pcivar.h>
#include <machine/host.h>
#include <machine/mainbus.h>
#include "sim.h"

extern const struct intr_ops hosted_intr_ops;

static LIST_HEAD(, sim_pci) functions = LIST_HEAD_INITIALIZER(functions);
static LIST_HEAD(, sim_ports) allports = LIST_HEAD_INITIALIZER(allports);

u_int	sim_gone_at;
bool	sim_gone;

uint32_t
sim_get_le(const uint8_t *p, u_int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return (v);
}

void
sim_put_le(uint8_t *p, u_int n, uint32_t v)
{
	for (; n > 0; n--, v >>= 8)
		*p++ = v;
}

/* Each access of a register counts; at one of them the hardware goes. */
void
sim_access(struct sim_pci *sp)
{
	if (sp != NULL) {
		sp->sp_naccess++;
		if (sim_gone)
			sp->sp_nlate++;
	}
	if (sim_gone_at != 0 && --sim_gone_at == 0) {
		sim_gone = true;
		LIST_FOREACH(sp, &functions, sp_link)
			hosted_irq_line(sp->sp_irq, 0);
		if (sim_mainbus != NULL)
			config_gone(sim_mainbus);
	}
}

/* --- interrupts ---------------------------------------------------------- */

bool
sim_pci_msix_on(const struct sim_pci *sp)
{
	return (sp->sp_msix != 0 && (sp->sp_conf[sp->sp_msix + 3] & 0x80));
}

static void
line_update(struct sim_pci *sp)
{
	uint16_t command = sim_get_le(sp->sp_conf + PCI_COMMAND, 2);

	hosted_irq_line(sp->sp_irq, sp->sp_line && !sim_gone &&
	    !(command & PCI_COMMAND_NOINTX) && !sim_pci_msix_on(sp));
}

void
sim_pci_setline(struct sim_pci *sp, bool level)
{
	sp->sp_line = level;
	line_update(sp);
}

static void
msix_flush(struct sim_pci *sp)
{
	uint8_t *entry;
	u_int i;

	if (!sim_pci_msix_on(sp) || (sp->sp_conf[sp->sp_msix + 3] & 0x40))
		return;
	for (i = 0; i < sp->sp_nvec; i++) {
		entry = sp->sp_table + 16 * i;
		if (!(sp->sp_pba[i / 64] >> i % 64 & 1) || (entry[12] & 1))
			continue;
		sp->sp_pba[i / 64] &= ~(1ULL << i % 64);
		if (sim_get_le(entry, 4) != 0xfee00000 ||
		    sim_get_le(entry + 4, 4) != 0) {
			sim_fault("vector %u: a message to nowhere", i);
			continue;
		}
		hosted_irq_raise(sim_get_le(entry + 8, 4));
	}
}

void
sim_pci_message(struct sim_pci *sp, u_int vec)
{
	if (vec >= sp->sp_nvec || sim_gone)
		return;
	sp->sp_pba[vec / 64] |= 1ULL << vec % 64;
	msix_flush(sp);
}

void
sim_pci_msix(struct sim_pci *sp, u_int bar, u_int off, u_int n)
{
	u_int cap = sim_pci_cap(sp, PCI_CAP_MSIX, 12);

	sp->sp_msix = cap;
	sp->sp_nvec = n;
	sp->sp_msixbar = bar;
	if ((sp->sp_table = host_alloc(16 * n)) == NULL)
		host_fail("no memory");
	sim_put_le(sp->sp_conf + cap + 2, 2, n - 1);
	sp->sp_wmask[cap + 3] = 0xc0;
	sim_put_le(sp->sp_conf + cap + 4, 4, off | bar);
	sim_put_le(sp->sp_conf + cap + 8, 4, (off + 0x800) | bar);
}

/* --- configuration space ------------------------------------------------- */

/* Put another capability at the end of the list. */
uint8_t
sim_pci_cap(struct sim_pci *sp, u_int id, u_int len)
{
	u_int at = PCI_CAPLIST_MIN, prev = PCI_CAPPTR;

	sp->sp_conf[PCI_STATUS] |= PCI_STATUS_CAPLIST;
	while (sp->sp_conf[prev] != 0) {
		at = sp->sp_conf[prev];
		prev = at + 1;
		at += sp->sp_conf[at] == PCI_CAP_VENDOR ?
		    sp->sp_conf[at + 2] : 12;
		at = roundup2(at, 4);
	}
	KASSERT(at + len <= sizeof(sp->sp_conf));
	sp->sp_conf[prev] = at;
	sp->sp_conf[at] = id;
	return (at);
}

static struct sim_pci *
function_find(u_int tag)
{
	struct sim_pci *sp;

	LIST_FOREACH(sp, &functions, sp_link) {
		if (PCI_TAG(0, sp->sp_dev, 0) == tag && !sim_gone)
			return (sp);
	}
	return (NULL);
}

static uint32_t
conf_read(struct pci_host *ph, u_int tag, u_int reg)
{
	struct sim_pci *sp = function_find(tag);

	if (sp == NULL)
		return (UINT32_MAX);
	sim_access(sp);
	if (sim_gone)
		return (UINT32_MAX);
	if (sp->sp_confread != NULL)
		sp->sp_confread(sp, reg);
	return (sim_get_le(sp->sp_conf + reg, 4));
}

static void
conf_write(struct pci_host *ph, u_int tag, u_int reg, uint32_t v)
{
	struct sim_pci *sp = function_find(tag);
	u_int i;

	if (sp == NULL)
		return;
	sim_access(sp);
	if (sim_gone)
		return;
	for (i = 0; i < 4; i++) {
		sp->sp_conf[reg + i] &= ~sp->sp_wmask[reg + i];
		sp->sp_conf[reg + i] |= v >> 8 * i & sp->sp_wmask[reg + i];
	}
	if (sp->sp_confwrite != NULL)
		sp->sp_confwrite(sp, reg, v);
	line_update(sp);
	msix_flush(sp);
}

static int
conf_intr(struct pci_host *ph, u_int tag, u_int pin, u_int line,
    struct intr_handle *ih)
{
	if (pin != 1 || line == 0 || line > 15)
		return (ENOENT);
	*ih = (struct intr_handle){ &hosted_intr_ops, { line } };
	return (0);
}

static void
host_space(struct pci_host *ph, struct pci_space *ps)
{
	(void)memlist_add(&ps->ps_mem, 0xe0000000, 0xf0000000);
	(void)memlist_add(&ps->ps_io, 0x8000, 0x9000);
}

static const struct bus_space sim_bus_io;

static struct pci_host sim_host = {
	.ph_mem = &md_bus_mem,
	.ph_io = &sim_bus_io,
	.ph_read = conf_read,
	.ph_write = conf_write,
	.ph_intr = conf_intr,
	.ph_space = host_space,
};

/* --- base address registers ---------------------------------------------- */

void
sim_pci_add(struct sim_pci *sp)
{
	struct sim_bar *sb;
	uint32_t type, mask;
	u_int i, reg;
	uint64_t addr;

	sim_put_le(sp->sp_wmask + PCI_COMMAND, 2, 0x0407);
	sp->sp_wmask[PCI_INTERRUPT_LINE] = 0xff;
	for (i = 0; i < 6; i++) {
		sb = &sp->sp_bar[i];
		if (sb->sb_size == 0)
			continue;
		reg = PCI_BAR0 + 4 * i;
		type = sb->sb_io ? PCI_BAR_IO : sb->sb_64 ? PCI_BAR_64 : 0;
		mask = -sb->sb_size;
		addr = sb->sb_io ? 0xc000 + sp->sp_dev * 0x400 + i * 0x100 :
		    0xfe000000 + sp->sp_dev * 0x100000 + i * 0x20000;
		if (sb->sb_64)
			addr += 0x700000000;
		sim_put_le(sp->sp_conf + reg, 4, addr | type);
		sim_put_le(sp->sp_wmask + reg, 4, mask);
		if (sb->sb_64) {
			sim_put_le(sp->sp_conf + reg + 4, 4, addr >> 32);
			sim_put_le(sp->sp_wmask + reg + 4, 4, UINT32_MAX);
		}
	}
	LIST_INSERT_HEAD(&functions, sp, sp_link);
}

void
sim_pci_free(struct sim_pci *sp)
{
	u_int i;

	for (i = 0; i < 6; i++) {
		if (sp->sp_bar[i].sb_mapped != 0)
			sim_fault("BAR %u is still mapped", i);
	}
	hosted_irq_line(sp->sp_irq, 0);
	LIST_REMOVE(sp, sp_link);
	host_free(sp->sp_table);
}

static uint64_t
bar_address(const struct sim_pci *sp, u_int i)
{
	const uint8_t *p = sp->sp_conf + PCI_BAR0 + 4 * i;
	uint64_t addr;

	if (sp->sp_bar[i].sb_io)
		return (sim_get_le(p, 4) & ~3U);
	addr = sim_get_le(p, 4) & ~15U;
	if (sp->sp_bar[i].sb_64)
		addr |= (uint64_t)sim_get_le(p + 4, 4) << 32;
	return (addr);
}

/* Who decodes that address? */
static struct sim_pci *
decode(bool io, uint64_t addr, uint64_t size, u_int *bar, uint32_t *off)
{
	struct sim_pci *sp;
	uint64_t base;
	u_int i;

	LIST_FOREACH(sp, &functions, sp_link) {
		for (i = 0; i < 6; i++) {
			if (sp->sp_bar[i].sb_size == 0 ||
			    sp->sp_bar[i].sb_io != io)
				continue;
			base = bar_address(sp, i);
			if (addr >= base && addr - base + size <=
			    sp->sp_bar[i].sb_size) {
				*bar = i;
				*off = addr - base;
				return (sp);
			}
		}
	}
	return (NULL);
}

uint32_t
sim_pci_regread(struct sim_pci *sp, u_int bar, uint32_t off, u_int width)
{
	if (off % width != 0)
		sim_fault("BAR %u: %#x is not aligned for %u", bar, off,
		    width);
	if (sp->sp_table != NULL && bar == sp->sp_msixbar) {
		uint32_t base = sim_get_le(sp->sp_conf + sp->sp_msix + 4, 4) &
		    ~7U;

		if (off >= base && off + width <= base + 16 * sp->sp_nvec)
			return (sim_get_le(sp->sp_table + (off - base),
			    width));
	}
	return (sp->sp_read(sp, bar, off, width));
}

void
sim_pci_regwrite(struct sim_pci *sp, u_int bar, uint32_t off, u_int width,
    uint32_t v)
{
	if (off % width != 0)
		sim_fault("BAR %u: %#x is not aligned for %u", bar, off,
		    width);
	if (sp->sp_table != NULL && bar == sp->sp_msixbar) {
		uint32_t base = sim_get_le(sp->sp_conf + sp->sp_msix + 4, 4) &
		    ~7U;

		if (off >= base && off + width <= base + 16 * sp->sp_nvec) {
			sim_put_le(sp->sp_table + (off - base), width, v);
			msix_flush(sp);
			return;
		}
	}
	sp->sp_write(sp, bar, off, width, v);
}

/* --- the tags of the machine --------------------------------------------- */

static bool
is_io(bus_space_tag_t t)
{
	return (t == md_bus_io);
}

static struct sim_ports *
ports_find(uint64_t addr, uint64_t size)
{
	struct sim_ports *so;

	LIST_FOREACH(so, &allports, so_link) {
		if (addr >= so->so_port && addr - so->so_port + size <=
		    so->so_n)
			return (so);
	}
	return (NULL);
}

static int
sim_bs_map(bus_space_tag_t t, bus_addr_t addr, bus_size_t size, int flags,
    bus_space_handle_t *h)
{
	struct sim_pci *sp;
	uint32_t off;
	u_int bar;

	if (hosted_may_fail())
		return (ENOMEM);
	if ((sp = decode(is_io(t), addr, size, &bar, &off)) != NULL) {
		if (sp->sp_bar[bar].sb_nomap)
			return (ENOMEM);
		sp->sp_bar[bar].sb_mapped++;
	} else if (!is_io(t) && !sim_gone)
		return (ENXIO);
	*h = addr;
	return (0);
}

static void
sim_bs_unmap(bus_space_tag_t t, bus_space_handle_t h, bus_size_t size)
{
	struct sim_pci *sp;
	uint32_t off;
	u_int bar;

	if ((sp = decode(is_io(t), h, size, &bar, &off)) != NULL) {
		if (sp->sp_bar[bar].sb_mapped == 0)
			sim_fault("BAR %u: unmapped twice", bar);
		else
			sp->sp_bar[bar].sb_mapped--;
	}
}

static struct sim_pci *
target(bus_space_tag_t t, uint64_t addr, u_int n, u_int *bar, uint32_t *off)
{
	struct sim_pci *sp = decode(is_io(t), addr, n, bar, off);

	sim_access(sp);
	if (sp == NULL || sim_gone)
		return (NULL);
	if (!(sp->sp_conf[PCI_COMMAND] & (is_io(t) ? PCI_COMMAND_IO :
	    PCI_COMMAND_MEM))) {
		sim_fault("BAR %u: decoding is off", *bar);
		return (NULL);
	}
	if (sp->sp_bar[*bar].sb_mapped == 0)
		sim_fault("BAR %u: accessed, but not mapped", *bar);
	return (sp);
}

static uint32_t
bs_read(bus_space_tag_t t, uint64_t addr, u_int n)
{
	struct sim_ports *so;
	struct sim_pci *sp;
	uint32_t off;
	u_int bar;

	if (is_io(t) && (so = ports_find(addr, n)) != NULL) {
		sim_access(NULL);
		return (so->so_read(so, addr - so->so_port, n));
	}
	if ((sp = target(t, addr, n, &bar, &off)) == NULL)
		return (UINT32_MAX);
	return (sim_pci_regread(sp, bar, off, n));
}

static void
bs_write(bus_space_tag_t t, uint64_t addr, u_int n, uint32_t v)
{
	struct sim_ports *so;
	struct sim_pci *sp;
	uint32_t off;
	u_int bar;

	if (is_io(t) && (so = ports_find(addr, n)) != NULL) {
		sim_access(NULL);
		so->so_write(so, addr - so->so_port, n, v);
	} else if ((sp = target(t, addr, n, &bar, &off)) != NULL)
		sim_pci_regwrite(sp, bar, off, n, v);
}

#define BS_ACCESS(n, type)						\
static type								\
sim_bs_read_##n(bus_space_tag_t t, bus_space_handle_t h, bus_size_t off)\
{									\
	return (bs_read(t, h + off, n));				\
}									\
static void								\
sim_bs_write_##n(bus_space_tag_t t, bus_space_handle_t h, bus_size_t off,\
    type v)								\
{									\
	bs_write(t, h + off, n, v);					\
}
BS_ACCESS(1, uint8_t)
BS_ACCESS(2, uint16_t)
BS_ACCESS(4, uint32_t)

#define SIM_BUS(name)							\
	.bs_name = name, .bs_map = sim_bs_map, .bs_unmap = sim_bs_unmap,\
	.bs_read_1 = sim_bs_read_1, .bs_write_1 = sim_bs_write_1,	\
	.bs_read_2 = sim_bs_read_2, .bs_write_2 = sim_bs_write_2,	\
	.bs_read_4 = sim_bs_read_4, .bs_write_4 = sim_bs_write_4

static const struct bus_space sim_bus_io = { SIM_BUS("sim io") };
const struct bus_space md_bus_mem = { SIM_BUS("sim mem") };
const struct bus_space *const md_bus_io = &sim_bus_io;

void
sim_ports_add(struct sim_ports *so)
{
	LIST_INSERT_HEAD(&allports, so, so_link);
}

void
sim_ports_remove(struct sim_ports *so)
{
	LIST_REMOVE(so, so_link);
}

/* Is there any function that may be master? */
bool
sim_dma_blocked(void)
{
	struct sim_pci *sp;

	LIST_FOREACH(sp, &functions, sp_link) {
		if (sp->sp_conf[PCI_COMMAND] & PCI_COMMAND_MASTER)
			return (false);
	}
	return (!LIST_EMPTY(&functions));
}

/* --- attachment ---------------------------------------------------------- */

void
pci_machdep_hosts(struct device *mainbus)
{
	struct pcibus_attach_args pba = { .pba_host = &sim_host };
	struct mainbus_attach_args ma = { .ma_name = "pci", .ma_aux = &pba };

	(void)config_found(mainbus, &ma, NULL);
}

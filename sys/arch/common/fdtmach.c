/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Machines with a device tree: what the tree says of boot, console, time,
 * hypervisor and devices.
 */

#include <sys/cmdline.h>
#include <sys/device.h>
#include <sys/errno.h>
#include <sys/init.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <arch/common/fdtmach.h>
#include <dev/fdt/fdtvar.h>
#include <dev/pv/fwcfgreg.h>
#include <dev/pv/pvvar.h>
#include <machine/mainbus.h>
#include <vm/vm_page.h>

extern char	root_image[], root_image_end[];

struct fdt	fdt_machine;

static paddr_t	initrd, initrd_end;

/* --- boot --------------------------------------------------------------------------- */

int
fdtmach_init(const void *blob, size_t max)
{
	const char *args;
	fdt_node_t chosen;
	int error;

	if ((error = fdt_init(&fdt_machine, blob, max)) != 0)
		return (error);
	chosen = fdt_find(&fdt_machine, "/chosen");
	args = chosen == FDT_NONE ? NULL :
	    fdt_string(&fdt_machine, chosen, "bootargs", 0);
	if (args == NULL)
		args = "";
	cmdline_init(args, strlen(args));
	return (0);
}

/* In use, and mapped even if the tree counts it as reserved. */
static void
memory_keep(struct memlist *ram, struct memlist *avail, paddr_t start,
    paddr_t end)
{
	start = trunc_page(start);
	end = round_page(end);
	(void)memlist_add(ram, start, end);
	(void)memlist_remove(avail, start, end);
}

void
fdtmach_memory(int64_t delta, paddr_t lo, paddr_t hi)
{
	static struct memlist ram, avail;
	const struct fdt *f = &fdt_machine;
	paddr_t blob = vm_direct_pa(f->f_blob);
	bool whole;

	whole = fdt_memory(f, &ram);
	whole = fdt_reserved(f, &ram) && whole;
	avail = ram;
	memory_keep(&ram, &avail, blob, blob + f->f_size);
	if (fdt_initrd(f, &initrd, &initrd_end) == 0)
		memory_keep(&ram, &avail, initrd, initrd_end);
	else
		initrd_end = 0;
	memory_init(&ram, &avail, delta, lo, hi);
	if (!whole)
		printf("fdt: some memory makes no sense and is not used\n");
}

const void *
md_root_image(size_t *size)
{
	if (initrd_end != 0) {
		*size = initrd_end - initrd;
		return (vm_direct(initrd));
	}
	*size = root_image_end - root_image;
	return (root_image);
}

const char *
machdep_loader(void)
{
	return ("FDT");
}

/* --- early console ---------------------------------------------------------------------- */

#define EARLY_TRIES	100000

#define PL011_DR	0x00
#define PL011_FR	0x18
#define PL011_FR_TXFF	0x20
#define COM_LSR		5
#define COM_LSR_THRE	0x20

static struct bus_region early_regs;
static u_int		early_shift;	/* distance of registers */
static bool		early_wide;	/* 32 bits each */
static void		(*early_putc)(int);

static void
pl011_putc(int c)
{
	u_int i;

	for (i = 0; i < EARLY_TRIES &&
	    (br_read_4(&early_regs, PL011_FR) & PL011_FR_TXFF); i++)
		;
	br_write_4(&early_regs, PL011_DR, c);
}

static uint32_t
com_read(u_int reg)
{
	return (early_wide ? br_read_4(&early_regs, reg << early_shift) :
	    br_read_1(&early_regs, reg << early_shift));
}

static void
com_putc(int c)
{
	u_int i;

	for (i = 0; i < EARLY_TRIES &&
	    !(com_read(COM_LSR) & COM_LSR_THRE); i++)
		;
	if (early_wide)
		br_write_4(&early_regs, 0, c);
	else
		br_write_1(&early_regs, 0, c);
}

static const struct {
	const char	*compatible;
	void		(*putc)(int);
} early_known[] = {
	{ "arm,pl011", pl011_putc },
	{ "arm,sbsa-uart", pl011_putc },
	{ "ns16550a", com_putc },
	{ "ns16550", com_putc },
	{ "snps,dw-apb-uart", com_putc },
};

static bool
early_try(fdt_node_t node)
{
	const struct fdt *f = &fdt_machine;
	uint64_t size, v;
	paddr_t pa;
	u_int i;

	for (i = 0; i < nitems(early_known); i++) {
		if (!fdt_compatible(f, node, early_known[i].compatible))
			continue;
		if (fdt_number(f, node, "reg-shift", &v) && v <= 4)
			early_shift = v;
		early_wide = fdt_number(f, node, "reg-io-width", &v) && v == 4;
		if (fdt_reg(f, node, 0, &pa, &size) != 0 ||
		    br_map(&early_regs, &md_bus_mem, pa,
		    MIN(size, PAGE_SIZE), 0) != 0)
			return (false);
		if (early_regs.br_size < (8UL << early_shift)) {
			br_unmap(&early_regs);
			return (false);
		}
		early_putc = early_known[i].putc;
		return (true);
	}
	return (false);
}

void
fdtmach_console(void (*fallback)(int))
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t node = fdt_stdout(f);
	u_int i;

	if (node != FDT_NONE && early_try(node))
		return;
	for (i = 0; i < nitems(early_known); i++) {
		node = fdt_compatible_find(f, FDT_NONE,
		    early_known[i].compatible);
		if (node != FDT_NONE && early_try(node))
			return;
	}
	early_putc = fallback;
}

void
md_cnputc(int c)
{
	if (early_putc == NULL)
		return;
	if (c == '\n')
		early_putc('\r');
	early_putc(c);
}

bool
md_cnearly(void)
{
	return (early_putc != NULL);
}

/* --- chance ----------------------------------------------------------------------------- */

/* Each byte of the loader's seed is given out once. */
size_t
md_entropy(void *buf, size_t size)
{
	static u_int used;
	fdt_node_t chosen = fdt_find(&fdt_machine, "/chosen");
	const u_char *seed = NULL;
	u_int len = 0;

	if (chosen != FDT_NONE)
		seed = fdt_prop(&fdt_machine, chosen, "rng-seed", &len);
	if (seed == NULL || used >= len)
		return (0);
	size = MIN(size, len - used);
	memcpy(buf, seed + used, size);
	used += size;
	return (size);
}

/* --- hypervisor --------------------------------------------------------------------------- */

static void
evidence_fdt(struct pv_evidence *pe, fdt_node_t node)
{
	const char *s = fdt_string(&fdt_machine, node, "compatible", 0);

	memset(pe, 0, sizeof(*pe));
	pe->pe_kind = PVE_FDT;
	if (s != NULL)
		strlcpy(pe->pe_sig, s, sizeof(pe->pe_sig));
}

/*
 * What firmware says, then the node of a hypervisor, then QEMU's own devices:
 * those tell of TCG only where nothing else was told.
 */
int
md_pv_evidence(u_int n, struct pv_evidence *pe)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t node;
	u_int firmware;

	for (firmware = 0; firmware <= n; firmware++) {
		if (machine_evidence(firmware, pe) != 0)
			break;
		if (firmware == n)
			return (0);
	}
	node = fdt_find(f, "/hypervisor");
	if (node != FDT_NONE && fdt_prop(f, node, "compatible", NULL) != NULL) {
		if (n == firmware) {
			evidence_fdt(pe, node);
			return (0);
		}
		return (ENOENT);
	}
	if (firmware != 0 || n != 0 || fdt_compatible_find(f, FDT_NONE,
	    "qemu,fw-cfg-mmio") == FDT_NONE)
		return (ENOENT);
	memset(pe, 0, sizeof(*pe));
	pe->pe_kind = PVE_FDT;
	strlcpy(pe->pe_sig, "qemu", sizeof(pe->pe_sig));
	return (0);
}

int
md_smbios(paddr_t *base __unused, size_t *size __unused)
{
	return (ENXIO);
}

int
md_fwcfg(bus_addr_t *addr, bool *mem)
{
	fdt_node_t node = fdt_compatible_find(&fdt_machine, FDT_NONE,
	    "qemu,fw-cfg-mmio");
	uint64_t size;

	*mem = true;
	if (node == FDT_NONE || fdt_reg(&fdt_machine, node, 0, addr,
	    &size) != 0 || size < FWCFG_MEM_SIZE)
		return (ENOENT);
	return (0);
}

/* --- mainbus0 -------------------------------------------------------------------------------- */

/* ports of PCI are reached through a window of their bridge: pci_fdt.c */
const struct bus_space *const md_bus_io = NULL;

int
mainbus_child_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct mainbus_attach_args *ma = aux;

	return (strcmp(cf->cf_driver->cd_name, ma->ma_name) == 0);
}

void
md_mainbus(struct device *self)
{
	static const char *const names[] = { "cpu", "pvbus", "fdt" };
	struct mainbus_attach_args ma;
	u_int i;

	for (i = 0; i < nitems(names); i++) {
		ma.ma_name = names[i];
		(void)config_found(self, &ma, NULL);
	}
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Devices that end the machine: the test finisher, which takes an exit status
 * with it, and registers that the tree names.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/fdt/fdtvar.h>
#include <machine/machdep.h>

#define FINISHER_FAIL	0x3333		/* the status in the upper half */
#define FINISHER_PASS	0x5555
#define FINISHER_RESET	0x7777
#define FINISHER_USEC	1000000

/* binding of syscon-poweroff and syscon-reboot */
struct syscon {
	struct bus_region sy_regs;	/* of the device that "regmap" names */
	uint32_t	sy_offset, sy_value, sy_mask;
};

static struct bus_region finisher;
static struct syscon	poweroff, reboot;

static int
map_first(fdt_node_t node, struct bus_region *br)
{
	uint64_t size;
	paddr_t pa;
	int error;

	if ((error = fdt_reg(&fdt_machine, node, 0, &pa, &size)) != 0)
		return (error);
	return (br_map(br, &md_bus_mem, pa, size, 0));
}

static void
syscon_init(struct syscon *sy, const char *compatible)
{
	const struct fdt *f = &fdt_machine;
	fdt_node_t node = fdt_compatible_find(f, FDT_NONE, compatible);
	fdt_node_t regs = FDT_NONE;
	bool has_value, has_mask;
	uint32_t v;

	if (node == FDT_NONE)
		return;
	if (fdt_cell(f, node, "regmap", 0, &v))
		regs = fdt_phandle(f, v);
	if (regs == FDT_NONE || map_first(regs, &sy->sy_regs) != 0)
		return;
	has_value = fdt_cell(f, node, "value", 0, &sy->sy_value);
	has_mask = fdt_cell(f, node, "mask", 0, &sy->sy_mask);
	/* a mask alone is what is written; a value alone is all of it */
	if (!has_value)
		sy->sy_value = sy->sy_mask;
	if (!has_value || !has_mask)
		sy->sy_mask = UINT32_MAX;
	if ((!has_value && !has_mask) ||
	    !fdt_cell(f, node, "offset", 0, &sy->sy_offset))
		sy->sy_offset = UINT32_MAX;
	if (sy->sy_offset % 4 != 0 || sy->sy_regs.br_size < 4 ||
	    sy->sy_offset > sy->sy_regs.br_size - 4)
		br_unmap(&sy->sy_regs);
}

static void
syscon_write(const struct syscon *sy)
{
	uint32_t v;

	if (sy->sy_regs.br_size == 0)
		return;
	v = sy->sy_mask == UINT32_MAX ? 0 :
	    br_read_4(&sy->sy_regs, sy->sy_offset) & ~sy->sy_mask;
	br_write_4(&sy->sy_regs, sy->sy_offset,
	    v | (sy->sy_value & sy->sy_mask));
}

void
finisher_init(void)
{
	static const char *const ident[] = { "sifive,test1", "sifive,test0" };
	fdt_node_t node = FDT_NONE;
	u_int i;

	for (i = 0; i < nitems(ident) && node == FDT_NONE; i++)
		node = fdt_compatible_find(&fdt_machine, FDT_NONE, ident[i]);
	if (node != FDT_NONE && map_first(node, &finisher) == 0 &&
	    finisher.br_size < 4)
		br_unmap(&finisher);
	syscon_init(&poweroff, "syscon-poweroff");
	syscon_init(&reboot, "syscon-reboot");
}

/* The end comes a moment after the write; another would change the status. */
static void
finisher_write(int status)
{
	if (finisher.br_size == 0)
		return;
	br_write_4(&finisher, 0, status == MD_REBOOT ? FINISHER_RESET :
	    status == 0 ? FINISHER_PASS :
	    (uint32_t)status << 16 | FINISHER_FAIL);
	delay(FINISHER_USEC);
}

void
finisher_exit(int status)
{
	finisher_write(status);
	syscon_write(status == MD_REBOOT ? &reboot : &poweroff);
	delay(FINISHER_USEC);
}

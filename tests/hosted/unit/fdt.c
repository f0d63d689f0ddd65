/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Flattened device trees: sound ones, and those that lie. */

#include "test.h"

#include <sys/errno.h>

#include <machine/host.h>

#include "sim/fdtbuild.h"
#include "sim/fdtwalk.h"
#include "unit/mutate.h"

#define GIC	1
#define UART	2
#define NEXUS	3
#define ITS	4

static struct fdtbuild fb;
static struct fdt	f;
static u_char		*blob;
static size_t		 blobsize;

/* The blob in a piece of its own size, where a byte too many is seen. */
static int
open_blob(const u_char *p, size_t n)
{
	host_free(blob);
	blob = host_alloc(n);
	blobsize = n;
	memcpy(blob, p, n);
	return (fdt_init(&f, blob, n));
}

static int
open_tree(void)
{
	size_t n = fdtbuild_finish(&fb);

	return (open_blob(fb.fb_blob, n));
}

static int
teardown(void **state)
{
	host_free(blob);
	blob = NULL;
	return (0);
}

static void
cells(u_int ac, u_int sc)
{
	fdtbuild_cells(&fb, "#address-cells", 1, ac);
	fdtbuild_cells(&fb, "#size-cells", 1, sc);
}

/* A machine much like the usual ones. */
static void
machine(bool nops, u_int version)
{
	fdtbuild_init(&fb);
	fb.fb_nops = nops;
	fb.fb_version = version;
	fb.fb_nrsv = 1;
	fb.fb_rsv[0][0] = 0x40001000;
	fb.fb_rsv[0][1] = 0x800;
	fdtbuild_begin(&fb, "");
	cells(2, 2);
	fdtbuild_cells(&fb, "interrupt-parent", 1, GIC);
	fdtbuild_begin(&fb, "chosen");
	fdtbuild_string(&fb, "bootargs", "-- true");
	fdtbuild_string(&fb, "stdout-path", "serial0:115200n8");
	fdtbuild_cells(&fb, "linux,initrd-start", 2, 0, 0x48000000);
	fdtbuild_cells(&fb, "linux,initrd-end", 1, 0x48100000);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "aliases");
	fdtbuild_string(&fb, "serial0", "/soc/uart@9000000");
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "memory@40000000");
	fdtbuild_string(&fb, "device_type", "memory");
	fdtbuild_cells(&fb, "reg", 8, 0, 0x40000000, 0, 0x10000000,
	    1, 0, 0, 0x10000000);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "reserved-memory");
	cells(2, 2);
	fdtbuild_bytes(&fb, "ranges", "", 0);
	fdtbuild_begin(&fb, "firmware@4f000000");
	fdtbuild_cells(&fb, "reg", 4, 0, 0x4f000000, 0, 0x100000);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "intc@8000000");
	cells(2, 2);
	fdtbuild_cells(&fb, "phandle", 1, GIC);
	fdtbuild_cells(&fb, "#interrupt-cells", 1, 3);
	fdtbuild_bytes(&fb, "interrupt-controller", "", 0);
	fdtbuild_cells(&fb, "reg", 4, 0, 0x8000000, 0, 0x10000);
	fdtbuild_bytes(&fb, "ranges", "", 0);
	fdtbuild_begin(&fb, "its@8080000");
	fdtbuild_cells(&fb, "phandle", 1, ITS);
	fdtbuild_cells(&fb, "reg", 4, 0, 0x8080000, 0, 0x20000);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "soc");
	fdtbuild_bytes(&fb, "compatible", "vendor,soc\0simple-bus", 22);
	cells(1, 1);
	fdtbuild_cells(&fb, "ranges", 4, 0, 0, 0x9000000, 0x1000000);
	fdtbuild_begin(&fb, "uart@9000000");
	fdtbuild_bytes(&fb, "compatible", "arm,pl011\0arm,primecell", 24);
	fdtbuild_cells(&fb, "phandle", 1, UART);
	fdtbuild_cells(&fb, "reg", 2, 0x1000, 0x100);
	fdtbuild_cells(&fb, "interrupts", 6, 0, 1, 4, 0, 2, 1);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "off@2000");
	fdtbuild_string(&fb, "compatible", "virtio,mmio");
	fdtbuild_string(&fb, "status", "disabled");
	fdtbuild_begin(&fb, "below");
	fdtbuild_string(&fb, "compatible", "virtio,mmio");
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "on@3000");
	fdtbuild_string(&fb, "compatible", "virtio,mmio");
	fdtbuild_cells(&fb, "interrupts-extended", 6, NEXUS, 7, GIC, 0, 9, 1);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "nexus");
	fdtbuild_cells(&fb, "phandle", 1, NEXUS);
	fdtbuild_cells(&fb, "#address-cells", 1, 0);
	fdtbuild_cells(&fb, "#interrupt-cells", 1, 1);
	fdtbuild_cells(&fb, "interrupt-map", 7, 7, GIC, 0, 0, 0, 70, 4);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "pcie@10000000");
	cells(3, 2);
	fdtbuild_cells(&fb, "#interrupt-cells", 1, 1);
	fdtbuild_cells(&fb, "ranges", 14,
	    0x01000000, 0, 0, 0, 0x3eff0000, 0, 0x10000,
	    0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000);
	fdtbuild_cells(&fb, "interrupt-map-mask", 4, 0x1800, 0, 0, 7);
	fdtbuild_cells(&fb, "interrupt-map", 30,
	    0, 0, 0, 1, GIC, 0, 0, 0, 3, 4,
	    0, 0, 0, 2, GIC, 0, 0, 0, 4, 4,
	    0x800, 0, 0, 1, GIC, 0, 0, 0, 5, 4);
	fdtbuild_cells(&fb, "msi-map", 8, 0, ITS, 0x100, 0x100,
	    0x200, ITS, 0x1000, 0x10);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	assert_int_equal(open_tree(), 0);
}

/* --- structure ---------------------------------------------------------------- */

static void
nodes_are_found_by_path_and_alias(void **state)
{
	fdt_node_t uart;

	machine(false, 17);
	uart = fdt_find(&f, "/soc/uart@9000000");
	assert_string_equal(fdt_name(&f, uart), "uart@9000000");
	assert_int_equal(fdt_find(&f, "/soc/uart"), uart);
	assert_int_equal(fdt_find(&f, "serial0"), uart);
	assert_int_equal(fdt_find(&f, "serial0:9600"), uart);
	assert_int_equal(fdt_phandle(&f, UART), uart);
	assert_int_equal(fdt_stdout(&f), uart);
	assert_int_equal(fdt_find(&f, "/"), fdt_root(&f));
	assert_int_equal(fdt_find(&f, "/soc/uart@1"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "/so"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "serial1"), FDT_NONE);
	assert_int_equal(fdt_phandle(&f, 99), FDT_NONE);
	assert_string_equal(fdt_name(&f, fdt_parent(&f, uart)), "soc");
	assert_int_equal(fdt_parent(&f, fdt_root(&f)), FDT_NONE);
}

static u_int
count(void)
{
	fdt_node_t n;
	u_int all = 0;

	for (n = fdt_root(&f); n != FDT_NONE; n = fdt_following(&f, n))
		all++;
	return (all);
}

static void
a_walk_meets_each_node_once(void **state)
{
	fdt_node_t n;
	u_int children = 0;

	machine(false, 17);
	assert_int_equal(count(), 15);
	for (n = fdt_child(&f, fdt_root(&f)); n != FDT_NONE;
	    n = fdt_next(&f, n))
		children++;
	assert_int_equal(children, 7);
}

static void
nops_and_an_older_version_change_nothing(void **state)
{
	machine(true, 17);
	assert_int_equal(count(), 15);
	assert_int_equal(fdt_phandle(&f, UART), fdt_stdout(&f));
	machine(false, 16);
	assert_int_equal(count(), 15);
	assert_int_equal(fdt_phandle(&f, UART), fdt_stdout(&f));
}

static void
properties_are_cells_numbers_and_strings(void **state)
{
	fdt_node_t uart, chosen;
	uint32_t c;
	uint64_t v;
	u_int len;

	machine(false, 17);
	uart = fdt_phandle(&f, UART);
	chosen = fdt_find(&f, "/chosen");
	assert_string_equal(fdt_string(&f, uart, "compatible", 1),
	    "arm,primecell");
	assert_null(fdt_string(&f, uart, "compatible", 2));
	assert_true(fdt_compatible(&f, uart, "arm,primecell"));
	assert_false(fdt_compatible(&f, uart, "arm,pl01"));
	assert_true(fdt_cell(&f, uart, "interrupts", 5, &c) && c == 1);
	assert_false(fdt_cell(&f, uart, "interrupts", 6, &c));
	assert_true(fdt_number(&f, chosen, "linux,initrd-start", &v));
	assert_int_equal(v, 0x48000000);
	assert_false(fdt_number(&f, chosen, "bootargs", &v) && v == 0);
	assert_null(fdt_prop(&f, uart, "nothing", &len));
	assert_non_null(fdt_prop(&f, fdt_phandle(&f, GIC), "ranges", &len));
	assert_int_equal(len, 0);
}

static void
what_is_disabled_disables_what_is_below(void **state)
{
	fdt_node_t n;

	machine(false, 17);
	assert_false(fdt_enabled(&f, fdt_find(&f, "/soc/off/below")));
	n = fdt_compatible_find(&f, FDT_NONE, "virtio,mmio");
	assert_string_equal(fdt_name(&f, n), "on@3000");
	assert_int_equal(fdt_compatible_find(&f, n, "virtio,mmio"), FDT_NONE);
}

/* --- addresses ------------------------------------------------------------------ */

static void
reg_goes_through_the_ranges_above(void **state)
{
	uint64_t size;
	paddr_t pa;

	machine(false, 17);
	assert_int_equal(fdt_reg(&f, fdt_phandle(&f, UART), 0, &pa, &size),
	    0);
	assert_int_equal(pa, 0x9001000 - 0x1000000 + 0x1000000);
	assert_int_equal(size, 0x100);
	assert_int_equal(fdt_reg(&f, fdt_phandle(&f, UART), 1, &pa, &size),
	    ENOENT);
	assert_int_equal(fdt_reg(&f, fdt_phandle(&f, ITS), 0, &pa, &size), 0);
	assert_int_equal(pa, 0x8080000);
}

static void
a_bus_without_a_window_there_is_no_way(void **state)
{
	uint64_t size;
	paddr_t pa;
	fdt_node_t n;

	fdtbuild_init(&fb);
	fdtbuild_begin(&fb, "");
	cells(1, 1);
	fdtbuild_begin(&fb, "none");
	cells(1, 1);
	fdtbuild_begin(&fb, "a");
	fdtbuild_cells(&fb, "reg", 2, 0x10, 0x10);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "small");
	cells(1, 1);
	fdtbuild_cells(&fb, "ranges", 3, 0x1000, 0x5000, 0x100);
	fdtbuild_begin(&fb, "a");
	fdtbuild_cells(&fb, "reg", 6, 0x10f0, 0x10, 0x10f0, 0x11, 0xfff, 1);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	assert_int_equal(open_tree(), 0);
	assert_int_equal(fdt_reg(&f, fdt_find(&f, "/none/a"), 0, &pa, &size),
	    ENXIO);
	n = fdt_find(&f, "/small/a");
	assert_int_equal(fdt_reg(&f, n, 0, &pa, &size), 0);
	assert_int_equal(pa, 0x50f0);
	assert_int_equal(fdt_reg(&f, n, 1, &pa, &size), ENXIO);
	assert_int_equal(fdt_reg(&f, n, 2, &pa, &size), ENXIO);
}

static void
addresses_that_make_no_sense_are_refused(void **state)
{
	uint64_t size;
	paddr_t pa;

	fdtbuild_init(&fb);
	fdtbuild_begin(&fb, "");
	cells(2, 2);
	fdtbuild_begin(&fb, "wraps");
	fdtbuild_cells(&fb, "reg", 4, UINT32_MAX, 0, 2, 0);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "bus");
	cells(5, 1);
	fdtbuild_begin(&fb, "a");
	fdtbuild_cells(&fb, "reg", 6, 0, 0, 0, 0, 0, 1);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "zero");
	cells(0, 0);
	fdtbuild_begin(&fb, "a");
	fdtbuild_cells(&fb, "reg", 1, 0);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	fdtbuild_end(&fb);
	assert_int_equal(open_tree(), 0);
	assert_int_equal(fdt_reg(&f, fdt_find(&f, "/wraps"), 0, &pa, &size),
	    EINVAL);
	assert_int_equal(fdt_reg(&f, fdt_find(&f, "/bus/a"), 0, &pa, &size),
	    EINVAL);
	assert_int_equal(fdt_reg(&f, fdt_find(&f, "/zero/a"), 0, &pa, &size),
	    EINVAL);
}

static void
windows_of_pci_have_three_cells(void **state)
{
	struct fdt_range fr;
	fdt_node_t pcie;

	machine(false, 17);
	pcie = fdt_find(&f, "/pcie");
	assert_int_equal(fdt_range(&f, pcie, 0, &fr), 0);
	assert_int_equal(fr.fr_child_hi, 0x01000000);
	assert_int_equal(fr.fr_child, 0);
	assert_int_equal(fr.fr_parent, 0x3eff0000);
	assert_int_equal(fdt_range(&f, pcie, 1, &fr), 0);
	assert_int_equal(fr.fr_child, 0x10000000);
	assert_int_equal(fr.fr_size, 0x2eff0000);
	assert_int_equal(fdt_range(&f, pcie, 2, &fr), ENOENT);
}

/* --- interrupts ----------------------------------------------------------------- */

static void
interrupts_lead_to_the_inherited_parent(void **state)
{
	struct fdt_interrupt fi;
	fdt_node_t uart;

	machine(false, 17);
	uart = fdt_phandle(&f, UART);
	assert_int_equal(fdt_interrupt(&f, uart, 1, &fi), 0);
	assert_int_equal(fi.fi_controller, fdt_phandle(&f, GIC));
	assert_int_equal(fi.fi_ncells, 3);
	assert_int_equal(fi.fi_cell[1], 2);
	assert_int_equal(fdt_interrupt(&f, uart, 2, &fi), ENOENT);
	assert_int_equal(fdt_interrupt(&f, fdt_find(&f, "/chosen"), 0, &fi),
	    ENOENT);
}

static void
extended_interrupts_each_name_a_parent(void **state)
{
	struct fdt_interrupt fi;
	fdt_node_t n;

	machine(false, 17);
	n = fdt_find(&f, "/soc/on");
	assert_int_equal(fdt_interrupt(&f, n, 0, &fi), 0);
	assert_int_equal(fi.fi_controller, fdt_phandle(&f, GIC));
	assert_int_equal(fi.fi_cell[1], 70);
	assert_int_equal(fdt_interrupt(&f, n, 1, &fi), 0);
	assert_int_equal(fi.fi_cell[1], 9);
	assert_int_equal(fdt_interrupt(&f, n, 2, &fi), ENOENT);
}

static void
a_map_finds_the_line_of_a_pci_slot(void **state)
{
	uint32_t unit[3] = { 0x2f800 & ~0x1800, 0, 0 }, pin = 2;
	struct fdt_interrupt fi;
	fdt_node_t pcie;

	machine(false, 17);
	pcie = fdt_find(&f, "/pcie");
	assert_int_equal(fdt_interrupt_at(&f, pcie, unit, 3, &pin, 1, &fi),
	    0);
	assert_int_equal(fi.fi_cell[1], 4);
	unit[0] = 0x800;
	pin = 1;
	assert_int_equal(fdt_interrupt_at(&f, pcie, unit, 3, &pin, 1, &fi),
	    0);
	assert_int_equal(fi.fi_cell[1], 5);
	pin = 3;
	assert_int_equal(fdt_interrupt_at(&f, pcie, unit, 3, &pin, 1, &fi),
	    ENXIO);
	/* fewer cells than the nexus has */
	assert_int_equal(fdt_interrupt_at(&f, pcie, unit, 2, &pin, 1, &fi),
	    EINVAL);
}

static void
nexuses_that_lead_to_each_other_end(void **state)
{
	struct fdt_interrupt fi;
	u_int i;

	fdtbuild_init(&fb);
	fdtbuild_begin(&fb, "");
	for (i = 1; i <= 2; i++) {
		fdtbuild_begin(&fb, i == 1 ? "a" : "b");
		fdtbuild_cells(&fb, "phandle", 1, i);
		fdtbuild_cells(&fb, "#address-cells", 1, 0);
		fdtbuild_cells(&fb, "#interrupt-cells", 1, 1);
		fdtbuild_cells(&fb, "interrupt-parent", 1, 3 - i);
		fdtbuild_cells(&fb, "interrupts", 1, 5);
		fdtbuild_cells(&fb, "interrupt-map", 3, 5, 3 - i, 5);
		fdtbuild_end(&fb);
	}
	fdtbuild_end(&fb);
	assert_int_equal(open_tree(), 0);
	assert_int_equal(fdt_interrupt(&f, fdt_find(&f, "/a"), 0, &fi),
	    EINVAL);
}

static void
messages_are_mapped_by_requester(void **state)
{
	fdt_node_t pcie, node;
	uint32_t id;

	machine(false, 17);
	pcie = fdt_find(&f, "/pcie");
	assert_int_equal(fdt_map_id(&f, pcie, "msi-map", 8, &node, &id), 0);
	assert_int_equal(node, fdt_phandle(&f, ITS));
	assert_int_equal(id, 0x108);
	assert_int_equal(fdt_map_id(&f, pcie, "msi-map", 0x20f, &node, &id),
	    0);
	assert_int_equal(id, 0x100f);
	assert_int_equal(fdt_map_id(&f, pcie, "msi-map", 0x210, &node, &id),
	    ENOENT);
	assert_int_equal(fdt_map_id(&f, pcie, "iommu-map", 0, &node, &id),
	    ENOENT);
}

/* --- memory ----------------------------------------------------------------------- */

static void
memory_is_what_is_not_reserved(void **state)
{
	struct memlist ml = { .ml_n = 0 };
	paddr_t start, end;

	machine(false, 17);
	assert_true(fdt_memory(&f, &ml));
	assert_int_equal(ml.ml_n, 2);
	assert_true(fdt_reserved(&f, &ml));
	/* a page, and the firmware's megabyte */
	assert_int_equal(ml.ml_n, 4);
	assert_int_equal(ml.ml_range[0].mr_end, 0x40001000);
	assert_int_equal(ml.ml_range[1].mr_start, 0x40002000);
	assert_int_equal(ml.ml_range[1].mr_end, 0x4f000000);
	assert_int_equal(ml.ml_range[2].mr_start, 0x4f100000);
	assert_int_equal(ml.ml_range[3].mr_start, 0x100000000);
	assert_int_equal(fdt_initrd(&f, &start, &end), 0);
	assert_int_equal(start, 0x48000000);
	assert_int_equal(end, 0x48100000);
}

/* --- trees that lie --------------------------------------------------------------- */

static void
a_tree_that_is_cut_is_refused(void **state)
{
	size_t whole, n;

	machine(false, 17);
	whole = blobsize;
	for (n = 0; n < whole; n++)
		assert_int_equal(open_blob(fb.fb_blob, n), EINVAL);
	assert_int_equal(open_blob(fb.fb_blob, whole), 0);
}

/* The header says that the blob ends where it does. */
static void
a_tree_that_is_cut_and_denies_it_does_no_harm(void **state)
{
	static u_char copy[sizeof(fb.fb_blob)];
	size_t whole, n;

	machine(false, 17);
	whole = blobsize;
	memcpy(copy, fb.fb_blob, whole);
	for (n = 40; n < whole; n++) {
		copy[4] = copy[5] = 0;
		copy[6] = n >> 8;
		copy[7] = n;
		if (open_blob(copy, n) == 0)
			fdtwalk(&f);
	}
}

static void
any_byte_may_be_another(void **state)
{
	static const u_char values[] = { 0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff };
	static u_char copy[sizeof(fb.fb_blob)];
	size_t whole, n;
	u_int i;

	machine(false, 17);
	whole = blobsize;
	memcpy(copy, fb.fb_blob, whole);
	for (n = 0; n < whole; n++) {
		for (i = 0; i < nitems(values); i++) {
			copy[n] = values[i];
			if (open_blob(copy, whole) == 0)
				fdtwalk(&f);
		}
		copy[n] = fb.fb_blob[n];
	}
}

static void
a_tree_too_deep_is_refused(void **state)
{
	u_int i, depth;

	for (depth = FDT_MAXDEPTH; depth <= FDT_MAXDEPTH + 1; depth++) {
		fdtbuild_init(&fb);
		for (i = 0; i < depth; i++)
			fdtbuild_begin(&fb, i == 0 ? "" : "n");
		for (i = 0; i < depth; i++)
			fdtbuild_end(&fb);
		assert_int_equal(open_tree(),
		    depth > FDT_MAXDEPTH ? EINVAL : 0);
	}
}

static void
two_roots_are_refused(void **state)
{
	fdtbuild_init(&fb);
	fdtbuild_begin(&fb, "");
	fdtbuild_end(&fb);
	fdtbuild_begin(&fb, "");
	fdtbuild_end(&fb);
	assert_int_equal(open_tree(), EINVAL);
}

/* --- more of each --------------------------------------------------------- */

static void
list_put(const char *name, const uint32_t *v, u_int n)
{
	static u_char p[4 * 2048];
	u_int i;

	for (i = 0; i < n; i++) {
		p[4 * i] = v[i] >> 24;
		p[4 * i + 1] = v[i] >> 16;
		p[4 * i + 2] = v[i] >> 8;
		p[4 * i + 3] = v[i];
	}
	fdtbuild_bytes(&fb, name, p, 4 * n);
}
#define NUMBERS(...)	(const uint32_t []){ __VA_ARGS__ },		\
	sizeof((const uint32_t []){ __VA_ARGS__ }) / 4
#define list(name, ...)	list_put(name, NUMBERS(__VA_ARGS__))
#define string(name, s)	fdtbuild_bytes(&fb, name, s, sizeof(s))
#define flag(name)	fdtbuild_bytes(&fb, name, "", 0)

static void
begin(const char *name)
{
	fdtbuild_begin(&fb, name);
}

static void
end(void)
{
	fdtbuild_end(&fb);
}

/* A tree with nothing in it yet. */
static void
fresh(void)
{
	fdtbuild_init(&fb);
	begin("");
}

static void
done(void)
{
	end();
	assert_int_equal(open_tree(), 0);
}

static fdt_node_t
at(const char *path)
{
	fdt_node_t n = fdt_find(&f, path);

	assert_int_not_equal(n, FDT_NONE);
	return (n);
}

static void
reserve(uint64_t addr, uint64_t size)
{
	fb.fb_rsv[fb.fb_nrsv][0] = addr;
	fb.fb_rsv[fb.fb_nrsv++][1] = size;
}

static void
aliases_that_lead_nowhere(void **state)
{
	fresh();
	begin("aliases");
	string("loop", "loop");
	string("other", "soc/dev@1");
	string("nothing", "/nothing");
	string("soc", "/soc@0");
	fdtbuild_bytes(&fb, "torn", "/soc", 4);
	end();
	begin("soc@0");
	begin("dev@1");
	end();
	begin("dev@11");
	end();
	end();
	done();
	assert_int_equal(at("soc/dev@1"), at("/soc/dev"));
	assert_int_equal(at("soc/dev@11"), at("//soc@0///dev@11/"));
	assert_int_equal(at("/:x"), fdt_root(&f));
	assert_int_equal(fdt_find(&f, "/soc/dev@"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "/soc/dev@1/x"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "loop"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "other"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "nothing"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "torn"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "so"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "soc1"), FDT_NONE);
	assert_int_equal(fdt_find(&f, ""), FDT_NONE);
	assert_int_equal(fdt_find(&f, ":"), FDT_NONE);
	assert_int_equal(fdt_find(&f,
	    "anameofmorethanthirtyonecharactersisnoalias"), FDT_NONE);
}

static void
numbers_that_are_no_phandles(void **state)
{
	fresh();
	fdtbuild_cells(&fb, "phandle", 1, 0);
	begin("a");
	fdtbuild_cells(&fb, "phandle", 1, UINT32_MAX);
	end();
	begin("b");
	fdtbuild_cells(&fb, "linux,phandle", 1, 5);
	end();
	done();
	assert_int_equal(fdt_phandle(&f, 0), FDT_NONE);
	assert_int_equal(fdt_phandle(&f, UINT32_MAX), FDT_NONE);
	assert_int_equal(fdt_phandle(&f, 5), at("/b"));
}

static void
statuses(void **state)
{
	static const struct { const char *s; u_int n; bool on; } is[] = {
		{ "okay", 5, true }, { "ok", 3, true }, { "okay", 4, false },
		{ "", 0, false }, { "disabled", 9, false },
		{ "reserved", 9, false }, { "fail-sss", 9, false },
		{ "okay\0x", 7, true },
	};
	u_int i;

	for (i = 0; i < nitems(is); i++) {
		fresh();
		begin("a");
		fdtbuild_bytes(&fb, "status", is[i].s, is[i].n);
		end();
		done();
		assert_int_equal(fdt_enabled(&f, at("/a")), is[i].on);
	}
}

/* As one asks who is compatible, also from a node that is off. */
static void
a_search_goes_on_behind_what_is_disabled(void **state)
{
	fresh();
	string("compatible", "x");
	begin("off");
	string("status", "disabled");
	string("compatible", "x");
	begin("below");
	string("compatible", "x");
	end();
	end();
	begin("on");
	fdtbuild_bytes(&fb, "compatible", "y\0x\0z", 5);
	end();
	done();
	assert_int_equal(fdt_compatible_find(&f, FDT_NONE, "x"),
	    fdt_root(&f));
	assert_int_equal(fdt_compatible_find(&f, fdt_root(&f), "x"),
	    at("/on"));
	assert_int_equal(fdt_compatible_find(&f, at("/off"), "x"),
	    at("/on"));
	assert_int_equal(fdt_compatible_find(&f, at("/off/below"), "x"),
	    at("/on"));
	assert_int_equal(fdt_compatible_find(&f, at("/on"), "x"), FDT_NONE);
	/* that is torn */
	assert_int_equal(fdt_compatible_find(&f, FDT_NONE, "z"), FDT_NONE);
}

static void
the_first_of_a_list_that_is_compatible(void **state)
{
	static const char *const some[] = { "a", "bb", "b", "c" };

	fresh();
	fdtbuild_bytes(&fb, "compatible", "c\0b\0bbb", 8);
	begin("none");
	end();
	done();
	assert_int_equal(fdt_compatible_index(&f, fdt_root(&f), some, 4), 2);
	assert_int_equal(fdt_compatible_index(&f, fdt_root(&f), some, 2), 2);
	assert_int_equal(fdt_compatible_index(&f, fdt_root(&f), some, 0), 0);
	assert_int_equal(fdt_compatible_index(&f, at("/none"), some, 4), 4);
}

/* --- addresses, more ------------------------------------------------------ */

static void
assert_reg(const char *path, u_int i, uint64_t addr, uint64_t n)
{
	uint64_t size;
	paddr_t pa;

	assert_int_equal(fdt_reg(&f, at(path), i, &pa, &size), 0);
	assert_int_equal(pa, addr);
	assert_int_equal(size, n);
}

static void
assert_no_reg(const char *path, u_int i, int error)
{
	uint64_t size = 17;
	paddr_t pa = 18;

	assert_int_equal(fdt_reg(&f, at(path), i, &pa, &size), error);
	assert_int_equal(pa, 18);
	assert_int_equal(size, 17);
}

static void
one_node(u_int ac, u_int sc, const uint32_t *reg, u_int n)
{
	fresh();
	cells(ac, sc);
	begin("dev");
	list_put("reg", reg, n);
	end();
	done();
}

static void
widths_of_addresses_and_sizes(void **state)
{
	static const uint32_t reg[] = { 0, 0xfffffff0, 7, 8, 9, 10, 11, 12 };

	one_node(1, 1, reg, 6);
	assert_reg("/dev", 0, 0, 0xfffffff0);
	assert_reg("/dev", 2, 9, 10);
	assert_no_reg("/dev", 3, ENOENT);
	one_node(1, 2, reg, 6);
	assert_reg("/dev", 1, 8, 0x90000000a);
	one_node(2, 1, reg, 6);
	assert_reg("/dev", 1, 0x800000009, 10);
	one_node(2, 2, reg, 8);
	assert_reg("/dev", 1, 0x90000000a, 0xb0000000c);
	one_node(3, 2, reg, 5);
	assert_reg("/dev", 0, 0xfffffff000000007, 0x800000009);
	/* as for processors: numbers, not addresses */
	one_node(1, 0, reg, 8);
	assert_reg("/dev", 7, 12, 0);
	/* what is not said */
	fresh();
	begin("dev");
	list_put("reg", reg, 6);
	end();
	done();
	assert_reg("/dev", 1, 0x800000009, 10);
}

static void
cells_that_make_no_sense(void **state)
{
	static const uint32_t reg[12] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
	    11 };
	static const uint32_t odd[] = { 4, 5, 255, 0x3fffffff, 0x40000000,
	    0x40000001, 0x55555556, 0x7fffffff, 0x80000000, UINT32_MAX };
	u_int i;

	for (i = 0; i < nitems(odd); i++) {
		one_node(odd[i], 1, reg, 12);
		assert_no_reg("/dev", 0, EINVAL);
		/* so that who counts up comes to an end */
		assert_no_reg("/dev", 1, ENOENT);
		one_node(1, odd[i], reg, 12);
		assert_no_reg("/dev", 0, EINVAL);
		assert_no_reg("/dev", 1, ENOENT);
	}
	one_node(0, 1, reg, 12);
	assert_no_reg("/dev", 0, EINVAL);
	one_node(1, 3, reg, 12);
	assert_no_reg("/dev", 0, EINVAL);
	/* no whole number of entries */
	one_node(2, 1, reg, 11);
	assert_no_reg("/dev", 0, EINVAL);
	assert_no_reg("/dev", 1, ENOENT);
	one_node(2, 2, reg, 0);
	assert_no_reg("/dev", 0, ENOENT);
}

static void
more_bits_than_an_address_has(void **state)
{
	one_node(2, 2, NUMBERS(UINT32_MAX, UINT32_MAX, 0, 1));
	assert_no_reg("/dev", 0, EINVAL);
	one_node(2, 2, NUMBERS(0x80000000, 0, 0x80000000, 0));
	assert_no_reg("/dev", 0, EINVAL);
	one_node(2, 2, NUMBERS(UINT32_MAX, UINT32_MAX - 1, 0, 1));
	assert_reg("/dev", 0, UINT64_MAX - 1, 1);
	one_node(3, 1, NUMBERS(1, 0, 0, 1));
	assert_no_reg("/dev", 0, EINVAL);
}

static void
ranges_within_ranges(void **state)
{
	struct fdt_range fr;

	fresh();
	cells(2, 2);
	begin("soc");
	cells(1, 1);
	list("ranges", 0, 0, 0x20000000, 0x100000,
	    0x40000000, 0x10, 0, 0x10000000);
	begin("dev");
	list("reg", 0x1000, 0x100, 0x40000400, 0x20, 0x200000, 4);
	end();
	begin("inner");
	cells(2, 1);
	list("ranges", 7, 0, 0x8000, 0x1000);
	begin("dev");
	list("reg", 7, 0x10, 4, 6, 0xffffffff, 4, 7, 0x1000, 1, 7, 0xffe, 4);
	end();
	begin("same");
	cells(2, 1);
	flag("ranges");
	begin("dev");
	list("reg", 7, 0x20, 4);
	end();
	end();
	end();
	end();
	done();
	assert_reg("/soc/dev", 0, 0x20001000, 0x100);
	assert_reg("/soc/dev", 1, 0x1000000400, 0x20);
	assert_no_reg("/soc/dev", 2, ENXIO);
	assert_reg("/soc/inner/dev", 0, 0x20008010, 4);
	/* before, behind, across the end */
	assert_no_reg("/soc/inner/dev", 1, ENXIO);
	assert_no_reg("/soc/inner/dev", 2, ENXIO);
	assert_no_reg("/soc/inner/dev", 3, ENXIO);
	assert_no_reg("/soc/inner/dev", 4, ENOENT);
	assert_reg("/soc/inner/same/dev", 0, 0x20008020, 4);
	assert_int_equal(fdt_range(&f, at("/soc/inner"), 0, &fr), 0);
	assert_int_equal(fr.fr_child_hi, 0);
	assert_int_equal(fr.fr_child, 0x700000000);
	assert_int_equal(fr.fr_parent, 0x20008000);
	assert_int_equal(fr.fr_size, 0x1000);
	assert_int_equal(fdt_range(&f, at("/soc/inner/same"), 0, &fr),
	    ENOENT);
	assert_int_equal(fdt_range(&f, fdt_root(&f), 0, &fr), ENOENT);
	/* back again, whatever was asked last */
	assert_reg("/soc/dev", 0, 0x20001000, 0x100);
	assert_int_equal(fdt_parent(&f, at("/soc/inner/same")),
	    at("/soc/inner"));
	assert_int_equal(fdt_parent(&f, at("/soc")), fdt_root(&f));
}

static void
spaces_of_pci_are_apart(void **state)
{
	fresh();
	cells(2, 2);
	begin("pci@0");
	cells(3, 2);
	list("ranges", 0x01000000, 0, 0, 0, 0x3000, 0, 0x1000,
	    0x02000000, 0, 0, 0, 0x80000000, 0, 0x10000000,
	    0x43000000, 0x80, 0, 0x80, 0, 0x80, 0);
	begin("dev@0");
	list("reg", 0x800, 0, 0, 0, 0, 0x01000010, 0, 0x20, 0, 8,
	    0x42000014, 0, 0x1800, 0, 4, 0x03000018, 0x80, 0x10, 0, 4,
	    0x02000010, 0x80, 0, 0, 4);
	end();
	begin("bridge@1");
	cells(3, 2);
	list("ranges",
	    0x02000000, 0, 0x1000, 0x02000000, 0, 0x1000, 0, 0x1000,
	    0x01000000, 0, 0, 0x81000000, 0, 0, 0, 0x1000);
	begin("dev@0");
	list("reg", 0x01000010, 0, 0x20, 0, 8, 0x42000014, 0, 0x1800, 0, 4);
	end();
	end();
	end();
	done();
	/* configuration space is in no range */
	assert_no_reg("/pci/dev", 0, ENXIO);
	assert_reg("/pci/dev", 1, 0x3020, 8);
	assert_reg("/pci/dev", 2, 0x80001800, 4);
	assert_reg("/pci/dev", 3, 0x8000000010, 4);
	assert_no_reg("/pci/dev", 4, ENXIO);
	assert_reg("/pci/bridge/dev", 0, 0x3020, 8);
	assert_reg("/pci/bridge/dev", 1, 0x80001800, 4);
}

static void
one_bus(u_int pac, u_int ac, u_int sc, const uint32_t *ranges, u_int n)
{
	fresh();
	cells(pac, 1);
	begin("bus");
	cells(ac, sc);
	list_put("ranges", ranges, n);
	begin("dev");
	list("reg", 0x10, 0x10);
	end();
	end();
	done();
}

static void
assert_bad_ranges(int error)
{
	struct fdt_range fr;

	assert_int_equal(fdt_range(&f, at("/bus"), 0, &fr), error);
	assert_int_equal(fdt_range(&f, at("/bus"), 1, &fr), ENOENT);
}

static void
ranges_that_make_no_sense(void **state)
{
	static const uint32_t two[] = { 0, 0, 0, 0, 0, 0, 0x1000, 0x100 };

	/* over the end of what there is */
	one_bus(2, 1, 1, NUMBERS(0, UINT32_MAX, 0xfffffff8, 0x100));
	assert_no_reg("/bus/dev", 0, EINVAL);
	assert_bad_ranges(EINVAL);
	one_bus(1, 2, 1, NUMBERS(UINT32_MAX, UINT32_MAX, 0, 2));
	assert_bad_ranges(EINVAL);
	one_bus(2, 1, 1, NUMBERS(0, UINT32_MAX, 0xffffffd0, 0x2f));
	assert_reg("/bus/dev", 0, 0xffffffffffffffe0, 0x10);
	/* empty, then one that is not */
	one_bus(2, 1, 1, two, 4);
	assert_no_reg("/bus/dev", 0, ENXIO);
	one_bus(2, 1, 1, two, 8);
	assert_reg("/bus/dev", 0, 0x1010, 0x10);
	/* not a whole number of entries */
	one_bus(2, 1, 1, two, 7);
	assert_no_reg("/bus/dev", 0, EINVAL);
	assert_bad_ranges(EINVAL);
	/* cells of the bus above; a window without a size */
	one_bus(UINT32_MAX, 1, 1, two, 8);
	assert_no_reg("/bus/dev", 0, EINVAL);
	assert_bad_ranges(EINVAL);
	one_bus(0, 1, 1, two, 8);
	assert_no_reg("/bus/dev", 0, EINVAL);
	one_bus(2, 1, 0, two, 6);
	assert_no_reg("/bus/dev", 0, EINVAL);
	assert_bad_ranges(EINVAL);
}

/* --- interrupts, more ----------------------------------------------------- */

static void
assert_intr(const char *path, u_int i, const char *controller,
    const uint32_t *want, u_int n)
{
	struct fdt_interrupt fi;
	u_int k;

	assert_int_equal(fdt_interrupt(&f, at(path), i, &fi), 0);
	assert_int_equal(fi.fi_controller, at(controller));
	assert_int_equal(fi.fi_ncells, n);
	for (k = 0; k < n; k++)
		assert_int_equal(fi.fi_cell[k], want[k]);
}

static void
assert_no_intr(const char *path, u_int i, int error)
{
	struct fdt_interrupt fi;

	assert_int_equal(fdt_interrupt(&f, at(path), i, &fi), error);
}

static void
controller(const char *name, uint32_t phandle, uint32_t ic)
{
	begin(name);
	flag("interrupt-controller");
	list("#interrupt-cells", ic);
	list("phandle", phandle);
	end();
}

static void
nexus(const char *name, uint32_t phandle, uint32_t ac, uint32_t ic)
{
	begin(name);
	list("phandle", phandle);
	list("#address-cells", ac);
	list("#interrupt-cells", ic);
}

/* Four slots of four pins, each slot one line further on. */
static void
pins_of_pci_are_swizzled(void **state)
{
	uint32_t map[16 * 10], *p = map, unit[3] = { 0 }, pin, slot, five = 5;
	struct fdt_interrupt fi;

	fresh();
	cells(2, 2);
	/* which is not the parent of what is below a nexus */
	list("interrupt-parent", GIC);
	begin("intc");
	cells(2, 2);
	flag("interrupt-controller");
	list("#interrupt-cells", 3);
	list("phandle", GIC);
	end();
	begin("pcie");
	cells(3, 2);
	list("#interrupt-cells", 1);
	list("interrupt-map-mask", 0x1800, 0, 0, 7);
	for (slot = 0; slot < 4; slot++) {
		for (pin = 1; pin <= 4; pin++, p += 10)
			memcpy(p, (uint32_t []){ slot << 11, 0, 0, pin, GIC, 0,
			    0, 0, 3 + (slot + pin - 1) % 4, 4 }, 40);
	}
	list_put("interrupt-map", map, nitems(map));
	begin("nic@1,0");
	list("reg", 0x800, 0, 0, 0, 0);
	list("interrupts", 2);
	end();
	end();
	done();
	for (slot = 0; slot < 32; slot++) {
		for (pin = 1; pin <= 4; pin++) {
			/* bus and function do not matter */
			unit[0] = 3 << 16 | slot << 11 | 5 << 8;
			unit[2] = slot;
			assert_int_equal(fdt_interrupt_at(&f, at("/pcie"),
			    unit, 3, &pin, 1, &fi), 0);
			assert_int_equal(fi.fi_controller, at("/intc"));
			assert_int_equal(fi.fi_ncells, 3);
			assert_int_equal(fi.fi_cell[1],
			    3 + (slot + pin - 1) % 4);
		}
	}
	assert_intr("/pcie/nic", 0, "/intc", NUMBERS(0, 5, 4));
	assert_no_intr("/pcie/nic", 1, ENOENT);
	assert_int_equal(fdt_interrupt_at(&f, at("/pcie"), unit, 3, &five, 1,
	    &fi), ENXIO);
	assert_int_equal(fdt_interrupt_at(&f, at("/pcie"), unit, UINT32_MAX,
	    &five, 1, &fi), EINVAL);
	assert_int_equal(fdt_interrupt_at(&f, at("/pcie"), unit, 3, &five,
	    UINT32_MAX, &fi), EINVAL);
	assert_int_equal(fdt_interrupt_at(&f, at("/pcie"), unit, 3, &five, 0,
	    &fi), EINVAL);
	assert_int_equal(fdt_interrupt_at(&f, fdt_root(&f), unit, 2, &five, 1,
	    &fi), EINVAL);
	/* a controller needs no map */
	assert_int_equal(fdt_interrupt_at(&f, at("/intc"), NULL, 0, map, 3,
	    &fi), 0);
	assert_int_equal(fi.fi_controller, at("/intc"));
	assert_int_equal(fdt_interrupt_at(&f, at("/intc"), NULL, 0, map, 2,
	    &fi), EINVAL);
}

static void
a_map_without_a_mask_compares_all(void **state)
{
	fresh();
	cells(1, 1);
	controller("pic", 7, 1);
	nexus("nexus", 8, 1, 2);
	list("interrupt-map", 0x80000001, 1, 2, 7, 11, 0x80000001, 1, 3, 7,
	    12);
	end();
	begin("dev@80000001");
	list("interrupt-parent", 8);
	list("reg", 0x80000001, 1);
	list("interrupts", 1, 3, 1, 2, 1, 4);
	end();
	begin("dev@1");
	list("interrupt-parent", 8);
	list("reg", 1, 1);
	list("interrupts", 1, 3);
	end();
	done();
	assert_intr("/dev@80000001", 0, "/pic", NUMBERS(12));
	assert_intr("/dev@80000001", 1, "/pic", NUMBERS(11));
	assert_no_intr("/dev@80000001", 2, ENXIO);
	assert_no_intr("/dev@80000001", 3, ENOENT);
	assert_no_intr("/dev@1", 0, ENXIO);
}

static void
one_nexus_may_lead_to_another(void **state)
{
	fresh();
	cells(1, 1);
	controller("pic", 7, 1);
	/* by the unit address that the inner map gave */
	nexus("outer", 9, 2, 1);
	list("interrupt-map", 5, 6, 1, 7, 21, 5, 7, 1, 7, 22);
	end();
	nexus("inner", 8, 0, 1);
	list("interrupt-map-mask", 0xf);
	list("interrupt-map", 3, 9, 5, 7, 1, 4, 9, 5, 6, 1, 5, 9, 5, 8, 1);
	end();
	begin("dev");
	list("interrupt-parent", 8);
	list("reg", 1, 1);
	list("interrupts", 3, 0x14, 5);
	end();
	/* a map does not make a nexus of a controller */
	begin("both");
	flag("interrupt-controller");
	list("phandle", 10);
	list("#address-cells", 0);
	list("#interrupt-cells", 1);
	list("interrupt-map", 3, 7, 11);
	end();
	begin("dev2");
	list("interrupts-extended", 10, 3);
	end();
	done();
	assert_intr("/dev", 0, "/pic", NUMBERS(22));
	assert_intr("/dev", 1, "/pic", NUMBERS(21));
	assert_no_intr("/dev", 2, ENXIO);
	assert_intr("/dev2", 0, "/both", NUMBERS(3));
}

static void
circles_of_parents_end(void **state)
{
	u_int i;

	fresh();
	for (i = 1; i <= 2; i++) {
		begin(i == 1 ? "a" : "b");
		list("phandle", i);
		list("interrupt-parent", 3 - i);
		list("interrupts", 1);
		end();
	}
	begin("self");
	list("phandle", 3);
	list("interrupt-parent", 3);
	list("interrupts", 1);
	end();
	nexus("nexus", 4, 0, 1);
	list("interrupt-map", 1, 4, 1);
	end();
	begin("dev");
	list("interrupts-extended", 4, 1);
	end();
	begin("orphan");
	list("interrupts", 1);
	end();
	done();
	assert_no_intr("/a", 0, EINVAL);
	assert_no_intr("/self", 0, EINVAL);
	assert_no_intr("/dev", 0, EINVAL);
	assert_no_intr("/orphan", 0, EINVAL);
}

/* A nexus with a map of one entry, and a device at it. */
static void
one_nexus(uint32_t ac, uint32_t ic, uint32_t pac, uint32_t pic)
{
	fresh();
	begin("pic");
	flag("interrupt-controller");
	list("#address-cells", pac);
	list("#interrupt-cells", pic);
	list("phandle", 7);
	end();
	nexus("nexus", 8, ac, ic);
	list("interrupt-map", 1, 7, 2);
	end();
	begin("dev");
	list("interrupts-extended", 8, 1);
	end();
	done();
}

static void
maps_that_make_no_sense(void **state)
{
	static const uint32_t odd[] = { 1, 2, 8, 9, 0x3fffffff, 0x40000000,
	    0x40000001, 0x7fffffff, 0x80000000, UINT32_MAX };
	u_int i;

	one_nexus(0, 1, 0, 1);
	assert_intr("/dev", 0, "/pic", NUMBERS(2));
	for (i = 0; i < nitems(odd); i++) {
		one_nexus(odd[i], 1, 0, 1);
		assert_no_intr("/dev", 0, EINVAL);
		one_nexus(0, 1, odd[i], 1);
		assert_no_intr("/dev", 0, EINVAL);
		if (odd[i] == 1)
			continue;
		one_nexus(0, odd[i], 0, 1);
		assert_no_intr("/dev", 0, EINVAL);
		assert_no_intr("/dev", 1, ENOENT);
		one_nexus(0, 1, 0, odd[i]);
		assert_no_intr("/dev", 0, EINVAL);
	}
	one_nexus(0, 0, 0, 1);
	assert_no_intr("/dev", 0, EINVAL);
	one_nexus(0, 1, 0, 0);
	assert_no_intr("/dev", 0, EINVAL);
	/* a mask that is too short */
	fresh();
	controller("pic", 7, 1);
	nexus("nexus", 8, 0, 2);
	list("interrupt-map-mask", 1);
	list("interrupt-map", 1, 1, 7, 2);
	end();
	begin("dev");
	list("interrupts-extended", 8, 1, 1);
	end();
	done();
	assert_no_intr("/dev", 0, EINVAL);
}

static void
lists_of_interrupts_that_are_torn_end(void **state)
{
	fresh();
	controller("pic", 7, 2);
	begin("lost");
	list("interrupt-parent", 99);
	list("interrupts", 1, 1);
	end();
	begin("lost2");
	list("interrupts-extended", 99, 1, 1);
	end();
	begin("torn");
	list("interrupts-extended", 7, 1, 2, 7, 3);
	end();
	begin("torn2");
	fdtbuild_bytes(&fb, "interrupts-extended",
	    "\0\0\0\7\0\0\0\1\0\0\0\2\0\0", 14);
	end();
	begin("torn3");
	list("interrupt-parent", 7);
	list("interrupts", 1, 1, 1);
	end();
	done();
	assert_no_intr("/lost", 0, EINVAL);
	assert_no_intr("/lost", 1, ENOENT);
	assert_no_intr("/lost2", 0, EINVAL);
	assert_no_intr("/lost2", 1, ENOENT);
	assert_intr("/torn", 0, "/pic", NUMBERS(1, 2));
	assert_no_intr("/torn", 1, EINVAL);
	assert_no_intr("/torn", 2, ENOENT);
	assert_intr("/torn2", 0, "/pic", NUMBERS(1, 2));
	assert_no_intr("/torn2", 1, EINVAL);
	assert_no_intr("/torn2", UINT32_MAX, ENOENT);
	assert_no_intr("/torn3", 0, EINVAL);
	assert_no_intr("/torn3", 1, ENOENT);
}

static void
identifiers_are_masked_and_do_not_wrap(void **state)
{
	fdt_node_t n;
	uint32_t id;

	fresh();
	list("phandle", 1);
	begin("a");
	list("msi-map", 0xfffffff0, 1, 0xffffff00, UINT32_MAX);
	end();
	begin("b");
	list("msi-map", 0, 1, 0, 8, 8, 1, 8);
	end();
	begin("c");
	list("msi-map", 0, 1, 0, 0, 4, 99, 0, 1);
	end();
	begin("d");
	list("msi-map", 0, 1, UINT32_MAX, 2);
	end();
	begin("e");
	list("msi-map", 0x10, 1, 0x20, 0x10);
	list("msi-map-mask", 0xff);
	end();
	done();
	assert_int_equal(fdt_map_id(&f, at("/a"), "msi-map", UINT32_MAX, &n,
	    &id), 0);
	assert_int_equal(id, 0xffffff0f);
	assert_int_equal(fdt_map_id(&f, at("/a"), "msi-map", 3, &n, &id),
	    ENOENT);
	assert_int_equal(fdt_map_id(&f, at("/b"), "msi-map", 0, &n, &id),
	    EINVAL);
	assert_int_equal(fdt_map_id(&f, at("/c"), "msi-map", 0, &n, &id),
	    ENOENT);
	assert_int_equal(fdt_map_id(&f, at("/c"), "msi-map", 4, &n, &id),
	    EINVAL);
	assert_int_equal(fdt_map_id(&f, at("/d"), "msi-map", 0, &n, &id), 0);
	assert_int_equal(fdt_map_id(&f, at("/d"), "msi-map", 1, &n, &id),
	    EINVAL);
	assert_int_equal(fdt_map_id(&f, at("/e"), "msi-map", 0xab1f, &n, &id),
	    0);
	assert_int_equal(id, 0x2f);
	assert_int_equal(fdt_map_id(&f, at("/e"), "msi-map", 0xab20, &n, &id),
	    ENOENT);
}

/* --- memory, more --------------------------------------------------------- */

static struct memlist ml;

static void
assert_ranges(u_int n, const uint64_t *want)
{
	u_int i;

	assert_int_equal(ml.ml_n, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(ml.ml_range[i].mr_start, want[2 * i]);
		assert_int_equal(ml.ml_range[i].mr_end, want[2 * i + 1]);
	}
}
#define RANGES(...)	assert_ranges(sizeof((uint64_t []){		\
	    __VA_ARGS__ }) / 16, (const uint64_t []){ __VA_ARGS__ })

static void
memory_that_cannot_be_read_is_left_out(void **state)
{
	fresh();
	cells(2, 2);
	begin("memory@0");
	string("device_type", "memory");
	list("reg", 0, 0x1000, 0, 0x1000, UINT32_MAX, 0, 1, 0, 0, 0x8000, 0,
	    0x1000, 0, 0xf000, 0, 0);
	end();
	begin("memory@1");
	string("device_type", "memory");
	string("status", "disabled");
	list("reg", 0, 0x100000, 0, 0x1000);
	end();
	begin("memory@2");
	string("device_type", "memory");
	end();
	begin("memory@3");
	list("reg", 0, 0x200000, 0, 0x1000);
	end();
	begin("memory@4");
	string("device_type", "memory");
	list("reg", 0, 0x300000, 0);
	end();
	done();
	ml.ml_n = 0;
	assert_false(fdt_memory(&f, &ml));
	RANGES(0x1000, 0x2000, 0x8000, 0x9000);
}

static void
memory_with_cells_that_make_no_sense(void **state)
{
	static const uint32_t odd[] = { 0, 3, 4, UINT32_MAX };
	uint32_t reg[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	bool none;
	u_int i, k;

	for (i = 0; i < nitems(odd); i++) {
		for (k = 0; k < 2; k++) {
			fresh();
			cells(k == 0 ? odd[i] : 1, k == 0 ? 1 : odd[i]);
			begin("memory");
			string("device_type", "memory");
			list_put("reg", reg, nitems(reg));
			end();
			begin("reserved-memory");
			cells(k == 0 ? odd[i] : 1, k == 0 ? 1 : odd[i]);
			flag("ranges");
			begin("a");
			list_put("reg", reg, nitems(reg));
			end();
			end();
			done();
			/* without a size it is only empty */
			none = k == 1 && odd[i] == 0;
			ml.ml_n = 0;
			assert_int_equal(fdt_memory(&f, &ml), none);
			assert_int_equal(ml.ml_n, 0);
			assert_int_equal(fdt_reserved(&f, &ml), none);
		}
	}
}

static void
a_full_list_is_told(void **state)
{
	static uint32_t reg[2 * (MEMLIST_MAX + 1)];
	u_int i;

	for (i = 0; i <= MEMLIST_MAX; i++) {
		reg[2 * i] = i * 0x10000;
		reg[2 * i + 1] = 0x8000;
	}
	fresh();
	cells(1, 1);
	begin("memory");
	string("device_type", "memory");
	list_put("reg", reg, nitems(reg));
	end();
	reserve(0x2000, 0x1000);
	done();
	ml.ml_n = 0;
	assert_false(fdt_memory(&f, &ml));
	assert_int_equal(ml.ml_n, MEMLIST_MAX);
	assert_false(fdt_reserved(&f, &ml));
}

static void
reservations_are_rounded_outwards_and_never_wrap(void **state)
{
	fresh();
	reserve(0x1fff, 2);
	reserve(0x8000, 0);		/* neither the end nor anything */
	reserve(0x9800, 0);
	reserve(0, 1);
	reserve(0xfffffffffffff800, 0x7ff);
	done();
	ml.ml_n = 0;
	assert_true(memlist_add(&ml, 0, 0x10000));
	assert_true(memlist_add(&ml, 0xffffffffffff0000, UINT64_MAX));
	assert_true(fdt_reserved(&f, &ml));
	RANGES(0x3000, 0x10000, 0xffffffffffff0000, 0xfffffffffffff000);
	/* too long: to the end, and it is told */
	fresh();
	reserve(0xffffffffffff8000, 0x10000);
	done();
	ml.ml_n = 0;
	assert_true(memlist_add(&ml, 0xffffffffffff0000, UINT64_MAX));
	assert_false(fdt_reserved(&f, &ml));
	RANGES(0xffffffffffff0000, 0xffffffffffff8000);
	/* reserved memory must have a way to the processor's addresses */
	fresh();
	cells(1, 1);
	begin("reserved-memory");
	cells(1, 1);
	begin("a");
	list("reg", 0x1000, 0x1000);
	end();
	end();
	done();
	assert_false(fdt_reserved(&f, &ml));
}

static int
initrd(const uint32_t *start, u_int ns, const uint32_t *stop, u_int ne,
    paddr_t *from, paddr_t *to)
{
	fresh();
	begin("chosen");
	if (ns > 0)
		list_put("linux,initrd-start", start, ns);
	if (ne > 0)
		list_put("linux,initrd-end", stop, ne);
	end();
	done();
	return (fdt_initrd(&f, from, to));
}

static void
an_initrd_of_32_or_64_bits(void **state)
{
	static const uint32_t s32[] = { 0x1000 }, e32[] = { 0x1001 },
	    s64[] = { 1, 0x1000, 0 }, e64[] = { 2, 0, 0 };
	paddr_t from, to;

	assert_int_equal(initrd(s32, 1, e32, 1, &from, &to), 0);
	assert_int_equal(from, 0x1000);
	assert_int_equal(to, 0x1001);
	assert_int_equal(initrd(s64, 2, e64, 2, &from, &to), 0);
	assert_int_equal(from, 0x100001000);
	assert_int_equal(to, 0x200000000);
	from = to = 5;
	assert_int_equal(initrd(e32, 1, s32, 1, &from, &to), EINVAL);
	assert_int_equal(initrd(s32, 1, s32, 1, &from, &to), EINVAL);
	assert_int_equal(initrd(s32, 1, e32, 0, &from, &to), ENOENT);
	assert_int_equal(initrd(s32, 0, e32, 1, &from, &to), ENOENT);
	assert_int_equal(initrd(s64, 3, e64, 2, &from, &to), ENOENT);
	assert_true(from == 5 && to == 5);
}

static fdt_node_t
chosen_stdout(const char *name, const char *path)
{
	fresh();
	begin("aliases");
	string("serial0", "/uart@1");
	end();
	begin("chosen");
	fdtbuild_string(&fb, name, path);
	end();
	begin("uart@1");
	end();
	done();
	return (fdt_stdout(&f));
}

static void
standard_output_is_a_path_or_an_alias(void **state)
{
	fdt_node_t n;

	n = chosen_stdout("stdout-path", "/uart@1:115200n8");
	assert_int_equal(n, at("/uart@1"));
	n = chosen_stdout("linux,stdout-path", "serial0:9600");
	assert_int_equal(n, at("/uart@1"));
	n = chosen_stdout("stdout-path", "serial1");
	assert_int_equal(n, FDT_NONE);
	n = chosen_stdout("stdout-path", "");
	assert_int_equal(n, FDT_NONE);
}

/* --- forms of the blob, more ---------------------------------------------- */

static uint32_t
word_get(size_t off)
{
	const u_char *p = blob + off;

	return ((uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]);
}

static void
word_put(size_t off, uint32_t v)
{
	blob[off] = v >> 24;
	blob[off + 1] = v >> 16;
	blob[off + 2] = v >> 8;
	blob[off + 3] = v;
}

static void
headers_that_are_refused(void **state)
{
	static const struct { u_int off; uint32_t v; } bad[] = {
		{ 0, 0xedfe0dd0 }, { 0, 0 }, { 4, 0 }, { 4, 39 },
		{ 4, UINT32_MAX }, { 8, 1 }, { 8, 2 }, { 8, UINT32_MAX - 3 },
		{ 8, 0 }, { 12, UINT32_MAX }, { 16, 4 },
		{ 16, UINT32_MAX - 7 }, { 20, 15 }, { 20, 3 }, { 24, 18 },
		{ 32, UINT32_MAX }, { 32, 0 }, { 36, UINT32_MAX }, { 36, 0 },
		{ 36, 4 },
	};
	uint32_t was;
	u_int i;

	machine(false, 17);
	for (i = 0; i < nitems(bad); i++) {
		was = word_get(bad[i].off);
		word_put(bad[i].off, bad[i].v);
		assert_int_equal(fdt_init(&f, blob, blobsize), EINVAL);
		assert_int_equal(fdt_root(&f), FDT_NONE);
		word_put(bad[i].off, was);
	}
	/* what is newer, but says that we can read it */
	word_put(20, 99);
	assert_int_equal(fdt_init(&f, blob, blobsize), 0);
	/* version 16 does not say how long the structure is */
	word_put(20, 16);
	word_put(36, UINT32_MAX);
	assert_int_equal(fdt_init(&f, blob, blobsize), 0);
	assert_int_equal(count(), 15);
}

static void
no_tree_is_an_empty_one(void **state)
{
	paddr_t from, to;

	machine(false, 17);
	assert_int_equal(fdt_init(&f, blob, 8), EINVAL);
	assert_int_equal(fdt_root(&f), FDT_NONE);
	assert_int_equal(fdt_find(&f, "/chosen"), FDT_NONE);
	assert_int_equal(fdt_find(&f, "serial0"), FDT_NONE);
	assert_int_equal(fdt_phandle(&f, 1), FDT_NONE);
	assert_int_equal(fdt_compatible_find(&f, FDT_NONE, "x"), FDT_NONE);
	assert_int_equal(fdt_initrd(&f, &from, &to), ENOENT);
	assert_int_equal(fdt_stdout(&f), FDT_NONE);
	ml.ml_n = 0;
	assert_true(fdt_memory(&f, &ml));
	assert_true(fdt_reserved(&f, &ml));
}

static void
a_blob_may_lie_anywhere(void **state)
{
	u_char *p;
	u_int i;

	machine(false, 17);
	for (i = 1; i < 8; i++) {
		p = host_alloc(blobsize + i);
		memcpy(p + i, blob, blobsize);
		assert_int_equal(fdt_init(&f, p + i, blobsize), 0);
		assert_int_equal(count(), 15);
		fdtwalk(&f);
		host_free(p);
	}
}

static void
raw(uint32_t v)
{
	u_char *p = fb.fb_struct + fb.fb_nstruct;

	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
	fb.fb_nstruct += 4;
}

static void
structures_that_are_refused(void **state)
{
	static const uint32_t lengths[] = { 9, 13, 100, 0x7fffffff, 0x80000000,
	    0xfffffff0, 0xfffffff8, 0xfffffffc, UINT32_MAX };
	u_int i;

	fdtbuild_init(&fb);		/* no root */
	assert_int_equal(open_tree(), EINVAL);
	fresh();			/* not closed */
	assert_int_equal(open_tree(), EINVAL);
	fresh();			/* closed once too often */
	end();
	end();
	assert_int_equal(open_tree(), EINVAL);
	fdtbuild_init(&fb);		/* properties of nobody */
	flag("a");
	begin("");
	end();
	assert_int_equal(open_tree(), EINVAL);
	fresh();
	end();
	flag("a");
	assert_int_equal(open_tree(), EINVAL);
	for (i = 5; i < 12; i++) {	/* tokens that are none */
		fresh();
		raw(i == 9 ? 0 : i);
		end();
		assert_int_equal(open_tree(), EINVAL);
	}
	fresh();			/* a name outside */
	flag("1234567");
	raw(3);
	raw(0);
	raw(8);
	end();
	assert_int_equal(open_tree(), EINVAL);
	for (i = 0; i < nitems(lengths); i++) {
		fresh();
		flag("a");
		raw(3);
		raw(lengths[i]);
		raw(0);
		end();
		assert_int_equal(open_tree(), EINVAL);
	}
}

static void
strings_end_inside_their_block(void **state)
{
	fresh();
	flag("first");
	flag("second");
	end();
	fb.fb_nstrings--;		/* the NUL of the last */
	assert_int_equal(open_tree(), EINVAL);
	fresh();
	flag("first");
	end();
	/* of no property: does no harm */
	memcpy(fb.fb_strings + fb.fb_nstrings, "torn", 4);
	fb.fb_nstrings += 4;
	assert_int_equal(open_tree(), 0);
	assert_non_null(fdt_prop(&f, fdt_root(&f), "first", NULL));
	/* the name of a node, where the structure ends */
	fresh();
	end();
	raw(1);
	raw(0x61616161);
	(void)open_tree();
	word_put(36, word_get(36) - 4);
	assert_int_equal(fdt_init(&f, blob, blobsize), EINVAL);
}

/* Up to the end of the blob there is none of address and size 0. */
static void
reservations_without_an_end_are_refused(void **state)
{
	size_t at, n, i;
	u_char *p;

	fresh();
	done();
	at = roundup2(blobsize, 8);
	n = at + 64;
	p = host_alloc(n);
	memcpy(p, blob, blobsize);
	host_free(blob);
	blob = p;
	blobsize = n;
	word_put(4, n);
	word_put(16, at);
	memset(p + at, 0xff, 64);
	assert_int_equal(fdt_init(&f, p, n), EINVAL);
	for (i = at; i < n; i += 16)	/* a size of 0 is no end */
		memset(p + i + 8, 0, 8);
	assert_int_equal(fdt_init(&f, p, n), EINVAL);
	for (i = at; i < n; i += 16) {	/* nor an address of 0 */
		memset(p + i, 0, 8);
		p[i + 15] = 1;
	}
	assert_int_equal(fdt_init(&f, p, n), EINVAL);
	p[n - 1] = 0;
	assert_int_equal(fdt_init(&f, p, n), 0);
	ml.ml_n = 0;
	assert_true(fdt_reserved(&f, &ml));
}

/* 5.4.2 is against it; it is no reason to refuse a tree. */
static void
a_property_behind_a_subnode_is_not_found(void **state)
{
	fresh();
	flag("a");
	begin("sub");
	end();
	flag("b");
	done();
	assert_non_null(fdt_prop(&f, fdt_root(&f), "a", NULL));
	assert_null(fdt_prop(&f, fdt_root(&f), "b", NULL));
	assert_int_equal(fdt_child(&f, fdt_root(&f)), at("/sub"));
	assert_int_equal(fdt_next(&f, at("/sub")), FDT_NONE);
	assert_int_equal(fdt_following(&f, at("/sub")), FDT_NONE);
}

/* --- trees that lie, more ------------------------------------------------- */

#define MANY	4096		/* more of anything than there is here */

/* Who counts up until there are no more comes to an end. */
static void
lists_end(void)
{
	struct fdt_interrupt fi;
	struct fdt_range fr;
	uint64_t size;
	fdt_node_t n;
	paddr_t pa;
	u_int i, nodes = 0;
	int error;

	for (n = fdt_root(&f); n != FDT_NONE; n = fdt_following(&f, n)) {
		assert_true(nodes++ < MANY);
		for (i = 0; (error = fdt_reg(&f, n, i, &pa, &size)) != ENOENT;
		    i++)
			assert_true(i < MANY && (error != 0 ||
			    pa + size >= pa));
		for (i = 0; fdt_range(&f, n, i, &fr) != ENOENT; i++)
			assert_true(i < MANY);
		for (i = 0; (error = fdt_interrupt(&f, n, i, &fi)) != ENOENT;
		    i++)
			assert_true(i < MANY && (error != 0 ||
			    fi.fi_ncells <= FDT_MAXCELLS));
	}
	fdtwalk(&f);
}

static void
any_cell_may_be_another(void **state)
{
	static const uint32_t odd[] = { 0, 1, 2, 3, 4, 5, 8, 9, 32, 0xffff,
	    0x3fffffff, 0x40000000, 0x40000001, 0x7fffffff, 0x80000000,
	    0xfffffff0, 0xfffffffc, UINT32_MAX };
	uint32_t was;
	size_t off;
	u_int i;

	machine(false, 17);
	for (off = 0; off + 4 <= blobsize; off += 4) {
		was = word_get(off);
		for (i = 0; i < nitems(odd) + 2; i++) {
			word_put(off, i < nitems(odd) ? odd[i] :
			    i == nitems(odd) ? was + 1 : was - 1);
			if (fdt_init(&f, blob, blobsize) == 0)
				lists_end();
		}
		word_put(off, was);
	}
}

static void
changed_at_random_nothing_is_read_beyond(void **state)
{
	u_char *good;
	u_int i;

	machine(false, 17);
	good = mutate_cut(blob, blobsize);
	for (i = 0; i < 10000; i++) {
		memcpy(blob, good, blobsize);
		/* the whole, or what is behind the header */
		if (i & 1)
			mutate(blob, blobsize);
		else
			mutate(blob + 40, blobsize - 40);
		if (fdt_init(&f, blob, blobsize) == 0)
			lists_end();
	}
	host_free(good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)	cmocka_unit_test_teardown(name, teardown)
		T(nodes_are_found_by_path_and_alias),
		T(a_walk_meets_each_node_once),
		T(nops_and_an_older_version_change_nothing),
		T(properties_are_cells_numbers_and_strings),
		T(what_is_disabled_disables_what_is_below),
		T(reg_goes_through_the_ranges_above),
		T(a_bus_without_a_window_there_is_no_way),
		T(addresses_that_make_no_sense_are_refused),
		T(windows_of_pci_have_three_cells),
		T(interrupts_lead_to_the_inherited_parent),
		T(extended_interrupts_each_name_a_parent),
		T(a_map_finds_the_line_of_a_pci_slot),
		T(nexuses_that_lead_to_each_other_end),
		T(messages_are_mapped_by_requester),
		T(memory_is_what_is_not_reserved),
		T(a_tree_that_is_cut_is_refused),
		T(a_tree_that_is_cut_and_denies_it_does_no_harm),
		T(any_byte_may_be_another),
		T(a_tree_too_deep_is_refused),
		T(two_roots_are_refused),
		T(aliases_that_lead_nowhere),
		T(numbers_that_are_no_phandles),
		T(statuses),
		T(a_search_goes_on_behind_what_is_disabled),
		T(the_first_of_a_list_that_is_compatible),
		T(widths_of_addresses_and_sizes),
		T(cells_that_make_no_sense),
		T(more_bits_than_an_address_has),
		T(ranges_within_ranges),
		T(spaces_of_pci_are_apart),
		T(ranges_that_make_no_sense),
		T(pins_of_pci_are_swizzled),
		T(a_map_without_a_mask_compares_all),
		T(one_nexus_may_lead_to_another),
		T(circles_of_parents_end),
		T(maps_that_make_no_sense),
		T(lists_of_interrupts_that_are_torn_end),
		T(identifiers_are_masked_and_do_not_wrap),
		T(memory_that_cannot_be_read_is_left_out),
		T(memory_with_cells_that_make_no_sense),
		T(a_full_list_is_told),
		T(reservations_are_rounded_outwards_and_never_wrap),
		T(an_initrd_of_32_or_64_bits),
		T(standard_output_is_a_path_or_an_alias),
		T(headers_that_are_refused),
		T(no_tree_is_an_empty_one),
		T(a_blob_may_lie_anywhere),
		T(structures_that_are_refused),
		T(strings_end_inside_their_block),
		T(reservations_without_an_end_are_refused),
		T(a_property_behind_a_subnode_is_not_found),
		T(any_cell_may_be_another),
		T(changed_at_random_nothing_is_read_beyond),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

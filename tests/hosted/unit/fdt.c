/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/* Flattened device trees: sound ones, and those that lie. */

#include "test.h"

#include <sys/errno.h>

#include <machine/host.h>

#include "sim/fdtbuild.h"
#include "sim/fdtwalk.h"

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
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

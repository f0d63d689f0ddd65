/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Registers at I/O ports.  The handle is the first port.
 */

#include <sys/errno.h>
#include <sys/md.h>

#include <machine/cpu.h>

static int
io_map(bus_space_tag_t t __unused, bus_addr_t addr, bus_size_t size,
    int flags, bus_space_handle_t *h)
{
	if ((flags & BUS_SPACE_MAP_LINEAR) || addr > UINT16_MAX ||
	    size > UINT16_MAX + 1UL - addr)
		return (EINVAL);
	*h = addr;
	return (0);
}

static void
io_unmap(bus_space_tag_t t __unused, bus_space_handle_t h __unused,
    bus_size_t size __unused)
{
}

#define IO_ACCESS(n, type, in, out)					\
static type								\
io_read_##n(bus_space_tag_t t __unused, bus_space_handle_t h,		\
    bus_size_t off)							\
{									\
	return (in(h + off));						\
}									\
static void								\
io_write_##n(bus_space_tag_t t __unused, bus_space_handle_t h,		\
    bus_size_t off, type v)						\
{									\
	out(h + off, v);						\
}
IO_ACCESS(1, uint8_t, inb, outb)
IO_ACCESS(2, uint16_t, inw, outw)
IO_ACCESS(4, uint32_t, inl, outl)

static const struct bus_space md_bus_ports = {
	.bs_name = "io",
	.bs_map = io_map, .bs_unmap = io_unmap,
	.bs_read_1 = io_read_1, .bs_read_2 = io_read_2,
	.bs_read_4 = io_read_4,
	.bs_write_1 = io_write_1, .bs_write_2 = io_write_2,
	.bs_write_4 = io_write_4,
};
const struct bus_space *const md_bus_io = &md_bus_ports;

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Registers: memory and I/O ports.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <machine/cpu.h>

/* --- memory ----------------------------------------------------------------------- */

static int
mem_map(bus_space_tag_t t __unused, bus_addr_t addr, bus_size_t size,
    int flags, bus_space_handle_t *h)
{
	void *va;

	va = md_map(addr, size, flags & BUS_SPACE_MAP_PREFETCHABLE ?
	    MD_MAP_WC : MD_MAP_DEVICE);
	*h = (bus_space_handle_t)va;
	return (va == NULL ? ENOMEM : 0);
}

static void
mem_unmap(bus_space_tag_t t __unused, bus_space_handle_t h, bus_size_t size)
{
	md_unmap((void *)h, size);
}

#define MEM_ACCESS(n, type)						\
static type								\
mem_read_##n(bus_space_tag_t t __unused, bus_space_handle_t h,		\
    bus_size_t off)							\
{									\
	return (*(volatile type *)(h + off));				\
}									\
static void								\
mem_write_##n(bus_space_tag_t t __unused, bus_space_handle_t h,		\
    bus_size_t off, type v)						\
{									\
	*(volatile type *)(h + off) = v;				\
}
MEM_ACCESS(1, uint8_t)
MEM_ACCESS(2, uint16_t)
MEM_ACCESS(4, uint32_t)

static void *
mem_vaddr(bus_space_tag_t t __unused, bus_space_handle_t h)
{
	return ((void *)h);
}

const struct bus_space md_bus_mem = {
	.bs_name = "mem",
	.bs_map = mem_map, .bs_unmap = mem_unmap,
	.bs_read_1 = mem_read_1, .bs_read_2 = mem_read_2,
	.bs_read_4 = mem_read_4,
	.bs_write_1 = mem_write_1, .bs_write_2 = mem_write_2,
	.bs_write_4 = mem_write_4,
	.bs_vaddr = mem_vaddr,
};

/* --- ports: the handle is the first one ---------------------------------------- */

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

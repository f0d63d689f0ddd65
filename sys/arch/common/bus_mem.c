/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Registers in memory.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <machine/io.h>

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
	return (mmio_read_##n((volatile void *)(h + off)));		\
}									\
static void								\
mem_write_##n(bus_space_tag_t t __unused, bus_space_handle_t h,		\
    bus_size_t off, type v)						\
{									\
	mmio_write_##n((volatile void *)(h + off), v);			\
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

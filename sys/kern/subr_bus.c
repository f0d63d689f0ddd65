/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Registers: windows that know their size.  See bus.h.
 */

#include <sys/bus.h>
#include <sys/errno.h>
#include <sys/systm.h>

int
bus_space_map(bus_space_tag_t t, bus_addr_t addr, bus_size_t size, int flags,
    bus_space_handle_t *h)
{
	if (size == 0 || addr + (size - 1) < addr)
		return (EINVAL);
	return (t->bs_map(t, addr, size, flags, h));
}

void
bus_space_unmap(bus_space_tag_t t, bus_space_handle_t h, bus_size_t size)
{
	t->bs_unmap(t, h, size);
}

int
br_map(struct bus_region *br, bus_space_tag_t t, bus_addr_t addr,
    bus_size_t size, int flags)
{
	int error;

	if ((error = bus_space_map(t, addr, size, flags,
	    &br->br_handle)) != 0)
		return (error);
	br->br_tag = t;
	br->br_size = size;
	return (0);
}

int
br_sub(struct bus_region *br, const struct bus_region *whole, bus_size_t off,
    bus_size_t size)
{
	if (size == 0 || off > whole->br_size || size > whole->br_size - off)
		return (EINVAL);
	br->br_tag = whole->br_tag;
	br->br_handle = whole->br_handle + off;
	br->br_size = size;
	return (0);
}

void
br_unmap(struct bus_region *br)
{
	if (br->br_size != 0)
		bus_space_unmap(br->br_tag, br->br_handle, br->br_size);
	br->br_size = 0;
}

#define BR_ACCESS(n, type)						\
type									\
br_read_##n(const struct bus_region *br, bus_size_t off)		\
{									\
	KASSERT(off < br->br_size && br->br_size - off >= n);		\
	return (br->br_tag->bs_read_##n(br->br_tag, br->br_handle,	\
	    off));							\
}									\
void									\
br_write_##n(const struct bus_region *br, bus_size_t off, type v)	\
{									\
	KASSERT(off < br->br_size && br->br_size - off >= n);		\
	br->br_tag->bs_write_##n(br->br_tag, br->br_handle, off, v);	\
}
BR_ACCESS(1, uint8_t)
BR_ACCESS(2, uint16_t)
BR_ACCESS(4, uint32_t)

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_BUS_H_
#define _SYS_BUS_H_

/* Device registers. */

#include <sys/types.h>

typedef uint64_t	bus_addr_t;
typedef uint64_t	bus_size_t;
typedef uintptr_t	bus_space_handle_t;
typedef const struct bus_space *bus_space_tag_t;

/*
 * A guest pays for a VM exit on nearly every access, so an indirect call
 * costs nothing that can be measured; the harness supplies its own tag.
 * Values pass in host order; the tag knows the order of the bus.
 */
struct bus_space {
	const char	*bs_name;		/* "io", "mem", "sim" */
	void		*bs_cookie;
	int		(*bs_map)(bus_space_tag_t, bus_addr_t, bus_size_t, int,
			    bus_space_handle_t *);
	void		(*bs_unmap)(bus_space_tag_t, bus_space_handle_t,
			    bus_size_t);
	uint8_t		(*bs_read_1)(bus_space_tag_t, bus_space_handle_t,
			    bus_size_t);
	uint16_t	(*bs_read_2)(bus_space_tag_t, bus_space_handle_t,
			    bus_size_t);
	uint32_t	(*bs_read_4)(bus_space_tag_t, bus_space_handle_t,
			    bus_size_t);
	void		(*bs_write_1)(bus_space_tag_t, bus_space_handle_t,
			    bus_size_t, uint8_t);
	void		(*bs_write_2)(bus_space_tag_t, bus_space_handle_t,
			    bus_size_t, uint16_t);
	void		(*bs_write_4)(bus_space_tag_t, bus_space_handle_t,
			    bus_size_t, uint32_t);
	void		*(*bs_vaddr)(bus_space_tag_t, bus_space_handle_t);
};
#define BUS_SPACE_MAP_LINEAR		0x01	/* bs_vaddr will be asked */
#define BUS_SPACE_MAP_PREFETCHABLE	0x02	/* may be write combined */

int	bus_space_map(bus_space_tag_t, bus_addr_t, bus_size_t, int,
	    bus_space_handle_t *);
void	bus_space_unmap(bus_space_tag_t, bus_space_handle_t, bus_size_t);

/*
 * A mapped window that knows its own size.  br_sub() refuses a part that
 * does not lie inside the whole, so a device cannot place its registers
 * outside its BAR.  An access beyond the end is a bug in the driver: KASSERT.
 */
struct bus_region {
	bus_space_tag_t		br_tag;
	bus_space_handle_t	br_handle;
	bus_size_t		br_size;	/* 0: not mapped */
};

int		br_map(struct bus_region *, bus_space_tag_t, bus_addr_t,
		    bus_size_t, int);
int		br_sub(struct bus_region *, const struct bus_region *,
		    bus_size_t, bus_size_t);
void		br_unmap(struct bus_region *);
uint8_t		br_read_1(const struct bus_region *, bus_size_t);
uint16_t	br_read_2(const struct bus_region *, bus_size_t);
uint32_t	br_read_4(const struct bus_region *, bus_size_t);
void		br_write_1(const struct bus_region *, bus_size_t, uint8_t);
void		br_write_2(const struct bus_region *, bus_size_t, uint16_t);
void		br_write_4(const struct bus_region *, bus_size_t, uint32_t);

#endif /* _SYS_BUS_H_ */

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _RING_H_
#define _RING_H_

/* What the device's engine and the two formats of rings share. */

#include <sys/systm.h>

#include <machine/host.h>
#include "sim.h"

#define DESC_NEXT	1
#define DESC_WRITE	2
#define DESC_INDIRECT	4
#define DESC_LEN	16		/* bytes, in both formats */

#define F_NOTIFY_ON_EMPTY	(1ULL << 24)
#define F_INDIRECT		(1ULL << 28)
#define F_EVENT_IDX		(1ULL << 29)
#define F_PACKED		(1ULL << 34)
#define F_IN_ORDER		(1ULL << 35)

/* A chain while it is taken; segments and descriptors are in the queue. */
struct walk {
	u_int		 w_nseg, w_ndesc, w_nout;
	uint64_t	 w_out, w_in;
	uint16_t	 w_id;			/* packed; split: head */
	uint64_t	 w_table;
	uint32_t	 w_tablelen;
	uint64_t	 w_tablesum;
};

struct ring_format {
	/* the parts: bytes, alignment; identities of what can be lent */
	void	 (*rf_parts)(const struct sim_vq *, uint64_t len[3],
		    u_int align[3]);
	u_int	 (*rf_nids)(const struct sim_vq *);
	/* the first look, before anything is taken */
	void	 (*rf_start)(struct sim_vq *);
	/* is there one to take?  Also faults. */
	bool	 (*rf_more)(struct sim_vq *);
	/* read it; move on */
	bool	 (*rf_walk)(struct sim_vq *, struct walk *);
	void	 (*rf_taken)(struct sim_vq *, const struct walk *);
	/* what is given back is as it was taken, and no more ours */
	void	 (*rf_giveback)(struct sim_vq *);
	/*
	 * One part of a used element, for the last chain of sq_put; the one
	 * by which it can be seen; and then move on.
	 */
	void	 (*rf_fill)(struct sim_vq *, const struct sim_chain *,
		    bool length);
	void	 (*rf_show)(struct sim_vq *, const struct sim_chain *);
	void	 (*rf_shown)(struct sim_vq *);
	/* does the driver want to know of what was put since it was told? */
	bool	 (*rf_wanted)(struct sim_vq *);
	/* do not tell us; tell us of the next, in two parts */
	void	 (*rf_quiet)(struct sim_vq *);
	void	 (*rf_arm)(struct sim_vq *, u_int part);
	/* where the driver will put the next: 2.9 */
	uint16_t (*rf_next)(struct sim_vq *);
	bool	 (*rf_passed)(const struct sim_vq *, uint16_t event,
		    uint16_t new, uint16_t old);
};
extern const struct ring_format ring_split, ring_packed;

static inline bool
ring_has(const struct sim_vq *sq, uint64_t feature)
{
	return ((sq->sq_sv->sv_features & feature) != 0);
}

static inline uint32_t
ring_random(struct sim_vq *sq, uint32_t below)
{
	return (sq->sq_sv->sv_random(sq->sq_sv, below));
}

static inline uint64_t
ring_get(struct sim_vq *sq, bus_addr_t addr, u_int n)
{
	return (sq->sq_mem->mo_get(sq->sq_memarg, addr, n));
}

static inline void
ring_put(struct sim_vq *sq, bus_addr_t addr, u_int n, uint64_t v)
{
	sq->sq_mem->mo_put(sq->sq_memarg, addr, n, v);
}

static inline bool
ring_read(struct sim_vq *sq, bus_addr_t addr, void *buf, size_t len)
{
	return (sq->sq_mem->mo_read(sq->sq_memarg, addr, buf, len));
}

static inline void
ring_barrier(struct sim_vq *sq, enum sim_order order)
{
	sq->sq_mem->mo_barrier(sq->sq_memarg, order);
}

/* A breach after which nothing of the queue makes sense any more; false. */
bool	 ring_bad(struct sim_vq *, const char *);
/* one that can be passed over */
void	 ring_fault(struct sim_vq *, const char *);
bool	 walk_add(struct sim_vq *, struct walk *, uint64_t, uint32_t, bool);
bool	 walk_table(struct sim_vq *, struct walk *, uint64_t, uint32_t);
void	 ring_same(struct sim_vq *, u_int);

#endif /* _RING_H_ */

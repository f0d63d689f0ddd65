/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _DEV_PV_PVCLOCKVAR_H_
#define _DEV_PV_PVCLOCKVAR_H_

/*
 * The pages in which hypervisors tell how to make nanoseconds of the
 * processor's counter.  What they say is checked at each reading: it may
 * change at any time, and with a reason, such as a move to another host.
 *
 * The functions are inline since the clock is read all the time.  Any context.
 * ticks: reads the counter, not before what stands ahead of it.
 */

#include <sys/types.h>

/* --- KVM: Linux, Documentation/virt/kvm/x86/msr.rst ---------------------- */

struct pvclock_page {
	uint32_t	pc_version;	/* odd: being changed */
	uint32_t	pc_pad0;
	uint64_t	pc_tsc;		/* counter at pc_time */
	uint64_t	pc_time;	/* ns */
	uint32_t	pc_mul;		/* ns = ticks * mul >> 32 */
	int8_t		pc_shift;	/* of ticks, left, before that */
	uint8_t		pc_flags;
	uint8_t		pc_pad1[2];
};
#define PVCLOCK_STABLE	0x01		/* all processors agree */
#define PVCLOCK_STOPPED	0x02		/* the guest stood still; cleared by us */

/* when the guest's clock was 0 */
struct pvclock_wall {
	uint32_t	pw_version;
	uint32_t	pw_sec;
	uint32_t	pw_nsec;
};

#define PVCLOCK_TRIES	1000		/* a change takes no longer */

/*
 * pvclock_hz: the counter's rate that the page implies; 0: it makes no sense.
 * pvclock_read: nanoseconds; false: the page does not stand still, or makes
 *	no sense.  The version that was seen goes to *version.
 * pvclock_wall: nanoseconds since 1970 when the clock was 0; 0: not told.
 */
uint64_t pvclock_hz(const volatile struct pvclock_page *);
uint64_t pvclock_wall(const volatile struct pvclock_wall *);

static inline bool
pvclock_read(const volatile struct pvclock_page *pc, uint64_t (*ticks)(void),
    uint64_t *ns, uint32_t *version)
{
	uint64_t delta, time;
	uint32_t before, mul;
	int shift;
	u_int i;

	for (i = 0; i < PVCLOCK_TRIES; i++) {
		before = pc->pc_version;
		__asm volatile("" ::: "memory");
		delta = ticks() - pc->pc_tsc;
		shift = pc->pc_shift;
		mul = pc->pc_mul;
		time = pc->pc_time;
		__asm volatile("" ::: "memory");
		if ((before & 1) || pc->pc_version != before)
			continue;
		if (mul == 0 || shift < -31 || shift > 31)
			return (false);
		/* a page may be a little ahead of this processor */
		if ((int64_t)delta < 0)
			delta = 0;
		delta = shift >= 0 ? delta << shift : delta >> -shift;
		*ns = time + ((unsigned __int128)delta * mul >> 32);
		*version = before;
		return (true);
	}
	return (false);
}

/* --- Hyper-V: TLFS, 12.7 Partition Reference Time Enlightenment ----------- */

struct hvclock_page {
	uint32_t	hc_sequence;	/* HVCLOCK_INVALID: not to be used */
	uint32_t	hc_reserved;
	uint64_t	hc_scale;
	int64_t		hc_offset;
};
#define HVCLOCK_INVALID	0
#define HVCLOCK_UNIT	100		/* ns */

/* As above; false also while the page is not valid. */
uint64_t hvclock_hz(const volatile struct hvclock_page *);

static inline bool
hvclock_read(const volatile struct hvclock_page *hc, uint64_t (*ticks)(void),
    uint64_t *ns)
{
	uint64_t scale, t;
	uint32_t before;
	int64_t offset;
	u_int i;

	for (i = 0; i < PVCLOCK_TRIES; i++) {
		before = hc->hc_sequence;
		if (before == HVCLOCK_INVALID)
			return (false);
		__asm volatile("" ::: "memory");
		t = ticks();
		scale = hc->hc_scale;
		offset = hc->hc_offset;
		__asm volatile("" ::: "memory");
		if (hc->hc_sequence != before)
			continue;
		if (scale == 0)
			return (false);
		t = ((unsigned __int128)t * scale >> 64) + offset;
		*ns = t * HVCLOCK_UNIT;
		return (true);
	}
	return (false);
}

#endif /* _DEV_PV_PVCLOCKVAR_H_ */

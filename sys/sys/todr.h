/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _SYS_TODR_H_
#define _SYS_TODR_H_

/*
 * Clocks that know the time of day, and what keeps ours right.
 *
 * td_get: nanoseconds since 1970; any context, must not sleep, called with a
 * mutex; an errno if it does not know.
 *
 * A clock that a machine has is coarse, to the second, and is what the user
 * of the hypervisor set.  That of the hypervisor itself (TODR_FINE) is taken
 * where the two agree to about a second, or where there is no other.
 */

#include <sys/queue.h>
#include <sys/sysctl.h>
#include <sys/types.h>

struct todr {
	TAILQ_ENTRY(todr)	  td_link;
	int			  td_flags;
	int			(*td_get)(void *, uint64_t *);
	void			 *td_arg;
};
#define TODR_FINE	0x01

/* How far ours is ahead of a clock, as hw.sensors.DEVICE.timedelta0. */
struct time_sensor {
	struct sysctl_oid	  ts_oid;
	int			(*ts_get)(void *, uint64_t *);	/* as td_get */
	void			 *ts_arg;
};

/*
 * All in any context.
 * time_wall: the time of day at that time since boot.
 * time_resync: ours is set by the clocks anew.  ENXIO: none knows.
 * time_suspect: the machine may have stood still: who asks for the time of
 *	day next gets it after a look at the clocks.  They are looked at every two
 *	seconds in any case, if somebody asks.
 * time_sensor_attach: thread context, as time_sensor_detach; EEXIST.
 * time_delta_print: how far ours is ahead of another clock, as the text of a
 *	sensor; UINT64_MAX: that one does not know.  As snprintf().
 */
void	todr_attach(struct todr *);
void	todr_detach(struct todr *);
uint64_t time_wall(uint64_t);
int	time_resync(void);
void	time_suspect(void);
int	time_sensor_attach(struct time_sensor *, const char *device);
void	time_sensor_detach(struct time_sensor *);
int	time_delta_print(char *, size_t, uint64_t other);

#endif /* _SYS_TODR_H_ */

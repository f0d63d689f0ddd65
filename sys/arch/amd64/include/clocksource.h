/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#ifndef _MACHINE_CLOCKSOURCE_H_
#define _MACHINE_CLOCKSOURCE_H_

/*
 * What can tell how much time has passed.  The first that is there is used
 * (clock.c), until it fails; the time stamp counter by itself is the last.
 */

#include <sys/types.h>

struct clocksource {
	const char	 *cs_name;		/* sysctl kern.timecounter.hardware */
	/* the counter's rate, 0 if it does not know; ENXIO: not there; EIO */
	int		(*cs_init)(uint64_t *);
	void		(*cs_stop)(void);	/* any context; unless the last */
	/* nanoseconds from any beginning; false: it has failed */
	bool		(*cs_read)(uint64_t *);
	/* NULL: it has no device, does not know the time of day (ENXIO) */
	const char	*(*cs_about)(void);
	int		(*cs_wall)(uint64_t *);
};

extern const struct clocksource	pvclock_source, hvclock_source;

void	clock_rate(uint64_t);		/* the counter's has changed */

#endif /* _MACHINE_CLOCKSOURCE_H_ */

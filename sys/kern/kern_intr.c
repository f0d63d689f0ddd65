/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupt handlers and soft interrupts, above the machine's controllers.
 */

#include <sys/intr.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <machine/cpu.h>

void *
intr_establish(const struct intr_handle *ih, enum ipl ipl,
    struct cpu_info *ci, intr_fn fn, void *arg, const char *name)
{
	return (ih->ih_ops->io_establish(ih, ipl, ci, fn, arg, name));
}

void
intr_disestablish(void *cookie)
{
	struct intr_established *ie = cookie;

	if (ie != NULL)
		ie->ie_ops->io_disestablish(cookie);
}

void
intr_barrier(void *cookie)
{
	struct intr_established *ie = cookie;

	if (ie != NULL)
		ie->ie_ops->io_barrier(cookie);
}

/* --- soft interrupts: run at IPL_SOFT when the level drops below it -------- */

#define NSOFTINTR	8

struct softintr {
	void	(*si_fn)(void *);
	void	 *si_arg;
};
static struct softintr	softintrs[NSOFTINTR];
static struct mutex	softintr_mtx = MUTEX_INITIALIZER(IPL_HIGH);

void *
softintr_establish(enum ipl ipl, void (*fn)(void *), void *arg)
{
	u_int i;

	KASSERT(ipl == IPL_SOFT);
	mtx_enter(&softintr_mtx);
	for (i = 0; i < NSOFTINTR && softintrs[i].si_fn != NULL; i++)
		;
	if (i < NSOFTINTR)
		softintrs[i] = (struct softintr){ fn, arg };
	mtx_leave(&softintr_mtx);
	return (i < NSOFTINTR ? &softintrs[i] : NULL);
}

void
softintr_schedule(void *cookie)
{
	u_int i = (struct softintr *)cookie - softintrs;
	int s = splraise(IPL_HIGH);

	curcpu()->ci_softpending |= 1U << i;
	splx(s);
}

void
softintr_disestablish(void *cookie)
{
	struct softintr *si = cookie;

	if (si == NULL)
		return;
	mtx_enter(&softintr_mtx);
	curcpu()->ci_softpending &= ~(1U << (si - softintrs));
	si->si_fn = NULL;
	mtx_leave(&softintr_mtx);
}

/* The machine calls this at IPL_SOFT while ci_softpending is not 0. */
void
softintr_run(void)
{
	struct softintr *si;
	u_int i;
	int s;

	s = splraise(IPL_HIGH);
	i = __builtin_ctz(curcpu()->ci_softpending);
	curcpu()->ci_softpending &= ~(1U << i);
	splx(s);
	si = &softintrs[i];
	if (si->si_fn != NULL)
		si->si_fn(si->si_arg);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The end of the machine.
 */

#include <sys/halthook.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>

static struct mutex	hook_mtx = MUTEX_INITIALIZER(IPL_NONE);
static TAILQ_HEAD(, halthook) hooks = TAILQ_HEAD_INITIALIZER(hooks);
static bool		halting;

void
halthook_add(struct halthook *hh)
{
	mtx_enter(&hook_mtx);
	TAILQ_INSERT_TAIL(&hooks, hh, hh_link);
	mtx_leave(&hook_mtx);
}

void
halthook_remove(struct halthook *hh)
{
	mtx_enter(&hook_mtx);
	TAILQ_REMOVE(&hooks, hh, hh_link);
	mtx_leave(&hook_mtx);
}

/* Who panics in a hook comes here again: each is called once. */
void
kern_halt(int status)
{
	struct halthook *hh;

	(void)splraise(IPL_HIGH);
	if (!halting) {
		halting = true;
		TAILQ_FOREACH(hh, &hooks, hh_link)
			hh->hh_fn(hh->hh_arg, status);
	}
	md_halt(status);
}

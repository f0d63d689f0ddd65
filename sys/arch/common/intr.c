/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Handlers and levels, above a machine's interrupt controllers.
 *
 * Levels: a level above IPL_SOFT keeps all interrupts off, IPL_SOFT only the
 * soft ones.  Handlers run with interrupts off, soft interrupts with them on.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <machine/cpu.h>

#define STRAY_MAX	10000

struct intrhand {
	struct intr_established	 ih_ie;
	LIST_ENTRY(intrhand)	 ih_link;
	struct intrsrc		*ih_src;
	intr_fn			 ih_fn;
	void			*ih_arg;
	uint64_t		 ih_count;
	char			 ih_name[16];
};

static struct mutex	 intr_mtx = MUTEX_INITIALIZER(IPL_HIGH);

/* --- sources: cookie 0 is the source, 1 the flags --------------------------------- */

struct intrsrc *
intrsrc_of(const struct intr_handle *h)
{
	return ((struct intrsrc *)(vaddr_t)h->ih_cookie[0]);
}

static void *
intrsrc_establish(const struct intr_handle *h, enum ipl ipl __unused,
    struct cpu_info *ci __unused, intr_fn fn, void *arg, const char *name)
{
	struct intrsrc *src = intrsrc_of(h);
	struct intrhand *ih;
	int error = 0;

	if ((ih = kmem_zalloc(sizeof(*ih), KM_NOSLEEP)) == NULL)
		return (NULL);
	ih->ih_ie.ie_ops = h->ih_ops;
	ih->ih_src = src;
	ih->ih_fn = fn;
	ih->ih_arg = arg;
	strlcpy(ih->ih_name, name, sizeof(ih->ih_name));

	mtx_enter(&intr_mtx);
	if (LIST_EMPTY(&src->is_hands)) {
		src->is_flags = h->ih_cookie[1];
		src->is_stray = 0;
		error = src->is_ops->iso_enable(src);
	}
	if (error == 0)
		LIST_INSERT_HEAD(&src->is_hands, ih, ih_link);
	mtx_leave(&intr_mtx);
	if (error != 0) {
		kmem_free(ih, sizeof(*ih));
		return (NULL);
	}
	return (ih);
}

static void
intrsrc_barrier(void *cookie)
{
	struct intrhand *ih = cookie;

	while (__atomic_load_n(&ih->ih_src->is_running, __ATOMIC_ACQUIRE) != 0)
		CPU_BUSY_CYCLE();
}

static void
intrsrc_disestablish(void *cookie)
{
	struct intrhand *ih = cookie;
	struct intrsrc *src = ih->ih_src;

	mtx_enter(&intr_mtx);
	LIST_REMOVE(ih, ih_link);
	if (LIST_EMPTY(&src->is_hands))
		src->is_ops->iso_disable(src);
	mtx_leave(&intr_mtx);
	intrsrc_barrier(ih);
	kmem_free(ih, sizeof(*ih));
}

static const struct intr_ops intrsrc_intr_ops = {
	.io_establish = intrsrc_establish,
	.io_disestablish = intrsrc_disestablish,
	.io_barrier = intrsrc_barrier,
};

void
intrsrc_handle(struct intr_handle *h, struct intrsrc *src, uint32_t flags)
{
	h->ih_ops = &intrsrc_intr_ops;
	h->ih_cookie[0] = (vaddr_t)src;
	h->ih_cookie[1] = flags;
}

bool
intrsrc_idle(const struct intrsrc *src)
{
	return (LIST_EMPTY(&src->is_hands));
}

void
md_msi_free(struct intr_handle *h)
{
	struct intrsrc *src = intrsrc_of(h);

	KASSERT(intrsrc_idle(src));
	src->is_ops->iso_free(src);
}

void
intrsrc_run(struct intrsrc *src)
{
	struct intrhand *ih, *next;
	bool ours = false;

	__atomic_add_fetch(&src->is_running, 1, __ATOMIC_ACQUIRE);
	LIST_FOREACH_SAFE(ih, &src->is_hands, ih_link, next) {
		if (ih->ih_fn(ih->ih_arg) != 0) {
			ih->ih_count++;
			ours = true;
		}
	}
	__atomic_sub_fetch(&src->is_running, 1, __ATOMIC_RELEASE);
	/*
	 * A line that is high and that nobody claims would interrupt for
	 * ever.  A few are normal: a device may lower its line late.
	 */
	if (ours)
		src->is_stray = 0;
	else if (src->is_line && ++src->is_stray == STRAY_MAX) {
		printf("interrupt line %u: nobody claims it, turned off\n",
		    src->is_number);
		src->is_ops->iso_disable(src);
	}
}

/* --- levels ----------------------------------------------------------------------- */

u_int
intr_enter(void)
{
	struct cpu_info *ci = curcpu();
	u_int ipl = ci->ci_ipl;

	ci->ci_ipl = IPL_HIGH;
	ci->ci_intrdepth++;
	return (ipl);
}

/* Soft interrupts that wait; ends with interrupts off. */
static void
soft_run(struct cpu_info *ci)
{
	while (ci->ci_softpending != 0) {
		ci->ci_ipl = IPL_SOFT;
		intr_on();
		softintr_run();
		intr_off();
	}
}

/*
 * Interrupts stay off until the machine returns to what was interrupted: if
 * they were on here, a device that always has another one would fill the
 * stack.
 */
void
intr_leave(u_int ipl)
{
	struct cpu_info *ci = curcpu();

	ci->ci_intrdepth--;
	if (ipl == IPL_NONE)
		soft_run(ci);
	ci->ci_ipl = ipl;
}

int
splraise(enum ipl ipl)
{
	struct cpu_info *ci;
	int old;

	if (ipl > IPL_SOFT)
		intr_off();
	ci = curcpu();
	old = ci->ci_ipl;
	if ((int)ipl > old)
		ci->ci_ipl = ipl;
	return (old);
}

void
splx(int ipl)
{
	struct cpu_info *ci = curcpu();

	if (ipl == IPL_NONE) {
		/* none may come between the last look and the new level */
		intr_off();
		soft_run(ci);
	}
	ci->ci_ipl = ipl;
	if (ipl <= IPL_SOFT)
		intr_on();
}

enum ipl
splget(void)
{
	return (curcpu()->ci_ipl);
}

bool
md_interruptible(void)
{
	return (curcpu()->ci_ipl == IPL_NONE);
}

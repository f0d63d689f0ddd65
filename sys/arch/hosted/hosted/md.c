/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The machine boundary on a host: virtual time, coroutines for threads,
 * interrupts that wait until the level drops.  One CPU; all of it is
 * deterministic.
 */

#include <sys/errno.h>
#include <sys/init.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/msgbuf.h>
#include <sys/queue.h>
#include <sys/systm.h>
#include <sys/task.h>
#include <sys/thread.h>
#include <sys/timeout.h>

#include <dev/pv/fwcfgreg.h>
#include <machine/cpu.h>
#include <machine/host.h>
#include <machine/mainbus.h>
#include <vm/pmap.h>
#include <vm/vm_object.h>
#include <vm/vm_page.h>

struct cpu_info	hosted_cpu;
uint64_t	hosted_now;
uintptr_t	hosted_memory;
u_int		hosted_fail_at, hosted_nallocs;
int		(*hosted_device)(void);
void		(*hosted_step_fn)(void);
void		*(*hosted_map)(uint64_t, size_t);
void		(*hosted_unmap)(void *, size_t);
uint64_t	vm_nfaults;		/* there are none here */

const char	version[] = "Paravane (hosted)";
char		hostname[HOSTNAME_MAX] = "hosted";
const char	ostype[] = "Paravane";
const char	osrelease[] = "hosted";

static uint64_t	hosted_alarm;		/* 0: none */
static char	console[65536];
static size_t	console_len;

/* --- failure on demand ----------------------------------------------------------- */

int
hosted_may_fail(void)
{
	return (hosted_fail_at != 0 && --hosted_fail_at == 0);
}

/* --- memory ------------------------------------------------------------------------ */

/* Each piece from the host's allocator, for its checks, with its size. */
struct piece {
	size_t		p_size;
	uint64_t	p_pad;
};

void *
kmem_alloc(size_t size, int flags)
{
	struct piece *p;

	KASSERT(size != 0);
	/* one that may sleep does not fail */
	if ((flags & KM_NOSLEEP) && hosted_may_fail())
		return (NULL);
	if ((p = host_alloc(sizeof(*p) + size)) == NULL)
		host_fail("no memory");
	/* not zero: nobody may count on that */
	memset(p + 1, 0xa5, size);
	p->p_size = size;
	hosted_nallocs++;
	return (p + 1);
}

void *
kmem_zalloc(size_t size, int flags)
{
	void *p;

	if ((p = kmem_alloc(size, flags)) != NULL)
		memset(p, 0, size);
	return (p);
}

void *
kmem_reallocarray(void *old, size_t oldn, size_t n, size_t size, int flags)
{
	void *p;

	if (n == 0 || size == 0 || n > SIZE_MAX / size ||
	    (p = kmem_alloc(n * size, flags)) == NULL)
		return (NULL);
	if (old != NULL) {
		memcpy(p, old, MIN(oldn, n) * size);
		kmem_free(old, oldn * size);
	}
	return (p);
}

char *
kmem_strdup(const char *s, int flags)
{
	char *p;

	if ((p = kmem_alloc(strlen(s) + 1, flags)) != NULL)
		memcpy(p, s, strlen(s) + 1);
	return (p);
}

void
kmem_free(void *v, size_t size)
{
	struct piece *p = v;

	if (v == NULL)
		return;
	if (p[-1].p_size != size)
		panic("kmem_free: size %zu, was %zu", size, p[-1].p_size);
	hosted_nallocs--;
	host_free(&p[-1]);
}

void *
kva_memory(size_t size)
{
	return (hosted_may_fail() ? NULL : host_pages(size));
}

void
kva_memory_free(void *p, size_t size)
{
	host_pages_free(p, size);
}

/* nobody has anything mapped here */
void
vm_object_clean(struct vm_object *vo, uint64_t first, uint64_t n)
{
}

void
vm_object_drop(struct vm_object *vo)
{
}

void *
md_map(paddr_t pa, size_t size, int flags __unused)
{
	if (hosted_may_fail())
		return (NULL);
	if (hosted_map != NULL)
		return (hosted_map(pa, size));
	return ((void *)(uintptr_t)pa);
}

void
md_unmap(void *p, size_t size)
{
	if (hosted_unmap != NULL)
		hosted_unmap(p, size);
}

paddr_t
md_kvtop(const void *p)
{
	uintptr_t va = (uintptr_t)p;

	return (va - hosted_memory < HOSTED_MEMORY_MAX ? va - hosted_memory :
	    va);
}

/* --- time --------------------------------------------------------------------------- */

uint64_t
md_nsec(void)
{
	return (hosted_now);
}

const char *
md_clock_name(void)
{
	return ("virtual");
}

const char *
md_clock_about(void)
{
	return ("virtual");
}

int
md_clock_wall(void *arg __unused, uint64_t *ns __unused)
{
	return (ENXIO);
}

uint64_t
nsecuptime(void)
{
	return (hosted_now);
}

/* Busy waiting passes time, and the device may act. */
void
delay(u_int usec)
{
	hosted_now += (uint64_t)usec * 1000;
	if (hosted_device != NULL)
		(void)hosted_device();
}

/* Between any two accesses to shared memory: see WIRE_HOOK. */
void
hosted_step(void)
{
	if (hosted_step_fn != NULL)
		hosted_step_fn();
}

void
md_timer_set(uint64_t when)
{
	hosted_alarm = when;
}



int	(*hosted_smbios)(uint64_t *, size_t *);

int
md_smbios(paddr_t *base, size_t *size)
{
	return (hosted_smbios != NULL ? hosted_smbios(base, size) : ENXIO);
}

int
md_fwcfg(bus_addr_t *addr, bool *mem)
{
	*addr = FWCFG_PORT;
	*mem = false;
	return (0);
}

size_t
md_entropy(void *buf, size_t size)
{
	memset(buf, 0x5a, size);
	return (size);
}

/* --- interrupts ------------------------------------------------------------------------ */

#define NIRQ	256

struct hosted_irq {
	struct intr_established	 hi_ie;
	intr_fn			 hi_fn;
	void			*hi_arg;
	bool			 hi_used;	/* a message's vector */
	bool			 hi_pending;
	bool			 hi_level;	/* a line that is high */
};
static struct hosted_irq irqs[NIRQ];
static u_int		 irq_depth;

static void *
irq_establish(const struct intr_handle *ih, enum ipl ipl __unused,
    struct cpu_info *ci __unused, intr_fn fn, void *arg,
    const char *name __unused)
{
	struct hosted_irq *hi = &irqs[ih->ih_cookie[0] % NIRQ];

	if (hosted_may_fail())
		return (NULL);
	KASSERT(hi->hi_fn == NULL);
	hi->hi_ie.ie_ops = ih->ih_ops;
	hi->hi_fn = fn;
	hi->hi_arg = arg;
	return (hi);
}

static void
irq_disestablish(void *cookie)
{
	struct hosted_irq *hi = cookie;

	hi->hi_fn = NULL;
	hi->hi_pending = false;
}

static void
irq_barrier(void *cookie __unused)
{
}

const struct intr_ops hosted_intr_ops = {
	.io_establish = irq_establish,
	.io_disestablish = irq_disestablish,
	.io_barrier = irq_barrier,
};

/* Vectors from 32 on; what is below are lines. */
int
md_msi_alloc(uint32_t requester __unused, struct cpu_info *ci __unused,
    struct intr_handle *ih, uint64_t *addr, uint32_t *data)
{
	u_int i;

	if (hosted_may_fail())
		return (ENOSPC);
	for (i = 32; i < NIRQ && irqs[i].hi_used; i++)
		;
	if (i == NIRQ)
		return (ENOSPC);
	irqs[i].hi_used = true;
	ih->ih_ops = &hosted_intr_ops;
	ih->ih_cookie[0] = i;
	*addr = 0xfee00000;
	*data = i;
	return (0);
}

void
md_msi_free(struct intr_handle *ih)
{
	struct hosted_irq *hi = &irqs[ih->ih_cookie[0]];

	KASSERT(hi->hi_used && hi->hi_fn == NULL);
	hi->hi_used = false;
}

static void
irq_deliver(void)
{
	u_int i, rounds;
	bool any = true;

	for (rounds = 0; any; rounds++) {
		if (rounds == 100000)
			host_fail("an interrupt that never ends");
		any = false;
		for (i = 0; i < NIRQ; i++) {
			if (!irqs[i].hi_pending && !irqs[i].hi_level)
				continue;
			irqs[i].hi_pending = false;
			if (irqs[i].hi_fn == NULL)
				continue;
			any = true;
			irq_depth++;
			hosted_cpu.ci_ipl = IPL_HIGH;
			(void)irqs[i].hi_fn(irqs[i].hi_arg);
			irq_depth--;
		}
	}
}

void
hosted_irq_raise(u_int irq)
{
	irqs[irq % NIRQ].hi_pending = true;
}

void
hosted_irq_line(u_int irq, int level)
{
	irqs[irq % NIRQ].hi_level = level != 0;
}

int
splraise(enum ipl ipl)
{
	int old = hosted_cpu.ci_ipl;

	if ((int)ipl > old)
		hosted_cpu.ci_ipl = ipl;
	return (old);
}

void
splx(int ipl)
{
	if (ipl <= IPL_SOFT && irq_depth == 0)
		irq_deliver();
	while (ipl == IPL_NONE && irq_depth == 0 &&
	    hosted_cpu.ci_softpending != 0) {
		hosted_cpu.ci_ipl = IPL_SOFT;
		softintr_run();
		irq_deliver();
	}
	hosted_cpu.ci_ipl = ipl;
}

enum ipl
splget(void)
{
	return (hosted_cpu.ci_ipl);
}

bool
md_interruptible(void)
{
	return (hosted_cpu.ci_ipl == IPL_NONE && irq_depth == 0);
}

/*
 * Nothing can run: pass the time to the next alarm.  hosted_until is the end
 * of the test's patience.
 */
static uint64_t		hosted_until;
static struct thread	*hosted_waiter;		/* who is in hosted_run() */

static bool
irq_waiting(void)
{
	u_int i;

	for (i = 0; i < NIRQ; i++) {
		if ((irqs[i].hi_pending || irqs[i].hi_level) &&
		    irqs[i].hi_fn != NULL)
			return (true);
	}
	return (false);
}

void
md_idle(void)
{
	int ipl = hosted_cpu.ci_ipl;

	if (irq_waiting()) {
		splx(IPL_NONE);
		hosted_cpu.ci_ipl = ipl;
		return;
	}
	if (hosted_device != NULL && hosted_device())
		return;
	if (hosted_alarm != 0 && (hosted_waiter == NULL ||
	    hosted_alarm <= hosted_until)) {
		hosted_now = MAX(hosted_now, hosted_alarm);
		hosted_alarm = 0;
		clock_intr();
	} else if (hosted_waiter != NULL) {
		hosted_now = MAX(hosted_now, hosted_until == INFSLP ?
		    hosted_now : hosted_until);
		wakeup(&hosted_waiter);
	} else
		host_fail("deadlock: all threads sleep");
}

void
hosted_run(uint64_t nsec)
{
	hosted_until = nsec == INFSLP ? INFSLP : hosted_now + nsec;
	hosted_waiter = curthread;
	(void)msleep_nsec(&hosted_waiter, NULL, PRI_IDLE, "run", INFSLP);
	hosted_waiter = NULL;
}

/* --- threads ------------------------------------------------------------------------------- */

void
md_context_init(struct md_context *mc, void *stack, size_t size,
    void (*fn)(void *), void *arg)
{
	mc->mc_host = host_context_new(stack, size, fn, arg);
}

void
md_context_fini(struct md_context *mc)
{
	host_context_free(mc->mc_host);
}

void
md_switch(struct thread *old, struct thread *td)
{
	hosted_cpu.ci_curthread = td;
	host_context_switch(old->td_md.mc_host, td->td_md.mc_host);
}

/* --- end -------------------------------------------------------------------------------------- */

void
md_cnputc(int c)
{
	char ch = c;

	if (console_len < sizeof(console) - 1)
		console[console_len++] = ch;
	host_write(&ch, 1);
}

bool
md_cnearly(void)
{
	return (true);
}

const char *
hosted_console(void)
{
	console[console_len] = '\0';
	return (console);
}

void
md_backtrace(void)
{
}

void
md_halt(int status __unused)
{
	host_panic();
}

void
panic_action(void)
{
}

u_int
md_ncpus(void)
{
	return (1);
}

int
mainbus_child_match(struct device *parent __unused, const struct cfdata *cf,
    const void *aux)
{
	const struct mainbus_attach_args *ma = aux;

	return (strcmp(cf->cf_driver->cd_name, ma->ma_name) == 0);
}

/* --- tests -------------------------------------------------------------------------------------- */

static struct thread	*systq_thread;
static bool		 hosted_ready;

void
hosted_init(void)
{
	console_len = 0;
	hosted_now = 1000;
	hosted_fail_at = 0;
	hosted_device = NULL;
	hosted_step_fn = NULL;
	hosted_map = NULL;
	hosted_unmap = NULL;
	msgbuf_clear();
	if (hosted_ready)
		return;
	hosted_ready = true;
	hosted_cpu.ci_curthread = &thread0;
	hosted_cpu.ci_ipl = IPL_NONE;
	thread0.td_md.mc_host = host_context_self();
	thread0.td_pri = PRI_USER;
	timeout_init();
	sched_init();
	systq_thread = thread_alloc(taskq_run, systq, PRI_INTR, "systq");
	thread_run(systq_thread);
	hosted_nallocs = 0;
}

/* What a test took must be given back; how many kinds of things were not. */
int
hosted_fini(void)
{
	u_int i;
	int bad = 0;

	hosted_fail_at = 0;
	hosted_run(0);
	for (i = 0; i < NIRQ; i++) {
		if (irqs[i].hi_fn != NULL || irqs[i].hi_used) {
			host_complain("an interrupt is still established");
			bad++;
		}
		irqs[i] = (struct hosted_irq){ .hi_fn = NULL };
	}
	if (hosted_nallocs != 0) {
		host_complain("memory was not freed");
		bad++;
	}
	hosted_nallocs = 0;
	return (bad);
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupts: the local APIC, I/O APICs, and messages (MSI, MSI-X).
 *
 * Levels: a level above IPL_SOFT keeps all interrupts off, IPL_SOFT only the
 * soft ones.  Handlers run with interrupts off, soft interrupts with them on.
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/queue.h>
#include <sys/systm.h>

#include <machine/apic.h>
#include <machine/cpu.h>
#include <machine/trap.h>

#define LAPIC_ID	0x020
#define LAPIC_TPR	0x080
#define LAPIC_EOI	0x0b0
#define LAPIC_SVR	0x0f0
#define LAPIC_LVT_LINT0	0x350
#define LAPIC_LVT_LINT1	0x360
#define LAPIC_LVT_ERROR	0x370
#define LAPIC_SVR_ENABLE 0x100
#define APICBASE_X2APIC	0x400
#define APICBASE_ENABLE	0x800
#define MSR_X2APIC	0x800
#define MSI_ADDR	0xfee00000

#define IOAPIC_REGSEL	0x00
#define IOAPIC_WINDOW	0x10
#define IOAPIC_VERSION	0x01
#define IOAPIC_REDIR	0x10
#define REDIR_LOW	0x02000
#define REDIR_LEVEL	0x08000
#define REDIR_MASKED	0x10000

struct ioapic {
	volatile uint32_t	*io_regs;
	u_int			 io_gsi;	/* of pin 0 */
	u_int			 io_npins;
};
#define NIOAPIC		8

/* What is established for one vector; lines may be shared. */
struct intrhand {
	struct intr_established	 ih_ie;
	LIST_ENTRY(intrhand)	 ih_link;
	intr_fn			 ih_fn;
	void			*ih_arg;
	u_int			 ih_vector;
	uint64_t		 ih_count;
	char			 ih_name[16];
};

struct intrvec {
	LIST_HEAD(, intrhand)	 iv_hands;
	int			 iv_gsi;	/* -1: a message */
	bool			 iv_used;
	u_int			 iv_running;
	u_int			 iv_stray;
};

static struct ioapic	 ioapics[NIOAPIC];
static u_int		 nioapics;
static struct intrvec	 intrvecs[256];
static struct mutex	 intr_mtx = MUTEX_INITIALIZER(IPL_HIGH);
static volatile uint32_t *lapic_regs;		/* NULL: x2APIC */

/* --- local APIC ----------------------------------------------------------------- */

uint32_t
lapic_read(u_int reg)
{
	if (lapic_regs == NULL)
		return (rdmsr(MSR_X2APIC + (reg >> 4)));
	return (lapic_regs[reg / 4]);
}

void
lapic_write(u_int reg, uint32_t v)
{
	if (lapic_regs == NULL)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		lapic_regs[reg / 4] = v;
}

void
lapic_init(void)
{
	uint64_t base = rdmsr(MSR_APICBASE);

	if (!(base & APICBASE_X2APIC)) {
		lapic_regs = md_map(base & 0x000ffffffffff000UL, PAGE_SIZE,
		    MD_MAP_DEVICE);
		if (lapic_regs == NULL)
			panic("lapic: cannot be mapped");
		wrmsr(MSR_APICBASE, base | APICBASE_ENABLE);
	}
	curcpu()->ci_apicid = lapic_regs == NULL ? lapic_read(LAPIC_ID) :
	    lapic_read(LAPIC_ID) >> 24;
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_LINT0, REDIR_MASKED);
	lapic_write(LAPIC_LVT_LINT1, REDIR_MASKED);
	lapic_write(LAPIC_LVT_ERROR, REDIR_MASKED);
	lapic_write(LAPIC_SVR, LAPIC_SVR_ENABLE | V_SPURIOUS);
	/* the two 8259 must be silent: all goes through the I/O APIC */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

/* --- I/O APICs -------------------------------------------------------------------- */

static uint32_t
ioapic_read(const struct ioapic *io, u_int reg)
{
	io->io_regs[IOAPIC_REGSEL / 4] = reg;
	return (io->io_regs[IOAPIC_WINDOW / 4]);
}

static void
ioapic_write(const struct ioapic *io, u_int reg, uint32_t v)
{
	io->io_regs[IOAPIC_REGSEL / 4] = reg;
	io->io_regs[IOAPIC_WINDOW / 4] = v;
}

void
ioapic_attach(paddr_t pa, u_int gsi)
{
	struct ioapic *io = &ioapics[nioapics];
	u_int i;

	if (nioapics == NIOAPIC ||
	    (io->io_regs = md_map(pa, 0x20, MD_MAP_DEVICE)) == NULL) {
		printf("ioapic at %#lx: not used\n", pa);
		return;
	}
	io->io_gsi = gsi;
	io->io_npins = (ioapic_read(io, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	if (io->io_npins > 240) {
		printf("ioapic at %#lx: nothing there\n", pa);
		return;
	}
	nioapics++;
	for (i = 0; i < io->io_npins; i++)
		ioapic_write(io, IOAPIC_REDIR + 2 * i, REDIR_MASKED);
}

static struct ioapic *
ioapic_of(u_int gsi)
{
	u_int i;

	for (i = 0; i < nioapics; i++) {
		if (gsi >= ioapics[i].io_gsi &&
		    gsi - ioapics[i].io_gsi < ioapics[i].io_npins)
			return (&ioapics[i]);
	}
	return (NULL);
}

static void
ioapic_route(u_int gsi, u_int vector, uint32_t flags)
{
	struct ioapic *io = ioapic_of(gsi);
	u_int reg = IOAPIC_REDIR + 2 * (gsi - io->io_gsi);

	ioapic_write(io, reg + 1, curcpu()->ci_apicid << 24);
	ioapic_write(io, reg, vector | flags);
}

/* --- vectors ------------------------------------------------------------------------ */

static u_int
vector_alloc(int gsi)
{
	u_int v;

	MUTEX_ASSERT_LOCKED(&intr_mtx);
	if (gsi >= 0) {
		for (v = V_DEVICE; v <= V_DEVICE_END; v++) {
			if (intrvecs[v].iv_used && intrvecs[v].iv_gsi == gsi)
				return (v);
		}
	}
	for (v = V_DEVICE; v <= V_DEVICE_END; v++) {
		if (!intrvecs[v].iv_used) {
			intrvecs[v].iv_used = true;
			intrvecs[v].iv_gsi = gsi;
			return (v);
		}
	}
	return (0);
}

static const struct intr_ops	gsi_ops, msi_ops;

static struct intrhand *
intrhand_new(const struct intr_ops *ops, intr_fn fn, void *arg,
    const char *name)
{
	struct intrhand *ih;

	if ((ih = kmem_zalloc(sizeof(*ih), KM_NOSLEEP)) == NULL)
		return (NULL);
	ih->ih_ie.ie_ops = ops;
	ih->ih_fn = fn;
	ih->ih_arg = arg;
	strlcpy(ih->ih_name, name, sizeof(ih->ih_name));
	return (ih);
}

static void
intrhand_barrier(void *cookie)
{
	struct intrhand *ih = cookie;

	while (__atomic_load_n(&intrvecs[ih->ih_vector].iv_running,
	    __ATOMIC_ACQUIRE) != 0)
		CPU_BUSY_CYCLE();
}

/* --- lines: cookie 0 is the GSI, 1 the flags of the redirection entry ------ */

void
intr_gsi_handle(struct intr_handle *ih, u_int gsi, bool level, bool low)
{
	ih->ih_ops = &gsi_ops;
	ih->ih_cookie[0] = gsi;
	ih->ih_cookie[1] = (level ? REDIR_LEVEL : 0) | (low ? REDIR_LOW : 0);
}

static void *
gsi_establish(const struct intr_handle *h, enum ipl ipl __unused,
    struct cpu_info *ci __unused, intr_fn fn, void *arg, const char *name)
{
	struct intrhand *ih;
	u_int gsi = h->ih_cookie[0], v;

	if (ioapic_of(gsi) == NULL ||
	    (ih = intrhand_new(&gsi_ops, fn, arg, name)) == NULL)
		return (NULL);
	mtx_enter(&intr_mtx);
	if ((v = vector_alloc(gsi)) != 0) {
		ih->ih_vector = v;
		LIST_INSERT_HEAD(&intrvecs[v].iv_hands, ih, ih_link);
		ioapic_route(gsi, v, h->ih_cookie[1]);
	}
	mtx_leave(&intr_mtx);
	if (v == 0) {
		kmem_free(ih, sizeof(*ih));
		return (NULL);
	}
	return (ih);
}

static void
gsi_disestablish(void *cookie)
{
	struct intrhand *ih = cookie;
	struct intrvec *iv = &intrvecs[ih->ih_vector];

	mtx_enter(&intr_mtx);
	LIST_REMOVE(ih, ih_link);
	if (LIST_EMPTY(&iv->iv_hands)) {
		ioapic_route(iv->iv_gsi, 0, REDIR_MASKED);
		iv->iv_used = false;
	}
	mtx_leave(&intr_mtx);
	intrhand_barrier(ih);
	kmem_free(ih, sizeof(*ih));
}

static const struct intr_ops gsi_ops = {
	.io_establish = gsi_establish,
	.io_disestablish = gsi_disestablish,
	.io_barrier = intrhand_barrier,
};

/* --- messages: cookie 0 is the vector ------------------------------------------ */

int
md_msi_alloc(struct cpu_info *ci, struct intr_handle *h, uint64_t *addr,
    uint32_t *data)
{
	u_int v;

	if (ci == NULL)
		ci = curcpu();
	mtx_enter(&intr_mtx);
	v = vector_alloc(-1);
	mtx_leave(&intr_mtx);
	if (v == 0)
		return (ENOSPC);
	h->ih_ops = &msi_ops;
	h->ih_cookie[0] = v;
	*addr = MSI_ADDR | ci->ci_apicid << 12;
	*data = v;
	return (0);
}

void
md_msi_free(struct intr_handle *h)
{
	struct intrvec *iv = &intrvecs[h->ih_cookie[0]];

	mtx_enter(&intr_mtx);
	KASSERT(iv->iv_used && LIST_EMPTY(&iv->iv_hands));
	iv->iv_used = false;
	mtx_leave(&intr_mtx);
}

static void *
msi_establish(const struct intr_handle *h, enum ipl ipl __unused,
    struct cpu_info *ci __unused, intr_fn fn, void *arg, const char *name)
{
	struct intrhand *ih;

	if ((ih = intrhand_new(&msi_ops, fn, arg, name)) == NULL)
		return (NULL);
	ih->ih_vector = h->ih_cookie[0];
	mtx_enter(&intr_mtx);
	LIST_INSERT_HEAD(&intrvecs[ih->ih_vector].iv_hands, ih, ih_link);
	mtx_leave(&intr_mtx);
	return (ih);
}

static void
msi_disestablish(void *cookie)
{
	struct intrhand *ih = cookie;

	mtx_enter(&intr_mtx);
	LIST_REMOVE(ih, ih_link);
	mtx_leave(&intr_mtx);
	intrhand_barrier(ih);
	kmem_free(ih, sizeof(*ih));
}

static const struct intr_ops msi_ops = {
	.io_establish = msi_establish,
	.io_disestablish = msi_disestablish,
	.io_barrier = intrhand_barrier,
};

/* --- dispatch and levels ----------------------------------------------------------- */

static void
intr_hands(u_int vector)
{
	struct intrvec *iv = &intrvecs[vector];
	struct intrhand *ih, *next;
	bool ours = false;

	__atomic_add_fetch(&iv->iv_running, 1, __ATOMIC_ACQUIRE);
	LIST_FOREACH_SAFE(ih, &iv->iv_hands, ih_link, next) {
		if (ih->ih_fn(ih->ih_arg) != 0) {
			ih->ih_count++;
			ours = true;
		}
	}
	__atomic_sub_fetch(&iv->iv_running, 1, __ATOMIC_RELEASE);
	/*
	 * A line that is high and that nobody claims would interrupt for
	 * ever.  A few are normal: a device may lower its line late.
	 */
	if (ours)
		iv->iv_stray = 0;
	else if (iv->iv_gsi >= 0 && ++iv->iv_stray == 10000) {
		printf("interrupt line %d: nobody claims it, turned off\n",
		    iv->iv_gsi);
		ioapic_route(iv->iv_gsi, vector, REDIR_MASKED);
	}
}

void
intr_dispatch(u_int vector)
{
	struct cpu_info *ci = curcpu();
	u_int ipl = ci->ci_ipl;

	if (vector == V_SPURIOUS)
		return;
	ci->ci_ipl = IPL_HIGH;
	ci->ci_intrdepth++;
	if (vector == V_TIMER)
		clock_intr();
	else
		intr_hands(vector);
	lapic_write(LAPIC_EOI, 0);
	ci->ci_intrdepth--;
	if (ipl < IPL_SOFT)
		splx(ipl);
	else
		ci->ci_ipl = ipl;
	intr_off();
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

	while (ipl == IPL_NONE && ci->ci_softpending != 0) {
		ci->ci_ipl = IPL_SOFT;
		intr_on();
		softintr_run();
		intr_off();
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

void
md_idle(void)
{
	/* STI takes effect after HLT has begun: no interrupt is slept through */
	__asm volatile("sti; hlt; cli" ::: "memory");
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupts: the local APIC, I/O APICs, and messages (MSI, MSI-X).
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/mutex.h>
#include <sys/systm.h>

#include <arch/common/common.h>
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
	struct intrsrc		*io_src;	/* of each pin */
};
#define NIOAPIC		8

static const struct intrsrc_ops gsi_ops;
static struct ioapic	 ioapics[NIOAPIC];
static u_int		 nioapics;
/* who has a vector; messages have one each, lines while somebody listens */
static struct intrsrc	*vectors[256];
static struct intrsrc	 messages[256];
static struct mutex	 vector_mtx = MUTEX_INITIALIZER(IPL_HIGH);
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
	io->io_src = kmem_zalloc(io->io_npins * sizeof(*io->io_src),
	    KM_NOSLEEP);
	if (io->io_src == NULL)
		panic("ioapic: no memory");
	nioapics++;
	for (i = 0; i < io->io_npins; i++) {
		ioapic_write(io, IOAPIC_REDIR + 2 * i, REDIR_MASKED);
		io->io_src[i] = (struct intrsrc){ .is_ops = &gsi_ops,
		    .is_number = gsi + i, .is_line = true };
	}
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

/* ENOSPC: all are taken. */
static int
vector_alloc(struct intrsrc *src, u_int *vp)
{
	u_int v;

	mtx_enter(&vector_mtx);
	for (v = V_DEVICE; v <= V_DEVICE_END && vectors[v] != NULL; v++)
		;
	if (v <= V_DEVICE_END)
		vectors[v] = src;
	mtx_leave(&vector_mtx);
	*vp = v;
	return (v <= V_DEVICE_END ? 0 : ENOSPC);
}

static void
vector_free(u_int v)
{
	mtx_enter(&vector_mtx);
	vectors[v] = NULL;
	mtx_leave(&vector_mtx);
}

/* --- lines: the number is the GSI, the cookie the vector -------------------------- */

static int
gsi_enable(struct intrsrc *src)
{
	u_int v;
	int error;

	if ((error = vector_alloc(src, &v)) != 0)
		return (error);
	src->is_cookie = (void *)(vaddr_t)v;
	ioapic_route(src->is_number, v, src->is_flags);
	return (0);
}

static void
gsi_disable(struct intrsrc *src)
{
	ioapic_route(src->is_number, 0, REDIR_MASKED);
	if (intrsrc_idle(src))
		vector_free((vaddr_t)src->is_cookie);
}

static const struct intrsrc_ops gsi_ops = {
	.iso_enable = gsi_enable,
	.iso_disable = gsi_disable,
};

static int
none_enable(struct intrsrc *src __unused)
{
	return (ENXIO);
}

static void
none_disable(struct intrsrc *src __unused)
{
}

/* a line that no I/O APIC has: nothing can be established there */
static const struct intrsrc_ops none_ops = {
	.iso_enable = none_enable,
	.iso_disable = none_disable,
};
static struct intrsrc	none = { .is_ops = &none_ops };

void
intr_gsi_handle(struct intr_handle *ih, u_int gsi, bool level, bool low)
{
	struct ioapic *io = ioapic_of(gsi);

	intrsrc_handle(ih, io == NULL ? &none : &io->io_src[gsi - io->io_gsi],
	    (level ? REDIR_LEVEL : 0) | (low ? REDIR_LOW : 0));
}

/* --- messages: the number is the vector ---------------------------------------- */

static int
msi_enable(struct intrsrc *src __unused)
{
	return (0);
}

static void
msi_disable(struct intrsrc *src __unused)
{
}

static void
msi_free(struct intrsrc *src)
{
	vector_free(src->is_number);
}

static const struct intrsrc_ops msi_ops = {
	.iso_enable = msi_enable,
	.iso_disable = msi_disable,
	.iso_free = msi_free,
};

int
md_msi_alloc(uint32_t requester __unused, struct cpu_info *ci,
    struct intr_handle *h, uint64_t *addr, uint32_t *data)
{
	struct intrsrc src = { .is_ops = &msi_ops };
	u_int v;
	int error;

	if (ci == NULL)
		ci = curcpu();
	if ((error = vector_alloc(&none, &v)) != 0)
		return (error);
	src.is_number = v;
	messages[v] = src;
	vectors[v] = &messages[v];
	intrsrc_handle(h, &messages[v], 0);
	*addr = MSI_ADDR | ci->ci_apicid << 12;
	*data = v;
	return (0);
}

/* --- dispatch ---------------------------------------------------------------------- */

void
intr_dispatch(u_int vector)
{
	u_int ipl;

	if (vector == V_SPURIOUS)
		return;
	ipl = intr_enter();
	if (vector == V_TIMER)
		clock_alarm();
	else if (vectors[vector] != NULL)
		intrsrc_run(vectors[vector]);
	lapic_write(LAPIC_EOI, 0);
	intr_leave(ipl);
}

void
md_idle(void)
{
	/* STI takes effect after HLT has begun: no interrupt is slept through */
	__asm volatile("sti; hlt; cli" ::: "memory");
}

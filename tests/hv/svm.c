/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * The guest on AMD's SVM: what it is kept from doing by itself, and what is
 * done instead.  Devices and interrupts are its own.
 *
 * QEMU's TCG, on which this runs, has its ways: reads of CR0 and RDTSC cannot
 * be intercepted alone, an interrupt shadow is not restored, neither the
 * length of an instruction nor its bytes are told.
 */

#include "shim.h"
#include "svm.h"

#define ALIGNED		__attribute__((aligned(4096)))

static struct vmcb vmcb ALIGNED;
static uint8_t	save_area[4096] ALIGNED;
static uint8_t	iopm[3 * 4096] ALIGNED;
static uint8_t	msrpm[2 * 4096] ALIGNED;
static struct hv_regs regs;
static uint64_t exits;

#define X2APIC		0x400		/* in MSR_APIC_BASE */
#define MSR_X2APIC	0x800
#define X2APIC_SELF_IPI	0x3f
#define APIC_ICR	0x30
#define ICR_SELF	0x40000

#define SETTLED		200		/* looks at the pin, see check_pin() */

#define CF9_PORT	0xcf9
#define KBC_PORT	0x64

/* --- what the models see ------------------------------------------------ */

void
guest_paging(struct paging *g)
{
	g->cr0 = vmcb.cr0;
	g->cr3 = vmcb.cr3;
	g->cr4 = vmcb.cr4;
	g->efer = vmcb.efer;
	g->user = vmcb.cpl == 3;
}

static void
inject(unsigned int vector, bool has_error, uint32_t error)
{
	vmcb.event = EVENT_VALID | EVENT_EXCEPTION | vector |
	    (has_error ? EVENT_ERROR : 0) | (uint64_t)error << 32;
}

void
guest_page_fault(uint64_t address, uint32_t code)
{
	vmcb.cr2 = address;
	inject(VECTOR_PF, true, code);
}

bool
hv_user(void)
{
	return (vmcb.cpl != 0);
}

static volatile uint32_t *
xapic(unsigned int reg)
{
	return ((volatile uint32_t *)((rdmsr(MSR_APIC_BASE) & ~0xfffULL) +
	    16 * reg));
}

uint64_t
hv_apic_read(unsigned int reg)
{
	if (rdmsr(MSR_APIC_BASE) & X2APIC)
		return (rdmsr(MSR_X2APIC + reg));
	if (reg == APIC_ICR)
		return (*xapic(reg) | (uint64_t)*xapic(reg + 1) << 32);
	return (*xapic(reg));
}

void
hv_apic_write(unsigned int reg, uint64_t value)
{
	if (rdmsr(MSR_APIC_BASE) & X2APIC)
		wrmsr(MSR_X2APIC + reg, value);
	else {
		if (reg == APIC_ICR)
			*xapic(reg + 1) = value >> 32;
		*xapic(reg) = value;
	}
}

/*
 * Through the guest's own APIC, which it tells when it is done.  Where the
 * end of the interrupt comes by itself the APIC may not know of it.
 */
void
hv_interrupt(unsigned int vector, bool auto_eoi)
{
	if (auto_eoi)
		vmcb.virtual_intr = V_IRQ | V_PRIORITY | V_IGNORE_TPR |
		    (uint64_t)vector << V_VECTOR;
	else if (rdmsr(MSR_APIC_BASE) & X2APIC)
		wrmsr(MSR_X2APIC + X2APIC_SELF_IPI, vector);
	else
		*xapic(APIC_ICR) = ICR_SELF | vector;
}

void
hv_reset(void)
{
	outb(CF9_PORT, 0x02);
	outb(CF9_PORT, 0x06);
	outb(KBC_PORT, 0xfe);
	for (;;)
		__asm volatile("cli; hlt");
}

uint64_t
hv_linear(uint64_t offset, bool es)
{
	if ((vmcb.efer & EFER_LMA) && (vmcb.cs.attributes & 0x200))
		return (offset);
	return ((uint32_t)(offset + (es ? vmcb.es.base : vmcb.ds.base)));
}

bool
hv_down(void)
{
	return ((vmcb.rflags & RFLAGS_DF) != 0);
}

/* --- instructions ------------------------------------------------------- */

static void
skip(unsigned int len)
{
	vmcb.rip += len;
	vmcb.shadow = 0;
}

/* The bytes at the instruction pointer; how many could be read. */
static size_t
fetch(uint8_t *code, size_t len)
{
	uint64_t la = vmcb.rip, event = vmcb.event, cr2 = vmcb.cr2;
	size_t n;

	if ((vmcb.efer & EFER_LMA) == 0 || (vmcb.cs.attributes & 0x200) == 0)
		la = (uint32_t)(la + vmcb.cs.base);
	for (n = 0; n < len && hv_copyin(code + n, la + n, 1); n++)
		;
	vmcb.event = event;
	vmcb.cr2 = cr2;
	return (n);
}

static void
finish(enum hv_result result, unsigned int len)
{
	switch (result) {
	case HV_DONE:
		skip(len);
		break;
	case HV_FAULT:
		break;
	case HV_UNDEFINED:
		inject(VECTOR_UD, false, 0);
		break;
	}
}

static void
do_cpuid(void)
{
	uint32_t number = regs.ax, sub = regs.cx;
	struct hv_leaf r;

	if (!hv_cpuid(number, &r))
		cpuid(number, sub, &r);
	switch (number) {
	case 1:
		r.cx &= ~(1U << 31 | 1U << 27 | 1U << 3);
		if (hv_present())
			r.cx |= 1U << 31;
		if (vmcb.cr4 & CR4_OSXSAVE)
			r.cx |= 1U << 27;
		break;
	case 7:
		if (sub == 0) {
			r.cx &= ~(1U << 4);
			if (vmcb.cr4 & CR4_PKE)
				r.cx |= 1U << 4;
		}
		break;
	case 0x80000001:
		r.cx &= ~(1U << 2);	/* SVM */
		break;
	case 0x80000007:
		if (hyperv_invariant())
			r.dx |= 1U << 8;
		break;
	case 0x8000000a:
		memset(&r, 0, sizeof(r));
		break;
	}
	regs.ax = r.ax;
	regs.bx = r.bx;
	regs.cx = r.cx;
	regs.dx = r.dx;
	skip(2);
}

static bool
write_efer(uint64_t value)
{
	if (value & ~(uint64_t)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE |
	    EFER_FFXSR))
		return (false);
	if ((vmcb.cr0 & CR0_PG) && ((value ^ vmcb.efer) & EFER_LME))
		return (false);
	vmcb.efer = (value & ~(uint64_t)EFER_LMA) | (vmcb.efer & EFER_LMA) |
	    EFER_SVME;
	return (true);
}

static bool
write_pat(uint64_t value)
{
	unsigned int i, type;

	for (i = 0; i < 64; i += 8) {
		type = value >> i & 0xff;
		if (type > 7 || type == 2 || type == 3)
			return (false);
	}
	vmcb.pat = value;
	return (true);
}

static bool
read_msr(uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_EFER:
		*value = vmcb.efer & ~(uint64_t)EFER_SVME;
		return (true);
	case MSR_PAT:
		*value = vmcb.pat;
		return (true);
	}
	return ((hv_poses(HV_HYPERV) && hyperv_msr_read(msr, value)) ||
	    ((hv_poses(HV_KVM) || hv_poses(HV_OPENBSD)) &&
	    kvm_msr_read(msr, value)));
}

static bool
write_msr(uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_EFER:
		return (write_efer(value));
	case MSR_PAT:
		return (write_pat(value));
	}
	return ((hv_poses(HV_HYPERV) && hyperv_msr_write(msr, value)) ||
	    (hv_poses(HV_XEN) && xen_msr_write(msr, value)) ||
	    ((hv_poses(HV_KVM) || hv_poses(HV_OPENBSD)) &&
	    kvm_msr_write(msr, value)));
}

static void
do_msr(void)
{
	uint32_t msr = regs.cx;
	uint64_t value;
	bool done, write = vmcb.info1 & 1;

	if (write) {
		value = regs.dx << 32 | (uint32_t)regs.ax;
		done = write_msr(msr, value);
		if (done && msr_events && msr != MSR_EFER && msr != MSR_PAT)
			hv_event("msr 0x%x write 0x%llx", msr,
			    (unsigned long long)value);
	} else if ((done = read_msr(msr, &value))) {
		regs.ax = (uint32_t)value;
		regs.dx = value >> 32;
	}
	if (done) {
		skip(2);
		return;
	}
	if (write)
		hv_event("gp msr 0x%x write 0x%llx", msr,
		    (unsigned long long)value);
	else
		hv_event("gp msr 0x%x read", msr);
	inject(VECTOR_GP, true, 0);
}

static enum hv_result
hypercall(bool vmmcall)
{
	if (hv_poses(HV_VMWARE) && (uint32_t)regs.ax == VMWARE_MAGIC &&
	    vmware_hypercalls(vmmcall))
		return (vmware_hypercall(&regs));
	if (hv_poses(HV_HYPERV) && hyperv_enabled())
		return (vmcb.cpl != 0 ? HV_UNDEFINED :
		    hyperv_hypercall(&regs));
	if (hv_poses(HV_KVM)) {
		kvm_hypercall(&regs);
		return (HV_DONE);
	}
	if (hv_poses(HV_XEN)) {
		xen_hypercall(&regs);
		return (HV_DONE);
	}
	return (HV_UNDEFINED);
}

/* --- ports -------------------------------------------------------------- */

/* Where nothing is, all bits read as ones. */
static enum hv_result
no_port(uint32_t info)
{
	unsigned int size = info >> IO_SIZE & 7, i, n;
	uint64_t mask = size == 4 ? 0xffffffff : (1ULL << 8 * size) - 1;
	uint64_t count = info & IO_REP ? regs.cx : 1, step;
	uint8_t ones[4] = { 0xff, 0xff, 0xff, 0xff };

	if ((info & IO_STRING) == 0) {
		if (info & IO_IN)
			regs.ax = size == 4 ? mask : regs.ax | mask;
		return (HV_DONE);
	}
	n = count > 4096 ? 4096 : count;
	step = hv_down() ? -(uint64_t)size : size;
	for (i = 0; i < n; i++) {
		if ((info & IO_IN) &&
		    !hv_copyout(hv_linear(regs.di, true), ones, size))
			return (HV_FAULT);
		if (info & IO_IN)
			regs.di += step;
		else
			regs.si += step;
		if (info & IO_REP)
			regs.cx--;
	}
	return (HV_DONE);
}

static enum hv_result
port(uint32_t info)
{
	unsigned int number = info >> IO_PORT;

	if (!hv_poses(HV_VMWARE) || (uint32_t)regs.ax != VMWARE_MAGIC)
		return (no_port(info));
	if (number == VMWARE_PORT && (info & IO_STRING) == 0 &&
	    (info >> IO_SIZE & 7) == 4) {
		vmware_call(&regs);
		return (HV_DONE);
	}
	if (number == VMWARE_PORT_HB && (info & IO_STRING) &&
	    (info >> IO_SIZE & 7) == 1)
		return (vmware_bulk(&regs, (info & IO_IN) == 0));
	return (no_port(info));
}

static void
do_port(void)
{
	uint64_t next = vmcb.info2;

	finish(port(vmcb.info1), next - vmcb.rip);
}

/*
 * The backdoor is open to programs, whatever the rights on ports say: VMware
 * has a look at each #GP, and so does this.
 */
static bool
user_port(void)
{
	unsigned int i, n, size = 4;
	uint32_t info = 0;
	uint8_t code[4];

	if (!hv_poses(HV_VMWARE) || vmcb.info1 != 0 ||
	    (uint32_t)regs.ax != VMWARE_MAGIC ||
	    ((uint16_t)regs.dx != VMWARE_PORT &&
	    (uint16_t)regs.dx != VMWARE_PORT_HB))
		return (false);
	n = fetch(code, sizeof(code));
	for (i = 0; i < n; i++) {
		if (code[i] == 0xf3)
			info |= IO_REP;
		else if (code[i] == 0x66)
			size = 2;
		else if (code[i] >> 4 != 4)	/* REX */
			break;
	}
	if (i == n)
		return (false);
	switch (code[i]) {
	case 0x6c:
	case 0x6d:
		info |= IO_IN | IO_STRING;
		break;
	case 0x6e:
	case 0x6f:
		info |= IO_STRING;
		break;
	case 0xec:
	case 0xed:
		info |= IO_IN;
		break;
	case 0xee:
	case 0xef:
		break;
	default:
		return (false);
	}
	if ((code[i] & 1) == 0)
		size = 1;
	info |= size << IO_SIZE | (uint32_t)(uint16_t)regs.dx << IO_PORT;
	finish(port(info), i + 1);
	return (true);
}

/* --- exceptions, interrupts --------------------------------------------- */

/* An exception that was on its way when this came: the two are one. */
static void
do_exception(unsigned int vector)
{
	uint64_t event = vmcb.exit_event;
	unsigned int was = event & 0xff;
	uint8_t code[3];

	if (vector == VECTOR_UD && fetch(code, 3) == 3 && code[0] == 0x0f &&
	    code[1] == 0x01 && code[2] == 0xc1) {	/* vmcall */
		finish(hypercall(false), 3);
		return;
	}
	if (vector == VECTOR_GP && user_port())
		return;
	if (vector == VECTOR_GP && (event & EVENT_VALID) &&
	    (event & EVENT_TYPE) == EVENT_EXCEPTION && (was == 0 ||
	    (was >= 10 && was <= VECTOR_PF)))
		inject(VECTOR_DF, true, 0);
	else
		inject(vector, vector == VECTOR_GP, vmcb.info1);
}

/*
 * Whether the guest has left the test's port its interrupt: looked at when it
 * is idle.  From its start on until it has set up its I/O APIC and for some
 * time after that, it is looked at with each interrupt too.
 */
static void
check_pin(void)
{
	static unsigned int since;		/* it was found wrong */

	if (!ioapic_check()) {
		since = 1;
		vmcb.intercept1 |= I1_INTR;
	} else if (since != 0 && ++since > SETTLED)
		vmcb.intercept1 &= ~I1_INTR;
}

static void
hand_over(int vector)
{
	if (vector >= 32)
		vmcb.event = EVENT_VALID | EVENT_INTERRUPT | vector;
}

/*
 * The guest waits for an interrupt: so does the shim, which then hands over
 * what came.  It stays idle with all that comes from the test.
 */
static void
do_halt(void)
{
	bool enabled = vmcb.rflags & RFLAGS_IF;

	skip(1);
	do {
		check_pin();
		control_poll();
		if (enabled && (vmcb.virtual_intr & V_IRQ))
			return;
		hand_over(wait_interrupt(enabled));
	} while ((vmcb.event & EVENT_VALID) == 0);
}

static void
do_nmi(void)
{
	uint8_t code;

	take_nmi();
	/* sti and hlt belong together */
	if (vmcb.shadow && fetch(&code, 1) == 1 && code == 0xf4)
		do_halt();
}

static void
leave(const char *why)
{
	say("%s at 0x%llx, cr2 0x%llx", why, (unsigned long long)vmcb.rip,
	    (unsigned long long)vmcb.cr2);
	hv_reset();
}

static void
handle(void)
{
	switch (vmcb.exit) {
	case EXIT_CPUID:
		do_cpuid();
		break;
	case EXIT_MSR:
		do_msr();
		break;
	case EXIT_IOIO:
		do_port();
		break;
	case EXIT_HLT:
		do_halt();
		break;
	case EXIT_NMI:
		do_nmi();
		break;
	case EXIT_INTR:
		check_pin();
		hand_over(take_interrupt());
		break;
	case EXIT_VMMCALL:
		finish(hypercall(true), 3);
		break;
	case EXIT_EXCEPTION + VECTOR_UD:
	case EXIT_EXCEPTION + VECTOR_GP:
		do_exception(vmcb.exit - EXIT_EXCEPTION);
		break;
	case EXIT_NPF:
		if (!nested_fault(vmcb.info2))
			die("the guest at 0x%llx touched 0x%llx, which is the "
			    "shim's", (unsigned long long)vmcb.rip,
			    (unsigned long long)vmcb.info2);
		break;
	case EXIT_SHUTDOWN:
		leave("triple fault");
		break;
	case EXIT_INIT:
		leave("INIT");
		break;
	case EXIT_INVLPGA:
	case EXIT_VMRUN:
	case EXIT_VMMCALL + 1 ... EXIT_SKINIT:
		inject(VECTOR_UD, false, 0);
		break;
	default:
		die("exit 0x%llx at 0x%llx, 0x%llx 0x%llx, after %llu",
		    (unsigned long long)vmcb.exit,
		    (unsigned long long)vmcb.rip,
		    (unsigned long long)vmcb.info1,
		    (unsigned long long)vmcb.info2, (unsigned long long)exits);
	}
}

void
svm_run(void)
{
	ioapic_check();
	for (;;) {
		vmcb.rax = regs.ax;
		enter_guest(pa(&vmcb), &regs);
		regs.ax = vmcb.rax;
		exits++;
		/* what was on its way to the guest is so again */
		vmcb.event = vmcb.exit_event & EVENT_VALID ? vmcb.exit_event :
		    0;
		handle();
		control_poll();
	}
}

/* --- the start ---------------------------------------------------------- */

static void
set_segment(struct segment *s, uint16_t selector, uint16_t attributes,
    uint32_t limit)
{
	s->selector = selector;
	s->attributes = attributes;
	s->limit = limit;
	s->base = 0;
}

static void
intercept_port(unsigned int first, unsigned int n)
{
	for (; n > 0; first++, n--)
		iopm[first / 8] |= 1 << first % 8;
}

static void
intercept_msr(uint32_t msr)
{
	unsigned int bit = 2 * (msr & 0x1fff);

	bit += msr >> 16 == 0xc000 ? 0x4000 : msr >> 16 == 0xc001 ? 0x8000 : 0;
	msrpm[bit / 8] |= 3 << bit % 8;
}

static void
set_intercepts(void)
{
	vmcb.intercept1 = I1_INIT | I1_CPUID | I1_HLT | I1_INVLPGA | I1_IOIO |
	    I1_MSR | I1_SHUTDOWN;
	if (control_there())
		vmcb.intercept1 |= I1_INTR | I1_NMI;
	vmcb.intercept2 = I2_SVM;
	if (hv_poses(HV_VMWARE)) {
		vmcb.exceptions |= 1U << VECTOR_GP;
		intercept_port(VMWARE_PORT, 1);
		intercept_port(VMWARE_PORT_HB, 1);
	}
	if (hv_present())
		vmcb.exceptions |= 1U << VECTOR_UD;
	intercept_port(CONTROL_PORT, 8);
	intercept_msr(MSR_KVM_WALL);
	intercept_msr(MSR_KVM_SYSTEM);
	intercept_msr(MSR_PAT);
	intercept_msr(MSR_EFER);
	intercept_msr(MSR_VM_CR);
	intercept_msr(MSR_VM_HSAVE);
}

/* A guest at its PVH entry: 32 bits, no paging, flat segments. */
void
svm_init(void)
{
	wrmsr(MSR_VM_HSAVE, pa(save_area));
	set_intercepts();
	vmcb.iopm = pa(iopm);
	vmcb.msrpm = pa(msrpm);
	vmcb.asid = 1;
	vmcb.nested_control = 1;
	vmcb.nested_cr3 = nested_root();
	set_segment(&vmcb.cs, 0x08, 0xc9b, 0xffffffff);
	set_segment(&vmcb.ds, 0x10, 0xc93, 0xffffffff);
	vmcb.es = vmcb.fs = vmcb.gs = vmcb.ss = vmcb.ds;
	set_segment(&vmcb.ldtr, 0, 0x82, 0xffff);
	set_segment(&vmcb.tr, 0, 0x8b, 0x67);
	vmcb.efer = EFER_SVME;
	vmcb.cr0 = CR0_PE | CR0_ET;
	vmcb.dr7 = 0x400;
	vmcb.dr6 = 0xffff0ff0;
	vmcb.rflags = 0x2;
	vmcb.rip = boot.entry;
	vmcb.pat = 0x0007040600070406;
	regs.bx = boot.start_info;
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * From the loader's hands to main(), and the end of it all.
 */

#include <sys/cmdline.h>
#include <sys/errno.h>
#include <sys/init.h>
#include <sys/kmem.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <arch/common/common.h>
#include <dev/acpi/acpivar.h>
#include <machine/apic.h>
#include <machine/bootinfo.h>
#include <machine/cpu.h>
#include <machine/machdep.h>
#include <vm/vm_page.h>

#define EARLY_COM	0x3f8
#define COM_LSR		5
#define LSR_THRE	0x20
#define DEBUG_EXIT	0xf4	/* QEMU's isa-debug-exit */
#define LOW_MEMORY	0x100000

extern char	root_image[], root_image_end[];

static struct bootinfo	bootinfo;
static bool		early_com;

void	amd64_init(int, uint32_t, int64_t) __noreturn;

/* --- console before the devices --------------------------------------------------- */

static void
early_com_init(void)
{
	/* a scratch register that remembers */
	outb(EARLY_COM + 7, 0x5a);
	early_com = inb(EARLY_COM + 7) == 0x5a;
	if (!early_com)
		return;
	outb(EARLY_COM + 3, 0x80);	/* 115200 8N1, FIFO on */
	outb(EARLY_COM, 1);
	outb(EARLY_COM + 1, 0);
	outb(EARLY_COM + 3, 0x03);
	outb(EARLY_COM + 2, 0x01);
}

void
md_cnputc(int c)
{
	u_int i;

	if (!early_com)
		return;
	if (c == '\n')
		md_cnputc('\r');
	for (i = 0; i < 100000; i++) {
		if (inb(EARLY_COM + COM_LSR) & LSR_THRE)
			break;
	}
	outb(EARLY_COM, c);
}

bool
md_cnearly(void)
{
	return (early_com);
}

/* --- memory ------------------------------------------------------------------------------ */

#define BOOT_MAPPED	(1ULL << 32)	/* by the boot tables */

static const void *
boot_map(paddr_t pa, size_t size)
{
	if (pa == 0 || pa >= BOOT_MAPPED || size > BOOT_MAPPED - pa)
		return (NULL);
	return (vm_direct(pa));
}

static void
ram_init(int64_t delta)
{
	static struct memlist ram, avail;
	struct bootinfo *bi = &bootinfo;

	ram = avail = bi->bi_memory;
	(void)memlist_remove(&avail, 0, LOW_MEMORY);
	if (bi->bi_initrd_end != 0) {
		(void)memlist_remove(&avail, trunc_page(bi->bi_initrd),
		    round_page(bi->bi_initrd_end));
		(void)memlist_add(&ram, trunc_page(bi->bi_initrd),
		    round_page(bi->bi_initrd_end));
	}
	memory_init(&ram, &avail, delta, 0, BOOT_MAPPED);
}

/* --- end ------------------------------------------------------------------------------------ */

static void
gas_write(const struct acpi_gas *ga, uint8_t v)
{
	volatile uint8_t *p;

	if (ga->ga_space == GAS_IO)
		outb(ga->ga_addr, v);
	else if (ga->ga_space == GAS_MEMORY &&
	    (p = md_map(ga->ga_addr, 1, MD_MAP_DEVICE)) != NULL)
		*p = v;
}

/* ACPI 16.1.7 and 4.8.3.2: sleep type and enable in one write. */
static void
acpi_poweroff(void)
{
	const struct acpi_fadt *fa = &acpi_sc.sc_fadt;
	uint8_t a, b;
	u_int i;

	if (!acpi_sc.sc_hasfadt ||
	    acpi_sleep_type(acpi_sc.sc_dsdt, &a, &b) != 0)
		return;
	if (fa->fa_flags & FADT_HW_REDUCED) {
		gas_write(&fa->fa_sleep_control, (a & 7) << 2 | 0x20);
		return;
	}
	if (fa->fa_smi_cmd != 0 && fa->fa_acpi_enable != 0 &&
	    !(inw(fa->fa_pm1a_cnt) & 1)) {
		outb(fa->fa_smi_cmd, fa->fa_acpi_enable);
		for (i = 0; i < 1000 && !(inw(fa->fa_pm1a_cnt) & 1); i++)
			delay(1000);
	}
	outw(fa->fa_pm1a_cnt, (a & 7) << 10 | 0x2000);
	if (fa->fa_pm1b_cnt != 0)
		outw(fa->fa_pm1b_cnt, (b & 7) << 10 | 0x2000);
}

static void
machine_reset(void)
{
	const struct acpi_fadt *fa = &acpi_sc.sc_fadt;
	static const uint16_t empty_idt[5];

	if (acpi_sc.sc_hasfadt && (fa->fa_flags & FADT_RESET_REG))
		gas_write(&fa->fa_reset_reg, fa->fa_reset_value);
	delay(10000);
	outb(0x64, 0xfe);		/* keyboard controller */
	delay(10000);
	outb(0xcf9, 0x06);		/* chipset */
	delay(10000);
	/* a triple fault is what is left */
	__asm volatile("lidt %0; int3" :: "m" (empty_idt));
}

void
md_halt(int status)
{
	intr_off();
	if (status == MD_REBOOT)
		machine_reset();
	else if (status != MD_HALT) {
		outb(DEBUG_EXIT, status);
		acpi_poweroff();
	}
	for (;;)
		__asm volatile("cli; hlt");
}

/* --- boot ------------------------------------------------------------------------------------- */

size_t
md_entropy(void *buf, size_t size)
{
	const bool rdrand = (cpu_feature_ecx & 1U << 30) != 0;
	uint64_t v;
	size_t done = 0;
	u_int tries;
	bool ok;

	while (rdrand && size - done >= sizeof(v)) {
		for (ok = false, tries = 0; !ok && tries < 10; tries++)
			__asm volatile("rdrand %0; setc %1" : "=r" (v),
			    "=qm" (ok) :: "cc");
		if (!ok)
			break;
		memcpy((char *)buf + done, &v, sizeof(v));
		done += sizeof(v);
	}
	return (done);
}

const void *
md_root_image(size_t *size)
{
	if (bootinfo.bi_initrd_end != 0) {
		*size = bootinfo.bi_initrd_end - bootinfo.bi_initrd;
		return (vm_direct(bootinfo.bi_initrd));
	}
	*size = root_image_end - root_image;
	return (root_image);
}

const char *
machdep_loader(void)
{
	return (bootinfo.bi_loader);
}

const struct bootinfo *
machdep_bootinfo(void)
{
	return (&bootinfo);
}

u_int
md_ncpus(void)
{
	return (1);
}

void
amd64_init(int kind, uint32_t info, int64_t delta)
{
	int error;

	clock_early_init();
	cpu_early_init(&cpu_boot);
	early_com_init();
	error = kind == BOOT_PVH ? bootinfo_pvh(&bootinfo, info, boot_map) :
	    bootinfo_multiboot2(&bootinfo, info, boot_map);
	cmdline_init(bootinfo.bi_cmdline, sizeof(bootinfo.bi_cmdline));
	if (error != 0 || bootinfo.bi_memory.ml_n == 0)
		panic("the loader's information is torn");
	ram_init(delta);
	(void)acpi_init(bootinfo.bi_hasrsdp ? bootinfo.bi_rsdp : NULL,
	    bootinfo.bi_rsdp_pa);
	lapic_init();
	madt_init();
	clock_init();
	main();
}

/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Calls of the firmware: RISC-V Supervisor Binary Interface 2.0.
 */

#include <sys/systm.h>

#include <machine/machdep.h>

#define SBI_SET_TIMER	0x00		/* legacy: chapter 5 */
#define SBI_PUTCHAR	0x01
#define SBI_SHUTDOWN	0x08
#define SBI_BASE	0x10		/* chapter 4 */
#define BASE_SPEC	0
#define BASE_IMPL	1
#define BASE_IMPL_VERSION 2
#define BASE_PROBE	3
#define SBI_TIME	0x54494d45	/* chapter 6 */
#define SBI_SRST	0x53525354	/* chapter 10 */
#define SRST_OFF	0
#define SRST_COLD	1
#define SBI_DBCN	0x4442434e	/* chapter 12 */
#define DBCN_WRITE_BYTE	2

static const char *const sbi_names[] = {
	"BBL", "OpenSBI", "Xvisor", "KVM", "RustSBI", "Diosix", "Coffer",
	"Xen", "PolarFire HSS", "coreboot", "oreboot", "bhyve",
};
#define SBI_OPENSBI	1

static uint32_t	spec, impl = SBI_NONE;
static u_long	impl_version;
static bool	has_time, has_srst, has_dbcn;

/* false: an error */
static bool
call(u_long ext, u_long fn, u_long arg0, u_long arg1, u_long *value)
{
	register u_long a0 __asm("a0") = arg0;
	register u_long a1 __asm("a1") = arg1;
	register u_long a2 __asm("a2") = 0;
	register u_long a6 __asm("a6") = fn;
	register u_long a7 __asm("a7") = ext;

	__asm volatile("ecall" : "+r" (a0), "+r" (a1) : "r" (a2), "r" (a6),
	    "r" (a7) : "memory");
	if (value != NULL)
		*value = a1;
	return ((long)a0 == 0);
}

static bool
probe(u_long ext)
{
	u_long v;

	return (call(SBI_BASE, BASE_PROBE, ext, 0, &v) && v != 0);
}

/* What answers to none of these is of version 0.1. */
void
sbi_init(void)
{
	u_long v;

	if (!call(SBI_BASE, BASE_SPEC, 0, 0, &v))
		return;
	spec = v;
	if (call(SBI_BASE, BASE_IMPL, 0, 0, &v))
		impl = v;
	if (call(SBI_BASE, BASE_IMPL_VERSION, 0, 0, &v))
		impl_version = v;
	has_time = probe(SBI_TIME);
	has_srst = probe(SBI_SRST);
	has_dbcn = probe(SBI_DBCN);
}

uint32_t
sbi_implementation(void)
{
	return (impl);
}

void
sbi_ident(char *buf, size_t size)
{
	if (impl == SBI_NONE)
		snprintf(buf, size, "SBI 0.1");
	else if (impl == SBI_OPENSBI)
		snprintf(buf, size, "OpenSBI %lu.%lu", impl_version >> 16,
		    impl_version & 0xffff);
	else if (impl < nitems(sbi_names))
		snprintf(buf, size, "%s, SBI %u.%u", sbi_names[impl],
		    spec >> 24 & 0x7f, spec & 0xffffff);
	else
		snprintf(buf, size, "SBI %u.%u", spec >> 24 & 0x7f,
		    spec & 0xffffff);
}

void
sbi_timer_set(uint64_t when)
{
	(void)call(has_time ? SBI_TIME : SBI_SET_TIMER, 0, when, 0, NULL);
}

void
sbi_putc(int c)
{
	if (has_dbcn)
		(void)call(SBI_DBCN, DBCN_WRITE_BYTE, (u_char)c, 0, NULL);
	else
		(void)call(SBI_PUTCHAR, 0, (u_char)c, 0, NULL);
}

void
sbi_off(void)
{
	if (has_srst)
		(void)call(SBI_SRST, 0, SRST_OFF, 0, NULL);
	else
		(void)call(SBI_SHUTDOWN, 0, 0, 0, NULL);
}

void
sbi_reset(void)
{
	if (has_srst)
		(void)call(SBI_SRST, 0, SRST_COLD, 0, NULL);
}

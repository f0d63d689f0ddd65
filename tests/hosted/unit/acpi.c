/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "test.h"

#include <sys/errno.h>

#include <dev/acpi/acpivar.h>
#include "unit/mutate.h"

/*
 * Physical memory from 0x10000 on.  A mapping is a copy that ends where it
 * was asked to end, so that no access beyond goes unnoticed.
 */
#define BASE	0x10000
static uint8_t	memory[4096];
static u_char	rsdp[36];

#define NMAP	200
static struct { void *p; size_t n; } maps[NMAP];
static u_int	nmaps;

static void *
map(uint64_t pa, size_t n)
{
	void *p;

	if (pa < BASE || pa - BASE > sizeof(memory) ||
	    n > sizeof(memory) - (pa - BASE) || nmaps == NMAP)
		return (NULL);
	p = mutate_cut(memory + (pa - BASE), n);
	maps[nmaps].p = p;
	maps[nmaps++].n = n;
	return (p);
}

static void
unmap(void *p, size_t n)
{
	u_int i;

	for (i = 0; i < nmaps && maps[i].p != p; i++)
		;
	if (i == nmaps || maps[i].n != n)
		host_fail("not mapped so");
	host_free(p);
	maps[i] = maps[--nmaps];
}

static void
forget(void)
{
	while (nmaps > 0)
		host_free(maps[--nmaps].p);
	memset(&acpi_sc, 0, sizeof(acpi_sc));
}

static void
fix(void *p, size_t n, size_t at)
{
	uint8_t *b = p, sum = 0;
	size_t i;

	b[at] = 0;
	for (i = 0; i < n; i++)
		sum += b[i];
	b[at] = -sum;
}

static struct acpi_header *
table(uint64_t pa, const char *sig, uint32_t len)
{
	struct acpi_header *ah = (void *)(memory + (pa - BASE));

	memcpy(ah->ah_sig, sig, 4);
	ah->ah_length = len;
	return (ah);
}

#define XSDT	(BASE + 0x100)
#define FACP	(BASE + 0x200)
#define APIC	(BASE + 0x400)
#define DSDT	(BASE + 0x500)

static const u_char s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04,
    0x0a, 0x05, 0x0a, 0x07, 0x00, 0x00 };

static void
seal(void)
{
	fix(memory + 0x100, 36 + 16, 9);
	fix(memory + 0x200, sizeof(struct acpi_fadt), 9);
	fix(memory + 0x400, 44 + 8 + 10, 9);
	fix(memory + 0x500, 36 + 40, 9);
}

static void
make(void)
{
	struct acpi_fadt *fa;
	uint64_t at;
	u_char *p;

	memset(memory, 0, sizeof(memory));
	table(XSDT, "XSDT", 36 + 16);
	at = FACP;
	memcpy(memory + 0x100 + 36, &at, 8);
	at = APIC;
	memcpy(memory + 0x100 + 44, &at, 8);
	fa = (void *)table(FACP, "FACP", sizeof(*fa));
	fa->fa_dsdt = DSDT;
	table(APIC, "APIC", 44 + 8 + 10);
	p = memory + 0x400 + 44;
	p[1] = 8;
	p[8] = 2;
	p[9] = 10;
	table(DSDT, "DSDT", 36 + 40);
	memcpy(memory + 0x500 + 36 + 3, s5, sizeof(s5));
	seal();
	memset(rsdp, 0, sizeof(rsdp));
	memcpy(rsdp, "RSD PTR ", 8);
	rsdp[15] = 2;
	rsdp[20] = 36;
	at = XSDT;
	memcpy(rsdp + 24, &at, 8);
	fix(rsdp, 20, 8);
}

static int
setup(void **state)
{
	hosted_init();
	hosted_map = map;
	hosted_unmap = unmap;
	make();
	return (0);
}

static int
teardown(void **state)
{
	forget();
	return (0);
}

static void
tables_are_found(void **state)
{
	uint8_t a, b;

	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_int_equal(acpi_sc.sc_ntables, 2);
	assert_non_null(acpi_table("APIC", 0));
	assert_null(acpi_table("APIC", 1));
	assert_true(acpi_sc.sc_hasfadt);
	assert_int_equal(acpi_sleep_type(acpi_sc.sc_dsdt, &a, &b), 0);
	assert_int_equal(a, 5);
	assert_int_equal(b, 7);
}

static void
by_the_old_root_too(void **state)
{
	uint32_t at32[2] = { FACP, APIC };

	rsdp[15] = 0;
	memcpy(rsdp + 16, &(uint32_t){ XSDT }, 4);
	fix(rsdp, 20, 8);
	memcpy(memory + 0x100 + 36, at32, 8);
	table(XSDT, "RSDT", 36 + 8);
	fix(memory + 0x100, 36 + 8, 9);
	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_int_equal(acpi_sc.sc_ntables, 2);
}

static void
a_wrong_sum_of_the_root_pointer_is_refused(void **state)
{
	rsdp[10] ^= 1;
	assert_int_equal(acpi_init(rsdp, 0), ENXIO);
}

static void
a_table_with_a_wrong_sum_is_left_out(void **state)
{
	memory[0x400 + 50] ^= 1;
	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_null(acpi_table("APIC", 0));
	assert_non_null(acpi_table("FACP", 0));
}

static void
lengths_that_lie_are_left_out(void **state)
{
	static const uint32_t bad[] = { 0, 4, 35, 5000, 0x7fffffff,
	    0xffffffff };
	u_int i;

	for (i = 0; i < nitems(bad); i++) {
		make();
		memcpy(memory + 0x404, &bad[i], 4);
		assert_int_equal(acpi_init(rsdp, 0), 0);
		assert_null(acpi_table("APIC", 0));
		forget();
	}
}

static void
a_root_that_names_itself_does_no_harm(void **state)
{
	uint64_t at = XSDT;

	memcpy(memory + 0x100 + 36, &at, 8);
	memcpy(memory + 0x100 + 44, &at, 8);
	seal();
	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_false(acpi_sc.sc_hasfadt);
}

static void
more_tables_than_there_is_room_for_are_left_out(void **state)
{
	uint64_t at = APIC;
	u_int i, n = ACPI_MAXTABLES + 5;

	memcpy(memory + 0x800, memory + 0x100, 36);
	for (i = 0; i < n; i++)
		memcpy(memory + 0x800 + 36 + 8 * i, &at, 8);
	memcpy(memory + 0x804, &(uint32_t){ 36 + 8 * n }, 4);
	fix(memory + 0x800, 36 + 8 * n, 9);
	at = BASE + 0x800;
	memcpy(rsdp + 24, &at, 8);
	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_int_equal(acpi_sc.sc_ntables, ACPI_MAXTABLES);
}

static u_int
subtables(const struct acpi_header *ah)
{
	const struct acpi_subtable *as = NULL;
	u_int n = 0;

	while ((as = acpi_subtable(ah, 44, as)) != NULL) {
		assert_true((const char *)as + as->as_length <=
		    (const char *)ah + ah->ah_length);
		n++;
	}
	return (n);
}

static void
entries_that_are_torn_end_the_table(void **state)
{
	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_int_equal(subtables(acpi_table("APIC", 0)), 2);
	forget();
	memory[0x400 + 44 + 1] = 0;		/* for ever */
	seal();
	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_int_equal(subtables(acpi_table("APIC", 0)), 0);
	forget();
	memory[0x400 + 44 + 1] = 8;
	memory[0x400 + 44 + 9] = 11;		/* one too many */
	seal();
	assert_int_equal(acpi_init(rsdp, 0), 0);
	assert_int_equal(subtables(acpi_table("APIC", 0)), 1);
}

static void
look(void)
{
	uint64_t v;
	uint8_t a, b;
	u_int i;

	for (i = 0; i < acpi_sc.sc_ntables; i++)
		if (memcmp(acpi_sc.sc_table[i]->ah_sig, "APIC", 4) == 0)
			(void)subtables(acpi_sc.sc_table[i]);
	(void)acpi_sleep_type(acpi_sc.sc_dsdt, &a, &b);
	(void)acpi_method_int(acpi_sc.sc_dsdt, "_CBA", &v);
}

static void
a_sleep_package_at_the_very_end_is_not_read_beyond(void **state)
{
	u_int n;

	for (n = 1; n <= sizeof(s5); n++) {
		make();
		memset(memory + 0x524, 0x5a, 40);
		memcpy(memory + 0x500 + 36 + 40 - n, s5, n);
		seal();
		assert_int_equal(acpi_init(rsdp, 0), 0);
		look();
		forget();
	}
	/* the longest length of a package, at the end */
	for (n = 0; n < 12; n++) {
		make();
		memset(memory + 0x524, 0xff, 40);
		memcpy(memory + 0x500 + 36 + 40 - n, s5 + 1, MIN(n, 5U));
		seal();
		assert_int_equal(acpi_init(rsdp, 0), 0);
		look();
		forget();
	}
}

static void
changed_at_random_nothing_is_read_beyond(void **state)
{
	u_int i;

	for (i = 0; i < 20000; i++) {
		make();
		mutate(memory + 0x100, 0x500);
		/* sums that are right again let it come further */
		if (i & 1)
			seal();
		(void)acpi_init(rsdp, 0);
		look();
		forget();
		hosted_init();
		hosted_map = map;
		hosted_unmap = unmap;
	}
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tables_are_found),
		TEST(by_the_old_root_too),
		TEST(a_wrong_sum_of_the_root_pointer_is_refused),
		TEST(a_table_with_a_wrong_sum_is_left_out),
		TEST(lengths_that_lie_are_left_out),
		TEST(a_root_that_names_itself_does_no_harm),
		TEST(more_tables_than_there_is_room_for_are_left_out),
		TEST(entries_that_are_torn_end_the_table),
		TEST(a_sleep_package_at_the_very_end_is_not_read_beyond),
		TEST(changed_at_random_nothing_is_read_beyond),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

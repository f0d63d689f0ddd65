/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

#include "fuzz.h"

#include <dev/acpi/acpivar.h>

/*
 * The input is memory from BASE on, the root pointer first.  Sums are made
 * right when a table is mapped, or the fuzzer would not come far.
 */
#define BASE	0x10000
#define NMAP	400

static const uint8_t	*memory;
static size_t		 memsize;
static void		*maps[NMAP];
static u_int		 nmaps;

static void
fix(uint8_t *p, size_t n, size_t at)
{
	uint8_t sum = 0;
	size_t i;

	if (n <= at)
		return;
	p[at] = 0;
	for (i = 0; i < n; i++)
		sum += p[i];
	p[at] = -sum;
}

static void *
map(uint64_t pa, size_t n)
{
	uint8_t *p;

	if (pa < BASE || pa - BASE > memsize || n > memsize - (pa - BASE) ||
	    n == 0 || nmaps == NMAP || (p = host_alloc(n)) == NULL)
		return (NULL);
	memcpy(p, memory + (pa - BASE), n);
	fix(p, n, 9);
	maps[nmaps++] = p;
	return (p);
}

static void
unmap(void *p, size_t n)
{
	u_int i;

	for (i = 0; i < nmaps && maps[i] != p; i++)
		;
	fuzz_check(i < nmaps, "not mapped");
	maps[i] = maps[--nmaps];
	host_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct acpi_subtable *as = NULL;
	u_char rsdp[36];
	uint64_t v;
	uint8_t a, b;
	u_int i;

	(void)fuzz_again();
	hosted_map = map;
	hosted_unmap = unmap;
	if (size < sizeof(rsdp))
		return (0);
	memory = data;
	memsize = size;
	memcpy(rsdp, data, sizeof(rsdp));
	memcpy(rsdp, "RSD PTR ", 8);
	fix(rsdp, 20, 8);
	(void)acpi_init(rsdp, 0);
	for (i = 0; i < acpi_sc.sc_ntables; i++) {
		as = NULL;
		while ((as = acpi_subtable(acpi_sc.sc_table[i], 44, as)) !=
		    NULL)
			;
	}
	(void)acpi_sleep_type(acpi_sc.sc_dsdt, &a, &b);
	(void)acpi_method_int(acpi_sc.sc_dsdt, "_CBA", &v);
	while (nmaps > 0)
		host_free(maps[--nmaps]);
	memset(&acpi_sc, 0, sizeof(acpi_sc));
	return (0);
}

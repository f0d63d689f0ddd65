/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * ACPI tables: found, checked, kept mapped.
 */

#include <sys/errno.h>
#include <sys/md.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>

#define ACPI_MAXLENGTH	(1024 * 1024)

struct acpi_rsdp {
	char		ar_sig[8];
	uint8_t		ar_checksum;
	char		ar_oemid[6];
	uint8_t		ar_revision;
	uint32_t	ar_rsdt;
	/* revision 2 */
	uint32_t	ar_length;
	uint64_t	ar_xsdt;
	uint8_t		ar_xchecksum;
	uint8_t		ar_reserved[3];
} __packed;
#define RSDP_LENGTH_1	20

struct acpi_softc	acpi_sc;

static bool
acpi_sum(const void *p, size_t n)
{
	const u_char *b = p;
	u_char sum = 0;

	while (n-- > 0)
		sum += *b++;
	return (sum == 0);
}

/* Map a table whose length is not known before its header was read. */
static const struct acpi_header *
acpi_map(paddr_t pa)
{
	const struct acpi_header *ah;
	uint32_t length;
	bool good;

	if (pa == 0 || (ah = md_map(pa, sizeof(*ah), MD_MAP_RDONLY)) == NULL)
		return (NULL);
	length = ah->ah_length;
	md_unmap((void *)(vaddr_t)ah, sizeof(*ah));
	if (length < sizeof(*ah) || length > ACPI_MAXLENGTH ||
	    (ah = md_map(pa, length, MD_MAP_RDONLY)) == NULL)
		return (NULL);
	good = ah->ah_length == length && acpi_sum(ah, length);
	if (!good) {
		printf("acpi: table %.4s at %#lx: bad checksum\n",
		    ah->ah_sig, pa);
		md_unmap((void *)(vaddr_t)ah, length);
		return (NULL);
	}
	return (ah);
}

static void
acpi_fadt_init(void)
{
	const struct acpi_header *ah;

	if ((ah = acpi_table("FACP", 0)) == NULL)
		return;
	memcpy(&acpi_sc.sc_fadt, ah, MIN(ah->ah_length,
	    sizeof(acpi_sc.sc_fadt)));
	acpi_sc.sc_hasfadt = true;
	acpi_sc.sc_dsdt = acpi_map(acpi_sc.sc_fadt.fa_x_dsdt != 0 ?
	    acpi_sc.sc_fadt.fa_x_dsdt : acpi_sc.sc_fadt.fa_dsdt);
}

/* The RSDT or XSDT: addresses of 4 or 8 bytes behind the header. */
static int
acpi_tables(paddr_t pa, size_t width)
{
	const struct acpi_header *root, *ah;
	const char *p, *end;
	uint64_t addr;

	if ((root = acpi_map(pa)) == NULL)
		return (ENXIO);
	end = (const char *)root + root->ah_length;
	for (p = (const char *)(root + 1); (size_t)(end - p) >= width;
	    p += width) {
		addr = 0;
		memcpy(&addr, p, width);
		if (acpi_sc.sc_ntables == ACPI_MAXTABLES) {
			printf("acpi: more than %d tables, rest ignored\n",
			    ACPI_MAXTABLES);
			break;
		}
		if ((ah = acpi_map(addr)) != NULL)
			acpi_sc.sc_table[acpi_sc.sc_ntables++] = ah;
	}
	md_unmap((void *)(vaddr_t)root, root->ah_length);
	acpi_fadt_init();
	return (0);
}

static bool
acpi_rsdp_good(const struct acpi_rsdp *ar)
{
	return (memcmp(ar->ar_sig, "RSD PTR ", 8) == 0 &&
	    acpi_sum(ar, RSDP_LENGTH_1));
}

/* Firmware of old leaves the pointer in its ROM. */
static bool
acpi_search(struct acpi_rsdp *ar)
{
	const paddr_t base = 0xe0000, size = 0x20000;
	const char *rom;
	paddr_t off;
	bool found = false;

	if ((rom = md_map(base, size, MD_MAP_RDONLY)) == NULL)
		return (false);
	for (off = 0; off < size && !found; off += 16) {
		if (*(const uint64_t *)(rom + off) != 0x2052545020445352ULL)
			continue;
		memcpy(ar, rom + off, MIN(sizeof(*ar), size - off));
		found = acpi_rsdp_good(ar);
	}
	md_unmap((void *)(vaddr_t)rom, size);
	return (found);
}

int
acpi_init(const u_char *copy, paddr_t pa)
{
	struct acpi_rsdp ar;
	const void *p;

	memset(&ar, 0, sizeof(ar));
	if (copy != NULL)
		memcpy(&ar, copy, sizeof(ar));
	else if (pa != 0) {
		if ((p = md_map(pa, sizeof(ar), MD_MAP_RDONLY)) == NULL)
			return (ENXIO);
		memcpy(&ar, p, sizeof(ar));
		md_unmap((void *)(vaddr_t)p, sizeof(ar));
	} else if (!acpi_search(&ar))
		return (ENXIO);
	if (!acpi_rsdp_good(&ar))
		return (ENXIO);
	if (ar.ar_revision >= 2 && ar.ar_xsdt != 0 &&
	    acpi_tables(ar.ar_xsdt, 8) == 0)
		return (0);
	return (acpi_tables(ar.ar_rsdt, 4));
}

const struct acpi_header *
acpi_table(const char *sig, u_int nth)
{
	u_int i;

	for (i = 0; i < acpi_sc.sc_ntables; i++) {
		if (memcmp(acpi_sc.sc_table[i]->ah_sig, sig, 4) == 0 &&
		    nth-- == 0)
			return (acpi_sc.sc_table[i]);
	}
	return (NULL);
}

const struct acpi_subtable *
acpi_subtable(const struct acpi_header *ah, size_t hdrlen,
    const struct acpi_subtable *as)
{
	const char *end = (const char *)ah + ah->ah_length, *next;

	if (ah->ah_length < hdrlen)
		return (NULL);
	next = as == NULL ? (const char *)ah + hdrlen :
	    (const char *)as + as->as_length;
	if ((size_t)(end - next) < sizeof(*as))
		return (NULL);
	as = (const struct acpi_subtable *)next;
	if (as->as_length < sizeof(*as) || as->as_length > end - next)
		return (NULL);
	return (as);
}

/* An AML integer constant (ACPI 20.2.3). */
bool
acpi_aml_int(const u_char **pp, const u_char *end, uint64_t *v)
{
	const u_char *p = *pp;
	size_t n;

	if (p >= end)
		return (false);
	switch (*p) {
	case 0x00:				/* ZeroOp, OneOp */
	case 0x01:
		*v = *p;
		*pp = p + 1;
		return (true);
	case 0x0a: n = 1; break;		/* BytePrefix ... */
	case 0x0b: n = 2; break;
	case 0x0c: n = 4; break;
	case 0x0e: n = 8; break;
	default:
		return (false);
	}
	if ((size_t)(end - p) < 1 + n)
		return (false);
	*v = 0;
	memcpy(v, p + 1, n);
	*pp = p + 1 + n;
	return (true);
}

/*
 * Name (_S5, Package () { a, b, ... }): 08 "_S5_" 12 length count a b.
 * That much can be found without understanding the rest.
 */
int
acpi_sleep_type(const struct acpi_header *dsdt, uint8_t *a, uint8_t *b)
{
	const u_char *p, *end;
	uint64_t v;

	if (dsdt == NULL)
		return (ENOENT);
	p = (const u_char *)(dsdt + 1);
	end = (const u_char *)dsdt + dsdt->ah_length;
	for (; end - p > 8; p++) {
		if (memcmp(p, "_S5_", 4) != 0 || p[4] != 0x12)
			continue;
		p += 5;
		p += (*p >> 6) + 1;	/* bytes of the length */
		if (p >= end)
			break;
		p++;			/* elements */
		if (!acpi_aml_int(&p, end, &v))
			break;
		*a = *b = v;
		if (acpi_aml_int(&p, end, &v))
			*b = v;
		return (0);
	}
	return (ENOENT);
}

/* Method (NAME) { Return (constant) }: name, flags, a4, constant. */
int
acpi_method_int(const struct acpi_header *dsdt, const char *name,
    uint64_t *v)
{
	const u_char *p, *end;

	if (dsdt == NULL)
		return (ENOENT);
	p = (const u_char *)(dsdt + 1);
	end = (const u_char *)dsdt + dsdt->ah_length;
	for (; end - p > 6; p++) {
		if (memcmp(p, name, 4) != 0 || p[5] != 0xa4)
			continue;
		p += 6;
		return (acpi_aml_int(&p, end, v) ? 0 : ENOENT);
	}
	return (ENOENT);
}

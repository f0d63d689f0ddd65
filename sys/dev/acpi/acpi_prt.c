/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The Paravane developers */

/*
 * Interrupt routing of PCI, as far as it can be read without running AML:
 * a _PRT that is a plain package, and links whose _CRS is a plain buffer.
 * ACPI 6.2.13 and 6.4.3.6; names and packages 20.2.
 */

#include <sys/errno.h>
#include <sys/systm.h>

#include <dev/acpi/acpivar.h>

/* The end of what a package length at p covers; *pp behind it.  NULL: torn. */
static const u_char *
aml_pkg(const u_char **pp, const u_char *end)
{
	const u_char *p = *pp, *start = p;
	size_t len, n, i;

	if (p >= end)
		return (NULL);
	n = *p >> 6;
	len = n == 0 ? *p & 0x3f : *p & 0x0f;
	if ((size_t)(end - p) <= n)
		return (NULL);
	for (i = 1; i <= n; i++)
		len |= (size_t)p[i] << (8 * i - 4);
	*pp = p + 1 + n;
	return (len <= (size_t)(end - start) && len > n ? start + len : NULL);
}

/* The last segment of a name; NULL: it is none. */
static const u_char *
aml_name(const u_char **pp, const u_char *end)
{
	const u_char *p = *pp, *seg;
	size_t count = 1;

	while (p < end && (*p == '\\' || *p == '^'))
		p++;
	if (p < end && *p == 0x2e) {		/* DualNamePrefix */
		count = 2;
		p++;
	} else if (end - p > 1 && *p == 0x2f) {	/* MultiNamePrefix */
		count = p[1];
		p += 2;
	}
	if (p >= end || count == 0 || (size_t)(end - p) < 4 * count ||
	    (*p != '_' && (*p < 'A' || *p > 'Z')))
		return (NULL);
	seg = p + 4 * (count - 1);
	*pp = p + 4 * count;
	return (seg);
}

/* The interrupt of Device (NAME): an extended descriptor in its _CRS. */
static int
prt_link(const u_char *p, const u_char *end, const u_char *name,
    struct acpi_gsi *ag)
{
	const u_char *q, *qend;

	for (; end - p > 8; p++) {
		if (p[0] != 0x5b || p[1] != 0x82)	/* DeviceOp */
			continue;
		q = p + 2;
		qend = aml_pkg(&q, end);
		if (qend == NULL || qend - q < 4 || memcmp(q, name, 4) != 0)
			continue;
		for (; qend - q > 14; q++) {
			if (memcmp(q, "_CRS", 4) != 0 || q[4] != 0x11)
				continue;
			/* behind the buffer's head: 89 length flags 1 gsi */
			for (q += 5; qend - q > 8; q++) {
				if (q[0] != 0x89 || q[2] != 0 || q[4] == 0)
					continue;
				memcpy(&ag->ag_gsi, q + 5, 4);
				ag->ag_level = !(q[3] & 0x02);
				ag->ag_low = (q[3] & 0x04) != 0;
				return (0);
			}
		}
	}
	return (ENOENT);
}

/* One entry: Package (4) { address, pin, source, index }. */
static bool
prt_entry(const u_char *p, const u_char *end, u_int dev, u_int pin,
    const u_char **source, uint64_t *index)
{
	uint64_t addr, epin;

	if (p >= end || *p++ != 4 || !acpi_aml_int(&p, end, &addr) ||
	    !acpi_aml_int(&p, end, &epin) || addr >> 16 != dev || epin != pin)
		return (false);
	if ((*source = aml_name(&p, end)) == NULL) {
		/* no link: the index is the interrupt itself */
		if (p >= end || *p++ != 0x00)
			return (false);
	}
	return (acpi_aml_int(&p, end, index));
}

int
acpi_prt(const struct acpi_header *dsdt, u_int dev, u_int pin,
    struct acpi_gsi *ag)
{
	const u_char *base, *p, *end, *pend, *entry, *eend, *source;
	uint64_t n;

	if (dsdt == NULL)
		return (ENOENT);
	base = (const u_char *)(dsdt + 1);
	end = (const u_char *)dsdt + dsdt->ah_length;
	for (p = base; end - p > 8; p++) {
		/* PackageOp or VarPackageOp */
		if (memcmp(p, "_PRT", 4) == 0 && (p[4] & ~1) == 0x12)
			break;
	}
	if (end - p <= 8)
		return (ENOENT);
	n = p[4];
	p += 5;
	if ((pend = aml_pkg(&p, end)) == NULL)
		return (ENOENT);
	if (n == 0x12)
		p++;
	else if (!acpi_aml_int(&p, pend, &n))
		return (ENOENT);
	for (; p < pend && *p == 0x12; p = eend) {
		entry = p + 1;
		if ((eend = aml_pkg(&entry, pend)) == NULL)
			break;
		if (!prt_entry(entry, eend, dev, pin, &source, &n))
			continue;
		if (source != NULL)
			return (prt_link(base, end, source, ag));
		*ag = (struct acpi_gsi){ n, true, true };
		return (0);
	}
	return (ENOENT);
}
